//! Kill -9, power cuts and failing system calls under concurrent load, round after round: what was acknowledged is there exactly
//! once, the books tie, and every receipt still proves its record.
//!
//! Twenty rounds as a rule; `cargo xtask torture` asks for more with `ALMONER_TORTURE_ROUNDS`.

use crate::kill::{BATCH, LINES, PROVIDER, SYSTEM, books, check, send_counting, send_from};
use crate::real_disk::{LoopDisk, strace};
use crate::support::{Installation, Process, binary, say};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use journal::{Digest, Position, ProvenRange, Receipt};
use proto::journal::v1::GetReceiptsRequest;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use proto::referrals::v1::LineAnswer;
use proto::registry::v1::registry_service_client::RegistryServiceClient;
use proto::registry::v1::{AdvanceClockRequest, AdvanceClockResponse};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Status;

/// Providers' systems that send at the same time, each a file after the other.
const CLIENTS: u8 = 3;

/// How many rounds: the usual number, or what the torture asks for.
fn rounds(usual: u64) -> u64 {
    let asked = std::env::var("ALMONER_TORTURE_ROUNDS").ok().and_then(|text| text.parse::<u64>().ok());
    // The ratio of the tests among themselves stays.
    asked.map_or(usual, |asked| asked * usual / 20)
}

