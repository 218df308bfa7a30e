//! The columns of the three kinds of register entry, and of their clauses.

use super::{Cell, Column, Target, Words, reference, words};
use crate::domain::facts::{FactName, FactType};
use crate::domain::vocabulary::{
    CodeWord, FulfilmentStatus, LegalForm, Level, Phase, RequirementLevel, Severity, Status,
};

fn procurement_methods() -> Words {
    vec![
        ("open_bid", "一般競争入札"),
        ("designated_bid", "指名競争入札"),
        ("negotiated", "随意契約"),
        ("proposal", "プロポーザル"),
        ("other", "その他"),
    ]
}

fn service_models() -> Words {
    vec![("saas", "SaaS"), ("paas", "PaaS"), ("iaas", "IaaS")]
}

fn ismap_statuses() -> Words {
    vec![
        ("registered", "登録あり"),
        ("ismap_liu", "ISMAP-LIU登録"),
        ("not_registered", "登録なし"),
        ("unknown", "未確認"),
    ]
}

/// What every kind begins with.
fn head(name_aliases: &'static [&'static str]) -> Vec<Column> {
    let mut columns = vec![
        Column::new("id", "ID", "Id", Cell::Code).shown(),
        Column::new("control_number", "管理番号", "Control number", Cell::Code)
            .at_creation()
            .aliases(&["台帳番号", "整理番号"]),
        Column::new("name", "名称", "Name", Cell::Text).aliases(name_aliases),
        Column::new("name_kana", "名称カナ", "Name in kana", Cell::Text).aliases(&["カナ", "フリガナ"]),
    ];
    columns.extend(
        reference(
            Target::Organization,
            "organization_id",
            ("organization", "機関コード", "Organization code"),
            ("organization_name", "機関名", "Organization name"),
        )
        .map(Column::at_creation),
    );
    columns.extend(reference(
        Target::Organization,
        "contracting_organization_id",
        (
            "contracting_organization",
            "契約機関コード",
            "Contracting organization code",
        ),
        (
            "contracting_organization_name",
            "契約機関名",
            "Contracting organization",
        ),
    ));
    let [code, department] = reference(
        Target::Department,
        "department_id",
        ("department", "所属コード", "Department code"),
        ("department_name", "所管課", "Department name"),
    );
    columns.extend([
        code.aliases(&["課コード", "所管課コード", "部署コード"]),
        department.aliases(&["所属", "所属名", "課名", "担当課", "主管課", "部署名"]),
    ]);
    let [code, person] = reference(
        Target::Person,
        "owner.person_id",
        ("owner_employee_code", "責任者職員番号", "Owner employee code"),
        ("owner_name", "責任者氏名", "Owner name"),
    );
    columns.extend([code, person.aliases(&["責任者", "責任者名", "管理責任者"])]);
    let [_, post] = reference(
        Target::Post,
        "owner.post_id",
        ("owner_post_code", "", ""),
        ("owner_post", "責任者の職", "Owner's post"),
    );
    columns.push(post.aliases(&["責任者職名"]));
    let [code, person] = reference(
        Target::Person,
        "deputy.person_id",
        ("deputy_employee_code", "代理者職員番号", "Deputy employee code"),
        ("deputy_name", "代理者氏名", "Deputy name"),
    );
    columns.extend([code, person.aliases(&["代理者", "副責任者"])]);
    let [_, post] = reference(
        Target::Post,
        "deputy.post_id",
        ("deputy_post_code", "", ""),
        ("deputy_post", "代理者の職", "Deputy's post"),
    );
    columns.push(post);
    columns.extend([
        Column::new("status", "状態", "Status", Cell::Word(words::<Status>()))
            .at_creation()
            .aliases(&["ステータス"]),
        Column::new("phase", "段階", "Phase", Cell::Word(words::<Phase>())).shown(),
        Column::new(
            "registered_as_existing",
            "既存として登録",
            "Registered as existing",
            Cell::Boolean,
        )
        .at_creation()
        .aliases(&["既存"]),
        Column::new("started_on", "開始日", "Started on", Cell::Date)
            .at_creation()
            .aliases(&["利用開始日", "運用開始日", "履行開始日"]),
    ]);
    columns
}

