//! `almoner tariff load`: a published price list, read, shown against what is in force, and proposed for a second person.

use super::workbook::{self, Sheet};
use crate::{cli::Calling, output};
use anyhow::{Context as _, ensure};
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use journal::SystemName;
use nhs::FinancialYear;
use proto::registry::v1;
use std::{fs, path::PathBuf};
use tariff::{BookId, Content, Difference, PriceBook, builtin, column_totals, load};

/// The most differences that are shown one by one.
const SHOWN_MAX: usize = 40;

/// A list to load.
#[derive(Debug, Args)]
pub(super) struct Load {
    /// The list: a workbook (.xlsx) in the layout of Annex A, or CSV
    file: PathBuf,
    /// Sheet of the workbook; default: the only one with the headings of a list
    #[arg(long)]
    sheet: Option<String>,
    /// Year whose activity it prices, for example 2017-18
    #[arg(long, value_name = "YYYY-YY")]
    financial_year: FinancialYear,
    /// Its name: lower-case letters, digits and hyphens; never one that other prices had
    #[arg(long)]
    name: BookId,
    /// Publication that it was taken from
    #[arg(long)]
    source: String,
    /// Its prices were made for demonstration
    #[arg(long)]
    illustrative: bool,
    /// Write the list as plain CSV, as it was understood
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Propose it to the registry; it is in force when another person approves it
    #[arg(long)]
    propose: bool,
    /// System; default: the profile's
    #[arg(long, conflicts_with = "national")]
    system: Option<String>,
    /// For all systems, not for one
    #[arg(long)]
    national: bool,
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

pub(super) async fn run(asked: Load, calling: &Calling) -> anyhow::Result<()> {
    let sheet = workbook::read(&asked.file, asked.sheet.as_deref())?;
    show_understood(&asked, &sheet);
    let title = load::Title {
        id: asked.name,
        financial_year: asked.financial_year,
        illustrative: asked.illustrative,
        source: &asked.source,
    };
    let read = match sheet.understood.layout {
        load::Layout::Admitted => load::admitted(&title, &sheet.csv),
        load::Layout::Attendance => load::attendance(&title, &sheet.csv),
    };
    let book = match read {
        Ok(book) => book,
        Err(error) => {
            for fault in &error.faults {
                let line = fault.line.saturating_add(if fault.line == 0 { 0 } else { sheet.rows_above });
                output::line(format_args!("row {line}, {}: {}", fault.column, fault.problem));
            }
            return Err(error).context("the list is not loaded: nothing of it is guessed");
        }
    };
    show_totals(&book);
    if let Some(path) = &asked.csv {
        fs::write(path, &sheet.csv).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if asked.propose { propose(asked, &sheet, calling).await } else { against_shipped(&book) }
}

fn show_understood(asked: &Load, sheet: &Sheet) {
    let Sheet { name, rows_above, understood, passed_over, csv: _ } = sheet;
    let file = asked.file.display();
    let place = name.as_ref().map_or_else(|| file.to_string(), |name| format!("{file}, sheet `{name}`"));
    let row = understood.line.saturating_add(*rows_above);
    let what = match understood.layout {
        load::Layout::Admitted => "admitted care and outpatient procedures",
        load::Layout::Attendance => "outpatient attendances",
    };
    output::line(format_args!("{place}: {what}, heading in row {row}"));
    for (column, heading) in &understood.columns {
        output::line(format_args!("  {column:40} {heading}"));
    }
    if !understood.passed_over.is_empty() {
        output::line(format_args!("columns passed over: {}", understood.passed_over.join("; ")));
    }
    if !passed_over.is_empty() {
        output::line(format_args!("sheets passed over: {}", passed_over.join("; ")));
    }
}

/// What the columns come to, to hold against the publication.
fn show_totals(book: &PriceBook) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["column", "figures", "no price", "sum"]);
    for total in column_totals(book) {
        let days = total.column.ends_with("_days");
        let whole = if days { total.sum } else { total.sum.checked_div(100).unwrap_or_default() };
        let sum = if days { format!("{whole} days") } else { format!("£{whole}") };
        table.add_row([total.column.to_owned(), total.values.to_string(), total.none.to_string(), sum]);
    }
    output::line(format_args!("{} rows for {}", book.len(), book.financial_year()));
    output::line(format_args!("{table}"));
}

