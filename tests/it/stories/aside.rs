//! Hostile mail: bounded and filed, or set aside with its bytes, an admin told, and tried again.

use crate::world::{DESK, MARIA, World};
use postdesk::desk::decision::Disposition;

#[tokio::test]
async fn hostile_mails_are_filed_and_the_one_behind_them_too() {
    let mut world = World::start().await;
    let head = |n: usize| {
        format!(
            "From: <h{n}@client.example>\r\nTo: <{DESK}>\r\nMessage-ID: <h{n}@client.example>\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        )
    };
    let nested: String = (0..10_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect();
    let mails = [
        head(0) + &nested,
        head(1) + &"X-A: b\r\n".repeat(100_000) + "\r\ntext\r\n",
        head(2) + "\r\n" + &"x".repeat(1 << 20) + "\r\n",
        head(3) + &format!("References: {}\r\n\r\ntext\r\n", "<a@b> ".repeat(50_000)),
        head(4).replace("Subject: x", &format!("Subject: {}", "=?utf-8?q?a=0Ab=E2=80=AE?= ".repeat(5_000)))
            + "\r\ntext\r\n",
        head(5) + "Content-Type: text/html\r\n\r\n" + &"<table><td rowspan=9 colspan=9>".repeat(30_000),
        head(6)
            + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/ms-tnef; name=\"../../CON\"\r\n\r\nx\r\n--b--\r\n",
        head(7).replace("From: <", "From: =?utf-8?q?a=0D=0ABcc:_x=40y.example?= <") + "\r\ntext\r\n",
    ];
    for mail in &mails {
        world.server.deliver(DESK, mail);
    }
    world.writes(MARIA, "La de detrás", "Una pregunta normal, por favor.");
    world.work().await;
    assert_eq!(world.tickets().len(), mails.len() + 1);
    assert_eq!(world.rows("SELECT count(*) FROM mail WHERE raw_id IS NULL"), ["0"]);
    assert!(
        world.server.submitted().iter().all(|mail| !String::from_utf8_lossy(&mail.raw).contains("\nBcc:"))
    );
    world.verify();
}

#[tokio::test]
async fn a_mail_that_cannot_be_dealt_with_is_set_aside_told_of_once_and_tried_again() {
    let mut world = World::start().await;
    let templates = world.dir.path().join("templates");
    std::fs::create_dir_all(templates.join("es")).unwrap();
    // An admin's own template that passes every check with sample values and fails on a real ticket.
    let broken =
        "Subject: Re: {{ subject }}\n\n{% if subject == 'Impresora' %}{{ subject / 2 }}{% endif %}x\n";
    std::fs::write(templates.join("es/notification.txt"), broken).unwrap();
    let own = format!("templates = \"{}\"", templates.display());
    world.reconfigures(&own, "", "");
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona, por favor.");
    world.writes(MARIA, "Impresora", "La impresora del tercer piso tampoco funciona, por favor.");
    world.work().await;
    assert_eq!(
        world.rows("SELECT count(*) FROM mail WHERE disposition = 'quarantined' AND raw_id IS NOT NULL"),
        ["2"]
    );
    assert_eq!(world.new_mails("admin@desk.example").len(), 1, "once an hour");
    assert_eq!(world.shared.counters.mails_of(Disposition::Quarantined), 2);
    world.reconfigures("", "", "");
    for id in world.rows("SELECT id FROM mail WHERE disposition = 'quarantined'") {
        let outcome = world.shared.retry(id.parse().unwrap()).await.unwrap();
        assert_eq!(outcome.disposition.word(), "opened");
    }
    world.work().await;
    assert_eq!(world.new_mails(MARIA).len(), 2);
    world.verify();
}
