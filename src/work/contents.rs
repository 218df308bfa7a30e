//! What a digest says, read from the rows of its items with a number of statements that does not depend on how many
//! there are. The wording is [`crate::mail::templates::digest`]'s; the link to answer at is made by [`super::intent`],
//! which fixes the digest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::intent::Item;
use super::matters::{self, Matter};
use super::outbox::Sender;
use super::recipients::{About, Around};
use crate::app::Scope;
use crate::db::schema::{
    cloud_services, contractors, engagements, entries, obligations, people, round_clauses, verifications,
};
use crate::db::types::Word;
use crate::domain::calendar::Calendar;
use crate::domain::catalogue::{Catalogue, Clause};
use crate::domain::reminder::{Schedule, StageKey, is_immediate};
use crate::domain::vocabulary::{CodeWord, Kind, Level, ObligationKind, Role};
use crate::http::error::ApiError;
use crate::incidents;
use crate::mail::templates::digest::{
    AddressedAs, Counterpart, Digest, Escalation, Item as Line, LastVerified, RiskLine, Section, Takeover,
};
use crate::mail::templates::{Link, Recipient};
use crate::organizations::{self, OrganizationRow};
use crate::ownership_transfers::takeovers;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = obligations)]
struct Obligation {
    id: String,
    kind: Word<ObligationKind>,
    due_on: NaiveDate,
    known_cycle_days: Option<i64>,
    starts_on: Option<NaiveDate>,
    severe: bool,
    subject_id: String,
    entry_id: Option<String>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Entry {
    id: String,
    kind: Word<Kind>,
    control_number: String,
    name: String,
    risk_level: Option<String>,
}

type Asked = (String, i32, String, Option<String>);

/// Everything that the items of one digest need.
struct Context<'c> {
    around: Around,
    organizations: BTreeMap<String, (OrganizationRow, Calendar, &'c Catalogue)>,
    obligations: BTreeMap<String, Obligation>,
    entries: BTreeMap<String, Entry>,
    matters: BTreeMap<String, Matter>,
    counterparts: BTreeMap<String, Counterpart>,
    asked: Vec<Asked>,
    verified: BTreeMap<String, LastVerified>,
    takeovers: BTreeMap<String, Takeover>,
    details: BTreeMap<String, String>,
}

/// The digest of these items, which all go to one address.
///
/// # Errors
/// A database failure.
pub(super) fn digest(
    scope: &mut Scope<'_>,
    sender: &Sender,
    as_of: NaiveDate,
    items: &[Item],
    link: Option<Link>,
) -> Result<Digest, ApiError> {
    let context = Context::load(scope, items)?;
    let mut sections: Vec<Section> = vec![];
    let mut said: BTreeSet<(&str, i32)> = BTreeSet::new();
    for item in items {
        // An address that is owner and deputy, or a mailbox of several, is asked once.
        if !said.insert((&item.obligation_id, item.cycle)) {
            continue;
        }
        let Some((organization, ..)) = context.organizations.get(&item.organization_id) else {
            continue;
        };
        let line = context.line(scope, item)?;
        match sections
            .iter_mut()
            .find(|section| section.organization == organization.name)
        {
            Some(section) => section.items.push(line),
            None => sections.push(Section {
                organization: organization.name.clone(),
                items: vec![line],
            }),
        }
    }
    sections.sort_by(|a, b| a.organization.cmp(&b.organization));
    Ok(Digest {
        recipient: context.recipient(items),
        as_of,
        sections,
        link,
        contact: sender.contact.clone(),
        demo: sender.is_demo,
    })
}

impl<'c> Context<'c> {
    fn load(scope: &mut Scope<'c>, items: &[Item]) -> Result<Self, ApiError> {
        let organization_ids: BTreeSet<String> = items.iter().map(|item| item.organization_id.clone()).collect();
        let entry_ids: BTreeSet<String> = items.iter().filter_map(|item| item.entry_id.clone()).collect();
        let obligation_ids: BTreeSet<&str> = items.iter().map(|item| item.obligation_id.as_str()).collect();
        let person_ids: Vec<String> = items.iter().filter_map(|item| item.person_id.clone()).collect();
        let mut organizations = BTreeMap::new();
        for id in &organization_ids {
            let row = organizations::row(scope, id)?;
            let calendar = row.calendar(scope.app)?;
            let catalogue = scope.catalogue_of(id, scope.today)?;
            organizations.insert(id.clone(), (row, calendar, catalogue));
        }
        let known: Vec<Obligation> = obligations::table
            .filter(obligations::local_government_id.eq(&scope.lg))
            .filter(obligations::id.eq_any(&obligation_ids))
            .select(Obligation::as_select())
            .load(scope.conn)?;
        let registered: Vec<Entry> = entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::id.eq_any(&entry_ids))
            .select(Entry::as_select())
            .load(scope.conn)?;
        let asked: Vec<Asked> = round_clauses::table
            .filter(round_clauses::local_government_id.eq(&scope.lg))
            .filter(round_clauses::obligation_id.eq_any(&obligation_ids))
            .filter(round_clauses::answer.is_null())
            .order((round_clauses::obligation_id, round_clauses::clause_key))
            .select((
                round_clauses::obligation_id,
                round_clauses::cycle,
                round_clauses::clause_key,
                round_clauses::assignee_person_id,
            ))
            .load(scope.conn)?;
        let without_entry = known.iter().filter(|row| row.entry_id.is_none());
        let matters = matters::of(scope, without_entry.map(|row| (row.kind.0, row.subject_id.as_str())))?;
        Ok(Self {
            matters,
            around: Around::load(scope, &organization_ids, &entry_ids, &person_ids, &obligation_ids)?,
            takeovers: takeovers(scope, &obligation_ids)?,
            details: incidents::report_names(scope, &obligation_ids)?,
            organizations,
            obligations: known.into_iter().map(|row| (row.id.clone(), row)).collect(),
            entries: registered.into_iter().map(|row| (row.id.clone(), row)).collect(),
            counterparts: counterparts(scope, &entry_ids)?,
            asked,
            verified: verified(scope, &entry_ids, &obligation_ids)?,
        })
    }

