//! What was understood of a file, for the sender to see before it is too late.

use crate::output;
use activity_files::{Field, Understood};
use money::NetPence;

/// Says it, on standard error.
pub(super) fn show(understood: &Understood) {
    for line in lines(understood) {
        output::note(format_args!("{line}"));
    }
}

fn lines(understood: &Understood) -> Vec<String> {
    let Understood { plan, rows, blank_rows, marked, beyond_ascii, columns, ignored, dates, .. } = understood;
    let mapping = plan.mapping();
    let why = match (*marked, *beyond_ascii) {
        (true, _) => ", as its mark says",
        (false, true) => "",
        (false, false) => ", and no character beyond ASCII",
    };
    let blank =
        if *blank_rows > 0 { format!(", {blank_rows} without any value passed over") } else { String::new() };
    let mut lines = vec![
        format!("read as {} ({}): {rows} rows{blank}", mapping.name, mapping.description),
        format!(
            "  {}{why}; values separated by {}; header in row {}",
            plan.encoding(),
            plan.delimiter(),
            plan.header_row()
        ),
    ];
    for column in columns.iter().filter(|column| mapping.renames(&column.heading, column.field)) {
        lines.push(format!("  column {} {} is {}", column.number, column.heading, column.field));
    }
    if !ignored.is_empty() {
        lines.push(format!("  {} columns passed over: {}", ignored.len(), ignored.join(", ")));
    }
    if let Some(seen) = dates {
        let read_as = seen.read_as.strftime("%-d %B %Y");
        let how = if seen.recognised { "recognised" } else { "as said" };
        lines.push(format!(
            "  dates are {} ({how}): {} in {} is {read_as}",
            seen.way, seen.example, seen.place
        ));
    }
    if understood.bad_dates > 0 {
        lines.push(format!("  {} values are no such date", understood.bad_dates));
    }
    if let Some((text, pence)) = &understood.amount {
        lines.push(format!("  the first amount, {text}, is {}", NetPence::new(*pence)));
    }
    if understood.rounded > 0 {
        lines.push(format!(
            "  {} amounts had more than two decimals and are rounded to the penny",
            understood.rounded
        ));
    }
    if understood.bad_amounts > 0 {
        lines.push(format!("  {} values are no amount", understood.bad_amounts));
    }
    if !mapping.has(Field::Commissioner) {
        return lines;
    }
    let named = |(code, rows): (&String, &u64)| {
        format!("{} {rows}", if code.is_empty() { "unreadable" } else { code.as_str() })
    };
    let commissioners: Vec<String> = understood.commissioners.iter().map(named).collect();
    lines.push(format!("  rows by commissioner: {}", commissioners.join(", ")));
    lines
}
