//! The rows of evidence: read, checked, written.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{Evidence, EvidenceCreate, EvidenceFilter, EvidencePatch};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::evidence;
use crate::domain::assurance::AssuranceScheme;
use crate::domain::evidence::Piece;
use crate::files;
use crate::http::body::{Patch, clean_line, clean_lines, line};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::http::page::{self, After};

/// The word of evidence in the journal.
const KIND: &str = "evidence";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = evidence, primary_key(local_government_id, id), treat_none_as_null = true)]
pub(super) struct EvidenceRow {
    local_government_id: String,
    pub id: String,
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub contractor_id: Option<String>,
    kind: String,
    scheme: Option<String>,
    pub title: String,
    scope_text: Option<String>,
    document_number: Option<String>,
    pages: Option<String>,
    issued_on: Option<NaiveDate>,
    period_ends_on: Option<NaiveDate>,
    pub valid_until_on: Option<NaiveDate>,
    valid_until_by_rule: bool,
    file_id: Option<String>,
    note: Option<String>,
    pub replaced_by_id: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
    pub archived_at: Option<Instant>,
}

impl EvidenceRow {
    /// The same about another entry: a copy with its own id, that says nothing about a company.
    pub(super) fn for_entry(&self, scope: &Scope<'_>, entry_id: &str) -> Self {
        Self {
            id: scope.new_id(),
            entry_id: Some(entry_id.to_owned()),
            contractor_id: None,
            version: 1,
            created_at: scope.at,
            created_by: scope.by(),
            updated_at: scope.at,
            updated_by: scope.by(),
            ..self.clone()
        }
    }

    pub(super) fn from_create(scope: &Scope<'_>, new: EvidenceCreate) -> Self {
        Self {
            local_government_id: scope.lg.clone(),
            id: scope.new_id(),
            organization_id: new.organization_id,
            entry_id: new.entry_id,
            contractor_id: new.contractor_id,
            kind: new.kind,
            scheme: new.scheme,
            title: new.title,
            scope_text: new.scope_text,
            document_number: new.document_number,
            pages: new.pages,
            issued_on: new.issued_on,
            period_ends_on: new.period_ends_on,
            valid_until_by_rule: false,
            valid_until_on: new.valid_until_on,
            file_id: new.file_id,
            note: new.note,
            replaced_by_id: None,
            version: 1,
            created_at: scope.at,
            created_by: scope.by(),
            updated_at: scope.at,
            updated_by: scope.by(),
            archived_at: None,
        }
    }

    pub(super) fn patch(&mut self, patch: Patch<EvidencePatch>) {
        let Patch { set, clear } = patch;
        let patch = Patch { set: (), clear };
        Patch::<()>::value(&mut self.kind, set.kind);
        Patch::<()>::value(&mut self.title, set.title);
        patch.nullable(&mut self.scheme, set.scheme, "scheme");
        patch.nullable(&mut self.scope_text, set.scope_text, "scope_text");
        patch.nullable(&mut self.document_number, set.document_number, "document_number");
        patch.nullable(&mut self.pages, set.pages, "pages");
        patch.nullable(&mut self.issued_on, set.issued_on, "issued_on");
        patch.nullable(&mut self.period_ends_on, set.period_ends_on, "period_ends_on");
        self.valid_until_by_rule &= set.valid_until_on.is_none();
        patch.nullable(&mut self.valid_until_on, set.valid_until_on, "valid_until_on");
        patch.nullable(&mut self.file_id, set.file_id, "file_id");
        patch.nullable(&mut self.note, set.note, "note");
    }

    /// Cleans the texts, checks the values and counts the last day where the scheme's rule decides it.
    ///
    /// # Errors
    /// 422 with every wrong value.
    pub(super) fn check(&mut self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        let mut errors = vec![];
        self.title = line(&self.title, "/title", 200, &mut errors);
        clean_line(&mut self.scheme, "/scheme", 100, &mut errors);
        clean_lines(&mut self.scope_text, "/scope_text", 2000, &mut errors);
        clean_line(&mut self.document_number, "/document_number", 100, &mut errors);
        clean_line(&mut self.pages, "/pages", 100, &mut errors);
        clean_lines(&mut self.note, "/note", 4000, &mut errors);
        if !scope.app.catalogue.evidence.contains_key(&self.kind) {
            errors.push(FieldError::new(
                "/kind",
                "not_in_enum",
                "条項カタログにない証跡の種類です。",
                "The catalogue has no such kind of evidence.",
            ));
        }
        let app = scope.app;
        self.settle_validity(
            self.scheme.as_deref().and_then(|key| app.assurance.scheme(key)),
            &mut errors,
        );
        ApiError::unless_empty(errors)?;
        if let Some(file) = &self.file_id {
            files::require(scope, file, &self.organization_id, "/file_id")?;
        }
        Ok(())
    }

