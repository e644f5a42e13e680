//! What decisions need.

use crate::{
    Adopted, Ask, AskKind, BudgetLine, Decision, DueKind, Instalment, InstalmentKey, InstalmentState, Payee,
    Payment, Row, Run, RunState, WindowKey, instalment,
};
use journal::{Day, Digest, Item, Position, RequestId};
use money::{NetPence, Pence};
use nhs::OdsCode;
use payments::reference::{message_id, payment_information_id};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state of one system's settlement. About 1 KiB for each payment and 200 bytes for each instalment.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) adopted: Option<Adopted>,
    /// The business date on which reference data was first adopted.
    pub(crate) since: Option<Day>,
    pub(crate) instalments: BTreeMap<InstalmentKey, Instalment>,
    pub(crate) runs: BTreeMap<RequestId, Run>,
    /// Runs in the order of their preparation.
    pub(crate) order: Vec<RequestId>,
    /// Payments that were told to leave, by end-to-end id.
    pub(crate) payments: BTreeMap<Arc<str>, (RequestId, u16)>,
    pub(crate) asks: BTreeMap<Item, Ask>,
    /// What the ledger has posted as paid of each window, by budget line.
    pub(crate) paid: BTreeMap<(OdsCode, Payee, WindowKey), BTreeMap<BudgetLine, NetPence>>,
    pub(crate) messages: BTreeMap<Digest, Position>,
    /// Postings of the bank's word that the ledger refused.
    pub(crate) refused: Vec<Item>,
}

impl State {
    /// The reference data in force.
    #[must_use]
    pub const fn adopted(&self) -> Option<&Adopted> {
        self.adopted.as_ref()
    }

    /// The run of that id.
    #[must_use]
    pub fn run(&self, id: RequestId) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// Runs in the order of their preparation, from the one of `index` on.
    pub fn runs_from(&self, index: usize) -> impl Iterator<Item = &Run> {
        self.order.iter().skip(index).filter_map(|id| self.runs.get(id))
    }

    /// What the ledger is still to answer, in order of their records.
    pub fn asks(&self) -> impl Iterator<Item = (Item, &Ask)> {
        self.asks.iter().map(|(item, ask)| (*item, ask))
    }

    /// What fell due, by contract, kind and day.
    pub fn instalments(&self) -> impl Iterator<Item = &Instalment> {
        self.instalments.values()
    }

    /// The payment of that end-to-end id, with its row.
    #[must_use]
    pub fn payment_named(&self, end_to_end_id: &str) -> Option<(&Row, &Payment)> {
        let (run, row) = self.payments.get(end_to_end_id)?;
        let run = self.runs.get(run)?;
        Some((run.content.row(*row)?, run.payments.get(row)?))
    }

    /// The end-to-end ids of each message and batch that the files of runs being paid hold, by their ids.
    #[must_use]
    pub fn instructed(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for run in self.runs.values().filter(|run| run.state == RunState::Paying) {
            let id = run.id.to_bytes();
            for (_, row) in run.content.payments() {
                let Decision::Pay { end_to_end_id, .. } = &row.decision else { continue };
                let part = crate::files::part(row);
                for name in [message_id(&id, &part), payment_information_id(&id, &part)] {
                    all.entry(name.as_str().to_owned()).or_default().push(end_to_end_id.clone());
                }
            }
        }
        all
    }

    /// Postings of a bank's word that the ledger refused: a person must look.
    #[must_use]
    pub fn refused(&self) -> &[Item] {
        &self.refused
    }

    /// The run whose payments the ledger has not all answered, if there is one.
    #[must_use]
    pub fn instructing(&self) -> Option<RequestId> {
        self.asks.values().find_map(|ask| match ask.kind {
            AskKind::Instruct { run, .. } => Some(run),
            AskKind::Instalment(_) | AskKind::Bank { .. } => None,
        })
    }

    /// How many questions to the ledger are open for `run`.
    #[must_use]
    pub fn asks_of(&self, run: RequestId) -> usize {
        let of_run = |ask: &&Ask| match ask.kind {
            AskKind::Instruct { run: of, .. } | AskKind::Bank { run: of, .. } => of == run,
            AskKind::Instalment(_) => false,
        };
        self.asks.values().filter(of_run).count()
    }

    /// Whether the ledger has still to answer something of `run`.
    #[must_use]
    pub fn has_asks_of(&self, run: RequestId) -> bool {
        self.asks_of(run) > 0
    }

    /// Whether the ledger has still to answer an instalment that falls due by `day`.
    #[must_use]
    pub fn has_instalments_asked(&self, day: Day) -> bool {
        self.instalments
            .values()
            .any(|instalment| instalment.state == InstalmentState::Asked && instalment.due.key.day <= day)
    }

    /// What the ledger has posted as paid of a window, over all lines.
    #[must_use]
    pub fn paid_of(&self, payer: OdsCode, payee: &Payee, key: WindowKey) -> NetPence {
        let lines = self.paid.get(&(payer, payee.clone(), key));
        let sum = crate::content::sum(lines.into_iter().flat_map(BTreeMap::values).copied());
        sum.to_net().unwrap_or_default()
    }

    /// The same on one line.
    #[must_use]
    pub fn paid_on(&self, line: BudgetLine, payee: &Payee, key: WindowKey) -> NetPence {
        let lines = self.paid.get(&(line.payer, payee.clone(), key));
        lines.and_then(|lines| lines.get(&line)).copied().unwrap_or_default()
    }

    /// What this journal made fall due from `payer` to `payee` on `day` and the ledger posted, with the line it stands on.
    #[must_use]
    pub fn due_on(&self, payer: OdsCode, payee: &Payee, day: Day) -> Option<(BudgetLine, Pence)> {
        let of = |instalment: &&Instalment| {
            let due = &instalment.due;
            instalment.state == InstalmentState::Posted
                && due.key.kind != DueKind::BlockEarned
                && (due.payer, &due.payee, due.key.day) == (payer, payee, day)
        };
        let mut found = self.instalments.values().filter(of);
        let first = found.next()?;
        let line = instalment::line(&first.due)?;
        let sum = found.fold(first.due.pence, |sum, next| sum.checked_add(next.due.pence).unwrap_or(sum));
        Some((line, sum))
    }

    /// Runs that wait for witnesses, in the order of their preparation.
    pub fn awaiting_witnesses(&self) -> impl Iterator<Item = &Run> {
        self.order.iter().filter_map(|id| self.runs.get(id)).filter(|run| run.awaits_witnesses())
    }

    /// Whether any run is prepared, approved or witnessed, hence superseded by the next preparation.
    pub(crate) fn supersedable(&self) -> impl Iterator<Item = RequestId> {
        let open =
            |run: &&Run| matches!(run.state, RunState::Prepared | RunState::Approved | RunState::Witnessed);
        self.order.iter().filter_map(|id| self.runs.get(id)).filter(open).map(|run| run.id)
    }
}
