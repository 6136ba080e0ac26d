//! Robots get no answers.

use crate::world::{ANA, MARIA, PEDRO, World};

#[tokio::test]
async fn an_out_of_office_never_gets_an_answer() {
    let mut world = World::start().await;
    world.writes(MARIA, "Hola", "Necesito ayuda con mi cuenta de usuario, por favor.");
    world.work().await;
    let number = world.tickets()[0];
    let ack = world.new_mail(MARIA);
    world.new_mail(ANA);
    let robot =
        world.answer(MARIA, &ack, "Estoy fuera de la oficina.").with("Auto-Submitted: auto-replied\r\n");
    world.posts(&robot);
    world.work().await;
    world.no_mail(MARIA);
    world.no_mail(ANA);
    assert_eq!(world.tickets(), [number]);
    let letter =
        world.letter(MARIA, "Respuesta automática: x", "No estoy.").with("Auto-Submitted: auto-replied\r\n");
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.last_account().0, "ignored");
    assert_eq!(world.tickets(), [number]);
    world.verify();
}

#[tokio::test]
async fn our_own_mail_that_comes_back_is_ignored() {
    let mut world = World::start().await;
    world.writes(MARIA, "Hola", "Necesito ayuda con mi cuenta de usuario, por favor.");
    world.work().await;
    let ack = world.new_mail(MARIA);
    world.server.deliver(crate::world::DESK, ack.raw.as_bytes());
    world.work().await;
    assert_eq!(world.last_account().0, "ignored");
    assert_eq!(world.tickets().len(), 1);
    world.verify();
}

#[tokio::test]
async fn a_storm_from_one_sender_is_stored_and_answered_within_the_budget() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_sender = 3\n").await;
    for n in 0..10 {
        world.writes(MARIA, &format!("Aviso {n}"), "Texto.");
    }
    world.work().await;
    assert_eq!(world.tickets().len(), 10, "mail is always stored");
    assert_eq!(world.new_mails(MARIA).len(), 3);
    assert_eq!(world.new_mails("admin@desk.example").len(), 1, "the admin hears of it once");
    world.clock.advance(3600);
    world.writes(MARIA, "Una hora después", "Texto.");
    world.work().await;
    world.new_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn a_form_that_mails_as_the_desk_and_names_no_visitor_is_told_to_the_admins_once_an_hour() {
    let mut world = World::start().await;
    let admin = "admin@desk.example";
    for n in 1..=3 {
        world.writes(
            crate::world::DESK,
            &format!("Formulario {n}"),
            "Nombre: María. Mensaje: no funciona la impresora.",
        );
        world.work().await;
        assert_eq!(world.last_account().0, "ignored");
    }
    let told = world.new_mail(admin);
    assert!(
        told.text.contains("Reply-To") && told.text.contains("inbox list --disposition ignored"),
        "{}",
        told.text
    );
    assert!(!told.text.contains("María"), "{}", told.text);
    world.clock.advance(3601);
    let form = world
        .letter(crate::world::DESK, "Formulario 4", "Mensaje: sigue sin funcionar la impresora del pasillo.")
        .with("Auto-Submitted: auto-generated\r\n");
    world.posts(&form);
    world.work().await;
    assert_eq!(world.new_mails(admin).len(), 1);
    // With the visitor in Reply-To it is the visitor's.
    let form = world
        .letter(crate::world::DESK, "Formulario 5", "Mensaje: la impresora del pasillo no funciona.")
        .with(&format!("Reply-To: <{MARIA}>\r\n"));
    world.posts(&form);
    world.work().await;
    assert_eq!(world.ticket(world.tickets()[0]).requester_address, MARIA);
    world.no_mail(admin);
    world.verify();
}

#[tokio::test]
async fn a_robot_in_an_agents_name_finds_an_end() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_sender = 1\n").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let note = world.new_mail(ANA);
    for n in 0..9 {
        world.answers(ANA, &note, &format!("#noexiste {n}\r\n\r\nNo estoy en la oficina."));
    }
    world.work().await;
    assert_eq!(world.new_mails(ANA).len(), 6, "an agent may be wrong more often than a requester");
    let told = world.new_mails("admin@desk.example");
    assert!(told.iter().any(|mail| mail.text.contains("answers to one agent: 6 an hour")), "{told:?}");
    assert_eq!(world.rows("SELECT 1 FROM mail").len(), 10, "all is kept");
    world.verify();
}

#[tokio::test]
async fn a_ticket_causes_so_many_answers_an_hour_and_no_more() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_sender = 20\nper_ticket = 3\n").await;
    let letter = world.letter(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.posts(&letter.with(&format!("Cc: <{PEDRO}>\r\n")));
    world.work().await;
    let ack = world.new_mail(MARIA);
    world.new_mails(PEDRO);
    for (n, copies) in [(1, 1), (2, 1), (3, 0), (4, 0)] {
        world.answers(MARIA, &ack, &format!("Otra noticia de la impresora, la número {n}."));
        world.work().await;
        assert_eq!(world.new_mails(PEDRO).len(), copies, "with the acknowledgement three: {n}");
        assert_eq!(world.last_account().0, "follow-up", "all is filed");
    }
    let told = world.new_mails("admin@desk.example");
    let of_it = told.iter().filter(|mail| mail.text.contains("answers in one ticket: 3 an hour"));
    assert_eq!(of_it.count(), 1, "{told:?}");
    world.clock.advance(3600);
    world.answers(MARIA, &ack, "Una hora después.");
    world.work().await;
    assert_eq!(world.new_mails(PEDRO).len(), 1);
    world.verify();
}
