//! One batch of lines: read, pseudonymise, submit, answer.

use crate::Adapter;
use journal::{Digest, Domain as _, Fingerprint, Moment, Outcome, Position, RequestId, derived_request_id};
use nhs::{NhsNumber, OdsCode};
use proto::referrals::v1;
use referrals::{
    ActivityLine, Command, Event, LineAnswered, Reason, Reasons, Referrals, Refusal, SubmitUnreadable,
};
use server::journals::{Answers, Handle, Request};
use std::{sync::Arc, time::Duration};
use tonic::Status;
use wire::{
    Pushback,
    referrals::{
        inward::{self, Place, ReadLine},
        outward,
    },
    status,
};

/// How long an answer waits for the ledger.
pub(crate) const DELIVERY_PATIENCE: Duration = Duration::from_secs(2);

/// A submission as its batches use it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Submission {
    pub(crate) id: RequestId,
    pub(crate) number: Position,
    pub(crate) provider: OdsCode,
    /// The record that named its caller.
    pub(crate) caller: Position,
}

/// A line with a pseudonym in the place of its NHS number, or one that could not be read.
#[derive(Debug)]
pub(crate) enum Line {
    Readable(ActivityLine),
    Unreadable(SubmitUnreadable),
}

impl Line {
    fn write_content(&self, out: &mut Vec<u8>) {
        match self {
            Self::Readable(line) => line.write_content(out),
            Self::Unreadable(line) => line.write_content(out),
        }
    }
}

impl From<Line> for Command {
    fn from(line: Line) -> Self {
        match line {
            Line::Readable(line) => Self::SubmitLine(line),
            Line::Unreadable(line) => Self::SubmitUnreadable(line),
        }
    }
}

/// A batch as it was read, in the order of its lines.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) first_row: u64,
    pub(crate) lines: Vec<Line>,
}

impl Adapter {
    /// The submission of that id, when it is this caller's provider's.
    pub(crate) async fn submission(
        &self,
        handle: &Handle<Referrals>,
        caller: &access::Caller,
        id: RequestId,
    ) -> Result<Submission, Status> {
        let found = handle.read(None, move |state, _| {
            let (number, row) = state.submission(id)?;
            Some(Submission { id, number, provider: row.provider, caller: row.caller })
        });
        // Whose it is comes before whether it is there.
        let found = found.await?.ok_or_else(|| status::refusal(&Refusal::SubmissionUnknown))?;
        if !caller.acts_for(found.provider) {
            return Err(status::not_yours());
        }
        Ok(found)
    }

    /// Reads a batch and puts pseudonyms in the place of NHS numbers.
    pub(crate) async fn batch(
        &self,
        handle: &Handle<Referrals>,
        submission: &Submission,
        first_row: u64,
        lines: Vec<v1::ActivityLine>,
    ) -> Result<Batch, Status> {
        let place = |row| Place { submission: submission.number, row, provider: submission.provider };
        let read: Vec<ReadLine> =
            (first_row..).zip(&lines).map(|(row, line)| inward::line(line, place(row))).collect();
        // The messages hold the NHS numbers as text: they end here.
        drop(lines);
        let numbers: Vec<NhsNumber> = read
            .iter()
            .filter_map(|line| match line {
                ReadLine::Readable(number, _) => Some(*number),
                ReadLine::Unreadable(_) => None,
            })
            .collect();
        let pseudonyms = self.identity().pseudonyms(handle.system(), &numbers).await?;
        let mut pseudonyms = pseudonyms.into_iter();
        let lines = read
            .into_iter()
            .map(|line| match line {
                ReadLine::Unreadable(line) => Line::Unreadable(line),
                ReadLine::Readable(_, mut line) => match pseudonyms.next().flatten() {
                    Some(pseudonym) => {
                        line.pseudonym = pseudonym;
                        Line::Readable(line)
                    }
                    None => Line::Unreadable(SubmitUnreadable {
                        submission: line.submission,
                        row: line.row,
                        provider: line.provider,
                        reasons: Reasons::of(Reason::NhsNumberInvalid),
                        claimed: Some(line.claimed),
                        cds_identifier: Some(line.cds_identifier),
                    }),
                },
            })
            .collect();
        Ok(Batch { first_row, lines })
    }

