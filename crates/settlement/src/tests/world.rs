//! A journal of settlement and a small ledger beside it.

use crate::*;
use journal::{Blobs, Day, Digest, Domain, Events, Instant, Item, Moment, Outcome, Position, RequestId};
use money::{NetPence, Pence, Rounding, Side};
use nhs::OdsCode;
use reference::{
    BankDetails, Channel, Contract, Cut, Mechanism, Organisation, PaymentChannel, Role, Scope, Snapshot,
    System, Validity,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) const ANN: Position = Position::new(1);
pub(crate) const BOB: Position = Position::new(2);

pub(crate) fn ods(text: &str) -> OdsCode {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn cut(text: &str) -> Cut {
    text.parse().unwrap()
}

pub(crate) fn payee(text: &str) -> Payee {
    text.parse().unwrap()
}

pub(crate) fn request(number: u64) -> RequestId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes[6] = 0x70;
    bytes[8] |= 0x80;
    RequestId::from_bytes(bytes).unwrap()
}

pub(crate) fn snapshot() -> Snapshot {
    let since = Validity::since(day("2017-04-01"));
    let contract = |id: &str, payer: &str, provider: &str, mechanism| Contract {
        id: id.parse().unwrap(),
        payers: Scope::these([ods(payer)]),
        provider: ods(provider),
        functions: Scope::All,
        validity: Validity::between(day("2017-04-01"), day("2018-03-31")),
        mechanism,
        rounding: Rounding::NearestPenny,
        price_tolerance: Pence::from_u32(1),
        ubrn_required_from: None,
        source: "test".into(),
        pricing: None,
    };
    let value = Pence::from_u32(1_000_000_00);
    let mut rows = Snapshot::empty(System {
        name: "berkshire-west".into(),
        title: "Berkshire West".into(),
        sandbox: true,
        members: ["10M", "10N", "RHW", "RWX"].map(ods).to_vec(),
    });
    rows.organisations = [
        ("10M", Role::Ccg),
        ("10N", Role::Ccg),
        ("NT3", Role::Independent),
        ("RHW", Role::NhsTrust),
        ("RWX", Role::NhsTrust),
    ]
    .map(|(code, role)| Organisation {
        ods: ods(code),
        name: format!("{code} name"),
        role,
        open: since,
        successor: None,
        source: "test".into(),
    })
    .to_vec();
    rows.contracts = vec![
        contract("10M-NT3", "10M", "NT3", Mechanism::CostPerCase),
        contract("10M-RHW", "10M", "RHW", Mechanism::OnAccount { annual_value: value, day_of_month: 15 }),
        contract("10N-RWX", "10N", "RWX", Mechanism::Block { annual_value: value, day_of_month: 1 }),
    ];
    rows.payment_channels = ["10M", "10N"]
        .map(|code| PaymentChannel { payer: ods(code), channel: Channel::Bank, validity: since })
        .to_vec();
    rows.bank_details = ["10M", "10N", "NT3", "RHW", "RWX"]
        .iter()
        .zip(1..)
        .map(|(code, number)| BankDetails {
            organisation: ods(code),
            account_name: format!("{code} ACCOUNT"),
            sort_code: "08-32-10".parse().unwrap(),
            account_number: format!("{number:08}").parse().unwrap(),
            validity: since,
        })
        .collect();
    rows
}

#[derive(Default)]
pub(crate) struct MemoryBlobs(BTreeMap<Digest, Arc<[u8]>>);

impl Blobs for MemoryBlobs {
    fn blob(&self, digest: Digest) -> Option<Arc<[u8]>> {
        self.0.get(&digest).cloned()
    }
}

impl MemoryBlobs {
    pub(crate) fn put(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.0.insert(digest, bytes.into());
        digest
    }
}

/// A journal: its state, its records, its blobs.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) blobs: MemoryBlobs,
    records: Vec<(Moment, journal::Kind, Vec<u8>)>,
    pub(crate) today: Day,
    next_request: u64,
}

impl World {
    /// A journal on 1 June 2017 with reference data.
    pub(crate) fn new() -> Self {
        let mut world = Self::empty();
        world.adopt(&snapshot());
        world
    }

    pub(crate) fn empty() -> Self {
        Self {
            state: State::default(),
            blobs: MemoryBlobs::default(),
            records: Vec::new(),
            today: day("2017-06-01"),
            next_request: 1,
        }
    }

