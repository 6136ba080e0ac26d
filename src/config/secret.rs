//! Passwords: from a file, from systemd's credentials, or from a command; never from the command line, never in a log.

use secrecy::SecretString;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a secret's command may run. Token helpers ask a server on the network.
pub const COMMAND_MAX_SECS: u64 = 30;
/// Bytes read of a secret; OAuth tokens of some providers have several kilobytes.
pub const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(10);

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
    /// Everybody on this machine can read the file.
    #[error(
        "every user of this machine can read the secret in {0}; \"chmod o-r\" it, or chmod 600 and chown to postdesk's user"
    )]
    Open(PathBuf),
    /// `$CREDENTIALS_DIRECTORY` is not set.
    #[error(
        "credential {0:?} is wanted but $CREDENTIALS_DIRECTORY is not set: LoadCredential in the systemd unit sets it for the daemon; while that runs, root can say \"env CREDENTIALS_DIRECTORY=/run/credentials/postdesk.service postdesk …\""
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
    /// Reads the secret. Blocks for as long as the command runs, [`COMMAND_MAX_SECS`] at most: call it where waiting
    /// is allowed.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::File(path) => {
                fit(path)?;
                read_file(path)
            }
            // systemd hands credentials to the unit alone, so their mode needs no look.
            Self::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(dir) => read_file(&PathBuf::from(dir).join(name)),
                None => Err(SecretError::NoCredentials(name.clone())),
            },
            Self::Command(words) => run(words, Duration::from_secs(COMMAND_MAX_SECS)),
        }
    }
}

/// Whether `path` is a file fit to hold a secret: there, and not readable by everybody. A file that this process may
/// not even look at is taken to be fit, for an admin's check may run as another user than the daemon.
pub fn fit(path: &Path) -> Result<(), SecretError> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(()),
        Err(source) => return Err(SecretError::File { path: path.to_owned(), source }),
    };
    if metadata.is_dir() {
        let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(SecretError::File { path: path.to_owned(), source });
    }
    if metadata.is_file() && metadata.permissions().mode() & 0o004 != 0 && is_reachable_by_all(path) {
        return Err(SecretError::Open(path.to_owned()));
    }
    Ok(())
}

/// Whether every folder above `path` lets everybody through; behind one that does not, a file's own mode is no leak.
fn is_reachable_by_all(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return true };
    let lets_through =
        |folder: &Path| std::fs::metadata(folder).map_or(true, |data| data.permissions().mode() & 0o001 != 0);
    real.ancestors().skip(1).all(lets_through)
}

fn read_file(path: &Path) -> Result<SecretString, SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(SECRET_MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    first_line(&text, &path.display().to_string())
}

fn run(words: &[String], longest: Duration) -> Result<SecretString, SecretError> {
    let command = words.first().cloned().unwrap_or_default();
    let failed = |why: String| SecretError::Command { command: command.clone(), why };
    let mut child = Command::new(&command)
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let output = output_of(&mut child);
    match wait(&mut child, longest).map_err(|error| failed(error.to_string()))? {
        Some(status) if status.success() => {}
        Some(status) => return Err(failed(format!("{status}; run it by hand to see what it says"))),
        None => return Err(failed(format!("no end after {} seconds", longest.as_secs()))),
    }
    // A grandchild may hold the pipe open after the command has ended: then there is no end of output to wait for.
    let bytes =
        output.recv_timeout(Duration::from_secs(1)).map_err(|_| failed("its output never ended".into()))?;
    first_line(&String::from_utf8_lossy(&bytes), &format!("command {command:?}"))
}

/// Reads what `child` prints on a thread of its own, so that a full pipe never stops it.
fn output_of(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let (mut bytes, mut stdout) = (Vec::new(), stdout);
            let read = stdout.by_ref().take(SECRET_MAX_BYTES).read_to_end(&mut bytes);
            // What comes beyond is read and dropped: a closed pipe would make the command fail.
            if read.is_ok() && std::io::copy(&mut stdout, &mut std::io::sink()).is_ok() {
                let _ = sender.send(bytes);
            }
        });
    }
    receiver
}

/// Waits until `child` has ended; `None` when it had to be killed after `longest`.
fn wait(child: &mut Child, longest: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut waited = Duration::ZERO;
    while waited < longest {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(TICK);
        waited += TICK;
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn first_line(text: &str, place: &str) -> Result<SecretString, SecretError> {
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line)),
        _ => Err(SecretError::Empty(place.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn file(folder: &Path, mode: u32, text: &str) -> PathBuf {
        let path = folder.join("secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn sh(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_first_line_of_a_file_is_the_secret_and_spaces_inside_count() {
        let folder = tempfile::tempdir().unwrap();
        let source = SecretSource::File(file(folder.path(), 0o600, " two words \nsecond line\n"));
        assert_eq!(source.read().unwrap().expose_secret(), " two words");
    }

    #[test]
    fn a_file_that_everybody_can_read_is_refused_unless_its_folder_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), 0o644, "x");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(fit(&path).is_ok(), "nobody else comes this far");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = SecretSource::File(path).read().unwrap_err();
        assert!(matches!(error, SecretError::Open(_)), "{error}");
        assert!(error.to_string().contains("chmod o-r"), "{error}");
    }

    #[test]
    fn an_absent_or_empty_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let absent = SecretSource::File(folder.path().join("none")).read().unwrap_err();
        assert!(matches!(absent, SecretError::File { .. }), "{absent}");
        let empty = SecretSource::File(file(folder.path(), 0o600, "\nsecret\n")).read().unwrap_err();
        assert!(matches!(empty, SecretError::Empty(_)), "{empty}");
    }

    #[test]
    fn a_command_gives_its_first_line_and_its_output_is_bounded() {
        let source = SecretSource::Command(sh("echo hunter2; yes | head -c 200000"));
        assert_eq!(source.read().unwrap().expose_secret(), "hunter2");
    }

    #[test]
    fn a_failing_command_is_named_but_never_what_it_printed() {
        let error = SecretSource::Command(sh("echo hunter2; exit 3")).read().unwrap_err().to_string();
        assert!(error.contains("/bin/sh") && error.contains("exit status: 3"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let absent = SecretSource::Command(vec!["/no/such/program".into()]).read().unwrap_err();
        assert!(matches!(absent, SecretError::Command { .. }), "{absent}");
    }

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let error = run(&sh("exec sleep 600"), Duration::from_millis(50)).unwrap_err().to_string();
        assert!(error.contains("no end after"), "{error}");
    }
}
