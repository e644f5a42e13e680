//! The demo, as a newcomer runs it: the real binary, small.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

fn demo(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_almoner"));
    command.arg("demo").arg("--data-dir").arg(folder).args(["--lines", "400", "--json"]).args(more);
    command.output().unwrap()
}

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Sums `InstdAmt` over every payment file below `folder`, in pence.
fn instructed(folder: &Path) -> i64 {
    let mut sum = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            sum += instructed(&path);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("<InstdAmt Ccy=\"GBP\">").skip(1) {
            let amount = part.split('<').next().unwrap().replace('.', "");
            sum += amount.parse::<i64>().unwrap();
        }
    }
    sum
}

#[test]
fn a_newcomer_sees_a_month_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("demo");
    let output = demo(&folder, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures = last_line(&output);
    for key in ["unexplained_pence", "trial_balance_pence"] {
        assert_eq!(figures[key], 0, "{key}");
    }
    let above_zero = [
        "referrals",
        "activity_accepted",
        "activity_contested",
        "activity_unreadable",
        "phb_spends",
        "holds_open_pence",
        "accrued_pence",
        "paid_pence",
        "elapsed_ms",
    ];
    for key in above_zero {
        assert!(figures[key].as_i64().is_some_and(|figure| figure > 0), "{key}: {figures}");
    }
    assert_eq!(figures["data_dir"], folder.to_str().unwrap());

    // The books tie, and control totals stand in the ledger's memorandum section.
    let report = fs::read(folder.join("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let memorandum =
        report["ties"].as_array().unwrap().iter().find(|tie| tie["kind"] == "MEMORANDUM").unwrap();
    assert_ne!(memorandum["left_pence"], 0);
    assert_eq!(memorandum["left_pence"], memorandum["right_pence"]);

    // The comparison with SUS is explained to the penny, and challenges went both ways.
    let pence = |of: &Value, key: &str| of[key].as_i64().unwrap();
    let classes = report["slam_sus_classes"].as_array().unwrap();
    let explained: i64 = classes.iter().map(|class| pence(class, "difference_pence")).sum();
    assert_eq!(explained, pence(&figures, "slam_pence") - pence(&figures, "sus_pence"));
    assert_eq!(explained, pence(&figures, "slam_less_sus_pence"));
    assert!(explained != 0 && classes.len() > 3, "{classes:?}");
    assert!(pence(&figures, "challenges_agreed") > 0 && pence(&figures, "challenges_upheld_pence") > 0);
    let (sus, billed) = ("in/commissioner-sus-flex.csv", "in/nv3-flex.csv");
    let sus = fs::read_to_string(folder.join(sus)).unwrap();
    for line in fs::read_to_string(folder.join(billed)).unwrap().lines().skip(1) {
        let number = line.split(',').nth(1).unwrap();
        assert!(number.is_empty() || !sus.contains(number), "the extract is pseudonymised");
    }
    for file in ["out/challenges/nv3-flex.csv", "in/nv3-challenges.csv"] {
        assert!(fs::read_to_string(folder.join(file)).unwrap().lines().count() > 1, "{file}");
    }

    // Every payment stands in a pain.001, and people's are their owner's alone.
    assert_eq!(figures["paid_pence"], instructed(&folder.join("out/payments")));
    let controlled = fs::read_dir(folder.join("out/payments/controlled")).unwrap();
    for file in controlled {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    for name in ["remittance", "statements", "ledger-of-record"] {
        assert!(fs::read_dir(folder.join("out").join(name)).unwrap().count() > 0, "{name}");
    }
    let report: Value = serde_json::from_slice(&fs::read(folder.join("out/report.json")).unwrap()).unwrap();
    let of = |key: &str| report["paid"][key].as_i64().unwrap();
    assert_eq!(
        of("ledger_paid_pence"),
        of("instructed_pence") - of("returned_pence") - of("received_pence") + of("transferred_pence")
    );
    assert!(of("returned_pence") > 0 && of("received_pence") > 0, "{}", report["paid"]);
    assert_eq!(of("settled_pence"), of("instructed_pence"));

    // No NHS number leaves the folder of what providers sent.
    for file in ["out/report.json", "almoner.toml"] {
        assert!(!fs::read_to_string(folder.join(file)).unwrap().contains("999"), "{file}");
    }
    for name in ["operator", "finance-preparer", "auditor", "NT3", "RHW"] {
        assert!(folder.join("clients").join(format!("{name}.toml")).exists(), "{name}");
    }

    // An auditor proves a copy of it.
    let verify = Command::new(env!("CARGO_BIN_EXE_almoner"))
        .args(["audit", "verify", "--json", "--from"])
        .arg(folder.join("data"))
        .output()
        .unwrap();
    let proved: Value = serde_json::from_slice(&verify.stdout).unwrap();
    assert!(verify.status.success(), "{proved:#}");
    assert_eq!((&proved["outcome"], proved["journals"].as_array().unwrap().len()), (&"proved".into(), 8));
    assert_eq!(proved["findings"], Value::Array(Vec::new()));

    // A second play on the same folder is refused, and changes nothing.
    let before = fs::read(folder.join("out/report.json")).unwrap();
    let again = demo(&folder, &[]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds a demo already"));
    assert_eq!(fs::read(folder.join("out/report.json")).unwrap(), before);
}

#[test]
fn a_seed_repeats_the_month() {
    let folder = tempfile::tempdir().unwrap();
    let play = |name: &str, seed: &str| {
        let output = demo(&folder.path().join(name), &["--seed", seed]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let Value::Object(mut figures) = last_line(&output) else { panic!("no object") };
        figures.retain(|key, _| key != "elapsed_ms" && key != "data_dir");
        figures
    };
    let first = play("a", "7");
    assert_eq!(first, play("b", "7"));
    assert_ne!(first, play("c", "8"));
}

/// The services of a demo's folder, up again. Not left behind by a test that fails.
struct Served(std::process::Child, String);

impl Served {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_almoner"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(folder.join("almoner.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some((_, address)) = line.split_once("serving address=") {
                break address.trim().to_owned();
            }
        };
        // What it says later is nobody's concern, but it must be read.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self(child, address)
    }

    /// Runs a command as the person whose profile is `name`, at the address that is served now.
    fn command(&self, folder: &Path, name: &str, arguments: &[&str]) -> Output {
        let text = fs::read_to_string(folder.join("clients").join(format!("{name}.toml"))).unwrap();
        let elsewhere = text.lines().map(|line| {
            if line.starts_with("address") {
                format!("address = \"https://{}\"", self.1)
            } else {
                line.to_owned()
            }
        });
        let profile = folder.join("clients").join(format!("{name}-again.toml"));
        fs::write(&profile, elsewhere.collect::<Vec<_>>().join("\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_almoner"));
        command.args(arguments).arg("--profile").arg(&profile).output().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A provider keeps receipts, of contested and unreadable lines too; later they catch who restores an older copy.
#[test]
fn receipts_are_kept_and_catch_a_restored_backup() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("demo");
    assert!(demo(&folder, &[]).status.success());
    let backup = root.path().join("backup");
    assert!(Command::new("cp").arg("-r").arg(folder.join("data")).arg(&backup).status().unwrap().success());
    let ok = |output: Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let almoner =
        |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_almoner")).args(arguments).output().unwrap();
    let report: Value = serde_json::from_str(&ok(almoner(&[
        "audit",
        "verify",
        "--json",
        "--from",
        backup.to_str().unwrap(),
    ])))
    .unwrap();
    let key = report["key"].as_str().unwrap().to_owned();

    let served = Served::start(&folder);
    let (file, kept) = (folder.join("in/rhw-flex.csv"), root.path().join("receipts"));
    let (file, kept) = (file.to_str().unwrap(), kept.to_str().unwrap());
    let old = root.path().join("old");
    let old = old.to_str().unwrap();
    ok(served.command(&folder, "RHW", &["receipt", "checkpoint", "--out", old]));
    ok(served.command(&folder, "RHW", &["submit", "--provider", "RHW", file, "--again", "--receipts", kept]));
    let lines = fs::read_to_string(file).unwrap().lines().count() - 1;
    let files: Vec<_> = fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), lines, "accepted, contested and unreadable alike");
    assert!(files.iter().all(|file| file.metadata().unwrap().len() < 2_000), "small files");

    // Offline, with nothing but the key.
    let mut verify = vec!["receipt", "verify", "--key", &key];
    verify.extend(files.iter().map(|file| file.to_str().unwrap()));
    assert_eq!(ok(almoner(&verify)).lines().count(), lines);
    let proof = root.path().join("proof");
    let newer = files[0].to_str().unwrap();
    let consistency =
        ["receipt", "consistency", old, newer, "--key", &key, "--proof", proof.to_str().unwrap()];
    ok(served.command(&folder, "auditor", &consistency));
    // The proof is there now: no server is asked.
    assert!(ok(almoner(&consistency)).contains("those that the older checkpoint signs for"));
    let stopped = Command::new("kill").args(["-s", "TERM", &served.0.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let mut served = served;
    assert!(served.0.wait().unwrap().success());

    let data = folder.join("data");
    let proved = |data: &Path| {
        let data = data.to_str().unwrap();
        let output = almoner(&[
            "audit",
            "verify",
            "--json",
            "--from",
            data,
            "--key",
            &key,
            "--receipt",
            kept,
            "--checkpoint",
            old,
        ]);
        (output.status.success(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let (sound, report) = proved(&data);
    assert!(sound, "{report:#}");
    assert_eq!((report["receipts"].as_u64(), report["checkpoints"].as_u64()), (Some(lines as u64), Some(1)));
    let (sound, report) = proved(&backup);
    assert!(!sound && report["outcome"] == "wrong", "an older copy: {report:#}");
    assert!(report["findings"].to_string().contains("contradicts the journal"), "{report:#}");
}

#[test]
fn a_wrong_entry_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("demo");
    assert!(demo(&folder, &[]).status.success());
    let served = Served::start(&folder);
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();

    let before = served.command(&folder, "auditor", &["position", "show"]);
    assert!(before.status.success(), "{}", text(&before));
    let words = ["ledger", "entries", "--kind", "activity", "--csv"];
    let entries = text(&served.command(&folder, "auditor", &words));
    let activity = entries.lines().find(|line| line.contains(",referrals:")).unwrap();
    let number = activity.split(',').next().unwrap();
    let reversed = served.command(
        &folder,
        "finance-approver",
        &["ledger", "reverse", number, "--reason", "a mistake that must be found"],
    );
    assert!(reversed.status.success(), "{}", String::from_utf8_lossy(&reversed.stderr));

    let after = served.command(&folder, "auditor", &["position", "show"]);
    assert!(!after.status.success());
    let shown = text(&after);
    assert!(shown.contains("ACTIVITY_NOT_IN_LEDGER") && shown.contains("contract monitoring"), "{shown}");
    assert!(shown.contains("debits less credits £0.00"), "the ledger itself still balances: {shown}");
}
