//! What agents write that is not quite as the page for agents has it: nothing of it reaches anybody outside.

use super::commands::opened;
use crate::world::{ANA, LUIS, MARIA, PEDRO};

#[tokio::test]
async fn a_command_written_as_the_desks_own_words_show_it_is_a_command() {
    for line in ["“#note”", "«#nota»", "##note", "\u{fe5f}nota"] {
        let (mut world, number, note) = opened("", "", "").await;
        world.answers(ANA, &note, &format!("{line}\r\n\r\nEs un cliente difícil."));
        world.work().await;
        world.no_mail(MARIA);
        assert!(world.ticket(number).messages.last().unwrap().internal, "{line}: {:?}", world.last_account());
        world.verify();
    }
}

#[tokio::test]
async fn a_word_for_a_note_beside_anything_else_sends_nothing_and_is_explained() {
    for (text, says) in [
        ("#tag factura #note\r\n\r\nSecreto.", "misma línea"),
        ("#asunto Otra cosa #nota\r\n\r\nSecreto.", "misma línea"),
        ("1. #note\r\n\r\nSecreto.", "Una orden empieza la línea"),
        ("Hola\u{2028}#note\u{2028}Secreto.", "en medio del texto"),
    ] {
        let (mut world, number, note) = opened("", "", "").await;
        world.answers(ANA, &note, text);
        world.work().await;
        world.no_mail(MARIA);
        assert_eq!(world.ticket(number).messages.len(), 1, "{text}");
        let explained = world.new_mail(ANA).text;
        assert!(explained.contains(says) && explained.contains("Secreto"), "{explained}");
        world.verify();
    }
}

#[tokio::test]
async fn an_agent_cannot_be_made_one_of_those_outside() {
    for command in ["cc", "reenviar"] {
        let (mut world, number, note) = opened("", "", "").await;
        world.answers(ANA, &note, &format!("Hola, ya lo vemos.\r\n\r\n#{command} {LUIS}"));
        world.work().await;
        world.no_mail(MARIA);
        world.no_mail(LUIS);
        let explained = world.new_mail(ANA).text;
        assert!(explained.contains(&format!("#asignar {LUIS}")), "{explained}");
        assert!(world.ticket(number).people.is_empty());
        world.verify();
    }
}

#[tokio::test]
async fn an_agent_who_asks_as_a_requester_can_write_a_note_without_its_reaching_anybody_outside() {
    let (mut world, _, _) = opened("", "", "").await;
    let question = world.letter(LUIS, "Mi teclado", "Mi teclado no funciona desde ayer, ¿lo pueden cambiar?");
    world.posts(&question.with(&format!("Cc: <{PEDRO}>\r\n")));
    world.work().await;
    let number = world.tickets()[1];
    world.new_mail(ANA);
    let acknowledged = world.new_mail(LUIS);
    world.new_mails(PEDRO);
    // Words are the requester's, and go to all who take part.
    world.answers(LUIS, &acknowledged, "Ahora tampoco funciona el ratón.");
    world.work().await;
    assert!(world.new_mail(PEDRO).text.contains("tampoco"));
    // A command is an agent's. The token of a requester proves no agent: Luís is asked, and says yes.
    world.answers(LUIS, &acknowledged, "#note\r\nEs culpa de Pedro.");
    world.work().await;
    assert_eq!(world.last_account().0, "held");
    let question = world.new_mail(LUIS);
    world.answers(LUIS, &question, "sim");
    world.work().await;
    world.no_mail(PEDRO);
    let last = world.ticket(number).messages.pop().unwrap();
    assert!(last.internal && last.text == "Es culpa de Pedro.", "{last:?}");
    assert!(world.new_mails(ANA).iter().any(|mail| mail.text.contains("Es culpa")));
    world.verify();
}

