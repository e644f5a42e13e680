//! The engine driven by the smallest domain that can refuse: a counter with a ceiling.

use crate::{Engine, NoPast, Now, Recovery, Replay, Request, Submitted};
use journal::{
    Blobs, Day, DecodeError, Domain, Events, Instant, Kind, Moment, NoBlobs, Outcome, Position, RequestId,
    Service, SystemName, fingerprint, house,
};
use proptest::prelude::*;

struct Counter;

const CEILING: u64 = 100;

impl Domain for Counter {
    const SERVICE: Service = Service::Ledger;
    type State = u64;
    type Command = u64;
    type Event = u64;
    type Refusal = u64;
    type Report = u64;

    fn kind(_: &u64) -> Kind {
        Kind(100)
    }

    fn decide(state: &u64, _: &Moment, add: &u64) -> Result<Events<u64>, u64> {
        let sum = state + add;
        if sum > CEILING { Err(CEILING - state) } else { Ok(Events::from_elem(sum, 1)) }
    }

    fn apply(state: &mut u64, _: &Moment, _: &u64, sum: &u64) {
        *state = *sum;
    }

    fn encode(command: &u64, outcome: &Outcome<u64, u64>, body: &mut Vec<u8>) {
        let (tag, value) = match outcome {
            Outcome::Accepted(events) => (0u8, events[0]),
            Outcome::Refused(refusal) => (1, *refusal),
        };
        minicbor::encode((command, tag, value), body).unwrap();
    }

    fn decode(_: Kind, body: &[u8], _: &dyn Blobs) -> Result<(u64, Outcome<u64, u64>), DecodeError> {
        let (command, tag, value): (u64, u8, u64) = minicbor::decode(body)?;
        let outcome =
            if tag == 0 { Outcome::Accepted(Events::from_elem(value, 1)) } else { Outcome::Refused(value) };
        Ok((command, outcome))
    }

    fn differing_field(_: &u64, _: &u64) -> &'static str {
        "add"
    }

    fn reports(_: &Moment, _: &u64, event: &u64, out: &mut Vec<u64>) {
        out.push(*event);
    }

    fn day_roll(_: &u64, _: Day) -> Vec<u64> {
        Vec::new()
    }

    const SNAPSHOT_FORMAT: Option<u32> = Some(1);

    fn encode_state(state: &u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.to_be_bytes());
    }

    fn decode_state(bytes: &[u8], _: &dyn Blobs) -> Result<u64, DecodeError> {
        let bytes = bytes.try_into().map_err(minicbor::decode::Error::custom)?;
        Ok(u64::from_be_bytes(bytes))
    }
}

fn system() -> SystemName {
    "test".parse().unwrap()
}

fn now(at: i64) -> Now {
    Now { time: Instant::from_micros(at), business_date: Day::new(17_000) }
}

fn request(id: u8, add: u64) -> Request<u64> {
    let mut bytes = [id; 16];
    bytes[6] = 0x70;
    Request {
        request_id: RequestId::from_bytes(bytes).unwrap(),
        fingerprint: fingerprint(&add.to_le_bytes()),
        caller: "urn:almoner:org:NT3".into(),
        cause: None,
        command: add,
    }
}

fn recorded(submitted: Submitted<Counter>) -> crate::Answer<u64, u64> {
    match submitted {
        Submitted::Recorded(answer) => answer,
        Submitted::Seen(position) => panic!("seen at {position}"),
        Submitted::Unavailable => panic!("nothing is ever unavailable without a past"),
    }
}

#[test]
fn one_id_has_one_outcome_for_ever() {
    let mut engine = Engine::<Counter>::new(&system());
    let refused = recorded(engine.submit(now(1), &request(1, 101), &mut NoPast).unwrap());
    assert_eq!(refused.outcome, Outcome::Refused(100));
    // Room or not, the refusal stands.
    let Submitted::Seen(position) = engine.submit(now(2), &request(1, 101), &mut NoPast).unwrap() else {
        panic!("decided again")
    };
    let record = engine.open_group().record(position).unwrap().to_vec();
    let Replay::Same(again) = engine.replay(&record, &request(1, 101), &NoBlobs).unwrap() else {
        panic!("not the same")
    };
    assert_eq!((again.position, again.outcome, again.replayed), (refused.position, refused.outcome, true));
    let Replay::Differs { field, .. } = engine.replay(&record, &request(1, 7), &NoBlobs).unwrap() else {
        panic!("same")
    };
    assert_eq!(field, "add");
    assert!(matches!(engine.replay(&record, &request(2, 101), &NoBlobs).unwrap(), Replay::Another));
}

#[test]
fn a_caller_is_named_once_and_time_never_goes_back() {
    let mut engine = Engine::<Counter>::new(&system());
    let first = recorded(engine.submit(now(50), &request(1, 1), &mut NoPast).unwrap());
    let second = recorded(engine.submit(now(10), &request(2, 1), &mut NoPast).unwrap());
    assert_eq!(first.position, Position::new(1), "after the record that names the caller");
    assert_eq!(second.position, Position::new(2));
    assert_eq!(second.recorded_time, first.recorded_time);
    assert_eq!(engine.caller(Position::FIRST).map(|urn| &**urn), Some("urn:almoner:org:NT3"));
}

