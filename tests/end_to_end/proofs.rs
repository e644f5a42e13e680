//! Proof across processes: a changed key, and a witness that decides whether money moves.

use crate::support::{Installation, Process, binary};
use journal::Service;
use ledger::{Command as Asked, EntryKind, Ledger};
use money::Pence;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::Forge;

/// Runs the binary; what it printed, or what it complained of.
pub(crate) fn run(words: &[&str]) -> Result<String, String> {
    let done = Command::new(binary()).args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if done.status.success() {
        Ok(text(done.stdout))
    } else {
        Err(format!("{}{}", text(done.stdout), text(done.stderr)))
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A profile of `process` with the certificate `name`.
pub(crate) fn profile(installation: &Installation, process: &Process, name: &str, system: &str) -> PathBuf {
    let folder = installation.certificates();
    let path = folder.join(format!("{name}-now.toml"));
    let content = format!(
        "address = {:?}\nauthority = {:?}\ncertificate = {:?}\nkey = {:?}\nsystem = {system:?}\n",
        process.address.replace("127.0.0.1", "localhost"),
        folder.join("authority.pem"),
        folder.join(format!("{name}.pem")),
        folder.join(format!("{name}.key")),
    );
    std::fs::write(&path, content).unwrap();
    path
}

/// Keeps the receipt of the first record of the registry's own journal as `name`.
fn keep_receipt(installation: &Installation, process: &Process, folder: &Path, name: &str) -> PathBuf {
    let profile = profile(installation, process, "auditor", "national");
    let out = folder.join(name);
    let words = ["--profile", text(&profile), "receipt", "fetch", "0", "--service", "registry", "--out"];
    run(&[&words[..], &[text(&out)]].concat()).unwrap();
    std::fs::read_dir(out).unwrap().next().unwrap().unwrap().path()
}

/// Who trusts the old key or the new one checks what either signed, and a key that is lost is put back from its own copy only.
#[test]
fn a_key_is_changed_and_what_the_old_one_signed_stays_proved() {
    let installation = Installation::new();
    installation.issue("auditor", &["urn:almoner:person:auditor-1", "urn:almoner:role:auditor"]);
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.key"), folder.path().join("second.key"));
    let data = installation.data();
    let keys = |words: &[&str]| run(&[&["keys"], words, &["--data-dir", text(&data)]].concat());
    let process = installation.serve(&[]);
    let before = keep_receipt(&installation, &process, folder.path(), "before");
    process.stop();
    keys(&["escrow", "--out", text(&first)]).unwrap();
    let listed = || keys(&["list"]).unwrap().lines().next().unwrap().to_owned();
    let old = listed();

    let changed = keys(&["rotate", "--escrow", text(&second)]).unwrap();
    let new = listed();
    assert!(changed.contains(&new) && old != new, "{changed}");
    let process = installation.serve(&[]);
    let third = folder.path().join("third.key");
    let refused = keys(&["rotate", "--escrow", text(&third)]).unwrap_err();
    assert!(refused.contains("in use") && !third.exists(), "it is served: {refused}");
    let after = keep_receipt(&installation, &process, folder.path(), "after");
    process.stop();
    let refused = keys(&["rotate", "--escrow", text(&first)]).unwrap_err();
    assert!(refused.contains("something else"), "{refused}");
    let history = folder.path().join("history");
    std::fs::write(&history, keys(&["history"]).unwrap()).unwrap();

    let check = |receipt: &Path, key: &str, with: Option<&Path>| {
        let words = ["receipt", "verify", text(receipt), "--key", key];
        let more: Vec<&str> = with.map_or_else(Vec::new, |path| vec!["--key-history", text(path)]);
        run(&[&words[..], &more].concat())
    };
    for (receipt, own, other) in [(&before, &old, &new), (&after, &new, &old)] {
        check(receipt, own, None).unwrap();
        check(receipt, own, Some(&history)).unwrap();
        check(receipt, other, Some(&history)).unwrap();
        check(receipt, other, None).unwrap_err();
    }
    let forged = folder.path().join("forged");
    let said = std::fs::read_to_string(&history).unwrap();
    std::fs::write(&forged, said.replacen(&new, &old, 1)).unwrap();
    let refused = check(&before, &new, Some(&forged)).unwrap_err();
    assert!(refused.contains("no history of keys"), "{refused}");
    let verify = |key: &str, receipts: &[&Path]| {
        let given = receipts.iter().flat_map(|receipt| ["--receipt", text(receipt)]);
        let words = ["audit", "verify", "--from", text(&data), "--key", key].into_iter().chain(given);
        run(&words.collect::<Vec<_>>())
    };
    for key in [&old, &new] {
        let said = verify(key, &[&before, &after]).unwrap();
        assert!(said.contains("2 receipts and 0 checkpoints given hold"), "{said}");
        assert!(said.contains("signed by another key from record"), "{said}");
    }

    // Lost: the copy of the old key does not help, that of the new one does.
    std::fs::remove_file(data.join("keys/checkpoints")).unwrap();
    let refused = keys(&["restore", "--from", text(&first)]).unwrap_err();
    assert!(refused.contains("the key did not sign"), "{refused}");
    assert!(keys(&["restore", "--from", text(&second)]).unwrap().contains(&new));
    installation.serve(&[]).stop();
    verify(&old, &[&before, &after]).unwrap();
}

/// A server with the books of a small demo, people who call it, and a witness in a process of its own.
struct Watched {
    installation: Installation,
    home: tempfile::TempDir,
    config: PathBuf,
    policy: String,
}

const SYSTEM: &str = "berkshire-west";

impl Watched {
    fn new() -> Self {
        let installation = Installation::played();
        let home = tempfile::tempdir().unwrap();
        let data = installation.data();
        let logs = run(&["keys", "list", "--data-dir", text(&data)]).unwrap();
        let logs: Vec<&str> = logs.lines().collect();
        let port = crate::support::free_port();
        let config = home.path().join("witness.toml");
        let content = format!(
            "name = \"witness.example/w1\"\naddress = \"127.0.0.1:{port}\"\nstate_dir = \"state\"\nlogs = {logs:?}\n"
        );
        std::fs::write(&config, content).unwrap();
        let key = run(&["witness", "--config", text(&config), "--print-key"]).unwrap();
        let policy = format!(
            "[witnessing]\nrequired = 1\ninterval_seconds = 1\ntimeout_seconds = 2\n\n[[witnessing.witnesses]]\n\
             key = {:?}\nurl = \"http://127.0.0.1:{port}\"\n",
            key.trim()
        );
        Self { installation, home, config, policy }
    }

    fn witness(&self) -> Process {
        Process::start(&["witness", "--config", text(&self.config)])
    }

    fn serve(&self) -> Process {
        self.installation.serve_with(&self.policy)
    }

    fn call(&self, process: &Process, who: &str, words: &[&str]) -> Result<String, String> {
        let profile = profile(&self.installation, process, who, SYSTEM);
        run(&[&["--profile", text(&profile)], words].concat())
    }

    fn settle(&self, process: &Process, who: &str, words: &[&str]) -> Result<Value, String> {
        let said = self.call(process, who, &[&["settle"], words, &["--json"]].concat())?;
        Ok(serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
    }

    /// Moves the system's clock and prepares and approves a run of what is due by then: its id and digest.
    fn approved(&self, process: &Process, to: &str, month: &str) -> [String; 2] {
        self.call(process, "operator", &["registry", "advance-clock", to]).unwrap();
        let run = self.settle(process, "finance-preparer", &["prepare", month]).unwrap();
        let [id, digest] = ["run", "digest"].map(|of| run[of].as_str().unwrap().to_owned());
        let approved =
            self.settle(process, "finance-approver", &["approve", &id, "--digest", &digest]).unwrap();
        assert_eq!(approved["witnesses"]["required"], 1, "{approved:#}");
        [id, digest]
    }

    fn state(&self, process: &Process, id: &str) -> String {
        self.settle(process, "finance-preparer", &["show", id]).unwrap()["state"].as_str().unwrap().to_owned()
    }

    fn pay(&self, process: &Process, [id, digest]: &[String; 2]) -> Result<Value, String> {
        self.settle(process, "finance-preparer", &["pay", id, "--digest", digest])
    }
}

/// How long a server may take to ask its witness.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn money_moves_when_the_witness_has_seen_it() {
    let watched = Watched::new();
    let witness = watched.witness();
    let process = watched.serve();
    let first = watched.approved(&process, "2017-09-04T09:00:00Z", "2017-06");
    let deadline = Instant::now() + PATIENCE;
    while watched.state(&process, &first[0]) != "WITNESSED" {
        assert!(Instant::now() < deadline, "nobody saw it");
        std::thread::sleep(Duration::from_millis(200));
    }
    watched.pay(&process, &first).unwrap();
    process.stop();

    // The history goes on in a copy, and in the installation itself: two, of which the witness sees one.
    let copied = watched.home.path().join("copy");
    let done = Command::new("cp").arg("-a").args([&watched.installation.data(), &copied]).status().unwrap();
    assert!(done.success());
    witness.stop();
    let process = watched.serve();
    let second = watched.approved(&process, "2017-10-03T09:00:00Z", "2017-07");
    let refused = watched.pay(&process, &second).unwrap_err();
    assert!(refused.contains("NOT_WITNESSED"), "{refused}");
    assert_eq!(watched.state(&process, &second[0]), "APPROVED");
    let witness = watched.witness();
    watched.pay(&process, &second).unwrap();
    process.stop();

    let said = run(&["audit", "verify", "--from", text(&watched.installation.data())]).unwrap();
    assert!(said.contains("2 approvals that witnesses saw") && !said.contains("Waived"), "{said}");

    let mut fork = watched;
    fork.installation.move_data(copied);
    let process = fork.serve();
    let third = fork.approved(&process, "2017-10-04T09:00:00Z", "2017-07");
    let refused = fork.pay(&process, &third).unwrap_err();
    assert!(refused.contains("NOT_WITNESSED"), "the witness has seen another history: {refused}");
    assert_eq!(fork.state(&process, &third[0]), "APPROVED");
    process.stop();
    witness.stop();
}

/// Somebody with the key changes what the memorandum section holds of a control total, on both sides: the books balance, and
/// reconciliation told something else.
#[test]
fn a_control_total_that_nobody_told_is_named() {
    let installation = Installation::played();
    let data = installation.data();
    let mut forge = Forge::open(&data, SYSTEM, Service::Ledger);
    let at = forge.find::<Ledger>(|header, (command, _)| {
        let caused = header.cause.is_some_and(|cause| cause.service == Service::Reconciliation);
        caused && matches!(command, Asked::Post(posting) if posting.kind == EntryKind::Target)
    });
    forge.edit::<Ledger>(at, |_, (command, _)| {
        let Asked::Post(posting) = command else { panic!("a posting") };
        for leg in posting.legs.iter_mut().take(2) {
            leg.pence = Pence::new(leg.pence.get() + 1).unwrap();
        }
    });
    run(&["audit", "verify", "--from", text(&data)]).unwrap();
    forge.write();
    let said = run(&["audit", "verify", "--from", text(&data)]).unwrap_err();
    let named = said.lines().any(|line| {
        line.contains(&format!("ledger: record {at}: ")) && line.contains("of reconciliation told it to")
    });
    assert!(named, "{said}");
}
