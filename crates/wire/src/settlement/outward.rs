//! Settlement's answers. Every domain value is taken apart field by field.

use crate::common;
use ::settlement::{
    BankEntry, BankMessage, Decision, DueKind, EntryOutcome, FallDue, FileKind, Instalment, InstalmentState,
    Payment, PaymentState, PinnedCheckpoint, Pins, Row, Run, RunFile, RunState, SiteLines, Waiver,
    WindowPart,
};
use proto::settlement::v1;
use reference::{Cut, Stage};

/// The most entries that a person must look at in one answer.
pub const DIFFERENCES_MAX: usize = 1_000;

const fn state(state: RunState) -> v1::settlement_run::State {
    use v1::settlement_run::State;
    match state {
        RunState::Prepared => State::Prepared,
        RunState::Approved => State::Approved,
        RunState::Witnessed => State::Witnessed,
        RunState::Paying => State::Paying,
        RunState::Paid => State::Paid,
        RunState::Closed => State::Closed,
        RunState::Cancelled => State::Cancelled,
        RunState::Superseded => State::Superseded,
    }
}

const fn payment_state(state: PaymentState) -> v1::payment::State {
    use v1::payment::State;
    match state {
        PaymentState::Planned => State::Planned,
        PaymentState::Instructed => State::Instructed,
        PaymentState::Accepted => State::Accepted,
        PaymentState::Settled => State::Settled,
        PaymentState::Rejected => State::Rejected,
        PaymentState::Returned => State::Returned,
        PaymentState::Withheld => State::Withheld,
    }
}

const fn file_kind(kind: FileKind) -> v1::FileKind {
    match kind {
        FileKind::Payments => v1::FileKind::Payments,
        FileKind::ControlledPayments => v1::FileKind::ControlledPayments,
        FileKind::AccountsPayable => v1::FileKind::AccountsPayable,
        FileKind::Journal => v1::FileKind::Journal,
    }
}

fn cut(cut: Cut) -> v1::Cut {
    let Cut { period, stage } = cut;
    let stage = match stage {
        Stage::Flex => v1::CutStage::Flex,
        Stage::Freeze => v1::CutStage::Freeze,
    };
    v1::Cut { period: period.to_string(), stage: stage.into() }
}

/// A file on the wire.
#[must_use]
pub fn file(file: &RunFile) -> v1::RunFile {
    let RunFile { kind, name, digest, items, pence } = file;
    v1::RunFile {
        kind: file_kind(*kind).into(),
        name: name.clone(),
        digest: common::digest(*digest),
        items_count: *items,
        pence: pence.get(),
    }
}

/// A run on the wire. `asks_open` is how many questions to the ledger are open for it.
#[must_use]
pub fn run(of: &Run, asks_open: usize) -> v1::SettlementRun {
    let Run {
        position,
        id,
        content,
        digest,
        state: at,
        prepared_time,
        preparer,
        approval,
        approved: _,
        approved_time: _,
        pins: _,
        witnessed: _,
        waiver: _,
        paying_time: _,
        paying_with: _,
        payments: _,
        files,
        updated_time,
    } = of;
    let totals = PaymentState::ALL.into_iter().map(|state| (state, of.sum_of(|other| other == state)));
    let totals = totals.filter(|(_, (count, _))| *count > 0).map(|(state, (count, pence))| {
        v1::PaymentTotal { state: payment_state(state).into(), count, pence: pence.get() }
    });
    v1::SettlementRun {
        run: id.to_string(),
        position: position.get(),
        state: state(*at).into(),
        digest: common::digest(*digest),
        cut: Some(cut(content.cut)),
        pay_date: Some(common::day(content.pay_on)),
        payments_count: content.totals.payments,
        pay_pence: content.totals.pay.get(),
        carried_count: content.totals.carried_rows,
        carried_pence: content.totals.carried.get(),
        totals: totals.collect(),
        files: files.iter().flatten().map(file).collect(),
        asks_open_count: u32::try_from(asks_open).unwrap_or(u32::MAX),
        prepare_time: Some(common::timestamp(*prepared_time)),
        update_time: Some(common::timestamp(*updated_time)),
        preparer: preparer.get(),
        approver: approval.as_ref().map(|approval| approval.approver().get()),
        witnesses: witnesses(of),
    }
}

