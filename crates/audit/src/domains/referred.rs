//! Referrals and activity: every line is decided and priced again; what follows for the ledger is told again.

use crate::content::Content;
use crate::crossing::Answer;
use crate::replay::{Examiner, Notes, Seen};
use journal::{Domain as _, Service, derived_request_id};
use ledger::{EntryKind, WindowKey, WindowUse};
use reference::{Cut, Stage};
use referrals::{Command, Event, HoldAction, Posting, PostingKind, Referrals, Report, SealWindows, State};

/// The most windows that one call of the ledger seals.
const WINDOWS_PER_CALL_MAX: usize = 256;

#[derive(Default)]
pub(crate) struct Telling {
    content: Content,
    reports: Vec<Report>,
    lines: u64,
    contested: u64,
    unreadable: u64,
    sealed: u64,
}

impl Examiner<Referrals> for Telling {
    fn before(&mut self, seen: &Seen<'_, Referrals>, state: &State, notes: &mut Notes) {
        for event in seen.events() {
            if let (Command::ApproveRepricing(approve), Event::RepricingApproved) = (seen.command, event)
                && let Some(repricing) = state.repricing(approve.repricing)
            {
                notes.two_people("a repricing", repricing.proposal.proposer, seen.at.caller);
            }
            if let Some(answered) = event.answered() {
                self.lines += 1;
                match answered.answer {
                    referrals::Answer::Accepted(_) => {}
                    referrals::Answer::Contested => self.contested += 1,
                    referrals::Answer::Unreadable => self.unreadable += 1,
                }
            }
            if let Event::CutSealed { .. } = event {
                self.sealed += 1;
            }
            Referrals::reports(seen.at, seen.command, event, &mut self.reports);
        }
        for report in core::mem::take(&mut self.reports) {
            match report {
                Report::Post(posting) => {
                    let content = self.posting(&posting);
                    let (source, id) = (seen.at.position, posting.request_id);
                    notes.crossings.told(Service::Referrals, source, id, content, Answer::Report);
                }
                Report::Seal(seal) => self.seal(seen.at.position, &seal, notes),
            }
        }
    }

    fn finish(&mut self, _: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        notes.tally("lines answered", self.lines);
        notes.tally("of them contested", self.contested);
        notes.tally("of them unreadable", self.unreadable);
        notes.tally("cuts sealed", self.sealed);
        Vec::new()
    }
}

impl Telling {
    fn posting(&mut self, posting: &Posting) -> journal::Fingerprint {
        let Posting { request_id, kind, effective, legs, holds } = posting;
        self.content.start(entry_kind(*kind), *effective);
        for leg in legs {
            let window = leg.window.map(|cut| WindowUse::Adds(window_key(cut)));
            self.content.leg(&leg.account.to_string(), leg.side, leg.pence, window);
        }
        for hold in holds {
            match hold {
                HoldAction::Place { account, pence, expires } => {
                    self.content.place(&account.to_string(), *pence, *expires, *request_id);
                }
                HoldAction::Capture { hold, pence } => self.content.capture(*hold, Some(*pence)),
                HoldAction::Release { hold } => self.content.release(*hold),
            }
        }
        self.content.finish("")
    }

    /// A long list is told in parts, each with an id derived from the whole's.
    fn seal(&mut self, source: journal::Position, seal: &SealWindows, notes: &mut Notes) {
        for (part, windows) in (0_u64..).zip(seal.windows.chunks(WINDOWS_PER_CALL_MAX)) {
            let id = derived_request_id("seal-part", seal.request_id, &part.to_le_bytes());
            self.content.clear();
            for (payer, payee) in windows {
                self.content.seal(&payer.to_string(), &payee.to_string(), window_key(seal.cut));
            }
            let content = self.content.finish("");
            notes.crossings.told(Service::Referrals, source, id, content, Answer::Report);
        }
    }
}

pub(crate) const fn window_key(cut: Cut) -> WindowKey {
    let stage = match cut.stage {
        Stage::Flex => ledger::Stage::Flex,
        Stage::Freeze => ledger::Stage::Freeze,
    };
    WindowKey::Cut { period: cut.period, stage }
}

const fn entry_kind(kind: PostingKind) -> EntryKind {
    match kind {
        PostingKind::Referral => EntryKind::Referral,
        PostingKind::HoldRelease => EntryKind::HoldRelease,
        PostingKind::Activity => EntryKind::Activity,
        PostingKind::ActivityVersion => EntryKind::ActivityVersion,
        PostingKind::Contest => EntryKind::Contest,
        PostingKind::Recognition => EntryKind::Recognition,
        PostingKind::ContestOutcome => EntryKind::ContestOutcome,
        PostingKind::Margin => EntryKind::ActivityVersion,
    }
}
