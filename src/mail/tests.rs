//! Totality, bounds and speed of reading; what single modules make of single things is tested beside them.

use super::*;
use proptest::prelude::*;

fn subject_of(raw: &str) -> String {
    read(raw.as_bytes(), &LIMITS).subject
}

fn codes(mail: &Mail) -> Vec<&'static str> {
    mail.oddities.iter().map(|oddity| oddity.code).collect()
}

/// Promises that hold for any bytes.
fn hold(raw: &[u8]) {
    let mail = read(raw, &LIMITS);
    assert_eq!(mail.size, raw.len());
    assert!(
        mail.subject.chars().count() <= LIMITS.subject_max_chars && !mail.subject.contains(char::is_control)
    );
    assert!(mail.text().len() <= LIMITS.text_max_bytes + 100);
    assert!(mail.references.len() <= LIMITS.references_max && mail.to.len() <= LIMITS.addresses_max);
    for attachment in &mail.attachments {
        let name = &attachment.name;
        assert!(!name.is_empty() && name.len() <= 200 && !name.contains(['/', '\\', '\0', '\n']), "{name:?}");
        let bytes = attachment_bytes(raw, &LIMITS, attachment.part).expect("an attachment has bytes");
        assert_eq!(bytes.len(), attachment.size);
    }
    report(&mail, raw);
}

