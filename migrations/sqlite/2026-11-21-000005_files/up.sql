CREATE TABLE file_types (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO file_types (code) VALUES
    ('pdf'),
    ('png'),
    ('jpeg'),
    ('docx'),
    ('xlsx'),
    ('csv'),
    ('txt');

-- The bytes are in DATA_DIR/files under storage_name, which says nothing about them.
CREATE TABLE files (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    name TEXT NOT NULL,
    file_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    storage_name TEXT NOT NULL,
    scanned BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (file_type) REFERENCES file_types (code),
    UNIQUE (storage_name)
);
