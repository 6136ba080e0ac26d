use super::grammar::GRAMMAR;
use super::*;

fn commands(text: &str) -> Vec<Command> {
    let parsed = parse(text);
    assert_eq!(parsed.faults, [], "{text:?}");
    parsed.commands
}

#[test]
fn commands_stand_at_the_top_and_at_the_bottom_in_three_languages() {
    let parsed = parse("#tomar\n\nHola, ya está.\n\n#prioridad alta\n  #fechar  \n");
    assert_eq!(
        parsed.commands,
        [Command::Assign(Assignee::Me), Command::Priority(Priority::High), Command::Close]
    );
    assert_eq!(parsed.text, "Hola, ya está.");
    assert_eq!(parsed.faults, []);
}

#[test]
fn every_word_of_the_grammar_is_one_command_only() {
    let mut seen = std::collections::BTreeMap::new();
    for (index, entry) in GRAMMAR.iter().enumerate() {
        for word in entry.words {
            assert_eq!(*seen.entry(*word).or_insert(index), index, "{word}");
        }
    }
}

#[test]
fn arguments_are_read_as_clients_mangle_them() {
    let ana = Address::parse("ana@x.example").unwrap();
    for text in
        ["#assign ana@x.example", "#assign: <ana@x.example>", "#Assign ana@x.example <mailto:ana@x.example>"]
    {
        assert_eq!(commands(text), [Command::Assign(Assignee::Agent(ana.clone()))], "{text}");
    }
    for text in ["#assign Ana García", "#asignar a Ana García.", "#atribuir @Ana  García"] {
        let [Command::Assign(Assignee::Named(name))] = &*commands(text) else { panic!("{text}") };
        assert_eq!(name.split_whitespace().collect::<Vec<_>>(), ["Ana", "García"], "{text}");
    }
    let date = jiff::civil::date(2026, 12, 24);
    for text in ["#pending until 2026-12-24", "#pendiente hasta el 24/12/2026", "#pendente até 24.12.2026"] {
        assert_eq!(commands(text), [Command::Pending(Some(When::Date(date)))], "{text}");
    }
    assert_eq!(commands("#pending 2w"), [Command::Pending(Some(When::Hours(336)))]);
    assert_eq!(commands("#merge [#853142]"), [Command::Merge(853_142)]);
    assert_eq!(commands("#cc a@b.example, c@d.example").len(), 1);
}

#[test]
fn a_wrong_word_is_a_fault_with_the_nearest_one() {
    assert_eq!(parse("#clsoe").faults, [Fault::Unknown { word: "clsoe".into(), near: Some("close") }]);
    assert_eq!(parse("#xyzzy\nhola").faults, [Fault::Unknown { word: "xyzzy".into(), near: None }]);
    assert!(matches!(parse("#assign @@").faults.as_slice(), [Fault::Argument { .. }]));
    assert!(matches!(parse("#close now please").faults.as_slice(), [Fault::Argument { .. }]));
}

#[test]
fn every_example_is_read_as_the_command_that_it_explains() {
    for entry in GRAMMAR {
        let Takes::Perhaps(_, examples) = entry.takes else { continue };
        for (example, word) in examples.iter().zip(entry.words) {
            assert_eq!(example.trim_start_matches('#').split(' ').next(), Some(*word), "in its language");
            assert_eq!(commands(example).len(), 1, "{example}");
        }
    }
}

#[test]
fn a_line_in_the_middle_that_looks_like_a_command_is_a_fault() {
    let parsed = parse("Hola\n#close\nadiós");
    assert_eq!(parsed.faults, [Fault::Middle { word: "close".into() }]);
}

#[test]
fn numbers_and_headings_are_text() {
    let parsed = parse("#853142 is the ticket\n# Title\ntext");
    assert_eq!(parsed.commands, []);
    assert_eq!(parsed.faults, []);
    assert_eq!(parsed.text, "#853142 is the ticket\n# Title\ntext");
}