    pub(crate) fn adopt(&mut self, rows: &Snapshot) {
        let bytes = rows.encode();
        let adopted = Adopted::read(&bytes).unwrap();
        let terms = AdoptTerms { digest: self.blobs.put(bytes) };
        self.submit(Command::AdoptReference(AdoptReference { terms, adopted })).unwrap();
    }

    pub(crate) fn new_request(&mut self) -> RequestId {
        self.next_request += 1;
        request(self.next_request)
    }

    pub(crate) fn submit(&mut self, command: Command) -> Result<Events<Event>, Refusal> {
        let id = self.new_request();
        self.submit_as(BOB, id, command)
    }

    pub(crate) fn submit_as(
        &mut self,
        caller: Position,
        request_id: RequestId,
        command: Command,
    ) -> Result<Events<Event>, Refusal> {
        let position = Position::new(self.records.len() as u64 + 10);
        let at = Moment {
            position,
            recorded_time: Instant::start_of(self.today).plus_micros(i64::try_from(position.get()).unwrap()),
            business_date: self.today,
            request_id,
            caller,
        };
        let outcome = match Settlement::decide(&self.state, &at, &command) {
            Ok(events) => Outcome::Accepted(events),
            Err(refusal) => Outcome::Refused(refusal),
        };
        let mut body = Vec::new();
        Settlement::encode(&command, &outcome, &mut body);
        self.records.push((at, Settlement::kind(&command), body));
        match outcome {
            Outcome::Accepted(events) => {
                for event in &events {
                    Settlement::apply(&mut self.state, &at, &command, event);
                }
                Ok(events)
            }
            Outcome::Refused(refusal) => Err(refusal),
        }
    }

    pub(crate) fn roll_to(&mut self, to: &str) {
        while self.today < day(to) {
            self.today = self.today.plus(1);
            for command in Settlement::day_roll(&self.state, self.today) {
                self.submit(command).unwrap();
            }
        }
    }

    /// Throws the state away and replays the records, as after a crash.
    pub(crate) fn restart(&mut self) {
        let before = shown(&self.state);
        let mut state = State::default();
        for (at, kind, body) in &self.records {
            let (command, outcome) = Settlement::decode(*kind, body, &self.blobs).unwrap();
            let mut again = Vec::new();
            Settlement::encode(&command, &outcome, &mut again);
            assert_eq!(&again, body, "a record is encoded as it was read");
            if let Outcome::Accepted(events) = outcome {
                for event in &events {
                    Settlement::apply(&mut state, at, &command, event);
                }
            }
        }
        assert_eq!(shown(&state), before, "a replay makes the same state");
        self.state = state;
    }

    /// Carries every open ask to the ledger and records the answers.
    pub(crate) fn carry(&mut self, ledger: &mut Ledger) {
        let asks: Vec<(Item, Posting)> =
            self.state.asks().map(|(item, ask)| (item, ask.posting.clone())).collect();
        if asks.is_empty() {
            return;
        }
        let answers = asks.into_iter().map(|(item, posting)| (item, ledger.post(&posting))).collect();
        self.submit(Command::SettleAsks(SettleAsks { answers })).unwrap();
    }

    pub(crate) fn sources(&self, run: RequestId, ledger: &Ledger, of: &str) -> Sources {
        Sources {
            run,
            system: "berkshire-west".into(),
            cut: cut(of),
            pay_on: self.today,
            cuts: ledger.sealed_cuts(cut(of)),
            windows: ledger.windows(),
            accounts: ledger.accounts(),
            sites: BTreeMap::new(),
        }
    }

    /// Prepares a run as Ann, from the ledger as it stands.
    pub(crate) fn prepare(&mut self, ledger: &Ledger, of: &str) -> Result<RequestId, Refusal> {
        let run = self.new_request();
        let content = prepare(&self.state, &self.sources(run, ledger, of)).unwrap();
        self.submit_content(run, content)
    }

    pub(crate) fn submit_content(
        &mut self,
        run: RequestId,
        content: RunContent,
    ) -> Result<RequestId, Refusal> {
        let digest = self.blobs.put(content.to_cbor());
        let prepare = PrepareRun { terms: PrepareTerms { digest }, content: Arc::new(content) };
        self.submit_as(ANN, run, Command::PrepareRun(prepare)).map(|_| run)
    }

