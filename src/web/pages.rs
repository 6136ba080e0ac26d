//! The pages, from plain data to HTML. Every value that somebody else wrote is escaped here, at the place where it is put
//! in.

use super::answer::percent;
use super::html::page;
use super::view::View;
use super::words::{Words, role_word, status_meaning, status_title, words};
use crate::clock::Timestamp;
use crate::compose::html::{escape, paragraphs};
use crate::compose::words::long_time;
use crate::config::Queue;
use crate::desk::decision::Role;
use crate::desk::ticket::Status;
use crate::store::read::{AttachmentRow, Card, Conversation, PublicMessage};
use jiff::tz::TimeZone;

/// Most bytes of all texts on one conversation page, shared out among its messages.
const TEXTS_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Least and most bytes shown of one text; the whole of it went by mail.
const TEXT_BYTES: std::ops::RangeInclusive<usize> = 4_000..=64_000;

/// The search form and what this is.
pub(super) fn home(view: &View<'_>) -> String {
    let words = words(view.language);
    let main = format!(
        "<section class=\"hero\">\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n{}</section>\n",
        words.find_title,
        words.find_lead,
        search(view, "")
    );
    page(view, words.find_title, &main)
}

/// The form that leads to a card; `typed` is what stood in it before.
fn search(view: &View<'_>, typed: &str) -> String {
    let words = words(view.language);
    let chosen = match view.chosen {
        Some(language) => format!("<input type=\"hidden\" name=\"lang\" value=\"{language}\">"),
        None => String::new(),
    };
    format!(
        "<form class=\"search\" action=\"{root}/t\" method=\"get\" role=\"search\">\n{chosen}\
         <label for=\"number\">{label}</label>\n\
         <div class=\"row\"><input id=\"number\" name=\"number\" inputmode=\"numeric\" autocomplete=\"off\" \
         required maxlength=\"40\" aria-describedby=\"hint\" value=\"{typed}\">\n\
         <button type=\"submit\">{button}</button></div>\n<p id=\"hint\" class=\"hint\">{hint}</p>\n</form>\n",
        root = escape(view.root),
        label = words.find_label,
        typed = escape(typed),
        button = words.find_button,
        hint = words.find_hint,
    )
}

/// What anybody who knows the number may see: nothing personal.
pub(super) fn card(view: &View<'_>, card: &Card) -> String {
    let words = words(view.language);
    let below = match card.merged_into {
        Some(_) => String::new(),
        None => ask_link(view, card.number),
    };
    let main =
        format!("<article class=\"card\">\n{}{}</article>\n{below}", head_of(view, card), facts(view, card));
    page(view, &format!("{} {}", words.request, card.number), &main)
}

/// Number, status in words, and how far it is; of a merged ticket, where it goes on.
fn head_of(view: &View<'_>, card: &Card) -> String {
    let words = words(view.language);
    let (class, title, lead, rest) = match card.merged_into {
        Some(other) => ("closed", words.merged_title, words.merged, merged_link(view, other)),
        None => (
            card.status.word(),
            status_title(card.status, view.language),
            status_meaning(card.status, view.language),
            steps(words, card.status),
        ),
    };
    format!(
        "<p class=\"number\">{} <strong>{}</strong></p>\n<h1 class=\"status {class}\">{title}</h1>\n\
         <p class=\"lead\">{lead}</p>\n{rest}",
        words.request, card.number
    )
}

/// Received, in progress, resolved, closed: with the one it is at marked, by more than its colour.
fn steps(words: &Words, status: Status) -> String {
    let at = match status {
        Status::New => 0,
        Status::Open | Status::Pending => 1,
        Status::Resolved => 2,
        Status::Closed => 3,
    };
    let step = |(index, name): (usize, &&str)| {
        let (class, current) = match index.cmp(&at) {
            std::cmp::Ordering::Less => ("done", ""),
            std::cmp::Ordering::Equal => ("here", " aria-current=\"step\""),
            std::cmp::Ordering::Greater => ("ahead", ""),
        };
        format!("<li class=\"{class}\"{current}><span>{name}</span></li>")
    };
    let items: String = words.step_names.iter().enumerate().map(step).collect();
    format!("<ol class=\"steps\" aria-label=\"{}\">{items}</ol>\n", words.steps)
}

