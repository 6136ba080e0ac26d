//! Answers: pages, redirects, downloads, and the headers that each of them carries.

use crate::store::read::Download;
use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use std::convert::Infallible;
use tokio::sync::OwnedSemaphorePermit;

/// Nothing but our own style sheet, icon and forms; no script, no frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// For what strangers attached: not even our own style, and no origin.
const DOWNLOAD_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox");

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Bytes of a download handed to the connection at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Media types that a browser may know of a download; any other is bytes.
const SAFE_TYPES: [&str; 22] = [
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "audio/mpeg",
    "audio/ogg",
    "image/gif",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/csv",
    "text/plain",
    "video/mp4",
];

/// A page that no cache may keep: whether somebody asked for a ticket is nobody's business.
pub(super) fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (VARY, HeaderValue::from_static("Accept-Language")),
    ];
    (status, headers, html).into_response()
}

/// To another page of ours, by GET.
pub(super) fn redirect(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
        .into_response()
}

/// A file of our own, which a browser may keep for a day.
pub(super) fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
    ];
    (headers, text).into_response()
}

/// What somebody attached: to be saved, never shown inside our origin. `place` is held until the last byte is sent.
pub(super) fn download(file: Download, place: OwnedSemaphorePermit) -> Response {
    let essence = file.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let content_type =
        SAFE_TYPES.into_iter().find(|safe| *safe == essence).unwrap_or("application/octet-stream");
    let length = file.bytes.len();
    let disposition = HeaderValue::try_from(disposition(&file.name));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        (CONTENT_SECURITY_POLICY, DOWNLOAD_POLICY),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    let chunks = futures::stream::unfold((Bytes::from(file.bytes), place), |(mut rest, place)| async move {
        if rest.is_empty() {
            return None;
        }
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        Some((Ok::<_, Infallible>(chunk), (rest, place)))
    });
    (headers, Body::from_stream(chunks)).into_response()
}

/// RFC 6266 4: a plain name for old browsers, the true one in UTF-8 (RFC 8187).
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", percent(name))
}

/// Percent-encodes all but letters, digits, `-`, `.` and `_`.
pub(super) fn percent(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ESCAPED)
}

/// Puts the headers on that every answer carries.
pub(super) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    let fixed: [(HeaderName, &'static str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
