//! Real servers on loopback: a private Dovecot and Postfix per test, on ports and in a folder of their own.
//!
//! They need root and the packages that `make test` installs; without them a test fails and says so, for a skipped
//! test would look like a passed one. A guard process stops the servers and removes the folder when the test's
//! [`RealServers`] is dropped, and just the same when the test is killed.

mod certs;
mod checks;
mod dovecot;
mod neomutt;
mod postfix;
mod tests;

pub use certs::Certs;
pub use checks::{AUTHSERV_ID, Checks, HONEST_ADDRESS, STRANGERS_ADDRESS};
pub use dovecot::Dovecot;
pub use neomutt::Neomutt;
pub use postfix::Postfix;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Everybody's password.
pub const PASSWORD: &str = "secret";

/// How long anything may take to happen before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Dovecot and a Postfix that delivers into it. Mail to `ANYBODY@desk.example`, `@example.org` and `@example.net`
/// arrives in the mailbox of the user `ANYBODY@DOMAIN`, whatever stands behind a `+`.
pub struct RealServers {
    folder: PathBuf,
    certs: Certs,
    /// IMAP.
    pub dovecot: Dovecot,
    /// SMTP.
    pub postfix: Postfix,
    checks: Option<Checks>,
    guard: Child,
}

impl RealServers {
    /// Starts both and waits until they greet.
    pub fn start() -> Self {
        Self::start_with(false, false)
    }

    /// As [`Self::start`], with OpenDKIM and OpenDMARC before Postfix: mail from the world gets real
    /// `Authentication-Results`, and [`Self::checks`] are the servers that others send from.
    pub fn start_with_checks() -> Self {
        Self::start_with(false, true)
    }

    /// As [`Self::start`], with a certificate that expired in 2020.
    pub fn start_expired() -> Self {
        Self::start_with(true, false)
    }

    fn start_with(expired: bool, checked: bool) -> Self {
        needs(&["dovecot", "postfix", "openssl"]);
        let folder = tempfile::Builder::new().prefix("postdesk-real-").tempdir_in("/tmp").unwrap().keep();
        // The servers' own users must come through.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let guard = guard(&folder);
        let certs = Certs::make(&folder.join("certs"), expired);
        let dovecot = Dovecot::start(&folder.join("dovecot"), &folder.join("mail"), &certs);
        let checks = checked.then(|| {
            needs(&["opendkim", "opendmarc", "unbound"]);
            Checks::start(&folder.join("checks"))
        });
        let postfix = Postfix::start(&folder.join("postfix"), &certs, &dovecot, checks.as_ref());
        Self { folder, certs, dovecot, postfix, checks, guard }
    }

    /// IMAP with a plain greeting and STARTTLS.
    pub fn imap_port(&self) -> u16 {
        self.dovecot.imap_port
    }

    /// IMAP with TLS from the first byte.
    pub fn imaps_port(&self) -> u16 {
        self.dovecot.imaps_port
    }

    /// Submission with STARTTLS and login.
    pub fn submission_port(&self) -> u16 {
        self.postfix.submission_port
    }

    /// Submission with TLS from the first byte and login.
    pub fn submissions_port(&self) -> u16 {
        self.postfix.submissions_port
    }

    /// Mail from the world, without login.
    pub fn smtp_port(&self) -> u16 {
        self.postfix.smtp_port
    }

    /// The servers of other people, where the test was started with them.
    pub fn checks(&self) -> &Checks {
        self.checks.as_ref().expect("started with checks")
    }

    /// The authority that signed both servers' certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.certs.ca()
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Hands `mail` to Postfix as a server in the world would: the bytes as they are, but for line ends and dots.
    pub fn send_raw(&self, from: &str, to: &str, mail: &[u8]) {
        self.smtp_session(self.smtp_port()).send(from, to, mail);
    }

    /// As [`Self::send_raw`] to the server on `port`, which is told by XCLIENT that the mail comes from `address`. That
    /// needs [`Self::start_with_checks`].
    pub fn send_raw_from(&self, port: u16, address: &str, (from, to): (&str, &str), mail: &[u8]) {
        let mut smtp = self.smtp_session(port);
        smtp.expect(Some(&format!("XCLIENT ADDR={address}")), "220");
        smtp.expect(Some("EHLO world.example"), "250");
        smtp.send(from, to, mail);
    }

    fn smtp_session(&self, port: u16) -> Smtp {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut smtp = Smtp(BufReader::new(stream));
        smtp.expect(None, "220");
        smtp.expect(Some("EHLO world.example"), "250");
        smtp
    }
    /// The maildir of `user`.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.folder.join("mail").join(user)
    }

    /// The mails in the inbox of `user`, oldest first.
    pub fn read_mails(&self, user: &str) -> Vec<Vec<u8>> {
        read_maildir(&self.maildir(user))
    }

    /// The mails in a folder of `user`, oldest first.
    pub fn read_folder(&self, user: &str, folder: &str) -> Vec<Vec<u8>> {
        read_maildir(&self.maildir(user).join(format!(".{folder}")))
    }

    /// Waits until the inbox of `user` holds `count` mails, and gives them; shows Postfix's log when it takes too long.
    pub fn wait_for_mails(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        let what = || format!("{count} mails for {user}; Postfix's log:\n{}", read_log(&self.postfix.log()));
        wait_long(what, || Some(self.read_mails(user)).filter(|mails| mails.len() >= count))
    }
}

