//! What happens to a provider's lines, as it happens.

use crate::{
    Adapter,
    read::{as_of, blocking},
    stream::told_to_drain,
};
use access::Caller;
use journal::{Domain as _, Outcome, Position, RecordView, leaf_hash};
use nhs::OdsCode;
use proto::referrals::v1::{self, line_event::Event as What};
use referrals::{Command, Event, LineAnswered, Referrals, RepriceLine};
use server::journals::{Handle, ReadError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::Status;
use wire::{Fields, Pushback, common, ledger::Missing, referrals::outward, status};

/// The most records of one message that say something.
const RECORDS_TOLD_MAX: usize = 500;

/// The most records that one message looks through, so that heartbeats come also where few are the provider's.
const RECORDS_SEEN_MAX: u64 = 5_000;

/// How long a watch stays silent.
const HEARTBEAT_TIME: Duration = Duration::from_secs(5);

type Answer = Result<v1::WatchLinesResponse, Status>;

impl Adapter {
    pub(crate) async fn watch(
        &self,
        caller: &Caller,
        request: v1::WatchLinesRequest,
    ) -> Result<mpsc::Receiver<Answer>, Status> {
        let v1::WatchLinesRequest { system, provider, from_position } = request;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let provider = fields.parse::<OdsCode>("provider", &provider);
        let (system, provider) = fields.known((system, provider))?;
        if !caller.acts_for(provider) {
            return Err(status::not_yours());
        }
        let handle = self.journal(&system).await?;
        let end = handle.durable_count();
        if from_position > end {
            return Err(status::refusal(&Missing::Ahead { next: end }));
        }
        // A slow reader holds up its own watch only: what is not read waits in the journal.
        let (answers, stream) = mpsc::channel(2);
        tokio::spawn(watch_from(handle, provider, Position::new(from_position), answers, self.draining()));
        Ok(stream)
    }
}

async fn watch_from(
    handle: Handle<Referrals>,
    provider: OdsCode,
    mut next: Position,
    answers: mpsc::Sender<Answer>,
    mut draining: watch::Receiver<bool>,
) {
    loop {
        let from = next;
        let part = blocking(handle.clone(), move |handle| part(handle, provider, from)).await;
        let answer = match part {
            Ok((events, after)) => {
                next = after;
                response(&handle, events, after).await
            }
            Err(status) => Err(status),
        };
        let ends = answer.is_err();
        if answers.send(answer).await.is_err() || ends {
            return;
        }
        if next.get() >= handle.durable_count() {
            tokio::select! {
                _ = told_to_drain(&mut draining) => {
                    return drop(answers.send(Err(Pushback::Draining.into())).await);
                }
                () = answers.closed() => return,
                grown = handle.durable_beyond(next.get()) => if grown.is_none() { return },
                () = tokio::time::sleep(HEARTBEAT_TIME) => {}
            }
        }
    }
}

async fn response(handle: &Handle<Referrals>, events: Vec<v1::LineEvent>, after: Position) -> Answer {
    let at = handle.read(None, |_, at| *at).await?;
    Ok(v1::WatchLinesResponse { events, next_position: after.get(), as_of: Some(as_of(&at)) })
}

/// What happened from `next` on, and the position after the last record looked at.
fn part(
    handle: &Handle<Referrals>,
    provider: OdsCode,
    next: Position,
) -> Result<(Vec<v1::LineEvent>, Position), Status> {
    let (mut events, mut told, mut after) = (Vec::new(), 0, next);
    let end = handle.durable_count().min(next.get().saturating_add(RECORDS_SEEN_MAX));
    let mut damaged = None;
    if next.get() < end {
        handle.records_from(next, |position, record| {
            match of_record(handle, provider, position, record) {
                Ok(found) => {
                    told += usize::from(!found.is_empty());
                    events.extend(found);
                }
                Err(error) => damaged = Some(error),
            }
            after = position.next();
            damaged.is_none() && after.get() < end && told < RECORDS_TOLD_MAX
        })?;
    }
    damaged.map_or(Ok((events, after)), |error| Err(error.into()))
}

/// What one record did to the provider's lines.
fn of_record(
    handle: &Handle<Referrals>,
    provider: OdsCode,
    position: Position,
    bytes: &[u8],
) -> Result<Vec<v1::LineEvent>, ReadError> {
    let record = RecordView::parse(bytes).map_err(|_| ReadError::Damaged)?;
    if record.header.kind.is_house() {
        return Ok(Vec::new());
    }
    let (command, outcome) = Referrals::decode(record.header.kind, record.body, &*handle.blobs())
        .map_err(|_| ReadError::Damaged)?;
    let Outcome::Accepted(events) = outcome else { return Ok(Vec::new()) };
    let what = match (&command, events.first()) {
        (
            Command::SubmitLine(line) | Command::RepriceLine(RepriceLine { line, .. }),
            Some(Event::LineAnswered(answered)),
        ) if line.provider == provider => {
            answered_and_superseded(outward::line(position, line, answered), answered)
        }
        (Command::SubmitUnreadable(line), Some(Event::LineAnswered(answered)))
            if line.provider == provider =>
        {
            answered_and_superseded(outward::unreadable(position, line, answered), answered)
        }
        (Command::RecordUnreadable(line), Some(Event::UnreadableAnswered(answered)))
            if line.provider == provider =>
        {
            // What it replaces could not be read either: nothing of it was accepted, and its name is not known.
            let old = answered
                .supersedes
                .map(|old| v1::LineSuperseded { position: old.get(), ..v1::LineSuperseded::default() });
            let line = What::Answered(outward::textless(position, line, answered));
            old.map(What::Superseded).into_iter().chain([line]).collect()
        }
        (Command::WithdrawLine(line), Some(Event::LineWithdrawn { withdrawn }))
            if line.provider == provider =>
        {
            vec![What::Withdrawn(outward::withdrawn(line, withdrawn))]
        }
        (Command::SealCut(seal), Some(Event::CutSealed { totals })) => {
            let own = totals.iter().filter(|total| total.payee == provider);
            let totals = own.map(outward::cut_total).collect();
            let cut = Some(outward::cut(seal.cut));
            vec![What::Sealed(v1::CutSummary { cut, sealed: true, totals, ..v1::CutSummary::default() })]
        }
        (_, _) => Vec::new(),
    };
    let header = record.header;
    let told = what.into_iter().map(|what| v1::LineEvent {
        recorded: Some(common::recorded(
            position,
            leaf_hash(bytes),
            header.recorded_time,
            header.business_date,
            false,
        )),
        event: Some(what),
    });
    Ok(told.collect())
}

/// An answer, after the end of the version that it replaces.
fn answered_and_superseded(line: v1::Line, answered: &LineAnswered) -> Vec<What> {
    let old = answered.supersedes.as_ref().filter(|_| answered.in_force);
    let old = old.map(|old| What::Superseded(outward::superseded(line.cds_identifier.clone(), old)));
    old.into_iter().chain([What::Answered(line)]).collect()
}
