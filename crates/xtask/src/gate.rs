//! `cargo xtask test`: everything that must hold before a change is taken. What is quick to fail comes first; the tests
//! come last, so that their closing lines are the gate's.

use crate::{
    process::{self, cargo, is_there, say},
    tidy, tools,
};
use anyhow::{Context as _, bail};
use std::{path::Path, process::Command, time::Instant};

/// What the protos may not break: an image of them as they were released.
const BASELINE: &str = "proto/baseline.binpb";

type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: [Step; 8] = [
    ("programs", tools::programs),
    ("format", format),
    ("tidy", tidy::run),
    ("protos", protos),
    ("clippy", clippy),
    ("documentation", documentation),
    ("dependencies", dependencies),
    ("tests", tests),
];

/// Runs every step, or those named, and stops at the first that fails.
pub(crate) fn run(only: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|(step, _)| step != name)) {
        bail!("`{unknown}` is not a step: {}", STEPS.map(|(name, _)| name).join(", "));
    }
    for (name, step) in STEPS {
        if !only.is_empty() && !only.iter().any(|only| only == name) {
            continue;
        }
        say(&format!("── {name}"));
        let began = Instant::now();
        step().with_context(|| format!("the gate is shut: {name}"))?;
        say(&format!("── {name}: passed in {} s", began.elapsed().as_secs()));
    }
    Ok(())
}

fn format() -> anyhow::Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"]))
}

fn protos() -> anyhow::Result<()> {
    let buf = tools::buf()?;
    process::run(Command::new(&buf).args(["lint", "proto"]))?;
    if Path::new(BASELINE).exists() {
        process::run(Command::new(&buf).args(["breaking", "proto", "--against", BASELINE]))?;
    }
    Ok(())
}

/// `cargo xtask baseline`.
pub(crate) fn baseline() -> anyhow::Result<()> {
    process::run(Command::new(tools::buf()?).args([
        "build",
        "proto",
        "--exclude-source-info",
        "--output",
        BASELINE,
    ]))
}

fn clippy() -> anyhow::Result<()> {
    process::run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn documentation() -> anyhow::Result<()> {
    let words = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    process::run(cargo().args(words).env("RUSTDOCFLAGS", "--deny warnings"))
}

fn dependencies() -> anyhow::Result<()> {
    // Advisories are left out: their database is fetched from the network, and would make yesterday's commit fail today.
    process::run(Command::new(tools::deny()?).args([
        "--workspace",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

fn tests() -> anyhow::Result<()> {
    process::run(cargo().args(["test", "--workspace", "--locked", "--doc", "--quiet"]))?;
    if is_there("cargo-nextest") {
        let words = ["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--status-level", "slow"];
        return process::run(cargo().args(words).args(["--final-status-level", "fail"]));
    }
    process::run(cargo().args([
        "test",
        "--workspace",
        "--locked",
        "--no-fail-fast",
        "--lib",
        "--bins",
        "--tests",
    ]))
}
