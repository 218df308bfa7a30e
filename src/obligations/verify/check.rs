//! What is wrong with a confirmation: its values, a clause that is not asked, the yearly inspection on site, a verifier
//! of the supplier's.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{About, Answer, AnswerWord, Method, VerificationCreate};
use crate::app::Scope;
use crate::db::schema::{contractor_contacts, engagements, people};
use crate::domain::onsite;
use crate::domain::vocabulary::ObligationKind;
use crate::entries::rows::EntryRow;
use crate::entries::state;
use crate::evidence;
use crate::http::error::{ApiError, FieldError};

/// Every wrong value of a confirmation at once.
pub(super) fn answers(
    scope: &mut Scope<'_>,
    about: &About<'_>,
    new: &VerificationCreate,
    verified_on: NaiveDate,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    if verified_on > scope.today {
        errors.push(FieldError::new(
            "/verified_on",
            "out_of_range",
            "確認日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    let by_clause = about.due.is_none_or(|row| row.kind.0 == ObligationKind::Reverification);
    if by_clause && new.answers.is_empty() {
        errors.push(FieldError::new(
            "/answers",
            "required",
            "条項ごとの答えを入れてください。",
            "Answer each clause.",
        ));
    }
    let mut seen = BTreeSet::new();
    for (i, answer) in new.answers.iter().enumerate() {
        let pointer = format!("/answers/{i}/clause_key");
        errors.extend(clause_error(scope, about, &pointer, &answer.clause_key));
        if !seen.insert(&answer.clause_key) {
            errors.push(FieldError::new(
                &pointer,
                "duplicate_in_request",
                "同じ条項が二度あります。",
                "The same clause twice.",
            ));
        }
    }
    let named = new.answers.iter().enumerate();
    let named: Vec<(&str, String)> = named
        .filter_map(|(i, answer)| Some((answer.evidence_id.as_deref()?, format!("/answers/{i}/evidence_id"))))
        .collect();
    let entry_id = about.entry.map(|entry| entry.id.as_str());
    let place = evidence::place(scope, about.organization_id, entry_id)?;
    evidence::check_named(scope, &place, &named, &mut errors)?;
    if let Some(entry) = about.entry {
        errors.extend(onsite_error(scope, entry, new, verified_on)?);
    }
    ApiError::unless_empty(errors)
}

fn clause_error(scope: &Scope<'_>, about: &About<'_>, pointer: &str, key: &str) -> Option<FieldError> {
    if let Some(asked) = &about.asked {
        return match asked.get(key) {
            None => Some(FieldError::reference(pointer)),
            Some(Some(_)) => Some(FieldError::new(
                pointer,
                "already_answered",
                "この条項は今回すでに答えられています。",
                "This clause is answered in this cycle already.",
            )),
            Some(None) => None,
        };
    }
    match scope.app.catalogue.clause(key) {
        None => Some(FieldError::reference(pointer)),
        Some(clause)
            if about
                .entry
                .is_some_and(|entry| !clause.applies_to.contains(&entry.kind.0)) =>
        {
            Some(FieldError::new(
                pointer,
                "clause_of_another_kind",
                "この種類の台帳にない条項です。",
                "This clause is not one of this kind of entry.",
            ))
        }
        Some(_) => None,
    }
}

/// The yearly inspection is on site; another way needs its reason, unless somebody was there in the last twelve months.
fn onsite_error(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    new: &VerificationCreate,
    verified_on: NaiveDate,
) -> Result<Option<FieldError>, ApiError> {
    let inspected = |answer: &&Answer| {
        answer.answer == AnswerWord::Met
            && answer.method != Some(Method::OnSite)
            && onsite::CLAUSES.contains(&answer.clause_key.as_str())
    };
    let elsewhere = new.answers.iter().find(inspected).is_some() && new.onsite_reason.is_none();
    if !elsewhere || !onsite::applies(entry.kind.0, &entry.facts()?) {
        return Ok(None);
    }
    let last = state::last_onsite(scope, &entry.id)?;
    Ok((!onsite::is_covered(last, verified_on)).then(|| {
        FieldError::new(
            "/onsite_reason",
            "onsite_reason_required",
            "個人情報を取り扱う委託は年1回、実地で確認します。実地によらないときは、その理由を入れてください。",
            "Work with personal information is inspected on site once a year; say why it was not.",
        )
    }))
}

/// Nobody confirms what their own company does: the verifier is no contact of the contractor, by mail address.
pub(super) fn require_not_supplier(scope: &mut Scope<'_>, entry: &EntryRow, person_id: &str) -> Result<(), ApiError> {
    let contractor_id: Option<Option<String>> = engagements::table
        .find((&scope.lg, &entry.id))
        .select(engagements::contractor_id)
        .first(scope.conn)
        .optional()?;
    let Some(contractor_id) = contractor_id.flatten() else {
        return Ok(());
    };
    let own: Option<String> = people::table
        .find((&scope.lg, person_id))
        .select(people::email)
        .first(scope.conn)?;
    let theirs: Vec<Option<String>> = contractor_contacts::table
        .filter(contractor_contacts::local_government_id.eq(&scope.lg))
        .filter(contractor_contacts::contractor_id.eq(contractor_id))
        .select(contractor_contacts::email)
        .load(scope.conn)?;
    let is_theirs = |own: &String| theirs.iter().flatten().any(|address| address.eq_ignore_ascii_case(own));
    if own.as_ref().is_some_and(is_theirs) {
        return Err(ApiError::Conflict {
            code: "verifier_is_supplier",
            ja: "この人は委託事業者の連絡先として登録されています。団体の職員が確認してください。".to_owned(),
            en: "This person is a contact of the contractor; somebody of the body itself confirms.".to_owned(),
        });
    }
    Ok(())
}
