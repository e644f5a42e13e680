//! How fast groups become durable and come back: `cargo run --release -p storage --example append -- [folder]`.
#![expect(clippy::print_stdout, clippy::float_arithmetic, reason = "a measurement prints its figures")]

use journal::{
    CheckpointSigner, Day, Fingerprint, Header, Instant, Kind, Origin, Position, Service, SystemName,
};
use std::sync::Arc;
use std::time::Duration;
use storage::{FolderDisk, Options, SegmentStore};

const GROUPS: u64 = 200;

fn main() {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, Into::into);
    for (records, body) in [(8_000, 62), (1_000, 62), (1, 62)] {
        let folder = tempfile::tempdir_in(&parent).expect("a temporary folder");
        measure(folder.path(), records, body);
    }
}

fn measure(folder: &std::path::Path, records: u64, body: usize) {
    let open = || {
        let origin = Origin::new([7; 16], &SystemName::national(), Service::Ledger);
        let signer = CheckpointSigner::new(origin, &[7; 32]);
        SegmentStore::open(Arc::new(FolderDisk), folder, signer, Options::default()).expect("opens")
    };
    let (mut store, _) = open().finish().expect("recovers");
    let header = Header {
        kind: Kind(100),
        system: SystemName::national().tag(),
        position: Position::FIRST,
        recorded_time: Instant::from_micros(0),
        business_date: Day::new(0),
        cause: None,
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().expect("an id"),
        fingerprint: Fingerprint([0; 16]),
        caller: Position::FIRST,
    };
    let mut times = Vec::new();
    for _ in 0..GROUPS {
        let first = store.durable_before().get();
        let group: Vec<Vec<u8>> = (first..first + records)
            .map(|position| {
                let mut record = Vec::new();
                let header = Header { position: Position::new(position), ..header };
                header.write_record(&vec![1; body], &mut record).expect("fits");
                record
            })
            .collect();
        let start = std::time::Instant::now();
        store.append(group.iter().map(Vec::as_slice)).expect("appends");
        times.push(start.elapsed());
    }
    drop(store);
    let start = std::time::Instant::now();
    let (store, _) = open().finish().expect("recovers");
    let recovered = start.elapsed();
    let all = store.durable_before().get() as f64;
    let total: Duration = times.iter().sum();
    times.sort();
    println!(
        "{records} records of {} bytes a group: {:.0} records/s, p50 {:?}, p99 {:?}, longest {:?}; recovery {:.0} records/s",
        body + journal::HEADER_BYTES,
        all / total.as_secs_f64(),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1],
        all / recovered.as_secs_f64(),
    );
}
