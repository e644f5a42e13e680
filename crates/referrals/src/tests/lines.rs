//! One table per rule that answers a line.

use super::fixture::{Run, day, first_attendance, from, hip, patient, posted, referral, shown};
use crate::{ActivityLine, Answer, Care, Command, Reason, Refusal, SubmitUnreadable, WithdrawLine};
use expect_test::{Expect, expect};
use money::Pence;
use nhs::{AdministrativeCategory, AttendedOrDidNotAttend, FirstAttendance};

/// Each line alone in a fresh journal.
fn table(rows: &[(&str, ActivityLine)], expected: &Expect) {
    let mut text = String::new();
    for (name, line) in rows {
        let answered = Run::new().line(*line);
        text.push_str(&format!("{name}: {}\n", shown(&answered)));
    }
    expected.assert_eq(&text);
}

fn outpatient(pod: &str, first: FirstAttendance, attended: AttendedOrDidNotAttend) -> ActivityLine {
    ActivityLine {
        pod: pod.parse().unwrap(),
        care: Care::Outpatient { first, attended },
        ..first_attendance("A1")
    }
}

fn admitted(method: &str, classification: &str, pod: &str, started: &str) -> ActivityLine {
    ActivityLine {
        pod: pod.parse().unwrap(),
        started: day(started),
        care: Care::Admitted {
            discharged: day("2017-06-16"),
            method: method.parse().unwrap(),
            classification: classification.parse().unwrap(),
            excluded_days: 0,
        },
        ..hip("A1")
    }
}

