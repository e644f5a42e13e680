//! The ties themselves.

use crate::{
    ActivityFigure, Class, Difference, DifferenceKind, Figures, Leaf, LineFigure, PaymentFigure,
    PaymentProgress, Programme, Tie, TieKind, WindowKind,
};
use money::TotalPence;
use nhs::OdsCode;
use std::collections::{BTreeMap, BTreeSet};

/// Compares all figures two by two, in the order from claim to control total; within a kind by subject.
#[must_use]
pub fn ties(figures: &Figures) -> Vec<Tie> {
    let mut ties = Vec::new();
    of_activity(figures, &mut ties);
    of_payees(figures, &mut ties);
    of_expenditure(figures, &mut ties);
    of_payments(figures, &mut ties);
    of_bank(figures, &mut ties);
    of_budgets(figures, &mut ties);
    of_lines(figures, &mut ties);
    of_whole(figures, &mut ties);
    ties
}

/// The sum of what `amount` finds.
fn sum<T>(rows: &[T], amount: impl Fn(&T) -> Option<TotalPence>) -> TotalPence {
    rows.iter().filter_map(amount).fold(TotalPence::ZERO, TotalPence::plus_total)
}

fn negative(amount: TotalPence) -> TotalPence {
    TotalPence::ZERO.minus_total(amount)
}

fn tie(kind: TieKind, subject: String, left: TotalPence, right: TotalPence) -> Tie {
    Tie { kind, subject, left, right, named: Vec::new() }
}

impl Tie {
    /// Names a difference; one of nothing needs no name.
    fn naming(mut self, kind: DifferenceKind, amount: TotalPence) -> Self {
        if !amount.is_zero() {
            self.named.push(Difference { kind, amount });
        }
        self
    }
}

fn of_activity(figures: &Figures, ties: &mut Vec<Tie>) {
    let subject = |row: &ActivityFigure| match row.payer {
        Some(payer) => format!("{} for {payer}", row.provider),
        None => format!("{} for nobody known", row.provider),
    };
    for row in &figures.activity {
        ties.push(
            tie(TieKind::Claims, subject(row), row.claimed, row.accepted)
                .naming(DifferenceKind::PriceDifference, row.price_difference)
                .naming(DifferenceKind::ContestedClaims, row.contested)
                .naming(DifferenceKind::UnreadableClaims, row.unreadable),
        );
    }
    for row in &figures.activity {
        let parts = row.payable.plus_total(row.recognised).plus_total(row.block);
        ties.push(tie(TieKind::Accepted, subject(row), row.accepted, parts));
    }
}

/// Every payer and payee that any book speaks of.
fn pairs(figures: &Figures) -> BTreeSet<(OdsCode, String)> {
    let activity = figures.activity.iter().filter_map(|row| Some((row.payer?, row.provider.clone())));
    let windows = figures.windows.iter().map(|row| (row.payer, row.payee.clone()));
    let instalments = figures.instalments.iter().map(|row| (row.payer, row.payee.clone()));
    let payments = figures.payments.iter().map(|row| (row.line.payer, row.payee.clone()));
    let accounts =
        figures.accounts.iter().filter_map(|row| Some((row.line.payer, row.leaf.payee()?.to_owned())));
    activity.chain(windows).chain(instalments).chain(payments).chain(accounts).collect()
}

/// Figures of one payer and payee, gathered in one pass each: there may be thousands of plans.
#[derive(Default)]
struct Pair {
    payable: TotalPence,
    recognised: TotalPence,
    held: TotalPence,
    windows_of_activity: TotalPence,
    windows_left: TotalPence,
    returned: TotalPence,
    rejected: TotalPence,
    due: TotalPence,
    earned: TotalPence,
    ledger_payable: TotalPence,
    ledger_contested: TotalPence,
    ledger_prepaid: TotalPence,
}

