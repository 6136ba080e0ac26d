//! What the tests of the edges share: servers with accounts, the configuration that reaches them, short waits.

use postdesk::config::secret::SecretSource;
use postdesk::config::{Server, Tls};
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::imap::Session;
use postdesk::net::TcpDial;
use postdesk::{imap, smtp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub const DESK: &str = "desk@example.org";
pub const SECRET: &str = "pa\"ss \\ word";

/// Long enough for a loaded machine, short enough for a test that waits for it.
pub const SHORT: Duration = Duration::from_millis(500);
pub const LONG: Duration = Duration::from_secs(20);

pub const IMAP_WAITS: imap::Waits =
    imap::Waits { handshake: LONG, greeting: LONG, command: LONG, mail: LONG, stall: LONG, idle: LONG };
pub const IMAP_IMPATIENT: imap::Waits =
    imap::Waits { handshake: SHORT, greeting: SHORT, command: SHORT, mail: SHORT, stall: SHORT, idle: SHORT };
pub const SMTP_WAITS: smtp::Waits = smtp::Waits { handshake: LONG, command: LONG, quit: SHORT, mail: LONG };
pub const SMTP_IMPATIENT: smtp::Waits =
    smtp::Waits { handshake: SHORT, command: SHORT, quit: SHORT, mail: SHORT };

pub fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls").join(name)
}

/// A TLS server's side with one of the certificates in `tests/it/tls`.
pub fn certificate(name: &str) -> Arc<rustls::ServerConfig> {
    let file = tls_file(name);
    let chain = CertificateDer::pem_file_iter(&file).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&file).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A server with the desk's account.
pub async fn server(options: ServerOptions) -> MailServer {
    let server = MailServer::start(options).await.unwrap();
    server.add_account(DESK, SECRET);
    server
}

pub async fn plain() -> MailServer {
    server(ServerOptions::default()).await
}

pub fn secured(tls: Tls, file: &str) -> ServerOptions {
    ServerOptions {
        certificate: Some(certificate(file)),
        imap_tls: tls,
        smtp_tls: tls,
        ..ServerOptions::default()
    }
}

/// A secret in a file that lives as long as the test process.
pub fn secret(word: &str) -> SecretSource {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), word).unwrap();
    SecretSource::File(file.into_temp_path().keep().unwrap())
}

pub fn to(port: u16, tls: Tls) -> Server {
    Server {
        host: "localhost".to_owned(),
        port,
        tls,
        ca_file: Some(tls_file("ca.pem")),
        user: Some(DESK.to_owned()),
        secret: Some(secret(SECRET)),
        oauth: false,
    }
}

pub async fn session(server: &MailServer) -> Session {
    session_with(server, IMAP_WAITS).await
}

pub async fn session_with(server: &MailServer, waits: imap::Waits) -> Session {
    Session::open_with(&to(server.imap_port(), Tls::None), &TcpDial, waits).await.unwrap()
}

pub async fn connection(server: &MailServer) -> smtp::Connection {
    connection_with(server, SMTP_WAITS).await
}

pub async fn connection_with(server: &MailServer, waits: smtp::Waits) -> smtp::Connection {
    let at = to(server.smtp_port(), Tls::None);
    smtp::Connection::open_with(&at, "desk.example.org", &TcpDial, waits).await.unwrap()
}

/// Fetches into memory.
pub async fn fetch(
    session: &mut Session,
    uids: &[u32],
    max_bytes: u64,
) -> Result<(Vec<(u32, Vec<u8>)>, Vec<u32>), imap::ImapError> {
    let (sink, mut mails) = tokio::sync::mpsc::channel(1);
    let collect = async {
        let mut all = Vec::new();
        while let Some(mail) = mails.recv().await {
            all.push(mail);
        }
        all
    };
    let fetching = async move {
        let sink = sink;
        session.fetch(uids, max_bytes, &sink).await
    };
    let (gone, all) = tokio::join!(fetching, collect);
    Ok((all, gone?))
}

pub fn mail(n: usize) -> Vec<u8> {
    format!("From: Ana <ana@example.com>\r\nTo: {DESK}\r\nSubject: {n}\r\n\r\nHola {n}\r\n").into_bytes()
}
