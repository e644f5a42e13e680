//! Challenges: legal moves, and the money of each.

use super::fixture::{Run, day, first_attendance, from, hip, patient, posted, tagged};
use crate::{
    ActivityLine, AnswerChallenge, ChallengeState, Command, ConcludeChallenge, Conclusion, Event, Ground,
    Grounds, RaiseChallenge, Refusal, SetChallengeRules, TotalKey, WithdrawLine,
};
use expect_test::expect;
use journal::Position;
use money::{Pence, TotalPence};
use proptest::prelude::*;

fn raising(line: &ActivityLine, position: Position, amount: Option<u32>) -> RaiseChallenge {
    RaiseChallenge {
        provider: line.provider,
        cds_identifier: line.cds_identifier,
        line: position,
        grounds: Grounds::NONE.with(Ground::NotInSus),
        amount: amount.map(Pence::from_u32),
        percent: None,
        text: "not in the extract of 20 July".into(),
        tag: line.tag,
    }
}

impl Run {
    /// Challenges a line; its number.
    fn challenge(&mut self, line: &ActivityLine, position: Position, amount: Option<u32>) -> Position {
        let number = self.moment().position;
        self.submit(Command::RaiseChallenge(raising(line, position, amount))).unwrap();
        number
    }

    fn answer(&mut self, challenge: Position, conceded: u32) -> Result<Event, Refusal> {
        let conceded = Pence::from_u32(conceded);
        self.submit(Command::AnswerChallenge(AnswerChallenge { challenge, conceded, text: String::new() }))
    }

    fn conclude(&mut self, challenge: Position, conclusion: Conclusion) -> Result<Event, Refusal> {
        let text = String::new();
        self.submit(Command::ConcludeChallenge(ConcludeChallenge { challenge, conclusion, text }))
    }

    fn stands(&self, challenge: Position) -> ChallengeState {
        self.state.challenge(challenge).unwrap().state
    }
}

fn agreed(pence: u32) -> Conclusion {
    Conclusion::Agreed(Pence::from_u32(pence))
}

