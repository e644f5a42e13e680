//! What is refused, and that a refusal quotes nothing.

use super::*;
use crate::{Violations, status};
use proptest::prelude::*;
use proto::identity::v1;
use tonic::Status;

const ID: &str = "0192f0c1-2b3c-7d4e-8f90-123456789abc";

fn register() -> v1::RegisterPayeeRequest {
    v1::RegisterPayeeRequest {
        system: "s".into(),
        request_id: ID.into(),
        payee: "phb-7".into(),
        pseudonym: vec![1; 16],
        account_name: "Jane Example".into(),
        sort_code: "08-99-99".into(),
        account_number: "66374958".into(),
    }
}

fn reasons(result: Result<impl Sized, Violations>) -> Vec<(String, &'static str)> {
    let found = result.err().map(|violations| violations.iter().cloned().collect::<Vec<_>>());
    found.unwrap_or_default().into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

#[test]
fn every_bad_field_is_named_and_none_is_quoted() {
    let number = "9434765919";
    let bad = v1::RegisterPayeeRequest {
        system: number.into(),
        request_id: number.into(),
        payee: format!("phb-{number}"),
        pseudonym: number.as_bytes().to_vec(),
        account_name: format!("{number}\n"),
        sort_code: number.into(),
        account_number: number.into(),
    };
    let violations = register_payee(bad).unwrap_err();
    let found: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    let all = ["system", "request_id", "payee", "pseudonym", "account_name", "sort_code", "account_number"];
    assert_eq!(found, all);
    let status = Status::from(violations.clone());
    let details = String::from_utf8_lossy(status.details()).into_owned();
    for text in [format!("{violations:?}"), status.message().to_owned(), details, format!("{status:?}")] {
        assert!(!text.contains("94347"), "{text}");
    }
}

#[test]
fn a_good_request_prints_no_one() {
    let printed = format!("{:?}", register_payee(register()).unwrap());
    for secret in ["Jane", "089999", "08-99-99", "66374958"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let message =
        v1::PseudonymiseRequest { system: "s".into(), nhs_numbers: vec![9_434_765_919, 9_434_765_918] };
    let found = pseudonymise(message).unwrap();
    assert!(!format!("{found:?}").contains("94347"));
    assert!(found.numbers[0].is_ok());
    let invalid = invalid_number(1, &found.numbers[1].unwrap_err());
    assert_eq!(invalid.problem.clone().unwrap().reason, "NHS_NUMBER_CHECK_DIGIT");
    assert!(!format!("{invalid:?}").contains("94347"));
}

#[test]
fn batches_are_bounded() {
    let system = || "s".to_owned();
    let ask = |count: usize| v1::PseudonymiseRequest { system: system(), nhs_numbers: vec![1; count] };
    assert_eq!(reasons(pseudonymise(ask(0))), [("nhs_numbers".to_owned(), "BATCH_EMPTY")]);
    assert_eq!(reasons(pseudonymise(ask(8_001))), [("nhs_numbers".to_owned(), "BATCH_TOO_LARGE")]);
    assert!(pseudonymise(ask(8_000)).is_ok());

    let tags = |bytes: usize| v1::TagContentRequest { system: system(), digests: vec![1; bytes] };
    assert_eq!(reasons(tag_content(tags(0))), [("digests".to_owned(), "BATCH_EMPTY")]);
    assert_eq!(reasons(tag_content(tags(33))), [("digests".to_owned(), "FIELD_INVALID")]);
    assert_eq!(reasons(tag_content(tags(8_001 * 32))), [("digests".to_owned(), "BATCH_TOO_LARGE")]);
    assert_eq!(tag_content(tags(64)).unwrap().digests, [[1; 32]; 2]);

    let resolve = |bytes: usize| v1::ResolvePseudonymRequest {
        system: system(),
        request_id: ID.into(),
        pseudonyms: vec![1; bytes],
        purpose: v1::ReadPurpose::Audit.into(),
    };
    assert_eq!(reasons(resolve_pseudonym(resolve(17))), [("pseudonyms".to_owned(), "PSEUDONYM_INVALID")]);
    assert_eq!(reasons(resolve_pseudonym(resolve(0))), [("pseudonyms".to_owned(), "BATCH_EMPTY")]);
    assert_eq!(reasons(resolve_pseudonym(resolve(16_016))), [("pseudonyms".to_owned(), "BATCH_TOO_LARGE")]);
    assert_eq!(resolve_pseudonym(resolve(32)).unwrap().pseudonyms.len(), 2);

    let details = |payees: Vec<String>, purpose: i32| v1::GetPayeeDetailsRequest {
        system: system(),
        request_id: ID.into(),
        payees,
        purpose,
    };
    let payment = v1::ReadPurpose::Payment.into();
    assert_eq!(
        reasons(get_payee_details(details(vec!["phb-1".into(), "x".into()], 0))),
        [("payees[1]".to_owned(), "PLAN_ID_INVALID"), ("purpose".to_owned(), "FIELD_MISSING")]
    );
    assert_eq!(
        reasons(get_payee_details(details(vec!["phb-1".into(); 1_001], payment))),
        [("payees".to_owned(), "BATCH_TOO_LARGE")]
    );
    assert_eq!(get_payee_details(details(vec!["phb-1".into()], payment)).unwrap().payees.len(), 1);
}

#[test]
fn each_refusal_has_its_code() {
    use ::identity::Refusal;
    let rows: Vec<String> = Refusal::ALL
        .iter()
        .map(|refusal| format!("{:?} {}", status::refusal(refusal).code(), refusal.reason()))
        .collect();
    expect_test::expect![[r#"
        FailedPrecondition KEYS_DIFFER
        FailedPrecondition KEYS_NOT_ADOPTED
        InvalidArgument BATCH_SIZE
        FailedPrecondition PSEUDONYM_TAKEN
        NotFound PERSON_UNKNOWN
        FailedPrecondition PAYEE_OF_ANOTHER_PERSON
        NotFound PAYEE_UNKNOWN
        NotFound PROPOSAL_UNKNOWN
        FailedPrecondition SAME_PERSON"#]]
    .assert_eq(&rows.join("\n"));
}

proptest! {
    #[test]
    fn any_request_is_answered(system in ".{0,5}", id in ".{0,5}", payee in ".{0,8}", bytes: Vec<u8>, purpose: i32) {
        let _ = register_payee(v1::RegisterPayeeRequest {
            system: system.clone(), request_id: id.clone(), payee: payee.clone(), pseudonym: bytes.clone(),
            account_name: payee.clone(), sort_code: id.clone(), account_number: id.clone(),
        });
        let _ = resolve_pseudonym(v1::ResolvePseudonymRequest {
            system: system.clone(), request_id: id.clone(), pseudonyms: bytes, purpose,
        });
        let _ = approve_payee(v1::ApprovePayeeRequest { system, request_id: id, payee, proposal: 0 });
    }
}
