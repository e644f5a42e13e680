//! Elective spells: which column of the list, and the long-stay payment.

use crate::{Books, NoPrice, Rule, RulePath, Spell, Subject, price::Base};
use money::Pence;
use nhs::{FinancialYear, Hrg, PatientClassification};

/// Whether an HRG says that the grouper could not group the record.
pub(crate) fn is_invalid_group(hrg: Hrg) -> bool {
    hrg.subchapter() == "UZ"
}

/// Refuses what is no priced elective spell, before any list is opened.
pub(crate) fn admit(spell: &Spell) -> Result<RulePath, NoPrice> {
    if is_invalid_group(spell.hrg) {
        return Err(NoPrice::InvalidForGrouping);
    }
    if spell.classification == PatientClassification::DeliveryOnly {
        return Err(NoPrice::DeliveryOnly);
    }
    // Emergency, maternity and transfer prices stand in other columns under other rules: none of them is elective
    // choice, and 81, a planned transfer, is not either.
    if !spell.admission_method.is_elective() {
        return Err(NoPrice::NotElective);
    }
    if spell.classification == PatientClassification::DayCase && spell.length_of_stay_days > 0 {
        return Err(NoPrice::DayCaseWithStay);
    }
    Ok(RulePath::EMPTY.with(Rule::ElectiveAdmission))
}

/// The national price of a spell.
///
/// The two settings of a group are either priced together or apart, never both, so a missing price is looked up in the
/// other column and the two are never added. An ordinary admission without a night is priced as ordinary, not as a day
/// case nor as an outpatient procedure.
pub(crate) fn base(
    books: &Books,
    year: FinancialYear,
    spell: &Spell,
    rules: RulePath,
) -> Result<Base, NoPrice> {
    use PatientClassification::{DayCase, DeliveryOnly, Ordinary, RegularDay, RegularNight};
    let day_case = match spell.classification {
        DayCase => true,
        Ordinary => false,
        RegularDay | RegularNight => return Err(NoPrice::RegularAdmission),
        DeliveryOnly => return Err(NoPrice::DeliveryOnly),
    };
    let (book, prices) = books.admitted(year).ok_or(NoPrice::NoPriceBook)?;
    let row = prices.get(spell.hrg).ok_or(NoPrice::UnknownHrg)?;
    let (separate, separate_rule, combined_rule) = if day_case {
        (row.day_case_pence, Rule::DayCase, Rule::DayCaseCombined)
    } else {
        (row.ordinary_pence, Rule::OrdinaryElective, Rule::OrdinaryElectiveCombined)
    };
    let (pence, rule) = match (separate, row.combined_pence) {
        (Some(pence), _) => (pence, separate_rule),
        (None, Some(pence)) => (pence, combined_rule),
        (None, None) => return Err(NoPrice::NoNationalPrice),
    };
    let mut found = Base::of(Subject::Hrg(spell.hrg), Pence::from_u32(pence), rules.with(rule)).listed(book);
    found.trim_days = row.elective_trim_days;
    if !day_case {
        add_long_stay(&mut found, spell.length_of_stay_days, row.per_day_pence)?;
    }
    Ok(found)
}

/// Each day strictly beyond the *elective* trim point earns the per-day payment; a list without a trim point pays none.
/// A shorter stay never lowers the price: the difference stops at nothing.
fn add_long_stay(found: &mut Base, stay_days: u32, per_day_pence: Option<u32>) -> Result<(), NoPrice> {
    let Some(trim) = found.trim_days else { return Ok(()) };
    let days = stay_days.saturating_sub(u32::from(trim));
    if days == 0 {
        found.rules = found.rules.with(Rule::WithinTrimPoint);
        return Ok(());
    }
    let per_day = Pence::from_u32(per_day_pence.ok_or(NoPrice::NoLongStayPrice)?);
    found.long_stay_days = days;
    found.long_stay = per_day.checked_mul(days).map_err(|_| NoPrice::AmountTooLarge)?;
    found.rules = found.rules.with(Rule::LongStay);
    Ok(())
}
