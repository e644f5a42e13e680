//! Months, and what takes two people.

use super::{
    Ledger,
    read::paths,
    write::{Attempt, say},
};
use crate::{
    commands::{
        audit::books::kind_word,
        phb::{hex, unhex},
    },
    output::{self, date, pounds},
    report::{Cell, Format, Kind, Report},
};
use clap::Args;
use jiff::civil::Date;
use proto::ledger::v1::{self, PeriodStanding, Side};
use std::collections::BTreeMap;

/// A month.
#[derive(Debug, Args)]
pub(super) struct Period {
    /// The month, for example 2017-06
    period: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    attempt: Attempt,
}

/// A month to open again.
#[derive(Debug, Args)]
pub(super) struct Reopen {
    #[command(flatten)]
    period: Period,
    /// The first day on which nobody can approve it any more; default: it waits for ever
    #[arg(long, value_name = "DATE")]
    expires: Option<Date>,
}

/// What to take back.
#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// Position of the proposal's record
    proposal: u64,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    attempt: Attempt,
}

/// A financial year.
#[derive(Debug, Args)]
pub(super) struct Year {
    /// The financial year, for example 2017-18
    financial_year: String,
    #[command(flatten)]
    format: Format,
}

/// A line whose year is over.
#[derive(Debug, Args)]
pub(super) struct EndYear {
    /// The line, for example 10M/elective/2017-18
    line: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    attempt: Attempt,
}

/// What to approve.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Position of the proposal's record
    proposal: u64,
    /// Digest of what you looked at, as `almoner ledger proposals` shows it
    #[arg(long, value_name = "HEX")]
    digest: String,
    #[command(flatten)]
    attempt: Attempt,
}

pub(super) async fn periods(ledger: &Ledger, year: Year) -> anyhow::Result<()> {
    use Kind::{Number, Words};
    let Year { financial_year, format } = year;
    let request =
        v1::ListPeriodsRequest { system: ledger.system.clone(), financial_year, min_position: None };
    let periods = ledger.ask(request).await?.periods;
    let names = ledger.callers(periods.iter().filter_map(|period| period.marked_caller)).await?;
    let mut report =
        Report::new(&[("month", Words), ("standing", Words), ("since record", Number), ("by", Words)]);
    for period in periods {
        let standing = match period.standing() {
            PeriodStanding::Unspecified => "unknown",
            PeriodStanding::Open => "open",
            PeriodStanding::SoftClosed => "soft-closed",
            PeriodStanding::Closed => "closed",
        };
        report.row([
            Cell::text(period.period),
            Cell::text(standing),
            period.marked_position.map_or(Cell::Empty, Cell::Count),
            Cell::maybe(period.marked_caller.and_then(|caller| names.get(&caller).cloned())),
        ]);
    }
    report.print(format)
}

pub(super) async fn soft_close(ledger: &Ledger, period: Period) -> anyhow::Result<()> {
    let Period { period, reason, attempt } = period;
    let (system, request_id) = (ledger.system.clone(), attempt.id());
    let request = v1::SoftClosePeriodRequest { system, request_id, period, reason };
    say(ledger.ask(request).await?.recorded);
    Ok(())
}

pub(super) async fn close(ledger: &Ledger, period: Period) -> anyhow::Result<()> {
    let Period { period, reason, attempt } = period;
    let (system, request_id) = (ledger.system.clone(), attempt.id());
    let request = v1::ClosePeriodRequest { system, request_id, period, reason };
    say(ledger.ask(request).await?.recorded);
    Ok(())
}

pub(super) async fn withdraw(ledger: &Ledger, of: Withdraw) -> anyhow::Result<()> {
    let Withdraw { proposal, reason, attempt } = of;
    let (system, request_id) = (ledger.system.clone(), attempt.id());
    let request = v1::WithdrawProposalRequest { system, request_id, proposal, reason };
    say(ledger.ask(request).await?.recorded);
    Ok(())
}

pub(super) async fn reopen(ledger: &Ledger, of: Reopen) -> anyhow::Result<()> {
    let Reopen { period: Period { period, reason, attempt }, expires } = of;
    let (system, request_id) = (ledger.system.clone(), attempt.id());
    let expire_date = expires.map(wire::common::date);
    let request = v1::ReopenPeriodRequest { system, request_id, period, reason, expire_date };
    let answer = ledger.ask(request).await?;
    waits(answer.recorded.unwrap_or_default().position, &answer.digest);
    Ok(())
}

