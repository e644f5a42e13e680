//! Witnesses over loopback: what they cosign, what they refuse, and money that waits for them.

use crate::logs::{send, verifier};
use crate::settlement::{approve, pay, prepare, run_of, submit};
use crate::world::{SYSTEM, by, id, reason, settling::Settling};
use journal::{
    AddCheckpoint, Checkpoint, CheckpointSigner, Digest, LogKey, Origin, Service, Tree, consistency_proof,
    leaf_hash, node_hash,
};
use proto::settlement::v1::{self, settlement_run::State, settlement_service_server::SettlementService as _};
use server::{Witness, WitnessAt, WitnessConfig, WitnessPolicy, Witnessing};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use tokio::{sync::oneshot, task::JoinHandle};

/// A witness that runs.
pub(crate) struct Watching {
    pub(crate) at: WitnessAt,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Watching {
    /// The witness of that number, with its memory in `home`, for the logs with these keys.
    pub(crate) async fn start(home: &Path, number: u8, logs: &[LogKey]) -> Self {
        let config = WitnessConfig {
            name: format!("witness.example/w{number}"),
            address: "127.0.0.1:0".parse().unwrap(),
            state_dir: home.join(format!("w{number}")),
            logs: logs.iter().map(ToString::to_string).collect(),
        };
        let witness = Witness::bind(&config).await.unwrap();
        let (key, address) = (witness.verifier().to_string(), witness.address());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(witness.run(async {
            let _ = stopped.await;
        }));
        Self { at: WitnessAt { key, url: format!("http://{address}") }, address, stop, running }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }
}

/// A witness that nobody runs any more: its key, and a port that nobody listens on.
pub(crate) async fn dead(home: &Path) -> WitnessAt {
    let witness = Watching::start(home, 9, &[]).await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = WitnessAt { url: format!("http://127.0.0.1:{port}"), ..witness.at.clone() };
    witness.stop().await;
    at
}

pub(crate) fn policy(required: u8, witnesses: Vec<WitnessAt>) -> WitnessPolicy {
    let config = Witnessing { required, timeout_seconds: 5, witnesses, ..Witnessing::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("almoner.toml");
    let base = server::Config { witnessing: config, ..server::Config::default() };
    std::fs::write(&path, base.print()).unwrap();
    let mut read = server::Config::read(&path).unwrap();
    read.listen.insecure_loopback = true;
    read.listen.insecure_caller = vec!["urn:almoner:person:op".into()];
    read.check().unwrap().witnessing
}

pub(crate) fn settlements_key(folder: &Path) -> LogKey {
    LogKey::from(&verifier(folder, SYSTEM, Service::Settlement))
}

/// A system in which a run can be prepared.
pub(crate) async fn ready(folder: &Path, policy: WitnessPolicy) -> Settling {
    let mut world = Settling::start_watched(folder, policy).await;
    world.register().await;
    submit(&mut world, "first", 0..4).await;
    world.advance("2017-08-22T09:00:00Z").await;
    world
}

pub(crate) async fn approved(world: &Settling, number: u32) -> v1::SettlementRun {
    let prepared = world.settlement.prepare_run(by("ann", prepare(number))).await.unwrap().into_inner();
    let run = prepared.change.unwrap().run.unwrap();
    let answer =
        world.settlement.approve_run(by("bob", approve(number + 1, &run))).await.unwrap().into_inner();
    answer.change.unwrap().run.unwrap()
}

pub(crate) async fn waive(
    world: &Settling,
    who: &str,
    number: u32,
    run: &v1::SettlementRun,
    why: &str,
) -> Result<v1::SettlementRun, String> {
    let request = v1::WaiveWitnessesRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        run: run.run.clone(),
        digest: run.digest.clone(),
        reason: why.into(),
    };
    let answer =
        world.settlement.waive_witnesses(by(who, request)).await.map_err(|status| reason(&status))?;
    Ok(answer.into_inner().change.unwrap().run.unwrap())
}

pub(crate) async fn paid(
    world: &Settling,
    number: u32,
    run: &v1::SettlementRun,
) -> Result<v1::SettlementRun, String> {
    let answer =
        world.settlement.pay_run(by("ann", pay(number, run))).await.map_err(|status| reason(&status))?;
    Ok(answer.into_inner().change.unwrap().run.unwrap())
}

async fn seen_by(world: &Settling, run: &v1::SettlementRun) -> Vec<String> {
    run_of(world, &run.run).await.run.unwrap().witnesses.unwrap().cosigned_by
}

#[tokio::test(flavor = "multi_thread")]
async fn money_waits_for_the_one_witness_and_for_two_of_three() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let keys = [settlements_key(folder.path())];
    let first = Watching::start(home.path(), 1, &keys).await;
    let world = ready(folder.path(), policy(1, vec![first.at.clone()])).await;
    let run = approved(&world, 200).await;
    let witnesses = run.witnesses.clone().unwrap();
    let origins: Vec<_> = witnesses.pinned.iter().map(|pin| pin.origin.rsplit('/').next().unwrap()).collect();
    assert_eq!((witnesses.required_count, origins), (1, vec!["ledger", "referrals"]));
    assert!(witnesses.pinned.iter().all(|pin| pin.size > 0));
    assert_eq!(paid(&world, 202, &run).await.unwrap().state(), State::Paying);
    assert_eq!(seen_by(&world, &run).await, ["witness.example/w1"]);
    world.stop().await;

