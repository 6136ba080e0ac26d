//! What leaves for people outside, over generated mails of agents: no command line, no word of a note, no address,
//! token or Message-ID of an agent, no mark of an agent's client (promise 8). Through the rules and the composing, without
//! a store.

use postdesk::address::{Address, Person};
use postdesk::clock::Timestamp;
use postdesk::compose::{Desk, Templates, compose};
use postdesk::config::{self, Config};
use postdesk::desk::command::{Command, parse, vocabulary};
use postdesk::desk::decide::{Policy, decide};
use postdesk::desk::decision::{Disposition, Event, Outgoing, Role, Template};
use postdesk::desk::facts::{Facts, Said, TicketFacts};
use postdesk::desk::thread;
use postdesk::desk::ticket::{Priority, Status};
use postdesk::language::Language;
use postdesk::mail::ids::MessageId;
use postdesk::mail::token::{Key, Keys, Purpose, Token};
use postdesk::mail::{LIMITS, read};
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

const NOW: Timestamp = Timestamp(1_795_182_660);
const NUMBER: i64 = 853_142;
const ANA: &str = "ana.private@desk.example";

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let text = r##"
        [desk]
        name = "Ejemplo"
        domain = "desk.example"
        [smtp]
        host = "127.0.0.1"
        tls = "none"
        [[agent]]
        name = "Ana"
        address = "ana.private@desk.example"
        aliases = ["ana.home@home.example"]
        [[agent]]
        name = "Luis"
        address = "luis.private@desk.example"
        [[queue]]
        name = "soporte"
        address = "soporte@desk.example"
        plus_addresses = true
        [[canned]]
        name = "hola"
        text = "Hola {{ requester_name }} {{ subject }}"
    "##;
    config::parse(text, Path::new("test.toml")).unwrap_or_else(|faults| panic!("{faults}"))
});
static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new(&[]).unwrap());

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn keys() -> Keys {
    Keys(vec![Key { id: 1, secret: [7; 32] }])
}

fn said(internal: bool, role: Role, author: &str, text: &str) -> Said {
    let author = Some(Person::new("Alguien", address(author)));
    Said { at: NOW, internal, role, author, text: text.into(), attachments: Vec::new() }
}

fn facts() -> Facts {
    let ticket = TicketFacts {
        number: NUMBER,
        queue: "soporte".into(),
        subject: "Impresora".into(),
        status: Status::Open,
        priority: Priority::Normal,
        requester: Some(Person::new("María", address("maria@client.example"))),
        language: Language::Es,
        assignee: Some(address(ANA)),
        participants: vec![Person::new("Pedro", address("pedro@client.example"))],
        writers: Vec::new(),
        watchers: Vec::new(),
        left: Vec::new(),
        opened_at: NOW,
        closed_at: None,
        continues: None,
        message_ids: vec![MessageId::parse("first@client.example").unwrap()],
        waiting: Vec::new(),
    };
    let conversation = vec![
        said(false, Role::Requester, "maria@client.example", "No imprime."),
        said(true, Role::Agent, ANA, "OLDSECRET de antes."),
        said(false, Role::Agent, ANA, "Lo miramos."),
    ];
    Facts {
        mail_id: 7,
        tickets: [(NUMBER, ticket)].into(),
        leads_to: [(NUMBER, NUMBER)].into(),
        fresh_number: 111_111,
        conversations: [(NUMBER, conversation)].into(),
        ..Facts::default()
    }
}

