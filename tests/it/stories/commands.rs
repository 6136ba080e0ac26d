//! What agents do by command, and that public and internal are never confused.

use crate::world::{ANA, DESK, LUIS, MARIA, Mail, PEDRO, World};

const CANNED: &str = r##"
[[canned]]
name = "horario"
text = """
Hola, {{ requester_name }}:

Atendemos de 9 a 17. Su número es {{ number }}. {{ agent_name }}, {{ queue }}
"""

[[canned]]
name = "horario"
language = "pt"
text = "Atendemos das 9 às 17."
"##;

pub(super) async fn opened(desk: &str, queue: &str, more: &str) -> (World, i64, Mail) {
    let mut world = World::start_with(desk, queue, more).await;
    world.writes(
        MARIA,
        "Impresora",
        "La impresora del segundo piso no funciona desde ayer, por favor ayuda.",
    );
    world.work().await;
    let (number, note) = (world.tickets()[0], world.new_mail(ANA));
    world.new_mail(LUIS);
    world.new_mail(MARIA);
    (world, number, note)
}

#[tokio::test]
async fn a_canned_answer_goes_out_in_the_tickets_language_with_its_values() {
    let (mut world, number, note) = opened("", "", CANNED).await;
    world.answers(ANA, &note, "Gracias por escribir.\r\n\r\n#responder horario\r\n#resolver");
    world.work().await;
    let reply = world.new_mail(MARIA);
    let expected = format!(
        "Gracias por escribir.\n\nHola, {MARIA}:\n\nAtendemos de 9 a 17. Su número es {number}. Ana García, Soporte"
    );
    assert!(reply.text.replace('\r', "").contains(&expected), "{}", reply.text);
    assert_eq!(world.ticket(number).row.status.word(), "resolved");
    world.answers(ANA, &note, "#responder horarios");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.new_mail(ANA).text.contains("horario"));
    world.verify();
}

#[tokio::test]
async fn the_last_message_is_split_off_and_answered_on_its_own() {
    let (mut world, number, note) = opened("", "", "").await;
    let again = world.letter(MARIA, &format!("[#{number}]"), "Otra cosa: ¿me mandan la factura?");
    world.posts(&again);
    world.work().await;
    world.new_mails(ANA);
    world.new_mails(LUIS);
    world.answers(ANA, &note, "#dividir Factura de María");
    world.work().await;
    world.no_mail(MARIA);
    let new = world.tickets()[1];
    let ticket = world.ticket(new);
    assert_eq!(
        (ticket.row.subject.as_str(), ticket.requester_address.as_str(), ticket.row.assignee.as_str()),
        ("Factura de María", MARIA, ANA)
    );
    assert!(ticket.messages[0].text.contains("la factura"));
    let mine = world.new_mail(ANA);
    world.answers(ANA, &mine, "Va adjunta.");
    world.work().await;
    let reply = world.new_mail(MARIA);
    assert!(reply.subject.contains(&format!("[#{new}] Factura de María")), "{}", reply.subject);
    assert!(!reply.raw.contains(ANA), "{}", reply.raw);
    world.verify();
}

#[tokio::test]
async fn what_is_snoozed_comes_back_by_itself() {
    let (mut world, number, note) = opened("", "", "").await;
    world.answers(ANA, &note, "#posponer 2d");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).row.status.word(), "pending");
    world.no_mail(ANA);
    world.clock.advance(2 * 86400 + 1);
    world.work().await;
    assert_eq!(world.ticket(number).row.status.word(), "open");
    // Nobody has it, so all of the queue hear of it, in their languages, and can answer by return.
    let (to_ana, to_luis) = (world.new_mail(ANA), world.new_mail(LUIS));
    assert!(to_ana.text.contains("nos toca a nosotros") && to_ana.text.contains(MARIA), "{}", to_ana.text);
    assert!(
        to_luis.text.contains("é a nossa vez") && to_luis.text.contains("segundo piso"),
        "{}",
        to_luis.text
    );
    world.answers(ANA, &to_ana, "Ya tenemos la pieza.\r\n#tomar\r\n#pendiente hasta 2027-01-10");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("la pieza"));
    world.new_mails(LUIS);
    // The one who has it hears of it alone, once; the requester of none of this.
    world.clock.advance(400 * 86400);
    world.work().await;
    world.work().await;
    assert!(world.new_mail(ANA).text.contains("nos toca a nosotros"));
    world.no_mail(LUIS);
    world.no_mail(MARIA);
    world.verify();
}

