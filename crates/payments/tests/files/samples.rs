//! Messages of other programs: each is read, or refused by a name that says why.

use payments::{BankAccount, ReadError, camt053, pain001, pain002};

fn sample(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/iso20022/samples").join(name);
    std::fs::read(path).unwrap()
}

fn outcome<T>(result: Result<Vec<T>, ReadError>) -> String {
    match result {
        Ok(items) => format!("read: {}", items.len()),
        Err(error) => format!("{}: {error}", error.reason()),
    }
}

#[test]
fn every_sample_is_read_or_refused_by_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/iso20022/samples");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut shown = String::new();
    for name in names {
        let bytes = sample(&name);
        let outcomes = [
            ("camt.053", outcome(camt053::read(&bytes))),
            ("pain.001", outcome(pain001::read(&bytes))),
            ("pain.002", outcome(pain002::read(&bytes).map(|r| r.batches))),
        ];
        shown.push_str(&format!("{name}\n"));
        for (reader, outcome) in outcomes {
            shown.push_str(&format!("  as {reader}: {outcome}\n"));
        }
    }
    expect_test::expect![[r#"
        genkgo_camt053.v2.minimal.xml
          as camt.053: CURRENCY_REFUSED: an amount in EUR at byte 1524; only GBP is read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.02` are not read
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.02` are not read
        genkgo_camt053.v2.multi.statement.xml
          as camt.053: CURRENCY_REFUSED: an amount in EUR at byte 1524; only GBP is read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.02` are not read
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.02` are not read
        genkgo_camt053.v8.xml
          as camt.053: CURRENCY_REFUSED: an amount in EUR at byte 2363; only GBP is read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.08` are not read
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.08` are not read
        genkgo_camt054.v8.xml
          as camt.053: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.054.001.08` are not read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.054.001.08` are not read
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.054.001.08` are not read
        iso20022js_example_swift_pain_001_v3.xml
          as camt.053: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.03` are not read
          as pain.001: VALUE_REFUSED: `DbtrAcct` at byte 845 is not an account in the United Kingdom
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.03` are not read
        iso20022js_goldman_sachs_camt053_uk_v2.xml
          as camt.053: DOES_NOT_ADD_UP: statement 2 does not add up: opening £334,425,218.07 and entries -£200.00, but closing £334,425,126.42
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.02` are not read
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:camt.053.001.02` are not read
        iso20022js_goldman_sachs_pain_002_v3_accepted.xml
          as camt.053: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.002.001.03` are not read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.002.001.03` are not read
          as pain.002: read: 1
        iso20022js_nordea_pain_002_v3_rejected.xml
          as camt.053: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.002.001.03` are not read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.002.001.03` are not read
          as pain.002: read: 1
        pain001_pain.001.001.03.xml
          as camt.053: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.03` are not read
          as pain.001: VALUE_REFUSED: `DbtrAcct` at byte 1336 is not an account in the United Kingdom
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.03` are not read
        pain001_pain.001.001.09.xml
          as camt.053: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.09` are not read
          as pain.001: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.09` are not read
          as pain.002: UNSUPPORTED_MESSAGE: messages of namespace `urn:iso:std:iso:20022:tech:xsd:pain.001.001.09` are not read
    "#]].assert_eq(&shown);
}

/// The same statements in sterling are read: what is refused is the currency, not the shape.
#[test]
fn the_statements_of_others_are_read_once_they_are_in_sterling() {
    let text = String::from_utf8(sample("genkgo_camt053.v2.multi.statement.xml")).unwrap();
    let sterling = text.replace("EUR", "GBP").replace(
        "<CdtDbtInd>DBIT</CdtDbtInd>\n                <Dt>",
        "<CdtDbtInd>CRDT</CdtDbtInd>\n                <Dt>",
    );
    let statements = camt053::read(sterling.as_bytes()).unwrap();
    let seen: Vec<_> = statements
        .iter()
        .map(|s| (s.statement_id.as_str(), s.opening.amount.get(), s.closing.amount.get(), s.entries.len()))
        .collect();
    assert_eq!(
        seen,
        [("253GBPNL26VAYB8060476890", 1815, 2700, 1), ("254GBPNL26VAYB8060476890", 2700, 2000, 1)]
    );
    let entry = &statements[0].entries[0];
    assert_eq!(entry.end_to_end_id.as_deref(), Some("000000001"));
    assert_eq!(entry.reference.as_ref().unwrap().expose(), "Transaction Description 1");
    assert_eq!(entry.bank_transaction_code.proprietary.as_deref(), Some("544"));
}

/// A bank's example for the United Kingdom, edited by its publisher until it no longer adds up: with the closing balance
/// that its entries make, it is read.
#[test]
fn a_statement_in_sterling_is_read_once_it_adds_up() {
    let text = String::from_utf8(sample("iso20022js_goldman_sachs_camt053_uk_v2.xml")).unwrap();
    assert_eq!(camt053::read(text.as_bytes()).unwrap_err().reason(), "DOES_NOT_ADD_UP");
    let statements = camt053::read(text.replace("334425126.42", "334425018.07").as_bytes()).unwrap();
    let own = BankAccount::parse("04-29-62 50000970").unwrap();
    assert!(statements[1].account.is(&own));
    let seen: Vec<_> = statements[1]
        .entries
        .iter()
        .map(|e| format!("{} {} {:?} return {}", e.side, e.amount, e.end_to_end_id, e.is_return()))
        .collect();
    expect_test::expect![[r#"
        debit £100.00 None return false
        debit £100.00 None return false
        credit £100.00 Some("00384068") return true
        debit £100.00 Some("CHCSVP1139982") return false
        credit £100.00 Some("GSUPGKUAUQ6EJDK") return false
        debit £100.00 Some("GSEOOM9QJYXKHLO") return false"#]]
    .assert_eq(&seen.join("\n"));
    assert_eq!(
        statements[1].entries[0].payment_information_id.as_deref(),
        Some("c67733f177ea422db587087e7f47567f")
    );
    assert_eq!(statements[1].entries[0].bank_reference.as_deref(), Some("SPB2327886082710"));
}
