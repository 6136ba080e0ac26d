//! `tests/bad-configs/NAME.toml` beside `NAME.txt`: the complaints, exactly, one a line. The first line of each file
//! says in a comment what is wrong. `POSTDESK_WRITE_EXPECTED=1` writes the complaints anew, to be read before they
//! are committed.

use postdesk::config::{load, parse};
use std::path::{Path, PathBuf};

/// What stands in bad configs where a password would.
const PASSWORD: &str = "hunter2";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad-configs")
}

fn all() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn complaints(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap();
    match parse(&text, Path::new(name)) {
        Ok(_) => "no complaint".to_owned(),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn every_bad_config_gets_its_complaints() {
    let files = all();
    assert!(files.len() >= 25, "{}", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let said = complaints(&path);
        let expected = path.with_extension("txt");
        if std::env::var_os("POSTDESK_WRITE_EXPECTED").is_some() {
            std::fs::write(&expected, format!("{said}\n")).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if expected.trim_end() != said {
            wrong.push(format!("--- {}\nexpected:\n{expected}\nsaid:\n{said}\n", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ten_faults_are_named_at_once_in_the_order_of_their_lines() {
    let said = complaints(&folder().join("ten-faults.toml"));
    let lines: Vec<usize> =
        said.lines().map(|line| line.split(':').nth(1).unwrap().parse().unwrap_or_default()).collect();
    assert_eq!(lines.len(), 10, "{said}");
    assert!(lines.is_sorted(), "{said}");
}

#[test]
fn no_complaint_shows_a_password() {
    let holding = all().into_iter().filter(|path| std::fs::read_to_string(path).unwrap().contains(PASSWORD));
    let shown: Vec<PathBuf> = holding.clone().filter(|path| complaints(path).contains(PASSWORD)).collect();
    assert!(holding.count() >= 3);
    assert!(shown.is_empty(), "{shown:?}");
}

#[test]
fn files_that_are_named_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = r#"
        [desk]
        name = "Example"
        domain = "example.org"
        templates = "no-such-folder"
        [smtp]
        host = "mail.example.org"
        ca_file = "config.toml"
        user = "desk"
        password_file = "no-such-file"
        [[agent]]
        address = "ana@example.org"
        [[queue]]
        name = "soporte"
        address = "soporte@example.org"
    "#;
    std::fs::write(&path, text).unwrap();
    let faults = load(&path).unwrap_err();
    let lines: Vec<usize> = faults.0.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [5, 8, 10], "{faults}");
    assert!(parse(text, &path).is_ok(), "parse touches no file");
}

#[test]
fn a_file_that_is_absent_or_no_text_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    assert!(load(&path).unwrap_err().to_string().contains("nothing to read"));
    std::fs::write(&path, b"[desk]\nname = \"\xff\"\n").unwrap();
    let faults = load(&path).unwrap_err();
    assert_eq!(faults.0[0].line, 2, "{faults}");
    std::fs::write(&path, "").unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("[desk] without name"));
}
