//! The registry as its people call it: on files, through a restart.
#![allow(missing_docs, reason = "a test")]

use access::{Caller, Identity, Role, Roles};
use journal::{Instant, Service};
use nhs::OdsCode;
use proto::{
    common::v1::PageRequest,
    google::r#type::Date,
    registry::v1::{self, registry_service_server::RegistryService as _},
};
use reference::Reference;
use registry_service::Adapter;
use server::{Frame, Limits, Security, Settings, Telemetry};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tonic::{Code, Request, Status};

const SYSTEM: &str = "berkshire-west";

fn person(id: &str) -> Arc<Caller> {
    let roles: Roles = [Role::Operator, Role::FinancePreparer, Role::FinanceApprover].into_iter().collect();
    Arc::new(Caller::new(Identity::Person(id.parse().unwrap()), roles, Vec::new()).unwrap())
}

/// A request of that person.
fn by<T>(id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(person(id));
    request
}

/// The request id of attempt `number`.
fn id(number: u32) -> String {
    format!("0192f0c1-2b3c-7d4e-8f90-{number:012}")
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), wire::status::reason_of(status).unwrap_or_default())
}

/// A process that runs the registry on `folder`, and what answers in it.
async fn started(folder: &Path) -> (Frame, Adapter) {
    let settings = Settings {
        journal_mirror: None,
        data_dir: folder.to_owned(),
        services: vec![Service::Registry],
        address: "127.0.0.1:0".parse().unwrap(),
        security: Security::InsecureLoopback(person("anybody")),
        reflection: false,
        peers: BTreeMap::new(),
        limits: Limits { drain_notice_ms: 0, ..Limits::default() },
        telemetry: Telemetry::default(),
        witnessing: server::WitnessPolicy::default(),
    };
    let mut frame = Frame::bind(settings).await.unwrap();
    let mut held = None;
    let start = async |context: server::Context| {
        let (adapter, journals) = registry_service::open(&context).await?;
        held = Some(adapter);
        Ok(server::Started::new().journals(journals))
    };
    frame.start(Service::Registry, start).await.unwrap();
    frame.open().await;
    (frame, held.unwrap())
}

fn validity(from: (i32, i32, i32), until: Option<(i32, i32, i32)>) -> Option<v1::Validity> {
    let date = |(year, month, day)| Date { year, month, day };
    Some(v1::Validity { from_date: Some(date(from)), until_date: until.map(date) })
}

fn organisation(
    ods: &str,
    role: v1::Role,
    until: Option<(i32, i32, i32)>,
    successor: &str,
) -> v1::Organisation {
    v1::Organisation {
        ods: ods.into(),
        name: ods.into(),
        role: role.into(),
        open: validity(if ods == "15A" { (2018, 4, 1) } else { (2013, 4, 1) }, until),
        successor: successor.into(),
        source: "test".into(),
    }
}

fn organisations(number: u32) -> v1::RegisterOrganisationsRequest {
    let merged = Some((2018, 3, 31));
    v1::RegisterOrganisationsRequest {
        request_id: id(number),
        organisations: vec![
            organisation("10M", v1::Role::Ccg, merged, "15A"),
            organisation("15A", v1::Role::Ccg, None, ""),
            organisation("NT3", v1::Role::Independent, None, ""),
            organisation("RHW", v1::Role::NhsTrust, None, ""),
        ],
        validate_only: false,
    }
}

fn system(number: u32) -> v1::RegisterSystemRequest {
    let clock_start: Instant = "2017-06-01T07:00:00Z".parse().unwrap();
    let system = v1::System {
        system: SYSTEM.into(),
        title: "Berkshire West".into(),
        sandbox: true,
        members: ["10M", "15A", "RHW"].map(Into::into).to_vec(),
        clock_start_time: Some(wire::common::timestamp(clock_start)),
    };
    v1::RegisterSystemRequest { request_id: id(number), system: Some(system) }
}

