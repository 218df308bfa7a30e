//! The reasons of an answer: what is wrong with the companies, the entry and the payment, and what can be done about it.

use std::cmp::Reverse;

use chrono::{Datelike, Days, NaiveDate};

use super::super::calendar::fiscal_year_end;
use super::super::vocabulary::{CodeWord, Level, Status};
use super::{EntryState, GateAction, GateInput, GateReason, Lack, ReasonSeverity, ReasonSubject, Remedy, Step};

/// Days within which a proper invoice is paid (同法第6条).
const PAYMENT_DAYS: u64 = 30;

/// The reasons, heaviest first, each kind in a fixed order: the same input gives the same answer.
pub fn reasons(input: &GateInput) -> Vec<GateReason> {
    let mut found = vec![];
    of_contractors(input, &mut found);
    if let Some(entry) = &input.entry {
        of_entry(input, entry, &mut found);
        if input.action == GateAction::Pay {
            of_payment(input, entry, &mut found);
        }
    }
    found.sort_by_key(|reason| Reverse(reason.severity));
    found
}

fn reason(
    code: &str,
    severity: ReasonSeverity,
    subject: (ReasonSubject, &str),
    on: Option<NaiveDate>,
    ja: impl Into<String>,
    en: impl Into<String>,
) -> GateReason {
    GateReason {
        code: code.to_owned(),
        severity,
        message: ja.into(),
        message_en: en.into(),
        subject_type: subject.0,
        subject_id: Some(subject.1.to_owned()),
        on,
        clause_key: None,
        exception_id: None,
        remedy: None,
    }
}

impl GateReason {
    fn remedy(mut self, action: &str, href: String) -> Self {
        self.remedy = Some(Remedy {
            action: action.to_owned(),
            href,
        });
        self
    }
}

/// How heavy it is that a company must not be chosen: it is too late for what was begun, and nothing for a payment.
const fn against_company(action: GateAction) -> ReasonSeverity {
    match action {
        GateAction::Invite
        | GateAction::Sign
        | GateAction::Renew
        | GateAction::ApproveSubcontract
        | GateAction::AdoptCloud => ReasonSeverity::Block,
        GateAction::Amend | GateAction::Start | GateAction::PublishAccount | GateAction::Pay => ReasonSeverity::Warn,
    }
}

fn of_contractors(input: &GateInput, found: &mut Vec<GateReason>) {
    if input.contractor_unknown {
        let (ja, en) = (
            "この事業者は台帳に登録されていません。登録してから判定してください。",
            "The contractor is not in the register; register it first.",
        );
        let about = (ReasonSubject::Contractor, "");
        let one = reason("contractor_not_registered", ReasonSeverity::Warn, about, None, ja, en);
        let href = "/api/v1/contractors".to_owned();
        found.push(GateReason {
            subject_id: None,
            ..one.remedy("register_contractor", href)
        });
    }
    let heavy = against_company(input.action);
    for (above, contractor) in input.contractors.iter().enumerate() {
        let about = (ReasonSubject::Contractor, contractor.id.as_str());
        let (whose, whose_en) = if above == 0 {
            ("この事業者", "The contractor")
        } else {
            ("親会社", "A company above the contractor")
        };
        let name = &contractor.name;
        let href = || format!("/api/v1/contractors/{}", contractor.id);
        let mut add = |code: &str, on, ja: &str, en: &str| {
            let (ja, en) = (format!("{whose}（{name}）{ja}"), format!("{whose_en} ({name}) {en}"));
            found.push(reason(code, heavy, about, on, ja, en).remedy("look_at_contractor", href()));
        };
        if let Some(from) = contractor.debarred_from_on {
            add(
                "debarred",
                Some(from),
                "は指名停止中です。",
                "is excluded from bidding.",
            );
        }
        if contractor.suspended {
            add(
                "contractor_suspended",
                None,
                "は取引を停止しています。",
                "is suspended.",
            );
        }
        if contractor.archived {
            add(
                "contractor_archived",
                None,
                "は台帳から外されています。",
                "was put away.",
            );
        }
        if above == 0 && !contractor.identified && input.action != GateAction::Pay {
            let (ja, en) = (
                format!("{whose}（{name}）の法人番号が登録されていません。"),
                format!("{whose_en} ({name}) has no corporate number."),
            );
            let one = reason("corporate_number_missing", ReasonSeverity::Warn, about, None, ja, en);
            found.push(one.remedy("record_corporate_number", href()));
        }
    }
}

