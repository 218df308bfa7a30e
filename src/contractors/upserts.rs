//! What other systems send: a contractor by their key or by its corporate number, created or changed, alone or many at
//! once. Recognised by keys only ([`crate::domain::matching`]); a name that is there already stops a creation, so that a
//! person decides whether it is the same company.

use actix_web::{HttpResponse, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{Contractor, ContractorCreate, ContractorPatch};
use super::{KIND, change, create, rows};
use crate::app::Scope;
use crate::domain::identifier::CorporateNumber;
use crate::domain::matching::{MatchedBy, may_be_same, recognise};
use crate::external_ids::{self, ExternalId};
use crate::http::answer::Answer;
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, Lang, Problem};
use crate::http::openapi::{Problems, UpsertProblems, WriteProblems};
use crate::http::upsert::{Batch, Expected, Upsert};

/// The most candidates that are named.
const MOST_CANDIDATES: usize = 20;

type Sent = Upsert<ContractorCreate, ContractorPatch>;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(upsert_contractor_by_external_id)
        .service(upsert_contractor_by_corporate_number)
        .service(batch_upsert_contractors);
}

/// A contractor and how it was recognised.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UpsertedContractor {
    /// The contractor.
    #[serde(flatten)]
    pub contractor: Contractor,
    /// By what it was recognised; null when it was created.
    #[schema(required)]
    pub matched_by: Option<MatchedBy>,
}

/// Many contractors.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractorBatchPut {
    /// Each with an external id or a corporate number.
    #[schema(min_items = 1, max_items = 1000)]
    #[expect(dead_code, reason = "the schema of the body; its items are read one by one")]
    items: Vec<ContractorCreate>,
}

/// What became of each.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractorBatchResult {
    /// Registered.
    pub created: usize,
    /// Changed.
    pub updated: usize,
    /// Said what was known.
    pub unchanged: usize,
    /// Refused; nothing of these was written.
    pub failed: usize,
    /// In the order of the request.
    pub items: Vec<ContractorBatchItem>,
}

/// What became of one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractorBatchItem {
    /// Its place in the request, from 0.
    pub index: usize,
    /// The status that it would have been answered with alone.
    #[schema(minimum = 200, maximum = 599, example = 201)]
    pub status: u16,
    /// The contractor, unless it was refused.
    #[schema(required, format = Uuid)]
    pub id: Option<String>,
    /// Its version.
    #[schema(required)]
    pub version: Option<i64>,
    /// By what it was recognised; null when it was created or refused.
    #[schema(required)]
    pub matched_by: Option<MatchedBy>,
    /// Why it was refused.
    #[schema(required)]
    pub problem: Option<Problem>,
}

/// Create or change a contractor by an external id
///
/// Recognised by the key in the path, then by `corporate_number`. One that is there is changed: what is not sent, or is
/// null, stays; `external_ids` is joined by the key of the path. When nothing is recognised and the name is there already,
/// 409 `possible_duplicate` names the candidates: add the key to one of them, or register the other company by POST.
#[utoipa::path(tag = "contractors", request_body = ContractorCreate,
    params(("system" = String, Path, description = "外部システム / the other system", pattern = "^[a-z][a-z0-9_-]{1,31}$"),
           ("value" = String, Path, description = "そのキー / its key there", min_length = 1, max_length = 128)),
    security(("oauth2" = ["contractors:write"])), responses(
    (status = 200, description = "登録済みの事業者 / The contractor that was there", body = UpsertedContractor,
     headers(("ETag" = String, description = "版 / its version"))),
    (status = 201, description = "登録した事業者 / The new contractor", body = UpsertedContractor,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems, UpsertProblems))]
#[put("/contractors/by-external-id/{system}/{value}")]
async fn upsert_contractor_by_external_id(
    caller: Caller<scope::ContractorsWrite>,
    path: web::Path<(String, String)>,
    mut sent: Sent,
    expected: Expected,
) -> Result<HttpResponse, ApiError> {
    let key = ExternalId::of_path(path.into_inner())?;
    caller
        .write(move |caller, scope| {
            join(&mut sent, &key);
            let found = recognised(
                scope,
                std::slice::from_ref(&key),
                sent.create.corporate_number.as_deref(),
            )?;
            answer(&upsert(scope, found, sent, &expected, caller.lang)?)
        })
        .await
}

