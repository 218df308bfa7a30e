//! Reports over the whole register that are no list of a resource: entries without an owner, and how ready the register
//! is for the rule of 1 July 2027.

mod ownerless;
mod readiness;

use utoipa_actix_web::service_config::ServiceConfig;

/// Entries that one page looks through; what belongs to them is looked up in as many statements for any number.
const WINDOW: i64 = 2_000;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(ownerless::list_ownerless_entries)
        .service(readiness::report_readiness);
}