    /// The last day: as entered, else as the rule counts it.
    fn settle_validity(&mut self, scheme: Option<&AssuranceScheme>, errors: &mut Vec<FieldError>) {
        let counted = scheme.and_then(|scheme| scheme.valid_until(self.issued_on, self.period_ends_on));
        if self.valid_until_by_rule || self.valid_until_on.is_none() {
            self.valid_until_on = counted;
            self.valid_until_by_rule = counted.is_some();
            if let Some(needs) = scheme
                .and_then(|scheme| scheme.rule.needs())
                .filter(|_| counted.is_none())
            {
                errors.push(FieldError::new(
                    &format!("/{needs}"),
                    "required",
                    "この制度の証跡には、この日付か有効期限が要ります。",
                    "Evidence of this scheme needs this date, or its last day.",
                ));
            }
        }
        let dates = self.valid_until_on.zip(self.issued_on);
        if dates.is_some_and(|(until, issued_on)| until < issued_on) {
            errors.push(FieldError::new(
                "/valid_until_on",
                "date_order",
                "有効期限は発行日以降にしてください。",
                "The last day must not be before the day of issue.",
            ));
        }
    }

    pub(super) fn insert(&self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        diesel::insert_into(evidence::table).values(self).execute(scope.conn)?;
        Ok(())
    }

    /// Stores a changed row under its next version.
    pub(super) fn update(&mut self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        self.version += 1;
        self.updated_at = scope.at;
        self.updated_by = scope.by();
        diesel::update(evidence::table.find((&scope.lg, &self.id)))
            .set(&*self)
            .execute(scope.conn)?;
        Ok(())
    }

    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: self.entry_id.as_deref(),
        }
    }

    /// As the rule of admission sees it.
    pub(super) fn piece(&self) -> Piece<'_> {
        Piece {
            organization_id: &self.organization_id,
            entry_id: self.entry_id.as_deref(),
            contractor_id: self.contractor_id.as_deref(),
            archived: self.archived_at.is_some(),
        }
    }

    pub(super) fn wire(self, scope: &Scope<'_>) -> Evidence {
        let scheme = self.scheme.as_deref().and_then(|key| scope.app.assurance.scheme(key));
        Evidence {
            next_surveillance_on: scheme
                .filter(|_| self.archived_at.is_none())
                .and_then(|scheme| scheme.next_surveillance(self.issued_on, self.valid_until_on, scope.today)),
            kind_name: scope
                .app
                .catalogue
                .evidence
                .get(&self.kind)
                .unwrap_or(&self.kind)
                .clone(),
            id: self.id,
            organization_id: self.organization_id,
            entry_id: self.entry_id,
            contractor_id: self.contractor_id,
            kind: self.kind,
            title: self.title,
            scheme: self.scheme,
            scope_text: self.scope_text,
            document_number: self.document_number,
            pages: self.pages,
            issued_on: self.issued_on,
            period_ends_on: self.period_ends_on,
            valid_until_on: self.valid_until_on,
            valid_until_by_rule: self.valid_until_by_rule,
            file_id: self.file_id,
            note: self.note,
            replaced_by_id: self.replaced_by_id,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            archived_at: self.archived_at,
        }
    }
}

/// The row of a piece that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<EvidenceRow, ApiError> {
    let row: EvidenceRow = evidence::table
        .find((&scope.lg, id))
        .select(EvidenceRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The rows of these ids, whoever's they are.
pub(super) fn by_id(scope: &mut Scope<'_>, ids: &[&str]) -> Result<Vec<EvidenceRow>, ApiError> {
    Ok(evidence::table
        .filter(evidence::local_government_id.eq(&scope.lg))
        .filter(evidence::id.eq_any(ids))
        .select(EvidenceRow::as_select())
        .load(scope.conn)?)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &EvidenceFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<EvidenceRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = evidence::table
        .filter(evidence::local_government_id.eq(scope.lg.clone()))
        .filter(evidence::id.gt(start.clone()))
        .order(evidence::id)
        .limit(limit + 1)
        .select(EvidenceRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(evidence::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(evidence::organization_id.eq(id.clone()));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(evidence::kind.eq(kind.clone()));
    }
    if let Some(scheme) = &filter.scheme {
        query = query.filter(evidence::scheme.eq(Some(scheme.clone())));
    }
    if let Some(from) = filter.valid_until_from {
        query = query.filter(evidence::valid_until_on.ge(Some(from)));
    }
    if let Some(to) = filter.valid_until_to {
        query = query.filter(evidence::valid_until_on.le(Some(to)));
    }
    if filter.include_archived != Some(true) {
        query = query.filter(evidence::archived_at.is_null());
    }
    if let Some(id) = &filter.contractor_id {
        query = query.filter(evidence::contractor_id.eq(Some(id.clone())));
    }
    if let Some(id) = &filter.entry_id {
        query = query.filter(evidence::entry_id.eq(Some(id.clone())));
    }
    if filter.entry_id.is_some() || filter.contractor_id.is_some() {
        // The index of the entry or the contractor answers; each has a handful.
        return Ok((query.load(scope.conn)?, None));
    }
    let bound: Option<String> = evidence::table
        .filter(evidence::local_government_id.eq(&scope.lg))
        .filter(evidence::id.gt(&start))
        .order(evidence::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(evidence::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(evidence::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// Pieces about the work of an entry that hold today: no certificate of an assurance scheme among them.
pub(super) fn about_the_work(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<EvidenceRow>, ApiError> {
    Ok(evidence::table
        .filter(evidence::local_government_id.eq(&scope.lg))
        .filter(evidence::entry_id.eq(Some(entry_id)))
        .filter(evidence::archived_at.is_null())
        .filter(evidence::scheme.is_null())
        .filter(
            evidence::valid_until_on
                .is_null()
                .or(evidence::valid_until_on.ge(Some(scope.today))),
        )
        .order(evidence::id)
        .select(EvidenceRow::as_select())
        .load(scope.conn)?)
}
