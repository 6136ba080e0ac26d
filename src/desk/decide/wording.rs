//! Headings and lines of what agents ask for by mail, in their language.
//!
//! Here and not in the templates because which line stands depends on what was asked.

use crate::desk::command::Listing;
use crate::desk::facts::{FOUND_MAX, Figures, LISTED_MAX, Said};
use crate::language::Language;
use jiff::tz::TimeZone;

/// The one of three, in the order English, Spanish, Portuguese.
fn pick(language: Language, [en, es, pt]: [String; 3]) -> String {
    match language {
        Language::En => en,
        Language::Es => es,
        Language::Pt => pt,
    }
}

/// What a list holds.
pub(super) fn list(listing: &Listing, count: usize, language: Language) -> String {
    let [en, es, pt] = match listing {
        Listing::Open => ["Tickets in work", "Tickets en curso", "Tickets em andamento"].map(str::to_owned),
        Listing::Mine => ["Your tickets", "Sus tickets", "Seus tickets"].map(str::to_owned),
        Listing::Overdue => [
            "Tickets that wait for us and that nobody has touched for two days",
            "Tickets que nos esperan y que nadie ha tocado en dos días",
            "Tickets que esperam por nós e em que ninguém mexeu há dois dias",
        ]
        .map(str::to_owned),
        Listing::Matching(words) => [
            format!("Tickets with \"{words}\""),
            format!("Tickets con «{words}»"),
            format!("Tickets com \"{words}\""),
        ],
    };
    format!("{}: {}", pick(language, [en, es, pt]), counted(count, LISTED_MAX, language))
}

/// How many there are; where the list ends at its bound, that there may be more.
fn counted(count: usize, bound: usize, language: Language) -> String {
    let words = [
        format!(
            "the first {count}; there may be more, so ask for less: #list with a status, a queue, a label or an address, or #search"
        ),
        format!(
            "los primeros {count}; puede haber más, así que pida menos: #lista con un estado, una cola, una etiqueta o una dirección, o #buscar"
        ),
        format!(
            "os primeiros {count}; pode haver mais, por isso peça menos: #lista com um estado, uma fila, uma etiqueta ou um endereço, ou #buscar"
        ),
    ];
    if count < bound { count.to_string() } else { pick(language, words) }
}

/// What a search found.
pub(super) fn search(words: &str, count: usize, language: Language) -> String {
    let heading = pick(
        language,
        [
            format!("Found for \"{words}\""),
            format!("Encontrados con «{words}»"),
            format!("Encontrados com \"{words}\""),
        ],
    );
    format!("{heading}: {}", counted(count, FOUND_MAX, language))
}

/// The desk's figures, a line each.
pub(super) fn figures(figures: &Figures, language: Language) -> Vec<String> {
    let line =
        |words: [&str; 3], count: i64| format!("{}: {count}", pick(language, words.map(str::to_owned)));
    let mut lines = vec![
        line(["New", "Nuevos", "Novos"], figures.new),
        line(["Open", "Abiertos", "Abertos"], figures.open),
        line(["Pending", "Pendientes", "Pendentes"], figures.pending),
        line(["Nobody has them", "No los lleva nadie", "Ninguém os tem"], figures.unassigned),
        line(["Opened in 7 days", "Abiertos en 7 días", "Abertos em 7 dias"], figures.opened_lately),
        line(["Closed in 7 days", "Cerrados en 7 días", "Fechados em 7 dias"], figures.closed_lately),
    ];
    lines.extend(figures.by_agent.iter().map(|(agent, count)| format!("{agent}: {count}")));
    let oldest = [
        "The oldest that wait for us:",
        "Los más antiguos que nos esperan:",
        "Os mais antigos que esperam por nós:",
    ];
    lines.push(pick(language, oldest.map(str::to_owned)));
    lines
}

/// Characters that agents are shown of one message of a conversation; the rest is with the ticket.
pub(super) const SHOWN_CHARS: usize = 8000;

/// Characters of one message that go to somebody else.
pub(super) const PASSED_ON_CHARS: usize = CONVERSATION_SHOWN_CHARS / 2;

/// Characters shown of a conversation: thirty times that, which some text grows to as HTML, is a mail that can be made.
const CONVERSATION_SHOWN_CHARS: usize = 300_000;

/// A conversation, oldest first: the newest of it within bounds, `each` characters of a message at most, with `[…]` where
/// something is left out.
pub(super) fn conversation<'a>(
    said: impl IntoIterator<Item = &'a Said>,
    each: usize,
    zone: &TimeZone,
    language: Language,
) -> String {
    let all: Vec<String> = said.into_iter().map(|said| one_said(said, each, zone, language)).collect();
    let mut room = CONVERSATION_SHOWN_CHARS;
    let fits = |text: &&String| {
        let left = room.checked_sub(text.chars().count());
        room = left.unwrap_or(0);
        left.is_some()
    };
    let shown = all.iter().rev().take_while(fits).count();
    let newest = all.iter().skip(all.len() - shown).map(String::as_str);
    let mark = (shown < all.len()).then_some("[…]");
    mark.into_iter().chain(newest).collect::<Vec<_>>().join("\n\n")
}

