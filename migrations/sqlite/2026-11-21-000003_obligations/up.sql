CREATE TABLE obligations (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    entry_id TEXT,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    due_on DATE NOT NULL,
    state TEXT NOT NULL,
    known_cycle_days BIGINT,
    starts_on DATE,
    severe BOOLEAN NOT NULL,
    grace_until_on DATE,
    last_stage TEXT,
    next_step_on DATE,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    outcome TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES obligation_kinds (code),
    FOREIGN KEY (state) REFERENCES obligation_states (code),
    UNIQUE (local_government_id, kind, subject_id)
);

CREATE TABLE obligation_cycles (
    local_government_id TEXT NOT NULL,
    obligation_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    due_on DATE NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,
    PRIMARY KEY (local_government_id, obligation_id, cycle),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (state) REFERENCES obligation_states (code)
);

CREATE TABLE round_clauses (
    local_government_id TEXT NOT NULL,
    obligation_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    clause_key TEXT NOT NULL,
    own_due_on DATE NOT NULL,
    assignee_role TEXT NOT NULL,
    assignee_person_id TEXT,
    answer TEXT,
    answered_at BIGINT,
    PRIMARY KEY (local_government_id, obligation_id, cycle, clause_key),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id)
);

CREATE TABLE verifications (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    obligation_id TEXT,
    cycle INTEGER,
    organization_id TEXT NOT NULL,
    entry_id TEXT,
    verified_on DATE NOT NULL,
    method TEXT NOT NULL,
    verifier_person_id TEXT NOT NULL,
    on_site BOOLEAN NOT NULL,
    onsite_reason TEXT,
    result TEXT NOT NULL,
    note TEXT,
    next_due_on DATE,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, obligation_id) REFERENCES obligations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, verifier_person_id) REFERENCES people (local_government_id, id)
);

CREATE TABLE verification_answers (
    local_government_id TEXT NOT NULL,
    verification_id TEXT NOT NULL,
    clause_key TEXT NOT NULL,
    answer TEXT NOT NULL,
    method TEXT NOT NULL,
    evidence_id TEXT,
    note TEXT,
    PRIMARY KEY (local_government_id, verification_id, clause_key),
    FOREIGN KEY (local_government_id, verification_id) REFERENCES verifications (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE INDEX obligations_due ON obligations (local_government_id, due_on, id);
CREATE INDEX obligations_entry ON obligations (local_government_id, entry_id, id);
CREATE INDEX obligations_next_step ON obligations (next_step_on) WHERE next_step_on IS NOT NULL;
CREATE INDEX verifications_entry ON verifications (local_government_id, entry_id, id);
