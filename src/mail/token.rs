//! Signed reply ids: an HMAC bound to (ticket, recipient, purpose, key, nonce), carried in the Message-ID of all that
//! is sent and, where the mailbox supports them, in a plus address. Also the signed links of the status page.
//!
//! A token is worth something only from the address it was made for: checking needs that address.

use super::ids::MessageId;
use crate::address::Address;
use crate::clock::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Bytes of the HMAC that are kept: 120 bits, above the 80 that the design asks for at least.
const MAC_BYTES: usize = 15;

/// What a token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A requester or participant may write into the ticket.
    Requester,
    /// An agent may answer in the ticket and give commands.
    Agent,
    /// What an agent answers is an internal note, unless it says by its own word that it is public.
    Note,
    /// An agent confirms a mail that came without proof; the number is that mail's id.
    Confirm,
    /// A delivery report to this envelope sender is about this mail.
    Bounce,
    /// Mail about no ticket (to the admin, a digest, a list), or one that is passed on: writes into no ticket. From an
    /// agent it was made for, it proves the agent.
    Desk,
    /// Whoever brings it takes the participant it was made for out of the ticket; it does nothing else.
    Leave,
}

impl Purpose {
    const ALL: [Self; 7] =
        [Self::Requester, Self::Agent, Self::Note, Self::Confirm, Self::Bounce, Self::Desk, Self::Leave];

    fn letter(self) -> char {
        match self {
            Self::Requester => 'r',
            Self::Agent => 'a',
            Self::Note => 'n',
            Self::Confirm => 'c',
            Self::Bounce => 'b',
            Self::Desk => 'd',
            Self::Leave => 'l',
        }
    }

    fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| letter.chars().eq([p.letter()]))
    }
}

/// A signing key. The newest signs; all that are kept verify.
#[derive(Clone)]
pub struct Key {
    /// Its number, never reused.
    pub id: u32,
    /// 32 random bytes.
    pub secret: [u8; 32],
}

/// The keys in force, newest first.
#[derive(Clone, Default)]
pub struct Keys(pub Vec<Key>);

/// A token as it was found, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    /// Ticket number; for [`Purpose::Confirm`] the id of the mail held; 0 for [`Purpose::Desk`].
    pub number: i64,
    /// What it permits.
    pub purpose: Purpose,
    key_id: u32,
    nonce: u64,
    mac: [u8; MAC_BYTES],
}

impl Keys {
    /// A token for `recipient`. `nonce` makes each Message-ID one of a kind; draw it at random. `None` without a key.
    pub fn token(&self, number: i64, purpose: Purpose, recipient: &Address, nonce: u64) -> Option<Token> {
        let key = self.0.first()?;
        let mac = mac(key, number, purpose, recipient, nonce);
        Some(Token { number, purpose, key_id: key.id, nonce, mac })
    }

    /// Whether we made `token` for `owner`, under a key that is still kept. Takes the same time whatever it finds.
    pub fn verifies(&self, token: &Token, owner: &Address) -> bool {
        self.0.iter().filter(|key| key.id == token.key_id).any(|key| {
            let expected = mac(key, token.number, token.purpose, owner, token.nonce);
            expected.ct_eq(&token.mac).into()
        })
    }

    /// The signature that lets a link to ticket `number` show its conversation until `expires`. `None` without a key.
    pub fn link(&self, number: i64, expires: Timestamp) -> Option<String> {
        let key = self.0.first()?;
        let mac = link_mac(key, number, expires);
        Some(format!("{}.{}.{}", base36(key.id.into()), base36(unsigned(expires.0)), base32(&mac)))
    }

    /// Whether `signature` opens ticket `number` at time `now`.
    pub fn link_opens(&self, number: i64, signature: &str, now: Timestamp) -> bool {
        let mut fields = signature.split('.');
        let (Some(id), Some(expires), Some(mac), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return false;
        };
        let (Some(id), Some(expires), Some(mac)) = (parse36(id), parse36(expires), parse_mac(mac)) else {
            return false;
        };
        let Ok(expires) = i64::try_from(expires) else { return false };
        let genuine = self
            .0
            .iter()
            .filter(|key| u64::from(key.id) == id)
            .any(|key| link_mac(key, number, Timestamp(expires)).ct_eq(&mac).into());
        genuine && now.0 < expires
    }
}

impl Token {
    /// The token as text: lower-case letters, digits and dots, fit for a local part read without regard to case.
    pub fn text(&self) -> String {
        let (number, key) = (base36(unsigned(self.number)), base36(self.key_id.into()));
        format!("{}{number}.{key}.{}.{}", self.purpose.letter(), base36(self.nonce), base32(&self.mac))
    }

