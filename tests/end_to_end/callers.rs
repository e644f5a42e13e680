//! Who may call at all: certificates as identity.

use crate::support::{Installation, connect, issue};
use journal::Service;
use proto::ledger::v1::GetTrialBalanceRequest;
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::registry::v1::ListSystemsRequest;
use proto::registry::v1::registry_service_client::RegistryServiceClient;
use tonic::Code;
use wire::status::reason_of;

#[tokio::test]
async fn a_caller_is_its_certificate_and_permission_comes_before_existence() {
    let installation = Installation::new();
    installation.issue("nt3", &["urn:almoner:org:NT3", "urn:almoner:role:provider"]);
    installation.issue("nobody", &[]);
    let process = installation.serve(&[Service::Registry, Service::Ledger]);

    let mut registry = RegistryServiceClient::new(installation.connect(&process, "nt3").await);
    assert!(registry.list_systems(ListSystemsRequest {}).await.unwrap().into_inner().systems.is_empty());

    let mut ledger = LedgerServiceClient::new(installation.connect(&process, "nt3").await);
    let request = GetTrialBalanceRequest { system: "nowhere".into(), ..Default::default() };
    let refused = ledger.get_trial_balance(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "not NOT_FOUND: {refused}");
    assert_eq!(reason_of(&refused).as_deref(), Some("METHOD_NOT_ALLOWED"));

    let mut nobody = RegistryServiceClient::new(installation.connect(&process, "nobody").await);
    let refused = nobody.list_systems(ListSystemsRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(reason_of(&refused).as_deref(), Some("CALLER_UNKNOWN"));
    assert_eq!(process.stop(), Some(0), "SIGTERM drains and ends well");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_by_both_sides() {
    let installation = Installation::new();
    installation.issue("nt3", &["urn:almoner:org:NT3", "urn:almoner:role:provider"]);
    let process = installation.serve(&[Service::Registry]);

    // A stranger that trusts our authority, with a certificate of its own making.
    let other = tempfile::tempdir().unwrap();
    issue(other.path(), "stranger", &["urn:almoner:person:op", "urn:almoner:role:operator"]);
    std::fs::copy(installation.certificates().join("authority.pem"), other.path().join("authority.pem"))
        .unwrap();
    let failed = match connect(other.path(), &process.address, "stranger").await {
        Err(error) => error.to_string(),
        // With TLS 1.3 the server's refusal of the certificate arrives with the first call.
        Ok(channel) => RegistryServiceClient::new(channel)
            .list_systems(ListSystemsRequest {})
            .await
            .unwrap_err()
            .to_string(),
    };
    assert!(!failed.is_empty());

    // And ours does not speak to a server of another authority.
    let elsewhere = tempfile::tempdir().unwrap();
    issue(elsewhere.path(), "nt3", &["urn:almoner:org:NT3", "urn:almoner:role:provider"]);
    assert!(connect(elsewhere.path(), &process.address, "nt3").await.is_err());
}
