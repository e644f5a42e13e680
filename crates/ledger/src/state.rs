//! What decisions need, and no more.
//!
//! | row | bytes | how many |
//! | --- | --- | --- |
//! | account | 32, and its path once | one for each account |
//! | node | 96, and its path once | one for each prefix of an account's path |
//! | budget line | 176 | one for each line |
//! | open hold | 24, with its name and place in the order of expiry 60 | one for each open hold |
//! | window | 40, with its look-up 64 | one for each window |
//! | reversed entry | 32 | one for each |
//! | corrected entry | 48 | one for each |
//! | entry that reverses itself | its legs | one for each that waits |
//! | proposal | 48, with its position 56 | one for each that waits |
//!
//! Entries are not among them: an entry is its record.

use crate::{AccountPath, Column, Limit, Posting, WindowKey, path, period::Shut};
use access::Proposal;
use hashbrown::HashMap;
use journal::{AccountNumber, Day, Item, Position, RequestId};
use money::{NetPence, Pence, Side, TotalPence};
use nhs::Period;
use smallvec::SmallVec;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// No such row.
pub(crate) const NONE: u32 = u32::MAX;

/// Four totals that only grow, so that what moved can always be read besides what stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Posted debits.
    pub debits: TotalPence,
    /// Posted credits.
    pub credits: TotalPence,
    /// Pending debits: holds placed.
    pub holds_placed: TotalPence,
    /// Pending credits: holds captured, released and expired.
    pub holds_ended: TotalPence,
}

impl Totals {
    /// Open holds: placed less ended.
    #[must_use]
    pub const fn held(&self) -> TotalPence {
        self.holds_placed.minus_total(self.holds_ended)
    }

    /// The posted balance on `side`: positive when the account stands on that side.
    #[must_use]
    pub const fn balance(&self, side: Side) -> TotalPence {
        match side {
            Side::Debit => self.debits.minus_total(self.credits),
            Side::Credit => self.credits.minus_total(self.debits),
        }
    }

    /// What limits measure: the balance on `side` with open holds as the debits that they are going to be.
    #[must_use]
    pub const fn measure(&self, side: Side) -> TotalPence {
        let balance = self.balance(side);
        match side {
            Side::Debit => balance.plus_total(self.held()),
            Side::Credit => balance.minus_total(self.held()),
        }
    }

    pub(crate) const fn post(&mut self, side: Side, pence: Pence) {
        match side {
            Side::Debit => self.debits = self.debits.plus(pence),
            Side::Credit => self.credits = self.credits.plus(pence),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) number: AccountNumber,
    pub(crate) node: u32,
    pub(crate) line: u32,
    pub(crate) purse: u32,
    pub(crate) payer: u32,
    pub(crate) payee: u32,
    pub(crate) column: Column,
    pub(crate) standing: Standing,
}

/// Whether an account takes legs and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Closed,
    /// Its line's fund is shut: what names it lands in the year after.
    Shut,
}

/// An entry that is reversed by itself.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) period: Period,
    pub(crate) request_id: RequestId,
    pub(crate) posting: Posting,
}

/// A proposal that waits for another person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) proposal: Proposal,
    /// The first day on which it can no longer be approved.
    pub(crate) expires: Option<Day>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) path: Arc<str>,
    pub(crate) totals: Totals,
    pub(crate) parent: u32,
    pub(crate) limit: u32,
    pub(crate) side: Side,
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) path: Arc<str>,
    pub(crate) allocated: TotalPence,
    pub(crate) fund: TotalPence,
    pub(crate) payable: TotalPence,
    pub(crate) contested: TotalPence,
    pub(crate) estimate: TotalPence,
    pub(crate) in_transit: TotalPence,
    pub(crate) bank: TotalPence,
    pub(crate) transferred: TotalPence,
    pub(crate) expenditure: TotalPence,
    pub(crate) held: TotalPence,
}

impl Line {
    fn post(&mut self, column: Column, side: Side, pence: Pence) {
        let add = |total: &mut TotalPence| {
            *total = match side {
                Side::Credit => total.plus(pence),
                Side::Debit => total.minus(pence),
            };
        };
        match column {
            Column::Allocation => {
                add(&mut self.allocated);
                add(&mut self.fund);
            }
            Column::Expenditure(_) => {
                add(&mut self.fund);
                add(&mut self.expenditure);
            }
            Column::Prepayment | Column::Advance | Column::Recoverable => add(&mut self.fund),
            Column::Payable => add(&mut self.payable),
            Column::Contested => add(&mut self.contested),
            Column::Estimate => add(&mut self.estimate),
            Column::InTransit => add(&mut self.in_transit),
            Column::Bank => add(&mut self.bank),
            Column::Transferred => add(&mut self.transferred),
            Column::ResourceLimit | Column::Target => {}
        }
    }
}

/// An open hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    pub(crate) account: u32,
    pub(crate) expires: Day,
    pub(crate) remaining: Pence,
    pub(crate) placed_by: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WindowId {
    pub(crate) payer: u32,
    pub(crate) payee: u32,
    pub(crate) key: WindowKey,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) id: WindowId,
    pub(crate) seq: u32,
    pub(crate) sealed: bool,
    pub(crate) total: NetPence,
    pub(crate) paid: NetPence,
}

