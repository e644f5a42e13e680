//! From the other services' messages to the figures that the ties compare.

use crate::{
    books::{Books, LedgerBooks},
    courier,
};
use journal::{Position, Service, SystemName};
use money::TotalPence;
use nhs::{FinancialYear, OdsCode, Period};
use proto::{
    health_budgets::v1 as health_budgets, ledger::v1 as ledger, referrals::v1 as referrals,
    settlement::v1 as settlement,
};
use reconciliation::{
    Account, ActivityFigure, BudgetFigure, Class, Figures, InstalmentFigure, Line, LineFigure, PaymentFigure,
    PaymentProgress, WindowFigure, WindowKind,
};
use reference::{ExpenditureClass, Reference};
use std::collections::BTreeMap;
use tonic::Status;

/// Figures, and what they were read at.
pub(crate) struct Collected {
    pub(crate) figures: Figures,
    pub(crate) sources: Vec<(Service, Option<Position>)>,
    pub(crate) referrals: u64,
    pub(crate) referrals_implied: u64,
}

/// Reads every book of `system` for `year`. What stands upstream is read first, so that what follows from it is there.
pub(crate) async fn collect(
    books: &Books,
    reference: &Reference,
    registry: Option<Position>,
    system: &SystemName,
    year: FinancialYear,
) -> Result<Collected, Status> {
    let (totals, referrals_at) = books.activity(system).await?;
    let (cells, budgets_at) = books.budgets(system).await?;
    let reclaims = books.reclaims(system).await?;
    let instalments = books.instalments(system).await?;
    let (payments, settlement_at) = books.payments(system).await?;
    let ledger = books.ledger(system).await?;
    let ledger_at = ledger.position;
    let mut figures = Figures {
        activity: activity(&totals.totals, year),
        instalments: instalments.iter().filter_map(|row| instalment(row, year)).collect(),
        payments: payments.iter().filter_map(|row| payment(row, year)).collect(),
        budgets: budgets(&cells, &reclaims),
        ..Figures::default()
    };
    of_ledger(&ledger, year, &mut figures);
    figures.classes = classes(reference, &figures);
    Ok(Collected {
        figures,
        sources: vec![
            (Service::Registry, registry),
            (Service::Referrals, referrals_at),
            (Service::HealthBudgets, budgets_at),
            (Service::Ledger, ledger_at),
            (Service::Settlement, settlement_at),
        ],
        referrals: totals.referrals,
        referrals_implied: totals.referrals_implied,
    })
}

fn pence(amount: i64) -> TotalPence {
    TotalPence::new(amount.into())
}

fn add(to: &mut TotalPence, amount: i64) {
    *to = to.plus_total(pence(amount));
}

/// One figure for each provider and payer, over all cuts of the year. What belongs to no cut (corrections of sealed ones,
/// lines without a date) belongs to every year's.
fn activity(totals: &[referrals::ActivityTotal], year: FinancialYear) -> Vec<ActivityFigure> {
    let in_year = |row: &&referrals::ActivityTotal| {
        let period = row.cut.as_ref().and_then(|cut| cut.period.parse::<Period>().ok());
        period.is_none_or(|period| period.financial_year() == year)
    };
    let mut figures: BTreeMap<(String, Option<OdsCode>), ActivityFigure> = BTreeMap::new();
    for row in totals.iter().filter(in_year) {
        let key = (row.provider.clone(), row.payer.parse().ok());
        let figure = figures.entry(key.clone()).or_insert_with(|| ActivityFigure {
            provider: key.0,
            payer: key.1,
            claimed: TotalPence::ZERO,
            accepted: TotalPence::ZERO,
            price_difference: TotalPence::ZERO,
            contested: TotalPence::ZERO,
            unreadable: TotalPence::ZERO,
            payable: TotalPence::ZERO,
            recognised: TotalPence::ZERO,
            block: TotalPence::ZERO,
            held: TotalPence::ZERO,
        });
        add(&mut figure.claimed, row.claimed_pence);
        add(&mut figure.accepted, row.accepted_pence);
        add(&mut figure.price_difference, row.price_difference_pence);
        add(&mut figure.contested, row.contested_pence);
        add(&mut figure.unreadable, row.unreadable_pence);
        add(&mut figure.payable, row.payable_pence);
        add(&mut figure.recognised, row.recognised_pence);
        add(&mut figure.block, row.block_pence);
        add(&mut figure.held, row.held_pence);
    }
    figures.into_values().collect()
}

fn instalment(row: &settlement::Instalment, year: FinancialYear) -> Option<InstalmentFigure> {
    let due = row.due_date.and_then(wire::common::date_from)?;
    (row.state() == settlement::instalment::State::Posted && year.contains(due)).then_some(())?;
    Some(InstalmentFigure {
        payer: row.payer.parse().ok()?,
        payee: row.payee.clone(),
        earned: row.kind() == settlement::DueKind::BlockEarned,
        amount: pence(row.pence),
    })
}

fn payment(row: &settlement::Payment, year: FinancialYear) -> Option<PaymentFigure> {
    use settlement::payment::State;
    let progress = match row.state() {
        State::Instructed | State::Accepted => PaymentProgress::InTransit,
        State::Settled => PaymentProgress::Settled,
        State::Returned => PaymentProgress::Returned,
        State::Rejected => PaymentProgress::Rejected,
        State::Unspecified | State::Planned | State::Withheld => return None,
    };
    let line = Line::read(&row.line).filter(|line| line.year == year)?;
    Some(PaymentFigure { line, payee: row.payee.clone(), progress, amount: pence(row.pence) })
}