    fn line(&self, scope: &Scope<'_>, item: &Item) -> Result<Line, ApiError> {
        let missing = |what: &str| ApiError::internal(format!("the {what} of item {} is gone", item.id));
        let (organization, calendar, catalogue) = self
            .organizations
            .get(&item.organization_id)
            .ok_or_else(|| missing("organization"))?;
        let obligation = self
            .obligations
            .get(&item.obligation_id)
            .ok_or_else(|| missing("obligation"))?;
        let entry_id = item.entry_id.as_deref();
        let entry = entry_id.and_then(|id| self.entries.get(id));
        let matter = self.matters.get(&obligation.subject_id).filter(|_| entry.is_none());
        let (kind_label, name) = match (entry, matter) {
            (Some(entry), _) => {
                let profile = scope.app.profile(&organization.profile_key)?;
                (profile.label(entry.kind.0).to_owned(), entry.name.clone())
            }
            (None, Some(matter)) => (matter.label.clone(), matter.name.clone()),
            (None, None) => (obligation.kind.0.ja().to_owned(), organization.name.clone()),
        };
        let section = self
            .around
            .department(about(item))
            .and_then(|department| self.around.directory.department_name(department));
        let addressed_as = self.addressed_as(item, obligation.kind.0);
        let own = matches!(addressed_as, AddressedAs::Verifier(_));
        let asked: Vec<&Clause> = self
            .asked_of(item)
            .filter(|(.., person)| !own || *person == item.person_id)
            .filter_map(|(.., key, _)| catalogue.clause(key))
            .collect();
        let mut evidence: Vec<&String> = asked.iter().flat_map(|clause| &clause.evidence).collect();
        let mut named = BTreeSet::new();
        evidence.retain(|code| named.insert(*code));
        let level = entry
            .and_then(|entry| entry.risk_level.as_deref())
            .and_then(Level::parse);
        Ok(Line {
            obligation: obligation.kind.0,
            detail: self.details.get(&item.obligation_id).cloned(),
            due_on: obligation.due_on,
            control_number: entry.map_or_else(|| "-".to_owned(), |entry| entry.control_number.clone()),
            kind: entry.map(|entry| entry.kind.0),
            kind_label,
            name,
            counterpart: entry_id.and_then(|id| self.counterparts.get(id)).cloned(),
            section: section.unwrap_or(&organization.name).to_owned(),
            owner: self.around.owner(about(item)).map(|person| person.name.clone()),
            deputy: self
                .around
                .deputies(about(item))
                .first()
                .map(|person| person.name.clone()),
            takeover: self.takeovers.get(&item.obligation_id).cloned(),
            clauses: asked.iter().map(|clause| clause.title_ja.clone()).collect(),
            last_verified: self.verified.get(&item.obligation_id).cloned(),
            evidence: evidence
                .into_iter()
                .filter_map(|code| catalogue.evidence.get(code).cloned())
                .collect(),
            risk: level.map(|level| RiskLine {
                level,
                reason: reason(asked.len(), obligation.due_on < scope.today),
            }),
            addressed_as,
            next_escalation: next_escalation(obligation, calendar, item),
        })
    }

