//! Any sequence of commands: the books balance, each line's identity holds, no HARD limit is passed by choice, a replay says the
//! same, and a naive ledger (lists of what was posted, summed on demand) agrees with every balance and every refusal.

#![allow(clippy::wildcard_enum_match_arm, reason = "the naive ledger names what matters to it")]

mod common;
use common::{Book, path, request_id};
use journal::{Day, Domain as _, Item, NoBlobs, Position};
use ledger::{
    AccountPath, Column, Command, EntryKind, Event, HoldAction, Ledger, Leg, NodePath, PostGroup, Posting,
    Reverse, SealWindows, SetLimit, Severity, Stage, WindowKey, WindowName, WindowUse,
};
use money::{NetPence, Pence, Side};
use proptest::prelude::*;

const ACCOUNTS: [&str; 20] = [
    "E/fund/allocation",
    "E/fund/expenditure/third-party",
    "E/fund/expenditure/in-system",
    "E/fund/prepayment/RHW",
    "E/owed/payable/NT3",
    "E/owed/payable/RHW",
    "E/owed/contested/NT3",
    "E/out/in-transit",
    "E/out/bank",
    "E/out/transferred",
    "N/fund/allocation",
    "N/fund/expenditure/third-party",
    "N/owed/payable/NT3",
    "N/out/transferred",
    "P/fund/unassigned/allocation",
    "P/fund/plan/p1/allocation",
    "P/fund/plan/p1/advance",
    "P/owed/payable/H",
    "R",
    "target/10M",
];
const NODES: [&str; 8] = [
    "10M",
    "E",
    "E/fund",
    "E/fund/expenditure",
    "E/owed/payable/NT3",
    "E/out",
    "P/fund/plan/p1",
    "P/fund/plan/p1/advance",
];
const PAYEES: [&str; 3] = ["NT3", "RHW", "H"];
const KINDS: [EntryKind; 3] = [EntryKind::Activity, EntryKind::OnAccount, EntryKind::PaymentInstructed];
const HOLDS: [&str; 4] = ["h0", "h1", "h2", "h3"];

fn key(index: usize) -> WindowKey {
    match index % 4 {
        0 => WindowKey::Cut { period: "2017-06".parse().unwrap(), stage: Stage::Freeze },
        1 => WindowKey::Instalment { due: Day::new(17_330) },
        n => WindowKey::Run { number: u32::try_from(n - 2).unwrap() },
    }
}

/// What is drawn: indices into the tables above.
#[derive(Debug, Clone)]
enum Op {
    Group(Vec<Draw>),
    Reverse(usize),
    Seal(usize, usize),
    Limit(usize, bool, Option<i64>, Option<i64>),
    Close(usize),
    Day(u8),
}

#[derive(Debug, Clone)]
struct Draw {
    kind: usize,
    /// Account, side, pence, window.
    legs: Vec<(usize, bool, u32, usize)>,
    holds: Vec<(u8, usize, usize, u32)>,
}

fn draw() -> impl Strategy<Value = Draw> {
    let pence = prop_oneof![8 => 1_u32..500, 1 => Just(0_u32)];
    let holds = prop::collection::vec((0_u8..3, 0..HOLDS.len(), 0..5_usize, pence.clone()), 0..2);
    // Mostly a debit and a credit of one amount in one line; sometimes anything.
    let pair =
        (0..14_usize, 0..14_usize, pence.clone(), 0..8_usize).prop_map(|(debit, credit, pence, window)| {
            vec![(debit, true, pence, window), (credit, false, pence, window)]
        });
    let within =
        (1..10_usize, 1..10_usize, pence.clone(), 0..8_usize).prop_map(|(debit, credit, pence, window)| {
            vec![(debit, true, pence, window), (credit, false, pence, window)]
        });
    let usual = (
        prop::sample::select(vec![
            (18, 0),
            (18, 14),
            (14, 15),
            (1, 4),
            (1, 6),
            (6, 4),
            (3, 5),
            (4, 7),
            (16, 17),
        ]),
        pence.clone(),
        0..8_usize,
    )
        .prop_map(|((debit, credit), pence, window)| {
            vec![(debit, true, pence, window), (credit, false, pence, window)]
        });
    let any = prop::collection::vec((0..ACCOUNTS.len() + 1, any::<bool>(), pence, 0..8_usize), 0..4);
    let legs = prop_oneof![6 => usual, 4 => within, 1 => pair, 1 => any];
    (0..KINDS.len(), legs, holds).prop_map(|(kind, legs, holds)| Draw { kind, legs, holds })
}

