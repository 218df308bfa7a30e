-- What came back after the relay had taken it: when, and the status of RFC 3463 with which it did.
ALTER TABLE messages ADD COLUMN bounced_at BIGINT;
ALTER TABLE messages ADD COLUMN bounce_status TEXT;

-- Addresses that do not exist any more: nothing is written to them until they are corrected or forgotten here.
CREATE TABLE bounced_addresses (
    local_government_id TEXT NOT NULL,
    address TEXT NOT NULL,
    status TEXT NOT NULL,
    message_id TEXT NOT NULL,
    bounced_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, address),
    FOREIGN KEY (local_government_id, message_id) REFERENCES messages (local_government_id, id)
);

-- Who was sent the summary of which week; its key is why nobody gets one twice.
CREATE TABLE weekly_summaries (
    local_government_id TEXT NOT NULL,
    -- The week's Monday.
    week_on DATE NOT NULL,
    -- person:ID, department:ID or operator.
    recipient TEXT NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (local_government_id, week_on, recipient),
    FOREIGN KEY (local_government_id, message_id) REFERENCES messages (local_government_id, id)
);
