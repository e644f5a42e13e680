//! The header: which column is which field.

use crate::{Column, Field, Mapping, OtherColumns, Place, Unusable};
use core::fmt;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What stands between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// A tabulator.
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// Every delimiter.
    pub const ALL: &'static [Self] = &[Self::Comma, Self::Tab, Self::Semicolon, Self::Pipe];

    /// The name in mapping profiles and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Tab => "tab",
            Self::Semicolon => "semicolon",
            Self::Pipe => "pipe",
        }
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
            Self::Semicolon => b';',
            Self::Pipe => b'|',
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The letters and digits of a heading, in capitals: what two spellings of one heading have in common.
pub(crate) fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Where one column of a mapping stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Its place in the file, counted from 0.
    pub(crate) at: usize,
    /// Its place in [`Mapping::columns`].
    pub(crate) column: usize,
}

/// A header that fits a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) headings: Vec<String>,
    pub(crate) placed: Vec<Placed>,
}

/// How many of the mapping's columns a row has: how much it looks like the header.
pub(crate) fn likeness<'a>(mapping: &Mapping, row: impl Iterator<Item = &'a str>) -> usize {
    row.map(plain).filter(|heading| mapping.columns.iter().any(|column| column.is_headed(heading))).count()
}

impl Header {
    /// Finds the mapping's columns. Errors with all that are missing, the first that is doubled, or the first that is
    /// unknown where the mapping takes none such.
    pub(crate) fn find(
        mapping: &Mapping,
        headings: Vec<String>,
        line: u64,
        elsewhere: Option<u32>,
    ) -> Result<Self, Unusable> {
        let plain: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
        let mut placed = Vec::new();
        let mut missing: Vec<(&Column, bool)> = Vec::new();
        for (number, column) in mapping.columns.iter().enumerate() {
            let mut found = plain.iter().enumerate().filter(|(_, heading)| column.is_headed(heading));
            match (found.next(), found.next()) {
                (Some((first, _)), Some((second, _))) => {
                    return Err(Unusable::ColumnDoubled {
                        line,
                        heading: column.heading.clone(),
                        first: first.saturating_add(1),
                        second: second.saturating_add(1),
                    });
                }
                (Some((at, _)), None) => placed.push(Placed { at, column: number }),
                (None, _) => missing.push((column, column.optional)),
            }
        }
        let fills = |field: Field| {
            mapping.constants.contains_key(&field)
                || placed.iter().any(|placed| {
                    mapping.columns.get(placed.column).is_some_and(|column| column.field == field)
                })
        };
        let mut columns: BTreeMap<&str, Field> = BTreeMap::new();
        for (column, optional) in missing {
            if !optional || (mapping.contents.required().contains(&column.field) && !fills(column.field)) {
                columns.insert(&column.heading, column.field);
            }
        }
        if !columns.is_empty() {
            let columns = columns.into_iter().map(|(heading, field)| Unusable::missing(heading, field));
            return Err(Unusable::ColumnsMissing { line, columns: columns.collect(), elsewhere });
        }
        let header = Self { headings, placed };
        if mapping.other_columns == OtherColumns::Refuse
            && let Some((at, heading)) = header.ignored().next()
        {
            let place = Place::new(0, line, at.saturating_add(1), heading);
            return Err(Unusable::ColumnUnknown { place, mapping: mapping.name.clone() });
        }
        Ok(header)
    }

    /// The columns that mean nothing to the mapping, counted from 0.
    pub(crate) fn ignored(&self) -> impl Iterator<Item = (usize, &str)> {
        let used = |at: usize| self.placed.iter().any(|placed| placed.at == at);
        let named = self.headings.iter().enumerate().filter(|(_, heading)| !heading.is_empty());
        named.filter(move |(at, _)| !used(*at)).map(|(at, heading)| (at, heading.as_str()))
    }

    pub(crate) fn heading(&self, at: usize) -> &str {
        self.headings.get(at).map_or("", String::as_str)
    }
}
