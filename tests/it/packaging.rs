//! The systemd unit and the Debian package, read as text: what the manual promises stands there, and what is named
//! exists. Where systemd is installed, it judges the unit as well.

use postdesk::config::load;
use postdesk::config::secret::SecretSource;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn unit_path() -> PathBuf {
    root().join("packaging/postdesk.service")
}

/// `(section, key, value)` of each line.
fn unit() -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(unit_path()).unwrap();
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once('=') {
            Some((key, value)) => lines.push((section.clone(), key.to_owned(), value.to_owned())),
            None => line.trim_matches(['[', ']']).clone_into(&mut section),
        }
    }
    lines
}

fn values(key: &str) -> Vec<String> {
    unit().into_iter().filter(|(_, name, _)| name == key).map(|(_, _, value)| value).collect()
}

#[test]
fn the_unit_keeps_what_the_manual_promises() {
    let wanted = [
        ("Type", "notify"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "postdesk"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallArchitectures", "native"),
        ("WantedBy", "multi-user.target"),
    ];
    for (key, value) in wanted {
        assert_eq!(values(key), [value], "{key}");
    }
    for key in ["WatchdogSec", "MemoryMax", "TimeoutStopSec", "TasksMax"] {
        assert_eq!(values(key).len(), 1, "{key}");
    }
    assert_eq!(values("SystemCallFilter"), ["@system-service", "~@privileged @resources"]);
    assert_eq!(values("ExecReload").last().unwrap(), "/bin/kill -HUP $MAINPID");
    assert!(unit().iter().all(|(section, ..)| ["Unit", "Service", "Install"].contains(&section.as_str())));
}

#[test]
fn the_unit_starts_the_program_with_the_packaged_configuration() {
    let start = values("ExecStart").remove(0);
    let words: Vec<&str> = start.split_whitespace().skip(1).collect();
    let help = Command::new(env!("CARGO_BIN_EXE_postdesk")).args(&words).arg("--help").output().unwrap();
    assert!(help.status.success(), "{start}: {}", String::from_utf8_lossy(&help.stderr));
    assert!(
        start.starts_with("/usr/bin/postdesk ") && words.contains(&"/etc/postdesk/config.toml"),
        "{start}"
    );
}

#[test]
fn the_unit_loads_the_credentials_that_the_sample_names() {
    let config = load(&root().join("config.toml")).unwrap();
    let servers =
        std::iter::once(&config.smtp.server).chain(config.mailboxes.iter().map(|mailbox| &mailbox.server));
    let mut named: Vec<String> = servers
        .filter_map(|server| match &server.secret {
            Some(SecretSource::Credential(name)) => Some(name.clone()),
            _ => None,
        })
        .collect();
    named.sort();
    let mut loaded: Vec<String> =
        values("LoadCredential").iter().map(|line| line.split_once(':').unwrap().0.to_owned()).collect();
    loaded.sort();
    assert_eq!(named, loaded);
    assert_eq!(
        config.desk.database,
        Path::new("/var/lib").join(values("StateDirectory").remove(0)).join("postdesk.db")
    );
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        eprintln!("systemd is not installed: the unit was judged by its text alone");
        return;
    };
    assert!(version.status.success());
    // The program is not installed where tests run: the unit is judged with the one that was built.
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("postdesk.service");
    let text = std::fs::read_to_string(unit_path()).unwrap();
    std::fs::write(&unit, text.replace("/usr/bin/postdesk", env!("CARGO_BIN_EXE_postdesk"))).unwrap();
    let verdict = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&verdict.stderr);
    let about_us: Vec<&str> = said.lines().filter(|line| line.contains("postdesk")).collect();
    assert!(about_us.is_empty(), "{said}");
}

#[test]
fn what_the_package_installs_exists() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    for asset in deb["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        assert!(source == "target/release/postdesk" || root().join(source).exists(), "{source}");
    }
    let scripts = root().join(deb["maintainer-scripts"].as_str().unwrap());
    assert!(scripts.join("postdesk.service").exists(), "cargo-deb looks for the unit beside the scripts");
}
