//! Any sequence of commands: the books balance, each line's identity holds, no HARD limit is passed by choice, a replay says the
//! same, and a naive ledger (lists of what was posted, summed on demand) agrees with every balance and every refusal.

#![allow(clippy::wildcard_enum_match_arm, reason = "the naive ledger names what matters to it")]

#[path = "../common/mod.rs"]
mod common;
mod naive;
use common::{Book, path, request_id};
use journal::{Day, Digest, Domain as _, Item, NoBlobs, Outcome, Position};
use ledger::{
    AccountBalance, Act, AnswerWith, Approve, Command, EntryKind, Event, HoldAction, Ledger, Leg, MarkPeriod,
    PostGroup, Posting, Propose, Refusal, Reverse, RollForward, SealWindows, SetLimit, Severity, ShutFund,
    Stage, WindowKey, WindowName, WindowUse,
};
use money::{NetPence, Pence, Side};
use naive::{Answer, Model};
use nhs::Period;
use proptest::prelude::*;

const ACCOUNTS: [&str; 22] = [
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
    "N/fund/expenditure/in-system",
    "N/fund/prepayment/RHW",
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

const LINES: [&str; 4] = ["E", "E", "N", "P"];
const MONTHS: [&str; 6] = ["2017-05", "2017-06", "2017-07", "2018-03", "2018-04", "2018-05"];

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
    /// Closes a month, softly or not.
    Shut(usize, bool),
    Propose(Proposed, u64),
    /// Approves one of the proposals, by whom, and whether what was proposed was looked at.
    Approve(usize, u64, bool),
    EndYear(usize),
    Roll(usize),
}

#[derive(Debug, Clone)]
enum Proposed {
    Reopen(usize),
    Post(Vec<Draw>),
}

#[derive(Debug, Clone)]
struct Draw {
    kind: usize,
    /// Account, side, pence, window.
    legs: Vec<(usize, bool, u32, usize)>,
    holds: Vec<(u8, usize, usize, u32)>,
    /// Days before today: when it happened, and the accounting date proposed.
    happened: u8,
    accounted: Option<i8>,
    /// Months from today until it reverses itself.
    reverses: Option<u8>,
    balances: bool,
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
    let accounted = prop::option::weighted(0.3, -3_i8..90);
    let asked = (prop::option::weighted(0.15, 0_u8..4), prop::bool::weighted(0.3));
    (0..KINDS.len(), legs, holds, 0_u8..90, accounted, asked).prop_map(
        |(kind, legs, holds, happened, accounted, (reverses, balances))| Draw {
            kind,
            legs,
            holds,
            happened,
            accounted,
            reverses,
            balances,
        },
    )
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
        1 => Just(Op::Day(150)),
        1 => (0..LINES.len()).prop_map(Op::EndYear),
        2 => (0..LINES.len()).prop_map(Op::Roll),
        1 => (0..MONTHS.len(), any::<bool>()).prop_map(|(month, soft)| Op::Shut(month, soft)),
        1 => (0..MONTHS.len(), 0..2_u64).prop_map(|(month, by)| Op::Propose(Proposed::Reopen(month), by)),
        1 => (prop::collection::vec(draw(), 1..3), 0..2_u64)
            .prop_map(|(draws, by)| Op::Propose(Proposed::Post(draws), by)),
        2 => (any::<usize>(), 0..2_u64, prop::bool::weighted(0.9)).prop_map(|(n, by, seen)| Op::Approve(n, by, seen)),
    ]
}

