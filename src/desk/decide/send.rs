//! The outgoing mail that rules ask for, and the budgets that keep automatic mail from becoming a storm (promise 6).

use super::admin::tell_admins;
use super::draft::{blank, concerned, folded, readers, values};
use super::{Case, Match};
use crate::address::{Address, Person};
use crate::config::{Agent, Queue};
use crate::desk::decision::{BudgetKey, Event, Outgoing, Row, Template};
use crate::desk::facts::TicketFacts;
use crate::mail::token::Purpose;

/// An agent gets this many times the answers that a requester gets.
const AGENT_ANSWERS: u32 = 6;

/// The name of the budget that all notifications to agents count against.
pub(super) const NOTIFICATIONS: &str = "notifications to agents";

/// Mail and budget events gathered while one mail is decided.
pub(super) struct Reach {
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) events: Vec<Event>,
}

impl Reach {
    pub(super) fn new() -> Self {
        Self { outgoing: Vec::new(), events: Vec::new() }
    }

    /// Takes one automatic answer to `to` out of the budgets; the exhausted one's name when there is none left. What one
    /// mail causes counts once against its ticket, however many take part in it.
    pub(super) fn spend_answer(&mut self, case: &Case<'_>, to: &Address, number: i64) -> Result<(), String> {
        let budgets = &case.config().budgets;
        let mut bounds = vec![
            (BudgetKey::Sender(to.clone()), budgets.per_sender, "answers to one address"),
            (BudgetKey::Domain(to.domain().to_owned()), budgets.per_domain, "answers to one domain"),
            (BudgetKey::Answers, budgets.in_all, "answers in all"),
        ];
        if self.in_hand(&BudgetKey::Ticket(number)) == 0 {
            bounds.push((BudgetKey::Ticket(number), budgets.per_ticket, "answers in one ticket"));
        }
        self.spend(case, &bounds)
    }

    /// Takes one answer to an agent's own mail out of the budgets: an agent may ask often, a robot in an agent's name must
    /// find an end.
    fn spend_agent_answer(&mut self, case: &Case<'_>, to: &Address) -> Result<(), String> {
        let budgets = &case.config().budgets;
        let per_agent = budgets.per_sender.saturating_mul(AGENT_ANSWERS);
        let bounds = [
            (BudgetKey::Sender(to.clone()), per_agent, "answers to one agent"),
            (BudgetKey::Answers, budgets.in_all, "answers in all"),
        ];
        self.spend(case, &bounds)
    }

    /// Takes one round of notifications to agents out of the budgets.
    pub(super) fn spend_notification(&mut self, case: &Case<'_>, number: i64) -> Result<(), String> {
        let budgets = &case.config().budgets;
        let bounds = [
            (BudgetKey::Notices(number), budgets.per_ticket, "notifications about one ticket"),
            (BudgetKey::Notifications, budgets.in_all, NOTIFICATIONS),
        ];
        self.spend(case, &bounds)
    }

    fn spend(&mut self, case: &Case<'_>, bounds: &[(BudgetKey, u32, &str)]) -> Result<(), String> {
        let full = bounds
            .iter()
            .find(|(key, bound, _)| case.facts.spent(key).saturating_add(self.in_hand(key)) >= *bound);
        let Some((key, bound, name)) = full else {
            self.events.push(Event::Spend(bounds.iter().map(|(key, _, _)| key.clone()).collect()));
            return Ok(());
        };
        let what = format!("{name}: {bound} an hour");
        self.tell_admins(case, &what, key);
        Err(what)
    }

    /// What this decision has taken of a budget already.
    fn in_hand(&self, key: &BudgetKey) -> u32 {
        let taken = self
            .events
            .iter()
            .filter(|event| matches!(event, Event::Spend(keys) if keys.contains(key)))
            .count();
        u32::try_from(taken).unwrap_or(u32::MAX)
    }

