//! Remittance advice: what one payment pays, by site.

use crate::{Adapter, lines::PaidLine, read::may_see};
use access::Caller;
use journal::{Day, Digest, SystemName};
use money::{NetPence, Pence};
use nhs::OdsCode;
use payments::{
    WriteError,
    reference::Reference as Name,
    remittance::{
        Adjustment, AdjustmentKind, Advice, AdviceParts, Line, LineReference, Service, SiteSection,
        WindowPaid,
    },
};
use proto::settlement::v1;
use reference::Reference;
use settlement::{Decision, DueKind, Payee, PaymentState, Programme, Row, Run, State, WindowKey, WindowPart};
use std::collections::BTreeMap;
use tonic::Status;
use wire::{
    Pushback, common,
    settlement::{
        Unable,
        inward::{self, AdviceFormat},
    },
    status,
};

/// A payment with what its advice needs to know.
struct Paid {
    run: Run,
    index: u16,
    row: Row,
    /// Whether a payment to the same payee came back before.
    came_back: bool,
    /// What was paid for on each instalment's due date, where this journal made it fall due.
    due: BTreeMap<Day, Service>,
}

impl Adapter {
    pub(crate) async fn remittance(
        &self,
        caller: &Caller,
        message: v1::GetRemittanceRequest,
    ) -> Result<v1::GetRemittanceResponse, Status> {
        let (system, id, format) = inward::get_remittance(message)?;
        let handle = self.journal(&system).await?;
        let asked = id.clone();
        let found = handle.read(None, move |state, _| paid(state, &asked)).await?;
        // Who may not see a payment is not told whether there is one.
        may_see(caller, found.as_ref().map(|paid| &paid.row.payee))?;
        let paid = found.ok_or_else(|| status::refusal(&Unable::PaymentUnknown))?;
        let Some(payee) = paid.row.payee.organisation() else {
            return Err(status::refusal(&Unable::AdviceNotForPeople));
        };
        let adopted = paid.run.paying_with.clone().ok_or_else(|| Status::from(Pushback::Stopped))?;
        let marking = settlement::files::marking(adopted.reference());
        let lines = self.lines_paid(&system, &paid.row, payee).await?;
        let parts = parts(&paid, payee, lines, adopted.reference());
        let parts = parts.ok_or_else(|| status::refusal(&Unable::PaymentUnknown))?;
        let advice = Advice::new(parts).map_err(|error| does_not_add_up(&error))?;
        let (file, extension) = match format {
            AdviceFormat::Text => (advice.text(), "txt"),
            AdviceFormat::Csv => (advice.csv(), "csv"),
        };
        Ok(v1::GetRemittanceResponse {
            name: format!("{}-{payee}-{id}{marking}.{extension}", paid.row.line.payer),
            digest: common::digest(Digest(*file.sha256().as_bytes())),
            content: file.into_bytes(),
        })
    }

    /// The lines of the cuts that a row pays.
    async fn lines_paid(
        &self,
        system: &SystemName,
        row: &Row,
        payee: OdsCode,
    ) -> Result<BTreeMap<WindowKey, Vec<PaidLine>>, Status> {
        let mut lines = BTreeMap::new();
        for window in &row.windows {
            if let WindowKey::Cut(cut) = window.key {
                let of_cut = self.lines_of(system, cut).await?;
                let ours = of_cut.get(&(row.line.payer, payee)).cloned();
                lines.insert(window.key, ours.unwrap_or_default());
            }
        }
        Ok(lines)
    }
}

fn does_not_add_up(error: &WriteError) -> Status {
    tracing::error!(reason = error.reason(), "a remittance advice cannot be made");
    status::refusal(&Unable::AdviceDoesNotAddUp { detail: error.to_string() })
}

fn paid(state: &State, end_to_end_id: &str) -> Option<Paid> {
    let named = |run: &&Run| {
        run.content.payments().any(|(_, row)| {
            matches!(&row.decision, Decision::Pay { end_to_end_id: id, .. } if id == end_to_end_id)
        })
    };
    let run = state.runs_from(0).filter(|run| run.paying_time.is_some()).find(named)?;
    let (index, row) = run.content.payments().find(
        |(_, row)| matches!(&row.decision, Decision::Pay { end_to_end_id: id, .. } if id == end_to_end_id),
    )?;
    let came_back = state.runs_from(0).take_while(|other| other.id != run.id).any(|other| {
        other.payments.iter().any(|(index, payment)| {
            matches!(payment.state, PaymentState::Rejected | PaymentState::Returned)
                && other
                    .content
                    .row(*index)
                    .is_some_and(|other| other.payee == row.payee && other.line == row.line)
        })
    });
    let ours = state
        .instalments()
        .filter(|instalment| instalment.due.payer == row.line.payer && instalment.due.payee == row.payee);
    let due = ours.filter_map(|instalment| match instalment.due.key.kind {
        DueKind::OnAccount => Some((instalment.due.key.day, Service::OnAccount)),
        DueKind::Block => Some((instalment.due.key.day, Service::Block)),
        DueKind::BlockEarned => None,
    });
    Some(Paid { run: run.clone(), index, row: row.clone(), came_back, due: due.collect() })
}

