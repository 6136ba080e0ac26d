//! Passwords: from a file, from systemd's credentials, or from a command; never from the command line, never in a log.

use secrecy::SecretString;
use std::path::PathBuf;
use std::process::Command;

/// Where a secret comes from. Read anew at each login, so that it can be changed while the daemon runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The first line of a file.
    File(PathBuf),
    /// A file of this name in `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential`).
    Credential(String),
    /// The first line that this command prints; run without a shell.
    Command(Vec<String>),
}

/// Why a secret could not be read. Never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file could not be read.
    #[error("cannot read the secret in {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `$CREDENTIALS_DIRECTORY` is not set.
    #[error(
        "credential {0:?} is wanted but $CREDENTIALS_DIRECTORY is not set; is LoadCredential in the systemd unit?"
    )]
    NoCredentials(String),
    /// The command did not run or failed.
    #[error("the secret's command {command:?} failed: {why}")]
    Command {
        /// Its first word.
        command: String,
        /// What happened; not what it printed.
        why: String,
    },
    /// There was nothing in it.
    #[error("the secret from {0} is empty")]
    Empty(String),
}

impl SecretSource {
    /// Reads the secret. Blocks for as long as the command runs.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::File(path) => read_file(path.clone()),
            Self::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(dir) => read_file(PathBuf::from(dir).join(name)),
                None => Err(SecretError::NoCredentials(name.clone())),
            },
            Self::Command(words) => run(words),
        }
    }
}

fn read_file(path: PathBuf) -> Result<SecretString, SecretError> {
    let text =
        std::fs::read_to_string(&path).map_err(|source| SecretError::File { path: path.clone(), source })?;
    first_line(&text, &path.display().to_string())
}

fn run(words: &[String]) -> Result<SecretString, SecretError> {
    let command = words.first().cloned().unwrap_or_default();
    let failed = |why: String| SecretError::Command { command: command.clone(), why };
    let output = Command::new(&command)
        .args(words.iter().skip(1))
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    first_line(&String::from_utf8_lossy(&output.stdout), &format!("command {command:?}"))
}

fn first_line(text: &str, place: &str) -> Result<SecretString, SecretError> {
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line)),
        _ => Err(SecretError::Empty(place.to_owned())),
    }
}
