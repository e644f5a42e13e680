//! The reading commands.

use super::Ledger;
use crate::{
    commands::audit::{
        books::{dated, name, person},
        past::When,
    },
    report::{Cell, Format, Kind, Report},
};
use anyhow::Context as _;
use clap::Args;
use journal::Instant;
use money::Pence;
use proto::{
    common::v1::{Cause, PageRequest},
    ledger::v1::{self, Side},
};
use std::collections::BTreeMap;

/// Where lines stood when.
#[derive(Debug, Args)]
pub(super) struct Position {
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    format: Format,
}

/// Below which node.
#[derive(Debug, Args)]
pub(super) struct Below {
    /// Only below this node
    #[arg(long, value_name = "PATH", default_value = "")]
    node: String,
    #[command(flatten)]
    format: Format,
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
    #[command(flatten)]
    format: Format,
}

/// Of which list.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Of {
    /// Those of this account
    #[arg(long, value_name = "PATH")]
    account: Option<String>,
    /// Those of all accounts at or below this node
    #[arg(long, value_name = "PATH")]
    node: Option<String>,
    /// Those that follow from a record of another service, for example referrals:812
    #[arg(long, value_name = "SERVICE:POSITION")]
    cause: Option<String>,
    /// Those that bear this reference
    #[arg(long)]
    reference: Option<String>,
}

pub(crate) fn kind_from(text: &str) -> Result<v1::EntryKind, String> {
    let name = format!("ENTRY_KIND_{}", text.to_uppercase().replace('-', "_"));
    v1::EntryKind::from_str_name(&name).ok_or_else(|| {
        let kinds = (1..).map_while(|number| v1::EntryKind::try_from(number).ok());
        let words: Vec<String> = kinds.map(crate::commands::audit::books::kind_word).collect();
        format!("{text:?} is no kind of entry; there are {}", words.join(", "))
    })
}

/// Which entry.
#[derive(Debug, Args)]
pub(super) struct Entry {
    /// Position of its record
    position: u64,
    /// Its index in a group
    #[arg(long, default_value_t = 0)]
    index: u32,
    #[command(flatten)]
    format: Format,
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
    #[command(flatten)]
    format: Format,
}

fn page(page_token: String) -> Option<PageRequest> {
    Some(PageRequest { page_size: 1_000, page_token })
}

pub(super) async fn position(ledger: &Ledger, of: Position) -> anyhow::Result<()> {
    use Kind::{Money, Words};
    let Position { when, format } = of;
    let at = when.point()?;
    let mut report = Report::new(&[
        ("line", Words),
        ("allocated", Money),
        ("committed", Money),
        ("accrued", Money),
        ("of it contested", Money),
        ("paid", Money),
        ("available", Money),
        ("expenditure", Money),
        ("year", Words),
    ]);
    let row = |line: &v1::LinePosition| {
        let amounts = [
            line.allocated_pence,
            line.committed_pence,
            line.accrued_pence,
            line.contested_pence,
            line.paid_pence,
            line.available_pence,
            line.expenditure_pence,
        ];
        let name = if line.line.is_empty() { "all" } else { &line.line };
        let ended = if line.fund_shut { "ended" } else { "" };
        let name = core::iter::once(Cell::text(name));
        name.chain(amounts.map(Cell::Pence)).chain([Cell::text(ended)]).collect::<Vec<_>>()
    };
    let mut token = String::new();
    loop {
        let request = v1::ListLinePositionsRequest {
            system: ledger.system.clone(),
            page: page(token),
            min_position: None,
            at,
        };
        let answer = ledger.ask(request).await?;
        for line in &answer.positions {
            report.row(row(line));
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            report.row(row(&answer.sum.unwrap_or_default()));
            let position = answer.as_of.and_then(|as_of| as_of.position).unwrap_or_default();
            report.fact("as known at record", Cell::Count(position));
            return report.print(format);
        }
        report.page(format)?;
    }
}

pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Unspecified => "",
        Side::Debit => "debit",
        Side::Credit => "credit",
    }
}

/// A table of balances.
pub(super) fn balances() -> Report {
    use Kind::{Money, Words};
    Report::new(&[
        ("path", Words),
        ("side", Words),
        ("balance", Money),
        ("open holds", Money),
        ("measure", Money),
        ("floor", Money),
        ("ceiling", Money),
        ("limit", Words),
    ])
}

/// A row of it.
pub(super) fn balance_row(balance: &v1::Balance) -> [Cell; 8] {
    let limit = balance.limit.as_ref();
    let bound = |bound: Option<i64>| bound.map_or(Cell::Empty, Cell::Pence);
    [
        Cell::Text(balance.path.clone()),
        Cell::text(side(balance.normal_side())),
        Cell::Pence(balance.balance_pence),
        Cell::Pence(balance.held_pence),
        Cell::Pence(balance.measure_pence),
        bound(limit.and_then(|limit| limit.floor_pence)),
        bound(limit.and_then(|limit| limit.ceiling_pence)),
        match limit.map(v1::Limit::severity) {
            None | Some(v1::LimitSeverity::Unspecified) => Cell::Empty,
            Some(v1::LimitSeverity::Warn) => Cell::text("warns"),
            Some(v1::LimitSeverity::Hard) => Cell::text("refuses"),
        },
    ]
}