#[test]
fn any_shape_of_mail_is_read() {
    let header = "From: a@b.example\nSubject: x\nMIME-Version: 1.0\n";
    let nested_parts: String =
        (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    let nested_mails = "Content-Type: message/rfc822\n\n".repeat(20_000);
    let digests: String =
        (0..5_000).map(|n| format!("Content-Type: multipart/digest; boundary=b{n}\n\n--b{n}\n\n")).collect();
    for raw in [
        String::new(),
        "\n".repeat(100_000),
        "\0".repeat(1000),
        ":".repeat(100_000),
        " : \n".repeat(10_000),
        format!("{header}{nested_parts}\n\ntext"),
        format!("{header}{nested_mails}\n\ntext"),
        format!("{header}{digests}text"),
        format!("{}\n\ntext", "X-Header: value\n".repeat(100_000)),
        format!("Subject: {}\n\ntext", "long ".repeat(400_000)),
        format!("Subject: {}\n\ntext", "=?utf-8?Q?".repeat(50_000)),
        format!("Subject: {}\n\ntext", "=?utf-8?Q?a?= ".repeat(50_000)),
        format!("From: {}\n\ntext", "(".repeat(100_000)),
        format!("To: {}\n\ntext", "a@b.example, ".repeat(20_000)),
        format!("References: {}\n\ntext", "<a@b.example> ".repeat(50_000)),
        format!("{header}\n{}", "a".repeat(5_000_000)),
        format!("{header}\n{}", "> ".repeat(2_000_000)),
        format!("{header}\n{}", "On Monday 10:00\n".repeat(100_000)),
        format!("{header}\n{}", "From: a\n".repeat(100_000)),
        format!("{header}\n{}", "-- \nx\n\n".repeat(100_000)),
        format!("{header}\n{}", "a@b.example ".repeat(200_000)),
        format!(
            "From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n{}",
            "<a@b.example>:\n550 no\n".repeat(50_000)
        ),
        format!("{header}Content-Type: text/html\n\n{}", "<blockquote>a".repeat(100_000)),
        format!("{header}Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(50_000)),
        format!("{header}Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n----\n"),
        format!("{header}Content-Type: text/plain; {}\n\nx", "a*0=b; ".repeat(10_000)),
    ] {
        hold(raw.as_bytes());
    }
}

/// One bound at its edge: `exactly` reaches it and is kept whole, one more is an oddity.
fn edge(code: &str, raw: impl Fn(usize) -> String, limits: &Limits, bound: usize) {
    assert!(!codes(&read(raw(bound).as_bytes(), limits)).contains(&code), "{code} at {bound}");
    assert!(codes(&read(raw(bound + 1).as_bytes(), limits)).contains(&code), "{code} above {bound}");
}

#[test]
fn every_bound_is_recorded_at_its_edge() {
    let limits = Limits {
        headers_max: 5,
        parts_max: 4,
        references_max: 3,
        addresses_max: 2,
        text_max_bytes: 20,
        html_max_bytes: 30,
        subject_max_chars: 10,
    };
    edge("headers-bound", |n| format!("{}\n\ntext", "X: y\n".repeat(n).trim_end()), &limits, 5);
    edge("subject-bound", |n| format!("Subject: {}\n\ntext", "ñ".repeat(n)), &limits, 10);
    edge("text-bound", |n| format!("Subject: x\n\n{}", "a".repeat(n)), &limits, 20);
    edge("references-bound", |n| format!("References:{}\n\nx", " <a@b>".repeat(n)), &limits, 3);
    edge("addresses-bound", |n| format!("To: {}\n\nx", vec!["a@b"; n].join(",")), &limits, 2);
    edge(
        "html-bound",
        |n| format!("Content-Type: text/html\n\n<p>{}", "a".repeat(n - 3)),
        &Limits { text_max_bytes: 99, ..limits },
        30,
    );
    let parts = |n: usize| {
        format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(n - 1))
    };
    edge("parts-bound", parts, &limits, 4);
}

/// One bound in service at its edge: what reaches it is kept whole and is no oddity; of one more, as much is kept, and
/// that is recorded.
fn kept_up_to(code: &str, bound: usize, raw: impl Fn(usize) -> String, kept: impl Fn(&Mail) -> usize) {
    let (exact, more) = (read(raw(bound).as_bytes(), &LIMITS), read(raw(bound + 1).as_bytes(), &LIMITS));
    assert!(!codes(&exact).contains(&code), "{code} at {bound}");
    assert!(codes(&more).contains(&code), "{code} above {bound}: {:?}", codes(&more));
    assert_eq!(kept(&exact), bound, "{code}");
    assert_eq!(kept(&more), bound, "{code}, one more");
}

#[test]
fn the_bounds_in_service_keep_as_much_as_they_say() {
    let subject = |n: usize| format!("Subject: {}\n\ntext", "ñ".repeat(n));
    kept_up_to("subject-bound", 250, subject, |mail| mail.subject.chars().count());
    let ids = |n: usize| (0..n).map(|n| format!(" <{n}@b>\n")).collect::<String>();
    let references = |n: usize| format!("References:{}\nx", ids(n));
    kept_up_to("references-bound", 100, references, |mail| mail.references.len());
    let answers = |n: usize| format!("In-Reply-To:{}\nx", ids(n));
    kept_up_to("references-bound", 100, answers, |mail| mail.in_reply_to.len());
    for (field, of) in [
        ("To", (|mail: &Mail| mail.to.len()) as fn(&Mail) -> usize),
        ("Cc", |mail| mail.cc.len()),
        ("Reply-To", |mail| mail.reply_to.len()),
    ] {
        let people = |n: usize| (0..n).map(|n| format!("p{n}@b.example")).collect::<Vec<_>>().join(",\n ");
        kept_up_to("addresses-bound", 100, |n| format!("{field}: {}\n\nx", people(n)), of);
    }
    let text = |n: usize| format!("Subject: x\n\n{}", "a".repeat(n));
    kept_up_to("text-bound", 512 * 1024, text, |mail| mail.text().matches('a').count());
}

#[test]
fn the_last_header_and_part_within_their_bounds_are_read_and_the_next_are_not() {
    let fields = |n: usize| format!("{}Subject: read\n\ntext", "X: y\n".repeat(n - 1));
    assert_eq!(read(fields(LIMITS.headers_max).as_bytes(), &LIMITS).subject, "read");
    let more = read(fields(LIMITS.headers_max + 1).as_bytes(), &LIMITS);
    assert_eq!((more.subject.as_str(), codes(&more).contains(&"headers-bound")), ("", true));
    // The mail itself is a part, and its text.
    let file = "--b\nContent-Type: application/pdf; name=x.pdf\n\nx\n";
    let parts = |n: usize| {
        let head = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n";
        format!("{head}{}--b--\n", file.repeat(n - 2))
    };
    for (n, odd) in [(LIMITS.parts_max, false), (LIMITS.parts_max + 1, true)] {
        let mail = read(parts(n).as_bytes(), &LIMITS);
        assert_eq!(mail.attachments.len(), LIMITS.parts_max - 2, "{n}");
        assert_eq!(codes(&mail).contains(&"parts-bound"), odd, "{n}");
    }
}

#[test]
fn html_within_its_bound_is_kept_and_of_more_the_text_is() {
    let begin = "<p>the beginning</p>";
    for (size, kept) in [(LIMITS.html_max_bytes, true), (LIMITS.html_max_bytes + 1, false)] {
        let raw = format!("Content-Type: text/html\n\n{begin}{}", "<".repeat(size - begin.len()));
        let mail = read(raw.as_bytes(), &LIMITS);
        assert_eq!(mail.html.is_some(), kept, "{size}");
        assert_eq!(codes(&mail).contains(&"html-bound"), !kept, "{size}");
        assert!(mail.text().contains("the beginning"), "{size}");
    }
}

#[test]
fn smaller_bounds_hold_at_their_edges() {
    let results =
        |n: usize| format!("{}\n\nx", "Authentication-Results: mx; dmarc=pass\n".repeat(n).trim_end());
    for (n, kept) in [(10, 10), (11, 10)] {
        assert_eq!(read(results(n).as_bytes(), &LIMITS).authentication_results.len(), kept);
    }
    for (n, kept) in [(4000, 4000), (4001, 4000)] {
        let mail = read(format!("Authentication-Results: {}\n\nx", "m".repeat(n)).as_bytes(), &LIMITS);
        assert_eq!(mail.authentication_results[0].len(), kept);
    }
    for (n, kept) in [(ids::MESSAGE_ID_MAX_BYTES, true), (ids::MESSAGE_ID_MAX_BYTES + 1, false)] {
        let id = format!("{}@b.example", "i".repeat(n - 10));
        assert_eq!(
            read(format!("Message-ID: <{id}>\n\nx").as_bytes(), &LIMITS).message_id.is_some(),
            kept,
            "{n}"
        );
    }
    for (n, kept) in [(320, true), (321, false)] {
        let address = format!("{}@b.example", "a".repeat(n - 10));
        assert_eq!(read(format!("From: {address}\n\nx").as_bytes(), &LIMITS).from.is_some(), kept, "{n}");
    }
    for n in [200, 201, 5000] {
        let name = format!("{}.pdf", "n".repeat(n - 4));
        let raw = format!("Content-Type: application/pdf; name={name}\n\nx");
        let kept = &read(raw.as_bytes(), &LIMITS).attachments[0].name;
        assert!(kept.len() == 200 && kept.ends_with(".pdf"), "{n}: {}", kept.len());
    }
    for (size, read_too) in [(10 * 1024 * 1024, true), (10 * 1024 * 1024 + 1, false)] {
        let inner = "From: c@d.example\nSubject: inner\n\n";
        let inner = format!("{inner}{}", "x".repeat(size - inner.len()));
        let raw = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
        );
        assert_eq!(read(raw.as_bytes(), &LIMITS).attached.is_some(), read_too, "{size}");
    }
}

