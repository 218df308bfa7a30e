DROP INDEX reminder_items_planned;
ALTER TABLE risk_assessments DROP COLUMN coverage_bp;
ALTER TABLE risk_assessments DROP COLUMN exposure;
ALTER TABLE risk_assessments DROP COLUMN impact;
