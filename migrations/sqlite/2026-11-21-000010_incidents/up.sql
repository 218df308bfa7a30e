INSERT INTO obligation_kinds (code) VALUES
    ('statutory_report'),
    ('incident'),
    ('account_takeover'),
    ('measure_answer');

CREATE TABLE incident_kinds (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO incident_kinds (code) VALUES
    ('leak'),
    ('loss'),
    ('malware'),
    ('account_takeover'),
    ('impersonation'),
    ('misposting'),
    ('outage'),
    ('policy_violation'),
    ('supply_chain'),
    ('other');

CREATE TABLE incident_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO incident_states (code) VALUES
    ('open'),
    ('contained'),
    ('closed');

CREATE TABLE incident_report_kinds (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO incident_report_kinds (code) VALUES
    ('contractor_notice'),
    ('ppc_preliminary'),
    ('ppc_final');

CREATE TABLE incidents (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    occurred_at BIGINT,
    noticed_at BIGINT NOT NULL,
    contractor_noticed_on DATE,
    personal_information BOOLEAN NOT NULL,
    affected_persons INTEGER,
    sensitive_information BOOLEAN NOT NULL,
    financial_damage BOOLEAN NOT NULL,
    malicious BOOLEAN NOT NULL,
    contained_on DATE,
    closed_on DATE,
    closed_by_person_id TEXT,
    cause TEXT,
    prevention TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES incident_kinds (code),
    FOREIGN KEY (state) REFERENCES incident_states (code),
    FOREIGN KEY (local_government_id, closed_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE TABLE incident_entries (
    local_government_id TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    entry_id TEXT NOT NULL,
    PRIMARY KEY (local_government_id, incident_id, position),
    FOREIGN KEY (local_government_id, incident_id) REFERENCES incidents (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id)
);

CREATE INDEX incident_entries_entry ON incident_entries (local_government_id, entry_id, incident_id);

CREATE TABLE incident_events (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, incident_id) REFERENCES incidents (local_government_id, id)
);

CREATE INDEX incident_events_incident ON incident_events (local_government_id, incident_id, id);

CREATE TABLE incident_reports (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    target_on DATE,
    due_on DATE NOT NULL,
    reported_on DATE,
    reference TEXT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, incident_id) REFERENCES incidents (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES incident_report_kinds (code),
    UNIQUE (local_government_id, incident_id, kind)
);

CREATE TABLE measure_kinds (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO measure_kinds (code) VALUES
    ('correction_demand'),
    ('improvement_plan'),
    ('suspension'),
    ('payment_withholding'),
    ('damages'),
    ('termination'),
    ('debarment_notice');

CREATE TABLE contract_measures (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    period_id TEXT,
    kind TEXT NOT NULL,
    contract_article TEXT NOT NULL,
    reason TEXT NOT NULL,
    notice_on DATE NOT NULL,
    document_number TEXT NOT NULL,
    decided_by_person_id TEXT NOT NULL,
    corrective_action_id TEXT,
    incident_id TEXT,
    verification_id TEXT,
    answer_due_on DATE,
    answered_on DATE,
    answer TEXT,
    result TEXT,
    note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, period_id) REFERENCES engagement_periods (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES measure_kinds (code),
    FOREIGN KEY (local_government_id, decided_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, corrective_action_id) REFERENCES corrective_actions (local_government_id, id),
    FOREIGN KEY (local_government_id, incident_id) REFERENCES incidents (local_government_id, id),
    FOREIGN KEY (local_government_id, verification_id) REFERENCES verifications (local_government_id, id)
);

CREATE INDEX contract_measures_entry ON contract_measures (local_government_id, entry_id, id);
