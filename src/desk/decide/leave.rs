//! What follows when a participant leaves a ticket: by mail to the address of `List-Unsubscribe`, or by its link.
//!
//! The token is worth what it says to whoever brings it, unlike all others: mail programs that unsubscribe for people
//! (RFC 8058) do not say who they are, and mail is forwarded to other addresses of the same person. All that it can do
//! is to take the one address out that it was made for. Requesters have no such token that counts.

use super::Case;
use crate::address::{Address, Person};
use crate::desk::decision::{Decision, Disposition, Event};
use crate::desk::facts::TicketFacts;
use crate::mail::token::{Keys, Token};

/// A mail that carries a token for leaving. It is answered by nothing, whatever else it says: most such mail is sent by
/// a program. `None` when no token of it is good, so that it is treated as any other mail.
pub(super) fn by_mail(case: &Case<'_>) -> Option<Decision> {
    let named = || case.keys.leave_tokens.iter().filter_map(|t| Some((t, case.facts.ticket(t.number)?)));
    if let Some((ticket, person)) =
        named().find_map(|(token, ticket)| Some((ticket, leaver(ticket, token, case.policy.keys)?)))
    {
        let reason =
            format!("{} left the ticket, by the token made for it; nothing answered", person.address);
        return Some(Decision {
            number: Some(ticket.number),
            events: vec![Event::Leave(ticket.number, person.address.clone())],
            ..Decision::nothing(Disposition::Ignored, reason)
        });
    }
    let from: Vec<Address> = case.mail.from.iter().map(|person| person.address.clone()).collect();
    let (_, ticket) = named().find(|(token, _)| case.is_genuine(token, &from))?;
    let reason = format!("asks to leave ticket {}, but takes no part in it (any more)", ticket.number);
    Some(Decision::nothing(Disposition::Ignored, reason))
}

/// The same wish from the page that the link leads to. `None` when the token is good for nobody who takes part.
pub fn requested(ticket: &TicketFacts, token: &Token, keys: &Keys) -> Option<Decision> {
    let person = leaver(ticket, token, keys)?;
    Some(Decision {
        number: Some(ticket.number),
        events: vec![Event::Leave(ticket.number, person.address.clone())],
        ..Decision::nothing(Disposition::Agent, "a participant left by the link in a mail")
    })
}

/// The participant whom a token was made for.
fn leaver<'t>(ticket: &'t TicketFacts, token: &Token, keys: &Keys) -> Option<&'t Person> {
    ticket.participants.iter().find(|person| keys.verifies(token, &person.address))
}
