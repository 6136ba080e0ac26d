//! Delivery reports: about what we sent they are told and remembered; about anything else they change nothing.

use crate::soak::workload::report;
use crate::world::{ANA, DESK, LUIS, MARIA, Mail, World};

async fn acknowledged(queue: &str) -> (World, i64, Mail) {
    let mut world = World::start_with("", queue, "").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer, por favor.");
    world.work().await;
    let (number, ack) = (world.tickets()[0], world.new_mail(MARIA));
    world.new_mail(ANA);
    world.new_mail(LUIS);
    (world, number, ack)
}

fn history(world: &World, number: i64) -> String {
    world.ticket(number).events.iter().map(|event| event.what.clone() + "\n").collect()
}

#[tokio::test]
async fn a_hard_report_is_told_remembered_and_pauses_the_address_for_a_while() {
    let (mut world, number, ack) = acknowledged("").await;
    world.server.deliver(DESK, report("r", &ack.id, MARIA, "5.1.1", "failed"));
    world.work().await;
    for agent in [ANA, LUIS] {
        assert!(world.new_mail(agent).text.contains(MARIA));
    }
    assert!(history(&world, number).contains("came back"), "{}", history(&world, number));
    assert_eq!(world.last_account().0, "bounce");
    world.writes(MARIA, "Otra cosa", "Otro asunto distinto del primero, gracias.");
    world.work().await;
    world.no_mail(MARIA);
    world.clock.advance(15 * 86_400);
    world.writes(MARIA, "Una más", "Un asunto más, después de quince días.");
    world.work().await;
    world.new_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn what_an_agent_writes_to_a_paused_address_is_tried_all_the_same() {
    let (mut world, _, ack) = acknowledged("").await;
    world.server.deliver(DESK, report("r", &ack.id, MARIA, "5.1.1", "failed"));
    world.work().await;
    let word = world.new_mail(ANA);
    world.answers(ANA, &word, "¿Le llega esto?");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("¿Le llega esto?"));
    world.verify();
}

#[tokio::test]
async fn soft_and_delayed_reports_pause_nobody() {
    for (status, action, told) in [("4.2.2", "failed", 1), ("4.4.1", "delayed", 0)] {
        let (mut world, number, ack) = acknowledged("").await;
        world.server.deliver(DESK, report("r", &ack.id, MARIA, status, action));
        world.work().await;
        assert_eq!(world.new_mails(ANA).len(), told, "{action}");
        assert!(history(&world, number).contains("mail "), "{}", history(&world, number));
        assert_eq!(world.rows("SELECT count(*) FROM paused"), ["0"]);
        world.verify();
    }
}

#[tokio::test]
async fn a_report_in_words_is_found_by_the_headers_it_quotes() {
    let (mut world, number, ack) = acknowledged("").await;
    let body = format!(
        "Hi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<{MARIA}>:\r\n550 5.1.1 User unknown\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <{DESK}>\r\nMessage-ID: <{}>\r\nSubject: x\r\n",
        ack.id
    );
    let letter =
        world.letter("MAILER-DAEMON@mx.example", "failure notice", &body).with("Return-Path: <>\r\n");
    world.posts(&letter);
    world.work().await;
    assert_eq!(world.last_account().0, "bounce");
    assert!(history(&world, number).contains("came back"));
    world.new_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn a_forged_report_changes_nothing() {
    let (mut world, number, ack) = acknowledged("plus_addresses = true").await;
    let before = history(&world, number);
    let mut forged = ack.id.clone();
    let last = forged.find('@').unwrap() - 1;
    forged.replace_range(last..=last, if &forged[last..=last] == "0" { "1" } else { "0" });
    for about in ["out@desk.example", &forged, &format!("ticket.{number}@desk.example")] {
        world.server.deliver(DESK, report("f", about, MARIA, "5.1.1", "failed"));
    }
    world.work().await;
    assert_eq!(history(&world, number), before);
    assert_eq!(world.rows("SELECT count(*) FROM paused"), ["0"]);
    assert_eq!(world.rows("SELECT count(*) FROM mail WHERE disposition = 'bounce'"), ["3"]);
    world.no_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn with_plus_addresses_the_envelope_alone_tells_what_came_back() {
    let (mut world, number, _) = acknowledged("plus_addresses = true").await;
    let from = world.rows("SELECT envelope_from FROM outbox WHERE template = 'reply' OR envelope_from <> ''");
    let replies = !from.is_empty();
    if !replies {
        // The acknowledgement has the null sender; an agent's reply has one of its own.
        world.writes(ANA, "x", "y");
    }
    let envelope = from.first().cloned().unwrap_or_default();
    if envelope.contains('+') {
        let raw = String::from_utf8(report("r", "unknown@mx.example", MARIA, "5.1.1", "failed")).unwrap();
        world
            .server
            .deliver(DESK, raw.replace(&format!("To: <{DESK}>\r\n"), &format!("To: <{envelope}>\r\n")));
        let other = envelope.replace("+b", "+b1");
        world.server.deliver(
            DESK,
            raw.replace("<r@", "<r2@").replace(&format!("To: <{DESK}>\r\n"), &format!("To: <{other}>\r\n")),
        );
        world.work().await;
        assert!(history(&world, number).contains("came back"), "{envelope}: {}", history(&world, number));
        assert_eq!(world.rows("SELECT count(*) FROM outbox WHERE state = 'bounced'"), ["1"]);
    }
    world.verify();
}
