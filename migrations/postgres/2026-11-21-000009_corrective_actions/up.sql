CREATE TABLE corrective_action_states (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO corrective_action_states (code) VALUES
    ('open'),
    ('closed');

CREATE TABLE corrective_action_origins (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO corrective_action_origins (code) VALUES
    ('verification'),
    ('incident'),
    ('audit_finding'),
    ('self_inspection'),
    ('manual');

CREATE TABLE corrective_actions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C",
    clause_key TEXT COLLATE "C",
    origin_kind TEXT COLLATE "C" NOT NULL,
    origin_id TEXT COLLATE "C",
    title TEXT COLLATE "C" NOT NULL,
    owner_person_id TEXT COLLATE "C",
    owner_post_id TEXT COLLATE "C",
    opened_on DATE NOT NULL,
    due_on DATE NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C",
    closed_on DATE,
    closed_by_person_id TEXT COLLATE "C",
    done TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (origin_kind) REFERENCES corrective_action_origins (code),
    FOREIGN KEY (state) REFERENCES corrective_action_states (code),
    FOREIGN KEY (local_government_id, owner_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, owner_post_id) REFERENCES posts (local_government_id, id),
    FOREIGN KEY (local_government_id, closed_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX corrective_actions_entry ON corrective_actions (local_government_id, entry_id, id);
CREATE INDEX corrective_actions_origin ON corrective_actions (local_government_id, origin_id, id);

CREATE TABLE corrective_action_evidence (
    local_government_id TEXT COLLATE "C" NOT NULL,
    corrective_action_id TEXT COLLATE "C" NOT NULL,
    evidence_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, corrective_action_id, evidence_id),
    FOREIGN KEY (local_government_id, corrective_action_id) REFERENCES corrective_actions (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE TABLE corrective_action_extensions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    corrective_action_id TEXT COLLATE "C" NOT NULL,
    before_on DATE NOT NULL,
    due_on DATE NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    decided_by_person_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, corrective_action_id) REFERENCES corrective_actions (local_government_id, id),
    FOREIGN KEY (local_government_id, decided_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX corrective_action_extensions_action
    ON corrective_action_extensions (local_government_id, corrective_action_id, id);
