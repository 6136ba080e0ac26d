//! The commands in an agent's fresh text. Nothing that is a command stays in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postdesk::desk::command::parse;

fuzz_target!(|fresh: &str| {
    let parsed = parse(fresh);
    assert!(parsed.text.len() <= fresh.len(), "parsing adds no text");
    let again = parse(&parsed.text);
    if parsed.faults.is_empty() {
        assert!(again.commands.is_empty(), "a command was left in the text: {:?}", again.commands);
    }
});
