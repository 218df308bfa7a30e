DROP INDEX reminder_items_recipient;
DROP TABLE prepared_answers;
DROP TABLE grace_requests;
DROP TABLE receipts;
DROP TABLE links;
DROP TABLE link_purposes;
DELETE FROM message_kinds WHERE code = 'notice';
