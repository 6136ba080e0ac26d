//! Bytes as they are stored: packed with zstd where that makes them smaller.

use super::StoreError;
use rusqlite::{Connection, OptionalExtension};
use std::cell::RefCell;

/// Shorter bytes are stored as they are.
const PACK_MIN_BYTES: usize = 512;

/// Fastest: the disk is cheaper than the time of the one who writes.
const LEVEL: i32 = 1;

/// For long bodies of outgoing mail, which are nearly all base64, are kept for days only, and are packed on the thread
/// that everybody waits for: nothing but repetitions is looked for.
const LEVEL_PASSING: i32 = -5;

/// A body beyond this is a long one.
const LONG_BODY_BYTES: usize = 64 * 1024;

/// Bytes ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Length before packing.
    pub size: usize,
    /// The word in the `packing` column.
    pub packing: &'static str,
    /// What is stored.
    pub bytes: Vec<u8>,
}

/// Packs the body of an outgoing mail.
pub fn pack_passing(bytes: &[u8]) -> Packed {
    pack_at(bytes, if bytes.len() > LONG_BODY_BYTES { LEVEL_PASSING } else { LEVEL })
}

/// Packs `bytes`.
pub fn pack(bytes: &[u8]) -> Packed {
    pack_at(bytes, LEVEL)
}

fn pack_at(bytes: &[u8], level: i32) -> Packed {
    let size = bytes.len();
    let packed = if size < PACK_MIN_BYTES {
        None
    } else {
        compress(bytes, level).filter(|packed| packed.len() < size)
    };
    match packed {
        Some(bytes) => Packed { size, packing: "zstd", bytes },
        None => Packed { size, packing: "none", bytes: bytes.to_vec() },
    }
}

/// Each thread keeps what the packer works in: making it anew costs as much as packing a short mail.
fn compress(bytes: &[u8], level: i32) -> Option<Vec<u8>> {
    thread_local! {
        static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = zstd::bulk::Compressor::new(level).ok();
        }
        let packer = packer.as_mut()?;
        packer.set_compression_level(level).ok()?;
        packer.compress(bytes).ok()
    })
}

/// Undoes [`pack`]; `size` bounds what is allocated.
pub fn unpack(bytes: Vec<u8>, packing: &str, size: i64) -> Result<Vec<u8>, StoreError> {
    match packing {
        "none" => Ok(bytes),
        "zstd" => Ok(zstd::bulk::decompress(&bytes, usize::try_from(size).unwrap_or(0))?),
        other => Err(StoreError::Unknown { what: "packing", found: other.to_owned() }),
    }
}

/// The raw bytes of mail `mail_id`; `None` where none are kept (refused, duplicate) or there is no such mail.
pub fn raw_of_mail(db: &Connection, mail_id: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT raw.bytes, raw.packing, raw.size FROM mail JOIN raw ON raw.id = mail.raw_id WHERE mail.id = ?1";
    let row = db
        .prepare_cached(sql)?
        .query_row([mail_id], |r| Ok((r.get(0)?, r.get::<_, String>(1)?, r.get(2)?)))
        .optional()?;
    row.map(|(bytes, packing, size)| unpack(bytes, &packing, size)).transpose()
}