/// What another person does next.
pub(super) fn waits(position: u64, digest: &[u8]) {
    output::line(format_args!("proposed at position {position}; another person approves it:"));
    output::line(format_args!("  almoner ledger approve {position} --digest {}", hex(digest)));
}

pub(super) async fn proposals(ledger: &Ledger, format: Format) -> anyhow::Result<()> {
    use Kind::{Number, Sentences, Words};
    let request = v1::ListProposalsRequest { system: ledger.system.clone(), min_position: None };
    let proposals = ledger.ask(request).await?.proposals;
    let names = ledger.callers(proposals.iter().map(|proposal| proposal.proposer)).await?;
    let accounts = paths(ledger).await?;
    let mut report = Report::new(&[
        ("proposal", Number),
        ("by", Words),
        ("recorded", Words),
        ("expires", Words),
        ("reason", Words),
        ("what", Sentences),
    ]);
    for proposal in proposals {
        let time = proposal.recorded_time.and_then(wire::common::instant_from);
        let mut what = match proposal.act {
            Some(v1::proposal::Act::ReopenPeriod(period)) => vec![format!("open {period} again")],
            Some(v1::proposal::Act::Postings(v1::ProposedPostings { postings })) => {
                postings.iter().flat_map(|posting| described(posting, &accounts)).collect()
            }
            None => vec!["something that this version does not know".to_owned()],
        };
        what.push(format!("almoner ledger approve {} --digest {}", proposal.position, hex(&proposal.digest)));
        report.row([
            Cell::Count(proposal.position),
            Cell::maybe(names.get(&proposal.proposer).cloned()),
            Cell::maybe(time.map(|time| time.to_string())),
            Cell::Text(date(proposal.expire_date)),
            Cell::Text(proposal.reason),
            Cell::Lines(what),
        ]);
    }
    report.print(format)
}

/// A posting in lines: what it is, and each leg.
fn described(posting: &v1::Posting, accounts: &BTreeMap<u64, String>) -> Vec<String> {
    let within = date(posting.accounting_date);
    let within = if within.is_empty() { String::new() } else { format!(", accounted for on {within}") };
    let mut lines =
        vec![format!("{} of {}{within}", kind_word(posting.kind()), date(posting.effective_date))];
    lines.extend(posting.legs.iter().map(|leg| {
        let side = if leg.side() == Side::Debit { "debit" } else { "credit" };
        let path = accounts.get(&leg.account).map_or("?", String::as_str);
        format!("{side} {path} {}", pounds(leg.amount_pence))
    }));
    lines
}

pub(super) async fn approve(ledger: &Ledger, of: Approve) -> anyhow::Result<()> {
    let Approve { proposal, digest, attempt } = of;
    let request = v1::ApproveProposalRequest {
        system: ledger.system.clone(),
        proposal,
        digest: unhex(&digest).map_err(anyhow::Error::msg)?,
        request_id: attempt.id(),
    };
    say(ledger.ask(request).await?.recorded);
    Ok(())
}

pub(super) async fn end_year(ledger: &Ledger, of: EndYear) -> anyhow::Result<()> {
    let EndYear { line, reason, attempt } = of;
    let (system, request_id) = (ledger.system.clone(), attempt.id());
    let request = v1::EndYearRequest { system, request_id, line, reason };
    let answer = ledger.ask(request).await?;
    match answer.recorded {
        Some(recorded) => say(Some(recorded)),
        None => output::line(format_args!("the year was ended before; what was left is moved now")),
    }
    output::line(format_args!(
        "{} entries and {} holds moved to the year after",
        answer.entries.len(),
        answer.holds_moved
    ));
    Ok(())
}

pub(super) async fn due_reversals(ledger: &Ledger, format: Format) -> anyhow::Result<()> {
    use Kind::Words;
    let request = v1::ListDueReversalsRequest { system: ledger.system.clone(), min_position: None };
    let mut report = Report::new(&[("entry", Words), ("reverses in", Words)]);
    for due in ledger.ask(request).await?.reversals {
        let v1::EntryName { position, index } = due.entry.unwrap_or_default();
        let name = if index == 0 { position.to_string() } else { format!("{position}/{index}") };
        report.row([Cell::Text(name), Cell::Text(due.period)]);
    }
    report.print(format)
}
