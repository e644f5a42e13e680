//! The ledger: every balance, hold, window and month added up again from the entries alone, beside what the state says.

use crate::Finding;
use crate::content::Content;
use crate::replay::{Examiner, Notes, Seen};
use crate::reversals::Reversal;
use hashbrown::HashMap;
use journal::{AccountNumber, Day, Fingerprint, Moment, Position, RequestId};
use ledger::{
    AccountPath, Act, Column, Command, Event, HoldAction, Ledger, Leg, Posted, Posting, State, WindowKey,
    WindowUse,
};
use money::Side;
use nhs::Period;
use std::collections::BTreeMap;

/// One account, added up.
struct Account {
    path: AccountPath,
    /// What its legs must balance with: an index of `parts`.
    part: u32,
    /// Its payer and payee, where it has both: whose windows its credits add to.
    pair: Option<u32>,
    debits: i128,
    credits: i128,
    held: i128,
}

/// One window, added up.
#[derive(Default)]
struct Window {
    seq: u32,
    total: i128,
    paid: i128,
    sealed: bool,
}

struct Hold {
    account: AccountNumber,
    remaining: i64,
    expires: Day,
}

/// A month that is not open.
struct Shut {
    by: Position,
    soft: bool,
}

/// The books as the records alone give them.
#[derive(Default)]
pub(crate) struct Books {
    accounts: HashMap<AccountNumber, Account>,
    pairs: BTreeMap<(String, String), u32>,
    windows: HashMap<(u32, WindowKey), Window>,
    holds: HashMap<RequestId, Hold>,
    shut: BTreeMap<Period, Shut>,
    content: Content,
    /// What must balance by itself, as findings name it.
    parts: BTreeMap<String, u32>,
    /// The parts of the posting at hand, and their debits less credits.
    sums: Vec<(u32, i128)>,
    entries: u64,
    legs: u64,
    steps: u64,
    hold_actions: u64,
    months_closed: u64,
    reversals: u64,
}

impl Examiner<Ledger> for Books {
    fn before(&mut self, seen: &Seen<'_, Ledger>, _: &State, notes: &mut Notes) {
        let accepted = !seen.events().is_empty();
        if let Command::Post(posting) = seen.command
            && seen.header.cause.is_some()
        {
            let content = self.posting(seen.at, posting);
            self.heard(seen, content, accepted, notes);
        }
        if let Command::SealWindows(seal) = seen.command {
            self.content.clear();
            for window in &seal.windows {
                self.content.seal(&window.payer, &window.payee, window.key);
            }
            let content = self.content.finish("");
            self.heard(seen, content, accepted, notes);
        }
        if let (Command::Reverse(reverse), true) = (seen.command, accepted) {
            let (at, entry, posting) = (seen.at.position, reverse.entry, reverse.posting.clone());
            self.reversals += 1;
            notes.reversals.push(Reversal { at, entry, posting });
        }
        for event in seen.events() {
            self.event(seen.at, seen.command, event, notes);
        }
        let two = matches!(seen.command, Command::Approve(_));
        for (_, posting, posted) in ledger::entries(seen.command, seen.outcome) {
            self.entry(seen.at, &posting, posted, two, notes);
        }
    }

    fn finish(&mut self, state: &State, notes: &mut Notes) -> Vec<Finding> {
        notes.tally("entries", self.entries);
        notes.tally("legs", self.legs);
        notes.tally("accounts", self.accounts.len() as u64);
        notes.tally("holds open", self.holds.len() as u64);
        notes.tally("hold actions", self.hold_actions);
        notes.tally("windows", self.windows.len() as u64);
        notes.tally("windows' steps", self.steps);
        notes.tally("payers and payees", self.pairs.len() as u64);
        notes.tally("months closed", self.months_closed);
        notes.tally("reversals", self.reversals);
        let mut findings = self.compare_accounts(state);
        findings.extend(self.compare_holds(state));
        findings.extend(self.compare_windows(state));
        findings.extend(compare_lines(state));
        findings
    }
}

