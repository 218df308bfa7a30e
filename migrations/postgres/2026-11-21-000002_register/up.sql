CREATE TABLE contractors (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_kana TEXT COLLATE "C",
    legal_form TEXT COLLATE "C",
    corporate_number TEXT COLLATE "C",
    invoice_registration_number TEXT COLLATE "C",
    country TEXT COLLATE "C" NOT NULL,
    prefecture_code TEXT COLLATE "C",
    address TEXT COLLATE "C",
    parent_contractor_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    debarred_from_on DATE,
    debarred_to_on DATE,
    debarment_reason TEXT COLLATE "C",
    note TEXT COLLATE "C",
    search_text TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    FOREIGN KEY (local_government_id, parent_contractor_id) REFERENCES contractors (local_government_id, id),
    UNIQUE (local_government_id, corporate_number)
);

CREATE TABLE contractor_certifications (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    contractor_id TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    scheme TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C",
    scope TEXT COLLATE "C",
    valid_until_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE contractor_contacts (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    contractor_id TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    phone TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE entries (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    control_number TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    contracting_organization_id TEXT COLLATE "C" NOT NULL,
    department_id TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL,
    name_kana TEXT COLLATE "C",
    owner_person_id TEXT COLLATE "C",
    owner_post_id TEXT COLLATE "C",
    deputy_person_id TEXT COLLATE "C",
    deputy_post_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    facts TEXT COLLATE "C" NOT NULL,
    registered_as_existing BOOLEAN NOT NULL,
    started_on DATE,
    risk_level TEXT COLLATE "C",
    risk_score_x100 INTEGER NOT NULL,
    inherent_tier INTEGER NOT NULL,
    next_due_on DATE,
    holds_until_on DATE,
    assessment_id TEXT COLLATE "C",
    note TEXT COLLATE "C",
    search_text TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, contracting_organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, department_id) REFERENCES departments (local_government_id, id),
    FOREIGN KEY (local_government_id, owner_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, owner_post_id) REFERENCES posts (local_government_id, id),
    FOREIGN KEY (local_government_id, deputy_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, deputy_post_id) REFERENCES posts (local_government_id, id),
    FOREIGN KEY (status) REFERENCES entry_statuses (code),
    CHECK (kind IN ('contractor_engagement', 'cloud_service', 'social_media_account')),
    CHECK (owner_person_id IS NULL OR owner_post_id IS NULL),
    CHECK (deputy_person_id IS NULL OR deputy_post_id IS NULL),
    UNIQUE (local_government_id, control_number)
);

CREATE TABLE engagements (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    contractor_id TEXT COLLATE "C",
    legal_form TEXT COLLATE "C" NOT NULL,
    procurement_method TEXT COLLATE "C",
    current_period_id TEXT COLLATE "C",
    subcontract_list_confirmed_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE engagement_periods (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    engagement_id TEXT COLLATE "C" NOT NULL,
    sequence INTEGER NOT NULL,
    contract_number TEXT COLLATE "C",
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    notice_deadline_on DATE,
    amount_jpy BIGINT,
    auto_renewal BOOLEAN NOT NULL,
    note TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, sequence)
);

CREATE TABLE engagement_candidates (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    engagement_id TEXT COLLATE "C" NOT NULL,
    contractor_id TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C" NOT NULL,
    decided_on DATE,
    note TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, contractor_id)
);

CREATE TABLE cloud_services (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    provider_contractor_id TEXT COLLATE "C",
    service_model TEXT COLLATE "C" NOT NULL,
    plan TEXT COLLATE "C",
    purpose TEXT COLLATE "C" NOT NULL,
    users TEXT COLLATE "C",
    data_countries TEXT COLLATE "C" NOT NULL,
    terms_url TEXT COLLATE "C",
    terms_checked_on DATE,
    approval_valid_until_on DATE,
    ismap_status TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, provider_contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE social_media_services (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    responsible_person_id TEXT COLLATE "C",
    responsible_post_id TEXT COLLATE "C",
    operating_procedure TEXT COLLATE "C",
    operating_procedure_revised_on DATE,
    publishable_information TEXT COLLATE "C",
    dormant_after_days INTEGER,
    search_text TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, responsible_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, responsible_post_id) REFERENCES posts (local_government_id, id),
    UNIQUE (local_government_id, organization_id, platform)
);

