//! `almoner ledger why`: from a total to its entries to what is behind them.

use super::Ledger;
use crate::{
    commands::audit::{
        books::{Books, People, dated},
        evidence::Evidence,
        past::When,
    },
    report::{Cell, Format, Kind, Report},
};
use anyhow::Context as _;
use clap::Args;
use proto::ledger::v1::{
    Entry, GetEntryRequest, GetStatementRequest, GetStatementResponse, Side, StatementLine,
};

/// Which total.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Account or node: 10M/elective/2017-18/owed/payable/NT3, or a whole line
    path: String,
    #[command(flatten)]
    when: When,
    /// Show what is behind this many entries, the largest first
    #[arg(long, value_name = "ENTRIES", default_value_t = 5)]
    top: usize,
    #[command(flatten)]
    format: Format,
}

/// Reads every page of a statement; the answer is the last page's, with the lines of all.
pub(crate) async fn statement(
    books: &Books,
    request: &GetStatementRequest,
) -> anyhow::Result<GetStatementResponse> {
    let (mut lines, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(proto::common::v1::PageRequest { page_size: 1_000, page_token });
        let request = GetStatementRequest { page, ..request.clone() };
        let mut answer = books.connection.ask(request).await.context("reading the statement")?;
        lines.append(&mut answer.lines);
        page_token = answer.page.clone().unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            answer.lines = lines;
            return Ok(answer);
        }
    }
}

/// The entries of those names.
pub(crate) async fn entries(
    books: &Books,
    lines: impl IntoIterator<Item = &StatementLine>,
) -> anyhow::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for line in lines {
        let request = GetEntryRequest { system: books.system.clone(), entry: line.entry };
        let answer = books.connection.ask(request).await.context("reading an entry")?;
        found.extend(answer.entry);
    }
    Ok(found)
}

pub(super) async fn run(ledger: Ledger, options: Options) -> anyhow::Result<()> {
    let Options { path, when, top, format } = options;
    let books = Books { connection: ledger.connection, system: ledger.system };
    let request = GetStatementRequest {
        system: books.system.clone(),
        path: path.clone(),
        basis: when.known().basis().into(),
        to_date: when.on().map(wire::common::date),
        known: when.known().of_statement()?,
        ..GetStatementRequest::default()
    };
    let answer = statement(&books, &request).await?;
    let mut lines: Vec<&StatementLine> =
        answer.lines.iter().filter(|line| line.debit_pence != 0 || line.credit_pence != 0).collect();
    lines.sort_by_key(|line| {
        core::cmp::Reverse(line.debit_pence.saturating_sub(line.credit_pence).saturating_abs())
    });
    let shown: Vec<&StatementLine> = lines.iter().copied().take(top).collect();
    let rest = lines.get(shown.len()..).unwrap_or_default();
    let entries = entries(&books, shown.iter().copied()).await?;
    let people = People::of(&books, &entries).await?;
    let evidence = Evidence::of(&books, &people).await?;
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("accounting", Words),
        ("account", Words),
        ("debit", Money),
        ("credit", Money),
        ("because", Kind::Sentences),
    ]);
    for (line, entry) in shown.iter().zip(&entries) {
        report.row([
            Cell::text(crate::commands::audit::books::name(entry)),
            Cell::Text(dated(line.accounting_date)),
            Cell::Text(line.account_path.clone()),
            amount(line.debit_pence),
            amount(line.credit_pence),
            Cell::Lines(evidence.chain(entry).await?),
        ]);
    }
    if !rest.is_empty() {
        let sum =
            |of: fn(&StatementLine) -> i64| rest.iter().map(|line| of(line)).fold(0, i64::saturating_add);
        report.row([
            Cell::Text(format!("{} more", rest.len())),
            Cell::Empty,
            Cell::Empty,
            amount(sum(|line| line.debit_pence)),
            amount(sum(|line| line.credit_pence)),
            Cell::Lines(vec!["smaller ones; --top shows more, `ledger statement` lists them all".to_owned()]),
        ]);
    }
    let totals = answer.closing.unwrap_or_default();
    let side =
        if answer.normal_side() == Side::Debit { "debits less credits" } else { "credits less debits" };
    report.fact("total of", Cell::Text(path));
    report.fact("entries behind it", Cell::Count(u64::try_from(lines.len()).unwrap_or(u64::MAX)));
    report.fact("debits", Cell::Pence(totals.debits_pence));
    report.fact("credits", Cell::Pence(totals.credits_pence));
    report.fact("balance", Cell::Pence(answer.closing_balance_pence));
    report.fact("balance is", Cell::text(side));
    report.print(format)
}

/// Pence, or nothing.
pub(super) const fn amount(pence: i64) -> Cell {
    if pence == 0 { Cell::Empty } else { Cell::Pence(pence) }
}
