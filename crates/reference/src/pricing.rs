//! What a contract says of prices beside the national lists.
//!
//! Source: Health and Social Care Act 2012, Part 3, Chapter 4 (local prices, variations, modifications); NHS Standard Contract
//! 2017/19, SC36 (what activity comes to). Every figure is a term of the contract, and none is a constant here.

use crate::Validity;
use journal::Day;
use minicbor::{Decode, Encode};
use money::{NetPence, Pence};
use nhs::{Hrg, PointOfDelivery, TreatmentFunction};
use tariff::{Adjustments, Band, LocalPrice, LocalPriceUse, Subject, Thresholds, ThresholdsError, TopUp};

/// The most rows of one list of a contract: more than fit into one record beside each other.
pub const PRICING_ROWS_MAX: usize = 1_000;

/// A price that the contract names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AgreedPrice {
    /// What it is the price of. A row of the group counts before one of the treatment function.
    #[n(0)]
    pub of: Subject,
    /// The only point of delivery that it is for; any where none. A row that names one counts before one that does not.
    #[n(1)]
    pub point_of_delivery: Option<PointOfDelivery>,
    /// The price of one line.
    #[n(2)]
    pub amount: Pence,
    /// Whether it stands instead of a national price (a local variation), or only where there is none (a local price).
    #[n(3)]
    pub variation: bool,
    /// Whether the market forces factor is in it already.
    #[n(4)]
    pub includes_mff: bool,
}

/// An amount that the regulator approved on top of the national price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Modification {
    /// Of what.
    #[n(0)]
    pub of: Subject,
    /// How much.
    #[n(1)]
    pub amount: Pence,
}

/// A top-up for specialised care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AgreedTopUp {
    /// Of what.
    #[n(0)]
    pub of: Subject,
    /// How much, and of what part of the price.
    #[n(1)]
    pub top_up: TopUp,
}

/// What a best-practice condition, met or missed by the provider over a time, adds to each price of that time or takes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct BestPractice {
    /// Of what.
    #[n(0)]
    pub of: Subject,
    /// The days of care for which it was decided.
    #[n(1)]
    pub validity: Validity,
    /// How much, before the factor.
    #[n(2)]
    pub amount: NetPence,
}

/// A fixed sum for a plan, and marginal rates for what activity is above or below it: cost and volume, and blended payment. The
/// sum is the annual value of the block that the contract is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Plan {
    /// The activity of a financial year, at the prices of its lines, that the fixed sum pays.
    #[n(0)]
    pub planned: Pence,
    /// Bands above the plan, ascending.
    #[n(1)]
    pub above: Vec<Band>,
    /// Bands below the plan, descending.
    #[n(2)]
    pub below: Vec<Band>,
}

impl Plan {
    /// What the plan comes to beside a fixed sum. Errors when its bands contradict each other.
    pub fn thresholds(&self, fixed: Pence) -> Result<Thresholds, ThresholdsError> {
        Thresholds::new(fixed, self.planned, self.above.clone(), self.below.clone())
    }
}

/// All that a contract says of prices. It says something: a contract without such terms has none of these.
#[derive(Debug, Default, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Pricing {
    /// Local prices and variations, by what they are of and where.
    #[n(0)]
    pub prices: Vec<AgreedPrice>,
    /// Local modifications, by what they are of.
    #[n(1)]
    pub modifications: Vec<Modification>,
    /// Top-ups, by what they are of.
    #[n(2)]
    pub top_ups: Vec<AgreedTopUp>,
    /// Best-practice decisions, by what they are of and their first day.
    #[n(3)]
    pub best_practice: Vec<BestPractice>,
    /// What is paid beside a fixed sum.
    #[n(4)]
    pub plan: Option<Plan>,
}

/// Why terms on prices contradict themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// They say nothing.
    #[error("terms on prices say at least one thing")]
    Empty,
    /// A list is too long.
    #[error("a list of terms on prices has at most {PRICING_ROWS_MAX} rows")]
    TooMany,
    /// A list is not in ascending order of its keys, or two rows have one.
    #[error("terms on prices stand in the order of what they are of, each once")]
    Order,
    /// A best-practice decision ends before it begins, or two for one thing overlap.
    #[error("best-practice decisions for one thing follow each other")]
    BestPractice,
    /// The plan's bands contradict each other.
    #[error(transparent)]
    Plan(#[from] ThresholdsError),
}

