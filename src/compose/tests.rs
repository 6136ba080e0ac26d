use super::*;
use crate::address::Person;
use crate::desk::decision::Values;
use crate::mail;
use crate::mail::token::Key;
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

const NOW: Timestamp = Timestamp(1_795_182_660);

fn config() -> Config {
    let text = r#"
        [desk]
        name = "Ayuntamiento de Villanueva"
        database = "postdesk.db"
        domain = "desk.example"
        [web]
        base_url = "https://soporte.example"
        [smtp]
        host = "127.0.0.1"
        port = 25
        tls = "none"
        [[agent]]
        name = "Ana García"
        address = "ana@desk.example"
        time_zone = "America/Sao_Paulo"
        [[agent]]
        name = "Luis"
        address = "luis@desk.example"
        time_zone = "America/Sao_Paulo"
        [[queue]]
        name = "soporte"
        title = "Soporte"
        address = "soporte@desk.example"
        language = "es"
        time_zone = "Europe/Madrid"
        agents = ["ana@desk.example", "luis@desk.example"]
        plus_addresses = true
        [[mailbox]]
        name = "soporte"
        queue = "soporte"
        host = "127.0.0.1"
        port = 143
        tls = "none"
        user = "soporte"
        password_command = ["true"]
    "#;
    crate::config::parse(text, Path::new("test.toml")).unwrap_or_else(|faults| panic!("{faults}"))
}

