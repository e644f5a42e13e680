//! A ledger without files: commands in, outcomes and records out, and the text grid of the table tests.
#![allow(dead_code, reason = "each test file uses its part")]

use journal::{
    Day, Domain, Instant, Item, Moment, NoBlobs, Outcome, Position, RequestId, derived_request_id,
};
use ledger::{
    AccountPath, Act, AnswerWith, Approve, Command, EntryKind, Event, HoldAction, Ledger, Leg, LinePosition,
    MarkPeriod, OpenAccount, PostGroup, Posting, Propose, Refusal, Reverse, RollForward, SealWindows,
    SetLimit, Severity, ShutFund, Stage, State, WindowKey, WindowName, WindowUse, Withdraw,
};
use money::{NetPence, Pence, Side};
use std::{collections::BTreeMap, fmt::Write as _};

pub(crate) struct Record {
    pub(crate) at: Moment,
    pub(crate) kind: journal::Kind,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Book {
    pub(crate) state: State,
    pub(crate) day: Day,
    pub(crate) caller: Position,
    pub(crate) records: Vec<Record>,
    names: BTreeMap<String, (Item, RequestId)>,
}

pub(crate) fn request_id(name: &str) -> RequestId {
    let root: RequestId = "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap();
    derived_request_id("test", root, name.as_bytes())
}

impl Default for Book {
    fn default() -> Self {
        Self {
            state: State::default(),
            day: "2017-06-01".parse().unwrap(),
            caller: Position::FIRST,
            records: Vec::new(),
            names: BTreeMap::new(),
        }
    }
}

/// The state as a snapshot holds it.
pub(crate) fn snapshot(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    Ledger::encode_state(state, &mut bytes);
    bytes
}

impl Book {
    pub(crate) fn submit(&mut self, id: RequestId, command: &Command) -> (Position, Result<Event, Refusal>) {
        let at = Moment {
            position: Position::new(self.records.len() as u64),
            recorded_time: Instant::start_of(self.day),
            business_date: self.day,
            request_id: id,
            caller: self.caller,
        };
        let outcome = match Ledger::decide(&self.state, &at, command) {
            Ok(events) => {
                for event in &events {
                    Ledger::apply(&mut self.state, &at, command, event);
                }
                Outcome::Accepted(events)
            }
            Err(refusal) => Outcome::Refused(refusal),
        };
        let mut body = Vec::new();
        Ledger::encode(command, &outcome, &mut body);
        assert!(body.len() <= journal::RECORD_BYTES_MAX - journal::HEADER_BYTES, "{} bytes", body.len());
        self.records.push(Record { at, kind: Ledger::kind(command), body });
        let answer = match outcome {
            Outcome::Accepted(events) => Ok(events[0].clone()),
            Outcome::Refused(refusal) => Err(refusal),
        };
        (at.position, answer)
    }

    pub(crate) fn roll_to(&mut self, day: Day) {
        while self.day < day {
            self.day = self.day.plus(1);
            for (index, command) in Ledger::day_roll(&self.state, self.day).into_iter().enumerate() {
                let id = request_id(&format!("roll {} {index}", self.day));
                let answer = self.submit(id, &command).1;
                // Of what falls due, only a reversal may be refused, and is asked again the next day.
                assert!(answer.is_ok() || matches!(command, Command::Reverse(_)), "{command:?} {answer:?}");
            }
        }
    }

    /// The number of the account at `path`, opened when it is new.
    pub(crate) fn account(&mut self, path: &str) -> Position {
        let path: AccountPath = path.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let command = Command::OpenAccount(OpenAccount { path: path.clone() });
        match self.state.account_at(path.as_str()) {
            Some(account) => account.number,
            None => match self.submit(request_id(path.as_str()), &command) {
                (_, Ok(Event::AccountOpened { account })) => account,
                other => panic!("{path}: {other:?}"),
            },
        }
    }

    /// What the records say when they are read again.
    pub(crate) fn replayed(&self) -> State {
        let mut state = State::default();
        for record in &self.records {
            let (command, outcome) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
            let mut again = Vec::new();
            Ledger::encode(&command, &outcome, &mut again);
            assert_eq!(again, record.body, "what was read is written the same");
            if let Outcome::Accepted(events) = outcome {
                for event in &events {
                    Ledger::apply(&mut state, &record.at, &command, event);
                }
            }
        }
        state
    }

