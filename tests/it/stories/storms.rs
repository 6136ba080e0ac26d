//! Loops and storms (promise 6): who gets an automatic answer, and what bounds it where headers show nothing.

use super::desk::{Desk, of};
use crate::world::{ANA, DESK, LUIS, MARIA, PEDRO, World};
use postdesk::mail::{LIMITS, read};

/// How many forged senders the storm has. Each is a mail filed and a ticket opened.
const FORGED_SENDERS: usize = 300;

/// Header sets of mail that opens a ticket and gets its acknowledgement, and of mail that gets none.
const ANSWERED: [&str; 15] = [
    "",
    "Auto-Submitted: no\r\n",
    "Auto-Submitted: No\r\n",
    "Auto-Submitted: no (a person)\r\n",
    "Precedence: normal\r\n",
    "Precedence: first-class\r\n",
    "X-Auto-Response-Suppress: OOF\r\n",
    "X-Auto-Response-Suppress: None\r\n",
    "Subject: autoreply is broken\r\n",
    "Subject: Out of office space since Monday\r\n",
    "Subject: Vacation days cannot be booked\r\n",
    "Subject: Re: Automatic reply: how do I turn it off?\r\n",
    "Subject: Mailing list subscription does not work\r\n",
    "Return-Path: <person@client.example>\r\n",
    "X-Loop: no\r\n",
];
const UNANSWERED: [&str; 38] = [
    "Auto-Submitted: auto-replied\r\n",
    "Auto-Submitted: Auto-Replied (vacation)\r\n",
    "Auto-Submitted: auto-replied; owner-email=\"x@y.example\"\r\n",
    "Auto-Submitted: auto-generated\r\n",
    "Auto-Submitted: AUTO-GENERATED\r\n",
    "Auto-Submitted: auto-notified\r\n",
    "Precedence: bulk\r\n",
    "Precedence: Bulk\r\n",
    "Precedence: list\r\n",
    "Precedence: junk\r\n",
    "Precedence: auto_reply\r\n",
    "X-Auto-Response-Suppress: All\r\n",
    "X-Auto-Response-Suppress: AutoReply\r\n",
    "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\r\n",
    "List-Id: <talk.lists.example>\r\n",
    "List-Unsubscribe: <mailto:leave@lists.example>\r\n",
    "X-Loop: support@other.example\r\n",
    "X-Autoreply: yes\r\n",
    "X-Autorespond: vacation\r\n",
    "X-Auto-Responder: 1\r\n",
    "Return-Path: <>\r\n",
    "Return-Path: <MAILER-DAEMON>\r\n",
    "From: MAILER-DAEMON@client.example\r\n",
    "From: Mail Delivery System <postmaster@client.example>\r\n",
    "From: noreply@client.example\r\n",
    "From: no-reply@client.example\r\n",
    "From: do_not.reply@client.example\r\n",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
    "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
    "Subject: Automatic reply: Hello\r\n",
    "Subject: Out of Office: Hello\r\n",
    "Subject: Auto: Ann is out of the office (returning 05/12/2026)\r\n",
    "Subject: =?utf-8?Q?Respuesta_autom=C3=A1tica:_Hola?=\r\n",
    "Subject: =?utf-8?Q?Resposta_autom=C3=A1tica:_Ola?=\r\n",
    "Subject: Abwesenheitsnotiz: Hallo\r\n",
    "Subject: Automatische Antwort: Hallo\r\n",
    "Subject: =?utf-8?Q?R=C3=A9ponse_automatique_:_Bonjour?=\r\n",
    "Subject: =?utf-8?B?6Ieq5Yqo5Zue5aSN?=\r\n",
];

/// A mail with `headers`, and a From and a Subject where those hold none.
fn letter(n: usize, from: &str, headers: &str) -> String {
    let from = if headers.contains("From:") { String::new() } else { format!("From: <{from}>\r\n") };
    let subject =
        if headers.contains("Subject:") { String::new() } else { "Subject: A question\r\n".to_owned() };
    format!(
        "{headers}{from}To: <support@desk.example>\r\n{subject}Message-ID: <{n}@client.example>\r\n\r\nThe printer does not print, number {n}.\r\n"
    )
}

