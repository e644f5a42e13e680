//! Postings in bulk: batches and streams.

use crate::{
    Adapter,
    adapter::told_to_drain,
    period::reverse_due,
    read::as_of,
    write::{decided, event, request},
};
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use journal::{Item, Outcome, Position};
use ledger::{Command, HoldAction, Ledger, POSTINGS_PER_GROUP_MAX, PostGroup, Refusal, WindowKey};
use proto::{
    common::v1::{AsOf, Problem},
    ledger::v1::{self, PostingMode, posting_outcome::Outcome as Message},
};
use server::journals::{Answer, Handle, SubmitError};
use smallvec::SmallVec;
use std::sync::Arc;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use wire::{
    Fields, Pushback, Violations, common,
    ledger::{self as convert, Asked, NotApplied},
    status,
};

/// The most postings of one batch. A batch of the largest fits the largest message.
const POSTINGS_PER_BATCH_MAX: usize = 8_000;

/// Batches of one stream that may be decided or synced at once: 32,000 postings, half of what the journal's queue takes.
const BATCHES_UNDER_WAY_MAX: usize = 4;

/// What is kept of a posting while it is decided.
enum Slot {
    Malformed(Violations),
    Asked(SmallVec<[WindowKey; 1]>),
}

impl Adapter {
    pub(crate) async fn post_entries(
        &self,
        caller: Arc<str>,
        message: v1::PostEntriesRequest,
    ) -> Result<v1::PostEntriesResponse, Status> {
        let v1::PostEntriesRequest { system, request_id, mode, postings, validate_only } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.one_of("mode", mode, |mode: PostingMode| match mode {
                PostingMode::Unspecified => None,
                PostingMode::Each | PostingMode::AllOrNone => Some(mode),
            }),
            fields.batch("postings", postings.len(), POSTINGS_PER_BATCH_MAX),
        );
        let (system, mode, ()) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        // Boxed, so that the call most made does not carry what the others need.
        let (outcomes, as_of) = if mode == PostingMode::AllOrNone {
            Box::pin(all_or_none(&handle, &caller, &request_id, &postings, validate_only)).await?
        } else if validate_only {
            Box::pin(validate_each(&handle, &postings)).await?
        } else {
            each(&handle, &caller, &postings).await?
        };
        Ok(v1::PostEntriesResponse { outcomes, as_of: Some(as_of) })
    }
}

/// Each posting by itself.
async fn each(
    handle: &Handle<Ledger>,
    caller: &Arc<str>,
    messages: &[v1::Posting],
) -> Result<(Vec<v1::PostingOutcome>, AsOf), Status> {
    let (mut slots, mut requests) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
    let mut scratch = Vec::with_capacity(256);
    let mut reverses = false;
    for message in messages {
        slots.push(match convert::posting(message) {
            Err(violations) => Slot::Malformed(violations),
            Ok(Asked { request_id, cause, posting }) => {
                let keys = convert::window_keys(&posting);
                reverses |= posting.reverses_in.is_some();
                requests.push(request(request_id, caller, cause, Command::Post(posting), &mut scratch));
                Slot::Asked(keys)
            }
        });
    }
    let answers = handle.submit_many(requests).await?;
    let last = answers.iter().flatten().max_by_key(|answer| answer.position).map(as_of_answer);
    let mut answers = answers.into_iter();
    let mut outcomes = Vec::with_capacity(slots.len());
    for slot in &slots {
        outcomes.push(outcome(match slot {
            Slot::Malformed(violations) => Message::Refused(malformed(violations)),
            Slot::Asked(keys) => answered(keys, answers.next().ok_or(SubmitError::Stopped)?)?,
        }));
    }
    if reverses {
        Box::pin(reverse_due(handle, caller)).await?;
    }
    let as_of = match last {
        Some(as_of) => as_of,
        None => Box::pin(handle.read(None, |_, at| as_of(at))).await?,
    };
    Ok((outcomes, as_of))
}

const fn outcome(outcome: Message) -> v1::PostingOutcome {
    v1::PostingOutcome { outcome: Some(outcome) }
}

fn as_of_answer(answer: &Answer<Ledger>) -> AsOf {
    common::as_of(Some(answer.position), answer.recorded_time, answer.business_date)
}

fn malformed(violations: &Violations) -> v1::PostingRefusal {
    v1::PostingRefusal {
        problems: violations.problems(),
        position: None,
        remaining_pence: None,
        replayed: false,
    }
}

fn answered(keys: &[WindowKey], answer: Result<Answer<Ledger>, SubmitError>) -> Result<Message, Status> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ (SubmitError::Reused { .. } | SubmitError::TooLarge)) => {
            return Ok(Message::Refused(unrecorded(&error.into())));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match &answer.outcome {
        Outcome::Refused(refusal) => {
            Message::Refused(convert::refused(refusal, Some(answer.position), answer.replayed))
        }
        Outcome::Accepted(_) => {
            let posted = event(&answer.outcome)?.posted().first().ok_or_else(status::damaged)?;
            let entry = Item { position: answer.position, index: 0 };
            Message::Posted(convert::posted(Some((entry, answer.leaf)), answer.replayed, keys, posted))
        }
    })
}