    /// The identity, the sums and the replay.
    pub(crate) fn check(&self) {
        self.identity();
        let replayed = self.replayed();
        assert_eq!(summary(&self.state), summary(&replayed));
        assert_eq!(snapshot(&self.state), snapshot(&replayed), "the same records give the same snapshot");
    }

    /// Goes on with what a snapshot of the state holds, instead of the state.
    pub(crate) fn restore(&mut self) {
        let bytes = snapshot(&self.state);
        self.state = Ledger::decode_state(&bytes, &NoBlobs).unwrap();
        assert_eq!(snapshot(&self.state), bytes);
    }

    /// `allocated = committed + accrued + paid + available` of every line, and debits equal credits.
    pub(crate) fn identity(&self) {
        let sums = self.state.sums();
        assert_eq!(sums.debits, sums.credits, "the books balance");
        for line in self.state.lines_after(None) {
            let LinePosition { allocated, committed, accrued, paid, available, .. } = line.position;
            let parts = committed.plus_total(accrued).plus_total(paid).plus_total(available);
            assert_eq!(allocated, parts, "{}", line.path);
        }
    }

    /// Runs a grid: one command or expectation per line.
    pub(crate) fn run(&mut self, grid: &str) {
        for line in grid.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (line, expected) = line.split_once("->").map_or((line, "ok"), |(l, e)| (l.trim(), e.trim()));
            if let Some(answer) = self.step(line) {
                let got = answer.map_or_else(|refusal| refusal.reason(), |_| "ok");
                assert_eq!(got, expected, "{line}");
            }
        }
        self.check();
    }

    fn step(&mut self, line: &str) -> Option<Result<Event, Refusal>> {
        let (word, rest) = line.split_once(' ').unwrap();
        let id = request_id(&format!("{} {line}", self.records.len()));
        let command = match word {
            "open" => {
                return Some(
                    self.submit(id, &Command::OpenAccount(OpenAccount { path: path(rest).parse().unwrap() }))
                        .1,
                );
            }
            "day" => {
                self.roll_to(rest.parse().unwrap());
                return None;
            }
            "line" | "balance" | "window" | "hold" => {
                self.expect(word, rest);
                return None;
            }
            "post" => {
                let (head, legs) = rest.split_once(':').unwrap();
                let (name, kind) = head.trim().split_once(' ').unwrap();
                let posting = self.posting(kind.trim(), legs);
                let (position, answer) = self.submit(request_id(name), &Command::Post(posting));
                self.names.insert(name.into(), (Item { position, index: 0 }, request_id(name)));
                return Some(answer);
            }
            "reverse" => self.reversal(rest),
            "limit" => {
                let mut words = rest.split_whitespace();
                let severity = if words.next() == Some("hard") { Severity::Hard } else { Severity::Warn };
                let node = path(words.next().unwrap()).parse().unwrap();
                let (mut floor, mut ceiling) = (None, None);
                for word in words {
                    let (key, value) = word.split_once('=').unwrap();
                    let value = Some(NetPence::new(value.parse().unwrap()));
                    if key == "floor" { floor = value } else { ceiling = value }
                }
                Command::SetLimit(SetLimit { node, severity, floor, ceiling, reason: "test".into() })
            }
            "close" => Command::CloseAccount { account: self.account(&path(rest)) },
            "seal" => {
                let (payer, payee, key) = window_name(rest);
                Command::SealWindows(SealWindows { windows: vec![WindowName { payer, payee, key }] })
            }
            "close-period" | "reopen-period" | "soft-close-period" => {
                let mark = MarkPeriod { period: rest.parse().unwrap(), reason: "test".into() };
                match word {
                    "close-period" => Command::ClosePeriod(mark),
                    "reopen-period" => Command::ReopenPeriod(mark),
                    _ => Command::SoftClosePeriod(mark),
                }
            }
            "end-year" => {
                Command::ShutFund(ShutFund { line: path(rest).parse().unwrap(), reason: "test".into() })
            }
            "roll" => {
                let mut words = rest.split_whitespace();
                let line = path(words.next().unwrap()).parse().unwrap();
                let (mut accounts, mut holds) = (Vec::new(), Vec::new());
                for word in words {
                    if word.contains('/') {
                        accounts.push(self.account(&path(word)));
                    } else {
                        holds.push(request_id(word));
                    }
                }
                Command::RollForward(RollForward { line, accounts, holds })
            }
            "as" => {
                self.caller = Position::new(rest.parse().unwrap());
                return None;
            }
            "propose" => {
                let (name, act) = rest.split_once(' ').unwrap();
                let (act, expires) =
                    act.split_once(" expires ").map_or((act, None), |(act, day)| (act, Some(day)));
                let expires = expires.map(|day| day.parse().unwrap());
                let act = match act.split_once(' ').unwrap() {
                    ("reopen", month) => Act::Reopen(month.parse().unwrap()),
                    (_, posting) => {
                        let (kind, legs) = posting.split_once(':').unwrap();
                        Act::Post(PostGroup { postings: vec![self.posting(kind.trim(), legs)] })
                    }
                };
                let (position, answer) =
                    self.submit(id, &Command::Propose(Propose { act, reason: "test".into(), expires }));
                self.names.insert(name.into(), (Item { position, index: 0 }, id));
                return Some(answer);
            }
            "approve" => self.approval(rest),
            "withdraw" => {
                Command::Withdraw(Withdraw { proposal: self.names[rest].0.position, reason: "test".into() })
            }
            other => panic!("no such word: {other}"),
        };
        Some(self.submit(id, &command).1)
    }

