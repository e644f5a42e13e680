//! Where a plan's direct payments go: proposed by one officer, approved by another. Nothing personal is printed.

use super::Budgets;
use crate::output;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use proto::{health_budgets::v1::GetPlanRequest, identity::v1};
use std::{fs, path::PathBuf};

/// The commands about payees.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Propose where a plan's direct payments go
    Register(Register),
    /// Approve what another officer proposed
    Approve(Approve),
}

/// Bank details to propose.
#[derive(Debug, Args)]
pub(super) struct Register {
    /// Id of the plan
    plan: String,
    /// File with three lines: the account's name, its sort code, its number. Never on the command line, where other
    /// users of the machine could read it
    #[arg(long, value_name = "FILE")]
    details: PathBuf,
}

/// A second officer's yes.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Id of the plan
    plan: String,
    /// Number of the proposal, as `register` showed it
    proposal: u64,
}

pub(super) async fn run(budgets: &Budgets, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Register(of) => register(budgets, of).await,
        Command::Approve(of) => approve(budgets, of).await,
    }
}

async fn register(budgets: &Budgets, of: Register) -> anyhow::Result<()> {
    let Register { plan, details } = of;
    let text =
        fs::read_to_string(&details).with_context(|| format!("{} cannot be read", details.display()))?;
    let [account_name, sort_code, account_number] = lines(&text)?;
    let request = GetPlanRequest { system: budgets.system(), plan: plan.clone(), min_position: None };
    let answer = budgets.connection.ask(request).await.context("the plan was not read")?;
    let request = v1::RegisterPayeeRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        payee: plan.clone(),
        pseudonym: answer.plan.unwrap_or_default().pseudonym,
        account_name,
        sort_code,
        account_number,
    };
    let answer = budgets.connection.ask(request).await.context("the details were not registered")?;
    output::line(format_args!("proposed; another officer approves it:"));
    output::line(format_args!("  almoner phb payee approve {plan} {}", answer.proposal));
    Ok(())
}

async fn approve(budgets: &Budgets, of: Approve) -> anyhow::Result<()> {
    let request = v1::ApprovePayeeRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        payee: of.plan,
        proposal: of.proposal,
    };
    budgets.connection.ask(request).await.context("the details were not approved")?;
    output::line(format_args!("in force"));
    Ok(())
}

/// The three lines of a file of bank details. No error quotes them.
fn lines(text: &str) -> anyhow::Result<[String; 3]> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [name, sort_code, number] => Ok([name, sort_code, number].map(|line| (*line).to_owned())),
        _ => bail!("the file must hold three lines: the account's name, its sort code, its number"),
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn details_are_three_lines() {
        let found = lines("A Example PHB\n08-99-99\n66374958\n\n").unwrap();
        assert_eq!(found, ["A Example PHB", "08-99-99", "66374958"]);
        let error = lines("08-99-99\n66374958").unwrap_err().to_string();
        assert!(!error.contains("6637"), "{error}");
    }
}