    /// What the batch would be answered, each line by itself, without recording anything.
    pub(crate) async fn validate(
        &self,
        handle: &Handle<Referrals>,
        submission: Submission,
        batch: Batch,
    ) -> Result<v1::SubmitActivityResponse, Status> {
        let decided = handle.read(None, move |state, at| {
            let moment = Moment {
                position: at.position.map_or(Position::FIRST, Position::next),
                recorded_time: at.recorded_time,
                business_date: at.business_date,
                request_id: submission.id,
                caller: submission.caller,
            };
            let decide = |line: Line| Referrals::decide(state, &moment, &line.into());
            batch.lines.into_iter().map(decide).collect::<Result<Vec<_>, Refusal>>()
        });
        let decided = decided.await?.map_err(|refusal| status::refusal(&refusal))?;
        let answers = (batch.first_row..).zip(&decided);
        let answers =
            answers.map(|(row, events)| Ok(outward::line_answer(row, answered(events)?, None, false)));
        let answers = answers.collect::<Result<Vec<_>, Status>>()?;
        Ok(v1::SubmitActivityResponse { answers, posting: v1::Posting::Unspecified.into(), position: 0 })
    }
}

/// The requests of a batch: a line's id follows from its submission, its row and its content.
pub(crate) fn requests(
    submission: &Submission,
    caller: &Arc<str>,
    lines: Vec<Line>,
) -> Vec<Request<Referrals>> {
    let mut content = Vec::with_capacity(256);
    let request = |line: Line| {
        content.clear();
        line.write_content(&mut content);
        let digest = Digest::of(&content).0;
        let (fingerprint, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        Request::<Referrals> {
            // The content names the submission's number and the row as its first two fields.
            request_id: derived_request_id("line", submission.id, &digest),
            fingerprint: Fingerprint(*fingerprint),
            caller: Arc::clone(caller),
            cause: None,
            command: line.into(),
        }
    };
    lines.into_iter().map(request).collect()
}

/// What a batch is answered with, before it is known whether the ledger has answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) first_row: u64,
    pub(crate) answers: Vec<v1::LineAnswer>,
    pub(crate) position: Position,
}

/// The answers of a batch. Errors when some line has none: the caller sends the batch again.
pub(crate) fn answers(first_row: u64, outcomes: Answers<Referrals>) -> Result<Answered, Status> {
    let mut answers = Vec::with_capacity(outcomes.len());
    let mut position = Position::FIRST;
    for (row, outcome) in (first_row..).zip(outcomes) {
        let answer = outcome?;
        let events = match &answer.outcome {
            Outcome::Accepted(events) => events,
            Outcome::Refused(refusal) => return Err(status::refusal(refusal)),
        };
        let recorded = Some((answer.position, answer.leaf));
        answers.push(outward::line_answer(row, answered(events)?, recorded, answer.replayed));
        position = position.max(answer.position);
    }
    Ok(Answered { first_row, answers, position })
}

/// Whether the ledger answers in time.
pub(crate) async fn posting(handle: &Handle<Referrals>, position: Position) -> v1::Posting {
    if handle.delivered(position, DELIVERY_PATIENCE).await { v1::Posting::Done } else { v1::Posting::Pending }
}

fn answered(events: &[Event]) -> Result<&LineAnswered, Status> {
    match events.first() {
        Some(Event::LineAnswered(answered)) => Ok(answered),
        _ => {
            tracing::error!("a line was decided without an answer");
            Err(Pushback::Stopped.into())
        }
    }
}
