//! `almoner remittance`: what one payment pays, by site.

use super::settle::Settlement;
use crate::{cli::Calling, output};
use anyhow::Context as _;
use clap::Args;
use proto::settlement::v1;
use std::path::PathBuf;

/// The options of `remittance`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// System; default: the profile's
    #[arg(long)]
    system: Option<String>,
    /// End-to-end id of the payment: see `almoner settle payments`
    end_to_end_id: String,
    /// For programs: CSV
    #[arg(long)]
    csv: bool,
    /// Folder to write it to, under its own name; default: standard output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, end_to_end_id, csv, out } = options;
    let settlement = Settlement::connect(calling, system, false)?;
    let format = if csv { v1::AdviceFormat::Csv } else { v1::AdviceFormat::Text };
    let request =
        v1::GetRemittanceRequest { system: settlement.system.clone(), end_to_end_id, format: format.into() };
    let answer = settlement.connection.ask(request).await.context("making the remittance advice")?;
    match out {
        Some(folder) => {
            let path = folder.join(&answer.name);
            std::fs::write(&path, &answer.content).with_context(|| format!("writing {}", path.display()))?;
            output::line(format_args!("{}", path.display()));
        }
        None => output::line(format_args!("{}", String::from_utf8_lossy(&answer.content).trim_end())),
    }
    Ok(())
}
