//! What follows when somebody asks on the status page for the link to a conversation.

use super::draft::{blank, values};
use crate::config::Config;
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Template};
use crate::desk::facts::TicketFacts;

/// Most links mailed in one hour, whoever asks for whichever ticket.
pub const LINKS_PER_HOUR_MAX: usize = 500;

/// The mail with the link, to the requester alone; nothing when one went out this hour, or too many did in all.
/// `told` is what has been marked this hour.
pub fn requested(config: &Config, ticket: &TicketFacts, told: &[String]) -> Option<Decision> {
    let requester = ticket.requester.as_ref()?;
    let queue = config.queue(&ticket.queue)?;
    let mark = format!("link {}", ticket.number);
    let in_all = told.iter().filter(|mark| mark.starts_with("link ")).count();
    if told.contains(&mark) || in_all >= LINKS_PER_HOUR_MAX || config.is_own(&requester.address) {
        return None;
    }
    let mail = blank(Template::Link, requester.clone(), queue, ticket.number, ticket.language);
    Some(Decision {
        number: Some(ticket.number),
        events: vec![
            Event::Told(mark),
            Event::Remark(
                ticket.number,
                "the link to the conversation was asked for on the status page".to_owned(),
            ),
        ],
        outgoing: vec![Outgoing { values: values(config, ticket), ..mail }],
        ..Decision::nothing(Disposition::Agent, "the link was asked for on the status page")
    })
}
