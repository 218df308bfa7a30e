DROP TABLE weekly_summaries;
DROP TABLE bounced_addresses;
ALTER TABLE messages DROP COLUMN bounce_status;
ALTER TABLE messages DROP COLUMN bounced_at;
