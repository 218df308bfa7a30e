DROP INDEX clause_agreements_evidence;
DROP INDEX clause_fulfilments_evidence;
DROP TABLE clause_template_articles;
DROP TABLE clause_templates;
UPDATE obligations SET subject_id = substr(subject_id, length(entry_id) + 2)
    WHERE kind = 'evidence' AND entry_id IS NOT NULL;
DROP INDEX evidence_contractor;
ALTER TABLE evidence
    DROP COLUMN organization_id,
    DROP COLUMN scheme,
    DROP COLUMN scope_text,
    DROP COLUMN document_number,
    DROP COLUMN pages,
    DROP COLUMN issued_on,
    DROP COLUMN period_ends_on,
    DROP COLUMN valid_until_by_rule,
    DROP COLUMN file_id,
    DROP COLUMN note,
    DROP COLUMN replaced_by_id,
    DROP COLUMN version,
    DROP COLUMN updated_at,
    DROP COLUMN updated_by,
    DROP COLUMN archived_at;
ALTER TABLE evidence DROP CONSTRAINT evidence_check;