#[test]
fn what_is_contested_of_a_line_is_withheld_and_then_shared() {
    let mut run = Run::new();
    let (at, line) = (run.moment().position, first_attendance("A1"));
    run.line(line);
    run.reports.clear();
    let number = run.challenge(&line, at, Some(100_00));
    run.answer(number, 30_00).unwrap();
    assert_eq!(run.conclude(number, agreed(31_00)), Err(Refusal::NotConceded));
    run.conclude(number, agreed(30_00)).unwrap();
    assert_eq!(run.stands(number), ChallengeState::Agreed);
    assert_eq!(run.conclude(number, Conclusion::Withdrawn), Err(Refusal::ChallengeEnded));
    expect![[r#"
        Contest 2017-06-12: debit 10M/elective/2017-18/owed/payable/NT3 £100.00 [2017-06/flex] credit 10M/elective/2017-18/owed/contested/NT3 £100.00
        ContestOutcome 2017-06-12: credit 10M/elective/2017-18/fund/expenditure/third-party £30.00 credit 10M/elective/2017-18/owed/payable/NT3 £70.00 [2017-06/flex] debit 10M/elective/2017-18/owed/contested/NT3 £100.00
    "#]]
    .assert_eq(&posted(&run.reports));
    let challenge = run.state.challenge(number).unwrap();
    assert_eq!(challenge.thread.len(), 3);
    assert_eq!((challenge.percent, challenge.answer_by), (50, day("2017-07-14")), "ten operational days");
}

#[test]
fn a_line_contested_on_receipt_is_settled_in_its_thread() {
    let mut run = Run::new();
    let (at, line) = (run.moment().position, ActivityLine { hrg: "UZ01Z".parse().ok(), ..hip("A1") });
    assert_eq!(run.line(line).books, crate::Books::Contested);
    run.reports.clear();
    let part = raising(&line, at, Some(1));
    assert_eq!(run.submit(Command::RaiseChallenge(part)), Err(Refusal::ChallengeAmount), "as a whole only");
    let number = run.challenge(&line, at, None);
    assert!(run.reports.is_empty(), "it is withheld already");
    run.answer(number, 6_244_34).unwrap();
    run.conclude(number, agreed(1_000_00)).unwrap();
    expect![[r#"
        ContestOutcome 2017-06-16: credit 10M/elective/2017-18/fund/expenditure/third-party £1,000.00 credit 10M/elective/2017-18/owed/payable/NT3 £5,244.34 [2017-06/flex] debit 10M/elective/2017-18/owed/contested/NT3 £6,244.34
    "#]]
    .assert_eq(&posted(&run.reports));
}

#[test]
fn a_new_version_ends_a_challenge_and_takes_off_what_was_withheld() {
    let mut run = Run::new();
    let (at, line) = (run.moment().position, first_attendance("A1"));
    run.line(line);
    let number = run.challenge(&line, at, Some(100_00));
    run.reports.clear();
    let newer = run.moment().position;
    run.line(ActivityLine { claimed: Pence::from_u32(151_00), ..line });
    assert_eq!(run.stands(number), ChallengeState::Superseded);
    assert_eq!(run.answer(number, 0), Err(Refusal::ChallengeEnded));
    let stale = raising(&line, at, None);
    assert_eq!(run.submit(Command::RaiseChallenge(stale)), Err(Refusal::LineSuperseded));
    let second = run.challenge(&line, newer, None);
    let withdraw =
        WithdrawLine { provider: line.provider, cds_identifier: line.cds_identifier, tag: line.tag };
    run.submit(Command::WithdrawLine(withdraw)).unwrap();
    assert_eq!(run.stands(second), ChallengeState::Superseded);
    expect![[r#"
        ActivityVersion 2017-06-12: credit 10M/elective/2017-18/owed/payable/NT3 £100.00 [2017-06/flex] debit 10M/elective/2017-18/owed/contested/NT3 £100.00
        Contest 2017-06-12: credit 10M/elective/2017-18/owed/contested/NT3 £158.67 debit 10M/elective/2017-18/owed/payable/NT3 £158.67 [2017-06/flex]
        ActivityVersion 2017-06-12: credit 10M/elective/2017-18/fund/expenditure/third-party £158.67 debit 10M/elective/2017-18/owed/contested/NT3 £158.67
    "#]]
    .assert_eq(&posted(&run.reports));
    let gone = run.submit(Command::RaiseChallenge(raising(&line, newer, None)));
    assert_eq!(gone, Err(Refusal::LineUnknown));
}

#[test]
fn only_legal_moves_exist() {
    let mut run = Run::new();
    let (at, line) = (run.moment().position, first_attendance("A1"));
    run.line(line);
    let above = raising(&line, at, Some(1_000_00));
    assert_eq!(run.submit(Command::RaiseChallenge(above)), Err(Refusal::ChallengeAmount));
    assert_eq!(run.answer(at, 0), Err(Refusal::ChallengeUnknown));
    let number = run.challenge(&line, at, None);
    assert_eq!(run.submit(Command::RaiseChallenge(raising(&line, at, None))), Err(Refusal::ChallengeOpen));
    assert_eq!(run.conclude(number, agreed(0)), Err(Refusal::ChallengeUnanswered));
    assert_eq!(run.conclude(number, Conclusion::Escalated), Err(Refusal::ChallengeUnanswered));
    assert_eq!(run.conclude(number, Conclusion::Unpayable), Err(Refusal::SusDoesNotPrevail));
    assert_eq!(run.answer(number, 999_99), Err(Refusal::ChallengeAmount));
    run.roll("2017-07-15");
    assert_eq!(run.conclude(number, Conclusion::Escalated), Ok(Event::ChallengeEscalated), "overdue");
    assert_eq!(run.conclude(number, Conclusion::Escalated), Err(Refusal::ChallengeEscalated));
    assert_eq!(run.answer(number, 0), Err(Refusal::ChallengeEscalated));
    assert_eq!(run.conclude(number, agreed(999_99)), Err(Refusal::NotConceded));
    run.conclude(number, agreed(158_67)).unwrap();
    let (other, line) =
        (run.moment().position, ActivityLine { pseudonym: patient(2), ..first_attendance("A2") });
    run.line(line);
    run.roll("2017-10-01");
    let late = run.submit(Command::RaiseChallenge(raising(&line, other, None)));
    assert_eq!(late, Err(Refusal::ChallengeLate), "twenty operational days after 18 August");
}

#[test]
fn where_sus_prevails_a_line_that_it_lacks_at_freeze_is_unpayable() {
    let mut run = Run::new();
    let rules = |provider: Option<&str>, from: &str, sus_prevails| {
        let default = SetChallengeRules::default_from(day(from));
        let provider = provider.map(|provider| provider.parse().unwrap());
        Command::SetChallengeRules(SetChallengeRules { provider, sus_prevails, ..default })
    };
    run.submit(rules(None, "2017-04-01", false)).unwrap();
    run.submit(rules(Some("NT3"), "2017-06-01", true)).unwrap();
    run.submit(rules(Some("NT3"), "2017-07-01", false)).unwrap();
    assert_eq!(run.submit(rules(Some("NZZ"), "2017-06-01", true)), Err(Refusal::ProviderUnknown));
    let prevails = |run: &Run, provider: &str, date| {
        run.state.rules_of(provider.parse().unwrap(), day(date)).sus_prevails
    };
    assert!(prevails(&run, "NT3", "2017-06-30") && !prevails(&run, "NT3", "2017-07-01"));
    assert!(!prevails(&run, "NT3", "2017-05-31") && !prevails(&run, "RHW", "2017-06-30"));

    let (at, line) = (run.moment().position, first_attendance("A1"));
    run.line(line);
    let number = run.challenge(&line, at, None);
    assert_eq!(run.conclude(number, Conclusion::Unpayable), Err(Refusal::SusDoesNotPrevail), "not frozen");
    run.roll("2017-08-19");
    run.reports.clear();
    run.conclude(number, Conclusion::Unpayable).unwrap();
    assert_eq!(run.stands(number), ChallengeState::Unpayable);
    expect![[r#"
        ContestOutcome 2017-06-12: credit 10M/elective/2017-18/fund/expenditure/third-party £158.67 debit 10M/elective/2017-18/owed/contested/NT3 £158.67
    "#]]
    .assert_eq(&posted(&run.reports));
}

#[test]
fn what_is_paid_on_account_is_not_withheld_and_what_a_block_covers_moves_nothing() {
    let mut run = Run::new();
    for (provider, number) in [("RHW", 2), ("RWX", 3)] {
        let line = from(provider, ActivityLine { pseudonym: patient(number), ..first_attendance("A1") });
        let at = run.moment().position;
        let books = run.line(line).books;
        run.reports.clear();
        let challenge = run.challenge(&line, at, None);
        assert!(run.reports.is_empty(), "{books:?}");
        let amount = run.state.challenge(challenge).unwrap().amount;
        run.answer(challenge, u32::try_from(amount.get()).unwrap()).unwrap();
        run.conclude(challenge, Conclusion::Agreed(amount)).unwrap();
        let moved = posted(&run.reports);
        let back = moved.contains("debit") && moved.contains("fund/prepayment") && moved.contains("credit");
        assert_eq!(back, books == crate::Books::Recognised, "{books:?}: {moved}");
    }
}

/// What the totals hold as contested and payable, by what the reports posted.
fn ledger(run: &Run, leaf: &str) -> i128 {
    let mut sum = 0;
    for report in &run.reports {
        let crate::Report::Post(posting) = report else { continue };
        let mut balance = 0;
        for leg in &posting.legs {
            let sign = if leg.side == money::Side::Credit { 1 } else { -1 };
            balance += sign * i128::from(leg.pence.get());
            if leg.account.to_string().contains(leaf) {
                sum += sign * i128::from(leg.pence.get());
            }
        }
        assert_eq!(balance, 0, "every posting balances");
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any sequence of lines, versions, withdrawals, seals and challenges: the totals tie, agree with what was posted, and a replay
    /// and a snapshot come to the same.
    #[test]
    fn whatever_is_challenged_the_totals_tie_with_the_postings(
        steps in prop::collection::vec((0..8_u8, 0..4_u8, 0..20_000_u32), 1..40)
    ) {
        let mut run = Run::new();
        let mut numbers: Vec<Position> = Vec::new();
        for (step, which, pence) in steps {
            let hrg = if which == 3 { "UZ01Z" } else { "HN12F" };
            let base = ActivityLine { pseudonym: patient(which), hrg: hrg.parse().ok(), ..hip(&format!("A{which}")) };
            let line = match which {
                2 => tagged(from("RHW", base)),
                3 => tagged(base),
                _ => base,
            };
            let number = numbers.get(usize::from(which)).copied();
            match step {
                0 | 1 => {
                    run.line(ActivityLine { claimed: Pence::from_u32(pence), ..line });
                }
                2 | 3 => {
                    if let Some(standing) = run.state.line(line.provider, &line.cds_identifier, line.tag) {
                        let at = run.moment().position;
                        let amount = (step == 2).then_some(pence);
                        if run.submit(Command::RaiseChallenge(raising(&line, standing.position, amount))).is_ok() {
                            numbers.push(at);
                        }
                    }
                }
                4 => { let _ = number.map(|number| run.answer(number, pence)); }
                5 => { let _ = number.map(|number| run.conclude(number, agreed(pence))); }
                6 => { let _ = number.map(|number| run.conclude(number, Conclusion::Withdrawn)); }
                _ => {
                    let (provider, cds_identifier, tag) = (line.provider, line.cds_identifier, line.tag);
                    if pence < 5_000 {
                        run.roll("2017-07-21");
                    } else {
                        let _ = run.submit(Command::WithdrawLine(WithdrawLine { provider, cds_identifier, tag }));
                    }
                }
            }
            let (mut held, mut payable) = (TotalPence::ZERO, TotalPence::ZERO);
            for (key, total) in run.state.totals() {
                let _: &TotalKey = key;
                prop_assert!(total.ties(), "{key:?} {total:?}");
                held = held.plus_total(total.held);
                payable = payable.plus_total(total.payable);
            }
            prop_assert_eq!(held.get(), ledger(&run, "owed/contested"));
            prop_assert_eq!(payable.get(), ledger(&run, "owed/payable"));
        }
        let mut bytes = Vec::new();
        <crate::Referrals as journal::Domain>::encode_state(&run.state, &mut bytes);
        let mut again = Vec::new();
        <crate::Referrals as journal::Domain>::encode_state(&run.replayed(), &mut again);
        prop_assert_eq!(&bytes, &again);
    }
}

/// What these records are, byte by byte, for ever.
#[test]
fn records_of_challenges_have_these_bytes() {
    let mut run = Run::new();
    let (at, line) = (run.moment().position, first_attendance("A1"));
    run.line(line);
    let first = run.records.len();
    let number = run.challenge(&line, at, Some(100_00));
    run.answer(number, 30_00).unwrap();
    run.conclude(number, agreed(30_00)).unwrap();
    run.submit(Command::SetChallengeRules(SetChallengeRules::default_from(day("2017-06-01")))).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let shown: String =
        run.records[first..].iter().map(|(_, kind, body)| format!("{} {}\n", kind.0, hex(body))).collect();
    expect![[r#"
        110 8287634e54336241310801192710f6781d6e6f7420696e207468652065787472616374206f66203230204a756c79820081820b8185890801846331304d634e543303016331304d1943b1821a000313ea01193a98820181193dfb018a0801846331304d634e543303016331304d1943b1821a000313ea01193a98820181193dfb01821916eb1927101927101943d11832
        111 828309190bb860820081820c80
        112 828309820181190bb860820081820e81838a0801846331304d634e543303016331304d1943b1821a000313ea01193a98820181193dfb01821916eb1927108a0801846331304d634e543303016331304d1943b1821a000313ea01193a98820181193dfb018219324300190bb8
        113 8287f61943a61902c70a14f41832820081820f80
    "#]].assert_eq(&shown);
}