#[test]
fn of_too_many_references_the_root_and_the_newest_stay() {
    let limits = Limits { references_max: 3, ..LIMITS };
    let mail = read(b"References: <1@x> <2@x> <3@x> <4@x> <5@x>\n\nx", &limits);
    let kept: Vec<&str> = mail.references.iter().map(|id| id.as_str()).collect();
    assert_eq!(kept, ["1@x", "4@x", "5@x"]);
}

#[test]
fn the_content_key_is_blind_to_traces_and_sees_the_body() {
    let key = |raw: &str| read(raw.as_bytes(), &LIMITS).content_key;
    let first = key("Received: one\nMessage-ID: <a@b>\nSubject: x\n\nbody\n");
    assert_eq!(first, key("Received: two\nX-New: y\nMessage-ID: <a@b>\nSubject: x\n\nbody\r\n\r\n"));
    assert_ne!(first, key("Message-ID: <a@b>\nSubject: x\n\nother body\n"));
    assert_ne!(first, key("Message-ID: <c@b>\nSubject: x\n\nbody\n"));
    assert_eq!(key("From: a@b\nSubject: x\n\nbody"), key("Received: z\nFrom: a@b\nSubject: x\n\nbody"));
    assert_ne!(key("From: a@b\nSubject: x\n\nbody"), key("From: a@b\nSubject: y\n\nbody"));
}

#[test]
fn what_is_forwarded_is_shown_and_never_fresh() {
    let raw = b"Subject: Fwd: x\n\n-----Original Message-----\nFrom: a\n\n#close\n";
    let mail = read(raw, &LIMITS);
    assert_eq!(mail.fresh(), "");
    assert!(mail.visible().contains("#close"));
}

#[test]
fn an_enclosed_mail_is_shown_where_nothing_else_is() {
    let raw = "From: a@b.example\nSubject: Fw\nContent-Type: message/rfc822\n\nFrom: c@d.example\nSubject: inner\n\nthe inner text\n";
    let mail = read(raw.as_bytes(), &LIMITS);
    assert!(mail.visible().ends_with("the inner text") && mail.fresh().is_empty(), "{}", mail.visible());
}

#[test]
fn a_subject_that_was_folded_inside_a_word_is_whole() {
    assert_eq!(subject_of("Subject: =?utf-8?B?w6E=?=\r\n =?utf-8?B?w6k=?= x\r\n\r\n"), "áé x");
}

const PIECES: [&str; 24] = [
    "From: ",
    "To: ",
    "Subject: ",
    "Content-Type: ",
    "multipart/mixed; boundary=b",
    "message/rfc822",
    "text/html",
    "text/plain; charset=",
    "\n",
    "\r\n",
    "\n\n",
    "--b",
    "--b--",
    "=?utf-8?Q?=C3",
    "?=",
    "<a@b.example>",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename*0*=",
    "<blockquote>",
    "<div class=gmail_quote>",
    "On 20/11/2026 10:00, A wrote:",
    "> ",
    "Final-Recipient: rfc822; ",
    "message/delivery-status",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..600)) {
        hold(&raw);
    }

    #[test]
    fn any_mixture_of_mail_is_read(parts in proptest::collection::vec((0..PIECES.len(), "\\PC{0,8}"), 0..60)) {
        let raw: String = parts.iter().map(|(at, text)| format!("{}{text}", PIECES[*at])).collect();
        hold(raw.as_bytes());
    }
}