    /// The unanswered clauses of an item's round.
    fn asked_of<'i>(&'i self, item: &'i Item) -> impl Iterator<Item = &'i Asked> {
        self.asked
            .iter()
            .filter(|(id, cycle, ..)| *id == item.obligation_id && *cycle == item.cycle)
    }

    fn addressed_as(&self, item: &Item, kind: ObligationKind) -> AddressedAs {
        let overdue = matches!(item.stage.parse(), Ok(StageKey::Overdue(_)));
        let assigned = item.person_id.is_some() && self.asked_of(item).any(|(.., person)| *person == item.person_id);
        match item.role.0 {
            _ if item.department_id.is_some() => AddressedAs::DepartmentMailbox,
            Role::Owner if self.is_delegate(item) => AddressedAs::Delegate,
            Role::Owner => AddressedAs::Owner,
            Role::Deputy => AddressedAs::Deputy,
            role if is_immediate(kind) => AddressedAs::Informed(role),
            // What belongs to no entry belongs to the line of command.
            _ if item.entry_id.is_none() && !overdue => AddressedAs::Owner,
            role if overdue => AddressedAs::Superior(role),
            role if assigned => AddressedAs::Verifier(role),
            // Before the due date a superior only stands in for an owner who cannot be reached.
            _ => AddressedAs::Deputy,
        }
    }

    /// Whether the item went to somebody who stands in for the owner.
    fn is_delegate(&self, item: &Item) -> bool {
        let Some(owner) = self.around.owner(about(item)) else {
            return false;
        };
        let mut delegates = self
            .around
            .directory
            .with_delegates(&item.organization_id, owner)
            .skip(1);
        item.person_id.as_ref().is_some_and(|id| *id != owner.id)
            && delegates.any(|person| Some(&person.id) == item.person_id.as_ref())
    }

    fn recipient(&self, items: &[Item]) -> Recipient {
        let departments: BTreeSet<&str> = items
            .iter()
            .filter_map(|item| {
                item.department_id
                    .as_deref()
                    .or_else(|| self.around.department(about(item)))
            })
            .collect();
        let only = departments.first().filter(|_| departments.len() == 1);
        // Everybody who reads the address is named, once.
        let mut names: Vec<&str> = vec![];
        for item in items {
            let person = item.person_id.as_deref();
            let person = person.and_then(|id| self.around.directory.person(id));
            names.extend(
                person
                    .map(|person| person.name.as_str())
                    .filter(|name| !names.contains(name)),
            );
        }
        Recipient {
            department: only
                .and_then(|id| self.around.directory.department_name(id))
                .map(str::to_owned),
            name: (!names.is_empty()).then(|| names.join("、")),
        }
    }
}

