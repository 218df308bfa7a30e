//! What the guards of a transition read, loaded from the rows of an entry with a constant number of queries.
//!
//! A condition is either judged here from what the register holds, or stated by the acting person
//! ([`Precondition::is_stated`]). What it means is [`crate::domain::lifecycle`]'s.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;

use super::rows;
use super::wire::{TransitionApproval, TransitionCreate};
use crate::app::Scope;
use crate::contractors;
use crate::corrective_actions;
use crate::db::schema::{
    cloud_services, engagement_candidates, engagement_periods, engagements, entries, social_media_accounts,
};
use crate::db::types::Word;
use crate::domain::facts::{Confidentiality, FactName};
use crate::domain::fulfilment;
use crate::domain::lifecycle::{Actor, Approval, Cause, Period, Precondition, Situation, Standing};
use crate::domain::requirement::requirements;
use crate::domain::subcontract;
use crate::domain::vocabulary::{CodeWord, Kind, LegalForm, Phase, Role, Status};
use crate::entries::rows::EntryRow;
use crate::entries::state;
use crate::http::error::ApiError;
use crate::people::holders::Directory;
use crate::subcontracts;

/// The clause that applies where a service has standard terms only.
const STANDARD_TERMS_CLAUSE: &str = "cloud-standard-terms-restriction";

/// What the request itself supplies.
#[derive(Debug, Default)]
pub(super) struct Request<'r> {
    conditions: Vec<Precondition>,
    reason: Option<&'r str>,
    double_role_reason: Option<&'r str>,
    cause: Option<Cause>,
    approval_valid_until_on: Option<NaiveDate>,
}

impl<'r> Request<'r> {
    pub(super) fn of(new: &'r TransitionCreate) -> Self {
        Self {
            conditions: new.conditions.clone(),
            reason: Some(&new.reason),
            double_role_reason: new.double_role_reason.as_deref(),
            cause: new.cause,
            approval_valid_until_on: new.approval_valid_until_on,
        }
    }
}

/// Everything known of an entry on a day.
pub(super) struct Known<'c> {
    pub entry: EntryRow,
    pub person_id: Option<String>,
    pub roles: Vec<Role>,
    pub approvals: Vec<TransitionApproval>,
    pub status_since: Option<NaiveDate>,
    as_of: NaiveDate,
    standings: Vec<Standing<'c>>,
    unknown_facts: Vec<&'static str>,
    met: Vec<Precondition>,
    applicant_person_id: Option<String>,
    tier: u8,
    period: Option<Period>,
    next_period: Option<Period>,
    approval_valid_until: Option<NaiveDate>,
    approval_default: NaiveDate,
    c2_on_standard_terms: bool,
    operation_delegated: bool,
    linked_engagement: Option<Status>,
    pub legal_form: Option<LegalForm>,
    data_path_missing: bool,
    /// Those in whose place the acting person holds a role that is not their own.
    pub acting_for: Vec<String>,
    /// Who does not count as a second person beside the applicant or the acting person: one stands in for the other.
    as_one: BTreeMap<String, String>,
}

impl<'c> Known<'c> {
    /// # Errors
    /// A database failure.
    pub(super) fn load(
        scope: &mut Scope<'c>,
        entry: EntryRow,
        person_id: Option<&str>,
        as_of: NaiveDate,
    ) -> Result<Self, ApiError> {
        let situation = state::situation(scope, entry)?;
        Self::of(scope, &situation, person_id, as_of)
    }

