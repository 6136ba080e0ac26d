//! The SMTP client against a relay that behaves, and one that does not.

use crate::mail_world::*;
use postdesk::config::Tls;
use postdesk::demo::server::{MailServer, ServerOptions, SmtpFault, When};
use postdesk::net::{CertificateFault, TcpDial, TlsError};
use postdesk::smtp::{Connection, Outcome, SmtpError};
use proptest::prelude::*;
use tokio::time::Instant;

const ANA: &str = "ana@example.com";

/// A relay with PIPELINING and one without: what follows holds for both.
async fn relays() -> Vec<MailServer> {
    let bare = ServerOptions { extensions: Vec::new(), ..ServerOptions::default() };
    vec![plain().await, server(bare).await]
}

fn is_accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { .. })
}

fn is_later(outcome: &Outcome, wanted: Option<u16>) -> bool {
    matches!(outcome, Outcome::Later { code, .. } if *code == wanted)
}

fn is_refused(outcome: &Outcome, wanted: Option<u16>) -> bool {
    matches!(outcome, Outcome::Refused { code, .. } if *code == wanted)
}

#[tokio::test]
async fn mail_is_taken_over_with_every_protection() {
    for tls in [Tls::Implicit, Tls::StartTls, Tls::None] {
        let server = server(ServerOptions { require_login: true, ..secured(tls, "good.pem") }).await;
        let at = to(server.smtp_port(), tls);
        let mut connection = Connection::open(&at, "desk.example.org", &TcpDial).await.unwrap();
        for n in 0..3 {
            let outcome = connection.submit(Some(DESK), ANA, &mail(n)).await;
            assert!(is_accepted(&outcome), "{outcome:?}");
        }
        assert!(is_accepted(&connection.submit(None, ANA, &mail(3)).await));
        assert!(connection.check().await);
        connection.quit().await;
        let submitted = server.submitted();
        assert_eq!(submitted.len(), 4);
        assert_eq!((&*submitted[0].from, &*submitted[3].from), (DESK, ""));
        assert_eq!(&*submitted[2].raw, mail(2));
        assert_eq!(submitted[2].login.as_deref(), Some(DESK));
    }
}

#[tokio::test]
async fn a_refusal_at_any_stage_is_told_apart_and_leaves_the_connection() {
    for server in relays().await {
        let mut connection = connection(&server).await;
        for stage in ["MAIL", "RCPT", "DATA", "DOT"] {
            for code in [450_u16, 452, 550, 554] {
                server.smtp_fault(When::next(stage), SmtpFault::Reply(code, "4.0.0 no".to_owned()));
                let outcome = connection.submit(Some(DESK), ANA, &mail(1)).await;
                let fits = if code < 500 { is_later } else { is_refused };
                assert!(fits(&outcome, Some(code)), "{stage} {code}: {outcome:?}");
                if connection.connection_worn() {
                    connection = crate::mail_world::connection(&server).await;
                }
                assert!(connection.is_alive(), "{stage} {code}");
            }
        }
        assert!(server.submitted().is_empty());
        assert!(is_accepted(&connection.submit(Some(DESK), ANA, &mail(2)).await));
    }
}

