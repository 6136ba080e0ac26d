//! Bad input: nothing of it is lost, stops the queue or gets where it should not.

use crate::world::{ANA, DESK, MARIA, World};

#[tokio::test]
async fn bad_mail_is_filed_and_the_queue_goes_on() {
    let mut world = World::start().await;
    let garbage: Vec<u8> =
        (0..4000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
    let bad: [&[u8]; 8] = [
        b"",
        b"\r\n",
        &garbage,
        b"From: \xff\xfe\x80\r\nSubject: \xe1\xe9\xed\r\n\r\n\xf1\xf3",
        b"Subject: no From at all\r\n\r\nHello",
        b"From: <x@client.example>\r\nSubject: no Message-ID\r\n\r\nHello",
        b"From: @@@\r\nTo: <<<>>>\r\nMessage-ID: <<\r\nReferences: <\r\n\r\n",
        b"From: <y@client.example>\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n----\r\n",
    ];
    for mail in bad {
        world.server.deliver(DESK, mail);
    }
    world.writes(MARIA, "Después de todo eso", "Este correo es bueno y llega como siempre.");
    world.work().await;
    let mails = world.reader().mails(None, 100).unwrap();
    assert_eq!(mails.len(), bad.len() + 1, "each has its account");
    assert!(mails.iter().all(|mail| mail.disposition != "quarantined"), "{mails:#?}");
    assert!(world.new_mail(MARIA).subject.contains("[#"));
    assert!(world.server.mails(DESK, "INBOX").is_empty());
    assert_eq!(world.server.mails(DESK, "Postdesk").len(), bad.len() + 1);
    world.verify();
}

#[tokio::test]
async fn a_mail_over_the_limit_stays_in_the_mailbox_and_the_admin_hears_of_it() {
    let mut world = World::start().await;
    let mut mail = b"From: <maria@client.example>\r\nSubject: 60 MB\r\n\r\n".to_vec();
    mail.resize(60 * 1024 * 1024, b'x');
    world.server.deliver(DESK, mail);
    world.writes(MARIA, "Pequeño", "Este correo es pequeño y llega como siempre.");
    world.work().await;
    world.work().await;
    assert_eq!(world.server.mails(DESK, "INBOX").len(), 1, "the large one is left where it is");
    let refused = world.reader().mails(Some("refused"), 10).unwrap();
    assert_eq!(refused.len(), 1);
    let word = world.new_mail("admin@desk.example");
    assert!(word.text.contains("over the limit"), "{}", word.text);
    world.new_mail(MARIA);
    world.verify();
}

#[tokio::test]
async fn a_mail_over_the_limit_is_taken_once_the_limit_is_raised_and_it_was_moved_away_and_back() {
    let mut world = World::start_with("", "", "[limits]\nmail_max = \"64 kB\"\n").await;
    let long = "Este correo es largo. ".repeat(4000);
    world.writes(MARIA, "Largo", &long);
    world.work().await;
    world.no_mail(MARIA);
    world.reconfigure("", "", "");
    world.work().await;
    world.no_mail(MARIA);
    let away = world.server.move_mails(DESK, "INBOX", "Away", &[1]);
    world.server.move_mails(DESK, "Away", "INBOX", &away);
    world.work().await;
    world.new_mail(MARIA);
    assert!(world.server.mails(DESK, "INBOX").is_empty());
    world.verify();
}

#[tokio::test]
async fn ten_tags_in_a_subject_lead_to_the_first_that_fits() {
    let mut world = World::start().await;
    world.writes(MARIA, "Hola", "Necesito ayuda con mi cuenta de usuario, por favor.");
    world.work().await;
    let number = world.tickets()[0];
    let tags: String = (1..10).map(|n| format!("[#{n}] ")).collect();
    world.writes(MARIA, &format!("{tags}[#{number}]"), "Con diez etiquetas.");
    world.work().await;
    assert_eq!(world.tickets(), [number]);
    assert_eq!(world.ticket(number).messages.len(), 2);
    world.verify();
}

#[tokio::test]
async fn nothing_in_a_mail_becomes_a_header_of_ours() {
    let mut world = World::start().await;
    let evil = "=?utf-8?Q?x=0D=0ABcc=3A_victim=40other.example=0D=0AX-Evil=3A_1?=";
    let mail = format!(
        "From: \"{evil}\" <{MARIA}>\r\nTo: \"{evil}\" <{DESK}>\r\nCc: \"{evil}\" <pedro@client.example>\r\nReply-To: \"{evil}\" <{MARIA}>\r\nSubject: {evil}\r\nMessage-ID: <a@b>\r\nReferences: <c@d> <e\r\n X-Evil: 1@f>\r\nIn-Reply-To: <g@h> X-Evil: 1\r\nContent-Language: es\r\n X-Evil: 1\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHola, necesito ayuda con mi cuenta de usuario.\r\n--b\r\nContent-Type: application/x; name=\"{evil}.pdf\"\r\nContent-Disposition: attachment; filename=\"../{evil}.pdf\"\r\n\r\nx\r\n--b--\r\n"
    );
    world.server.deliver(DESK, mail);
    world.work().await;
    let note = world.new_mail(ANA);
    world.answers(ANA, &note, "Respuesta.");
    world.work().await;
    let sent = world.server.submitted();
    assert!(sent.len() >= 4, "{}", sent.len());
    for mail in sent {
        let raw = String::from_utf8_lossy(&mail.raw).into_owned();
        let head = raw.split("\r\n\r\n").next().unwrap();
        for line in head.split("\r\n") {
            let lower = line.to_lowercase();
            assert!(!lower.starts_with("bcc:") && !lower.starts_with("x-evil"), "{head}");
        }
        assert_ne!(mail.to, "victim@other.example");
    }
    world.verify();
}
