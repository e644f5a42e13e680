//! The report of a verification as an auditor reads it.

use super::KeySource;
use crate::output;
use audit::{Finding, Given, JournalProof, Outcome, Verification, Waived};
use comfy_table::Table;
use journal::Service;
use std::fmt;

/// A verification, shown.
pub(super) struct Shown<'a> {
    pub(super) verification: &'a Verification,
    pub(super) given: &'a Given,
    pub(super) source: KeySource,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.given.verifier;
        let installation = key.origin().as_str().split('/').next().unwrap_or_default();
        writeln!(f, "Installation {installation}")?;
        match self.source {
            KeySource::Given => writeln!(f, "Key, as given: {key}\n")?,
            KeySource::Folder => writeln!(
                f,
                "Key, as it stands in this folder: {key}\n  Who can write the folder can sign with it: compare it with the \
                 one that you were given, or give that one with --key.\n"
            )?,
        }
        writeln!(f, "{}\n", journals(&self.verification.journals))?;
        self.proved(f)?;
        self.waived(f)?;
        self.not_proved(f)?;
        self.findings(f)?;
        let outcome = match self.verification.outcome() {
            Outcome::Proved => "All of it is proved.",
            Outcome::Incomplete => "Nothing wrong was found, but not all of it is proved.",
            Outcome::Wrong => "Something is wrong: see the findings.",
        };
        write!(f, "{outcome}")
    }
}

fn journals(journals: &[JournalProof]) -> Table {
    let heads = ["journal", "records", "signed", "done", "refused", "blobs", "findings", "root"];
    let mut table = output::table(heads, 1..7);
    for JournalProof { system, service, report, replayed } in journals {
        let signed = report.checkpoint.map_or_else(|| "none".to_owned(), |signed| signed.size.to_string());
        let root = report.root.to_string();
        table.add_row([
            format!("{system}/{service}"),
            report.records.to_string(),
            signed,
            replayed.accepted.to_string(),
            replayed.refused.to_string(),
            report.blobs.to_string(),
            report.findings.len().to_string(),
            format!("{}…", root.get(..16).unwrap_or(&root)),
        ]);
    }
    table
}

impl<'a> Shown<'a> {
    fn sum(&self, of: impl Fn(&JournalProof) -> u64) -> u64 {
        self.verification.journals.iter().map(of).sum()
    }

    fn proved(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verification = self.verification;
        let records = self.sum(|proof| proof.report.records);
        let groups = self.sum(|proof| proof.report.groups);
        let journals = verification.journals.len();
        let decided = self.sum(|proof| proof.replayed.accepted + proof.replayed.refused);
        if verification.outcome() == Outcome::Wrong {
            writeln!(f, "Looked at (what is not among the findings holds)")?;
        } else {
            writeln!(f, "Proved")?;
        }
        writeln!(
            f,
            "  {records} records in {groups} groups of {journals} journals: every byte under its checksum, no group missing"
        )?;
        writeln!(
            f,
            "  every record is a leaf of the tree whose root the key signed, and the tiles are that tree's"
        )?;
        writeln!(
            f,
            "  {decided} commands decided again, each with the outcome that stands there; no id answered twice"
        )?;
        writeln!(f, "  {} blobs hold what their names say", self.sum(|proof| proof.report.blobs))?;
        let acts = self.sum(|proof| proof.replayed.two_person_acts);
        writeln!(f, "  {acts} acts that take two people had two different people")?;
        let (receipts, checkpoints) = (verification.receipts, verification.checkpoints);
        if receipts + checkpoints > 0 {
            writeln!(
                f,
                "  {receipts} receipts and {checkpoints} checkpoints given hold: nothing that they saw was changed since"
            )?;
        }
        if verification.pinned > 0 {
            writeln!(
                f,
                "  {} checkpoints inside records (pinned by approvals of runs, or seen by witnesses) are of these trees",
                verification.pinned
            )?;
        }
        for JournalProof { system, service, report, .. } in &verification.journals {
            for change in report.keys.rotations() {
                let (at, new) = (change.position(), change.new_key());
                writeln!(
                    f,
                    "  {system}/{service}: signed by another key from record {at} on, as both keys say: {new}"
                )?;
            }
        }
        for proof in &verification.journals {
            self.tallies(f, proof)?;
        }
        for (system, crossed) in &verification.crossed {
            for (service, count) in &crossed.postings {
                writeln!(
                    f,
                    "  {system}: {count} postings stand in the ledger word for word as {service} told them"
                )?;
            }
            for ((from, to), count) in &crossed.causes {
                writeln!(
                    f,
                    "  {system}: {count} records of {from} follow from records of {to} that are there"
                )?;
            }
            for (service, count) in &crossed.waiting {
                writeln!(f, "  {system}: {count} postings of {service} wait for the ledger's answer")?;
            }
        }
        writeln!(f)
    }

    fn tallies(&self, f: &mut fmt::Formatter<'_>, proof: &JournalProof) -> fmt::Result {
        let JournalProof { system, service, replayed, .. } = proof;
        let tallies: Vec<String> = replayed
            .tallies
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        if tallies.is_empty() {
            return Ok(());
        }
        let how = if *service == Service::Ledger {
            "added up from the entries alone, and the same in the state"
        } else {
            "as the records say"
        };
        writeln!(f, "  {system}/{service}: {}: {how}", tallies.join(", "))
    }

    /// What two people did without: no finding, and for an auditor to judge.
    fn waived(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |proof: &'a JournalProof| {
            let JournalProof { system, service, replayed, .. } = proof;
            replayed.waived.iter().map(move |waived| (system, service, waived))
        };
        let all: Vec<_> = self.verification.journals.iter().flat_map(of).collect();
        if all.is_empty() {
            return Ok(());
        }
        writeln!(f, "Waived: runs without the witnesses that their approvals demand, as two people agreed")?;
        for (system, service, waived) in all {
            let Waived { position, day, run, reason, proposer, approver } = waived;
            writeln!(
                f,
                "  {system}/{service}: record {position}, {day}: run {run}, by {proposer} and {approver}: {reason}"
            )?;
        }
        writeln!(f)
    }

    fn not_proved(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verification = self.verification;
        let sealed = verification.journals.iter().flat_map(|proof| {
            let of = move |(what, count): (&&'static str, &u64)| (proof, *what, *count);
            proof.replayed.sealed.iter().map(of)
        });
        let sealed: Vec<_> = sealed.filter(|(_, _, count)| *count > 0).collect();
        if !sealed.is_empty() {
            writeln!(f, "Proved as bytes, not opened: they are sealed, and no key of theirs is used here")?;
            for (JournalProof { system, service, .. }, what, count) in sealed {
                writeln!(f, "  {system}/{service}: {count} {what}")?;
            }
            writeln!(f)?;
        }
        if !verification.unproved.is_empty() {
            writeln!(f, "Not proved")?;
            for unproved in &verification.unproved {
                writeln!(f, "  {unproved}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verification = self.verification;
        let of_journals = verification.journals.iter().flat_map(|proof| {
            let name = format!("{}/{}: ", proof.system, proof.service);
            proof.report.findings.iter().map(move |finding| (name.clone(), finding))
        });
        let between = verification.findings.iter().map(|finding| (String::new(), finding));
        let all: Vec<(String, &Finding)> = of_journals.chain(between).collect();
        if all.is_empty() {
            return Ok(());
        }
        writeln!(f, "Findings")?;
        for (journal, finding) in all {
            writeln!(f, "  {journal}{finding}")?;
        }
        writeln!(f)
    }
}
