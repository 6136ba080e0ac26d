//! The daemon as a process of its own, which can be killed at any moment, also by the kernel at its n-th system call.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tempfile::TempDir;

/// The program, in a copy that a build in the meantime does not replace.
pub fn binary() -> &'static Path {
    static COPY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = COPY.get_or_init(|| {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("postdesk");
        std::fs::copy(env!("CARGO_BIN_EXE_postdesk"), &path).unwrap();
        (dir, path)
    });
    path
}

/// The daemon, or none between two lives.
#[derive(Clone)]
pub struct Process {
    config: PathBuf,
    child: Arc<Mutex<Option<Child>>>,
}

impl Process {
    pub fn new(config: &Path) -> Self {
        Self { config: config.to_owned(), child: Arc::default() }
    }

    /// Starts it; under `strace`, which steps aside so that the child is the daemon itself, when something is to happen
    /// at a system call: `fsync:signal=SIGKILL:when=3` in strace's own words.
    pub fn start(&self, at: Option<&str>) {
        let dir = self.config.parent().unwrap();
        let log = std::fs::File::options().create(true).append(true).open(dir.join("log")).unwrap();
        let binary = binary();
        let mut command = match at {
            None => Command::new(binary),
            Some(inject) => {
                let calls = inject.split(':').next().unwrap();
                let mut strace = Command::new("strace");
                strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
                strace.args(["-e", &format!("inject={inject}")]);
                strace.arg(binary);
                strace
            }
        };
        command.arg("--config").arg(&self.config).arg("run").env("POSTDESK_LOG", "info");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        *self.lock() = Some(child);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SIGKILL, without a word.
    pub fn kill(&self) {
        if let Some(child) = self.lock().as_mut() {
            let _ = child.kill();
        }
    }

    /// Whether it runs. One that has ended is waited for and forgotten.
    pub fn runs(&self) -> bool {
        let mut child = self.lock();
        let running = child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none());
        if !running {
            *child = None;
        }
        running
    }

    /// Kills it and waits for its end.
    pub fn end(&self) {
        self.kill();
        if let Some(mut child) = self.lock().take() {
            let _ = child.wait();
        }
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_file_name("log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if Arc::strong_count(&self.child) == 1 {
            self.end();
        }
    }
}