/// What a run's approval pins, and who saw it.
fn witnesses(of: &Run) -> Option<v1::RunWitnesses> {
    let Pins { checkpoints, required, witnesses } = of.pins.as_ref()?;
    let pinned = |PinnedCheckpoint { origin, size, root }: &PinnedCheckpoint| v1::PinnedCheckpoint {
        origin: origin.clone(),
        size: *size,
        root: common::digest(*root),
    };
    let waiver = |Waiver { reason, proposal, approval }: &Waiver| v1::WitnessWaiver {
        reason: reason.clone(),
        proposer: proposal.proposer.get(),
        approver: approval.as_ref().map(|approval| approval.approver().get()),
    };
    Some(v1::RunWitnesses {
        required_count: u32::from(*required),
        keys: witnesses.clone(),
        cosigned_by: of.witnessed.as_ref().map(|witnessed| witnessed.by.clone()).unwrap_or_default(),
        cosigned_size: of.witnessed.as_ref().map_or(0, |witnessed| witnessed.size),
        pinned: checkpoints.iter().map(pinned).collect(),
        waiver: of.waiver.as_ref().map(waiver),
        waiting: of.awaits_witnesses(),
    })
}

/// The rows of a run on the wire.
#[must_use]
pub fn rows(of: &Run) -> Vec<v1::RunRow> {
    (0_u16..).zip(&of.content.rows).map(|(index, row)| run_row(of, index, row)).collect()
}

fn run_row(of: &Run, index: u16, row: &Row) -> v1::RunRow {
    let Row { line, payee, windows, net, sites, decision, warnings } = row;
    let carried = match decision {
        Decision::Pay { .. } => String::new(),
        Decision::Carry { reason } => reason.to_string(),
    };
    v1::RunRow {
        row: index.into(),
        line: line.to_string(),
        payer: line.payer.to_string(),
        payee: payee.to_string(),
        windows: windows.iter().map(window).collect(),
        net_pence: net.get(),
        sites: sites.iter().map(site).collect(),
        carried,
        warnings: warnings.iter().map(|warning| warning.as_str().to_owned()).collect(),
        payment: payment(of, index),
    }
}

fn window(part: &WindowPart) -> v1::WindowPart {
    let WindowPart { key, seq, total, part } = part;
    v1::WindowPart { window: key.to_string(), seq: *seq, total_pence: total.get(), part_pence: part.get() }
}

fn site(lines: &SiteLines) -> v1::SiteLines {
    let SiteLines { site, lines, pence } = lines;
    v1::SiteLines { site: site.to_string(), lines_count: *lines, pence: pence.get() }
}

/// The payment of a run's row on the wire; `None` when the row is carried forward.
#[must_use]
pub fn payment(of: &Run, index: u16) -> Option<v1::Payment> {
    let row = of.content.row(index)?;
    let Decision::Pay { end_to_end_id, channel, account: _ } = &row.decision else { return None };
    let run = of.id.to_bytes();
    let texts = row.texts();
    let told = of.payments.get(&index);
    Some(v1::Payment {
        run: of.id.to_string(),
        row: index.into(),
        end_to_end_id: end_to_end_id.clone(),
        line: row.line.to_string(),
        payer: row.line.payer.to_string(),
        payee: row.payee.to_string(),
        pence: row.paid().unwrap_or_default().get(),
        state: told.map_or(v1::payment::State::Unspecified, |payment| payment_state(payment.state)).into(),
        state_date: told.and_then(|Payment { on, .. }| on.map(common::day)),
        reason: told.and_then(|payment| payment.reason.clone()).unwrap_or_default(),
        remittance_reference: row.key(&run, &texts).remittance_reference().as_str().to_owned(),
        channel: channel.as_str().to_owned(),
    })
}

