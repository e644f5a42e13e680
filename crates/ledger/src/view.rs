//! What readers see of the state.

use crate::{
    Column, Command, HoldAction, Limit, Posting, Reverse, State, Totals, WindowKey,
    state::{Account, Due, Line, NONE, Node, Standing, Window, WindowId, row},
};
use access::Proposal;
use core::ops::Bound;
use journal::{AccountNumber, Day, Item, Position, RequestId};
use money::{NetPence, Pence, Side, TotalPence};
use nhs::Period;

/// An account as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountView<'a> {
    /// Its number.
    pub number: AccountNumber,
    /// Its path.
    pub path: &'a str,
    /// What it holds.
    pub column: Column,
    /// Whether it is closed.
    pub closed: bool,
    /// Its totals.
    pub totals: Totals,
}

/// A node as it stands: an account, or the sum of all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeView<'a> {
    /// Its path.
    pub path: &'a str,
    /// The side on which it is measured.
    pub side: Side,
    /// Its totals.
    pub totals: Totals,
    /// Its limit.
    pub limit: Option<Limit>,
}

/// A limit with its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitView<'a> {
    /// The node.
    pub node: NodeView<'a>,
    /// The limit in force.
    pub limit: Limit,
}

/// Where a budget line stands. `allocated = committed + accrued + paid + available`, always.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct LinePosition {
    /// Credit of all allocations.
    pub allocated: TotalPence,
    /// Open holds on `fund`.
    pub committed: TotalPence,
    /// Credit of `owed`: payable, contested and estimated.
    pub accrued: TotalPence,
    /// The contested part of `accrued`.
    pub contested: TotalPence,
    /// The estimated part of `accrued`.
    pub estimated: TotalPence,
    /// Credit of `out`: instructed, settled and transferred.
    pub paid: TotalPence,
    /// Credit of `out/in-transit`.
    pub instructed: TotalPence,
    /// Credit of `out/bank`.
    pub settled: TotalPence,
    /// Credit of `out/transferred`; nil over all lines.
    pub transferred: TotalPence,
    /// Credit of `fund` less holds. Negative when the line is overspent.
    pub available: TotalPence,
    /// Debit of `expenditure`, recognised on the date of service.
    pub expenditure: TotalPence,
}

const NOTHING: LinePosition = LinePosition {
    allocated: TotalPence::ZERO,
    committed: TotalPence::ZERO,
    accrued: TotalPence::ZERO,
    contested: TotalPence::ZERO,
    estimated: TotalPence::ZERO,
    paid: TotalPence::ZERO,
    instructed: TotalPence::ZERO,
    settled: TotalPence::ZERO,
    transferred: TotalPence::ZERO,
    available: TotalPence::ZERO,
    expenditure: TotalPence::ZERO,
};

impl LinePosition {
    /// What one account of a line adds to its position.
    #[must_use]
    pub const fn of_account(column: Column, totals: &Totals) -> Self {
        let mut of = NOTHING;
        let credit = totals.balance(Side::Credit);
        of.committed = totals.held();
        if column.is_fund() {
            of.available = credit.minus_total(totals.held());
        }
        match column {
            Column::Allocation => of.allocated = credit,
            Column::Expenditure(_) => of.expenditure = totals.balance(Side::Debit),
            Column::Payable => of.accrued = credit,
            Column::Contested => (of.accrued, of.contested) = (credit, credit),
            Column::Estimate => (of.accrued, of.estimated) = (credit, credit),
            Column::InTransit => (of.paid, of.instructed) = (credit, credit),
            Column::Bank => (of.paid, of.settled) = (credit, credit),
            Column::Transferred => (of.paid, of.transferred) = (credit, credit),
            Column::Prepayment
            | Column::Advance
            | Column::Recoverable
            | Column::ResourceLimit
            | Column::Target => {}
        }
        of
    }

    /// The sum of two positions, column by column.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            allocated: self.allocated.plus_total(other.allocated),
            committed: self.committed.plus_total(other.committed),
            accrued: self.accrued.plus_total(other.accrued),
            contested: self.contested.plus_total(other.contested),
            estimated: self.estimated.plus_total(other.estimated),
            paid: self.paid.plus_total(other.paid),
            instructed: self.instructed.plus_total(other.instructed),
            settled: self.settled.plus_total(other.settled),
            transferred: self.transferred.plus_total(other.transferred),
            available: self.available.plus_total(other.available),
            expenditure: self.expenditure.plus_total(other.expenditure),
        }
    }
}