pub(super) async fn limits(ledger: &Ledger, format: Format) -> anyhow::Result<()> {
    let request = v1::ListLimitsRequest { system: ledger.system.clone(), min_position: None };
    let mut report = balances();
    for node in &ledger.ask(request).await?.nodes {
        report.row(balance_row(node));
    }
    report.print(format)
}

/// Paths of the accounts, for showing legs.
pub(super) async fn paths(ledger: &Ledger) -> anyhow::Result<BTreeMap<u64, String>> {
    let mut found = BTreeMap::new();
    let mut token = String::new();
    loop {
        let request = v1::ListAccountsRequest {
            system: ledger.system.clone(),
            page: page(token),
            ..v1::ListAccountsRequest::default()
        };
        let answer = ledger.ask(request).await?;
        found.extend(answer.accounts.into_iter().map(|account| (account.number, account.path)));
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            return Ok(found);
        }
    }
}

pub(super) async fn entries(ledger: &Ledger, of: Entries) -> anyhow::Result<()> {
    use v1::list_entries_request::Of;
    let Entries { of, period, kind, caller, min, max, recorded_from, recorded_before, format } = of;
    let of = match (of.account, of.node, of.cause, of.reference) {
        (Some(path), ..) => Some(Of::Account(account_number(ledger, path).await?)),
        (_, Some(node), ..) => Some(Of::Node(node)),
        (_, _, Some(cause), _) => {
            let (service, position) = cause.split_once(':').context("a cause is <service>:<position>")?;
            let position = position.parse().context("a cause is <service>:<position>")?;
            Some(Of::Cause(Cause { service: service.to_owned(), position }))
        }
        (.., Some(reference)) => Some(Of::Reference(reference)),
        (None, None, None, None) => None,
    };
    let request = v1::ListEntriesRequest {
        system: ledger.system.clone(),
        of,
        period,
        kind: kind.unwrap_or_default().into(),
        caller,
        amount_pence_min: min.map(Pence::get),
        amount_pence_max: max.map(Pence::get),
        recorded_from: recorded_from.map(wire::common::timestamp),
        recorded_before: recorded_before.map(wire::common::timestamp),
        ..v1::ListEntriesRequest::default()
    };
    let paths = paths(ledger).await?;
    let (mut report, mut token, mut count) = (table(), String::new(), 0_u64);
    loop {
        let answer = ledger.ask(v1::ListEntriesRequest { page: page(token), ..request.clone() }).await?;
        for entry in &answer.entries {
            add(&mut report, entry, &paths);
            count = count.saturating_add(1);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            report.fact("entries", Cell::Count(count));
            return report.print(format);
        }
        report.page(format)?;
    }
}

pub(super) async fn account_number(ledger: &Ledger, path: String) -> anyhow::Result<u64> {
    let request = v1::GetAccountRequest {
        system: ledger.system.clone(),
        account: Some(v1::get_account_request::Account::Path(path.clone())),
        min_position: None,
    };
    let answer = ledger.ask(request).await.with_context(|| format!("looking for the account {path}"))?;
    Ok(answer.account.context("the server answered no account")?.number)
}

pub(super) async fn entry(ledger: &Ledger, of: Entry) -> anyhow::Result<()> {
    let Entry { position, index, format } = of;
    let entry = Some(v1::EntryName { position, index });
    let answer = ledger.ask(v1::GetEntryRequest { system: ledger.system.clone(), entry }).await?;
    let entry = answer.entry.context("the server answered no entry")?;
    let mut report = table();
    add(&mut report, &entry, &paths(ledger).await?);
    let posting = entry.posting.clone().unwrap_or_default();
    let mut fact = |name: &'static str, text: String| {
        if !text.is_empty() {
            report.fact(name, Cell::Text(text));
        }
    };
    fact("happened", dated(posting.effective_date));
    fact("accounted for", dated(entry.accounting_date));
    fact("recorded", crate::commands::audit::books::recorded(&entry));
    fact("belongs to", entry.period_of_origin.clone());
    fact("reason", entry.reason.clone());
    fact("on behalf of", person(&posting.on_behalf_of));
    fact("reverses itself in", posting.reverses_in.clone());
    let corrected: Vec<String> = entry.corrected_by.iter().map(entry_name).collect();
    fact("corrected by", corrected.join(", "));
    report.print(format)
}

fn entry_name(name: &v1::EntryName) -> String {
    let v1::EntryName { position, index } = name;
    if *index == 0 { position.to_string() } else { format!("{position}/{index}") }
}

/// A table of entries: a row for each leg and each hold.
fn table() -> Report {
    use Kind::{Money, Words};
    Report::new(&[
        ("entry", Words),
        ("accounting", Words),
        ("kind", Words),
        ("account", Words),
        ("debit", Money),
        ("credit", Money),
        ("held", Money),
        ("reference", Words),
        ("from", Words),
        ("remark", Words),
    ])
}

