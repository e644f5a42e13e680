//! Challenges in, out and read.

use crate::{
    Adapter, automatic,
    compared::Subject,
    intake::posting,
    read::{as_of, blocking, may_read, reads_all},
    referral::{content, event, recorded, request},
};
use access::Caller;
use core::time::Duration;
use journal::{Day, Domain as _, Outcome, Position, RecordView, derived_request_id};
use money::Pence;
use nhs::OdsCode;
use proto::referrals::v1::{self, challenge_service_server::ChallengeService};
use referrals::{
    AnswerChallenge, Challenge, ChallengeState, Command, ConcludeChallenge, Conclusion, Event, LineTag,
    RaiseChallenge, Referrals, Refusal,
};
use server::journals::{Answer, Handle, ReadAt, Request as Submit};
use std::collections::BTreeMap;
use tonic::Status;
use wire::{
    Cursor, Fields, common,
    referrals::{
        challenge::{self as messages, grounds, percent, rules, thread_text},
        inward,
    },
    status,
};

server::rpcs! {
    ChallengeService for Adapter {
        raise_challenge(RaiseChallengeRequest) -> RaiseChallengeResponse by raise;
        run_challenges(RunChallengesRequest) -> RunChallengesResponse by run_automatic;
        answer_challenge(AnswerChallengeRequest) -> AnswerChallengeResponse by answer_one;
        conclude_challenge(ConcludeChallengeRequest) -> ConcludeChallengeResponse by conclude;
        get_challenge(GetChallengeRequest) -> GetChallengeResponse by read_challenge;
        list_challenges(ListChallengesRequest) -> ListChallengesResponse by list_of_challenges;
        set_challenge_rules(SetChallengeRulesRequest) -> SetChallengeRulesResponse by set_rules;
    }
}

/// A challenge as it stands, and as of what.
async fn found(
    handle: &Handle<Referrals>,
    number: Position,
    min_position: Option<Position>,
) -> Result<(Option<Challenge>, ReadAt), Status> {
    let read = handle.read(min_position, move |state, at| (state.challenge(number).cloned(), *at));
    Ok(read.await?)
}

async fn message(handle: &Handle<Referrals>, number: Position) -> Result<Option<v1::Challenge>, Status> {
    let (row, at) = found(handle, number, None).await?;
    Ok(row.map(|row| messages::challenge(number, &row, at.business_date)))
}

fn unknown() -> Status {
    status::refusal(&Refusal::ChallengeUnknown)
}

impl Adapter {
    async fn raise(
        &self,
        caller: &Caller,
        message_in: v1::RaiseChallengeRequest,
    ) -> Result<v1::RaiseChallengeResponse, Status> {
        let v1::RaiseChallengeRequest {
            system,
            request_id,
            provider,
            cds_identifier,
            line,
            grounds: codes,
            amount_pence,
            percent: chance,
            text,
        } = message_in;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let provider = fields.parse("provider", &provider);
        let cds_identifier = fields.parse("cds_identifier", &cds_identifier);
        let grounds = grounds("grounds", &codes, &mut fields);
        let amount = match amount_pence {
            None => Some(None),
            Some(pence) => fields.pence_above_zero("amount_pence", pence).map(Some),
        };
        let percent = match chance {
            None => Some(None),
            Some(chance) => percent("percent", chance, &mut fields).map(Some),
        };
        let text = thread_text("text", &text, &mut fields);
        let known = (system, request_id, provider, cds_identifier, grounds, amount, percent, text);
        let (system, request_id, provider, cds_identifier, grounds, amount, percent, text) =
            fields.known(known)?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let line = Position::new(line);
        let tag = None;
        let mut command =
            RaiseChallenge { provider, cds_identifier, line, grounds, amount, percent, text, tag };
        let fingerprint = content(&command);
        command.tag = Some(self.identity().tag_of(&system, provider, &cds_identifier).await?);
        let submit = request(request_id, fingerprint, caller.urn(), Command::RaiseChallenge(command));
        let answer = handle.submit(submit).await?;
        event(&answer)?;
        let challenge = message(&handle, answer.position).await?;
        let posting = posting(&handle, answer.position).await.into();
        Ok(v1::RaiseChallengeResponse { recorded: Some(recorded(&answer)), challenge, posting })
    }

