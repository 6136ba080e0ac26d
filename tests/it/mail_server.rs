//! The demo server's own promises: what tests of the whole will lean on.

use crate::mail_world::*;
use postdesk::config::Tls;
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::imap::Session;
use postdesk::smtp::{Connection, Outcome};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test]
async fn a_server_in_memory_needs_no_socket() {
    let server = MailServer::offline(secured(Tls::Implicit, "good.pem"));
    server.add_account(DESK, SECRET);
    let dial = server.dialer();
    let mut relay = Connection::open(&to(465, Tls::Implicit), "x", &dial).await.unwrap();
    assert!(matches!(relay.submit(None, DESK, &mail(1)).await, Outcome::Accepted { .. }));
    let mut session = Session::open(&to(993, Tls::Implicit), &dial).await.unwrap();
    assert_eq!(session.select("INBOX").await.unwrap().exists, 1);
    server.refuse_connections(true);
    assert!(Session::open(&to(993, Tls::Implicit), &dial).await.is_err());
}

#[tokio::test]
async fn each_command_has_two_edges_and_a_hook_is_called_at_its_own() {
    let server = plain().await;
    let called = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&called);
    server.on_command(5, move |edge| names.lock().unwrap().push(edge.to_owned()));
    let mut session = session(&server).await;
    session.select("INBOX").await.unwrap();
    session.noop().await.unwrap();
    assert_eq!(server.commands(), ["IMAP LOGIN", "IMAP SELECT", "IMAP NOOP"]);
    assert_eq!(*called.lock().unwrap(), ["IMAP NOOP >"]);
    assert_eq!(server.edges(), 6);
}

#[tokio::test]
async fn waiting_ends_with_what_is_waited_for_or_with_time() {
    let server = plain().await;
    assert!(!server.wait_for(|server| !server.submitted().is_empty(), Duration::from_millis(30)).await);
    let submitting = server.clone();
    tokio::spawn(async move {
        let mut relay = connection(&submitting).await;
        relay.submit(None, "ana@example.com", &mail(1)).await;
    });
    assert!(server.wait_for(|server| server.submitted().len() == 1, LONG).await);
}

#[tokio::test]
async fn the_server_ends_with_its_last_handle() {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    server.add_account(DESK, SECRET);
    let mut session = session(&server).await;
    drop(server);
    assert!(session.noop().await.is_err());
}
