//! The small values of the controlled plane.

use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};

/// What stands for an NHS number inside this service, and nowhere else: see [`crate::seal::IndexKey`].
///
/// Without the index key it says nothing; with it, every number can be tried. So it is not shown either.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct BlindIndex(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex(withheld)")
    }
}

/// Sealed bytes: `nonce ++ ciphertext ++ tag`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Sealed(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A text is not the id of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payee is named by its plan, for example phb-123")]
pub struct PayeeIdError;

/// The name under which a plan's direct payments are paid: the plan's id, `phb-` and one to nine digits.
///
/// Nine, because ten digits could be an NHS number that slipped in from another column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayeeId(Box<str>);

impl PayeeId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PayeeId {
    type Err = PayeeIdError;

    fn from_str(text: &str) -> Result<Self, PayeeIdError> {
        let digits = text.strip_prefix("phb-").ok_or(PayeeIdError)?;
        let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if plain && !digits.starts_with('0') { Ok(Self(text.into())) } else { Err(PayeeIdError) }
    }
}

impl fmt::Display for PayeeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for PayeeId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PayeeId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(|_| minicbor::decode::Error::message("a payee's id is malformed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payee_is_named_by_its_plan() {
        for good in ["phb-1", "phb-123456789"] {
            assert_eq!(good.parse::<PayeeId>().unwrap().to_string(), good);
        }
        for bad in
            ["", "phb-", "phb-0", "phb-01", "PHB-1", "phb-9434765919", "9434765919", "phb-1x", "phb-+1"]
        {
            assert_eq!(bad.parse::<PayeeId>(), Err(PayeeIdError), "{bad}");
        }
    }

    #[test]
    fn nothing_is_shown() {
        assert_eq!(format!("{:?}", BlindIndex([7; 16])), "BlindIndex(withheld)");
        assert_eq!(format!("{:?}", Sealed(vec![1, 2, 3])), "Sealed(3 bytes)");
    }
}