#[tokio::test]
async fn before_the_dot_nothing_is_in_doubt_and_after_it_everything_is() {
    for server in relays().await {
        for (stage, fault, unknown, taken) in [
            ("MAIL", SmtpFault::Drop, false, 0),
            ("MAIL", SmtpFault::DropAfter, false, 0),
            ("RCPT", SmtpFault::Drop, false, 0),
            ("RCPT", SmtpFault::DropAfter, false, 0),
            ("DATA", SmtpFault::Drop, false, 0),
            ("DATA", SmtpFault::DropAfter, false, 0),
            ("DATA", SmtpFault::Stall, false, 0),
            ("DOT", SmtpFault::Drop, true, 0),
            ("DOT", SmtpFault::DropAfter, true, 1),
            ("DOT", SmtpFault::Stall, true, 0),
            ("DOT", SmtpFault::StallAfter, true, 1),
            ("DOT", SmtpFault::Raw(b"what?\r\n".to_vec()), true, 1),
            ("DOT", SmtpFault::Raw(b"354 more\r\n".to_vec()), true, 1),
            ("DOT", SmtpFault::Raw(vec![b'2'; 100_000]), true, 1),
        ] {
            let before = server.submitted().len();
            let mut connection = connection_with(&server, SMTP_IMPATIENT).await;
            server.smtp_fault(When::next(stage), fault.clone());
            let outcome = connection.submit(Some(DESK), ANA, &mail(1)).await;
            let fits =
                if unknown { matches!(outcome, Outcome::Unknown { .. }) } else { is_later(&outcome, None) };
            assert!(fits, "{stage} {fault:?}: {outcome:?}");
            assert!(!connection.is_alive());
            assert!(is_later(&connection.submit(Some(DESK), ANA, &mail(1)).await, None));
            assert_eq!(server.submitted().len() - before, taken, "{stage} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_lost_in_mid_mail_has_sent_nothing() {
    let server = plain().await;
    let large = vec![b'x'; 8 << 20];
    let mut connection = connection(&server).await;
    server.smtp_fault(When::next("DATA"), SmtpFault::DropMidway(1000));
    let outcome = connection.submit(Some(DESK), ANA, &large.repeat(1)).await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    assert!(server.submitted().is_empty() && !connection.is_alive());
}

#[tokio::test]
async fn an_odd_yes_is_a_yes() {
    for server in relays().await {
        let mut connection = connection(&server).await;
        for reply in [
            &b"250 recibido el mensaje n\xfamero 3\r\n"[..],
            b"250\r\n",
            b"250 \r\n",
            b"250OK\r\n",
            b"250 bare\n",
            b"250-one\r\n250-two\r\n250 three\r\n",
            b"251 other\r\n",
            b"250 \x1b[31m\x00\r\n",
        ] {
            server.smtp_fault(When::next("DOT"), SmtpFault::Raw(reply.to_vec()));
            let outcome = connection.submit(Some(DESK), ANA, &mail(1)).await;
            assert!(is_accepted(&outcome), "{reply:?}: {outcome:?}");
            let Outcome::Accepted { reply } = outcome else { panic!() };
            assert!(!reply.contains('\x1b'));
        }
        assert_eq!(server.submitted().len(), 8);
        assert!(connection.is_alive());
    }
}

#[tokio::test]
async fn a_relay_that_closes_down_is_later_and_the_connection_is_over() {
    for server in relays().await {
        for stage in ["MAIL", "RCPT", "DATA", "DOT"] {
            let mut connection = connection(&server).await;
            server.smtp_fault(When::next(stage), SmtpFault::Reply(421, "4.3.2 closing".to_owned()));
            let outcome = connection.submit(Some(DESK), ANA, &mail(1)).await;
            assert!(is_later(&outcome, Some(421)), "{stage}: {outcome:?}");
            assert!(!connection.is_alive(), "{stage}");
        }
        assert!(server.submitted().is_empty());
    }
}

#[tokio::test]
async fn one_recipient_refused_does_not_hurt_the_next() {
    for server in relays().await {
        server.smtp_fault(
            When::always("RCPT").to("bob@example.com"),
            SmtpFault::Reply(550, "5.1.1 no Bob here".to_owned()),
        );
        let mut connection = connection(&server).await;
        for (to, accepted) in [(ANA, true), ("bob@example.com", false), ("Eve@example.com", true)] {
            let outcome = connection.submit(Some(DESK), to, &mail(1)).await;
            assert_eq!(is_accepted(&outcome), accepted, "{to}: {outcome:?}");
        }
        let to: Vec<String> = server.submitted().into_iter().map(|mail| mail.to).collect();
        assert_eq!(to, [ANA, "Eve@example.com"]);
    }
}

#[tokio::test]
async fn a_relay_that_wants_the_mail_for_nobody_gets_none() {
    let server = plain().await;
    let mut connection = connection(&server).await;
    server.smtp_fault(When::next("RCPT"), SmtpFault::Reply(550, "no".to_owned()));
    server.smtp_fault(When::next("DATA"), SmtpFault::Raw(b"354 go on\r\n".to_vec()));
    assert!(is_refused(&connection.submit(Some(DESK), ANA, &mail(1)).await, Some(550)));
    assert!(!connection.is_alive() && server.submitted().is_empty());
}

#[tokio::test]
async fn greylisting_is_later_and_then_not() {
    let server = server(ServerOptions { greylist: true, ..ServerOptions::default() }).await;
    let mut connection = connection(&server).await;
    assert!(is_later(&connection.submit(Some(DESK), ANA, &mail(1)).await, Some(450)));
    assert!(is_accepted(&connection.submit(Some(DESK), ANA, &mail(1)).await));
}

#[tokio::test]
async fn a_worn_connection_says_so() {
    let worn = ServerOptions { mails_per_connection: Some(3), ..ServerOptions::default() };
    let server = server(worn).await;
    let mut connection = connection(&server).await;
    for n in 0..3 {
        assert!(is_accepted(&connection.submit(Some(DESK), ANA, &mail(n)).await));
        assert!(!connection.connection_worn());
    }
    assert!(is_later(&connection.submit(Some(DESK), ANA, &mail(3)).await, Some(452)));
    assert!(connection.connection_worn() && !connection.is_alive());
    connection.quit().await;
    // One that was closed while it lay idle is worn too: nothing was sent on it.
    let mut connection = crate::mail_world::connection(&server).await;
    assert!(is_accepted(&connection.submit(Some(DESK), ANA, &mail(4)).await));
    server.drop_connections();
    assert!(is_later(&connection.submit(Some(DESK), ANA, &mail(5)).await, None));
    assert!(connection.connection_worn());
}

#[tokio::test]
async fn silence_at_any_stage_ends_in_time() {
    let server = plain().await;
    for stage in ["CONNECT", "EHLO", "AUTH"] {
        server.smtp_fault(When::next(stage), SmtpFault::Stall);
        let (began, at) = (Instant::now(), to(server.smtp_port(), Tls::None));
        let error = Connection::open_with(&at, "x", &TcpDial, SMTP_IMPATIENT).await.err().unwrap();
        assert!(matches!(error, SmtpError::TimedOut { .. }) && !error.is_config(), "{stage}: {error}");
        assert!(began.elapsed() < SHORT * 8);
    }
    for stage in ["MAIL", "RCPT", "DATA", "RSET"] {
        let mut connection = connection_with(&server, SMTP_IMPATIENT).await;
        server.smtp_fault(When::next("DOT"), SmtpFault::Reply(550, "no".to_owned()));
        server.smtp_fault(When::next(stage), SmtpFault::Stall);
        let began = Instant::now();
        connection.submit(Some(DESK), ANA, &mail(1)).await;
        assert!(began.elapsed() < SHORT * 8, "{stage}");
        server.clear_faults();
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is_tried() {
    let small = ServerOptions { size_max: 1000, extensions: vec![], ..ServerOptions::default() };
    let server = server(small).await;
    let mut connection = connection(&server).await;
    assert!(is_refused(&connection.submit(Some(DESK), ANA, &[b'x'; 1001]).await, None));
    assert!(is_refused(&connection.submit(Some(DESK), "josé@example.com", &mail(1)).await, None));
    for odd in ["", "ana", "ana@example.com>\r\nRCPT TO:<eve@example.com", "a b@example.com", "@", "ana@"] {
        assert!(is_refused(&connection.submit(Some(DESK), odd, &mail(1)).await, None), "{odd:?}");
    }
    assert!(is_accepted(&connection.submit(Some(DESK), ANA, &mail(1)).await));
    assert!(server.commands().iter().filter(|command| *command == "SMTP MAIL").count() == 1);
    let wide = plain().await;
    let mut connection = crate::mail_world::connection(&wide).await;
    assert!(is_accepted(&connection.submit(Some(DESK), "josé@example.com", &mail(1)).await));
    assert_eq!(wide.submitted()[0].to, "josé@example.com");
}

#[tokio::test]
async fn a_login_that_fails_is_an_error_of_its_own() {
    let server = plain().await;
    for oauth in [false, true] {
        let mut at = to(server.smtp_port(), Tls::None);
        at.oauth = oauth;
        Connection::open(&at, "x", &TcpDial).await.unwrap();
        at.secret = Some(secret("wrong secret"));
        let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
        assert!(matches!(error, SmtpError::Login { .. }) && error.is_config(), "{error:?}");
        assert!(!format!("{error:?}").contains("wrong secret"));
    }
    server.smtp_fault(When::next("AUTH"), SmtpFault::Reply(454, "4.7.0 not now".to_owned()));
    let at = to(server.smtp_port(), Tls::None);
    let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
    assert!(matches!(error, SmtpError::Refused { code: 454, .. }) && !error.is_config(), "{error:?}");
    server.smtp_fault(When::next("CONNECT"), SmtpFault::Reply(554, "5.7.1 go away".to_owned()));
    let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
    assert!(matches!(error, SmtpError::Refused { code: 554, .. }), "{error:?}");
    server.smtp_fault(When::next("EHLO"), SmtpFault::Raw(b"250-demo\r\n250 AUTH CRAM-MD5\r\n".to_vec()));
    let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
    assert!(matches!(error, SmtpError::NotOffered(_)) && error.is_config(), "{error:?}");
}

#[tokio::test]
async fn starttls_never_falls_back_and_takes_nothing_from_before() {
    let clear = plain().await;
    let error = Connection::open(&to(clear.smtp_port(), Tls::StartTls), "x", &TcpDial).await.err().unwrap();
    assert!(matches!(error, SmtpError::NotOffered("STARTTLS")), "{error:?}");
    let server = server(secured(Tls::StartTls, "good.pem")).await;
    let at = to(server.smtp_port(), Tls::StartTls);
    // What comes after the reply comes with it or later: then it is the handshake that stumbles over it.
    let before_tls = |error: &SmtpError| matches!(error, SmtpError::Protocol(_) | SmtpError::Tls(_));
    for fault in [SmtpFault::Raw(b"220 go\r\n250 injected\r\n".to_vec()), SmtpFault::GarbageForTls] {
        server.smtp_fault(When::next("STARTTLS"), fault);
        let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
        assert!(before_tls(&error), "{error}");
    }
    server.smtp_fault(When::next("STARTTLS"), SmtpFault::Reply(454, "4.7.0 no key".to_owned()));
    let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
    assert!(matches!(error, SmtpError::Refused { code: 454, .. }), "{error}");
    server.smtp_fault(When::next("STARTTLS"), SmtpFault::DropAfter);
    let error = Connection::open(&at, "x", &TcpDial).await.err().unwrap();
    assert!(matches!(error, SmtpError::Closed("STARTTLS")), "{error}");
    assert!(!server.commands().iter().any(|command| command == "SMTP AUTH"));
    Connection::open(&at, "x", &TcpDial).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_explained() {
    let server = server(secured(Tls::Implicit, "expired.pem")).await;
    let at = to(server.smtp_port(), Tls::Implicit);
    match Connection::open(&at, "x", &TcpDial).await.err().unwrap() {
        SmtpError::Tls(TlsError::Certificate { fault: CertificateFault::Expired, .. }) => {}
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_mail_given_up_half_way_ends_the_connection() {
    let server = plain().await;
    let mut connection = connection(&server).await;
    server.smtp_fault(When::next("DOT"), SmtpFault::Stall);
    assert!(tokio::time::timeout(SHORT, connection.submit(Some(DESK), ANA, &mail(1))).await.is_err());
    assert!(!connection.is_alive());
    assert!(is_later(&connection.submit(Some(DESK), ANA, &mail(1)).await, None));
}

#[tokio::test]
async fn what_arrives_locally_tells_where_it_came_from() {
    let id = ServerOptions { authserv_id: Some("mx.example.org".to_owned()), ..ServerOptions::default() };
    let server = server(id).await;
    server.add_account("ana@example.com", "ana");
    let mut at = to(server.smtp_port(), Tls::None);
    at.user = Some("ana@example.com".to_owned());
    at.secret = Some(secret("ana"));
    let mut ana = Connection::open(&at, "x", &TcpDial).await.unwrap();
    assert!(is_accepted(&ana.submit(Some(ANA), "desk+tag@example.org", &mail(1)).await));
    let mut eve = connection(&server).await;
    assert!(is_accepted(&eve.submit(Some(ANA), DESK, &mail(1)).await));
    let inbox = server.mails(DESK, "INBOX");
    let text = |n: usize| String::from_utf8(inbox[n].raw.to_vec()).unwrap();
    assert!(text(0).starts_with("Return-Path: <ana@example.com>\r\nDelivered-To: desk+tag@example.org\r\n"));
    assert!(text(0).contains("mx.example.org; dmarc=pass header.from=example.com"));
    assert!(text(1).contains("dmarc=fail"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_arrive_as_they_are_but_for_line_ends(bytes in "[.\r\na\u{e9}]{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let raw = runtime.block_on(async {
            let server = plain().await;
            let mut connection = connection(&server).await;
            assert!(is_accepted(&connection.submit(Some(DESK), ANA, bytes.as_bytes()).await));
            assert!(is_accepted(&connection.submit(Some(DESK), ANA, &mail(7)).await));
            assert_eq!(&*server.submitted()[1].raw, mail(7));
            server.submitted()[0].raw.to_vec()
        });
        let mut want = bytes.replace("\r\n", "\n").replace('\r', "\n");
        if !want.ends_with('\n') {
            want.push('\n');
        }
        prop_assert_eq!(String::from_utf8(raw).unwrap(), want.replace('\n', "\r\n"));
    }
}
