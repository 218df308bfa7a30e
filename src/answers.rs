//! Answers by link: what the reader of a mail is asked ([`asked`]), and what follows when they send their sheet.
//!
//! A sheet is answered in one transaction by the functions of the API, in the name of the person, and gets a receipt
//! ([`receipts`]); the same sheet sent again is shown that one. Also what goes around an answer: somebody prepares it
//! ([`prepared`]), somebody needs more time ([`grace`]), facts have changed ([`changes`]), and the mails that say so
//! ([`letters`]). The pages are [`crate::pages`]', the links [`crate::links`]'.

pub(crate) mod asked;
pub(crate) mod changes;
pub(crate) mod grace;
pub(crate) mod history;
pub(crate) mod letters;
pub(crate) mod prepared;
pub(crate) mod receipts;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{appointments, departments, people};
use crate::domain::link::LinkPurpose;
use crate::domain::vocabulary::CodeWord;
use crate::evidence::{self, EvidenceCreate};
use crate::files;
use crate::files::upload::Upload;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError, LinkOver};
use crate::links::{self, LinkRow, Over, Reader};
use crate::obligations::{self, DecisionCreate, VerificationCreate};
use crate::ownership_transfers;
use crate::ownership_transfers::wire::{AcceptanceCreate, AcceptanceWord};
use asked::Asked;
use receipts::{AnsweredLine, AnsweredThing};

/// What is said about one thing.
#[derive(Debug)]
pub(crate) struct Order {
    /// The thing.
    pub obligation_id: String,
    /// What is said.
    pub said: Said,
}

/// What is said, by the way in which the thing is closed.
#[derive(Debug)]
pub(crate) enum Said {
    /// About the clauses of a round, with files by clause.
    Confirmed(VerificationCreate, BTreeMap<String, NewFile>),
    /// About a contract that ends.
    Decided(DecisionCreate),
    /// About a hand-over.
    Accepted(AcceptanceCreate),
}

/// A file that becomes evidence of a clause.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// The checked file.
    pub upload: Upload,
    /// Its name.
    pub name: String,
    /// The kind of evidence.
    pub kind: String,
    /// Its last day.
    pub valid_until_on: Option<NaiveDate>,
}

impl LinkRow {
    /// Whom it is for.
    ///
    /// # Errors
    /// A row without a reader.
    pub(crate) fn reader(&self) -> Result<Reader<'_>, ApiError> {
        match (&self.person_id, &self.department_id) {
            (Some(person), _) => Ok(Reader::Person(person)),
            (None, Some(department)) => Ok(Reader::Mailbox(department)),
            (None, None) => Err(ApiError::internal("a link for nobody")),
        }
    }
}

/// A link that is over opens nothing: it says whom it was for, and where to ask.
///
/// # Errors
/// 410; a database failure.
pub(crate) fn require_open(scope: &mut Scope<'_>, link: &LinkRow) -> Result<(), ApiError> {
    let Some(over) = link.is_over(scope)? else {
        return Ok(());
    };
    Err(ApiError::LinkOver(Box::new(LinkOver {
        revoked: over == Over::Revoked,
        whom: whom(scope, link)?,
        contact: letters::house(scope)?.0,
    })))
}

/// Whom a link was for, by name.
fn whom(scope: &mut Scope<'_>, link: &LinkRow) -> Result<String, ApiError> {
    if link.purpose.0 != LinkPurpose::Choose {
        return reader_name(scope, link.reader()?);
    }
    let mut names = vec![];
    for (_, own) in links::of_message(scope, link)? {
        names.push(reader_name(scope, own.reader()?)?);
    }
    Ok(names.join("、"))
}

/// Who may answer by a link: its person, or those of the department whose mailbox it went to. Ids and names.
///
/// # Errors
/// A database failure.
pub(crate) fn answering(scope: &mut Scope<'_>, reader: Reader<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let ids: Vec<String> = match reader {
        Reader::Person(id) => vec![id.to_owned()],
        Reader::Mailbox(department) => appointments::table
            .filter(appointments::local_government_id.eq(&scope.lg))
            .filter(appointments::department_id.eq(Some(department)))
            .filter(appointments::starts_on.le(scope.today))
            .filter(
                appointments::ends_on
                    .is_null()
                    .or(appointments::ends_on.ge(Some(scope.today))),
            )
            .select(appointments::person_id)
            .load(scope.conn)?,
    };
    Ok(people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(ids))
        .filter(people::archived_at.is_null())
        .filter(people::left_on.is_null().or(people::left_on.ge(Some(scope.today))))
        .order(people::id)
        .select((people::id, people::name))
        .load(scope.conn)?)
}

/// What a reader is called: the person, or the department.
///
/// # Errors
/// A database failure.
pub(crate) fn reader_name(scope: &mut Scope<'_>, reader: Reader<'_>) -> Result<String, ApiError> {
    Ok(match reader {
        Reader::Person(id) => people::table
            .find((&scope.lg, id))
            .select(people::name)
            .first(scope.conn)?,
        Reader::Mailbox(id) => departments::table
            .find((&scope.lg, id))
            .select(departments::name)
            .first(scope.conn)?,
    })
}

