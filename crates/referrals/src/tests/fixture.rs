//! A small Berkshire West, and a run of commands that checks at each step what must always hold.

use crate::{
    ActivityLine, AdoptExtract, AdoptReference, AdoptTerms, Answer, Care, Command, Event, ExtractPart,
    ExtractSum, ExtractTerms, LineAnswered, LineTag, OpenSubmission, RecordReferral, Referrals, Refusal,
    Report, Source, State, SubmitUnreadable, SusRow, UnreadableLine,
};
use journal::{Blobs, Day, Digest, Domain, Instant, Moment, Outcome, Position, RequestId};
use money::{Pence, Rounding};
use nhs::{AdministrativeCategory, AttendedOrDidNotAttend, FirstAttendance, Pseudonym};
use reference::{
    Contract, Deadlines, MarketForces, Mechanism, Organisation, Practice, Reference, Role, Scope, Site,
    Snapshot, System, Validity,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};
use tariff::{Mff, MffSource};

pub(super) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn since() -> Validity {
    Validity::since(day("2013-04-01"))
}

fn organisation(ods: &str, role: Role, open: Validity) -> Organisation {
    Organisation {
        ods: ods.parse().unwrap(),
        name: ods.into(),
        role,
        open,
        successor: (role == Role::Ccg && open.until.is_some()).then(|| "15A".parse().unwrap()),
        source: "test".into(),
    }
}

fn contract(id: &str, payers: Scope<nhs::OdsCode>, provider: &str, mechanism: Mechanism) -> Contract {
    Contract {
        id: id.parse().unwrap(),
        payers,
        provider: provider.parse().unwrap(),
        functions: if id == "NV3" { Scope::these(["110".parse().unwrap()]) } else { Scope::All },
        validity: since(),
        mechanism,
        rounding: Rounding::NearestPenny,
        price_tolerance: Pence::from_u32(100),
        ubrn_required_from: (id == "NT3").then(|| day("2017-06-15")),
        source: "test".into(),
        pricing: None,
    }
}

