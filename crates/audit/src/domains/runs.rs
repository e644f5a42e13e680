//! Settlement: runs take two people; what the ledger is asked is asked again.

use crate::content::Content;
use crate::crossing::Answer;
use crate::domains::referred::window_key;
use crate::replay::{Examiner, Notes, Seen};
use journal::{Item, RequestId, Service};
use settlement::{Command, EntryKind, Event, LedgerAnswer, Posting, Settlement, State, WindowKey, WindowUse};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Asking {
    content: Content,
    asked: BTreeMap<Item, RequestId>,
    messages: u64,
}

impl Examiner<Settlement> for Asking {
    fn before(&mut self, seen: &Seen<'_, Settlement>, _: &State, notes: &mut Notes) {
        for event in seen.events() {
            match (seen.command, event) {
                (_, Event::RunApproved { approval }) => {
                    notes.two_people("a settlement run", approval.proposal().proposer, seen.at.caller);
                }
                (Command::SettleAsks(settle), Event::AsksSettled) => {
                    for (item, answer) in &settle.answers {
                        let answer = match answer {
                            LedgerAnswer::Granted { position } => Answer::Granted(*position),
                            LedgerAnswer::Denied { .. } => Answer::Denied(None),
                        };
                        if let Some(id) = self.asked.remove(item) {
                            notes.crossings.answered(id, answer);
                        }
                    }
                }
                (_, Event::BankMessageRecorded { .. }) => self.messages = self.messages.saturating_add(1),
                (_, _) => {}
            }
        }
    }

    fn after(&mut self, seen: &Seen<'_, Settlement>, state: &State, notes: &mut Notes) {
        let asks = matches!(
            seen.command,
            Command::FallDue(_) | Command::PayRun(_) | Command::StepRun(_) | Command::RecordBankMessage(_)
        );
        if !asks || seen.events().is_empty() {
            return;
        }
        let source = seen.at.position;
        for (item, ask) in state.asks().filter(|(item, _)| item.position == source) {
            let content = self.posting(&ask.posting);
            let id = ask.posting.request_id;
            self.asked.insert(item, id);
            notes.crossings.told(Service::Settlement, source, id, content, Answer::Open);
        }
    }

    fn finish(&mut self, state: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        let runs: Vec<_> = state.runs_from(0).collect();
        notes.tally("runs", runs.len() as u64);
        notes.tally("payments", runs.iter().map(|run| run.payments.len() as u64).sum());
        notes.tally("bank messages", self.messages);
        Vec::new()
    }
}

impl Asking {
    fn posting(&mut self, posting: &Posting) -> journal::Fingerprint {
        self.content.start(entry_kind(posting.kind), posting.effective_date);
        for leg in &posting.legs {
            let window = leg.window.map(|window| match window {
                WindowUse::Adds(key) => ledger::WindowUse::Adds(key_of(key)),
                WindowUse::Pays(key) => ledger::WindowUse::Pays(key_of(key)),
            });
            self.content.leg(&leg.account, leg.side, leg.pence, window);
        }
        self.content.finish(&posting.reference)
    }
}

const fn key_of(key: WindowKey) -> ledger::WindowKey {
    match key {
        WindowKey::Cut(cut) => window_key(cut),
        WindowKey::Instalment(due) => ledger::WindowKey::Instalment { due },
        WindowKey::Run(number) => ledger::WindowKey::Run { number },
    }
}

const fn entry_kind(kind: EntryKind) -> ledger::EntryKind {
    match kind {
        EntryKind::OnAccount => ledger::EntryKind::OnAccount,
        EntryKind::Recognition => ledger::EntryKind::Recognition,
        EntryKind::PaymentInstructed => ledger::EntryKind::PaymentInstructed,
        EntryKind::PaymentConfirmed => ledger::EntryKind::PaymentConfirmed,
        EntryKind::PaymentRejected => ledger::EntryKind::PaymentRejected,
        EntryKind::PaymentReturned => ledger::EntryKind::PaymentReturned,
    }
}