    // Of three, one is dead and one knows nothing of this log: one is not two. With a second that knows it, it is.
    let (second, third) =
        (Watching::start(home.path(), 2, &keys).await, Watching::start(home.path(), 3, &[]).await);
    let dead = dead(home.path()).await;
    let (folder, few) =
        (tempfile::tempdir().unwrap(), vec![first.at.clone(), third.at.clone(), dead.clone()]);
    let keys = [settlements_key(folder.path())];
    first.stop().await;
    let first = Watching::start(home.path(), 1, &keys).await;
    second.stop().await;
    let second = Watching::start(home.path(), 2, &keys).await;
    let few = few.into_iter().map(|at| if at.key == first.at.key { first.at.clone() } else { at }).collect();
    let world = ready(folder.path(), policy(2, few)).await;
    let run = approved(&world, 200).await;
    assert_eq!(paid(&world, 202, &run).await.unwrap_err(), "NOT_WITNESSED");
    assert_eq!(run_of(&world, &run.run).await.run.unwrap().state(), State::Approved);
    world.stop().await;
    let enough = vec![first.at.clone(), second.at.clone(), dead];
    let world = Settling::start_watched(folder.path(), policy(2, enough)).await;
    // The approval named the witnesses: it must be given again under the new ones.
    assert_eq!(paid(&world, 203, &run).await.unwrap_err(), "NOT_WITNESSED");
    let run = approved(&world, 210).await;
    assert_eq!(paid(&world, 212, &run).await.unwrap().state(), State::Paying);
    assert_eq!(seen_by(&world, &run).await, ["witness.example/w1", "witness.example/w2"]);
    world.stop().await;
    for witness in [first, second, third] {
        witness.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvers_waive_and_one_does_not() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = ready(folder.path(), policy(1, vec![dead(home.path()).await])).await;
    let run = approved(&world, 200).await;
    let why = "the witness is down";
    assert_eq!(paid(&world, 202, &run).await.unwrap_err(), "NOT_WITNESSED");
    let proposed = waive(&world, "bob", 203, &run, why).await.unwrap();
    assert!(proposed.witnesses.unwrap().waiting, "one approver is not two");
    assert_eq!(paid(&world, 204, &run).await.unwrap_err(), "NOT_WITNESSED");
    assert_eq!(waive(&world, "bob", 205, &run, why).await.unwrap_err(), "SAME_PERSON");
    assert_eq!(waive(&world, "cat", 206, &run, "no reason").await.unwrap_err(), "DIGEST_MISMATCH");
    let waived = waive(&world, "cat", 207, &run, why).await.unwrap();
    let shown = waived.witnesses.unwrap().waiver.unwrap();
    assert!(shown.reason == why && shown.approver.is_some_and(|approver| approver != shown.proposer));
    assert_eq!(paid(&world, 208, &run).await.unwrap().state(), State::Paying);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rolled_back_or_forked_finds_no_witness() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let keys = [settlements_key(folder.path())];
    let witness = Watching::start(home.path(), 1, &keys).await;
    let policy = policy(1, vec![witness.at.clone()]);
    let world = ready(folder.path(), policy.clone()).await;
    world.stop().await;
    let backup = home.path().join("backup");
    let copied = std::process::Command::new("cp").arg("-a").args([folder.path(), &backup]).status().unwrap();
    assert!(copied.success());
    let world = Settling::start_watched(folder.path(), policy.clone()).await;
    let run = approved(&world, 300).await;
    assert_eq!(paid(&world, 302, &run).await.unwrap().state(), State::Paying);
    world.stop().await;
    // The backup goes on as if nothing had happened: first shorter than what the witness saw, then longer, and never the same.
    let world = Settling::start_watched(&backup, policy).await;
    for number in [400, 410, 420, 430, 440, 450] {
        let run = approved(&world, number).await;
        assert_eq!(paid(&world, number + 2, &run).await.unwrap_err(), "NOT_WITNESSED", "{number}");
    }
    world.stop().await;
    witness.stop().await;
}

/// A log of our own, of which a witness may be shown anything.
struct Log {
    leaves: Vec<Digest>,
    signer: CheckpointSigner,
}

impl journal::Nodes for Log {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        let (width, index) = (1_usize << level, usize::try_from(index).unwrap());
        let mut hashes = self.leaves[index * width..(index + 1) * width].to_vec();
        while hashes.len() > 1 {
            hashes = hashes.chunks(2).map(|pair| node_hash(pair[0], pair[1])).collect();
        }
        Ok(hashes[0])
    }
}

