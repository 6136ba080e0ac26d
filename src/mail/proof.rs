//! Proof of who sent a mail: `Authentication-Results` (RFC 8601) of a server that is trusted, and only the topmost.

use super::Mail;

/// What the trusted server found about the From address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum Authentication {
    /// DMARC passed, or DKIM or SPF passed for the domain of From.
    Pass(String),
    /// The trusted server did check, and it did not pass.
    Fail(String),
    /// No trusted header: nothing is known.
    Unknown,
}

/// Reads the topmost `Authentication-Results` header and nothing below it, which may be forged (RFC 8601 5), when its
/// authserv-id is `authserv_id`; without a configured id, nothing is known.
pub fn authentication(mail: &Mail, authserv_id: Option<&str>) -> Authentication {
    let (Some(wanted), Some(top), Some(from)) =
        (authserv_id, mail.authentication_results.first(), &mail.from)
    else {
        return Authentication::Unknown;
    };
    if mail.from_many {
        return Authentication::Fail("more than one From address".to_owned());
    }
    let Some(results) = parse_results(top, wanted) else { return Authentication::Unknown };
    judge(&results, from.address.domain())
}

/// Whether somebody else may have brought this mail here though it passed: where none of `fields`, in which the desk's
/// address stands, is covered by a signature that may have been what passed. Whoever has a mail of an agent's could then
/// write the desk's address into it. All signatures of the From domain count, for whoever does so can leave some out or
/// add bad ones. A pass of SPF says that the mail came from the domain's own server; a mail without a signature cannot
/// have passed otherwise.
pub fn may_be_readdressed(mail: &Mail, authserv_id: Option<&str>, fields: &[&str]) -> bool {
    let Some(domain) = mail.from.as_ref().map(|from| from.address.domain()) else { return true };
    let results = mail.authentication_results.first().zip(authserv_id);
    let results = results.and_then(|(top, wanted)| parse_results(top, wanted)).unwrap_or_default();
    let came_straight = results.iter().any(|r| r.method == "spf" && r.result == "pass" && proves(r, domain));
    let mut signatures = mail.signatures.iter().filter(|signature| signature.may_speak_for(domain));
    !came_straight && signatures.any(|signature| !fields.iter().any(|field| signature.covers(field)))
}

/// One method's result with its properties (`header.from=example.org`).
struct MethodResult {
    method: String,
    result: String,
    properties: Vec<(String, String)>,
}

impl MethodResult {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Splits a header's value; `None` when it was not written by `wanted`.
fn parse_results(value: &str, wanted: &str) -> Option<Vec<MethodResult>> {
    let plain = without_comments(value);
    let mut fields = plain.split(';');
    let authserv_id = fields.next()?.split_whitespace().next()?.to_ascii_lowercase();
    if authserv_id != wanted.to_ascii_lowercase() {
        return None;
    }
    Some(fields.filter_map(parse_method).collect())
}

fn parse_method(field: &str) -> Option<MethodResult> {
    let tight = field.replace(" =", "=").replace("= ", "=");
    let mut words = tight.split_whitespace();
    let (method, result) = words.next()?.split_once('=')?;
    let method = method.split('/').next().unwrap_or(method).to_ascii_lowercase();
    let properties = words
        .filter_map(|word| word.split_once('='))
        .map(|(key, value)| (key.to_ascii_lowercase(), value.trim_matches('"').to_ascii_lowercase()))
        .collect();
    Some(MethodResult { method, result: result.to_ascii_lowercase(), properties })
}

/// The value without RFC 5322 comments, which may nest and may hold anything; quoted strings lose their semicolons so
/// that a local part cannot smuggle in a method.
fn without_comments(value: &str) -> String {
    let (mut plain, mut depth, mut quoted, mut escaped) = (String::new(), 0_u32, false, false);
    for c in value.chars() {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if !was_escaped && (quoted || depth > 0) => escaped = true,
            '"' if depth == 0 && !was_escaped => quoted = !quoted,
            '(' if !quoted && !was_escaped => depth = depth.saturating_add(1),
            ')' if !quoted && !was_escaped && depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ';' | '=' | ' ' | '\t' if quoted => plain.push('_'),
            _ => plain.push(c),
        }
    }
    plain
}

