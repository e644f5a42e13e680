//! Rows as comma-separated values (RFC 4180), with a header.

use super::{COLUMNS, ExportError, Row, Rows, Source};
use journal::SystemName;
use money::Side;
use std::io::{self, Write};
use std::path::Path;

/// Exports every leg of the ledger of `system` (or of the only one) in the data folder `from`. Amounts are whole pence, never
/// negative: the side says which way. The checkpoint that it stands for is in what is returned; CSV has no place for it.
pub fn export_csv(
    from: &Path,
    system: Option<&SystemName>,
    out: &mut impl Write,
) -> Result<Rows, ExportError> {
    let source = Source::find(from, system)?;
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS).map_err(failed)?;
    let rows = source.rows(|row| writer.write_record(fields(row)).map_err(failed))?;
    writer.flush()?;
    Ok(rows)
}

fn failed(error: csv::Error) -> ExportError {
    ExportError::Write(io::Error::other(error))
}

/// Whether a debit or a credit, in a word.
pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    }
}

fn fields(row: &Row<'_>) -> [String; COLUMNS.len()] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<String>| number.unwrap_or_default();
    [
        row.position.to_string(),
        row.entry.to_string(),
        row.leg.to_string(),
        row.recorded_time.to_string(),
        row.accounting_date.to_string(),
        row.effective_date.to_string(),
        row.kind.to_owned(),
        row.account.to_owned(),
        side(row.side).to_owned(),
        row.pence.to_string(),
        text(row.window.as_deref()),
        number(row.window_seq.map(|seq| seq.to_string())),
        number(row.window_total.map(|total| total.to_string())),
        text(row.reference),
        number(row.corrects.map(|item| item.position.to_string())),
        number(row.corrects.map(|item| item.index.to_string())),
        row.request_id.to_string(),
        row.caller.to_owned(),
        text(row.on_behalf_of),
        text(row.cause.map(|cause| cause.service.as_str())),
        number(row.cause.map(|cause| cause.position.to_string())),
    ]
}
