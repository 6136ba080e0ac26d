//! The keys that say how a server is reached, the same in `[smtp]` and `[[mailbox]]`.
//!
//! Knows ports, protection and where secrets come from; connects to nothing.

use super::fault::shown;
use super::raw::{Placed, Section};
use super::secret::{self, SecretSource};
use super::{Server, Tls, values};
use std::path::Path;
use toml::de::DeValue;

/// What is spoken with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Mail in.
    Imap,
    /// Mail out.
    Smtp,
}

const TLS: [(&str, Tls); 3] = [("implicit", Tls::Implicit), ("starttls", Tls::StartTls), ("none", Tls::None)];

const SOURCES: [&str; 3] = ["password_file", "password_credential", "password_command"];
const SOURCES_RIGHT: &str = "exactly one of password_file, password_credential, password_command";

/// Reads the server's keys of `section`. `None` when one is wrong or missing, which is noted.
pub(super) fn server(section: &Section<'_>, protocol: Protocol) -> Option<Server> {
    let host = host(section);
    let tls = section.choice("tls", &TLS, Tls::Implicit);
    let port = section.number("port", 1..=65535).and_then(|port| u16::try_from(port).ok());
    let ca_file = section.path("ca_file", is_certificate);
    let user = section.text("user");
    let secret = secret_source(section);
    let oauth = section.flag("oauth", false);
    login_faults(section, protocol, user.is_some(), oauth);
    let tls = tls?;
    port_faults(section, port, tls);
    if let Some(host) = &host
        && tls == Tls::None
        && !values::is_loopback(&host.value)
    {
        let found = format!("tls = \"none\" to {}", shown(&host.value));
        section.fault(
            section.line_of("tls"),
            found,
            "\"implicit\" or \"starttls\"; without TLS only to this machine",
        );
    }
    Some(Server {
        host: host?.value,
        port: port.unwrap_or(default_port(protocol, tls)),
        tls,
        ca_file,
        user: user.map(|user| user.value),
        secret,
        oauth,
    })
}

fn host(section: &Section<'_>) -> Option<Placed<String>> {
    let right = "a host name or address without port, such as \"mail.example.org\"";
    if !section.has("host") {
        section.missing("host", "\"mail.example.org\"");
    }
    section.get("host", right, |value| values::line(value.as_str()?).filter(|host| values::is_host(host)))
}

fn default_port(protocol: Protocol, tls: Tls) -> u16 {
    match (protocol, tls) {
        (Protocol::Imap, Tls::Implicit) => 993,
        (Protocol::Imap, Tls::StartTls | Tls::None) => 143,
        (Protocol::Smtp, Tls::Implicit) => 465,
        (Protocol::Smtp, Tls::StartTls) => 587,
        (Protocol::Smtp, Tls::None) => 25,
    }
}

/// A registered port that speaks the other kind of TLS: the connection would hang until its time-out.
fn port_faults(section: &Section<'_>, port: Option<u16>, tls: Tls) {
    let Some(port) = port else { return };
    let right = match (tls, port) {
        (Tls::Implicit, 25 | 143 | 587) => "tls = \"starttls\", which is what this port speaks",
        (Tls::StartTls, 465 | 993) => "tls = \"implicit\", which is what this port speaks",
        _ => return,
    };
    section.fault(section.line_of("port"), format!("port = {port} with the other kind of TLS"), right);
}

fn login_faults(section: &Section<'_>, protocol: Protocol, user: bool, oauth: bool) {
    let given: Vec<&str> = SOURCES.into_iter().filter(|key| section.has(key)).collect();
    if protocol == Protocol::Imap && !section.has("user") {
        section.missing("user", "the name to log in with");
    }
    match given.as_slice() {
        [] if user && !section.holds_secret() => {
            section.lack(format!("{} with a user but no password", section.head), SOURCES_RIGHT);
        }
        [key] if !section.has("user") && protocol == Protocol::Smtp => {
            section.fault(
                section.line_of(key),
                format!("{key} without user"),
                "both, or neither where the relay wants no login",
            );
        }
        [_, second, ..] => {
            section.fault(
                section.line_of(second),
                format!("{} together", given.join(" and ")),
                SOURCES_RIGHT,
            );
        }
        _ => {}
    }
    if oauth && protocol == Protocol::Smtp && !section.has("user") {
        section.fault(section.line_of("oauth"), "oauth without user", "the user whose access token it is");
    }
}

fn secret_source(section: &Section<'_>) -> Option<SecretSource> {
    let file = section.path("password_file", is_private).map(SecretSource::File);
    let right = "the name given to LoadCredential in the systemd unit: letters, digits, '.', '-', '_'";
    let credential = section.get("password_credential", right, |value| credential(value.as_str()?));
    let right = "a list of words, for it is run without a shell: [\"program\", \"argument\"]";
    let command = section.get("password_command", right, words);
    file.or(credential.map(|name| SecretSource::Credential(name.value)))
        .or(command.map(|words| SecretSource::Command(words.value)))
}

/// A credential's name: a file name, never a way out of the folder.
fn credential(name: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && !name.starts_with('.') && name.chars().all(good)).then(|| name.to_owned())
}

fn words(value: &DeValue<'_>) -> Option<Vec<String>> {
    let word = |word: &toml::Spanned<DeValue<'_>>| word.get_ref().as_str().map(str::to_owned);
    let words = value.as_array()?.iter().map(word).collect::<Option<Vec<_>>>()?;
    words.first().is_some_and(|program| !program.trim().is_empty()).then_some(words)
}

fn is_certificate(path: &Path) -> Result<(), (String, String)> {
    let right = "a PEM file with the certificate authority's certificates".to_owned();
    match std::fs::read(path) {
        Ok(bytes) if String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") => Ok(()),
        Ok(_) => Err(("which holds no certificate".to_owned(), right)),
        Err(error) => Err((format!("which cannot be read: {error}"), right)),
    }
}

fn is_private(path: &Path) -> Result<(), (String, String)> {
    secret::fit(path).map_err(|error| {
        (format!("which does not do: {error}"), "a file that only Postdesk's user can read".to_owned())
    })
}
