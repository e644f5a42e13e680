//! Challenges both ways: what June's first cut says against the commissioner's SUS extract, what follows from it, and how both sides
//! conclude it before freeze.

use crate::commands::{challenge::file, submit};
use crate::demo::generate::{COMPARED, Line, Wave, sus};
use crate::demo::installation::{Installation, SYSTEM};
use crate::demo::stage::Stage;
use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use proto::{common::v1::PageRequest, referrals::v1};
use std::collections::BTreeMap;

/// The provider that answers a file of challenges, and of which one line is challenged by hand.
pub(crate) const ANSWERS: &str = "NV3";

/// Answers under way at a time.
const AT_ONCE: usize = 16;

/// Lines and pence of one class.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Class {
    pub(crate) billed_lines: u64,
    pub(crate) sus_rows: u64,
    pub(crate) billed_pence: i64,
    pub(crate) sus_pence: i64,
    pub(crate) difference_pence: i64,
}

/// What came of the comparison.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// What was billed against SUS, by class; all providers together.
    pub(crate) classes: BTreeMap<v1::MatchClass, Class>,
    /// Lines challenged by the rules.
    pub(crate) raised: u64,
    /// How often each ground applied.
    pub(crate) grounds: BTreeMap<String, u64>,
    /// The challenge that was raised by hand, if there was a line for it.
    pub(crate) by_hand: Option<u64>,
}

impl Compared {
    /// The classes' sum.
    pub(crate) fn sum(&self) -> Class {
        self.classes.values().fold(Class::default(), |sum, class| Class {
            billed_lines: sum.billed_lines.saturating_add(class.billed_lines),
            sus_rows: sum.sus_rows.saturating_add(class.sus_rows),
            billed_pence: sum.billed_pence.saturating_add(class.billed_pence),
            sus_pence: sum.sus_pence.saturating_add(class.sus_pence),
            difference_pence: sum.difference_pence.saturating_add(class.difference_pence),
        })
    }
}

fn flex() -> v1::Cut {
    v1::Cut { period: "2017-06".to_owned(), stage: v1::CutStage::Flex.into() }
}

/// 31 July: the commissioner's extract is adopted and compared, and the usual challenges are raised; the provider gets its file.
pub(super) async fn raise(
    stage: &Stage,
    installation: &Installation,
    lines: &[Line],
    seed: u64,
    compared: &mut Compared,
) -> anyhow::Result<()> {
    let extract = sus::extract(lines, seed);
    let path = installation.write("in/commissioner-sus-flex.csv", extract.text.as_bytes(), 0o600)?;
    let providers: Vec<&'static str> =
        COMPARED.into_iter().filter(|provider| extract.rows.contains_key(provider)).collect();
    stage.progress.scene("July: June's first cut against the commissioner's SUS extract", providers.len());
    for provider in providers {
        let lead = stage.connection("commissioning-lead")?;
        let code = provider.parse().context("a provider of the demo has no ODS code")?;
        let adopted = submit::send_extract(&lead, SYSTEM, code, flex(), &path).await?;
        let adopted = adopted.extract.context("an extract was adopted without itself")?;
        compare(stage, provider, &adopted, compared).await?;
        let request = v1::RunChallengesRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("challenges {provider}")).to_string(),
            provider: provider.to_owned(),
            cut: Some(flex()),
            validate_only: false,
        };
        let ran = stage.of("commissioning-lead")?.ask(request).await?;
        compared.raised = compared.raised.saturating_add(ran.raised);
        for ground in ran.grounds {
            *compared.grounds.entry(ground.code).or_default() += ground.count;
        }
        stage.progress.steps(1);
    }
    compared.by_hand = by_hand(stage, lines).await?;
    let open = list(stage, "commissioning-lead", ANSWERS, v1::ChallengeState::Raised).await?;
    let file = installation.write("out/challenges/nv3-flex.csv", b"", 0o644)?;
    file::write(&file, &open)
}

