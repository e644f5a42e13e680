//! Runs and instalments from end to end, beside a small ledger.

mod properties;
mod witnesses;
pub(crate) mod world;

use crate::*;
use expect_test::expect;
use journal::Digest;
use money::{NetPence, Pence};
use std::fmt::Write as _;
use world::*;

const ELECTIVE: &str = "10M/elective/2017-18";

fn freeze() -> WindowKey {
    WindowKey::Cut(cut("2017-06/freeze"))
}

/// A ledger that owes two providers, one person and one trust, everything sealed.
fn owing() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.owe(ELECTIVE, "NT3", WindowKey::Cut(cut("2017-06/flex")), 900_00);
    ledger.owe(ELECTIVE, "NT3", freeze(), 150_00);
    ledger.owe(ELECTIVE, "NT3", WindowKey::Run(1), -50_00);
    ledger.owe("10M/phb/2017-18", "phb-3", WindowKey::Instalment(day("2017-07-01")), 75_00);
    ledger.owe("10N/elective/2017-18", "RHW", freeze(), -20_00);
    ledger.seal_all();
    ledger
}

fn paying(world: &mut World, ledger: &mut Ledger) -> journal::RequestId {
    let run = world.prepare(ledger, "2017-06/freeze").unwrap();
    world.approve(run).unwrap();
    world.pay(run).unwrap();
    world.carry(ledger);
    world.record_files(run).unwrap();
    run
}

fn ids(world: &World, run: journal::RequestId) -> Vec<(String, i64)> {
    let paid = world.state.run(run).unwrap().content.payments();
    paid.map(|(_, row)| match &row.decision {
        Decision::Pay { end_to_end_id, .. } => (end_to_end_id.clone(), row.net.get()),
        Decision::Carry { .. } => unreachable!(),
    })
    .collect()
}

