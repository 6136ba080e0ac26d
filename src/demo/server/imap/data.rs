//! Parts of a mail as FETCH and SEARCH want them: header lines, text, a rough ENVELOPE. Pure; no MIME: a mail is shown
//! as one part, which readers that fetch whole mails do not mind.

/// The position behind the header's blank line.
fn split(raw: &[u8]) -> usize {
    let mut start = 0_usize;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        start = start.saturating_add(line.len());
        if matches!(line, b"\n" | b"\r\n") {
            return start;
        }
    }
    raw.len()
}

/// The header with its blank line.
pub(super) fn head_of(raw: &[u8]) -> &[u8] {
    raw.get(..split(raw)).unwrap_or(raw)
}

/// What follows the header.
pub(super) fn text_of(raw: &[u8]) -> &[u8] {
    raw.get(split(raw)..).unwrap_or_default()
}

/// The header's fields, each with its folded lines.
fn fields(raw: &[u8]) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in head_of(raw).split_inclusive(|byte| *byte == b'\n') {
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some(field)) => field.extend_from_slice(line),
            (Some(b'\r' | b'\n') | None, _) => {}
            _ => fields.push(line.to_vec()),
        }
    }
    fields
}

fn name_of(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii()
}

/// The fields of these names (or, with `others`, all but these) and a blank line.
pub(super) fn chosen(raw: &[u8], names: &[Vec<u8>], others: bool) -> Vec<u8> {
    let named = |field: &Vec<u8>| names.iter().any(|name| name_of(field).eq_ignore_ascii_case(name));
    let mut out: Vec<u8> = fields(raw).into_iter().filter(|field| named(field) != others).flatten().collect();
    out.extend_from_slice(b"\r\n");
    out
}

/// The value of the first field of this name, unfolded.
pub(super) fn header(raw: &[u8], name: &str) -> Option<String> {
    let field = fields(raw).into_iter().find(|field| name_of(field).eq_ignore_ascii_case(name.as_bytes()))?;
    let value = String::from_utf8_lossy(&field).split_once(':')?.1.replace(['\r', '\n'], "");
    Some(value.trim().to_owned())
}

/// A string or NIL, quoted or as a literal.
fn string(text: Option<&str>) -> String {
    match text {
        None => "NIL".to_owned(),
        Some(text) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Some(text) => format!("{{{}}}\r\n{text}", text.len()),
    }
}

/// `Name <local@domain>` as ENVELOPE has it.
fn addresses(value: Option<&str>) -> String {
    let Some(value) = value else { return "NIL".to_owned() };
    let list: String = value
        .split(',')
        .filter_map(|one| {
            let (name, address) = match one.split_once('<') {
                Some((name, rest)) => {
                    (Some(name.trim().trim_matches('"')), rest.trim_end().trim_end_matches('>'))
                }
                None => (None, one.trim()),
            };
            let (local, domain) = address.split_once('@')?;
            let name = name.filter(|name| !name.is_empty());
            Some(format!("({} NIL {} {})", string(name), string(Some(local)), string(Some(domain))))
        })
        .collect();
    if list.is_empty() { "NIL".to_owned() } else { format!("({list})") }
}

/// RFC 3501 7.4.2, roughly.
pub(super) fn envelope(raw: &[u8]) -> String {
    let value = |name: &str| header(raw, name);
    let people = |name: &str| addresses(value(name).as_deref());
    let or_from = |name: &str| addresses(value(name).or_else(|| value("From")).as_deref());
    format!(
        "({} {} {} {} {} {} {} {} {} {})",
        string(value("Date").as_deref()),
        string(value("Subject").as_deref()),
        people("From"),
        or_from("Sender"),
        or_from("Reply-To"),
        people("To"),
        people("Cc"),
        people("Bcc"),
        string(value("In-Reply-To").as_deref()),
        string(value("Message-ID").as_deref()),
    )
}

/// The mail as one part of plain text.
pub(super) fn structure(raw: &[u8]) -> String {
    let text = text_of(raw);
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    format!("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"8BIT\" {} {lines})", text.len())
}

/// The day of a time, as `2026-11-20`, UTC.
pub(super) fn day(secs: i64) -> String {
    time(secs, "%Y-%m-%d")
}

/// RFC 3501's date-time.
pub(super) fn internal_date(secs: i64) -> String {
    time(secs, "%d-%b-%Y %H:%M:%S +0000")
}

fn time(secs: i64, form: &str) -> String {
    let time = jiff::Timestamp::from_second(secs).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] =
        b"From: Ana <ana@example.org>\r\nSubject: una\r\n l\xc3\xadnea\r\nX-A: b\r\n\r\nHola\r\n";

    #[test]
    fn header_and_text() {
        assert_eq!(header(MAIL, "subject").as_deref(), Some("una línea"));
        assert_eq!(text_of(MAIL), b"Hola\r\n");
        assert_eq!(chosen(MAIL, &[b"x-a".to_vec()], false), b"X-A: b\r\n\r\n");
        assert_eq!(text_of(b"no blank line"), b"");
        assert!(envelope(MAIL).contains("((\"Ana\" NIL \"ana\" \"example.org\"))"));
        assert_eq!(internal_date(0), "01-Jan-1970 00:00:00 +0000");
    }
}
