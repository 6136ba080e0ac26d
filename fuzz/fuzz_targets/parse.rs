//! Any bytes are a mail: reading, the report, and every attachment it names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postdesk::mail::{LIMITS, attachment_bytes, read, report};

fuzz_target!(|raw: &[u8]| {
    let mail = read(raw, &LIMITS);
    let _ = report(&mail, raw);
    let _ = (mail.fresh(), mail.visible(), mail.points_at().count());
    for attachment in &mail.attachments {
        let _ = attachment_bytes(raw, &LIMITS, attachment.part);
    }
    assert!(mail.text().len() <= LIMITS.text_max_bytes + 1024, "the bound of text holds");
    assert!(mail.subject.chars().count() <= LIMITS.subject_max_chars + 1, "the bound of subjects holds");
    assert!(!mail.subject.chars().any(char::is_control), "no line break leaves a subject");
    if let Some(from) = &mail.from {
        assert!(!from.name.chars().any(char::is_control), "no line break leaves a name");
    }
});