    /// The same for a caller that has asked for the situation already.
    ///
    /// # Errors
    /// A database failure.
    pub(super) fn of(
        scope: &mut Scope<'c>,
        situation: &state::Situation<'c>,
        person_id: Option<&str>,
        as_of: NaiveDate,
    ) -> Result<Self, ApiError> {
        let entry = situation.entry.clone();
        let facts = entry.facts()?;
        // A gate belongs to the phase it opens, so every clause of the whole life counts.
        let today = as_of == scope.today;
        let (all, notes) = requirements(
            if today {
                situation.catalogue
            } else {
                scope.catalogue_of(&entry.organization_id, as_of)?
            },
            entry.kind.0,
            &facts,
            &situation.defaults,
            Phase::Closing,
            as_of,
        );
        let unknown_facts = notes
            .iter()
            .filter(|note| note.code == "fact_unknown")
            .filter_map(|note| FactName::parse(note.fact.as_deref()?).map(CodeWord::code))
            .collect();
        let periods = periods(scope, &entry)?;
        let current = situation.period.as_ref().map(|period| period.id.as_str());
        let at = periods.iter().position(|(id, ..)| Some(id.as_str()) == current);
        let next = at.and_then(|at| periods.get(at + 1));
        let whole = |(_, starts_on, ends_on): &(String, NaiveDate, NaiveDate)| Period {
            starts_on: *starts_on,
            ends_on: Some(*ends_on),
        };
        let stored = &situation.stored;
        let standings = all
            .iter()
            .map(|requirement| {
                let key = &requirement.clause.key;
                let state = stored.state(key, current, as_of);
                Standing {
                    clause: requirement.clause,
                    level: requirement.level,
                    status: fulfilment::status(requirement.clause, entry.kind.0, &state, as_of),
                    exception_expires_on: state.exception_expires_on,
                    verified_on: state.verified_on,
                    agreed_in_next_period: next.is_some_and(|(id, ..)| stored.agreement(key, Some(id)).is_some()),
                }
            })
            .collect();
        let standard_terms = all
            .iter()
            .any(|requirement| requirement.clause.key == STANDARD_TERMS_CLAUSE);
        let mut own = Own::load(scope, &entry, as_of)?;
        let then;
        let directory = if today {
            &situation.directory
        } else {
            then = state::directory_of(scope, &entry, as_of)?;
            &then
        };
        let mut holders = holders(directory, &entry, person_id);
        own.met.append(&mut holders.met);
        if corrective_actions::open_dues(scope, &entry.id)?.is_empty() {
            own.met.push(Precondition::CorrectiveActionsClosed);
        }
        let (applicant_person_id, since) = rows::last(scope, &entry.id, entry.status.0)?;
        let approvals = rows::open_approvals(scope, &entry.id)?;
        let as_one = holders.as_one(&entry, applicant_person_id.as_deref(), person_id, &approvals);
        let profile = scope.app.profile(&situation.organization.profile_key)?;
        Ok(Self {
            person_id: person_id.map(str::to_owned),
            roles: holders.roles,
            approvals,
            acting_for: holders.acting_for,
            as_one,
            status_since: since.or(entry.started_on).or(Some(created_on(&entry, scope.zone))),
            as_of,
            standings,
            unknown_facts,
            met: own.met,
            applicant_person_id,
            tier: u8::try_from(entry.inherent_tier).unwrap_or(1),
            period: at.and_then(|at| periods.get(at)).map(whole),
            next_period: next.map(whole),
            approval_valid_until: own.approval_valid_until,
            approval_default: profile.approval_end.on_or_after(as_of),
            c2_on_standard_terms: standard_terms
                && facts.confidentiality.is_none_or(|word| word >= Confidentiality::C2),
            operation_delegated: facts.operation_delegated != Some(false),
            linked_engagement: own.linked_engagement,
            legal_form: own.legal_form,
            data_path_missing: own.data_path_missing,
            entry,
        })
    }

    /// The person that counts for the separation of duties.
    fn counted<'k>(&'k self, person_id: &'k str) -> &'k str {
        self.as_one.get(person_id).map_or(person_id, String::as_str)
    }

