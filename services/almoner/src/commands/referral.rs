//! `almoner referral`: record referrals from a file, read one's life, move it on, end it; who may be chosen, who waits.

mod show;

use super::submit;
use crate::{
    cli::Calling,
    output,
    report::{Cell, Format, Kind, Report},
};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use client::Connection;
use jiff::civil::Date;
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
    /// Show a referral's whole life, from choice to the bank's line
    Show(show::Show),
    /// Move a referral on: what happened to it
    Move(MoveOn),
    /// List who may be chosen for a treatment function
    Choices(Choices),
    /// Read the waiting list: who waits, by provider and function, and how many of them for 18 weeks or less
    Waiting(Waiting),
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
struct MoveOn {
    /// Its number
    referral: u64,
    /// What happened
    what: What,
    /// When it happened
    #[arg(long, value_name = "DATE")]
    on: Date,
    /// Day of the appointment (booked)
    #[arg(long, value_name = "DATE")]
    day: Option<Date>,
    /// HRG that the treatment is expected to have (listed)
    #[arg(long, default_value = "")]
    hrg: String,
    /// Patient classification, 1 or 2 (listed)
    #[arg(long, default_value = "")]
    classification: String,
    /// Provider that takes over (transferred)
    #[arg(long, default_value = "")]
    provider: String,
    /// Its site (transferred)
    #[arg(long, default_value = "")]
    site: String,
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// The provider takes the patient on
    Accepted,
    /// The provider sends it back
    Returned,
    /// An appointment was made
    Booked,
    /// The appointment was kept
    Attended,
    /// The patient did not come
    NotAttended,
    /// It was decided to admit the patient
    Listed,
    /// First definitive treatment began
    Treated,
    /// Active monitoring at the patient's wish
    MonitoredByPatient,
    /// Active monitoring by a professional's decision
    MonitoredByProfessional,
    /// A new decision to treat
    Resumed,
    /// A decision not to treat
    NotTreated,
    /// The patient declined treatment
    Declined,
    /// Another provider takes over
    Transferred,
    /// The patient was discharged
    Discharged,
    /// Cancelled before treatment
    Cancelled,
}

#[derive(Debug, Args)]
struct Choices {
    /// Treatment function, three digits
    #[arg(long)]
    function: String,
    /// Day of the referral
    #[arg(long, value_name = "DATE")]
    on: Date,
}

#[derive(Debug, Args)]
struct Waiting {
    /// At the end of which day
    #[arg(long, value_name = "DATE")]
    on: Date,
    /// An earlier day to compare the list's size with: the end of the baseline month
    #[arg(long, value_name = "DATE")]
    baseline: Option<Date>,
    /// Only patients of this commissioner
    #[arg(long, value_name = "ODS")]
    payer: Option<String>,
    #[command(flatten)]
    format: Format,
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
        Command::Show(of) => Box::pin(show::run(referrals, of)).await,
        Command::Move(of) => move_on(&referrals, of).await,
        Command::Choices(of) => choices(&referrals, of).await,
        Command::Waiting(of) => waiting(&referrals, of).await,
        Command::End(of) => end(&referrals, of).await,
    }
}

async fn record(referrals: &Referrals, record: Record) -> anyhow::Result<()> {
    let Record { file, validate_only } = record;
    let (connection, system) = (&referrals.connection, &referrals.system);
    submit::referrals::file(connection, system, &file, validate_only).await?.told(validate_only)
}

async fn move_on(referrals: &Referrals, ask: MoveOn) -> anyhow::Result<()> {
    use v1::referral_move::Kind;
    let MoveOn { referral, what, on, day, hrg, classification, provider, site, request_id } = ask;
    let kind = match what {
        What::Accepted => Kind::Accepted,
        What::Returned => Kind::Returned,
        What::Booked => Kind::Booked,
        What::Attended => Kind::Attended,
        What::NotAttended => Kind::NotAttended,
        What::Listed => Kind::Listed,
        What::Treated => Kind::Treated,
        What::MonitoredByPatient => Kind::MonitoredByPatient,
        What::MonitoredByProfessional => Kind::MonitoredByProfessional,
        What::Resumed => Kind::Resumed,
        What::NotTreated => Kind::NotTreated,
        What::Declined => Kind::Declined,
        What::Transferred => Kind::Transferred,
        What::Discharged => Kind::Discharged,
        What::Cancelled => Kind::Cancelled,
    };
    let request = v1::MoveReferralRequest {
        system: referrals.system.clone(),
        request_id: request_id.unwrap_or_else(new_request_id),
        referral,
        on_date: Some(wire::common::date(on)),
        r#move: Some(v1::ReferralMove {
            kind: kind.into(),
            booked_date: day.map(wire::common::date),
            hrg,
            patient_classification: classification,
            provider,
            site,
        }),
    };
    let answer = referrals.connection.ask(request).await.context("the referral was not moved")?;
    output::line(format_args!("referral {referral} is {}", show::stage(answer.stage())));
    Ok(())
}

