//! The document: head, security, tags, and the validators compiled from its own schemas.
//!
//! Paths and schemas are collected from the handlers by `utoipa-actix-web` when the application is put together
//! ([`super::routes`]), so a route and its description are one statement; what all writes share is [`writes`]', examples are
//! [`examples`]', and [`v30`] says it again in 3.0. Built once; served at `/openapi.json`, `/openapi.yaml` and
//! `/openapi-3.0.json`, printed by `kakunin openapi`, committed in `openapi/`.

mod examples;
mod parameters;
mod plain;
mod v30;
mod webhooks;
mod words;
mod writes;

use std::collections::BTreeMap;

use actix_web::dev::ResourceDef;
use actix_web::{HttpRequest, HttpResponse, get, web};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{ClientCredentials, Flow, Http, HttpAuthScheme, OAuth2, Scopes, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};

use parameters::Parameters;

use self::webhooks::Webhooks;
use super::caller::scope;
use super::error::{ApiError, FieldError, Problem, codes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kakunin 確認",
        // The API's own version: what breaks a client makes it 2.0.0 (openapi/CHANGELOG.md).
        version = "1.0.0",
        description = "委託先・クラウドサービス・ソーシャルメディアアカウントの台帳、必要条項、リスク、再確認の督促。\n\nRegister of contractors, cloud services and social-media accounts of a Japanese public body: required clauses, risk, re-verification.",
        contact(name = "Kakunin contributors", url = "https://kakunin.example.lg.jp/", email = "kakunin@example.lg.jp"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "https://kakunin.example.lg.jp", description = "自団体のサーバー / your own server")),
    tags(
        (name = "meta", description = "稼働状況と文書 / health and this document"),
        (name = "auth", description = "トークンとAPIクライアント / tokens and API clients"),
        (name = "directory", description = "機関・所属・職・人 / organizations, departments, posts, people"),
        (name = "contractors", description = "委託事業者 / contractors"),
        (name = "entries", description = "台帳 / register entries of every kind"),
        (name = "engagements", description = "業務委託 / contracted work"),
        (name = "cloud_services", description = "クラウドサービス / cloud services"),
        (name = "social_media", description = "ソーシャルメディア / social media"),
        (name = "clauses", description = "条項 / clauses"),
        (name = "policies", description = "機関のポリシー / the organizations' own policies"),
        (name = "audits", description = "監査と自己点検 / audits and self-inspections"),
        (name = "evidence", description = "証跡とそのファイル / evidence and its files"),
        (name = "sheets", description = "取込 / imports of files from Excel"),
        (name = "risk", description = "リスク / risk"),
        (name = "obligations", description = "期限と確認 / obligations and verifications"),
        (name = "subcontracts", description = "再委託 / subcontracts"),
        (name = "deviations", description = "例外措置、是正措置、契約に基づく措置 / exceptions, corrective actions, measures under contracts"),
        (name = "incidents", description = "インシデント / incidents and the reports that the law asks for"),
        (name = "reminders", description = "督促とメール / reminders and messages"),
        (name = "audit", description = "監査ログ / the audit log"),
        (name = "gate", description = "判定 / may another system go on"),
        (name = "sync", description = "変更とイベント / changes and events"),
        (name = "webhooks", description = "イベントの送り先 / receivers of events"),
        (name = "reports", description = "報告 / reports over the whole register"),
        (name = "exports", description = "ファイルへの出力 / exports to files"),
        (name = "calendar", description = "期限のカレンダー / calendars of what is due"),
        (name = "what_if", description = "試算 / what-if, nothing is stored"),
    ),
    modifiers(&Security, &Webhooks)
)]
struct Head;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_with(Default::default);
        let flow = ClientCredentials::new(
            "https://kakunin.example.lg.jp/oauth/token",
            scope::ALL.iter().map(|(name, ja)| (*name, *ja)).collect::<Scopes>(),
        );
        components.add_security_scheme(
            "oauth2",
            SecurityScheme::OAuth2(OAuth2::new([Flow::ClientCredentials(flow)])),
        );
        components.add_security_scheme("client_basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// The head that every operation is added to.
pub fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The problems that any operation with a token may answer.
#[derive(IntoResponses)]
pub enum Problems {
    /// The request cannot be read.
    #[response(
        status = 400,
        description = "要求を読めない / The request cannot be read",
        content_type = "application/problem+json"
    )]
    BadRequest(Problem),
    /// No valid token.
    #[response(
        status = 401,
        description = "トークンがないか正しくない / No valid token",
        content_type = "application/problem+json"
    )]
    Unauthorized(Problem),
    /// A scope is missing.
    #[response(
        status = 403,
        description = "スコープが足りない / Insufficient scope",
        content_type = "application/problem+json"
    )]
    Forbidden(Problem),
    /// No such record.
    #[response(
        status = 404,
        description = "見つからない / Not found",
        content_type = "application/problem+json"
    )]
    NotFound(Problem),
    /// Any other problem.
    #[response(
        status = "default",
        description = "その他の問題 / Any other problem",
        content_type = "application/problem+json"
    )]
    Other(Problem),
}

