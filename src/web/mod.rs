//! The status pages.
use crate::loops::Shared;
use tokio::net::TcpListener;
use tokio::sync::watch;
/// State.
#[derive(Clone)]
pub struct WebState {}
impl WebState {
    /// New.
    pub fn new(_shared: Shared) -> Self {
        Self {}
    }
}
/// Router.
pub fn router(_state: WebState) -> axum::Router {
    axum::Router::new().route("/healthz", axum::routing::get(|| async { "ok" }))
}
/// Serve.
pub async fn serve(listener: TcpListener, router: axum::Router, mut stop: watch::Receiver<bool>) {
    let _ = axum::serve(listener, router)
        .with_graceful_shutdown(async move { crate::loops::shared::stopped(&mut stop).await })
        .await;
}