impl Books {
    fn heard(&self, seen: &Seen<'_, Ledger>, content: Fingerprint, accepted: bool, notes: &mut Notes) {
        let header = seen.header;
        let heard =
            notes.crossings.heard(header.position, header.request_id, header.cause, content, accepted);
        if let Err(problem) = heard {
            notes.problem(problem);
        }
    }

    fn path(&self, number: AccountNumber) -> &str {
        self.accounts.get(&number).map_or("", |account| account.path.as_str())
    }

    /// What a posting says, by paths.
    fn posting(&mut self, at: &Moment, posting: &Posting) -> Fingerprint {
        let mut content = core::mem::take(&mut self.content);
        content.start(posting.kind, posting.effective_date);
        for Leg { account, side, pence, window } in &posting.legs {
            content.leg(self.path(*account), *side, *pence, *window);
        }
        for hold in &posting.holds {
            match *hold {
                HoldAction::Place { account, pence, expires, name } => {
                    content.place(self.path(account), pence, expires, name.unwrap_or(at.request_id));
                }
                HoldAction::Capture { hold, pence } => content.capture(hold, pence),
                HoldAction::Release { hold } => content.release(hold),
            }
        }
        let fingerprint = content.finish(posting.reference.as_deref().unwrap_or_default());
        self.content = content;
        fingerprint
    }

    fn event(&mut self, at: &Moment, command: &Command, event: &Event, notes: &mut Notes) {
        match (command, event) {
            (Command::OpenAccount(open), Event::AccountOpened { account }) => {
                if *account == at.position {
                    self.open(*account, &open.path);
                } else if self.path(*account) != open.path.as_str() {
                    notes.books(format!("it answers account {account}, which is another"));
                }
            }
            (Command::SealWindows(seal), Event::WindowsSealed(sealed)) => {
                for (name, sealed) in seal.windows.iter().zip(sealed) {
                    let pair = self.pair(&name.payer, &name.payee);
                    let window = self.windows.entry((pair, name.key)).or_default();
                    window.sealed = true;
                    if (window.seq, window.total) != (sealed.seq, i128::from(sealed.total.get())) {
                        notes.books(format!(
                            "it seals {} of {} for {} at {} steps and {} pence, and its steps are {} and {} pence",
                            name.key,
                            name.payer,
                            name.payee,
                            sealed.seq,
                            sealed.total.get(),
                            window.seq,
                            window.total
                        ));
                    }
                }
            }
            (Command::ExpireHolds(expire), Event::HoldsExpired(released)) => {
                for (name, released) in expire.holds.iter().zip(released) {
                    let early = self.holds.get(name).is_some_and(|hold| hold.expires > at.business_date);
                    if early {
                        notes.books(format!("hold {name} ends before its day"));
                    }
                    self.lower(*name, released.get(), notes);
                }
            }
            (Command::ClosePeriod(mark), Event::PeriodClosed) => {
                self.months_closed += 1;
                self.shut.insert(mark.period, Shut { by: at.caller, soft: false });
            }
            (Command::SoftClosePeriod(mark), Event::PeriodSoftClosed) => {
                self.shut.insert(mark.period, Shut { by: at.caller, soft: true });
            }
            (Command::ReopenPeriod(mark), Event::PeriodReopened) => {
                if let Some(shut) = self.shut.remove(&mark.period) {
                    notes.two_people("a month opened again", shut.by, at.caller);
                }
            }
            (Command::Approve(approve), Event::Approved { approval, .. }) => {
                notes.two_people(
                    "a posting or a month opened again",
                    approval.proposal().proposer,
                    at.caller,
                );
                if let Act::Reopen(period) = &approve.propose.act {
                    self.shut.remove(period);
                }
            }
            (_, _) => {}
        }
    }

    fn pair(&mut self, payer: &str, payee: &str) -> u32 {
        // Far fewer than u32: payers × payees.
        let next = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        *self.pairs.entry((payer.to_owned(), payee.to_owned())).or_insert(next)
    }

    fn open(&mut self, number: AccountNumber, path: &AccountPath) {
        let payable = path.column() == Column::Payable;
        let names = path.payer().zip(path.payee()).filter(|_| payable);
        let names = names.map(|(payer, payee)| (payer.to_owned(), payee.to_owned()));
        let pair = names.map(|(payer, payee)| self.pair(&payer, &payee));
        // Far fewer than u32: one for each budget line and each payer's year.
        let next = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let part = *self.parts.entry(part(path)).or_insert(next);
        let account = Account { path: path.clone(), part, pair, debits: 0, credits: 0, held: 0 };
        self.accounts.insert(number, account);
    }

