//! Entries made by hand.

use super::{
    Ledger,
    period::waits,
    read::{account_number, paths},
    write::{Attempt, made},
};
use crate::output;
use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use money::{NetPence, Pence};
use proto::ledger::v1::{self, EntryKind, PostingMode, Side};

/// An entry.
#[derive(Debug, Args)]
pub(super) struct Post {
    /// What happened, for example true-up or write-off: the kinds of `almoner ledger entries`
    #[arg(long)]
    kind: String,
    /// When it happened
    #[arg(long)]
    date: Date,
    /// A debit, for example 10M/elective/2017-18/fund/prepayment/RHW=1200.00; any number of them
    #[arg(long, value_name = "PATH=POUNDS")]
    debit: Vec<String>,
    /// A credit, in the same way; on owed/payable it goes to the run in force
    #[arg(long, value_name = "PATH=POUNDS")]
    credit: Vec<String>,
    /// In whose month it is to be accounted for; default: today's
    #[arg(long)]
    accounting_date: Option<Date>,
    /// The month on whose first day it reverses itself, for example 2017-07
    #[arg(long, value_name = "MONTH", default_value = "")]
    reverses_in: String,
    /// Propose it instead, as a soft-closed month needs: another person approves it
    #[arg(long, requires = "reason")]
    propose: bool,
    /// Why, of a proposal
    #[arg(long, default_value = "")]
    reason: String,
    /// The first day on which nobody can approve the proposal any more; default: it waits for ever
    #[arg(long, value_name = "DATE", requires = "propose")]
    expires: Option<Date>,
    /// Your own reference
    #[arg(long, default_value = "")]
    reference: String,
    #[command(flatten)]
    attempt: Attempt,
}

pub(super) async fn post(ledger: &Ledger, post: Post) -> anyhow::Result<()> {
    let Post {
        kind,
        date,
        debit,
        credit,
        accounting_date,
        reverses_in,
        propose,
        reason,
        reference,
        attempt,
        expires,
    } = post;
    let name = format!("ENTRY_KIND_{}", kind.to_uppercase().replace('-', "_"));
    let kind = EntryKind::from_str_name(&name).with_context(|| format!("there is no kind {kind}"))?;
    let id = attempt.id();
    // An account is opened by whoever first posts to it.
    let named =
        debit.iter().chain(&credit).filter_map(|leg| leg.split_once('=')).map(|(path, _)| path.to_owned());
    let open = v1::OpenAccountsRequest {
        system: ledger.system.clone(),
        request_id: id.clone(),
        paths: named.collect(),
    };
    ledger.ask(open).await.context("opening the accounts")?;
    let mut legs = Vec::new();
    for (side, texts) in [(Side::Debit, debit), (Side::Credit, credit)] {
        for text in texts {
            legs.push(leg(ledger, side, &text).await?);
        }
    }
    let request_id = id.parse::<journal::RequestId>().context("--request-id")?.to_bytes().to_vec();
    let posting = v1::Posting {
        request_id,
        kind: kind.into(),
        effective_date: Some(wire::common::date(date)),
        legs,
        reference,
        accounting_date: accounting_date.map(wire::common::date),
        reverses_in,
        balances: true,
        ..v1::Posting::default()
    };
    let system = ledger.system.clone();
    if propose {
        let expire_date = expires.map(wire::common::date);
        let postings = vec![posting];
        let request = v1::ProposePostingsRequest { system, request_id: id, postings, reason, expire_date };
        let answer = ledger.ask(request).await?;
        waits(answer.recorded.unwrap_or_default().position, &answer.digest);
        return Ok(());
    }
    let request = v1::PostEntriesRequest {
        system,
        mode: PostingMode::Each.into(),
        postings: vec![posting],
        ..v1::PostEntriesRequest::default()
    };
    let posted = made(ledger.ask(request).await?.outcomes.into_iter().next())?;
    let position = posted.entry.unwrap_or_default().position;
    let replayed = if posted.replayed { " (before)" } else { "" };
    output::line(format_args!("posted at position {position}{replayed}"));
    let names = paths(ledger).await?;
    for balance in posted.balances {
        let path = names.get(&balance.account).map_or("", String::as_str);
        output::line(format_args!("  {path} stands at {}", NetPence::new(balance.balance_pence)));
    }
    if !posted.legs_made.is_empty() {
        output::line(format_args!("the line's year is ended: it is made in the year after"));
    }
    if !posted.period_of_origin.is_empty() {
        let month = posted.period_of_origin;
        output::line(format_args!(
            "{month} is not open: it is accounted for in the open month, and marked so"
        ));
    }
    Ok(())
}

async fn leg(ledger: &Ledger, side: Side, text: &str) -> anyhow::Result<v1::Leg> {
    let (path, pounds) = text.split_once('=').context("a leg is <path>=<pounds>")?;
    let amount: Pence = pounds.parse().with_context(|| format!("{pounds} is not an amount of pounds"))?;
    let account = account_number(ledger, path.to_owned()).await?;
    let run = v1::WindowKey { key: Some(v1::window_key::Key::Run(0)) };
    let window = path.contains("/owed/payable/").then_some(v1::leg::Window::Adds(run));
    Ok(v1::Leg { account, side: side.into(), amount_pence: amount.get(), window })
}
