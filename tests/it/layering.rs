//! The layout is law: a module names only modules declared above it, the modules of a folder name each other in no
//! circle, pure modules touch nothing outside, and some crates have one user each. Read from the tokens of the source, without comments, texts and test code.

mod rust;

use rust::{Code, Path, code};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path as FilePath, PathBuf};

/// Modules that decide and compute: no clock, dice, file, socket or database (promise 10).
const PURE: [&str; 6] = ["address", "language", "retry", "mail", "desk", "compose"];

/// What a pure module must not name, and any path that begins so.
const IMPURE: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::os",
    "std::io::stdin",
    "std::io::stdout",
    "tokio",
    "rusqlite",
    "getrandom",
    "crate::clock::Clock::real",
    "crate::clock::Dice::real",
    "jiff::Timestamp::now",
];

/// What a pure module must not name wherever it comes from.
const IMPURE_NAMES: [&str; 2] = ["SystemTime", "Instant"];

/// Crates, or parts of them, with one user each.
const ONE_USER: [(&str, &str); 10] = [
    ("mail_parser", "mail"),
    ("tera", "compose"),
    ("rusqlite", "store"),
    ("async_imap", "imap"),
    ("lettre::transport", "smtp"),
    ("lettre::SmtpTransport", "smtp"),
    ("lettre::AsyncSmtpTransport", "smtp"),
    ("lettre::AsyncTransport", "smtp"),
    ("axum", "web"),
    ("getrandom", "clock"),
];

/// Circles inside folders that are still there. The list only shrinks.
const KNOWN_CIRCLES: [&str; 1] = ["imap::response -> imap::wire -> imap::response"];

/// A module's place: `["mail", "parse"]`.
type Module = Vec<String>;

/// The source of a crate by module. The root is the empty place.
struct Source {
    files: Vec<(Module, Code)>,
    /// The modules declared in each module, in order.
    declared: HashMap<Module, Vec<String>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// Names a module below its own.
    Order(String),
    /// A pure module names something outside.
    Impure(String),
    /// A crate has a second user.
    SecondUser(String),
}

