//! What reverses an entry is that entry turned round, leg by leg. The ledger's state keeps no entries, so the rules cannot see it: the
//! two records are compared.

use crate::records::each_record;
use crate::{Finding, RecordProblem};
use core::ops::ControlFlow;
use journal::{Domain as _, Item, NoBlobs, Position, RecordView};
use ledger::{Ledger, Posting};
use std::collections::BTreeMap;
use std::path::Path;

/// A reversal, as a record posts it.
#[derive(Debug)]
pub(crate) struct Reversal {
    /// The record.
    pub(crate) at: Position,
    /// What it reverses.
    pub(crate) entry: Item,
    /// What it asked to post.
    pub(crate) posting: Posting,
}

/// Reads the entries that were reversed from the ledger's journal in `folder` once more, and says which reversals are not theirs.
pub(crate) fn compare(folder: &Path, reversals: Vec<Reversal>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut waiting: BTreeMap<Position, Vec<Reversal>> = BTreeMap::new();
    for reversal in reversals {
        waiting.entry(reversal.entry.position).or_default().push(reversal);
    }
    if waiting.is_empty() {
        return findings;
    }
    // What cannot be read was found when the journal was read the first time.
    let _ = each_record(folder, |position, bytes| {
        let Some(next) = waiting.first_entry() else { return Ok(ControlFlow::Break(())) };
        if *next.key() == position {
            let of = next.remove();
            findings.extend(of.iter().filter_map(|reversal| differs(bytes, reversal)));
        }
        Ok(ControlFlow::Continue(()))
    });
    for reversal in waiting.into_values().flatten() {
        findings.push(finding(&reversal, "no record posts"));
    }
    findings
}

fn differs(bytes: &[u8], reversal: &Reversal) -> Option<Finding> {
    let record = RecordView::parse(bytes).ok().filter(|record| !record.header.kind.is_house());
    let body = record.and_then(|record| Ledger::decode(record.header.kind, record.body, &NoBlobs).ok());
    let Some((command, outcome)) = body else { return Some(finding(reversal, "no record posts")) };
    let mut entries = ledger::entries(&command, &outcome);
    let Some((_, posting, posted)) = entries.find(|(index, ..)| *index == reversal.entry.index) else {
        return Some(finding(reversal, "no record posts"));
    };
    let exact = Posting::reversal_of(reversal.entry, &posting, posted, reversal.posting.effective_date);
    let same = (exact.corrects, &exact.legs) == (reversal.posting.corrects, &reversal.posting.legs);
    (!same).then(|| finding(reversal, "says otherwise: its legs turned round are not these"))
}

fn finding(reversal: &Reversal, what: &str) -> Finding {
    let problem = RecordProblem::Reversal { entry: reversal.entry, what: what.to_owned() };
    Finding::Record { position: reversal.at, problem }
}
