//! A ledger of many entries: whether anything grows with them that should not.

use crate::journal_of_ledger::{Ids, accounts, batches, open, system, verified};
use crate::measure::{memory_bytes, per_second, timed, used_bytes};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Postings made before each look, and measured at each.
const STEP: usize = 400_000;

/// The sizes at which the figures are taken, up to the one asked for.
const SIZES: [usize; 4] = [1_000_000, 5_000_000, 10_000_000, 50_000_000];

pub(crate) fn all(folder: &Path, entries: usize) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measured(folder, entries))
}

async fn measured(folder: &Path, entries: usize) -> Value {
    let folder = folder.join("ledger");
    let before = memory_bytes();
    let journals = open(&folder);
    let handle = journals.get(&system()).await.unwrap();
    let accounts = accounts(&handle).await;
    let mut ids = Ids::default();
    let mut figures = serde_json::Map::new();
    let mut made = 0;
    for size in SIZES.into_iter().filter(|size| *size < entries).chain([entries]) {
        while made + STEP < size {
            batches(&handle, accounts, &mut ids, 8_000, 4, STEP).await;
            made += STEP;
        }
        let rate = batches(&handle, accounts, &mut ids, 8_000, 4, STEP).await;
        made += STEP;
        let figure = json!({ "postings_per_second_in_batches_of_8000": rate, "memory_bytes": memory_bytes() - before });
        eprintln!("{made} entries: {figure}");
        figures.insert(format!("{made}_entries"), figure);
    }
    let records = handle.durable_count();
    let closing = Arc::clone(&journals);
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    drop((handle, journals));
    let starts = starts(&folder, records as usize).await;
    json!({
        "sizes": figures,
        "records": records,
        "disk_bytes_per_posting": used_bytes(&folder) / records,
        "starts": starts,
        "verified_records_per_second": verified(&folder, records as usize),
    })
}

/// How long a start takes: the first has no snapshot to start from and leaves one, the second takes that.
async fn starts(folder: &Path, records: usize) -> Value {
    let mut starts = Vec::new();
    for _ in 0..2 {
        let (journals, seconds) = timed(|| open(folder));
        tokio::task::spawn_blocking(move || journals.close()).await.unwrap();
        starts.push(json!({ "seconds": seconds, "records_per_second": per_second(records, seconds) }));
    }
    json!({ "replaying_everything": starts[0], "from_a_snapshot_checking_everything": starts[1] })
}
