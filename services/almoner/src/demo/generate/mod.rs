//! The month that the demo plays: people, referrals, activity and personal health budgets, made from a seed.
//!
//! Pure: the same seed and size give the same month, to the byte. Patients are invented, with NHS numbers of the range
//! 999, which is kept for tests; practices, providers, HRGs and prices are real; proportions are estimates ([`mix`]).

mod activity;
mod budgets;
mod claims;
mod format;
mod line;
mod mix;
mod people;
mod referrals;
mod seeded;
pub(super) mod sus;

#[cfg(test)]
mod tests;

pub(super) use budgets::{Budget, FIRST_DUE, Holding, Incident, Item, Need, Purchase};
pub(super) use format::Format;
pub(super) use line::{Line, Wave};
pub(super) use mix::CCGS;
pub(super) use referrals::Referral;
pub(super) use sus::COMPARED;

use claims::Claims;
use nhs::{OdsCode, PracticeCode};
use people::People;

/// How much of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// So many times the real area.
    pub(crate) scale: u32,
    /// So many lines instead, attendances not kept and repeats not counted.
    pub(crate) lines: Option<u32>,
    /// Where chance begins.
    pub(crate) seed: u64,
}

impl Size {
    /// The lines of the month at scale 1.
    const LINES: u64 = 50_000;

    /// `count` of the real area at this size, at least `least`.
    fn of(&self, count: u32, least: u32) -> u32 {
        let count = u64::from(count);
        let sized = match self.lines {
            Some(lines) => count * u64::from(lines) / Self::LINES,
            None => count * u64::from(self.scale),
        };
        u32::try_from(sized).unwrap_or(u32::MAX).max(least)
    }
}

/// Practices by responsible group: what the month needs to know of the registry.
#[derive(Debug, Clone)]
pub(crate) struct Practices {
    /// Of each of [`CCGS`], in that order.
    pub(crate) own: [Group; 4],
    /// Of groups outside the system.
    pub(crate) foreign: Vec<PracticeCode>,
}

/// A commissioning group and its member practices.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Its code.
    pub(crate) ccg: OdsCode,
    /// Its practices; at least one.
    pub(crate) practices: Vec<PracticeCode>,
}

/// A month.
#[derive(Debug)]
pub(crate) struct Month {
    /// Referrals, by date.
    pub(crate) referrals: Vec<Referral>,
    /// Lines, by provider and wave, then in the order of the file.
    pub(crate) lines: Vec<Line>,
    /// Personal health budgets.
    pub(crate) budgets: Vec<Budget>,
}

/// A month cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError {
    /// A group has no practices.
    #[error("{0} has no practices")]
    NoPractices(&'static str),
    /// A shipped list does not load: a broken build.
    #[error("the shipped prices do not load")]
    Prices(#[from] tariff::load::LoadError),
    /// A code written down here is not one, or has no price in the setting where it stands.
    #[error("{0} has no price at {1} in the shipped lists")]
    NoPrice(String, &'static str),
}

/// Makes the month of `size`.
pub(crate) fn month(size: Size, practices: &Practices) -> Result<Month, GenerateError> {
    for (mix, own) in CCGS.iter().zip(&practices.own) {
        if own.practices.is_empty() {
            return Err(GenerateError::NoPractices(mix.ods));
        }
    }
    let claims = Claims::shipped()?;
    let mut people = People::default();
    let referrals = referrals::referrals(size, practices, &mut people);
    let lines = activity::activity(size, practices, &referrals, &claims, &mut people)?;
    let budgets = budgets::budgets(size);
    Ok(Month { referrals, lines, budgets })
}
