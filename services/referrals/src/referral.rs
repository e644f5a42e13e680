//! Writing calls about referrals, submissions and single lines.

use crate::{Adapter, intake::posting, references::REFERRALS_AGE};
use access::{Caller, Role};
use core::time::Duration;
use journal::{
    Digest, Domain as _, Events, Fingerprint, Moment, Outcome, Position, RequestId, SystemName, fingerprint,
};
use nhs::NhsNumber;
use proto::referrals::v1;
use referrals::{
    Command, EndReferral, Event, OpenSubmission, RecordReferral, Referrals, Refusal, WithdrawLine,
};
use server::journals::{Answer, Handle, Request};
use std::sync::Arc;
use tonic::Status;
use wire::{
    Fields, Pushback, Violations, common,
    referrals::{
        inward::{self, REFERRALS_PER_BATCH_MAX},
        problems,
    },
    status,
};

/// One referral read from a message, or everything that is wrong with it.
type ReadReferral = Result<(RequestId, NhsNumber, RecordReferral), Violations>;

pub(crate) fn content<T: minicbor::Encode<()>>(command: &T) -> Fingerprint {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail, and no command holds anything that CBOR lacks.
    let _ = minicbor::encode(command, &mut bytes);
    fingerprint(&bytes)
}

pub(crate) fn request(
    request_id: RequestId,
    fingerprint: Fingerprint,
    caller: &Arc<str>,
    command: Command,
) -> Request<Referrals> {
    Request::<Referrals> { request_id, fingerprint, caller: Arc::clone(caller), cause: None, command }
}

/// Whether the caller may record and end referrals to `provider`: referrers to any, providers to themselves.
pub(crate) fn may_refer(caller: &Caller, provider: nhs::OdsCode) -> Result<(), Status> {
    if caller.has(Role::Referrer) || caller.acts_for(provider) { Ok(()) } else { Err(status::not_yours()) }
}

pub(crate) fn recorded(answer: &Answer<Referrals>) -> proto::common::v1::Recorded {
    common::recorded(
        answer.position,
        answer.leaf,
        answer.recorded_time,
        answer.business_date,
        answer.replayed,
    )
}

/// The first event of an accepted command.
pub(crate) fn event(answer: &Answer<Referrals>) -> Result<&Event, Status> {
    match &answer.outcome {
        Outcome::Accepted(events) => first(events),
        Outcome::Refused(refusal) => Err(status::refusal(refusal)),
    }
}

fn first(events: &Events<Event>) -> Result<&Event, Status> {
    events.first().ok_or_else(|| Pushback::Stopped.into())
}

pub(crate) fn unexpected(answer: &Answer<Referrals>) -> Status {
    tracing::error!(position = %answer.position, "a command was decided with another command's event");
    Pushback::Stopped.into()
}

