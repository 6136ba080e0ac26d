//! Outgoing mail that comes back: mapped to what was sent, shown on the ticket, told to who should know; and reports
//! that prove nothing change nothing.

use crate::world::{ANA, DESK, LUIS, MARIA, Mail, World};

const ADMIN: &str = "admin@desk.example";
const DEAD: &str = "550 5.1.1 <maria@client.example>: Recipient address rejected: User unknown";

/// A report as Postfix makes it about `mail`: notice, status, and the head of the mail unless `quotes` is off.
pub(super) struct Report<'a> {
    mail: &'a Mail,
    to: String,
    recipient: &'a str,
    action: &'a str,
    status: &'a str,
    said: &'a str,
    id: u32,
    pub(super) quotes: bool,
}

impl<'a> Report<'a> {
    pub(super) fn of(mail: &'a Mail, recipient: &'a str, status: &'a str, said: &'a str) -> Self {
        Self { mail, to: DESK.into(), recipient, action: "failed", status, said, id: 1, quotes: true }
    }

    /// Sent there.
    pub(super) fn to(self, to: String) -> Self {
        Self { to, ..self }
    }

    pub(super) fn raw(&self) -> String {
        let Self { mail, to, recipient, action, status, said, id, quotes } = self;
        let head = mail.raw.split("\r\n\r\n").next().unwrap();
        let quoted = if *quotes {
            format!(
                "--b/1\r\nContent-Description: Undelivered Message Headers\r\nContent-Type: text/rfc822-headers\r\n\r\nReturn-Path: <{DESK}>\r\n{head}\r\n\r\n"
            )
        } else {
            String::new()
        };
        format!(
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example (Mail Delivery System)\r\nSubject: Undelivered Mail Returned to Sender\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nMessage-Id: <{id}.report@relay.example>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\r\n\r\nThis is a MIME-encapsulated message.\r\n\r\n--b/1\r\nContent-Description: Notification\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is the mail system at host relay.example.\r\n\r\nI'm sorry to have to inform you that your message could not be delivered.\r\n\r\n<{recipient}>: {said}\r\n\r\n--b/1\r\nContent-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\nX-Postfix-Queue-ID: 4B1F2\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nOriginal-Recipient: rfc822;{recipient}\r\nAction: {action}\r\nStatus: {status}\r\nRemote-MTA: dns; mx.client.example\r\nDiagnostic-Code: smtp; {said}\r\n\r\n{quoted}--b/1--\r\n"
        )
    }
}

/// A ticket of María's: its number, her acknowledgement, Ana's notification.
pub(super) async fn opened(queue: &str) -> (World, i64, Mail, Mail) {
    let mut world = World::start_with("", queue, "").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let (number, acknowledgement, note) = (world.tickets()[0], world.new_mail(MARIA), world.new_mail(ANA));
    world.new_mail(LUIS);
    (world, number, acknowledgement, note)
}

/// State and last word of the outbox row that `mail` came from.
pub(super) fn row(world: &World, mail: &Mail) -> (String, String) {
    let reader = world.reader();
    let sql = "SELECT state, said FROM outbox WHERE message_id = ?1";
    reader.db().query_row(sql, [&mail.id], |r| Ok((r.get(0)?, r.get(1)?))).unwrap()
}

pub(super) fn history(world: &World, number: i64) -> Vec<String> {
    world.ticket(number).events.into_iter().map(|event| event.what).collect()
}

pub(super) fn counts(world: &World) -> Vec<i64> {
    let count = |sql| world.reader().db().query_row(sql, [], |r| r.get(0)).unwrap();
    [
        "SELECT count(*) FROM event",
        "SELECT count(*) FROM outbox",
        "SELECT count(*) FROM paused",
        "SELECT count(*) FROM outbox WHERE state = 'bounced'",
    ]
    .map(count)
    .to_vec()
}