/// One message of a conversation with its head line. Agents stand there by name, never by address.
fn one_said(said: &Said, each: usize, zone: &TimeZone, language: Language) -> String {
    let at = jiff::Timestamp::from_second(said.at.0).unwrap_or_default().to_zoned(zone.clone());
    let note = pick(language, ["internal note", "nota interna", "nota interna"].map(str::to_owned));
    let mark = if said.internal { format!(" · {note}") } else { String::new() };
    let files = if said.attachments.is_empty() {
        String::new()
    } else {
        format!("\n[{}]", said.attachments.join(", "))
    };
    let text = said.text.trim();
    let end = text.char_indices().nth(each).map(|(end, _)| end);
    let (text, rest) = end.and_then(|end| text.get(..end)).map_or((text, ""), |start| (start, " […]"));
    format!("— {} · {}{mark}\n{text}{rest}{files}", said.label(), at.strftime("%Y-%m-%d %H:%M"))
}

/// That a ticket which was put off is back.
pub(super) fn woke(language: Language) -> String {
    let words = [
        "This ticket had been put off until now, and is open again: it is our turn. The last of it:",
        "Este ticket estaba pospuesto hasta ahora y vuelve a estar abierto: nos toca a nosotros. Lo último:",
        "Este ticket estava adiado até agora e está aberto de novo: é a nossa vez. O mais recente:",
    ];
    pick(language, words.map(str::to_owned))
}

/// That a colleague took a reply back before it left.
pub(super) fn taken_back(author: &str, language: Language) -> String {
    pick(
        language,
        [
            format!(
                "{author} took the last reply back before it was sent: nobody outside has received it. It is kept as an internal note."
            ),
            format!(
                "{author} retiró la última respuesta antes de que saliera: no la ha recibido nadie de fuera. Queda guardada como nota interna."
            ),
            format!(
                "{author} retirou a última resposta antes que ela saísse: ninguém de fora a recebeu. Fica guardada como nota interna."
            ),
        ],
    )
}

/// That a forwarded mail belongs to a ticket that is there, and is a note in it.
pub(super) fn brought(number: i64, language: Language) -> String {
    pick(
        language,
        [
            format!(
                "The mail you forwarded belongs to ticket {number} and is kept there as an internal note; no new ticket was opened, and nobody outside has received anything. If it should be a ticket of its own, forward it again with the line #new above it."
            ),
            format!(
                "El correo que reenvió pertenece al ticket {number} y queda ahí como nota interna; no se abrió ningún ticket nuevo ni ha recibido nada nadie de fuera. Si debe ser un ticket aparte, reenvíelo otra vez con la línea #nuevo encima."
            ),
            format!(
                "O e-mail que encaminhou pertence ao ticket {number} e fica nele como nota interna; nenhum ticket novo foi aberto e ninguém de fora recebeu nada. Se deve ser um ticket à parte, encaminhe-o de novo com a linha #novo em cima."
            ),
        ],
    )
}

/// That people outside stood in To or Cc of an agent's own mail.
pub(super) fn copied(outside: &[String], internal: bool, language: Language) -> String {
    let who = outside.join(", ");
    let words = if internal {
        [
            format!(
                "Your note is filed, and only agents read it here. But your mail had {who} in To or Cc: they have it from your own mail server, as you wrote it."
            ),
            format!(
                "Su nota queda guardada y aquí solo la leen agentes. Pero su correo llevaba a {who} en Para o CC: lo tienen desde su propio servidor, tal como lo escribió."
            ),
            format!(
                "A sua nota está guardada e aqui só agentes a leem. Mas o seu e-mail tinha {who} em Para ou Cc: receberam-no do seu próprio servidor, tal como o escreveu."
            ),
        ]
    } else {
        [
            format!(
                "Your reply was sent. But your mail had {who} in To or Cc: they have it from your own address, and take no part in the ticket. Write #cc ADDRESS to let somebody take part."
            ),
            format!(
                "Su respuesta se envió. Pero su correo llevaba a {who} en Para o CC: lo tienen desde su propia dirección y no participan en el ticket. Escriba #cc DIRECCIÓN para que alguien participe."
            ),
            format!(
                "A sua resposta foi enviada. Mas o seu e-mail tinha {who} em Para ou Cc: receberam-no do seu próprio endereço e não participam do ticket. Escreva #cc ENDEREÇO para que alguém participe."
            ),
        ]
    };
    pick(language, words)
}

