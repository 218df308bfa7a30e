-- Links that were mailed to sign in with: ten minutes, once. Only the hash is kept.
CREATE TABLE sign_in_links (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    token_sha256 TEXT COLLATE "C" NOT NULL,
    -- The page to go on to, a path of ours.
    leads_to TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    UNIQUE (token_sha256)
);
CREATE INDEX sign_in_links_person ON sign_in_links (local_government_id, person_id, created_at);
CREATE INDEX sign_in_links_expiry ON sign_in_links (local_government_id, expires_at);

-- Who is signed in. The browser has the secret, the table its hash.
CREATE TABLE sessions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    secret_sha256 TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    UNIQUE (secret_sha256)
);
CREATE INDEX sessions_person ON sessions (local_government_id, person_id);
CREATE INDEX sessions_end ON sessions (local_government_id, ends_at);

-- Whoever wants to sign in says an address, before any local government is known.
CREATE INDEX people_email ON people (email);
