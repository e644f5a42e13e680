//! `almoner tariff`: what care costs by the lists, and how that is found. Needs no server.

mod price;
mod table;

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

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    match &options.command {
        Command::Price(asked) => price::run(asked),
        Command::Explain(asked) => price::explain(asked),
        Command::Table(Table { provider }) => table::run(*provider),
    }
}
