//! Whatever is owed, whoever crashes: everything is paid once.

use super::world::*;
use crate::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What happens next.
#[derive(Debug, Clone)]
enum Act {
    /// Something becomes owed: line, payee, window, pence.
    Owe(usize, usize, usize, i64),
    /// A run is prepared, approved and told to pay.
    Pay,
    /// Some open asks are answered, in any order, and only some of the answers are recorded.
    Carry { posted: usize, recorded: usize },
    /// The process ends and starts again.
    Crash,
    /// The bank settles, rejects or returns the payment of that number.
    Bank { payment: usize, say: Direction },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let say = prop_oneof![
        Just(Direction::Out),
        Just(Direction::In),
        Just(Direction::Accepted),
        Just(Direction::Rejected)
    ];
    let act = prop_oneof![
        4 => (0_usize..3, 0_usize..4, 0_usize..3, -500_i64..1_500).prop_map(|(l, p, w, a)| Act::Owe(l, p, w, a)),
        2 => Just(Act::Pay),
        3 => (0_usize..6, 0_usize..6).prop_map(|(posted, recorded)| Act::Carry { posted, recorded }),
        1 => Just(Act::Crash),
        3 => (0_usize..12, say).prop_map(|(payment, say)| Act::Bank { payment, say }),
    ];
    prop::collection::vec(act, 1..40)
}

const LINES: [&str; 3] = ["10M/elective/2017-18", "10N/elective/2017-18", "10M/phb/2017-18"];
const PAYEES: [&str; 4] = ["NT3", "RHW", "RWX", "phb-3"];

struct Play {
    world: World,
    ledger: Ledger,
    owed: i64,
    ids: Vec<(String, String, i64)>,
    files: BTreeMap<journal::RequestId, Vec<RunFile>>,
    messages: u32,
    windows: i32,
}

impl Play {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Owe(_, _, _, 0) => {}
            Act::Owe(line, payee, window, pence) => {
                // A new due date each time: a window that a run has sealed takes nothing more.
                self.windows += 1;
                let due = day("2016-01-01").plus(self.windows * 3 + i32::try_from(*window).unwrap());
                self.ledger.owe(LINES[*line], PAYEES[*payee], WindowKey::Instalment(due), *pence);
                self.owed += pence;
            }
            Act::Pay => self.pay(),
            Act::Carry { posted, recorded } => self.carry(*posted, *recorded),
            Act::Crash => self.world.restart(),
            Act::Bank { payment, say } => self.bank(*payment, *say),
        }
    }

    fn pay(&mut self) {
        self.ledger.seal_all();
        let id = self.world.new_request();
        let sources = self.world.sources(id, &self.ledger, "2017-06/freeze");
        let content = prepare(&self.world.state, &sources).unwrap();
        let sum: i64 = content.rows.iter().map(|row| row.net.get()).sum();
        let instructing = self.world.state.instructing().is_some();
        if !instructing {
            assert_eq!(sum, self.ledger.sum("owed/payable"), "a run holds all that is owed");
        }
        let Ok(run) = self.world.submit_content(id, content) else {
            return;
        };
        self.world.approve(run).unwrap();
        self.world.pay(run).unwrap();
        for (_, row) in self.world.state.run(run).unwrap().content.payments() {
            if let Decision::Pay { end_to_end_id, .. } = &row.decision {
                self.ids.push((row.line.payer.to_string(), end_to_end_id.clone(), row.net.get()));
            }
        }
    }

    fn carry(&mut self, posted: usize, recorded: usize) {
        let asks: Vec<_> = self.world.state.asks().map(|(item, ask)| (item, ask.posting.clone())).collect();
        let answers: Vec<_> =
            asks.iter().take(posted).map(|(item, posting)| (*item, self.ledger.post(posting))).collect();
        let answers: Vec<_> = answers.into_iter().take(recorded).collect();
        if !answers.is_empty() {
            self.world.submit(Command::SettleAsks(SettleAsks { answers })).unwrap();
        }
    }

    fn bank(&mut self, payment: usize, say: Direction) {
        let Some((payer, id, pence)) = self.ids.get(payment).cloned() else { return };
        self.messages += 1;
        let message = statement(&payer, &self.messages.to_string(), &[(Some(&id), pence, say)]);
        self.world.bank(message);
    }

    fn write_files(&mut self) {
        let runs: Vec<_> = self
            .world
            .state
            .runs_from(0)
            .filter(|run| run.state == RunState::Paying)
            .map(|run| run.id)
            .collect();
        for run in runs {
            if self.world.state.instructing() == Some(run) {
                continue;
            }
            let made = files::make(self.world.state.run(run).unwrap(), &people()).unwrap();
            let facts: Vec<RunFile> = made.into_iter().map(|file| file.facts).collect();
            let first = self.files.entry(run).or_insert_with(|| facts.clone());
            assert_eq!(*first, facts, "files are the same however often they are made");
            self.world.submit(Command::RecordFiles(RecordFiles { run, files: facts })).unwrap();
        }
    }

    fn check(&self) {
        let all = self.ledger.sum("owed/payable") + self.ledger.sum("out/");
        assert_eq!(all, self.owed, "what was owed is owed, in transit or paid");
        let mut paid: BTreeMap<(String, String, String), i64> = BTreeMap::new();
        for run in self.world.state.runs_from(0) {
            for (index, row) in run.content.payments() {
                let counts = run.payments.get(&index).is_some_and(|payment| payment.state.was_instructed());
                let parts: i64 = row.windows.iter().map(|window| window.part.get()).sum();
                assert_eq!(parts, row.net.get());
                for window in row.windows.iter().filter(|_| counts) {
                    let key = (row.line.to_string(), row.payee.to_string(), window.key.to_string());
                    let sum = paid.entry(key).or_default();
                    *sum += window.part.get();
                    assert!(sum.abs() <= window.total.get().abs(), "no part stands in two runs");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn everything_is_paid_once(acts in acts()) {
        let mut play = Play {
            world: World::new(),
            ledger: Ledger::default(),
            owed: 0,
            ids: Vec::new(),
            files: BTreeMap::new(),
            messages: 0,
            windows: 0,
        };
        play.world.today = day("2017-08-22");
        for act in &acts {
            play.act(act);
            play.check();
        }
        // Whatever was interrupted is carried to its end, and what the bank sent back is paid again.
        for _ in 0..3 {
            play.carry(usize::MAX, usize::MAX);
            play.write_files();
            play.pay();
        }
        play.carry(usize::MAX, usize::MAX);
        play.write_files();
        play.check();
        for index in 0..play.ids.len() {
            play.bank(index, Direction::Out);
        }
        play.carry(usize::MAX, usize::MAX);
        play.world.restart();
        prop_assert_eq!(play.ledger.sum("in-transit"), 0);
        for run in play.world.state.runs_from(0) {
            let over = matches!(run.state, RunState::Paid | RunState::Superseded);
            prop_assert!(over, "{:?}", run.state);
        }
        prop_assert_eq!(usize::try_from(play.ledger.posted), Ok(play.ledger.answered.len()));
    }
}
