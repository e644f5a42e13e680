//! What people and scripts read: results on standard output, everything else on standard error.

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use money::NetPence;
use proto::google::r#type::Date;
use std::{
    fmt,
    io::{self, Write as _},
};

/// How a command ends that has said on standard output why there is no result: with this status and no further word.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("exit status {0}")]
pub(crate) struct Exit(pub(crate) u8);

/// Writes one line of a result. A reader that went away (`| head`) is no failure of ours.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes part of a line of a result.
pub(crate) fn part(text: fmt::Arguments<'_>) {
    let _ = write!(io::stdout().lock(), "{text}");
}

/// A table without lines; the columns in `amounts` are numbers, and stand to the right.
pub(crate) fn table<const N: usize>(heads: [&str; N], amounts: impl IntoIterator<Item = usize>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(heads);
    for index in amounts {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Writes a table.
pub(crate) fn show(table: &Table) {
    table.lines().for_each(|row| line(format_args!("{}", row.trim_end())));
}

/// Pence as people read them: `£1,234.56`, `-£0.05`.
pub(crate) fn pounds(pence: i64) -> String {
    NetPence::new(pence).to_string()
}

/// A day as `2017-06-12`; nothing when there is none.
pub(crate) fn date(date: Option<Date>) -> String {
    date.and_then(wire::common::date_from).map(|date| date.to_string()).unwrap_or_default()
}

/// Says something beside the result.
pub(crate) fn note(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what went wrong, cause after cause.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = format!("almoner: {}", explained(error.as_ref()));
    for cause in error.chain().skip(1) {
        text.push_str("\n  because ");
        text.push_str(&explained(cause));
    }
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A status as people read it: its message, and the reason to look up in docs/errors.md.
fn explained(cause: &(dyn std::error::Error + 'static)) -> String {
    match cause.downcast_ref::<tonic::Status>() {
        Some(status) => {
            let reason =
                wire::status::reason_of(status).map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{}{reason}", status.message())
        }
        None => cause.to_string(),
    }
}
