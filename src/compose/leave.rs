//! How a participant leaves a ticket: the fields that mail programs make an "unsubscribe" button of.
//!
//! In the head alone, for they differ from recipient to recipient, and the body is shared. A mail program shows the button
//! where it trusts the sender; RFC 8058 4 wants both fields under the DKIM signature, which is the relay's to make.

use super::head::Head;
use super::{Desk, scene};
use crate::config::Queue;
use crate::desk::decision::Outgoing;
use crate::mail::token::{Purpose, Token};

/// `List-Unsubscribe` (RFC 2369 3.2) and, where there is a status page over TLS, the one click of RFC 8058.
pub(super) fn fields(head: &mut Head, desk: &Desk<'_>, outgoing: &Outgoing, queue: &Queue, nonce: u64) {
    if !outgoing.may_leave {
        return;
    }
    let address = &outgoing.to.address;
    let Some(token) = desk.keys.token(outgoing.number, Purpose::Leave, address, nonce) else { return };
    let by_mail = mailto(queue, &token);
    match &desk.config.web {
        // RFC 8058 3.1: the link must be https.
        Some(web) if web.base_url.starts_with("https://") => {
            let link = format!("{}/leave/{}", web.base_url, token.text());
            head.fixed("List-Unsubscribe", &format!("<{by_mail}>, <{link}>"));
            head.fixed("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        }
        _ => head.fixed("List-Unsubscribe", &format!("<{by_mail}>")),
    }
}

/// The token in the address where the mailbox takes that, else in the subject (RFC 6068 2).
fn mailto(queue: &Queue, token: &Token) -> String {
    let tagged = queue.plus_addresses.then(|| scene::tagged(&queue.address, &token.text())).flatten();
    match tagged {
        Some(address) => format!("mailto:{}?subject=leave", escaped(address.as_str())),
        None => format!("mailto:{}?subject=leave%20{}", escaped(queue.address.as_str()), token.text()),
    }
}

/// An address in a `mailto:`: what RFC 6068 2 lets stand there stands, the plus among it.
fn escaped(address: &str) -> String {
    let stands = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$'*+@".contains(&b);
    let mut out = String::with_capacity(address.len());
    for byte in address.bytes() {
        if stands(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
