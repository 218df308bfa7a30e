-- What the overview counts by, beside the whole sum: it is counted by the database, not read line by line.
ALTER TABLE risk_assessments ADD COLUMN impact INTEGER NOT NULL DEFAULT 1;
ALTER TABLE risk_assessments ADD COLUMN exposure INTEGER NOT NULL DEFAULT 1;
ALTER TABLE risk_assessments ADD COLUMN coverage_bp INTEGER NOT NULL DEFAULT 0;
UPDATE risk_assessments SET impact = (result::json -> 'impact' ->> 'value')::integer, exposure = (result::json -> 'exposure' ->> 'value')::integer, coverage_bp = (result::json ->> 'coverage_bp')::integer;

CREATE INDEX reminder_items_planned ON reminder_items (local_government_id, planned_on);
