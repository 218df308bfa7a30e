//! Sign-in of people: a link that is mailed, works once and for ten minutes, and a session that the server keeps.
//!
//! Where the operator names a provider, people may come from it instead ([`openid`]); the session is the same.
//! The browser has a secret, the tables only its hash. Whoever asks for a link hears the same whether the address is
//! known or not. A session ends after 30 minutes without a request, after 12 hours, or when it is signed out. What a
//! person then sees is [`sight`]'s; the pages are in [`crate::pages`].

pub(crate) mod openid;
pub(crate) mod sight;

use chrono::Timelike;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::schema::{local_governments, people, sessions, sign_in_links};
use crate::http::error::ApiError;
use crate::journal::{Actor, sha256_hex};
use crate::mail::templates::Recipient;
use crate::mail::templates::sign_in::SignIn;
use crate::work::notice::{self, Notice};
use sight::Seen;

/// A session ends after so many seconds without a request.
const IDLE_SECONDS: i64 = 30 * 60;
/// A session ends after so many seconds, whatever is done.
const LONGEST_SECONDS: i64 = 12 * 3600;
/// A request within so many seconds of the one before is not noted: a page is read without a write.
const NOTED_AFTER_SECONDS: i64 = 60;
/// Links that a person is mailed in ten minutes; more fill a mailbox and let nobody in sooner.
const LINKS_AT_ONCE: i64 = 3;
/// Local governments of one installation in which the same address may sign in.
const MOST_TENANTS: i64 = 10;
/// Letters and digits that are not taken for each other.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The word of sessions in the journal.
const KIND: &str = "session";

/// A link that can still be used, as the page before the button shows it.
#[derive(Debug, Clone)]
pub(crate) struct OpenLink {
    tenant: String,
    id: String,
    person_id: String,
    leads_to: String,
    /// Whom it was made for.
    pub person_name: String,
}

/// What a sign-in gives: the secret of the cookie, and the page to go on to.
#[derive(Debug)]
pub(crate) struct Started {
    pub secret: String,
    pub leads_to: String,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub tenant: Tenant,
    pub id: String,
    pub person_id: String,
    pub person_name: String,
    pub seen: Seen,
}

impl Session {
    /// The actor of what is done on a page.
    pub(crate) fn actor(&self) -> Actor {
        actor(&self.person_id)
    }
}

fn actor(person_id: &str) -> Actor {
    Actor {
        client_id: None,
        person_id: Some(person_id.to_owned()),
        via: "session",
    }
}

/// A path of ours to come back to; anything else is the first page.
pub(crate) fn local_path(path: &str) -> &str {
    let is_local = path.starts_with('/') && !path.starts_with("//") && path.len() <= 500;
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local && is_plain { path } else { "/" }
}