impl Adapter {
    pub(crate) async fn record_one(
        &self,
        caller: &Caller,
        message: v1::RecordReferralRequest,
    ) -> Result<v1::RecordReferralResponse, Status> {
        let v1::RecordReferralRequest { system, request_id, referral } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let referral = fields.required("referral", referral);
        let referral = referral
            .and_then(|message| fields.within("referral", |fields| inward::referral(&message, fields)));
        let (system, request_id, (number, referral)) = fields.known((system, request_id, referral))?;
        may_refer(caller, referral.provider)?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, REFERRALS_AGE).await?;
        let read = Ok((request_id, number, referral));
        let request = self.requests(&system, caller, vec![read]).await?.pop().flatten();
        let Some(request) = request else {
            let mut fields = Fields::new();
            fields.refuse("referral.nhs_number", "NHS_NUMBER_INVALID", "it must be an NHS number");
            return Err(fields.finish().err().map_or_else(|| Pushback::Stopped.into(), Status::from));
        };
        let answer = handle.submit(request).await?;
        let Event::ReferralRecorded(made) = event(&answer)? else { return Err(unexpected(&answer)) };
        let payer = made.route.payer.to_string();
        let posting = posting(&handle, answer.position).await.into();
        Ok(v1::RecordReferralResponse { recorded: Some(recorded(&answer)), payer, posting })
    }

    /// Puts pseudonyms in the place of NHS numbers. `None` stands for a referral that was malformed, or whose number
    /// identity does not take.
    async fn requests(
        &self,
        system: &SystemName,
        caller: &Caller,
        read: Vec<ReadReferral>,
    ) -> Result<Vec<Option<Request<Referrals>>>, Status> {
        let numbers: Vec<_> = read.iter().flatten().map(|(_, number, _)| *number).collect();
        let mut pseudonyms = self.identity().pseudonyms(system, &numbers).await?.into_iter();
        let made = read.into_iter().map(|read| {
            let (request_id, _, mut referral) = read.ok()?;
            referral.pseudonym = pseudonyms.next().flatten()?;
            let content = content(&referral);
            Some(request(request_id, content, caller.urn(), Command::RecordReferral(referral)))
        });
        Ok(made.collect())
    }

    pub(crate) async fn record_many(
        &self,
        caller: &Caller,
        message: v1::RecordReferralsRequest,
    ) -> Result<v1::RecordReferralsResponse, Status> {
        let v1::RecordReferralsRequest { system, items, validate_only } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let size = fields.batch("items", items.len(), REFERRALS_PER_BATCH_MAX);
        let (system, ()) = fields.known((system, size))?;
        let read: Vec<ReadReferral> = items.iter().map(read_item).collect();
        drop(items);
        for (_, _, referral) in read.iter().flatten() {
            may_refer(caller, referral.provider)?;
        }
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, REFERRALS_AGE).await?;
        let malformed: Vec<_> =
            read.iter().map(|read| read.as_ref().err().map(Violations::problems)).collect();
        let requests = self.requests(&system, caller, read).await?;
        let mut results: Vec<_> = malformed.into_iter().map(malformed_result).collect();
        let mut places = Vec::new();
        let mut taken = Vec::new();
        for (place, request) in requests.into_iter().enumerate() {
            if let Some(request) = request {
                places.push(place);
                taken.push(request);
            }
        }
        let mut position = None;
        if validate_only {
            let decided = validate(&handle, taken).await?;
            for (place, decided) in places.into_iter().zip(decided) {
                set(&mut results, place, result(None, false, decided.as_ref())?);
            }
        } else {
            let permit = self.room(taken.len()).await?;
            let answers = handle.submit_many(taken).await?;
            drop(permit);
            for (place, answer) in places.into_iter().zip(answers) {
                let answer = match answer {
                    Ok(answer) => answer,
                    Err(server::journals::SubmitError::Reused { field, position }) => {
                        let problem = proto::common::v1::Problem {
                            reason: "REQUEST_ID_REUSED".to_owned(),
                            domain: status::DOMAIN.to_owned(),
                            message: status::request_id_reused(field, position).message().to_owned(),
                            field: field.to_owned(),
                        };
                        let problems = vec![problem];
                        set(&mut results, place, v1::ReferralResult { problems, ..Default::default() });
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                position = position.max(Some(answer.position));
                set(&mut results, place, result(Some(answer.position), answer.replayed, answer.result())?);
            }
        }
        let posting = match position {
            Some(position) => posting(&handle, position).await,
            None => v1::Posting::Unspecified,
        };
        Ok(v1::RecordReferralsResponse { results, posting: posting.into() })
    }

    pub(crate) async fn end(
        &self,
        caller: &Caller,
        message: v1::EndReferralRequest,
    ) -> Result<v1::EndReferralResponse, Status> {
        let v1::EndReferralRequest { system, request_id, referral, state } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let end = inward::end(state, &mut fields);
        let (system, request_id, end) = fields.known((system, request_id, end))?;
        let handle = self.journal(&system).await?;
        let referral = Position::new(referral);
        if !caller.has(Role::Referrer) {
            let provider =
                handle.read(None, move |state, _| state.referral(referral).map(|row| row.provider)).await?;
            // One that is not there is nobody's: the answer does not tell which.
            may_refer(caller, provider.ok_or_else(status::not_yours)?)?;
        }
        let command = EndReferral { referral, end };
        let request = request(request_id, content(&command), caller.urn(), Command::EndReferral(command));
        let answer = handle.submit(request).await?;
        let Event::ReferralEnded { .. } = event(&answer)? else { return Err(unexpected(&answer)) };
        let posting = posting(&handle, answer.position).await.into();
        Ok(v1::EndReferralResponse { recorded: Some(recorded(&answer)), posting })
    }

    pub(crate) async fn open(
        &self,
        caller: &Caller,
        message: v1::OpenSubmissionRequest,
    ) -> Result<v1::OpenSubmissionResponse, Status> {
        let v1::OpenSubmissionRequest { system, request_id, provider, file_digest, again } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.bulk_request_id("request_id", &request_id);
        let provider = fields.parse("provider", &provider);
        let file_digest = fields.digest("file_digest", &file_digest);
        let known = fields.known((system, request_id, provider, file_digest))?;
        let (system, request_id, provider, file_digest): (_, _, _, Digest) = known;
        if !caller.acts_for(provider) {
            return Err(status::not_yours());
        }
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let command = OpenSubmission { provider, file_digest, proposed_id: request_id, again };
        let request = request(request_id, content(&command), caller.urn(), Command::OpenSubmission(command));
        let answer = handle.submit(request).await?;
        let (submission, existing) = if let Event::SubmissionFound { submission } = event(&answer)? {
            (*submission, true)
        } else {
            (answer.position, false)
        };
        let id = handle.read(None, move |state, _| state.submission_at(submission).map(|row| row.id)).await?;
        let id = id.ok_or_else(|| status::refusal(&Refusal::SubmissionUnknown))?;
        Ok(v1::OpenSubmissionResponse {
            recorded: Some(recorded(&answer)),
            submission_id: id.to_string(),
            submission: submission.get(),
            existing,
        })
    }

    pub(crate) async fn withdraw(
        &self,
        caller: &Caller,
        message: v1::WithdrawLineRequest,
    ) -> Result<v1::WithdrawLineResponse, Status> {
        let v1::WithdrawLineRequest { system, request_id, provider, cds_identifier } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let provider = fields.parse("provider", &provider);
        let cds_identifier = fields.parse("cds_identifier", &cds_identifier);
        let known = fields.known((system, request_id, provider, cds_identifier))?;
        let (system, request_id, provider, cds_identifier) = known;
        if !caller.acts_for(provider) {
            return Err(status::not_yours());
        }
        let handle = self.journal(&system).await?;
        let command = WithdrawLine { provider, cds_identifier, tag: None };
        let fingerprint = content(&command);
        let tag = Some(self.identity().tag_of(&system, provider, &cds_identifier).await?);
        let command = Command::WithdrawLine(WithdrawLine { tag, ..command });
        let request = request(request_id, fingerprint, caller.urn(), command);
        let answer = handle.submit(request).await?;
        let Event::LineWithdrawn { withdrawn } = event(&answer)? else { return Err(unexpected(&answer)) };
        let withdrawn = withdrawn.position.get();
        let posting = posting(&handle, answer.position).await.into();
        Ok(v1::WithdrawLineResponse { recorded: Some(recorded(&answer)), withdrawn, posting })
    }
}

