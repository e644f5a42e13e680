//! What journals of one system say of each other: every posting that a service told the ledger stands there word for word,
//! and nothing stands there in a service's name that it did not tell.

use crate::{Finding, RecordProblem};
use hashbrown::HashMap;
use journal::{Cause, Fingerprint, Position, RequestId, Service};
use std::collections::{BTreeMap, BTreeSet};

/// What a telling journal knows of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is a report: answered when the cursor has passed its record.
    Report,
    /// It is an ask that is open.
    Open,
    /// The ledger posted it there.
    Granted(Position),
    /// The ledger refused it (there, where the journal says so).
    Denied(Option<Position>),
}

#[derive(Debug)]
struct Told {
    by: Service,
    source: Position,
    content: Fingerprint,
    answer: Answer,
    heard: bool,
}

/// Causes that one journal names in another.
#[derive(Debug, Default)]
struct Named {
    count: u64,
    /// The last position named, and the first record that names it.
    last: Option<(Position, Position)>,
}

/// What is known of the journals of one system so far. Forty-eight bytes a told posting, and its place in the table.
#[derive(Debug, Default)]
pub(crate) struct Crossings {
    told: HashMap<RequestId, Told>,
    sizes: BTreeMap<Service, u64>,
    causes: BTreeMap<(Service, Service), Named>,
    delivered: BTreeMap<Service, Position>,
    parked: BTreeSet<(Service, Position)>,
}

/// What was compared, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crossed {
    /// Postings found in the ledger word for word as another service told them, by that service.
    pub postings: BTreeMap<Service, u64>,
    /// Reports and asks that the ledger has not answered so far: it may do so at the next start.
    pub waiting: BTreeMap<Service, u64>,
    /// Causes found: (whose records, in which journal) and how many.
    pub causes: BTreeMap<(Service, Service), u64>,
    /// Causes in journals that were not given: the same.
    pub not_here: BTreeMap<(Service, Service), u64>,
}

impl Crossings {
    /// A journal was read to its end.
    pub(crate) fn journal(&mut self, service: Service, records: u64) {
        self.sizes.insert(service, records);
    }

    /// A record names its cause.
    pub(crate) fn caused(&mut self, service: Service, at: Position, cause: Cause) {
        let named = self.causes.entry((service, cause.service)).or_default();
        named.count = named.count.saturating_add(1);
        if named.last.is_none_or(|(last, _)| last < cause.position) {
            named.last = Some((cause.position, at));
        }
    }

    /// The record at `source` tells the ledger to post `content` under `id`.
    pub(crate) fn told(
        &mut self,
        by: Service,
        source: Position,
        id: RequestId,
        content: Fingerprint,
        answer: Answer,
    ) {
        self.told.insert(id, Told { by, source, content, answer, heard: false });
    }

    /// The answer to an ask is recorded.
    pub(crate) fn answered(&mut self, id: RequestId, answer: Answer) {
        // The first answer counts: later ones find the ask closed.
        if let Some(told) = self.told.get_mut(&id).filter(|told| told.answer == Answer::Open) {
            told.answer = answer;
        }
    }

    /// Every report of `service` up to `through` is answered; those of `parked` were refused.
    pub(crate) fn delivered(&mut self, service: Service, through: Position, parked: &[Position]) {
        self.delivered.insert(service, through);
        self.parked.extend(parked.iter().map(|position| (service, *position)));
    }

    /// Whether everything that `service` told is known.
    fn knows(&self, service: Service) -> bool {
        let tells = matches!(
            service,
            Service::Referrals | Service::HealthBudgets | Service::Settlement | Service::Reconciliation
        );
        tells && self.sizes.contains_key(&service)
    }

    /// The ledger's record at `at` answers a request of a service.
    pub(crate) fn heard(
        &mut self,
        at: Position,
        id: RequestId,
        cause: Option<Cause>,
        content: Fingerprint,
        accepted: bool,
    ) -> Result<(), RecordProblem> {
        let problem = |text: String| Err(RecordProblem::Crossing(text));
        let Some(told) = self.told.get_mut(&id) else {
            return match cause {
                Some(cause) if self.knows(cause.service) => problem(format!(
                    "it is posted for record {} of {}, which tells the ledger no such thing",
                    cause.position, cause.service
                )),
                Some(_) | None => Ok(()),
            };
        };
        told.heard = true;
        let (by, source) = (told.by, told.source);
        if cause.is_some_and(|cause| (cause.service, cause.position) != (by, source)) {
            return problem(format!("its cause is record {source} of {by}, and it names another"));
        }
        if told.content != content {
            return problem(format!("it does not post what record {source} of {by} told it to"));
        }
        let (granted, position) = match told.answer {
            Answer::Granted(position) => (Some(true), Some(position)),
            Answer::Denied(position) => (Some(false), position),
            Answer::Open => (None, None),
            Answer::Report => {
                let parked = self.parked.contains(&(by, source));
                ((!accepted && !parked).then_some(true), None)
            }
        };
        if granted.is_some_and(|granted| granted != accepted) || position.is_some_and(|there| there != at) {
            return problem(format!("{by} records another answer to what its record {source} asked"));
        }
        Ok(())
    }

    /// Ends the comparison.
    pub(crate) fn finish(self, findings: &mut Vec<Finding>) -> Crossed {
        let mut crossed = Crossed::default();
        let ledger = self.sizes.contains_key(&Service::Ledger);
        let mut missing = BTreeMap::new();
        for told in self.told.values() {
            let due = match told.answer {
                Answer::Report => {
                    self.delivered.get(&told.by).is_some_and(|through| told.source <= *through)
                        && !self.parked.contains(&(told.by, told.source))
                }
                Answer::Granted(_) | Answer::Denied(Some(_)) => true,
                Answer::Open | Answer::Denied(None) => false,
            };
            if told.heard {
                count(&mut crossed.postings, told.by);
            } else if ledger && due {
                missing.entry(told.by).or_insert_with(BTreeSet::new).insert(told.source);
            } else if !due && told.answer != Answer::Denied(None) {
                count(&mut crossed.waiting, told.by);
            }
        }
        for (by, sources) in missing {
            let first = sources.first().copied().unwrap_or_default();
            findings.push(Finding::Crossing(format!(
                "{} records of {by} say that the ledger answered them, and it holds no such record: the first is record \
                 {first}",
                sources.len()
            )));
        }
        for ((from, to), named) in self.causes {
            match (self.sizes.get(&to), named.last) {
                (Some(size), Some((last, at))) if last.get() >= *size => {
                    findings.push(Finding::Crossing(format!(
                        "record {at} of {from} follows from record {last} of {to}, which ends before it"
                    )));
                }
                (Some(_), _) => {
                    crossed.causes.insert((from, to), named.count);
                }
                (None, _) => {
                    crossed.not_here.insert((from, to), named.count);
                }
            }
        }
        crossed
    }
}

fn count(of: &mut BTreeMap<Service, u64>, service: Service) {
    let count = of.entry(service).or_default();
    *count = count.saturating_add(1);
}
