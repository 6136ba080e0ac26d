//! The IMAP client against a server that does not behave: it always ends, with the right kind of error, and never
//! takes a part for the whole.

use crate::mail_world::*;
use postdesk::config::{After, Tls};
use postdesk::demo::server::{Hook, ImapFault, MailServer, When};
use postdesk::imap::{IdleEnd, ImapError, Session};
use postdesk::net::TcpDial;
use std::time::Duration;
use tokio::time::Instant;

const MAX: u64 = 1 << 20;

async fn open(server: &MailServer) -> Session {
    let mut session = session(server).await;
    session.select("INBOX").await.unwrap();
    session
}

async fn open_impatient(server: &MailServer) -> Session {
    let mut session = session_with(server, IMAP_IMPATIENT).await;
    session.select("INBOX").await.unwrap();
    session
}

fn replaced(text: &str) -> ImapFault {
    ImapFault::Replace(text.to_owned())
}

#[tokio::test]
async fn a_refusal_is_never_taken_for_nothing_new() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    let mut session = open(&server).await;
    for fault in [ImapFault::No("not now".to_owned()), ImapFault::Bad("what?".to_owned())] {
        for command in ["SEARCH", "FETCH", "STORE", "NOOP", "IDLE", "SELECT", "LIST", "APPEND"] {
            server.imap_fault(When::next(command), fault.clone());
            let error = match command {
                "SEARCH" => session.uids(1).await.err(),
                "FETCH" => fetch(&mut session, &[1], MAX).await.err(),
                "STORE" => session.settle(&[1], &After::Delete).await.err(),
                "NOOP" => session.noop().await.err(),
                "IDLE" => session.idle(LONG).await.err(),
                "LIST" => session.ensure_folder("Done").await.err(),
                "APPEND" => session.append("INBOX", b"x").await.err(),
                _ => session.select("INBOX").await.err(),
            };
            let error = error.unwrap_or_else(|| panic!("{command} was refused"));
            assert!(matches!(error, ImapError::Refused { .. }) && error.leaves_session_usable(), "{command}");
            session.select("INBOX").await.unwrap();
        }
    }
    assert_eq!(session.uids(1).await.unwrap(), [1], "the session goes on after refusals");
}

#[tokio::test]
async fn wherever_an_answer_is_cut_off_it_is_not_taken_for_whole() {
    let server = plain().await;
    for n in 0..3 {
        server.deliver(DESK, mail(n));
    }
    let one =
        |n: usize| format!("* 1 FETCH (UID 1 BODY[] {{{}}}\r\n)\r\n", mail(n).len()).len() + mail(n).len();
    let answer = (0..3).map(one).sum::<usize>() + "P3 OK fetched\r\n".len();
    for cut in (0..answer).step_by(11).chain(answer - 20..answer) {
        let mut session = open(&server).await;
        server.imap_fault(When::next("FETCH"), ImapFault::CutAfter(cut));
        let result = fetch(&mut session, &[1, 2, 3, 4], MAX).await;
        assert!(matches!(result, Err(ImapError::Closed(_))), "cut after {cut}: {result:?}");
        assert!(matches!(session.noop().await, Err(ImapError::Closed(_))), "and never used again");
    }
    let mut session = open(&server).await;
    server.imap_fault(
        When::next("FETCH"),
        replaced("* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n* BYE shutting down\r\n"),
    );
    assert!(matches!(fetch(&mut session, &[1, 2], MAX).await, Err(ImapError::Closed(_))));
}

#[tokio::test]
async fn silence_at_any_command_ends_in_time() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    for command in ["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH", "MOVE", "IDLE", "NOOP"] {
        server.imap_fault(When::next(command), ImapFault::Stall);
        let began = Instant::now();
        let attempt = async {
            let at = to(server.imap_port(), Tls::None);
            let mut session = Session::open_with(&at, &TcpDial, IMAP_IMPATIENT).await?;
            session.select("INBOX").await?;
            session.uids(1).await?;
            fetch(&mut session, &[1], MAX).await?;
            session.idle(SHORT).await?;
            session.noop().await?;
            session.settle(&[1], &After::Move("Done".to_owned())).await
        };
        let error = attempt.await.err().unwrap_or_else(|| panic!("{command} stalled"));
        assert!(matches!(error, ImapError::TimedOut { .. }), "{command}: {error}");
        assert!(began.elapsed() < SHORT * 8, "{command}");
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for_and_an_endless_one_is_not() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    let mut session = open(&server).await;
    server.imap_fault(When::next("FETCH"), ImapFault::Drip(16, Duration::from_millis(5)));
    assert_eq!(fetch(&mut session, &[1], MAX).await.unwrap().0.len(), 1);
    let mut session = open_impatient(&server).await;
    // Each piece comes within the stall time; all of them would take far longer than a command may.
    server.imap_fault(When::next("FETCH"), ImapFault::Drip(1, SHORT / 6));
    assert!(matches!(fetch(&mut session, &[1], MAX).await, Err(ImapError::TimedOut { .. })));
}

