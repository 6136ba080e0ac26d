//! A desk to be measured: its folder, its configuration, and `postdesk run` as a process of its own.

use postdesk::config::Config;
use postdesk::store::read::Reader;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program, built as it is shipped.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_postdesk");

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Where mail comes from and goes to.
#[derive(Clone)]
pub struct Servers {
    /// IMAP port.
    pub imap: u16,
    /// `implicit` or `none`.
    pub imap_tls: &'static str,
    /// IMAP user.
    pub user: String,
    /// SMTP port; one where nobody listens lets outgoing mail wait.
    pub smtp: u16,
    /// The authority of the servers' certificate.
    pub ca_file: Option<PathBuf>,
}

/// A folder with configuration and database.
pub struct Desk {
    dir: tempfile::TempDir,
    /// The status page's port.
    pub web: u16,
}

impl Desk {
    /// Makes the folder and the configuration.
    pub fn new(servers: &Servers, web: u16) -> Self {
        let dir = tempfile::Builder::new().prefix("postdesk-bench-").tempdir().unwrap();
        let desk = Self { dir, web };
        let password = desk.path("password");
        std::fs::write(&password, "secret\n").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let login = if servers.imap_tls == "none" {
            format!("user = \"{}\"\npassword_file = \"{}\"\n", servers.user, password.display())
        } else {
            String::new()
        };
        let ca =
            servers.ca_file.as_ref().map(|f| format!("ca_file = \"{}\"\n", f.display())).unwrap_or_default();
        let text = CONFIGURATION
            .replace("FOLDER", dir_text(desk.dir.path()))
            .replace("IMAP_PORT", &servers.imap.to_string())
            .replace("IMAP_TLS", servers.imap_tls)
            .replace("SMTP_PORT", &servers.smtp.to_string())
            .replace("WEB_PORT", &web.to_string())
            .replace("SMTP_LOGIN", &login)
            .replace("CA_FILE", &ca)
            .replace("USER", &servers.user);
        std::fs::write(desk.path("config.toml"), text).unwrap();
        desk
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The configuration as the program reads it.
    pub fn config(&self) -> Config {
        let path = self.path("config.toml");
        postdesk::config::parse(&std::fs::read_to_string(&path).unwrap(), &path)
            .unwrap_or_else(|f| panic!("{f:?}"))
    }

    /// Starts `postdesk run`.
    pub fn run(&self) -> Running {
        let mut command = match std::env::var("POSTDESK_BENCH_UNDER") {
            Ok(under) => {
                let mut words = under.split_whitespace();
                let mut command = Command::new(words.next().unwrap());
                command.args(words).arg(PROGRAM);
                command
            }
            Err(_) => Command::new(PROGRAM),
        };
        let log = std::fs::File::create(self.path("log")).unwrap();
        let started = Instant::now();
        command
            .arg("--config")
            .arg(self.path("config.toml"))
            .arg("run")
            // As the systemd unit runs it.
            .env("MALLOC_ARENA_MAX", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Running { child: command.spawn().unwrap(), started, log: self.path("log") }
    }

    /// For questions, once the daemon has made the file.
    pub fn reader(&self) -> Reader {
        let start = Instant::now();
        loop {
            match Reader::open(&self.path("desk.db")) {
                Ok(reader)
                    if reader.db().query_row("SELECT count(*) FROM mailbox", [], |_| Ok(())).is_ok() =>
                {
                    return reader;
                }
                _ if start.elapsed() > PATIENCE => {
                    panic!("no database: {}", std::fs::read_to_string(self.path("log")).unwrap())
                }
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Waits until the whole mailbox has been taken and the server told of it.
    pub fn wait_taken(&self, count: usize) {
        let reader = self.reader();
        let sql = "SELECT next_uid > ?1 FROM mailbox";
        wait(
            || {
                reader
                    .db()
                    .prepare_cached(sql)
                    .unwrap()
                    .query_row([i64::try_from(count).unwrap()], |r| r.get(0))
                    .unwrap_or(false)
            },
            3,
        );
    }

    /// Every promise that a query can check.
    pub fn verify(&self) {
        let breaches = postdesk::store::verify::verify(self.reader().db(), |_, _| {}).unwrap();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
}

/// A daemon at work.
pub struct Running {
    child: Child,
    /// When it was started.
    pub started: Instant,
    log: PathBuf,
}

impl Running {
    /// A field of `/proc/PID/status` in KiB.
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Waits until it says that it is ready; how long that took.
    pub fn ready(&self) -> Duration {
        wait(|| std::fs::read_to_string(&self.log).unwrap().contains("ready"), 1);
        self.started.elapsed()
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Waits until `look` says yes, looking every `millis`.
pub fn wait(mut look: impl FnMut() -> bool, millis: u64) {
    let start = Instant::now();
    while !look() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(millis));
    }
}

fn dir_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const CONFIGURATION: &str = r##"
[desk]
name = "Ejemplo"
domain = "desk.example"
database = "FOLDER/desk.db"
hold_replies = "0s"

[budgets]
per_sender = 1000000
per_domain = 1000000
per_ticket = 1000000
in_all = 1000000

[limits]
mail_max = "100 MB"

[web]
listen = "127.0.0.1:WEB_PORT"
base_url = "https://help.desk.example"
requests_per_minute = 1000000

[smtp]
host = "127.0.0.1"
port = SMTP_PORT
tls = "none"
SMTP_LOGIN
[[agent]]
address = "ana@example.net"
name = "Ana García"

[[queue]]
name = "soporte"
title = "Soporte"
address = "soporte@desk.example"

[[mailbox]]
name = "soporte"
queue = "soporte"
host = "localhost"
port = IMAP_PORT
tls = "IMAP_TLS"
CA_FILEuser = "USER"
password_file = "FOLDER/password"
"##;
