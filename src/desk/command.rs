//! The words agents write: fresh text into commands, the remaining text, and faults.
//!
//! A command is a line `#word arguments` at the top or at the bottom of the fresh text. Words are taken in English,
//! Spanish and Portuguese. A line of that form anywhere else is a fault, so that no command ever reaches a requester.

use super::ticket::Priority;
use crate::address::Address;

/// Most commands taken of one mail.
pub const COMMANDS_MAX: usize = 20;

/// Who a ticket is assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// The agent who writes.
    Me,
    /// This agent.
    Agent(Address),
    /// Nobody.
    Nobody,
}

/// A date as an agent writes it, to be read in the agent's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// `2026-12-24`: that morning.
    Date(jiff::civil::Date),
    /// `3d`, `2w`, `12h`: so many hours from now.
    Hours(i64),
}

/// What an agent asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The text is an internal note.
    Note,
    /// Close.
    Close,
    /// Resolve.
    Resolve,
    /// The requester's turn, until a date if one is given.
    Pending(Option<When>),
    /// The desk's turn.
    Open,
    /// Give it to somebody.
    Assign(Assignee),
    /// Change the priority.
    Priority(Priority),
    /// Move it to another queue.
    Queue(String),
    /// Put labels on.
    Label(Vec<String>),
    /// Take labels off.
    Unlabel(Vec<String>),
    /// Let people take part.
    Cc(Vec<Address>),
    /// Let people take part no longer.
    Uncc(Vec<Address>),
    /// Watch it.
    Watch,
    /// Watch it no longer.
    Unwatch,
    /// Merge it into another.
    Merge(i64),
    /// Change the subject.
    Subject(String),
    /// Change the requester.
    Requester(Address),
    /// Take back replies that still wait.
    Undo,
    /// Send the list of commands.
    Help,
}

/// What was wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No such command; the nearest one, if any is near.
    Unknown {
        /// What was written, without `#`.
        word: String,
        /// The nearest word in the language it seems to be.
        near: Option<&'static str>,
    },
    /// The command is right, what follows it is not.
    Argument {
        /// The command's word as written.
        word: String,
        /// What was written after it.
        found: String,
        /// An example of what would be right.
        example: &'static str,
    },
    /// A line that looks like a command stands in the middle of the text.
    Middle {
        /// The line's first word.
        word: String,
    },
    /// More than [`COMMANDS_MAX`].
    TooMany,
}

/// An agent's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// In the order written.
    pub commands: Vec<Command>,
    /// The text without command lines, trimmed.
    pub text: String,
    /// What was wrong; when there is anything here, nothing may be done.
    pub faults: Vec<Fault>,
}

/// What a command takes after its word.
#[derive(Debug, Clone, Copy)]
enum Takes {
    Nothing(fn() -> Command),
    Perhaps(fn(&str) -> Option<Command>, &'static str),
}

/// A command's words (English, Spanish, Portuguese, then other spellings) and what it takes.
struct Entry {
    words: &'static [&'static str],
    takes: Takes,
}

const fn plain(words: &'static [&'static str], make: fn() -> Command) -> Entry {
    Entry { words, takes: Takes::Nothing(make) }
}

const fn with(
    words: &'static [&'static str],
    make: fn(&str) -> Option<Command>,
    example: &'static str,
) -> Entry {
    Entry { words, takes: Takes::Perhaps(make, example) }
}

