//! Where the demo plays: the people, the mail server with their accounts, the configuration file, the daemon.
//!
//! Knows no story.

use super::folder::Folder;
use super::server::{MailServer, ServerOptions};
use crate::clock::{Clock, Dice};
use crate::config;
use crate::daemon::{self, Daemon, StartError};
use crate::net::TcpDial;
use anyhow::{Context, anyhow};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

/// The desk's address.
pub(super) const DESK: &str = "soporte@andina.example";
/// The password of every account.
pub(super) const PASSWORD: &str = "demo";
/// The name with which the demo's mail server signs what it found out about a sender.
const AUTHSERV_ID: &str = "mx.andina.example";
/// Ports that are tried first, so that a viewer meets the same ones each time.
const IMAP_PORT: u16 = 1143;
const SMTP_PORT: u16 = 1025;
const WEB_PORT: u16 = 8025;
/// A port found free can be gone before the daemon takes it.
const STARTS_MAX: usize = 5;

/// Somebody who writes mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Someone {
    /// Display name.
    pub(super) name: &'static str,
    /// Address, which is also the login.
    pub(super) address: &'static str,
}

pub(super) const MARIA: Someone = Someone { name: "María Quispe", address: "maria@cliente.example" };
pub(super) const JOAO: Someone = Someone { name: "João Pereira", address: "joao@empresa.example" };
pub(super) const ANA: Someone = Someone { name: "Ana García", address: "ana@andina.example" };
pub(super) const LUIS: Someone = Someone { name: "Luís Souza", address: "luis@andina.example" };
pub(super) const STRANGER: Someone = Someone { name: "Max Curious", address: "max@elsewhere.example" };
pub(super) const ADMIN: Someone = Someone { name: "Admin", address: "admin@andina.example" };
pub(super) const YOU: Someone = Someone { name: "You", address: "you@visitor.example" };

/// Everybody with an account.
pub(super) const EVERYBODY: [Someone; 7] = [MARIA, JOAO, ANA, LUIS, STRANGER, ADMIN, YOU];

/// The mail server, the daemon at work against it, and their folder.
pub(super) struct Setting {
    pub(super) server: MailServer,
    pub(super) daemon: Daemon,
    /// What links begin with.
    pub(super) base_url: String,
    /// The configuration file.
    pub(super) config: PathBuf,
    /// The file with everybody's password.
    pub(super) password: PathBuf,
    /// Goes when this goes.
    _folder: Folder,
}

impl Setting {
    /// Starts everything; on the ports a viewer knows if `known_ports` and they are free.
    pub(super) async fn start(known_ports: bool) -> anyhow::Result<Self> {
        let server = mail_server(known_ports).await?;
        let folder = Folder::make()?;
        let password = folder.write("password", &format!("{PASSWORD}\n"))?;
        let mut failed = anyhow!("no port is free for the status page");
        for attempt in 0..STARTS_MAX {
            let port = free_port(if known_ports && attempt == 0 { WEB_PORT } else { 0 })?;
            let config = folder.write("config.toml", &configuration(&server, port))?;
            let meant = config::load(&config).map_err(|faults| anyhow!("{faults}"))?;
            let settings = daemon::settings(meant).map_err(|faults| anyhow!("{}", faults.join("\n")))?;
            match Daemon::start(settings, Clock::real(), Dice::real(), Arc::new(TcpDial)).await {
                Ok(daemon) => {
                    let base_url = format!("http://127.0.0.1:{port}");
                    return Ok(Self { server, daemon, base_url, config, password, _folder: folder });
                }
                Err(error @ StartError::Listen { .. }) => failed = error.into(),
                Err(error) => return Err(error.into()),
            }
        }
        Err(failed)
    }
}

async fn mail_server(known_ports: bool) -> anyhow::Result<MailServer> {
    let options = |imap_port, smtp_port| ServerOptions {
        imap_port,
        smtp_port,
        authserv_id: Some(AUTHSERV_ID.to_owned()),
        ..ServerOptions::default()
    };
    let wanted = if known_ports { (IMAP_PORT, SMTP_PORT) } else { (0, 0) };
    let server = match MailServer::start(options(wanted.0, wanted.1)).await {
        Ok(server) => server,
        Err(_) => MailServer::start(options(0, 0)).await.context("cannot listen on 127.0.0.1")?,
    };
    server.add_account(DESK, PASSWORD);
    for someone in EVERYBODY {
        server.add_account(someone.address, PASSWORD);
    }
    Ok(server)
}

/// `wanted` if it is free, else any port that is.
fn free_port(wanted: u16) -> anyhow::Result<u16> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    Ok(bound.and_then(|listener| listener.local_addr()).context("cannot listen on 127.0.0.1")?.port())
}

fn configuration(server: &MailServer, web_port: u16) -> String {
    let (imap, smtp) = (server.imap_port(), server.smtp_port());
    let (ana, luis) = (ANA, LUIS);
    format!(
        r##"# The demo's configuration. config.toml in the repository explains every key.
[desk]
name = "Cooperativa Andina"
domain = "andina.example"
database = "postdesk.db"
admins = ["{admin}"]
# A viewer does not want to wait for #undo.
hold_replies = "0s"

[limits]
# One after the other, so that the story reads in order.
smtp_connections = 1

[web]
listen = "127.0.0.1:{web_port}"
base_url = "http://127.0.0.1:{web_port}"

[smtp]
host = "127.0.0.1"
port = {smtp}
tls = "none"
user = "{DESK}"
password_file = "password"

[[agent]]
name = "{}"
address = "{}"
language = "es"

[[agent]]
name = "{}"
address = "{}"
language = "pt"

[[queue]]
name = "soporte"
address = "{DESK}"
language = "es"
time_zone = "America/Lima"
# A late reply opens a linked ticket at once, where it would otherwise reopen the old one for two weeks.
reopen = "never"
plus_addresses = true

[[mailbox]]
host = "127.0.0.1"
port = {imap}
tls = "none"
user = "{DESK}"
password_file = "password"
authserv_id = "{AUTHSERV_ID}"
"##,
        ana.name,
        ana.address,
        luis.name,
        luis.address,
        admin = ADMIN.address,
    )
}
