//! `almoner position`: where a system stands, the ties behind it, and the control totals that it must meet.

mod control_totals;
mod read;

use crate::{cli::Calling, output};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use client::Connection;
use proto::reconciliation::v1::StatementTotal;
use std::path::PathBuf;

/// The options of `position`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// System; default: the profile's
    #[arg(long, global = true)]
    system: Option<String>,
    /// Financial year
    #[arg(long, global = true, default_value = "2017-18")]
    financial_year: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show where each budget line and payee stands, and whether the books tie
    Show(Beside),
    /// List the ties that have differences, named or not
    Differences(read::Differences),
    /// Compute the position and keep it for the file
    Keep(read::Keep),
    /// List positions that were kept
    Kept,
    /// Show control totals in force, and proposals that wait
    ControlTotals,
    /// Propose control totals, for another person to approve
    ProposeControlTotals(control_totals::Propose),
    /// Approve control totals that another person proposed
    ApproveControlTotals(control_totals::Approve),
}

/// What banks' statements say, to be tied to the ledger's bank accounts.
#[derive(Debug, Args)]
struct Beside {
    /// Statements of payers as payer,debits,credits in pence, one a line
    #[arg(long, value_name = "FILE")]
    statements: Option<PathBuf>,
}

impl Beside {
    fn read(&self) -> anyhow::Result<Vec<StatementTotal>> {
        let Some(path) = &self.statements else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        text.lines().filter(|line| !line.trim().is_empty()).map(statement).collect()
    }
}

/// One line of the file of statements.
fn statement(line: &str) -> anyhow::Result<StatementTotal> {
    let mut parts = line.split(',').map(str::trim);
    let (payer, debits, credits) = (parts.next(), parts.next(), parts.next());
    let (Some(payer), Some(debits), Some(credits), None) = (payer, debits, credits, parts.next()) else {
        anyhow::bail!("a statement is payer,debits,credits in pence, not {line:?}");
    };
    let pence = |text: &str| text.parse::<i64>().with_context(|| format!("{text:?} is no sum in pence"));
    let (debits_pence, credits_pence) = (pence(debits)?, pence(credits)?);
    Ok(StatementTotal { payer: payer.to_owned(), debits_pence, credits_pence })
}

/// Reconciliation to ask.
struct Reconciliation {
    connection: Connection,
    system: String,
    financial_year: String,
}

/// The attempt.
#[derive(Debug, Args)]
struct Attempt {
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

impl Attempt {
    /// The id, shown when it is new: whoever must repeat the command needs it.
    fn id(self) -> String {
        self.request_id.unwrap_or_else(|| {
            let id = client::new_request_id();
            output::note(format_args!("request id {id}"));
            id
        })
    }
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, financial_year, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let of = Reconciliation { connection, system, financial_year };
    match command {
        Command::Show(beside) => read::show(&of, &beside).await,
        Command::Differences(differences) => read::differences(&of, &differences).await,
        Command::Keep(keep) => read::keep(&of, keep).await,
        Command::Kept => read::kept(&of).await,
        Command::ControlTotals => control_totals::show(&of).await,
        Command::ProposeControlTotals(propose) => control_totals::propose(&of, propose).await,
        Command::ApproveControlTotals(approve) => control_totals::approve(&of, approve).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_three_fields() {
        let read = statement("10M, 1200,30").unwrap();
        assert_eq!((read.payer.as_str(), read.debits_pence, read.credits_pence), ("10M", 1_200, 30));
        for bad in ["10M", "10M,1", "10M,1,2,3", "10M,1.00,2"] {
            assert!(statement(bad).is_err(), "{bad}");
        }
    }
}