/// DMARC decides where it was run; else an aligned DKIM or SPF pass does (relaxed alignment needs the public suffix
/// list, so ours is strict: same domain, or a subdomain of the From domain).
fn judge(results: &[MethodResult], domain: &str) -> Authentication {
    let dmarc: Vec<&MethodResult> = results.iter().filter(|r| r.method == "dmarc").collect();
    if let Some(result) = dmarc.first() {
        let aligned = result.property("header.from").is_none_or(|from| from.trim_end_matches('.') == domain);
        let passed = dmarc.len() == 1 && result.result == "pass" && aligned;
        let said = format!("dmarc={}", result.result);
        return if passed { Authentication::Pass(said) } else { Authentication::Fail(said) };
    }
    let passed = results.iter().filter(|r| r.result == "pass").find(|r| proves(r, domain));
    match (passed, results.is_empty()) {
        (Some(result), _) => Authentication::Pass(format!("{}=pass for {domain}", result.method)),
        (None, true) => Authentication::Unknown,
        (None, false) => Authentication::Fail(format!("no result passed for {domain}")),
    }
}

fn proves(result: &MethodResult, domain: &str) -> bool {
    let signer = match result.method.as_str() {
        "dkim" => result.property("header.d").or_else(|| result.property("header.i").map(after_at)),
        "spf" => result.property("smtp.mailfrom").map(after_at),
        _ => None,
    };
    signer.is_some_and(|signer| {
        signer == domain || signer.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'))
    })
}

