//! Links: what a mail lets its reader do without a password, as a token in an address and as a code to type.
//!
//! Both follow from the link's id and a key of the ring, so a mail can be written again in the same bytes and the
//! database holds no secret: a link is found by what the key makes of its token. A link has one purpose
//! ([`LinkPurpose`]), one reader, an end, and is revoked when what its mail asked is somebody else's. What its page shows is
//! [`crate::pages`]' business and follows from who is asked today, not from the link.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::schema::{links, local_governments, people, reminder_items};
use crate::db::types::Word;
use crate::db::{locked, on_each_backend};
use crate::domain::link::{self, LinkPurpose};
use crate::http::error::ApiError;
use crate::keys;
use crate::mail::templates::{CodeByHand, Link};

/// Ids that are tried until one makes a code that is not taken.
const TRIES: usize = 8;

/// A link as it is known of.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = links)]
pub(crate) struct LinkRow {
    /// Id.
    pub id: String,
    /// What it lets its reader do.
    pub purpose: Word<LinkPurpose>,
    /// Whom it is for.
    pub person_id: Option<String>,
    /// Or which department's mailbox.
    pub department_id: Option<String>,
    /// Who asked.
    pub by_person_id: Option<String>,
    /// The one thing that it is about.
    pub obligation_id: Option<String>,
    /// In this cycle.
    pub cycle: Option<i32>,
    /// The mail that carried it.
    pub message_id: Option<String>,
    expires_at: Instant,
    revoked_at: Option<Instant>,
}

/// Whom a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader<'r> {
    /// A person.
    Person(&'r str),
    /// Whoever reads the mailbox of a department.
    Mailbox(&'r str),
}

/// A link that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewLink<'l> {
    pub purpose: LinkPurpose,
    /// Nobody alone, where several read the address of the message.
    pub reader: Option<Reader<'l>>,
    pub by_person_id: Option<&'l str>,
    /// An obligation and its cycle.
    pub about: Option<(&'l str, i32)>,
    pub message_id: Option<&'l str>,
    pub last_day: NaiveDate,
}

/// Why a link does not open any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Its time is over.
    Expired,
    /// What it was about is somebody else's, or its reader has left.
    Revoked,
}

/// The key of one request, as a function of texts.
struct Derive(hmac::Key);

impl Derive {
    fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn of(&self, sort: &str, text: &str) -> hmac::Tag {
        hmac::sign(&self.0, format!("{sort}|{text}").as_bytes())
    }

    fn token(&self, lg: &str, id: &str) -> String {
        link::token(self.of("token", &format!("{lg}|{id}")).as_ref())
    }

    fn code(&self, lg: &str, id: &str) -> String {
        link::code(self.of("code", &format!("{lg}|{id}")).as_ref())
    }

    fn hash(&self, text: &str) -> String {
        let tag = self.of("hash", text);
        tag.as_ref()
            .iter()
            .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"))
    }
}

