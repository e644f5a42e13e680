//! Year end: a line's `fund` room shuts, while `owed` and `out` stay open until what is owed is paid.
//!
//! ```text
//! ShutFund      legs and holds that name the shut fund land on the same accounts of the year after:
//!               asked  old: D fund/expenditure/x 70        C owed/payable/p 70
//!               made   old: D out/transferred 70           C owed/payable/p 70
//!                      new: D fund/expenditure/x 70        C out/transferred 70
//! RollForward   debit balances   old: D out/transferred  C the account;   new: D the account       C out/transferred
//!               unspent plans    old: D plan/allocation  C resource-limit; new: D resource-limit   C plan/allocation
//!               open holds       released on the old account, placed on the new one under the same name
//! ```
//! What a line has not spent otherwise stays where it is and lapses. So reports about the old year are never refused, and each
//! line balances by itself throughout.

use crate::{
    AccountPath, Column, EntryKind, HoldAction, Leg, Made, NodePath, Posted, Posting, Refusal, State,
    draft::{self, Terms},
    path,
    state::{Account, Standing, row},
};
use core::ops::Bound;
use journal::{AccountNumber, Day, Moment, RequestId};
use minicbor::{Decode, Encode};
use money::{Pence, Side};
use nhs::FinancialYear;

/// The most accounts that one roll-forward names: four legs each.
pub const ROLL_ACCOUNTS_MAX: usize = 16;

/// The most holds that one roll-forward names: two actions each.
pub const ROLL_HOLDS_MAX: usize = 128;

/// Shuts a line's fund room.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ShutFund {
    /// The line: `<ccg>/<programme>/<financial year>`. Its year is over.
    #[n(0)]
    pub line: NodePath,
    /// Why.
    #[n(1)]
    pub reason: String,
}

/// Moves what a shut fund still holds to the year after. How much is decided when it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RollForward {
    /// The line.
    #[n(0)]
    pub line: NodePath,
    /// Accounts of its fund, at most [`ROLL_ACCOUNTS_MAX`].
    #[n(1)]
    pub accounts: Vec<AccountNumber>,
    /// Holds on its fund, at most [`ROLL_HOLDS_MAX`].
    #[n(2)]
    pub holds: Vec<RequestId>,
}

impl RollForward {
    /// The entry that it makes, but for its legs and holds.
    pub(crate) fn posting(&self) -> Posting {
        let next = year_of(self.line.as_str()).and_then(FinancialYear::next);
        let day = next.map_or(Day::new(0), |year| Day::from(year.first_day()));
        Posting::new(EntryKind::YearEnd, day, Vec::new())
    }
}

/// The financial year of a line, or of an account below it.
fn year_of(path: &str) -> Option<FinancialYear> {
    path.split('/').nth(2)?.parse().ok()
}

impl State {
    /// Whether the fund room of that line is shut.
    #[must_use]
    pub fn is_fund_shut(&self, line: &str) -> bool {
        self.line_by_path.get(line).is_some_and(|line| self.shut_lines.contains(line))
    }

    /// The paths that must stand before the fund of `line` can be shut: the same accounts of the year after,
    /// `out/transferred` of both, and for plans the resource limits of both.
    #[must_use]
    pub fn year_end_paths(&self, line: &str) -> Vec<String> {
        let mut paths = Vec::new();
        for account in self.fund_of(line) {
            paths.extend(path::next_year(self.path_of(account)));
            if account.column == Column::Allocation && line.split('/').nth(1) == Some("phb") {
                let mut segments = line.split('/');
                if let (Some(payer), Some(year)) = (segments.next(), segments.nth(1)) {
                    let limit = format!("resource-limit/{payer}/{year}");
                    paths.extend(path::next_year(&limit));
                    paths.push(limit);
                }
            }
        }
        let transferred = format!("{line}/out/transferred");
        paths.extend(path::next_year(&transferred));
        paths.push(transferred);
        paths.sort();
        paths.dedup();
        paths
    }

    /// The accounts of a line's shut fund that a roll-forward would move something of.
    #[must_use]
    pub fn to_roll_forward(&self, line: &str) -> Vec<AccountNumber> {
        self.fund_of(line).filter(|account| self.left(account) != 0).map(|account| account.number).collect()
    }

    /// Whether a hold stands on a shut fund of `line`.
    #[must_use]
    pub fn holds_on_shut_fund(&self, hold: RequestId, line: &str) -> bool {
        self.holds.get(&hold).and_then(|hold| row(&self.accounts, hold.account)).is_some_and(|account| {
            account.standing == Standing::Shut && self.line_by_path.get(line) == Some(&account.line)
        })
    }

    /// The accounts of a line's fund that are not closed, in the order of their paths.
    fn fund_of<'a>(&'a self, line: &'a str) -> impl Iterator<Item = &'a Account> {
        let fund = format!("{line}/fund/");
        let accounts = self.by_path.range::<str, _>((Bound::Included(fund.as_str()), Bound::Unbounded));
        let mut within = Vec::new();
        for (path, index) in accounts.take_while(|(path, _)| path.starts_with(&fund)) {
            debug_assert!(path.starts_with(line));
            within.extend(row(&self.accounts, *index));
        }
        within.into_iter().filter(|account| account.standing != Standing::Closed)
    }