#[test]
fn who_pays_and_who_is_paid() {
    let line = first_attendance("A1");
    let with = |change: fn(&mut ActivityLine)| {
        let mut line = line;
        change(&mut line);
        line
    };
    table(
        &[
            ("as it should be", line),
            ("another commissioner of the system", with(|l| l.commissioner = "10N".parse().unwrap())),
            ("patient of another system", with(|l| l.practice = "J82001".parse().unwrap())),
            ("practice unknown", with(|l| l.practice = "K99999".parse().unwrap())),
            ("practice left", with(|l| l.practice = "K81003".parse().unwrap())),
            ("no practice", with(|l| l.practice = "V81997".parse().unwrap())),
            ("site unknown", with(|l| l.site = "NT377".parse().unwrap())),
            ("site closed", with(|l| l.site = "NT399".parse().unwrap())),
            ("site of another provider", with(|l| l.site = "NV323".parse().unwrap())),
            ("no contract for the function", from("NV3", with(|l| l.function = "130".parse().unwrap()))),
            ("no contract at all", from("NXX", line)),
            ("another commissioner's contract", from("RNZ", line)),
            ("on account", from("RHW", line)),
            ("block", from("RWX", line)),
            ("private by category", with(|l| l.category = AdministrativeCategory::Private)),
            ("private by commissioner", with(|l| l.commissioner = "VPP00".parse().unwrap())),
            (
                "everything at once",
                with(|l| {
                    l.practice = "K99999".parse().unwrap();
                    l.site = "NT377".parse().unwrap();
                    l.category = AdministrativeCategory::Private;
                }),
            ),
        ],
        &expect![[r#"
            as it should be: accepted £158.67; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            another commissioner of the system: accepted £158.67; payer 10M; Payable; 2017-06/flex; COMMISSIONER_REASSIGNED PRICE_DIFFERS
            patient of another system: contested; payer 14Y; Nowhere; 2017-06/flex; WRONG_COMMISSIONER
            practice unknown: contested; payer -; Nowhere; 2017-06/flex; PRACTICE_UNKNOWN
            practice left: contested; payer -; Nowhere; 2017-06/flex; PRACTICE_CLOSED
            no practice: contested; payer -; Nowhere; 2017-06/flex; PRACTICE_UNKNOWN
            site unknown: contested; payer 10M; Nowhere; 2017-06/flex; SITE_UNKNOWN
            site closed: contested; payer 10M; Nowhere; 2017-06/flex; SITE_CLOSED
            site of another provider: contested; payer 10M; Nowhere; 2017-06/flex; SITE_NOT_OF_PROVIDER
            no contract for the function: contested; payer 10M; Nowhere; 2017-06/flex; NO_CONTRACT
            no contract at all: contested; payer 10M; Nowhere; 2017-06/flex; NO_CONTRACT
            another commissioner's contract: accepted £151.80; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            on account: accepted £158.67; payer 10M; Recognised; 2017-06/flex; PRICE_DIFFERS
            block: accepted £138.00; payer 10M; Nowhere; 2017-06/flex; PRICE_DIFFERS
            private by category: contested; payer 10M; Nowhere; 2017-06/flex; PRIVATE_PATIENT
            private by commissioner: contested; payer 10M; Nowhere; 2017-06/flex; PRIVATE_PATIENT
            everything at once: contested; payer -; Nowhere; 2017-06/flex; SITE_UNKNOWN PRACTICE_UNKNOWN PRIVATE_PATIENT
        "#]],
    );
}

#[test]
fn what_it_costs() {
    use AttendedOrDidNotAttend as Kept;
    use FirstAttendance as Code;
    let with = |line: ActivityLine, hrg: &str| ActivityLine { hrg: hrg.parse().ok(), ..line };
    let claimed = |line: ActivityLine, pence| ActivityLine { claimed: Pence::from_u32(pence), ..line };
    table(
        &[
            ("hip", hip("A1")),
            ("hip within the tolerance", claimed(hip("A1"), 6_245_34)),
            ("hip beyond it", claimed(hip("A1"), 6_245_35)),
            ("hip, long stay", admitted("11", "1", "EL", "2017-05-01")),
            ("invalid for grouping", with(hip("A1"), "UZ01Z")),
            ("HRG unknown", with(hip("A1"), "XX99Z")),
            ("no national price", with(hip("A1"), "PB03Z")),
            ("emergency", admitted("21", "1", "EL", "2017-06-12")),
            ("transfer", admitted("81", "1", "EL", "2017-06-12")),
            ("day case", admitted("11", "2", "DC", "2017-06-16")),
            ("day case with nights", admitted("11", "2", "DC", "2017-06-15")),
            ("day case called ordinary", admitted("11", "1", "DC", "2017-06-16")),
            ("regular day", admitted("11", "3", "RADAY", "2017-06-16")),
            ("bed days apart", admitted("11", "1", "ELXBD", "2017-06-12")),
            ("follow-up", outpatient("OPFUPSPCL", Code::FollowUp, Kept::LateSeen)),
            ("remote", outpatient("NF2FFUP", Code::FollowUpRemote, Kept::Attended)),
            ("first called follow-up", outpatient("OPFASPCL", Code::FollowUp, Kept::Attended)),
            ("procedure", with(outpatient("OPPROCFA", Code::First, Kept::Attended), "BZ24G")),
            ("no consultant", outpatient("OPFASPNCL", Code::First, Kept::Attended)),
            ("not attended", outpatient("OPFASPCL", Code::First, Kept::DidNotAttend)),
            ("cancelled", outpatient("OPFASPCL", Code::First, Kept::CancelledByProvider)),
            ("clock stop", outpatient("OPFASPCL", Code::ClockStop, Kept::Attended)),
        ],
        &expect![[r#"
            hip: accepted £6,244.34; payer 10M; Payable; 2017-06/flex; 
            hip within the tolerance: accepted £6,244.34; payer 10M; Payable; 2017-06/flex; 
            hip beyond it: accepted £6,244.34; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            hip, long stay: accepted £16,684.15; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            invalid for grouping: contested; payer 10M; Contested; 2017-06/flex; INVALID_FOR_GROUPING
            HRG unknown: contested; payer 10M; Contested; 2017-06/flex; HRG_UNKNOWN
            no national price: contested; payer 10M; Contested; 2017-06/flex; NO_PRICE
            emergency: contested; payer 10M; Contested; 2017-06/flex; NOT_ELECTIVE
            transfer: contested; payer 10M; Contested; 2017-06/flex; NOT_ELECTIVE
            day case: accepted £6,244.34; payer 10M; Payable; 2017-06/flex; 
            day case with nights: contested; payer 10M; Contested; 2017-06/flex; CODING_MISMATCH
            day case called ordinary: contested; payer 10M; Contested; 2017-06/flex; CODING_MISMATCH
            regular day: contested; payer 10M; Contested; 2017-06/flex; NO_PRICE
            bed days apart: contested; payer 10M; Contested; 2017-06/flex; LONG_STAY_APART
            follow-up: accepted £78.18; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            remote: accepted £25.29; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            first called follow-up: contested; payer 10M; Contested; 2017-06/flex; CODING_MISMATCH
            procedure: accepted £158.67; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS
            no consultant: contested; payer 10M; Contested; 2017-06/flex; NO_PRICE
            not attended: accepted at nothing; payer 10M; Nowhere; 2017-06/flex; NOT_SEEN
            cancelled: accepted at nothing; payer 10M; Nowhere; 2017-06/flex; NOT_SEEN
            clock stop: accepted at nothing; payer 10M; Nowhere; 2017-06/flex; CLOCK_STOP
        "#]],
    );
}

#[test]
fn when_it_was() {
    let on = |date: &str| ActivityLine { started: day(date), ..first_attendance("A1") };
    let backwards = admitted("11", "1", "EL", "2017-06-17");
    let excluded = ActivityLine {
        care: Care::Admitted {
            discharged: day("2017-06-16"),
            method: "11".parse().unwrap(),
            classification: "1".parse().unwrap(),
            excluded_days: 5,
        },
        ..hip("A1")
    };
    let too_much = ActivityLine { claimed: Pence::MAX, ..first_attendance("A1") };
    table(
        &[
            ("today", on("2017-07-01")),
            ("tomorrow", on("2017-07-02")),
            ("the month before, after flex", on("2017-05-31")),
            ("a month without deadlines", on("2017-04-30")),
            ("discharged before admitted", backwards),
            ("more days excluded than stayed", excluded),
            ("more than anything costs", too_much),
        ],
        &expect![[r#"
            today: accepted £158.67; payer 10M; Payable; 2017-07/flex; PRICE_DIFFERS
            tomorrow: unreadable; payer -; Nowhere; no cut; DATE_IN_FUTURE
            the month before, after flex: accepted £158.67; payer 10M; Payable; 2017-05/freeze; PRICE_DIFFERS
            a month without deadlines: contested; payer 10M; Contested; no cut; NO_CALENDAR
            discharged before admitted: unreadable; payer -; Nowhere; no cut; END_BEFORE_START
            more days excluded than stayed: unreadable; payer -; Nowhere; no cut; EXCLUDED_DAYS_INVALID
            more than anything costs: unreadable; payer -; Nowhere; no cut; CLAIMED_INVALID
        "#]],
    );
}

#[test]
fn the_second_claim_for_the_same_care_is_contested() {
    let mut run = Run::new();
    run.line(first_attendance("A1"));
    let other_day = ActivityLine { started: day("2017-06-13"), ..first_attendance("A2") };
    let other_patient = ActivityLine { pseudonym: patient(2), ..first_attendance("A3") };
    let missed = ActivityLine {
        care: Care::Outpatient {
            first: FirstAttendance::First,
            attended: AttendedOrDidNotAttend::DidNotAttend,
        },
        ..first_attendance("A4")
    };
    for line in [other_day, other_patient, missed] {
        assert!(matches!(run.line(line).answer, Answer::Accepted(_)), "{}", line.cds_identifier);
    }
    let second = run.line(first_attendance("A5"));
    expect!["contested; payer 10M; Contested; 2017-06/flex; DUPLICATE"].assert_eq(&shown(&second));
    // Once the first is withdrawn, the second may be sent again.
    let cds_identifier = "A1".parse().unwrap();
    run.submit(Command::WithdrawLine(WithdrawLine {
        provider: "NT3".parse().unwrap(),
        cds_identifier,
        tag: None,
    }))
    .unwrap();
    let again = run.line(first_attendance("A5"));
    expect!["accepted £158.67; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS NEW_VERSION"]
        .assert_eq(&shown(&again));
    let third = run.line(first_attendance("A6"));
    assert!(third.reasons.contains(Reason::Duplicate));
}

#[test]
fn a_new_version_posts_the_difference() {
    let mut run = Run::new();
    run.line(hip("A1"));
    let knee = ActivityLine { hrg: "HN22E".parse().ok(), ..hip("A1") };
    let second = run.line(knee);
    assert_eq!((second.version, second.supersedes.map(|old| old.version)), (2, Some(1)));
    // Moved to another commissioner's books.
    run.line(ActivityLine { practice: "K81002".parse().unwrap(), ..knee });
    // No longer payable.
    run.line(ActivityLine { hrg: "UZ01Z".parse().ok(), ..knee });
    let withdraw =
        WithdrawLine { provider: "NT3".parse().unwrap(), cds_identifier: "A1".parse().unwrap(), tag: None };
    run.submit(Command::WithdrawLine(withdraw)).unwrap();
    assert_eq!(run.submit(Command::WithdrawLine(withdraw)), Err(Refusal::LineWithdrawn));
    let unknown = WithdrawLine { cds_identifier: "A2".parse().unwrap(), ..withdraw };
    assert_eq!(run.submit(Command::WithdrawLine(unknown)), Err(Refusal::LineUnknown));
    expect![[r#"
        Activity 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/payable/NT3 £6,244.34 [2017-06/flex]
        ActivityVersion 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £111.53 credit 10M/elective/2017-18/owed/payable/NT3 £111.53 [2017-06/flex]
        ActivityVersion 2017-06-16: debit 10N/elective/2017-18/fund/expenditure/third-party £6,355.87 credit 10N/elective/2017-18/owed/payable/NT3 £6,355.87 [2017-06/flex] credit 10M/elective/2017-18/fund/expenditure/third-party £6,355.87 debit 10M/elective/2017-18/owed/payable/NT3 £6,355.87 [2017-06/flex]
        ActivityVersion 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/contested/NT3 £6,244.34 credit 10N/elective/2017-18/fund/expenditure/third-party £6,355.87 debit 10N/elective/2017-18/owed/payable/NT3 £6,355.87 [2017-06/flex]
        ActivityVersion 2017-06-16: credit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 debit 10M/elective/2017-18/owed/contested/NT3 £6,244.34
    "#]].assert_eq(&posted(&run.reports));
    assert!(run.state.totals().all(|(_, total)| total.claimed.is_zero() && total.ties()));
    assert_eq!(run.line(hip("A1")).version, 5, "a withdrawn line may come again");
}

#[test]
fn a_frozen_month_moves_no_more() {
    let mut run = Run::new();
    run.line(hip("A1"));
    run.roll("2017-07-20");
    let flex = run.line(ActivityLine { hrg: "HN22E".parse().ok(), ..hip("A1") });
    run.line(ActivityLine { pseudonym: patient(2), ..hip("A2") });
    run.roll("2017-08-19");
    let version = run.line(ActivityLine { hrg: "HN12F".parse().ok(), ..hip("A1") });
    let late = run.line(ActivityLine { pseudonym: patient(9), ..hip("A3") });
    let withdraw =
        WithdrawLine { provider: "NT3".parse().unwrap(), cds_identifier: "A1".parse().unwrap(), tag: None };
    assert_eq!(run.submit(Command::WithdrawLine(withdraw)), Err(Refusal::AfterFreeze));
    let answers = [flex, version, late].map(|answered| format!("{} {}", shown(&answered), answered.in_force));
    expect![[r#"
        accepted £6,355.87; payer 10M; Payable; 2017-06/freeze; PRICE_DIFFERS NEW_VERSION true
        contested; payer 10M; Nowhere; no cut; AFTER_FREEZE false
        contested; payer 10M; Contested; no cut; AFTER_FREEZE true"#]]
    .assert_eq(&answers.join("\n"));
    expect![[r#"
        Activity 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/payable/NT3 £6,244.34 [2017-06/flex]
        Seal 2017-06/flex: 10M→NT3
        ActivityVersion 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £111.53 credit 10M/elective/2017-18/owed/payable/NT3 £6,355.87 [2017-06/freeze] debit 10M/elective/2017-18/owed/payable/NT3 £6,244.34 [2017-06/flex]
        Activity 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/payable/NT3 £6,244.34 [2017-06/freeze]
        Seal 2017-06/freeze: 10M→NT3
        Contest 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/contested/NT3 £6,244.34
    "#]].assert_eq(&posted(&run.reports));
    assert_eq!(run.state.line(withdraw.provider, &withdraw.cds_identifier, None).unwrap().cut, flex.cut);
}

#[test]
fn an_unreadable_version_leaves_a_readable_one_standing() {
    let mut run = Run::new();
    let broken = SubmitUnreadable {
        submission: first_attendance("A1").submission,
        row: 2,
        provider: "NT3".parse().unwrap(),
        reasons: [Reason::NhsNumberCheckDigit, Reason::StartDateInvalid].into_iter().collect(),
        claimed: Some(Pence::from_u32(99)),
        cds_identifier: "A1".parse().ok(),
    };
    let first = run.unreadable(broken);
    let second = run.unreadable(SubmitUnreadable { claimed: None, ..broken });
    let readable = run.line(first_attendance("A1"));
    let third = run.unreadable(broken);
    let nameless = run.unreadable(SubmitUnreadable { cds_identifier: None, ..broken });
    let seen =
        [first, second, readable, third, nameless].map(|answered| (answered.version, answered.in_force));
    assert_eq!(seen, [(1, true), (2, true), (3, true), (4, false), (1, true)]);
    let total = run.state.totals().fold(crate::Total::default(), |sum, (_, total)| sum.plus(total));
    assert_eq!((total.accepted_lines, total.unreadable_lines, total.unreadable.get()), (1, 1, 99));
    assert!(total.ties());
    let mut body = Vec::new();
    broken.write_content(&mut body);
    assert!(body.len() <= 200, "{} bytes", body.len());
}

#[test]
fn a_line_finds_its_referral_and_takes_of_its_hold() {
    let mut run = Run::new();
    run.submit(Command::RecordReferral(referral())).unwrap();
    let ubrn = referral().ubrn;
    let answers = [
        run.line(ActivityLine { ubrn, ..first_attendance("A1") }),
        run.line(ActivityLine { ubrn, pseudonym: patient(2), ..first_attendance("A2") }),
        run.line(ActivityLine { ubrn, started: day("2017-05-31"), ..first_attendance("A3") }),
        run.line(hip("A4")),
        run.line(ActivityLine { started: day("2017-05-30"), ..first_attendance("A5") }),
    ];
    let text: Vec<_> = answers
        .iter()
        .map(|answered| {
            format!("{} {:?} {:?}", shown(answered), answered.referral, answered.capture.map(|c| c.amount))
        })
        .collect();
    expect![[r#"
        accepted £158.67; payer 10M; Payable; 2017-06/flex; PRICE_DIFFERS Some(To(Position(8))) Some(Pence(15867))
        contested; payer 10M; Contested; 2017-06/flex; UBRN_MISMATCH None None
        contested; payer 10M; Contested; 2017-05/freeze; BEFORE_REFERRAL Some(To(Position(8))) Some(Pence(7818))
        accepted £6,244.34; payer 10M; Payable; 2017-06/flex;  Some(To(Position(8))) None
        accepted £158.67; payer 10M; Payable; 2017-05/freeze; PRICE_DIFFERS Some(Implied) None"#]].assert_eq(&text.join("\n"));
    expect![[r#"
        Referral 2017-06-01: place £236.85 on 10M/elective/2017-18/fund/expenditure/third-party until 2017-12-01
        Activity 2017-06-12: debit 10M/elective/2017-18/fund/expenditure/third-party £158.67 credit 10M/elective/2017-18/owed/payable/NT3 £158.67 [2017-06/flex] capture £158.67
        Contest 2017-06-12: debit 10M/elective/2017-18/fund/expenditure/third-party £150.00 credit 10M/elective/2017-18/owed/contested/NT3 £150.00
        Contest 2017-05-31: debit 10M/elective/2017-18/fund/expenditure/third-party £150.00 credit 10M/elective/2017-18/owed/contested/NT3 £150.00 capture £78.18
        Activity 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/payable/NT3 £6,244.34 [2017-06/flex]
        Activity 2017-05-30: debit 10M/elective/2017-18/fund/expenditure/third-party £158.67 credit 10M/elective/2017-18/owed/payable/NT3 £158.67 [2017-05/freeze]
    "#]].assert_eq(&posted(&run.reports));
    assert_eq!((run.state.referrals_reported(), run.state.referrals_implied()), (1, 1));
}

#[test]
fn a_contract_may_ask_for_a_booking_reference() {
    let mut run = Run::new();
    run.submit(Command::RecordReferral(crate::RecordReferral { ubrn: None, ..referral() })).unwrap();
    let before = run.line(ActivityLine { started: day("2017-06-14"), ..first_attendance("A1") });
    let after = run.line(ActivityLine { started: day("2017-06-15"), ..first_attendance("A2") });
    assert!(!before.reasons.contains(Reason::UbrnMissing) && after.reasons.contains(Reason::UbrnMissing));
}