async fn choices(referrals: &Referrals, of: Choices) -> anyhow::Result<()> {
    let request = v1::ListChoicesRequest {
        system: referrals.system.clone(),
        treatment_function: of.function,
        on_date: Some(wire::common::date(of.on)),
    };
    let answer = referrals.connection.ask(request).await.context("the choices were not read")?;
    for v1::Choice { provider, name, sites } in answer.choices {
        output::line(format_args!("{provider}  {name}"));
        for v1::ChoiceSite { site, name } in sites {
            output::line(format_args!("  {site}  {name}"));
        }
    }
    Ok(())
}

async fn waiting(referrals: &Referrals, of: Waiting) -> anyhow::Result<()> {
    use Kind::{Number, Words};
    let request = v1::GetWaitingListRequest {
        system: referrals.system.clone(),
        on_date: Some(wire::common::date(of.on)),
        baseline_date: of.baseline.map(wire::common::date),
        payer: of.payer.unwrap_or_default(),
        min_position: None,
    };
    let answer = referrals.connection.ask(request).await.context("the waiting list was not read")?;
    let heads = [
        ("provider", Words),
        ("function", Words),
        ("waiting", Number),
        ("18 weeks or less", Number),
        ("per cent", Words),
        ("longest days", Number),
        ("baseline", Number),
        ("change", Words),
    ];
    let mut report = Report::new(&heads);
    let mut all = v1::WaitingRow { baseline_count: of.baseline.map(|_| 0), ..Default::default() };
    for row in &answer.rows {
        all.pathways_count = all.pathways_count.saturating_add(row.pathways_count);
        all.within_count = all.within_count.saturating_add(row.within_count);
        all.longest_days = all.longest_days.max(row.longest_days);
        all.baseline_count =
            all.baseline_count.zip(row.baseline_count).map(|(sum, count)| sum.saturating_add(count));
        report.row(waiting_cells(row));
    }
    all.provider = "all".to_owned();
    report.row(waiting_cells(&all));
    let met = all.within_count.saturating_mul(100)
        >= all.pathways_count.saturating_mul(answer.standard_percent.into());
    report.fact("at the end of", Cell::text(of.on.to_string()));
    report.fact("per cent within 18 weeks", Cell::Text(per_cent(&all)));
    report.fact("standard per cent", Cell::Count(answer.standard_percent.into()));
    report.fact("standard", Cell::text(if met { "met" } else { "not met" }));
    report.print(of.format)
}

fn waiting_cells(row: &v1::WaitingRow) -> [Cell; 8] {
    let change = row
        .baseline_count
        .map(|before| format!("{:+}", i128::from(row.pathways_count).saturating_sub(i128::from(before))));
    [
        Cell::Text(row.provider.clone()),
        Cell::Text(row.treatment_function.clone()),
        Cell::Count(row.pathways_count),
        Cell::Count(row.within_count),
        Cell::Text(per_cent(row)),
        Cell::Count(row.longest_days.into()),
        row.baseline_count.map_or(Cell::Empty, Cell::Count),
        change.map_or(Cell::Empty, Cell::Text),
    ]
}

/// Per cent that wait 18 weeks or less, to one decimal, cut off: 91.96 is below 92 and is not shown as if it met it.
fn per_cent(row: &v1::WaitingRow) -> String {
    match row.within_count.saturating_mul(1_000).checked_div(row.pathways_count) {
        Some(thousandths) => format!("{}.{}", thousandths / 10, thousandths % 10),
        None => String::new(),
    }
}

fn new_request_id() -> String {
    let id = client::new_request_id();
    output::line(format_args!("request id {id}"));
    id
}

async fn end(referrals: &Referrals, end: End) -> anyhow::Result<()> {
    let End { referral, how, request_id } = end;
    let state = match how {
        How::Discharged => v1::ReferralState::Discharged,
        How::Cancelled => v1::ReferralState::Cancelled,
    };
    let request_id = request_id.unwrap_or_else(new_request_id);
    let system = referrals.system.clone();
    let request = v1::EndReferralRequest { system, request_id, referral, state: state.into() };
    referrals.connection.ask(request).await.context("the referral was not ended")?;
    output::line(format_args!("referral {referral} has ended; what was held for it is released"));
    Ok(())
}
