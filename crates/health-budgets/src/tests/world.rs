//! A journal and a ledger, both in memory.

use crate::*;
use journal::{Day, Domain as _, Instant, Kind, Moment, NoBlobs, Outcome, Position, RequestId};
use money::{Pence, Side};
use nhs::Pseudonym;
use std::collections::{BTreeMap, BTreeSet};

/// Two officers, as positions of the records that named them.
pub(super) const ANN: u64 = 1;
pub(super) const BOB: u64 = 2;

pub(super) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(super) const fn pence(amount: u32) -> Pence {
    Pence::from_u32(amount)
}

pub(super) fn schedule(first_due: &str, instalment: u32) -> Schedule {
    Schedule { frequency: Frequency::FourWeekly, first_due: day(first_due), instalment: pence(instalment) }
}

pub(super) fn notional(budget: u32) -> PotTerms {
    PotTerms::Notional { budget: pence(budget) }
}

pub(super) fn third_party(budget: u32, instalment: u32) -> PotTerms {
    let holder = "NT3".parse().unwrap();
    PotTerms::ThirdParty { budget: pence(budget), schedule: schedule("2017-06-05", instalment), holder }
}

pub(super) fn direct(budget: u32, instalment: u32) -> PotTerms {
    PotTerms::DirectPayment { budget: pence(budget), schedule: schedule("2017-06-05", instalment) }
}

/// What a naive ledger knows: balances by account, holds by name, and every posting it was ever asked.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Debits less credits.
    pub(super) balances: BTreeMap<String, i128>,
    pub(super) holds: BTreeMap<RequestId, (String, i64)>,
    pub(super) answers: BTreeMap<RequestId, (Posting, LedgerAnswer)>,
    hard: BTreeSet<String>,
}

impl Books {
    /// Posts once per request id; refuses what would take a hard-limited node below nothing.
    pub(super) fn post(&mut self, ask: &Ask, deny: bool) -> LedgerAnswer {
        if let Some((posting, answer)) = self.answers.get(&ask.posting.request_id) {
            assert_eq!(posting, &ask.posting, "one request id, one content");
            return answer.clone();
        }
        if let Some(limit) = ask.limit.as_ref().filter(|limit| limit.hard) {
            self.hard.insert(limit.node.clone());
        }
        assert_balanced(&ask.posting);
        let before = (self.balances.clone(), self.holds.clone());
        self.move_money(&ask.posting);
        let position = Position::new(self.answers.len() as u64);
        let bound = ask.posting.kind != EntryKind::HoldRelease;
        let answer = if bound && (deny || self.hard.iter().any(|node| self.available(node) < 0)) {
            (self.balances, self.holds) = before;
            LedgerAnswer::Denied { reason: LedgerReason::new("LIMIT_EXCEEDED"), position: Some(position) }
        } else {
            LedgerAnswer::Granted { position }
        };
        self.answers.insert(ask.posting.request_id, (ask.posting.clone(), answer.clone()));
        answer
    }

    fn move_money(&mut self, posting: &Posting) {
        for leg in &posting.legs {
            let signed = if leg.side == Side::Debit { leg.pence.get() } else { -leg.pence.get() };
            *self.balances.entry(leg.account.clone()).or_default() += i128::from(signed);
        }
        for hold in &posting.holds {
            match hold {
                HoldAction::Place { account, pence, name, .. } => {
                    let old = self.holds.insert(*name, (account.clone(), pence.get()));
                    assert_eq!(old, None, "a hold is placed once");
                }
                HoldAction::Capture { hold, pence } => {
                    let (_, left) = self.holds.get_mut(hold).expect("the hold was placed");
                    *left -= pence.map_or(*left, Pence::get).min(*left);
                }
                HoldAction::Release { hold } => self.holds.get_mut(hold).expect("the hold was placed").1 = 0,
            }
        }
    }

    pub(super) fn available(&self, node: &str) -> i128 {
        let inside = |account: &str| account.starts_with(node);
        let net: i128 =
            self.balances.iter().filter(|(account, _)| inside(account)).map(|(_, net)| -net).sum();
        let held: i64 =
            self.holds.values().filter(|(account, _)| inside(account)).map(|(_, left)| left).sum();
        net - i128::from(held)
    }

    pub(super) fn net(&self, account: &str) -> i128 {
        self.balances.get(account).copied().unwrap_or_default()
    }

    pub(super) fn held(&self) -> i64 {
        self.holds.values().map(|(_, left)| left).sum()
    }
}

fn assert_balanced(posting: &Posting) {
    let sum =
        |side| posting.legs.iter().filter(|leg| leg.side == side).map(|leg| leg.pence.get()).sum::<i64>();
    assert_eq!(sum(Side::Debit), sum(Side::Credit), "{posting:?}");
    assert!(posting.legs.iter().all(|leg| !leg.pence.is_zero()));
    assert!(!posting.legs.is_empty() || !posting.holds.is_empty());
    for leg in &posting.legs {
        assert_eq!(leg.due.is_some(), leg.account.contains("/owed/payable/"), "{}", leg.account);
    }
}

/// A journal of health budgets, its ledger, and the day.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) books: Books,
    pub(super) today: Day,
    pub(super) next: u64,
    records: Vec<(Moment, Kind, Vec<u8>)>,
}

impl World {
    pub(super) fn new() -> Self {
        Self { today: day("2017-06-01"), next: 10, ..Self::default() }
    }

