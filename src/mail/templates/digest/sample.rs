//! Sample reminders, one per state, for snapshots and `kakunin mail preview`.

use super::{
    AddressedAs, Counterpart, Digest, Escalation, Item, Kind, LastVerified, Level, Link, NaiveDate, ObligationKind,
    Recipient, RiskLine, Role, Section, Takeover,
};

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn item() -> Item {
    Item {
        obligation: ObligationKind::Reverification,
        detail: None,
        due_on: day(2027, 3, 31),
        control_number: "EN-2026-0012".to_owned(),
        kind: Some(Kind::ContractorEngagement),
        kind_label: "業務委託".to_owned(),
        name: "基幹システム運用保守".to_owned(),
        counterpart: Some(Counterpart {
            name: "株式会社見本システムズ".to_owned(),
            corporate_number: Some("1234567890123".to_owned()),
        }),
        section: "総務課".to_owned(),
        takeover: None,
        owner: Some("見本 花子".to_owned()),
        deputy: Some("代理 次郎".to_owned()),
        clauses: vec!["リモート接続の許可と記録".to_owned()],
        last_verified: Some(LastVerified {
            on: day(2026, 9, 30),
            by: Some("見本 花子".to_owned()),
        }),
        evidence: vec!["接続許可書".to_owned(), "接続記録の抜粋".to_owned()],
        risk: Some(RiskLine {
            level: Level::Moderate,
            reason: Some("再確認の期限が近い条項が1件".to_owned()),
        }),
        addressed_as: AddressedAs::Owner,
        next_escalation: Some(Escalation {
            on: day(2027, 4, 7),
            to: vec![Role::SectionSecurityManager],
        }),
    }
}

fn several_clauses() -> Item {
    let clauses = [
        "秘密の保持",
        "再委託の制限と事前の承認",
        "作業場所と作業者の届出",
        "情報の持ち出しの禁止",
        "情報の返還と消去の証明",
        "情報セキュリティ事故の報告",
        "情報セキュリティ対策の実施状況の報告",
        "市による監査と立入検査の受入れ",
        "個人情報の取扱いに関する教育",
        "損害賠償",
        "契約の解除",
        "脆弱性への対応",
    ];
    Item {
        control_number: "EN-2026-0031".to_owned(),
        due_on: day(2027, 3, 16),
        name: "子育て世帯向け給付金の申請受付及びコールセンター運営並びに問合せ記録の管理に関する業務".to_owned(),
        clauses: clauses.map(str::to_owned).to_vec(),
        last_verified: None,
        addressed_as: AddressedAs::Superior(Role::SectionSecurityManager),
        next_escalation: Some(Escalation {
            on: day(2027, 3, 30),
            to: vec![Role::DivisionSecurityOfficer],
        }),
        risk: Some(RiskLine {
            level: Level::High,
            reason: Some("確認されていない条項が12件".to_owned()),
        }),
        ..item()
    }
}

fn cloud() -> Item {
    Item {
        obligation: ObligationKind::ApprovalExpiry,
        control_number: "CL-2026-0003".to_owned(),
        due_on: day(2027, 4, 15),
        kind: Some(Kind::CloudService),
        kind_label: "クラウドサービス".to_owned(),
        name: "電子申請サービス".to_owned(),
        clauses: Vec::new(),
        last_verified: None,
        evidence: vec!["利用状況の報告".to_owned()],
        risk: Some(RiskLine {
            level: Level::Low,
            reason: None,
        }),
        addressed_as: AddressedAs::DepartmentMailbox,
        next_escalation: None,
        ..item()
    }
}

