-- What the overview counts by, beside the whole sum: it is counted by the database, not read line by line.
ALTER TABLE risk_assessments ADD COLUMN impact INTEGER NOT NULL DEFAULT 1;
ALTER TABLE risk_assessments ADD COLUMN exposure INTEGER NOT NULL DEFAULT 1;
ALTER TABLE risk_assessments ADD COLUMN coverage_bp INTEGER NOT NULL DEFAULT 0;
UPDATE risk_assessments SET impact = json_extract(result, '$.impact.value'), exposure = json_extract(result, '$.exposure.value'), coverage_bp = json_extract(result, '$.coverage_bp');

CREATE INDEX reminder_items_planned ON reminder_items (local_government_id, planned_on);
