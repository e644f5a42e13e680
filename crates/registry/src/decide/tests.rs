//! Every rule by table, and the invariants of the machine.

use super::*;
use crate::{KnownBody, SOURCE_BYTES_MAX};
use journal::{Digest, Instant, NoBlobs, Position, RequestId};
use money::{Pence, Rounding};
use proptest::prelude::*;
use reference::{
    BankDetails, Channel, Deadlines, District, MarketForces, Mechanism, PaymentChannel, Practice, Scope,
    Site, Snapshot, Validity,
};
use std::sync::Arc;
use tariff::{AttendancePrices, AttendanceRow, Mff, MffSource};

mod bytes;

fn ods(text: &str) -> OdsCode {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// `2017-04-01..2018-03-31`, or without an end `2017-04-01..`.
fn span(text: &str) -> Validity {
    let (from, until) = text.split_once("..").unwrap();
    Validity { from: day(from), until: (!until.is_empty()).then(|| day(until)) }
}

fn organisation(code: &str, role: Role, open: &str, successor: Option<&str>) -> Organisation {
    let source = "test".to_owned();
    Organisation {
        ods: ods(code),
        name: code.into(),
        role,
        open: span(open),
        successor: successor.map(ods),
        source,
    }
}

fn organisations() -> Vec<Organisation> {
    vec![
        organisation("10M", Role::Ccg, "2013-04-01..2018-03-31", Some("15A")),
        organisation("10N", Role::Ccg, "2013-04-01..2018-03-31", Some("15A")),
        organisation("15A", Role::Ccg, "2018-04-01..", None),
        organisation("NT3", Role::Independent, "2008-01-01..", None),
        organisation("RHW", Role::NhsTrust, "1991-04-01..", None),
    ]
}

fn known() -> Known {
    let bodies =
        organisations().into_iter().map(|row| KnownBody { ods: row.ods, role: row.role, open: row.open });
    Known { national_position: Some(Position::new(5)), bodies: bodies.collect() }
}

fn contract(id: &str, payers: &[&str], provider: &str, valid: &str) -> Contract {
    Contract {
        id: id.parse().unwrap(),
        payers: if payers.is_empty() { Scope::All } else { Scope::these(payers.iter().map(|p| ods(p))) },
        provider: ods(provider),
        functions: Scope::All,
        validity: span(valid),
        mechanism: Mechanism::CostPerCase,
        rounding: Rounding::NearestPenny,
        price_tolerance: Pence::ZERO,
        ubrn_required_from: None,
        source: "test".into(),
        pricing: None,
    }
}

fn book() -> PriceBook {
    let row = AttendanceRow {
        first_single_pence: Some(145_00),
        first_multi_pence: None,
        follow_up_single_pence: None,
        follow_up_multi_pence: None,
        remote_first_pence: None,
        remote_follow_up_pence: None,
    };
    let content = tariff::Content::Attendance(AttendancePrices::new(Some(row), Vec::new()));
    let year = "2017-18".parse().unwrap();
    PriceBook::new(
        &tariff::PriceBook::new("test".parse().unwrap(), year, true, "test".into(), content).unwrap(),
    )
}

fn propose(content: Content) -> Command {
    Command::Propose(crate::Propose { content, known: known() })
}

fn approve(proposal: u64, digest: Digest) -> Command {
    Command::ApproveProposal(ApproveProposal { proposal: Position::new(proposal), digest })
}

fn at(position: u64, caller: u64, on: &str) -> Moment {
    Moment {
        position: Position::new(position),
        recorded_time: Instant::start_of(day(on)),
        business_date: day(on),
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse::<RequestId>().unwrap(),
        caller: Position::new(caller),
    }
}

/// Runs commands as the engine does; each takes the next position from 10.
struct Run {
    state: State,
    position: u64,
}

impl Run {
    fn new() -> Self {
        Self { state: State::default(), position: 10 }
    }

    fn with_organisations() -> Self {
        let mut run = Self::new();
        run.ok(1, Command::RegisterOrganisations(RegisterOrganisations { rows: organisations() }));
        run
    }

    fn submit(&mut self, caller: u64, command: &Command) -> Result<Event, Refusal> {
        let moment = at(self.position, caller, "2017-06-01");
        self.position += 1;
        let events = Registry::decide(&self.state, &moment, command)?;
        events.iter().for_each(|event| Registry::apply(&mut self.state, &moment, command, event));
        Ok(events[0].clone())
    }

    fn ok(&mut self, caller: u64, command: Command) -> Event {
        self.submit(caller, &command).unwrap()
    }

    /// Proposes as person 1 and approves as person 2.
    fn agree(&mut self, content: Content) -> Result<Event, Refusal> {
        let (proposal, digest) = (self.position, content.digest());
        self.submit(1, &propose(content))?;
        self.submit(2, &approve(proposal, digest))
    }
}

fn refuses(command: &Command, refusal: Refusal) {
    let mut run = Run::with_organisations();
    let before = run.state.clone();
    assert_eq!(run.submit(1, command), Err(refusal), "{command:?}");
    assert_eq!(run.state, before, "a refusal changes nothing");
}

#[test]
fn organisations_are_registered_with_their_successors() {
    let register = |rows| Command::RegisterOrganisations(RegisterOrganisations { rows });
    let mut run = Run::new();
    assert_eq!(run.ok(1, register(organisations())), Event::Registered { changed: 5 });
    let changed_at = run.state.changed_at();
    assert_eq!(run.ok(1, register(organisations())), Event::Registered { changed: 0 });
    assert_eq!((changed_at, run.state.changed_at()), (Some(Position::new(10)), changed_at));
    let mut renamed = organisations();
    renamed[4].name = "Royal Berkshire".into();
    assert_eq!(run.ok(1, register(renamed)), Event::Registered { changed: 1 });
    assert_eq!(run.state.organisation(ods("RHW")).unwrap().name, "Royal Berkshire");

    let new = |code: &str, successor| organisation(code, Role::Ccg, "2013-04-01..", successor);
    refuses(&register(Vec::new()), Refusal::BatchSize);
    refuses(&register(vec![new("99N", None); ROWS_MAX + 1]), Refusal::BatchSize);
    refuses(
        &register(vec![new("99N", None), new("99P", None), new("99N", None)]),
        Refusal::RowRepeated { row: 2 },
    );
    let backwards = organisation("99N", Role::Ccg, "2013-04-01..2013-03-31", None);
    refuses(&register(vec![new("99P", None), backwards]), Refusal::ValidityBackwards { row: 1 });
    let mut nameless = new("99N", None);
    nameless.name.clear();
    refuses(&register(vec![nameless]), Refusal::TextLength { row: 0 });
    let mut long = new("99N", None);
    long.source = "x".repeat(SOURCE_BYTES_MAX + 1);
    refuses(&register(vec![long]), Refusal::TextLength { row: 0 });
    refuses(&register(vec![new("99N", Some("99P"))]), Refusal::OrganisationUnknown { ods: ods("99P") });
    refuses(&register(vec![new("15A", Some("10M"))]), Refusal::SuccessionCircular { ods: ods("15A") });
    refuses(&register(vec![new("99N", Some("99N"))]), Refusal::SuccessionCircular { ods: ods("99N") });
    refuses(
        &register(vec![new("99N", Some("99P")), new("99P", Some("99N"))]),
        Refusal::SuccessionCircular { ods: ods("99N") },
    );
}

#[test]
fn rows_name_bodies_that_are_known_open_and_of_the_right_kind() {
    let practice = |ccg: &str, valid: &str| {
        let (practice, source) = ("K81017".parse().unwrap(), "test".into());
        Command::RegisterPractices(RegisterPractices {
            rows: vec![Practice { practice, ccg: ods(ccg), validity: span(valid), source }],
        })
    };
    let factor = |provider: &str| {
        let mff = Mff { factor: "1.1".parse().unwrap(), source: MffSource::Own(ods(provider)) };
        let validity = span("2017-04-01..");
        let row = MarketForces { provider: ods(provider), site: None, mff, validity, source: "test".into() };
        Command::RegisterMarketForces(RegisterMarketForces { rows: vec![row] })
    };
    let site = |payee: &str| {
        let (site, payee, validity) = (ods("NT344"), ods(payee), span("2017-04-01.."));
        let row = Site { site, payee, name: "Dunedin".into(), validity, source: "test".into() };
        Command::RegisterSites(RegisterSites { rows: vec![row], known: known() })
    };
    let district = |ccg: &str| {
        let (district, validity) = ("RG14".parse().unwrap(), span("2017-04-01.."));
        let row = District { district, ccg: ods(ccg), validity, source: "test".into() };
        Command::RegisterDistricts(RegisterDistricts { rows: vec![row], known: known() })
    };
    let channel = |payer: &str, from: &str| {
        let row = PaymentChannel { payer: ods(payer), channel: Channel::Bank, validity: span(from) };
        Command::SetPaymentChannels(SetPaymentChannels { rows: vec![row], known: known() })
    };
    let mut run = Run::with_organisations();
    for command in [
        practice("10M", "2017-04-01.."),
        practice("15A", "2018-04-01.."),
        factor("RHW"),
        site("NT3"),
        district("10N"),
        channel("10M", "2017-04-01.."),
    ] {
        assert_eq!(run.ok(1, command.clone()), Event::Registered { changed: 1 }, "{command:?}");
        assert_eq!(run.ok(1, command.clone()), Event::Registered { changed: 0 }, "{command:?}");
    }
    let unknown = |code| Refusal::OrganisationUnknown { ods: ods(code) };
    let wrong = |code, role| Refusal::OrganisationRole { ods: ods(code), role };
    let closed = |code, on| Refusal::OrganisationClosed { ods: ods(code), on: day(on) };
    for (command, refusal) in [
        (practice("99N", "2017-04-01.."), unknown("99N")),
        (practice("RHW", "2017-04-01.."), wrong("RHW", Role::NhsTrust)),
        (practice("10M", "2018-04-01.."), closed("10M", "2018-04-01")),
        (practice("15A", "2018-03-31.."), closed("15A", "2018-03-31")),
        (factor("RXX"), unknown("RXX")),
        (factor("10M"), wrong("10M", Role::Ccg)),
        (site("NT9"), unknown("NT9")),
        (site("10M"), wrong("10M", Role::Ccg)),
        (district("RHW"), wrong("RHW", Role::NhsTrust)),
        (channel("NT3", "2017-04-01.."), wrong("NT3", Role::Independent)),
        (channel("15A", "2017-04-01.."), closed("15A", "2017-04-01")),
    ] {
        refuses(&command, refusal);
    }
}

#[test]
fn a_system_is_a_sandbox_for_ever_or_never() {
    let register = |name: &str, sandbox, members: &[&str]| {
        let members = members.iter().map(|m| ods(m)).collect();
        let system = System { name: name.into(), title: "Berkshire West".into(), sandbox, members };
        let clock_start = sandbox.then(|| Instant::start_of(day("2017-06-01")));
        Command::RegisterSystem(RegisterSystem { system, clock_start })
    };
    let mut run = Run::with_organisations();
    assert_eq!(run.ok(1, register("bw", true, &["10M", "RHW"])), Event::Registered { changed: 1 });
    assert_eq!(run.ok(1, register("bw", true, &["10M", "RHW"])), Event::Registered { changed: 0 });
    assert_eq!(run.ok(1, register("bw", true, &["10M", "15A", "RHW"])), Event::Registered { changed: 1 });
    assert_eq!(run.submit(1, &register("bw", false, &["10M"])), Err(Refusal::SandboxFixed));
    let Command::RegisterSystem(mut moved) = register("bw", true, &["10M"]) else { panic!() };
    moved.clock_start = Some(Instant::start_of(day("2017-07-01")));
    assert_eq!(run.submit(1, &Command::RegisterSystem(moved.clone())), Err(Refusal::SandboxFixed));
    moved.clock_start = None;
    refuses(&Command::RegisterSystem(moved), Refusal::SandboxClock);
    refuses(&register("national", true, &["10M"]), Refusal::SystemName);
    refuses(&register("BW", true, &["10M"]), Refusal::SystemName);
    refuses(&register("bw", true, &["10M", "10M"]), Refusal::RowRepeated { row: 1 });
    refuses(&register("bw", true, &["RHW", "10M"]), Refusal::RowRepeated { row: 1 });
    refuses(
        &register("bw", true, &["NT3"]),
        Refusal::OrganisationRole { ods: ods("NT3"), role: Role::Independent },
    );
    refuses(&register("bw", true, &["10X"]), Refusal::OrganisationUnknown { ods: ods("10X") });
}

#[test]
fn a_deadline_that_has_passed_stays() {
    let set = |flex: &str, freeze: &str| {
        let (flex, freeze, period) = (day(flex), day(freeze), "2017-04".parse().unwrap());
        let deadlines = vec![Deadlines { period, flex, freeze, source: "test".into() }];
        Command::SetCalendar(SetCalendar {
            deadlines,
            bank_holidays: vec![day("2017-05-29"), day("2017-08-28")],
        })
    };
    let april = "2017-04".parse().unwrap();
    let mut run = Run::new();
    assert_eq!(run.ok(1, set("2017-05-18", "2017-06-20")), Event::Registered { changed: 3 });
    // It is 1 June: the flex deadline has passed, the freeze deadline has not.
    assert_eq!(run.ok(1, set("2017-05-18", "2017-06-21")), Event::Registered { changed: 1 });
    assert_eq!(
        run.submit(1, &set("2017-05-19", "2017-06-21")),
        Err(Refusal::DeadlinePassed { period: april })
    );
    refuses(&set("2017-06-02", "2017-06-01"), Refusal::DeadlinesBackwards { period: april });
    let nothing = SetCalendar { deadlines: Vec::new(), bank_holidays: Vec::new() };
    refuses(&Command::SetCalendar(nothing), Refusal::BatchSize);
}

#[test]
fn two_people_agree_on_the_same_bytes() {
    let content = || Content::Contracts(vec![contract("A", &["10M"], "NT3", "2017-04-01..")]);
    let digest = content().digest();
    let mut run = Run::with_organisations();
    let proposal = run.position;
    assert_eq!(run.ok(1, propose(content())), Event::Proposed { digest });
    assert_eq!(run.state.contracts(None).count(), 0, "a proposal is not in force");
    let (waiting, pending) = run.state.pending().next().unwrap();
    assert_eq!((waiting.get(), pending.proposal.proposer.get(), &pending.content), (proposal, 1, &content()));

    for (caller, command, refusal) in [
        (1, approve(proposal, digest), Refusal::SamePerson),
        (2, approve(proposal, Digest::of(b"other")), Refusal::DigestMismatch),
        (2, approve(99, digest), Refusal::ProposalUnknown { proposal: Position::new(99) }),
    ] {
        assert_eq!(run.submit(caller, &command), Err(refusal));
    }
    let Event::Approved { approval, changed } = run.ok(2, approve(proposal, digest)) else {
        panic!("not approved")
    };
    assert_eq!((approval.proposal().proposer.get(), approval.approver().get(), changed), (1, 2, 1));
    assert_eq!(run.state.contracts(None).count(), 1);
    let gone = Refusal::ProposalUnknown { proposal: Position::new(proposal) };
    assert_eq!(run.submit(3, &approve(proposal, digest)), Err(gone), "approved once");

    let withdrawn = run.position;
    run.ok(1, propose(content()));
    let withdraw = Command::WithdrawProposal(WithdrawProposal { proposal: Position::new(withdrawn) });
    assert_eq!(run.ok(1, withdraw.clone()), Event::Withdrawn);
    assert_eq!(
        run.submit(1, &withdraw),
        Err(Refusal::ProposalUnknown { proposal: Position::new(withdrawn) })
    );
    assert_eq!(run.agree(content()).unwrap(), {
        let proposal = access::Proposal { digest, proposer: Position::new(1) };
        Event::Approved {
            approval: access::approve(&proposal, Position::new(2), digest).unwrap(),
            changed: 0,
        }
    });
}

#[test]
fn proposals_are_bounded() {
    let mut run = Run::with_organisations();
    let one = propose(Content::Contracts(vec![contract("A", &["10M"], "NT3", "2017-04-01..")]));
    for _ in 0..PENDING_MAX {
        run.ok(1, one.clone());
    }
    assert_eq!(run.submit(1, &one), Err(Refusal::TooManyProposals));
}

#[test]
fn one_contract_governs_an_activity() {
    let in_force = || {
        let mut run = Run::with_organisations();
        run.agree(Content::Contracts(vec![contract("A", &["10M"], "NT3", "2017-04-01..2018-03-31")]))
            .unwrap();
        run
    };
    let id = |text: &str| text.parse().unwrap();
    let mut eyes = contract("B", &["10M"], "NT3", "2017-04-01..");
    eyes.functions = Scope::these(["130".parse().unwrap()]);
    let overlap = Err(Refusal::ContractsOverlap { contract: id("B"), other: id("A") });
    for (new, expected) in [
        (contract("B", &["10M"], "NT3", "2018-03-31.."), overlap),
        (eyes.clone(), overlap),
        (contract("B", &["10N"], "NT3", "2017-04-01.."), Ok(())),
        (contract("B", &[], "NT3", "2017-04-01.."), Ok(())),
        (contract("B", &["10M"], "RHW", "2017-04-01.."), Ok(())),
        (contract("B", &["15A"], "NT3", "2018-04-01.."), Ok(())),
        (contract("A", &["10M"], "NT3", "2017-10-01.."), Ok(())),
        (
            contract("A", &["10M"], "RHW", "2018-04-01.."),
            Err(Refusal::OrganisationClosed { ods: ods("10M"), on: day("2018-04-01") }),
        ),
        (
            contract("A", &["15A"], "RHW", "2018-04-01.."),
            Err(Refusal::ContractOfAnotherProvider { contract: id("A") }),
        ),
        (
            contract("B", &["10M"], "NT9", "2017-04-01.."),
            Err(Refusal::OrganisationUnknown { ods: ods("NT9") }),
        ),
        (
            contract("B", &["RHW"], "NT3", "2017-04-01.."),
            Err(Refusal::OrganisationRole { ods: ods("RHW"), role: Role::NhsTrust }),
        ),
    ] {
        let found = in_force().agree(Content::Contracts(vec![new.clone()])).map(|_| ());
        assert_eq!(found, expected, "{new:?}");
    }
    // Two proposals that each fit alone: the second to be approved no longer does.
    let mut run = in_force();
    let (first, second) =
        (contract("C", &["10N"], "NT3", "2017-04-01.."), contract("D", &["10N"], "NT3", "2017-04-01.."));
    let (first, second) = (Content::Contracts(vec![first]), Content::Contracts(vec![second]));
    let proposal = run.position;
    run.ok(1, propose(first.clone()));
    run.ok(1, propose(second.clone()));
    run.ok(2, approve(proposal, first.digest()));
    assert_eq!(
        run.submit(2, &approve(proposal + 1, second.digest())),
        Err(Refusal::ContractsOverlap { contract: id("D"), other: id("C") })
    );
}

#[test]
fn terms_of_a_contract_make_sense() {
    let instalments = |payers: &[&str], day_of_month| {
        let mut row = contract("A", payers, "RHW", "2017-04-01..");
        row.mechanism = Mechanism::OnAccount { annual_value: Pence::from_u32(12_00), day_of_month };
        row
    };
    let bad = Err(Refusal::ContractInstalments { contract: "A".parse().unwrap() });
    for (row, expected) in [
        (instalments(&["10M"], 15), Ok(())),
        (instalments(&["10M"], 28), Ok(())),
        (instalments(&["10M"], 29), bad),
        (instalments(&["10M"], 0), bad),
        (instalments(&["10M", "10N"], 15), bad),
        (instalments(&[], 15), bad),
    ] {
        let found = Run::with_organisations().agree(Content::Contracts(vec![row.clone()])).map(|_| ());
        assert_eq!(found, expected, "{row:?}");
    }
    let mut unsorted = contract("A", &["10M"], "NT3", "2017-04-01..");
    unsorted.payers = Scope::These(vec![ods("10N"), ods("10M")]);
    let refusal = Refusal::ContractScope { contract: unsorted.id };
    refuses(&propose(Content::Contracts(vec![unsorted])), refusal);
}

#[test]
fn terms_on_prices_make_sense_and_a_plan_needs_a_block() {
    let block = Mechanism::Block { annual_value: Pence::from_u32(12_00), day_of_month: 15 };
    let plan = reference::Plan { planned: Pence::from_u32(1), above: Vec::new(), below: Vec::new() };
    let price = reference::AgreedPrice {
        of: tariff::Subject::Hrg("HN12F".parse().unwrap()),
        point_of_delivery: None,
        amount: Pence::from_u32(1),
        variation: true,
        includes_mff: true,
    };
    let none = reference::Pricing::default;
    let plan = reference::Pricing { plan: Some(plan), ..none() };
    let bad = Err(Refusal::ContractPricing { contract: "A".parse().unwrap() });
    for (mechanism, pricing, expected) in [
        (Mechanism::CostPerCase, reference::Pricing { prices: vec![price], ..none() }, Ok(())),
        (Mechanism::CostPerCase, reference::Pricing { prices: vec![price; 2], ..none() }, bad),
        (Mechanism::CostPerCase, none(), bad),
        (Mechanism::CostPerCase, plan.clone(), bad),
        (block.clone(), plan, Ok(())),
        (block, reference::Pricing { prices: vec![price], ..none() }, Ok(())),
    ] {
        let mut row = contract("A", &["10M"], "RHW", "2017-04-01..");
        (row.mechanism, row.pricing) = (mechanism, Some(pricing));
        let found = Run::with_organisations().agree(Content::Contracts(vec![row.clone()])).map(|_| ());
        assert_eq!(found, expected, "{row:?}");
    }
}

#[test]
fn a_price_book_is_what_it_is_said_to_be() {
    let mut run = Run::with_organisations();
    assert!(matches!(run.agree(Content::PriceBook(book())), Ok(Event::Approved { changed: 1, .. })));
    assert!(matches!(run.agree(Content::PriceBook(book())), Ok(Event::Approved { changed: 0, .. })));
    let refusal = Refusal::PriceBookMalformed { price_book: book().id };
    let mut misfiled = book();
    misfiled.financial_year = "2018-19".parse().unwrap();
    refuses(&propose(Content::PriceBook(misfiled)), refusal);
    let mut broken = book();
    broken.content = broken.content[1..].into();
    refuses(&propose(Content::PriceBook(broken)), refusal);
}

#[test]
fn bank_details_need_two_people_and_a_known_body() {
    let details = |code: &str, from: &str| {
        Content::BankDetails(vec![BankDetails {
            organisation: ods(code),
            account_name: "SPIRE".into(),
            sort_code: "089999".parse().unwrap(),
            account_number: "66374958".parse().unwrap(),
            validity: span(from),
        }])
    };
    let mut run = Run::with_organisations();
    assert!(
        run.agree(details("NT3", "2017-04-01..")).is_ok()
            && run.agree(details("10M", "2017-04-01..")).is_ok()
    );
    assert_eq!(
        run.agree(details("NT9", "2017-04-01..")),
        Err(Refusal::OrganisationUnknown { ods: ods("NT9") })
    );
    let closed = Refusal::OrganisationClosed { ods: ods("10M"), on: day("2018-04-01") };
    assert_eq!(run.agree(details("10M", "2018-04-01..")), Err(closed));
}

#[test]
fn both_journals_make_one_snapshot() {
    let mut national = Run::with_organisations();
    national.agree(Content::PriceBook(book())).unwrap();
    let mut own = Run::new();
    own.agree(Content::Contracts(vec![contract("A", &["10M"], "NT3", "2017-04-01..")])).unwrap();
    let local = {
        let read = tariff::PriceBook::from_cbor(&book().content).unwrap();
        let (year, content) = (read.financial_year(), read.content().clone());
        tariff::PriceBook::new("local".parse().unwrap(), year, true, "test".into(), content).unwrap()
    };
    let system = System { name: "bw".into(), title: "BW".into(), sandbox: true, members: vec![ods("10M")] };
    let merged = |own: &State| {
        let mut snapshot = Snapshot::empty(system.clone());
        national.state.add_to(&mut snapshot);
        own.add_to(&mut snapshot);
        reference::Reference::new(snapshot).unwrap()
    };
    let year = book().financial_year;
    let in_force =
        |reference: &reference::Reference| reference.books().attendance(year).unwrap().0.id().to_string();
    let reference = merged(&own.state);
    assert_eq!((reference.rows().organisations.len(), reference.rows().contracts.len()), (5, 1));
    assert_eq!(in_force(&reference), "test");
    own.agree(Content::PriceBook(PriceBook::new(&local))).unwrap();
    assert_eq!(in_force(&merged(&own.state)), "local", "a system's own list stands before the national one");
}

#[test]
fn refusals_have_one_code_each() {
    let codes: std::collections::BTreeSet<_> = Refusal::REASONS.into_iter().collect();
    assert_eq!(codes.len(), Refusal::REASONS.len());
    assert!(Refusal::REASONS.contains(&Refusal::SandboxFixed.reason()));
}

fn any_organisation() -> impl Strategy<Value = Organisation> {
    let codes = prop::sample::select(vec!["10M", "10N", "15A", "NT3", "NT4", "RHW", "RTH"]);
    let role = prop::sample::select(vec![Role::Ccg, Role::NhsTrust, Role::Independent]);
    (
        codes,
        role,
        0..20_i32,
        prop::option::of(0..20_i32),
        prop::option::of(prop::sample::select(vec!["15A", "NT4"])),
    )
        .prop_map(|(code, role, from, until, successor)| {
            let mut row = organisation(code, role, "2013-04-01..", successor);
            row.open = Validity { from: Day::new(from), until: until.map(Day::new) };
            row
        })
}

proptest! {
    /// The same content registered again is accepted, changes nothing and leaves the same snapshot.
    #[test]
    fn registering_twice_changes_nothing(batches in prop::collection::vec(prop::collection::vec(any_organisation(), 1..6), 1..6)) {
        let mut run = Run::new();
        for rows in batches {
            let command = Command::RegisterOrganisations(RegisterOrganisations { rows });
            if run.submit(1, &command).is_ok() {
                let before = run.state.clone();
                prop_assert_eq!(run.submit(2, &command), Ok(Event::Registered { changed: 0 }));
                prop_assert_eq!(&run.state, &before);
            }
        }
    }
}
