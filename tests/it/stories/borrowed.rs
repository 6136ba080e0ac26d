//! Files that an outgoing mail takes from the mail they came with: whenever it is decided about, each recipient gets
//! them byte for byte, and `verify` sees when they cannot be put together any more.

use crate::world::{ANA, DESK, MARIA, World};
use postdesk::store::verify;

const LINE: &str = "UG9zdGRlc2s0UG9zdGRlc2s0UG9zdGRlc2s0UG9zdGRlc2s0UG9zdGRlc2s0UG9zdGRlc2s0UG9z\r\n";

/// `raw` with a file of 570 kB, that is written as mail programs write it.
fn with_file(raw: &str) -> String {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let head =
        head.replace("Content-Type: text/plain; charset=utf-8", "Content-Type: multipart/mixed; boundary=b");
    format!(
        "{head}\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b--\r\n",
        LINE.repeat(10_000)
    )
}

/// The newest mail to `address` holds the file, taken from the mail with this account.
fn has_file(world: &mut World, address: &str, disposition: &str) {
    let mail = world.new_mails(address).pop().unwrap();
    assert_eq!(mail.attachments.len(), 1, "{disposition}");
    let chunk = "Postdesk4".repeat(6) + "Pos";
    assert_eq!(mail.attachments[0].1.len(), 57 * 10_000);
    assert!(mail.attachments[0].1.chunks(57).all(|found| found == chunk.as_bytes()), "{disposition}");
    let sql = format!(
        "SELECT count(*) FROM outbox JOIN mail ON mail.id = mail_id JOIN outgoing_body AS body ON body.id = body_id
         WHERE recipient = '{address}' AND taken <> '' AND body.raw_id = mail.raw_id AND disposition = '{disposition}'
         AND outbox.size > 700000 AND body.size < 20000"
    );
    assert_ne!(world.rows(&sql), ["0"], "{disposition}");
    world.verify();
}

#[tokio::test]
async fn a_file_reaches_its_readers_from_a_mail_that_was_held_and_from_one_that_was_refused_at_first() {
    let limit = |max: &str| format!("[limits]\nmail_max = \"{max}\"\n");
    let mut world = World::start_with("", "", &limit("100 kB")).await;
    let letter = world.letter(MARIA, "Factura", "Adjunto la factura de enero, ¿la pueden revisar por favor?");
    world.server.deliver(DESK, with_file(&letter.raw()));
    world.work().await;
    world.no_mail(ANA);
    world.reconfigures("", "", &limit("5 MB"));
    world.reconnect();
    world.work().await;
    has_file(&mut world, ANA, "opened");

    let number = world.tickets()[0];
    world.new_mails(MARIA);
    let letter = world.letter(ANA, &format!("[#{number}]"), "Va corregida.");
    world.server.deliver(DESK, with_file(&letter.raw()));
    world.work().await;
    world.no_mail(MARIA);
    let question = world.new_mails(ANA).pop().unwrap();
    world.answers(ANA, &question, "sí");
    world.work().await;
    has_file(&mut world, MARIA, "agent");
}

#[tokio::test]
async fn verify_names_what_cannot_be_put_together_any_more() {
    let mut world = World::start().await;
    let letter = world.letter(MARIA, "Factura", "Adjunto la factura de enero, ¿la pueden revisar por favor?");
    world.server.deliver(DESK, with_file(&letter.raw()));
    world.intake_only().await;
    world.verify();
    let broken = world.shared.store.write(|db| {
        Ok(db.execute("UPDATE outgoing_body SET taken = '0 999999999 10' WHERE taken <> ''", [])?)
    });
    assert!(broken.await.unwrap() > 0);
    let breaches = verify::verify(world.reader().db(), |_, _| {}).unwrap();
    assert_eq!(breaches.len(), 1, "{breaches:#?}");
    assert_eq!(breaches[0].promise, "5: outgoing mail can be put together as it was made");
    // What cannot be put together is put off, as what the relay does not take is, and keeps nothing else waiting.
    assert_eq!(world.sends().await.unwrap(), 3);
    assert_eq!(world.new_mails(MARIA).len(), 1);
    let waiting = "SELECT next_at - created_at >= 60 FROM outbox WHERE state = 'deferred' AND said LIKE '%not kept any more'";
    assert_eq!(world.rows(waiting), ["1", "1"]);
}