fn facts(view: &View<'_>, card: &Card) -> String {
    let words = words(view.language);
    let queue = view.config.queue(&card.queue);
    let fact = |name: &str, value: &str| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n");
    format!(
        "<dl class=\"facts\">\n{}{}{}</dl>\n",
        fact(words.queue, &escape(queue.map_or(card.queue.as_str(), |queue| &queue.title))),
        fact(words.opened, &time(view, queue, card.opened_at)),
        fact(words.changed, &time(view, queue, card.changed_at)),
    )
}

/// A time in the queue's zone and the page's language.
fn time(view: &View<'_>, queue: Option<&Queue>, at: Timestamp) -> String {
    let zone = queue.map_or(TimeZone::UTC, |queue| queue.time_zone.clone());
    format!("<time datetime=\"{at}\">{}</time>", escape(&long_time(at, &zone, view.language)))
}

fn merged_link(view: &View<'_>, other: i64) -> String {
    format!(
        "<p class=\"goes-on\"><a class=\"button\" href=\"{}\">{}</a></p>\n",
        escape(&view.href(&format!("/t/{other}"))),
        words(view.language).merged_link.replace("{number}", &other.to_string()),
    )
}

fn merged(view: &View<'_>, other: i64) -> String {
    format!(
        "<section class=\"next\">\n<p>{}</p>\n{}</section>\n",
        words(view.language).merged,
        merged_link(view, other)
    )
}

fn ask_link(view: &View<'_>, number: i64) -> String {
    let words = words(view.language);
    format!(
        "<section class=\"next\">\n<h2>{}</h2>\n<p>{}</p>\n\
         <form action=\"{}\" method=\"post\"><button type=\"submit\">{}</button></form>\n</section>\n",
        words.read_title,
        words.read_lead,
        escape(&view.href(&format!("/t/{number}/link"))),
        words.read_button,
    )
}

/// The one answer to everybody who asks for a link.
pub(super) fn link_asked(view: &View<'_>, number: i64) -> String {
    let words = words(view.language);
    let asked = words.asked.replace("{number}", &format!("<strong>{number}</strong>"));
    let back = format!(
        "<p><a class=\"button quiet\" href=\"{}\">{}</a></p>\n",
        escape(&view.href(&format!("/t/{number}"))),
        words.back
    );
    let text = format!("<p class=\"lead\">{asked}</p>\n<p>{}</p>\n{back}", words.asked_more);
    note(view, words.asked_title, &text)
}

/// A page with a heading and some words.
fn note(view: &View<'_>, title: &str, body: &str) -> String {
    page(view, title, &format!("<section class=\"card note\">\n<h1>{title}</h1>\n{body}</section>\n"))
}

/// No ticket of that number.
pub(super) fn unknown(view: &View<'_>, number: i64) -> String {
    let words = words(view.language);
    let lead = words.unknown.replace("{number}", &format!("<strong>{number}</strong>"));
    let body = format!("<p class=\"lead\">{lead}</p>\n{}", search(view, &number.to_string()));
    note(view, words.unknown_title, &body)
}

/// Not a number at all.
pub(super) fn malformed(view: &View<'_>, typed: &str) -> String {
    let words = words(view.language);
    let shown: String = typed.trim().chars().filter(|c| !c.is_control()).take(40).collect();
    let echo = if shown.is_empty() {
        String::new()
    } else {
        format!("<p>{} <code>{}</code></p>\n", words.malformed_typed, escape(&shown))
    };
    let body = format!("<p class=\"lead\">{}</p>\n{echo}{}", words.malformed, search(view, ""));
    note(view, words.malformed_title, &body)
}

