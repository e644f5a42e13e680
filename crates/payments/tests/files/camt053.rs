//! Statements back, and the demonstration bank's statements out.

use crate::xmllint;
use jiff::civil::{Date, date};
use money::{NetPence, Pence, Side};
use payments::camt053::{
    Balance, BankTransactionCode, CopyKind, Entry, EntryStatus, NAMESPACE_02, Statement, StatementAccount,
    read, write,
};
use payments::{BankAccount, MessageTime, PrivateText, ReadError};
use proptest::prelude::*;

fn time(text: &str) -> MessageTime {
    MessageTime::parse(text).unwrap()
}

fn codes(domain: [&str; 3]) -> BankTransactionCode {
    BankTransactionCode { domain: Some(domain.map(str::to_owned)), proprietary: None }
}

pub(crate) fn entry(side: Side, pence: u32, end_to_end_id: &str) -> Entry {
    Entry {
        amount: Pence::from_u32(pence),
        side,
        reversal: false,
        status: EntryStatus::Booked,
        booking_date: Some(date(2017, 8, 1)),
        value_date: Some(date(2017, 8, 1)),
        entry_reference: Some("1".to_owned()),
        bank_reference: Some("BANK-1".to_owned()),
        bank_transaction_code: codes(["PMNT", "ICDT", "DMCT"]),
        payment_information_id: None,
        instruction_id: None,
        end_to_end_id: Some(end_to_end_id.to_owned()),
        reference: Some(PrivateText::new("10M1TE2XNZ7EQPCKJ8")),
        return_reason: None,
        bundled: None,
    }
}

pub(crate) fn statement(entries: Vec<Entry>) -> Statement {
    let opening = NetPence::new(5_000_00);
    let closing = entries.iter().filter(|e| e.status == EntryStatus::Booked).fold(opening.get(), |sum, e| {
        match e.side {
            Side::Credit => sum + e.amount.get(),
            Side::Debit => sum - e.amount.get(),
        }
    });
    Statement {
        message_id: "MSG-2017-08-01".to_owned(),
        statement_id: "STMT-1".to_owned(),
        created: time("2017-08-01T20:00:00Z"),
        period: Some((time("2017-08-01T00:00:00Z"), time("2017-08-01T23:59:59Z"))),
        copy: None,
        account: StatementAccount::Iban("GB29NWBK60161331926819".to_owned()),
        opening: Balance { amount: opening, date: date(2017, 7, 31) },
        closing: Balance { amount: NetPence::new(closing), date: date(2017, 8, 1) },
        entries,
    }
}

fn august() -> Statement {
    let returned = Entry {
        return_reason: Some("AC04".to_owned()),
        reversal: true,
        bank_transaction_code: codes(["PMNT", "ICDT", "RRTN"]),
        ..entry(Side::Credit, 99, "10M-B")
    };
    statement(vec![entry(Side::Debit, 7_000_00, "10M-A"), entry(Side::Debit, 99, "10M-B"), returned])
}

fn text(statement: &Statement) -> String {
    String::from_utf8(write(std::slice::from_ref(statement)).unwrap().into_bytes()).unwrap()
}

#[test]
fn the_statement_as_it_is_written() {
    let text = text(&august());
    xmllint::assert_valid("camt.053.001.02", text.as_bytes());
    expect_test::expect_file!["../snapshots/camt053.xml"].assert_eq(&text);
    assert_eq!(read(text.as_bytes()), Ok(vec![august()]));
    let own = BankAccount::parse("60-16-13 31926819").unwrap();
    assert!(august().account.is(&own));
}