/// Tabs and empty lines grow to thirty times their size in HTML: three such mails together are more than a mail may be.
#[tokio::test]
async fn a_ticket_with_enormous_messages_wakes_like_any_other_and_keeps_none_asleep() {
    let (mut world, number, note) = opened("", "", "").await;
    let body = format!("{}a\r\n\r\n", "\t".repeat(40)).repeat(11_000);
    for _ in 0..2 {
        let letter = world.letter(MARIA, &format!("[#{number}]"), &body);
        world.posts(&letter);
    }
    world.answers(ANA, &note, "#posponer 2d");
    world.work().await;
    assert_eq!(world.ticket(number).row.status.word(), "pending");
    world.new_mails(ANA);
    world.clock.advance(2 * 86400 + 1);
    world.work().await;
    assert_eq!(world.ticket(number).row.status.word(), "open");
    let woke = world.new_mail(ANA);
    assert!(woke.text.contains("nos toca a nosotros") && woke.text.contains(MARIA), "{:.500}", woke.text);
    // It can be looked at and passed on as well.
    world.answers(ANA, &woke, &format!("#mostrar {number}"));
    world.work().await;
    assert!(world.new_mail(ANA).text.contains("[…]"));
    world.answers(ANA, &woke, "#reenviar tercero@otra.example");
    world.work().await;
    let sql = "SELECT count(*) FROM outbox WHERE recipient = 'tercero@otra.example' AND size > 100000";
    assert_eq!(world.reader().db().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap(), 1);
    assert_eq!(world.last_account().0, "agent");
    world.verify();
}

#[tokio::test]
async fn a_ticket_whose_requester_wrote_before_its_time_wakes_nobody_twice() {
    let (mut world, number, note) = opened("", "", "").await;
    world.answers(ANA, &note, "#pendiente hasta 3d");
    world.work().await;
    let again = world.letter(MARIA, &format!("[#{number}]"), "¿Ya hay algo?");
    world.posts(&again);
    world.work().await;
    world.new_mails(ANA);
    world.new_mails(LUIS);
    world.clock.advance(4 * 86400);
    world.work().await;
    world.no_mail(ANA);
    world.no_mail(LUIS);
    world.verify();
}

#[tokio::test]
async fn spam_is_closed_and_its_sender_gets_no_more_answers_but_loses_no_mail() {
    let (mut world, number, note) = opened("", "", "").await;
    world.answers(ANA, &note, "Esto es basura.\r\n#spam");
    world.work().await;
    world.no_mail(MARIA);
    let ticket = world.ticket(number);
    assert_eq!((ticket.row.status.word(), ticket.labels), ("closed", vec!["spam".to_owned()]));
    assert!(ticket.messages[1].internal);
    world.writes(MARIA, "Otra vez", "Compre ya, no se arrepentirá.");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.tickets().len(), 2, "a mistaken word loses no mail");
    world.verify();
}

#[tokio::test]
async fn a_conversation_is_passed_on_once_without_notes_and_without_a_way_in() {
    let (mut world, number, note) = opened("", "", "").await;
    world.answers(ANA, &note, "#nota\r\nCliente difícil.");
    world.work().await;
    world.answers(ANA, &note, "¿Puede verlo, por favor?\r\n#reenviar pedro@client.example");
    world.work().await;
    world.no_mail(MARIA);
    let passed_on = world.new_mail(PEDRO);
    assert!(
        passed_on.text.contains("¿Puede verlo") && passed_on.text.contains("segundo piso"),
        "{}",
        passed_on.text
    );
    assert!(
        !passed_on.raw.contains(ANA) && !passed_on.text.contains("difícil") && !passed_on.raw.contains("/t/"),
        "{}",
        passed_on.raw
    );
    world.answers(PEDRO, &passed_on, "Lo miro mañana.\r\n#close");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.tickets().len(), 2, "the answer is a ticket of its own");
    assert_eq!(world.ticket(number).row.status.word(), "new");
    world.verify();
}

