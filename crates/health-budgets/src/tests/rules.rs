//! The rules, one by one.

use super::{ANN, BOB, World, day, direct, notional, pence, third_party, world::open};
use crate::*;
use journal::{Digest, Position};

fn spend(plan: PlanNumber, pot: PotKind, amount: u32) -> RecordSpend {
    RecordSpend {
        plan,
        pot,
        item: ItemCategory::PersonalCare,
        supplier: Some("NVC02".parse().unwrap()),
        pence: pence(amount),
        date: day("2017-06-01"),
    }
}

fn book(plan: PlanNumber, amount: u32, date: &str) -> BookService {
    BookService {
        plan,
        item: ItemCategory::Respite,
        supplier: "NT344".parse().unwrap(),
        pence: pence(amount),
        date: day(date),
    }
}

#[test]
fn a_plan_is_sound_or_refused() {
    let mut world = World::new();
    let good = open(&[notional(100)]);
    let table = [
        (OpenPlan { pots: vec![], ..good.clone() }, Refusal::PotsInvalid),
        (OpenPlan { pots: vec![notional(1), notional(2)], ..good.clone() }, Refusal::PotsInvalid),
        (OpenPlan { pots: vec![notional(0)], ..good.clone() }, Refusal::AmountZero),
        (OpenPlan { pots: vec![direct(100, 0)], ..good.clone() }, Refusal::AmountZero),
        (
            OpenPlan { reviews: ReviewRule { first_months: 0, then_months: 12 }, ..good.clone() },
            Refusal::ReviewRuleInvalid,
        ),
        (
            OpenPlan { reviews: ReviewRule { first_months: 3, then_months: 13 }, ..good.clone() },
            Refusal::ReviewRuleInvalid,
        ),
        // From 5 June 2017 there are eleven four-weekly instalments.
        (OpenPlan { pots: vec![direct(10_999, 1_000)], ..good.clone() }, Refusal::ScheduleExceedsBudget),
        (
            OpenPlan { pots: vec![direct(11_000, 1_000)], starts: day("2017-06-06"), ..good.clone() },
            Refusal::DateBeforePlan,
        ),
        (
            OpenPlan { pots: vec![direct(11_000, 1_000)], starts: day("2016-06-01"), ..good.clone() },
            Refusal::DateOutsideYear,
        ),
        (
            OpenPlan {
                pots: vec![PotTerms::Notional { budget: money::Pence::MAX }, direct(11_000, 1_000)],
                ..good.clone()
            },
            Refusal::AmountTooLarge,
        ),
    ];
    for (command, refusal) in table {
        assert_eq!(world.run(command.clone()), Err(refusal), "{command:?}");
    }
    assert_eq!(world.run(OpenPlan { pots: vec![direct(11_000, 1_000)], ..good }), Ok(Event::PlanOpened));
}

#[test]
fn another_officer_approves_what_was_proposed() {
    let mut world = World::new();
    let plan = world.propose(&[notional(100)]);
    let digest = world.plan(plan).proposal.digest;
    let nobody = PlanNumber(Position::new(999));
    let table = [
        (BOB, ApprovePlan { plan: nobody, digest }, Refusal::PlanUnknown),
        (ANN, ApprovePlan { plan, digest }, Refusal::SamePerson),
        (BOB, ApprovePlan { plan, digest: Digest::of(b"other") }, Refusal::DigestMismatch),
    ];
    for (caller, command, refusal) in table {
        assert_eq!(world.run_by(caller, command), Err(refusal));
    }
    assert_eq!(
        world.run(spend(plan, PotKind::Notional, 1)),
        Err(Refusal::PlanNotActive(PlanState::Proposed))
    );
    assert_eq!(world.approve(plan), Ok(Event::ApprovalRequested));
    assert_eq!(world.approve(plan), Err(Refusal::IllegalPlanStep(PlanState::Approving)));
    world.settle_with(true);
    assert_eq!(world.plan(plan).state, PlanState::Proposed, "a denied plan may be approved again");
    world.approve(plan).unwrap();
    world.settle();
    assert_eq!(world.plan(plan).state, PlanState::Active);
}