/// Adds a line to the torture's report: what happened, and how often.
fn report(test: &str, counts: &[(&str, u64)]) {
    let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{what}={count}")).collect();
    let line = format!("{test} {}", counts.join(" "));
    say(&line);
    if let Some(path) = std::env::var_os("ALMONER_TORTURE_REPORT") {
        use std::io::Write as _;
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

/// What clients know, and what they keep of it.
struct Load {
    /// Each client's file, and the answers to its lines so far.
    files: Vec<(u8, BTreeMap<u64, LineAnswer>)>,
    next_file: u8,
    /// Files sent to their end, and what they come to.
    whole: Vec<(u8, BTreeMap<u64, LineAnswer>)>,
    receipts: tempfile::TempDir,
    kept: usize,
    /// Disasters so far, each followed by a start that recovered.
    rounds: u64,
}

impl Load {
    fn new() -> Self {
        let receipts = tempfile::tempdir().unwrap();
        let files = (1..=CLIENTS).map(|file| (file, BTreeMap::new())).collect();
        Self { files, next_file: CLIENTS + 1, whole: Vec::new(), receipts, kept: 0, rounds: 0 }
    }

    /// Sends until `batches` were answered in all, does `disaster` at once, and takes what was answered by then.
    async fn round(
        &mut self,
        installation: &Installation,
        mut process: Process,
        batches: usize,
        disaster: impl FnOnce(Process),
    ) {
        self.keep_receipts(installation, &mut process).await;
        let (answered, mut counting) = mpsc::unbounded_channel();
        // All are connected before the first one sends: it may be the end of the process.
        let mut connected = Vec::new();
        for (file, known) in std::mem::take(&mut self.files) {
            match installation.connect_while(&mut process, PROVIDER).await {
                Some(channel) => connected.push((file, known, channel)),
                // What the last round left to be delivered met the fault already.
                None => self.files.push((file, known)),
            }
        }
        let mut clients = Vec::new();
        for (file, mut known, channel) in connected {
            let answered = answered.clone();
            clients.push(tokio::spawn(async move {
                // The last batch that was answered once more, and then what was not.
                let from = (known.len() / BATCH).saturating_sub(1);
                let sent = send_from(from, channel, file, &mut known, || {
                    let _ = answered.send(());
                })
                .await;
                (file, known, sent.is_ok())
            }));
        }
        drop(answered);
        for _ in 0..batches {
            // None when every file was sent to its end before.
            if counting.recv().await.is_none() {
                break;
            }
        }
        disaster(process);
        self.rounds += 1;
        for client in clients {
            let (file, known, whole) = client.await.unwrap();
            if whole {
                self.whole.push((file, known));
                // So many patients has the test range.
                self.files.push((self.next_file, BTreeMap::new()));
                self.next_file += 1;
            } else {
                self.files.push((file, known));
            }
        }
    }

    /// Keeps the receipts of a few lines that were answered.
    async fn keep_receipts(&mut self, installation: &Installation, process: &mut Process) {
        let known = self.whole.iter().chain(&self.files).flat_map(|(_, known)| known.values());
        let known: Vec<_> = known.filter_map(|line| line.position).collect();
        if known.is_empty() {
            return;
        }
        let position = known[self.kept * 37 % known.len()];
        let Some(channel) = installation.connect_while(process, PROVIDER).await else { return };
        let mut client = JournalServiceClient::new(channel);
        let request = GetReceiptsRequest {
            system: SYSTEM.into(),
            service: "referrals".into(),
            first_position: position,
            record_count: 1,
        };
        let Ok(answer) = client.get_receipts(request).await else { return };
        let answer = answer.into_inner();
        let digest = |bytes: &Vec<u8>| Digest(bytes.as_slice().try_into().unwrap());
        let leaves: Vec<Digest> = answer.leaf_hashes.iter().map(digest).collect();
        let proof: Vec<Digest> = answer.proof_hashes.iter().map(digest).collect();
        let size: u64 = answer.note.lines().nth(1).unwrap().parse().unwrap();
        let root = answer.note.lines().nth(2).unwrap().to_owned();
        let checkpoint =
            journal::Checkpoint { size, root: Digest(BASE64.decode(root).unwrap().try_into().unwrap()) };
        let range = ProvenRange::verify(&checkpoint, position, &leaves, &proof).expect("a receipt verifies");
        let receipt = Receipt {
            position: Position::new(position),
            leaf: Some(leaves[0]),
            path: range.inclusion_proof(position).unwrap(),
            checkpoint: answer.note,
        };
        self.kept += 1;
        std::fs::write(self.receipts.path().join(format!("{:04}.receipt", self.kept)), receipt.to_string())
            .unwrap();
    }

    /// Sends every file once more to its end, and compares all that is known with the books.
    async fn settle(mut self, test: &str, installation: &Installation) {
        let process = installation.serve(&[]);
        self.files.append(&mut self.whole);
        let (mut lines, mut owed) = (0, 0);
        for (file, known) in &mut self.files {
            let channel = installation.connect(&process, PROVIDER).await;
            send_counting(channel, *file, known, || ()).await.unwrap();
            owed += check(known);
            lines += LINES;
        }
        assert_eq!(books(installation, &process, &process, owed).await, (lines, owed));
        assert_eq!(process.stop(), Some(0));
        verify(installation, Some(self.receipts.path()));
        let (lines, receipts) = (lines as u64, self.kept as u64);
        report(
            test,
            &[
                ("rounds", self.rounds),
                ("faults", self.rounds),
                ("recovered", self.rounds),
                ("refused", 0),
                ("lines", lines),
                ("receipts", receipts),
            ],
        );
    }
}

/// Everything in the data folder is proved, and every receipt in the folder of receipts.
fn verify(installation: &Installation, receipts: Option<&Path>) {
    let mut command = Command::new(binary());
    command.args(["audit", "verify", "--from"]).arg(installation.data());
    if let Some(receipts) = receipts {
        command.arg("--receipt").arg(receipts);
    }
    let verified = command.output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{said}\n{}", String::from_utf8_lossy(&verified.stderr));
}

/// The `n`-th draw below `end`: SplitMix64 (Steele, Lea and Flood, 2014).
fn drawn(n: u64, end: u64) -> usize {
    let seed: u64 =
        std::env::var("ALMONER_TORTURE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut z = seed.wrapping_add(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) % end).unwrap()
}

/// What may befall the read stores: they are derived, and built again.
fn damage_read_stores(data: &Path, round: u64) {
    for service in ["ledger", "referrals"] {
        let folder = data.join(SYSTEM).join(service).join("read");
        let stores = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for store in stores.chain([folder.clone()]).filter(|store| store.join("db").is_file()) {
            let (db, conf) = (store.join("db"), store.join("conf"));
            match round % 5 {
                0 => std::fs::remove_dir_all(&store).unwrap(),
                1 => std::fs::File::options().write(true).open(&db).unwrap().set_len(100).unwrap(),
                2 => {
                    let mut bytes = std::fs::read(&db).unwrap();
                    let used = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0);
                    bytes.iter_mut().take(used).step_by(1 + used / 16).for_each(|byte| *byte ^= 0x10);
                    std::fs::write(&db, bytes).unwrap();
                }
                3 if conf.is_file() => std::fs::write(conf, "segment_size: 1\nversion: 0.1\n").unwrap(),
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_concurrent_load_it_keeps_everything_exactly_once() {
    let installation = Installation::played();
    let mut load = Load::new();
    for round in 0..rounds(20) {
        let process = installation.serve(&[]);
        let batches = 1 + drawn(round, 12);
        load.round(&installation, process, batches, Process::kill).await;
        if round % 4 == 3 {
            damage_read_stores(&installation.data(), round / 4);
        }
    }
    load.settle("kill-9", &installation).await;
}

/// The machine loses power: what was not synced is gone, on a real file system.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_of_a_real_disk_keeps_everything_exactly_once() {
    let mut installation = Installation::played();
    let Some(mut disk) = LoopDisk::new(&installation.data()) else { return };
    installation.move_data(disk.folder());
    let mut load = Load::new();
    for round in 0..rounds(3) {
        let process = installation.serve(&[]);
        let batches = 2 + drawn(round + 1_000, 10);
        load.round(&installation, process, batches, |process| {
            disk.cut_power();
            process.kill();
        })
        .await;
        disk.remount();
    }
    load.settle("power-cuts", &installation).await;
    drop(installation);
}

/// A failed sync or write of a journal ends the process at once: nothing is acknowledged after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_call_that_fails_ends_the_process_and_loses_nothing() {
    let installation = Installation::played();
    let mut load = Load::new();
    let faults = [
        ("referrals", "fdatasync:error=EIO:when=2"),
        ("ledger", "fdatasync:error=EIO:when=2"),
        ("referrals", "pwrite64:error=ENOSPC:when=3"),
        ("ledger", "pwrite64:error=ENOSPC:when=3"),
        ("referrals", "fdatasync:error=EIO:when=5"),
        ("identity", "fdatasync:error=EIO:when=1"),
        ("referrals", "pwrite64:error=EIO:when=1"),
        ("ledger", "pwrite64:error=EIO:when=1"),
    ];
    for (_, (service, fault)) in (0..rounds(4)).zip(faults.into_iter().cycle()) {
        let process = installation.serve(&[]);
        let Some(injecting) = strace(process.id(), fault, &installation.segments(SYSTEM, service)) else {
            process.kill();
            return;
        };
        load.round(&installation, process, usize::MAX, |process| {
            let code = process.wait(Duration::from_secs(60));
            assert_ne!(code, Some(0), "{service}: the process went on without its disk");
        })
        .await;
        injecting.end();
    }
    load.settle("system-calls", &installation).await;
}

/// Begins the `n`-th day after the demo's: every journal of the system records it.
async fn begin_day(
    installation: &Installation,
    process: &Process,
    n: u64,
) -> Result<AdvanceClockResponse, Status> {
    let to: journal::Instant = format!("2017-09-{:02}T06:00:00Z", n + 1).parse().unwrap();
    let request = AdvanceClockRequest {
        system: SYSTEM.into(),
        request_id: format!("0192f0c1-2b3c-7d4e-8f90-{n:012}"),
        advance_to: Some(wire::common::timestamp(to)),
    };
    let mut registry = RegistryServiceClient::new(installation.connect(process, "operator").await);
    registry.advance_clock(request).await.map(tonic::Response::into_inner)
}

/// Whichever service's journal it is: each records the day that begins, and the disk of one of them fails then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_of_any_journal_ends_the_process_and_the_day_begins_again() {
    let installation = Installation::played();
    let faults = ["fdatasync:error=EIO:when=1", "pwrite64:error=ENOSPC:when=1"];
    let mut days = 0;
    for (service, fault) in journal::Service::ALL.into_iter().zip(faults.into_iter().cycle()) {
        let process = installation.serve(&[]);
        let segments = installation.segments(SYSTEM, service.as_str());
        let Some(injecting) = strace(process.id(), fault, &segments) else {
            process.kill();
            return;
        };
        let began = begin_day(&installation, &process, days).await;
        assert!(began.is_err(), "{service}: answered without its disk: {began:?}");
        assert_ne!(process.wait(Duration::from_secs(60)), Some(0), "{service}");
        injecting.end();
        let process = installation.serve(&[]);
        let mut shown = Vec::new();
        for _ in 0..2 {
            let began = begin_day(&installation, &process, days).await.unwrap();
            shown.push(began.clock_time.unwrap().seconds);
        }
        // The clock goes on; it is not moved twice.
        assert!((0..60).contains(&(shown[1] - shown[0])), "{service}: {shown:?}");
        assert_eq!(process.stop(), Some(0), "{service}");
        verify(&installation, None);
        days += 1;
    }
    report("every-journal", &[("rounds", days), ("faults", days), ("recovered", days), ("refused", 0)]);
}
