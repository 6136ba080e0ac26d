//! The decision table of who is who, run in full, and what no combination may do.

use super::*;
use crate::clock::Timestamp;
use crate::desk::decision::{Disposition, Event, Role};
use crate::desk::ticket::{Priority, Status};
use crate::language::Language;
use crate::mail::ids::MessageId;
use crate::mail::token::{Key, Token};
use crate::mail::{self, LIMITS};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

pub(super) const NOW: Timestamp = Timestamp(1_795_182_660);
pub(super) const NUMBER: i64 = 853_142;
pub(super) const ANA: &str = "ana@desk.example";
pub(super) const MARIA: &str = "maria@client.example";
const PEDRO: &str = "pedro@client.example";
const DESK: &str = "soporte@desk.example";
const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/who-is-who.md");

pub(super) static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let text = r#"
        [desk]
        name = "Ejemplo"
        domain = "desk.example"
        [smtp]
        host = "127.0.0.1"
        tls = "none"
        [[agent]]
        name = "Ana"
        address = "ana@desk.example"
        [[agent]]
        name = "Luis"
        address = "luis@desk.example"
        [[queue]]
        name = "soporte"
        address = "soporte@desk.example"
        plus_addresses = true
    "#;
    crate::config::parse(text, Path::new("test.toml")).unwrap_or_else(|faults| panic!("{faults}"))
});