    fn reversal(&self, name: &str) -> Command {
        let entry = self.names[name].0;
        let record = &self.records[usize::try_from(entry.position.get()).unwrap()];
        let (command, outcome) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
        let posting = ledger::entries(&command, &outcome)
            .find(|(index, ..)| *index == entry.index)
            .map(|(_, posting, posted)| Posting::reversal_of(entry, &posting, posted, self.day));
        let posting = posting.unwrap_or_else(|| Posting::new(EntryKind::Reversal, self.day, vec![]));
        Command::Reverse(Reverse { entry, reason: "test".into(), posting })
    }

    fn approval(&self, name: &str) -> Command {
        let proposal = self.names[name].0.position;
        let record = &self.records[usize::try_from(proposal.get()).unwrap()];
        let (command, _) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
        let Command::Propose(propose) = command else { panic!("{name}") };
        Command::Approve(Approve { proposal, digest: propose.digest(), propose })
    }

    fn posting(&mut self, kind: &str, legs: &str) -> Posting {
        let kind =
            EntryKind::ALL.into_iter().find(|k| k.as_str() == kind).unwrap_or_else(|| panic!("{kind}"));
        let mut posting = Posting::new(kind, self.day, Vec::new());
        for part in legs.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let words: Vec<&str> = part.split_whitespace().collect();
            match words.as_slice() {
                ["D" | "C", account, pence, window @ ..] => {
                    let side = if words[0] == "D" { Side::Debit } else { Side::Credit };
                    let window = match window {
                        [] => None,
                        ["adds", key @ ..] => Some(WindowUse::Adds(window_key(key))),
                        ["pays", key @ ..] => Some(WindowUse::Pays(window_key(key))),
                        other => panic!("{other:?}"),
                    };
                    let account = self.account(&path(account));
                    posting.legs.push(Leg { account, side, pence: pence_of(pence), window });
                }
                ["place", account, pence, "until", day] => {
                    let account = self.account(&path(account));
                    let expires = day.parse().unwrap();
                    posting.holds.push(HoldAction::Place {
                        account,
                        pence: pence_of(pence),
                        expires,
                        name: None,
                    });
                }
                ["capture", hold, pence @ ..] => {
                    let pence = pence.first().map(|text| pence_of(text));
                    posting.holds.push(HoldAction::Capture { hold: request_id(hold), pence });
                }
                ["release", hold] => posting.holds.push(HoldAction::Release { hold: request_id(hold) }),
                ["accounted", day] => posting.accounting_date = Some(day.parse().unwrap()),
                ["reverses", month] => posting.reverses_in = Some(month.parse().unwrap()),
                ["balances"] => posting.answer = Some(AnswerWith::Balances),
                ["corrects", name] => posting.corrects = Some(self.names[*name].0),
                ["happened", day] => posting.effective_date = day.parse().unwrap(),
                other => panic!("{other:?}"),
            }
        }
        posting
    }

    fn expect(&self, word: &str, rest: &str) {
        match word {
            "line" => {
                let (line, columns) = rest.split_once(' ').unwrap();
                let line = self.state.line_at(&path(line)).unwrap_or_else(|| panic!("{line}"));
                for column in columns.split_whitespace() {
                    let (name, pence) = column.split_once('=').unwrap();
                    let p = line.position;
                    let total = match name {
                        "allocated" => p.allocated,
                        "committed" => p.committed,
                        "accrued" => p.accrued,
                        "contested" => p.contested,
                        "paid" => p.paid,
                        "transferred" => p.transferred,
                        "available" => p.available,
                        "expenditure" => p.expenditure,
                        other => panic!("{other}"),
                    };
                    assert_eq!(total.get(), pence.parse::<i128>().unwrap(), "{rest}: {name}");
                }
            }
            "balance" => {
                let (node, pence) = rest.split_once(' ').unwrap();
                let node = self.state.node_at(&path(node)).unwrap();
                assert_eq!(node.totals.balance(node.side).get(), pence.parse::<i128>().unwrap(), "{rest}");
            }
            "hold" => {
                let (name, pence) = rest.split_once(' ').unwrap();
                let remaining = self.state.hold(request_id(name)).map_or(0, |hold| hold.remaining.get());
                assert_eq!(remaining, pence.parse::<i64>().unwrap(), "{rest}");
            }
            _ => {
                let (name, expected) = rest.split_once('=').unwrap();
                let (payer, payee, key) = window_name(name);
                let window = self.state.window_named(&payer, &payee, key).unwrap_or_else(|| panic!("{rest}"));
                let sealed = if window.sealed { " sealed" } else { "" };
                let got = format!(
                    "seq {} total {} paid {}{sealed}",
                    window.seq,
                    window.total.get(),
                    window.paid.get()
                );
                assert_eq!(got, expected.trim(), "{rest}");
            }
        }
    }
}

