//! What a person is asked today: the open things that they answer for or were told of, with what a page needs to ask.
//!
//! Who answers follows from who is owner, deputy, delegate or verifier today, whoever got the mail. Read with a number of
//! statements that does not depend on how many things there are. What was sent is only a second way to find them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::grace::{self, GraceRow};
use super::history::{LastAnswer, articles, last_answers};
use super::prepared::{self, PreparedRow};
use crate::app::Scope;
use crate::db::schema::{entries, obligations, reminder_items, round_clauses};
use crate::db::types::Word;
use crate::domain::catalogue::Clause;
use crate::domain::onsite;
use crate::domain::reminder::{ClosedBy, closes_by};
use crate::domain::vocabulary::{CodeWord, Level, ObligationKind, Role};
use crate::entries::rows::EntryRow;
use crate::entries::state;
use crate::http::error::ApiError;
use crate::incidents;
use crate::links::Reader;
use crate::mail::templates::digest::{Counterpart, Takeover};
use crate::obligations::ObligationRow;
use crate::organizations;
use crate::ownership_transfers::takeovers;
use crate::posts;
use crate::work::contents::counterparts;
use crate::work::matters;
use crate::work::recipients::{About, Around};

/// The most things on one page.
const MOST: usize = 200;

/// One thing that somebody is asked, or was told of.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What is due.
    pub row: ObligationRow,
    /// The entry, if it is about one.
    pub entry: Option<EntryRow>,
    /// The name of the organization.
    pub organization: String,
    /// What sort of thing, as the organization calls it.
    pub label: String,
    /// Its name.
    pub name: String,
    /// Contractor or provider.
    pub counterpart: Option<Counterpart>,
    /// The department in charge.
    pub department: Option<String>,
    /// The owner today: id and name.
    pub owner: Option<(String, String)>,
    /// The deputy's name.
    pub deputy: Option<String>,
    /// What it is in particular.
    pub detail: Option<String>,
    /// Risk of the entry.
    pub risk: Option<Level>,
    /// What is taken over.
    pub takeover: Option<Takeover>,
    /// The clauses of a round that wait for an answer, the reader's own first.
    pub clauses: Vec<AskedClause>,
    /// Whether an inspection on site is due with this answer.
    pub on_site: bool,
    /// The requests for more time in this cycle.
    pub graces: Vec<GraceRow>,
    /// What the reader may do.
    pub standing: Standing,
}

/// What the reader may do about a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Answer it here.
    Answers,
    /// Answers for it, but it is closed by the work itself.
    Works,
    /// Is told of it.
    Told,
    /// Has nothing to do with it any more.
    Stranger,
}

/// A clause of a round that waits for an answer.
#[derive(Debug, Clone)]
pub(crate) struct AskedClause {
    /// The clause.
    pub clause: Clause,
    /// Whether this reader answers it.
    pub own: bool,
    /// In which role it is answered.
    pub role: Role,
    /// By whom.
    pub assignee: Option<String>,
    /// The owner answers because nobody holds the clause's role.
    pub substituted: bool,
    /// Where it comes from, in Japanese.
    pub sources: Vec<String>,
    /// Where the contract says it.
    pub article: Option<String>,
    /// The last answer.
    pub last: Option<LastAnswer>,
    /// The names of the kinds of evidence that show it, by code.
    pub evidence: Vec<(String, String)>,
    /// What somebody has filled in for the responsible person.
    pub prepared: Option<PreparedRow>,
}

impl Asked {
    /// The clauses that the reader answers.
    pub(crate) fn own(&self) -> impl Iterator<Item = &AskedClause> {
        self.clauses.iter().filter(|clause| clause.own)
    }

    /// Whether a clause that waits is one that the law itself demands.
    pub(crate) fn is_statutory(&self) -> bool {
        self.clauses.iter().any(|asked| asked.clause.is_statutory())
    }
}

type Member = (String, i32, String, Word<Role>, Option<String>);

/// Everything that a reader is asked, most urgent first.
///
/// # Errors
/// A database failure.
pub(crate) fn asked_of(scope: &mut Scope<'_>, reader: Reader<'_>) -> Result<Vec<Asked>, ApiError> {
    let rows = candidates(scope, reader)?;
    let mut all = describe(scope, reader, rows)?;
    all.retain(|asked| asked.standing != Standing::Stranger);
    Ok(all)
}

/// One open thing as its reader is asked it; `None` where it is closed, of another cycle or none of theirs.
///
/// # Errors
/// A database failure.
pub(crate) fn asked_about(
    scope: &mut Scope<'_>,
    reader: Reader<'_>,
    obligation_id: &str,
) -> Result<Option<Asked>, ApiError> {
    let all = asked_of(scope, reader)?;
    Ok(all.into_iter().find(|asked| asked.row.id == obligation_id))
}

