//! Agents act by mail, and only when it is proven that they do.

use crate::world::{ANA, LUIS, MARIA, World};

async fn opened() -> (World, i64, crate::world::Mail) {
    let mut world = World::start().await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let (number, note) = (world.tickets()[0], world.new_mail(ANA));
    world.new_mail(LUIS);
    world.new_mail(MARIA);
    (world, number, note)
}

#[tokio::test]
async fn a_note_never_reaches_the_requester() {
    let (mut world, number, note) = opened().await;
    world.answers(ANA, &note, "#nota\r\nEste cliente siempre se queja.");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.new_mail(LUIS).text.contains("siempre se queja"));
    assert!(world.ticket(number).messages[1].internal);
    let conversation = world.reader().conversation(number).unwrap().unwrap();
    assert!(conversation.messages.iter().all(|message| !message.text.contains("queja")));
    world.verify();
}

#[tokio::test]
async fn a_wrong_command_does_nothing_but_explain() {
    let (mut world, number, note) = opened().await;
    world.answers(ANA, &note, "Ya está.\r\n\r\n#cerar");
    world.work().await;
    world.no_mail(MARIA);
    world.no_mail(LUIS);
    let explanation = world.new_mail(ANA);
    assert!(explanation.text.contains("#cerrar"), "{}", explanation.text);
    assert_eq!(world.ticket(number).row.status.word(), "new");
    assert_eq!(world.ticket(number).messages.len(), 1);
    world.verify();
}

#[tokio::test]
async fn from_alone_gives_an_agent_no_power_until_confirmed() {
    let (mut world, number, _) = opened().await;
    world.writes(ANA, &format!("[#{number}]"), "Enviado con mi nombre.\r\n\r\n#close");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.last_account().0, "held");
    assert_eq!(world.ticket(number).row.status.word(), "new");
    let question = world.new_mail(ANA);
    let robot = world.answer(ANA, &question, "Estoy de vacaciones.").with("Auto-Submitted: auto-replied\r\n");
    world.posts(&robot);
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).row.status.word(), "new", "a robot confirms nothing");
    world.answers(ANA, &question, "sí");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Enviado con mi nombre"));
    assert_eq!(world.ticket(number).row.status.word(), "closed");
    world.verify();
}

#[tokio::test]
async fn a_token_stolen_by_another_sender_is_worth_nothing() {
    let (mut world, number, note) = opened().await;
    world.answers("mallory@evil.example", &note, "Les escribo yo.\r\n#close");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).row.status.word(), "new");
    assert_eq!(world.tickets().len(), 2);
    world.verify();
}

#[tokio::test]
async fn an_agents_out_of_office_goes_to_nobody() {
    let (mut world, number, note) = opened().await;
    let robot = world.answer(ANA, &note, "Estoy de vacaciones.").with("Auto-Submitted: auto-replied\r\n");
    world.posts(&robot);
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).messages.len(), 1);
    world.verify();
}

#[tokio::test]
async fn an_answer_to_a_colleagues_note_is_a_note() {
    let (mut world, number, note) = opened().await;
    world.answers(ANA, &note, "#nota\r\nCreo que miente.");
    world.work().await;
    let remark = world.new_mail(LUIS);
    assert!(
        !remark.text.contains(MARIA),
        "it does not say that the requester reads the answer: {}",
        remark.text
    );
    world.answers(LUIS, &remark, "Eu também acho.");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.new_mail(ANA).text.contains("Eu também acho"));
    assert!(world.ticket(number).messages[2].internal);
    world.verify();
}
