//! Windows: the numbered series of what becomes payable from one payer to one payee.

use core::fmt;
use journal::Day;
use minicbor::{Decode, Encode};
use nhs::Period;

/// Which of a month's two cuts of activity: flex, then freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// The first cut, open to correction.
    #[n(0)]
    Flex,
    /// The last cut, which is paid.
    #[n(1)]
    Freeze,
}

/// Which window, for a given payer and payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum WindowKey {
    /// Activity of a month's cut.
    #[n(1)]
    Cut {
        /// The month.
        #[n(0)]
        period: Period,
        /// The cut.
        #[n(1)]
        stage: Stage,
    },
    /// A payment that falls due on a date: on account, block share, PHB instalment.
    #[n(2)]
    Instalment {
        /// The date.
        #[n(0)]
        due: Day,
    },
    /// Adjustments, returns and rejections, numbered from 1 by the ledger. A posting that names any run but the one in
    /// force (0, for instance) goes to the one in force.
    #[n(3)]
    Run {
        /// The number.
        #[n(0)]
        number: u32,
    },
}

/// A window by its names: who pays, who is paid, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct WindowName {
    /// The clinical commissioning group, as in its accounts' paths.
    #[n(0)]
    pub payer: String,
    /// The payee, as in its accounts' paths.
    #[n(1)]
    pub payee: String,
    /// Which window.
    #[n(2)]
    pub key: WindowKey,
}

impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { period, stage: Stage::Flex } => write!(f, "cut {period} flex"),
            Self::Cut { period, stage: Stage::Freeze } => write!(f, "cut {period} freeze"),
            Self::Instalment { due } => write!(f, "instalment {due}"),
            Self::Run { number } => write!(f, "run {number}"),
        }
    }
}