#[test]
fn excluded_items_are_refused_from_every_pot() {
    let mut world = World::new();
    let plan = world.active(&[notional(100_000), third_party(110_000, 10_000), direct(110_000, 10_000)]);
    for item in ItemCategory::ALL {
        for pot in PotKind::ALL {
            let found = world.run(RecordSpend { item: *item, ..spend(plan, pot, 1) });
            match item.is_excluded() {
                true => assert_eq!(found, Err(Refusal::ExcludedItem(*item))),
                false => assert!(found.is_ok(), "{item:?} {pot:?}"),
            }
        }
        let booked = world.run(BookService { item: *item, ..book(plan, 1, "2017-07-01") });
        assert_eq!(booked == Err(Refusal::ExcludedItem(*item)), item.is_excluded());
    }
}

#[test]
fn a_cash_pot_is_never_overspent_and_a_notional_one_is_with_a_note() {
    let mut world = World::new();
    let plan = world.active(&[notional(1_000), third_party(11_000, 1_000), direct(11_000, 1_000)]);
    for pot in [PotKind::ThirdParty, PotKind::DirectPayment] {
        assert_eq!(world.run(spend(plan, pot, 10_999)), Ok(Event::SpendEvidenced));
        assert_eq!(world.run(spend(plan, pot, 2)), Err(Refusal::Overspend { remaining: pence(1) }));
        assert_eq!(world.run(spend(plan, pot, 1)), Ok(Event::SpendEvidenced));
        assert_eq!(world.run(spend(plan, pot, 1)), Err(Refusal::Overspend { remaining: pence(0) }));
    }
    let due = day("2017-06-30");
    let noted = |over_budget| Ok(Event::SpendRequested { over_budget, due });
    assert_eq!(world.run(spend(plan, PotKind::Notional, 400)), noted(false));
    assert_eq!(world.run(book(plan, 600, "2017-07-01")), Ok(Event::BookingRequested { over_budget: false }));
    assert_eq!(world.run(spend(plan, PotKind::Notional, 1)), noted(true));
    assert_eq!(world.run(book(plan, 1, "2017-07-01")), Ok(Event::BookingRequested { over_budget: true }));
}

#[test]
fn spends_have_an_amount_a_day_and_a_supplier() {
    let mut world = World::new();
    let plan = world.active(&[notional(1_000), direct(11_000, 1_000)]);
    let good = spend(plan, PotKind::Notional, 1);
    let table = [
        (RecordSpend { plan: PlanNumber(Position::new(1)), ..good.clone() }, Refusal::PlanUnknown),
        (RecordSpend { pot: PotKind::ThirdParty, ..good.clone() }, Refusal::PotUnknown),
        (RecordSpend { pence: pence(0), ..good.clone() }, Refusal::AmountZero),
        (RecordSpend { date: day("2017-06-02"), ..good.clone() }, Refusal::DateInFuture),
        (RecordSpend { date: day("2017-05-31"), ..good.clone() }, Refusal::DateBeforePlan),
        (RecordSpend { supplier: None, ..good.clone() }, Refusal::SupplierMissing),
    ];
    for (command, refusal) in table {
        assert_eq!(world.run(command.clone()), Err(refusal), "{command:?}");
    }
    let evidence = RecordSpend { supplier: None, ..spend(plan, PotKind::DirectPayment, 1) };
    assert_eq!(world.run(evidence), Ok(Event::SpendEvidenced));
    assert_eq!(world.run(book(plan, 1, "2018-04-01")), Err(Refusal::DateOutsideYear));
    assert_eq!(world.run(book(plan, 1, "2018-03-31")), Ok(Event::BookingRequested { over_budget: false }));
}

