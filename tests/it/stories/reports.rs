//! Reports that could be misread: about which mail they are, whose fault it was, and what only looks like one.

use super::bounces::{Report, counts, history, opened, row};
use crate::world::{ANA, DESK, MARIA, World};

const ADMIN: &str = "admin@desk.example";

#[tokio::test]
async fn a_report_that_refers_to_the_whole_conversation_is_about_its_last_mail_only() {
    for quotes in [true, false] {
        let (mut world, number, ack, note) = opened("").await;
        world.answers(ANA, &note, "Ya funciona.");
        world.work().await;
        let reply = world.new_mail(MARIA);
        let mut report = Report::of(&reply, MARIA, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound");
        report.quotes = quotes;
        let chain = format!(
            "In-Reply-To: <{0}>\r\nReferences: <1@elsewhere.example> <{1}> <{0}>\r\nAuto-Submitted",
            reply.id, ack.id
        );
        world.server.deliver(DESK, report.raw().replacen("Auto-Submitted", &chain, 1));
        world.work().await;
        assert_eq!((row(&world, &reply).0.as_str(), row(&world, &ack).0.as_str()), ("bounced", "sent"));
        assert_eq!(history(&world, number).iter().filter(|line| line.contains("came back")).count(), 1);
        assert_eq!(counts(&world)[2], 1, "the address rests");
        assert_eq!(world.new_mails(ANA).len(), 1);
        world.verify();
    }
}

#[tokio::test]
async fn what_is_wrong_with_our_own_address_pauses_nobody_elses() {
    for status in ["5.1.7", "5.1.8", "5.1.90"] {
        let (mut world, _, ack, _) = opened("").await;
        let said = format!("550 {status} <{DESK}>: Sender address rejected: Domain not found");
        world.server.deliver(DESK, Report::of(&ack, MARIA, status, &said).raw());
        world.work().await;
        assert_eq!(row(&world, &ack).0, "bounced");
        assert!(world.new_mail(ANA).text.contains("Sender address rejected"));
        assert_eq!(counts(&world)[2], 0, "{status}");
        world.writes(MARIA, "Otra cosa", "Tampoco funciona el escáner del segundo piso.");
        world.work().await;
        world.new_mail(MARIA);
        world.verify();
    }
}

#[tokio::test]
async fn exim_names_the_dead_address_in_words_only() {
    let (mut world, _, ack, _) = opened("").await;
    world.server.deliver(DESK, Report::of(&ack, MARIA, "5.0.0", "550 Unknown user").raw());
    world.work().await;
    assert_eq!((row(&world, &ack).0.as_str(), counts(&world)[2]), ("bounced", 1));
    world.verify();
}

/// RFC 3834 3.3: a vacation robot has the null address in the envelope, as a report has.
#[tokio::test]
async fn an_out_of_office_from_the_null_address_is_no_report_whatever_it_says() {
    for text in [
        "I am out of the office. For urgent matters write to the following address:\r\n\r\npedro@client.example",
        "Mary no longer works here, her mailbox does not exist from December on. Write to pedro@client.example.",
        "Ya no trabajo aquí. Su mensaje no fue entregado a nadie: 550 no existe el usuario.",
    ] {
        let (mut world, number, ack, _) = opened("").await;
        let robot = world.answer(MARIA, &ack, text).with("Return-Path: <>\r\n");
        world.posts(&robot);
        world.work().await;
        assert_ne!(world.last_account().0, "bounce", "{text}");
        assert_eq!((row(&world, &ack).0.as_str(), counts(&world)[2]), ("sent", 0), "{text}");
        assert!(history(&world, number).iter().all(|line| !line.contains("came back")));
        world.no_mail(MARIA);
        world.verify();
    }
}

#[tokio::test]
async fn a_report_about_a_report_changes_nothing() {
    let (mut world, _, ack, _) = opened("").await;
    let before = counts(&world);
    let inner = Report::of(&ack, MARIA, "5.1.1", "550 5.1.1 user unknown").raw();
    let outer = format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@other.example\r\nTo: {DESK}\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-Id: <outer@other.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=outer\r\n\r\n--outer\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; other.example\r\n\r\nFinal-Recipient: rfc822; {DESK}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--outer\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--outer--\r\n"
    );
    world.server.deliver(DESK, outer);
    world.work().await;
    assert_eq!(world.last_account().0, "bounce");
    assert_eq!(counts(&world), before);
    assert_eq!(row(&world, &ack).0, "sent");
    world.no_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn a_question_to_an_agent_that_comes_back_is_told_to_the_admins() {
    let mut world = World::start().await;
    world.writes(ANA, "Nuevo", "#new\r\nMaría no puede imprimir.");
    world.work().await;
    let question = world.new_mail(ANA);
    let report = Report::of(&question, ANA, "5.2.2", "552 5.2.2 mailbox full");
    world.server.deliver(DESK, report.raw());
    world.work().await;
    assert_eq!(row(&world, &question).0, "bounced");
    assert!(world.new_mail(ADMIN).text.contains(ANA));
    world.verify();
}

/// The envelope sender's token names the ticket; which of its mails came back is told by the address as a whole.
#[tokio::test]
async fn the_envelope_sender_names_one_mail_of_the_several_of_a_ticket() {
    let (mut world, _, ack, note) = opened("plus_addresses = true").await;
    let sent = world.server.submitted();
    let envelope = |to: &str| sent.iter().find(|mail| mail.to == to).unwrap().from.clone();
    for (mail, to, others) in [(&note, ANA, "sent"), (&ack, MARIA, "bounced")] {
        let mut report = Report::of(mail, to, "5.2.2", "552 5.2.2 mailbox full").to(envelope(to));
        report.quotes = false;
        world.server.deliver(DESK, report.raw());
        world.work().await;
        assert_eq!(row(&world, mail).0, "bounced", "{to}");
        assert_eq!(row(&world, &ack).0, others, "{to}");
    }
    world.verify();
}
