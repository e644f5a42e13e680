//! The way to a price, in words, when somebody asks.

use crate::{Mff, MffSource, Priced, Rule, Subject};
use money::Rounding;

/// One step on the way to a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// What it did, in a sentence.
    pub text: String,
}

/// The steps that led to `priced`, in order.
#[must_use]
pub fn explain(priced: &Priced) -> Vec<Step> {
    priced.rules.iter().map(|rule| Step { rule, text: sentence(rule, priced) }).collect()
}

fn sentence(rule: Rule, priced: &Priced) -> String {
    let base = priced.base;
    let subject = match priced.subject {
        Subject::Hrg(hrg) => hrg.to_string(),
        Subject::Function(function) => format!("{function} {}", function.title()),
    };
    let book = priced.book.map(|book| book.to_string()).unwrap_or_default();
    let listed = |setting: &str| format!("{setting}: {subject} is {base} in {book}.");
    match rule {
        Rule::ElectiveAdmission => {
            "The admission was elective, so no emergency price or short-stay reduction applies.".to_owned()
        }
        Rule::DayCase => listed("Day case, priced apart from ordinary spells"),
        Rule::DayCaseCombined => listed("Day case, at one price with ordinary elective spells"),
        Rule::OrdinaryElective => listed("Ordinary elective spell, priced apart from day cases"),
        Rule::OrdinaryElectiveCombined => listed("Ordinary elective spell, at one price with day cases"),
        Rule::OutpatientProcedure => listed("Outpatient procedure, instead of the attendance"),
        Rule::ProcedureAsAttendance => {
            "The procedure has no outpatient price, so the attendance is priced.".to_owned()
        }
        Rule::FirstAttendance => listed("First attendance, one professional"),
        Rule::FirstAttendanceMulti => listed("First attendance, several professionals"),
        Rule::FollowUpAttendance => listed("Follow-up attendance, one professional"),
        Rule::FollowUpAttendanceMulti => listed("Follow-up attendance, several professionals"),
        Rule::FirstRemote => listed("First attendance, not face to face"),
        Rule::FollowUpRemote => listed("Follow-up attendance, not face to face"),
        Rule::DefaultFunction => "The function has no row of its own; the default row prices it.".to_owned(),
        Rule::LocalPrice => format!("There is no national price; the contract's local price is {base}."),
        Rule::LocalVariation => {
            format!("The contract's agreed variation, {base}, stands instead of the national price.")
        }
        Rule::LongStay => format!(
            "{} days beyond the trim point of {} days add {}.",
            priced.long_stay_days,
            priced.trim_days.unwrap_or_default(),
            priced.long_stay
        ),
        Rule::WithinTrimPoint => format!(
            "The stay did not exceed the trim point of {} days: no long-stay payment.",
            priced.trim_days.unwrap_or_default()
        ),
        Rule::MarketForcesFactor => priced.mff.map(factor_sentence).unwrap_or_default(),
        Rule::FactorIncluded => "The local price has the market forces factor in it.".to_owned(),
        Rule::BeforeFactor => {
            "No provider was given: this is the price before its market forces factor.".to_owned()
        }
        Rule::RoundedToPenny | Rule::RoundedToPound => rounding_sentence(priced),
        Rule::Illustrative => "The list is illustrative: not a national price.".to_owned(),
    }
}

fn factor_sentence(mff: Mff) -> String {
    let whose = match mff.source {
        MffSource::Own(provider) => format!("the payment index of {provider}"),
        MffSource::Average(provider) => {
            format!("an average standing in for {provider}, which has no published index")
        }
        MffSource::NearestTrust(trust) => {
            format!("the payment index of {trust}, the nearest trust: independents have none of their own")
        }
        MffSource::Contract => "a term of the contract".to_owned(),
    };
    format!("The market forces factor {} multiplies the sum: {whose}.", mff.factor)
}

fn rounding_sentence(priced: &Priced) -> String {
    let unit = match priced.rounding {
        Rounding::NearestPenny => "penny",
        Rounding::NearestPound => "pound",
    };
    // A price that was answered fits, and so did the product it was rounded from.
    let exact = priced.unrounded().map(|product| product.to_string()).unwrap_or_default();
    format!("{exact} pence, rounded once to the nearest {unit}: {}.", priced.price)
}
