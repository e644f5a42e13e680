//! Providers' files: written as they would send them, submitted as `almoner submit` does, each line answered at once.

use crate::commands::submit;
use crate::demo::generate::{HEADING, Line, Wave};
use crate::demo::installation::{Installation, SYSTEM};
use crate::demo::stage::Stage;
use anyhow::Context as _;
use proto::referrals::v1::{Answer, LineAnswer};
use std::collections::BTreeMap;

/// What was answered.
#[derive(Debug, Default, Clone)]
pub(crate) struct Activity {
    /// Lines accepted.
    pub(crate) accepted: u64,
    /// Lines contested.
    pub(crate) contested: u64,
    /// Lines that could not be read.
    pub(crate) unreadable: u64,
    /// Lines by what was found, and the word of their answer.
    pub(crate) findings: BTreeMap<(&'static str, String), u64>,
}

/// Sends the lines of one wave, every provider at the same time.
pub(super) async fn send(
    stage: &Stage,
    installation: &Installation,
    lines: &[Line],
    wave: Wave,
    activity: &mut Activity,
) -> anyhow::Result<()> {
    let of_wave: Vec<&Line> = lines.iter().filter(|line| line.wave == wave).collect();
    let title = match wave {
        Wave::Flex => "July: providers send June's activity",
        Wave::Freeze => "August: what they had missed, before freeze",
        Wave::Late => "August: what comes after freeze",
    };
    stage.progress.scene(title, of_wave.len());
    let mut sending = tokio::task::JoinSet::new();
    for lines in of_wave.chunk_by(|a, b| a.provider == b.provider) {
        let Some(first) = lines.first() else { continue };
        let name = format!("in/{}-{wave:?}.csv", first.provider).to_lowercase();
        let mut file = HEADING.to_owned();
        for line in lines {
            line.fields().write_csv(&mut file);
        }
        // It names patients, invented ones here: its sender's alone.
        let path = installation.write(&name, file.as_bytes(), 0o600)?;
        let connection = stage.connection(first.provider)?;
        let provider = first.provider.to_owned();
        sending.spawn(async move { submit::send(connection, SYSTEM.to_owned(), provider, &path).await });
    }
    while let Some(sent) = sending.join_next().await {
        let answers = sent.context("a provider's file was given up")??;
        stage.progress.steps(answers.len());
        activity.count(&answers);
    }
    Ok(())
}

impl Activity {
    fn count(&mut self, answers: &[LineAnswer]) {
        for answer in answers {
            match answer.answer() {
                Answer::Accepted => self.accepted += 1,
                Answer::Contested => self.contested += 1,
                Answer::Unreadable => self.unreadable += 1,
                Answer::Unspecified => {}
            }
            for finding in &answer.findings {
                *self.findings.entry((submit::word(answer.answer()), finding.code.clone())).or_default() += 1;
            }
        }
    }
}