    /// One word an hour to the admins about a budget that is used up.
    fn tell_admins(&mut self, case: &Case<'_>, what: &str, key: &BudgetKey) {
        let (about, line) = used_up(what, key);
        self.tell_admins_lines(case, &about, &line);
    }

    /// One word an hour to the admins about `about`.
    pub(super) fn tell_admins_lines(&mut self, case: &Case<'_>, about: &str, line: &str) {
        let here = self
            .events
            .iter()
            .filter_map(|event| if let Event::Told(told) = event { Some(told) } else { None });
        let told: Vec<String> = case.facts.told.iter().chain(here).cloned().collect();
        let (events, outgoing) = tell_admins(case.config(), case.policy.queue, &told, about, line);
        self.events.extend(events);
        self.outgoing.extend(outgoing);
    }
}

/// The matter and the words when a budget is used up.
pub(super) fn used_up(what: &str, key: &BudgetKey) -> (String, String) {
    let line = format!(
        "The budget is used up ({what}), last by {key:?}. Mail is stored as always; no automatic mail of this kind goes out until the next hour."
    );
    (format!("budget {what}"), line)
}

/// The acknowledgement of a new ticket. Says in words what was done, for the ledger.
pub(super) fn acknowledge(
    case: &Case<'_>,
    reach: &mut Reach,
    ticket: &TicketFacts,
    queue: &Queue,
    found: Option<&Match>,
) -> String {
    let requester = match why_silent(case, ticket, queue) {
        Ok(requester) => requester,
        Err(why) => return format!("not acknowledged: {why}"),
    };
    if let Err(budget) = reach.spend_answer(case, &requester.address, ticket.number) {
        return format!("not acknowledged: the budget is used up ({budget})");
    }
    let mut values = values(case.config(), ticket);
    values.sender_is_proven = case.sender_is_proven(found);
    reach.outgoing.push(Outgoing {
        values,
        in_reply_to: case.mail.message_id.clone(),
        references: case.mail.references.iter().chain(&case.mail.message_id).cloned().collect(),
        ..blank(Template::Acknowledgement, requester.clone(), queue, ticket.number, ticket.language)
    });
    "acknowledged".to_owned()
}

/// Who is to be acknowledged, or why nobody is.
fn why_silent<'t>(case: &Case<'_>, ticket: &'t TicketFacts, queue: &Queue) -> Result<&'t Person, String> {
    if let Some(automatic) = &case.mail.automatic {
        return Err(format!("automatic mail ({})", automatic.evidence));
    }
    if !queue.acknowledge {
        return Err(format!("queue {} acknowledges nothing", queue.name));
    }
    let Some(requester) = &ticket.requester else { return Err("no address to answer".to_owned()) };
    if case.config().is_own(&requester.address) {
        return Err("the address is the desk's own".to_owned());
    }
    if case.facts.paused.contains(&requester.address) {
        return Err("mail to the address came back lately".to_owned());
    }
    let mut named = case.mail.to.iter().chain(&case.mail.cc).peekable();
    if named.peek().is_some() && !named.any(|person| case.config().is_own(&person.address)) {
        return Err(
            "the desk stands neither in To nor in Cc (Bcc, or an address missing from the queue's aliases)"
                .to_owned(),
        );
    }
    Ok(requester)
}

