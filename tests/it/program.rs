//! The program as a process: started with a configuration, stopped or killed, its verbs called.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub struct Program {
    child: Child,
    config: PathBuf,
    log: PathBuf,
}

impl Program {
    /// Starts `postdesk run` with the configuration in `config`; its log goes to a file beside it.
    pub fn run(config: &Path) -> Self {
        let log = config.with_extension("log");
        let child = verb(config, &["run"])
            .env("POSTDESK_LOG", "info")
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, config: config.to_owned(), log }
    }

    /// Calls another verb beside it.
    pub fn call(&self, arguments: &[&str]) -> Output {
        verb(&self.config, arguments).output().unwrap()
    }

    /// As [`Self::call`], which must go well; what it printed.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.call(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{text}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        text
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Has it read its configuration again (SIGHUP); back when that is in force.
    pub fn reload(&self) {
        let times = |log: String| log.matches("was read again and is in force").count();
        let before = times(self.log());
        let status = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        crate::real::wait_until("the configuration to be read again", || {
            (times(self.log()) > before).then_some(())
        });
    }

    /// Asks it to stop (SIGTERM); its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A verb of the program, not yet started.
pub fn verb(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdesk"));
    command.arg("--config").arg(config).args(arguments);
    command
        .stdin(Stdio::null())
        .env_remove("NOTIFY_SOCKET")
        .env_remove("JOURNAL_STREAM")
        .env_remove("RUST_BACKTRACE");
    command
}
