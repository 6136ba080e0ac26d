//! Each fault of the mail server at each command of the intake.

use crate::world::{DESK, MARIA, World};
use postdesk::demo::server::{Hook, ImapFault, MailServer, When};

const MAILS: usize = 6;

async fn world_with_mails(mailbox: &str) -> World {
    let mut world = World::start_with("", "", mailbox).await;
    for n in 0..MAILS {
        let from = format!("c{n}@client.example");
        world.writes(
            &from,
            &format!("Asunto {n}"),
            &format!("Texto número {n} con varias palabras, por favor."),
        );
    }
    world
}

/// All mails are filed, moved and answered once.
fn all_is_well(world: &World, what: &str) {
    assert_eq!(world.tickets().len(), MAILS, "{what}");
    assert_eq!(world.rows("SELECT 1 FROM mail WHERE disposition = 'opened'").len(), MAILS, "{what}");
    assert_eq!(world.rows("SELECT 1 FROM mail WHERE settled_at IS NULL"), [] as [String; 0], "{what}");
    for (row, times) in world.accepted() {
        assert!(row.starts_with("sent ") && times == 1, "{what}: {row} {times}");
    }
    assert_eq!(world.accepted().len(), 3 * MAILS, "{what}");
    world.verify();
}

#[tokio::test]
async fn every_fault_at_every_command_is_survived() {
    let faults = [
        ImapFault::No("not now".into()),
        ImapFault::Bad("what".into()),
        ImapFault::Bye("going down".into()),
        ImapFault::Drop,
        ImapFault::DropAfter,
        ImapFault::CutAfter(9),
        ImapFault::CutAfter(300),
        ImapFault::Say(b"\x00\xff garbage {12\r\n".to_vec()),
        ImapFault::Say(b"* 99 EXISTS\r\n* 1 EXPUNGE\r\n".to_vec()),
        ImapFault::Replace("{tag} OK nothing at all\r\n".into()),
        ImapFault::Replace("* BYE\r\n".into()),
    ];
    for command in ["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH", "MOVE"] {
        for fault in &faults {
            // A greeting is no answer: of what can be said instead of it, silence is tested at the edge.
            if command == "CONNECT" && !matches!(fault, ImapFault::Drop | ImapFault::Say(_)) {
                continue;
            }
            for nth in [1, 2] {
                let mut world = world_with_mails("\n[limits]\nbatch_max = 2\n").await;
                world.server.imap_fault(When::nth(command, nth), fault.clone());
                world.endures().await;
                all_is_well(&world, &format!("{fault:?} at {command} {nth}"));
                let moved = world.server.mails(DESK, "Postdesk").len();
                let claimed =
                    matches!(fault, ImapFault::Replace(text) if text.contains("OK")) && command == "MOVE";
                assert!(moved == MAILS || claimed, "{fault:?} at {command} {nth}: {moved} were moved");
            }
        }
    }
}

#[tokio::test]
async fn mail_moved_by_somebody_between_search_and_fetch_is_left_to_them() {
    for command in ["FETCH", "MOVE"] {
        let mut world = world_with_mails("").await;
        let away = Hook::new(|server: &MailServer| {
            server.move_mails(DESK, "INBOX", "Elsewhere", &[2, 3]);
        });
        world.server.imap_fault(When::next(command), ImapFault::Run(away));
        world.endures().await;
        let filed = world.tickets().len();
        assert!(if command == "MOVE" { filed == MAILS } else { filed == MAILS - 2 }, "{command}: {filed}");
        assert_eq!(world.rows("SELECT 1 FROM mail WHERE settled_at IS NULL"), [] as [String; 0]);
        world.verify();
        // Put back, they come like any other mail; the same mail is not filed twice.
        world.server.move_mails(DESK, "Elsewhere", "INBOX", &[1, 2]);
        world.endures().await;
        all_is_well_but_duplicates(&world);
    }
}