/// Changes one place of a good statement; the refusal is named.
#[test]
fn what_does_not_hold_is_refused_by_name() {
    let good = text(&august());
    let table = [
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy=\"GBP\">7000.01</Amt>", "DOES_NOT_ADD_UP"),
        ("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>", "DOES_NOT_ADD_UP"),
        ("<Sts>BOOK</Sts>", "<Sts>book</Sts>", "VALUE_REFUSED"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy=\"EUR\">7000.00</Amt>", "CURRENCY_REFUSED"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt>7000.00</Amt>", "VALUE_REFUSED"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy=\"GBP\">7000.001</Amt>", "VALUE_REFUSED"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy=\"GBP\">-7000.00</Amt>", "VALUE_REFUSED"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy=\"GBP\">99999999999999999999.00</Amt>", "VALUE_REFUSED"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "", "MISSING"),
        ("<Ccy>GBP</Ccy>", "<Ccy>USD</Ccy>", "CURRENCY_REFUSED"),
        ("<Cd>OPBD</Cd>", "<Cd>PRCD</Cd>", "BALANCE_MISSING"),
        ("<Cd>CLBD</Cd>", "<Cd>OPBD</Cd>", "REPEATED"),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>DEBIT</CdtDbtInd>", "VALUE_REFUSED"),
        ("<RvslInd>false</RvslInd>", "<RvslInd>no</RvslInd>", "VALUE_REFUSED"),
        ("<Dt>2017-07-31</Dt>", "<Dt>2017-02-29</Dt>", "VALUE_REFUSED"),
        ("<Id>STMT-1</Id>", "", "MISSING"),
        ("<Id>STMT-1</Id>", "<Id>STMT-1</Id><Id>STMT-2</Id>", "REPEATED"),
        ("<MsgId>MSG-2017-08-01</MsgId>", "", "MISSING"),
        ("camt.053.001.02", "camt.053.001.04", "UNSUPPORTED_MESSAGE"),
        ("camt.053.001.02", "camt.054.001.02", "UNSUPPORTED_MESSAGE"),
        ("<Id>STMT-1</Id>", "<Id xmlns=\"urn:other\">STMT-1</Id>", "UNSUPPORTED_MESSAGE"),
        ("encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\"", "ENCODING_REFUSED"),
        ("<Id>STMT-1</Id>", "<Id>&stmt;</Id>", "ENTITY_REFUSED"),
        ("<Id>STMT-1</Id>", "<Id>a & b</Id>", "MALFORMED"),
        ("<Id>STMT-1</Id>", "<Id>a\u{1}b</Id>", "MALFORMED"),
        ("<Id>STMT-1</Id>", "stray<Id>STMT-1</Id>", "MALFORMED"),
        ("<Id>STMT-1</Id>", "<Id><b>STMT-1</b></Id>", "MALFORMED"),
        ("</Document>", "</Document><Document/>", "MALFORMED"),
        ("</Document>", "</Dokument>", "MALFORMED"),
        ("</Document>", "", "TRUNCATED"),
    ];
    for (from, to, reason) in table {
        assert!(good.contains(from), "{from}");
        let error = read(good.replacen(from, to, 1).as_bytes()).expect_err(to);
        assert_eq!(error.reason(), reason, "{from} -> {to}: {error}");
    }
}

#[test]
fn what_the_sender_may_write_otherwise_is_read_the_same() {
    let good = text(&august());
    let table = [
        ("<Id>STMT-1</Id>", "<Id>\n  STMT&#45;1 </Id>"),
        ("<Id>STMT-1</Id>", "<Id><![CDATA[STMT-1]]></Id>"),
        ("<Id>STMT-1</Id>", "<!-- a comment --><?pi x?><Id>STMT-1</Id><LglSeqNb>7</LglSeqNb>"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy=\"&#71;BP\">7000</Amt>"),
        ("<Amt Ccy=\"GBP\">7000.00</Amt>", "<Amt Ccy='GBP' >+7000.00000</Amt>"),
        ("<Dt>2017-07-31</Dt>", "<DtTm>2017-07-31T23:00:00+01:00</DtTm>"),
        ("<RvslInd>false</RvslInd>", "<RvslInd>0</RvslInd>"),
        ("<RvslInd>false</RvslInd>", ""),
        ("<?xml", "\u{feff}<?xml"),
        ("encoding=\"UTF-8\"", "encoding='utf-8' standalone='yes'"),
        ("<BkTxCd>", "<Chrgs><TtlChrgsAndTaxAmt Ccy=\"EUR\">1</TtlChrgsAndTaxAmt></Chrgs><BkTxCd>"),
    ];
    for (from, to) in table {
        assert!(good.contains(from), "{from}");
        let changed = good.replacen(from, to, 1);
        assert_eq!(read(changed.as_bytes()), Ok(vec![august()]), "{to}");
    }
    let prefixed =
        good.replace("</", "</b:").replace('<', "<b:").replace("<b:/b:", "</b:").replace("<b:?", "<?");
    let prefixed = prefixed.replace("xmlns=", "xmlns:b=");
    assert_eq!(read(prefixed.as_bytes()), Ok(vec![august()]), "{prefixed}");
}

fn with_details(details: &str) -> String {
    let bare = Entry { end_to_end_id: None, reference: None, ..entry(Side::Debit, 30_00, "") };
    let text = text(&statement(vec![bare]));
    let details = format!("<NtryDtls>{details}</NtryDtls></Ntry>");
    text.replacen("</Ntry>", &details, 1)
}

fn detail(id: &str, pounds: &str) -> String {
    format!(
        "<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy=\"GBP\">{pounds}</Amt></TxAmt></AmtDtls></TxDtls>"
    )
}