#[tokio::test]
async fn an_acknowledgement_that_comes_back_is_on_the_ticket_and_told_and_the_dead_address_rests() {
    let (mut world, number, ack, note) = opened("").await;
    world.server.deliver(DESK, Report::of(&ack, MARIA, "5.1.1", DEAD).raw());
    world.work().await;
    assert_eq!(world.last_account().0, "bounce");
    let (state, said) = row(&world, &ack);
    assert!(state == "bounced" && said.contains("User unknown"), "{state} {said}");
    assert!(history(&world, number).iter().any(|line| line.contains("came back") && line.contains("5.1.1")));
    for agent in [ANA, LUIS] {
        let word = world.new_mail(agent);
        assert!(word.text.contains(MARIA) && word.text.contains("User unknown"), "{}", word.text);
    }
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).messages.len(), 1, "a report is no message");

    world.writes(MARIA, "Otra cosa", "Tampoco funciona el escáner del segundo piso.");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.last_account().1.contains("came back lately"), "{:?}", world.last_account());
    world.new_mail(ANA);
    world.answers(ANA, &note, "Ya funciona.");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Ya funciona."), "an agent's own words are sent anyway");

    world.clock.advance(15 * 86400);
    world.reconnect();
    world.writes(MARIA, "Y otra", "Ahora tampoco funciona la cafetera.");
    world.work().await;
    world.new_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn an_agents_reply_that_comes_back_is_told_to_its_author_whoever_has_the_ticket() {
    let (mut world, number, _, note) = opened("").await;
    world.answers(ANA, &note, &format!("Ya funciona.\r\n\r\n#asignar {LUIS}"));
    world.work().await;
    let reply = world.new_mail(MARIA);
    world.new_mails(LUIS);
    assert_eq!(world.ticket(number).row.assignee, LUIS);
    let full = "552 5.2.2 mailbox full";
    world.server.deliver(DESK, Report::of(&reply, MARIA, "5.2.2", full).raw());
    world.work().await;
    assert_eq!(row(&world, &reply).0, "bounced");
    for agent in [ANA, LUIS] {
        assert!(world.new_mail(agent).text.contains("mailbox full"), "{agent}");
    }
    assert_eq!(counts(&world)[2], 0, "a full mailbox is not dead");
    assert!(history(&world, number).iter().any(|line| line.contains("came back for now")));
    world.verify();
}

