//! Replaying a journal: every record is decoded, decided again by the rules, compared, and applied.

use crate::crossing::Crossings;
use crate::folder::FolderBlobs;
use crate::reversals::Reversal;
use crate::{Finding, RecordProblem, domains};
use journal::house::House;
use journal::{
    Day, DecodeError, Domain, Header, Instant, Moment, Outcome, Position, RecordView, RequestId, Service,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most findings of one journal's records that are listed.
pub(crate) const FINDINGS_MAX: usize = 100;

/// What a replay proved of one journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Commands that were done, and that the rules do again.
    pub accepted: u64,
    /// Commands that were refused, and that the rules refuse again.
    pub refused: u64,
    /// The engine's own records.
    pub house: u64,
    /// What took two people, and had two.
    pub two_person_acts: u64,
    /// What was recomputed from the records and found again in the state, and what is only counted: words and numbers.
    pub tallies: BTreeMap<&'static str, u64>,
    /// Sealed contents: proved as bytes, not opened.
    pub sealed: BTreeMap<&'static str, u64>,
    /// Runs that were paid, or may be, without the witnesses that their approvals demand, because two approvers said so.
    pub waived: Vec<Waived>,
    /// The first record that was not replayed, after one that could not be.
    pub stopped: Option<Position>,
}

/// Two approvers did without the witnesses of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    /// The second approver's record.
    pub position: Position,
    /// Its business date.
    pub day: Day,
    /// The run.
    pub run: RequestId,
    /// The reason that both gave.
    pub reason: String,
    /// Who proposed it, as the journal names callers.
    pub proposer: String,
    /// Who agreed.
    pub approver: String,
}

/// A record as an examiner sees it.
pub(crate) struct Seen<'a, D: Domain> {
    pub(crate) header: &'a Header,
    pub(crate) at: &'a Moment,
    pub(crate) command: &'a D::Command,
    pub(crate) outcome: &'a Outcome<D::Event, D::Refusal>,
}

impl<D: Domain> Seen<'_, D> {
    /// What happened; nothing when it was refused.
    pub(crate) fn events(&self) -> &[D::Event] {
        match self.outcome {
            Outcome::Accepted(events) => events,
            Outcome::Refused(_) => &[],
        }
    }
}

/// What an examiner notes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) crossings: Crossings,
    pub(crate) replayed: Replayed,
    problems: Vec<RecordProblem>,
    /// What takes two people, its proposer and its approver.
    acts: Vec<(&'static str, Position, Position)>,
    /// A run whose witnesses two people waive, and the reason.
    waived: Option<(RequestId, String)>,
    /// What reverses what: compared when all records were read.
    pub(crate) reversals: Vec<Reversal>,
}

impl Notes {
    /// The record at hand is not as it should be.
    pub(crate) fn problem(&mut self, problem: RecordProblem) {
        self.problems.push(problem);
    }

    /// Adding up gives other figures than the record at hand.
    pub(crate) fn books(&mut self, text: String) {
        self.problem(RecordProblem::Books(text));
    }

    /// The record at hand is what `proposer` and `approver` agreed to.
    pub(crate) fn two_people(&mut self, what: &'static str, proposer: Position, approver: Position) {
        self.acts.push((what, proposer, approver));
    }

    /// The record at hand does without the witnesses of `run`, for `reason`, as `proposer` and `approver` agreed.
    pub(crate) fn waived(&mut self, run: RequestId, reason: &str, proposer: Position, approver: Position) {
        self.two_people("a waiver of witnesses", proposer, approver);
        self.waived = Some((run, reason.to_owned()));
    }

    pub(crate) fn tally(&mut self, what: &'static str, count: u64) {
        self.replayed.tallies.insert(what, count);
    }
}

/// What one domain's records are examined for beyond their replay.
pub(crate) trait Examiner<D: Domain>: Default + Send {
    /// A sound record, with the state before it.
    fn before(&mut self, seen: &Seen<'_, D>, state: &D::State, notes: &mut Notes) {
        let _ = (seen, state, notes);
    }

    /// The same, with the state after it.
    fn after(&mut self, seen: &Seen<'_, D>, state: &D::State, notes: &mut Notes) {
        let _ = (seen, state, notes);
    }

    /// The journal's end.
    fn finish(&mut self, state: &D::State, notes: &mut Notes) -> Vec<Finding> {
        let _ = (state, notes);
        Vec::new()
    }
}

