use super::*;
use expect_test::expect;
use journal::{Domain as _, HEADER_BYTES, Outcome};
use proptest::prelude::*;
use referrals::{
    Command, Event, LineTag, Referrals, UNREADABLE_RECORD_BYTES_MAX, UnreadableAnswered, UnreadableLine,
};

fn date(year: i32, month: i32, day: i32) -> Option<proto::google::r#type::Date> {
    Some(proto::google::r#type::Date { year, month, day })
}

fn attendance() -> v1::ActivityLine {
    v1::ActivityLine {
        cds_identifier: "BNT3000000000001".into(),
        nhs_number: "943 476 5919".into(),
        site: "NT344".into(),
        practice: "K81001".into(),
        commissioner: "10M00".into(),
        treatment_function: "110".into(),
        point_of_delivery: "OPFASPCL".into(),
        start_date: date(2017, 6, 12),
        claimed_pence: 158_67,
        first_attendance: "1".into(),
        attended: "5".into(),
        ..v1::ActivityLine::default()
    }
}

fn spell() -> v1::ActivityLine {
    v1::ActivityLine {
        point_of_delivery: "EL".into(),
        end_date: date(2017, 6, 16),
        hrg: "HN12F".into(),
        first_attendance: String::new(),
        attended: String::new(),
        admission_method: "11".into(),
        patient_classification: "1".into(),
        excluded_days: 1,
        ..attendance()
    }
}

fn place() -> Place {
    Place { submission: Position::new(5), row: 3, provider: "NT3".parse().unwrap() }
}

