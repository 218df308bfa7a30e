//! Two-character infix search of names and kana through an index, alike on both databases (design §4.15, §9 "Schema").
//!
//! Each searchable row writes the bigrams of its folded text; a query drives from its rarest gram and checks the rest
//! of the text on the rows it finds.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::on_each_backend;
use super::schema::search_grams;
use crate::app::Scope;
use crate::domain::text::{bigrams, fold};
use crate::http::error::ApiError;

/// The folded text of a row: its names, one after the other.
pub fn folded<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> String {
    texts.into_iter().flatten().map(fold).collect::<Vec<_>>().join("\n")
}

/// Replaces the grams of a row.
///
/// # Errors
/// A database failure.
pub fn index(scope: &mut Scope<'_>, kind: &str, id: &str, folded: &str) -> Result<(), ApiError> {
    let mine = search_grams::table
        .filter(search_grams::local_government_id.eq(&scope.lg))
        .filter(search_grams::kind.eq(kind))
        .filter(search_grams::id.eq(id));
    diesel::delete(mine).execute(scope.conn)?;
    let grams: BTreeSet<String> = folded.lines().flat_map(bigrams).collect();
    let rows: Vec<_> = grams
        .into_iter()
        .map(|gram| {
            (
                search_grams::local_government_id.eq(scope.lg.clone()),
                search_grams::kind.eq(kind.to_owned()),
                search_grams::gram.eq(gram),
                search_grams::id.eq(id.to_owned()),
            )
        })
        .collect();
    on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(search_grams::table)
        .values(&rows)
        .execute(c))?;
    Ok(())
}

/// A checked query text.
#[derive(Debug, Clone)]
pub struct Query {
    /// The folded text that a row must contain.
    pub folded: String,
    /// The pattern for `LIKE … ESCAPE '\'`.
    pub pattern: String,
    /// The rarest gram, to drive from.
    pub gram: String,
}

/// Prepares `q`: folds it and picks the gram that the fewest rows have (counted up to 2,000 each).
///
/// # Errors
/// 422 for fewer than two characters.
pub fn query(scope: &mut Scope<'_>, kind: &str, q: &str) -> Result<Query, ApiError> {
    let folded = fold(q);
    if folded.chars().count() < 2 {
        return Err(ApiError::field(
            "q",
            "too_short",
            "2文字以上で検索してください。",
            "Search for two characters or more.",
        ));
    }
    let mut rarest: Option<(i64, String)> = None;
    // A page answers in a constant number of statements: the first eight grams decide well enough.
    for gram in bigrams(&folded).into_iter().take(8) {
        let ids: Vec<String> = search_grams::table
            .filter(search_grams::local_government_id.eq(&scope.lg))
            .filter(search_grams::kind.eq(kind))
            .filter(search_grams::gram.eq(&gram))
            .select(search_grams::id)
            .limit(2_000)
            .load(scope.conn)?;
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        if rarest.as_ref().is_none_or(|(least, _)| count < *least) {
            rarest = Some((count, gram));
        }
    }
    let gram = rarest.map(|(_, gram)| gram).unwrap_or_default();
    let escaped = folded.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Ok(Query {
        pattern: format!("%{escaped}%"),
        folded,
        gram,
    })
}

/// Where a page of a search goes on, when the grams alone used up the budget.
pub fn bound(ids: &[String]) -> Option<crate::http::page::After> {
    let full = i64::try_from(ids.len()).is_ok_and(|n| n >= crate::http::page::BUDGET);
    let last = ids.last().filter(|_| full)?.clone();
    Some(crate::http::page::After {
        key: String::new(),
        id: last,
    })
}
