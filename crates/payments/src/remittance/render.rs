//! The advice as text for people and as CSV for their programs.

use super::{Advice, Line, WindowPaid};
use crate::FileBytes;
use crate::ledger_of_record::Table;
use core::fmt;
use money::TotalPence;

/// The columns of the CSV, in order. `row_type` is `line`, `site total`, `adjustment`, `total` or `window`; a column that
/// does not apply to a row is empty.
pub const COLUMNS: [&str; 15] = [
    "payer",
    "payee",
    "run",
    "end_to_end_id",
    "payment_reference",
    "payment_date",
    "row_type",
    "site",
    "date",
    "reference",
    "service",
    "amount",
    "window",
    "seq_from",
    "seq_to",
];

/// Columns of the printed page: date, reference, service, amount.
const WIDTH: usize = 78;

impl Advice {
    /// The advice as text, at most 78 characters wide but for long names, UTF-8.
    #[must_use]
    pub fn text(&self) -> FileBytes {
        FileBytes::new(Page(self).to_string().into_bytes())
    }

    /// The advice as CSV: a row per line, adjustment, site total and window, and the total.
    #[must_use]
    pub fn csv(&self) -> FileBytes {
        let parts = self.parts();
        let mut table = Table::new(COLUMNS);
        let date = parts.payment_date.to_string();
        let head = [
            parts.payer.as_str(),
            parts.payee.as_str(),
            parts.run.as_str(),
            parts.end_to_end_id.as_str(),
            parts.payment_reference.as_str(),
            &date,
        ];
        let mut write = |cells: [&str; 9]| table.write(head.into_iter().chain(cells));
        for section in &parts.sites {
            let site = section.site.as_str();
            for line in &section.lines {
                let [date, reference, service, amount] = line.cells();
                write(["line", site, &date, &reference, &service, &amount, "", "", ""]);
            }
            let total = section.total().to_pounds();
            write(["site total", site, "", "", "", &total, "", "", ""]);
        }
        for adjustment in &parts.adjustments {
            let (date, reference) = (adjustment.date.to_string(), adjustment.reference.to_string());
            let amount = adjustment.amount.to_pounds();
            write(["adjustment", "", &date, &reference, adjustment.kind.as_str(), &amount, "", "", ""]);
        }
        write(["total", "", "", "", "", &self.total().to_pounds(), "", "", ""]);
        for window in &parts.windows {
            let (from, to) = (window.seq_from.to_string(), window.seq_to.to_string());
            let amount = window.total_after.to_pounds();
            write(["window", "", "", "", "", &amount, &window.key, &from, &to]);
        }
        table.finish()
    }
}

impl Line {
    fn cells(&self) -> [String; 4] {
        [self.date.to_string(), self.reference.to_string(), self.service.to_string(), self.amount.to_pounds()]
    }
}

struct Page<'a>(&'a Advice);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.parts();
        writeln!(f, "REMITTANCE ADVICE\n")?;
        writeln!(f, "From              {} ({})", parts.payer_name, parts.payer)?;
        writeln!(f, "To                {} ({})", parts.payee_name, parts.payee)?;
        writeln!(f, "Payment           {} on {}", parts.instructed, parts.payment_date)?;
        writeln!(f, "Your statement    {}", parts.payment_reference)?;
        writeln!(f, "End-to-end id     {}", parts.end_to_end_id)?;
        writeln!(f, "Settlement run    {}", parts.run)?;
        for section in &parts.sites {
            writeln!(f, "\nSite {} {}", section.site, section.name)?;
            rule(f)?;
            writeln!(f, "{:<10}  {:<35}  {:<10}  {:>17}", "Date", "Line", "Service", "Amount")?;
            rule(f)?;
            for line in &section.lines {
                let [date, reference, service, _] = line.cells();
                writeln!(f, "{date:<10}  {reference:<35}  {service:<10}  {:>17}", line.amount)?;
            }
            rule(f)?;
            let count = section.lines.len();
            let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
            total(f, &format!("Site {}, {lines}", section.site), section.total())?;
        }
        if !parts.adjustments.is_empty() {
            writeln!(f, "\nAdjustments")?;
            rule(f)?;
            for adjustment in &parts.adjustments {
                let (date, kind) = (adjustment.date.to_string(), adjustment.kind.as_str());
                let reference = adjustment.reference.to_string();
                writeln!(f, "{date:<10}  {kind}")?;
                writeln!(f, "{:<10}  {reference:<47}  {:>17}", "", adjustment.amount)?;
            }
            rule(f)?;
            total(f, "Adjustments", self.0.adjustments_total())?;
        }
        writeln!(f)?;
        total(f, "Lines", self.0.lines_total())?;
        total(f, "Adjustments", self.0.adjustments_total())?;
        total(f, "TOTAL", self.0.total())?;
        windows(f, &parts.windows)
    }
}

fn windows(f: &mut fmt::Formatter<'_>, windows: &[WindowPaid]) -> fmt::Result {
    if windows.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nCompleteness")?;
    rule(f)?;
    for window in windows {
        let entries = format!("entries {} to {}", window.seq_from, window.seq_to);
        writeln!(f, "{:<34}  {entries:<23}  {:>17}", window.key, window.total_after)?;
    }
    rule(f)?;
    writeln!(f, "Receipts numbered without a gap, whose amounts make the window's total, are all")?;
    writeln!(f, "there is: nothing was left out.")
}

fn rule(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{:-<WIDTH$}", "")
}

fn total(f: &mut fmt::Formatter<'_>, label: &str, amount: TotalPence) -> fmt::Result {
    writeln!(f, "{label:<59}  {amount:>17}")
}
