use super::*;
use crate::reference::PaymentKey;
use jiff::civil::date;
use proptest::prelude::*;

fn line(day: i8, id: &str, hrg: &str, pence: i64) -> Line {
    Line {
        date: date(2017, 6, day),
        reference: LineReference::Cds(id.parse().unwrap()),
        service: Service::Hrg(hrg.parse().unwrap()),
        amount: NetPence::new(pence),
    }
}

fn section(site: &str, name: &str, lines: Vec<Line>) -> SiteSection {
    SiteSection { site: site.parse().unwrap(), name: name.to_owned(), lines }
}

fn june() -> AdviceParts {
    let key = PaymentKey { run: &[9; 16], payer: "10M", payee: "NT3", part: "" };
    let attendance = Line {
        service: Service::Function("110".parse().unwrap()),
        reference: LineReference::Record { position: 48_211, index: 3 },
        ..line(9, "X", "HN12F", 150_00)
    };
    AdviceParts {
        payer: "10M".parse().unwrap(),
        payer_name: "NHS Newbury and District CCG".to_owned(),
        payee: "NT3".parse().unwrap(),
        payee_name: "Spire Healthcare Ltd".to_owned(),
        run: "RUN-2017-06-1".parse().unwrap(),
        end_to_end_id: key.end_to_end_id(),
        payment_reference: key.remittance_reference(),
        payment_date: date(2017, 8, 1),
        instructed: Pence::from_u32(6_247_55),
        sites: vec![
            section(
                "NT344",
                "Spire Dunedin Hospital",
                vec![line(2, "NT3-2017-000001", "HN12F", 5_431_00), attendance],
            ),
            section(
                "NT343",
                "Spire Thames Valley Hospital",
                vec![line(3, "NT3-2017-000002", "BZ34C", 667_00)],
            ),
        ],
        adjustments: vec![Adjustment {
            date: date(2017, 7, 12),
            kind: AdjustmentKind::PriceCorrection,
            reference: LineReference::Cds("NT3-2017-000003".parse().unwrap()),
            amount: NetPence::new(-45),
        }],
        windows: vec![
            WindowPaid {
                key: "cut 2017-06 freeze".to_owned(),
                seq_from: 1,
                seq_to: 3,
                total_after: NetPence::new(6_248_00),
            },
            WindowPaid { key: "run 1".to_owned(), seq_from: 1, seq_to: 1, total_after: NetPence::new(-45) },
        ],
    }
}

