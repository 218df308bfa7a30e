//! What each answer says to people: title and what to do next, in Japanese and English.

use super::{ApiError, Lang};
use crate::health::Unready;

impl ApiError {
    pub(super) fn texts(&self, lang: Lang) -> (String, String) {
        let fixed =
            |tj: &str, te: &str, dj: &str, de: &str| (lang.pick(tj, te).to_owned(), lang.pick(dj, de).to_owned());
        match self {
            Self::MalformedJson(why) => (
                lang.pick("本文がJSONとして読めません", "The body is not JSON")
                    .to_owned(),
                lang.pick(
                    format!("JSONの書き方を直してください（{why}）。"),
                    format!("Correct the JSON ({why})."),
                ),
            ),
            Self::MalformedMultipart(why) => (
                lang.pick("本文がフォームとして読めません", "The body is not a form")
                    .to_owned(),
                lang.pick(
                    format!("multipart/form-data の書き方を直し、終わりまで送ってください（{why}）。"),
                    format!("Correct the multipart/form-data and send it to its end ({why})."),
                ),
            ),
            Self::UnknownParameter(name) => (
                lang.pick("知らないパラメーターです", "Unknown parameter").to_owned(),
                lang.pick(
                    format!("{name} はこの操作にありません。綴りを確かめてください。"),
                    format!("This operation has no parameter {name}; check the spelling."),
                ),
            ),
            Self::InvalidParameter { name, ja, en } => (
                lang.pick("パラメーターの値が正しくありません", "Invalid parameter")
                    .to_owned(),
                lang.pick(format!("{name}: {ja}"), format!("{name}: {en}")),
            ),
            Self::InvalidCursor => fixed(
                "カーソルが正しくありません",
                "Invalid cursor",
                "一覧を最初から読み直してください。絞り込みを変えたときは cursor を付けずに始めます。",
                "Read the list from the start; after a change of filters begin without cursor.",
            ),
            Self::IdempotencyKeyRequired => fixed(
                "Idempotency-Key が必要です",
                "Idempotency-Key required",
                "この操作には Idempotency-Key（UUID など）を付け、再送のときは同じキーを使ってください。",
                "Send this operation with an Idempotency-Key, such as a UUID, and the same one when you send it again.",
            ),
            Self::InvalidIdempotencyKey => fixed(
                "Idempotency-Key が正しくありません",
                "Invalid Idempotency-Key",
                "見える ASCII 文字1から255字（UUID など）を一つだけ付けてください。",
                "Send one key of 1 to 255 visible ASCII characters, such as a UUID.",
            ),
            Self::MissingToken => fixed(
                "トークンがありません",
                "No token",
                "Authorization: Bearer にアクセストークンを付けてください。",
                "Send an access token as Authorization: Bearer.",
            ),
            Self::InvalidToken(_) => fixed(
                "トークンが正しくありません",
                "Invalid token",
                "/oauth/token で新しいトークンを取得してください。",
                "Obtain a new token at /oauth/token.",
            ),
            Self::ExpiredToken => fixed(
                "トークンの期限が切れています",
                "The token has expired",
                "/oauth/token で新しいトークンを取得してください。",
                "Obtain a new token at /oauth/token.",
            ),
            Self::SignInRequired(_) => fixed(
                "サインインしてください",
                "Sign in first",
                "この画面を開くには、サインインが必要です。",
                "This page is for people who are signed in.",
            ),
            Self::ForeignForm => fixed(
                "別のサイトから送られたフォームです",
                "The form came from another site",
                "何も行っていません。このサイトのページを開き直して、そこから送信してください。",
                "Nothing was done. Open the page on this site again and send the form from there.",
            ),
            Self::InsufficientScope(scope) => (
                lang.pick("権限が足りません", "Insufficient scope").to_owned(),
                lang.pick(
                    format!("この操作にはスコープ {scope} が必要です。管理者に依頼してください。"),
                    format!("This operation needs the scope {scope}; ask your administrator."),
                ),
            ),
            Self::NotFound => fixed(
                "見つかりません",
                "Not found",
                "記録がないか、このトークンで扱える機関の記録ではありません。",
                "There is no such record among the organizations of this token.",
            ),
            Self::RouteNotFound => fixed(
                "このパスはありません",
                "No such path",
                "/openapi.json にある操作を使ってください。",
                "Use an operation of /openapi.json.",
            ),
            Self::MethodNotAllowed(allow) => (
                lang.pick("このメソッドは使えません", "Method not allowed").to_owned(),
                lang.pick(format!("使えるメソッド: {allow}"), format!("Allowed: {allow}")),
            ),
            Self::NotAcceptable => fixed(
                "返せる形式がありません",
                "Not acceptable",
                "Accept に application/json を含めてください。",
                "Accept application/json.",
            ),
            Self::Timeout => fixed(
                "時間内に終わりませんでした",
                "Request timeout",
                "本文を続けて送り、もう一度試してください。",
                "Send the body without pause and try again.",
            ),
            Self::Conflict { ja, en, .. } => (
                lang.pick("今の状態ではできません", "Conflict").to_owned(),
                lang.pick(ja.clone(), en.clone()),
            ),
            Self::PossibleDuplicate(_) => fixed(
                "同じ名前の記録があります",
                "A record of this name exists",
                "candidates のどれかと同じなら、その記録に外部IDか法人番号を加えてください。別のものなら POST で登録してください。",
                "If one of candidates is the same, add the external id or corporate number to it; if none is, register it by POST.",
            ),
            Self::TransitionUnmet(unmet) => (
                lang.pick("条件が揃っていません", "Conditions are unmet").to_owned(),
                lang.pick(
                    format!("unmet の{}件を満たしてからやり直してください。", unmet.len()),
                    format!("Meet the {} condition(s) in unmet first.", unmet.len()),
                ),
            ),
            Self::LinkOver(over) if over.revoked => fixed(
                "このリンクは使えません",
                "This link is over",
                "お願いしていた項目の担当が替わったか、宛先の方が異動・退職したため、このリンクは使えなくなりました。",
                "What it asked about is somebody else's now, or its reader has left.",
            ),
            Self::LinkOver(_) => fixed(
                "このリンクは使えません",
                "This link is over",
                "期限を過ぎたため、このリンクは使えなくなりました。新しいお知らせのメールのリンクを使ってください。",
                "Its time is over. Use the link of a newer mail.",
            ),
            Self::CursorExpired(_) => fixed(
                "カーソルの期限が切れています",
                "The cursor has expired",
                "cursor を付けずに最初から読み直し、写しを置き換えてください。",
                "Read again from the start, without cursor, and replace your copy.",
            ),
            Self::StaleVersion { .. } => fixed(
                "ほかの更新が先に行われています",
                "Changed in the meantime",
                "読み直して、新しい ETag を If-Match に付けてやり直してください。",
                "Read again and repeat with the new ETag in If-Match.",
            ),
            Self::AlreadyExists { .. } => fixed(
                "すでに登録されています",
                "It exists already",
                "変更するときは If-None-Match を付けずに送ってください。",
                "Send it without If-None-Match to change it.",
            ),
            Self::PayloadTooLarge(limit) => (
                lang.pick("本文が大きすぎます", "Payload too large").to_owned(),
                lang.pick(
                    format!("{limit} までです。分けて送ってください。"),
                    format!("The limit is {limit}; send it in parts."),
                ),
            ),
            Self::UnsupportedMediaType => fixed(
                "この形式の本文は受け取れません",
                "Unsupported media type",
                "Content-Type をこの操作の形式（多くは application/json）とし、Content-Encoding は付けないでください。",
                "Send the Content-Type of this operation (mostly application/json) without Content-Encoding.",
            ),
            Self::Validation(errors) => (
                lang.pick("入力値に誤りがあります", "Validation failed").to_owned(),
                lang.pick(
                    format!("{}件の項目を修正してください。", errors.len()),
                    format!("Correct {} value(s).", errors.len()),
                ),
            ),
            Self::ActingPersonRequired => fixed(
                "実施者が必要です",
                "Acting person required",
                "Acting-Person ヘッダーに実施した人のIDを付けてください。",
                "Name the person who acts in the Acting-Person header.",
            ),
            Self::IdempotencyKeyReused => fixed(
                "Idempotency-Key は別の要求に使われています",
                "The Idempotency-Key belongs to another request",
                "新しい要求には新しいキーを付けてください。再送は、同じ本文、同じ実施者、同じ権限で行ってください。",
                "Give a new request a new key; send one again with the same body, person and token rights.",
            ),
            Self::PreconditionRequired => fixed(
                "If-Match が必要です",
                "Precondition required",
                "読み取ったときの ETag を If-Match に付けてください。",
                "Send the ETag that you read as If-Match.",
            ),
            Self::RateLimited { retry_after, .. } => (
                lang.pick("要求が多すぎます", "Too many requests").to_owned(),
                lang.pick(
                    format!("{retry_after}秒待ってからやり直してください。"),
                    format!("Wait {retry_after} seconds and try again."),
                ),
            ),
            Self::Unavailable => fixed(
                "ただいま混み合っています",
                "Unavailable",
                "少し待ってからもう一度試してください。",
                "Try again in a moment.",
            ),
            Self::NotReady(Unready::DatabaseDown) => fixed(
                "データベースが応答しません",
                "The database does not answer",
                "データベースと、そこまでの接続を確かめてください。",
                "Look after the database and the way to it.",
            ),
            Self::NotReady(Unready::MigrationsPending) => fixed(
                "データベースの移行が済んでいません",
                "Migrations are pending",
                "「kakunin migrate」を実行してください。",
                "Run `kakunin migrate`.",
            ),
            Self::NotReady(Unready::PlannerBehind) => fixed(
                "期限の通知が計画されていません",
                "Reminders are not planned",
                "期限の来た通知が15分を超えて計画されていません。ログと「kakunin doctor」で原因を確かめてください。",
                "What is due has waited for more than 15 minutes; the log and `kakunin doctor` say why.",
            ),
            Self::NotReady(Unready::DiskNearlyFull) => fixed(
                "ディスクの空きがわずかです",
                "The disk is nearly full",
                "データディレクトリのあるディスクの空きを増やしてください。",
                "Make room on the disk of the data directory.",
            ),
            Self::ScannerUnavailable => fixed(
                "ウイルス検査ができません",
                "The malware scanner is away",
                "検査なしでは受け取れません。しばらく待ってもう一度試し、続くときは管理者に知らせてください。",
                "Nothing is kept without it. Try again later, and tell the operator if it lasts.",
            ),
            Self::Internal(_) => fixed(
                "内部エラー",
                "Internal error",
                "管理者に request_id を伝えてください。",
                "Tell the operator the request_id.",
            ),
        }
    }
}