#[tokio::test]
async fn the_address_for_notes_wins_over_everything_else() {
    let (mut world, number, note) = opened("", "plus_addresses = true", "").await;
    assert!(note.text.contains("soporte+note@desk.example"), "{}", note.text);
    let mut letter = world.answer(ANA, &note, "Solo para nosotros.");
    letter.to = "soporte+note@desk.example".into();
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    let both = world.answer(ANA, &note, "A los dos.").with("Cc: Notas <soporte+NOTE@desk.example>\r\n");
    world.posts(&both);
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.ticket(number).messages[1..].iter().all(|message| message.internal));
    world.new_mails(ANA);
    let stranger = world
        .letter("eve@evil.example", &format!("[#{number}]"), "hola")
        .with("Cc: <soporte+note@desk.example>\r\n");
    world.posts(&stranger);
    world.work().await;
    assert_eq!(world.ticket(number).messages.len(), 3, "the address proves nothing");
    world.verify();
}

#[tokio::test]
async fn who_stands_in_cc_of_an_agents_mail_is_told_to_the_agent() {
    let (mut world, _, note) = opened("", "", "").await;
    let letter = world.answer(ANA, &note, "Lo miramos.").with("Cc: <pedro@client.example>\r\n");
    world.posts(&letter);
    world.work().await;
    world.new_mail(MARIA);
    world.no_mail(PEDRO);
    let told = world.new_mail(ANA);
    assert!(told.text.contains(PEDRO) && told.text.contains("#cc"), "{}", told.text);
    let letter = world.answer(ANA, &note, "#nota\r\nUf.").with("Cc: <maria@client.example>\r\n");
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.new_mail(ANA).text.contains(MARIA));
    world.verify();
}

#[tokio::test]
async fn what_an_agent_forwards_into_a_ticket_is_a_note() {
    let (mut world, number, note) = opened("", "", "").await;
    let mut letter = world.answer(ANA, &note, "Miren lo que dice de este cliente el jefe.");
    letter.subject = letter.subject.replacen("Re: ", "", 1);
    letter.subject = format!("RV: {}", letter.subject);
    world.posts(&letter);
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.ticket(number).messages[1].internal);
    let told = world.new_mail(ANA);
    assert!(told.text.contains(&format!("pertenece al ticket {number}")), "{}", told.text);
    assert!(told.text.contains("#nuevo") && told.text.contains("solo agentes"), "{}", told.text);
    // Who calls it a note knows what it is.
    let known = world.answer(ANA, &note, "#nota\r\nY esto también.");
    world.posts(&crate::world::Letter { subject: format!("RV: {}", known.subject), ..known });
    world.work().await;
    world.no_mail(ANA);
    assert_eq!(world.tickets(), [number]);
    world.verify();
}

#[tokio::test]
async fn a_reply_is_taken_back_while_it_waits_and_not_later() {
    let mut world = World::start_with_hold("30s").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona.");
    world.work().await;
    let again = world.new_mail(ANA);
    world.new_mail(MARIA);
    world.new_mails(LUIS);
    world.answers(ANA, &again, "Esto no debía decirlo.");
    world.work().await;
    world.no_mail(MARIA);
    assert!(world.new_mail(LUIS).text.contains("no debía decirlo"), "colleagues hear of it at once");
    world.answers(ANA, &again, "#deshacer");
    world.work().await;
    world.no_mail(ANA);
    let told = world.new_mail(LUIS);
    assert!(told.text.contains("Ana García retirou a última resposta"), "{}", told.text);
    assert!(told.text.contains("Só agentes leem a sua resposta"), "{}", told.text);
    world.answers(LUIS, &told, "Ainda bem.");
    world.work().await;
    world.no_mail(MARIA);
    world.new_mails(ANA);
    world.clock.advance(3600);
    world.work().await;
    world.no_mail(MARIA);
    world.no_mail(LUIS);
    let number = world.tickets()[0];
    assert!(world.ticket(number).messages[1].internal, "what was taken back is kept as a note");
    world.answers(ANA, &again, "Esto sí.");
    world.work().await;
    world.no_mail(MARIA);
    world.clock.advance(31);
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Esto sí"));
    assert!(world.new_mail(LUIS).text.contains("Esto sí"), "a colleague hears of it when it has gone out");
    world.answers(ANA, &again, "#undo");
    world.work().await;
    assert!(world.new_mail(ANA).text.contains("se ha enviado"), "too late is said");
    world.verify();
}