fn all_is_well_but_duplicates(world: &World) {
    assert_eq!(world.tickets().len(), MAILS);
    assert!(world.accepted().iter().all(|(_, times)| *times == 1));
    assert_eq!(world.server.mails(DESK, "INBOX").len(), 0);
    world.verify();
}

#[tokio::test]
async fn a_mailbox_deleted_and_made_again_or_renumbered_in_between_doubles_nothing() {
    for command in ["SEARCH", "FETCH", "MOVE"] {
        for after in ["move", "flag", "delete"] {
            let mut world = world_with_mails(&format!("after = \"{after}\"")).await;
            let raws: Vec<_> = world.server.mails(DESK, "INBOX").into_iter().map(|mail| mail.raw).collect();
            let again = Hook::new(move |server: &MailServer| {
                server.delete_folder(DESK, "INBOX");
                server.create_folder(DESK, "INBOX");
                for raw in &raws {
                    server.deliver(DESK, raw);
                }
            });
            let store = if after == "move" {
                command
            } else if command == "MOVE" {
                "STORE"
            } else {
                command
            };
            world.server.imap_fault(When::next(store), ImapFault::Run(again));
            world.endures().await;
            world.server.set_uidvalidity(DESK, "INBOX", 4711);
            world.reconnect();
            world.endures().await;
            assert_eq!(world.tickets().len(), MAILS, "{command} {after}");
            assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
            assert_eq!(
                world.rows("SELECT 1 FROM mail WHERE settled_at IS NULL"),
                [] as [String; 0],
                "{command} {after}"
            );
            world.verify();
        }
    }
}

#[tokio::test]
async fn a_server_that_lies_about_sizes_costs_one_mail_its_turn_and_no_other() {
    let mut world = World::start_with("", "", "\n[limits]\nmail_max = \"100 kB\"\n").await;
    world.writes(MARIA, "Primera", "Texto.");
    world.writes("big@client.example", "Grande", &"0123456789\r\n".repeat(10_000));
    world.writes(MARIA, "Segunda", "Texto dos.");
    let lie = "* 1 FETCH (UID 1 RFC822.SIZE 10)\r\n* 2 FETCH (UID 2 RFC822.SIZE 10)\r\n* 3 FETCH (UID 3 RFC822.SIZE 10)\r\n{tag} OK\r\n";
    world.server.imap_fault(When::next("FETCH"), ImapFault::Replace(lie.into()));
    let failed = world.endures().await;
    assert!(failed.iter().any(|error| error.contains("more than allowed")), "{failed:?}");
    assert_eq!(world.tickets().len(), 2);
    assert_eq!(world.rows("SELECT disposition FROM mail WHERE uid = 2"), ["refused"]);
    assert_eq!(world.server.mails(DESK, "INBOX").len(), 1, "what is refused stays where it is");
    assert_eq!(world.new_mails("admin@desk.example").len(), 1);
    world.verify();
}

#[tokio::test]
async fn mail_refused_for_its_size_is_taken_once_the_limit_is_raised() {
    let mut world = World::start_with("", "", "\n[limits]\nmail_max = \"100 kB\"\n").await;
    world.writes("big@client.example", "Grande", &"0123456789\r\n".repeat(10_000));
    world.work().await;
    assert_eq!(world.last_account().0, "refused");
    world.reconfigures("", "", "\n[limits]\nmail_max = \"5 MB\"\n");
    world.restarts().await;
    world.work().await;
    assert_eq!(world.last_account().0, "opened");
    assert_eq!(world.tickets().len(), 1);
    assert_eq!(world.rows("SELECT count(*) FROM mail"), ["1"]);
    assert_eq!(world.server.mails(DESK, "INBOX").len(), 0);
    world.verify();
}

#[tokio::test]
async fn a_batch_is_told_of_once_however_often_the_answer_is_lost() {
    let mut world = world_with_mails("").await;
    for _ in 0..3 {
        world.server.imap_fault(When::next("MOVE"), ImapFault::DropAfter);
    }
    world.endures().await;
    all_is_well(&world, "answers to MOVE lost");
}