#[test]
fn instalments_fall_due_by_the_calendar() {
    let mut world = World::new();
    let mut ledger = Ledger::default();
    world.roll_to("2017-07-02");
    world.carry(&mut ledger);
    let mut shown = String::new();
    for instalment in world.state.instalments() {
        let due = &instalment.due;
        writeln!(shown, "{} {} {} {:?} {}", due.key, due.payer, due.payee, instalment.state, due.pence.get())
            .unwrap();
    }
    for (path, balance) in &ledger.balances {
        writeln!(shown, "{path} {balance}").unwrap();
    }
    // Earlier months were paid elsewhere; the third twelfth of £1,000,000 is a penny more than the second.
    expect![[r#"
        10M-RHW on account 2017-06-15 10M RHW Posted 8333334
        10N-RWX block 2017-06-01 10N RWX Posted 8333334
        10N-RWX block 2017-07-01 10N RWX Posted 8333333
        10N-RWX block earned 2017-06-30 10N RWX Posted 8333334
        10M/elective/2017-18/fund/prepayment/RHW -8333334
        10M/elective/2017-18/owed/payable/RHW 8333334
        10N/elective/2017-18/fund/expenditure/in-system -8333334
        10N/elective/2017-18/fund/prepayment/RWX -8333333
        10N/elective/2017-18/owed/payable/RWX 16666667
    "#]]
    .assert_eq(&shown);
    world.restart();
    world.carry(&mut ledger);
    assert_eq!(ledger.posted, 4);
}

#[test]
fn nothing_falls_due_twice_or_early() {
    let mut world = World::new();
    world.roll_to("2017-06-15");
    let done =
        world.state.instalments().find(|due| due.due.key.kind == DueKind::OnAccount).unwrap().due.clone();
    let mut early = done.clone();
    early.key.day = day("2017-07-15");
    for due in [done, early] {
        assert_eq!(world.submit(Command::FallDue(due)), Err(Refusal::NotDue));
    }
}

#[test]
fn a_run_pays_what_is_owed_and_carries_what_is_not() {
    let mut world = World::new();
    let ledger = owing();
    world.today = day("2017-08-22");
    let run = world.prepare(&ledger, "2017-06/freeze").unwrap();
    let content = &world.state.run(run).unwrap().content;
    let mut shown = String::new();
    for row in &content.rows {
        write!(shown, "{} {} {}:", row.line, row.payee, row.net.get()).unwrap();
        for window in &row.windows {
            write!(shown, " [{} {}/{}]", window.key, window.part.get(), window.total.get()).unwrap();
        }
        match &row.decision {
            Decision::Pay { channel, account, .. } => {
                writeln!(shown, " pay by {} {}", channel.as_str(), account.is_some()).unwrap();
            }
            Decision::Carry { reason } => writeln!(shown, " carry: {reason}").unwrap(),
        }
    }
    writeln!(shown, "{:?}", content.totals).unwrap();
    expect![[r#"
        10M/elective/2017-18 NT3 100000: [cut 2017-06 flex 90000/90000] [cut 2017-06 freeze 15000/15000] [run 1 -5000/-5000] pay by bank true
        10M/phb/2017-18 phb-3 7500: [instalment 2017-07-01 7500/7500] pay by bank false
        10N/elective/2017-18 RHW -2000: [cut 2017-06 freeze -2000/-2000] carry: nothing due
        RunTotals { payments: 2, pay: Pence(107500), carried_rows: 1, carried: NetPence(-2000) }
    "#]]
    .assert_eq(&shown);
    let bytes = content.to_cbor();
    assert_eq!(RunContent::from_cbor(&bytes).as_ref(), Ok(&**content));
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        let read = RunContent::from_cbor(&other);
        assert!(read.is_err() || Digest::of(&other) != Digest::of(&bytes), "a byte differs at {at}");
    }
}

#[test]
fn a_run_goes_from_prepared_to_closed() {
    let mut world = World::new();
    let mut ledger = owing();
    world.today = day("2017-08-22");
    let run = paying(&mut world, &mut ledger);
    assert_eq!(world.run_state(run), RunState::Paying);
    assert_eq!((ledger.sum("owed/payable"), ledger.sum("in-transit")), (-20_00, 1_075_00));
    let ids = ids(&world, run);
    let entries: Vec<_> = ids.iter().map(|(id, pence)| (Some(id.as_str()), *pence, Direction::Out)).collect();
    let outcomes = world.bank(statement("10M", "first", &entries));
    assert_eq!(outcomes, [EntryOutcome::Settled; 2]);
    assert_eq!(world.run_state(run), RunState::Paying, "the ledger has not answered");
    world.restart();
    world.carry(&mut ledger);
    assert_eq!(world.run_state(run), RunState::Paid);
    assert_eq!((ledger.sum("in-transit"), ledger.sum("out/bank")), (0, 1_075_00));
    let close = StepRun { run, step: RunStep::Close, reason: String::new() };
    world.submit(Command::StepRun(close)).unwrap();
    assert_eq!(world.run_state(run), RunState::Closed);
    world.restart();
}

#[test]
fn what_the_bank_says_is_named() {
    use Direction::{Accepted, In, NotBooked, Out, Rejected};
    use EntryOutcome as O;
    let mut world = World::new();
    let mut ledger = owing();
    world.today = day("2017-08-22");
    let run = paying(&mut world, &mut ledger);
    let ids = ids(&world, run);
    let [(provider, paid), (person, direct)] = ids.as_slice() else { panic!() };
    let (provider, person) = (Some(provider.as_str()), Some(person.as_str()));
    let outcomes = world.bank(statement(
        "10M",
        "first",
        &[
            (provider, *paid, NotBooked),
            (provider, *paid - 1, Out),
            (provider, *paid, In),
            (provider, *paid, Out),
            (provider, *paid, Out),
            (None, 5, Out),
            (Some("10M-ELSE"), 5, Out),
            (person, *direct, Accepted),
            (person, *direct, Rejected),
            (provider, *paid, In),
        ],
    ));
    let expected = [
        O::NotBooked,
        O::WrongAmount,
        O::OutOfOrder,
        O::Settled,
        O::Repeated,
        O::Unmatched,
        O::Unmatched,
        O::Accepted,
        O::Rejected,
        O::Returned,
    ];
    assert_eq!(outcomes, expected);
    let other_account = world.bank(statement("10N", "second", &[(provider, *paid, Out)]));
    assert_eq!(other_account, [O::WrongAccount]);
    world.carry(&mut ledger);
    assert_eq!(world.run_state(run), RunState::Paid);
    // Both are owed again, in the run window in force, and the next run pays them under new ids.
    assert_eq!((ledger.sum("owed/payable"), ledger.sum("out/")), (1_055_00, 0));
    ledger.seal_all();
    let next = world.prepare(&ledger, "2017-06/freeze").unwrap();
    assert_eq!(world.state.run(next).unwrap().content.totals.pay, Pence::from_u32(1_075_00));
    assert!(self::ids(&world, next).iter().all(|id| !ids.contains(id)));
}

#[test]
fn the_same_message_twice_changes_nothing() {
    let mut world = World::new();
    let mut ledger = owing();
    world.today = day("2017-08-22");
    let run = paying(&mut world, &mut ledger);
    let ids = ids(&world, run);
    let message = statement("10M", "first", &[(Some(&ids[0].0), ids[0].1, Direction::Out)]);
    world.bank(message.clone());
    world.carry(&mut ledger);
    let (before, posted) = (shown(&world.state), ledger.posted);
    let blob = world.blobs.put(message.to_cbor());
    let record = RecordBankMessage { blob, message: std::sync::Arc::new(message) };
    let events = world.submit(Command::RecordBankMessage(record)).unwrap();
    assert!(matches!(events[0], Event::BankMessageKnown { .. }));
    world.carry(&mut ledger);
    assert_eq!((shown(&world.state), ledger.posted), (before, posted));
}

#[test]
fn two_people_agree_to_the_same_bytes() {
    let mut world = World::new();
    let ledger = owing();
    world.today = day("2017-08-22");
    let run = world.prepare(&ledger, "2017-06/freeze").unwrap();
    let digest = world.digest(run);
    let approve = |digest| Command::ApproveRun(ApproveRun { run, digest, pins: None });
    let pay = |digest| Command::PayRun(PayRun { run, digest });
    let id = world.new_request();
    let same = world.submit_as(ANN, id, approve(digest));
    assert_eq!(same, Err(Refusal::Approval(access::ApprovalRefusal::SamePerson)));
    let mismatch = Err(Refusal::Approval(access::ApprovalRefusal::DigestMismatch));
    assert_eq!(world.submit(approve(Digest::of(b"other"))), mismatch);
    let early = Refusal::RunState(IllegalStep { from: RunState::Prepared, step: RunStep::Pay });
    assert_eq!(world.submit(pay(digest)), Err(early));
    world.submit(approve(digest)).unwrap();
    assert_eq!(world.submit(pay(Digest::of(b"other"))), mismatch);
    world.submit(pay(digest)).unwrap();
}

#[test]
fn a_newer_preparation_supersedes_and_a_paying_run_bars() {
    let mut world = World::new();
    let mut ledger = owing();
    world.today = day("2017-08-22");
    let first = world.prepare(&ledger, "2017-06/freeze").unwrap();
    let second = world.prepare(&ledger, "2017-06/freeze").unwrap();
    assert_eq!((world.run_state(first), world.run_state(second)), (RunState::Superseded, RunState::Prepared));
    world.approve(second).unwrap();
    let third = world.prepare(&ledger, "2017-06/freeze").unwrap();
    assert_eq!(world.run_state(second), RunState::Superseded);
    world.approve(third).unwrap();
    world.pay(third).unwrap();
    let id = world.new_request();
    let content = prepare(&world.state, &world.sources(id, &ledger, "2017-06/freeze")).unwrap();
    assert_eq!(world.submit_content(id, content.clone()), Err(Refusal::RunInProgress { run: third }));
    world.carry(&mut ledger);
    let id = world.new_request();
    let content = RunContent { run: id, ..content };
    let again = rekeyed(content);
    let refused = Refusal::WindowPaid { payer: ods("10M"), payee: payee("NT3") };
    assert_eq!(world.submit_content(id, again), Err(refused), "nothing stands in two runs");
    assert_eq!(world.prepare(&ledger, "2017-06/freeze"), Err(Refusal::NothingToPay));
}

/// The content with the end-to-end ids of its own run.
fn rekeyed(mut content: RunContent) -> RunContent {
    let run = content.run.to_bytes();
    for row in &mut content.rows {
        let id = row.key(&run, &row.texts()).end_to_end_id().as_str().to_owned();
        if let Decision::Pay { end_to_end_id, .. } = &mut row.decision {
            *end_to_end_id = id;
        }
    }
    content
}

#[test]
fn books_that_disagree_prepare_nothing() {
    let mut world = World::new();
    let ledger = owing();
    world.today = day("2017-08-22");
    let id = world.new_request();
    let sources = || world.sources(id, &ledger, "2017-06/freeze");
    let mut more = sources();
    more.cuts[1].parts[0].payable = NetPence::new(150_01);
    let (payer, nt3) = (ods("10M"), payee("NT3"));
    let [sealed, window] = [150_01, 150_00].map(NetPence::new);
    let mismatch =
        PrepareError::CutMismatch { cut: cut("2017-06/freeze"), payer, payee: nt3.clone(), sealed, window };
    assert_eq!(prepare(&world.state, &more), Err(mismatch));
    let mut unknown = sources();
    unknown.cuts[1].parts.remove(0);
    let window = NetPence::new(150_00);
    let mismatch = PrepareError::CutMismatch {
        cut: cut("2017-06/freeze"),
        payer,
        payee: nt3,
        sealed: NetPence::ZERO,
        window,
    };
    assert_eq!(prepare(&world.state, &unknown), Err(mismatch));
    let mut behind = sources();
    behind.windows.iter_mut().for_each(|window| window.sealed = false);
    let cut_behind = PrepareError::LedgerBehind { cut: cut("2017-06/flex") };
    assert_eq!(prepare(&world.state, &behind), Err(cut_behind));
    let mut open = sources();
    open.cuts.pop();
    let unsealed = PrepareError::CutNotSealed { cut: cut("2017-06/freeze") };
    assert_eq!(prepare(&world.state, &open), Err(unsealed));
    let mut moved = sources();
    moved.accounts[0].balance = NetPence::new(1);
    assert!(matches!(prepare(&world.state, &moved), Err(PrepareError::BooksMoved { .. })));
}

#[test]
fn what_the_ledger_refuses_is_withheld_and_stays_owed() {
    let mut world = World::new();
    let mut ledger = owing();
    ledger.refuses.insert("payable/phb-3".into());
    world.today = day("2017-08-22");
    let run = paying(&mut world, &mut ledger);
    let states: Vec<_> =
        world.state.run(run).unwrap().payments.values().map(|payment| payment.state).collect();
    assert_eq!(states, [PaymentState::Instructed, PaymentState::Withheld]);
    let files = world.state.run(run).unwrap().files.clone().unwrap();
    assert!(files.iter().all(|file| !file.kind.is_controlled()));
    ledger.refuses.clear();
    let next = world.prepare(&ledger, "2017-06/freeze").unwrap();
    assert_eq!(ids(&world, next).iter().map(|(_, pence)| *pence).collect::<Vec<_>>(), [75_00]);
}

#[test]
fn bank_details_are_those_that_were_approved() {
    let mut world = World::new();
    let ledger = owing();
    world.today = day("2017-08-22");
    let run = world.prepare(&ledger, "2017-06/freeze").unwrap();
    world.approve(run).unwrap();
    let mut rows = snapshot();
    let details = rows.bank_details.iter_mut().find(|row| row.organisation == ods("NT3")).unwrap();
    details.account_number = "99999999".parse().unwrap();
    world.adopt(&rows);
    assert_eq!(world.pay(run), Err(Refusal::BankDetailsChanged { payee: payee("NT3") }));
}

#[test]
fn files_are_the_same_after_a_crash_and_keep_people_apart() {
    let mut world = World::new();
    let mut ledger = owing();
    world.today = day("2017-08-22");
    let run = world.prepare(&ledger, "2017-06/freeze").unwrap();
    world.approve(run).unwrap();
    world.pay(run).unwrap();
    let recorded = world.record_files(run);
    assert_eq!(recorded, Err(Refusal::AsksOpen));
    world.carry(&mut ledger);
    let first = files::make(world.state.run(run).unwrap(), &people()).unwrap();
    world.restart();
    world.adopt(&snapshot());
    assert_eq!(files::make(world.state.run(run).unwrap(), &people()).unwrap(), first);
    let kinds: Vec<_> = first.iter().map(|file| (file.facts.kind, file.facts.pence.get())).collect();
    assert_eq!(
        kinds,
        [
            (FileKind::Journal, 1_075_00),
            (FileKind::AccountsPayable, 1_075_00),
            (FileKind::Payments, 1_000_00),
            (FileKind::ControlledPayments, 75_00),
        ]
    );
    for file in &first {
        let text = String::from_utf8_lossy(file.bytes.bytes());
        assert_eq!(text.contains("A PERSON"), file.facts.kind.is_controlled(), "{}", file.facts.name);
        assert!(file.facts.name.starts_with(file.facts.kind.folder()));
        assert!(file.facts.name.contains(".sandbox."), "{}", file.facts.name);
    }
    let facts: Vec<RunFile> = first.into_iter().map(|file| file.facts).collect();
    let record = |files: Vec<RunFile>| Command::RecordFiles(RecordFiles { run, files });
    assert_eq!(world.submit(record(facts[1..3].to_vec())), Err(Refusal::FilesDoNotAddUp));
    world.submit(record(facts.clone())).unwrap();
    world.submit(record(facts.clone())).unwrap();
    let mut other = facts;
    other[0].digest = Digest::of(b"other");
    assert_eq!(world.submit(record(other)), Err(Refusal::FileDiffers));
    let nobody = files::make(world.state.run(run).unwrap(), &Default::default());
    assert_eq!(nobody, Err(files::FilesError::DetailsMissing("phb-3".into())));
}

#[test]
fn a_run_is_given_up_before_it_pays_and_never_after() {
    let mut world = World::new();
    let mut ledger = owing();
    world.today = day("2017-08-22");
    let run = world.prepare(&ledger, "2017-06/freeze").unwrap();
    let step = |run, step, reason: &str| Command::StepRun(StepRun { run, step, reason: reason.into() });
    assert_eq!(world.submit(step(run, RunStep::Cancel, " ")), Err(Refusal::ReasonInvalid));
    assert_eq!(world.submit(step(request(9_999), RunStep::Cancel, "x")), Err(Refusal::RunUnknown));
    world.submit(step(run, RunStep::Cancel, "wrong date")).unwrap();
    assert_eq!(world.run_state(run), RunState::Cancelled);
    let run = paying(&mut world, &mut ledger);
    let refused = IllegalStep { from: RunState::Paying, step: RunStep::Cancel };
    assert_eq!(world.submit(step(run, RunStep::Cancel, "late")), Err(Refusal::RunState(refused)));
    world.submit(step(run, RunStep::Resume, "")).unwrap();
}

/// These bytes stand in journals: they may never change, and new ones are only ever added.
#[test]
fn records_are_the_same_for_ever() {
    let (run, digest) = (request(7), Digest([7; 32]));
    let key = InstalmentKey {
        contract: "10M-RHW".parse().unwrap(),
        kind: DueKind::OnAccount,
        day: day("2017-06-15"),
    };
    let class = reference::ExpenditureClass::InSystem;
    let due =
        FallDue { key, payer: ods("10M"), payee: payee("RHW"), class, pence: Pence::from_u32(83_333_34) };
    let item = journal::Item { position: journal::Position::new(9), index: 2 };
    let denied = LedgerAnswer::Denied { reason: LedgerReason::new("WINDOW_OVERPAID") };
    let granted = LedgerAnswer::Granted { position: journal::Position::new(5) };
    let file = RunFile {
        kind: FileKind::ControlledPayments,
        name: "payments/controlled/a.xml".into(),
        digest,
        items: 1,
        pence: Pence::from_u32(75_00),
    };
    let commands = [
        (Command::FallDue(due), Event::FellDue),
        (
            Command::SettleAsks(SettleAsks { answers: vec![(item, granted), (item, denied)] }),
            Event::AsksSettled,
        ),
        (Command::PayRun(PayRun { run, digest }), Event::RunPaying),
        (Command::RecordFiles(RecordFiles { run, files: vec![file] }), Event::FilesRecorded),
        (
            Command::StepRun(StepRun { run, step: RunStep::Cancel, reason: "x".into() }),
            Event::BankMessageRecorded { outcomes: EntryOutcome::ALL.to_vec() },
        ),
    ];
    let mut shown = String::new();
    for (command, event) in commands {
        let mut body = Vec::new();
        let outcome = journal::Outcome::Accepted(smallvec::smallvec![event]);
        <Settlement as journal::Domain>::encode(&command, &outcome, &mut body);
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(shown, "{} {hex}", <Settlement as journal::Domain>::kind(&command).0).unwrap();
    }
    let mut world = World::new();
    world.today = day("2017-08-22");
    let sources = world.sources(run, &owing(), "2017-06/freeze");
    // Apart from the reference data, whose own bytes are another crate's to keep.
    let content = RunContent { reference: digest, ..prepare(&world.state, &sources).unwrap() };
    writeln!(shown, "content {}", Digest::of(&content.to_cbor())).unwrap();
    expect![[r#"
        101 8285836731304d2d524857011943b46331304d63524857011a007f2816820081820280
        102 8281828282090282008105828209028201816f57494e444f575f4f56455250414944820081820380
        105 8282500000000000007000800000000000000758200707070707070707070707070707070707070707070707070707070707070707820081820680
        106 8282500000000000007000800000000000000781850278197061796d656e74732f636f6e74726f6c6c65642f612e786d6c5820070707070707070707070707070707070707070707070707070707070707070701191d4c820081820780
        107 828350000000000000700080000000000000070761788200818209818a0102030405060708090a
        content 15f2359f8b2a81de908e30ae26a5492942663083c0b46195b7c046988a9c172f
    "#]].assert_eq(&shown);
}

#[test]
fn nothing_is_decided_without_reference_data() {
    let mut world = World::empty();
    let id = world.new_request();
    let sources = world.sources(id, &owing(), "2017-06/freeze");
    assert_eq!(prepare(&world.state, &sources), Err(PrepareError::ReferenceMissing));
    world.roll_to("2017-07-02");
    assert_eq!(world.state.instalments().count(), 0);
    let mut newer = snapshot();
    newer.registry_position = Some(journal::Position::new(5));
    world.adopt(&newer);
    let bytes = snapshot().encode();
    let adopted = Adopted::read(&bytes).unwrap();
    let terms = AdoptTerms { digest: world.blobs.put(bytes) };
    let older = world.submit(Command::AdoptReference(AdoptReference { terms, adopted }));
    assert_eq!(older, Err(Refusal::ReferenceOlder));
}
