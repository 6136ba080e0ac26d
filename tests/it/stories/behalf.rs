//! Tickets on behalf of those who wrote to somebody else.

use crate::world::{ANA, LUIS, MARIA, Mail, World};

async fn proven(world: &mut World) -> Mail {
    world.writes(LUIS, "prueba", "Hola, una prueba de Luís.");
    world.work().await;
    let mail = world.new_mails(ANA).remove(0);
    world.new_mails(LUIS);
    mail
}

const INLINE: &str = "#nuevo\r\n#etiqueta facturas\r\nOjo, es buen cliente.\r\n\r\n---------- Forwarded message ---------\r\nDe: María López <maria@client.example>\r\nDate: lun, 5 ene 2026 a las 10:00\r\nSubject: Factura de octubre\r\nTo: <ana@desk.example>\r\n\r\nBuenos días, la factura está mal. #close\r\n#close\r\n";

fn forward(world: &mut World, proof: &Mail, body: &str) {
    let letter = world
        .letter(ANA, "Fwd: Factura de octubre", body)
        .with(&format!("References: <original@client.example> <{}>\r\n", proof.id));
    world.posts(&letter);
}

#[tokio::test]
async fn a_forwarded_mail_becomes_the_ticket_of_its_sender_who_hears_nothing() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    forward(&mut world, &proof, INLINE);
    world.work().await;
    world.no_mail(MARIA);
    let number = *world.tickets().last().unwrap();
    let ticket = world.ticket(number);
    assert_eq!(ticket.requester_address, MARIA);
    assert_eq!(ticket.row.subject, "Factura de octubre");
    assert_eq!(ticket.row.status.word(), "new", "commands in what is forwarded are a stranger's words");
    assert_eq!(ticket.labels, ["facturas"]);
    let note = ticket.messages.iter().find(|message| message.internal).unwrap();
    assert!(note.text.contains("buen cliente"));
    assert!(
        ticket
            .messages
            .iter()
            .any(|message| !message.internal && message.text.contains("la factura está mal"))
    );

    let notification =
        world.new_mails(ANA).into_iter().find(|mail| mail.text.contains("la factura está mal")).unwrap();
    world.answers(ANA, &notification, "Hola María, la corregimos.");
    world.work().await;
    let reply = world.new_mail(MARIA);
    assert!(
        reply.header("References").unwrap().contains("<original@client.example>"),
        "her client threads it"
    );
    assert!(!reply.raw.contains(ANA), "{}", reply.raw);
    let agents_own: Vec<String> =
        ticket.messages.iter().filter_map(|m| m.mail_id).map(|_| format!(".{ANA}>")).collect();
    assert!(agents_own.iter().all(|id| !reply.raw.contains(id)));
    assert!(!reply.raw.contains("buen cliente"));

    // Her answer to her own first mail finds the ticket by its Message-ID.
    let late = world
        .letter(MARIA, "Re: Factura de octubre", "¿Hay noticias?")
        .with("In-Reply-To: <original@client.example>\r\n");
    world.posts(&late);
    world.work().await;
    assert_eq!(*world.tickets().last().unwrap(), number);
    world.verify();
}

#[tokio::test]
async fn the_requester_is_acknowledged_when_the_agent_asks_for_it() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    forward(&mut world, &proof, &INLINE.replacen("#nuevo", "#nuevo acuse", 1));
    world.work().await;
    let acknowledgement = world.new_mail(MARIA);
    assert_eq!(acknowledgement.header("In-Reply-To").unwrap(), "<original@client.example>");
    assert!(!acknowledgement.raw.contains(ANA), "{}", acknowledgement.raw);
    world.verify();
}

#[tokio::test]
async fn for_somebody_who_called_the_address_is_named() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    let letter = world
        .letter(ANA, "Llamó por la impresora", "#nuevo maria@client.example\r\nLlamó a las 10, no imprime.")
        .with(&format!("References: <{}>\r\n", proof.id));
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    let ticket = world.ticket(*world.tickets().last().unwrap());
    assert_eq!(ticket.requester_address, MARIA);
    assert!(ticket.messages.iter().all(|message| message.internal), "what the agent wrote is a note");
    world.verify();
}

#[tokio::test]
async fn nothing_forwarded_is_explained_and_by_policy_no_command_is_needed() {
    let mut world = World::start_with("", "forwards = \"always\"", "").await;
    let proof = proven(&mut world).await;
    let before = world.tickets().len();
    let letter =
        world.letter(ANA, "x", "#nuevo\r\nsin nada").with(&format!("References: <{}>\r\n", proof.id));
    world.posts(&letter);
    world.work().await;
    assert_eq!(world.tickets().len(), before);
    assert!(world.new_mails(ANA).iter().any(|mail| mail.text.contains("#nuevo ana@example.org")));
    world.verify();
}

/// A photograph and no word: the ticket has a message all the same, and the picture is in it.
#[tokio::test]
async fn a_forwarded_mail_without_words_is_a_message_with_what_is_attached() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    let raw = format!(
        "From: <{ANA}>\r\nTo: <{}>\r\nSubject: Fwd: Pantalla\r\nMessage-ID: <foto@desk.example>\r\nReferences: <{}>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n#nuevo\r\n\r\n---------- Forwarded message ---------\r\nDe: María López <{MARIA}>\r\nDate: lun, 5 ene 2026 a las 10:00\r\nSubject: Pantalla\r\nTo: <{ANA}>\r\n\r\n\r\n--b\r\nContent-Type: image/png; name=pantalla.png\r\n\r\nPNG\r\n--b--\r\n",
        crate::world::DESK,
        proof.id
    );
    world.server.deliver(crate::world::DESK, raw);
    world.work().await;
    let number = *world.tickets().last().unwrap();
    let conversation = world.reader().conversation(number).unwrap().unwrap();
    assert_eq!(conversation.messages.len(), 1);
    assert_eq!(conversation.messages[0].attachments[0].name, "pantalla.png");
    assert_eq!(world.ticket(number).requester_address, MARIA);
    world.verify();
}

#[tokio::test]
async fn for_somebody_who_called_no_word_is_needed() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    let letter = world
        .letter(ANA, "Llamó María", "#nuevo maria@client.example")
        .with(&format!("References: <{}>\r\n", proof.id));
    world.posts(&letter);
    world.work().await;
    let ticket = world.ticket(*world.tickets().last().unwrap());
    assert_eq!((ticket.requester_address.as_str(), ticket.messages.len()), (MARIA, 1));
    assert!(ticket.messages[0].internal, "the agent's mail is the agent's");
    world.verify();
}

/// Who is acknowledged at the agent's wish hears nothing of the agent's note, and `verify` knows that.
#[tokio::test]
async fn who_called_is_acknowledged_without_a_word_of_the_note() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    let letter = world
        .letter(ANA, "Llamó María", "#nuevo acuse maria@client.example\r\nParecía muy enfadada.")
        .with(&format!("References: <{}>\r\n", proof.id));
    world.posts(&letter);
    world.work().await;
    let acknowledgement = world.new_mail(MARIA);
    assert!(!acknowledgement.raw.contains("enfadada") && !acknowledgement.text.contains("enfadada"));
    world.verify();
}
