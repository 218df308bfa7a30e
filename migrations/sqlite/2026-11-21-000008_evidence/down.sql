DROP INDEX clause_agreements_evidence;
DROP INDEX clause_fulfilments_evidence;
DROP TABLE clause_template_articles;
DROP TABLE clause_templates;
UPDATE obligations SET subject_id = substr(subject_id, length(entry_id) + 2)
    WHERE kind = 'evidence' AND entry_id IS NOT NULL;
PRAGMA defer_foreign_keys = ON;
CREATE TABLE evidence_before AS SELECT * FROM evidence;
DROP TABLE evidence;
CREATE TABLE evidence (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    entry_id TEXT,
    contractor_id TEXT,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    valid_until_on DATE,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);
INSERT INTO evidence
SELECT local_government_id, id, entry_id, contractor_id, kind, title, valid_until_on, created_at, created_by
FROM evidence_before;
DROP TABLE evidence_before;
CREATE INDEX evidence_entry ON evidence (local_government_id, entry_id, id);
