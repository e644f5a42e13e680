//! `almoner ledger`: the books, read and written by finance and auditors.

mod past;
mod period;
mod post;
mod read;
pub(crate) mod why;
mod write;

pub(crate) use read::kind_from;

use crate::{cli::Calling, commands::audit::books::person, report::Format};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use client::Connection;
use proto::{Unary, journal::v1::GetRecordHeadersRequest};
use std::collections::{BTreeMap, BTreeSet};

/// The options of `ledger`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// System; default: the profile's
    #[arg(long, global = true)]
    system: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show where every budget line stands: allocated, committed, accrued, paid, available
    Position(read::Position),
    /// Show the totals of every account, now or at a day as known at an instant; debits equal credits
    TrialBalance(past::TrialBalance),
    /// Show the balance of an account or of everything below a node, now or at a day as known at an instant
    Balance(past::Balance),
    /// Show what an account, or everything below a node, opened with, how it moved, and what it closed with
    Statement(past::Statement),
    /// Show why a balance is what it is: its entries, and the referral, line, price, run and bank line behind each
    Why(why::Options),
    /// List entries
    Entries(read::Entries),
    /// Send entries as they come, one JSON object a line, with the balances after each
    Tail(past::Tail),
    /// Show one entry
    Entry(read::Entry),
    /// List open holds by expiry
    Holds(read::Below),
    /// List windows: what became payable, from whom to whom
    Windows(read::Windows),
    /// List the limits in force
    Limits(Format),
    /// Allocate budget to a line, from the payer's resource limit
    Allocate(write::Allocate),
    /// Set, replace or lift the limit of a node
    SetLimit(write::SetLimit),
    /// Reverse an entry
    Reverse(write::Reverse),
    /// Make one entry of any number of legs, or propose it where that takes two people
    Post(post::Post),
    /// Show the months of a financial year: open, soft-closed or closed
    Periods(period::Year),
    /// Soft-close a month that has ended: only what two people post is accounted for in it
    SoftClosePeriod(period::Period),
    /// Close a month that has ended
    ClosePeriod(period::Period),
    /// Propose to open a closed month again; another person approves it
    ReopenPeriod(period::Reopen),
    /// End the year of a line: its fund shuts, what it still holds moves to the year after
    EndYear(period::EndYear),
    /// List the entries that reverse themselves, and when
    DueReversals(Format),
    /// List what waits for another person
    Proposals(Format),
    /// Approve what another person proposed
    Approve(period::Approve),
    /// Take back what you proposed, while it waits
    Withdraw(period::Withdraw),
}

/// A ledger to ask.
struct Ledger {
    connection: Connection,
    system: String,
}

impl Ledger {
    async fn ask<R: Unary>(&self, request: R) -> anyhow::Result<R::Response> {
        self.connection.ask(request).await.context("the ledger did not do it")
    }

    /// Who is named by records of the ledger, in words, by position.
    async fn callers(
        &self,
        positions: impl IntoIterator<Item = u64>,
    ) -> anyhow::Result<BTreeMap<u64, String>> {
        let positions: BTreeSet<u64> = positions.into_iter().collect();
        if positions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let request = GetRecordHeadersRequest {
            system: self.system.clone(),
            service: "ledger".to_owned(),
            positions: positions.into_iter().collect(),
        };
        // Finance may read the books and not the headers: then names stay out.
        let headers = match self.connection.ask(request).await {
            Ok(answer) => answer.headers,
            Err(status) if status.code() == tonic::Code::PermissionDenied => Vec::new(),
            Err(status) => return Err(status).context("reading who made records"),
        };
        Ok(headers.into_iter().map(|header| (header.position, person(&header.caller))).collect())
    }
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let ledger = Ledger { connection, system };
    match command {
        Command::Position(of) => read::position(&ledger, of).await,
        Command::TrialBalance(of) => past::trial_balance(&ledger, of).await,
        Command::Balance(of) => past::balance(&ledger, of).await,
        Command::Statement(of) => past::statement(ledger, of).await,
        Command::Why(options) => Box::pin(why::run(ledger, options)).await,
        Command::Entries(of) => read::entries(&ledger, of).await,
        Command::Tail(of) => past::tail(ledger, of).await,
        Command::Entry(of) => read::entry(&ledger, of).await,
        Command::Holds(below) => read::holds(&ledger, below).await,
        Command::Windows(of) => read::windows(&ledger, of).await,
        Command::Limits(format) => read::limits(&ledger, format).await,
        Command::Allocate(allocate) => write::allocate(&ledger, allocate).await,
        Command::SetLimit(limit) => write::set_limit(&ledger, limit).await,
        Command::Reverse(reverse) => write::reverse(&ledger, reverse).await,
        Command::Post(post) => post::post(&ledger, post).await,
        Command::Periods(year) => period::periods(&ledger, year).await,
        Command::SoftClosePeriod(period) => period::soft_close(&ledger, period).await,
        Command::ClosePeriod(period) => period::close(&ledger, period).await,
        Command::ReopenPeriod(period) => period::reopen(&ledger, period).await,
        Command::EndYear(of) => period::end_year(&ledger, of).await,
        Command::DueReversals(format) => period::due_reversals(&ledger, format).await,
        Command::Proposals(format) => period::proposals(&ledger, format).await,
        Command::Approve(of) => period::approve(&ledger, of).await,
        Command::Withdraw(of) => period::withdraw(&ledger, of).await,
    }
}