#[tokio::test]
async fn an_undo_that_comes_too_late_or_twice_says_what_can_be_done() {
    let mut world = crate::world::World::start_with_hold("30s").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let note = world.new_mail(ANA);
    world.new_mails(MARIA);
    world.answers(ANA, &note, "Hola María.");
    world.work().await;
    for told in [0, 1] {
        world.answers(ANA, &note, "#deshacer");
        world.work().await;
        let mails = world.new_mails(ANA);
        assert_eq!(mails.len(), told, "{:?}", mails.iter().map(|mail| &mail.text).collect::<Vec<_>>());
        assert!(mails.iter().all(|mail| mail.text.contains("ya se retiró")));
    }
    world.no_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn a_ticket_is_merged_into_one_other_and_not_into_itself() {
    let (mut world, first, note) = opened("", "", "").await;
    for (who, subject) in [(MARIA, "Teclado"), (PEDRO, "Ratón")] {
        world.writes(who, subject, "Tampoco funciona desde ayer, por favor ayuda.");
    }
    world.work().await;
    let notes = world.new_mails(ANA);
    world.new_mails(MARIA);
    world.new_mails(PEDRO);
    let numbers = world.tickets();
    let (second, third) = (numbers[1], numbers[2]);
    // Two at once would leave María among those of a ticket that hers is not in.
    world.answers(ANA, &note, &format!("#fusionar {second}\r\n#fusionar {third}"));
    world.work().await;
    assert!(world.new_mail(ANA).text.contains("#fusionar puede estar una sola vez"));
    assert!(world.ticket(second).people.is_empty() && world.ticket(third).people.is_empty());

    world.answers(ANA, &note, &format!("#fusionar {second}"));
    world.work().await;
    // The other way round it would be a circle: what is merged leads to where it has gone.
    for (mail, into) in [(&notes[0], first), (&notes[0], second), (&note, first)] {
        world.answers(ANA, mail, &format!("#fusionar {into}"));
        world.work().await;
        let told = world.new_mail(ANA).text;
        assert!(told.contains(&format!("No hay otro ticket {into}")) && told.contains("#lista"), "{told}");
    }
    world.no_mail(MARIA);
    world.no_mail(PEDRO);
    world.verify();
}

/// Outlook can attach the mail that is answered, and any program the mail that is sent on.
#[tokio::test]
async fn a_mail_of_the_desks_own_that_an_agent_attaches_goes_to_nobody_outside() {
    let (mut world, number, note) = opened("", "", "").await;
    let raw = world.answer(ANA, &note, "x").raw();
    let parts = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHola, va el documento.\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=aviso.eml\r\n\r\n{}\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--\r\n",
        note.raw
    );
    let head = raw.split_once("Content-Type: text/plain; charset=utf-8\r\n\r\n").unwrap().0;
    world.server.deliver(crate::world::DESK, format!("{head}{parts}"));
    world.work().await;
    let reply = world.new_mail(MARIA);
    let names: Vec<&str> = reply.attachments.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.pdf"]);
    for secret in [ANA, &note.id] {
        assert!(!reply.raw.contains(secret), "{secret}: {}", reply.raw);
    }
    // The page offers what was sent, and no more; a note keeps all.
    assert_eq!(world.ticket(number).messages.last().unwrap().attachments, ["a.pdf"]);
    let told = world.new_mail(ANA).text;
    assert!(told.contains("se envió sin aviso.eml"), "{told}");
    let noted = format!("{head}{parts}")
        .replace("Hola, va", "#nota\r\nHola, va")
        .replace("Message-ID: <", "Message-ID: <n");
    world.server.deliver(crate::world::DESK, noted);
    world.work().await;
    assert_eq!(world.ticket(number).messages.last().unwrap().attachments, ["aviso.eml", "a.pdf"]);
    world.no_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn an_agent_who_says_no_to_the_question_confirms_nothing() {
    let says_no = [
        "No, no fui yo.",
        "No fui yo, ¿quién escribe con mi nombre?",
        "I didn\u{2019}t write this",
        "Não!",
        "Yo no he sido\r\n\r\nAna",
    ];
    for (answers, released) in [(&says_no[..], false), (&["Sí, fui yo.", "", "OK, gracias"][..], true)] {
        for answer in answers {
            let (mut world, number, _) = opened("", "", "").await;
            world.writes(ANA, &format!("[#{number}]"), "Mande su contraseña.\r\n\r\n#close");
            world.work().await;
            let question = world.new_mail(ANA);
            world.answers(ANA, &question, answer);
            world.work().await;
            assert_eq!(world.ticket(number).row.status.word() == "closed", released, "{answer}");
            assert_eq!(world.new_mails(MARIA).len(), usize::from(released), "{answer}");
            let told = world.new_mails(ANA);
            assert_eq!(told.iter().any(|mail| mail.text.contains("queda sin efecto")), !released, "{answer}");
            // The answer can still be changed.
            world.answers(ANA, &question, "");
            world.work().await;
            assert_eq!(world.ticket(number).row.status.word(), "closed", "{answer}");
            world.verify();
        }
    }
}

#[tokio::test]
async fn a_document_beside_commands_alone_is_sent_to_nobody_and_the_agent_is_told() {
    for (kind, file, told) in [("application/pdf", "contrato.pdf", true), ("image/png", "logo.png", false)] {
        let (mut world, number, note) = opened("", "", "").await;
        let raw = world.answer(ANA, &note, "x").raw();
        let head = raw.split_once("Content-Type: text/plain; charset=utf-8\r\n\r\n").unwrap().0;
        world.server.deliver(crate::world::DESK, format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n#resolver\r\n--b\r\nContent-Type: {kind}; name={file}\r\nContent-Disposition: attachment; filename={file}\r\n\r\nx\r\n--b--\r\n"));
        world.work().await;
        world.no_mail(MARIA);
        assert_eq!(world.ticket(number).row.status.word(), "resolved");
        let mails = world.new_mails(ANA);
        assert_eq!(
            mails.iter().any(|mail| mail.text.contains(&format!("{file} no se envió a nadie"))),
            told,
            "{file}"
        );
        world.verify();
    }
}

#[tokio::test]
async fn odd_orders_are_carried_out_or_explained_and_never_sent() {
    let (mut world, number, note) = opened("", "", "").await;
    for (text, explained) in [
        ("#posponer 2020-01-01", Some("La fecha ya pasó: 2020-01-01")),
        ("#posponer até 24/12/2030", None),
        ("#pendente até 24.12.2030", None),
        ("#asignar nadie", None),
        ("#asignar", Some("#asignar ana@example.org")),
        ("#prioridad altísima", Some("#prioridad alta")),
        ("#cola inexistente", Some("soporte")),
        ("#responder nada", Some("respuesta preparada nada")),
        ("#reenviar soporte@desk.example", Some("de la propia mesa")),
        ("#quitarcc eva@client.example", Some("no participa")),
        ("#dividir", None),
        ("#spam", None),
        ("#cerrar", None),
        ("#etiqueta factura\r\n#nota\r\n\r\nEs un cliente difícil.", None),
        ("#asignr yo", Some("#asignar")),
    ] {
        world.answers(ANA, &note, text);
        world.work().await;
        world.no_mail(MARIA);
        let told: Vec<String> = world.new_mails(ANA).into_iter().map(|mail| mail.text).collect();
        match explained {
            Some(words) => assert!(told.iter().any(|told| told.contains(words)), "{text}: {told:?}"),
            None => assert!(told.iter().all(|told| !told.contains("No se envió nada")), "{text}: {told:?}"),
        }
    }
    assert_eq!(world.ticket(number).row.status.word(), "closed");
    world.verify();
}

#[tokio::test]
async fn no_form_that_html_gives_to_a_word_for_a_note_sends_the_note() {
    for html in [
        "<p class=MsoNormal>«#nota»</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>Cliente difícil.</p>",
        "<p>“<b>#note</b>”</p><p>Cliente difícil.</p>",
        "<div>#nota<br>Cliente difícil.</div>",
        "<ol><li>#nota</li></ol><p>Cliente difícil.</p>",
        "<p><span>#</span><span>nota</span></p><p>Cliente difícil.</p>",
        "<p># <b>nota</b></p><p>Cliente difícil.</p>",
        "<table><tr><td>#nota</td></tr><tr><td>Cliente difícil.</td></tr></table>",
        "<table><tr><td>#nota</td><td>Cliente difícil.</td></tr></table>",
        "<p>Nota interna:</p><p>&#35;nota Cliente difícil.</p>",
        "<h1>#nota</h1>Cliente difícil.",
        "<p>#<a href='https://x.example/nota'>nota</a></p><p>Cliente difícil.</p>",
        "<p><a href='https://twitter.example/hashtag/nota'>#nota</a></p><p>Cliente difícil.</p>",
        "<pre>#nota\n\nCliente difícil.</pre>",
        "<p><font>&#x200b;#nota</font></p>Cliente difícil.",
        "<p><img alt='x' src='cid:1'>#nota</p>Cliente difícil.",
    ] {
        let (mut world, number, note) = opened("", "", "").await;
        let raw = world.answer(ANA, &note, "x").raw();
        let head = raw.split_once("Content-Type: text/plain; charset=utf-8\r\n\r\n").unwrap().0;
        world.server.deliver(
            crate::world::DESK,
            format!(
                "{head}Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>{html}</body></html>\r\n"
            ),
        );
        world.work().await;
        assert_eq!(world.new_mails(MARIA).len(), 0, "{html}");
        let is_noted = world.ticket(number).messages.iter().any(|message| message.internal);
        assert!(is_noted || world.new_mail(ANA).text.contains("Cliente difícil."), "{html}");
        world.verify();
    }
}

#[tokio::test]
async fn who_is_an_agent_no_more_writes_no_note_to_those_outside() {
    let eva = "\n[[agent]]\naddress = \"eva@desk.example\"\nname = \"Eva\"\n";
    let mut world = crate::world::World::start_with("", "", eva).await;
    world.server.add_account("eva@desk.example", "secret");
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let number = world.tickets()[0];
    let note = world.new_mail(ANA);
    world.answers(ANA, &note, "#asignar eva@desk.example");
    world.writes(MARIA, &format!("[#{number}]"), "¿Hay alguien?");
    world.work().await;
    world.new_mails(MARIA);
    world.new_mails(ANA);
    let old = world.new_mail("eva@desk.example");
    world.reconfigures("", "", "");
    world.answers("eva@desk.example", &old, "#nota\r\nEs un cliente difícil.");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.ticket(number).messages.len(), 2);
    // It is a stranger's mail: a ticket of its own, which the agents hear of.
    assert_eq!(world.tickets().len(), 2);
    assert!(world.new_mail(ANA).text.contains("difícil"));
    world.verify();
}
