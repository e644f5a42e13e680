//! `almoner challenge`: raise, answer and conclude challenges of lines; both sides see one thread.

pub(crate) mod file;

use crate::{
    cli::Calling,
    commands::activity::cut,
    output::{self, date, pounds},
};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use client::Connection;
use proto::{common::v1::PageRequest, referrals::v1};
use serde_json::json;
use std::path::PathBuf;

/// The options of `challenge`.
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
    /// List challenges
    List(List),
    /// Show a challenge and its thread
    Show(Show),
    /// Challenge a line
    Raise(Raise),
    /// Compare a cut with SUS, and challenge what the rules in force say
    Run(Run),
    /// Answer a challenge, as the provider
    Answer(Answer),
    /// Agree on what is not owed
    Agree(Agree),
    /// Give a challenge up: all of it is payable again
    Withdraw(End),
    /// Take a challenge to the contract's dispute process: it stays withheld
    Escalate(End),
    /// Write open challenges to a file for the provider to answer in
    Export(Export),
    /// Send the answers that a provider has written into such a file
    Import(Import),
    /// Set the rules of a provider's activity, or of everybody's, from a day on
    Rules(Rules),
}

#[derive(Debug, Args)]
struct List {
    /// Only this provider's
    #[arg(long)]
    provider: Option<String>,
    /// Only those that stand so
    #[arg(long)]
    state: Option<State>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Raised,
    Answered,
    Escalated,
    Agreed,
    Withdrawn,
    Unpayable,
    Superseded,
}

impl From<State> for v1::ChallengeState {
    fn from(state: State) -> Self {
        match state {
            State::Raised => Self::Raised,
            State::Answered => Self::Answered,
            State::Escalated => Self::Escalated,
            State::Agreed => Self::Agreed,
            State::Withdrawn => Self::Withdrawn,
            State::Unpayable => Self::Unpayable,
            State::Superseded => Self::Superseded,
        }
    }
}

#[derive(Debug, Args)]
struct Show {
    /// Its number
    challenge: u64,
}

#[derive(Debug, Args)]
struct Raise {
    /// CDS identifier of the line
    cds_identifier: String,
    /// The provider
    #[arg(long)]
    provider: String,
    /// Why: a ground's code; repeatable [default: MANUAL]
    #[arg(long)]
    ground: Vec<String>,
    /// How much of it, in pence [default: all that is owed of it]
    #[arg(long)]
    pence: Option<i64>,
    /// What to say
    #[arg(long, default_value = "")]
    text: String,
}

#[derive(Debug, Args)]
struct Run {
    /// The provider
    #[arg(long)]
    provider: String,
    /// The month and cut: 2017-06/flex or 2017-06/freeze
    #[arg(long, value_parser = cut)]
    cut: v1::Cut,
    /// Only say what would be raised
    #[arg(long)]
    validate_only: bool,
}

#[derive(Debug, Args)]
struct Answer {
    /// Its number
    challenge: u64,
    /// What is conceded, in pence: 0 insists
    #[arg(long)]
    concede: i64,
    /// What to say
    #[arg(long, default_value = "")]
    text: String,
}

#[derive(Debug, Args)]
struct Agree {
    /// Its number
    challenge: u64,
    /// What is not owed, in pence
    #[arg(long)]
    pence: i64,
    /// What to say
    #[arg(long, default_value = "")]
    text: String,
}

#[derive(Debug, Args)]
struct End {
    /// Its number
    challenge: u64,
    /// What to say
    #[arg(long, default_value = "")]
    text: String,
}

