use super::*;

fn kinds(text: &str) -> String {
    spans(text)
        .iter()
        .map(|span| match span.kind {
            SpanKind::Fresh => 'F',
            SpanKind::Quote => 'Q',
            SpanKind::Signature => 'S',
        })
        .collect()
}

fn fresh_of(text: &str) -> String {
    let spans = spans(text);
    assert_eq!(spans.iter().map(|span| span.text.as_str()).collect::<String>(), text, "nothing is cut");
    fresh(&spans)
}

#[test]
fn introductions_of_many_programs_and_languages_end_the_fresh_text() {
    for line in [
        "On Fri, Nov 20, 2026 at 10:00 AM Ann <ann@x.example> wrote:",
        "On Fri, Nov 20, 2026 at 10:00 AM Ann Smith with a long name\n<ann@x.example> wrote:",
        "On Fri, Nov 20, 2026 at 10:00 AM Ann <\nann@x.example> wrote:",
        "On 20/11/2026 10:00, Ann wrote:",
        "On 2026-11-20, Ann Smith wrote:",
        "Ann <ann@x.example> wrote:",
        "Ann Smith <ann@x.example> wrote on 11/20/2026 10:00:00 AM:",
        "* Ann <ann@x.example> [2026-11-20 10:00]:".replace("]:", "] wrote:").as_str(),
        "El vie, 20 nov 2026 a las 10:00, Ana (<ana@x.example>) escribió:",
        "El viernes, 20 de noviembre de 2026, 10:00:00 CET, Ana <ana@x.example> escribió:",
        "El 20/11/26 a las 10:00, Ana escribió:",
        "Em sex., 20 de nov. de 2026 às 10:00, Ana <ana@x.example>\nescreveu:",
        "Em 20/11/2026 10:00, Ana escreveu:",
        "Le ven. 20 nov. 2026 à 10:00, Anne <anne@x.example> a écrit :",
        "Am 20.11.2026 um 10:00 schrieb Anne:",
        "Am Fr., 20. Nov. 2026 um 10:00 Uhr schrieb Anne <anne@x.example>:",
        "Il giorno ven 20 nov 2026 alle ore 10:00 Anna <anna@x.example> ha scritto:",
        "Op vr 20 nov 2026 om 10:00 schreef Anna <anna@x.example>:",
        "Den fre 20 nov. 2026 kl 10:00 skrev Anna <anna@x.example>:",
        "fre. 20. nov. 2026 kl. 10:00 skrev Anna <anna@x.example>:",
        "pt., 20 lis 2026 o 10:00 Anna <anna@x.example> napisał(a):",
        "W dniu 20.11.2026 o 10:00, Anna pisze:",
        "pe 20. marrask. 2026 klo 10.00 Anna (anna@x.example) kirjoitti:",
        "пт, 20 нояб. 2026 г. в 10:00, Анна <anna@x.example>:",
        "20.11.2026 10:00, Анна пишет:",
        "El dv., 20 nov. 2026, 10:00, Anna <anna@x.example> va escriure:",
        "20 Kas 2026 Cum, 10:00 tarihinde Ayşe <ayse@x.example> şunu yazdı:",
        "2026年11月20日(金) 10:00 Anna <anna@x.example>:",
        "Anna <anna@x.example> 于2026年11月20日周五 10:00写道：",
        "2026년 11월 20일 (금) 오전 10:00, Anna <anna@x.example>님이 작성:",
        "pá 20. 11. 2026 v 10:00 odesílatel Anna <anna@x.example> napsal:",
        "-----Original Message-----\nFrom: Ann",
        "-----Mensaje original-----\nDe: Ana",
        "-----Mensagem original-----\nDe: Ana",
        "-----Ursprüngliche Nachricht-----\nVon: Anne",
        "---------- Forwarded message ---------\nFrom: Ann",
        "________________________________\nFrom: Ann <ann@x.example>\nSent: Friday\nTo: Desk\nSubject: Printer",
        "From: Ann <ann@x.example>\nSent: Friday, November 20, 2026 10:00 AM\nTo: Desk\nSubject: Printer",
        "*From:* Ann\n*Sent:* Friday\n*To:* Desk\n*Subject:* Printer",
        "De: Ana <ana@x.example>\nEnviado el: viernes, 20 de noviembre de 2026\nPara: Soporte\nAsunto: Impresora",
        "De: Ana <ana@x.example>\nEnviada em: sexta-feira\nPara: Suporte\nAssunto: Impressora",
        "Von: Anne\nGesendet: Freitag\nAn: Hilfe\nBetreff: Drucker",
        "De : Anne\nEnvoyé : vendredi\nÀ : Aide\nObjet : Imprimante",
        "De:\nAna\nDate: Friday\nSubject: x".replace("De:\nAna", "De: Ana").as_str(),
        REPLY_MARKERS[0],
        REPLY_MARKERS[1],
        REPLY_MARKERS[2],
        format!("Neznámý jazyk 20. 11. Anna:\n\n{}", REPLY_MARKERS[0]).as_str(),
    ] {
        assert_eq!(
            fresh_of(&format!("My answer.\n\n{line}\n\nThe older mail.\nMore of it.\n")),
            "My answer.",
            "{line}"
        );
    }
}

