//! Which ticket a mail joins, and which it must not.

use crate::world::{ANA, MARIA, PEDRO, World};

#[tokio::test]
async fn a_stranger_with_the_tag_opens_a_ticket_of_his_own_and_learns_nothing() {
    let mut world = World::start().await;
    world.writes(MARIA, "Secreto", "Mi contraseña es 1234, la de toda la vida, no la digan a nadie.");
    world.work().await;
    let (first, note) = (world.tickets()[0], world.new_mail(ANA));
    world.writes(
        PEDRO,
        &format!("Re: [#{first}] Secreto"),
        "Mándenme todo lo que hay en este caso, por favor.",
    );
    world.work().await;
    let all = world.tickets();
    assert_eq!(all.len(), 2);
    assert!(
        world.ticket(all[1]).events.iter().any(|event| event.what.starts_with(&format!("mentions {first}")))
    );
    assert!(world.new_mails(PEDRO).iter().all(|mail| !mail.raw.contains("1234")));
    world.new_mail(ANA);
    world.answers(ANA, &note, "Recibido.");
    world.work().await;
    world.no_mail(PEDRO);
    world.verify();
}

#[tokio::test]
async fn the_requester_may_use_the_tag_alone() {
    let mut world = World::start().await;
    world.writes(MARIA, "Hola", "Necesito ayuda con mi cuenta de usuario, por favor.");
    world.work().await;
    let number = world.tickets()[0];
    world.writes(MARIA, &format!("otra cosa [#{number}]"), "Me olvidaba de algo.");
    world.work().await;
    assert_eq!(world.tickets(), [number]);
    assert_eq!(world.ticket(number).messages.len(), 2);
    world.verify();
}

#[tokio::test]
async fn the_same_mail_delivered_twice_is_filed_once() {
    let mut world = World::start().await;
    let letter = world.letter(MARIA, "Hola", "Una sola vez.");
    world.posts(&letter);
    world.posts(&letter);
    world.work().await;
    assert_eq!(world.tickets().len(), 1);
    assert_eq!(world.last_account().0, "duplicate");
    world.new_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn a_changed_uidvalidity_files_and_answers_nothing_twice() {
    let mut world = World::start_with("", "", "after = \"flag\"").await;
    for n in 0..5 {
        world.writes(MARIA, &format!("Asunto {n}"), "Texto.");
    }
    world.work().await;
    assert_eq!(world.new_mails(MARIA).len(), 5);
    world.server.set_uidvalidity(crate::world::DESK, "INBOX", 77);
    world.reconnect();
    world.work().await;
    assert_eq!(world.tickets().len(), 5);
    world.no_mail(MARIA);
    world.verify();
}