    pub(super) fn moment(&self, caller: u64) -> Moment {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next.to_be_bytes());
        (id[6], id[8]) = (0x70, 0x80);
        Moment {
            position: Position::new(self.next),
            recorded_time: Instant::start_of(self.today),
            business_date: self.today,
            request_id: RequestId::from_bytes(id).unwrap(),
            caller: Position::new(caller),
        }
    }

    /// Records one command; the journal's position of its record.
    pub(super) fn run_by(&mut self, caller: u64, command: impl Into<Command>) -> Result<Event, Refusal> {
        let command = command.into();
        let at = self.moment(caller);
        let before = self.state.clone();
        let outcome = match HealthBudgets::decide(&self.state, &at, &command) {
            Ok(events) => Outcome::Accepted(events),
            Err(refusal) => Outcome::Refused(refusal),
        };
        let mut body = Vec::new();
        HealthBudgets::encode(&command, &outcome, &mut body);
        let kind = HealthBudgets::kind(&command);
        let decoded = HealthBudgets::decode(kind, &body, &NoBlobs).unwrap();
        assert_eq!(decoded, (command.clone(), outcome.clone()));
        self.records.push((at, kind, body));
        self.next += 1;
        match outcome {
            Outcome::Accepted(events) => {
                for event in &events {
                    HealthBudgets::apply(&mut self.state, &at, &command, event);
                }
                Ok(events[0])
            }
            Outcome::Refused(refusal) => {
                assert_eq!(self.state, before, "a refusal changes nothing");
                Err(refusal)
            }
        }
    }

    pub(super) fn run(&mut self, command: impl Into<Command>) -> Result<Event, Refusal> {
        self.run_by(ANN, command)
    }

    /// Carries every open ask to the ledger and records its answer.
    pub(super) fn settle(&mut self) {
        self.settle_with(false);
    }

    pub(super) fn settle_with(&mut self, deny: bool) {
        self.settle_by(|_| deny);
    }

    /// The same, denying the asks that `deny` picks by their number in order.
    pub(super) fn settle_by(&mut self, deny: impl Fn(u32) -> bool) {
        let asks: Vec<_> = self.state.asks().map(|(ask, open)| (ask, open.clone())).collect();
        for (number, (ask, open)) in (0..).zip(asks) {
            let answer = self.books.post(&open, deny(number));
            self.run(SettleAsk { ask, answer }).unwrap();
        }
    }

    /// Begins the next days, one by one, until `until`.
    pub(super) fn roll_to(&mut self, until: &str) {
        let until = day(until);
        while self.today < until {
            self.today = self.today.plus(1);
            for command in HealthBudgets::day_roll(&self.state, self.today) {
                self.run(command).unwrap();
            }
        }
    }

    /// A plan of 10M from 1 June 2017 with these pots, proposed by Ann.
    pub(super) fn propose(&mut self, pots: &[PotTerms]) -> PlanNumber {
        let number = PlanNumber(Position::new(self.next));
        self.run(open(pots)).unwrap();
        number
    }

    /// The same, approved by Bob and granted.
    pub(super) fn active(&mut self, pots: &[PotTerms]) -> PlanNumber {
        let plan = self.propose(pots);
        self.books.balances.insert("10M/phb/2017-18/fund/unassigned/allocation".into(), -100_000_000);
        self.approve(plan).unwrap();
        self.settle();
        assert_eq!(self.plan(plan).state, PlanState::Active);
        plan
    }

    pub(super) fn approve(&mut self, plan: PlanNumber) -> Result<Event, Refusal> {
        let digest = self.plan(plan).proposal.digest;
        self.run_by(BOB, ApprovePlan { plan, digest })
    }

    pub(super) fn plan(&self, number: PlanNumber) -> &Plan {
        self.state.plan(number).unwrap()
    }

    pub(super) fn pot(&self, number: PlanNumber, kind: PotKind) -> &Pot {
        &self.plan(number).pots[&kind]
    }

    /// The state that a replay of the records gives.
    pub(super) fn replayed(&self) -> State {
        let mut state = State::default();
        for (at, kind, body) in &self.records {
            let (command, outcome) = HealthBudgets::decode(*kind, body, &NoBlobs).unwrap();
            if let Outcome::Accepted(events) = outcome {
                for event in &events {
                    HealthBudgets::apply(&mut state, at, &command, event);
                }
            }
        }
        state
    }
}

pub(super) fn open(pots: &[PotTerms]) -> OpenPlan {
    OpenPlan {
        pseudonym: Pseudonym::new([7; 16]),
        ccg: "10M".parse().unwrap(),
        category: CareCategory::AdultContinuingHealthcare,
        starts: day("2017-06-01"),
        co_ordinator: "officer-12".parse().unwrap(),
        recipient: Recipient::Person,
        pots: pots.to_vec(),
        reviews: ReviewRule::DEFAULT,
    }
}

macro_rules! into_command {
    ($($name:ident)*) => {$(
        impl From<$name> for Command {
            fn from(fields: $name) -> Self {
                Self::$name(fields)
            }
        }
    )*};
}

into_command! {
    OpenPlan ApprovePlan RecordSpend BookService RecordDelivery CancelBooking FallDue RecordCarePeriod SuspendPlan
    ResumePlan RecordDeath DecideReclaim RecordReceipt RecordReturn RecordReview ProposeWriteOff ApproveWriteOff
    ClosePlan SettleAsk
}
