//! What the machine and the servers could do at best, measured with the desk's own client code: only fetch, only
//! commit, only submit.

use postdesk::clock::{Clock, Dice};
use postdesk::config::{After, Config, Server};
use postdesk::imap::Session;
use postdesk::loops::{Shared, filing};
use postdesk::net::TcpDial;
use postdesk::smtp::{Connection, Outcome};
use postdesk::store::commit::Origin;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Opens the folder and asks for sizes, so that the server has its index.
pub async fn warm(server: &Server) {
    let mut session = Session::open(server, &TcpDial).await.unwrap();
    session.select("INBOX").await.unwrap();
    let uids = session.uids(1).await.unwrap();
    session.sizes(&uids).await.unwrap();
    session.logout().await;
}

/// Fetches every mail of the folder in batches, and drops it.
pub async fn fetch(server: &Server, batch: usize, count: usize) -> Duration {
    let start = Instant::now();
    let mut session = Session::open(server, &TcpDial).await.unwrap();
    session.select("INBOX").await.unwrap();
    let uids = session.uids(1).await.unwrap();
    let (sink, mut source) = mpsc::channel(1);
    let drain = tokio::spawn(async move {
        let mut seen = 0;
        while source.recv().await.is_some() {
            seen += 1;
        }
        seen
    });
    for batch in uids.chunks(batch) {
        session.fetch(batch, 1 << 30, &sink).await.unwrap();
    }
    drop(sink);
    assert_eq!(drain.await.unwrap(), count);
    let took = start.elapsed();
    session.logout().await;
    took
}

/// As [`fetch`], and moves the mails on the server as the daemon does: what the server alone takes for the whole task.
pub async fn fetch_and_move(server: &Server, batch: usize, count: usize) -> Duration {
    let start = Instant::now();
    let mut session = Session::open(server, &TcpDial).await.unwrap();
    session.select("INBOX").await.unwrap();
    let uids = session.uids(1).await.unwrap();
    assert_eq!(uids.len(), count);
    let (sink, mut source) = mpsc::channel(1);
    let drain = tokio::spawn(async move { while source.recv().await.is_some() {} });
    for together in uids.chunks((count / 8).clamp(400, 2000)) {
        for batch in together.chunks(batch) {
            session.fetch(batch, 1 << 30, &sink).await.unwrap();
        }
        session.settle(together, &After::Move("Postdesk".to_owned())).await.unwrap();
    }
    drop(sink);
    drain.await.unwrap();
    let took = start.elapsed();
    session.logout().await;
    took
}

/// Opens the store at `path` as the daemon does.
pub fn store(config: Config, path: &Path) -> (Shared, impl Sized + use<>) {
    let settings = postdesk::daemon::settings(config).unwrap_or_else(|f| panic!("{f:?}"));
    let (keep, in_force) = watch::channel(Arc::new(settings));
    (Shared::open(path, in_force, Clock::real(), Dice::real()).unwrap(), keep)
}

/// Files mails that lie in memory: read and packed first (the first time), then decided, composed and committed (the
/// second). `uids` is where their UIDs begin.
pub async fn commit(shared: &Shared, mails: Vec<Vec<u8>>, uids: u32) -> Filed {
    let start = Instant::now();
    let origin = |n: usize| Origin {
        mailbox: "soporte".into(),
        uidvalidity: 77,
        uid: uids + u32::try_from(n).unwrap(),
        queue: "soporte".into(),
    };
    let read: Vec<_> =
        mails.into_iter().enumerate().map(|(n, raw)| filing::receive(origin(n), None, raw)).collect();
    let reading = start.elapsed();
    let (start, before) = (Instant::now(), cpu());
    let filed: Vec<_> = read.into_iter().map(|delivery| shared.file(delivery)).collect();
    for outcome in filed {
        outcome.await.unwrap();
    }
    Filed { reading, committing: start.elapsed(), committing_cpu: cpu().saturating_sub(before) }
}

/// What filing took.
pub struct Filed {
    /// Reading and packing.
    pub reading: Duration,
    /// Deciding, composing and committing.
    pub committing: Duration,
    /// Of that, processor time: it wanders less where others use the machine too.
    pub committing_cpu: Duration,
}

/// Processor time of this process's threads so far. Threads that have ended are not counted: none may end in between.
pub fn cpu() -> Duration {
    std::fs::read_dir("/proc/self/task").unwrap().map(|task| running_time(&task.unwrap().path())).sum()
}

fn running_time(task: &Path) -> Duration {
    let text = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Submits mails over `connections` kept connections and does nothing else.
pub async fn submit(config: &Config, mails: Vec<(String, String, Vec<u8>)>, connections: usize) -> Duration {
    let (mails, next) = (Arc::new(mails), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (mails, next) = (Arc::clone(&mails), Arc::clone(&next));
            let (server, domain) = (config.smtp.server.clone(), config.desk.domain.clone());
            tokio::spawn(async move {
                let mut connection = Connection::open(&server, &domain, &TcpDial).await.unwrap();
                while let Some((from, to, bytes)) = mails.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let from = (!from.is_empty()).then_some(from.as_str());
                    let outcome = connection.submit(from, to, bytes).await;
                    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    start.elapsed()
}
