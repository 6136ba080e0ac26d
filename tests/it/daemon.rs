//! `postdesk run` as systemd sees it: the built program as a process, its signals, its words to the service manager
//! and its log, against the mail server in this process.

use crate::world::{self, ANA, DESK, Letter, MARIA};
use postdesk::demo::server::{MailServer, ServerOptions};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a viewer of the log must never meet.
const PASSWORD: &str = "correct-horse-battery";

/// The lines of a log so far.
type Log = Arc<Mutex<Vec<String>>>;

/// The program at work.
struct Program {
    child: Child,
    log: Log,
    notified: UnixDatagram,
    heard: Vec<String>,
    dir: TempDir,
    server: MailServer,
}

/// Starts the program on the configuration in `dir`.
fn launch(dir: &Path, environment: &[(&str, &str)]) -> (Child, Log) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_postdesk"))
        .arg("run")
        .arg("--config")
        .arg(dir.join("config.toml"))
        .env_remove("JOURNAL_STREAM")
        .env("NOTIFY_SOCKET", dir.join("notify"))
        .env("WATCHDOG_USEC", "400000")
        .envs(environment.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Log::default();
    let (sink, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(std::io::BufReader::new(stderr)).map_while(Result::ok) {
            sink.lock().unwrap().push(line);
        }
    });
    (child, log)
}

async fn mail_server() -> MailServer {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    for address in [DESK, ANA, world::LUIS, MARIA, "admin@desk.example"] {
        server.add_account(address, PASSWORD);
    }
    server
}

impl Program {
    async fn start() -> Self {
        Self::start_with(mail_server().await, "", &[])
    }

