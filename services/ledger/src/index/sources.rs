//! Positions that satisfy several lists at once, in order, without reading a record.

use super::{IndexError, List, Open};
use crate::index::rows::Cut;
use journal::{AccountNumber, Position};

/// How many positions a list gives at a time.
const PART: usize = 1_000;

/// Where positions come from: all of a journal, a list, lists together, or only what stands in every one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Every record.
    All,
    /// A list.
    List(List),
    /// Records that touch an account.
    Account(AccountNumber, Cut),
    /// What stands in any of these.
    Any(Vec<Source>),
    /// What stands in each of these.
    Each(Vec<Source>),
}

/// A source being read.
pub(super) enum Reading<'a> {
    All,
    Parts { open: &'a Open, of: Of<'a>, part: Vec<Position>, at: usize, next: Option<Position> },
    Any(Vec<Reading<'a>>),
    Each(Vec<Reading<'a>>),
}

#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    List(&'a List),
    Account(AccountNumber, &'a Cut),
}

impl<'a> Reading<'a> {
    pub(super) fn new(open: &'a Open, source: &'a Source) -> Self {
        let parts = |of| Self::Parts { open, of, part: Vec::new(), at: 0, next: Some(Position::FIRST) };
        let all = |sources: &'a [Source]| sources.iter().map(|source| Self::new(open, source)).collect();
        match source {
            Source::All => Self::All,
            Source::List(list) => parts(Of::List(list)),
            Source::Account(account, cut) => parts(Of::Account(*account, cut)),
            Source::Any(sources) => Self::Any(all(sources)),
            Source::Each(sources) => Self::Each(all(sources)),
        }
    }

    /// The first position from `from` on. What is asked for never goes back.
    pub(super) fn from(&mut self, from: Position) -> Result<Option<Position>, IndexError> {
        match self {
            Self::All => Ok(Some(from)),
            Self::Parts { open, of, part, at, next } => loop {
                while let Some(position) = part.get(*at) {
                    if *position >= from {
                        return Ok(Some(*position));
                    }
                    *at += 1;
                }
                let Some(start) = *next else { return Ok(None) };
                (*part, *next) = of.part(open, start.max(from))?;
                *at = 0;
            },
            Self::Any(readings) => {
                let mut first: Option<Position> = None;
                for reading in readings {
                    if let Some(found) = reading.from(from)? {
                        first = Some(first.map_or(found, |first| first.min(found)));
                    }
                }
                Ok(first)
            }
            Self::Each(readings) => {
                let mut from = from;
                loop {
                    let start = from;
                    for reading in &mut *readings {
                        match reading.from(from)? {
                            Some(found) => from = found,
                            None => return Ok(None),
                        }
                    }
                    if from == start {
                        return Ok(Some(from));
                    }
                }
            }
        }
    }
}

impl Of<'_> {
    fn part(&self, open: &Open, from: Position) -> Result<(Vec<Position>, Option<Position>), IndexError> {
        match self {
            Self::List(list) => {
                let page = open.postings.page(&open.store, list.index, &list.key, from, PART)?;
                Ok((page.positions, page.next))
            }
            Self::Account(account, cut) => {
                let mut found: Vec<Position> = Vec::new();
                // Rows of the record before `from`, whatever their index, come first.
                let after = from.previous().map(|position| (position, u16::MAX));
                open.accounts.each(&open.store, *account, cut, after, &mut |row| {
                    if found.last() != Some(&row.position) {
                        found.push(row.position);
                    }
                    found.len() <= PART
                })?;
                let next = found.get(PART).copied();
                found.truncate(PART);
                Ok((found, next))
            }
        }
    }
}
