INSERT INTO obligation_kinds (code) VALUES ('gap');

CREATE TABLE subcontract_states (
    code TEXT NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO subcontract_states (code) VALUES
    ('requested'),
    ('approved'),
    ('rejected'),
    ('ended');

CREATE TABLE subcontracts (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    engagement_id TEXT NOT NULL,
    parent_subcontract_id TEXT,
    tier INTEGER NOT NULL,
    contractor_id TEXT NOT NULL,
    work TEXT NOT NULL,
    handles_personal_information BOOLEAN NOT NULL,
    handles_specific_personal_information BOOLEAN NOT NULL,
    amount_jpy BIGINT,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    state TEXT NOT NULL,
    requested_on DATE NOT NULL,
    decided_on DATE,
    decided_by_person_id TEXT,
    decided_by TEXT,
    document_number TEXT,
    flow_down_confirmed BOOLEAN NOT NULL,
    decision_note TEXT,
    ended_on DATE,
    end_reason TEXT,
    note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, parent_subcontract_id) REFERENCES subcontracts (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    FOREIGN KEY (local_government_id, decided_by_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (state) REFERENCES subcontract_states (code)
);

CREATE INDEX subcontracts_engagement ON subcontracts (local_government_id, engagement_id, id);
CREATE INDEX subcontracts_contractor ON subcontracts (local_government_id, contractor_id, id);