/// The ledger's working state.
///
/// Hash maps are for look-up only; whatever is listed stands in a vector or a tree, so that two replays agree in order.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) accounts: Vec<Account>,
    pub(crate) by_number: HashMap<AccountNumber, u32>,
    pub(crate) by_path: BTreeMap<Arc<str>, u32>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) node_by_path: HashMap<Arc<str>, u32>,
    pub(crate) lines: Vec<Line>,
    pub(crate) line_by_path: BTreeMap<Arc<str>, u32>,
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) name_by_text: HashMap<Arc<str>, u32>,
    pub(crate) limits: Vec<(u32, Option<Limit>)>,
    pub(crate) windows: Vec<Window>,
    pub(crate) window_by_id: HashMap<WindowId, u32>,
    /// The run in force of each payer and payee; 1 where none is noted.
    pub(crate) runs: HashMap<(u32, u32), u32>,
    pub(crate) holds: HashMap<RequestId, Hold>,
    pub(crate) expiries: BTreeSet<(Day, RequestId)>,
    pub(crate) reversed: HashMap<Item, Item>,
    /// The entries that correct an entry.
    pub(crate) corrected: HashMap<Item, SmallVec<[Item; 1]>>,
    /// Entries that are reversed by themselves, with the reversal.
    pub(crate) due: BTreeMap<Item, Due>,
    /// The lines whose fund is shut.
    pub(crate) shut_lines: BTreeSet<u32>,
    /// The months that are not open.
    pub(crate) periods: BTreeMap<Period, Shut>,
    /// What waits for another person, by the record that proposed it.
    pub(crate) proposals: BTreeMap<Position, Waiting>,
    pub(crate) sums: Totals,
}

/// A row index of a table; tables stay far below `u32::MAX` rows, as each row costs a record.
fn row_count<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(NONE)
}

pub(crate) fn row<T>(rows: &[T], index: u32) -> Option<&T> {
    rows.get(usize::try_from(index).ok()?)
}

fn row_mut<T>(rows: &mut [T], index: u32) -> Option<&mut T> {
    rows.get_mut(usize::try_from(index).ok()?)
}

impl State {
    pub(crate) fn account_row(&self, number: AccountNumber) -> Option<(u32, &Account)> {
        let index = *self.by_number.get(&number)?;
        row(&self.accounts, index).map(|account| (index, account))
    }

    pub(crate) fn window(&self, id: WindowId) -> Option<&Window> {
        row(&self.windows, *self.window_by_id.get(&id)?)
    }

    pub(crate) fn run_in_force(&self, payer: u32, payee: u32) -> u32 {
        self.runs.get(&(payer, payee)).copied().unwrap_or(1)
    }

    pub(crate) fn name(&self, index: u32) -> &str {
        row(&self.names, index).map_or("", |name| name)
    }

    pub(crate) fn limit_of(&self, node: &Node) -> Option<&Limit> {
        row(&self.limits, node.limit).and_then(|(_, limit)| limit.as_ref())
    }

    /// The nodes from that of `node` up to the root of its section.
    pub(crate) fn ancestry(&self, node: u32) -> impl Iterator<Item = (u32, &Node)> {
        let mut next = node;
        core::iter::from_fn(move || {
            let index = next;
            let found = row(&self.nodes, index)?;
            next = found.parent;
            Some((index, found))
        })
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(index) = self.name_by_text.get(text) {
            return *index;
        }
        let (index, name) = (row_count(&self.names), Arc::<str>::from(text));
        self.names.push(Arc::clone(&name));
        self.name_by_text.insert(name, index);
        index
    }

    /// The node of `path`, made with those above it when it is new.
    fn node(&mut self, path: &str) -> u32 {
        let mut parent = NONE;
        for prefix in path::prefixes(path) {
            parent = match self.node_by_path.get(prefix) {
                Some(index) => *index,
                None => {
                    let (index, path) = (row_count(&self.nodes), Arc::<str>::from(prefix));
                    let side = path::normal_side_of_node(prefix);
                    let node = Node {
                        path: Arc::clone(&path),
                        totals: Totals::default(),
                        parent,
                        limit: NONE,
                        side,
                    };
                    self.nodes.push(node);
                    self.node_by_path.insert(path, index);
                    index
                }
            };
        }
        parent
    }

    fn line(&mut self, path: &str) -> u32 {
        if let Some(index) = self.line_by_path.get(path) {
            return *index;
        }
        let (index, path) = (row_count(&self.lines), Arc::<str>::from(path));
        self.lines.push(Line { path: Arc::clone(&path), ..Line::default() });
        self.line_by_path.insert(path, index);
        index
    }

