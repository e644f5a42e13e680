//! `almoner audit`: what auditors usually ask of books, one subcommand a file.
//!
//! Those that ask a server have `Books`; those that read a folder take it as an option of their own.

pub(crate) mod books;
mod cutoff;
mod evaluate;
pub(crate) mod evidence;
mod journal;
pub(crate) mod past;
mod sample;
mod trial_balance;
mod unrecorded;
mod verify;

pub(crate) use verify::given_key;

use crate::cli::Calling;
use clap::{Args, Subcommand};

/// The options of `audit`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List journal entries with who prepared and approved them, their dates, and what is worth a look
    Journal(journal::Options),
    /// Show the trial balance at any day as known at any instant, or tie its control accounts to the sub-ledgers
    TrialBalance(trial_balance::Options),
    /// List what lies on either side of a date, and what crosses it
    Cutoff(cutoff::Options),
    /// List what was owed at a date and was not in its books: accounted for later, paid later
    Unrecorded(unrecorded::Options),
    /// Draw a monetary-unit sample by a seed, with the evidence behind each item
    Sample(sample::Options),
    /// Project what was found in a sample to its population: misstatement, allowance and upper limit
    Evaluate(evaluate::Options),
    /// Prove a data folder, or a copy of it, offline: every record, balance, hold, window, checkpoint and receipt
    Verify(verify::Options),
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    match options.command {
        Command::Journal(options) => journal::run(options, calling).await,
        Command::TrialBalance(options) => trial_balance::run(options, calling).await,
        Command::Cutoff(options) => cutoff::run(options, calling).await,
        Command::Unrecorded(options) => unrecorded::run(options, calling).await,
        Command::Sample(options) => Box::pin(sample::run(options, calling)).await,
        Command::Evaluate(options) => evaluate::run(options),
        Command::Verify(options) => verify::run(&options),
    }
}
