//! One writing call, from command to durable answer.

use crate::{Adapter, decision};
use access::Caller;
use health_budgets::{Command, Event, HealthBudgets, Plan, PlanNumber, PotTerms, Refusal, ReviewRule, State};
use journal::{Day, Outcome, Position};
use nhs::OdsCode;
use proto::{common::v1::Recorded, health_budgets::v1};
use server::journals::{Handle, Request};
use std::{sync::Arc, time::Duration};
use tonic::Status;
use wire::{
    Fields, common,
    health_budgets::{Asked, OpenedFor, Opening},
    status,
};

/// What a write answers with.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) handle: Handle<HealthBudgets>,
    pub(crate) position: Position,
    pub(crate) recorded: Option<Recorded>,
    pub(crate) event: Event,
    patience: Duration,
}

impl Done {
    /// What the ledger said.
    pub(crate) async fn decision(&self) -> Result<Option<v1::LedgerDecision>, Status> {
        decision::decision(&self.handle, self.position, self.patience).await.map(Some)
    }
}

/// Whose plan a command is about.
#[derive(Debug, Clone, Copy)]
enum About {
    Plan(PlanNumber),
    Spend(Position),
    Reclaim(Position),
}

impl About {
    /// What a caller is told who may not know of it: the same as when it does not exist.
    const fn unknown(self) -> Refusal {
        match self {
            Self::Plan(_) => Refusal::PlanUnknown,
            Self::Spend(_) => Refusal::SpendUnknown,
            Self::Reclaim(_) => Refusal::ReclaimUnknown,
        }
    }

    fn plan(self, state: &State) -> Option<&Plan> {
        state.plan(match self {
            Self::Plan(number) => number,
            Self::Spend(record) => state.spend(record)?.plan,
            Self::Reclaim(record) => state.reclaim(record)?.plan,
        })
    }
}

fn about(command: &Command) -> Option<About> {
    Some(match command {
        Command::OpenPlan(_) | Command::FallDue(_) | Command::SettleAsk(_) => return None,
        Command::ApprovePlan(fields) => About::Plan(fields.plan),
        Command::RecordSpend(fields) => About::Plan(fields.plan),
        Command::BookService(fields) => About::Plan(fields.plan),
        Command::RecordCarePeriod(fields) => About::Plan(fields.plan),
        Command::SuspendPlan(fields) => About::Plan(fields.plan),
        Command::ResumePlan(fields) => About::Plan(fields.plan),
        Command::RecordDeath(fields) => About::Plan(fields.plan),
        Command::DecideReclaim(fields) => About::Plan(fields.plan),
        Command::RecordReturn(fields) => About::Plan(fields.plan),
        Command::RecordReview(fields) => About::Plan(fields.plan),
        Command::ClosePlan(fields) => About::Plan(fields.plan),
        Command::RecordDelivery(fields) => About::Spend(fields.booking),
        Command::CancelBooking(fields) => About::Spend(fields.booking),
        Command::RecordReceipt(fields) => About::Reclaim(fields.reclaim),
        Command::ProposeWriteOff(fields) => About::Reclaim(fields.reclaim),
        Command::ApproveWriteOff(fields) => About::Reclaim(fields.reclaim),
    })
}

impl Adapter {
    /// Records and answers one command about a plan that the caller may touch.
    pub(crate) async fn write(&self, caller: &Caller, asked: Asked) -> Result<Done, Status> {
        let handle = self.journal(&asked.system).await?;
        if let Some(about) = about(&asked.command) {
            let payer =
                handle.read(None, move |state: &State, _| about.plan(state).map(|plan| plan.ccg)).await?;
            // What does not exist is for the journal to refuse, what is another's looks as if it did not exist.
            if payer.is_some_and(|payer| !caller.acts_for(payer)) {
                return Err(status::refusal(&about.unknown()));
            }
        }
        self.suppliers_are_open(&asked.command).await?;
        self.submit(handle, caller, asked).await
    }

