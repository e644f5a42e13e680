//! Balances, trial balances and statements, as they stand or at a day as known at an instant; and entries as they come.

use super::{
    Ledger,
    read::{balance_row, balances, side},
    why,
};
use crate::{
    commands::audit::{
        books::{Books, dated, name},
        past::{Known, When},
    },
    output,
    report::{Cell, Format, Kind, Report},
};
use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use proto::ledger::v1::{
    Account, EntryKind, GetBalanceRequest, GetStatementRequest, GetTrialBalanceRequest, TailEntriesRequest,
    ledger_service_client::LedgerServiceClient,
};

/// Whose balance, and when.
#[derive(Debug, Args)]
pub(super) struct Balance {
    /// Account or node, for example 10M/elective/2017-18/fund
    path: String,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    format: Format,
}

/// When.
#[derive(Debug, Args)]
pub(super) struct TrialBalance {
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    format: Format,
}

/// Whose statement, and of when.
#[derive(Debug, Args)]
pub(super) struct Statement {
    /// Account or node, for example 10M/elective/2017-18/owed/payable/NT3
    path: String,
    /// The first day
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The last day
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    #[command(flatten)]
    known: Known,
    #[command(flatten)]
    format: Format,
}

/// From where on.
#[derive(Debug, Args)]
pub(super) struct Tail {
    /// The first record
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    from: u64,
    /// End when everything recorded so far is shown
    #[arg(long)]
    once: bool,
}

pub(super) async fn balance(ledger: &Ledger, of: Balance) -> anyhow::Result<()> {
    let Balance { path, when, format } = of;
    let at = when.point()?;
    let request = GetBalanceRequest { system: ledger.system.clone(), path, at, ..Default::default() };
    let answer = ledger.ask(request).await?;
    let balance = answer.balance.unwrap_or_default();
    let mut report = balances();
    report.row(balance_row(&balance));
    let position = answer.as_of.and_then(|as_of| as_of.position).unwrap_or_default();
    report.fact("as known at record", Cell::Count(position));
    report.print(format)
}

pub(super) async fn trial_balance(ledger: &Ledger, of: TrialBalance) -> anyhow::Result<()> {
    let TrialBalance { when, format } = of;
    let at = when.point()?;
    let request = GetTrialBalanceRequest { system: ledger.system.clone(), at, ..Default::default() };
    let answer = ledger.ask(request).await?;
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("number", Words),
        ("account", Words),
        ("debits", Money),
        ("credits", Money),
        ("open holds", Money),
    ]);
    let sums = Account { path: "all".to_owned(), totals: answer.sums, ..Account::default() };
    for account in answer.accounts.iter().chain([&sums]) {
        let totals = account.totals.unwrap_or_default();
        report.row([
            if account.path == "all" { Cell::Empty } else { Cell::Text(account.number.to_string()) },
            Cell::Text(account.path.clone()),
            Cell::Pence(totals.debits_pence),
            Cell::Pence(totals.credits_pence),
            Cell::Pence(totals.holds_placed_pence.saturating_sub(totals.holds_ended_pence)),
        ]);
    }
    report.print(format)?;
    anyhow::ensure!(answer.difference_pence == 0, "debits and credits differ");
    Ok(())
}

pub(super) async fn statement(ledger: Ledger, of: Statement) -> anyhow::Result<()> {
    let Statement { path, from, to, known, format } = of;
    let books = Books { connection: ledger.connection, system: ledger.system };
    let request = GetStatementRequest {
        system: books.system.clone(),
        path,
        basis: known.basis().into(),
        from_date: from.map(wire::common::date),
        to_date: to.map(wire::common::date),
        known: known.of_statement()?,
        ..GetStatementRequest::default()
    };
    let answer = why::statement(&books, &request).await?;
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("accounting", Words),
        ("effective", Words),
        ("kind", Words),
        ("account", Words),
        ("reference", Words),
        ("debit", Money),
        ("credit", Money),
        ("held", Money),
        ("balance", Money),
    ]);
    for line in &answer.lines {
        let entry = line.entry.unwrap_or_default();
        let index = if entry.index == 0 { String::new() } else { format!("/{}", entry.index) };
        let kind = line.kind();
        let kind = if kind == EntryKind::Unspecified {
            "holds-expired".to_owned()
        } else {
            kind.as_str_name().trim_start_matches("ENTRY_KIND_").to_lowercase().replace('_', "-")
        };
        report.row([
            Cell::Text(format!("{}{index}", entry.position)),
            Cell::Text(dated(line.accounting_date)),
            Cell::Text(dated(line.effective_date)),
            Cell::Text(kind),
            Cell::Text(line.account_path.clone()),
            Cell::Text(line.reference.clone()),
            why::amount(line.debit_pence),
            why::amount(line.credit_pence),
            why::amount(line.held_pence),
            Cell::Pence(line.balance_pence),
        ]);
    }
    report.fact("statement of", Cell::Text(answer.path.clone()));
    report.fact("opening balance", Cell::Pence(answer.opening_balance_pence));
    report.fact("closing balance", Cell::Pence(answer.closing_balance_pence));
    report.fact("on the side", Cell::text(side(answer.normal_side())));
    let position = answer.as_of.and_then(|as_of| as_of.position).unwrap_or_default();
    report.fact("as known at record", Cell::Count(position));
    report.print(format)
}

/// One JSON object a line, as entries come.
pub(super) async fn tail(ledger: Ledger, of: Tail) -> anyhow::Result<()> {
    let Tail { from, once } = of;
    let mut client = client::calling!(LedgerServiceClient, ledger.connection.channel());
    let request = TailEntriesRequest { system: ledger.system, from_position: from, with_balances: true };
    let mut stream = client.tail_entries(request).await.context("the ledger sends no entries")?.into_inner();
    while let Some(part) = stream.message().await.context("the stream ended; go on with --from")? {
        for (entry, balances) in part.entries.iter().zip(&part.balances) {
            let balances = balances.accounts.iter().map(|account| {
                serde_json::json!({
                    "account": account.account,
                    "debits_pence": account.debits_pence,
                    "credits_pence": account.credits_pence,
                })
            });
            let line = serde_json::json!({
                "entry": name(entry),
                "kind": crate::commands::audit::books::kind(entry),
                "accounting": dated(entry.accounting_date),
                "amount_pence": crate::commands::audit::books::amount(entry),
                "after": balances.collect::<Vec<_>>(),
            });
            output::line(format_args!("{line}"));
        }
        let end = part.as_of.and_then(|as_of| as_of.position);
        if once && end.is_none_or(|end| part.next_position > end) {
            output::note(format_args!("go on with --from {}", part.next_position));
            return Ok(());
        }
    }
    Ok(())
}
