//! `almoner activity`: read what became of lines, their totals and cuts, and withdraw one.

mod compare;
mod watch;

use crate::{
    cli::Calling,
    commands::submit,
    output::{self, date, pounds, table},
};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use client::Connection;
use proto::{common::v1::PageRequest, referrals::v1};

/// The options of `activity`.
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
    /// Show a line and how its price was reached
    Line(Line),
    /// List lines of a submission or of a provider
    Lines(Lines),
    /// Show totals by provider, payer and cut
    Totals(Totals),
    /// Show the cuts that have begun, with what each holds
    Cuts,
    /// Withdraw a line: nothing is claimed for it any more
    Withdraw(Withdraw),
    /// Compare what was billed with the commissioner's SUS extract and with our price
    Compare(compare::Compare),
    /// Show what happens to a provider's lines, as it happens
    Watch(watch::Watch),
}

#[derive(Debug, Args)]
struct Line {
    /// Position of its record, or, with --provider, its CDS identifier
    line: String,
    /// Provider whose CDS identifier it is
    #[arg(long)]
    provider: Option<String>,
}

#[derive(Debug, Args)]
struct Lines {
    #[command(flatten)]
    whose: Whose,
    /// Only lines so answered
    #[arg(long)]
    answer: Option<Answer>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Id of a submission
    #[arg(long, value_name = "UUID")]
    submission: Option<String>,
    /// ODS code of a provider
    #[arg(long)]
    provider: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Answer {
    /// Payable, at our price
    Accepted,
    /// Readable, and not paid for the reasons given
    Contested,
    /// Not readable, or impossible
    Unreadable,
}

#[derive(Debug, Args)]
struct Totals {
    /// Only this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only this payer
    #[arg(long)]
    payer: Option<String>,
}

#[derive(Debug, Args)]
struct Withdraw {
    /// Its CDS identifier
    cds_identifier: String,
    /// The provider: the caller's own ODS code
    #[arg(long)]
    provider: String,
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

struct Activity {
    connection: Connection,
    system: String,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let activity = Activity { connection, system };
    match command {
        Command::Line(of) => line(&activity, of).await,
        Command::Lines(of) => lines(&activity, of).await,
        Command::Totals(of) => totals(&activity, of).await,
        Command::Cuts => cuts(&activity).await,
        Command::Withdraw(of) => withdraw(&activity, of).await,
        Command::Compare(of) => compare::run(&activity, of).await,
        Command::Watch(of) => watch::watch(&activity, of).await,
    }
}

/// Reads `2017-06/flex`. The server says whether there is such a month.
pub(crate) fn cut(text: &str) -> Result<v1::Cut, String> {
    let read = text.split_once('/').and_then(|(period, stage)| {
        let stage = match stage {
            "flex" => v1::CutStage::Flex,
            "freeze" => v1::CutStage::Freeze,
            _ => return None,
        };
        Some(v1::Cut { period: period.to_owned(), stage: stage.into() })
    });
    read.ok_or_else(|| "a cut is a month and a stage, for example 2017-06/flex".to_owned())
}

/// `2017-06/flex`, or a dash for what belongs to no cut.
fn cut_name(cut: Option<&v1::Cut>) -> String {
    let Some(cut) = cut else { return "-".to_owned() };
    let stage = match cut.stage() {
        v1::CutStage::Unspecified => "",
        v1::CutStage::Flex => "flex",
        v1::CutStage::Freeze => "freeze",
    };
    format!("{}/{stage}", cut.period)
}

fn codes(findings: &[v1::Finding]) -> String {
    findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>().join(" ")
}

async fn line(activity: &Activity, of: Line) -> anyhow::Result<()> {
    use v1::get_line_request::Key;
    let Line { line, provider } = of;
    let key = match provider {
        Some(provider) => Key::Identity(v1::LineIdentity { provider, cds_identifier: line }),
        None => Key::Position(line.parse().context("without --provider a line is named by its position")?),
    };
    let request = v1::GetLineRequest { system: activity.system.clone(), key: Some(key), min_position: None };
    let answer = activity.connection.ask(request).await.context("the line was not read")?;
    let line = answer.line.unwrap_or_default();
    let standing = if answer.in_force { "" } else { ", no longer in force" };
    let word = submit::word(line.answer());
    output::line(format_args!("{} {}: {word}{standing}", line.provider, line.cds_identifier));
    output::line(format_args!("  version {}, record {}, row {}", line.version, line.position, line.row));
    let (pod, hrg) = (&line.point_of_delivery, &line.hrg);
    output::line(format_args!("  {} {pod} {hrg} at {}", date(line.activity_date), line.site));
    output::line(format_args!(
        "  paid by {} to {}, cut {}",
        line.payer,
        line.payee,
        cut_name(line.cut.as_ref())
    ));
    let (claimed, accepted) = (pounds(line.claimed_pence), pounds(line.accepted_pence));
    output::line(format_args!("  claimed {claimed}, accepted {accepted}"));
    for finding in &line.findings {
        output::line(format_args!("  {}", finding.code));
    }
    for step in &line.steps {
        output::line(format_args!("  {}", step.text));
    }
    Ok(())
}

async fn lines(activity: &Activity, of: Lines) -> anyhow::Result<()> {
    use v1::list_lines_request::Of;
    let Lines { whose: Whose { submission, provider }, answer } = of;
    let of = submission.map(Of::SubmissionId).or_else(|| provider.map(Of::Provider));
    let answer = match answer {
        None => v1::Answer::Unspecified,
        Some(Answer::Accepted) => v1::Answer::Accepted,
        Some(Answer::Contested) => v1::Answer::Contested,
        Some(Answer::Unreadable) => v1::Answer::Unreadable,
    };
    let mut table = table(
        ["record", "row", "identifier", "answer", "claimed", "accepted", "payer", "cut", "findings"],
        [0, 1, 4, 5],
    );
    let mut page_token = String::new();
    loop {
        let request = v1::ListLinesRequest {
            system: activity.system.clone(),
            of: of.clone(),
            cut: None,
            answer: answer.into(),
            page: Some(PageRequest { page_size: 1_000, page_token }),
            min_position: None,
        };
        let answer = activity.connection.ask(request).await.context("the lines were not listed")?;
        for line in answer.lines {
            table.add_row([
                line.position.to_string(),
                line.row.to_string(),
                line.cds_identifier.clone(),
                submit::word(line.answer()).to_owned(),
                pounds(line.claimed_pence),
                pounds(line.accepted_pence),
                line.payer.clone(),
                cut_name(line.cut.as_ref()),
                codes(&line.findings),
            ]);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    output::show(&table);
    Ok(())
}

async fn totals(activity: &Activity, of: Totals) -> anyhow::Result<()> {
    let Totals { provider, payer } = of;
    let request = v1::GetTotalsRequest {
        system: activity.system.clone(),
        provider: provider.unwrap_or_default(),
        payer: payer.unwrap_or_default(),
        cut: None,
        min_position: None,
    };
    let answer = activity.connection.ask(request).await.context("the totals were not read")?;
    let mut table = table(
        ["provider", "payer", "cut", "claimed", "accepted", "difference", "contested", "unreadable"],
        3..8,
    );
    for row in &answer.totals {
        table.add_row([
            row.provider.clone(),
            row.payer.clone(),
            cut_name(row.cut.as_ref()),
            pounds(row.claimed_pence),
            pounds(row.accepted_pence),
            pounds(row.price_difference_pence),
            pounds(row.contested_pence),
            pounds(row.unreadable_pence),
        ]);
    }
    output::show(&table);
    let (reported, implied) = (answer.referrals, answer.referrals_implied);
    output::line(format_args!("{reported} referrals reported, {implied} implied by activity"));
    Ok(())
}

async fn cuts(activity: &Activity) -> anyhow::Result<()> {
    let request = v1::ListCutsRequest { system: activity.system.clone(), min_position: None };
    let answer = activity.connection.ask(request).await.context("the cuts were not read")?;
    let mut table = table(
        ["cut", "deadline", "sealed", "payer", "payee", "lines", "payable", "on account", "contested"],
        5..9,
    );
    for cut in &answer.cuts {
        let name = cut_name(cut.cut.as_ref());
        let sealed = if cut.sealed { "yes" } else { "no" };
        if cut.totals.is_empty() {
            table.add_row([name, date(cut.deadline), sealed.to_owned()]);
            continue;
        }
        for total in &cut.totals {
            table.add_row([
                name.clone(),
                date(cut.deadline),
                sealed.to_owned(),
                total.payer.clone(),
                total.payee.clone(),
                total.lines.to_string(),
                pounds(total.payable_pence),
                pounds(total.recognised_pence),
                pounds(total.contested_pence),
            ]);
        }
    }
    output::show(&table);
    Ok(())
}

async fn withdraw(activity: &Activity, of: Withdraw) -> anyhow::Result<()> {
    let Withdraw { cds_identifier, provider, request_id } = of;
    let request_id = request_id.unwrap_or_else(|| {
        let id = client::new_request_id();
        output::line(format_args!("request id {id}"));
        id
    });
    let system = activity.system.clone();
    let request = v1::WithdrawLineRequest { system, request_id, provider, cds_identifier };
    let answer = activity.connection.ask(request).await.context("the line was not withdrawn")?;
    output::line(format_args!("withdrawn: the version of record {}", answer.withdrawn));
    Ok(())
}