fn keys() -> Keys {
    Keys(vec![Key { id: 1, secret: [7; 32] }])
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

/// A mail as the desk would order it, with all values of the preview.
fn outgoing(template: Template, language: Language) -> Outgoing {
    let to = if template.is_internal() {
        Person::new("Ana García", address("ana@desk.example"))
    } else {
        Person::new("María López", address("maria@cliente.example"))
    };
    let from_name = match template {
        Template::Reply => "Ana García",
        Template::Copy | Template::Notification => "María López",
        Template::Colleague => "Luis",
        _ => "",
    };
    Outgoing {
        template,
        to,
        queue: "soporte".into(),
        number: 853_142,
        purpose: if template.is_internal() { Purpose::Agent } else { Purpose::Requester },
        token_number: 853_142,
        language,
        from_name: from_name.into(),
        in_reply_to: Some(id("mail.2@cliente.example")),
        references: vec![id("mail.1@cliente.example"), id("mail.2@cliente.example")],
        values: sample::full(language).values,
        attachments: false,
        hold_secs: 0,
        may_leave: false,
        author: None,
    }
}

fn compose_one(outgoing: &Outgoing, files: &[File<'_>]) -> Composed {
    static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new(&[]).unwrap());
    let (config, keys) = (config(), keys());
    let parts: Vec<Part> = files.iter().map(Part::of).collect();
    compose(&Desk { config: &config, templates: &TEMPLATES, keys: &keys, now: NOW }, outgoing, 42, &parts)
        .unwrap()
}

fn wire(composed: &Composed) -> Vec<u8> {
    composed.bytes(b"").unwrap()
}

fn head_text(composed: &Composed) -> String {
    String::from_utf8(composed.head.clone()).unwrap().replace('\r', "")
}

#[test]
fn every_template_in_every_language_says_what_it_says() {
    let (config, templates) = (config(), Templates::new(&[]).unwrap_or_else(|faults| panic!("{faults:#?}")));
    for template in Template::ALL {
        for language in Language::ALL {
            let shown = templates.preview(template, language, &config).unwrap();
            let golden = format!("Subject: {}\n\n{}\n=====\n{}", shown.subject, shown.text, shown.html);
            insta::assert_snapshot!(format!("{}-{language}", template.name()), golden);
        }
    }
}

#[test]
fn the_heads_of_all_templates() {
    let heads: Vec<String> = Template::ALL
        .map(|template| {
            let composed = compose_one(&outgoing(template, Language::Es), &[]);
            format!("== {}, envelope {}\n{}", template.name(), composed.envelope_from, head_text(&composed))
        })
        .to_vec();
    insta::assert_snapshot!(heads.join(""));
}

#[test]
fn an_acknowledgement_repeats_no_word_of_an_unproven_sender() {
    for template in [Template::Acknowledgement, Template::Link] {
        let mut mail = outgoing(template, Language::En);
        mail.to = Person::new("BUY PILLS", address("victim@x.example"));
        mail.values = Values {
            subject: "BUY PILLS".into(),
            requester_name: "BUY PILLS".into(),
            author_name: "BUY PILLS".into(),
            text: "BUY PILLS".into(),
            sender_is_proven: false,
            ..mail.values
        };
        let bytes = wire(&compose_one(&mail, &[]));
        let read = mail::read(&bytes, &mail::LIMITS);
        assert!(!String::from_utf8_lossy(&bytes).contains("PILLS"));
        assert!(!read.text().contains("PILLS") && !read.subject.contains("PILLS"), "{}", read.subject);
        assert!(read.subject.contains("[#853142]"), "{}", read.subject);
    }
}

#[test]
fn our_own_detector_knows_our_automatic_mail_and_takes_a_reply_for_a_persons() {
    for template in Template::ALL {
        let read = mail::read(&wire(&compose_one(&outgoing(template, Language::Pt), &[])), &mail::LIMITS);
        assert_eq!(read.automatic.is_some(), template.is_automatic(), "{template:?}: {:?}", read.automatic);
    }
}

#[test]
fn the_body_is_the_same_for_all_recipients_of_a_message() {
    let files = [file("plano.pdf", "application/pdf", b"%PDF-1.7")];
    for template in [Template::Notification, Template::Colleague, Template::Reply, Template::Copy] {
        let one = outgoing(template, Language::Es);
        let other = Outgoing { to: Person::new("Luis", address("luis@desk.example")), ..one.clone() };
        let (one, other) = (compose_one(&one, &files), compose_one(&other, &files));
        // An agent's zone and the queue's differ here: only agents are compared with agents.
        if template.is_internal() {
            assert_eq!(one.body, other.body, "{template:?}");
        }
        assert_ne!(one.message_id, other.message_id);
        assert_ne!(one.head, other.head);
    }
    let one = outgoing(Template::Reply, Language::Es);
    let other = Outgoing { to: Person::new("Jefe", address("jefe@cliente.example")), ..one.clone() };
    assert_eq!(compose_one(&one, &files).body, compose_one(&other, &files).body);
}

#[test]
fn a_token_in_the_message_id_is_worth_something_from_the_recipient() {
    let composed = compose_one(&outgoing(Template::Reply, Language::En), &[]);
    let token = Token::of_message_id(&composed.message_id).unwrap();
    assert!(keys().verifies(&token, &composed.recipient));
    let read = mail::read(&wire(&composed), &mail::LIMITS);
    let tagged = read.reply_to.first().unwrap().address.clone();
    assert_eq!(Token::parse(tagged.tag_of(&address("soporte@desk.example")).unwrap()), Some(token));
    let bounce = address(&composed.envelope_from);
    let bounce = Token::parse(bounce.tag_of(&address("soporte@desk.example")).unwrap()).unwrap();
    assert!(bounce.purpose == Purpose::Bounce && keys().verifies(&bounce, &composed.recipient));
}

#[test]
fn references_name_the_ticket_then_the_first_and_the_newest() {
    let mut mail = outgoing(Template::Reply, Language::En);
    mail.references = (0..100).map(|n| id(&format!("{n}@x.example"))).collect();
    let read = mail::read(&wire(&compose_one(&mail, &[])), &mail::LIMITS);
    let ids: Vec<&str> = read.references.iter().map(MessageId::as_str).collect();
    assert_eq!(ids.len(), 1 + REFERENCES_MAX);
    assert_eq!(ids[..3], ["ticket.853142@desk.example", "0@x.example", "80@x.example"]);
    assert_eq!(ids.last(), Some(&"99@x.example"));
}

#[test]
fn the_tag_stands_once_behind_the_prefix() {
    let tag = "[#853142]";
    for (subject, expected) in [
        ("Re: Factura", "Re: [#853142] Factura"),
        ("re: [#853142] Factura [#853142]", "re: [#853142] Factura"),
        ("Factura", "[#853142] Factura"),
        ("Re:", "Re: [#853142]"),
        ("", "[#853142]"),
        ("ñé: x", "[#853142] ñé: x"),
    ] {
        assert_eq!(place_tag(subject, tag), expected);
    }
    assert_eq!(place_tag("Re: x", ""), "Re: x");
}

fn file<'a>(name: &'a str, content_type: &'a str, bytes: &'a [u8]) -> File<'a> {
    File { name, content_type, bytes, content_id: "", inline: false }
}

