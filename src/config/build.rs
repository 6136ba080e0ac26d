//! The file into a [`Config`], or all its faults.
//!
//! Each part is read by a function that notes what is wrong and goes on; what holds between parts is checked last.

use super::canned::canned;
use super::fault::{Book, Fault, Faults, shown};
use super::raw::{self, Placed, Section};
use super::server::{Protocol, server};
use super::{Budgets, Config, Desk, Limits, Mailbox, Metrics, Smtp, Web, parts, values};
use crate::address::{Address, clean_name};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Where the tickets are unless the file says otherwise; systemd's StateDirectory=postdesk.
pub const DATABASE: &str = "/var/lib/postdesk/postdesk.db";
/// Largest file read, in bytes.
pub const FILE_MAX_BYTES: usize = 1024 * 1024;

const DAY: i64 = 86400;
/// Ten years: longer times are slips of the pen.
const LONGEST: i64 = 3650 * DAY;
const SIZES: std::ops::RangeInclusive<u64> = 64_000..=2_000_000_000;

/// Reads the file at `path` and looks at the files it names. Errors name every fault at once.
pub fn load(path: &Path) -> Result<Config, Faults> {
    let whole = |line, found: String, right: &str| {
        Faults(vec![Fault { file: path.to_owned(), line, found, right: right.to_owned() }])
    };
    let bytes = std::fs::read(path)
        .map_err(|error| whole(0, format!("nothing to read ({error})"), "a configuration file"))?;
    if bytes.len() > FILE_MAX_BYTES {
        return Err(whole(0, format!("{} bytes", bytes.len()), "a configuration of at most 1 MiB"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => assemble(text, path, true),
        Err(error) => {
            let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
            Err(whole(line, "bytes that are no UTF-8".to_owned(), "text in UTF-8"))
        }
    }
}

/// The meaning of `text`; `file` is named in faults, and relative paths are taken from its folder. Touches no file.
pub fn parse(text: &str, file: &Path) -> Result<Config, Faults> {
    assemble(text, file, false)
}

fn assemble(text: &str, file: &Path, disk: bool) -> Result<Config, Faults> {
    let mut book = Book::new(file, text, disk);
    let root = raw::document(text, &mut book);
    let config = config(&root, &book);
    let faults = book.into_faults();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(Faults(faults)),
    }
}

fn config(root: &DeTable<'_>, book: &Book<'_>) -> Option<Config> {
    raw::unknown_tables(root, book);
    let [agent_parts, queue_parts, mailbox_parts] =
        ["agent", "queue", "mailbox"].map(|name| raw::sections(root, book, name));
    for (name, what) in [("agent", "who answers tickets"), ("queue", "where tickets live")] {
        if !root.contains_key(name) {
            book.missing(0, format!("no [[{name}]]"), format!("at least one [[{name}]]: {what}"));
        }
    }
    let desk_part = raw::section(root, book, "desk");
    let desk = desk(&desk_part, &agent_parts);
    let limits = limits(&raw::section(root, book, "limits"));
    let budgets = budgets(&raw::section(root, book, "budgets"));
    let web = root.contains_key("web").then(|| web(&raw::section(root, book, "web")));
    let metrics = root.contains_key("metrics").then(|| metrics(&raw::section(root, book, "metrics")));
    let smtp = server(&raw::section(root, book, "smtp"), Protocol::Smtp);
    let queues = parts::queues(&queue_parts, &agent_parts);
    let agents = parts::agents(&agent_parts, &queues);
    let mailboxes = parts::mailboxes(&mailbox_parts, &queue_parts);
    let canned = canned(&raw::sections(root, book, "canned"));
    addresses_once(&desk_part, &agent_parts, &queue_parts);
    names_once(&queue_parts, |section| section.peek("name"));
    let only = queue_parts.first().and_then(|queue| queue.peek("name"));
    names_once(&mailbox_parts, |section| section.peek("name").or(section.peek("queue")).or(only));
    folders_once(&mailbox_parts, &mailboxes);
    let mailboxes = parts::with_sent(&mailbox_parts, mailboxes);
    Some(Config {
        desk: desk?,
        limits,
        budgets,
        web: match web {
            Some(web) => Some(web?),
            None => None,
        },
        metrics,
        smtp: Smtp { server: smtp? },
        agents: agents.into_iter().collect::<Option<_>>()?,
        queues: queues.into_iter().collect::<Option<_>>()?,
        mailboxes: mailboxes.into_iter().collect::<Option<_>>()?,
        canned: canned.into_iter().collect::<Option<_>>()?,
    })
}

fn desk(section: &Section<'_>, agents: &[Section<'_>]) -> Option<Desk> {
    let name = section.need("name", "\"your organisation's name\"");
    if !section.has("domain") {
        section.missing("domain", "\"example.org\", the right side of every Message-ID");
    }
    let right = "a domain such as \"example.org\"";
    let domain =
        section.get("domain", right, |value| values::line(value.as_str()?).filter(|d| values::is_host(d)));
    let mut admins: Vec<Address> = section.addresses("admins").into_iter().map(|admin| admin.value).collect();
    if !section.has("admins") {
        admins.extend(agents.first().and_then(|agent| agent.peek("address")).and_then(values::address));
    } else if section.is_empty_list("admins") {
        section.fault(
            section.line_of("admins"),
            "admins = []",
            "at least one address, or no such key for the first agent",
        );
    }
    let right = "a text with {number} in it once and something round it, such as \"[#{number}]\"";
    let tag = section
        .get("tag", right, |value| value.as_str().filter(|tag| values::is_tag(tag)).map(str::to_owned));
    let link_valid_secs = section.duration("link_valid", 3600..=LONGEST, 90 * DAY);
    let key_valid_secs = section.duration("key_valid", DAY..=LONGEST, 180 * DAY);
    if key_valid_secs < link_valid_secs {
        let line = section.line_of(if section.has("key_valid") { "key_valid" } else { "link_valid" });
        let found = "link_valid longer than key_valid";
        section.fault(line, found, "a key_valid at least as long: a link dies with the key that signed it");
    }
    let templates = section.path("templates", is_folder);
    let trust_from = section.flag("trust_from", false);
    let sent_kept_secs = section.duration("sent_kept", 0..=LONGEST, 7 * DAY);
    let hold_replies_secs = section.duration("hold_replies", 0..=3600, 30);
    let database = section.path("database", |_| Ok(()));
    Some(Desk {
        name: clean_name(&name?.value),
        database: database.unwrap_or_else(|| PathBuf::from(DATABASE)),
        domain: domain?.value,
        admins,
        tag: tag.map_or_else(|| "[#{number}]".to_owned(), |tag| tag.value),
        templates,
        trust_from,
        link_valid_secs,
        key_valid_secs,
        sent_kept_secs,
        hold_replies_secs,
    })
}

