//! What follows from an entry's facts and fulfilments: its requirements, its risk, its rounds and other due dates.
//!
//! [`refresh`] runs in the transaction of every change and, for what time alone changes, by the reconciler
//! [`super::reassess_due`]. It stores the assessment with all its inputs and versions (design §4.16, §9 "Time changes
//! risk too"). The rules themselves are in [`crate::domain`]; cycles are kept by [`crate::obligations::cycles`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::dates;
use super::rows::EntryRow;
use crate::app::Scope;
use crate::clauses::stored::{self, Stored};
use crate::db::schema::{engagement_periods, engagements, entries, risk_assessments, round_clauses, verifications};
use crate::domain::catalogue::{Catalogue, Clause};
use crate::domain::facts::{FactDefaults, Facts};
use crate::domain::fulfilment;
use crate::domain::onsite;
use crate::domain::requirement::{Requirement, requirements};
use crate::domain::risk::{self, ClauseInput, RiskAssessment, RiskInput};
use crate::domain::round::{self, RoundClause, RoundInput};
use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, Kind, ObligationKind, Phase, Role, Severity};
use crate::http::error::ApiError;
use crate::incidents;
use crate::obligations::cycles::{self, Due, OpenRound};
use crate::organizations::{self, OrganizationRow};
use crate::people::holders::Directory;
use crate::social_media_accounts::CREDENTIALS_CLAUSE;
use crate::{ownership_transfers, social_media_accounts};

/// A contract period as far as due dates need it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = engagement_periods)]
pub(crate) struct PeriodRow {
    pub id: String,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub notice_deadline_on: Option<NaiveDate>,
}

/// Everything that the state of an entry follows from.
pub(crate) struct Situation<'c> {
    pub entry: EntryRow,
    pub organization: OrganizationRow,
    pub profile_version: String,
    pub catalogue: &'c Catalogue,
    pub defaults: FactDefaults,
    pub period: Option<PeriodRow>,
    pub requirements: Vec<Requirement<'c>>,
    pub stored: Stored,
    pub round: Option<OpenRound>,
    pub directory: Directory,
    pub owner_missing: bool,
    /// An incident that holds the level up is not closed.
    pub open_major_incident: bool,
    /// The last day for the yearly inspection on site, where that rule applies.
    pub onsite_due_on: Option<NaiveDate>,
}

impl Situation<'_> {
    /// The derived status of a clause today, and how late it is.
    pub(crate) fn status(&self, requirement: &Requirement<'_>, today: NaiveDate) -> (FulfilmentStatus, i64) {
        self.status_of(requirement.clause, today)
    }

    /// The same of any clause of the catalogue, also one that is not required in this phase.
    pub(super) fn status_of(&self, clause: &Clause, today: NaiveDate) -> (FulfilmentStatus, i64) {
        let state = self
            .stored
            .state(&clause.key, self.period.as_ref().map(|p| p.id.as_str()), today);
        let status = fulfilment::status(clause, self.entry.kind.0, &state, today);
        let due_on = self
            .round
            .as_ref()
            .filter(|r| r.clauses.contains(&clause.key))
            .map(|r| r.due_on);
        (status, fulfilment::days_overdue(status, &state, due_on, today))
    }

    /// The evidence with a last day that the required clauses lean on.
    pub(super) fn expiring_evidence(&self, today: NaiveDate) -> BTreeMap<&str, NaiveDate> {
        let period_id = self.period.as_ref().map(|period| period.id.as_str());
        let counted = self
            .requirements
            .iter()
            .filter(|requirement| self.status(requirement, today).0 != FulfilmentStatus::NotApplicable);
        counted
            .flat_map(|requirement| self.stored.expiring(&requirement.clause.key, period_id))
            .collect()
    }
}

/// Loads what the state of an entry follows from: a constant number of queries.
pub(crate) fn situation<'c>(scope: &mut Scope<'c>, entry: EntryRow) -> Result<Situation<'c>, ApiError> {
    let catalogue = scope.catalogue_of(&entry.organization_id, scope.today)?;
    situation_under(scope, entry, catalogue)
}

