//! The open group: the records decided since the last one was taken for syncing.

use journal::Position;

/// Records in a row, ready to be written and synced as one.
#[derive(Debug, Clone)]
pub struct Group {
    first: Position,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Group {
    /// An empty group whose first record will take position `first`.
    #[must_use]
    pub const fn new(first: Position) -> Self {
        Self { first, bytes: Vec::new(), ends: Vec::new() }
    }

    /// The position of its first record.
    #[must_use]
    pub const fn first(&self) -> Position {
        self.first
    }

    /// The position that the record after its last will take.
    #[must_use]
    pub fn next(&self) -> Position {
        Position::new(self.first.get().saturating_add(self.ends.len() as u64))
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The size of its records in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the record at `position`, when it is one of this group's.
    #[must_use]
    pub fn record(&self, position: Position) -> Option<&[u8]> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..end)
    }

    /// Its records in order.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(start..*end))
    }

    /// Appends the record that `write` puts at the end of the buffer; what it wrote before failing is taken back.
    pub(crate) fn append<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.bytes.len();
        match write(&mut self.bytes) {
            Ok(()) => {
                self.ends.push(self.bytes.len());
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }
}
