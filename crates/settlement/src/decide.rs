//! The rules.

use crate::{
    AdoptReference, ApproveRun, Command, Decision, Event, PayRun, Payee, PrepareRun, RecordBankMessage,
    RecordFiles, Refusal, Run, RunContent, RunStep, SettleAsks, State, StepRun, WaiveWitnesses, WitnessRun,
    bank, content, instalment, witness,
};
use access::{Proposal, approve};
use journal::{Events, Moment, RequestId};
use money::{NetPence, Pence};
use nhs::OdsCode;
use reference::Reference;
use smallvec::smallvec;
use std::collections::BTreeMap;

/// The longest reason in bytes.
const REASON_BYTES_MAX: usize = 500;

pub(crate) fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
    let event = match command {
        Command::AdoptReference(adopt) => decide_adopt(state, adopt)?,
        Command::FallDue(due) => {
            let is_due = instalment::due(state, at.business_date).contains(due);
            if is_due { Event::FellDue } else { return Err(Refusal::NotDue) }
        }
        Command::SettleAsks(settle) => decide_settle(state, settle)?,
        Command::PrepareRun(prepare) => decide_prepare(state, at, prepare)?,
        Command::ApproveRun(approval) => decide_approve(state, at, approval)?,
        Command::PayRun(pay) => decide_pay(state, pay)?,
        Command::RecordFiles(files) => decide_files(state, files)?,
        Command::StepRun(step) => decide_step(state, step)?,
        Command::RecordBankMessage(message) => decide_message(state, message)?,
        Command::WitnessRun(witness) => decide_witness(state, witness)?,
        Command::WaiveWitnesses(waive) => decide_waive(state, at, waive)?,
    };
    Ok(smallvec![event])
}

fn decide_adopt(state: &State, adopt: &AdoptReference) -> Result<Event, Refusal> {
    match &state.adopted {
        Some(standing) if adopt.adopted.is_older_than(standing) => Err(Refusal::ReferenceOlder),
        Some(_) | None => Ok(Event::ReferenceAdopted),
    }
}

fn decide_settle(state: &State, settle: &SettleAsks) -> Result<Event, Refusal> {
    let open = settle.answers.iter().any(|(ask, _)| state.asks.contains_key(ask));
    if open { Ok(Event::AsksSettled) } else { Err(Refusal::AskUnknown) }
}

fn run_of(state: &State, id: RequestId, step: RunStep) -> Result<&Run, Refusal> {
    let run = state.runs.get(&id).ok_or(Refusal::RunUnknown)?;
    run.state.transition(step).map_err(Refusal::RunState)?;
    Ok(run)
}

fn decide_prepare(state: &State, at: &Moment, prepare: &PrepareRun) -> Result<Event, Refusal> {
    let adopted = state.adopted.as_ref().ok_or(Refusal::ReferenceMissing)?;
    let content = &*prepare.content;
    if content.reference != adopted.digest() {
        return Err(Refusal::ReferenceChanged);
    }
    if let Some(run) = state.instructing() {
        return Err(Refusal::RunInProgress { run });
    }
    if content.check().is_err() || content.run != at.request_id {
        return Err(Refusal::ContentInvalid);
    }
    check_unpaid(state, content)?;
    check_accounts(adopted.reference(), content)?;
    if content.totals.payments == 0 {
        return Err(Refusal::NothingToPay);
    }
    Ok(Event::RunPrepared { supersedes: state.supersedable().collect() })
}

/// No window is paid beyond its total by what is paid already and what this run would pay.
fn check_unpaid(state: &State, content: &RunContent) -> Result<(), Refusal> {
    let mut parts: BTreeMap<(OdsCode, &Payee, crate::WindowKey), (NetPence, Vec<NetPence>)> = BTreeMap::new();
    for (_, row) in content.payments() {
        for window in &row.windows {
            let entry = parts.entry((row.line.payer, &row.payee, window.key));
            entry.or_insert((window.total, Vec::new())).1.push(window.part);
        }
    }
    for ((payer, payee, key), (total, parts)) in parts {
        let paid = state.paid_of(payer, payee, key);
        let after = content::sum(parts.into_iter().chain([paid])).get();
        let total = i128::from(total.get());
        if !(total.min(0)..=total.max(0)).contains(&after) {
            return Err(Refusal::WindowPaid { payer, payee: payee.clone() });
        }
    }
    Ok(())
}

/// The bank details of every payee are those that the content names.
fn check_accounts(reference: &Reference, content: &RunContent) -> Result<(), Refusal> {
    for (_, row) in content.payments() {
        let Decision::Pay { account, .. } = &row.decision else { continue };
        let registered = row
            .payee
            .organisation()
            .and_then(|payee| reference.bank_details(payee, content.pay_on))
            .map(crate::prepare::account_digest);
        if registered != *account {
            return Err(Refusal::BankDetailsChanged { payee: row.payee.clone() });
        }
    }
    Ok(())
}

