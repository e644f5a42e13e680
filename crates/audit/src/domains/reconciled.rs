//! Reconciliation: control totals take two people; what the ledger's memorandum section is told is told again.

use crate::content::Content;
use crate::crossing::Answer;
use crate::replay::{Examiner, Notes, Seen};
use journal::{Domain as _, Service};
use ledger::EntryKind;
use money::Side;
use reconciliation::{Event, Reconciliation, Report, State};

#[derive(Default)]
pub(crate) struct Telling {
    content: Content,
    reports: Vec<Report>,
    positions: u64,
}

impl Examiner<Reconciliation> for Telling {
    fn before(&mut self, seen: &Seen<'_, Reconciliation>, _: &State, notes: &mut Notes) {
        for event in seen.events() {
            if let Event::Approved(approval) = event {
                notes.two_people("a control total", approval.proposal().proposer, seen.at.caller);
            }
            if matches!(event, Event::PositionRecorded) {
                self.positions = self.positions.saturating_add(1);
            }
            Reconciliation::reports(seen.at, seen.command, event, &mut self.reports);
        }
        for report in core::mem::take(&mut self.reports) {
            let content = self.posting(&report);
            let (source, id) = (seen.at.position, report.request_id);
            notes.crossings.told(Service::Reconciliation, source, id, content, Answer::Report);
        }
    }

    fn finish(&mut self, _: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        notes.tally("positions recorded", self.positions);
        Vec::new()
    }
}

impl Telling {
    /// Each organisation's account takes what its total moves by, and the system's account the other side.
    fn posting(&mut self, report: &Report) -> journal::Fingerprint {
        let whole = format!("target/system/{}", report.year);
        self.content.start(EntryKind::Target, report.effective);
        for (organisation, change) in &report.changes {
            let Some(side) = change.side(Side::Credit) else { continue };
            let pence = change.magnitude();
            self.content.leg(&format!("target/{organisation}/{}", report.year), side, pence, None);
            self.content.leg(&whole, side.opposite(), pence, None);
        }
        self.content.finish(&format!("control totals {}", report.year))
    }
}
