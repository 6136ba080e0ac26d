//! Bytes into a [`Mail`].

use super::{Limits, Mail};

/// Reads `raw`. Total: any bytes give a mail.
pub fn read(_raw: &[u8], _limits: &Limits) -> Mail {
    unimplemented!()
}

/// The decoded bytes of attachment `part` (see [`super::Attachment::part`]) of `raw`; `None` when there is no such part.
pub fn attachment_bytes(_raw: &[u8], _limits: &Limits, _part: usize) -> Option<Vec<u8>> {
    None
}
