//! The codes of what is wrong with a request itself, and of what is wrong on our side. Those of 409 are in [`super::state`].

use super::{Code, code};

/// By status.
pub(super) static CODES: &[Code] = &[
    code(
        400,
        "malformed_json",
        ["本文がJSONとして読めません", "The body is not JSON"],
        [
            "本文がJSONの文法に合っていないため、何も行っていません。",
            "The body breaks the grammar of JSON; nothing was done.",
        ],
        [
            "detail にある行と桁の前後を直してください。文字コードは UTF-8 です。",
            "Correct it near the line and column in detail. The encoding is UTF-8.",
        ],
    ),
    code(
        400,
        "malformed_multipart",
        ["本文がフォームとして読めません", "The body is not a form"],
        [
            "multipart/form-data の境界か見出しが正しくないか、途中で終わっています。",
            "The boundary or a header of the multipart/form-data is wrong, or it ends too early.",
        ],
        [
            "HTTPライブラリーのフォーム機能で組み立て、終わりまで送ってください。",
            "Let your HTTP library build the form, and send it to its end.",
        ],
    ),
    code(
        400,
        "unknown_parameter",
        ["知らないパラメーターです", "Unknown parameter"],
        [
            "この操作にないパラメーターがあります。絞り込みが黙って無視されないよう、操作は行っていません。",
            "The operation has no such parameter. It was not carried out, so that no filter is silently ignored.",
        ],
        [
            "detail にある名前の綴りを /openapi.json で確かめてください。",
            "Check the spelling of the name in detail against /openapi.json.",
        ],
    ),
    code(
        400,
        "invalid_parameter",
        ["パラメーターの値が正しくありません", "Invalid parameter"],
        [
            "パラメーターかヘッダーの値が、この操作で使える値ではありません。",
            "A parameter or header has a value that the operation cannot take.",
        ],
        [
            "detail にある名前の値を直してください。",
            "Correct the value of the name in detail.",
        ],
    ),
    code(
        400,
        "invalid_cursor",
        ["カーソルが正しくありません", "Invalid cursor"],
        [
            "cursor がこのサーバーの発行したものではないか、別の絞り込みか並べ順のものです。",
            "The cursor is not one of this server, or belongs to other filters or another order.",
        ],
        [
            "cursor を付けずに最初から読み直してください。続きを読む間は、ほかのパラメーターを変えないでください。",
            "Read from the start without cursor, and keep the other parameters while you read on.",
        ],
    ),
    code(
        400,
        "idempotency_key_required",
        ["Idempotency-Key が必要です", "Idempotency-Key required"],
        [
            "二度行うと害のある操作なので、キーのない要求は受け付けません。",
            "The operation must not happen twice, so it is not taken without a key.",
        ],
        [
            "UUID などを Idempotency-Key に付け、再送では同じキーを使ってください。",
            "Send a UUID or the like as Idempotency-Key, and the same one when you send it again.",
        ],
    ),
    code(
        400,
        "invalid_idempotency_key",
        ["Idempotency-Key が正しくありません", "Invalid Idempotency-Key"],
        [
            "キーが空か、長すぎるか、見える ASCII 文字でないか、二つあります。",
            "The key is empty, too long, not visible ASCII, or there are two.",
        ],
        [
            "1から255字の見える ASCII 文字のキーを一つだけ付けてください。",
            "Send one key of 1 to 255 visible ASCII characters.",
        ],
    ),
    code(
        401,
        "missing_token",
        ["トークンがありません", "No token"],
        [
            "Authorization: Bearer のない要求です。",
            "The request has no Authorization: Bearer.",
        ],
        [
            "/oauth/token で client_credentials によりトークンを取得して付けてください。",
            "Obtain a token at /oauth/token by client_credentials and send it.",
        ],
    ),
    code(
        401,
        "invalid_token",
        ["トークンが正しくありません", "Invalid token"],
        [
            "署名か宛先が正しくないか、クライアントが失効しているか、接続元が許可されていません。理由は記録だけに残ります。",
            "The signature or audience is wrong, the client is revoked, or its address is not allowed. The reason is in the log only.",
        ],
        [
            "新しいトークンを取得してください。それでも続くときは管理者に request_id を伝えてください。",
            "Obtain a new token. If it stays, tell the operator the request_id.",
        ],
    ),
    code(
        401,
        "expired_token",
        ["トークンの期限が切れています", "The token has expired"],
        [
            "トークンは短い時間だけ有効です（expires_in）。",
            "Tokens are valid for a short time (expires_in).",
        ],
        [
            "新しいトークンを取得し、同じ要求をもう一度送ってください。",
            "Obtain a new token and send the same request again.",
        ],
    ),
    code(
        401,
        "sign_in_required",
        ["サインインしてください", "Sign in first"],
        [
            "サインインした人だけが開ける画面です。しばらく操作しなかったときと、12時間が過ぎたときもサインアウトになります。",
            "The page is for people who are signed in. A session ends when nothing was done for a while, and after 12 hours.",
        ],
        [
            "/sign-in を開き、届いたメールのリンクからサインインしてください。",
            "Open /sign-in and sign in by the link that is mailed to you.",
        ],
    ),
    code(
        403,
        "foreign_form",
        ["別のサイトから送られたフォームです", "The form came from another site"],
        [
            "画面のフォームが、このサイトのページからではなく送られてきたため、何も行っていません。",
            "A form of a page was sent from somewhere else than this site; nothing was done.",
        ],
        [
            "このサイトのページを開き直して、そこから送信してください。",
            "Open the page on this site again and send the form from there.",
        ],
    ),
    code(
        403,
        "insufficient_scope",
        ["権限が足りません", "Insufficient scope"],
        [
            "トークンに、この操作のスコープがありません。必要なスコープは WWW-Authenticate と x-required-scope にあります。",
            "The token lacks the scope of the operation; WWW-Authenticate and x-required-scope name it.",
        ],
        [
            "トークンを取得するときの scope を確かめ、なければクライアントへの追加を管理者に依頼してください。",
            "Check the scope that you ask the token for, or ask your administrator to give it to the client.",
        ],
    ),
    code(
        404,
        "not_found",
        ["見つかりません", "Not found"],
        [
            "記録がないか、このトークンで扱える機関の記録ではありません。どちらであるかは区別しません。",
            "There is no such record, or it is of an organization that the token may not touch; which of the two is not told.",
        ],
        [
            "IDを確かめてください。ほかの機関の記録が要るときは管理者に依頼してください。",
            "Check the id, or ask your administrator for access to the other organization.",
        ],
    ),
    code(
        404,
        "route_not_found",
        ["このパスはありません", "No such path"],
        ["/openapi.json にない場所です。", "The path is not in /openapi.json."],
        [
            "パスの綴りと /api/v1 を確かめてください。",
            "Check the path and its /api/v1.",
        ],
    ),
    code(
        405,
        "method_not_allowed",
        ["このメソッドは使えません", "Method not allowed"],
        [
            "パスはありますが、このメソッドの操作はありません。",
            "The path is there, an operation of this method is not.",
        ],
        [
            "Allow ヘッダーにあるメソッドを使ってください。",
            "Use a method of the Allow header.",
        ],
    ),
    code(
        406,
        "not_acceptable",
        ["返せる形式がありません", "Not acceptable"],
        [
            "Accept にある形式では答えられません。",
            "No form in Accept is one that can be answered.",
        ],
        [
            "Accept に application/json か、この操作の形式を含めてください。",
            "Accept application/json, or a form of this operation.",
        ],
    ),
    code(
        408,
        "request_timeout",
        ["時間内に終わりませんでした", "Request timeout"],
        [
            "本文が時間内に届きませんでした。何も行っていません。",
            "The body did not arrive in time; nothing was done.",
        ],
        [
            "本文を続けて送り、もう一度試してください。",
            "Send the body without pause and try again.",
        ],
    ),
    code(
        412,
        "stale_version",
        ["ほかの更新が先に行われています", "Changed in the meantime"],
        [
            "If-Match の版は今の版ではありません。変更は行っていません。",
            "If-Match names another version than the present one; nothing was changed.",
        ],
        [
            "読み直し、新しい ETag（current_etag）を If-Match に付けてやり直してください。",
            "Read again and repeat with the new ETag (current_etag) in If-Match.",
        ],
    ),
    code(
        412,
        "already_exists",
        ["すでに登録されています", "It exists already"],
        [
            "If-None-Match: * は新規登録だけを求めますが、記録はもうあります。",
            "If-None-Match: * asks to create only, and the record is there.",
        ],
        [
            "変更するときは If-None-Match を付けずに送ってください。",
            "Send it without If-None-Match to change it.",
        ],
    ),
    code(
        413,
        "payload_too_large",
        ["本文が大きすぎます", "Payload too large"],
        [
            "本文かファイルが上限を超えています。",
            "The body or file is larger than the limit.",
        ],
        [
            "detail にある上限までに分けて送ってください。",
            "Send it in parts within the limit in detail.",
        ],
    ),
    code(
        415,
        "unsupported_media_type",
        ["この形式の本文は受け取れません", "Unsupported media type"],
        [
            "Content-Type がこの操作の形式でないか、Content-Encoding が付いています。",
            "The Content-Type is not one of the operation's, or there is a Content-Encoding.",
        ],
        [
            "Content-Type を確かめ、圧縮せずに送ってください。",
            "Check the Content-Type and send it uncompressed.",
        ],
    ),
    code(
        422,
        "validation_failed",
        ["入力値に誤りがあります", "Validation failed"],
        [
            "JSONとしては読めますが、値に誤りがあります。errors に場所（JSON Pointer）とコードが一つずつあります。",
            "It is JSON, but values are wrong; errors has the place (JSON Pointer) and code of each.",
        ],
        [
            "errors の各項目を直し、もう一度送ってください。何も書かれていません。",
            "Correct each of errors and send it again. Nothing was written.",
        ],
    ),
    code(
        422,
        "acting_person_required",
        ["実施者が必要です", "Acting person required"],
        [
            "人だけができる操作です。クライアントは、誰が行ったかを伝えなければなりません。",
            "Only a person can do this; the client says who.",
        ],
        [
            "Acting-Person ヘッダーに人のIDを付けてください（スコープ act_for_people が必要）。",
            "Send the person's id in the Acting-Person header (scope act_for_people).",
        ],
    ),
    code(
        422,
        "idempotency_key_reused",
        [
            "Idempotency-Key は別の要求に使われています",
            "The Idempotency-Key belongs to another request",
        ],
        [
            "同じキーで、本文、実施者か権限の違う要求がもう行われています。",
            "A request of this key was made with another body, person or rights.",
        ],
        [
            "新しい要求には新しいキーを付けてください。",
            "Give a new request a new key.",
        ],
    ),
    code(
        428,
        "precondition_required",
        ["If-Match が必要です", "Precondition required"],
        [
            "先の更新を知らずに上書きしないよう、変更には版が必要です。",
            "A change names its version, so that nobody overwrites what they have not seen.",
        ],
        [
            "読み取ったときの ETag を If-Match に付けてください。",
            "Send the ETag that you read as If-Match.",
        ],
    ),
    code(
        500,
        "internal_error",
        ["内部エラー", "Internal error"],
        [
            "サーバー側の不具合です。書き込みは行われていません。",
            "A fault of the server; nothing was written.",
        ],
        [
            "管理者に request_id を伝えてください。",
            "Tell the operator the request_id.",
        ],
    ),
    code(
        503,
        "unavailable",
        ["ただいま混み合っています", "Unavailable"],
        [
            "データベースがふさがっているか、止まっています。何も書かれていません。",
            "The database is busy or down; nothing was written.",
        ],
        [
            "Retry-After の秒数だけ待ち、同じ要求（POST は同じ Idempotency-Key）をもう一度送ってください。",
            "Wait for Retry-After and send the same request again (a POST with the same Idempotency-Key).",
        ],
    ),
    code(
        503,
        "database_down",
        ["データベースが応答しません", "The database does not answer"],
        [
            "/health/ready だけが返します。データベースにつながらないため、どの要求にも応じられません。",
            "Only /health/ready answers this: without its database the service can do nothing.",
        ],
        [
            "データベースと、そこまでの接続を確かめてください。",
            "Look after the database and the way to it.",
        ],
    ),
    code(
        503,
        "migrations_pending",
        ["データベースの移行が済んでいません", "Migrations are pending"],
        [
            "/health/ready だけが返します。データベースの構造がプログラムより古いままです。",
            "Only /health/ready answers this: the schema is older than the program.",
        ],
        ["「kakunin migrate」を実行してください。", "Run `kakunin migrate`."],
    ),
    code(
        503,
        "planner_behind",
        ["期限の通知が計画されていません", "Reminders are not planned"],
        [
            "/health/ready だけが返します。期限の来た通知が15分を超えて計画されていません。そのままでは誰にも届きません。",
            "Only /health/ready answers this: what is due has waited for the planner for more than 15 minutes, so nobody is reminded.",
        ],
        [
            "ログと「kakunin doctor」で原因を確かめ、プログラムを再起動してください。計画は行から続きます。",
            "See the log and `kakunin doctor`, and start the program again; planning goes on from its rows.",
        ],
    ),
    code(
        503,
        "disk_nearly_full",
        ["ディスクの空きがわずかです", "The disk is nearly full"],
        [
            "/health/ready だけが返します。データディレクトリのあるディスクの空きが、残すべき量（--disk-reserve-mib）を下回っています。",
            "Only /health/ready answers this: less is free on the disk of the data directory than is to be kept free (--disk-reserve-mib).",
        ],
        [
            "空きを増やすか、ディスクを大きくしてください。",
            "Make room, or give it a larger disk.",
        ],
    ),
    code(
        503,
        "scanner_unavailable",
        ["ウイルス検査ができません", "The malware scanner is away"],
        [
            "検査なしではファイルを受け取りません。",
            "No file is kept without its verdict.",
        ],
        [
            "しばらく待ってもう一度試し、続くときは管理者に知らせてください。",
            "Try again later, and tell the operator if it lasts.",
        ],
    ),
    code(
        410,
        "cursor_expired",
        ["カーソルの期限が切れています", "The cursor has expired"],
        [
            "このカーソルより後の変更の一部は、90日より前のものです。続きからは読めません。",
            "Some of what changed after this cursor is more than 90 days ago, so it cannot be read on from there.",
        ],
        [
            "cursor を付けずに最初から読み直し、写しを置き換えてください。",
            "Read again from the start, without cursor, and replace your copy.",
        ],
    ),
    code(
        410,
        "link_over",
        ["このリンクは使えません", "This link is over"],
        [
            "メールのリンクの期限が過ぎたか、お願いしていた項目の担当が替わったか、宛先の方が異動・退職しています。何も行っていません。",
            "The time of the mail's link is over, what it asked about is somebody else's now, or its reader has left. \
             Nothing was done.",
        ],
        [
            "新しいお知らせのメールのリンクを使ってください。届いていないときは、画面にある問合せ先へ知らせてください。",
            "Use the link of a newer mail; if there is none, tell the contact that the page names.",
        ],
    ),
    code(
        429,
        "rate_limited",
        ["要求が多すぎます", "Too many requests"],
        [
            "1分間に受け付ける要求の数を超えました。この要求は何も変えていません。",
            "More requests came in a minute than are answered. This one has changed nothing.",
        ],
        [
            "Retry-After の秒数だけ待ち、同じ要求を送ってください。RateLimit ヘッダーが残りを示します。",
            "Wait for the seconds of Retry-After and send the same request; the RateLimit header says what is left.",
        ],
    ),
];
