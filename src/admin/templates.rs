//! `postdesk template`: the words of all outgoing mail; listed, shown, checked, tried out.

use super::output::{safe, table};
use super::{Ending, Office};
use crate::desk::decision::Template;
use crate::language::Language;
use anyhow::anyhow;

/// Lists the template files, and which of them are replaced.
pub fn list(office: &Office) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    let files = settings.templates.list();
    let value: Vec<_> =
        files.iter().map(|f| serde_json::json!({ "file": f.file, "replaced": f.replaced })).collect();
    office.print(&value, |_| {
        let rows = files
            .iter()
            .map(|f| [f.file.clone(), if f.replaced { "replaced" } else { "built in" }.to_owned()]);
        table(["file", "comes from"], rows)
    })?;
    Ok(Ending::Well)
}

/// Prints a template as it is in force.
pub fn show(office: &Office, name: &str, language: Language) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    let shown = settings.templates.show(named(name)?, language);
    let value = serde_json::json!({ "text": shown.text, "html": shown.html });
    office.print(&value, |_| {
        format!("--- {language}/{name}.txt\n{}\n--- {language}/{name}.html\n{}", shown.text, shown.html)
    })?;
    Ok(Ending::Well)
}

/// Renders every template with sample values; each fault is named with its line.
pub fn check(office: &Office) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    let faults: Vec<String> = settings.templates.check().iter().map(ToString::to_string).collect();
    office.print(&faults, |faults| {
        if faults.is_empty() { "all templates can be rendered".to_owned() } else { faults.join("\n") }
    })?;
    Ok(if faults.is_empty() { Ending::Well } else { Ending::Wrong })
}

/// Renders one template with sample values.
pub fn preview(office: &Office, name: &str, language: Language) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    let rendered = settings
        .templates
        .preview(named(name)?, language, &settings.config)
        .map_err(|fault| anyhow!("{fault}"))?;
    let value =
        serde_json::json!({ "subject": rendered.subject, "text": rendered.text, "html": rendered.html });
    office.print(&value, |_| safe(&format!("Subject: {}\n\n{}", rendered.subject, rendered.text)))?;
    Ok(Ending::Well)
}

fn named(name: &str) -> anyhow::Result<Template> {
    let known = || Template::ALL.map(Template::name).join(", ");
    Template::from_name(name).ok_or_else(|| anyhow!("there is no template {name}; there are {}", known()))
}

/// The language of that code.
pub fn language(code: &str) -> anyhow::Result<Language> {
    Language::from_tag(code).ok_or_else(|| anyhow!("there is no language {code}; there are en, es, pt"))
}
