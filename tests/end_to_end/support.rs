//! An installation of its own for each test: data folder, authority, certificates, and the real binary.

use journal::Service;
use server::certificates::{Authority, Holder};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// How long a start may take on a busy machine before the test gives up.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// An installation in a temporary folder.
pub(crate) struct Installation {
    home: PathBuf,
    /// Where its data lies, when that is not in its home.
    data: Option<PathBuf>,
    /// Where a second copy of its journals is kept.
    pub(crate) mirror: Option<PathBuf>,
    /// Removed with the installation.
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
        let folder = tempfile::tempdir().unwrap();
        let installation = Self { home: folder.path().to_owned(), data: None, mirror: None, folder };
        installation.issue_services();
        installation
    }

    /// An installation in which a small demo was played: its system is `berkshire-west`, on 31 August 2017.
    pub(crate) fn played() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("demo");
        let done = Command::new(binary())
            .args(["demo", "--lines", "200", "--json", "--data-dir"])
            .arg(&data_dir)
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "the demo failed:\n{out}\n{err}");
        let installation = Self { home: data_dir, data: None, mirror: None, folder };
        installation.issue_services();
        installation
    }

    fn issue_services(&self) {
        for service in journal::Service::ALL {
            self.issue(&format!("service-{service}"), &[&format!("urn:almoner:service:{service}")]);
        }
    }

    /// Makes a certificate for a holder of `uris` under the installation's authority.
    pub(crate) fn issue(&self, name: &str, uris: &[&str]) {
        issue(&self.certificates(), name, uris);
    }

    pub(crate) fn certificates(&self) -> PathBuf {
        self.home.join("certificates")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| self.home.join("data"))
    }

    /// From now on its data is what lies in `folder`.
    pub(crate) fn move_data(&mut self, folder: PathBuf) {
        self.data = Some(folder);
    }

    /// The segments of a journal.
    pub(crate) fn segments(&self, system: &str, service: &str) -> Vec<PathBuf> {
        let folder = self.data().join(system).join(service).join("journal");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|kind| kind == "segment")).collect()
    }

    /// Starts the services named (all when none is) on a port of their own, and waits until they serve.
    pub(crate) fn serve(&self, services: &[Service]) -> Process {
        self.serve_at(services, 0, &[])
    }

    /// Starts every service with `more` configuration.
    pub(crate) fn serve_with(&self, more: &str) -> Process {
        self.start(&[], 0, &[], more)
    }

    /// Starts the services named (all when none is) at `port`, with the other services at the ports given.
    pub(crate) fn serve_at(&self, services: &[Service], port: u16, peers: &[(Service, u16)]) -> Process {
        self.start(services, port, peers, "")
    }

    fn start(&self, services: &[Service], port: u16, peers: &[(Service, u16)], more: &str) -> Process {
        let names: Vec<String> = services.iter().map(|service| format!("\"{service}\"")).collect();
        let named =
            if names.is_empty() { String::new() } else { format!("services = [{}]\n", names.join(", ")) };
        let peers: String = peers
            .iter()
            .map(|(service, port)| format!("{service} = \"https://localhost:{port}\"\n"))
            .collect();
        let identity = services.first().copied().unwrap_or(Service::Registry);
        let certificate = |ending| self.certificates().join(format!("service-{identity}.{ending}"));
        let mirror =
            self.mirror.as_ref().map(|mirror| format!("journal_mirror = {mirror:?}\n")).unwrap_or_default();
        let text = format!(
            "data_dir = {data:?}\n{mirror}{named}\n[listen]\naddress = \"127.0.0.1:{port}\"\nreflection = true\n\n[tls]\n\
             certificate = {certificate:?}\nkey = {key:?}\nauthority = {authority:?}\n\n[peers]\n{peers}\n{more}",
            data = self.data(),
            certificate = certificate("pem"),
            key = certificate("key"),
            authority = self.certificates().join("authority.pem"),
        );
        let config = self.folder.path().join(format!("{}.toml", names.join("").replace('"', "-")));
        std::fs::write(&config, text).unwrap();
        Process::start(&["serve", "--config", config.to_str().unwrap()])
    }

    /// A connection to `process` with the certificate `name`.
    pub(crate) async fn connect(&self, process: &Process, name: &str) -> Channel {
        self.connect_to(&process.address, name).await
    }

    /// A connection to `process` with the certificate `name`; none when the process has ended by itself.
    pub(crate) async fn connect_while(&self, process: &mut Process, name: &str) -> Option<Channel> {
        match connect(&self.certificates(), &process.address, name).await {
            Ok(channel) => Some(channel),
            Err(error) => {
                assert!(process.ended(Duration::from_secs(10)).is_some(), "it serves no more: {error:?}");
                None
            }
        }
    }

    /// A connection to `address` with the certificate `name`.
    pub(crate) async fn connect_to(&self, address: &str, name: &str) -> Channel {
        connect(&self.certificates(), address, name).await.unwrap()
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

    /// Its number in the operating system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit code once it has ended by itself, `None` when a signal ended it; it must do so in time.
    pub(crate) fn wait(mut self, patience: Duration) -> Option<i32> {
        self.ended(patience).expect("the process does not end").code()
    }

    /// How it ended by itself, if it does so within `patience`.
    pub(crate) fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = std::time::Instant::now() + patience;
        loop {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || std::time::Instant::now() >= deadline {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a power cut would: without a word. It must have gone on until now.
    pub(crate) fn kill(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended before it was killed");
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

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The project's folder.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Says something beside a test's result: that it was skipped, or what it measured.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
