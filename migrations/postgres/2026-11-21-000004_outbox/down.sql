DROP TABLE message_attempts;
DROP TABLE reminder_items;
DROP TABLE messages;
