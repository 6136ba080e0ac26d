//! What stands before a careful Postfix: OpenDKIM and OpenDMARC as milters, and a resolver (Unbound) whose only zones
//! are the test's. They write real `Authentication-Results`. Beside them, the servers of other domains' people: one that
//! signs with the key of who writes, one that does but for To and Cc, one that signs the same From with a key of its own.
//!
//! OpenDMARC knows no resolver but that of `/etc/resolv.conf` and no port but 53. So Unbound listens on port 53 of an
//! address of 127.0.0.0/8 that is the test's own, and OpenDMARC's root is a folder with a `resolv.conf`. That takes no
//! namespaces, only what root may do in any container.

use super::{free_port, run, wait_until};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The name under which the receiving server writes its results.
pub const AUTHSERV_ID: &str = "mx.desk.example";

/// The domains that publish SPF, DKIM and DMARC, with the policy of each.
const DOMAINS: [(&str, &str); 4] = [
    ("example.org", "reject"),
    ("example.net", "none"),
    ("desk.example", "reject"),
    ("evil.example", "none"),
];

/// From here people's servers send; SPF names it. OpenDMARC's SPF lets all pass that comes from this machine, so a test
/// that is about SPF says with XCLIENT that its mail comes from here or from [`STRANGERS_ADDRESS`].
pub const HONEST_ADDRESS: &str = "198.51.100.5";

/// From here nobody may send.
pub const STRANGERS_ADDRESS: &str = "203.0.113.66";

/// Programs and ports of one test.
pub struct Checks {
    folder: PathBuf,
    resolver: String,
    /// OpenDKIM and OpenDMARC of the receiving server.
    dkim: u16,
    dmarc: u16,
    /// OpenDKIM of what is submitted to it.
    desk_signer: u16,
    /// OpenDKIM of the honest and of the evil server.
    honest_signer: u16,
    evil_signer: u16,
    /// OpenDKIM of a server that signs neither To nor Cc.
    short_signer: u16,
    /// SMTP: takes mail of example.org and example.net, signs it as that domain and hands it to the desk's server.
    pub honest_port: u16,
    /// SMTP: the same with the signature of evil.example.
    pub evil_port: u16,
    /// SMTP: signs as the honest server does, but for To and Cc.
    pub short_port: u16,
    /// SMTP: the desk's server as one without `header_checks` is; the milters are there.
    pub careless_port: u16,
}

