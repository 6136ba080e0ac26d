//! A mail server in this process, on loopback: IMAP and SMTP over the same accounts, for the demo, for tests, and for
//! everything that a real server does on its bad days (`faults`). Kept in memory, gone with its last handle.
//!
//! Other clients can use it: it speaks enough of IMAP4rev1 for a mail reader. It is no server for service: it has no
//! bounds on what an account may hold.

mod faults;
mod imap;
mod options;
mod smtp;
mod store;
mod wire;

pub use faults::{Hook, ImapFault, SmtpFault, When};
pub use options::{ServerOptions, Without};
pub use store::{Stored, Submitted};

use crate::config::Tls;
use crate::net::{BoxStream, Dial, Dialled};
use faults::Faults;
use futures::future::BoxFuture;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

type EdgeHook = (u64, Arc<dyn Fn(&str) + Send + Sync>);

/// What all connections share.
struct Shared {
    options: ServerOptions,
    store: Mutex<Store>,
    imap_faults: Mutex<Faults<ImapFault>>,
    smtp_faults: Mutex<Faults<SmtpFault>>,
    /// Every command of either protocol, in order: `IMAP SELECT`, `SMTP MAIL`.
    commands: Mutex<Vec<String>>,
    edges: Mutex<(u64, Option<EdgeHook>)>,
    /// Counts changes of the store.
    changed: watch::Sender<u64>,
    /// Counts the times that all connections were cut.
    cut: watch::Sender<u64>,
    refusing: AtomicBool,
}

/// The tasks that listen; they end with the last handle.
struct Listening {
    imap_port: u16,
    smtp_port: u16,
    _tasks: JoinSet<()>,
}

/// A handle on the server; clones are the same server.
#[derive(Clone)]
pub struct MailServer {
    shared: Arc<Shared>,
    /// `None` in the handle that connections hold, so that they do not keep the server alive.
    listening: Option<Arc<Listening>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Imap,
    Smtp,
}

impl MailServer {
    /// Starts listening on 127.0.0.1.
    pub async fn start(options: ServerOptions) -> io::Result<Self> {
        let imap = TcpListener::bind((Ipv4Addr::LOCALHOST, options.imap_port)).await?;
        let smtp = TcpListener::bind((Ipv4Addr::LOCALHOST, options.smtp_port)).await?;
        let (imap_port, smtp_port) = (imap.local_addr()?.port(), smtp.local_addr()?.port());
        let server = Self::offline(options);
        let mut tasks = JoinSet::new();
        tasks.spawn(server.clone().listen(imap, Protocol::Imap));
        tasks.spawn(server.clone().listen(smtp, Protocol::Smtp));
        let listening = Arc::new(Listening { imap_port, smtp_port, _tasks: tasks });
        Ok(Self { listening: Some(listening), ..server })
    }

