CREATE TABLE exception_states (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO exception_states (code) VALUES
    ('requested'),
    ('approved'),
    ('rejected'),
    ('revoked'),
    ('expired');

CREATE TABLE exceptions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    emergency BOOLEAN NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    compensating_measures TEXT COLLATE "C" NOT NULL,
    requested_by_person_id TEXT COLLATE "C" NOT NULL,
    requested_on DATE NOT NULL,
    expires_on DATE NOT NULL,
    beyond_fiscal_year BOOLEAN NOT NULL,
    decided_on DATE,
    decided_by_person_id TEXT COLLATE "C",
    decided_by TEXT COLLATE "C",
    decision_document_number TEXT COLLATE "C",
    decision_recorded_by_person_id TEXT COLLATE "C",
    decision_note TEXT COLLATE "C",
    assessment_id TEXT COLLATE "C",
    residual_level TEXT COLLATE "C",
    residual_score_x100 INTEGER,
    revoked_on DATE,
    revoked_by_person_id TEXT COLLATE "C",
    revocation_reason TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (state) REFERENCES exception_states (code),
    FOREIGN KEY (local_government_id, requested_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, decided_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, decision_recorded_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, revoked_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, assessment_id) REFERENCES risk_assessments (local_government_id, id)
);

CREATE INDEX exceptions_entry ON exceptions (local_government_id, entry_id, id);
