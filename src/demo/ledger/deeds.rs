//! What has been done in the demo's ledger beyond contracts and confirmations: a document that the policy asks for, this
//! year's self-inspection, a subcontract that waits for its decision, an incident and what it is to put right.

use diesel::prelude::*;
use serde_json::json;

use super::{ALL, offset, wire};
use crate::app::Scope;
use crate::corrective_actions::{self, NewAction};
use crate::db::schema::entries;
use crate::domain::calendar::fiscal_year;
use crate::domain::corrective_action::CorrectiveActionOrigin;
use crate::domain::vocabulary::{CodeWord, Kind, Status};
use crate::http::error::ApiError;
use crate::{incidents, policy_documents, self_inspections, subcontracts};

/// Adds them to an organization; `company` is who works below its first contractor.
pub(super) fn add(scope: &mut Scope<'_>, organization_id: &str, company: &str) -> Result<(), ApiError> {
    let today = scope.today;
    let document = json!({"organization_id": organization_id, "kind": "basic_policy",
        "title": "情報セキュリティ基本方針", "edition": "第1版", "adopted_on": offset(today, -400),
        "published_on": offset(today, -398), "url": "https://www.example.lg.jp/security-policy.html",
        "review_due_on": offset(today, 120)});
    policy_documents::create(scope, &ALL, wire(document)?)?;
    self_inspections::open(scope, organization_id, fiscal_year(today))?;

    let running: Vec<String> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq(organization_id))
        .filter(entries::kind.eq(Kind::ContractorEngagement.code()))
        .filter(entries::status.eq(Status::InPerformance.code()))
        .order(entries::id)
        .limit(2)
        .select(entries::id)
        .load(scope.conn)?;
    if let Some(engagement_id) = running.first() {
        let application = json!({"engagement_id": engagement_id, "contractor_id": company, "work": "夜間の運用監視",
            "handles_personal_information": false, "handles_specific_personal_information": false,
            "starts_on": today, "ends_on": offset(today, 30)});
        subcontracts::apply(scope, &ALL, wire(application)?)?;
    }
    if let Some(entry_id) = running.last() {
        let incident = json!({"entry_ids": [entry_id], "kind": "policy_violation", "severity": "minor",
            "title": "作業報告書の宛先誤り", "description": "庁内の別の課に送付した。個人情報は含まれない。"});
        let incident = incidents::create(scope, &ALL, wire(incident)?)?;
        let action = NewAction {
            organization_id: organization_id.to_owned(),
            entry_id: Some(entry_id.clone()),
            clause_key: None,
            origin_kind: CorrectiveActionOrigin::Incident,
            origin_id: Some(incident.id),
            title: "送付前に宛先を二人で確かめる".to_owned(),
            owner: None,
            due_on: offset(today, 20),
            note: None,
        };
        let id = corrective_actions::open(scope, &action)?;
        corrective_actions::settle(scope, &id)?;
    }
    Ok(())
}
