//! Requests by table, and rows there and back.

use super::*;
use crate::registry::outward;
use money::Pence;
use proptest::prelude::*;

const ID: &str = "0192f0c1-2b3c-7d4e-8f90-123456789abc";

fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

fn open(from: (i32, i32, i32)) -> Option<v1::Validity> {
    Some(v1::Validity { from_date: date(from.0, from.1, from.2), until_date: None })
}

fn found<T: core::fmt::Debug>(result: Result<T, Violations>) -> Vec<(String, &'static str)> {
    result.unwrap_err().iter().map(|violation| (violation.field.clone(), violation.reason)).collect()
}

fn owned(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(field, reason)| ((*field).to_owned(), *reason)).collect()
}

#[test]
fn every_bad_field_of_every_row_is_named() {
    let bad = v1::Organisation {
        ods: "rhw".into(),
        name: String::new(),
        role: 9,
        open: Some(v1::Validity { from_date: date(2018, 4, 1), until_date: date(2018, 3, 31) }),
        successor: "?".into(),
        source: "x".repeat(SOURCE_BYTES_MAX + 1),
    };
    let request = v1::RegisterOrganisationsRequest {
        request_id: "1".into(),
        organisations: vec![v1::Organisation::default(), bad],
        validate_only: false,
    };
    let expected = [
        ("organisations[0].ods", "FIELD_MISSING"),
        ("organisations[0].name", "FIELD_MISSING"),
        ("organisations[0].role", "FIELD_MISSING"),
        ("organisations[0].open", "FIELD_MISSING"),
        ("organisations[0].source", "FIELD_MISSING"),
        ("organisations[1].ods", "ODS_CODE_INVALID"),
        ("organisations[1].name", "FIELD_MISSING"),
        ("organisations[1].role", "FIELD_INVALID"),
        ("organisations[1].open.until_date", "DATE_INVALID"),
        ("organisations[1].successor", "ODS_CODE_INVALID"),
        ("organisations[1].source", "FIELD_TOO_LONG"),
        ("request_id", "REQUEST_ID_INVALID"),
    ];
    assert_eq!(found(register_organisations(request)), owned(&expected));
}

#[test]
fn batches_are_bounded_and_systems_are_ones_own() {
    let sites = |count| v1::RegisterSitesRequest {
        system: "national".into(),
        request_id: ID.into(),
        sites: vec![v1::Site::default(); count],
        validate_only: false,
    };
    let empty = [("sites", "BATCH_EMPTY"), ("system", "SYSTEM_INVALID")];
    assert_eq!(found(register_sites(sites(0))), owned(&empty));
    let large = [("sites", "BATCH_TOO_LARGE"), ("system", "SYSTEM_INVALID")];
    assert_eq!(found(register_sites(sites(ROWS_MAX + 1))), owned(&large));
    let digest = vec![7; 32];
    let approve =
        v1::ApproveProposalRequest { system: "national".into(), request_id: ID.into(), proposal: 3, digest };
    assert!(approve_proposal(&approve).unwrap().system.is_national());
    let short = v1::ApproveProposalRequest { digest: vec![7; 31], ..approve };
    assert_eq!(found(approve_proposal(&short)), owned(&[("digest", "DIGEST_INVALID")]));
}

