//! A price as a command line or a script asks for it: from the shipped lists, without a contract.

use crate::{
    Activity, Adjustments, Books, Mff, MffSource, MffTable, NoPrice, Priced, Question, Rule, Spell, price,
};
use core::{fmt, str::FromStr};
use jiff::civil::Date;
use money::Rounding;
use nhs::{AdmissionMethod, Hrg, OdsCode, PatientClassification};

/// The three settings of elective care that have national prices by HRG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Setting {
    /// Admitted and discharged on one day, as planned.
    DayCase,
    /// Admitted from a waiting list, with or without a night.
    OrdinaryElective,
    /// Done at an outpatient appointment.
    OutpatientProcedure,
}

/// A text names no setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one of: day-case, ordinary-elective, outpatient-procedure")]
pub struct SettingError;

/// What a price is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enquiry {
    /// The core HRG of the spell, or the HRG of the procedure.
    pub hrg: Hrg,
    /// The day of discharge or of the appointment, which decides the list.
    pub discharge_date: Date,
    /// Where it was done.
    pub setting: Setting,
    /// Nights, less those paid for apart. An outpatient procedure has none, whatever stands here.
    pub length_of_stay_days: u32,
    /// The provider or site whose market forces factor multiplies the price; none asks for the price before it.
    pub provider: Option<OdsCode>,
}

/// An enquiry has no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unquoted {
    /// The lists have none.
    #[error("{0}")]
    NoPrice(#[from] NoPrice),
    /// The place of treatment has no factor, and a price without it would be wrong.
    #[error("{0} has no market forces factor, and a price without it would be wrong")]
    NoFactor(OdsCode),
}

/// A price in the fixed shape that commands print: names and units as in their JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The whole price before the market forces factor in pence: list price, long stay and top-ups.
    pub base_pence: i64,
    /// The list price alone, in pence.
    pub list_pence: i64,
    /// Days beyond the trim point.
    pub long_stay_days: u32,
    /// The payment for them, in pence.
    pub long_stay_pence: i64,
    /// Top-ups, in pence.
    pub top_up_pence: i64,
    /// The market forces factor in its one spelling; none when no provider was named.
    pub mff: Option<String>,
    /// Whose factor it is.
    pub mff_source: Option<String>,
    /// The exact product in pence, before rounding.
    pub unrounded_pence: String,
    /// The price in pence.
    pub price_pence: i64,
    /// The code of the rule that chose the list price.
    pub rule: &'static str,
    /// The codes of all rules, in order.
    pub rules: Vec<&'static str>,
    /// The word for what the price rests on, as [`Priced::book_word`] says it.
    pub book: String,
    /// The name of the list; empty for a local price.
    pub list: String,
    /// Whether the book is illustrative.
    pub illustrative: bool,
}

impl Setting {
    /// Every setting.
    pub const ALL: &'static [Self] = &[Self::DayCase, Self::OrdinaryElective, Self::OutpatientProcedure];

    /// The word in files and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DayCase => "day-case",
            Self::OrdinaryElective => "ordinary-elective",
            Self::OutpatientProcedure => "outpatient-procedure",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Setting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        Self::ALL.iter().copied().find(|setting| setting.as_str() == text).ok_or(SettingError)
    }
}

impl Unquoted {
    /// The stable code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoPrice(reason) => reason.reason(),
            Self::NoFactor(_) => "NO_MARKET_FORCES_FACTOR",
        }
    }
}

impl From<&Priced> for Quote {
    fn from(priced: &Priced) -> Self {
        // A price that was answered fits, and so did the sum that it was made from.
        let base = priced.before_mff().unwrap_or(priced.base);
        Self {
            base_pence: base.get(),
            list_pence: priced.base.get(),
            long_stay_days: priced.long_stay_days,
            long_stay_pence: priced.long_stay.get(),
            top_up_pence: priced.top_up.get(),
            mff: priced.mff.map(|mff| mff.factor.to_string()),
            mff_source: priced.mff.map(whose),
            unrounded_pence: priced.unrounded().map(|product| product.to_string()).unwrap_or_default(),
            price_pence: priced.price.get(),
            rule: priced.rules.base().map(Rule::code).unwrap_or_default(),
            rules: priced.rules.iter().map(Rule::code).collect(),
            book: priced.book_word(),
            list: priced.book.map(|book| book.to_string()).unwrap_or_default(),
            illustrative: priced.is_illustrative(),
        }
    }
}

fn whose(mff: Mff) -> String {
    match mff.source {
        MffSource::Own(provider) => provider.to_string(),
        MffSource::Average(provider) => format!("average for {provider}"),
        MffSource::NearestTrust(trust) => format!("nearest trust, {trust}"),
        MffSource::Contract => "contract".to_owned(),
    }
}

/// Prices an enquiry to the nearest penny, an admission as one from the waiting list.
///
/// Errors when there is no price, or, where there is one, when the provider named has no factor.
pub fn quote(books: &Books, factors: &MffTable, enquiry: &Enquiry) -> Result<Priced, Unquoted> {
    let spell = |classification| {
        Activity::Spell(Spell {
            hrg: enquiry.hrg,
            classification,
            admission_method: AdmissionMethod::WaitingList,
            length_of_stay_days: enquiry.length_of_stay_days,
        })
    };
    let question = Question {
        activity: match enquiry.setting {
            Setting::DayCase => spell(PatientClassification::DayCase),
            Setting::OrdinaryElective => spell(PatientClassification::Ordinary),
            Setting::OutpatientProcedure => Activity::Procedure(enquiry.hrg),
        },
        date: enquiry.discharge_date,
        mff: None,
        rounding: Rounding::NearestPenny,
        local_price: None,
        adjustments: Adjustments::NONE,
    };
    let before = price(books, &question)?;
    let Some(provider) = enquiry.provider else { return Ok(before) };
    let mff = factors.resolve(provider).ok_or(Unquoted::NoFactor(provider))?;
    Ok(price(books, &Question { mff: Some(mff), ..question })?)
}
