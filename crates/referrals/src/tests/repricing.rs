//! Lines priced again: two people, the difference posted once, nothing else moved.

use super::{
    fixture::*,
    pricing::{group, price, with},
};
use crate::{
    ActivityLine, ApproveRepricing, Command, Event, ProposeRepricing, Reason, Refusal, Report, RepriceLine,
    RepricedRow, RepricedRows, RepricingTerms, State, WithdrawLine, decide,
};
use expect_test::expect;
use journal::{Digest, Domain as _, Outcome, Position};
use money::{NetPence, Side};
use proptest::prelude::*;
use std::sync::Arc;

/// The lines of NT3 as their records have them, with the price that each would come to now where it is another.
fn worked_out(run: &Run) -> (Vec<ActivityLine>, RepricedRows) {
    let days = day("2017-04-01")..=day("2018-03-31");
    let (positions, _) = run.state.priced_lines("NT3".parse().ok(), None, days);
    let reference = &run.state.in_force().unwrap().reference;
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for position in positions {
        let line = read(run, position);
        let standing = run.state.line(line.provider, &line.cds_identifier, line.tag).unwrap();
        let Some((_, priced)) = decide::price_again(reference, &line, &standing.route.unwrap()) else {
            continue;
        };
        if priced.price != standing.posted() {
            lines.push(line);
            rows.push(RepricedRow { line: position, before: standing.posted(), after: priced.price });
        }
    }
    (lines, RepricedRows(rows))
}

fn read(run: &Run, position: Position) -> ActivityLine {
    let (_, kind, body) = &run.records[usize::try_from(position.get()).unwrap()];
    match crate::Referrals::decode(*kind, body, &run.blobs).unwrap() {
        (Command::SubmitLine(line), Outcome::Accepted(_)) => line,
        (Command::RepriceLine(reprice), Outcome::Accepted(_)) => reprice.line,
        (other, _) => panic!("no line: {other:?}"),
    }
}

fn command(run: &mut Run, rows: RepricedRows) -> Command {
    let bytes = rows.encode();
    let terms = RepricingTerms {
        reference: run.state.in_force().unwrap().digest,
        rows: Digest::of(&bytes),
        reason: "variation agreed on 30 June".into(),
    };
    run.blobs.put(bytes);
    Command::ProposeRepricing(ProposeRepricing { terms, rows: Arc::new(rows) })
}

/// Proposes to price A1 again at a penny more than it has, true or not.
pub(super) fn propose(run: &mut Run) -> Result<Event, Refusal> {
    let standing =
        run.state.line("NT3".parse().unwrap(), &"A1".parse().unwrap(), Some(tag("NT3", "A1"))).unwrap();
    let before = standing.posted();
    let after = before.checked_add(money::Pence::from_u32(1)).unwrap();
    let command = command(run, RepricedRows(vec![RepricedRow { line: standing.position, before, after }]));
    run.submit(command)
}

/// Proposes and approves all that there is; returns the repricing and its lines.
fn approved(run: &mut Run) -> (Position, Vec<ActivityLine>) {
    let (lines, rows) = worked_out(run);
    let command = command(run, rows.clone());
    let number = run.moment().position;
    run.submit(command).unwrap();
    let rows = Digest::of(&rows.encode());
    let approve = Command::ApproveRepricing(ApproveRepricing { repricing: number, rows });
    assert_eq!(run.submit(approve.clone()), Err(Refusal::SamePerson));
    let proposer = core::mem::replace(&mut run.caller, Position::new(77));
    let other = Command::ApproveRepricing(ApproveRepricing { repricing: number, rows: Digest::of(b"other") });
    assert_eq!(run.submit(other), Err(Refusal::DigestMismatch));
    assert_eq!(run.submit(approve.clone()).unwrap(), Event::RepricingApproved);
    assert_eq!(run.submit(approve), Err(Refusal::RepricingApproved));
    run.caller = proposer;
    (number, lines)
}

fn again(run: &mut Run, repricing: Position, line: ActivityLine) -> Result<Event, Refusal> {
    run.submit(Command::RepriceLine(RepriceLine { repricing, line, referral: None }))
}

