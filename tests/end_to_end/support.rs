//! An installation of its own for each test: data folder, authority, certificates, and the real binary.

use server::certificates::{Authority, Holder};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// How long a start may take on a busy machine before the test gives up.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// An installation in a temporary folder.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
}

/// A running process of the binary; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let installation = Self { folder: tempfile::tempdir().unwrap() };
        let services = journal::Service::ALL.map(|service| format!("urn:almoner:service:{service}"));
        for (service, urn) in journal::Service::ALL.iter().zip(services) {
            installation.issue(&format!("service-{service}"), &[&urn]);
        }
        installation
    }

    /// Makes a certificate for a holder of `uris` under the installation's authority.
    pub(crate) fn issue(&self, name: &str, uris: &[&str]) {
        issue(&self.certificates(), name, uris);
    }

    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the services named (all when none is), reachable peers at the addresses given, and waits until it serves.
    pub(crate) fn serve(&self, services: &[&str], peers: &[(&str, &str)]) -> Process {
        let name = if services.is_empty() { "all".to_owned() } else { services.join("-") };
        let config = self.folder.path().join(format!("{name}.toml"));
        let certificates = self.certificates();
        let identity = services.first().copied().unwrap_or("registry");
        let services: Vec<String> = services.iter().map(|service| format!("{service:?}")).collect();
        let services = if services.is_empty() {
            String::new()
        } else {
            format!("services = [{}]\n", services.join(", "))
        };
        let peers: String =
            peers.iter().map(|(service, address)| format!("{service} = {address:?}\n")).collect();
        let text = format!(
            "data_dir = {data:?}\n{services}\n[listen]\naddress = \"127.0.0.1:0\"\nreflection = true\n\n[tls]\n\
             certificate = {certificate:?}\nkey = {key:?}\nauthority = {authority:?}\n\n[peers]\n{peers}",
            data = self.data(),
            certificate = certificates.join(format!("service-{identity}.pem")),
            key = certificates.join(format!("service-{identity}.key")),
            authority = certificates.join("authority.pem"),
        );
        std::fs::write(&config, text).unwrap();
        Process::start(&["serve", "--config", config.to_str().unwrap()])
    }

    /// A connection to `process` with the certificate `name`.
    pub(crate) async fn connect(&self, process: &Process, name: &str) -> Channel {
        connect(&self.certificates(), &process.address, name).await.unwrap()
    }
}

/// Makes a certificate, and the authority in `folder` when it is not there.
pub(crate) fn issue(folder: &Path, name: &str, uris: &[&str]) {
    let holder = Holder {
        uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        dns_names: vec!["localhost".into()],
        addresses: vec!["127.0.0.1".parse().unwrap()],
    };
    Authority::in_folder(folder).unwrap().issue(folder, name, &holder).unwrap();
}

/// A connection to `address` with the certificate `name` of `folder`, checking the server against that folder's authority.
pub(crate) async fn connect(
    folder: &Path,
    address: &str,
    name: &str,
) -> Result<Channel, tonic::transport::Error> {
    let read = |file: String| std::fs::read(folder.join(file)).unwrap();
    let identity = Identity::from_pem(read(format!("{name}.pem")), read(format!("{name}.key")));
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read("authority.pem".into())))
        .identity(identity);
    Endpoint::from_shared(address.to_owned())?.tls_config(tls)?.connect().await
}

impl Process {
    /// Starts the binary and waits until it says that it serves.
    pub(crate) fn start(words: &[&str]) -> Self {
        let mut child =
            Command::new(binary()).args(words).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (said, serving) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to its end, so that the process never waits for its log to be taken.
            for line in lines.map_while(Result::ok) {
                let address = line.split("serving address=").nth(1).map(|rest| rest.trim().to_owned());
                let _ = said.send((line, address));
            }
        });
        let mut log = Vec::new();
        loop {
            match serving.recv_timeout(START_PATIENCE) {
                Ok((_, Some(address))) => return Self { child, address: format!("https://{address}") },
                Ok((line, None)) => log.push(line),
                Err(_) => {
                    let _ = child.kill();
                    panic!("the binary does not serve; it said:\n{}", log.join("\n"));
                }
            }
        }
    }

    /// Ends it as a power cut would: without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary of the same build as this test.
pub(crate) fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("almoner");
    assert!(binary.exists(), "{} is missing: run `cargo build --package almoner` first", binary.display());
    binary
}

/// The project's folder.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
