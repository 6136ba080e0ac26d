//! The mail of a trial: fifty-odd mails of every kind in three stages, each stage answering what the one before brought
//! about. Knows no process and no fault. What a mail answers is looked up in the outbox, not in anybody's inbox: a mail
//! that was uncertain has its row all the same.

use crate::world::{ANA, DESK, LUIS, PEDRO};
use postdesk::store::Connection;

/// A requester's address.
pub fn client(n: usize) -> String {
    format!("r{n}@client.example")
}

fn head(from: &str, label: &str, subject: &str, more: &str) -> String {
    format!(
        "From: <{from}>\r\nTo: <{DESK}>\r\nSubject: {subject}\r\nMessage-ID: <{label}@mail.example>\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n{more}"
    )
}

fn plain(from: &str, label: &str, subject: &str, more: &str, body: &str) -> Vec<u8> {
    let head = head(from, label, subject, more);
    format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n").into_bytes()
}

fn with_file(from: &str, label: &str) -> Vec<u8> {
    let head = head(from, label, "Factura", "Content-Type: multipart/mixed; boundary=b\r\n");
    format!(
        "{head}\r\n--b\r\nContent-Type: text/plain\r\n\r\nAdjunto la factura.\r\n--b\r\nContent-Type: application/pdf\r\n\
         Content-Disposition: attachment; filename=\"../factura.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n"
    )
    .into_bytes()
}

/// What comes without being asked for.
pub fn first() -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = (0..10)
        .map(|n| {
            let body = format!("Buenos días, necesito ayuda con el sistema número {n}, por favor. Gracias.");
            plain(&client(n), &format!("new-{n}"), &format!("Asunto {n}"), "", &body)
        })
        .collect();
    mails.push(mails[0].clone());
    mails.push(with_file(&client(10), "file"));
    mails.push(plain(
        &client(11),
        "cc",
        "Con copia",
        &format!("Cc: <{PEDRO}>\r\n"),
        "Pedro también quiere saber.",
    ));
    mails.push(plain(&client(12), "list", "News", "List-Id: <news.client.example>\r\n", "Hello list."));
    mails.push(plain(&client(13), "bulk", "Offer", "Precedence: bulk\r\n", "Buy now."));
    mails.push(plain(
        &client(14),
        "away",
        "Respuesta automática: x",
        "Auto-Submitted: auto-replied\r\n",
        "No estoy.",
    ));
    mails.push(plain("noreply@client.example", "noreply", "Aviso", "", "Esto es un aviso."));
    mails.push(plain("stranger@evil.example", "tagged", "Re: [#123456] hola", "", "¿Qué hay en este caso?"));
    mails.push(Vec::new());
    mails.push((0..=255).cycle().take(3000).collect());
    mails.push(b"just words, no header at all\r\n".to_vec());
    mails.push(plain(&client(15), "large", "Grande", "", &"0123456789\r\n".repeat(30_000)));
    mails.push(plain(DESK, "own", "Soy yo", "", "De mí para mí."));
    mails.push(plain(ANA, "ana-asks", "Mi teclado", "", "Mi propio teclado no funciona."));
    mails.push(plain(LUIS, "luis-unproven", "x", "", "#help"));
    mails.push(report("forged", "out@desk.example", &client(3), "5.1.1", "failed"));
    mails.push(plain(
        "MAILER-DAEMON@mx.example",
        "words",
        "Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied\r\n",
        "<x@y.example>: 550 5.1.1 User unknown",
    ));
    mails
}

/// A delivery report (RFC 3464) about the mail with Message-ID `about`.
pub fn report(label: &str, about: &str, recipient: &str, status: &str, action: &str) -> Vec<u8> {
    let head = head(
        "MAILER-DAEMON@mx.example",
        label,
        "Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied\r\n",
    );
    format!(
        "Return-Path: <>\r\n{head}Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nNo se pudo entregar.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {status} said the other side\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
         Message-ID: <{about}>\r\nFrom: {DESK}\r\nTo: {recipient}\r\nSubject: x\r\n\r\nx\r\n--b--\r\n"
    )
    .into_bytes()
}

