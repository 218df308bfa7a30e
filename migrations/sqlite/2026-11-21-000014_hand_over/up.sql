CREATE TABLE hand_over_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO hand_over_states (code) VALUES
    ('announced'),
    ('pending'),
    ('accepted'),
    ('declined'),
    ('ended');

CREATE TABLE hand_over_causes (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO hand_over_causes (code) VALUES
    ('requested'),
    ('post_holder'),
    ('term_end');

ALTER TABLE role_assignments ADD COLUMN announced_on DATE;
ALTER TABLE post_holders ADD COLUMN settle_on DATE;
ALTER TABLE people ADD COLUMN settle_on DATE;
ALTER TABLE departments ADD COLUMN successor_id TEXT;
ALTER TABLE social_media_accounts ADD COLUMN credentials_due_on DATE;

CREATE TABLE delegations (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    from_person_id TEXT NOT NULL,
    to_person_id TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    reason TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, from_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, to_person_id) REFERENCES people (local_government_id, id)
);

CREATE TABLE ownership_transfers (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    organization_id TEXT,
    from_person_id TEXT,
    from_post_id TEXT,
    to_person_id TEXT,
    to_post_id TEXT,
    entry_ids TEXT,
    effective_on DATE NOT NULL,
    announced_on DATE,
    due_on DATE NOT NULL,
    reason TEXT,
    change_key TEXT,
    settle_on DATE,
    moved_at BIGINT,
    answered_on DATE,
    answered_by_person_id TEXT,
    answer_note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    FOREIGN KEY (cause) REFERENCES hand_over_causes (code),
    FOREIGN KEY (state) REFERENCES hand_over_states (code),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, from_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, from_post_id) REFERENCES posts (local_government_id, id),
    FOREIGN KEY (local_government_id, to_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, to_post_id) REFERENCES posts (local_government_id, id),
    FOREIGN KEY (local_government_id, answered_by_person_id) REFERENCES people (local_government_id, id),
    UNIQUE (local_government_id, change_key)
);

CREATE TABLE ownership_transfer_objects (
    local_government_id TEXT NOT NULL,
    transfer_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    entry_id TEXT,
    organization_id TEXT NOT NULL,
    PRIMARY KEY (local_government_id, transfer_id, kind, object_id),
    FOREIGN KEY (local_government_id, transfer_id) REFERENCES ownership_transfers (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id)
);

CREATE TABLE department_successions (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    department_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    successors TEXT NOT NULL,
    effective_on DATE NOT NULL,
    reason TEXT NOT NULL,
    settle_on DATE,
    done_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, department_id) REFERENCES departments (local_government_id, id),
    UNIQUE (local_government_id, department_id),
    CHECK (kind IN ('merge', 'split', 'successor'))
);

CREATE INDEX delegations_from ON delegations (local_government_id, from_person_id, ends_on);
CREATE INDEX delegations_to ON delegations (local_government_id, to_person_id, ends_on);
CREATE INDEX delegations_organization ON delegations (local_government_id, organization_id, ends_on);
CREATE INDEX ownership_transfers_settle ON ownership_transfers (settle_on) WHERE settle_on IS NOT NULL;
CREATE INDEX ownership_transfers_state ON ownership_transfers (local_government_id, state, due_on);
CREATE INDEX ownership_transfers_from_post ON ownership_transfers (local_government_id, from_post_id);
CREATE INDEX ownership_transfers_from_person ON ownership_transfers (local_government_id, from_person_id);
CREATE INDEX ownership_transfer_objects_entry ON ownership_transfer_objects (local_government_id, entry_id);
CREATE INDEX department_successions_settle ON department_successions (settle_on) WHERE settle_on IS NOT NULL;
CREATE INDEX post_holders_settle ON post_holders (settle_on) WHERE settle_on IS NOT NULL;
CREATE INDEX people_settle ON people (settle_on) WHERE settle_on IS NOT NULL;
CREATE INDEX posts_department ON posts (local_government_id, department_id);
CREATE INDEX departments_parent ON departments (local_government_id, parent_id);
CREATE INDEX appointments_department ON appointments (local_government_id, department_id);
CREATE INDEX role_assignments_department ON role_assignments (local_government_id, department_id);
CREATE INDEX entries_department ON entries (local_government_id, department_id);
CREATE INDEX entries_deputy_person ON entries (local_government_id, deputy_person_id);
CREATE INDEX entries_deputy_post ON entries (local_government_id, deputy_post_id);
CREATE INDEX social_media_services_responsible_person ON social_media_services (local_government_id, responsible_person_id);
CREATE INDEX social_media_services_responsible_post ON social_media_services (local_government_id, responsible_post_id);
CREATE INDEX round_clauses_assignee ON round_clauses (local_government_id, assignee_person_id);
