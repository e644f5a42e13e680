//! The names of contracts, held inline so that they can be copied and hashed cheaply.

use core::{fmt, str::FromStr};

/// A text is not a contract's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a contract's id is 1 to {LENGTH_MAX} of A-Z, a-z, 0-9, `.`, `-`, `_` and `/`, starting with a letter or digit"
)]
pub struct ContractIdError;

/// A contract's name: at most 20 characters, as LOCAL CONTRACT CODE in the NHS Data Dictionary (max an20).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContractId([u8; LENGTH_MAX]);

const LENGTH_MAX: usize = 20;

impl ContractId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(LENGTH_MAX);
        // Only ASCII is ever held.
        core::str::from_utf8(self.0.get(..length).unwrap_or(&[])).unwrap_or_default()
    }
}

impl FromStr for ContractId {
    type Err = ContractIdError;

    fn from_str(text: &str) -> Result<Self, ContractIdError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
        let good = text.len() <= LENGTH_MAX
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && text.bytes().all(plain);
        if !good {
            return Err(ContractIdError);
        }
        let mut held = [0; LENGTH_MAX];
        held.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte);
        Ok(Self(held))
    }
}

impl fmt::Display for ContractId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ContractId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContractId({self})")
    }
}

impl<C> minicbor::Encode<C> for ContractId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for ContractId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(minicbor::decode::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for good in ["A", "10M-RHW-1718", "a.b_c/d", "12345678901234567890"] {
            let id: ContractId = good.parse().unwrap();
            assert_eq!(id.as_str(), good);
            assert_eq!(minicbor::decode::<ContractId>(&minicbor::to_vec(id).unwrap()).unwrap(), id);
        }
        for bad in ["", "-a", " a", "a b", "é", "a\0", "123456789012345678901"] {
            assert!(bad.parse::<ContractId>().is_err(), "{bad:?}");
        }
    }
}