fn after_at(value: &str) -> &str {
    value.rsplit_once('@').map_or(value, |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "mx.desk.example";

    fn found(headers: &str) -> Authentication {
        let raw = format!("{headers}\nSubject: x\n\ntext\n");
        authentication(&super::super::read(raw.as_bytes(), &super::super::LIMITS), Some(ID))
    }

    fn of(results: &str) -> Authentication {
        found(&format!("Authentication-Results: {results}\nFrom: Ana <ana@cliente.example>"))
    }

    #[test]
    fn a_pass_of_dmarc_or_of_an_aligned_method_proves() {
        for results in [
            "mx.desk.example; dmarc=pass header.from=cliente.example",
            "MX.desk.example; dmarc=pass (p=reject) header.from=CLIENTE.example",
            "mx.desk.example 1; spf=fail smtp.mailfrom=x; dkim=fail; dmarc=pass header.from=cliente.example",
            "mx.desk.example; dkim=pass header.d=cliente.example",
            "mx.desk.example; dkim=pass header.i=@cliente.example",
            "mx.desk.example; dkim=pass (2048-bit key) header.d=mail.cliente.example header.s=a",
            "mx.desk.example; spf=pass smtp.mailfrom=bounce@cliente.example",
            "mx.desk.example;\n\tdkim/1 = pass header.d=\"cliente.example\"",
        ] {
            assert!(matches!(of(results), Authentication::Pass(_)), "{results}: {:?}", of(results));
        }
    }

    #[test]
    fn what_did_not_pass_or_is_of_another_domain_fails() {
        for results in [
            "mx.desk.example; dmarc=fail header.from=cliente.example; dkim=pass header.d=cliente.example",
            "mx.desk.example; dmarc=pass header.from=other.example",
            "mx.desk.example; dmarc=pass header.from=cliente.example; dmarc=fail header.from=cliente.example",
            "mx.desk.example; dkim=pass header.d=other.example",
            "mx.desk.example; dkim=pass header.d=example",
            "mx.desk.example; dkim=pass header.d=evilcliente.example",
            "mx.desk.example; spf=pass smtp.helo=cliente.example",
            "mx.desk.example; spf=softfail smtp.mailfrom=cliente.example",
            "mx.desk.example; dkim=fail (dmarc=pass header.from=cliente.example)",
            "mx.desk.example; spf=fail smtp.mailfrom=\"x; dmarc=pass header.from=cliente.example\"@other.example",
            "mx.desk.example; dkim=fail reason=\"a; dkim=pass header.d=cliente.example\"",
            "mx.desk.example; spf=fail (a \\) ; dkim=pass header.d=cliente.example",
            "mx.desk.example; spf=fail (a (b) ; dkim=pass header.d=cliente.example",
        ] {
            assert!(matches!(of(results), Authentication::Fail(_)), "{results}: {:?}", of(results));
        }
    }

    #[test]
    fn what_another_server_says_is_unknown() {
        for results in [
            "mx.evil.example; dmarc=pass header.from=cliente.example",
            "mx.desk.example.evil.example; dmarc=pass header.from=cliente.example",
            "(mx.desk.example) evil; dmarc=pass header.from=cliente.example",
            "mx.desk.example; none",
            "mx.desk.example",
            "",
        ] {
            assert_eq!(of(results), Authentication::Unknown, "{results}");
        }
        assert_eq!(found("From: ana@cliente.example"), Authentication::Unknown);
    }

    fn readdressed(results: &str, signatures: &[&str]) -> bool {
        let signatures: String = signatures.iter().map(|tags| format!("DKIM-Signature: {tags}\n")).collect();
        let raw = format!(
            "Authentication-Results: {ID}; {results}\n{signatures}From: <ana@cliente.example>\nTo: <x@desk.example>\n\ntext\n"
        );
        may_be_readdressed(&super::super::read(raw.as_bytes(), &super::super::LIMITS), Some(ID), &["to"])
    }

    #[test]
    fn a_pass_that_may_rest_on_a_signature_without_the_desks_field_is_doubtful() {
        let (dmarc, spf) =
            ("dmarc=pass header.from=cliente.example", "spf=pass smtp.mailfrom=cliente.example");
        let (all, short) = ("d=cliente.example; h=from:to", "d=cliente.example; h=from:subject:date");
        let other = "d=relay.example; h=from";
        for (results, signatures) in [
            (dmarc, vec![all]),
            (dmarc, vec![other, all]),
            (dmarc, vec![all, "d=mail.cliente.example; h=To:From"]),
            (dmarc, vec![]),
            (dmarc, vec![other]),
            (
                "spf=pass smtp.mailfrom=ana@cliente.example; dmarc=pass header.from=cliente.example",
                vec![short],
            ),
            (spf, vec![short]),
        ] {
            assert!(!readdressed(results, &signatures), "{results} {signatures:?}");
        }
        for (results, signatures) in [
            (dmarc, vec![short]),
            ("dkim=pass header.d=cliente.example", vec![short]),
            ("spf=fail smtp.mailfrom=cliente.example; dmarc=pass", vec![short]),
            ("spf=pass smtp.mailfrom=relay.example; dmarc=pass", vec![short]),
            // Whoever passes it on can put such a one of his own beside the one that is good.
            (dmarc, vec![all, short]),
            (dmarc, vec!["d=cliente.example; h=from:to; l=20"]),
            (dmarc, vec!["d=mail.cliente.example; h=from"]),
            (dmarc, vec!["what nobody can read"]),
        ] {
            assert!(readdressed(results, &signatures), "{results} {signatures:?}");
        }
    }

    #[test]
    fn only_the_topmost_field_counts_and_two_senders_prove_nothing() {
        let pass = "Authentication-Results: mx.desk.example; dmarc=pass header.from=cliente.example";
        let other = "Authentication-Results: mx.other.example; dmarc=pass header.from=cliente.example";
        let from = "From: ana@cliente.example";
        assert!(matches!(found(&format!("{pass}\n{other}\n{from}")), Authentication::Pass(_)));
        assert_eq!(found(&format!("{other}\n{pass}\n{from}")), Authentication::Unknown);
        let two = format!("{pass}\n{from}\nFrom: boss@cliente.example");
        assert!(matches!(found(&two), Authentication::Fail(_)));
        assert!(matches!(
            found(&format!("{pass}\nFrom: ana@cliente.example, b@c.example")),
            Authentication::Fail(_)
        ));
        let mail = super::super::read(format!("{pass}\n{from}\n\nx").as_bytes(), &super::super::LIMITS);
        assert_eq!(authentication(&mail, None), Authentication::Unknown);
    }
}