    async fn answer_one(
        &self,
        caller: &Caller,
        message_in: v1::AnswerChallengeRequest,
    ) -> Result<v1::AnswerChallengeResponse, Status> {
        let v1::AnswerChallengeRequest { system, request_id, challenge, conceded_pence, text } = message_in;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let conceded = fields.pence("conceded_pence", conceded_pence);
        let text = thread_text("text", &text, &mut fields);
        let (system, request_id, conceded, text) = fields.known((system, request_id, conceded, text))?;
        let handle = self.journal(&system).await?;
        let challenge = Position::new(challenge);
        let (row, _) = found(&handle, challenge, None).await?;
        // One that is not there is nobody's: the answer does not tell which.
        if !row.is_some_and(|row| caller.acts_for(row.provider)) {
            return Err(status::not_yours());
        }
        let command = AnswerChallenge { challenge, conceded, text };
        let fingerprint = content(&command);
        let submit = request(request_id, fingerprint, caller.urn(), Command::AnswerChallenge(command));
        let answer = handle.submit(submit).await?;
        event(&answer)?;
        let challenge = message(&handle, challenge).await?;
        Ok(v1::AnswerChallengeResponse { recorded: Some(recorded(&answer)), challenge })
    }

    async fn conclude(
        &self,
        caller: &Caller,
        message_in: v1::ConcludeChallengeRequest,
    ) -> Result<v1::ConcludeChallengeResponse, Status> {
        let v1::ConcludeChallengeRequest { system, request_id, challenge, state, upheld_pence, text } =
            message_in;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let conclusion = messages::conclusion("state", state, upheld_pence, &mut fields);
        let text = thread_text("text", &text, &mut fields);
        let (system, request_id, conclusion, text) = fields.known((system, request_id, conclusion, text))?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let challenge = Position::new(challenge);
        let command = ConcludeChallenge { challenge, conclusion, text };
        let fingerprint = content(&command);
        let submit = request(request_id, fingerprint, caller.urn(), Command::ConcludeChallenge(command));
        let answer = handle.submit(submit).await?;
        event(&answer)?;
        let challenge = message(&handle, challenge).await?;
        let posting = posting(&handle, answer.position).await.into();
        Ok(v1::ConcludeChallengeResponse { recorded: Some(recorded(&answer)), challenge, posting })
    }

    async fn read_challenge(
        &self,
        caller: &Caller,
        message_in: v1::GetChallengeRequest,
    ) -> Result<v1::GetChallengeResponse, Status> {
        let v1::GetChallengeRequest { system, challenge, min_position } = message_in;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let (system,) = fields.known((system,))?;
        let handle = self.journal(&system).await?;
        let number = Position::new(challenge);
        let (row, at) = found(&handle, number, min_position.map(Position::new)).await?;
        let Some(row) = row else {
            return Err(if reads_all(caller) { unknown() } else { status::not_yours() });
        };
        may_read(caller, row.provider)?;
        let positions = row.thread.clone();
        let thread = blocking(handle, move |handle| {
            positions.into_iter().map(|position| entry(handle, position)).collect::<Result<Vec<_>, _>>()
        });
        Ok(v1::GetChallengeResponse {
            challenge: Some(messages::challenge(number, &row, at.business_date)),
            thread: thread.await?,
            as_of: Some(as_of(&at)),
        })
    }

