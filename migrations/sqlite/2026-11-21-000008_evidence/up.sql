-- SQLite cannot add composite keys to a table: it is made anew under its name, so that what refers to it stays.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE evidence_before AS SELECT * FROM evidence;
DROP TABLE evidence;
CREATE TABLE evidence (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    entry_id TEXT,
    contractor_id TEXT,
    kind TEXT NOT NULL,
    scheme TEXT,
    title TEXT NOT NULL,
    scope_text TEXT,
    document_number TEXT,
    pages TEXT,
    issued_on DATE,
    period_ends_on DATE,
    valid_until_on DATE,
    valid_until_by_rule BOOLEAN NOT NULL,
    file_id TEXT,
    note TEXT,
    replaced_by_id TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    FOREIGN KEY (local_government_id, replaced_by_id) REFERENCES evidence (local_government_id, id),
    CHECK (entry_id IS NULL OR contractor_id IS NULL)
);
INSERT INTO evidence (
    local_government_id, id, organization_id, entry_id, contractor_id, kind, title, valid_until_on, valid_until_by_rule,
    version, created_at, created_by, updated_at, updated_by
)
SELECT local_government_id, id, COALESCE(
        (SELECT entries.organization_id FROM entries
            WHERE entries.local_government_id = old.local_government_id AND entries.id = old.entry_id),
        (SELECT MIN(organizations.id) FROM organizations
            WHERE organizations.local_government_id = old.local_government_id)
    ),
    entry_id, CASE WHEN entry_id IS NULL THEN contractor_id END, kind, title, valid_until_on, FALSE,
    1, created_at, created_by, created_at, created_by
FROM evidence_before old;
DROP TABLE evidence_before;
CREATE INDEX evidence_entry ON evidence (local_government_id, entry_id, id);

-- An obligation about evidence is one of an entry, so several entries can lean on the same record.
UPDATE obligations SET subject_id = entry_id || '/' || subject_id WHERE kind = 'evidence' AND entry_id IS NOT NULL;

CREATE TABLE clause_templates (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    name TEXT NOT NULL,
    edition TEXT NOT NULL,
    valid_from_on DATE NOT NULL,
    valid_to_on DATE,
    file_id TEXT,
    evidence_id TEXT,
    note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id),
    UNIQUE (local_government_id, organization_id, name, edition)
);

CREATE TABLE clause_template_articles (
    local_government_id TEXT NOT NULL,
    clause_template_id TEXT NOT NULL,
    clause_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    article TEXT NOT NULL,
    quotation TEXT,
    PRIMARY KEY (local_government_id, clause_template_id, clause_key),
    FOREIGN KEY (local_government_id, clause_template_id) REFERENCES clause_templates (local_government_id, id)
);

CREATE INDEX evidence_contractor ON evidence (local_government_id, contractor_id, id);
CREATE INDEX clause_fulfilments_evidence ON clause_fulfilments (local_government_id, evidence_id, entry_id);
CREATE INDEX clause_agreements_evidence ON clause_agreements (local_government_id, evidence_id, entry_id);
