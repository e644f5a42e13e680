//! Challenges: the one thread between a commissioner and a provider about one line, and what it does to the line's money.
//!
//! ```text
//! raised ──▶ answered ──▶ agreed       the part for us goes back to expenditure, the rest is payable
//!    │          ├───────▶ withdrawn    all of it is payable again
//!    │          └───────▶ escalated ──▶ agreed, withdrawn
//!    ├──▶ withdrawn; escalated (its answer is overdue)
//!    └──▶ unpayable: not in SUS when its month froze, where SUS prevails       superseded: the line has a new version
//! ```
//! The contested part of a line that is owed moves to `owed/contested` while the rest stays payable; a line contested on
//! receipt stands there already. What is recognised on account, or covered by a block, withholds nothing.

use crate::LineTag;
use core::fmt;
use journal::{Day, Position};
use minicbor::{Decode, Encode};
use money::Pence;
use nhs::{CdsIdentifier, OdsCode};

macro_rules! grounds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $code:literal;)+) => {
        /// Why a line is challenged. Source: the automatic challenges of commissioners (NHS practice, unverified; each can be
        /// switched off, by date and provider).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Ground {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl Ground {
            /// Every ground, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable code in UPPER_SNAKE.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

grounds! {
    /// Billed, and not in the commissioner's SUS extract.
    NotInSus = 0, "NOT_IN_SUS";
    /// Another billed line has the same identity.
    DuplicateBilled = 1, "DUPLICATE_BILLED";
    /// SUS names another commissioner.
    CommissionerDiffers = 2, "COMMISSIONER_DIFFERS";
    /// SUS has it at another point of delivery.
    PointOfDeliveryDiffers = 3, "POINT_OF_DELIVERY_DIFFERS";
    /// SUS has another HRG.
    HrgDiffers = 4, "HRG_DIFFERS";
    /// SUS prices it below what we accepted.
    PriceAboveSus = 5, "PRICE_ABOVE_SUS";
    /// An attendance while the same patient was admitted with the same provider.
    AttendanceDuringSpell = 6, "ATTENDANCE_DURING_SPELL";
    /// A first attendance after another first of the same patient, function and provider.
    RepeatedFirst = 7, "REPEATED_FIRST";
    /// A first attendance of choice that follows from no reported referral.
    NoReferral = 8, "NO_REFERRAL";
    /// Contested on receipt, for the reasons that its answer gave.
    ContestedOnReceipt = 9, "CONTESTED_ON_RECEIPT";
    /// Raised by hand.
    Manual = 10, "MANUAL";
    /// Claimed at another price than ours by more than the contract tolerates. Our price is owed, so nothing is withheld: the
    /// thread settles who is right.
    PriceDiffers = 11, "PRICE_DIFFERS";
}

impl Ground {
    const fn bit(self) -> u16 {
        1 << (self as u8)
    }
}

/// A set of grounds: all that apply, in one thread. Encoded as its bits.
#[derive(Default, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Grounds(#[n(0)] u16);

impl Grounds {
    /// None.
    pub const NONE: Self = Self(0);

    /// Those that are raised by default: what is surest to be right. The differences of HRG, point of delivery and price, and
    /// missing referrals, are a commissioner's own choice (NHS practice, unverified; configurable).
    pub const DEFAULT: Self = Self(
        Ground::NotInSus.bit()
            | Ground::DuplicateBilled.bit()
            | Ground::CommissionerDiffers.bit()
            | Ground::AttendanceDuringSpell.bit()
            | Ground::RepeatedFirst.bit()
            | Ground::ContestedOnReceipt.bit(),
    );

    /// These and `ground`.
    #[must_use]
    pub const fn with(self, ground: Ground) -> Self {
        Self(self.0 | ground.bit())
    }

    /// Whether `ground` is among them.
    #[must_use]
    pub const fn contains(self, ground: Ground) -> bool {
        self.0 & ground.bit() != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, by number.
    pub fn iter(self) -> impl Iterator<Item = Ground> {
        Ground::ALL.iter().copied().filter(move |ground| self.contains(*ground))
    }
}

impl FromIterator<Ground> for Grounds {
    fn from_iter<I: IntoIterator<Item = Ground>>(grounds: I) -> Self {
        grounds.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Ground::code)).finish()
    }
}

/// How a line's amount in the books is divided once it was challenged. Without one all of it stands where its books say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Split {
    /// Owed to the payee, or recognised against payments on account.
    #[n(0)]
    pub kept: Pence,
    /// Withheld.
    #[n(1)]
    pub contested: Pence,
}