#[test]
fn a_record_too_large_changes_nothing() {
    let mut engine = Engine::<Counter>::new(&system());
    let urn: std::sync::Arc<str> = "x".repeat(70_000).into();
    let request = Request { caller: urn, ..request(1, 1) };
    assert!(engine.submit(now(1), &request, &mut NoPast).is_err());
    assert!(engine.open_group().is_empty());
    assert_eq!(*engine.state(), 0);
}

proptest! {
    #[test]
    fn a_replay_gives_the_same_state_ids_and_reports(adds in proptest::collection::vec((any::<u8>(), 0..40u64), 1..60)) {
        let mut engine = Engine::<Counter>::new(&system());
        let opened = house::House::Opened(house::Opened {
            installation: [1; 16], system: "test".into(), service: Service::Ledger, sandbox: false,
        });
        engine.record_house(now(0), &opened, &"urn:almoner:service:ledger".into()).unwrap();
        let mut expected = Vec::new();
        for (step, (id, add)) in (1i64..).zip(&adds) {
            if let Submitted::Recorded(answer) = engine.submit(now(step), &request(*id, *add), &mut NoPast).unwrap() {
                expected.extend(answer.result().map(|events| events[0]));
            }
        }
        let mut recovery = Recovery::<Counter>::new(&system());
        let mut reports = Vec::new();
        for record in engine.open_group().records() {
            recovery.record(record, &NoBlobs, &mut reports).unwrap();
        }
        let mut again = recovery.finish();
        prop_assert_eq!(again.state(), engine.state());
        prop_assert_eq!(again.next(), engine.next());
        prop_assert_eq!(again.last_time(), engine.last_time());
        prop_assert_eq!(again.opened(), engine.opened());
        prop_assert_eq!(reports, expected);
        for (id, add) in &adds {
            prop_assert!(matches!(again.submit(now(0), &request(*id, *add), &mut NoPast).unwrap(), Submitted::Seen(_)));
        }
    }

    #[test]
    fn a_snapshot_anywhere_gives_the_same_engine_and_the_reports_that_are_owed(
        adds in proptest::collection::vec((any::<u8>(), 0..40u64), 1..40),
        delivered_at in 0..40usize,
        cut_at in 0..80usize,
    ) {
        let mut engine = Engine::<Counter>::new(&system());
        let urn: std::sync::Arc<str> = "urn:almoner:service:ledger".into();
        for (n, (id, add)) in adds.iter().enumerate() {
            let at = now(i64::try_from(n).unwrap());
            engine.submit(at, &request(*id, *add), &mut NoPast).unwrap();
            if n == delivered_at {
                let through = engine.next().previous().unwrap();
                let first_position = Position::FIRST;
                let delivered = house::Delivered { target: Service::Ledger, through, first_position, parked: Vec::new() };
                engine.record_house(at, &house::House::Delivered(delivered), &urn).unwrap();
            }
        }
        let records: Vec<Vec<u8>> = engine.open_group().records().map(<[u8]>::to_vec).collect();
        let cut = cut_at % (records.len() + 1);
        let read = |recovery: &mut Recovery<Counter>, records: &[Vec<u8>]| {
            let (mut owed, mut through) = (Vec::new(), None);
            for record in records {
                let (at, mut reports) = (recovery.next(), Vec::new());
                if let Some(house::House::Delivered(d)) = recovery.record(record, &NoBlobs, &mut reports).unwrap() {
                    through = Some(d.through);
                }
                owed.extend(reports.into_iter().map(|report| (at, report)));
                owed.retain(|(at, _)| through.is_none_or(|through| *at > through));
            }
            owed
        };
        let mut whole = Recovery::<Counter>::new(&system());
        let owed = read(&mut whole, &records);
        let mut part = Recovery::<Counter>::new(&system());
        read(&mut part, &records[..cut]);
        let content = part.snapshot().unwrap();
        let mut resumed = Recovery::<Counter>::resume(&system(), &content, cut as u64, true, &NoBlobs).unwrap();
        prop_assert_eq!(read(&mut resumed, &records), owed);
        let mut continued = Recovery::<Counter>::continued(&system(), &content, cut as u64, &NoBlobs).unwrap();
        read(&mut continued, &records[cut..]);
        prop_assert_eq!(continued.snapshot(), engine.snapshot());
        prop_assert_eq!(resumed.snapshot(), engine.snapshot());
        let mut again = resumed.finish();
        prop_assert_eq!((again.state(), again.next(), again.last_time()), (engine.state(), engine.next(), engine.last_time()));
        for (id, add) in &adds {
            prop_assert!(matches!(again.submit(now(0), &request(*id, *add), &mut NoPast).unwrap(), Submitted::Seen(_)));
        }
        prop_assert!(Recovery::<Counter>::resume(&"other".parse().unwrap(), b"no snapshot", 0, true, &NoBlobs).is_none());
    }
}
