//! The stream: a bounded number of batches under way, taken up again where the connection was cut.

use super::source::{Batch, Batches};
use crate::output;
use anyhow::Context as _;
use client::Connection;
use proto::referrals::v1::{self, referrals_service_client::ReferralsServiceClient};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

/// Batches that are sent and not answered: what is kept in memory to be sent again.
const BATCHES_UNDER_WAY_MAX: usize = 6;

/// How long a stream may say nothing while batches wait for their answers. The server answers within seconds.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What a stream is about, and how long it is tried.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    pub(super) connection: &'a Connection,
    pub(super) system: &'a str,
    pub(super) submission_id: &'a str,
    /// How long it is tried to reach the server without one answer.
    pub(super) patience: Duration,
}

/// Batches that were sent or may be, oldest first.
#[derive(Debug, Default)]
struct Window {
    unanswered: VecDeque<Batch>,
    read_to_end: bool,
    answered: u64,
}

/// Why a stream ended before its last answer.
enum Ended {
    /// Trying again may help.
    Broken(Status),
    /// It will not.
    Failed(anyhow::Error),
}

impl Stream<'_> {
    /// Sends every batch and hands each with its answer to `answered`, in order, each row once.
    pub(super) async fn send(
        &self,
        mut batches: Batches,
        mut answered: impl FnMut(&Batch, v1::StreamActivityResponse) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut window = Window::default();
        let (mut since, mut before, mut pause) = (Instant::now(), 0, Duration::from_millis(100));
        loop {
            let status = match self.once(&mut window, &mut batches, &mut answered).await {
                Ok(()) => return Ok(()),
                Err(Ended::Failed(error)) => return Err(error),
                Err(Ended::Broken(status)) => status,
            };
            let next = window.unanswered.front().map_or(1, |batch| batch.first_row);
            if window.answered > before {
                (since, before, pause) = (Instant::now(), window.answered, Duration::from_millis(100));
            }
            let wait = pause.max(wire::status::retry_after(&status).unwrap_or_default());
            if since.elapsed().saturating_add(wait) > self.patience {
                let seconds = self.patience.as_secs();
                let gave_up = format!(
                    "rows from {next} on were not answered within {seconds} seconds: submit the same file again, and it \
                     goes on there"
                );
                return Err(anyhow::Error::new(status).context(gave_up));
            }
            output::note(format_args!("{}; going on at row {next}", status.message()));
            tokio::time::sleep(wait).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    async fn once(
        &self,
        window: &mut Window,
        batches: &mut Batches,
        answered: &mut impl FnMut(&Batch, v1::StreamActivityResponse) -> anyhow::Result<()>,
    ) -> Result<(), Ended> {
        let (out, requests) = mpsc::channel(1);
        let mut client = client::calling!(ReferralsServiceClient, self.connection.channel());
        let opened = client.stream_activity(ReceiverStream::new(requests)).await;
        let mut answers = opened.map_err(ended)?.into_inner();
        let mut out = Some(out);
        let mut sent = 0;
        while !window.is_done() {
            if window.read_to_end && sent == window.unanswered.len() {
                out = None;
            }
            tokio::select! {
                answer = answers.message() => {
                    let answer = answer.map_err(ended)?;
                    let answer = answer.ok_or_else(|| Ended::Broken(Status::unavailable("the stream ended early")))?;
                    let batch = window.answered_by(&answer)?;
                    sent = sent.saturating_sub(1);
                    answered(&batch, answer).map_err(Ended::Failed)?;
                }
                // A closed channel is a stream that ended: its reason comes as the next answer.
                room = reserve(out.clone()), if sent < window.unanswered.len() && out.is_some() => match room {
                    Some(room) => {
                        if let Some(batch) = window.unanswered.get(sent) {
                            drop(room.send(self.message(batch)));
                            sent += 1;
                        }
                    }
                    None => out = None,
                },
                batch = batches.recv(), if window.has_room() => match batch {
                    Some(batch) => window.unanswered.push_back(batch.map_err(Ended::Failed)?),
                    None => window.read_to_end = true,
                },
                () = tokio::time::sleep(SILENCE_MAX), if !window.unanswered.is_empty() => {
                    return Err(Ended::Broken(Status::unavailable("the server has said nothing for a minute")));
                }
            }
        }
        Ok(())
    }

    fn message(&self, batch: &Batch) -> v1::StreamActivityRequest {
        v1::StreamActivityRequest {
            system: self.system.to_owned(),
            submission_id: self.submission_id.to_owned(),
            first_row: batch.first_row,
            lines: batch.lines.clone(),
        }
    }
}

async fn reserve<T>(out: Option<mpsc::Sender<T>>) -> Option<mpsc::OwnedPermit<T>> {
    out?.reserve_owned().await.ok()
}

impl Window {
    fn is_done(&self) -> bool {
        self.read_to_end && self.unanswered.is_empty()
    }

    fn has_room(&self) -> bool {
        !self.read_to_end && self.unanswered.len() < BATCHES_UNDER_WAY_MAX
    }

    /// The batch that an answer is of: the oldest.
    fn answered_by(&mut self, answer: &v1::StreamActivityResponse) -> Result<Batch, Ended> {
        let of = |batch: &&Batch| {
            let rows = (batch.first_row..).zip(&answer.answers).all(|(row, answer)| answer.row == row);
            batch.first_row == answer.first_row && batch.lines.len() == answer.answers.len() && rows
        };
        let fits = self.unanswered.front().filter(of).is_some();
        let batch = self.unanswered.pop_front().filter(|_| fits);
        self.answered = self.answered.saturating_add(1);
        batch.context("the server answered rows that were not asked").map_err(Ended::Failed)
    }
}

/// A connection that broke says UNKNOWN or CANCELLED, and no reason: what was sent may have been recorded. Each line's id
/// follows from its row and content, so the rows without an answer are sent again.
fn ended(status: Status) -> Ended {
    let lost = matches!(status.code(), Code::Unknown | Code::Cancelled | Code::Unavailable);
    if lost && wire::status::reason_of(&status).is_none() {
        return Ended::Broken(Status::unavailable("the connection was cut"));
    }
    if wire::status::retry_after(&status).is_some() {
        return Ended::Broken(status);
    }
    Ended::Failed(anyhow::Error::new(status).context("the lines were not taken"))
}