impl Pricing {
    /// Puts every list in its order.
    pub fn sort(&mut self) {
        self.prices.sort_by_key(|row| (row.of, row.point_of_delivery));
        self.modifications.sort_by_key(|row| row.of);
        self.top_ups.sort_by_key(|row| row.of);
        self.best_practice.sort_by_key(|row| (row.of, row.validity.from));
    }

    /// Checks the terms in themselves.
    pub fn check(&self) -> Result<(), PricingError> {
        if *self == Self::default() {
            return Err(PricingError::Empty);
        }
        let lengths =
            [self.prices.len(), self.modifications.len(), self.top_ups.len(), self.best_practice.len()];
        if lengths.into_iter().any(|length| length > PRICING_ROWS_MAX) {
            return Err(PricingError::TooMany);
        }
        let ordered =
            self.prices.is_sorted_by(|a, b| (a.of, a.point_of_delivery) < (b.of, b.point_of_delivery))
                && self.modifications.is_sorted_by(|a, b| a.of < b.of)
                && self.top_ups.is_sorted_by(|a, b| a.of < b.of)
                && self.best_practice.is_sorted_by(|a, b| (a.of, a.validity.from) < (b.of, b.validity.from));
        if !ordered {
            return Err(PricingError::Order);
        }
        let forward = self.best_practice.iter().all(|row| row.validity.is_forward());
        let apart = self.best_practice.is_sorted_by(|a, b| a.of != b.of || !a.validity.overlaps(&b.validity));
        if !forward || !apart {
            return Err(PricingError::BestPractice);
        }
        match &self.plan {
            Some(plan) => Ok(plan.thresholds(Pence::ZERO).map(drop)?),
            None => Ok(()),
        }
    }

    /// The price that the contract names for a line: of its group there, of its group anywhere, of its function there, of its
    /// function anywhere; the first that there is.
    #[must_use]
    pub fn local_price(
        &self,
        hrg: Option<Hrg>,
        function: TreatmentFunction,
        point_of_delivery: PointOfDelivery,
    ) -> Option<LocalPrice> {
        let find = |of: Subject, there: Option<PointOfDelivery>| {
            let at = self.prices.binary_search_by_key(&(of, there), |row| (row.of, row.point_of_delivery));
            self.prices.get(at.ok()?)
        };
        let found = subjects(hrg, function)
            .find_map(|of| find(of, Some(point_of_delivery)).or_else(|| find(of, None)))?;
        let use_ = if found.variation { LocalPriceUse::Variation } else { LocalPriceUse::WhereNone };
        Some(LocalPrice { amount: found.amount, use_, includes_mff: found.includes_mff })
    }

    /// What is added to the national price of a line of `day`. What is of its group counts before what is of its function.
    #[must_use]
    pub fn adjustments(&self, hrg: Option<Hrg>, function: TreatmentFunction, day: Day) -> Adjustments {
        let modification = subjects(hrg, function)
            .find_map(|of| self.modifications.iter().find(|row| row.of == of))
            .map(|row| row.amount);
        let top_up = subjects(hrg, function)
            .find_map(|of| self.top_ups.iter().find(|row| row.of == of))
            .map(|row| row.top_up);
        let holds =
            |of: Subject| self.best_practice.iter().find(|row| row.of == of && row.validity.covers(day));
        let best_practice = subjects(hrg, function).find_map(holds).map(|row| row.amount);
        Adjustments { modification, top_up, best_practice }
    }
}

/// What a line may be found by, the closer first.
fn subjects(hrg: Option<Hrg>, function: TreatmentFunction) -> impl Iterator<Item = Subject> {
    hrg.map(Subject::Hrg).into_iter().chain([Subject::Function(function)])
}

#[cfg(test)]
mod tests;