pub(super) fn signing() -> Keys {
    Keys(vec![Key { id: 2, secret: [7; 32] }, Key { id: 1, secret: [5; 32] }])
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn ticket() -> TicketFacts {
    TicketFacts {
        number: NUMBER,
        queue: "soporte".into(),
        subject: "Impresora".into(),
        status: Status::Open,
        priority: Priority::Normal,
        requester: Some(Person::new("María", address(MARIA))),
        language: Language::Es,
        assignee: None,
        participants: vec![Person::new("Pedro", address(PEDRO))],
        writers: Vec::new(),
        watchers: Vec::new(),
        left: Vec::new(),
        opened_at: NOW,
        closed_at: None,
        continues: None,
        message_ids: vec![MessageId::parse("first@client.example").unwrap()],
        waiting: Vec::new(),
    }
}

/// Facts in which one ticket is there; `known` when the mail points at a mail of it.
pub(super) fn facts(known: bool) -> Facts {
    let first = MessageId::parse("first@client.example").unwrap();
    Facts {
        mail_id: 7,
        tickets: [(NUMBER, ticket())].into(),
        leads_to: [(NUMBER, NUMBER)].into(),
        known_ids: if known { vec![(first, NUMBER)] } else { Vec::new() },
        held: Some((5, address(ANA))),
        fresh_number: 111_111,
        ..Facts::default()
    }
}

pub(super) fn run(raw: &str, facts: &Facts, keys: &Keys) -> (Decision, Findings) {
    let mail = mail::read(raw.as_bytes(), &LIMITS);
    let policy = Policy {
        config: &CONFIG,
        keys,
        queue: &CONFIG.queues[0],
        authserv_id: Some("mx.desk.example"),
        confirmed: false,
        is_sent: false,
    };
    decide(&mail, &thread::keys(&mail, &CONFIG), facts, policy, NOW)
}

/// What may differ between two mails, and the words of the table for each choice.
const DIMENSIONS: [(&str, &[&str]); 7] = [
    (
        "From",
        &[
            "requester",
            "participant",
            "stranger",
            "agent",
            "agent, Reply-To elsewhere",
            "two, agent first",
            "the desk",
            "none",
        ],
    ),
    ("token", &["none", "requester's", "agent's", "for notes", "confirmation", "desk's", "to leave"]),
    ("made for", &["the sender", "another", "the sender, other ticket's", "the sender, key deleted"]),
    ("server says", &["nothing", "pass", "fail"]),
    ("tag", &["no", "yes"]),
    ("points at a known mail", &["no", "yes"]),
    ("text", &["words", "a command", "words under #public"]),
];

type Combination = [usize; 7];

fn combinations() -> Vec<Combination> {
    let mut all: Vec<Combination> = vec![[0; 7]];
    for (dimension, (_, choices)) in DIMENSIONS.iter().enumerate() {
        all = all
            .iter()
            .flat_map(|c| {
                (0..choices.len()).map(|choice| {
                    let mut next = *c;
                    next[dimension] = choice;
                    next
                })
            })
            .collect();
    }
    all
}

fn sender(choice: usize) -> (&'static str, &'static str) {
    match choice {
        0 => ("From: <maria@client.example>\n", MARIA),
        1 => ("From: <pedro@client.example>\n", PEDRO),
        2 => ("From: <eve@evil.example>\n", "eve@evil.example"),
        3 => ("From: <ana@desk.example>\n", ANA),
        4 => ("From: <ana@desk.example>\nReply-To: <eve@evil.example>\n", ANA),
        5 => ("From: <ana@desk.example>, <eve@evil.example>\n", ANA),
        6 => ("From: <soporte@desk.example>\n", DESK),
        _ => ("", "nobody@nowhere.example"),
    }
}

fn token(c: Combination) -> Option<Token> {
    let purpose = match c[1] {
        0 => return None,
        1 => Purpose::Requester,
        2 => Purpose::Agent,
        3 => Purpose::Note,
        4 => Purpose::Confirm,
        5 => Purpose::Desk,
        _ => Purpose::Leave,
    };
    let mut number = match purpose {
        Purpose::Confirm => 5,
        Purpose::Desk => 0,
        _ => NUMBER,
    };
    let owner = if c[2] == 1 { "joana@desk.example" } else { sender(c[0]).1 };
    if c[2] == 2 {
        number = 999_999;
    }
    let keys = if c[2] == 3 { Keys(vec![Key { id: 9, secret: [9; 32] }]) } else { signing() };
    keys.token(number, purpose, &address(owner), 77)
}

fn raw(c: Combination) -> String {
    let (from, who) = sender(c[0]);
    let domain = address(who).domain().to_owned();
    let results = match c[3] {
        0 => String::new(),
        1 => format!("Authentication-Results: mx.desk.example; dmarc=pass header.from={domain}\n"),
        _ => format!("Authentication-Results: mx.desk.example; dmarc=fail header.from={domain}\n"),
    };
    let token = token(c);
    let leaving = token.as_ref().filter(|token| token.purpose == Purpose::Leave);
    let leaving = leaving.map(|token| format!(" leave {}", token.text())).unwrap_or_default();
    let token = token.map(|t| format!(" <{}>", t.message_id("desk.example").unwrap().as_str()));
    let known = if c[5] == 1 { " <first@client.example>" } else { "" };
    let references = format!("References: <x@y.example>{known}{}\n", token.unwrap_or_default());
    let subject = if c[4] == 1 { format!("[#{NUMBER}] x") } else { "x".to_owned() };
    let subject = subject + &leaving;
    let text = ["Hola.", "#close", "#public\nHola."][c[6]];
    format!(
        "{results}{from}To: <{DESK}>\nMessage-ID: <own@x.example>\nSubject: {subject}\n{references}\n{text}\n"
    )
}

/// Author and what follows, in the words of the table.
fn outcome(c: Combination) -> String {
    let (decision, findings) = run(&raw(c), &facts(c[5] == 1), &signing());
    let author = findings.author.as_str();
    let who = match author {
        a if a.starts_with("agent") && a.contains("token made") => "agent, by token",
        a if a.starts_with("agent") && a.contains("confirming") => "agent, confirming",
        a if a.starts_with("agent") && a.contains("proven") => "agent, by the server's word",
        a if a.starts_with("agent") => "an agent's name, unproven",
        a if a.starts_with("nobody") => "nobody",
        a if a.starts_with("the desk") => "the desk itself",
        _ => "somebody outside",
    };
    let place = match decision.number {
        Some(NUMBER) => "in the ticket",
        Some(_) if !findings.threaded.mentions.is_empty() => "new ticket that mentions it",
        Some(_) => "new ticket",
        None => "no ticket",
    };
    let text = decision.events.iter().find_map(|event| match event {
        Event::Message(_, message) if message.internal => Some("a note"),
        Event::Message(_, message) if message.role == Role::Agent => Some("the reply"),
        Event::Message(..) => Some("a message"),
        _ => None,
    });
    format!("{who} | {} | {place} | {}", decision.disposition.word(), text.unwrap_or("nothing"))
}

type Boxed = ([BTreeSet<usize>; 7], String);

/// Rows that differ in one column only and end alike become one, until none do.
fn merged(rows: Vec<Boxed>) -> Vec<Boxed> {
    let mut rows = rows;
    for dimension in [2, 1, 3, 4, 5, 6, 0, 2, 1, 3, 4, 5, 6, 0] {
        let mut kept: Vec<Boxed> = Vec::new();
        for row in rows {
            let same = |other: &&mut Boxed| {
                other.1 == row.1 && (0..7).all(|d| d == dimension || other.0[d] == row.0[d])
            };
            match kept.iter_mut().find(same) {
                Some(other) => other.0[dimension].extend(row.0[dimension].iter().copied()),
                None => kept.push(row),
            }
        }
        rows = kept;
    }
    rows
}

fn cell(dimension: usize, choices: &BTreeSet<usize>) -> String {
    let words = DIMENSIONS[dimension].1;
    if choices.len() == words.len() {
        return "any".to_owned();
    }
    if choices.len() > 2 && choices.len() == words.len() - 1 {
        let missing = (0..words.len()).find(|n| !choices.contains(n)).unwrap();
        return format!("any but *{}*", words[missing]);
    }
    choices.iter().map(|n| words[*n]).collect::<Vec<_>>().join(" / ")
}

fn document() -> String {
    let all = combinations();
    let count = all.len();
    let rows = merged(all.into_iter().map(|c| (c.map(|n| [n].into()), outcome(c))).collect());
    let mut text = format!(
        "# Who is who\n\nWhat a mail may do is decided by proof, never by its From alone. This table is made by the \
         test `the_table_of_who_is_who` out of the rules themselves: all {count} combinations of what a mail can carry \
         are decided, and those that end alike stand in one row. The ticket is number {NUMBER}, with a requester, a \
         participant and two agents; everything else in it is the default.\n\n\
         - **token**: the signed id in a Message-ID that the mail points at (or in a plus address it was sent to). It \
         counts only from the address it was made for, for the ticket and purpose it was made for, under a key that is \
         kept.\n\
         - **to leave**: the token of `List-Unsubscribe`, in the subject or a plus address. It takes the participant out \
         that it was made for, whoever brings it; such mail is answered by nothing and does nothing else.\n\
         - **server says**: the topmost `Authentication-Results` field, written by the configured `authserv_id`. A pass \
         counts for an agent only where To or Cc names an address of the desk and no field stands there twice, and no \
         DKIM signature of the From domain leaves that field out (`h=`) unless the line says that SPF passed for it as \
         well: a signature tells who wrote a mail, not who brings it here.\n\
         - **requester's token**: what an agent asked as a requester goes on as a requester's. With a command it is an \
         agent's, and needs the proof of one.\n\
         - **for notes**: the token of mail about an internal note, and of the address for notes. What answers it is a \
         note, whether the token is good or not, unless it says `#public`. Where several tokens stand in References, that \
         of the mail answered counts.\n\
         - **desk's**: the token of what is about no ticket: a list, the digest, the list of commands. An agent's answer to \
         such reaches no requester, whatever else it points at: only a tag in its subject names a ticket.\n\
         - **held**: stored without effect; the agent's registered address is asked to confirm by replying. A \
         reply whose first line is short and holds a no confirms nothing.\n\n"
    );
    let heads: Vec<&str> = DIMENSIONS
        .iter()
        .map(|(name, _)| *name)
        .chain(["it is from", "accounted for as", "where", "its text becomes"])
        .collect();
    text += &format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len()));
    for (sets, end) in rows {
        let cells: Vec<String> = sets.iter().enumerate().map(|(d, set)| cell(d, set)).collect();
        text += &format!("| {} | {end} |\n", cells.join(" | "));
    }
    text
}

