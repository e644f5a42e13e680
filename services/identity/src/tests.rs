//! The service over real journals, without a socket.

use crate::{Adapter, KeyError, Keys};
use access::Caller;
use identity::Identity;
use journal::{Instant, SystemName};
use nhs::NhsNumber;
use proto::identity::v1::{self, identity_service_server::IdentityService as _};
use server::journals::{Directory, Journals, Lookup, Place, SystemClock, SystemFacts};
use std::{fs, path::Path, sync::Arc};
use tonic::{Code, Request, Status};

struct Known;

impl Directory for Known {
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a> {
        let start = Instant::from_micros(1_496_275_200_000_000);
        let facts = (system.as_str() == "s").then_some(SystemFacts { sandbox: Some(start) });
        Box::pin(async move { Ok(facts) })
    }
}

fn journals(root: &Path) -> Arc<Journals<Identity>> {
    let place = Place {
        root: root.to_owned(),
        disk: Arc::new(storage::FolderDisk),
        installation: [1; 16],
        signing_seed: [2; 32],
        clock: Arc::new(SystemClock),
        options: storage::Options::default(),
        mirror: None,
    };
    Journals::open(place, Arc::new(Known), None).unwrap()
}

async fn open(root: &Path) -> (Adapter, Arc<Journals<Identity>>) {
    let journals = journals(root);
    let keys = Keys::open(&root.join("keys/identity"), &journals).await.unwrap();
    (Adapter::new(Arc::clone(&journals), keys), journals)
}

async fn close(journals: Arc<Journals<Identity>>) {
    tokio::task::spawn_blocking(move || journals.close()).await.unwrap();
}

fn by<T>(person: &str, message: T) -> Request<T> {
    let uri = format!("urn:almoner:person:{person}");
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(Caller::from_uris([uri.as_str()]).unwrap()));
    request
}

fn id(number: u8) -> String {
    format!("0192f0c1-2b3c-7d4e-8f90-1234567890{number:02x}")
}

async fn pseudonymise(adapter: &Adapter, numbers: &[u64]) -> v1::PseudonymiseResponse {
    let message = v1::PseudonymiseRequest { system: "s".into(), nhs_numbers: numbers.to_vec() };
    adapter.pseudonymise(by("ann", message)).await.unwrap().into_inner()
}

fn numbers(count: usize) -> Vec<u64> {
    (1..).filter_map(NhsNumber::of_test_range).map(NhsNumber::reveal).take(count).collect()
}

