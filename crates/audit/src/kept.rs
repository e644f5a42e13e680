//! What others kept of journals, compared with what stands there.

use crate::examine::{Given, JournalProof, Verification};
use crate::verify::{Expected, Watched};
use crate::{Finding, Report};
use journal::{Checkpoint, CheckpointError, CheckpointVerifier, Origin, Receipt};
use std::path::PathBuf;

/// Receipts and checkpoints that somebody kept. Which key signs for them is known when their journal was read.
pub(crate) struct Kept {
    receipts: Vec<(PathBuf, Origin, Checkpoint, Receipt)>,
    checkpoints: Vec<(PathBuf, Origin, Checkpoint, String)>,
}

impl Kept {
    pub(crate) fn read(given: &Given, findings: &mut Vec<Finding>) -> Self {
        let mut kept = Self { receipts: Vec::new(), checkpoints: Vec::new() };
        for (path, note) in &given.checkpoints {
            match claimed(&given.verifier, note) {
                Ok((origin, checkpoint)) => {
                    kept.checkpoints.push((path.clone(), origin, checkpoint, note.clone()));
                }
                Err(reason) => findings.push(Finding::Checkpoint { path: path.clone(), reason }),
            }
        }
        for (path, text) in &given.receipts {
            let read = text.parse::<Receipt>().map_err(|error| error.to_string()).and_then(|receipt| {
                let (origin, checkpoint) =
                    claimed(&given.verifier, &receipt.checkpoint).map_err(|error| error.to_string())?;
                Ok((path.clone(), origin, checkpoint, receipt))
            });
            match read {
                Ok(read) => kept.receipts.push(read),
                Err(reason) => findings.push(Finding::Receipt { path: path.clone(), reason }),
            }
        }
        kept
    }

    /// The checkpoints of one journal.
    pub(crate) fn of(&self, origin: &Origin) -> Vec<Expected> {
        let receipts = self.receipts.iter().map(|(_, of, at, receipt)| (of, at, &receipt.checkpoint));
        let checkpoints = self.checkpoints.iter().map(|(_, of, at, note)| (of, at, note));
        let all = receipts.chain(checkpoints).filter(|(of, _, _)| *of == origin);
        all.map(|(_, at, note)| Expected { checkpoint: *at, note: Some(note.clone()) }).collect()
    }

    /// The records of one journal that receipts are for.
    pub(crate) fn watched(&self, origin: &Origin) -> Watched {
        let of = self.receipts.iter().filter(|(_, of, _, _)| of == origin);
        of.map(|(_, _, _, receipt)| (receipt.position.get(), None)).collect()
    }

    /// Compares a journal that was read with what was kept of it, and names the files that it contradicts.
    pub(crate) fn compare(
        &self,
        verifier: &CheckpointVerifier,
        report: &Report,
        watched: &Watched,
        verification: &mut Verification,
    ) {
        let origin = verifier.origin();
        let contradicted = |checkpoint: &Checkpoint| contradicted(report, checkpoint);
        for (path, _, checkpoint, note) in self.checkpoints.iter().filter(|(_, of, ..)| of == origin) {
            let path = path.clone();
            if let Err(reason) = report.keys.verify(verifier, note) {
                verification.findings.push(Finding::Checkpoint { path, reason });
            } else if let Some(finding) = contradicted(checkpoint) {
                let reason = finding.to_string();
                verification.findings.push(Finding::Contradicted { path, reason });
            } else {
                verification.checkpoints += 1;
            }
        }
        for (path, _, checkpoint, receipt) in self.receipts.iter().filter(|(_, of, ..)| of == origin) {
            let (path, verifier) = (path.clone(), report.keys.verifier_at(verifier, checkpoint.size));
            if let Err(error) = verifier.verify(&receipt.checkpoint) {
                verification.findings.push(Finding::Receipt { path, reason: error.to_string() });
                continue;
            }
            let leaf = watched.get(&receipt.position.get()).copied().flatten();
            let problem = contradicted(checkpoint).map(ToString::to_string).or_else(|| match leaf {
                Some(leaf) => receipt.verify_leaf(leaf, verifier).err().map(|error| error.to_string()),
                None => Some(format!("there is no record {}", receipt.position)),
            });
            match problem {
                Some(reason) => verification.findings.push(Finding::Contradicted { path, reason }),
                None => verification.receipts += 1,
            }
        }
    }

    /// What is kept of journals that were not read: what the key given did not sign is a finding all the same.
    pub(crate) fn elsewhere(
        &self,
        verifier: &CheckpointVerifier,
        journals: &[JournalProof],
    ) -> Vec<Result<(PathBuf, Origin), Finding>> {
        let receipts = self.receipts.iter().map(|(path, of, _, receipt)| (path, of, &receipt.checkpoint));
        let checkpoints = self.checkpoints.iter().map(|(path, of, _, note)| (path, of, note));
        let all = receipts.chain(checkpoints);
        let away = all.filter(|(_, of, _)| !journals.iter().any(|proof| proof.report.origin == **of));
        away.map(|(path, of, note)| match verifier.for_origin(of.clone()).verify(note) {
            Ok(_) => Ok((path.clone(), of.clone())),
            Err(reason) => Err(Finding::Checkpoint { path: path.clone(), reason }),
        })
        .collect()
    }
}

/// The finding by which a journal that was read is not the one that `checkpoint` is of.
pub(crate) fn contradicted<'r>(report: &'r Report, checkpoint: &Checkpoint) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| {
        matches!(finding, Finding::OtherRecords { size } | Finding::Shorter { checkpoint: size, .. }
            if *size == checkpoint.size)
    })
}

/// What `note` says that it is, of whichever journal of the verifier's installation. The signature is not looked at.
fn claimed(verifier: &CheckpointVerifier, note: &str) -> Result<(Origin, Checkpoint), CheckpointError> {
    let (origin, checkpoint) = Checkpoint::claimed(note)?;
    if origin.installation() != verifier.origin().installation() {
        return Err(CheckpointError::Origin(origin.as_str().chars().take(200).collect()));
    }
    Ok((origin, checkpoint))
}