fn site(number: u32, payee: &str) -> v1::RegisterSitesRequest {
    let site = v1::Site {
        site: "NT344".into(),
        payee: payee.into(),
        name: "Dunedin".into(),
        validity: validity((2013, 4, 1), None),
        source: "test".into(),
    };
    v1::RegisterSitesRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        sites: vec![site],
        validate_only: false,
    }
}

fn contract(number: u32) -> v1::ProposeContractsRequest {
    let contract = v1::Contract {
        contract: "10M-NT3".into(),
        payers: vec!["10M".into()],
        provider: "NT3".into(),
        treatment_functions: Vec::new(),
        validity: validity((2017, 4, 1), Some((2018, 3, 31))),
        mechanism: Some(v1::contract::Mechanism::CostPerCase(v1::CostPerCase {})),
        rounding: v1::Rounding::NearestPenny.into(),
        price_tolerance_pence: 100,
        ubrn_required_from_date: None,
        source: "test".into(),
        pricing: None,
    };
    v1::ProposeContractsRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        contracts: vec![contract],
        validate_only: false,
    }
}

fn price_book(number: u32) -> v1::ProposePriceBookRequest {
    let csv = "treatment_function,first_single_gbp,first_multi_gbp,follow_up_single_gbp,follow_up_multi_gbp,\
               remote_first_gbp,remote_follow_up_gbp\ndefault,145,-,72,-,-,-\n";
    let price_book = v1::PriceBook {
        price_book: "local".into(),
        financial_year: "2017-18".into(),
        kind: v1::PriceKind::Attendance.into(),
        illustrative: true,
        source: "test".into(),
        csv: csv.into(),
    };
    v1::ProposePriceBookRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        price_book: Some(price_book),
        validate_only: false,
    }
}

fn approval(number: u32, proposal: &v1::Proposal) -> v1::ApproveProposalRequest {
    v1::ApproveProposalRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        proposal: proposal.proposal,
        digest: proposal.digest.clone(),
    }
}

async fn reference(adapter: &Adapter, known_sha256: Vec<u8>) -> v1::GetReferenceResponse {
    let request = v1::GetReferenceRequest { system: SYSTEM.into(), known_sha256, min_position: None };
    adapter.get_reference(by("service", request)).await.unwrap().into_inner()
}