impl Log {
    fn new(of: &[u8]) -> Self {
        let origin = Origin::new([7; 16], &SYSTEM.parse().unwrap(), Service::Ledger);
        let leaves = of.iter().map(|byte| leaf_hash(&[*byte])).collect();
        Self { leaves, signer: CheckpointSigner::new(origin, &[7; 32]) }
    }

    fn offer(&self, old_size: u64, new: u64) -> AddCheckpoint {
        let mut tree = Tree::new();
        for leaf in self.leaves.iter().take(usize::try_from(new).unwrap()) {
            tree.append(*leaf);
        }
        let note = self.signer.sign(&Checkpoint { size: new, root: tree.root() });
        AddCheckpoint { old_size, proof: consistency_proof(old_size, new, self).unwrap_or_default(), note }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_answers_as_tlog_witness_says() {
    let home = tempfile::tempdir().unwrap();
    let (log, fork) = (Log::new(b"abcdefgh"), Log::new(b"abXdefgh"));
    let keys = [LogKey::from(log.signer.verifier())];
    let witness = Watching::start(home.path(), 1, &keys).await;
    let key: journal::WitnessVerifier = witness.at.key.parse().unwrap();
    let post = |address: SocketAddr, body: String| {
        let length = body.len();
        let head = "POST /add-checkpoint HTTP/1.1\r\nhost: witness\r\nconnection: close\r\ncontent-length:";
        send(address, &format!("{head} {length}\r\n\r\n{body}"))
    };
    let say = |offer: &AddCheckpoint| post(witness.address, offer.to_string());
    let other = CheckpointSigner::new(log.signer.verifier().origin().clone(), &[8; 32]);
    let stranger = Origin::new([8; 16], &SYSTEM.parse().unwrap(), Service::Ledger);
    let tree = |signer: &CheckpointSigner| AddCheckpoint {
        old_size: 0,
        proof: Vec::new(),
        note: signer.sign(&Checkpoint { size: 1, root: log.leaves[0] }),
    };
    let (status, _, line) = say(&log.offer(0, 3));
    assert_eq!(status, 200);
    let cosigned = format!("{}{}", log.offer(0, 3).note, String::from_utf8(line).unwrap());
    assert!(key.cosigned(&cosigned).is_some());
    assert_eq!(say(&log.offer(3, 5)).0, 200);
    assert_eq!(say(&log.offer(5, 5)).0, 200, "the same again");
    let (status, head, body) = say(&log.offer(3, 8));
    assert!(status == 409 && head.contains("text/x.tlog.size") && body == b"5\n", "{head}");
    assert_eq!(say(&fork.offer(5, 8)).0, 422, "a fork");
    assert_eq!(say(&fork.offer(5, 5)).0, 409, "a fork of the same size");
    assert_eq!(say(&log.offer(4, 4)).0, 409, "rolled back");
    assert_eq!(say(&AddCheckpoint { old_size: 5, ..log.offer(0, 4) }).0, 400);
    assert_eq!(say(&tree(&other)).0, 403);
    assert_eq!(say(&tree(&CheckpointSigner::new(stranger, &[7; 32]))).0, 404);
    assert_eq!(post(witness.address, "nothing".into()).0, 400);
    assert_eq!(post(witness.address, "x".repeat(70_000)).0, 400);
    assert_eq!(
        send(witness.address, "GET /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n").0,
        405
    );
    assert_eq!(send(witness.address, "GET / HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n").0, 404);
    // It remembers, with the same key.
    witness.stop().await;
    let witness = Watching::start(home.path(), 1, &keys).await;
    assert_eq!(witness.at.key, key.to_string());
    assert_eq!(post(witness.address, fork.offer(0, 8).to_string()).0, 409);
    assert_eq!(post(witness.address, log.offer(5, 8).to_string()).0, 200);
    // The log's key is changed: the witness follows when its operator says so, from what it saw under the old one.
    let changed = |log: Log| Log { signer: other.clone(), ..log };
    let (log, fork) = (changed(Log::new(b"abcdefghij")), changed(Log::new(b"abXdefghij")));
    assert_eq!(post(witness.address, log.offer(8, 10).to_string()).0, 403);
    witness.stop().await;
    let keys = [keys[0].clone(), LogKey::from(other.verifier())];
    let witness = Watching::start(home.path(), 1, &keys).await;
    assert_eq!(post(witness.address, fork.offer(8, 10).to_string()).0, 422);
    assert_eq!(post(witness.address, log.offer(8, 10).to_string()).0, 200);
    witness.stop().await;
}
