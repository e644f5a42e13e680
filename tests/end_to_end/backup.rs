//! Backup, restore, mirror and scrub by the real binary: a drill, as an operator would hold it.

use crate::kill::{LINES, PROVIDER, SYSTEM, books, check, send_counting};
use crate::support::{Installation, binary};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

/// Whether it exits 0, and what it says.
fn almoner<W: AsRef<OsStr>>(words: &[W]) -> (bool, String) {
    let done = Command::new(binary()).args(words).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(said).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A byte of the middle of a segment, flipped behind everybody's back.
fn damage(segment: &Path) {
    let file = std::fs::File::options().read(true).write(true).open(segment).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 2_000).unwrap();
    file.write_all_at(&[byte[0] ^ 4], 2_000).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_data_folder_is_restored_and_answers_the_same() {
    let installation = Installation::played();
    let data = installation.data();
    let (backups, keys) = (data.with_file_name("backups"), data.with_file_name("keys"));
    let copied = Command::new("cp").arg("-a").arg(data.join("keys")).arg(&keys).status().unwrap();
    assert!(copied.success());
    let mut answered = BTreeMap::new();

    let process = installation.serve(&[]);
    // Taken while lines come in.
    let channel = installation.connect(&process, PROVIDER).await;
    let mut runs = Vec::new();
    send_counting(channel, 1, &mut answered, || {
        if runs.len() < 3 {
            let name = format!("run-{}", runs.len());
            let words = ["backup", "--data-dir", text(&data), "--to", text(&backups), "--name", &name];
            runs.push(almoner(&words));
        }
    })
    .await
    .unwrap();
    assert!(runs.iter().all(|(done, _)| *done), "{runs:?}");
    let owed = check(&answered);
    assert_eq!(process.stop(), Some(0));
    let (done, said) =
        almoner(&["backup", "--data-dir", text(&data), "--to", text(&backups), "--name", "run-9"]);
    assert!(done, "{said}");

    // The disk is lost, but for what an auditor kept: the checkpoints.
    let lost = data.with_file_name("lost");
    std::fs::rename(&data, &lost).unwrap();
    let restore = |run: &str| {
        let words = [
            "restore",
            "--from",
            text(&backups),
            "--run",
            run,
            "--data-dir",
            text(&data),
            "--keys",
            text(&keys),
            "--known",
            text(&lost),
        ];
        almoner(&words)
    };
    let (done, said) = restore("run-0");
    assert!(!done && said.contains("restoring it loses acknowledged records"), "{said}");
    assert!(!data.join(SYSTEM).exists(), "nothing was restored");
    let (done, said) = restore("run-9");
    assert!(done, "{said}");
    let (done, said) = almoner(&["audit", "verify", "--from", text(&data)]);
    assert!(done, "{said}");
    let process = installation.serve(&[]);
    send_counting(installation.connect(&process, PROVIDER).await, 1, &mut answered, || ()).await.unwrap();
    assert_eq!(books(&installation, &process, &process, owed).await, (LINES, owed));
    assert_eq!(process.stop(), Some(0));

    // A run taken under load hangs together as well: what it lacks is sent again, and the books tie.
    std::fs::remove_dir_all(&data).unwrap();
    let words = [
        "restore",
        "--from",
        text(&backups),
        "--run",
        "run-2",
        "--data-dir",
        text(&data),
        "--keys",
        text(&keys),
    ];
    let (done, said) = almoner(&words);
    assert!(done, "{said}");
    let process = installation.serve(&[]);
    let mut anew = BTreeMap::new();
    send_counting(installation.connect(&process, PROVIDER).await, 1, &mut anew, || ()).await.unwrap();
    let owed = check(&anew);
    assert_eq!(books(&installation, &process, &process, owed).await, (LINES, owed));
    assert_eq!(process.stop(), Some(0));
}

/// Every file of both copies' journals and blobs, with its content.
fn copies_of(root: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if below.iter().any(|part| part == "journal" || part == "blobs") {
                files.insert(below, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_key_is_changed_in_both_copies_of_a_journal() {
    let mut installation = Installation::played();
    let (data, mirror) = (installation.data(), installation.data().with_file_name("mirror"));
    installation.mirror = Some(mirror.clone());
    assert_eq!(installation.serve(&[]).stop(), Some(0));
    let next = data.with_file_name("next");
    let keys = |words: &[&str]| almoner(&[&["keys"], words, &["--data-dir", text(&data)]].concat());
    let (done, said) = keys(&["rotate", "--escrow", text(&next), "--journal-mirror", text(&mirror)]);
    assert!(done && said.contains("berkshire-west/ledger: changed by record"), "{said}");
    let (first, second) = (copies_of(&data), copies_of(&mirror));
    assert!(first.keys().eq(second.keys()), "{:?} against {:?}", first.keys(), second.keys());
    assert!(first == second, "the change stands in both copies");

    // One of them alone is enough to go on, under the next key.
    let ledger = data.join(SYSTEM).join("ledger/journal");
    std::fs::remove_file(ledger.join("00000000.segment")).unwrap();
    std::fs::remove_file(ledger.join("checkpoint")).unwrap();
    assert_eq!(installation.serve(&[]).stop(), Some(0));
    let (done, said) = almoner(&["audit", "verify", "--from", text(&data)]);
    assert!(done, "{said}");
    let (done, said) = keys(&["history"]);
    assert!(done && said.contains("berkshire-west/ledger"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_mends_a_damaged_journal_by_hand_and_at_a_start() {
    let mut installation = Installation::played();
    let (data, mirror) = (installation.data(), installation.data().with_file_name("mirror"));
    installation.mirror = Some(mirror.clone());
    let process = installation.serve(&[]);
    let mut answered = BTreeMap::new();
    send_counting(installation.connect(&process, PROVIDER).await, 1, &mut answered, || ()).await.unwrap();
    let command = |what: &str| {
        almoner(&["journal", what, "--data-dir", text(&data), "--journal-mirror", text(&mirror)])
    };
    let (done, said) = command("scrub");
    assert!(done && said.contains("berkshire-west/ledger: sound"), "while it runs: {said}");
    let (done, said) = command("repair");
    assert!(!done && said.contains("in use by another process"), "{said}");
    assert_eq!(process.stop(), Some(0));

    let ledger = |root: &Path| root.join(SYSTEM).join("ledger/journal/00000000.segment");
    damage(&ledger(&data));
    let (done, said) = almoner(&["journal", "scrub", "--data-dir", text(&data)]);
    assert!(!done && said.contains(text(&ledger(&data))) && said.contains("where record "), "{said}");
    let (done, said) = command("scrub");
    assert!(!done && said.contains("to be copied"), "{said}");
    let (done, said) = command("repair");
    assert!(done && said.contains(text(&ledger(&data))), "{said}");
    let (done, said) = command("scrub");
    assert!(done, "{said}");

    damage(&ledger(&mirror));
    damage(&data.join(SYSTEM).join("referrals/journal/00000000.segment"));
    let process = installation.serve(&[]);
    send_counting(installation.connect(&process, PROVIDER).await, 1, &mut answered, || ()).await.unwrap();
    let owed = check(&answered);
    assert_eq!(books(&installation, &process, &process, owed).await, (LINES, owed));
    assert_eq!(process.stop(), Some(0));
    let (done, said) = command("scrub");
    assert!(done, "{said}");
}