struct World {
    book: Book,
    model: Model,
    numbers: Vec<Position>,
    /// What waits for another person, or did: its record, what, and who proposed it.
    proposals: Vec<(Position, Propose, u64)>,
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
        Self { book, model, numbers, proposals: Vec::new() }
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
        let ago = |days: i32| self.book.day.plus(-days);
        let legs = draw.legs.iter().map(leg).collect();
        let mut posting = Posting::new(KINDS[draw.kind], ago(draw.happened.into()), legs);
        let month = |months: u8| {
            let first = Period::of(self.book.day.date()).unwrap();
            core::iter::successors(Some(first), |month| month.next()).nth(months.into())
        };
        posting.reverses_in = draw.reverses.and_then(month);
        posting.answer = draw.balances.then_some(AnswerWith::Balances);
        posting.accounting_date = draw.accounted.map(|days| ago(days.into()));
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
                let mut postings: Vec<Posting> = draws.iter().map(|draw| self.posting(draw)).collect();
                if postings.len() == 2 {
                    self.post_all(id, postings);
                    return;
                }
                let expected = self.model.post_all(&postings, false);
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
                let nil = self.model.credit(&path) == 0 && self.model.held(&path) == 0;
                let idle = nil && !self.model.is_needed(account);
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
            Op::Shut(month, soft) => self.shut(MONTHS[*month].parse().unwrap(), *soft),
            Op::Propose(what, by) => {
                self.propose(what, *by);
                return;
            }
            Op::Approve(index, by, seen) => match self.approval(*index, *by, *seen) {
                Some(pair) => pair,
                None => return,
            },
            Op::Day(days) => {
                for _ in 0..*days {
                    self.begin_day();
                }
                return;
            }
            Op::EndYear(line) => {
                let line = path(LINES[*line]);
                let expected = self.model.shut_fund(&line, self.book.day);
                (Command::ShutFund(ShutFund { line: line.parse().unwrap(), reason: "test".into() }), expected)
            }
            Op::Roll(line) => {
                let line = path(LINES[*line]);
                let expected = self.model.roll(&line);
                let accounts = self.book.state.to_roll_forward(&line);
                let holds = HOLDS.map(request_id).to_vec();
                (Command::RollForward(RollForward { line: line.parse().unwrap(), accounts, holds }), expected)
            }
        };
        let (position, got) = self.book.submit(id, &command);
        self.book.caller = Position::FIRST;
        assert_eq!(got.as_ref().map(|_| ()).map_err(ledger::Refusal::reason), expected, "{command:?}");
        self.notes(&command, got.ok(), position);
        self.book.identity();
    }

    /// All or none, and of none every posting that is at fault.
    fn post_all(&mut self, id: journal::RequestId, postings: Vec<Posting>) {
        let expected = self.model.post_each(&postings);
        let command = Command::PostAll(PostGroup { postings });
        let (position, got) = self.book.submit(id, &command);
        match (&got, expected) {
            (Ok(_), Ok(())) | (Err(Refusal::LimitExceeded { .. }), Err(None)) => {}
            (Err(Refusal::Postings(refused)), Err(None)) => {
                assert!(!refused.is_empty());
                assert!(refused.iter().all(|each| each.why.reason() == "LIMIT_EXCEEDED"), "{refused:?}");
            }
            (Err(Refusal::Postings(refused)), Err(Some(expected))) => {
                let refused: Vec<_> = refused.iter().map(|each| (each.posting, each.why.reason())).collect();
                assert_eq!(refused, expected, "{command:?}");
            }
            (got, expected) => panic!("{got:?}, expected {expected:?}: {command:?}"),
        }
        self.notes(&command, got.ok(), position);
        self.book.identity();
    }

    /// A window's steps are numbered without a gap and carry its true total.
    fn notes(&mut self, command: &Command, event: Option<Event>, position: Position) {
        let Some(event) = event else { return };
        for (posting, posted) in command.postings().iter().zip(event.posted()) {
            let two = matches!(command, Command::Approve(_));
            let expected = self.model.accounting(self.book.day, posting, two);
            assert_eq!((posted.accounting_date, posted.origin), expected, "{posting:?}");
        }
        let outcome = Outcome::Accepted([event].into_iter().collect());
        for ((index, posting, posted), expected) in
            ledger::entries(command, &outcome).zip(&self.model.answers)
        {
            if matches!(command, Command::RollForward(_)) {
                continue;
            }
            let balance =
                |b: &AccountBalance| (b.account, i128::from(b.balance.get()), i128::from(b.held.get()));
            let found = posted.balances.as_ref().map(|all| all.iter().map(balance).collect::<Vec<_>>());
            assert_eq!(&found, expected, "{posting:?}");
            if let Some(period) = posting.reverses_in {
                let accounts = posting.legs.iter().map(|leg| leg.account).collect();
                self.model.due.push((Item { position, index }, period, accounts));
            }
        }
        let Some((_, posting, posted)) = ledger::entries(command, &outcome).last() else { return };
        let Some(step) = posted.windows.last() else { return };
        let leg = &posting.legs[usize::from(step.leg)];
        let payee = self.model.path(leg.account).unwrap().payee().unwrap();
        let Some(WindowUse::Adds(named)) = leg.window else { panic!() };
        let key = step.instead.map_or(named, |number| WindowKey::Run { number });
        let count = self.model.steps.iter().filter(|(p, k, _)| p == payee && *k == key).count();
        assert_eq!(usize::try_from(step.seq).unwrap(), count);
        assert_eq!(i128::from(step.total.get()), Model::total(&self.model.steps, payee, key));
    }

    fn shut(&mut self, period: Period, soft: bool) -> (Command, Answer<()>) {
        let standing = self.model.shut.iter().find(|(shut, _)| *shut == period).map(|(_, soft)| *soft);
        let expected = match standing {
            _ if self.book.day.date() <= period.last_day() => Err("PERIOD_NOT_OVER"),
            Some(false) => Err("PERIOD_CLOSED"),
            Some(true) if soft => Err("PERIOD_SOFT_CLOSED"),
            _ => {
                self.model.shut.retain(|(shut, _)| *shut != period);
                self.model.shut.push((period, soft));
                Ok(())
            }
        };
        let mark = MarkPeriod { period, reason: "test".into() };
        (if soft { Command::SoftClosePeriod(mark) } else { Command::ClosePeriod(mark) }, expected)
    }

    /// What an act would do to the model.
    fn act(&mut self, act: &Act) -> Answer<()> {
        match act {
            Act::Reopen(period) => {
                let shut = self.model.shut.len();
                self.model.shut.retain(|(shut, _)| shut != period);
                if self.model.shut.len() < shut { Ok(()) } else { Err("PERIOD_NOT_CLOSED") }
            }
            Act::Post(group) => self.model.post_all(&group.postings, false),
        }
    }

    /// A proposal is refused when it could not be done, and changes nothing.
    fn propose(&mut self, what: &Proposed, by: u64) {
        let act = match what {
            Proposed::Reopen(month) => Act::Reopen(MONTHS[*month].parse().unwrap()),
            Proposed::Post(draws) => {
                Act::Post(PostGroup { postings: draws.iter().map(|draw| self.posting(draw)).collect() })
            }
        };
        let before = self.model.clone();
        let expected = self.act(&act);
        self.model = before;
        let propose = Propose { act, reason: "test".into(), expires: None };
        self.book.caller = Position::new(by);
        let id = request_id(&format!("{}", self.book.records.len()));
        let (position, got) = self.book.submit(id, &Command::Propose(propose.clone()));
        self.book.caller = Position::FIRST;
        assert_eq!(got.as_ref().map(|_| ()).map_err(ledger::Refusal::reason), expected, "{propose:?}");
        if expected.is_ok() {
            self.proposals.push((position, propose, by));
        }
    }

    fn approval(&mut self, index: usize, by: u64, seen: bool) -> Option<(Command, Answer<()>)> {
        let (proposal, propose, proposer) =
            self.proposals.get(index.checked_rem(self.proposals.len())?).cloned()?;
        let digest = if seen { propose.digest() } else { Digest::of(b"something else") };
        let waits = self.book.state.proposals().any(|(position, _)| position == proposal);
        let expected = match (waits, by == proposer, seen) {
            (false, _, _) => Err("PROPOSAL_UNKNOWN"),
            (_, true, _) => Err("SAME_PERSON"),
            (_, _, false) => Err("DIGEST_MISMATCH"),
            _ => self.act(&propose.act),
        };
        self.book.caller = Position::new(by);
        Some((Command::Approve(Approve { proposal, digest, propose }), expected))
    }

    fn reversal(&mut self, index: usize) -> Option<(Command, Answer<()>)> {
        let record = &self.book.records[index % self.book.records.len()];
        let (command, outcome) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
        let (at, posting, posted) = ledger::entries(&command, &outcome).last()?;
        let entry = Item { position: record.at.position, index: at };
        let posting = Posting::reversal_of(entry, &posting, posted, self.book.day);
        let reverse = Reverse { entry, reason: "test".into(), posting };
        let expected = self.reversed(&reverse);
        Some((Command::Reverse(reverse), expected))
    }

    /// What a reversal does to the model. One that is due passes every limit.
    fn reversed(&mut self, reverse: &Reverse) -> Answer<()> {
        let entry = reverse.entry;
        if self.model.reversed.contains(&entry) {
            return Err("ALREADY_REVERSED");
        }
        let today = self.book.day.date();
        let due = self.model.due.iter().any(|(due, period, _)| *due == entry && period.first_day() <= today);
        self.model.post_all(core::slice::from_ref(&reverse.posting), due)?;
        self.model.reversed.push(entry);
        self.model.due.retain(|(due, ..)| *due != entry);
        Ok(())
    }

    /// A day begins: holds end, and entries that reverse themselves do so, of those whose month has begun.
    fn begin_day(&mut self) {
        let before = self.book.records.len();
        let day = self.book.day.plus(1);
        self.book.roll_to(day);
        self.model.expire(day);
        let begun = |(_, period, _): &&(Item, Period, Vec<Position>)| period.first_day() <= day.date();
        let mut expected: Vec<Item> = self.model.due.iter().filter(begun).map(|(entry, ..)| *entry).collect();
        expected.sort();
        let mut asked = Vec::new();
        for index in before..self.book.records.len() {
            let record = &self.book.records[index];
            let (command, outcome) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
            let Command::Reverse(reverse) = command else { continue };
            asked.push(reverse.entry);
            let got = match outcome {
                Outcome::Accepted(_) => Ok(()),
                Outcome::Refused(refusal) => Err(refusal.reason()),
            };
            assert_eq!(self.reversed(&reverse), got, "{reverse:?}");
        }
        assert_eq!(asked, expected);
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
    fn a_naive_ledger_agrees(
        ops in prop::collection::vec(op(), 1..60),
        later in prop::option::of(prop::collection::vec(op(), 1..40)),
    ) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
        }
        // In half of the cases a year ends and things go on.
        if let Some(later) = &later {
            while world.book.day.date() < jiff::civil::date(2018, 4, 2) {
                world.begin_day();
            }
            world.step(&Op::EndYear(0));
            world.book.restore();
            for op in later {
                world.step(op);
            }
        }
        world.agree();
    }

    /// A snapshot stands for its records: whoever goes on with it decides the same.
    #[test]
    fn a_snapshot_is_as_good_as_the_state(ops in prop::collection::vec(op(), 1..60), every in 1..5usize) {
        let mut world = World::new();
        for (n, op) in ops.iter().enumerate() {
            world.step(op);
            if n % every == 0 {
                world.book.restore();
            }
        }
        world.agree();
    }
}
