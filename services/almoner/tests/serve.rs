//! The real binary: it serves, says so, drains when it is told to, and leaves with 0.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

const ALMONER: &str = env!("CARGO_BIN_EXE_almoner");

/// A process that is not left behind by a test that fails.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(ALMONER)
            .args(["serve", "--insecure-loopback", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended: {said}");
            if let Some((_, address)) = line.split_once("serving address=") {
                break address.trim().to_owned();
            }
            said.push_str(&line);
        };
        Self { child, log, address }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Its exit code and what it logged.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.log, &mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(folder: &Path, address: &str) -> Output {
    let profile = folder.join("profile.toml");
    std::fs::write(&profile, format!("address = \"http://{address}\"\n")).unwrap();
    Command::new(ALMONER).arg("status").arg("--profile").arg(&profile).output().unwrap()
}

#[test]
fn it_serves_and_drains_when_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut addresses = Vec::new();
    for signal in ["TERM", "INT"] {
        let server = Server::start(&data);
        let shown = status(folder.path(), &server.address);
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        assert!(String::from_utf8(shown.stdout).unwrap().starts_with("serving"));
        addresses.push(server.address.clone());
        server.signal(signal);
        let (code, said) = server.ended();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("draining") && said.contains("stopped"), "{said}");
    }
    let shown = status(folder.path(), &addresses[0]);
    assert!(!shown.status.success());
    assert!(String::from_utf8(shown.stderr).unwrap().contains("the server does not answer"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = ["serve", "--insecure-loopback", "--listen", &address, "--data-dir"];
    let done = Command::new(ALMONER).args(words).arg(folder.path()).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success() && said.contains(&format!("cannot listen on {address}")), "{said}");
}

fn keys(data: &Path, words: &[&str]) -> Result<String, String> {
    let done = Command::new(ALMONER).arg("keys").args(words).arg("--data-dir").arg(data).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

#[test]
fn a_key_that_was_lost_is_put_back_from_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("key.copy"));
    let copied = copy.to_str().unwrap();
    assert!(keys(&data, &["list"]).unwrap_err().contains("holds no installation"));
    let made = keys(&data, &["make"]).unwrap();
    assert!(made.starts_with("almoner.") && made.contains("/national/registry+"), "{made}");
    let server = Server::start(&data);
    server.signal("TERM");
    server.ended();
    assert!(keys(&data, &["list"]).unwrap().contains(made.trim()), "the first start keeps the key");
    keys(&data, &["escrow", "--out", copied]).unwrap();
    assert!(keys(&data, &["escrow", "--out", copied]).is_err(), "a copy is never written over");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    // Lost: nothing starts, and the file is named. A key that signed something else does not help.
    std::fs::remove_file(data.join("keys/checkpoints")).unwrap();
    let refused = Command::new(ALMONER)
        .args(["serve", "--insecure-loopback", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("checkpoints is missing"), "{said}");
    let other = folder.path().join("other");
    keys(&other, &["make"]).unwrap();
    let others = folder.path().join("other.copy");
    keys(&other, &["escrow", "--out", others.to_str().unwrap()]).unwrap();
    let wrong = keys(&data, &["restore", "--from", others.to_str().unwrap()]).unwrap_err();
    assert!(wrong.contains("another installation"), "{wrong}");
    let text = std::fs::read_to_string(&copy).unwrap();
    let damaged = folder.path().join("damaged.copy");
    std::fs::write(&damaged, text.replacen("checkpoints ", "checkpoints A", 1)).unwrap();
    assert!(keys(&data, &["restore", "--from", damaged.to_str().unwrap()]).unwrap_err().contains("damaged"));

    // Put back, everything goes on as before, under the same verifier key.
    assert_eq!(keys(&data, &["restore", "--from", copied]).unwrap(), made);
    keys(&data, &["restore", "--from", copied]).unwrap();
    let server = Server::start(&data);
    assert!(status(folder.path(), &server.address).status.success());
    server.signal("TERM");
    assert_eq!(server.ended().0, Some(0));
}
