//! One mail that the server cannot give, or cannot move, whenever it is asked: the others do not wait for it.

use crate::world::{DESK, World};
use futures::future::BoxFuture;
use postdesk::demo::server::{ImapFault, MailServer, When};
use postdesk::loops::intake::Intake;
use postdesk::net::{BoxStream, Dial, Dialled, TcpDial};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// Time for five pauses of the shortest kind.
const SOON: Duration = Duration::from_secs(25);

/// What happens whenever a command names the mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// The connection ends.
    Ends,
    /// The server does not know such a command: it says BAD.
    Refuses,
    /// More bytes are announced than the server had said, and not whose they are.
    Swells,
}

impl Then {
    /// What is read in place of an answer, before the connection ends.
    fn last_words(self) -> &'static [u8] {
        if self == Self::Swells { b"* 3 FETCH (BODY[] {999999999}\r\n" } else { b"" }
    }
}

/// A command that names the mail with this UID.
#[derive(Clone, Copy, Debug)]
struct Poison {
    uid: u32,
    /// How the command begins and ends.
    command: (&'static str, &'static str),
    then: Then,
}

impl Poison {
    fn is_in(&self, line: &str) -> bool {
        let Some(rest) = line.split_once(self.command.0).map(|(_, rest)| rest) else { return false };
        let set = rest.split(' ').next().unwrap();
        let named = set.split(',').any(|range| {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            (first.parse().unwrap()..=last.parse().unwrap()).contains(&self.uid)
        });
        named && line.trim_end().ends_with(self.command.1)
    }
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<Option<Poison>>>);

impl Dial for Server {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(async move {
            let dialled = TcpDial.dial(host, port).await?;
            let stream = Box::new(Line { inner: dialled.stream, poison: self.clone(), last_words: None });
            Ok(Dialled { stream, loopback: dialled.loopback })
        })
    }
}

