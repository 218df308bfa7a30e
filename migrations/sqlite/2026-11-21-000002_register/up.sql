CREATE TABLE contractors (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_kana TEXT,
    legal_form TEXT,
    corporate_number TEXT,
    invoice_registration_number TEXT,
    country TEXT NOT NULL,
    prefecture_code TEXT,
    address TEXT,
    parent_contractor_id TEXT,
    status TEXT NOT NULL,
    debarred_from_on DATE,
    debarred_to_on DATE,
    debarment_reason TEXT,
    note TEXT,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id) REFERENCES local_governments (id),
    FOREIGN KEY (local_government_id, parent_contractor_id) REFERENCES contractors (local_government_id, id),
    UNIQUE (local_government_id, corporate_number)
);

CREATE TABLE contractor_certifications (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    contractor_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    scheme TEXT NOT NULL,
    number TEXT,
    scope TEXT,
    valid_until_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE contractor_contacts (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    contractor_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    kind TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE entries (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    control_number TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    contracting_organization_id TEXT NOT NULL,
    department_id TEXT,
    name TEXT NOT NULL,
    name_kana TEXT,
    owner_person_id TEXT,
    owner_post_id TEXT,
    deputy_person_id TEXT,
    deputy_post_id TEXT,
    status TEXT NOT NULL,
    facts TEXT NOT NULL,
    registered_as_existing BOOLEAN NOT NULL,
    started_on DATE,
    risk_level TEXT,
    risk_score_x100 INTEGER NOT NULL,
    inherent_tier INTEGER NOT NULL,
    next_due_on DATE,
    holds_until_on DATE,
    assessment_id TEXT,
    note TEXT,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
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
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    contractor_id TEXT,
    legal_form TEXT NOT NULL,
    procurement_method TEXT,
    current_period_id TEXT,
    subcontract_list_confirmed_on DATE,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE engagement_periods (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    engagement_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    contract_number TEXT,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    notice_deadline_on DATE,
    amount_jpy BIGINT,
    auto_renewal BOOLEAN NOT NULL,
    note TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, sequence)
);

CREATE TABLE engagement_candidates (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    engagement_id TEXT NOT NULL,
    contractor_id TEXT NOT NULL,
    result TEXT NOT NULL,
    decided_on DATE,
    note TEXT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, contractor_id)
);

CREATE TABLE cloud_services (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    provider_contractor_id TEXT,
    service_model TEXT NOT NULL,
    plan TEXT,
    purpose TEXT NOT NULL,
    users TEXT,
    data_countries TEXT NOT NULL,
    terms_url TEXT,
    terms_checked_on DATE,
    approval_valid_until_on DATE,
    ismap_status TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, provider_contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE social_media_services (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    responsible_person_id TEXT,
    responsible_post_id TEXT,
    operating_procedure TEXT,
    operating_procedure_revised_on DATE,
    publishable_information TEXT,
    dormant_after_days INTEGER,
    search_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at BIGINT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, responsible_person_id) REFERENCES people (local_government_id, id),
    FOREIGN KEY (local_government_id, responsible_post_id) REFERENCES posts (local_government_id, id),
    UNIQUE (local_government_id, organization_id, platform)
);

CREATE TABLE social_media_accounts (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    social_media_service_id TEXT NOT NULL,
    platform_account_id TEXT,
    handle TEXT NOT NULL,
    url TEXT NOT NULL,
    purpose TEXT NOT NULL,
    audience TEXT,
    content TEXT,
    posters TEXT,
    hours TEXT,
    verified_badge BOOLEAN NOT NULL,
    listed_on_official_site BOOLEAN NOT NULL,
    delegated_engagement_id TEXT,
    last_post_on DATE,
    takes_applications BOOLEAN NOT NULL,
    data_path_entry_id TEXT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, social_media_service_id) REFERENCES social_media_services (local_government_id, id),
    FOREIGN KEY (local_government_id, delegated_engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, data_path_entry_id) REFERENCES entries (local_government_id, id)
);

CREATE TABLE account_handles (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    used_from_at BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, account_id) REFERENCES social_media_accounts (local_government_id, id)
);

CREATE TABLE evidence (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    entry_id TEXT,
    contractor_id TEXT,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    valid_until_on DATE,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id)
);

CREATE TABLE clause_fulfilments (
    local_government_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    clause_key TEXT NOT NULL,
    declared BOOLEAN NOT NULL,
    answered_on DATE,
    answered_due_on DATE,
    verified_on DATE,
    verified_by_person_id TEXT,
    not_applicable_reason TEXT,
    evidence_id TEXT,
    note TEXT,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, entry_id, clause_key),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE TABLE clause_agreements (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    period_id TEXT,
    clause_key TEXT NOT NULL,
    article TEXT,
    quotation TEXT,
    agreed_on DATE,
    evidence_id TEXT,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, period_id) REFERENCES engagement_periods (local_government_id, id),
    FOREIGN KEY (local_government_id, evidence_id) REFERENCES evidence (local_government_id, id)
);

CREATE TABLE clause_fulfilment_history (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    clause_key TEXT NOT NULL,
    period_id TEXT,
    status TEXT NOT NULL,
    article TEXT,
    quotation TEXT,
    evidence_id TEXT,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id)
);

CREATE TABLE risk_assessments (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    assessed_at BIGINT NOT NULL,
    trigger TEXT NOT NULL,
    risk_policy_version TEXT NOT NULL,
    catalogue_version TEXT NOT NULL,
    profile_version TEXT NOT NULL,
    residual_level TEXT NOT NULL,
    residual_score_x100 INTEGER NOT NULL,
    inherent_tier INTEGER NOT NULL,
    holds_until_on DATE,
    inputs TEXT NOT NULL,
    result TEXT NOT NULL,
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
