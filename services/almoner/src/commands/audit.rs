//! `almoner audit`: what auditors usually ask of books, one subcommand a file.
//!
//! Those that ask a server have [`Books`]; those that read a folder take it as an option of their own.

mod books;
mod journal;
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
    /// Prove a data folder, or a copy of it, offline: every record, balance, hold, window, checkpoint and receipt
    Verify(verify::Options),
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    match options.command {
        Command::Journal(options) => journal::run(options, calling).await,
        Command::Verify(options) => verify::run(&options),
    }
}