#[tokio::test]
async fn what_a_server_announces_is_not_believed() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    for size in ["1048577", "500000000", "4294967296", "99999999999999999999999"] {
        let mut session = open_impatient(&server).await;
        server
            .imap_fault(When::next("FETCH"), replaced(&format!("* 1 FETCH (UID 1 BODY[] {{{size}}}\r\nxx")));
        let error = fetch(&mut session, &[1], MAX).await.err().unwrap();
        assert!(matches!(error, ImapError::TooLarge { uid: 1, .. }), "{size}: {error}");
    }
    // A size within the bound that never comes.
    let mut session = open_impatient(&server).await;
    server.imap_fault(When::next("FETCH"), replaced("* 1 FETCH (UID 1 BODY[] {1000000}\r\nxx"));
    assert!(matches!(fetch(&mut session, &[1], MAX).await, Err(ImapError::TimedOut { .. })));
    // Shorter than it is: the rest of the mail is then read as lines, which it is not.
    let mut session = open_impatient(&server).await;
    server
        .imap_fault(When::next("FETCH"), replaced("* 1 FETCH (UID 1 BODY[] {2}\r\nabcdef)\r\n{tag} OK\r\n"));
    assert!(matches!(fetch(&mut session, &[1], MAX).await, Err(ImapError::Protocol(_))));
    // Endless lines and endless noise.
    let mut session = open(&server).await;
    server.imap_fault(When::next("FETCH"), ImapFault::Say(vec![b'x'; 3 << 20]));
    assert!(matches!(fetch(&mut session, &[1], MAX).await, Err(ImapError::Protocol(_))));
    let mut session = open(&server).await;
    server.imap_fault(
        When::next("FETCH"),
        ImapFault::Say("* OK still here\r\n".repeat(2_100_000).into_bytes()),
    );
    assert!(matches!(fetch(&mut session, &[1], MAX).await, Err(ImapError::Protocol(_))));
}

#[tokio::test]
async fn odd_lines_pass_and_stray_ones_end_the_session() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    let odd = "* XFOO\r\n* NOOP\r\n* OK [UIDNEXT 5]\u{e9}\r\n* NO [ALERT] quota {12}\r\n* STATUS INBOX (SIZE 1)\r\n\
               * 1 FETCH ()\r\n* 1 FETCH (FLAGS (\\Seen [weird]))\r\n*  OK\r\n* ESEARCH (TAG \"P1\") UID ALL 1\r\n\
               * 7 FETCH (UID 900 BODY[] {2}\r\nno)\r\n";
    let mut session = open(&server).await;
    for command in ["SELECT", "SEARCH", "FETCH", "NOOP", "IDLE", "MOVE"] {
        server.imap_fault(When::next(command), ImapFault::Say(odd.as_bytes().to_vec()));
    }
    session.select("INBOX").await.unwrap();
    assert_eq!(session.uids(1).await.unwrap(), [1]);
    assert_eq!(fetch(&mut session, &[1], MAX).await.unwrap().0, [(1, mail(1))]);
    session.noop().await.unwrap();
    assert_eq!(session.idle(SHORT).await.unwrap(), IdleEnd::TimedOut);
    session.settle(&[1], &After::Move("Done".to_owned())).await.unwrap();
    for stray in ["hello\r\n", "P999 OK\r\n* 1 FETCH (UID 1\r\n", "\r\n", "* 1 FETCH (UID 1 BODY[] \"x\r\n"] {
        let mut session = open(&server).await;
        server.imap_fault(When::next("FETCH"), ImapFault::Say(stray.as_bytes().to_vec()));
        let result = fetch(&mut session, &[1], MAX).await;
        assert!(matches!(result, Err(ImapError::Protocol(_))), "{stray:?}: {result:?}");
    }
}

#[tokio::test]
async fn an_error_holds_neither_mail_nor_secret() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    let mut session = open(&server).await;
    let leak =
        format!("* 1 FETCH (UID 1 BODY[] {{9}}\r\nconfident ial\r\n{{tag}} NO {}\r\n", "x".repeat(5000));
    server.imap_fault(When::next("FETCH"), replaced(&leak));
    let error = fetch(&mut session, &[1], MAX).await.err().unwrap();
    let said = format!("{error} {error:?}");
    assert!(!said.contains("confident") && !said.contains("99, 111, 110") && said.len() < 1000, "{said}");
}

#[tokio::test]
async fn counts_may_be_wrong_and_late() {
    let server = plain().await;
    for n in 0..3 {
        server.deliver(DESK, mail(n));
    }
    let mut session = open(&server).await;
    for lie in ["* 99 EXISTS\r\n", "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n", "* 0 EXISTS\r\n* 3 EXISTS\r\n"] {
        server.imap_fault(When::next("SEARCH"), ImapFault::Say(lie.as_bytes().to_vec()));
        server.imap_fault(When::next("FETCH"), ImapFault::Say(lie.as_bytes().to_vec()));
        assert_eq!(session.uids(1).await.unwrap(), [1, 2, 3], "{lie}");
        assert_eq!(fetch(&mut session, &[1, 2, 3], MAX).await.unwrap().0.len(), 3, "{lie}");
        session.select("INBOX").await.unwrap();
    }
}