/// A link that is past its time, cut, or was never ours: they look alike.
pub(super) fn expired(view: &View<'_>, number: i64) -> String {
    let words = words(view.language);
    let action = view.href(&format!("/t/{number}/link"));
    let body = format!(
        "<p class=\"lead\">{}</p>\n<p>{}</p>\n\
         <form action=\"{}\" method=\"post\"><button type=\"submit\">{}</button></form>\n",
        words.expired,
        words.read_lead,
        escape(&action),
        words.read_button
    );
    note(view, words.expired_title, &body)
}

/// Whether to leave a ticket: a button.
pub(super) fn ask_leave(view: &View<'_>, number: i64, token: &str) -> String {
    let words = words(view.language);
    let action = view.href(&format!("/leave/{token}"));
    let body = format!(
        "<p class=\"lead\">{}</p>\n<form action=\"{}\" method=\"post\"><button type=\"submit\">{}</button></form>\n",
        numbered(words.leave, number),
        escape(&action),
        words.leave_button
    );
    note(view, words.leave_title, &body)
}

/// It was done.
pub(super) fn left(view: &View<'_>, number: i64) -> String {
    let words = words(view.language);
    note(view, words.left_title, &format!("<p class=\"lead\">{}</p>\n", numbered(words.left, number)))
}

/// A link of somebody who has left, one too old, or one never ours: they look alike.
pub(super) fn leaves_nobody(view: &View<'_>, number: i64) -> String {
    let words = words(view.language);
    note(
        view,
        words.expired_title,
        &format!("<p class=\"lead\">{}</p>\n", numbered(words.leaves_nobody, number)),
    )
}

fn numbered(sentence: &str, number: i64) -> String {
    sentence.replace("{number}", &format!("<strong>{number}</strong>"))
}

/// No such page.
pub(super) fn nothing_here(view: &View<'_>) -> String {
    let words = words(view.language);
    let home = View { path: "/".to_owned(), config: view.config, ..*view };
    let body = format!("<p class=\"lead\">{}</p>\n{}", words.nothing, search(&home, ""));
    note(&home, words.nothing_title, &body)
}

/// Over the rate.
pub(super) fn too_many(view: &View<'_>, seconds: u64) -> String {
    let words = words(view.language);
    let lead = words.too_many.replace("{seconds}", &seconds.to_string());
    note(view, words.too_many_title, &format!("<p class=\"lead\">{lead}</p>\n"))
}

/// The store does not answer.
pub(super) fn trouble(view: &View<'_>) -> String {
    let words = words(view.language);
    note(view, words.trouble_title, &format!("<p class=\"lead\">{}</p>\n", words.trouble))
}

/// What the signed link shows.
pub(super) fn conversation(view: &View<'_>, conversation: &Conversation, signature: &str) -> String {
    let words = words(view.language);
    let card = &conversation.card;
    let queue = view.config.queue(&card.queue);
    let subject = if conversation.subject.is_empty() { words.no_subject } else { &conversation.subject };
    let base = format!("/t/{}/{}", card.number, percent(signature));
    let share = TEXTS_MAX_BYTES / conversation.messages.len().max(1);
    let place =
        Place { queue, base: &base, text_max_bytes: share.clamp(*TEXT_BYTES.start(), *TEXT_BYTES.end()) };
    let messages: String =
        conversation.messages.iter().map(|message| message_of(view, &place, message)).collect();
    let messages = if messages.is_empty() { format!("<p>{}</p>\n", words.no_messages) } else { messages };
    let main = format!(
        "<article class=\"card\">\n<p class=\"number\">{request} <strong>{number}</strong> \
         <span class=\"chip {class}\">{status}</span></p>\n<h1>{subject}</h1>\n<p>{meaning}</p>\n{facts}</article>\n\
         {merged}<section class=\"messages\" aria-labelledby=\"messages\">\n<h2 id=\"messages\">{title}</h2>\n{messages}</section>\n\
         {reply}<p class=\"hint\">{private}</p>\n",
        request = words.request,
        number = card.number,
        class = card.status.word(),
        status = status_title(card.status, view.language),
        subject = escape(subject),
        meaning = status_meaning(card.status, view.language),
        facts = facts(view, card),
        merged = card.merged_into.map(|other| merged(view, other)).unwrap_or_default(),
        title = words.messages,
        reply = queue.map(|queue| reply(view, queue, card.number)).unwrap_or_default(),
        private = words.private,
    );
    page(view, subject, &main)
}

