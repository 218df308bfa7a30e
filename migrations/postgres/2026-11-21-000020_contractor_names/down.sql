DROP INDEX contractors_name;
ALTER TABLE contractors DROP COLUMN name_key;
