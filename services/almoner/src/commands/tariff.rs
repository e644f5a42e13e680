//! `almoner tariff`: what care costs by the lists, how that is found, and how lists are loaded.

pub(crate) mod load;
mod price;
mod reprice;
mod table;
mod workbook;

use crate::cli::Calling;
use clap::{Args, Subcommand};
use nhs::OdsCode;

/// The options of `tariff`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Price a case by the shipped lists; exit status 2 and the reason when it has no price
    Price(price::Price),
    /// Show every figure behind such a price with the list, row and column that it stands in
    Explain(price::Price),
    /// Read a published price list, show what it would change, and propose it
    Load(load::Load),
    /// Show what lines come to by corrected terms or lists, and propose to price them again
    Reprice(reprice::Reprice),
    /// List what was proposed to be priced again, or show one
    Repricings(reprice::Repricings),
    /// Approve a repricing that another person proposed, and post its differences
    ApproveRepricing(reprice::ApproveRepricing),
    /// Print the price of every group, setting and stay, for other programs to check
    #[command(hide = true)]
    Table(Table),
}

/// What the table is multiplied by.
#[derive(Debug, Args)]
struct Table {
    /// Provider or site whose market forces factor multiplies the prices
    #[arg(long, value_name = "ODS")]
    provider: Option<OdsCode>,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    match options.command {
        Command::Price(asked) => price::run(&asked),
        Command::Explain(asked) => price::explain(&asked),
        Command::Load(asked) => load::run(asked, calling).await,
        Command::Reprice(asked) => reprice::reprice(asked, calling).await,
        Command::Repricings(asked) => reprice::repricings(asked, calling).await,
        Command::ApproveRepricing(asked) => reprice::approve(asked, calling).await,
        Command::Table(Table { provider }) => table::run(provider),
    }
}
