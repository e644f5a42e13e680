//! `cargo xtask bench`: what the machine can do, and what almoner does on it, in one run. Prints JSON, then
//! tables as README has them.
//!
//! Every figure stands beside the floor that bounds it, measured in the same run on the same disk, because absolute times
//! on a shared machine mean little and ratios mean much.
//!
//! ```text
//! cargo xtask bench                       everything but what needs size
//! cargo xtask bench journal grpc          parts: journal, postgres, grpc
//! cargo xtask bench --entries 10000000    a ledger of that size: rate, memory, start with and without a snapshot
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]
#![allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates, not money"
)]
#![allow(clippy::cast_precision_loss, reason = "rates, not money")]

mod echo;
mod floors;
mod journal_of_ledger;
mod measure;
mod over_grpc;
mod postgres;
mod single;
mod sizes;
#[allow(dead_code, reason = "the end-to-end tests use all of it")]
#[path = "../../end_to_end/support.rs"]
mod support;
mod table;

use serde_json::Value;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, folder] = words.as_slice()
        && word == echo::WORD
    {
        return echo::serve(folder.as_ref());
    }
    let only = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let mut report = serde_json::Map::new();
    report.insert("load_average_before".into(), measure::load_average().into());
    report.insert("floors".into(), floors::all(folder.path()));
    if let Some(at) = words.iter().position(|word| word == "--entries") {
        let entries = words.get(at + 1).and_then(|count| count.parse().ok());
        let entries = entries.expect("--entries needs a number");
        report.insert("at_size".into(), sizes::all(folder.path(), entries));
    } else {
        for (part, measure) in [
            ("journal", &(|| journal_of_ledger::all(folder.path())) as &dyn Fn() -> Value),
            ("postgres", &|| postgres::all(folder.path())),
            ("grpc", &over_grpc::all),
        ] {
            if only(part) {
                eprintln!("{part}…");
                report.insert(part.into(), measure());
            }
        }
    }
    report.insert("load_average_after".into(), measure::load_average().into());
    let report = Value::Object(report);
    println!("{}\n\n{}", serde_json::to_string_pretty(&report).unwrap(), table::of(&report));
}
