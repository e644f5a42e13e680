//! Payment files out.

use crate::xmllint;
use jiff::civil::date;
use money::Pence;
use payments::pain001::{Batch, NAMESPACE, Payment, PaymentFile, ServiceLevel, read, write};
use payments::reference::{PaymentKey, message_id, payment_information_id};
use payments::{BankAccount, CharsetError, PrivateText, ReadError, WriteError};
use proptest::prelude::*;

const RUN: [u8; 16] = [0x15; 16];

pub(crate) fn account(sort_code: &str, account_number: &str) -> BankAccount {
    BankAccount::new(sort_code.parse().unwrap(), account_number.parse().unwrap())
}

fn payment(payer: &str, payee: &str, name: &str, pence: u32) -> Payment {
    let key = PaymentKey { run: &RUN, payer, payee, part: "" };
    Payment {
        instruction_id: key.instruction_id(),
        end_to_end_id: key.end_to_end_id(),
        amount: Pence::from_u32(pence),
        payee_name: PrivateText::new(name),
        payee_account: account("20-00-00", "55779911"),
        remittance: key.remittance_reference().to_string(),
    }
}

fn batch(payer: &str, payments: Vec<Payment>) -> Batch {
    Batch {
        payment_information_id: payment_information_id(&RUN, payer),
        payer_name: "NHS Newbury and District CCG".to_owned(),
        payer: payer.parse().unwrap(),
        payer_account: BankAccount::from_iban("GB29NWBK60161331926819").unwrap(),
        requested_execution_date: date(2017, 8, 1),
        service_level: ServiceLevel::NonUrgent,
        payments,
    }
}

fn june() -> PaymentFile {
    PaymentFile {
        message_id: message_id(&RUN, "10M"),
        created_us: 1_501_146_000_123_456,
        initiating_party: "Berkshire West Accountable Care System".to_owned(),
        batches: vec![
            batch(
                "10M",
                vec![
                    payment("10M", "NT3", "Spire Healthcare Ltd", 1_234_567_89),
                    payment("10M", "NV3", "Circle", 5),
                ],
            ),
            batch("10N", vec![payment("10N", "NVC", "Ramsay & Søns", 99)]),
        ],
    }
}

/// The whole file, so that any change of it is seen in review.
#[test]
fn the_file_as_a_bank_sees_it() {
    let written = write(&june()).unwrap();
    xmllint::assert_valid("pain.001.001.03", written.file.bytes());
    let text = std::str::from_utf8(written.file.bytes()).unwrap();
    expect_test::expect_file!["../snapshots/pain001.xml"].assert_eq(text);
    assert_eq!(written.file.sha256(), payments::Digest::of(text.as_bytes()));
    assert_eq!((written.controls.payments, written.controls.sum), (3, Pence::from_u32(1_234_568_93)));
    let per_batch: Vec<_> = written.controls.batches.iter().map(|b| (b.payments, b.sum.get())).collect();
    assert_eq!(per_batch, [(2, 1_234_567_94), (1, 99)]);
    let replaced: Vec<_> = written
        .replaced
        .iter()
        .map(|r| (r.at.as_str(), r.replacement.character, r.replacement.became))
        .collect();
    assert_eq!(
        replaced,
        [("batch 2 payment 1 payee name", '&', "+"), ("batch 2 payment 1 payee name", 'ø', "o")]
    );
}

#[test]
fn what_cannot_be_instructed_is_refused() {
    type Spoil = fn(&mut PaymentFile);
    let table: [(&str, Spoil); 11] = [
        ("EMPTY", |f| f.batches.clear()),
        ("EMPTY", |f| f.batches[1].payments.clear()),
        ("ZERO_AMOUNT", |f| f.batches[0].payments[1].amount = Pence::ZERO),
        ("AMOUNT_TOO_LARGE", |f| f.batches[0].payments[1].amount = Pence::MAX),
        ("AMOUNT_TOO_LARGE", |f| {
            f.batches[0].payments[1].amount = Pence::new(999_999_999_999_999_999).unwrap();
        }),
        ("REPEATED_ID", |f| f.batches[1].payments[0] = f.batches[0].payments[0].clone()),
        ("REPEATED_ID", |f| {
            f.batches[1].payment_information_id = f.batches[0].payment_information_id.clone();
        }),
        ("CHARACTER_REFUSED", |f| f.batches[0].payments[0].payee_name = PrivateText::new("李")),
        ("CHARACTER_REFUSED", |f| f.batches[0].payments[0].remittance = " ".to_owned()),
        ("TEXT_TOO_LONG", |f| f.batches[0].payments[0].payee_name = PrivateText::new("ß".repeat(71))),
        ("TIME_REFUSED", |f| f.created_us = i64::MIN),
    ];
    for (reason, spoil) in table {
        let mut file = june();
        spoil(&mut file);
        assert_eq!(write(&file).unwrap_err().reason(), reason);
    }
    let mut file = june();
    file.batches[0].requested_execution_date = date(0, 1, 1);
    assert_eq!(write(&file).unwrap_err().reason(), "TIME_REFUSED");
}

