//! Servers that stall or drip: each wait has a bound with a name, and the loop goes on afterwards.

use super::line::{DRIP, IMPATIENT, Line, Turns};
use crate::world::{DESK, World};
use postdesk::demo::server::{ImapFault, MailServer, SmtpFault, When};
use postdesk::loops::Waits;
use postdesk::loops::intake::Intake;
use postdesk::{imap, smtp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Long enough for any machine; what is waited for is watched, not slept through.
const TIME_MAX: Duration = Duration::from_secs(60);

async fn impatient() -> World {
    let mut world = World::start().await;
    world.connects(Arc::new(Line::default()), IMPATIENT);
    world
}

fn somebody_writes(world: &mut World, what: &str) {
    let n = world.tickets().len();
    let body = format!("La impresora número {n} no funciona desde ayer: {what}.");
    world.writes(&format!("c{n}@client.example"), &format!("Asunto {n}"), &body);
}

fn all_is_filed(world: &World, count: usize, what: &str) {
    assert_eq!(world.tickets().len(), count, "{what}");
    assert!(world.server.mails(DESK, "INBOX").is_empty(), "{what}");
    for (row, times) in world.accepted() {
        let known = row.starts_with("sent ") && times == 1 || row.starts_with("uncertain ") && times <= 1;
        assert!(known, "{what}: {row} {times}");
    }
}

#[tokio::test]
async fn a_mailbox_that_stalls_or_drips_at_any_command_is_left_in_time_and_tried_again() {
    let mut world = impatient().await;
    let mut count = 0;
    for command in ["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH", "MOVE"] {
        for fault in [ImapFault::Stall, ImapFault::Drip(1, DRIP)] {
            // A greeting that drips is among those of the line, below.
            if command == "CONNECT" && matches!(fault, ImapFault::Drip(..)) {
                continue;
            }
            let what = format!("{fault:?} at {command}");
            world.reconnect();
            somebody_writes(&mut world, &what);
            world.server.imap_fault(When::next(command), fault);
            let failed = world.endures().await;
            count += 1;
            assert!(
                failed.iter().any(|error| error.starts_with("no answer in time to ")),
                "{what}: {failed:?}"
            );
            all_is_filed(&world, count, &what);
        }
    }
    assert!(world.accepted().iter().all(|(row, _)| row.starts_with("sent ")));
    world.verify();
}

#[tokio::test]
async fn a_relay_that_stalls_at_any_stage_is_left_in_time_and_tried_again() {
    let mut world = impatient().await;
    let mut count = 0;
    for stage in ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT"] {
        for fault in [SmtpFault::Stall, SmtpFault::StallAfter] {
            let what = format!("{fault:?} at {stage}");
            let before = world.rows("SELECT 1 FROM outbox WHERE state = 'uncertain'").len();
            world.connects(Arc::new(Line::default()), IMPATIENT);
            somebody_writes(&mut world, &what);
            world.takes().await.unwrap();
            world.server.smtp_fault(When::next(stage), fault);
            let failed = world.endures().await;
            count += 1;
            all_is_filed(&world, count, &what);
            let told = failed.iter().any(|error| error.starts_with("no answer in time to "));
            let tried_twice = !world.rows("SELECT 1 FROM outbox WHERE attempts > 1").is_empty();
            let uncertain = world.rows("SELECT 1 FROM outbox WHERE state = 'uncertain'").len();
            assert_eq!(uncertain > before, stage == "DOT", "{what}: only the end of a mail is ever in doubt");
            assert!(told || tried_twice || uncertain > before, "{what}: {failed:?}");
        }
    }
    world.verify();
}

#[tokio::test]
async fn a_server_that_drips_from_any_byte_on_is_left_in_time_and_tried_again() {
    let mut world = impatient().await;
    let line = Line::default();
    let mut count = 0;
    for port in [world.server.smtp_port(), world.server.imap_port()] {
        for bytes in [0, 10, 30, 100, 150, 200, 250] {
            world.connects(Arc::new(line.clone()), IMPATIENT);
            somebody_writes(&mut world, &format!("{bytes} {port}"));
            line.goes_bad(port, bytes, Turns::Drips);
            world.endures().await;
            count += 1;
            assert!(line.went_bad(), "{bytes} bytes are more than it says");
            all_is_filed(&world, count, &format!("{bytes}"));
        }
    }
    world.verify();
}

/// A server may log out a client that idles for half an hour: however long the poll, IDLE is begun anew before.
#[tokio::test]
async fn an_idle_is_begun_anew_before_the_server_would_end_it() {
    let mut world = World::start_with("", "", "poll = \"1h\"\n").await;
    world.connects(Arc::new(Line::default()), IMPATIENT);
    let (stop, go_on) = watch::channel(false);
    let intake = Intake::new(world.shared.clone(), "soporte", Arc::new(Line::default()));
    let running = tokio::spawn(intake.run(go_on));
    let idled = |server: &MailServer| server.commands().iter().filter(|c| *c == "IMAP IDLE").count();
    assert!(world.server.wait_for(|server| idled(server) >= 3, TIME_MAX).await);
    let opened = world.server.commands().iter().filter(|c| *c == "IMAP SELECT").count();
    assert_eq!(opened, 1, "over the same connection");
    somebody_writes(&mut world, "y lo escribo de noche");
    assert!(world.server.wait_for(|server| server.mails(DESK, "INBOX").is_empty(), TIME_MAX).await);
    stop.send_replace(true);
    running.await.unwrap();
    world.endures().await;
    all_is_filed(&world, 1, "at night");
    world.verify();
}

/// The bounds in service have names, and none of them is for ever.
#[test]
fn each_wait_of_the_loops_has_a_bound() {
    let Waits { imap, smtp } = Waits::SERVICE;
    let imap::Waits { handshake, greeting, command, mail, stall, idle } = imap;
    let smtp::Waits { handshake: relay, command: stage, quit, mail: submitted } = smtp;
    let waits = [handshake, greeting, command, mail, stall, relay, stage, quit, submitted];
    assert!(waits.iter().all(|wait| !wait.is_zero() && wait.as_secs() <= 15 * 60), "{waits:?}");
    assert!(stall < command && command < mail, "a stall is noticed first");
    assert!(idle > mail && idle < Duration::from_secs(29 * 60), "IDLE is begun anew before that (RFC 2177)");
}
