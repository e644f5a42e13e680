//! `almoner referral`: record referrals from a file, read one, end one.

use super::submit;
use crate::{cli::Calling, output};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use client::Connection;
use money::NetPence;
use proto::referrals::v1;
use std::path::PathBuf;

/// The options of `referral`.
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
    /// Record the referrals of a file headed by the fields' names: `submit --kind referrals` with nothing else
    Record(Record),
    /// Show a referral
    Show(Show),
    /// End a referral and release what it still holds
    End(End),
}

#[derive(Debug, Args)]
struct Record {
    /// Referrals (CSV): nhs_number, ubrn, treatment_function, source (gp or other), referred_on, practice, offered
    /// (parted by spaces), provider, site
    file: PathBuf,
    /// Have every referral checked and answered, but record nothing
    #[arg(long)]
    validate_only: bool,
}

#[derive(Debug, Args)]
struct Show {
    /// Its number, or its booking reference of 12 digits
    referral: String,
}

#[derive(Debug, Args)]
struct End {
    /// Its number
    referral: u64,
    /// How it ended
    how: How,
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum How {
    /// The patient was discharged
    Discharged,
    /// It was cancelled before treatment
    Cancelled,
}

struct Referrals {
    connection: Connection,
    system: String,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let referrals = Referrals { connection, system };
    match command {
        Command::Record(of) => record(&referrals, of).await,
        Command::Show(of) => show(&referrals, of).await,
        Command::End(of) => end(&referrals, of).await,
    }
}

async fn record(referrals: &Referrals, record: Record) -> anyhow::Result<()> {
    let Record { file, validate_only } = record;
    let (connection, system) = (&referrals.connection, &referrals.system);
    submit::referrals::file(connection, system, &file, validate_only).await?.told(validate_only)
}

async fn show(referrals: &Referrals, show: Show) -> anyhow::Result<()> {
    use v1::get_referral_request::Key;
    let Show { referral } = show;
    let key = if referral.len() == 12 {
        Key::Ubrn(referral)
    } else {
        Key::Position(referral.parse().context("a referral is named by its number or its booking reference")?)
    };
    let request =
        v1::GetReferralRequest { system: referrals.system.clone(), key: Some(key), min_position: None };
    let answer = referrals.connection.ask(request).await.context("the referral was not read")?;
    let row = answer.referral.unwrap_or_default();
    let date = |date: Option<proto::google::r#type::Date>| {
        date.and_then(wire::common::date_from).map(|date| date.to_string()).unwrap_or_default()
    };
    let state = match row.state() {
        v1::ReferralState::Unspecified => "",
        v1::ReferralState::Open => "open",
        v1::ReferralState::Discharged => "discharged",
        v1::ReferralState::Cancelled => "cancelled",
        v1::ReferralState::Expired => "expired",
    };
    let implied = if row.implied { ", implied by activity" } else { "" };
    output::line(format_args!("referral {} of {}: {state}{implied}", row.position, date(row.referred_on)));
    output::line(format_args!(
        "  booking reference {}",
        if row.ubrn.is_empty() { "none" } else { &row.ubrn }
    ));
    output::line(format_args!("  {} to {}, paid by {}", row.treatment_function, row.provider, row.payer));
    let (held, left) = (NetPence::new(row.held_pence), NetPence::new(row.hold_left_pence));
    output::line(format_args!("  held {held}, {left} left until {}", date(row.hold_until)));
    output::line(format_args!("  {} lines", row.lines));
    Ok(())
}

async fn end(referrals: &Referrals, end: End) -> anyhow::Result<()> {
    let End { referral, how, request_id } = end;
    let state = match how {
        How::Discharged => v1::ReferralState::Discharged,
        How::Cancelled => v1::ReferralState::Cancelled,
    };
    let request_id = request_id.unwrap_or_else(|| {
        let id = client::new_request_id();
        output::line(format_args!("request id {id}"));
        id
    });
    let system = referrals.system.clone();
    let request = v1::EndReferralRequest { system, request_id, referral, state: state.into() };
    let answer = referrals.connection.ask(request).await.context("the referral was not ended")?;
    output::line(format_args!("ended; {} released", NetPence::new(answer.released_pence)));
    Ok(())
}
