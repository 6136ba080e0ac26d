//! What each address answers. Reads, then hands plain data to `pages`.

use super::view::{View, number_of};
use super::{WebState, answer, pages};
use crate::loops::{Settings, leave as leaving, links};
use crate::mail::token::{Purpose, Token};
use crate::store::read::{Card, Reader};
use crate::store::{StoreError, keys};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;

/// The style sheet.
const STYLE: &str = include_str!("style.css");
/// The icon.
const ICON: &str = include_str!("icon.svg");

/// A request's surroundings, as every handler takes them.
pub(super) struct Ask {
    state: WebState,
    settings: Arc<Settings>,
    headers: HeaderMap,
    uri: Uri,
}

impl FromRequestParts<WebState> for Ask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        let settings = state.shared.settings();
        Ok(Self { state: state.clone(), settings, headers: parts.headers.clone(), uri: parts.uri.clone() })
    }
}

impl Ask {
    fn view(&self) -> View<'_> {
        View::of(&self.settings.config, &self.headers, &self.uri)
    }

    fn number(&self, typed: &str) -> Option<i64> {
        number_of(typed, &self.settings.config.desk.tag)
    }

    /// 400 with what would be right.
    fn malformed(&self, typed: &str) -> Response {
        answer::page(StatusCode::BAD_REQUEST, pages::malformed(&self.view(), typed))
    }

    fn unknown(&self, number: i64) -> Response {
        answer::page(StatusCode::NOT_FOUND, pages::unknown(&self.view(), number))
    }

    /// The store failed: said once in the log, and on a page that says to come back.
    fn trouble(&self, error: &StoreError) -> Response {
        tracing::error!("the status page could not read: {error}");
        answer::page(StatusCode::SERVICE_UNAVAILABLE, pages::trouble(&self.view()))
    }
}

/// Parts of a path. Percent signs that make no UTF-8 are a malformed number like any other.
type Typed<T> = Result<Path<T>, PathRejection>;

fn typed_path<T: Default>(path: Typed<T>) -> T {
    path.map(|Path(parts)| parts).unwrap_or_default()
}

pub(super) async fn home(ask: Ask) -> Response {
    answer::page(StatusCode::OK, pages::home(&ask.view()))
}

/// `/t?number=…`, where the search form leads.
pub(super) async fn find(ask: Ask) -> Response {
    let fields = Query::<Vec<(String, String)>>::try_from_uri(&ask.uri).unwrap_or_default();
    let typed = fields
        .0
        .into_iter()
        .find_map(|(name, value)| (name == "number").then_some(value))
        .unwrap_or_default();
    match ask.number(&typed) {
        Some(number) => answer::redirect(&ask.view().href(&format!("/t/{number}"))),
        None => ask.malformed(&typed),
    }
}

pub(super) async fn card(ask: Ask, path: Typed<String>) -> Response {
    let typed = typed_path(path);
    let Some(number) = ask.number(&typed) else { return ask.malformed(&typed) };
    if typed != number.to_string() {
        return answer::redirect(&ask.view().href(&format!("/t/{number}")));
    }
    match read_card(&ask, number).await {
        Ok(Some(card)) => answer::page(StatusCode::OK, pages::card(&ask.view(), &card)),
        Ok(None) => ask.unknown(number),
        Err(error) => ask.trouble(&error),
    }
}

async fn read_card(ask: &Ask, number: i64) -> Result<Option<Card>, StoreError> {
    ask.state.shared.readers.ask(move |reader| reader.card(number)).await
}

/// Sends the link to the requester of that ticket, if there is one. The answer is the same sentence whoever asks, and
/// whether or not there is such a ticket.
pub(super) async fn ask_link(ask: Ask, path: Typed<String>) -> Response {
    let typed = typed_path(path);
    let Some(number) = ask.number(&typed) else { return ask.malformed(&typed) };
    match links::request(&ask.state.shared, number).await {
        Ok(()) => answer::page(StatusCode::OK, pages::link_asked(&ask.view(), number)),
        Err(error) => ask.trouble(&error),
    }
}

/// The address of the form's answer, opened by itself: nothing is sent by looking.
pub(super) async fn back_to_card(ask: Ask, path: Typed<String>) -> Response {
    let typed = typed_path(path);
    match ask.number(&typed) {
        Some(number) => answer::redirect(&ask.view().href(&format!("/t/{number}"))),
        None => ask.malformed(&typed),
    }
}

