//! The columns of people and departments.

use super::{Cell, Column, Target, reference, words};
use crate::domain::vocabulary::Role;

pub(super) fn people() -> Vec<Column> {
    let mut columns = vec![
        Column::new("id", "ID", "Id", Cell::Code).shown(),
        Column::new("employee_code", "職員番号", "Employee code", Cell::Code).aliases(&[
            "職員コード",
            "社員番号",
            "職員ID",
        ]),
        Column::new("name", "氏名", "Name", Cell::Text).aliases(&["職員氏名", "職員名", "名前"]),
        Column::new("name_kana", "氏名カナ", "Name in kana", Cell::Text).aliases(&["カナ", "フリガナ", "職員氏名カナ"]),
        Column::new("email", "メールアドレス", "Email", Cell::Text).aliases(&["メール", "E-mail", "電子メール"]),
        Column::new("left_on", "退職日", "Left on", Cell::Date).aliases(&["離職日"]),
    ];
    let place = |column: Column| column.at_creation();
    columns.extend(
        reference(
            Target::Organization,
            "appointments.0.organization_id",
            ("organization", "機関コード", "Organization code"),
            ("organization_name", "機関名", "Organization name"),
        )
        .map(place),
    );
    columns.extend(
        reference(
            Target::Department,
            "appointments.0.department_id",
            ("department", "所属コード", "Department code"),
            ("department_name", "所属名", "Department name"),
        )
        .map(place),
    );
    columns.extend([
        Column::new("appointed_from_on", "配属日", "Appointed from", Cell::Date)
            .at("appointments.0.starts_on")
            .at_creation()
            .aliases(&["所属開始日", "発令日", "異動日"]),
        Column::new("appointed_to_on", "配属終了日", "Appointed until", Cell::Date)
            .at("appointments.0.ends_on")
            .at_creation()
            .aliases(&["所属終了日"]),
        Column::new("roles", "役割", "Roles", Cell::SeveralWords(words::<Role>()))
            .at("roles.*.role")
            .shown(),
        Column::new("created_at", "登録日時", "Registered", Cell::Time).shown(),
        Column::new("updated_at", "更新日時", "Changed", Cell::Time).shown(),
        Column::new("archived_at", "保管日時", "Archived", Cell::Time).shown(),
    ]);
    columns
}

pub(super) fn departments() -> Vec<Column> {
    let mut columns = vec![Column::new("id", "ID", "Id", Cell::Code).shown()];
    columns.extend(
        reference(
            Target::Organization,
            "organization_id",
            ("organization", "機関コード", "Organization code"),
            ("organization_name", "機関名", "Organization name"),
        )
        .map(Column::at_creation),
    );
    columns.extend([
        Column::new("code", "所属コード", "Code", Cell::Code)
            .at_creation()
            .aliases(&["課コード", "組織コード", "部署コード"]),
        Column::new("name", "所属名", "Name", Cell::Text).aliases(&["課名", "部署名", "所属名称", "所管課"]),
        Column::new("name_kana", "所属名カナ", "Name in kana", Cell::Text).aliases(&["カナ", "フリガナ"]),
    ]);
    columns.extend(reference(
        Target::Department,
        "parent_id",
        ("parent", "上位所属コード", "Parent code"),
        ("parent_name", "上位所属名", "Parent name"),
    ));
    columns.extend([
        Column::new("mailbox", "所属メールアドレス", "Mailbox", Cell::Text).aliases(&[
            "メールアドレス",
            "代表メールアドレス",
            "課メールアドレス",
        ]),
        Column::new("valid_from_on", "設置日", "First day", Cell::Date).aliases(&["開始日", "有効開始日"]),
        Column::new("valid_to_on", "廃止日", "Last day", Cell::Date).aliases(&["終了日", "有効終了日"]),
        Column::new("created_at", "登録日時", "Registered", Cell::Time).shown(),
        Column::new("updated_at", "更新日時", "Changed", Cell::Time).shown(),
        Column::new("archived_at", "保管日時", "Archived", Cell::Time).shown(),
    ]);
    columns
}