/// An agent's reply to mail of `purpose`, a notification or a note, with all that a client adds.
fn reply_to(purpose: Purpose, body: &str, cc: &str) -> String {
    let token = keys().token(NUMBER, purpose, &address(ANA), 77).unwrap();
    let id = token.message_id("desk.example").unwrap();
    format!(
        "From: Ana <{ANA}>\nTo: <soporte@desk.example>\nCc: {cc}\nMessage-ID: <agents-own-id@mua.example>\nX-Mailer: FINGERPRINT\nUser-Agent: FINGERPRINT\n\
         Subject: Re: [#{NUMBER}] Impresora\nReferences: {id}\nIn-Reply-To: {id}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    )
}

fn consequences(raw: &str) -> (Vec<(Outgoing, String)>, bool, Disposition) {
    let (mail, signing) = (read(raw.as_bytes(), &LIMITS), keys());
    let policy = Policy {
        config: &CONFIG,
        keys: &signing,
        queue: &CONFIG.queues[0],
        authserv_id: None,
        confirmed: false,
        is_sent: false,
    };
    let (decision, _) = decide(&mail, &thread::keys(&mail, &CONFIG), &facts(), policy, NOW);
    let internal = decision.events.iter().any(|event| matches!(event, Event::Message(_, m) if m.internal));
    let desk = Desk { config: &CONFIG, templates: &TEMPLATES, keys: &signing, now: NOW };
    let wire = |(n, outgoing): (usize, &Outgoing)| {
        let composed = compose(&desk, outgoing, n as u64, &[]).unwrap();
        (outgoing.clone(), String::from_utf8(composed.bytes(b"").unwrap()).unwrap())
    };
    (decision.outgoing.iter().enumerate().map(wire).collect(), internal, decision.disposition)
}

/// Mail about a note says at its top, in the reader's language, that only agents read an answer and by which word that is
/// changed; the word is that command, and what stands there is no address.
#[test]
fn mail_about_a_note_names_the_word_for_a_public_answer_at_its_top() {
    let signing = keys();
    let desk = Desk { config: &CONFIG, templates: &TEMPLATES, keys: &signing, now: NOW };
    let (mails, internal, _) =
        consequences(&reply_to(Purpose::Agent, "#note\nCreo que miente.", "<x@y.example>"));
    assert!(internal);
    let to_luis =
        mails.iter().find(|(outgoing, _)| outgoing.to.address == address("luis.private@desk.example"));
    let (told, _) = to_luis.expect("the colleague hears of it");
    for (language, only) in
        [(Language::En, "Only agents"), (Language::Es, "solo agentes"), (Language::Pt, "Só agentes")]
    {
        let outgoing = Outgoing { language, ..told.clone() };
        let composed = compose(&desk, &outgoing, 5, &[]).unwrap();
        let mail = read(&composed.bytes(b"").unwrap(), &LIMITS);
        let text = mail.text();
        let top = text.lines().filter(|line| !line.is_empty()).nth(1).unwrap();
        assert!(top.contains(only) && !top.contains('@'), "{top}");
        let word = top.split(['“', '”', '«', '»']).nth(1).expect("a word in quotes");
        assert_eq!(parse(word).commands, [Command::Public], "{top}");
        let token = mail.message_id.as_ref().and_then(Token::of_message_id).unwrap();
        assert_eq!(token.purpose, Purpose::Note);
    }
}

fn is_agents(address: &Address) -> bool {
    CONFIG.agent(address).is_some()
}

/// Whether a person sees a command: `#` and its word, with no other word in front of it on what is shown as one line, or
/// behind the tag of a subject. Found without the desk's own reading of commands.
fn shows_a_command(text: &str) -> bool {
    let words: Vec<&str> = vocabulary().flat_map(|(en, es, pt)| [en, es, pt]).collect();
    text.split(['\n', '\u{2028}']).any(|line| {
        let Some((before, after)) = line.rsplit_once(['#', '＃', '﹟']) else { return false };
        let after = after.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let word = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let first = before.chars().all(|c| !c.is_alphabetic()) || before.ends_with("Otra cosa ");
        first && words.contains(&word)
    })
}

fn line() -> impl Strategy<Value = String> {
    let word = "(#|＃)[a-zñé]{1,12}( [a-z0-9@. #-]{0,20})?";
    let known = proptest::sample::select(vec![
        "#close",
        "#nota",
        "#note",
        "#cerrar",
        "#take",
        "#resolver",
        "#pending until 2027-01-01",
        "#tag factura",
        "#priority high",
        "#responder hola",
        "#forward eva@other.example",
        "#split Otra",
        "#spam",
        "#cc juan@client.example",
        "#undo",
        "#lista",
        "#help",
        "#show 853142",
        "#merge 5",
        "#subject Nuevo",
        "#requester eva@other.example",
        "#new",
        "#cerar",
        "#internal",
        "#public",
        "#público",
        "#PUBLICO",
        "#away",
    ]);
    let mangled = (
        known.clone(),
        proptest::sample::select(vec![
            "{}",
            "\u{a0}{}",
            "\u{200b}{}",
            "  {}  ",
            "*{}*",
            "- {}",
            "\u{feff}{}",
            "{}\u{a0}",
            "•\u{a0}{}",
            "\u{200e}{}.",
            "“{}”",
            "«{}»",
            "({})",
            "1. {}",
            "→ {}",
            "[#853142] {}",
            "#853142 {}",
            "#{}",
            "\u{fe0f}{}",
            "Hola\u{2028}{}\u{2028}",
            "#tag uno {}",
            "#subject Otra cosa {}",
        ]),
    )
        .prop_map(|(command, form)| form.replace("{}", command));
    // Words that are no command's and may be meant as one, beside what only looks like one.
    let made_up = proptest::sample::select(vec![
        "#privado",
        "#escalar ya",
        "#on-hold",
        "#SoloAgentes",
        "#NotaInterna",
        "#nota2",
        "#include eva@client.example",
        "#ff0000",
        "#YoMeQuedo",
        "#menu {",
        "#endif",
        "#INC0012345",
    ]);
    prop_oneof![
        4 => "[A-Za-zñáé ,.]{0,40}WORD[0-9]{1,3}",
        2 => known.prop_map(str::to_owned),
        2 => mangled,
        1 => word,
        2 => Just(String::new()),
        1 => made_up.prop_map(str::to_owned),
        1 => Just("# Título".to_owned()),
        1 => Just("#853142 es el número".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_and_no_word_of_a_note_leaves(lines in proptest::collection::vec(line(), 0..9), cc in proptest::sample::select(vec!["<luis.private@desk.example>", "<pedro@client.example>", "<soporte+nota@desk.example>"]), purpose in proptest::sample::select(vec![Purpose::Agent, Purpose::Note])) {
        let body = lines.join("\n");
        let raw = reply_to(purpose, &body, cc);
        let (mails, internal, _) = consequences(&raw);
        let public = parse(&body.replace('\u{2028}', "\n")).commands.contains(&Command::Public);
        let inside = cc.contains("+nota") || (purpose == Purpose::Note && !public);
        prop_assert!(!inside || mails.iter().all(|(outgoing, _)| outgoing.template != Template::Reply), "a note was sent: {body:?}");
        for (outgoing, wire) in mails.iter().filter(|(outgoing, _)| !is_agents(&outgoing.to.address)) {
            let seen = read(wire.as_bytes(), &LIMITS);
            let text = seen.text();
            // What is passed on to somebody is written for that person; nobody else gets it.
            let passed_on = outgoing.to.address == address("eva@other.example") && outgoing.template.name() == "forward";
            if internal && !passed_on {
                prop_assert!(!text.contains("WORD"), "a note went to {}: {body:?}\n{text}", outgoing.to.address);
            }
            let commands = parse(text.split("\n-- \n").next().unwrap_or(""));
            prop_assert!(commands.commands.is_empty() && commands.faults.is_empty(), "{body:?}\n{text}");
            for made_up in ["#privado", "#escalar", "#on-hold", "#SoloAgentes", "#NotaInterna", "#nota2", "#include"] {
                prop_assert!(!text.contains(made_up), "{body:?}\n{text}");
            }
            prop_assert!(!shows_a_command(&text) && !shows_a_command(&seen.subject), "{body:?}\n{text}");
            for secret in ["private@", "home.example", "agents-own-id", "FINGERPRINT", "OLDSECRET", ".agents@"] {
                prop_assert!(!wire.contains(secret) && !text.contains(secret), "{secret} in {wire}");
            }
            let own = seen.message_id.iter().chain(&seen.references).chain(&seen.in_reply_to);
            for token in own.filter_map(Token::of_message_id) {
                prop_assert!(matches!(token.purpose, Purpose::Requester | Purpose::Desk), "{wire}");
            }
            for person in &seen.reply_to {
                let token = person.address.tag_of(&address("soporte@desk.example")).and_then(Token::parse);
                prop_assert!(token.is_none_or(|t| matches!(t.purpose, Purpose::Requester | Purpose::Desk)), "{wire}");
            }
        }
    }

    #[test]
    fn every_changed_character_of_a_token_takes_its_power(at in 0usize..60, to in proptest::sample::select((b'0'..=b'9').chain(b'a'..=b'z').chain([b'.']).collect::<Vec<u8>>()), purpose in proptest::sample::select(vec![Purpose::Agent, Purpose::Note, Purpose::Desk])) {
        let raw = reply_to(purpose, "Hola.\n#close", "<x@y.example>");
        let start = raw.find("pd.").unwrap() + 3;
        let end = start + raw[start..].find('@').unwrap();
        let token = &raw[start..end];
        let at = at % token.len();
        if token.as_bytes()[at] == to {
            return Ok(());
        }
        let mut changed = token.as_bytes().to_vec();
        changed[at] = to;
        let changed = raw.replace(token, std::str::from_utf8(&changed).unwrap());
        let (mails, _, disposition) = consequences(&changed);
        prop_assert_ne!(disposition, Disposition::Agent);
        prop_assert!(mails.iter().all(|(outgoing, _)| is_agents(&outgoing.to.address)), "{changed}");
    }
}