/// A budget line with its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineView<'a> {
    /// `<ccg>/<programme>/<financial year>`.
    pub path: &'a str,
    /// Where it stands.
    pub position: LinePosition,
}

/// An open hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldView<'a> {
    /// Its name: the request id of the posting that placed it, unless that gave another.
    pub name: RequestId,
    /// The number of the account that it stands on.
    pub account: AccountNumber,
    /// That account's path.
    pub path: &'a str,
    /// What remains of it.
    pub remaining: Pence,
    /// The first day on which it no longer stands.
    pub expires: Day,
    /// The record that placed it.
    pub placed_by: Position,
}

/// An entry that is reversed by itself.
#[derive(Debug, Clone, Copy)]
pub struct DueReversal<'a> {
    /// The entry.
    pub entry: Item,
    /// The month on whose first day it is reversed.
    pub period: Period,
    /// The request id of its record.
    pub request_id: RequestId,
    /// The reversal.
    pub posting: &'a Posting,
}

impl DueReversal<'_> {
    /// The command that reverses it, on `day` or later.
    #[must_use]
    pub fn command(&self, state: &State, day: Day) -> Command {
        let mut posting = self.posting.clone();
        // A hold whose day has passed, or that stands again, is not placed again.
        posting.holds.retain(|action| match action {
            HoldAction::Place { expires, name, .. } => {
                *expires > day && name.is_none_or(|name| state.hold(name).is_none())
            }
            HoldAction::Capture { .. } | HoldAction::Release { .. } => true,
        });
        let reason = format!("reversal due in {}", self.period);
        Command::Reverse(Reverse { entry: self.entry, reason, posting })
    }
}

/// A window as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowView<'a> {
    /// Its index in the order of first use.
    pub index: u32,
    /// Who pays.
    pub payer: &'a str,
    /// Who is paid.
    pub payee: &'a str,
    /// Which window.
    pub key: WindowKey,
    /// The last number of its series.
    pub seq: u32,
    /// Credits less debits.
    pub total: NetPence,
    /// Whether it is sealed.
    pub sealed: bool,
    /// What paying entries took from it.
    pub paid: NetPence,
}