    /// What a roll-forward moves of an account: its balance on the debit side, or a plan's unspent allocation.
    fn left(&self, account: &Account) -> i128 {
        let totals = row(&self.nodes, account.node).map(|node| node.totals).unwrap_or_default();
        match account.column {
            Column::Prepayment | Column::Advance | Column::Recoverable => totals.balance(Side::Debit).get(),
            Column::Allocation => {
                let path = self.path_of(account);
                let Some(plan) = path.strip_suffix("/allocation").filter(|plan| plan.contains("/fund/plan/"))
                else {
                    return 0;
                };
                let spent = self.node_at(&format!("{plan}/expenditure"));
                let spent = spent.map_or(0, |node| node.totals.balance(Side::Debit).get());
                totals.balance(Side::Credit).get().saturating_sub(spent).max(0)
            }
            Column::Expenditure(_)
            | Column::Payable
            | Column::Contested
            | Column::Estimate
            | Column::InTransit
            | Column::Bank
            | Column::Transferred
            | Column::ResourceLimit
            | Column::Target => 0,
        }
    }

    /// The account that takes over from one of a shut fund: the same of the first year whose fund is not shut.
    pub(crate) fn successor(&self, account: &Account) -> Result<&Account, Refusal> {
        let mut path = self.path_of(account).to_owned();
        loop {
            let shut = || Refusal::FundShut { account: Some(account.number) };
            path = path::next_year(&path).ok_or_else(shut)?;
            let next =
                self.by_path.get(path.as_str()).and_then(|at| row(&self.accounts, *at)).ok_or_else(shut)?;
            match next.standing {
                Standing::Open => return Ok(next),
                Standing::Closed => return Err(Refusal::AccountClosed { account: next.number }),
                Standing::Shut => {}
            }
        }
    }

    /// The number of the account `out/transferred` of the line of `account`.
    fn transferred(&self, account: &Account) -> Result<AccountNumber, Refusal> {
        let line = row(&self.lines, account.line).map_or("", |line| &line.path);
        let found = self.account_at(&format!("{line}/out/transferred"));
        found.map(|found| found.number).ok_or(Refusal::FundShut { account: Some(account.number) })
    }

    /// Whether an account may be opened there: a shut fund takes none that the year after does not have.
    pub(crate) fn may_open(&self, path: &AccountPath) -> bool {
        let shut = path.column().is_fund() && path.line().is_some_and(|line| self.is_fund_shut(line));
        !shut || path::next_year(path.as_str()).is_some_and(|next| self.by_path.contains_key(next.as_str()))
    }

    /// Whether what names a shut fund may need the account.
    pub(crate) fn takes_over(&self, account: &Account) -> bool {
        let path = self.path_of(account);
        let before = path::previous_year(path);
        if account.column == Column::Transferred {
            let line = |path: &str| {
                path.strip_suffix("/out/transferred").is_some_and(|line| self.is_fund_shut(line))
            };
            line(path) || before.as_deref().is_some_and(line)
        } else {
            let before = before.and_then(|path| self.by_path.get(path.as_str()).copied());
            let before = before.and_then(|before| row(&self.accounts, before));
            before.is_some_and(|before| before.standing == Standing::Shut)
        }
    }

    pub(crate) fn shut_fund(&mut self, line: &str) {
        let shut: Vec<AccountNumber> = self.fund_of(line).map(|account| account.number).collect();
        for number in shut {
            self.set_standing(number, Standing::Shut);
        }
        if let Some(line) = self.line_by_path.get(line) {
            self.shut_lines.insert(*line);
        }
    }
}

pub(crate) fn decide_shut(state: &State, at: &Moment, shut: &ShutFund) -> Result<(), Refusal> {
    let line = shut.line.as_str();
    let year = state.line_by_path.get(line).and_then(|_| year_of(line)).ok_or(Refusal::LineUnknown)?;
    if state.is_fund_shut(line) {
        return Err(Refusal::FundShut { account: None });
    }
    if at.business_date.date() <= year.last_day() {
        return Err(Refusal::YearNotOver);
    }
    let stands = |path: &String| state.account_at(path).is_some_and(|account| !account.closed);
    let missing = state.fund_of(line).find(|account| {
        let next = path::next_year(state.path_of(account));
        !next.as_ref().is_some_and(stands)
    });
    if let Some(account) = missing {
        return Err(Refusal::SuccessorMissing { account: Some(account.number) });
    }
    if state.year_end_paths(line).iter().all(stands) {
        Ok(())
    } else {
        Err(Refusal::SuccessorMissing { account: None })
    }
}

