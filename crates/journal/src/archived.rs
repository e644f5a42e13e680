//! What stands in a journal's folder for a segment that was moved to an archive.
//!
//! ```text
//! offset size field, little-endian
//!      0    8 "ALMARCH1"
//!      8    8 the segment's length in bytes
//!     16   32 SHA-256 of the segment
//!     48   28 before its first group: epoch (8), group (8), position (8), CRC of the group before (4)
//!     76   28 after its last group: the same
//!    104    2 length of the archive's folder
//!    106    … the archive's folder, UTF-8, under which the segment is <system>/<service>/<its name>
//!      …    1 how many hashes follow
//!      …    … the tree's right edge after its last record, largest subtree first, 32 bytes each
//!    end   32 SHA-256 of all before it
//! ```
//!
//! It says where the chain of groups and the tree go on, for whoever reads what follows without the archive at hand. The tree's edge is
//! not taken on trust: only the true one leads to the signed checkpoint.

use crate::{Chain, Digest, Position, Tree};

/// What a journal keeps of an archived segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The segment's length in bytes.
    pub bytes: u64,
    /// The SHA-256 of the segment.
    pub digest: Digest,
    /// What its first group must say.
    pub before: Chain,
    /// What the first group after it must say.
    pub after: Chain,
    /// The folder of the archive.
    pub folder: String,
    /// The tree over all records up to its last.
    pub tree: Tree,
}

const MAGIC: &[u8; 8] = b"ALMARCH1";
const DIGEST_BYTES: usize = 32;

/// A file is not what stands for an archived segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not say what was archived")]
pub struct ArchivedError;

impl Archived {
    /// The first of its records.
    #[must_use]
    pub const fn first(&self) -> Position {
        self.before.position
    }

    /// The position after its last record.
    #[must_use]
    pub const fn end(&self) -> Position {
        self.after.position
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1_024);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.bytes.to_le_bytes());
        bytes.extend_from_slice(&self.digest.0);
        for Chain { epoch, group, position, previous_crc } in [self.before, self.after] {
            bytes.extend_from_slice(&epoch.to_le_bytes());
            bytes.extend_from_slice(&group.to_le_bytes());
            bytes.extend_from_slice(&position.get().to_le_bytes());
            bytes.extend_from_slice(&previous_crc.to_le_bytes());
        }
        // A path is at most 4,096 bytes, an edge at most 64 hashes.
        bytes.extend_from_slice(&u16::try_from(self.folder.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(self.folder.as_bytes());
        let edge = self.tree.edge();
        bytes.push(u8::try_from(edge.len()).unwrap_or(u8::MAX));
        edge.iter().for_each(|hash| bytes.extend_from_slice(&hash.0));
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(&digest.0);
        bytes
    }

    /// Reads what [`Archived::to_bytes`] wrote.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArchivedError> {
        Self::read(bytes).ok_or(ArchivedError)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
        if Digest::of(body).0 != digest {
            return None;
        }
        let mut fields = Fields(body.strip_prefix(MAGIC)?);
        let bytes = fields.number()?;
        let digest = Digest(fields.take()?);
        let (before, after) = (fields.chain()?, fields.chain()?);
        let length = usize::from(u16::from_le_bytes(fields.take()?));
        let folder = core::str::from_utf8(fields.slice(length)?).ok()?.to_owned();
        let [hashes] = fields.take()?;
        let edge = (0..hashes).map(|_| fields.take().map(Digest)).collect::<Option<Vec<_>>>()?;
        let tree = Tree::from_edge(after.position.get(), edge)?;
        let whole = fields.0.is_empty() && before.position <= after.position;
        whole.then_some(Self { bytes, digest, before, after, folder, tree })
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn chain(&mut self) -> Option<Chain> {
        Some(Chain {
            epoch: self.number()?,
            group: self.number()?,
            position: Position::new(self.number()?),
            previous_crc: self.take().map(u32::from_le_bytes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn archived() -> Archived {
        let mut tree = Tree::new();
        (0..3).for_each(|leaf| tree.append(Digest([leaf; 32])));
        Archived {
            bytes: 4 << 20,
            digest: Digest([9; 32]),
            before: Chain { epoch: 1, group: 1, position: Position::new(1), previous_crc: 7 },
            after: Chain { epoch: 2, group: 2, position: Position::new(3), previous_crc: 8 },
            folder: "/archive".to_owned(),
            tree,
        }
    }

    /// Golden bytes: they stand in data folders.
    #[test]
    fn it_is_these_bytes_and_nothing_else_is_it() {
        let bytes = archived().to_bytes();
        let text: Vec<String> =
            bytes.chunks(32).map(|row| row.iter().map(|b| format!("{b:02x}")).collect()).collect();
        expect![[r#"
            414c4d4152434831000040000000000009090909090909090909090909090909
            0909090909090909090909090909090901000000000000000100000000000000
            0100000000000000070000000200000000000000020000000000000003000000
            000000000800000008002f61726368697665022ad82c3a51e8ed6418cb5bf267
            c5f9e521b99f7ab4fce657f460a8f1a3e87b2e02020202020202020202020202
            0202020202020202020202020202020202020285f343e86d6397eaf163630de5
            2bea20033aeef8e875e00e21ba7c38486b7d80"#]]
        .assert_eq(&text.join("\n"));
        assert_eq!(Archived::parse(&bytes), Ok(archived()));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Archived::parse(&flipped), Err(ArchivedError), "byte {at}");
            assert_eq!(Archived::parse(&bytes[..at]), Err(ArchivedError), "cut at {at}");
        }
        // A sound digest over counts that do not agree.
        for wrong in [
            Archived { after: Chain { position: Position::new(4), ..archived().after }, ..archived() },
            Archived { before: Chain { position: Position::new(4), ..archived().before }, ..archived() },
        ] {
            assert_eq!(Archived::parse(&wrong.to_bytes()), Err(ArchivedError));
        }
    }
}