    /// Opens a plan for a person, whose number becomes a pseudonym before anything else.
    pub(crate) async fn open(&self, caller: &Caller, opening: Opening) -> Result<Done, Status> {
        if !caller.acts_for(opening.ccg()) {
            return Err(status::not_yours());
        }
        let (system, request_id) = (opening.system.clone(), opening.request_id);
        let handle = self.journal(&system).await?;
        let pseudonym = match opening.person {
            OpenedFor::Pseudonym(pseudonym) => pseudonym,
            OpenedFor::Number(number) => self.neighbours().pseudonym(&system, number).await?,
        };
        let command = opening.command(pseudonym, ReviewRule::DEFAULT);
        self.suppliers_are_open(&command).await?;
        self.submit(handle, caller, Asked { system, request_id, command }).await
    }

    /// Whether whoever would be paid is registered and open on the day: asked before the command is made, since a code that
    /// nobody issued is a slip of the caller's, not a decision.
    async fn suppliers_are_open(&self, command: &Command) -> Result<(), Status> {
        let mut fields = Fields::new();
        for (field, organisation, day) in paid(command) {
            match self.neighbours().is_open(organisation, day).await? {
                Some(true) => {}
                Some(false) => fields.refuse(&field, "ORGANISATION_NOT_OPEN", "it is not open on that day"),
                None => fields.refuse(
                    &field,
                    "ORGANISATION_NOT_OPEN",
                    "no organisation is registered under this code",
                ),
            }
        }
        Ok(fields.finish()?)
    }
}

/// Whom a command would have us pay, or pay for, and on which day.
fn paid(command: &Command) -> Vec<(String, OdsCode, Day)> {
    let one = |field: &str, organisation, day| vec![(field.to_owned(), organisation, day)];
    match command {
        Command::OpenPlan(open) => {
            let mut found = one("ccg", open.ccg, open.starts);
            for (index, pot) in open.pots.iter().enumerate() {
                if let PotTerms::ThirdParty { holder, .. } = pot {
                    found.push((format!("pots[{index}].holder"), *holder, open.starts));
                }
            }
            found
        }
        Command::RecordSpend(spend) => {
            spend.supplier.map(|supplier| one("supplier", supplier, spend.date)).unwrap_or_default()
        }
        Command::BookService(book) => one("supplier", book.supplier, book.date),
        Command::ApprovePlan(_)
        | Command::RecordDelivery(_)
        | Command::CancelBooking(_)
        | Command::FallDue(_)
        | Command::RecordCarePeriod(_)
        | Command::SuspendPlan(_)
        | Command::ResumePlan(_)
        | Command::RecordDeath(_)
        | Command::DecideReclaim(_)
        | Command::RecordReceipt(_)
        | Command::RecordReturn(_)
        | Command::RecordReview(_)
        | Command::ProposeWriteOff(_)
        | Command::ApproveWriteOff(_)
        | Command::ClosePlan(_)
        | Command::SettleAsk(_) => Vec::new(),
    }
}

impl Adapter {
    /// Records one command.
    async fn submit(
        &self,
        handle: Handle<HealthBudgets>,
        caller: &Caller,
        asked: Asked,
    ) -> Result<Done, Status> {
        let Asked { system: _, request_id, command } = asked;
        let request = Request::<HealthBudgets> {
            request_id,
            fingerprint: command.fingerprint(),
            caller: Arc::clone(caller.urn()),
            cause: None,
            command,
        };
        let answer = handle.submit(request).await?;
        let event = match &answer.outcome {
            Outcome::Accepted(events) => events.first().copied().ok_or_else(status::damaged)?,
            Outcome::Refused(refusal) => return Err(status::refusal(refusal)),
        };
        let recorded = common::recorded(
            answer.position,
            answer.leaf,
            answer.recorded_time,
            answer.business_date,
            answer.replayed,
        );
        Ok(Done {
            handle,
            position: answer.position,
            recorded: Some(recorded),
            event,
            patience: self.patience,
        })
    }
}