fn budgets(
    cells: &[health_budgets::TotalsCell],
    reclaims: &[(String, health_budgets::Reclaim)],
) -> Vec<BudgetFigure> {
    use health_budgets::{PotKind, ReclaimState};
    let mut figures: BTreeMap<OdsCode, BudgetFigure> = BTreeMap::new();
    let empty = |payer| BudgetFigure {
        payer,
        budget: TotalPence::ZERO,
        held: TotalPence::ZERO,
        spent: TotalPence::ZERO,
        paid_ahead: TotalPence::ZERO,
        recoverable: TotalPence::ZERO,
        received: TotalPence::ZERO,
    };
    for cell in cells {
        let Ok(payer) = cell.ccg.parse() else { continue };
        let figure = figures.entry(payer).or_insert_with(|| empty(payer));
        let is_notional = cell.pot() == PotKind::Notional;
        let spent = if is_notional { cell.spent_pence } else { cell.recognised_pence };
        add(&mut figure.budget, cell.budget_pence);
        add(&mut figure.held, cell.booked_pence.saturating_add(cell.held_pence));
        add(&mut figure.spent, spent.saturating_sub(cell.reclaimed_spent_pence));
        add(&mut figure.paid_ahead, if is_notional { 0 } else { cell.paid_ahead_pence });
        add(&mut figure.received, cell.returned_pence);
    }
    for (ccg, reclaim) in reclaims {
        let Ok(payer) = ccg.parse() else { continue };
        let figure = figures.entry(payer).or_insert_with(|| empty(payer));
        let stands = matches!(
            reclaim.state(),
            ReclaimState::Decided
                | ReclaimState::Receiving
                | ReclaimState::GivingUp
                | ReclaimState::WritingOff
                | ReclaimState::Received
        );
        let due = reclaim.amount_pence.saturating_sub(reclaim.received_pence);
        add(&mut figure.recoverable, if stands { due } else { 0 });
        add(&mut figure.received, reclaim.received_pence);
    }
    figures.into_values().collect()
}

fn of_ledger(books: &LedgerBooks, year: FinancialYear, figures: &mut Figures) {
    let account = |row: &ledger::Account| {
        let (line, leaf) = Account::read(&row.path).filter(|(line, _)| line.year == year)?;
        let totals = row.totals.unwrap_or_default();
        let credit = pence(totals.credits_pence).minus_total(pence(totals.debits_pence));
        let held = pence(totals.holds_placed_pence).minus_total(pence(totals.holds_ended_pence));
        Some(Account { line, leaf, credit, held })
    };
    figures.accounts = books.accounts.iter().filter_map(account).collect();
    figures.trial_difference = pence(books.difference_pence);
    let totals = books.accounts.iter().filter(|row| courier::is_organisation(&row.path, year));
    figures.memorandum =
        totals.fold(TotalPence::ZERO, |sum, row| sum.plus_total(courier::balance(row.totals.as_ref())));
    figures.lines = books.lines.iter().filter_map(line).filter(|row| row.line.year == year).collect();
    figures.windows = books.windows.iter().filter_map(|row| window(row, year)).collect();
}

fn line(row: &ledger::LinePosition) -> Option<LineFigure> {
    Some(LineFigure {
        line: Line::read(&row.line)?,
        allocated: pence(row.allocated_pence),
        committed: pence(row.committed_pence),
        accrued: pence(row.accrued_pence),
        contested: pence(row.contested_pence),
        instructed: pence(row.instructed_pence),
        settled: pence(row.settled_pence),
        transferred: pence(row.transferred_pence),
        available: pence(row.available_pence),
        expenditure: pence(row.expenditure_pence),
    })
}

/// A window of the year: cuts and instalments by their month, runs always.
fn window(row: &ledger::Window, year: FinancialYear) -> Option<WindowFigure> {
    use ledger::window_key::Key;
    let name = row.name.as_ref()?;
    let kind = match name.key.as_ref()?.key.as_ref()? {
        Key::Cut(cut) => {
            let month = i16::try_from(cut.period / 100).ok().zip(i8::try_from(cut.period % 100).ok())?;
            let period = Period::new(month.0, month.1).ok()?;
            (period.financial_year() == year).then_some(WindowKind::Cut)?
        }
        Key::Instalment(due) => {
            let due = wire::common::date_from(*due).filter(|due| year.contains(*due))?;
            WindowKind::Instalment(due.into())
        }
        Key::Run(_) => WindowKind::Run,
    };
    Some(WindowFigure {
        payer: name.payer.parse().ok()?,
        payee: name.payee.clone(),
        kind,
        total: pence(row.total_pence),
        paid: pence(row.paid_pence),
    })
}

/// Whose payee is whose, for every organisation that a figure names.
fn classes(reference: &Reference, figures: &Figures) -> Vec<(String, Class)> {
    let activity = figures.activity.iter().map(|row| row.provider.as_str());
    let windows = figures.windows.iter().map(|row| row.payee.as_str());
    let payees: std::collections::BTreeSet<&str> = activity.chain(windows).collect();
    let class = |payee: &str| {
        let payee = payee.parse::<OdsCode>().ok()?;
        Some(match reference.expenditure_class(payee) {
            ExpenditureClass::InSystem => Class::InSystem,
            ExpenditureClass::OtherNhs => Class::OtherNhs,
            ExpenditureClass::ThirdParty => Class::ThirdParty,
        })
    };
    payees.into_iter().filter_map(|payee| Some((payee.to_owned(), class(payee)?))).collect()
}
