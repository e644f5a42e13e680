//! A price as a command line or a script asks for it.

use crate::{Activity, Books, MffTable, NoPrice, Priced, Question, Spell, price};
use jiff::civil::Date;
use money::Rounding;
use nhs::{AdmissionMethod, Hrg, OdsCode, PatientClassification};

/// A price in the fixed shape that commands print: names and units as in their JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The base price in pence.
    pub base_pence: i64,
    /// The payment for days beyond the trim point, in pence.
    pub long_stay_pence: i64,
    /// The market forces factor in its one spelling; `1` when no provider was named.
    pub mff: String,
    /// The exact product in pence, before rounding.
    pub unrounded_pence: String,
    /// The price in pence.
    pub price_pence: i64,
    /// The code of the rule that chose the base price.
    pub rule: &'static str,
    /// The codes of all rules, in order.
    pub rules: Vec<&'static str>,
    /// The name of the book; empty for a local price.
    pub book: String,
    /// Whether the book is illustrative.
    pub illustrative: bool,
}

impl From<&Priced> for Quote {
    fn from(priced: &Priced) -> Self {
        Self {
            base_pence: priced.base.get(),
            long_stay_pence: priced.long_stay.get(),
            mff: priced.factor().to_string(),
            unrounded_pence: priced.unrounded().map(|product| product.to_string()).unwrap_or_default(),
            price_pence: priced.price.get(),
            rule: priced.rules.base().map(crate::Rule::code).unwrap_or_default(),
            rules: priced.rules.iter().map(crate::Rule::code).collect(),
            book: priced.book.map(|book| book.to_string()).unwrap_or_default(),
            illustrative: priced.is_illustrative(),
        }
    }
}

/// Prices an elective spell to the nearest penny, admitted from the waiting list, at the factor of `provider` when one
/// is named. `Ok(None)` when the provider has no factor: a price without it would be wrong.
pub fn quote_spell(
    books: &Books,
    factors: &MffTable,
    hrg: Hrg,
    discharge_date: Date,
    classification: PatientClassification,
    length_of_stay_days: u32,
    provider: Option<OdsCode>,
) -> Result<Option<Priced>, NoPrice> {
    let mff = match provider.map(|provider| factors.resolve(provider)) {
        None => None,
        Some(Some(mff)) => Some(mff),
        Some(None) => return Ok(None),
    };
    let admission_method = AdmissionMethod::WaitingList;
    let spell = Spell { hrg, classification, admission_method, length_of_stay_days };
    let question = Question {
        activity: Activity::Spell(spell),
        date: discharge_date,
        mff,
        rounding: Rounding::NearestPenny,
        local_price: None,
    };
    price(books, &question).map(Some)
}

/// A patient classification by its code (`2`) or in words (`day-case`), as a person types it.
#[must_use]
pub fn classification_from_words(text: &str) -> Option<PatientClassification> {
    match text {
        "ordinary" => Some(PatientClassification::Ordinary),
        "day-case" => Some(PatientClassification::DayCase),
        "regular-day" => Some(PatientClassification::RegularDay),
        "regular-night" => Some(PatientClassification::RegularNight),
        "delivery-only" => Some(PatientClassification::DeliveryOnly),
        code => code.parse().ok(),
    }
}
