//! Deciding postings: the rules of double entry, holds, windows and limits, against a state that does not move.
//!
//! A group's later postings must see what its earlier ones would do. The draft holds only that difference: windows and
//! holds that were touched, and how far each limited node would move.

use crate::{
    AccountBalance, AnswerWith, Breach, Column, HoldAction, Leg, LegAt, Posted, Posting, REFERENCE_BYTES_MAX,
    Refusal, RefusedPosting, Severity, State, WindowKey, WindowStep, WindowUse,
    entry::{
        HOLD_ACTIONS_PER_GROUP_MAX, HOLD_ACTIONS_PER_POSTING_MAX, LEGS_PER_GROUP_MAX, LEGS_PER_POSTING_MAX,
        ON_BEHALF_BYTES_MAX, POSTINGS_PER_GROUP_MAX, TEXT_BYTES_PER_GROUP_MAX,
    },
    event::BREACHES_MAX,
    state::{Account, NONE, Standing, WindowId, row},
    year_end,
};
use journal::{AccountNumber, Moment, RequestId};
use money::{NetPence, Pence, Side};
use smallvec::SmallVec;

#[derive(Clone)]
struct WindowDraft {
    id: WindowId,
    seq: u32,
    sealed: bool,
    total: i64,
    paid: i64,
}

#[derive(Clone)]
struct HoldDraft {
    name: RequestId,
    account: u32,
    remaining: Pence,
}

/// Debits less credits of one part that must balance by itself.
struct Part {
    of: PartOf,
    first: AccountNumber,
    net: i128,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartOf {
    /// All legs of a line but its allocations.
    Line(u32),
    /// A line's allocations, when its resource limit is not touched.
    Allocations(u32),
    /// The resource limit of a payer and year, with the allocations of its lines.
    Purse(u32),
    Memorandum,
}

#[derive(Clone)]
struct Draft<'a> {
    state: &'a State,
    at: &'a Moment,
    terms: Terms,
    windows: SmallVec<[WindowDraft; 4]>,
    holds: SmallVec<[HoldDraft; 4]>,
    /// Accounts and how far they moved, when balances are asked for.
    accounts: Option<Vec<AccountDraft>>,
    /// Limited nodes and how much their `credits − debits − holds` would grow.
    nodes: SmallVec<[(u32, i128); 8]>,
}

/// On what terms postings are made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terms {
    /// Two people make them: they may be accounted for in soft-closed months.
    pub(crate) two_people: bool,
    /// They pass HARD limits, which then only note the breach.
    pub(crate) unbound: bool,
    /// They move what a shut fund holds, so that its accounts take them.
    pub(crate) rolls_forward: bool,
}

/// How far an account moves.
#[derive(Clone)]
struct AccountDraft {
    number: AccountNumber,
    /// Credits less debits.
    credit: i128,
    held: i128,
}

/// Decides `postings` together, in order.
pub(crate) fn decide(
    state: &State,
    at: &Moment,
    postings: &[Posting],
    terms: Terms,
) -> Result<Vec<Posted>, Refusal> {
    check_size(postings)?;
    let mut draft = Draft::new(state, at, postings, terms);
    let mut all = Vec::with_capacity(postings.len());
    for (index, posting) in (0..).zip(postings) {
        all.push(draft.post(index, posting)?);
    }
    let breaches = draft.breaches(binding(postings, terms)).map_err(|(_, refusal)| refusal)?;
    if let Some(last) = all.last_mut() {
        last.breaches = breaches;
    }
    Ok(all)
}

/// Whether HARD limits bind. A report passes them; a group of reports and asks is asked as a whole.
fn binding(postings: &[Posting], terms: Terms) -> bool {
    !terms.unbound && postings.iter().any(|posting| !posting.kind.is_report())
}

