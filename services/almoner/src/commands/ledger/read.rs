//! The reading commands.

use super::Ledger;
use crate::output::{self, pounds, show, table};
use anyhow::Context as _;
use clap::Args;
use comfy_table::Table;
use journal::Instant;
use money::Pence;
use proto::{
    common::v1::{Cause, PageRequest},
    ledger::v1::{self, Side},
};

/// Below which node.
#[derive(Debug, Args)]
pub(super) struct Below {
    /// Only below this node
    #[arg(long, value_name = "PATH", default_value = "")]
    node: String,
}

/// Which entries.
#[derive(Debug, Args)]
pub(super) struct Entries {
    #[command(flatten)]
    of: Of,
    /// Only those accounted for in this month
    #[arg(long, value_name = "MONTH", default_value = "")]
    period: String,
    /// Only those of this kind, for example payment-instructed
    #[arg(long, value_parser = kind_from)]
    kind: Option<v1::EntryKind>,
    /// Only those that this caller made, for example urn:almoner:person:finance-1
    #[arg(long, value_name = "URN", default_value = "")]
    caller: String,
    /// Only of this amount in pounds or more
    #[arg(long, value_name = "POUNDS")]
    min: Option<Pence>,
    /// Only of this amount in pounds or less
    #[arg(long, value_name = "POUNDS")]
    max: Option<Pence>,
    /// Only those recorded at this instant or later
    #[arg(long, value_name = "INSTANT")]
    recorded_from: Option<Instant>,
    /// Only those recorded before this instant
    #[arg(long, value_name = "INSTANT")]
    recorded_before: Option<Instant>,
}

/// Of which list.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Of {
    /// Those of this account
    #[arg(long, value_name = "PATH")]
    account: Option<String>,
    /// Those that follow from a record of another service, for example referrals:812
    #[arg(long, value_name = "SERVICE:POSITION")]
    cause: Option<String>,
    /// Those that bear this reference
    #[arg(long)]
    reference: Option<String>,
}

fn kind_from(text: &str) -> Result<v1::EntryKind, String> {
    let name = format!("ENTRY_KIND_{}", text.to_uppercase().replace('-', "_"));
    v1::EntryKind::from_str_name(&name).ok_or_else(|| format!("{text:?} is no kind of entry"))
}

/// Which entry.
#[derive(Debug, Args)]
pub(super) struct Entry {
    /// Position of its record
    position: u64,
    /// Its index in a group
    #[arg(long, default_value_t = 0)]
    index: u32,
}

/// Which windows.
#[derive(Debug, Args)]
pub(super) struct Windows {
    /// Only of this payer
    #[arg(long, value_name = "ODS", default_value = "")]
    payer: String,
    /// Only of this payee
    #[arg(long, default_value = "")]
    payee: String,
    /// Only those with something left to pay, or that may still grow
    #[arg(long)]
    open: bool,
}

fn page(page_token: String) -> Option<PageRequest> {
    Some(PageRequest { page_size: 1_000, page_token })
}

pub(super) async fn position(ledger: &Ledger) -> anyhow::Result<()> {
    let heads =
        ["line", "allocated", "committed", "accrued", "of it contested", "paid", "available", "expenditure"];
    let mut shown = table(heads, 1..8);
    let mut add = |line: v1::LinePosition, name: String| {
        let amounts = [
            line.allocated_pence,
            line.committed_pence,
            line.accrued_pence,
            line.contested_pence,
            line.paid_pence,
            line.available_pence,
            line.expenditure_pence,
        ];
        shown.add_row(core::iter::once(name).chain(amounts.into_iter().map(pounds)));
    };
    let mut token = String::new();
    loop {
        let request = v1::ListLinePositionsRequest {
            system: ledger.system.clone(),
            page: page(token),
            min_position: None,
        };
        let answer = ledger.ask(request).await?;
        for line in answer.positions {
            let name = line.line.clone();
            add(line, name);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            add(answer.sum.unwrap_or_default(), "all".to_owned());
            break;
        }
    }
    show(&shown);
    Ok(())
}