#[test]
fn an_error_names_the_place_and_never_the_payee() {
    let mut file = june();
    file.batches[0].payments[0].payee_name = PrivateText::new("Anne 李 Example");
    let error = write(&file).unwrap_err();
    let source = CharsetError::NoReading { code_point: 0x674e, at: 6 };
    assert_eq!(error, WriteError::Text { at: "batch 1 payment 1 payee name".to_owned(), source });
    let shown = format!("{error} {error:?} {file:?}");
    assert!(!shown.contains("Anne"), "{shown}");
    assert!(!shown.contains("55779911"), "{shown}");
}

#[test]
fn a_control_that_does_not_hold_is_refused() {
    let text = String::from_utf8(write(&june()).unwrap().file.into_bytes()).unwrap();
    let table = [
        ("<CtrlSum>1234568.93</CtrlSum>", "<CtrlSum>1234568.94</CtrlSum>", "CtrlSum"),
        ("<CtrlSum>0.99</CtrlSum>", "<CtrlSum>0.9</CtrlSum>", "CtrlSum"),
        ("<NbOfTxs>3</NbOfTxs>", "<NbOfTxs>2</NbOfTxs>", "NbOfTxs"),
        ("Ccy=\"GBP\">0.99<", "Ccy=\"GBP\">0.98<", "CtrlSum"),
    ];
    for (from, to, named) in table {
        assert!(text.contains(from), "{from}");
        match read(text.replacen(from, to, 1).as_bytes()) {
            Err(ReadError::ValueRefused { element, .. }) => assert_eq!(element, named),
            other => panic!("{from}: {other:?}"),
        }
    }
}

#[test]
fn the_namespace_is_the_schemas() {
    assert!(NAMESPACE.ends_with("pain.001.001.03"));
}

prop_compose! {
    fn any_payment()(
        id in "[A-Za-z0-9]{1,30}", pence in 1..=1_000_000_000_000_i64, name in "[ -~À-ž]{0,60}[A-Za-z]",
        sort_code in "[0-9]{6}", number in "[0-9]{8}", remittance in "[ -~]{0,60}[A-Za-z]",
    ) -> (String, Payment) {
        let payment = Payment {
            instruction_id: "x".parse().unwrap(),
            end_to_end_id: "x".parse().unwrap(),
            amount: Pence::new(pence).unwrap(),
            payee_name: PrivateText::new(name),
            payee_account: account(&sort_code, &number),
            remittance,
        };
        (id, payment)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// What is instructed is what is read back; the controls are the sums; the schema is satisfied.
    #[test]
    fn a_file_instructs_what_it_was_given(
        batches in proptest::collection::vec(proptest::collection::vec(any_payment(), 1..6), 1..4),
    ) {
        let mut file = june();
        let mut number = 0;
        file.batches = batches.into_iter().enumerate().map(|(index, payments)| {
            let payments = payments.into_iter().map(|(id, payment)| {
                number += 1;
                let id = format!("{id}.{number}");
                Payment { instruction_id: id.parse().unwrap(), end_to_end_id: id.parse().unwrap(), ..payment }
            }).collect();
            let mut batch = batch("10M", payments);
            batch.payment_information_id = format!("B{index}").parse().unwrap();
            batch
        }).collect();
        let written = write(&file).unwrap();
        let instructions = read(written.file.bytes()).unwrap();
        let given: Vec<_> = file.batches.iter().flat_map(|batch| &batch.payments).collect();
        prop_assert_eq!(instructions.len(), given.len());
        for (instruction, payment) in instructions.iter().zip(&given) {
            prop_assert_eq!(&instruction.end_to_end_id, payment.end_to_end_id.as_str());
            prop_assert_eq!(instruction.amount, payment.amount);
            prop_assert!(instruction.payee_account.is_same_as(&payment.payee_account));
        }
        prop_assert_eq!(written.controls.sum, Pence::sum(given.iter().map(|p| p.amount)).unwrap());
        prop_assert_eq!(write(&file).unwrap(), written.clone());
        xmllint::assert_valid("pain.001.001.03", written.file.bytes());
    }
}
