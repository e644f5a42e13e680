//! The command line. A command group has a file of its own under `commands/` and a variant here.

use crate::{commands, demo, serve, status};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use client::{Connection, Profile};
use std::path::PathBuf;

/// Clears the payments that follow a patient's choice.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    calling: Calling,
    #[command(subcommand)]
    command: Command,
}

/// How commands that call a server reach it.
#[derive(Debug, Args)]
pub(crate) struct Calling {
    /// Connection profile: where to call and as whom
    #[arg(long, global = true, env = "ALMONER_PROFILE", value_name = "FILE")]
    profile: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a month of an accountable care system, and show what it comes to
    Demo(demo::Options),
    /// Run services
    Serve(serve::Options),
    /// Show whether a server serves, and where its journals stand
    Status(status::Options),
    /// Watch logs, and cosign their checkpoints as long as they only grow
    Witness(commands::witness::Options),
    /// Show, make, copy and put back the key that signs checkpoints
    Keys(commands::keys::Options),
    /// Make an authority and certificates
    Certificates(commands::certificates::Options),
    /// Read and write the books
    Ledger(commands::ledger::Options),
    /// Read who is who and who buys what, and agree on changes
    Registry(commands::registry::Options),
    /// Open, approve and spend personal health budgets
    Phb(commands::phb::Options),
    /// Prepare, approve and pay settlement runs
    Settle(commands::settle::Options),
    /// Read back what a bank says
    Bank(commands::bank::Options),
    /// Fetch and check receipts: proofs of single records that their holders keep
    Receipt(commands::receipt::Options),
    /// Make an auditor's usual requests of the books
    Audit(commands::audit::Options),
    /// Show where the system stands, whether its books tie, and its control totals
    Position(commands::position::Options),
    /// Show what one payment pays
    Remittance(commands::remittance::Options),
    /// Submit a provider's activity file
    Submit(commands::submit::Options),
    /// Read what became of activity
    Activity(commands::activity::Options),
    /// Challenge lines, answer challenges and conclude them
    Challenge(commands::challenge::Options),
    /// Record, read and end referrals
    Referral(commands::referral::Options),
    /// Price care by the tariff's lists
    Tariff(commands::tariff::Options),
    /// Copy a data folder at one consistent point while it is served; repeated, only what is new
    Backup(commands::backup::Backup),
    /// Make a data folder from a backup
    Restore(commands::backup::Restore),
    /// Check and repair journals on this host's disks
    Journal(commands::journal::Options),
    /// Write what other programs read
    Export(commands::export::Options),
}

impl Cli {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self { calling, command } = self;
        match command {
            Command::Demo(options) => Box::pin(demo::run(options)).await,
            Command::Serve(options) => serve::run(options).await,
            Command::Status(options) => status::run(options, &calling).await,
            Command::Witness(options) => commands::witness::run(options).await,
            Command::Keys(options) => commands::keys::run(&options),
            Command::Certificates(options) => commands::certificates::run(&options),
            Command::Ledger(options) => commands::ledger::run(options, &calling).await,
            Command::Registry(options) => commands::registry::run(options, &calling).await,
            Command::Phb(options) => Box::pin(commands::phb::run(options, &calling)).await,
            Command::Settle(options) => commands::settle::run(options, &calling).await,
            Command::Bank(options) => commands::bank::run(options, &calling).await,
            Command::Receipt(options) => Box::pin(commands::receipt::run(options, &calling)).await,
            Command::Audit(options) => Box::pin(commands::audit::run(options, &calling)).await,
            Command::Position(options) => commands::position::run(options, &calling).await,
            Command::Remittance(options) => commands::remittance::run(options, &calling).await,
            Command::Submit(options) => commands::submit::run(options, &calling).await,
            Command::Activity(options) => commands::activity::run(options, &calling).await,
            Command::Challenge(options) => Box::pin(commands::challenge::run(options, &calling)).await,
            Command::Referral(options) => commands::referral::run(options, &calling).await,
            Command::Tariff(options) => Box::pin(commands::tariff::run(options, &calling)).await,
            Command::Backup(options) => commands::backup::backup(&options),
            Command::Restore(options) => commands::backup::restore(&options),
            Command::Journal(options) => commands::journal::run(&options),
            Command::Export(options) => commands::export::run(&options),
        }
    }
}

impl Calling {
    /// A connection by the profile given, and the system that it names.
    pub(crate) fn connect(&self) -> anyhow::Result<(Connection, Option<String>)> {
        let path =
            self.profile.as_ref().context("say where to call: --profile <file>, or ALMONER_PROFILE")?;
        let profile = Profile::read(path)?;
        let connection = profile.connect()?;
        Ok((connection, profile.system))
    }
}