impl Source {
    /// From files named relative to `src/`; `main.rs`, a crate of its own, and files of tests are left out.
    fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut files: Vec<(Module, Code)> = files
            .into_iter()
            .filter(|(name, _)| name != "main.rs" && !name.starts_with("bin/"))
            .map(|(name, text)| (module_of(&name), code(&text)))
            .collect();
        let of_tests: Vec<Module> = files
            .iter()
            .flat_map(|(module, code)| code.test_modules.iter().map(|name| child(module, name)))
            .collect();
        files.retain(|(module, _)| !of_tests.iter().any(|test| module.starts_with(test)));
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let declared = files.iter().map(|(module, code)| (module.clone(), code.modules.clone())).collect();
        Self { files, declared }
    }

    fn faults(&self) -> Vec<Fault> {
        let of_file = |(module, code): &(Module, Code)| {
            code.paths.iter().filter_map(|path| self.fault(module, path)).collect::<Vec<_>>()
        };
        self.files.iter().filter(|(module, _)| !module.is_empty()).flat_map(of_file).collect()
    }

    fn fault(&self, module: &Module, path: &Path) -> Option<Fault> {
        let place = format!("{}:{}", module.join("::"), path.line);
        let target = absolute(module, path);
        if let Some(target) = &target
            && let Some(fault) = self.order_fault(module, target, &place)
        {
            return Some(fault);
        }
        let name = target.map_or(path.segments.join("::"), |target| format!("crate::{}", target.join("::")));
        let top = module.first()?.as_str();
        let begins = |with: &&str| name == **with || name.starts_with(&format!("{with}::"));
        if PURE.contains(&top)
            && (IMPURE.iter().any(begins)
                || path.segments.iter().any(|segment| IMPURE_NAMES.contains(&segment.as_str()))
                || ["Clock::real", "Dice::real"].contains(&name.as_str()))
        {
            return Some(Fault::Impure(format!("{place} names {name}, but {top} is pure")));
        }
        let (krate, user) = ONE_USER.iter().find(|(krate, user)| begins(krate) && *user != top)?;
        Some(Fault::SecondUser(format!("{place} names {name}, but only {user} may use {krate}")))
    }

    /// The module at the top of `target` must not be declared below that of `module`.
    fn order_fault(&self, module: &Module, target: &[String], place: &str) -> Option<Fault> {
        let top = self.declared.get(&Module::new())?;
        let rank = |name: &String| top.iter().position(|declared| declared == name);
        let text = format!("{place} names {}", target.join("::"));
        match (rank(module.first()?), rank(target.first()?)) {
            (Some(own), Some(other)) if own >= other => None,
            (_, None) => Some(Fault::Order(format!("{text}, which is no module of src/lib.rs"))),
            _ => Some(Fault::Order(format!("{text}, which is declared below it in src/lib.rs"))),
        }
    }

    /// Which module names which, at the level where their ways part: `mail::parse` and `mail::html`, whatever stands
    /// below them. A folder's own file may name its children, and they what it defines.
    fn edges(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, code) in &self.files {
            for target in code.paths.iter().filter_map(|path| absolute(module, path)) {
                let shared = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
                let parent = module[..shared].to_vec();
                let (Some(own), Some(other)) = (module.get(shared), target.get(shared)) else { continue };
                if self.declared.get(&parent).is_some_and(|siblings| siblings.contains(other)) {
                    edges.entry(child(&parent, own)).or_default().insert(child(&parent, other));
                }
            }
        }
        edges
    }

    /// Circles of modules, each as the way round.
    fn circles(&self) -> Vec<String> {
        let edges = self.edges();
        let mut circles = Vec::new();
        for start in edges.keys() {
            // The shortest way from the start back to it, by breadth.
            let mut ways: Vec<Vec<&Module>> = vec![vec![start]];
            let mut seen: BTreeSet<&Module> = BTreeSet::new();
            while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
                for next in way.last().and_then(|last| edges.get(*last)).into_iter().flatten() {
                    // Told once, from the first of its modules.
                    if next == start && way.iter().all(|module| *module >= start) {
                        let names = way.iter().copied().chain([start]).map(|module| module.join("::"));
                        circles.push(names.collect::<Vec<_>>().join(" -> "));
                    } else if seen.insert(next) {
                        ways.push(way.iter().copied().chain([next]).collect());
                    }
                }
            }
        }
        circles
    }
}

fn child(parent: &Module, name: &str) -> Module {
    parent.iter().cloned().chain([name.to_owned()]).collect()
}

/// `mail/parse.rs` and `mail/parse/mod.rs` are `["mail", "parse"]`; `lib.rs` is the root.
fn module_of(file: &str) -> Module {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The place in the crate that `path` names from within `module`; `None` for a path into another crate.
fn absolute(module: &Module, path: &Path) -> Option<Vec<String>> {
    let ups = path.segments.iter().take_while(|segment| *segment == "super").count();
    let (from, skip) = match path.segments.first()?.as_str() {
        "crate" => (0, 1),
        "self" => (module.len(), 1),
        // More `super` than the file is deep: inside a module written in the file itself.
        "super" => (module.len().saturating_sub(ups), ups),
        _ => return None,
    };
    let target: Vec<String> =
        module.iter().take(from).chain(path.segments.iter().skip(skip)).cloned().collect();
    (!target.is_empty()).then_some(target)
}

fn source() -> Source {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    Source::new(files.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    }))
}

