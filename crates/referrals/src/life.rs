//! The life of a referral: its stages, the moves between them, and the clock of its waiting time.
//!
//! ```text
//! recorded ─▶ accepted ─▶ booked ─▶ attended ─▶ listed ─▶ treated ─▶ discharged
//!     │           │          └─▶ not attended ─▶ booked again, discharged
//!     └─▶ returned, cancelled; transferred: recorded at the next provider
//! ```
//! Only the moves of [`Stage::after`] exist. Activity is evidence too ([`Stage::by_activity`]): a provider that claims an
//! attendance need not have told that it was booked.
//!
//! The clock follows the national rules on consultant-led waiting times (gov.uk, *Referral to treatment consultant-led waiting
//! times: rules suite*, October 2015): it starts with the referral, stops at first definitive treatment, at a decision not to
//! treat, when the patient declines and when active monitoring begins; it is nullified when the first appointment is not attended,
//! and starts anew when that is booked again; a new decision after monitoring or treatment starts a new one. Nothing pauses it
//! (since 1 October 2015). It decides no payment.

use journal::{Day, Position};
use minicbor::{Decode, Encode};
use nhs::{Hrg, OdsCode, PatientClassification};
use smallvec::SmallVec;

/// Days of 18 weeks: who has waited this long has waited "within 18 weeks".
pub const WAIT_DAYS: i32 = 18 * 7;

/// Moves a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct MoveReferral {
    /// The position of the referral's record.
    #[n(0)]
    pub referral: Position,
    /// When it happened.
    #[n(1)]
    pub on: Day,
    /// What happened.
    #[n(2)]
    pub what: Move,
}

/// What may happen to a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Move {
    /// The provider takes the patient on.
    #[n(1)]
    Accepted,
    /// The provider sends the referral back: it ends.
    #[n(2)]
    Returned,
    /// An appointment is made.
    #[n(3)]
    Booked {
        /// Its day.
        #[n(0)]
        day: Day,
    },
    /// The appointment was kept.
    #[n(4)]
    Attended,
    /// The patient did not come, and gave no notice.
    #[n(5)]
    NotAttended,
    /// It was decided to admit the patient: the expected price of that is held, too.
    #[n(6)]
    Listed {
        /// The group that the treatment is expected to have.
        #[n(0)]
        hrg: Hrg,
        /// As what the patient is to be admitted.
        #[n(1)]
        classification: PatientClassification,
    },
    /// First definitive treatment began.
    #[n(7)]
    Treated,
    /// Active monitoring began.
    #[n(8)]
    Monitored {
        /// Whether the patient wished so.
        #[n(0)]
        by_patient: bool,
    },
    /// A new decision to treat, after monitoring or treatment.
    #[n(9)]
    Resumed,
    /// It was decided not to treat.
    #[n(10)]
    NotTreated,
    /// The patient declined treatment.
    #[n(11)]
    Declined,
    /// Another provider takes over; it is recorded there.
    #[n(12)]
    Transferred {
        /// The provider.
        #[n(0)]
        provider: OdsCode,
        /// The site, when one is known.
        #[n(1)]
        site: Option<OdsCode>,
    },
    /// The patient was discharged: it ends.
    #[n(13)]
    Discharged,
    /// It was cancelled before treatment: it ends.
    #[n(14)]
    Cancelled,
}

/// Why choice of provider did not apply to a referral.
///
/// Source: SI 2012/2996, regulations 40 and 41 (the detail is NHS practice, unverified).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum NoChoice {
    /// Suspected cancer, or another service with rapid access.
    #[n(1)]
    Urgent,
    /// Maternity services.
    #[n(2)]
    Maternity,
    /// Detained in prison, or under the Mental Health Act.
    #[n(3)]
    Detained,
    /// A serving member of the armed forces.
    #[n(4)]
    ArmedForces,
    /// The patient asked that the referrer choose.
    #[n(5)]
    PatientAskedReferrer,
    /// Only one provider is clinically appropriate.
    #[n(6)]
    OneProvider,
}

/// How surely a line was matched to a referral. A figure of data quality: in 2017/18 it is no reason not to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Grade {
    /// By its booking reference.
    #[n(1)]
    Ubrn,
    /// By its patient pathway identifier.
    #[n(2)]
    Pathway,
    /// By patient, provider, treatment function and the window of days.
    #[n(3)]
    Patient,
    /// To none that was reported.
    #[n(4)]
    None,
}

impl Grade {
    /// Every grade, the surest first.
    pub const ALL: [Self; 4] = [Self::Ubrn, Self::Pathway, Self::Patient, Self::None];
}