fn balances() -> Table {
    table(["path", "side", "balance", "open holds", "measure", "floor", "ceiling", "limit"], 2..7)
}

fn balance_row(balance: &v1::Balance) -> [String; 8] {
    let limit = balance.limit.as_ref();
    let bound = |bound: Option<i64>| bound.map(pounds).unwrap_or_default();
    [
        balance.path.clone(),
        side(balance.normal_side()).to_owned(),
        pounds(balance.balance_pence),
        pounds(balance.held_pence),
        pounds(balance.measure_pence),
        bound(limit.and_then(|limit| limit.floor_pence)),
        bound(limit.and_then(|limit| limit.ceiling_pence)),
        match limit.map(v1::Limit::severity) {
            None | Some(v1::LimitSeverity::Unspecified) => String::new(),
            Some(v1::LimitSeverity::Warn) => "warns".to_owned(),
            Some(v1::LimitSeverity::Hard) => "refuses".to_owned(),
        },
    ]
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Unspecified => "",
        Side::Debit => "debit",
        Side::Credit => "credit",
    }
}

pub(super) async fn limits(ledger: &Ledger) -> anyhow::Result<()> {
    let request = v1::ListLimitsRequest { system: ledger.system.clone(), min_position: None };
    let mut shown = balances();
    for node in &ledger.ask(request).await?.nodes {
        shown.add_row(balance_row(node));
    }
    show(&shown);
    Ok(())
}

/// Paths of the accounts, for showing legs.
pub(super) async fn paths(ledger: &Ledger) -> anyhow::Result<std::collections::BTreeMap<u64, String>> {
    let request = v1::GetTrialBalanceRequest { system: ledger.system.clone(), ..Default::default() };
    let accounts = ledger.ask(request).await?.accounts;
    Ok(accounts.into_iter().map(|account| (account.number, account.path)).collect())
}

pub(super) async fn entries(ledger: &Ledger, of: Entries) -> anyhow::Result<()> {
    use v1::list_entries_request::Of;
    let Entries { of, period, kind, caller, min, max, recorded_from, recorded_before } = of;
    let of = match (of.account, of.cause, of.reference) {
        (Some(path), ..) => Some(Of::Account(account_number(ledger, path).await?)),
        (_, Some(cause), _) => {
            let (service, position) = cause.split_once(':').context("a cause is <service>:<position>")?;
            let position = position.parse().context("a cause is <service>:<position>")?;
            Some(Of::Cause(Cause { service: service.to_owned(), position }))
        }
        (.., Some(reference)) => Some(Of::Reference(reference)),
        (None, None, None) => None,
    };
    let paths = paths(ledger).await?;
    let mut token = String::new();
    loop {
        let request = v1::ListEntriesRequest {
            system: ledger.system.clone(),
            of: of.clone(),
            page: page(token),
            min_position: None,
            period: period.clone(),
            kind: kind.unwrap_or_default().into(),
            caller: caller.clone(),
            amount_pence_min: min.map(Pence::get),
            amount_pence_max: max.map(Pence::get),
            recorded_from: recorded_from.map(wire::common::timestamp),
            recorded_before: recorded_before.map(wire::common::timestamp),
        };
        let answer = ledger.ask(request).await?;
        for entry in &answer.entries {
            show_entry(entry, &paths);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            return Ok(());
        }
    }
}

pub(super) async fn account_number(ledger: &Ledger, path: String) -> anyhow::Result<u64> {
    let request = v1::GetAccountRequest {
        system: ledger.system.clone(),
        account: Some(v1::get_account_request::Account::Path(path)),
        min_position: None,
    };
    let account = ledger.ask(request).await?.account;
    Ok(account.context("the server answered no account")?.number)
}

pub(super) async fn entry(ledger: &Ledger, name: &Entry) -> anyhow::Result<()> {
    let name = v1::EntryName { position: name.position, index: name.index };
    let request = v1::GetEntryRequest { system: ledger.system.clone(), entry: Some(name) };
    let answer = ledger.ask(request).await?;
    show_entry(&answer.entry.context("the server answered no entry")?, &paths(ledger).await?);
    Ok(())
}