/// One open thing for somebody who prepares an answer or decides about time: everything of it, whoever answers.
///
/// # Errors
/// A database failure.
pub(crate) fn described(scope: &mut Scope<'_>, obligation_id: &str, cycle: i32) -> Result<Option<Asked>, ApiError> {
    let row: Option<ObligationRow> = obligations::table
        .find((&scope.lg, obligation_id))
        .filter(obligations::state.eq("open"))
        .filter(obligations::cycle.eq(cycle))
        .select(ObligationRow::as_select())
        .first(scope.conn)
        .optional()?;
    let rows = row.into_iter().collect();
    // A reader that nobody is: everything is described, and nothing is theirs.
    Ok(describe(scope, Reader::Person(""), rows)?.pop())
}

/// The open things that this reader was written to about, owns, or is named for.
fn candidates(scope: &mut Scope<'_>, reader: Reader<'_>) -> Result<Vec<ObligationRow>, ApiError> {
    let recipient = match reader {
        Reader::Person(id) => format!("person:{id}"),
        Reader::Mailbox(id) => format!("department:{id}"),
    };
    let sent: BTreeSet<(String, i32)> = reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::recipient.eq(recipient))
        .filter(reminder_items::state.eq_any(["planned", "fixed", "sent"]))
        .select((reminder_items::obligation_id, reminder_items::cycle))
        .distinct()
        .load(scope.conn)?
        .into_iter()
        .collect();
    let mut named: BTreeSet<(String, i32)> = sent;
    if let Reader::Person(person) = reader {
        named.extend(
            round_clauses::table
                .filter(round_clauses::local_government_id.eq(&scope.lg))
                .filter(round_clauses::assignee_person_id.eq(Some(person)))
                .filter(round_clauses::answer.is_null())
                .select((round_clauses::obligation_id, round_clauses::cycle))
                .distinct()
                .load::<(String, i32)>(scope.conn)?,
        );
    }
    let ids: BTreeSet<&str> = named.iter().map(|(id, _)| id.as_str()).collect();
    let mut rows: Vec<ObligationRow> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(ids))
        .filter(obligations::state.eq("open"))
        .select(ObligationRow::as_select())
        .load(scope.conn)?;
    rows.retain(|row| named.contains(&(row.id.clone(), row.cycle)));
    if let Reader::Person(person) = reader {
        let owned: Vec<Option<String>> = owned_by(scope, person)?.into_iter().map(Some).collect();
        let of_entries: Vec<ObligationRow> = obligations::table
            .filter(obligations::local_government_id.eq(&scope.lg))
            .filter(obligations::entry_id.eq_any(owned))
            .filter(obligations::state.eq("open"))
            .select(ObligationRow::as_select())
            .load(scope.conn)?;
        for row in of_entries {
            if !rows.iter().any(|known| known.id == row.id) {
                rows.push(row);
            }
        }
    }
    // What nobody has been reminded of yet can wait.
    rows.retain(|row| row.last_stage.is_some());
    rows.sort_by(|a, b| (a.due_on, &a.id).cmp(&(b.due_on, &b.id)));
    rows.truncate(MOST);
    Ok(rows)
}

/// The entries that a person owns today, also by a post.
fn owned_by(scope: &mut Scope<'_>, person_id: &str) -> Result<Vec<String>, ApiError> {
    let held = posts::held_by(scope, person_id, scope.today)?;
    let posts: Vec<Option<String>> = held.into_iter().map(Some).collect();
    let mut owned: Vec<String> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::owner_person_id.eq(Some(person_id)))
        .filter(entries::archived_at.is_null())
        .select(entries::id)
        .load(scope.conn)?;
    owned.extend(
        entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::owner_post_id.eq_any(posts))
            .filter(entries::archived_at.is_null())
            .select(entries::id)
            .load::<String>(scope.conn)?,
    );
    Ok(owned)
}

