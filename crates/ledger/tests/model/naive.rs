//! The naive ledger.

use super::{HOLDS, request_id};
use journal::{Day, Item, Position};
use ledger::{AccountPath, Column, HoldAction, Leg, NodePath, Posting, Severity, WindowKey, WindowUse};
use money::{Pence, Side};
use nhs::Period;

/// The naive ledger. Everything it knows is a list, and every question a sum over lists.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) accounts: Vec<(Position, AccountPath)>,
    pub(crate) closed: Vec<Position>,
    /// Account and credit less debit.
    pub(crate) legs: Vec<(Position, i128)>,
    /// Hold, account, change, expiry.
    pub(crate) holds: Vec<(&'static str, Position, i128, Day)>,
    /// Payee, window, change; payer is always 10M.
    pub(crate) steps: Vec<(String, WindowKey, i128)>,
    pub(crate) paid: Vec<(String, WindowKey, i128)>,
    pub(crate) sealed: Vec<(String, WindowKey)>,
    pub(crate) limits: Vec<(String, Severity, Option<i64>, Option<i64>)>,
    pub(crate) reversed: Vec<Item>,
    /// Months that are not open, and whether they are only soft-closed.
    pub(crate) shut: Vec<(Period, bool)>,
}

pub(crate) type Answer<T> = Result<T, &'static str>;

impl Model {
    pub(crate) fn path(&self, account: Position) -> Answer<&AccountPath> {
        self.accounts.iter().find(|(number, _)| *number == account).map(|(_, p)| p).ok_or("ACCOUNT_UNKNOWN")
    }

    pub(crate) fn below(&self, node: &str) -> Vec<Position> {
        let inside = |p: &str| p == node || p.strip_prefix(node).is_some_and(|rest| rest.starts_with('/'));
        self.accounts.iter().filter(|(_, p)| inside(p.as_str())).map(|(number, _)| *number).collect()
    }

    pub(crate) fn credit(&self, node: &str) -> i128 {
        let below = self.below(node);
        self.legs.iter().filter(|(account, _)| below.contains(account)).map(|(_, net)| net).sum()
    }

    pub(crate) fn held(&self, node: &str) -> i128 {
        let below = self.below(node);
        self.holds
            .iter()
            .filter(|(_, account, ..)| below.contains(account))
            .map(|(_, _, change, _)| change)
            .sum()
    }

    pub(crate) fn remaining(&self, hold: &str) -> i128 {
        self.holds.iter().filter(|(name, ..)| *name == hold).map(|(_, _, change, _)| change).sum()
    }

    pub(crate) fn measure(&self, node: &str) -> i128 {
        let available = self.credit(node) - self.held(node);
        let side = node.parse::<NodePath>().unwrap().normal_side();
        if side == Side::Credit { available } else { -available }
    }

    pub(crate) fn total(list: &[(String, WindowKey, i128)], payee: &str, key: WindowKey) -> i128 {
        list.iter().filter(|(p, k, _)| p == payee && *k == key).map(|(_, _, change)| change).sum()
    }

    pub(crate) fn run(&self, payee: &str) -> u32 {
        let sealed = |number| self.sealed.contains(&(payee.to_owned(), WindowKey::Run { number }));
        (1..).find(|number| !sealed(*number)).unwrap()
    }

    pub(crate) fn open(&self, account: Position) -> Answer<&AccountPath> {
        let path = self.path(account)?;
        if self.closed.contains(&account) { Err("ACCOUNT_CLOSED") } else { Ok(path) }
    }

    pub(crate) fn check(&self, posting: &Posting) -> Answer<()> {
        let zero = posting.legs.iter().any(|leg| leg.pence.is_zero())
            || posting.holds.iter().any(|h| matches!(h, HoldAction::Place { pence, .. } if pence.is_zero()));
        if zero {
            return Err("AMOUNT_ZERO");
        }
        for leg in &posting.legs {
            self.open(leg.account)?;
        }
        for hold in &posting.holds {
            if let HoldAction::Place { account, .. } = hold {
                self.open(*account)?;
            }
        }
        for leg in &posting.legs {
            match (self.path(leg.account)?.column() == Column::Payable, leg.window) {
                (true, None) => return Err("WINDOW_MISSING"),
                (false, Some(_)) => return Err("WINDOW_NOT_ALLOWED"),
                _ => {}
            }
        }
        let touched: Vec<(&AccountPath, i128)> =
            posting.legs.iter().map(|leg| (self.path(leg.account).unwrap(), signed(leg))).collect();
        let sum = |part: &dyn Fn(&AccountPath) -> bool| -> i128 {
            touched.iter().filter(|(p, _)| part(p)).map(|(_, net)| net).sum()
        };
        let limited = |p: &AccountPath| {
            touched.iter().any(|(q, _)| {
                q.column() == Column::ResourceLimit
                    && (q.payer(), q.financial_year()) == (p.payer(), p.financial_year())
            })
        };
        for (p, _) in &touched {
            let balances = match p.column() {
                Column::Target => sum(&|q| q.column() == Column::Target) == 0,
                Column::ResourceLimit | Column::Allocation if limited(p) => {
                    let same =
                        |q: &AccountPath| (q.payer(), q.financial_year()) == (p.payer(), p.financial_year());
                    let either =
                        |q: &AccountPath| matches!(q.column(), Column::ResourceLimit | Column::Allocation);
                    sum(&|q| same(q) && either(q)) == 0
                }
                Column::Allocation => sum(&|q| q.line() == p.line() && q.column() == Column::Allocation) == 0,
                _ => sum(&|q| q.line() == p.line() && q.column() != Column::Allocation) == 0,
            };
            if !balances {
                return Err("UNBALANCED");
            }
        }
        Ok(())
    }