    /// The approvals that wait for this transition.
    pub(super) fn approvals_of(&self, transition: &str) -> Vec<Approval<'_>> {
        self.approvals
            .iter()
            .filter(|open| open.transition == transition)
            .map(|open| Approval {
                role: open.role,
                person_id: open.person_id.as_deref().map(|id| self.counted(id)),
            })
            .collect()
    }

    /// What the guards read for this transition.
    pub(super) fn situation<'s>(
        &'s self,
        approvals: &'s [Approval<'s>],
        transition: &str,
        request: &'s Request<'s>,
        met: &'s [Precondition],
    ) -> Situation<'s> {
        let approves = matches!(transition, "approve_use" | "renew_approval");
        Situation {
            met,
            actor: self.person_id.as_deref().map(|person_id| Actor {
                person_id: self.counted(person_id),
                roles: &self.roles,
            }),
            applicant_person_id: self.applicant_person_id.as_deref(),
            double_role_reason: request.double_role_reason,
            reason: request.reason,
            cause: request.cause,
            approvals,
            tier: self.tier,
            period: self.period,
            next_period: self.next_period,
            status_since: self.status_since,
            approval_valid_until: if approves {
                Some(request.approval_valid_until_on.unwrap_or(self.approval_default))
            } else {
                self.approval_valid_until
            },
            c2_on_standard_terms: self.c2_on_standard_terms,
            operation_delegated: self.operation_delegated,
            linked_engagement: self.linked_engagement,
            legal_form: self.legal_form,
            data_path_missing: self.data_path_missing,
            ..Situation::new(self.as_of, &self.standings, Some(&self.unknown_facts))
        }
    }

    /// What holds: by the register, and by what the request states.
    pub(super) fn met(&self, request: &Request<'_>) -> Vec<Precondition> {
        let stated = request.conditions.iter().filter(|condition| condition.is_stated());
        self.met.iter().chain(stated).copied().collect()
    }

    /// The last day of an approval that names none.
    pub(super) const fn approval_default(&self) -> NaiveDate {
        self.approval_default
    }
}

fn created_on(entry: &EntryRow, zone: Tz) -> NaiveDate {
    entry.created_at.date_in(zone)
}

/// The periods of an engagement, by their start.
fn periods(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<Vec<(String, NaiveDate, NaiveDate)>, ApiError> {
    Ok(engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::engagement_id.eq(&entry.id))
        .order((engagement_periods::starts_on, engagement_periods::sequence))
        .select((
            engagement_periods::id,
            engagement_periods::starts_on,
            engagement_periods::ends_on,
        ))
        .load(scope.conn)?)
}

/// The roles that a person holds for an entry today, ownership included.
pub(super) fn roles(scope: &mut Scope<'_>, entry: &EntryRow, person_id: &str) -> Result<Vec<Role>, ApiError> {
    let directory = state::directory_of(scope, entry, scope.today)?;
    Ok(holders(&directory, entry, Some(person_id)).roles)
}

struct Holders<'d> {
    roles: Vec<Role>,
    met: Vec<Precondition>,
    acting_for: Vec<String>,
    directory: &'d Directory,
}

impl Holders<'_> {
    /// Who counts as the applicant or the acting person, because one stands in for the other.
    fn as_one(
        &self,
        entry: &EntryRow,
        applicant: Option<&str>,
        actor: Option<&str>,
        approvals: &[TransitionApproval],
    ) -> BTreeMap<String, String> {
        let others = approvals.iter().filter_map(|approval| approval.person_id.as_deref());
        let mut found = BTreeMap::new();
        for person in others.chain(actor) {
            let same = [applicant, actor]
                .into_iter()
                .flatten()
                .find(|other| self.directory.are_one(&entry.organization_id, person, other));
            found.extend(same.map(|other| (person.to_owned(), other.to_owned())));
        }
        found
    }
}