/// Everything that is needed to say what is asked.
fn describe(scope: &mut Scope<'_>, reader: Reader<'_>, rows: Vec<ObligationRow>) -> Result<Vec<Asked>, ApiError> {
    let obligation_ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let organization_ids: BTreeSet<String> = rows.iter().map(|row| row.organization_id.clone()).collect();
    let entry_ids: BTreeSet<String> = rows.iter().filter_map(|row| row.entry_id.clone()).collect();
    let members: Vec<Member> = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq_any(&obligation_ids))
        .filter(round_clauses::answer.is_null())
        .order((round_clauses::obligation_id, round_clauses::clause_key))
        .select((
            round_clauses::obligation_id,
            round_clauses::cycle,
            round_clauses::clause_key,
            round_clauses::assignee_role,
            round_clauses::assignee_person_id,
        ))
        .load(scope.conn)?;
    let registered: BTreeMap<String, EntryRow> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(&entry_ids))
        .select(EntryRow::as_select())
        .load::<EntryRow>(scope.conn)?
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let without_entry = rows.iter().filter(|row| row.entry_id.is_none());
    let matters = matters::of(scope, without_entry.map(|row| (row.kind.0, row.subject_id.as_str())))?;
    let mut person_ids: Vec<String> = members.iter().filter_map(|(.., person)| person.clone()).collect();
    person_ids.extend(matters.values().filter_map(|matter| matter.person_id.clone()));
    let around = Around::load(scope, &organization_ids, &entry_ids, &person_ids, &obligation_ids)?;
    let takeovers = takeovers(scope, &obligation_ids)?;
    let details = incidents::report_names(scope, &obligation_ids)?;
    let counterparts = counterparts(scope, &entry_ids)?;
    let articles = articles(scope, &entry_ids)?;
    let mut last = last_answers(scope, &entry_ids)?;
    let mut prepared = prepared::of(scope, &obligation_ids)?;
    let mut graces = grace::of(scope, &obligation_ids)?;
    let mut organizations = BTreeMap::new();
    for id in &organization_ids {
        let row = organizations::row(scope, id)?;
        let catalogue = scope.catalogue_of(id, scope.today)?;
        organizations.insert(id.clone(), (row, catalogue));
    }
    let mut all = vec![];
    for row in &rows {
        let Some((organization, catalogue)) = organizations.get(&row.organization_id) else {
            continue;
        };
        let entry = row.entry_id.as_ref().and_then(|id| registered.get(id));
        let matter = matters.get(&row.subject_id).filter(|_| entry.is_none());
        let about = About {
            obligation_id: &row.id,
            organization_id: &row.organization_id,
            entry_id: row.entry_id.as_deref(),
        };
        let seen = Seen::of(
            &around,
            about,
            reader,
            matter.and_then(|matter| matter.person_id.as_deref()),
        );
        let mine = members
            .iter()
            .filter(|(id, cycle, ..)| *id == row.id && *cycle == row.cycle);
        let mut clauses: Vec<AskedClause> = mine
            .filter_map(|(.., key, role, person)| {
                let clause = catalogue.clause(key)?;
                let evidence = clause.evidence.iter();
                Some(AskedClause {
                    own: seen.answers_clause(person.as_deref()),
                    role: role.0,
                    assignee: person
                        .as_deref()
                        .and_then(|id| around.directory.person(id))
                        .map(|person| person.name.clone()),
                    substituted: role.0 == Role::Owner && !matches!(clause.verifier_role, Role::Owner | Role::Deputy),
                    sources: clause
                        .sources
                        .iter()
                        .filter_map(|place| {
                            let source = catalogue.sources.get(&place.source)?;
                            Some(format!("{} {}", source.title_ja, place.section).trim().to_owned())
                        })
                        .collect(),
                    article: row
                        .entry_id
                        .as_ref()
                        .and_then(|id| articles.get(&(id.clone(), key.clone())).cloned()),
                    last: row
                        .entry_id
                        .as_ref()
                        .and_then(|id| last.remove(&(id.clone(), key.clone()))),
                    evidence: evidence
                        .filter_map(|code| Some((code.clone(), catalogue.evidence.get(code)?.clone())))
                        .collect(),
                    prepared: prepared.remove(&(row.id.clone(), row.cycle, key.clone())),
                    clause: clause.clone(),
                })
            })
            .collect();
        clauses.sort_by_key(|clause| (!clause.own, clause.clause.number));
        let takeover = takeovers.get(&row.id).cloned();
        let answers = match closes_by(row.kind.0) {
            ClosedBy::Verification => clauses.iter().any(|clause| clause.own),
            ClosedBy::Decision => seen.is_in_charge(),
            ClosedBy::Work => {
                row.kind.0 == ObligationKind::Handover
                    && seen.is_owner
                    && takeover.as_ref().is_some_and(|takeover| !takeover.vacant)
            }
        };
        let standing = if answers {
            Standing::Answers
        } else if seen.is_in_charge() && closes_by(row.kind.0) == ClosedBy::Work {
            Standing::Works
        } else if seen.is_in_charge() || seen.is_superior {
            Standing::Told
        } else {
            Standing::Stranger
        };
        let (label, name) = match (entry, matter) {
            (Some(entry), _) => {
                let profile = scope.app.profile(&organization.profile_key)?;
                (profile.label(entry.kind.0).to_owned(), entry.name.clone())
            }
            (None, Some(matter)) => (matter.label.clone(), matter.name.clone()),
            (None, None) => (row.kind.0.ja().to_owned(), organization.name.clone()),
        };
        let on_site = match entry {
            Some(entry) => is_on_site(scope, entry, &clauses)?,
            None => false,
        };
        all.push(Asked {
            organization: organization.name.clone(),
            label,
            name,
            counterpart: row.entry_id.as_ref().and_then(|id| counterparts.get(id)).cloned(),
            department: around
                .department(about)
                .and_then(|id| around.directory.department_name(id))
                .map(str::to_owned),
            owner: seen.owner.clone(),
            deputy: around.deputies(about).first().map(|person| person.name.clone()),
            detail: details.get(&row.id).cloned(),
            risk: entry
                .and_then(|entry| entry.risk_level.as_deref())
                .and_then(Level::parse),
            takeover,
            clauses,
            on_site,
            graces: graces.remove(&(row.id.clone(), row.cycle)).unwrap_or_default(),
            standing,
            entry: entry.cloned(),
            row: row.clone(),
        });
    }
    Ok(all)
}

