//! Mail addresses in running text.

use crate::address::Address;

/// The addresses of a line, in order.
pub(super) fn in_line(line: &str) -> Vec<Address> {
    let mut found = Vec::new();
    let mut rest = line;
    // A line of a report is short; the bound keeps hostile ones linear.
    for _ in 0..20 {
        let Some((before, after)) = rest.split_once('@') else { break };
        let local_start =
            before.char_indices().rev().take(64).take_while(|(_, c)| is_local(*c)).last().map(|(at, _)| at);
        let domain_end = after.find(|c: char| !is_domain(c)).unwrap_or(after.len()).min(255);
        let domain =
            after.get(..after.floor_char_boundary(domain_end)).unwrap_or("").trim_matches(['.', '-']);
        // sendmail: "ann@x.example... User unknown".
        let domain = domain.split("..").next().unwrap_or(domain);
        if let Some(local) = local_start.and_then(|at| before.get(at..))
            && let Some(address) = Address::parse(&format!(
                "{}@{domain}",
                local.trim_start_matches(['.', '-', '_', '#', '&', '~'])
            ))
        {
            found.push(address);
        }
        rest = after;
    }
    found
}

fn is_local(c: char) -> bool {
    // RFC 5322 allows more; in reports `=`, `/` and the like stand around addresses rather than in them.
    c.is_alphanumeric() || matches!(c, '&' | '+' | '-' | '_' | '~' | '.' | '#')
}

fn is_domain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}
