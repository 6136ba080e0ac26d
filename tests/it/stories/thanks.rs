//! Thank-you mail leaves a resolved ticket resolved and a closed one closed, and nothing of it is lost.

use crate::world::{ANA, LUIS, MARIA, Mail, World};

/// A ticket of María's that Ana answered and resolved, with the answer as María got it.
async fn resolved(word: &str) -> (World, i64, Mail) {
    let mut world = World::start().await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let (number, note) = (world.tickets()[0], world.new_mail(ANA));
    world.new_mails(MARIA);
    world.answers(ANA, &note, &format!("Ya está arreglada.\r\n\r\n{word}"));
    world.work().await;
    world.new_mails(LUIS);
    let answer = world.new_mail(MARIA);
    (world, number, answer)
}

fn status(world: &World, number: i64) -> &'static str {
    world.ticket(number).row.status.word()
}

#[tokio::test]
async fn thanks_for_a_resolved_ticket_are_filed_shown_to_the_agents_and_do_not_reopen_it() {
    for thanks in [
        "¡Muchas gracias, Ana!",
        "Thank you so much!",
        "Perfeito, muito obrigada 🙏\r\n\r\n-- \r\nMaría López",
    ] {
        let (mut world, number, answer) = resolved("#resolver").await;
        world.answers(MARIA, &answer, thanks);
        world.work().await;
        assert_eq!(status(&world, number), "resolved", "{thanks}");
        assert_eq!(world.ticket(number).messages.len(), 3);
        assert!(world.last_account().1.contains("only thanks"), "{:?}", world.last_account());
        assert!(world.new_mail(ANA).text.contains(thanks.lines().next().unwrap()), "the agent reads it");
        world.no_mail(MARIA);
        assert_eq!(world.tickets(), [number]);
        // What comes next opens it as ever.
        world.answers(MARIA, &answer, "Gracias, pero vuelve a fallar.");
        world.work().await;
        assert_eq!(status(&world, number), "open");
        world.verify();
    }
}

#[tokio::test]
async fn thanks_with_anything_else_reopen() {
    type Change = fn(crate::world::Letter) -> crate::world::Letter;
    let changes: [(&str, &str, Change); 6] = [
        ("a question", "Gracias. ¿Y la otra?", |letter| letter),
        ("more words", "Gracias, sigue igual.", |letter| letter),
        ("another matter", "Gracias", |mut letter| {
            letter.subject += " y la pantalla";
            letter
        }),
        ("words below the quotation", "Gracias", |mut letter| {
            letter.body += "\r\n\r\nPero sigue igual que ayer.\r\n";
            letter
        }),
        ("words within the quotation", "Gracias", |mut letter| {
            letter.body = letter.body.replacen("\r\n> ", "\r\nEsto no es verdad, sigue igual.\r\n> ", 3);
            letter
        }),
        ("a question in the signature", "Gracias\r\n\r\n-- \r\n¿Y la pantalla?", |letter| letter),
    ];
    for (what, text, change) in changes {
        let (mut world, number, answer) = resolved("#resolver").await;
        let letter = change(world.answer(MARIA, &answer, text));
        world.posts(&letter);
        world.work().await;
        assert_eq!(status(&world, number), "open", "{what}");
        world.verify();
    }
    let (mut world, number, answer) = resolved("#resolver").await;
    let raw = world.answer(MARIA, &answer, "Gracias").raw();
    let (head, body) = raw.split_once("Content-Type: text/plain; charset=utf-8\r\n\r\n").unwrap();
    let text = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    world.server.deliver(
        crate::world::DESK,
        format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{text}{body}\r\n--b\r\nContent-Type: image/png; name=a.png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\nx\r\n--b--\r\n"),
    );
    world.work().await;
    assert_eq!(status(&world, number), "open", "a file");
    world.verify();
}

#[tokio::test]
async fn thanks_in_any_other_status_do_what_any_answer_does() {
    for (word, becomes, tickets) in [("#pendiente", "open", 1), ("", "open", 1)] {
        let (mut world, number, answer) = resolved(word).await;
        world.answers(MARIA, &answer, "Muchas gracias.");
        world.work().await;
        assert_eq!((status(&world, number), world.tickets().len()), (becomes, tickets), "{word}");
        world.verify();
    }
}

#[tokio::test]
async fn thanks_for_a_closed_ticket_open_neither_it_nor_another_whatever_the_policy() {
    for (policy, days, reopened) in [("never", 0, 2), ("always", 400, 1), ("14d", 0, 1), ("14d", 400, 2)] {
        let (mut world, number, answer) = resolved("#cerrar").await;
        world.reconfigures("", &format!("reopen = \"{policy}\"\n"), "");
        world.clock.advance(days * 86400);
        world.work().await;
        world.new_mails(ANA);
        world.answers(MARIA, &answer, "Muchas gracias.");
        world.work().await;
        assert_eq!((status(&world, number), world.tickets().len()), ("closed", 1), "{policy} {days}");
        assert!(
            world.last_account().1.contains("only thanks: it stays closed"),
            "{:?}",
            world.last_account()
        );
        assert!(world.new_mail(ANA).text.contains("Muchas gracias."), "the agent reads it");
        world.no_mail(MARIA);
        // Anything more follows the policy.
        world.answers(MARIA, &answer, "Gracias, pero sigue igual.");
        world.work().await;
        assert_eq!(world.tickets().len(), reopened, "{policy} {days}");
        world.verify();
    }
}
