//! Loops and storms: robots get no answer, what headers do not show the budgets bound, mail is always stored.

use crate::world::{ANA, DESK, MARIA, World};
use postdesk::clock::Dice;
use postdesk::demo::server::ServerOptions;

const ADMIN: &str = "admin@desk.example";

/// The table of the field: headers, and whether a mail with them must be answered.
const TABLE: [(&str, bool); 27] = [
    ("", true),
    ("Auto-Submitted: no\r\n", true),
    ("Auto-Submitted: No\r\n", true),
    ("Precedence: normal\r\n", true),
    ("Precedence: first-class\r\n", true),
    ("X-Auto-Response-Suppress: OOF\r\n", true),
    ("Auto-Submitted: auto-replied\r\n", false),
    ("Auto-Submitted: Auto-Replied (vacation)\r\n", false),
    ("Auto-Submitted: auto-generated\r\n", false),
    ("Auto-Submitted: auto-notified\r\n", false),
    ("Precedence: bulk\r\n", false),
    ("Precedence: Bulk\r\n", false),
    ("Precedence: list\r\n", false),
    ("Precedence: junk\r\n", false),
    ("Precedence: auto_reply\r\n", false),
    ("X-Auto-Response-Suppress: All\r\n", false),
    ("X-Auto-Response-Suppress: AutoReply\r\n", false),
    ("X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\r\n", false),
    ("List-Id: <x.example>\r\n", false),
    ("List-Unsubscribe: <mailto:x@y.example>\r\n", false),
    ("X-Loop: yes\r\n", false),
    ("X-Autoreply: yes\r\n", false),
    ("X-Autorespond: x\r\n", false),
    ("Return-Path: <>\r\n", false),
    ("From: MAILER-DAEMON@client.example\r\n", false),
    ("Content-Type: multipart/report; boundary=b\r\n", false),
    ("From: noreply@client.example\r\n", false),
];

#[tokio::test]
async fn the_table_of_automatic_mail_holds_in_every_cell() {
    let mut world = World::start().await;
    let mut answered = Vec::new();
    for (n, (headers, answer)) in TABLE.iter().enumerate() {
        let from = format!("p{n}@client.example");
        let mut raw =
            world.letter(&from, &format!("Asunto {n}"), "Necesito ayuda con el sistema.").with(headers).raw();
        for name in ["From:", "Content-Type:"] {
            if headers.starts_with(name) {
                let old = raw
                    .lines()
                    .find(|line| line.starts_with(name) && !headers.contains(*line))
                    .unwrap()
                    .to_owned();
                raw = raw.replacen(&format!("{old}\r\n"), "", 1);
            }
        }
        world.server.deliver(DESK, raw);
        if *answer {
            answered.push(from);
        }
    }
    for (n, subject) in
        ["Automatic reply: x", "Respuesta automática: x", "Abwesenheitsnotiz: x", "Resposta automática: x"]
            .iter()
            .enumerate()
    {
        world.writes(&format!("s{n}@client.example"), subject, "No estoy.");
    }
    world.writes(
        "human@client.example",
        "autoreply is broken",
        "Our autoreply is broken, please help me with it.",
    );
    answered.push("human@client.example".to_owned());
    world.work().await;
    assert_eq!(
        world.rows("SELECT count(*) FROM mail"),
        [(TABLE.len() + 5).to_string()],
        "mail is always stored"
    );
    let mut got = world.rows("SELECT recipient FROM outbox WHERE template = 'acknowledgement'");
    got.sort();
    answered.sort();
    assert_eq!(got, answered);
    world.verify();
}

#[tokio::test]
async fn our_own_automatic_mail_is_known_as_such_by_another_desk() {
    let mut ours = World::start().await;
    let mut theirs = World::start_as("other.example", ServerOptions::default(), ("", "", "")).await;
    let letter =
        ours.letter("soporte@other.example", "Hola", "Un mensaje de la otra mesa, escrito por una persona.");
    ours.posts(&letter);
    let (mut seen, mut back) = (0, 0);
    for _ in 0..20 {
        ours.work().await;
        for mail in
            ours.server.submitted().iter().skip(seen).filter(|mail| mail.to == "soporte@other.example")
        {
            theirs.server.deliver("soporte@other.example", &mail.raw);
        }
        seen = ours.server.submitted().len();
        theirs.work().await;
        for mail in theirs.server.submitted().iter().skip(back).filter(|mail| mail.to == DESK) {
            ours.server.deliver(DESK, &mail.raw);
        }
        back = theirs.server.submitted().len();
    }
    assert_eq!(ours.rows("SELECT count(*) FROM mail"), ["1"], "nothing came back");
    assert_eq!(theirs.rows("SELECT disposition FROM mail"), ["ignored"]);
    ours.verify();
    theirs.verify();
}

