//! Rates and percentiles.

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// The machine's load average over the last minute, as text; empty where the system does not tell.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Runs `work` and returns its result with the seconds it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let value = work();
    (value, started.elapsed().as_secs_f64())
}

/// `count` per second, as a whole number.
pub(crate) fn per_second(count: usize, seconds: f64) -> u64 {
    (count as f64 / seconds) as u64
}

/// Median and 99th percentile in microseconds.
pub(crate) fn percentiles(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |percent: usize| {
        times.get((times.len() * percent / 100).min(times.len() - 1)).map(Duration::as_micros)
    };
    json!({ "p50_us": at(50), "p99_us": at(99) })
}

/// Bytes written into every journal below `folder`: of each segment, up to its last byte that is not zero.
pub(crate) fn used_bytes(folder: &Path) -> u64 {
    let mut used = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            used += used_bytes(&path);
        } else if path.extension().is_some_and(|extension| extension == "segment") {
            let bytes = std::fs::read(path).unwrap();
            used += bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        }
    }
    used
}