#[test]
fn a_contract_names_its_terms() {
    let contract = v1::Contract {
        contract: "10M-RHW".into(),
        payers: vec!["10M".into(), "10M".into()],
        provider: "RHW".into(),
        treatment_functions: vec!["110".into(), "999".into()],
        validity: open((2017, 4, 1)),
        mechanism: Some(v1::contract::Mechanism::Block(v1::Block {
            annual_value_pence: -1,
            day_of_month: 29,
        })),
        rounding: 0,
        price_tolerance_pence: -1,
        ubrn_required_from_date: date(2018, 0, 0),
        source: "test".into(),
        pricing: None,
    };
    let request = v1::ProposeContractsRequest {
        system: "bw".into(),
        request_id: ID.into(),
        contracts: vec![contract],
        validate_only: false,
    };
    let expected = [
        ("contracts[0].payers", "FIELD_INVALID"),
        ("contracts[0].treatment_functions[1]", "TREATMENT_FUNCTION_INVALID"),
        ("contracts[0].block.annual_value_pence", "AMOUNT_INVALID"),
        ("contracts[0].block.day_of_month", "FIELD_INVALID"),
        ("contracts[0].rounding", "FIELD_MISSING"),
        ("contracts[0].price_tolerance_pence", "AMOUNT_INVALID"),
        ("contracts[0].ubrn_required_from_date", "DATE_INVALID"),
    ];
    assert_eq!(found(propose_contracts(request)), owned(&expected));
}

#[test]
fn terms_on_prices_name_every_field_that_is_wrong() {
    use v1::priced_care::Of;
    let care = |of| Some(v1::PricedCare { of });
    let group = |text: &str| care(Some(Of::Hrg(text.into())));
    let pricing = v1::Pricing {
        prices: vec![v1::AgreedPrice {
            care: group("HN12"),
            point_of_delivery: "XX".into(),
            amount_pence: -1,
            r#use: 0,
            includes_market_forces_factor: None,
        }],
        modifications: vec![v1::Modification { care: None, amount_pence: 0 }],
        top_ups: vec![v1::TopUp { care: care(None), percent: 1_001, on_long_stay: true }],
        best_practice: vec![v1::BestPractice { care: group("HN12F"), validity: None, amount_pence: 0 }],
        plan: Some(v1::Plan {
            planned_pence: 0,
            above: vec![v1::MarginalBand { until_percent: None, rate_percent: 101 }],
            below: Vec::new(),
        }),
    };
    let read = |pricing, block| {
        let mut fields = Fields::new();
        let read = fields.within("pricing", |fields| super::pricing::pricing(fields, pricing, block));
        match fields.finish() {
            Ok(()) => Ok(read.unwrap()),
            Err(all) => Err(all.iter().map(|one| (one.field.clone(), one.reason)).collect::<Vec<_>>()),
        }
    };
    let expected = [
        ("pricing.prices[0].care.hrg", "HRG_INVALID"),
        ("pricing.prices[0].point_of_delivery", "POINT_OF_DELIVERY_INVALID"),
        ("pricing.prices[0].amount_pence", "AMOUNT_INVALID"),
        ("pricing.prices[0].use", "FIELD_MISSING"),
        ("pricing.prices[0].includes_market_forces_factor", "FIELD_MISSING"),
        ("pricing.modifications[0].care", "FIELD_MISSING"),
        ("pricing.modifications[0].amount_pence", "AMOUNT_INVALID"),
        ("pricing.top_ups[0].care.of", "FIELD_MISSING"),
        ("pricing.top_ups[0].percent", "FIELD_INVALID"),
        ("pricing.best_practice[0].validity", "FIELD_MISSING"),
        ("pricing.best_practice[0].amount_pence", "AMOUNT_INVALID"),
        ("pricing.plan", "FIELD_INVALID"),
        ("pricing.plan.planned_pence", "AMOUNT_INVALID"),
        ("pricing.plan.above[0].rate_percent", "FIELD_INVALID"),
    ];
    let expected = expected.map(|(field, reason)| (field.to_owned(), reason)).to_vec();
    assert_eq!(read(pricing, false), Err(expected));
    let missing = Err(vec![("pricing".to_owned(), "FIELD_MISSING")]);
    assert_eq!(read(v1::Pricing::default(), true), missing);
    let modification = v1::Modification { care: group("HN12F"), amount_pence: 1 };
    let twice = v1::Pricing { modifications: vec![modification; 2], ..v1::Pricing::default() };
    assert_eq!(read(twice, true), Err(vec![("pricing".to_owned(), "FIELD_INVALID")]));
    let band = |until_percent| v1::MarginalBand { until_percent, rate_percent: 50 };
    let plan = v1::Plan { planned_pence: 1, above: Vec::new(), below: vec![band(Some(101))] };
    let descending = v1::Pricing { plan: Some(plan), ..v1::Pricing::default() };
    assert_eq!(read(descending, true), Err(vec![("pricing.plan.below".to_owned(), "FIELD_INVALID")]));
}