impl Checks {
    /// Starts all of them with their files in `folder`.
    pub fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder.join("root/etc")).unwrap();
        let checks = Self {
            folder: folder.to_owned(),
            resolver: free_resolver(),
            dkim: free_port(),
            dmarc: free_port(),
            desk_signer: free_port(),
            honest_signer: free_port(),
            evil_signer: free_port(),
            short_signer: free_port(),
            honest_port: free_port(),
            evil_port: free_port(),
            short_port: free_port(),
            careless_port: free_port(),
        };
        checks.start_resolver();
        checks.write("resolver.conf", &RESOLVER_OF_OPENDKIM.replace("RESOLVER", &checks.resolver));
        checks.write("root/etc/resolv.conf", &format!("nameserver {}\n", checks.resolver));
        // Mail of this machine is checked like any other: no host is trusted, for the one named here does not exist.
        checks.write("nobody", "192.0.2.1\n");
        checks.write("keys", &checks.key_table());
        checks.start_opendkim("dkim", checks.dkim, "v", "");
        checks.start_opendkim("desk", checks.desk_signer, "s", "*@desk.example desk.example\n");
        let honest = "*@example.org example.org\n*@example.net example.net\n";
        checks.start_opendkim("honest", checks.honest_signer, "s", honest);
        let evil = "*@example.org evil.example\n*@example.net evil.example\n";
        checks.start_opendkim("evil", checks.evil_signer, "s", evil);
        checks.start_opendkim("short", checks.short_signer, "s", honest);
        let dmarc = checks.filled(OPENDMARC).replace("PORT", &checks.dmarc.to_string());
        checks.write("dmarc.conf", &dmarc);
        checks.daemon("dmarc", "opendmarc", &["-f", "-c", "dmarc.conf"]);
        let milters = [
            checks.dkim,
            checks.dmarc,
            checks.desk_signer,
            checks.honest_signer,
            checks.evil_signer,
            checks.short_signer,
        ];
        for port in milters {
            wait_until(&format!("a milter on port {port}: see {}", folder.display()), || {
                TcpStream::connect(("127.0.0.1", port)).ok()
            });
        }
        checks
    }

    /// What they add to Postfix's `main.cf`; docs/operating.md shows the same.
    pub fn main_cf(&self) -> String {
        self.write("header_checks", "/^Authentication-Results:/ IGNORE\n");
        format!(
            "smtpd_milters = inet:127.0.0.1:{}, inet:127.0.0.1:{}
mua_milters = inet:127.0.0.1:{}
milter_default_action = tempfail
smtpd_authorized_xclient_hosts = 127.0.0.1
header_checks = regexp:{}
",
            self.dkim,
            self.dmarc,
            self.desk_signer,
            self.folder.join("header_checks").display()
        )
    }

    /// The three other servers, as services of the same Postfix: what they take is signed, then handed over SMTP to the
    /// desk's server on `smtp_port`.
    pub fn master_cf(&self, smtp_port: u16) -> String {
        let server = |name: &str, port: u16, signer: u16| {
            format!(
                "127.0.0.1:{port} inet n - n - 50 smtpd
  -o syslog_name=postfix/{name}
  -o smtpd_milters=inet:127.0.0.1:{signer}
  -o content_filter={name}:[127.0.0.1]:{smtp_port}
{name} unix - - n - - smtp
  -o syslog_name=postfix/{name}
  -o smtp_helo_name={name}.example
"
            )
        };
        let careless = format!(
            "127.0.0.1:{} inet n - n - 50 smtpd
  -o syslog_name=postfix/careless
  -o receive_override_options=no_header_body_checks
",
            self.careless_port
        );
        server("honest", self.honest_port, self.honest_signer)
            + &server("evil", self.evil_port, self.evil_signer)
            + &server("short", self.short_port, self.short_signer)
            + &careless
    }

    fn filled(&self, text: &str) -> String {
        text.replace("FOLDER", self.folder.to_str().unwrap()).replace("AUTHSERV_ID", AUTHSERV_ID)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    /// A daemon that outlives the shell which starts it; the guard ends it by its `.pid`.
    fn daemon(&self, name: &str, program: &str, arguments: &[&str]) {
        let script = "PATH=$PATH:/usr/sbin; name=$1; shift
            setsid \"$@\" </dev/null >\"$name.log\" 2>&1 & echo $! >\"$name.pid\"";
        run(Command::new("sh")
            .args(["-e", "-c", script, "sh", name, program])
            .args(arguments)
            .current_dir(&self.folder));
    }

    fn start_resolver(&self) {
        let mut records = String::new();
        for (domain, policy) in DOMAINS {
            let key = self.make_key(domain);
            let key: Vec<String> = key
                .as_bytes()
                .chunks(200)
                .map(|part| format!("\"{}\"", String::from_utf8_lossy(part)))
                .collect();
            records += &format!(
                "  local-data: '{domain}. TXT \"v=spf1 ip4:{HONEST_ADDRESS} -all\"'
  local-data: '_dmarc.{domain}. TXT \"v=DMARC1; p={policy}\"'
  local-data: 'mail._domainkey.{domain}. TXT \"v=DKIM1; k=rsa; p=\" {}'
",
                key.join(" ")
            );
        }
        let text = self.filled(UNBOUND).replace("RESOLVER", &self.resolver).replace("RECORDS", &records);
        self.write("unbound.conf", &text);
        self.daemon("unbound", "unbound", &["-d", "-c", "unbound.conf"]);
        wait_until(&format!("the resolver: see {}/unbound.log", self.folder.display()), || {
            TcpStream::connect((self.resolver.as_str(), 53)).ok()
        });
    }

    /// Makes the key of `domain`; its public half as DNS wants it.
    fn make_key(&self, domain: &str) -> String {
        let file = self.key_file(domain);
        run(Command::new("openssl").args(["genrsa", "-out"]).arg(&file).arg("2048"));
        run(Command::new("chown").arg("opendkim").arg(&file));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let public = Command::new("openssl").args(["rsa", "-pubout", "-in"]).arg(&file).output().unwrap();
        assert!(public.status.success(), "{public:?}");
        String::from_utf8(public.stdout).unwrap().lines().filter(|line| !line.starts_with("---")).collect()
    }

    fn key_file(&self, domain: &str) -> PathBuf {
        self.folder.join(format!("{domain}.key"))
    }

    fn key_table(&self) -> String {
        let line =
            |(domain, _)| format!("{domain} {domain}:mail:{}\n", Path::display(&self.key_file(domain)));
        DOMAINS.map(line).concat()
    }

    /// In mode `s` what comes from this machine is signed; in mode `v` everything is verified, one mail at a time:
    /// OpenDKIM reads `ResolverConfiguration` anew for each mail with a parser that two threads must not share, and dies
    /// of two mails at once. So the desk's own mail, which comes over several connections, has a signer of its own.
    fn start_opendkim(&self, name: &str, port: u16, mode: &str, signing_table: &str) {
        self.write(&format!("{name}.signers"), signing_table);
        let (internal, resolver) = match mode {
            "s" => ("127.0.0.0/8", ""),
            _ => ("FOLDER/nobody", "ResolverConfiguration FOLDER/resolver.conf\n"),
        };
        let text = (resolver.to_owned() + OPENDKIM)
            .replace("INTERNAL", internal)
            .replace("NAME", name)
            .replace("PORT", &port.to_string())
            .replace("MODE", mode);
        let text = if name == "short" { text + "OmitHeaders To,Cc\n" } else { text };
        self.write(&format!("{name}.conf"), &self.filled(&text));
        self.daemon(name, "opendkim", &["-f", "-x", &format!("{name}.conf")]);
    }
}

