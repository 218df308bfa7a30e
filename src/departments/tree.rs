//! The departments of today as a tree, for a page on which one is chosen. The list for programs is [`super::listed`].

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::departments;
use crate::http::error::ApiError;

/// A department at its place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    /// Id.
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// Name.
    pub name: String,
    /// How many are above it.
    pub depth: usize,
}

/// Id, organization, the one above, name.
type Row = (String, String, Option<String>, String);

/// Every department that is there today: each followed by those below it, beside each other by code.
///
/// # Errors
/// A database failure.
pub(crate) fn tree(scope: &mut Scope<'_>) -> Result<Vec<Branch>, ApiError> {
    let rows: Vec<Row> = departments::table
        .filter(departments::local_government_id.eq(&scope.lg))
        .filter(departments::archived_at.is_null())
        .filter(
            departments::valid_to_on
                .is_null()
                .or(departments::valid_to_on.ge(Some(scope.today))),
        )
        .order((departments::organization_id, departments::code))
        .select((
            departments::id,
            departments::organization_id,
            departments::parent_id,
            departments::name,
        ))
        .load(scope.conn)?;
    Ok(grown(rows))
}

/// The same from its rows. Whoever hangs below nothing that is there stands at the top.
fn grown(rows: Vec<Row>) -> Vec<Branch> {
    let known: BTreeSet<String> = rows.iter().map(|(id, ..)| id.clone()).collect();
    let mut below: BTreeMap<Option<String>, Vec<Branch>> = BTreeMap::new();
    for (id, organization_id, above, name) in rows {
        let above = above.filter(|above| known.contains(above));
        let branch = Branch {
            id,
            organization_id,
            name,
            depth: 0,
        };
        below.entry(above).or_default().push(branch);
    }
    let (mut tree, mut waiting) = (vec![], below.remove(&None).unwrap_or_default());
    waiting.reverse();
    while let Some(branch) = waiting.pop() {
        let children = below.remove(&Some(branch.id.clone())).unwrap_or_default();
        let depth = branch.depth + 1;
        waiting.extend(children.into_iter().rev().map(|child| Branch { depth, ..child }));
        tree.push(branch);
    }
    tree
}

/// A department and those below it.
pub(crate) fn with_below(tree: &[Branch], id: &str) -> Vec<String> {
    let Some(at) = tree.iter().position(|branch| branch.id == id) else {
        return vec![id.to_owned()];
    };
    let mut from = tree.iter().skip(at);
    let top = from.next().into_iter();
    let depth = tree.get(at).map_or(0, |branch| branch.depth);
    let under = from.take_while(|branch| branch.depth > depth);
    top.chain(under).map(|branch| branch.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, above: Option<&str>) -> Row {
        (
            id.to_owned(),
            "city".to_owned(),
            above.map(str::to_owned),
            id.to_uppercase(),
        )
    }

    #[test]
    fn each_is_followed_by_those_below_it() {
        let tree = grown(vec![
            row("a", None),
            row("b", None),
            row("a1", Some("a")),
            row("a2", Some("a")),
            row("a11", Some("a1")),
            row("c", Some("gone")),
        ]);
        let shown: Vec<(&str, usize)> = tree.iter().map(|branch| (branch.id.as_str(), branch.depth)).collect();
        assert_eq!(shown, [("a", 0), ("a1", 1), ("a11", 2), ("a2", 1), ("b", 0), ("c", 0)]);
        assert_eq!(with_below(&tree, "a"), ["a", "a1", "a11", "a2"]);
        assert_eq!(with_below(&tree, "a1"), ["a1", "a11"]);
        assert_eq!(with_below(&tree, "b"), ["b"]);
        assert_eq!(with_below(&tree, "x"), ["x"]);
    }
}
