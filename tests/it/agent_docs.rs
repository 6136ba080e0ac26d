//! `docs/agents.md` is what agents read once: its mails are those that the templates make, and every command in it is one.
//! `POSTDESK_WRITE_DOCS=1` puts the mails of now into it.

use postdesk::compose::Templates;
use postdesk::config::{self, Config};
use postdesk::desk::command::{parse, vocabulary};
use postdesk::desk::decision::Template;
use postdesk::language::Language;
use std::path::{Path, PathBuf};

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents.md")
}

fn configuration() -> Config {
    let text = r#"
        [desk]
        name = "Ejemplo"
        domain = "example.org"
        [web]
        base_url = "https://help.example.org"
        [smtp]
        host = "127.0.0.1"
        tls = "none"
        [[agent]]
        address = "ana@example.org"
        [[queue]]
        name = "soporte"
        address = "soporte@example.org"
        time_zone = "America/Mexico_City"
    "#;
    config::parse(text, Path::new("test.toml")).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The page with the mails of now behind their marks.
fn renewed(text: &str) -> String {
    let (config, templates) =
        (configuration(), Templates::new(&[]).unwrap_or_else(|faults| panic!("{faults:?}")));
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!-- ") {
        let (mark, after) = after.split_once(" -->\n```\n").expect("a fenced block behind each mark");
        let (name, language) = mark.split_once(' ').expect("a template and a language");
        let shown = templates
            .preview(Template::from_name(name).unwrap(), Language::from_tag(language).unwrap(), &config)
            .unwrap();
        out += &format!("{before}<!-- {mark} -->\n```\nSubject: {}\n\n{}```\n", shown.subject, shown.text);
        rest = after.split_once("```\n").map_or("", |(_, rest)| rest);
    }
    out + rest
}

#[test]
fn the_mails_on_the_agents_page_are_those_of_now() {
    let text = std::fs::read_to_string(page()).unwrap();
    let now = renewed(&text);
    if std::env::var_os("POSTDESK_WRITE_DOCS").is_some() {
        std::fs::write(page(), &now).unwrap();
    } else {
        assert!(text == now, "docs/agents.md shows old mails: run this test with POSTDESK_WRITE_DOCS=1");
    }
}

#[test]
fn every_command_on_the_agents_page_is_one_and_none_is_missing() {
    let text = std::fs::read_to_string(page()).unwrap();
    let prose: String = text.split("```\n").step_by(2).collect();
    let mut named = Vec::new();
    for code in prose.split('`').skip(1).step_by(2).filter(|code| code.starts_with('#') && code.len() > 1) {
        let parsed = parse(code);
        assert_eq!(parsed.faults, [], "{code}");
        assert_eq!(parsed.commands.len(), 1, "{code}");
        named.push(code.trim_start_matches('#').split(' ').next().unwrap().to_owned());
    }
    for (en, es, pt) in vocabulary() {
        for word in [en, es, pt] {
            assert!(named.iter().any(|name| name == word), "#{word} is not on the page");
        }
    }
}