/// Decides `postings` together as [`decide`] does; refused, every posting that is at fault is named.
pub(crate) fn decide_all(state: &State, at: &Moment, postings: &[Posting]) -> Result<Vec<Posted>, Refusal> {
    let terms = Terms::default();
    let whole = match decide(state, at, postings, terms) {
        Ok(posted) => return Ok(posted),
        // Of all together, whichever of them one would leave out.
        Err(Refusal::TooLarge) => return Err(Refusal::TooLarge),
        Err(refusal) => refusal,
    };
    let mut draft = Draft::new(state, at, postings, terms);
    let mut refused = Vec::new();
    for (index, posting) in (0..).zip(postings) {
        let mut next = draft.clone();
        match check_size(core::slice::from_ref(posting)).and_then(|()| next.post(index, posting)) {
            Ok(_) => draft = next,
            Err(why) => refused.push(RefusedPosting { posting: index, why }),
        }
    }
    if refused.is_empty()
        && let Err((node, why)) = draft.breaches(binding(postings, terms))
    {
        let sense = draft.moved(node).signum();
        for (index, posting) in (0..).zip(postings) {
            // What moves the node back is not at fault.
            let mut alone = Draft::new(state, at, postings, terms);
            if alone.post(index, posting).is_ok() && alone.moved(node).signum() == sense {
                refused.push(RefusedPosting { posting: index, why: why.clone() });
            }
        }
    }
    if refused.is_empty() { Err(whole) } else { Err(Refusal::Postings(refused)) }
}

fn check_size(postings: &[Posting]) -> Result<(), Refusal> {
    let count = |of: fn(&Posting) -> usize| postings.iter().map(of).fold(0_usize, usize::saturating_add);
    // A balance takes less than the leg or hold action that asks for it.
    let weight = |posting: &Posting| if posting.answer.is_some() { 2 } else { 1 };
    let weighed = |of: fn(&Posting) -> usize| {
        let weigh = |posting: &Posting| of(posting).saturating_mul(weight(posting));
        postings.iter().map(weigh).fold(0_usize, usize::saturating_add)
    };
    if postings.is_empty() || postings.iter().any(|p| p.legs.is_empty() && p.holds.is_empty()) {
        return Err(Refusal::Empty);
    }
    let too_large = postings.len() > POSTINGS_PER_GROUP_MAX
        || postings
            .iter()
            .any(|p| p.legs.len() > LEGS_PER_POSTING_MAX || p.holds.len() > HOLD_ACTIONS_PER_POSTING_MAX)
        || weighed(|p| p.legs.len()) > LEGS_PER_GROUP_MAX
        || weighed(|p| p.holds.len()) > HOLD_ACTIONS_PER_GROUP_MAX
        || count(|p| text_len(&p.reference).saturating_add(text_len(&p.on_behalf_of)))
            > TEXT_BYTES_PER_GROUP_MAX;
    if too_large {
        return Err(Refusal::TooLarge);
    }
    let plain =
        |text: &Option<String>, longest: usize| text.as_ref().is_none_or(|text| is_plain(text, longest));
    if postings
        .iter()
        .all(|p| plain(&p.reference, REFERENCE_BYTES_MAX) && plain(&p.on_behalf_of, ON_BEHALF_BYTES_MAX))
    {
        Ok(())
    } else {
        Err(Refusal::TextInvalid)
    }
}

