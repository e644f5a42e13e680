//! Months, and what takes two people.

use super::{
    Ledger,
    read::paths,
    write::{Attempt, say},
};
use crate::{
    commands::phb::{hex, unhex},
    output::{self, show, table},
};
use clap::Args;
use jiff::civil::Date;
use money::NetPence;
use proto::ledger::v1::{self, PeriodStanding, Side};

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
    let request = v1::ListPeriodsRequest {
        system: ledger.system.clone(),
        financial_year: year.financial_year,
        min_position: None,
    };
    let mut rows = table(["month", "standing", "since position"], 2..3);
    for period in ledger.ask(request).await?.periods {
        let standing = match period.standing() {
            PeriodStanding::Unspecified => "unknown",
            PeriodStanding::Open => "open",
            PeriodStanding::SoftClosed => "soft-closed",
            PeriodStanding::Closed => "closed",
        };
        let since = period.marked_position.map(|position| position.to_string()).unwrap_or_default();
        rows.add_row([period.period, standing.to_owned(), since]);
    }
    show(&rows);
    Ok(())
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

pub(super) async fn proposals(ledger: &Ledger) -> anyhow::Result<()> {
    let request = v1::ListProposalsRequest { system: ledger.system.clone(), min_position: None };
    let proposals = ledger.ask(request).await?.proposals;
    let names = paths(ledger).await?;
    for proposal in proposals {
        output::line(format_args!(
            "position {} digest {}: {}",
            proposal.position,
            hex(&proposal.digest),
            proposal.reason
        ));
        match proposal.act {
            Some(v1::proposal::Act::ReopenPeriod(period)) => {
                output::line(format_args!("  open {period} again"));
            }
            Some(v1::proposal::Act::Postings(v1::ProposedPostings { postings })) => {
                for posting in postings {
                    let date = posting.accounting_date.and_then(wire::common::date_from);
                    let date = date.map(|date| format!(" in {date}")).unwrap_or_default();
                    output::line(format_args!("  {}{date}", posting.kind().as_str_name()));
                    for leg in posting.legs {
                        let side = if leg.side() == Side::Debit { "D" } else { "C" };
                        let path = names.get(&leg.account).map_or("", String::as_str);
                        let amount = NetPence::new(leg.amount_pence);
                        output::line(format_args!("    {side} {path} {amount}"));
                    }
                }
            }
            None => output::line(format_args!("  something that this version does not know")),
        }
    }
    Ok(())
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

pub(super) async fn due_reversals(ledger: &Ledger) -> anyhow::Result<()> {
    let request = v1::ListDueReversalsRequest { system: ledger.system.clone(), min_position: None };
    let mut rows = table(["entry", "reverses in"], 0..1);
    for due in ledger.ask(request).await?.reversals {
        let entry = due.entry.unwrap_or_default();
        rows.add_row([format!("{}/{}", entry.position, entry.index), due.period]);
    }
    show(&rows);
    Ok(())
}