/// The same under a catalogue that need not be in force.
pub(crate) fn situation_under<'k>(
    scope: &mut Scope<'_>,
    entry: EntryRow,
    catalogue: &'k Catalogue,
) -> Result<Situation<'k>, ApiError> {
    let organization = organizations::row(scope, &entry.organization_id)?;
    let profile = scope.app.profile(&organization.profile_key)?;
    let defaults = profile.fact_defaults();
    let profile_version = format!("{}@{}", profile.key, profile.version);
    let period = current_period(scope, &entry)?;
    let facts = entry.facts()?;
    let (requirements, _) = requirements(
        catalogue,
        entry.kind.0,
        &facts,
        &defaults,
        entry.status.0.phase(),
        scope.today,
    );
    let stored = stored::load(scope, &entry.id)?;
    let round = cycles::open_round(scope, &entry.id)?;
    let directory = directory_of(scope, &entry, scope.today)?;
    let owner = directory.owner(entry.owner_person_id.as_deref(), entry.owner_post_id.as_deref());
    let owner_missing = owner.is_none() || ownership_transfers::acceptance_is_late(scope, &entry)?;
    let open_major_incident = incidents::is_major_open(scope, &entry.id)?;
    let onsite_due_on = onsite_due_on(scope, &entry, &facts)?;
    Ok(Situation {
        entry,
        organization,
        profile_version,
        catalogue,
        defaults,
        period,
        requirements,
        stored,
        round,
        directory,
        owner_missing,
        open_major_incident,
        onsite_due_on,
    })
}

/// Who answers for an entry on a day: its owner and deputy, and every role of its organization.
///
/// # Errors
/// A database failure.
pub(crate) fn directory_of(scope: &mut Scope<'_>, entry: &EntryRow, on: NaiveDate) -> Result<Directory, ApiError> {
    let given = |ids: [&Option<String>; 2]| ids.into_iter().flatten().cloned().collect::<Vec<_>>();
    Directory::load(
        scope,
        std::slice::from_ref(&entry.organization_id),
        &given([&entry.owner_person_id, &entry.deputy_person_id]),
        &given([&entry.owner_post_id, &entry.deputy_post_id]),
        on,
    )
}

/// The last inspection of an entry: somebody went there, or a reason not to is recorded.
pub(crate) fn last_onsite(scope: &mut Scope<'_>, entry_id: &str) -> Result<Option<NaiveDate>, ApiError> {
    Ok(verifications::table
        .filter(verifications::local_government_id.eq(&scope.lg))
        .filter(verifications::entry_id.eq(Some(entry_id)))
        .filter(verifications::on_site.or(verifications::onsite_reason.is_not_null()))
        .select(diesel::dsl::max(verifications::verified_on))
        .first(scope.conn)?)
}

fn onsite_due_on(scope: &mut Scope<'_>, entry: &EntryRow, facts: &Facts) -> Result<Option<NaiveDate>, ApiError> {
    if entry.status.0.phase() != Phase::Active || !onsite::applies(entry.kind.0, facts) {
        return Ok(None);
    }
    let last = last_onsite(scope, &entry.id)?;
    Ok(onsite::due_on(last, entry.started_on))
}

/// The period that runs today, else the one that ended last, else the one that starts first.
pub(crate) fn current_period(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<Option<PeriodRow>, ApiError> {
    if entry.kind.0 != Kind::ContractorEngagement {
        return Ok(None);
    }
    let mut periods: Vec<PeriodRow> = engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::engagement_id.eq(&entry.id))
        .select(PeriodRow::as_select())
        .load(scope.conn)?;
    periods.sort_by_key(|period| period.starts_on);
    let started = periods.iter().rposition(|period| period.starts_on <= scope.today);
    let found = started
        .or(if periods.is_empty() { None } else { Some(0) })
        .and_then(|i| periods.get(i).cloned());
    Ok(found)
}