/// Create or change a contractor by its corporate number
///
/// As by an external id, for systems that keep no key of their own. A number with a wrong check digit is refused (422).
#[utoipa::path(tag = "contractors", request_body = ContractorCreate,
    params(("corporate_number" = String, Path, description = "法人番号13桁", pattern = "^[1-9][0-9]{12}$")),
    security(("oauth2" = ["contractors:write"])), responses(
    (status = 200, description = "登録済みの事業者 / The contractor that was there", body = UpsertedContractor,
     headers(("ETag" = String, description = "版 / its version"))),
    (status = 201, description = "登録した事業者 / The new contractor", body = UpsertedContractor,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems, UpsertProblems))]
#[put("/contractors/by-corporate-number/{corporate_number}")]
async fn upsert_contractor_by_corporate_number(
    caller: Caller<scope::ContractorsWrite>,
    number: web::Path<String>,
    mut sent: Sent,
    expected: Expected,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let number = CorporateNumber::parse(&number)
                .map_err(|e| ApiError::field("corporate_number", e.code(), e.message_ja(), e.message_en()))?;
            let number = number.as_str();
            if sent
                .create
                .corporate_number
                .as_deref()
                .is_some_and(|given| given != number)
            {
                return Err(ApiError::field(
                    "/corporate_number",
                    "immutable_field",
                    "パスの法人番号と同じにするか、省いてください。",
                    "Give the number of the path, or none.",
                ));
            }
            sent.create.corporate_number = Some(number.to_owned());
            let found = recognised(scope, &[], Some(number))?;
            answer(&upsert(scope, found, sent, &expected, caller.lang)?)
        })
        .await
}

/// Create or change many contractors
///
/// Each as by its external ids, then its corporate number, of which it needs one; each is answered by itself, and one that
/// is refused does not stop the others. Needs an `Idempotency-Key` (400 `idempotency_key_required`), so that a batch whose
/// answer was lost is sent again and read again.
#[utoipa::path(tag = "contractors", request_body = ContractorBatchPut, security(("oauth2" = ["contractors:write"])), responses(
    (status = 207, description = "1件ずつの結果 / What became of each", body = ContractorBatchResult),
    Problems, WriteProblems))]
#[post("/contractors/batch-upsert")]
async fn batch_upsert_contractors(
    caller: Caller<scope::ContractorsWrite>,
    batch: Batch<ContractorBatchPut, ContractorCreate, ContractorPatch>,
) -> Result<HttpResponse, ApiError> {
    caller.require_key()?;
    caller
        .write(move |caller, scope| {
            let mut result = ContractorBatchResult {
                created: 0,
                updated: 0,
                unchanged: 0,
                failed: 0,
                items: vec![],
            };
            for (index, sent) in batch.read().enumerate() {
                let done = sent.and_then(|sent| scope.attempt(|scope| one_of_many(scope, sent, caller.lang)));
                result.note(index, done, caller)?;
            }
            Answer::multi_status(&result)
        })
        .await
}

impl ContractorBatchResult {
    /// Notes what became of an item. What is ours to fix, or may go well later, ends the whole batch instead.
    fn note(
        &mut self,
        index: usize,
        done: Result<Done, ApiError>,
        caller: &Caller<scope::ContractorsWrite>,
    ) -> Result<(), ApiError> {
        let item = match done {
            Ok(done) => {
                let (count, status) = match done.what {
                    What::Created => (&mut self.created, 201),
                    What::Updated => (&mut self.updated, 200),
                    What::Unchanged => (&mut self.unchanged, 200),
                };
                *count += 1;
                ContractorBatchItem {
                    index,
                    status,
                    id: Some(done.contractor.id),
                    version: Some(done.contractor.version),
                    matched_by: done.matched_by,
                    problem: None,
                }
            }
            Err(error) => {
                let problem = error.problem(caller.lang, &caller.request_id);
                if problem.status >= 500 {
                    return Err(error);
                }
                self.failed += 1;
                ContractorBatchItem {
                    index,
                    status: problem.status,
                    id: None,
                    version: None,
                    matched_by: None,
                    problem: Some(problem),
                }
            }
        };
        self.items.push(item);
        Ok(())
    }
}

enum What {
    Created,
    Updated,
    Unchanged,
}

