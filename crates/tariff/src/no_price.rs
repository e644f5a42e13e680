//! Why a line has no price.

use minicbor::{Decode, Encode};

/// A line has no price. In the order in which the rules are tried: the first that holds is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, thiserror::Error)]
#[cbor(index_only)]
pub enum NoPrice {
    /// First attendance code 5: an administrative event that stops the waiting-time clock, not an attendance.
    #[n(0)]
    #[error("an administrative event that stops the clock is not an attendance and is never priced")]
    ClockStopEvent,
    /// Attended code 0: the appointment lies in the future.
    #[n(1)]
    #[error("the appointment has not been held yet")]
    NotYetHeld,
    /// Attended code 2, 3, 4 or 7: cancelled, not attended, or late and not seen.
    #[n(2)]
    #[error("the appointment was cancelled or the patient was not seen: only codes 5 and 6 are priced")]
    NotAttended,
    /// Any HRG of subchapter UZ: the grouper found the record invalid.
    #[n(3)]
    #[error("the HRG says that the record was invalid for grouping: correct the record and group it again")]
    InvalidForGrouping,
    /// Patient classification 5: delivery facilities, never elective choice.
    #[n(4)]
    #[error("use of delivery facilities only is not elective care")]
    DeliveryOnly,
    /// An admission method other than 11, 12 or 13.
    #[n(5)]
    #[error("the admission was not elective: only admission methods 11, 12 and 13 are")]
    NotElective,
    /// A day case that stayed a night.
    #[n(6)]
    #[error("a day case has no nights: either the classification or the dates are wrong")]
    DayCaseWithStay,
    /// The HRG, the point of delivery and the codes of the appointment say different things.
    #[n(7)]
    #[error("the HRG, the point of delivery and the first attendance code contradict each other")]
    ContradictoryAttendance,
    /// Patient classification 3 or 4: outside the national prices of admitted care.
    #[n(8)]
    #[error("regular day and night admissions have no national price: the contract needs a local price")]
    RegularAdmission,
    /// Not led by a consultant: locally priced.
    #[n(9)]
    #[error("attendances that no consultant led have no national price: the contract needs a local price")]
    NotConsultantLed,
    /// No book for the financial year of the date.
    #[n(10)]
    #[error("no price book is in force for the financial year of the date")]
    NoPriceBook,
    /// The HRG is not in the year's list.
    #[n(11)]
    #[error("the HRG is not in the price list of the year")]
    UnknownHrg,
    /// The HRG has no price in the setting where it was done.
    #[n(12)]
    #[error("the HRG has no national price in this setting: the contract needs a local price")]
    NoNationalPrice,
    /// The stay went past the trim point and the list has no per-day payment.
    #[n(13)]
    #[error("the stay went past the trim point and the list has no payment for its further days")]
    NoLongStayPrice,
    /// The treatment function has no attendance price.
    #[n(14)]
    #[error("the treatment function has no price for such an attendance: the contract needs a local price")]
    NoAttendancePrice,
    /// The price would not fit.
    #[n(15)]
    #[error("the price would be larger than any amount that can be recorded")]
    AmountTooLarge,
    /// What is taken off exceeds the price.
    #[n(16)]
    #[error("what a best-practice decision takes off exceeds the price")]
    BelowNothing,
}

/// What is to be done about a line without a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoPriceClass {
    /// Nothing: the rules say that such activity carries no price. It is counted, and not contested.
    UnpricedByRule,
    /// The contract must name a price.
    NeedsLocalPrice,
    /// The sender must correct the record.
    Query,
    /// The operator must load a book.
    NeedsBook,
}

impl NoPrice {
    /// Every reason, in order of precedence.
    pub const ALL: &'static [Self] = &[
        Self::ClockStopEvent,
        Self::NotYetHeld,
        Self::NotAttended,
        Self::InvalidForGrouping,
        Self::DeliveryOnly,
        Self::NotElective,
        Self::DayCaseWithStay,
        Self::ContradictoryAttendance,
        Self::RegularAdmission,
        Self::NotConsultantLed,
        Self::NoPriceBook,
        Self::UnknownHrg,
        Self::NoNationalPrice,
        Self::NoLongStayPrice,
        Self::NoAttendancePrice,
        Self::AmountTooLarge,
        Self::BelowNothing,
    ];

    /// The stable code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ClockStopEvent => "CLOCK_STOP_EVENT",
            Self::NotYetHeld => "NOT_YET_HELD",
            Self::NotAttended => "NOT_ATTENDED",
            Self::InvalidForGrouping => "INVALID_FOR_GROUPING",
            Self::RegularAdmission => "REGULAR_ADMISSION",
            Self::DeliveryOnly => "DELIVERY_ONLY",
            Self::NotElective => "NOT_ELECTIVE",
            Self::DayCaseWithStay => "DAY_CASE_WITH_STAY",
            Self::ContradictoryAttendance => "CONTRADICTORY_ATTENDANCE",
            Self::NoPriceBook => "NO_PRICE_BOOK",
            Self::UnknownHrg => "UNKNOWN_HRG",
            Self::NoNationalPrice => "NO_NATIONAL_PRICE",
            Self::NoLongStayPrice => "NO_LONG_STAY_PRICE",
            Self::NotConsultantLed => "NOT_CONSULTANT_LED",
            Self::NoAttendancePrice => "NO_ATTENDANCE_PRICE",
            Self::AmountTooLarge => "AMOUNT_TOO_LARGE",
            Self::BelowNothing => "BELOW_NOTHING",
        }
    }

    /// What is to be done about it.
    #[must_use]
    pub const fn class(self) -> NoPriceClass {
        match self {
            Self::ClockStopEvent | Self::NotYetHeld | Self::NotAttended => NoPriceClass::UnpricedByRule,
            Self::RegularAdmission
            | Self::NoNationalPrice
            | Self::NoLongStayPrice
            | Self::NotConsultantLed
            | Self::NoAttendancePrice => NoPriceClass::NeedsLocalPrice,
            Self::InvalidForGrouping
            | Self::DeliveryOnly
            | Self::NotElective
            | Self::DayCaseWithStay
            | Self::ContradictoryAttendance
            | Self::UnknownHrg
            | Self::AmountTooLarge
            | Self::BelowNothing => NoPriceClass::Query,
            Self::NoPriceBook => NoPriceClass::NeedsBook,
        }
    }

    /// Whether a contract's local price answers it. An HRG outside the national list may be one of those that have no
    /// national price, which are published on a sheet of their own.
    #[must_use]
    pub const fn yields_to_local_price(self) -> bool {
        matches!(self.class(), NoPriceClass::NeedsLocalPrice) || matches!(self, Self::UnknownHrg)
    }
}
