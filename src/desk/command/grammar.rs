//! The words of every command in three languages, and how what follows each is read.
//!
//! Knows the grammar of one line; where lines may stand is `command`'s.

use super::{Assignee, COMMANDS_MAX, Command, Listing, When};
use crate::address::Address;
use crate::desk::ticket::Priority;

/// Most characters of an agent's name.
const NAME_MAX: usize = 60;

/// What a command takes after its word.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    Nothing(fn() -> Command),
    Perhaps(fn(&str) -> Option<Command>, [&'static str; 3]),
}

/// A command's words (English, Spanish, Portuguese, then other spellings) and what it takes, with an example in each
/// language.
pub(super) struct Entry {
    pub(super) words: &'static [&'static str],
    pub(super) takes: Takes,
}

const fn plain(words: &'static [&'static str], make: fn() -> Command) -> Entry {
    Entry { words, takes: Takes::Nothing(make) }
}

const fn with(
    words: &'static [&'static str],
    make: fn(&str) -> Option<Command>,
    examples: [&'static str; 3],
) -> Entry {
    Entry { words, takes: Takes::Perhaps(make, examples) }
}

/// The whole grammar.
pub(super) static GRAMMAR: &[Entry] = &[
    plain(&["note", "nota", "nota", "internal", "interno", "interna"], || Command::Note),
    plain(&["public", "público", "público", "publico", "pública", "publica"], || Command::Public),
    plain(&["close", "cerrar", "fechar", "closed", "cerrado", "fechado"], || Command::Close),
    plain(&["resolve", "resolver", "resolver", "resolved", "solved", "resuelto", "resolvido"], || {
        Command::Resolve
    }),
    with(
        &["pending", "pendiente", "pendente", "wait", "espera"],
        pending,
        ["#pending until 2030-12-24", "#pendiente hasta 24/12/2030", "#pendente até 24/12/2030"],
    ),
    plain(&["open", "abrir", "abrir", "reopen", "reabrir"], || Command::Open),
    with(
        &["assign", "asignar", "atribuir", "asigna", "atribui"],
        assign,
        ["#assign ana@example.org", "#asignar ana@example.org", "#atribuir ana@example.org"],
    ),
    plain(&["take", "tomar", "assumir", "mine", "mio", "mío", "meu"], || Command::Assign(Assignee::Me)),
    plain(&["drop", "soltar", "largar", "unassign", "liberar"], || Command::Assign(Assignee::Nobody)),
    with(
        &["priority", "prioridad", "prioridade"],
        priority,
        ["#priority high", "#prioridad alta", "#prioridade alta"],
    ),
    with(
        &["queue", "cola", "fila"],
        |a| one_word(a).map(|w| Command::Queue(w.to_lowercase())),
        ["#queue ventas", "#cola ventas", "#fila vendas"],
    ),
    with(
        &["tag", "etiqueta", "etiqueta", "label"],
        |a| labels(a).map(Command::Label),
        ["#tag invoice", "#etiqueta factura", "#etiqueta fatura"],
    ),
    with(
        &["untag", "desetiquetar", "desetiquetar", "unlabel"],
        |a| labels(a).map(Command::Unlabel),
        ["#untag invoice", "#desetiquetar factura", "#desetiquetar fatura"],
    ),
    with(
        &["cc", "cc", "cc", "copia"],
        |a| addresses(a).map(Command::Cc),
        ["#cc ana@example.org", "#cc ana@example.org", "#cc ana@example.org"],
    ),
    with(
        &["uncc", "quitarcc", "tirarcc"],
        |a| addresses(a).map(Command::Uncc),
        ["#uncc ana@example.org", "#quitarcc ana@example.org", "#tirarcc ana@example.org"],
    ),
    plain(&["watch", "seguir", "seguir", "observar"], || Command::Watch),
    plain(&["unwatch", "dejar", "deixar"], || Command::Unwatch),
    with(
        &["merge", "fusionar", "mesclar", "unir", "juntar"],
        merge,
        ["#merge 853142", "#fusionar 853142", "#mesclar 853142"],
    ),
    with(
        &["subject", "asunto", "assunto"],
        subject,
        ["#subject New subject", "#asunto Asunto nuevo", "#assunto Assunto novo"],
    ),
    with(
        &["requester", "solicitante", "solicitante"],
        |a| one_address(a).map(Command::Requester),
        ["#requester ana@example.org", "#solicitante ana@example.org", "#solicitante ana@example.org"],
    ),
    with(
        &["split", "dividir", "dividir", "separar"],
        |a| Some(Command::Split(title(a))),
        ["#split New subject", "#dividir Asunto nuevo", "#dividir Assunto novo"],
    ),
    with(
        &["reply", "responder", "responder", "respuesta", "resposta", "canned"],
        |a| one_word(a).map(|w| Command::Reply(w.to_lowercase())),
        ["#reply opening-hours", "#responder horario", "#responder horario"],
    ),
    with(
        &["snooze", "posponer", "adiar", "aplazar"],
        |a| when(until(&a.to_lowercase())).map(Command::Snooze),
        ["#snooze 3d", "#posponer 3d", "#adiar 3d"],
    ),
    plain(&["spam", "spam", "spam", "basura", "lixo"], || Command::Spam),
    with(
        &["forward", "reenviar", "encaminhar", "reencaminhar", "fwd"],
        |a| one_address(a).map(Command::Forward),
        ["#forward ana@example.org", "#reenviar ana@example.org", "#encaminhar ana@example.org"],
    ),
    with(&["new", "nuevo", "novo", "nueva", "nova"], new, ["#new ack", "#nuevo acuse", "#novo confirmar"]),
    with(
        &["away", "ausente", "ausente", "fuera", "fora"],
        away,
        ["#away until 2030-12-24", "#ausente hasta 24/12/2030", "#ausente até 24/12/2030"],
    ),
    plain(&["back", "presente", "presente", "vuelvo", "voltei"], || Command::Back),
    with(
        &["list", "lista", "lista", "listar"],
        |a| Some(Command::List(listing(a))),
        ["#list mine", "#lista mios", "#lista meus"],
    ),
    with(
        &["show", "mostrar", "mostrar", "ver"],
        |a| number(a).map(Command::Show),
        ["#show 853142", "#mostrar 853142", "#mostrar 853142"],
    ),
    with(
        &["search", "buscar", "buscar", "busca", "find"],
        |a| title(a).map(Command::Search),
        ["#search invoice october", "#buscar factura octubre", "#buscar fatura outubro"],
    ),
    plain(&["report", "informe", "relatório", "relatorio", "resumen"], || Command::Report),
    plain(&["undo", "deshacer", "desfazer"], || Command::Undo),
    plain(&["help", "ayuda", "ajuda", "commands", "comandos"], || Command::Help),
];

