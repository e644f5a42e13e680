//! The life of a referral, its clock, how lines are matched to it, and who pays where it is not plain.

use super::fixture::{Run, day, first_attendance, hip, patient, posted, referral, shown, snapshot};
use crate::{
    ActivityLine, Care, Command, Event, Grade, Move, MoveReferral, RecordReferral, ReferralState, Refusal,
    Seen, Stage,
};
use expect_test::expect;
use journal::{Day, Position};
use nhs::{AttendedOrDidNotAttend, FirstAttendance, OverseasVisitor};
use proptest::prelude::*;
use reference::{Deadlines, District, Validity};

pub(super) fn moves() -> [Move; 14] {
    [
        Move::Accepted,
        Move::Returned,
        Move::Booked { day: day("2017-06-20") },
        Move::Attended,
        Move::NotAttended,
        Move::Listed { hrg: "HN12F".parse().unwrap(), classification: "1".parse().unwrap() },
        Move::Treated,
        Move::Monitored { by_patient: true },
        Move::Resumed,
        Move::NotTreated,
        Move::Declined,
        Move::Transferred { provider: "RTH".parse().unwrap(), site: None },
        Move::Discharged,
        Move::Cancelled,
    ]
}

fn word(what: &Move) -> String {
    format!("{what:?}").split([' ', '{']).next().unwrap().to_owned()
}

impl Run {
    fn refer(&mut self, referral: RecordReferral) -> Position {
        let at = self.moment().position;
        self.submit(Command::RecordReferral(referral)).unwrap();
        at
    }

    fn go(&mut self, referral: Position, on: &str, what: Move) -> Result<Stage, Refusal> {
        let ask = MoveReferral { referral, on: day(on), what };
        let event = self.submit(Command::MoveReferral(ask))?;
        assert!(matches!(event, Event::ReferralMoved(_)), "not a move: {event:?}");
        Ok(self.state.life(referral).unwrap().stage)
    }

    fn clocks(&self, referral: Position) -> String {
        let clocks = self.state.life(referral).unwrap().clocks.iter().map(|clock| {
            let stopped = clock.stopped.map(|(day, why)| format!("{day} {why:?}"));
            format!("{}..{}", clock.started, stopped.unwrap_or_default())
        });
        clocks.collect::<Vec<_>>().join(", ")
    }
}

