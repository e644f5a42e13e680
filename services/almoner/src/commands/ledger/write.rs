//! The writing commands. Each takes `--request-id`, so that one that got no answer can be repeated safely.

use super::{Ledger, read::account_number};
use crate::output;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use money::Pence;
use proto::{
    common::v1::Recorded,
    ledger::v1::{self, EntryKind, PostingMode, Side, posting_outcome::Outcome},
};

/// The attempt.
#[derive(Debug, Args)]
pub(super) struct Attempt {
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

impl Attempt {
    /// The id, shown when it is new: whoever must repeat the command needs it.
    pub(super) fn id(self) -> String {
        self.request_id.unwrap_or_else(|| {
            let id = client::new_request_id();
            output::line(format_args!("request id {id}"));
            id
        })
    }
}

/// An allocation.
#[derive(Debug, Args)]
pub(super) struct Allocate {
    /// The line, for example 10M/elective/2017-18
    line: String,
    /// Pounds, for example 1250000.00
    pounds: Pence,
    /// When it takes effect
    #[arg(long)]
    date: Date,
    /// Your own reference
    #[arg(long, default_value = "")]
    reference: String,
    #[command(flatten)]
    attempt: Attempt,
}

/// A limit.
#[derive(Debug, Args)]
pub(super) struct SetLimit {
    /// Node, for example 10M/elective/2017-18/fund
    node: String,
    /// What passing it means
    #[arg(long)]
    severity: Severity,
    /// The least that its measure may be, in pence; 0 on a fund means that nothing is overspent
    #[arg(long, value_name = "PENCE", allow_negative_numbers = true)]
    floor_pence: Option<i64>,
    /// The most that its measure may be, in pence; with neither bound the limit is lifted
    #[arg(long, value_name = "PENCE", allow_negative_numbers = true)]
    ceiling_pence: Option<i64>,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    attempt: Attempt,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Severity {
    /// Make the posting and note the breach
    Warn,
    /// Refuse the posting, unless another service reports it
    Hard,
}

/// A reversal.
#[derive(Debug, Args)]
pub(super) struct Reverse {
    /// Position of the entry's record
    position: u64,
    /// Its index in a group
    #[arg(long, default_value_t = 0)]
    index: u32,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    attempt: Attempt,
}

pub(super) fn say(recorded: Option<Recorded>) {
    let recorded = recorded.unwrap_or_default();
    let replayed = if recorded.replayed { " (before)" } else { "" };
    output::line(format_args!("recorded at position {}{replayed}", recorded.position));
}

pub(super) async fn allocate(ledger: &Ledger, allocate: Allocate) -> anyhow::Result<()> {
    let Allocate { line, pounds, date, reference, attempt } = allocate;
    let mut segments = line.split('/');
    let (payer, programme, year) = (segments.next(), segments.next(), segments.next());
    let (Some(payer), Some(programme), Some(year), None) = (payer, programme, year, segments.next()) else {
        anyhow::bail!("a line is <ccg>/<programme>/<financial year>, for example 10M/elective/2017-18");
    };
    let allocation = if programme == "phb" { "fund/unassigned/allocation" } else { "fund/allocation" };
    let paths = [format!("resource-limit/{payer}/{year}"), format!("{line}/{allocation}")];
    let id = attempt.id();
    let open = v1::OpenAccountsRequest {
        system: ledger.system.clone(),
        request_id: id.clone(),
        paths: paths.to_vec(),
    };
    ledger.ask(open).await?;
    let [limit, allocation] = paths;
    let (limit, allocation) =
        (account_number(ledger, limit).await?, account_number(ledger, allocation).await?);
    let leg = |account, side: Side| v1::Leg {
        account,
        side: side.into(),
        amount_pence: pounds.get(),
        window: None,
    };
    let id: journal::RequestId = id.parse().context("--request-id")?;
    let posting = v1::Posting {
        request_id: id.to_bytes().to_vec(),
        kind: EntryKind::Allocation.into(),
        effective_date: Some(wire::common::date(date)),
        legs: vec![leg(limit, Side::Debit), leg(allocation, Side::Credit)],
        reference,
        ..v1::Posting::default()
    };
    let request = v1::PostEntriesRequest {
        system: ledger.system.clone(),
        mode: PostingMode::Each.into(),
        postings: vec![posting],
        ..v1::PostEntriesRequest::default()
    };
    let answer = ledger.ask(request).await?;
    let posted = made(answer.outcomes.into_iter().next())?;
    let replayed = if posted.replayed { " (before)" } else { "" };
    let position = posted.entry.unwrap_or_default().position;
    output::line(format_args!("{pounds} allocated to {line} at position {position}{replayed}"));
    Ok(())
}

/// The posting that was made, or why not.
pub(super) fn made(outcome: Option<v1::PostingOutcome>) -> anyhow::Result<v1::PostingResult> {
    match outcome.and_then(|outcome| outcome.outcome) {
        Some(Outcome::Posted(posted)) => Ok(posted),
        Some(Outcome::Refused(refused)) => {
            let problems: Vec<String> =
                refused.problems.iter().map(|p| format!("{} ({})", p.message, p.reason)).collect();
            anyhow::bail!("{}", problems.join("; "))
        }
        None => anyhow::bail!("the server answered nothing"),
    }
}

pub(super) async fn set_limit(ledger: &Ledger, limit: SetLimit) -> anyhow::Result<()> {
    let SetLimit { node, severity, floor_pence, ceiling_pence, reason, attempt } = limit;
    let severity = match severity {
        Severity::Warn => v1::LimitSeverity::Warn,
        Severity::Hard => v1::LimitSeverity::Hard,
    };
    let request = v1::SetLimitRequest {
        system: ledger.system.clone(),
        request_id: attempt.id(),
        node,
        severity: severity.into(),
        floor_pence,
        ceiling_pence,
        reason,
    };
    let answer = ledger.ask(request).await?;
    say(answer.recorded);
    if answer.outside {
        output::line(format_args!(
            "the node stands outside this limit already: it may be moved back, never further"
        ));
    }
    Ok(())
}

pub(super) async fn reverse(ledger: &Ledger, reverse: Reverse) -> anyhow::Result<()> {
    let Reverse { position, index, reason, attempt } = reverse;
    let request = v1::ReverseEntryRequest {
        system: ledger.system.clone(),
        request_id: attempt.id(),
        entry: Some(v1::EntryName { position, index }),
        reason,
    };
    say(ledger.ask(request).await?.recorded);
    Ok(())
}