#[tokio::test]
async fn what_is_only_delayed_stands_in_the_history_and_nobody_is_told() {
    let (mut world, number, ack, _) = opened("").await;
    let said = "451 4.4.1 connect to mx.client.example: timed out";
    let late = Report { action: "delayed", ..Report::of(&ack, MARIA, "4.4.1", said) };
    world.server.deliver(DESK, late.raw());
    world.work().await;
    assert_eq!(row(&world, &ack).0, "sent");
    assert!(history(&world, number).iter().any(|line| line.contains("is delayed")));
    world.no_mail(ANA);
    // In the end it comes back, which is told.
    world
        .server
        .deliver(DESK, Report { id: 2, ..Report::of(&ack, MARIA, "5.4.7", "retry time exceeded") }.raw());
    world.work().await;
    assert_eq!(row(&world, &ack).0, "bounced");
    world.new_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn reports_in_words_alone_are_mapped_by_the_message_id_they_quote() {
    let qmail = "Hi. This is the qmail-send program at relay.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<maria@client.example>:\r\n192.0.2.7 does not like recipient.\r\nRemote host said: 550 5.1.1 no such user\r\nGiving up on 192.0.2.7.\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n";
    let exim = "This message was created automatically by mail delivery software.\r\n\r\nA message that you sent could not be delivered to one or more of its\r\nrecipients. This is a permanent error. The following address(es) failed:\r\n\r\n  maria@client.example\r\n    host mx.client.example [192.0.2.7]\r\n    SMTP error from remote mail server after RCPT TO:<maria@client.example>:\r\n    550 5.1.1 no such user\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\n";
    for (subject, words) in
        [("failure notice", qmail), ("Mail delivery failed: returning message to sender", exim)]
    {
        let (mut world, _, ack, _) = opened("").await;
        let copy = format!("Return-Path: <{DESK}>\r\n{}", ack.raw);
        world.server.deliver(DESK, format!("Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example\r\nTo: {DESK}\r\nSubject: {subject}\r\nMessage-Id: <w@relay.example>\r\n\r\n{words}{copy}\r\n"));
        world.work().await;
        assert_eq!(world.last_account().0, "bounce", "{subject}");
        assert_eq!(row(&world, &ack).0, "bounced", "{subject}");
        assert!(world.new_mail(ANA).text.contains(MARIA), "{subject}");
        assert_eq!(counts(&world)[2], 1, "{subject}: the address rests");
        world.verify();
    }
}

#[tokio::test]
async fn a_forged_report_changes_nothing() {
    let (mut world, number, ack, _) = opened("").await;
    let before = counts(&world);
    let guessed = |id: String| Mail {
        raw: format!(
            "Message-ID: <{id}>\r\nTo: <{MARIA}>\r\nSubject: Re: [#{number}] Impresora\r\nX-Postdesk-Ticket: {number}\r\nReferences: <ticket.{number}@desk.example>\r\n\r\n"
        ),
        id,
        ..ack.clone()
    };
    let (left, right) = ack.id.split_once('@').unwrap();
    let mut tampered = left.to_owned();
    let last = if tampered.pop() == Some('a') { 'b' } else { 'a' };
    tampered.push(last);
    let forged = [
        format!("ticket.{number}@desk.example"),
        format!("pd.r{number}.1.1.aaaaaaaaaaaaaaaaaaaaaaaa@desk.example"),
        format!("{tampered}@{right}"),
        "%@desk.example".to_owned(),
        "unrelated@elsewhere.example".to_owned(),
    ];
    for (n, id) in (1..).zip(forged) {
        let mail = guessed(id);
        let report = Report { id: n, ..Report::of(&mail, MARIA, "5.1.1", DEAD) };
        let raw = report.raw().replacen(
            "Auto-Submitted",
            &format!(
                "In-Reply-To: <ticket.{number}@desk.example>\r\nReferences: <{}>\r\nAuto-Submitted",
                mail.id
            ),
            1,
        );
        world.server.deliver(DESK, raw);
        world.work().await;
        assert_eq!(world.last_account().0, "bounce");
        assert_eq!(counts(&world), before, "{}", mail.id);
    }
    assert_eq!(row(&world, &ack).0, "sent");
    world.no_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn with_plus_addresses_the_envelope_sender_names_the_mail_by_itself() {
    let (mut world, number, ack, _) = opened("plus_addresses = true").await;
    let envelope = world.server.submitted().iter().find(|mail| mail.to == MARIA).unwrap().from.clone();
    assert!(envelope.starts_with("soporte+b"), "{envelope}");
    let before = counts(&world);
    for (id, to) in [
        (1, envelope.replacen("+b", "+r", 1)),
        (2, format!("{}x@desk.example", envelope.split('@').next().unwrap())),
        (3, "soporte+b%@desk.example".into()),
    ] {
        let forged = Report { to, id, quotes: false, ..Report::of(&ack, MARIA, "5.1.1", DEAD) };
        world.server.deliver(DESK, forged.raw());
    }
    world.work().await;
    assert_eq!(counts(&world), before);
    let report = Report {
        to: envelope.to_uppercase(),
        id: 9,
        quotes: false,
        ..Report::of(&ack, MARIA, "5.1.1", DEAD)
    };
    world.server.deliver(DESK, report.raw());
    world.work().await;
    assert_eq!(row(&world, &ack).0, "bounced");
    assert!(history(&world, number).iter().any(|line| line.contains("came back")));
    world.new_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn mail_to_an_agent_that_comes_back_is_told_to_the_admins_once_and_ends_there() {
    let (mut world, _, _, note) = opened("").await;
    let report = Report::of(&note, ANA, "5.1.1", "550 5.1.1 user unknown");
    world.server.deliver(DESK, report.raw());
    world.writes(MARIA, "Otra cosa", "Tampoco funciona el escáner del segundo piso.");
    world.work().await;
    world.no_mail(ANA);
    let word = world.new_mail(ADMIN);
    assert!(word.text.contains(ANA), "{}", word.text);
    let other = world.new_mail(LUIS);
    world
        .server
        .deliver(DESK, Report { id: 2, ..Report::of(&note, ANA, "5.1.1", "550 5.1.1 user unknown") }.raw());
    world.work().await;
    world.no_mail(ADMIN);
    // Nor does the word itself, when that comes back, cause another; Luís's is a matter of its own.
    world
        .server
        .deliver(DESK, Report { id: 3, ..Report::of(&word, ADMIN, "5.1.1", "550 5.1.1 user unknown") }.raw());
    world.work().await;
    assert_eq!(row(&world, &word).0, "bounced");
    world.no_mail(ADMIN);
    world
        .server
        .deliver(DESK, Report { id: 4, ..Report::of(&other, LUIS, "5.1.1", "550 5.1.1 user unknown") }.raw());
    world.work().await;
    world.no_mail(LUIS);
    world.verify();
}

#[tokio::test]
async fn the_word_about_a_bounce_that_comes_back_itself_causes_nothing() {
    let (mut world, _, ack, _) = opened("").await;
    world.server.deliver(DESK, Report::of(&ack, MARIA, "5.1.1", DEAD).raw());
    world.work().await;
    let word = world.new_mail(ANA);
    world.new_mail(LUIS);
    let sent = counts(&world)[1];
    world.server.deliver(DESK, Report { id: 2, ..Report::of(&word, ANA, "5.2.2", "552 5.2.2 full") }.raw());
    world.work().await;
    assert_eq!(row(&world, &word).0, "bounced");
    assert_eq!(counts(&world)[1], sent);
    world.verify();
}

#[tokio::test]
async fn a_report_that_comes_twice_is_told_once() {
    let (mut world, _, ack, _) = opened("").await;
    let report = Report::of(&ack, MARIA, "5.1.1", DEAD);
    world.server.deliver(DESK, report.raw());
    world.server.deliver(DESK, report.raw());
    world.server.deliver(DESK, Report { id: 2, ..Report::of(&ack, MARIA, "5.1.1", DEAD) }.raw());
    world.work().await;
    world.new_mail(ANA);
    world.new_mail(LUIS);
    assert_eq!(world.reader().mails(Some("duplicate"), 10).unwrap().len(), 1);
    world.verify();
}

/// A word to the admins belongs to no ticket: the report that quotes nothing of it is known by where it was sent.
#[tokio::test]
async fn mail_about_no_ticket_is_named_by_its_envelope_sender_too() {
    let (mut world, _, _, note) = opened("plus_addresses = true").await;
    world.server.deliver(DESK, Report::of(&note, ANA, "5.1.1", DEAD).raw());
    world.work().await;
    let word = world.new_mail(ADMIN);
    let envelope = world.server.submitted().iter().find(|mail| mail.to == ADMIN).unwrap().from.clone();
    assert!(envelope.starts_with("soporte+b0."), "{envelope}");
    let (rest, mac) = envelope.split('@').next().unwrap().rsplit_once('.').unwrap();
    let before = counts(&world);
    for (id, to) in [
        (2, format!("{rest}.{}@desk.example", "0".repeat(mac.len()))),
        (3, envelope.replacen("+b0.", "+b1.", 1)),
        (4, envelope.replacen("+b0.", "+d0.", 1)),
    ] {
        let forged = Report { to, id, quotes: false, ..Report::of(&word, ADMIN, "5.1.1", DEAD) };
        world.server.deliver(DESK, forged.raw());
    }
    world.work().await;
    assert_eq!(counts(&world), before, "a forged report changes nothing");
    let report = Report { to: envelope, id: 9, quotes: false, ..Report::of(&word, ADMIN, "5.1.1", DEAD) };
    world.server.deliver(DESK, report.raw());
    world.work().await;
    assert_eq!(row(&world, &word).0, "bounced");
    world.no_mail(ADMIN);
    world.verify();
}
