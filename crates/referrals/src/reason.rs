//! Why a line is contested or unreadable, what is noted about an accepted one, and why a command is refused.

use core::fmt;
use minicbor::{Decode, Encode};

macro_rules! reasons {
    ($($(#[doc = $text:literal])+ $name:ident = $number:literal, $code:literal, $field:literal;)+) => {
        /// One reason, with a number that stands in records and a code for callers. The list only grows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[doc = $text])+ $name = $number,)+
        }

        impl Reason {
            /// Every reason, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Every reason's code, by number.
            pub const CODES: &'static [&'static str] = &[$($code,)+];

            /// The stable code in UPPER_SNAKE.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// The field of a line that it concerns, by its name on the wire; empty when no one field is to blame.
            #[must_use]
            pub const fn field(self) -> &'static str {
                match self {
                    $(Self::$name => $field,)+
                }
            }

            /// The reason for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($text),+).trim_ascii(),)+
                }
            }

            const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    // Contested: readable, and not payable as it stands.
    /// The site of treatment is not known, so nobody can be paid for it.
    SiteUnknown = 0, "SITE_UNKNOWN", "site";
    /// The site, or the provider it belongs to, was not open on the day of the activity.
    SiteClosed = 1, "SITE_CLOSED", "site";
    /// The site belongs to another provider than the one that submits.
    SiteNotOfProvider = 2, "SITE_NOT_OF_PROVIDER", "site";
    /// The practice is not known, or is one of the codes for none.
    PracticeUnknown = 3, "PRACTICE_UNKNOWN", "practice";
    /// The practice had no commissioner on the day of the activity.
    PracticeClosed = 4, "PRACTICE_CLOSED", "practice";
    /// The responsible commissioner is not one of this system's.
    WrongCommissioner = 5, "WRONG_COMMISSIONER", "commissioner";
    /// No commissioner has a contract with the provider for the function, so not even non-contract activity is payable.
    /// Source: NHS Data Dictionary, Non-Contract Activity.
    NoContract = 6, "NO_CONTRACT", "treatment_function";
    /// Neither a national nor a local price exists.
    NoPrice = 7, "NO_PRICE", "hrg";
    /// The grouper could not group the record (UZ01Z).
    InvalidForGrouping = 8, "INVALID_FOR_GROUPING", "hrg";
    /// Another record of the provider claims the same care of the same patient on the same day.
    Duplicate = 9, "DUPLICATE", "cds_identifier";
    /// A private patient: never NHS money.
    PrivatePatient = 10, "PRIVATE_PATIENT", "administrative_category";
    /// The admission was not elective: 11, 12 and 13 are. Choice does not extend to it.
    NotElective = 11, "NOT_ELECTIVE", "admission_method";
    /// The coded fields contradict the point of delivery.
    CodingMismatch = 12, "CODING_MISMATCH", "point_of_delivery";
    /// The activity came before its referral was made.
    BeforeReferral = 13, "BEFORE_REFERRAL", "start_date";
    /// The booking reference is another patient's or another provider's.
    UbrnMismatch = 14, "UBRN_MISMATCH", "ubrn";
    /// The contract asks for a booking reference at a first attendance referred by a general practitioner.
    UbrnMissing = 15, "UBRN_MISSING", "ubrn";
    /// It came after its month was frozen. Source: reconciliation dates (NHS practice, unverified; the dates are data).
    AfterFreeze = 16, "AFTER_FREEZE", "start_date";
    /// The calendar has no deadlines for its month.
    NoCalendar = 17, "NO_CALENDAR", "start_date";
    /// Long stays are priced within the spell's own line; a line of its own would pay them twice.
    LongStayApart = 18, "LONG_STAY_APART", "point_of_delivery";
    /// No market forces factor is known for the place of treatment.
    NoMarketForcesFactor = 19, "NO_MARKET_FORCES_FACTOR", "site";

    /// The HRG is not in the year's price list.
    HrgUnknown = 20, "HRG_UNKNOWN", "hrg";
    /// No price book is in force for the financial year.
    NoPriceBook = 21, "NO_PRICE_BOOK", "start_date";
    /// The patient is registered with no practice, and no commissioner is known for where the patient lives.
    ResidenceUnknown = 22, "RESIDENCE_UNKNOWN", "residence";
    /// A visitor from overseas who pays: the provider recovers the charge, no commissioner does.
    OverseasChargeable = 23, "OVERSEAS_CHARGEABLE", "overseas_visitor";

    // Notes: the line is accepted all the same.
    /// Another commissioner of this system is responsible than the one claimed for: the line is moved to it.
    CommissionerReassigned = 32, "COMMISSIONER_REASSIGNED", "commissioner";
    /// The claimed price differs from ours by more than the contract tolerates: the difference is challenged.
    PriceDiffers = 33, "PRICE_DIFFERS", "claimed_pence";
    /// Not attended or cancelled: accepted at nothing, by rule.
    NotSeen = 34, "NOT_SEEN", "attended";
    /// An administrative event that stops the waiting-time clock, not an attendance: accepted at nothing, by rule.
    ClockStop = 35, "CLOCK_STOP", "first_attendance";
    /// It replaces an earlier version.
    NewVersion = 36, "NEW_VERSION", "cds_identifier";
    /// Terms or a list were corrected: it is priced again, and the difference is posted.
    Repriced = 40, "REPRICED", "claimed_pence";
    /// A visitor from overseas who is exempt from charges: the commissioner pays as for a resident.
    OverseasExempt = 37, "OVERSEAS_EXEMPT", "overseas_visitor";

    // Unreadable: a field is missing or malformed, or the line cannot be true.
    /// The CDS unique identifier is missing or malformed.
    CdsIdentifierInvalid = 64, "CDS_IDENTIFIER_INVALID", "cds_identifier";
    /// The NHS number is missing or malformed.
    NhsNumberInvalid = 65, "NHS_NUMBER_INVALID", "nhs_number";
    /// The NHS number fails its check digit.
    NhsNumberCheckDigit = 66, "NHS_NUMBER_CHECK_DIGIT", "nhs_number";
    /// The NHS number is one digit repeated.
    NhsNumberRepdigit = 67, "NHS_NUMBER_REPDIGIT", "nhs_number";
    /// The site is not an ODS code.
    SiteInvalid = 68, "SITE_INVALID", "site";
    /// The practice is not a practice code.
    PracticeInvalid = 69, "PRACTICE_CODE_INVALID", "practice";
    /// The commissioner is not an ODS code.
    CommissionerInvalid = 70, "COMMISSIONER_INVALID", "commissioner";
    /// The treatment function is not one.
    TreatmentFunctionInvalid = 71, "TREATMENT_FUNCTION_INVALID", "treatment_function";
    /// The point of delivery is not one that elective care uses.
    PointOfDeliveryInvalid = 72, "POINT_OF_DELIVERY_INVALID", "point_of_delivery";
    /// The start date is missing, partial or no date.
    StartDateInvalid = 73, "START_DATE_INVALID", "start_date";
    /// The end date is missing where a stay needs one, present where nothing ends, partial or no date.
    EndDateInvalid = 74, "END_DATE_INVALID", "end_date";
    /// Discharged before admitted.
    EndBeforeStart = 75, "END_BEFORE_START", "end_date";
    /// A day that has not come yet: nothing done then can be claimed.
    DateInFuture = 76, "DATE_IN_FUTURE", "start_date";
    /// The claimed amount is negative.
    ClaimedInvalid = 77, "CLAIMED_INVALID", "claimed_pence";
    /// The HRG is malformed, or missing where a spell or procedure needs one.
    HrgInvalid = 78, "HRG_INVALID", "hrg";
    /// The first attendance code is missing, unknown, or out of place.
    FirstAttendanceInvalid = 79, "FIRST_ATTENDANCE_INVALID", "first_attendance";
    /// The attended or did not attend code is missing, unknown, or out of place.
    AttendedInvalid = 80, "ATTENDED_OR_DID_NOT_ATTEND_INVALID", "attended";
    /// The admission method is missing, unknown, or out of place.
    AdmissionMethodInvalid = 81, "ADMISSION_METHOD_INVALID", "admission_method";
    /// The patient classification is missing, unknown, or out of place.
    PatientClassificationInvalid = 82, "PATIENT_CLASSIFICATION_INVALID", "patient_classification";
    /// The booking reference is malformed.
    UbrnInvalid = 83, "UBRN_INVALID", "ubrn";
    /// The administrative category is unknown.
    AdministrativeCategoryInvalid = 84, "ADMINISTRATIVE_CATEGORY_INVALID", "administrative_category";
    /// More excluded days than the stay has.
    ExcludedDaysInvalid = 85, "EXCLUDED_DAYS_INVALID", "excluded_days";
    /// The provider's own number of the spell or attendance is malformed.
    LocalIdentifierInvalid = 86, "LOCAL_IDENTIFIER_INVALID", "local_identifier";
    /// The market forces factor claimed is not a plain decimal.
    ClaimedMffInvalid = 87, "CLAIMED_MFF_INVALID", "claimed_mff";
    /// The patient pathway identifier is malformed.
    PathwayIdentifierInvalid = 88, "PATHWAY_IDENTIFIER_INVALID", "pathway_identifier";
    /// The postcode district is malformed.
    ResidenceInvalid = 89, "POSTCODE_DISTRICT_INVALID", "residence";
    /// The overseas visitor status is unknown.
    OverseasVisitorInvalid = 90, "OVERSEAS_VISITOR_INVALID", "overseas_visitor";

    // Referrals, beside those above that apply to them.
    /// The provider is not known.
    ProviderUnknown = 96, "PROVIDER_UNKNOWN", "provider";
    /// The provider was not open on the day.
    ProviderClosed = 97, "PROVIDER_CLOSED", "provider";
    /// The booking reference belongs to a referral already recorded.
    UbrnAlreadyUsed = 98, "UBRN_ALREADY_USED", "ubrn";
}

