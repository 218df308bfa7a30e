//! Documents of a security policy: who may read them, what is held of those that nobody outside may, and whether the
//! basic policy has been published.
//!
//! A body that does not disclose a kind of document (本巣市 個別基準, 鹿児島市議会 対策基準) says so in its profile, and no
//! record of it can say otherwise: of a restricted document only the place and the custodian are held. The basic policy
//! is published without delay when it is adopted or changed (地方自治法第244条の6第2項).

use chrono::NaiveDate;

use super::profile::{DocumentKind, Profile, Visibility};
use super::vocabulary::code_words;

code_words! {
    /// Why a document has to be reviewed.
    ReviewReasonKind {
        AuditFinding = "audit_finding", "監査の指摘";
        Incident = "incident", "インシデント";
        Circumstances = "circumstances", "状況の変化";
    }
}

code_words! {
    /// What a review decided.
    ReviewDecision {
        Keep = "keep", "継続";
        Revise = "revise", "改定";
        Abolish = "abolish", "廃止";
    }
}

/// What is held of a document, as far as the rules look at it.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five things that are there or not, in no order"
)]
pub struct Held {
    /// Its kind.
    pub kind: DocumentKind,
    /// Who may read it.
    pub visibility: Visibility,
    /// There is a file.
    pub has_file: bool,
    /// There is an address.
    pub has_url: bool,
    /// The place is given.
    pub has_place: bool,
    /// The custodian is given.
    pub has_custodian: bool,
    /// It says when it was published.
    pub is_published: bool,
}

/// Something about a document that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentFault {
    /// The field.
    pub field: &'static str,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, in Japanese.
    pub ja: &'static str,
    /// What is wrong, in English.
    pub en: &'static str,
}

/// Who may read a document of this kind here, unless its record is stricter.
pub fn default_visibility(profile: &Profile, kind: DocumentKind) -> Visibility {
    match profile.document(kind) {
        Some(document) => document.visibility,
        None if kind == DocumentKind::BasicPolicy => Visibility::Public,
        None => Visibility::Internal,
    }
}

/// Everything that cannot be held of a document.
pub fn check(profile: &Profile, held: Held) -> Vec<DocumentFault> {
    let mut faults = vec![];
    let restricted = held.visibility == Visibility::Restricted;
    if held.kind == DocumentKind::BasicPolicy && held.visibility != Visibility::Public {
        faults.push(DocumentFault {
            field: "visibility",
            code: "basic_policy_is_public",
            ja: "基本方針は公表するものです（地方自治法第244条の6）。public にしてください。",
            en: "The basic policy is published by law; make it public.",
        });
    } else if default_visibility(profile, held.kind) == Visibility::Restricted && !restricted {
        faults.push(DocumentFault {
            field: "visibility",
            code: "restricted_by_profile",
            ja: "この機関のポリシーでは、この種類の文書は非公開です。restricted にしてください。",
            en: "The organization's policy does not disclose documents of this kind; make it restricted.",
        });
    }
    if restricted {
        for (given, field) in [
            (held.has_file, "file_id"),
            (held.has_url, "url"),
            (held.is_published, "published_on"),
        ] {
            if given {
                faults.push(DocumentFault {
                    field,
                    code: "restricted_document",
                    ja: "非公開の文書の中身は扱いません。保管場所（place）と管理者（custodian）だけを登録してください。",
                    en: "The content of a restricted document is not held; record its place and custodian only.",
                });
            }
        }
        for (given, field) in [(held.has_place, "place"), (held.has_custodian, "custodian")] {
            if !given {
                faults.push(DocumentFault {
                    field,
                    code: "required",
                    ja: "非公開の文書には、保管場所と管理者を入れてください。",
                    en: "A restricted document needs its place and custodian.",
                });
            }
        }
    }
    faults
}

/// Whether the law asks for a publication that has not happened since the last adoption.
pub fn is_publication_missing(
    kind: DocumentKind,
    adopted_on: Option<NaiveDate>,
    published_on: Option<NaiveDate>,
    has_url: bool,
) -> bool {
    let adopted_on = adopted_on.filter(|_| kind == DocumentKind::BasicPolicy);
    adopted_on.is_some_and(|adopted_on| !has_url || published_on.is_none_or(|on| on < adopted_on))
}

