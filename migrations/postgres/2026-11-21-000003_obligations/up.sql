CREATE TABLE obligations (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    cycle INTEGER NOT NULL,
    due_on DATE NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    known_cycle_days BIGINT,
    starts_on DATE,
    severe BOOLEAN NOT NULL,
    grace_until_on DATE,
    last_stage TEXT COLLATE "C",
    next_step_on DATE,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    outcome TEXT COLLATE "C",
    version BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES obligation_kinds (code),
    FOREIGN KEY (state) REFERENCES obligation_states (code),
    UNIQUE (local_government_id, kind, subject_id)
);

CREATE TABLE obligation_cycles (
    local_government_id TEXT COLLATE "C" NOT NULL,
    obligation_id TEXT COLLATE "C" NOT NULL,
    cycle INTEGER NOT NULL,
    due_on DATE NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, obligation_id, cycle),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (state) REFERENCES obligation_states (code)
);

CREATE TABLE round_clauses (
    local_government_id TEXT COLLATE "C" NOT NULL,
    obligation_id TEXT COLLATE "C" NOT NULL,
    cycle INTEGER NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    own_due_on DATE NOT NULL,
    assignee_role TEXT COLLATE "C" NOT NULL,
    assignee_person_id TEXT COLLATE "C",
    answer TEXT COLLATE "C",
    answered_at BIGINT,
    PRIMARY KEY (local_government_id, obligation_id, cycle, clause_key),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id)
);

CREATE TABLE verifications (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    obligation_id TEXT COLLATE "C",
    cycle INTEGER,
    organization_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C",
    verified_on DATE NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    verifier_person_id TEXT COLLATE "C" NOT NULL,
    on_site BOOLEAN NOT NULL,
    onsite_reason TEXT COLLATE "C",
    result TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C",
    next_due_on DATE,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, verifier_person_id) REFERENCES people (local_government_id, id)
);

CREATE TABLE verification_answers (
    local_government_id TEXT COLLATE "C" NOT NULL,
    verification_id TEXT COLLATE "C" NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    evidence_id TEXT COLLATE "C",
    note TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, verification_id, clause_key),
    FOREIGN KEY (local_government_id, verification_id) REFERENCES verifications (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE INDEX obligations_due ON obligations (local_government_id, due_on, id);
CREATE INDEX obligations_entry ON obligations (local_government_id, entry_id, id);
CREATE INDEX obligations_next_step ON obligations (next_step_on) WHERE next_step_on IS NOT NULL;
CREATE INDEX verifications_entry ON verifications (local_government_id, entry_id, id);