/// Compares one provider's lines. The classes must explain billed less SUS to the penny.
async fn compare(
    stage: &Stage,
    provider: &str,
    extract: &v1::Extract,
    compared: &mut Compared,
) -> anyhow::Result<()> {
    let request = v1::CompareActivityRequest {
        system: SYSTEM.to_owned(),
        provider: provider.to_owned(),
        cut: Some(flex()),
        min_position: None,
    };
    let rows = stage.of("commissioning-lead")?.ask(request).await?.rows;
    let (mut billed, mut in_sus, mut explained) = (0_i64, 0_i64, 0_i64);
    for row in rows {
        billed = billed.saturating_add(row.billed_pence);
        in_sus = in_sus.saturating_add(row.sus_pence);
        explained = explained.saturating_add(row.difference_pence);
        let class = compared.classes.entry(row.class()).or_default();
        class.billed_lines = class.billed_lines.saturating_add(row.billed_lines);
        class.sus_rows = class.sus_rows.saturating_add(row.sus_rows);
        class.billed_pence = class.billed_pence.saturating_add(row.billed_pence);
        class.sus_pence = class.sus_pence.saturating_add(row.sus_pence);
        class.difference_pence = class.difference_pence.saturating_add(row.difference_pence);
    }
    ensure!(
        explained == billed.saturating_sub(in_sus) && in_sus == extract.total_pence,
        "{provider}: the classes explain {explained} of {billed} billed less {in_sus} in SUS, where the extract holds {}",
        extract.total_pence
    );
    Ok(())
}

/// The commissioner asks about a spell whose figures all agree. `None` in a month so small that there is none.
async fn by_hand(stage: &Stage, lines: &[Line]) -> anyhow::Result<Option<u64>> {
    let sent_again: Vec<u32> = lines
        .iter()
        .filter(|line| line.provider == ANSWERS && line.wave == Wave::Freeze)
        .map(|line| line.serial)
        .collect();
    let spells = lines.iter().filter(|line| {
        line.provider == ANSWERS && line.wave == Wave::Flex && line.fault.is_none() && line.end.is_some()
    });
    let spell = spells
        .filter(|line| !sent_again.contains(&line.serial))
        .max_by_key(|line| (line.claimed, line.serial));
    let Some(spell) = spell else { return Ok(None) };
    let cds_identifier = spell.fields().cds_identifier;
    let identity = v1::LineIdentity { provider: ANSWERS.to_owned(), cds_identifier: cds_identifier.clone() };
    let lead = stage.of("commissioning-lead")?;
    let get = v1::GetLineRequest {
        system: SYSTEM.to_owned(),
        key: Some(v1::get_line_request::Key::Identity(identity)),
        min_position: None,
    };
    let line =
        stage.of("finance-preparer")?.ask(get).await?.line.context("a line was read without itself")?;
    let is_challenged = list(stage, "commissioning-lead", ANSWERS, v1::ChallengeState::Raised).await?;
    if line.accepted_pence == 0 || is_challenged.iter().any(|row| row.line == line.position) {
        return Ok(None);
    }
    let request = v1::RaiseChallengeRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("challenge by hand").to_string(),
        provider: ANSWERS.to_owned(),
        cds_identifier,
        line: line.position,
        grounds: Vec::new(),
        amount_pence: Some(line.accepted_pence / 4),
        percent: Some(40),
        text: "Was the implant that is charged at cost also in the price?".to_owned(),
    };
    Ok(lead.ask(request).await?.challenge.map(|challenge| challenge.challenge))
}

