//! What the ledger is asked to post, by path and in pence: the health-budget rows of the chart's table of events.
//!
//! | event | debit | credit | hold |
//! | --- | --- | --- | --- |
//! | plan approved | fund/unassigned/allocation | plan/allocation | place per cash pot, for its instalments |
//! | notional: booked, delivered | plan/expenditure/phb-notional | owed/payable/supplier | place, capture |
//! | third party: instalment / care / returned | advance / expenditure / out/bank | payable/holder / advance / advance | capture |
//! | direct payment: instalment / care | prepayment / expenditure | payable/plan / prepayment | capture |
//! | reclaim decided / received / written off | recoverable / out/bank / expenditure/written-off | prepayment, advance or expenditure / recoverable / recoverable | |

use crate::{Plan, PlanNumber, PotKind, PotTerms, Reclaim, Spend};
use journal::{Day, RequestId, derived_request_id};
use money::{Pence, Side};
use nhs::OdsCode;

/// The ledger's word for what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A plan is approved.
    PlanApproved,
    /// A service is booked.
    PhbBooked,
    /// A service is delivered.
    PhbDelivered,
    /// An instalment falls due.
    PhbInstalment,
    /// Care is recognised by its period.
    PhbCare,
    /// A holder returns money.
    PhbReturned,
    /// A reclaim is decided.
    Reclaim,
    /// A reclaim is received.
    ReclaimReceived,
    /// What was owed to us is given up.
    WriteOff,
    /// A hold is given up.
    HoldRelease,
}

/// One side of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The account's path.
    pub account: String,
    /// Its side.
    pub side: Side,
    /// The amount; more than nothing.
    pub pence: Pence,
    /// On `owed/payable`: the instalment window that it adds to, by its due date.
    pub due: Option<Day>,
}

/// What a posting does to a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldAction {
    /// Holds money back.
    Place {
        /// The account's path.
        account: String,
        /// How much; more than nothing.
        pence: Pence,
        /// The first day on which it no longer stands.
        expires: Day,
        /// Its name.
        name: RequestId,
    },
    /// Lowers a hold because what it was for has come about.
    Capture {
        /// The hold.
        hold: RequestId,
        /// How much, or `None` for all that remains.
        pence: Option<Pence>,
    },
    /// Gives up what remains of a hold.
    Release {
        /// The hold.
        hold: RequestId,
    },
}

/// One posting, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Its request id at the ledger, derived from the id of the record that asks.
    pub request_id: RequestId,
    /// What happened.
    pub kind: EntryKind,
    /// When it happened.
    pub effective_date: Day,
    /// The legs, balanced.
    pub legs: Vec<Leg>,
    /// The hold actions.
    pub holds: Vec<HoldAction>,
    /// The plan, which is also the posting's reference.
    pub plan: PlanNumber,
}

/// The request id at the ledger of what the record of `cause` asks.
pub(crate) fn posting_id(cause: RequestId) -> RequestId {
    derived_request_id("posting", cause, b"")
}

/// The name of the hold that the record of `cause` asks for; `which` tells apart several.
pub(crate) fn hold_name(cause: RequestId, which: u8) -> RequestId {
    derived_request_id("hold", cause, &[which])
}

const fn hold_index(kind: PotKind) -> u8 {
    match kind {
        PotKind::Notional => 1,
        PotKind::ThirdParty => 2,
        PotKind::DirectPayment => 3,
    }
}

/// A plan's accounts by path.
struct Paths {
    line: String,
    number: PlanNumber,
}

impl Paths {
    fn of(number: PlanNumber, plan: &Plan) -> Self {
        Self { line: plan.line(), number }
    }

    fn plan(&self, account: &str) -> String {
        format!("{}/fund/plan/{}/{account}", self.line, self.number)
    }

    fn line(&self, account: &str) -> String {
        format!("{}/{account}", self.line)
    }

    fn payable(&self, payee: OdsCode) -> String {
        format!("{}/owed/payable/{}", self.line, payee.organisation())
    }
}

/// The node of the plan's whole fund, on which its limit sits.
pub(crate) fn plan_node(number: PlanNumber, plan: &Plan) -> String {
    format!("{}/fund/plan/{number}", plan.line())
}

const fn debit(account: String, pence: Pence) -> Leg {
    Leg { account, side: Side::Debit, pence, due: None }
}

const fn credit(account: String, pence: Pence) -> Leg {
    Leg { account, side: Side::Credit, pence, due: None }
}

/// What a builder needs of the record that asks.
#[derive(Clone, Copy)]
pub(crate) struct Cause<'a> {
    pub(crate) request_id: RequestId,
    pub(crate) number: PlanNumber,
    pub(crate) plan: &'a Plan,
}

