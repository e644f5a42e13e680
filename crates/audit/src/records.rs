//! A journal's records, one after another, from its segment files.

use crate::{Finding, verify};
use journal::{Chain, Position, RecordView, Scan, Step};
use std::path::Path;

/// Gives every record of the journal in `folder` (which holds `journal/`) to `each`, in order. Checksums and the chain of groups are
/// checked, signatures and hashes are not: that is [`crate::verify_journal`]. The journal may be in use: what is being
/// written is left out.
pub(crate) fn read_journal(folder: &Path, mut each: impl FnMut(&RecordView<'_>)) -> Result<(), Finding> {
    let folder = folder.join("journal");
    let mut chain = Chain::START;
    let mut buffer = Vec::new();
    for name in verify::names(&folder)?.iter().filter(|name| name.ends_with(".segment")) {
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
            for (position, record) in (first..).map(Position::new).zip(records) {
                let record = RecordView::parse(record).map_err(|error| Finding::Record {
                    position,
                    problem: crate::RecordProblem::Header(error),
                })?;
                each(&record);
            }
            chain = scan.chain();
        }
    }
    Ok(())
}