fn reason(status: &Status) -> String {
    wire::status::reason_of(status).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_one_pseudonym_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let (adapter, journals) = open(folder.path()).await;
    let people = numbers(1_000);
    let first = pseudonymise(&adapter, &people).await;
    assert_eq!((first.minted_count, first.pseudonyms.len()), (1_000, 16_000));
    let distinct: std::collections::BTreeSet<_> = first.pseudonyms.chunks(16).collect();
    assert_eq!(distinct.len(), 1_000);
    assert_eq!(pseudonymise(&adapter, &people).await.minted_count, 0);
    close(journals).await;

    let (adapter, journals) = open(folder.path()).await;
    let again = pseudonymise(&adapter, &people).await;
    assert_eq!((again.minted_count, &again.pseudonyms), (0, &first.pseudonyms));
    close(journals).await;

    // The journal on disk holds no number, neither as digits nor as the integer that was sealed.
    let mut bytes: Vec<u8> = Vec::new();
    for file in fs::read_dir(folder.path().join("s/identity/journal")).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        // The rest of a segment, or all of the next one, is preallocated.
        let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.extend_from_slice(&content[..end]);
    }
    assert!(bytes.len() > 100_000);
    for number in people.iter().take(5) {
        let digits = format!("{number:010}");
        assert!(!bytes.windows(10).any(|window| window == digits.as_bytes()));
        assert!(!bytes.windows(8).any(|window| window == number.to_be_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_number_costs_itself_only() {
    let folder = tempfile::tempdir().unwrap();
    let (adapter, journals) = open(folder.path()).await;
    let good = numbers(1)[0];
    let answer = pseudonymise(&adapter, &[good, 9_434_765_918, 1_111_111_111, good, 10_000_000_000]).await;
    let people: Vec<_> = answer.pseudonyms.chunks(16).collect();
    assert_eq!((people.len(), answer.minted_count), (5, 1));
    assert_eq!(people[0], people[3]);
    assert_ne!(people[0], [0; 16]);
    let invalid: Vec<_> =
        answer.invalid.iter().map(|one| (one.index, one.problem.as_ref().unwrap().reason.as_str())).collect();
    let expected = [(1, "NHS_NUMBER_CHECK_DIGIT"), (2, "NHS_NUMBER_REPDIGIT"), (4, "NHS_NUMBER_INVALID")];
    assert_eq!(invalid, expected);
    assert!(expected.iter().all(|(index, _)| people[*index as usize] == [0; 16]));
    close(journals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_race_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (adapter, journals) = open(folder.path()).await;
    let people = numbers(500);
    let (one, two) = tokio::join!(pseudonymise(&adapter, &people), pseudonymise(&adapter, &people));
    assert_eq!(one.pseudonyms, two.pseudonyms);
    assert_eq!(one.minted_count + two.minted_count, 500);
    close(journals).await;
}

fn register(number: u8, payee: &str, pseudonym: &[u8], account_name: &str) -> v1::RegisterPayeeRequest {
    v1::RegisterPayeeRequest {
        system: "s".into(),
        request_id: id(number),
        payee: payee.into(),
        pseudonym: pseudonym.to_vec(),
        account_name: account_name.into(),
        sort_code: "08-99-99".into(),
        account_number: "66374958".into(),
    }
}

fn details(number: u8, payees: &[&str]) -> v1::GetPayeeDetailsRequest {
    v1::GetPayeeDetailsRequest {
        system: "s".into(),
        request_id: id(number),
        payees: payees.iter().map(|payee| (*payee).to_owned()).collect(),
        purpose: v1::ReadPurpose::Payment.into(),
    }
}

async fn reads(adapter: &Adapter) -> u64 {
    let message = v1::GetCountsRequest { system: "s".into(), min_position: None };
    adapter.get_counts(by("ann", message)).await.unwrap().into_inner().reads_count
}

#[tokio::test(flavor = "multi_thread")]
async fn bank_details_take_two_people_and_every_read_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let (adapter, journals) = open(folder.path()).await;
    let person = pseudonymise(&adapter, &numbers(1)).await.pseudonyms;

    let unknown = adapter.register_payee(by("ann", register(1, "phb-7", &[9; 16], "A"))).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "PERSON_UNKNOWN"));
    let ask = register(2, "phb-7", &person, "Jane Example");
    let proposed = adapter.register_payee(by("ann", ask.clone())).await.unwrap().into_inner();
    let again = adapter.register_payee(by("ann", ask)).await.unwrap().into_inner();
    assert_eq!(again.proposal, proposed.proposal);
    assert!(again.recorded.unwrap().replayed);
    let other = adapter.register_payee(by("ann", register(2, "phb-7", &person, "Joan"))).await.unwrap_err();
    assert_eq!(reason(&other), "REQUEST_ID_REUSED");

    let approve = |number, proposal| v1::ApprovePayeeRequest {
        system: "s".into(),
        request_id: id(number),
        payee: "phb-7".into(),
        proposal,
    };
    let before = adapter.get_payee_details(by("bob", details(3, &["phb-7"]))).await.unwrap().into_inner();
    assert_eq!((before.payees.len(), before.missing, before.recorded), (0, vec!["phb-7".to_owned()], None));
    assert_eq!(reads(&adapter).await, 0, "nothing personal was read");
    let alone = adapter.approve_payee(by("ann", approve(4, proposed.proposal))).await.unwrap_err();
    assert_eq!((alone.code(), reason(&alone).as_str()), (Code::FailedPrecondition, "SAME_PERSON"));
    adapter.approve_payee(by("bob", approve(5, proposed.proposal))).await.unwrap();

    let ask = details(6, &["phb-7", "phb-8"]);
    let read = adapter.get_payee_details(by("bob", ask.clone())).await.unwrap().into_inner();
    assert_eq!(read.missing, ["phb-8"]);
    let found = &read.payees[0];
    let shown = (found.account_name.as_str(), found.sort_code.as_str(), found.account_number.as_str());
    assert_eq!(shown, ("Jane Example", "089999", "66374958"));
    let again = adapter.get_payee_details(by("bob", ask)).await.unwrap().into_inner();
    assert_eq!((again.payees, reads(&adapter).await), (read.payees, 1), "noted once");
    close(journals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_read_that_sees_more_is_noted_again() {
    let folder = tempfile::tempdir().unwrap();
    let (adapter, journals) = open(folder.path()).await;
    let people = pseudonymise(&adapter, &numbers(2)).await.pseudonyms;
    let mut number = 1;
    let mut enter = async |payee: &str, person: &[u8]| {
        let ask = register(number, payee, person, "A");
        let proposal = adapter.register_payee(by("ann", ask)).await.unwrap().into_inner().proposal;
        let request_id = id(number + 1);
        let approve =
            v1::ApprovePayeeRequest { system: "s".into(), request_id, payee: payee.into(), proposal };
        adapter.approve_payee(by("bob", approve)).await.unwrap();
        number += 2;
    };
    enter("phb-1", &people[..16]).await;
    let ask = details(200, &["phb-1", "phb-2"]);
    adapter.get_payee_details(by("bob", ask.clone())).await.unwrap();
    assert_eq!(reads(&adapter).await, 1);
    enter("phb-2", &people[16..]).await;
    let read = adapter.get_payee_details(by("bob", ask)).await.unwrap().into_inner();
    assert_eq!((read.payees.len(), reads(&adapter).await), (2, 2));
    close(journals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pseudonym_is_resolved_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let (adapter, journals) = open(folder.path()).await;
    let people = numbers(3);
    let pseudonyms = pseudonymise(&adapter, &people).await.pseudonyms;
    let resolve = |number, pseudonyms: &[u8]| v1::ResolvePseudonymRequest {
        system: "s".into(),
        request_id: id(number),
        pseudonyms: pseudonyms.to_vec(),
        purpose: v1::ReadPurpose::InvoiceValidation.into(),
    };
    let answer = adapter.resolve_pseudonym(by("cfo", resolve(1, &pseudonyms))).await.unwrap().into_inner();
    assert_eq!((answer.nhs_numbers, reads(&adapter).await), (people, 1));
    let unknown = adapter.resolve_pseudonym(by("cfo", resolve(2, &[7; 16]))).await.unwrap_err();
    assert_eq!((reason(&unknown).as_str(), reads(&adapter).await), ("PERSON_UNKNOWN", 1));
    let nowhere = v1::ResolvePseudonymRequest { system: "elsewhere".into(), ..resolve(3, &pseudonyms) };
    let nowhere = adapter.resolve_pseudonym(by("cfo", nowhere)).await.unwrap_err();
    assert_eq!(reason(&nowhere), "SYSTEM_UNKNOWN");
    close(journals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_keys_or_with_others_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys/identity");
    let (adapter, first) = open(folder.path()).await;
    pseudonymise(&adapter, &numbers(1)).await;
    close(first).await;

    let index = fs::read(keys.join("index.key")).unwrap();
    fs::remove_file(keys.join("index.key")).unwrap();
    let journals = journals(folder.path());
    assert!(matches!(Keys::open(&keys, &journals).await, Err(KeyError::Missing { .. })));
    fs::copy(keys.join("generation-1.key"), keys.join("index.key")).unwrap();
    assert!(matches!(Keys::open(&keys, &journals).await, Err(KeyError::OfAnotherJournal { .. })));
    fs::write(keys.join("index.key"), index).unwrap();
    assert!(Keys::open(&keys, &journals).await.is_ok());
    close(journals).await;
}