    async fn list_of_challenges(
        &self,
        caller: &Caller,
        mut message_in: v1::ListChallengesRequest,
    ) -> Result<v1::ListChallengesResponse, Status> {
        let mut fields = Fields::new();
        let page = message_in.page.take();
        let page = self.pages().page(&mut fields, "page", page, &message_in);
        let v1::ListChallengesRequest { system, provider, state, page: _, min_position } = message_in;
        let system = fields.system("system", &system);
        let provider = fields.parse_optional::<OdsCode>("provider", &provider);
        let wanted = match state {
            0 => Some(None),
            state => fields.one_of("state", state, messages::state_from).map(Some),
        };
        let (system, page, provider, wanted) = fields.known((system, page, provider, wanted))?;
        // A provider that names none means itself.
        let provider = provider.or_else(|| caller.as_organisation().filter(|_| !reads_all(caller)));
        if !reads_all(caller) {
            may_read(caller, provider.ok_or_else(status::not_yours)?)?;
        }
        let handle = self.journal(&system).await?;
        let (limit, after) = match &page.cursor {
            None => (None, None),
            Some(cursor) => {
                let last = <[u8; 8]>::try_from(cursor.last.as_slice()).ok();
                (Some(cursor.position), last.map(|last| Position::new(u64::from_le_bytes(last))))
            }
        };
        let size = page.size;
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            let limit = limit.or(at.position).unwrap_or(Position::FIRST);
            let rows = state.challenges_after(after).take_while(|(number, _)| *number <= limit);
            let rows = rows.filter(|(_, row)| {
                provider.is_none_or(|provider| row.provider == provider)
                    && wanted.is_none_or(|wanted| row.state == wanted)
            });
            let rows: Vec<(Position, Challenge)> =
                rows.take(size.saturating_add(1)).map(|(number, row)| (number, row.clone())).collect();
            (rows, limit, *at)
        });
        let (mut rows, limit, at) = read.await?;
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more).map(|(number, _)| number.get().to_le_bytes().to_vec());
        let next = last.map(|last| Cursor { position: limit, last });
        let challenges = rows.iter().map(|(number, row)| messages::challenge(*number, row, at.business_date));
        Ok(v1::ListChallengesResponse {
            challenges: challenges.collect(),
            page: Some(self.pages().response(&page, next.as_ref())),
            as_of: Some(as_of(&at)),
        })
    }

    async fn set_rules(
        &self,
        caller: &Caller,
        message_in: v1::SetChallengeRulesRequest,
    ) -> Result<v1::SetChallengeRulesResponse, Status> {
        let v1::SetChallengeRulesRequest { system, request_id, rules: asked } = message_in;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let asked = fields.required("rules", asked);
        let rules = asked.and_then(|asked| fields.within("rules", |fields| rules(&asked, fields)));
        let (system, request_id, rules) = fields.known((system, request_id, rules))?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let submit = request(request_id, content(&rules), caller.urn(), Command::SetChallengeRules(rules));
        let answer = handle.submit(submit).await?;
        event(&answer)?;
        Ok(v1::SetChallengeRulesResponse { recorded: Some(recorded(&answer)) })
    }

    async fn run_automatic(
        &self,
        caller: &Caller,
        message_in: v1::RunChallengesRequest,
    ) -> Result<v1::RunChallengesResponse, Status> {
        let v1::RunChallengesRequest { system, request_id, provider, cut, validate_only } = message_in;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.bulk_request_id("request_id", &request_id);
        let provider = fields.parse::<OdsCode>("provider", &provider);
        let cut = fields.required("cut", cut);
        let cut = cut.and_then(|cut| fields.within("cut", |fields| inward::cut(&cut, fields)));
        let (system, request_id, provider, cut) = fields.known((system, request_id, provider, cut))?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let subject = Subject::find(&handle, provider, cut, None).await?;
        let compared = self.compared().get(&handle, &subject).await?;
        let mut answer = v1::RunChallengesResponse::default();
        let raising = automatic::raising(&handle, &subject, &compared).await?;
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for raise in &raising.raise {
            for ground in raise.grounds.iter() {
                let count = counts.entry(ground.code()).or_default();
                *count = count.saturating_add(1);
            }
        }
        answer.grounds = counts
            .into_iter()
            .map(|(code, count)| v1::ReasonCount { code: code.to_owned(), count })
            .collect();
        answer.passed_over = raising.challenged_before;
        let derived = |purpose: &'static str, at: Position| {
            derived_request_id(purpose, request_id, &at.get().to_le_bytes())
        };
        if validate_only {
            answer.raised = u64::try_from(raising.raise.len()).unwrap_or(u64::MAX);
            return Ok(answer);
        }
        let names = raising.raise.iter().map(|raise| LineTag::digest(raise.provider, &raise.cds_identifier));
        let tags = self.identity().tags(&system, &names.collect::<Vec<_>>()).await?;
        let raise = raising.raise.into_iter().zip(tags).map(|(mut raise, tag)| {
            let id = derived("challenge", raise.line);
            let fingerprint = content(&raise);
            raise.tag = Some(LineTag::new(tag));
            request(id, fingerprint, caller.urn(), Command::RaiseChallenge(raise))
        });
        let raise = raise.collect();
        let mut last = Position::FIRST;
        for done in self.all(&handle, raise, &mut last).await? {
            match done {
                Some(Event::ChallengeRaised(raised)) => {
                    answer.raised = answer.raised.saturating_add(1);
                    answer.contested_pence = answer.contested_pence.saturating_add(raised.amount.get());
                }
                _ => answer.passed_over = answer.passed_over.saturating_add(1),
            }
        }
        let concluding = automatic::concluding(&handle, &subject, &compared).await?;
        let conclude = concluding.into_iter().map(|conclude| {
            let id = derived("conclude", conclude.challenge);
            request(id, content(&conclude), caller.urn(), Command::ConcludeChallenge(conclude))
        });
        let conclude = conclude.collect();
        for done in self.all(&handle, conclude, &mut last).await? {
            match done {
                Some(Event::ChallengeConcluded(moved)) if moved.upheld == Pence::ZERO => {
                    answer.withdrawn = answer.withdrawn.saturating_add(1);
                }
                Some(Event::ChallengeConcluded(_)) => answer.unpayable = answer.unpayable.saturating_add(1),
                _ => {}
            }
        }
        answer.posting = posting(&handle, last).await.into();
        Ok(answer)
    }

    /// Submits all, and tells what became of each: nothing of one that was refused.
    async fn all(
        &self,
        handle: &Handle<Referrals>,
        requests: Vec<Submit<Referrals>>,
        last: &mut Position,
    ) -> Result<Vec<Option<Event>>, Status> {
        let mut events = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter();
        loop {
            let batch: Vec<_> = requests.by_ref().take(inward::LINES_PER_BATCH_MAX).collect();
            if batch.is_empty() {
                return Ok(events);
            }
            let permit = self.room(batch.len()).await?;
            let answers = handle.submit_many(batch).await?;
            drop(permit);
            for answer in answers {
                let answer: Answer<Referrals> = answer?;
                *last = (*last).max(answer.position);
                events.push(match answer.outcome {
                    Outcome::Accepted(events) => events.into_iter().next(),
                    Outcome::Refused(_) => None,
                });
            }
        }
    }
}