impl Reason {
    /// The number that stands in records.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether it makes a line unreadable.
    #[must_use]
    pub const fn is_unreadable(self) -> bool {
        matches!(self.number(), 64..=95)
    }

    /// Whether it is a note that leaves a line accepted.
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(self.number(), 32..=63)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A set of reasons: all that apply, at once. Held as bits, encoded as the ascending list of their numbers.
#[derive(Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reasons(u128);

impl Reasons {
    /// None.
    pub const NONE: Self = Self(0);

    /// This one alone.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self(1_u128.wrapping_shl(reason.number() as u32))
    }

    /// Adds one.
    pub const fn insert(&mut self, reason: Reason) {
        self.0 |= Self::of(reason).0;
    }

    /// Adds one where `applies`.
    pub const fn insert_if(&mut self, applies: bool, reason: Reason) {
        if applies {
            self.insert(reason);
        }
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & Self::of(reason).0 != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of them is that the line carries no price by rule.
    #[must_use]
    pub const fn is_nil(self) -> bool {
        self.contains(Reason::NotSeen) || self.contains(Reason::ClockStop)
    }

    /// The reasons, by number.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.iter().copied().filter(move |reason| self.contains(*reason))
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::NONE, |mut set, reason| {
            set.insert(reason);
            set
        })
    }
}