#[test]
fn the_advice_as_a_person_reads_it() {
    let advice = Advice::new(june()).unwrap();
    let text = String::from_utf8(advice.text().into_bytes()).unwrap();
    expect_test::expect![[r#"
        REMITTANCE ADVICE

        From              NHS Newbury and District CCG (10M)
        To                Spire Healthcare Ltd (NT3)
        Payment           £6,247.55 on 2017-08-01
        Your statement    10M9K6SWTG3Q089XQA
        End-to-end id     10M-KF7HBH3D1N7S5W7M5SAE3Q75Z
        Settlement run    RUN-2017-06-1

        Site NT344 Spire Dunedin Hospital
        ------------------------------------------------------------------------------
        Date        Line                                 Service                Amount
        ------------------------------------------------------------------------------
        2017-06-02  NT3-2017-000001                      HN12F               £5,431.00
        2017-06-09  48211.3                              110                   £150.00
        ------------------------------------------------------------------------------
        Site NT344, 2 lines                                                  £5,581.00

        Site NT343 Spire Thames Valley Hospital
        ------------------------------------------------------------------------------
        Date        Line                                 Service                Amount
        ------------------------------------------------------------------------------
        2017-06-03  NT3-2017-000002                      BZ34C                 £667.00
        ------------------------------------------------------------------------------
        Site NT343, 1 line                                                     £667.00

        Adjustments
        ------------------------------------------------------------------------------
        2017-07-12  price correction
                    NT3-2017-000003                                             -£0.45
        ------------------------------------------------------------------------------
        Adjustments                                                             -£0.45

        Lines                                                                £6,248.00
        Adjustments                                                             -£0.45
        TOTAL                                                                £6,247.55

        Completeness
        ------------------------------------------------------------------------------
        cut 2017-06 freeze                  entries 1 to 3                   £6,248.00
        run 1                               entries 1 to 1                      -£0.45
        ------------------------------------------------------------------------------
        Receipts numbered without a gap, whose amounts make the window's total, are all
        there is: nothing was left out.
    "#]]
    .assert_eq(&text);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn the_advice_as_a_program_reads_it() {
    let text = String::from_utf8(Advice::new(june()).unwrap().csv().into_bytes()).unwrap();
    expect_test::expect![[r#"
        payer,payee,run,end_to_end_id,payment_reference,payment_date,row_type,site,date,reference,service,amount,window,seq_from,seq_to
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,line,NT344,2017-06-02,NT3-2017-000001,HN12F,5431.00,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,line,NT344,2017-06-09,48211.3,110,150.00,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,site total,NT344,,,,5581.00,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,line,NT343,2017-06-03,NT3-2017-000002,BZ34C,667.00,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,site total,NT343,,,,667.00,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,adjustment,,2017-07-12,NT3-2017-000003,price correction,-0.45,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,total,,,,,6247.55,,,
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,window,,,,,6248.00,cut 2017-06 freeze,1,3
        10M,NT3,RUN-2017-06-1,10M-KF7HBH3D1N7S5W7M5SAE3Q75Z,10M9K6SWTG3Q089XQA,2017-08-01,window,,,,,-0.45,run 1,1,1
    "#]].assert_eq(&text);
}

#[test]
fn what_does_not_add_up_is_no_advice() {
    type Spoil = fn(&mut AdviceParts);
    let table: [(&str, Spoil); 10] = [
        ("DOES_NOT_ADD_UP", |p| p.instructed = Pence::from_u32(1)),
        ("DOES_NOT_ADD_UP", |p| p.sites[0].lines[0].amount = NetPence::new(1)),
        ("DOES_NOT_ADD_UP", |p| p.adjustments.clear()),
        ("DOES_NOT_ADD_UP", |p| p.windows[1].total_after = NetPence::ZERO),
        ("EMPTY", |p| p.sites[0].lines.clear()),
        ("EMPTY", |p| p.windows[0].seq_from = 0),
        ("EMPTY", |p| p.windows[0].seq_from = 4),
        ("REPEATED_ID", |p| p.sites[1].site = p.sites[0].site),
        ("TEXT_REFUSED", |p| p.payee_name = "a\nb".to_owned()),
        ("EMPTY", |p| {
            p.sites.clear();
            p.adjustments.clear();
        }),
    ];
    for (reason, spoil) in table {
        let mut parts = june();
        spoil(&mut parts);
        assert_eq!(Advice::new(parts).unwrap_err().reason(), reason);
    }
}

proptest! {
    /// The rows of the CSV, added up by another eye: sites, adjustments, total, and the amount instructed.
    #[test]
    fn the_rows_make_the_payment(
        sites in proptest::collection::vec(proptest::collection::vec(-1_000_000..100_000_000_i64, 1..20), 1..5),
        adjustments in proptest::collection::vec(-1_000..1_000_000_i64, 0..5),
    ) {
        let mut parts = june();
        let codes = ["NT344", "NT343", "NV323", "NVC02", "NT428"];
        parts.sites = sites.iter().zip(codes).map(|(amounts, code)| {
            section(code, "A site", amounts.iter().map(|pence| line(1, "A", "HN12F", *pence)).collect())
        }).collect();
        let adjustment = june().adjustments[0];
        parts.adjustments = adjustments.iter().map(|p| Adjustment { amount: NetPence::new(*p), ..adjustment }).collect();
        let paid: i64 = sites.iter().flatten().chain(&adjustments).sum();
        prop_assume!(paid >= 0);
        parts.instructed = Pence::new(paid).unwrap();
        parts.windows = vec![WindowPaid { key: "run 1".to_owned(), seq_from: 1, seq_to: 9, total_after: NetPence::new(paid) }];
        let advice = Advice::new(parts).unwrap();
        let mut sums = std::collections::BTreeMap::<String, i64>::new();
        for row in csv::Reader::from_reader(advice.csv().bytes()).records() {
            let row = row.unwrap();
            let (sign, digits) = row[11].strip_prefix('-').map_or((1, &row[11]), |digits| (-1, digits));
            *sums.entry(row[6].to_owned()).or_default() += sign * digits.parse::<Pence>().unwrap().get();
        }
        let of = |name: &str| sums.get(name).copied().unwrap_or_default();
        prop_assert_eq!(of("line"), of("site total"));
        prop_assert_eq!(of("line") + of("adjustment"), of("total"));
        prop_assert_eq!(of("total"), paid);
        prop_assert_eq!(of("window"), paid);
    }
}
