//! Settlement: runs take two people; what the ledger is asked is asked again.

use crate::RecordProblem;
use crate::content::Content;
use crate::crossing::Answer;
use crate::domains::referred::window_key;
use crate::replay::{Examiner, Notes, Seen};
use journal::{Item, Position, RequestId, Service, WitnessVerifier, checkpoint_of, cosigners};
use settlement::{
    Command, EntryKind, Event, LedgerAnswer, Pins, Posting, Settlement, State, WindowKey, WindowUse,
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Asking {
    content: Content,
    asked: BTreeMap<Item, RequestId>,
    messages: u64,
    gates: BTreeMap<RequestId, Gate>,
}

/// What stands between a run's approval and its payment, as the records alone give it.
#[derive(Default)]
struct Gate {
    approved: Position,
    pins: Pins,
    cosigned: bool,
    waived: bool,
}

impl Examiner<Settlement> for Asking {
    fn before(&mut self, seen: &Seen<'_, Settlement>, _: &State, notes: &mut Notes) {
        for event in seen.events() {
            match (seen.command, event) {
                (command, Event::RunApproved { approval }) => {
                    notes.two_people("a settlement run", approval.proposal().proposer, seen.at.caller);
                    if let Command::ApproveRun(approve) = command {
                        let (approved, pins) = (seen.at.position, approve.pins.clone().unwrap_or_default());
                        let gate = Gate { approved, pins, ..Gate::default() };
                        self.gates.insert(approve.run, gate);
                    }
                }
                (Command::WitnessRun(witness), Event::RunWitnessed { .. }) => {
                    let gate = self.gates.entry(witness.run).or_default();
                    match gate.enough(&witness.note) {
                        Ok(()) => gate.cosigned = true,
                        Err(text) => notes.problem(RecordProblem::Witnesses(text)),
                    }
                }
                (Command::WaiveWitnesses(waive), Event::WitnessesWaived { approval }) => {
                    let proposer = approval.proposal().proposer;
                    notes.waived(waive.run, &waive.reason, proposer, seen.at.caller);
                    self.gates.entry(waive.run).or_default().waived = true;
                }
                (Command::PayRun(pay), Event::RunPaying) => {
                    if let Some(text) = self.gates.get(&pay.run).and_then(Gate::shut) {
                        notes.problem(RecordProblem::Witnesses(text));
                    }
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
        let count = |of: fn(&Gate) -> bool| self.gates.values().filter(|gate| of(gate)).count() as u64;
        notes.tally("approvals that witnesses saw", count(|gate| gate.cosigned));
        notes.tally("approvals that pin no checkpoint", count(|gate| gate.pins.checkpoints.is_empty()));
        Vec::new()
    }
}

impl Gate {
    /// Whether `note` is a checkpoint that holds the approval, cosigned by enough of the witnesses that count. That it is of
    /// this journal, and on its tree's path, is seen when the tree is read.
    fn enough(&self, note: &str) -> Result<(), String> {
        let size = checkpoint_of(note).map_err(|error| format!("what the witnesses saw: {error}"))?.1.size;
        if size <= self.approved.get() {
            return Err(format!(
                "the witnesses saw {size} records, and the approval is record {}",
                self.approved
            ));
        }
        let keys: Vec<WitnessVerifier> =
            self.pins.witnesses.iter().filter_map(|key| key.parse().ok()).collect();
        let (found, required) = (cosigners(note, &keys).len(), usize::from(self.pins.required));
        if found < required {
            return Err(format!("{found} witnesses cosigned the approval, and it demands {required}"));
        }
        Ok(())
    }

    /// Why the run may not be paid.
    fn shut(&self) -> Option<String> {
        let open = self.pins.required == 0 || self.cosigned || self.waived;
        (!open).then(|| {
            format!(
                "it pays a run whose approval, record {}, demands {} witnesses: none are recorded, and nobody waived them",
                self.approved, self.pins.required
            )
        })
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
