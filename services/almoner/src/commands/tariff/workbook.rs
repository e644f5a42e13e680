//! A price list as it is published: one sheet of a workbook, or a CSV file.

use anyhow::{Context as _, bail, ensure};
use calamine::{Data, Range, Reader as _, Xlsx};
use std::{fs, io::Cursor, path::Path};
use tariff::load::{self, Understood};

/// The largest file that is read: the published workbooks have 2 MB.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// What every workbook's file begins with: it is a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// A list found in a file.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The sheet's name; none for a CSV file.
    pub(super) name: Option<String>,
    /// How many rows stand above its first one that is not empty.
    pub(super) rows_above: u64,
    /// The list as CSV.
    pub(super) csv: Vec<u8>,
    /// How it was understood.
    pub(super) understood: Understood,
    /// The sheets that were passed over, because they are no price list by HRG or treatment function.
    pub(super) passed_over: Vec<String>,
}

/// Reads the list of a file: a CSV's only one, a workbook's sheet of that name, or its only sheet with the headings of a
/// list.
pub(super) fn read(path: &Path, wanted: Option<&str>) -> anyhow::Result<Sheet> {
    let unreadable = || format!("{} cannot be read", path.display());
    let length = fs::metadata(path).with_context(unreadable)?.len();
    ensure!(
        length <= FILE_BYTES_MAX,
        "{} has {length} bytes: at most {FILE_BYTES_MAX} are read",
        path.display()
    );
    let bytes = fs::read(path).with_context(unreadable)?;
    if !bytes.starts_with(ZIP) {
        let understood = load::understand(&bytes).with_context(|| {
            format!(
                "{} is no workbook, and no CSV whose first rows have the headings of a list",
                path.display()
            )
        })?;
        return Ok(Sheet { name: None, rows_above: 0, csv: bytes, understood, passed_over: Vec::new() });
    }
    let mut book = Xlsx::new(Cursor::new(bytes)).with_context(unreadable)?;
    let names = book.sheet_names();
    if let Some(wanted) = wanted {
        ensure!(
            names.iter().any(|name| name == wanted),
            "no sheet is called {wanted}; there are: {}",
            list(&names)
        );
    }
    let (mut found, mut passed_over) = (Vec::new(), Vec::new());
    for name in names {
        let range = book.worksheet_range(&name).with_context(|| format!("sheet {name} cannot be read"))?;
        let csv = csv(&range)?;
        let asked_for = wanted.is_none_or(|wanted| wanted == name);
        match load::understand(&csv).filter(|_| asked_for) {
            Some(understood) => {
                let rows_above = range.start().map_or(0, |(row, _)| u64::from(row));
                found.push(Sheet { name: Some(name), rows_above, csv, understood, passed_over: Vec::new() });
            }
            None => passed_over.push(name),
        }
    }
    let candidates: Vec<String> = found.iter().filter_map(|sheet| sheet.name.clone()).collect();
    match (found.pop(), found.is_empty()) {
        (Some(sheet), true) => Ok(Sheet { passed_over, ..sheet }),
        (Some(_), false) => {
            bail!("several sheets are price lists: say which with --sheet: {}", list(&candidates))
        }
        (None, _) => bail!("no sheet has the headings of a list in its first rows: {}", list(&passed_over)),
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A sheet as CSV, a row a line: cells as their text, whole numbers without decimals.
fn csv(range: &Range<Data>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in range.rows() {
        // Headings are broken into lines for looks; here a row is a line.
        let cells = row.iter().map(|cell| cell.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
        writer.write_record(cells)?;
    }
    Ok(writer.into_inner()?)
}