fn read_item(item: &v1::ReferralItem) -> ReadReferral {
    let v1::ReferralItem { request_id, referral } = item;
    let mut fields = Fields::new();
    let request_id = fields.bulk_request_id("request_id", request_id);
    let referral = fields.required("referral", referral.as_ref());
    let referral =
        referral.and_then(|message| fields.within("referral", |fields| inward::referral(message, fields)));
    fields.known((request_id, referral)).map(|(id, (number, referral))| (id, number, referral))
}

/// The result of a referral that was malformed; one whose number identity did not take keeps the second form.
fn malformed_result(problems: Option<Vec<proto::common::v1::Problem>>) -> v1::ReferralResult {
    let problems = problems.unwrap_or_else(|| {
        let mut fields = Fields::new();
        fields.refuse("referral.nhs_number", "NHS_NUMBER_INVALID", "it must be an NHS number");
        fields.finish().err().map(|violations| violations.problems()).unwrap_or_default()
    });
    v1::ReferralResult { problems, ..v1::ReferralResult::default() }
}

fn set(results: &mut [v1::ReferralResult], place: usize, result: v1::ReferralResult) {
    if let Some(slot) = results.get_mut(place) {
        *slot = result;
    }
}

fn result(
    position: Option<Position>,
    replayed: bool,
    outcome: Result<&Events<Event>, &Refusal>,
) -> Result<v1::ReferralResult, Status> {
    let position = position.map(Position::get);
    let events = match outcome {
        Ok(events) => events,
        Err(refusal) => {
            return Ok(v1::ReferralResult {
                position,
                problems: problems(refusal),
                replayed,
                ..Default::default()
            });
        }
    };
    let Event::ReferralRecorded(made) = first(events)? else { return Err(Pushback::Stopped.into()) };
    let payer = made.route.payer.to_string();
    Ok(v1::ReferralResult { position, payer, problems: Vec::new(), replayed })
}

/// What each would be answered by itself, without recording anything.
async fn validate(
    handle: &Handle<Referrals>,
    requests: Vec<Request<Referrals>>,
) -> Result<Vec<Result<Events<Event>, Refusal>>, Status> {
    let decided = handle.read(None, move |state, at| {
        let decide = |request: &Request<Referrals>| {
            let moment = Moment {
                position: at.position.map_or(Position::FIRST, Position::next),
                recorded_time: at.recorded_time,
                business_date: at.business_date,
                request_id: request.request_id,
                caller: Position::FIRST,
            };
            Referrals::decide(state, &moment, &request.command)
        };
        requests.iter().map(decide).collect()
    });
    Ok(decided.await?)
}
