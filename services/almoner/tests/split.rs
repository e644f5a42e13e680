//! Each service in a process of its own, with the configurations that compose deploys: the same code, over mutual TLS.

use client::Profile;
use journal::Service;
use proto::{
    common::v1::AsOf,
    google::r#type::Date,
    journal::v1::{ListJournalsRequest, journal_service_client::JournalServiceClient},
    ledger::v1::{GetTrialBalanceRequest, ledger_service_client::LedgerServiceClient},
    registry::v1::{
        Organisation, RegisterOrganisationsRequest, RegisterSystemRequest, Role, System, Validity,
        registry_service_client::RegistryServiceClient,
    },
};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const ALMONER: &str = env!("CARGO_BIN_EXE_almoner");

/// Processes that are not left behind by a test that fails.
struct Installation {
    folder: tempfile::TempDir,
    running: Vec<Child>,
}

impl Installation {
    /// Starts every service, each on an address of its own within 127/8: ports need not be found, and the configurations
    /// stay as deployed but for names and folders.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut installation = Self { folder, running: Vec::new() };
        for service in Service::ALL {
            let name = service.as_str();
            let identity = format!("urn:almoner:service:{name}");
            installation.certificate(&[name, "--identity", &identity, "--host", &address(service)]);
        }
        installation.certificate(&[
            "ann",
            "--identity",
            "urn:almoner:person:ann",
            "--role",
            "operator",
            "--role",
            "finance-preparer",
        ]);
        for service in Service::ALL {
            installation.run(service);
        }
        installation
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn certificate(&self, words: &[&str]) {
        let done = Command::new(ALMONER)
            .args(["certificates", "--folder"])
            .arg(self.path("tls"))
            .args(words)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn run(&mut self, service: Service) {
        let deployed =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../deploy/compose/{service}.toml"));
        let mut config = fs::read_to_string(deployed).unwrap();
        config = config.replace("/etc/almoner/tls", self.path("tls").to_str().unwrap());
        config = config.replace("/var/lib/almoner", self.path(service.as_str()).to_str().unwrap());
        config = config
            .replace("0.0.0.0", &address(service))
            .replace("http://collector:4317", "http://127.0.0.1:9");
        config = config.replace("\"json\"", "\"text\"");
        for peer in Service::ALL {
            config = config.replace(&format!("//{peer}:"), &format!("//{}:", address(peer)));
        }
        let file = self.path(&format!("{service}.toml"));
        fs::write(&file, config).unwrap();
        let mut child = Command::new(ALMONER)
            .args(["serve", "--config"])
            .arg(file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        self.running.push(child);
        let mut lines = log.lines().map_while(Result::ok);
        let mut said = String::new();
        assert!(
            lines.any(|line| {
                said.push_str(&line);
                line.contains("serving address")
            }),
            "{service}: {said}"
        );
        // What it says from now on is nobody's, but it must be able to say it.
        std::thread::spawn(move || lines.count());
    }

    fn profile(&self, service: Service) -> Profile {
        Profile {
            address: format!("https://{}:7400", address(service)),
            authority: Some(self.path("tls/authority.pem")),
            certificate: Some(self.path("tls/ann.pem")),
            key: Some(self.path("tls/ann.key")),
            system: Some("berkshire-west".to_owned()),
        }
    }

    /// Tells all to stop, and waits for their ends.
    fn stopped(mut self) {
        for child in &self.running {
            let told = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
            assert!(told.success());
        }
        for child in &mut self.running {
            assert_eq!(child.wait().unwrap().code(), Some(0));
        }
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address of this test's process and the service alone.
fn address(service: Service) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{}", 100 + process / 250 % 100, 1 + process % 250, 10 + service.number())
}

#[tokio::test(flavor = "multi_thread")]
async fn services_in_seven_processes_are_one_installation() {
    let installation = Installation::start();
    let connect = |service| installation.profile(service).connect().unwrap();
    let mut registry = RegistryServiceClient::new(connect(Service::Registry).channel());
    let day = |year| Some(Date { year, month: 4, day: 1 });
    let ccg = Organisation {
        ods: "10M".to_owned(),
        name: "NHS Newbury and District CCG".to_owned(),
        role: Role::Ccg.into(),
        open: Some(Validity { from_date: day(2013), until_date: None }),
        source: "test".to_owned(),
        ..Organisation::default()
    };
    let request = RegisterOrganisationsRequest {
        request_id: client::new_request_id(),
        organisations: vec![ccg],
        validate_only: false,
    };
    registry.register_organisations(request).await.unwrap();
    let system = System {
        system: "berkshire-west".to_owned(),
        title: "Berkshire West".to_owned(),
        sandbox: true,
        members: vec!["10M".to_owned()],
        clock_start_time: Some("2017-06-01T00:00:00Z".parse().unwrap()),
    };
    let request = RegisterSystemRequest { request_id: client::new_request_id(), system: Some(system) };
    registry.register_system(request).await.unwrap();

    // The ledger asks the registry, in another process, whether there is such a system.
    let mut ledger = LedgerServiceClient::new(connect(Service::Ledger).channel());
    let trial_balance =
        || GetTrialBalanceRequest { system: "berkshire-west".to_owned(), ..Default::default() };
    let answer = ledger.get_trial_balance(trial_balance()).await.unwrap().into_inner();
    let Some(AsOf { business_date, .. }) = answer.as_of else { panic!("an answer without as_of") };
    assert_eq!(business_date, Some(Date { year: 2017, month: 6, day: 1 }));

    // The registry moves the clock in every process.
    let profile = installation.path("registry-profile.toml");
    installation.profile(Service::Registry).write(&profile).unwrap();
    let done = Command::new(ALMONER)
        .args(["registry", "advance-clock", "2017-06-03T09:00:00Z", "--profile"])
        .arg(&profile)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for service in Service::ALL {
        let mut journals = JournalServiceClient::new(connect(service).channel());
        let listed = journals.list_journals(ListJournalsRequest {}).await.unwrap().into_inner().journals;
        let sandboxes: Vec<_> = listed.iter().filter(|journal| journal.sandbox).collect();
        assert_eq!(sandboxes.len(), 1, "{service}: {listed:?}");
        assert_eq!(
            (sandboxes[0].service.as_str(), sandboxes[0].system.as_str()),
            (service.as_str(), "berkshire-west")
        );
    }
    let answer = ledger.get_trial_balance(trial_balance()).await.unwrap().into_inner();
    assert_eq!(answer.as_of.unwrap().business_date, Some(Date { year: 2017, month: 6, day: 3 }));
    drop((registry, ledger));
    installation.stopped();
}
