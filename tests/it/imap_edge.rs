//! The IMAP client against servers that behave, each in its own way.

use crate::mail_world::*;
use postdesk::config::{After, Tls};
use postdesk::demo::server::{Hook, ImapFault, MailServer, ServerOptions, When, Without};
use postdesk::imap::{IdleEnd, ImapError, Session};
use postdesk::net::{CertificateFault, TcpDial, TlsError};
use std::time::Duration;
use tokio::time::Instant;

const MAX: u64 = 1 << 20;

async fn open(server: &MailServer) -> Session {
    let mut session = session(server).await;
    session.select("INBOX").await.unwrap();
    session
}

#[tokio::test]
async fn mail_is_found_fetched_and_moved() {
    let server = plain().await;
    let sent: Vec<Vec<u8>> = (0..30).map(mail).collect();
    for mail in &sent {
        server.deliver(DESK, mail);
    }
    let mut session = session(&server).await;
    let selected = session.select("INBOX").await.unwrap();
    assert_eq!((selected.exists, selected.uidnext, selected.read_only), (30, 31, false));
    assert_eq!(Some(selected.uidvalidity), server.uidvalidity(DESK, "INBOX"));
    let uids = session.uids(1).await.unwrap();
    assert_eq!(uids, (1..=30).collect::<Vec<_>>());
    assert_eq!(session.uids(29).await.unwrap(), [29, 30]);
    assert!(session.uids(31).await.unwrap().is_empty());
    let sizes = session.sizes(&[1, 30, 99]).await.unwrap();
    assert_eq!(sizes, [(1, sent[0].len() as u64), (30, sent[29].len() as u64)]);
    let (mails, gone) = fetch(&mut session, &[1, 2, 3, 99], MAX).await.unwrap();
    assert_eq!(mails, (0..3).map(|n| (n + 1, sent[n as usize].clone())).collect::<Vec<_>>());
    assert_eq!(gone, [99]);
    assert!(server.mails(DESK, "INBOX").iter().all(|mail| mail.flags.is_empty()), "reading marks nothing");
    session.settle(&[1, 2, 99], &After::Move("Archive/Done".to_owned())).await.unwrap();
    assert_eq!(server.mails(DESK, "Archive/Done").len(), 2);
    assert_eq!(server.mails(DESK, "INBOX").len(), 28);
    assert_eq!(session.uids(1).await.unwrap().len(), 28);
    session.logout().await;
}

#[tokio::test]
async fn every_protection_carries_a_login() {
    for tls in [Tls::Implicit, Tls::StartTls, Tls::None] {
        let server = server(secured(tls, "good.pem")).await;
        server.deliver(DESK, mail(1));
        let at = to(server.imap_port(), tls);
        let mut session = Session::open(&at, &TcpDial).await.unwrap();
        session.select("INBOX").await.unwrap();
        assert_eq!(fetch(&mut session, &[1], MAX).await.unwrap().0[0].1, mail(1));
        session.logout().await;
    }
}

