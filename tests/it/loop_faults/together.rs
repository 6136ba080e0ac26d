//! Writes that fail while others share their transaction: a claim that was never committed, a job that panics.

use crate::world::{MARIA, World};
use futures::future::BoxFuture;
use postdesk::loops::outbox::Outbox;
use postdesk::net::{BoxStream, Dial, Dialled, TcpDial};
use postdesk::store::{Connection, StoreError};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A line over which the answer to the end of a mail is kept back until the gate opens: whether it is open, and who waits.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    fn opens(&self) {
        let mut gate = self.0.lock().unwrap();
        gate.0 = true;
        gate.1.take().unwrap().wake();
    }
}

impl Dial for Gate {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(async move {
            let dialled = TcpDial.dial(host, port).await?;
            let stream = Box::new(Gated { inner: dialled.stream, gate: self.clone(), dot_left: false });
            Ok(Dialled { stream, loopback: dialled.loopback })
        })
    }
}

struct Gated {
    inner: BoxStream,
    gate: Gate,
    dot_left: bool,
}

impl AsyncRead for Gated {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut gate = this.gate.0.lock().unwrap();
        if this.dot_left && !gate.0 {
            gate.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut this.inner).poll_read(cx, out)
    }
}

impl AsyncWrite for Gated {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.dot_left = bytes.ends_with(b"\r\n.\r\n");
        Pin::new(&mut this.inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// A disk that is full when a claim is committed leaves word of a claim that never was. Another worker claims the row, as
/// the same attempt, and has it with the relay when the word is seen to: the row is that worker's alone.
#[tokio::test]
async fn a_claim_that_was_not_committed_takes_no_mail_from_the_worker_that_has_it_now() {
    let mut world = World::start().await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer, por favor.");
    world.takes().await.unwrap();
    let store = world.shared.store.clone();
    let gate = Gate::default();
    let mut first = Outbox::new(world.shared.clone(), Arc::new(TcpDial));
    let mut second = Outbox::new(world.shared.clone(), Arc::new(gate.clone()));
    let (_never, go_on) = tokio::sync::watch::channel(false);
    // The writer waits until the first worker's claim stands behind it, and then a write at which the disk is full.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let blocking = store.submit(move |_| Ok(wait.recv().is_ok()));
    let mut claiming = Box::pin(first.step(&go_on));
    assert!(futures::poll!(&mut claiming).is_pending());
    let full = store.submit(|_| Err::<(), _>(StoreError::Commit("the disk is full".to_owned())));
    // The second worker's claim comes behind that; at the end of its mail the relay's word takes its time.
    let mut sending = Box::pin(second.step(&go_on));
    assert!(futures::poll!(&mut sending).is_pending());
    go.send(()).unwrap();
    assert!(claiming.await.is_err());
    let _ = (blocking.await, full.await);
    let seen_to = async {
        while gate.0.lock().unwrap().1.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The first worker sees to what was left behind, and sends the rest.
        first.step(&go_on).await.unwrap();
        assert_eq!(world.shared.fallen.all(), [], "it was seen to");
        gate.opens();
    };
    let (sent, ()) = tokio::join!(sending, seen_to);
    sent.unwrap();
    let (rows, all) = (world.accepted(), world.rows("SELECT DISTINCT state FROM outbox"));
    assert!(rows.len() >= 3 && rows.iter().all(|(_, times)| *times == 1), "{rows:?}");
    assert_eq!(all, ["sent"], "{rows:?}");
    world.verify();
}

/// A fault in Postdesk itself, in the midst of a write: nothing of it stays, and it takes nothing of those that share the
/// transaction.
#[tokio::test]
async fn a_write_that_panics_leaves_no_trace_and_takes_nothing_of_the_others() {
    let mut world = World::start().await;
    let store = world.shared.store.clone();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let blocking = store.submit(move |_| Ok(wait.recv().is_ok()));
    let key = |name: &'static str| {
        move |db: &Connection| {
            Ok(db.execute("INSERT INTO paused VALUES (?1, 1, 'test')", [name]).map(|_| ())?)
        }
    };
    let before = store.submit(key("before@x.example"));
    let falls = store.submit(move |db| -> Result<(), StoreError> {
        key("in@x.example")(db)?;
        panic!("a fault on purpose")
    });
    let behind = store.submit(key("behind@x.example"));
    go.send(()).unwrap();
    assert!(blocking.await.unwrap().unwrap());
    let said = falls.await.unwrap().unwrap_err().to_string();
    assert!(said.contains("a fault on purpose"), "{said}");
    before.await.unwrap().unwrap();
    behind.await.unwrap().unwrap();
    let kept = world.rows("SELECT address FROM paused ORDER BY 1");
    assert_eq!(kept, ["before@x.example", "behind@x.example"]);
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer, por favor.");
    world.work().await;
    assert_eq!(world.tickets().len(), 1, "the writer goes on");
    world.verify();
}
