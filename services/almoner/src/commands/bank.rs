//! `almoner bank`: what a bank says, read back.

use super::settle::Settlement;
use crate::{cli::Calling, output};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use proto::settlement::v1::{self, BankEntryOutcome};
use serde_json::json;
use std::path::PathBuf;

/// The options of `bank`.
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
    /// Take in a statement (camt.053) or a status report (pain.002)
    Import(Import),
}

#[derive(Debug, Args)]
struct Import {
    /// The message
    file: PathBuf,
    /// Id of this attempt; give the same again to repeat it
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, json, command: Command::Import(of) } = options;
    let settlement = Settlement::connect(calling, system, json)?;
    let message = std::fs::read(&of.file).with_context(|| format!("reading {}", of.file.display()))?;
    let request = v1::RecordBankMessageRequest {
        system: settlement.system.clone(),
        request_id: of.request_id.unwrap_or_else(client::new_request_id),
        message,
    };
    let answer = settlement.connection.ask(request).await.context("taking in the message")?;
    if settlement.json {
        let totals = answer.totals.iter().map(|total| {
            json!({ "outcome": outcome(total.outcome()), "entries": total.count, "pence": total.pence })
        });
        let value = json!({
            "known": answer.known,
            "totals": totals.collect::<Vec<_>>(),
            "differences": answer.differences.len(),
            "asks_open": answer.asks_open_count,
        });
        output::line(format_args!("{value}"));
        return Ok(());
    }
    if let Some(first) = answer.known {
        output::line(format_args!("known since position {first}: nothing changes"));
    }
    let mut shown = output::table(["outcome", "entries", "pounds"], 1..3);
    for total in &answer.totals {
        let pounds = output::pounds(total.pence);
        shown.add_row([outcome(total.outcome()).to_owned(), total.count.to_string(), pounds]);
    }
    output::show(&shown);
    for entry in &answer.differences {
        let pounds = entry.pence.map(output::pounds).unwrap_or_default();
        let (number, what) = (entry.index.saturating_add(1), outcome(entry.outcome()));
        output::line(format_args!("entry {number}: {what} {pounds} {}", entry.end_to_end_id));
    }
    Ok(())
}

const fn outcome(outcome: BankEntryOutcome) -> &'static str {
    match outcome {
        BankEntryOutcome::Unspecified => "?",
        BankEntryOutcome::Settled => "settled",
        BankEntryOutcome::Accepted => "accepted",
        BankEntryOutcome::Rejected => "rejected",
        BankEntryOutcome::Returned => "returned",
        BankEntryOutcome::Repeated => "known already",
        BankEntryOutcome::WrongAmount => "wrong amount",
        BankEntryOutcome::WrongAccount => "wrong account",
        BankEntryOutcome::OutOfOrder => "out of order",
        BankEntryOutcome::Unmatched => "no payment of ours",
        BankEntryOutcome::NotBooked => "not booked",
    }
}
