//! The rows of clause templates: read, checked, written.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{
    ClauseTemplate, ClauseTemplateCreate, ClauseTemplateFilter, ClauseTemplateHead, ClauseTemplatePatch,
    TemplateArticle,
};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{clause_template_articles, clause_templates};
use crate::domain::vocabulary::Kind;
use crate::http::body::{Patch, clean_lines, line};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::http::page::{self, After};
use crate::{evidence, files};

/// The word of clause templates in the journal.
const KIND: &str = "clause_template";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clause_templates, primary_key(local_government_id, id), treat_none_as_null = true)]
pub(super) struct TemplateRow {
    local_government_id: String,
    pub id: String,
    pub organization_id: String,
    name: String,
    edition: String,
    valid_from_on: NaiveDate,
    valid_to_on: Option<NaiveDate>,
    file_id: Option<String>,
    pub evidence_id: Option<String>,
    note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
    pub archived_at: Option<Instant>,
}

impl TemplateRow {
    pub(super) fn from_create(scope: &Scope<'_>, new: ClauseTemplateCreate) -> (Self, Vec<TemplateArticle>) {
        let row = Self {
            local_government_id: scope.lg.clone(),
            id: scope.new_id(),
            organization_id: new.organization_id,
            name: new.name,
            edition: new.edition,
            valid_from_on: new.valid_from_on,
            valid_to_on: new.valid_to_on,
            file_id: new.file_id,
            evidence_id: new.evidence_id,
            note: new.note,
            version: 1,
            created_at: scope.at,
            created_by: scope.by(),
            updated_at: scope.at,
            updated_by: scope.by(),
            archived_at: None,
        };
        (row, new.articles)
    }

    /// Applies a change; the articles, when it replaces them.
    pub(super) fn patch(&mut self, patch: Patch<ClauseTemplatePatch>, at: Instant) -> Option<Vec<TemplateArticle>> {
        let Patch { set, clear } = patch;
        let patch = Patch { set: (), clear };
        Patch::<()>::value(&mut self.name, set.name);
        Patch::<()>::value(&mut self.edition, set.edition);
        Patch::<()>::value(&mut self.valid_from_on, set.valid_from_on);
        patch.nullable(&mut self.valid_to_on, set.valid_to_on, "valid_to_on");
        patch.nullable(&mut self.file_id, set.file_id, "file_id");
        patch.nullable(&mut self.evidence_id, set.evidence_id, "evidence_id");
        patch.nullable(&mut self.note, set.note, "note");
        if let Some(archived) = set.archived {
            self.archived_at = archived.then_some(self.archived_at.unwrap_or(at));
        }
        set.articles
    }

    /// Cleans the texts and checks the values.
    ///
    /// # Errors
    /// 422 with every wrong value.
    pub(super) fn check(
        &mut self,
        scope: &mut Scope<'_>,
        articles: Option<&mut Vec<TemplateArticle>>,
    ) -> Result<(), ApiError> {
        let mut errors = vec![];
        self.name = line(&self.name, "/name", 200, &mut errors);
        self.edition = line(&self.edition, "/edition", 100, &mut errors);
        clean_lines(&mut self.note, "/note", 4000, &mut errors);
        if self.valid_to_on.is_some_and(|to| to < self.valid_from_on) {
            errors.push(FieldError::new(
                "/valid_to_on",
                "date_order",
                "終了日は開始日以降にしてください。",
                "The last day must not be before the first.",
            ));
        }
        if let Some(articles) = articles {
            check_articles(scope, articles, &mut errors);
        }
        if let Some(id) = self.evidence_id.as_deref().filter(|_| self.archived_at.is_none()) {
            let house = evidence::place(scope, &self.organization_id, None)?;
            evidence::check_named(scope, &house, &[(id, "/evidence_id".to_owned())], &mut errors)?;
        }
        ApiError::unless_empty(errors)?;
        if let Some(file) = &self.file_id {
            files::require(scope, file, &self.organization_id, "/file_id")?;
        }
        Ok(())
    }

    /// Whether a contract of this day can take it.
    pub(super) fn is_valid_on(&self, on: NaiveDate) -> bool {
        self.valid_from_on <= on && self.valid_to_on.is_none_or(|to| on <= to)
    }

    pub(super) fn insert(&self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        diesel::insert_into(clause_templates::table)
            .values(self)
            .execute(scope.conn)?;
        Ok(())
    }

