//! Each fault of the relay at each stage of the outbox.

use crate::world::{ANA, LUIS, MARIA, World};
use postdesk::demo::server::{ServerOptions, SmtpFault, When};

async fn asked() -> World {
    let mut world = World::start().await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer, por favor.");
    world.takes().await.unwrap();
    world
}

#[tokio::test]
async fn every_fault_at_every_stage_ends_in_a_known_state() {
    let reply = |code: u16, text: &str| SmtpFault::Reply(code, text.to_owned());
    let faults = [
        (reply(451, "4.3.0 not now"), "sent"),
        (reply(421, "4.3.2 closing"), "sent"),
        (reply(550, "5.1.1 no such user"), "failed"),
        (SmtpFault::Drop, "sent"),
        (SmtpFault::DropAfter, "sent"),
        (SmtpFault::Raw(b"what?\r\n".to_vec()), "sent"),
    ];
    for stage in ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT"] {
        for (fault, ends) in &faults {
            // A greeting and a capability list have no deed: of those, only an end that is not silence.
            if stage == "CONNECT" && !matches!(fault, SmtpFault::Drop | SmtpFault::Reply(421, _)) {
                continue;
            }
            let mut world = asked().await;
            world.server.smtp_fault(When::next(stage), fault.clone());
            world.endures().await;
            let what = format!("{fault:?} at {stage}");
            let ends = match (stage, fault) {
                // Nothing is wrong with the mail when the relay refuses the connection.
                ("CONNECT" | "EHLO" | "AUTH", _) => "sent",
                ("DOT", SmtpFault::Drop | SmtpFault::DropAfter | SmtpFault::Raw(_)) => "uncertain",
                _ => ends,
            };
            let rows = world.accepted();
            let touched: Vec<_> = rows.iter().filter(|(row, _)| !row.starts_with("sent ")).collect();
            assert_eq!(touched.len(), usize::from(ends != "sent"), "{what}: {rows:?}");
            for (row, times) in &rows {
                let known = match row.split(' ').next().unwrap() {
                    "sent" => *times == 1,
                    "failed" => *times == 0,
                    "uncertain" => *times <= 1 && ends == "uncertain",
                    _ => false,
                };
                assert!(known, "{what}: {row} {times}");
            }
            if ends != "sent" {
                let word = world.rows("SELECT template FROM outbox WHERE mail_id IS NULL");
                assert!(!word.is_empty(), "{what}: nobody was told");
                assert!(
                    !world.rows("SELECT 1 FROM event WHERE what LIKE 'mail %deliver%'").is_empty(),
                    "{what}"
                );
            }
            world.verify();
        }
    }
}

#[tokio::test]
async fn a_mail_cut_off_in_its_midst_is_sent_again_and_once() {
    for bytes in [0, 100, 700] {
        let mut world = asked().await;
        world.server.smtp_fault(When::next("DATA"), SmtpFault::DropMidway(bytes));
        world.endures().await;
        for (row, times) in world.accepted() {
            let state = row.split(' ').next().unwrap();
            assert!((state == "sent" && times == 1) || (state == "uncertain" && times == 0), "{row} {times}");
        }
        world.verify();
    }
}

#[tokio::test]
async fn an_uncertain_mail_is_not_sent_twice_and_the_agents_are_told() {
    let mut world = asked().await;
    world.server.smtp_fault(When::next("DOT"), SmtpFault::DropAfter);
    world.endures().await;
    let uncertain = world.rows("SELECT recipient FROM outbox WHERE state = 'uncertain'");
    assert_eq!(uncertain.len(), 1);
    world.clock.advance(3 * 86400);
    world.restarts().await;
    world.endures().await;
    assert!(world.accepted().iter().all(|(_, times)| *times == 1), "{:?}", world.accepted());
    let told = if uncertain == [MARIA] { vec![ANA, LUIS] } else { vec!["admin@desk.example"] };
    for address in told {
        let mails = world.new_mails(address);
        assert!(
            mails.iter().any(|mail| mail.text.contains(&uncertain[0])),
            "{address} hears of {uncertain:?}"
        );
    }
    world.verify();
}

#[tokio::test]
async fn one_recipient_refused_does_not_keep_the_others_waiting() {
    let mut world = asked().await;
    world.server.smtp_fault(When::always("RCPT").to(LUIS), SmtpFault::Reply(550, "5.1.1 no".into()));
    world.endures().await;
    let states = world.rows("SELECT state || ' ' || recipient FROM outbox WHERE template IN ('acknowledgement', 'notification') ORDER BY 1");
    assert_eq!(states, [format!("failed {LUIS}"), format!("sent {ANA}"), format!("sent {MARIA}")]);
    assert!(world.new_mails("admin@desk.example")[0].text.contains(LUIS));
    world.verify();
}

#[tokio::test]
async fn greylisting_delays_and_doubles_nothing() {
    let mut world = World::start_on(ServerOptions { greylist: true, ..ServerOptions::default() }).await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer, por favor.");
    world.endures().await;
    assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
    assert_eq!(world.rows("SELECT DISTINCT attempts FROM outbox"), ["2"]);
    world.verify();
}

#[tokio::test]
async fn a_relay_that_takes_few_mails_a_connection_gets_more_connections() {
    let options = ServerOptions { mails_per_connection: Some(2), ..ServerOptions::default() };
    let mut world = World::start_on(options).await;
    for n in 0..4 {
        world.writes(MARIA, &format!("Asunto {n}"), &format!("Texto número {n} con más palabras."));
    }
    world.endures().await;
    assert!(
        world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1),
        "{:?}",
        world.accepted()
    );
    world.verify();
}

#[tokio::test]
async fn a_relay_that_is_down_for_a_week_fails_the_mail_and_a_day_does_not() {
    let mut world = asked().await;
    world.server.refuse_connections(true);
    for _ in 0..24 {
        assert!(world.sends().await.is_err());
        world.clock.advance(3600);
    }
    assert_eq!(world.rows("SELECT DISTINCT state FROM outbox"), ["deferred"]);
    world.server.refuse_connections(false);
    world.endures().await;
    assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
    world.verify();
    let mut world = asked().await;
    world.server.refuse_connections(true);
    for _ in 0..9 {
        while world.sends().await.is_err() {}
        world.clock.advance(86_400);
    }
    world.server.refuse_connections(false);
    world.endures().await;
    let failed = world.rows("SELECT state FROM outbox WHERE template = 'acknowledgement'");
    assert_eq!(failed, ["failed"], "given up after a week, and known to be");
    world.verify();
}