fn gather(figures: &Figures) -> BTreeMap<(OdsCode, String), Pair> {
    let mut all: BTreeMap<(OdsCode, String), Pair> =
        pairs(figures).into_iter().map(|key| (key, Pair::default())).collect();
    let mut with = |payer: OdsCode, payee: &str, change: &dyn Fn(&mut Pair)| {
        if let Some(pair) = all.get_mut(&(payer, payee.to_owned())) {
            change(pair);
        }
    };
    let add = |to: &mut TotalPence, amount: TotalPence| *to = to.plus_total(amount);
    for row in &figures.activity {
        let Some(payer) = row.payer else { continue };
        with(payer, &row.provider, &|pair| {
            add(&mut pair.payable, row.payable);
            add(&mut pair.recognised, row.recognised);
            add(&mut pair.held, row.held);
        });
    }
    for row in &figures.windows {
        with(row.payer, &row.payee, &|pair| {
            add(&mut pair.windows_left, row.total.minus_total(row.paid));
            if matches!(row.kind, WindowKind::Cut | WindowKind::Run) {
                add(&mut pair.windows_of_activity, row.total);
            }
        });
    }
    for row in &figures.payments {
        with(row.line.payer, &row.payee, &|pair| match row.progress {
            PaymentProgress::Returned => add(&mut pair.returned, row.amount),
            PaymentProgress::Rejected => add(&mut pair.rejected, row.amount),
            PaymentProgress::InTransit | PaymentProgress::Settled => {}
        });
    }
    for row in &figures.instalments {
        let to = |pair: &mut Pair| add(if row.earned { &mut pair.earned } else { &mut pair.due }, row.amount);
        with(row.payer, &row.payee, &to);
    }
    for row in &figures.accounts {
        let Some(payee) = row.leaf.payee() else { continue };
        with(row.line.payer, payee, &|pair| {
            if matches!(row.leaf, Leaf::Payable(_)) {
                add(&mut pair.ledger_payable, row.credit);
            } else if matches!(row.leaf, Leaf::Contested(_)) {
                add(&mut pair.ledger_contested, row.credit);
            } else if matches!(row.leaf, Leaf::Prepayment(_)) {
                add(&mut pair.ledger_prepaid, negative(row.credit));
            }
        });
    }
    all
}

/// How a payee is called in a subject: a plan's id is left out, since few people stand behind one payer's plans.
fn called(payee: &str) -> &str {
    if payee.starts_with("phb-") { "holder of a personal health budget" } else { payee }
}

fn of_payees(figures: &Figures, ties: &mut Vec<Tie>) {
    let pairs = gather(figures);
    let mut each = |kind: TieKind, sides: &dyn Fn(&Pair) -> Option<Tie>| {
        for ((payer, payee), pair) in &pairs {
            if let Some(found) = sides(pair) {
                ties.push(Tie { kind, subject: format!("{payer} to {}", called(payee)), ..found });
            }
        }
    };
    // What is nothing on both sides says nothing.
    let both = |left: TotalPence, right: TotalPence| {
        (!left.is_zero() || !right.is_zero()).then(|| tie(TieKind::Payable, String::new(), left, right))
    };
    each(TieKind::Payable, &|pair| {
        // What came back stands in a run's window: it is owed, and it is no activity.
        both(pair.payable, pair.windows_of_activity).map(|found| {
            found
                .naming(DifferenceKind::Returned, negative(pair.returned))
                .naming(DifferenceKind::Rejected, negative(pair.rejected))
        })
    });
    each(TieKind::Recognised, &|pair| {
        let used = pair.due.minus_total(pair.earned).minus_total(pair.ledger_prepaid);
        both(pair.recognised, used)
    });
    each(TieKind::Contested, &|pair| both(pair.held, pair.ledger_contested));
    each(TieKind::Windows, &|pair| both(pair.windows_left, pair.ledger_payable));
}

fn of_expenditure(figures: &Figures, ties: &mut Vec<Tie>) {
    let spent = |row: &ActivityFigure| row.payable.plus_total(row.recognised).plus_total(row.held);
    let activity = figures.activity.iter().filter_map(|row| row.payer);
    let lines = figures.accounts.iter().filter(|row| row.line.programme == Programme::Elective);
    let payers: BTreeSet<OdsCode> = activity
        .chain(lines.map(|row| row.line.payer))
        .chain(figures.instalments.iter().map(|row| row.payer))
        .collect();
    for payer in payers {
        let left =
            sum(&figures.activity, |row| (row.payer == Some(payer)).then(|| spent(row)))
                .plus_total(sum(&figures.instalments, |row| {
                    (row.payer == payer && row.earned).then_some(row.amount)
                }));
        let right = sum(&figures.accounts, |row| {
            let elective = row.line.payer == payer && row.line.programme == Programme::Elective;
            let spending = matches!(&row.leaf, Leaf::Expenditure(class) if *class != Class::WrittenOff);
            (elective && spending).then_some(negative(row.credit))
        });
        ties.push(tie(TieKind::Expenditure, payer.to_string(), left, right));
    }
}

