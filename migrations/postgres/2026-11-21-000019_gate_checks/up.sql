-- The recorded answers to "may I …?", with everything that they depended on; nothing here is ever changed.
CREATE TABLE gate_checks (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C",
    entry_id TEXT COLLATE "C",
    contractor_id TEXT COLLATE "C",
    action TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    enforced_decision TEXT COLLATE "C" NOT NULL,
    as_of_on DATE NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    inputs TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    jws TEXT COLLATE "C",
    evaluated_at BIGINT NOT NULL,
    evaluated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE INDEX gate_checks_entry ON gate_checks (local_government_id, entry_id, id);
CREATE INDEX gate_checks_contractor ON gate_checks (local_government_id, contractor_id, id);

-- What an organization makes of the answers to an action from a day on; the latest that has begun holds.
CREATE TABLE gate_enforcements (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    mode TEXT COLLATE "C" NOT NULL,
    valid_from_on DATE NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    decided_by_person_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, decided_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX gate_enforcements_in_force ON gate_enforcements (local_government_id, organization_id, action, valid_from_on, id);
