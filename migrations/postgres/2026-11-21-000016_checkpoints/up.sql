-- What the head of a journal was at the end of a day, signed.
CREATE TABLE journal_checkpoints (
    local_government_id TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    kid TEXT COLLATE "C" NOT NULL,
    jws TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, seq),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id)
);
