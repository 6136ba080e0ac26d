//! What a DKIM signature covers (RFC 6376 3.5), by its own word. Whether it is good is for the server to say that checked it.

/// A `DKIM-Signature` field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signed, lower-case; empty where that cannot be read.
    domain: String,
    /// The fields that are signed, lower-case; none where not all of the body is.
    fields: Vec<String>,
}

impl Signature {
    /// Reads a field's value. What cannot be read covers nothing, and may be anybody's.
    pub(super) fn read(value: &str) -> Self {
        // Blanks mean nothing in the tags that are read here, and whoever passes a mail on can add some.
        let tight: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        let tag = |name: &str| {
            let mut values =
                tight.split(';').filter_map(|tag| tag.split_once('=')).filter(|(n, _)| *n == name);
            values.next().map(|(_, value)| value.to_ascii_lowercase()).filter(|_| values.next().is_none())
        };
        // With a length (`l=`) anything can be written below the part that is signed.
        let whole = !tight.split(';').any(|tag| tag.starts_with("l="));
        let fields = tag("h").filter(|_| whole).unwrap_or_default();
        Self {
            domain: tag("d").unwrap_or_default().trim_end_matches('.').to_owned(),
            fields: fields.split(':').map(str::to_owned).collect(),
        }
    }

    /// Whether it covers the field of this (lower-case) name.
    pub(super) fn covers(&self, field: &str) -> bool {
        self.fields.iter().any(|name| name == field)
    }

    /// Whether DMARC may take it as a signature of `domain`'s: relaxed alignment asks for the same organization, whose name
    /// has two labels at least. Which names are public suffixes is not known here, so this may say yes too often.
    pub(super) fn may_speak_for(&self, domain: &str) -> bool {
        // Names beyond ASCII are written in two ways.
        let is_foreign = !domain.is_ascii() || domain.contains("xn--");
        self.domain.is_empty() || is_foreign || ending(&self.domain).eq(ending(domain))
    }
}

/// The last two labels.
fn ending(domain: &str) -> impl Iterator<Item = &str> {
    domain.rsplit('.').take(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_is_read_as_programs_write_it() {
        for value in [
            "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail; h=From:To:Subject; bh=x; b=y",
            "v=1; d= Example.ORG.; h=from : \t to :subject; b=a b c",
            "h=to;d=example.org",
        ] {
            let read = Signature::read(value);
            assert_eq!(read.domain, "example.org", "{value}");
            assert!(read.covers("to") && !read.covers("cc") && !read.covers(""), "{value}");
        }
    }

    #[test]
    fn what_is_unclear_covers_nothing() {
        for value in ["", "d=example.org", "d=example.org; h=to; h=from", "d=example.org; h=to; l=10", "h"] {
            assert!(!Signature::read(value).covers("to"), "{value}");
        }
        assert!(Signature::read("h=to").may_speak_for("example.org"));
        assert!(Signature::read("d=a.example; d=b.example").may_speak_for("example.org"));
    }

    #[test]
    fn a_signature_speaks_for_its_organization() {
        let speaks =
            |signer: &str, domain| Signature::read(&format!("d={signer};h=to")).may_speak_for(domain);
        for (signer, domain) in [
            ("example.org", "example.org"),
            ("example.org", "mail.example.org"),
            ("mail.example.org", "example.org"),
            ("a.example.org", "b.example.org"),
            ("xn--e-mga.example", "é.example"),
            ("other.example", "xn--e-mga.example"),
        ] {
            assert!(speaks(signer, domain), "{signer} {domain}");
        }
        for (signer, domain) in [("evil.example", "example.org"), ("xexample.org", "example.org")] {
            assert!(!speaks(signer, domain), "{signer} {domain}");
        }
    }
}
