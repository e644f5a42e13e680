//! `almoner settle`: runs, prepared by one person, approved by another, paid.

mod show;

use crate::{cli::Calling, output};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use client::Connection;
use jiff::civil::Date;
use proto::{google, settlement::v1};
use std::path::PathBuf;

/// The options of `settle`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// System; default: the profile's
    #[arg(long, global = true)]
    system: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Collect what is owed up to a cut, and fix what a run is to pay
    Prepare(Prepare),
    /// Show a run with its rows; without an id, list all runs
    Show(Show),
    /// Agree to a run that another person prepared
    Approve(Agree),
    /// Do without witnesses; it takes two approvers who give the same reason
    Waive(Waive),
    /// Pay an approved run: post its payments and write its files
    Pay(Agree),
    /// Take up a run where it stopped
    Resume(Of),
    /// Give up a run that was not paid
    Cancel(Cancel),
    /// Close a run whose payments have all ended
    Close(Of),
    /// List payments that were told to leave
    Payments(Payments),
    /// List what fell due by contracts' calendars
    Instalments,
    /// Fetch a file of a run
    File(File),
}

#[derive(Debug, Args)]
struct Prepare {
    /// The newest month to pay, for example 2017-06
    period: String,
    /// Which of its cuts
    #[arg(long, value_enum, default_value_t = Stage::Freeze)]
    stage: Stage,
    /// When to pay: a working day; default: the next
    #[arg(long, value_name = "DATE")]
    pay_date: Option<Date>,
    /// Id of this attempt, and of the run; give the same again to repeat it
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stage {
    Flex,
    Freeze,
}

#[derive(Debug, Args)]
struct Show {
    /// Id of the run
    run: Option<String>,
}

#[derive(Debug, Args)]
struct Of {
    /// Id of the run
    run: String,
}

#[derive(Debug, Args)]
struct Waive {
    #[command(flatten)]
    run: Agree,
    /// Why; from the second approver the same as from the first. Nothing about a person
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
struct Agree {
    /// Id of the run
    run: String,
    /// Digest of the content that you looked at, 64 hexadecimal digits: see `show`
    #[arg(long, value_name = "SHA-256")]
    digest: String,
}

#[derive(Debug, Args)]
struct Cancel {
    /// Id of the run
    run: String,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
struct Payments {
    /// Only of this run
    #[arg(long, default_value = "")]
    run: String,
    /// Only of this payer
    #[arg(long, value_name = "ODS", default_value = "")]
    payer: String,
    /// Only to this payee
    #[arg(long, default_value = "")]
    payee: String,
}

#[derive(Debug, Args)]
struct File {
    /// Id of the run
    run: String,
    /// Name of the file, as `show` gives it
    name: String,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A settlement service to ask.
pub(crate) struct Settlement {
    pub(crate) connection: Connection,
    pub(crate) system: String,
    pub(crate) json: bool,
}

impl Settlement {
    pub(crate) fn connect(calling: &Calling, system: Option<String>, json: bool) -> anyhow::Result<Self> {
        let (connection, of_profile) = calling.connect()?;
        let system =
            system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
        Ok(Self { connection, system, json })
    }
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, json, command } = options;
    let settlement = Settlement::connect(calling, system, json)?;
    match command {
        Command::Prepare(of) => prepare(&settlement, of).await,
        Command::Show(Show { run: Some(run) }) => show::run(&settlement, run).await,
        Command::Show(Show { run: None }) => show::runs(&settlement).await,
        Command::Approve(of) => approve(&settlement, of).await,
        Command::Waive(of) => waive(&settlement, of).await,
        Command::Pay(of) => pay(&settlement, of).await,
        Command::Resume(of) => resume(&settlement, of).await,
        Command::Cancel(of) => cancel(&settlement, of).await,
        Command::Close(of) => close(&settlement, of).await,
        Command::Payments(of) => show::payments(&settlement, of).await,
        Command::Instalments => show::instalments(&settlement).await,
        Command::File(of) => file(&settlement, of).await,
    }
}

async fn prepare(settlement: &Settlement, of: Prepare) -> anyhow::Result<()> {
    let Prepare { period, stage, pay_date, request_id } = of;
    let stage = match stage {
        Stage::Flex => v1::CutStage::Flex,
        Stage::Freeze => v1::CutStage::Freeze,
    };
    let request = v1::PrepareRunRequest {
        system: settlement.system.clone(),
        request_id: request_id.unwrap_or_else(client::new_request_id),
        cut: Some(v1::Cut { period, stage: stage.into() }),
        pay_date: pay_date.map(date),
    };
    let answer = settlement.connection.ask(request).await.context("preparing the run")?;
    for superseded in &answer.supersedes {
        output::note(format_args!("supersedes {superseded}"));
    }
    show::change(settlement, answer.change)
}

fn date(date: Date) -> google::r#type::Date {
    google::r#type::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

async fn approve(settlement: &Settlement, of: Agree) -> anyhow::Result<()> {
    let request = v1::ApproveRunRequest {
        system: settlement.system.clone(),
        request_id: client::new_request_id(),
        run: of.run,
        digest: digest(&of.digest)?,
    };
    show::change(settlement, settlement.connection.ask(request).await.context("approving the run")?.change)
}

async fn waive(settlement: &Settlement, of: Waive) -> anyhow::Result<()> {
    let request = v1::WaiveWitnessesRequest {
        system: settlement.system.clone(),
        request_id: client::new_request_id(),
        run: of.run.run,
        digest: digest(&of.run.digest)?,
        reason: of.reason,
    };
    show::change(
        settlement,
        settlement.connection.ask(request).await.context("waiving the witnesses")?.change,
    )
}

async fn pay(settlement: &Settlement, of: Agree) -> anyhow::Result<()> {
    let request = v1::PayRunRequest {
        system: settlement.system.clone(),
        request_id: client::new_request_id(),
        run: of.run,
        digest: digest(&of.digest)?,
    };
    show::change(settlement, settlement.connection.ask(request).await.context("paying the run")?.change)
}

async fn resume(settlement: &Settlement, of: Of) -> anyhow::Result<()> {
    let (system, request_id) = (settlement.system.clone(), client::new_request_id());
    let request = v1::ResumeRunRequest { system, request_id, run: of.run };
    show::change(settlement, settlement.connection.ask(request).await.context("resuming the run")?.change)
}

async fn cancel(settlement: &Settlement, of: Cancel) -> anyhow::Result<()> {
    let (system, request_id) = (settlement.system.clone(), client::new_request_id());
    let request = v1::CancelRunRequest { system, request_id, run: of.run, reason: of.reason };
    show::change(settlement, settlement.connection.ask(request).await.context("cancelling the run")?.change)
}

async fn close(settlement: &Settlement, of: Of) -> anyhow::Result<()> {
    let (system, request_id) = (settlement.system.clone(), client::new_request_id());
    let request = v1::CloseRunRequest { system, request_id, run: of.run };
    show::change(settlement, settlement.connection.ask(request).await.context("closing the run")?.change)
}

async fn file(settlement: &Settlement, of: File) -> anyhow::Result<()> {
    let request = v1::GetFileRequest { system: settlement.system.clone(), run: of.run, name: of.name };
    let answer = settlement.connection.ask(request).await.context("fetching the file")?;
    std::fs::write(&of.out, &answer.content).with_context(|| format!("writing {}", of.out.display()))?;
    output::line(format_args!("{}", of.out.display()));
    Ok(())
}

/// The 32 bytes of 64 hexadecimal digits.
fn digest(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64);
    let digits = digits.context("a digest is 64 hexadecimal digits: see `almoner settle show`")?;
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_they_are_shown() {
        let bytes: Vec<u8> = (0..32).map(|byte| byte * 7).collect();
        assert_eq!(digest(&show::hex(&bytes)).unwrap(), bytes);
        for bad in ["", "00", &"0".repeat(63), &"g".repeat(64)] {
            assert!(digest(bad).is_err(), "{bad}");
        }
    }
}
