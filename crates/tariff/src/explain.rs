//! The way to a price, in words, when somebody asks.

use crate::{Mff, MffSource, Priced, Rule, Subject};
use jiff::civil::Date;
use money::{Pence, Rounding};
use nhs::FinancialYear;

/// One step on the way to a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// What it did, in a sentence.
    pub text: String,
    /// What it read, each from its place. Empty for a rule that computes or only says which way was taken.
    pub figures: Vec<Figure>,
    /// The amount after it in pence and decimals; none for a rule that only says which way was taken.
    pub amount: Option<String>,
}

/// A figure that a price rests on, and where anybody finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// It, as the list prints it: pounds, days, per cent or a factor.
    pub value: String,
    /// The list: a price book's name, the market forces factor index, the contract, or the line itself.
    pub table: String,
    /// The row: an HRG, a treatment function or a provider.
    pub row: String,
    /// The column, by the name it has in the shipped lists.
    pub column: &'static str,
    /// The financial year of the list.
    pub year: Option<FinancialYear>,
}

/// The table of market forces factors, by name.
const FACTORS: &str = "market forces factor payment index";
/// The table of what two parties agreed.
const CONTRACT: &str = "contract";
/// The line that was priced.
const LINE: &str = "line";

/// The steps that led to `priced`, in order: the price of what was done on `date`, the day that chose the lists.
#[must_use]
pub fn explain(priced: &Priced, date: Date) -> Vec<Step> {
    let year = FinancialYear::of(date).ok();
    let step = |rule| Step {
        rule,
        text: sentence(rule, priced),
        figures: figures(rule, priced, year),
        amount: amount_after(rule, priced),
    };
    priced.rules.iter().map(step).collect()
}

/// What a rule read. Each figure is one of the price's own parts, so that it is what was read then, whatever the lists
/// say now.
fn figures(rule: Rule, priced: &Priced, year: Option<FinancialYear>) -> Vec<Figure> {
    let row = match priced.subject {
        Subject::Hrg(hrg) => hrg.to_string(),
        Subject::Function(function) => function.to_string(),
    };
    let book = priced.book.map_or_else(|| CONTRACT.to_owned(), |book| book.to_string());
    let listed =
        |value: String, column| Figure { value, table: book.clone(), row: row.clone(), column, year };
    if let Some(column) = rule.column() {
        return vec![listed(pounds(priced.base.get()), column)];
    }
    let trim = || listed(priced.trim_days.unwrap_or_default().to_string(), "elective_trim_days");
    if rule == Rule::WithinTrimPoint {
        vec![trim()]
    } else if rule == Rule::LongStay {
        let per_day =
            priced.long_stay.get().checked_div(i64::from(priced.long_stay_days)).unwrap_or_default();
        let days = priced.long_stay_days.to_string();
        let beyond = Figure {
            value: days,
            table: LINE.to_owned(),
            row: row.clone(),
            column: "days_beyond_trim",
            year,
        };
        vec![trim(), beyond, listed(pounds(per_day), "per_day_long_stay_gbp")]
    } else if rule == Rule::LocalModification {
        agreed(priced.modification.map(|amount| pounds(amount.get())), "modification_gbp", row, year)
    } else if rule == Rule::TopUp {
        agreed(priced.top_up_percent.map(|percent| percent.to_string()), "top_up_percent", row, year)
    } else if rule == Rule::BestPractice {
        agreed(priced.best_practice.map(|amount| pounds(amount.get())), "best_practice_gbp", row, year)
    } else if rule == Rule::MarketForcesFactor {
        priced.mff.map(|mff| factor_figure(mff, year)).into_iter().collect()
    } else {
        Vec::new()
    }
}

/// A figure of the contract.
fn agreed(
    value: Option<String>,
    column: &'static str,
    row: String,
    year: Option<FinancialYear>,
) -> Vec<Figure> {
    let figure = value.map(|value| Figure { value, table: CONTRACT.to_owned(), row, column, year });
    figure.into_iter().collect()
}

/// Pence in pounds as a list prints them: `1237.50`.
fn pounds(pence: i64) -> String {
    let (sign, pence) = (if pence < 0 { "-" } else { "" }, pence.unsigned_abs());
    let (whole, rest) =
        (pence.checked_div(100).unwrap_or_default(), pence.checked_rem(100).unwrap_or_default());
    format!("{sign}{whole}.{rest:02}")
}

fn factor_figure(mff: Mff, year: Option<FinancialYear>) -> Figure {
    let (table, row) = match mff.source {
        MffSource::Own(provider) | MffSource::Average(provider) => (FACTORS, provider.to_string()),
        MffSource::NearestTrust(trust) => (FACTORS, trust.to_string()),
        MffSource::Contract => (CONTRACT, String::new()),
    };
    Figure { value: mff.factor.to_string(), table: table.to_owned(), row, column: "payment_index", year }
}

/// The amount after a rule, in pence and decimals.
fn amount_after(rule: Rule, priced: &Priced) -> Option<String> {
    if rule.column().is_some() {
        return Some(priced.base.get().to_string());
    }
    let sum = |parts: &[Pence]| Pence::sum(parts.iter().copied()).ok().map(|sum| sum.get().to_string());
    let (base, modification) = (priced.base, priced.modification.unwrap_or_default());
    if rule == Rule::LocalModification {
        sum(&[base, modification])
    } else if rule == Rule::LongStay {
        sum(&[base, modification, priced.long_stay])
    } else if rule == Rule::TopUp {
        sum(&[base, modification, priced.long_stay, priced.top_up])
    } else if rule == Rule::BestPractice {
        priced.before_mff().ok().map(|sum| sum.get().to_string())
    } else if rule == Rule::MarketForcesFactor {
        priced.unrounded().ok().map(|product| product.to_string())
    } else if matches!(rule, Rule::RoundedToPenny | Rule::RoundedToPound) {
        Some(priced.price.get().to_string())
    } else {
        None
    }
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
        Rule::LocalModification => {
            let amount = priced.modification.unwrap_or_default();
            format!("A local modification that the regulator approved adds {amount}.")
        }
        Rule::TopUp => {
            let percent = priced.top_up_percent.unwrap_or_default();
            format!("The top-up for specialised care of {percent} per cent adds {}.", priced.top_up)
        }
        Rule::TopUpOnLongStay => "The top-up is paid on long-stay days too.".to_owned(),
        Rule::BestPractice => {
            let amount = priced.best_practice.unwrap_or_default();
            format!("The best-practice condition of provider and period changes the price by {amount}.")
        }
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
        Rule::Illustrative => {
            "book = illustrative: a list made for demonstration, not a national price.".to_owned()
        }
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