/// The problems of a write, beside [`Problems`].
#[derive(IntoResponses)]
pub enum WriteProblems {
    /// The state of things forbids it.
    #[response(
        status = 409,
        description = "今の状態ではできない / Conflict",
        content_type = "application/problem+json"
    )]
    Conflict(Problem),
    /// Too large.
    #[response(
        status = 413,
        description = "本文が大きすぎる / Payload too large",
        content_type = "application/problem+json"
    )]
    TooLarge(Problem),
    /// Another media type.
    #[response(
        status = 415,
        description = "受け取れない形式 / Unsupported media type",
        content_type = "application/problem+json"
    )]
    MediaType(Problem),
    /// Values are wrong.
    #[response(
        status = 422,
        description = "値に誤りがある / Validation failed",
        content_type = "application/problem+json"
    )]
    Unprocessable(Problem),
}

/// The problems of a write that needs `If-Match`, beside the others.
#[derive(IntoResponses)]
pub enum PreconditionProblems {
    /// Changed in the meantime.
    #[response(
        status = 412,
        description = "先に更新されている / Changed in the meantime",
        content_type = "application/problem+json"
    )]
    Stale(Problem),
    /// `If-Match` is missing.
    #[response(
        status = 428,
        description = "If-Match がない / If-Match is missing",
        content_type = "application/problem+json"
    )]
    Required(Problem),
}

/// The problem of a write that may say what it expects to find, beside the others.
#[derive(IntoResponses)]
pub enum UpsertProblems {
    /// There already, or changed in the meantime.
    #[response(
        status = 412,
        description = "すでにあるか、先に更新されている / There already, or changed in the meantime",
        content_type = "application/problem+json"
    )]
    Unexpected(Problem),
}

/// The document with everything that is made of it once.
pub struct Document {
    /// The whole document.
    pub json: Value,
    text: String,
    yaml: String,
    text_30: String,
    validators: BTreeMap<String, Validator>,
    parameters: Parameters,
    paths: Vec<(ResourceDef, String)>,
}

impl Document {
    /// A validator of a schema that may refer to the document's own.
    ///
    /// # Errors
    /// A schema that is not one.
    pub fn compile(&self, schema: Value) -> Result<Validator, ApiError> {
        let schemas = self.json.pointer("/components/schemas").unwrap_or(&Value::Null);
        compiled(schema, schemas)
    }