/// The dated rules by which challenges are raised and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SetChallengeRules {
    /// The provider that they are for; none for all that have none of their own.
    #[n(0)]
    pub provider: Option<OdsCode>,
    /// The first day of activity that they govern.
    #[n(1)]
    pub from: Day,
    /// What is raised automatically.
    #[n(2)]
    pub grounds: Grounds,
    /// Operational days within which a challenge is to be answered.
    #[n(3)]
    pub answer_days: u16,
    /// Operational days after a month's freeze within which its lines may be challenged.
    #[n(4)]
    pub raise_days: u16,
    /// Whether a line that is not in SUS when its month freezes is unpayable.
    #[n(5)]
    pub sus_prevails: bool,
    /// How likely an automatic challenge is to be upheld, in per cent: for the accrual.
    #[n(6)]
    pub percent: u8,
}

impl SetChallengeRules {
    /// What holds where nothing was set: ten operational days to answer, twenty after freeze to challenge, SUS does not
    /// prevail, one in two is upheld (NHS practice, unverified; the contract's SC36 and the commissioner's own record say).
    #[must_use]
    pub const fn default_from(from: Day) -> Self {
        Self {
            provider: None,
            from,
            grounds: Grounds::DEFAULT,
            answer_days: 10,
            raise_days: 20,
            sus_prevails: false,
            percent: 50,
        }
    }
}

/// Challenges a line.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RaiseChallenge {
    /// The provider.
    #[n(0)]
    pub provider: OdsCode,
    /// Its name for the record.
    #[n(1)]
    pub cds_identifier: CdsIdentifier,
    /// The version that is challenged: it must be the one in force.
    #[n(2)]
    pub line: Position,
    /// Why.
    #[n(3)]
    pub grounds: Grounds,
    /// How much of it; all of it when none is said.
    #[n(4)]
    pub amount: Option<Pence>,
    /// How likely it is to be upheld, in per cent; by the rules when none is said.
    #[n(5)]
    pub percent: Option<u8>,
    /// For people. It holds no patient identity.
    #[n(6)]
    pub text: String,
    /// The tag of provider and `cds_identifier`, where the line has one. It is no part of what the caller said.
    #[n(7)]
    pub tag: Option<LineTag>,
}

/// Answers a challenge, for the provider.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AnswerChallenge {
    /// The position of the record that raised it.
    #[n(0)]
    pub challenge: Position,
    /// What the provider gives up: nothing when it insists.
    #[n(1)]
    pub conceded: Pence,
    /// For people. It holds no patient identity.
    #[n(2)]
    pub text: String,
}

/// What a challenge comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Conclusion {
    /// Both agree: so much is not owed, the rest is.
    #[n(1)]
    Agreed(#[n(0)] Pence),
    /// The commissioner gives it up.
    #[n(2)]
    Withdrawn,
    /// It goes to the contract's dispute process, and stays withheld.
    #[n(3)]
    Escalated,
    /// Not in SUS when its month froze, where SUS prevails: none of it is owed.
    #[n(4)]
    Unpayable,
}

/// Concludes a challenge, for the commissioner.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ConcludeChallenge {
    /// The position of the record that raised it.
    #[n(0)]
    pub challenge: Position,
    /// How.
    #[n(1)]
    pub conclusion: Conclusion,
    /// For people. It holds no patient identity.
    #[n(2)]
    pub text: String,
}

/// Where a challenge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ChallengeState {
    /// Raised, and not answered.
    #[n(1)]
    Raised,
    /// Answered by the provider.
    #[n(2)]
    Answered,
    /// Gone to the dispute process.
    #[n(3)]
    Escalated,
    /// Agreed, in whole or in part.
    #[n(4)]
    Agreed,
    /// Given up.
    #[n(5)]
    Withdrawn,
    /// Decided by the rule that SUS prevails.
    #[n(6)]
    Unpayable,
    /// The line was replaced or withdrawn.
    #[n(7)]
    Superseded,
}

impl ChallengeState {
    /// Whether it still withholds money.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Raised | Self::Answered | Self::Escalated)
    }
}

/// A challenge as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Challenge {
    /// The provider.
    #[n(0)]
    pub provider: OdsCode,
    /// Its name for the line's record.
    #[n(1)]
    pub cds_identifier: CdsIdentifier,
    /// The version that was challenged.
    #[n(2)]
    pub line: Position,
    /// The responsible commissioner, where known.
    #[n(3)]
    pub payer: Option<OdsCode>,
    /// Why.
    #[n(4)]
    pub grounds: Grounds,
    /// How much.
    #[n(5)]
    pub amount: Pence,
    /// Where it stands.
    #[n(6)]
    pub state: ChallengeState,
    /// The last day of its answer.
    #[n(7)]
    pub answer_by: Day,
    /// How likely it is to be upheld, in per cent.
    #[n(8)]
    pub percent: u8,
    /// What the provider gave up, once it answered.
    #[n(9)]
    pub conceded: Option<Pence>,
    /// What was upheld for us, once it was concluded.
    #[n(10)]
    pub upheld: Option<Pence>,
    /// The records of its thread, in order.
    #[n(11)]
    pub thread: Vec<Position>,
    /// The tag of provider and `cds_identifier`, where the line has one.
    #[n(12)]
    pub tag: Option<LineTag>,
}
