//! The letter of a message: the digest of its items, from the rows as they are at the intent.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::outbox::{Held, ItemObligation, ItemRow, send_at};
use super::plan;
use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{
    clause_fulfilments, cloud_services, contractors, engagements, entries, local_governments, people, round_clauses,
};
use crate::domain::reminder::{Schedule, StageKey};
use crate::domain::vocabulary::{CodeWord, Kind, Level, Role};
use crate::entries::rows::EntryRow;
use crate::http::error::ApiError;
use crate::mail::templates::digest::{
    AddressedAs, Counterpart, Digest, Escalation, Item, LastVerified, RiskLine, Section,
};
use crate::mail::templates::{self, Recipient};
use crate::mail::{Address, compose};
use crate::organizations;

/// A letter, ready to leave.
pub(super) struct Letter {
    pub bytes: Vec<u8>,
    pub subject: String,
    pub message_id: String,
}

/// Writes the digest of these items; the number of queries does not depend on how many there are.
pub(super) fn write(
    scope: &mut Scope<'_>,
    held: &Held,
    sender: &Address,
    items: &[(ItemRow, ItemObligation)],
) -> Result<Letter, ApiError> {
    let facts = gather(scope, items)?;
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    for (item, obligation) in items {
        let Some(written) = facts.item(scope, item, obligation)? else {
            continue;
        };
        let organization = facts.organizations.get(&item.organization_id);
        let name = organization
            .map(|organization| organization.name.clone())
            .unwrap_or_default();
        sections
            .entry(item.organization_id.clone())
            .or_insert_with(|| Section {
                organization: name,
                items: vec![],
            })
            .items
            .push(written);
    }
    type Tenant = (String, String, String, bool, i32);
    let (public_url, from_name, contact, demo, sending_minute): Tenant = local_governments::table
        .find(&scope.lg)
        .select((
            local_governments::public_url,
            local_governments::mail_from_name,
            local_governments::contact,
            local_governments::is_demo,
            local_governments::sending_minute,
        ))
        .first(scope.conn)?;
    let first = items.first().map(|(item, _)| item);
    let person = first
        .and_then(|item| item.person_id.as_ref())
        .and_then(|id| facts.names.get(id).cloned());
    let department = first
        .and_then(|item| item.department_id.as_ref())
        .and_then(|id| facts.department(id));
    let link = match items {
        [(ItemRow { entry_id: Some(id), .. }, _)] => format!("{public_url}/api/v1/entries/{id}"),
        _ => format!("{public_url}/docs/"),
    };
    let digest = Digest {
        recipient: Recipient {
            department,
            name: person.clone(),
        },
        as_of: scope.today,
        sections: sections.into_values().collect(),
        link: Some(templates::Link {
            url: link,
            by_hand: None,
        }),
        contact,
        demo,
    };
    let mail = digest.render();
    let ring = scope.app.keys.ring(&scope.app.db, scope.at, None);
    let id = |key: &str| compose::MessageId::derive(&ring.mail_key, key, sender);
    let message_id = id(&format!(
        "m1|{}|{}|{}|{}",
        scope.lg, held.address, held.local_day, held.sequence
    ));
    let references = match items {
        [(item, _)] => vec![id(&format!("t1|{}|{}", scope.lg, item.obligation_id))],
        _ => vec![],
    };
    let to = Address::parse(&held.address).map_err(|_| ApiError::internal("an address that was checked before"))?;
    let bytes = compose::compose(&compose::Mail {
        from: compose::Party {
            address: sender.clone(),
            name: Some(from_name),
        },
        to: compose::Party {
            address: to,
            name: person,
        },
        subject: mail.subject.clone(),
        message_id: message_id.clone(),
        references,
        date: crate::cli::date(send_at(held.local_day, sending_minute, scope.zone)),
        body: mail.body,
    });
    Ok(Letter {
        bytes,
        subject: mail.subject,
        message_id: message_id.as_str().to_owned(),
    })
}

struct Gathered {
    entries: BTreeMap<String, EntryRow>,
    organizations: BTreeMap<String, organizations::OrganizationRow>,
    names: BTreeMap<String, String>,
    owners: BTreeMap<String, (Option<String>, Option<String>)>,
    departments: BTreeMap<String, String>,
    counterparts: BTreeMap<String, Counterpart>,
    clauses: BTreeMap<(String, i32), Vec<String>>,
    verified: BTreeMap<String, LastVerified>,
}