/// The whole grammar.
static GRAMMAR: &[Entry] = &[
    plain(&["note", "nota", "nota", "internal", "interno", "interna"], || Command::Note),
    plain(&["close", "cerrar", "fechar", "closed", "cerrado", "fechado"], || Command::Close),
    plain(&["resolve", "resolver", "resolver", "resolved", "solved", "resuelto", "resolvido"], || {
        Command::Resolve
    }),
    with(&["pending", "pendiente", "pendente", "wait", "espera"], pending, "#pending until 2026-12-24"),
    plain(&["open", "abrir", "abrir", "reopen", "reabrir"], || Command::Open),
    with(&["assign", "asignar", "atribuir", "asigna", "atribui"], assign, "#assign ana@example.org"),
    plain(&["take", "tomar", "assumir", "mine", "mio", "mío", "meu"], || Command::Assign(Assignee::Me)),
    plain(&["drop", "soltar", "largar", "unassign", "liberar"], || Command::Assign(Assignee::Nobody)),
    with(&["priority", "prioridad", "prioridade"], priority, "#priority high"),
    with(
        &["queue", "cola", "fila"],
        |a| one_word(a).map(|w| Command::Queue(w.to_lowercase())),
        "#queue ventas",
    ),
    with(&["tag", "etiqueta", "etiqueta", "label"], |a| labels(a).map(Command::Label), "#tag invoice"),
    with(
        &["untag", "desetiquetar", "desetiquetar", "unlabel"],
        |a| labels(a).map(Command::Unlabel),
        "#untag invoice",
    ),
    with(&["cc", "cc", "cc", "copia"], |a| addresses(a).map(Command::Cc), "#cc ana@example.org"),
    with(&["uncc", "quitarcc", "tirarcc"], |a| addresses(a).map(Command::Uncc), "#uncc ana@example.org"),
    plain(&["watch", "seguir", "seguir", "observar"], || Command::Watch),
    plain(&["unwatch", "dejar", "deixar"], || Command::Unwatch),
    with(&["merge", "fusionar", "mesclar", "unir", "juntar"], merge, "#merge 853142"),
    with(&["subject", "asunto", "assunto"], subject, "#subject New subject"),
    with(
        &["requester", "solicitante", "solicitante"],
        |a| Address::parse(a).map(Command::Requester),
        "#requester ana@example.org",
    ),
    plain(&["undo", "deshacer", "desfazer"], || Command::Undo),
    plain(&["help", "ayuda", "ajuda", "commands", "comandos"], || Command::Help),
];

/// Takes an agent's fresh text apart.
pub fn parse(fresh: &str) -> Parsed {
    let lines: Vec<&str> = fresh.lines().collect();
    let is_blank = |line: &&str| line.trim().is_empty();
    let is_edge = |line: &&str| is_blank(line) || command_word(line).is_some();
    let top = lines.iter().take_while(|line| is_edge(line)).count();
    let below = lines.get(top..).unwrap_or_default();
    let bottom = below.iter().rev().take_while(|line| is_edge(line)).count();
    let middle = below.get(..below.len() - bottom).unwrap_or_default();
    let edges = lines.iter().take(top).chain(below.iter().skip(middle.len()));

    let mut parsed = Parsed { text: middle.join("\n").trim().to_owned(), ..Parsed::default() };
    for line in edges.filter(|line| !is_blank(line)) {
        match read_line(line) {
            Ok(command) => parsed.commands.push(command),
            Err(fault) => parsed.faults.push(fault),
        }
    }
    for word in middle.iter().filter_map(|line| command_word(line)) {
        parsed.faults.push(Fault::Middle { word: word.to_owned() });
    }
    if parsed.commands.len() + parsed.faults.len() > COMMANDS_MAX {
        parsed.faults = vec![Fault::TooMany];
    }
    parsed
}

/// The word of a line that looks like a command: `#` at once followed by a letter. (`#12` is a number, `# Title` a
/// heading.) Clients that turn a space into U+00A0 or put one before `#` change nothing.
fn command_word(line: &str) -> Option<&str> {
    let rest = line.trim().trim_start_matches('\u{feff}').strip_prefix('#')?;
    rest.starts_with(char::is_alphabetic).then(|| split_word(rest).0)
}

fn split_word(rest: &str) -> (&str, &str) {
    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let (word, argument) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (word, argument.trim_start_matches([':', '.', '!']).trim())
}

fn read_line(line: &str) -> Result<Command, Fault> {
    let rest = line.trim().trim_start_matches('\u{feff}').trim_start_matches('#');
    let (word, argument) = split_word(rest);
    let lower = word.to_lowercase();
    let Some(entry) = GRAMMAR.iter().find(|entry| entry.words.contains(&lower.as_str())) else {
        return Err(Fault::Unknown { word: word.to_owned(), near: nearest(&lower) });
    };
    let wrong = |example| Fault::Argument { word: word.to_owned(), found: argument.to_owned(), example };
    match entry.takes {
        Takes::Nothing(make) if argument.is_empty() => Ok(make()),
        Takes::Nothing(_) => Err(wrong("")),
        Takes::Perhaps(make, example) => make(argument).ok_or_else(|| wrong(example)),
    }
}

