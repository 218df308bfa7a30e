//! How an answer comes about, is signed and kept, and how a filed one is verified without this program's database.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde_json::Value;

use super::wire::{GateCheck, GateCheckCreate, GateCondition, GateRisk};
use super::{enforcement, subject, watch};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::gate_checks;
use crate::domain::calendar::add_months;
use crate::domain::gate::{self, GateAction, GateInput};
use crate::domain::requirement::requirements;
use crate::domain::vocabulary::{CodeWord, Kind, Phase, RequirementLevel};
use crate::http::body::clean_line;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::journal::chain::PublicKeys;
use crate::journal::checkpoint;
use crate::{contractors, organizations};

/// The type of the signature.
const TYP: &str = "kakunin-gate+jwt";
/// How far ahead can be asked.
const MONTHS_AHEAD: i32 = 24;

/// Answers a question and keeps the answer.
///
/// # Errors
/// 422 for a question that is not well-formed.
pub(super) fn ask(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    mut new: GateCheckCreate,
) -> Result<GateCheck, ApiError> {
    let mut errors = vec![];
    clean_line(&mut new.on_behalf_of, "/on_behalf_of", 200, &mut errors);
    let as_of_on = new.as_of_on.unwrap_or(scope.today);
    if as_of_on < scope.today || as_of_on > add_months(scope.today, MONTHS_AHEAD) {
        errors.push(FieldError::new(
            "/as_of_on",
            "out_of_range",
            "今日から2年以内の日を指定してください。過去の判定は記録（GET /gate-checks）にあります。",
            "Give a day from today to two years ahead; past answers are kept (GET /gate-checks).",
        ));
    }
    if new.invoice_received_on.is_some() && new.action != GateAction::Pay {
        errors.push(FieldError::new(
            "/invoice_received_on",
            "not_for_this_action",
            "請求書の受理日は支払の判定だけで指定できます。",
            "It goes with a payment.",
        ));
    }
    ApiError::unless_empty(errors)?;
    let found = subject::find(scope, allowed, &new)?;
    let (check, input) = scope.ahead(as_of_on, |scope| evaluate(scope, allowed, &new, found, as_of_on))?;
    watch::note(scope, &new, &check)?;
    keep(scope, &new, check, &input)
}

/// The answer as it is today, not kept.
///
/// # Errors
/// A database failure.
pub(super) fn now(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: &GateCheckCreate,
) -> Result<GateCheck, ApiError> {
    let found = subject::find(scope, allowed, new)?;
    let today = scope.today;
    Ok(evaluate(scope, allowed, new, found, today)?.0)
}

fn evaluate(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: &GateCheckCreate,
    found: subject::Subject,
    as_of_on: chrono::NaiveDate,
) -> Result<(GateCheck, GateInput), ApiError> {
    let contractors = match &found.contractor_id {
        Some(id) => contractors::companies(scope, id, as_of_on)?,
        None => vec![],
    };
    let planned = new.planned.as_ref();
    if let Some(planned) = planned {
        let known = allowed.contains(&planned.organization_id);
        if !known || organizations::row(scope, &planned.organization_id).is_err() {
            return Err(ApiError::Validation(vec![FieldError::reference(
                "/planned/organization_id",
            )]));
        }
    }
    let organization_id = found
        .entry
        .as_ref()
        .map(|entry| entry.organization_id.clone())
        .or_else(|| planned.map(|planned| planned.organization_id.clone()));
    let catalogue = match &organization_id {
        Some(id) => scope.catalogue_of(id, as_of_on)?,
        None => &scope.app.catalogue,
    };
    let conditions = match planned {
        Some(planned) => conditions(scope, planned, new.action, as_of_on)?,
        None => vec![],
    };
    let (entry, period_id) = match found.entry {
        Some(entry) => {
            let (state, period_id) = subject::of_entry(scope, entry, catalogue, new.action, as_of_on)?;
            (Some(state), period_id)
        }
        None => (None, None),
    };
    let input = GateInput {
        action: new.action,
        as_of_on,
        contractors,
        contractor_unknown: found.contractor_unknown,
        entry,
        invoice_received_on: new.invoice_received_on,
    };
    let reasons = gate::reasons(&input);
    let decision = gate::decide(&input, &reasons);
    let mode = match &organization_id {
        Some(id) => enforcement::mode(scope, id, new.action, as_of_on)?,
        None => gate::EnforcementMode::Observe,
    };
    let enforced_decision = gate::enforced(new.action, decision, mode);
    let entry = input.entry.as_ref();
    let check = GateCheck {
        id: scope.new_id(),
        action: new.action,
        decision,
        enforced_decision,
        enforcement_mode: mode,
        entry_id: entry.map(|entry| entry.id.clone()),
        engagement_period_id: period_id,
        contractor_id: found.contractor_id,
        as_of_on,
        evaluated_at: scope.at,
        valid_until: Instant::of_local(as_of_on.succ_opt().unwrap_or(as_of_on), 0, scope.zone),
        erp: gate::erp(&input, enforced_decision, &reasons),
        reasons,
        conditions,
        risk: entry.map(|entry| GateRisk {
            residual_level: entry.residual_level,
            residual_score_x100: entry.residual_score_x100,
        }),
        risk_policy_version: scope.app.risk_policy.version.clone(),
        catalogue_version: catalogue.version.clone(),
        policy_version_id: catalogue.policy_version_id.clone(),
        organization_id,
        reference: new.reference.clone(),
        on_behalf_of: new.on_behalf_of.clone(),
        jws: None,
    };
    Ok((check, input))
}

