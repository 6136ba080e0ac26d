//! A mail's bytes as SMTP wants them. Pure.

/// The bytes with CR LF at each line end (RFC 5321 2.3.8 knows no other) and without the last line end, which lettre
/// adds. Dots are stuffed by lettre.
pub(super) fn canonical(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().saturating_add(bytes.len() / 32));
    let mut after_cr = false;
    for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let (end, text) = match piece.split_last() {
            Some((end @ (b'\n' | b'\r'), text)) => (*end, text),
            _ => (0, piece),
        };
        // The second half of a CR LF.
        if end == b'\n' && text.is_empty() && std::mem::take(&mut after_cr) {
            continue;
        }
        out.extend_from_slice(text);
        if end != 0 {
            out.extend_from_slice(b"\r\n");
        }
        after_cr = end == b'\r';
    }
    if out.ends_with(b"\r\n") {
        out.truncate(out.len().saturating_sub(2));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_line_end_becomes_crlf() {
        for (raw, want) in [
            (&b"a\r\nb\r\n"[..], &b"a\r\nb"[..]),
            (b"a\nb\n", b"a\r\nb"),
            (b"a\rb\r", b"a\r\nb"),
            (b"a\r\n\r\nb", b"a\r\n\r\nb"),
            (b"a\n\nb", b"a\r\n\r\nb"),
            (b"a\r\r\nb", b"a\r\n\r\nb"),
            (b"a\n\r\nb\n\n", b"a\r\n\r\nb\r\n"),
            (b"", b""),
            (b"\n", b""),
        ] {
            assert_eq!(canonical(raw), want, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_canonical_stays(raw in "[ab.\r\n]{0,40}") {
            let once = canonical(raw.as_bytes());
            let mut whole = once.clone();
            whole.extend_from_slice(b"\r\n");
            prop_assert_eq!(canonical(&whole), once);
        }
    }
}
