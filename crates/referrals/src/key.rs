//! What lines are found by, in 16 bytes.

use crate::{ActivityLine, Care};
use core::{
    fmt,
    hash::{BuildHasher, Hasher},
};
use minicbor::{Decode, Encode};
use nhs::{CdsIdentifier, Hrg, OdsCode, PointOfDelivery};
use sha2::{Digest as _, Sha256};

/// The tag of a line's identity (its provider and the provider's name for it), made by the identity service under a key that
/// never leaves it. It stands where the name itself must not: the name of a line that could not be read may be anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct LineTag(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

impl LineTag {
    /// The tag of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What the identity service makes the tag of: SHA-256 over the provider's code, a zero and its name for the line.
    #[must_use]
    pub fn digest(provider: OdsCode, identifier: &CdsIdentifier) -> [u8; 32] {
        // No code holds a zero, so the pair is read in one way only.
        let mut hash = Sha256::new();
        hash.update(provider.as_str().as_bytes());
        hash.update([0]);
        hash.update(identifier.as_str().as_bytes());
        hash.finalize().into()
    }
}

impl fmt::Debug for LineTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineTag(withheld)")
    }
}

/// What a line is found by: the tag of its identity. Of lines recorded before there were tags, the first half of the SHA-256
/// of provider and name; they keep it for ever. Nobody can make one line pass for another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LineKey([u8; 16]);

impl LineKey {
    /// The key of a line recorded without a tag.
    pub(crate) fn untagged(provider: OdsCode, identifier: &CdsIdentifier) -> Self {
        let mut key = [0; 16];
        for (slot, byte) in key.iter_mut().zip(LineTag::digest(provider, identifier)) {
            *slot = byte;
        }
        Self(key)
    }

    /// The key of a line recorded with a tag.
    pub(crate) const fn tagged(tag: LineTag) -> Self {
        Self(tag.0)
    }

    pub(crate) const fn bytes(&self) -> [u8; 16] {
        self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Half of it, enough to tell whether two claims of care are one line's.
    pub(crate) fn short(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// What a line claims to have done for whom: two lines with one of these claim the same care twice.
///
/// The same patient, provider and day; for spells and procedures the same HRG, for attendances the same function and
/// kind of attendance. Source: the automated challenges of commissioners (NHS practice, unverified).
///
/// No hash: day (4 bytes), provider (6) and what was done (5) fill 15 bytes, which are laid over the patient's 16 random
/// ones. Of one patient no two claims meet; of two they meet as rarely as two patients' pseudonyms do.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CareKey([u8; 16]);

impl CareKey {
    pub(crate) const NONE: Self = Self([0; 16]);

    pub(crate) const fn bytes(&self) -> [u8; 16] {
        self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) fn new(line: &ActivityLine) -> Self {
        let done = match (line.care, line.hrg) {
            (Care::Admitted { .. }, Some(hrg)) => grouped(1, hrg),
            (Care::Outpatient { .. }, Some(hrg)) if line.pod.is_procedure() => grouped(2, hrg),
            (_, _) => attendance(line.pod, line.function.number()),
        };
        let day = line.date().get().to_le_bytes();
        let provider = line.provider.as_str().bytes().chain(core::iter::repeat(0)).take(6);
        let mut key = *line.pseudonym.as_bytes();
        let over = day.into_iter().chain(provider).chain(done);
        key.iter_mut().zip(over).for_each(|(slot, byte)| *slot ^= byte);
        Self(key)
    }
}

fn grouped(setting: u8, hrg: Hrg) -> [u8; 5] {
    let [a, b, c, d] = hrg.key().to_le_bytes();
    [setting, a, b, c, d]
}

fn attendance(pod: PointOfDelivery, function: u16) -> [u8; 5] {
    let [low, high] = function.to_le_bytes();
    let first = match pod.is_first() {
        Some(true) => 1,
        Some(false) => 2,
        None => 0,
    };
    [3, low, high, first, u8::from(pod.is_remote())]
}

/// Hashes what is a hash already: its first eight bytes.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ByHash;

/// The hasher of [`ByHash`].
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct FirstEight(u64);

impl BuildHasher for ByHash {
    type Hasher = FirstEight;

    fn build_hasher(&self) -> FirstEight {
        FirstEight(0)
    }
}

impl Hasher for FirstEight {
    fn write(&mut self, bytes: &[u8]) {
        // A [u8; 16] arrives as its length and then its bytes; the longer write is the key.
        if let Some([a, b, c, d, e, f, g, h]) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
