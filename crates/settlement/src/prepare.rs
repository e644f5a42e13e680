//! From what the other services' books show to the content of a run.

use crate::{
    Adopted, BudgetLine, CarryReason, CutCheck, Decision, Payee, Programme, Row, RunContent, RunTotals,
    SiteLines, State, Warning, WindowKey, WindowPart,
    attribute::{Attribution, attribute, net},
};
use journal::{Day, Digest, Position, RequestId};
use money::{NetPence, TotalPence};
use nhs::OdsCode;
use reference::{BankDetails, Channel, Cut, Reference};
use std::collections::{BTreeMap, BTreeSet};

/// The most windows that one payment pays: a posting has at most 64 legs, and one of them is the bank's.
const WINDOWS_PER_PAYMENT_MAX: usize = 60;

/// How long bank details count as new, in days (NHS Counter Fraud Authority on mandate fraud; the length is practice,
/// unverified; configurable).
const ACCOUNT_IS_NEW_DAYS: i32 = 30;

/// What a run is prepared from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The run: the request id of its preparation.
    pub run: RequestId,
    /// The system's name.
    pub system: String,
    /// The newest cut to pay.
    pub cut: Cut,
    /// The day on which payers' accounts are to be debited.
    pub pay_on: Day,
    /// The sealed cuts up to that one.
    pub cuts: Vec<SealedCut>,
    /// Every window of the ledger of which something is left.
    pub windows: Vec<LedgerWindow>,
    /// The ledger's `owed/payable` accounts, read when the windows were.
    pub accounts: Vec<PayableAccount>,
    /// The lines behind the cuts, by payer, payee and site.
    pub sites: BTreeMap<(OdsCode, Payee), Vec<SiteLines>>,
}

/// A cut as referrals sealed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCut {
    /// Which.
    pub cut: Cut,
    /// The position of its seal in the referrals journal.
    pub seal: Position,
    /// Its parts.
    pub parts: Vec<CutPart>,
}

/// One payer's and payee's part of a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutPart {
    /// The payer.
    pub payer: OdsCode,
    /// The payee.
    pub payee: Payee,
    /// Lines in force.
    pub lines: i64,
    /// What is payable.
    pub payable: NetPence,
}

/// A window as the ledger shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerWindow {
    /// The payer.
    pub payer: OdsCode,
    /// The payee.
    pub payee: Payee,
    /// Which.
    pub key: WindowKey,
    /// The last number of its series.
    pub seq: u32,
    /// Its total.
    pub total: NetPence,
    /// Whether it is sealed.
    pub sealed: bool,
    /// What paying entries took from it.
    pub paid: NetPence,
}

/// An `owed/payable` account as the ledger shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayableAccount {
    /// Its budget line.
    pub line: BudgetLine,
    /// Its payee.
    pub payee: Payee,
    /// Credits less debits.
    pub balance: NetPence,
}

/// Why no run was prepared. Nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// There is nothing to decide with yet.
    #[error("the registry has given no reference data yet")]
    ReferenceMissing,
    /// The cut is not sealed yet.
    #[error("the cut {cut} is not sealed")]
    CutNotSealed {
        /// The cut.
        cut: Cut,
    },
    /// The ledger has not sealed a window that referrals sealed: it has not answered everything up to it. Try again.
    #[error("the ledger has not answered everything up to the seal of {cut}")]
    LedgerBehind {
        /// The cut.
        cut: Cut,
    },
    /// Referrals and the ledger do not agree on a cut.
    #[error("cut {cut}, payer {payer}, payee {payee}: referrals sealed {sealed}, the ledger has {window}")]
    CutMismatch {
        /// The cut.
        cut: Cut,
        /// The payer.
        payer: OdsCode,
        /// The payee.
        payee: Payee,
        /// What referrals sealed.
        sealed: NetPence,
        /// The total of the ledger's window.
        window: NetPence,
    },
    /// The ledger's windows and accounts do not agree: something was posted between the two readings. Try again.
    #[error("payer {payer}, payee {payee}: windows come to {windows}, accounts to {accounts}")]
    BooksMoved {
        /// The payer.
        payer: OdsCode,
        /// The payee.
        payee: Payee,
        /// What is left of the windows.
        windows: TotalPence,
        /// The balances of the accounts.
        accounts: TotalPence,
    },
}

/// The digest under which a run names an organisation's bank details.
pub(crate) fn account_digest(details: &BankDetails) -> Digest {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = minicbor::encode(details, &mut bytes);
    Digest::of(&bytes)
}

