//! Groups: the records that one sync makes durable, as they stand in a segment.
//!
//! ```text
//! segment = group ++ group ++ … ++ zeros            groups start on a 512-byte sector
//! group   = sectors of 511 payload bytes and one stamp byte; their payload is header ++ records ++ zeros
//! stamp   = 0xb5 in a group's first sector, 0x4a in the others: no written sector is all zero
//!
//! offset size field of the header, little-endian
//!      0    4 magic "ALMG"
//!      4    2 format version (1)
//!      6    2 zero
//!      8    8 epoch: counts the starts of the journal that wrote something
//!     16    8 group number, gapless from 0
//!     24    8 position of the first record
//!     32    8 durable before: every position below this was durable when the group was written
//!     40    4 record count
//!     44    4 length of all records in bytes
//!     48    4 CRC of the previous group (0 in the first)
//!     52    4 CRC32C of the bytes 0..52
//!     56    4 the group's CRC: CRC32C of all its sectors, stamps and padding included, without these four bytes
//!     60    4 zero
//!     64    … records
//! ```
//!
//! A device writes a sector whole or not at all, and one group at a time is in flight. So what an interrupted write leaves is
//! told from damage: its header is absent (all zero), or some sector of it is. Everything else that fails a check is
//! damage. The header has a CRC of its own because its length decides which sectors to look at. The two stamps differ so
//! that no record's content can pass for a header.

mod build;
mod scan;

pub use build::{Group, GroupBuilder, GroupError};
pub use scan::{Damage, DamageKind, GroupView, Records, Scan, Step, is_zero};

use crate::Position;

/// The unit in which a device writes.
pub const SECTOR_BYTES: usize = 512;

/// The largest group, in bytes as stored. Two mebibytes sync in about two milliseconds and fit the first segment twice.
pub const GROUP_BYTES_MAX: usize = 2 << 20;

/// The size of a group's header.
pub const GROUP_HEADER_BYTES: usize = 64;

const PAYLOAD_BYTES: usize = SECTOR_BYTES - 1;
const RECORDS_BYTES_MAX: usize = GROUP_BYTES_MAX / SECTOR_BYTES * PAYLOAD_BYTES - GROUP_HEADER_BYTES;
const MAGIC: [u8; 4] = *b"ALMG";
const FORMAT_VERSION: u16 = 1;
const HEAD_STAMP: u8 = 0xb5;
const BODY_STAMP: u8 = 0x4a;
const HEADER_CRC_AT: usize = 52;
const GROUP_CRC_AT: usize = 56;

/// What the next group must say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The epoch; a reader accepts this one or a later one.
    pub epoch: u64,
    /// The number of the next group.
    pub group: u64,
    /// The position of its first record.
    pub position: Position,
    /// The CRC of the group before it.
    pub previous_crc: u32,
}

impl Chain {
    /// Before the first group of a journal.
    pub const START: Self = Self { epoch: 0, group: 0, position: Position::FIRST, previous_crc: 0 };

    /// After the group of `header`, whose CRC is `crc`.
    #[must_use]
    pub const fn after(header: &GroupHeader, crc: u32) -> Self {
        Self {
            epoch: header.epoch,
            group: header.number.saturating_add(1),
            position: header.end(),
            previous_crc: crc,
        }
    }
}

/// What a group says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupHeader {
    /// Which start of the journal wrote it.
    pub epoch: u64,
    /// Its number.
    pub number: u64,
    /// The position of its first record.
    pub first: Position,
    /// Every position below this was durable when the group was written.
    pub durable_before: Position,
    /// How many records it holds.
    pub records: u32,
    /// Their length in bytes, without header, padding and stamps.
    pub length: u32,
    /// The CRC of the group before it.
    pub previous_crc: u32,
}

impl GroupHeader {
    /// The position after its last record.
    #[must_use]
    pub const fn end(&self) -> Position {
        Position::new(self.first.get().saturating_add(self.records as u64))
    }

    /// The group's size in bytes as stored: whole sectors.
    #[must_use]
    pub const fn stored_bytes(&self) -> usize {
        let payload = (self.length as usize).saturating_add(GROUP_HEADER_BYTES);
        payload.div_ceil(PAYLOAD_BYTES).saturating_mul(SECTOR_BYTES)
    }

    fn to_bytes(self) -> [u8; GROUP_HEADER_BYTES] {
        let mut bytes = [0; GROUP_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.get().to_le_bytes());
        bytes[32..40].copy_from_slice(&self.durable_before.get().to_le_bytes());
        bytes[40..44].copy_from_slice(&self.records.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.length.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.previous_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..GROUP_CRC_AT].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header in a group's first `sector`, and the CRC that the group should have.
    fn parse(sector: &[u8]) -> Result<(Self, u32), DamageKind> {
        let u64_at = |at: usize| u64::from_le_bytes(array(sector, at));
        let u32_at = |at: usize| u32::from_le_bytes(array(sector, at));
        if sector.len() < SECTOR_BYTES || sector[PAYLOAD_BYTES] != HEAD_STAMP || sector[..4] != MAGIC {
            return Err(DamageKind::Header);
        }
        if u32_at(HEADER_CRC_AT) != crc32c::crc32c(&sector[..HEADER_CRC_AT]) {
            return Err(DamageKind::Header);
        }
        let version = u16::from_le_bytes(array(sector, 4));
        if version != FORMAT_VERSION {
            return Err(DamageKind::Version(version));
        }
        let header = Self {
            epoch: u64_at(8),
            number: u64_at(16),
            first: Position::new(u64_at(24)),
            durable_before: Position::new(u64_at(32)),
            records: u32_at(40),
            length: u32_at(44),
            previous_crc: u32_at(48),
        };
        Ok((header, u32_at(GROUP_CRC_AT)))
    }
}

/// The CRC of a stored group.
fn group_crc(bytes: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&bytes[..GROUP_CRC_AT]);
    crc32c::crc32c_append(crc, &bytes[GROUP_CRC_AT.saturating_add(4)..])
}

/// The `N` bytes of `bytes` from `at`; callers have checked the length of a whole sector.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    if let Some(found) = bytes.get(at..at.saturating_add(N)) {
        field.copy_from_slice(found);
    }
    field
}

#[cfg(test)]
mod tests;
