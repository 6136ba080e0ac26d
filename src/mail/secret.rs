//! What an agent's program attaches and nobody outside may have: the desk's own mail to the agent, whose Message-ID is the
//! agent's proof.

use super::token::{Purpose, Token};
use memchr::memmem::find_iter;

/// Most characters of a token, with room to spare.
const TOKEN_MAX: usize = 80;

/// Fields of a token, with a dot between.
const TOKEN_FIELDS: usize = 4;

/// Whether a token stands in a file that was made for an agent. Outlook's own format writes two bytes a character.
pub(super) fn holds_token(file: &[u8]) -> bool {
    let narrow = find_iter(file, b"pd.").map(|at| (at + 3, 1));
    let wide = find_iter(file, b"p\0d\0.\0").map(|at| (at + 6, 2));
    narrow.chain(wide).any(|(at, width)| is_for_agents(file.get(at..).unwrap_or_default(), width))
}

fn is_for_agents(rest: &[u8], width: usize) -> bool {
    let characters = rest.iter().step_by(width).map(|byte| char::from(*byte)).take(TOKEN_MAX);
    let characters = characters.take_while(|c| c.is_ascii_alphanumeric() || *c == '.');
    // A file may hold nothing but the marks that are looked for: those are told without a copy of each.
    if characters.clone().filter(|c| *c == '.').take(TOKEN_FIELDS).count() == TOKEN_FIELDS {
        return false;
    }
    let text: String = characters.collect();
    let purpose = Token::parse(&text).map(|token| token.purpose);
    matches!(purpose, Some(Purpose::Agent | Purpose::Note | Purpose::Desk | Purpose::Confirm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::mail::token::{Key, Keys};

    #[test]
    fn an_agents_token_is_found_wherever_it_stands_and_others_are_not() {
        let keys = Keys(vec![Key { id: 1, secret: [7; 32] }]);
        let ana = Address::parse("ana@desk.example").unwrap();
        for (purpose, found) in [
            (Purpose::Agent, true),
            (Purpose::Note, true),
            (Purpose::Desk, true),
            (Purpose::Confirm, true),
            (Purpose::Requester, false),
            (Purpose::Leave, false),
        ] {
            let token = keys.token(853_142, purpose, &ana, u64::MAX).unwrap();
            let id = token.message_id("desk.example").unwrap();
            let text = format!("X: pd.x pd.\nMessage-ID: <{}>\n", id.as_str());
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(holds_token(text.as_bytes()), found, "{purpose:?}");
            assert_eq!(holds_token(&wide), found, "{purpose:?}");
        }
        assert!(!holds_token(b"pd.") && !holds_token(b"p\0d\0.\0") && !holds_token(b""));
    }
}