/// The difference from the list that the product is shipped with.
fn against_shipped(book: &PriceBook) -> anyhow::Result<()> {
    let kind = core::mem::discriminant::<Content>(book.content());
    let shipped = builtin::price_books()?.into_iter().find(|shipped| {
        shipped.financial_year() == book.financial_year()
            && core::mem::discriminant(shipped.content()) == kind
    });
    match shipped {
        None => output::line(format_args!("no list of that year and kind is shipped")),
        Some(shipped) => {
            let Difference { added, removed, changed, same } = Difference::between(&shipped, book);
            let changes = changed.iter().map(|change| Row {
                row: &change.row,
                column: change.column,
                before: change.before,
                after: change.after,
            });
            let counts = Counts { change_count: changed.len(), same_count: same };
            show_difference(&shipped.id().to_string(), &added, &removed, changes, counts);
        }
    }
    output::line(format_args!("nothing is proposed: add --propose"));
    Ok(())
}

/// A figure that differs.
struct Row<'a> {
    row: &'a str,
    column: &'a str,
    before: Option<u32>,
    after: Option<u32>,
}

/// How much differs.
struct Counts {
    change_count: usize,
    same_count: usize,
}

fn show_difference<'a>(
    replaces: &str,
    added: &[String],
    removed: &[String],
    changes: impl Iterator<Item = Row<'a>>,
    counts: Counts,
) {
    let Counts { change_count, same_count } = counts;
    output::line(format_args!(
        "difference from {replaces}: {change_count} figures, {} rows more, {} rows fewer; {same_count} rows the same",
        added.len(),
        removed.len(),
    ));
    let shown = |figure: Option<u32>, column: &str| match figure {
        None => "no price".to_owned(),
        Some(days) if column.ends_with("_days") => format!("{days} days"),
        Some(pence) => money::Pence::from_u32(pence).to_string(),
    };
    for Row { row, column, before, after } in changes.take(SHOWN_MAX) {
        output::line(format_args!("  {row} {column}: {} → {}", shown(before, column), shown(after, column)));
    }
    if change_count > SHOWN_MAX {
        output::line(format_args!("  and {} more", change_count.saturating_sub(SHOWN_MAX)));
    }
    for (what, rows) in [("more", added), ("fewer", removed)] {
        if !rows.is_empty() {
            let first: Vec<&str> = rows.iter().take(SHOWN_MAX).map(String::as_str).collect();
            output::line(format_args!("  {what}: {}", first.join(" ")));
        }
    }
}

pub(crate) fn show_answered(difference: &v1::PriceBookDifference) {
    let v1::PriceBookDifference { replaces, added, removed, changes, change_count, same_count } = difference;
    if replaces.is_empty() {
        output::line(format_args!("no list of that year and kind is in force"));
        return;
    }
    let rows = changes.iter().map(|change| Row {
        row: &change.row,
        column: &change.column,
        before: change.before,
        after: change.after,
    });
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let counts = Counts { change_count: count(*change_count), same_count: count(*same_count) };
    show_difference(replaces, added, removed, rows, counts);
}

async fn propose(asked: Load, sheet: &Sheet, calling: &Calling) -> anyhow::Result<()> {
    let (connection, of_profile) = calling.connect()?;
    let system = if asked.national {
        SystemName::NATIONAL.to_owned()
    } else {
        asked
            .system
            .or(of_profile)
            .context("say which system: --system <name>, --national, or one in the profile")?
    };
    ensure!(
        sheet.csv.len() <= load::LIST_BYTES_MAX,
        "the list is larger than {} bytes",
        load::LIST_BYTES_MAX
    );
    let request_id = asked.request_id.unwrap_or_else(|| {
        let id = client::new_request_id();
        output::line(format_args!("request id {id}"));
        id
    });
    let kind = match sheet.understood.layout {
        load::Layout::Admitted => v1::PriceKind::Admitted,
        load::Layout::Attendance => v1::PriceKind::Attendance,
    };
    let price_book = v1::PriceBook {
        price_book: asked.name.to_string(),
        financial_year: asked.financial_year.to_string(),
        kind: kind.into(),
        illustrative: asked.illustrative,
        source: asked.source,
        csv: sheet.csv.clone(),
    };
    let request = v1::ProposePriceBookRequest {
        system,
        request_id,
        price_book: Some(price_book),
        validate_only: false,
    };
    let answer = connection.ask(request).await.context("the price list was not proposed")?;
    show_answered(&answer.difference.unwrap_or_default());
    let v1::Proposal { proposal, digest, .. } = answer.proposal.unwrap_or_default();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    output::line(format_args!("proposal {proposal} waits for another person; digest {digest}"));
    output::line(format_args!("lines that were priced keep their prices"));
    Ok(())
}