impl fmt::Debug for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Reason::code)).finish()
    }
}

impl<C> Encode<C> for Reasons {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(u64::from(self.0.count_ones()))?;
        if !self.is_empty() {
            for reason in self.iter() {
                e.u8(reason.number())?;
            }
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Reasons {
    fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        let mut reasons = Self::NONE;
        for number in d.array_iter_with::<C, u8>(ctx)? {
            let reason = Reason::from_number(number?);
            reasons.insert(reason.ok_or_else(|| minicbor::decode::Error::message("not a reason's number"))?);
        }
        Ok(reasons)
    }
}

/// What makes a line unreadable: the reasons numbered 64 to 95, bit by bit from the lowest. Five bytes at most.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faults(u32);

impl Faults {
    const SHIFT: u32 = 64;

    /// All of them.
    #[must_use]
    pub fn every() -> Self {
        Reason::ALL.iter().copied().collect::<Reasons>().into()
    }
}

impl From<Reasons> for Faults {
    /// Those of `reasons` that make a line unreadable.
    #[allow(clippy::cast_possible_truncation, reason = "the bits above are other reasons")]
    fn from(reasons: Reasons) -> Self {
        let faults: Reasons = reasons.iter().filter(|reason| reason.is_unreadable()).collect();
        Self(faults.0.wrapping_shr(Self::SHIFT) as u32)
    }
}

impl From<Faults> for Reasons {
    fn from(faults: Faults) -> Self {
        Self(u128::from(faults.0).wrapping_shl(Faults::SHIFT))
    }
}

impl<C> Encode<C> for Faults {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u32(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Faults {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let faults = Self(d.u32()?);
        let known = Self::from(Reasons::from(faults).iter().collect::<Reasons>()) == faults;
        if known { Ok(faults) } else { Err(minicbor::decode::Error::message("a bit is no fault's")) }
    }
}

/// Why a command is refused. Lines are never refused for what they say: they are contested or unreadable, and that is
/// an outcome like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum Refusal {
    /// No reference data has been adopted yet.
    #[n(1)]
    #[error("the registry has given nothing to decide with yet")]
    ReferenceMissing,
    /// The snapshot shows an older registry than the one in force.
    #[n(2)]
    #[error("newer reference data is already in force")]
    ReferenceOlder,
    /// The submission is not known, or is another caller's.
    #[n(3)]
    #[error("there is no such submission of this caller")]
    SubmissionUnknown,
    /// A referral cannot be recorded, for all these reasons.
    #[n(4)]
    #[error("the referral cannot be recorded")]
    Referral(#[n(0)] Reasons),
    /// The referral is not known.
    #[n(5)]
    #[error("there is no such referral")]
    ReferralUnknown,
    /// The referral has ended.
    #[n(6)]
    #[error("the referral has already ended")]
    ReferralEnded,
    /// The line is not known.
    #[n(7)]
    #[error("the provider has no such line")]
    LineUnknown,
    /// The line was withdrawn before.
    #[n(8)]
    #[error("the line is already withdrawn")]
    LineWithdrawn,
    /// The line's month is frozen.
    #[n(9)]
    #[error("the line's month is frozen: only an agreed adjustment can change it")]
    AfterFreeze,
    /// The cut is already sealed, or its deadline has not passed.
    #[n(10)]
    #[error("the cut is sealed, or its deadline has not passed")]
    CutNotDue,
    /// The provider of a submission is not known.
    #[n(11)]
    #[error("the provider is not known")]
    ProviderUnknown,
    /// The hold is still within its days.
    #[n(12)]
    #[error("the referral's hold has not expired")]
    NotExpired,
    /// The id proposed for a submission is another's.
    #[n(13)]
    #[error("the id proposed for the submission is taken")]
    SubmissionIdUsed,
    /// The calendar has no such cut.
    #[n(14)]
    #[error("the calendar has no such cut")]
    CutUnknown,
    /// A part of an extract is of another provider or month, or the parts sum to more than an amount may be.
    #[n(15)]
    #[error("a part of the extract is of another provider or month, or there is none")]
    PartMismatch,
    /// A part of an extract is not kept here.
    #[n(16)]
    #[error("a part of the extract is not kept here: send its rows first")]
    PartUnknown,
    /// No extract was adopted for the provider and cut.
    #[n(17)]
    #[error("no SUS extract has been adopted for the provider and cut")]
    ExtractUnknown,
    /// The version named is not the one in force.
    #[n(18)]
    #[error("the line has a newer version")]
    LineSuperseded,
    /// The line is being challenged.
    #[n(19)]
    #[error("the line is being challenged already")]
    ChallengeOpen,
    /// The time to challenge the line's month has passed.
    #[n(20)]
    #[error("the time to challenge the line's month has passed")]
    ChallengeLate,
    /// The amount is more than there is to contest, concede or uphold.
    #[n(21)]
    #[error(
        "the amount is more than there is to contest or concede, or not all of a line contested on receipt"
    )]
    ChallengeAmount,
    /// There is no such challenge.
    #[n(22)]
    #[error("there is no such challenge")]
    ChallengeUnknown,
    /// The challenge is concluded.
    #[n(23)]
    #[error("the challenge is concluded, or its line was replaced")]
    ChallengeEnded,
    /// The challenge has gone to the dispute process.
    #[n(24)]
    #[error("the challenge has gone to the dispute process")]
    ChallengeEscalated,
    /// The challenge is not answered, and its answer is not overdue.
    #[n(25)]
    #[error("the provider has not answered the challenge")]
    ChallengeUnanswered,
    /// More is upheld than the provider conceded.
    #[n(26)]
    #[error("more is upheld than the provider conceded: agree on less, or escalate")]
    NotConceded,
    /// The line's month is not frozen, or SUS does not prevail for it.
    #[n(27)]
    #[error("the line's month is not frozen, or SUS does not prevail for it")]
    SusDoesNotPrevail,
    /// No contract has a plan for the payer and payee, or nothing was done under it.
    #[n(40)]
    #[error("no contract has such a plan, or nothing was done under it")]
    PlanUnknown,
    /// There is no such repricing.
    #[n(41)]
    #[error("there is no such repricing")]
    RepricingUnknown,
    /// What decides, or the line, is no longer what the repricing was worked out with.
    #[n(42)]
    #[error(
        "the data that decide, or the line, changed since the repricing was worked out: propose it again"
    )]
    RepricingStale,
    /// The repricing is approved already.
    #[n(43)]
    #[error("the repricing is approved already")]
    RepricingApproved,
    /// The repricing is not approved.
    #[n(44)]
    #[error("the repricing is not approved")]
    RepricingNotApproved,
    /// Whoever proposed it cannot approve it.
    #[n(45)]
    #[error("whoever proposed it cannot approve it: another person must")]
    SamePerson,
    /// The digest approved is not the digest proposed.
    #[n(46)]
    #[error("the digest is not that of what was proposed")]
    DigestMismatch,
    /// There is no such move from where the referral stands.
    #[n(60)]
    #[error("there is no such move from where the referral stands")]
    MoveIllegal,
}

