ALTER TABLE evidence
    ADD COLUMN organization_id TEXT COLLATE "C",
    ADD COLUMN scheme TEXT COLLATE "C",
    ADD COLUMN scope_text TEXT COLLATE "C",
    ADD COLUMN document_number TEXT COLLATE "C",
    ADD COLUMN pages TEXT COLLATE "C",
    ADD COLUMN issued_on DATE,
    ADD COLUMN period_ends_on DATE,
    ADD COLUMN valid_until_by_rule BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN file_id TEXT COLLATE "C",
    ADD COLUMN note TEXT COLLATE "C",
    ADD COLUMN replaced_by_id TEXT COLLATE "C",
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN updated_at BIGINT,
    ADD COLUMN updated_by TEXT COLLATE "C",
    ADD COLUMN archived_at BIGINT;
UPDATE evidence old SET
    organization_id = COALESCE(
        (SELECT entries.organization_id FROM entries
            WHERE entries.local_government_id = old.local_government_id AND entries.id = old.entry_id),
        (SELECT MIN(organizations.id) FROM organizations
            WHERE organizations.local_government_id = old.local_government_id)
    ),
    contractor_id = CASE WHEN entry_id IS NULL THEN contractor_id END,
    updated_at = created_at,
    updated_by = created_by;
ALTER TABLE evidence
    ALTER COLUMN organization_id SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL,
    ALTER COLUMN updated_by SET NOT NULL,
    ALTER COLUMN valid_until_by_rule DROP DEFAULT,
    ALTER COLUMN version DROP DEFAULT,
    ADD FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    ADD FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    ADD FOREIGN KEY (local_government_id, replaced_by_id) REFERENCES evidence (local_government_id, id),
    ADD CHECK (entry_id IS NULL OR contractor_id IS NULL);

-- An obligation about evidence is one of an entry, so several entries can lean on the same record.
UPDATE obligations SET subject_id = entry_id || '/' || subject_id WHERE kind = 'evidence' AND entry_id IS NOT NULL;

CREATE TABLE clause_templates (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    edition TEXT COLLATE "C" NOT NULL,
    valid_from_on DATE NOT NULL,
    valid_to_on DATE,
    file_id TEXT COLLATE "C",
    evidence_id TEXT COLLATE "C",
    note TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id),
    UNIQUE (local_government_id, organization_id, name, edition)
);

CREATE TABLE clause_template_articles (
    local_government_id TEXT COLLATE "C" NOT NULL,
    clause_template_id TEXT COLLATE "C" NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    article TEXT COLLATE "C" NOT NULL,
    quotation TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, clause_template_id, clause_key),
    FOREIGN KEY (local_government_id, clause_template_id) REFERENCES clause_templates (local_government_id, id)
);

CREATE INDEX evidence_contractor ON evidence (local_government_id, contractor_id, id);
CREATE INDEX clause_fulfilments_evidence ON clause_fulfilments (local_government_id, evidence_id, entry_id);
CREATE INDEX clause_agreements_evidence ON clause_agreements (local_government_id, evidence_id, entry_id);
