//! Writing groups.

use super::{
    BODY_STAMP, Chain, GROUP_CRC_AT, GROUP_HEADER_BYTES, GroupHeader, HEAD_STAMP, PAYLOAD_BYTES,
    RECORDS_BYTES_MAX, SECTOR_BYTES, group_crc,
};
use crate::{Position, RecordView};

/// A record cannot go into the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The group is full: finish it and push the record to the next one.
    #[error("the group is full")]
    Full,
    /// The bytes are not one record.
    #[error("not one record")]
    NotARecord,
    /// The record is not the next one.
    #[error("a record of position {found} where {expected} comes next")]
    Position {
        /// The position that comes next.
        expected: Position,
        /// The record's own.
        found: Position,
    },
}

/// A finished group: what one append writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    header: GroupHeader,
    crc: u32,
    bytes: Vec<u8>,
}

impl Group {
    /// What it says of itself.
    #[must_use]
    pub const fn header(&self) -> &GroupHeader {
        &self.header
    }

    /// Its CRC.
    #[must_use]
    pub const fn crc(&self) -> u32 {
        self.crc
    }

    /// Its bytes as stored: whole sectors.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the buffer back, for [`GroupBuilder::finish`] to use again.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

/// Collects records into a group. One copy per record, one CRC pass per group.
#[derive(Debug)]
pub struct GroupBuilder {
    chain: Chain,
    buffer: Vec<u8>,
    records: u32,
    length: usize,
}

impl GroupBuilder {
    /// A builder whose first group is the next one of `chain`; `chain.epoch` is written into every group.
    #[must_use]
    pub const fn new(chain: Chain) -> Self {
        Self { chain, buffer: Vec::new(), records: 0, length: 0 }
    }

    /// Whether no record waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// How many records wait.
    #[must_use]
    pub const fn records(&self) -> u32 {
        self.records
    }

    /// How many bytes of records wait.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// The position that the next record pushed must have.
    #[must_use]
    pub const fn next_position(&self) -> Position {
        Position::new(self.chain.position.get().saturating_add(self.records as u64))
    }

    /// Adds one record. Errors, changing nothing, when the group is full or the record is not the next one.
    pub fn push(&mut self, record: &[u8]) -> Result<(), GroupError> {
        if RecordView::size_of_next(record) != Some(record.len()) {
            return Err(GroupError::NotARecord);
        }
        let found = super::scan::position_of(record);
        let expected = self.next_position();
        if found != expected {
            return Err(GroupError::Position { expected, found });
        }
        let length = self.length.saturating_add(record.len());
        if length > RECORDS_BYTES_MAX {
            return Err(GroupError::Full);
        }
        if self.buffer.is_empty() {
            self.buffer.extend_from_slice(&[0; GROUP_HEADER_BYTES]);
        }
        self.stuff(record);
        self.records = self.records.saturating_add(1);
        self.length = length;
        Ok(())
    }

    /// The finished group, or `None` when no record waits. `durable_before` is the first position not yet durable; `reuse`
    /// is any buffer, taken for the next group.
    pub fn finish(&mut self, durable_before: Position, reuse: Vec<u8>) -> Option<Group> {
        if self.is_empty() {
            return None;
        }
        self.pad();
        let mut bytes = core::mem::replace(&mut self.buffer, reuse);
        self.buffer.clear();
        let header = GroupHeader {
            epoch: self.chain.epoch,
            number: self.chain.group,
            first: self.chain.position,
            durable_before,
            records: core::mem::take(&mut self.records),
            // At most RECORDS_BYTES_MAX, which is far inside u32.
            length: u32::try_from(core::mem::take(&mut self.length)).unwrap_or(u32::MAX),
            previous_crc: self.chain.previous_crc,
        };
        bytes[..GROUP_HEADER_BYTES].copy_from_slice(&header.to_bytes());
        let crc = group_crc(&bytes);
        bytes[GROUP_CRC_AT..GROUP_CRC_AT.saturating_add(4)].copy_from_slice(&crc.to_le_bytes());
        self.chain = Chain::after(&header, crc);
        Some(Group { header, crc, bytes })
    }

    /// Appends payload bytes, putting a stamp after every 511.
    fn stuff(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.buffer.len() % SECTOR_BYTES;
            let (now, later) = bytes.split_at(bytes.len().min(PAYLOAD_BYTES.saturating_sub(used)));
            self.buffer.extend_from_slice(now);
            self.stamp_if_due();
            bytes = later;
        }
    }

    fn stamp_if_due(&mut self) {
        if self.buffer.len() % SECTOR_BYTES == PAYLOAD_BYTES {
            self.buffer.push(if self.buffer.len() < SECTOR_BYTES { HEAD_STAMP } else { BODY_STAMP });
        }
    }

    /// Fills the last sector with zeros and its stamp.
    fn pad(&mut self) {
        let used = self.buffer.len() % SECTOR_BYTES;
        if used != 0 {
            let full = self.buffer.len().saturating_add(PAYLOAD_BYTES.saturating_sub(used));
            self.buffer.resize(full, 0);
            self.stamp_if_due();
        }
    }
}
