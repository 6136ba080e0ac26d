//! Delivery reports: the machine's part (RFC 3464), the words for people, and whole reports as they come.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postdesk::mail::{LIMITS, read, report};

fuzz_target!(|data: &[u8]| {
    look(data);
    let half = data.len() / 2;
    let (words, fields) = data.split_at(half);
    let head = b"From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n";
    look(&[head, words, b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n", fields, b"\r\n--b--\r\n"].concat());
    let head = b"From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\nContent-Type: text/plain\r\n\r\n";
    look(&[head, data].concat());
});

fn look(raw: &[u8]) {
    let mail = read(raw, &LIMITS);
    let _ = report(&mail, raw);
}
