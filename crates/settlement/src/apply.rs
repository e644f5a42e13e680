//! What events do to the state. Total: nothing here can fail or refuse.

use crate::{
    Ask, AskKind, BankMessage, Command, Decision, EntryOutcome, Event, FallDue, Instalment, InstalmentState,
    LedgerAnswer, Payment, PaymentState, PrepareRun, Run, RunState, RunStep, State, WaiveWitnesses, Waiver,
    Witnessed, bank, posting, run::PaymentStep, witness,
};
use access::Proposal;
use journal::{Digest, Item, Moment, RequestId};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
    match (command, event) {
        (Command::AdoptReference(adopt), Event::ReferenceAdopted) => {
            state.adopted = Some(adopt.adopted.clone());
            state.since.get_or_insert(at.business_date);
        }
        (Command::FallDue(due), Event::FellDue) => fell_due(state, at, due),
        (Command::SettleAsks(settle), Event::AsksSettled) => {
            for (item, answer) in &settle.answers {
                settle_ask(state, at, *item, answer);
            }
        }
        (Command::PrepareRun(prepare), Event::RunPrepared { supersedes }) => {
            for run in supersedes {
                step_run(state, at, *run, RunStep::Supersede);
            }
            prepared(state, at, prepare);
        }
        (Command::ApproveRun(approve), Event::RunApproved { approval }) => {
            step_run(state, at, approve.run, RunStep::Approve);
            if let Some(run) = state.runs.get_mut(&approve.run) {
                run.approval = Some(*approval);
                run.approved = Some(at.position);
                run.approved_time = Some(at.recorded_time);
                run.pins.clone_from(&approve.pins);
            }
        }
        (Command::WitnessRun(witness), Event::RunWitnessed { by, size }) => {
            step_run(state, at, witness.run, RunStep::Witness);
            if let Some(run) = state.runs.get_mut(&witness.run) {
                run.witnessed = Some(Witnessed { size: *size, by: by.clone() });
            }
        }
        (Command::WaiveWitnesses(waive), Event::WaiverProposed) => propose_waiver(state, at, waive),
        (Command::WaiveWitnesses(waive), Event::WitnessesWaived { approval }) => {
            step_run(state, at, waive.run, RunStep::Waive);
            if let Some(waiver) = state.runs.get_mut(&waive.run).and_then(|run| run.waiver.as_mut()) {
                waiver.approval = Some(*approval);
            }
        }
        (Command::PayRun(pay), Event::RunPaying) => paying(state, at, pay.run),
        (Command::RecordFiles(files), Event::FilesRecorded) => {
            step_run(state, at, files.run, RunStep::RecordFiles);
            if let Some(run) = state.runs.get_mut(&files.run) {
                run.files = Some(files.files.clone());
            }
            finish(state, at, files.run);
        }
        (Command::StepRun(step), Event::RunStepped) => step_run(state, at, step.run, step.step),
        (Command::RecordBankMessage(record), Event::BankMessageRecorded { outcomes }) => {
            bank_message(state, at, record.message.digest, &record.message, outcomes);
        }
        // The same message again changes nothing, and no other pair is ever decided.
        (_, _) => {}
    }
}

fn step_run(state: &mut State, at: &Moment, id: RequestId, step: RunStep) {
    if let Some(run) = state.runs.get_mut(&id)
        && let Ok(after) = run.state.transition(step)
    {
        run.state = after;
        run.updated_time = at.recorded_time;
    }
}

fn propose_waiver(state: &mut State, at: &Moment, waive: &WaiveWitnesses) {
    step_run(state, at, waive.run, RunStep::Waive);
    if let Some(run) = state.runs.get_mut(&waive.run) {
        let digest = witness::waiver_digest(run.digest, &waive.reason);
        let proposal = Proposal { digest, proposer: at.caller };
        run.waiver = Some(Waiver { reason: waive.reason.clone(), proposal, approval: None });
    }
}

fn fell_due(state: &mut State, at: &Moment, due: &FallDue) {
    let asked = posting::fell_due(at.request_id, due);
    let instalment_state = if asked.is_some() { InstalmentState::Asked } else { InstalmentState::Refused };
    state.instalments.insert(due.key, Instalment { due: due.clone(), state: instalment_state });
    if let Some(posting) = asked {
        let item = Item { position: at.position, index: 0 };
        state.asks.insert(item, Ask { kind: AskKind::Instalment(due.key), posting });
    }
}

fn prepared(state: &mut State, at: &Moment, prepare: &PrepareRun) {
    let id = prepare.content.run;
    state.order.push(id);
    state.runs.insert(
        id,
        Run {
            position: at.position,
            id,
            content: Arc::clone(&prepare.content),
            digest: prepare.terms.digest,
            state: RunState::Prepared,
            prepared_time: at.recorded_time,
            preparer: at.caller,
            approval: None,
            approved: None,
            approved_time: None,
            pins: None,
            witnessed: None,
            waiver: None,
            paying_time: None,
            paying_with: None,
            payments: BTreeMap::new(),
            files: None,
            updated_time: at.recorded_time,
        },
    );
}