/// What went wrong with one posting of a batch before it was decided.
fn unrecorded(status: &Status) -> v1::PostingRefusal {
    let problem = Problem {
        reason: status::reason_of(status).unwrap_or_default(),
        domain: status::DOMAIN.to_owned(),
        message: status.message().to_owned(),
        field: String::new(),
    };
    v1::PostingRefusal { problems: vec![problem], position: None, remaining_pence: None, replayed: false }
}

/// What each posting would be answered by itself.
async fn validate_each(
    handle: &Handle<Ledger>,
    messages: &[v1::Posting],
) -> Result<(Vec<v1::PostingOutcome>, AsOf), Status> {
    let asked: Vec<Result<Asked, Violations>> = messages.iter().map(convert::posting).collect();
    let read = handle.read(None, move |state, at| {
        let outcomes = asked.into_iter().map(|asked| match asked {
            Err(violations) => Message::Refused(malformed(&violations)),
            Ok(Asked { request_id, posting, .. }) => {
                let keys = convert::window_keys(&posting);
                let decided = decided(state, at, request_id, &Command::Post(posting));
                would_be(&keys, decided.as_ref().map(|event| event.posted().first()))
            }
        });
        (outcomes.map(outcome).collect(), as_of(at))
    });
    Ok(read.await?)
}

fn would_be(keys: &[WindowKey], decided: Result<Option<&ledger::Posted>, &Refusal>) -> Message {
    match decided {
        Ok(Some(posted)) => Message::Posted(convert::posted(None, false, keys, posted)),
        Ok(None) => Message::Refused(convert::refused(&Refusal::Empty, None, false)),
        Err(refusal) => Message::Refused(convert::refused(refusal, None, false)),
    }
}

/// All postings as one record, or none: then every one is answered, those at fault with why.
async fn all_or_none(
    handle: &Handle<Ledger>,
    caller: &Arc<str>,
    request_id: &str,
    messages: &[v1::Posting],
    validate_only: bool,
) -> Result<(Vec<v1::PostingOutcome>, AsOf), Status> {
    let mut fields = Fields::new();
    let known = (
        fields.request_id("request_id", request_id),
        fields.batch("postings", messages.len(), POSTINGS_PER_GROUP_MAX),
    );
    let (request_id, ()) = fields.known(known)?;
    let (cause, group) = match well_formed(messages) {
        Ok(group) => group,
        Err(outcomes) => return Ok((outcomes, handle.read(None, |_, at| as_of(at)).await?)),
    };
    let keys: Vec<SmallVec<[WindowKey; 1]>> = group.postings.iter().map(convert::window_keys).collect();
    let reverses = group.postings.iter().any(|posting| posting.reverses_in.is_some());
    // Kept only while it is decided, to tell the postings of a group that is refused apart.
    let asked = group.postings.clone();
    let command = Command::PostAll(group);
    if validate_only {
        let read = handle.read(None, move |state, at| (decided(state, at, request_id, &command), as_of(at)));
        let (decided, as_of) = read.await?;
        let outcomes = match decided {
            Err(refusal) => none_of(&refusal, &asked, None, false),
            Ok(event) => {
                let each = keys.iter().zip(event.posted());
                each.map(|(keys, posted)| outcome(would_be(keys, Ok(Some(posted))))).collect()
            }
        };
        return Ok((outcomes, as_of));
    }
    let answer = handle.submit(request(request_id, caller, cause, command, &mut Vec::new())).await?;
    if let Outcome::Refused(refusal) = &answer.outcome {
        let outcomes = none_of(refusal, &asked, Some(answer.position), answer.replayed);
        return Ok((outcomes, as_of_answer(&answer)));
    }
    if reverses {
        reverse_due(handle, caller).await?;
    }
    let posted = event(&answer.outcome)?.posted();
    let result = |((index, keys), posted): ((u16, &SmallVec<[WindowKey; 1]>), &ledger::Posted)| {
        let entry = Item { position: answer.position, index };
        outcome(Message::Posted(convert::posted(Some((entry, answer.leaf)), answer.replayed, keys, posted)))
    };
    Ok(((0..).zip(&keys).zip(posted).map(result).collect(), as_of_answer(&answer)))
}

/// What every posting of a refused group is answered.
fn none_of(
    refusal: &Refusal,
    postings: &[ledger::Posting],
    position: Option<Position>,
    replayed: bool,
) -> Vec<v1::PostingOutcome> {
    let each = convert::refused_group(refusal, postings, position, replayed);
    each.into_iter().map(|refused| outcome(Message::Refused(refused))).collect()
}