pub(super) async fn conversation(ask: Ask, path: Typed<(String, String)>) -> Response {
    let (typed, signature) = typed_path(path);
    let Some(number) = ask.number(&typed) else { return ask.malformed(&typed) };
    match behind_link(&ask, number, signature.clone(), move |reader| reader.conversation(number)).await {
        Ok(Some(conversation)) => {
            answer::page(StatusCode::OK, pages::conversation(&ask.view(), &conversation, &signature))
        }
        Ok(None) => answer::page(StatusCode::NOT_FOUND, pages::expired(&ask.view(), number)),
        Err(error) => ask.trouble(&error),
    }
}

/// What `question` finds, if the link's signature opens ticket `number`; nothing otherwise. Keys are read with it, so that
/// a key rotated by the command line counts at once.
async fn behind_link<T: Send + 'static>(
    ask: &Ask,
    number: i64,
    signature: String,
    question: impl FnOnce(&Reader) -> Result<Option<T>, StoreError> + Send + 'static,
) -> Result<Option<T>, StoreError> {
    let shared = &ask.state.shared;
    let (now, valid_secs) = (shared.clock.now(), ask.settings.config.desk.key_valid_secs);
    let opened = move |reader: &Reader| {
        let keys = keys::load(reader.db(), now, valid_secs)?;
        if keys.link_opens(number, &signature, now) { question(reader) } else { Ok(None) }
    };
    shared.readers.ask(opened).await
}

/// The name in the address is for people; the file is found by its id and must belong to the ticket of the link.
pub(super) async fn download(ask: Ask, path: Typed<(String, String, String, String)>) -> Response {
    let (typed, signature, id, _name) = typed_path(path);
    let Some(number) = ask.number(&typed) else { return ask.malformed(&typed) };
    let Ok(id) = id.parse::<i64>() else { return ask.malformed(&typed) };
    let Ok(place) = Arc::clone(&ask.state.downloads).acquire_owned().await else {
        return ask.trouble(&StoreError::Closed);
    };
    match behind_link(&ask, number, signature, move |reader| reader.download(number, id)).await {
        Ok(Some(file)) => answer::download(file, place),
        Ok(None) => answer::page(StatusCode::NOT_FOUND, pages::expired(&ask.view(), number)),
        Err(error) => ask.trouble(&error),
    }
}

/// Where `List-Unsubscribe` leads a person: a button, for programs look at links too, and looking must change nothing.
pub(super) async fn ask_leave(ask: Ask, path: Typed<String>) -> Response {
    match leave_token(path) {
        Some((token, text)) => {
            answer::page(StatusCode::OK, pages::ask_leave(&ask.view(), token.number, &text))
        }
        None => answer::page(StatusCode::NOT_FOUND, pages::nothing_here(&ask.view())),
    }
}

/// The button, and the one click of RFC 8058: no cookie, no redirection, and the body does not matter.
pub(super) async fn leave(ask: Ask, path: Typed<String>) -> Response {
    let Some((token, _)) = leave_token(path) else {
        return answer::page(StatusCode::NOT_FOUND, pages::nothing_here(&ask.view()));
    };
    let number = token.number;
    match leaving::request(&ask.state.shared, token).await {
        Ok(true) => answer::page(StatusCode::OK, pages::left(&ask.view(), number)),
        Ok(false) => answer::page(StatusCode::NOT_FOUND, pages::leaves_nobody(&ask.view(), number)),
        Err(error) => ask.trouble(&error),
    }
}

fn leave_token(path: Typed<String>) -> Option<(Token, String)> {
    let token = Token::parse(&typed_path(path)).filter(|token| token.purpose == Purpose::Leave)?;
    let text = token.text();
    Some((token, text))
}

pub(super) async fn nothing_here(ask: Ask) -> Response {
    answer::page(StatusCode::NOT_FOUND, pages::nothing_here(&ask.view()))
}

pub(super) async fn health() -> Response {
    "ok\n".into_response()
}

pub(super) async fn style() -> Response {
    answer::asset("text/css; charset=utf-8", STYLE)
}

pub(super) async fn icon() -> Response {
    answer::asset("image/svg+xml", ICON)
}

pub(super) async fn robots() -> Response {
    answer::asset("text/plain; charset=utf-8", "User-agent: *\nDisallow: /\n")
}
