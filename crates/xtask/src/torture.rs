//! `cargo xtask torture`: the reliability tests, long and random.

use crate::process::{self, cargo, say};
use anyhow::Context as _;
use clap::Args;
use std::{
    env, fs,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// How long, and with which randomness.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each sweep of the file layer goes on
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// How often the real binary is killed; power cuts and failing system calls come in proportion
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Which random numbers: what failed with one fails with it again. Default: another one each time
    #[arg(long)]
    seed: Option<u64>,
}

/// What fails, and which tests make it fail.
const STEPS: [(&str, &[&str]); 3] = [
    ("the file layer fails at every operation", &["--package", "storage", "--test", "sweep"]),
    (
        "the real binary is killed",
        &["--package", "almoner-tests", "--test", "end_to_end", "--", "disasters::killed"],
    ),
    (
        "power cuts and failing system calls",
        &["--package", "almoner-tests", "--test", "end_to_end", "--", "disasters::a_", "--test-threads", "1"],
    ),
];

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => {
            SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs()
        }
    };
    let Options { seconds, rounds, .. } = options;
    say(&format!("── torture with --seed {seed} --seconds {seconds} --rounds {rounds}"));
    process::run(cargo().args(["build", "--locked", "--quiet", "--package", "almoner"]))?;
    let report = env::temp_dir().join(format!("almoner-torture-{}", std::process::id()));
    let began = Instant::now();
    let mut times = Vec::new();
    for (what, words) in STEPS {
        let began = Instant::now();
        let mut command = cargo();
        command.args(["test", "--locked", "--quiet"]).args(words);
        if !words.contains(&"--") {
            command.arg("--");
        }
        command.arg("--nocapture");
        command.env("ALMONER_TORTURE_SEED", seed.to_string());
        command.env("ALMONER_TORTURE_SECONDS", seconds.to_string());
        command.env("ALMONER_TORTURE_ROUNDS", rounds.to_string());
        command.env("ALMONER_TORTURE_REPORT", &report);
        process::run(&mut command).with_context(|| format!("{what}: it fails again with --seed {seed}"))?;
        times.push(format!("{what}: passed in {} s", began.elapsed().as_secs()));
    }
    let counted = fs::read_to_string(&report).unwrap_or_default();
    // What cannot be removed is in the way of nothing.
    let _ = fs::remove_file(&report);
    say(&format!("── torture passed in {} s with --seed {seed}", began.elapsed().as_secs()));
    times.iter().for_each(|line| say(line));
    summary(&counted).iter().for_each(|line| say(line));
    Ok(())
}

/// A table of what the tests reported, a line each, with their sums.
fn summary(counted: &str) -> Vec<String> {
    const COLUMNS: [&str; 4] = ["rounds", "faults", "recovered", "refused"];
    let row = |name: &str, cells: [String; 4], more: &str| {
        let [rounds, faults, recovered, refused] = cells;
        format!("{name:<20}{rounds:>10}{faults:>10}{recovered:>12}{refused:>10}  {more}")
            .trim_end()
            .to_owned()
    };
    let mut lines = vec![row("", COLUMNS.map(str::to_owned), "")];
    let mut sums = [0_u64; 4];
    for line in counted.lines() {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        let mut cells = [0; 4];
        let mut more = Vec::new();
        for (what, count) in words.filter_map(|word| word.split_once('=')) {
            match COLUMNS.iter().position(|column| *column == what) {
                Some(column) => cells[column] = count.parse().unwrap_or(0),
                None => more.push(format!("{count} {what}")),
            }
        }
        lines.push(row(name, cells.map(|cell| cell.to_string()), &more.join(", ")));
        sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
    }
    lines.push(row("together", sums.map(|sum| sum.to_string()), ""));
    lines
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn what_was_counted_is_added_up() {
        let counted = "crashes rounds=2 faults=900 recovered=900 refused=0\n\
                       damage rounds=1 faults=300 recovered=40 refused=260\n\
                       kill-9 rounds=200 faults=200 recovered=200 refused=0 lines=3000 receipts=190\n";
        let expected = [
            "                        rounds    faults   recovered   refused",
            "crashes                      2       900         900         0",
            "damage                       1       300          40       260",
            "kill-9                     200       200         200         0  3000 lines, 190 receipts",
            "together                   203      1400        1140       260",
        ];
        assert_eq!(summary(counted), expected);
    }
}
