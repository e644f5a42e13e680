//! Reading groups, and telling an interrupted write from damage.

use super::{
    BODY_STAMP, Chain, GROUP_BYTES_MAX, GROUP_HEADER_BYTES, GroupHeader, PAYLOAD_BYTES, SECTOR_BYTES,
    group_crc,
};
use crate::{HEADER_BYTES, Position, RecordView};

/// Bytes that were written whole are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("damage at byte {offset} of the segment: {kind}")]
pub struct Damage {
    /// Where the group or sector starts, in bytes from the start of the segment.
    pub offset: usize,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// A group's header is not one, or fails its CRC.
    #[error("the group's header is damaged")]
    Header,
    /// A format that this program does not know.
    #[error("group format version {0} is not known")]
    Version(u16),
    /// The group's number is not the next one.
    #[error("group {found} where group {expected} comes next")]
    Number {
        /// The number that comes next.
        expected: u64,
        /// The group's own.
        found: u64,
    },
    /// The group does not follow the one before it: other CRC, position, or an older epoch.
    #[error("group {0} does not follow the group before it")]
    Chain(u64),
    /// The header's counts cannot be.
    #[error("group {0} announces an impossible size")]
    Size(u64),
    /// A fully written group fails its CRC.
    #[error("group {0} fails its CRC")]
    Crc(u64),
    /// Part of a group is missing, yet more was written after it.
    #[error("a part of group {0} is zero, yet more was written after it")]
    Hole(u64),
    /// Bytes that are no group's stand where nothing was written.
    #[error("bytes that belong to no group")]
    Stray,
    /// The group's content is not the records that it announces.
    #[error("group {0} does not hold the records that it announces")]
    Records(u64),
}

/// One step through a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A whole, sound group.
    Group(GroupView<'a>),
    /// Nothing was written from here to the end of the segment.
    End {
        /// The first unwritten byte.
        offset: usize,
    },
    /// An interrupted write, to be zeroed: it was never acknowledged.
    Torn {
        /// Its first byte.
        offset: usize,
        /// The byte after its last.
        end: usize,
    },
}

/// Steps through the groups of one segment.
#[derive(Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    offset: usize,
    chain: Chain,
}

impl<'a> Scan<'a> {
    /// Reads the segment `bytes`, whose first group is the next one of `chain`.
    #[must_use]
    pub const fn new(bytes: &'a [u8], chain: Chain) -> Self {
        Self { bytes, offset: 0, chain }
    }

    /// Goes on at `offset`, where the next group of `chain` starts.
    #[must_use]
    pub const fn resume(bytes: &'a [u8], offset: usize, chain: Chain) -> Self {
        Self { bytes, offset, chain }
    }

    /// What the next group must say of itself.
    #[must_use]
    pub const fn chain(&self) -> Chain {
        self.chain
    }

    /// The next group, or where the groups end. [`Step::End`] and [`Step::Torn`] are final and repeat.
    pub fn step(&mut self) -> Result<Step<'a>, Damage> {
        let offset = self.offset;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let damage = |kind| Damage { offset, kind };
        let Some((sector, _)) = rest.split_at_checked(SECTOR_BYTES) else {
            return if is_zero(rest) { Ok(Step::End { offset }) } else { Err(damage(DamageKind::Stray)) };
        };
        if is_zero(sector) {
            return self.headless(rest);
        }
        let (header, crc) = GroupHeader::parse(sector).map_err(damage)?;
        self.check_chain(&header).map_err(damage)?;
        let size = header.stored_bytes();
        let group = rest.get(..size).ok_or_else(|| damage(DamageKind::Size(header.number)))?;
        if group_crc(group) != crc {
            return self.broken(&header, group, rest.get(size..).unwrap_or_default());
        }
        self.offset = offset.saturating_add(size);
        self.chain = Chain::after(&header, crc);
        Ok(Step::Group(GroupView { header, crc, offset, bytes: group }))
    }

    /// A first sector that is all zero: the end, or a group whose header was not written.
    fn headless(&self, rest: &[u8]) -> Result<Step<'a>, Damage> {
        let mut end = None;
        for (index, sector) in rest.chunks(SECTOR_BYTES).enumerate() {
            if is_zero(sector) {
                continue;
            }
            let at = index.saturating_mul(SECTOR_BYTES);
            let damage = |kind| Err(Damage { offset: self.offset.saturating_add(at), kind });
            if GroupHeader::parse(sector).is_ok() {
                return damage(DamageKind::Hole(self.chain.group));
            }
            if sector.get(PAYLOAD_BYTES) != Some(&BODY_STAMP) || at >= GROUP_BYTES_MAX {
                return damage(DamageKind::Stray);
            }
            end = Some(self.offset.saturating_add(at).saturating_add(SECTOR_BYTES));
        }
        Ok(end.map_or(Step::End { offset: self.offset }, |end| Step::Torn { offset: self.offset, end }))
    }

    fn check_chain(&self, header: &GroupHeader) -> Result<(), DamageKind> {
        if header.number != self.chain.group {
            return Err(DamageKind::Number { expected: self.chain.group, found: header.number });
        }
        let follows = header.previous_crc == self.chain.previous_crc
            && header.first == self.chain.position
            && header.epoch >= self.chain.epoch
            && header.durable_before <= header.first;
        if !follows {
            return Err(DamageKind::Chain(header.number));
        }
        let least = (header.records as usize).saturating_mul(HEADER_BYTES);
        if header.records == 0 || least > header.length as usize || header.stored_bytes() > GROUP_BYTES_MAX {
            return Err(DamageKind::Size(header.number));
        }
        Ok(())
    }

    /// A group that fails its CRC: interrupted if some sector of it is all zero and nothing stands after it.
    fn broken(&self, header: &GroupHeader, group: &[u8], after: &[u8]) -> Result<Step<'a>, Damage> {
        let offset = self.offset;
        if !group.chunks(SECTOR_BYTES).any(is_zero) {
            return Err(Damage { offset, kind: DamageKind::Crc(header.number) });
        }
        if !is_zero(after) {
            return Err(Damage { offset, kind: DamageKind::Hole(header.number) });
        }
        Ok(Step::Torn { offset, end: offset.saturating_add(group.len()) })
    }
}

