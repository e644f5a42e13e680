//! What callers and the day roll ask. Every field is already parsed: of what could not be, only the faults are here
//! ([`UnreadableLine`]).

use crate::{
    AdoptExtract, AnswerChallenge, ApproveRepricing, CLAIMED_MAX, ConcludeChallenge, Faults, LineTag,
    MoveReferral, NoChoice, PostMargin, ProposeRepricing, RaiseChallenge, Reason, Reasons, RepriceLine, Seen,
    SetChallengeRules,
};
use journal::{Day, Digest, Position, RequestId};
use minicbor::{Decode, Encode};
use money::{Factor, Pence};
use nhs::{
    AdministrativeCategory, AdmissionMethod, AttendedOrDidNotAttend, CdsIdentifier, FirstAttendance, Hrg,
    LocalIdentifier, OdsCode, OverseasVisitor, PathwayIdentifier, PatientClassification, PointOfDelivery,
    PostcodeDistrict, PracticeCode, Pseudonym, TreatmentFunction, Ubrn,
};
use reference::{Cut, Reference};
use std::sync::Arc;

/// Everything that can be asked of referrals.
#[derive(Debug, Clone)]
pub enum Command {
    /// Decide with newer reference data from here on.
    AdoptReference(AdoptReference),
    /// Open a submission, or find the one in force for the same file.
    OpenSubmission(OpenSubmission),
    /// Record a referral.
    RecordReferral(RecordReferral),
    /// End a referral.
    EndReferral(EndReferral),
    /// Answer an activity line.
    SubmitLine(ActivityLine),
    /// Record a line that could not be read, as it was done before there were tags.
    SubmitUnreadable(SubmitUnreadable),
    /// Record a line that could not be read, or cannot be true.
    RecordUnreadable(UnreadableLine),
    /// Withdraw a line.
    WithdrawLine(WithdrawLine),
    /// Seal a cut whose deadline has passed.
    SealCut(SealCut),
    /// Release a hold whose last day has passed.
    ExpireReferral(ExpireReferral),
    /// Compare with this SUS extract from here on.
    AdoptExtract(AdoptExtract),
    /// Challenge a line.
    RaiseChallenge(RaiseChallenge),
    /// Answer a challenge.
    AnswerChallenge(AnswerChallenge),
    /// Conclude a challenge.
    ConcludeChallenge(ConcludeChallenge),
    /// Challenge by these rules from a day of activity on.
    SetChallengeRules(SetChallengeRules),
    /// Work out what is owed beyond a plan.
    PostMargin(PostMargin),
    /// Propose to price lines again.
    ProposeRepricing(ProposeRepricing),
    /// Approve that.
    ApproveRepricing(ApproveRepricing),
    /// Price a line of an approved repricing again.
    RepriceLine(RepriceLine),
    /// Move a referral on in its life.
    MoveReferral(MoveReferral),
}

/// Decides with this snapshot from here on.
#[derive(Debug, Clone)]
pub struct AdoptReference {
    /// What stands in the record.
    pub terms: AdoptTerms,
    /// The snapshot that `terms` names, read from its blob.
    pub reference: Arc<Reference>,
}

/// What the record of an adoption holds; the snapshot itself is a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AdoptTerms {
    /// SHA-256 of the snapshot's canonical bytes.
    #[n(0)]
    pub digest: Digest,
    /// How many days a hold lasts from the day of the referral. 182 by default: nine in ten referrals reach a first
    /// attendance within six months (an estimate; configurable).
    #[n(1)]
    pub hold_days: u16,
    /// How many follow-up attendances a referral is expected to lead to, beside its first attendance. 1 by default:
    /// independent providers see 1.2 for each first attendance (an estimate; configurable).
    #[n(2)]
    pub follow_ups: u16,
    /// How many days after a referral a line without any reference may still be matched to it. None, in records from before
    /// lines were graded: any number, and lines carry no grade.
    #[n(3)]
    pub matching_days: Option<u16>,
    /// From when contracts that do not say ask for a booking reference at consultant-led first attendances referred by general
    /// practitioners. None: never.
    #[n(4)]
    pub booking_from: Option<Day>,
}

/// Opens a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct OpenSubmission {
    /// The provider whose activity it holds.
    #[n(0)]
    pub provider: OdsCode,
    /// SHA-256 of the file.
    #[n(1)]
    pub file_digest: Digest,
    /// The id that it gets, unless the same caller's same file has one.
    #[n(2)]
    pub proposed_id: RequestId,
    /// Open a new one even so.
    #[n(3)]
    pub again: bool,
}

/// Who referred a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Source {
    /// A general practitioner.
    #[n(1)]
    Gp,
    /// Anyone else.
    #[n(2)]
    Other,
}

