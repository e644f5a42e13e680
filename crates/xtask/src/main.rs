//! The project's own tools: `cargo xtask <command>`.

mod bench;
mod gate;
mod layers;
mod process;
mod tidy;
mod tools;
mod torture;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use std::{env, path::PathBuf, process::ExitCode};

/// The project's own tools
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole gate: programs, format, tidy, protos, clippy, documentation, dependencies, tests
    Test {
        /// Only this step; may be given again
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
    },
    /// What no compiler checks: layers, lints, file lengths, words
    Tidy,
    /// The reliability tests, long and random: the file layer, kill -9, power cuts, failing system calls
    Torture(torture::Options),
    /// Measure speed, with the machine's floors beside it
    Bench(bench::Options),
    /// Take today's protos as what tomorrow's may not break
    Baseline,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            process::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let root = root()?;
    // Wherever it is called from, paths are the repository's.
    env::set_current_dir(&root).with_context(|| format!("{} cannot be entered", root.display()))?;
    match Xtask::parse().command {
        Command::Test { only } => gate::run(&only),
        Command::Tidy => tidy::run(),
        Command::Torture(options) => torture::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Baseline => gate::baseline(),
    }
}

fn root() -> anyhow::Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).context("xtask has moved")?;
    Ok(root.to_owned())
}
