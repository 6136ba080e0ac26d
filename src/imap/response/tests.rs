use super::*;
use proptest::prelude::*;

fn of(line: &str, literals: &[&str]) -> Response {
    let literals = literals.iter().map(|text| text.as_bytes().to_vec()).collect();
    parse(Frame { line: line.as_bytes().to_vec(), literals })
}

fn fetched(line: &str, literals: &[&str]) -> Fetched {
    match of(line, literals) {
        Response::Fetch(fetched) => fetched,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_mail_is_found_wherever_its_uid_stands_and_however_it_is_written() {
    for (line, literals) in [
        ("* 1 FETCH (UID 7 BODY[] {2})", &["ab"][..]),
        ("* 1 FETCH (BODY[] {2} UID 7)", &["ab"]),
        ("* 1 FETCH (FLAGS (\\Seen {1} (deep (er))) BODY[]<0> {2} UID 7)", &["x", "ab"]),
        ("*  1  fetch  ( uid  7  body[] \"ab\" )", &[]),
        ("* 1 FETCH (ENVELOPE (\"a)b\\\"\" NIL) UID 7 RFC822 {2} X-GM-MSGID 17)", &["ab"]),
        ("* 1 FETCH (UID 7 BODY[HEADER.FIELDS (SUBJECT)] {3} BODY[] ~{2})", &["x:y", "ab"]),
    ] {
        let found = fetched(line, literals);
        assert_eq!((found.uid, found.body.as_deref()), (Some(7), Some(&b"ab"[..])), "{line}");
    }
    assert_eq!(fetched("* 2 FETCH (RFC822.SIZE 5000000000 UID 3)", &[]).size, Some(5_000_000_000));
    assert_eq!(fetched("* 2 FETCH ()", &[]), Fetched::default());
    assert_eq!(fetched("* 2 FETCH (UID 3 BODY[] NIL)", &[]).body, None);
}

#[test]
fn a_mail_that_cannot_be_read_is_never_nothing() {
    for line in [
        "* 1 FETCH",
        "* 1 FETCH (UID 7 BODY[] {2}",
        "* 1 FETCH (UID seven)",
        "* 1 FETCH (BODY[ {2})",
        "* 1 FETCH UID 7",
        "* 1 FETCH (UID 99999999999)",
    ] {
        assert_eq!(of(line, &[]), Response::Garbled, "{line}");
    }
}

#[test]
fn lines_of_odd_but_real_servers_pass() {
    for line in
        ["* XFOO", "* NOOP", "* STATUS INBOX (SIZE 12)", "* ESEARCH (TAG \"a\") UID ALL 1:3", "*", "* "]
    {
        assert_eq!(of(line, &[]), Response::Other, "{line}");
    }
    for line in ["", "hello", "P1", "P1 YES", "é P1 OK"] {
        assert_eq!(of(line, &[]), Response::Stray, "{line}");
    }
}

#[test]
fn a_code_is_taken_apart_and_a_sentence_is_shortened() {
    let Response::Status { status: Status::Ok, text } = of("* OK [UIDNEXT 5]é", &[]) else { panic!() };
    assert_eq!((text.code.as_str(), text.arguments.as_str(), text.text.as_str()), ("UIDNEXT", "5", "é"));
    let Response::Status { text, .. } = of(&format!("* NO {}", "é\u{1b}".repeat(1000)), &[]) else {
        panic!()
    };
    assert!(text.text.len() <= 300 && !text.text.contains('\u{1b}'));
    let Response::Status { text, .. } = of("* OK [weird", &[]) else { panic!() };
    assert_eq!((text.code.as_str(), text.text.as_str()), ("", "[weird"));
    assert!(matches!(of("* OK", &[]), Response::Status { status: Status::Ok, .. }));
    assert!(matches!(of("P7 NO", &[]), Response::Tagged { status: Status::No, .. }));
}

#[test]
fn folders_and_namespaces() {
    let list =
        |separator, name: &str| Response::List { flags: vec![], separator, name: name.as_bytes().to_vec() };
    assert_eq!(of("* LIST () \".\" INBOX.Sent", &[]), list(Some('.'), "INBOX.Sent"));
    assert_eq!(of("* LIST () NIL {3}", &["a b"]), list(None, "a b"));
    assert_eq!(of("* LIST () \"/\" \"a \\\"b\\\\\"", &[]), list(Some('/'), "a \"b\\"));
    let personal = Response::Namespace { prefix: b"INBOX.".to_vec(), separator: Some('.') };
    assert_eq!(of("* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"#x\" \".\"))", &[]), personal);
    assert_eq!(of("* NAMESPACE NIL NIL NIL", &[]), Response::Other);
    assert_eq!(of("* SEARCH 1 2 (MODSEQ 9)", &[]), Response::Search(vec![1, 2]));
    assert_eq!(of("* SEARCH", &[]), Response::Search(vec![]));
}

#[test]
fn deep_nesting_costs_no_stack() {
    let line = format!("* 1 FETCH (BODYSTRUCTURE {}{} UID 7)", "(".repeat(200_000), ")".repeat(200_000));
    assert_eq!(fetched(&line, &[]).uid, Some(7));
}

proptest! {
    #[test]
    fn any_bytes_give_a_response(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse(Frame { line, literals: vec![] });
    }

    #[test]
    fn any_fetch_gives_a_response(rest in "[ ()\\[\\]{}\"\\\\~<>0-9A-Z]{0,80}") {
        parse(Frame { line: format!("* 1 FETCH {rest}").into_bytes(), literals: vec![b"x".to_vec()] });
    }
}
