use super::*;
use crate::status;
use ::ledger::{EntryKind, HoldAction, Leg, Posted, Posting, Stage, WindowKey, WindowUse};
use expect_test::expect;
use journal::{
    Cause, Day, Fingerprint, Header, Instant, Item, Kind, Position, RequestId, SystemName, derived_request_id,
};
use money::{NetPence, Pence, Side};
use proptest::prelude::*;
use proto::ledger::v1;

fn any_key() -> impl Strategy<Value = WindowKey> {
    prop_oneof![
        (1900_i16..2999, 1_i8..13, any::<bool>()).prop_map(|(year, month, flex)| WindowKey::Cut {
            period: nhs::Period::new(year, month).unwrap(),
            stage: if flex { Stage::Flex } else { Stage::Freeze },
        }),
        (0..100_000_i32).prop_map(|day| WindowKey::Instalment { due: Day::new(day) }),
        any::<u32>().prop_map(|number| WindowKey::Run { number }),
    ]
}

fn root() -> RequestId {
    "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap()
}

fn any_id() -> impl Strategy<Value = RequestId> {
    any::<u64>().prop_map(|purpose| derived_request_id("test", root(), &purpose.to_be_bytes()))
}

fn any_leg() -> impl Strategy<Value = Leg> {
    let window = prop_oneof![
        Just(None),
        any_key().prop_map(|key| Some(WindowUse::Adds(key))),
        any_key().prop_map(|key| Some(WindowUse::Pays(key))),
    ];
    (any::<u64>(), any::<bool>(), 1..=i64::MAX, window).prop_map(|(account, debit, pence, window)| Leg {
        account: Position::new(account),
        side: if debit { Side::Debit } else { Side::Credit },
        pence: Pence::new(pence).unwrap(),
        window,
    })
}

fn any_hold() -> impl Strategy<Value = HoldAction> {
    let pence = (1..=i64::MAX).prop_map(|pence| Pence::new(pence).unwrap());
    let place = (any::<u64>(), pence.clone(), 0..100_000_i32, prop::option::of(any_id()));
    prop_oneof![
        place.prop_map(|(account, pence, day, name)| HoldAction::Place {
            account: Position::new(account),
            pence,
            expires: Day::new(day),
            name,
        }),
        (any_id(), prop::option::of(pence)).prop_map(|(hold, pence)| HoldAction::Capture { hold, pence }),
        any_id().prop_map(|hold| HoldAction::Release { hold }),
    ]
}

fn any_posting() -> impl Strategy<Value = Posting> {
    let kinds = EntryKind::ALL.into_iter().filter(|kind| *kind != EntryKind::Reversal).collect::<Vec<_>>();
    let rest = (
        prop::option::of((any::<u64>(), any::<u16>())),
        prop::option::of("[ -~]{1,64}"),
        prop::option::of(0..100_000_i32),
        prop::option::of("[!-~]{1,99}"),
    );
    let legs = (prop::collection::vec(any_leg(), 0..4), prop::collection::vec(any_hold(), 0..3));
    (prop::sample::select(kinds), 0..100_000_i32, legs, rest).prop_map(
        |(kind, day, (legs, holds), (corrects, reference, accounted, on_behalf_of))| Posting {
            holds,
            corrects: corrects.map(|(position, index)| Item { position: Position::new(position), index }),
            reference,
            accounting_date: accounted.map(Day::new),
            on_behalf_of,
            ..Posting::new(kind, Day::new(day), legs)
        },
    )
}

fn header(request_id: RequestId, cause: Option<Cause>) -> Header {
    Header {
        kind: Kind(101),
        system: "s".parse::<SystemName>().unwrap().tag(),
        position: Position::new(7),
        recorded_time: Instant::from_micros(5),
        business_date: Day::new(17_318),
        cause,
        request_id,
        fingerprint: Fingerprint([0; 16]),
        caller: Position::new(3),
    }
}

fn posted_nothing() -> Posted {
    Posted {
        accounting_date: Day::new(17_318),
        windows: vec![],
        held: vec![],
        breaches: vec![],
        origin: None,
        made: None,
        balances: None,
    }
}