fn parts(
    paid: &Paid,
    payee: OdsCode,
    mut lines: BTreeMap<WindowKey, Vec<PaidLine>>,
    reference: &Reference,
) -> Option<AdviceParts> {
    let Paid { run, row, .. } = paid;
    let id = run.id.to_bytes();
    let texts = row.texts();
    let key = row.key(&id, &texts);
    let name =
        |ods: OdsCode| reference.organisation(ods).map_or_else(|| ods.to_string(), |row| row.name.clone());
    let mut sites: BTreeMap<OdsCode, Vec<Line>> = BTreeMap::new();
    let mut adjustments = Vec::new();
    for window in row.windows.iter().filter(|window| !window.part.is_zero()) {
        match window.key {
            WindowKey::Cut(_) => {
                let of_cut = lines.remove(&window.key).unwrap_or_default();
                adjustments.extend(rest_of(paid, window, &of_cut));
                for line in of_cut {
                    sites.entry(line.site).or_default().push(paid_line(&line));
                }
            }
            WindowKey::Instalment(due) => {
                let health_budget = row.line.programme == Programme::Phb;
                let other = if health_budget { Service::PersonalHealthBudget } else { Service::OnAccount };
                let service = paid.due.get(&due).copied().unwrap_or(other);
                let reference = record(paid);
                let line = Line { date: due.date(), reference, service, amount: window.part };
                sites.entry(payee).or_default().push(line);
            }
            WindowKey::Run(_) => {
                let kind =
                    if paid.came_back { AdjustmentKind::Returned } else { AdjustmentKind::FlexToFreeze };
                adjustments.push(adjustment(paid, kind, window.part));
            }
        }
    }
    let day = run.content.pay_on;
    let site_name =
        |site: OdsCode| reference.site(site, day).map_or_else(|| name(site), |row| row.name.clone());
    let sections = sites.into_iter().map(|(site, mut lines)| {
        lines.sort_by_key(|line| (line.date, line.reference));
        SiteSection { site, name: site_name(site), lines }
    });
    Some(AdviceParts {
        payer: row.line.payer,
        payer_name: name(row.line.payer),
        payee: payee_name(&row.payee)?,
        payee_name: name(payee),
        run: payments::reference::message_id(&id, row.line.payer.as_str()),
        end_to_end_id: key.end_to_end_id(),
        payment_reference: key.remittance_reference(),
        payment_date: day.date(),
        instructed: row.paid().unwrap_or(Pence::ZERO),
        sites: sections.collect(),
        adjustments,
        windows: row.windows.iter().filter_map(window_paid).collect(),
    })
}

fn payee_name(payee: &Payee) -> Option<Name> {
    payee.to_string().parse().ok()
}

fn paid_line(line: &PaidLine) -> Line {
    Line {
        date: line.date.date(),
        reference: LineReference::Cds(line.cds),
        service: line.service,
        amount: line.pence,
    }
}

/// What a cut's window has beside the lines that are listed: withdrawals and corrections before it was sealed.
fn rest_of(paid: &Paid, window: &WindowPart, lines: &[PaidLine]) -> Option<Adjustment> {
    let listed = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.pence.get()));
    let rest = NetPence::new(window.part.get().saturating_sub(listed));
    (!rest.is_zero()).then(|| adjustment(paid, AdjustmentKind::PriceCorrection, rest))
}

fn record(paid: &Paid) -> LineReference {
    LineReference::Record { position: paid.run.position.get(), index: paid.index.into() }
}

fn adjustment(paid: &Paid, kind: AdjustmentKind, amount: NetPence) -> Adjustment {
    Adjustment { date: paid.run.content.pay_on.date(), kind, reference: record(paid), amount }
}

fn window_paid(window: &WindowPart) -> Option<WindowPaid> {
    (!window.part.is_zero()).then(|| WindowPaid {
        key: window.key.to_string(),
        seq_from: 1,
        seq_to: window.seq.into(),
        // Of a window that spans budget lines, the part on this one.
        total_after: window.part,
    })
}
