//! The tables of both databases, as diesel sees them. The migrations create them; `tests/it/schema.rs` compares the two.

diesel::table! {
    entry_statuses (code) {
        code -> Text,
    }
}

diesel::table! {
    obligation_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    obligation_states (code) {
        code -> Text,
    }
}

diesel::table! {
    reminder_item_states (code) {
        code -> Text,
    }
}

diesel::table! {
    message_states (code) {
        code -> Text,
    }
}

diesel::table! {
    message_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    local_governments (id) {
        id -> Text,
        code -> Text,
        name -> Text,
        name_kana -> Text,
        time_zone -> Text,
        sending_minute -> Integer,
        mails_per_minute -> Integer,
        public_url -> Text,
        mail_from -> Text,
        mail_from_name -> Text,
        contact -> Text,
        is_demo -> Bool,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    organizations (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        key -> Text,
        name -> Text,
        name_kana -> Text,
        kind -> Text,
        profile_key -> Text,
        extra_closed_days -> Text,
        review_month -> Nullable<Integer>,
        existing_gaps_due_on -> Nullable<Date>,
        contact -> Nullable<Text>,
        search_text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    departments (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        parent_id -> Nullable<Text>,
        code -> Text,
        name -> Text,
        name_kana -> Nullable<Text>,
        mailbox -> Nullable<Text>,
        valid_from_on -> Nullable<Date>,
        valid_to_on -> Nullable<Date>,
        search_text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
        successor_id -> Nullable<Text>,
    }
}

diesel::table! {
    people (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        name -> Text,
        name_kana -> Nullable<Text>,
        email -> Nullable<Text>,
        email_invalid_at -> Nullable<BigInt>,
        employee_code -> Nullable<Text>,
        left_on -> Nullable<Date>,
        search_text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
        settle_on -> Nullable<Date>,
    }
}

diesel::table! {
    posts (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        department_id -> Nullable<Text>,
        name -> Text,
        search_text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    post_holders (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        post_id -> Text,
        person_id -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        announced_on -> Nullable<Date>,
        settle_on -> Nullable<Date>,
    }
}

diesel::table! {
    appointments (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        person_id -> Text,
        organization_id -> Text,
        department_id -> Nullable<Text>,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        announced_on -> Nullable<Date>,
    }
}

diesel::table! {
    role_assignments (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        department_id -> Nullable<Text>,
        role -> Text,
        person_id -> Nullable<Text>,
        post_id -> Nullable<Text>,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        announced_on -> Nullable<Date>,
    }
}

diesel::table! {
    api_clients (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        name -> Text,
        scopes -> Text,
        organization_ids -> Text,
        contact_email -> Nullable<Text>,
        expires_on -> Nullable<Date>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    api_client_secrets (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        client_id -> Text,
        secret_sha256 -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        private_sealed -> Binary,
        master_key_id -> Text,
        created_at -> BigInt,
        active_at -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    secret_keys (name) {
        name -> Text,
        sealed -> Binary,
        master_key_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    journal_heads (local_government_id) {
        local_government_id -> Text,
        seq -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    journal (local_government_id, seq) {
        local_government_id -> Text,
        seq -> BigInt,
        at -> BigInt,
        action -> Text,
        subject_type -> Text,
        subject_id -> Text,
        organization_id -> Nullable<Text>,
        entry_id -> Nullable<Text>,
        actor_client_id -> Nullable<Text>,
        actor_person_id -> Nullable<Text>,
        via -> Text,
        hashed_text -> Text,
        payload_hash -> Text,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    journal_payloads (local_government_id, seq) {
        local_government_id -> Text,
        seq -> BigInt,
        salt -> Text,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    journal_checkpoints (local_government_id, seq) {
        local_government_id -> Text,
        seq -> BigInt,
        hash -> Text,
        day -> Date,
        kid -> Text,
        jws -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    gate_checks (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Nullable<Text>,
        entry_id -> Nullable<Text>,
        contractor_id -> Nullable<Text>,
        action -> Text,
        decision -> Text,
        enforced_decision -> Text,
        as_of_on -> Date,
        request -> Text,
        inputs -> Text,
        answer -> Text,
        jws -> Nullable<Text>,
        evaluated_at -> BigInt,
        evaluated_by -> Text,
    }
}

diesel::table! {
    gate_enforcements (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        action -> Text,
        mode -> Text,
        valid_from_on -> Date,
        reason -> Text,
        decided_by_person_id -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    measure_areas (local_government_id, organization_id) {
        local_government_id -> Text,
        organization_id -> Text,
        applies -> Bool,
        reason -> Text,
        areas -> Text,
        judged_on -> Date,
        judged_by_person_id -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    fiscal_year_snapshots (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        fiscal_year -> Integer,
        reason -> Text,
        header -> Text,
        taken_by_person_id -> Text,
        taken_at -> BigInt,
        entries_total -> BigInt,
        entries_done -> BigInt,
        last_entry_id -> Text,
        completed_at -> Nullable<BigInt>,
        sha256 -> Nullable<Text>,
        kid -> Nullable<Text>,
        jws -> Nullable<Text>,
    }
}

diesel::table! {
    fiscal_year_snapshot_entries (local_government_id, snapshot_id, entry_id) {
        local_government_id -> Text,
        snapshot_id -> Text,
        entry_id -> Text,
        line -> Text,
    }
}

diesel::table! {
    external_ids (local_government_id, resource_type, system, value) {
        local_government_id -> Text,
        resource_type -> Text,
        system -> Text,
        value -> Text,
        resource_id -> Text,
    }
}

diesel::table! {
    number_series (local_government_id, series) {
        local_government_id -> Text,
        series -> Text,
        last_number -> BigInt,
    }
}

diesel::table! {
    search_grams (local_government_id, kind, gram, id) {
        local_government_id -> Text,
        kind -> Text,
        gram -> Text,
        id -> Text,
    }
}

diesel::table! {
    clock_marks (one) {
        one -> Integer,
        high_water -> BigInt,
        db_epoch -> Text,
        quarantined_at -> Nullable<BigInt>,
        quarantine_reason -> Nullable<Text>,
    }
}

diesel::table! {
    contractors (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        name -> Text,
        name_kana -> Nullable<Text>,
        legal_form -> Nullable<Text>,
        corporate_number -> Nullable<Text>,
        invoice_registration_number -> Nullable<Text>,
        country -> Text,
        prefecture_code -> Nullable<Text>,
        address -> Nullable<Text>,
        parent_contractor_id -> Nullable<Text>,
        status -> Text,
        debarred_from_on -> Nullable<Date>,
        debarred_to_on -> Nullable<Date>,
        debarment_reason -> Nullable<Text>,
        note -> Nullable<Text>,
        search_text -> Text,
        name_key -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    contractor_certifications (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        contractor_id -> Text,
        position -> Integer,
        scheme -> Text,
        number -> Nullable<Text>,
        scope -> Nullable<Text>,
        valid_until_on -> Nullable<Date>,
    }
}

diesel::table! {
    contractor_contacts (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        contractor_id -> Text,
        position -> Integer,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        kind -> Text,
    }
}

diesel::table! {
    entries (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        kind -> Text,
        control_number -> Text,
        organization_id -> Text,
        contracting_organization_id -> Text,
        department_id -> Nullable<Text>,
        name -> Text,
        name_kana -> Nullable<Text>,
        owner_person_id -> Nullable<Text>,
        owner_post_id -> Nullable<Text>,
        deputy_person_id -> Nullable<Text>,
        deputy_post_id -> Nullable<Text>,
        status -> Text,
        facts -> Text,
        registered_as_existing -> Bool,
        started_on -> Nullable<Date>,
        risk_level -> Nullable<Text>,
        risk_score_x100 -> Integer,
        inherent_tier -> Integer,
        next_due_on -> Nullable<Date>,
        holds_until_on -> Nullable<Date>,
        assessment_id -> Nullable<Text>,
        note -> Nullable<Text>,
        search_text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    engagements (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        contractor_id -> Nullable<Text>,
        legal_form -> Text,
        procurement_method -> Nullable<Text>,
        current_period_id -> Nullable<Text>,
        subcontract_list_confirmed_on -> Nullable<Date>,
    }
}

diesel::table! {
    engagement_periods (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        engagement_id -> Text,
        sequence -> Integer,
        contract_number -> Nullable<Text>,
        starts_on -> Date,
        ends_on -> Date,
        notice_deadline_on -> Nullable<Date>,
        amount_jpy -> Nullable<BigInt>,
        auto_renewal -> Bool,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    engagement_candidates (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        engagement_id -> Text,
        contractor_id -> Text,
        result -> Text,
        decided_on -> Nullable<Date>,
        check_sheet_file_id -> Nullable<Text>,
        check_result -> Text,
        checked_on -> Nullable<Date>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    cloud_services (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        provider_contractor_id -> Nullable<Text>,
        service_model -> Text,
        plan -> Nullable<Text>,
        purpose -> Text,
        users -> Nullable<Text>,
        data_countries -> Text,
        terms_url -> Nullable<Text>,
        terms_checked_on -> Nullable<Date>,
        approval_valid_until_on -> Nullable<Date>,
        ismap_status -> Text,
    }
}

diesel::table! {
    social_media_services (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        platform -> Text,
        responsible_person_id -> Nullable<Text>,
        responsible_post_id -> Nullable<Text>,
        operating_procedure -> Nullable<Text>,
        operating_procedure_revised_on -> Nullable<Date>,
        publishable_information -> Nullable<Text>,
        dormant_after_days -> Nullable<Integer>,
        search_text -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    social_media_accounts (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        social_media_service_id -> Text,
        platform_account_id -> Nullable<Text>,
        handle -> Text,
        url -> Text,
        purpose -> Text,
        audience -> Nullable<Text>,
        content -> Nullable<Text>,
        posters -> Nullable<Text>,
        hours -> Nullable<Text>,
        verified_badge -> Bool,
        listed_on_official_site -> Bool,
        delegated_engagement_id -> Nullable<Text>,
        last_post_on -> Nullable<Date>,
        takes_applications -> Bool,
        data_path_entry_id -> Nullable<Text>,
        credentials_due_on -> Nullable<Date>,
    }
}

diesel::table! {
    account_handles (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        account_id -> Text,
        handle -> Text,
        used_from_at -> BigInt,
    }
}

diesel::table! {
    file_types (code) {
        code -> Text,
    }
}

diesel::table! {
    files (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        name -> Text,
        file_type -> Text,
        size_bytes -> BigInt,
        sha256 -> Text,
        storage_name -> Text,
        scanned -> Bool,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    evidence (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        entry_id -> Nullable<Text>,
        contractor_id -> Nullable<Text>,
        kind -> Text,
        scheme -> Nullable<Text>,
        title -> Text,
        scope_text -> Nullable<Text>,
        document_number -> Nullable<Text>,
        pages -> Nullable<Text>,
        issued_on -> Nullable<Date>,
        period_ends_on -> Nullable<Date>,
        valid_until_on -> Nullable<Date>,
        valid_until_by_rule -> Bool,
        file_id -> Nullable<Text>,
        note -> Nullable<Text>,
        replaced_by_id -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    clause_templates (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        name -> Text,
        edition -> Text,
        valid_from_on -> Date,
        valid_to_on -> Nullable<Date>,
        file_id -> Nullable<Text>,
        evidence_id -> Nullable<Text>,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    clause_template_articles (local_government_id, clause_template_id, clause_key) {
        local_government_id -> Text,
        clause_template_id -> Text,
        clause_key -> Text,
        position -> Integer,
        article -> Text,
        quotation -> Nullable<Text>,
    }
}

diesel::table! {
    clause_fulfilments (local_government_id, entry_id, clause_key) {
        local_government_id -> Text,
        entry_id -> Text,
        clause_key -> Text,
        declared -> Bool,
        answered_on -> Nullable<Date>,
        answered_due_on -> Nullable<Date>,
        verified_on -> Nullable<Date>,
        verified_by_person_id -> Nullable<Text>,
        not_applicable_reason -> Nullable<Text>,
        evidence_id -> Nullable<Text>,
        note -> Nullable<Text>,
        version -> BigInt,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    clause_agreements (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        entry_id -> Text,
        period_id -> Nullable<Text>,
        clause_key -> Text,
        article -> Nullable<Text>,
        quotation -> Nullable<Text>,
        agreed_on -> Nullable<Date>,
        evidence_id -> Nullable<Text>,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    clause_fulfilment_history (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        entry_id -> Text,
        clause_key -> Text,
        period_id -> Nullable<Text>,
        status -> Text,
        article -> Nullable<Text>,
        quotation -> Nullable<Text>,
        evidence_id -> Nullable<Text>,
        changed_at -> BigInt,
        changed_by -> Text,
    }
}

diesel::table! {
    risk_assessments (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        entry_id -> Text,
        assessed_at -> BigInt,
        trigger -> Text,
        risk_policy_version -> Text,
        catalogue_version -> Text,
        profile_version -> Text,
        policy_version_id -> Nullable<Text>,
        residual_level -> Text,
        residual_score_x100 -> Integer,
        inherent_tier -> Integer,
        holds_until_on -> Nullable<Date>,
        inputs -> Text,
        result -> Text,
        impact -> Integer,
        exposure -> Integer,
        coverage_bp -> Integer,
    }
}

diesel::table! {
    transitions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        entry_id -> Text,
        organization_id -> Text,
        transition -> Text,
        from_status -> Text,
        to_status -> Text,
        effective_on -> Date,
        reason -> Text,
        cause -> Nullable<Text>,
        conditions -> Text,
        person_id -> Text,
        double_role_reason -> Nullable<Text>,
        approval_valid_until_on -> Nullable<Date>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    transition_approvals (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        entry_id -> Text,
        transition -> Text,
        role -> Text,
        person_id -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_on -> Date,
        document_number -> Nullable<Text>,
        note -> Nullable<Text>,
        transition_id -> Nullable<Text>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    obligations (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        entry_id -> Nullable<Text>,
        kind -> Text,
        subject_id -> Text,
        cycle -> Integer,
        due_on -> Date,
        state -> Text,
        known_cycle_days -> Nullable<BigInt>,
        starts_on -> Nullable<Date>,
        severe -> Bool,
        grace_until_on -> Nullable<Date>,
        last_stage -> Nullable<Text>,
        next_step_on -> Nullable<Date>,
        opened_at -> BigInt,
        closed_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    obligation_cycles (local_government_id, obligation_id, cycle) {
        local_government_id -> Text,
        obligation_id -> Text,
        cycle -> Integer,
        due_on -> Date,
        state -> Text,
        opened_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    round_clauses (local_government_id, obligation_id, cycle, clause_key) {
        local_government_id -> Text,
        obligation_id -> Text,
        cycle -> Integer,
        clause_key -> Text,
        own_due_on -> Date,
        assignee_role -> Text,
        assignee_person_id -> Nullable<Text>,
        answer -> Nullable<Text>,
        answered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    verifications (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        obligation_id -> Nullable<Text>,
        cycle -> Nullable<Integer>,
        organization_id -> Text,
        entry_id -> Nullable<Text>,
        verified_on -> Date,
        method -> Text,
        verifier_person_id -> Text,
        on_site -> Bool,
        onsite_reason -> Nullable<Text>,
        result -> Text,
        note -> Nullable<Text>,
        next_due_on -> Nullable<Date>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    verification_answers (local_government_id, verification_id, clause_key) {
        local_government_id -> Text,
        verification_id -> Text,
        clause_key -> Text,
        answer -> Text,
        method -> Text,
        evidence_id -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    messages (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        kind -> Text,
        address -> Text,
        local_day -> Date,
        sequence -> Integer,
        state -> Text,
        next_at -> Nullable<BigInt>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        token -> BigInt,
        attempts -> Integer,
        doubts -> Integer,
        resends -> Integer,
        intent_at -> Nullable<BigInt>,
        rfc_message_id -> Nullable<Text>,
        template -> Nullable<Text>,
        template_version -> Nullable<Text>,
        subject -> Nullable<Text>,
        sealed_bytes -> Nullable<Binary>,
        master_key_id -> Nullable<Text>,
        body_sha256 -> Nullable<Text>,
        remote_ref -> Nullable<Text>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        done_at -> Nullable<BigInt>,
        bounced_at -> Nullable<BigInt>,
        bounce_status -> Nullable<Text>,
    }
}

diesel::table! {
    bounced_addresses (local_government_id, address) {
        local_government_id -> Text,
        address -> Text,
        status -> Text,
        message_id -> Text,
        bounced_at -> BigInt,
    }
}

diesel::table! {
    weekly_summaries (local_government_id, week_on, recipient) {
        local_government_id -> Text,
        week_on -> Date,
        recipient -> Text,
        message_id -> Text,
    }
}

diesel::table! {
    reminder_items (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        obligation_id -> Text,
        cycle -> Integer,
        stage -> Text,
        recipient -> Text,
        person_id -> Nullable<Text>,
        department_id -> Nullable<Text>,
        address -> Text,
        role -> Text,
        organization_id -> Text,
        entry_id -> Nullable<Text>,
        planned_on -> Date,
        immediate -> Bool,
        send_at -> Nullable<BigInt>,
        state -> Text,
        message_id -> Nullable<Text>,
        superseded_by -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    message_attempts (local_government_id, message_id, number) {
        local_government_id -> Text,
        message_id -> Text,
        number -> Integer,
        node -> Text,
        phase -> Text,
        code -> Nullable<Integer>,
        text -> Nullable<Text>,
        started_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    exception_states (code) {
        code -> Text,
    }
}

diesel::table! {
    exceptions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        entry_id -> Text,
        clause_key -> Text,
        state -> Text,
        emergency -> Bool,
        reason -> Text,
        compensating_measures -> Text,
        requested_by_person_id -> Text,
        requested_on -> Date,
        expires_on -> Date,
        beyond_fiscal_year -> Bool,
        decided_on -> Nullable<Date>,
        decided_by_person_id -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decision_document_number -> Nullable<Text>,
        decision_recorded_by_person_id -> Nullable<Text>,
        decision_note -> Nullable<Text>,
        assessment_id -> Nullable<Text>,
        residual_level -> Nullable<Text>,
        residual_score_x100 -> Nullable<Integer>,
        revoked_on -> Nullable<Date>,
        revoked_by_person_id -> Nullable<Text>,
        revocation_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    subcontract_states (code) {
        code -> Text,
    }
}

diesel::table! {
    subcontracts (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        engagement_id -> Text,
        parent_subcontract_id -> Nullable<Text>,
        tier -> Integer,
        contractor_id -> Text,
        work -> Text,
        handles_personal_information -> Bool,
        handles_specific_personal_information -> Bool,
        amount_jpy -> Nullable<BigInt>,
        starts_on -> Date,
        ends_on -> Date,
        state -> Text,
        requested_on -> Date,
        decided_on -> Nullable<Date>,
        decided_by_person_id -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        document_number -> Nullable<Text>,
        flow_down_confirmed -> Bool,
        decision_note -> Nullable<Text>,
        ended_on -> Nullable<Date>,
        end_reason -> Nullable<Text>,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    entry_origins (local_government_id, entry_id) {
        local_government_id -> Text,
        entry_id -> Text,
        predecessor_id -> Nullable<Text>,
        gaps_due_on -> Nullable<Date>,
        transitional_treatment -> Nullable<Text>,
        transitional_reason -> Nullable<Text>,
        transitional_judged_on -> Nullable<Date>,
        transitional_judged_by_person_id -> Nullable<Text>,
    }
}

diesel::table! {
    hand_over_states (code) {
        code -> Text,
    }
}

diesel::table! {
    hand_over_causes (code) {
        code -> Text,
    }
}

diesel::table! {
    delegations (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        from_person_id -> Text,
        to_person_id -> Text,
        starts_on -> Date,
        ends_on -> Date,
        reason -> Text,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    ownership_transfers (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        cause -> Text,
        state -> Text,
        organization_id -> Nullable<Text>,
        from_person_id -> Nullable<Text>,
        from_post_id -> Nullable<Text>,
        to_person_id -> Nullable<Text>,
        to_post_id -> Nullable<Text>,
        entry_ids -> Nullable<Text>,
        effective_on -> Date,
        announced_on -> Nullable<Date>,
        due_on -> Date,
        reason -> Nullable<Text>,
        change_key -> Nullable<Text>,
        settle_on -> Nullable<Date>,
        moved_at -> Nullable<BigInt>,
        answered_on -> Nullable<Date>,
        answered_by_person_id -> Nullable<Text>,
        answer_note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    ownership_transfer_objects (local_government_id, transfer_id, kind, object_id) {
        local_government_id -> Text,
        transfer_id -> Text,
        kind -> Text,
        object_id -> Text,
        entry_id -> Nullable<Text>,
        organization_id -> Text,
    }
}

diesel::table! {
    department_successions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        department_id -> Text,
        kind -> Text,
        successors -> Text,
        effective_on -> Date,
        reason -> Text,
        settle_on -> Nullable<Date>,
        done_at -> Nullable<BigInt>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    policy_versions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        valid_from_on -> Date,
        decided_on -> Date,
        document_number -> Nullable<Text>,
        reason -> Text,
        overlay -> Text,
        catalogue_version -> Text,
        recorded_by_person_id -> Text,
        entries_total -> Nullable<BigInt>,
        entries_done -> BigInt,
        last_entry_id -> Nullable<Text>,
        reassessed_at -> Nullable<BigInt>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    policy_document_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    document_visibilities (code) {
        code -> Text,
    }
}

diesel::table! {
    policy_documents (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        kind -> Text,
        title -> Text,
        edition -> Text,
        visibility -> Text,
        adopted_on -> Nullable<Date>,
        published_on -> Nullable<Date>,
        url -> Nullable<Text>,
        file_id -> Nullable<Text>,
        place -> Nullable<Text>,
        custodian -> Nullable<Text>,
        review_due_on -> Nullable<Date>,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    review_reason_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    policy_document_reviews (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        policy_document_id -> Text,
        reviewed_on -> Date,
        decision -> Text,
        note -> Text,
        risk_analysis -> Nullable<Text>,
        next_review_due_on -> Date,
        person_id -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    policy_document_review_reasons (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        policy_document_id -> Text,
        kind -> Text,
        note -> Text,
        origin_id -> Nullable<Text>,
        origin_reference -> Nullable<Text>,
        raised_on -> Date,
        person_id -> Nullable<Text>,
        review_id -> Nullable<Text>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    audit_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    audits (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        kind -> Text,
        fiscal_year -> Integer,
        scope -> Text,
        auditor_person_id -> Nullable<Text>,
        external_auditor -> Nullable<Text>,
        auditee_person_id -> Text,
        planned_on -> Nullable<Date>,
        started_on -> Nullable<Date>,
        finished_on -> Nullable<Date>,
        reported_on -> Nullable<Date>,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    audit_finding_states (code) {
        code -> Text,
    }
}

diesel::table! {
    audit_findings (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        audit_id -> Text,
        organization_id -> Text,
        severity -> Text,
        clause_key -> Nullable<Text>,
        entry_id -> Nullable<Text>,
        policy_document_id -> Nullable<Text>,
        finding -> Text,
        recommendation -> Text,
        due_on -> Date,
        owner_person_id -> Text,
        state -> Text,
        closed_on -> Nullable<Date>,
        closed_by_person_id -> Nullable<Text>,
        result -> Nullable<Text>,
        evidence_id -> Nullable<Text>,
        file_id -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    double_role_confirmations (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        fiscal_year -> Integer,
        note -> Text,
        person_id -> Text,
        confirmed_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    self_inspections (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        fiscal_year -> Integer,
        profile_version -> Text,
        due_on -> Date,
        completed_on -> Nullable<Date>,
        completed_by_person_id -> Nullable<Text>,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    inspection_answers (code) {
        code -> Text,
    }
}

diesel::table! {
    self_inspection_items (local_government_id, self_inspection_id, duty) {
        local_government_id -> Text,
        self_inspection_id -> Text,
        duty -> Text,
        position -> Integer,
        section -> Text,
        summary -> Text,
        answer -> Nullable<Text>,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        improvement -> Nullable<Text>,
        improvement_due_on -> Nullable<Date>,
        evidence_id -> Nullable<Text>,
        file_id -> Nullable<Text>,
        answered_on -> Nullable<Date>,
        answered_by_person_id -> Nullable<Text>,
    }
}

diesel::table! {
    corrective_action_states (code) {
        code -> Text,
    }
}

diesel::table! {
    corrective_action_origins (code) {
        code -> Text,
    }
}

diesel::table! {
    corrective_actions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        entry_id -> Nullable<Text>,
        clause_key -> Nullable<Text>,
        origin_kind -> Text,
        origin_id -> Nullable<Text>,
        title -> Text,
        owner_person_id -> Nullable<Text>,
        owner_post_id -> Nullable<Text>,
        opened_on -> Date,
        due_on -> Date,
        state -> Text,
        note -> Nullable<Text>,
        closed_on -> Nullable<Date>,
        closed_by_person_id -> Nullable<Text>,
        done -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    corrective_action_evidence (local_government_id, corrective_action_id, evidence_id) {
        local_government_id -> Text,
        corrective_action_id -> Text,
        evidence_id -> Text,
    }
}

diesel::table! {
    corrective_action_extensions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        corrective_action_id -> Text,
        before_on -> Date,
        due_on -> Date,
        reason -> Text,
        decided_by_person_id -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    incident_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    incident_states (code) {
        code -> Text,
    }
}

diesel::table! {
    incident_report_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    incidents (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        kind -> Text,
        severity -> Text,
        state -> Text,
        title -> Text,
        description -> Nullable<Text>,
        occurred_at -> Nullable<BigInt>,
        noticed_at -> BigInt,
        contractor_noticed_on -> Nullable<Date>,
        personal_information -> Bool,
        affected_persons -> Nullable<Integer>,
        sensitive_information -> Bool,
        financial_damage -> Bool,
        malicious -> Bool,
        contained_on -> Nullable<Date>,
        closed_on -> Nullable<Date>,
        closed_by_person_id -> Nullable<Text>,
        cause -> Nullable<Text>,
        prevention -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    incident_entries (local_government_id, incident_id, position) {
        local_government_id -> Text,
        incident_id -> Text,
        position -> Integer,
        entry_id -> Text,
    }
}

diesel::table! {
    incident_events (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        incident_id -> Text,
        happened_at -> BigInt,
        text -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    incident_reports (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        incident_id -> Text,
        kind -> Text,
        target_on -> Nullable<Date>,
        due_on -> Date,
        reported_on -> Nullable<Date>,
        reference -> Nullable<Text>,
    }
}

diesel::table! {
    measure_kinds (code) {
        code -> Text,
    }
}

diesel::table! {
    contract_measures (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        entry_id -> Text,
        period_id -> Nullable<Text>,
        kind -> Text,
        contract_article -> Text,
        reason -> Text,
        notice_on -> Date,
        document_number -> Text,
        decided_by_person_id -> Text,
        corrective_action_id -> Nullable<Text>,
        incident_id -> Nullable<Text>,
        verification_id -> Nullable<Text>,
        answer_due_on -> Nullable<Date>,
        answered_on -> Nullable<Date>,
        answer -> Nullable<Text>,
        result -> Nullable<Text>,
        note -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
    }
}

diesel::table! {
    idempotency_keys (local_government_id, client_id, key) {
        local_government_id -> Text,
        client_id -> Text,
        key -> Text,
        fingerprint -> Text,
        sealed_answer -> Binary,
        master_key_id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    gate_watches (local_government_id, entry_id, action) {
        local_government_id -> Text,
        entry_id -> Text,
        action -> Text,
        decision -> Text,
        look_on -> Date,
    }
}

diesel::table! {
    gate_watch_positions (local_government_id) {
        local_government_id -> Text,
        position -> BigInt,
    }
}

diesel::table! {
    webhook_endpoints (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        contact_person_id -> Text,
        url -> Text,
        event_types -> Text,
        organization_ids -> Nullable<Text>,
        note -> Nullable<Text>,
        status -> Text,
        sealed_secret -> Binary,
        secret_prefix -> Text,
        previous_sealed_secret -> Nullable<Binary>,
        previous_secret_until -> Nullable<BigInt>,
        position -> BigInt,
        failing_since -> Nullable<BigInt>,
        disabled_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        created_by -> Text,
        updated_at -> BigInt,
        updated_by -> Text,
        archived_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    webhook_deliveries (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        endpoint_id -> Text,
        event_id -> Text,
        event_type -> Text,
        body -> Text,
        state -> Text,
        attempts -> Integer,
        next_at -> Nullable<BigInt>,
        token -> BigInt,
        created_at -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    webhook_attempts (local_government_id, delivery_id, number) {
        local_government_id -> Text,
        delivery_id -> Text,
        number -> Integer,
        started_at -> BigInt,
        ended_at -> BigInt,
        response_status -> Nullable<Integer>,
        error -> Nullable<Text>,
        response_text -> Nullable<Text>,
    }
}

diesel::table! {
    calendar_feeds (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        organization_id -> Text,
        person_id -> Nullable<Text>,
        department_id -> Nullable<Text>,
        link_sha256 -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    export_statuses (code) {
        code -> Text,
    }
}

diesel::table! {
    exports (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        client_id -> Text,
        subject -> Text,
        order_json -> Text,
        status -> Text,
        rows_done -> BigInt,
        lease_until -> Nullable<BigInt>,
        error_code -> Nullable<Text>,
        error_ja -> Nullable<Text>,
        error_en -> Nullable<Text>,
        file_name -> Nullable<Text>,
        storage_name -> Nullable<Text>,
        size_bytes -> Nullable<BigInt>,
        sha256 -> Nullable<Text>,
        created_at -> BigInt,
        created_by -> Text,
        finished_at -> Nullable<BigInt>,
        expires_at -> BigInt,
    }
}

diesel::table! {
    imports (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        entity -> Text,
        settings -> Text,
        sha256 -> Text,
        storage_name -> Nullable<Text>,
        client_id -> Nullable<Text>,
        person_id -> Nullable<Text>,
        organization_ids -> Text,
        status -> Text,
        phase -> Text,
        header -> Nullable<Text>,
        last_row -> BigInt,
        rows_total -> BigInt,
        rows_done -> BigInt,
        created -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        failed -> BigInt,
        problem -> Nullable<Text>,
        created_at -> BigInt,
        created_by -> Text,
        finished_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    import_rows (local_government_id, import_id, row_number) {
        local_government_id -> Text,
        import_id -> Text,
        row_number -> BigInt,
        cells -> Text,
        row_key -> Nullable<Text>,
        failed -> Bool,
    }
}

diesel::table! {
    import_errors (local_government_id, import_id, row_number, position) {
        local_government_id -> Text,
        import_id -> Text,
        row_number -> BigInt,
        position -> BigInt,
        sheet_column -> Nullable<BigInt>,
        field -> Nullable<Text>,
        code -> Text,
        message_ja -> Text,
        message_en -> Text,
    }
}

diesel::table! {
    sign_in_links (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        person_id -> Text,
        token_sha256 -> Text,
        leads_to -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        created_at -> BigInt,
        created_by -> Text,
    }
}

diesel::table! {
    sessions (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        person_id -> Text,
        secret_sha256 -> Text,
        started_at -> BigInt,
        seen_at -> BigInt,
        ends_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    link_purposes (code) {
        code -> Text,
    }
}

diesel::table! {
    links (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        purpose -> Text,
        person_id -> Nullable<Text>,
        department_id -> Nullable<Text>,
        by_person_id -> Nullable<Text>,
        obligation_id -> Nullable<Text>,
        cycle -> Nullable<Integer>,
        message_id -> Nullable<Text>,
        token_hash -> Text,
        code_hash -> Text,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    receipts (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        number -> Text,
        link_id -> Text,
        sheet -> Text,
        person_id -> Text,
        answered -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    grace_requests (local_government_id, id) {
        local_government_id -> Text,
        id -> Text,
        obligation_id -> Text,
        cycle -> Integer,
        requested_by_person_id -> Text,
        until_on -> Date,
        reason -> Text,
        granted -> Nullable<Bool>,
        decided_by_person_id -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        note -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    prepared_answers (local_government_id, obligation_id, cycle, clause_key) {
        local_government_id -> Text,
        obligation_id -> Text,
        cycle -> Integer,
        clause_key -> Text,
        answer -> Text,
        note -> Nullable<Text>,
        evidence_id -> Nullable<Text>,
        prepared_by_person_id -> Text,
        prepared_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    entries,
    subcontracts,
    entry_origins,
    engagements,
    cloud_services,
    social_media_accounts,
    search_grams,
    contractors,
    engagement_periods,
    obligations,
    organizations,
    departments,
    people,
    posts,
    social_media_services,
    reminder_items,
    messages,
    incident_entries,
    incidents,
    incident_reports
);
diesel::allow_tables_to_appear_in_same_query!(entries, risk_assessments);
diesel::allow_tables_to_appear_in_same_query!(obligations, round_clauses);
diesel::allow_tables_to_appear_in_same_query!(journal, journal_payloads);
diesel::allow_tables_to_appear_in_same_query!(ownership_transfer_objects, ownership_transfers, entries);
diesel::allow_tables_to_appear_in_same_query!(policy_documents, policy_document_review_reasons);
diesel::allow_columns_to_appear_in_same_group_by_clause!(
    entries::kind,
    entries::risk_level,
    risk_assessments::impact,
    risk_assessments::exposure
);
