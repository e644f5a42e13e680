//! What others kept of journals, compared with what stands there.

use crate::examine::{Given, JournalProof, Verification};
use crate::verify::Watched;
use crate::{Finding, Report};
use journal::{Checkpoint, CheckpointVerifier, Origin, Receipt};
use std::path::PathBuf;

/// Receipts and checkpoints that somebody kept, with signatures that hold.
pub(crate) struct Kept {
    receipts: Vec<(PathBuf, Origin, Checkpoint, Receipt)>,
    checkpoints: Vec<(PathBuf, Origin, Checkpoint)>,
}

impl Kept {
    pub(crate) fn read(given: &Given, findings: &mut Vec<Finding>) -> Self {
        let mut kept = Self { receipts: Vec::new(), checkpoints: Vec::new() };
        for (path, note) in &given.checkpoints {
            match signed(&given.verifier, note) {
                Ok((origin, checkpoint)) => kept.checkpoints.push((path.clone(), origin, checkpoint)),
                Err(reason) => findings.push(Finding::Checkpoint { path: path.clone(), reason }),
            }
        }
        for (path, text) in &given.receipts {
            let read = text.parse::<Receipt>().map_err(|error| error.to_string()).and_then(|receipt| {
                let (origin, checkpoint) =
                    signed(&given.verifier, &receipt.checkpoint).map_err(|error| error.to_string())?;
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
    pub(crate) fn of(&self, origin: &Origin) -> Vec<Checkpoint> {
        let receipts = self.receipts.iter().map(|(_, of, checkpoint, _)| (of, checkpoint));
        let checkpoints = self.checkpoints.iter().map(|(_, of, checkpoint)| (of, checkpoint));
        receipts
            .chain(checkpoints)
            .filter(|(of, _)| *of == origin)
            .map(|(_, checkpoint)| *checkpoint)
            .collect()
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
        for (path, _, checkpoint) in self.checkpoints.iter().filter(|(_, of, _)| of == origin) {
            match contradicted(checkpoint) {
                Some(finding) => {
                    let (path, reason) = (path.clone(), finding.to_string());
                    verification.findings.push(Finding::Contradicted { path, reason });
                }
                None => verification.checkpoints += 1,
            }
        }
        for (path, _, checkpoint, receipt) in self.receipts.iter().filter(|(_, of, _, _)| of == origin) {
            let leaf = watched.get(&receipt.position.get()).copied().flatten();
            let problem = contradicted(checkpoint).map(ToString::to_string).or_else(|| match leaf {
                Some(leaf) => receipt.verify_leaf(leaf, verifier).err().map(|error| error.to_string()),
                None => Some(format!("there is no record {}", receipt.position)),
            });
            match problem {
                Some(reason) => {
                    verification.findings.push(Finding::Contradicted { path: path.clone(), reason });
                }
                None => verification.receipts += 1,
            }
        }
    }

    /// What is kept of journals that were not read.
    pub(crate) fn elsewhere<'a>(
        &'a self,
        journals: &'a [JournalProof],
    ) -> impl Iterator<Item = (PathBuf, &'a Origin)> + 'a {
        let read = |origin: &Origin| journals.iter().any(|proof| proof.report.origin == *origin);
        let receipts = self.receipts.iter().map(|(path, of, _, _)| (path, of));
        let checkpoints = self.checkpoints.iter().map(|(path, of, _)| (path, of));
        let all = receipts.chain(checkpoints).filter(move |(_, of)| !read(of));
        all.map(|(path, of)| (path.clone(), of))
    }
}

/// The finding by which a journal that was read is not the one that `checkpoint` is of.
pub(crate) fn contradicted<'r>(report: &'r Report, checkpoint: &Checkpoint) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| {
        matches!(finding, Finding::OtherRecords { size } | Finding::Shorter { checkpoint: size, .. }
            if *size == checkpoint.size)
    })
}

/// The checkpoint in `note`, of whichever journal of the verifier's installation it is.
fn signed(
    verifier: &CheckpointVerifier,
    note: &str,
) -> Result<(Origin, Checkpoint), journal::CheckpointError> {
    let name = note.lines().next().unwrap_or_default();
    let origin = name.parse::<Origin>().map_err(|_| journal::CheckpointError::Malformed)?;
    if origin.installation() != verifier.origin().installation() {
        return Err(journal::CheckpointError::Origin(name.chars().take(200).collect()));
    }
    let checkpoint = verifier.for_origin(origin.clone()).verify(note)?;
    Ok((origin, checkpoint))
}