/// 10 August: the provider sends its file back, and the commissioner concludes what it answered.
pub(super) async fn conclude(stage: &Stage, installation: &Installation) -> anyhow::Result<()> {
    let sent = installation.path("out/challenges/nv3-flex.csv");
    let asked =
        std::fs::read_to_string(&sent).with_context(|| format!("{} cannot be read", sent.display()))?;
    let back = installation.write("in/nv3-challenges.csv", &fill_in(&asked)?, 0o600)?;
    let answers = file::read(&back)?;
    stage.progress.scene("August: the provider answers its challenges, and both agree", answers.len());
    let provider = stage.of(ANSWERS)?;
    let answered = stream::iter(answers).map(|answer| {
        provider.ask(v1::AnswerChallengeRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("answer {}", answer.challenge)).to_string(),
            challenge: answer.challenge,
            conceded_pence: answer.conceded_pence,
            text: answer.text,
        })
    });
    answered.buffered(AT_ONCE).try_for_each(|_| core::future::ready(Ok(()))).await?;
    let lead = stage.of("commissioning-lead")?;
    let answered = list(stage, "commissioning-lead", ANSWERS, v1::ChallengeState::Answered).await?;
    let mut insisted = 0_u32;
    let concluding: Vec<_> = answered
        .into_iter()
        .map(|row| {
            let conceded = row.conceded_pence.filter(|conceded| *conceded > 0);
            insisted += u32::from(conceded.is_none());
            // The commissioner gives in, but for one in ten, which the contract's dispute process is to decide.
            let (state, text) = match conceded {
                Some(_) => (v1::ChallengeState::Agreed, "as the provider says"),
                None if insisted.is_multiple_of(10) => {
                    (v1::ChallengeState::Escalated, "SUS does not have it")
                }
                None => (v1::ChallengeState::Withdrawn, "the provider has shown it"),
            };
            stage.progress.steps(1);
            lead.ask(v1::ConcludeChallengeRequest {
                system: SYSTEM.to_owned(),
                request_id: stage.id(&format!("conclude {}", row.challenge)).to_string(),
                challenge: row.challenge,
                state: state.into(),
                upheld_pence: conceded,
                text: text.to_owned(),
            })
        })
        .collect();
    stream::iter(concluding).buffered(AT_ONCE).try_for_each(|_| core::future::ready(Ok(()))).await
}

/// What the provider writes into the file: what was billed twice it gives up, of the rest it concedes some, half of some, and insists on
/// some. Lines that were contested on receipt it corrects instead.
fn fill_in(asked: &str) -> anyhow::Result<Vec<u8>> {
    let mut reader = csv::Reader::from_reader(asked.as_bytes());
    let heads = reader.headers()?.clone();
    let column =
        |name: &str| heads.iter().position(|head| head == name).with_context(|| format!("no column {name}"));
    let (grounds, contested) = (column("grounds")?, column("contested_pence")?);
    let (conceded, text) = (column("conceded_pence")?, column("answer_text")?);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&heads)?;
    for (at, record) in reader.records().enumerate() {
        let mut cells: Vec<String> = record?.iter().map(str::to_owned).collect();
        let pence: i64 = cells[contested].parse().context("contested_pence is no amount")?;
        let answer = match (cells[grounds].as_str(), at % 3) {
            (grounds, _) if grounds.contains("CONTESTED_ON_RECEIPT") => None,
            (grounds, _) if grounds.contains("DUPLICATE_BILLED") => Some((pence, "billed twice by mistake")),
            ("MANUAL", _) => Some((pence / 2, "half of it was")),
            (_, 0) => Some((pence, "it did not take place")),
            (_, 1) => Some((pence / 2, "a shorter attendance")),
            (_, _) => Some((0, "the notes show it")),
        };
        if let Some((pence, words)) = answer {
            (cells[conceded], cells[text]) = (pence.to_string(), words.to_owned());
        }
        writer.write_record(&cells)?;
    }
    writer.into_inner().context("the file was not written")
}

/// Challenges as somebody sees them, in the order in which they were raised.
pub(crate) async fn list(
    stage: &Stage,
    who: &str,
    provider: &str,
    state: v1::ChallengeState,
) -> anyhow::Result<Vec<v1::Challenge>> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListChallengesRequest {
            system: SYSTEM.to_owned(),
            provider: provider.to_owned(),
            state: state.into(),
            page: Some(PageRequest { page_size: 1_000, page_token }),
            min_position: None,
        };
        let answer = stage.of(who)?.ask(request).await?;
        rows.extend(answer.challenges);
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            return Ok(rows);
        }
    }
}
