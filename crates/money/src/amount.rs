//! The integer amounts.

use core::fmt;
use minicbor::{Decode, Encode};

/// The result of a sum would not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount does not fit: at most {max} pence", max = i64::MAX)]
pub struct Overflow;

/// A side of double entry. A sign is never used in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Side {
    /// The left-hand side: assets and expenditure grow here.
    #[n(0)]
    Debit,
    /// The right-hand side: liabilities and funding grow here.
    #[n(1)]
    Credit,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// A non-negative amount in pence, from 0 to `i64::MAX`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pence(i64);

impl Pence {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The largest amount that a record can hold.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount of `pence`, or `None` when it is negative.
    #[must_use]
    pub const fn new(pence: i64) -> Option<Self> {
        if pence < 0 { None } else { Some(Self(pence)) }
    }

    /// An amount of `pence` that cannot be negative.
    #[must_use]
    pub const fn from_u32(pence: u32) -> Self {
        Self(pence as i64)
    }

    /// The amount in pence; never negative.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether there is no money.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum. Errors when it exceeds [`Pence::MAX`].
    pub const fn checked_add(self, other: Self) -> Result<Self, Overflow> {
        match self.0.checked_add(other.0) {
            Some(sum) => Ok(Self(sum)),
            None => Err(Overflow),
        }
    }

    /// The difference, or `None` when `other` is larger.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) if difference >= 0 => Some(Self(difference)),
            _ => None,
        }
    }

    /// The product with a count. Errors when it exceeds [`Pence::MAX`].
    pub const fn checked_mul(self, count: u32) -> Result<Self, Overflow> {
        match self.0.checked_mul(count as i64) {
            Some(product) => Ok(Self(product)),
            None => Err(Overflow),
        }
    }

    /// `self − other` with its sign.
    #[must_use]
    pub const fn net(self, other: Self) -> NetPence {
        // Both are in 0..=i64::MAX, so their difference is in the range of i64.
        NetPence(self.0.saturating_sub(other.0))
    }

    /// The sum of many amounts. Errors when it exceeds [`Pence::MAX`].
    pub fn sum<I: IntoIterator<Item = Self>>(amounts: I) -> Result<Self, Overflow> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

/// A signed net position in pence (debits less credits, claimed less accepted…).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetPence(i64);

impl NetPence {
    /// No difference.
    pub const ZERO: Self = Self(0);

    /// A net position of `pence`.
    #[must_use]
    pub const fn new(pence: i64) -> Self {
        Self(pence)
    }

    /// The signed amount in pence.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether there is no difference.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum. Errors when it leaves the range of `i64`.
    pub const fn checked_add(self, other: Self) -> Result<Self, Overflow> {
        match self.0.checked_add(other.0) {
            Some(sum) => Ok(Self(sum)),
            None => Err(Overflow),
        }
    }

    /// The difference. Errors when it leaves the range of `i64`.
    pub const fn checked_sub(self, other: Self) -> Result<Self, Overflow> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Ok(Self(difference)),
            None => Err(Overflow),
        }
    }

    /// The size of the position without its sign; `i64::MIN` saturates to [`Pence::MAX`].
    #[must_use]
    pub const fn magnitude(self) -> Pence {
        Pence(self.0.saturating_abs())
    }

    /// The side on which a posting of this size stands: positive is `positive`, negative the opposite, zero none.
    #[must_use]
    pub const fn side(self, positive: Side) -> Option<Side> {
        match self.0 {
            0 => None,
            1.. => Some(positive),
            _ => Some(positive.opposite()),
        }
    }
}

impl From<Pence> for NetPence {
    fn from(amount: Pence) -> Self {
        Self(amount.0)
    }
}

/// A signed total over any number of accepted amounts: 2^64 of the largest fit, so sums need no check.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TotalPence(i128);

impl TotalPence {
    /// An empty total.
    pub const ZERO: Self = Self(0);

    /// A total of `pence`.
    #[must_use]
    pub const fn new(pence: i128) -> Self {
        Self(pence)
    }

    /// The signed total in pence.
    #[must_use]
    pub const fn get(self) -> i128 {
        self.0
    }

    /// Whether the total is nil.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The total with `amount` added.
    #[must_use]
    pub const fn plus(self, amount: Pence) -> Self {
        Self(self.0.saturating_add(amount.0 as i128))
    }

    /// The total with `amount` taken off.
    #[must_use]
    pub const fn minus(self, amount: Pence) -> Self {
        Self(self.0.saturating_sub(amount.0 as i128))
    }

    /// The sum of two totals.
    #[must_use]
    pub const fn plus_total(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference of two totals.
    #[must_use]
    pub const fn minus_total(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The total as a net position. Errors when it leaves the range of `i64`.
    pub fn to_net(self) -> Result<NetPence, Overflow> {
        i64::try_from(self.0).map(NetPence).map_err(|_| Overflow)
    }
}

impl From<Pence> for TotalPence {
    fn from(amount: Pence) -> Self {
        Self(i128::from(amount.0))
    }
}

impl From<NetPence> for TotalPence {
    fn from(amount: NetPence) -> Self {
        Self(i128::from(amount.0))
    }
}

impl<C> Encode<C> for Pence {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Pence {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.i64()?).ok_or_else(|| minicbor::decode::Error::message("an amount is negative"))
    }
}

impl<C> Encode<C> for NetPence {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for NetPence {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.i64().map(Self)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_never_go_below_nothing_or_past_the_largest() {
        assert_eq!(Pence::new(-1), None);
        assert_eq!(Pence::ZERO.checked_sub(Pence::from_u32(1)), None);
        assert_eq!(Pence::MAX.checked_add(Pence::from_u32(1)), Err(Overflow));
        assert_eq!(Pence::MAX.checked_mul(2), Err(Overflow));
        assert_eq!(Pence::ZERO.net(Pence::MAX).get(), -i64::MAX);
    }

    #[test]
    fn a_signed_net_falls_on_a_side() {
        let cases = [(5, Some(Side::Debit)), (0, None), (-5, Some(Side::Credit))];
        for (net, side) in cases {
            assert_eq!(NetPence::new(net).side(Side::Debit), side, "{net}");
        }
    }

    proptest! {
        #[test]
        fn totals_add_like_integers(amounts in proptest::collection::vec(0..=i64::MAX, 0..50)) {
            let total = amounts.iter().fold(TotalPence::ZERO, |t, a| t.plus(Pence::new(*a).unwrap()));
            prop_assert_eq!(total.get(), amounts.iter().map(|a| i128::from(*a)).sum::<i128>());
        }

        #[test]
        fn cbor_round_trips(amount in 0..=i64::MAX) {
            let bytes = minicbor::to_vec(Pence::new(amount).unwrap()).unwrap();
            prop_assert_eq!(minicbor::decode::<Pence>(&bytes).unwrap().get(), amount);
        }
    }
}