#[test]
fn a_price_list_names_its_bad_rows() {
    let propose = |csv: &str| v1::ProposePriceBookRequest {
        system: "national".into(),
        request_id: ID.into(),
        price_book: Some(v1::PriceBook {
            price_book: "test".into(),
            financial_year: "2017-18".into(),
            kind: v1::PriceKind::Attendance.into(),
            illustrative: true,
            source: "test".into(),
            csv: csv.into(),
        }),
        validate_only: false,
    };
    let heading = "treatment_function,first_single_gbp,first_multi_gbp,follow_up_single_gbp,follow_up_multi_gbp,\
                   remote_first_gbp,remote_follow_up_gbp\n";
    let good = propose_price_book(propose(&format!("{heading}default,145,-,72,-,-,-\n"))).unwrap();
    let Command::Propose(Propose { content: Content::PriceBook(book), .. }) = good.command else { panic!() };
    assert_eq!((book.id.as_str(), book.kind), ("test", PriceKind::Attendance));
    let bad = found(propose_price_book(propose(&format!("{heading}110,x,-,-,-,-,-\n999,1,-,-,-,-,-\n"))));
    let expected = [
        ("price_book.csv[line 2].first_single_gbp", "FIELD_INVALID"),
        ("price_book.csv[line 3].treatment_function", "FIELD_INVALID"),
    ];
    assert_eq!(bad, owned(&expected));
}

#[test]
fn a_sandbox_has_a_clock() {
    let system = v1::System {
        system: "bw".into(),
        title: "Berkshire West".into(),
        sandbox: true,
        members: vec!["RHW".into(), "10M".into()],
        clock_start_time: Some(prost_types::Timestamp { seconds: 1_496_307_600, nanos: 0 }),
    };
    let request = |system| v1::RegisterSystemRequest { request_id: ID.into(), system: Some(system) };
    let Command::RegisterSystem(register) = register_system(request(system.clone())).unwrap().command else {
        panic!()
    };
    assert_eq!(register.system.members.iter().map(OdsCode::as_str).collect::<Vec<_>>(), ["10M", "RHW"]);
    assert_eq!(
        outward::system(register.system, register.clock_start).clock_start_time,
        system.clock_start_time
    );
    let bad = v1::System {
        system: "national".into(),
        title: String::new(),
        members: Vec::new(),
        clock_start_time: Some(prost_types::Timestamp { seconds: 0, nanos: 1 }),
        ..system
    };
    let expected = [
        ("system.system", "SYSTEM_INVALID"),
        ("system.title", "FIELD_MISSING"),
        ("system.clock_start_time", "FIELD_INVALID"),
        ("system.members", "BATCH_EMPTY"),
    ];
    assert_eq!(found(register_system(request(bad))), owned(&expected));
}

fn spans() -> impl Strategy<Value = Validity> {
    (0..20_000_i32, prop::option::of(0..5_000_i32)).prop_map(|(from, length)| Validity {
        from: Day::new(from),
        until: length.map(|days| Day::new(from + days)),
    })
}

fn codes() -> impl Strategy<Value = OdsCode> {
    "[A-Z0-9]{3}".prop_map(|code| code.parse().unwrap())
}