fn collect(folder: &FilePath, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn a_module_names_only_modules_declared_above_it() {
    let source = source();
    assert!(source.declared[&Module::new()].len() >= 6, "{:?}", source.declared[&Module::new()]);
    let faults: Vec<Fault> =
        source.faults().into_iter().filter(|fault| matches!(fault, Fault::Order(_))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn pure_modules_name_no_clock_dice_file_socket_or_database() {
    let faults: Vec<Fault> =
        source().faults().into_iter().filter(|fault| matches!(fault, Fault::Impure(_))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn some_crates_have_one_user_each() {
    let faults: Vec<Fault> =
        source().faults().into_iter().filter(|fault| matches!(fault, Fault::SecondUser(_))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_modules_name_each_other_in_a_circle() {
    let circles: Vec<String> =
        source().circles().into_iter().filter(|circle| !KNOWN_CIRCLES.contains(&circle.as_str())).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn the_root_is_in_the_order_of_the_file() {
    let text = std::fs::read_to_string(FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let lines: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(lines, source().declared[&Module::new()]);
}

fn sample_source(mail: &str) -> Source {
    let files = [
        ("lib.rs", "pub mod clock; pub mod mail; pub mod store; #[cfg(test)] mod probe;"),
        ("clock.rs", "pub struct Timestamp;"),
        ("mail/mod.rs", "pub mod text; pub mod ids; #[cfg(test)] mod tests; use ids::Id;"),
        ("mail/ids.rs", mail),
        ("mail/text.rs", "use super::{Mail, ids::Id}; use crate::clock::Timestamp;"),
        ("mail/tests.rs", "use crate::store::Store; use std::fs;"),
        ("store/mod.rs", "use crate::{clock, mail::{ids::Id, text}}; use rusqlite::Connection;"),
        ("probe.rs", "use crate::store; use rusqlite as db;"),
        ("main.rs", "use postdesk::store; use rusqlite::Connection;"),
    ];
    Source::new(files.map(|(name, text)| (name.to_owned(), text.to_owned())))
}

fn sample(mail: &str) -> Vec<Fault> {
    sample_source(mail).faults()
}

#[test]
fn a_violation_is_found_however_it_is_written() {
    let order = [
        "use crate::store::Store;",
        "use crate::{clock, store as s};",
        "fn f() -> crate :: store\n::Store {}",
        "use super::super::store;",
        "use crate::nowhere;",
    ];
    let inside =
        ["use super::text;", "use super::{Mail, text::fresh};", "fn f() { crate::mail::text::fresh() }"];
    let impure = [
        "use std::fs;",
        "use std::{fmt, net::TcpStream};",
        "fn f() { std::env::var(\"X\"); }",
        "use std::time::{Duration, Instant};",
        "fn f() { Clock::real(); }",
        "async fn f() { tokio::time::sleep(d).await }",
        "fn f() { let c = 'x'; /* \" */ std::process::exit(1) }",
    ];
    let second = [
        "use axum::Router;",
        "use lettre::transport::smtp;",
        "fn f(e: tera::Error) {}",
        "use ::async_imap as i;",
    ];
    assert!(
        order.iter().all(|text| matches!(sample(text)[..], [Fault::Order(_)])),
        "{:?}",
        order.map(sample)
    );
    for text in inside {
        assert_eq!(sample_source(text).circles(), ["mail::ids -> mail::text -> mail::ids"], "{text}");
    }
    assert!(
        impure.iter().all(|text| matches!(sample(text)[..], [Fault::Impure(_)])),
        "{:?}",
        impure.map(sample)
    );
    assert!(
        second.iter().all(|text| matches!(sample(text)[..], [Fault::SecondUser(_)])),
        "{:?}",
        second.map(sample)
    );
}

#[test]
fn what_is_no_violation_is_passed_over() {
    let fine = [
        "use crate::clock::Timestamp; use super::Mail; use std::time::Duration; use mail_parser::Message;",
        "// use crate::store;\n/* use std::fs; /* nested */ crate::store */\n/// [`crate::store`]\nfn f() {}",
        "const X: &str = \"crate::store\"; const Y: &str = r#\"\"std::fs\"\"#; const Z: &[u8] = b\"tokio::x\";",
        "#[cfg(test)]\nmod tests { use crate::store::Store; fn f() { if a { std::fs::read(x) } } }",
        "#[cfg(test)] #[allow(unused)] use crate::store; fn g<'a>(x: &'a str) -> char { '\\'' }",
        "#[cfg(all(test, unix))] fn h() -> u8 { std::env::args() }",
        "use lettre::message::Mailbox; fn f(store: Store) { store::x; instant() }",
    ];
    for text in fine {
        assert_eq!(sample(text), [], "{text}");
        assert_eq!(sample_source(text).circles(), [""; 0], "{text}");
    }
}