#[test]
fn an_entry_that_books_several_payments_is_taken_apart_or_counted() {
    let two = with_details(&(detail("A", "10") + &detail("B", "20")));
    xmllint::assert_valid("camt.053.001.02", two.as_bytes());
    let entries = read(two.as_bytes()).unwrap().remove(0).entries;
    let seen: Vec<_> =
        entries.iter().map(|e| (e.end_to_end_id.as_deref(), e.amount.get(), e.bundled)).collect();
    assert_eq!(seen, [(Some("A"), 10_00, None), (Some("B"), 20_00, None)]);

    let wrong = with_details(&(detail("A", "10") + &detail("B", "19.99")));
    assert_eq!(read(wrong.as_bytes()), Err(ReadError::DetailsDoNotAddUp { statement: 1, entry: 1 }));

    let unsaid = with_details("<TxDtls/><TxDtls/><TxDtls/>");
    let bundle = with_details("<Btch><NbOfTxs>3</NbOfTxs></Btch>");
    for text in [unsaid, bundle] {
        let entries = read(text.as_bytes()).unwrap().remove(0).entries;
        let seen: Vec<_> = entries.iter().map(|e| (e.amount.get(), e.bundled)).collect();
        assert_eq!(seen, [(30_00, Some(3))]);
    }
    let none = with_details("<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls>");
    assert_eq!(read(none.as_bytes()).unwrap()[0].entries[0].end_to_end_id, None);
}

#[test]
fn an_entry_of_two_other_parties_is_refused() {
    let parties = |debtor: &str, creditor: &str| {
        let account = |name: &str, id: &str| format!("<{name}><Id><Othr><Id>{id}</Id></Othr></Id></{name}>");
        let both = account("DbtrAcct", debtor) + &account("CdtrAcct", creditor);
        with_details(&format!("<TxDtls><RltdPties>{both}</RltdPties></TxDtls>"))
    };
    assert!(read(parties("60161331926819", "20000055779911").as_bytes()).is_ok());
    assert!(read(parties("31926819", "20000055779911").as_bytes()).is_ok());
    assert!(read(parties("20-00-00 55779911", "GB29 NWBK 6016 1331 9268 19").as_bytes()).is_ok());
    assert_eq!(
        read(parties("20000055779911", "20000055779912").as_bytes()),
        Err(ReadError::EntryOfAnotherAccount { statement: 1, entry: 1 })
    );
}

/// Version 8 puts the status into a choice and pages into the statement.
#[test]
fn version_8_says_the_same_in_its_own_words() {
    let text = text(&august());
    let v8 = text
        .replace("camt.053.001.02", "camt.053.001.08")
        .replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>");
    xmllint::assert_valid("camt.053.001.08", v8.as_bytes());
    assert_eq!(read(v8.as_bytes()), Ok(vec![august()]));
    for (page, last, whole) in [("1", "true", true), ("1", "false", false), ("2", "true", false)] {
        let pages =
            format!("<Id>STMT-1</Id><StmtPgntn><PgNb>{page}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>");
        let paged = v8.replacen("<Id>STMT-1</Id>", &pages, 1);
        xmllint::assert_valid("camt.053.001.08", paged.as_bytes());
        assert_eq!(read(paged.as_bytes()).is_ok(), whole, "page {page}, last {last}");
    }
    let old_status = text.replace("camt.053.001.02", "camt.053.001.08");
    assert_eq!(read(old_status.as_bytes()).unwrap_err().reason(), "MALFORMED");
}

#[test]
fn a_bare_account_number_is_read_with_its_banks_sort_code() {
    let svcr =
        "<Svcr><FinInstnId><ClrSysMmbId><MmbId>601613</MmbId></ClrSysMmbId></FinInstnId></Svcr></Acct>";
    let bare =
        text(&august()).replacen("<IBAN>GB29NWBK60161331926819</IBAN>", "<Othr><Id>31926819</Id></Othr>", 1);
    let own = BankAccount::parse("60-16-13 31926819").unwrap();
    for (text, known) in [(bare.replacen("</Acct>", svcr, 1), true), (bare, false)] {
        xmllint::assert_valid("camt.053.001.02", text.as_bytes());
        assert_eq!(read(text.as_bytes()).unwrap()[0].account.is(&own), known, "{text}");
    }
}

#[test]
fn what_comes_back_is_told_from_what_comes_in() {
    let plain =
        Entry { bank_transaction_code: codes(["PMNT", "RCDT", "DMCT"]), ..entry(Side::Credit, 1, "A") };
    let table = [
        (plain.clone(), false),
        (Entry { reversal: true, ..plain.clone() }, true),
        (Entry { return_reason: Some("AC04".to_owned()), ..plain.clone() }, true),
        (Entry { bank_transaction_code: codes(["PMNT", "ICDT", "ARET"]), ..plain.clone() }, true),
        (Entry { bank_transaction_code: codes(["PMNT", "IRCT", "DMCT"]), ..plain.clone() }, true),
        (Entry { bank_transaction_code: codes(["CAMT", "ICDT", "OTHR"]), ..plain }, false),
        (entry(Side::Debit, 1, "A"), false),
        (Entry { reversal: true, ..entry(Side::Debit, 1, "A") }, false),
    ];
    for (entry, comes_back) in table {
        assert_eq!(entry.is_return(), comes_back, "{entry:?}");
    }
}