#[cfg(test)]
mod tests {
    use super::super::profile;
    use super::*;
    use DocumentKind::{BasicPolicy, ControlStandard, ImplementationProcedure, IndividualStandard};
    use Visibility::{Internal, Public, Restricted};

    fn held(kind: DocumentKind, visibility: Visibility, given: &str) -> Held {
        Held {
            kind,
            visibility,
            has_file: given.contains("file"),
            has_url: given.contains("url"),
            has_place: given.contains("place"),
            has_custodian: given.contains("custodian"),
            is_published: given.contains("published"),
        }
    }

    #[test]
    fn each_body_discloses_what_its_policy_says() {
        let profiles = profile::all().unwrap();
        for (key, expected) in [
            ("motosu", [Public, Internal, Restricted, Restricted]),
            ("kashiwa_election", [Public, Internal, Internal, Restricted]),
            ("kanagawa_coop", [Public, Internal, Internal, Internal]),
            ("miyako", [Public, Internal, Internal, Restricted]),
            ("kagoshima_assembly", [Public, Restricted, Internal, Restricted]),
        ] {
            let profile = profile::find(&profiles, key).unwrap();
            let kinds = [
                BasicPolicy,
                ControlStandard,
                IndividualStandard,
                ImplementationProcedure,
            ];
            assert_eq!(kinds.map(|kind| default_visibility(profile, kind)), expected, "{key}");
        }
    }

    #[test]
    fn of_a_restricted_document_only_its_place_is_held() {
        let profiles = profile::all().unwrap();
        let cases: &[(&str, Held, &[&str])] = &[
            ("motosu", held(BasicPolicy, Public, "file url published"), &[]),
            (
                "motosu",
                held(BasicPolicy, Internal, ""),
                &["visibility basic_policy_is_public"],
            ),
            (
                "motosu",
                held(BasicPolicy, Restricted, "place custodian"),
                &["visibility basic_policy_is_public"],
            ),
            ("motosu", held(ControlStandard, Internal, "file"), &[]),
            ("motosu", held(ControlStandard, Public, "file url"), &[]),
            ("motosu", held(ControlStandard, Restricted, "place custodian"), &[]),
            ("motosu", held(IndividualStandard, Restricted, "place custodian"), &[]),
            (
                "motosu",
                held(IndividualStandard, Internal, "file"),
                &["visibility restricted_by_profile"],
            ),
            (
                "motosu",
                held(IndividualStandard, Restricted, "file url published place"),
                &[
                    "file_id restricted_document",
                    "url restricted_document",
                    "published_on restricted_document",
                    "custodian required",
                ],
            ),
            (
                "kagoshima_assembly",
                held(ControlStandard, Public, "url"),
                &["visibility restricted_by_profile"],
            ),
            ("kanagawa_coop", held(ImplementationProcedure, Public, "url"), &[]),
        ];
        for (key, held, expected) in cases {
            let faults = check(profile::find(&profiles, key).unwrap(), *held);
            let found: Vec<String> = faults
                .iter()
                .map(|fault| format!("{} {}", fault.field, fault.code))
                .collect();
            assert_eq!(&found, expected, "{key} {held:?}");
        }
    }

    #[test]
    fn the_basic_policy_is_published_when_it_is_adopted_or_changed() {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        for (kind, adopted, published, has_url, missing) in [
            (BasicPolicy, "", "", false, false),
            (BasicPolicy, "2027-04-01", "", false, true),
            (BasicPolicy, "2027-04-01", "2027-04-01", false, true),
            (BasicPolicy, "2027-04-01", "2027-04-01", true, false),
            (BasicPolicy, "2027-04-01", "2026-04-01", true, true),
            (ControlStandard, "2027-04-01", "", false, false),
        ] {
            assert_eq!(
                is_publication_missing(kind, day(adopted), day(published), has_url),
                missing,
                "{kind} {adopted} {published}"
            );
        }
    }
}