fn paying(state: &mut State, at: &Moment, id: RequestId) {
    step_run(state, at, id, RunStep::Pay);
    let adopted = state.adopted.clone();
    let Some(run) = state.runs.get_mut(&id) else { return };
    run.paying_time = Some(at.recorded_time);
    run.paying_with = adopted;
    let content = Arc::clone(&run.content);
    for (index, row) in content.payments() {
        let Decision::Pay { end_to_end_id, .. } = &row.decision else { continue };
        let Some(posting) = posting::instruct(at.request_id, index, row, end_to_end_id, content.pay_on)
        else {
            continue;
        };
        run.payments.insert(index, Payment { state: PaymentState::Planned, on: None, reason: None });
        state.payments.insert(end_to_end_id.as_str().into(), (id, index));
        let item = Item { position: at.position, index };
        state.asks.insert(item, Ask { kind: AskKind::Instruct { run: id, row: index }, posting });
    }
}

fn settle_ask(state: &mut State, at: &Moment, item: Item, answer: &LedgerAnswer) {
    let Some(ask) = state.asks.remove(&item) else { return };
    match (ask.kind, answer) {
        (AskKind::Instalment(key), answer) => {
            let granted = matches!(answer, LedgerAnswer::Granted { .. });
            if let Some(instalment) = state.instalments.get_mut(&key) {
                instalment.state = if granted { InstalmentState::Posted } else { InstalmentState::Refused };
            }
        }
        (AskKind::Instruct { run, row }, LedgerAnswer::Granted { .. }) => {
            step_payment(state, at, run, row, PaymentStep::Grant, None);
            note_paid(state, run, row);
        }
        (AskKind::Instruct { run, row }, LedgerAnswer::Denied { reason }) => {
            step_payment(state, at, run, row, PaymentStep::Deny, Some(reason.as_str().to_owned()));
            finish(state, at, run);
        }
        (AskKind::Bank { run, .. }, LedgerAnswer::Granted { .. }) => finish(state, at, run),
        (AskKind::Bank { run, .. }, LedgerAnswer::Denied { .. }) => {
            state.refused.push(item);
            finish(state, at, run);
        }
    }
}

fn step_payment(
    state: &mut State,
    at: &Moment,
    run: RequestId,
    row: u16,
    step: PaymentStep,
    reason: Option<String>,
) {
    let Some(run) = state.runs.get_mut(&run) else { return };
    let Some(payment) = run.payments.get_mut(&row) else { return };
    if let Some(after) = payment.state.after(step) {
        *payment = Payment { state: after, on: Some(at.business_date), reason };
        run.updated_time = at.recorded_time;
    }
}

fn note_paid(state: &mut State, run: RequestId, row: u16) {
    let Some(row) = state.runs.get(&run).and_then(|run| run.content.row(row)) else { return };
    for window in &row.windows {
        let lines = state.paid.entry((row.line.payer, row.payee.clone(), window.key)).or_default();
        let paid = lines.entry(row.line).or_default();
        *paid = paid.checked_add(window.part).unwrap_or(*paid);
    }
}

fn bank_message(
    state: &mut State,
    at: &Moment,
    digest: Digest,
    message: &BankMessage,
    outcomes: &[EntryOutcome],
) {
    state.messages.insert(digest, at.position);
    let mut touched = Vec::new();
    for (index, (entry, outcome)) in (0_u16..).zip(message.entries.iter().zip(outcomes)) {
        let Some(step) = bank::step(*outcome) else { continue };
        let Some(id) = entry.end_to_end_id.as_deref() else { continue };
        let Some((run, row)) = state.payments.get(id).copied() else { continue };
        step_payment(state, at, run, row, step, entry.reason.clone());
        let on = entry.on.unwrap_or(at.business_date);
        if let Some(payment) = state.runs.get_mut(&run).and_then(|run| run.payments.get_mut(&row)) {
            payment.on = Some(on);
        }
        let asked = state.runs.get(&run).and_then(|run| run.content.row(row));
        let asked = asked.and_then(|row| posting::bank(at.request_id, index, row, *outcome, id, on));
        if let Some(posting) = asked {
            let item = Item { position: at.position, index };
            state.asks.insert(item, Ask { kind: AskKind::Bank { run, row }, posting });
        }
        touched.push(run);
    }
    touched.sort_unstable();
    touched.dedup();
    for run in touched {
        finish(state, at, run);
    }
}

/// A run is paid once its files are fixed, each of its payments has ended and the ledger has answered for all of them.
fn finish(state: &mut State, at: &Moment, id: RequestId) {
    if state.has_asks_of(id) {
        return;
    }
    let over =
        |run: &Run| run.files.is_some() && run.payments.values().all(|payment| payment.state.has_ended());
    if state.runs.get(&id).is_some_and(over) {
        step_run(state, at, id, RunStep::Finish);
    }
}
