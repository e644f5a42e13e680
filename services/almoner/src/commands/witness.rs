//! `almoner witness`: watches logs, and cosigns what only grew.

use crate::output;
use anyhow::Context as _;
use clap::Args;
use server::{LogFormat, Telemetry, Witness, WitnessConfig, telemetry};
use std::path::PathBuf;

/// The options of `witness`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print the witness's verifier key, for logs and auditors, and end; the key is made when there is none
    #[arg(long)]
    print_key: bool,
    /// Print the configuration in force and end
    #[arg(long, conflicts_with = "print_key")]
    print_config: bool,
    /// Write log lines as JSON
    #[arg(long)]
    json_log: bool,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let Options { config, print_key, print_config, json_log } = options;
    let config = WitnessConfig::read(&config)?;
    if print_config {
        output::line(format_args!("{}", config.print().trim_end()));
        return Ok(());
    }
    if print_key {
        output::line(format_args!("{}", Witness::key(&config)?));
        return Ok(());
    }
    let stop = server::told_to_stop().context("signals cannot be listened for")?;
    server::panics::install_hook();
    let log_format = if json_log { LogFormat::Json } else { LogFormat::Text };
    let sending = telemetry::start(&Telemetry { log_format, ..Telemetry::default() }, &config.name)?;
    let witness = Witness::bind(&config).await?;
    witness.run(stop).await;
    tokio::task::spawn_blocking(move || sending.stop()).await?;
    Ok(())
}
