//! The figures of one run as README has them: Markdown, each beside the aim.

use serde_json::Value;
use std::fmt::Write as _;

/// The tables of what `report` holds; parts that were not measured have no rows.
pub(crate) fn of(report: &Value) -> String {
    let mut text = format!(
        "{}; load average {} before and {} after.\n\n",
        machine(),
        report["load_average_before"].as_str().unwrap_or_default(),
        report["load_average_after"].as_str().unwrap_or_default(),
    );
    table(&mut text, &["what", "measured", "aim"], &journal(report));
    table(&mut text, &["what", "measured", "bare tonic echo", "aim"], &over_grpc(&report["grpc"]));
    table(&mut text, &["at size", "measured"], &at_size(&report["at_size"]));
    text
}

fn table(text: &mut String, heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "| {} |\n| {} |", heads.join(" | "), vec!["---"; heads.len()].join(" | "));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text.push('\n');
}

fn row<const N: usize>(cells: [String; N]) -> Vec<String> {
    cells.into()
}

fn journal(report: &Value) -> Vec<Vec<String>> {
    let (floors, journal, postgres) = (&report["floors"], &report["journal"], &report["postgres"]);
    let sync = &floors["fdatasync_4k_preallocated"];
    let mut rows = Vec::new();
    let mut add =
        |what: &str, measured: String, aim: &str| rows.push(row([what.into(), measured, aim.into()]));
    if sync.is_object() {
        let hashes = millions(&floors["sha256_of_256_bytes_per_second"]);
        add(
            "floors: one 4 KiB write and `fdatasync` (median); SHA-256 of 256 bytes",
            format!("{} µs; {hashes}/s", micros(sync)),
            "",
        );
    }
    if journal.is_object() {
        let rate = |batch: usize| {
            format!("{} postings/s", grouped(&journal[format!("postings_per_second_in_batches_of_{batch}")]))
        };
        add("ledger journal in process, batches of 8,000", rate(8_000), "500,000");
        add("the same, batches of 1,000", rate(1_000), "");
        add("the same, batches of 100", rate(100), "250,000");
        let one = &journal["one_at_a_time"];
        let allowed = percent(figure(&sync["p50_us"]), figure(&one["p50_us"]));
        add(
            "the same, one at a time",
            format!("{} µs (median): {allowed} % of what `fdatasync` allows", micros(one)),
            "60 %",
        );
        let hashing = &journal["hashing_and_tree"];
        add(
            "hashing and tree: one leaf, about one node a record",
            format!(
                "{:.2} µs, {} % of a posting in batches of 8,000",
                figure(&hashing["nanoseconds_per_record"]) / 1e3,
                hashing["percent_of_the_time_per_posting"]
            ),
            "stated",
        );
        add(
            "disk per posting, in batches: journal; files of request ids",
            format!("{} bytes; about 20 bytes", journal["disk_bytes_per_posting"]),
            "300",
        );
        add("replay", format!("{} records/s", grouped(&journal["replay_records_per_second"])), "1 million");
        add(
            "the offline verifier",
            format!("{} records/s", grouped(&journal["verified_records_per_second"])),
            "1 million",
        );
    }
    if postgres.is_object() {
        // "postgres (PostgreSQL) 15.18 (Debian …)"
        let said = postgres["version"].as_str().unwrap_or_default();
        let version = said.split_whitespace().nth(2).unwrap_or_default();
        let commits = |name: &str| format!("{}/s", grouped(&postgres[name]["per_second"]));
        let lines = |callers: usize| {
            let lines = match callers {
                1 => "lines_per_second_1000_a_commit_1_caller",
                _ => "lines_per_second_1000_a_commit_4_callers",
            };
            format!("{} lines/s", grouped(&postgres[lines]))
        };
        let (one, many) = (commits("1_caller_one_entry_a_commit"), commits("64_callers_one_entry_a_commit"));
        add(
            &format!("PostgreSQL {version} in the same run: one entry a commit, 1 and 64 callers"),
            format!("{one}; {many}"),
            "",
        );
        add(
            "the same, 1,000 lines a commit that it makes by itself, 1 and 4 callers",
            format!("{}; {}", lines(1), lines(4)),
            "",
        );
    }
    rows
}