/// An address of this machine on whose port 53 nobody listens, and which no test of this process was given.
fn free_resolver() -> String {
    static TAKEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut taken = TAKEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let taken = taken.get_or_insert_default();
    for _ in 0..100 {
        let [a, b, c, ..] = RandomState::new().hash_one(0).to_be_bytes();
        let address = format!("127.{}.{b}.{}", a | 1, c.clamp(1, 254));
        if !taken.contains(&address) && UdpSocket::bind((address.as_str(), 53)).is_ok() {
            taken.insert(address.clone());
            return address;
        }
    }
    panic!(
        "port 53 is taken on every address of 127.0.0.0/8, or may not be had: is a resolver bound to 0.0.0.0?"
    );
}

const UNBOUND: &str = "
server:
  interface: RESOLVER
  port: 53
  chroot: \"\"
  username: \"\"
  directory: \"FOLDER\"
  pidfile: \"\"
  use-syslog: no
  num-threads: 1
  module-config: \"iterator\"
  access-control: 127.0.0.0/8 allow
  local-zone: \".\" static
RECORDS
remote-control:
  control-enable: no
";

const RESOLVER_OF_OPENDKIM: &str = "
server:
  do-not-query-localhost: no
  module-config: \"iterator\"
forward-zone:
  name: \".\"
  forward-addr: RESOLVER
";

const OPENDKIM: &str = "Mode MODE
Socket inet:PORT@127.0.0.1
UserID opendkim
Syslog no
InternalHosts INTERNAL
AuthservID AUTHSERV_ID
AlwaysAddARHeader yes
KeyTable FOLDER/keys
SigningTable refile:FOLDER/NAME.signers
RequireSafeKeys no
SignHeaders *,+Message-ID,+List-Unsubscribe-Post
OversignHeaders From,In-Reply-To,References
";

const OPENDMARC: &str = "
Socket inet:PORT@127.0.0.1
UserID opendmarc
ChangeRootDirectory FOLDER/root
Syslog no
IgnoreHosts FOLDER/nobody
AuthservID AUTHSERV_ID
TrustedAuthservIDs AUTHSERV_ID
SPFIgnoreResults yes
SPFSelfValidate yes
RejectFailures no
";
