//! Bytes as they are stored: packed with zstd where that makes them smaller.

use super::StoreError;
use rusqlite::{Connection, OptionalExtension};

/// Shorter bytes are stored as they are.
const PACK_MIN_BYTES: usize = 512;

/// Fastest: the disk is cheaper than the time of the one who writes.
const LEVEL: i32 = 1;

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

/// Packs `bytes`.
pub fn pack(bytes: &[u8]) -> Packed {
    let size = bytes.len();
    let packed = if size < PACK_MIN_BYTES {
        None
    } else {
        zstd::bulk::compress(bytes, LEVEL).ok().filter(|p| p.len() < size)
    };
    match packed {
        Some(bytes) => Packed { size, packing: "zstd", bytes },
        None => Packed { size, packing: "none", bytes: bytes.to_vec() },
    }
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
