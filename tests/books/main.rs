//! The books as people handle them: the command line against the real binary, and hledger over its data folder.

#[path = "../end_to_end/support.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests, each of which uses its part")]
mod support;

use client::Profile;
use journal::Service;
use proto::registry::v1::{
    Organisation, RegisterOrganisationsRequest, RegisterSystemRequest, Role, System, Validity,
    registry_service_client::RegistryServiceClient,
};
use std::{path::Path, process::Command, time::Duration};
use support::{Installation, Process, binary};

const LINE: &str = "10M/elective/2017-18";

/// A person at the command line.
struct Person {
    profile: std::path::PathBuf,
}

impl Person {
    fn new(installation: &Installation, process: &Process, name: &str) -> Self {
        let profile = installation.certificates().join(format!("{name}.toml"));
        let contents = Profile {
            address: process.address.replace("127.0.0.1", "localhost"),
            authority: Some("authority.pem".into()),
            certificate: Some(format!("{name}.pem").into()),
            key: Some(format!("{name}.key").into()),
            system: Some("berkshire-west".into()),
        };
        contents.write(&profile).unwrap();
        Self { profile }
    }

    /// Runs `almoner` with these words: its output, or what it complains of.
    fn does(&self, words: &[&str]) -> Result<String, String> {
        let output = Command::new(binary()).arg("--profile").arg(&self.profile).args(words).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn row(&self, words: &[&str], starting: &str) -> Vec<String> {
        let shown = self.does(words).unwrap();
        let row = shown.lines().find(|line| line.trim_start().starts_with(starting));
        let row = row.unwrap_or_else(|| panic!("no row of {starting} in\n{shown}"));
        row.split_whitespace().map(str::to_owned).collect()
    }
}

async fn register(installation: &Installation, process: &Process) {
    let channel = installation.connect(process, "operator").await;
    let mut registry = RegistryServiceClient::new(channel);
    let from_date = Some(proto::google::r#type::Date { year: 2013, month: 4, day: 1 });
    let group = Organisation {
        ods: "10M".into(),
        name: "A commissioning group".into(),
        role: Role::Ccg.into(),
        open: Some(Validity { from_date, until_date: None }),
        source: "made up for this test".into(),
        ..Organisation::default()
    };
    let request = RegisterOrganisationsRequest {
        request_id: client::new_request_id(),
        organisations: vec![group],
        validate_only: false,
    };
    registry.register_organisations(request).await.unwrap();
    let system = System {
        system: "berkshire-west".into(),
        title: "Berkshire West ACS".into(),
        members: vec!["10M".into()],
        ..System::default()
    };
    let request = RegisterSystemRequest { request_id: client::new_request_id(), system: Some(system) };
    registry.register_system(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finance_keeps_the_books_from_the_command_line() {
    let installation = Installation::new();
    installation.issue("operator", &["urn:almoner:person:op-1", "urn:almoner:role:operator"]);
    installation.issue("preparer", &["urn:almoner:person:fin-1", "urn:almoner:role:finance-preparer"]);
    installation.issue("approver", &["urn:almoner:person:fin-2", "urn:almoner:role:finance-approver"]);
    installation.issue("approver-2", &["urn:almoner:person:fin-3", "urn:almoner:role:finance-approver"]);
    let process = installation.serve(&[Service::Registry, Service::Ledger]);
    register(&installation, &process).await;
    let other_approver = Person::new(&installation, &process, "approver-2");
    let preparer = Person::new(&installation, &process, "preparer");
    let approver = Person::new(&installation, &process, "approver");

    let allocate = ["ledger", "allocate", LINE, "1250000.00", "--date", "2017-06-01", "--reference", "June"];
    let id = ["--request-id", "0192f0c1-2b3c-7d4e-8f90-123456789abc"];
    let first = preparer.does(&[&allocate[..], &id].concat()).unwrap();
    assert!(first.contains("£1,250,000.00 allocated to 10M/elective/2017-18"), "{first}");
    let again = preparer.does(&[&allocate[..], &id].concat()).unwrap();
    assert_eq!(again.trim_end(), format!("{} (before)", first.trim_end()), "a repeat allocates nothing");
    let wrong = preparer.does(&["ledger", "allocate", "10M/dental/2017-18", "1", "--date", "2017-06-01"]);
    let wrong = wrong.unwrap_err();
    assert!(wrong.contains("PATH_INVALID"), "{wrong}");

    let row = preparer.row(&["ledger", "position"], LINE);
    assert_eq!(row[1], "£1,250,000.00");
    assert_eq!(row[6], "£1,250,000.00", "all of it is available");
    let limit =
        ["ledger", "set-limit", "10M/elective/2017-18/fund", "--severity", "hard", "--floor-pence", "100"];
    preparer.does(&[&limit[..], &["--reason", "a pound is kept"]].concat()).unwrap();
    assert!(preparer.row(&["ledger", "limits"], "10M/").contains(&"refuses".to_owned()));
    let entries = preparer.does(&["ledger", "entries", "--reference", "June"]).unwrap();
    let leg: Vec<&str> = entries.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert!(leg.contains(&"allocation") && leg.contains(&"June"), "{entries}");
    assert!(leg.contains(&"£1,250,000.00"), "{entries}");

    // Two people: the preparer may not reverse, the approver may not allocate.
    let position = leg[0];
    let reverse = ["ledger", "reverse", position, "--reason", "twice by mistake"];
    assert!(preparer.does(&reverse).unwrap_err().contains("METHOD_NOT_ALLOWED"));
    assert!(approver.does(&allocate).unwrap_err().contains("METHOD_NOT_ALLOWED"));
    let refused = approver.does(&reverse).unwrap_err();
    assert!(refused.contains("LIMIT_EXCEEDED"), "the limit keeps what is allocated: {refused}");
    let lift =
        ["ledger", "set-limit", "10M/elective/2017-18/fund", "--severity", "hard", "--reason", "lifted"];
    preparer.does(&lift).unwrap();
    assert!(approver.does(&reverse).unwrap().contains("recorded at position"));
    let total = preparer.row(&["ledger", "trial-balance"], "all");
    assert_eq!(total[1..3], ["£2,500,000.00", "£2,500,000.00"]);

    let close = ["ledger", "close-period", "2017-05", "--reason", "May is done"];
    approver.does(&close).unwrap();
    let reopen = ["ledger", "reopen-period", "2017-05", "--reason", "a late invoice"];
    let proposed = approver.does(&reopen).unwrap();
    let approve = proposed.lines().last().unwrap().trim().strip_prefix("almoner ").unwrap();
    let approve: Vec<&str> = approve.split_whitespace().collect();
    let standing = || preparer.row(&["ledger", "periods", "2017-18"], "2017-05")[1].clone();
    assert!(approver.does(&approve).unwrap_err().contains("SAME_PERSON"));
    assert_eq!(standing(), "closed");
    other_approver.does(&approve).unwrap();
    assert_eq!(standing(), "open");

    // The journal is read while the server runs.
    check_with_hledger(&installation.data());
    assert_eq!(process.stop(), Some(0));
    check_with_hledger(&installation.data());
}

fn check_with_hledger(data: &Path) {
    let out = data.with_file_name("ledger.journal");
    let export = || {
        let export = Command::new(binary())
            .args(["export", "hledger", "--from", data.to_str().unwrap(), "--out", out.to_str().unwrap()])
            .output()
            .unwrap();
        let said = [export.stdout, export.stderr].concat();
        String::from_utf8(said).unwrap()
    };
    // A running server signs what it has at most a second after it grew, and an export holds what is signed.
    let tries = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(100));
        export()
    });
    let said: Vec<_> = tries.take(100).take_while(|said| !said.contains("2 entries, 2 accounts")).collect();
    assert!(said.len() < 100, "{:?}", said.last());
    let checked = Command::new("hledger")
        .args(["-f", out.to_str().unwrap(), "check", "--strict"])
        .env("LANG", "C.UTF-8")
        .output()
        .expect("hledger cannot be run: install the package hledger (apt-get install hledger)");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