#[test]
fn the_table_of_who_is_who() {
    let now = document();
    if std::env::var_os("POSTDESK_WRITE_DOCS").is_some() {
        std::fs::write(DOC, &now).unwrap();
    }
    let doc = std::fs::read_to_string(DOC).unwrap_or_default();
    assert!(
        doc == now,
        "docs/who-is-who.md is not what the rules say: run this test with POSTDESK_WRITE_DOCS=1"
    );
}

/// What the table must never hold, said without it: no power without proof.
#[test]
fn no_combination_gives_power_without_proof() {
    for c in combinations() {
        let (decision, _) = run(&raw(c), &facts(c[5] == 1), &signing());
        // A token of another ticket that was made for this agent proves the agent all the same.
        let genuine_for_agent = matches!(c[1], 2 | 3 | 5) && matches!(c[2], 0 | 2);
        let by_server = c[3] == 1;
        let acted = decision.disposition == Disposition::Agent;
        if acted && c[1] == 4 && c[2] == 0 {
            assert!(c[0] == 3 || c[0] == 4, "only the agent confirms: {c:?}");
            continue;
        }
        if acted {
            assert_eq!(c[0], 3, "only mail from one agent, who answers for herself, acts: {c:?}");
            assert!(genuine_for_agent || by_server, "{c:?}");
        }
        let into_ticket = decision.number == Some(NUMBER) && !acted;
        if into_ticket {
            assert!(
                c[0] <= 1 || c[1] == 1 || (c[1] == 2 || c[1] == 3) && c[2] == 0,
                "a stranger wrote into the ticket: {c:?}"
            );
        }
        let is_reply = |event: &Event| matches!(event, Event::Message(_, message) if message.role == Role::Agent && !message.internal);
        if c[1] == 3 && c[6] != 2 {
            assert!(!decision.events.iter().any(is_reply), "what answers a note went out: {c:?}");
        }
        if c[0] == 2 && c[2] != 0 {
            assert_ne!(decision.number, Some(NUMBER), "a stolen or old token: {c:?}");
        }
    }
}

