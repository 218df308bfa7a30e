//! The rows of documents: read, checked, written.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::wire::{PolicyDocument, PolicyDocumentCreate, PolicyDocumentFilter, PolicyDocumentPatch};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{policy_document_review_reasons, policy_documents};
use crate::db::types::Word;
use crate::domain::policy_document::{Held, check, default_visibility, is_publication_missing};
use crate::domain::profile::{DocumentKind, Visibility};
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::files;
use crate::http::body::{Patch, clean_line, clean_lines, line};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::http::page::{self, After};
use crate::obligations::cycles::{self, Due};
use crate::organizations;

/// The word of documents in the journal.
const KIND: &str = "policy_document";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_documents)]
pub(crate) struct DocumentRow {
    pub id: String,
    pub organization_id: String,
    pub kind: Word<DocumentKind>,
    title: String,
    edition: String,
    pub visibility: Word<Visibility>,
    adopted_on: Option<NaiveDate>,
    published_on: Option<NaiveDate>,
    url: Option<String>,
    file_id: Option<String>,
    place: Option<String>,
    custodian: Option<String>,
    review_due_on: Option<NaiveDate>,
    note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
    archived_at: Option<Instant>,
}

impl DocumentRow {
    fn wire(self, open_review_reasons: i64) -> PolicyDocument {
        let (kind, visibility) = (self.kind.0, self.visibility.0);
        let restricted = visibility == Visibility::Restricted;
        PolicyDocument {
            publication_missing: is_publication_missing(kind, self.adopted_on, self.published_on, self.url.is_some()),
            file_withheld: restricted && self.file_id.is_some(),
            file_id: self.file_id.filter(|_| !restricted),
            review_needed: open_review_reasons > 0,
            open_review_reasons,
            kind,
            visibility,
            id: self.id,
            organization_id: self.organization_id,
            title: self.title,
            edition: self.edition,
            adopted_on: self.adopted_on,
            published_on: self.published_on,
            url: self.url,
            place: self.place,
            custodian: self.custodian,
            review_due_on: self.review_due_on,
            note: self.note,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            archived_at: self.archived_at,
        }
    }

    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: None,
        }
    }

    /// An archived document is only read.
    pub(super) fn require_live(&self) -> Result<(), ApiError> {
        if self.archived_at.is_none() {
            return Ok(());
        }
        Err(ApiError::Conflict {
            code: "archived",
            ja: "この文書は保管済みのため変更できません。必要なら新しく登録してください。".to_owned(),
            en: "The document is archived and is not changed any more; record a new one if it is needed.".to_owned(),
        })
    }
}

