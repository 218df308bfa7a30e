-- What an organization adds to the clause catalogue from a day on; the latest that has begun is in force.
CREATE TABLE policy_versions (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    valid_from_on DATE NOT NULL,
    decided_on DATE NOT NULL,
    document_number TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL,
    overlay TEXT COLLATE "C" NOT NULL,
    catalogue_version TEXT COLLATE "C" NOT NULL,
    recorded_by_person_id TEXT COLLATE "C" NOT NULL,
    entries_total BIGINT,
    entries_done BIGINT NOT NULL,
    last_entry_id TEXT COLLATE "C",
    reassessed_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, recorded_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX policy_versions_in_force ON policy_versions (local_government_id, organization_id, valid_from_on, id);
CREATE INDEX policy_versions_waiting ON policy_versions (local_government_id, valid_from_on) WHERE reassessed_at IS NULL;
CREATE INDEX entries_organization ON entries (local_government_id, organization_id, id);

ALTER TABLE risk_assessments ADD COLUMN policy_version_id TEXT COLLATE "C";

CREATE TABLE policy_document_kinds (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO policy_document_kinds (code) VALUES
    ('basic_policy'),
    ('control_standard'),
    ('individual_standard'),
    ('implementation_procedure'),
    ('emergency_response_plan'),
    ('specific_personal_information_regulation'),
    ('cloud_usage_regulation'),
    ('outsourcing_regulation'),
    ('social_operating_procedure');

CREATE TABLE document_visibilities (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO document_visibilities (code) VALUES
    ('public'),
    ('internal'),
    ('restricted');

-- A restricted document has its place and its custodian here, never its content.
CREATE TABLE policy_documents (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    edition TEXT COLLATE "C" NOT NULL,
    visibility TEXT COLLATE "C" NOT NULL,
    adopted_on DATE,
    published_on DATE,
    url TEXT COLLATE "C",
    file_id TEXT COLLATE "C",
    place TEXT COLLATE "C",
    custodian TEXT COLLATE "C",
    review_due_on DATE,
    note TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, file_id) REFERENCES files (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES policy_document_kinds (code),
    FOREIGN KEY (visibility) REFERENCES document_visibilities (code)
);

CREATE INDEX policy_documents_file ON policy_documents (local_government_id, file_id);

CREATE TABLE review_reason_kinds (
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (code)
);

INSERT INTO review_reason_kinds (code) VALUES
    ('audit_finding'),
    ('incident'),
    ('circumstances');

CREATE TABLE policy_document_reviews (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    policy_document_id TEXT COLLATE "C" NOT NULL,
    reviewed_on DATE NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    risk_analysis TEXT COLLATE "C",
    next_review_due_on DATE NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, policy_document_id) REFERENCES policy_documents (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX policy_document_reviews_document ON policy_document_reviews (local_government_id, policy_document_id, id);

-- origin_id is the record that the reason comes from, of the kind that `kind` says.
CREATE TABLE policy_document_review_reasons (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    policy_document_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    origin_id TEXT COLLATE "C",
    origin_reference TEXT COLLATE "C",
    raised_on DATE NOT NULL,
    person_id TEXT COLLATE "C",
    review_id TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, policy_document_id) REFERENCES policy_documents (local_government_id, id),
    FOREIGN KEY (local_government_id, person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, review_id) REFERENCES policy_document_reviews (local_government_id, id),
    FOREIGN KEY (kind) REFERENCES review_reason_kinds (code)
);

CREATE INDEX policy_document_review_reasons_document ON policy_document_review_reasons (local_government_id, policy_document_id, id);
CREATE INDEX policy_document_review_reasons_open ON policy_document_review_reasons (local_government_id, policy_document_id) WHERE review_id IS NULL;

INSERT INTO obligation_kinds (code) VALUES ('document_review');
