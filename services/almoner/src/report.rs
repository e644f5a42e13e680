//! What a command found, as a table for people, JSON for programs, CSV for spreadsheets.
//!
//! Money is integer pence inside. A table and CSV show pounds with two decimals; JSON keeps pence and says so in the name.
//! Long lists are written a page at a time ([`Report::page`]), so that memory stays level: a table's columns are as wide as its
//! first page asks, later pages only widen them.

use crate::output;
use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use money::NetPence;
use serde_json::{Value, json};

/// How a result is written.
#[derive(Debug, Clone, Copy, Default, Args)]
#[group(multiple = false)]
pub(crate) struct Format {
    /// Write JSON; amounts in pence
    #[arg(long)]
    json: bool,
    /// Write CSV; amounts in pounds
    #[arg(long)]
    csv: bool,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Words.
    Text(String),
    /// A number that is not money.
    Count(u64),
    /// Pence.
    Pence(i64),
    /// Several words.
    List(Vec<String>),
    /// Several lines.
    Lines(Vec<String>),
    /// Nothing to say.
    Empty,
}

impl Cell {
    /// Words.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What is there, or nothing.
    pub(crate) fn maybe(value: Option<impl Into<String>>) -> Self {
        value.map_or(Self::Empty, Self::text)
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Pence(pence) => NetPence::new(*pence).to_string(),
            Self::List(items) => items.join(" "),
            Self::Lines(lines) => lines.join("\n"),
            Self::Empty => String::new(),
        }
    }

    fn plain(&self) -> String {
        match self {
            // Pounds without separators, as spreadsheets read them.
            Self::Pence(pence) => NetPence::new(*pence).to_string().replace([',', '£'], ""),
            Self::Lines(lines) => lines.join(" | "),
            Self::Text(_) | Self::Count(_) | Self::List(_) | Self::Empty => self.shown(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Pence(pence) => json!(pence),
            Self::List(items) | Self::Lines(items) => json!(items),
            Self::Empty => Value::Null,
        }
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words.
    Words,
    /// A number.
    Number,
    /// Money.
    Money,
    /// Several lines, which a table shows below their row.
    Sentences,
}

/// A table of results, and what is to be said beside it.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    columns: Vec<(&'static str, Kind)>,
    /// Those that are not written yet.
    rows: Vec<Vec<Cell>>,
    facts: Vec<(&'static str, Kind, Cell)>,
    /// Whether the head is written.
    begun: bool,
    /// How many rows are written.
    written: u64,
    /// How wide the table's columns are so far.
    widths: Vec<u16>,
}

impl Report {
    /// An empty table. Columns are named in words: `opening balance`.
    pub(crate) fn new(columns: &[(&'static str, Kind)]) -> Self {
        let columns = columns.to_vec();
        Self { columns, rows: Vec::new(), facts: Vec::new(), begun: false, written: 0, widths: Vec::new() }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Says something about the whole.
    pub(crate) fn fact(&mut self, name: &'static str, cell: Cell) {
        let kind = match cell {
            Cell::Pence(_) => Kind::Money,
            Cell::Count(_) => Kind::Number,
            Cell::Text(_) | Cell::List(_) | Cell::Lines(_) | Cell::Empty => Kind::Words,
        };
        self.facts.push((name, kind, cell));
    }

    /// Writes the rows added so far, and forgets them. A first page is written when it has rows, or at the end.
    pub(crate) fn page(&mut self, format: Format) -> anyhow::Result<()> {
        if !self.rows.is_empty() {
            self.write(format)?;
        }
        Ok(())
    }

    /// Writes what is not written yet, and what is to be said of the whole.
    pub(crate) fn print(mut self, format: Format) -> anyhow::Result<()> {
        if !self.begun || !self.rows.is_empty() {
            self.write(format)?;
        }
        let facts = self.facts.iter().map(|(name, _, cell)| format!("{name}: {}", cell.shown()));
        if format.json {
            output::part(format_args!("{}]", if self.written == 0 { "" } else { "\n  " }));
            for (name, kind, cell) in &self.facts {
                output::part(format_args!(",\n  {}: {}", json!(json_key(name, *kind)), cell.json()));
            }
            output::line(format_args!("\n}}"));
        } else if format.csv {
            facts.for_each(|fact| output::note(format_args!("{fact}")));
        } else {
            facts.for_each(|fact| output::line(format_args!("{fact}")));
        }
        Ok(())
    }

    fn write(&mut self, format: Format) -> anyhow::Result<()> {
        let first = !core::mem::replace(&mut self.begun, true);
        if format.json {
            if first {
                output::part(format_args!("{{\n  \"rows\": ["));
            }
            for row in &self.rows {
                let comma = if self.written == 0 { "" } else { "," };
                output::part(format_args!("{comma}\n    {}", self.json_row(row)));
                self.written = self.written.saturating_add(1);
            }
        } else if format.csv {
            output::part(format_args!("{}", self.csv(first)?));
        } else {
            self.lines(first).iter().for_each(|text| output::line(format_args!("{text}")));
            if first && self.rows.is_empty() {
                output::line(format_args!(" none"));
            }
        }
        self.rows.clear();
        Ok(())
    }

    /// The table's rows that are not written yet, line by line, with the heading of the first page. Cells of several lines stand
    /// below their row, not beside it: they are sentences.
    fn lines(&mut self, first: bool) -> Vec<String> {
        let sentences =
            |index: usize| self.columns.get(index).is_some_and(|(_, kind)| *kind == Kind::Sentences);
        let shown: Vec<usize> = (0..self.columns.len()).filter(|index| !sentences(*index)).collect();
        let mut table = Table::new();
        let columns: Vec<_> = shown.iter().filter_map(|index| self.columns.get(*index)).collect();
        table.load_style(NOTHING);
        if first {
            table.set_header(columns.iter().map(|(name, _)| *name));
        }
        for row in &self.rows {
            table.add_row(shown.iter().map(|index| row.get(*index).map(Cell::shown).unwrap_or_default()));
        }
        // The columns of a later page are at least as wide as those of the pages before.
        let widths = table.column_max_content_widths();
        self.widths.resize(shown.len(), 0);
        for (((column, (_, kind)), width), so_far) in
            table.column_iter_mut().zip(columns).zip(widths).zip(&mut self.widths)
        {
            let wider = so_far.saturating_sub(width).saturating_add(1);
            *so_far = width.max(*so_far);
            if matches!(kind, Kind::Number | Kind::Money) {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_padding((wider, 1));
            } else {
                column.set_padding((1, wider));
            }
        }
        let mut lines: Vec<String> = Vec::new();
        let heading = if first { Some(None) } else { None };
        let heading_and_rows = heading.into_iter().chain(self.rows.iter().map(Some));
        for (text, row) in table.lines().zip(heading_and_rows) {
            lines.push(text.trim_end().to_owned());
            for cell in row.into_iter().flatten() {
                if let Cell::Lines(sentences) = cell {
                    lines.extend(sentences.iter().map(|sentence| format!("   {sentence}")));
                }
            }
        }
        lines
    }

    fn csv(&self, first: bool) -> anyhow::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if first {
            writer.write_record(self.columns.iter().map(|(name, kind)| match kind {
                Kind::Money => format!("{}_pounds", key(name)),
                Kind::Words | Kind::Number | Kind::Sentences => key(name),
            }))?;
        }
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::plain))?;
        }
        Ok(String::from_utf8(writer.into_inner().context("writing CSV")?)?)
    }

    fn json_row(&self, row: &[Cell]) -> Value {
        let fields = self.columns.iter().zip(row);
        Value::Object(fields.map(|((name, kind), cell)| (json_key(name, *kind), cell.json())).collect())
    }
}

