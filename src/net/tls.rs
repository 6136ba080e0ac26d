//! TLS for a stream that is already open: the system's roots plus a file of the admin's, and refusals that say what to
//! mend.
//!
//! Roots are read anew at each connection (some milliseconds, connections are kept), so that a renewed file counts
//! without a restart.

use super::BoxStream;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long the TLS handshake may take.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(30);

/// Why there is no protected connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The admin's file of roots.
    #[error("cannot read the certificates in {path}: {why}")]
    CaFile {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Neither the system nor the admin names a root.
    #[error("no root certificates: install the system's (package ca-certificates) or set ca_file")]
    NoRoots,
    /// The host is no name that a certificate can hold.
    #[error("{0:?} is neither a host name nor an address")]
    Name(String),
    /// The server's certificate does not hold.
    #[error("the certificate of {host} {fault}")]
    Certificate {
        /// The name that was asked for.
        host: String,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// `tls = "none"` towards another machine.
    #[error("{0} is not this machine: tls = \"none\" is for loopback addresses only")]
    PlainRefused(String),
    /// The handshake went wrong otherwise.
    #[error("the TLS handshake with {host} failed: {why}")]
    Handshake {
        /// The name that was asked for.
        host: String,
        /// What rustls or the connection said.
        why: String,
        /// Whether the connection ended or stalled, which trying again may mend.
        temporary: bool,
    },
}

impl TlsError {
    /// Whether trying again is pointless until somebody changes a file or a certificate.
    pub fn is_config(&self) -> bool {
        !matches!(self, Self::Handshake { temporary: true, .. })
    }
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Its time is over.
    #[error("has expired: renew it on the server")]
    Expired,
    /// Its time has not begun.
    #[error("is not valid yet: is the clock of this machine right?")]
    NotYetValid,
    /// Nobody we trust signed it.
    #[error("is signed by nobody this machine trusts: set ca_file to the issuer's certificate")]
    UnknownIssuer,
    /// It belongs to another name.
    #[error("is not for this name (it is for: {0}): set host to a name the certificate holds")]
    WrongName(String),
    /// Its issuer took it back.
    #[error("has been revoked")]
    Revoked,
    /// Anything else.
    #[error("is not acceptable: {0}")]
    Other(String),
}

/// Shakes hands over `stream` with the server called `host`, for `most` at the longest.
pub async fn secure(
    stream: BoxStream,
    host: &str,
    ca_file: Option<&Path>,
    most: Duration,
) -> Result<BoxStream, TlsError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| TlsError::Name(host.to_owned()))?;
    let file = ca_file.map(Path::to_owned);
    let config = tokio::task::spawn_blocking(move || client_config(file.as_deref()))
        .await
        .map_err(|error| handshake(host, error.to_string(), true))??;
    let connect = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match timeout(most, connect).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(explain(host, &error)),
        Err(_) => Err(handshake(host, "no answer in time".to_owned(), true)),
    }
}

fn handshake(host: &str, why: String, temporary: bool) -> TlsError {
    TlsError::Handshake { host: host.to_owned(), why, temporary }
}

fn explain(host: &str, error: &io::Error) -> TlsError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            TlsError::Certificate { host: host.to_owned(), fault: fault_of(fault) }
        }
        Some(other) => handshake(host, other.to_string(), false),
        None => handshake(host, error.to_string(), true),
    }
}

fn fault_of(error: &CertificateError) -> CertificateFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::NotValidForName => CertificateFault::WrongName("another name".to_owned()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            CertificateFault::WrongName(presented.join(", "))
        }
        CertificateError::Revoked => CertificateFault::Revoked,
        // A certificate that is its own authority, as `openssl req -x509` makes: unknown until put in ca_file.
        CertificateError::Other(OtherError(_)) => CertificateFault::UnknownIssuer,
        other => CertificateFault::Other(other.to_string()),
    }
}

/// Blocks while it reads the roots.
fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let own = ca_file.map(read_roots).transpose()?.unwrap_or_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(own.iter().cloned());
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(roots, own, Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| handshake("this machine", error.to_string(), false))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why: String| TlsError::CaFile { path: path.to_owned(), why };
    let found = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| failed(error.to_string()))?;
    if found.is_empty() { Err(failed("there is none in it".to_owned())) } else { Ok(found) }
}

/// rustls's own verifier, and one thing more: a certificate that stands itself in `ca_file` holds for the names in
/// it. Self-signed certificates usually call themselves an authority, and webpki never takes an authority for a
/// server. Time is still checked: webpki looks at it before it looks at that.
#[derive(Debug)]
struct Verifier {
    strict: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(
        roots: RootCertStore,
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| TlsError::NoRoots)?;
        Ok(Self { strict, own })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.own.iter().any(|own| own.as_ref() == end_entity.as_ref()) =>
            {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
