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
    /// Its attachments.
    pub files: Attached<'a>,
}

/// The attachments of a mail.
pub enum Attached<'a> {
    /// Encoded already.
    Encoded(&'a [Part]),
    /// In the mail's bytes, to be encoded when they are wanted.
    Raw(&'a [u8]),
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
    let own = |mail: &Mail| mail.attachments.iter().map(mail::Attachment::is_agents_own).collect::<Vec<_>>();
    let attached =
        match along.map(own).filter(|own| outgoing.template == Template::Reply && own.contains(&true)) {
            None => attached,
            Some(own) => {
                let parts = attached.iter().zip(own).filter(|(_, own)| !own);
                outside = parts.map(|(part, _)| part.clone()).collect();
                &outside
            }
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
            Some(Source { files: Attached::Encoded(parts), .. }) => parts,
            Some(Source { files: Attached::Raw(raw), .. }) => self.all.get_or_insert_with(|| {
                let mut room = usize::MAX;
                let open = |file: &_, bytes: &_, at| encode((file, bytes), (raw, at), &mut room);
                let (_, parts) = mail::read_and_open(raw, &LIMITS, open);
                parts.into_iter().flatten().collect()
            }),
            None => &[],
        }
    }
}

/// An attachment as a part of other mails; `None` when it must be encoded and that takes more than `room` bytes.
pub(super) fn encode(
    attachment: (&mail::Attachment, &[u8]),
    place: (&[u8], usize),
    room: &mut usize,
) -> Option<Part> {
    let (attachment, bytes) = attachment;
    let file = File {
        name: &attachment.name,
        content_type: &attachment.content_type,
        bytes,
        content_id: &attachment.content_id,
        inline: attachment.inline,
    };
    if let Some(part) = Part::taken(&file, place.0, place.1) {
        return Some(part);
    }
    *room = room.checked_sub(bytes.len())?;
    Some(Part::of(&file))
}
