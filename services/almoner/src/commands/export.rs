//! `almoner export`: what other programs read.

use crate::output;
use anyhow::Context as _;
use audit::{ExportError, Rows};
use clap::{Args, Subcommand};
use journal::SystemName;
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
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
    Hledger(Files),
    /// Write every leg of every entry as a row of comma-separated values
    Csv(Files),
    /// Write every leg of every entry as a row of a Parquet file
    Parquet(Files),
}

#[derive(Debug, Args)]
struct Files {
    /// Data folder, or a copy of it; the server may be running
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// System, when the folder holds several
    #[arg(long)]
    system: Option<SystemName>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    match &options.what {
        What::Hledger(files) => {
            let exported = files.export(audit::export_hledger)?;
            let audit::Exported { entries, assertions, accounts } = exported;
            output::line(format_args!(
                "{}: {entries} entries, {accounts} accounts, {assertions} balances asserted",
                files.out.display()
            ));
            Ok(())
        }
        What::Csv(files) => files.rows(files.export(audit::export_csv)?),
        What::Parquet(files) => {
            files.rows(files.export(|from, system, out| audit::export_parquet(from, system, out))?)
        }
    }
}

impl Files {
    fn export<T>(
        &self,
        write: impl FnOnce(&Path, Option<&SystemName>, &mut BufWriter<File>) -> Result<T, ExportError>,
    ) -> anyhow::Result<T> {
        let Self { from, out, system } = self;
        let unwritten = || format!("{} cannot be written", out.display());
        let mut writer = BufWriter::new(File::create(out).with_context(unwritten)?);
        let exported = write(from, system.as_ref(), &mut writer)
            .with_context(|| format!("the ledger in {} cannot be exported", from.display()))?;
        writer.flush().with_context(unwritten)?;
        Ok(exported)
    }

    /// Puts the checkpoint beside the rows, for files that have no place for it and for those that look there.
    fn rows(&self, rows: Rows) -> anyhow::Result<()> {
        let Rows { rows, checkpoint, note } = rows;
        let mut beside = self.out.clone().into_os_string();
        beside.push(".checkpoint");
        let beside = PathBuf::from(beside);
        std::fs::write(&beside, note).with_context(|| format!("{} cannot be written", beside.display()))?;
        output::line(format_args!(
            "{}: {rows} legs of {} records; {} is the signed checkpoint that it stands for",
            self.out.display(),
            checkpoint.size,
            beside.display()
        ));
        Ok(())
    }
}
