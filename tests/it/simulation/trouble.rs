//! What goes wrong: time, both wires, the mailbox, the process. Drawn from the dice alone.

use super::play::Play;
use crate::world::DESK;
use postdesk::clock::{Clock, Dice};
use postdesk::demo::server::{Hook, ImapFault, SmtpFault, When};

const IMAP: [&str; 12] = [
    "CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH", "FETCH", "MOVE", "STORE", "EXPUNGE", "NOOP", "LIST", "*",
];
const SMTP: [&str; 9] = ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT", "RSET", "QUIT"];

/// Where somebody else puts mail for a while.
pub const ELSEWHERE: &str = "Otros";

fn pick<T: Clone>(dice: &Dice, of: &[T]) -> T {
    of[dice.below(of.len() as u64) as usize].clone()
}

/// Mostly minutes; at times a night or a week; at times backwards, as when a clock is set right.
pub fn time_passes(dice: &Dice, clock: &Clock) {
    let secs = match dice.below(40) {
        0 => -(dice.below(2 * 86400) as i64),
        1 => -(dice.below(120) as i64),
        2 => dice.below(8 * 86400) as i64,
        3..=8 => dice.below(86400) as i64,
        9..=20 => dice.below(3600 * 4) as i64,
        _ => dice.below(600) as i64,
    };
    clock.advance(secs);
}

pub async fn strikes(play: &mut Play) {
    let dice = play.dice.clone();
    for _ in 0..dice.below(3) {
        match dice.below(14) {
            0..=3 => imap(play, &dice),
            4..=6 => smtp(play, &dice),
            7 => play.crash_in(1 + dice.below(60)),
            8 => {
                play.restarts += 1;
                play.restart().await;
            }
            9 => renumber(play, &dice),
            10 => by_another_hand(play, &dice),
            11 => play.server.drop_connections(),
            12 => play.server.refuse_connections(dice.below(2) == 0),
            _ => play.server.clear_faults(),
        }
    }
}

pub fn ends(play: &mut Play) {
    play.server.clear_faults();
    play.server.refuse_connections(false);
    bring_back(play);
}

fn when(dice: &Dice, command: &'static str) -> When {
    if dice.below(12) == 0 { When::always(command) } else { When::nth(command, 1 + dice.below(3) as u32) }
}

fn imap(play: &mut Play, dice: &Dice) {
    let command = pick(dice, &IMAP);
    let fault = match dice.below(11) {
        0 => ImapFault::No("[UNAVAILABLE] later".to_owned()),
        1 => ImapFault::No("no".to_owned()),
        2 => ImapFault::Bad("what?".to_owned()),
        3 => ImapFault::Bye("shutting down".to_owned()),
        4 => ImapFault::Say(b"* 99 EXISTS\r\n* 3 RECENT\r\n".to_vec()),
        5 => ImapFault::Say(b"\x00\xff garbage\r\n".to_vec()),
        // A server that says yes to a flag and does not set it could not be found out.
        6 if !matches!(command, "STORE" | "*") => {
            ImapFault::Replace("{tag} OK nothing was done\r\n".to_owned())
        }
        7 => ImapFault::CutAfter(dice.below(2000) as usize),
        8 => ImapFault::Drop,
        9 => ImapFault::DropAfter,
        _ => ImapFault::Run(moved_away()),
    };
    play.elsewhere = true;
    let when = when(dice, command);
    play.checks.armed.push(format!("{when:?} {fault:?}"));
    play.server.imap_fault(when, fault);
}

fn smtp(play: &mut Play, dice: &Dice) {
    let command = pick(dice, &SMTP);
    let fault = match dice.below(9) {
        0 => SmtpFault::Reply(451, "later".to_owned()),
        1 => SmtpFault::Reply(421, "closing".to_owned()),
        2 => SmtpFault::Reply(550, "no".to_owned()),
        3 => SmtpFault::Reply(452, "4.2.2 full".to_owned()),
        // At DATA both sides would wait for each other until the time is up, as they would after a reply without a code:
        // true time, which a simulation has none of. `smtp_edge` has those.
        4 if command != "DATA" => SmtpFault::Raw(b"250 recibi\xf3 \xff\r\n".to_vec()),
        5 => SmtpFault::Drop,
        6 => SmtpFault::DropAfter,
        7 => SmtpFault::DropMidway(dice.below(900) as usize),
        8 if command != "DATA" => SmtpFault::Raw(b"250-and\r\n250 so on\r\n".to_vec()),
        _ => SmtpFault::Reply(554, "never".to_owned()),
    };
    // Each such end costs a wait for the relay's last word, in true time: not at every mail.
    let midway = matches!(fault, SmtpFault::DropMidway(_));
    let when = if midway { When::next(command) } else { when(dice, command) };
    play.checks.armed.push(format!("{when:?} {fault:?}"));
    play.server.smtp_fault(when, fault);
}

/// The first mail of the inbox is taken away between two commands.
fn moved_away() -> Hook {
    Hook::new(|server| {
        if let Some(first) = server.mails(DESK, "INBOX").first() {
            server.move_mails(DESK, "INBOX", ELSEWHERE, &[first.uid]);
        }
    })
}

fn renumber(play: &mut Play, dice: &Dice) {
    let old = play.server.uidvalidity(DESK, "INBOX").unwrap();
    // A session that is open would see numbers change under its hands, which no server does.
    play.server.drop_connections();
    play.server.set_uidvalidity(DESK, "INBOX", old + 1 + dice.below(9) as u32);
}

/// Somebody uses the same mailbox: takes mail away, puts it back, puts dealt-with mail back, marks it as read.
fn by_another_hand(play: &mut Play, dice: &Dice) {
    let inbox = play.server.mails(DESK, "INBOX");
    let done = play.server.mails(DESK, "Postdesk");
    match dice.below(4) {
        0 if !inbox.is_empty() => {
            play.server.move_mails(DESK, "INBOX", ELSEWHERE, &[pick(dice, &inbox).uid]);
            play.elsewhere = true;
        }
        1 if !done.is_empty() => {
            play.server.move_mails(DESK, "Postdesk", "INBOX", &[pick(dice, &done).uid]);
        }
        2 if !inbox.is_empty() => {
            play.server.set_flag(DESK, "INBOX", pick(dice, &inbox).uid, "\\Seen", true);
        }
        _ => bring_back(play),
    }
}

fn bring_back(play: &mut Play) {
    let uids: Vec<u32> = play.server.mails(DESK, ELSEWHERE).iter().map(|mail| mail.uid).collect();
    if !uids.is_empty() {
        play.server.move_mails(DESK, ELSEWHERE, "INBOX", &uids);
    }
    play.elsewhere = false;
}