#[test]
fn no_text_makes_it_panic_and_no_command_line_stays_in_the_text() {
    for text in
        ["", "#", "##", "#é", "#nota\u{a0}", "\u{feff}#close", "#pending until", "#cc ,,,", "#priority"]
    {
        let parsed = parse(text);
        assert!(parsed.text.lines().all(|line| command_word(line).is_none()), "{text:?}");
    }
    assert_eq!(parse(&"#close\n".repeat(COMMANDS_MAX + 1)).faults, [Fault::TooMany]);
}

#[test]
fn a_command_in_the_quotation_marks_of_the_desks_own_words_is_one() {
    for line in [
        "“#note”",
        "«#nota»",
        "\"#note\"",
        "'#nota'",
        "‘#note’",
        "„#note“",
        "(#nota)",
        "[#note]",
        "* “#note”",
        "##note",
        "#\u{fe0f}\u{20e3}note",
        "\u{fe5f}nota",
    ] {
        assert_eq!(commands(&format!("{line}\n\ntext")), [Command::Note], "{line}");
    }
    assert_eq!(commands("“#merge 853142”"), [Command::Merge(853_142)]);
    assert_eq!(parse("“Great” is #good\n(a) text\n# 1\n## Title\n[see #note\n#853142 is #closed").faults, []);
}

#[test]
fn what_stands_beside_a_command_on_its_line_is_a_fault_and_never_text() {
    for line in [
        "1. #note",
        "2) #nota",
        "→ #note",
        "§ #nota",
        "| #close",
        "> # close",
        "[Logo]#note",
        "[a [b]] #nota",
        "[#853142] #nota",
        "#853142 #note",
        "(#853142): ##cerrar",
        "12:30 #nota",
    ] {
        let parsed = parse(&format!("{line}\n\ntext"));
        assert!(matches!(parsed.faults.as_slice(), [Fault::Behind { .. }]), "{line}: {parsed:?}");
        assert_eq!(parsed.text, "text", "{line}");
    }
    assert!(matches!(parse("Hola\n→ #note\nadiós").faults.as_slice(), [Fault::Middle { .. }]));
    for line in ["#tag factura #note", "#subject Otra cosa #nota", "#take #close", "#cc a@b.example, #note"] {
        assert!(matches!(parse(line).faults.as_slice(), [Fault::Second { .. }]), "{line}");
    }
    assert_eq!(commands("#search #note"), [Command::Search("#note".into())]);
    assert_eq!(commands("#tag #invoice").len(), 1);
}

#[test]
fn a_line_that_a_program_wrapped_is_no_text() {
    let long = "#subject La impresora del segundo piso del edificio de la calle Mayor no";
    for (text, is_fault) in [
        (format!("{long}\nimprime desde ayer\n\nHola."), true),
        (format!("{long}\n\nHola."), false),
        ("#cc a-rather-long-name@client.example, another-long-name@client.example,\nthird@client.example\n\nHola.".to_owned(), true),
        ("#subject Impresora\nHola María, ya está.".to_owned(), false),
        (format!("Hola.\n\n{long}\nimprime"), true),
    ] {
        let parsed = parse(&text);
        assert_eq!(!parsed.faults.is_empty(), is_fault, "{text}: {parsed:?}");
    }
}

#[test]
fn what_a_command_would_pass_over_is_a_fault() {
    for line in [
        "#assign a@b.example c@d.example",
        "#requester a@b.example please",
        "#snooze until 2027-12-24 15:00",
        "#snooze 2027-12-24T15:00",
        "#snooze 24/12/2027.x",
        "#snooze 24/12/2027 15:00",
    ] {
        assert!(matches!(parse(line).faults.as_slice(), [Fault::Argument { .. }]), "{line}");
    }
    assert_eq!(commands("#snooze hasta el 24/12/2027.").len(), 1);
}
