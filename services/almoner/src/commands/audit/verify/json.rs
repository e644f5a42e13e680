//! The report of a verification for programs.

use super::KeySource;
use audit::{Finding, Given, JournalProof, Outcome, Verification, Waived};
use serde_json::{Value, json};

/// One object with everything that the text report says. Positions and counts are numbers, roots are base16.
pub(super) fn of(verification: &Verification, given: &Given, source: KeySource) -> Value {
    let outcome = match verification.outcome() {
        Outcome::Proved => "proved",
        Outcome::Incomplete => "incomplete",
        Outcome::Wrong => "wrong",
    };
    let crossed = verification.crossed.iter().map(|(system, crossed)| {
        let of_service = |(service, count): (&journal::Service, &u64)| {
            json!({ "service": service.as_str(), "count": count })
        };
        json!({
            "system": system.as_str(),
            "postings_as_told": crossed.postings.iter().map(of_service).collect::<Value>(),
            "postings_waiting": crossed.waiting.iter().map(of_service).collect::<Value>(),
            "causes_found": crossed.causes.iter().map(|((from, to), count)| {
                json!({ "of": from.as_str(), "in": to.as_str(), "count": count })
            }).collect::<Value>(),
        })
    });
    json!({
        "outcome": outcome,
        "key": given.verifier.to_string(),
        "key_given": source == KeySource::Given,
        "journals": verification.journals.iter().map(journal).collect::<Value>(),
        "between_journals": crossed.collect::<Value>(),
        "receipts": verification.receipts,
        "checkpoints": verification.checkpoints,
        "checkpoints_in_records": verification.pinned,
        "not_proved": verification.unproved.iter().map(ToString::to_string).collect::<Value>(),
        "findings": texts(&verification.findings),
    })
}

fn journal(proof: &JournalProof) -> Value {
    let JournalProof { system, service, report, replayed } = proof;
    json!({
        "system": system.as_str(),
        "service": service.as_str(),
        "origin": report.origin.as_str(),
        "records": report.records,
        "groups": report.groups,
        "root": report.root.to_string(),
        "signed_records": report.checkpoint.map(|checkpoint| checkpoint.size),
        "unfinished_write": report.tail.is_some(),
        "key_changes": report.keys.rotations().iter().map(|change| json!({
            "record": change.position().get(),
            "old_key": change.old().to_string(),
            "new_key": change.new_key().to_string(),
        })).collect::<Value>(),
        "blobs": report.blobs,
        "accepted": replayed.accepted,
        "refused": replayed.refused,
        "two_person_acts": replayed.two_person_acts,
        "witnesses_waived": replayed.waived.iter().map(waived).collect::<Value>(),
        "recomputed": replayed.tallies,
        "sealed": replayed.sealed,
        "findings": texts(&report.findings),
    })
}

fn waived(waived: &Waived) -> Value {
    json!({
        "record": waived.position.get(),
        "day": waived.day.to_string(),
        "run": waived.run.to_string(),
        "reason": waived.reason,
        "proposer": waived.proposer,
        "approver": waived.approver,
    })
}

fn texts(findings: &[Finding]) -> Value {
    findings.iter().map(ToString::to_string).collect()
}
