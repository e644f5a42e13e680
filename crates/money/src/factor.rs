//! Factors that multiply a price, and the one place where their product is rounded to pence.

use crate::{NetPence, Overflow, Pence};
use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

/// How an exact product in pence becomes money. Half is rounded away from zero ("half-up" in the NHS's usage).
///
/// SUS extracts keep whole-pound and unrounded totals side by side, so no single rounding is the obvious one: the unit is a
/// term of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Rounding {
    /// To the nearest penny, half up.
    #[n(0)]
    NearestPenny,
    /// To the nearest whole pound, half up.
    #[n(1)]
    NearestPound,
}

/// A text is not a factor in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a factor: digits with an optional decimal point, no sign, no trailing zero, at most 12 decimals"
)]
pub struct FactorError(pub String);

/// A non-negative exact decimal that multiplies a price (for example a market forces factor, `1.149759`).
///
/// It has one spelling per value (no trailing zeros, at most 12 decimals), so equal factors have equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Factor(Decimal);

/// An exact product of money and factors, in pence with decimals, before it is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Product(Decimal);

impl Factor {
    /// The factor that changes nothing.
    pub const ONE: Self = Self(Decimal::ONE);

    /// The decimal value.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// A factor of `percent` hundredths, as for a top-up of so many per cent.
    #[must_use]
    pub fn from_percent(percent: u32) -> Self {
        Self(Decimal::from_i128_with_scale(i128::from(percent), 2).normalize())
    }

    /// `amount × self`, exact. Errors when the product does not fit.
    pub fn times(self, amount: Pence) -> Result<Product, Overflow> {
        Decimal::from(amount.get()).checked_mul(self.0).map(Product).ok_or(Overflow)
    }
}

impl Product {
    /// Rounds once. Errors when the result exceeds [`Pence::MAX`].
    pub fn round(self, rounding: Rounding) -> Result<Pence, Overflow> {
        let hundred = Decimal::ONE_HUNDRED;
        let rounded = match rounding {
            Rounding::NearestPenny => {
                self.0.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
            }
            Rounding::NearestPound => self
                .0
                .checked_div(hundred)
                .map(|pounds| pounds.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
                .and_then(|pounds| pounds.checked_mul(hundred))
                .ok_or(Overflow)?,
        };
        rounded.to_i64().and_then(Pence::new).ok_or(Overflow)
    }

    /// The exact value in pence, in its one spelling.
    #[must_use]
    pub fn exact(self) -> Decimal {
        self.0.normalize()
    }
}

/// The correction between two roundings of the same line: new rounded − old rounded, never a rounded difference.
#[must_use]
pub fn correction(new: Pence, old: Pence) -> NetPence {
    new.net(old)
}

impl FromStr for Factor {
    type Err = FactorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || FactorError(text.chars().take(40).collect());
        let plain = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && text.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let value = Decimal::from_str_exact(text).map_err(|_| error())?;
        let one_spelling = value.normalize().to_string() == text && value.scale() <= 12;
        if plain && one_spelling { Ok(Self(value)) } else { Err(error()) }
    }
}

impl TryFrom<Decimal> for Factor {
    type Error = FactorError;

    fn try_from(value: Decimal) -> Result<Self, Self::Error> {
        value.normalize().to_string().parse()
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exact().fmt(f)
    }
}

/// Encoded as its text, so that any CBOR reader shows the figure that a person would write.
impl<C> Encode<C> for Factor {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0.to_string())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Factor {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(minicbor::decode::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(text: &str) -> Factor {
        text.parse().unwrap()
    }

    /// £106 (ophthalmology first attendance, 2013/14) × 1.06129992 over 1,000 attendances, in its three forms.
    #[test]
    fn the_commonest_false_difference_has_three_forms() {
        let price = Pence::from_u32(106_00);
        let product = factor("1.06129992").times(price).unwrap();
        assert_eq!(product.to_string(), "11249.779152");
        let line = |rounding| product.round(rounding).unwrap().checked_mul(1_000).unwrap();
        assert_eq!(line(Rounding::NearestPound), Pence::from_u32(112_000_00));
        assert_eq!(line(Rounding::NearestPenny), Pence::from_u32(112_500_00));
        let thousand = factor("1.06129992").times(price.checked_mul(1_000).unwrap()).unwrap();
        assert_eq!(thousand.round(Rounding::NearestPenny).unwrap(), Pence::from_u32(112_497_79));
    }

    #[test]
    fn half_goes_up() {
        for (pence, rounding, expected) in [
            (1, Rounding::NearestPenny, 1),
            (3, Rounding::NearestPenny, 2),
            (100, Rounding::NearestPound, 100),
        ] {
            let half = factor("0.5").times(Pence::from_u32(pence)).unwrap();
            assert_eq!(
                half.round(rounding).unwrap(),
                Pence::from_u32(expected),
                "{pence} × 0.5 {rounding:?}"
            );
        }
    }

    #[test]
    fn a_factor_has_one_spelling() {
        for good in ["1", "1.149759", "0", "0.000000000001"] {
            assert_eq!(factor(good).to_string(), good);
        }
        for bad in ["", "1.0", "+1", "-1", ".5", "1.", "1e3", "01", "1,0", "0.0000000000001", "1.1\n"] {
            assert!(bad.parse::<Factor>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_product_too_large_is_refused() {
        assert_eq!(factor("2").times(Pence::MAX).unwrap().round(Rounding::NearestPenny), Err(Overflow));
    }
}
