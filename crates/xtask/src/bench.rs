//! `cargo xtask bench`: builds the measurements in release and runs them.

use crate::process::{self, cargo};
use clap::Args;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Passed on to the measurements
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    process::run(cargo().args(["build", "--release", "--locked", "--quiet", "--package", "almoner"]))?;
    let words = ["bench", "--locked", "--quiet", "--package", "almoner-tests", "--bench", "clearing", "--"];
    process::run(cargo().args(words).args(&options.words))
}
