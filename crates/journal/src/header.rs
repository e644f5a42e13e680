//! The fixed header of every record, byte by byte.
//!
//! ```text
//! offset size field
//!      0    1 format version (1)
//!      1    1 zero
//!      2    2 kind
//!      4    4 body length in bytes
//!      8    8 system tag (first 8 bytes of SHA-256 of the system's name)
//!     16    8 position
//!     24    8 recorded time, microseconds since 1970-01-01T00:00:00Z
//!     32    4 business date, days since 1970-01-01
//!     36    2 cause: service number of its journal, 0 for none
//!     38    2 zero
//!     40    8 cause: position in that journal (of the same system, or the shared one)
//!     48   16 request id
//!     64   16 fingerprint of the request's content
//!     80    8 caller: position of the record that first named it
//!     88    … body
//! ```
//! All integers are little-endian. Group number and epoch stand in the group's header, not here.

use crate::{Day, Fingerprint, Instant, Position, RequestId, Service, SystemTag};

/// The size of a record's header.
pub const HEADER_BYTES: usize = 88;

/// The largest record, header included. Anything larger is a blob named by its SHA-256. Sixty thousand bytes keep a
/// record inside one tlog-tiles entry, whose length prefix has 16 bits.
pub const RECORD_BYTES_MAX: usize = 60_000;

const FORMAT_VERSION: u8 = 1;

/// What sort of command a record holds. Below 100 the engine's own ([`crate::house`]); from 100 the domain's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub u16);

impl Kind {
    /// Whether the engine itself, not the domain, decided this record.
    #[must_use]
    pub const fn is_house(self) -> bool {
        self.0 < 100
    }
}

/// The record in another journal that this one follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cause {
    /// Whose journal.
    pub service: Service,
    /// Where in it.
    pub position: Position,
}

/// What every record says of itself before its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What sort of command.
    pub kind: Kind,
    /// Whose journal it belongs to.
    pub system: SystemTag,
    /// Its position.
    pub position: Position,
    /// When it was recorded; never decreases along a journal.
    pub recorded_time: Instant,
    /// The business date on which it was recorded.
    pub business_date: Day,
    /// What it follows from in another journal.
    pub cause: Option<Cause>,
    /// The attempt that it answers.
    pub request_id: RequestId,
    /// The content of that attempt.
    pub fingerprint: Fingerprint,
    /// Who called: the position of the record that first named the caller.
    pub caller: Position,
}

/// Bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Fewer bytes than a header, or than the header announces.
    #[error("the record is cut short")]
    Short,
    /// More bytes than the header announces.
    #[error("the record is longer than it says")]
    Long,
    /// A format that this program does not know.
    #[error("record format version {0} is not known")]
    Version(u8),
    /// Bytes that are always zero are not.
    #[error("reserved bytes are not zero")]
    Reserved,
    /// A cause names no known service.
    #[error("the cause names service {0}, which is not known")]
    Cause(u16),
    /// The request id is of an impossible version.
    #[error("the request id is of an impossible version")]
    RequestId,
    /// The body would exceed [`RECORD_BYTES_MAX`].
    #[error("a record holds at most {RECORD_BYTES_MAX} bytes")]
    TooLarge,
}

impl Header {
    /// Appends the record of this header and `body` to `out`. Errors, writing nothing, when it is too large.
    pub fn write_record(&self, body: &[u8], out: &mut Vec<u8>) -> Result<(), HeaderError> {
        if body.len() > RECORD_BYTES_MAX.saturating_sub(HEADER_BYTES) {
            return Err(HeaderError::TooLarge);
        }
        let length = u32::try_from(body.len()).map_err(|_| HeaderError::TooLarge)?;
        let (cause_service, cause_position) =
            self.cause.map_or((0, 0), |cause| (cause.service.number(), cause.position.get()));
        out.reserve(HEADER_BYTES.saturating_add(body.len()));
        out.extend_from_slice(&[FORMAT_VERSION, 0]);
        out.extend_from_slice(&self.kind.0.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.system.0);
        out.extend_from_slice(&self.position.get().to_le_bytes());
        out.extend_from_slice(&self.recorded_time.micros().to_le_bytes());
        out.extend_from_slice(&self.business_date.get().to_le_bytes());
        out.extend_from_slice(&cause_service.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&cause_position.to_le_bytes());
        out.extend_from_slice(&self.request_id.to_bytes());
        out.extend_from_slice(&self.fingerprint.0);
        out.extend_from_slice(&self.caller.get().to_le_bytes());
        out.extend_from_slice(body);
        Ok(())
    }
}

/// A record read from bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Its header.
    pub header: Header,
    /// Its body: a CBOR array of command and outcome.
    pub body: &'a [u8],
}

