//! `almoner tariff price` and `explain`: one case, priced by the shipped lists.

use crate::output::{self, Exit};
use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use jiff::civil::Date;
use money::Pence;
use nhs::{FinancialYear, Hrg, OdsCode};
use serde_json::{Map, Value, json};
use tariff::{Books, Enquiry, Priced, Quote, Setting, Unquoted, builtin};

/// The status of a case that has no price: its reason stands on standard output.
const NO_PRICE: Exit = Exit(2);

/// A case.
#[derive(Debug, Args)]
pub(super) struct Price {
    /// Core HRG of the spell, or HRG of the procedure
    #[arg(long)]
    hrg: Hrg,
    /// Day of discharge or of the appointment; decides the list
    #[arg(long, value_name = "YYYY-MM-DD")]
    discharge_date: Date,
    /// day-case, ordinary-elective or outpatient-procedure
    #[arg(long, value_name = "SETTING")]
    classification: Setting,
    /// Nights, less those of critical care, rehabilitation and palliative care; no matter for a procedure
    #[arg(long, value_name = "DAYS", required_if_eq("classification", "ordinary-elective"))]
    length_of_stay: Option<u32>,
    /// Provider or site whose market forces factor multiplies the price; default: the price before it
    #[arg(long, value_name = "ODS")]
    provider: Option<OdsCode>,
    /// Print JSON, amounts in pence
    #[arg(long)]
    json: bool,
}

impl Price {
    fn enquiry(&self) -> Enquiry {
        let Self { hrg, discharge_date, classification, length_of_stay, provider, json: _ } = *self;
        let length_of_stay_days = length_of_stay.unwrap_or_default();
        Enquiry { hrg, discharge_date, setting: classification, length_of_stay_days, provider }
    }

    /// What was asked, as it stands in the answer.
    fn asked(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("hrg".to_owned(), json!(self.hrg.as_str()));
        map.insert("discharge_date".to_owned(), json!(self.discharge_date.to_string()));
        map.insert("classification".to_owned(), json!(self.classification.as_str()));
        map.insert("length_of_stay".to_owned(), json!(self.length_of_stay.unwrap_or_default()));
        map.insert("provider".to_owned(), json!(self.provider.map(|provider| provider.to_string())));
        map
    }
}

/// The shipped lists.
fn books() -> anyhow::Result<Books> {
    Ok(builtin::price_books().context("the shipped lists are damaged")?.into_iter().collect())
}

/// The price, or none, and then why has been said.
fn answer(asked: &Price) -> anyhow::Result<Option<Priced>> {
    let factors = builtin::mff_table().context("the shipped factors are damaged")?;
    match tariff::quote(&books()?, &factors, &asked.enquiry()) {
        Ok(priced) => Ok(Some(priced)),
        Err(unquoted) => {
            if asked.json {
                output::line(format_args!("{}", reason_in_json(asked, unquoted)));
            } else {
                output::line(format_args!("no price ({}): {unquoted}", unquoted.reason()));
            }
            Ok(None)
        }
    }
}

/// `almoner tariff price`.
pub(super) fn run(asked: &Price) -> anyhow::Result<()> {
    let Some(priced) = answer(asked)? else { return Err(NO_PRICE.into()) };
    if asked.json {
        output::line(format_args!("{}", in_json(asked, &books()?, &priced)?));
    } else {
        show(asked, &priced);
    }
    Ok(())
}

fn in_json(asked: &Price, books: &Books, priced: &Priced) -> anyhow::Result<Value> {
    let quote = Quote::from(priced);
    // The factor's own digits, which JSON takes for a number as they are.
    let mff = quote.mff.as_deref().map(serde_json::from_str::<Value>).transpose()?;
    let source = priced.book.and_then(|book| books.get(book)).map(|book| book.source().to_owned());
    let year = FinancialYear::of(asked.discharge_date)?.to_string();
    let mut map = asked.asked();
    let answers = [
        ("financial_year", json!(year)),
        ("base_pence", json!(quote.base_pence)),
        ("list_pence", json!(quote.list_pence)),
        ("long_stay_days", json!(quote.long_stay_days)),
        ("long_stay_pence", json!(quote.long_stay_pence)),
        ("top_up_pence", json!(quote.top_up_pence)),
        ("mff", json!(mff)),
        ("mff_source", json!(quote.mff_source)),
        ("unrounded_pence", json!(quote.unrounded_pence)),
        ("price_pence", json!(quote.price_pence)),
        ("rule", json!(quote.rule)),
        ("rules", json!(quote.rules)),
        ("book", json!(quote.book)),
        ("list", json!(quote.list)),
        ("source", json!(source)),
        ("illustrative", json!(quote.illustrative)),
    ];
    map.extend(answers.map(|(name, value)| (name.to_owned(), value)));
    Ok(Value::Object(map))
}

fn reason_in_json(asked: &Price, unquoted: Unquoted) -> Value {
    let mut map = asked.asked();
    map.insert("reason".to_owned(), json!(unquoted.reason()));
    map.insert("message".to_owned(), json!(unquoted.to_string()));
    Value::Object(map)
}

/// The price, and the way to it.
fn show(asked: &Price, priced: &Priced) {
    let before = priced.before_mff().unwrap_or(Pence::ZERO);
    output::line(format_args!("{} (before the market forces factor {before})", priced.price));
    for step in tariff::explain(priced, asked.discharge_date) {
        output::line(format_args!("  {:28} {}", step.rule.code(), step.text));
    }
}

/// `almoner tariff explain`: every figure with the list, year, row and column that it stands in, and the amount after each
/// step, so that anybody computes the price again.
pub(super) fn explain(asked: &Price) -> anyhow::Result<()> {
    let Some(priced) = answer(asked)? else { return Err(NO_PRICE.into()) };
    let steps = tariff::explain(&priced, asked.discharge_date);
    if asked.json {
        let mut map = asked.asked();
        map.insert("price_pence".to_owned(), json!(priced.price.get()));
        map.insert("book".to_owned(), json!(priced.book_word()));
        map.insert("illustrative".to_owned(), json!(priced.is_illustrative()));
        map.insert("steps".to_owned(), steps.iter().map(step_in_json).collect());
        output::line(format_args!("{}", Value::Object(map)));
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "rule",
        "figure",
        "column",
        "row",
        "list",
        "year",
        "pence after it",
    ]);
    for step in &steps {
        let amount = step.amount.as_deref().unwrap_or_default();
        let code = step.rule.code();
        if step.figures.is_empty() {
            table.add_row([code, "", "", "", "", "", amount]);
        }
        for (index, figure) in step.figures.iter().enumerate() {
            let year = figure.year.map(|year| year.to_string()).unwrap_or_default();
            let last = index.saturating_add(1) == step.figures.len();
            table.add_row([
                if index == 0 { code } else { "" },
                &figure.value,
                figure.column,
                &figure.row,
                &figure.table,
                &year,
                if last { amount } else { "" },
            ]);
        }
    }
    output::line(format_args!("{table}"));
    output::line(format_args!("{}", priced.price));
    Ok(())
}

fn step_in_json(step: &tariff::Step) -> Value {
    let figure = |figure: &tariff::Figure| {
        json!({
            "value": figure.value,
            "table": figure.table,
            "row": figure.row,
            "column": figure.column,
            "financial_year": figure.year.map(|year| year.to_string()),
        })
    };
    json!({
        "rule": step.rule.code(),
        "text": step.text,
        "pence_after": step.amount,
        "figures": step.figures.iter().map(figure).collect::<Vec<_>>(),
    })
}
