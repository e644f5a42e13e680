//! One writing call, from command to durable answer.

use crate::Adapter;
use journal::{Domain as _, Instant, Moment, Outcome, Position, RequestId, SystemName};
use proto::{common::v1::Recorded, registry::v1};
use registry::{Command, Content, Event, Known, PriceBook, Refusal, Registry, State};
use server::journals::{Handle, ReadAt, Request};
use std::sync::Arc;
use tonic::Status;
use wire::{
    Violations, common,
    registry::{inward::Write, outward},
    status,
};

/// What a write answers with.
#[derive(Debug)]
pub(crate) struct Done {
    /// Where it is recorded; none when it was only checked.
    pub(crate) recorded: Option<Recorded>,
    /// How many rows changed, or would.
    pub(crate) changed_count: u32,
    /// The proposal, when one was made.
    pub(crate) proposal: Option<v1::Proposal>,
    /// What a proposed price book would change.
    pub(crate) difference: Option<v1::PriceBookDifference>,
}

impl Adapter {
    /// Resolves, records and answers one command.
    pub(crate) async fn write(
        &self,
        caller: Arc<str>,
        write: Result<Write, Violations>,
    ) -> Result<Done, Status> {
        let Write { system, request_id, fingerprint, validate_only, mut command } = write?;
        let handle = self.journal(&system).await?;
        self.resolve(&mut command).await?;
        if !command.fits_record() {
            return Err(status::request_too_large());
        }
        let difference = self.price_book_change(&handle, &system, &command).await?;
        if validate_only {
            return Ok(Done { difference, ..validate(&handle, request_id, command).await? });
        }
        let content =
            if let Command::Propose(propose) = &command { Some(propose.content.clone()) } else { None };
        if let Some(Content::PriceBook(book)) = &content {
            handle.put_blob(book.content.to_vec()).await?;
        }
        let request = Request::<Registry> { request_id, fingerprint, caller, cause: None, command };
        let answer = handle.submit(request).await?;
        let events = match &answer.outcome {
            Outcome::Accepted(events) => events,
            Outcome::Refused(refusal) => return Err(status::refusal(refusal)),
        };
        let recorded = common::recorded(
            answer.position,
            answer.leaf,
            answer.recorded_time,
            answer.business_date,
            answer.replayed,
        );
        let mut proposal =
            content.map(|content| outward::proposal(answer.position, answer.recorded_time, content));
        if let Some(v1::proposal::Content::PriceBook(book)) =
            proposal.as_mut().and_then(|proposal| proposal.content.as_mut())
        {
            book.difference.clone_from(&difference);
        }
        Ok(Done { recorded: Some(recorded), changed_count: changed(events), proposal, difference })
    }

    /// What a price book that the command proposes would change. A name stands for one list for ever, because what was
    /// priced names its list: proposing or approving other prices under a name that was in force is refused here, and not
    /// by the domain's rules, which journals written before there was this one were decided by.
    async fn price_book_change(
        &self,
        handle: &Handle<Registry>,
        system: &SystemName,
        command: &Command,
    ) -> Result<Option<v1::PriceBookDifference>, Status> {
        let named = |state: &State, book: &PriceBook| match state.book_named(book.id) {
            Some(held) if held != book.digest => Err(Refusal::PriceBookNameUsed { price_book: book.id }),
            Some(_) | None => Ok(()),
        };
        if let Command::Propose(propose) = command
            && let Content::PriceBook(book) = &propose.content
        {
            let asked = book.clone();
            let free = handle.read(None, move |state, _| named(state, &asked)).await?;
            free.map_err(|refusal| status::refusal(&refusal))?;
            return self.difference(handle, system, book).await.map(Some);
        }
        if let Command::ApproveProposal(approve) = command {
            let proposal = approve.proposal;
            let free =
                handle.read(None, move |state, _| match state.proposal(proposal).map(|p| &p.content) {
                    Some(Content::PriceBook(book)) => named(state, book),
                    Some(Content::Contracts(_) | Content::BankDetails(_)) | None => Ok(()),
                });
            free.await?.map_err(|refusal| status::refusal(&refusal))?;
        }
        Ok(None)
    }

    /// What `book` would change of the list that the same activity is priced from now: the system's own, else the
    /// national one.
    pub(crate) async fn difference(
        &self,
        handle: &Handle<Registry>,
        system: &SystemName,
        book: &PriceBook,
    ) -> Result<v1::PriceBookDifference, Status> {
        let (year, kind) = (book.financial_year, book.kind);
        let held =
            move |state: &State, _: &ReadAt| state.price_book(year, kind).map(|book| book.content.clone());
        let mut in_force = handle.read(None, held).await?;
        if in_force.is_none() && !system.is_national() {
            in_force = self.national().read(None, held).await?;
        }
        let read = |bytes: &[u8]| tariff::PriceBook::from_cbor(bytes).ok();
        let new = read(&book.content);
        let old = in_force.as_deref().and_then(read);
        Ok(new.map(|new| outward::difference(old.as_ref(), &new)).unwrap_or_default())
    }

    /// Puts what the national journal says of the organisations that a system's command names into the command.
    async fn resolve(&self, command: &mut Command) -> Result<(), Status> {
        let named = command.named_bodies();
        if named.is_empty() {
            return Ok(());
        }
        let known = self.national().read(None, move |state, at| Known {
            national_position: at.position,
            bodies: named.into_iter().filter_map(|ods| state.known(ods)).collect(),
        });
        command.set_known(known.await?);
        Ok(())
    }

    /// Opens the journals of a system that was just registered, so that the first to ask need not wait.
    pub(crate) async fn open_system(&self, system: &str, clock_start: Option<Instant>) -> Result<(), Status> {
        let Ok(name) = system.parse::<SystemName>() else { return Err(status::system_unknown()) };
        let facts = server::journals::SystemFacts { sandbox: clock_start };
        self.journals().create(&name, facts).await?;
        Ok(())
    }
}

/// What the command would be answered, without recording anything.
async fn validate(
    handle: &Handle<Registry>,
    request_id: RequestId,
    command: Command,
) -> Result<Done, Status> {
    let decided = handle.read(None, move |state, at| {
        let moment = Moment {
            position: at.position.map_or(Position::FIRST, Position::next),
            recorded_time: at.recorded_time,
            business_date: at.business_date,
            request_id,
            // Only approvals look at it, and those are not validated.
            caller: Position::FIRST,
        };
        Registry::decide(state, &moment, &command)
    });
    let events = decided.await?.map_err(|refusal: Refusal| status::refusal(&refusal))?;
    Ok(Done { recorded: None, changed_count: changed(&events), proposal: None, difference: None })
}

fn changed(events: &[Event]) -> u32 {
    events
        .iter()
        .map(|event| match event {
            Event::Registered { changed } | Event::Approved { changed, .. } => *changed,
            Event::Proposed { .. } | Event::Withdrawn => 0,
        })
        .sum()
}
