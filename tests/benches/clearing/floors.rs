//! What the machine can do at best.

use crate::measure::{per_second, percentiles, timed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

pub(crate) fn all(folder: &Path) -> Value {
    json!({
        "fdatasync_4k_preallocated": fdatasync(folder),
        "sha256_of_256_bytes_per_second": sha256(),
    })
}

/// One 4 KiB write and fdatasync at a time into a file of zeros: the least that one durable answer costs.
fn fdatasync(folder: &Path) -> Value {
    const WRITES: usize = 2_000;
    let mut file = std::fs::File::create(folder.join("floor")).unwrap();
    file.write_all(&vec![0; WRITES * 4_096]).unwrap();
    file.sync_all().unwrap();
    let block = [7; 4_096];
    let times = (0..WRITES).map(|n| {
        let started = Instant::now();
        file.write_all_at(&block, n as u64 * 4_096).unwrap();
        file.sync_data().unwrap();
        started.elapsed()
    });
    percentiles(times.collect())
}

fn sha256() -> u64 {
    const HASHES: usize = 1_000_000;
    let mut block = [7u8; 256];
    let ((), seconds) = timed(|| {
        for _ in 0..HASHES {
            let hash = Sha256::digest(block);
            block[..32].copy_from_slice(&hash);
        }
    });
    per_second(HASHES, seconds)
}
