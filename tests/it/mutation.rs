//! Mails that were damaged at random, through the whole way: read, split, judged, decided, answered, filed. From a seed,
//! for some seconds of every `cargo test`; `POSTDESK_SEED=n` replays one, `POSTDESK_MUTATION_SECS=n` takes longer. The
//! fuzz targets (`make fuzz`) do the same with coverage; this one needs no tool and passes through the store.

use crate::stories::desk::Desk;
use postdesk::clock::Dice;
use postdesk::loops::filing::receive;
use postdesk::mail::{LIMITS, attachment_bytes, read};
use postdesk::store::commit::Origin;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Seeds that run always, each for so many mails; the last two found something.
const FIXED: [u64; 4] = [1, 20_261_120, 1_685_651_031, 1_379_435_393];
const MAILS: usize = 150;

/// New seeds run for so long.
const FRESH: Duration = Duration::from_secs(5);

/// Words that mean something to a reader of mail, put where nobody expects them.
const WORDS: [&str; 22] = [
    "\r\n",
    "\n\n",
    "\r\n\r\n",
    "--",
    "=?utf-8?Q?=C3",
    "?=",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: message/rfc822\r\n\r\n",
    "Content-Type: message/delivery-status\r\n\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Auto-Submitted: auto-replied\r\n",
    "Final-Recipient: rfc822; x@y.example\r\n",
    "In-Reply-To: <pd.a1.1.1.0@desk.example>\r\n",
    "From: <ana@desk.example>\r\n",
    "#close\r\n",
    "#assign ana, #note, #cc x@y.example\r\n",
    "> ",
    "-- \r\n",
    "\0",
    "\u{202e}",
    "<blockquote><table><td>",
    "filename*0*=utf-8''%2e%2e%2f",
];

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            found.push(path);
        }
    }
}

/// The mails of the tests, in an order that does not hang on the file system.
fn corpus() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"), &mut files);
    files.sort();
    assert!(files.len() > 80, "{}", files.len());
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A number below `end`; 0 for an end of 0.
fn below(dice: &Dice, end: usize) -> usize {
    if end == 0 { 0 } else { dice.below(end as u64) as usize }
}

fn stretch(dice: &Dice, mail: &[u8]) -> std::ops::Range<usize> {
    let start = below(dice, mail.len());
    start..(start + below(dice, 400)).min(mail.len())
}

/// One damage.
fn damage(dice: &Dice, mail: &mut Vec<u8>, other: &[u8]) {
    match below(dice, 9) {
        0 => {
            for _ in 0..=below(dice, 8) {
                let at = below(dice, mail.len());
                if let Some(byte) = mail.get_mut(at) {
                    *byte ^= 1 << below(dice, 8);
                }
            }
        }
        1 => mail.truncate(below(dice, mail.len())),
        2 => drop(mail.drain(..below(dice, mail.len()))),
        3 => drop(mail.drain(stretch(dice, mail))),
        4 => {
            let copy = mail[stretch(dice, mail)].repeat(1 + below(dice, 50));
            let at = below(dice, mail.len() + 1);
            mail.splice(at..at, copy);
        }
        5 => {
            let (at, from) = (below(dice, mail.len() + 1), below(dice, other.len()));
            mail.truncate(at);
            mail.extend_from_slice(&other[from..]);
        }
        6 => {
            let at = below(dice, mail.len() + 1);
            mail.splice(at..at, other[stretch(dice, other)].iter().copied());
        }
        7 => {
            let mut lines: Vec<&[u8]> = mail.split_inclusive(|byte| *byte == b'\n').collect();
            let (one, two) = (below(dice, lines.len()), below(dice, lines.len()));
            if !lines.is_empty() {
                lines.swap(one, two);
            }
            *mail = lines.concat();
        }
        _ => {
            let at = below(dice, mail.len() + 1);
            mail.splice(at..at, WORDS[below(dice, WORDS.len())].bytes());
        }
    }
}

/// Promises that hold for any bytes, before anybody decides.
fn holds(raw: &[u8]) {
    let mail = read(raw, &LIMITS);
    assert!(mail.subject.chars().count() <= LIMITS.subject_max_chars);
    assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
    for file in &mail.attachments {
        assert!(
            !file.name.is_empty() && file.name.len() <= 200 && !file.name.contains(['/', '\\', '\n', '\0'])
        );
        assert_eq!(attachment_bytes(raw, &LIMITS, file.part).map(|bytes| bytes.len()), Some(file.size));
    }
}

/// The last mail lies where it can be found again when its seed fails.
struct Last {
    seed: u64,
    raw: Vec<u8>,
}

impl Drop for Last {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = std::env::temp_dir().join(format!("postdesk-mutation-{}.eml", self.seed));
            let kept = std::fs::write(&path, &self.raw).is_ok();
            eprintln!("replay with POSTDESK_SEED={}; the mail is in {} ({kept})", self.seed, path.display());
        }
    }
}

/// `count` damaged mails from one seed, or as many as fit before `end`.
async fn play(seed: u64, count: usize, end: Option<Instant>) -> usize {
    println!("seed {seed} begins");
    let (dice, corpus) = (Dice::from_seed(seed), corpus());
    let desk = Desk::new(
        "desk.example",
        "",
        "\n[budgets]\nper_sender = 1000000\nper_domain = 1000000\nin_all = 1000000\nper_ticket = 1000000\n",
    );
    let mut last = Last { seed, raw: Vec::new() };
    for done in 0..count {
        if end.is_some_and(|end| Instant::now() >= end) {
            return done;
        }
        let mut mail = corpus[below(&dice, corpus.len())].clone();
        if below(&dice, 3) == 0 {
            // As an agent's, so that commands are read as well.
            mail.splice(0..0, b"From: Ana <ana@desk.example>\n".iter().copied());
        }
        for _ in 0..=below(&dice, 6) {
            damage(&dice, &mut mail, &corpus[below(&dice, corpus.len())]);
        }
        last.raw.clone_from(&mail);
        holds(&mail);
        let origin =
            Origin { mailbox: "deliver".into(), uidvalidity: 0, uid: 0, queue: "support".to_owned() };
        let believed = below(&dice, 2) == 0;
        let filed = desk.shared.file(receive(origin, None, mail).confirmed(believed)).await.unwrap();
        assert_ne!(filed.disposition.word(), "quarantined", "mail {done} of seed {seed}: {}", filed.reason);
        if done % 50 == 49 {
            // What went out can be read by others; a desk that never posts would not be tested.
            for posted in desk.posted().await {
                let out = read(posted.raw.as_bytes(), &LIMITS);
                let harmless = ["no-from", "no-headers", "date"]
                    .iter()
                    .all(|code| out.oddities.iter().all(|odd| odd.code != *code));
                assert!(harmless && out.from.is_some(), "{}: {:?}", posted.template, out.oddities);
            }
        }
    }
    desk.verify();
    count
}

#[tokio::test]
async fn no_damage_to_a_mail_brings_anything_down() {
    if let Ok(seed) = std::env::var("POSTDESK_SEED") {
        play(seed.parse().expect("POSTDESK_SEED is a number"), MAILS, None).await;
        return;
    }
    for seed in FIXED {
        play(seed, MAILS, None).await;
    }
    let secs = std::env::var("POSTDESK_MUTATION_SECS").ok().and_then(|secs| secs.parse().ok());
    let end = Instant::now() + secs.map_or(FRESH, Duration::from_secs);
    let fresh = Dice::real();
    let mut mails = 0;
    while Instant::now() < end {
        mails += play(fresh.below(1 << 32), MAILS, Some(end)).await;
    }
    println!("{mails} mails from new seeds");
}