#[test]
fn a_booking_is_delivered_once_or_cancelled() {
    let mut world = World::new();
    let plan = world.active(&[notional(1_000)]);
    let booking = Position::new(world.next);
    world.run(book(plan, 500, "2017-06-20")).unwrap();
    let deliver = |amount, date| RecordDelivery { booking, pence: pence(amount), delivered: day(date) };
    assert_eq!(
        world.run(deliver(500, "2017-06-01")),
        Err(Refusal::IllegalSpendStep(SpendState::Booking)),
        "the ledger has not answered"
    );
    world.settle();
    world.roll_to("2017-06-21");
    assert_eq!(
        world.run(deliver(501, "2017-06-20")),
        Err(Refusal::DeliveryExceedsBooking { booked: pence(500) })
    );
    assert_eq!(world.run(deliver(400, "2017-06-22")), Err(Refusal::DateInFuture));
    assert_eq!(
        world.run(deliver(400, "2017-06-20")),
        Ok(Event::DeliveryRequested { due: day("2017-06-30") })
    );
    world.settle();
    assert_eq!(world.state.spend(booking).unwrap().state, SpendState::Delivered);
    assert_eq!(world.run(deliver(1, "2017-06-20")), Err(Refusal::IllegalSpendStep(SpendState::Delivered)));
    assert_eq!(
        (world.pot(plan, PotKind::Notional).booked, world.pot(plan, PotKind::Notional).spent),
        (pence(0), pence(400))
    );
    assert_eq!(world.books.held(), 0, "the rest of the booking is given up");

    let second = Position::new(world.next);
    world.run(book(plan, 500, "2017-06-25")).unwrap();
    world.settle();
    assert_eq!(world.run(CancelBooking { booking: second }), Ok(Event::CancellationRequested));
    world.settle();
    assert_eq!(world.state.spend(second).unwrap().state, SpendState::Cancelled);
    assert_eq!((world.books.held(), world.pot(plan, PotKind::Notional).booked), (0, pence(0)));
    assert_eq!(world.run(CancelBooking { booking: Position::new(1) }), Err(Refusal::SpendUnknown));
}

#[test]
fn suppliers_are_paid_by_the_month_in_the_year_of_the_money() {
    for (today, service, due) in [
        ("2017-06-01", "2017-06-01", "2017-06-30"),
        ("2017-07-02", "2017-06-30", "2017-07-31"),
        ("2018-03-31", "2018-03-31", "2018-03-31"),
        ("2018-04-05", "2018-03-30", "2018-03-31"),
    ] {
        let mut world = World::new();
        let plan = world.active(&[notional(1_000)]);
        world.roll_to(today);
        let spend = RecordSpend { date: day(service), ..spend(plan, PotKind::Notional, 1) };
        assert_eq!(
            world.run(spend),
            Ok(Event::SpendRequested { over_budget: false, due: day(due) }),
            "{today}"
        );
    }
}

#[test]
fn instalments_fall_due_every_four_weeks_until_the_year_ends() {
    let mut world = World::new();
    let plan = world.active(&[direct(11_500, 1_000)]);
    assert_eq!(world.books.held(), 11_000);
    world.roll_to("2017-06-04");
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(0));
    world.roll_to("2017-07-03");
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(0), "the ledger has not answered");
    world.settle();
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(2_000));
    world.roll_to("2018-06-01");
    world.settle();
    let pot = world.pot(plan, PotKind::DirectPayment);
    assert_eq!((pot.paid, pot.held), (pence(11_000), pence(0)));
    assert_eq!(world.books.held(), 0);
    assert_eq!(world.books.net(&format!("10M/phb/2017-18/owed/payable/{plan}")), -11_000);
    assert_eq!(world.books.available(&format!("10M/phb/2017-18/fund/plan/{plan}")), 500);
}

