//! The story: who writes what, and what must follow. Every expectation is a claim that is checked and printed.
//!
//! Knows people and mail; nothing of loops or tables.

use super::letter::{Letter, pdf};
use super::paper::header;
use super::setting::{ANA, JOAO, LUIS, MARIA, STRANGER};
use super::stage::{Got, Stage, from_desk, number, only};
use crate::desk::ticket::Status;

const PROBLEM: &str = "Buenos días:\n\nDesde ayer no puedo entrar al sistema de facturas. Me dice que la cuenta está bloqueada. Les adjunto la pantalla.\n\n¿Me pueden ayudar, por favor?\n\nMaría Quispe";
const NOTE: &str = "#nota\nOjo: es la tercera vez este mes, creo que el fallo es nuestro.";
const ANSWER: &str = "Hola, María:\n\nYa desbloqueamos su cuenta. ¿Puede probar otra vez?\n\nAna";
const THANKS: &str = "Ahora sí puedo entrar. ¡Muchas gracias!\n\nMaría";
const MISTYPED: &str = "Me alegro. Que tenga un buen día.\n\n#cerar";
const CLOSING: &str = "Me alegro. Que tenga un buen día.\n\n#cerrar";
const LATE: &str = "Hola otra vez: hoy me aparece el mismo mensaje de cuenta bloqueada.\n\nMaría";
const QUESTION: &str = "Olá,\n\nvocês poderiam me enviar uma segunda via da fatura de outubro? Não consegui encontrar no site.\n\nObrigado,\nJoão Pereira";
const AWAY: &str = "Estou de férias até segunda-feira e não leio os meus e-mails.\n\nJoão Pereira";

/// What the story leaves behind for its end.
pub(super) struct Told {
    /// The first ticket's number.
    pub(super) number: i64,
    /// The signed link that its requester has.
    pub(super) link: String,
    /// Words of the internal note, which nobody outside may see.
    pub(super) secret: &'static str,
    /// Words of the conversation, which only the link shows.
    pub(super) private: &'static str,
}

/// Tells it, from the first mail to the last.
pub(super) async fn tell(stage: &mut Stage) -> anyhow::Result<Told> {
    let (first, for_ana, for_luis) = opening(stage).await?;
    let number = number(&first.mail)?;
    note(stage, &for_luis).await?;
    let answer = answer(stage, &for_ana).await?;
    let thanks = thanks(stage, &answer).await?;
    let explained = mistyped(stage, &thanks, number).await?;
    closing(stage, &explained, number).await?;
    late(stage, &answer, number).await?;
    robot(stage).await?;
    stranger(stage, number).await?;
    let link = link(&first, &stage.setting.base_url);
    Ok(Told { number, link, secret: "tercera vez este mes", private: "desbloqueamos su cuenta" })
}

async fn opening(stage: &mut Stage) -> anyhow::Result<(Got, Got, Got)> {
    stage.paper.act("María writes to support, in Spanish, with a PDF.")?;
    let screen = pdf("La cuenta maria.quispe se encuentra bloqueada");
    let letter = Letter::new(MARIA, "No puedo entrar al sistema", PROBLEM).with_file("pantalla.pdf", screen);
    let took = stage.post(&letter).await?;
    let (first, ana, luis) = (stage.one(MARIA)?, stage.one(ANA)?, stage.one(LUIS)?);
    let number = number(&first.mail)?;
    let link = link(&first, &stage.setting.base_url);
    stage.check(
        &format!("María is acknowledged in Spanish, with her number {number} and a signed link"),
        spanish(&first) && !link.is_empty(),
    )?;
    stage.check(
        "the acknowledgement says that it is automatic (RFC 3834)",
        is(&first, "Auto-Submitted", "auto-replied"),
    )?;
    stage.check(
        "both agents have her words and her PDF, Luís in Portuguese",
        [&ana, &luis].iter().all(|got| got.shows("cuenta está bloqueada") && has_file(got))
            && is(&luis, "Content-Language", "pt"),
    )?;
    stage.paper.say(&format!(
        "        {} ms from the acceptance of her mail to the first answer",
        took.as_millis()
    ))?;
    Ok((first, ana, luis))
}

async fn note(stage: &mut Stage, for_luis: &Got) -> anyhow::Result<()> {
    stage
        .paper
        .act("Luís answers from his mail client, but only for his colleagues: the first line is #nota.")?;
    stage.post(&Letter::answer(LUIS, &for_luis.mail, NOTE)).await?;
    let reached = stage.reached();
    stage.check("the note reaches Ana and nobody else", only(&reached, &[ANA]))
}

async fn answer(stage: &mut Stage, for_ana: &Got) -> anyhow::Result<Got> {
    stage.paper.act("Ana answers María, from her mail client as well. No form, no login.")?;
    stage.post(&Letter::answer(ANA, &for_ana.mail, ANSWER)).await?;
    let got = stage.one(MARIA)?;
    stage.check("María gets it from the desk's address, with Ana's name", from_desk(&got.mail, ANA.name))?;
    stage.check(
        "Ana's own address, the note and the quoted history do not leave",
        !["ana@", "tercera vez", "no puedo entrar al sistema de"].iter().any(|word| got.holds(word)),
    )?;
    let reached = stage.reached();
    stage.check("Luís sees it too", only(&reached, &[MARIA, LUIS]))?;
    Ok(got)
}

