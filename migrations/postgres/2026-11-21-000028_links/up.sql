-- A mail that is no reminder: a receipt, a question to somebody. Its bytes are fixed when it is queued.
INSERT INTO message_kinds (code) VALUES ('notice');

CREATE TABLE link_purposes (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO link_purposes (code) VALUES
    ('answer'),
    ('prepare'),
    ('grace');

-- What a mail lets its reader do. Token and code follow from the id and a key that is not in here, so a stolen backup
-- opens nothing; they are found by what the key makes of them.
CREATE TABLE links (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    -- Whom it is for: a person or the mailbox of a department.
    person_id TEXT COLLATE "C",
    department_id TEXT COLLATE "C",
    -- Who asked for it, if somebody did.
    by_person_id TEXT COLLATE "C",
    -- The one thing that it is about; an answer is about everything that its reader is asked.
    obligation_id TEXT COLLATE "C",
    cycle INTEGER,
    message_id TEXT COLLATE "C",
    token_hash TEXT COLLATE "C" NOT NULL,
    code_hash TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (purpose) REFERENCES link_purposes (code),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, department_id) REFERENCES departments (local_government_id, id),
    FOREIGN KEY (local_government_id, by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (local_government_id, message_id) REFERENCES messages (local_government_id, id),
    UNIQUE (token_hash),
    UNIQUE (code_hash)
);

CREATE INDEX links_person ON links (local_government_id, person_id, id);

-- What was answered by a link, once per sheet: whoever sends it again is shown this.
CREATE TABLE receipts (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    link_id TEXT COLLATE "C" NOT NULL,
    sheet TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    answered TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, link_id) REFERENCES links (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    UNIQUE (local_government_id, number),
    UNIQUE (local_government_id, link_id, sheet)
);

-- Somebody needs more time: until when, why, and what was said to it (null: nothing yet).
CREATE TABLE grace_requests (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    obligation_id TEXT COLLATE "C" NOT NULL,
    cycle INTEGER NOT NULL,
    requested_by_person_id TEXT COLLATE "C" NOT NULL,
    until_on DATE NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    granted BOOLEAN,
    decided_by_person_id TEXT COLLATE "C",
    decided_at BIGINT,
    note TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (local_government_id, requested_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, decided_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX grace_requests_obligation ON grace_requests (local_government_id, obligation_id, cycle);

-- What somebody has filled in for the responsible person, who has not confirmed it yet.
CREATE TABLE prepared_answers (
    local_government_id TEXT COLLATE "C" NOT NULL,
    obligation_id TEXT COLLATE "C" NOT NULL,
    cycle INTEGER NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C",
    evidence_id TEXT COLLATE "C",
    prepared_by_person_id TEXT COLLATE "C" NOT NULL,
    prepared_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, obligation_id, cycle, clause_key),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id),
    FOREIGN KEY (local_government_id, prepared_by_person_id) REFERENCES people (local_government_id, id)
);

-- Everything that somebody was asked.
CREATE INDEX reminder_items_recipient ON reminder_items (local_government_id, recipient, state);
