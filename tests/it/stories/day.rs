//! The main story and what surrounds it.

use crate::world::{ANA, LUIS, MARIA, World};
use postdesk::loops::alarm::{Outage, TOLD_AFTER_SECS};

#[tokio::test]
async fn a_ticket_lives_from_first_mail_to_late_reply() {
    let mut world = World::start().await;
    world.writes(MARIA, "No puedo entrar al sistema", "Buenos días, desde ayer no puedo entrar al sistema de facturas. ¿Me pueden ayudar, por favor? Gracias, María");
    world.work().await;
    let number = world.tickets()[0];
    let tag = format!("[#{number}]");

    let acknowledgement = world.new_mail(MARIA);
    assert!(acknowledgement.subject.contains(&tag), "{}", acknowledgement.subject);
    assert!(acknowledgement.text.contains(&number.to_string()));
    assert!(
        acknowledgement.text.contains(&format!("https://help.desk.example/t/{number}/")),
        "{}",
        acknowledgement.text
    );
    assert_eq!(acknowledgement.header("Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(acknowledgement.header("Content-Language").as_deref(), Some("es"));
    assert!(
        !acknowledgement.raw.contains("No puedo entrar"),
        "an unproven sender's own words are not sent back"
    );

    let to_ana = world.new_mail(ANA);
    assert!(to_ana.text.contains("desde ayer no puedo entrar"));
    assert!(to_ana.text.contains(MARIA));
    world.new_mail(LUIS);

    world.answers(ANA, &to_ana, "Hola María, ya está arreglado.");
    world.work().await;
    let reply = world.new_mail(MARIA);
    assert!(reply.text.contains("ya está arreglado"));
    assert!(
        reply.from.contains("Ana García") && reply.from.contains("soporte@desk.example"),
        "{}",
        reply.from
    );
    assert!(!reply.raw.contains(ANA), "an agent's private address never leaves");
    assert!(!reply.text.contains("no puedo entrar"), "quoted history is folded away");
    assert!(world.new_mail(LUIS).text.contains("ya está arreglado"), "the other agents see it too");
    world.no_mail(ANA);
    assert_eq!(world.ticket(number).row.assignee, ANA);
    assert_eq!(world.ticket(number).row.status.word(), "open");

    world.answers(MARIA, &reply, "Perfecto, funciona. ¡Gracias!");
    world.work().await;
    let thanks = world.new_mail(ANA);
    assert!(
        thanks.text.contains("Es la primera vez que nos escribe"),
        "a ticket is no earlier one of itself: {}",
        thanks.text
    );
    assert!(thanks.text.contains("Perfecto, funciona"));
    world.no_mail(LUIS);
    world.no_mail(MARIA);

    world.answers(ANA, &thanks, "Me alegro.\r\n\r\n#close");
    world.work().await;
    assert!(!world.new_mail(MARIA).raw.contains("#close"));
    assert_eq!(world.ticket(number).row.status.word(), "closed");

    world.clock.advance(30 * 86400);
    world.answers(MARIA, &reply, "Otra vez no puedo entrar.");
    world.work().await;
    let all = world.tickets();
    assert_eq!(all.len(), 2, "a late reply opens a linked ticket");
    assert!(
        world.ticket(all[1]).events.iter().any(|event| event.what == format!("continues ticket {number}"))
    );
    assert_eq!(world.ticket(number).row.status.word(), "closed");
    world.verify();
}

#[tokio::test]
async fn a_reply_reopens_a_resolved_ticket() {
    let mut world = World::start().await;
    world.writes(MARIA, "Printer", "The printer on the second floor is broken again, please help.");
    world.work().await;
    let (number, note, ack) = (world.tickets()[0], world.new_mail(ANA), world.new_mail(MARIA));
    world.answers(ANA, &note, "Fixed.\r\n#resolve");
    world.work().await;
    assert_eq!(world.ticket(number).row.status.word(), "resolved");
    world.answers(MARIA, &ack, "No, it is not.");
    world.work().await;
    assert_eq!(world.ticket(number).row.status.word(), "open");
    assert_eq!(world.tickets().len(), 1);
    world.verify();
}

#[tokio::test]
async fn attachments_travel_both_ways() {
    let mut world = World::start().await;
    let letter = world.letter(MARIA, "Factura", "").with("X-Test: 1\r\n");
    let raw = letter.raw().replace(
        "Content-Type: text/plain; charset=utf-8\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nAdjunto la factura.\r\n--b\r\nContent-Type: application/pdf; name=\"factura.pdf\"\r\nContent-Disposition: attachment; filename=\"factura.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n",
    );
    world.server.deliver(crate::world::DESK, raw);
    world.work().await;
    let note = world.new_mail(ANA);
    assert_eq!(note.attachments, [("factura.pdf".to_owned(), b"%PDF-1.4\n".to_vec())]);
    let number = world.tickets()[0];
    let reader = world.reader();
    let conversation = reader.conversation(number).unwrap().unwrap();
    let file = &conversation.messages[0].attachments[0];
    assert_eq!(reader.download(number, file.id).unwrap().unwrap().bytes, b"%PDF-1.4\n");
    assert_eq!(reader.download(number + 1, file.id).unwrap(), None);
    world.verify();
}

/// What is passed on is kept once, in the mail it came with.
#[tokio::test]
async fn a_large_attachment_reaches_the_agent_byte_for_byte_and_is_kept_once() {
    let mut world = World::start().await;
    let line = format!("{}\r\n", "UG9zdGRlc2s0".repeat(6) + "UG9z");
    let bytes = "Postdesk4".repeat(6) + "Pos";
    for (ending, kept_once) in [("\r\n", true), (" \r\n", false)] {
        let file = line.replace("\r\n", ending).repeat(10_000);
        let mail = world
            .letter(MARIA, &format!("adjunto {kept_once}"), &format!("--b\r\nContent-Type: text/plain\r\n\r\nVa adjunto.\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}--b--"))
            .raw()
            .replace("Content-Type: text/plain; charset=utf-8\r\n\r\n--b", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b");
        world.server.deliver(crate::world::DESK, mail);
        world.work().await;
        let note = world.new_mail(ANA);
        assert_eq!(note.attachments.len(), 1);
        assert_eq!(note.attachments[0].1.len(), 57 * 10_000);
        assert!(note.attachments[0].1.chunks(57).all(|chunk| chunk == bytes.as_bytes()));
        let sql = "SELECT max(size) FROM outgoing_body WHERE (taken <> '') = ?1";
        let size: i64 = world.reader().db().query_row(sql, [kept_once], |r| r.get(0)).unwrap();
        assert_eq!(size < 20_000, kept_once, "{size}");
    }
    world.verify();
}

/// The bytes of what was sent go after their time; that it was sent stays, and a report about it still finds its ticket.
#[tokio::test]
async fn what_was_sent_is_forgotten_after_its_time_but_not_that_it_was_sent() {
    let mut world = World::start().await;
    world.writes(MARIA, "Factura", "La factura está mal.");
    world.work().await;
    let acknowledgement = world.new_mail(MARIA);
    let count =
        |world: &World, sql: &str| -> i64 { world.reader().db().query_row(sql, [], |r| r.get(0)).unwrap() };
    let sent = "SELECT count(*) FROM outbox WHERE state = 'sent'";
    let kept = "SELECT count(*) FROM outbox WHERE length(head) > 0 OR body_id IS NOT NULL";
    let before = count(&world, sent);
    assert_eq!(count(&world, kept), before);
    world.clock.advance(8 * 86400);
    world.work().await;
    assert_eq!((count(&world, sent), count(&world, kept)), (before, 0));
    assert_eq!(count(&world, "SELECT count(*) FROM outgoing_body"), 0);
    let sql = format!("SELECT count(*) FROM outbox WHERE message_id = '{}'", acknowledgement.id);
    assert_eq!(count(&world, &sql), 1);
    world.verify();
}

/// Together far more than may lie in memory: each must make room for the next without anybody asking for it.
#[tokio::test]
async fn a_batch_larger_than_the_memory_for_it_is_taken_all_the_same() {
    let mut world = World::start().await;
    let line = format!("{}\r\n", "UG9zdGRlc2s0".repeat(6));
    for n in 0..12 {
        let file = line.repeat(2 * 1024 * 1024 / line.len());
        let mail = world
            .letter(&format!("grande{n}@client.example"), "adjunto", &format!("--b\r\nContent-Type: text/plain\r\n\r\nVa adjunto {n}.\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}--b--"))
            .raw()
            .replace("Content-Type: text/plain; charset=utf-8\r\n\r\n--b", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b");
        world.server.deliver(crate::world::DESK, mail);
    }
    tokio::time::timeout(std::time::Duration::from_secs(120), world.work())
        .await
        .expect("intake stands still");
    assert_eq!(world.tickets().len(), 12);
    world.verify();
}

#[tokio::test]
async fn admins_hear_once_of_a_mailbox_that_stays_away() {
    let mut world = World::start().await;
    let mut outage = Outage::default();
    let fails = async |outage: &mut Outage, world: &World| {
        outage.goes_on(&world.shared, "soporte", "the connection ended").await.unwrap();
    };
    fails(&mut outage, &world).await;
    world.clock.advance(TOLD_AFTER_SECS - 1);
    fails(&mut outage, &world).await;
    world.work().await;
    world.no_mail("admin@desk.example");
    world.clock.advance(1);
    fails(&mut outage, &world).await;
    world.work().await;
    let told = world.new_mail("admin@desk.example");
    assert!(told.text.contains("soporte") && told.text.contains("the connection ended"), "{}", told.text);
    fails(&mut outage, &world).await;
    world.work().await;
    world.no_mail("admin@desk.example");
    assert!(outage.is_over() && !outage.is_over());
    world.verify();
}
