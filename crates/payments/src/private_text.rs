//! Text that may belong to a person.

use core::fmt;

/// A name or free text that may belong to a person (the payee of a direct payment is the patient).
///
/// It has no `Display`, and its `Debug` shows only its length: whoever needs the text says so with
/// [`PrivateText::expose`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivateText(String);

impl PrivateText {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for a file that may carry it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateText({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        let shown = format!("{:?}", Some(PrivateText::new("Anne Example")));
        assert_eq!(shown, "Some(PrivateText(12 characters))");
    }
}
