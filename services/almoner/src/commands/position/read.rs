//! The position, its ties, and what was kept of it.

use super::{Attempt, Beside, Reconciliation};
use crate::output::{self, table};
use anyhow::{Context as _, ensure};
use clap::Args;
use money::NetPence;
use proto::reconciliation::v1::{self, LineRow, Tie};

/// Which ties.
#[derive(Debug, Args)]
pub(super) struct Differences {
    /// Also those without any difference
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    beside: Beside,
}

/// A position to keep.
#[derive(Debug, Args)]
pub(super) struct Keep {
    #[command(flatten)]
    beside: Beside,
    #[command(flatten)]
    attempt: Attempt,
}

/// Shows the position. Fails when the books do not tie, so that a script can tell.
pub(super) async fn show(of: &Reconciliation, beside: &Beside) -> anyhow::Result<()> {
    let request = v1::GetPositionRequest {
        system: of.system.clone(),
        financial_year: of.financial_year.clone(),
        statements: beside.read()?,
    };
    let answer = of.connection.ask(request).await.context("reading the position")?;
    let position = answer.position.context("the position was answered without itself")?;
    print(&position);
    ensure!(position.unexplained_pence == 0, "the books do not tie");
    Ok(())
}

fn print(position: &v1::Position) {
    let mut table =
        table(["line", "allocated", "committed", "accrued", "contested", "paid", "available", "spent"], 1..8);
    let sum = position.sum.clone().unwrap_or_default();
    let named = |row: &LineRow| if row.line.is_empty() { "all lines".to_owned() } else { row.line.clone() };
    for row in position.lines.iter().chain([&sum]) {
        let figures = [
            row.allocated_pence,
            row.committed_pence,
            row.accrued_pence,
            row.contested_pence,
            row.paid_pence,
            row.available_pence,
            row.expenditure_pence,
        ];
        table.add_row(cells(named(row), &figures));
    }
    output::show(&table);
    output::line(format_args!(""));
    for source in &position.sources {
        let at = source.position.map_or_else(|| "empty".to_owned(), |at| at.to_string());
        output::line(format_args!("{} at {at}", source.service));
    }
    output::line(format_args!(
        "unexplained {}, debits less credits {}",
        NetPence::new(position.unexplained_pence),
        NetPence::new(position.trial_balance_pence)
    ));
    position.breaks.iter().for_each(print_break);
}

fn print_break(tie: &Tie) {
    output::line(format_args!(
        "{} {}: {} unexplained, {}. For {}: {}",
        tie.kind,
        tie.subject,
        NetPence::new(tie.unexplained_pence),
        tie.break_kind,
        tie.owner,
        tie.remedy
    ));
}

/// Lists ties.
pub(super) async fn differences(of: &Reconciliation, differences: &Differences) -> anyhow::Result<()> {
    let request = v1::ListDifferencesRequest {
        system: of.system.clone(),
        financial_year: of.financial_year.clone(),
        statements: differences.beside.read()?,
        include_matched: differences.all,
    };
    let answer = of.connection.ask(request).await.context("listing differences")?;
    let mut table = table(["tie", "of", "left", "right", "unexplained", "named"], 1..6);
    for tie in &answer.ties {
        let mut row = cells(tie.kind.clone(), &[tie.left_pence, tie.right_pence, tie.unexplained_pence]);
        row.insert(1, tie.subject.clone());
        let named = tie.named.iter().map(|named| format!("{} {}", named.kind, NetPence::new(named.pence)));
        row.push(named.collect::<Vec<_>>().join(", "));
        table.add_row(row);
    }
    output::show(&table);
    answer.ties.iter().filter(|tie| !tie.break_kind.is_empty()).for_each(print_break);
    ensure!(answer.unexplained_pence == 0, "the books do not tie");
    Ok(())
}

/// Keeps the position.
pub(super) async fn keep(of: &Reconciliation, keep: Keep) -> anyhow::Result<()> {
    let request = v1::RecordPositionRequest {
        system: of.system.clone(),
        request_id: keep.attempt.id(),
        financial_year: of.financial_year.clone(),
        statements: keep.beside.read()?,
    };
    let answer = of.connection.ask(request).await.context("keeping the position")?;
    print_kept(answer.kept.iter());
    Ok(())
}

/// Lists what was kept.
pub(super) async fn kept(of: &Reconciliation) -> anyhow::Result<()> {
    let request = v1::ListPositionsRequest { system: of.system.clone(), min_position: None };
    let answer = of.connection.ask(request).await.context("listing kept positions")?;
    print_kept(answer.positions.iter());
    Ok(())
}

fn print_kept<'a>(kept: impl Iterator<Item = &'a v1::RecordedPosition>) {
    for row in kept {
        let digest: String = row.pack_digest.iter().map(|byte| format!("{byte:02x}")).collect();
        output::line(format_args!(
            "{} {} ties {} broken {} unexplained {} sha-256 {digest}",
            row.position,
            row.financial_year,
            row.ties_count,
            row.breaks_count,
            NetPence::new(row.unexplained_pence)
        ));
    }
}

pub(super) fn cells(name: String, pence: &[i64]) -> Vec<String> {
    std::iter::once(name).chain(pence.iter().map(|pence| NetPence::new(*pence).to_string())).collect()
}
