//! The `webhooks` of the document: what is sent to receivers, one for each event ([`crate::domain::event`]).

use utoipa::Modify;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, SecurityRequirement};

use crate::domain::event::{EVENTS, EventType};

/// Adds them.
pub(super) struct Webhooks;

impl Modify for Webhooks {
    fn modify(&self, api: &mut OpenApi) {
        let paths = EVENTS.iter().fold(PathsBuilder::new(), |paths, event| {
            paths.path(event.code, PathItem::new(HttpMethod::Post, operation(event)))
        });
        api.webhooks = Some(paths.build());
    }
}

fn operation(event: &EventType) -> OperationBuilder {
    let headers = [
        (
            "webhook-id",
            "イベントのID。再送でも同じ / the id of the event, the same in every attempt",
        ),
        (
            "webhook-timestamp",
            "送った時刻（1970年からの秒） / when it was sent, in seconds since 1970",
        ),
        (
            "webhook-signature",
            "署名。空白で区切って複数のことがある（Standard Webhooks） / one or more signatures, separated by spaces",
        ),
    ];
    let operation = OperationBuilder::new()
        .operation_id(Some(format!("on_{}", event.code.replace('.', "_"))))
        .tag("webhooks")
        .summary(Some(event.en))
        .description(Some(format!(
            "{} / {}. Standard Webhooks; answer 2xx within 20 seconds.",
            event.ja, event.en
        )))
        .security(SecurityRequirement::default())
        .request_body(Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content(
                    "application/json",
                    ContentBuilder::new()
                        .schema(Some(RefOr::Ref(Ref::from_schema_name("Event"))))
                        .build(),
                )
                .build(),
        ))
        .response("2XX", ResponseBuilder::new().description("受け取った / Taken").build())
        .response(
            "410",
            ResponseBuilder::new()
                .description("もう受け取らない。送り先は停止される / Gone: the endpoint is disabled")
                .build(),
        );
    headers.into_iter().fold(operation, |operation, (name, description)| {
        operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some(description))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                .build(),
        )
    })
}