    fn start_with(server: MailServer, more: &str, environment: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        write_config(&dir.path().join("config.toml"), &server, "", more);
        let notified = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        notified.set_nonblocking(true).unwrap();
        let (child, log) = launch(dir.path(), environment);
        Self { child, log, notified, heard: Vec::new(), dir, server }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    async fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "waited in vain for {what}; the log:\n{}", self.log());
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "ended before {what}; the log:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn logs(&mut self, text: &str) {
        self.until(text, |program| program.log().contains(text)).await;
    }

    /// Whether the service manager was told `word`.
    fn told(&mut self, word: &str) -> bool {
        let mut buffer = [0; 1024];
        while let Ok(count) = self.notified.recv(&mut buffer) {
            self.heard.extend(String::from_utf8_lossy(&buffer[..count]).lines().map(str::to_owned));
        }
        self.heard.iter().any(|heard| heard == word)
    }

    async fn ready(&mut self) {
        self.until("READY=1", |program| program.told("READY=1")).await;
    }

    /// María writes; the text of the acknowledgement that she gets.
    async fn acknowledges(&mut self, subject: &str) -> String {
        let before = self.server.mails(MARIA, "INBOX").len();
        let letter = Letter {
            from: MARIA.into(),
            to: DESK.into(),
            subject: subject.into(),
            headers: format!("Message-ID: <{}@client.example>\r\n", subject.replace(' ', ".")),
            body: "Buenos días, la impresora del segundo piso no funciona desde ayer. ¿Pueden venir?".into(),
        };
        self.server.deliver(DESK, letter.raw());
        self.until("the acknowledgement", |program| program.server.mails(MARIA, "INBOX").len() > before)
            .await;
        let raw = self.server.mails(MARIA, "INBOX").pop().unwrap().raw;
        let mail = postdesk::mail::read(&raw, &postdesk::mail::LIMITS);
        format!("{}\n{}", mail.subject, mail.text())
    }

    /// Kills it, and starts it on the same files.
    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.log) = launch(self.dir.path(), &[]);
        self.heard.clear();
    }

    fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How it ended, and after how long.
    async fn ends(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < PATIENCE, "it does not stop; the log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops it as systemd does. Its log; the database is left in one piece.
    async fn stop(mut self) -> String {
        self.signal("TERM");
        let (status, took) = self.ends().await;
        assert!(status.success(), "{status}; the log:\n{}", self.log());
        assert!(took < Duration::from_secs(5), "stopping took {took:?}");
        assert!(self.told("STOPPING=1"), "{:?}", self.heard);
        let beside = std::fs::metadata(self.dir.path().join("desk.db-wal")).map_or(0, |wal| wal.len());
        assert_eq!(beside, 0, "bytes are left beside the database");
        self.log()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_config(path: &Path, server: &MailServer, desk: &str, more: &str) {
    let text = world::configuration(path.parent().unwrap(), server, desk, "", more);
    std::fs::write(path.parent().unwrap().join("password"), format!("{PASSWORD}\n")).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_told_and_signals_are_obeyed() {
    let mut program = Program::start().await;
    program.ready().await;
    program.until("WATCHDOG=1", |program| program.told("WATCHDOG=1")).await;
    // The mailbox is watched by IDLE before mail comes.
    let idle = |server: &MailServer| server.commands().iter().any(|command| command == "IMAP IDLE");
    assert!(program.server.wait_for(idle, PATIENCE).await);
    assert!(program.acknowledges("Impresora").await.contains("Gracias por escribir a Ejemplo"));

    let config = program.dir.path().join("config.toml");
    write_config(&config, &program.server, "colour = \"blue\"", "");
    program.signal("HUP");
    program.logs("the old one stays in force").await;
    let said = program.log();
    assert!(said.contains("config.toml:") && said.contains("colour"), "the fault is named: {said}");
    assert!(program.acknowledges("Otra impresora").await.contains("Gracias por escribir a Ejemplo"));

    write_config(&config, &program.server, "", "");
    let text =
        std::fs::read_to_string(&config).unwrap().replace("name = \"Ejemplo\"", "name = \"Nueva Casa\"");
    std::fs::write(&config, text).unwrap();
    program.signal("HUP");
    program.logs("the configuration was read again and is in force").await;
    assert!(program.acknowledges("Tercera impresora").await.contains("Gracias por escribir a Nueva Casa"));
    let log = program.stop().await;
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

const EVA: &str = "\n[[agent]]\naddress = \"eva@desk.example\"\nname = \"Eva\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_of_an_agent_who_left_are_named_at_a_reload_and_at_the_start() {
    let server = mail_server().await;
    server.add_account("eva@desk.example", PASSWORD);
    let mut program = Program::start_with(server, EVA, &[]);
    program.ready().await;
    program.acknowledges("Impresora").await;
    let told = |server: &MailServer| !server.mails(ANA, "INBOX").is_empty();
    assert!(program.server.wait_for(told, PATIENCE).await);
    let raw = program.server.mails(ANA, "INBOX").pop().unwrap().raw;
    let id = postdesk::mail::read(&raw, &postdesk::mail::LIMITS).message_id.unwrap();
    program.server.deliver(
        DESK,
        format!("From: <{ANA}>\r\nTo: <{DESK}>\r\nSubject: Re: x\r\nMessage-ID: <a@b>\r\nIn-Reply-To: {id}\r\n\r\n#asignar eva@desk.example\r\n"),
    );
    let database = program.dir.path().join("desk.db");
    let ticket = |status: &str| {
        let reader = postdesk::store::read::Reader::open(&database).unwrap();
        let sql =
            format!("SELECT number FROM ticket WHERE assignee = 'eva@desk.example' AND status = '{status}'");
        reader.db().query_row(&sql, [], |r| r.get::<_, i64>(0)).ok()
    };
    program.until("the ticket to be Eva's", |_| ticket("new").is_some()).await;
    let number = ticket("new").unwrap();
    assert!(!program.log().contains("any more"), "Eva is an agent:\n{}", program.log());

    let said =
        format!("1 live ticket ({number}) assigned to an agent who is not in the configuration any more");
    write_config(&program.dir.path().join("config.toml"), &program.server, "", "");
    program.signal("HUP");
    program.logs(&said).await;
    program.logs("the configuration was read again and is in force").await;
    let line = program.log().lines().find(|line| line.contains(&said)).unwrap().to_owned();
    assert!(
        line.contains("WARN") && line.contains("postdesk ticket assign") && !line.contains("eva@"),
        "{line}"
    );

    program.restart();
    program.logs(&said).await;
    program.ready().await;
    let config = program.dir.path().join("config.toml");
    let doctor = tokio::process::Command::new(env!("CARGO_BIN_EXE_postdesk"))
        .args(["doctor", "--config"])
        .arg(config)
        .output();
    let doctor = doctor.await.unwrap();
    let words = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("1 live ticket ({number}) assigned to eva@desk.example")), "{words}");
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_folder_of_sent_mail_is_watched_beside_the_mailbox_also_after_a_reload() {
    let server = mail_server().await;
    server.create_folder(DESK, "Sent");
    let mut program = Program::start_with(server, "sent_folder = \"Sent\"", &[]);
    program.ready().await;
    program.acknowledges("Impresora").await;
    let watched = |server: &MailServer| {
        server.commands().iter().filter(|command| command.contains("IDLE")).count() >= 2
    };
    assert!(program.server.wait_for(watched, PATIENCE).await, "{:?}", program.server.commands());
    let database = program.dir.path().join("desk.db");
    let filed = move || {
        let reader = postdesk::store::read::Reader::open(&database).unwrap();
        let sql = "SELECT count(*) FROM message WHERE role = 'agent' AND internal = 0";
        reader.db().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap()
    };
    let answer = |n: i64| {
        format!(
            "From: Soporte <{DESK}>\r\nTo: <{MARIA}>\r\nSubject: Re: Impresora\r\nMessage-ID: <webmail.{n}@desk.example>\r\n\
             In-Reply-To: <Impresora@client.example>\r\n\r\nPasamos esta tarde ({n}).\r\n"
        )
    };
    let before = program.server.mails(MARIA, "INBOX").len();
    program.server.deliver_to(DESK, "Sent", answer(1));
    program.until("the answer from the webmail", |_| filed() == 1).await;
    let told = |server: &MailServer| server.mails(ANA, "INBOX").len() >= 2;
    assert!(program.server.wait_for(told, PATIENCE).await, "the agents hear of it");

    program.signal("HUP");
    program.logs("the configuration was read again and is in force").await;
    program.server.deliver_to(DESK, "Sent", answer(2));
    program.until("the second answer", |_| filed() == 2).await;
    assert_eq!(program.server.mails(MARIA, "INBOX").len(), before, "nothing is sent to her again");
    assert_eq!(program.server.mails(DESK, "Sent").len(), 2);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_stops_no_other_mailbox() {
    let server = mail_server().await;
    server.add_account("ventas@desk.example", "another one");
    let more = format!(
        "[[mailbox]]\nname = \"ventas\"\nqueue = \"soporte\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nuser = \"ventas@desk.example\"\npassword_file = \"password\"\n",
        server.imap_port()
    );
    let mut program = Program::start_with(server, &more, &[]);
    program.ready().await;
    program.logs("mailbox ventas: ").await;
    let line = program.log().lines().find(|line| line.contains("mailbox ventas: ")).unwrap().to_owned();
    assert!(line.contains("WARN") && line.contains("refuses the login"), "{line}");
    program.acknowledges("Impresora").await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_at_the_start_is_found_when_it_comes() {
    let server = mail_server().await;
    server.refuse_connections(true);
    let mut program = Program::start_with(server, "", &[]);
    program.ready().await;
    program.logs("mailbox soporte: ").await;
    program.server.refuse_connections(false);
    program.acknowledges("Impresora").await;
    program.logs("mailbox soporte: works again").await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_stops_while_no_server_answers() {
    let server = mail_server().await;
    server.refuse_connections(true);
    let mut program = Program::start_with(server, "", &[]);
    program.ready().await;
    program.logs("mailbox soporte: ").await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_no_secret_and_above_debug_nobodys_mail() {
    let environment = [("POSTDESK_LOG", "trace"), ("POSTDESK_LOG_FORMAT", "json")];
    let mut program = Program::start_with(mail_server().await, "", &environment);
    program.ready().await;
    program.acknowledges("Asunto secreto").await;
    let told = |server: &MailServer| server.mails(ANA, "INBOX").len() == 1;
    assert!(program.server.wait_for(told, PATIENCE).await);
    // Ana answers, so that an agent's mail is in the log as well.
    let raw = program.server.mails(ANA, "INBOX").pop().unwrap().raw;
    let mail = postdesk::mail::read(&raw, &postdesk::mail::LIMITS);
    let (id, before) = (mail.message_id.unwrap(), program.server.mails(MARIA, "INBOX").len());
    program.server.deliver(
        DESK,
        format!("From: <{ANA}>\r\nTo: <{DESK}>\r\nSubject: Re: x\r\nMessage-ID: <a@b>\r\nIn-Reply-To: {id}\r\n\r\nYa vamos.\r\n"),
    );
    program.until("Ana's answer", |program| program.server.mails(MARIA, "INBOX").len() > before).await;
    let log = program.stop().await;

    use base64::Engine;
    let coded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    for secret in [PASSWORD.to_owned(), coded(PASSWORD), coded(&format!("\0{DESK}\0{PASSWORD}"))] {
        let found: Vec<&str> = log.lines().filter(|line| line.contains(&secret)).collect();
        assert!(found.is_empty(), "{secret} in {found:#?}");
    }
    let mut loud = 0;
    for line in log.lines() {
        let entry: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if ["INFO", "WARN", "ERROR"].contains(&entry["level"].as_str().unwrap()) {
            loud += 1;
            for private in ["Asunto secreto", "impresora", "Ya vamos", MARIA, ANA, DESK] {
                assert!(!line.contains(private), "{private} in {line}");
            }
        }
    }
    assert!(loud >= 6, "a mail's life is told: {log}");
}
