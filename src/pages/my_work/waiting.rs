//! What waits for the decision of whoever looks: exceptions, entries that were applied for, subcontracts, and requests for
//! more time. Each leads to where it is decided; who may decide say the slices.

use std::collections::{BTreeMap, BTreeSet};

use crate::answers::grace;
use crate::app::Scope;
use crate::domain::lifecycle;
use crate::domain::vocabulary::{Role, Status};
use crate::entries::list::{EntryFilter, select_page};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::pages::said;
use crate::pages::viewer::Viewer;
use crate::people::holders::Directory;
use crate::reports::line;
use crate::{exceptions, subcontracts};

/// Entries of a status that are looked through.
const MOST_WAITING: i64 = 50;
/// Subcontracts that are looked through.
const MOST_SUBCONTRACTS: i64 = 500;

/// Something to decide.
pub(super) struct Decision {
    /// Where it is decided.
    pub url: String,
    pub name: String,
    pub control_number: String,
    pub what: String,
}

/// Everything that waits for the viewer.
///
/// # Errors
/// A database failure.
pub(super) fn of(scope: &mut Scope<'_>, lang: Lang, viewer: &Viewer) -> Result<Vec<Decision>, ApiError> {
    let session = &viewer.session;
    let ids: Vec<String> = session.seen.organizations.iter().map(|one| one.id.clone()).collect();
    let today = scope.today;
    let directory = Directory::load(scope, &ids, std::slice::from_ref(&session.person_id), &[], today)?;
    let mut decisions = graces(scope, lang, viewer)?;
    decisions.extend(exceptions(scope, lang, viewer)?);
    decisions.extend(entries(scope, lang, viewer, &directory)?);
    decisions.extend(subcontracts(scope, lang, viewer, &directory)?);
    Ok(decisions)
}

/// Exceptions that wait for the CISO.
fn exceptions(scope: &mut Scope<'_>, lang: Lang, viewer: &Viewer) -> Result<Vec<Decision>, ApiError> {
    let organizations = viewer.session.seen.holding(Role::Ciso);
    if organizations.is_empty() {
        return Ok(vec![]);
    }
    let waiting = exceptions::waiting(scope, organizations)?;
    let ids: BTreeSet<String> = waiting.iter().map(|one| one.entry_id.clone()).collect();
    let rows = line::rows(scope, &ids)?;
    let lines = line::lines(scope, &rows)?;
    let decision = |one: exceptions::wire::Exception| {
        let entry = lines.get(&one.entry_id)?;
        let until = said::day(lang, one.expires_on);
        Some(Decision {
            url: format!("/entries/{}", one.entry_id),
            name: entry.name.clone(),
            control_number: entry.control_number.clone(),
            what: lang.pick(
                format!("例外措置の申請（{until}まで）"),
                format!("exception requested, until {until}"),
            ),
        })
    };
    Ok(waiting.into_iter().filter_map(decision).collect())
}

/// Entries that were applied for and whose next step this person may take.
fn entries(
    scope: &mut Scope<'_>,
    lang: Lang,
    viewer: &Viewer,
    directory: &Directory,
) -> Result<Vec<Decision>, ApiError> {
    let session = &viewer.session;
    let mut found = vec![];
    for status in [Status::Applied, Status::UnderReview] {
        let filter = EntryFilter {
            status: Some(status),
            limit: Some(MOST_WAITING),
            within: session.seen.within.clone(),
            ..EntryFilter::default()
        };
        let (rows, _) = select_page(scope, &Organizations::All, &filter, "page of one's work")?;
        for row in rows {
            let roles = directory.roles_of(&session.person_id, &row.organization_id, row.department_id.as_deref());
            let may = lifecycle::transitions_from(row.kind.0, status).any(|transition| {
                let decides = transition.leads_to(status) != status;
                decides && !roles.is_empty() && transition.who.allows(&roles)
            });
            if may {
                found.push(Decision {
                    url: format!("/entries/{}", row.id),
                    name: row.name,
                    control_number: row.control_number,
                    what: said::word(lang, status),
                });
            }
        }
    }
    Ok(found)
}

/// Subcontracts that were applied for, of the sections whose head this person is, or above.
fn subcontracts(
    scope: &mut Scope<'_>,
    lang: Lang,
    viewer: &Viewer,
    directory: &Directory,
) -> Result<Vec<Decision>, ApiError> {
    let person = &viewer.session.person_id;
    let waiting = subcontracts::waiting(scope, MOST_SUBCONTRACTS)?;
    let ids: BTreeSet<String> = waiting.iter().map(|one| one.engagement_id.clone()).collect();
    let mut theirs: BTreeMap<String, (String, String)> = BTreeMap::new();
    for row in line::rows(scope, &ids)? {
        let roles = directory.roles_of(person, &row.organization_id, row.department_id.as_deref());
        if subcontracts::may_decide(&roles) {
            theirs.insert(row.id, (row.name, row.control_number));
        }
    }
    let decision = |one: subcontracts::Waiting| {
        let (name, control_number) = theirs.get(&one.engagement_id)?;
        Some(Decision {
            url: format!("/entries/{}#below", one.engagement_id),
            name: name.clone(),
            control_number: control_number.clone(),
            what: lang.pick(
                format!("再委託の承認の申請（{}）", one.contractor),
                format!("subcontract to {} applied for", one.contractor),
            ),
        })
    };
    Ok(waiting.into_iter().filter_map(decision).collect())
}

/// Requests for more time that this person was asked about by mail; decided behind the link of that mail.
fn graces(scope: &mut Scope<'_>, lang: Lang, viewer: &Viewer) -> Result<Vec<Decision>, ApiError> {
    let asked = grace::waiting_for(scope, &viewer.session.person_id)?;
    let decision = |one: grace::Waiting| {
        let until = said::day(lang, one.until_on);
        Decision {
            url: one.path,
            name: one.name,
            control_number: one.control_number,
            what: lang.pick(
                format!("{}さんからの猶予の申出（{until}まで）", one.by),
                format!("{} asks for time until {until}", one.by),
            ),
        }
    };
    Ok(asked.into_iter().map(decision).collect())
}
