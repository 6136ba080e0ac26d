//! The accept loop: bounds on connections, on the time a head may take, and on a connection's whole life.
//!
//! Our own because the framework's has no time-out for a request's head: a client that sends one byte a minute would
//! hold a connection for ever.

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Most connections at once; more wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 512;
/// How long a request's head may take, and how long a connection may idle between two.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may live, whatever it does; long enough for a large download over a slow line.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// How long requests in hand may take when the daemon stops.
const STOP_TIME_MAX: Duration = Duration::from_secs(3);
/// Pause after an error of accepting, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Most bytes of a request's head.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// The address at the other end of the connection, put into each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Answers on `listener` until `stop` holds true, then finishes the requests in hand.
pub async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    serve_within(listener, router, stop, HEAD_TIME_MAX).await;
}

/// [`serve`] with another bound on the time a head may take.
pub(super) async fn serve_within(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
    head_time: Duration,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Some((place, stream, peer)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    let _ = tokio::time::timeout(
                        CONNECTION_TIME_MAX,
                        connection((stream, peer), router, stop, head_time),
                    )
                    .await;
                    drop(place);
                });
            }
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    let finish = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME_MAX, finish).await.is_err() {
        tracing::info!("the status page stops with requests in hand");
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(Place, TcpStream, SocketAddr)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((place, stream, peer)),
        Err(error) => {
            tracing::warn!("the status page cannot accept a connection: {error}");
            None
        }
    }
}

async fn connection(
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    mut stop: watch::Receiver<bool>,
    head_time: Duration,
) {
    let _ = stream.set_nodelay(true);
    let peer = Peer(peer.ip().to_canonical());
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_time).max_buf_size(HEAD_MAX_BYTES);
    let mut served = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = served.as_mut() => return,
        () = stopped(&mut stop) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