/// Adds an entry's rows; what is about the entry stands in each, so that a row can be read by itself.
fn add(report: &mut Report, entry: &v1::Entry, paths: &BTreeMap<u64, String>) {
    let posting = entry.posting.clone().unwrap_or_default();
    let path = |account: u64| paths.get(&account).cloned().unwrap_or_else(|| account.to_string());
    let mut remarks: Vec<String> = Vec::new();
    remarks.extend(posting.corrects.as_ref().map(|of| format!("corrects {}", entry_name(of))));
    remarks.extend(entry.reversed_by.as_ref().map(|by| format!("reversed by {}", entry_name(by))));
    if !entry.period_of_origin.is_empty() {
        remarks.push(format!("late, of {}", entry.period_of_origin));
    }
    let cause = posting.cause.as_ref().map(|cause| format!("{}:{}", cause.service, cause.position));
    let mut row = |account: String, amounts: [Cell; 3], remark: Option<String>| {
        let remarks = remarks.iter().cloned().chain(remark).collect::<Vec<_>>().join(", ");
        let [debit, credit, held] = amounts;
        report.row([
            Cell::Text(name(entry)),
            Cell::Text(dated(entry.accounting_date)),
            Cell::Text(crate::commands::audit::books::kind(entry)),
            Cell::Text(account),
            debit,
            credit,
            held,
            Cell::Text(posting.reference.clone()),
            Cell::maybe(cause.clone()),
            Cell::Text(remarks),
        ]);
    };
    for leg in &posting.legs {
        let amount = Cell::Pence(leg.amount_pence);
        let amounts = if leg.side() == Side::Debit {
            [amount, Cell::Empty, Cell::Empty]
        } else {
            [Cell::Empty, amount, Cell::Empty]
        };
        row(path(leg.account), amounts, None);
    }
    for (action, moved) in posting.holds.iter().zip(&entry.held_pence) {
        let (account, sign, what) = match &action.action {
            Some(v1::hold_action::Action::Place(place)) => (path(place.account), 1, "hold placed"),
            Some(v1::hold_action::Action::Capture(_)) => (String::new(), -1, "hold captured"),
            Some(v1::hold_action::Action::Release(_)) => (String::new(), -1, "hold released"),
            None => (String::new(), 1, ""),
        };
        let held = Cell::Pence(moved.saturating_mul(sign));
        row(account, [Cell::Empty, Cell::Empty, held], Some(what.to_owned()));
    }
}

pub(super) async fn holds(ledger: &Ledger, below: Below) -> anyhow::Result<()> {
    use Kind::{Money, Words};
    let Below { node, format } = below;
    let mut report =
        Report::new(&[("hold", Words), ("account", Words), ("remaining", Money), ("until", Words)]);
    let (mut token, mut sum) = (String::new(), 0_i64);
    loop {
        let request = v1::ListHoldsRequest {
            system: ledger.system.clone(),
            node: node.clone(),
            page: page(token),
            min_position: None,
        };
        let answer = ledger.ask(request).await?;
        for hold in &answer.holds {
            sum = sum.saturating_add(hold.remaining_pence);
            report.row([
                Cell::Text(crate::commands::phb::hex(&hold.name)),
                Cell::Text(hold.account_path.clone()),
                Cell::Pence(hold.remaining_pence),
                Cell::Text(dated(hold.expire_date)),
            ]);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            report.fact("sum of these", Cell::Pence(sum));
            return report.print(format);
        }
        report.page(format)?;
    }
}

pub(super) async fn windows(ledger: &Ledger, of: Windows) -> anyhow::Result<()> {
    use Kind::{Money, Number, Words};
    let mut report = Report::new(&[
        ("payer", Words),
        ("payee", Words),
        ("window", Words),
        ("numbers", Number),
        ("total", Money),
        ("paid", Money),
        ("left", Money),
        ("state", Words),
    ]);
    let (mut token, mut left) = (String::new(), 0_i64);
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
            let rest = window.total_pence.saturating_sub(window.paid_pence);
            left = left.saturating_add(rest);
            report.row([
                Cell::Text(name.payer),
                Cell::Text(name.payee),
                Cell::Text(name.key.map(window_name).unwrap_or_default()),
                Cell::Count(window.seq.into()),
                Cell::Pence(window.total_pence),
                Cell::Pence(window.paid_pence),
                Cell::Pence(rest),
                Cell::text(if window.sealed { "sealed" } else { "open" }),
            ]);
        }
        token = answer.page.unwrap_or_default().next_page_token;
        if token.is_empty() {
            report.fact("left of these", Cell::Pence(left));
            return report.print(of.format);
        }
        report.page(of.format)?;
    }
}

fn window_name(key: v1::WindowKey) -> String {
    let mut fields = wire::Fields::new();
    wire::ledger::key_from(&mut fields, &key).map(|key| key.to_string()).unwrap_or_default()
}