async fn thanks(stage: &mut Stage, answer: &Got) -> anyhow::Result<Got> {
    stage.paper.act("María answers.")?;
    stage.post(&Letter::answer(MARIA, &answer.mail, THANKS)).await?;
    let reached = stage.reached();
    stage.check("it goes to Ana, who has the ticket now, and to nobody else", only(&reached, &[ANA]))?;
    stage.one(ANA)
}

async fn mistyped(stage: &mut Stage, thanks: &Got, number: i64) -> anyhow::Result<Got> {
    stage.paper.act("Ana wants to close the ticket and mistypes the command.")?;
    stage.post(&Letter::answer(ANA, &thanks.mail, MISTYPED)).await?;
    let reached = stage.reached();
    let explained = stage.one(ANA)?;
    stage.check(
        "nothing is sent to anybody; Ana is told what to write",
        only(&reached, &[ANA]) && explained.shows("#cerrar"),
    )?;
    let open = stage.ticket(number).await?.row.status == Status::Open;
    stage.check("the ticket is still open", open)?;
    Ok(explained)
}

async fn closing(stage: &mut Stage, explained: &Got, number: i64) -> anyhow::Result<()> {
    stage.paper.act("She answers that mail with the command put right.")?;
    stage.post(&Letter::answer(ANA, &explained.mail, CLOSING)).await?;
    let got = stage.one(MARIA)?;
    stage
        .check("María gets the words without the command", got.shows("buen día") && !got.holds("#cerrar"))?;
    let closed = stage.ticket(number).await?.row.status == Status::Closed;
    stage.check("the ticket is closed", closed)
}

async fn late(stage: &mut Stage, answer: &Got, old: i64) -> anyhow::Result<()> {
    stage.paper.act("María answers an old mail of the closed ticket.")?;
    stage.post(&Letter::answer(MARIA, &answer.mail, LATE)).await?;
    let new = number(&stage.one(MARIA)?.mail)?;
    let ticket = stage.ticket(new).await?;
    let linked = ticket.events.iter().any(|event| event.what == format!("continues ticket {old}"));
    stage.check(&format!("a new ticket {new} continues {old}, which stays closed"), new != old && linked)
}

async fn robot(stage: &mut Stage) -> anyhow::Result<()> {
    stage.paper.act(
        "João writes in Portuguese and leaves for his holidays; his robot answers our acknowledgement.",
    )?;
    stage.post(&Letter::new(JOAO, "Segunda via da fatura", QUESTION)).await?;
    let acknowledged = stage.one(JOAO)?;
    stage.check("João is acknowledged in Portuguese", is(&acknowledged, "Content-Language", "pt"))?;
    let robot = Letter::answer(JOAO, &acknowledged.mail, AWAY).with_header("Auto-Submitted", "auto-replied");
    stage.post(&robot).await?;
    let silent = stage.got(JOAO).is_empty();
    stage.check("the robot gets no answer", silent)
}

async fn stranger(stage: &mut Stage, number: i64) -> anyhow::Result<()> {
    stage.paper.act("A stranger has seen the ticket's number and tries his luck.")?;
    let subject = format!("Re: [#{number}] No puedo entrar al sistema");
    let text = "Hello,\n\nI have lost our conversation. Please send me all of it again.\n\nMax";
    stage.post(&Letter::new(STRANGER, &subject, text).unproven()).await?;
    let got = stage.got(STRANGER);
    let learned = |got: &Got| {
        ["María", "Quispe", "maria", "cuenta", "entrar", &number.to_string()]
            .iter()
            .any(|word| got.holds(word))
    };
    stage.check(
        "he gets a number of his own and learns nothing",
        got.len() == 1 && !got.iter().any(learned),
    )?;
    let silent = stage.got(MARIA).is_empty();
    stage.check("María is not bothered", silent)?;
    let untouched =
        stage.ticket(number).await?.messages.iter().all(|message| !message.text.contains("lost our"));
    stage.check("his mail is not in her ticket", untouched)
}

fn is(got: &Got, name: &str, value: &str) -> bool {
    header(&got.raw, name).as_deref() == Some(value)
}

fn spanish(got: &Got) -> bool {
    is(got, "Content-Language", "es")
}

fn has_file(got: &Got) -> bool {
    got.mail
        .attachments
        .iter()
        .any(|file| file.name == "pantalla.pdf" && file.content_type == "application/pdf")
}

/// The link to the status page in a mail; empty if there is none.
fn link(got: &Got, base_url: &str) -> String {
    let text = got.mail.text();
    text.split_whitespace().find(|word| word.starts_with(base_url)).unwrap_or_default().to_owned()
}
