//! The frame as callers meet it: over a port, with mutual TLS.

mod house;
mod methods;
mod telemetry;

use house::{BALANCE, FINANCE, House, PROVIDER, ask, reason};
use http::uri::PathAndQuery;
use journal::Service;
use proto::common::v1::Problem;
use proto::journal::v1::{
    GetCheckpointRequest, ListJournalsRequest, journal_service_client::JournalServiceClient,
};
use server::{Limits, certificates::Authority};
use std::time::Duration;
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_who_their_certificates_say() {
    let house = House::new(Limits::default());
    let serving = house.serve().await;
    let port = serving.port;
    assert_eq!(ask(house.client(port, FINANCE), BALANCE, "who").await.unwrap(), "urn:almoner:person:ann");
    assert_eq!(reason(ask(house.client(port, PROVIDER), BALANCE, "who").await), "METHOD_NOT_ALLOWED");
    assert_eq!(
        reason(ask(house.client(port, FINANCE), "/almoner.ledger.v1.LedgerService/Nothing", "who").await),
        "METHOD_NOT_ALLOWED"
    );
    for nobody in [&["https://example.org/"][..], &["urn:almoner:org:NT3", "urn:almoner:person:ann"]] {
        assert_eq!(reason(ask(house.client(port, nobody), BALANCE, "who").await), "CALLER_UNKNOWN");
    }
    let other = Authority::in_folder(&house.folder.path().join("other")).unwrap();
    for refused in [house.client_of(&other, port, FINANCE), house.stranger(port)] {
        let status = ask(refused, BALANCE, "who").await.unwrap_err();
        // The handshake fails, so no server says why; which way the client notices is a matter of timing.
        assert!(wire::status::reason_of(&status).is_none(), "{status:?}");
        assert!(matches!(status.code(), Code::Unknown | Code::Unavailable | Code::Cancelled), "{status:?}");
    }
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_before_everything_has_recovered() {
    let house = House::new(Limits::default());
    let mut frame = house.bind().await;
    let client = house.client(frame.address().port(), FINANCE);
    let early = ask(client.clone(), BALANCE, "who").await.unwrap_err();
    assert_eq!(early.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_millis(500)));
    assert_eq!(reason::<()>(Err(early)), "STARTING");
    assert_eq!(serving(client.clone(), "").await, Ok(false));
    assert_eq!(serving(client.clone(), "almoner.ledger.v1.LedgerService").await, Ok(false));

    drop(house.start(&mut frame).await);
    assert_eq!(serving(client.clone(), "").await, Ok(false));
    frame.open().await;
    assert_eq!(serving(client.clone(), "").await, Ok(true));
    assert_eq!(serving(client.clone(), "almoner.ledger.v1.LedgerService").await, Ok(true));
    assert_eq!(ask(client.clone(), BALANCE, "x").await.unwrap(), "x");
    drop(client);
    frame.run(async {}).await.unwrap();
}

