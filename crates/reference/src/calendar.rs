//! Cuts of a month's activity and their deadlines.

use core::{fmt, str::FromStr};
use journal::Day;
use minicbor::{Decode, Encode};
use nhs::Period;

/// Which cut of a month's activity: the first reconciliation or the final one.
///
/// Source: flex and freeze dates of the national submission timetable (NHS practice, unverified; the dates are data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// The first cut: values may still move.
    #[n(1)]
    Flex,
    /// The final cut: only agreed adjustments move money after it.
    #[n(2)]
    Freeze,
}

impl Stage {
    /// The word in paths and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Freeze => "freeze",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One cut: `2017-06/flex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Cut {
    /// The month of the activity.
    #[n(0)]
    pub period: Period,
    /// Which of its cuts.
    #[n(1)]
    pub stage: Stage,
}

/// A text is not a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cut is a month and a stage, for example 2017-06/flex")]
pub struct CutError;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.period, self.stage)
    }
}

impl FromStr for Cut {
    type Err = CutError;

    fn from_str(text: &str) -> Result<Self, CutError> {
        let (period, stage) = text.split_once('/').ok_or(CutError)?;
        let stage = match stage {
            "flex" => Stage::Flex,
            "freeze" => Stage::Freeze,
            _ => return Err(CutError),
        };
        Ok(Self { period: period.parse().map_err(|_| CutError)?, stage })
    }
}

/// The last days on which a month's activity is received for each cut.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Deadlines {
    /// The month of the activity.
    #[n(0)]
    pub period: Period,
    /// The last day of the first cut.
    #[n(1)]
    pub flex: Day,
    /// The last day of the final cut.
    #[n(2)]
    pub freeze: Day,
    /// Where the dates come from.
    #[n(3)]
    pub source: String,
}

impl Deadlines {
    /// The last day on which something is received for the cut of `stage`.
    #[must_use]
    pub const fn of(&self, stage: Stage) -> Day {
        match stage {
            Stage::Flex => self.flex,
            Stage::Freeze => self.freeze,
        }
    }
}

/// Why something falls in no cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoCut {
    /// It came after the month was frozen: it is queued, never slipped into the frozen month.
    AfterFreeze {
        /// The last day on which it would have been in time.
        freeze: Day,
    },
    /// No deadlines are known for the month.
    NoCalendar,
}

/// Whether `day` is a Saturday or Sunday. 1970-01-01 was a Thursday.
pub(crate) fn is_weekend(day: Day) -> bool {
    let weekday = day.get().rem_euclid(7);
    weekday == 2 || weekday == 3
}