/// The entry of a word in lower case.
pub(super) fn entry(word: &str) -> Option<&'static Entry> {
    GRAMMAR.iter().find(|entry| entry.words.contains(&word))
}

/// The nearest command word, when it is near enough to be meant.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let words = GRAMMAR.iter().flat_map(|entry| entry.words).copied();
    let scored = words.map(|known| (strsim::damerau_levenshtein(word, known), known));
    let (distance, known) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + known.chars().count() / 5).then_some(known)
}

/// Whether a word is a command's, or is it but for one letter.
pub(super) fn is_almost(word: &str) -> bool {
    let mut words = GRAMMAR.iter().flat_map(|entry| entry.words);
    words.any(|known| strsim::damerau_levenshtein(word, known) <= 1)
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
    when(until(&argument.to_lowercase())).map(|when| Command::Pending(Some(when)))
}

fn away(argument: &str) -> Option<Command> {
    if argument.is_empty() {
        return Some(Command::Away(None));
    }
    when(until(&argument.to_lowercase())).map(|when| Command::Away(Some(when)))
}

/// What follows the word for "until", if it is there.
fn until(lower: &str) -> &str {
    let words = ["until ", "till ", "hasta el ", "hasta ", "até o ", "até ", "ate ", "para el "];
    words.iter().find_map(|w| lower.strip_prefix(w)).unwrap_or(lower).trim()
}