    pub(crate) fn approve(&mut self, run: RequestId) -> Result<Events<Event>, Refusal> {
        let digest = self.digest(run);
        self.submit(Command::ApproveRun(ApproveRun { run, digest, pins: None }))
    }

    pub(crate) fn pay(&mut self, run: RequestId) -> Result<Events<Event>, Refusal> {
        let digest = self.digest(run);
        self.submit(Command::PayRun(PayRun { run, digest }))
    }

    pub(crate) fn digest(&self, run: RequestId) -> Digest {
        self.state.run(run).map_or_else(Digest::default, |run| run.digest)
    }

    pub(crate) fn record_files(&mut self, run: RequestId) -> Result<Events<Event>, Refusal> {
        let files = files::make(self.state.run(run).unwrap(), &people()).unwrap();
        let files = files.into_iter().map(|file| file.facts).collect();
        self.submit(Command::RecordFiles(RecordFiles { run, files }))
    }

    pub(crate) fn bank(&mut self, message: BankMessage) -> Vec<EntryOutcome> {
        let blob = self.blobs.put(message.to_cbor());
        let record = RecordBankMessage { blob, message: Arc::new(message) };
        let events = self.submit(Command::RecordBankMessage(record)).unwrap();
        let Event::BankMessageRecorded { outcomes } = &events[0] else { panic!("{events:?}") };
        outcomes.clone()
    }

    pub(crate) fn run_state(&self, run: RequestId) -> RunState {
        self.state.run(run).unwrap().state
    }
}

/// Everything of a state that a reader sees, as text.
pub(crate) fn shown(state: &State) -> String {
    let runs: Vec<String> = state
        .runs_from(0)
        .map(|run| {
            format!("{} {:?} {:?} {:?} {:?}", run.id, run.state, run.approval, run.payments, run.files)
        })
        .collect();
    format!(
        "{runs:#?}\n{:#?}\n{:#?}\n{:#?}\n{:?}\n{:?}",
        state.asks, state.instalments, state.paid, state.messages, state.refused
    )
}

pub(crate) fn people() -> BTreeMap<PlanId, files::PersonDetails> {
    let details =
        files::PersonDetails::new("A PERSON", "08-32-10".parse().unwrap(), "00000099".parse().unwrap());
    (1..10).map(|number| (format!("phb-{number}").parse().unwrap(), details.clone())).collect()
}

