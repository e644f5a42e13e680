//! What is checked of witnesses, and asking one of them from many sides at once.

use super::*;
use crate::{
    journals::tests::{add, close, known, open},
    witness::{Witness, WitnessConfig},
};
use journal::{CheckpointSigner, LogKey, Origin};

#[test]
fn everything_wrong_with_witnesses_is_named() {
    let key = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let at = |key: &str, url: &str| WitnessAt { key: key.into(), url: url.into() };
    let good =
        Witnessing { required: 1, witnesses: vec![at(key, "http://w:7480/")], ..Witnessing::default() };
    let policy = good.check(|wrong| panic!("{wrong}"));
    assert_eq!(policy.witnesses[0].1.to_string(), "http://w:7480/add-checkpoint");
    let bad = Witnessing {
        required: 4,
        interval_seconds: 0,
        witnesses: vec![
            at(key, "https://w"),
            at("w+1+x", "http://w"),
            at(key, "http://w"),
            at(key, "http://v"),
        ],
        ..Witnessing::default()
    };
    let mut wrong = Vec::new();
    bad.check(|line| wrong.push(line.split(": ").next().unwrap().to_owned()));
    assert_eq!(
        wrong,
        [
            "witnessing.witnesses[0].url",
            "witnessing.witnesses[1].key",
            "witnessing.witnesses[3].key",
            "witnessing.interval_seconds"
        ]
    );
}

/// A payment and the round of all journals ask at the same time, of a witness that saw the log before this process began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_asked_by_many_at_once_cosigns_for_each() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let origin = Origin::new([1; 16], &known(), Service::Referrals);
    let log = LogKey::from(CheckpointSigner::new(origin, &[2; 32]).verifier());
    let config = WitnessConfig {
        name: "witness.example/w1".to_owned(),
        address: ([127, 0, 0, 1], 0).into(),
        state_dir: home.path().to_owned(),
        logs: vec![log.to_string()],
    };
    let witness = Witness::bind(&config).await.unwrap();
    let at = WitnessAt { key: witness.verifier().to_string(), url: format!("http://{}", witness.address()) };
    let witnessing = Witnessing { required: 1, witnesses: vec![at], ..Witnessing::default() };
    let policy = witnessing.check(|wrong| panic!("{wrong}"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(witness.run(async {
        let _ = stopped.await;
    }));
    let mut id = 0;
    for restart in 1..=8 {
        // It does not know what the witness saw last.
        let cosigner = Cosigner::new(policy.clone());
        let asking: Vec<_> = (0..6)
            .map(|_| {
                id += 1;
                let request = add(id, 1);
                async {
                    let position = handle.submit(request).await.unwrap().position;
                    cosigner.cosign(Service::Referrals, &handle, position.next().get()).await.unwrap()
                }
            })
            .collect();
        for cosigned in join_all(asking).await {
            assert_eq!(cosigned.by, ["witness.example/w1"], "restart {restart}");
        }
    }
    stop.send(()).unwrap();
    running.await.unwrap();
    close(journals).await;
}