#[tokio::test]
async fn mail_that_somebody_takes_away_is_gone_and_nothing_else() {
    let server = plain().await;
    for n in 0..3 {
        server.deliver(DESK, mail(n));
    }
    let mut session = open(&server).await;
    let away = Hook::new(|server: &MailServer| {
        server.move_mails(DESK, "INBOX", "Elsewhere", &[2]);
    });
    server.imap_fault(When::next("FETCH"), ImapFault::Run(away));
    let (mails, gone) = fetch(&mut session, &[1, 2, 3], MAX).await.unwrap();
    assert_eq!((mails.len(), gone), (2, vec![2]));
    session.settle(&[1, 2, 3], &After::Move("Done".to_owned())).await.unwrap();
    assert_eq!(server.mails(DESK, "Done").len(), 2);
}

#[tokio::test]
async fn a_renumbered_folder_ends_the_session_and_shows_its_new_number() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    let mut session = open(&server).await;
    server.set_uidvalidity(DESK, "INBOX", 77);
    assert!(matches!(session.noop().await, Err(ImapError::Closed(_))));
    let mut session = open(&server).await;
    assert_eq!(session.select("INBOX").await.unwrap().uidvalidity, 77);
    server.imap_fault(When::next("NOOP"), ImapFault::Say(b"* OK [UIDVALIDITY 78] changed\r\n".to_vec()));
    assert!(matches!(session.noop().await, Err(ImapError::Protocol(_))));
    let mut session = open(&server).await;
    let recreate = Hook::new(|server: &MailServer| server.create_folder(DESK, "INBOX"));
    server.imap_fault(When::next("NOOP"), ImapFault::Run(recreate));
    assert!(matches!(session.noop().await, Err(ImapError::Closed(_))));
    server.delete_folder(DESK, "INBOX");
    let mut session = crate::mail_world::session(&server).await;
    let error = session.select("INBOX").await.err().unwrap();
    assert!(matches!(&error, ImapError::Refused { code, .. } if code == "NONEXISTENT"), "{error}");
    let fault = replaced("* 0 EXISTS\r\n{tag} OK no validity\r\n");
    server.imap_fault(When::next("SELECT"), fault);
    assert!(matches!(session.select("INBOX").await, Err(ImapError::Protocol(_))));
}

#[tokio::test]
async fn a_greeting_that_is_none_is_an_error() {
    for (greeting, closed) in [
        ("* BYE overloaded\r\n", true),
        ("220 this is SMTP\r\n", false),
        ("* PREAUTH come in\r\n", false),
        ("\0\0\0\r\n", false),
        ("", true),
    ] {
        let server = plain().await;
        let fault =
            if greeting.is_empty() { ImapFault::Drop } else { ImapFault::Replace(greeting.to_owned()) };
        server.imap_fault(When::next("CONNECT"), fault);
        let at = to(server.imap_port(), Tls::None);
        let error = Session::open_with(&at, &TcpDial, IMAP_IMPATIENT).await.err().unwrap();
        assert_eq!(matches!(error, ImapError::Closed(_)), closed, "{greeting:?}: {error}");
        assert!(!error.is_config());
    }
}

#[tokio::test]
async fn a_command_given_up_half_way_ends_the_session() {
    let server = plain().await;
    server.deliver(DESK, mail(1));
    let mut session = open(&server).await;
    server.imap_fault(When::next("SEARCH"), ImapFault::Stall);
    assert!(tokio::time::timeout(SHORT, session.uids(1)).await.is_err());
    assert!(matches!(session.uids(1).await, Err(ImapError::Closed(_))));
}

#[tokio::test]
async fn idle_survives_every_bad_answer() {
    let server = plain().await;
    for (fault, closed) in [
        (replaced("{tag} NO\r\n"), false),
        (replaced("{tag} BAD\r\n"), false),
        (ImapFault::Drop, true),
        (replaced("+ idling\r\n* BYE\r\n"), true),
    ] {
        let mut session = open(&server).await;
        server.imap_fault(When::next("IDLE"), fault.clone());
        let error = session.idle(LONG).await.err().unwrap();
        assert_eq!(matches!(error, ImapError::Closed(_)), closed, "{fault:?}: {error}");
    }
    // A chatty server, and one that announces nothing new.
    let mut session = open(&server).await;
    server.imap_fault(When::next("IDLE"), ImapFault::Say(b"* OK Still here\r\n* 0 EXISTS\r\n".to_vec()));
    assert_eq!(session.idle(SHORT).await.unwrap(), IdleEnd::TimedOut);
    // The connection dies while everybody sleeps.
    let dying = tokio::spawn(async move { session.idle(LONG).await });
    assert!(server.wait_for(|s| s.commands().last().is_some_and(|c| c == "IMAP IDLE"), LONG).await);
    server.drop_connections();
    assert!(matches!(dying.await.unwrap(), Err(ImapError::Closed(_))));
}