fn op() -> impl Strategy<Value = Op> {
    let bound = prop::option::of(-800_i64..800);
    prop_oneof![
        12 => draw().prop_map(|draw| Op::Group(vec![draw])),
        3 => prop::collection::vec(draw(), 2..4).prop_map(Op::Group),
        5 => any::<usize>().prop_map(Op::Reverse),
        2 => (0..PAYEES.len(), 0..4_usize).prop_map(|(payee, key)| Op::Seal(payee, key)),
        2 => (0..NODES.len(), any::<bool>(), bound.clone(), bound).prop_map(|(n, h, f, c)| Op::Limit(n, h, f, c)),
        1 => (0..ACCOUNTS.len()).prop_map(Op::Close),
        1 => (1_u8..20).prop_map(Op::Day),
    ]
}

/// The naive ledger. Everything it knows is a list, and every question a sum over lists.
#[derive(Clone, Default)]
struct Model {
    accounts: Vec<(Position, AccountPath)>,
    closed: Vec<Position>,
    /// Account and credit less debit.
    legs: Vec<(Position, i128)>,
    /// Hold, account, change, expiry.
    holds: Vec<(&'static str, Position, i128, Day)>,
    /// Payee, window, change; payer is always 10M.
    steps: Vec<(String, WindowKey, i128)>,
    paid: Vec<(String, WindowKey, i128)>,
    sealed: Vec<(String, WindowKey)>,
    limits: Vec<(String, Severity, Option<i64>, Option<i64>)>,
    reversed: Vec<Item>,
}

type Answer<T> = Result<T, &'static str>;

impl Model {
    fn path(&self, account: Position) -> Answer<&AccountPath> {
        self.accounts.iter().find(|(number, _)| *number == account).map(|(_, p)| p).ok_or("ACCOUNT_UNKNOWN")
    }

    fn below(&self, node: &str) -> Vec<Position> {
        let inside = |p: &str| p == node || p.strip_prefix(node).is_some_and(|rest| rest.starts_with('/'));
        self.accounts.iter().filter(|(_, p)| inside(p.as_str())).map(|(number, _)| *number).collect()
    }

    fn credit(&self, node: &str) -> i128 {
        let below = self.below(node);
        self.legs.iter().filter(|(account, _)| below.contains(account)).map(|(_, net)| net).sum()
    }

    fn held(&self, node: &str) -> i128 {
        let below = self.below(node);
        self.holds
            .iter()
            .filter(|(_, account, ..)| below.contains(account))
            .map(|(_, _, change, _)| change)
            .sum()
    }

    fn remaining(&self, hold: &str) -> i128 {
        self.holds.iter().filter(|(name, ..)| *name == hold).map(|(_, _, change, _)| change).sum()
    }

    fn measure(&self, node: &str) -> i128 {
        let available = self.credit(node) - self.held(node);
        let side = node.parse::<NodePath>().unwrap().normal_side();
        if side == Side::Credit { available } else { -available }
    }

    fn total(list: &[(String, WindowKey, i128)], payee: &str, key: WindowKey) -> i128 {
        list.iter().filter(|(p, k, _)| p == payee && *k == key).map(|(_, _, change)| change).sum()
    }

    fn run(&self, payee: &str) -> u32 {
        let sealed = |number| self.sealed.contains(&(payee.to_owned(), WindowKey::Run { number }));
        (1..).find(|number| !sealed(*number)).unwrap()
    }

    fn open(&self, account: Position) -> Answer<&AccountPath> {
        let path = self.path(account)?;
        if self.closed.contains(&account) { Err("ACCOUNT_CLOSED") } else { Ok(path) }
    }