CREATE TABLE social_media_accounts (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    social_media_service_id TEXT COLLATE "C" NOT NULL,
    platform_account_id TEXT COLLATE "C",
    handle TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C",
    content TEXT COLLATE "C",
    posters TEXT COLLATE "C",
    hours TEXT COLLATE "C",
    verified_badge BOOLEAN NOT NULL,
    listed_on_official_site BOOLEAN NOT NULL,
    delegated_engagement_id TEXT COLLATE "C",
    last_post_on DATE,
    takes_applications BOOLEAN NOT NULL,
    data_path_entry_id TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, social_media_service_id) REFERENCES social_media_services (local_government_id, id),
    FOREIGN KEY (local_government_id, delegated_engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, data_path_entry_id) REFERENCES entries (local_government_id, id)
);

CREATE TABLE account_handles (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    used_from_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, account_id) REFERENCES social_media_accounts (local_government_id, id)
);

CREATE TABLE evidence (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C",
    contractor_id TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    valid_until_on DATE,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE clause_fulfilments (
    local_government_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    declared BOOLEAN NOT NULL,
    answered_on DATE,
    answered_due_on DATE,
    verified_on DATE,
    verified_by_person_id TEXT COLLATE "C",
    not_applicable_reason TEXT COLLATE "C",
    evidence_id TEXT COLLATE "C",
    note TEXT COLLATE "C",
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, entry_id, clause_key),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE TABLE clause_agreements (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    period_id TEXT COLLATE "C",
    clause_key TEXT COLLATE "C" NOT NULL,
    article TEXT COLLATE "C",
    quotation TEXT COLLATE "C",
    agreed_on DATE,
    evidence_id TEXT COLLATE "C",
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, period_id) REFERENCES engagement_periods (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE TABLE clause_fulfilment_history (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    clause_key TEXT COLLATE "C" NOT NULL,
    period_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    article TEXT COLLATE "C",
    quotation TEXT COLLATE "C",
    evidence_id TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    changed_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id)
);

CREATE TABLE risk_assessments (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    assessed_at BIGINT NOT NULL,
    trigger TEXT COLLATE "C" NOT NULL,
    risk_policy_version TEXT COLLATE "C" NOT NULL,
    catalogue_version TEXT COLLATE "C" NOT NULL,
    profile_version TEXT COLLATE "C" NOT NULL,
    residual_level TEXT COLLATE "C" NOT NULL,
    residual_score_x100 INTEGER NOT NULL,
    inherent_tier INTEGER NOT NULL,
    holds_until_on DATE,
    inputs TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id)
);

CREATE INDEX contractor_certifications_contractor ON contractor_certifications (local_government_id, contractor_id, position);
CREATE INDEX contractor_contacts_contractor ON contractor_contacts (local_government_id, contractor_id, position);
CREATE INDEX entries_kind ON entries (local_government_id, kind, id);
CREATE INDEX entries_next_due ON entries (local_government_id, next_due_on, id);
CREATE INDEX entries_risk ON entries (local_government_id, risk_score_x100, id);
CREATE INDEX entries_holds_until ON entries (holds_until_on) WHERE holds_until_on IS NOT NULL;
CREATE INDEX entries_owner_person ON entries (local_government_id, owner_person_id);
CREATE INDEX entries_owner_post ON entries (local_government_id, owner_post_id);
CREATE INDEX engagements_contractor ON engagements (local_government_id, contractor_id, id);
CREATE INDEX cloud_services_provider ON cloud_services (local_government_id, provider_contractor_id, id);
CREATE INDEX social_media_accounts_service ON social_media_accounts (local_government_id, social_media_service_id, id);
CREATE INDEX account_handles_account ON account_handles (local_government_id, account_id, used_from_at);
CREATE INDEX evidence_entry ON evidence (local_government_id, entry_id, id);
CREATE INDEX clause_agreements_entry ON clause_agreements (local_government_id, entry_id, clause_key, period_id);
CREATE INDEX clause_fulfilment_history_entry ON clause_fulfilment_history (local_government_id, entry_id, clause_key, id);
CREATE INDEX risk_assessments_entry ON risk_assessments (local_government_id, entry_id, id);
