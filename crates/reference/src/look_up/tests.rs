//! Every look-up by table, on a small copy of Berkshire West.

use super::*;
use crate::{
    ContractId, District, MarketForces, Mechanism, PaymentChannel, Practice, PriceBookContent, PriceKind,
    Scope, System, Validity,
};
use money::{Pence, Rounding};
use proptest::prelude::*;
use tariff::{AttendancePrices, AttendanceRow, MffSource, PriceBook};

fn ods(text: &str) -> OdsCode {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// `2017-04-01..2018-03-31`, or without an end `2017-04-01..`.
fn span(text: &str) -> Validity {
    let (from, until) = text.split_once("..").unwrap();
    Validity { from: day(from), until: (!until.is_empty()).then(|| day(until)) }
}

fn contract(
    id: &str,
    payers: &[&str],
    provider: &str,
    functions: &[&str],
    valid: &str,
    mechanism: Mechanism,
) -> Contract {
    let functions = functions.iter().map(|f| f.parse().unwrap());
    Contract {
        id: id.parse::<ContractId>().unwrap(),
        payers: if payers.is_empty() { Scope::All } else { Scope::these(payers.iter().map(|p| ods(p))) },
        provider: ods(provider),
        functions: if functions.len() == 0 { Scope::All } else { Scope::these(functions) },
        validity: span(valid),
        mechanism,
        rounding: Rounding::NearestPenny,
        price_tolerance: Pence::from_u32(1),
        ubrn_required_from: Some(day("2018-10-01")),
        source: "test".into(),
        pricing: None,
    }
}

fn organisations() -> Vec<Organisation> {
    let rows = [
        ("10M", Role::Ccg, "2013-04-01..2018-03-31", Some("15A")),
        ("10N", Role::Ccg, "2013-04-01..2018-03-31", Some("15A")),
        ("15A", Role::Ccg, "2018-04-01..2021-03-31", Some("15B")),
        ("15B", Role::Ccg, "2021-04-01..", None),
        ("99N", Role::Ccg, "2013-04-01..", None),
        ("NT3", Role::Independent, "2008-01-01..", None),
        ("NT4", Role::Independent, "2008-01-01..2018-06-30", None),
        ("RAX", Role::NhsTrust, "1993-04-01..2017-12-31", None),
        ("RHW", Role::NhsTrust, "1991-04-01..", None),
        ("RNZ", Role::NhsTrust, "1991-04-01..", None),
        ("RTH", Role::NhsTrust, "1991-04-01..", None),
    ];
    let row = |(code, role, open, successor): (&str, Role, &str, Option<&str>)| Organisation {
        ods: ods(code),
        name: code.into(),
        role,
        open: span(open),
        successor: successor.map(ods),
        source: "test".into(),
    };
    rows.into_iter().map(row).collect()
}

fn contracts() -> Vec<Contract> {
    let on_account = Mechanism::OnAccount { annual_value: Pence::from_u32(1_200_00), day_of_month: 15 };
    vec![
        contract("10M-NT3-EYES", &["10M"], "NT3", &["130"], "2017-04-01..2018-03-31", Mechanism::CostPerCase),
        contract("10M-RHW", &["10M"], "RHW", &[], "2017-04-01..2018-03-31", on_account.clone()),
        contract("15A-RHW", &["15A"], "RHW", &[], "2018-04-01..", on_account),
        contract("99N-RNZ", &["99N"], "RNZ", &["110"], "2017-04-01..", Mechanism::CostPerCase),
        contract("ANY-RTH", &[], "RTH", &[], "2017-04-01..", Mechanism::CostPerCase),
    ]
}

fn snapshot() -> Snapshot {
    let source = || "test".to_owned();
    let mut rows = Snapshot::empty(System {
        name: "berkshire-west".into(),
        title: "Berkshire West".into(),
        sandbox: true,
        members: ["10M", "10N", "15A", "RHW"].map(ods).to_vec(),
    });
    rows.organisations = organisations();
    rows.contracts = contracts();
    let site = |code: &str, payee: &str, valid: &str| Site {
        site: ods(code),
        payee: ods(payee),
        name: code.into(),
        validity: span(valid),
        source: source(),
    };
    rows.sites = vec![
        site("NT344", "NT4", "2010-01-01..2017-06-30"),
        site("NT344", "NT3", "2017-07-01.."),
        site("RHW99", "NT3", "2010-01-01.."),
    ];
    rows.practices = [
        ("K81017", "10M", "2013-04-01.."),
        ("K81018", "10N", "2013-04-01..2017-06-30"),
        ("K81018", "10M", "2017-07-01.."),
    ]
    .map(|(practice, ccg, valid)| Practice {
        practice: practice.parse().unwrap(),
        ccg: ods(ccg),
        validity: span(valid),
        source: source(),
    })
    .to_vec();
    rows.districts = vec![District {
        district: "RG14".parse().unwrap(),
        ccg: ods("10M"),
        validity: span("2013-04-01.."),
        source: source(),
    }];
    let factor = |provider: &str, site: Option<&str>, factor: &str, valid: &str| MarketForces {
        provider: ods(provider),
        site: site.map(ods),
        mff: Mff { factor: factor.parse().unwrap(), source: MffSource::NearestTrust(ods("RHW")) },
        validity: span(valid),
        source: source(),
    };
    rows.market_forces = vec![
        factor("NT3", Some("NT343"), "1.165153", "2017-04-01..2019-03-31"),
        factor("NT3", Some("NT344"), "1.149759", "2017-04-01..2019-03-31"),
        factor("RHW", None, "1.149759", "2017-04-01.."),
        factor("RHW", None, "1.1", "2018-04-01.."),
    ];
    rows.deadlines = [("2017-05", "2017-06-20", "2017-07-19"), ("2017-06", "2017-07-19", "2017-08-17")]
        .map(|(period, flex, freeze)| Deadlines {
            period: period.parse().unwrap(),
            flex: day(flex),
            freeze: day(freeze),
            source: source(),
        })
        .to_vec();
    rows.bank_holidays = ["2017-05-29", "2017-08-28", "2017-12-25", "2017-12-26"].map(day).to_vec();
    let channel = |channel, valid| PaymentChannel { payer: ods("10M"), channel, validity: span(valid) };
    rows.payment_channels =
        vec![channel(Channel::Bank, "2017-04-01.."), channel(Channel::LedgerOfRecord, "2018-01-01..")];
    rows.bank_details = vec![BankDetails {
        organisation: ods("NT3"),
        account_name: "SPIRE".into(),
        sort_code: "089999".parse().unwrap(),
        account_number: "66374958".parse().unwrap(),
        validity: span("2017-04-01.."),
    }];
    rows.price_books = vec![PriceBookContent::new(&book())];
    rows
}

fn book() -> PriceBook {
    let row = AttendanceRow {
        first_single_pence: Some(145_00),
        first_multi_pence: None,
        follow_up_single_pence: Some(72_00),
        follow_up_multi_pence: None,
        remote_first_pence: None,
        remote_follow_up_pence: None,
    };
    let content = tariff::Content::Attendance(AttendancePrices::new(Some(row), Vec::new()));
    PriceBook::new("test-2017-18".parse().unwrap(), "2017-18".parse().unwrap(), true, "test".into(), content)
        .unwrap()
}

fn reference() -> Reference {
    Reference::decode(&snapshot().encode()).unwrap()
}

#[test]
fn a_merger_passes_on_what_it_closed() {
    let reference = reference();
    for (code, on, expected) in [
        ("10M", "2017-06-01", "10M"),
        ("10M", "2018-03-31", "10M"),
        ("10M", "2018-04-01", "15A"),
        ("10M", "2021-04-01", "15B"),
        ("15A", "2017-06-01", "15A"),
        ("RHW", "2021-04-01", "RHW"),
        ("NT4", "2018-07-01", "NT4"),
        ("ZZZ", "2018-04-01", "ZZZ"),
    ] {
        assert_eq!(reference.successor(ods(code), day(on)), ods(expected), "{code} on {on}");
    }
    assert!(
        reference.is_open(ods("15A"), day("2018-04-01")) && !reference.is_open(ods("15A"), day("2018-03-31"))
    );
    let payers = |on| reference.payers(day(on)).map(|p| p.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (payers("2018-03-31"), payers("2018-04-01")),
        (vec!["10M".into(), "10N".into()], vec!["15A".into()])
    );
    assert!(
        !reference.is_own_payer(ods("99N"), day("2017-06-01"))
            && !reference.is_own_payer(ods("RHW"), day("2017-06-01"))
    );
}

#[test]
fn practices_and_districts_have_one_payer_a_day() {
    let reference = reference();
    for (practice, on, expected) in [
        ("K81017", "2017-06-30", Some("10M")),
        ("K81017", "2018-04-01", Some("15A")),
        ("K81018", "2017-06-30", Some("10N")),
        ("K81018", "2017-07-01", Some("10M")),
        ("K81017", "2013-03-31", None),
        ("V81997", "2017-06-30", None),
    ] {
        let found = reference.responsible_ccg(practice.parse().unwrap(), day(on));
        assert_eq!(found, expected.map(ods), "{practice} on {on}");
    }
    for (district, on, expected) in [
        ("RG14", "2017-06-01", Some("10M")),
        ("RG14", "2018-04-01", Some("15A")),
        ("RG1", "2017-06-01", None),
    ] {
        let found = reference.responsible_ccg_of_district(district.parse().unwrap(), day(on));
        assert_eq!(found, expected.map(ods), "{district} on {on}");
    }
}

#[test]
fn a_site_is_paid_through_its_payee() {
    let reference = reference();
    for (code, on, expected) in [
        ("NT344", "2017-06-30", Some("NT4")),
        ("NT344", "2017-07-01", Some("NT3")),
        ("NT343", "2017-07-01", None),
        ("NT3", "2017-07-01", Some("NT3")),
        ("RHW", "2017-07-01", Some("RHW")),
        ("RHW00", "2017-07-01", Some("RHW")),
        ("RHW01", "2017-07-01", Some("RHW")),
        ("RHW99", "2017-07-01", Some("NT3")),
        ("RAX00", "2017-12-31", Some("RAX")),
        ("RAX00", "2018-01-01", None),
        ("10M", "2017-07-01", None),
        ("RZZ", "2017-07-01", None),
    ] {
        assert_eq!(reference.payee_of(ods(code), day(on)), expected.map(ods), "{code} on {on}");
    }
    for (payee, expected) in [
        ("RHW", ExpenditureClass::InSystem),
        ("RTH", ExpenditureClass::OtherNhs),
        ("NT3", ExpenditureClass::ThirdParty),
        ("ZZZ", ExpenditureClass::ThirdParty),
    ] {
        assert_eq!(reference.expenditure_class(ods(payee)), expected, "{payee}");
    }
}

#[test]
fn contracts_are_own_then_open_then_anybodys() {
    let reference = reference();
    for (payer, provider, function, on, expected) in [
        ("10M", "RHW", "110", "2017-06-01", "own 10M-RHW on-account"),
        ("10M", "RHW", "110", "2018-04-01", "other 15A-RHW non-contract"),
        ("15A", "RHW", "110", "2018-04-01", "own 15A-RHW on-account"),
        ("10M", "NT3", "130", "2017-06-01", "own 10M-NT3-EYES cost-per-case"),
        ("10M", "NT3", "110", "2017-06-01", "none"),
        ("10N", "NT3", "130", "2017-06-01", "other 10M-NT3-EYES non-contract"),
        ("10M", "RNZ", "110", "2017-06-01", "other 99N-RNZ non-contract"),
        ("10M", "RNZ", "130", "2017-06-01", "none"),
        ("10M", "RNZ", "110", "2017-03-31", "none"),
        ("10M", "RTH", "110", "2017-06-01", "own ANY-RTH cost-per-case"),
        ("10M", "NT4", "110", "2017-06-01", "none"),
    ] {
        let found = reference.contract(ods(payer), ods(provider), function.parse().unwrap(), day(on));
        let word = match found {
            ContractMatch::Own(_) => "own",
            ContractMatch::AnyOther(_) => "other",
            ContractMatch::None => "none",
        };
        let shown = match (found.contract(), found.mechanism()) {
            (Some(contract), Some(mechanism)) => format!("{word} {} {}", contract.id, mechanism.as_str()),
            _ => word.into(),
        };
        assert_eq!(shown, expected, "{payer} {provider} {function} {on}");
    }
    let due = |payer: &str, on: &str| {
        reference.instalment_contracts(ods(payer), day(on)).map(|c| c.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((due("10M", "2017-06-15"), due("10N", "2017-06-15")), (vec!["10M-RHW".to_owned()], vec![]));
}

#[test]
fn a_factor_is_the_sites_then_the_providers() {
    let reference = reference();
    for (provider, site, on, expected) in [
        ("NT3", "NT344", "2017-06-01", Some("1.149759")),
        ("NT3", "NT343", "2017-06-01", Some("1.165153")),
        ("NT3", "NT399", "2017-06-01", None),
        ("NT3", "NT344", "2019-04-01", None),
        ("RHW", "RHW01", "2017-06-01", Some("1.149759")),
        ("RHW", "RHW01", "2018-04-01", Some("1.1")),
        ("RAX", "RAX", "2017-06-01", None),
    ] {
        let found = reference.mff(ods(provider), ods(site), day(on)).map(|mff| mff.factor.to_string());
        assert_eq!(found.as_deref(), expected, "{provider} {site} {on}");
    }
}

#[test]
fn a_cut_includes_its_last_day() {
    let reference = reference();
    for (period, received, expected) in [
        ("2017-06", "2017-06-02", Ok("2017-06/flex")),
        ("2017-06", "2017-07-19", Ok("2017-06/flex")),
        ("2017-06", "2017-07-20", Ok("2017-06/freeze")),
        ("2017-06", "2017-08-17", Ok("2017-06/freeze")),
        ("2017-06", "2017-08-18", Err(NoCut::AfterFreeze { freeze: day("2017-08-17") })),
        ("2017-07", "2017-08-18", Err(NoCut::NoCalendar)),
    ] {
        let found = reference.cut(period.parse().unwrap(), day(received)).map(|cut| cut.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{period} {received}");
    }
    let closing = |on| reference.cuts_closing_on(day(on)).map(|cut| cut.to_string()).collect::<Vec<_>>();
    assert_eq!(closing("2017-07-19"), ["2017-05/freeze", "2017-06/flex"]);
    assert!(closing("2017-07-20").is_empty());
    for text in ["2017-06/flex", "2017-06/freeze"] {
        assert_eq!(text.parse::<Cut>().unwrap().to_string(), text);
    }
    assert!("2017-06/thaw".parse::<Cut>().is_err() && "2017-06".parse::<Cut>().is_err());
}

#[test]
fn working_days_skip_weekends_and_bank_holidays() {
    let reference = reference();
    for (on, from, third_after) in [
        ("2017-06-01", "2017-06-01", "2017-06-06"),
        ("2017-05-27", "2017-05-30", "2017-06-01"),
        ("2017-12-23", "2017-12-27", "2017-12-29"),
        ("2017-08-25", "2017-08-25", "2017-08-31"),
    ] {
        assert_eq!(reference.working_day_from(day(on)), day(from), "{on}");
        assert_eq!(reference.working_days_after(day(on), 3), day(third_after), "{on}");
    }
    let june: Vec<_> = (0..30).map(|n| day("2017-06-01").plus(n)).collect();
    assert_eq!(
        june.iter().filter(|d| reference.is_working_day(**d)).count(),
        22,
        "working days of June 2017"
    );
}

#[test]
fn payment_details_are_dated() {
    let reference = reference();
    for (on, expected) in [
        ("2017-03-31", None),
        ("2017-12-31", Some(Channel::Bank)),
        ("2018-01-01", Some(Channel::LedgerOfRecord)),
    ] {
        assert_eq!(reference.channel(ods("10M"), day(on)), expected, "{on}");
    }
    let account = |on| reference.bank_details(ods("NT3"), day(on)).map(|row| row.account_name.as_str());
    assert_eq!((account("2017-03-31"), account("2017-06-01")), (None, Some("SPIRE")));
}

#[test]
fn books_price_their_year_and_kind() {
    let reference = reference();
    let year = "2017-18".parse().unwrap();
    assert!(reference.books().attendance(year).is_some_and(|(held, _)| *held == book()));
    assert!(reference.books().admitted(year).is_none());
}

#[test]
fn only_canonical_bytes_are_read() {
    let rows = snapshot();
    let bytes = rows.encode();
    assert_eq!(Snapshot::decode(&bytes).unwrap(), rows);
    assert_eq!(rows.digest(), journal::Digest::of(&bytes));

    let mut trailing = bytes.clone();
    trailing.push(0);
    assert!(matches!(Snapshot::decode(&trailing), Err(ReferenceError::NotCanonical)));
    assert!(matches!(Snapshot::decode(&bytes[..bytes.len() - 1]), Err(ReferenceError::Decode(_))));
    let mut twice = rows.clone();
    twice.organisations.push(twice.organisations[10].clone());
    assert!(matches!(Snapshot::decode(&twice.encode()), Err(ReferenceError::Order("organisations"))));
    let mut unsorted = rows.clone();
    unsorted.contracts.swap(0, 1);
    assert!(matches!(unsorted.check(), Err(ReferenceError::Order("contracts"))));
    unsorted.sort();
    assert_eq!(unsorted, rows);
    let mut misfiled = rows;
    misfiled.price_books[0].kind = PriceKind::Admitted;
    assert!(matches!(Reference::new(misfiled), Err(ReferenceError::Order("price books"))));
    let mut broken = snapshot();
    broken.price_books[0].content.pop();
    assert!(matches!(Reference::new(broken), Err(ReferenceError::PriceBook(_))));
}

proptest! {
    /// Whatever order rows come in, sorted they have the same bytes, and the bytes give the same rows.
    #[test]
    fn equal_contents_have_equal_bytes(seed in proptest::collection::vec(any::<prop::sample::Index>(), 40)) {
        let rows = snapshot();
        let mut mixed = rows.clone();
        for pair in seed.chunks(2) {
            let swap = |n: usize| (pair[0].index(n), pair[1].index(n));
            let (a, b) = swap(mixed.organisations.len());
            mixed.organisations.swap(a, b);
            let (a, b) = swap(mixed.contracts.len());
            mixed.contracts.swap(a, b);
            let (a, b) = swap(mixed.market_forces.len());
            mixed.market_forces.swap(a, b);
        }
        mixed.sort();
        prop_assert_eq!(mixed.encode(), rows.encode());
    }

    #[test]
    fn damaged_bytes_are_answered(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = snapshot().encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(rows) = Snapshot::decode(&bytes) {
            prop_assert_eq!(rows.encode(), bytes);
        }
    }
}