async fn serving(channel: tonic::transport::Channel, service: &str) -> Result<bool, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel).check(request).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().status == 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_costs_one_call() {
    let house = House::new(Limits::default());
    let serving = house.serve().await;
    let client = house.client(serving.port, FINANCE);
    let status = ask(client.clone(), BALANCE, "panic").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("on purpose"));
    let incident = status.get_details_error_info().unwrap().metadata["incident"].clone();
    assert!(incident.parse::<uuid::Uuid>().is_ok(), "{incident}");
    assert_eq!(ask(client, BALANCE, "x").await.unwrap(), "x");
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_is_called_so() {
    // The server's own limit: a client that sends a deadline gives up by itself when it passes.
    let house = House::new(Limits { call_seconds: 1, ..Limits::default() });
    let serving = house.serve().await;
    let status = ask(house.client(serving.port, FINANCE), BALANCE, "sleep").await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason::<()>(Err(status)), "DEADLINE_EXCEEDED");
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_pushed_back_and_services_have_places_of_their_own() {
    let house = House::new(Limits { calls: 1, service_calls: 1, ..Limits::default() });
    let serving = house.serve().await;
    let client = house.client(serving.port, FINANCE);
    let first = tokio::spawn(ask(client.clone(), BALANCE, "wait"));
    house.stub.entered.notified().await;
    let status = ask(client.clone(), BALANCE, "x").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_millis(50)));
    assert_eq!(reason::<()>(Err(status)), "BUSY");
    // Health answers all the same, and so does a service's ask.
    assert_eq!(self::serving(client.clone(), "").await, Ok(true));
    assert_eq!(ask(serving.peer.clone(), BALANCE, "who").await.unwrap(), "urn:almoner:service:referrals");
    house.stub.go_on.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), "waited");
    assert_eq!(ask(client, BALANCE, "x").await.unwrap(), "x");
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_progress_end_before_the_process_does() {
    let house = House::new(Limits::default());
    let serving = house.serve().await;
    let client = house.client(serving.port, FINANCE);
    let first = tokio::spawn(ask(client.clone(), BALANCE, "wait"));
    house.stub.entered.notified().await;
    serving.stop.notify_one();
    // Draining is known by new connections being refused; the call in progress is not cut, and may still ask a peer.
    let refused = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", serving.port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
    assert_eq!(ask(serving.peer.clone(), BALANCE, "x").await.unwrap(), "x");
    assert!(!serving.running.is_finished());
    house.stub.go_on.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), "waited");
    serving.running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_beyond_the_limit_or_beyond_reading_are_named() {
    let house = House::new(Limits::default());
    let serving = house.serve().await;
    let client = house.client(serving.port, FINANCE);
    let mut journals = JournalServiceClient::new(client.clone());
    let system = "x".repeat(server::MESSAGE_BYTES_MAX);
    let large = journals.get_checkpoint(GetCheckpointRequest { system, ..Default::default() }).await;
    assert_eq!(reason(large), "MESSAGE_TOO_LARGE");
    // A number where the method's message has a text.
    let cause = proto::common::v1::Cause { service: String::new(), position: 7 };
    let mut grpc = tonic::client::Grpc::new(client);
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<_, Problem>::default();
    let garbled = grpc.unary(Request::new(cause), PathAndQuery::from_static(BALANCE), codec).await;
    assert_eq!(reason(garbled), "MESSAGE_INVALID");
    assert!(journals.list_journals(ListJournalsRequest {}).await.unwrap().into_inner().journals.is_empty());
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_reflections_list_the_services() {
    let house = House::new(Limits::default());
    let serving = house.serve().await;
    let client = house.client(serving.port, PROVIDER);
    {
        use tonic_reflection::pb::v1::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut reflection = ServerReflectionClient::new(client.clone());
        let mut answers =
            reflection.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
        let Some(MessageResponse::ListServicesResponse(listed)) =
            answers.message().await.unwrap().unwrap().message_response
        else {
            panic!("no list")
        };
        assert!(listed.service.iter().any(|service| service.name == "almoner.ledger.v1.LedgerService"));
    }
    use tonic_reflection::pb::v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest,
    };
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol(
            "almoner.ledger.v1.LedgerService".to_owned(),
        )),
    };
    let mut reflection = ServerReflectionClient::new(client);
    let mut answers =
        reflection.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().unwrap().message_response.is_some());
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_asks_another_process_with_its_certificate() {
    let ledger = House::new(Limits::default());
    let serving = ledger.serve().await;
    // A second process, of the same authority, that runs referrals and finds the ledger at an address.
    let mut elsewhere = House::new(Limits::default());
    let holder = server::certificates::Holder {
        uris: vec!["urn:almoner:service:referrals".to_owned()],
        ..Default::default()
    };
    let files = ledger.authority.issue(&elsewhere.folder.path().join("own"), "referrals", &holder).unwrap();
    elsewhere.config.tls =
        Some(server::Tls { certificate: files.certificate, key: files.key, authority: files.authority });
    elsewhere.config.services = vec!["referrals".to_owned()];
    elsewhere.config.peers.insert("ledger".to_owned(), format!("https://localhost:{}", serving.port));
    let mut frame = elsewhere.bind().await;
    let peer = elsewhere.start(&mut frame).await;
    assert_eq!(ask(peer.clone(), BALANCE, "who").await.unwrap(), "urn:almoner:service:referrals");
    drop(peer);
    frame.run(async {}).await.unwrap();
    serving.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_an_address_is_named() {
    let house = House::new(Limits::default());
    let mut frame = house.bind().await;
    let start = |context: server::Context| async move {
        context.peers().channel(Service::Settlement)?;
        Ok(server::Started::new())
    };
    let error = frame.start(Service::Ledger, start).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("add peers.settlement"), "{source}");
}
