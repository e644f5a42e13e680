//! `almoner audit evaluate`: what a sample, once its items are looked at, says of the population it was drawn from.

use crate::report::{Cell, Format, Kind, Report};
use anyhow::{Context as _, ensure};
use audit::{
    evaluate::{self, Examined, Projection},
    sample::{self, Risk},
};
use clap::Args;
use money::Pence;
use std::path::{Path, PathBuf};

/// What was found, and on what terms the sample was drawn.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// CSV as `almoner audit sample --csv` writes it, with a column more: `audited_pounds`, what each amount should be
    file: PathBuf,
    /// Misstatement that is tolerable, in pounds, as when the sample was drawn
    #[arg(long, value_name = "POUNDS")]
    tolerable: Pence,
    /// Misstatement that was expected, in pounds, as when the sample was drawn
    #[arg(long, value_name = "POUNDS", default_value = "0")]
    expected: Pence,
    /// Confidence in percent, as when the sample was drawn
    #[arg(long, default_value = "95")]
    confidence: Risk,
    #[command(flatten)]
    format: Format,
}

/// An item of the file.
struct Row {
    entry: String,
    examined: Examined,
}

fn rows(file: &Path) -> anyhow::Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(file).with_context(|| format!("reading {}", file.display()))?;
    let heads = reader.headers()?.clone();
    let column = |name: &str| {
        let found = heads.iter().position(|head| head.trim() == name);
        found.with_context(|| format!("{} has no column {name}", file.display()))
    };
    let (entry, amount, audited) = (column("entry")?, column("amount_pounds")?, column("audited_pounds")?);
    let mut rows = Vec::new();
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.with_context(|| format!("line {line}"))?;
        let text = |index: usize| record.get(index).unwrap_or_default().trim();
        let pounds = |index: usize, name: &str| {
            let text = text(index);
            ensure!(!text.is_empty(), "line {line}: {name} is empty: every item of a sample is looked at");
            text.parse::<Pence>().with_context(|| format!("line {line}: {name} is no amount of pounds"))
        };
        let (recorded, audited) = (pounds(amount, "amount_pounds")?, pounds(audited, "audited_pounds")?);
        rows.push(Row { entry: text(entry).to_owned(), examined: Examined { recorded, audited } });
    }
    Ok(rows)
}

fn pence(wide: i128) -> Cell {
    let nearest = if wide < 0 { i64::MIN } else { i64::MAX };
    Cell::Pence(i64::try_from(wide).unwrap_or(nearest))
}

/// Hundredths of a percent as `12.50 %`.
fn tainting(examined: &Examined) -> String {
    let (recorded, audited) = (i128::from(examined.recorded.get()), i128::from(examined.audited.get()));
    let by =
        recorded.saturating_sub(audited).saturating_mul(10_000).checked_div(recorded).unwrap_or_default();
    let sign = if by < 0 { "-" } else { "" };
    let by = by.abs();
    format!("{sign}{}.{:02} %", by.saturating_div(100), by.checked_rem(100).unwrap_or_default())
}

pub(super) fn run(options: Options) -> anyhow::Result<()> {
    let Options { file, tolerable, expected, confidence, format } = options;
    let rows = rows(&file)?;
    let interval = sample::interval(tolerable, expected, confidence).context("the sample's interval")?;
    let examined: Vec<Examined> = rows.iter().map(|row| row.examined).collect();
    let found = evaluate::evaluate(&examined, interval, confidence).context("evaluating the sample")?;
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("recorded", Money),
        ("audited", Money),
        ("misstatement", Money),
        ("tainting", Words),
        ("certain", Words),
    ]);
    for Row { entry, examined } in rows.iter().filter(|row| row.examined.recorded != row.examined.audited) {
        let (recorded, audited) = (examined.recorded.get(), examined.audited.get());
        report.row([
            Cell::Text(entry.clone()),
            Cell::Pence(recorded),
            Cell::Pence(audited),
            Cell::Pence(recorded.saturating_sub(audited)),
            Cell::Text(tainting(examined)),
            Cell::text(if examined.recorded >= interval { "yes" } else { "" }),
        ]);
    }
    report.fact("items looked at", Cell::Count(u64::try_from(rows.len()).unwrap_or(u64::MAX)));
    report.fact("sampling interval", Cell::Pence(interval.get()));
    report.fact("confidence percent", Cell::Count(confidence.confidence().into()));
    let tolerable = i128::from(tolerable.get());
    let conclusion = |side: &Projection| {
        if side.upper_limit <= tolerable {
            "no more than is tolerable, at this confidence"
        } else {
            "may be more than is tolerable: look at more, or have the books corrected"
        }
    };
    let Projection { misstatements, found: sum, projected, basic, incremental, upper_limit } = found.over;
    report.fact("overstated items", Cell::Count(u64::try_from(misstatements).unwrap_or(u64::MAX)));
    report.fact("overstatement found", pence(sum));
    report.fact("overstatement projected", pence(projected));
    report.fact("basic precision", pence(basic));
    report.fact("incremental allowance for overstatement", pence(incremental));
    report.fact("upper limit of overstatement", pence(upper_limit));
    report.fact("overstatement is", Cell::text(conclusion(&found.over)));
    let Projection { misstatements, found: sum, projected, basic: _, incremental, upper_limit } = found.under;
    report.fact("understated items", Cell::Count(u64::try_from(misstatements).unwrap_or(u64::MAX)));
    report.fact("understatement found", pence(sum));
    report.fact("understatement projected", pence(projected));
    report.fact("incremental allowance for understatement", pence(incremental));
    report.fact("upper limit of understatement", pence(upper_limit));
    report.fact("understatement is", Cell::text(conclusion(&found.under)));
    report.fact("tolerable misstatement", pence(tolerable));
    let method = "monetary unit sampling with tainting (AICPA Audit Guide, Audit Sampling; ISA (UK) 530, 14)";
    report.fact("method", Cell::text(method));
    report.print(format)
}
