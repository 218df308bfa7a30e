INSERT INTO obligation_kinds (code) VALUES ('gap');

CREATE TABLE subcontract_states (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO subcontract_states (code) VALUES
    ('requested'),
    ('approved'),
    ('rejected'),
    ('ended');

CREATE TABLE subcontracts (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    engagement_id TEXT COLLATE "C" NOT NULL,
    parent_subcontract_id TEXT COLLATE "C",
    tier INTEGER NOT NULL,
    contractor_id TEXT COLLATE "C" NOT NULL,
    work TEXT COLLATE "C" NOT NULL,
    handles_personal_information BOOLEAN NOT NULL,
    handles_specific_personal_information BOOLEAN NOT NULL,
    amount_jpy BIGINT,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    requested_on DATE NOT NULL,
    decided_on DATE,
    decided_by_person_id TEXT COLLATE "C",
    decided_by TEXT COLLATE "C",
    document_number TEXT COLLATE "C",
    flow_down_confirmed BOOLEAN NOT NULL,
    decision_note TEXT COLLATE "C",
    ended_on DATE,
    end_reason TEXT COLLATE "C",
    note TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
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