fn codes(message: &v1::ActivityLine) -> String {
    match line(message, place()) {
        ReadLine::Readable(..) => "readable".into(),
        ReadLine::Unreadable(unread) => {
            Reasons::from(unread.line.faults).iter().map(Reason::code).collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn what_is_read_is_what_was_sent() {
    let ReadLine::Readable(number, line) = line(&spell(), place()) else { panic!("{}", codes(&spell())) };
    assert_eq!(number.reveal(), 9_434_765_919);
    assert_eq!((line.row, line.date()), (3, "2017-06-16".parse().unwrap()));
    assert_eq!(line.commissioner.as_str(), "10M", "padding is taken off");
    assert_eq!(line.category, nhs::AdministrativeCategory::Nhs);
    assert!(matches!(line.care, Care::Admitted { excluded_days: 1, .. }));
    assert_eq!(codes(&attendance()), "readable");
}

#[test]
fn each_fault_has_its_code() {
    type Change = fn(&mut v1::ActivityLine);
    let outpatient: [(&str, Change); 22] = [
        ("no identifier", |l| l.cds_identifier.clear()),
        ("lower-case identifier", |l| l.cds_identifier = "a".into()),
        ("no NHS number", |l| l.nhs_number.clear()),
        ("nine digits", |l| l.nhs_number = "943476591".into()),
        ("check digit", |l| l.nhs_number = "9434765918".into()),
        ("repdigit", |l| l.nhs_number = "1111111111".into()),
        ("site", |l| l.site = "nt344".into()),
        ("practice", |l| l.practice = "10M".into()),
        ("commissioner", |l| l.commissioner = String::new()),
        ("function retired", |l| l.treatment_function = "510".into()),
        ("point of delivery", |l| l.point_of_delivery = "AE".into()),
        ("no date", |l| l.start_date = None),
        ("partial date", |l| l.start_date = date(2017, 6, 0)),
        ("no such date", |l| l.start_date = date(2017, 2, 29)),
        ("negative", |l| l.claimed_pence = -1),
        ("more than anything costs", |l| l.claimed_pence = i64::MAX),
        ("HRG", |l| l.hrg = "HN12".into()),
        ("UBRN of 11 digits", |l| l.ubrn = "00004938271".into()),
        ("category", |l| l.administrative_category = "1".into()),
        ("first attendance", |l| l.first_attendance = "6".into()),
        ("procedure without HRG", |l| l.point_of_delivery = "OPPROC".into()),
        ("admission codes at an appointment", |l| {
            l.admission_method = "11".into();
            l.end_date = l.start_date;
        }),
    ];
    let admitted: [(&str, Change); 7] = [
        ("no end", |l| l.end_date = None),
        ("ends before it starts", |l| l.end_date = date(2017, 6, 11)),
        ("spell without HRG", |l| l.hrg.clear()),
        ("no method", |l| l.admission_method.clear()),
        ("classification", |l| l.patient_classification = "9".into()),
        ("more days excluded than stayed", |l| l.excluded_days = 5),
        ("attended", |l| l.attended = "5".into()),
    ];
    let mut text = String::new();
    let cases = outpatient.map(|case| (case, attendance())).into_iter();
    for ((name, change), mut message) in cases.chain(admitted.map(|case| (case, spell()))) {
        change(&mut message);
        text.push_str(&format!("{name}: {}\n", codes(&message)));
    }
    text.push_str(&format!("nothing: {}\n", codes(&v1::ActivityLine::default())));
    expect![[r#"
        no identifier: CDS_IDENTIFIER_INVALID
        lower-case identifier: CDS_IDENTIFIER_INVALID
        no NHS number: NHS_NUMBER_INVALID
        nine digits: NHS_NUMBER_INVALID
        check digit: NHS_NUMBER_CHECK_DIGIT
        repdigit: NHS_NUMBER_REPDIGIT
        site: SITE_INVALID
        practice: PRACTICE_CODE_INVALID
        commissioner: COMMISSIONER_INVALID
        function retired: TREATMENT_FUNCTION_INVALID
        point of delivery: POINT_OF_DELIVERY_INVALID
        no date: START_DATE_INVALID
        partial date: START_DATE_INVALID
        no such date: START_DATE_INVALID
        negative: CLAIMED_INVALID
        more than anything costs: CLAIMED_INVALID
        HRG: HRG_INVALID
        UBRN of 11 digits: UBRN_INVALID
        category: ADMINISTRATIVE_CATEGORY_INVALID
        first attendance: FIRST_ATTENDANCE_INVALID
        procedure without HRG: HRG_INVALID
        admission codes at an appointment: END_DATE_INVALID ADMISSION_METHOD_INVALID
        no end: END_DATE_INVALID
        ends before it starts: END_BEFORE_START
        spell without HRG: HRG_INVALID
        no method: ADMISSION_METHOD_INVALID
        classification: PATIENT_CLASSIFICATION_INVALID
        more days excluded than stayed: EXCLUDED_DAYS_INVALID
        attended: ATTENDED_OR_DID_NOT_ATTEND_INVALID
        nothing: CDS_IDENTIFIER_INVALID NHS_NUMBER_INVALID SITE_INVALID PRACTICE_CODE_INVALID COMMISSIONER_INVALID TREATMENT_FUNCTION_INVALID POINT_OF_DELIVERY_INVALID START_DATE_INVALID
    "#]].assert_eq(&text);
}

#[test]
fn what_could_be_read_of_an_unreadable_line_is_kept() {
    let message = v1::ActivityLine { hrg: "?".into(), ..attendance() };
    let ReadLine::Unreadable(unread) = line(&message, place()) else { panic!("readable") };
    assert_eq!(unread.line.claimed, Pence::new(158_67));
    assert_eq!(unread.name, "BNT3000000000001".parse().ok());
}

/// The bytes of its record's body, as long as they can be: with a tag.
fn body_of(line: UnreadableLine) -> Vec<u8> {
    let answered = UnreadableAnswered {
        faults: line.faults,
        version: u32::MAX,
        in_force: true,
        supersedes: Some(Position::new(u64::MAX)),
    };
    let command = Command::RecordUnreadable(UnreadableLine { tag: Some(LineTag::new([0xff; 16])), ..line });
    let mut body = Vec::new();
    Referrals::encode(&command, &Outcome::Accepted([Event::UnreadableAnswered(answered)].into()), &mut body);
    body
}

#[test]
fn a_million_characters_make_no_record_larger_and_no_two_lines_alike() {
    let mut contents = std::collections::BTreeSet::new();
    let long = "X".repeat(1_000_000);
    let fields: [fn(&mut v1::ActivityLine) -> &mut String; 5] = [
        |line| &mut line.cds_identifier,
        |line| &mut line.nhs_number,
        |line| &mut line.hrg,
        |line| &mut line.ubrn,
        |line| &mut line.claimed_mff,
    ];
    for field in fields {
        for text in [&long[..], &long[1..], "?"] {
            let mut message = spell();
            text.clone_into(field(&mut message));
            let ReadLine::Unreadable(unread) = line(&message, place()) else { panic!("{}", codes(&message)) };
            assert!(HEADER_BYTES + body_of(unread.line).len() <= UNREADABLE_RECORD_BYTES_MAX);
            assert!(contents.insert(unread.content));
            assert_eq!(content(&message, place()), unread.content, "the same line again");
            assert!(
                contents.insert(content(&message, Place { row: 4, ..place() })),
                "another row is another line"
            );
        }
    }
}

/// Golden: request ids and fingerprints are made from it, so a line sent again has to have the same.
#[test]
fn the_content_of_a_line_is_this_digest() {
    let hex: String = content(&spell(), place()).iter().map(|b| format!("{b:02x}")).collect();
    expect!["93190c71a4fdebad1638e755a815d7c63e9201708a5e54cc075baef3f843e178"].assert_eq(&hex);
}

#[test]
fn a_referral_names_every_bad_field() {
    let message = v1::ReferralSubmission {
        nhs_number: "9434765918".into(),
        ubrn: "12345678901".into(),
        offered: vec!["NT344".into(), "?".into()],
        referred_on: date(2017, 6, 31),
        ..v1::ReferralSubmission::default()
    };
    let mut fields = Fields::new();
    assert!(referral(&message, &mut fields).is_none());
    let found = fields.finish().unwrap_err();
    let text: Vec<_> = found.iter().map(|found| format!("{} {}", found.field, found.reason)).collect();
    expect![[r#"
        nhs_number NHS_NUMBER_CHECK_DIGIT
        ubrn UBRN_INVALID
        treatment_function FIELD_MISSING
        source FIELD_MISSING
        referred_on DATE_INVALID
        practice FIELD_MISSING
        offered[1] ODS_CODE_INVALID
        provider FIELD_MISSING"#]]
    .assert_eq(&text.join("\n"));
}

proptest! {
    #[test]
    fn any_line_is_answered(texts in proptest::collection::vec(".{0,12}", 15), numbers: (i64, i32, i32, i32, u32)) {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap_or_default();
        let message = v1::ActivityLine {
            cds_identifier: text(),
            nhs_number: text(),
            site: text(),
            practice: text(),
            commissioner: text(),
            treatment_function: text(),
            point_of_delivery: ["EL", "OPPROC", "OPFASPCL"][numbers.4 as usize % 3].into(),
            start_date: date(numbers.1, numbers.2, numbers.3),
            end_date: date(numbers.3, numbers.2, numbers.1),
            claimed_pence: numbers.0,
            hrg: text(),
            first_attendance: text(),
            attended: text(),
            admission_method: text(),
            patient_classification: text(),
            ubrn: text(),
            administrative_category: text(),
            excluded_days: numbers.4,
            local_identifier: text(),
            claimed_mff: text(),
            ..v1::ActivityLine::default()
        };
        let ReadLine::Unreadable(unread) = line(&message, place()) else { return Ok(()) };
        prop_assert!(!Reasons::from(unread.line.faults).is_empty());
        let body = body_of(unread.line);
        prop_assert!(HEADER_BYTES + body.len() <= UNREADABLE_RECORD_BYTES_MAX);
        // None of its text, which may be anything, stands in the record.
        let texts = [&message.cds_identifier, &message.nhs_number, &message.local_identifier];
        for text in texts.into_iter().filter(|text| text.len() > 6) {
            prop_assert!(!body.windows(text.len()).any(|window| window == text.as_bytes()));
        }
    }
}

#[test]
fn a_row_of_sus_says_everything_that_is_wrong_with_it() {
    let good = v1::SusRow {
        cds_identifier: "A1".into(),
        local_identifier: String::new(),
        activity_date: date(2017, 6, 12),
        commissioner: "10M00".into(),
        point_of_delivery: "DC".into(),
        hrg: "BZ34C".into(),
        mff: "1.149760".into(),
        price_pence: 700_00,
    };
    let period = "2017-06".parse().unwrap();
    let mut fields = Fields::new();
    let row = sus_row(&good, period, &mut fields).unwrap();
    fields.finish().unwrap();
    assert_eq!((row.commissioner.as_str(), row.mff.unwrap().to_string()), ("10M", "1.14976".to_owned()));
    let bad = v1::SusRow {
        cds_identifier: "a 1".into(),
        local_identifier: "9".repeat(21),
        activity_date: date(2017, 7, 1),
        commissioner: String::new(),
        point_of_delivery: "?".into(),
        hrg: "?".into(),
        mff: "0".into(),
        price_pence: -1,
    };
    let mut fields = Fields::new();
    assert!(sus_row(&bad, period, &mut fields).is_none());
    let found: Vec<_> =
        fields.finish().unwrap_err().problems().into_iter().map(|p| (p.field, p.reason)).collect();
    let expected = [
        ("cds_identifier", "CDS_IDENTIFIER_INVALID"),
        ("local_identifier", "LOCAL_IDENTIFIER_INVALID"),
        ("activity_date", "FIELD_INVALID"),
        ("commissioner", "FIELD_MISSING"),
        ("point_of_delivery", "POINT_OF_DELIVERY_INVALID"),
        ("hrg", "HRG_INVALID"),
        ("mff", "FIELD_INVALID"),
        ("price_pence", "AMOUNT_INVALID"),
    ];
    assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}