impl Drop for RealServers {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A process that waits for the end of its input, which comes when the test lets go or dies, and then clears away.
/// It must outlive an interrupt from the keyboard, which reaches every process of the terminal.
fn guard(folder: &Path) -> Child {
    let script = "trap '' INT TERM HUP; cat >/dev/null
        pids=$(cat postfix/spool/pid/master.pid dovecot/run/master.pid checks/*.pid)
        kill $pids
        n=0
        for pid in $pids; do
            # A process that ended but was not waited for has no command line left.
            while grep -q . /proc/$pid/cmdline && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done
        done
        folder=$PWD; cd /; rm -rf \"$folder\"";
    Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn needs(programs: &[&str]) {
    let id = Command::new("id").arg("-u").output().unwrap();
    assert_eq!(id.stdout, b"0\n", "real servers need root: run the tests as root, or in a container");
    for program in programs {
        let look = format!("PATH=$PATH:/usr/sbin; command -v {program}");
        let found = Command::new("sh").args(["-c", &look]).output().unwrap();
        assert!(found.status.success(), "{program} is missing: scripts/install-test-packages.sh installs it");
    }
}

struct Smtp(BufReader<TcpStream>);

impl Smtp {
    fn send(mut self, from: &str, to: &str, mail: &[u8]) {
        self.expect(Some(&format!("MAIL FROM:<{from}>")), "250");
        self.expect(Some(&format!("RCPT TO:<{to}>")), "250");
        self.expect(Some("DATA"), "354");
        for line in mail.strip_suffix(b"\n").unwrap_or(mail).split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let dot: &[u8] = if line.starts_with(b".") { b"." } else { b"" };
            self.0.get_mut().write_all(&[dot, line, b"\r\n"].concat()).unwrap();
        }
        self.expect(Some("."), "250");
        self.expect(Some("QUIT"), "221");
    }

    /// Sends `line`, if any, and reads the reply to its last line, which must begin with `code`.
    fn expect(&mut self, line: Option<&str>, code: &str) {
        if let Some(line) = line {
            self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        }
        let mut reply = String::new();
        loop {
            reply.clear();
            self.0.read_line(&mut reply).unwrap();
            if reply.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        assert!(reply.starts_with(code), "{line:?} was answered {reply:?}");
    }
}

/// Second and microsecond in a maildir's file name, `1795192228.M98234P1.host`, and the name. The microseconds have no
/// leading zeros.
fn delivered_at(path: &Path) -> (u64, u64, String) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (second, rest) = name.split_once(".M").unwrap_or((&name, ""));
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    (second.parse().unwrap_or_default(), digits.parse().unwrap_or_default(), name.clone())
}

fn read_maildir(maildir: &Path) -> Vec<Vec<u8>> {
    let files = |sub: &str| std::fs::read_dir(maildir.join(sub)).into_iter().flatten();
    let mut paths: Vec<PathBuf> =
        files("cur").chain(files("new")).map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| delivered_at(path));
    // A file may be renamed (new to cur, a flag) between listing and reading.
    paths.into_iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// A port of 127.0.0.1 that nobody listens on and that no test of this process was given: below the range from which
/// the kernel takes ports for outgoing connections.
pub fn free_port() -> u16 {
    static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut taken = TAKEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let taken = taken.get_or_insert_default();
    loop {
        let port = 10_000 + u16::try_from(RandomState::new().hash_one(0) % 20_000).unwrap();
        if !taken.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.insert(port);
            return port;
        }
    }
}

/// Runs a command to its end; it must succeed.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// Runs a command that leaves a daemon behind. The daemon keeps the output open, so a pipe would never end: it goes
/// to `log`.
fn run_daemon(command: &mut Command, log: &Path) {
    let file = std::fs::File::options().create(true).append(true).open(log).unwrap();
    let status =
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
    assert!(status.success(), "{command:?}: {status}\n{}", read_log(log));
}

/// What a server logged, for the reader of a failed test.
fn read_log(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_else(|error| format!("{}: {error}", log.display()))
}

/// Waits until `look` finds something, looking often; fails with `what` when it takes too long.
pub fn wait_until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_long(|| what.to_owned(), look)
}

/// As [`wait_until`], where `what` is put together only when it is needed.
fn wait_long<T>(what: impl Fn() -> String, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {}", what());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a server on `port` greets with `greeting`; shows its `log` when it does not.
fn wait_for_greeting(port: u16, greeting: &str, log: &Path) {
    let start = Instant::now();
    loop {
        let line = TcpStream::connect(("127.0.0.1", port)).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).map(|_| line)
        });
        if line.as_ref().is_ok_and(|line| line.starts_with(greeting)) {
            return;
        }
        if start.elapsed() > PATIENCE {
            panic!("no greeting on {port} ({line:?}):\n{}", read_log(log));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn wait_until_refused(port: u16) {
    wait_until(&format!("port {port} to close"), || TcpStream::connect(("127.0.0.1", port)).err());
}