/// Where a referral stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// Made.
    #[n(0)]
    Recorded,
    /// Taken on by the provider.
    #[n(1)]
    Accepted,
    /// An appointment is made.
    #[n(2)]
    Booked,
    /// The appointment was not kept.
    #[n(3)]
    NotAttended,
    /// Seen.
    #[n(4)]
    Attended,
    /// On the list for admission.
    #[n(5)]
    Listed,
    /// Treated.
    #[n(6)]
    Treated,
    /// Actively monitored.
    #[n(7)]
    Monitored,
    /// Not to be treated, or the patient declined.
    #[n(8)]
    NotTreated,
    /// Sent back to who referred.
    #[n(9)]
    Returned,
    /// Discharged.
    #[n(10)]
    Discharged,
    /// Cancelled.
    #[n(11)]
    Cancelled,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 12] = [
        Self::Recorded,
        Self::Accepted,
        Self::Booked,
        Self::NotAttended,
        Self::Attended,
        Self::Listed,
        Self::Treated,
        Self::Monitored,
        Self::NotTreated,
        Self::Returned,
        Self::Discharged,
        Self::Cancelled,
    ];

    /// Whether nothing more can happen.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Returned | Self::Discharged | Self::Cancelled)
    }

    /// Where a move leads from here; none when there is no such move.
    #[must_use]
    pub const fn after(self, what: &Move) -> Option<Self> {
        use Stage as S;
        let (next, legal) = match what {
            Move::Accepted => (S::Accepted, matches!(self, S::Recorded)),
            Move::Returned => (S::Returned, matches!(self, S::Recorded | S::Accepted)),
            Move::Booked { .. } => (S::Booked, !self.is_end() && !matches!(self, S::Listed | S::NotTreated)),
            Move::Attended => (S::Attended, matches!(self, S::Booked)),
            Move::NotAttended => (S::NotAttended, matches!(self, S::Booked)),
            Move::Listed { .. } => (S::Listed, matches!(self, S::Attended | S::Treated | S::Monitored)),
            Move::Treated => (S::Treated, matches!(self, S::Booked | S::Attended | S::Listed)),
            Move::Monitored { .. } => (S::Monitored, matches!(self, S::Attended | S::Listed)),
            Move::Resumed => (S::Attended, matches!(self, S::Monitored | S::Treated)),
            Move::NotTreated | Move::Declined => {
                (S::NotTreated, matches!(self, S::Attended | S::Listed | S::Monitored))
            }
            Move::Transferred { .. } => {
                (S::Recorded, !self.is_end() && !matches!(self, S::Treated | S::NotTreated))
            }
            Move::Discharged => (
                S::Discharged,
                matches!(
                    self,
                    S::NotAttended | S::Attended | S::Listed | S::Treated | S::Monitored | S::NotTreated
                ),
            ),
            Move::Cancelled => {
                (S::Cancelled, !self.is_end() && !matches!(self, S::Treated | S::Monitored | S::NotTreated))
            }
        };
        if legal { Some(next) } else { None }
    }

    /// Where activity leads: it is evidence that what comes before it happened.
    #[must_use]
    pub const fn by_activity(self, seen: Seen) -> Self {
        let waiting = matches!(self, Self::Recorded | Self::Accepted | Self::Booked | Self::NotAttended);
        match seen {
            Seen::NotAttended if waiting => Self::NotAttended,
            Seen::Attended if waiting => Self::Attended,
            Seen::Treated if !self.is_end() => Self::Treated,
            Seen::NotAttended | Seen::Attended | Seen::Treated | Seen::ClockStop | Seen::Cancelled => self,
        }
    }
}

/// What an activity line is evidence of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The patient did not come.
    NotAttended,
    /// The appointment was cancelled by either side: no evidence of anything.
    Cancelled,
    /// An attendance.
    Attended,
    /// A procedure or an admission.
    Treated,
    /// An event that only stops the clock.
    ClockStop,
}

/// Why a clock stopped. The numbers are those of the referral to treatment period status (NHS practice, unverified).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Stop {
    /// First definitive treatment.
    #[n(30)]
    Treated,
    /// Active monitoring, begun by the patient.
    #[n(31)]
    MonitoredByPatient,
    /// Active monitoring, begun by a professional.
    #[n(32)]
    MonitoredByProfessional,
    /// Nullified: the first appointment was not attended.
    #[n(33)]
    NotAttended,
    /// A decision not to treat, or discharge without treatment.
    #[n(34)]
    NotTreated,
    /// The patient declined.
    #[n(35)]
    Declined,
    /// An event told by a line that only stops clocks.
    #[n(90)]
    Event,
}

