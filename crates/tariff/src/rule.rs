//! The rules that led to a price, compactly.

use crate::AttendanceColumn;
use core::fmt;
use minicbor::{Decode, Encode};

/// A rule that a price was reached by. The number is its bit in a [`RulePath`] and never changes; [`Rule::ALL`] has the
/// order of the formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// Admission method 11, 12 or 13: the short-stay emergency reduction did not, and never, applies.
    ElectiveAdmission = 0,
    /// Day case, priced apart from ordinary spells.
    DayCase = 1,
    /// Day case, at the price that it shares with ordinary spells.
    DayCaseCombined = 2,
    /// Ordinary elective spell, priced apart from day cases; also when no night was spent.
    OrdinaryElective = 3,
    /// Ordinary elective spell, at the price that it shares with day cases; also when no night was spent.
    OrdinaryElectiveCombined = 4,
    /// Procedure at an outpatient appointment: its price stands instead of the attendance's.
    OutpatientProcedure = 5,
    /// The procedure has no outpatient price, so the attendance is priced.
    ProcedureAsAttendance = 6,
    /// First attendance, face to face, one professional.
    FirstAttendance = 7,
    /// First attendance, face to face, several professionals.
    FirstAttendanceMulti = 8,
    /// Follow-up attendance, face to face, one professional.
    FollowUpAttendance = 9,
    /// Follow-up attendance, face to face, several professionals.
    FollowUpAttendanceMulti = 10,
    /// First attendance, not face to face.
    FirstRemote = 11,
    /// Follow-up attendance, not face to face.
    FollowUpRemote = 12,
    /// The treatment function has no row of its own in the list.
    DefaultFunction = 13,
    /// A local price, because there is no national one.
    LocalPrice = 14,
    /// An agreed local variation, instead of the national price.
    LocalVariation = 15,
    /// Days beyond the trim point are paid each.
    LongStay = 16,
    /// The stay did not exceed the trim point; a stay equal to it earns nothing more.
    WithinTrimPoint = 17,
    /// The market forces factor multiplied the sum.
    MarketForcesFactor = 18,
    /// The local price has the market forces factor in it.
    FactorIncluded = 19,
    /// No factor was given: this is the price before it.
    BeforeFactor = 20,
    /// Rounded once, to the nearest penny, half up.
    RoundedToPenny = 21,
    /// Rounded once, to the nearest pound, half up.
    RoundedToPound = 22,
    /// The list is illustrative.
    Illustrative = 23,
    /// The regulator approved an amount on top of the national price.
    LocalModification = 24,
    /// A percentage is added for specialised care.
    TopUp = 25,
    /// The percentage is of the long-stay payment too.
    TopUpOnLongStay = 26,
    /// A best-practice condition was met or missed.
    BestPractice = 27,
}

