//! `almoner phb`: personal health budgets, from the proposal of a plan to its last reclaim, and where its payments go.

mod money;
mod payee;
mod plans;
mod spends;
mod words;

use crate::cli::Calling;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use client::Connection;
use jiff::civil::Date;
use proto::google;

/// The options of `phb`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// System; default: the profile's
    #[arg(long, global = true)]
    system: Option<String>,
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, global = true, value_name = "UUID")]
    request_id: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Propose a plan
    Open(plans::Open),
    /// Approve a plan that another officer proposed
    Approve(plans::Approve),
    /// Show a plan
    Plan(plans::Plan),
    /// List plans
    Plans(plans::Plans),
    /// Suspend a plan while the person is in hospital
    Suspend(plans::Suspend),
    /// Resume a suspended plan
    Resume(plans::Plan),
    /// Record the person's death
    Death(plans::Death),
    /// Close a plan of which everything is settled
    Close(plans::Plan),
    /// Record that a review was held
    Review(plans::Review),
    /// List reviews that are due
    Reviews(plans::Reviews),
    /// Show totals by payer, category and kind of pot
    Totals(plans::Totals),
    /// Record something bought
    Spend(spends::Spend),
    /// Book a service from a notional pot
    Book(spends::Book),
    /// Record that a booked service came
    Deliver(spends::Deliver),
    /// Call a booking off
    Cancel(spends::Cancel),
    /// List spends and bookings
    Spends(spends::Spends),
    /// Recognise the cost of a period of care under a cash pot
    Care(money::Care),
    /// Record that a third party gave money back unasked
    Return(money::Return),
    /// Ask money back
    Reclaim(money::Reclaim),
    /// Record that reclaimed money came
    Receipt(money::Receipt),
    /// List reclaims
    Reclaims(money::Reclaims),
    /// Propose to give up what is still due back
    WriteOff(money::WriteOff),
    /// Agree to a write-off that another person proposed
    ApproveWriteOff(money::ApproveWriteOff),
    /// Say where a plan's direct payments go, and agree to it
    #[command(subcommand)]
    Payee(payee::Command),
}

/// Whom to ask, about which system, and under which request id.
struct Budgets {
    connection: Connection,
    system: String,
    request_id: String,
}

impl Budgets {
    fn system(&self) -> String {
        self.system.clone()
    }

    fn request_id(&self) -> String {
        self.request_id.clone()
    }
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, request_id, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let request_id = request_id.unwrap_or_else(client::new_request_id);
    let budgets = Budgets { connection, system, request_id };
    match command {
        Command::Open(of) => plans::open(&budgets, of).await,
        Command::Approve(of) => plans::approve(&budgets, of).await,
        Command::Plan(of) => plans::show(&budgets, of).await,
        Command::Plans(of) => plans::list(&budgets, of).await,
        Command::Suspend(of) => plans::suspend(&budgets, of).await,
        Command::Resume(of) => plans::resume(&budgets, of).await,
        Command::Death(of) => plans::death(&budgets, of).await,
        Command::Close(of) => plans::close(&budgets, of).await,
        Command::Review(of) => plans::review(&budgets, of).await,
        Command::Reviews(of) => plans::reviews(&budgets, of).await,
        Command::Totals(of) => plans::totals(&budgets, of).await,
        Command::Spend(of) => spends::spend(&budgets, of).await,
        Command::Book(of) => spends::book(&budgets, of).await,
        Command::Deliver(of) => spends::deliver(&budgets, of).await,
        Command::Cancel(of) => spends::cancel(&budgets, of).await,
        Command::Spends(of) => spends::list(&budgets, of).await,
        Command::Care(of) => money::care(&budgets, of).await,
        Command::Return(of) => money::returned(&budgets, of).await,
        Command::Reclaim(of) => money::reclaim(&budgets, of).await,
        Command::Receipt(of) => money::receipt(&budgets, of).await,
        Command::Reclaims(of) => money::list(&budgets, of).await,
        Command::WriteOff(of) => money::write_off(&budgets, of).await,
        Command::ApproveWriteOff(of) => money::approve_write_off(&budgets, of).await,
        Command::Payee(of) => payee::run(&budgets, of).await,
    }
}

fn sent(date: Date) -> Option<google::r#type::Date> {
    Some(wire::common::date(date))
}

/// The bytes that hexadecimal digits spell.
pub(super) fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect();
    bytes.filter(|_| rest.is_empty()).ok_or_else(|| "it must be hexadecimal digits, two to a byte".to_owned())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{hex, unhex};

    #[test]
    fn digests_are_spelt_and_read() {
        for (text, bytes) in [("", vec![]), ("00ff", vec![0, 255]), ("0A", vec![10])] {
            assert_eq!(unhex(text), Ok(bytes.clone()));
            assert_eq!(hex(&bytes), text.to_lowercase());
        }
        for bad in ["0", "0g", "zz", "é"] {
            assert!(unhex(bad).is_err(), "{bad}");
        }
    }
}