    /// Finishes the collected document and compiles its schemas.
    ///
    /// # Errors
    /// A schema that is not one.
    pub fn new(api: &utoipa::openapi::OpenApi) -> Result<Self, ApiError> {
        let mut json = serde_json::to_value(api)?;
        describe_scopes(&mut json);
        writes::describe(&mut json);
        list_codes(&mut json);
        plain::rewrite(&mut json);
        examples::add(&mut json)?;
        let [text, yaml, text_30] = written(&json)?;
        let schemas = json.pointer("/components/schemas").cloned().unwrap_or_default();
        let names: Vec<String> = schemas
            .as_object()
            .map(|schemas| schemas.keys().cloned().collect())
            .unwrap_or_default();
        let mut validators = BTreeMap::new();
        for name in names {
            let validator = compiled(json!({"$ref": format!("#/components/schemas/{name}")}), &schemas)?;
            validators.insert(name, validator);
        }
        let mut paths = vec![];
        for (path, item) in json.get("paths").and_then(Value::as_object).into_iter().flatten() {
            let mut methods: Vec<String> = item
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(key, _)| ["get", "post", "put", "patch", "delete"].contains(&key.as_str()))
                .map(|(key, _)| key.to_uppercase())
                .collect();
            // The guard answers it wherever GET is answered.
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".to_owned());
            }
            paths.push((ResourceDef::new(path.as_str()), methods.join(", ")));
        }
        // A path in words comes before one that a parameter could read the same way.
        paths.sort_by_key(|(definition, _)| definition.pattern().map(|p| p.matches('{').count()));
        Ok(Self {
            parameters: Parameters::of(&json)?,
            json,
            text,
            yaml,
            text_30,
            validators,
            paths,
        })
    }

    /// The same with the address of this installation, so that the page at `/docs/` and a client made from the served
    /// document call it and not the example's.
    ///
    /// # Errors
    /// A document that cannot be written.
    pub fn at(mut self, public_url: &str) -> Result<Self, ApiError> {
        let token_url = "/components/securitySchemes/oauth2/flows/clientCredentials/tokenUrl";
        for (pointer, url) in [
            ("/servers/0/url", public_url.to_owned()),
            (token_url, format!("{public_url}/oauth/token")),
        ] {
            if let Some(value) = self.json.pointer_mut(pointer) {
                *value = url.into();
            }
        }
        [self.text, self.yaml, self.text_30] = written(&self.json)?;
        Ok(self)
    }

    /// The document as it is committed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same as YAML.
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// The same in OpenAPI 3.0, as it is committed.
    pub fn text_30(&self) -> &str {
        &self.text_30
    }

    /// Every mistake of a value against a schema of the document.
    ///
    /// # Errors
    /// A schema that the document does not have, which is ours to fix.
    pub fn validate(&self, schema: &str, value: &Value) -> Result<Vec<FieldError>, ApiError> {
        Ok(self
            .validator(schema)?
            .iter_errors(value)
            .take(100)
            .flat_map(|error| field_errors(&error))
            .collect())
    }

    /// The same, but for what is wrong at or below `inside`.
    ///
    /// # Errors
    /// A schema that the document does not have.
    pub fn validate_outside(&self, schema: &str, value: &Value, inside: &str) -> Result<Vec<FieldError>, ApiError> {
        Ok(self
            .validator(schema)?
            .iter_errors(value)
            .filter(|error| !error.instance_path().to_string().starts_with(inside))
            .take(100)
            .flat_map(|error| field_errors(&error))
            .collect())
    }

    fn validator(&self, schema: &str) -> Result<&Validator, ApiError> {
        self.validators
            .get(schema)
            .ok_or_else(|| ApiError::internal(format!("no schema {schema:?} in the document")))
    }

    /// Refuses a query with a value that the operation's parameter cannot have.
    ///
    /// # Errors
    /// 400.
    pub fn check_query(&self, method: &str, path: &str, query: &str) -> Result<(), ApiError> {
        self.parameters.check(method, path, query)
    }

    /// Whether an object of this schema has such a field.
    pub fn has_property(&self, schema: &str, name: &str) -> bool {
        let properties = self.json.pointer(&format!("/components/schemas/{schema}/properties"));
        properties.is_some_and(|properties| properties.get(name).is_some())
    }

    /// What answers when no route does: 405 with `Allow` when the path exists, otherwise 404.
    pub fn no_route(&self, path: &str) -> ApiError {
        match self.paths.iter().find(|(definition, _)| definition.is_match(path)) {
            Some((_, allow)) => ApiError::MethodNotAllowed(allow.clone()),
            None => ApiError::RouteNotFound,
        }
    }
}

