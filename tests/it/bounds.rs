//! Each named bound of the edges at its edge: what reaches it is taken, one more ends as it is documented.

use crate::mail_world::*;
use postdesk::config::Tls;
use postdesk::demo::server::{ImapFault, MailServer, ServerOptions, SmtpFault, When};
use postdesk::imap::{self, IdleEnd, ImapError, Session};
use postdesk::net::TcpDial;
use postdesk::smtp::{self, Outcome};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::Instant;

const ANA: &str = "ana@example.com";

async fn opened(server: &MailServer) -> Session {
    let mut session = session(server).await;
    session.select("INBOX").await.unwrap();
    session
}

/// How a NOOP ends that is answered by `answer` and a tagged OK.
async fn noop(server: &MailServer, answer: Vec<u8>) -> Result<bool, ImapError> {
    let mut session = opened(server).await;
    server.imap_fault(When::next("NOOP"), ImapFault::Say(answer));
    session.noop().await
}

fn is_protocol(result: Result<bool, ImapError>) -> bool {
    matches!(result, Err(ImapError::Protocol(_)))
}

#[tokio::test]
async fn a_line_as_long_as_allowed_is_read_and_a_longer_one_ends_the_session() {
    let server = plain().await;
    // The bound counts the line's end.
    let line = |size: usize| format!("* OK {}\r\n", "x".repeat(size - 7)).into_bytes();
    assert_eq!(line(imap::LINE_MAX).len(), imap::LINE_MAX);
    assert!(noop(&server, line(imap::LINE_MAX)).await.is_ok());
    assert!(is_protocol(noop(&server, line(imap::LINE_MAX + 1)).await));
}

#[tokio::test]
async fn as_many_literals_as_allowed_are_read_and_one_more_ends_the_session() {
    let server = plain().await;
    let literals = |count: usize| format!("* LIST ({}) x\r\n", "{1}\r\na ".repeat(count)).into_bytes();
    assert!(noop(&server, literals(imap::LITERALS_MAX)).await.is_ok());
    assert!(is_protocol(noop(&server, literals(imap::LITERALS_MAX + 1)).await));
}

#[tokio::test]
async fn a_literal_that_is_no_mail_is_read_up_to_its_bound() {
    let server = plain().await;
    let literal = |size: u64| format!("* LIST () \"/\" {{{size}}}\r\n{}\r\n", "a".repeat(size as usize));
    assert!(noop(&server, literal(imap::SMALL_LITERAL_MAX).into_bytes()).await.is_ok());
    let error = noop(&server, literal(imap::SMALL_LITERAL_MAX + 1).into_bytes()).await.unwrap_err();
    assert!(matches!(error, ImapError::TooLarge { uid: 0, .. }), "{error}");
}

#[tokio::test]
async fn an_answer_as_large_as_allowed_is_read_and_a_larger_one_ends_the_session() {
    let server = plain().await;
    let most = usize::try_from(imap::ANSWER_MAX).unwrap();
    for (size, taken) in [(most, true), (most + 1, false)] {
        let mut session = opened(&server).await;
        // The tags of this session have two characters so far.
        let end = "{tag} OK\r\n".replace("{tag}", "P9");
        let mut answer = "* OK still at it\r\n".repeat((size - end.len()) / 18);
        answer.insert_str(4, &"x".repeat(size - end.len() - answer.len()));
        let answer = format!("{answer}{{tag}} OK\r\n");
        server.imap_fault(When::next("NOOP"), ImapFault::Replace(answer));
        let ended = session.noop().await;
        assert!(if taken { ended.is_ok() } else { is_protocol(ended) }, "{size}");
    }
}

#[tokio::test]
async fn a_mail_as_large_as_allowed_is_fetched_and_a_larger_one_is_named() {
    let server = plain().await;
    server.deliver(DESK, vec![b'x'; 5000]);
    let mut session = opened(&server).await;
    let (mails, gone) = fetch(&mut session, &[1], 5000).await.unwrap();
    assert_eq!((mails[0].1.len(), gone.len()), (5000, 0));
    let error = fetch(&mut session, &[1], 4999).await.unwrap_err();
    assert!(matches!(error, ImapError::TooLarge { uid: 1, size: 5000 }), "{error}");
}

#[tokio::test]
async fn a_folder_is_asked_about_in_one_window_up_to_its_size() {
    let server = plain().await;
    for n in 0..imap::WINDOW as usize {
        server.deliver(DESK, mail(n));
    }
    let searches =
        |server: &MailServer| server.commands().iter().filter(|command| *command == "IMAP SEARCH").count();
    let mut session = opened(&server).await;
    assert_eq!(session.uids(1).await.unwrap().len(), imap::WINDOW as usize);
    assert_eq!(searches(&server), 1);
    server.deliver(DESK, mail(0));
    let mut session = opened(&server).await;
    assert_eq!(session.uids(1).await.unwrap().len(), imap::WINDOW as usize + 1);
    assert_eq!(searches(&server), 3);
}

