-- The answers of writes that were sent with an Idempotency-Key, sealed: the same request is answered by them again.
CREATE TABLE idempotency_keys (
    local_government_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    sealed_answer BYTEA NOT NULL,
    master_key_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, client_id, key),
    FOREIGN KEY (local_government_id, client_id) REFERENCES api_clients (local_government_id, id)
);

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (local_government_id, expires_at);
