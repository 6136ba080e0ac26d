//! FETCH: mails and parts of them, sent on as they are put together.

use super::data;
use super::view::spelt;
use super::{End, Session, ok};
use crate::demo::server::store::Stored;
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::fetch::{Macro, MacroOrMessageDataItemNames, MessageDataItemName, Section};
use imap_codec::imap_types::sequence::SequenceSet;
use std::io;

impl Session {
    pub(super) async fn fetch(
        &mut self,
        set: &SequenceSet,
        names: &MacroOrMessageDataItemNames<'_>,
        uid: bool,
    ) -> io::Result<End> {
        let Some(view) = &self.open else { return Ok(ok("nothing")) };
        let (found, read_only, folder) = (view.resolve(set, uid), view.read_only, view.folder.clone());
        let mut items = items_of(names);
        if uid && !items.contains(&MessageDataItemName::Uid) {
            items.insert(0, MessageDataItemName::Uid);
        }
        let marks = !read_only && items.iter().any(marks_as_seen);
        for (number, uid) in found {
            let account = self.account().to_owned();
            let mail = if marks {
                self.server.change(|store| {
                    let mail = store.folder_mut(&account, &folder)?.get_mut(uid)?;
                    mail.flags.insert("\\Seen".to_owned());
                    Some(mail.clone())
                })
            } else {
                self.server.store().folder(&account, &folder).and_then(|folder| folder.get(uid).cloned())
            };
            // Expunged by somebody else and not told yet: nothing is sent (RFC 2180 4.1.2).
            let Some(mail) = mail else { continue };
            self.one(number, &mail, &items, marks);
            self.wire.send_if_much().await?;
        }
        Ok(ok("fetched"))
    }

    fn one(&mut self, number: usize, mail: &Stored, items: &[MessageDataItemName<'_>], marked: bool) {
        self.wire.say(format!("* {number} FETCH ("));
        let flags = marked && !items.contains(&MessageDataItemName::Flags);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.wire.say(" ");
            }
            self.item(item, mail);
        }
        if flags {
            self.wire.say(format!(" FLAGS ({})", spelt(&mail.flags)));
        }
        self.wire.line(")");
        if marked {
            self.told(number, mail.flags.clone());
        }
    }

    fn item(&mut self, item: &MessageDataItemName<'_>, mail: &Stored) {
        let raw: &[u8] = &mail.raw;
        match item {
            MessageDataItemName::Uid => self.wire.say(format!("UID {}", mail.uid)),
            MessageDataItemName::Flags => self.wire.say(format!("FLAGS ({})", spelt(&mail.flags))),
            MessageDataItemName::Rfc822Size => self.wire.say(format!("RFC822.SIZE {}", raw.len())),
            MessageDataItemName::InternalDate => {
                self.wire.say(format!("INTERNALDATE \"{}\"", data::internal_date(mail.arrived)));
            }
            MessageDataItemName::Envelope => self.wire.say(format!("ENVELOPE {}", data::envelope(raw))),
            MessageDataItemName::BodyStructure => {
                self.wire.say(format!("BODYSTRUCTURE {}", data::structure(raw)));
            }
            MessageDataItemName::Body => self.wire.say(format!("BODY {}", data::structure(raw))),
            MessageDataItemName::Rfc822 => self.literal("RFC822", raw),
            MessageDataItemName::Rfc822Header => self.literal("RFC822.HEADER", data::head_of(raw)),
            MessageDataItemName::Rfc822Text => self.literal("RFC822.TEXT", data::text_of(raw)),
            MessageDataItemName::BodyExt { section, partial, .. } => {
                let (label, bytes) = section_of(section.as_ref(), raw);
                match partial {
                    None => self.literal(&format!("BODY[{label}]"), &bytes),
                    Some((from, count)) => {
                        let start = usize::try_from(*from).unwrap_or(usize::MAX).min(bytes.len());
                        let count = usize::try_from(count.get()).unwrap_or(usize::MAX);
                        let rest = bytes.get(start..).unwrap_or_default();
                        let part = rest.get(..count).unwrap_or(rest);
                        self.literal(&format!("BODY[{label}]<{from}>"), part);
                    }
                }
            }
            _ => self.wire.say("X-UNKNOWN NIL"),
        }
    }

    fn literal(&mut self, name: &str, bytes: &[u8]) {
        self.wire.say(format!("{name} {{{}}}\r\n", bytes.len()));
        self.wire.say(bytes);
    }
}

fn items_of<'a>(names: &MacroOrMessageDataItemNames<'a>) -> Vec<MessageDataItemName<'a>> {
    use MessageDataItemName as Item;
    let fast = [Item::Flags, Item::InternalDate, Item::Rfc822Size];
    match names {
        MacroOrMessageDataItemNames::MessageDataItemNames(names) => names.clone(),
        MacroOrMessageDataItemNames::Macro(Macro::Fast) => fast.to_vec(),
        MacroOrMessageDataItemNames::Macro(Macro::Full) => {
            fast.into_iter().chain([Item::Envelope, Item::Body]).collect()
        }
        MacroOrMessageDataItemNames::Macro(_) => fast.into_iter().chain([Item::Envelope]).collect(),
    }
}

fn marks_as_seen(item: &MessageDataItemName<'_>) -> bool {
    matches!(
        item,
        MessageDataItemName::BodyExt { peek: false, .. }
            | MessageDataItemName::Rfc822
            | MessageDataItemName::Rfc822Text
    )
}

/// The section's spelling and bytes.
fn section_of(section: Option<&Section<'_>>, raw: &[u8]) -> (String, Vec<u8>) {
    let bytes_of =
        |names: &[AString<'_>]| names.iter().map(|name| name.as_ref().to_vec()).collect::<Vec<_>>();
    let spelt = |names: &[Vec<u8>]| {
        names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect::<Vec<_>>().join(" ")
    };
    match section {
        None => (String::new(), raw.to_vec()),
        Some(Section::Header(_)) => ("HEADER".to_owned(), data::head_of(raw).to_vec()),
        Some(Section::Text(_)) => ("TEXT".to_owned(), data::text_of(raw).to_vec()),
        Some(Section::HeaderFields(_, names)) => {
            let names = bytes_of(names.as_ref());
            (format!("HEADER.FIELDS ({})", spelt(&names)), data::chosen(raw, &names, false))
        }
        Some(Section::HeaderFieldsNot(_, names)) => {
            let names = bytes_of(names.as_ref());
            (format!("HEADER.FIELDS.NOT ({})", spelt(&names)), data::chosen(raw, &names, true))
        }
        Some(Section::Part(_)) => ("1".to_owned(), data::text_of(raw).to_vec()),
        Some(Section::Mime(_)) => {
            ("1.MIME".to_owned(), data::chosen(raw, &[b"Content-Type".to_vec()], false))
        }
    }
}