#[test]
fn a_plan_approved_late_pays_what_has_fallen_due() {
    let mut world = World::new();
    let plan = world.propose(&[direct(11_000, 1_000)]);
    world.books.balances.insert("10M/phb/2017-18/fund/unassigned/allocation".into(), -100_000);
    world.roll_to("2017-07-10");
    world.approve(plan).unwrap();
    world.settle();
    world.roll_to("2017-07-11");
    world.settle();
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(2_000));
}

#[test]
fn a_stay_in_hospital_skips_instalments_and_stops_spending() {
    let mut world = World::new();
    let plan = world.active(&[direct(11_000, 1_000)]);
    world.roll_to("2017-06-20");
    let later = SuspendPlan { plan, from: day("2017-06-21") };
    assert_eq!(world.run(later), Err(Refusal::DateInFuture));
    world.run(SuspendPlan { plan, from: day("2017-06-15") }).unwrap();
    let on = |date| RecordSpend { date: day(date), ..spend(plan, PotKind::DirectPayment, 1) };
    assert_eq!(world.run(on("2017-06-14")), Ok(Event::SpendEvidenced));
    assert_eq!(world.run(on("2017-06-15")), Err(Refusal::PlanSuspended));
    world.roll_to("2017-07-10");
    world.settle();
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(1_000), "3 July is skipped");
    world.run(ResumePlan { plan }).unwrap();
    world.roll_to("2017-07-31");
    world.settle();
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(2_000));
    assert_eq!(world.run(ResumePlan { plan }), Err(Refusal::IllegalPlanStep(PlanState::Active)));
}

#[test]
fn death_freezes_spending_and_settles_what_was_owed() {
    let mut world = World::new();
    let plan = world.active(&[notional(5_000), direct(11_000, 1_000)]);
    let booking = Position::new(world.next);
    world.run(book(plan, 500, "2017-06-10")).unwrap();
    world.settle();
    world.roll_to("2017-06-20");
    world.settle();
    world.run(RecordDeath { plan, died: day("2017-06-15") }).unwrap();
    world.settle();
    assert_eq!(world.books.held(), 500, "instalments to come are given up, the booking is not");
    let on = |date| RecordSpend { date: day(date), ..spend(plan, PotKind::DirectPayment, 1) };
    assert_eq!(world.run(on("2017-06-15")), Ok(Event::SpendEvidenced), "wages earned by then");
    assert_eq!(world.run(on("2017-06-16")), Err(Refusal::PlanFrozen));
    let delivery = |date| RecordDelivery { booking, pence: pence(500), delivered: day(date) };
    assert_eq!(world.run(delivery("2017-06-16")), Err(Refusal::PlanFrozen));
    assert!(world.run(delivery("2017-06-10")).is_ok());
    world.settle();
    world.roll_to("2018-04-02");
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid, pence(1_000), "no instalment after death");
    assert!(world.state.reviews_due(world.today).is_empty());

    // The unspent part comes back before the plan closes.
    assert_eq!(world.run(ClosePlan { plan }), Err(Refusal::PlanUnsettled));
    let care = RecordCarePeriod {
        plan,
        pot: PotKind::DirectPayment,
        from: day("2017-06-05"),
        to: day("2017-06-15"),
        pence: pence(300),
    };
    world.run(care).unwrap();
    world.settle();
    let reclaim = Position::new(world.next);
    let ask_back = DecideReclaim {
        plan,
        pot: PotKind::DirectPayment,
        pence: pence(700),
        reason: ReclaimReason::Death,
        deadline: day("2018-05-01"),
    };
    assert_eq!(world.run(ask_back), Ok(Event::ReclaimRequested { from_ahead: pence(700) }));
    world.settle();
    world.run(RecordReceipt { reclaim, pence: pence(700), received: day("2018-04-02") }).unwrap();
    world.settle();
    assert_eq!(world.run(ClosePlan { plan }), Ok(Event::PlanClosed));
}

