//! What a command found, as a table for people, JSON for programs, CSV for spreadsheets.
//!
//! Money is integer pence inside. A table and CSV show pounds with two decimals; JSON keeps pence and says so in the name.

use crate::output;
use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use money::NetPence;
use serde_json::{Map, Value, json};

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
}

/// A table of results, and what is to be said beside it.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    columns: Vec<(&'static str, Kind)>,
    rows: Vec<Vec<Cell>>,
    facts: Vec<(&'static str, Kind, Cell)>,
}

impl Report {
    /// An empty table. Columns are named in words: `opening balance`.
    pub(crate) fn new(columns: &[(&'static str, Kind)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), facts: Vec::new() }
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

    /// Writes it.
    pub(crate) fn print(&self, format: Format) -> anyhow::Result<()> {
        if format.json {
            let text = serde_json::to_string_pretty(&self.json()).context("writing JSON")?;
            output::line(format_args!("{text}"));
        } else if format.csv {
            output::line(format_args!("{}", self.csv()?.trim_end()));
            self.facts
                .iter()
                .for_each(|(name, _, cell)| output::note(format_args!("{name}: {}", cell.shown())));
        } else {
            self.show();
            self.facts
                .iter()
                .for_each(|(name, _, cell)| output::line(format_args!("{name}: {}", cell.shown())));
        }
        Ok(())
    }

    fn show(&self) {
        self.lines().iter().for_each(|text| output::line(format_args!("{text}")));
    }

    /// The table, line by line. Cells of several lines stand below their row, not beside it: they are sentences.
    fn lines(&self) -> Vec<String> {
        let below = |cell: &Cell| matches!(cell, Cell::Lines(_));
        let beside = |index: usize| !self.rows.iter().any(|row| row.get(index).is_some_and(below));
        let shown: Vec<usize> = (0..self.columns.len()).filter(|index| beside(*index)).collect();
        let mut table = Table::new();
        let columns = || shown.iter().filter_map(|index| self.columns.get(*index));
        table.load_style(NOTHING).set_header(columns().map(|(name, _)| *name));
        for (column, (_, kind)) in table.column_iter_mut().zip(columns()) {
            if *kind != Kind::Words {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for row in &self.rows {
            table.add_row(shown.iter().map(|index| row.get(*index).map(Cell::shown).unwrap_or_default()));
        }
        let mut lines: Vec<String> = Vec::new();
        let heading_and_rows = std::iter::once(None).chain(self.rows.iter().map(Some));
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

    fn csv(&self) -> anyhow::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|(name, kind)| match kind {
            Kind::Money => format!("{}_pounds", key(name)),
            Kind::Words | Kind::Number => key(name),
        }))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::plain))?;
        }
        Ok(String::from_utf8(writer.into_inner().context("writing CSV")?)?)
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let fields = self.columns.iter().zip(row);
            Value::Object(fields.map(|((name, kind), cell)| (json_key(name, *kind), cell.json())).collect())
        });
        let mut whole: Map<String, Value> = Map::new();
        whole.insert("rows".to_owned(), rows.collect());
        for (name, kind, cell) in &self.facts {
            whole.insert(json_key(name, *kind), cell.json());
        }
        Value::Object(whole)
    }
}

fn key(name: &str) -> String {
    name.replace([' ', '-'], "_")
}

fn json_key(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Money => format!("{}_pence", key(name)),
        Kind::Words | Kind::Number => key(name),
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
        assert_eq!(report.csv().unwrap(), "account,net_pounds,flags\n\"a, b\",-1234.56,round late\nc,,\n");
        let expected = json!({
            "rows": [
                {"account": "a, b", "net_pence": -123_456, "flags": ["round", "late"]},
                {"account": "c", "net_pence": null, "flags": []},
            ],
            "sum_of_all_pence": -123_456,
        });
        assert_eq!(report.json(), expected);
        assert!(report.lines().join("\n").contains("1,234.56"), "{:?}", report.lines());
    }

    #[test]
    fn sentences_stand_below_their_row() {
        let mut report =
            Report::new(&[("entry", Kind::Number), ("because", Kind::Words), ("net", Kind::Money)]);
        report.row([Cell::Count(7), Cell::Lines(vec!["one".into(), "another".into()]), Cell::Pence(5)]);
        report.row([Cell::Count(12), Cell::Lines(Vec::new()), Cell::Pence(100)]);
        let expected = [" entry    net", "     7  £0.05", "   one", "   another", "    12  £1.00"];
        assert_eq!(report.lines(), expected);
    }
}
