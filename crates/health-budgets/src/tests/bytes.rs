//! Golden bodies: they stand in journals, so they never change.

use super::{World, day, notional, pence, world::open};
use crate::*;
use journal::{Domain as _, Kind, NoBlobs, Outcome, Position};
use proptest::prelude::*;

fn hex(command: impl Into<Command>, outcome: Result<Event, Refusal>) -> String {
    let outcome = match outcome {
        Ok(event) => Outcome::Accepted(smallvec::smallvec![event]),
        Err(refusal) => Outcome::Refused(refusal),
    };
    let mut body = Vec::new();
    HealthBudgets::encode(&command.into(), &outcome, &mut body);
    body.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bodies_are_these_bytes() {
    let plan = PlanNumber(Position::new(42));
    let spend = RecordSpend {
        plan,
        pot: PotKind::Notional,
        item: ItemCategory::Alcohol,
        supplier: None,
        pence: pence(1_250),
        date: day("2017-06-01"),
    };
    let denied = LedgerAnswer::Denied { reason: LedgerReason::new("LIMIT_EXCEEDED"), position: None };
    let table = [
        hex(open(&[notional(100), super::direct(11_000, 1_000)]), Ok(Event::PlanOpened)),
        hex(spend.clone(), Err(Refusal::ExcludedItem(ItemCategory::Alcohol))),
        hex(spend, Ok(Event::SpendRequested { over_budget: true, due: day("2017-06-30") })),
        hex(SettleAsk { ask: Position::new(43), answer: denied }, Ok(Event::AskSettled)),
        hex(ClosePlan { plan }, Err(Refusal::IllegalPlanStep(PlanState::Approving))),
    ];
    expect_test::expect![[r#"
        828850070707070707070707070707070707076331304d011943a66a6f6666696365722d313201828201811864820382192af883021943aa1903e882030c820081820080
        8286182a011865f61904e21943a68201820e811865
        8286182a011865f61904e21943a6820081820382f51943c3
        8282182b8201816e4c494d49545f4558434545444544820081821480
        8281182a820182118101"#]].assert_eq(&table.join("\n"));
}

#[test]
fn the_digest_of_a_proposal_is_of_its_recorded_bytes() {
    let mut world = World::new();
    let plan = world.propose(&[notional(100)]);
    assert_eq!(world.plan(plan).proposal.digest, open(&[notional(100)]).digest());
    assert_ne!(open(&[notional(100)]).digest(), open(&[notional(101)]).digest());
}

#[test]
fn a_fingerprint_is_of_what_was_asked() {
    let asked = Command::from(open(&[notional(100)]));
    let later =
        OpenPlan { reviews: ReviewRule { first_months: 6, then_months: 6 }, ..open(&[notional(100)]) };
    assert_eq!(asked.fingerprint(), Command::from(later).fingerprint(), "configuration is not the caller's");
    assert_ne!(asked.fingerprint(), Command::from(open(&[notional(101)])).fingerprint());
    let plan = PlanNumber(Position::new(1));
    let resume = Command::from(ResumePlan { plan }).fingerprint();
    assert_ne!(resume, Command::from(ClosePlan { plan }).fingerprint(), "kinds differ");
}

#[test]
fn the_first_field_that_differs_is_named() {
    let plan = PlanNumber(Position::new(1));
    let one = Command::from(RecordReview { plan, held: day("2017-06-01") });
    let two = Command::from(RecordReview { plan, held: day("2017-06-02") });
    assert_eq!(HealthBudgets::differing_field(&one, &two), "held");
    assert_eq!(HealthBudgets::differing_field(&one, &ClosePlan { plan }.into()), "request_id");
}

#[test]
fn reasons_are_codes() {
    assert!(
        Refusal::REASONS.iter().all(|reason| reason.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    );
    for reason in [Refusal::PlanUnknown, Refusal::AskPending, Refusal::ExcludedItem(ItemCategory::Alcohol)] {
        assert!(reason.reason().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
        assert!(!reason.to_string().is_empty());
    }
    assert!(!Refusal::ExcludedItem(ItemCategory::Alcohol).is_state_dependent());
    assert!(Refusal::Overspend { remaining: pence(1) }.is_state_dependent());
    assert_eq!(LedgerReason::new("not a reason").as_str(), "UNKNOWN");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(kind in 95..125_u16, body in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = HealthBudgets::decode(Kind(kind), &body, &NoBlobs);
    }
}