impl Refusal {
    /// Every code that is not a [`Reason`]'s.
    pub const CODES: &'static [&'static str] = &[
        "REFERENCE_MISSING",
        "REFERENCE_OLDER",
        "SUBMISSION_UNKNOWN",
        "REFERRAL_REFUSED",
        "REFERRAL_UNKNOWN",
        "REFERRAL_ENDED",
        "LINE_UNKNOWN",
        "LINE_WITHDRAWN",
        "CUT_NOT_DUE",
        "NOT_EXPIRED",
        "SUBMISSION_ID_USED",
        "CUT_UNKNOWN",
        "PART_MISMATCH",
        "PART_UNKNOWN",
        "EXTRACT_UNKNOWN",
        "LINE_SUPERSEDED",
        "CHALLENGE_OPEN",
        "CHALLENGE_LATE",
        "CHALLENGE_AMOUNT",
        "CHALLENGE_UNKNOWN",
        "CHALLENGE_ENDED",
        "CHALLENGE_ESCALATED",
        "CHALLENGE_UNANSWERED",
        "NOT_CONCEDED",
        "SUS_DOES_NOT_PREVAIL",
        "PLAN_UNKNOWN",
        "REPRICING_UNKNOWN",
        "REPRICING_STALE",
        "REPRICING_APPROVED",
        "REPRICING_NOT_APPROVED",
        "SAME_PERSON",
        "DIGEST_MISMATCH",
        "MOVE_ILLEGAL",
    ];

    /// The stable code in UPPER_SNAKE. For a referral that is the first of its reasons; callers list them all.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ReferenceMissing => "REFERENCE_MISSING",
            Self::ReferenceOlder => "REFERENCE_OLDER",
            Self::SubmissionUnknown => "SUBMISSION_UNKNOWN",
            Self::Referral(reasons) => reasons.iter().next().map_or("REFERRAL_REFUSED", Reason::code),
            Self::ReferralUnknown => "REFERRAL_UNKNOWN",
            Self::ReferralEnded => "REFERRAL_ENDED",
            Self::LineUnknown => "LINE_UNKNOWN",
            Self::LineWithdrawn => "LINE_WITHDRAWN",
            Self::AfterFreeze => "AFTER_FREEZE",
            Self::CutNotDue => "CUT_NOT_DUE",
            Self::ProviderUnknown => "PROVIDER_UNKNOWN",
            Self::NotExpired => "NOT_EXPIRED",
            Self::SubmissionIdUsed => "SUBMISSION_ID_USED",
            Self::CutUnknown => "CUT_UNKNOWN",
            Self::PartMismatch => "PART_MISMATCH",
            Self::PartUnknown => "PART_UNKNOWN",
            Self::ExtractUnknown => "EXTRACT_UNKNOWN",
            Self::LineSuperseded => "LINE_SUPERSEDED",
            Self::ChallengeOpen => "CHALLENGE_OPEN",
            Self::ChallengeLate => "CHALLENGE_LATE",
            Self::ChallengeAmount => "CHALLENGE_AMOUNT",
            Self::ChallengeUnknown => "CHALLENGE_UNKNOWN",
            Self::ChallengeEnded => "CHALLENGE_ENDED",
            Self::ChallengeEscalated => "CHALLENGE_ESCALATED",
            Self::ChallengeUnanswered => "CHALLENGE_UNANSWERED",
            Self::NotConceded => "NOT_CONCEDED",
            Self::SusDoesNotPrevail => "SUS_DOES_NOT_PREVAIL",
            Self::PlanUnknown => "PLAN_UNKNOWN",
            Self::RepricingUnknown => "REPRICING_UNKNOWN",
            Self::RepricingStale => "REPRICING_STALE",
            Self::RepricingApproved => "REPRICING_APPROVED",
            Self::RepricingNotApproved => "REPRICING_NOT_APPROVED",
            Self::SamePerson => "SAME_PERSON",
            Self::DigestMismatch => "DIGEST_MISMATCH",
            Self::MoveIllegal => "MOVE_ILLEGAL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_one_number_and_one_code_each() {
        let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_number(reason.number()), Some(*reason));
            assert!(reason.code().len() <= 63 && reason.number() < 128);
            assert!(reason.code().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
        }
    }

    #[test]
    fn faults_are_bits_and_no_other_reason_is_one() {
        let some =
            [Reason::CdsIdentifierInvalid, Reason::DateInFuture, Reason::Duplicate, Reason::NewVersion];
        let faults = Faults::from(some.into_iter().collect::<Reasons>());
        let bytes = minicbor::to_vec(faults).unwrap();
        assert_eq!(bytes, [0x19, 0x10, 0x01]);
        assert_eq!(minicbor::decode::<Faults>(&bytes).unwrap(), faults);
        let read: Vec<_> = Reasons::from(faults).iter().collect();
        assert_eq!(read, [Reason::CdsIdentifierInvalid, Reason::DateInFuture]);
        let every = Faults::every();
        assert_eq!(
            Reasons::from(every).iter().count(),
            Reason::ALL.iter().filter(|r| r.is_unreadable()).count()
        );
        assert_eq!(minicbor::decode::<Faults>(&minicbor::to_vec(every).unwrap()).unwrap(), every);
        assert!(
            minicbor::decode::<Faults>(&minicbor::to_vec(1_u32 << 31).unwrap()).is_err(),
            "95 is nobody's"
        );
    }

    #[test]
    fn a_set_is_encoded_as_the_list_of_its_numbers() {
        let reasons: Reasons =
            [Reason::Duplicate, Reason::SiteUnknown, Reason::DateInFuture].into_iter().collect();
        let bytes = minicbor::to_vec(reasons).unwrap();
        assert_eq!(bytes, [0x83, 0, 9, 24, 76]);
        assert_eq!(minicbor::decode::<Reasons>(&bytes).unwrap(), reasons);
        assert!(minicbor::decode::<Reasons>(&[0x81, 31]).is_err(), "31 is nobody's number");
        let all: Reasons = Reason::ALL.iter().copied().collect();
        assert_eq!(minicbor::decode::<Reasons>(&minicbor::to_vec(all).unwrap()).unwrap(), all);
        assert_eq!(all.iter().count(), Reason::ALL.len());
    }
}
