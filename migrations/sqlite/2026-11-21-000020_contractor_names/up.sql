-- The folded name alone, so that companies of one name are found by an index. SQL cannot fold: rows from before have
-- none until they are written again.
ALTER TABLE contractors ADD COLUMN name_key TEXT;

CREATE INDEX contractors_name ON contractors (local_government_id, name_key);