/// The postings of one record with what all of them follow from; or what each is answered when some cannot be read.
fn well_formed(
    messages: &[v1::Posting],
) -> Result<(Option<journal::Cause>, PostGroup), Vec<v1::PostingOutcome>> {
    let mut asked: Vec<Result<Asked, Violations>> = messages.iter().map(convert::posting).collect();
    let cause = asked.iter().flatten().next().and_then(|first| first.cause);
    for asked in &mut asked {
        if asked.as_ref().is_ok_and(|asked| asked.cause != cause) {
            let mut fields = Fields::new();
            fields.refuse("cause", "FIELD_INVALID", "the postings of one group follow from one record");
            if let Err(violations) = fields.finish() {
                *asked = Err(violations);
            }
        }
    }
    let because_of: Vec<usize> = (0..).zip(&asked).filter(|(_, a)| a.is_err()).map(|(at, _)| at).collect();
    if because_of.is_empty() {
        return Ok((cause, PostGroup { postings: asked.into_iter().flatten().map(named).collect() }));
    }
    let others = NotApplied { because_of };
    let answer = |asked: &Result<Asked, Violations>| {
        outcome(Message::Refused(match asked {
            Err(violations) => malformed(violations),
            Ok(_) => v1::PostingRefusal { problems: vec![status::problem(&others)], ..Default::default() },
        }))
    };
    Err(asked.iter().map(answer).collect())
}

/// The postings of one record, with the record of another service that all of them follow from.
pub(crate) fn group(
    fields: &mut Fields,
    messages: &[v1::Posting],
) -> Option<(Option<journal::Cause>, PostGroup)> {
    let asked = convert::group(fields, messages)?;
    let cause = asked.first().and_then(|first| first.cause);
    if let Some(other) = asked.iter().position(|asked| asked.cause != cause) {
        let path = format!("postings[{other}].cause");
        fields.refuse(&path, "FIELD_INVALID", "the postings of one group follow from one record");
        return None;
    }
    Some((cause, PostGroup { postings: asked.into_iter().map(named).collect() }))
}

/// A posting of a group has no request of its own: its id only names the hold that it places.
fn named(asked: Asked) -> ledger::Posting {
    let Asked { request_id, cause: _, mut posting } = asked;
    for action in &mut posting.holds {
        if let HoldAction::Place { name, .. } = action {
            name.get_or_insert(request_id);
        }
    }
    posting
}

/// Answers a stream of batches in order, several under way at once.
pub(crate) fn stream(
    adapter: Adapter,
    caller: Arc<str>,
    batches: Streaming<v1::StreamPostingsRequest>,
) -> mpsc::Receiver<Result<v1::StreamPostingsResponse, Status>> {
    let (answers, receiver) = mpsc::channel(BATCHES_UNDER_WAY_MAX);
    tokio::spawn(async move {
        if let Err(status) = answer_batches(&adapter, &caller, batches, &answers).await {
            // A client that left needs no status.
            let _ = answers.send(Err(status)).await;
        }
    });
    receiver
}

async fn answer_batches(
    adapter: &Adapter,
    caller: &Arc<str>,
    mut batches: Streaming<v1::StreamPostingsRequest>,
    answers: &mpsc::Sender<Result<v1::StreamPostingsResponse, Status>>,
) -> Result<(), Status> {
    let mut draining = adapter.draining.clone();
    let mut handle: Option<Handle<Ledger>> = None;
    let mut under_way = FuturesOrdered::new();
    let (mut more, mut drained) = (true, false);
    while more || !under_way.is_empty() {
        tokio::select! {
            biased;
            // Polled first, so that batches reach the journal in the order in which they came.
            Some(answer) = under_way.next(), if !under_way.is_empty() => {
                if answers.send(Ok(answer?)).await.is_err() {
                    return Ok(());
                }
            }
            () = told_to_drain(&mut draining), if more => {
                // What is under way is still answered; what follows is the client's to send again.
                (more, drained) = (false, true);
            }
            batch = batches.message(), if more && under_way.len() < BATCHES_UNDER_WAY_MAX => {
                let Some(batch) = batch? else {
                    more = false;
                    continue;
                };
                let handle = match &handle {
                    Some(handle) => handle.clone(),
                    None => handle.insert(adapter.journal_named(&batch.system).await?).clone(),
                };
                under_way.push_back(answer_batch(handle, Arc::clone(caller), batch));
            }
        }
    }
    if drained { Err(Pushback::Draining.into()) } else { Ok(()) }
}

async fn answer_batch(
    handle: Handle<Ledger>,
    caller: Arc<str>,
    batch: v1::StreamPostingsRequest,
) -> Result<v1::StreamPostingsResponse, Status> {
    let v1::StreamPostingsRequest { system: _, batch, postings } = batch;
    let mut fields = Fields::new();
    let known = fields.batch("postings", postings.len(), POSTINGS_PER_BATCH_MAX);
    fields.known((known,))?;
    let (outcomes, as_of) = each(&handle, &caller, &postings).await?;
    Ok(v1::StreamPostingsResponse { batch, outcomes, as_of: Some(as_of) })
}
