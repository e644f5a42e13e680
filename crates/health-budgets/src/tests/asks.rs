//! What the ledger is asked, row by row; and that crashes between asking and answering change nothing.

use super::{BOB, World, day, direct, notional, pence, third_party};
use crate::*;
use expect_test::expect;
use journal::{Domain as _, Position, RequestId};
use money::Side;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Every posting of a plan with all three pots, in the words of the chart's table of events.
#[test]
fn the_rows_of_the_chart() {
    let mut world = World::new();
    let plan = world.active(&[notional(5_000), third_party(22_000, 2_000), direct(11_000, 1_000)]);
    let booking = Position::new(world.next);
    world
        .run(BookService {
            plan,
            item: ItemCategory::Therapy,
            supplier: "NT344".parse().unwrap(),
            pence: pence(500),
            date: day("2017-06-05"),
        })
        .unwrap();
    world.settle();
    world.roll_to("2017-06-05");
    world.settle();
    world.run(RecordDelivery { booking, pence: pence(400), delivered: day("2017-06-05") }).unwrap();
    let care = |pot| RecordCarePeriod {
        plan,
        pot,
        from: day("2017-06-05"),
        to: day("2017-06-05"),
        pence: pence(300),
    };
    world.run(care(PotKind::ThirdParty)).unwrap();
    world.run(care(PotKind::DirectPayment)).unwrap();
    world.run(RecordReturn { plan, pence: pence(200), received: day("2017-06-05") }).unwrap();
    world.settle();
    let reclaim = Position::new(world.next);
    world
        .run(DecideReclaim {
            plan,
            pot: PotKind::DirectPayment,
            pence: pence(800),
            reason: ReclaimReason::UsedOutsidePlan,
            deadline: day("2017-07-01"),
        })
        .unwrap();
    world.settle();
    world.run(RecordReceipt { reclaim, pence: pence(500), received: day("2017-06-05") }).unwrap();
    world.settle();
    world.run(ProposeWriteOff { reclaim }).unwrap();
    let digest = world.state.reclaim(reclaim).unwrap().write_off.unwrap().digest;
    world.run_by(BOB, ApproveWriteOff { reclaim, digest }).unwrap();
    world.settle();
    world.run(RecordDeath { plan, died: day("2017-06-05") }).unwrap();
    world.settle();
    expect![[r#"
        PlanApproved 2017-06-01
          Dr 10M/phb/2017-18/fund/unassigned/allocation 38000
          Cr 10M/phb/2017-18/fund/plan/phb-10/allocation 38000
          hold 1 on 10M/phb/2017-18/fund/plan/phb-10/advance 22000 until 2018-04-01
          hold 2 on 10M/phb/2017-18/fund/plan/phb-10/prepayment 11000 until 2018-04-01
        PhbBooked 2017-06-01
          hold 3 on 10M/phb/2017-18/fund/plan/phb-10/expenditure/phb-notional 500 until 2018-04-01
        PhbInstalment 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/advance 2000
          Cr 10M/phb/2017-18/owed/payable/NT3 2000 due 2017-06-05
          capture 1 2000
        PhbInstalment 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/prepayment 1000
          Cr 10M/phb/2017-18/owed/payable/phb-10 1000 due 2017-06-05
          capture 2 1000
        PhbDelivered 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/expenditure/phb-notional 400
          Cr 10M/phb/2017-18/owed/payable/NT3 400 due 2017-06-30
          capture 3 400
          release 3
        PhbCare 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/expenditure/phb-third-party 300
          Cr 10M/phb/2017-18/fund/plan/phb-10/advance 300
        PhbCare 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/expenditure/phb-direct 300
          Cr 10M/phb/2017-18/fund/plan/phb-10/prepayment 300
        PhbReturned 2017-06-05
          Dr 10M/phb/2017-18/out/bank 200
          Cr 10M/phb/2017-18/fund/plan/phb-10/advance 200
        Reclaim 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/recoverable 800
          Cr 10M/phb/2017-18/fund/plan/phb-10/prepayment 700
          Cr 10M/phb/2017-18/fund/plan/phb-10/expenditure/phb-direct 100
        ReclaimReceived 2017-06-05
          Dr 10M/phb/2017-18/out/bank 500
          Cr 10M/phb/2017-18/fund/plan/phb-10/recoverable 500
        WriteOff 2017-06-05
          Dr 10M/phb/2017-18/fund/plan/phb-10/expenditure/written-off 300
          Cr 10M/phb/2017-18/fund/plan/phb-10/recoverable 300
        HoldRelease 2017-06-05
          release 1
          release 2
    "#]]
    .assert_eq(&rows(&world));
}

fn rows(world: &World) -> String {
    let mut postings: Vec<_> = world.books.answers.values().collect();
    postings.sort_by_key(|(_, answer)| match answer {
        LedgerAnswer::Granted { position } => Some(*position),
        LedgerAnswer::Denied { position, .. } => *position,
    });
    let mut names = BTreeMap::new();
    let mut text = String::new();
    for (posting, _) in postings {
        text += &format!("{:?} {}\n", posting.kind, posting.effective_date);
        for leg in &posting.legs {
            let side = if leg.side == Side::Debit { "Dr" } else { "Cr" };
            let due = leg.due.map(|due| format!(" due {due}")).unwrap_or_default();
            text += &format!("  {side} {} {}{due}\n", leg.account, leg.pence.get());
        }
        for hold in &posting.holds {
            let next = names.len() + 1;
            let mut name = |id: &RequestId| *names.entry(*id).or_insert(next);
            text += &match hold {
                HoldAction::Place { account, pence, expires, name: id } => {
                    format!("  hold {} on {account} {} until {expires}\n", name(id), pence.get())
                }
                HoldAction::Capture { hold, pence } => {
                    format!(
                        "  capture {} {}\n",
                        name(hold),
                        pence.map_or_else(|| "all".into(), |p| p.get().to_string())
                    )
                }
                HoldAction::Release { hold } => format!("  release {}\n", name(hold)),
            };
        }
    }
    text
}

/// A crash may come before the ledger is asked, after it answered and before the answer is recorded, or after that. Each
/// way the ask is found again from the state alone, and the ledger moves once.
#[test]
fn a_crash_at_any_point_leaves_one_posting() {
    for lost_answers in 0..3 {
        for deny in [false, true] {
            let mut world = World::new();
            let plan = world.active(&[notional(5_000)]);
            let postings = world.books.answers.len();
            let book = BookService {
                plan,
                item: ItemCategory::Therapy,
                supplier: "NT344".parse().unwrap(),
                pence: pence(500),
                date: day("2017-06-05"),
            };
            let ask = Position::new(world.next);
            world.run(book).unwrap();
            for _ in 0..lost_answers {
                // The process ends here: what it knew is gone, the records are not.
                let restarted = world.replayed();
                assert_eq!(restarted, world.state);
                world.state = restarted;
                let open = world.state.ask(ask).expect("the ask is found again").clone();
                world.books.post(&open, deny);
            }
            let open = world.state.ask(ask).unwrap().clone();
            let answer = world.books.post(&open, deny);
            let recorded = Position::new(world.next);
            world.run(SettleAsk { ask, answer: answer.clone() }).unwrap();
            assert_eq!(world.state.answer(ask), Some(recorded));
            assert_eq!(world.run(SettleAsk { ask, answer }), Err(Refusal::AskUnknown));
            assert_eq!(world.books.answers.len(), postings + 1);
            let (state, held) = if deny { (SpendState::Denied, 0) } else { (SpendState::Booked, 500) };
            assert_eq!((world.state.spend(ask).unwrap().state, world.books.held()), (state, held));
            assert_eq!(world.replayed(), world.state);
        }
    }
}

#[test]
fn the_ledger_decides_when_the_programme_has_no_money() {
    let mut world = World::new();
    let plan = world.propose(&[direct(11_000, 1_000)]);
    world.approve(plan).unwrap();
    let ask = world.state.asks().next().unwrap().1.clone();
    let node = format!("10M/phb/2017-18/fund/plan/{plan}");
    assert_eq!(ask.limit, Some(NodeLimit { node: node.clone(), hard: true }));
    world.settle();
    // Cash beyond the plan's money is refused by the ledger whatever this journal thinks.
    let mut beyond = ask;
    beyond.posting.request_id =
        RequestId::from_bytes([9, 9, 9, 9, 9, 9, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    beyond.posting.holds.clear();
    beyond.posting.legs = vec![
        Leg { account: format!("{node}/prepayment"), side: Side::Debit, pence: pence(1), due: None },
        Leg { account: "10M/phb/2017-18/out/bank".into(), side: Side::Credit, pence: pence(1), due: None },
    ];
    assert_eq!(
        world.books.post(&beyond, false),
        LedgerAnswer::Denied {
            reason: LedgerReason::new("LIMIT_EXCEEDED"),
            position: Some(Position::new(1))
        }
    );
}

/// What may happen next, by small numbers that the world makes commands of.
#[derive(Debug, Clone)]
enum Move {
    Command(u8, u8, u16),
    Settle { deny: u8 },
    Days(u8),
    Restart,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (0..14_u8, 0..4_u8, 1..3_000_u16).prop_map(|(what, which, amount)| Move::Command(what, which, amount)),
        4 => prop_oneof![2 => Just(0), 1 => any::<u8>()].prop_map(|deny| Move::Settle { deny }),
        2 => (1..30_u8).prop_map(Move::Days),
        1 => Just(Move::Restart),
    ]
}

fn command(world: &World, plan: PlanNumber, what: u8, which: u8, amount: u16) -> Command {
    let kind = PotKind::ALL[usize::from(which) % 3];
    let pence = pence(u32::from(amount));
    let today = world.today;
    let spends: Vec<Position> = world.state.spends().map(|(record, _)| record).collect();
    let reclaims: Vec<Position> = world.state.reclaims().map(|(record, _)| record).collect();
    let pick =
        |from: &[Position]| from.get(usize::from(amount) % from.len().max(1)).copied().unwrap_or_default();
    let supplier = "NT3".parse().unwrap();
    let item = ItemCategory::ALL[usize::from(amount) % ItemCategory::ALL.len()];
    match what {
        0 | 1 => RecordSpend { plan, pot: kind, item, supplier: Some(supplier), pence, date: today }.into(),
        2 | 3 => BookService { plan, item, supplier, pence, date: today.plus(i32::from(which)) }.into(),
        4 | 5 => RecordDelivery { booking: pick(&spends), pence, delivered: today }.into(),
        6 => CancelBooking { booking: pick(&spends) }.into(),
        7 => RecordCarePeriod { plan, pot: kind, from: today, to: today, pence }.into(),
        8 => DecideReclaim { plan, pot: kind, pence, reason: ReclaimReason::Death, deadline: today }.into(),
        9 => RecordReceipt { reclaim: pick(&reclaims), pence, received: today }.into(),
        10 => RecordReturn { plan, pence, received: today }.into(),
        11 => match which {
            0 => SuspendPlan { plan, from: today }.into(),
            1 | 2 => ResumePlan { plan }.into(),
            _ if amount > 2_800 => RecordDeath { plan, died: today }.into(),
            _ => RecordReview { plan, held: today }.into(),
        },
        12 => ProposeWriteOff { reclaim: pick(&reclaims) }.into(),
        _ => {
            let reclaim = pick(&reclaims);
            let proposed = world.state.reclaim(reclaim).and_then(|reclaim| reclaim.write_off);
            let digest = proposed.map(|proposal| proposal.digest).unwrap_or_default();
            ApproveWriteOff { reclaim, digest }.into()
        }
    }
}

/// The plan's accounts stand where its pots say, once the ledger has answered everything.
fn agree(world: &World, plan: PlanNumber) {
    let line = "10M/phb/2017-18";
    let fund = format!("{line}/fund/plan/{plan}");
    let net = |account: &str| world.books.net(&format!("{fund}/{account}"));
    let amount = |pence: money::Pence| i128::from(pence.get());
    let mut recoverable = 0;
    let mut written_off = 0;
    for (_, reclaim) in world.state.reclaims() {
        match reclaim.state {
            ReclaimState::WrittenOff => written_off += amount(reclaim.due()),
            ReclaimState::Denied | ReclaimState::Received => {}
            ReclaimState::Deciding
            | ReclaimState::Decided
            | ReclaimState::Receiving
            | ReclaimState::GivingUp
            | ReclaimState::WritingOff => recoverable += amount(reclaim.due()),
        }
    }
    assert_eq!((net("recoverable"), net("expenditure/written-off")), (recoverable, written_off));
    for (kind, pot) in &world.plan(plan).pots {
        let spent = if kind.is_cash() { pot.recognised } else { pot.spent };
        assert_eq!(net(kind.expenditure()), amount(spent) - amount(pot.reclaimed_spent), "{kind:?}");
        if let Some(ahead) = kind.paid_ahead() {
            assert_eq!(net(ahead), amount(pot.paid_ahead()), "{kind:?}");
        }
    }
    let booked: i64 = world.plan(plan).pots[&PotKind::Notional].booked.get();
    let held: i64 = world.plan(plan).pots.values().map(|pot| pot.held.get()).sum();
    assert_eq!(world.books.held(), booked + held);
    assert_eq!(world.books.balances.values().sum::<i128>(), -100_000_000, "the books balance");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn pots_hold_books_agree_and_replay_is_equal(moves in proptest::collection::vec(any_move(), 1..80)) {
        let mut world = World::new();
        let plan = world.active(&[notional(5_000), third_party(22_000, 2_000), direct(11_000, 1_000)]);
        for (caller, action) in (1..).zip(&moves) {
            match action {
                Move::Command(what, which, amount) => {
                    let command = command(&world, plan, *what, *which, *amount);
                    let _ = world.run_by(caller, command);
                }
                Move::Settle { deny } => {
                    world.settle_by(|number| deny >> (number % 8) & 1 == 1);
                    agree(&world, plan);
                }
                Move::Days(days) => world.roll_to(&world.today.plus(i32::from(*days)).to_string()),
                Move::Restart => world.state = world.replayed(),
            }
            for (kind, pot) in &world.plan(plan).pots {
                if kind.is_cash() {
                    prop_assert!(pot.spent <= pot.terms.budget());
                    prop_assert!(pot.paid <= pot.terms.budget());
                    prop_assert!(pot.reclaimed_ahead <= pot.paid);
                }
            }
        }
        world.settle();
        prop_assert_eq!(world.replayed(), world.state.clone());
        prop_assert_eq!(world.state.asks().count(), 0);
        prop_assert!(HealthBudgets::day_roll(&world.state, world.today).is_empty(), "nothing due is left over");
    }
}