#[tokio::test]
async fn every_way_of_logging_in() {
    let without = |without| ServerOptions { without, ..ServerOptions::default() };
    for options in [
        without(Without::default()),
        without(Without { login: true, ..Without::default() }),
        without(Without { told: true, ..Without::default() }),
    ] {
        session(&server(options).await).await;
    }
    let server = plain().await;
    let mut at = to(server.imap_port(), Tls::None);
    at.oauth = true;
    Session::open(&at, &TcpDial).await.unwrap();
    server.add_account(DESK, "contraseña");
    let mut at = to(server.imap_port(), Tls::None);
    at.secret = Some(secret("contraseña"));
    Session::open(&at, &TcpDial).await.unwrap();
    for oauth in [false, true] {
        at.oauth = oauth;
        at.secret = Some(secret("wrong"));
        let error = Session::open(&at, &TcpDial).await.err().unwrap();
        assert!(matches!(error, ImapError::Login { .. }) && error.is_config(), "{error}");
        assert!(!error.to_string().contains("wrong\""));
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_explained() {
    for (file, ca_file, fault) in [
        ("expired.pem", "ca.pem", Some(CertificateFault::Expired)),
        ("good.pem", "self.pem", Some(CertificateFault::UnknownIssuer)),
        ("self.pem", "ca.pem", Some(CertificateFault::UnknownIssuer)),
        ("self.pem", "self.pem", None),
    ] {
        let server = server(secured(Tls::Implicit, file)).await;
        let mut at = to(server.imap_port(), Tls::Implicit);
        at.ca_file = Some(tls_file(ca_file));
        match (Session::open(&at, &TcpDial).await, fault) {
            (Ok(_), None) => {}
            (Err(ImapError::Tls(TlsError::Certificate { fault, .. })), Some(wanted)) => {
                assert_eq!(fault, wanted, "{file}");
            }
            (other, _) => panic!("{file}: {:?}", other.err()),
        }
    }
    let server = server(secured(Tls::Implicit, "other.pem")).await;
    let error = Session::open(&to(server.imap_port(), Tls::Implicit), &TcpDial).await.err().unwrap();
    assert!(error.to_string().contains("mail.elsewhere.example"), "{error}");
    assert!(error.is_config());
}

#[tokio::test]
async fn idle_wakes_for_mail_and_only_for_mail() {
    let server = plain().await;
    let mut session = open(&server).await;
    assert_eq!(session.idle(Duration::from_millis(50)).await.unwrap(), IdleEnd::TimedOut);
    let waiting = tokio::spawn(async move {
        let end = session.idle(LONG).await.unwrap();
        (session, end)
    });
    assert!(server.wait_for(|s| s.commands().iter().filter(|c| *c == "IMAP IDLE").count() == 2, LONG).await);
    let sent = Instant::now();
    server.deliver(DESK, mail(1));
    let (mut session, end) = waiting.await.unwrap();
    assert_eq!(end, IdleEnd::News);
    assert!(sent.elapsed() < Duration::from_secs(2));
    assert_eq!(session.uids(1).await.unwrap(), [1]);
    // Announced between the search and the next IDLE: it must not be slept through.
    server.deliver(DESK, mail(2));
    assert!(session.noop().await.unwrap());
    assert_eq!(session.idle(LONG).await.unwrap(), IdleEnd::News);
    assert_eq!(session.uids(2).await.unwrap(), [2]);
    assert_eq!(session.idle(Duration::from_millis(50)).await.unwrap(), IdleEnd::TimedOut);
}

fn replaced(text: &str) -> ImapFault {
    ImapFault::Replace(text.to_owned())
}

#[tokio::test]
async fn servers_without_extensions_are_served_by_other_means() {
    let all = Without { r#move: true, uidplus: true, idle: true, namespace: true, ..Without::default() };
    for without in [
        Without { r#move: true, ..Without::default() },
        Without { uidplus: true, ..Without::default() },
        all.clone(),
    ] {
        let server = server(ServerOptions { without, ..ServerOptions::default() }).await;
        for n in 0..4 {
            server.deliver(DESK, mail(n));
        }
        let mut session = open(&server).await;
        session.settle(&[1, 2], &After::Move("Done".to_owned())).await.unwrap();
        session.settle(&[3], &After::Delete).await.unwrap();
        assert_eq!(server.mails(DESK, "Done").len(), 2);
        assert_eq!(session.uids(1).await.unwrap(), [4]);
    }
    let server = server(ServerOptions { without: all, ..ServerOptions::default() }).await;
    server.deliver(DESK, mail(1));
    server.deliver(DESK, mail(2));
    server.set_flag(DESK, "INBOX", 2, "\\Deleted", true);
    let mut session = open(&server).await;
    assert_eq!(session.idle(LONG).await.unwrap(), IdleEnd::NotSupported);
    session.settle(&[1], &After::Delete).await.unwrap();
    let left = server.mails(DESK, "INBOX");
    assert_eq!(left.len(), 2, "somebody else's deletion is not ours to carry out");
    assert!(left[0].flags.contains("\\Deleted"));
}

#[tokio::test]
async fn flags_are_kept_as_far_as_the_server_can() {
    for (keywords, refuse) in [(false, false), (true, false), (false, true)] {
        let without = Without { keywords, ..Without::default() };
        let server = server(ServerOptions { without, ..ServerOptions::default() }).await;
        server.deliver(DESK, mail(1));
        let mut session = open(&server).await;
        if refuse {
            server.imap_fault(When::next("STORE"), ImapFault::No("no keywords".to_owned()));
        }
        session.settle(&[1], &After::Flag).await.unwrap();
        let flags = server.mails(DESK, "INBOX")[0].flags.clone();
        assert!(flags.contains("\\Seen"));
        assert_eq!(flags.contains("$Postdesk"), !keywords && !refuse);
    }
}

#[tokio::test]
async fn folders_are_made_where_the_server_keeps_them() {
    let courier = |namespace| ServerOptions {
        prefix: "INBOX.".to_owned(),
        without: Without { namespace, r#move: true, ..Without::default() },
        ..ServerOptions::default()
    };
    for namespace in [false, true] {
        let server = server(courier(namespace)).await;
        server.deliver(DESK, mail(1));
        let mut session = open(&server).await;
        let made = session.ensure_folder("Archivo/más").await.unwrap();
        assert_eq!(made, "INBOX.Archivo.más");
        session.select(&made).await.unwrap();
        session.append(&made, &mail(9)).await.unwrap();
        assert_eq!(&*server.mails(DESK, "INBOX.Archivo.m&AOE-s")[0].raw, mail(9));
        session.select("INBOX").await.unwrap();
        session.settle(&[1], &After::Move("Archivo/más".to_owned())).await.unwrap();
        assert_eq!(server.mails(DESK, "INBOX.Archivo.m&AOE-s").len(), 2);
    }
    let server = plain().await;
    server.deliver(DESK, mail(1));
    server.deliver(DESK, mail(2));
    let mut session = open(&server).await;
    session.settle(&[1], &After::Move("Done".to_owned())).await.unwrap();
    server.delete_folder(DESK, "Done");
    session.settle(&[2], &After::Move("Done".to_owned())).await.unwrap();
    assert_eq!(server.mails(DESK, "Done").len(), 1, "a folder that was removed is made again");
}

#[tokio::test]
async fn starttls_never_falls_back_and_takes_nothing_from_before() {
    let server = server(secured(Tls::StartTls, "good.pem")).await;
    let at = to(server.imap_port(), Tls::StartTls);
    server.imap_fault(When::next("STARTTLS"), ImapFault::No("not today".to_owned()));
    assert!(matches!(Session::open(&at, &TcpDial).await, Err(ImapError::Refused { .. })));
    server.imap_fault(When::next("STARTTLS"), replaced("{tag} OK go\r\n* OK injected\r\n"));
    assert!(matches!(Session::open(&at, &TcpDial).await, Err(ImapError::Protocol(_))));
    server.imap_fault(When::next("STARTTLS"), ImapFault::DropAfter);
    assert!(matches!(Session::open(&at, &TcpDial).await, Err(ImapError::Closed(_))));
    assert!(!server.commands().iter().any(|command| command.contains("LOGIN")));
}

#[tokio::test]
async fn without_tls_only_this_machine_is_spoken_to() {
    struct Far;
    impl postdesk::net::Dial for Far {
        fn dial<'a>(
            &'a self,
            _: &'a str,
            _: u16,
        ) -> futures::future::BoxFuture<'a, std::io::Result<postdesk::net::Dialled>> {
            let (stream, _) = tokio::io::duplex(64);
            Box::pin(async { Ok(postdesk::net::Dialled { stream: Box::new(stream), loopback: false }) })
        }
    }
    let at = to(143, Tls::None);
    let error = Session::open(&at, &Far).await.err().unwrap();
    assert!(matches!(error, ImapError::Tls(TlsError::PlainRefused(_))) && error.is_config());
}

#[tokio::test]
async fn a_large_folder_is_asked_about_in_windows() {
    let server = plain().await;
    let count = postdesk::imap::WINDOW + 500;
    for _ in 0..count {
        server.deliver(DESK, b"x\r\n");
    }
    let mut session = open(&server).await;
    let shift = Hook::new(|server: &MailServer| {
        server.move_mails(DESK, "INBOX", "Elsewhere", &(1..=300).collect::<Vec<_>>());
    });
    assert_eq!(session.uids(1).await.unwrap().len() as u32, count);
    assert_eq!(session.uids(count - 2).await.unwrap(), [count - 2, count - 1, count]);
    // Mails expunged between two windows shift the others; none is missed.
    server.imap_fault(When::nth("SEARCH", 2), ImapFault::Run(shift));
    let uids = session.uids(1).await.unwrap();
    assert!((301..=count).all(|uid| uids.binary_search(&uid).is_ok()));
    let (mails, gone) = fetch(&mut session, &uids, MAX).await.unwrap();
    assert_eq!(mails.len() as u32, count - 300);
    assert!(gone.iter().all(|uid| *uid <= 300));
}
