//! What activity comes to under a contract that does not pay for it line by line.
//!
//! | form | what pays | a line |
//! | --- | --- | --- |
//! | cost per case, non-contract | each line | is owed |
//! | payment on account | instalments, trued up to activity ([`true_up`]) | is recognised |
//! | block | instalments | is memorandum |
//! | cost and volume, blended | a fixed sum, and marginal rates above and below a plan ([`Thresholds`]) | is owed at the margin |
//! | pathway bundle | one price for what belongs together ([`Bundle`]) | opens it, or is in it |
//!
//! Source: NHS Standard Contract 2017/19, SC36, and the local variations that the national tariff allows (NHS practice,
//! unverified): every figure is a term of the contract, and none is a constant here.

use jiff::{ToSpan as _, civil::Date};
use minicbor::{Decode, Encode};
use money::{NetPence, Overflow, Pence};
use nhs::{Hrg, TreatmentFunction};

/// What is due on top of payments on account, or, below nothing, was paid too much: activity less payments, to date.
#[must_use]
pub const fn true_up(activity: Pence, paid: Pence) -> NetPence {
    activity.net(paid)
}

/// A part of activity above or below the plan, and how much of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Band {
    /// Where it ends, in hundredths of the plan; none where it has no end.
    #[n(0)]
    pub until_percent: Option<u32>,
    /// How many hundredths of a price within it count.
    #[n(1)]
    pub rate_percent: u32,
}

/// A fixed sum for planned activity, and marginal rates on what is above or below it: cost and volume, and blended payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    fixed: Pence,
    planned: Pence,
    above: Vec<Band>,
    below: Vec<Band>,
}

/// Terms of a contract with thresholds contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdsError {
    /// Bands above the plan do not ascend from it, or one follows a band without an end.
    #[error("the bands above the plan must ascend from 100 per cent, and only the last has no end")]
    Above,
    /// Bands below the plan do not descend from it, or one follows a band without an end.
    #[error("the bands below the plan must descend from 100 per cent, and only the last has no end")]
    Below,
    /// A rate above 100 per cent would pay more than the activity is worth.
    #[error("a marginal rate is at most 100 per cent")]
    Rate,
}

impl Thresholds {
    /// A contract that pays `fixed` for activity of `planned` at the tariff, and the rates of the bands for what is beyond.
    /// Above and below the last band nothing is added or taken off. Errors when the bands contradict each other.
    pub fn new(
        fixed: Pence,
        planned: Pence,
        above: Vec<Band>,
        below: Vec<Band>,
    ) -> Result<Self, ThresholdsError> {
        let ordered = |bands: &[Band], forward: fn(u32, u32) -> bool| {
            let mut from = Some(100);
            bands.iter().all(|band| {
                let good = match (from, band.until_percent) {
                    (None, _) => false,
                    (Some(from), Some(until)) => forward(from, until),
                    (Some(_), None) => true,
                };
                from = band.until_percent;
                good
            })
        };
        if !ordered(&above, |from, until| from < until) {
            return Err(ThresholdsError::Above);
        }
        if !ordered(&below, |from, until| from > until) {
            return Err(ThresholdsError::Below);
        }
        if above.iter().chain(&below).any(|band| band.rate_percent > 100) {
            return Err(ThresholdsError::Rate);
        }
        Ok(Self { fixed, planned, above, below })
    }

    /// A blended payment: the plan is paid, and `rate_percent` of what activity is above or below it.
    pub fn blended(planned: Pence, rate_percent: u32) -> Result<Self, ThresholdsError> {
        let margin = || vec![Band { until_percent: None, rate_percent }];
        Self::new(planned, planned, margin(), margin())
    }

    /// What is owed in all for `activity` to date at the tariff, rounded once to the penny, half up; never below nothing.
    pub fn owed(&self, activity: Pence) -> Result<Pence, Overflow> {
        // In ten-thousandths of a penny, in which thresholds and rates are whole numbers.
        let (plan, done) = (i128::from(self.planned.get()), i128::from(activity.get()));
        let parts = |bands: &[Band], sign: i128| {
            let mut from = plan.checked_mul(100)?;
            let reached = done.checked_mul(100)?;
            let mut sum = 0_i128;
            for band in bands {
                let end = match band.until_percent {
                    Some(percent) => plan.checked_mul(i128::from(percent))?,
                    None if sign > 0 => i128::MAX,
                    None => 0,
                };
                let part = if sign > 0 {
                    reached.min(end).checked_sub(from)?.max(0)
                } else {
                    from.checked_sub(reached.max(end))?.max(0)
                };
                sum = sum.checked_add(part.checked_mul(i128::from(band.rate_percent))?)?;
                from = end;
            }
            sum.checked_mul(sign)
        };
        let fixed = i128::from(self.fixed.get()).checked_mul(10_000);
        let exact = fixed
            .zip(parts(&self.above, 1))
            .zip(parts(&self.below, -1))
            .and_then(|((fixed, above), below)| fixed.checked_add(above)?.checked_add(below))
            .ok_or(Overflow)?;
        let rounded =
            exact.max(0).checked_add(5_000).and_then(|sum| sum.checked_div(10_000)).ok_or(Overflow)?;
        i64::try_from(rounded).ok().and_then(Pence::new).ok_or(Overflow)
    }

    /// What one more line adds to what is owed, when activity was `before`. Lines together come to [`Self::owed`] of their
    /// total, in whatever order and batches they come.
    pub fn margin(&self, before: Pence, price: Pence) -> Result<Pence, Overflow> {
        let (owed, was) = (self.owed(before.checked_add(price)?)?, self.owed(before)?);
        // What is owed never falls with activity, so nothing is lost here.
        Ok(owed.checked_sub(was).unwrap_or_default())
    }
}

/// One price for all that belongs to a pathway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its price.
    pub price: Pence,
    /// The procedures that open it.
    pub opened_by: Vec<Hrg>,
    /// The treatment functions whose attendances are in it.
    pub functions: Vec<TreatmentFunction>,
    /// Other groups that are in it.
    pub includes: Vec<Hrg>,
    /// How many days before the opening procedure it reaches back.
    pub days_before: u16,
    /// How many days after the opening procedure it goes on.
    pub days_after: u16,
}

/// What a line is to a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundled {
    /// It opens one: its price is owed.
    Opens(Pence),
    /// It is in the one that is open: memorandum.
    Included,
    /// It has nothing to do with it, and is priced alone.
    Apart,
}

impl Bundle {
    /// What a line of the same patient and provider is, when a bundle was `opened` on that day, or none was. A line with no
    /// HRG, or an attendance group, is an attendance.
    #[must_use]
    pub fn answer(
        &self,
        opened: Option<Date>,
        hrg: Option<Hrg>,
        function: TreatmentFunction,
        date: Date,
    ) -> Bundled {
        let within = opened.is_some_and(|opened| {
            let first = opened.checked_sub(i64::from(self.days_before).days()).unwrap_or(Date::MIN);
            let last = opened.checked_add(i64::from(self.days_after).days()).unwrap_or(Date::MAX);
            (first..=last).contains(&date)
        });
        let procedure = hrg.filter(|hrg| hrg.subchapter() != "WF");
        let opens = procedure.is_some_and(|hrg| self.opened_by.contains(&hrg));
        let belongs = match procedure {
            Some(hrg) => opens || self.includes.contains(&hrg),
            None => self.functions.contains(&function),
        };
        if within && belongs {
            Bundled::Included
        } else if opens {
            Bundled::Opens(self.price)
        } else {
            Bundled::Apart
        }
    }
}