fn of_payments(figures: &Figures, ties: &mut Vec<Tie>) {
    let books: BTreeSet<(OdsCode, Programme)> = figures
        .payments
        .iter()
        .map(|row| row.line)
        .chain(figures.accounts.iter().map(|row| row.line))
        .map(|line| (line.payer, line.programme))
        .chain(figures.budgets.iter().map(|row| (row.payer, Programme::Phb)))
        .collect();
    let paid = |key: (OdsCode, Programme), progress: PaymentProgress| {
        let of =
            |row: &PaymentFigure| (row.line.payer, row.line.programme) == key && row.progress == progress;
        sum(&figures.payments, |row| of(row).then_some(row.amount))
    };
    let account = |key: (OdsCode, Programme), leaf: &Leaf| {
        sum(&figures.accounts, |row| {
            ((row.line.payer, row.line.programme) == key && row.leaf == *leaf).then_some(row.credit)
        })
    };
    for key in &books {
        let subject = format!("{} {}", key.0, key.1.as_str());
        let (left, right) = (paid(*key, PaymentProgress::InTransit), account(*key, &Leaf::InTransit));
        ties.push(tie(TieKind::InTransit, subject, left, right));
    }
    for key in books {
        let subject = format!("{} {}", key.0, key.1.as_str());
        let received =
            sum(&figures.budgets, |row| (key == (row.payer, Programme::Phb)).then_some(row.received));
        ties.push(
            tie(TieKind::Settled, subject, paid(key, PaymentProgress::Settled), account(key, &Leaf::Bank))
                .naming(DifferenceKind::ReceivedFromHolders, received),
        );
    }
}

fn of_bank(figures: &Figures, ties: &mut Vec<Tie>) {
    let payers: BTreeSet<OdsCode> = figures.statements.iter().map(|row| row.payer).collect();
    for payer in payers {
        let left =
            sum(&figures.statements, |row| (row.payer == payer).then(|| row.debits.minus_total(row.credits)));
        let right = sum(&figures.accounts, |row| {
            (row.line.payer == payer && row.leaf == Leaf::Bank).then_some(row.credit)
        });
        // Holders pay into another account, and finance records it from there.
        let received = sum(&figures.budgets, |row| (row.payer == payer).then_some(row.received));
        ties.push(
            tie(TieKind::Bank, payer.to_string(), left, right)
                .naming(DifferenceKind::ReceivedFromHolders, received),
        );
    }
}

fn of_budgets(figures: &Figures, ties: &mut Vec<Tie>) {
    let phb = figures.accounts.iter().filter(|row| row.line.programme == Programme::Phb);
    let payers: BTreeSet<OdsCode> =
        figures.budgets.iter().map(|row| row.payer).chain(phb.map(|row| row.line.payer)).collect();
    for payer in payers {
        let ours = |amount: fn(&crate::BudgetFigure) -> TotalPence| {
            sum(&figures.budgets, |row| (row.payer == payer).then(|| amount(row)))
        };
        let ledger = |amount: &dyn Fn(&crate::Account) -> Option<TotalPence>| {
            sum(&figures.accounts, |row| {
                let of_payer = row.line.payer == payer && row.line.programme == Programme::Phb;
                of_payer.then(|| amount(row)).flatten()
            })
        };
        let leaf = |leaf: Leaf| ledger(&|row| (row.leaf == leaf).then_some(row.credit));
        let mut push = |kind, left, right| ties.push(tie(kind, payer.to_string(), left, right));
        push(TieKind::BudgetAllocation, ours(|row| row.budget), leaf(Leaf::PlanAllocation));
        push(TieKind::BudgetHolds, ours(|row| row.held), ledger(&|row| Some(row.held)));
        let spent = negative(leaf(Leaf::Expenditure(Class::Phb)));
        push(TieKind::BudgetExpenditure, ours(|row| row.spent), spent);
        push(TieKind::BudgetPaidAhead, ours(|row| row.paid_ahead), negative(leaf(Leaf::PaidAhead)));
        push(TieKind::BudgetRecoverable, ours(|row| row.recoverable), negative(leaf(Leaf::Recoverable)));
    }
}