fn is_folder(path: &Path) -> Result<(), (String, String)> {
    if path.is_dir() {
        Ok(())
    } else {
        Err(("which is no folder".to_owned(), "a folder with templates".to_owned()))
    }
}

fn limits(section: &Section<'_>) -> Limits {
    let count = |key, most, default| match section.number(key, 1..=most) {
        Some(number) => usize::try_from(number).unwrap_or(default),
        None => default,
    };
    Limits {
        mail_max_bytes: section.size("mail_max", SIZES, 50_000_000),
        forward_max_bytes: section.size("forward_max", SIZES, 20_000_000),
        batch_max: count("batch_max", 1000, 200),
        smtp_connections: count("smtp_connections", 50, 4),
    }
}

fn budgets(section: &Section<'_>) -> Budgets {
    let budget = |key, default| match section.number(key, 1..=1_000_000) {
        Some(number) => u32::try_from(number).unwrap_or(default),
        None => default,
    };
    Budgets {
        per_sender: budget("per_sender", 10),
        per_domain: budget("per_domain", 500),
        per_ticket: budget("per_ticket", 20),
        in_all: budget("in_all", 2000),
    }
}

fn web(section: &Section<'_>) -> Option<Web> {
    let listen = listen(section, 8025);
    if !section.has("base_url") {
        section.missing("base_url", "\"https://soporte.example.org\", what links in mail begin with");
    }
    let right = "what links in mail begin with: \"https://soporte.example.org\"";
    let base_url = section.get("base_url", right, |value| values::base_url(value.as_str()?));
    let requests = section.number("requests_per_minute", 1..=1_000_000);
    let behind_proxy = section.flag("behind_proxy", false);
    Some(Web {
        listen,
        base_url: base_url?.value,
        requests_per_minute: requests.and_then(|requests| u32::try_from(requests).ok()).unwrap_or(120),
        behind_proxy,
    })
}