fn about(item: &Item) -> About<'_> {
    About {
        obligation_id: &item.obligation_id,
        organization_id: &item.organization_id,
        entry_id: item.entry_id.as_deref(),
    }
}

/// Why the risk stands where it does, as far as a mail may say: never which measure is lacking.
fn reason(asked: usize, overdue: bool) -> Option<String> {
    let state = if overdue { "を過ぎた" } else { "が近い" };
    (asked > 0).then(|| format!("再確認の期限{state}条項が{asked}件"))
}

/// The next step that tells somebody beyond owner and deputy.
fn next_escalation(obligation: &Obligation, calendar: &Calendar, item: &Item) -> Option<Escalation> {
    let stage: StageKey = item.stage.parse().ok()?;
    let schedule = Schedule {
        kind: obligation.kind.0,
        due_on: obligation.due_on,
        known_cycle_days: obligation.known_cycle_days,
        starts_on: obligation.starts_on,
        calendar,
        severe: obligation.severe,
    };
    schedule.all_steps().filter(|step| step.key > stage).find_map(|step| {
        let mut to = step.to;
        to.retain(|role| !matches!(role, Role::Owner | Role::Deputy));
        (!to.is_empty()).then_some(Escalation { on: step.send_on, to })
    })
}

/// The other side of each entry that has one.
///
/// # Errors
/// A database failure.
pub(crate) fn counterparts(
    scope: &mut Scope<'_>,
    entry_ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Counterpart>, ApiError> {
    let mut pairs: Vec<(String, Option<String>)> = engagements::table
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::id.eq_any(entry_ids))
        .select((engagements::id, engagements::contractor_id))
        .load(scope.conn)?;
    pairs.extend(
        cloud_services::table
            .filter(cloud_services::local_government_id.eq(&scope.lg))
            .filter(cloud_services::id.eq_any(entry_ids))
            .select((cloud_services::id, cloud_services::provider_contractor_id))
            .load::<(String, Option<String>)>(scope.conn)?,
    );
    let ids: BTreeSet<&String> = pairs.iter().filter_map(|(_, contractor)| contractor.as_ref()).collect();
    let companies: Vec<(String, String, Option<String>)> = contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::id.eq_any(ids))
        .select((contractors::id, contractors::name, contractors::corporate_number))
        .load(scope.conn)?;
    let companies: BTreeMap<String, Counterpart> = companies
        .into_iter()
        .map(|(id, name, corporate_number)| (id, Counterpart { name, corporate_number }))
        .collect();
    Ok(pairs
        .into_iter()
        .filter_map(|(entry, contractor)| Some((entry, companies.get(&contractor?)?.clone())))
        .collect())
}

/// The last verification of each obligation, by its id.
fn verified(
    scope: &mut Scope<'_>,
    entry_ids: &BTreeSet<String>,
    obligation_ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, LastVerified>, ApiError> {
    let acts: Vec<(Option<String>, NaiveDate, String)> = verifications::table
        .filter(verifications::local_government_id.eq(&scope.lg))
        .filter(verifications::entry_id.eq_any(entry_ids.iter().map(|id| Some(id.as_str()))))
        .filter(verifications::obligation_id.eq_any(obligation_ids.iter().map(|id| Some(*id))))
        .order((verifications::verified_on, verifications::id))
        .select((
            verifications::obligation_id,
            verifications::verified_on,
            verifications::verifier_person_id,
        ))
        .load(scope.conn)?;
    let last: BTreeMap<String, (NaiveDate, String)> = acts
        .into_iter()
        .filter_map(|(id, on, person)| Some((id?, (on, person))))
        .collect();
    let names: BTreeMap<String, String> = people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(last.values().map(|(_, person)| person.as_str())))
        .select((people::id, people::name))
        .load(scope.conn)?
        .into_iter()
        .collect();
    Ok(last
        .into_iter()
        .map(|(id, (on, person))| {
            (
                id,
                LastVerified {
                    on,
                    by: names.get(&person).cloned(),
                },
            )
        })
        .collect())
}