/// A replay of any domain.
pub(crate) trait Replaying: Send {
    fn record(&mut self, record: &RecordView<'_>);
    fn finish(self: Box<Self>) -> Ended;
}

/// What a replay leaves.
pub(crate) struct Ended {
    pub(crate) replayed: Replayed,
    pub(crate) crossings: Crossings,
    pub(crate) reversals: Vec<Reversal>,
    pub(crate) findings: Vec<Finding>,
}

/// The replay of `service`'s journals.
pub(crate) fn replay_of(service: Service, blobs: FolderBlobs, crossings: Crossings) -> Box<dyn Replaying> {
    use domains::{budgets, identities, reconciled, referred, registered, runs};
    match service {
        Service::Registry => Replay::<registry::Registry, registered::Acts>::boxed(blobs, crossings),
        Service::Identity => Replay::<identity::Identity, identities::Sealed>::boxed(blobs, crossings),
        Service::Referrals => Replay::<referrals::Referrals, referred::Telling>::boxed(blobs, crossings),
        Service::HealthBudgets => {
            Replay::<health_budgets::HealthBudgets, budgets::Asking>::boxed(blobs, crossings)
        }
        Service::Ledger => Replay::<ledger::Ledger, domains::books::Books>::boxed(blobs, crossings),
        Service::Settlement => Replay::<settlement::Settlement, runs::Asking>::boxed(blobs, crossings),
        Service::Reconciliation => {
            Replay::<reconciliation::Reconciliation, reconciled::Telling>::boxed(blobs, crossings)
        }
    }
}

struct Replay<D: Domain, E> {
    state: D::State,
    examiner: E,
    blobs: FolderBlobs,
    notes: Notes,
    house: HouseState,
    findings: Vec<Finding>,
    unlisted: u64,
}

impl<D: Domain, E: Examiner<D> + 'static> Replay<D, E> {
    fn boxed(blobs: FolderBlobs, crossings: Crossings) -> Box<dyn Replaying> {
        Box::new(Self {
            state: D::State::default(),
            examiner: E::default(),
            blobs,
            notes: Notes { crossings, ..Notes::default() },
            house: HouseState::default(),
            findings: Vec::new(),
            unlisted: 0,
        })
    }

    fn finding(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }

    /// Decides the record again and applies what it says.
    fn command(&mut self, record: &RecordView<'_>, at: &Moment) -> Result<(), Finding> {
        let header = &record.header;
        let position = header.position;
        let undecodable = |error: DecodeError| {
            if let DecodeError::BlobMissing(digest) = error {
                Finding::BlobMissing { position, digest }
            } else {
                Finding::Record { position, problem: RecordProblem::Decode(reason(&error)) }
            }
        };
        let (command, outcome) = D::decode(header.kind, record.body, &self.blobs).map_err(undecodable)?;
        let again = match D::decide(&self.state, at, &command) {
            Ok(events) => Outcome::Accepted(events),
            Err(refusal) => Outcome::Refused(refusal),
        };
        if again != outcome && encoded::<D>(&command, &again) != encoded::<D>(&command, &outcome) {
            self.notes.problem(RecordProblem::Outcome);
        }
        if let Some(cause) = header.cause {
            self.notes.crossings.caused(D::SERVICE, position, cause);
        }
        let seen = Seen { header, at, command: &command, outcome: &outcome };
        self.examiner.before(&seen, &self.state, &mut self.notes);
        match &outcome {
            Outcome::Accepted(events) => {
                for event in events {
                    D::apply(&mut self.state, at, &command, event);
                }
                self.notes.replayed.accepted += 1;
            }
            Outcome::Refused(_) => self.notes.replayed.refused += 1,
        }
        self.examiner.after(&seen, &self.state, &mut self.notes);
        Ok(())
    }
}

/// The bytes of a record as today's program writes it: an older one's may lack what was added since.
fn encoded<D: Domain>(command: &D::Command, outcome: &Outcome<D::Event, D::Refusal>) -> Vec<u8> {
    let mut body = Vec::new();
    D::encode(command, outcome, &mut body);
    body
}

fn reason(error: &DecodeError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}