    pub(crate) fn post(&mut self, posting: &Posting) -> Answer<()> {
        self.check(posting)?;
        for action in &posting.holds {
            match *action {
                HoldAction::Place { account, pence, expires, name } => {
                    let name = HOLDS.into_iter().find(|h| Some(request_id(h)) == name).unwrap();
                    if !self.path(account)?.column().is_fund() {
                        return Err("HOLD_NOT_ON_FUND");
                    }
                    if self.remaining(name) != 0 {
                        return Err("HOLD_EXISTS");
                    }
                    self.holds.push((name, account, pence.get().into(), expires));
                }
                HoldAction::Capture { hold, pence } => self.lower(hold, pence),
                HoldAction::Release { hold } => self.lower(hold, None),
            }
        }
        for leg in &posting.legs {
            let payee = self.path(leg.account)?.payee().unwrap_or_default().to_owned();
            match leg.window {
                None => {}
                Some(WindowUse::Pays(key)) => {
                    if !self.sealed.contains(&(payee.clone(), key)) {
                        return Err("WINDOW_NOT_SEALED");
                    }
                    self.paid.push((payee.clone(), key, -signed(leg)));
                    let (paid, total) =
                        (Self::total(&self.paid, &payee, key), Self::total(&self.steps, &payee, key));
                    if !(total.min(0)..=total.max(0)).contains(&paid) {
                        return Err("WINDOW_OVERPAID");
                    }
                }
                Some(WindowUse::Adds(key)) => {
                    let run = WindowKey::Run { number: self.run(&payee) };
                    let past =
                        matches!(key, WindowKey::Run { .. }) || self.sealed.contains(&(payee.clone(), key));
                    self.steps.push((payee, if past { run } else { key }, signed(leg)));
                }
            }
            self.legs.push((leg.account, signed(leg)));
        }
        Ok(())
    }

    pub(crate) fn lower(&mut self, hold: journal::RequestId, pence: Option<Pence>) {
        let name = HOLDS.into_iter().find(|h| request_id(h) == hold).unwrap();
        let left = self.remaining(name);
        if let Some((_, account, _, expires)) = self.holds.iter().rfind(|(n, ..)| *n == name).copied() {
            let by = pence.map_or(left, |pence| left.min(pence.get().into()));
            self.holds.push((name, account, -by, expires));
        }
    }

    /// All postings or none.
    pub(crate) fn post_all(&mut self, postings: &[Posting]) -> Answer<()> {
        if postings.iter().any(|p| p.legs.is_empty() && p.holds.is_empty()) {
            return Err("EMPTY");
        }
        let mut after = self.clone();
        for posting in postings {
            after.post(posting)?;
        }
        let binding = postings.iter().any(|p| !p.kind.is_report());
        for (node, severity, floor, ceiling) in &self.limits {
            let (was, is) = (self.measure(node), after.measure(node));
            let low = floor.is_some_and(|floor| is < i128::from(floor) && is < was);
            let high = ceiling.is_some_and(|ceiling| is > i128::from(ceiling) && is > was);
            if binding && *severity == Severity::Hard && (low || high) {
                return Err("LIMIT_EXCEEDED");
            }
        }
        *self = after;
        Ok(())
    }

    /// Where a posting is accounted for, and the month that it belongs to when that takes no more.
    pub(crate) fn accounting(&self, today: Day, posting: &Posting, two: bool) -> (Day, Option<Period>) {
        let month = |day: Day| Period::of(day.date()).unwrap();
        let shut = |day| self.shut.iter().any(|(period, soft)| *period == month(day) && !(two && *soft));
        let proposed = posting.accounting_date.filter(|day| *day <= today);
        let belongs = [proposed, Some(posting.effective_date)].into_iter().flatten();
        let origin = belongs.into_iter().find(|day| shut(*day)).map(month);
        let day = match proposed {
            Some(day) if !shut(day) => day,
            _ => (0..).map(|days| today.plus(days)).find(|day| !shut(*day)).unwrap(),
        };
        (day, origin)
    }

    pub(crate) fn expire(&mut self, day: Day) {
        for name in HOLDS {
            let left = self.remaining(name);
            let last = self.holds.iter().rfind(|(n, _, change, _)| *n == name && *change > 0).copied();
            if let Some((_, account, _, expires)) = last
                && left > 0
                && expires <= day
            {
                self.holds.push((name, account, -left, expires));
            }
        }
    }
}

pub(crate) fn signed(leg: &Leg) -> i128 {
    let pence = i128::from(leg.pence.get());
    if leg.side == Side::Credit { pence } else { -pence }
}
