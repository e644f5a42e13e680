//! The names of things in records: positions, request ids, digests, systems and services.

use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A text or number is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a UUID in its hyphenated spelling.
    #[error("a request id is a UUID, for example 0192f0c1-2b3c-7d4e-8f90-123456789abc")]
    NotUuid,
    /// A UUID of a version that no clock or derivation stands behind.
    #[error("a request id is a UUID of version 7 (or 8 when derived, 4 on single calls), not version {0}")]
    Version(usize),
    /// Not a system's name.
    #[error("a system's name is 1 to 40 of a-z, 0-9 and hyphen, starting with a letter, and not `keys`")]
    SystemName,
    /// Not a service of this project.
    #[error("`{0}` is not a service")]
    Service(String),
}

/// The index of a record in its journal and of its leaf in the tree: gapless from 0, given by the engine alone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Position(#[n(0)] u64);

impl Position {
    /// The position of the first record.
    pub const FIRST: Self = Self(0);

    /// The position numbered `index`.
    #[must_use]
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one. A journal never holds 2^64 records, so this does not wrap.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The position before this one, or `None` for the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(index) => Some(Self(index)),
            None => None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing among those that a record opened or first named: an account, a hold, a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Item {
    /// The record.
    #[n(0)]
    pub position: Position,
    /// Which of its things, from 0.
    #[n(1)]
    pub index: u16,
}

/// An account's number: the position of the record that opened it.
pub type AccountNumber = Position;

/// One attempt of a caller: same id and content, same outcome for ever. The 16 bytes of a UUID.
///
/// Version 7 from callers; 8 when derived from another id; 4 is tolerated on single calls, with a stated retention.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// The id held in `bytes`. Errors when its version is none of 4, 7 and 8.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, IdError> {
        match Uuid::from_bytes(bytes).get_version_num() {
            4 | 7 | 8 => Ok(Self(bytes)),
            version => Err(IdError::Version(version)),
        }
    }

    /// The 16 bytes, in the order of the text.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Whether a random UUID (version 4) without a time in it.
    #[must_use]
    pub fn is_random(self) -> bool {
        Uuid::from_bytes(self.0).get_version_num() == 4
    }

    /// The first 48 bits: Unix milliseconds for versions 7 and 8.
    #[must_use]
    pub fn millisecond(self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id = Uuid::try_parse(text).map_err(|_| IdError::NotUuid)?;
        if text.len() != 36 {
            return Err(IdError::NotUuid);
        }
        Self::from_bytes(id.into_bytes())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The first 16 bytes of a SHA-256: tells apart two contents under one request id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// A SHA-256: of a blob, a leaf, a node, a root.
#[derive(Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// An accountable care system's name in paths and origins, or `national` for what all systems share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemName(Box<str>);

impl SystemName {
    /// The name under which the registry keeps what all systems share.
    pub const NATIONAL: &'static str = "national";

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared system.
    #[must_use]
    pub fn national() -> Self {
        Self(Self::NATIONAL.into())
    }

    /// Whether this is the shared system.
    #[must_use]
    pub fn is_national(&self) -> bool {
        self.as_str() == Self::NATIONAL
    }

    /// The tag by which every record names this system.
    #[must_use]
    pub fn tag(&self) -> SystemTag {
        let [a, b, c, d, e, f, g, h, ..] = Digest::of(self.0.as_bytes()).0;
        SystemTag([a, b, c, d, e, f, g, h])
    }
}

impl FromStr for SystemName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let shape = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            // The folder beside the systems' own.
            && text != "keys";
        if shape { Ok(Self(text.into())) } else { Err(IdError::SystemName) }
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first 8 bytes of the SHA-256 of a system's name: a record cannot be moved to another system's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SystemTag(pub [u8; 8]);

/// The services that keep journals. The number stands in records and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Service {
    /// Systems, organisations, contracts, price books, calendars.
    #[n(1)]
    Registry,
    /// NHS numbers and pseudonyms; PHB payees.
    #[n(2)]
    Identity,
    /// Referrals, activity, challenges, cuts.
    #[n(3)]
    Referrals,
    /// Personal health budgets.
    #[n(4)]
    HealthBudgets,
    /// Accounts, entries, holds, limits, periods.
    #[n(5)]
    Ledger,
    /// Month end, runs, payment files, bank answers.
    #[n(6)]
    Settlement,
    /// Control totals, plans, offsets, ties.
    #[n(7)]
    Reconciliation,
}

impl Service {
    /// Every service, in the order in which they start: each asks only those before it (reconciliation asks all).
    pub const ALL: [Self; 7] = [
        Self::Registry,
        Self::Identity,
        Self::Ledger,
        Self::Referrals,
        Self::HealthBudgets,
        Self::Settlement,
        Self::Reconciliation,
    ];

    /// The service's word in paths, origins and options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Identity => "identity",
            Self::Referrals => "referrals",
            Self::HealthBudgets => "health-budgets",
            Self::Ledger => "ledger",
            Self::Settlement => "settlement",
            Self::Reconciliation => "reconciliation",
        }
    }

    /// The number that stands in record headers.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Registry => 1,
            Self::Identity => 2,
            Self::Referrals => 3,
            Self::HealthBudgets => 4,
            Self::Ledger => 5,
            Self::Settlement => 6,
            Self::Reconciliation => 7,
        }
    }

    /// The service with that number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.number() == number)
    }
}

impl FromStr for Service {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == text)
            .ok_or_else(|| IdError::Service(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! cbor_bytes {
    ($($name:ident),*) => {$(
        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                d.bytes()?.try_into().map(Self).map_err(minicbor::decode::Error::custom)
            }
        }
    )*};
}

cbor_bytes!(RequestId, Fingerprint, Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_have_one_spelling_and_a_known_version() {
        let text = "0192f0c1-2b3c-7d4e-8f90-123456789abc";
        let id: RequestId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id.millisecond(), 0x0192_f0c1_2b3c);
        for (bad, error) in [
            ("", IdError::NotUuid),
            ("0192f0c12b3c7d4e8f90123456789abc", IdError::NotUuid),
            ("{0192f0c1-2b3c-7d4e-8f90-123456789abc}", IdError::NotUuid),
            ("0192f0c1-2b3c-1d4e-8f90-123456789abc", IdError::Version(1)),
            ("00000000-0000-0000-0000-000000000000", IdError::Version(0)),
        ] {
            assert_eq!(bad.parse::<RequestId>(), Err(error), "{bad}");
        }
    }

    #[test]
    fn systems_have_plain_names() {
        for good in ["berkshire-west", "a", "national", "s2"] {
            assert_eq!(good.parse::<SystemName>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "2s", "A", "a/b", "..", "a b", "keys", &"a".repeat(41)] {
            assert_eq!(bad.parse::<SystemName>(), Err(IdError::SystemName), "{bad}");
        }
    }

    #[test]
    fn services_have_fixed_numbers() {
        for service in Service::ALL {
            assert_eq!(Service::from_number(service.number()), Some(service));
            assert_eq!(service.as_str().parse(), Ok(service));
            let cbor = minicbor::to_vec(service).unwrap();
            assert_eq!(cbor, minicbor::to_vec(service.number()).unwrap(), "one number everywhere");
        }
    }
}
