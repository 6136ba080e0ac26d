//! How names and strings are written in commands: quoted, or as modified UTF-7 (RFC 3501 5.1.3) for folders. Pure.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Base64 with `,` for `/` and without padding.
fn engine() -> Option<GeneralPurpose> {
    let alphabet =
        alphabet::Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").ok()?;
    Some(GeneralPurpose::new(&alphabet, NO_PAD))
}

/// A quoted string; `None` where quoting cannot hold it (a literal is needed).
pub(super) fn quoted(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A folder's name, encoded and quoted.
pub(super) fn folder(name: &str) -> String {
    let encoded = encode_utf7(name);
    format!("\"{}\"", encoded.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The name as a server spells it. Only printable ASCII comes out.
pub(super) fn encode_utf7(name: &str) -> String {
    let (mut out, mut pending) = (String::new(), String::new());
    for c in name.chars() {
        match c {
            ' '..='~' => {
                flush(&mut out, &mut pending);
                out.push(c);
                if c == '&' {
                    out.push('-');
                }
            }
            c => pending.push(c),
        }
    }
    flush(&mut out, &mut pending);
    out
}

fn flush(out: &mut String, pending: &mut String) {
    if pending.is_empty() {
        return;
    }
    let bytes: Vec<u8> = pending.encode_utf16().flat_map(u16::to_be_bytes).collect();
    if let Some(engine) = engine() {
        out.push('&');
        out.push_str(&engine.encode(bytes));
        out.push('-');
    }
    pending.clear();
}

/// The name for people; what is not modified UTF-7 stays as it is (servers with UTF-8 names exist).
pub(super) fn decode_utf7(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let mut out = String::new();
    let mut rest = name.as_ref();
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((coded, next)) = after.split_once('-') else {
            out.push('&');
            rest = after;
            continue;
        };
        match decode_run(coded) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&format!("&{coded}-")),
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

fn decode_run(coded: &str) -> Option<String> {
    if coded.is_empty() {
        return Some("&".to_owned());
    }
    let bytes = engine()?.decode(coded).ok()?;
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok().map(u16::from_be_bytes))
        .collect();
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folder_names_of_all_languages() {
        for (name, spelt) in [
            ("INBOX", "INBOX"),
            ("Enviados & más", "Enviados &- m&AOE-s"),
            ("台北", "&U,BTFw-"),
            ("Lixeira/ação", "Lixeira/a&AOcA4w-o"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode_utf7(name), spelt);
            assert_eq!(decode_utf7(spelt.as_bytes()), name);
        }
        assert_eq!(decode_utf7(b"a & b"), "a & b");
        assert_eq!(decode_utf7(b"&!!-x"), "&!!-x");
        assert_eq!(quoted("pa\"ss\\"), Some("\"pa\\\"ss\\\\\"".to_owned()));
        assert_eq!(quoted("contraseña"), None);
        assert_eq!(quoted("a\r\nP2 LOGOUT"), None);
    }

    proptest! {
        #[test]
        fn a_name_survives_and_cannot_break_out(name in any::<String>()) {
            let spelt = encode_utf7(&name);
            prop_assert!(spelt.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(decode_utf7(spelt.as_bytes()), name);
        }
    }
}