#[derive(Debug, Args)]
struct Export {
    /// The provider
    #[arg(long)]
    provider: String,
    /// File to write (CSV)
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Import {
    /// File to read (CSV)
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Rules {
    /// Only this provider's activity
    #[arg(long)]
    provider: Option<String>,
    /// First day of activity
    #[arg(long)]
    from: jiff::civil::Date,
    /// A ground that is raised automatically: its code; repeatable. None: nothing is
    #[arg(long)]
    ground: Vec<String>,
    /// Operational days to answer
    #[arg(long, default_value_t = 10)]
    answer_days: u32,
    /// Operational days after freeze within which to challenge
    #[arg(long, default_value_t = 20)]
    raise_days: u32,
    /// What is not in SUS at freeze is unpayable
    #[arg(long)]
    sus_prevails: bool,
    /// How likely a challenge is to be upheld, in per cent
    #[arg(long, default_value_t = 50)]
    percent: u32,
}

struct Challenges {
    connection: Connection,
    system: String,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, command } = options;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let challenges = Challenges { connection, system };
    match command {
        Command::List(of) => list(&challenges, of).await,
        Command::Show(of) => show(&challenges, &of).await,
        Command::Raise(of) => raise(&challenges, of).await,
        Command::Run(of) => automatic(&challenges, of).await,
        Command::Answer(of) => {
            let challenge = challenges.answer(of.challenge, of.concede, of.text).await?;
            said(challenge.as_ref());
            Ok(())
        }
        Command::Agree(of) => {
            let upheld = Some(of.pence);
            challenges.conclude(of.challenge, v1::ChallengeState::Agreed, upheld, of.text).await
        }
        Command::Withdraw(of) => {
            challenges.conclude(of.challenge, v1::ChallengeState::Withdrawn, None, of.text).await
        }
        Command::Escalate(of) => {
            challenges.conclude(of.challenge, v1::ChallengeState::Escalated, None, of.text).await
        }
        Command::Export(of) => {
            let rows = challenges.all(&of.provider, v1::ChallengeState::Unspecified).await?;
            let open: Vec<_> = rows.into_iter().filter(|row| is_open(row.state())).collect();
            file::write(&of.file, &open)?;
            output::line(format_args!("{} challenges in {}", open.len(), of.file.display()));
            Ok(())
        }
        Command::Import(of) => import(&challenges, &of).await,
        Command::Rules(of) => rules(&challenges, of).await,
    }
}

const fn is_open(state: v1::ChallengeState) -> bool {
    matches!(state, v1::ChallengeState::Raised | v1::ChallengeState::Answered)
}

/// A state as it is written.
fn word(state: v1::ChallengeState) -> String {
    state.as_str_name().trim_start_matches("CHALLENGE_STATE_").to_lowercase()
}

/// Says how a challenge stands.
fn said(challenge: Option<&v1::Challenge>) {
    let Some(row) = challenge else { return };
    let (state, amount) = (word(row.state()), pounds(row.amount_pence));
    let (provider, name) = (&row.provider, &row.cds_identifier);
    output::line(format_args!("challenge {}: {provider} {name}, {amount}, {state}", row.challenge));
    output::line(format_args!("  {}", row.grounds.join(" ")));
    if row.state() == v1::ChallengeState::Raised {
        let overdue = if row.overdue { ", overdue" } else { "" };
        output::line(format_args!("  to be answered by {}{overdue}", date(row.answer_by_date)));
    }
    if let Some(conceded) = row.conceded_pence {
        output::line(format_args!("  the provider concedes {}", pounds(conceded)));
    }
    if let Some(upheld) = row.upheld_pence {
        output::line(format_args!("  upheld {}, the rest is payable", pounds(upheld)));
    }
}

impl Challenges {
    async fn all(&self, provider: &str, state: v1::ChallengeState) -> anyhow::Result<Vec<v1::Challenge>> {
        let (mut rows, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListChallengesRequest {
                system: self.system.clone(),
                provider: provider.to_owned(),
                state: state.into(),
                page: Some(PageRequest { page_size: 1_000, page_token }),
                min_position: None,
            };
            let answer = self.connection.ask(request).await.context("the challenges were not listed")?;
            rows.extend(answer.challenges);
            page_token = answer.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(rows);
            }
        }
    }

    async fn get(&self, challenge: u64) -> anyhow::Result<v1::GetChallengeResponse> {
        let request = v1::GetChallengeRequest { system: self.system.clone(), challenge, min_position: None };
        self.connection.ask(request).await.context("the challenge was not read")
    }

    async fn answer(
        &self,
        challenge: u64,
        conceded_pence: i64,
        text: String,
    ) -> anyhow::Result<Option<v1::Challenge>> {
        let request = v1::AnswerChallengeRequest {
            system: self.system.clone(),
            request_id: client::new_request_id(),
            challenge,
            conceded_pence,
            text,
        };
        let answer = self.connection.ask(request).await.context("the challenge was not answered")?;
        Ok(answer.challenge)
    }

    async fn conclude(
        &self,
        challenge: u64,
        state: v1::ChallengeState,
        upheld_pence: Option<i64>,
        text: String,
    ) -> anyhow::Result<()> {
        let request = v1::ConcludeChallengeRequest {
            system: self.system.clone(),
            request_id: client::new_request_id(),
            challenge,
            state: state.into(),
            upheld_pence,
            text,
        };
        let answer = self.connection.ask(request).await.context("the challenge was not concluded")?;
        said(answer.challenge.as_ref());
        Ok(())
    }
}