/// The roles of the acting person on the directory's day, and whether owner and deputy are there.
fn holders<'d>(directory: &'d Directory, entry: &EntryRow, person_id: Option<&str>) -> Holders<'d> {
    let owner = directory.owner(entry.owner_person_id.as_deref(), entry.owner_post_id.as_deref());
    let deputy = directory.owner(entry.deputy_person_id.as_deref(), entry.deputy_post_id.as_deref());
    let mut met = vec![];
    met.extend(owner.map(|_| Precondition::OwnerSet));
    met.extend(deputy.map(|_| Precondition::DeputySet));
    let own_roles = |id: &str| {
        let mut roles = directory.own_roles_of(id, &entry.organization_id, entry.department_id.as_deref());
        roles.extend(owner.filter(|person| person.id == id).map(|_| Role::Owner));
        roles.extend(deputy.filter(|person| person.id == id).map(|_| Role::Deputy));
        roles
    };
    let (mut roles, mut acting_for) = (vec![], vec![]);
    if let Some(id) = person_id {
        roles = own_roles(id);
        for absent in directory.stands_in_for(&entry.organization_id, id) {
            let mut more = own_roles(absent);
            more.retain(|role| !roles.contains(role));
            if !more.is_empty() {
                acting_for.push(absent.to_owned());
            }
            roles.extend(more);
        }
    }
    Holders {
        roles,
        met,
        acting_for,
        directory,
    }
}

/// What only the kind of the entry has.
#[derive(Default)]
struct Own {
    met: Vec<Precondition>,
    approval_valid_until: Option<NaiveDate>,
    linked_engagement: Option<Status>,
    legal_form: Option<LegalForm>,
    data_path_missing: bool,
}

impl Own {
    fn load(scope: &mut Scope<'_>, entry: &EntryRow, on: NaiveDate) -> Result<Self, ApiError> {
        match entry.kind.0 {
            Kind::ContractorEngagement => Self::engagement(scope, entry, on),
            Kind::CloudService => Self::cloud_service(scope, &entry.id),
            Kind::SocialMediaAccount => Self::account(scope, &entry.id),
        }
    }

    fn engagement(scope: &mut Scope<'_>, entry: &EntryRow, on: NaiveDate) -> Result<Self, ApiError> {
        let (contractor_id, form, list_confirmed_on): (Option<String>, Word<LegalForm>, Option<NaiveDate>) =
            engagements::table
                .find((&scope.lg, &entry.id))
                .select((
                    engagements::contractor_id,
                    engagements::legal_form,
                    engagements::subcontract_list_confirmed_on,
                ))
                .first(scope.conn)?;
        let chain = subcontracts::chain(scope, &entry.id)?;
        let period_began = state::current_period(scope, entry)?.map(|period| period.starts_on);
        let refreshed = list_confirmed_on.is_some_and(|day| period_began.is_none_or(|began| began <= day));
        let contradicted = subcontract::contradiction(&chain, entry.facts()?.subcontracting, on);
        let mut met = shown(&[
            (
                subcontract::unpermitted(&chain, on).next().is_none(),
                Precondition::SubcontractsPermitted,
            ),
            (!contradicted, Precondition::SubcontractsAsStated),
            (refreshed, Precondition::SubcontractListRefreshed),
        ]);
        if let Some(contractor_id) = contractor_id {
            let contractor = contractors::standing(scope, &contractor_id, on)?;
            met.extend(shown(&[
                (true, Precondition::ContractorSet),
                (contractor.identified, Precondition::CorporateNumberValid),
                (contractor.debarred_from_on.is_none(), Precondition::NotDebarred),
                (
                    is_checked(scope, &entry.id, &contractor_id)?,
                    Precondition::CandidateChecked,
                ),
            ]));
        }
        Ok(Self {
            met,
            legal_form: Some(form.0),
            ..Self::default()
        })
    }