/// Works out what a run pays.
pub fn prepare(state: &State, sources: &Sources) -> Result<RunContent, PrepareError> {
    let adopted = state.adopted().ok_or(PrepareError::ReferenceMissing)?;
    let cuts = check_cuts(sources)?;
    let mut rows = Vec::new();
    for ((payer, payee), books) in by_payee(sources) {
        books.check(payer, payee)?;
        rows.extend(rows_of(state, adopted, sources, payer, payee, &books));
    }
    rows.sort_by(|a, b| (a.line, &a.payee).cmp(&(b.line, &b.payee)));
    let totals = RunTotals::of(&rows).unwrap_or_default();
    Ok(RunContent {
        run: sources.run,
        system: sources.system.clone(),
        cut: sources.cut,
        pay_on: sources.pay_on,
        reference: adopted.digest(),
        cuts,
        rows,
        totals,
    })
}

/// Every part of every sealed cut is a sealed window of the ledger with the same total.
fn check_cuts(sources: &Sources) -> Result<Vec<CutCheck>, PrepareError> {
    if !sources.cuts.iter().any(|sealed| sealed.cut == sources.cut) {
        return Err(PrepareError::CutNotSealed { cut: sources.cut });
    }
    let windows: BTreeMap<(OdsCode, &Payee, WindowKey), &LedgerWindow> =
        sources.windows.iter().map(|window| ((window.payer, &window.payee, window.key), window)).collect();
    let mut checks = Vec::new();
    for sealed in &sources.cuts {
        let key = WindowKey::Cut(sealed.cut);
        for part in &sealed.parts {
            let window = windows.get(&(part.payer, &part.payee, key));
            if window.is_some_and(|window| !window.sealed) || (window.is_none() && !part.payable.is_zero()) {
                return Err(PrepareError::LedgerBehind { cut: sealed.cut });
            }
            let total = window.map_or(NetPence::ZERO, |window| window.total);
            if total != part.payable {
                return Err(PrepareError::CutMismatch {
                    cut: sealed.cut,
                    payer: part.payer,
                    payee: part.payee.clone(),
                    sealed: part.payable,
                    window: total,
                });
            }
            checks.push(CutCheck {
                cut: sealed.cut,
                seal: sealed.seal,
                payer: part.payer,
                payee: part.payee.clone(),
                lines: part.lines,
                sealed: part.payable,
                window: total,
            });
        }
        check_no_others(sealed, &windows)?;
    }
    checks.sort_by(|a, b| (a.cut, a.payer, &a.payee).cmp(&(b.cut, b.payer, &b.payee)));
    Ok(checks)
}

/// The ledger has no window of the cut that referrals know nothing of.
fn check_no_others(
    sealed: &SealedCut,
    windows: &BTreeMap<(OdsCode, &Payee, WindowKey), &LedgerWindow>,
) -> Result<(), PrepareError> {
    let known: BTreeSet<(OdsCode, &Payee)> =
        sealed.parts.iter().map(|part| (part.payer, &part.payee)).collect();
    let key = WindowKey::Cut(sealed.cut);
    let other = windows.values().find(|window| {
        window.key == key && !window.total.is_zero() && !known.contains(&(window.payer, &window.payee))
    });
    other.map_or(Ok(()), |window| {
        Err(PrepareError::CutMismatch {
            cut: sealed.cut,
            payer: window.payer,
            payee: window.payee.clone(),
            sealed: NetPence::ZERO,
            window: window.total,
        })
    })
}

/// What the ledger shows between one payer and one payee.
#[derive(Default)]
struct Books<'a> {
    windows: BTreeMap<WindowKey, &'a LedgerWindow>,
    lines: BTreeMap<BudgetLine, i64>,
}

fn by_payee(sources: &Sources) -> BTreeMap<(OdsCode, &Payee), Books<'_>> {
    let mut all: BTreeMap<(OdsCode, &Payee), Books<'_>> = BTreeMap::new();
    for window in &sources.windows {
        all.entry((window.payer, &window.payee)).or_default().windows.insert(window.key, window);
    }
    for account in &sources.accounts {
        let books = all.entry((account.line.payer, &account.payee)).or_default();
        books.lines.insert(account.line, account.balance.get());
    }
    all
}

impl Books<'_> {
    /// What is left of each window.
    fn rests(&self) -> BTreeMap<WindowKey, i64> {
        let rest = |window: &LedgerWindow| window.total.get().saturating_sub(window.paid.get());
        self.windows.iter().map(|(key, window)| (*key, rest(window))).collect()
    }

    fn check(&self, payer: OdsCode, payee: &Payee) -> Result<(), PrepareError> {
        let windows = crate::content::sum(self.rests().into_values().map(net));
        let accounts = crate::content::sum(self.lines.values().copied().map(net));
        if windows == accounts {
            Ok(())
        } else {
            Err(PrepareError::BooksMoved { payer, payee: payee.clone(), windows, accounts })
        }
    }
}

/// Whether a sealed window is in the scope of the run.
fn is_due(sources: &Sources, window: &LedgerWindow) -> bool {
    window.sealed
        && match window.key {
            WindowKey::Cut(cut) => cut <= sources.cut,
            WindowKey::Instalment(due) => due <= sources.pay_on,
            WindowKey::Run(_) => true,
        }
}