/// A clock of waiting time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Clock {
    /// The day on which it started.
    #[n(0)]
    pub started: Day,
    /// When and why it stopped.
    #[n(1)]
    pub stopped: Option<(Day, Stop)>,
}

impl Clock {
    /// How many days it has run at the end of `on`; none when it was not running then.
    #[must_use]
    pub fn waited(&self, on: Day) -> Option<i32> {
        let running = self.started <= on && self.stopped.is_none_or(|(day, _)| day > on);
        running.then(|| on.since(self.started))
    }
}

/// The life of one referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub stage: Stage,
    /// Its clocks in order; none for a referral that activity implied, because nobody knows when it was made.
    pub clocks: SmallVec<[Clock; 1]>,
    /// The records that made it, in order: the referral's own, moves, lines, its end.
    pub records: SmallVec<[Position; 4]>,
    /// Whether an appointment was ever kept: until then, not to come nullifies the clock.
    pub(crate) seen: bool,
}

impl Life {
    /// Begins with that record; its clock, when it has one, on that day.
    pub(crate) fn new(record: Position, clock: Option<Day>) -> Self {
        Self {
            stage: Stage::Recorded,
            clocks: clock.map(|started| Clock { started, stopped: None }).into_iter().collect(),
            records: SmallVec::from_iter([record]),
            seen: false,
        }
    }

    /// What a move does.
    pub(crate) fn moved(&mut self, record: Position, on: Day, what: &Move) {
        self.records.push(record);
        let Some(next) = self.stage.after(what) else { return };
        self.stage = next;
        match what {
            Move::Booked { .. } if self.is_nullified() => self.start(on),
            Move::Resumed => self.start(on),
            Move::Attended => self.seen = true,
            Move::NotAttended if !self.seen => self.stop(on, Stop::NotAttended),
            Move::Treated => self.stop(on, Stop::Treated),
            Move::Monitored { by_patient: true } => self.stop(on, Stop::MonitoredByPatient),
            Move::Monitored { by_patient: false } => self.stop(on, Stop::MonitoredByProfessional),
            Move::NotTreated | Move::Returned | Move::Discharged | Move::Cancelled => {
                self.stop(on, Stop::NotTreated);
            }
            Move::Declined => self.stop(on, Stop::Declined),
            Move::Accepted
            | Move::Booked { .. }
            | Move::NotAttended
            | Move::Listed { .. }
            | Move::Transferred { .. } => {}
        }
    }

    /// What a line is evidence of.
    pub(crate) fn active(&mut self, record: Position, on: Day, seen: Seen) {
        self.records.push(record);
        self.stage = self.stage.by_activity(seen);
        match seen {
            Seen::NotAttended if !self.seen => self.stop(on, Stop::NotAttended),
            Seen::Attended => self.attended(on),
            Seen::Treated => {
                self.attended(on);
                self.stop(on, Stop::Treated);
            }
            Seen::ClockStop => self.stop(on, Stop::Event),
            Seen::NotAttended | Seen::Cancelled => {}
        }
    }

    /// How it ended, by a record that is no move.
    pub(crate) fn ended(&mut self, record: Position, on: Day, stage: Stage) {
        self.records.push(record);
        self.stage = stage;
        self.stop(on, Stop::NotTreated);
    }

    fn attended(&mut self, on: Day) {
        self.seen = true;
        // Booked anew without being told: the wait goes on from the day on which the first was missed.
        if self.is_nullified() {
            let missed = self.clocks.last().and_then(|clock| clock.stopped).map_or(on, |(day, _)| day);
            self.start(missed.min(on));
        }
    }

    fn is_nullified(&self) -> bool {
        self.clocks.last().is_some_and(|clock| matches!(clock.stopped, Some((_, Stop::NotAttended))))
    }

    fn start(&mut self, on: Day) {
        // Without a first clock there is nothing to go on from.
        if !self.clocks.is_empty() {
            self.clocks.push(Clock { started: on, stopped: None });
        }
    }

    /// Stops the clock that runs; of treatments the earliest counts.
    fn stop(&mut self, on: Day, why: Stop) {
        let Some(clock) = self.clocks.last_mut() else { return };
        let on = on.max(clock.started);
        match clock.stopped {
            None => clock.stopped = Some((on, why)),
            Some((day, Stop::Treated)) if why == Stop::Treated => {
                clock.stopped = Some((day.min(on), why));
            }
            Some(_) => {}
        }
    }
}
