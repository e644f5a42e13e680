//! What became of a line, or of a pair of lines.

use crate::Line;
use core::fmt;

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        /// The one class of a pair. They stand in the order of their precedence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Class {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Class {
            /// Every class, in order.
            pub const ALL: [Self; 10] = [$(Self::$name,)+];

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

classes! {
    /// In both, and nothing differs.
    Equal = "EQUAL";
    /// In both, for different commissioners.
    CommissionerDiffers = "COMMISSIONER_DIFFERS";
    /// In both, at different points of delivery.
    PointOfDeliveryDiffers = "POINT_OF_DELIVERY_DIFFERS";
    /// In both, with different HRGs.
    HrgDiffers = "HRG_DIFFERS";
    /// In both, with different market forces factors.
    MffDiffers = "MFF_DIFFERS";
    /// In both, and only the amount differs.
    PriceDiffers = "PRICE_DIFFERS";
    /// Billed, and not in SUS.
    OnlySlam = "IN_SLAM_NOT_IN_SUS";
    /// In SUS, and not billed.
    OnlySus = "IN_SUS_NOT_IN_SLAM";
    /// Billed again: another line of the bill has the same identity.
    DuplicateSlam = "DUPLICATE_IN_SLAM";
    /// In SUS again: another row has the same identity.
    DuplicateSus = "DUPLICATE_IN_SUS";
}

impl Class {
    /// Whether it is about two lines that belong together.
    #[must_use]
    pub const fn is_in_both(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::CommissionerDiffers
                | Self::PointOfDeliveryDiffers
                | Self::HrgDiffers
                | Self::MffDiffers
                | Self::PriceDiffers
        )
    }

    /// Its place in [`Class::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// One thing in which two lines of a pair differ, in the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Difference {
    /// The commissioner.
    Commissioner = 0,
    /// The point of delivery.
    PointOfDelivery = 1,
    /// The HRG.
    Hrg = 2,
    /// The market forces factor, where both name one.
    Mff = 3,
    /// The amount.
    Price = 4,
}

impl Difference {
    /// Every difference, in the order of precedence.
    pub const ALL: [Self; 5] = [Self::Commissioner, Self::PointOfDelivery, Self::Hrg, Self::Mff, Self::Price];

    /// The class of a pair of which this is the first difference.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Commissioner => Class::CommissionerDiffers,
            Self::PointOfDelivery => Class::PointOfDeliveryDiffers,
            Self::Hrg => Class::HrgDiffers,
            Self::Mff => Class::MffDiffers,
            Self::Price => Class::PriceDiffers,
        }
    }

    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// Everything in which two lines of a pair differ.
#[derive(Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Differences(u8);

impl Differences {
    /// What differs between the bill and SUS. A market forces factor that one of them does not state does not differ.
    #[must_use]
    pub fn between(slam: &Line, sus: &Line) -> Self {
        let differs = |difference| match difference {
            Difference::Commissioner => slam.commissioner != sus.commissioner,
            Difference::PointOfDelivery => slam.pod != sus.pod,
            Difference::Hrg => slam.hrg != sus.hrg,
            Difference::Mff => slam.mff.zip(sus.mff).is_some_and(|(slam, sus)| slam != sus),
            Difference::Price => slam.amount != sus.amount,
        };
        let differing = Difference::ALL.into_iter().filter(|difference| differs(*difference));
        Self(differing.fold(0, |bits, difference| bits | difference.bit()))
    }

    /// Each of them, in the order of precedence.
    pub fn iter(self) -> impl Iterator<Item = Difference> {
        Difference::ALL.into_iter().filter(move |difference| self.0 & difference.bit() != 0)
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The class that follows: of the first difference, or equal.
    #[must_use]
    pub fn class(self) -> Class {
        self.iter().next().map_or(Class::Equal, Difference::class)
    }
}

impl fmt::Debug for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
