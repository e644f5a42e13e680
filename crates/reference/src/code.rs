//! The registry's own short names, held inline so that they can be copied and hashed cheaply.

use core::{fmt, str::FromStr};

/// A text is not a name that the registry gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} is 1 to {length_max} of A-Z, a-z, 0-9, full stop, hyphen, underscore and slash, starting with a letter or digit"
)]
pub struct CodeError {
    /// What it should have been.
    pub what: &'static str,
    /// The largest length in characters.
    pub length_max: usize,
}

fn check(text: &str, what: &'static str, length_max: usize) -> Result<(), CodeError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    let good = text.len() <= length_max
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(plain);
    if good { Ok(()) } else { Err(CodeError { what, length_max }) }
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $length_max:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length_max]);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                let length = self.0.iter().position(|b| *b == 0).unwrap_or($length_max);
                // Only ASCII is ever held.
                core::str::from_utf8(self.0.get(..length).unwrap_or(&[])).unwrap_or_default()
            }
        }

        impl FromStr for $name {
            type Err = CodeError;

            fn from_str(text: &str) -> Result<Self, CodeError> {
                check(text, $what, $length_max)?;
                let mut held = [0; $length_max];
                held.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte);
                Ok(Self(held))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                d.str()?.parse().map_err(minicbor::decode::Error::custom)
            }
        }
    };
}

code!(
    /// A contract's name: at most 20 characters, as LOCAL CONTRACT CODE in the NHS Data Dictionary (max an20).
    ContractId,
    20,
    "a contract's id"
);

code!(
    /// A price book's name, for example `ntps/2017-18` or `local/outpatient-2017-18`: at most 40 characters.
    PriceBookId,
    40,
    "a price book's id"
);

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
        assert!("123456789012345678901".parse::<PriceBookId>().is_ok());
    }
}
