//! Which evidence can be named where: one rule for clauses, confirmations and templates.
//!
//! A piece belongs to an organization and, if it is about one, to an entry or to a contractor. It can be named on an
//! entry of the same organization when it is that entry's, its contractor's, or the organization's own.

use super::vocabulary::code_words;

code_words! {
    /// Why a piece of evidence cannot be named in a place.
    Inadmissible {
        OtherOrganization = "reference_not_found", "この機関にこのIDの証跡はありません。";
        Archived = "evidence_archived", "保管済みの証跡です。現在の証跡を指定してください。";
        OtherEntry = "evidence_of_another_entry", "ほかの台帳の証跡は使えません。";
        OtherContractor = "evidence_of_another_contractor", "この台帳の事業者の証跡ではありません。";
    }
}

impl Inadmissible {
    /// The same in English.
    pub const fn en(self) -> &'static str {
        match self {
            Self::OtherOrganization => "The organization has no evidence of this id.",
            Self::Archived => "This piece is archived; name the current one.",
            Self::OtherEntry => "It is evidence of another entry.",
            Self::OtherContractor => "It is evidence of a contractor that is not this entry's.",
        }
    }
}

/// What a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'p> {
    /// Its organization.
    pub organization_id: &'p str,
    /// Its entry.
    pub entry_id: Option<&'p str>,
    /// Its contractor; never beside an entry.
    pub contractor_id: Option<&'p str>,
    /// It is kept, but not used any more.
    pub archived: bool,
}

/// Where evidence is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The organization.
    pub organization_id: String,
    /// The entry; none for what belongs to the organization as a whole.
    pub entry_id: Option<String>,
    /// The entry's contractor or provider.
    pub contractor_id: Option<String>,
}

/// Checks that a piece can be named in a place.
///
/// # Errors
/// The first reason against it.
pub fn check(piece: &Piece<'_>, place: &Place) -> Result<(), Inadmissible> {
    if piece.organization_id != place.organization_id {
        Err(Inadmissible::OtherOrganization)
    } else if piece.archived {
        Err(Inadmissible::Archived)
    } else if piece.entry_id.is_some() && piece.entry_id != place.entry_id.as_deref() {
        Err(Inadmissible::OtherEntry)
    } else if piece.contractor_id.is_some() && piece.contractor_id != place.contractor_id.as_deref() {
        Err(Inadmissible::OtherContractor)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Inadmissible::{Archived, OtherContractor, OtherEntry, OtherOrganization};

    #[test]
    fn a_piece_is_named_where_it_belongs() {
        let entry = |contractor: Option<&str>| Place {
            organization_id: "mayor".to_owned(),
            entry_id: Some("e1".to_owned()),
            contractor_id: contractor.map(str::to_owned),
        };
        let (with, without) = (entry(Some("c1")), entry(None));
        let house = Place {
            entry_id: None,
            ..entry(None)
        };
        for (organization_id, entry_id, contractor_id, archived, expected) in [
            ("mayor", None, None, false, [Ok(()), Ok(()), Ok(())]),
            ("mayor", Some("e1"), None, false, [Ok(()), Ok(()), Err(OtherEntry)]),
            ("mayor", Some("e2"), None, false, [Err(OtherEntry); 3]),
            (
                "mayor",
                None,
                Some("c1"),
                false,
                [Ok(()), Err(OtherContractor), Err(OtherContractor)],
            ),
            ("mayor", None, Some("c2"), false, [Err(OtherContractor); 3]),
            ("mayor", Some("e1"), None, true, [Err(Archived); 3]),
            ("assembly", Some("e1"), None, true, [Err(OtherOrganization); 3]),
        ] {
            let piece = Piece {
                organization_id,
                entry_id,
                contractor_id,
                archived,
            };
            let found = [&with, &without, &house].map(|place| check(&piece, place));
            assert_eq!(found, expected, "{piece:?}");
        }
    }
}