impl State {
    /// How many accounts there are, closed ones included.
    #[must_use]
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// The account of that number.
    #[must_use]
    pub fn account(&self, number: AccountNumber) -> Option<AccountView<'_>> {
        self.account_row(number).map(|(_, account)| self.account_view(account))
    }

    /// The account of that path.
    #[must_use]
    pub fn account_at(&self, path: &str) -> Option<AccountView<'_>> {
        let account = row(&self.accounts, *self.by_path.get(path)?)?;
        Some(self.account_view(account))
    }

    /// Accounts in the order of their paths, those after `after` only.
    pub fn accounts_after(&self, after: Option<&str>) -> impl Iterator<Item = AccountView<'_>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_path
            .range::<str, _>((start, Bound::Unbounded))
            .filter_map(|(_, index)| row(&self.accounts, *index))
            .map(|account| self.account_view(account))
    }

    /// The node of that path.
    #[must_use]
    pub fn node_at(&self, path: &str) -> Option<NodeView<'_>> {
        row(&self.nodes, *self.node_by_path.get(path)?).map(|node| self.node_view(node))
    }

    /// The limits in force, in the order in which their nodes were first limited.
    pub fn limits_in_force(&self) -> impl Iterator<Item = LimitView<'_>> {
        self.limits.iter().filter_map(|(node, limit)| {
            let node = row(&self.nodes, *node)?;
            Some(LimitView { node: self.node_view(node), limit: (*limit)? })
        })
    }

    /// The totals of all accounts. Debits equal credits, always.
    #[must_use]
    pub const fn sums(&self) -> Totals {
        self.sums
    }

    /// Where a budget line stands.
    #[must_use]
    pub fn line_at(&self, path: &str) -> Option<LineView<'_>> {
        row(&self.lines, *self.line_by_path.get(path)?).map(line_view)
    }

    /// Budget lines in the order of their paths, those after `after` only.
    pub fn lines_after(&self, after: Option<&str>) -> impl Iterator<Item = LineView<'_>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.line_by_path
            .range::<str, _>((start, Bound::Unbounded))
            .filter_map(|(_, index)| row(&self.lines, *index))
            .map(line_view)
    }

    /// How many holds are open.
    #[must_use]
    pub fn hold_count(&self) -> usize {
        self.holds.len()
    }

    /// The open hold of that name.
    #[must_use]
    pub fn hold(&self, name: RequestId) -> Option<HoldView<'_>> {
        let hold = self.holds.get(&name)?;
        let account = row(&self.accounts, hold.account)?;
        Some(HoldView {
            name,
            account: account.number,
            path: self.path_of(account),
            remaining: hold.remaining,
            expires: hold.expires,
            placed_by: hold.placed_by,
        })
    }

    /// Open holds by expiry, then name, those after `after` only.
    pub fn holds_after(&self, after: Option<(Day, RequestId)>) -> impl Iterator<Item = HoldView<'_>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.expiries.range((start, Bound::Unbounded)).filter_map(|(_, name)| self.hold(*name))
    }

    /// Windows in the order of their first use, from the one of `index` on.
    pub fn windows_from(&self, index: u32) -> impl Iterator<Item = WindowView<'_>> {
        let skipped = usize::try_from(index).unwrap_or(usize::MAX);
        (0..).zip(&self.windows).skip(skipped).map(|(index, window)| self.window_view(index, window))
    }

    /// The window of those names.
    #[must_use]
    pub fn window_named(&self, payer: &str, payee: &str, key: WindowKey) -> Option<WindowView<'_>> {
        let (payer, payee) = (*self.name_by_text.get(payer)?, *self.name_by_text.get(payee)?);
        let index = *self.window_by_id.get(&WindowId { payer, payee, key })?;
        row(&self.windows, index).map(|window| self.window_view(index, window))
    }

    /// The reversal of an entry.
    #[must_use]
    pub fn reversal_of(&self, entry: Item) -> Option<Item> {
        self.reversed.get(&entry).copied()
    }

    /// The entries that correct an entry, in the order of their records.
    #[must_use]
    pub fn corrections_of(&self, entry: Item) -> &[Item] {
        self.corrected.get(&entry).map_or(&[], |corrections| corrections)
    }

    /// The entries that are reversed by themselves, in the order of their records.
    pub fn due_reversals(&self) -> impl Iterator<Item = DueReversal<'_>> {
        self.due.iter().map(|(entry, due)| {
            let Due { period, request_id, posting } = due;
            DueReversal { entry: *entry, period: *period, request_id: *request_id, posting }
        })
    }

    /// What waits for another person, in the order of the proposals.
    pub fn proposals(&self) -> impl Iterator<Item = (Position, Proposal)> {
        self.proposals.iter().map(|(position, waiting)| (*position, waiting.proposal))
    }

    pub(crate) fn path_of(&self, account: &Account) -> &str {
        row(&self.nodes, account.node).map_or("", |node| &node.path)
    }

    fn account_view(&self, account: &Account) -> AccountView<'_> {
        AccountView {
            number: account.number,
            path: self.path_of(account),
            column: account.column,
            closed: account.standing == Standing::Closed,
            totals: row(&self.nodes, account.node).map(|node| node.totals).unwrap_or_default(),
        }
    }

    fn node_view<'a>(&'a self, node: &'a Node) -> NodeView<'a> {
        let limit = if node.limit == NONE { None } else { self.limit_of(node).copied() };
        NodeView { path: &node.path, side: node.side, totals: node.totals, limit }
    }

    fn window_view<'a>(&'a self, index: u32, window: &Window) -> WindowView<'a> {
        WindowView {
            index,
            payer: self.name(window.id.payer),
            payee: self.name(window.id.payee),
            key: window.id.key,
            seq: window.seq,
            total: window.total,
            sealed: window.sealed,
            paid: window.paid,
        }
    }
}

fn line_view(line: &Line) -> LineView<'_> {
    let accrued = line.payable.plus_total(line.contested).plus_total(line.estimate);
    let paid = line.in_transit.plus_total(line.bank).plus_total(line.transferred);
    LineView {
        path: &line.path,
        position: LinePosition {
            allocated: line.allocated,
            committed: line.held,
            accrued,
            contested: line.contested,
            estimated: line.estimate,
            paid,
            instructed: line.in_transit,
            settled: line.bank,
            transferred: line.transferred,
            available: line.fund.minus_total(line.held),
            expenditure: TotalPence::ZERO.minus_total(line.expenditure),
        },
    }
}