/// Makes a link and answers its id and how a mail writes it.
///
/// # Errors
/// A database failure.
pub(crate) fn make(scope: &mut Scope<'_>, new: &NewLink<'_>) -> Result<(String, Link), ApiError> {
    let derive = Derive::new(&keys::link_key(scope.conn, &scope.app.keys.master)?);
    let end = new.last_day.succ_opt().unwrap_or(new.last_day);
    let (person_id, department_id) = match new.reader {
        Some(Reader::Person(id)) => (Some(id), None),
        Some(Reader::Mailbox(id)) => (None, Some(id)),
        None => (None, None),
    };
    for _ in 0..TRIES {
        let id = scope.new_id();
        let (token, code) = (derive.token(&scope.lg, &id), derive.code(&scope.lg, &id));
        let row = (
            links::local_government_id.eq(&scope.lg),
            links::id.eq(&id),
            links::purpose.eq(Word(new.purpose)),
            links::person_id.eq(person_id),
            links::department_id.eq(department_id),
            links::by_person_id.eq(new.by_person_id),
            links::obligation_id.eq(new.about.map(|(id, _)| id)),
            links::cycle.eq(new.about.map(|(_, cycle)| cycle)),
            links::message_id.eq(new.message_id),
            links::token_hash.eq(derive.hash(&token)),
            links::code_hash.eq(derive.hash(&code)),
            links::expires_at.eq(Instant::of_local(end, 0, scope.zone)),
            links::created_at.eq(scope.at),
        );
        // Two links in 35 billion have the same code; the second takes another id.
        let made = on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(links::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
        if made == 1 {
            return Ok((id, written(scope, &token, &code)?));
        }
    }
    Err(ApiError::internal("no link has a code that is not taken"))
}

/// As a mail writes it.
fn written(scope: &mut Scope<'_>, token: &str, code: &str) -> Result<Link, ApiError> {
    let base: String = local_governments::table
        .find(&scope.lg)
        .select(local_governments::public_url)
        .first(scope.conn)?;
    Ok(Link {
        url: format!("{base}/r/{token}"),
        by_hand: Some(CodeByHand {
            url: format!("{base}/r"),
            code: link::shown(code),
        }),
    })
}

/// The link of a token, and whose it is; `None` where nobody was sent it.
///
/// # Errors
/// A database failure.
pub(crate) fn find(app: &App, token: &str) -> Result<Option<(Tenant, LinkRow)>, ApiError> {
    if !link::is_token(token) {
        return Ok(None);
    }
    app.db.read(|conn| {
        let derive = Derive::new(&keys::link_key(conn, &app.keys.master)?);
        let found: Option<(String, LinkRow)> = links::table
            .filter(links::token_hash.eq(derive.hash(token)))
            .select((links::local_government_id, LinkRow::as_select()))
            .first(conn)
            .optional()?;
        Ok(found.map(|(lg, row)| (Tenant::new(&lg), row)))
    })
}

/// The token of the link that has this code.
///
/// # Errors
/// A database failure.
pub(crate) fn token_of_code(app: &App, typed: &str) -> Result<Option<String>, ApiError> {
    let Some(code) = link::read_code(typed) else {
        return Ok(None);
    };
    app.db.read(|conn| {
        let derive = Derive::new(&keys::link_key(conn, &app.keys.master)?);
        let found: Option<(String, String)> = links::table
            .filter(links::code_hash.eq(derive.hash(&code)))
            .select((links::local_government_id, links::id))
            .first(conn)
            .optional()?;
        Ok(found.map(|(lg, id)| derive.token(&lg, &id)))
    })
}

/// The links of a person with this purpose that open today, each with the path of its page: whoever is signed in need not
/// look for the mail.
///
/// # Errors
/// A database failure.
pub(crate) fn open_of(
    scope: &mut Scope<'_>,
    person_id: &str,
    purpose: LinkPurpose,
) -> Result<Vec<(String, LinkRow)>, ApiError> {
    let rows: Vec<LinkRow> = links::table
        .filter(links::local_government_id.eq(&scope.lg))
        .filter(links::person_id.eq(Some(person_id)))
        .filter(links::purpose.eq(Word(purpose)))
        .filter(links::revoked_at.is_null())
        .filter(links::expires_at.gt(scope.at))
        .order(links::id)
        .select(LinkRow::as_select())
        .load(scope.conn)?;
    with_paths(scope, rows)
}

/// The links to answer at that were made with the message of this one, each with the path of its page.
///
/// # Errors
/// A database failure.
pub(crate) fn of_message(scope: &mut Scope<'_>, link: &LinkRow) -> Result<Vec<(String, LinkRow)>, ApiError> {
    let Some(message) = &link.message_id else {
        return Ok(vec![]);
    };
    let rows: Vec<LinkRow> = links::table
        .filter(links::local_government_id.eq(&scope.lg))
        .filter(links::message_id.eq(Some(message)))
        .filter(links::purpose.eq(Word(LinkPurpose::Answer)))
        .order(links::id)
        .select(LinkRow::as_select())
        .load(scope.conn)?;
    with_paths(scope, rows)
}

fn with_paths(scope: &mut Scope<'_>, rows: Vec<LinkRow>) -> Result<Vec<(String, LinkRow)>, ApiError> {
    if rows.is_empty() {
        return Ok(vec![]);
    }
    let derive = Derive::new(&keys::link_key(scope.conn, &scope.app.keys.master)?);
    let path = |row: &LinkRow| format!("/r/{}", derive.token(&scope.lg, &row.id));
    Ok(rows.into_iter().map(|row| (path(&row), row)).collect())
}

/// Holds a link until the transaction ends, so that a sheet sent twice is answered once.
///
/// # Errors
/// A database failure.
pub(crate) fn hold(scope: &mut Scope<'_>, link: &LinkRow) -> Result<(), ApiError> {
    let query = links::table.find((scope.lg.clone(), link.id.clone())).select(links::id);
    let held: Result<String, diesel::result::Error> = locked!(&mut *scope.conn, query, |q, c| q.first(c));
    held?;
    Ok(())
}

impl LinkRow {
    /// Whether it opens today.
    ///
    /// # Errors
    /// A database failure.
    pub(crate) fn is_over(&self, scope: &mut Scope<'_>) -> Result<Option<Over>, ApiError> {
        if self.revoked_at.is_some() {
            return Ok(Some(Over::Revoked));
        }
        if self.expires_at <= scope.at {
            return Ok(Some(Over::Expired));
        }
        let Some(person) = &self.person_id else {
            return Ok(None);
        };
        let there: Option<String> = people::table
            .find((&scope.lg, person))
            .filter(people::archived_at.is_null())
            .filter(people::left_on.is_null().or(people::left_on.ge(Some(scope.today))))
            .select(people::id)
            .first(scope.conn)
            .optional()?;
        Ok(there.is_none().then_some(Over::Revoked))
    }
}

/// Revokes the links of a person whose mails asked about nothing but these entries: they are somebody else's now.
///
/// # Errors
/// A database failure.
pub(crate) fn revoke_about(
    scope: &mut Scope<'_>,
    person_id: &str,
    entry_ids: &BTreeSet<&str>,
) -> Result<usize, ApiError> {
    let mine: Vec<(String, Option<String>)> = links::table
        .filter(links::local_government_id.eq(&scope.lg))
        .filter(links::person_id.eq(Some(person_id)))
        .filter(links::revoked_at.is_null())
        .filter(links::expires_at.gt(scope.at))
        .filter(links::message_id.is_not_null())
        .filter(links::purpose.eq(Word(LinkPurpose::Answer)))
        .select((links::id, links::message_id))
        .load(scope.conn)?;
    let messages: Vec<Option<String>> = mine.iter().map(|(_, message)| message.clone()).collect();
    let asked: Vec<(Option<String>, Option<String>)> = reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::message_id.eq_any(messages))
        // What it asked others who read the same address is theirs.
        .filter(
            reminder_items::person_id
                .is_null()
                .or(reminder_items::person_id.eq(Some(person_id))),
        )
        .select((reminder_items::message_id, reminder_items::entry_id))
        .load(scope.conn)?;
    let gone = |message: &Option<String>| {
        let mut about = asked.iter().filter(|(of, _)| of == message).peekable();
        about.peek().is_some()
            && about.all(|(_, entry)| entry.as_deref().is_some_and(|entry| entry_ids.contains(entry)))
    };
    let over: Vec<String> = mine
        .into_iter()
        .filter(|(_, message)| gone(message))
        .map(|(id, _)| id)
        .collect();
    let revoked = diesel::update(
        links::table
            .filter(links::local_government_id.eq(&scope.lg))
            .filter(links::id.eq_any(over)),
    )
    .set(links::revoked_at.eq(Some(scope.at)))
    .execute(scope.conn)?;
    Ok(revoked)
}