fn of_entry(input: &GateInput, entry: &EntryState, found: &mut Vec<GateReason>) {
    use ReasonSeverity::{Block, Warn};
    let (action, about) = (input.action, (ReasonSubject::Entry, entry.id.as_str()));
    // A payment is owed for what was done; whatever else is wrong is said and stops nothing.
    let heavy = |severity: ReasonSeverity| if action == GateAction::Pay { Warn } else { severity };
    let href = |path: &str| format!("/api/v1/entries/{}{path}", entry.id);
    let commits = matches!(
        action,
        GateAction::Sign | GateAction::Renew | GateAction::Start | GateAction::PublishAccount | GateAction::AdoptCloud
    );
    if entry.archived || entry.status.is_final() {
        let (ja, en) = ("この台帳は終了しています。", "The entry is over.");
        found.push(reason("entry_closed", heavy(Block), about, None, ja, en));
    }
    if entry.status == Status::Suspended && action != GateAction::Invite {
        let (ja, en) = (
            "停止中です。再開してから進めてください。",
            "It is suspended; resume it first.",
        );
        found.push(reason("entry_suspended", heavy(Block), about, None, ja, en).remedy("resume", href("/transitions")));
    }
    if entry.step == Step::Before {
        let (ja, en) = ("その前の手続が済んでいません。", "An earlier step has not been taken.");
        let one = reason("earlier_step_missing", heavy(Block), about, None, ja, en);
        found.push(one.remedy("look_at_transitions", href("/transitions")));
    }
    for lack in &entry.lacks {
        // What is behind was approved then; what the contract lacks it still lacks.
        let severity = match (entry.step, &lack.clause_key) {
            (Step::After, None) => continue,
            (Step::After, Some(_)) => Warn,
            (Step::Before | Step::At, _) => heavy(Block),
        };
        found.push(of_lack(lack, severity, entry));
    }
    for exception in &entry.exceptions {
        let (ja, en) = (
            format!("例外措置により条項「{}」を猶予しています。", exception.clause_key),
            format!("An exception stands in for the clause {}.", exception.clause_key),
        );
        found.push(GateReason {
            clause_key: Some(exception.clause_key.clone()),
            exception_id: Some(exception.id.clone()),
            ..reason(
                "exception_in_effect",
                ReasonSeverity::Info,
                about,
                Some(exception.expires_on),
                ja,
                en,
            )
        });
    }
    if entry.unpermitted_subcontracts && matches!(action, GateAction::ApproveSubcontract | GateAction::Pay) {
        let (ja, en) = (
            "承認のない再委託があります。",
            "A subcontract is at work without a permission.",
        );
        let one = reason("subcontract_unapproved", heavy(Block), about, None, ja, en);
        found.push(one.remedy(
            "decide_subcontract",
            format!("/api/v1/subcontracts?engagement_id={}", entry.id),
        ));
    }
    if entry.owner_missing {
        let severity = heavy(if commits { Block } else { Warn });
        let (ja, en) = ("責任者が不在です。", "Nobody is responsible.");
        found.push(reason("owner_missing", severity, about, None, ja, en).remedy("name_owner", href("")));
    }
    if action != GateAction::Invite && entry.residual_level >= Level::High {
        let severity = heavy(if commits && entry.residual_level == Level::Critical {
            Block
        } else {
            Warn
        });
        let (level, en) = (entry.residual_level, entry.residual_level.code());
        let (ja, en) = (
            format!("残留リスクが「{}」です。", level.ja()),
            format!("The residual risk is {en}."),
        );
        found.push(reason("risk_above_appetite", severity, about, None, ja, en).remedy("lower_risk", href("/risk")));
    }
    if entry.incident_open {
        let severity = heavy(if commits && entry.major_incident_open {
            Block
        } else {
            Warn
        });
        let (ja, en) = ("終わっていないインシデントがあります。", "An incident is open.");
        let one = reason("incident_open", severity, about, None, ja, en);
        found.push(one.remedy("close_incident", format!("/api/v1/incidents?entry_id={}", entry.id)));
    }
    if let Some(since) = entry.corrective_action_late_since {
        let (ja, en) = ("期限を過ぎた是正措置があります。", "A corrective action is late.");
        let one = reason("corrective_action_overdue", Warn, about, Some(since), ja, en);
        found.push(one.remedy(
            "close_action",
            format!("/api/v1/corrective-actions?entry_id={}", entry.id),
        ));
    }
    if let Some(since) = entry.verification_late_since {
        let (ja, en) = ("再確認の期限を過ぎています。", "A confirmation is late.");
        let one = reason("verification_overdue", Warn, about, Some(since), ja, en);
        found.push(one.remedy(
            "verify",
            format!("/api/v1/obligations?entry_id={}&kind=reverification", entry.id),
        ));
    }
    if let Some(on) = entry.approval_lapsed_on {
        let (ja, en) = ("利用承認の期限を過ぎています。", "The approval of its use has lapsed.");
        found.push(
            reason("approval_lapsed", Warn, about, Some(on), ja, en).remedy("renew_approval", href("/transitions")),
        );
    }
    let over = entry.contract_ends_on.filter(|end| *end < input.as_of_on);
    if let (Some(end), GateAction::Amend | GateAction::Start | GateAction::ApproveSubcontract) = (over, action) {
        let (ja, en) = ("契約期間が終わっています。", "The contract period is over.");
        found.push(reason("contract_expired", Block, about, Some(end), ja, en).remedy("renew", href("/successors")));
    }
}

