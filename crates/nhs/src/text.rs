//! Short codes held inline, and what every text code shares.

use crate::{Field, ParseError, Problem};

/// Up to `N` ASCII characters, padded with NUL. Ordered like the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Inline<const N: usize>([u8; N]);

impl<const N: usize> Inline<N> {
    /// Holds `bytes`; what exceeds `N` is cut, so callers check the length first.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut held = [0; N];
        for (slot, byte) in held.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        Self(held)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(N);
        self.0.get(..length).unwrap_or(&[])
    }

    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII is ever held.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Checks that `bytes` follow `pattern`: `A` a capital, `9` a digit. The lengths must agree.
pub(crate) fn check_pattern(field: Field, bytes: &[u8], pattern: &[u8]) -> Result<(), ParseError> {
    if bytes.is_empty() {
        return Err(field.refuse(Problem::Empty));
    }
    if bytes.len() != pattern.len() {
        return Err(field.refuse(Problem::Length { found: bytes.len() }));
    }
    check_each(
        field,
        bytes.iter().zip(pattern).map(|(byte, class)| match class {
            b'A' => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit(),
        }),
    )
}

/// Refuses at the first character for which `good` is false.
pub(crate) fn check_each<I: Iterator<Item = bool>>(field: Field, mut good: I) -> Result<(), ParseError> {
    match good.position(|good| !good) {
        None => Ok(()),
        Some(index) => Err(field.refuse(Problem::Character { position: index.saturating_add(1) })),
    }
}

/// The value of decimal digits; callers have checked that there are at most 19 and nothing else.
pub(crate) fn digits(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value: u64, byte| {
        value.saturating_mul(10).saturating_add(u64::from(byte.saturating_sub(b'0')))
    })
}

/// A code whose text is its whole value: `as_str`, `Display`, `Debug`, and CBOR text.
macro_rules! text_code {
    ($name:ident) => {
        impl $name {
            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }

        $crate::text::cbor_as_text!($name);
    };
}

/// CBOR text by `as_str` and `FromStr`.
macro_rules! cbor_as_text {
    ($name:ident) => {
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

/// A closed code list as an enum: `as_str`, `ALL`, `FromStr`, `Display` and CBOR text.
macro_rules! code_list {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every code of the list, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($code => Ok(Self::$variant),)+
                    "" => Err($crate::Field::$name.refuse($crate::Problem::Empty)),
                    _ => Err($crate::Field::$name.refuse($crate::Problem::Unknown)),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        $crate::text::cbor_as_text!($name);
    };
}

pub(crate) use {cbor_as_text, code_list, text_code};