/// One record of a thread.
fn entry(handle: &Handle<Referrals>, position: Position) -> Result<v1::ChallengeEntry, Status> {
    let bytes = handle.record(position)?.ok_or_else(status::damaged)?;
    let record = RecordView::parse(&bytes).map_err(|_| status::damaged())?;
    let (command, outcome) = Referrals::decode(record.header.kind, record.body, &*handle.blobs())
        .map_err(|_| status::damaged())?;
    let Outcome::Accepted(events) = outcome else { return Err(status::damaged()) };
    let (act, amount, text) = match (command, events.first()) {
        (Command::RaiseChallenge(raise), Some(Event::ChallengeRaised(raised))) => {
            ("RAISED", raised.amount, raise.text)
        }
        (Command::AnswerChallenge(answer), _) => ("ANSWERED", answer.conceded, answer.text),
        (Command::ConcludeChallenge(conclude), event) => {
            let upheld = match event {
                Some(Event::ChallengeConcluded(moved)) => moved.upheld,
                _ => Pence::ZERO,
            };
            let act = match conclude.conclusion {
                Conclusion::Agreed(_) => "AGREED",
                Conclusion::Withdrawn => "WITHDRAWN",
                Conclusion::Escalated => "ESCALATED",
                Conclusion::Unpayable => "UNPAYABLE",
            };
            (act, upheld, conclude.text)
        }
        _ => return Err(status::damaged()),
    };
    Ok(v1::ChallengeEntry {
        position: position.get(),
        recorded_time: Some(common::timestamp(record.header.recorded_time)),
        act: act.to_owned(),
        amount_pence: amount.get(),
        text,
    })
}

/// Whether a challenge is still open: what an automatic run may conclude.
pub(crate) const fn may_conclude(state: ChallengeState) -> bool {
    matches!(state, ChallengeState::Raised | ChallengeState::Answered)
}

/// Whether `day` is past the last day of a cut.
pub(crate) fn has_passed(deadline: Option<Day>, day: Day) -> bool {
    deadline.is_some_and(|deadline| deadline < day)
}