/// Carries out what was said, in the caller's transaction, and answers the number of the receipt. Nothing is done unless
/// everything is right.
///
/// # Errors
/// 422 with pointers `/{obligation}/…`; clauses are named by their keys.
pub(crate) fn submit(
    scope: &mut Scope<'_>,
    link: &LinkRow,
    sheet: &str,
    person_id: &str,
    asked: &[Asked],
    orders: Vec<Order>,
) -> Result<String, ApiError> {
    let mut things = vec![];
    for order in orders {
        let Some(about) = asked.iter().find(|asked| asked.row.id == order.obligation_id) else {
            // Somebody else was faster, or it has changed hands.
            let gone = FieldError::new(
                &format!("/{}", order.obligation_id),
                "already_closed",
                "この項目は、既に回答されたか、担当が替わりました。",
                "It was answered meanwhile, or is somebody else's now.",
            );
            return Err(ApiError::Validation(vec![gone]));
        };
        let thing = carry_out(scope, about, person_id, order.said).map_err(|error| at(&about.row.id, error))?;
        things.push(thing);
    }
    receipts::issue(scope, link, sheet, person_id, &things)
}

fn carry_out(scope: &mut Scope<'_>, about: &Asked, person_id: &str, said: Said) -> Result<AnsweredThing, ApiError> {
    let mut thing = AnsweredThing {
        obligation_id: about.row.id.clone(),
        entry_id: about.row.entry_id.clone(),
        control_number: about.entry.as_ref().map(|entry| entry.control_number.clone()),
        name: about.name.clone(),
        due: about.detail.clone().unwrap_or_else(|| about.row.kind.0.ja().to_owned()),
        due_on: about.row.due_on,
        done: String::new(),
        lines: vec![],
        next_due_on: None,
    };
    match said {
        Said::Confirmed(new, files) => confirm(scope, about, person_id, new, files, &mut thing)?,
        Said::Decided(new) => {
            thing.done = format!("「{}」と決定", new.decision.ja());
            thing.lines.push(AnsweredLine {
                asked: thing.due.clone(),
                answer: new.decision.ja().to_owned(),
                note: new.note.clone(),
                file: None,
            });
            obligations::decide(scope, &about.row, new)?;
        }
        Said::Accepted(new) => {
            let answer = match new.answer {
                AcceptanceWord::Accept => "引き受けた",
                AcceptanceWord::Decline => "引き受けない",
            };
            thing.done = format!("「{answer}」と回答");
            thing.lines.push(AnsweredLine {
                asked: thing.due.clone(),
                answer: answer.to_owned(),
                note: new.note.clone(),
                file: None,
            });
            ownership_transfers::accept(scope, &about.row.subject_id, person_id, new)?;
        }
    }
    Ok(thing)
}

fn confirm(
    scope: &mut Scope<'_>,
    about: &Asked,
    person_id: &str,
    mut new: VerificationCreate,
    mut files: BTreeMap<String, NewFile>,
    thing: &mut AnsweredThing,
) -> Result<(), ApiError> {
    let keys: Vec<String> = new.answers.iter().map(|answer| answer.clause_key.clone()).collect();
    for answer in &mut new.answers {
        let file = files.remove(&answer.clause_key);
        let name = file.as_ref().map(|file| file.name.clone());
        if let Some(file) = file {
            let kept = keep_evidence(scope, about, file)
                .map_err(|error| renamed(error, |_| format!("/answers/{}/file", answer.clause_key)))?;
            answer.evidence_id = Some(kept);
        }
        let clause = about.clauses.iter().find(|asked| asked.clause.key == answer.clause_key);
        thing.lines.push(AnsweredLine {
            asked: clause.map_or_else(|| answer.clause_key.clone(), |asked| asked.clause.title_ja.clone()),
            answer: answer.answer.ja().to_owned(),
            note: answer.note.clone(),
            file: name,
        });
    }
    thing.done = format!("条項{}件に回答", new.answers.len());
    let by_key = |pointer: &str| {
        let mut parts = pointer.splitn(4, '/').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("answers"), Some(index), Some(rest)) => {
                let key = index.parse::<usize>().ok().and_then(|index| keys.get(index));
                key.map_or_else(|| pointer.to_owned(), |key| format!("/answers/{key}/{rest}"))
            }
            _ => pointer.to_owned(),
        }
    };
    let done = obligations::verify(scope, &about.row, person_id, new).map_err(|error| renamed(error, by_key))?;
    prepared::forget(scope, &about.row.id, &keys)?;
    thing.next_due_on = done.next_due_on;
    Ok(())
}

/// Keeps a file as evidence of the entry and answers the evidence's id.
///
/// # Errors
/// 422 for a kind that is none or a last day that cannot be.
pub(crate) fn keep_evidence(scope: &mut Scope<'_>, about: &Asked, file: NewFile) -> Result<String, ApiError> {
    let kept = files::keep(scope, file.upload, true)?;
    let new = EvidenceCreate {
        organization_id: about.row.organization_id.clone(),
        entry_id: about.row.entry_id.clone(),
        contractor_id: None,
        kind: file.kind,
        title: file.name,
        scheme: None,
        scope_text: None,
        document_number: None,
        pages: None,
        issued_on: None,
        period_ends_on: None,
        valid_until_on: file.valid_until_on,
        file_id: Some(kept.id),
        note: None,
        replaces_id: None,
    };
    Ok(evidence::create(scope, &Organizations::All, new)?.id)
}

/// What is wrong, below the thing that it is about; what the state forbids is wrong with the thing as a whole.
fn at(obligation_id: &str, error: ApiError) -> ApiError {
    match error {
        ApiError::Conflict { code, ja, en } => {
            ApiError::Validation(vec![FieldError::new(&format!("/{obligation_id}"), code, ja, en)])
        }
        other => renamed(other, |pointer| format!("/{obligation_id}{pointer}")),
    }
}

fn renamed(error: ApiError, name: impl Fn(&str) -> String) -> ApiError {
    match error {
        ApiError::Validation(mut errors) => {
            for error in &mut errors {
                error.pointer = name(&error.pointer);
            }
            ApiError::Validation(errors)
        }
        other => other,
    }
}
