//! Health budgets: plans and write-offs take two people; what the ledger is asked is asked again.

use crate::content::Content;
use crate::crossing::Answer;
use crate::replay::{Examiner, Notes, Seen};
use health_budgets::{Ask, Command, EntryKind, Event, HealthBudgets, HoldAction, LedgerAnswer, State};
use journal::Service;
use ledger::{WindowKey, WindowUse};

#[derive(Default)]
pub(crate) struct Asking {
    content: Content,
}

impl Examiner<HealthBudgets> for Asking {
    fn before(&mut self, seen: &Seen<'_, HealthBudgets>, state: &State, notes: &mut Notes) {
        match (seen.command, seen.events().first()) {
            (Command::ApprovePlan(approve), Some(Event::ApprovalRequested)) => {
                if let Some(plan) = state.plan(approve.plan) {
                    notes.two_people("a health budget's plan", plan.proposal.proposer, seen.at.caller);
                }
            }
            (Command::ApproveWriteOff(approve), Some(_)) => {
                let proposal = state.reclaim(approve.reclaim).and_then(|reclaim| reclaim.write_off);
                if let Some(proposal) = proposal {
                    notes.two_people("a write-off", proposal.proposer, seen.at.caller);
                }
            }
            (Command::SettleAsk(settle), Some(_)) => {
                if let Some(ask) = state.ask(settle.ask) {
                    let answer = match &settle.answer {
                        LedgerAnswer::Granted { position } => Answer::Granted(*position),
                        LedgerAnswer::Denied { position, .. } => Answer::Denied(*position),
                    };
                    notes.crossings.answered(ask.posting.request_id, answer);
                }
            }
            (_, _) => {}
        }
    }

    fn after(&mut self, seen: &Seen<'_, HealthBudgets>, state: &State, notes: &mut Notes) {
        if let Some(ask) = state.ask(seen.at.position) {
            let content = self.asked(ask);
            let (source, id) = (seen.at.position, ask.posting.request_id);
            notes.crossings.told(Service::HealthBudgets, source, id, content, Answer::Open);
        }
    }

    fn finish(&mut self, state: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        notes.tally("plans", state.plans().count() as u64);
        notes.tally("purchases", state.spends().count() as u64);
        notes.tally("reclaims", state.reclaims().count() as u64);
        Vec::new()
    }
}

impl Asking {
    fn asked(&mut self, ask: &Ask) -> journal::Fingerprint {
        let posting = &ask.posting;
        self.content.start(entry_kind(posting.kind), posting.effective_date);
        for leg in &posting.legs {
            let window = leg.due.map(|due| WindowUse::Adds(WindowKey::Instalment { due }));
            self.content.leg(&leg.account, leg.side, leg.pence, window);
        }
        for hold in &posting.holds {
            match hold {
                HoldAction::Place { account, pence, expires, name } => {
                    self.content.place(account, *pence, *expires, *name);
                }
                HoldAction::Capture { hold, pence } => self.content.capture(*hold, *pence),
                HoldAction::Release { hold } => self.content.release(*hold),
            }
        }
        self.content.finish(&posting.plan.to_string())
    }
}

const fn entry_kind(kind: EntryKind) -> ledger::EntryKind {
    match kind {
        EntryKind::PlanApproved => ledger::EntryKind::PlanApproved,
        EntryKind::PhbBooked => ledger::EntryKind::PhbBooked,
        EntryKind::PhbDelivered => ledger::EntryKind::PhbDelivered,
        EntryKind::PhbInstalment => ledger::EntryKind::PhbInstalment,
        EntryKind::PhbCare => ledger::EntryKind::PhbCare,
        EntryKind::PhbReturned => ledger::EntryKind::PhbReturned,
        EntryKind::Reclaim => ledger::EntryKind::Reclaim,
        EntryKind::ReclaimReceived => ledger::EntryKind::ReclaimReceived,
        EntryKind::WriteOff => ledger::EntryKind::WriteOff,
        EntryKind::HoldRelease => ledger::EntryKind::HoldRelease,
    }
}