fn gather(scope: &mut Scope<'_>, items: &[(ItemRow, ItemObligation)]) -> Result<Gathered, ApiError> {
    let entry_ids: Vec<String> = items.iter().filter_map(|(item, _)| item.entry_id.clone()).collect();
    let rows: Vec<EntryRow> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(&entry_ids))
        .select(EntryRow::as_select())
        .load(scope.conn)?;
    let organization_ids: BTreeSet<String> = items.iter().map(|(item, _)| item.organization_id.clone()).collect();
    let organization_ids: Vec<String> = organization_ids.into_iter().collect();
    let mut by_id = BTreeMap::new();
    for id in &organization_ids {
        by_id.insert(id.clone(), organizations::row(scope, id)?);
    }
    let holders = plan::entry_people(scope, entry_ids.clone())?;
    let directory = plan::directory(scope, &organization_ids, holders.values())?;
    let mut owners = BTreeMap::new();
    let mut departments = BTreeMap::new();
    for (id, entry) in &holders {
        let name = |person: &Option<String>, post: &Option<String>| {
            directory
                .owner(person.as_deref(), post.as_deref())
                .map(|person| person.name.clone())
        };
        let owner = name(&entry.owner_person_id, &entry.owner_post_id);
        owners.insert(
            id.clone(),
            (owner, name(&entry.deputy_person_id, &entry.deputy_post_id)),
        );
    }
    let wanted = rows.iter().filter_map(|row| row.department_id.as_ref());
    for id in wanted.chain(items.iter().filter_map(|(item, _)| item.department_id.as_ref())) {
        if let Some(name) = directory.department_name(id) {
            departments.insert(id.clone(), name.to_owned());
        }
    }
    let obligation_ids: Vec<String> = items.iter().map(|(_, obligation)| obligation.id.clone()).collect();
    let members: Vec<(String, i32, String)> = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq_any(&obligation_ids))
        .filter(round_clauses::answer.is_null())
        .select((
            round_clauses::obligation_id,
            round_clauses::cycle,
            round_clauses::clause_key,
        ))
        .load(scope.conn)?;
    let mut clauses: BTreeMap<(String, i32), Vec<String>> = BTreeMap::new();
    for (id, cycle, key) in members {
        clauses.entry((id, cycle)).or_default().push(key);
    }
    let acts: Vec<(String, Option<chrono::NaiveDate>, Option<String>)> = clause_fulfilments::table
        .filter(clause_fulfilments::local_government_id.eq(&scope.lg))
        .filter(clause_fulfilments::entry_id.eq_any(&entry_ids))
        .filter(clause_fulfilments::verified_on.is_not_null())
        .order((clause_fulfilments::verified_on, clause_fulfilments::clause_key))
        .select((
            clause_fulfilments::entry_id,
            clause_fulfilments::verified_on,
            clause_fulfilments::verified_by_person_id,
        ))
        .load(scope.conn)?;
    let people_ids: BTreeSet<String> = items
        .iter()
        .filter_map(|(item, _)| item.person_id.clone())
        .chain(acts.iter().filter_map(|(.., person)| person.clone()))
        .collect();
    let names: BTreeMap<String, String> = people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(people_ids))
        .select((people::id, people::name))
        .load::<(String, String)>(scope.conn)?
        .into_iter()
        .collect();
    // In the order of the days: the last one stays.
    let verified = acts
        .into_iter()
        .filter_map(|(entry, on, person)| {
            on.map(|on| {
                (
                    entry,
                    LastVerified {
                        on,
                        by: person.and_then(|id| names.get(&id).cloned()),
                    },
                )
            })
        })
        .collect();
    Ok(Gathered {
        counterparts: counterparts(scope, &entry_ids)?,
        entries: rows.into_iter().map(|row| (row.id.clone(), row)).collect(),
        organizations: by_id,
        names,
        owners,
        departments,
        clauses,
        verified,
    })
}

