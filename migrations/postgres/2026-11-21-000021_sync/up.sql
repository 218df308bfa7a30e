-- Where the event feed of the last 90 days begins.
CREATE INDEX journal_at ON journal (local_government_id, at, seq);

-- The gate was asked about this once: a decision that changes is told.
CREATE TABLE gate_watches (
    local_government_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    look_on DATE NOT NULL,
    PRIMARY KEY (local_government_id, entry_id, action),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id)
);

CREATE INDEX gate_watches_look ON gate_watches (local_government_id, look_on, entry_id, action);

-- Up to which number of the journal the watches were marked.
CREATE TABLE gate_watch_positions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (local_government_id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);

CREATE TABLE webhook_endpoints (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    contact_person_id TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    event_types TEXT COLLATE "C" NOT NULL,
    organization_ids TEXT COLLATE "C",
    note TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    sealed_secret BYTEA NOT NULL,
    secret_prefix TEXT COLLATE "C" NOT NULL,
    previous_sealed_secret BYTEA,
    previous_secret_until BIGINT,
    position BIGINT NOT NULL,
    failing_since BIGINT,
    disabled_reason TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, contact_person_id) REFERENCES people (local_government_id, id)
);

-- One event for one endpoint; the bytes stay the same in every attempt.
CREATE TABLE webhook_deliveries (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts INTEGER NOT NULL,
    next_at BIGINT,
    token BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    done_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, endpoint_id) REFERENCES webhook_endpoints (local_government_id, id),
    UNIQUE (local_government_id, endpoint_id, event_id)
);

CREATE INDEX webhook_deliveries_next ON webhook_deliveries (local_government_id, next_at, id);
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (local_government_id, endpoint_id, id);
CREATE INDEX webhook_deliveries_done ON webhook_deliveries (local_government_id, done_at, id);

CREATE TABLE webhook_attempts (
    local_government_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    response_status INTEGER,
    error TEXT COLLATE "C",
    response_text TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, delivery_id, number),
    FOREIGN KEY (local_government_id, delivery_id) REFERENCES webhook_deliveries (local_government_id, id)
);

INSERT INTO obligation_kinds (code) VALUES ('webhook');
