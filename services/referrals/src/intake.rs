//! One batch of lines: read, pseudonymise, submit, answer.

use crate::Adapter;
use journal::{
    Day, Digest, Domain as _, Fingerprint, Moment, Outcome, Position, RequestId, derived_request_id,
};
use nhs::{NhsNumber, OdsCode};
use proto::referrals::v1;
use referrals::{
    ActivityLine, Command, Event, LineAnswered, LineTag, Reason, Reasons, Referrals, Refusal, UnreadableLine,
};
use server::journals::{Answer, Answers, Handle, Request};
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
    /// The business date when it was found.
    pub(crate) today: Day,
}

/// A line with a pseudonym in the place of its NHS number, or one that could not be read.
#[derive(Debug)]
pub(crate) enum Line {
    Readable(ActivityLine),
    /// Readable, and it cannot be true: recorded as unreadable, found again by its content as if it were not.
    Impossible(ActivityLine, Reasons),
    /// With the tag of all that was sent.
    Unreadable(UnreadableLine, [u8; 16]),
}

impl Line {
    /// The line's id and fingerprint: both follow from its submission, its row and its content, and from nothing else.
    fn names(&self, submission: &Submission, content: &mut Vec<u8>) -> (RequestId, Fingerprint) {
        let id = |content: &[u8]| derived_request_id("line", submission.id, content);
        match self {
            Self::Readable(line) | Self::Impossible(line, _) => {
                content.clear();
                // It names the submission's number and the row as its first two fields.
                line.write_content(content);
                let digest = Digest::of(content).0;
                let (fingerprint, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
                (id(&digest), Fingerprint(*fingerprint))
            }
            Self::Unreadable(_, tag) => (id(tag), Fingerprint(*tag)),
        }
    }
}

impl From<Line> for Command {
    fn from(line: Line) -> Self {
        match line {
            Line::Readable(line) => Self::SubmitLine(line),
            Line::Impossible(line, reasons) => Self::RecordUnreadable(line.unreadable(reasons)),
            Line::Unreadable(line, _) => Self::RecordUnreadable(line),
        }
    }
}

/// A line on its way: its place in the batch is taken, its tags are not known yet.
enum Untagged {
    Readable(ActivityLine),
    Unreadable(inward::Unread),
}

impl Untagged {
    /// What its tags are made from: its name, where it has one, and then all of it, where it cannot be read.
    fn digests(&self) -> impl Iterator<Item = [u8; 32]> {
        let (provider, name, content) = match self {
            Self::Readable(line) => (line.provider, Some(line.cds_identifier), None),
            Self::Unreadable(unread) => (unread.line.provider, unread.name, Some(unread.content)),
        };
        name.map(|name| LineTag::digest(provider, &name)).into_iter().chain(content)
    }

    /// Takes its tags off `tags`, in the order of [`Untagged::digests`].
    fn tagged(self, tags: &mut impl Iterator<Item = [u8; 16]>) -> Option<Line> {
        Some(match self {
            Self::Readable(line) => {
                Line::Readable(ActivityLine { tag: Some(LineTag::new(tags.next()?)), ..line })
            }
            Self::Unreadable(inward::Unread { line, name, .. }) => {
                let tag = match name {
                    Some(_) => Some(LineTag::new(tags.next()?)),
                    None => None,
                };
                Line::Unreadable(UnreadableLine { tag, ..line }, tags.next()?)
            }
        })
    }
}

/// A line whose number identity does not take, though it looks like one.
fn without_a_person(number: NhsNumber, line: &ActivityLine) -> inward::Unread {
    let mut content = number.reveal().to_le_bytes().to_vec();
    line.write_content(&mut content);
    let (name, content) = (Some(line.cds_identifier), Digest::of(&content).0);
    inward::Unread { line: line.unreadable(Reasons::of(Reason::NhsNumberInvalid)), name, content }
}

impl Adapter {
    /// The submission of that id, when it is this caller's provider's.
    pub(crate) async fn submission(
        &self,
        handle: &Handle<Referrals>,
        caller: &access::Caller,
        id: RequestId,
    ) -> Result<Submission, Status> {
        let found = handle.read(None, move |state, at| {
            let (number, row) = state.submission(id)?;
            let (provider, caller, today) = (row.provider, row.caller, at.business_date);
            Some(Submission { id, number, provider, caller, today })
        });
        // Whose it is comes before whether it is there.
        let found = found.await?.ok_or_else(|| status::refusal(&Refusal::SubmissionUnknown))?;
        if !caller.acts_for(found.provider) {
            return Err(status::not_yours());
        }
        Ok(found)
    }

