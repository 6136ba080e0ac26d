//! File names of attachments, made safe for every file system and header they may meet.
//!
//! Knows names; knows neither parts nor mails.

use crate::address::is_direction_mark;

/// Longest name given, in bytes; file systems take 255, a browser adds to it.
const NAME_MAX_BYTES: usize = 200;
/// Longest extension that is kept whole when a name is shortened.
const EXTENSION_MAX_BYTES: usize = 12;
/// Names that Windows gives to devices, with any extension.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A safe name made of `wanted`, or `fallback` when nothing of it remains.
pub(super) fn safe(wanted: &str, fallback: &str) -> String {
    let last =
        wanted.rsplit(['/', '\\']).find(|piece| !piece.trim_matches(['.', ' ']).is_empty()).unwrap_or("");
    let clean: String = last.chars().filter(|c| !is_direction_mark(*c)).map(plain).collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = words.trim_start_matches([' ', '.']).trim_end_matches([' ', '.']);
    if name.is_empty() {
        return fallback.to_owned();
    }
    let stem = name.split('.').next().unwrap_or("").trim_end().to_ascii_lowercase();
    if RESERVED.contains(&stem.as_str()) { shorten(&format!("_{name}")) } else { shorten(name) }
}

fn plain(c: char) -> char {
    match c {
        c if c.is_control() => ' ',
        '"' | '<' | '>' | '|' | '?' | '*' | ':' => '_',
        c => c,
    }
}

/// Cuts the middle out, so that the extension stays.
fn shorten(name: &str) -> String {
    if name.len() <= NAME_MAX_BYTES {
        return name.to_owned();
    }
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension)
        .filter(|extension| extension.len() <= EXTENSION_MAX_BYTES);
    let room = NAME_MAX_BYTES - extension.map_or(0, |extension| extension.len() + 1);
    let head = name.get(..name.floor_char_boundary(room)).unwrap_or("").trim_end_matches([' ', '.']);
    extension.map_or(head.to_owned(), |extension| format!("{head}.{extension}"))
}

/// The name for a part that brings none, by its media type.
pub(super) fn for_type(content_type: &str) -> &'static str {
    match content_type {
        "message/rfc822" | "message/global" => "message.eml",
        "message/delivery-status" | "message/global-delivery-status" => "delivery-status.txt",
        "message/disposition-notification" => "disposition-notification.txt",
        "message/feedback-report" => "feedback-report.txt",
        "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers" => "headers.txt",
        "text/calendar" | "application/ics" => "invite.ics",
        "text/vcard" | "text/x-vcard" => "contact.vcf",
        "text/plain" => "text.txt",
        "text/html" => "page.html",
        "text/csv" => "table.csv",
        "application/pgp-signature" => "signature.asc",
        "application/pgp-encrypted" => "version.txt",
        "application/pgp-keys" => "key.asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "smime.p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime.p7m",
        "application/ms-tnef" | "application/vnd.ms-tnef" => "winmail.dat",
        "application/pdf" => "document.pdf",
        "application/zip" => "archive.zip",
        "application/json" => "data.json",
        "image/png" => "image.png",
        "image/jpeg" | "image/jpg" => "image.jpg",
        "image/gif" => "image.gif",
        "image/webp" => "image.webp",
        "image/svg+xml" => "image.svg",
        "audio/mpeg" => "audio.mp3",
        "audio/ogg" => "audio.ogg",
        "video/mp4" => "video.mp4",
        _ => "attachment.bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_whatever_it_was() {
        for (wanted, name) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\a\\b.doc", "b.doc"),
            ("a\0b\r\nc.txt", "a b c.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1 .tar.gz", "_com1 .tar.gz"),
            ("...", "fallback.bin"),
            ("", "fallback.bin"),
            ("..", "fallback.bin"),
            (".bashrc", "bashrc"),
            ("a?b*c|d.txt", "a_b_c_d.txt"),
            ("name. ", "name"),
            ("año nuevo.pdf", "año nuevo.pdf"),
            ("dir/", "dir"),
        ] {
            assert_eq!(safe(wanted, "fallback.bin"), name, "{wanted:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let exact = format!("{}.pdf", "a".repeat(NAME_MAX_BYTES - 4));
        assert_eq!(safe(&exact, "x"), exact);
        for long in [format!("a{exact}"), format!("{}.pdf", "ñ".repeat(400)), "ñ".repeat(400)] {
            let name = safe(&long, "x");
            assert!(
                name.len() <= NAME_MAX_BYTES && name.ends_with(".pdf") == long.ends_with(".pdf"),
                "{name}"
            );
        }
    }
}