impl Rule {
    /// Every rule, in the order of the formula.
    pub const ALL: &'static [Self] = &[
        Self::ElectiveAdmission,
        Self::DayCase,
        Self::DayCaseCombined,
        Self::OrdinaryElective,
        Self::OrdinaryElectiveCombined,
        Self::OutpatientProcedure,
        Self::ProcedureAsAttendance,
        Self::FirstAttendance,
        Self::FirstAttendanceMulti,
        Self::FollowUpAttendance,
        Self::FollowUpAttendanceMulti,
        Self::FirstRemote,
        Self::FollowUpRemote,
        Self::DefaultFunction,
        Self::LocalPrice,
        Self::LocalVariation,
        Self::LocalModification,
        Self::LongStay,
        Self::WithinTrimPoint,
        Self::TopUp,
        Self::TopUpOnLongStay,
        Self::BestPractice,
        Self::MarketForcesFactor,
        Self::FactorIncluded,
        Self::BeforeFactor,
        Self::RoundedToPenny,
        Self::RoundedToPound,
        Self::Illustrative,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ElectiveAdmission => "ELECTIVE_ADMISSION",
            Self::DayCase => "DAY_CASE",
            Self::DayCaseCombined => "DAY_CASE_COMBINED",
            Self::OrdinaryElective => "ORDINARY_ELECTIVE",
            Self::OrdinaryElectiveCombined => "ORDINARY_ELECTIVE_COMBINED",
            Self::OutpatientProcedure => "OUTPATIENT_PROCEDURE",
            Self::ProcedureAsAttendance => "PROCEDURE_AS_ATTENDANCE",
            Self::FirstAttendance => "FIRST_ATTENDANCE",
            Self::FirstAttendanceMulti => "FIRST_ATTENDANCE_MULTI",
            Self::FollowUpAttendance => "FOLLOW_UP_ATTENDANCE",
            Self::FollowUpAttendanceMulti => "FOLLOW_UP_ATTENDANCE_MULTI",
            Self::FirstRemote => "FIRST_REMOTE",
            Self::FollowUpRemote => "FOLLOW_UP_REMOTE",
            Self::DefaultFunction => "DEFAULT_FUNCTION",
            Self::LocalPrice => "LOCAL_PRICE",
            Self::LocalVariation => "LOCAL_VARIATION",
            Self::LongStay => "LONG_STAY",
            Self::WithinTrimPoint => "WITHIN_TRIM_POINT",
            Self::MarketForcesFactor => "MARKET_FORCES_FACTOR",
            Self::FactorIncluded => "FACTOR_INCLUDED",
            Self::BeforeFactor => "BEFORE_FACTOR",
            Self::RoundedToPenny => "ROUNDED_TO_PENNY",
            Self::RoundedToPound => "ROUNDED_TO_POUND",
            Self::Illustrative => "ILLUSTRATIVE",
            Self::LocalModification => "LOCAL_MODIFICATION",
            Self::TopUp => "TOP_UP",
            Self::TopUpOnLongStay => "TOP_UP_ON_LONG_STAY",
            Self::BestPractice => "BEST_PRACTICE",
        }
    }

    const fn bit(self) -> u32 {
        1 << (self as u32)
    }

    /// The column that a rule which chose the base price took it from, by its name in the shipped lists.
    #[must_use]
    pub const fn column(self) -> Option<&'static str> {
        match self {
            Self::DayCase => Some("day_case_gbp"),
            Self::OrdinaryElective => Some("ordinary_elective_gbp"),
            Self::DayCaseCombined | Self::OrdinaryElectiveCombined => {
                Some("combined_daycase_ordinary_elective_gbp")
            }
            Self::OutpatientProcedure => Some("outpatient_procedure_gbp"),
            Self::FirstAttendance => Some(AttendanceColumn::FirstSingle.as_str()),
            Self::FirstAttendanceMulti => Some(AttendanceColumn::FirstMulti.as_str()),
            Self::FollowUpAttendance => Some(AttendanceColumn::FollowUpSingle.as_str()),
            Self::FollowUpAttendanceMulti => Some(AttendanceColumn::FollowUpMulti.as_str()),
            Self::FirstRemote => Some(AttendanceColumn::RemoteFirst.as_str()),
            Self::FollowUpRemote => Some(AttendanceColumn::RemoteFollowUp.as_str()),
            Self::LocalPrice => Some("local_price"),
            Self::LocalVariation => Some("local_variation"),
            Self::ElectiveAdmission
            | Self::ProcedureAsAttendance
            | Self::DefaultFunction
            | Self::LongStay
            | Self::WithinTrimPoint
            | Self::MarketForcesFactor
            | Self::FactorIncluded
            | Self::BeforeFactor
            | Self::RoundedToPenny
            | Self::RoundedToPound
            | Self::Illustrative
            | Self::LocalModification
            | Self::TopUp
            | Self::TopUpOnLongStay
            | Self::BestPractice => None,
        }
    }

    /// Whether the rule is the one that chose the base price.
    const fn chooses_base(self) -> bool {
        self.column().is_some()
    }
}

/// The rules of one price, in four bytes. They always apply in the order of [`Rule::ALL`], so a set is a
/// path. In CBOR it is one integer, bit n standing for the rule of number n.
#[derive(Default, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct RulePath(#[n(0)] u32);

impl RulePath {
    /// No rule.
    pub const EMPTY: Self = Self(0);

    /// The path with `rule` on it.
    #[must_use]
    pub const fn with(self, rule: Rule) -> Self {
        Self(self.0 | rule.bit())
    }

    /// The path without `rule`.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !rule.bit())
    }

    /// The path, marked when its list is illustrative.
    pub(crate) const fn with_illustrative(self, illustrative: bool) -> Self {
        if illustrative { self.with(Rule::Illustrative) } else { self }
    }

    /// Whether `rule` is on the path.
    #[must_use]
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    /// The rules in the order in which they applied.
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.iter().copied().filter(move |rule| self.contains(*rule))
    }

    /// The rule that chose the base price.
    #[must_use]
    pub fn base(self) -> Option<Rule> {
        self.iter().find(|rule| rule.chooses_base())
    }

    /// The bits, for a message on the hot path.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for RulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