impl Cause<'_> {
    fn post(&self, kind: EntryKind, effective_date: Day, legs: Vec<Leg>, holds: Vec<HoldAction>) -> Posting {
        Posting {
            request_id: posting_id(self.request_id),
            kind,
            effective_date,
            legs,
            holds,
            plan: self.number,
        }
    }

    fn paths(&self) -> Paths {
        Paths::of(self.number, self.plan)
    }

    /// The plan's money, and a hold for each cash pot's instalments.
    pub(crate) fn approval(&self, effective_date: Day) -> Posting {
        let paths = self.paths();
        let total =
            self.plan.pots.values().fold(Pence::ZERO, |sum, pot| crate::pot::plus(sum, pot.terms.budget()));
        let legs = vec![
            debit(paths.line("fund/unassigned/allocation"), total),
            credit(paths.plan("allocation"), total),
        ];
        let mut holds = Vec::new();
        for (kind, pot) in &self.plan.pots {
            if let (Some(account), Some(schedule)) = (kind.paid_ahead(), pot.terms.schedule()) {
                holds.push(HoldAction::Place {
                    account: paths.plan(account),
                    pence: schedule.total(self.plan.year_over().plus(-1)),
                    expires: self.plan.year_over(),
                    name: hold_name(self.request_id, hold_index(*kind)),
                });
            }
        }
        self.post(EntryKind::PlanApproved, effective_date, legs, holds)
    }

    /// Money held back for a booked service.
    pub(crate) fn booking(&self, effective_date: Day, spend: &Spend) -> Posting {
        let hold = HoldAction::Place {
            account: self.paths().plan(spend.pot.expenditure()),
            pence: spend.pence,
            expires: self.plan.year_over(),
            name: hold_name(self.request_id, 0),
        };
        self.post(EntryKind::PhbBooked, effective_date, Vec::new(), vec![hold])
    }

    /// A service delivered: `pence` of it, capturing its booking when there was one.
    pub(crate) fn delivery(
        &self,
        spend: &Spend,
        supplier: OdsCode,
        pence: Pence,
        delivered: Day,
        due: Day,
    ) -> Posting {
        let paths = self.paths();
        let payable = Leg { due: Some(due), ..credit(paths.payable(supplier), pence) };
        let legs = vec![debit(paths.plan(spend.pot.expenditure()), pence), payable];
        // What was booked beyond what came is given up with it.
        let mut holds = Vec::new();
        if let Some(hold) = spend.hold {
            holds.push(HoldAction::Capture { hold, pence: Some(pence) });
            if pence < spend.pence {
                holds.push(HoldAction::Release { hold });
            }
        }
        self.post(EntryKind::PhbDelivered, delivered, legs, holds)
    }

    /// Holds given up.
    pub(crate) fn release(&self, effective_date: Day, holds: impl IntoIterator<Item = RequestId>) -> Posting {
        let holds = holds.into_iter().map(|hold| HoldAction::Release { hold }).collect();
        self.post(EntryKind::HoldRelease, effective_date, Vec::new(), holds)
    }

    /// An instalment due to whoever holds the cash.
    pub(crate) fn instalment(
        &self,
        kind: PotKind,
        hold: Option<RequestId>,
        pence: Pence,
        due: Day,
    ) -> Posting {
        let paths = self.paths();
        let holder = match self.plan.pots.get(&kind).map(|pot| pot.terms) {
            Some(PotTerms::ThirdParty { holder, .. }) => paths.payable(holder),
            _ => paths.line(&format!("owed/payable/{}", self.number)),
        };
        let ahead = paths.plan(kind.paid_ahead().unwrap_or("prepayment"));
        let legs = vec![debit(ahead, pence), Leg { due: Some(due), ..credit(holder, pence) }];
        let holds = hold.map(|hold| HoldAction::Capture { hold, pence: Some(pence) }).into_iter().collect();
        self.post(EntryKind::PhbInstalment, due, legs, holds)
    }

    /// A period of care under a cash pot, recognised against what was paid ahead.
    pub(crate) fn care(&self, kind: PotKind, pence: Pence, to: Day) -> Posting {
        let paths = self.paths();
        let ahead = paths.plan(kind.paid_ahead().unwrap_or("prepayment"));
        let legs = vec![debit(paths.plan(kind.expenditure()), pence), credit(ahead, pence)];
        self.post(EntryKind::PhbCare, to, legs, Vec::new())
    }

    /// Money that a third party gave back unasked.
    pub(crate) fn returned(&self, pence: Pence, received: Day) -> Posting {
        let paths = self.paths();
        let legs = vec![debit(paths.line("out/bank"), pence), credit(paths.plan("advance"), pence)];
        self.post(EntryKind::PhbReturned, received, legs, Vec::new())
    }

    /// Money that must come back.
    pub(crate) fn reclaim(&self, effective_date: Day, reclaim: &Reclaim) -> Posting {
        let paths = self.paths();
        let mut legs = vec![debit(paths.plan("recoverable"), reclaim.pence)];
        if !reclaim.from_ahead.is_zero() {
            let ahead = paths.plan(reclaim.pot.paid_ahead().unwrap_or("prepayment"));
            legs.push(credit(ahead, reclaim.from_ahead));
        }
        let from_spent = crate::pot::minus(reclaim.pence, reclaim.from_ahead);
        if !from_spent.is_zero() {
            legs.push(credit(paths.plan(reclaim.pot.expenditure()), from_spent));
        }
        self.post(EntryKind::Reclaim, effective_date, legs, Vec::new())
    }

    /// Reclaimed money that came in.
    pub(crate) fn receipt(&self, pence: Pence, received: Day) -> Posting {
        let paths = self.paths();
        let legs = vec![debit(paths.line("out/bank"), pence), credit(paths.plan("recoverable"), pence)];
        self.post(EntryKind::ReclaimReceived, received, legs, Vec::new())
    }

    /// Reclaimed money that is given up.
    pub(crate) fn write_off(&self, pence: Pence, effective_date: Day) -> Posting {
        let paths = self.paths();
        let legs = vec![
            debit(paths.plan("expenditure/written-off"), pence),
            credit(paths.plan("recoverable"), pence),
        ];
        self.post(EntryKind::WriteOff, effective_date, legs, Vec::new())
    }
}

/// The name of a pot's hold, as its plan's approval places it.
pub(crate) fn pot_hold_name(approval: RequestId, kind: PotKind) -> RequestId {
    hold_name(approval, hold_index(kind))
}