fn metrics(section: &Section<'_>) -> Metrics {
    Metrics { listen: listen(section, 8026) }
}

/// Where a page listens: on this machine alone when nothing is said.
fn listen(section: &Section<'_>, port: u16) -> SocketAddr {
    let right = format!("an address and a port, such as \"127.0.0.1:{port}\" or \"[::1]:{port}\"");
    let listen = section.get("listen", &right, |value| value.as_str()?.parse::<SocketAddr>().ok());
    listen.map_or(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), |listen| listen.value)
}

/// Every address belongs to one agent or one queue; none of people's is one of the desk's own, or its mail would be
/// taken for ours, and what we send there would come back as tickets.
fn addresses_once(desk: &Section<'_>, agents: &[Section<'_>], queues: &[Section<'_>]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for section in agents.iter().chain(queues) {
        for Placed { value, line } in section.peek_addresses(&["address", "aliases"]) {
            if let Some(first) = seen.insert(value.key().to_owned(), line) {
                let found = format!("the address {} again (see line {first})", shown(value.as_str()));
                section.fault(line, found, "each address once, at one agent or one queue");
            }
        }
    }
    let own: Vec<Placed<Address>> =
        queues.iter().flat_map(|queue| queue.peek_addresses(&["address", "aliases"])).collect();
    let is_queue = |address: &Address| own.iter().any(|queue| queue.value == *address);
    let is_tagged = |address: &Address| own.iter().any(|queue| address.tag_of(&queue.value).is_some());
    for Placed { value, line } in desk.peek_addresses(&["admins"]) {
        if is_queue(&value) || is_tagged(&value) {
            let found = format!("the queue's address {} in admins", shown(value.as_str()));
            desk.fault(line, found, "a person's address: what admins are told must not become a ticket");
        }
    }
    for agent in agents {
        for Placed { value, line } in agent.peek_addresses(&["address", "aliases"]) {
            if is_tagged(&value) {
                let found = format!("the queue's plus address {} as an agent's", shown(value.as_str()));
                agent.fault(line, found, "an address that is not the desk's own");
            }
        }
    }
}

/// Queues differ in name, and mailboxes do, whose default is their queue's.
fn names_once<'a>(sections: &'a [Section<'a>], name_of: impl Fn(&'a Section<'a>) -> Option<&'a str>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for section in sections {
        let Some(name) = name_of(section) else { continue };
        let line = section.line_of("name");
        if let Some(first) = seen.insert(name, line) {
            let found = format!("{} called {} again (see line {first})", section.head, shown(name));
            section.fault(line, found, "a name of its own");
        }
    }
}

/// Two readers of one folder would take each other's mail away.
fn folders_once(sections: &[Section<'_>], mailboxes: &[Option<Mailbox>]) {
    let mut seen: HashMap<(String, u16, Option<String>, String), usize> = HashMap::new();
    for (section, mailbox) in sections.iter().zip(mailboxes) {
        let Some(mailbox) = mailbox else { continue };
        let server = &mailbox.server;
        let key = (server.host.to_lowercase(), server.port, server.user.clone(), mailbox.folder.clone());
        if let Some(first) = seen.insert(key, section.line) {
            let found = format!("the same folder of the same user as in line {first}");
            section.fault(section.line, found, "each folder read once");
        }
    }
}