pub(crate) fn decide_roll(state: &State, at: &Moment, roll: &RollForward) -> Result<Vec<Posted>, Refusal> {
    if roll.accounts.len() > ROLL_ACCOUNTS_MAX || roll.holds.len() > ROLL_HOLDS_MAX {
        return Err(Refusal::TooLarge);
    }
    let line = state.line_by_path.get(roll.line.as_str()).ok_or(Refusal::LineUnknown)?;
    if !state.shut_lines.contains(line) {
        return Err(Refusal::FundOpen);
    }
    let mut posting = roll.posting();
    for (index, number) in roll.accounts.iter().enumerate() {
        let (_, account) = state.account_row(*number).ok_or(Refusal::AccountUnknown { account: *number })?;
        let again = roll.accounts.iter().take(index).any(|before| before == number);
        if account.standing == Standing::Shut && account.line == *line && !again {
            posting.legs.extend(moved_legs(state, account)?.into_iter().flatten());
        }
    }
    for (index, name) in roll.holds.iter().enumerate() {
        let again = roll.holds.iter().take(index).any(|before| before == name);
        let Some(hold) = state.holds.get(name) else { continue };
        let Some(account) = row(&state.accounts, hold.account) else { continue };
        if account.standing == Standing::Shut && account.line == *line && !again {
            let next = state.successor(account)?;
            posting.holds.push(HoldAction::Release { hold: *name });
            posting.holds.push(HoldAction::Place {
                account: next.number,
                pence: hold.remaining,
                expires: hold.expires,
                name: Some(*name),
            });
        }
    }
    let terms = Terms { unbound: true, rolls_forward: true, ..Terms::default() };
    let mut posted = draft::decide(state, at, core::slice::from_ref(&posting), terms)?;
    let Posting { legs, holds, .. } = posting;
    for posted in &mut posted {
        posted.made = Some(Box::new(Made { legs: legs.clone(), holds: holds.clone() }));
    }
    Ok(posted)
}

/// The legs that move what is left of an account to the year after, if anything is.
fn moved_legs(state: &State, account: &Account) -> Result<Option<[Leg; 4]>, Refusal> {
    let left = state.left(account);
    if left == 0 {
        return Ok(None);
    }
    let pence = i64::try_from(left.unsigned_abs()).ok().and_then(Pence::new).ok_or(Refusal::TotalTooLarge)?;
    let next = state.successor(account)?;
    let (from, to) = if account.column == Column::Allocation {
        let limit = |of: &Account| {
            let path = state.name(of.purse);
            let limit = state.account_at(&format!("resource-limit/{path}"));
            limit.map(|limit| limit.number).ok_or(Refusal::FundShut { account: Some(account.number) })
        };
        (limit(account)?, limit(next)?)
    } else {
        (state.transferred(account)?, state.transferred(next)?)
    };
    let leg = |account, side| Leg { account, side, pence, window: None };
    // A debit balance leaves by a credit; an allocation, or a balance on the other side, by a debit.
    let out = if left > 0 && account.column != Column::Allocation { Side::Credit } else { Side::Debit };
    let back = out.opposite();
    Ok(Some([leg(account.number, out), leg(from, back), leg(next.number, back), leg(to, out)]))
}

/// What a posting that names shut funds becomes. Its legs balance as asked.
pub(crate) fn moved(state: &State, posting: &Posting, accounts: &[&Account]) -> Result<Made, Refusal> {
    let (mut legs, mut holds) = (posting.legs.clone(), posting.holds.clone());
    // `out/transferred` of the old line and the new, and debits less credits that moved between them.
    let mut moved: Vec<(AccountNumber, AccountNumber, i128)> = Vec::new();
    for (leg, account) in legs.iter_mut().zip(accounts) {
        if account.standing != Standing::Shut {
            continue;
        }
        if account.column == Column::Allocation {
            return Err(Refusal::FundShut { account: Some(account.number) });
        }
        let next = state.successor(account)?;
        let (from, to) = (state.transferred(account)?, state.transferred(next)?);
        leg.account = next.number;
        let amount = i128::from(leg.pence.get());
        let net = if leg.side == Side::Debit { amount } else { amount.saturating_neg() };
        match moved.iter_mut().find(|(old, new, _)| (*old, *new) == (from, to)) {
            Some((.., sum)) => *sum = sum.saturating_add(net),
            None => moved.push((from, to, net)),
        }
    }
    for (from, to, net) in moved {
        if net == 0 {
            continue;
        }
        let pence =
            i64::try_from(net.unsigned_abs()).ok().and_then(Pence::new).ok_or(Refusal::TotalTooLarge)?;
        let side = if net > 0 { Side::Debit } else { Side::Credit };
        legs.push(Leg { account: from, side, pence, window: None });
        legs.push(Leg { account: to, side: side.opposite(), pence, window: None });
    }
    for hold in &mut holds {
        if let HoldAction::Place { account, .. } = hold
            && let Some((_, of)) = state.account_row(*account)
            && of.standing == Standing::Shut
        {
            *account = state.successor(of)?.number;
        }
    }
    Ok(Made { legs, holds })
}