/// A validator of a schema that may refer to the document's own. It is given those that it reaches: with all of them
/// beside each, the start would take seconds.
fn compiled(mut schema: Value, schemas: &Value) -> Result<Validator, ApiError> {
    let mut reached = Map::new();
    reach(&schema, schemas, &mut reached);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        schema.insert("components".to_owned(), json!({"schemas": reached}));
    }
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| ApiError::internal(error.to_string()))
}

/// The schemas that one refers to, and those that they refer to.
fn reach(value: &Value, schemas: &Value, reached: &mut Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(item, schemas, reached)),
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            if let Some(name) = target.and_then(|target| target.strip_prefix("#/components/schemas/"))
                && !reached.contains_key(name)
                && let Some(schema) = schemas.get(name)
            {
                reached.insert(name.to_owned(), schema.clone());
                reach(schema, schemas, reached);
            }
            members.values().for_each(|member| reach(member, schemas, reached));
        }
        _ => {}
    }
}

/// Every operation with a scope says so in words a machine finds without reading `security`.
fn describe_scopes(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return;
    };
    for operation in paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut())
    {
        let scope = operation
            .pointer("/security/0/oauth2/0")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if let (Some(scope), Some(operation)) = (scope, operation.as_object_mut()) {
            operation.insert("x-required-scope".to_owned(), Value::String(scope));
        }
    }
}

/// The codes of problems that there are today, where a machine finds them; the list grows.
fn list_codes(document: &mut Value) {
    let code = document.pointer_mut("/components/schemas/Problem/properties/code");
    if let Some(code) = code.and_then(Value::as_object_mut) {
        let known: Vec<&str> = codes::all().map(|known| known.code).collect();
        code.insert("x-extensible-enum".to_owned(), json!(known));
    }
}

/// The mistakes behind an error: of a value that may also be null, those of the value, not "neither of the two".
fn field_errors(error: &jsonschema::ValidationError<'_>) -> Vec<FieldError> {
    let (ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context }) = error.kind() else {
        return vec![field_error(error)];
    };
    let is_other_type = |branch: &[jsonschema::ValidationError<'static>]| {
        branch.iter().any(|inner| {
            matches!(inner.kind(), ValidationErrorKind::Type { .. }) && inner.instance_path() == error.instance_path()
        })
    };
    let mut meant = context.iter().filter(|branch| !is_other_type(branch));
    match (meant.next(), meant.next()) {
        (Some(branch), None) => branch.iter().flat_map(field_errors).collect(),
        _ => vec![field_error(error)],
    }
}