fn handover() -> Item {
    Item {
        obligation: ObligationKind::Handover,
        control_number: "SM-2026-0002".to_owned(),
        due_on: day(2027, 4, 1),
        kind: Some(Kind::SocialMediaAccount),
        kind_label: "ソーシャルメディア".to_owned(),
        name: "観光公式アカウント".to_owned(),
        counterpart: None,
        clauses: Vec::new(),
        last_verified: None,
        evidence: vec!["ログイン情報の変更記録".to_owned()],
        section: "商工観光課".to_owned(),
        owner: None,
        risk: None,
        addressed_as: AddressedAs::Deputy,
        next_escalation: Some(Escalation {
            on: day(2027, 4, 15),
            to: vec![Role::SupervisingSecurityOfficer, Role::Ciso],
        }),
        ..item()
    }
}

fn takeover() -> Item {
    let line = |number: &str, name: &str, due_on| (number.to_owned(), name.to_owned(), due_on);
    Item {
        obligation: ObligationKind::Handover,
        control_number: "-".to_owned(),
        due_on: day(2027, 4, 15),
        name: "市長部局".to_owned(),
        counterpart: None,
        takeover: Some(Takeover {
            post: Some("商工観光課長".to_owned()),
            on: day(2027, 4, 1),
            vacant: false,
            count: 12,
            first: vec![
                line("EN-2026-0012", "基幹システム運用保守", Some(day(2027, 4, 28))),
                line("SN-2026-0002", "観光公式アカウント", None),
            ],
        }),
        clauses: Vec::new(),
        last_verified: None,
        evidence: Vec::new(),
        risk: None,
        section: "商工観光課".to_owned(),
        deputy: None,
        next_escalation: None,
        ..item()
    }
}

impl Digest {
    fn of(sections: Vec<(&str, Vec<Item>)>) -> Self {
        Self {
            recipient: Recipient {
                department: Some("総務課".to_owned()),
                name: Some("見本 花子".to_owned()),
            },
            as_of: day(2027, 3, 17),
            sections: sections
                .into_iter()
                .map(|(organization, items)| Section {
                    organization: organization.to_owned(),
                    items,
                })
                .collect(),
            link: Some(Link::sample()),
            contact: "情報政策課　内線0000".to_owned(),
            demo: false,
        }
    }

    /// One item, two weeks ahead.
    pub fn sample() -> Self {
        Self::of(vec![("市長部局", vec![item()])])
    }

    /// One item past its date, to a superior, from a body that says 外部委託, in a demonstration.
    pub fn sample_overdue() -> Self {
        let item = Item {
            kind_label: "外部委託".to_owned(),
            ..several_clauses()
        };
        Self {
            demo: true,
            as_of: day(2027, 3, 23),
            ..Self::of(vec![("市長部局", vec![item])])
        }
    }

    /// A hand-over on transfer.
    pub fn sample_handover() -> Self {
        let recipient = Recipient {
            department: Some("商工観光課".to_owned()),
            name: None,
        };
        Self {
            recipient,
            ..Self::of(vec![("市長部局", vec![handover()])])
        }
    }

    /// What a post hands to its new holder, on the day.
    pub fn sample_takeover() -> Self {
        Self {
            as_of: day(2027, 4, 1),
            link: None,
            ..Self::of(vec![("市長部局", vec![takeover()])])
        }
    }

    /// A term that ends without a successor.
    pub fn sample_term_end() -> Self {
        let mut item = takeover();
        item.due_on = day(2027, 3, 31);
        item.owner = None;
        item.addressed_as = AddressedAs::Deputy;
        if let Some(takeover) = &mut item.takeover {
            takeover.vacant = true;
            takeover.on = day(2027, 3, 31);
        }
        Self {
            link: None,
            ..Self::of(vec![("市長部局", vec![item])])
        }
    }

    /// An exception that ends, without a page to answer on.
    pub fn sample_exception() -> Self {
        let item = Item {
            obligation: ObligationKind::Exception,
            last_verified: None,
            ..item()
        };
        Self {
            link: None,
            ..Self::of(vec![("教育委員会", vec![item])])
        }
    }

    /// Several items of two organizations.
    pub fn sample_several() -> Self {
        Self::of(vec![
            ("市長部局", vec![item(), several_clauses(), handover()]),
            ("教育委員会", vec![cloud()]),
        ])
    }
}