/// The last day of all periods of an engagement; `None` while it has none.
pub(crate) fn last_day(scope: &mut Scope<'_>, engagement_id: &str) -> Result<Option<NaiveDate>, ApiError> {
    // The last of few rows, found here: SQLite, asked for it, walks the last days of the whole tenant.
    let ends: Vec<NaiveDate> = engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::engagement_id.eq(engagement_id))
        .select(engagement_periods::ends_on)
        .load(scope.conn)?;
    Ok(ends.into_iter().max())
}

/// Computes everything again and stores what changed.
///
/// # Errors
/// A database failure.
pub(crate) fn refresh(scope: &mut Scope<'_>, entry_id: &str, trigger: &'static str) -> Result<(), ApiError> {
    let entry = super::rows::by_id(scope, entry_id)?;
    let mut situation = situation(scope, entry)?;
    if situation.entry.kind.0 == Kind::ContractorEngagement {
        diesel::update(engagements::table.find((&scope.lg, entry_id)))
            .set(engagements::current_period_id.eq(situation.period.as_ref().map(|period| &period.id)))
            .execute(scope.conn)?;
    }
    let (first, _) = assess(scope, &situation)?;
    settle_round(scope, &situation, &first)?;
    dates::settle(scope, &situation)?;
    situation.round = cycles::open_round(scope, entry_id)?;
    let (assessment, input) = assess(scope, &situation)?;
    store(scope, &situation, &assessment, &input, trigger)
}

/// The risk that follows.
pub(crate) fn assess(scope: &Scope<'_>, situation: &Situation<'_>) -> Result<(RiskAssessment, RiskInput), ApiError> {
    let fulfilments = situation
        .requirements
        .iter()
        .map(|requirement| {
            let (status, days_overdue) = situation.status(requirement, scope.today);
            ClauseInput {
                clause_key: requirement.clause.key.clone(),
                status,
                days_overdue,
            }
        })
        .collect();
    let input = RiskInput {
        kind: situation.entry.kind.0,
        phase: situation.entry.status.0.phase(),
        facts: situation.entry.facts()?,
        fact_defaults: situation.defaults.clone(),
        fulfilments,
        default_status: FulfilmentStatus::Missing,
        owner_missing: situation.owner_missing,
        open_major_incident: situation.open_major_incident,
        as_of: scope.today,
    };
    let mut assessment = risk::assess(&scope.app.risk_policy, situation.catalogue, &input);
    let overdue = situation.onsite_due_on.filter(|on| *on < scope.today);
    assessment.notes.extend(overdue.map(onsite::note));
    Ok((assessment, input))
}

