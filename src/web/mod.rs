//! The status page: a ticket's card for whoever knows its number, its conversation for whoever holds the signed link.
//!
//! Reads through the store's read-only connections. What it causes, a mail with the link and a participant's leave, goes
//! through [`crate::loops::links`] and [`crate::loops::leave`]. Knows no cookie, no session and no script; forgets every request when it is answered.

mod answer;
mod handlers;
mod html;
mod limit;
mod metrics;
mod pages;
mod serve;
#[cfg(test)]
mod tests;
mod view;
mod words;

use crate::loops::Shared;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use limit::Limiter;
use std::sync::Arc;
use tokio::sync::Semaphore;

pub use metrics::metrics_router;
pub use serve::{CONNECTIONS_MAX, HEAD_TIME_MAX, serve};

/// Most bytes of a request's body; the forms send none to speak of.
const BODY_MAX_BYTES: usize = 4 * 1024;

/// Most downloads on the wire at once: each holds a whole attachment in memory until it is sent.
pub const DOWNLOADS_MAX: usize = 16;

/// What the pages need. Clones share everything.
#[derive(Clone)]
pub struct WebState {
    shared: Shared,
    limiter: Arc<Limiter>,
    downloads: Arc<Semaphore>,
}

impl WebState {
    /// Pages over the store and the settings of `shared`. The rate limit is that of the settings in force now.
    pub fn new(shared: Shared) -> Self {
        let per_minute = shared.settings().config.web.as_ref().map_or(60, |web| web.requests_per_minute);
        Self {
            shared,
            limiter: Arc::new(Limiter::new(per_minute)),
            downloads: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
        }
    }
}

/// All pages.
pub fn router(state: WebState) -> Router {
    let pages = Router::new()
        .route("/", get(handlers::home))
        .route("/t", get(handlers::find))
        .route("/t/{number}", get(handlers::card))
        .route("/t/{number}/link", post(handlers::ask_link).get(handlers::back_to_card))
        .route("/t/{number}/{signature}", get(handlers::conversation))
        .route("/leave/{token}", get(handlers::ask_leave).post(handlers::leave))
        .route("/t/{number}/{signature}/a/{id}/{name}", get(handlers::download))
        .fallback(handlers::nothing_here)
        .method_not_allowed_fallback(handlers::nothing_here)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(state.clone(), limit::in_time))
        .layer(from_fn_with_state(state.clone(), limit::in_number));
    let files = Router::new()
        .route("/healthz", get(handlers::health))
        .route("/style.css", get(handlers::style))
        .route("/icon.svg", get(handlers::icon))
        .route("/robots.txt", get(handlers::robots));
    pages.merge(files).layer(axum::middleware::map_response(answer::secure)).with_state(state)
}
