//! The edge: every route of the API on this screen, and what all of them share. The pages for people are listed in
//! [`crate::pages`].
//!
//! `main` and the tests call [`application`]. Handlers are attribute macros registered by `.service()`, the only way
//! into the OpenAPI document; the permission of each stands in its signature ([`caller`]).

pub mod answer;
pub mod body;
pub mod caller;
pub mod error;
pub mod guard;
mod idempotency;
pub mod limits;
pub mod openapi;
pub mod page;
pub mod problems;
pub mod upsert;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, Error, web};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;
use crate::{
    api_clients, audit_log, audits, calendar_feeds, clause_templates, clauses, cloud_services, contract_measures,
    contractors, corrective_actions, delegations, departments, engagements, entries, erasures, evidence, exceptions,
    exports, files, fiscal_year_snapshots, gate_checks, health, imports, incidents, measure_areas, messages,
    obligations, organizations, origins, ownership_transfers, pages, people, policies, policy_documents, posts,
    reminders, reports, risk, risk_model, self_inspections, social_media_accounts, social_media_services, subcontracts,
    sync, tokens, transitions, verifications, webhooks, what_if,
};
use error::ApiError;
use openapi::Document;

/// The largest JSON body, in bytes.
const BODY_LIMIT: usize = 256 * 1024;

/// Every route of the API.
fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(health::get_liveness)
        .service(health::get_readiness)
        .service(openapi::get_openapi_json)
        .service(openapi::get_openapi_yaml)
        .service(openapi::get_openapi_30_json)
        .service(problems::get_problem_type)
        .service(tokens::issue_token)
        .service(tokens::get_jwks)
        .service(tokens::get_authorization_server_metadata)
        .service(calendar_feeds::get_calendar_feed)
        .service(
            scope("/api/v1")
                .configure(api_clients::routes)
                .configure(organizations::routes)
                .configure(departments::routes)
                .configure(posts::routes)
                .configure(people::routes)
                .configure(delegations::routes)
                .configure(ownership_transfers::routes)
                .configure(contractors::routes)
                .configure(entries::routes)
                .configure(engagements::routes)
                .configure(cloud_services::routes)
                .configure(social_media_services::routes)
                .configure(social_media_accounts::routes)
                .configure(clauses::routes)
                .configure(clause_templates::routes)
                .configure(evidence::routes)
                .configure(policies::routes)
                .configure(policy_documents::routes)
                .configure(audits::routes)
                .configure(self_inspections::routes)
                .configure(measure_areas::routes)
                .configure(fiscal_year_snapshots::routes)
                .configure(files::routes)
                .configure(risk::routes)
                .configure(risk_model::routes)
                .configure(gate_checks::routes)
                .configure(obligations::routes)
                .configure(verifications::routes)
                .configure(transitions::routes)
                .configure(exceptions::routes)
                .configure(subcontracts::routes)
                .configure(origins::routes)
                .configure(erasures::routes)
                .configure(corrective_actions::routes)
                .configure(contract_measures::routes)
                .configure(incidents::routes)
                .configure(audit_log::routes)
                .configure(sync::routes)
                .configure(webhooks::routes)
                .configure(reminders::routes)
                .configure(messages::routes)
                .configure(reports::routes)
                .configure(exports::routes)
                .configure(calendar_feeds::routes)
                .configure(imports::routes)
                .configure(what_if::routes),
        );
}

/// The document, made from the routes.
///
/// # Errors
/// A schema that is not one.
pub fn document() -> Result<Document, ApiError> {
    let (_, api) = ActixApp::new()
        .into_utoipa_app()
        .openapi(openapi::head())
        .configure(routes)
        .split_for_parts();
    Document::new(&api)
}

/// The whole application, for the server and for the tests.
pub fn application(
    app: App,
    document: web::Data<Document>,
) -> ActixApp<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
> {
    let (actix, _) = ActixApp::new()
        .into_utoipa_app()
        .openapi(openapi::head())
        .app_data(web::Data::new(app))
        .app_data(document)
        .app_data(web::PayloadConfig::new(BODY_LIMIT))
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::NotFound.into()))
        .configure(routes)
        .split_for_parts();
    actix
        .service(
            SwaggerUi::new("/docs/{_:.*}").config(utoipa_swagger_ui::Config::from("/openapi.json").use_base_layout()),
        )
        .configure(pages::routes)
        .default_service(web::to(openapi::no_route))
        .wrap(from_fn(guard::guard))
}
