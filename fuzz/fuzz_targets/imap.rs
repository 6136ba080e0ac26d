//! A server that says anything at all, to a client that opens, searches, fetches, moves and idles.
#![no_main]

use futures::future::BoxFuture;
use libfuzzer_sys::fuzz_target;
use postdesk::config::secret::SecretSource;
use postdesk::config::{After, Server, Tls};
use postdesk::imap::{ImapError, Session, Waits};
use postdesk::net::{Dial, Dialled};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// Mails larger than this are refused.
const MAIL_MAX: u64 = 4096;

const WAIT: Duration = Duration::from_millis(20);

/// All that the server will ever say; the client's tags are P1, P2 and so on.
struct Said(Vec<u8>);

impl Dial for Said {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(async move {
            let (ours, mut theirs) = tokio::io::duplex(self.0.len() + 64 * 1024);
            theirs.write_all(&self.0).await?;
            theirs.shutdown().await?;
            // Kept open for the client's writes until it has read the end.
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut theirs, &mut tokio::io::sink()).await;
            });
            Ok(Dialled { stream: Box::new(ours), loopback: true })
        })
    }
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("postdesk-fuzz-{}", std::process::id()));
    std::fs::write(&path, "secret\n").expect("a password file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a private file");
    Server {
        host: "fuzz.invalid".to_owned(),
        port: 143,
        tls: Tls::None,
        ca_file: None,
        user: Some("desk".to_owned()),
        secret: Some(SecretSource::File(path)),
        oauth: false,
    }
});

async fn talk(said: &[u8]) -> Result<(), ImapError> {
    let waits = Waits { greeting: WAIT, handshake: WAIT, command: WAIT, mail: WAIT, stall: WAIT, idle: WAIT };
    let mut session = Session::open_with(&SERVER, &Said(said.to_vec()), waits).await?;
    session.select("INBOX").await?;
    let uids = session.uids(1).await?;
    let sizes = session.sizes(&uids).await?;
    assert!(sizes.iter().all(|(uid, _)| uids.contains(uid)), "only what was asked for");
    let wanted: Vec<u32> = sizes.iter().filter(|(_, size)| *size <= MAIL_MAX).map(|(uid, _)| *uid).collect();
    let (sink, mut source) = mpsc::channel(1);
    let fetch = async {
        let result = session.fetch(&wanted, MAIL_MAX, &sink).await;
        drop(sink);
        result
    };
    let receive = async {
        let mut seen = Vec::new();
        while let Some((uid, bytes)) = source.recv().await {
            assert!(wanted.contains(&uid) && !seen.contains(&uid), "each mail once, and only when asked for");
            assert!(bytes.len() as u64 <= MAIL_MAX, "the bound of a mail holds");
            seen.push(uid);
        }
    };
    let (gone, ()) = tokio::join!(fetch, receive);
    gone?;
    session.settle(&wanted, &After::Move("Done".to_owned())).await?;
    session.noop().await?;
    let _ = session.idle(WAIT).await?;
    Ok(())
}

fuzz_target!(|said: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _ = runtime.block_on(talk(said));
});
