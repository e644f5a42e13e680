//! A price and how it was made up.

use crate::{BookId, Mff, RulePath};
use minicbor::{Decode, Encode};
use money::{Factor, NetPence, Overflow, Pence, Product, Rounding};
use nhs::{Hrg, TreatmentFunction};

/// A line's price and its parts: `price = round((base + modification + long_stay + top_up + best_practice) × mff)`.
///
/// Holds all that [`crate::explain`] needs and nothing that allocates. What was exact before rounding follows from the
/// parts and is computed when asked ([`Priced::unrounded`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Priced {
    /// What the base price is of.
    #[n(0)]
    pub subject: Subject,
    /// The base price.
    #[n(1)]
    pub base: Pence,
    /// The trim point that a spell's stay was compared with, in days.
    #[n(2)]
    pub trim_days: Option<u16>,
    /// Days beyond the trim point.
    #[n(3)]
    pub long_stay_days: u32,
    /// The payment for those days.
    #[n(4)]
    pub long_stay: Pence,
    /// Specialised top-up.
    #[n(5)]
    pub top_up: Pence,
    /// The market forces factor that multiplied the sum; `None` when none was given or it is in the price already.
    #[n(6)]
    pub mff: Option<Mff>,
    /// Where the exact product became money.
    #[n(7)]
    pub rounding: Rounding,
    /// The price.
    #[n(8)]
    pub price: Pence,
    /// The rules on the way.
    #[n(9)]
    pub rules: RulePath,
    /// The book that the base price stands in; `None` for a local price.
    #[n(10)]
    pub book: Option<BookId>,
    /// A local modification of the base price.
    #[n(11)]
    pub modification: Option<Pence>,
    /// Hundredths of the top-up.
    #[n(12)]
    pub top_up_percent: Option<u16>,
    /// What a best-practice condition adds or takes.
    #[n(13)]
    pub best_practice: Option<NetPence>,
}

/// What a price is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum Subject {
    /// A healthcare resource group.
    #[n(0)]
    Hrg(#[n(0)] Hrg),
    /// An attendance under a treatment function.
    #[n(1)]
    Function(#[n(0)] TreatmentFunction),
}

impl Priced {
    /// The sum before the factor. Errors when it does not fit or is below nothing, which no price that was answered is.
    pub fn before_mff(&self) -> Result<Pence, Overflow> {
        let listed = self.base.checked_add(self.modification.unwrap_or_default())?;
        let sum = listed.checked_add(self.long_stay)?.checked_add(self.top_up)?;
        let Some(best_practice) = self.best_practice else { return Ok(sum) };
        Pence::new(sum.net(Pence::ZERO).checked_add(best_practice)?.get()).ok_or(Overflow)
    }

    /// The factor that multiplied the sum: 1 when none did.
    #[must_use]
    pub fn factor(&self) -> Factor {
        self.mff.map_or(Factor::ONE, |mff| mff.factor)
    }

    /// The exact product, in pence with decimals, before it was rounded. Its `Display` is its one spelling.
    pub fn unrounded(&self) -> Result<Product, Overflow> {
        self.factor().times(self.before_mff()?)
    }

    /// The word for what the price rests on, in every explanation: `illustrative`, whatever the list's name is; else the name of
    /// the list; `contract` for a local price.
    #[must_use]
    pub fn book_word(&self) -> String {
        match self.book {
            _ if self.is_illustrative() => "illustrative".to_owned(),
            Some(book) => book.to_string(),
            None => "contract".to_owned(),
        }
    }

    /// Whether the price rests on an illustrative list.
    #[must_use]
    pub const fn is_illustrative(&self) -> bool {
        self.rules.contains(crate::Rule::Illustrative)
    }
}
