//! Texts of the file into values: times, sizes, addresses, hosts, zones, tags. Pure; `None` for what is not one.
//!
//! Knows no key and no section.

use super::Reopen;
use super::fault::nearest;
use crate::address::Address;
use jiff::tz::TimeZone;
use std::net::IpAddr;

/// Longest text taken, in characters; nothing that people write here is longer.
const LINE_MAX_CHARS: usize = 1000;
/// Longest subject tag, in characters, with `{number}` in it.
const TAG_MAX_CHARS: usize = 60;

/// The stand-in for the ticket's number in a tag.
pub(super) const NUMBER: &str = "{number}";

/// A text of one line, trimmed, not empty.
pub(super) fn line(text: &str) -> Option<String> {
    let text = text.trim();
    let good = !text.is_empty() && text.chars().count() <= LINE_MAX_CHARS && !text.contains(char::is_control);
    good.then(|| text.to_owned())
}

/// A time: `30s`, `5m`, `12h`, `90d`, in seconds.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = number_and_unit(text)?;
    let secs: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    i64::try_from(number.checked_mul(secs)?).ok()
}

/// Seconds written as [`seconds`] reads them, in the largest unit that fits.
pub(super) fn seconds_shown(secs: i64) -> String {
    match secs {
        0 => "0s".to_owned(),
        _ if secs % 86400 == 0 => format!("{}d", secs / 86400),
        _ if secs % 3600 == 0 => format!("{}h", secs / 3600),
        _ if secs % 60 == 0 => format!("{}m", secs / 60),
        _ => format!("{secs}s"),
    }
}

/// A size: `50 MB`, `512 KiB`, in bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

/// `never`, `always`, or a time within which a reply reopens: `14d`.
pub(super) fn reopen(text: &str) -> Option<Reopen> {
    match text {
        "never" => Some(Reopen::Never),
        "always" => Some(Reopen::Always),
        within => seconds(within).filter(|secs| *secs > 0).map(Reopen::Within),
    }
}

/// An address that one can send to: the domain is one.
pub(super) fn address(text: &str) -> Option<Address> {
    Address::parse(text).filter(|address| address.as_str() == text.trim() && is_host(address.domain()))
}

/// A short name of a queue or mailbox: letters, digits, `-`, `_`; safe in a log, a ledger and a command line.
pub(super) fn is_short_name(text: &str) -> bool {
    !text.starts_with('-')
        && text.chars().count() <= 40
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// A host name (RFC 1123 2.1; other scripts as they are written) or an IP address, without port and without brackets.
pub(super) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().count() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label))
}

/// Whether what is said to `host` stays on this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    name || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A subject tag: `{number}` once, not beside a letter or digit (or numbers would run into it), and something round it
/// that a plain number in a subject does not have.
pub(super) fn is_tag(text: &str) -> bool {
    let Some((before, after)) = text.split_once(NUMBER) else { return false };
    let beside = before.chars().next_back().into_iter().chain(after.chars().next());
    !after.contains(NUMBER)
        && text.chars().count() <= TAG_MAX_CHARS
        && beside.clone().all(|c| !c.is_alphanumeric())
        && before.chars().chain(after.chars()).any(|c| !c.is_whitespace())
        && before.chars().chain(after.chars()).all(|c| !c.is_control())
}

/// What stands before `/t/853142` in links: `https://soporte.example.org`, without a slash at its end.
pub(super) fn base_url(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host_and_port = rest.split('/').next()?;
    let good = !host_and_port.is_empty()
        && !host_and_port.starts_with(':')
        && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || "?#@\"<>\\".contains(c));
    good.then(|| text.to_owned())
}

/// A time zone of the IANA database, by its name.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// The zone that `name` was most likely meant to be: a slip of the pen, or the city alone.
pub(super) fn zone_hint(name: &str) -> String {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    let city = |zone: &&String| zone.rsplit('/').next().is_some_and(|city| alike(city, name));
    let near = zones.iter().find(city).map(String::as_str);
    match near.or_else(|| nearest(name, zones.iter().map(String::as_str))) {
        Some(zone) => format!(" (did you mean {zone:?}?)"),
        None => String::new(),
    }
}

/// The same but for case, and `_` for a space.
fn alike(city: &str, name: &str) -> bool {
    city.replace('_', " ").eq_ignore_ascii_case(&name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_want_a_unit() {
        let times = [("30s", 30), ("5m", 300), ("12 h", 43200), ("90d", 7_776_000), ("0s", 0)];
        assert!(times.iter().all(|(text, secs)| seconds(text) == Some(*secs)));
        assert!(
            ["", "30", "s", "-1s", "1.5h", "1w", "30S", "99999999999999999999d"]
                .iter()
                .all(|t| seconds(t).is_none())
        );
        assert!(times.iter().all(|(_, secs)| seconds(&seconds_shown(*secs)) == Some(*secs)));
        assert_eq!(bytes("50 MB"), Some(50_000_000));
        assert_eq!(bytes("1KiB"), Some(1024));
        assert!(["50", "50 mb", "MB", "18446744073709551615 GB"].iter().all(|t| bytes(t).is_none()));
    }

    #[test]
    fn a_reply_reopens_never_always_or_within() {
        assert_eq!(reopen("14d"), Some(Reopen::Within(14 * 86400)));
        assert_eq!((reopen("never"), reopen("always")), (Some(Reopen::Never), Some(Reopen::Always)));
        assert_eq!((reopen("0d"), reopen("sometimes")), (None, None));
    }

    #[test]
    fn a_tag_holds_the_number_once_and_stands_out() {
        assert!(
            ["[#{number}]", "(Case {number})", "#{number}", "[Ñandú #{number}]"].iter().all(|t| is_tag(t))
        );
        let bad = [
            "",
            "{number}",
            " {number} ",
            "[#]",
            "[{number}{number}]",
            "T{number}",
            "[#{number}0]",
            "[#{number}\n]",
        ];
        assert!(bad.iter().all(|t| !is_tag(t)), "{bad:?}");
    }

    #[test]
    fn hosts_urls_and_zones() {
        assert!(
            ["mail.example.org", "127.0.0.1", "::1", "localhost", "correo.ñandú.example"]
                .iter()
                .all(|h| is_host(h))
        );
        assert!(["", "a b", "imap://x", "x:993", "[::1]", "u@x", ".x", "-a"].iter().all(|h| !is_host(h)));
        assert!(is_loopback("localhost") && is_loopback("127.0.0.2") && is_loopback("::1"));
        assert!(!is_loopback("localhost.example.org") && !is_loopback("10.0.0.1"));
        assert_eq!(base_url("https://x.example/desk/").as_deref(), Some("https://x.example/desk"));
        assert!(
            ["x.example", "https://", "ftp://x", "https://u@x", "https://x?y"]
                .iter()
                .all(|u| base_url(u).is_none())
        );
        assert!(time_zone("America/Mexico_City").is_some() && time_zone("Mexico").is_none());
        assert_eq!(zone_hint("Madrid"), " (did you mean \"Europe/Madrid\"?)");
        assert_eq!(zone_hint("Europe/Madird"), " (did you mean \"Europe/Madrid\"?)");
    }
}