/// The facts that the entry records.
fn facts() -> impl Iterator<Item = Column> {
    FactName::ALL.iter().map(|fact| {
        let cell = match fact.fact_type() {
            FactType::Boolean => Cell::Boolean,
            FactType::Enum | FactType::OrderedEnum => Cell::Word(fact.words()),
            FactType::Set => Cell::SeveralWords(fact.words()),
            FactType::Date => Cell::Date,
            FactType::Integer => Cell::Integer,
        };
        let place = format!("facts.{}", fact.code());
        let aliases: &'static [&'static str] = match fact {
            FactName::Confidentiality => &["機密性"],
            FactName::Integrity => &["完全性"],
            FactName::Availability => &["可用性"],
            FactName::HandlesPersonalInformation => &["個人情報", "個人情報の取扱い", "個人情報を取り扱う"],
            FactName::HandlesSensitivePersonalInformation => &["要配慮個人情報"],
            FactName::HandlesSpecificPersonalInformation => &["特定個人情報", "マイナンバー"],
            FactName::NetworkZones => &["ネットワーク領域"],
            FactName::AudienceSize => &["フォロワー数"],
            _ => &[],
        };
        Column {
            answer: place.clone().into(),
            body: place.into(),
            ..Column::new(fact.code(), fact.ja(), fact.code(), cell).aliases(aliases)
        }
    })
}

/// What every kind ends with.
fn tail() -> impl Iterator<Item = Column> {
    facts().chain([
        Column::new(
            "risk_level",
            "残存リスク",
            "Residual level",
            Cell::Word(words::<Level>()),
        )
        .at("risk.residual_level")
        .shown(),
        Column::new("risk_score", "残存リスク点数", "Residual score", Cell::Hundredths)
            .at("risk.residual_score_x100")
            .shown(),
        Column::new("inherent_tier", "固有リスク区分", "Inherent tier", Cell::Integer)
            .at("risk.inherent_tier")
            .shown(),
        Column::new("next_due_on", "次の期限", "Next due on", Cell::Date).shown(),
        Column::new("note", "備考", "Note", Cell::Text).aliases(&["メモ", "摘要"]),
        Column::new("created_at", "登録日時", "Registered", Cell::Time).shown(),
        Column::new("updated_at", "更新日時", "Changed", Cell::Time).shown(),
        Column::new("archived_at", "保管日時", "Archived", Cell::Time).shown(),
    ])
}

/// A column of the contract's period: the first one is registered with the work, later ones at their own path.
fn period(
    key: &'static str,
    ja: &'static str,
    en: &'static str,
    cell: Cell,
    answer: &'static str,
    body: &'static str,
) -> Column {
    Column::new(key, ja, en, cell).at(answer).body(body).at_creation()
}

pub(super) fn engagements() -> Vec<Column> {
    let mut columns = head(&["件名", "業務名", "契約件名", "委託業務名", "委託件名", "業務委託名"]);
    let [number, name] = reference(
        Target::Contractor,
        "contractor_id",
        (
            "contractor_corporate_number",
            "委託先法人番号",
            "Contractor corporate number",
        ),
        ("contractor_name", "委託先名", "Contractor name"),
    );
    columns.extend([
        number.aliases(&["法人番号", "受託者法人番号", "事業者法人番号"]),
        name.aliases(&[
            "委託先",
            "受託者",
            "受託者名",
            "事業者名",
            "業者名",
            "契約相手方",
            "契約の相手方",
        ]),
        Column::new(
            "legal_form",
            "契約の形式",
            "Legal form",
            Cell::Word(words::<LegalForm>()),
        )
        .aliases(&["契約種別"]),
        Column::new(
            "procurement_method",
            "契約方法",
            "Procurement method",
            Cell::Word(procurement_methods()),
        )
        .aliases(&["調達方法", "契約方式", "入札方式"]),
        period(
            "contract_number",
            "契約番号",
            "Contract number",
            Cell::Code,
            "current_period.contract_number",
            "period.contract_number",
        )
        .aliases(&["契約No", "契約書番号"]),
        period(
            "period_starts_on",
            "契約開始日",
            "Period from",
            Cell::Date,
            "current_period.starts_on",
            "period.starts_on",
        )
        .aliases(&["契約期間開始", "契約期間（自）", "履行期間（自）", "委託開始日"]),
        period(
            "period_ends_on",
            "契約終了日",
            "Period until",
            Cell::Date,
            "current_period.ends_on",
            "period.ends_on",
        )
        .aliases(&[
            "契約期間終了",
            "契約期間（至）",
            "履行期間（至）",
            "満了日",
            "契約満了日",
        ]),
        period(
            "notice_deadline_on",
            "更新・解約の通知期限",
            "Notice deadline",
            Cell::Date,
            "current_period.notice_deadline_on",
            "period.notice_deadline_on",
        )
        .aliases(&["通知期限"]),
        period(
            "amount_jpy",
            "契約金額（円）",
            "Amount (JPY)",
            Cell::Integer,
            "current_period.amount_jpy",
            "period.amount_jpy",
        )
        .aliases(&["契約金額", "委託料", "契約額"]),
        period(
            "auto_renewal",
            "自動更新",
            "Goes on by itself",
            Cell::Boolean,
            "current_period.auto_renewal",
            "period.auto_renewal",
        ),
        Column::new(
            "subcontract_list_confirmed_on",
            "再委託一覧の確認日",
            "Subcontract list confirmed on",
            Cell::Date,
        )
        .shown(),
    ]);
    columns.extend(tail());
    columns
}

