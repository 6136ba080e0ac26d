//! What the account of reliability names exists: each test, and the command that makes its figures.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the tests in `file`: what stands behind an attribute that makes a test of it.
fn tests_in(file: &Path) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
        let line = line.trim();
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !line.starts_with('#')) {
            names.push(rest.split('(').next().unwrap().to_owned());
            is_test = false;
        }
    }
    names
}

/// The file of a module of these tests.
fn file_of(modules: &[&str]) -> PathBuf {
    let path = root().join("tests/it").join(modules.join("/"));
    let folder = path.join("mod.rs");
    if folder.exists() { folder } else { path.with_extension("rs") }
}

#[test]
fn every_test_that_the_account_names_exists() {
    let text = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let mut checked = 0;
    for span in text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
        let path: Vec<&str> = span.split("::").collect();
        let (Some((name, modules)), true) = (path.split_last(), path.len() > 1) else { continue };
        // `mail::LIMITS` is a constant of the source and no test.
        if name.chars().all(char::is_uppercase) {
            continue;
        }
        let tests = tests_in(&file_of(modules));
        let there = if *name == "*" { !tests.is_empty() } else { tests.iter().any(|test| test == name) };
        assert!(there, "{span} is no test");
        checked += 1;
    }
    assert!(checked > 30, "{checked}");
    assert!(std::fs::read_to_string(root().join("Makefile")).unwrap().contains("\nsoak:"));
}
