//! A position as bytes for the file: comma-separated text that any program reads, the same for the same position.

use crate::{DifferenceKind, Position, Tie};
use core::fmt::Write as _;
use journal::{Position as At, Service};
use nhs::FinancialYear;

/// Format of the text, in its first line.
const FORMAT: &str = "almoner position 1";

/// The bytes that a recorded position names by their SHA-256. Amounts are in pence.
///
/// ```text
/// almoner position 1
/// financial_year,2017-18
/// source,<service>,<last position read; empty when its journal is empty>
/// line,<budget line>,<allocated>,<committed>,<accrued>,<contested>,<instructed>,<settled>,<transferred>,<available>,<expenditure>
/// payee,<budget line>,<payee>,<class>,<accepted>,<accrued>,<contested>,<instructed>,<settled>,<returned>
/// class,<budget line>,<class>,<expenditure>,<committed>
/// tie,<kind>,<subject>,<left>,<right>,<unexplained>[,<difference>,<amount>…]
/// ```
#[must_use]
pub fn pack(
    year: FinancialYear,
    sources: &[(Service, Option<At>)],
    position: &Position,
    ties: &[Tie],
) -> Vec<u8> {
    let mut text = format!("{FORMAT}\nfinancial_year,{year}\n");
    // Writing to a String cannot fail.
    for (service, at) in sources {
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        let _ = writeln!(text, "source,{service},{at}");
    }
    for row in &position.lines {
        let sums = &row.sums;
        let columns = [
            sums.allocated,
            sums.committed,
            sums.accrued,
            sums.contested,
            sums.instructed,
            sums.settled,
            sums.transferred,
            sums.available,
            sums.expenditure,
        ];
        let _ = write!(text, "line,{}", sums.line);
        amounts(&mut text, &columns);
    }
    for row in &position.payees {
        let class = row.class.map_or("", crate::Class::as_str);
        let _ = write!(text, "payee,{},{},{class}", row.line, row.payee);
        let columns = [row.accepted, row.accrued, row.contested, row.instructed, row.settled, row.returned];
        amounts(&mut text, &columns);
    }
    for (line, class, expenditure, committed) in &position.classes {
        let (expenditure, committed) = (expenditure.get(), committed.get());
        let _ = writeln!(text, "class,{line},{},{expenditure},{committed}", class.as_str());
    }
    for tie in ties {
        let (left, right, rest) = (tie.left.get(), tie.right.get(), tie.unexplained().get());
        let _ = write!(text, "tie,{},{},{left},{right},{rest}", tie.kind, tie.subject);
        for named in &tie.named {
            let _ = write!(text, ",{},{}", DifferenceKind::code(named.kind), named.amount.get());
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// Ends a row with its amounts.
fn amounts(text: &mut String, amounts: &[money::TotalPence]) {
    for amount in amounts {
        let _ = write!(text, ",{}", amount.get());
    }
    text.push('\n');
}
