CREATE TABLE export_statuses (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO export_statuses (code) VALUES
    ('queued'),
    ('running'),
    ('succeeded'),
    ('failed');

-- What a client asked to have written to a file, and the file: its bytes are in DATA_DIR/files under storage_name.
CREATE TABLE exports (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    -- An entity or a report.
    subject TEXT COLLATE "C" NOT NULL,
    -- The whole order as JSON: format, encoding, columns, filter, language, and what the client may see.
    order_json TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    rows_done BIGINT NOT NULL,
    -- Nobody else takes it up before.
    lease_until BIGINT,
    error_code TEXT COLLATE "C",
    error_ja TEXT COLLATE "C",
    error_en TEXT COLLATE "C",
    file_name TEXT COLLATE "C",
    storage_name TEXT COLLATE "C",
    size_bytes BIGINT,
    sha256 TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    finished_at BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, client_id) REFERENCES api_clients (local_government_id, id),
    FOREIGN KEY (status) REFERENCES export_statuses (code),
    UNIQUE (storage_name)
);

CREATE INDEX exports_client ON exports (local_government_id, client_id, id);
CREATE INDEX exports_status ON exports (local_government_id, status, id);
CREATE INDEX exports_expiry ON exports (local_government_id, expires_at);

-- Reports: what ends in a fiscal year, by its last day.
CREATE INDEX engagement_periods_ends_on ON engagement_periods (local_government_id, ends_on, id);
CREATE INDEX cloud_services_approval ON cloud_services (local_government_id, approval_valid_until_on, id);