fn message_of(id: RequestId, cause: Option<Cause>, posting: &Posting) -> v1::Posting {
    let of = EntryOf {
        header: &header(id, cause),
        index: 0,
        posting,
        posted: &posted_nothing(),
        reason: "",
        proposer: None,
        reversed_by: None,
        corrected_by: &[],
    };
    entry(&of).posting.unwrap()
}

proptest! {
    #[test]
    fn postings_go_there_and_back(
        id in any_id(), asked in any_posting(), cause in prop::option::of(any::<u64>()),
    ) {
        let cause = cause.map(|at| Cause { service: Service::Referrals, position: Position::new(at) });
        let message = message_of(id, cause, &asked);
        prop_assert_eq!(posting(&message).unwrap(), Asked { request_id: id, cause, posting: asked });
    }
}

#[test]
fn everything_wrong_with_a_posting_is_told_at_once() {
    let leg = |side: i32, amount_pence, window| v1::Leg { account: 1, side, amount_pence, window };
    let cut =
        |period, stage| v1::WindowKey { key: Some(v1::window_key::Key::Cut(v1::CutKey { period, stage })) };
    let message = v1::Posting {
        request_id: vec![1; 15],
        kind: 31,
        effective_date: None,
        legs: vec![
            leg(0, -5, None),
            leg(1, 5, None),
            leg(9, 0, Some(v1::leg::Window::Pays(cut(201_713, 0)))),
            leg(2, 5, Some(v1::leg::Window::Adds(v1::WindowKey { key: None }))),
        ],
        holds: vec![
            v1::HoldAction { action: None },
            v1::HoldAction {
                action: Some(v1::hold_action::Action::Place(v1::PlaceHold {
                    account: 1,
                    amount_pence: 0,
                    expire_date: Some(proto::google::r#type::Date { year: 2017, month: 2, day: 30 }),
                    name: vec![0; 16],
                })),
            },
        ],
        cause: Some(proto::common::v1::Cause { service: "ledgers".into(), position: 1 }),
        corrects: Some(v1::EntryName { position: 1, index: 65_536 }),
        reference: "é".into(),
        accounting_date: None,
        on_behalf_of: "x".repeat(201),
        reverses_in: "2017-13".into(),
        balances: false,
    };
    let told: Vec<String> =
        posting(&message).unwrap_err().iter().map(|v| format!("{} {}", v.field, v.reason)).collect();
    expect![[r#"
        request_id REQUEST_ID_INVALID
        kind FIELD_INVALID
        effective_date FIELD_MISSING
        legs[0].side FIELD_MISSING
        legs[0].amount_pence AMOUNT_INVALID
        legs[2].side FIELD_INVALID
        legs[2].amount_pence AMOUNT_INVALID
        legs[2].pays.cut.period PERIOD_INVALID
        legs[2].pays.cut.stage FIELD_MISSING
        legs[3].adds.key FIELD_MISSING
        holds[0].action FIELD_MISSING
        holds[1].place.amount_pence AMOUNT_INVALID
        holds[1].place.expire_date DATE_INVALID
        holds[1].place.name REQUEST_ID_INVALID
        cause.service FIELD_INVALID
        corrects.index FIELD_INVALID
        reference FIELD_INVALID
        on_behalf_of FIELD_TOO_LONG
        reverses_in PERIOD_INVALID"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_refusal_names_what_remains() {
    let refusal = Refusal::LimitExceeded { limit: Position::new(4), remaining: Pence::from_u32(12_34) };
    let status = status::refusal(&refusal);
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    assert_eq!(status.message(), "the limit set at 4 leaves £12.34");
    let answer = refused(&refusal, Some(Position::new(9)), false);
    assert_eq!((answer.remaining_pence, answer.position), (Some(1_234), Some(9)));
    assert_eq!(answer.problems[0].reason, "LIMIT_EXCEEDED");
    assert_eq!(answer.problems[0].domain, "ledger.almoner");
    let overpaid =
        Refusal::WindowOverpaid { at: LegAt { posting: 2, index: 1 }, remaining: NetPence::new(-5) };
    assert_eq!(Reason::subject(&overpaid), "postings[2].legs[1]");
}