    /// A server without ports: connections are handed to it, or opened by [`MailServer::dialer`].
    pub fn offline(options: ServerOptions) -> Self {
        let shared = Shared {
            options,
            store: Mutex::default(),
            imap_faults: Mutex::default(),
            smtp_faults: Mutex::default(),
            commands: Mutex::default(),
            edges: Mutex::new((0, None)),
            changed: watch::Sender::new(0),
            cut: watch::Sender::new(0),
            refusing: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), listening: None }
    }

    async fn listen(self, listener: TcpListener, protocol: Protocol) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            // Without it each answer waits for a delayed acknowledgement.
            let _ = TcpStream::set_nodelay(&stream, true);
            connections.spawn(self.clone().serve(Box::new(stream), protocol));
        }
    }

    async fn serve(self, stream: BoxStream, protocol: Protocol) {
        if self.shared.refusing.load(Ordering::SeqCst) {
            return;
        }
        let mut cut = self.shared.cut.subscribe();
        let session = async {
            // A connection that ends is a connection's normal end.
            let _ = match protocol {
                Protocol::Imap => imap::serve(self.clone(), stream).await,
                Protocol::Smtp => smtp::serve(self.clone(), stream).await,
            };
        };
        tokio::select! {
            () = session => {}
            _ = cut.changed() => {}
        }
    }

    /// Serves IMAP on a connection that is open already.
    pub async fn serve_imap(&self, stream: BoxStream) {
        self.clone().serve(stream, Protocol::Imap).await;
    }

    /// Serves SMTP on a connection that is open already.
    pub async fn serve_smtp(&self, stream: BoxStream) {
        self.clone().serve(stream, Protocol::Smtp).await;
    }

    /// Opens connections to this server in memory: port 25, 465 and 587 are SMTP, any other IMAP.
    pub fn dialer(&self) -> MemoryDial {
        MemoryDial(self.clone())
    }

    /// IMAP's port; 0 for a server without ports.
    pub fn imap_port(&self) -> u16 {
        self.listening.as_ref().map_or(0, |listening| listening.imap_port)
    }

    /// SMTP's port; 0 for a server without ports.
    pub fn smtp_port(&self) -> u16 {
        self.listening.as_ref().map_or(0, |listening| listening.smtp_port)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.shared.store)
    }

    /// Changes the store and tells everybody who waits.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let result = change(&mut self.store());
        self.shared.changed.send_modify(|count| *count = count.wrapping_add(1));
        result
    }

    /// Makes an account, or changes its password.
    pub fn add_account(&self, address: &str, password: &str) {
        self.change(|store| store.add_account(address, password));
    }

    /// Puts a mail into the inbox of `address` as it is. Its UID; 0 if there is no such account.
    pub fn deliver(&self, address: &str, raw: impl AsRef<[u8]>) -> u32 {
        self.deliver_to(address, "INBOX", raw)
    }

    /// Puts a mail into `folder` of `address`, which is made if missing. Its UID; 0 if there is no such account.
    pub fn deliver_to(&self, address: &str, folder: &str, raw: impl AsRef<[u8]>) -> u32 {
        let arrived = self.shared.options.clock.now().0;
        self.change(|store| {
            let Some(account) = store.account_of(address) else { return 0 };
            let fresh = store.new_folder();
            let Some(account) = store.accounts.get_mut(&account) else { return 0 };
            let folder = account.folders.entry(folder.to_owned()).or_insert(fresh);
            folder.add(Arc::from(raw.as_ref()), Default::default(), arrived)
        })
    }

    /// The mails in a folder; none if it is not there.
    pub fn mails(&self, address: &str, folder: &str) -> Vec<Stored> {
        self.store().folder(address, folder).map(|folder| folder.mails.clone()).unwrap_or_default()
    }

    /// The names of an account's folders, as they are on the wire.
    pub fn folders(&self, address: &str) -> Vec<String> {
        let store = self.store();
        store
            .accounts
            .get(address)
            .map(|account| account.folders.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The UIDVALIDITY of a folder.
    pub fn uidvalidity(&self, address: &str, folder: &str) -> Option<u32> {
        self.store().folder(address, folder).map(|folder| folder.uidvalidity)
    }

    /// Renumbers a folder, as after a restored backup: a new UIDVALIDITY, UIDs from 1.
    pub fn set_uidvalidity(&self, address: &str, folder: &str, uidvalidity: u32) {
        self.change(|store| {
            if let Some(folder) = store.folder_mut(address, folder) {
                folder.uidvalidity = uidvalidity;
                folder.uidnext = 1;
                for mail in &mut folder.mails {
                    mail.uid = folder.uidnext;
                    folder.uidnext = folder.uidnext.saturating_add(1);
                }
            }
        });
    }

    /// Removes a folder with all that is in it; made again, it has another UIDVALIDITY.
    pub fn delete_folder(&self, address: &str, folder: &str) {
        self.change(|store| {
            store.accounts.get_mut(address).and_then(|account| account.folders.remove(folder))
        });
    }

    /// Makes an empty folder, new even if it was there.
    pub fn create_folder(&self, address: &str, folder: &str) {
        self.change(|store| {
            let fresh = store.new_folder();
            if let Some(account) = store.accounts.get_mut(address) {
                account.folders.insert(folder.to_owned(), fresh);
            }
        });
    }

    /// Moves mails as another client would. Their new UIDs.
    pub fn move_mails(&self, address: &str, from: &str, to: &str, uids: &[u32]) -> Vec<u32> {
        self.change(|store| {
            let fresh = store.new_folder();
            let Some(account) = store.accounts.get_mut(address) else { return Vec::new() };
            let Some(source) = account.folders.get_mut(from) else { return Vec::new() };
            let (moved, kept) = source.mails.drain(..).partition(|mail| uids.contains(&mail.uid));
            source.mails = kept;
            let moved: Vec<Stored> = moved;
            let target = account.folders.entry(to.to_owned()).or_insert(fresh);
            moved.into_iter().map(|mail| target.add(mail.raw, mail.flags, mail.arrived)).collect()
        })
    }

    /// Sets or clears a flag as another client would.
    pub fn set_flag(&self, address: &str, folder: &str, uid: u32, flag: &str, on: bool) {
        self.change(|store| {
            if let Some(mail) = store.folder_mut(address, folder).and_then(|folder| folder.get_mut(uid)) {
                if on {
                    mail.flags.insert(flag.to_owned())
                } else {
                    mail.flags.remove(flag)
                };
            }
        });
    }

    /// All mail that SMTP took over, in order, one entry for each recipient.
    pub fn submitted(&self) -> Vec<Submitted> {
        self.store().submitted.clone()
    }

    /// Every command so far, as `IMAP SELECT`.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.shared.commands).clone()
    }

    /// Arms a fault of IMAP.
    pub fn imap_fault(&self, when: When, fault: ImapFault) {
        lock(&self.shared.imap_faults).arm(when, fault);
    }

    /// Arms a fault of SMTP.
    pub fn smtp_fault(&self, when: When, fault: SmtpFault) {
        lock(&self.shared.smtp_faults).arm(when, fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.imap_faults).clear();
        lock(&self.shared.smtp_faults).clear();
    }

    /// Calls `hook` with the edge's name at the `n`-th edge from the start. Each command has two: `IMAP MOVE >` when
    /// it has arrived, `IMAP MOVE <` when the deed is done and not yet answered.
    pub fn on_command(&self, n: u64, hook: impl Fn(&str) + Send + Sync + 'static) {
        lock(&self.shared.edges).1 = Some((n, Arc::new(hook)));
    }

    /// How many edges were passed.
    pub fn edges(&self) -> u64 {
        lock(&self.shared.edges).0
    }

    fn edge(&self, name: &str) {
        let hook = {
            let mut edges = lock(&self.shared.edges);
            edges.0 = edges.0.saturating_add(1);
            let count = edges.0;
            edges.1.as_ref().filter(|(n, _)| *n == count).map(|(_, hook)| Arc::clone(hook))
        };
        // Outside the lock: the hook may ask the server.
        if let Some(hook) = hook {
            hook(name);
        }
    }

    fn note_command(&self, protocol: &str, name: &str) {
        lock(&self.shared.commands).push(format!("{protocol} {name}"));
        self.edge(&format!("{protocol} {name} >"));
        self.shared.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Ends every connection without a word, as a power failure would.
    pub fn drop_connections(&self) {
        self.shared.cut.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// From now on new connections are closed at once (`true`), or served again.
    pub fn refuse_connections(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::SeqCst);
    }

    /// Waits until `wanted` holds, looking again after each change and each command. Whether it came to hold in time.
    pub async fn wait_for(&self, wanted: impl Fn(&Self) -> bool, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if wanted(self) {
                return true;
            }
            if !matches!(timeout_at(until, changed.changed()).await, Ok(Ok(()))) {
                return wanted(self);
            }
        }
    }
}

/// Opens connections in memory, without a socket.
#[derive(Clone)]
pub struct MemoryDial(MailServer);

impl Dial for MemoryDial {
    fn dial<'a>(&'a self, _host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(async move {
            if self.0.shared.refusing.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let protocol = if matches!(port, 25 | 465 | 587) { Protocol::Smtp } else { Protocol::Imap };
            let server = MailServer { shared: Arc::clone(&self.0.shared), listening: None };
            tokio::spawn(server.serve(Box::new(theirs), protocol));
            Ok(Dialled { stream: Box::new(ours), loopback: true })
        })
    }
}
