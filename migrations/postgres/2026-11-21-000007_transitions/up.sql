CREATE TABLE transitions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    transition TEXT COLLATE "C" NOT NULL,
    from_status TEXT COLLATE "C" NOT NULL,
    to_status TEXT COLLATE "C" NOT NULL,
    effective_on DATE NOT NULL,
    reason TEXT NOT NULL,
    cause TEXT COLLATE "C",
    conditions TEXT NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    double_role_reason TEXT,
    approval_valid_until_on DATE,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (from_status) REFERENCES entry_statuses (code),
    FOREIGN KEY (to_status) REFERENCES entry_statuses (code)
);

CREATE INDEX transitions_entry ON transitions (local_government_id, entry_id, id);

CREATE TABLE transition_approvals (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    transition TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    decided_by TEXT,
    decided_on DATE NOT NULL,
    document_number TEXT,
    note TEXT,
    transition_id TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, transition_id) REFERENCES transitions (local_government_id, id)
);

CREATE INDEX transition_approvals_entry ON transition_approvals (local_government_id, entry_id, id);