struct Line {
    inner: BoxStream,
    poison: Server,
    last_words: Option<&'static [u8]>,
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.last_words {
            Some(words) => {
                out.put_slice(std::mem::take(words));
                Poll::Ready(Ok(()))
            }
            None => Pin::new(&mut this.inner).poll_read(cx, out),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let line = String::from_utf8_lossy(bytes).into_owned();
        match this.poison.0.lock().unwrap().filter(|poison| poison.is_in(&line)) {
            Some(poison) if poison.then == Then::Refuses => {
                let unknown = line.replacen("UID ", "UIX ", 1);
                Pin::new(&mut this.inner).poll_write(cx, unknown.as_bytes())
            }
            Some(poison) => {
                this.last_words = Some(poison.then.last_words());
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut this.inner).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

fn somebody_writes(world: &mut World) {
    let n = world.rows("SELECT 1 FROM ticket").len() + world.server.mails(DESK, "INBOX").len();
    world.writes(
        &format!("c{n}@client.example"),
        &format!("Asunto {n}"),
        &format!("La impresora {n} no imprime."),
    );
}

fn inbox(world: &World) -> Vec<u32> {
    world.server.mails(DESK, "INBOX").iter().map(|mail| mail.uid).collect()
}

#[tokio::test]
async fn a_mail_that_the_server_cannot_give_or_move_keeps_no_other_waiting() {
    for (command, then) in [
        (("UID FETCH ", "BODY.PEEK[])"), Then::Ends),
        (("UID FETCH ", "RFC822.SIZE)"), Then::Ends),
        (("UID FETCH ", "BODY.PEEK[])"), Then::Swells),
        (("UID FETCH ", "BODY.PEEK[])"), Then::Refuses),
        (("UID FETCH ", "RFC822.SIZE)"), Then::Refuses),
        (("UID MOVE ", ""), Then::Ends),
        (("UID MOVE ", ""), Then::Refuses),
    ] {
        let what = format!("{command:?} {then:?}");
        let (_never, go_on) = watch::channel(false);
        let mut world = World::start_with("", "", "\n[limits]\nbatch_max = 4\n").await;
        let server = Server(Arc::new(Mutex::new(Some(Poison { uid: 3, command, then }))));
        let mut intake = Intake::new(world.shared.clone(), "soporte", Arc::new(server.clone()));
        (0..7).for_each(|_| somebody_writes(&mut world));
        // Over a connection each, as the loop does; it takes a few to see which mail it is.
        for _ in 0..5 {
            let _ = intake.step(&go_on).await;
        }
        let is_given = command.0 == "UID MOVE ";
        let filed = |world: &World| world.rows("SELECT uid FROM mail ORDER BY uid").len();
        assert_eq!(filed(&world), if is_given { 7 } else { 6 }, "{what}");
        // Now that it is known, new mail is taken at once.
        somebody_writes(&mut world);
        let _ = intake.step(&go_on).await;
        assert_eq!(filed(&world), if is_given { 8 } else { 7 }, "{what}");
        let moved_to_the_last = (command.0, then) != ("UID MOVE ", Then::Ends);
        assert!(!moved_to_the_last || inbox(&world) == [3], "{what}: {:?}", inbox(&world));
        world.verify();
        *server.0.lock().unwrap() = None;
        intake.step(&go_on).await.unwrap();
        intake.step(&go_on).await.unwrap();
        assert_eq!(inbox(&world), [] as [u32; 0], "{what}");
        assert_eq!(world.tickets().len(), 8, "{what}");
        assert_eq!(world.rows("SELECT 1 FROM mail WHERE settled_at IS NULL"), [] as [String; 0], "{what}");
        world.endures().await;
        assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
        world.verify();
    }
}

/// A backlog over a line that ends again and again: as long as it goes on, the next connection is not put off longer each
/// time. (It would be for half a minute in all here, and for five minutes each time soon.)
#[tokio::test]
async fn a_line_that_ends_every_few_mails_is_tried_again_soon() {
    let mut world = World::start_with("", "", "\n[limits]\nbatch_max = 1\n").await;
    // Two questions a mail: its size, and the mail.
    for nth in [4, 8, 12, 16, 20] {
        world.server.imap_fault(When::nth("FETCH", nth), ImapFault::Drop);
    }
    (0..9).for_each(|_| somebody_writes(&mut world));
    let (stop, go_on) = watch::channel(false);
    let intake = Intake::new(world.shared.clone(), "soporte", Arc::new(TcpDial));
    let running = tokio::spawn(intake.run(go_on));
    let is_empty = |server: &MailServer| server.mails(DESK, "INBOX").is_empty();
    assert!(world.server.wait_for(is_empty, SOON).await);
    stop.send_replace(true);
    running.await.unwrap();
    let opened = world.server.commands().iter().filter(|command| *command == "IMAP SELECT").count();
    assert_eq!((world.tickets().len(), opened), (9, 6));
    world.verify();
}

/// A folder for what is done that cannot be made, an account that may only read: word of it reaches the admin, and what
/// people write goes on being filed, a backlog too.
#[tokio::test]
async fn a_server_that_refuses_to_be_told_keeps_no_mail_from_being_filed() {
    let mut world = World::start().await;
    for command in ["MOVE", "COPY", "STORE"] {
        world.server.imap_fault(When::always(command), ImapFault::No("[OVERQUOTA] no room".into()));
    }
    let mut count = 450;
    for n in 0..count {
        world.server.deliver(DESK, format!("From: <r{n}@client.example>\r\nTo: <{DESK}>\r\nAuto-Submitted: auto-generated\r\nMessage-ID: <{n}@client.example>\r\nSubject: Informe {n}\r\n\r\nTodo bien {n}.\r\n"));
    }
    for _ in 0..3 {
        let error = world.takes().await.unwrap_err().to_string();
        assert!(error.contains("no room"), "{error}");
        assert_eq!(world.rows("SELECT 1 FROM mail").len(), count);
        assert_eq!(inbox(&world).len(), count, "nothing was moved");
        somebody_writes(&mut world);
        count += 1;
    }
    world.verify();
}