#[test]
fn files_come_back_with_name_and_bytes_and_a_mail_as_a_file() {
    let files = [
        file("Año 2026 – resumen.pdf", "application/pdf", &[0, 255, 13, 10, 46]),
        file("queja", "message/rfc822", b"From: a@b\r\n\r\nhola"),
        file("../../x\r\ny\".txt", "text/plain; evil=\"\r\nX: 1", "ñ".as_bytes()),
        file("", "nonsense", b""),
    ];
    let bytes = wire(&compose_one(&outgoing(Template::Reply, Language::Es), &files));
    let read = mail::read(&bytes, &mail::LIMITS);
    let seen: Vec<String> =
        read.attachments.iter().map(|a| format!("{} | {}", a.name, a.content_type)).collect();
    insta::assert_snapshot!(seen.join("\n"), @r"
    Año 2026 – resumen.pdf | application/pdf
    queja.eml | application/octet-stream
    _.._x y_.txt | text/plain
    file | application/octet-stream
    ");
    for (attachment, file) in read.attachments.iter().zip(&files) {
        assert_eq!(mail::attachment_bytes(&bytes, &mail::LIMITS, attachment.part).unwrap(), file.bytes);
    }
}

#[test]
fn a_broken_override_is_refused_with_its_place_and_all_at_once() {
    let over = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let faults = |overrides: &[(String, String)]| match Templates::new(overrides) {
        Ok(_) => "fine".to_owned(),
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    let broken = [
        over("es/replay.txt", "x"),
        over("es/reply.txt", "Hola"),
        over("en/reply.txt", "Subject: x\n\n{{ text | shout }}\n"),
        over("pt/reply.html", "{% if text %}"),
    ];
    insta::assert_snapshot!(faults(&broken), @r"
    es/replay.txt: there is no template of this name, did you mean `es/reply.txt`?; `postdesk template list` shows all names
    es/reply.txt:1: the first line must be the subject: `Subject: Re: {{ subject }}`
    en/reply.txt:3:11: Unknown filter `shout`
    pt/reply.html:1:14: Unexpected end of input
    ");
    let unknown = faults(&[over("es/reply.txt", "Subject: x\n\nHola\n{{ txt }}\n")]);
    let expected = "es/reply.txt:4:4: there is no variable `txt`, did you mean `text`?; the variables are: ";
    assert!(unknown.starts_with(expected), "{unknown}");
    let field = "Subject: x\n\n{% for row in history %}{{ row.subjet }}{% endfor %}\n";
    let unknown = faults(&[over("es/reply.txt", field)]);
    assert!(unknown.starts_with("es/reply.txt:3:"), "{unknown}");
    assert_eq!(faults(&[over("es/reply.txt", "Subject: Hola\n\n{{ text }}\n")]), "fine");
    let huge = "Subject: x\n\n{% for a in range(end=5000) %}{% for b in range(end=5000) %}xxxxxxxxxx{% endfor %}{% endfor %}";
    assert_eq!(faults(&[over("es/reply.txt", huge)]), "es/reply.txt: it grew beyond 16 MiB");
}

#[test]
fn the_longest_text_there_is_grows_into_a_mail_whatever_it_is_made_of() {
    let bound = mail::LIMITS.text_max_bytes;
    for piece in ["a@b.c ", "a\n\n", "'", "  &\n", "http://a.b ", "\t\t\t\t\t\t\t\tx\n", "\u{1f600}"] {
        let mut outgoing = outgoing(Template::Notification, Language::Es);
        outgoing.values.text = piece.repeat(bound / piece.len());
        outgoing.values.folded = outgoing.values.text.clone();
        compose_one(&outgoing, &[]);
    }
}

fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,300}",
        "[\r\n\t -~]{0,80}",
        "(=\\?utf-8\\?[bq]\\?[A-Za-z0-9=_]{0,20}\\?=|\r\nBcc: x@y|[ñé€😀 ]|a){0,12}",
        "[a-z]{0,400}",
        "[😀ñ日本]{0,250}",
    ]
}

