//! Rates and percentiles.

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// The machine's load average over the last minute, as text; empty where the system does not tell.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The memory that this process holds.
pub(crate) fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = text.split("VmRSS:").nth(1).and_then(|rest| rest.split_whitespace().next());
    kilobytes.and_then(|figure| figure.parse::<u64>().ok()).unwrap_or_default() * 1_024
}

/// The processor time that a process has had so far, in microseconds: `self`, or the number of another one. Counted in hundredths
/// of a second, and unlike a rate hardly changed by whatever else the machine does.
pub(crate) fn processor_micros(process: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is a name in brackets; user and system time are the fourteenth and the fifteenth.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10_000
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

/// How many callers call at once, and how often each.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) callers: usize,
    pub(crate) each: usize,
}

/// Every caller calls, one call after the other, with its own number and the call's: rate and percentiles.
pub(crate) async fn unary<F>(calls: Calls, call: impl Fn(usize, usize) -> F + Clone + Send + 'static) -> Value
where
    F: Future<Output = ()> + Send + 'static,
{
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..calls.callers {
        let call = call.clone();
        callers.spawn(async move {
            let mut times = Vec::with_capacity(calls.each);
            for n in 0..calls.each {
                let began = Instant::now();
                call(caller, n).await;
                times.push(began.elapsed());
            }
            times
        });
    }
    let times: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    let rate = per_second(times.len(), started.elapsed().as_secs_f64());
    json!({ "callers": calls.callers, "per_second": rate, "latency": percentiles(times) })
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