#[tokio::test]
async fn every_cell_of_the_table_of_automatic_mail_holds() {
    let desk = Desk::new("desk.example", "", "");
    let sets = ANSWERED.iter().map(|set| (set, true)).chain(UNANSWERED.iter().map(|set| (set, false)));
    for (n, (headers, answered)) in sets.enumerate() {
        let outcome = desk.takes(letter(n, &format!("person{n}@client.example"), headers)).await;
        let acknowledged = of(&desk.posted().await, "acknowledgement");
        assert_eq!(acknowledged, usize::from(answered), "{headers:?}: {outcome:?}");
        let disposition = outcome.disposition.word();
        assert!(["opened", "ignored", "bounce"].contains(&disposition), "{headers:?}: {outcome:?}");
        assert!(!answered || disposition == "opened", "{headers:?}: {outcome:?}");
    }
    let all = i64::try_from(ANSWERED.len() + UNANSWERED.len()).unwrap();
    assert_eq!(desk.count("SELECT count(*) FROM raw"), all, "all are kept");
    desk.verify();
}

#[tokio::test]
async fn two_desks_that_write_to_each_other_come_to_rest() {
    let (one, other) = (Desk::new("one.example", "", ""), Desk::new("other.example", "", ""));
    // The forged mail that starts it: from the one desk to the other.
    other
        .takes(format!(
            "From: <{}>\r\nTo: <{}>\r\nSubject: Hello\r\nMessage-ID: <1@x>\r\n\r\nHello there, desk.\r\n",
            one.address, other.address
        ))
        .await;
    let mut carried = 0;
    for _ in 0..20 {
        let before = carried;
        for (from, to) in [(&other, &one), (&one, &other)] {
            for mail in from.posted().await.iter().filter(|mail| mail.to == to.address) {
                to.takes(mail.raw.as_bytes()).await;
                carried += 1;
            }
        }
        if carried == before {
            break;
        }
    }
    assert_eq!(carried, 1, "the acknowledgement, and nothing after it");
    assert_eq!(one.count("SELECT count(*) FROM mail WHERE disposition = 'ignored'"), 1);
    one.verify();
    other.verify();
}

#[tokio::test]
async fn an_agents_reply_to_another_desk_is_a_conversation_and_no_loop() {
    let (one, other) = (Desk::new("one.example", "", ""), Desk::new("other.example", "", ""));
    let carry = async |from: &Desk, to: &Desk| {
        let mut carried = Vec::new();
        for mail in from.posted().await.into_iter().filter(|mail| mail.to == to.address) {
            to.takes(mail.raw.as_bytes()).await;
            carried.push(mail.template);
        }
        carried
    };
    one.takes(format!(
        "From: <{}>\r\nTo: <{}>\r\nSubject: Hello\r\nMessage-ID: <1@x>\r\n\r\nHello there, desk.\r\n",
        other.address, one.address
    ))
    .await;
    let note = one.posted().await.into_iter().find(|mail| mail.template == "notification").unwrap();
    let note = read(note.raw.as_bytes(), &LIMITS);
    let id = note.message_id.unwrap();
    one.takes(format!("From: <ana@one.example>\r\nTo: <{}>\r\nSubject: Re: Hello\r\nIn-Reply-To: {id}\r\nMessage-ID: <2@x>\r\n\r\nHello yourself.\r\n", one.address)).await;
    assert_eq!(carry(&one, &other).await, ["reply"]);
    assert_eq!(carry(&other, &one).await, ["acknowledgement"]);
    for _ in 0..3 {
        assert!(carry(&one, &other).await.is_empty() && carry(&other, &one).await.is_empty());
    }
    assert_eq!(one.count("SELECT count(*) FROM ticket"), 1);
    assert_eq!(other.count("SELECT count(*) FROM ticket"), 1);
    one.verify();
    other.verify();
}

