//! What comes in is parsed whole, and every refusal has a class.

use super::{Unable, inward};
use crate::{Reason, Violations, status};
use ::settlement::{PrepareError, Refusal};
use proto::settlement::v1;

const ID: &str = "0192f0c1-2b3c-7d4e-8f90-123456789abc";

fn named(result: Result<impl Sized, Violations>) -> Vec<(String, &'static str)> {
    let found = result.err();
    found.iter().flat_map(Violations::iter).map(|v| (v.field.clone(), v.reason)).collect()
}

#[test]
fn a_preparation_is_read_or_all_of_it_is_named() {
    let good = v1::PrepareRunRequest {
        system: "berkshire-west".into(),
        request_id: ID.into(),
        cut: Some(v1::Cut { period: "2017-06".into(), stage: v1::CutStage::Freeze.into() }),
        pay_date: None,
    };
    let (system, prepare) = inward::prepare_run(&good).unwrap();
    assert_eq!((system.as_str(), prepare.cut.to_string().as_str()), ("berkshire-west", "2017-06/freeze"));
    let bad = v1::PrepareRunRequest {
        system: String::new(),
        request_id: "x".into(),
        cut: Some(v1::Cut { period: "2017-13".into(), stage: 9 }),
        pay_date: Some(proto::google::r#type::Date { year: 2017, month: 2, day: 30 }),
    };
    let expected = [
        ("system", "FIELD_MISSING"),
        ("request_id", "REQUEST_ID_INVALID"),
        ("cut.period", "PERIOD_INVALID"),
        ("cut.stage", "FIELD_INVALID"),
        ("pay_date", "DATE_INVALID"),
    ];
    assert_eq!(named(inward::prepare_run(&bad)), expected.map(|(field, reason)| (field.to_owned(), reason)));
}

#[test]
fn a_bank_message_has_bounds() {
    let message = |bytes| v1::RecordBankMessageRequest {
        system: "berkshire-west".into(),
        request_id: ID.into(),
        message: bytes,
    };
    assert!(inward::record_bank_message(message(vec![b'<'])).is_ok());
    let table = [(0, "FIELD_MISSING"), (inward::BANK_MESSAGE_BYTES_MAX + 1, "FIELD_TOO_LONG")];
    for (bytes, reason) in table {
        let found = named(inward::record_bank_message(message(vec![b'<'; bytes])));
        assert_eq!(found, [("message".to_owned(), reason)]);
    }
}

#[test]
fn both_figures_of_a_mismatch_are_told() {
    let error = PrepareError::CutMismatch {
        cut: "2017-06/freeze".parse().unwrap(),
        payer: "10M".parse().unwrap(),
        payee: "NT3".parse().unwrap(),
        sealed: money::NetPence::new(15_001),
        window: money::NetPence::new(15_000),
    };
    let told = super::unprepared(&error);
    assert_eq!(told.code(), tonic::Code::FailedPrecondition);
    assert_eq!(status::reason_of(&told).as_deref(), Some("CUT_MISMATCH"));
    assert!(told.message().contains("10M") && told.message().contains("NT3"), "{}", told.message());
    assert_eq!(error.metadata().len(), 5);
    let behind = super::unprepared(&PrepareError::LedgerBehind { cut: "2017-06/freeze".parse().unwrap() });
    assert_eq!(
        (behind.code(), status::reason_of(&behind).as_deref()),
        (tonic::Code::Unavailable, Some("BEHIND"))
    );
    assert!(status::retry_after(&behind).is_some());
    assert!(<Unable as Reason>::REASONS.contains(&Unable::FileUnknown.reason()));
    assert!(<Refusal as Reason>::REASONS.contains(&Refusal::NothingToPay.reason()));
}