fn of_lack(lack: &Lack, severity: ReasonSeverity, entry: &EntryState) -> GateReason {
    let href = |path: &str| format!("/api/v1/entries/{}{path}", entry.id);
    let (code, remedy, path) = match (lack.code.as_str(), lack.item.as_deref()) {
        ("clause_below_gate" | "clause_not_reverified" | "clause_not_reagreed", _) => {
            let key = lack.clause_key.as_deref().unwrap_or_default();
            ("clause_missing", "record_clause", format!("/clauses/{key}"))
        }
        ("approval_missing" | "confirmation_missing", _) => {
            ("approval_missing", "get_approval", "/approvals".to_owned())
        }
        (_, Some("owner_set" | "deputy_set")) => ("owner_missing", "name_owner", String::new()),
        (_, Some("subcontracts_permitted")) => ("subcontract_unapproved", "decide_subcontract", String::new()),
        ("fact_unknown" | "facts_not_assessed", _) => ("fact_unknown", "record_facts", String::new()),
        (code, _) => (code, "look_at_transitions", "/transitions".to_owned()),
    };
    GateReason {
        clause_key: lack.clause_key.clone(),
        ..reason(
            code,
            severity,
            (ReasonSubject::Entry, &entry.id),
            None,
            &lack.message,
            &lack.message_en,
        )
        .remedy(remedy, href(&path))
    }
}

fn of_payment(input: &GateInput, entry: &EntryState, found: &mut Vec<GateReason>) {
    let about = (ReasonSubject::Entry, entry.id.as_str());
    for held in &entry.withholdings {
        let (ja, en) = (
            format!(
                "契約{}により支払を留保しています（{}）。",
                held.contract_article, held.document_number
            ),
            format!(
                "Payment is withheld under {} ({}).",
                held.contract_article, held.document_number
            ),
        );
        let one = reason(
            "payment_withheld",
            ReasonSeverity::Block,
            about,
            Some(held.notice_on),
            ja,
            en,
        );
        found.push(one.remedy(
            "settle_measure",
            format!("/api/v1/contract-measures?entry_id={}", entry.id),
        ));
    }
    let due = input
        .invoice_received_on
        .and_then(|on| on.checked_add_days(Days::new(PAYMENT_DAYS)));
    let (ja, en) = match due {
        Some(on) => (
            format!("適法な請求書の受理から30日以内、{on}までに支払います。"),
            format!("It is paid within 30 days of a proper invoice, by {on}."),
        ),
        None => (
            "適法な請求書の受理から30日以内に支払います。".to_owned(),
            "It is paid within 30 days of a proper invoice.".to_owned(),
        ),
    };
    found.push(reason(
        "statutory_payment_date",
        ReasonSeverity::Info,
        about,
        due,
        ja,
        en,
    ));
    if let Some(end) = entry.contract_ends_on.filter(|end| *end < input.as_of_on) {
        let year_end = fiscal_year_end(end);
        let last = NaiveDate::from_ymd_opt(year_end.year(), 5, 31).unwrap_or(year_end);
        let open = input.as_of_on <= last;
        let severity = if open {
            ReasonSeverity::Info
        } else {
            ReasonSeverity::Warn
        };
        let (code, ja, en) = if open {
            (
                "payable_after_end",
                format!("終了した期間の履行分は、出納閉鎖の{last}まで支払えます。"),
                format!("What was done within the period is payable until the accounts close on {last}."),
            )
        } else {
            (
                "accounts_closed",
                format!("終了した期間の出納は{last}に閉鎖しました。過年度支出として扱ってください。"),
                format!("The accounts of the period closed on {last}; pay it as an expense of a past year."),
            )
        };
        found.push(reason(code, severity, about, Some(last), ja, en));
    }
}
