//! Templates: loading with overrides, checking with every fault named, rendering within bounds.
//!
//! Reads no file: the built-in texts are in the binary, overrides are handed in.

use super::scene::Scene;
use super::{builtin, filters, sample};
use crate::config::Config;
use crate::desk::decision::Template;
use crate::language::Language;
use std::collections::BTreeMap;
use std::fmt;
use tera::{ErrorKind, Tera};

/// Most bytes one part of a rendered mail may have; far more than the longest text a mail may have grows to as HTML.
pub const RENDERED_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Something wrong with a template: where, what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// File name as in the override directory: `es/reply.txt`.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column, from 1; 0 when the whole line is meant.
    pub column: usize,
    /// What is wrong, for people.
    pub what: String,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}: {}", self.file, self.what),
            (line, 0) => write!(f, "{}:{line}: {}", self.file, self.what),
            (line, column) => write!(f, "{}:{line}:{column}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for TemplateFault {}

/// One file of [`Templates::list`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// File name: `es/reply.txt`.
    pub file: String,
    /// Whether it replaces the built-in one.
    pub replaced: bool,
}

/// The two texts of a template as they are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `NAME.txt`.
    pub text: String,
    /// `NAME.html`.
    pub html: String,
}

/// A template filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Subject; with the ticket's tag in it in a preview, before it is put there otherwise.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// All templates, ready to render.
pub struct Templates {
    tera: Tera,
    sources: BTreeMap<String, (String, bool)>,
}

impl Templates {
    /// The built-in templates, with `overrides` (file name such as `es/reply.txt`, and its text) in place of their
    /// namesakes. All faults at once; a template that could fail in service is refused here.
    pub fn new(overrides: &[(String, String)]) -> Result<Self, Vec<TemplateFault>> {
        let mut sources: BTreeMap<String, (String, bool)> =
            builtin::all().map(|(name, text)| (name.to_owned(), (text.to_owned(), false))).collect();
        let mut faults = Vec::new();
        for (name, text) in overrides {
            match sources.get_mut(name) {
                Some(source) => *source = (text.clone(), true),
                None => faults.push(unknown_file(name, sources.keys())),
            }
        }
        faults.extend(sources.iter().filter_map(|(name, (text, _))| form_fault(name, text)));
        let (tera, syntax) = load(&sources);
        faults.extend(syntax);
        let templates = Self { tera, sources };
        if faults.is_empty() {
            faults = templates.check();
        }
        if faults.is_empty() { Ok(templates) } else { Err(faults) }
    }

    /// What is wrong with the templates in force; nothing for what [`Templates::new`] let pass.
    pub fn check(&self) -> Vec<TemplateFault> {
        let names = sample::full(Language::En).names();
        let mut faults: Vec<TemplateFault> =
            self.sources.keys().flat_map(|file| self.unknown_variables(file, &names)).collect();
        if !faults.is_empty() {
            return faults;
        }
        for (template, language) in every() {
            for scene in sample::all(language) {
                if let Err(fault) = self.render(template, language, &scene)
                    && !faults.contains(&fault)
                {
                    faults.push(fault);
                }
            }
        }
        faults
    }

    /// All files, by name.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |(file, (_, replaced)): (&String, &(String, bool))| Listed {
            file: file.clone(),
            replaced: *replaced,
        };
        self.sources.iter().map(listed).collect()
    }

    /// The texts of a template as they are in force; a copy of them is a start for an override.
    pub fn show(&self, template: Template, language: Language) -> Shown {
        let text = |ending| {
            let source = self.sources.get(&file_name(template, language, ending));
            source.map(|(text, _)| text.clone()).unwrap_or_default()
        };
        Shown { text: text("txt"), html: text("html") }
    }

    /// A template filled with sample values, under the names of `config`'s desk and first queue.
    pub fn preview(
        &self,
        template: Template,
        language: Language,
        config: &Config,
    ) -> Result<Rendered, TemplateFault> {
        let scene = sample::of_config(template, language, config);
        let rendered = self.render(template, language, &scene)?;
        Ok(Rendered { subject: super::place_tag(&rendered.subject, &scene.tag), ..rendered })
    }

    /// Fills a template in.
    pub(super) fn render(
        &self,
        template: Template,
        language: Language,
        scene: &Scene,
    ) -> Result<Rendered, TemplateFault> {
        let file = file_name(template, language, "txt");
        let context = tera::Context::from_serialize(scene).map_err(|error| fault_of(&file, &error))?;
        let text = self.render_file(&file, &context)?;
        let html = self.render_file(&file_name(template, language, "html"), &context)?;
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let subject = super::head::clean(first.strip_prefix("Subject:").unwrap_or(first));
        let body = rest.trim_start_matches(['\r', '\n']).trim_end();
        Ok(Rendered { subject, text: format!("{body}\n"), html })
    }

    fn render_file(&self, file: &str, context: &tera::Context) -> Result<String, TemplateFault> {
        let mut out = Capped(Vec::new());
        self.tera.render_to(file, context, &mut out).map_err(|error| fault_of(file, &error))?;
        String::from_utf8(out.0).map_err(|_| whole_file(file, "the result is no UTF-8".to_owned()))
    }

    /// Variables of a file that no scene has, each where it is first named.
    fn unknown_variables(&self, file: &str, names: &[String]) -> Vec<TemplateFault> {
        let Ok(used) = self.tera.get_template_variables(file) else { return Vec::new() };
        let source = self.sources.get(file).map(|(text, _)| text.as_str()).unwrap_or_default();
        let mut unknown: Vec<&str> =
            used.into_iter().filter(|name| !names.iter().any(|n| n == name)).collect();
        unknown.sort_unstable();
        // What a layout names is reported for the layout alone.
        unknown.retain(|name| source.contains(name));
        let fault = |name: &str| {
            let (line, column) = place_of(source, name);
            let near = nearest(name, names.iter().map(String::as_str));
            let what = format!(
                "there is no variable `{name}`{}; the variables are: {}",
                did_you_mean(near),
                names.join(", ")
            );
            TemplateFault { file: file.to_owned(), line, column, what }
        };
        unknown.into_iter().map(fault).collect()
    }
}

