//! A folder or a file that became read-only, while the daemon is down and while it runs. Permissions do not bind root, so
//! the folder is a mount of its own.

use crate::program::{Program, verb};
use crate::soak::trial::{Death, lives};
use crate::world::{ANA, DESK, LUIS, MARIA, configuration};
use postdesk::demo::server::{MailServer, ServerOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Long enough for any machine; what is waited for is watched, not slept through.
const LONG: Duration = Duration::from_secs(60);

/// A place of its own that can be made read-only.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: &Path, arguments: &[&str]) -> Self {
        let mount = Command::new("mount").args(arguments).arg(path).status();
        assert!(mount.unwrap().success(), "a mount needs root");
        Self(path.to_owned())
    }

    fn remount(&self, how: &str) {
        let mount = Command::new("mount").args(["-o", how]).arg(&self.0).status();
        assert!(mount.unwrap().success(), "{how}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

struct Place {
    server: MailServer,
    config: PathBuf,
    _dir: tempfile::TempDir,
    data: PathBuf,
}

/// The configuration lies beside the folder that will be read-only.
async fn place() -> Place {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    [DESK, ANA, LUIS, MARIA].iter().for_each(|address| server.add_account(address, "secret"));
    let dir = tempfile::TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let config = dir.path().join("config.toml");
    let text = configuration(dir.path(), &server, "", "", "poll = \"5s\"\n").replace(
        &dir.path().join("desk.db").display().to_string(),
        &data.join("desk.db").display().to_string(),
    );
    std::fs::write(&config, text).unwrap();
    Place { server, config, _dir: dir, data }
}

impl Place {
    /// María writes; her mail is taken and answered by a daemon, which then stops.
    async fn works(&self, count: usize) {
        let daemon = Program::run(&self.config);
        self.server.deliver(DESK, letter(count));
        let answered = |server: &MailServer| server.mails(MARIA, "INBOX").len() == count;
        assert!(self.server.wait_for(answered, LONG).await, "{}", daemon.log());
        let emptied = |server: &MailServer| server.mails(DESK, "INBOX").is_empty();
        assert!(self.server.wait_for(emptied, LONG).await, "{}", daemon.log());
        assert_eq!(daemon.stop(), Some(0));
    }

    /// The daemon does not start, says why, and speaks to no server.
    fn refuses(&self) {
        let before = self.server.commands().len();
        let output = verb(&self.config, &["run"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let clear = said.to_lowercase().replace('-', "");
        assert!(clear.contains("readonly") || clear.contains("read only"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(self.server.commands().len(), before, "it spoke to a server");
    }
}

fn letter(n: usize) -> String {
    format!(
        "From: <{MARIA}>\r\nTo: <{DESK}>\r\nSubject: Impresora {n}\r\nMessage-ID: <{n}@client.example>\r\n\r\nLa impresora {n} no funciona desde ayer.\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_folder_is_named_at_the_start_and_nothing_is_touched() {
    let place = place().await;
    let mounted = Mounted::at(&place.data, &["-t", "tmpfs", "-o", "size=32m", "none"]);
    place.works(1).await;
    mounted.remount("remount,ro");
    place.server.deliver(DESK, letter(2));
    place.refuses();
    assert_eq!(place.server.mails(DESK, "INBOX").len(), 1);
    place.server.move_mails(DESK, "INBOX", "Aside", &[2]);
    mounted.remount("remount,rw");
    place.works(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_file_is_named_at_the_start_and_nothing_is_touched() {
    let place = place().await;
    place.works(1).await;
    let file = place.data.join("desk.db");
    let bound = Mounted::at(&file, &["--bind", file.to_str().unwrap()]);
    bound.remount("remount,bind,ro");
    place.server.deliver(DESK, letter(2));
    place.refuses();
    assert_eq!(place.server.mails(DESK, "INBOX").len(), 1);
    drop(bound);
    place.server.move_mails(DESK, "INBOX", "Aside", &[2]);
    place.works(2).await;
}

/// The kernel makes a file system read-only when its disk fails: from one write to the next.
#[test]
fn a_file_system_that_turns_read_only_under_the_daemon_loses_and_doubles_nothing() {
    lives(Death::Failing("pwrite64:error=EROFS:when=40..70"));
}
