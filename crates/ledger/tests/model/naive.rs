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
    /// Lines whose fund is shut.
    pub(crate) shut_lines: Vec<String>,
    /// Entries that reverse themselves, when, and on which accounts.
    pub(crate) due: Vec<(Item, Period, Vec<Position>)>,
    /// Of the last postings made: the accounts that each touched, with balance and holds, where that was asked.
    pub(crate) answers: Vec<Option<Vec<(Position, i128, i128)>>>,
    /// The account that each hold stood on before the last postings, or was placed on by them.
    stood: Vec<(&'static str, Option<Position>)>,
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

    fn stands_on(&self, hold: &str) -> Option<Position> {
        let last = self.holds.iter().rfind(|(name, ..)| *name == hold)?;
        (self.remaining(hold) > 0).then_some(last.1)
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
        let later = |period: Period| period.first_day() > posting.effective_date.date();
        if posting.reverses_in.is_some_and(|period| posting.legs.is_empty() || !later(period)) {
            return Err("REVERSAL_NOT_LATER");
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

    fn on_shut_fund(&self, path: &AccountPath) -> bool {
        path.column().is_fund()
            && path.line().is_some_and(|line| self.shut_lines.iter().any(|shut| shut == line))
    }

    pub(crate) fn at(&self, path: &str) -> Option<Position> {
        self.accounts.iter().find(|(_, p)| p.as_str() == path).map(|(number, _)| *number)
    }

    fn next_year(path: &str) -> String {
        path.replace("2018-19", "2019-20").replace("2017-18", "2018-19")
    }

    /// The posting with what names a shut fund moved to the year after.
    fn landed(&self, posting: &Posting) -> Answer<Posting> {
        let mut made = posting.clone();
        let mut moved: Vec<(String, i128)> = Vec::new();
        for leg in &mut made.legs {
            let path = self.path(leg.account)?;
            if !self.on_shut_fund(path) {
                continue;
            }
            if path.column() == Column::Allocation {
                return Err("FUND_SHUT");
            }
            moved.push((path.line().unwrap().to_owned(), signed(leg)));
            leg.account = self.at(&Self::next_year(path.as_str())).unwrap();
        }
        for line in &self.shut_lines {
            let net: i128 = moved.iter().filter(|(of, _)| of == line).map(|(_, net)| net).sum();
            if net == 0 {
                continue;
            }
            let pence = Pence::new(i64::try_from(net.abs()).unwrap()).unwrap();
            let old = self.at(&format!("{line}/out/transferred")).unwrap();
            let new = self.at(&Self::next_year(&format!("{line}/out/transferred"))).unwrap();
            let (here, there) =
                if net > 0 { (Side::Credit, Side::Debit) } else { (Side::Debit, Side::Credit) };
            made.legs.push(Leg { account: old, side: here, pence, window: None });
            made.legs.push(Leg { account: new, side: there, pence, window: None });
        }
        for hold in &mut made.holds {
            if let HoldAction::Place { account, .. } = hold
                && self.on_shut_fund(self.path(*account)?)
            {
                *account = self.at(&Self::next_year(self.path(*account)?.as_str())).unwrap();
            }
        }
        Ok(made)
    }

    /// Balance on the normal side and holds of every account of a posting, each once, in the order of legs and holds.
    fn balances(&self, posting: &Posting) -> Vec<(Position, i128, i128)> {
        let mut found: Vec<(Position, i128, i128)> = Vec::new();
        let held = posting.holds.iter().filter_map(|action| match *action {
            HoldAction::Place { account, .. } => Some(account),
            HoldAction::Capture { hold, .. } | HoldAction::Release { hold } => {
                let name = HOLDS.into_iter().find(|h| request_id(h) == hold).unwrap();
                self.stood.iter().rfind(|(n, _)| *n == name).and_then(|(_, account)| *account)
            }
        });
        for number in posting.legs.iter().map(|leg| leg.account).chain(held) {
            if found.iter().all(|(account, ..)| *account != number) {
                let path = self.path(number).unwrap();
                let credit = self.credit(path.as_str());
                let normal = if path.column().normal_side() == Side::Credit { credit } else { -credit };
                found.push((number, normal, self.held(path.as_str())));
            }
        }
        found
    }

    pub(crate) fn post(&mut self, posting: &Posting) -> Answer<()> {
        self.check(posting)?;
        let posting = &self.landed(posting)?;
        self.made(posting)?;
        let answer = posting.answer.map(|_| self.balances(posting));
        self.answers.push(answer);
        Ok(())
    }

    fn made(&mut self, posting: &Posting) -> Answer<()> {
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
                    self.stood.push((name, Some(account)));
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

    /// All postings or none: of none the index and reason of each at fault, or nothing when a limit binds all together.
    pub(crate) fn post_each(&mut self, postings: &[Posting]) -> Result<(), Option<Vec<(u16, &'static str)>>> {
        let mut after = self.clone();
        after.stood = HOLDS.map(|name| (name, self.stands_on(name))).to_vec();
        let mut refused = Vec::new();
        for (index, posting) in (0..).zip(postings) {
            let mut next = after.clone();
            let empty = posting.legs.is_empty() && posting.holds.is_empty();
            match if empty { Err("EMPTY") } else { next.post(posting) } {
                Ok(()) => after = next,
                Err(why) => refused.push((index, why)),
            }
        }
        if refused.is_empty() { self.post_all(postings, false).map_err(|_| None) } else { Err(Some(refused)) }
    }

    /// All postings or none.
    pub(crate) fn post_all(&mut self, postings: &[Posting], unbound: bool) -> Answer<()> {
        if postings.iter().any(|p| p.legs.is_empty() && p.holds.is_empty()) {
            return Err("EMPTY");
        }
        let mut after = self.clone();
        after.answers.clear();
        after.stood = HOLDS.map(|name| (name, self.stands_on(name))).to_vec();
        for posting in postings {
            after.post(posting)?;
        }
        let binding = !unbound && postings.iter().any(|p| !p.kind.is_report());
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

    /// Whether what names a shut fund may need the account, or a reversal that is due.
    pub(crate) fn is_needed(&self, account: Position) -> bool {
        let path = self.path(account).unwrap().as_str();
        let of_shut = self.shut_lines.iter().any(|line| {
            let transferred = format!("{line}/out/transferred");
            let successor = self.accounts.iter().any(|(number, before)| {
                let shut =
                    before.line() == Some(line) && before.column().is_fund() && !self.closed.contains(number);
                shut && Self::next_year(before.as_str()) == path
            });
            path == transferred || path == Self::next_year(&transferred) || successor
        });
        of_shut || self.due.iter().any(|(.., accounts)| accounts.contains(&account))
    }

    pub(crate) fn shut_fund(&mut self, line: &str, today: Day) -> Answer<()> {
        if self.shut_lines.iter().any(|shut| shut == line) {
            return Err("FUND_SHUT");
        }
        let year: nhs::FinancialYear = line.split('/').nth(2).unwrap().parse().unwrap();
        if today.date() <= year.last_day() {
            return Err("YEAR_NOT_OVER");
        }
        let open = |path: &str| self.at(path).is_some_and(|number| !self.closed.contains(&number));
        let fund = self.accounts.iter().filter(|(number, path)| {
            path.line() == Some(line) && path.column().is_fund() && !self.closed.contains(number)
        });
        let mut needed: Vec<String> = fund.map(|(_, path)| Self::next_year(path.as_str())).collect();
        let transferred = format!("{line}/out/transferred");
        needed.extend([Self::next_year(&transferred), transferred]);
        if needed.iter().all(|path| open(path)) {
            self.shut_lines.push(line.to_owned());
            Ok(())
        } else {
            Err("SUCCESSOR_MISSING")
        }
    }

    /// Moves debit balances and holds of a shut fund. No line of plans is ever shut here.
    pub(crate) fn roll(&mut self, line: &str) -> Answer<()> {
        if !self.shut_lines.iter().any(|shut| shut == line) {
            return Err("FUND_OPEN");
        }
        let mut moved = false;
        for (number, path) in self.accounts.clone() {
            let kept = matches!(path.column(), Column::Prepayment | Column::Advance | Column::Recoverable);
            let credit = self.credit(path.as_str());
            if self.on_shut_fund(&path) && path.line() == Some(line) && kept && credit != 0 {
                let transferred = format!("{line}/out/transferred");
                let next = self.at(&Self::next_year(path.as_str())).unwrap();
                let (old, new) =
                    (self.at(&transferred).unwrap(), self.at(&Self::next_year(&transferred)).unwrap());
                self.legs.extend([(number, -credit), (old, credit), (next, credit), (new, -credit)]);
                moved = true;
            }
        }
        for name in HOLDS {
            let left = self.remaining(name);
            let Some((_, account, _, expires)) = self.holds.iter().rfind(|(n, ..)| *n == name).copied()
            else {
                continue;
            };
            let path = self.path(account)?.clone();
            if left > 0 && self.on_shut_fund(&path) && path.line() == Some(line) {
                let next = self.at(&Self::next_year(path.as_str())).unwrap();
                self.holds.extend([(name, account, -left, expires), (name, next, left, expires)]);
                moved = true;
            }
        }
        if moved { Ok(()) } else { Err("EMPTY") }
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
