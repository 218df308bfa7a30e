//! "Is this account ours?": what somebody typed, held against the accounts of an organization.
//!
//! People type a handle with or without `@`, or copy an address with everything behind it. Only the whole handle or the
//! whole address counts: an account that merely looks alike is exactly what is asked about. Which accounts an
//! organization has is [`crate::social_media_accounts`]'.

use super::vocabulary::Status;

/// An account of the organization, as far as the question needs it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The handle that it shows.
    pub handle: &'a str,
    /// Handles that it had before; somebody else may have them now.
    pub former_handles: &'a [String],
    /// Its address.
    pub url: &'a str,
    /// Its status.
    pub status: Status,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was ours under this handle; whoever has it now is somebody else.
    Former,
    /// It is ours and rests for good.
    Closed,
    /// It is ours, and what it says now is not to be trusted.
    NotTrusted,
    /// It is ours.
    Ours,
}

/// Whether accounts in this status are shown to the public.
pub const fn is_public(status: Status) -> bool {
    matches!(
        status,
        Status::Operating | Status::Dormant | Status::Suspended | Status::Compromised
    )
}

/// The part of an address or handle by which it is compared.
fn bare(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .unwrap_or(&text);
    let text = ["www.", "m.", "mobile."]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    let text = text.split(['?', '#']).next().unwrap_or_default();
    // Twitter was renamed; its addresses still lead to the same account.
    let text = text.trim_end_matches('/').replace("twitter.com/", "x.com/");
    text.trim_start_matches('@').to_owned()
}

/// The answer about one account; `None`: it is another one.
pub fn verdict(asked: &str, known: &Known<'_>) -> Option<Verdict> {
    let asked = bare(asked);
    if asked.is_empty() {
        return None;
    }
    if asked == bare(known.handle) || asked == bare(known.url) {
        return Some(match known.status {
            Status::Operating | Status::Dormant => Verdict::Ours,
            Status::Compromised | Status::Suspended => Verdict::NotTrusted,
            Status::Closing | Status::Closed | Status::Offboarding | Status::Retired => Verdict::Closed,
            // What is not opened yet is nobody's business.
            _ => return None,
        });
    }
    let former = known.former_handles.iter().any(|handle| asked == bare(handle));
    former.then_some(Verdict::Former)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str, status: Status) -> Option<Verdict> {
        let former = ["@motosu_old".to_owned()];
        let known = Known {
            handle: "@motosu_city",
            former_handles: &former,
            url: "https://x.com/motosu_city",
            status,
        };
        verdict(text, &known)
    }

    #[test]
    fn a_handle_or_an_address_is_found_however_it_is_typed() {
        for text in [
            "@motosu_city",
            "motosu_city",
            " Motosu_City ",
            "https://x.com/motosu_city",
            "http://www.x.com/motosu_city/",
            "https://twitter.com/motosu_city?s=20",
            "x.com/motosu_city#top",
        ] {
            assert_eq!(asked(text, Status::Operating), Some(Verdict::Ours), "{text}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_another_one() {
        for text in [
            "",
            "  ",
            "@",
            "motosu",
            "motosu_city_",
            "motosu_c1ty",
            "https://x.com.example/motosu_city",
            "https://x.com/motosu_city/status/1",
        ] {
            assert_eq!(asked(text, Status::Operating), None, "{text}");
        }
    }

    #[test]
    fn the_status_says_what_to_make_of_it() {
        let cases = [
            (Status::Dormant, Some(Verdict::Ours)),
            (Status::Compromised, Some(Verdict::NotTrusted)),
            (Status::Suspended, Some(Verdict::NotTrusted)),
            (Status::Closed, Some(Verdict::Closed)),
            (Status::Draft, None),
            (Status::Rejected, None),
        ];
        for (status, expected) in cases {
            assert_eq!(asked("@motosu_city", status), expected, "{status}");
        }
        assert_eq!(asked("motosu_old", Status::Operating), Some(Verdict::Former));
    }
}