    /// Stores a changed row under its next version.
    pub(super) fn update(&mut self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        self.version += 1;
        self.updated_at = scope.at;
        self.updated_by = scope.by();
        diesel::update(clause_templates::table.find((&scope.lg, &self.id)))
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
            entry_id: None,
        }
    }

    /// The template with its articles, with one query.
    pub(super) fn complete(self, scope: &mut Scope<'_>) -> Result<ClauseTemplate, ApiError> {
        Ok(ClauseTemplate {
            articles: articles(scope, &self.id)?,
            head: self.head(),
        })
    }

    pub(super) fn head(self) -> ClauseTemplateHead {
        ClauseTemplateHead {
            id: self.id,
            organization_id: self.organization_id,
            name: self.name,
            edition: self.edition,
            valid_from_on: self.valid_from_on,
            valid_to_on: self.valid_to_on,
            file_id: self.file_id,
            evidence_id: self.evidence_id,
            note: self.note,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            archived_at: self.archived_at,
        }
    }
}

fn check_articles(scope: &Scope<'_>, articles: &mut [TemplateArticle], errors: &mut Vec<FieldError>) {
    let catalogue = &scope.app.catalogue;
    let mut seen = BTreeSet::new();
    for (i, one) in articles.iter_mut().enumerate() {
        let at = |name: &str| format!("/articles/{i}/{name}");
        let key = at("clause_key");
        match catalogue.clause(&one.clause_key) {
            None => errors.push(FieldError::reference(&key)),
            Some(clause) if !clause.applies_to.contains(&Kind::ContractorEngagement) => errors.push(FieldError::new(
                &key,
                "clause_of_another_kind",
                "業務委託にない条項です。",
                "This clause is not one of engagements.",
            )),
            Some(_) if !seen.insert(one.clause_key.clone()) => errors.push(FieldError::new(
                &key,
                "duplicate_in_request",
                "同じ条項が二度あります。",
                "The same clause twice.",
            )),
            Some(_) => {}
        }
        one.article = line(&one.article, &at("article"), 100, errors);
        clean_lines(&mut one.quotation, &at("quotation"), 4000, errors);
    }
}

/// The row of a template that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<TemplateRow, ApiError> {
    let row: TemplateRow = clause_templates::table
        .find((&scope.lg, id))
        .select(TemplateRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The articles of a template, in its own order.
pub(super) fn articles(scope: &mut Scope<'_>, id: &str) -> Result<Vec<TemplateArticle>, ApiError> {
    let found: Vec<(String, String, Option<String>)> = clause_template_articles::table
        .filter(clause_template_articles::local_government_id.eq(&scope.lg))
        .filter(clause_template_articles::clause_template_id.eq(id))
        .order(clause_template_articles::position)
        .select((
            clause_template_articles::clause_key,
            clause_template_articles::article,
            clause_template_articles::quotation,
        ))
        .load(scope.conn)?;
    let article = |(clause_key, article, quotation)| TemplateArticle {
        clause_key,
        article,
        quotation,
    };
    Ok(found.into_iter().map(article).collect())
}

/// Replaces the articles of a template.
pub(super) fn replace_articles(scope: &mut Scope<'_>, id: &str, new: &[TemplateArticle]) -> Result<(), ApiError> {
    let mine = clause_template_articles::table
        .filter(clause_template_articles::local_government_id.eq(&scope.lg))
        .filter(clause_template_articles::clause_template_id.eq(id));
    diesel::delete(mine).execute(scope.conn)?;
    for (position, one) in (1_i32..).zip(new) {
        diesel::insert_into(clause_template_articles::table)
            .values((
                clause_template_articles::local_government_id.eq(&scope.lg),
                clause_template_articles::clause_template_id.eq(id),
                clause_template_articles::clause_key.eq(&one.clause_key),
                clause_template_articles::position.eq(position),
                clause_template_articles::article.eq(&one.article),
                clause_template_articles::quotation.eq(&one.quotation),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ClauseTemplateFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<TemplateRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = clause_templates::table
        .filter(clause_templates::local_government_id.eq(&scope.lg))
        .filter(clause_templates::id.gt(&start))
        .order(clause_templates::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(clause_templates::id)
        .first(scope.conn)
        .optional()?;
    let mut query = clause_templates::table
        .filter(clause_templates::local_government_id.eq(scope.lg.clone()))
        .filter(clause_templates::id.gt(start))
        .order(clause_templates::id)
        .limit(limit + 1)
        .select(TemplateRow::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        query = query.filter(clause_templates::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(clause_templates::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(clause_templates::organization_id.eq(id.clone()));
    }
    if let Some(on) = filter.valid_on {
        let to = clause_templates::valid_to_on;
        query = query
            .filter(clause_templates::valid_from_on.le(on))
            .filter(to.is_null().or(to.ge(Some(on))));
    }
    if filter.include_archived != Some(true) {
        query = query.filter(clause_templates::archived_at.is_null());
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}
