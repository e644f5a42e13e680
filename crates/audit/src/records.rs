//! A journal's records, one after another, from its segment files.

use crate::export::ExportError;
use crate::{Finding, folder, verify};
use core::ops::ControlFlow;
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
    let mut tree = Tree::new();
    each_record(folder, |position, bytes| {
        if tree.size() == checkpoint.size {
            return Ok(ControlFlow::Break(()));
        }
        tree.append(leaf_hash(bytes));
        let record = RecordView::parse(bytes)
            .map_err(|error| Finding::Record { position, problem: crate::RecordProblem::Header(error) })?;
        each(&record)?;
        Ok(ControlFlow::Continue(()))
    })?;
    let (records, size) = (tree.size(), checkpoint.size);
    if records < size {
        return Err(Finding::Shorter { records, checkpoint: size }.into());
    }
    if tree.root() != checkpoint.root {
        return Err(Finding::OtherRecords { size }.into());
    }
    Ok(())
}

/// Gives the bytes of every record of the journal in `folder` to `each`, in order, until it breaks off. Checksums and the chain of
/// groups are checked.
pub(crate) fn each_record(
    folder: &Path,
    mut each: impl FnMut(Position, &[u8]) -> Result<ControlFlow<()>, ExportError>,
) -> Result<(), ExportError> {
    let folder = folder.join("journal");
    let mut chain = Chain::START;
    let mut buffer = Vec::new();
    for segment in folder::segments(&folder)? {
        let path = segment?.path;
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
                if each(position, bytes)?.is_break() {
                    return Ok(());
                }
            }
            chain = scan.chain();
        }
    }
    Ok(())
}