fn new(argument: &str) -> Option<Command> {
    let (mut acknowledge, mut requester) = (false, None);
    for word in argument.split_whitespace() {
        match word.to_lowercase().as_str() {
            "ack" | "acuse" | "aviso" | "confirmar" | "acknowledge" => acknowledge = true,
            _ => {
                let address = written_address(word)?;
                if requester.get_or_insert_with(|| address.clone()) != &address {
                    return None;
                }
            }
        }
    }
    Some(Command::New { acknowledge, requester })
}

fn listing(argument: &str) -> Listing {
    match argument.to_lowercase().as_str() {
        "" | "open" | "abiertos" | "abertos" | "all" | "todos" => Listing::Open,
        "mine" | "my" | "mios" | "míos" | "meus" => Listing::Mine,
        "overdue" | "late" | "atrasados" | "vencidos" => Listing::Overdue,
        _ => Listing::Matching(argument.chars().take(200).collect()),
    }
}

fn number(argument: &str) -> Option<i64> {
    let digits = argument.trim_start_matches(['[', '#']).trim_end_matches([']', '.']);
    digits.parse().ok().filter(|number| *number > 0)
}

/// Free words on one line, bounded; `None` for none.
fn title(argument: &str) -> Option<String> {
    let text: String = argument.chars().filter(|c| !c.is_control()).take(250).collect();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Reads a date: `2026-12-24`, `24/12/2026`, `24.12.2026`, or a span `12h`, `3d`, `2w`. A time of day is none of these:
/// it would be passed over.
fn when(text: &str) -> Option<When> {
    let text = text.trim_end_matches('.');
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == '-');
    if let Some(date) = text.parse::<jiff::civil::Date>().ok().filter(|_| is_plain) {
        return Some(When::Date(date));
    }
    let fields = text.split(['/', '.', '-']).map(str::parse);
    let fields: Vec<i16> = fields.collect::<Result<_, _>>().unwrap_or_default();
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
        _ => one_address(argument).map(Assignee::Agent).or_else(|| named(argument))?,
    };
    Some(Command::Assign(assignee))
}

/// `Ana`, `a Ana García`, `@ana`: whose name that is, is the desk's matter.
fn named(argument: &str) -> Option<Assignee> {
    let words = ["to ", "a ", "para "];
    let lower = argument.to_lowercase();
    let before = words.iter().find(|word| lower.starts_with(**word)).map_or(0, |word| word.len());
    let name = argument.get(before..)?.trim_start_matches('@').trim_end_matches(['.', ',']).trim();
    let is_name = name.starts_with(char::is_alphabetic) && !name.contains(['@', '#', '<']);
    (is_name && name.chars().count() <= NAME_MAX).then(|| Assignee::Named(name.to_owned()))
}

/// An address as mail clients leave it when they turn it into a link: `a@b <mailto:a@b>`, `a@b<mailto:a@b>`, `<a@b>`,
/// `mailto:a@b`, `[a@b](mailto:a@b)`.
fn written_address(text: &str) -> Option<Address> {
    let first = text.split_whitespace().next()?;
    let open = first.trim_start_matches(['<', '[', '(']).trim_start_matches("mailto:");
    let address = open.split(['<', '>', ']', '(']).next().unwrap_or(open);
    Address::parse(address.trim_end_matches([',', ';', '.', ')']))
}

/// One address and nothing else.
fn one_address(argument: &str) -> Option<Address> {
    addresses(argument).filter(|list| list.len() == 1)?.pop()
}

fn addresses(argument: &str) -> Option<Vec<Address>> {
    let words = argument.split([' ', ',', ';', '\u{a0}']).filter(|word| !word.is_empty());
    let mut list = Vec::new();
    for word in words {
        // The link that a client puts behind an address names it again.
        let address = written_address(word)?;
        if !list.contains(&address) {
            list.push(address);
        }
    }
    (!list.is_empty() && list.len() <= COMMANDS_MAX).then_some(list)
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
    number(argument).map(Command::Merge)
}

fn subject(argument: &str) -> Option<Command> {
    title(argument).map(Command::Subject)
}
