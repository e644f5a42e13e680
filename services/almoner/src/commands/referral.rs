//! `almoner referral`: record referrals from a file, read one, end one.

use crate::{cli::Calling, output};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use client::Connection;
use money::NetPence;
use proto::referrals::v1;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Referrals of one batch: half of what the server takes.
const REFERRALS_PER_BATCH: usize = 500;

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
    /// Record the referrals of a file (CSV with a header of the fields' names)
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
    let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let rows = parse(&bytes).with_context(|| format!("{} is not a file of referrals", file.display()))?;
    let mut problems: BTreeMap<String, usize> = BTreeMap::new();
    let (mut recorded, mut held, mut refused) = (0_usize, 0_i64, Vec::new());
    for (batch, before) in rows.chunks(REFERRALS_PER_BATCH).zip((0..).step_by(REFERRALS_PER_BATCH)) {
        let item = |referral: &v1::ReferralSubmission| v1::ReferralItem {
            request_id: client::new_request_id(),
            referral: Some(referral.clone()),
        };
        let request = v1::RecordReferralsRequest {
            system: referrals.system.clone(),
            items: batch.iter().map(item).collect(),
            validate_only,
        };
        let answer = referrals.connection.ask(request).await.context("the referrals were not recorded")?;
        for (row, result) in (before + 1..).zip(answer.results) {
            if result.problems.is_empty() {
                recorded += 1;
                held = held.saturating_add(result.held_pence);
            } else {
                refused.push(row);
                result
                    .problems
                    .into_iter()
                    .for_each(|problem| *problems.entry(problem.reason).or_default() += 1);
            }
        }
    }
    let done = if validate_only { "could be recorded" } else { "recorded" };
    output::line(format_args!("{recorded} referrals {done}, {} held", NetPence::new(held)));
    for (reason, count) in problems {
        output::line(format_args!("  {count} refused: {reason}"));
    }
    if let [first, ..] = refused[..] {
        bail!("{} referrals were refused, the first in row {first}", refused.len());
    }
    Ok(())
}

/// A referral's columns by their names.
fn parse(bytes: &[u8]) -> anyhow::Result<Vec<v1::ReferralSubmission>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let headings: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let mut row = v1::ReferralSubmission::default();
        for (heading, text) in headings.iter().zip(&record?) {
            set(&mut row, heading, text)?;
        }
        rows.push(row);
    }
    Ok(rows)
}

fn set(row: &mut v1::ReferralSubmission, heading: &str, text: &str) -> anyhow::Result<()> {
    match heading {
        "nhs_number" => row.nhs_number = text.into(),
        "ubrn" => row.ubrn = text.into(),
        "treatment_function" => row.treatment_function = text.into(),
        // Another word stays unspecified, which the server answers as missing.
        "source" => {
            row.source = match text {
                "gp" => v1::ReferralSource::Gp,
                "other" => v1::ReferralSource::Other,
                _ => v1::ReferralSource::Unspecified,
            }
            .into();
        }
        "referred_on" => row.referred_on = text.parse().ok().map(wire::common::date),
        "practice" => row.practice = text.into(),
        "offered" => row.offered = text.split_whitespace().map(str::to_owned).collect(),
        "provider" => row.provider = text.into(),
        "site" => row.site = text.into(),
        other => bail!("its header has a column that is not known: {other}"),
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_referrals_is_read_by_its_header() {
        let text = "ubrn,source,offered,referred_on,provider\n000049382716,gp,NT344 RHW,2017-06-01,NT3\n,nurse,,soon,RHW\n";
        let rows = parse(text.as_bytes()).unwrap();
        assert_eq!(rows[0].offered, ["NT344", "RHW"]);
        assert_eq!((rows[0].source(), rows[0].referred_on.unwrap().day), (v1::ReferralSource::Gp, 1));
        assert_eq!((rows[1].source(), rows[1].referred_on), (v1::ReferralSource::Unspecified, None));
        assert!(parse(b"name\nx\n").is_err());
    }
}