fn decide_approve(state: &State, at: &Moment, approval: &ApproveRun) -> Result<Event, Refusal> {
    let run = run_of(state, approval.run, RunStep::Approve)?;
    let proposal = Proposal { digest: run.digest, proposer: run.preparer };
    let approval = approve(&proposal, at.caller, approval.digest).map_err(Refusal::Approval)?;
    Ok(Event::RunApproved { approval })
}

fn decide_pay(state: &State, pay: &PayRun) -> Result<Event, Refusal> {
    let run = run_of(state, pay.run, RunStep::Pay)?;
    let approved = run.approval.as_ref().map(|approval| approval.proposal().digest);
    if approved != Some(pay.digest) {
        return Err(Refusal::Approval(access::ApprovalRefusal::DigestMismatch));
    }
    if run.awaits_witnesses() {
        return Err(Refusal::NotWitnessed { required: run.required_witnesses() });
    }
    let adopted = state.adopted.as_ref().ok_or(Refusal::ReferenceMissing)?;
    check_unpaid(state, &run.content)?;
    check_accounts(adopted.reference(), &run.content)?;
    Ok(Event::RunPaying)
}

fn decide_files(state: &State, files: &RecordFiles) -> Result<Event, Refusal> {
    let run = run_of(state, files.run, RunStep::RecordFiles)?;
    if state.instructing() == Some(run.id) {
        return Err(Refusal::AsksOpen);
    }
    if let Some(recorded) = &run.files {
        let same = *recorded == files.files;
        return if same { Ok(Event::FilesRecorded) } else { Err(Refusal::FileDiffers) };
    }
    let instructing = files.files.iter().filter(|file| file.kind.instructs());
    let (count, sum) = instructing.fold((0_u32, Some(Pence::ZERO)), |(count, sum), file| {
        (count.saturating_add(file.items), sum.and_then(|sum| sum.checked_add(file.pence).ok()))
    });
    if (count, sum) == by_bank(run) { Ok(Event::FilesRecorded) } else { Err(Refusal::FilesDoNotAddUp) }
}

/// The payments that leave by a bank file: how many, and their sum.
fn by_bank(run: &Run) -> (u32, Option<Pence>) {
    let banked = |(_, row): &(u16, &crate::Row)| {
        matches!(row.decision, Decision::Pay { channel: reference::Channel::Bank, .. })
    };
    let instructed = |(index, _): &(u16, &crate::Row)| {
        run.payments.get(index).is_some_and(|payment| payment.state.was_instructed())
    };
    let rows = run.content.payments().filter(banked).filter(instructed);
    rows.fold((0, Some(Pence::ZERO)), |(count, sum), (_, row)| {
        let sum = sum.zip(row.paid()).and_then(|(sum, pence)| sum.checked_add(pence).ok());
        (count.saturating_add(1), sum)
    })
}

fn decide_witness(state: &State, witness: &WitnessRun) -> Result<Event, Refusal> {
    let run = run_of(state, witness.run, RunStep::Witness)?;
    let pins = run.pins.clone().unwrap_or_default();
    let approved = run.approved.unwrap_or_default();
    let witness::Witnessed { size, by } = witness::witnessed(&pins, approved, &witness.note)?;
    Ok(Event::RunWitnessed { by, size })
}

fn decide_waive(state: &State, at: &Moment, waive: &WaiveWitnesses) -> Result<Event, Refusal> {
    let run = run_of(state, waive.run, RunStep::Waive)?;
    if !is_plain(&waive.reason) || waive.reason.trim().is_empty() {
        return Err(Refusal::ReasonInvalid);
    }
    Ok(match witness::waived(run, at.caller, waive)? {
        None => Event::WaiverProposed,
        Some(approval) => Event::WitnessesWaived { approval },
    })
}

fn is_plain(reason: &str) -> bool {
    reason.bytes().all(|b| (b' '..=b'~').contains(&b)) && reason.len() <= REASON_BYTES_MAX
}

fn decide_step(state: &State, step: &StepRun) -> Result<Event, Refusal> {
    run_of(state, step.run, step.step)?;
    let plain = is_plain(&step.reason);
    let given = !step.reason.trim().is_empty();
    match step.step {
        RunStep::Cancel if plain && given => Ok(Event::RunStepped),
        RunStep::Resume | RunStep::Close if step.reason.is_empty() => Ok(Event::RunStepped),
        RunStep::Cancel
        | RunStep::Resume
        | RunStep::Close
        | RunStep::Approve
        | RunStep::Pay
        | RunStep::RecordFiles
        | RunStep::Finish
        | RunStep::Supersede
        | RunStep::Witness
        | RunStep::Waive => Err(Refusal::ReasonInvalid),
    }
}

fn decide_message(state: &State, record: &RecordBankMessage) -> Result<Event, Refusal> {
    if let Some(first) = state.messages.get(&record.message.digest) {
        return Ok(Event::BankMessageKnown { first: *first });
    }
    if record.message.entries.len() > bank::ENTRIES_MAX {
        return Err(Refusal::MessageTooLarge);
    }
    if state.adopted.is_none() {
        return Err(Refusal::ReferenceMissing);
    }
    Ok(Event::BankMessageRecorded { outcomes: bank::outcomes(state, &record.message) })
}