#[test]
fn care_is_recognised_against_what_was_paid() {
    let mut world = World::new();
    let plan = world.active(&[direct(11_000, 1_000), third_party(22_000, 2_000)]);
    world.roll_to("2017-06-20");
    world.settle();
    let care = |pot, from, to, amount| RecordCarePeriod {
        plan,
        pot,
        from: day(from),
        to: day(to),
        pence: pence(amount),
    };
    let table = [
        (care(PotKind::Notional, "2017-06-05", "2017-06-11", 1), Refusal::PotUnknown),
        (care(PotKind::DirectPayment, "2017-06-11", "2017-06-05", 1), Refusal::DatesReversed),
        (care(PotKind::DirectPayment, "2017-06-05", "2017-06-21", 1), Refusal::DateInFuture),
        (
            care(PotKind::DirectPayment, "2017-06-05", "2017-06-11", 1_001),
            Refusal::CareExceedsPayments { remaining: pence(1_000) },
        ),
    ];
    for (command, refusal) in table {
        assert_eq!(world.run(command.clone()), Err(refusal), "{command:?}");
    }
    world.run(care(PotKind::DirectPayment, "2017-06-05", "2017-06-11", 250)).unwrap();
    let next = care(PotKind::DirectPayment, "2017-06-12", "2017-06-18", 750);
    assert_eq!(world.run(next.clone()), Err(Refusal::AskPending));
    world.settle_with(true);
    assert_eq!(world.pot(plan, PotKind::DirectPayment).recognised_to, None, "a denial takes it back");
    world.run(care(PotKind::DirectPayment, "2017-06-05", "2017-06-11", 250)).unwrap();
    world.settle();
    assert_eq!(
        world.run(care(PotKind::DirectPayment, "2017-06-11", "2017-06-18", 1)),
        Err(Refusal::CareOverlaps)
    );
    world.run(next).unwrap();
    world.settle();
    assert_eq!(world.pot(plan, PotKind::DirectPayment).paid_ahead(), pence(0));

    let back = |amount| RecordReturn { plan, pence: pence(amount), received: day("2017-06-20") };
    assert_eq!(world.run(back(2_001)), Err(Refusal::ReturnExceedsAdvance { remaining: pence(2_000) }));
    world.run(back(1_500)).unwrap();
    world.settle();
    assert_eq!(world.pot(plan, PotKind::ThirdParty).paid_ahead(), pence(500));
    assert_eq!(world.books.net("10M/phb/2017-18/out/bank"), 1_500);
}