/// The nearest command word, when it is near enough to be meant.
fn nearest(word: &str) -> Option<&'static str> {
    let words = GRAMMAR.iter().flat_map(|entry| entry.words).copied();
    let scored = words.map(|known| (strsim::damerau_levenshtein(word, known), known));
    let (distance, known) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + known.chars().count() / 5).then_some(known)
}

/// A line with its words in the reader's language, for help texts: English, Spanish and Portuguese word of each command.
pub fn vocabulary() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    GRAMMAR.iter().filter_map(|entry| match entry.words {
        [en, es, pt, ..] => Some((*en, *es, *pt)),
        _ => None,
    })
}

fn pending(argument: &str) -> Option<Command> {
    if argument.is_empty() {
        return Some(Command::Pending(None));
    }
    let lower = argument.to_lowercase();
    let date = ["until ", "hasta el ", "hasta ", "até ", "ate "]
        .iter()
        .find_map(|w| lower.strip_prefix(w))
        .unwrap_or(&lower);
    when(date.trim()).map(|when| Command::Pending(Some(when)))
}

/// Reads a date: `2026-12-24`, `24/12/2026`, `24.12.2026`, or a span `12h`, `3d`, `2w`.
fn when(text: &str) -> Option<When> {
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return Some(When::Date(date));
    }
    let fields: Vec<i16> = text.split(['/', '.', '-']).map_while(|field| field.parse().ok()).collect();
    if let [day, month, year] = fields.as_slice() {
        let (day, month) = (i8::try_from(*day).ok()?, i8::try_from(*month).ok()?);
        return jiff::civil::Date::new(*year, month, day).ok().map(When::Date);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(digits)?;
    let count: i64 = count.parse().ok().filter(|n| (1..=3660).contains(n))?;
    match unit.trim() {
        "h" => Some(When::Hours(count)),
        "d" => Some(When::Hours(count * 24)),
        "w" | "s" => Some(When::Hours(count * 24 * 7)),
        _ => None,
    }
}

fn assign(argument: &str) -> Option<Command> {
    let assignee = match argument.to_lowercase().as_str() {
        "me" | "yo" | "a mí" | "a mi" | "mí" | "mi" | "eu" | "mim" | "a mim" => Assignee::Me,
        "nobody" | "nadie" | "ninguém" | "ninguem" | "none" => Assignee::Nobody,
        _ => Assignee::Agent(written_address(argument)?),
    };
    Some(Command::Assign(assignee))
}

/// An address as mail clients leave it when they turn it into a link: `a@b <mailto:a@b>`, `<a@b>`, `mailto:a@b`.
fn written_address(text: &str) -> Option<Address> {
    let first = text.split_whitespace().next()?;
    Address::parse(
        first.trim_start_matches('<').trim_start_matches("mailto:").trim_end_matches(['>', ',', ';']),
    )
}

fn addresses(argument: &str) -> Option<Vec<Address>> {
    let words = argument
        .split([' ', ',', ';', '\u{a0}'])
        .filter(|word| !word.is_empty() && !word.starts_with("<mailto:"));
    let list: Option<Vec<Address>> = words.map(written_address).collect();
    list.filter(|list| !list.is_empty() && list.len() <= COMMANDS_MAX)
}

fn priority(argument: &str) -> Option<Command> {
    let priority = match argument.to_lowercase().as_str() {
        "low" | "baja" | "baixa" => Priority::Low,
        "normal" => Priority::Normal,
        "high" | "alta" => Priority::High,
        "urgent" | "urgente" => Priority::Urgent,
        _ => return None,
    };
    Some(Command::Priority(priority))
}

fn one_word(argument: &str) -> Option<&str> {
    (!argument.is_empty() && !argument.contains(char::is_whitespace)).then_some(argument)
}

fn labels(argument: &str) -> Option<Vec<String>> {
    let list: Vec<String> = argument
        .split([' ', ',', ';'])
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(40).collect())
        .collect();
    (!list.is_empty() && list.len() <= COMMANDS_MAX).then_some(list)
}

