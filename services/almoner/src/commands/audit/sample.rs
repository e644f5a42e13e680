//! `almoner audit sample`: a monetary-unit sample, and what is behind each item.

use super::{
    books::{Books, People, System, dated, kind, name},
    evidence::Evidence,
    past::When,
};
use crate::{
    cli::Calling,
    commands::ledger::why::{entries, statement},
    report::{Cell, Format, Kind, Report},
};
use anyhow::Context as _;
use audit::sample::{self, Risk};
use clap::Args;
use jiff::civil::Date;
use money::Pence;
use proto::ledger::v1::{GetStatementRequest, Side, StatementLine};

/// Which population, and how much of it.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    system: System,
    /// The population: movements of this account or of all below this node, on its normal side
    path: String,
    /// Accounted for on this day or later
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    #[command(flatten)]
    when: When,
    /// What decides the sample: the same seed gives the same one
    #[arg(long)]
    seed: String,
    /// Misstatement that is tolerable, in pounds
    #[arg(long, value_name = "POUNDS")]
    tolerable: Pence,
    /// Misstatement that is expected, in pounds
    #[arg(long, value_name = "POUNDS", default_value = "0")]
    expected: Pence,
    /// Confidence in percent: 99, 95, 90, 80 or 50
    #[arg(long, default_value = "95")]
    confidence: Risk,
    /// Leave out what is behind each item
    #[arg(long)]
    bare: bool,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, path, from, when, seed, tolerable, expected, confidence, bare, format } = options;
    let books = Books::of(system, calling)?;
    let interval = sample::interval(tolerable, expected, confidence).context("planning the sample")?;
    let start = sample::start(&seed, interval);
    let request = GetStatementRequest {
        system: books.system.clone(),
        path: path.clone(),
        basis: when.known().basis().into(),
        from_date: from.map(wire::common::date),
        to_date: when.on().map(wire::common::date),
        known: when.known().of_statement()?,
        ..GetStatementRequest::default()
    };
    let answer = statement(&books, &request).await?;
    let sign = if answer.normal_side() == Side::Debit { 1 } else { -1 };
    let amount =
        |line: &StatementLine| line.debit_pence.saturating_sub(line.credit_pence).saturating_mul(sign);
    let amounts: Vec<i64> = answer.lines.iter().map(amount).collect();
    let sample = sample::select(&amounts, interval, start);
    let lines: Vec<&StatementLine> =
        sample.selected.iter().filter_map(|selected| answer.lines.get(selected.index)).collect();
    let entries = entries(&books, lines.iter().copied()).await?;
    let people = People::of(&books, &entries).await?;
    let evidence = if bare { None } else { Some(Evidence::of(&books, &people).await?) };
    use Kind::{Money, Number, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("kind", Words),
        ("accounting", Words),
        ("account", Words),
        ("amount", Money),
        ("hits", Number),
        ("certain", Words),
        ("evidence", Kind::Sentences),
    ]);
    for ((selected, line), entry) in sample.selected.iter().zip(&lines).zip(&entries) {
        let chain = match &evidence {
            Some(evidence) => evidence.chain(entry).await?,
            None => Vec::new(),
        };
        report.row([
            Cell::Text(name(entry)),
            Cell::Text(kind(entry)),
            Cell::Text(dated(line.accounting_date)),
            Cell::Text(line.account_path.clone()),
            Cell::Pence(amount(line)),
            Cell::Count(selected.hits),
            Cell::text(if selected.certain { "yes" } else { "" }),
            Cell::Lines(chain),
        ]);
    }
    let count = |count: usize| Cell::Count(u64::try_from(count).unwrap_or(u64::MAX));
    let other: i64 =
        amounts.iter().filter(|amount| **amount < 0).fold(0, |sum, pence| sum.saturating_add(*pence));
    report.fact("population", Cell::Text(path));
    report.fact("population items", count(sample.items));
    report.fact("population amount", Cell::Pence(i64::try_from(sample.population.get()).unwrap_or(i64::MAX)));
    report.fact("apart from it on the other side", Cell::Pence(other));
    report.fact("sampling interval", Cell::Pence(interval.get()));
    report.fact("confidence percent", Cell::Count(confidence.confidence().into()));
    report.fact("seed", Cell::Text(seed));
    report.fact("first hit", Cell::Pence(start.get()));
    report.fact("items selected", count(sample.selected.len()));
    let position = answer.as_of.and_then(|as_of| as_of.position).unwrap_or_default();
    report.fact("as known at record", Cell::Count(position));
    report.fact("method", Cell::text("fixed-interval monetary unit sampling (AICPA Audit Guide, Audit Sampling; ISA (UK) 530, appendix 4)"));
    report.print(format)
}