pub(super) fn cloud_services() -> Vec<Column> {
    let mut columns = head(&["サービス名", "クラウドサービス名", "利用サービス名"]);
    let [number, name] = reference(
        Target::Contractor,
        "provider_contractor_id",
        (
            "provider_corporate_number",
            "提供者法人番号",
            "Provider corporate number",
        ),
        ("provider_name", "提供者名", "Provider name"),
    );
    columns.extend([
        number.aliases(&["法人番号", "提供事業者法人番号"]),
        name.aliases(&["提供者", "提供事業者", "事業者名", "提供会社"]),
        Column::new(
            "service_model",
            "サービスの形態",
            "Service model",
            Cell::Word(service_models()),
        )
        .aliases(&["形態", "サービスモデル"]),
        Column::new("plan", "プラン", "Plan", Cell::Text).aliases(&["契約プラン"]),
        Column::new("purpose", "利用目的", "Purpose", Cell::Text).aliases(&["目的", "用途"]),
        Column::new("users", "利用者", "Users", Cell::Text).aliases(&["利用範囲", "利用者の範囲"]),
        Column::new("data_countries", "データの保存国", "Data countries", Cell::Codes).aliases(&[
            "保存国",
            "データ保存場所",
            "データセンター所在国",
        ]),
        Column::new("terms_url", "利用規約URL", "Terms of use", Cell::Text).aliases(&["規約URL", "約款URL"]),
        Column::new("terms_checked_on", "規約確認日", "Terms checked on", Cell::Date).aliases(&["利用規約確認日"]),
        Column::new(
            "approval_valid_until_on",
            "利用承認の期限",
            "Approval valid until",
            Cell::Date,
        )
        .aliases(&["承認期限", "利用承認期限", "承認有効期限"]),
        Column::new("approval_lapsed", "承認切れ", "Approval lapsed", Cell::Boolean).shown(),
        Column::new("ismap_status", "ISMAP登録", "ISMAP", Cell::Word(ismap_statuses())).aliases(&["ISMAP"]),
    ]);
    columns.extend(tail());
    columns
}

