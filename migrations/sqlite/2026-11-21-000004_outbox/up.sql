CREATE TABLE messages (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    local_day DATE NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT,
    lease_owner TEXT,
    lease_until BIGINT,
    token BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    resends INTEGER NOT NULL,
    intent_at BIGINT,
    rfc_message_id TEXT,
    template TEXT,
    template_version TEXT,
    subject TEXT,
    sealed_bytes BLOB,
    master_key_id TEXT,
    body_sha256 TEXT,
    remote_ref TEXT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    done_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    FOREIGN KEY (state) REFERENCES message_states (code),
    FOREIGN KEY (kind) REFERENCES message_kinds (code),
    UNIQUE (local_government_id, address, local_day, sequence),
    UNIQUE (rfc_message_id)
);

CREATE TABLE reminder_items (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    obligation_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    stage TEXT NOT NULL,
    recipient TEXT NOT NULL,
    person_id TEXT,
    department_id TEXT,
    address TEXT NOT NULL,
    role TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    entry_id TEXT,
    planned_on DATE NOT NULL,
    immediate BOOLEAN NOT NULL,
    send_at BIGINT,
    state TEXT NOT NULL,
    message_id TEXT,
    superseded_by TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (local_government_id, message_id) REFERENCES messages (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (state) REFERENCES reminder_item_states (code),
    UNIQUE (local_government_id, obligation_id, cycle, stage, recipient)
);

CREATE TABLE message_attempts (
    local_government_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    node TEXT NOT NULL,
    phase TEXT NOT NULL,
    code INTEGER,
    text TEXT,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (local_government_id, message_id, number),
    FOREIGN KEY (local_government_id, message_id) REFERENCES messages (local_government_id, id)
);

CREATE INDEX messages_ready ON messages (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX reminder_items_ready ON reminder_items (immediate, send_at, local_government_id, address) WHERE send_at IS NOT NULL;
CREATE INDEX reminder_items_message ON reminder_items (local_government_id, message_id);
CREATE INDEX reminder_items_address ON reminder_items (local_government_id, address, state);