fn text_len(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

/// 1 to `longest` printable ASCII characters.
pub(crate) fn is_plain(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

impl<'a> Draft<'a> {
    fn new(state: &'a State, at: &'a Moment, postings: &[Posting], terms: Terms) -> Self {
        let (windows, holds, nodes) = (SmallVec::new(), SmallVec::new(), SmallVec::new());
        let accounts = postings.iter().any(|posting| posting.answer.is_some()).then(Vec::new);
        Self { state, at, terms, windows, holds, accounts, nodes }
    }

    fn post(&mut self, index: u16, posting: &Posting) -> Result<Posted, Refusal> {
        let leg_at = |leg: u16| LegAt { posting: index, index: leg };
        for (leg, pence) in (0..).zip(posting.legs.iter().map(|leg| leg.pence)) {
            if pence.is_zero() {
                return Err(Refusal::AmountZero(leg_at(leg)));
            }
        }
        for (action, hold) in (0..).zip(&posting.holds) {
            if matches!(hold, HoldAction::Place { pence, .. } if pence.is_zero()) {
                return Err(Refusal::AmountZero(leg_at(action)));
            }
        }
        if let Some(period) = posting.reverses_in
            && (posting.legs.is_empty() || period.first_day() <= posting.effective_date.date())
        {
            return Err(Refusal::ReversalNotLater { posting: index });
        }
        if posting.corrects.is_some_and(|entry| entry.position >= self.at.position) {
            return Err(Refusal::EntryUnknown);
        }
        let state = self.state;
        let mut shut = false;
        let mut accounts: SmallVec<[&Account; 4]> = SmallVec::new();
        for leg in &posting.legs {
            let (_, account) = open_account(state, leg.account)?;
            shut |= account.standing == Standing::Shut;
            accounts.push(account);
        }
        for hold in &posting.holds {
            if let HoldAction::Place { account, .. } = hold {
                shut |= open_account(state, *account)?.1.standing == Standing::Shut;
            }
        }
        for ((leg, of), account) in (0..).zip(&posting.legs).zip(&accounts) {
            match (account.column == Column::Payable, of.window.is_some()) {
                (true, false) => return Err(Refusal::WindowMissing(leg_at(leg))),
                (false, true) => return Err(Refusal::WindowNotAllowed(leg_at(leg))),
                (true, true) | (false, false) => {}
            }
        }
        balance(index, posting, &accounts)?;
        let made = if shut && !self.terms.rolls_forward {
            let made = year_end::moved(state, posting, &accounts)?;
            accounts.clear();
            for leg in &made.legs {
                accounts.push(open_account(state, leg.account)?.1);
            }
            Some(Box::new(made))
        } else {
            None
        };
        let (legs, holds) = made
            .as_deref()
            .map_or((&posting.legs[..], &posting.holds[..]), |made| (&made.legs[..], &made.holds[..]));
        let held = self.hold_actions(index, holds)?;
        let windows = self.window_steps(index, legs, &accounts)?;
        for (leg, account) in legs.iter().zip(&accounts) {
            let amount = i128::from(leg.pence.get());
            let change = if leg.side == Side::Credit { amount } else { amount.saturating_neg() };
            self.move_nodes(account.node, change);
            self.move_account(leg.account, change, 0);
        }
        let (accounting_date, origin) = state.accounting(
            self.at.business_date,
            posting.effective_date,
            posting.accounting_date,
            self.terms.two_people,
        );
        let balances = posting.answer.map(|AnswerWith::Balances| self.balances(legs, holds));
        Ok(Posted { accounting_date, windows, held, breaches: Vec::new(), origin, made, balances })
    }

    /// Notes how far an account moves, when balances are asked for.
    fn move_account(&mut self, number: AccountNumber, credit: i128, held: i128) {
        let Some(accounts) = &mut self.accounts else { return };
        match accounts.iter_mut().find(|moved| moved.number == number) {
            Some(moved) => {
                moved.credit = moved.credit.saturating_add(credit);
                moved.held = moved.held.saturating_add(held);
            }
            None => accounts.push(AccountDraft { number, credit, held }),
        }
    }

    /// The accounts of these legs and holds as they stand after what the draft did so far, each once.
    fn balances(&self, legs: &[Leg], holds: &[HoldAction]) -> Vec<AccountBalance> {
        let held = holds.iter().filter_map(|action| match action {
            HoldAction::Place { account, .. } => Some(*account),
            HoldAction::Capture { hold, .. } | HoldAction::Release { hold } => {
                let hold = self.holds.iter().find(|draft| draft.name == *hold)?;
                row(&self.state.accounts, hold.account).map(|account| account.number)
            }
        });
        let mut found: Vec<AccountBalance> = Vec::new();
        for number in legs.iter().map(|leg| leg.account).chain(held) {
            let Some((_, account)) = self.state.account_row(number) else { continue };
            if found.iter().any(|balance| balance.account == number) {
                continue;
            }
            let totals = row(&self.state.nodes, account.node).map(|node| node.totals).unwrap_or_default();
            let moved = self.accounts.iter().flatten().find(|moved| moved.number == number);
            let (credit, held) = moved.map_or((0, 0), |moved| (moved.credit, moved.held));
            let credit = totals.balance(Side::Credit).get().saturating_add(credit);
            let debit_side = account.column.normal_side() == Side::Debit;
            found.push(AccountBalance {
                account: number,
                balance: clamp(if debit_side { credit.saturating_neg() } else { credit }),
                held: clamp(totals.held().get().saturating_add(held)),
            });
        }
        found
    }

    fn hold_actions(&mut self, posting_index: u16, holds: &[HoldAction]) -> Result<Vec<Pence>, Refusal> {
        let mut held = Vec::with_capacity(holds.len());
        for (index, action) in (0..).zip(holds) {
            let at = LegAt { posting: posting_index, index };
            held.push(match *action {
                HoldAction::Place { account: number, pence, name, .. } => {
                    let (row, account) = open_account(self.state, number)?;
                    if !account.column.is_fund() {
                        return Err(Refusal::HoldNotOnFund(at));
                    }
                    let name = name.unwrap_or(self.at.request_id);
                    let hold = self.hold(name);
                    if !hold.remaining.is_zero() {
                        return Err(Refusal::HoldExists(at));
                    }
                    (hold.account, hold.remaining) = (row, pence);
                    self.move_nodes(account.node, i128::from(pence.get()).saturating_neg());
                    self.move_account(number, 0, pence.get().into());
                    pence
                }
                HoldAction::Capture { hold, pence } => self.lower(hold, pence),
                HoldAction::Release { hold } => self.lower(hold, None),
            });
        }
        Ok(held)
    }

    /// Lowers a hold by at most what remains, and says by how much.
    fn lower(&mut self, name: RequestId, pence: Option<Pence>) -> Pence {
        let hold = self.hold(name);
        let by = pence.map_or(hold.remaining, |pence| pence.min(hold.remaining));
        hold.remaining = hold.remaining.checked_sub(by).unwrap_or_default();
        let account = hold.account;
        if let Some(account) = row(&self.state.accounts, account) {
            self.move_nodes(account.node, i128::from(by.get()));
            self.move_account(account.number, 0, i128::from(by.get()).saturating_neg());
        }
        by
    }

    /// The hold of that name as it stands after what the draft did so far; of nothing when there is none.
    fn hold(&mut self, name: RequestId) -> &mut HoldDraft {
        let index = self.holds.iter().position(|hold| hold.name == name).unwrap_or_else(|| {
            let hold = self.state.holds.get(&name);
            self.holds.push(HoldDraft {
                name,
                account: hold.map_or(NONE, |hold| hold.account),
                remaining: hold.map_or(Pence::ZERO, |hold| hold.remaining),
            });
            self.holds.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or pushed just above")]
        &mut self.holds[index]
    }

    fn window(&mut self, id: WindowId) -> &mut WindowDraft {
        let index = self.windows.iter().position(|window| window.id == id).unwrap_or_else(|| {
            let window = self.state.window(id);
            self.windows.push(WindowDraft {
                id,
                seq: window.map_or(0, |window| window.seq),
                sealed: window.is_some_and(|window| window.sealed),
                total: window.map_or(0, |window| window.total.get()),
                paid: window.map_or(0, |window| window.paid.get()),
            });
            self.windows.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or pushed just above")]
        &mut self.windows[index]
    }

    fn window_steps(
        &mut self,
        posting_index: u16,
        legs: &[Leg],
        accounts: &[&Account],
    ) -> Result<Vec<WindowStep>, Refusal> {
        let mut steps = Vec::new();
        for ((index, leg), account) in (0..).zip(legs).zip(accounts) {
            let at = LegAt { posting: posting_index, index };
            let (payer, payee) = (account.payer, account.payee);
            match leg.window {
                None => {}
                Some(WindowUse::Pays(key)) => {
                    let window = self.window(WindowId { payer, payee, key });
                    pay(window, at, leg.side, leg.pence)?;
                }
                Some(WindowUse::Adds(key)) => {
                    let run = self.state.run_in_force(payer, payee);
                    let mut window = self.window(WindowId { payer, payee, key });
                    let in_run = match key {
                        WindowKey::Run { number } => number != run,
                        WindowKey::Cut { .. } | WindowKey::Instalment { .. } => window.sealed,
                    };
                    if in_run {
                        window = self.window(WindowId { payer, payee, key: WindowKey::Run { number: run } });
                    }
                    window.total = match leg.side {
                        Side::Credit => window.total.checked_add(leg.pence.get()),
                        Side::Debit => window.total.checked_sub(leg.pence.get()),
                    }
                    .ok_or(Refusal::TotalTooLarge)?;
                    window.seq = window.seq.checked_add(1).ok_or(Refusal::TotalTooLarge)?;
                    steps.push(WindowStep {
                        leg: index,
                        instead: in_run.then_some(run),
                        seq: window.seq,
                        total: NetPence::new(window.total),
                    });
                }
            }
        }
        Ok(steps)
    }

    /// Notes a change of `credits − debits − holds` on every limited node from `node` up.
    fn move_nodes(&mut self, node: u32, change: i128) {
        if self.state.limits.is_empty() {
            return;
        }
        for (index, node) in self.state.ancestry(node) {
            if node.limit == NONE {
                continue;
            }
            match self.nodes.iter_mut().find(|(limited, _)| *limited == index) {
                Some((_, sum)) => *sum = sum.saturating_add(change),
                None => self.nodes.push((index, change)),
            }
        }
    }

    /// How far a limited node moves.
    fn moved(&self, node: u32) -> i128 {
        self.nodes.iter().find(|(moved, _)| *moved == node).map_or(0, |(_, change)| *change)
    }

    /// The limits that are passed; or the node of the first that binds, and what it says.
    fn breaches(&self, binding: bool) -> Result<Vec<Breach>, (u32, Refusal)> {
        let mut breaches = Vec::new();
        for (index, change) in &self.nodes {
            let Some(node) = row(&self.state.nodes, *index) else { continue };
            let Some(limit) = self.state.limit_of(node) else { continue };
            let before = node.totals.measure(node.side).get();
            let change = if node.side == Side::Credit { *change } else { change.saturating_neg() };
            let after = before.saturating_add(change);
            let Some(left) = limit.passed(before, after) else { continue };
            if binding && limit.severity == Severity::Hard {
                let remaining = i64::try_from(left).ok().and_then(Pence::new).unwrap_or(Pence::MAX);
                return Err((*index, Refusal::LimitExceeded { limit: limit.position, remaining }));
            }
            if breaches.len() < BREACHES_MAX {
                breaches.push(Breach { limit: limit.position, measure: clamp(after) });
            }
        }
        Ok(breaches)
    }
}

fn open_account(state: &State, number: AccountNumber) -> Result<(u32, &Account), Refusal> {
    let found = state.account_row(number).ok_or(Refusal::AccountUnknown { account: number })?;
    if found.1.standing == Standing::Closed {
        Err(Refusal::AccountClosed { account: number })
    } else {
        Ok(found)
    }
}

/// Pays a window, or undoes a payment: what is paid stays between nothing and the window's total.
fn pay(window: &mut WindowDraft, at: LegAt, side: Side, pence: Pence) -> Result<(), Refusal> {
    if !window.sealed {
        return Err(Refusal::WindowNotSealed(at));
    }
    let paid = match side {
        Side::Debit => window.paid.checked_add(pence.get()),
        Side::Credit => window.paid.checked_sub(pence.get()),
    }
    .ok_or(Refusal::TotalTooLarge)?;
    let bounds = window.total.min(0)..=window.total.max(0);
    if bounds.contains(&paid) {
        window.paid = paid;
        Ok(())
    } else {
        let remaining = NetPence::new(window.total.saturating_sub(window.paid));
        Err(Refusal::WindowOverpaid { at, remaining })
    }
}

/// Every part balances: a line's legs apart from allocations; its allocations by themselves or with the resource limit of
/// its payer and year; the memorandum section.
fn balance(index: u16, posting: &Posting, accounts: &[&Account]) -> Result<(), Refusal> {
    let in_purse =
        |purse: u32| accounts.iter().any(|a| a.column == Column::ResourceLimit && a.purse == purse);
    let mut parts: SmallVec<[Part; 4]> = SmallVec::new();
    for (leg, account) in posting.legs.iter().zip(accounts) {
        let of = match account.column {
            Column::Target => PartOf::Memorandum,
            Column::ResourceLimit => PartOf::Purse(account.purse),
            Column::Allocation if in_purse(account.purse) => PartOf::Purse(account.purse),
            Column::Allocation => PartOf::Allocations(account.line),
            Column::Expenditure(_)
            | Column::Prepayment
            | Column::Advance
            | Column::Recoverable
            | Column::Payable
            | Column::Contested
            | Column::Estimate
            | Column::InTransit
            | Column::Bank
            | Column::Transferred => PartOf::Line(account.line),
        };
        let amount = i128::from(leg.pence.get());
        let net = if leg.side == Side::Debit { amount } else { amount.saturating_neg() };
        match parts.iter_mut().find(|part| part.of == of) {
            Some(part) => part.net = part.net.saturating_add(net),
            None => parts.push(Part { of, first: leg.account, net }),
        }
    }
    match parts.iter().find(|part| part.net != 0) {
        None => Ok(()),
        Some(part) => {
            Err(Refusal::Unbalanced { posting: index, account: part.first, difference: clamp(part.net) })
        }
    }
}

fn clamp(pence: i128) -> NetPence {
    let limit = if pence < 0 { i64::MIN } else { i64::MAX };
    NetPence::new(i64::try_from(pence).unwrap_or(limit))
}