/// A statement on one payer's account.
pub(crate) fn statement(payer: &str, name: &str, entries: &[(Option<&str>, i64, Direction)]) -> BankMessage {
    let entry = |(id, pence, direction): &(Option<&str>, i64, Direction)| BankEntry {
        payer: Some(ods(payer)),
        end_to_end_id: id.map(str::to_owned),
        pence: Pence::new(*pence),
        direction: *direction,
        on: Some(day("2017-08-24")),
        reason: None,
    };
    BankMessage {
        digest: Digest::of(name.as_bytes()),
        kind: MessageKind::Statement,
        id: name.to_owned(),
        statements: Vec::new(),
        entries: entries.iter().map(entry).collect(),
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    seq: u32,
    total: i64,
    sealed: bool,
    paid: i64,
}

/// The part of a ledger that settlement sees: windows, balances, and one outcome for each request id.
#[derive(Default)]
pub(crate) struct Ledger {
    windows: BTreeMap<(OdsCode, Payee, WindowKey), Window>,
    pub(crate) balances: BTreeMap<String, i64>,
    pub(crate) answered: BTreeMap<RequestId, LedgerAnswer>,
    /// Payees whose payments are refused.
    pub(crate) refuses: BTreeSet<String>,
    pub(crate) posted: u64,
}

impl Ledger {
    /// Activity accepted: a credit of `pence` on a line's payable, in a window.
    pub(crate) fn owe(&mut self, line: &str, to: &str, key: WindowKey, pence: i64) {
        let name = (line.parse::<BudgetLine>().unwrap().payer, payee(to), key);
        let window = self.windows.entry(name).or_default();
        assert!(!window.sealed, "a sealed window takes nothing more");
        window.seq += 1;
        window.total += pence;
        *self.balances.entry(format!("{line}/owed/payable/{to}")).or_default() += pence;
    }

    pub(crate) fn seal_all(&mut self) {
        self.windows.values_mut().for_each(|window| window.sealed = true);
    }

    /// The sum of all that is owed, and of all that is in transit or paid.
    pub(crate) fn sum(&self, part: &str) -> i64 {
        self.balances.iter().filter(|(path, _)| path.contains(part)).map(|(_, balance)| balance).sum()
    }

    pub(crate) fn post(&mut self, posting: &Posting) -> LedgerAnswer {
        if let Some(answer) = self.answered.get(&posting.request_id) {
            return answer.clone();
        }
        let answer = self.decide(posting);
        self.answered.insert(posting.request_id, answer.clone());
        answer
    }

    fn decide(&mut self, posting: &Posting) -> LedgerAnswer {
        let denied = |reason: &str| LedgerAnswer::Denied { reason: LedgerReason::new(reason) };
        let net: i64 = posting.legs.iter().map(signed).sum();
        assert_eq!(net, 0, "a posting balances");
        assert!(posting.legs.len() <= 64);
        for leg in &posting.legs {
            if self.refuses.iter().any(|payee| leg.account.ends_with(payee.as_str())) {
                return denied("ACCOUNT_CLOSED");
            }
            if let Some(WindowUse::Pays(key)) = leg.window {
                let window = self.windows[&name(leg, key)];
                let paid = window.paid - signed(leg);
                if !window.sealed || !(window.total.min(0)..=window.total.max(0)).contains(&paid) {
                    return denied("WINDOW_OVERPAID");
                }
            }
        }
        for leg in &posting.legs {
            *self.balances.entry(leg.account.clone()).or_default() += signed(leg);
            match leg.window {
                Some(WindowUse::Pays(key)) => {
                    self.windows.get_mut(&name(leg, key)).unwrap().paid -= signed(leg);
                }
                Some(WindowUse::Adds(key)) => {
                    let (payer, payee, key) = name(leg, key);
                    let key =
                        if let WindowKey::Run(_) = key { self.run_in_force(payer, &payee) } else { key };
                    let window = self.windows.entry((payer, payee, key)).or_default();
                    window.seq += 1;
                    window.total += signed(leg);
                }
                None => {}
            }
        }
        self.posted += 1;
        LedgerAnswer::Granted { position: Position::new(self.posted) }
    }

    fn run_in_force(&self, payer: OdsCode, payee: &Payee) -> WindowKey {
        let sealed = |number: &u32| {
            self.windows
                .get(&(payer, payee.clone(), WindowKey::Run(*number)))
                .is_some_and(|window| window.sealed)
        };
        WindowKey::Run((1..).find(|number| !sealed(number)).unwrap())
    }

    fn windows(&self) -> Vec<LedgerWindow> {
        self.windows
            .iter()
            .map(|((payer, payee, key), window)| LedgerWindow {
                payer: *payer,
                payee: payee.clone(),
                key: *key,
                seq: window.seq,
                total: NetPence::new(window.total),
                sealed: window.sealed,
                paid: NetPence::new(window.paid),
            })
            .collect()
    }

    fn accounts(&self) -> Vec<PayableAccount> {
        let account = |(path, balance): (&String, &i64)| {
            let (line, to) = path.split_once("/owed/payable/")?;
            let balance = NetPence::new(*balance);
            Some(PayableAccount { line: line.parse().unwrap(), payee: payee(to), balance })
        };
        self.balances.iter().filter_map(account).collect()
    }

    /// What referrals would have sealed: the same totals, kept apart in a real journal.
    fn sealed_cuts(&self, through: Cut) -> Vec<SealedCut> {
        let mut cuts: BTreeMap<Cut, Vec<CutPart>> = BTreeMap::from([(through, Vec::new())]);
        for ((payer, payee, key), window) in &self.windows {
            if let WindowKey::Cut(cut) = key
                && *cut <= through
            {
                let payable = NetPence::new(window.total);
                let part = CutPart { payer: *payer, payee: payee.clone(), lines: window.seq.into(), payable };
                cuts.entry(*cut).or_default().push(part);
            }
        }
        cuts.into_iter().map(|(cut, parts)| SealedCut { cut, seal: Position::new(7), parts }).collect()
    }
}

/// Credits less debits.
fn signed(leg: &Leg) -> i64 {
    if leg.side == Side::Credit { leg.pence.get() } else { -leg.pence.get() }
}

fn name(leg: &Leg, key: WindowKey) -> (OdsCode, Payee, WindowKey) {
    let (line, to) = leg.account.split_once("/owed/payable/").unwrap();
    (line.parse::<BudgetLine>().unwrap().payer, payee(to), key)
}