    fn check(&self, posting: &Posting) -> Answer<()> {
        let zero = posting.legs.iter().any(|leg| leg.pence.is_zero())
            || posting.holds.iter().any(|h| matches!(h, HoldAction::Place { pence, .. } if pence.is_zero()));
        if zero {
            return Err("AMOUNT_ZERO");
        }
        for leg in &posting.legs {
            self.open(leg.account)?;
        }
        for hold in &posting.holds {
            if let HoldAction::Place { account, .. } = hold {
                self.open(*account)?;
            }
        }
        for leg in &posting.legs {
            match (self.path(leg.account)?.column() == Column::Payable, leg.window) {
                (true, None) => return Err("WINDOW_MISSING"),
                (false, Some(_)) => return Err("WINDOW_NOT_ALLOWED"),
                _ => {}
            }
        }
        let touched: Vec<(&AccountPath, i128)> =
            posting.legs.iter().map(|leg| (self.path(leg.account).unwrap(), signed(leg))).collect();
        let sum = |part: &dyn Fn(&AccountPath) -> bool| -> i128 {
            touched.iter().filter(|(p, _)| part(p)).map(|(_, net)| net).sum()
        };
        let limited = |p: &AccountPath| {
            touched.iter().any(|(q, _)| {
                q.column() == Column::ResourceLimit
                    && (q.payer(), q.financial_year()) == (p.payer(), p.financial_year())
            })
        };
        for (p, _) in &touched {
            let balances = match p.column() {
                Column::Target => sum(&|q| q.column() == Column::Target) == 0,
                Column::ResourceLimit | Column::Allocation if limited(p) => {
                    let same =
                        |q: &AccountPath| (q.payer(), q.financial_year()) == (p.payer(), p.financial_year());
                    let either =
                        |q: &AccountPath| matches!(q.column(), Column::ResourceLimit | Column::Allocation);
                    sum(&|q| same(q) && either(q)) == 0
                }
                Column::Allocation => sum(&|q| q.line() == p.line() && q.column() == Column::Allocation) == 0,
                _ => sum(&|q| q.line() == p.line() && q.column() != Column::Allocation) == 0,
            };
            if !balances {
                return Err("UNBALANCED");
            }
        }
        Ok(())
    }

    fn post(&mut self, posting: &Posting) -> Answer<()> {
        self.check(posting)?;
        for action in &posting.holds {
            match *action {
                HoldAction::Place { account, pence, expires, name } => {
                    let name = HOLDS.into_iter().find(|h| Some(request_id(h)) == name).unwrap();
                    if !self.path(account)?.column().is_fund() {
                        return Err("HOLD_NOT_ON_FUND");
                    }
                    if self.remaining(name) != 0 {
                        return Err("HOLD_EXISTS");
                    }
                    self.holds.push((name, account, pence.get().into(), expires));
                }
                HoldAction::Capture { hold, pence } => self.lower(hold, pence),
                HoldAction::Release { hold } => self.lower(hold, None),
            }
        }
        for leg in &posting.legs {
            let payee = self.path(leg.account)?.payee().unwrap_or_default().to_owned();
            match leg.window {
                None => {}
                Some(WindowUse::Pays(key)) => {
                    if !self.sealed.contains(&(payee.clone(), key)) {
                        return Err("WINDOW_NOT_SEALED");
                    }
                    self.paid.push((payee.clone(), key, -signed(leg)));
                    let (paid, total) =
                        (Self::total(&self.paid, &payee, key), Self::total(&self.steps, &payee, key));
                    if !(total.min(0)..=total.max(0)).contains(&paid) {
                        return Err("WINDOW_OVERPAID");
                    }
                }
                Some(WindowUse::Adds(key)) => {
                    let run = WindowKey::Run { number: self.run(&payee) };
                    let past =
                        matches!(key, WindowKey::Run { .. }) || self.sealed.contains(&(payee.clone(), key));
                    self.steps.push((payee, if past { run } else { key }, signed(leg)));
                }
            }
            self.legs.push((leg.account, signed(leg)));
        }
        Ok(())
    }

    fn lower(&mut self, hold: journal::RequestId, pence: Option<Pence>) {
        let name = HOLDS.into_iter().find(|h| request_id(h) == hold).unwrap();
        let left = self.remaining(name);
        if let Some((_, account, _, expires)) = self.holds.iter().rfind(|(n, ..)| *n == name).copied() {
            let by = pence.map_or(left, |pence| left.min(pence.get().into()));
            self.holds.push((name, account, -by, expires));
        }
    }

    /// All postings or none.
    fn post_all(&mut self, postings: &[Posting]) -> Answer<()> {
        if postings.iter().any(|p| p.legs.is_empty() && p.holds.is_empty()) {
            return Err("EMPTY");
        }
        let mut after = self.clone();
        for posting in postings {
            after.post(posting)?;
        }
        let binding = postings.iter().any(|p| !p.kind.is_report());
        for (node, severity, floor, ceiling) in &self.limits {
            let (was, is) = (self.measure(node), after.measure(node));
            let low = floor.is_some_and(|floor| is < i128::from(floor) && is < was);
            let high = ceiling.is_some_and(|ceiling| is > i128::from(ceiling) && is > was);
            if binding && *severity == Severity::Hard && (low || high) {
                return Err("LIMIT_EXCEEDED");
            }
        }
        *self = after;
        Ok(())
    }

