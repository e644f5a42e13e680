//! What is refused, that a refusal quotes nothing, and that what is asked of the ledger is what the ledger understands.

use super::*;
use crate::{PageKey, Violations, status};
use ::health_budgets::{Command, HealthBudgets, Refusal, ReviewRule, State};
use journal::{Day, Domain as _, Instant, Moment, Position, RequestId};
use nhs::Pseudonym;
use proptest::prelude::*;
use proto::{google::r#type::Date, health_budgets::v1};
use tonic::Status;

const ID: &str = "0192f0c1-2b3c-7d4e-8f90-123456789abc";

fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

fn opening() -> v1::OpenPlanRequest {
    let schedule = v1::Schedule {
        frequency: v1::Frequency::FourWeekly.into(),
        first_due_date: date(2017, 6, 5),
        instalment_pence: 1_000,
    };
    let pot = |kind: v1::PotKind, schedule, holder: &str| v1::PotTerms {
        kind: kind.into(),
        budget_pence: 11_000,
        schedule,
        holder: holder.to_owned(),
    };
    v1::OpenPlanRequest {
        system: "s".into(),
        request_id: ID.into(),
        person: Some(v1::open_plan_request::Person::NhsNumber(9_434_765_919)),
        ccg: "10M".into(),
        category: v1::CareCategory::Other.into(),
        start_date: date(2017, 6, 1),
        co_ordinator: "officer-12".into(),
        recipient: 0,
        pots: vec![
            pot(v1::PotKind::Notional, None, ""),
            pot(v1::PotKind::ThirdParty, Some(schedule), "NT3"),
            pot(v1::PotKind::DirectPayment, Some(schedule), ""),
        ],
    }
}

fn found(result: Result<impl Sized, Violations>) -> Vec<(String, &'static str)> {
    let violations = result.err().map(|violations| violations.iter().cloned().collect::<Vec<_>>());
    violations.unwrap_or_default().into_iter().map(|one| (one.field, one.reason)).collect()
}

#[test]
fn a_request_prints_no_number() {
    let opening = open_plan(opening()).unwrap();
    assert!(!format!("{opening:?}").contains("94347"));
    assert_eq!(opening.ccg().to_string(), "10M");
}

#[test]
fn every_bad_field_is_named_and_none_is_quoted() {
    let number = "9434765918";
    let bad = v1::OpenPlanRequest {
        system: number.into(),
        request_id: number.into(),
        person: Some(v1::open_plan_request::Person::NhsNumber(9_434_765_918)),
        ccg: number.into(),
        category: 0,
        start_date: None,
        co_ordinator: "9434765919".into(),
        recipient: 99,
        pots: vec![
            v1::PotTerms { kind: 0, budget_pence: -1, schedule: None, holder: number.into() },
            v1::PotTerms {
                kind: v1::PotKind::Notional.into(),
                budget_pence: 1,
                schedule: Some(v1::Schedule::default()),
                holder: "NT3".into(),
            },
            v1::PotTerms {
                kind: v1::PotKind::ThirdParty.into(),
                budget_pence: 0,
                schedule: None,
                holder: String::new(),
            },
        ],
    };
    let violations = open_plan(bad).unwrap_err();
    let listed: Vec<_> = violations.iter().map(|one| format!("{} {}", one.field, one.reason)).collect();
    expect_test::expect![[r#"
        system SYSTEM_INVALID
        request_id REQUEST_ID_INVALID
        nhs_number NHS_NUMBER_CHECK_DIGIT
        ccg ODS_CODE_INVALID
        category FIELD_MISSING
        start_date FIELD_MISSING
        co_ordinator FIELD_INVALID
        recipient FIELD_INVALID
        pots[0].kind FIELD_MISSING
        pots[0].budget_pence AMOUNT_INVALID
        pots[1].schedule FIELD_INVALID
        pots[1].holder FIELD_INVALID
        pots[2].budget_pence AMOUNT_INVALID
        pots[2].schedule FIELD_MISSING
        pots[2].holder FIELD_MISSING"#]]
    .assert_eq(&listed.join("\n"));
    let status = Status::from(violations.clone());
    for text in [format!("{violations:?}"), String::from_utf8_lossy(status.details()).into_owned()] {
        assert!(!text.contains("94347"), "{text}");
    }
}

#[test]
fn amounts_dates_and_items_are_checked() {
    let good = v1::RecordSpendRequest {
        system: "s".into(),
        request_id: ID.into(),
        plan: "phb-7".into(),
        pot: v1::PotKind::Notional.into(),
        item: v1::ItemCategory::Respite.into(),
        supplier: "NT3".into(),
        amount_pence: 1,
        service_date: date(2017, 6, 1),
    };
    assert!(record_spend(good.clone()).is_ok());
    let one = |field: &str, reason| vec![(field.to_owned(), reason)];
    let table = [
        (v1::RecordSpendRequest { plan: "7".into(), ..good.clone() }, one("plan", "PLAN_ID_INVALID")),
        (v1::RecordSpendRequest { amount_pence: -1, ..good.clone() }, one("amount_pence", "AMOUNT_INVALID")),
        (
            v1::RecordSpendRequest { amount_pence: i64::MIN, ..good.clone() },
            one("amount_pence", "AMOUNT_INVALID"),
        ),
        (v1::RecordSpendRequest { item: 0, ..good.clone() }, one("item", "FIELD_MISSING")),
        (v1::RecordSpendRequest { item: 50, ..good.clone() }, one("item", "FIELD_INVALID")),
        (
            v1::RecordSpendRequest { supplier: "nt3".into(), ..good.clone() },
            one("supplier", "ODS_CODE_INVALID"),
        ),
        (
            v1::RecordSpendRequest { service_date: date(2017, 6, 0), ..good.clone() },
            one("service_date", "DATE_INVALID"),
        ),
        (v1::RecordSpendRequest { system: String::new(), ..good.clone() }, one("system", "FIELD_MISSING")),
        (v1::RecordSpendRequest { request_id: String::new(), ..good }, one("request_id", "FIELD_MISSING")),
    ];
    for (message, expected) in table {
        assert_eq!(found(record_spend(message.clone())), expected, "{message:?}");
    }
}

/// Plays a plan with all pots and asks the ledger's own conversion whether it understands every posting.
#[test]
fn the_ledger_understands_what_is_asked() {
    let mut state = State::default();
    let mut next = 1_u64;
    let mut run = |state: &mut State, caller, command: Command| {
        let at = Moment {
            position: Position::new(next),
            recorded_time: Instant::from_micros(0),
            business_date: Day::new(17_322),
            request_id: ID.parse::<RequestId>().unwrap(),
            caller: Position::new(caller),
        };
        next += 1;
        for event in &HealthBudgets::decide(state, &at, &command).unwrap() {
            HealthBudgets::apply(state, &at, &command, event);
        }
        at.position
    };
    let open = open_plan(opening()).unwrap().command(Pseudonym::new([1; 16]), ReviewRule::DEFAULT);
    let number = ::health_budgets::PlanNumber(run(&mut state, 1, open));
    let plan = state.plan(number).unwrap();
    let approve = v1::ApprovePlanRequest {
        system: "s".into(),
        request_id: ID.into(),
        plan: number.to_string(),
        proposal_digest: plan.proposal.digest.0.to_vec(),
    };
    let record = run(&mut state, 2, approve_plan(approve).unwrap().command);
    let ask = state.ask(record).unwrap();
    let system = "s".parse().unwrap();
    let limit = limit(&system, ask).unwrap();
    assert_eq!(limit.node, "10M/phb/2017-18/fund/plan/phb-1");
    let mut fields = crate::Fields::new();
    assert!(crate::ledger::limit(&mut fields, &limit).is_some());

    let paths = accounts(ask);
    let mut fields = crate::Fields::new();
    assert_eq!(crate::ledger::opened_paths(&mut fields, &paths).map(|found| found.len()), Some(4));
    let number_of = |path: &str| paths.iter().position(|found| found == path).map(|at| at as u64);
    let message = posting(record, ask, "urn:almoner:person:ann", number_of).unwrap();
    assert!(crate::ledger::posting(&message).is_ok());
    assert_eq!((message.legs.len(), message.holds.len(), message.reference.as_str()), (2, 2, "phb-1"));
    assert_eq!(posting(record, ask, "", |_| None), None, "an account without a number is not guessed");
}

#[test]
fn refusals_have_their_codes() {
    use ::health_budgets::{ItemCategory, PlanState, ReclaimState};
    let rows: Vec<String> = [
        Refusal::PlanUnknown,
        Refusal::AmountZero,
        Refusal::ExcludedItem(ItemCategory::HrgPricedProcedure),
        Refusal::Overspend { remaining: money::Pence::from_u32(5) },
        Refusal::IllegalPlanStep(PlanState::Suspended),
        Refusal::IllegalReclaimStep(ReclaimState::GivingUp),
    ]
    .iter()
    .map(|refusal| {
        use crate::Reason as _;
        format!("{:?} {} {:?}", status::refusal(refusal).code(), refusal.reason(), refusal.metadata())
    })
    .collect();
    expect_test::expect![[r#"
        NotFound PLAN_UNKNOWN []
        InvalidArgument AMOUNT_ZERO []
        FailedPrecondition EXCLUDED_ITEM [("item", "hrg-priced-procedure")]
        FailedPrecondition OVERSPEND [("remainingPence", "5")]
        FailedPrecondition ILLEGAL_PLAN_STEP [("state", "SUSPENDED")]
        FailedPrecondition ILLEGAL_RECLAIM_STEP [("state", "GIVING_UP")]"#]]
    .assert_eq(&rows.join("\n"));
}

#[test]
fn listings_page_under_their_own_filter() {
    let key = PageKey::new([1; 32]);
    let ask = |ccg: &str, state: i32, page_token: String| v1::ListPlansRequest {
        system: "s".into(),
        ccg: ccg.into(),
        state,
        page: Some(proto::common::v1::PageRequest { page_size: 2, page_token }),
        min_position: Some(3),
    };
    let list = list_plans(&key, ask("10M", 0, String::new())).unwrap();
    assert_eq!((list.page.size, list.min_position), (2, Some(Position::new(3))));
    let cursor = crate::Cursor { position: Position::new(9), last: vec![1] };
    let token = key.response(&list.page, Some(&cursor)).next_page_token;
    assert_eq!(list_plans(&key, ask("10M", 0, token.clone())).unwrap().page.cursor, Some(cursor));
    assert_eq!(
        found(list_plans(&key, ask("11D", 0, token))),
        [("page.page_token".to_owned(), "PAGE_TOKEN_INVALID")]
    );
    assert_eq!(
        found(list_plans(&key, ask("10M", 99, String::new()))),
        [("state".to_owned(), "FIELD_INVALID")]
    );
}

proptest! {
    #[test]
    fn any_spend_is_answered(text in ".{0,9}", number: i32, pence: i64, day: i32) {
        let _ = record_spend(v1::RecordSpendRequest {
            system: text.clone(), request_id: text.clone(), plan: text.clone(), pot: number, item: number,
            supplier: text.clone(), amount_pence: pence, service_date: date(number, day, day),
        });
        let _ = decide_reclaim(v1::DecideReclaimRequest {
            system: text.clone(), request_id: text.clone(), plan: text, pot: number, amount_pence: pence,
            reason: number, deadline_date: date(number, day, day),
        });
    }
}
