//! What the gate needs beside the toolchain. As root on Debian it is installed; else this says exactly what to install.

use crate::process::{cargo, is_there, output, run, say};
use anyhow::bail;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Programs that tests call, and the Debian packages that they are in.
const PROGRAMS: [(&str, &str); 5] = [
    ("hledger", "hledger"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3"),
    ("xmllint", "libxml2-utils"),
];

/// Python's own module that makes environments is a package of its own on Debian.
const PYTHON_ENVIRONMENTS: &str = "python3-venv";

const BUF_VERSION: &str = "1.75.0";
const DENY_VERSION: &str = "0.20.2";

/// Makes sure that the programs are there.
pub(crate) fn programs() -> anyhow::Result<()> {
    let mut missing: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect();
    let environments = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    if !environments.is_ok_and(|done| done.status.success()) {
        missing.push(PYTHON_ENVIRONMENTS);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !is_there("apt-get") || output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("the tests need programs that are not here; on Debian: sudo apt-get install {packages}");
    }
    say(&format!("installing {packages}"));
    let apt =
        |words: &[&str]| run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(words));
    // The lists may be old, or absent as in a fresh container.
    apt(&["update", "--quiet"])?;
    let words: Vec<&str> =
        ["install", "--quiet", "--yes", "--no-install-recommends"].into_iter().chain(missing).collect();
    apt(&words)
}

/// buf, from npm, in the target folder.
pub(crate) fn buf() -> anyhow::Result<PathBuf> {
    let home = tools().join("buf");
    let program = home.join("node_modules/.bin/buf");
    let there = program.exists() && output(Command::new(&program).arg("--version"))?.trim() == BUF_VERSION;
    if !there {
        std::fs::create_dir_all(&home)?;
        let package = format!("@bufbuild/buf@{BUF_VERSION}");
        run(Command::new("npm")
            .args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"])
            .arg(&home)
            .arg(package))?;
    }
    Ok(program)
}

/// cargo-deny: the one installed, else one built into the target folder, unoptimised, since it runs for a second only.
pub(crate) fn deny() -> anyhow::Result<PathBuf> {
    if is_there("cargo-deny") {
        return Ok(PathBuf::from("cargo-deny"));
    }
    let program = tools().join("bin/cargo-deny");
    if !program.exists() {
        say("building cargo-deny, once: it takes some minutes");
        let words = ["install", "cargo-deny", "--locked", "--debug", "--version", DENY_VERSION, "--root"];
        run(cargo().args(words).arg(tools()))?;
    }
    Ok(program)
}

fn tools() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let tools = target.join("tools");
    std::path::absolute(&tools).unwrap_or_else(|_| Path::new("target/tools").to_owned())
}