/// How a reader stands to one thing today.
#[expect(
    clippy::struct_excessive_bools,
    reason = "somebody may stand to a thing in several ways at once"
)]
struct Seen {
    owner: Option<(String, String)>,
    is_owner: bool,
    is_deputy: bool,
    /// Holds a role that is told of it.
    is_superior: bool,
    /// Ids of the reader and of those whose place they take.
    who: Vec<String>,
    /// Assignees that nobody can write to: whoever reads the department's mailbox answers for them.
    unreachable: Vec<String>,
    by_mailbox: bool,
    there: BTreeSet<String>,
}

impl Seen {
    fn of(around: &Around, about: About<'_>, reader: Reader<'_>, answering: Option<&str>) -> Self {
        let directory = &around.directory;
        let owner = answering
            .and_then(|id| directory.person(id))
            .or_else(|| around.owner(about));
        let deputies = around.deputies(about);
        let who: Vec<String> = match reader {
            Reader::Person(id) => std::iter::once(id)
                .chain(directory.stands_in_for(about.organization_id, id))
                .map(str::to_owned)
                .collect(),
            Reader::Mailbox(_) => vec![],
        };
        let by_mailbox = matches!(reader, Reader::Mailbox(_));
        let is_owner = match owner {
            Some(owner) => who.contains(&owner.id) || by_mailbox && owner.address.is_none(),
            None => by_mailbox,
        };
        let is_superior = match reader {
            Reader::Person(id) => !directory
                .roles_of(id, about.organization_id, around.department(about))
                .is_empty(),
            Reader::Mailbox(_) => true,
        };
        let people = directory.everybody();
        Self {
            is_owner,
            is_superior,
            is_deputy: deputies.iter().any(|deputy| who.contains(&deputy.id)),
            owner: owner.map(|owner| (owner.id.clone(), owner.name.clone())),
            unreachable: people
                .filter(|person| person.address.is_none())
                .map(|person| person.id.clone())
                .collect(),
            there: directory.everybody().map(|person| person.id.clone()).collect(),
            who,
            by_mailbox,
        }
    }

    const fn is_in_charge(&self) -> bool {
        self.is_owner || self.is_deputy
    }

    /// Whether the reader answers a clause that waits for this person.
    fn answers_clause(&self, assignee: Option<&str>) -> bool {
        let Some(assignee) = assignee else {
            return self.is_in_charge();
        };
        if self.who.iter().any(|id| id == assignee) {
            return true;
        }
        if self.by_mailbox && self.unreachable.iter().any(|id| id == assignee) {
            return true;
        }
        let owners = self.owner.as_ref().is_some_and(|(id, _)| id == assignee);
        // Nobody waits for somebody who has left.
        let gone = !self.there.contains(assignee);
        (owners || gone) && self.is_in_charge()
    }
}

/// Whether an answer today must be given on site, or with a reason.
fn is_on_site(scope: &mut Scope<'_>, entry: &EntryRow, clauses: &[AskedClause]) -> Result<bool, ApiError> {
    let asked = clauses
        .iter()
        .any(|asked| onsite::CLAUSES.contains(&asked.clause.key.as_str()));
    if !asked || !onsite::applies(entry.kind.0, &entry.facts()?) {
        return Ok(false);
    }
    let last = state::last_onsite(scope, &entry.id)?;
    Ok(!onsite::is_covered(last, scope.today))
}
