//! `cargo xtask tidy`: what no compiler checks.

use crate::{
    layers::{self, Metadata},
    process::{output, say},
};
use anyhow::{Context as _, bail};
use std::{fs, process::Command};

/// The longest Rust file. Most are far below; a longer one is two things.
const FILE_LINES_MAX: usize = 700;

/// Words that must not stand in any file, and why. Written in two halves, so that this file may be read as well.
const WORDS: &[(&str, &str, &str)] = &[
    ("TO", "DO", "an issue, or nothing"),
    ("FIX", "ME", "an issue, or nothing"),
    ("../sha", "red", "a clone must stand alone"),
    ("/wo", "rk/", "a path of one machine"),
    (".lib", "rary", "a path of one machine"),
    ("#[ign", "ore", "a test that does not run tests nothing"),
    ("unimple", "mented!", "a stub is not a part"),
    ("to", "do!(", "a stub is not a part"),
];

/// Files that are data, or somebody else's words.
const PASSED_OVER: &[&str] =
    &["/data/", "proto/google/", "Cargo.lock", "proto/baseline.binpb", "LICENSE", ".svg"];

pub(crate) fn run() -> anyhow::Result<()> {
    let metadata = Metadata::read()?;
    let mut wrong = layers::wrong_edges(&metadata);
    for package in &metadata.packages {
        let manifest = fs::read_to_string(&package.manifest_path)?;
        let manifest: toml::Table = manifest.parse().with_context(|| package.name.clone())?;
        let inherits =
            manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        if inherits != Some(true) {
            wrong.push(format!("{}: its Cargo.toml needs [lints] workspace = true", package.name));
        }
    }
    // Committed and about to be: a file that git ignores is nobody's business.
    let listed =
        output(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    for path in listed.lines() {
        check_file(path, &mut wrong);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.iter().for_each(|line| say(line));
    bail!("{} things are untidy", wrong.len());
}

fn check_file(path: &str, wrong: &mut Vec<String>) {
    if PASSED_OVER.iter().any(|part| path.contains(part)) {
        return;
    }
    // What is not text, or has just been removed, has no words.
    let Ok(text) = fs::read_to_string(path) else { return };
    if path.ends_with(".rs") && text.lines().count() > FILE_LINES_MAX {
        wrong.push(format!("{path}: more than {FILE_LINES_MAX} lines"));
    }
    for (number, line) in text.lines().enumerate() {
        for (first, second, why) in WORDS {
            if contains_word(line, &format!("{first}{second}")) {
                wrong.push(format!("{path}:{}: `{first}{second}`: {why}", number.saturating_add(1)));
            }
        }
    }
}

/// Whether `word` stands in `line`, not merely inside a longer word.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at.saturating_add(word.len())..).and_then(|text| text.chars().next());
        let joins = |neighbour: Option<char>, end: Option<char>| {
            neighbour.is_some_and(char::is_alphanumeric) && end.is_some_and(char::is_alphanumeric)
        };
        !joins(before, word.chars().next()) && !joins(after, word.chars().next_back())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_words() {
        assert!(contains_word("// NOTE: x", "NOTE"));
        assert!(!contains_word("FOOTNOTES", "NOTE"));
        assert!(contains_word("cat ../there/x", "../there"));
        assert!(!contains_word("..//theory", "/there"));
    }
}