/// Whoever has got a signed mail of an agent's can bring it here, with fields of their own on top of the signed ones.
#[test]
fn a_signed_mail_that_somebody_else_may_have_passed_on_has_no_power() {
    let mail = |fields: &str, to: &str| {
        format!(
            "Authentication-Results: mx.desk.example; dmarc=pass header.from=desk.example\n{fields}From: <{ANA}>\nTo: <{to}>\nMessage-ID: <own@x.example>\nSubject: [#{NUMBER}] x\n\n#close\n"
        )
    };
    let top = format!("From: <{ANA}>\nTo: <{DESK}>\nSubject: [#{NUMBER}] another\n");
    let many = top + &"X-Much: x\n".repeat(LIMITS.headers_max);
    for (fields, to, power) in [
        ("", DESK, true),
        ("", "soporte+note@desk.example", true),
        ("Cc: <pedro@client.example>\n", DESK, true),
        ("Cc: <soporte@desk.example>\n", "pedro@client.example", true),
        ("", "pedro@client.example", false),
        ("To: <soporte@desk.example>\n", "pedro@client.example", false),
        ("Cc: <x@desk.example>\nCc: <soporte@desk.example>\n", "pedro@client.example", false),
        ("Subject: [#853142] another\n", DESK, false),
        ("Message-ID: <other@x.example>\n", DESK, false),
        ("References: <a@x.example>\nReferences: <first@client.example>\n", DESK, false),
        (&many, DESK, false),
    ] {
        let (decision, findings) = run(&mail(fields, to), &facts(false), &signing());
        let wanted = if power { Disposition::Agent } else { Disposition::Held };
        assert_eq!(decision.disposition, wanted, "{fields:.80} {to}: {findings:?}");
    }
}
