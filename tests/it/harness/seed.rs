//! What every test database holds at the start: two local governments with their organizations and one client each.

use diesel::prelude::*;
use kakunin::clock::Instant;
use kakunin::db::schema::{api_client_secrets, api_clients, journal_heads, local_governments, organizations};
use kakunin::db::{Conn, search};
use kakunin::http::caller::scope;
use kakunin::journal::sha256_hex;

/// 本巣市.
pub const MOTOSU: &str = "01960000-0000-7000-8000-000000000001";
/// 鹿児島市.
pub const KAGOSHIMA: &str = "01960000-0000-7000-8000-000000000002";
/// 本巣市's mayor's office.
pub const MAYOR: &str = "01960000-0000-7000-8000-000000000011";
/// 本巣市's assembly.
pub const ASSEMBLY: &str = "01960000-0000-7000-8000-000000000012";
/// 鹿児島市's assembly.
pub const KAGOSHIMA_ASSEMBLY: &str = "01960000-0000-7000-8000-000000000021";
/// 本巣市's client with every scope.
pub const MOTOSU_CLIENT: &str = "01960000-0000-7000-8000-000000000101";
/// 鹿児島市's client with every scope.
pub const KAGOSHIMA_CLIENT: &str = "01960000-0000-7000-8000-000000000102";
/// The secret of every client that the harness makes.
pub const SECRET: &str = "kk_test_an_invented_secret_of_forty-three_letters_and_more";

/// Every scope.
pub fn all_scopes() -> Vec<&'static str> {
    scope::ALL.iter().map(|(name, _)| *name).collect()
}

/// Both local governments.
pub fn tenants(conn: &mut Conn) -> QueryResult<()> {
    let at = super::tokyo("2027-03-01T09:00");
    tenant(conn, at, MOTOSU, "212181", "本巣市", "もとすし")?;
    organization(
        conn,
        at,
        MOTOSU,
        MAYOR,
        (
            "mayor",
            "本巣市長部局",
            "もとすしちょうぶきょく",
            "mayor_office",
            "motosu",
        ),
    )?;
    organization(
        conn,
        at,
        MOTOSU,
        ASSEMBLY,
        ("assembly", "本巣市議会", "もとすしぎかい", "assembly", "motosu"),
    )?;
    client(conn, MOTOSU, MOTOSU_CLIENT, &all_scopes(), None, at)?;
    tenant(conn, at, KAGOSHIMA, "462012", "鹿児島市", "かごしまし")?;
    let assembly = (
        "assembly",
        "鹿児島市議会",
        "かごしましぎかい",
        "assembly",
        "kagoshima_assembly",
    );
    organization(conn, at, KAGOSHIMA, KAGOSHIMA_ASSEMBLY, assembly)?;
    client(conn, KAGOSHIMA, KAGOSHIMA_CLIENT, &all_scopes(), None, at)
}

fn tenant(conn: &mut Conn, at: Instant, id: &str, code: &str, name: &str, name_kana: &str) -> QueryResult<()> {
    diesel::insert_into(local_governments::table)
        .values((
            local_governments::id.eq(id),
            local_governments::code.eq(code),
            local_governments::name.eq(name),
            local_governments::name_kana.eq(name_kana),
            local_governments::time_zone.eq("Asia/Tokyo"),
            local_governments::sending_minute.eq(510),
            local_governments::mails_per_minute.eq(60),
            local_governments::public_url.eq("https://kakunin.city.example.lg.jp"),
            local_governments::mail_from.eq("kakunin@city.example.lg.jp"),
            local_governments::mail_from_name.eq(format!("{name} 確認")),
            local_governments::contact.eq("情報政策課 内線1234"),
            local_governments::is_demo.eq(false),
            local_governments::version.eq(1),
            local_governments::created_at.eq(at),
            local_governments::created_by.eq("system"),
            local_governments::updated_at.eq(at),
            local_governments::updated_by.eq("system"),
        ))
        .execute(conn)?;
    diesel::insert_into(journal_heads::table)
        .values((
            journal_heads::local_government_id.eq(id),
            journal_heads::seq.eq(0),
            journal_heads::hash.eq(""),
        ))
        .execute(conn)?;
    Ok(())
}

fn organization(
    conn: &mut Conn,
    at: Instant,
    local_government_id: &str,
    id: &str,
    (key, name, name_kana, kind, profile_key): (&str, &str, &str, &str, &str),
) -> QueryResult<()> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::local_government_id.eq(local_government_id),
            organizations::id.eq(id),
            organizations::key.eq(key),
            organizations::name.eq(name),
            organizations::name_kana.eq(name_kana),
            organizations::kind.eq(kind),
            organizations::profile_key.eq(profile_key),
            organizations::extra_closed_days.eq("[]"),
            organizations::search_text.eq(search::folded([Some(name), Some(name_kana)])),
            organizations::version.eq(1),
            organizations::created_at.eq(at),
            organizations::created_by.eq("system"),
            organizations::updated_at.eq(at),
            organizations::updated_by.eq("system"),
        ))
        .execute(conn)?;
    Ok(())
}

/// A client whose secret is [`SECRET`].
pub fn client(
    conn: &mut Conn,
    local_government_id: &str,
    id: &str,
    scopes: &[&str],
    organization_ids: Option<&[&str]>,
    at: Instant,
) -> QueryResult<()> {
    diesel::insert_into(api_clients::table)
        .values((
            api_clients::local_government_id.eq(local_government_id),
            api_clients::id.eq(id),
            api_clients::name.eq("試験用クライアント"),
            api_clients::scopes.eq(serde_json::to_string(scopes).unwrap()),
            api_clients::organization_ids.eq(serde_json::to_string(&organization_ids).unwrap()),
            api_clients::version.eq(1),
            api_clients::created_at.eq(at),
            api_clients::created_by.eq("system"),
            api_clients::updated_at.eq(at),
            api_clients::updated_by.eq("system"),
        ))
        .execute(conn)?;
    diesel::insert_into(api_client_secrets::table)
        .values((
            api_client_secrets::local_government_id.eq(local_government_id),
            // One secret each: the client's id does.
            api_client_secrets::id.eq(id),
            api_client_secrets::client_id.eq(id),
            api_client_secrets::secret_sha256.eq(sha256_hex(SECRET.as_bytes())),
            api_client_secrets::created_at.eq(at),
        ))
        .execute(conn)?;
    Ok(())
}