async fn list(challenges: &Challenges, of: List) -> anyhow::Result<()> {
    let state = of.state.map_or(v1::ChallengeState::Unspecified, v1::ChallengeState::from);
    let rows = challenges.all(&of.provider.unwrap_or_default(), state).await?;
    if of.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "challenge": row.challenge,
                    "provider": row.provider,
                    "cds_identifier": row.cds_identifier,
                    "line": row.line,
                    "payer": row.payer,
                    "grounds": row.grounds,
                    "amount_pence": row.amount_pence,
                    "state": word(row.state()),
                    "answer_by": date(row.answer_by_date),
                    "percent": row.percent,
                    "conceded_pence": row.conceded_pence,
                    "upheld_pence": row.upheld_pence,
                    "overdue": row.overdue,
                })
            })
            .collect();
        output::line(format_args!("{:#}", json!(rows)));
        return Ok(());
    }
    let heads =
        ["challenge", "provider", "identifier", "payer", "contested", "state", "answer by", "grounds"];
    let mut table = output::table(heads, [4]);
    for row in &rows {
        let late = if row.overdue { " (overdue)" } else { "" };
        table.add_row([
            row.challenge.to_string(),
            row.provider.clone(),
            row.cds_identifier.clone(),
            row.payer.clone(),
            pounds(row.amount_pence),
            word(row.state()),
            format!("{}{late}", date(row.answer_by_date)),
            row.grounds.join(" "),
        ]);
    }
    output::show(&table);
    Ok(())
}

async fn show(challenges: &Challenges, of: &Show) -> anyhow::Result<()> {
    let answer = challenges.get(of.challenge).await?;
    said(answer.challenge.as_ref());
    for entry in &answer.thread {
        let amount = pounds(entry.amount_pence);
        let act = entry.act.to_lowercase();
        output::line(format_args!("  record {}: {act} {amount} {}", entry.position, entry.text));
    }
    Ok(())
}

async fn raise(challenges: &Challenges, of: Raise) -> anyhow::Result<()> {
    let Raise { cds_identifier, provider, ground, pence, text } = of;
    let identity = v1::LineIdentity { provider: provider.clone(), cds_identifier: cds_identifier.clone() };
    let get = v1::GetLineRequest {
        system: challenges.system.clone(),
        key: Some(v1::get_line_request::Key::Identity(identity)),
        min_position: None,
    };
    let line = challenges.connection.ask(get).await.context("the line was not read")?;
    let request = v1::RaiseChallengeRequest {
        system: challenges.system.clone(),
        request_id: client::new_request_id(),
        provider,
        cds_identifier,
        line: line.line.unwrap_or_default().position,
        grounds: ground,
        amount_pence: pence,
        percent: None,
        text,
    };
    let answer = challenges.connection.ask(request).await.context("the line was not challenged")?;
    said(answer.challenge.as_ref());
    Ok(())
}

async fn automatic(challenges: &Challenges, of: Run) -> anyhow::Result<()> {
    let request = v1::RunChallengesRequest {
        system: challenges.system.clone(),
        request_id: client::new_request_id(),
        provider: of.provider,
        cut: Some(of.cut),
        validate_only: of.validate_only,
    };
    let answer = challenges.connection.ask(request).await.context("the challenges were not run")?;
    let would = if of.validate_only { "would be " } else { "" };
    output::line(format_args!(
        "{} lines {would}challenged, {} contested, {} passed over",
        answer.raised,
        pounds(answer.contested_pence),
        answer.passed_over
    ));
    for ground in &answer.grounds {
        output::line(format_args!("  {} {}", ground.count, ground.code));
    }
    if answer.unpayable > 0 || answer.withdrawn > 0 {
        output::line(format_args!("{} unpayable, {} withdrawn", answer.unpayable, answer.withdrawn));
    }
    Ok(())
}

async fn import(challenges: &Challenges, of: &Import) -> anyhow::Result<()> {
    let (mut sent, mut before) = (0, 0);
    for answer in file::read(&of.file)? {
        // A file that comes twice answers nothing twice.
        let known = challenges.get(answer.challenge).await?.challenge.unwrap_or_default();
        if known.conceded_pence == Some(answer.conceded_pence) {
            before += 1;
            continue;
        }
        challenges
            .answer(answer.challenge, answer.conceded_pence, answer.text)
            .await
            .with_context(|| format!("row {}: challenge {}", answer.row, answer.challenge))?;
        sent += 1;
    }
    output::line(format_args!("{sent} challenges answered, {before} answered so before"));
    Ok(())
}

async fn rules(challenges: &Challenges, of: Rules) -> anyhow::Result<()> {
    let rules = v1::ChallengeRules {
        provider: of.provider.unwrap_or_default(),
        from_date: Some(wire::common::date(of.from)),
        grounds: of.ground,
        answer_days: of.answer_days,
        raise_days: of.raise_days,
        sus_prevails: of.sus_prevails,
        percent: of.percent,
    };
    let request = v1::SetChallengeRulesRequest {
        system: challenges.system.clone(),
        request_id: client::new_request_id(),
        rules: Some(rules),
    };
    let answer = challenges.connection.ask(request).await.context("the rules were not set")?;
    output::line(format_args!("rules set, record {}", answer.recorded.unwrap_or_default().position));
    Ok(())
}
