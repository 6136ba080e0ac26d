//! TLS that fails half-way: cut, falsified or silent at every stretch of the handshake and of what follows it.

use super::line::{IMPATIENT, Line, Turns};
use crate::world::{MARIA, World};
use postdesk::config::Tls;
use std::sync::Arc;

/// Bytes between two places where the line goes bad: several in a handshake.
const STRIDE: usize = 397;

/// Beyond all that the server says in one round.
const FAR: usize = 60_000;

/// One round: somebody writes, the line goes bad once, and the desk goes on by itself. What failed, in words; `None` when
/// the round was over before.
async fn round(world: &mut World, line: &Line, port: u16, bytes: usize, turns: Turns) -> Option<Vec<String>> {
    let before = world.tickets().len();
    let subject = format!("Asunto {port} {bytes} {turns:?}");
    let body = format!("La impresora número {bytes} no funciona desde ayer ({turns:?}, {before}).");
    world.writes(&format!("c{before}@client.example"), &subject, &body);
    world.connects(Arc::new(line.clone()), IMPATIENT);
    line.goes_bad(port, bytes, turns);
    let failed = world.endures().await;
    let what = format!("{turns:?} at {bytes}: {failed:?}");
    assert_eq!(world.tickets().len(), before + 1, "{what}");
    assert!(world.server.mails(crate::world::DESK, "INBOX").is_empty(), "{what}");
    line.went_bad().then_some(failed)
}

/// Each outgoing mail was accepted once, or is known to be uncertain and was accepted once at most.
fn nothing_is_doubled(world: &World) -> usize {
    let rows = world.accepted();
    for (row, times) in &rows {
        let known = row.starts_with("sent ") && *times == 1 || row.starts_with("uncertain ") && *times <= 1;
        assert!(known, "{row} {times}");
    }
    world.verify();
    rows.iter().filter(|(row, _)| row.starts_with("uncertain ")).count()
}

/// The sweep of one kind of TLS over one of the servers. How many mails became uncertain.
async fn sweep(tls: Tls, word: &str, smtp: bool) -> usize {
    let mut world = World::start_secured(tls, word).await;
    let port = if smtp { world.server.smtp_port() } else { world.server.imap_port() };
    let line = Line::default();
    let mut places = 0;
    for turns in [Turns::Ends, Turns::Lies] {
        let mut bytes = 0;
        while let Some(failed) = round(&mut world, &line, port, bytes, turns).await {
            places += 1;
            // A relay's word about one mail is in its row; all else is an error of the loop.
            assert!(smtp || !failed.is_empty(), "{turns:?} at {bytes} went unnoticed");
            bytes += STRIDE;
            assert!(bytes < FAR, "it never ends");
        }
    }
    for bytes in [700, 2600] {
        let failed = round(&mut world, &line, port, bytes, Turns::Silent).await;
        if let Some(failed) = failed.filter(|_| !smtp || bytes == 700) {
            assert!(failed.iter().any(|error| error.contains("no answer in time")), "{bytes}: {failed:?}");
        }
    }
    assert!(places > 8, "{places}");
    world.writes(MARIA, "Después de todo eso", "Este correo llega como siempre.");
    world.endures().await;
    nothing_is_doubled(&world)
}

#[tokio::test]
async fn a_mailbox_whose_tls_breaks_anywhere_is_tried_again() {
    assert_eq!(sweep(Tls::Implicit, "implicit", false).await, 0);
    assert_eq!(sweep(Tls::StartTls, "starttls", false).await, 0);
}

#[tokio::test]
async fn a_relay_whose_tls_breaks_anywhere_gets_each_mail_once_or_it_is_uncertain() {
    // In doubt are only mails whose end had left: their answers are a small part of all that the relay says.
    for (tls, word) in [(Tls::Implicit, "implicit"), (Tls::StartTls, "starttls")] {
        let uncertain = sweep(tls, word, true).await;
        assert!(uncertain < 10, "{uncertain} of {word}");
    }
}

#[tokio::test]
async fn a_server_that_says_yes_to_starttls_and_sends_no_tls_gets_no_password() {
    use postdesk::demo::server::{ImapFault, SmtpFault, When};
    let mut world = World::start_secured(Tls::StartTls, "starttls").await;
    world.connects(Arc::new(Line::default()), IMPATIENT);
    world.writes(MARIA, "Impresora", "No funciona desde ayer, por favor.");
    world.server.imap_fault(
        When::next("STARTTLS"),
        ImapFault::Replace("{tag} OK begin\r\n* OK not TLS at all, but a line\r\n".into()),
    );
    let error = world.takes().await.unwrap_err().to_string();
    assert!(error.contains("TLS"), "{error}");
    assert!(!world.server.commands().iter().any(|command| command == "IMAP LOGIN"), "a login in clear");
    world.takes().await.unwrap();
    world.server.smtp_fault(When::next("STARTTLS"), SmtpFault::GarbageForTls);
    let error = world.sends().await.unwrap_err().to_string();
    assert!(error.contains("TLS"), "{error}");
    assert!(!world.server.commands().iter().any(|command| command == "SMTP AUTH"), "a login in clear");
    world.endures().await;
    assert_eq!(nothing_is_doubled(&world), 0);
}
