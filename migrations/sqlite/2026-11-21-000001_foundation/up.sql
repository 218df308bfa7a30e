CREATE TABLE entry_statuses (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO entry_statuses (code) VALUES
    ('draft'),
    ('under_selection'),
    ('applied'),
    ('under_review'),
    ('returned'),
    ('selected'),
    ('contracted'),
    ('approved'),
    ('onboarding'),
    ('provisioned'),
    ('in_performance'),
    ('in_use'),
    ('operating'),
    ('dormant'),
    ('compromised'),
    ('suspended'),
    ('closing'),
    ('closed'),
    ('offboarding'),
    ('retired'),
    ('not_selected'),
    ('cancelled'),
    ('rejected'),
    ('withdrawn');

CREATE TABLE obligation_kinds (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO obligation_kinds (code) VALUES
    ('reverification'),
    ('evidence'),
    ('exception'),
    ('contract_end'),
    ('notice_deadline'),
    ('approval_expiry'),
    ('subcontract_expiry'),
    ('corrective_action'),
    ('self_inspection'),
    ('handover');

CREATE TABLE obligation_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO obligation_states (code) VALUES
    ('open'),
    ('closed'),
    ('rescheduled'),
    ('retired');

CREATE TABLE reminder_item_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO reminder_item_states (code) VALUES
    ('planned'),
    ('fixed'),
    ('sent'),
    ('superseded'),
    ('cancelled');

CREATE TABLE message_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO message_states (code) VALUES
    ('queued'),
    ('leased'),
    ('committing'),
    ('in_doubt'),
    ('accepted'),
    ('dead'),
    ('cancelled'),
    ('held');

CREATE TABLE message_kinds (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO message_kinds (code) VALUES
    ('digest'),
    ('immediate');

CREATE TABLE local_governments (
    id TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_kana TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    sending_minute INTEGER NOT NULL,
    mails_per_minute INTEGER NOT NULL,
    public_url TEXT NOT NULL,
    mail_from TEXT NOT NULL,
    mail_from_name TEXT NOT NULL,
    contact TEXT NOT NULL,
    is_demo BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (code)
);

CREATE TABLE organizations (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_kana TEXT NOT NULL,
    kind TEXT NOT NULL,
    profile_key TEXT NOT NULL,
    extra_closed_days TEXT NOT NULL,
    review_month INTEGER,
    existing_gaps_due_on DATE,
    contact TEXT,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    UNIQUE (local_government_id, key)
);

CREATE TABLE departments (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    parent_id TEXT,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_kana TEXT,
    mailbox TEXT,
    valid_from_on DATE,
    valid_to_on DATE,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, parent_id) REFERENCES departments (local_government_id, id),
    UNIQUE (local_government_id, organization_id, code)
);

CREATE TABLE people (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_kana TEXT,
    email TEXT,
    email_invalid_at BIGINT,
    employee_code TEXT,
    left_on DATE,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    UNIQUE (local_government_id, employee_code)
);

CREATE TABLE posts (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    department_id TEXT,
    name TEXT NOT NULL,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, department_id) REFERENCES departments (local_government_id, id)
);

CREATE TABLE post_holders (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    post_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    announced_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, post_id) REFERENCES posts (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id)
);

CREATE TABLE appointments (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    department_id TEXT,
    starts_on DATE NOT NULL,
    ends_on DATE,
    announced_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, department_id) REFERENCES departments (local_government_id, id)
);

CREATE TABLE role_assignments (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    department_id TEXT,
    role TEXT NOT NULL,
    person_id TEXT,
    post_id TEXT,
    starts_on DATE NOT NULL,
    ends_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, department_id) REFERENCES departments (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, post_id) REFERENCES posts (local_government_id, id),
    CHECK ((person_id IS NULL) <> (post_id IS NULL))
);

CREATE TABLE api_clients (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    organization_ids TEXT NOT NULL,
    contact_email TEXT,
    expires_on DATE,
    last_used_at BIGINT,
    revoked_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    UNIQUE (id)
);

CREATE TABLE api_client_secrets (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, client_id) REFERENCES api_clients (local_government_id, id)
);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    private_sealed BLOB NOT NULL,
    master_key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (kid)
);

CREATE TABLE secret_keys (
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    master_key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE journal_heads (
    local_government_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (local_government_id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);

CREATE TABLE journal (
    local_government_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    organization_id TEXT,
    entry_id TEXT,
    actor_client_id TEXT,
    actor_person_id TEXT,
    via TEXT NOT NULL,
    hashed_text TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (local_government_id, seq),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);

CREATE TABLE journal_payloads (
    local_government_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    salt TEXT NOT NULL,
    body TEXT,
    PRIMARY KEY (local_government_id, seq),
    FOREIGN KEY (local_government_id, seq) REFERENCES journal (local_government_id, seq)
);

CREATE TABLE external_ids (
    local_government_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    system TEXT NOT NULL,
    value TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    PRIMARY KEY (local_government_id, resource_type, system, value),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);

CREATE TABLE number_series (
    local_government_id TEXT NOT NULL,
    series TEXT NOT NULL,
    last_number BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, series),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);

CREATE TABLE search_grams (
    local_government_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    gram TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (local_government_id, kind, gram, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);

CREATE TABLE clock_marks (
    one INTEGER NOT NULL,
    high_water BIGINT NOT NULL,
    db_epoch TEXT NOT NULL,
    quarantined_at BIGINT,
    quarantine_reason TEXT,
    PRIMARY KEY (one),
    CHECK (one = 1)
);

CREATE INDEX posts_organization ON posts (local_government_id, organization_id, id);
CREATE INDEX post_holders_post ON post_holders (local_government_id, post_id, starts_on);
CREATE INDEX post_holders_person ON post_holders (local_government_id, person_id);
CREATE INDEX appointments_person ON appointments (local_government_id, person_id);
CREATE INDEX appointments_organization ON appointments (local_government_id, organization_id, id);
CREATE INDEX role_assignments_organization ON role_assignments (local_government_id, organization_id, role);
CREATE INDEX role_assignments_person ON role_assignments (local_government_id, person_id);
CREATE INDEX role_assignments_post ON role_assignments (local_government_id, post_id);
CREATE INDEX api_client_secrets_client ON api_client_secrets (client_id);
CREATE INDEX journal_subject ON journal (local_government_id, subject_type, subject_id, seq);
CREATE INDEX journal_entry ON journal (local_government_id, entry_id, seq);
CREATE INDEX external_ids_resource ON external_ids (local_government_id, resource_type, resource_id);
CREATE INDEX search_grams_id ON search_grams (local_government_id, kind, id);
