//! The columns of contractors.

use super::{Cell, Column, Target, Words, reference};

/// The words of [`crate::contractors`]' status.
fn statuses() -> Words {
    vec![("active", "有効"), ("suspended", "停止"), ("debarred", "指名停止")]
}

pub(super) fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::new("id", "ID", "Id", Cell::Code).shown(),
        Column::new("name", "事業者名", "Name", Cell::Text).aliases(&[
            "事業者名称",
            "委託事業者名",
            "業者名",
            "会社名",
            "商号",
            "商号又は名称",
            "受託者名",
            "名称",
        ]),
        Column::new("name_kana", "事業者名カナ", "Name in kana", Cell::Text).aliases(&[
            "カナ",
            "フリガナ",
            "商号カナ",
            "業者名カナ",
        ]),
        Column::new("legal_form", "法人格", "Legal form", Cell::Text).aliases(&["法人種別", "組織形態"]),
        Column::new("corporate_number", "法人番号", "Corporate number", Cell::Code)
            .aliases(&["法人番号13桁", "法人番号（13桁）"]),
        Column::new(
            "invoice_registration_number",
            "適格請求書発行事業者登録番号",
            "Invoice registration number",
            Cell::Code,
        )
        .aliases(&[
            "登録番号",
            "インボイス登録番号",
            "インボイス番号",
            "適格請求書発行事業者番号",
        ]),
        Column::new("country", "国コード", "Country", Cell::Code).aliases(&["国", "所在国"]),
        Column::new("prefecture_code", "都道府県コード", "Prefecture code", Cell::Code),
        Column::new("address", "所在地", "Address", Cell::Text).aliases(&["住所", "本店所在地", "本社所在地"]),
    ];
    columns.extend(reference(
        Target::Contractor,
        "parent_contractor_id",
        ("parent_corporate_number", "親会社法人番号", "Parent corporate number"),
        ("parent_name", "親会社名", "Parent name"),
    ));
    columns.extend([
        Column::new("status", "状態", "Status", Cell::Word(statuses())).aliases(&["業者状態", "ステータス"]),
        Column::new("debarred_from_on", "指名停止開始日", "Debarred from", Cell::Date).at("debarment.from_on"),
        Column::new("debarred_to_on", "指名停止終了日", "Debarred until", Cell::Date).at("debarment.to_on"),
        Column::new("debarment_reason", "指名停止理由", "Reason of debarment", Cell::Text).at("debarment.reason"),
        Column::new("contact_name", "担当者名", "Contact", Cell::Text)
            .at("contacts.0.name")
            .at_creation()
            .aliases(&["連絡先", "連絡先名", "窓口"]),
        Column::new("contact_kind", "連絡先区分", "Contact for", Cell::Text)
            .at("contacts.0.kind")
            .at_creation(),
        Column::new("contact_email", "連絡先メールアドレス", "Contact email", Cell::Text)
            .at("contacts.0.email")
            .at_creation()
            .aliases(&["メールアドレス", "メール", "E-mail"]),
        Column::new("contact_phone", "連絡先電話番号", "Contact phone", Cell::Text)
            .at("contacts.0.phone")
            .at_creation()
            .aliases(&["電話番号", "電話", "TEL"]),
        Column::new("certifications", "認証", "Certifications", Cell::Codes)
            .at("certifications.*.scheme")
            .shown(),
        Column::new("note", "備考", "Note", Cell::Text).aliases(&["メモ", "摘要"]),
        Column::new("created_at", "登録日時", "Registered", Cell::Time).shown(),
        Column::new("updated_at", "更新日時", "Changed", Cell::Time).shown(),
        Column::new("archived_at", "保管日時", "Archived", Cell::Time).shown(),
    ]);
    columns
}