#[tokio::test]
async fn an_idle_lasts_as_long_as_allowed_and_no_longer_and_the_session_goes_on() {
    let server = plain().await;
    for (most, bound) in [(LONG, SHORT), (SHORT, LONG)] {
        let mut session = session_with(&server, imap::Waits { idle: bound, ..IMAP_WAITS }).await;
        session.select("INBOX").await.unwrap();
        for _ in 0..2 {
            let began = Instant::now();
            assert_eq!(session.idle(most).await.unwrap(), IdleEnd::TimedOut);
            assert!(began.elapsed() >= SHORT, "mail may still be announced");
            assert!(began.elapsed() < LONG, "{most:?} {bound:?}");
            session.noop().await.unwrap();
        }
        server.deliver(DESK, mail(1));
        assert_eq!(session.idle(most).await.unwrap(), IdleEnd::News);
    }
    assert_eq!(imap::Waits::SERVICE.idle, imap::IDLE_TIME_MAX);
}

#[tokio::test]
async fn a_refusal_is_told_in_as_many_words_as_a_log_can_bear() {
    let server = plain().await;
    for size in [imap::TEXT_MAX, imap::TEXT_MAX + 1] {
        let mut session = opened(&server).await;
        server.imap_fault(When::next("NOOP"), ImapFault::No("z".repeat(size)));
        let said = session.noop().await.unwrap_err().to_string();
        assert_eq!(said.matches('z').count(), imap::TEXT_MAX, "{said}");
    }
}

/// A server that asks on after each answer to AUTHENTICATE, so many times.
async fn asks_on(challenges: usize) -> Result<(), ImapError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED] hello\r\n").await.unwrap();
        let tag = lines.next_line().await.unwrap().unwrap().split(' ').next().unwrap().to_owned();
        for _ in 0..challenges {
            write.write_all(b"+ \r\n").await.unwrap();
            if lines.next_line().await.unwrap().is_none() {
                return;
            }
        }
        let end = format!("{tag} OK [CAPABILITY IMAP4rev1] logged in\r\n");
        write.write_all(end.as_bytes()).await.unwrap();
    });
    let opened = Session::open_with(&to(port, Tls::None), &TcpDial, IMAP_WAITS).await.map(|_| ());
    serving.abort();
    opened
}

#[tokio::test]
async fn a_login_that_asks_on_and_on_is_given_up() {
    for challenges in [1, 4] {
        asks_on(challenges).await.unwrap_or_else(|error| panic!("{challenges}: {error}"));
    }
    assert!(matches!(asks_on(5).await, Err(ImapError::Protocol(_))));
}

/// How a mail ends whose MAIL command is answered by so many bytes.
async fn answered(size: usize) -> Outcome {
    let server = server(ServerOptions { extensions: vec![], ..ServerOptions::default() }).await;
    let mut connection = connection(&server).await;
    let line = "250-still at it\r\n";
    let mut reply = line.repeat((size - 8) / line.len());
    reply.insert_str(4, &"x".repeat(size - 8 - reply.len()));
    reply += "250 ok\r\n";
    assert_eq!(reply.len(), size);
    server.smtp_fault(When::next("MAIL"), SmtpFault::Raw(reply.into_bytes()));
    connection.submit(Some(DESK), ANA, &mail(1)).await
}

#[tokio::test]
async fn a_reply_as_long_as_allowed_is_read_and_a_longer_one_is_later() {
    let outcome = answered(smtp::REPLY_MAX).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    let outcome = answered(smtp::REPLY_MAX + 1).await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
}

#[tokio::test]
async fn of_a_replys_line_the_beginning_is_kept() {
    let server = plain().await;
    let mut connection = connection(&server).await;
    for size in [smtp::REPLY_LINE_MAX - 4, smtp::REPLY_LINE_MAX + 1] {
        let text = "n".repeat(size);
        server.smtp_fault(When::next("RCPT"), SmtpFault::Reply(550, text));
        let Outcome::Refused { reply, .. } = connection.submit(Some(DESK), ANA, &mail(1)).await else {
            panic!("{size} is refused")
        };
        assert_eq!(reply.matches('n').count(), smtp::REPLY_LINE_MAX - 4, "{reply}");
    }
}

#[tokio::test]
async fn a_mail_of_the_size_that_the_relay_names_is_sent_and_a_larger_one_is_not_tried() {
    let options = ServerOptions { size_max: 1000, ..ServerOptions::default() };
    let server = server(options).await;
    let mut connection = connection(&server).await;
    let sized = |size: usize| [mail(1), vec![b'x'; size - mail(1).len() - 2], b"\r\n".to_vec()].concat();
    let outcome = connection.submit(Some(DESK), ANA, &sized(1000)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    let outcome = connection.submit(Some(DESK), ANA, &sized(1001)).await;
    assert!(matches!(outcome, Outcome::Refused { code: None, .. }), "{outcome:?}");
    assert_eq!(server.submitted().len(), 1);
}