fn ods(code: &str) -> OdsCode {
    code.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_agreed_on_is_what_others_decide_with() {
    let folder = tempfile::tempdir().unwrap();
    let (frame, registry) = started(folder.path()).await;

    // Organisations are everybody's; a repeat is the same answer, another content under its id is refused.
    let first = registry.register_organisations(by("ann", organisations(1))).await.unwrap().into_inner();
    let again = registry.register_organisations(by("ann", organisations(1))).await.unwrap().into_inner();
    assert_eq!((first.changed_count, again.changed_count), (4, 4));
    let positions = [&first, &again].map(|answer| answer.recorded.clone().unwrap());
    assert_eq!((positions[0].position, positions[1].replayed), (positions[1].position, true));
    let mut other = organisations(1);
    other.organisations.pop();
    let refused = registry.register_organisations(by("ann", other)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));

    // A system is unknown until it is registered.
    let early = registry.register_sites(by("ann", site(2, "NT3"))).await.unwrap_err();
    assert_eq!(reason(&early), (Code::NotFound, "SYSTEM_UNKNOWN".into()));
    registry.register_system(by("ann", system(3))).await.unwrap();
    let clock =
        |answer: v1::GetSystemResponse| wire::common::instant_from(answer.clock_time.unwrap()).unwrap();
    let get = || by("ann", v1::GetSystemRequest { system: SYSTEM.into() });
    let shown = clock(registry.get_system(get()).await.unwrap().into_inner());
    assert!(shown.to_string().starts_with("2017-06-01T07:00:0"), "{shown}");

    // Bodies must be known; what is only checked is not recorded.
    let unknown = registry.register_sites(by("ann", site(4, "NV3"))).await.unwrap_err();
    assert_eq!(reason(&unknown), (Code::FailedPrecondition, "ORGANISATION_UNKNOWN".into()));
    let only = v1::RegisterSitesRequest { validate_only: true, ..site(5, "NT3") };
    let checked = registry.register_sites(by("ann", only)).await.unwrap().into_inner();
    assert_eq!((checked.recorded, checked.changed_count), (None, 1));
    let recorded = registry.register_sites(by("ann", site(5, "NT3"))).await.unwrap().into_inner();
    assert!(recorded.recorded.is_some() && recorded.changed_count == 1);

    // Contracts and price books wait for a second person.
    let contract =
        registry.propose_contracts(by("ann", contract(6))).await.unwrap().into_inner().proposal.unwrap();
    let book =
        registry.propose_price_book(by("ann", price_book(7))).await.unwrap().into_inner().proposal.unwrap();
    let alone = registry.approve_proposal(by("ann", approval(8, &contract))).await.unwrap_err();
    assert_eq!(reason(&alone), (Code::FailedPrecondition, "SAME_PERSON".into()));
    let list = v1::ListProposalsRequest { system: SYSTEM.into(), page: None, min_position: None };
    let waiting = registry.list_proposals(by("bob", list.clone())).await.unwrap().into_inner().proposals;
    assert_eq!(waiting, [contract.clone(), book.clone()], "the approver sees what the proposer was answered");
    let before = reference(&registry, Vec::new()).await;
    assert!(Reference::decode(&before.content).unwrap().rows().contracts.is_empty());
    registry.approve_proposal(by("bob", approval(9, &contract))).await.unwrap();
    registry.approve_proposal(by("bob", approval(10, &book))).await.unwrap();
    assert!(registry.list_proposals(by("bob", list)).await.unwrap().into_inner().proposals.is_empty());

    // The blob says it all, has one digest, and is not sent to who has it. A clock that moves does not change it.
    let blob = reference(&registry, Vec::new()).await;
    assert_ne!(blob.sha256, before.sha256);
    let data = Reference::decode(&blob.content).unwrap();
    let (june, care) = ("2017-06-15".parse().unwrap(), "110".parse().unwrap());
    assert_eq!(data.payee_of(ods("NT344"), june), Some(ods("NT3")));
    let found = data.contract(ods("10M"), ods("NT3"), care, june);
    assert_eq!(found.contract().unwrap().id.as_str(), "10M-NT3");
    assert!(data.books().attendance("2017-18".parse().unwrap()).is_some());
    let advance = v1::AdvanceClockRequest {
        system: SYSTEM.into(),
        request_id: id(11),
        advance_to: Some(wire::common::timestamp("2017-08-31T17:00:00Z".parse().unwrap())),
    };
    // The other services run nowhere here: the registry's own clock has moved, and the caller is told to try again.
    let elsewhere = registry.advance_clock(by("ann", advance)).await.unwrap_err();
    assert_eq!(reason(&elsewhere), (Code::Unavailable, "DEPENDENCY_UNAVAILABLE".into()));
    let shown = clock(registry.get_system(get()).await.unwrap().into_inner());
    assert!(shown.to_string().starts_with("2017-08-31T17:00:0"), "{shown}");
    let kept = reference(&registry, blob.sha256.clone()).await;
    assert_eq!((kept.sha256, kept.content.len()), (blob.sha256.clone(), 0));

    // A restart replays to the same bytes, price books included.
    frame.run(async {}).await.unwrap();
    let (frame, registry) = started(folder.path()).await;
    let replayed = reference(&registry, Vec::new()).await;
    assert_eq!(replayed.content, blob.content);
    let again = registry.register_organisations(by("ann", organisations(1))).await.unwrap().into_inner();
    assert!(again.recorded.unwrap().replayed);
    frame.run(async {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_book_shows_what_it_changes_and_its_name_stands_for_one_list_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (frame, registry) = started(folder.path()).await;
    registry.register_organisations(by("ann", organisations(1))).await.unwrap();
    registry.register_system(by("ann", system(2))).await.unwrap();
    let list = |number: u32, name: &str, first: &str, validate_only: bool| {
        let mut request = price_book(number);
        let book = request.price_book.as_mut().unwrap();
        (book.price_book, request.validate_only) = (name.into(), validate_only);
        book.csv = String::from_utf8(book.csv.clone()).unwrap().replace(",145,", first).into();
        request
    };
    let agree = async |number: u32, request| {
        let answer = registry.propose_price_book(by("ann", request)).await.unwrap().into_inner();
        let proposal = answer.proposal.unwrap();
        registry.approve_proposal(by("bob", approval(number, &proposal))).await.unwrap();
        answer.difference.unwrap()
    };
    let first = agree(4, list(3, "local", ",145,", false)).await;
    assert_eq!(first, v1::PriceBookDifference::default(), "there was none before");
    // What a corrected list changes is said before anybody agrees, and whether or not it is recorded.
    let checked =
        registry.propose_price_book(by("ann", list(5, "local-2", ",150,", true))).await.unwrap().into_inner();
    assert!(checked.recorded.is_none() && checked.proposal.is_none());
    let change = v1::PriceChange {
        row: "default".into(),
        column: "first_single_gbp".into(),
        before: Some(145_00),
        after: Some(150_00),
    };
    let expected = v1::PriceBookDifference {
        replaces: "local".into(),
        changes: vec![change],
        change_count: 1,
        ..Default::default()
    };
    assert_eq!(checked.difference, Some(expected.clone()));
    // Two lists are proposed under one name; the second agreed on comes too late for it.
    let late =
        registry.propose_price_book(by("ann", list(6, "local-2", ",-,", false))).await.unwrap().into_inner();
    assert_eq!(agree(8, list(7, "local-2", ",150,", false)).await, expected);
    let refused =
        registry.approve_proposal(by("bob", approval(9, &late.proposal.unwrap()))).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "PRICE_BOOK_NAME_USED".into()));
    // A name that was in force is used too; the same list under it is no other list.
    let refused =
        registry.propose_price_book(by("ann", list(10, "local", ",151,", false))).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "PRICE_BOOK_NAME_USED".into()));
    agree(12, list(11, "local", ",145,", false)).await;
    frame.run(async {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_go_on_where_they_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (frame, registry) = started(folder.path()).await;
    registry.register_organisations(by("ann", organisations(1))).await.unwrap();
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = PageRequest { page_size: 1, page_token: page_token.clone() };
        let request = v1::ListOrganisationsRequest { role: 0, page: Some(page), min_position: None };
        let answer = registry.list_organisations(by("ann", request)).await.unwrap().into_inner();
        found.extend(answer.organisations.into_iter().map(|row| row.ods));
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, ["10M", "15A", "NT3", "RHW"]);
    let page = PageRequest { page_size: 1, page_token: "x".into() };
    let request = v1::ListOrganisationsRequest { role: 0, page: Some(page), min_position: None };
    let bad = registry.list_organisations(by("ann", request)).await.unwrap_err();
    assert_eq!(reason(&bad), (Code::InvalidArgument, "PAGE_TOKEN_INVALID".into()));
    let role = v1::Role::NhsTrust.into();
    let request = v1::ListOrganisationsRequest { role, page: None, min_position: None };
    let trusts = registry.list_organisations(by("ann", request)).await.unwrap().into_inner().organisations;
    assert_eq!(trusts.iter().map(|row| row.ods.as_str()).collect::<Vec<_>>(), ["RHW"]);
    let get = |ods: &str| by("ann", v1::GetOrganisationRequest { ods: ods.into(), min_position: None });
    assert_eq!(
        registry.get_organisation(get("RHW00")).await.unwrap().into_inner().organisation.unwrap().ods,
        "RHW"
    );
    let unknown = registry.get_organisation(get("RXX")).await.unwrap_err();
    assert_eq!(reason(&unknown).1, "ORGANISATION_UNKNOWN");
    frame.run(async {}).await.unwrap();
}
