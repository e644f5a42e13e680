//! One writing call, from command to durable answer.

use crate::Adapter;
use journal::{Domain as _, Instant, Moment, Outcome, Position, RequestId, SystemName};
use proto::{common::v1::Recorded, registry::v1};
use registry::{Command, Content, Event, Known, Refusal, Registry};
use server::journals::{Handle, Request};
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
        if validate_only {
            return validate(&handle, request_id, command).await;
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
        let proposal =
            content.map(|content| outward::proposal(answer.position, answer.recorded_time, content));
        Ok(Done { recorded: Some(recorded), changed_count: changed(events), proposal })
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
    Ok(Done { recorded: None, changed_count: changed(&events), proposal: None })
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