    fn expire(&mut self, day: Day) {
        for name in HOLDS {
            let left = self.remaining(name);
            let last = self.holds.iter().rfind(|(n, _, change, _)| *n == name && *change > 0).copied();
            if let Some((_, account, _, expires)) = last
                && left > 0
                && expires <= day
            {
                self.holds.push((name, account, -left, expires));
            }
        }
    }
}

fn signed(leg: &Leg) -> i128 {
    let pence = i128::from(leg.pence.get());
    if leg.side == Side::Credit { pence } else { -pence }
}

struct World {
    book: Book,
    model: Model,
    numbers: Vec<Position>,
}

impl World {
    fn new() -> Self {
        let (mut book, mut model, mut numbers) = (Book::default(), Model::default(), Vec::new());
        for account in ACCOUNTS {
            let path = path(account);
            let number = book.account(&path);
            model.accounts.push((number, path.parse().unwrap()));
            numbers.push(number);
        }
        Self { book, model, numbers }
    }

    fn posting(&self, draw: &Draw) -> Posting {
        let number = |index: usize| self.numbers.get(index).copied().unwrap_or(Position::new(9_999_999));
        let leg = |(account, debit, pence, window): &(usize, bool, u32, usize)| {
            let payable = ACCOUNTS.get(*account).is_some_and(|p| p.contains("/payable/"));
            let spurious = *window == 7;
            let uses = if (*debit && window % 2 == 0) || *window == 2 {
                WindowUse::Pays(key(*window / 2))
            } else {
                WindowUse::Adds(key(*window / 2))
            };
            Leg {
                account: number(*account),
                side: if *debit { Side::Debit } else { Side::Credit },
                pence: Pence::from_u32(*pence),
                window: (payable != spurious).then_some(uses),
            }
        };
        let mut posting = Posting::new(KINDS[draw.kind], self.book.day, draw.legs.iter().map(leg).collect());
        for (action, hold, account, pence) in &draw.holds {
            let hold = request_id(HOLDS[*hold]);
            posting.holds.push(match action {
                0 => HoldAction::Place {
                    account: number(*account),
                    pence: Pence::from_u32(*pence),
                    expires: self.book.day.plus(i32::try_from(pence % 30).unwrap() + 1),
                    name: Some(hold),
                },
                1 => HoldAction::Capture { hold, pence: (pence % 3 != 0).then_some(Pence::from_u32(*pence)) },
                _ => HoldAction::Release { hold },
            });
        }
        posting
    }

    fn step(&mut self, op: &Op) {
        let id = request_id(&format!("{}", self.book.records.len()));
        let (command, expected) = match op {
            Op::Group(draws) => {
                let postings: Vec<Posting> = draws.iter().map(|draw| self.posting(draw)).collect();
                let expected = self.model.post_all(&postings);
                let mut postings = postings;
                let command = if postings.len() == 1 {
                    Command::Post(postings.remove(0))
                } else {
                    Command::PostGroup(PostGroup { postings })
                };
                (command, expected)
            }
            Op::Reverse(index) => match self.reversal(*index) {
                Some(pair) => pair,
                None => return,
            },
            Op::Seal(payee, index) => {
                let (payee, key) = (PAYEES[*payee].to_owned(), key(*index));
                let expected = match key {
                    WindowKey::Run { number } if number == 0 || number > self.model.run(&payee) => {
                        Err("WINDOW_UNKNOWN")
                    }
                    _ => Ok(()),
                };
                if expected.is_ok() {
                    self.model.sealed.push((payee.clone(), key));
                }
                (
                    Command::SealWindows(SealWindows {
                        windows: vec![WindowName { payer: "10M".into(), payee, key }],
                    }),
                    expected,
                )
            }
            Op::Limit(node, hard, floor, ceiling) => self.limit(*node, *hard, *floor, *ceiling),
            Op::Close(index) => {
                let account = self.numbers[*index];
                let path = path(ACCOUNTS[*index]);
                let idle = self.model.credit(&path) == 0 && self.model.held(&path) == 0;
                let expected = match (self.model.closed.contains(&account), idle) {
                    (true, _) => Err("ACCOUNT_CLOSED"),
                    (false, false) => Err("ACCOUNT_IN_USE"),
                    (false, true) => {
                        self.model.closed.push(account);
                        Ok(())
                    }
                };
                (Command::CloseAccount { account }, expected)
            }
            Op::Day(days) => {
                let day = self.book.day.plus((*days).into());
                self.book.roll_to(day);
                self.model.expire(day);
                return;
            }
        };
        let got = self.book.submit(id, &command).1;
        assert_eq!(got.as_ref().map(|_| ()).map_err(ledger::Refusal::reason), expected, "{command:?}");
        self.notes(&command, got.ok());
    }

