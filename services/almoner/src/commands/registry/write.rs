//! The writing commands. Each takes `--request-id`, so that one that got no answer can be repeated safely.

use super::{Registry, Whose, read::hex};
use crate::output;
use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use journal::Instant;
use proto::registry::v1;
use std::{fs, path::PathBuf};

/// The attempt.
#[derive(Debug, Args)]
pub(super) struct Attempt {
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

impl Attempt {
    /// The id, shown when it is new: whoever must repeat the command needs it.
    pub(super) fn id(self) -> String {
        self.request_id.unwrap_or_else(|| {
            let id = client::new_request_id();
            output::line(format_args!("request id {id}"));
            id
        })
    }
}

/// A price list.
#[derive(Debug, Args)]
pub(super) struct ProposePriceBook {
    /// The list as CSV
    file: PathBuf,
    /// Its name, for example local-attendance-2017-18
    #[arg(long)]
    name: String,
    /// Year whose activity it prices, for example 2017-18
    #[arg(long)]
    financial_year: String,
    /// What it prices
    #[arg(long)]
    kind: Kind,
    /// Publication that it was taken from
    #[arg(long)]
    source: String,
    /// Its prices were made for demonstration
    #[arg(long)]
    illustrative: bool,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    attempt: Attempt,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Admitted care and outpatient procedures
    Admitted,
    /// Outpatient attendances
    Attendance,
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
    whose: Whose,
    #[command(flatten)]
    attempt: Attempt,
}

/// A withdrawal.
#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// Number of the proposal
    proposal: u64,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    attempt: Attempt,
}

/// A move of the clock.
#[derive(Debug, Args)]
pub(super) struct AdvanceClock {
    /// New time, for example 2017-08-31T17:00:00Z
    to: Instant,
    #[command(flatten)]
    attempt: Attempt,
}

pub(super) async fn propose_price_book(registry: &Registry, propose: ProposePriceBook) -> anyhow::Result<()> {
    let ProposePriceBook { file, name, financial_year, kind, source, illustrative, whose, attempt } = propose;
    let csv = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let kind = match kind {
        Kind::Admitted => v1::PriceKind::Admitted,
        Kind::Attendance => v1::PriceKind::Attendance,
    };
    let price_book =
        v1::PriceBook { price_book: name, financial_year, kind: kind.into(), illustrative, source, csv };
    let request = v1::ProposePriceBookRequest {
        system: registry.whose(whose)?,
        request_id: attempt.id(),
        price_book: Some(price_book),
        validate_only: false,
    };
    let answer = registry.connection.ask(request).await.context("the price book was not proposed")?;
    proposed(answer.proposal);
    Ok(())
}

/// Says what another person is to approve.
pub(super) fn proposed(proposal: Option<v1::Proposal>) {
    let v1::Proposal { proposal, digest, .. } = proposal.unwrap_or_default();
    output::line(format_args!("proposal {proposal} waits for another person; digest {}", hex(&digest)));
}

/// The bytes of hexadecimal digits.
fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    ensure!(text.is_ascii() && text.len() == 64, "a digest is 64 hexadecimal digits");
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair)?;
        Ok(u8::from_str_radix(pair, 16)?)
    });
    pairs.collect()
}

pub(super) async fn approve(registry: &Registry, approve: Approve) -> anyhow::Result<()> {
    let Approve { proposal, digest, whose, attempt } = approve;
    let request = v1::ApproveProposalRequest {
        system: registry.whose(whose)?,
        digest: bytes(&digest)?,
        request_id: attempt.id(),
        proposal,
    };
    let answer = registry.connection.ask(request).await.context("the proposal was not approved")?;
    output::line(format_args!("in force; {} rows changed", answer.changed_count));
    Ok(())
}

pub(super) async fn withdraw(registry: &Registry, withdraw: Withdraw) -> anyhow::Result<()> {
    let Withdraw { proposal, whose, attempt } = withdraw;
    let request =
        v1::WithdrawProposalRequest { system: registry.whose(whose)?, request_id: attempt.id(), proposal };
    registry.connection.ask(request).await.context("the proposal was not withdrawn")?;
    output::line(format_args!("withdrawn"));
    Ok(())
}

pub(super) async fn advance_clock(registry: &Registry, advance: AdvanceClock) -> anyhow::Result<()> {
    let AdvanceClock { to, attempt } = advance;
    let request = v1::AdvanceClockRequest {
        system: registry.system()?,
        request_id: attempt.id(),
        advance_to: Some(wire::common::timestamp(to)),
    };
    let answer = registry.connection.ask(request).await.context("the clock was not moved everywhere")?;
    let shown = answer.clock_time.and_then(wire::common::instant_from).context("no time was answered")?;
    output::line(format_args!("{shown}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_shown() {
        let digest = journal::Digest::of(b"proposal").0.to_vec();
        assert_eq!(bytes(&hex(&digest)).unwrap(), digest);
        for bad in [String::new(), "0".repeat(63), "g".repeat(64), "é".repeat(32)] {
            assert!(bytes(&bad).is_err(), "{bad}");
        }
    }
}