/// An instalment on the wire.
#[must_use]
pub fn instalment(instalment: &Instalment) -> v1::Instalment {
    let Instalment { due: FallDue { key, payer, payee, class: _, pence }, state } = instalment;
    let kind = match key.kind {
        DueKind::OnAccount => v1::DueKind::OnAccount,
        DueKind::Block => v1::DueKind::Block,
        DueKind::BlockEarned => v1::DueKind::BlockEarned,
    };
    let state = match state {
        InstalmentState::Asked => v1::instalment::State::Asked,
        InstalmentState::Posted => v1::instalment::State::Posted,
        InstalmentState::Refused => v1::instalment::State::Refused,
    };
    v1::Instalment {
        contract: key.contract.to_string(),
        kind: kind.into(),
        due_date: Some(common::day(key.day)),
        payer: payer.to_string(),
        payee: payee.to_string(),
        pence: pence.get(),
        state: state.into(),
    }
}

const fn entry_outcome(outcome: EntryOutcome) -> v1::BankEntryOutcome {
    match outcome {
        EntryOutcome::Settled => v1::BankEntryOutcome::Settled,
        EntryOutcome::Accepted => v1::BankEntryOutcome::Accepted,
        EntryOutcome::Rejected => v1::BankEntryOutcome::Rejected,
        EntryOutcome::Returned => v1::BankEntryOutcome::Returned,
        EntryOutcome::Repeated => v1::BankEntryOutcome::Repeated,
        EntryOutcome::WrongAmount => v1::BankEntryOutcome::WrongAmount,
        EntryOutcome::WrongAccount => v1::BankEntryOutcome::WrongAccount,
        EntryOutcome::OutOfOrder => v1::BankEntryOutcome::OutOfOrder,
        EntryOutcome::Unmatched => v1::BankEntryOutcome::Unmatched,
        EntryOutcome::NotBooked => v1::BankEntryOutcome::NotBooked,
    }
}

/// How many entries came to each outcome.
#[must_use]
pub fn entry_totals(message: &BankMessage, outcomes: &[EntryOutcome]) -> Vec<v1::BankEntryTotal> {
    let mut totals = Vec::new();
    for outcome in EntryOutcome::ALL {
        let of = || message.entries.iter().zip(outcomes).filter(move |(_, found)| **found == outcome);
        let count = u32::try_from(of().count()).unwrap_or(u32::MAX);
        let pence = of()
            .filter_map(|(entry, _)| entry.pence)
            .fold(0_i64, |sum, pence| sum.saturating_add(pence.get()));
        if count > 0 {
            totals.push(v1::BankEntryTotal { outcome: entry_outcome(outcome).into(), count, pence });
        }
    }
    totals
}

/// The entries that a person must look at.
#[must_use]
pub fn differences(message: &BankMessage, outcomes: &[EntryOutcome]) -> Vec<v1::BankEntryResult> {
    let all = (0_u32..).zip(message.entries.iter().zip(outcomes));
    let different = all.filter(|(_, (_, outcome))| outcome.is_difference());
    different
        .take(DIFFERENCES_MAX)
        .map(|(index, (entry, outcome))| {
            let BankEntry { payer, end_to_end_id, pence, direction: _, on: _, reason: _ } = entry;
            v1::BankEntryResult {
                index,
                outcome: entry_outcome(*outcome).into(),
                end_to_end_id: end_to_end_id.clone().unwrap_or_default(),
                pence: pence.map(money::Pence::get),
                payer: payer.map(|payer| payer.to_string()).unwrap_or_default(),
            }
        })
        .collect()
}