#[test]
fn only_legal_moves_exist() {
    let mut table = String::new();
    for stage in Stage::ALL {
        let to = moves().into_iter().filter_map(|what| Some((word(&what), stage.after(&what)?)));
        let to: Vec<_> = to.map(|(what, next)| format!("{what} → {next:?}")).collect();
        table.push_str(&format!("{stage:?}: {}\n", to.join(", ")));
    }
    expect![[r#"
        Recorded: Accepted → Accepted, Returned → Returned, Booked → Booked, Transferred → Recorded, Cancelled → Cancelled
        Accepted: Returned → Returned, Booked → Booked, Transferred → Recorded, Cancelled → Cancelled
        Booked: Booked → Booked, Attended → Attended, NotAttended → NotAttended, Treated → Treated, Transferred → Recorded, Cancelled → Cancelled
        NotAttended: Booked → Booked, Transferred → Recorded, Discharged → Discharged, Cancelled → Cancelled
        Attended: Booked → Booked, Listed → Listed, Treated → Treated, Monitored → Monitored, NotTreated → NotTreated, Declined → NotTreated, Transferred → Recorded, Discharged → Discharged, Cancelled → Cancelled
        Listed: Treated → Treated, Monitored → Monitored, NotTreated → NotTreated, Declined → NotTreated, Transferred → Recorded, Discharged → Discharged, Cancelled → Cancelled
        Treated: Booked → Booked, Listed → Listed, Resumed → Attended, Discharged → Discharged
        Monitored: Booked → Booked, Listed → Listed, Resumed → Attended, NotTreated → NotTreated, Declined → NotTreated, Transferred → Recorded, Discharged → Discharged
        NotTreated: Discharged → Discharged
        Returned: 
        Discharged: 
        Cancelled: 
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_move_that_is_none_changes_nothing() {
    let mut run = Run::new();
    let number = run.refer(referral());
    assert_eq!(run.go(number, "2017-06-02", Move::Treated), Err(Refusal::MoveIllegal));
    assert_eq!(run.go(Position::new(999), "2017-06-02", Move::Accepted), Err(Refusal::ReferralUnknown));
    for on in ["2017-05-31", "2017-07-02"] {
        let refused = run.go(number, on, Move::Accepted).unwrap_err();
        assert!(["BEFORE_REFERRAL", "DATE_IN_FUTURE"].contains(&refused.code()), "{refused:?}");
    }
    let nobody = Move::Transferred { provider: "NXX".parse().unwrap(), site: None };
    assert_eq!(run.go(number, "2017-06-02", nobody).unwrap_err().code(), "NO_CONTRACT");
    assert_eq!(run.state.life(number).unwrap().records.len(), 1);
    assert_eq!(run.go(number, "2017-06-02", Move::Returned), Ok(Stage::Returned));
    assert_eq!(run.go(number, "2017-06-02", Move::Accepted), Err(Refusal::ReferralEnded));
}

/// Source: Referral to treatment consultant-led waiting times: rules suite, October 2015, national clock rules 1 to 5.
#[test]
fn the_clock_follows_the_national_rules() {
    let booked = Move::Booked { day: day("2017-06-28") };
    let by = |by_patient| Move::Monitored { by_patient };
    let seen: [(&str, Move); 3] =
        [("2017-06-02", Move::Accepted), ("2017-06-05", booked), ("2017-06-12", Move::Attended)];
    let rows: [(&str, Vec<(&str, Move)>); 9] = [
        ("starts with the referral, and goes on while booked and seen", seen.to_vec()),
        ("no pause: booked again by the patient's wish", vec![seen[0], seen[1], ("2017-06-20", booked)]),
        ("stops at treatment", [&seen[..], &[("2017-06-14", Move::Treated)]].concat()),
        ("stops at active monitoring", [&seen[..], &[("2017-06-14", by(false))]].concat()),
        (
            "a new decision starts a new one",
            [&seen[..], &[("2017-06-14", by(true)), ("2017-06-24", Move::Resumed)]].concat(),
        ),
        ("stops at a decision not to treat", [&seen[..], &[("2017-06-14", Move::NotTreated)]].concat()),
        ("stops when the patient declines", [&seen[..], &[("2017-06-14", Move::Declined)]].concat()),
        (
            "nullified by the first not attended, starts anew when booked again",
            vec![seen[0], seen[1], ("2017-06-12", Move::NotAttended), ("2017-06-19", booked)],
        ),
        (
            "not nullified by a later one",
            [&seen[..], &[("2017-06-13", booked), ("2017-06-28", Move::NotAttended)]].concat(),
        ),
    ];
    let mut table = String::new();
    for (name, moves) in rows {
        let mut run = Run::new();
        let number = run.refer(referral());
        for (on, what) in moves {
            run.go(number, on, what).unwrap();
        }
        table.push_str(&format!("{name}: {}\n", run.clocks(number)));
    }
    expect![[r#"
        starts with the referral, and goes on while booked and seen: 2017-06-01..
        no pause: booked again by the patient's wish: 2017-06-01..
        stops at treatment: 2017-06-01..2017-06-14 Treated
        stops at active monitoring: 2017-06-01..2017-06-14 MonitoredByProfessional
        a new decision starts a new one: 2017-06-01..2017-06-14 MonitoredByPatient, 2017-06-24..
        stops at a decision not to treat: 2017-06-01..2017-06-14 NotTreated
        stops when the patient declines: 2017-06-01..2017-06-14 Declined
        nullified by the first not attended, starts anew when booked again: 2017-06-01..2017-06-12 NotAttended, 2017-06-19..
        not nullified by a later one: 2017-06-01..
    "#]]
    .assert_eq(&table);
}

#[test]
fn activity_moves_a_life_on_and_stops_its_clock() {
    let outpatient = |first, attended| ActivityLine {
        care: Care::Outpatient { first, attended },
        ..first_attendance("A1")
    };
    use AttendedOrDidNotAttend as Kept;
    let rows = [
        ("attendance", first_attendance("A1")),
        ("not attended", outpatient(FirstAttendance::First, Kept::DidNotAttend)),
        ("cancelled", outpatient(FirstAttendance::First, Kept::CancelledByProvider)),
        ("clock stop", outpatient(FirstAttendance::ClockStop, Kept::Attended)),
        ("admission", hip("A1")),
    ];
    let mut table = String::new();
    for (name, line) in rows {
        let mut run = Run::new();
        let clock_start = Some(day("2017-05-30"));
        let number = run.refer(RecordReferral { clock_start, ..referral() });
        run.line(line);
        let life = run.state.life(number).unwrap();
        table.push_str(&format!("{name}: {:?} {}\n", life.stage, run.clocks(number)));
        assert_eq!(life.records.len(), 2, "its own record and the line's");
    }
    expect![[r#"
        attendance: Attended 2017-05-30..
        not attended: NotAttended 2017-05-30..2017-06-12 NotAttended
        cancelled: Recorded 2017-05-30..
        clock stop: Recorded 2017-05-30..2017-06-12 Event
        admission: Treated 2017-05-30..2017-06-12 Treated
    "#]]
    .assert_eq(&table);
    for stage in Stage::ALL.into_iter().filter(|stage| stage.is_end()) {
        for seen in [Seen::NotAttended, Seen::Attended, Seen::Treated, Seen::ClockStop, Seen::Cancelled] {
            assert_eq!(stage.by_activity(seen), stage, "what has ended stays so");
        }
    }
}

#[test]
fn the_waiting_list_counts_running_clocks_to_the_day() {
    let mut run = Run::new();
    run.today = day("2018-01-01");
    let mut number = 0;
    let mut refer = |run: &mut Run, start: &str, provider: &str| {
        number += 1;
        let site = None;
        let (provider, ubrn) = (provider.parse().unwrap(), nhs::Ubrn::from_digits(number).ok());
        let start = day(start);
        let pseudonym = patient(u8::try_from(number).unwrap());
        run.refer(RecordReferral { pseudonym, provider, site, ubrn, referred: start, ..referral() })
    };
    // 18 weeks before 5 October 2017 is 1 June 2017.
    refer(&mut run, "2017-06-01", "NT3");
    refer(&mut run, "2017-05-31", "NT3");
    let treated = refer(&mut run, "2017-06-10", "RHW");
    run.go(treated, "2017-06-12", Move::Booked { day: day("2017-06-20") }).unwrap();
    run.go(treated, "2017-10-05", Move::Treated).unwrap();
    let list = |run: &Run, on: &str, payer: Option<&str>| {
        let list = run.state.waiting(day(on), payer.map(|code| code.parse().unwrap()));
        list.iter()
            .map(|((provider, function), row)| {
                format!(
                    "{provider} {function}: {} of {}, {} days",
                    row.within, row.pathways, row.longest_days
                )
            })
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(list(&run, "2017-10-04", None), "NT3 110: 2 of 2, 126 days; RHW 110: 1 of 1, 116 days");
    assert_eq!(list(&run, "2017-10-05", None), "NT3 110: 1 of 2, 127 days", "stopped on the day itself");
    assert_eq!(list(&run, "2017-05-31", Some("10M")), "NT3 110: 1 of 1, 0 days", "as at an earlier day");
    assert_eq!(list(&run, "2017-10-04", Some("10N")), "", "another commissioner's patients");
}

#[test]
fn a_hold_is_topped_up_moved_and_released() {
    let mut run = Run::new();
    let number = run.refer(referral());
    run.go(number, "2017-06-02", Move::Booked { day: day("2017-06-12") }).unwrap();
    run.go(number, "2017-06-12", Move::Attended).unwrap();
    let listed = Move::Listed { hrg: "HN12F".parse().unwrap(), classification: "1".parse().unwrap() };
    run.go(number, "2017-06-12", listed).unwrap();
    let row = *run.state.referral(number).unwrap();
    assert!(row.left == row.held && row.until == day("2017-06-12").plus(182), "{row:?}");
    let answered = run.line(ActivityLine { ubrn: referral().ubrn, ..hip("A1") });
    assert!(answered.capture.is_some_and(|capture| capture.hold == row.hold), "taken of the new hold");
    let elsewhere = run.refer(RecordReferral { pseudonym: patient(2), ubrn: None, ..referral() });
    run.go(elsewhere, "2017-06-20", Move::Transferred { provider: "RTH".parse().unwrap(), site: None })
        .unwrap();
    run.go(elsewhere, "2017-06-21", Move::Cancelled).unwrap();
    assert_eq!(run.state.referral(elsewhere).unwrap().state, ReferralState::Cancelled);
    expect![[r#"
        Referral 2017-06-01: place £236.85 on 10M/elective/2017-18/fund/expenditure/third-party until 2017-12-01
        Referral 2017-06-12: release place £6,481.19 on 10M/elective/2017-18/fund/expenditure/third-party until 2017-12-12
        Activity 2017-06-16: debit 10M/elective/2017-18/fund/expenditure/third-party £6,244.34 credit 10M/elective/2017-18/owed/payable/NT3 £6,244.34 [2017-06/flex] capture £6,244.34
        Referral 2017-06-01: place £236.85 on 10M/elective/2017-18/fund/expenditure/third-party until 2017-12-01
        Referral 2017-06-20: release place £226.60 on 10M/elective/2017-18/fund/expenditure/other-nhs until 2017-12-20
        HoldRelease 2017-07-01: release
    "#]].assert_eq(&posted(&run.reports));
    run.roll("2017-12-20");
    let row = run.state.referral(number).unwrap();
    assert_eq!((row.state, row.left.is_zero()), (ReferralState::Expired, true));
    assert_eq!(run.state.life(number).unwrap().stage, Stage::Treated, "only the hold has expired");
}

#[test]
fn lines_are_matched_by_grades_that_are_counted() {
    let mut run = Run::new();
    let pathway = "PPI-17-0042".parse().ok();
    run.refer(RecordReferral { pathway, ..referral() });
    run.refer(RecordReferral {
        pseudonym: patient(2),
        ubrn: None,
        referred: day("2016-06-01"),
        ..referral()
    });
    let function = "502".parse().unwrap();
    let rows = [
        ("UBRN", ActivityLine { ubrn: referral().ubrn, function, ..first_attendance("A1") }),
        ("pathway", ActivityLine { pathway, function, started: day("2017-06-16"), ..first_attendance("A2") }),
        ("patient", ActivityLine { started: day("2017-06-13"), ..first_attendance("A3") }),
        ("another function", ActivityLine { function, started: day("2017-06-14"), ..first_attendance("A4") }),
        ("implied before", ActivityLine { function, started: day("2017-06-15"), ..first_attendance("A5") }),
        ("past the window", ActivityLine { pseudonym: patient(2), ..first_attendance("A6") }),
        ("another's pathway", ActivityLine { pathway, pseudonym: patient(3), ..first_attendance("A7") }),
    ];
    let mut table = String::new();
    for (name, line) in rows {
        let answered = run.line(line);
        assert!(shown(&answered).starts_with("accepted"), "never a reason not to pay: {name}");
        table.push_str(&format!("{name}: {:?}\n", answered.grade.unwrap()));
    }
    expect![[r#"
        UBRN: Ubrn
        pathway: Pathway
        patient: Patient
        another function: None
        implied before: None
        past the window: None
        another's pathway: None
    "#]]
    .assert_eq(&table);
    let counted: Vec<_> = run.state.grades().map(|(.., grade, count)| (grade, count)).collect();
    assert_eq!(counted, [(Grade::Ubrn, 1), (Grade::Pathway, 1), (Grade::Patient, 1), (Grade::None, 4)]);
    assert_eq!(run.state.referrals_implied(), 3);
}

/// Source: Who Pays? Determining responsibility for payments to providers, NHS England, August 2013; the overseas visitors' values
/// are NHS practice, unverified.
#[test]
fn who_pays_for_the_unregistered_visitors_and_after_a_merger() {
    let mut rows = snapshot();
    let district = |district: &str, ccg: &str| District {
        district: district.parse().unwrap(),
        ccg: ccg.parse().unwrap(),
        validity: Validity::since(day("2013-04-01")),
        source: "test".into(),
    };
    rows.districts = vec![district("HP19", "14Y"), district("RG14", "10M")];
    for (period, flex, freeze) in
        [("2018-03", "2018-04-19", "2018-05-18"), ("2018-04", "2018-05-18", "2018-06-19")]
    {
        let (flex, freeze) = (day(flex), day(freeze));
        rows.deadlines.push(Deadlines {
            period: period.parse().unwrap(),
            flex,
            freeze,
            source: "test".into(),
        });
    }
    rows.sort();
    let mut run = Run::new();
    run.today = day("2018-04-10");
    run.adopt(rows).unwrap();
    let with = |change: &dyn Fn(&mut ActivityLine)| {
        let mut line = ActivityLine { started: day("2018-03-20"), ..first_attendance("A") };
        change(&mut line);
        line
    };
    let lives = |line: &mut ActivityLine, district: &str| {
        line.practice = "V81997".parse().unwrap();
        line.residence = district.parse().ok();
    };
    let table = [
        ("registered", with(&|_| {})),
        ("registered, lives elsewhere", with(&|l| l.residence = "HP19".parse().ok())),
        ("unregistered, lives in RG14", with(&|l| lives(l, "RG14"))),
        ("unregistered, lives elsewhere", with(&|l| lives(l, "HP19"))),
        ("unregistered, district not known", with(&|l| lives(l, "ZE1"))),
        ("unregistered, residence not sent", with(&|l| l.practice = "V81997".parse().unwrap())),
        ("31 March 2018", with(&|l| l.started = day("2018-03-31"))),
        ("1 April 2018", with(&|l| l.started = day("2018-04-01"))),
        (
            "1 April 2018, sent for the successor",
            with(&|l| (l.started, l.commissioner) = (day("2018-04-01"), "15A".parse().unwrap())),
        ),
        (
            "1 April 2018, lives in RG14",
            with(&|l| {
                lives(l, "RG14");
                l.started = day("2018-04-01");
            }),
        ),
        ("visitor who pays", with(&|l| l.overseas = Some(OverseasVisitor::Pays))),
        ("visitor exempt by agreement", with(&|l| l.overseas = Some(OverseasVisitor::ExemptByAgreement))),
        ("visitor exempt otherwise", with(&|l| l.overseas = Some(OverseasVisitor::Exempt))),
        ("visitor who pays for the stay", with(&|l| l.overseas = Some(OverseasVisitor::PaysForStay))),
        ("no visitor", with(&|l| l.overseas = Some(OverseasVisitor::NotApplicable))),
    ];
    let mut text = String::new();
    for (n, (name, line)) in (0..).zip(table) {
        let cds_identifier = format!("A{n}").parse().unwrap();
        let answered = run.line(ActivityLine { cds_identifier, pseudonym: patient(n), ..line });
        text.push_str(&format!("{name}: {}\n", shown(&answered)));
    }
    expect![[r#"
        registered: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS
        registered, lives elsewhere: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS
        unregistered, lives in RG14: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS
        unregistered, lives elsewhere: contested; payer 14Y; Nowhere; 2018-03/flex; WRONG_COMMISSIONER
        unregistered, district not known: contested; payer -; Nowhere; 2018-03/flex; RESIDENCE_UNKNOWN
        unregistered, residence not sent: contested; payer -; Nowhere; 2018-03/flex; PRACTICE_UNKNOWN
        31 March 2018: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS
        1 April 2018: accepted £158.67; payer 15A; Payable; 2018-04/flex; COMMISSIONER_REASSIGNED PRICE_DIFFERS
        1 April 2018, sent for the successor: accepted £158.67; payer 15A; Payable; 2018-04/flex; PRICE_DIFFERS
        1 April 2018, lives in RG14: accepted £158.67; payer 15A; Payable; 2018-04/flex; COMMISSIONER_REASSIGNED PRICE_DIFFERS
        visitor who pays: contested; payer 10M; Nowhere; 2018-03/flex; OVERSEAS_CHARGEABLE
        visitor exempt by agreement: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS OVERSEAS_EXEMPT
        visitor exempt otherwise: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS OVERSEAS_EXEMPT
        visitor who pays for the stay: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS
        no visitor: accepted £158.67; payer 10M; Payable; 2018-03/flex; PRICE_DIFFERS
    "#]].assert_eq(&text);
}

/// A referral's provider may be any with a contract; the books decide nothing.
fn offered(run: &Run, function: &str, on: Day) -> Vec<String> {
    let reference = &run.state.in_force().unwrap().reference;
    let choices = reference.choices(function.parse().unwrap(), on);
    choices.iter().map(|choice| format!("{} {}", choice.provider.ods, choice.sites.len())).collect()
}

#[test]
fn who_may_be_chosen_follows_contracts_and_dates() {
    let run = Run::new();
    assert_eq!(
        offered(&run, "110", day("2017-06-01")),
        ["NT3 1", "NV3 1", "RHW 0", "RNZ 0", "RTH 0", "RWX 0"]
    );
    assert_eq!(offered(&run, "502", day("2017-06-01")), ["NT3 1", "RHW 0", "RNZ 0", "RTH 0", "RWX 0"]);
    assert_eq!(offered(&run, "110", day("2017-05-01"))[0], "NT3 2", "a site that closed at the end of May");
    assert_eq!(offered(&run, "110", day("2013-03-31")), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However much was spent, held or contested, and whatever was decided before: the same providers in the same order, and a referral
    /// to any of them is recorded.
    #[test]
    fn the_offer_is_the_same_in_any_state_of_the_budget(
        spent in proptest::collection::vec((0..6_u8, 0..6_usize, 0..100_000_000_000_u64, any::<bool>()), 0..25),
        held in 0..40_u64,
    ) {
        let before = offered(&Run::new(), "110", day("2017-06-12"));
        let mut run = Run::new();
        for n in 0..held {
            let ubrn = nhs::Ubrn::from_digits(n + 1).ok();
            run.refer(RecordReferral { pseudonym: patient(100), ubrn, ..referral() });
        }
        for (n, (person, provider, claimed, admitted)) in (0..).zip(spent) {
            let identifier = format!("S{n}");
            let line = if admitted { hip(&identifier) } else { first_attendance(&identifier) };
            let line = super::fixture::from(["NT3", "NV3", "RHW", "RWX", "RTH", "RNZ"][provider], line);
            let claimed = money::Pence::from_u32(u32::try_from(claimed % 4_000_000_000).unwrap());
            run.line(ActivityLine { pseudonym: patient(person), claimed, ..line });
        }
        prop_assert_eq!(&offered(&run, "110", day("2017-06-12")), &before);
        for (n, choice) in (1_000..).zip(&before) {
            let provider = choice.split(' ').next().unwrap().parse().unwrap();
            let ubrn = nhs::Ubrn::from_digits(n).ok();
            run.refer(RecordReferral { provider, site: None, ubrn, ..referral() });
        }
    }
}
