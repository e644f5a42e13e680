//! `almoner registry`: who is who, who buys what from whom, and what waits for a second person.

mod contracts;
mod read;
mod write;

use crate::cli::Calling;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use client::Connection;
use journal::SystemName;

/// The options of `registry`.
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
    /// List the systems of the installation
    Systems,
    /// Show what the system's clock shows
    Clock,
    /// Show an organisation
    Organisation(read::Organisation),
    /// List organisations by code
    Organisations(read::Organisations),
    /// List the contracts in force
    Contracts,
    /// List what waits for a second person
    Proposals(Whose),
    /// Propose contracts, for another person to approve
    ProposeContracts(contracts::ProposeContracts),
    /// Propose a price list, for another person to approve
    ProposePriceBook(write::ProposePriceBook),
    /// Approve what another person proposed
    Approve(write::Approve),
    /// Take a proposal back
    Withdraw(write::Withdraw),
    /// Move a sandbox's clock forward, in every service
    AdvanceClock(write::AdvanceClock),
}

/// A system's own data, or what all systems share.
#[derive(Debug, Clone, Copy, Args)]
struct Whose {
    /// What all systems share, not one system's own
    #[arg(long)]
    national: bool,
}

/// A registry to ask.
struct Registry {
    connection: Connection,
    system: Option<String>,
}

impl Registry {
    /// The system that is meant.
    fn system(&self) -> anyhow::Result<String> {
        self.system.clone().context("say which system: --system <name>, or one in the profile")
    }

    /// The system that is meant, or the name of what all share.
    fn whose(&self, whose: Whose) -> anyhow::Result<String> {
        if whose.national { Ok(SystemName::NATIONAL.to_owned()) } else { self.system() }
    }
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let registry = Registry { connection, system: system.or(of_profile) };
    match command {
        Command::Systems => read::systems(&registry).await,
        Command::Clock => read::clock(&registry).await,
        Command::Organisation(of) => read::organisation(&registry, of).await,
        Command::Organisations(of) => read::organisations(&registry, of).await,
        Command::Contracts => read::contracts(&registry).await,
        Command::Proposals(whose) => read::proposals(&registry, whose).await,
        Command::ProposeContracts(propose) => contracts::propose(&registry, propose).await,
        Command::ProposePriceBook(propose) => write::propose_price_book(&registry, propose).await,
        Command::Approve(approve) => write::approve(&registry, approve).await,
        Command::Withdraw(withdraw) => write::withdraw(&registry, withdraw).await,
        Command::AdvanceClock(advance) => write::advance_clock(&registry, advance).await,
    }
}