fn merge(argument: &str) -> Option<Command> {
    let digits = argument.trim_start_matches(['[', '#']).trim_end_matches(']');
    digits.parse().ok().filter(|number| *number > 0).map(Command::Merge)
}

fn subject(argument: &str) -> Option<Command> {
    let subject: String = argument.chars().filter(|c| !c.is_control()).take(250).collect();
    (!subject.trim().is_empty()).then_some(Command::Subject(subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<Command> {
        let parsed = parse(text);
        assert_eq!(parsed.faults, [], "{text:?}");
        parsed.commands
    }

    #[test]
    fn commands_stand_at_the_top_and_at_the_bottom_in_three_languages() {
        let parsed = parse("#tomar\n\nHola, ya está.\n\n#prioridad alta\n  #fechar  \n");
        assert_eq!(
            parsed.commands,
            [Command::Assign(Assignee::Me), Command::Priority(Priority::High), Command::Close]
        );
        assert_eq!(parsed.text, "Hola, ya está.");
        assert_eq!(parsed.faults, []);
    }

    #[test]
    fn every_word_of_the_grammar_is_one_command_only() {
        let mut seen = std::collections::BTreeMap::new();
        for (index, entry) in GRAMMAR.iter().enumerate() {
            for word in entry.words {
                assert_eq!(*seen.entry(*word).or_insert(index), index, "{word}");
            }
        }
    }

    #[test]
    fn arguments_are_read_as_clients_mangle_them() {
        let ana = Address::parse("ana@x.example").unwrap();
        for text in [
            "#assign ana@x.example",
            "#assign: <ana@x.example>",
            "#Assign ana@x.example <mailto:ana@x.example>",
        ] {
            assert_eq!(commands(text), [Command::Assign(Assignee::Agent(ana.clone()))], "{text}");
        }
        let date = jiff::civil::date(2026, 12, 24);
        for text in
            ["#pending until 2026-12-24", "#pendiente hasta el 24/12/2026", "#pendente até 24.12.2026"]
        {
            assert_eq!(commands(text), [Command::Pending(Some(When::Date(date)))], "{text}");
        }
        assert_eq!(commands("#pending 2w"), [Command::Pending(Some(When::Hours(336)))]);
        assert_eq!(commands("#merge [#853142]"), [Command::Merge(853_142)]);
        assert_eq!(commands("#cc a@b.example, c@d.example").len(), 1);
    }

    #[test]
    fn a_wrong_word_is_a_fault_with_the_nearest_one() {
        assert_eq!(parse("#clsoe").faults, [Fault::Unknown { word: "clsoe".into(), near: Some("close") }]);
        assert_eq!(parse("#xyzzy\nhola").faults, [Fault::Unknown { word: "xyzzy".into(), near: None }]);
        assert!(matches!(parse("#assign nadie-sabe").faults.as_slice(), [Fault::Argument { .. }]));
        assert!(matches!(parse("#close now please").faults.as_slice(), [Fault::Argument { .. }]));
    }

    #[test]
    fn a_line_in_the_middle_that_looks_like_a_command_is_a_fault() {
        let parsed = parse("Hola\n#close\nadiós");
        assert_eq!(parsed.faults, [Fault::Middle { word: "close".into() }]);
    }

    #[test]
    fn numbers_and_headings_are_text() {
        let parsed = parse("#853142 is the ticket\n# Title\ntext");
        assert_eq!(parsed.commands, []);
        assert_eq!(parsed.faults, []);
        assert_eq!(parsed.text, "#853142 is the ticket\n# Title\ntext");
    }

    #[test]
    fn no_text_makes_it_panic_and_no_command_line_stays_in_the_text() {
        for text in
            ["", "#", "##", "#é", "#nota\u{a0}", "\u{feff}#close", "#pending until", "#cc ,,,", "#priority"]
        {
            let parsed = parse(text);
            assert!(parsed.text.lines().all(|line| command_word(line).is_none()), "{text:?}");
        }
        assert_eq!(parse(&"#close\n".repeat(COMMANDS_MAX + 1)).faults, [Fault::TooMany]);
    }
}
