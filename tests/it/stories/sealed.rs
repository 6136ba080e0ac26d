//! Parts that Postdesk does not open, as real programs make them: Outlook's `winmail.dat`, invitations, S/MIME, OpenPGP. Each
//! is kept to the byte, named, reaches the agents as it was, and can be fetched.

use crate::world::{ANA, DESK, World};
use mail_parser::{MessageParser, MimeHeaders};
use std::path::Path;

/// The mails of the corpus (their names there), the files in each, and how one of those begins.
const SEALED: [(&str, &[&str], &[u8]); 8] = [
    ("tnef-outlook", &["winmail.dat"], b"\x78\x9f\x3e\x22"),
    ("tnef-without-name", &["winmail.dat"], b"\x78\x9f\x3e\x22"),
    ("calendar-invitation", &["invite.ics", "invite.ics"], b"BEGIN:VCALENDAR"),
    ("smime-signed", &["smime.p7s"], b"\x30\x82"),
    ("smime-opaque", &["smime.p7m"], b"\x30\x82"),
    ("smime-encrypted", &["smime.p7m"], b"\x30\x82"),
    ("pgp-encrypted", &["version.txt", "encrypted.asc"], b"-----BEGIN PGP MESSAGE-----"),
    (
        "pgp-signed",
        &["OpenPGP_0x1D2E3F4A5B6C7D8E.asc", "OpenPGP_signature.asc"],
        b"-----BEGIN PGP SIGNATURE-----",
    ),
];

fn raw(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/parse").join(format!("{name}.eml"));
    // As it travels.
    String::from_utf8(std::fs::read(path).unwrap()).unwrap().replace('\n', "\r\n").into_bytes()
}

/// The files of a mail as another program reads them.
fn files(raw: &[u8]) -> Vec<(String, Vec<u8>)> {
    let parsed = MessageParser::default().parse(raw).unwrap();
    parsed
        .attachments()
        .map(|part| (part.attachment_name().unwrap_or_default().to_owned(), part.contents().to_vec()))
        .collect()
}

#[tokio::test]
async fn what_is_sealed_is_kept_named_and_passed_on_to_the_byte() {
    let mut world = World::start().await;
    for (name, wanted, begins) in SEALED {
        let raw = raw(name);
        world.server.deliver(DESK, &raw);
        world.work().await;
        assert_eq!(world.last_account().0, "opened", "{name}");
        let number = *world.tickets().last().unwrap();
        let reader = world.reader();
        let conversation = reader.conversation(number).unwrap().unwrap();
        let kept: Vec<(String, Vec<u8>)> = conversation.messages[0]
            .attachments
            .iter()
            .map(|file| (file.name.clone(), reader.download(number, file.id).unwrap().unwrap().bytes))
            .collect();
        assert_eq!(kept.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), wanted, "{name}");
        assert!(kept.iter().any(|(_, bytes)| bytes.starts_with(begins)), "{name}");
        let came = files(&raw);
        for (file, bytes) in &kept {
            assert!(came.iter().any(|(_, sent)| sent == bytes), "{name}: {file} is not what was sent");
        }
        let note = world.new_mail(ANA);
        for (file, bytes) in &kept {
            let arrived = |(name, there): &(String, Vec<u8>)| name == file && same_text(there, bytes);
            assert!(note.attachments.iter().any(arrived), "{name}: {file} did not reach the agent");
        }
        // The raw mail is there to the byte, for whoever holds the key.
        let stored = world.rows("SELECT max(id) FROM mail")[0].parse().unwrap();
        assert_eq!(postdesk::store::pack::raw_of_mail(reader.db(), stored).unwrap().unwrap(), raw, "{name}");
    }
    world.verify();
}

/// Equal but for line ends, which a text may change on its way.
fn same_text(one: &[u8], other: &[u8]) -> bool {
    let plain = |bytes: &[u8]| bytes.iter().filter(|b| **b != b'\r').copied().collect::<Vec<_>>();
    plain(one).trim_ascii_end() == plain(other).trim_ascii_end()
}
