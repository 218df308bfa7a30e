//! What a gate check looks at: the subject that the question names, and everything known of it on the day.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{GateCandidate, GateCheckCreate};
use crate::app::Scope;
use crate::db::schema::{cloud_services, contract_measures, contractors, engagement_periods, engagements};
use crate::domain::catalogue::Catalogue;
use crate::domain::gate::{self, EntryState, ExceptionState, GateAction, Lack, Step, Withholding};
use crate::domain::lifecycle::approval_lapsed;
use crate::domain::measure::MeasureKind;
use crate::domain::subcontract;
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::{corrective_actions, exceptions, external_ids, incidents, subcontracts, transitions};

/// The subject of a question.
pub(super) struct Subject {
    pub entry: Option<EntryRow>,
    pub contractor_id: Option<String>,
    /// A company was named that is not registered.
    pub contractor_unknown: bool,
}

/// Finds the one subject that the question names. An id of this API must exist; a company that is known by a number or
/// a key of another system may not be registered, which is an answer.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, new: &GateCheckCreate) -> Result<Subject, ApiError> {
    let mut errors = vec![];
    let entries = named_entries(scope, new, &mut errors)?;
    let named = GateCandidate {
        contractor_id: new.contractor_id.clone(),
        corporate_number: new.corporate_number.clone(),
        contractor_external_id: new.contractor_external_id.clone(),
    };
    let companies = named.given();
    let company = company(scope, &named, "", &mut errors)?;
    let candidate = match &new.candidate {
        Some(named) => {
            if named.given() != 1 {
                errors.push(one_company());
            }
            Some(self::company(scope, named, "/candidate", &mut errors)?)
        }
        None => None,
    };
    ApiError::unless_empty(errors)?;
    let mut errors = vec![];
    if entries.len() + companies != 1 {
        errors.push(FieldError::new(
            "",
            "one_subject",
            "entry_id、entry_external_id、engagement_period_id、contractor_id、corporate_number、contractor_external_id のうち一つだけを指定してください。",
            "Name exactly one of entry_id, entry_external_id, engagement_period_id, contractor_id, corporate_number and contractor_external_id.",
        ));
    } else if entries.is_empty() && candidate.is_some() {
        errors.push(FieldError::new(
            "/candidate",
            "needs_entry",
            "候補者は台帳を対象とするときだけ指定できます。",
            "A candidate goes with an entry.",
        ));
    } else if !entries.is_empty() && new.planned.is_some() {
        errors.push(FieldError::new(
            "/planned",
            "needs_contractor",
            "予定の業務は事業者を対象とするときだけ指定できます。",
            "Planned work goes with a contractor.",
        ));
    }
    ApiError::unless_empty(errors)?;
    let Some((id, pointer)) = entries.into_iter().next() else {
        return Ok(Subject {
            entry: None,
            contractor_unknown: company.is_none(),
            contractor_id: company,
        });
    };
    let entry = match entry_rows::find(scope, allowed, &id) {
        Err(ApiError::NotFound) => return Err(ApiError::Validation(vec![FieldError::reference(pointer)])),
        found => found?,
    };
    let contractor_id = match &candidate {
        Some(found) => found.clone(),
        None => contractor_of(scope, &entry)?,
    };
    Ok(Subject {
        contractor_unknown: candidate.is_some() && contractor_id.is_none(),
        contractor_id,
        entry: Some(entry),
    })
}

fn one_company() -> FieldError {
    FieldError::new(
        "/candidate",
        "one_subject",
        "contractor_id、corporate_number、contractor_external_id のうち一つだけを指定してください。",
        "Name exactly one of contractor_id, corporate_number and contractor_external_id.",
    )
}

