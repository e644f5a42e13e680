//! Months, and what takes two people.

use crate::{
    Adapter,
    adapter::at_least,
    post::group,
    read::as_of,
    write::{event, recorded, request},
};
use journal::{Day, Domain as _, Item, NoBlobs, Position, RecordView};
use ledger::{Act, Approve, Command, Ledger, MarkPeriod, Propose, Withdraw};
use proto::{common::v1::Recorded, ledger::v1};
use server::journals::Handle;
use std::sync::Arc;
use tonic::Status;
use wire::{Fields, common, ledger as convert, status};

/// What a record proposed.
struct Proposed {
    header: journal::Header,
    propose: Propose,
}

impl Adapter {
    pub(crate) async fn soft_close_period(
        &self,
        caller: Arc<str>,
        message: v1::SoftClosePeriodRequest,
    ) -> Result<v1::SoftClosePeriodResponse, Status> {
        let v1::SoftClosePeriodRequest { system, request_id, period, reason } = message;
        let recorded =
            self.mark(&caller, &system, &request_id, &period, &reason, Command::SoftClosePeriod).await?;
        Ok(v1::SoftClosePeriodResponse { recorded: Some(recorded) })
    }

    pub(crate) async fn close_period(
        &self,
        caller: Arc<str>,
        message: v1::ClosePeriodRequest,
    ) -> Result<v1::ClosePeriodResponse, Status> {
        let v1::ClosePeriodRequest { system, request_id, period, reason } = message;
        let recorded =
            self.mark(&caller, &system, &request_id, &period, &reason, Command::ClosePeriod).await?;
        Ok(v1::ClosePeriodResponse { recorded: Some(recorded) })
    }

    pub(crate) async fn reopen_period(
        &self,
        caller: Arc<str>,
        message: v1::ReopenPeriodRequest,
    ) -> Result<v1::ReopenPeriodResponse, Status> {
        let v1::ReopenPeriodRequest { system, request_id, period, reason, expire_date } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            convert::period(&mut fields, "period", &period),
            convert::reason_text(&mut fields, "reason", &reason),
            fields.date_optional("expire_date", expire_date),
        );
        let (system, request_id, period, reason, expires) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let propose = MarkPeriod { period, reason }.reopening();
        let propose = Propose { expires: expires.map(Day::from), ..propose };
        let digest = common::digest(propose.digest());
        let answer = self.submit(&handle, request_id, &caller, Command::Propose(propose)).await?;
        Ok(v1::ReopenPeriodResponse { recorded: Some(recorded(&answer)), digest })
    }

    pub(crate) async fn withdraw_proposal(
        &self,
        caller: Arc<str>,
        message: v1::WithdrawProposalRequest,
    ) -> Result<v1::WithdrawProposalResponse, Status> {
        let v1::WithdrawProposalRequest { system, request_id, proposal, reason } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            convert::reason_text(&mut fields, "reason", &reason),
        );
        let (system, request_id, reason) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let command = Command::Withdraw(Withdraw { proposal: Position::new(proposal), reason });
        let answer = self.submit(&handle, request_id, &caller, command).await?;
        Ok(v1::WithdrawProposalResponse { recorded: Some(recorded(&answer)) })
    }

    async fn mark(
        &self,
        caller: &Arc<str>,
        system: &str,
        request_id: &str,
        period: &str,
        reason: &str,
        command: impl FnOnce(MarkPeriod) -> Command,
    ) -> Result<Recorded, Status> {
        let mut fields = Fields::new();
        let known = (
            fields.system("system", system),
            fields.request_id("request_id", request_id),
            convert::period(&mut fields, "period", period),
            convert::reason_text(&mut fields, "reason", reason),
        );
        let (system, request_id, period, reason) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let answer = self.submit(&handle, request_id, caller, command(MarkPeriod { period, reason })).await?;
        Ok(recorded(&answer))
    }

    pub(crate) async fn propose_postings(
        &self,
        caller: Arc<str>,
        message: v1::ProposePostingsRequest,
    ) -> Result<v1::ProposePostingsResponse, Status> {
        let v1::ProposePostingsRequest { system, request_id, postings, reason, expire_date } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            group(&mut fields, &postings),
            convert::reason_text(&mut fields, "reason", &reason),
            fields.date_optional("expire_date", expire_date),
        );
        let (system, request_id, (cause, group), reason, expires) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let propose = Propose { act: Act::Post(group), reason, expires: expires.map(Day::from) };
        let digest = common::digest(propose.digest());
        let command = Command::Propose(propose);
        let answer = handle.submit(request(request_id, &caller, cause, command, &mut Vec::new())).await?;
        event(&answer.outcome)?;
        Ok(v1::ProposePostingsResponse { recorded: Some(recorded(&answer)), digest })
    }

    pub(crate) async fn approve_proposal(
        &self,
        caller: Arc<str>,
        message: v1::ApproveProposalRequest,
    ) -> Result<v1::ApproveProposalResponse, Status> {
        let v1::ApproveProposalRequest { system, request_id, proposal, digest } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            fields.digest("digest", &digest),
        );
        let (system, request_id, digest) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let proposal = Position::new(proposal);
        let Some(Proposed { header, propose }) = proposed(&handle, proposal)? else {
            return Err(status::refusal(&ledger::Refusal::ProposalUnknown));
        };
        let keys: Vec<_> = propose.act.postings().iter().map(convert::window_keys).collect();
        let reverses = propose.act.postings().iter().any(|posting| posting.reverses_in.is_some());
        let command = Command::Approve(Approve { proposal, digest, propose });
        let request = request(request_id, &caller, header.cause, command, &mut Vec::new());
        let answer = handle.submit(request).await?;
        let posted = event(&answer.outcome)?.posted();
        let results = (0..).zip(&keys).zip(posted).map(|((index, keys), posted)| {
            let entry = Item { position: answer.position, index };
            convert::posted(Some((entry, answer.leaf)), answer.replayed, keys, posted)
        });
        let results = results.collect();
        if reverses {
            self::reverse_due(&handle, &caller).await?;
        }
        Ok(v1::ApproveProposalResponse { recorded: Some(recorded(&answer)), results })
    }

    pub(crate) async fn read_due_reversals(
        &self,
        request: v1::ListDueReversalsRequest,
    ) -> Result<v1::ListDueReversalsResponse, Status> {
        let v1::ListDueReversalsRequest { system, min_position } = request;
        let handle = self.journal_named(&system).await?;
        let read = handle.read(at_least(min_position), |state, at| v1::ListDueReversalsResponse {
            reversals: state.due_reversals().map(|due| convert::due_reversal(&due)).collect(),
            as_of: Some(as_of(at)),
        });
        Ok(read.await?)
    }

    pub(crate) async fn read_proposals(
        &self,
        request: v1::ListProposalsRequest,
    ) -> Result<v1::ListProposalsResponse, Status> {
        let v1::ListProposalsRequest { system, min_position } = request;
        let handle = self.journal_named(&system).await?;
        let read = handle.read(at_least(min_position), |state, at| {
            let waiting: Vec<_> = state.proposals().map(|(at, proposal)| (at, proposal.digest)).collect();
            (waiting, as_of(at))
        });
        let (waiting, as_of) = read.await?;
        let mut proposals = Vec::with_capacity(waiting.len());
        for (position, digest) in waiting {
            let Proposed { header, propose } = proposed(&handle, position)?.ok_or_else(status::damaged)?;
            proposals.push(convert::proposal(&convert::ProposalOf {
                header: &header,
                propose: &propose,
                digest,
            }));
        }
        Ok(v1::ListProposalsResponse { proposals, as_of: Some(as_of) })
    }

    pub(crate) async fn read_periods(
        &self,
        request: v1::ListPeriodsRequest,
    ) -> Result<v1::ListPeriodsResponse, Status> {
        let v1::ListPeriodsRequest { system, financial_year, min_position } = request;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            convert::financial_year(&mut fields, "financial_year", &financial_year),
        );
        let (system, year) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let read = handle.read(at_least(min_position), move |state, at| v1::ListPeriodsResponse {
            periods: year.periods().map(|period| convert::accounting_period(&state.period(period))).collect(),
            as_of: Some(as_of(at)),
        });
        Ok(read.await?)
    }
}