struct Done {
    contractor: Contractor,
    matched_by: Option<MatchedBy>,
    what: What,
}

fn answer(done: &Done) -> Result<Answer, ApiError> {
    let body = UpsertedContractor {
        contractor: done.contractor.clone(),
        matched_by: done.matched_by,
    };
    let answer = match done.what {
        What::Created => Answer::created(format!("/api/v1/contractors/{}", done.contractor.id), &body)?,
        What::Updated | What::Unchanged => Answer::ok(&body)?,
    };
    Ok(answer.version(done.contractor.version))
}

/// The key of the path is one of the record's, whatever else it has.
fn join(sent: &mut Sent, key: &ExternalId) {
    sent.create.external_ids = ExternalId::joined(std::mem::take(&mut sent.create.external_ids), Some(key));
}

fn one_of_many(scope: &mut Scope<'_>, sent: Sent, lang: Lang) -> Result<Done, ApiError> {
    let (keys, number) = (sent.create.external_ids.clone(), sent.create.corporate_number.clone());
    if keys.is_empty() && number.is_none() {
        return Err(ApiError::field(
            "/external_ids",
            "identifier_required",
            "外部IDか法人番号を付けてください。",
            "Give an external id or the corporate number.",
        ));
    }
    let found = recognised(scope, &keys, number.as_deref())?;
    upsert(scope, found, sent, &Expected::anything(), lang)
}

/// The contractor that keys and number name.
fn recognised(
    scope: &mut Scope<'_>,
    keys: &[ExternalId],
    number: Option<&str>,
) -> Result<Option<(String, MatchedBy)>, ApiError> {
    let mut by_keys = vec![];
    for key in keys {
        by_keys.extend(external_ids::find(scope, KIND, key)?);
    }
    let by_number = match number {
        Some(number) => rows::of_number(scope, number)?,
        None => None,
    };
    recognise(&by_keys, by_number.as_deref()).map_err(|_| ApiError::duplicate("external_ids"))
}

/// Registers what was not recognised, changes what was.
fn upsert(
    scope: &mut Scope<'_>,
    found: Option<(String, MatchedBy)>,
    mut sent: Sent,
    expected: &Expected,
    lang: Lang,
) -> Result<Done, ApiError> {
    let Some((id, matched_by)) = found else {
        expected.check_absent()?;
        refuse_same_name(scope, &sent.create)?;
        return Ok(Done {
            contractor: create(scope, sent.create)?,
            matched_by: None,
            what: What::Created,
        });
    };
    let before = rows::find(scope, &id)?;
    expected.check_there(before.version, lang)?;
    if before.archived_at.is_some() {
        return Err(ApiError::Conflict {
            code: "archived",
            ja: "この事業者は保管済みのため変更できません。外部システムのキーを確かめてください。".to_owned(),
            en: "The contractor is archived and is not changed any more; check the key of the other system.".to_owned(),
        });
    }
    // What it has besides stays when the list was not sent.
    let mut all = sent.create.external_ids.clone();
    if sent.change.set.external_ids.is_none() {
        all.extend(before.external_ids.clone());
    }
    let all = ExternalId::joined(all, None);
    let (number, same_keys) = (sent.create.corporate_number.take(), all == before.external_ids);
    let same_number = number.is_none() || number == before.corporate_number;
    sent.change.set.external_ids = Some(all);
    sent.change.set.corporate_number = number;
    if same_keys && same_number && sent.says_nothing_new(&before)? {
        return Ok(Done {
            contractor: before,
            matched_by: Some(matched_by),
            what: What::Unchanged,
        });
    }
    Ok(Done {
        contractor: change(scope, before, sent.change)?,
        matched_by: Some(matched_by),
        what: What::Updated,
    })
}

/// Stops a creation whose name is there already, unless both companies have a number.
///
/// # Errors
/// 409 `possible_duplicate`.
pub(crate) fn refuse_same_name(scope: &mut Scope<'_>, new: &ContractorCreate) -> Result<(), ApiError> {
    let mut candidates = rows::of_name(scope, &new.name, MOST_CANDIDATES)?;
    candidates.retain(|other| may_be_same(new.corporate_number.as_deref(), other.corporate_number.as_deref()));
    if candidates.is_empty() {
        Ok(())
    } else {
        Err(ApiError::PossibleDuplicate(candidates))
    }
}
