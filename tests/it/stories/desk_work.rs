//! An agent's desk work by mail: lists, tickets, searches, figures, absence, the morning digest.

use crate::world::{ANA, LUIS, MARIA, Mail, PEDRO, World};

/// Two tickets, an agent's notification of the first, all other mail read.
async fn two_tickets(world: &mut World) -> (Vec<i64>, Mail) {
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona. Adiós corazón.");
    world.work().await;
    let note = world.new_mail(ANA);
    world.writes(PEDRO, "Factura", "La factura de octubre tiene un error de facturación.");
    world.work().await;
    for who in [ANA, LUIS, MARIA, PEDRO] {
        world.new_mails(who);
    }
    (world.tickets(), note)
}

/// A mail of an agent's own, proven by the token of an older one.
async fn asks(world: &mut World, proof: &Mail, body: &str) -> Vec<Mail> {
    let letter = world.letter(ANA, "una pregunta", body).with(&format!("References: <{}>\r\n", proof.id));
    world.posts(&letter);
    world.work().await;
    world.new_mails(ANA)
}

#[tokio::test]
async fn lists_one_ticket_searches_and_figures_come_by_mail() {
    let mut world = World::start().await;
    let (numbers, note) = two_tickets(&mut world).await;
    let help = asks(&mut world, &note, "#ayuda").await;
    let proof = &help[0];
    assert!(proof.text.contains("#lista atrasados"), "{}", proof.text);
    for (question, wanted, unwanted) in [
        ("#lista", vec![numbers[0], numbers[1]], vec![]),
        ("#list mine", vec![], vec![numbers[0], numbers[1]]),
        ("#list soporte", vec![numbers[0], numbers[1]], vec![]),
        ("#list pedro@client.example", vec![numbers[1]], vec![numbers[0]]),
        ("#lista nuevos", vec![numbers[0], numbers[1]], vec![]),
        ("#lista cerrados", vec![], vec![numbers[0], numbers[1]]),
        ("#list overdue", vec![], vec![numbers[0], numbers[1]]),
        ("#search impresora", vec![numbers[0]], vec![numbers[1]]),
        ("#buscar corazon adios", vec![numbers[0]], vec![numbers[1]]),
        ("#buscar FACTURACIÓN", vec![numbers[1]], vec![numbers[0]]),
        ("#search \"impresora OR * NEAR(", vec![], vec![numbers[0], numbers[1]]),
        ("#search nada-de-eso", vec![], vec![numbers[0], numbers[1]]),
        ("#report", vec![numbers[0], numbers[1]], vec![]),
    ] {
        world.clock.advance(600);
        let answers = asks(&mut world, proof, question).await;
        assert_eq!(answers.len(), 1, "{question}");
        for number in wanted {
            assert!(answers[0].text.contains(&number.to_string()), "{question}: {}", answers[0].text);
        }
        for number in unwanted {
            assert!(!answers[0].text.contains(&number.to_string()), "{question}: {}", answers[0].text);
        }
    }
    assert_eq!(world.tickets().len(), 2, "desk work opens no tickets");
    world.no_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn a_ticket_that_was_asked_for_is_answered_by_reply() {
    let mut world = World::start().await;
    let (numbers, note) = two_tickets(&mut world).await;
    let proof = asks(&mut world, &note, "#help").await.remove(0);
    let shown = asks(&mut world, &proof, &format!("#mostrar {}\n#informe", numbers[1])).await;
    assert_eq!(shown.len(), 2);
    let ticket = shown.iter().find(|mail| mail.text.contains("factura de octubre")).unwrap();
    assert!(ticket.text.contains(PEDRO), "it says who will read a reply: {}", ticket.text);
    world.answers(ANA, ticket, "Lo corregimos hoy.");
    world.work().await;
    assert!(world.new_mail(PEDRO).text.contains("Lo corregimos hoy."));
    let shown = asks(&mut world, &proof, "#show 999999").await.remove(0);
    assert!(shown.text.contains("999999"));
    world.verify();
}

#[tokio::test]
async fn without_proof_nothing_is_shown() {
    let mut world = World::start().await;
    two_tickets(&mut world).await;
    world.writes(ANA, "hola", "#lista");
    world.work().await;
    assert_eq!(world.last_account().0, "held");
    let question = world.new_mail(ANA);
    assert!(!question.text.contains("Impresora"), "{}", question.text);
    world.writes(MARIA, "hola", "#lista");
    world.work().await;
    assert!(world.new_mails(MARIA).iter().all(|mail| !mail.text.contains("Factura")));
    world.answers(ANA, &question, "sí");
    world.work().await;
    assert!(world.new_mails(ANA).iter().any(|mail| mail.text.contains("Impresora")), "once confirmed it is");
    world.verify();
}

#[tokio::test]
async fn an_agent_who_is_away_gets_no_tickets_in_turn() {
    let mut world = World::start_with("", "assign = \"round-robin\"", "").await;
    let (numbers, note) = two_tickets(&mut world).await;
    assert_ne!(world.ticket(numbers[0]).row.assignee, world.ticket(numbers[1]).row.assignee);
    assert!(asks(&mut world, &note, "#ausente hasta 3d").await.is_empty());
    for n in 0..3 {
        world.writes(MARIA, &format!("Más {n}"), "Otra cosa distinta.");
        world.work().await;
        assert_eq!(world.ticket(*world.tickets().last().unwrap()).row.assignee, LUIS);
    }
    assert!(asks(&mut world, &note, "#vuelvo").await.is_empty());
    world.writes(MARIA, "La última", "Otra cosa distinta.");
    world.work().await;
    assert_eq!(world.ticket(*world.tickets().last().unwrap()).row.assignee, ANA);
    world.verify();
}

const EVA: &str = "eva@desk.example";

/// A second queue with an agent of its own, who has a digest at 8 in Lima.
const VENTAS: &str = r#"
[[agent]]
address = "eva@desk.example"
name = "Eva"
language = "es"
time_zone = "America/Lima"
digest_hour = 8

[[queue]]
name = "ventas"
address = "ventas@desk.example"
agents = ["eva@desk.example"]
"#;

#[tokio::test]
async fn the_digest_comes_in_the_morning_of_the_agents_zone_and_only_with_content() {
    let mut world = World::start_with("", "", VENTAS).await;
    world.server.add_account(EVA, "secret");
    let (numbers, note) = two_tickets(&mut world).await;
    // The clock starts at 11:06 UTC, which is 06:06 in Lima; at 08:06 nothing waits for Eva.
    world.clock.advance(2 * 3600);
    world.work().await;
    world.no_mail(EVA);
    let proof = asks(&mut world, &note, "#lista").await.remove(0);
    for number in [numbers[1], numbers[0]] {
        let letter = world
            .letter(ANA, &format!("[#{number}]"), "#cola ventas")
            .with(&format!("References: <{}>\r\n", proof.id));
        world.posts(&letter);
        world.clock.advance(60);
        world.work().await;
    }
    world.new_mails(EVA);
    world.clock.advance(21 * 3600);
    world.work().await;
    world.no_mail(EVA);
    world.clock.advance(3 * 3600);
    world.work().await;
    let digest = world.new_mail(EVA);
    let at = |number: i64| digest.text.find(&number.to_string()).unwrap_or_else(|| panic!("{}", digest.text));
    assert!(at(numbers[1]) < at(numbers[0]), "the oldest first: {}", digest.text);
    world.clock.advance(1800);
    world.work().await;
    world.no_mail(EVA);
    // The digest proves Eva: a mail that answers it is hers.
    world.answers(EVA, &digest, &format!("#mostrar {}", numbers[0]));
    world.work().await;
    assert!(world.new_mail(EVA).text.contains("segundo piso"));
    world.clock.advance(86400);
    let letter = world.letter(EVA, "x", "#ausente").with(&format!("References: <{}>\r\n", digest.id));
    world.posts(&letter);
    world.intake_only().await;
    world.work().await;
    world.no_mail(EVA);
    world.verify();
}

#[tokio::test]
async fn words_beside_a_question_to_the_desk_go_to_nobody_and_the_agent_is_told() {
    let mut world = World::start().await;
    let (numbers, note) = two_tickets(&mut world).await;
    let status = world.ticket(numbers[0]).row.status.word();
    for text in ["#lista\r\n\r\nY dígame cuáles son de ayer.", "Saludos,\r\nAna\r\n\r\n#buscar impresora"] {
        world.answers(ANA, &note, text);
        world.work().await;
        world.no_mail(MARIA);
        assert_eq!(world.ticket(numbers[0]).row.status.word(), status, "{text}");
        let mails = world.new_mails(ANA);
        assert!(mails.iter().any(|mail| mail.text.contains("Impresora")), "the question is answered: {text}");
        let told = mails.iter().find(|mail| mail.text.contains("queda guardado como borrador")).expect(text);
        assert!(told.text.contains(MARIA), "it says who will read a reply: {}", told.text);
    }
    // Who says for whom it is means it.
    world.answers(ANA, &note, "#público\r\n#lista\r\n\r\nHola María.");
    world.answers(ANA, &note, "#nota\r\n#lista\r\n\r\nEs un cliente difícil.");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Hola María."));
    assert!(world.ticket(numbers[0]).messages.last().unwrap().internal);
    world.new_mails(ANA);

    // About no ticket.
    let list = asks(&mut world, &note, "#lista").await.remove(0);
    for (text, is_told) in [
        ("#lista\r\n\r\nY dígame cuáles son de ayer.", true),
        ("#ausente hasta 3d\r\n\r\nDígale a Luis que lleve los míos.", true),
        ("#lista\r\n\r\nSaludos,\r\nAna García", false),
    ] {
        world.answers(ANA, &list, text);
        world.work().await;
        let told = world.new_mails(ANA).iter().any(|mail| mail.text.contains("no las leyó nadie"));
        assert_eq!(told, is_told, "{text}");
    }
    assert_eq!(world.tickets(), numbers);
    world.no_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn who_answers_a_list_with_words_alone_is_told_how_a_ticket_is_answered() {
    let mut world = World::start_with("", "", VENTAS).await;
    let (numbers, note) = two_tickets(&mut world).await;
    // It answers the notification, and points at it; nothing in it says who would read a reply.
    world.answers(ANA, &note, "#lista");
    world.work().await;
    let list = world.new_mail(ANA);
    assert!(!list.subject.contains(&numbers[0].to_string()), "{}", list.subject);
    world.answers(ANA, &list, "La de la impresora ya la he arreglado.");
    world.work().await;
    assert_eq!(world.tickets(), numbers, "it is no request");
    let told = world.new_mail(ANA);
    assert!(told.text.contains("#mostrar") && told.text.contains("ya la he arreglado"), "{}", told.text);
    world.answers(ANA, &told, &format!("#mostrar {}", numbers[0]));
    world.work().await;
    assert!(world.new_mail(ANA).text.contains("segundo piso"));
    world.no_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn of_closed_tickets_the_newest_stands_first() {
    let mut world = World::start().await;
    let (numbers, note) = two_tickets(&mut world).await;
    for number in [numbers[1], numbers[0]] {
        world.clock.advance(3600);
        let letter = world
            .letter(ANA, &format!("[#{number}]"), "#cerrar")
            .with(&format!("References: <{}>\r\n", asks(&mut world, &note, "#lista").await[0].id));
        world.posts(&letter);
        world.work().await;
    }
    let list = asks(&mut world, &note, "#lista cerrados").await.remove(0);
    let at = |number: i64| list.text.find(&number.to_string()).unwrap_or_else(|| panic!("{}", list.text));
    assert!(at(numbers[0]) < at(numbers[1]), "{}", list.text);
    world.verify();
}
