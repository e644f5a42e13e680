//! Outpatient appointments.

use super::{BOOKS, JUNE_2017, mff, question};
use crate::{
    Activity, Attendance, AttendancePrices, AttendanceRow, Books, Content, NoPrice, NoPriceClass, PriceBook,
    Priced, Rule, price,
};
use expect_test::expect;
use jiff::civil::date;
use money::{Pence, Rounding};
use nhs::{AttendedOrDidNotAttend, PointOfDelivery};

/// `function hrg first-attendance attended multi consultant-led`, with `-` for absent.
fn attendance(text: &str) -> Attendance {
    let words: Vec<&str> = text.split_whitespace().collect();
    let optional = |word: &str| (word != "-").then(|| word.to_owned());
    Attendance {
        function: words[0].parse().unwrap(),
        hrg: optional(words[1]).map(|hrg| hrg.parse().unwrap()),
        first_attendance: words[2].parse().unwrap(),
        attended: words[3].parse().unwrap(),
        multi_professional: optional(words[4]).map(|word| word == "multi"),
        consultant_led: words[5] == "led",
    }
}

fn ask(text: &str) -> Result<Priced, NoPrice> {
    price(&BOOKS, &question(Activity::Attendance(attendance(text)), JUNE_2017))
}

#[test]
fn which_price_an_appointment_has() {
    let lines = [
        "110 - 1 5 - led",
        "110 - 2 5 - led",
        "110 - 1 6 multi led",
        "110 - 2 5 multi led",
        "110 - 3 5 - led",
        "110 - 4 5 - led",
        "110 WF01B 1 5 - led",
        "110 WF02B 1 5 - led",
        "110 WF01A 2 5 single led",
        "110 WF02A 2 5 multi led",
        "110 WF01D 3 5 - led",
        "110 WF02C 4 5 single led",
        "822 - 1 5 - led",
        "110 FZ51Z 1 5 - led",
        "130 BZ88A 2 5 - led",
        "110 AA22C 1 5 - led",
        "812 AA22C 1 5 - led",
        "110 AA22C 1 5 - not-led",
        "812 FZ51Z 1 5 - not-led",
        "812 - 1 5 - led",
        "560 - 2 5 - led",
        "711 - 1 5 - led",
        "110 - 1 5 - not-led",
        "110 - 5 5 - led",
        "110 - 1 0 - led",
        "110 - 1 2 - led",
        "110 - 1 3 - led",
        "110 - 2 4 - led",
        "110 - 2 7 - led",
        "110 WF01A 1 5 - led",
        "110 WF01B 2 5 - led",
        "110 WF01B 3 5 - led",
        "110 WF01B 1 5 multi led",
        "110 WF02A 2 5 single led",
        "110 WF03A 2 5 - led",
        "110 FZ51Z 3 5 - led",
        "110 UZ01Z 1 5 - led",
        "110 AA99Z 1 5 - led",
    ];
    let mut table = String::new();
    for line in lines {
        let answer = match ask(line) {
            Ok(priced) => format!("{} {:?}", priced.price, priced.rules),
            Err(reason) => reason.reason().to_owned(),
        };
        table.push_str(&format!("{line:<26}{answer}\n"));
    }
    expect![[r#"
        110 - 1 5 - led           £138.00 [FirstAttendance, BeforeFactor, RoundedToPenny, Illustrative]
        110 - 2 5 - led           £68.00 [FollowUpAttendance, BeforeFactor, RoundedToPenny, Illustrative]
        110 - 1 6 multi led       £159.00 [FirstAttendanceMulti, BeforeFactor, RoundedToPenny, Illustrative]
        110 - 2 5 multi led       £82.00 [FollowUpAttendanceMulti, BeforeFactor, RoundedToPenny, Illustrative]
        110 - 3 5 - led           £28.00 [FirstRemote, BeforeFactor, RoundedToPenny, Illustrative]
        110 - 4 5 - led           £22.00 [FollowUpRemote, BeforeFactor, RoundedToPenny, Illustrative]
        110 WF01B 1 5 - led       £138.00 [FirstAttendance, BeforeFactor, RoundedToPenny, Illustrative]
        110 WF02B 1 5 - led       £159.00 [FirstAttendanceMulti, BeforeFactor, RoundedToPenny, Illustrative]
        110 WF01A 2 5 single led  £68.00 [FollowUpAttendance, BeforeFactor, RoundedToPenny, Illustrative]
        110 WF02A 2 5 multi led   £82.00 [FollowUpAttendanceMulti, BeforeFactor, RoundedToPenny, Illustrative]
        110 WF01D 3 5 - led       £28.00 [FirstRemote, BeforeFactor, RoundedToPenny, Illustrative]
        110 WF02C 4 5 single led  £22.00 [FollowUpRemote, BeforeFactor, RoundedToPenny, Illustrative]
        822 - 1 5 - led           £145.00 [FirstAttendance, DefaultFunction, BeforeFactor, RoundedToPenny, Illustrative]
        110 FZ51Z 1 5 - led       £403.00 [OutpatientProcedure, BeforeFactor, RoundedToPenny]
        130 BZ88A 2 5 - led       £92.00 [OutpatientProcedure, BeforeFactor, RoundedToPenny]
        110 AA22C 1 5 - led       £138.00 [ProcedureAsAttendance, FirstAttendance, BeforeFactor, RoundedToPenny, Illustrative]
        812 AA22C 1 5 - led       NO_NATIONAL_PRICE
        110 AA22C 1 5 - not-led   NO_NATIONAL_PRICE
        812 FZ51Z 1 5 - not-led   £403.00 [OutpatientProcedure, BeforeFactor, RoundedToPenny]
        812 - 1 5 - led           NO_ATTENDANCE_PRICE
        560 - 2 5 - led           NO_ATTENDANCE_PRICE
        711 - 1 5 - led           NO_ATTENDANCE_PRICE
        110 - 1 5 - not-led       NOT_CONSULTANT_LED
        110 - 5 5 - led           CLOCK_STOP_EVENT
        110 - 1 0 - led           NOT_YET_HELD
        110 - 1 2 - led           NOT_ATTENDED
        110 - 1 3 - led           NOT_ATTENDED
        110 - 2 4 - led           NOT_ATTENDED
        110 - 2 7 - led           NOT_ATTENDED
        110 WF01A 1 5 - led       CONTRADICTORY_ATTENDANCE
        110 WF01B 2 5 - led       CONTRADICTORY_ATTENDANCE
        110 WF01B 3 5 - led       CONTRADICTORY_ATTENDANCE
        110 WF01B 1 5 multi led   CONTRADICTORY_ATTENDANCE
        110 WF02A 2 5 single led  CONTRADICTORY_ATTENDANCE
        110 WF03A 2 5 - led       CONTRADICTORY_ATTENDANCE
        110 FZ51Z 3 5 - led       CONTRADICTORY_ATTENDANCE
        110 UZ01Z 1 5 - led       INVALID_FOR_GROUPING
        110 AA99Z 1 5 - led       UNKNOWN_HRG
    "#]].assert_eq(&table);
}

#[test]
fn not_attended_is_unpriced_by_rule_and_not_nothing() {
    for attended in AttendedOrDidNotAttend::ALL {
        let line = format!("110 - 1 {attended} - led");
        match ask(&line) {
            Ok(priced) => assert!(attended.was_seen() && !priced.price.is_zero(), "{line}"),
            Err(reason) => {
                assert!(!attended.was_seen(), "{line}");
                assert_eq!(reason.class(), NoPriceClass::UnpricedByRule, "{line}");
            }
        }
    }
    assert_eq!(ask("110 - 5 5 - led"), Err(NoPrice::ClockStopEvent));
    assert_eq!(NoPrice::ClockStopEvent.class(), NoPriceClass::UnpricedByRule);
}

#[test]
fn points_of_delivery_name_appointments() {
    let seen = AttendedOrDidNotAttend::Attended;
    let at = |pod: &str, first: Option<&str>| {
        let pod: PointOfDelivery = pod.parse().unwrap();
        Attendance::at(pod, first.map(|f| f.parse().unwrap()), seen, "110".parse().unwrap(), None)
    };
    let mut table = String::new();
    for pod in PointOfDelivery::ALL {
        for first in [None, Some("1"), Some("2"), Some("4"), Some("5")] {
            let answer = match at(pod.as_str(), first) {
                Ok(a) => {
                    format!("{:?} {:?} {}", a.first_attendance, a.multi_professional, a.consultant_led)
                }
                Err(reason) => reason.reason().to_owned(),
            };
            table.push_str(&format!("{pod:<11}{:<3}{answer}\n", first.unwrap_or("-")));
        }
    }
    expect![[r#"
        DC         -  CONTRADICTORY_ATTENDANCE
        DC         1  CONTRADICTORY_ATTENDANCE
        DC         2  CONTRADICTORY_ATTENDANCE
        DC         4  CONTRADICTORY_ATTENDANCE
        DC         5  CONTRADICTORY_ATTENDANCE
        EL         -  CONTRADICTORY_ATTENDANCE
        EL         1  CONTRADICTORY_ATTENDANCE
        EL         2  CONTRADICTORY_ATTENDANCE
        EL         4  CONTRADICTORY_ATTENDANCE
        EL         5  CONTRADICTORY_ATTENDANCE
        ELXBD      -  CONTRADICTORY_ATTENDANCE
        ELXBD      1  CONTRADICTORY_ATTENDANCE
        ELXBD      2  CONTRADICTORY_ATTENDANCE
        ELXBD      4  CONTRADICTORY_ATTENDANCE
        ELXBD      5  CONTRADICTORY_ATTENDANCE
        RADAY      -  CONTRADICTORY_ATTENDANCE
        RADAY      1  CONTRADICTORY_ATTENDANCE
        RADAY      2  CONTRADICTORY_ATTENDANCE
        RADAY      4  CONTRADICTORY_ATTENDANCE
        RADAY      5  CONTRADICTORY_ATTENDANCE
        RANIGHT    -  CONTRADICTORY_ATTENDANCE
        RANIGHT    1  CONTRADICTORY_ATTENDANCE
        RANIGHT    2  CONTRADICTORY_ATTENDANCE
        RANIGHT    4  CONTRADICTORY_ATTENDANCE
        RANIGHT    5  CONTRADICTORY_ATTENDANCE
        OPFASPCL   -  First Some(false) true
        OPFASPCL   1  First Some(false) true
        OPFASPCL   2  CONTRADICTORY_ATTENDANCE
        OPFASPCL   4  CONTRADICTORY_ATTENDANCE
        OPFASPCL   5  ClockStop Some(false) true
        OPFASPNCL  -  First Some(false) false
        OPFASPNCL  1  First Some(false) false
        OPFASPNCL  2  CONTRADICTORY_ATTENDANCE
        OPFASPNCL  4  CONTRADICTORY_ATTENDANCE
        OPFASPNCL  5  ClockStop Some(false) false
        OPFAMPCL   -  First Some(true) true
        OPFAMPCL   1  First Some(true) true
        OPFAMPCL   2  CONTRADICTORY_ATTENDANCE
        OPFAMPCL   4  CONTRADICTORY_ATTENDANCE
        OPFAMPCL   5  ClockStop Some(true) true
        OPFAMPNCL  -  First Some(true) false
        OPFAMPNCL  1  First Some(true) false
        OPFAMPNCL  2  CONTRADICTORY_ATTENDANCE
        OPFAMPNCL  4  CONTRADICTORY_ATTENDANCE
        OPFAMPNCL  5  ClockStop Some(true) false
        OPFUPSPCL  -  FollowUp Some(false) true
        OPFUPSPCL  1  CONTRADICTORY_ATTENDANCE
        OPFUPSPCL  2  FollowUp Some(false) true
        OPFUPSPCL  4  CONTRADICTORY_ATTENDANCE
        OPFUPSPCL  5  ClockStop Some(false) true
        OPFUPSPNCL -  FollowUp Some(false) false
        OPFUPSPNCL 1  CONTRADICTORY_ATTENDANCE
        OPFUPSPNCL 2  FollowUp Some(false) false
        OPFUPSPNCL 4  CONTRADICTORY_ATTENDANCE
        OPFUPSPNCL 5  ClockStop Some(false) false
        OPFUPMPCL  -  FollowUp Some(true) true
        OPFUPMPCL  1  CONTRADICTORY_ATTENDANCE
        OPFUPMPCL  2  FollowUp Some(true) true
        OPFUPMPCL  4  CONTRADICTORY_ATTENDANCE
        OPFUPMPCL  5  ClockStop Some(true) true
        OPFUPMPNCL -  FollowUp Some(true) false
        OPFUPMPNCL 1  CONTRADICTORY_ATTENDANCE
        OPFUPMPNCL 2  FollowUp Some(true) false
        OPFUPMPNCL 4  CONTRADICTORY_ATTENDANCE
        OPFUPMPNCL 5  ClockStop Some(true) false
        NF2FFA     -  FirstRemote None true
        NF2FFA     1  CONTRADICTORY_ATTENDANCE
        NF2FFA     2  CONTRADICTORY_ATTENDANCE
        NF2FFA     4  CONTRADICTORY_ATTENDANCE
        NF2FFA     5  ClockStop None true
        NF2FFUP    -  FollowUpRemote None true
        NF2FFUP    1  CONTRADICTORY_ATTENDANCE
        NF2FFUP    2  CONTRADICTORY_ATTENDANCE
        NF2FFUP    4  FollowUpRemote None true
        NF2FFUP    5  ClockStop None true
        OPPROC     -  CONTRADICTORY_ATTENDANCE
        OPPROC     1  First None true
        OPPROC     2  FollowUp None true
        OPPROC     4  FollowUpRemote None true
        OPPROC     5  ClockStop None true
        OPPROCFA   -  First None true
        OPPROCFA   1  First None true
        OPPROCFA   2  CONTRADICTORY_ATTENDANCE
        OPPROCFA   4  CONTRADICTORY_ATTENDANCE
        OPPROCFA   5  ClockStop None true
        OPPROCFUP  -  FollowUp None true
        OPPROCFUP  1  CONTRADICTORY_ATTENDANCE
        OPPROCFUP  2  FollowUp None true
        OPPROCFUP  4  CONTRADICTORY_ATTENDANCE
        OPPROCFUP  5  ClockStop None true
    "#]]
    .assert_eq(&table);
}

/// Ophthalmology's first attendance of 2013/14 was £106; 1.06129992 is a fallback factor seen in use. The figure before
/// rounding, the pound and the penny differ, which is the commonest false difference of a reconciliation.
#[test]
fn the_106_pound_example_has_its_three_forms() {
    let row = AttendanceRow {
        first_single_pence: Some(106_00),
        first_multi_pence: Some(108_00),
        follow_up_single_pence: Some(60_00),
        follow_up_multi_pence: Some(87_00),
        remote_first_pence: None,
        remote_follow_up_pence: None,
    };
    let prices = AttendancePrices::new(None, vec![("130".parse().unwrap(), row)]);
    let book = PriceBook::new(
        "example-2013-14".parse().unwrap(),
        "2013-14".parse().unwrap(),
        true,
        "an example".to_owned(),
        Content::Attendance(prices),
    );
    let books: Books = [book.unwrap()].into_iter().collect();
    let factor = crate::Mff { factor: "1.06129992".parse().unwrap(), source: crate::MffSource::Contract };
    let ask = |line: &str, rounding| {
        let mut asked = question(Activity::Attendance(attendance(line)), date(2013, 9, 2));
        (asked.mff, asked.rounding) = (Some(factor), rounding);
        price(&books, &asked)
    };
    let penny = ask("130 - 1 5 - led", Rounding::NearestPenny).unwrap();
    assert_eq!(penny.unrounded().unwrap().to_string(), "11249.779152");
    assert_eq!(penny.price, Pence::from_u32(112_50));
    assert_eq!(ask("130 - 1 5 - led", Rounding::NearestPound).unwrap().price, Pence::from_u32(112_00));
    assert_eq!(penny.price.checked_mul(1_000).unwrap(), Pence::from_u32(112_500_00));
    // A list without a default row, or without the column, has no price.
    assert_eq!(ask("110 - 1 5 - led", Rounding::NearestPenny), Err(NoPrice::NoAttendancePrice));
    assert_eq!(ask("130 - 3 5 - led", Rounding::NearestPenny), Err(NoPrice::NoAttendancePrice));
}

#[test]
fn an_illustrative_price_says_so() {
    let mut asked = question(Activity::Attendance(attendance("110 - 1 5 - led")), JUNE_2017);
    asked.mff = Some(mff("NV323"));
    let found = price(&BOOKS, &asked).unwrap();
    assert!(found.is_illustrative() && found.rules.contains(Rule::Illustrative));
    // £138 × 1.149759 = £158.666742
    assert_eq!(found.price, Pence::from_u32(158_67));
    let procedure = ask("110 FZ51Z 1 5 - led");
    assert!(
        procedure.is_ok_and(|priced| !priced.is_illustrative() && priced.book_word().starts_with("ntps-"))
    );
    // Whatever the list is called, the word is in the answer and in the explanation.
    let quote = crate::Quote::from(&found);
    assert_eq!(
        (quote.book.as_str(), quote.list.starts_with("illustrative-")),
        ("illustrative", true),
        "{}",
        quote.list
    );
    let steps = crate::explain(&found, JUNE_2017);
    assert!(steps.iter().any(|step| step.text.starts_with("book = illustrative")), "{steps:?}");
}