    /// Reads a token's text in any case. `None` when it has not the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let mut fields = text.split('.');
        let head = fields.next()?;
        let (letter, number) = head.split_at_checked(1)?;
        let purpose = Purpose::from_letter(letter)?;
        let number = i64::try_from(parse36(number)?).ok()?;
        let key_id = u32::try_from(parse36(fields.next()?)?).ok()?;
        let nonce = parse36(fields.next()?)?;
        let mac = parse_mac(fields.next()?)?;
        fields.next().is_none().then_some(Self { number, purpose, key_id, nonce, mac })
    }

    /// The token in a Message-ID of ours: `pd.TOKEN@domain`.
    pub fn of_message_id(id: &MessageId) -> Option<Self> {
        Self::parse(
            id.left().get(..3).filter(|p| p.eq_ignore_ascii_case("pd.")).and_then(|_| id.left().get(3..))?,
        )
    }

    /// Where the Message-IDs of mail about no ticket lie, in the order of their letters, that share this token's key and
    /// nonce: from the first text, before the second.
    pub fn message_ids_without_ticket(&self) -> (String, String) {
        let shared =
            format!("pd.{}0.{}.{}", Purpose::Desk.letter(), base36(self.key_id.into()), base36(self.nonce));
        (format!("{shared}."), format!("{shared}/"))
    }

    /// The Message-ID that carries this token, at `domain`.
    pub fn message_id(&self, domain: &str) -> Option<MessageId> {
        MessageId::parse(&format!("pd.{}@{domain}", self.text()))
    }
}

fn mac(key: &Key, number: i64, purpose: Purpose, recipient: &Address, nonce: u64) -> [u8; MAC_BYTES] {
    let letter = [u8::try_from(purpose.letter()).unwrap_or_default()];
    sign(key, &[b"token", &letter, &number.to_be_bytes(), &nonce.to_be_bytes(), recipient.key().as_bytes()])
}

fn link_mac(key: &Key, number: i64, expires: Timestamp) -> [u8; MAC_BYTES] {
    sign(key, &[b"link", &number.to_be_bytes(), &expires.0.to_be_bytes()])
}

/// HMAC-SHA-256 over the fields, each behind its length so that no two lists of fields sign alike.
fn sign(key: &Key, fields: &[&[u8]]) -> [u8; MAC_BYTES] {
    let mut out = [0u8; MAC_BYTES];
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&key.secret) else { return out };
    hmac.update(&key.id.to_be_bytes());
    for field in fields {
        hmac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hmac.update(field);
    }
    for (to, from) in out.iter_mut().zip(hmac.finalize().into_bytes()) {
        *to = from;
    }
    out
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn base36(mut n: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(n % 36).unwrap_or(0);
        digits.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
        n /= 36;
        if n == 0 {
            break;
        }
    }
    digits.iter().rev().map(|d| char::from(*d)).collect()
}

fn parse36(text: &str) -> Option<u64> {
    let plain = !text.is_empty()
        && text.len() <= 13
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !plain { None } else { u64::from_str_radix(text, 36).ok() }
}

/// Base 32 with the digits `0-9a-v`, five bits a character; [`MAC_BYTES`] is a multiple of five bytes' 40 bits.
fn base32(bytes: &[u8; MAC_BYTES]) -> String {
    let mut out = String::with_capacity(24);
    for chunk in bytes.chunks(5) {
        let word = chunk.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        for shift in (0..8).rev() {
            let digit = usize::try_from((word >> (shift * 5)) & 31).unwrap_or(0);
            out.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
        }
    }
    out
}

