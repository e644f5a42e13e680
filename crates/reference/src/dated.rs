//! Spans of days, and rows found by key and day.

use core::hash::Hash;
use hashbrown::HashMap;
use journal::Day;
use minicbor::{Decode, Encode};

/// The days on which a row holds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Validity {
    /// The first day.
    #[n(0)]
    pub from: Day,
    /// The last day; none while it is open.
    #[n(1)]
    pub until: Option<Day>,
}

impl Validity {
    /// From `from` on, without an end.
    #[must_use]
    pub const fn since(from: Day) -> Self {
        Self { from, until: None }
    }

    /// From `from` to `until`, both included.
    #[must_use]
    pub const fn between(from: Day, until: Day) -> Self {
        Self { from, until: Some(until) }
    }

    /// Whether it holds on `day`.
    #[must_use]
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    /// Whether some day lies in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let starts_in_time = |a: &Self, b: &Self| b.until.is_none_or(|until| a.from <= until);
        starts_in_time(self, other) && starts_in_time(other, self)
    }

    /// Whether it holds on every day of `other`.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let ends_in_time = match (self.until, other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => theirs <= mine,
        };
        self.from <= other.from && ends_in_time
    }

    /// Whether the last day is not before the first.
    #[must_use]
    pub fn is_forward(&self) -> bool {
        self.until.is_none_or(|until| self.from <= until)
    }
}

/// Row numbers by key, latest beginning first. For look-up only: nothing iterates over it.
#[derive(Debug, Clone)]
pub(crate) struct Dated<K>(HashMap<K, Vec<(Validity, u32)>>);

impl<K: Hash + Eq> Dated<K> {
    /// Indexes rows given as (key, validity), numbered in the order given.
    pub(crate) fn new<I: IntoIterator<Item = (K, Validity)>>(rows: I) -> Self {
        Self::numbered(rows.into_iter().zip(0_u32..).map(|((key, validity), number)| (key, validity, number)))
    }

    /// Indexes rows given as (key, validity, number).
    pub(crate) fn numbered<I: IntoIterator<Item = (K, Validity, u32)>>(rows: I) -> Self {
        let mut index: HashMap<K, Vec<(Validity, u32)>> = HashMap::new();
        for (key, validity, number) in rows {
            let spans = index.entry(key).or_default();
            let at = spans.partition_point(|(held, _)| held.from > validity.from);
            spans.insert(at, (validity, number));
        }
        Self(index)
    }

    /// The numbers of the rows of `key` that hold on `day`, latest beginning first.
    pub(crate) fn on(&self, key: &K, day: Day) -> impl Iterator<Item = usize> + '_ {
        let spans = self.0.get(key).map(Vec::as_slice).unwrap_or_default();
        spans
            .iter()
            .filter(move |(validity, _)| validity.covers(day))
            .filter_map(|(_, number)| usize::try_from(*number).ok())
    }

    /// The row of `key` that counts on `day`.
    pub(crate) fn get<'r, R>(&self, rows: &'r [R], key: &K, day: Day) -> Option<&'r R> {
        self.on(key, day).next().and_then(|number| rows.get(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i32, until: Option<i32>) -> Validity {
        Validity { from: Day::new(from), until: until.map(Day::new) }
    }

    #[test]
    fn both_ends_are_included() {
        let table = [
            (span(5, Some(7)), [false, true, true, true, false]),
            (span(5, None), [false, true, true, true, true]),
        ];
        for (validity, expected) in table {
            let found = [4, 5, 6, 7, 8].map(|day| validity.covers(Day::new(day)));
            assert_eq!(found, expected, "{validity:?}");
        }
    }

    #[test]
    fn overlap_and_containment() {
        let table = [
            (span(1, Some(3)), span(4, None), false, false),
            (span(1, Some(3)), span(3, None), true, false),
            (span(1, None), span(4, Some(5)), true, true),
            (span(1, None), span(4, None), true, true),
            (span(1, Some(9)), span(4, None), true, false),
            (span(2, Some(9)), span(1, Some(3)), true, false),
        ];
        for (a, b, overlaps, contains) in table {
            assert_eq!((a.overlaps(&b), b.overlaps(&a)), (overlaps, overlaps), "{a:?} {b:?}");
            assert_eq!(a.contains(&b), contains, "{a:?} {b:?}");
        }
        assert!(!span(3, Some(2)).is_forward());
    }

    #[test]
    fn the_row_that_began_later_counts() {
        let rows = ["old", "new", "past"];
        let index = Dated::new([("k", span(1, None)), ("k", span(10, Some(20))), ("k", span(0, Some(0)))]);
        for (day, expected) in
            [(-1, None), (0, Some("past")), (5, Some("old")), (10, Some("new")), (21, Some("old"))]
        {
            assert_eq!(index.get(&rows, &"k", Day::new(day)).copied(), expected, "day {day}");
        }
        assert_eq!(index.get(&rows, &"other", Day::new(5)), None);
    }
}
