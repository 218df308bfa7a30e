//! What is decided about an application, and by whom.

use diesel::prelude::*;

use super::already_decided;
use super::rows::{Row, chain};
use super::wire::{SubcontractDecisionCreate, SubcontractDecisionWord};
use crate::app::Scope;
use crate::contractors;
use crate::db::schema::subcontracts;
use crate::domain::subcontract::{SubcontractState, ancestors};
use crate::domain::vocabulary::{CodeWord, Role};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::http::body::{clean_line, clean_lines};
use crate::http::error::{ApiError, FieldError};
use crate::transitions;

/// Who permits that work is handed on: the head of the section or above.
const DECIDES: &[Role] = &[
    Role::SectionSecurityManager,
    Role::DivisionSecurityOfficer,
    Role::SupervisingSecurityOfficer,
    Role::Ciso,
];

/// Whether somebody with these roles decides about subcontracts.
pub(crate) fn may_decide(roles: &[Role]) -> bool {
    roles.iter().any(|role| DECIDES.contains(role))
}

/// Records a decision.
pub(super) fn decide(
    scope: &mut Scope<'_>,
    row: &Row,
    entry: &EntryRow,
    person_id: &str,
    mut new: SubcontractDecisionCreate,
) -> Result<(), ApiError> {
    let approves = new.decision == SubcontractDecisionWord::Approve;
    let mut errors = vec![];
    clean_line(&mut new.document_number, "/document_number", 100, &mut errors);
    clean_line(&mut new.decided_by, "/decided_by", 200, &mut errors);
    clean_lines(&mut new.note, "/note", 1000, &mut errors);
    let decided_on = new.decided_on.unwrap_or(scope.today);
    if decided_on > scope.today
        || decided_on < row.requested_on
        || (new.decided_by.is_none() && decided_on != scope.today)
    {
        errors.push(FieldError::new(
            "/decided_on",
            "out_of_range",
            "決定日は申請の日から今日までの日にしてください。ここで決定するときは今日です。",
            "It must lie between the application and today; a decision taken here is today's.",
        ));
    }
    if approves && !new.flow_down_confirmed {
        errors.push(FieldError::new(
            "/flow_down_confirmed",
            "required",
            "元の契約の条項が再委託の契約にあることを確かめてください。",
            "See that the clauses of the contract are in the subcontract.",
        ));
    }
    if approves && row.handles_specific_personal_information && new.document_number.is_none() {
        errors.push(FieldError::new(
            "/document_number",
            "required",
            "個人番号を扱う再委託の許諾には、文書番号が必要です（番号法第10条）。",
            "The permission to hand on My Number needs the number of its document (番号法10条).",
        ));
    }
    ApiError::unless_empty(errors)?;
    entry_rows::require_live(entry)?;
    if row.state.0 != SubcontractState::Requested {
        return Err(already_decided());
    }
    if new.decided_by.is_none() {
        transitions::require_role(scope, entry, person_id, DECIDES)?;
    }
    if approves {
        permissible(scope, row)?;
    }
    let state = if approves {
        SubcontractState::Approved
    } else {
        SubcontractState::Rejected
    };
    diesel::update(subcontracts::table.find((&scope.lg, &row.id)))
        .set((
            subcontracts::state.eq(state.code()),
            subcontracts::decided_on.eq(Some(decided_on)),
            subcontracts::decided_by_person_id.eq(new.decided_by.is_none().then_some(person_id)),
            subcontracts::decided_by.eq(&new.decided_by),
            subcontracts::document_number.eq(&new.document_number),
            subcontracts::flow_down_confirmed.eq(new.flow_down_confirmed),
            subcontracts::decision_note.eq(&new.note),
            subcontracts::version.eq(subcontracts::version + 1),
            subcontracts::updated_at.eq(scope.at),
            subcontracts::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// The tier above is permitted, and the company may be given work.
fn permissible(scope: &mut Scope<'_>, row: &Row) -> Result<(), ApiError> {
    let chain = chain(scope, &row.engagement_id)?;
    let above = ancestors(&chain, &row.id);
    if above.iter().skip(1).any(|one| !one.is_permitted(scope.today)) {
        return Err(ApiError::Conflict {
            code: "parent_not_permitted",
            ja: "上位の再委託が承認されていません。先にそちらを決定してください。".to_owned(),
            en: "The subcontract above is not permitted; decide that first.".to_owned(),
        });
    }
    if contractors::standing(scope, &row.contractor_id, scope.today)?
        .debarred_from_on
        .is_some()
    {
        return Err(ApiError::Conflict {
            code: "contractor_debarred",
            ja: "再委託先は指名停止中です。ほかの事業者にするか、停止の終わりを待ってください。".to_owned(),
            en: "The subcontractor is debarred; name another company or wait for the end.".to_owned(),
        });
    }
    Ok(())
}