#[tokio::test]
async fn a_bot_that_strips_all_headers_and_changes_its_name_is_stopped_by_the_budgets() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_domain = 15\n").await;
    let dice = Dice::from_seed(7);
    let mut seen = world.server.submitted().len();
    world.writes("bot0@loop.example", "Hola", "Empiezo yo, con un texto cualquiera.");
    let mut answers = 0;
    for round in 0..60 {
        world.work().await;
        let all = world.server.submitted();
        let new: Vec<_> = all.iter().skip(seen).filter(|mail| mail.to.ends_with("@loop.example")).collect();
        answers += new.len();
        for _ in new {
            let from = format!("bot{}@loop.example", dice.draw());
            world.writes(
                &from,
                &format!("Asunto {}", dice.draw()),
                &format!("Texto {} {round}", dice.draw()),
            );
        }
        seen = all.len();
    }
    assert_eq!(answers, 15, "the domain's budget is the end");
    assert_eq!(world.rows("SELECT count(*) FROM mail"), ["16"], "the last one is stored all the same");
    assert_eq!(world.new_mails(ADMIN).len(), 1);
    world.restarts().await;
    world.writes("late@loop.example", "Otra", "Después del reinicio.");
    world.work().await;
    let mails = world.rows("SELECT count(*) FROM outbox WHERE template = 'acknowledgement'");
    assert_eq!(mails, ["15"], "budgets survive a restart");
    assert_eq!(world.new_mails(ADMIN).len(), 0, "and so does what the admin was told");
    world.verify();
}

/// Forged senders by the thousand within an hour. Returns answers and mails.
pub async fn forged(senders: usize) -> (usize, usize) {
    let mut world = World::start().await;
    for n in 0..senders {
        world.writes(
            &format!("x{n}@d{}.example", n % 400),
            &format!("Oferta {n}"),
            &format!("Texto número {n}."),
        );
    }
    world.work().await;
    let count = |sql: &str| world.rows(sql)[0].parse::<usize>().unwrap();
    let (answers, mails) = (
        count("SELECT count(*) FROM outbox WHERE template = 'acknowledgement'"),
        count("SELECT count(*) FROM mail"),
    );
    assert_eq!(count("SELECT count(*) FROM ticket"), senders, "mail is always stored");
    assert_eq!(count("SELECT count(*) FROM outbox WHERE template = 'notification'"), 2 * answers);
    world.verify();
    (answers, mails)
}

#[tokio::test]
async fn thousands_of_forged_senders_are_stored_and_answered_within_the_budget() {
    assert_eq!(forged(2_100).await, (2_000, 2_100));
}

#[tokio::test]
async fn a_mailing_list_that_the_desk_is_on_gets_no_word() {
    let mut world = World::start().await;
    for n in 0..5 {
        let letter = world.letter(&format!("m{n}@client.example"), "[list] hola", "Hola a todos.");
        let letter =
            letter.with("List-Id: <list.client.example>\r\nList-Post: <mailto:list@client.example>\r\n");
        world.posts(&letter);
    }
    world.work().await;
    assert_eq!(world.rows("SELECT count(*) FROM outbox WHERE recipient LIKE '%client.example'"), ["0"]);
    assert_eq!(world.rows("SELECT count(*) FROM mail"), ["5"]);
    world.verify();
}

#[tokio::test]
async fn the_desks_own_address_in_from_cc_or_reply_to_is_never_written_to() {
    let mut world = World::start().await;
    world.writes(DESK, "De mí", "De mí para mí.");
    let letter =
        world.letter(MARIA, "Con copia a la mesa", "Texto para la mesa.").with(&format!("Cc: <{DESK}>\r\n"));
    world.posts(&letter);
    let letter = world
        .letter("eve@evil.example", "Responde a la mesa", "Otro texto.")
        .with(&format!("Reply-To: <{DESK}>\r\n"));
    world.posts(&letter);
    world.work().await;
    let number = world.tickets()[0];
    let note = world.new_mails(ANA).remove(0);
    world.answers(ANA, &note, "Respuesta a todos.");
    world.work().await;
    assert_eq!(world.rows(&format!("SELECT count(*) FROM outbox WHERE recipient = '{DESK}'")), ["0"]);
    assert_eq!(world.ticket(number).row.status.word(), "open");
    world.verify();
}

#[tokio::test]
async fn a_vacation_robot_and_the_desk_do_not_talk() {
    let mut world = World::start().await;
    world.writes(MARIA, "Ayuda", "Necesito ayuda con mi cuenta de usuario, por favor.");
    for n in 0..10 {
        world.work().await;
        for mail in world.new_mails(MARIA) {
            // The worst kind: no header says so, only the subject.
            let mut robot = world.answer(MARIA, &mail, &format!("Estoy de vacaciones ({n})."));
            robot.subject = format!("Respuesta automática: {}", mail.subject);
            world.posts(&robot);
        }
        if let Some(note) = world.new_mails(ANA).pop() {
            world.answers(ANA, &note, &format!("Respuesta {n} de una persona."));
        }
    }
    assert_eq!(world.rows("SELECT count(*) FROM outbox WHERE template = 'acknowledgement'"), ["1"]);
    let replies: usize =
        world.rows("SELECT count(*) FROM outbox WHERE template = 'reply'")[0].parse().unwrap();
    assert_eq!(replies, 1, "only what a person wrote goes out");
    world.verify();
}
