//! `cargo xtask torture`: the reliability tests, long and random.

use crate::process::{self, cargo, say};
use anyhow::Context as _;
use clap::Args;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => {
            SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs()
        }
    };
    say(&format!("── torture with --seed {seed} --seconds {} --rounds {}", options.seconds, options.rounds));
    process::run(cargo().args(["build", "--locked", "--quiet", "--package", "almoner"]))?;
    let steps: [(&str, &[&str]); 3] = [
        ("the file layer fails at every operation", &["--package", "storage", "--test", "sweep"]),
        (
            "the real binary is killed",
            &["--package", "almoner-tests", "--test", "end_to_end", "--", "disasters::killed"],
        ),
        (
            "power cuts and failing system calls",
            &[
                "--package",
                "almoner-tests",
                "--test",
                "end_to_end",
                "--",
                "disasters::a_",
                "--test-threads",
                "1",
            ],
        ),
    ];
    for (what, words) in steps {
        let began = Instant::now();
        let mut command = cargo();
        command.args(["test", "--locked", "--quiet"]).args(words);
        if !words.contains(&"--") {
            command.arg("--");
        }
        command.arg("--nocapture");
        command.env("ALMONER_TORTURE_SEED", seed.to_string());
        command.env("ALMONER_TORTURE_SECONDS", options.seconds.to_string());
        command.env("ALMONER_TORTURE_ROUNDS", options.rounds.to_string());
        process::run(&mut command).with_context(|| format!("{what}: it fails again with --seed {seed}"))?;
        say(&format!("── {what}: passed in {} s", began.elapsed().as_secs()));
    }
    Ok(())
}
