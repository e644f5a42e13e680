//! Where to cut the journals of a system so that they hang together.

use super::{BackupError, read};
use crate::Disk;
use crate::segments::segment_path;
use journal::house::House;
use journal::{Chain, Checkpoint, Position, RecordView, Scan, Service, Step, SystemName, Tree, leaf_hash};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// How many of a journal's last records are looked at for what they followed from: far more than are in flight.
const TAIL_RECORDS: usize = 200_000;

/// A journal to back up.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) system: SystemName,
    pub(super) service: Service,
    /// The folder above `journal/`.
    pub(super) folder: PathBuf,
    pub(super) note: Vec<u8>,
    pub(super) checkpoint: Checkpoint,
}

/// Up to where a journal is backed up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) records: Position,
    pub(super) ordinal: usize,
    pub(super) bytes: usize,
}

/// What a journal held when it was read.
#[derive(Debug, Default)]
struct Found {
    /// Where the last groups end.
    ends: VecDeque<Cut>,
    /// What the last records followed from: (record, service, its record).
    causes: VecDeque<(Position, Service, Position)>,
    /// The outbox's cursor: (record, target, every report up to this one is answered).
    delivered: VecDeque<(Position, Service, Position)>,
}

/// A cut for each of one system's journals, in their order.
///
/// Services are read in such an order that whoever asks is read before whom it asks: then what a journal knows of another's
/// answers is in that other one. What a journal holds beyond its causes is cut away, and with it whatever may know of it.
pub(super) fn consistent(disk: &dyn Disk, journals: &[Journal]) -> Result<Vec<Cut>, BackupError> {
    let mut found = BTreeMap::new();
    for service in Service::ALL.into_iter().rev() {
        if let Some(journal) = journals.iter().find(|journal| journal.service == service) {
            found.insert(service, scan(disk, journal)?);
        }
    }
    while let Some((service, position)) = loose(&found) {
        // Whole groups: the end of one at or below the position.
        if let Some(found) = found.get_mut(&service) {
            while found.ends.back().is_some_and(|end| end.records > position) {
                found.ends.pop_back();
            }
        }
    }
    let cut = |journal: &Journal| {
        let end = found.get(&journal.service).and_then(|found| found.ends.back().copied());
        end.filter(|end| end.records.get() >= journal.checkpoint.size)
    };
    let cuts: Option<Vec<Cut>> = journals.iter().map(cut).collect();
    cuts.ok_or_else(|| BackupError::Busy { system: journals[0].system.clone() })
}

/// A journal that must be cut, and at which record at the latest.
fn loose(found: &BTreeMap<Service, Found>) -> Option<(Service, Position)> {
    let end = |service: &Service| found.get(service)?.ends.back().map(|end| end.records);
    for (service, journal) in found {
        let Some(own) = end(service) else { continue };
        for (position, of, cause) in &journal.causes {
            let Some(before) = end(of) else { continue };
            if *position < own && *cause >= before {
                return Some((*service, *position));
            }
            if *position >= own {
                // It is cut away: its cause stays, but nothing that may know its answer.
                let told = match found.get(of) {
                    Some(upstream) if !upstream.delivered.is_empty() => {
                        let mut told = upstream.delivered.iter();
                        told.find(|(_, target, through)| target == service && through >= cause)
                            .map(|(position, _, _)| *position)
                    }
                    Some(_) | None => Some(cause.next()),
                };
                if let Some(told) = told.filter(|told| *told < before) {
                    return Some((*of, told));
                }
            }
        }
    }
    None
}

/// Reads a journal to its last durable group, checking all of it against its checkpoint.
fn scan(disk: &dyn Disk, journal: &Journal) -> Result<Found, BackupError> {
    let folder = journal.folder.join("journal");
    let names = disk.list(&folder).map_err(|source| BackupError::Read { path: folder.clone(), source })?;
    let (mut found, mut tree, mut chain, mut buffer) =
        (Found::default(), Tree::new(), Chain::START, Vec::new());
    let covered = journal.checkpoint.size;
    found.ends.push_back(Cut { records: Position::FIRST, ordinal: 0, bytes: 0 });
    let number = |name: &str| name.split_once('.')?.0.parse::<usize>().ok();
    let segments = names.iter().filter(|name| name.ends_with(".segment")).filter_map(|name| number(name));
    let first = segments.clone().next().unwrap_or(0);
    for ordinal in 0..first {
        // Archived: what is kept of it leads to the same checkpoint, or the comparison below fails.
        let archived = super::archived(disk, &folder, ordinal)?;
        if archived.before != chain || archived.end().get() >= covered {
            let records = archived.end().get();
            return Err(BackupError::OtherRecords { path: folder, records, size: covered });
        }
        (chain, tree) = (archived.after, archived.tree);
        found.ends.push_back(Cut { records: chain.position, ordinal: ordinal + 1, bytes: 0 });
    }
    for ordinal in segments {
        let path = segment_path(&folder, ordinal);
        let bytes = read(disk, &path)?;
        let damaged = |chain: Chain, offset: usize, kind| BackupError::Damaged {
            path: path.clone(),
            offset: offset as u64,
            position: chain.position,
            kind,
        };
        let mut scan = Scan::new(&bytes, chain);
        loop {
            let group = match scan.step() {
                Ok(Step::Group(group)) => group,
                Ok(Step::End { .. } | Step::Torn { .. }) => break,
                // Beyond the checkpoint, it may be half written just now.
                Err(_) if chain.position.get() >= covered => break,
                Err(damage) => return Err(damaged(chain, damage.offset, damage.kind)),
            };
            // Everything before a group was durable when it was written; it may not be so itself.
            let bytes = group.offset + group.bytes.len();
            let records =
                group.records(&mut buffer).map_err(|damage| damaged(chain, damage.offset, damage.kind))?;
            for record in records {
                tree.append(leaf_hash(record));
                if tree.size() == covered && tree.root() != journal.checkpoint.root {
                    return Err(BackupError::OtherRecords {
                        path: folder.clone(),
                        records: covered,
                        size: covered,
                    });
                }
                found.note(record);
            }
            found.ends.push_back(Cut { records: group.header.end(), ordinal, bytes });
            if found.ends.len() > TAIL_RECORDS {
                found.ends.pop_front();
            }
            chain = scan.chain();
        }
    }
    if tree.size() < covered {
        return Err(BackupError::OtherRecords { path: folder, records: tree.size(), size: covered });
    }
    // The last group may still be on its way to the disk, unless a checkpoint covers it.
    if found.ends.back().is_some_and(|end| end.records.get() > covered) {
        found.ends.pop_back();
    }
    Ok(found)
}

impl Found {
    fn note(&mut self, record: &[u8]) {
        // What cannot be read is for the verifier to name; a backup copies bytes.
        let Ok(view) = RecordView::parse(record) else { return };
        let position = view.header.position;
        if let Some(cause) = view.header.cause {
            self.causes.push_back((position, cause.service, cause.position));
        } else if view.header.kind.is_house()
            && let Ok(House::Delivered(delivered)) = House::decode(view.body)
        {
            self.delivered.push_back((position, delivered.target, delivered.through));
        }
        for list in [&mut self.causes, &mut self.delivered] {
            if list.len() > TAIL_RECORDS {
                list.pop_front();
            }
        }
    }
}
