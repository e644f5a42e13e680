//! `almoner export`: what other programs read.

use crate::output;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use journal::SystemName;
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::PathBuf,
};

/// The options of `export`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the ledger as an hledger journal with every balance asserted; `hledger check` then recomputes it
    Hledger {
        /// Data folder, or a copy of it; the server may be running
        #[arg(long, value_name = "FOLDER")]
        from: PathBuf,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// System, when the folder holds several
        #[arg(long)]
        system: Option<SystemName>,
    },
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let What::Hledger { from, out, system } = &options.what;
    let file = File::create(out).with_context(|| format!("{} cannot be written", out.display()))?;
    let mut writer = BufWriter::new(file);
    let exported = audit::export_hledger(from, system.as_ref(), &mut writer)
        .with_context(|| format!("the ledger in {} cannot be exported", from.display()))?;
    writer.flush().with_context(|| format!("{} cannot be written", out.display()))?;
    let audit::Exported { entries, assertions, accounts } = exported;
    output::line(format_args!(
        "{}: {entries} entries, {accounts} accounts, {assertions} balances asserted",
        out.display()
    ));
    Ok(())
}
