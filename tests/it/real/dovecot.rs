//! A private Dovecot: IMAP with STARTTLS and with TLS from the first byte, IDLE, LMTP for delivery, and the
//! authentication that Postfix asks. Any user, one password, a maildir each.

use super::certs::Certs;
use super::{PASSWORD, free_port, run, run_daemon, wait_for_greeting, wait_until_refused};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The server; stopped by [`super::RealServers`].
pub struct Dovecot {
    folder: PathBuf,
    /// Plain greeting, then STARTTLS.
    pub imap_port: u16,
    /// TLS from the first byte.
    pub imaps_port: u16,
}

impl Dovecot {
    /// Writes the configuration into `folder` and starts the server. Maildirs are made below `mail`.
    pub fn start(folder: &Path, mail: &Path, certs: &Certs) -> Self {
        for path in [folder, mail] {
            std::fs::create_dir_all(path).unwrap();
        }
        run(Command::new("chown").arg("mail:mail").arg(mail));
        let dovecot = Self { folder: folder.to_owned(), imap_port: free_port(), imaps_port: free_port() };
        let text = CONFIGURATION
            .replace("FOLDER", folder.to_str().unwrap())
            .replace("MAIL", mail.to_str().unwrap())
            .replace("CERT", certs.cert().to_str().unwrap())
            .replace("KEY", certs.key().to_str().unwrap())
            .replace("PASSWORD", PASSWORD)
            .replace("IMAP_PORT", &dovecot.imap_port.to_string())
            .replace("IMAPS_PORT", &dovecot.imaps_port.to_string());
        std::fs::write(dovecot.configuration(), text).unwrap();
        dovecot.resume();
        dovecot
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("dovecot.conf")
    }

    /// The socket that takes mail by LMTP.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.folder.join("run/lmtp")
    }

    /// The socket that Postfix asks about passwords.
    pub fn auth_socket(&self) -> PathBuf {
        self.folder.join("run/auth-postfix")
    }

    /// Stops it: connections die, the port refuses.
    pub fn pause(&self) {
        run(Command::new("dovecot").arg("-c").arg(self.configuration()).arg("stop"));
        wait_until_refused(self.imap_port);
    }

    /// Starts it again on the same ports, and waits until it greets.
    pub fn resume(&self) {
        let start = self.folder.join("start.log");
        run_daemon(Command::new("dovecot").arg("-c").arg(self.configuration()), &start);
        wait_for_greeting(self.imap_port, "* OK", &self.folder.join("dovecot.log"));
    }
}

/// Delays after a wrong password are off, for they hit every login from the same address.
const CONFIGURATION: &str = "
base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/dovecot.log
instance_name = postdesk-test
protocols = imap lmtp
hostname = mx.desk.example
mail_location = maildir:MAIL/%u
mail_fsync = never
first_valid_uid = 8
first_valid_gid = 8
default_internal_user = dovecot
default_login_user = dovenull
auth_mechanisms = plain login
auth_failure_delay = 0
recipient_delimiter = +
passdb {
  driver = static
  args = password=PASSWORD
}
userdb {
  driver = static
  args = uid=mail gid=mail home=MAIL/%u allow_all_users=yes
}
mail_max_userip_connections = 50
namespace inbox {
  inbox = yes
}
listen = 127.0.0.1
ssl = required
ssl_cert = <CERT
ssl_key = <KEY
protocol lmtp {
  postmaster_address = postmaster@desk.example
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener auth-postfix {
    mode = 0666
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service imap-login {
  inet_listener imap {
    port = IMAP_PORT
  }
  inet_listener imaps {
    port = IMAPS_PORT
    ssl = yes
  }
}
";