/// Which room of a line a leaf stands in.
const fn is_fund(leaf: &Leaf) -> bool {
    match leaf {
        Leaf::Allocation
        | Leaf::PlanAllocation
        | Leaf::Expenditure(_)
        | Leaf::Prepayment(_)
        | Leaf::PaidAhead
        | Leaf::Recoverable => true,
        Leaf::Payable(_)
        | Leaf::Contested(_)
        | Leaf::Estimate(_)
        | Leaf::InTransit
        | Leaf::Bank
        | Leaf::Transferred => false,
    }
}

type Column = (&'static str, fn(&LineFigure) -> TotalPence, fn(&crate::Account) -> Option<TotalPence>);

/// What the ledger sums by line, and the accounts that it must be the sum of.
const COLUMNS: [Column; 9] = [
    (
        "allocated",
        |row| row.allocated,
        |row| matches!(row.leaf, Leaf::Allocation | Leaf::PlanAllocation).then_some(row.credit),
    ),
    ("committed", |row| row.committed, |row| Some(row.held)),
    (
        "accrued",
        |row| row.accrued,
        |row| {
            matches!(row.leaf, Leaf::Payable(_) | Leaf::Contested(_) | Leaf::Estimate(_))
                .then_some(row.credit)
        },
    ),
    ("contested", |row| row.contested, |row| matches!(row.leaf, Leaf::Contested(_)).then_some(row.credit)),
    ("instructed", |row| row.instructed, |row| (row.leaf == Leaf::InTransit).then_some(row.credit)),
    ("settled", |row| row.settled, |row| (row.leaf == Leaf::Bank).then_some(row.credit)),
    ("transferred", |row| row.transferred, |row| (row.leaf == Leaf::Transferred).then_some(row.credit)),
    (
        "available",
        |row| row.available,
        |row| {
            let credit = if is_fund(&row.leaf) { row.credit } else { TotalPence::ZERO };
            Some(credit.minus_total(row.held))
        },
    ),
    (
        "expenditure",
        |row| row.expenditure,
        |row| matches!(row.leaf, Leaf::Expenditure(_)).then(|| negative(row.credit)),
    ),
];

fn of_lines(figures: &Figures, ties: &mut Vec<Tie>) {
    for row in &figures.lines {
        let parts = row.committed.plus_total(row.accrued).plus_total(row.paid()).plus_total(row.available);
        ties.push(tie(TieKind::LineIdentity, row.line.to_string(), row.allocated, parts));
    }
    for row in &figures.lines {
        for (word, summed, of_account) in COLUMNS {
            let right = sum(&figures.accounts, |account| {
                (account.line == row.line).then(|| of_account(account)).flatten()
            });
            ties.push(tie(TieKind::LineAccounts, format!("{} {word}", row.line), summed(row), right));
        }
    }
}

fn of_whole(figures: &Figures, ties: &mut Vec<Tie>) {
    let transferred = sum(&figures.accounts, |row| (row.leaf == Leaf::Transferred).then_some(row.credit));
    ties.push(tie(TieKind::Transferred, "all lines".to_owned(), transferred, TotalPence::ZERO));
    let difference = figures.trial_difference;
    ties.push(tie(TieKind::TrialBalance, "the ledger".to_owned(), difference, TotalPence::ZERO));
    if figures.system_total.is_some() || !figures.organisation_totals.is_empty() {
        let organisations = sum(&figures.organisation_totals, |(_, total)| Some(*total));
        let system = figures.system_total.unwrap_or_default();
        ties.push(tie(TieKind::ControlTotal, "the system".to_owned(), system, organisations));
        let memorandum = figures.memorandum;
        ties.push(tie(TieKind::Memorandum, "all organisations".to_owned(), organisations, memorandum));
    }
}
