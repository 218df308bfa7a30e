//! The codes of 409: the request is right, and the state of things forbids it. The others are in [`super::request`].

use super::{Code, code};

/// By code.
pub(super) static CODES: &[Code] = &[
    code(
        409,
        "possible_duplicate",
        ["同じ名前の記録があります", "A record of this name exists"],
        [
            "同じ名前の記録があり、鍵では同じものと判断できないため、登録していません。",
            "Records of this name exist and no key tells whether one is the same, so nothing was registered.",
        ],
        [
            "candidates を人が確かめ、同じものなら外部IDか法人番号を加え、別のものなら POST で登録してください。",
            "Let a person look at candidates: add the external id or corporate number to the one that is the same, or register by POST.",
        ],
    ),
    code(
        409,
        "transition_unmet",
        ["条件が揃っていません", "Conditions are unmet"],
        [
            "この状態へ進むための条件が満たされていません。unmet に一つずつあります。",
            "What the transition needs is not there; unmet names each condition.",
        ],
        [
            "unmet の各件を満たしてから、同じ要求をもう一度送ってください。",
            "Meet each of unmet and send the same request again.",
        ],
    ),
    code(
        409,
        "already_closed",
        ["既に完了しています", "Closed already"],
        [
            "期限、是正措置、例外措置、インシデントなどが、もう完了か決定の済んだ状態です。",
            "The obligation, corrective action, exception, incident or the like is closed or decided already.",
        ],
        [
            "読み直してください。さらに必要なことがあれば新しく登録してください。",
            "Read it again; register a new one if more is needed.",
        ],
    ),
    code(
        409,
        "cannot_be_sent_again",
        ["送り直せないメールです", "The message cannot be sent again"],
        [
            "メールは既に受け付けられたか、送信中か、内容の保存期間（30日）が過ぎています。",
            "The message was accepted, is on its way, or is not kept any more (30 days).",
        ],
        [
            "宛先を直して、次の督促を待ってください。受領不明のものは自動で送り直されます。",
            "Correct the address and wait for the next reminder; what is in doubt is sent again by itself.",
        ],
    ),
    code(
        409,
        "already_moved",
        ["引継ぎは既に行われています", "It has moved already"],
        [
            "引継ぎは行われたか終わっており、取り消せません。",
            "The transfer has taken place or is over and cannot be cancelled.",
        ],
        [
            "戻すには逆向きの引継ぎを登録してください。",
            "Make another transfer to take it back.",
        ],
    ),
    code(
        409,
        "already_succeeded",
        ["再編は登録済みです", "Its reorganisation is registered"],
        [
            "この所属の再編（統合、分割、廃止など）はもう登録されています。",
            "A merger, split or closing of the department is registered already.",
        ],
        [
            "変えるには、その日より前に取り消してから登録し直してください。",
            "Cancel it before its day to register another.",
        ],
    ),
    code(
        409,
        "archived",
        ["保管済みです", "Archived"],
        [
            "保管した記録は変更できません。",
            "An archived record is not changed any more.",
        ],
        [
            "また使うもの（標準特記仕様書など）は保管を解き、ほかは新しく登録してください。",
            "Take it up again where that is possible (clause templates), or register a new one.",
        ],
    ),
    code(
        409,
        "audit_reported",
        ["監査は報告済みです", "The audit is reported"],
        [
            "報告した監査に、後から指摘事項を加えられません。",
            "A finding cannot be added to an audit that is reported.",
        ],
        ["先に報告日を取り消してください。", "Clear the day of the report first."],
    ),
    code(
        409,
        "client_revoked",
        ["クライアントは失効しています", "The client is revoked"],
        [
            "失効したクライアントは元に戻せません。",
            "A revoked client does not come back.",
        ],
        ["新しいクライアントを登録してください。", "Register a new client."],
    ),
    code(
        409,
        "contractor_debarred",
        ["指名停止中の事業者です", "The contractor is debarred"],
        [
            "再委託先が指名停止中のため、承認できません。",
            "The subcontractor is debarred, so the subcontract cannot be permitted.",
        ],
        [
            "ほかの事業者にするか、停止の終わりを待ってください。",
            "Name another company or wait for the end of the debarment.",
        ],
    ),
    code(
        409,
        "duplicate",
        ["同じ記録があります", "The same record exists"],
        [
            "一つだけ登録できるものが、もうあります。",
            "There can be one only, and it is there.",
        ],
        ["登録済みの記録を使ってください。", "Use the record that is there."],
    ),
    code(
        409,
        "duplicate_clause_template",
        ["標準特記仕様書は登録済みです", "The template exists"],
        [
            "この機関のこの名前と版の標準特記仕様書はもうあります。",
            "The organization has a template of this name and edition.",
        ],
        [
            "版を変えるか、登録済みのものを使ってください。",
            "Give another edition, or use the one that is there.",
        ],
    ),
    code(
        409,
        "duplicate_code",
        ["所属のコードは使われています", "The code is taken"],
        [
            "この機関に、このコードの所属がもうあります。",
            "The organization has a department with this code.",
        ],
        [
            "登録済みの所属を使うか、ほかのコードにしてください。",
            "Use that department, or another code.",
        ],
    ),
    code(
        409,
        "duplicate_control_number",
        ["管理番号は使われています", "The control number is taken"],
        [
            "この管理番号の台帳がもうあります。",
            "An entry has this control number.",
        ],
        [
            "ほかの番号にするか、番号を付けずに登録してください（自動で付きます）。",
            "Use another one, or none: one is made.",
        ],
    ),
    code(
        409,
        "duplicate_corporate_number",
        ["法人番号は登録済みです", "The corporate number is registered"],
        [
            "この法人番号の事業者がもうあります。",
            "A contractor has this corporate number.",
        ],
        [
            "GET …/contractors/by-corporate-number/{corporate_number} で見つかる事業者を使ってください。",
            "Use the contractor that GET …/contractors/by-corporate-number/{corporate_number} finds.",
        ],
    ),
    code(
        409,
        "duplicate_employee_code",
        ["職員番号は登録済みです", "The employee code is registered"],
        ["この職員番号の人がもうあります。", "A person has this employee code."],
        ["登録済みの人を使ってください。", "Use that person."],
    ),
    code(
        409,
        "duplicate_external_id",
        ["外部IDは使われています", "The external id is taken"],
        [
            "ほかの記録が、この外部システムのこのキーを持っています。",
            "Another record has this key of the other system.",
        ],
        [
            "キーを確かめ、その記録から外すか、その記録を使ってください。",
            "Check the key; take it from that record, or use that record.",
        ],
    ),
    code(
        409,
        "duplicate_key",
        ["機関のキーは使われています", "The key is taken"],
        ["このキーの機関がもうあります。", "An organization has this key."],
        ["ほかのキーにしてください。", "Use another key."],
    ),
    code(
        409,
        "duplicate_platform",
        ["サービスは登録済みです", "The service exists"],
        [
            "この機関のこのソーシャルメディアサービスはもうあります。",
            "The organization has a service on this platform.",
        ],
        ["登録済みのものを使ってください。", "Use the one that is there."],
    ),
    code(
        409,
        "duplicate_self_inspection",
        ["自己点検は登録済みです", "The self-inspection exists"],
        [
            "この機関のこの年度の自己点検はもうあります。",
            "The organization has a self-inspection of this year.",
        ],
        ["それに回答してください。", "Answer that one."],
    ),
    code(
        409,
        "duplicate_social_media_service",
        ["サービスは登録済みです", "The service exists"],
        [
            "この機関のこのソーシャルメディアサービスはもうあります。",
            "The organization has a service of this platform.",
        ],
        ["登録済みのものを使ってください。", "Use the one that is there."],
    ),
    code(
        409,
        "entry_is_over",
        ["台帳は終了しています", "The entry is over"],
        [
            "終了した台帳に、この操作は要りません。",
            "What is over does not need this.",
        ],
        ["読み直してください。", "Read it again."],
    ),
    code(
        409,
        "exception_undecided",
        ["決定を待つ例外措置があります", "An application waits for its decision"],
        [
            "この条項には、まだ決定されていない例外措置があります。",
            "An exception for this clause is applied for and not decided.",
        ],
        ["その決定か取消しを先にしてください。", "Decide or revoke that first."],
    ),
    code(
        409,
        "in_use",
        ["使われています", "In use"],
        [
            "ほかの記録がこれを使っているため、保管できません。",
            "Other records use it, so it cannot be archived.",
        ],
        [
            "detail にある記録を先に終えるか、そこから外してください。",
            "Finish the record in detail, or take this out of it.",
        ],
    ),
    code(
        409,
        "no_such_transition",
        ["今の状態からは進めません", "No such transition"],
        [
            "今の状態から、その遷移はできません。",
            "The transition does not lead from the present status.",
        ],
        [
            "GET …/transitions で、今選べるものを確かめてください。",
            "See GET …/transitions for those that do.",
        ],
    ),
    code(
        409,
        "not_the_new_owner",
        ["引き継ぐ本人ではありません", "Not the new owner"],
        [
            "引継ぎを引き受けるか断るかを決められるのは、引き継ぐ本人と不在代理者だけです。",
            "Only the new owner, or whoever stands in for them, accepts or declines.",
        ],
        [
            "Acting-Person をその人にしてください。",
            "Let that person act (Acting-Person).",
        ],
    ),
    code(
        409,
        "nothing_planned",
        ["予定がありません", "Nothing is planned"],
        [
            "取り消せる予定がありません。行われたものは取り消せません。",
            "There is no plan to cancel; what has taken place cannot be cancelled.",
        ],
        ["読み直してください。", "Read it again."],
    ),
    code(
        409,
        "nothing_to_hand_over",
        ["引き継ぐものがありません", "Nothing to hand over"],
        [
            "引継ぎ元は、引き継ぐものを何も持っていません。",
            "Whoever hands over owns nothing.",
        ],
        [
            "職に就く人の交代は、その職の保持者（holders）で登録してください。",
            "Who holds a post is registered at the post (holders).",
        ],
    ),
    code(
        409,
        "nothing_to_succeed",
        ["次の期間を作れません", "Nothing to succeed"],
        [
            "契約した業務委託だけに、次の期間や後継を作れます。",
            "Only an engagement under contract has a next period or a successor.",
        ],
        ["先に契約の手続をしてください。", "Conclude the contract first."],
    ),
    code(
        409,
        "open_items_remain",
        ["終わっていないものがあります", "Open items remain"],
        [
            "完了していない是正措置、インシデントや手続が残っています。",
            "A corrective action, an incident or a step is not finished.",
        ],
        ["先にそれを終わらせてください。", "Finish it first."],
    ),
    code(
        409,
        "organization_forbidden_action",
        [
            "すべての機関を扱えるクライアントが必要です",
            "A client for all organizations is needed",
        ],
        [
            "このトークンは一部の機関だけを扱えます。この操作は団体全体に関わります。",
            "The token is for some organizations; the operation is about the whole local government.",
        ],
        [
            "すべての機関を扱えるクライアントで行ってください。",
            "Use a client for all organizations.",
        ],
    ),
    code(
        409,
        "parent_not_permitted",
        [
            "上位の再委託が承認されていません",
            "The subcontract above is not permitted",
        ],
        [
            "下の階層だけを先に承認することはできません。",
            "A tier below is not permitted before the one above.",
        ],
        [
            "上位の再委託を先に決定してください。",
            "Decide the subcontract above first.",
        ],
    ),
    code(
        409,
        "person_is_there",
        ["在籍している人です", "The person is still there"],
        [
            "在籍している人の記録は消去できません。",
            "Somebody who is still there cannot be erased.",
        ],
        [
            "left_on に離れた日を入れ、その翌日以後に消去してください。",
            "Set left_on, and erase from the day after it.",
        ],
    ),
    code(
        409,
        "report_not_asked",
        ["この報告は求められていません", "The report is not asked for"],
        [
            "法令がこのインシデントに求める報告ではありません。",
            "The law does not ask for this report about the incident.",
        ],
        ["breach の内容を確かめてください。", "Check `breach`."],
    ),
    code(
        409,
        "restricted_document",
        ["非公開の文書です", "A restricted document"],
        [
            "ファイルは非公開の文書のもので、この API では渡しません。",
            "The file belongs to a restricted document and is not handed out here.",
        ],
        [
            "文書の保管場所と管理者を確かめて、そこで見てください。",
            "See the document for its custodian and place.",
        ],
    ),
    code(
        409,
        "role_required",
        ["決められる職ではありません", "Another role decides"],
        [
            "この決定は、CISO や情報セキュリティ管理者など、決まった職の人だけができます。",
            "Only a person of a certain role decides here: the CISO, or a section's security manager.",
        ],
        [
            "その職の人を Acting-Person にするか、別の場で決めたものとして記録してください。",
            "Let that person act (Acting-Person), or record a decision taken elsewhere.",
        ],
    ),
    code(
        409,
        "self_approval_forbidden",
        ["自分のことは自分で決められません", "Nobody decides their own case"],
        [
            "申請した本人、担当した本人と、その不在代理者は決定できません。",
            "The applicant or owner, and whoever stands in for them, does not decide.",
        ],
        ["別の人が決めてください。", "Another person decides."],
    ),
    code(
        409,
        "snapshot_not_complete",
        ["記録は作成中です", "The snapshot is not complete"],
        [
            "年度の記録はまだ凍結の途中です。",
            "The ledger of the year is still being frozen.",
        ],
        [
            "completed_at が入ってから取得してください。",
            "Fetch it once completed_at is set.",
        ],
    ),
    code(
        409,
        "subcontract_not_permitted",
        ["承認のない再委託があります", "A subcontract is not permitted"],
        [
            "承認のない再委託先が業務を行っています。",
            "Somebody works without a permission.",
        ],
        ["決定するか、終了を記録してください。", "Decide it or record its end."],
    ),
    code(
        409,
        "unanswered_duties",
        ["回答のない義務があります", "Duties are not answered"],
        [
            "自己点検に、回答のない義務が残っています。",
            "The self-inspection has duties without an answer.",
        ],
        ["先に回答してください。", "Answer them first."],
    ),
    code(
        409,
        "verifier_is_supplier",
        ["委託先は自分を確認できません", "A supplier does not verify itself"],
        [
            "確認した人が、委託事業者の連絡先として登録されています。",
            "The person is a contact of the contractor.",
        ],
        [
            "団体の職員が確認してください。",
            "Somebody of the body itself confirms.",
        ],
    ),
    code(
        409,
        "wrong_obligation_kind",
        ["この期限は別の方法で閉じます", "Closed in another way"],
        [
            "この種類の期限は、この操作では閉じられません。",
            "An obligation of this kind is not closed by this operation.",
        ],
        [
            "期限の kind を見て、確認、決定、引受けなど、それに合う操作を使ってください。",
            "See its kind and use the operation for it: a verification, a decision, an acceptance.",
        ],
    ),
    code(
        409,
        "export_not_complete",
        ["出力がまだできていません", "The export is not complete"],
        [
            "ファイルはまだ作られているか、作れませんでした。",
            "The file is still being made, or could not be made.",
        ],
        [
            "GET で status を読み、succeeded になってから取得してください。failed のときは error を直してやり直してください。",
            "Read its status and fetch the file when it is succeeded; when it failed, correct what error names and ask again.",
        ],
    ),
    code(
        409,
        "import_is_over",
        ["取込は終わっています", "The import is over"],
        [
            "終わった取込は取り消せません。",
            "An import that has ended cannot be cancelled.",
        ],
        [
            "書かれたものを戻すには、直したファイルをもう一度取り込んでください。",
            "Import a corrected file to put right what was written.",
        ],
    ),
];