impl<'a> RecordView<'a> {
    /// Reads exactly one record from `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        let (head, body) = bytes.split_at_checked(HEADER_BYTES).ok_or(HeaderError::Short)?;
        let mut fields = Fields(head);
        let [version, zero] = fields.take()?;
        if version != FORMAT_VERSION {
            return Err(HeaderError::Version(version));
        }
        let kind = Kind(u16::from_le_bytes(fields.take()?));
        let length = u32::from_le_bytes(fields.take()?);
        let system = SystemTag(fields.take()?);
        let position = Position::new(u64::from_le_bytes(fields.take()?));
        let recorded_time = Instant::from_micros(i64::from_le_bytes(fields.take()?));
        let business_date = Day::new(i32::from_le_bytes(fields.take()?));
        let cause_service = u16::from_le_bytes(fields.take()?);
        let zeros: [u8; 2] = fields.take()?;
        let cause_position = Position::new(u64::from_le_bytes(fields.take()?));
        let request_id = RequestId::from_bytes(fields.take()?).map_err(|_| HeaderError::RequestId)?;
        let fingerprint = Fingerprint(fields.take()?);
        let caller = Position::new(u64::from_le_bytes(fields.take()?));
        if zero != 0 || zeros != [0, 0] {
            return Err(HeaderError::Reserved);
        }
        let cause = match cause_service {
            0 if cause_position == Position::FIRST => None,
            0 => return Err(HeaderError::Reserved),
            number => {
                let service = Service::from_number(number).ok_or(HeaderError::Cause(number))?;
                Some(Cause { service, position: cause_position })
            }
        };
        match usize::try_from(length).map_err(|_| HeaderError::Short)?.cmp(&body.len()) {
            core::cmp::Ordering::Less => return Err(HeaderError::Long),
            core::cmp::Ordering::Equal => {}
            core::cmp::Ordering::Greater => return Err(HeaderError::Short),
        }
        let header = Header {
            kind,
            system,
            position,
            recorded_time,
            business_date,
            cause,
            request_id,
            fingerprint,
            caller,
        };
        Ok(Self { header, body })
    }

    /// The size of the record that starts with `bytes`, header included, when at least a header is there.
    #[must_use]
    pub fn size_of_next(bytes: &[u8]) -> Option<usize> {
        let length: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(length)).ok()?.checked_add(HEADER_BYTES)
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(HeaderError::Short)?;
        self.0 = rest;
        Ok(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemName, fingerprint};
    use expect_test::expect;
    use proptest::prelude::*;

    fn header(position: u64, cause: Option<Cause>) -> Header {
        Header {
            kind: Kind(100),
            system: "berkshire-west".parse::<SystemName>().unwrap().tag(),
            position: Position::new(position),
            recorded_time: "2017-06-01T09:00:00Z".parse().unwrap(),
            business_date: "2017-06-01".parse().unwrap(),
            cause,
            request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
            fingerprint: fingerprint(b"content"),
            caller: Position::new(3),
        }
    }

    /// The golden bytes of a record: append-only, since every journal is made of them.
    #[test]
    fn the_header_is_these_bytes() {
        let mut bytes = Vec::new();
        let cause = Some(Cause { service: Service::Referrals, position: Position::new(7) });
        header(9, cause).write_record(&[0x82, 0x80, 0x80], &mut bytes).unwrap();
        let text: Vec<String> =
            bytes.chunks(16).map(|row| row.iter().map(|b| format!("{b:02x}")).collect()).collect();
        expect![[r#"
            010064000300000065c84fcf79ef08d2
            09000000000000000004f942e2500500
            a6430000030000000700000000000000
            0192f0c12b3c7d4e8f90123456789abc
            ed7002b439e9ac845f22357d822bac14
            0300000000000000828080"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn damage_is_named() {
        let mut bytes = Vec::new();
        header(9, None).write_record(&[0x80], &mut bytes).unwrap();
        let edit = |at: usize, to: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = to;
            bytes
        };
        let longer = [bytes.clone(), vec![0]].concat();
        let cases = [
            (bytes[..87].to_vec(), HeaderError::Short),
            (bytes[..88].to_vec(), HeaderError::Short),
            (longer, HeaderError::Long),
            (edit(0, 2), HeaderError::Version(2)),
            (edit(1, 1), HeaderError::Reserved),
            (edit(36, 99), HeaderError::Cause(99)),
            (edit(40, 1), HeaderError::Reserved),
            (edit(54, 0x10), HeaderError::RequestId),
        ];
        for (bytes, error) in cases {
            assert_eq!(RecordView::parse(&bytes), Err(error));
        }
        let body = vec![0; RECORD_BYTES_MAX - HEADER_BYTES + 1];
        assert_eq!(header(0, None).write_record(&body, &mut Vec::new()), Err(HeaderError::TooLarge));
    }

    proptest! {
        #[test]
        fn records_round_trip(position: u64, body in proptest::collection::vec(any::<u8>(), 0..200), caused: bool) {
            let cause = caused.then_some(Cause { service: Service::Ledger, position: Position::new(position) });
            let header = header(position, cause);
            let mut bytes = Vec::new();
            header.write_record(&body, &mut bytes).unwrap();
            prop_assert_eq!(RecordView::size_of_next(&bytes), Some(bytes.len()));
            prop_assert_eq!(RecordView::parse(&bytes).unwrap(), RecordView { header, body: &body });
        }
    }
}