/// The Message-ID of what the mail called `label` caused for `recipient`.
pub fn sent_id(db: &Connection, label: &str, template: &str, recipient: &str) -> String {
    let sql = "SELECT outbox.message_id FROM outbox JOIN mail ON mail.id = mail_id
               WHERE mail.message_id = ?1 AND template = ?2 AND recipient = ?3 ORDER BY outbox.id LIMIT 1";
    let label = format!("{label}@mail.example");
    db.query_row(sql, (&label, template, recipient), |row| row.get(0))
        .unwrap_or_else(|error| panic!("no {template} to {recipient} because of {label}: {error}"))
}

/// The number of the ticket that the mail called `label` is in.
fn number(db: &Connection, label: &str) -> i64 {
    let sql = "SELECT number FROM mail JOIN ticket ON ticket.id = ticket_id WHERE message_id = ?1 AND disposition <> 'duplicate'";
    db.query_row(sql, [format!("{label}@mail.example")], |row| row.get(0)).unwrap()
}

fn answer(db: &Connection, who: &str, to: (&str, &str), label: &str, more: &str, body: &str) -> Vec<u8> {
    let id = sent_id(db, to.0, to.1, who);
    plain(who, label, "Re: asunto", &format!("In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n{more}"), body)
}

/// What answers the first stage.
pub fn second(db: &Connection) -> Vec<Vec<u8>> {
    let ack = "acknowledgement";
    let told = "notification";
    let stolen = sent_id(db, "new-1", told, ANA);
    let mut mails = vec![
        answer(db, &client(0), ("new-0", ack), "r0-more", "", "Algo más."),
        plain(
            &client(1),
            "r1-tag",
            &format!("[#{}] otra cosa", number(db, "new-1")),
            "",
            "Sólo con el número.",
        ),
        plain(
            "stranger@evil.example",
            "real-tag",
            &format!("[#{}]", number(db, "new-1")),
            "",
            "Déjenme ver.",
        ),
        plain(PEDRO, "pedro", "Re: Con copia", "In-Reply-To: <cc@mail.example>\r\n", "Yo también."),
        answer(db, ANA, ("new-1", told), "a-reply", "", "Hola, ya está arreglado."),
        answer(db, ANA, ("new-2", told), "a-note", "", "#nota\r\nEste cliente siempre se queja."),
        answer(db, LUIS, ("new-3", told), "a-close", "", "Listo.\r\n\r\n#close"),
        answer(db, ANA, ("new-4", told), "a-wrong", "", "Ya está.\r\n\r\n#cerar"),
        answer(db, LUIS, ("new-5", told), "a-assign", "", &format!("#assign {ANA}")),
        answer(db, ANA, ("new-6", told), "a-priority", "", "#priority high"),
        plain(ANA, "unproven", &format!("[#{}]", number(db, "new-7")), "", "Con mi nombre.\r\n\r\n#resolve"),
        plain(
            "mallory@evil.example",
            "stolen",
            "Re: x",
            &format!("In-Reply-To: <{stolen}>\r\n"),
            "Les escribo yo.\r\n#close",
        ),
        answer(
            db,
            &client(9),
            ("new-9", ack),
            "r9-away",
            "Auto-Submitted: auto-replied\r\n",
            "Estoy de vacaciones.",
        ),
        answer(db, LUIS, ("file", told), "luis-away", "Auto-Submitted: auto-replied\r\n", "Vacaciones."),
        with_file(&client(10), "file"),
    ];
    for (n, status, action) in [(6, "5.1.1", "failed"), (7, "4.2.2", "failed"), (8, "4.4.1", "delayed")] {
        let about = sent_id(db, &format!("new-{n}"), ack, &client(n));
        mails.push(report(&format!("report-{n}"), &about, &client(n), status, action));
    }
    mails
}

/// What answers the second stage.
pub fn third(db: &Connection) -> Vec<Vec<u8>> {
    vec![
        answer(db, ANA, ("unproven", "confirmation"), "a-confirms", "", "sí"),
        answer(db, &client(1), ("a-reply", "reply"), "r1-thanks", "", "¡Gracias!"),
        answer(db, &client(3), ("a-close", "reply"), "r3-again", "", "Otra vez no funciona."),
        plain(&client(6), "r6-again", "Otro asunto", "", "Mi dirección rechazó correo hace poco."),
        answer(db, ANA, ("new-8", "notification"), "a-late", "", "Respuesta tardía."),
        plain(&client(16), "last", "El último", "", "Necesito una cosa más, por favor."),
    ]
}