/// Reverses the entries whose reversal period had begun when they were posted. The day roll would do it too, a day later, and
/// does it where this is cut short.
pub(crate) async fn reverse_due(handle: &Handle<Ledger>, caller: &Arc<str>) -> Result<(), Status> {
    let read = handle.read(None, |state, at| {
        let begun = |due: &ledger::DueReversal<'_>| due.period.first_day() <= at.business_date.date();
        let due = state.due_reversals().filter(begun).map(|due| {
            let index = due.entry.index.to_be_bytes();
            let id = journal::derived_request_id("reversal-due", due.request_id, &index);
            (id, due.command(state, at.business_date))
        });
        due.collect::<Vec<_>>()
    });
    for (id, command) in read.await? {
        // Whatever refuses it, the day roll asks again.
        handle.submit(request(id, caller, None, command, &mut Vec::new())).await?;
    }
    Ok(())
}

/// What the record at `position` proposed; `None` when it proposed nothing.
fn proposed(handle: &Handle<Ledger>, position: Position) -> Result<Option<Proposed>, Status> {
    let Some(record) = handle.record(position)? else { return Ok(None) };
    let view = RecordView::parse(&record).map_err(|_| status::damaged())?;
    if view.header.kind.is_house() {
        return Ok(None);
    }
    let decoded = Ledger::decode(view.header.kind, view.body, &NoBlobs).map_err(|_| status::damaged())?;
    Ok(match decoded.0 {
        Command::Propose(propose) => Some(Proposed { header: view.header, propose }),
        Command::OpenAccount(_)
        | Command::Post(_)
        | Command::PostGroup(_)
        | Command::Reverse(_)
        | Command::SetLimit(_)
        | Command::CloseAccount { .. }
        | Command::SealWindows(_)
        | Command::ExpireHolds(_)
        | Command::ClosePeriod(_)
        | Command::ReopenPeriod(_)
        | Command::SoftClosePeriod(_)
        | Command::ShutFund(_)
        | Command::RollForward(_)
        | Command::PostAll(_)
        | Command::Withdraw(_)
        | Command::ExpireProposals(_)
        | Command::Approve(_) => None,
    })
}
