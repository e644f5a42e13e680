//! Lists of positions: which entries follow from a record, bear a reference, are of a kind, a month, a caller, a size.

use journal::{Cause, Digest, Position};
use ledger::{EntryKind, Posted, Posting};
use money::Side;
use nhs::Period;

/// A list of positions, by the key that it stands under in the read store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct List {
    pub(super) index: u8,
    pub(super) key: Vec<u8>,
}

impl List {
    fn new(index: u8, key: impl Into<Vec<u8>>) -> Self {
        Self { index, key: key.into() }
    }

    /// The entries that follow from a record, and others of its bucket.
    pub(crate) fn cause(cause: Cause) -> Self {
        let bucket = cause.position.get() / 256;
        Self::new(2, [&cause.service.number().to_be_bytes()[..], &bucket.to_be_bytes()].concat())
    }

    /// The entries that bear a reference, and others of its bucket.
    pub(crate) fn reference(reference: &str) -> Self {
        let [a, b, ..] = Digest::of(reference.as_bytes()).0;
        Self::new(3, [a, b >> 4])
    }

    /// The entries of a kind.
    pub(crate) fn kind(kind: EntryKind) -> Self {
        Self::new(4, kind.as_str())
    }

    /// The entries accounted for in a month.
    pub(crate) fn period(period: Period) -> Self {
        Self::new(5, period.to_string())
    }

    /// The entries that a caller made.
    pub(crate) fn caller(caller: Position) -> Self {
        Self::new(6, caller.get().to_be_bytes())
    }

    /// The entries whose amount has that many bits.
    fn bits(bits: u32) -> Self {
        Self::new(7, [u8::try_from(bits).unwrap_or(u8::MAX)])
    }

    /// The lists that hold every entry whose amount is within `least..=most`, and some that are not.
    pub(crate) fn amounts(least: i64, most: i64) -> Vec<Self> {
        (bits(least)..=bits(most)).map(Self::bits).collect()
    }

    /// The record that names a caller.
    pub(crate) fn caller_named(urn: &str) -> Self {
        Self::new(8, urn.as_bytes())
    }

    /// The lists that an entry stands in.
    pub(super) fn each(
        (cause, caller): (Option<Cause>, Position),
        posting: &Posting,
        posted: &Posted,
        mut add: impl FnMut(Self),
    ) {
        if let Some(cause) = cause {
            add(Self::cause(cause));
        }
        if let Some(reference) = &posting.reference {
            add(Self::reference(reference));
        }
        add(Self::kind(posting.kind));
        if let Some(period) = month(posted) {
            add(Self::period(period));
        }
        add(Self::caller(caller));
        add(Self::bits(bits(amount(posting, posted))));
    }
}

fn bits(amount: i64) -> u32 {
    i64::BITS - amount.max(0).leading_zeros()
}

/// The month in which an entry is accounted for.
pub(crate) fn month(posted: &Posted) -> Option<Period> {
    let date = posted.accounting_date.date();
    Period::new(date.year(), date.month()).ok()
}

/// An entry's amount: the sum of its debits, or, when it has no legs, of what its holds moved. The largest number when it is
/// larger than that.
pub(crate) fn amount(posting: &Posting, posted: &Posted) -> i64 {
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.fold(0_i64, i64::saturating_add);
    if posting.legs.is_empty() {
        return sum(&mut posted.held.iter().map(|pence| pence.get()));
    }
    let debits = posting.legs.iter().filter(|leg| leg.side == Side::Debit);
    sum(&mut debits.map(|leg| leg.pence.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_of_a_range_is_in_its_lists() {
        for (least, most) in [(0, 0), (0, 1), (1, 1), (5, 5), (100_000, 250_000), (1, i64::MAX)] {
            let lists = List::amounts(least, most);
            for amount in [least, least + (most - least) / 2, most] {
                assert!(lists.contains(&List::bits(bits(amount))), "{amount} of {least} to {most}");
            }
        }
        assert_eq!(List::amounts(1 << 20, 1 << 20).len(), 1);
    }
}
