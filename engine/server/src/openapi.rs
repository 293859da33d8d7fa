//! The OpenAPI 3.1 description: what the routes do not say themselves.

use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Components, ComponentsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};

use crate::problem::{self, Code, Problem};

const BEARER: &str = "bearer";
const PROBLEM: &str = "Problem";
/// Paths that need no token.
const OPEN: &[&str] = &["/healthz", "/readyz", "/version", "/metrics", "/ws"];

/// Title and version, before any route.
pub(crate) fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Nestr Engine")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Errors are RFC 9457 problems with a stable `code` and the trace id. Long operations are answered \
             with 202 and a Location.",
        ))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// Adds what holds for every operation: the problem as default response, and the token.
pub(crate) fn complete(mut api: OpenApi) -> OpenApi {
    let (path, item) = perch_path();
    api.paths.paths.insert(path, item);
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(problem_response()));
            if !OPEN.contains(&path.as_str()) {
                let none: [&str; 0] = [];
                operation.security = Some(vec![SecurityRequirement::new(BEARER, none)]);
            }
        }
    }
    let components = api.components.get_or_insert_with(Components::new);
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let extra = ComponentsBuilder::new()
        .schema("Code", Code::schema())
        .schema(PROBLEM, Problem::schema())
        .schema("Event", crate::events::EventShape::schema())
        .security_scheme(BEARER, SecurityScheme::Http(scheme))
        .build();
    components.schemas.extend(extra.schemas);
    components.security_schemes.extend(extra.security_schemes);
    api
}

/// The description as text, with a final line break.
pub(crate) fn render(api: OpenApi) -> String {
    let mut text = api.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The proxy's route takes slashes in its last parameter, which only its pattern can say.
fn perch_path() -> (String, PathItem) {
    use utoipa::Path;
    type Proxy = crate::perch::__path_ask_perch;
    let operation = Proxy::operation();
    (Proxy::path(), PathItem::new(utoipa::openapi::HttpMethod::Get, operation))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch]
        .into_iter()
        .flatten()
}

fn problem_response() -> Response {
    let content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name(PROBLEM)))).build();
    ResponseBuilder::new()
        .description("A problem (RFC 9457)")
        .content(problem::CONTENT_TYPE, content)
        .build()
}