/// The mandatory clauses that planned work will need up to the transition of the action.
fn conditions(
    scope: &mut Scope<'_>,
    planned: &super::wire::PlannedWork,
    action: GateAction,
    on: chrono::NaiveDate,
) -> Result<Vec<GateCondition>, ApiError> {
    let Some(transition) = gate::transition(action, planned.kind) else {
        let kind: Kind = planned.kind;
        return Err(ApiError::field(
            "/action",
            "not_for_this_kind",
            format!("「{}」は「{}」にはありません。", action.ja(), kind.ja()),
            format!("{} is not asked of a {}.", action.code(), kind.code()),
        ));
    };
    let organization = organizations::row(scope, &planned.organization_id)?;
    let defaults = scope.app.profile(&organization.profile_key)?.fact_defaults();
    let catalogue = scope.catalogue_of(&planned.organization_id, on)?;
    let (list, _) = requirements(catalogue, planned.kind, &planned.facts, &defaults, Phase::Closing, on);
    let guarded: BTreeSet<&str> = list
        .iter()
        .filter(|one| one.level == RequirementLevel::Mandatory)
        .filter(|one| {
            let gates = one.clause.gates.get(&planned.kind).into_iter().flatten();
            gates
                .into_iter()
                .any(|gate| Some(gate.transition.as_str()) == transition)
        })
        .map(|one| one.clause.key.as_str())
        .collect();
    Ok(list
        .iter()
        .filter(|one| guarded.contains(one.clause.key.as_str()))
        .map(|one| GateCondition {
            clause_key: one.clause.key.clone(),
            title: one.clause.title_ja.clone(),
            title_en: one.clause.title_en.clone(),
        })
        .collect())
}

fn keep(
    scope: &mut Scope<'_>,
    new: &GateCheckCreate,
    mut check: GateCheck,
    input: &GateInput,
) -> Result<GateCheck, ApiError> {
    if new.sign {
        let (_, jws) = checkpoint::sign(scope, TYP, &unsigned(&check)?)?;
        check.jws = Some(detached(&jws)?);
    }
    diesel::insert_into(gate_checks::table)
        .values((
            gate_checks::local_government_id.eq(&scope.lg),
            gate_checks::id.eq(&check.id),
            gate_checks::organization_id.eq(&check.organization_id),
            gate_checks::entry_id.eq(&check.entry_id),
            gate_checks::contractor_id.eq(&check.contractor_id),
            gate_checks::action.eq(check.action.code()),
            gate_checks::decision.eq(check.decision.code()),
            gate_checks::enforced_decision.eq(check.enforced_decision.code()),
            gate_checks::as_of_on.eq(check.as_of_on),
            gate_checks::request.eq(serde_json::to_string(new)?),
            gate_checks::inputs.eq(serde_json::to_string(input)?),
            gate_checks::answer.eq(serde_json::to_string(&check)?),
            gate_checks::jws.eq(&check.jws),
            gate_checks::evaluated_at.eq(scope.at),
            gate_checks::evaluated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let id = check.id.clone();
    let subject = Subject {
        organization_id: check.organization_id.as_deref(),
        entry_id: check.entry_id.as_deref(),
        ..Subject::of("gate_check", &id)
    };
    let payload = serde_json::json!({"action": check.action, "decision": check.decision,
        "enforced_decision": check.enforced_decision, "contractor_id": check.contractor_id,
        "reference": check.reference, "on_behalf_of": check.on_behalf_of});
    scope.record("gate_check.answered", subject, payload);
    Ok(check)
}

/// What is signed: the answer without its signature, as JSON whose members are sorted.
fn unsigned(check: &GateCheck) -> Result<Value, ApiError> {
    let mut value = serde_json::to_value(check)?;
    if let Some(members) = value.as_object_mut() {
        members.remove("jws");
    }
    Ok(value)
}

/// A compact JWS without its payload (RFC 7515 appendix F).
fn detached(jws: &str) -> Result<String, ApiError> {
    match jws.split('.').collect::<Vec<_>>().as_slice() {
        [header, _, signature] => Ok(format!("{header}..{signature}")),
        _ => Err(ApiError::internal("a signature of another form")),
    }
}

/// Checks a filed answer with public keys that its reader already holds; answers it.
///
/// # Errors
/// One sentence about what does not hold.
pub fn verify(text: &[u8], keys: &PublicKeys) -> Result<GateCheck, String> {
    let check: GateCheck = serde_json::from_slice(text).map_err(|error| format!("it is no gate check: {error}"))?;
    let jws = check.jws.clone().ok_or("it was not signed")?;
    let whole: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(&check).map_err(|error| error.to_string())?;
    if whole != known {
        return Err("it holds more or other members than a gate check".to_owned());
    }
    let payload = unsigned(&check).map_err(|error| error.to_string())?;
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    let (header, signature) = jws.split_once("..").ok_or("its signature is of another form")?;
    let signed: Value = keys
        .open(&format!("{header}.{payload}.{signature}"))
        .ok_or("it was changed, or is not signed by a key that you trust")?;
    if signed.get("id").and_then(Value::as_str) != Some(check.id.as_str()) {
        return Err("its signature is of another answer".to_owned());
    }
    Ok(check)
}
