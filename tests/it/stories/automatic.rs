//! Robots get no answers.

use crate::world::{ANA, MARIA, World};

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
