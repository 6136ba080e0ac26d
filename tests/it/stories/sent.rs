//! The shared account's folder of sent mail: what an agent answers from a webmail is filed, and not sent again.

use crate::world::{ANA, DESK, LUIS, MARIA, Mail, PEDRO, World};
use postdesk::loops::intake::Intake;
use std::sync::Arc;
use tokio::sync::watch;

struct Office {
    world: World,
    sent: Intake,
    written: u32,
}

fn intake(world: &World) -> Intake {
    Intake::new(world.shared.clone(), "soporte/sent", Arc::new(postdesk::net::TcpDial))
}

impl Office {
    /// A desk whose account has sent mail of old.
    async fn start() -> Self {
        let world = World::start_with("", "", "sent_folder = \"Sent\"").await;
        world.server.create_folder(DESK, "Sent");
        let sent = intake(&world);
        Self { world, sent, written: 0 }
    }

    /// An agent sends from the webmail: `to` and other fields.
    fn sends(&mut self, fields: &str, text: &str) -> String {
        self.written += 1;
        let id = format!("webmail.{}@desk.example", self.written);
        let raw = format!(
            "From: Soporte <{DESK}>\r\nMessage-ID: <{id}>\r\n{fields}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        );
        self.world.server.deliver_to(DESK, "Sent", raw);
        id
    }

    async fn works(&mut self) {
        let (_never, go_on) = watch::channel(false);
        self.sent.step(&go_on).await.unwrap();
        self.world.work().await;
    }

    /// María's ticket, in which Pedro takes part; her mail's Message-ID and the acknowledgement.
    async fn opened(&mut self) -> (i64, String, Mail) {
        let letter = self.world.letter(MARIA, "Impresora", "La impresora del segundo piso no funciona.");
        let id = letter.headers.split(['<', '>']).nth(1).unwrap().to_owned();
        self.world.posts(&letter.with(&format!("Cc: <{PEDRO}>\r\n")));
        self.works().await;
        self.world.new_mails(ANA);
        self.world.new_mails(LUIS);
        (self.world.tickets()[0], id, self.world.new_mail(MARIA))
    }
}

#[tokio::test]
async fn an_answer_from_the_webmail_is_filed_as_the_reply_it_is_and_not_sent_again() {
    let mut office = Office::start().await;
    let (number, id, acknowledgement) = office.opened().await;
    let sent = office.sends(
        &format!("To: <{MARIA}>\r\nSubject: Re: Impresora\r\nIn-Reply-To: <{id}>"),
        "Pasamos esta tarde.",
    );
    office.works().await;
    let ticket = office.world.ticket(number);
    let message = &ticket.messages[1];
    assert!(message.text.contains("Pasamos") && !message.internal, "{:?}", office.world.last_account());
    assert_eq!(ticket.row.status.word(), "open");
    office.world.no_mail(MARIA);
    let copy = office.world.new_mail(PEDRO);
    assert!(copy.text.contains("Pasamos") && copy.from.starts_with("Soporte"), "{}", copy.from);
    for (agent, words) in
        [(ANA, "desde el propio buzón compartido"), (LUIS, "na própria caixa compartilhada")]
    {
        let told = office.world.new_mail(agent);
        assert!(told.text.contains("Pasamos") && told.text.contains(words), "{}", told.text);
        assert!(told.text.contains(MARIA), "it says who reads a reply: {}", told.text);
    }
    let conversation = office.world.reader().conversation(number).unwrap().unwrap();
    assert_eq!(conversation.messages[1].author, "Soporte");
    // Her answer to it comes back to the ticket; so does an answer that points at mail of the desk's own.
    let letter = office.world.letter(MARIA, "Re: Impresora", "De acuerdo.");
    office.world.posts(&letter.with(&format!("In-Reply-To: <{sent}>\r\n")));
    let both =
        format!("To: <{MARIA}>\r\nCc: <{PEDRO}>\r\nSubject: Re: x\r\nReferences: <{}>", acknowledgement.id);
    office.sends(&both, "Ya está arreglada.");
    office.works().await;
    assert_eq!(office.world.tickets(), [number]);
    assert_eq!(office.world.ticket(number).messages.len(), 4);
    office.world.no_mail(MARIA);
    office.world.new_mails(PEDRO).iter().for_each(|mail| assert!(!mail.text.contains("arreglada")));
    assert_eq!(office.world.server.mails(DESK, "Sent").len(), 2, "nothing is moved");
    assert!(office.world.server.mails(DESK, "Sent").iter().all(|mail| mail.flags.is_empty()));
    office.world.verify();
}

/// Some providers put what is submitted into the folder of sent mail, and give it a Message-ID of their own.
#[tokio::test]
async fn a_reply_of_the_desks_own_is_known_in_the_folder_of_sent_mail_whatever_id_it_got_on_the_way() {
    let mut office = Office::start().await;
    let letter = office.world.letter(MARIA, "Impresora", "La impresora del segundo piso no funciona.");
    office.world.posts(&letter.with(&format!("Cc: <{PEDRO}>\r\n")));
    office.works().await;
    let (number, note) = (office.world.tickets()[0], office.world.new_mail(ANA));
    office.world.new_mails(MARIA);
    office.world.answers(ANA, &note, "Pasamos esta tarde.");
    office.works().await;
    let reply = office.world.new_mail(MARIA);
    office.world.new_mails(PEDRO);
    office.world.new_mails(LUIS);
    let raw = reply.raw.replace(&format!("Message-ID: <{}>", reply.id), "Message-ID: <a1b2@relay.example>");
    assert_ne!(raw, reply.raw);
    office.world.server.deliver_to(DESK, "Sent", raw);
    office.works().await;
    assert!(office.world.last_account().1.contains("the desk itself"), "{:?}", office.world.last_account());
    assert_eq!(office.world.ticket(number).messages.len(), 2);
    for person in [MARIA, PEDRO, ANA, LUIS] {
        office.world.no_mail(person);
    }
    office.world.verify();
}

#[tokio::test]
async fn the_tag_alone_counts_only_when_the_requester_got_it() {
    let mut office = Office::start().await;
    let (number, ..) = office.opened().await;
    office.sends(&format!("To: <{PEDRO}>\r\nSubject: [#{number}] x"), "Solo entre nosotros.");
    office.works().await;
    assert!(office.world.last_account().1.contains("matches no ticket"));
    office.sends(&format!("To: <{MARIA}>\r\nSubject: [#{number}] x"), "Pasamos hoy.");
    office.works().await;
    assert_eq!(office.world.last_account().0, "agent");
    assert_eq!(office.world.ticket(number).messages.len(), 2);
    office.world.verify();
}

#[tokio::test]
async fn what_went_to_others_only_is_a_note_and_is_sent_to_nobody() {
    let mut office = Office::start().await;
    let (number, id, _) = office.opened().await;
    let fields = format!("To: <taller@elsewhere.example>\r\nSubject: Fwd: Impresora\r\nReferences: <{id}>");
    office.sends(&fields, "¿Cuánto cuesta? La clienta siempre se queja.");
    office.works().await;
    assert!(office.world.ticket(number).messages[1].internal);
    assert_eq!(office.world.ticket(number).row.status.word(), "new");
    for person in [MARIA, PEDRO] {
        office.world.no_mail(person);
    }
    let told = office.world.new_mail(ANA);
    assert!(
        told.text.contains("no al solicitante") && told.text.contains("siempre se queja"),
        "{}",
        told.text
    );
    office.world.new_mails(LUIS);
    office.world.answers(ANA, &told, "Es verdad.");
    office.works().await;
    for person in [MARIA, PEDRO] {
        office.world.no_mail(person);
    }
    assert!(office.world.ticket(number).messages[2].internal, "what answers a note is a note");
    office.world.verify();
}

#[tokio::test]
async fn mail_of_old_of_the_desks_own_and_of_no_ticket_is_left_alone() {
    let mut office = Office::start().await;
    let letter = office.world.letter(MARIA, "Impresora", "No funciona.");
    let id = letter.headers.split(['<', '>']).nth(1).unwrap().to_owned();
    let old = format!("To: <{MARIA}>\r\nSubject: Re: Impresora\r\nIn-Reply-To: <{id}>");
    office.sends(&old, "De antes.");
    office.works().await;
    office.world.posts(&letter);
    office.works().await;
    let number = office.world.tickets()[0];
    office.sends(&format!("To: <{MARIA}>\r\nSubject: Oferta"), "Otra cosa.");
    for raw in office.world.server.submitted().iter().map(|mail| mail.raw.clone()).collect::<Vec<_>>() {
        office.world.server.deliver_to(DESK, "Sent", raw);
    }
    let before = office.world.new_mails(MARIA).len();
    assert_eq!(before, 1);
    office.works().await;
    // Found again after a restart, they are not looked at twice; renumbered, the folder is of old again.
    office.sent = intake(&office.world);
    office.works().await;
    office.world.server.set_uidvalidity(DESK, "Sent", 99);
    office.sent = intake(&office.world);
    office.works().await;
    assert_eq!(office.world.ticket(number).messages.len(), 1);
    let reasons =
        office.world.rows("SELECT disposition || ' ' || reason FROM mail WHERE mailbox = 'soporte/sent'");
    assert!(
        reasons.len() >= 3 && reasons.iter().all(|reason| reason.starts_with("ignored ")),
        "{reasons:#?}"
    );
    assert!(reasons.iter().any(|reason| reason.contains("matches no ticket")), "{reasons:#?}");
    office.world.no_mail(MARIA);
    assert_eq!(office.world.tickets(), [number]);
    // What is sent from then on counts again.
    office.sends(&old, "Después.");
    office.works().await;
    assert_eq!(office.world.ticket(number).messages.len(), 2);
    office.world.verify();
}

#[tokio::test]
async fn an_answer_with_the_desk_itself_in_cc_is_filed_whichever_copy_is_seen_first() {
    for inbox_first in [true, false] {
        let mut office = Office::start().await;
        let (number, id, _) = office.opened().await;
        let fields =
            format!("To: <{MARIA}>\r\nCc: <{DESK}>\r\nSubject: Re: Impresora\r\nIn-Reply-To: <{id}>");
        if inbox_first {
            let copy = format!(
                "Received: from webmail\r\nFrom: Soporte <{DESK}>\r\nMessage-ID: <webmail.1@desk.example>\r\n{fields}\r\nMIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\r\nPasamos esta tarde.\r\n"
            );
            office.world.server.deliver(DESK, copy);
            office.world.work().await;
            assert_eq!(office.world.last_account().0, "ignored", "From alone proves nothing");
        }
        office.sends(&fields, "Pasamos esta tarde.");
        office.works().await;
        let raw = office.world.server.mails(DESK, "Sent").pop().unwrap().raw;
        office.world.server.deliver(DESK, [b"Received: from webmail\r\n".as_slice(), &raw].concat());
        office.works().await;
        let ticket = office.world.ticket(number);
        assert_eq!(
            ticket.messages.len(),
            2,
            "{:?}",
            office.world.rows("SELECT disposition || ' ' || reason FROM mail")
        );
        assert!(!ticket.messages[1].internal);
        // One that is of no ticket is ignored once and is a copy from then on.
        let other = format!(
            "From: Soporte <{DESK}>\r\nTo: <{PEDRO}>\r\nCc: <{DESK}>\r\nMessage-ID: <oferta@desk.example>\r\nSubject: Oferta\r\n\r\nx\r\n"
        );
        office.world.server.deliver(DESK, other.clone());
        office.works().await;
        office.world.server.deliver_to(DESK, "Sent", other);
        office.works().await;
        assert_eq!(office.world.last_account().0, "duplicate");
        // So is mail of the desk's own that came back and that the relay keeps among what was sent.
        let own = office.world.server.submitted()[0].raw.clone();
        office.world.server.deliver(DESK, own.clone());
        office.works().await;
        office.world.server.deliver_to(DESK, "Sent", own);
        office.works().await;
        assert_eq!(office.world.last_account().0, "duplicate");
        office.world.no_mail(MARIA);
        office.world.no_mail("admin@desk.example");
        office.world.verify();
    }
}

/// In the webmail nobody reads commands. The requester has them as they were written; the desk sends them to nobody.
#[tokio::test]
async fn a_command_written_in_the_webmail_is_passed_on_to_no_participant() {
    for (text, passed_on) in [
        ("Pasamos esta tarde.\r\n\r\n#cerrar", true),
        ("Pasamos esta tarde.\r\n\r\n#nota", false),
        ("#privado\r\nPasamos esta tarde.", false),
    ] {
        let mut office = Office::start().await;
        let (number, id, _) = office.opened().await;
        office.world.new_mails(PEDRO);
        office.sends(&format!("To: <{MARIA}>\r\nSubject: Re: Impresora\r\nIn-Reply-To: <{id}>"), text);
        office.works().await;
        let copies = office.world.new_mails(PEDRO);
        assert_eq!(copies.len(), usize::from(passed_on), "{text}");
        assert!(
            copies.iter().all(|copy| copy.text.contains("Pasamos") && !copy.text.contains("#c")),
            "{text}"
        );
        assert_eq!(office.world.ticket(number).messages.len(), 2, "{text}");
        assert!(office.world.new_mail(ANA).text.contains("Pasamos"), "{text}");
        office.world.verify();
    }
}
