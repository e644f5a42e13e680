//! What entries did to an account, in blocks: balances at any date as known at any position, without the journal.
//!
//! ```text
//! block    rows of one account in the order of their records, at most 512
//! row      LEB128 of (position difference << 5 | flags) ++ index, if flagged ++ accounting day ++ effective day ++ the amounts
//!          flagged, in pence; days are differences to the row before, amounts LEB128, differences zigzag
//! span     of a block: number of rows, first and last position, first and last of either day, sums
//! ```
//! A two-leg posting takes about 7 bytes in each of its two accounts. A question reads the spans, 40 bytes or so for 512 rows, and
//! of the blocks only those that its date or instant cuts through.

use core::ops::RangeInclusive;
use journal::{Day, Position};
use ledger::Totals;
use money::TotalPence;

/// How many rows a block holds.
pub(crate) const BLOCK_ROWS_MAX: u32 = 512;

/// What one entry, or holds that expired, did to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) position: Position,
    pub(crate) index: u16,
    pub(crate) accounting: Day,
    pub(crate) effective: Day,
    pub(crate) moved: Totals,
}

/// Which of an entry's dates is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    Accounting,
    Effective,
}

/// Which rows are asked for: dated within, and recorded up to a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) through: Position,
    pub(crate) basis: Basis,
    pub(crate) days: RangeInclusive<Day>,
}

/// All days.
pub(crate) const ALWAYS: RangeInclusive<Day> = Day::new(i32::MIN)..=Day::new(i32::MAX);

impl Cut {
    /// Everything recorded up to a position.
    pub(crate) const fn through(through: Position) -> Self {
        Self { through, basis: Basis::Accounting, days: ALWAYS }
    }

    pub(crate) fn holds(&self, row: &Row) -> bool {
        let day = match self.basis {
            Basis::Accounting => row.accounting,
            Basis::Effective => row.effective,
        };
        row.position <= self.through && self.days.contains(&day)
    }
}

/// How much of a block a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    All,
    Some,
    None,
    /// None, and none of any later block.
    Past,
}

/// A block in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) rows: u32,
    pub(crate) positions: (Position, Position),
    accounting: (Day, Day),
    effective: (Day, Day),
    pub(crate) sums: Totals,
}

impl Span {
    fn of(row: &Row) -> Self {
        Self {
            rows: 1,
            positions: (row.position, row.position),
            accounting: (row.accounting, row.accounting),
            effective: (row.effective, row.effective),
            sums: row.moved,
        }
    }

    fn add(&mut self, row: &Row) {
        let wider = |(first, last): (Day, Day), day: Day| (first.min(day), last.max(day));
        self.rows += 1;
        self.positions.1 = row.position;
        self.accounting = wider(self.accounting, row.accounting);
        self.effective = wider(self.effective, row.effective);
        self.sums = plus(&self.sums, &row.moved);
    }

    /// How much of the block `cut` is about.
    pub(crate) fn share(&self, cut: &Cut) -> Share {
        let (first, last) = match cut.basis {
            Basis::Accounting => self.accounting,
            Basis::Effective => self.effective,
        };
        if self.positions.0 > cut.through {
            Share::Past
        } else if last < *cut.days.start() || first > *cut.days.end() {
            Share::None
        } else if self.positions.1 <= cut.through && cut.days.contains(&first) && cut.days.contains(&last) {
            Share::All
        } else {
            Share::Some
        }
    }

    /// Appends its bytes.
    pub(crate) fn encode(&self, to: &mut Vec<u8>) {
        number(to, self.rows.into());
        number(to, self.positions.0.get().into());
        number(to, u128::from(self.positions.1.get().saturating_sub(self.positions.0.get())));
        for (first, last) in [self.accounting, self.effective] {
            number(to, zigzag(first.get().into()));
            number(to, zigzag(i64::from(last.get()) - i64::from(first.get())));
        }
        amounts(&self.sums).into_iter().for_each(|amount| number(to, amount));
    }

    /// Takes one off the front of `bytes`.
    pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let rows = u32::try_from(take(bytes)?).ok()?;
        let first = u64::try_from(take(bytes)?).ok()?;
        let last = first.checked_add(u64::try_from(take(bytes)?).ok()?)?;
        let mut days = || {
            let first = i32::try_from(unzigzag(take(bytes)?)?).ok()?;
            let last = i64::from(first).checked_add(unzigzag(take(bytes)?)?)?;
            Some((Day::new(first), Day::new(i32::try_from(last).ok()?)))
        };
        let (accounting, effective) = (days()?, days()?);
        let mut amounts = [0; 4];
        for amount in &mut amounts {
            *amount = take(bytes)?;
        }
        let positions = (Position::new(first), Position::new(last));
        Some(Self { rows, positions, accounting, effective, sums: totals(amounts) })
    }
}