/// Records a referral.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RecordReferral {
    /// The patient.
    #[n(0)]
    pub pseudonym: Pseudonym,
    /// The treatment function.
    #[n(1)]
    pub function: TreatmentFunction,
    /// Who referred.
    #[n(2)]
    pub source: Source,
    /// When it was made.
    #[n(3)]
    pub referred: Day,
    /// Where the patient was registered on that day.
    #[n(4)]
    pub practice: PracticeCode,
    /// The providers or sites offered, in that order.
    #[n(5)]
    pub offered: Vec<OdsCode>,
    /// The provider chosen.
    #[n(6)]
    pub provider: OdsCode,
    /// The site chosen, when one was.
    #[n(7)]
    pub site: Option<OdsCode>,
    /// The booking reference.
    #[n(8)]
    pub ubrn: Option<Ubrn>,
    /// The patient pathway identifier.
    #[n(9)]
    pub pathway: Option<PathwayIdentifier>,
    /// Why the patient was given no choice; none when it was.
    #[n(10)]
    pub no_choice: Option<NoChoice>,
    /// The day from which waiting time counts, when it is not that of the referral.
    #[n(11)]
    pub clock_start: Option<Day>,
    /// Where a patient without a practice usually lives.
    #[n(12)]
    pub residence: Option<PostcodeDistrict>,
}

impl RecordReferral {
    /// The day from which waiting time counts.
    #[must_use]
    pub fn waits_from(&self) -> Day {
        self.clock_start.unwrap_or(self.referred)
    }
}

/// How a referral ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum End {
    /// The patient was discharged.
    #[n(1)]
    Discharged,
    /// It was cancelled before it led to treatment.
    #[n(2)]
    Cancelled,
}

/// Ends a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct EndReferral {
    /// The position of the referral's record.
    #[n(0)]
    pub referral: Position,
    /// How.
    #[n(1)]
    pub end: End,
}

/// What is coded of the care itself, by its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Care {
    /// The patient was admitted.
    #[n(1)]
    Admitted {
        /// The day of discharge.
        #[n(0)]
        discharged: Day,
        /// How the patient came to be admitted.
        #[n(1)]
        method: AdmissionMethod,
        /// What kind of admission it was.
        #[n(2)]
        classification: PatientClassification,
        /// Days paid for in another way, not counted towards a long stay.
        #[n(3)]
        excluded_days: u16,
    },
    /// The patient was not admitted.
    #[n(2)]
    Outpatient {
        /// Whether it was a first attendance.
        #[n(0)]
        first: FirstAttendance,
        /// Whether it was kept.
        #[n(1)]
        attended: AttendedOrDidNotAttend,
    },
}

/// An activity line: one attendance, procedure or spell that a provider claims for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ActivityLine {
    /// The position of the record that opened its submission.
    #[n(0)]
    pub submission: Position,
    /// Its row there, from 1.
    #[n(1)]
    pub row: u64,
    /// The submission's provider.
    #[n(2)]
    pub provider: OdsCode,
    /// The provider's name for the record, for its life.
    #[n(3)]
    pub cds_identifier: CdsIdentifier,
    /// The patient.
    #[n(4)]
    pub pseudonym: Pseudonym,
    /// Where it was done.
    #[n(5)]
    pub site: OdsCode,
    /// Where the patient was registered.
    #[n(6)]
    pub practice: PracticeCode,
    /// The commissioner that the provider believes responsible.
    #[n(7)]
    pub commissioner: OdsCode,
    /// The treatment function.
    #[n(8)]
    pub function: TreatmentFunction,
    /// The point of delivery.
    #[n(9)]
    pub pod: PointOfDelivery,
    /// The day of the attendance, procedure or admission.
    #[n(10)]
    pub started: Day,
    /// What is claimed.
    #[n(11)]
    pub claimed: Pence,
    /// What is coded of the care.
    #[n(12)]
    pub care: Care,
    /// The healthcare resource group.
    #[n(13)]
    pub hrg: Option<Hrg>,
    /// The booking reference.
    #[n(14)]
    pub ubrn: Option<Ubrn>,
    /// On whose account the patient was treated.
    #[n(15)]
    pub category: AdministrativeCategory,
    /// The provider's own number of the spell or attendance.
    #[n(16)]
    pub local: Option<LocalIdentifier>,
    /// The market forces factor that the claimed amount holds, where it is stated. It decides nothing.
    #[n(17)]
    pub claimed_mff: Option<Factor>,
    /// The tag of provider and `cds_identifier`. Lines recorded before there were tags have none.
    #[n(18)]
    pub tag: Option<LineTag>,
    /// The patient pathway identifier.
    #[n(19)]
    pub pathway: Option<PathwayIdentifier>,
    /// Where a patient without a practice usually lives.
    #[n(20)]
    pub residence: Option<PostcodeDistrict>,
    /// Whether a visitor from overseas pays.
    #[n(21)]
    pub overseas: Option<OverseasVisitor>,
}

impl ActivityLine {
    /// The day by which the line is priced, paid and cut: of discharge for admitted care, else of the attendance.
    #[must_use]
    pub const fn date(&self) -> Day {
        match self.care {
            Care::Admitted { discharged, .. } => discharged,
            Care::Outpatient { .. } => self.started,
        }
    }

