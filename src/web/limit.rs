//! Who may ask how often: requests per minute and address block, and the time one request may take.
//!
//! Blocks rather than addresses (IPv4 /24, IPv6 /48), for a guesser has many addresses in one block.

use super::serve::Peer;
use super::view::View;
use super::{WebState, answer, pages};
use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long one request may take before it is answered with 504.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(20);
/// Blocks that have been quiet are forgotten after so many requests; the table never shrinks by itself.
const FORGET_EVERY: u32 = 10_000;

/// Requests counted per block.
pub(super) struct Limiter {
    blocks: DefaultKeyedRateLimiter<[u8; 7]>,
    clock: DefaultClock,
    since_forgetting: AtomicU32,
}

impl Limiter {
    pub(super) fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            blocks: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            since_forgetting: AtomicU32::new(0),
        }
    }

    /// Counts a request; how long its block has to wait when there were too many.
    fn count(&self, address: IpAddr) -> Result<(), Duration> {
        if self.since_forgetting.fetch_add(1, Ordering::Relaxed) >= FORGET_EVERY {
            self.since_forgetting.store(0, Ordering::Relaxed);
            self.blocks.retain_recent();
        }
        self.blocks.check_key(&block(address)).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// The /24 of an IPv4 address, mapped ones included; the /48 of an IPv6 address.
fn block(address: IpAddr) -> [u8; 7] {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            [4, a, b, c, 0, 0, 0]
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, ..] = v6.octets();
            [6, a, b, c, d, e, f]
        }
    }
}

/// Where a request comes from. Behind a proxy that is the last entry of the last `X-Forwarded-For`: the one the proxy
/// wrote; all before it is the client's own claim.
fn client(peer: Option<Peer>, headers: &HeaderMap, behind_proxy: bool) -> IpAddr {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
    };
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address);
    if behind_proxy { forwarded().unwrap_or(peer) } else { peer }
}

/// Turns away a block that asks too often.
pub(super) async fn in_number(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let settings = state.shared.settings();
    let behind_proxy = settings.config.web.as_ref().is_some_and(|web| web.behind_proxy);
    let peer = request.extensions().get::<Peer>().copied();
    match state.limiter.count(client(peer, request.headers(), behind_proxy)) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let seconds = wait.as_secs().saturating_add(1);
            let view = View::of(&settings.config, request.headers(), request.uri());
            let mut response = answer::page(StatusCode::TOO_MANY_REQUESTS, pages::too_many(&view, seconds));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}

/// Gives up on a request that takes too long.
pub(super) async fn in_time(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let settings = state.shared.settings();
    let view = View::of(&settings.config, request.headers(), request.uri());
    let answered = tokio::time::timeout(REQUEST_TIME_MAX, next.run(request)).await;
    answered.unwrap_or_else(|_| answer::page(StatusCode::GATEWAY_TIMEOUT, pages::trouble(&view)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn blocks_are_of_24_and_48_bits_and_mapped_addresses_count_as_what_they_map() {
        assert_eq!(block(ip("192.0.2.1")), block(ip("192.0.2.255")));
        assert_eq!(block(ip("192.0.2.1")), block(ip("::ffff:192.0.2.9")));
        assert_ne!(block(ip("192.0.2.1")), block(ip("192.0.3.1")));
        assert_eq!(block(ip("2001:db8:1::1")), block(ip("2001:db8:1:ffff::2")));
        assert_ne!(block(ip("2001:db8:1::1")), block(ip("2001:db8:2::1")));
    }

    #[test]
    fn only_the_proxys_own_entry_is_believed_and_only_behind_a_proxy() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("6.6.6.6"));
        headers.append("x-forwarded-for", HeaderValue::from_static("7.7.7.7, 192.0.2.1"));
        let peer = Some(Peer(ip("127.0.0.1")));
        assert_eq!(client(peer, &headers, true), ip("192.0.2.1"));
        assert_eq!(client(peer, &headers, false), ip("127.0.0.1"));
        assert_eq!(client(peer, &HeaderMap::new(), true), ip("127.0.0.1"));
    }

    #[test]
    fn blocks_that_have_been_quiet_are_forgotten() {
        // A quota that is whole again at once, so that every block is quiet.
        let limiter = Limiter::new(u32::MAX);
        for n in 0..=FORGET_EVERY {
            let address = Ipv4Addr::from_bits(n << 8);
            assert!(limiter.count(IpAddr::V4(address)).is_ok());
        }
        assert!(limiter.blocks.len() < 100, "{} of {FORGET_EVERY} are kept", limiter.blocks.len());
    }

    #[test]
    fn a_block_over_its_rate_waits_and_the_others_do_not() {
        let limiter = Limiter::new(3);
        assert!((0..3).all(|n| limiter.count(ip(&format!("192.0.2.{n}"))).is_ok()));
        let wait = limiter.count(ip("192.0.2.200")).unwrap_err();
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert!(limiter.count(ip("198.51.100.1")).is_ok());
    }
}