#[test]
fn what_version_2_cannot_say_is_not_written() {
    type Spoil = fn(&mut Statement);
    let table: [(&str, Spoil); 10] = [
        ("NO_FORM", |s| s.entries[0].status = EntryStatus::Future),
        ("NO_FORM", |s| s.entries[0].bundled = Some(2)),
        ("NO_FORM", |s| s.account = StatementAccount::Iban("29".to_owned())),
        ("NO_FORM", |s| s.entries[0].end_to_end_id = Some("NOTPROVIDED".to_owned())),
        ("EMPTY", |s| s.statement_id = String::new()),
        ("TEXT_TOO_LONG", |s| s.statement_id = "x".repeat(36)),
        ("TEXT_REFUSED", |s| s.entries[0].reference = Some(PrivateText::new(" x"))),
        ("TEXT_REFUSED", |s| s.entries[0].reference = Some(PrivateText::new("x\ny"))),
        ("DOES_NOT_ADD_UP", |s| s.closing.amount = NetPence::ZERO),
        ("TIME_REFUSED", |s| s.opening.date = date(-1, 1, 1)),
    ];
    for (reason, spoil) in table {
        let mut statement = august();
        spoil(&mut statement);
        assert_eq!(write(&[statement]).unwrap_err().reason(), reason);
    }
    assert_eq!(write(&[]).unwrap_err().reason(), "EMPTY");
}

fn any_text(max: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[!-~£é][ -~é€]{{0,{}}}[!-~]", max - 2)).unwrap()
}

fn any_date() -> impl Strategy<Value = Date> {
    (1990_i16..2100, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

prop_compose! {
    fn any_entry()(
        pence in 0..=1_000_000_000_000_i64, credit: bool, reversal: bool, status in 0..3_u8,
        dates in (proptest::option::of(any_date()), proptest::option::of(any_date())),
        references in (proptest::option::of(any_text(35)), proptest::option::of(any_text(35))),
        code in (proptest::option::of(["[A-Z]{4}", "[A-Z]{4}", "[A-Z]{4}"]), proptest::option::of(any_text(35))),
        ids in (proptest::option::of(any_text(35)), proptest::option::of(any_text(35)), proptest::option::of(any_text(35))),
        texts in (proptest::option::of(any_text(140)), proptest::option::of(any_text(35))),
        bundled in proptest::option::weighted(0.1, 2..1_000_u32),
    ) -> Entry {
        let single = bundled.is_none();
        Entry {
            amount: Pence::new(pence).unwrap(),
            side: if credit { Side::Credit } else { Side::Debit },
            reversal,
            status: [EntryStatus::Booked, EntryStatus::Pending, EntryStatus::Information][usize::from(status)],
            booking_date: dates.0,
            value_date: dates.1,
            entry_reference: references.0,
            bank_reference: references.1,
            bank_transaction_code: BankTransactionCode { domain: code.0, proprietary: code.1 },
            payment_information_id: ids.2,
            instruction_id: ids.0.filter(|_| single),
            end_to_end_id: ids.1.filter(|_| single),
            reference: texts.0.filter(|_| single).map(PrivateText::new),
            return_reason: texts.1.filter(|_| single),
            bundled,
        }
    }
}

prop_compose! {
    fn any_statement()(
        entries in proptest::collection::vec(any_entry(), 0..12), copy in 0..4_usize, id in any_text(35), iban: bool,
    ) -> Statement {
        let copies = [None, Some(CopyKind::Copy), Some(CopyKind::Duplicate), Some(CopyKind::CopyDuplicate)];
        let account = if iban { august().account } else { StatementAccount::Other("60161331926819".to_owned()) };
        Statement { copy: copies[copy], statement_id: id, account, ..statement(entries) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What is written is valid, and reads as what was given.
    #[test]
    fn a_statement_comes_back_as_it_went(statements in proptest::collection::vec(any_statement(), 1..3)) {
        let written = write(&statements).unwrap();
        xmllint::assert_valid("camt.053.001.02", written.bytes());
        prop_assert_eq!(read(written.bytes()).unwrap(), statements);
    }
}

#[test]
fn the_namespace_is_the_schemas() {
    assert!(NAMESPACE_02.ends_with("camt.053.001.02"));
}