    /// Reads a batch, puts pseudonyms in the place of NHS numbers, and tags in the place of what cannot be read: its lines, in their order.
    pub(crate) async fn batch(
        &self,
        handle: &Handle<Referrals>,
        submission: &Submission,
        first_row: u64,
        lines: Vec<v1::ActivityLine>,
    ) -> Result<Vec<Line>, Status> {
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
        let person = |line| match line {
            ReadLine::Unreadable(unread) => Untagged::Unreadable(unread),
            ReadLine::Readable(number, mut line) => match pseudonyms.next().flatten() {
                Some(pseudonym) => {
                    line.pseudonym = pseudonym;
                    Untagged::Readable(line)
                }
                None => Untagged::Unreadable(without_a_person(number, &line)),
            },
        };
        let read: Vec<Untagged> = read.into_iter().map(person).collect();
        let digests: Vec<[u8; 32]> = read.iter().flat_map(Untagged::digests).collect();
        let mut tags = self.identity().tags(handle.system(), &digests).await?.into_iter();
        let tagged = read.into_iter().map(|line| line.tagged(&mut tags));
        let mut lines = tagged.collect::<Option<Vec<_>>>().ok_or(Pushback::Dependency)?;
        set_impossible_apart(handle, submission.today, &mut lines).await?;
        Ok(lines)
    }

    /// What the batch would be answered, each line by itself, without recording anything: what was answered before is answered as
    /// it was.
    pub(crate) async fn validate(
        &self,
        handle: &Handle<Referrals>,
        submission: Submission,
        first_row: u64,
        requests: Vec<Request<Referrals>>,
    ) -> Result<v1::SubmitActivityResponse, Status> {
        let permit = self.room(requests.len()).await?;
        let (requests, before) = handle.answered(requests).await?;
        drop(permit);
        let before = before.into_iter().collect::<Result<Vec<_>, _>>()?;
        let is_new: Vec<bool> = before.iter().map(Option::is_none).collect();
        let decided = handle.read(None, move |state, at| {
            let moment = Moment {
                position: at.position.map_or(Position::FIRST, Position::next),
                recorded_time: at.recorded_time,
                business_date: at.business_date,
                request_id: submission.id,
                caller: submission.caller,
            };
            let new = requests.iter().zip(&is_new).filter(|(_, is_new)| **is_new);
            let decide =
                |(request, _): (&Request<Referrals>, _)| Referrals::decide(state, &moment, &request.command);
            new.map(decide).collect::<Result<Vec<_>, Refusal>>()
        });
        let mut decided = decided.await?.map_err(|refusal| status::refusal(&refusal))?.into_iter();
        let mut answers = Vec::with_capacity(before.len());
        for (row, before) in (first_row..).zip(before) {
            answers.push(match before {
                Some(answer) => line_answer(row, &answer)?,
                None => {
                    let events = decided.next().unwrap_or_default();
                    outward::line_answer(row, &answered(&events)?, None, false)
                }
            });
        }
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
        let (request_id, fingerprint) = line.names(submission, &mut content);
        let caller = Arc::clone(caller);
        Request::<Referrals> { request_id, fingerprint, caller, cause: None, command: line.into() }
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
        answers.push(line_answer(row, &answer)?);
        position = position.max(answer.position);
    }
    Ok(Answered { first_row, answers, position })
}

fn line_answer(row: u64, answer: &Answer<Referrals>) -> Result<v1::LineAnswer, Status> {
    let events = match &answer.outcome {
        Outcome::Accepted(events) => events,
        Outcome::Refused(refusal) => return Err(status::refusal(refusal)),
    };
    let recorded = Some((answer.position, answer.leaf));
    Ok(outward::line_answer(row, &answered(events)?, recorded, answer.replayed))
}

/// Whether the ledger answers in time.
pub(crate) async fn posting(handle: &Handle<Referrals>, position: Position) -> v1::Posting {
    if handle.delivered(position, DELIVERY_PATIENCE).await { v1::Posting::Done } else { v1::Posting::Pending }
}

/// Sets apart what cannot be true as of the journal's day. A line that is possible on an earlier day is so on a later one, so
/// the day is asked for only where the one known may be too early.
async fn set_impossible_apart(
    handle: &Handle<Referrals>,
    known: Day,
    lines: &mut [Line],
) -> Result<(), Status> {
    let reasons = |line: &Line, today| match line {
        Line::Readable(line) => line.impossible(today),
        Line::Impossible(..) | Line::Unreadable(..) => Reasons::NONE,
    };
    if lines.iter().all(|line| reasons(line, known).is_empty()) {
        return Ok(());
    }
    let today = handle.read(None, |_, at| at.business_date).await?;
    for line in lines {
        let reasons = reasons(line, today);
        if let Line::Readable(readable) = line
            && !reasons.is_empty()
        {
            *line = Line::Impossible(*readable, reasons);
        }
    }
    Ok(())
}

fn answered(events: &[Event]) -> Result<LineAnswered, Status> {
    events.first().and_then(Event::answered).ok_or_else(|| {
        tracing::error!("a line was decided without an answer");
        Pushback::Stopped.into()
    })
}
