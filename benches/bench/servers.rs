//! Dovecot and Postfix of the benchmark's own, by the tests' harness. Postfix takes all mail and throws it away.

use crate::desk::Servers;
use crate::real::{RealServers, run};
use std::path::PathBuf;
use std::process::Command;

/// Both servers, running.
pub struct Real {
    servers: RealServers,
    mailboxes: usize,
}

impl Real {
    /// Starts them.
    pub fn start() -> Self {
        let servers = RealServers::start();
        let main = servers.folder().join("postfix/etc/main.cf");
        let text = std::fs::read_to_string(&main).unwrap();
        let text: String =
            text.lines()
                .map(|line| {
                    if line.starts_with("virtual_transport") { "virtual_transport = discard:" } else { line }
                })
                .map(|line| format!("{line}\n"))
                .collect();
        servers.postfix.pause();
        std::fs::write(&main, text).unwrap();
        std::fs::File::options()
            .append(true)
            .open(&main)
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        servers.postfix.resume();
        Self { servers, mailboxes: 0 }
    }

    /// A new mailbox that holds `mails`, and how a desk reaches it and Postfix.
    pub fn mailbox(&mut self, mails: &[Vec<u8>]) -> Servers {
        self.mailboxes += 1;
        let user = format!("bench{}@desk.example", self.mailboxes);
        let folder = self.new_folder(&user);
        for (n, mail) in mails.iter().enumerate() {
            std::fs::write(folder.join(file_name(n)), mail).unwrap();
        }
        self.own(&user);
        Servers {
            imap: self.servers.imaps_port(),
            imap_tls: "implicit",
            user,
            smtp: self.servers.smtp_port(),
            ca_file: Some(self.servers.ca_file()),
        }
    }

    /// Delivers one mail more to `user`, as a delivery agent does: written aside, then renamed.
    pub fn deliver(&self, user: &str, n: usize, mail: &[u8]) {
        let maildir = self.servers.maildir(user);
        let aside = maildir.join("tmp").join(file_name(n));
        std::fs::write(&aside, mail).unwrap();
        run(Command::new("chown").arg("mail:mail").arg(&aside));
        std::fs::rename(aside, maildir.join("new").join(file_name(n))).unwrap();
    }

    fn new_folder(&self, user: &str) -> PathBuf {
        let maildir = self.servers.maildir(user);
        for sub in ["tmp", "new", "cur"] {
            std::fs::create_dir_all(maildir.join(sub)).unwrap();
        }
        maildir.join("new")
    }

    fn own(&self, user: &str) {
        run(Command::new("chown").arg("-R").arg("mail:mail").arg(self.servers.maildir(user)));
    }

    /// Clears a mailbox away.
    pub fn remove(&self, user: &str) {
        std::fs::remove_dir_all(self.servers.maildir(user)).unwrap();
    }
}

fn file_name(n: usize) -> String {
    format!("{}.M{n}P1.bench", 1_790_000_000 + n)
}
