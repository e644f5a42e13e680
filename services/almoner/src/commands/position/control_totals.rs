//! Control totals: shown, proposed by one person, approved by another.

use super::{Attempt, Reconciliation, read::cells};
use crate::output;
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use proto::reconciliation::v1::{self, ControlTotal};
use std::path::PathBuf;

/// Control totals to propose.
#[derive(Debug, Args)]
pub(super) struct Propose {
    /// File of organisation,total,reserve in pence, one a line; `system` for the system as a whole
    file: PathBuf,
    /// Where they come from
    #[arg(long)]
    source: String,
    /// They were made for demonstration
    #[arg(long)]
    illustrative: bool,
    #[command(flatten)]
    attempt: Attempt,
}

/// An approval.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Number of the proposal
    proposal: u64,
    /// Its digest as you saw it, 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    digest: String,
    #[command(flatten)]
    attempt: Attempt,
}

/// Shows what is in force and what waits.
pub(super) async fn show(of: &Reconciliation) -> anyhow::Result<()> {
    let request = v1::ListControlTotalsRequest {
        system: of.system.clone(),
        financial_year: of.financial_year.clone(),
        min_position: None,
    };
    let answer = of.connection.ask(request).await.context("listing control totals")?;
    let mut table = output::table(["body", "control total", "reserve", "source"], 1..3);
    for row in &answer.control_totals {
        let total = row.control_total.clone().unwrap_or_default();
        let mut line = cells(body(&total), &[total.total_pence, total.reserve_pence]);
        line.push(row.source.clone());
        table.add_row(line);
    }
    output::show(&table);
    answer.proposals.iter().for_each(print_proposal);
    Ok(())
}

fn body(total: &ControlTotal) -> String {
    if total.organisation.is_empty() { "the system".to_owned() } else { total.organisation.clone() }
}

fn print_proposal(proposal: &v1::ControlTotalProposal) {
    let digest: String = proposal.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    output::line(format_args!(
        "proposal {} for {}: {} totals, digest {digest}",
        proposal.proposal,
        proposal.financial_year,
        proposal.control_totals.len()
    ));
}

/// Proposes.
pub(super) async fn propose(of: &Reconciliation, propose: Propose) -> anyhow::Result<()> {
    let Propose { file, source, illustrative, attempt } = propose;
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let rows = text.lines().filter(|line| !line.trim().is_empty());
    let request = v1::ProposeControlTotalsRequest {
        system: of.system.clone(),
        request_id: attempt.id(),
        financial_year: of.financial_year.clone(),
        control_totals: rows.map(control_total).collect::<anyhow::Result<_>>()?,
        source,
        illustrative,
    };
    let answer = of.connection.ask(request).await.context("proposing control totals")?;
    answer.proposal.iter().for_each(print_proposal);
    Ok(())
}

fn control_total(line: &str) -> anyhow::Result<ControlTotal> {
    let parts: Vec<&str> = line.split(',').map(str::trim).collect();
    let [organisation, total, reserve] = parts.as_slice() else {
        bail!("a control total is organisation,total,reserve in pence, not {line:?}");
    };
    let pence = |text: &str| text.parse::<i64>().with_context(|| format!("{text:?} is no sum in pence"));
    let organisation = if *organisation == "system" { String::new() } else { (*organisation).to_owned() };
    Ok(ControlTotal { organisation, total_pence: pence(total)?, reserve_pence: pence(reserve)? })
}

/// Approves.
pub(super) async fn approve(of: &Reconciliation, approve: Approve) -> anyhow::Result<()> {
    let Approve { proposal, digest, attempt } = approve;
    let request = v1::ApproveControlTotalsRequest {
        system: of.system.clone(),
        request_id: attempt.id(),
        proposal,
        digest: digest_of(&digest)?,
    };
    let answer = of.connection.ask(request).await.context("approving control totals")?;
    let position = answer.recorded.map(|recorded| recorded.position).unwrap_or_default();
    output::line(format_args!("approved at {position}"));
    Ok(())
}

fn digest_of(hex: &str) -> anyhow::Result<Vec<u8>> {
    ensure!(hex.len() == 64 && hex.is_ascii(), "a digest has 64 hexadecimal digits");
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16);
    let bytes: Result<Vec<u8>, _> = (0..64).step_by(2).map(byte).collect();
    bytes.context("a digest has 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_digests_are_read_or_refused() {
        let read = control_total("RHW, -350,20").unwrap();
        assert_eq!((read.organisation.as_str(), read.total_pence, read.reserve_pence), ("RHW", -350, 20));
        assert_eq!(control_total("system,1,0").unwrap().organisation, "");
        for bad in ["RHW", "RHW,1", "RHW,1,2,3", "RHW,one,2"] {
            assert!(control_total(bad).is_err(), "{bad}");
        }
        assert_eq!(digest_of(&"0f".repeat(32)).unwrap(), vec![15; 32]);
        for bad in ["", "0f", &"0g".repeat(32)] {
            assert!(digest_of(bad).is_err(), "{bad}");
        }
    }
}