/// A block that may still grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) span: Span,
    pub(crate) bytes: Vec<u8>,
    last: Row,
}

const INDEXED: u64 = 1 << 4;
const FLAG_BITS: u32 = 5;

/// Before the first row of a block.
const NO_ROW: Row = Row {
    position: Position::FIRST,
    index: 0,
    accounting: Day::new(0),
    effective: Day::new(0),
    moved: Totals {
        debits: TotalPence::ZERO,
        credits: TotalPence::ZERO,
        holds_placed: TotalPence::ZERO,
        holds_ended: TotalPence::ZERO,
    },
};

impl Block {
    /// A block of one row.
    pub(crate) fn new(row: &Row) -> Self {
        let mut bytes = Vec::with_capacity(16);
        encode_row(&mut bytes, &NO_ROW, row);
        Self { span: Span::of(row), bytes, last: *row }
    }

    /// The block of these bytes; `None` when there is no row in them.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for row in rows(bytes) {
            match &mut found {
                None => found = Some(Self { span: Span::of(&row), bytes: bytes.to_vec(), last: row }),
                Some(block) => {
                    block.span.add(&row);
                    block.last = row;
                }
            }
        }
        found
    }

    /// Adds a row of a later entry than those that it holds; any other is there already, from before a replay.
    pub(crate) fn add(&mut self, row: &Row) {
        if (row.position, row.index) > (self.last.position, self.last.index) {
            encode_row(&mut self.bytes, &self.last, row);
            self.span.add(row);
            self.last = *row;
        }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.span.rows >= BLOCK_ROWS_MAX
    }

    /// Whether `row` is of a later entry than those that it holds.
    pub(crate) fn precedes(&self, row: &Row) -> bool {
        (row.position, row.index) > (self.last.position, self.last.index)
    }
}

fn encode_row(bytes: &mut Vec<u8>, last: &Row, row: &Row) {
    let moved = amounts(&row.moved);
    let mut flags = if row.index == 0 { 0 } else { INDEXED };
    for (bit, amount) in moved.iter().enumerate() {
        flags |= u64::from(*amount != 0) << bit;
    }
    let difference = row.position.get().saturating_sub(last.position.get());
    number(bytes, u128::from(difference) << FLAG_BITS | u128::from(flags));
    if row.index != 0 {
        number(bytes, row.index.into());
    }
    for (day, last) in [(row.accounting, last.accounting), (row.effective, last.effective)] {
        number(bytes, zigzag(i64::from(day.get()) - i64::from(last.get())));
    }
    moved.into_iter().filter(|amount| *amount != 0).for_each(|amount| number(bytes, amount));
}

/// The rows of a block's bytes. Bytes that are no rows end it: the store's checks and the rebuild are its caller's.
pub(crate) fn rows(bytes: &[u8]) -> impl Iterator<Item = Row> + '_ {
    let (mut rest, mut last) = (bytes, NO_ROW);
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        last = decode_row(&mut rest, &last)?;
        Some(last)
    })
}

fn decode_row(bytes: &mut &[u8], last: &Row) -> Option<Row> {
    let head = take(bytes)?;
    let flags = u64::try_from(head & ((1 << FLAG_BITS) - 1)).ok()?;
    let difference = u64::try_from(head >> FLAG_BITS).ok()?;
    let index = if flags & INDEXED == 0 { 0 } else { u16::try_from(take(bytes)?).ok()? };
    let mut day = |last: Day| {
        let day = i64::from(last.get()).checked_add(unzigzag(take(bytes)?)?)?;
        i32::try_from(day).ok().map(Day::new)
    };
    let (accounting, effective) = (day(last.accounting)?, day(last.effective)?);
    let mut moved = [0; 4];
    for (bit, amount) in moved.iter_mut().enumerate() {
        if flags & (1 << bit) != 0 {
            *amount = take(bytes)?;
        }
    }
    let position = Position::new(last.position.get().checked_add(difference)?);
    Some(Row { position, index, accounting, effective, moved: totals(moved) })
}

/// The sum of two totals.
pub(crate) const fn plus(a: &Totals, b: &Totals) -> Totals {
    Totals {
        debits: a.debits.plus_total(b.debits),
        credits: a.credits.plus_total(b.credits),
        holds_placed: a.holds_placed.plus_total(b.holds_placed),
        holds_ended: a.holds_ended.plus_total(b.holds_ended),
    }
}

