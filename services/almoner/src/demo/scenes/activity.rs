//! Providers' files: written as they would send them, submitted as `almoner submit` does, each line answered at once.

use crate::commands::submit;
use crate::demo::generate::{Format, Line, Wave};
use crate::demo::installation::{Installation, SYSTEM};
use crate::demo::stage::Stage;
use anyhow::Context as _;
use proto::referrals::v1::Answer;
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
        let format = Format::of(first.provider);
        let mut file = format.heading().to_owned();
        for line in lines {
            format.write(first.provider, &line.fields(), &mut file);
        }
        // It names patients, invented ones here: its sender's alone.
        let path = installation.write(&name, file.as_bytes(), 0o600)?;
        let connection = stage.connection(first.provider)?;
        let provider = first.provider.parse().context("a provider of the demo has no ODS code")?;
        let kind = match format {
            Format::Native => submit::FileKind::Native,
            Format::Plcm => submit::FileKind::Plcm,
            Format::Slam => submit::FileKind::Slam,
        };
        sending
            .spawn(async move { submit::send(connection, SYSTEM.to_owned(), provider, &path, kind).await });
    }
    while let Some(sent) = sending.join_next().await {
        let summary = sent.context("a provider's file was given up")??;
        activity.count(&summary);
        stage.progress.steps(usize::try_from(summary.total())?);
    }
    Ok(())
}

impl Activity {
    fn count(&mut self, summary: &submit::Summary) {
        self.accepted += summary.lines(Answer::Accepted);
        self.contested += summary.lines(Answer::Contested);
        self.unreadable += summary.lines(Answer::Unreadable);
        for (word, code, count) in summary.reasons() {
            *self.findings.entry((word, code.to_owned())).or_default() += count;
        }
    }
}