    pub(crate) fn open(&mut self, number: AccountNumber, path: &AccountPath) {
        let index = row_count(&self.accounts);
        let name = |state: &mut Self, text: Option<&str>| text.map_or(NONE, |text| state.intern(text));
        let shut = path.column().is_fund() && path.line().is_some_and(|line| self.is_fund_shut(line));
        let purse = path.payer().zip(path.financial_year()).map(|(payer, year)| format!("{payer}/{year}"));
        let account = Account {
            number,
            node: self.node(path.as_str()),
            line: path.line().map_or(NONE, |line| self.line(line)),
            purse: name(self, purse.as_deref()),
            payer: name(self, path.payer()),
            payee: name(self, path.payee()),
            column: path.column(),
            standing: if shut { Standing::Shut } else { Standing::Open },
        };
        self.accounts.push(account);
        self.by_number.insert(number, index);
        self.by_path.insert(path.text(), index);
    }

    pub(crate) fn set_standing(&mut self, number: AccountNumber, standing: Standing) {
        if let Some(account) = self.by_number.get(&number).and_then(|at| row_mut(&mut self.accounts, *at)) {
            account.standing = standing;
        }
    }

    pub(crate) fn post(&mut self, number: AccountNumber, side: Side, pence: Pence) -> Option<(u32, u32)> {
        let account = row(&self.accounts, *self.by_number.get(&number)?)?;
        self.sums.post(side, pence);
        let mut next = account.node;
        while let Some(node) = row_mut(&mut self.nodes, next) {
            node.totals.post(side, pence);
            next = node.parent;
        }
        if let Some(line) = row_mut(&mut self.lines, account.line) {
            line.post(account.column, side, pence);
        }
        Some((account.payer, account.payee))
    }

    /// Adds to the placed or ended holds of an account and of all above it.
    fn hold_totals(&mut self, account: u32, change: impl Fn(&mut Totals), line_change: impl Fn(&mut Line)) {
        let Some(account) = row(&self.accounts, account) else { return };
        change(&mut self.sums);
        let mut next = account.node;
        while let Some(node) = row_mut(&mut self.nodes, next) {
            change(&mut node.totals);
            next = node.parent;
        }
        if let Some(line) = row_mut(&mut self.lines, account.line) {
            line_change(line);
        }
    }

    pub(crate) fn place_hold(
        &mut self,
        name: RequestId,
        number: AccountNumber,
        pence: Pence,
        expires: Day,
        at: Position,
    ) {
        let Some(account) = self.by_number.get(&number).copied() else { return };
        self.holds.insert(name, Hold { account, expires, remaining: pence, placed_by: at });
        self.expiries.insert((expires, name));
        self.hold_totals(
            account,
            |totals| totals.holds_placed = totals.holds_placed.plus(pence),
            |line| line.held = line.held.plus(pence),
        );
    }

    /// Lowers a hold by `pence`, and forgets it when nothing remains or when `ends`.
    pub(crate) fn lower_hold(&mut self, name: RequestId, pence: Pence) {
        let Some(hold) = self.holds.get_mut(&name) else { return };
        let (account, expires) = (hold.account, hold.expires);
        hold.remaining = hold.remaining.checked_sub(pence).unwrap_or_default();
        if hold.remaining.is_zero() {
            self.holds.remove(&name);
            self.expiries.remove(&(expires, name));
        }
        self.hold_totals(
            account,
            |totals| totals.holds_ended = totals.holds_ended.plus(pence),
            |line| line.held = line.held.minus(pence),
        );
    }

    /// The window of that id, made when it is new.
    pub(crate) fn window_mut(&mut self, id: WindowId) -> Option<&mut Window> {
        let index = match self.window_by_id.get(&id) {
            Some(index) => *index,
            None => {
                let index = row_count(&self.windows);
                let window =
                    Window { id, seq: 0, sealed: false, total: NetPence::ZERO, paid: NetPence::ZERO };
                self.windows.push(window);
                self.window_by_id.insert(id, index);
                index
            }
        };
        row_mut(&mut self.windows, index)
    }

    pub(crate) fn seal(&mut self, payer: &str, payee: &str, key: WindowKey) {
        let (payer, payee) = (self.intern(payer), self.intern(payee));
        if let Some(window) = self.window_mut(WindowId { payer, payee, key }) {
            window.sealed = true;
        }
        if let WindowKey::Run { number } = key
            && number == self.run_in_force(payer, payee)
        {
            self.runs.insert((payer, payee), number.saturating_add(1));
        }
    }

    pub(crate) fn set_limit(&mut self, path: &str, limit: Option<Limit>) {
        let node = self.node(path);
        let next = row_count(&self.limits);
        let Some(row) = row_mut(&mut self.nodes, node) else { return };
        if row.limit == NONE {
            row.limit = next;
            self.limits.push((node, limit));
        } else if let Some(slot) = row_mut(&mut self.limits, row.limit) {
            slot.1 = limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_stated_sizes() {
        let sizes = [
            size_of::<Account>(),
            size_of::<Node>(),
            size_of::<Line>(),
            size_of::<Hold>(),
            size_of::<Window>(),
            size_of::<(Item, Item)>(),
        ];
        assert_eq!(sizes, [32, 96, 176, 24, 40, 32]);
    }
}