/// Totals only grow from nothing, so that none is negative.
fn amounts(totals: &Totals) -> [u128; 4] {
    let Totals { debits, credits, holds_placed, holds_ended } = totals;
    [debits, credits, holds_placed, holds_ended].map(|total| u128::try_from(total.get()).unwrap_or(0))
}

fn totals([debits, credits, holds_placed, holds_ended]: [u128; 4]) -> Totals {
    let total = |amount: u128| TotalPence::new(i128::try_from(amount).unwrap_or(i128::MAX));
    Totals {
        debits: total(debits),
        credits: total(credits),
        holds_placed: total(holds_placed),
        holds_ended: total(holds_ended),
    }
}

fn zigzag(number: i64) -> u128 {
    let doubled = i128::from(number) << 1;
    u128::try_from(doubled ^ (i128::from(number) >> 127)).unwrap_or(0)
}

fn unzigzag(number: u128) -> Option<i64> {
    let half = i64::try_from(number >> 1).ok()?;
    Some(if number & 1 == 0 { half } else { !half })
}

fn number(bytes: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn take(bytes: &mut &[u8]) -> Option<u128> {
    let (mut found, mut shift) = (0_u128, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        found |= u128::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(found);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_row() -> impl Strategy<Value = (u64, u16, i32, i32, [u64; 4])> {
        let amount = prop_oneof![Just(0), 1..5_000_u64, any::<u64>()];
        let index = prop_oneof![3 => Just(0_u16), 1 => any::<u16>()];
        (
            1..100_000_u64,
            index,
            -20_000..20_000_i32,
            -20_000..20_000_i32,
            [amount.clone(), amount.clone(), amount.clone(), amount],
        )
    }

    fn made(shapes: &[(u64, u16, i32, i32, [u64; 4])]) -> Vec<Row> {
        let mut position = 0;
        let made = shapes.iter().map(|(step, index, accounting, effective, moved)| {
            position += step;
            Row {
                position: Position::new(position),
                index: *index,
                accounting: Day::new(*accounting),
                effective: Day::new(*effective),
                moved: totals(moved.map(u128::from)),
            }
        });
        made.collect()
    }

    fn block(rows: &[Row]) -> Option<Block> {
        let (first, rest) = rows.split_first()?;
        let mut block = Block::new(first);
        rest.iter().for_each(|row| block.add(row));
        Some(block)
    }

    #[test]
    fn a_posting_of_a_busy_account_takes_seven_bytes() {
        let shapes: Vec<_> = (0..512).map(|n| (1, 0, 17_400, 17_400 - n % 9, [0, 512_345, 0, 0])).collect();
        let block = block(&made(&shapes)).unwrap();
        assert!(block.is_full());
        assert!(block.bytes.len() < 7 * 512, "{} bytes", block.bytes.len());
        let mut span = Vec::new();
        block.span.encode(&mut span);
        assert!(span.len() < 32, "{} bytes", span.len());
    }

    #[test]
    fn a_replay_adds_nothing() {
        let all = made(&[(1, 0, 5, 5, [1, 0, 0, 0]), (1, 0, 5, 4, [0, 2, 0, 0]), (3, 7, 9, 5, [0, 0, 3, 0])]);
        let mut once = block(&all).unwrap();
        let before = once.clone();
        all.iter().for_each(|row| once.add(row));
        assert_eq!(once, before);
    }

    proptest! {
        #[test]
        fn rows_and_spans_read_back(shapes in prop::collection::vec(any_row(), 1..80)) {
            let all = made(&shapes);
            let block = block(&all).unwrap();
            prop_assert_eq!(rows(&block.bytes).collect::<Vec<_>>(), all);
            prop_assert_eq!(Block::read(&block.bytes), Some(block.clone()));
            let mut bytes = Vec::new();
            block.span.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(Span::decode(&mut rest), Some(block.span));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn a_span_tells_how_much_of_its_block_is_meant(
            shapes in prop::collection::vec(any_row(), 1..40), through in 0..4_000_000_u64,
            from in -21_000..21_000_i32, days in 0..30_000_i32, effective: bool,
        ) {
            let all = made(&shapes);
            let basis = if effective { Basis::Effective } else { Basis::Accounting };
            let cut = Cut { through: Position::new(through), basis, days: Day::new(from)..=Day::new(from + days) };
            let meant = all.iter().filter(|row| cut.holds(row)).count();
            match block(&all).unwrap().span.share(&cut) {
                Share::All => prop_assert_eq!(meant, all.len()),
                Share::None | Share::Past => prop_assert_eq!(meant, 0),
                Share::Some => {}
            }
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = rows(&bytes).count();
            let _ = Span::decode(&mut bytes.as_slice());
        }
    }
}
