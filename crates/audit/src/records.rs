//! A journal's records, one after another, from its segment files.

use crate::export::ExportError;
use crate::{Finding, verify};
use journal::{Chain, Checkpoint, Position, RecordView, Scan, Step, Tree, leaf_hash};
use std::path::Path;

/// Gives every record of the journal in `folder` (which holds `journal/`) that `checkpoint` covers to `each`, in order. Checksums,
/// the chain of groups and the checkpoint's root are checked; its signature is not: that is [`crate::examine()`]'s, which has
/// the key. The journal may be in use: what came after the checkpoint is left out.
pub(crate) fn read_signed(
    folder: &Path,
    checkpoint: &Checkpoint,
    mut each: impl FnMut(&RecordView<'_>) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let folder = folder.join("journal");
    let (mut chain, mut tree) = (Chain::START, Tree::new());
    let mut buffer = Vec::new();
    'segments: for name in verify::names(&folder)?.iter().filter(|name| name.ends_with(".segment")) {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(|error| verify::unreadable(&path, &error))?;
        let damaged = |damage: journal::Damage| Finding::Damaged {
            path: path.clone(),
            offset: damage.offset as u64,
            kind: damage.kind,
        };
        let mut scan = Scan::new(&bytes, chain);
        while let Step::Group(group) = scan.step().map_err(damaged)? {
            let first = group.header.first.get();
            let records = group.records(&mut buffer).map_err(damaged)?;
            for (position, bytes) in (first..).map(Position::new).zip(records) {
                if tree.size() == checkpoint.size {
                    break 'segments;
                }
                tree.append(leaf_hash(bytes));
                let record = RecordView::parse(bytes).map_err(|error| Finding::Record {
                    position,
                    problem: crate::RecordProblem::Header(error),
                })?;
                each(&record)?;
            }
            chain = scan.chain();
        }
    }
    let (records, size) = (tree.size(), checkpoint.size);
    if records < size {
        return Err(Finding::Shorter { records, checkpoint: size }.into());
    }
    if tree.root() != checkpoint.root {
        return Err(Finding::OtherRecords { size }.into());
    }
    Ok(())
}