fn over_grpc(grpc: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if !grpc.is_object() {
        return rows;
    }
    let mut add = |what: &str, measured: String, echo: String, aim: &str| {
        rows.push(row([what.into(), measured, echo, aim.into()]));
    };
    let entries = grouped(&grpc["ledger_entries_per_second_streamed_one_budget_line"]);
    add("ledger entries, streamed", format!("{entries}/s"), String::new(), "half of the journal's");
    let calls =
        |of: &Value| format!("{}/s (median {} µs)", grouped(&of["per_second"]), micros(&of["latency"]));
    for (what, name, aim) in [
        ("one posting a call, one caller", "1_caller", ""),
        (
            "one posting a call, 64 callers, a connection each",
            "64_callers_each_with_a_connection",
            "75 % of the echo",
        ),
        (
            "one posting a call, 64 callers, one connection",
            "64_callers_on_one_connection",
            "75 % of the echo",
        ),
    ] {
        let both = &grpc["one_posting_at_a_time"][name];
        let ours = format!("{}: {} %", calls(&both["ledger"]), both["percent_of_the_echo"]);
        add(what, ours, calls(&both["bare_echo"]), aim);
    }
    add(
        "activity lines, streamed; priced, durable in two journals and posted",
        format!("{} lines/s", grouped(&grpc["activity_lines_per_second_streamed_durable_and_posted"])),
        format!("{} lines/s", grouped(&grpc["bare_echo_lines_per_second_streamed"])),
        "100,000",
    );
    for (at, what) in ["referrals, one caller", "referrals, 64 callers"].into_iter().enumerate() {
        add(what, calls(&grpc["referral_unary"][at]), calls(&grpc["bare_echo_unary"][at]), "");
    }
    rows
}

fn at_size(size: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut sizes: Vec<(usize, &Value)> = size["sizes"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, figures)| Some((name.split('_').next()?.parse().ok()?, figures)))
        .collect();
    sizes.sort_by_key(|(entries, _)| *entries);
    for (entries, figures) in sizes {
        let rate = grouped(&figures["postings_per_second_in_batches_of_8000"]);
        let memory = figure(&figures["memory_bytes"]) / 1e6;
        rows.push(row([
            format!("{} entries: batches of 8,000; memory", grouped(&entries.into())),
            format!("{rate} postings/s; {memory:.0} MB"),
        ]));
    }
    if size.is_object() {
        let seconds = |start: &str| figure(&size["starts"][start]["seconds"]);
        rows.push(row([
            "start, without a snapshot and with one".into(),
            format!(
                "{:.1} s; {:.1} s",
                seconds("replaying_everything"),
                seconds("from_a_snapshot_checking_everything")
            ),
        ]));
        rows.push(row([
            "the offline verifier".into(),
            format!("{} records/s", grouped(&size["verified_records_per_second"])),
        ]));
        rows.push(row([
            "disk per posting: journal".into(),
            format!("{} bytes", size["disk_bytes_per_posting"]),
        ]));
    }
    rows
}

/// Processor and number of cores, as far as the system tells.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("an unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {name}")
}

fn figure(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn micros(latency: &Value) -> String {
    grouped(&latency["p50_us"])
}

fn percent(of: f64, whole: f64) -> u64 {
    (of / whole.max(1.0) * 100.0) as u64
}

fn millions(value: &Value) -> String {
    format!("{:.1} million", figure(value) / 1e6)
}

/// A whole number with its thousands apart.
fn grouped(value: &Value) -> String {
    let digits = value.as_u64().unwrap_or_default().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