/// The other side of these entries.
fn counterparts(scope: &mut Scope<'_>, entry_ids: &[String]) -> Result<BTreeMap<String, Counterpart>, ApiError> {
    type Row = (String, String, Option<String>);
    let contracted: Vec<Row> = engagements::table
        .inner_join(contractors::table.on(on_tenant!(engagements.contractor_id = contractors.id)))
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::id.eq_any(entry_ids))
        .select((engagements::id, contractors::name, contractors::corporate_number))
        .load(scope.conn)?;
    let provided: Vec<Row> = cloud_services::table
        .inner_join(contractors::table.on(on_tenant!(cloud_services.provider_contractor_id = contractors.id)))
        .filter(cloud_services::local_government_id.eq(&scope.lg))
        .filter(cloud_services::id.eq_any(entry_ids))
        .select((cloud_services::id, contractors::name, contractors::corporate_number))
        .load(scope.conn)?;
    Ok(contracted
        .into_iter()
        .chain(provided)
        .map(|(id, name, corporate_number)| (id, Counterpart { name, corporate_number }))
        .collect())
}

impl Gathered {
    fn department(&self, id: &str) -> Option<String> {
        self.departments.get(id).cloned()
    }

    fn item(&self, scope: &Scope<'_>, item: &ItemRow, obligation: &ItemObligation) -> Result<Option<Item>, ApiError> {
        let entry = item.entry_id.as_ref().and_then(|id| self.entries.get(id));
        let organization = self.organizations.get(&item.organization_id);
        let (Some(entry), Some(organization)) = (entry, organization) else {
            return Ok(None);
        };
        let kind: Kind = entry.kind.0;
        let profile = scope.app.profile(&organization.profile_key)?;
        let calendar = organization.calendar(scope.app)?;
        let schedule = Schedule {
            kind: obligation.kind.0,
            due_on: obligation.due_on,
            known_cycle_days: obligation.known_cycle_days,
            starts_on: None,
            calendar: &calendar,
            severe: obligation.severe,
        };
        let mut after: Option<StageKey> = item.stage.parse().ok();
        let next_escalation = std::iter::from_fn(|| {
            let step = schedule.next_step_after(after)?;
            after = Some(step.key);
            Some(step)
        })
        .take(8)
        .find(|step| matches!(step.key, StageKey::Overdue(_)))
        .map(|step| Escalation {
            on: step.send_on,
            to: step.to.into_iter().filter(|role| *role != Role::Owner).collect(),
        });
        let keys = self
            .clauses
            .get(&(obligation.id.clone(), item.cycle))
            .cloned()
            .unwrap_or_default();
        let clauses: Vec<_> = scope
            .app
            .catalogue
            .clauses
            .iter()
            .filter(|clause| keys.contains(&clause.key))
            .collect();
        let (owner, deputy) = self.owners.get(&entry.id).cloned().unwrap_or_default();
        Ok(Some(Item {
            obligation: obligation.kind.0,
            due_on: obligation.due_on,
            control_number: entry.control_number.clone(),
            kind,
            kind_label: profile.label(kind).to_owned(),
            name: entry.name.clone(),
            counterpart: self.counterparts.get(&entry.id).cloned(),
            section: entry
                .department_id
                .as_ref()
                .and_then(|id| self.department(id))
                .unwrap_or_default(),
            owner,
            deputy,
            clauses: clauses.iter().map(|clause| clause.title_ja.clone()).collect(),
            last_verified: self.verified.get(&entry.id).cloned(),
            evidence: if clauses.is_empty() {
                vec![]
            } else {
                vec!["確認した結果が分かる書類（契約書、報告書、記録の抜粋など）".to_owned()]
            },
            risk: entry
                .risk_level
                .as_deref()
                .and_then(Level::parse)
                .map(|level| RiskLine { level, reason: None }),
            addressed_as: match (item.role.0, &item.department_id) {
                (_, Some(_)) => AddressedAs::DepartmentMailbox,
                (Role::Owner, None) => AddressedAs::Owner,
                (Role::Deputy, None) => AddressedAs::Deputy,
                (role, None) if item.stage.starts_with("overdue") => AddressedAs::Superior(role),
                (role, None) => AddressedAs::Verifier(role),
            },
            next_escalation,
        }))
    }
}
