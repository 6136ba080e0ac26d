//! `Authentication-Results`: any value, whoever wrote it. What another server wrote proves nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postdesk::mail::proof::{Authentication, authentication};
use postdesk::mail::{LIMITS, read};

fuzz_target!(|value: &[u8]| {
    for id in ["mx.desk.example; ", ""] {
        let mut raw = format!("Authentication-Results: {id}").into_bytes();
        raw.extend_from_slice(value);
        raw.extend_from_slice(b"\r\nFrom: <ana@desk.example>\r\nSubject: x\r\n\r\nx\r\n");
        let mail = read(&raw, &LIMITS);
        let _ = authentication(&mail, Some("mx.desk.example"));
        assert_eq!(authentication(&mail, None), Authentication::Unknown, "no id is configured, nothing is known");
    }
});