#[test]
fn a_reclaim_is_received_in_parts_or_written_off_by_two() {
    let mut world = World::new();
    let plan = world.active(&[direct(11_000, 1_000)]);
    world.roll_to("2017-07-04");
    world.settle();
    let care = RecordCarePeriod {
        plan,
        pot: PotKind::DirectPayment,
        from: day("2017-06-05"),
        to: day("2017-07-02"),
        pence: pence(800),
    };
    world.run(care).unwrap();
    world.settle();
    let decide = |amount, deadline| DecideReclaim {
        plan,
        pot: PotKind::DirectPayment,
        pence: pence(amount),
        reason: ReclaimReason::UsedOutsidePlan,
        deadline: day(deadline),
    };
    assert_eq!(world.run(decide(1, "2017-07-03")), Err(Refusal::DeadlinePassed));
    assert_eq!(
        world.run(decide(2_001, "2017-08-01")),
        Err(Refusal::ReclaimExceedsPayments { remaining: pence(2_000) })
    );
    let reclaim = Position::new(world.next);
    // 1,200 are paid ahead; the other 300 were recognised.
    assert_eq!(
        world.run(decide(1_500, "2017-08-01")),
        Ok(Event::ReclaimRequested { from_ahead: pence(1_200) })
    );
    world.settle();
    let receipt = |amount| RecordReceipt { reclaim, pence: pence(amount), received: day("2017-07-04") };
    assert_eq!(world.run(receipt(1_501)), Err(Refusal::ReceiptExceedsReclaim { remaining: pence(1_500) }));
    world.run(receipt(1_000)).unwrap();
    assert_eq!(world.run(receipt(1)), Err(Refusal::IllegalReclaimStep(ReclaimState::Receiving)));
    world.settle();
    assert_eq!(world.state.reclaim(reclaim).unwrap().state, ReclaimState::Decided);

    world.run(ProposeWriteOff { reclaim }).unwrap();
    let digest = world.state.reclaim(reclaim).unwrap().write_off.unwrap().digest;
    let approve = ApproveWriteOff { reclaim, digest };
    assert_eq!(world.run(approve.clone()), Err(Refusal::SamePerson));
    assert_eq!(
        world.run_by(BOB, ApproveWriteOff { reclaim, digest: Digest::of(b"x") }),
        Err(Refusal::DigestMismatch)
    );
    assert_eq!(world.run_by(BOB, approve), Ok(Event::WriteOffRequested));
    world.settle();
    assert_eq!(world.state.reclaim(reclaim).unwrap().state, ReclaimState::WrittenOff);
    let fund = format!("10M/phb/2017-18/fund/plan/{plan}");
    for (account, net) in [
        ("recoverable", 0),
        ("prepayment", 0),
        ("expenditure/phb-direct", 500),
        ("expenditure/written-off", 500),
    ] {
        assert_eq!(world.books.net(&format!("{fund}/{account}")), net, "{account}");
    }
}

#[test]
fn reviews_fall_due_after_three_months_then_a_year() {
    let mut world = World::new();
    let plan = world.active(&[notional(1)]);
    assert!(world.state.reviews_due(day("2017-08-31")).is_empty());
    assert_eq!(world.state.reviews_due(day("2017-09-01")), [(plan, day("2017-09-01"))]);
    assert!(!world.plan(plan).review_overdue(day("2017-09-01")));
    assert!(world.plan(plan).review_overdue(day("2017-09-02")));
    world.roll_to("2017-09-10");
    assert_eq!(world.run(RecordReview { plan, held: day("2017-09-11") }), Err(Refusal::DateInFuture));
    assert_eq!(
        world.run(RecordReview { plan, held: day("2017-09-08") }),
        Ok(Event::ReviewRecorded { next: day("2018-09-08") })
    );
    assert!(world.state.reviews_due(world.today).is_empty());
}

#[test]
fn small_cells_are_marked() {
    let mut world = World::new();
    for _ in 0..5 {
        world.active(&[notional(100)]);
    }
    world.active(&[direct(11_000, 1_000)]);
    world.propose(&[direct(11_000, 1_000)]);
    let cells = totals(&world.state);
    let key = |kind| ("10M".parse().unwrap(), CareCategory::AdultContinuingHealthcare, kind);
    let notional = cells[&key(PotKind::Notional)];
    assert_eq!((notional.plans_count, notional.budget.get(), notional.is_small()), (5, 500, false));
    let direct = cells[&key(PotKind::DirectPayment)];
    assert_eq!((direct.plans_count, direct.is_small()), (1, true), "proposed plans are not counted");
}

#[test]
fn plan_ids_read_as_they_print() {
    let plan = PlanNumber(Position::new(42));
    assert_eq!((plan.to_string(), "phb-42".parse()), ("phb-42".to_owned(), Ok(plan)));
    for bad in ["", "42", "phb-", "phb-042", "phb-9434765919", "PHB-4", "phb-+4"] {
        assert_eq!(bad.parse::<PlanNumber>(), Err(PlanNumberError), "{bad}");
    }
    assert!("9434765919".parse::<StaffId>().is_err(), "no NHS number passes for a staff id");
    assert_eq!("officer-12".parse::<StaffId>().unwrap().as_str(), "officer-12");
}
