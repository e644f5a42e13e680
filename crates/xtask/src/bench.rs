//! `cargo xtask bench`: builds the measuring program in release and runs it.

use crate::process::{self, cargo};
use clap::Args;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Passed on to the measuring program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    process::run(
        cargo()
            .args([
                "run",
                "--release",
                "--locked",
                "--quiet",
                "--package",
                "almoner-tests",
                "--bin",
                "bench",
                "--",
            ])
            .args(&options.words),
    )
}