/// That an attached mail of the desk's own went to nobody outside.
pub(super) fn stayed(files: &str, language: Language) -> String {
    let words = [
        format!(
            "Your reply was sent without {files}: it holds a mail of the desk's to you, which nobody outside may have. If they need what it says, write it, or attach the file alone."
        ),
        format!(
            "Su respuesta se envió sin {files}: contiene un correo de la mesa para usted, que nadie de fuera debe tener. Si necesitan lo que dice, escríbalo, o adjunte solo el archivo."
        ),
        format!(
            "A sua resposta foi enviada sem {files}: contém um e-mail da central para você, que ninguém de fora deve ter. Se precisarem do que diz, escreva-o, ou anexe só o arquivo."
        ),
    ];
    pick(language, words)
}

/// That a mail which the agent did not write stays without effect, and what to do if that was not meant.
pub(super) fn denied(language: Language) -> String {
    let words = [
        "You say that you did not write it: it stays without effect, and there is nothing more to do. If you did write it, answer the question again with an empty reply.",
        "Usted dice que no lo escribió: queda sin efecto y no hay nada más que hacer. Si lo escribió, conteste otra vez a la pregunta con una respuesta vacía.",
        "Você diz que não o escreveu: fica sem efeito e não há mais nada a fazer. Se o escreveu, responda outra vez à pergunta com uma resposta vazia.",
    ];
    pick(language, words.map(str::to_owned))
}

/// That what was attached to commands alone went to nobody.
pub(super) fn without_text(files: &str, language: Language) -> String {
    let words = [
        format!(
            "The commands are carried out, and {files} was sent to nobody: your mail had no text. Attach it again to a mail with a line of text, which goes out with it."
        ),
        format!(
            "Las órdenes se han cumplido, y {files} no se envió a nadie: su correo no llevaba texto. Adjúntelo otra vez a un correo con una línea de texto, que saldrá con él."
        ),
        format!(
            "Os comandos foram cumpridos, e {files} não foi enviado a ninguém: o seu e-mail não tinha texto. Anexe-o outra vez a um e-mail com uma linha de texto, que sairá com ele."
        ),
    ];
    pick(language, words)
}

/// How a line that looks like a command and is none is sent.
pub(super) fn meant_for_the_reader(language: Language) -> String {
    let words = [
        "If such a line is no command but belongs to your text, put a word in front of the # and send it again: “See #general”.",
        "Si una línea así no es una orden sino parte de su texto, ponga una palabra delante de la # y envíelo otra vez: «Vea #general».",
        "Se uma linha assim não é um comando mas parte do seu texto, ponha uma palavra antes do # e envie outra vez: “Veja #general”.",
    ];
    pick(language, words.map(str::to_owned))
}

/// That the text of a mail that only asked the desk for something was sent to nobody.
pub(super) fn withheld(language: Language) -> String {
    let words = [
        "Your mail asked the desk for something, so its text was sent to nobody; it is kept as a draft. If it is for the requester, send it again without that line; if it is for agents, with #note on top.",
        "Su correo pedía algo a la mesa, así que su texto no se envió a nadie; queda guardado como borrador. Si es para el solicitante, envíelo otra vez sin esa línea; si es para agentes, con #nota al principio.",
        "O seu e-mail pedia algo à central, por isso o texto não foi enviado a ninguém; fica guardado como rascunho. Se é para o solicitante, envie-o outra vez sem essa linha; se é para agentes, com #nota no início.",
    ];
    pick(language, words.map(str::to_owned))
}

/// That what stood beside desk work has no reader.
pub(super) fn beside(language: Language) -> String {
    let words = [
        "The other lines of your mail were read by nobody: it names no ticket. To write to a requester, reply to a mail of the ticket, or write #show NUMBER and reply to what comes.",
        "Las demás líneas de su correo no las leyó nadie: no nombra ningún ticket. Para escribir a un solicitante, responda a un correo del ticket, o escriba #mostrar NÚMERO y responda a lo que le llegue.",
        "As outras linhas do seu e-mail não foram lidas por ninguém: ele não indica nenhum ticket. Para escrever a um solicitante, responda a um e-mail do ticket, ou escreva #mostrar NÚMERO e responda ao que chegar.",
    ];
    pick(language, words.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_ends_at_its_bound_says_so() {
        for language in Language::ALL {
            assert!(list(&Listing::Open, LISTED_MAX - 1, language).ends_with(": 99"));
            for full in [list(&Listing::Open, LISTED_MAX, language), search("toner", FOUND_MAX, language)] {
                assert!(full.contains("#list") && full.contains(':'), "{full}");
            }
        }
    }
}