/// What was posted to accounts of payables, in pence, credits less debits.
fn payable(reports: &[Report]) -> i64 {
    let legs = reports.iter().flat_map(|report| match report {
        Report::Post(posting) => posting.legs.as_slice(),
        Report::Seal(_) => &[],
    });
    legs.filter(|leg| leg.account.to_string().contains("/payable/"))
        .map(|leg| if leg.side == Side::Credit { leg.pence.get() } else { -leg.pence.get() })
        .sum()
}

#[test]
fn a_backdated_variation_posts_the_difference_once() {
    let mut run = Run::new();
    run.line(hip("B1"));
    run.line(tagged(ActivityLine { pseudonym: patient(2), ..hip("B2") }));
    run.line(ActivityLine { pseudonym: patient(3), ..first_attendance("B3") });
    run.roll("2017-07-20");
    run.adopt(with(price(group("HN12F"), 6_000_00, true, true))).unwrap();
    run.reports.clear();
    let (number, lines) = approved(&mut run);
    assert_eq!(lines.len(), 2, "the attendance keeps its price");
    let answered = again(&mut run, number, lines[0]).unwrap();
    let Event::LineAnswered(answered) = answered else { panic!("{answered:?}") };
    assert_eq!((answered.version, answered.cut), (2, None), "its cut is sealed");
    assert!(answered.reasons.contains(Reason::Repriced));
    assert_eq!(answered.supersedes.unwrap().posted().get(), 6_244_34);
    assert_eq!(again(&mut run, number, lines[0]), Err(Refusal::LineSuperseded), "once");
    again(&mut run, number, lines[1]).unwrap();
    expect![[r#"
        ActivityVersion 2017-06-16: credit 10M/elective/2017-18/fund/expenditure/third-party £244.34 debit 10M/elective/2017-18/owed/payable/NT3 £244.34 [2017-06/flex]
        ActivityVersion 2017-06-16: credit 10M/elective/2017-18/fund/expenditure/third-party £244.34 debit 10M/elective/2017-18/owed/payable/NT3 £244.34 [2017-06/flex]
    "#]]
    .assert_eq(&posted(&run.reports));
    let row = run.state.repricing(number).unwrap();
    assert_eq!((row.done, row.left().count(), row.posted), (2, 0, NetPence::new(-488_68)));
    assert!(run.state.totals().all(|(_, total)| total.ties()));
    // It is still what was billed in the cut, and can still be withdrawn, at its new price.
    assert_eq!(run.state.billed("NT3".parse().unwrap(), "2017-06/flex".parse().unwrap()).len(), 3);
    run.reports.clear();
    let withdraw =
        WithdrawLine { provider: "NT3".parse().unwrap(), cds_identifier: "B1".parse().unwrap(), tag: None };
    run.submit(Command::WithdrawLine(withdraw)).unwrap();
    assert_eq!(payable(&run.reports), -6_000_00);
    let encoded = |state: &State| {
        let mut bytes = Vec::new();
        crate::Referrals::encode_state(state, &mut bytes);
        bytes
    };
    assert_eq!(encoded(&run.replayed()), encoded(&run.state));
}

#[test]
fn what_changed_meanwhile_is_left_alone() {
    let mut run = Run::new();
    for (number, cds) in ["B1", "B2", "B3", "B4"].into_iter().enumerate() {
        let patient = patient(u8::try_from(number).unwrap() + 1);
        run.line(ActivityLine { pseudonym: patient, ..hip(cds) });
    }
    assert_eq!(again(&mut run, Position::new(5), hip("B1")), Err(Refusal::RepricingUnknown));
    run.adopt(with(price(group("HN12F"), 6_000_00, true, true))).unwrap();
    let (_, rows) = worked_out(&run);
    let propose = command(&mut run, rows);
    let number = run.moment().position;
    run.submit(propose.clone()).unwrap();
    assert_eq!(again(&mut run, number, hip("B1")), Err(Refusal::RepricingNotApproved));
    let (number, lines) = approved(&mut run);
    // A new version has its price already; a challenged line's money is divided; another patient's line is not this one.
    run.line(ActivityLine { claimed: money::Pence::from_u32(6_000_00), ..lines[0] });
    assert_eq!(again(&mut run, number, lines[0]), Err(Refusal::LineSuperseded));
    let (provider, cds_identifier) = (lines[1].provider, lines[1].cds_identifier);
    run.submit(Command::RaiseChallenge(crate::RaiseChallenge {
        provider,
        cds_identifier,
        line: run.state.line(provider, &cds_identifier, None).unwrap().position,
        grounds: crate::Grounds::DEFAULT,
        amount: None,
        percent: None,
        text: String::new(),
        tag: None,
    }))
    .unwrap();
    assert_eq!(again(&mut run, number, lines[1]), Err(Refusal::ChallengeOpen));
    let other = ActivityLine { pseudonym: patient(9), ..lines[2] };
    assert_eq!(again(&mut run, number, other), Err(Refusal::RepricingStale));
    // What was approved is a price; another list makes another price, and nothing is posted at either.
    run.adopt(with(price(group("HN12F"), 7_000_00, true, true))).unwrap();
    assert_eq!(again(&mut run, number, lines[3]), Err(Refusal::RepricingStale));
    assert_eq!(run.submit(propose), Err(Refusal::RepricingStale));
    let none = command(&mut run, RepricedRows::default());
    assert_eq!(run.submit(none), Err(Refusal::RepricingStale));
}

/// The bytes of a proposal, an approval and a line.
#[test]
fn bytes() {
    let mut run = Run::new();
    run.line(hip("B1"));
    run.adopt(with(price(group("HN12F"), 6_000_00, true, true))).unwrap();
    let adopted = run.state.in_force().unwrap().digest.to_string();
    let (number, lines) = approved(&mut run);
    again(&mut run, number, lines[0]).unwrap();
    let records = run.records.iter().filter(|(_, kind, _)| (121..=123).contains(&kind.0));
    let hex: Vec<String> = records
        .map(|(_, _, body)| {
            let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
            hex.replace(&adopted, "(adopted)")
        })
        .collect();
    expect![[r#"
        82835820(adopted)582083faf17b89c22c4a58e50416cc94965512803f8045293d5a19df2be4117dcd83781b766172696174696f6e20616772656564206f6e203330204a756e6582008182181f80
        82820a582083faf17b89c22c4a58e50416cc94965512803f8045293d5a19df2be4117dcd83820182182d80
        82820a5820d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa820182182e80
        82820a582083faf17b89c22c4a58e50416cc94965512803f8045293d5a19df2be4117dcd8382008182182080
        82820a582083faf17b89c22c4a58e50416cc94965512803f8045293d5a19df2be4117dcd83820182182b80
        82820a900101634e54336242315001010101010101010101010101010101654e54333434664b38313030316331304d6331313062454c1943b11a000987328201841943b562313161310065484e313246f66230318200818206818b8201818a82008165484e3132461a000927c0f6000000f6001a000927c01a00288001821821182802846331304d634e543303016331304d821a000313ea0101f6f6890801846331304d634e543303016331304d1943b5821a000313ea011a000987328201811a0009873201f5"#]].assert_eq(&hex.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The differences posted sum to what the prices are now less what they were, whatever cut each line stands in, in whatever
    /// order they are priced again, and however often: nothing is paid twice.
    #[test]
    fn the_differences_sum_to_after_less_before(
        lines in 1..6_u8,
        sealed in 0..3_usize,
        pence in prop::collection::vec(1..9_000_00_u32, 1..4),
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut run = Run::new();
        for number in 0..lines {
            run.line(ActivityLine { pseudonym: patient(number), ..hip(&format!("B{number}")) });
        }
        run.roll(["2017-07-01", "2017-07-20", "2017-08-19"][sealed]);
        let first = payable(&run.reports);
        let (mut before, mut differences) = (first, 0);
        for pence in pence {
            run.adopt(with(price(group("HN12F"), pence, true, true))).unwrap();
            run.reports.clear();
            let after = i64::from(pence) * i64::from(lines);
            if after != before {
                let (number, all) = approved(&mut run);
                for index in order.iter().chain(&order) {
                    if let Some(line) = all.get(*index) {
                        drop(again(&mut run, number, *line));
                    }
                }
                prop_assert_eq!(run.state.repricing(number).unwrap().posted.get(), after - before);
            }
            prop_assert_eq!(payable(&run.reports), after - before);
            differences += payable(&run.reports);
            before = after;
            prop_assert!(run.state.totals().all(|(_, total)| total.ties()));
        }
        prop_assert_eq!(first + differences, before);
        let payable: i128 = run.state.totals().map(|(_, total)| total.payable.get()).sum();
        prop_assert_eq!(payable, i128::from(before));
    }
}
