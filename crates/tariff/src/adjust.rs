//! What is added to a national price: a local modification, a specialised top-up, a best-practice price.

use crate::{NoPrice, Priced, Rule, price::Base};
use minicbor::{Decode, Encode};
use money::{Factor, NetPence, Pence, Rounding, correction};

/// What the contract or the commissioner's decisions add to one line's national price. A local price or variation is what
/// was agreed, all in, and takes none of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Adjustments {
    /// A local modification: the amount that the regulator has approved on top of the national price, where a service costs
    /// a provider structurally more (Health and Social Care Act 2012, sections 124 to 126; that it is an amount before the
    /// factor is NHS practice, unverified).
    #[n(0)]
    pub modification: Option<Pence>,
    /// A top-up for specialised care.
    #[n(1)]
    pub top_up: Option<TopUp>,
    /// What meeting, or missing, a best-practice condition adds to or takes from the price. The conditions are of a provider
    /// and a period, so this is rarely known when a line is first priced: see [`best_practice`].
    #[n(2)]
    pub best_practice: Option<NetPence>,
}

/// A top-up for specialised care: a percentage of the tariff for eligible providers (HFMA, Introduction to payment by
/// results; for 2017/19 by prescribed specialised service, whose lists the contract names).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct TopUp {
    /// How many hundredths of the price.
    #[n(0)]
    pub percent: u16,
    /// Whether it is paid on long-stay days too. Believed not (NHS practice, unverified; configurable).
    #[n(1)]
    pub on_long_stay: bool,
}

impl Adjustments {
    /// No adjustment.
    pub const NONE: Self = Self { modification: None, top_up: None, best_practice: None };

    /// Puts them on a base price.
    pub(crate) fn apply(&self, found: &mut Base) -> Result<(), NoPrice> {
        let too_large = |_| NoPrice::AmountTooLarge;
        if let Some(amount) = self.modification {
            found.modification = Some(amount);
            found.rules = found.rules.with(Rule::LocalModification);
        }
        if let Some(TopUp { percent, on_long_stay }) = self.top_up {
            let mut basis =
                found.base.checked_add(found.modification.unwrap_or_default()).map_err(too_large)?;
            if on_long_stay {
                basis = basis.checked_add(found.long_stay).map_err(too_large)?;
                found.rules = found.rules.with(Rule::TopUpOnLongStay);
            }
            // Published prices are whole pounds, of which so many per cent are whole pence; only a list in pence rounds.
            let exact = Factor::from_percent(u32::from(percent)).times(basis).map_err(too_large)?;
            found.top_up = exact.round(Rounding::NearestPenny).map_err(too_large)?;
            found.top_up_percent = Some(percent);
            found.rules = found.rules.with(Rule::TopUp);
        }
        if let Some(amount) = self.best_practice {
            found.best_practice = Some(amount);
            found.rules = found.rules.with(Rule::BestPractice);
        }
        Ok(())
    }
}

/// A price changed after it was decided: the new price, and what is posted beside the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjusted {
    /// The price as it now is.
    pub priced: Priced,
    /// New rounded price less old rounded price: never a rounded difference.
    pub correction: NetPence,
}

/// The price after a best-practice decision about its provider and period: `amount` is what the condition met adds to the
/// price before the factor, or missed takes from it, in all; none when the decision was withdrawn.
///
/// The factor multiplies it as it does the price. The line and the price first decided stay as they were; the correction is
/// a new entry. Errors when the price would be below nothing or too large.
pub fn best_practice(priced: &Priced, amount: Option<NetPence>) -> Result<Adjusted, NoPrice> {
    let mut changed = *priced;
    changed.best_practice = amount;
    changed.rules = match amount {
        Some(_) => changed.rules.with(Rule::BestPractice),
        None => changed.rules.without(Rule::BestPractice),
    };
    changed.price = rounded(&changed)?;
    Ok(Adjusted { priced: changed, correction: correction(changed.price, priced.price) })
}

/// The price that the parts of `priced` make.
pub(crate) fn rounded(priced: &Priced) -> Result<Pence, NoPrice> {
    let taken_off = priced.best_practice.is_some_and(|amount| amount.get() < 0);
    let refused = if taken_off { NoPrice::BelowNothing } else { NoPrice::AmountTooLarge };
    let before = priced.before_mff().map_err(|_| refused)?;
    let exact = priced.factor().times(before).map_err(|_| NoPrice::AmountTooLarge)?;
    exact.round(priced.rounding).map_err(|_| NoPrice::AmountTooLarge)
}