pub(super) fn social_media_accounts() -> Vec<Column> {
    let mut columns = head(&["アカウントの名称", "表示名"]);
    let [platform, _] = reference(
        Target::SocialMediaService,
        "social_media_service_id",
        ("platform", "サービス", "Platform"),
        ("platform_name", "", ""),
    );
    columns.extend([
        platform
            .at_creation()
            .aliases(&["媒体", "SNS", "SNS種別", "プラットフォーム", "サービス名"]),
        Column::new("handle", "アカウント名", "Handle", Cell::Text).aliases(&[
            "アカウント",
            "アカウントID",
            "ハンドル",
            "ユーザー名",
        ]),
        Column::new("url", "URL", "Address", Cell::Text).aliases(&["アドレス", "アカウントURL"]),
        Column::new(
            "platform_account_id",
            "サービス上の固有ID",
            "Platform account id",
            Cell::Code,
        ),
        Column::new("purpose", "運用目的", "Purpose", Cell::Text).aliases(&["目的", "開設目的"]),
        Column::new("audience", "対象者", "Audience", Cell::Text).aliases(&["対象"]),
        Column::new("content", "発信内容", "Content", Cell::Text).aliases(&["投稿内容"]),
        Column::new("posters", "投稿者", "Posters", Cell::Text).aliases(&["運用者", "運用担当"]),
        Column::new("hours", "対応時間", "Hours", Cell::Text).aliases(&["運用時間"]),
        Column::new("verified_badge", "認証バッジ", "Verified badge", Cell::Boolean),
        Column::new(
            "listed_on_official_site",
            "公式サイトに掲載",
            "Listed on the official site",
            Cell::Boolean,
        )
        .aliases(&["公式サイト掲載"]),
    ]);
    let [number, _] = reference(
        Target::Entry,
        "delegated_engagement_id",
        ("delegated_engagement", "運用委託の管理番号", "Delegated engagement"),
        ("delegated_engagement_name", "", ""),
    );
    columns.push(number);
    columns.extend([
        Column::new("last_post_on", "最終投稿日", "Last post on", Cell::Date),
        Column::new(
            "takes_applications",
            "申請・相談を受ける",
            "Takes applications",
            Cell::Boolean,
        ),
    ]);
    let [number, _] = reference(
        Target::Entry,
        "data_path_entry_id",
        ("data_path_entry", "申請経路の管理番号", "Data path"),
        ("data_path_entry_name", "", ""),
    );
    columns.push(number);
    columns.push(Column::new("looks_dormant", "休眠の疑い", "Looks dormant", Cell::Boolean).shown());
    columns.extend(tail());
    columns
}

pub(super) fn clause_statuses() -> Vec<Column> {
    let [number, name] = reference(
        Target::Entry,
        "entry_id",
        ("control_number", "管理番号", "Control number"),
        ("entry_name", "台帳の名称", "Entry name"),
    );
    let mut columns = vec![
        number.aliases(&["台帳番号", "整理番号"]),
        name.shown(),
        Column::new("clause_key", "条項キー", "Clause", Cell::Code).aliases(&["条項コード"]),
        Column::new("title", "条項名", "Title", Cell::Text).shown(),
        Column::new("required", "必要", "Required", Cell::Boolean).shown(),
        Column::new(
            "requirement_level",
            "必須・推奨",
            "Requirement level",
            Cell::Word(words::<RequirementLevel>()),
        )
        .shown(),
        Column::new("severity", "重要度", "Severity", Cell::Word(words::<Severity>())).shown(),
        Column::new("status", "状況", "Status", Cell::Word(words::<FulfilmentStatus>())).shown(),
        Column::new("days_overdue", "超過日数", "Days overdue", Cell::Integer).shown(),
        Column::new("declared", "申告", "Declared", Cell::Boolean).aliases(&["申告済み"]),
        Column::new("agreed", "契約で合意", "Agreed", Cell::Boolean)
            .body("agreed")
            .aliases(&["合意"]),
        Column::new("agreed_article", "条番号", "Article", Cell::Text)
            .at("agreement.article")
            .body("agreed.article")
            .aliases(&["契約条項番号", "条項番号"]),
        Column::new("agreed_quotation", "契約の文言", "Quotation", Cell::Text)
            .at("agreement.quotation")
            .body("agreed.quotation"),
        Column::new("agreed_on", "合意日", "Agreed on", Cell::Date)
            .at("agreement.agreed_on")
            .body("agreed.agreed_on"),
        Column::new("verified_on", "確認日", "Verified on", Cell::Date).aliases(&["最終確認日"]),
    ];
    columns.extend(reference(
        Target::Person,
        "verified_by_person_id",
        (
            "verified_by_employee_code",
            "確認者職員番号",
            "Verified by employee code",
        ),
        ("verified_by_name", "確認者氏名", "Verified by name"),
    ));
    columns.extend([
        Column::new(
            "not_applicable_reason",
            "適用外の理由",
            "Reason of inapplicability",
            Cell::Text,
        ),
        Column::new("note", "備考", "Note", Cell::Text).aliases(&["メモ", "摘要"]),
    ]);
    columns
}
