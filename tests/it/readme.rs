//! What the manuals name exists: commands and their options, files that are linked, lines of the log.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const MANUALS: [&str; 2] = ["README.md", "docs/operating.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

/// Every `postdesk …` of a manual: in code spans and on lines of code.
fn commands(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced || line.starts_with("    ") {
            let line = line.split(" #").next().unwrap().replace("&&", "\n");
            for part in line.lines() {
                let part = part.trim().trim_start_matches("$ ").trim_start_matches("sudo ");
                let part = part.split_once("postdesk.service ").map_or(part, |(_, rest)| rest);
                found.extend(part.starts_with("postdesk ").then(|| part.to_owned()));
            }
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.filter(|span| span.starts_with("postdesk ")).map(str::to_owned));
        }
    }
    found
}

/// The help of the command that `words` begin with, and how many of them name it.
fn help(words: &[&str]) -> (String, usize) {
    let ask = |path: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_postdesk")).args(path).arg("--help").output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    };
    let first = ask(&words[..1]).unwrap_or_else(|| panic!("there is no verb in: {}", words.join(" ")));
    if !first.contains("Commands:") {
        return (first, 1);
    }
    let both = words.get(..2).unwrap_or_else(|| panic!("{} lacks its second word", words[0]));
    (ask(both).unwrap_or_else(|| panic!("there is no {}", both.join(" "))), 2)
}

#[test]
fn every_command_of_the_manuals_exists() {
    for manual in MANUALS {
        let commands = commands(&text(manual));
        assert!(!commands.is_empty(), "{manual}");
        for command in &commands {
            let mut words: Vec<&str> = command.split_whitespace().skip(1).collect();
            if words[0] == "--config" {
                words.drain(..2);
            }
            let (help, named) = help(&words);
            for option in words[named..].iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{manual}: {command}: there is no {option}");
            }
            let wanted = help.lines().find(|line| line.starts_with("Usage:")).unwrap().matches('<').count();
            let given = words[named..].iter().filter(|word| !word.starts_with("--")).count();
            let promised = words.iter().any(|word| word.chars().all(char::is_uppercase));
            assert!(!promised || given >= wanted, "{manual}: {command}: wants {wanted} words: {help}");
        }
    }
}

#[test]
fn the_manual_tells_of_every_verb() {
    let output = Command::new(env!("CARGO_BIN_EXE_postdesk")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let list = help.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let manual = text("docs/operating.md");
    let verbs = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    for verb in verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help") {
        assert!(manual.contains(&format!("`postdesk {verb}")), "{verb}");
    }
}

#[test]
fn the_readme_names_the_two_commands() {
    let readme = text("README.md");
    for command in ["    cargo run --release -- demo\n", "    make test\n"] {
        assert!(readme.contains(command), "{command}");
    }
    let makefile = text("Makefile");
    assert!(makefile.lines().any(|line| line.starts_with("test:")), "{makefile}");
}

#[test]
fn installation_takes_ten_lines() {
    let readme = text("README.md");
    let section =
        readme.split_once("## Installation under systemd\n").unwrap().1.split_once("\n## ").unwrap().0;
    assert_eq!(section.lines().filter(|line| line.starts_with("    ")).count(), 10);
}

#[test]
fn what_the_manuals_link_exists() {
    for manual in MANUALS {
        let folder = root().join(manual).parent().unwrap().to_owned();
        for link in text(manual).split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            assert!(link.starts_with("http") || folder.join(link).exists(), "{manual}: {link}");
        }
    }
}

fn source(folder: &Path, into: &mut String) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            source(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_log_lines_of_the_manual_stand_in_the_source() {
    let mut all = String::new();
    source(&root().join("src"), &mut all);
    let manual = text("docs/operating.md");
    let table = manual.split_once("| line | meaning |").unwrap().1.split_once("\n\n").unwrap().0;
    let mut checked = 0;
    for line in table.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()) {
        // What stands between the parts that differ: numbers, names, reasons.
        let varying = |word: &str| word == "…" || word.chars().all(|c| c.is_uppercase() || "():".contains(c));
        let words: Vec<&str> = line.split(' ').collect();
        for piece in words.split(|word| varying(word)).filter(|piece| piece.len() > 2) {
            let piece = piece.join(" ");
            assert!(all.contains(piece.trim_end_matches(':')), "{line}: {piece:?} is not in the source");
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked}");
}