    fn entry(
        &mut self,
        at: &Moment,
        posting: &Posting,
        posted: &Posted,
        two_people: bool,
        notes: &mut Notes,
    ) {
        self.entries += 1;
        let shut = || self.shut.get(&Period::of(posted.accounting_date.date()).ok()?);
        if !self.shut.is_empty() && shut().is_some_and(|shut| !(shut.soft && two_people)) {
            notes.books(format!("its accounting date, {}, is in a closed month", posted.accounting_date));
        }
        self.sums.clear();
        let mut steps = posted.windows.iter();
        for leg in &posting.legs {
            self.legs += 1;
            let pence = i128::from(leg.pence.get());
            let Some(account) = self.accounts.get_mut(&leg.account) else {
                notes.books(format!("it posts to account {}, which nothing opened", leg.account));
                continue;
            };
            match leg.side {
                Side::Debit => account.debits += pence,
                Side::Credit => account.credits += pence,
            }
            let pair = account.pair.unwrap_or(u32::MAX);
            let credit = if leg.side == Side::Credit { pence } else { -pence };
            match self.sums.iter_mut().find(|(part, _)| *part == account.part) {
                Some((_, sum)) => *sum -= credit,
                None => self.sums.push((account.part, -credit)),
            }
            match leg.window {
                None => {}
                Some(WindowUse::Pays(key)) => self.windows.entry((pair, key)).or_default().paid -= credit,
                Some(WindowUse::Adds(key)) => {
                    let Some(step) = steps.next() else {
                        notes.books("a leg adds to a window and takes no step in it".to_owned());
                        continue;
                    };
                    let key = step.instead.map_or(key, |number| WindowKey::Run { number });
                    self.step(pair, key, credit, (step.seq, step.total.get()), notes);
                }
            }
        }
        self.balanced(notes);
        self.hold_actions(at, posting, posted, notes);
    }

    /// The completeness proof: each window's numbers have no gap, and its totals are the sums of what it was given.
    fn step(&mut self, pair: u32, key: WindowKey, credit: i128, step: (u32, i64), notes: &mut Notes) {
        self.steps += 1;
        let window = self.windows.entry((pair, key)).or_default();
        let expected = (window.seq.saturating_add(1), window.total.saturating_add(credit));
        let sealed = window.sealed && !matches!(key, WindowKey::Run { .. });
        (window.seq, window.total) = (step.0, i128::from(step.1));
        if sealed {
            notes.books(format!("it adds to {key} after that was sealed"));
        }
        if (step.0, i128::from(step.1)) != expected {
            notes.books(format!(
                "its step in {key} is number {} with total {} pence, and number {} with {} pence comes next",
                step.0, step.1, expected.0, expected.1
            ));
        }
    }

    fn hold_actions(&mut self, at: &Moment, posting: &Posting, posted: &Posted, notes: &mut Notes) {
        for (action, moved) in posting.holds.iter().zip(&posted.held) {
            self.hold_actions += 1;
            match *action {
                HoldAction::Place { account, expires, name, .. } => {
                    if let Some(account) = self.accounts.get_mut(&account) {
                        account.held += i128::from(moved.get());
                    }
                    let name = name.unwrap_or(at.request_id);
                    let hold = Hold { account, remaining: moved.get(), expires };
                    if self.holds.insert(name, hold).is_some() {
                        notes.books(format!("hold {name} was placed before and is open"));
                    }
                }
                HoldAction::Capture { hold, .. } | HoldAction::Release { hold } => {
                    self.lower(hold, moved.get(), notes);
                }
            }
        }
    }

    fn lower(&mut self, name: RequestId, pence: i64, notes: &mut Notes) {
        if pence == 0 {
            return;
        }
        let Some(hold) = self.holds.get_mut(&name).filter(|hold| hold.remaining >= pence) else {
            notes.books(format!("it takes more from hold {name} than remains of it"));
            return;
        };
        hold.remaining -= pence;
        let (account, done) = (hold.account, hold.remaining == 0);
        if done {
            self.holds.remove(&name);
        }
        if let Some(account) = self.accounts.get_mut(&account) {
            account.held -= i128::from(pence);
        }
    }