/// The row of a document that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<DocumentRow, ApiError> {
    let row: DocumentRow = policy_documents::table
        .find((&scope.lg, id))
        .select(DocumentRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// With the number of their open reasons, by one more query.
pub(super) fn complete(scope: &mut Scope<'_>, rows: Vec<DocumentRow>) -> Result<Vec<PolicyDocument>, ApiError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let open: Vec<(String, i64)> = policy_document_review_reasons::table
        .filter(policy_document_review_reasons::local_government_id.eq(&scope.lg))
        .filter(policy_document_review_reasons::policy_document_id.eq_any(ids))
        .filter(policy_document_review_reasons::review_id.is_null())
        .group_by(policy_document_review_reasons::policy_document_id)
        .select((policy_document_review_reasons::policy_document_id, count_star()))
        .load(scope.conn)?;
    let open: BTreeMap<String, i64> = open.into_iter().collect();
    Ok(rows
        .into_iter()
        .map(|row| {
            let count = open.get(&row.id).copied().unwrap_or(0);
            row.wire(count)
        })
        .collect())
}

/// One document as the API shows it.
pub(super) fn one(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<PolicyDocument, ApiError> {
    let row = find(scope, allowed, id)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &PolicyDocumentFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<DocumentRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = policy_documents::table
        .filter(policy_documents::local_government_id.eq(&scope.lg))
        .filter(policy_documents::id.gt(&start))
        .order(policy_documents::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(policy_documents::id)
        .first(scope.conn)
        .optional()?;
    let mut query = policy_documents::table
        .filter(policy_documents::local_government_id.eq(scope.lg.clone()))
        .filter(policy_documents::id.gt(start))
        .order(policy_documents::id)
        .limit(limit + 1)
        .select(DocumentRow::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        query = query.filter(policy_documents::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(policy_documents::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(policy_documents::organization_id.eq(id.clone()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(policy_documents::kind.eq(Word(kind)));
    }
    if filter.publication_missing == Some(true) {
        let never = policy_documents::url
            .is_null()
            .or(policy_documents::published_on.is_null());
        query = query
            .filter(policy_documents::kind.eq(Word(DocumentKind::BasicPolicy)))
            .filter(policy_documents::adopted_on.is_not_null())
            .filter(
                never.or(policy_documents::published_on
                    .lt(policy_documents::adopted_on)
                    .assume_not_null()),
            );
    }
    if filter.review_needed == Some(true) {
        let open = policy_document_review_reasons::table
            .filter(policy_document_review_reasons::local_government_id.eq(policy_documents::local_government_id))
            .filter(policy_document_review_reasons::policy_document_id.eq(policy_documents::id))
            .filter(policy_document_review_reasons::review_id.is_null());
        query = query.filter(diesel::dsl::exists(open));
    }
    if filter.include_archived != Some(true) {
        query = query.filter(policy_documents::archived_at.is_null());
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The fields that can be written.
#[derive(Debug, Clone)]
pub(super) struct State {
    organization_id: String,
    kind: DocumentKind,
    title: String,
    edition: String,
    visibility: Visibility,
    adopted_on: Option<NaiveDate>,
    published_on: Option<NaiveDate>,
    url: Option<String>,
    file_id: Option<String>,
    place: Option<String>,
    custodian: Option<String>,
    review_due_on: Option<NaiveDate>,
    note: Option<String>,
}

impl State {
    pub(super) fn from_create(scope: &mut Scope<'_>, new: PolicyDocumentCreate) -> Result<Self, ApiError> {
        let organization = organizations::row(scope, &new.organization_id)?;
        let profile = scope.app.profile(&organization.profile_key)?;
        let given = new.file_id.is_some();
        Self {
            visibility: new.visibility.unwrap_or_else(|| default_visibility(profile, new.kind)),
            organization_id: new.organization_id,
            kind: new.kind,
            title: new.title,
            edition: new.edition,
            adopted_on: new.adopted_on,
            published_on: new.published_on,
            url: new.url,
            file_id: new.file_id,
            place: new.place,
            custodian: new.custodian,
            review_due_on: new.review_due_on,
            note: new.note,
        }
        .checked(scope, given, vec![])
    }

    pub(super) fn from_patch(
        scope: &mut Scope<'_>,
        now: DocumentRow,
        patch: &Patch<PolicyDocumentPatch>,
    ) -> Result<Self, ApiError> {
        let set = patch.set.clone();
        let given = set.file_id.is_some();
        let released = patch.clear.contains("file_id") && now.visibility.0 == Visibility::Restricted;
        let withheld = released && now.file_id.is_some();
        let mut state = Self {
            organization_id: now.organization_id,
            kind: now.kind.0,
            title: now.title,
            edition: now.edition,
            visibility: now.visibility.0,
            adopted_on: now.adopted_on,
            published_on: now.published_on,
            url: now.url,
            file_id: now.file_id,
            place: now.place,
            custodian: now.custodian,
            review_due_on: now.review_due_on,
            note: now.note,
        };
        Patch::<PolicyDocumentPatch>::value(&mut state.title, set.title);
        Patch::<PolicyDocumentPatch>::value(&mut state.edition, set.edition);
        Patch::<PolicyDocumentPatch>::value(&mut state.visibility, set.visibility);
        patch.nullable(&mut state.adopted_on, set.adopted_on, "adopted_on");
        patch.nullable(&mut state.published_on, set.published_on, "published_on");
        patch.nullable(&mut state.url, set.url, "url");
        patch.nullable(&mut state.file_id, set.file_id, "file_id");
        patch.nullable(&mut state.place, set.place, "place");
        patch.nullable(&mut state.custodian, set.custodian, "custodian");
        patch.nullable(&mut state.review_due_on, set.review_due_on, "review_due_on");
        patch.nullable(&mut state.note, set.note, "note");
        let mut errors = vec![];
        if withheld {
            errors.push(FieldError::new(
                "/file_id",
                "restricted_document",
                "非公開の文書に結び付いたファイルは、結び付けたまま提供を止めておきます。",
                "The file of a restricted document stays linked to it, so that it is not given out.",
            ));
        }
        state.checked(scope, given, errors)
    }

    fn checked(
        mut self,
        scope: &mut Scope<'_>,
        file_given: bool,
        mut errors: Vec<FieldError>,
    ) -> Result<Self, ApiError> {
        self.title = line(&self.title, "/title", 200, &mut errors);
        self.edition = line(&self.edition, "/edition", 100, &mut errors);
        clean_line(&mut self.place, "/place", 200, &mut errors);
        clean_line(&mut self.custodian, "/custodian", 200, &mut errors);
        clean_lines(&mut self.note, "/note", 2000, &mut errors);
        for (on, pointer) in [(self.adopted_on, "/adopted_on"), (self.published_on, "/published_on")] {
            if on.is_some_and(|on| on > scope.today) {
                errors.push(FieldError::new(
                    pointer,
                    "out_of_range",
                    "今日以前の日にしてください。",
                    "It must not be in the future.",
                ));
            }
        }
        let organization = organizations::row(scope, &self.organization_id)?;
        let held = Held {
            kind: self.kind,
            visibility: self.visibility,
            has_file: file_given,
            has_url: self.url.is_some(),
            has_place: self.place.is_some(),
            has_custodian: self.custodian.is_some(),
            is_published: self.published_on.is_some(),
        };
        for fault in check(scope.app.profile(&organization.profile_key)?, held) {
            let pointer = format!("/{}", fault.field);
            errors.push(FieldError::new(&pointer, fault.code, fault.ja, fault.en));
        }
        if let Some(id) = self.file_id.as_deref().filter(|_| file_given) {
            errors.extend(file_fault(scope, &self.organization_id, id)?);
        }
        ApiError::unless_empty(errors)?;
        Ok(self)
    }
}

/// A file of the organization that no restricted document withholds.
fn file_fault(scope: &mut Scope<'_>, organization_id: &str, id: &str) -> Result<Option<FieldError>, ApiError> {
    if !files::is_of(scope, organization_id, id)? {
        return Ok(Some(FieldError::reference("/file_id")));
    }
    Ok(is_withheld(scope, id)?.then(|| {
        FieldError::new(
            "/file_id",
            "restricted_document",
            "このファイルは非公開の文書のものです。",
            "The file belongs to a restricted document.",
        )
    }))
}

/// Whether a restricted document keeps this file from being given out.
pub(super) fn is_withheld(scope: &mut Scope<'_>, file_id: &str) -> Result<bool, ApiError> {
    let found: Option<String> = policy_documents::table
        .filter(policy_documents::local_government_id.eq(&scope.lg))
        .filter(policy_documents::file_id.eq(Some(file_id)))
        .filter(policy_documents::visibility.eq(Visibility::Restricted.code()))
        .select(policy_documents::id)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = policy_documents, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    title: &'a str,
    edition: &'a str,
    visibility: &'static str,
    adopted_on: Option<NaiveDate>,
    published_on: Option<NaiveDate>,
    url: Option<&'a str>,
    file_id: Option<&'a str>,
    place: Option<&'a str>,
    custodian: Option<&'a str>,
    review_due_on: Option<NaiveDate>,
    note: Option<&'a str>,
    updated_at: Instant,
    updated_by: String,
}

fn values<'a>(scope: &Scope<'_>, state: &'a State) -> Values<'a> {
    Values {
        title: &state.title,
        edition: &state.edition,
        visibility: state.visibility.code(),
        adopted_on: state.adopted_on,
        published_on: state.published_on,
        url: state.url.as_deref(),
        file_id: state.file_id.as_deref(),
        place: state.place.as_deref(),
        custodian: state.custodian.as_deref(),
        review_due_on: state.review_due_on,
        note: state.note.as_deref(),
        updated_at: scope.at,
        updated_by: scope.by(),
    }
}

pub(super) fn insert(scope: &mut Scope<'_>, state: &State) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(policy_documents::table)
        .values((
            policy_documents::local_government_id.eq(&scope.lg),
            policy_documents::id.eq(&id),
            policy_documents::organization_id.eq(&state.organization_id),
            policy_documents::kind.eq(state.kind.code()),
            values(scope, state),
            policy_documents::version.eq(1),
            policy_documents::created_at.eq(scope.at),
            policy_documents::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    settle_review(scope, &state.organization_id, &id, state.review_due_on)?;
    Ok(id)
}

pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(policy_documents::table.find((&scope.lg, id)))
        .set((
            values(scope, state),
            policy_documents::version.eq(policy_documents::version + 1),
        ))
        .execute(scope.conn)?;
    settle_review(scope, &state.organization_id, id, state.review_due_on)
}

/// Brings the obligation to review in line with its date.
pub(super) fn settle_review(
    scope: &mut Scope<'_>,
    organization_id: &str,
    id: &str,
    due_on: Option<NaiveDate>,
) -> Result<(), ApiError> {
    let Some(on) = due_on else {
        return cycles::retire(scope, ObligationKind::DocumentReview, id);
    };
    let due = Due {
        kind: ObligationKind::DocumentReview,
        subject_id: id.to_owned(),
        organization_id: organization_id.to_owned(),
        entry_id: None,
        on,
        known_cycle_days: None,
        starts_on: None,
        severe: false,
    };
    cycles::ensure(scope, &due)?;
    Ok(())
}

/// Raises the version: something of the document changed.
pub(super) fn touch(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(policy_documents::table.find((&scope.lg, id)))
        .set((
            policy_documents::version.eq(policy_documents::version + 1),
            policy_documents::updated_at.eq(scope.at),
            policy_documents::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Sets the date of the next review.
pub(super) fn review_due(scope: &mut Scope<'_>, row: &DocumentRow, on: NaiveDate) -> Result<(), ApiError> {
    diesel::update(policy_documents::table.find((&scope.lg, &row.id)))
        .set(policy_documents::review_due_on.eq(Some(on)))
        .execute(scope.conn)?;
    settle_review(scope, &row.organization_id, &row.id, Some(on))
}

/// Puts a document away; it is not reviewed any more.
pub(super) fn archive(scope: &mut Scope<'_>, row: &DocumentRow) -> Result<(), ApiError> {
    diesel::update(policy_documents::table.find((&scope.lg, &row.id)))
        .set(policy_documents::archived_at.eq(Some(scope.at)))
        .execute(scope.conn)?;
    settle_review(scope, &row.organization_id, &row.id, None)?;
    touch(scope, &row.id)
}
