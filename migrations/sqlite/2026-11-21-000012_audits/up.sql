CREATE TABLE audit_kinds (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO audit_kinds (code) VALUES
    ('periodic'),
    ('ad_hoc');

CREATE TABLE audits (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    fiscal_year INTEGER NOT NULL,
    scope TEXT NOT NULL,
    auditor_person_id TEXT,
    external_auditor TEXT,
    auditee_person_id TEXT NOT NULL,
    planned_on DATE,
    started_on DATE,
    finished_on DATE,
    reported_on DATE,
    note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, auditor_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, auditee_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES audit_kinds (code)
);

CREATE TABLE audit_finding_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO audit_finding_states (code) VALUES
    ('open'),
    ('closed');

CREATE TABLE audit_findings (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    severity TEXT NOT NULL,
    clause_key TEXT,
    entry_id TEXT,
    policy_document_id TEXT,
    finding TEXT NOT NULL,
    recommendation TEXT NOT NULL,
    due_on DATE NOT NULL,
    owner_person_id TEXT NOT NULL,
    state TEXT NOT NULL,
    closed_on DATE,
    closed_by_person_id TEXT,
    result TEXT,
    evidence_id TEXT,
    file_id TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, audit_id) REFERENCES audits (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, policy_document_id) REFERENCES policy_documents (local_government_id, id),
    FOREIGN KEY (local_government_id, owner_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, closed_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id),
    FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    FOREIGN KEY (state) REFERENCES audit_finding_states (code)
);

CREATE INDEX audit_findings_audit ON audit_findings (local_government_id, audit_id, id);

-- The yearly confirmation of the CISO that the double roles could not be avoided.
CREATE TABLE double_role_confirmations (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    fiscal_year INTEGER NOT NULL,
    note TEXT NOT NULL,
    person_id TEXT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX double_role_confirmations_year ON double_role_confirmations (local_government_id, organization_id, fiscal_year, id);
CREATE INDEX transitions_double_role ON transitions (local_government_id, organization_id, effective_on) WHERE double_role_reason IS NOT NULL;

CREATE TABLE self_inspections (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    fiscal_year INTEGER NOT NULL,
    profile_version TEXT NOT NULL,
    due_on DATE NOT NULL,
    completed_on DATE,
    completed_by_person_id TEXT,
    note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, completed_by_person_id) REFERENCES people (local_government_id, id),
    UNIQUE (local_government_id, organization_id, fiscal_year)
);

CREATE INDEX self_inspections_year ON self_inspections (local_government_id, fiscal_year, organization_id);

CREATE TABLE inspection_answers (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO inspection_answers (code) VALUES
    ('met'),
    ('not_met'),
    ('not_applicable');

CREATE TABLE self_inspection_items (
    local_government_id TEXT NOT NULL,
    self_inspection_id TEXT NOT NULL,
    duty TEXT NOT NULL,
    position INTEGER NOT NULL,
    section TEXT NOT NULL,
    summary TEXT NOT NULL,
    answer TEXT,
    reason TEXT,
    note TEXT,
    improvement TEXT,
    improvement_due_on DATE,
    evidence_id TEXT,
    file_id TEXT,
    answered_on DATE,
    answered_by_person_id TEXT,
    PRIMARY KEY (local_government_id, self_inspection_id, duty),
    FOREIGN KEY (local_government_id, self_inspection_id) REFERENCES self_inspections (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id),
    FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    FOREIGN KEY (local_government_id, answered_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (answer) REFERENCES inspection_answers (code)
);

INSERT INTO obligation_kinds (code) VALUES ('audit_follow_up');