    /// Debits are credits, within each budget line; allocations within each payer's year.
    fn balanced(&self, notes: &mut Notes) {
        for (unbalanced, sum) in self.sums.iter().filter(|(_, sum)| *sum != 0) {
            let name = self.parts.iter().find(|(_, part)| *part == unbalanced).map_or("", |(name, _)| name);
            notes.books(format!("debits less credits of {name} are {sum} pence"));
        }
    }

    fn compare_accounts(&self, state: &State) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut sum = 0_i128;
        for (number, account) in &self.accounts {
            sum += account.debits - account.credits;
            let totals = state.account(*number).map(|view| view.totals);
            let same = totals.is_some_and(|totals| {
                (totals.debits.get(), totals.credits.get(), totals.held().get())
                    == (account.debits, account.credits, account.held)
            });
            if !same {
                findings.push(Finding::Books(format!(
                    "account {} adds up to {} debit, {} credit and {} held pence; the state says otherwise",
                    account.path.as_str(),
                    account.debits,
                    account.credits,
                    account.held
                )));
            }
        }
        if state.account_count() != self.accounts.len() {
            findings.push(Finding::Books("the state has accounts that no record opened".to_owned()));
        }
        if sum != 0 {
            findings.push(Finding::Books(format!("debits less credits of all accounts are {sum} pence")));
        }
        findings
    }

    fn compare_holds(&self, state: &State) -> Vec<Finding> {
        let differs = |(name, hold): &(&RequestId, &Hold)| {
            state
                .hold(**name)
                .is_none_or(|view| (view.remaining.get(), view.expires) != (hold.remaining, hold.expires))
        };
        let mut findings: Vec<Finding> = self
            .holds
            .iter()
            .filter(differs)
            .map(|(name, _)| Finding::Books(format!("hold {name} adds up to other than the state says")))
            .collect();
        if state.hold_count() != self.holds.len() {
            findings.push(Finding::Books("the state has holds that no record placed".to_owned()));
        }
        findings
    }

    fn compare_windows(&self, state: &State) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut count = 0_usize;
        for view in state.windows_from(0) {
            count += 1;
            let pair = self.pairs.get(&(view.payer.to_owned(), view.payee.to_owned()));
            let window = pair.and_then(|pair| self.windows.get(&(*pair, view.key)));
            let same = window.is_some_and(|window| {
                (window.seq, window.total, window.paid, window.sealed)
                    == (view.seq, i128::from(view.total.get()), i128::from(view.paid.get()), view.sealed)
            });
            if !same {
                findings.push(Finding::Books(format!(
                    "{} of {} for {} adds up to other than the state says",
                    view.key, view.payer, view.payee
                )));
            }
        }
        if count != self.windows.len() {
            findings.push(Finding::Books("the state has other windows than the records name".to_owned()));
        }
        findings
    }
}

/// What the legs of an account must balance with.
fn part(path: &AccountPath) -> String {
    let column = path.column();
    if matches!(column, Column::Allocation | Column::ResourceLimit) {
        let purse = path.payer().zip(path.financial_year());
        purse.map_or(String::new(), |(payer, year)| format!("the allocations of {payer} in {year}"))
    } else if column == Column::Target {
        "the memorandum section".to_owned()
    } else {
        path.line().unwrap_or_default().to_owned()
    }
}

/// Allocated = committed + accrued + paid + available, on every line.
fn compare_lines(state: &State) -> Vec<Finding> {
    let unequal = |line: &ledger::LineView<'_>| {
        let position = &line.position;
        let parts = [position.committed, position.accrued, position.paid, position.available];
        parts.iter().map(|part| part.get()).sum::<i128>() != position.allocated.get()
    };
    let finding = |line: ledger::LineView<'_>| {
        Finding::Books(format!(
            "{}: allocated is not committed, accrued, paid and available together",
            line.path
        ))
    };
    state.lines_after(None).filter(unequal).map(finding).collect()
}