/// A robot that answers each acknowledgement with a mail that shows nothing of what it answers, from another address
/// each time. `domain` gives the domain of its n-th address.
async fn bot(desk: &Desk, domain: impl Fn(usize) -> String) -> (usize, usize) {
    let (mut written, mut answers) = (0, 0);
    let mut write = 3;
    for _ in 0..200 {
        for _ in 0..write {
            written += 1;
            let mail = format!(
                "From: <bot{written}@{}>\r\nTo: <support@desk.example>\r\nSubject: Number {written}\r\n\r\nYour mail has been received, case {written}.\r\n",
                domain(written)
            );
            assert_eq!(desk.takes(mail).await.disposition.word(), "opened");
        }
        write = of(&desk.posted().await, "acknowledgement");
        answers += write;
        if write == 0 {
            return (written, answers);
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn a_bot_that_shows_nothing_is_bounded_by_domain_and_in_all_and_then_met_with_silence() {
    let budgets = "[budgets]\nper_domain = 20\nin_all = 50\n";
    let desk = Desk::new("desk.example", "", budgets);
    assert_eq!(bot(&desk, |_| "bot.example".to_owned()).await, (23, 20));
    assert_eq!(bot(&desk, |n| format!("d{n}.example")).await, (33, 30), "what is left of all");
    assert_eq!(bot(&desk, |n| format!("e{n}.example")).await, (3, 0));
    desk.verify();
}

#[tokio::test]
async fn budgets_survive_a_restart_and_end_with_the_hour() {
    let desk = Desk::new("desk.example", "", "[budgets]\nper_sender = 2\nper_domain = 3\n");
    let take = async |desk: &Desk, n, from: &str| {
        desk.takes(letter(n, from, "")).await;
        of(&desk.posted().await, "acknowledgement")
    };
    assert_eq!(take(&desk, 1, MARIA).await + take(&desk, 2, MARIA).await, 2);
    let desk = desk.restart(2);
    assert_eq!(take(&desk, 3, MARIA).await, 0);
    let desk = desk.restart(3);
    assert_eq!(take(&desk, 4, PEDRO).await, 1);
    assert_eq!(take(&desk, 5, "otro@client.example").await, 0, "the domain's is used up");
    let told = desk.count("SELECT count(*) FROM outbox WHERE template = 'admin'");
    assert_eq!(told, 2, "a word for each of the two budgets, and not again after a restart");
    desk.clock.advance(3600);
    let desk = desk.restart(4);
    assert_eq!(take(&desk, 6, MARIA).await, 1);
    desk.verify();
}

/// What a storm left: mails that came, that are missing, that were filed twice, and answers beyond the budget.
pub struct Storm {
    pub mails: usize,
    pub lost: usize,
    pub doubled: usize,
    pub loops: usize,
}

#[tokio::test]
async fn a_flood_of_forged_senders_is_stored_and_barely_answered() {
    let storm = flood(FORGED_SENDERS).await;
    assert_eq!((storm.lost, storm.doubled, storm.loops), (0, 0, 0));
}

/// So many forged senders write within the hour, and what answers them comes back.
pub async fn flood(senders: usize) -> Storm {
    let desk = Desk::new("desk.example", "", "[budgets]\nin_all = 40\n");
    for n in 0..senders {
        let outcome = desk.takes(letter(n, &format!("victim@v{n}.example"), "")).await;
        assert_eq!(outcome.disposition.word(), "opened");
    }
    let posted = desk.posted().await;
    let loops = of(&posted, "acknowledgement").saturating_sub(40);
    assert_eq!(of(&posted, "acknowledgement"), 40);
    assert_eq!(of(&posted, "notification"), 40, "agents are not flooded either");
    assert_eq!(of(&posted, "admin"), 2, "one word about answers, one about notifications");
    // They all come back, and this is no storm either.
    desk.clock.advance(60);
    for (n, mail) in posted.iter().filter(|mail| mail.template == "acknowledgement").enumerate() {
        let id = read(mail.raw.as_bytes(), &LIMITS).message_id.unwrap();
        desk.takes(format!("From: MAILER-DAEMON@relay.example\r\nTo: <support@desk.example>\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b{n}@relay.example>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; {}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\n\r\n--b--\r\n", mail.to)).await;
    }
    assert_eq!(of(&desk.posted().await, "undelivered"), 0, "this hour's notifications are used up");
    assert_eq!(desk.count("SELECT count(*) FROM outbox WHERE state = 'bounced'"), 40);
    let filed = desk.count("SELECT count(DISTINCT message_id) FROM mail WHERE disposition = 'opened'");
    let tickets = desk.count("SELECT count(*) FROM ticket");
    let (filed, tickets) = (usize::try_from(filed).unwrap(), usize::try_from(tickets).unwrap());
    desk.verify();
    Storm { mails: senders + 40, lost: senders - filed, doubled: tickets - filed, loops }
}

#[tokio::test]
async fn a_second_reply_to_is_within_the_budgets_as_well() {
    let desk = Desk::new("desk.example", "", "[budgets]\nper_sender = 2\n");
    let mut answers = 0;
    for n in 0..6 {
        let headers = "Reply-To: <support@desk.example>, <victim@v.example>\r\n";
        desk.takes(letter(n, &format!("support@x{n}.example"), headers)).await;
        answers += desk.posted().await.iter().filter(|mail| mail.to == "victim@v.example").count();
    }
    assert_eq!(answers, 2);
    desk.verify();
}

#[tokio::test]
async fn a_requesters_vacation_robot_without_a_mark_gets_nothing_back() {
    let mut world = World::start().await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let number = world.tickets()[0];
    let mut mails = world.new_mails(MARIA);
    world.new_mail(ANA);
    for _ in 0..10 {
        for mail in mails {
            world.answers(MARIA, &mail, "Estaré fuera hasta el lunes. Un saludo.");
        }
        world.work().await;
        mails = world.new_mails(MARIA);
    }
    assert!(mails.is_empty());
    assert_eq!(world.tickets(), [number]);
    assert_eq!(world.ticket(number).messages.len(), 2);
    world.new_mail(ANA);
    world.verify();
}

#[tokio::test]
async fn an_agents_and_a_requesters_robots_without_marks_stop_writing_to_each_other() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_ticket = 5\n").await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let number = world.tickets()[0];
    let mut rounds = 0;
    loop {
        let (to_agent, to_requester) = (world.new_mails(ANA), world.new_mails(MARIA));
        if to_agent.is_empty() && to_requester.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds < 30, "it never ends");
        for mail in to_agent {
            world.answers(ANA, &mail, &format!("Estoy de vacaciones, aviso {rounds}."));
        }
        for mail in to_requester {
            world.answers(MARIA, &mail, &format!("No estoy en la oficina, aviso {rounds}."));
        }
        world.work().await;
    }
    assert_eq!(world.tickets(), [number]);
    assert_eq!(world.new_mails("admin@desk.example").len(), 1);
    world.verify();
}

#[tokio::test]
async fn a_list_the_desk_is_subscribed_to_is_kept_and_never_answered() {
    let mut world = World::start().await;
    for (n, from) in [MARIA, PEDRO, "otra@lists.example"].into_iter().enumerate() {
        let mut letter = world.letter(from, "[talk] Reunión", &format!("Mensaje {n} de la lista."));
        letter.to = "talk@lists.example".into();
        if n == 2 {
            letter.headers += "Reply-To: talk@lists.example\r\n";
        }
        world.posts(&letter.with("List-Id: <talk.lists.example>\r\nPrecedence: list\r\n"));
    }
    world.work().await;
    assert_eq!(world.tickets().len(), 3);
    for address in [MARIA, PEDRO, "talk@lists.example", "otra@lists.example"] {
        assert!(world.server.submitted().iter().all(|mail| mail.to != address), "{address}");
    }
    assert_eq!(world.new_mails(ANA).len(), 3);
    world.verify();
}

#[tokio::test]
async fn the_desks_own_address_anywhere_gets_nothing_and_loses_nothing() {
    let mut world = World::start().await;
    let own = world.letter(DESK, "Yo mismo", "Me escribo a mí mismo.");
    world.posts(&own);
    let cc = world.letter(MARIA, "En copia", "La mesa está en copia.").with(&format!("Cc: <{DESK}>\r\n"));
    world.posts(&cc);
    let reply_to =
        world.letter(MARIA, "Respuestas a ustedes", "Hola.").with(&format!("Reply-To: <{DESK}>\r\n"));
    world.posts(&reply_to);
    let form = world.letter(DESK, "Formulario", "Hola.").with(&format!("Reply-To: <{PEDRO}>\r\n"));
    world.posts(&form);
    world.work().await;
    assert!(world.server.submitted().iter().all(|mail| mail.to != DESK));
    assert_eq!(world.tickets().len(), 3);
    assert_eq!((world.new_mails(MARIA).len(), world.new_mails(PEDRO).len()), (2, 1));
    let mails = world.reader().mails(None, 10).unwrap();
    assert_eq!(mails.iter().filter(|mail| mail.disposition == "ignored").count(), 1, "kept in the ledger");
    world.new_mails(LUIS);
    world.verify();
}

#[tokio::test]
async fn a_word_of_thanks_gets_no_answer_and_an_out_of_office_reopens_nothing() {
    let mut world = World::start().await;
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    let (number, note) = (world.tickets()[0], world.new_mail(ANA));
    world.new_mail(MARIA);
    world.answers(ANA, &note, "Ya funciona.\r\n\r\n#resuelto");
    world.work().await;
    let reply = world.new_mail(MARIA);
    let robot = world.answer(MARIA, &reply, "No estoy.").with("Auto-Submitted: auto-replied\r\n");
    world.posts(&robot);
    world.work().await;
    assert_eq!(world.ticket(number).row.status.word(), "resolved");
    world.answers(MARIA, &reply, "¡Gracias!");
    world.work().await;
    world.no_mail(MARIA);
    assert_eq!(world.tickets(), [number]);
    world.verify();
}