fn field_error(error: &jsonschema::ValidationError<'_>) -> FieldError {
    let at = error.instance_path().to_string();
    let below = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match error.kind() {
        ValidationErrorKind::Required { property } => FieldError::new(
            &below(property.as_str().unwrap_or_default()),
            "required",
            "この項目は必須です。",
            "This field is required.",
        ),
        ValidationErrorKind::AdditionalProperties { unexpected } => FieldError::new(
            &below(unexpected.first().map(String::as_str).unwrap_or_default()),
            "unknown_field",
            "この項目はありません。綴りを確かめてください。",
            "There is no such field; check the spelling.",
        ),
        ValidationErrorKind::MinLength { limit } => {
            let text = format!("{limit}文字以上にしてください。");
            FieldError::new(&at, "too_short", text, format!("At least {limit} character(s)."))
        }
        ValidationErrorKind::MaxLength { limit } => {
            let text = format!("{limit}文字以内にしてください。");
            FieldError::new(&at, "too_long", text, format!("At most {limit} character(s)."))
        }
        ValidationErrorKind::Pattern { pattern } => {
            let (ja, en) = words::of(pattern).map_or_else(
                || {
                    (
                        format!("形式が正しくありません（{pattern}）。"),
                        format!("Must match {pattern}."),
                    )
                },
                |(ja, en)| (ja.to_owned(), en.to_owned()),
            );
            FieldError::new(&at, "pattern_mismatch", ja, en)
        }
        ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => FieldError::new(
            &at,
            "not_in_enum",
            "決められた値ではありません。",
            "Not one of the allowed values.",
        ),
        ValidationErrorKind::Format { format } => {
            let code = if format == "date" {
                "invalid_date"
            } else {
                "invalid_format"
            };
            let (ja, en) = words::of(format).map_or_else(
                || (format!("{format} の形式ではありません。"), format!("Not a {format}.")),
                |(ja, en)| (ja.to_owned(), en.to_owned()),
            );
            FieldError::new(&at, code, ja, en)
        }
        ValidationErrorKind::Minimum { .. }
        | ValidationErrorKind::Maximum { .. }
        | ValidationErrorKind::MaxItems { .. }
        | ValidationErrorKind::MinItems { .. } => FieldError::new(
            &at,
            "out_of_range",
            "範囲外の値です。",
            format!("Out of range: {error}"),
        ),
        ValidationErrorKind::Type { .. } if error.instance().is_null() => FieldError::new(
            &at,
            "null_not_allowed",
            "空（null）にはできません。",
            "Null is not allowed.",
        ),
        ValidationErrorKind::Type { .. } => {
            FieldError::new(&at, "wrong_type", "型が違います。", format!("Wrong type: {error}"))
        }
        _ => FieldError::new(&at, "invalid", "値が正しくありません。", error.to_string()),
    }
}

/// The OpenAPI document
///
/// OpenAPI 3.1 in JSON; the same as `openapi/openapi.json` in the source.
#[utoipa::path(tag = "meta", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", body = Value, content_type = "application/json"),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/openapi.json")]
pub async fn get_openapi_json(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.text.clone())
}

/// The OpenAPI document as YAML
///
/// OpenAPI 3.1 in YAML.
#[utoipa::path(tag = "meta", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", body = Value, content_type = "application/yaml"),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/openapi.yaml")]
pub async fn get_openapi_yaml(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        // Readers that guess an encoding where none is named take the Japanese for Latin.
        .content_type("application/yaml; charset=utf-8")
        .body(document.yaml.clone())
}

/// The OpenAPI document in 3.0
///
/// The same document in OpenAPI 3.0.3, for tools that read nothing newer; the same as `openapi/openapi-3.0.json` in the
/// source.
#[utoipa::path(tag = "meta", security(()), responses(
    (status = 200, description = "OpenAPI 3.0", body = Value, content_type = "application/json"),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/openapi-3.0.json")]
pub async fn get_openapi_30_json(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.text_30.clone())
}

/// A document as JSON, as YAML, and as JSON in 3.0.
fn written(json: &Value) -> Result<[String; 3], ApiError> {
    let pretty = |json: &Value| Ok::<_, ApiError>(serde_json::to_string_pretty(json)? + "\n");
    let yaml = serde_saphyr::to_string(json).map_err(ApiError::internal)?;
    Ok([pretty(json)?, yaml, pretty(&v30::derive(json))?])
}

/// What answers when nothing else does.
///
/// # Errors
/// Always: 404 or 405.
pub async fn no_route(request: HttpRequest, document: web::Data<Document>) -> Result<HttpResponse, ApiError> {
    Err(document.no_route(request.path()))
}
