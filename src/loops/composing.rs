//! Outgoing mail of a decision into bytes, with the attachments of the mail that was decided where they go along.

use super::shared::Settings;
use crate::clock::{Dice, Timestamp};
use crate::compose::{self, File, Part};
use crate::desk::decision::{Decision, Outgoing, Template};
use crate::mail::token::Keys;
use crate::mail::{self, LIMITS, Mail};
use crate::store::StoreError;
use crate::store::commit::Ready;

/// The mail being decided, whose attachments may go along.
pub struct Source<'a> {
    /// What was read of it.
    pub mail: &'a Mail,
    /// Its bytes.
    pub raw: &'a [u8],
    /// Its attachments, where they are encoded already.
    pub parts: Option<&'a [Part]>,
}

/// Makes bytes of all outgoing mail of a decision. `source` is the mail being decided, whose attachments may go along.
pub fn compose_all(
    settings: &Settings,
    keys: &Keys,
    decision: &Decision,
    source: Option<&Source<'_>>,
    chance: (Timestamp, &Dice),
) -> Result<Vec<Ready>, StoreError> {
    let (now, dice) = chance;
    let desk = compose::Desk { config: &settings.config, templates: &settings.templates, keys, now };
    let mut files = Files { source, all: None };
    decision.outgoing.iter().map(|outgoing| compose_one(&desk, outgoing, &mut files, dice)).collect()
}

fn compose_one(
    desk: &compose::Desk<'_>,
    outgoing: &Outgoing,
    files: &mut Files<'_>,
    dice: &Dice,
) -> Result<Ready, StoreError> {
    let mut outgoing = outgoing.clone();
    // An agent's reply carries all it came with; what the desk passes on stays within a bound that relays take.
    let bounded = outgoing.template != Template::Reply;
    let along = if outgoing.attachments { files.source.map(|source| source.mail) } else { None };
    let attached: &[Part] = match along {
        None => &[],
        Some(mail)
            if bounded
                && too_much(
                    mail.attachments.iter().map(|a| a.size),
                    desk.config.limits.forward_max_bytes,
                ) =>
        {
            outgoing.values.left_out = mail.attachments.iter().map(|file| file.name.clone()).collect();
            &[]
        }
        Some(_) => files.read(),
    };
    let outside: Vec<Part>;
    let attached = if outgoing.template == Template::Reply && attached.iter().any(names_its_maker) {
        outside = attached.iter().filter(|part| !names_its_maker(part)).cloned().collect();
        &outside
    } else {
        attached
    };
    let composed = compose::compose(desk, &outgoing, dice.draw(), attached)
        .map_err(|e| StoreError::Missing(e.to_string()))?;
    Ok(Ready {
        message_id: composed.message_id,
        envelope_from: composed.envelope_from,
        recipient: composed.recipient,
        template: outgoing.template.name(),
        queue: outgoing.queue,
        author: outgoing.author.map(|agent| agent.key().to_owned()).unwrap_or_default(),
        number: outgoing.number,
        head: composed.head,
        body: composed.body,
        not_before: desk.now.plus(outgoing.hold_secs),
    })
}

/// Signatures, certificates, public keys and business cards that a client attaches by itself: they hold the agent's own
/// address, and the signature does not fit the mail that the desk makes of it.
fn names_its_maker(part: &Part) -> bool {
    const KINDS: [&str; 7] = [
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
        "text/vcard",
        "text/x-vcard",
        "text/directory",
    ];
    KINDS.contains(&part.content_type.as_str())
}

fn too_much(sizes: impl Iterator<Item = usize>, limit: u64) -> bool {
    sizes.map(|size| u64::try_from(size).unwrap_or(u64::MAX)).fold(0, u64::saturating_add) > limit
}

/// The attachments of the mail being decided, encoded for other mails when first wanted.
struct Files<'a> {
    source: Option<&'a Source<'a>>,
    all: Option<Vec<Part>>,
}

impl Files<'_> {
    fn read(&mut self) -> &[Part] {
        match self.source {
            Some(Source { parts: Some(parts), .. }) => parts,
            Some(source) => self.all.get_or_insert_with(|| {
                let (mail, opened) = mail::read_with_attachments(source.raw, &LIMITS, usize::MAX);
                encode(&mail, opened.unwrap_or_default())
            }),
            None => &[],
        }
    }
}

/// The attachments of a mail as parts of other mails.
pub(super) fn encode(mail: &Mail, opened: Vec<Vec<u8>>) -> Vec<Part> {
    let file = |(attachment, bytes): (&mail::Attachment, Vec<u8>)| File {
        name: attachment.name.clone(),
        content_type: attachment.content_type.clone(),
        bytes,
        content_id: attachment.content_id.clone(),
        inline: attachment.inline,
    };
    mail.attachments.iter().zip(opened).map(|pair| Part::of(&file(pair))).collect()
}