/// A whole, sound group in a segment's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupView<'a> {
    /// What it says of itself.
    pub header: GroupHeader,
    /// Its CRC.
    pub crc: u32,
    /// Where it starts, in bytes from the start of what was scanned.
    pub offset: usize,
    /// Its bytes as stored.
    pub bytes: &'a [u8],
}

impl<'a> GroupView<'a> {
    /// Reads one group again, from exactly its stored `bytes`; its place in the chain was checked when it was first read.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Damage> {
        let damage = |kind| Damage { offset: 0, kind };
        let (header, crc) = GroupHeader::parse(bytes).map_err(damage)?;
        if header.stored_bytes() != bytes.len() {
            return Err(damage(DamageKind::Size(header.number)));
        }
        if group_crc(bytes) != crc {
            return Err(damage(DamageKind::Crc(header.number)));
        }
        Ok(Self { header, crc, offset: 0, bytes })
    }

    /// The stored size of the group whose first sector is `sector`, at most [`GROUP_BYTES_MAX`]; `None` when it is not one.
    #[must_use]
    pub fn stored_bytes(sector: &[u8]) -> Option<usize> {
        let size = GroupHeader::parse(sector).ok()?.0.stored_bytes();
        (size <= GROUP_BYTES_MAX).then_some(size)
    }

    /// The group's records. `buffer` is overwritten with them, back to back.
    pub fn records<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<Records<'b>, Damage> {
        buffer.clear();
        buffer.reserve(self.bytes.len());
        for (index, sector) in self.bytes.chunks_exact(SECTOR_BYTES).enumerate() {
            let from = if index == 0 { GROUP_HEADER_BYTES } else { 0 };
            buffer.extend_from_slice(&sector[from..PAYLOAD_BYTES]);
        }
        let damage = Damage { offset: self.offset, kind: DamageKind::Records(self.header.number) };
        let (records, padding) = buffer.split_at_checked(self.header.length as usize).ok_or(damage)?;
        let sound = is_zero(padding)
            && Records { bytes: records }.try_fold(self.header.first, |next, record| {
                (position_of(record) == next).then_some(next.next())
            }) == Some(self.header.end());
        if !sound {
            return Err(damage);
        }
        buffer.truncate(self.header.length as usize);
        Ok(Records { bytes: buffer })
    }
}

/// The records of a group, in order.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    bytes: &'a [u8],
}

impl<'a> Records<'a> {
    /// Records back to back, as [`GroupView::records`] leaves them in its buffer.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Those that were not taken yet, back to back.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.bytes.is_empty() {
            return None;
        }
        // A tail too short for its record comes out as it is: it fails the check of positions, for it has none.
        let size = RecordView::size_of_next(self.bytes).unwrap_or(self.bytes.len());
        let (record, rest) = self.bytes.split_at(size.min(self.bytes.len()));
        self.bytes = rest;
        Some(record)
    }
}

/// The position that a record states; what is too short for one states an impossible one.
pub(super) fn position_of(record: &[u8]) -> Position {
    let whole = RecordView::size_of_next(record) == Some(record.len()) && record.len() >= HEADER_BYTES;
    Position::new(if whole { u64::from_le_bytes(super::array(record, 16)) } else { u64::MAX })
}

/// Whether nothing was ever written to `bytes`.
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    // Whole blocks first: this runs over the unwritten part of every segment.
    let (blocks, rest) = bytes.as_chunks::<64>();
    blocks.iter().all(|block| block.iter().fold(0, |all, byte| all | byte) == 0)
        && rest.iter().all(|&byte| byte == 0)
}