fn key(name: &str) -> String {
    name.replace([' ', '-'], "_")
}

fn json_key(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Money => format!("{}_pence", key(name)),
        Kind::Words | Kind::Number | Kind::Sentences => key(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_result_has_three_forms() {
        let mut report =
            Report::new(&[("account", Kind::Words), ("net", Kind::Money), ("flags", Kind::Words)]);
        report.row([
            Cell::text("a, b"),
            Cell::Pence(-123_456),
            Cell::List(vec!["round".into(), "late".into()]),
        ]);
        report.row([Cell::text("c"), Cell::Empty, Cell::List(Vec::new())]);
        report.fact("sum of all", Cell::Pence(-123_456));
        assert_eq!(
            report.csv(true).unwrap(),
            "account,net_pounds,flags\n\"a, b\",-1234.56,round late\nc,,\n"
        );
        let expected = [
            json!({"account": "a, b", "net_pence": -123_456, "flags": ["round", "late"]}),
            json!({"account": "c", "net_pence": null, "flags": []}),
        ];
        assert_eq!(report.rows.iter().map(|row| report.json_row(row)).collect::<Vec<_>>(), expected);
        let lines = report.lines(true);
        assert!(lines.join("\n").contains("1,234.56"), "{lines:?}");
    }

    #[test]
    fn sentences_stand_below_their_row() {
        let mut report =
            Report::new(&[("entry", Kind::Number), ("because", Kind::Sentences), ("net", Kind::Money)]);
        report.row([Cell::Count(7), Cell::Lines(vec!["one".into(), "another".into()]), Cell::Pence(5)]);
        report.row([Cell::Count(12), Cell::Lines(Vec::new()), Cell::Pence(100)]);
        let expected = [" entry    net", "     7  £0.05", "   one", "   another", "    12  £1.00"];
        assert_eq!(report.lines(true), expected);
    }

    #[test]
    fn a_later_page_keeps_the_columns_of_the_first() {
        let mut report =
            Report::new(&[("account", Kind::Words), ("net", Kind::Money), ("side", Kind::Words)]);
        report.row([Cell::text("10M/elective"), Cell::Pence(123_456_789), Cell::text("credit")]);
        let first = report.lines(true);
        report.rows.clear();
        report.row([Cell::text("a"), Cell::Pence(1), Cell::text("debit")]);
        let later = report.lines(false);
        assert_eq!(first[1], " 10M/elective  £1,234,567.89  credit");
        assert_eq!(later, [" a                     £0.01  debit"]);
    }
}