fn pence_of(text: &str) -> Pence {
    Pence::new(text.parse().unwrap()).unwrap()
}

/// `E/…` and `P/…` are this year's elective and PHB lines of 10M, `N/…` next year's elective, `M/…` the merged payer's.
pub(crate) fn path(short: &str) -> String {
    let (head, rest) = short.split_once('/').map_or((short, String::new()), |(h, r)| (h, format!("/{r}")));
    match head {
        "E" => format!("10M/elective/2017-18{rest}"),
        "P" => format!("10M/phb/2017-18{rest}"),
        "N" => format!("10M/elective/2018-19{rest}"),
        "NP" => format!("10M/phb/2018-19{rest}"),
        "M" => format!("15A/elective/2017-18{rest}"),
        "R" => "resource-limit/10M/2017-18".into(),
        "RN" => "resource-limit/10M/2018-19".into(),
        _ => short.into(),
    }
}

fn window_key(words: &[&str]) -> WindowKey {
    match words {
        ["cut", period, stage] => WindowKey::Cut {
            period: period.parse().unwrap(),
            stage: if *stage == "flex" { Stage::Flex } else { Stage::Freeze },
        },
        ["instalment", due] => WindowKey::Instalment { due: due.parse().unwrap() },
        ["run", number] => WindowKey::Run { number: number.parse().unwrap() },
        other => panic!("{other:?}"),
    }
}

fn window_name(text: &str) -> (String, String, WindowKey) {
    let words: Vec<&str> = text.split_whitespace().collect();
    (words[0].into(), words[1].into(), window_key(&words[2..]))
}

/// Everything that can be read from a state, as text.
pub(crate) fn summary(state: &State) -> String {
    let mut text = String::new();
    for account in state.accounts_after(None) {
        writeln!(text, "{account:?} {:?}", state.node_at(account.path)).unwrap();
    }
    for line in state.lines_after(None) {
        writeln!(text, "{line:?}").unwrap();
    }
    for hold in state.holds_after(None) {
        writeln!(text, "{hold:?}").unwrap();
    }
    for window in state.windows_from(0) {
        writeln!(text, "{window:?}").unwrap();
    }
    for limit in state.limits_in_force() {
        writeln!(text, "{limit:?}").unwrap();
    }
    writeln!(text, "{:?} {:?}", state.sums(), state.shut_periods().collect::<Vec<_>>()).unwrap();
    writeln!(text, "{:?}", state.due_reversals().collect::<Vec<_>>()).unwrap();
    writeln!(text, "{:?}", state.proposals().collect::<Vec<_>>()).unwrap();
    text
}
