-- A file of rows that is taken into the register; its bytes are in DATA_DIR/files under storage_name until they are staged.
CREATE TABLE imports (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    entity TEXT NOT NULL,
    -- What was asked for, as JSON: format, encoding, mode, what happens on errors, key, mapping, name of the file.
    settings TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    storage_name TEXT,
    -- Who asked; both null: a command or the watched folder.
    client_id TEXT,
    person_id TEXT,
    organization_ids TEXT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    -- The header that was found, as JSON.
    header TEXT,
    -- How far the phase is: the last row of the sheet that is done.
    last_row BIGINT NOT NULL,
    rows_total BIGINT NOT NULL,
    rows_done BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    problem TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    finished_at BIGINT,
    -- When its rows and errors are erased; null once they are.
    expires_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    FOREIGN KEY (local_government_id, client_id) REFERENCES api_clients (local_government_id, id),
    UNIQUE (storage_name),
    CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CHECK (phase IN ('staging', 'checking', 'applying', 'done'))
);

CREATE INDEX imports_status ON imports (local_government_id, status, id);
CREATE INDEX imports_content ON imports (local_government_id, sha256, entity);
CREATE INDEX imports_expiry ON imports (local_government_id, expires_at);

-- The rows of a file as they were read; after the end those with errors stay for the error file.
CREATE TABLE import_rows (
    local_government_id TEXT NOT NULL,
    import_id TEXT NOT NULL,
    row_number BIGINT NOT NULL,
    cells TEXT NOT NULL,
    -- By what the row is recognised: two rows of one key are a mistake.
    row_key TEXT,
    failed BOOLEAN NOT NULL,
    PRIMARY KEY (local_government_id, import_id, row_number),
    FOREIGN KEY (local_government_id, import_id) REFERENCES imports (local_government_id, id)
);

CREATE INDEX import_rows_recognised ON import_rows (local_government_id, import_id, row_key, row_number);

-- What is wrong with a row.
CREATE TABLE import_errors (
    local_government_id TEXT NOT NULL,
    import_id TEXT NOT NULL,
    row_number BIGINT NOT NULL,
    position BIGINT NOT NULL,
    -- The column of the sheet, from 0.
    sheet_column BIGINT,
    field TEXT,
    code TEXT NOT NULL,
    message_ja TEXT NOT NULL,
    message_en TEXT NOT NULL,
    PRIMARY KEY (local_government_id, import_id, row_number, position),
    FOREIGN KEY (local_government_id, import_id) REFERENCES imports (local_government_id, id)
);