    /// A window's steps are numbered without a gap and carry its true total.
    fn notes(&self, command: &Command, event: Option<Event>) {
        let Some(Event::Posted(posted)) = event else { return };
        let Some((posting, posted)) = command.postings().iter().zip(&posted).next_back() else { return };
        let Some(step) = posted.windows.last() else { return };
        let leg = &posting.legs[usize::from(step.leg)];
        let payee = self.model.path(leg.account).unwrap().payee().unwrap();
        let Some(WindowUse::Adds(named)) = leg.window else { panic!() };
        let key = step.instead.map_or(named, |number| WindowKey::Run { number });
        let count = self.model.steps.iter().filter(|(p, k, _)| p == payee && *k == key).count();
        assert_eq!(usize::try_from(step.seq).unwrap(), count);
        assert_eq!(i128::from(step.total.get()), Model::total(&self.model.steps, payee, key));
    }

    fn reversal(&mut self, index: usize) -> Option<(Command, Answer<()>)> {
        let record = &self.book.records[index % self.book.records.len()];
        let (command, outcome) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
        let (at, posting, posted) = ledger::entries(&command, &outcome).last()?;
        let entry = Item { position: record.at.position, index: at };
        let posting = Posting::reversal_of(entry, posting, posted, self.book.day);
        let expected = if self.model.reversed.contains(&entry) {
            Err("ALREADY_REVERSED")
        } else {
            self.model.post_all(core::slice::from_ref(&posting)).map(|()| self.model.reversed.push(entry))
        };
        Some((Command::Reverse(Reverse { entry, reason: "test".into(), posting }), expected))
    }

    fn limit(
        &mut self,
        node: usize,
        hard: bool,
        floor: Option<i64>,
        ceiling: Option<i64>,
    ) -> (Command, Answer<()>) {
        let node = path(NODES[node]);
        let severity = if hard { Severity::Hard } else { Severity::Warn };
        let stands = self.model.limits.iter().any(|(n, ..)| *n == node);
        let expected = match (floor, ceiling) {
            (Some(floor), Some(ceiling)) if floor > ceiling => Err("LIMIT_INVERTED"),
            (None, None) if !stands => Err("LIMIT_MISSING"),
            _ => Ok(()),
        };
        if expected.is_ok() {
            self.model.limits.retain(|(n, ..)| *n != node);
            if floor.is_some() || ceiling.is_some() {
                self.model.limits.push((node.clone(), severity, floor, ceiling));
            }
        }
        let command = Command::SetLimit(SetLimit {
            node: node.parse().unwrap(),
            severity,
            floor: floor.map(NetPence::new),
            ceiling: ceiling.map(NetPence::new),
            reason: "test".into(),
        });
        (command, expected)
    }

    fn agree(&self) {
        self.book.check();
        for account in self.book.state.accounts_after(None) {
            let balance = account.totals.balance(Side::Credit).get();
            assert_eq!(balance, self.model.credit(account.path), "{}", account.path);
            assert_eq!(account.totals.held().get(), self.model.held(account.path), "{}", account.path);
        }
        for node in NODES.map(path) {
            let measure =
                self.book.state.node_at(&node).map_or(0, |node| node.totals.measure(node.side).get());
            assert_eq!(measure, self.model.measure(&node), "{node}");
        }
        for window in self.book.state.windows_from(0) {
            let sum = |list| Model::total(list, window.payee, window.key);
            assert_eq!(i128::from(window.total.get()), sum(&self.model.steps), "{window:?}");
            assert_eq!(i128::from(window.paid.get()), sum(&self.model.paid), "{window:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_naive_ledger_agrees(ops in prop::collection::vec(op(), 1..60)) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
        }
        world.agree();
    }
}
