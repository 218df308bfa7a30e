DELETE FROM obligation_kinds WHERE code = 'webhook';
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
DROP TABLE gate_watch_positions;
DROP TABLE gate_watches;
DROP INDEX journal_at;
