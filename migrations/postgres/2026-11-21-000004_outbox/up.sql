CREATE TABLE messages (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    local_day DATE NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    next_at BIGINT,
    lease_owner TEXT COLLATE "C",
    lease_until BIGINT,
    token BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    resends INTEGER NOT NULL,
    intent_at BIGINT,
    rfc_message_id TEXT COLLATE "C",
    template TEXT COLLATE "C",
    template_version TEXT COLLATE "C",
    subject TEXT COLLATE "C",
    sealed_bytes BYTEA,
    master_key_id TEXT COLLATE "C",
    body_sha256 TEXT COLLATE "C",
    remote_ref TEXT COLLATE "C",
    last_error TEXT COLLATE "C",
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
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    obligation_id TEXT COLLATE "C" NOT NULL,
    cycle INTEGER NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    department_id TEXT COLLATE "C",
    address TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C",
    planned_on DATE NOT NULL,
    immediate BOOLEAN NOT NULL,
    send_at BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C",
    superseded_by TEXT COLLATE "C",
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
    local_government_id TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    code INTEGER,
    text TEXT COLLATE "C",
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (local_government_id, message_id, number),
    FOREIGN KEY (local_government_id, message_id) REFERENCES messages (local_government_id, id)
);

CREATE INDEX messages_ready ON messages (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX reminder_items_ready ON reminder_items (immediate, send_at, local_government_id, address) WHERE send_at IS NOT NULL;
CREATE INDEX reminder_items_message ON reminder_items (local_government_id, message_id);
CREATE INDEX reminder_items_address ON reminder_items (local_government_id, address, state);