/// Four commissioners of the system and one outside it; a trust on account, one on block, one outside; independents.
pub(super) fn snapshot() -> Snapshot {
    let system = System { name: "test".into(), title: "Test".into(), sandbox: true, members: Vec::new() };
    let mut rows = Snapshot::empty(system);
    rows.system.members = ["10M", "10N", "15A", "RHW", "RWX"].map(|code| code.parse().unwrap()).to_vec();
    let until_merger = Validity::between(day("2013-04-01"), day("2018-03-31"));
    rows.organisations = vec![
        organisation("10M", Role::Ccg, until_merger),
        organisation("10N", Role::Ccg, until_merger),
        organisation("15A", Role::Ccg, Validity::since(day("2018-04-01"))),
        organisation("14Y", Role::Ccg, since()),
        organisation("RHW", Role::NhsTrust, since()),
        organisation("RWX", Role::NhsTrust, since()),
        organisation("RTH", Role::NhsTrust, since()),
        organisation("RNZ", Role::NhsTrust, since()),
        organisation("RZZ", Role::NhsTrust, Validity::between(day("2013-04-01"), day("2016-01-01"))),
        organisation("NT3", Role::Independent, since()),
        organisation("NV3", Role::Independent, since()),
        organisation("NXX", Role::Independent, since()),
    ];
    let site = |site: &str, payee: &str, validity| Site {
        site: site.parse().unwrap(),
        payee: payee.parse().unwrap(),
        name: site.into(),
        validity,
        source: "test".into(),
    };
    rows.sites = vec![
        site("NT344", "NT3", since()),
        site("NT399", "NT3", Validity::between(day("2013-04-01"), day("2017-05-31"))),
        site("NV323", "NV3", since()),
        site("NXX01", "NXX", since()),
    ];
    let practice = |practice: &str, ccg: &str, validity| Practice {
        practice: practice.parse().unwrap(),
        ccg: ccg.parse().unwrap(),
        validity,
        source: "test".into(),
    };
    rows.practices = vec![
        practice("K81001", "10M", since()),
        practice("K81002", "10N", since()),
        practice("K81003", "10M", Validity::between(day("2013-04-01"), day("2016-12-31"))),
        practice("J82001", "14Y", since()),
    ];
    let own = |codes: &[&str]| Scope::these(codes.iter().map(|code| code.parse().unwrap()));
    let on_account = |annual_value| Mechanism::OnAccount { annual_value, day_of_month: 15 };
    rows.contracts = vec![
        contract("NT3", Scope::All, "NT3", Mechanism::CostPerCase),
        contract("NV3", own(&["10M", "10N"]), "NV3", Mechanism::CostPerCase),
        contract("RHW-10M", own(&["10M"]), "RHW", on_account(Pence::from_u32(1_000_00))),
        contract("RHW-10N", own(&["10N"]), "RHW", on_account(Pence::from_u32(1_000_00))),
        contract(
            "RWX",
            own(&["10M"]),
            "RWX",
            Mechanism::Block { annual_value: Pence::from_u32(1), day_of_month: 1 },
        ),
        contract("RTH", own(&["10M", "10N"]), "RTH", Mechanism::CostPerCase),
        contract("RNZ", own(&["14Y"]), "RNZ", Mechanism::CostPerCase),
    ];
    rows.price_books =
        tariff::builtin::price_books().unwrap().iter().map(reference::PriceBookContent::new).collect();
    let forces = |provider: &str, site: Option<&str>, factor: &str| MarketForces {
        provider: provider.parse().unwrap(),
        site: site.map(|site| site.parse().unwrap()),
        mff: Mff { factor: factor.parse().unwrap(), source: MffSource::Own("RHW".parse().unwrap()) },
        validity: since(),
        source: "test".into(),
    };
    rows.market_forces = vec![
        forces("NT3", Some("NT344"), "1.149759"),
        forces("NT3", None, "1.149759"),
        forces("NV3", None, "1.149759"),
        forces("RHW", None, "1.149759"),
        forces("RTH", None, "1.1"),
        forces("RNZ", None, "1.1"),
        forces("RWX", None, "1"),
    ];
    let deadlines = |period: &str, flex, freeze| Deadlines {
        period: period.parse().unwrap(),
        flex: day(flex),
        freeze: day(freeze),
        source: "test".into(),
    };
    rows.deadlines = vec![
        deadlines("2017-05", "2017-06-20", "2017-07-20"),
        deadlines("2017-06", "2017-07-19", "2017-08-18"),
        deadlines("2017-07", "2017-08-18", "2017-09-19"),
        deadlines("2017-08", "2017-09-19", "2017-10-19"),
    ];
    rows.sort();
    rows
}

/// The snapshot read once for all tests.
static STANDARD: LazyLock<(Arc<[u8]>, Arc<Reference>)> = LazyLock::new(|| {
    let snapshot = snapshot();
    (snapshot.encode().into(), Arc::new(Reference::new(snapshot).unwrap()))
});

/// Blobs as the service keeps them.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<Digest, Arc<[u8]>>);

impl Kept {
    pub(super) fn put(&mut self, bytes: Vec<u8>) {
        self.0.insert(Digest::of(&bytes), bytes.into());
    }
}

impl Blobs for Kept {
    fn blob(&self, digest: Digest) -> Option<Arc<[u8]>> {
        self.0.get(&digest).cloned()
    }
}

/// A journal in memory.
pub(super) struct Run {
    pub(super) state: State,
    pub(super) today: Day,
    pub(super) caller: Position,
    pub(super) blobs: Kept,
    pub(super) adopted: BTreeMap<Digest, Arc<Reference>>,
    pub(super) records: Vec<(Moment, journal::Kind, Vec<u8>)>,
    pub(super) reports: Vec<Report>,
}

pub(super) const SUBMISSION: Position = Position::new(1);

impl Run {
    /// With reference data adopted and a submission open for each provider, on 1 July 2017.
    pub(super) fn new() -> Self {
        let mut run = Self::empty();
        let (bytes, reference) = &*STANDARD;
        run.adopt_read(bytes, reference).unwrap();
        for provider in ["NT3", "NV3", "RHW", "RWX", "RTH", "RNZ", "NXX"] {
            run.open(provider, provider.as_bytes(), false).unwrap();
        }
        run
    }

