//! Budgets that several share: who has used up theirs takes nothing away from the others.

use crate::world::{ANA, LUIS, MARIA, PEDRO, World};

#[tokio::test]
async fn a_participant_who_has_had_enough_takes_nothing_away_from_the_others() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_sender = 3\nper_ticket = 4\n").await;
    world.server.add_account("otro@elsewhere.example", "secret");
    // Pedro's budget is used up by tickets of his own.
    for n in 0..3 {
        world.writes(PEDRO, &format!("Aviso {n}"), "El escáner del tercer piso no funciona.");
    }
    let letter = world.letter(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.posts(&letter.with(&format!("Cc: <{PEDRO}>, <otro@elsewhere.example>\r\n")));
    world.work().await;
    let ack = world.new_mail(MARIA);
    world.new_mails(PEDRO);
    for n in 0..3 {
        world.answers(MARIA, &ack, &format!("Otra noticia de la impresora, la número {n}."));
    }
    world.work().await;
    assert_eq!(world.new_mails("otro@elsewhere.example").len(), 3);
    world.no_mail(PEDRO);
    world.verify();
}

#[tokio::test]
async fn tickets_that_wake_by_the_dozen_wake_all_and_tell_their_agents_within_the_budget() {
    let mut world = World::start_with("", "", "[budgets]\nin_all = 30\n").await;
    for n in 0..12 {
        world.writes(
            &format!("cliente{n}@client.example"),
            &format!("Impresora {n}"),
            "No funciona desde ayer.",
        );
    }
    world.work().await;
    world.new_mails(LUIS);
    for note in world.new_mails(ANA) {
        world.answers(ANA, &note, "#posponer 2d");
    }
    world.work().await;
    assert_eq!(world.rows("SELECT DISTINCT status FROM ticket"), ["pending"]);
    world.new_mails(ANA);
    world.new_mails("admin@desk.example");
    world.clock.advance(3 * 86400);
    world.reconfigures("", "", "[budgets]\nin_all = 5\n");
    world.work().await;
    assert_eq!(world.rows("SELECT DISTINCT status FROM ticket"), ["open"]);
    assert_eq!((world.new_mails(ANA).len(), world.new_mails(LUIS).len()), (5, 5));
    let word = world.new_mail("admin@desk.example").text;
    assert!(word.contains("notifications to agents: 5 an hour"), "{word}");
    world.verify();
}