impl<D: Domain, E: Examiner<D> + 'static> Replaying for Replay<D, E> {
    fn record(&mut self, record: &RecordView<'_>) {
        let header = &record.header;
        if self.notes.replayed.stopped.is_some() {
            return;
        }
        let at = Moment {
            position: header.position,
            recorded_time: header.recorded_time,
            business_date: header.business_date,
            request_id: header.request_id,
            caller: header.caller,
        };
        if header.kind.is_house() {
            self.notes.replayed.house += 1;
            self.house.record(D::SERVICE, record, &mut self.notes);
        } else if let Err(finding) = self.command(record, &at) {
            // The states that follow cannot be known.
            self.notes.replayed.stopped = Some(header.position);
            self.finding(finding);
        }
        if self.notes.problems.is_empty() && self.notes.acts.is_empty() {
            return;
        }
        for (what, proposer, approver) in core::mem::take(&mut self.notes.acts) {
            if let Some((run, reason)) = self.notes.waived.take() {
                let (position, day) = (header.position, header.business_date);
                let (proposer, approver) = (self.house.urn(proposer), self.house.urn(approver));
                let waived = Waived { position, day, run, reason, proposer, approver };
                self.notes.replayed.waived.push(waived);
            }
            match self.house.two_people(what, proposer, approver) {
                Ok(()) => self.notes.replayed.two_person_acts += 1,
                Err(problem) => self.notes.problem(problem),
            }
        }
        for problem in core::mem::take(&mut self.notes.problems) {
            self.finding(Finding::Record { position: header.position, problem });
        }
    }

    fn finish(mut self: Box<Self>) -> Ended {
        if self.notes.replayed.stopped.is_none() {
            for finding in self.examiner.finish(&self.state, &mut self.notes) {
                self.finding(finding);
            }
        }
        let Self { notes, mut findings, unlisted, .. } = *self;
        if unlisted > 0 {
            findings.push(Finding::More(unlisted));
        }
        let Notes { replayed, crossings, reversals, .. } = notes;
        Ended { replayed, crossings, reversals, findings }
    }
}

/// What the engine's own records say.
#[derive(Debug, Default)]
struct HouseState {
    callers: BTreeMap<Position, String>,
    urns: BTreeSet<String>,
    sandbox: bool,
    rolled: Option<Day>,
    clock: Option<Instant>,
    delivered: Option<Position>,
}

impl HouseState {
    fn record(&mut self, service: Service, record: &RecordView<'_>, notes: &mut Notes) {
        let header = &record.header;
        // What does not decode was found before.
        let Ok(house) = House::decode(record.body) else { return };
        match house {
            House::Opened(opened) => self.sandbox = opened.sandbox,
            House::CallerNamed(named) => {
                if !self.urns.insert(named.urn.clone()) {
                    notes.problem(RecordProblem::NamedTwice(named.urn.clone()));
                }
                self.callers.insert(header.position, named.urn);
            }
            House::ClockAdvanced(clock) => {
                let back = self.clock.is_some_and(|last| clock.to < last) || clock.to > header.recorded_time;
                if !self.sandbox || back {
                    notes.problem(RecordProblem::Clock);
                }
                self.clock = Some(clock.to);
            }
            House::Delivered(delivered) => {
                let through = delivered.through;
                if through >= header.position || self.delivered.is_some_and(|last| through <= last) {
                    notes.problem(RecordProblem::Delivered { target: delivered.target, through });
                }
                self.delivered = Some(through);
                notes.crossings.delivered(service, through, &delivered.parked);
            }
            // Which key signs is compared where the tree is.
            House::KeyRotated(_) => {}
            House::DayRolled(rolled) => {
                if let Some(last) = self.rolled.filter(|last| last.plus(1) != rolled.day) {
                    let problem = RecordProblem::DayOrder { expected: last.plus(1), found: rolled.day };
                    notes.problem(problem);
                }
                self.rolled = Some(rolled.day);
            }
        }
    }

    fn urn(&self, caller: Position) -> String {
        self.callers.get(&caller).cloned().unwrap_or_else(|| "nobody named".to_owned())
    }

    fn two_people(
        &self,
        what: &'static str,
        proposer: Position,
        approver: Position,
    ) -> Result<(), RecordProblem> {
        let (proposer, approver) = (self.urn(proposer), self.urn(approver));
        if proposer == approver {
            return Err(RecordProblem::OnePerson { what, urn: approver });
        }
        match [proposer, approver].into_iter().find(|urn| !urn.starts_with("urn:almoner:person:")) {
            Some(urn) => Err(RecordProblem::NoPerson { what, urn }),
            None => Ok(()),
        }
    }
}
