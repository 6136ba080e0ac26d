//! Tickets on behalf of those who wrote to somebody else.

use crate::world::{ANA, LUIS, MARIA, Mail, PEDRO, World};

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

const PROVEN: &str = "Authentication-Results: mx.desk.example; dmarc=pass header.from=desk.example\r\n";
const FORWARDED: &str = "Ojo, es buen cliente.\r\n\r\n---------- Forwarded message ---------\r\nDe: María López <maria@client.example>\r\nDate: lun, 5 ene 2026 a las 10:00\r\nSubject: Factura de octubre\r\nTo: <ana@desk.example>\r\n\r\nBuenos días, la factura está mal.\r\n";

/// A desk where agents' forwards open tickets, and whose mail server says who is who.
async fn always() -> World {
    World::start_with("", "forwards = \"always\"", "authserv_id = \"mx.desk.example\"").await
}

#[tokio::test]
async fn by_policy_a_proven_agents_forward_needs_no_command() {
    let mut world = always().await;
    let letter = world.letter(ANA, "Fwd: Factura de octubre", FORWARDED).with(PROVEN);
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    let ticket = world.ticket(world.tickets()[0]);
    assert_eq!(
        (ticket.requester_address.as_str(), ticket.row.subject.as_str()),
        (MARIA, "Factura de octubre")
    );
    let shown: Vec<_> =
        ticket.messages.iter().map(|m| (m.internal, m.text.contains("buen cliente"))).collect();
    assert_eq!(shown, [(false, false), (true, true)], "what stands above is a note");
    let notification = world.new_mail(ANA);
    world.answers(ANA, &notification, "Hola María, la corregimos.");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("la corregimos"));
    // What is no forward is a request of the agent's own, also when an old forward is quoted far below it.
    let quoting = format!("¿Me ayudan con mi portátil?\r\n\r\n> {}", FORWARDED.replace("\r\n", "\r\n> "));
    for (subject, text) in
        [("Mi portátil", "No enciende mi portátil."), ("Re: Mi portátil", quoting.as_str())]
    {
        let own = world.letter(ANA, subject, text).with(PROVEN);
        world.posts(&own);
        world.work().await;
        assert_eq!(world.ticket(*world.tickets().last().unwrap()).requester_address, ANA);
    }
    assert_eq!(world.tickets().len(), 3);
    world.verify();
}

#[tokio::test]
async fn by_policy_a_requesters_forward_stays_the_requesters() {
    let mut world = always().await;
    let results = PROVEN.replace("header.from=desk", "header.from=client");
    let letter = world.letter(PEDRO, "Fwd: Factura de octubre", FORWARDED).with(&results);
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    let ticket = world.ticket(world.tickets()[0]);
    assert_eq!(ticket.requester_address, PEDRO, "only agents open tickets for others");
    assert!(ticket.messages.iter().all(|message| !message.internal));
    assert_eq!(world.new_mails(PEDRO).len(), 1, "Pedro is acknowledged");
    world.verify();
}

#[tokio::test]
async fn by_policy_a_forward_in_an_agents_name_waits_for_the_agents_word() {
    let mut world = always().await;
    world.writes(ANA, "Fwd: Factura de octubre", FORWARDED);
    world.work().await;
    assert_eq!(world.last_account().0, "held");
    assert_eq!(world.tickets(), [0_i64; 0]);
    let question = world.new_mail(ANA);
    world.answers(ANA, &question, "sí");
    world.work().await;
    assert_eq!(world.ticket(world.tickets()[0]).requester_address, MARIA);
    world.no_mail(MARIA);
    // What a rule in her mailbox forwards cannot be confirmed: it is not held back, nor lost.
    let rule = world.letter(ANA, "Fwd: Otra factura", &FORWARDED.replace("está mal", "no llegó"));
    world.posts(&rule.with("Auto-Submitted: auto-generated\r\n"));
    world.work().await;
    assert_eq!(world.last_account().0, "opened");
    world.verify();
}

#[tokio::test]
async fn without_the_policy_an_agents_forward_without_a_word_is_the_agents_own_request() {
    let mut world = World::start_with("", "", "authserv_id = \"mx.desk.example\"").await;
    let letter = world.letter(ANA, "Fwd: Factura de octubre", FORWARDED).with(PROVEN);
    world.posts(&letter);
    world.work().await;
    assert_eq!(world.ticket(world.tickets()[0]).requester_address, ANA);
    world.no_mail(MARIA);
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

/// María wrote to Luís, he to Ana, and she to the desk: the ticket is María's, and nothing of the way shows.
#[tokio::test]
async fn of_what_agents_forwarded_to_one_another_the_first_sender_is_the_requester() {
    let mut world = World::start().await;
    let proof = proven(&mut world).await;
    let body = format!(
        "#nuevo acuse\r\n\r\n---------- Forwarded message ---------\r\nDe: Luís Souza <{LUIS}>\r\nDate: mar, 6 ene 2026\r\nSubject: Fwd: Factura de octubre\r\nTo: <{ANA}>\r\n\r\nAna, es una pesada.\r\n\r\n---------- Forwarded message ---------\r\nDe: María López <{MARIA}>\r\nDate: lun, 5 ene 2026\r\nSubject: Factura de octubre\r\nTo: <{LUIS}>\r\n\r\nBuenos días, la factura está mal.\r\n"
    );
    forward(&mut world, &proof, &body);
    world.work().await;
    let ticket = world.ticket(*world.tickets().last().unwrap());
    assert_eq!(
        (ticket.requester_address.as_str(), ticket.row.subject.as_str()),
        (MARIA, "Factura de octubre")
    );
    let acknowledgement = world.new_mail(MARIA);
    for secret in ["pesada", LUIS, ANA, "original@client.example"] {
        assert!(!acknowledgement.raw.contains(secret), "{secret}: {}", acknowledgement.raw);
    }
    let public: Vec<&str> = ticket
        .messages
        .iter()
        .filter(|message| !message.internal)
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(public, ["Buenos días, la factura está mal."]);
    // What a colleague asks is the colleague's.
    let own = body
        .split("---------- Forwarded message ---------\r\nDe: María")
        .next()
        .unwrap()
        .replace("acuse", "");
    let letter = world
        .letter(ANA, "Fwd: otra", &own)
        .with(&format!("References: <otra@client.example> <{}>\r\n", proof.id));
    world.posts(&letter);
    world.work().await;
    assert_eq!(world.ticket(*world.tickets().last().unwrap()).requester_address, LUIS);
    world.verify();
}