fn show_entry(entry: &v1::Entry, paths: &std::collections::BTreeMap<u64, String>) {
    let name = entry.name.unwrap_or_default();
    let posting = entry.posting.clone().unwrap_or_default();
    let date = entry.accounting_date.and_then(wire::common::date_from);
    let date = date.map(|date| date.to_string()).unwrap_or_default();
    let kind =
        posting.kind().as_str_name().trim_start_matches("ENTRY_KIND_").to_lowercase().replace('_', " ");
    let cause =
        posting.cause.map(|cause| format!(" from {} {}", cause.service, cause.position)).unwrap_or_default();
    let reversed = entry.reversed_by.map(|by| format!(", reversed by {}", by.position)).unwrap_or_default();
    let reference =
        if posting.reference.is_empty() { String::new() } else { format!(" [{}]", posting.reference) };
    let index = if name.index == 0 { String::new() } else { format!("/{}", name.index) };
    output::line(format_args!("{}{index} {date} {kind}{reference}{cause}{reversed}", name.position));
    let mut shown = table(["", "account", "debit", "credit"], 2..4);
    for leg in &posting.legs {
        let path = paths.get(&leg.account).map_or("?", String::as_str);
        let amount = pounds(leg.amount_pence);
        let (debit, credit) =
            if leg.side() == Side::Debit { (amount, String::new()) } else { (String::new(), amount) };
        shown.add_row([" ", path, &debit, &credit]);
    }
    if !posting.legs.is_empty() {
        shown.lines().skip(1).for_each(|line| output::line(format_args!("{line}")));
    }
    let held = posting.holds.iter().zip(&entry.held_pence);
    for (action, moved) in held {
        let what = match &action.action {
            Some(v1::hold_action::Action::Place(_)) => "placed",
            Some(v1::hold_action::Action::Capture(_)) => "captured",
            Some(v1::hold_action::Action::Release(_)) => "released",
            None => "",
        };
        output::line(format_args!("   hold {what} {}", pounds(*moved)));
    }
}

pub(super) async fn holds(ledger: &Ledger, below: Below) -> anyhow::Result<()> {
    let mut shown = table(["hold", "account", "remaining", "until"], 2..3);
    let mut token = String::new();
    loop {
        let request = v1::ListHoldsRequest {
            system: ledger.system.clone(),
            node: below.node.clone(),
            page: page(token),
            min_position: None,
        };
        let answer = ledger.ask(request).await?;
        for hold in &answer.holds {
            let name: String = hold.name.iter().map(|byte| format!("{byte:02x}")).collect();
            let until = hold.expire_date.and_then(wire::common::date_from);
            let until = until.map(|date| date.to_string()).unwrap_or_default();
            shown.add_row([name, hold.account_path.clone(), pounds(hold.remaining_pence), until]);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    show(&shown);
    Ok(())
}

pub(super) async fn windows(ledger: &Ledger, of: Windows) -> anyhow::Result<()> {
    let mut shown = table(["payer", "payee", "window", "numbers", "total", "paid", "state"], 3..6);
    let mut token = String::new();
    loop {
        let request = v1::ListWindowsRequest {
            system: ledger.system.clone(),
            payer: of.payer.clone(),
            payee: of.payee.clone(),
            open_only: of.open,
            page: page(token),
            min_position: None,
        };
        let answer = ledger.ask(request).await?;
        for window in &answer.windows {
            let name = window.name.clone().unwrap_or_default();
            shown.add_row([
                name.payer,
                name.payee,
                name.key.map(window_name).unwrap_or_default(),
                window.seq.to_string(),
                pounds(window.total_pence),
                pounds(window.paid_pence),
                if window.sealed { "sealed".to_owned() } else { "open".to_owned() },
            ]);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    show(&shown);
    Ok(())
}

fn window_name(key: v1::WindowKey) -> String {
    let mut fields = wire::Fields::new();
    wire::ledger::key_from(&mut fields, &key).map(|key| key.to_string()).unwrap_or_default()
}