/// One term of each kind that a contract may have.
fn terms_on_prices(block: bool) -> reference::Pricing {
    let (of, amount) = (tariff::Subject::Hrg("HN12F".parse().unwrap()), Pence::from_u32(5_000_00));
    let price = |of, pod: Option<&str>, variation| reference::AgreedPrice {
        of,
        point_of_delivery: pod.map(|pod| pod.parse().unwrap()),
        amount,
        variation,
        includes_mff: !variation,
    };
    let function = tariff::Subject::Function("110".parse().unwrap());
    let validity = Validity { from: Day::new(17_000), until: None };
    let bands = vec![
        tariff::Band { until_percent: Some(50), rate_percent: 0 },
        tariff::Band { until_percent: None, rate_percent: 100 },
    ];
    reference::Pricing {
        prices: vec![price(of, Some("EL"), true), price(function, None, false)],
        modifications: vec![reference::Modification { of, amount }],
        top_ups: vec![reference::AgreedTopUp {
            of,
            top_up: tariff::TopUp { percent: 24, on_long_stay: true },
        }],
        best_practice: vec![reference::BestPractice { of, validity, amount: money::NetPence::new(-550_00) }],
        plan: block.then(|| reference::Plan { planned: amount, above: Vec::new(), below: bands }),
    }
}

fn contracts() -> impl Strategy<Value = Contract> {
    let functions = prop::sample::subsequence(nhs::TreatmentFunction::all().collect::<Vec<_>>(), 0..5);
    let terms = (0..4_u8, 0..=i64::MAX, 1..=28_u8);
    let payers = prop::collection::btree_set(codes(), 0..5);
    let rest = (0..=i64::MAX, prop::option::of(0..20_000_i32), any::<bool>(), "[a-z]{1,20}", any::<bool>());
    ("[A-Z][A-Z0-9./_-]{0,19}", payers, codes(), functions, spans(), terms, rest).prop_map(
        |(
            id,
            payers,
            provider,
            functions,
            validity,
            (kind, value, day_of_month),
            (tolerance, ubrn, pound, source, priced),
        )| {
            let annual_value = Pence::new(value).unwrap();
            Contract {
                id: id.parse().unwrap(),
                payers: if payers.is_empty() { Scope::All } else { Scope::these(payers) },
                provider,
                functions: if functions.is_empty() { Scope::All } else { Scope::these(functions) },
                validity,
                mechanism: match kind {
                    0 => Mechanism::CostPerCase,
                    1 => Mechanism::OnAccount { annual_value, day_of_month },
                    2 => Mechanism::Block { annual_value, day_of_month },
                    _ => Mechanism::NonContract,
                },
                rounding: if pound { Rounding::NearestPound } else { Rounding::NearestPenny },
                price_tolerance: Pence::new(tolerance).unwrap(),
                ubrn_required_from: ubrn.map(Day::new),
                source,
                pricing: priced.then(|| terms_on_prices(kind == 2)),
            }
        },
    )
}

proptest! {
    #[test]
    fn contracts_go_there_and_back(row in contracts()) {
        let mut fields = Fields::new();
        let back = contract(&mut fields, outward::contract(row.clone()));
        prop_assert_eq!((back, fields.finish()), (Some(row), Ok(())));
    }

    #[test]
    fn organisations_go_there_and_back(ods in codes(), open in spans(), successor in prop::option::of(codes()), name in "[a-zA-Z ]{1,100}") {
        let row = Organisation { ods, name, role: Role::NhsTrust, open, successor, source: "test".into() };
        let mut fields = Fields::new();
        let back = organisation(&mut fields, outward::organisation(row.clone()));
        prop_assert_eq!((back, fields.finish()), (Some(row), Ok(())));
    }

    #[test]
    fn bank_details_go_there_and_back(organisation in codes(), sort in "[0-9]{6}", number in "[0-9]{8}", validity in spans()) {
        let (sort_code, account_number) = (sort.parse().unwrap(), number.parse().unwrap());
        let row = BankDetails { organisation, account_name: "SPIRE".into(), sort_code, account_number, validity };
        let mut fields = Fields::new();
        let back = bank_details(&mut fields, outward::bank_details(row.clone()));
        prop_assert_eq!((back, fields.finish()), (Some(row), Ok(())));
    }
}
