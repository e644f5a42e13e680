//! Checkpoints inside records: those of the ledger and the referrals that an approval of a run pins, and those of its own journal
//! that witnesses cosigned. A tree that was rewritten since is not the one that they are of.

use crate::examine::{Given, JournalProof, Unproved, Verification};
use crate::folder::JournalFolder;
use crate::kept::contradicted;
use crate::records::each_record;
use crate::verify::Expected;
use crate::{Finding, Report};
use core::ops::ControlFlow;
use journal::{
    Checkpoint, CheckpointVerifier, Domain as _, NoBlobs, Origin, Outcome, Position, RecordView, Service,
    SystemName,
};
use settlement::{ApproveRun, Command, Settlement};
use std::collections::BTreeMap;

/// A checkpoint, and the record that holds it.
struct Pin {
    system: SystemName,
    position: Position,
    origin: String,
    checkpoint: Checkpoint,
    /// What witnesses saw, which the journal must have signed.
    note: Option<String>,
}

/// The checkpoints that the settlement journals hold.
pub(crate) struct Pins(Vec<Pin>);

impl Pins {
    /// Reads the settlement journals among `folders` ahead of everything else. What cannot be read there is found when the journal
    /// itself is verified.
    pub(crate) fn read(folders: &[JournalFolder], given: &Given, findings: &mut Vec<Finding>) -> Self {
        let mut pins = Self(Vec::new());
        for folder in folders.iter().filter(|folder| folder.service == Service::Settlement) {
            let _ = each_record(&folder.path, |position, bytes| {
                if let Ok(record) = RecordView::parse(bytes)
                    && !record.header.kind.is_house()
                {
                    pins.record(&folder.system, position, &record, given, findings);
                }
                Ok(ControlFlow::Continue(()))
            });
        }
        pins
    }

    fn record(
        &mut self,
        system: &SystemName,
        position: Position,
        record: &RecordView<'_>,
        given: &Given,
        findings: &mut Vec<Finding>,
    ) {
        // Approvals and cosignatures name no blob; what does is none of them.
        let Ok((command, Outcome::Accepted(_))) =
            Settlement::decode(record.header.kind, record.body, &NoBlobs)
        else {
            return;
        };
        let mut wrong = |origin: &str, reason: String| {
            let (system, origin) = (system.clone(), origin.to_owned());
            findings.push(Finding::Pinned { system, position, origin, reason });
        };
        let origin_of =
            |service| Origin::new(given.verifier.origin().installation(), system, service).to_string();
        let mut push = |origin: &str, checkpoint, note| {
            let (system, origin) = (system.clone(), origin.to_owned());
            self.0.push(Pin { system, position, origin, checkpoint, note });
        };
        if let Command::ApproveRun(ApproveRun { pins: Some(pins), .. }) = &command {
            let wanted = [Service::Ledger, Service::Referrals].map(origin_of);
            for pin in &pins.checkpoints {
                if wanted.contains(&pin.origin) {
                    push(&pin.origin, Checkpoint { size: pin.size, root: pin.root }, None);
                } else {
                    wrong(&pin.origin, "an approval pins the ledger and the referrals of its system".into());
                }
            }
            for origin in wanted.iter().filter(|of| !pins.checkpoints.iter().any(|pin| pin.origin == **of)) {
                wrong(origin, "the approval pins none of its checkpoints".into());
            }
        }
        if let Command::WitnessRun(witness) = &command {
            let own = origin_of(Service::Settlement);
            match Checkpoint::claimed(&witness.note) {
                Ok((_, checkpoint)) => push(&own, checkpoint, Some(witness.note.clone())),
                Err(error) => wrong(&own, format!("what the witnesses saw: {error}")),
            }
        }
    }

    /// The checkpoints of one journal.
    pub(crate) fn of(&self, origin: &Origin) -> impl Iterator<Item = Expected> {
        let of = self.0.iter().filter(|pin| pin.origin == origin.as_str());
        of.map(|pin| Expected { checkpoint: pin.checkpoint, note: pin.note.clone() })
    }

    /// Compares a journal that was read with what records say of it.
    pub(crate) fn compare(
        &self,
        verifier: &CheckpointVerifier,
        report: &Report,
        verification: &mut Verification,
    ) {
        for pin in self.0.iter().filter(|pin| pin.origin == report.origin.as_str()) {
            let signed =
                pin.note.as_ref().map_or(Ok(()), |note| report.keys.verify(verifier, note).map(drop));
            let unsigned = signed.err().map(|error| format!("what the witnesses saw: {error}"));
            let wrong = unsigned.or_else(|| contradicted(report, &pin.checkpoint).map(ToString::to_string));
            match wrong {
                Some(reason) => verification.findings.push(Finding::Pinned {
                    system: pin.system.clone(),
                    position: pin.position,
                    origin: pin.origin.clone(),
                    reason,
                }),
                None => verification.pinned = verification.pinned.saturating_add(1),
            }
        }
    }

    /// What is pinned of journals that were not read.
    pub(crate) fn elsewhere(&self, journals: &[JournalProof]) -> Vec<Unproved> {
        let read = |origin: &str| journals.iter().any(|proof| proof.report.origin.as_str() == origin);
        let mut counts = BTreeMap::<&str, u64>::new();
        for pin in self.0.iter().filter(|pin| !read(&pin.origin)) {
            let count = counts.entry(&pin.origin).or_default();
            *count = count.saturating_add(1);
        }
        let unproved =
            |(origin, count): (&str, u64)| Unproved::PinNotHere { origin: origin.to_owned(), count };
        counts.into_iter().map(unproved).collect()
    }
}