/// Every template in every language.
fn every() -> impl Iterator<Item = (Template, Language)> {
    Template::ALL.into_iter().flat_map(|template| Language::ALL.map(|language| (template, language)))
}

fn file_name(template: Template, language: Language, ending: &str) -> String {
    format!("{language}/{}.{ending}", template.name())
}

/// All sources into one tera, or every fault: where the whole does not load, each override is tried on its own.
fn load(sources: &BTreeMap<String, (String, bool)>) -> (Tera, Vec<TemplateFault>) {
    let mut tera = empty();
    let whole = sources.iter().map(|(name, (text, _))| (name.as_str(), text.as_str()));
    let Err(error) = tera.add_raw_templates(whole) else { return (tera, Vec::new()) };
    let mut base = empty();
    if let Err(error) = base.add_raw_templates(builtin::all()) {
        return (empty(), vec![fault_of("layout.html", &error)]);
    }
    let alone = |(name, (text, _)): (&String, &(String, bool))| {
        let result = base.clone().add_raw_template(name, text);
        result.err().map(|error| fault_of(name, &error))
    };
    let mut faults: Vec<TemplateFault> =
        sources.iter().filter(|(_, (_, replaced))| *replaced).filter_map(alone).collect();
    if faults.is_empty() {
        faults.push(fault_of("layout.html", &error));
    }
    (empty(), faults)
}

fn empty() -> Tera {
    let mut tera = Tera::default();
    filters::register(&mut tera);
    tera
}

/// A text template begins with its subject and an empty line.
fn form_fault(name: &str, text: &str) -> Option<TemplateFault> {
    if !name.ends_with(".txt") {
        return None;
    }
    let mut lines = text.lines();
    let at = |line, what: &str| {
        Some(TemplateFault { file: name.to_owned(), line, column: 0, what: what.to_owned() })
    };
    if !lines.next().is_some_and(|line| line.starts_with("Subject:")) {
        return at(1, "the first line must be the subject: `Subject: Re: {{ subject }}`");
    }
    if !lines.next().is_some_and(|line| line.trim().is_empty()) {
        return at(2, "the second line must be empty: it stands between the subject and the text");
    }
    None
}

fn unknown_file<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> TemplateFault {
    let near = nearest(name, known.map(String::as_str));
    let what = format!(
        "there is no template of this name{}; `postdesk template list` shows all names",
        did_you_mean(near)
    );
    whole_file(name, what)
}

fn whole_file(file: &str, what: String) -> TemplateFault {
    TemplateFault { file: file.to_owned(), line: 0, column: 0, what }
}

fn fault_of(file: &str, error: &tera::Error) -> TemplateFault {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => TemplateFault {
            file: if report.filename().is_empty() { file } else { report.filename() }.to_owned(),
            line: report.span().start_line,
            column: report.span().start_col + 1,
            what: report.message().to_owned(),
        },
        ErrorKind::Io(_) => {
            whole_file(file, format!("it grew beyond {} MiB", RENDERED_MAX_BYTES / 1024 / 1024))
        }
        other => placed(file, &other.to_string()),
    }
}

/// Unknown filters, tests and functions come as a report in words, `error: WHAT`, then `--> FILE:LINE:COLUMN`; its
/// place is shown as all other places are.
fn placed(file: &str, report: &str) -> TemplateFault {
    let place = || {
        let mut lines = report.lines();
        let what = lines.next()?.strip_prefix("error: ")?;
        let mut fields = lines.next()?.trim().strip_prefix("--> ")?.rsplitn(3, ':');
        let column = fields.next()?.parse().ok()?;
        let line = fields.next()?.parse().ok()?;
        Some(TemplateFault { file: fields.next()?.to_owned(), line, column, what: what.to_owned() })
    };
    place().unwrap_or_else(|| whole_file(file, report.to_owned()))
}

/// Line and column, from 1, where `name` first stands as a word of its own inside `{…}`; 0, 0 when it does not.
fn place_of(source: &str, name: &str) -> (usize, usize) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for (index, line) in source.lines().enumerate() {
        for (at, _) in line.match_indices(name) {
            let before = line.get(..at).unwrap_or_default();
            let after = line.get(at + name.len()..).unwrap_or_default();
            let alone = !before.ends_with(is_word) && !after.starts_with(is_word);
            if alone && before.contains('{') {
                return (index + 1, before.chars().count() + 1);
            }
        }
    }
    (0, 0)
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|name| (strsim::damerau_levenshtein(word, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 + name.chars().count() / 5).then_some(name)
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

/// A buffer that refuses to grow beyond [`RENDERED_MAX_BYTES`].
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > RENDERED_MAX_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
