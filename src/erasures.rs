//! Erasing personal data for good: of a person who has left, and of a contractor's contacts.
//!
//! The record stays, so that what refers to it still has somebody; its names, addresses and codes go, and so do the
//! payloads of its journal entries ([`crate::journal::erase`]): the chain still verifies, and an entry says what went and
//! why. Mails are erased by their own time limit ([`crate::work`]); here their addresses go. Answers kept for requests that
//! are sent again may name them, sealed, for the seven days of theirs.

use actix_web::{HttpResponse, post, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::{bounced_addresses, contractor_contacts, contractors, messages, people, reminder_items};
use crate::db::search;
use crate::http::answer::Answer;
use crate::http::body::{Body, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{Problems, WriteProblems};
use crate::journal::erase;

/// What stands where a name was.
const ERASED_NAME: &str = "（消去済み）";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(erase_person).service(erase_contractor_contacts);
}

/// An order to erase.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureCreate {
    /// Why: the request, or the retention period that is over. It stays; name nobody in it.
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// What was erased.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Erasure {
    /// The record that stays.
    #[schema(format = Uuid)]
    pub id: String,
    /// Journal entries whose content is gone.
    #[schema(minimum = 0)]
    pub erased_payloads: usize,
}

fn reason(new: &ErasureCreate) -> Result<String, ApiError> {
    let mut errors = vec![];
    let reason = lines(&new.reason, "/reason", 1000, &mut errors);
    ApiError::unless_empty(errors)?;
    Ok(reason)
}

/// Erase a person
///
/// Who has left: name, kana, mail address and employee code go, from the record, from the journal and from the addresses
/// of their mails. 409 `person_is_there` before. It cannot be undone.
#[utoipa::path(tag = "directory", request_body = ErasureCreate,
    params(("person_id" = String, Path, description = "人のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "消去する人のID / who erases")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "消去した記録 / What was erased", body = Erasure), Problems, WriteProblems))]
#[post("/people/{person_id}/erasures")]
async fn erase_person(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    Body(new): Body<ErasureCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let (left_on, email): (Option<chrono::NaiveDate>, Option<String>) = people::table
                .find((&scope.lg, &id))
                .select((people::left_on, people::email))
                .first(scope.conn)?;
            caller.person()?;
            let reason = reason(&new)?;
            if left_on.is_none_or(|on| on >= scope.today) {
                return Err(ApiError::Conflict {
                    code: "person_is_there",
                    ja: "在籍している人は消去できません。left_on に離れた日を入れ、その翌日以後に消去してください。"
                        .to_owned(),
                    en: "Somebody who is still there cannot be erased; set left_on, and erase from the day after it."
                        .to_owned(),
                });
            }
            diesel::update(people::table.find((&scope.lg, &id)))
                .set((
                    people::name.eq(ERASED_NAME),
                    people::name_kana.eq(None::<String>),
                    people::email.eq(None::<String>),
                    people::employee_code.eq(None::<String>),
                    people::search_text.eq(""),
                    people::version.eq(people::version + 1),
                    people::updated_at.eq(scope.at),
                    people::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            search::index(scope, "person", &id, "")?;
            erase_addresses(scope, &id, email.as_deref())?;
            let erased_payloads = erase::erase(scope, "person", &id, &reason)?;
            Answer::ok(&Erasure { id, erased_payloads })
        })
        .await
}

/// The addresses of what was sent to a person. A mail keeps its row; nobody can say any more whose it was.
fn erase_addresses(scope: &mut Scope<'_>, person_id: &str, email: Option<&str>) -> Result<(), ApiError> {
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::person_id.eq(Some(person_id))),
    )
    .set(reminder_items::address.eq(""))
    .execute(scope.conn)?;
    let Some(email) = email else { return Ok(()) };
    diesel::delete(bounced_addresses::table.find((&scope.lg, email))).execute(scope.conn)?;
    let sent: Vec<String> = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::address.eq(email))
        .select(messages::id)
        .load(scope.conn)?;
    for id in sent {
        diesel::update(messages::table.find((&scope.lg, &id)))
            .set((
                messages::address.eq(format!("erased:{id}")),
                messages::sealed_bytes.eq(None::<Vec<u8>>),
                messages::master_key_id.eq(None::<String>),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

/// Erase a contractor's contacts
///
/// The persons named as contacts go, from the record and from the journal; the company stays.
#[utoipa::path(tag = "contractors", request_body = ErasureCreate,
    params(("contractor_id" = String, Path, description = "委託事業者のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "消去する人のID / who erases")),
    security(("oauth2" = ["contractors:write"])), responses(
    (status = 200, description = "消去した記録 / What was erased", body = Erasure), Problems, WriteProblems))]
#[post("/contractors/{contractor_id}/contact-erasures")]
async fn erase_contractor_contacts(
    caller: Caller<scope::ContractorsWrite>,
    id: web::Path<String>,
    Body(new): Body<ErasureCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let _: String = contractors::table
                .find((&scope.lg, &id))
                .select(contractors::id)
                .first(scope.conn)?;
            caller.person()?;
            let reason = reason(&new)?;
            diesel::delete(
                contractor_contacts::table
                    .filter(contractor_contacts::local_government_id.eq(&scope.lg))
                    .filter(contractor_contacts::contractor_id.eq(&id)),
            )
            .execute(scope.conn)?;
            diesel::update(contractors::table.find((&scope.lg, &id)))
                .set((
                    contractors::version.eq(contractors::version + 1),
                    contractors::updated_at.eq(scope.at),
                    contractors::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let erased_payloads = erase::erase(scope, "contractor", &id, &reason)?;
            Answer::ok(&Erasure { id, erased_payloads })
        })
        .await
}