fn field_names(head: &[u8]) -> Vec<String> {
    let head = String::from_utf8(head.to_vec()).unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']) && !line.is_empty());
    lines.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_in_names_subjects_texts_and_files_it_is_one_valid_mail(
        from in nasty(), to in nasty(), subject in nasty(), text in nasty(), name in nasty(), kind in nasty(),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        choice in 0..Template::ALL.len(),
    ) {
        let template = Template::ALL[choice];
        let plain = compose_one(&outgoing(template, Language::Es), &[file("a.txt", "text/plain", b"a")]);
        let mut mail = outgoing(template, Language::Es);
        mail.from_name = from;
        mail.to.name = to;
        mail.values.subject = subject;
        mail.values.text = text.clone();
        mail.references.push(MessageId::parse(&"x".repeat(900)).unwrap());
        let mut attached = file(&name, &kind, &bytes);
        attached.content_id = &name;
        attached.inline = bytes.len().is_multiple_of(2);
        let composed = compose_one(&mail, &[attached]);
        prop_assert!(composed.head.is_ascii());
        prop_assert_eq!(field_names(&composed.head), field_names(&plain.head));
        prop_assert!(composed.head.ends_with(b"\r\n\r\n") && composed.body.own().ends_with(b"\r\n"));
        let bytes_on_wire = wire(&composed);
        for line in bytes_on_wire.split(|b| *b == b'\n') {
            prop_assert!(line.len() <= 999, "{} bytes", line.len());
            prop_assert!(line.is_empty() || line.ends_with(b"\r"));
            prop_assert!(!line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r'));
        }
        let read = mail::read(&bytes_on_wire, &mail::LIMITS);
        prop_assert_eq!(read.from.map(|p| p.address), Some(address("soporte@desk.example")));
        prop_assert_eq!(read.to.len(), 1);
        prop_assert_eq!(read.attachments.len(), 1);
        prop_assert_eq!(mail::attachment_bytes(&bytes_on_wire, &mail::LIMITS, read.attachments[0].part), Some(bytes));
        prop_assert_eq!(read.message_id, Some(composed.message_id));
        if template == Template::Reply {
            let squeeze = |s: &str| s.split_whitespace().collect::<String>();
            let whole: String = read.body.iter().map(|span| span.text.as_str()).collect();
            let printable: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
            prop_assert!(squeeze(&whole).contains(&squeeze(&printable)), "{:?} in {:?}", printable, whole);
        }
    }
}

#[test]
fn a_participant_is_told_how_to_leave_in_the_head_alone() {
    static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new(&[]).unwrap());
    let composed = |base: &str, plus: bool| {
        let (mut config, keys) = (config(), keys());
        config.web.as_mut().unwrap().base_url = base.to_owned();
        config.queues[0].plus_addresses = plus;
        let desk = Desk { config: &config, templates: &TEMPLATES, keys: &keys, now: NOW };
        let outgoing = Outgoing { may_leave: true, ..outgoing(Template::Reply, Language::Es) };
        compose(&desk, &outgoing, 42, &[]).unwrap()
    };
    let (secure, plain) = (composed("https://soporte.example", true), composed("http://localhost", false));
    let head = head_text(&secure).replace("\n ", " ");
    let field = head.lines().find(|line| line.starts_with("List-Unsubscribe: ")).unwrap();
    let token = field.split_once("https://soporte.example/leave/").unwrap().1.trim_end_matches('>');
    let parsed = Token::parse(token).unwrap();
    assert!(parsed.purpose == Purpose::Leave && keys().verifies(&parsed, &secure.recipient));
    assert!(
        field.contains(&format!("<mailto:soporte+{token}@desk.example?subject=leave>, <https:")),
        "{field}"
    );
    assert!(head.contains("\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"));
    let head = head_text(&plain).replace("\n ", " ");
    assert!(!head.contains("<http") && !head.contains("List-Unsubscribe-Post"), "{head}");
    assert!(head.contains("List-Unsubscribe: <mailto:soporte@desk.example?subject=leave%20l"), "{head}");
    let without = compose_one(&outgoing(Template::Reply, Language::Es), &[]);
    assert!(!head_text(&without).contains("List-Unsubscribe") && without.body == secure.body);
}
