//! Words of the three languages that are not in templates: statuses, priorities, months, and how a time is written.
//!
//! Knows no template, mail or page; the templates' filters and the status page both speak through it.

use crate::clock::Timestamp;
use crate::desk::ticket::{Priority, Status};
use crate::language::Language;
use jiff::Zoned;
use jiff::tz::TimeZone;

/// The line above which a reply is written, by language. What stands below it in a reply is a quotation.
pub fn reply_marker(language: Language) -> &'static str {
    pick(language, crate::mail::text::REPLY_MARKERS)
}

/// A status in one or two words.
pub fn status_word(status: Status, language: Language) -> &'static str {
    let words = match status {
        Status::New => ["new", "nuevo", "novo"],
        Status::Open => ["open", "abierto", "aberto"],
        Status::Pending => ["pending", "pendiente", "pendente"],
        Status::Resolved => ["resolved", "resuelto", "resolvido"],
        Status::Closed => ["closed", "cerrado", "fechado"],
    };
    pick(language, words)
}

/// A priority in one word.
pub fn priority_word(priority: Priority, language: Language) -> &'static str {
    let words = match priority {
        Priority::Low => ["low", "baja", "baixa"],
        Priority::Normal => ["normal", "normal", "normal"],
        Priority::High => ["high", "alta", "alta"],
        Priority::Urgent => ["urgent", "urgente", "urgente"],
    };
    pick(language, words)
}

/// A time with its weekday, as one writes it to a person: `viernes, 20 de noviembre de 2026, 14:41 (CET)`.
/// Empty for a time outside the calendar.
pub fn long_time(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    let Some(local) = local(at, zone) else { return String::new() };
    let (day, year) = (local.day(), local.year());
    let (weekday, month) = (weekday(&local, language), month(&local, language, &MONTHS));
    let clock = clock(&local);
    match language {
        Language::En => format!("{weekday}, {day} {month} {year}, {clock}"),
        Language::Es | Language::Pt => format!("{weekday}, {day} de {month} de {year}, {clock}"),
    }
}

/// A time for a table, without weekday and zone: `20 nov 2026, 14:41`. Empty for a time outside the calendar.
pub fn short_time(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    let Some(local) = local(at, zone) else { return String::new() };
    let month: String = month(&local, language, &MONTHS).chars().take(3).collect();
    format!("{} {month} {}, {:02}:{:02}", local.day(), local.year(), local.hour(), local.minute())
}

fn local(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    jiff::Timestamp::from_second(at.0).ok().map(|t| t.to_zoned(zone.clone()))
}

/// `14:41 (CET)`; zones without letters of their own (`-03`) are shown as `UTC-03`.
fn clock(local: &Zoned) -> String {
    let info = local.time_zone().to_offset_info(local.timestamp());
    let name = info.abbreviation();
    let utc = if name.starts_with(['+', '-']) { "UTC" } else { "" };
    format!("{:02}:{:02} ({utc}{name})", local.hour(), local.minute())
}

type Names<const N: usize> = [[&'static str; N]; 3];

const WEEKDAYS: Names<7> = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
];

const MONTHS: Names<12> = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
];

fn weekday(local: &Zoned, language: Language) -> &'static str {
    let index = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
    pick(language, WEEKDAYS.map(|names| names.get(index).copied().unwrap_or("")))
}

fn month(local: &Zoned, language: Language, months: &Names<12>) -> &'static str {
    let index = usize::try_from(local.month() - 1).unwrap_or(0);
    pick(language, months.map(|names| names.get(index).copied().unwrap_or("")))
}

/// The word for `language` of three given in the order English, Spanish, Portuguese.
pub fn pick<T>(language: Language, words: [T; 3]) -> T {
    let [en, es, pt] = words;
    match language {
        Language::En => en,
        Language::Es => es,
        Language::Pt => pt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_each_language_writes_it_in_the_zone_asked_for() {
        let at = Timestamp(1_795_182_060);
        let zone = |name| TimeZone::get(name).unwrap();
        let lines = [
            long_time(at, &zone("Europe/London"), Language::En),
            long_time(at, &zone("Europe/Madrid"), Language::Es),
            long_time(at, &zone("America/Sao_Paulo"), Language::Pt),
            short_time(at, &zone("Europe/Madrid"), Language::Es),
            long_time(Timestamp(i64::MAX), &TimeZone::UTC, Language::En),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        Friday, 20 November 2026, 13:41 (GMT)
        viernes, 20 de noviembre de 2026, 14:41 (CET)
        sexta-feira, 20 de novembro de 2026, 10:41 (UTC-03)
        20 nov 2026, 14:41
        ");
    }
}
