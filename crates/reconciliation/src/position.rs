//! Where each commissioner stands with each payee, and each budget line.

use crate::{Class, Figures, Leaf, Line, LineFigure, PaymentProgress, Programme};
use money::TotalPence;
use std::collections::BTreeMap;

/// The payee's name in the rows of people who are paid direct: their plans are summed, since one plan is one person.
pub(crate) const DIRECT_PAYMENTS: &str = "direct payments";

/// The position of a system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// Budget lines, in order.
    pub lines: Vec<LineRow>,
    /// Payers and payees, by line and payee.
    pub payees: Vec<PayeeRow>,
    /// Expenditure by line and class, with what is committed to it.
    pub classes: Vec<(Line, Class, TotalPence, TotalPence)>,
}

/// Where a budget line stands. `allocated = committed + accrued + paid + available`, to the penny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRow {
    /// The ledger's sums.
    pub sums: LineFigure,
    /// Of the payments instructed: how many pence came back.
    pub returned: TotalPence,
    /// Received from holders of personal health budgets.
    pub received: TotalPence,
}

/// What one payee is owed and paid on one budget line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayeeRow {
    /// The line.
    pub line: Line,
    /// The payee's code, or `direct payments`.
    pub payee: String,
    /// Whose income it is; none when the payee is not known to the registry.
    pub class: Option<Class>,
    /// Activity accepted from it.
    pub accepted: TotalPence,
    /// In dispute, in the ledger.
    pub contested: TotalPence,
    /// Owed: payable, contested, estimated.
    pub accrued: TotalPence,
    /// Instructed and not confirmed.
    pub instructed: TotalPence,
    /// Confirmed by the bank, and not come back.
    pub settled: TotalPence,
    /// Came back.
    pub returned: TotalPence,
}

impl PayeeRow {
    /// Paid: instructed and settled.
    #[must_use]
    pub const fn paid(&self) -> TotalPence {
        self.instructed.plus_total(self.settled)
    }
}

/// Works out the position that `figures` show.
#[must_use]
pub fn position(figures: &Figures) -> Position {
    Position { lines: lines(figures), payees: payees(figures), classes: classes(figures) }
}

fn lines(figures: &Figures) -> Vec<LineRow> {
    let returned = |line: Line| {
        let rows = figures.payments.iter().filter(|row| row.line == line);
        rows.filter(|row| row.progress == PaymentProgress::Returned)
            .fold(TotalPence::ZERO, |sum, row| sum.plus_total(row.amount))
    };
    let received = |line: Line| {
        let rows = figures.budgets.iter().filter(|row| row.payer == line.payer);
        let sum = rows.fold(TotalPence::ZERO, |sum, row| sum.plus_total(row.received));
        if line.programme == Programme::Phb { sum } else { TotalPence::ZERO }
    };
    let row = |sums: &LineFigure| LineRow {
        sums: sums.clone(),
        returned: returned(sums.line),
        received: received(sums.line),
    };
    figures.lines.iter().map(row).collect()
}

/// The payee under whom a row stands.
fn shown(payee: &str) -> String {
    if payee.starts_with("phb-") { DIRECT_PAYMENTS.to_owned() } else { payee.to_owned() }
}

fn payees(figures: &Figures) -> Vec<PayeeRow> {
    let classes: BTreeMap<&str, Class> =
        figures.classes.iter().map(|(payee, class)| (payee.as_str(), *class)).collect();
    let mut rows: BTreeMap<(Line, String), PayeeRow> = BTreeMap::new();
    let mut change = |line: Line, payee: &str, by: &dyn Fn(&mut PayeeRow)| {
        let payee = shown(payee);
        let class = match line.programme {
            Programme::Phb => Some(Class::Phb),
            Programme::Elective => classes.get(payee.as_str()).copied(),
        };
        by(rows.entry((line, payee.clone())).or_insert_with(|| PayeeRow {
            line,
            payee,
            class,
            accepted: TotalPence::ZERO,
            contested: TotalPence::ZERO,
            accrued: TotalPence::ZERO,
            instructed: TotalPence::ZERO,
            settled: TotalPence::ZERO,
            returned: TotalPence::ZERO,
        }));
    };
    for account in &figures.accounts {
        let Some(payee) = account.leaf.payee().filter(|_| !matches!(account.leaf, Leaf::Prepayment(_)))
        else {
            continue;
        };
        change(account.line, payee, &|row| {
            row.accrued = row.accrued.plus_total(account.credit);
            if matches!(account.leaf, Leaf::Contested(_)) {
                row.contested = row.contested.plus_total(account.credit);
            }
        });
    }
    for payment in &figures.payments {
        change(payment.line, &payment.payee, &|row| {
            let to = match payment.progress {
                PaymentProgress::InTransit => &mut row.instructed,
                PaymentProgress::Settled => &mut row.settled,
                PaymentProgress::Returned => &mut row.returned,
                PaymentProgress::Rejected => return,
            };
            *to = to.plus_total(payment.amount);
        });
    }
    for activity in &figures.activity {
        // A payer's activity of a year stands on its elective line; with several years, on the first.
        let line = figures.lines.iter().map(|row| row.line);
        let line = line.filter(|line| line.programme == Programme::Elective);
        let Some(line) = line.clone().find(|line| Some(line.payer) == activity.payer) else { continue };
        change(line, &activity.provider, &|row| row.accepted = row.accepted.plus_total(activity.accepted));
    }
    rows.into_values().collect()
}

fn classes(figures: &Figures) -> Vec<(Line, Class, TotalPence, TotalPence)> {
    let mut rows: BTreeMap<(Line, Class), (TotalPence, TotalPence)> = BTreeMap::new();
    for account in &figures.accounts {
        if let Leaf::Expenditure(class) = &account.leaf {
            let (spent, held) = rows.entry((account.line, *class)).or_default();
            *spent = spent.minus_total(account.credit);
            *held = held.plus_total(account.held);
        }
    }
    rows.into_iter().map(|((line, class), (spent, held))| (line, class, spent, held)).collect()
}