fn parse_mac(text: &str) -> Option<[u8; MAC_BYTES]> {
    if text.len() != MAC_BYTES * 8 / 5 {
        return None;
    }
    let mut out = [0u8; MAC_BYTES];
    for (chunk, target) in text.as_bytes().chunks(8).zip(out.chunks_mut(5)) {
        let mut word = 0_u64;
        for byte in chunk {
            word = (word << 5) | u64::from(char::from(*byte).to_digit(32)?);
        }
        for (to, from) in target.iter_mut().zip(word.to_be_bytes().iter().skip(3)) {
            *to = *from;
        }
    }
    Some(out)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[u32]) -> Keys {
        Keys(ids.iter().map(|id| Key { id: *id, secret: [u8::try_from(*id).unwrap(); 32] }).collect())
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_token_comes_back_through_a_message_id_in_any_case() {
        let token = keys(&[1]).token(853_142, Purpose::Agent, &address("ana@x.example"), u64::MAX).unwrap();
        let id = token.message_id("desk.example").unwrap();
        let shouted = MessageId::parse(&id.as_str().to_uppercase()).unwrap();
        assert_eq!(Token::of_message_id(&id), Some(token.clone()));
        assert_eq!(Token::of_message_id(&shouted), Some(token));
        assert!(id.left().len() <= 64, "a local part holds 64 bytes (RFC 5321): {}", id.left().len());
    }

    #[test]
    fn a_token_is_worth_nothing_from_another_address_ticket_purpose_or_key() {
        let keys = keys(&[2, 1]);
        let ana = address("ana@x.example");
        let token = keys.token(853_142, Purpose::Agent, &ana, 77).unwrap();
        assert!(keys.verifies(&token, &address("ANA@x.example")));
        assert!(!keys.verifies(&token, &address("joana@x.example")));
        assert!(!keys.verifies(&Token { number: 853_143, ..token.clone() }, &ana));
        assert!(!keys.verifies(&Token { purpose: Purpose::Note, ..token.clone() }, &ana));
        assert!(!keys.verifies(&Token { nonce: 78, ..token.clone() }, &ana));
        assert!(!keys.verifies(&Token { key_id: 1, ..token.clone() }, &ana));
        assert!(!Keys(vec![Key { id: 2, secret: [9; 32] }]).verifies(&token, &ana));
    }

    /// A token of each purpose, for Ana and ticket 1.
    fn one_of_each(keys: &Keys) -> Vec<Token> {
        let ana = address("ana@x.example");
        Purpose::ALL.iter().map(|purpose| keys.token(1, *purpose, &ana, 5).unwrap()).collect()
    }

    #[test]
    fn every_flipped_bit_of_a_token_of_any_purpose_breaks_it() {
        let keys = keys(&[2, 1]);
        let ana = address("ana@x.example");
        for token in one_of_each(&keys) {
            for bit in 0..MAC_BYTES * 8 {
                let mut bad = token.clone();
                bad.mac[bit / 8] ^= 1 << (bit % 8);
                assert!(!keys.verifies(&bad, &ana), "{:?} bit {bit}", token.purpose);
            }
            // The same over its text, bit by bit: what stays a token at all is another one.
            let text = token.text();
            for bit in 0..text.len() * 8 {
                let mut bytes = text.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                if changed.eq_ignore_ascii_case(&text) {
                    continue;
                }
                let read = Token::parse(&changed);
                assert!(read.is_none_or(|bad| !keys.verifies(&bad, &ana)), "{changed} of {text}");
            }
        }
    }

    #[test]
    fn no_token_of_any_purpose_counts_for_another_recipient_ticket_purpose_or_key() {
        let keys = keys(&[2, 1]);
        let (ana, luis) = (address("ana@x.example"), address("luis@x.example"));
        for token in one_of_each(&keys) {
            let word = token.purpose;
            assert!(keys.verifies(&token, &ana), "{word:?}");
            assert!(!keys.verifies(&token, &luis), "{word:?} for another recipient");
            assert!(
                !keys.verifies(&Token { number: 2, ..token.clone() }, &ana),
                "{word:?} for another ticket"
            );
            for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != word) {
                assert!(!keys.verifies(&Token { purpose, ..token.clone() }, &ana), "{word:?} as {purpose:?}");
            }
            assert!(
                !keys.verifies(&Token { key_id: 1, ..token.clone() }, &ana),
                "{word:?} under the older key"
            );
            let after = |ids: &[u32]| self::keys(ids).verifies(&token, &ana);
            assert!(after(&[3, 2, 1]) && after(&[3, 2]), "{word:?} under a key that was rotated and is kept");
            assert!(!after(&[3]) && !after(&[3, 1]) && !after(&[]), "{word:?} under a key that was deleted");
        }
    }

    #[test]
    fn an_older_key_still_verifies_and_the_newest_signs() {
        let ana = address("ana@x.example");
        let old = keys(&[1]).token(5, Purpose::Agent, &ana, 1).unwrap();
        assert!(keys(&[2, 1]).verifies(&old, &ana));
        assert!(!keys(&[2]).verifies(&old, &ana));
        assert_eq!(keys(&[2, 1]).token(5, Purpose::Agent, &ana, 1).unwrap().key_id, 2);
    }

    #[test]
    fn a_link_opens_its_own_ticket_until_it_expires() {
        let keys = keys(&[1]);
        let link = keys.link(853_142, Timestamp(1000)).unwrap();
        assert!(keys.link_opens(853_142, &link, Timestamp(999)));
        assert!(!keys.link_opens(853_142, &link, Timestamp(1000)));
        assert!(!keys.link_opens(853_143, &link, Timestamp(999)));
        assert!(!keys.link_opens(853_142, &link.replace("rs", "rt"), Timestamp(1001)));
        assert!(["", "a.b", "a.b.c.d", "1.zzzzzzzzzzzzzz.0", "é.é.é"].iter().all(|bad| !keys.link_opens(
            853_142,
            bad,
            Timestamp(0)
        )));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        for bad in [
            "",
            "r",
            "r1",
            "r1.1.1.1",
            "x1.1.1.000000000000000000000000",
            "é1.1.1.1",
            "r1.1.1.0000000000000000000000éé",
        ] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
    }
}
