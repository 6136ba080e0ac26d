//! `postdesk demo --once`, the built program as a viewer starts it.

use assert_cmd::Command;

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdesk"));
    command.args(["demo", "--once"]).timeout(std::time::Duration::from_secs(60));
    command
}

#[test]
fn the_demo_plays_its_story_and_all_is_well() {
    let output = demo().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "María Quispe <maria@cliente.example> → soporte@andina.example",
        "Attachment: pantalla.pdf",
        "Auto-Submitted: auto-replied",
        "Ana García (Soporte) <soporte@andina.example> → maria@cliente.example",
        "No hay ninguna orden #cerar. ¿Quiso decir #cerrar?",
        "ok    the note reaches Ana and nobody else",
        "ok    the ticket is closed",
        "ok    the robot gets no answer",
        "ok    he gets a number of his own and learns nothing",
        "ok    every promise that a query can check holds",
        "number page  http://127.0.0.1:",
        "signed link  http://127.0.0.1:",
        "All is well.",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("WRONG"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours but on a terminal");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_demo_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    demo().env("TMPDIR", place.path()).assert().success();
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}