fn rows_of(
    state: &State,
    adopted: &Adopted,
    sources: &Sources,
    payer: OdsCode,
    payee: &Payee,
    books: &Books<'_>,
) -> Vec<Row> {
    let known = |key: WindowKey, rest: i64| known(state, payer, payee, key, rest);
    let Attribution { parts, unclear } = attribute(&books.rests(), &books.lines, known);
    let mut rows: BTreeMap<BudgetLine, Row> = BTreeMap::new();
    for ((line, key), part) in parts {
        let Some(window) = books.windows.get(&key).filter(|window| is_due(sources, window)) else { continue };
        let row = rows.entry(line).or_insert_with(|| empty_row(line, payee));
        row.windows.push(WindowPart { key, seq: window.seq, total: window.total, part: net(part) });
    }
    let unclear =
        unclear.iter().any(|key| books.windows.get(key).is_some_and(|window| is_due(sources, window)));
    rows.into_values().map(|row| decided(adopted.reference(), sources, row, unclear)).collect()
}

fn empty_row(line: BudgetLine, payee: &Payee) -> Row {
    Row {
        line,
        payee: payee.clone(),
        windows: Vec::new(),
        net: NetPence::ZERO,
        sites: Vec::new(),
        decision: Decision::Carry { reason: CarryReason::NotPositive },
        warnings: Vec::new(),
    }
}

/// Where a window, or the part of it that this journal made, is known to stand.
fn known(
    state: &State,
    payer: OdsCode,
    payee: &Payee,
    key: WindowKey,
    rest: i64,
) -> Option<(BudgetLine, i64)> {
    match key {
        WindowKey::Cut(cut) => {
            let line =
                BudgetLine { payer, programme: Programme::Elective, year: cut.period.financial_year() };
            Some((line, rest))
        }
        WindowKey::Instalment(day) => {
            let (line, pence) = state.due_on(payer, payee, day)?;
            Some((line, pence.get().saturating_sub(state.paid_on(line, payee, key).get())))
        }
        WindowKey::Run(_) => None,
    }
}

/// Sums a row up and decides whether it is paid.
fn decided(reference: &Reference, sources: &Sources, mut row: Row, unclear: bool) -> Row {
    // What is owed to us is netted off first: no window that we owe is left without it.
    row.windows.sort_by_key(|window| (window.part.get() > 0, window.key));
    if row.windows.len() > WINDOWS_PER_PAYMENT_MAX {
        row.windows.truncate(WINDOWS_PER_PAYMENT_MAX);
        row.warnings.push(Warning::WindowsLeft);
    }
    row.windows.sort_by_key(|window| window.key);
    // Ledger balances fit their type, and these are parts of one.
    row.net = crate::content::sum(row.windows.iter().map(|window| window.part)).to_net().unwrap_or_default();
    if unclear {
        row.warnings.push(Warning::LineUnknown);
    }
    if row.windows.iter().any(|window| window.part.get() < 0) {
        row.warnings.push(Warning::NettedOff);
    }
    if row.line.programme == Programme::Elective
        && row.windows.iter().any(|window| matches!(window.key, WindowKey::Cut(_)))
    {
        row.sites = sources.sites.get(&(row.line.payer, row.payee.clone())).cloned().unwrap_or_default();
    }
    match way(reference, sources, &row) {
        Ok((channel, account, is_new)) => {
            if is_new {
                row.warnings.push(Warning::AccountIsNew);
            }
            let id = row.key(&sources.run.to_bytes(), &row.texts()).end_to_end_id();
            row.decision = Decision::Pay { end_to_end_id: id.as_str().to_owned(), channel, account };
        }
        Err(reason) => row.decision = Decision::Carry { reason },
    }
    row.warnings.sort_unstable();
    row
}

/// How a row's money leaves: the channel, the payee's account, and whether that is new.
fn way(
    reference: &Reference,
    sources: &Sources,
    row: &Row,
) -> Result<(Channel, Option<Digest>, bool), CarryReason> {
    if row.net.get() <= 0 {
        return Err(CarryReason::NotPositive);
    }
    let channel = reference.channel(row.line.payer, sources.pay_on).ok_or(CarryReason::NoChannel)?;
    if channel == Channel::Bank && reference.bank_details(row.line.payer, sources.pay_on).is_none() {
        return Err(CarryReason::NoPayerAccount);
    }
    let Some(organisation) = row.payee.organisation() else { return Ok((channel, None, false)) };
    let details = reference.bank_details(organisation, sources.pay_on);
    let details = details.ok_or(CarryReason::NoPayeeAccount)?;
    let first_ever = !reference
        .rows()
        .bank_details
        .iter()
        .any(|other| other.organisation == organisation && other.validity.from < details.validity.from);
    let is_new = !first_ever && sources.pay_on.since(details.validity.from) < ACCOUNT_IS_NEW_DAYS;
    Ok((channel, Some(account_digest(details)), is_new))
}