/// The ids of the entries that the question names, with where it does.
fn named_entries(
    scope: &mut Scope<'_>,
    new: &GateCheckCreate,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<(String, &'static str)>, ApiError> {
    let mut found = vec![];
    found.extend(new.entry_id.clone().map(|id| (id, "/entry_id")));
    if let Some(external) = &new.entry_external_id {
        match external_ids::find(scope, entry_rows::KIND, external)? {
            Some(id) => found.push((id, "/entry_external_id")),
            None => errors.push(FieldError::reference("/entry_external_id")),
        }
    }
    if let Some(id) = &new.engagement_period_id {
        let of: Option<String> = engagement_periods::table
            .find((&scope.lg, id))
            .select(engagement_periods::engagement_id)
            .first(scope.conn)
            .optional()?;
        match of {
            Some(id) => found.push((id, "/engagement_period_id")),
            None => errors.push(FieldError::reference("/engagement_period_id")),
        }
    }
    Ok(found)
}

/// The contractor that is named, if it is registered.
fn company(
    scope: &mut Scope<'_>,
    named: &GateCandidate,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Result<Option<String>, ApiError> {
    match named {
        GateCandidate {
            contractor_id: Some(id),
            ..
        } => {
            let there: Option<String> = contractors::table
                .find((&scope.lg, id))
                .select(contractors::id)
                .first(scope.conn)
                .optional()?;
            if there.is_none() {
                errors.push(FieldError::reference(&format!("{pointer}/contractor_id")));
            }
            Ok(there)
        }
        GateCandidate {
            corporate_number: Some(number),
            ..
        } => crate::contractors::of_number(scope, number),
        GateCandidate {
            contractor_external_id: Some(key),
            ..
        } => crate::contractors::of_key(scope, key),
        _ => Ok(None),
    }
}

fn contractor_of(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<Option<String>, ApiError> {
    Ok(match entry.kind.0 {
        Kind::ContractorEngagement => engagements::table
            .find((&scope.lg, &entry.id))
            .select(engagements::contractor_id)
            .first(scope.conn)?,
        Kind::CloudService => cloud_services::table
            .find((&scope.lg, &entry.id))
            .select(cloud_services::provider_contractor_id)
            .first(scope.conn)?,
        Kind::SocialMediaAccount => None,
    })
}

/// An entry on a day, as far as an action asks about it, and its current contract period.
pub(super) fn of_entry<'c>(
    scope: &mut Scope<'c>,
    entry: EntryRow,
    catalogue: &'c Catalogue,
    action: GateAction,
    on: NaiveDate,
) -> Result<(EntryState, Option<String>), ApiError> {
    let kind = entry.kind.0;
    let Some(transition) = gate::transition(action, kind) else {
        return Err(ApiError::field(
            "/action",
            "not_for_this_kind",
            format!("「{}」は「{}」にはありません。", action.ja(), kind.ja()),
            format!("{} is not asked of a {}.", action.code(), kind.code()),
        ));
    };
    let situation = state::situation_under(scope, entry, catalogue)?;
    let entry = &situation.entry;
    let (step, unmet) = match transition {
        Some(key) => transitions::lacks(scope, &situation, key, on)?,
        None => (Step::At, vec![]),
    };
    let (assessment, _) = state::assess(scope, &situation)?;
    let guarded = |clause_key: &str| {
        let required = situation.catalogue.clause(clause_key);
        required.is_some_and(|clause| {
            let gates = clause.gates.get(&kind).into_iter().flatten();
            gates
                .into_iter()
                .any(|gate| Some(gate.transition.as_str()) == transition)
        })
    };
    let exceptions = exceptions::in_effect(scope, &entry.id)?
        .into_iter()
        .filter(|exception| exception.expires_on >= on && guarded(&exception.clause_key))
        .map(|exception| ExceptionState {
            id: exception.id,
            clause_key: exception.clause_key,
            expires_on: exception.expires_on,
        })
        .collect();
    let late_action = corrective_actions::open_dues(scope, &entry.id)?
        .into_iter()
        .map(|(_, due_on)| due_on)
        .filter(|due_on| *due_on < on)
        .min();
    let late_round = situation
        .round
        .as_ref()
        .map(|round| round.due_on)
        .filter(|due| *due < on);
    let lapsed = match kind {
        Kind::CloudService => {
            let until: Option<NaiveDate> = cloud_services::table
                .find((&scope.lg, &entry.id))
                .select(cloud_services::approval_valid_until_on)
                .first(scope.conn)?;
            until.filter(|_| approval_lapsed(entry.status.0, until, on))
        }
        Kind::ContractorEngagement | Kind::SocialMediaAccount => None,
    };
    let (contract_ends_on, unpermitted) = match kind {
        Kind::ContractorEngagement => {
            let chain = subcontracts::chain(scope, &entry.id)?;
            (
                state::last_day(scope, &entry.id)?,
                subcontract::unpermitted(&chain, on).next().is_some(),
            )
        }
        Kind::CloudService | Kind::SocialMediaAccount => (None, false),
    };
    let withholdings = if action == GateAction::Pay {
        withholdings(scope, &entry.id)?
    } else {
        vec![]
    };
    let state = EntryState {
        kind,
        status: entry.status.0,
        archived: entry.archived_at.is_some(),
        step,
        lacks: Lack::of(&unmet),
        exceptions,
        residual_level: assessment.residual_level,
        residual_score_x100: assessment.residual_score_x100,
        owner_missing: situation.owner_missing,
        incident_open: incidents::is_open(scope, &entry.id)?,
        major_incident_open: situation.open_major_incident,
        corrective_action_late_since: late_action,
        verification_late_since: late_round,
        approval_lapsed_on: lapsed,
        contract_ends_on,
        unpermitted_subcontracts: unpermitted,
        withholdings,
        id: entry.id.clone(),
    };
    Ok((state, situation.period.map(|period| period.id)))
}

/// The measures by which payment is withheld and that have not come to their end.
fn withholdings(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<Withholding>, ApiError> {
    let rows: Vec<(String, String, NaiveDate)> = contract_measures::table
        .filter(contract_measures::local_government_id.eq(&scope.lg))
        .filter(contract_measures::entry_id.eq(entry_id))
        .filter(contract_measures::kind.eq(MeasureKind::PaymentWithholding.code()))
        .filter(contract_measures::result.is_null())
        .order(contract_measures::id)
        .select((
            contract_measures::contract_article,
            contract_measures::document_number,
            contract_measures::notice_on,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(contract_article, document_number, notice_on)| Withholding {
            contract_article,
            document_number,
            notice_on,
        })
        .collect())
}