#[tokio::test]
async fn a_reply_to_an_address_that_mail_came_back_from_is_tried_all_the_same() {
    let (mut world, _, note) = opened("", "", "").await;
    world.answers(ANA, &note, "#spam");
    world.work().await;
    world.answers(ANA, &note, "Perdón, era un error nuestro.\r\n#abrir");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Perdón"), "a person's reply is not swallowed");
    world.verify();
}

#[tokio::test]
async fn an_agents_certificate_and_client_stay_behind() {
    let (mut world, _, note) = opened("", "", "").await;
    let letter = world
        .answer(ANA, &note, "x")
        .with("X-Mailer: SecretMailer 7\r\nUser-Agent: SecretMailer\r\nX-Originating-IP: 10.1.2.3\r\n");
    let own_id = format!("{}.{ANA}", letter.headers.split('<').nth(1).unwrap().split('.').next().unwrap());
    let raw = letter.raw().replace("Content-Type: text/plain; charset=utf-8\r\n\r\n", "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHola María.\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Disposition: attachment; filename=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\nYW5hQGRlc2suZXhhbXBsZQ==\r\n--b--\r\n");
    world.server.deliver(DESK, raw);
    world.work().await;
    let reply = world.new_mail(MARIA);
    assert!(reply.attachments.is_empty(), "{:?}", reply.attachments);
    for secret in [ANA, "SecretMailer", "10.1.2.3", "smime", &own_id, &note.id] {
        assert!(!reply.raw.contains(secret), "{secret}: {}", reply.raw);
    }
    world.verify();
}

#[tokio::test]
async fn a_ticket_of_an_agent_who_left_is_everybodys() {
    let eva = "\n[[agent]]\naddress = \"eva@desk.example\"\nname = \"Eva\"\n";
    let (mut world, number, note) = opened("", "", eva).await;
    world.answers(ANA, &note, "#asignar eva@desk.example");
    world.work().await;
    assert_eq!(world.ticket(number).row.assignee, "eva@desk.example");
    world.reconfigure("", "", "");
    let again = world.letter(MARIA, &format!("[#{number}]"), "¿Hay alguien?");
    world.posts(&again);
    world.work().await;
    assert!(world.new_mails(ANA).iter().any(|mail| mail.text.contains("¿Hay alguien?")));
    assert!(world.new_mails(LUIS).iter().any(|mail| mail.text.contains("¿Hay alguien?")));
    world.verify();
}

#[tokio::test]
async fn a_ticket_is_given_to_an_agent_by_name() {
    let eva = "\n[[agent]]\naddress = \"ana.lopez@desk.example\"\nname = \"Ana López\"\n";
    for (text, has_it) in [
        ("#asignar Luis", Some(LUIS)),
        ("#asignar luís souza", Some(LUIS)),
        ("#atribuir a @LUIS", Some(LUIS)),
        ("#assign ana garcia", Some(ANA)),
        ("#asignar ana.lopez", Some("ana.lopez@desk.example")),
        ("#asignar Ana López", Some("ana.lopez@desk.example")),
        ("#asignar López", None),
        ("#asignar Lui", None),
    ] {
        let (mut world, number, note) = opened("", "", eva).await;
        world.answers(ANA, &note, text);
        world.work().await;
        world.no_mail(MARIA);
        let assignee = world.ticket(number).row.assignee;
        assert_eq!(assignee, has_it.unwrap_or_default(), "{text}");
        let told = world.new_mails(ANA).pop().map(|mail| mail.text).unwrap_or_default();
        assert_eq!(told.contains("Luís Souza <luis@desk.example>"), has_it.is_none(), "{text}: {told}");
        world.verify();
    }
    // Two are called Ana: neither is meant, and both are named.
    let (mut world, number, note) = opened("", "", eva).await;
    world.answers(ANA, &note, "Hola María.\r\n\r\n#asignar Ana");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).row.assignee, "");
    let told = world.new_mail(ANA).text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Varios agentes se llaman Ana",
        "Ana García <ana@desk.example>",
        "Ana López <ana.lopez@desk.example>",
    ] {
        assert!(told.contains(words), "{told}");
    }
    world.verify();
}
