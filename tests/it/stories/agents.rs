//! Agents act by mail, and only when it is proven that they do.

use super::commands::opened;
use crate::world::{ANA, LUIS, MARIA, World};

#[tokio::test]
async fn a_note_never_reaches_the_requester() {
    let (mut world, number, note) = opened("", "", "").await;
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
    let (mut world, number, note) = opened("", "", "").await;
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
    let (mut world, number, _) = opened("", "", "").await;
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
    let (mut world, number, note) = opened("", "", "").await;
    world.answers("mallory@evil.example", &note, "Les escribo yo.\r\n#close");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).row.status.word(), "new");
    assert_eq!(world.tickets().len(), 2);
    world.verify();
}

#[tokio::test]
async fn an_agents_out_of_office_goes_to_nobody() {
    let (mut world, number, note) = opened("", "", "").await;
    let robot = world.answer(ANA, &note, "Estoy de vacaciones.").with("Auto-Submitted: auto-replied\r\n");
    world.posts(&robot);
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).messages.len(), 1);
    world.verify();
}

#[tokio::test]
async fn an_answer_to_a_colleagues_note_is_a_note() {
    let (mut world, number, note) = opened("", "", "").await;
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

/// Ana's note on María's ticket, as Luís got it: with plus addresses the answer goes to an address of its own.
async fn remark(queue: &str) -> (World, i64, crate::world::Mail, crate::world::Mail) {
    let mut world = World::start_with("", queue, "").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let (number, note) = (world.tickets()[0], world.new_mail(ANA));
    world.new_mails(LUIS);
    world.new_mails(MARIA);
    world.answers(ANA, &note, "#nota\r\nCreo que es el cable.");
    world.work().await;
    let remark = world.new_mail(LUIS);
    (world, number, note, remark)
}

#[tokio::test]
async fn an_answer_to_a_note_goes_out_only_by_the_word_that_its_first_lines_name() {
    for queue in ["", "plus_addresses = true"] {
        let (mut world, number, _, remark) = remark(queue).await;
        let top = remark.text.lines().take(4).collect::<String>();
        assert!(top.contains("Só agentes leem a sua resposta") && top.contains("“#público”"), "{top}");
        world.answers(LUIS, &remark, "#público\r\nTroque o cabo, por favor.");
        world.work().await;
        let reply = world.new_mail(MARIA);
        assert!(reply.text.contains("Troque o cabo") && !reply.text.contains("Creo"), "{}", reply.text);
        assert!(!world.ticket(number).messages[2].internal);
        let told = world.new_mail(ANA);
        assert!(told.text.contains("SU RESPUESTA LE LLEGA A"), "{}", told.text);
        world.verify();
    }
}

#[tokio::test]
async fn public_and_note_together_do_nothing_but_explain() {
    let (mut world, number, note, remark) = remark("plus_addresses = true").await;
    world.answers(LUIS, &remark, "#público\r\n#nota\r\nTroque o cabo.");
    let mut both = world.answer(ANA, &note, "#público\r\nCambie el cable.");
    both.to = "soporte+note@desk.example".into();
    world.posts(&both);
    let forwarded = world.answer(ANA, &note, "#público\r\nMire esto.");
    let forwarded = crate::world::Letter { subject: format!("RV: {}", forwarded.subject), ..forwarded };
    world.posts(&forwarded);
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.new_mail(LUIS).text.contains("#público contradiz"));
    assert!(world.new_mails(ANA).iter().all(|mail| mail.text.contains("#público contradice")));
    assert_eq!(world.ticket(number).messages.len(), 2);
    world.verify();
}

#[tokio::test]
async fn a_mistake_in_a_note_is_mended_as_a_note() {
    let (mut world, number, _, remark) = remark("").await;
    world.answers(LUIS, &remark, "Ela sempre reclama.\r\n#fecar");
    world.work().await;
    let explanation = world.new_mail(LUIS);
    assert!(explanation.text.contains("Só agentes leem a sua resposta"), "{}", explanation.text);
    world.answers(LUIS, &explanation, "Ela sempre reclama.\r\n#fechar");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.ticket(number).messages[2].internal);
    // Help that was asked for in answer to a note says the same, and keeps to it.
    world.answers(LUIS, &remark, "#ajuda");
    world.work().await;
    let help = world.new_mail(LUIS);
    assert!(help.text.contains("Só agentes leem a sua resposta"), "{}", help.text);
    world.answers(LUIS, &help, "Já sei.");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.ticket(number).messages[3].internal);
    world.verify();
}

#[tokio::test]
async fn what_the_answered_mail_says_at_its_top_counts_whatever_came_before() {
    let (mut world, number, _, remark) = remark("").await;
    world.answers(LUIS, &remark, &format!("#mostrar {number}"));
    world.work().await;
    let shown = world.new_mail(LUIS);
    assert!(shown.text.contains(MARIA), "{}", shown.text);
    assert!(shown.header("References").unwrap().contains(&remark.id), "the note is further back");
    world.answers(LUIS, &shown, "Vamos hoje à tarde.");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Vamos hoje"));
    world.verify();
}