/// Mails a link to each active person who has this address alone. Nobody is told whether there is one.
///
/// # Errors
/// A database failure.
pub(crate) fn request(app: &App, address: &str, leads_to: &str) -> Result<(), ApiError> {
    for (tenant, person) in holders(app, address)? {
        app.write_as(&Tenant::new(&tenant), Actor::system(), |scope| {
            let recent: i64 = sign_in_links::table
                .filter(sign_in_links::local_government_id.eq(&scope.lg))
                .filter(sign_in_links::person_id.eq(&person))
                .filter(sign_in_links::created_at.gt(scope.at.plus_seconds(-notice::SIGN_IN_SECONDS)))
                .count()
                .get_result(scope.conn)?;
            if recent >= LINKS_AT_ONCE {
                return Ok(());
            }
            let mail = link(scope, &person, leads_to, "mail", None)?;
            let to: Option<String> = people::table
                .find((&scope.lg, &person))
                .select(people::email)
                .first(scope.conn)?;
            if let Some(to) = to {
                let notice = Notice {
                    address: &to,
                    template: notice::SIGN_IN,
                    rendered: mail.render(),
                    entry_id: None,
                };
                notice::post(scope, &notice)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A link for the person with this address, made by an operator at the terminal; it leads to where this process is
/// reached.
///
/// # Errors
/// 404 when no active person has the address alone.
pub fn link_at_terminal(app: &App, address: &str) -> Result<String, ApiError> {
    let Some((tenant, person)) = holders(app, address)?.into_iter().next() else {
        return Err(ApiError::NotFound);
    };
    app.write_as(&Tenant::new(&tenant), Actor::system(), |scope| {
        let base = scope.app.config.public_url.clone();
        Ok(link(scope, &person, "/", "terminal", Some(base))?.url)
    })
}

/// The active persons with an address, one of each local government; an address that several share proves nobody.
fn holders(app: &App, address: &str) -> Result<Vec<(String, String)>, ApiError> {
    let spelled = [address.to_owned(), address.to_lowercase()];
    let found: Vec<(String, String)> = app.db.read(|conn| {
        Ok(people::table
            .filter(people::email.eq_any(spelled.map(Some)))
            .order((people::local_government_id, people::id))
            .limit(2 * MOST_TENANTS)
            .select((people::local_government_id, people::id))
            .load(conn)?)
    })?;
    let mut active = vec![];
    for (tenant, person) in found {
        let there = app.read_as(&Tenant::new(&tenant), |scope| crate::people::is_there(scope, &person))?;
        active.extend(there.then_some((tenant, person)));
    }
    let alone = |tenant: &String| active.iter().filter(|(other, _)| other == tenant).count() == 1;
    Ok(active.iter().filter(|(tenant, _)| alone(tenant)).cloned().collect())
}

/// Makes a link; answers the mail that carries it.
fn link(
    scope: &mut Scope<'_>,
    person_id: &str,
    leads_to: &str,
    by: &str,
    base: Option<String>,
) -> Result<SignIn, ApiError> {
    let token: String = scope
        .app
        .random
        .bytes::<26>()
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    let (local_government, public_url, contact): (String, String, String) = local_governments::table
        .find(&scope.lg)
        .select((
            local_governments::name,
            local_governments::public_url,
            local_governments::contact,
        ))
        .first(scope.conn)?;
    let name: String = people::table
        .find((&scope.lg, person_id))
        .select(people::name)
        .first(scope.conn)?;
    let id = scope.new_id();
    let expires_at = scope.at.plus_seconds(notice::SIGN_IN_SECONDS);
    diesel::insert_into(sign_in_links::table)
        .values((
            sign_in_links::local_government_id.eq(&scope.lg),
            sign_in_links::id.eq(&id),
            sign_in_links::person_id.eq(person_id),
            sign_in_links::token_sha256.eq(sha256_hex(token.as_bytes())),
            sign_in_links::leads_to.eq(local_path(leads_to)),
            sign_in_links::expires_at.eq(expires_at),
            sign_in_links::created_at.eq(scope.at),
            sign_in_links::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let payload = json!({"person_id": person_id, "by": by});
    scope.record("sign_in_link.made", Subject::of("sign_in_link", &id), payload);
    let until = expires_at.to_utc().with_timezone(&scope.zone);
    Ok(SignIn {
        local_government,
        recipient: Recipient {
            department: None,
            name: Some(name),
        },
        until: format!("{}:{:02}", until.hour(), until.minute()),
        url: format!("{}/s/{token}", base.unwrap_or(public_url)),
        contact,
    })
}

/// The link of a token, while it can be used. Looking at it changes nothing.
///
/// # Errors
/// 404 for one that is used, over, or none.
pub(crate) fn open_link(app: &App, token: &str) -> Result<OpenLink, ApiError> {
    let now = app.clock.now();
    let (tenant, id, person_id, leads_to): (String, String, String, String) = app.db.read(|conn| {
        Ok(sign_in_links::table
            .filter(sign_in_links::token_sha256.eq(sha256_hex(token.as_bytes())))
            .filter(sign_in_links::used_at.is_null())
            .filter(sign_in_links::expires_at.gt(now))
            .select((
                sign_in_links::local_government_id,
                sign_in_links::id,
                sign_in_links::person_id,
                sign_in_links::leads_to,
            ))
            .first(conn)?)
    })?;
    let person_name = app.read_as(&Tenant::new(&tenant), |scope| {
        if !crate::people::is_there(scope, &person_id)? {
            return Err(ApiError::NotFound);
        }
        Ok(people::table
            .find((&scope.lg, &person_id))
            .select(people::name)
            .first(scope.conn)?)
    })?;
    Ok(OpenLink {
        tenant,
        id,
        person_id,
        leads_to,
        person_name,
    })
}

/// Uses up a link and begins a session.
///
/// # Errors
/// 404 for a link that is used, over, or none.
pub(crate) fn start(app: &App, token: &str) -> Result<Started, ApiError> {
    let link = open_link(app, token)?;
    app.write_as(&Tenant::new(&link.tenant), actor(&link.person_id), |scope| {
        let used = diesel::update(
            sign_in_links::table
                .find((&scope.lg, &link.id))
                .filter(sign_in_links::used_at.is_null()),
        )
        .set(sign_in_links::used_at.eq(Some(scope.at)))
        .execute(scope.conn)?;
        if used == 0 {
            // Two presses of the button: the first one signed in.
            return Err(ApiError::NotFound);
        }
        let payload = json!({"person_id": link.person_id, "sign_in_link_id": link.id});
        let secret = begin(scope, &link.person_id, payload)?;
        Ok(Started {
            secret,
            leads_to: link.leads_to.clone(),
        })
    })
}

/// Begins a session and answers the secret of its cookie; `payload` is what the journal says of how it came about.
fn begin(scope: &mut Scope<'_>, person_id: &str, payload: Value) -> Result<String, ApiError> {
    let (id, secret) = (scope.new_id(), scope.app.random.secret());
    diesel::insert_into(sessions::table)
        .values((
            sessions::local_government_id.eq(&scope.lg),
            sessions::id.eq(&id),
            sessions::person_id.eq(person_id),
            sessions::secret_sha256.eq(sha256_hex(secret.as_bytes())),
            sessions::started_at.eq(scope.at),
            sessions::seen_at.eq(scope.at),
            sessions::ends_at.eq(scope.at.plus_seconds(LONGEST_SECONDS)),
        ))
        .execute(scope.conn)?;
    scope.record("session.started", Subject::of(KIND, &id), payload);
    Ok(secret)
}

/// The session of a secret, with what its person may see; `None` when it is over. That it was seen is noted at most
/// once a minute: this, and nothing else, is what reading a page writes.
///
/// # Errors
/// A database failure.
pub(crate) fn current(app: &App, secret: &str) -> Result<Option<Session>, ApiError> {
    let now = app.clock.now();
    let found: Option<(String, String, String, Instant)> = app.db.read(|conn| {
        Ok(sessions::table
            .filter(sessions::secret_sha256.eq(sha256_hex(secret.as_bytes())))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::ends_at.gt(now))
            .filter(sessions::seen_at.gt(now.plus_seconds(-IDLE_SECONDS)))
            .select((
                sessions::local_government_id,
                sessions::id,
                sessions::person_id,
                sessions::seen_at,
            ))
            .first(conn)
            .optional()?)
    })?;
    let Some((tenant, id, person_id, seen_at)) = found else {
        return Ok(None);
    };
    let tenant = Tenant::new(&tenant);
    let looked = app.read_as(&tenant, |scope| {
        // Whoever has left since is signed in nowhere.
        if !crate::people::is_there(scope, &person_id)? {
            return Ok(None);
        }
        let name: String = people::table
            .find((&scope.lg, &person_id))
            .select(people::name)
            .first(scope.conn)?;
        Ok(Some((name, sight::of(scope, &person_id)?)))
    })?;
    let Some((person_name, seen)) = looked else {
        return Ok(None);
    };
    if seen_at.plus_seconds(NOTED_AFTER_SECONDS) <= now {
        app.db.write(|conn| {
            diesel::update(sessions::table.find((tenant.id(), &id)))
                .set(sessions::seen_at.eq(now))
                .execute(conn)?;
            Ok(())
        })?;
    }
    Ok(Some(Session {
        tenant,
        id,
        person_id,
        person_name,
        seen,
    }))
}

/// Ends a session, or every session of its person.
///
/// # Errors
/// A database failure.
pub(crate) fn end(app: &App, session: &Session, everywhere: bool) -> Result<(), ApiError> {
    app.write_as(&session.tenant, session.actor(), |scope| {
        let mut open = sessions::table
            .filter(sessions::local_government_id.eq(scope.lg.clone()))
            .filter(sessions::person_id.eq(session.person_id.clone()))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::ends_at.gt(scope.at))
            .select(sessions::id)
            .into_boxed();
        if !everywhere {
            open = open.filter(sessions::id.eq(session.id.clone()));
        }
        let ids: Vec<String> = open.load(scope.conn)?;
        diesel::update(
            sessions::table
                .filter(sessions::local_government_id.eq(&scope.lg))
                .filter(sessions::id.eq_any(&ids)),
        )
        .set(sessions::ended_at.eq(Some(scope.at)))
        .execute(scope.conn)?;
        for id in &ids {
            let payload = json!({"person_id": session.person_id});
            scope.record("session.ended", Subject::of(KIND, id), payload);
        }
        Ok(())
    })
}

/// Forgets links and sessions that ended a day ago; answers of how many. The journal keeps that they were.
///
/// # Errors
/// A database failure.
pub(crate) fn forget(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    app.write_as(tenant, Actor::system(), |scope| {
        let before = scope.at.plus_seconds(-24 * 3600);
        let links = diesel::delete(
            sign_in_links::table
                .filter(sign_in_links::local_government_id.eq(&scope.lg))
                .filter(sign_in_links::expires_at.lt(before)),
        )
        .execute(scope.conn)?;
        let over = diesel::delete(
            sessions::table
                .filter(sessions::local_government_id.eq(&scope.lg))
                .filter(sessions::ends_at.lt(before)),
        )
        .execute(scope.conn)?;
        Ok(links + over)
    })
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_a_path_of_ours_is_gone_on_to() {
        for path in ["/", "/entries?kind=cloud_service&q=%E6%83%85", "/my-work#open"] {
            assert_eq!(local_path(path), path);
        }
        let foreign = [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "/a b",
            "my-work",
        ];
        for path in foreign {
            assert_eq!(local_path(path), "/", "{path:?}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(500))), "/");
    }
}