/// Tells the agents concerned about the mail, which `ticket` now holds.
pub(super) fn notify(
    case: &Case<'_>,
    reach: &mut Reach,
    ticket: &TicketFacts,
    queue: &Queue,
    mentions: &[i64],
    is_new: bool,
) {
    if reach.spend_notification(case, ticket.number).is_err() {
        return;
    }
    let author = case.mail.from.as_ref();
    let mut values = values(case.config(), ticket);
    values.author_name = author.map(|p| p.label().to_owned()).unwrap_or_default();
    values.author_address = author.map(|p| p.address.to_string()).unwrap_or_default();
    values.text = case.mail.fresh();
    values.folded = folded(case);
    values.readers = readers(ticket);
    (values.history, values.history_count) = earlier(case, ticket, is_new);
    values.mentions = mentions.to_vec();
    values.is_new = is_new;
    for agent in concerned(case.config(), ticket, queue) {
        let is_author = author.is_some_and(|p| agent.is(&p.address));
        if is_author || case.facts.paused.contains(&agent.person.address) {
            continue;
        }
        reach.outgoing.push(Outgoing {
            values: values.clone(),
            purpose: Purpose::Agent,
            from_name: author.map(|p| p.label().to_owned()).unwrap_or_default(),
            attachments: true,
            ..blank(Template::Notification, agent.person.clone(), queue, ticket.number, agent.language)
        });
    }
}

/// The writer's other tickets: this one, once it is kept, is among the facts as well.
fn earlier(case: &Case<'_>, ticket: &TicketFacts, is_new: bool) -> (Vec<Row>, i64) {
    let writer = case.mail.reply_to.first().or(case.mail.from.as_ref());
    let own = !is_new && ticket.requester.as_ref().map(|p| &p.address) == writer.map(|p| &p.address);
    let others = case.facts.history.iter().filter(|row| row.number != ticket.number).cloned().collect();
    (others, case.facts.history_count.saturating_sub(i64::from(own)))
}

/// Everybody outside who is in the ticket, but for `author` and those whom the mail reached already. Addresses that mail
/// came back from are among them: an agent's own words are sent anyway, and come back with a word to the agent if they must.
pub(super) fn audience<'t>(case: &Case<'_>, ticket: &'t TicketFacts, author: &Address) -> Vec<&'t Person> {
    let reached =
        |address: &Address| case.mail.to.iter().chain(&case.mail.cc).any(|person| person.address == *address);
    let participants = ticket.participants.iter().filter(|person| !reached(&person.address));
    let everybody = ticket.requester.iter().chain(participants);
    everybody.filter(|person| person.address != *author).collect()
}

/// Whether somebody is in the ticket as a participant only: a requester cannot leave.
pub(super) fn takes_part(ticket: &TicketFacts, address: &Address) -> bool {
    let is_requester = ticket.requester.as_ref().is_some_and(|person| person.address == *address);
    !is_requester && ticket.participants.iter().any(|person| person.address == *address)
}

/// Copies of a requester's or participant's message to the others outside.
pub(super) fn copies(
    case: &Case<'_>,
    reach: &mut Reach,
    ticket: &TicketFacts,
    queue: &Queue,
    author: &Address,
) {
    let mut values = values(case.config(), ticket);
    values.requester_address = String::new();
    values.author_name = case.mail.from.as_ref().map(|p| p.label().to_owned()).unwrap_or_default();
    values.text = case.mail.fresh();
    let paused = &case.facts.paused;
    for person in audience(case, ticket, author).into_iter().filter(|p| !paused.contains(&p.address)) {
        // One who has had enough this hour takes nothing away from the others.
        if reach.spend_answer(case, &person.address, ticket.number).is_err() {
            continue;
        }
        reach.outgoing.push(Outgoing {
            values: values.clone(),
            from_name: values.author_name.clone(),
            in_reply_to: case.mail.message_id.clone(),
            references: ticket.message_ids.clone(),
            attachments: true,
            may_leave: takes_part(ticket, &person.address),
            ..blank(Template::Copy, person.clone(), queue, ticket.number, ticket.language)
        });
    }
}

/// An answer to an agent about the agent's own mail, within the budgets of an automatic answer.
pub(super) fn tell_agent(case: &Case<'_>, reach: &mut Reach, agent: &Agent, mail: Outgoing) {
    if reach.spend_agent_answer(case, &agent.person.address).is_ok() {
        let references = case.mail.references.iter().chain(&case.mail.message_id).cloned().collect();
        reach.outgoing.push(Outgoing { in_reply_to: case.mail.message_id.clone(), references, ..mail });
    }
}
