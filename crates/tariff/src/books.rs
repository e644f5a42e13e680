//! The books in force.

use crate::{AdmittedPrices, AttendancePrices, BookId, Content, PriceBook};
use nhs::FinancialYear;
use std::sync::Arc;

/// The price books in force: at most one per financial year and kind.
#[derive(Debug, Default, Clone)]
pub struct Books {
    // A handful of years: a scan of a short vector beats any map.
    books: Vec<Arc<PriceBook>>,
}

impl Books {
    /// No books.
    #[must_use]
    pub const fn new() -> Self {
        Self { books: Vec::new() }
    }

    /// Puts a book in force. Returns the book of that year and kind that it replaces.
    pub fn put(&mut self, book: Arc<PriceBook>) -> Option<Arc<PriceBook>> {
        let same = |old: &Arc<PriceBook>| {
            old.financial_year() == book.financial_year()
                && core::mem::discriminant(old.content()) == core::mem::discriminant(book.content())
        };
        match self.books.iter_mut().find(|old| same(old)) {
            Some(old) => Some(core::mem::replace(old, book)),
            None => {
                self.books.push(book);
                None
            }
        }
    }

    /// The books in force, in the order in which their year and kind were first put.
    #[must_use]
    pub fn all(&self) -> &[Arc<PriceBook>] {
        &self.books
    }

    /// The book of this name, if it is in force.
    #[must_use]
    pub fn get(&self, id: BookId) -> Option<&Arc<PriceBook>> {
        self.books.iter().find(|book| book.id() == id)
    }

    /// The admitted care and procedure prices of `year`.
    #[must_use]
    pub fn admitted(&self, year: FinancialYear) -> Option<(&PriceBook, &AdmittedPrices)> {
        self.books.iter().find_map(|book| match book.content() {
            Content::Admitted(prices) if book.financial_year() == year => Some((book.as_ref(), prices)),
            Content::Admitted(_) | Content::Attendance(_) => None,
        })
    }

    /// The attendance prices of `year`.
    #[must_use]
    pub fn attendance(&self, year: FinancialYear) -> Option<(&PriceBook, &AttendancePrices)> {
        self.books.iter().find_map(|book| match book.content() {
            Content::Attendance(prices) if book.financial_year() == year => Some((book.as_ref(), prices)),
            Content::Admitted(_) | Content::Attendance(_) => None,
        })
    }
}

impl FromIterator<PriceBook> for Books {
    /// Puts each in force in turn; a later book of the same year and kind replaces an earlier one.
    fn from_iter<I: IntoIterator<Item = PriceBook>>(books: I) -> Self {
        let mut held = Self::new();
        for book in books {
            held.put(Arc::new(book));
        }
        held
    }
}