    fn cloud_service(scope: &mut Scope<'_>, id: &str) -> Result<Self, ApiError> {
        type Row = (
            String,
            Option<String>,
            String,
            Option<String>,
            Option<NaiveDate>,
            Option<NaiveDate>,
        );
        let (purpose, users, countries, terms_url, terms_checked_on, approval_valid_until): Row = cloud_services::table
            .find((&scope.lg, id))
            .select((
                cloud_services::purpose,
                cloud_services::users,
                cloud_services::data_countries,
                cloud_services::terms_url,
                cloud_services::terms_checked_on,
                cloud_services::approval_valid_until_on,
            ))
            .first(scope.conn)?;
        let countries: Vec<String> = serde_json::from_str(&countries)?;
        Ok(Self {
            met: shown(&[
                (!purpose.is_empty(), Precondition::PurposeGiven),
                (users.is_some(), Precondition::UsersNamed),
                (!countries.is_empty(), Precondition::DataLocationGiven),
                (
                    terms_url.is_some() && terms_checked_on.is_some(),
                    Precondition::TermsSnapshotTaken,
                ),
            ]),
            approval_valid_until,
            ..Self::default()
        })
    }

    fn account(scope: &mut Scope<'_>, id: &str) -> Result<Self, ApiError> {
        type Row = (
            (String, String, String),
            (Option<String>, Option<String>, Option<String>, Option<String>),
            (bool, Option<String>, bool, Option<String>),
        );
        let (
            (handle, url, purpose),
            (audience, content, posters, hours),
            (listed, delegated_to, takes_applications, data_path),
        ): Row = social_media_accounts::table
            .find((&scope.lg, id))
            .select((
                (
                    social_media_accounts::handle,
                    social_media_accounts::url,
                    social_media_accounts::purpose,
                ),
                (
                    social_media_accounts::audience,
                    social_media_accounts::content,
                    social_media_accounts::posters,
                    social_media_accounts::hours,
                ),
                (
                    social_media_accounts::listed_on_official_site,
                    social_media_accounts::delegated_engagement_id,
                    social_media_accounts::takes_applications,
                    social_media_accounts::data_path_entry_id,
                ),
            ))
            .first(scope.conn)?;
        let linked = status_of(scope, delegated_to)?;
        let carries = status_of(scope, data_path)?.is_some_and(|status| status.phase() == Phase::Active);
        Ok(Self {
            met: shown(&[
                // An account cannot be registered without its service.
                (true, Precondition::ServiceNamed),
                (!handle.is_empty(), Precondition::HandleGiven),
                (!url.is_empty(), Precondition::UrlGiven),
                (!purpose.is_empty(), Precondition::PurposeGiven),
                (audience.is_some(), Precondition::AudienceGiven),
                (content.is_some(), Precondition::ContentGiven),
                (posters.is_some(), Precondition::PostersNamed),
                (hours.is_some(), Precondition::HoursGiven),
                (listed, Precondition::ListedOnOfficialSite),
            ]),
            linked_engagement: linked,
            data_path_missing: takes_applications && !carries,
            ..Self::default()
        })
    }
}

/// The status of another entry, if one is named.
fn status_of(scope: &mut Scope<'_>, id: Option<String>) -> Result<Option<Status>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<Word<Status>> = entries::table
        .find((&scope.lg, &id))
        .select(entries::status)
        .first(scope.conn)
        .optional()?;
    Ok(found.map(|word| word.0))
}

/// Where candidates are recorded, the contractor is one of them and the check sheet does not speak against it.
fn is_checked(scope: &mut Scope<'_>, engagement_id: &str, contractor_id: &str) -> Result<bool, ApiError> {
    let candidates: Vec<(String, String)> = engagement_candidates::table
        .filter(engagement_candidates::local_government_id.eq(&scope.lg))
        .filter(engagement_candidates::engagement_id.eq(engagement_id))
        .select((
            engagement_candidates::contractor_id,
            engagement_candidates::check_result,
        ))
        .load(scope.conn)?;
    let passed =
        |(id, result): &(String, String)| id == contractor_id && matches!(result.as_str(), "passed" | "conditional");
    Ok(candidates.is_empty() || candidates.iter().any(passed))
}

fn shown(conditions: &[(bool, Precondition)]) -> Vec<Precondition> {
    conditions
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, condition)| *condition)
        .collect()
}
