//! A person at neomutt: reads over IMAP, answers over submission with a password, both with TLS. neomutt itself quotes,
//! sets the references and encodes; an editor that types above the quotation is all that is put in.

use super::{PASSWORD, PATIENCE, RealServers};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The client of one person.
pub struct Neomutt {
    folder: PathBuf,
    address: String,
}

impl Neomutt {
    /// Sets the client up for the account `address`.
    pub fn new(servers: &RealServers, address: &str, name: &str) -> Self {
        let folder = servers.folder().join("clients").join(address);
        std::fs::create_dir_all(&folder).unwrap();
        let rc = RC
            .replace("FOLDER", folder.to_str().unwrap())
            .replace("ADDRESS", address)
            .replace("USER", &address.replace('@', "%40"))
            .replace("NAME", name)
            .replace("PASSWORD", PASSWORD)
            .replace("CA", servers.ca_file().to_str().unwrap())
            .replace("IMAPS_PORT", &servers.imaps_port().to_string())
            .replace("SUBMISSION_PORT", &servers.submission_port().to_string());
        std::fs::write(folder.join("rc"), rc).unwrap();
        std::fs::write(
            folder.join("edit"),
            "cat FOLDER/typed \"$1\" >\"$1.new\"; mv \"$1.new\" \"$1\"\n"
                .replace("FOLDER", folder.to_str().unwrap()),
        )
        .unwrap();
        Self { folder, address: address.to_owned() }
    }

    /// Answers the mail with that Message-ID in the inbox, with `typed` above what neomutt quotes of it.
    pub fn replies(&self, message_id: &str, typed: &str) {
        std::fs::write(self.folder.join("typed"), format!("{typed}\n\n")).unwrap();
        let keys = format!("push \"<limit>~i {message_id}<enter><first-entry><reply><send-message><quit>\"");
        let screen = self.folder.join("screen");
        // neomutt has no reply without a screen. What is typed comes by `push`; the input only has to stay open.
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command"])
            .arg(format!(
                "neomutt -n -F '{}' -e '{}'",
                self.folder.join("rc").display(),
                keys.replace('\'', "'\\''")
            ))
            .arg(&screen)
            .env("HOME", &self.folder)
            .envs([("TERM", "xterm"), ("LC_ALL", "C.UTF-8"), ("LINES", "50"), ("COLUMNS", "120")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let shown = || String::from_utf8_lossy(&std::fs::read(&screen).unwrap_or_default()).into_owned();
        let start = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
                None => {
                    // Without its terminal neomutt ends too.
                    child.kill().unwrap();
                    panic!("neomutt of {} does not end: {}", self.address, shown());
                }
            }
        };
        assert!(ended.success(), "{}", shown());
    }
}

const RC: &str = "
set from = \"ADDRESS\"
set realname = \"NAME\"
set use_from = yes
set hostname = client.example
set spoolfile = \"imaps://localhost:IMAPS_PORT/INBOX\"
set folder = \"imaps://localhost:IMAPS_PORT/\"
set imap_user = \"ADDRESS\"
set imap_pass = \"PASSWORD\"
set smtp_url = \"smtp://USER@localhost:SUBMISSION_PORT/\"
set smtp_pass = \"PASSWORD\"
set ssl_starttls = yes
set ssl_force_tls = yes
set ssl_ca_certificates_file = \"CA\"
set certificate_file = \"FOLDER/certificates\"
set header_cache = \"\"
set tmpdir = \"FOLDER\"
set editor = \"sh FOLDER/edit %s\"
set include = yes
set fast_reply = yes
set reply_to = yes
set autoedit = no
set abort_unmodified = no
set abort_nosubject = no
set copy = no
set record = \"\"
set move = no
set recall = no
set quit = yes
set wait_key = no
set sleep_time = 0
set beep = no
set confirmappend = no
set charset = utf-8
set send_charset = \"us-ascii:utf-8\"
";