    pub(super) fn empty() -> Self {
        Self {
            state: State::default(),
            today: day("2017-07-01"),
            caller: Position::new(0),
            blobs: Kept::default(),
            adopted: BTreeMap::new(),
            records: Vec::new(),
            reports: Vec::new(),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        let position = u64::try_from(self.records.len()).unwrap();
        let mut id = [0; 16];
        id[8..].copy_from_slice(&position.to_be_bytes());
        (id[6], id[8]) = (0x70, 0x80);
        Moment {
            position: Position::new(position),
            recorded_time: Instant::start_of(self.today),
            business_date: self.today,
            request_id: RequestId::from_bytes(id).unwrap(),
            caller: self.caller,
        }
    }

    pub(super) fn submit(&mut self, command: Command) -> Result<Event, Refusal> {
        let at = self.moment();
        let outcome = match Referrals::decide(&self.state, &at, &command) {
            Ok(events) => Outcome::Accepted(events),
            Err(refusal) => Outcome::Refused(refusal),
        };
        let mut body = Vec::new();
        Referrals::encode(&command, &outcome, &mut body);
        // Reading a snapshot takes long in a debug build: adoption has a test of its own.
        if !matches!(command, Command::AdoptReference(_)) {
            let (decoded, same) = Referrals::decode(Referrals::kind(&command), &body, &self.blobs).unwrap();
            let mut again = Vec::new();
            Referrals::encode(&decoded, &same, &mut again);
            assert_eq!(body, again, "a record says the same after it was read");
            assert_eq!(outcome, same);
        }
        let bytes = journal::HEADER_BYTES + body.len();
        assert!(
            !matches!(command, Command::RecordUnreadable(_)) || bytes <= crate::UNREADABLE_RECORD_BYTES_MAX,
            "{bytes} bytes of an unreadable line's record"
        );
        self.records.push((at, Referrals::kind(&command), body));
        match outcome {
            Outcome::Refused(refusal) => Err(refusal),
            Outcome::Accepted(events) => {
                for event in &events {
                    Referrals::apply(&mut self.state, &at, &command, event);
                    Referrals::reports(&at, &command, event, &mut self.reports);
                }
                Ok(events[0].clone())
            }
        }
    }

    pub(super) fn adopt(&mut self, snapshot: Snapshot) -> Result<Event, Refusal> {
        let bytes: Arc<[u8]> = snapshot.encode().into();
        self.adopt_read(&bytes, &Arc::new(Reference::new(snapshot).unwrap()))
    }

    fn adopt_read(&mut self, bytes: &Arc<[u8]>, reference: &Arc<Reference>) -> Result<Event, Refusal> {
        let digest = Digest::of(bytes);
        self.blobs.0.insert(digest, Arc::clone(bytes));
        self.adopted.insert(digest, Arc::clone(reference));
        let terms = AdoptTerms {
            digest,
            hold_days: 182,
            follow_ups: 1,
            matching_days: Some(365),
            booking_from: Some(day("2018-10-01")),
        };
        let reference = Arc::clone(reference);
        self.submit(Command::AdoptReference(AdoptReference { terms, reference }))
    }

    pub(super) fn open(&mut self, provider: &str, file: &[u8], again: bool) -> Result<Event, Refusal> {
        let proposed_id = self.moment().request_id;
        self.submit(Command::OpenSubmission(OpenSubmission {
            provider: provider.parse().unwrap(),
            file_digest: Digest::of(file),
            proposed_id,
            again,
        }))
    }

    /// Adopts an extract of these rows, one part for each 2.
    pub(super) fn extract(&mut self, provider: &str, cut: &str, rows: &[SusRow]) -> Result<Event, Refusal> {
        let (provider, cut) = (provider.parse().unwrap(), cut.parse::<reference::Cut>().unwrap());
        let part =
            |rows: &[SusRow]| ExtractPart { provider, period: cut.period, rows: rows.to_vec() }.encode();
        let parts: Vec<Vec<u8>> = rows.chunks(2).map(part).collect();
        let terms = ExtractTerms {
            provider,
            cut,
            file: Digest::of(b"a file"),
            parts: parts.iter().map(|part| Digest::of(part)).collect(),
        };
        for part in parts {
            self.blobs.put(part);
        }
        let sum = ExtractSum::read(&terms, &self.blobs).unwrap();
        self.submit(Command::AdoptExtract(AdoptExtract { terms, sum }))
    }

    pub(super) fn line(&mut self, line: ActivityLine) -> LineAnswered {
        answered(self.submit(Command::SubmitLine(line)))
    }

    pub(super) fn unreadable(&mut self, line: SubmitUnreadable) -> LineAnswered {
        answered(self.submit(Command::SubmitUnreadable(line)))
    }

    pub(super) fn faulty(&mut self, line: UnreadableLine) -> LineAnswered {
        answered(self.submit(Command::RecordUnreadable(line)))
    }

    /// Lets days begin up to `to`, with what falls due on each.
    pub(super) fn roll(&mut self, to: &str) {
        while self.today < day(to) {
            self.today = self.today.plus(1);
            for command in Referrals::day_roll(&self.state, self.today) {
                self.submit(command).unwrap();
            }
        }
    }

    /// The state that a replay of the records comes to.
    pub(super) fn replayed(&self) -> State {
        let mut state = State::default();
        for (at, kind, body) in &self.records {
            if *kind == journal::Kind(100) {
                let terms: AdoptTerms = minicbor::Decoder::new(&body[1..]).decode().unwrap();
                let command = AdoptReference { terms, reference: Arc::clone(&self.adopted[&terms.digest]) };
                Referrals::apply(&mut state, at, &Command::AdoptReference(command), &Event::ReferenceAdopted);
                continue;
            }
            let (command, outcome) = Referrals::decode(*kind, body, &self.blobs).unwrap();
            if let Outcome::Accepted(events) = outcome {
                events.iter().for_each(|event| Referrals::apply(&mut state, at, &command, event));
            }
        }
        state
    }
}

fn answered(event: Result<Event, Refusal>) -> LineAnswered {
    event.unwrap().answered().expect("an answer to a line")
}

/// A day case of June 2017 as SUS has it.
pub(super) fn sus_row(cds: &str, pence: u32) -> SusRow {
    SusRow {
        cds_identifier: cds.parse().ok(),
        local: None,
        date: day("2017-06-12"),
        commissioner: "10M".parse().unwrap(),
        pod: "DC".parse().unwrap(),
        price: Pence::from_u32(pence),
        hrg: "BZ34C".parse().ok(),
        mff: "1.149759".parse().ok(),
    }
}

pub(super) fn patient(number: u8) -> Pseudonym {
    Pseudonym::new([number; 16])
}

/// A first attendance in orthopaedics at Spire Dunedin on 12 June 2017, for a patient of 10M.
pub(super) fn first_attendance(cds: &str) -> ActivityLine {
    ActivityLine {
        submission: SUBMISSION,
        row: 1,
        provider: "NT3".parse().unwrap(),
        cds_identifier: cds.parse().unwrap(),
        pseudonym: patient(1),
        site: "NT344".parse().unwrap(),
        practice: "K81001".parse().unwrap(),
        commissioner: "10M".parse().unwrap(),
        function: "110".parse().unwrap(),
        pod: "OPFASPCL".parse().unwrap(),
        started: day("2017-06-12"),
        claimed: Pence::from_u32(150_00),
        care: Care::Outpatient { first: FirstAttendance::First, attended: AttendedOrDidNotAttend::Attended },
        hrg: None,
        ubrn: None,
        category: AdministrativeCategory::Nhs,
        local: None,
        claimed_mff: None,
        tag: None,
        pathway: None,
        residence: None,
        overseas: None,
    }
}

/// The tag of a line's identity, as a service with some key would give it.
pub(super) fn tag(provider: &str, cds: &str) -> LineTag {
    let digest = LineTag::digest(provider.parse().unwrap(), &cds.parse().unwrap());
    let keyed = Digest::of(&[b"some key".as_slice(), &digest].concat()).0;
    LineTag::new(*keyed.first_chunk().unwrap())
}

/// The same line as it is recorded now: with its tag.
pub(super) fn tagged(line: ActivityLine) -> ActivityLine {
    let tag = tag(line.provider.as_str(), line.cds_identifier.as_str());
    ActivityLine { tag: Some(tag), ..line }
}

/// A hip replacement at Spire Dunedin, discharged after four nights on 16 June 2017.
pub(super) fn hip(cds: &str) -> ActivityLine {
    ActivityLine {
        pod: "EL".parse().unwrap(),
        care: Care::Admitted {
            discharged: day("2017-06-16"),
            method: "11".parse().unwrap(),
            classification: "1".parse().unwrap(),
            excluded_days: 0,
        },
        hrg: Some("HN12F".parse().unwrap()),
        claimed: Pence::from_u32(6_244_34),
        ..first_attendance(cds)
    }
}

/// The same line from another provider's submission, at that provider's own code.
pub(super) fn from(provider: &str, line: ActivityLine) -> ActivityLine {
    let providers = ["NT3", "NV3", "RHW", "RWX", "RTH", "RNZ", "NXX"];
    let number = providers.iter().position(|code| *code == provider).unwrap();
    let site = match provider {
        "NV3" => "NV323",
        "NXX" => "NXX01",
        "NT3" => "NT344",
        trust => trust,
    };
    ActivityLine {
        submission: Position::new(u64::try_from(number).unwrap() + 1),
        provider: provider.parse().unwrap(),
        site: site.parse().unwrap(),
        ..line
    }
}

pub(super) fn referral() -> RecordReferral {
    RecordReferral {
        pseudonym: patient(1),
        function: "110".parse().unwrap(),
        source: Source::Gp,
        referred: day("2017-06-01"),
        practice: "K81001".parse().unwrap(),
        offered: vec!["NT344".parse().unwrap(), "RHW".parse().unwrap()],
        provider: "NT3".parse().unwrap(),
        site: Some("NT344".parse().unwrap()),
        ubrn: "000049382716".parse().ok(),
        pathway: None,
        no_choice: None,
        clock_start: None,
        residence: None,
    }
}

/// An answer in one line.
pub(super) fn shown(answered: &LineAnswered) -> String {
    let what = match &answered.answer {
        Answer::Accepted(Some(priced)) => format!("accepted {}", priced.price),
        Answer::Accepted(None) => "accepted at nothing".into(),
        Answer::Contested => "contested".into(),
        Answer::Unreadable => "unreadable".into(),
    };
    let codes: Vec<_> = answered.reasons.iter().map(crate::Reason::code).collect();
    let payer = answered.payer.map_or_else(|| "-".into(), |payer| payer.to_string());
    let cut = answered.cut.map_or_else(|| "no cut".into(), |cut| cut.to_string());
    format!("{what}; payer {payer}; {:?}; {cut}; {}", answered.books, codes.join(" "))
}

/// Postings as text, one per line.
pub(super) fn posted(reports: &[Report]) -> String {
    use crate::HoldAction;
    use core::fmt::Write as _;
    let mut out = String::new();
    for report in reports {
        match report {
            Report::Post(posting) => {
                write!(out, "{:?} {}:", posting.kind, posting.effective).unwrap();
                for leg in &posting.legs {
                    write!(out, " {} {} {}", leg.side, leg.account, leg.pence).unwrap();
                    leg.window.iter().for_each(|window| write!(out, " [{window}]").unwrap());
                }
                for hold in &posting.holds {
                    match hold {
                        HoldAction::Place { account, pence, expires } => {
                            write!(out, " place {pence} on {account} until {expires}").unwrap();
                        }
                        HoldAction::Capture { pence, .. } => write!(out, " capture {pence}").unwrap(),
                        HoldAction::Release { .. } => write!(out, " release").unwrap(),
                    }
                }
                out.push('\n');
            }
            Report::Seal(seal) => {
                let windows: Vec<_> =
                    seal.windows.iter().map(|(payer, payee)| format!("{payer}→{payee}")).collect();
                writeln!(out, "Seal {}: {}", seal.cut, windows.join(" ")).unwrap();
            }
        }
    }
    out
}