/// What the messages of one page share.
struct Place<'a> {
    queue: Option<&'a Queue>,
    base: &'a str,
    text_max_bytes: usize,
}

/// A text as HTML, no longer than is good for a page.
fn text_of(words: &Words, place: &Place<'_>, text: &str) -> String {
    let end = text.floor_char_boundary(place.text_max_bytes);
    let shown = paragraphs(text.get(..end).unwrap_or_default(), "");
    if end == text.len() { shown } else { format!("{shown}<p class=\"hint\">{}</p>\n", words.text_goes_on) }
}

fn message_of(view: &View<'_>, place: &Place<'_>, message: &PublicMessage) -> String {
    let (words, queue, base) = (words(view.language), place.queue, place.base);
    let side = if matches!(message.role, Role::Agent | Role::System) { "ours" } else { "theirs" };
    let role = role_word(message.role, words);
    let chip = if role.is_empty() { String::new() } else { format!(" <span class=\"role\">{role}</span>") };
    let author = match (message.author.as_str(), queue) {
        ("", Some(queue)) if side == "ours" => queue.title.as_str(),
        (author, _) => author,
    };
    let text = match message.text.trim() {
        "" => format!("<p class=\"hint\">{}</p>\n", words.no_text),
        text => text_of(words, place, text),
    };
    let folded = match message.folded.trim_matches('\n') {
        "" => String::new(),
        folded => format!(
            "<details><summary>{}</summary>\n<div class=\"folded\">{}</div></details>\n",
            words.quoted,
            text_of(words, place, folded)
        ),
    };
    format!(
        "<article class=\"message {side}\">\n<header><h3>{author}{chip}</h3>{time}</header>\n\
         <div class=\"text\">{text}</div>\n{folded}{attachments}</article>\n",
        author = escape(author),
        time = time(view, queue, message.at),
        attachments = attachments(words, &message.attachments, &format!("{}{base}", view.root)),
    )
}

fn attachments(words: &Words, rows: &[AttachmentRow], base: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let item = |row: &AttachmentRow| {
        let size = size(row.size);
        let label = words.download.replace("{size}", &size).replace("{name}", &row.name);
        format!(
            "<li><a href=\"{base}/a/{}/{}\" download aria-label=\"{}\"><span class=\"name\">{}</span> \
             <span class=\"size\">{size}</span></a></li>\n",
            row.id,
            percent(&row.name),
            escape(&label),
            escape(&row.name),
        )
    };
    let items: String = rows.iter().map(item).collect();
    format!("<ul class=\"files\" aria-label=\"{}\">\n{items}</ul>\n", words.attachments)
}

/// `840 B`, `12 kB`, `3.4 MB`.
fn size(bytes: i64) -> String {
    match bytes.max(0) {
        small @ 0..1000 => format!("{small} B"),
        middle @ 1000..1_000_000 => format!("{} kB", (middle + 500) / 1000),
        large => format!("{}.{} MB", large / 1_000_000, large % 1_000_000 / 100_000),
    }
}

fn reply(view: &View<'_>, queue: &Queue, number: i64) -> String {
    let words = words(view.language);
    let tag = view.config.desk.tag.replace("{number}", &number.to_string());
    let address = queue.address.as_str();
    let href = format!("mailto:{}?subject={}", percent_address(address), percent(&format!("Re: {tag}")));
    let text = words
        .reply
        .replace("{address}", &format!("<strong>{}</strong>", escape(address)))
        .replace("{tag}", &format!("<strong>{}</strong>", escape(&tag)));
    format!(
        "<section class=\"next\">\n<h2>{}</h2>\n<p>{text}</p>\n<p><a class=\"button\" href=\"{}\">{}</a></p>\n</section>\n",
        words.reply_title,
        escape(&href),
        words.reply_button
    )
}

/// An address in a `mailto:` (RFC 6068 2): its `@` stays.
fn percent_address(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", percent(local), percent(domain)),
        None => percent(address).to_string(),
    }
}