/// Brings the round of the entry in line with what is to be confirmed.
fn settle_round(scope: &mut Scope<'_>, situation: &Situation<'_>, assessment: &RiskAssessment) -> Result<(), ApiError> {
    let entry = &situation.entry;
    if situation.round.as_ref().is_some_and(|round| round.answered > 0) {
        // Some have answered: the date stands until the round is closed by the last of them.
        return Ok(());
    }
    let tier = u8::try_from(assessment.inherent.tier).unwrap_or(1);
    let personal = entry.facts()?.may_handle_personal_information();
    let active = entry.status.0.phase() == Phase::Active;
    let credentials_due_on = social_media_accounts::credentials_due_on(scope, entry)?;
    let mut clauses = vec![];
    for requirement in &situation.requirements {
        let (status, _) = situation.status(requirement, scope.today);
        if status == FulfilmentStatus::NotApplicable {
            continue;
        }
        let answer = situation.stored.answer(&requirement.clause.key);
        clauses.push(RoundClause {
            key: requirement.clause.key.clone(),
            verified_on: answer.answered_on,
            answered_due_on: answer.answered_due_on,
            interval_months: round::interval_months(tier, requirement.clause.reverify_months, personal),
            evidence_valid_until: answer.evidence_valid_until,
            below_verified: status != FulfilmentStatus::Verified,
            anew_on: credentials_due_on.filter(|_| requirement.clause.key == CREDENTIALS_CLAUSE),
        });
    }
    let organization = &situation.organization;
    let next = round::next_round(&RoundInput {
        clauses,
        active_from: entry.started_on.filter(|_| active),
        period: situation
            .period
            .as_ref()
            .map(|period| (period.starts_on, period.ends_on)),
        review_month: organization
            .review_month
            .or(scope.app.profile(&organization.profile_key)?.review_month),
        personal_information: personal,
        as_of: scope.today,
    });
    let Some(next) = next else {
        return cycles::retire(scope, ObligationKind::Reverification, &entry.id);
    };
    let members: BTreeSet<&str> = next.clauses.iter().map(|member| member.key.as_str()).collect();
    let severe = tier == 1
        && situation.requirements.iter().any(|requirement| {
            requirement.clause.severity == Severity::Critical && members.contains(requirement.clause.key.as_str())
        });
    let due = Due {
        kind: ObligationKind::Reverification,
        subject_id: entry.id.clone(),
        organization_id: entry.organization_id.clone(),
        entry_id: Some(entry.id.clone()),
        on: next.due_on,
        known_cycle_days: Some(next.known_cycle_days),
        starts_on: None,
        severe,
    };
    let (obligation_id, cycle) = cycles::ensure(scope, &due)?;
    let verifiers: BTreeMap<&str, Role> = situation
        .requirements
        .iter()
        .map(|requirement| (requirement.clause.key.as_str(), requirement.clause.verifier_role))
        .collect();
    diesel::delete(
        round_clauses::table
            .filter(round_clauses::local_government_id.eq(&scope.lg))
            .filter(round_clauses::obligation_id.eq(&obligation_id))
            .filter(round_clauses::cycle.eq(cycle)),
    )
    .execute(scope.conn)?;
    for member in &next.clauses {
        let verifier = verifiers.get(member.key.as_str()).copied().unwrap_or(Role::Owner);
        let (role, person_id) = assignee(situation, verifier);
        diesel::insert_into(round_clauses::table)
            .values((
                round_clauses::local_government_id.eq(&scope.lg),
                round_clauses::obligation_id.eq(&obligation_id),
                round_clauses::cycle.eq(cycle),
                round_clauses::clause_key.eq(&member.key),
                round_clauses::own_due_on.eq(member.own_due_on),
                round_clauses::assignee_role.eq(role.code()),
                round_clauses::assignee_person_id.eq(person_id),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

/// Who confirms a clause: the holder of its verifier role today, else the owner, recorded as such.
fn assignee(situation: &Situation<'_>, verifier: Role) -> (Role, Option<String>) {
    let entry = &situation.entry;
    let directory = &situation.directory;
    let owner = || {
        let owner = directory.owner(entry.owner_person_id.as_deref(), entry.owner_post_id.as_deref());
        (Role::Owner, owner.map(|person| person.id.clone()))
    };
    if matches!(verifier, Role::Owner | Role::Deputy) {
        return owner();
    }
    let holders = directory.holders(&entry.organization_id, entry.department_id.as_deref(), verifier);
    let person = holders.into_iter().find_map(|contact| contact.person_id);
    person.map_or_else(owner, |person| (verifier, Some(person)))
}

fn store(
    scope: &mut Scope<'_>,
    situation: &Situation<'_>,
    assessment: &RiskAssessment,
    input: &RiskInput,
    trigger: &'static str,
) -> Result<(), ApiError> {
    let entry = &situation.entry;
    let phase = entry.status.0.phase();
    let dated = matches!(phase, Phase::Active | Phase::Contracting);
    let ages: Vec<_> = situation
        .requirements
        .iter()
        .map(|requirement| {
            let key = &requirement.clause.key;
            let (status, _) = situation.status(requirement, scope.today);
            let due = if status == FulfilmentStatus::Excepted {
                let exception = situation.stored.exception(key, scope.today);
                exception.map(|exception| exception.expires_on)
            } else {
                let round = situation.round.as_ref().filter(|_| dated);
                let round = round.filter(|round| round.clauses.contains(key));
                round.map(|round| round.due_on)
            };
            (status, due)
        })
        .collect();
    let mut holds_until = risk::holds_until(&scope.app.risk_policy, &ages, scope.today);
    if let Some(period) = &situation.period {
        // The next period begins by time alone too, and with it other agreements count.
        let next = period.ends_on.succ_opt().filter(|on| *on > scope.today && dated);
        holds_until = [holds_until, next].into_iter().flatten().min();
    }
    let onsite = situation.onsite_due_on.and_then(|on| on.succ_opt());
    holds_until = [holds_until, onsite.filter(|on| *on > scope.today)]
        .into_iter()
        .flatten()
        .min();
    if entry.status.0.is_final() {
        holds_until = None;
    }
    let result = serde_json::to_string(assessment)?;
    let last: Option<(String, String, String, Option<String>, String)> = match &entry.assessment_id {
        None => None,
        Some(id) => risk_assessments::table
            .find((&scope.lg, id))
            .select((
                risk_assessments::result,
                risk_assessments::catalogue_version,
                risk_assessments::profile_version,
                risk_assessments::policy_version_id,
                risk_assessments::id,
            ))
            .first(scope.conn)
            .optional()?,
    };
    let unchanged = last.filter(|(old, catalogue, profile, policy, _)| {
        *old == result
            && *catalogue == situation.catalogue.version
            && *profile == situation.profile_version
            && *policy == situation.catalogue.policy_version_id
    });
    let kept = unchanged.is_some();
    let level = assessment.residual_level.code();
    let score = i32::try_from(assessment.residual_score_x100).unwrap_or(i32::MAX);
    let tier = i32::try_from(assessment.inherent.tier).unwrap_or(1);
    let assessment_id = if let Some((.., id)) = unchanged {
        id
    } else {
        let id = scope.new_id();
        diesel::insert_into(risk_assessments::table)
            .values((
                risk_assessments::local_government_id.eq(&scope.lg),
                risk_assessments::id.eq(&id),
                risk_assessments::entry_id.eq(&entry.id),
                risk_assessments::assessed_at.eq(scope.at),
                risk_assessments::trigger.eq(trigger),
                risk_assessments::risk_policy_version.eq(&assessment.risk_policy_version),
                risk_assessments::catalogue_version.eq(&situation.catalogue.version),
                risk_assessments::profile_version.eq(&situation.profile_version),
                risk_assessments::policy_version_id.eq(&situation.catalogue.policy_version_id),
                risk_assessments::residual_level.eq(level),
                risk_assessments::residual_score_x100.eq(score),
                risk_assessments::inherent_tier.eq(tier),
                risk_assessments::holds_until_on.eq(holds_until),
                risk_assessments::inputs.eq(serde_json::to_string(input)?),
                risk_assessments::result.eq(&result),
                risk_assessments::impact.eq(i32::try_from(assessment.impact.value).unwrap_or(5)),
                risk_assessments::exposure.eq(i32::try_from(assessment.exposure.value).unwrap_or(5)),
                risk_assessments::coverage_bp.eq(i32::try_from(assessment.coverage_bp).unwrap_or_default()),
            ))
            .execute(scope.conn)?;
        let before = entry.risk_level.clone();
        scope.record(
            "risk.assessed",
            entry.subject(),
            json!({"assessment_id": id, "trigger": trigger, "before": before, "residual_level": level,
                   "residual_score_x100": score, "inherent_tier": tier}),
        );
        super::rows::touch(scope, &entry.id)?;
        id
    };
    let next_due_on = cycles::next_due(scope, &entry.id)?;
    if kept && (next_due_on != entry.next_due_on || trigger == "time") {
        // The representation changes although the assessment does not.
        super::rows::touch(scope, &entry.id)?;
    }
    diesel::update(entries::table.find((&scope.lg, &entry.id)))
        .set((
            entries::risk_level.eq(Some(level)),
            entries::risk_score_x100.eq(score),
            entries::inherent_tier.eq(tier),
            entries::holds_until_on.eq(holds_until),
            entries::assessment_id.eq(Some(assessment_id)),
            entries::next_due_on.eq(next_due_on),
        ))
        .execute(scope.conn)?;
    Ok(())
}
