//! Keyset pages: cost independent of depth, cursors bound to their filters, no list without a bound (design §4.6).
//!
//! A list walks one index. Other filters are residual with a budget of [`BUDGET`] rows, after which a short page with
//! `next_cursor` comes back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::journal::sha256_hex;

/// How many index rows a page may walk past residual filters.
pub const BUDGET: i64 = 5_000;

/// Where a page begins: after this sort key and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The sort column's value as text; empty when the sort is by id.
    #[serde(rename = "k")]
    pub key: String,
    /// The id, which breaks ties.
    #[serde(rename = "i")]
    pub id: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    #[serde(flatten)]
    after: After,
    #[serde(rename = "f")]
    filters: String,
}

/// A page's `limit`, checked.
///
/// # Errors
/// 400 outside 1 to 200.
pub fn limit(limit: Option<i64>) -> Result<i64, ApiError> {
    limit_to(limit, 50, 200)
}

/// A page's `limit` of an operation with other bounds, checked.
///
/// # Errors
/// 400 outside 1 to `most`.
pub fn limit_to(limit: Option<i64>, usual: i64, most: i64) -> Result<i64, ApiError> {
    match limit.unwrap_or(usual) {
        n if (1..=most).contains(&n) => Ok(n),
        _ => Err(ApiError::InvalidParameter {
            name: "limit".to_owned(),
            ja: format!("1から{most}までにしてください。"),
            en: format!("must be 1 to {most}."),
        }),
    }
}

/// Identifies an operation and its filters in a cursor.
pub fn fingerprint(operation: &str, filters: &impl std::fmt::Debug) -> String {
    sha256_hex(format!("{operation}|{filters:?}").as_bytes())
        .chars()
        .take(16)
        .collect()
}

/// Reads a cursor of this fingerprint.
///
/// # Errors
/// 400 `invalid_cursor`.
pub fn after(cursor: Option<&str>, fingerprint: &str) -> Result<Option<After>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ApiError::InvalidCursor)?;
    let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| ApiError::InvalidCursor)?;
    let clean = !cursor.after.id.contains('\0') && !cursor.after.key.contains('\0');
    if cursor.filters == fingerprint && clean {
        Ok(Some(cursor.after))
    } else {
        Err(ApiError::InvalidCursor)
    }
}

/// Writes the cursor that begins after this row.
pub fn cursor(after: After, fingerprint: &str) -> String {
    let cursor = Cursor {
        after,
        filters: fingerprint.to_owned(),
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
}

/// Cuts `limit + 1` fetched rows to a page: the rows and the cursor of the next page, if there is one. `bound` is the
/// end of the budget: a page that stopped there goes on behind it.
pub fn cut<T>(
    mut rows: Vec<T>,
    limit: i64,
    bound: Option<After>,
    fingerprint: &str,
    key: impl Fn(&T) -> After,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(200);
    if rows.len() > limit {
        rows.truncate(limit);
        let next = rows.last().map(|row| cursor(key(row), fingerprint));
        return (rows, next);
    }
    (rows, bound.map(|bound| cursor(bound, fingerprint)))
}

/// Declares the page of a resource: a concrete type, because a generic one would inline its items in the document.
macro_rules! page_of {
    ($(#[$meta:meta])* $name:ident of $item:ty) => {
        $(#[$meta])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        pub struct $name {
            /// The records of this page.
            pub items: Vec<$item>,
            /// Send it as `cursor` to read on; null on the last page.
            #[schema(required)]
            pub next_cursor: Option<String>,
            /// Whether there is more.
            pub has_more: bool,
        }
        impl $name {
            /// A page and where it goes on.
            pub fn new((items, next_cursor): (Vec<$item>, Option<String>)) -> Self {
                Self { items, has_more: next_cursor.is_some(), next_cursor }
            }
        }
    };
}
pub(crate) use page_of;

/// The answer of a list with its `Link: rel="next"`.
///
/// # Errors
/// A body that cannot be JSON.
pub fn answer(
    path: &str,
    query: &str,
    page: &impl Serialize,
    next_cursor: Option<&str>,
) -> Result<super::answer::Answer, ApiError> {
    let next = next_cursor.map(|cursor| {
        let kept = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
        format!("{path}?{}", query.join("&"))
    });
    Ok(super::answer::Answer::ok(page)?.next(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_filters() {
        let here = After {
            key: "か".to_owned(),
            id: "1".to_owned(),
        };
        let text = cursor(here.clone(), "a");
        assert_eq!(after(Some(&text), "a").unwrap(), Some(here));
        assert!(after(Some(&text), "b").is_err());
        assert!(after(Some("???"), "a").is_err());
        assert_eq!(after(None, "a").unwrap(), None);
    }

    #[test]
    fn a_full_page_goes_on_after_its_last_row_and_a_short_one_behind_the_budget() {
        let key = |n: &i32| After {
            key: String::new(),
            id: n.to_string(),
        };
        let (rows, next) = cut(vec![1, 2, 3], 2, None, "f", key);
        assert_eq!(
            (rows, after(next.as_deref(), "f").unwrap().unwrap().id),
            (vec![1, 2], "2".to_owned())
        );
        assert_eq!(cut(vec![1], 2, None, "f", key), (vec![1], None));
        let bound = After {
            key: String::new(),
            id: "9".to_owned(),
        };
        assert!(cut(vec![1], 2, Some(bound), "f", key).1.is_some());
    }
}
