//! `cargo xtask bench`: what the machine can do, and what almoner does on it, in one run. Prints JSON.
//!
//! Every figure stands beside the floor that bounds it, measured in the same run on the same disk, because absolute times
//! on a shared machine mean little and ratios mean much.
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
#[allow(dead_code, reason = "the end-to-end tests use all of it")]
#[path = "../../end_to_end/support.rs"]
mod support;

use serde_json::json;

fn main() {
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let load = measure::load_average();
    eprintln!("floors…");
    let floors = floors::all(folder.path());
    eprintln!("ledger journal…");
    let ledger = journal_of_ledger::all(folder.path());
    eprintln!("over gRPC…");
    let over_grpc = over_grpc::all();
    let report = json!({
        "load_average_before": load,
        "load_average_after": measure::load_average(),
        "floors": floors,
        "ledger_journal": ledger,
        "over_grpc_with_mutual_tls": over_grpc,
    });
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}