    /// What it is evidence of in the life of its referral.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        match self.care {
            Care::Admitted { .. } => Seen::Treated,
            Care::Outpatient { first: FirstAttendance::ClockStop, .. } => Seen::ClockStop,
            Care::Outpatient { attended, .. } if attended.was_seen() => {
                if self.pod.is_procedure() {
                    Seen::Treated
                } else {
                    Seen::Attended
                }
            }
            Care::Outpatient { attended: AttendedOrDidNotAttend::DidNotAttend, .. } => Seen::NotAttended,
            Care::Outpatient { .. } => Seen::Cancelled,
        }
    }

    /// The canonical CBOR from which the line's request id and fingerprint are made: no NHS number is in it. What the sender
    /// did not say, its tag, is left out.
    pub fn write_content(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail, and the line holds nothing that CBOR lacks.
        let _ = minicbor::encode(Self { tag: None, ..*self }, out);
    }

    /// Why the line cannot be true on `today`, whatever the reference data say: nothing can be claimed for a day that has not
    /// come. The service records such a line as an [`UnreadableLine`].
    #[must_use]
    pub fn impossible(&self, today: Day) -> Reasons {
        let mut reasons = Reasons::NONE;
        let future = self.started > today || self.date() > today;
        reasons.insert_if(future, Reason::DateInFuture);
        reasons.insert_if(self.date() < self.started, Reason::EndBeforeStart);
        reasons.insert_if(self.claimed > CLAIMED_MAX, Reason::ClaimedInvalid);
        if let Care::Admitted { discharged, excluded_days, .. } = self.care {
            let nights = discharged.since(self.started);
            reasons.insert_if(i32::from(excluded_days) > nights.max(0), Reason::ExcludedDaysInvalid);
        }
        reasons
    }

    /// The line as one that cannot be true, for `reasons`: what it says is left out.
    #[must_use]
    pub fn unreadable(&self, reasons: Reasons) -> UnreadableLine {
        UnreadableLine {
            submission: self.submission,
            row: self.row,
            provider: self.provider,
            faults: reasons.into(),
            claimed: Some(self.claimed).filter(|claimed| *claimed <= CLAIMED_MAX),
            tag: self.tag,
        }
    }
}

/// Records a line that could not be read, or cannot be true: nothing of its text. Where it is found again at its sender's,
/// what is wrong with it, and a tag in the place of its name. Its record has at most [`UNREADABLE_RECORD_BYTES_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct UnreadableLine {
    /// The position of the record that opened its submission.
    #[n(0)]
    pub submission: Position,
    /// Its row there, from 1.
    #[n(1)]
    pub row: u64,
    /// The submission's provider.
    #[n(2)]
    pub provider: OdsCode,
    /// Everything that is wrong with it.
    #[n(3)]
    pub faults: Faults,
    /// What is claimed, where that could be read.
    #[n(4)]
    pub claimed: Option<Pence>,
    /// The tag of its provider and the provider's name for the record, where that could be read.
    #[n(5)]
    pub tag: Option<LineTag>,
}

/// The most bytes of an unreadable line's record: header ([`journal::HEADER_BYTES`], in which the fingerprint is a tag of all
/// that was sent) and body, which is all that a group holds of it. Every field's widest form adds up to less.
pub const UNREADABLE_RECORD_BYTES_MAX: usize = 200;

/// Records a line that could not be read: what it says stays with its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SubmitUnreadable {
    /// The position of the record that opened its submission.
    #[n(0)]
    pub submission: Position,
    /// Its row there, from 1.
    #[n(1)]
    pub row: u64,
    /// The submission's provider.
    #[n(2)]
    pub provider: OdsCode,
    /// Everything that is wrong with it.
    #[n(3)]
    pub reasons: Reasons,
    /// What is claimed, where that could be read.
    #[n(4)]
    pub claimed: Option<Pence>,
    /// The provider's name for the record, where that could be read.
    #[n(5)]
    pub cds_identifier: Option<CdsIdentifier>,
}

impl SubmitUnreadable {
    /// The canonical CBOR from which the line's request id and fingerprint are made.
    pub fn write_content(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail, and the line holds nothing that CBOR lacks.
        let _ = minicbor::encode(self, out);
    }
}

/// Withdraws a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WithdrawLine {
    /// The provider.
    #[n(0)]
    pub provider: OdsCode,
    /// Its name for the record.
    #[n(1)]
    pub cds_identifier: CdsIdentifier,
    /// The tag of both. It is no part of what the caller said.
    #[n(2)]
    pub tag: Option<LineTag>,
}

/// Seals a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SealCut {
    /// Which.
    #[n(0)]
    pub cut: Cut,
}

/// Releases what an untouched referral still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ExpireReferral {
    /// The position of the referral's record.
    #[n(0)]
    pub referral: Position,
}