#[test]
fn what_only_looks_like_a_quote_stays_fresh() {
    for text in [
        "On Monday I wrote:\nplease help me.\n",
        "He wrote: no.\n",
        "On the other hand, it works.\nThe error is: 404\n",
        "My address is as follows:\nann@x.example\n",
        "From: here to there\nit is far\n",
        "Subject: the printer\nIt is broken.\n",
        "Sent from my desk, which is easier than from the sofa.\n",
        "The original message was lost.\n",
        format!("a -- b\n---\n{}", "long\n".repeat(9)).as_str(),
        ">From the first day it was broken.\n",
        "The log says:\n\n2026-11-20 10:00 error\n",
    ] {
        assert_eq!(kinds(text), "F", "{text}");
    }
}

#[test]
fn answers_between_quotes_stay_fresh() {
    let text = "On 20/11/2026 10:00, Ann wrote:\n> First?\n\nYes.\n\n> Second?\n\nNo.\n\n-- \nBob\n";
    assert_eq!(fresh_of(text), "Yes.\n\n\nNo.");
    assert_eq!(kinds("> quoted\n\nbottom answer\n"), "QF");
}

#[test]
fn signatures_and_clients_lines_are_told_apart() {
    for signature in [
        "-- \nAnn Smith\nDepartment of Printers",
        "--\nAnn Smith",
        "Sent from my iPhone",
        "Sent from my iPhone. Please excuse typos.",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Enviado desde Yahoo Mail para Android",
        "Envoyé de mon iPhone",
        "Von meinem iPhone gesendet",
        "_______________________________________________\nprinters mailing list\nprinters@x.example",
    ] {
        let text = format!("The answer.\n\n{signature}\n");
        assert_eq!((fresh_of(&text).as_str(), kinds(&text).as_str()), ("The answer.", "FS"), "{signature}");
        let quoted = format!("The answer.\n\n{signature}\n\nOn 20/11/2026 10:00, Ann wrote:\n> old\n");
        if !signature.starts_with('_') {
            assert_eq!(fresh_of(&quoted), "The answer.", "{signature}");
        }
    }
}

#[test]
fn html_marks_fold_what_no_words_tell() {
    let read = |html: &str| {
        let found = super::super::html::to_text(html, 100_000);
        fresh(&spans_of_html(&found.text, &found.marks))
    };
    for html in [
        "<div>Yes.</div><div class=gmail_quote><div class=gmail_attr>Dydd Gwener Ann:</div><blockquote>old</blockquote></div>",
        "<div>Yes.</div><div class=gmail_quote>Dydd Gwener Ann:<br><blockquote>old</blockquote></div>",
        "<p>Yes.</p><div id=divRplyFwdMsg>Oddi wrth: Ann</div><p>old</p>",
        "<p>Yes.</p><div style='border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p><b>Oddi:</b> Ann</p></div><p>old</p>",
        "<div>Yes.</div><div class=yahoo_quoted><div>Ann:</div><div>old</div></div>",
        "<div>Yes.</div><div class=moz-cite-prefix>Ann:</div><blockquote type=cite>old</blockquote>",
        "Yes.<blockquote>old</blockquote>",
        "Yes.<hr><blockquote>old</blockquote>",
        "<p>Yes.</p><hr><div id=x_divRplyFwdMsg>Oddi wrth: Ann</div><p>old</p>",
        "<div>Yes.</div><div class=ydp7yahoo_quoted><div>Ann:</div><div>old</div></div>",
        "<div>Yes.</div><div id=AppleMailSignature>Ann</div><blockquote>old</blockquote>",
    ] {
        assert_eq!(read(html), "Yes.", "{html}");
    }
    assert_eq!(
        read(
            "<div class=gmail_quote><div class=gmail_attr>Ann:</div><blockquote>a?</blockquote><div>Yes.</div><blockquote>b?</blockquote></div>"
        ),
        "Yes."
    );
}

#[test]
fn cleaning_keeps_text_and_drops_controls() {
    assert_eq!(clean("a\r\nb\rc\nd\u{0}\u{7}\u{feff}\te"), "a\nb\nc\nd\te");
    assert_eq!(clean("a\u{2028}#note\u{2029}b"), "a\n#note\nb");
}

proptest::proptest! {
    #[test]
    fn spans_joined_are_the_text(text in "([ >]{0,3}(On |From: |-- |Sent from my iPhone|wrote:|##-|\\PC{0,12})\n{0,2}){0,30}") {
        let joined: String = spans(&text).iter().map(|span| span.text.as_str()).collect();
        proptest::prop_assert_eq!(joined, text);
    }
}

#[test]
fn mailx_quotes_by_a_tab_and_the_answer_below_is_fresh() {
    let text = "\"x\" <desk@x.example> wrote:\n\n\tone\n\n\t##- Please write your reply above this line -##\n\ttwo\nThe answer.\n";
    assert_eq!(super::fresh(&super::spans(text)), "The answer.");
    let above = "The answer.\n\n\"x\" <desk@x.example> wrote:\n\n\tone\n\ttwo\n";
    assert_eq!(super::fresh(&super::spans(above)), "The answer.");
}
