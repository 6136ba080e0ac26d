//! A private Postfix: one port for mail from the world, submission with STARTTLS and with TLS from the first byte,
//! delivery by LMTP into Dovecot's mailboxes. Nothing leaves the machine.

use super::certs::Certs;
use super::checks::Checks;
use super::dovecot::Dovecot;
use super::{free_port, run, run_daemon, wait_for_greeting, wait_until_refused};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The server; stopped by [`super::RealServers`].
pub struct Postfix {
    folder: PathBuf,
    /// For mail from the world: no login, only to the domains that are delivered here.
    pub smtp_port: u16,
    /// Login required, STARTTLS required.
    pub submission_port: u16,
    /// Login required, TLS from the first byte.
    pub submissions_port: u16,
}

impl Postfix {
    /// Writes the configuration into `folder` and starts the server, which delivers to `dovecot` what `checks`, if any,
    /// have looked at.
    pub fn start(folder: &Path, certs: &Certs, dovecot: &Dovecot, checks: Option<&Checks>) -> Self {
        for name in ["etc", "spool", "data", "log"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        make_spool(folder);
        let postfix = Self {
            folder: folder.to_owned(),
            smtp_port: free_port(),
            submission_port: free_port(),
            submissions_port: free_port(),
        };
        let main = MAIN
            .replace("FOLDER", folder.to_str().unwrap())
            .replace("CERT", certs.cert().to_str().unwrap())
            .replace("KEY", certs.key().to_str().unwrap())
            .replace("LMTP", dovecot.lmtp_socket().to_str().unwrap())
            .replace("AUTH", dovecot.auth_socket().to_str().unwrap())
            + &checks.map_or_else(|| "mua_milters =\n".to_owned(), Checks::main_cf);
        let master = MASTER
            .replace("SMTP_PORT", &postfix.smtp_port.to_string())
            .replace("SUBMISSION_PORT", &postfix.submission_port.to_string())
            .replace("SUBMISSIONS_PORT", &postfix.submissions_port.to_string())
            + &checks.map_or_else(String::new, |checks| checks.master_cf(postfix.smtp_port));
        for (name, text) in [("etc/main.cf", main), ("etc/master.cf", master)] {
            std::fs::write(folder.join(name), text).unwrap();
            // Postfix waits a second and a half for a file that was written this second.
            let file = std::fs::File::options().append(true).open(folder.join(name)).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        }
        postfix.resume();
        postfix
    }

    /// What it logged.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log/mail.log")
    }

    /// Stops it: connections die, the port refuses. What it has queued stays queued.
    pub fn pause(&self) {
        run(Command::new("postfix").arg("-c").arg(self.folder.join("etc")).arg("stop"));
        wait_until_refused(self.smtp_port);
    }

    /// Starts it again on the same ports, and waits until it greets.
    pub fn resume(&self) {
        let start = self.folder.join("start.log");
        std::fs::write(self.folder.join("spool/quick-start"), "").unwrap();
        run_daemon(Command::new("postfix").arg("-c").arg(self.folder.join("etc")).arg("start"), &start);
        wait_for_greeting(self.smtp_port, "220", &self.log());
        wait_for_greeting(self.submission_port, "220", &self.log());
    }
}

/// The folders that `postfix start` would make, far more slowly; `quick-start` tells it not to look.
fn make_spool(folder: &Path) {
    let script = "chown postfix data; cd spool; mkdir pid maildrop public private
        for name in active bounce corrupt defer deferred flush hold incoming saved trace private; do
            mkdir -p $name && chown postfix $name && chmod 700 $name
        done
        chown postfix:postdrop maildrop public && chmod 1730 maildrop && chmod 2710 public";
    run(Command::new("sh").args(["-e", "-c", script]).current_dir(folder));
}

/// `refused@` any domain here is refused at once, `later@` for now, `bounced@` is taken and then returned.
const MAIN: &str = "
compatibility_level = 3.6
queue_directory = FOLDER/spool
data_directory = FOLDER/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = FOLDER/log/mail.log
maillog_file_prefixes = FOLDER/log
mydomain = desk.example
myhostname = mx.desk.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
relay_domains =
recipient_delimiter = +
virtual_mailbox_domains = desk.example, example.org, example.net
virtual_mailbox_maps =
virtual_transport = lmtp:unix:LMTP
default_transport = error:5.1.2 no such domain in this test
transport_maps = inline:{ { bounced@desk.example = error:5.1.1 no such user } { bounced@example.org = error:5.1.1 no such user } { bounced@example.net = error:5.1.1 no such user } }
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{ { refused@ = 550 5.1.1 no such user } { later@ = 450 4.2.0 try again later } }
smtpd_reject_unlisted_recipient = no
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_tls_cert_file = CERT
smtpd_tls_key_file = KEY
smtpd_tls_security_level = may
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_sasl_type = dovecot
smtpd_sasl_path = AUTH
smtpd_sasl_auth_enable = no
";

const MASTER: &str = "
127.0.0.1:SMTP_PORT inet n - n - 50 smtpd
127.0.0.1:SUBMISSION_PORT inet n - n - 50 smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_milters=$mua_milters
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:SUBMISSIONS_PORT inet n - n - 50 smtpd
  -o syslog_name=postfix/submissions
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_milters=$mua_milters
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n -  0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
lmtp      unix  - - n - - lmtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
";
