//! What the web server answers.

use std::path::Path;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, Response};
use axum::routing::{any, get};
use tower_http::services::ServeDir;

use super::clock::Clock;
use super::files::Files;
use super::{listing, probes};

/// Files of a folder, or the page of its own.
pub fn app(directory: Option<&Path>, clock: &Clock) -> Router {
    let routes = match directory {
        Some(directory) => folder(directory, clock),
        None => own(clock),
    };
    routes.layer(from_fn_with_state(clock.clone(), dated))
}

fn folder(directory: &Path, clock: &Clock) -> Router {
    let list = axum::handler::Handler::with_state(listing::list, directory.to_path_buf());
    match clock {
        // A lab's programs share a thread and have to be the same each time: no call is handed to other threads.
        Clock::Lab { .. } => Router::new().fallback_service(ServeDir::with_backend(directory, Files).fallback(list)),
        Clock::Machine => Router::new().fallback_service(ServeDir::new(directory).fallback(list)),
    }
}

fn own(clock: &Clock) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/bytes/{size}", get(probes::bytes))
        .route("/delay/{time}", get(probes::delay))
        .route("/chunked", get(probes::chunked))
        .route("/echo", any(probes::echo))
        .with_state(clock.clone())
}

/// The page of its own.
pub async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

/// hyper would take the date from the machine.
async fn dated(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let date = httpdate::fmt_http_date(clock.wall());
    if let Ok(date) = HeaderValue::try_from(date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("loggia"));
    response
}
