//! Balances at a day, as known at an instant: from the index, not from the journal.

use crate::{
    Adapter,
    index::{ALWAYS, Basis, Cut, plus},
    read::{as_of, below},
};
use journal::{AccountNumber, Day, Instant, Position, RecordView};
use ledger::{AccountView, Column, Ledger, LinePosition, LineView, NodeView, State, Totals};
use money::Side;
use proto::{common::v1::AsOf, ledger::v1};
use server::journals::{Handle, ReadAt, ReadError};
use std::{collections::BTreeMap, sync::Arc};
use tonic::Status;
use wire::{
    Pushback,
    ledger::{self as convert, AskedAt, DateBasis, KnownBy, Missing},
    status,
};

/// What was known: everything up to a record.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) through: Position,
    pub(crate) as_of: AsOf,
    /// The business date now.
    today: Day,
}

/// An account as far as it does not change.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) number: AccountNumber,
    pub(crate) path: Arc<str>,
    pub(crate) column: Column,
    closed: bool,
}

/// Accounts below a node.
pub(crate) struct Below {
    pub(crate) accounts: Vec<Named>,
    pub(crate) side: Side,
}

fn named(account: &AccountView<'_>) -> Named {
    let AccountView { number, path, column, closed, totals: _ } = account;
    Named { number: *number, path: Arc::from(*path), column: *column, closed: *closed }
}

/// Those of a state's accounts that stand at or below `node`; all of them when there is no node.
fn accounts_below(state: &State, node: Option<&str>) -> Vec<Named> {
    state.accounts_after(None).filter(|account| below(node, account.path)).map(|a| named(&a)).collect()
}

impl Known {
    /// The cut of rows that `date` means, up to what is known.
    pub(crate) fn cut(&self, date: Option<(DateBasis, Day)>) -> Result<Cut, Status> {
        let (basis, days) = match date {
            None => (Basis::Accounting, ALWAYS),
            Some((_, day)) if day > self.today => {
                return Err(status::refusal(&Missing::NotCome { business_date: self.today }));
            }
            Some((basis, day)) => (basis_of(basis), *ALWAYS.start()..=day),
        };
        Ok(Cut { through: self.through, basis, days })
    }

    /// Refuses a day that has not come.
    pub(crate) fn come(&self, day: Day) -> Result<(), Status> {
        if day > self.today {
            return Err(status::refusal(&Missing::NotCome { business_date: self.today }));
        }
        Ok(())
    }

    /// Of accounts that stand now, those that stood then. None of them: then their node was not known yet.
    fn then(&self, accounts: Vec<Named>, path: &str) -> Result<Vec<Named>, Status> {
        let first = accounts.iter().map(|account| account.number).min();
        let first = first.ok_or_else(|| status::refusal(&Missing::Node(path.to_owned())))?;
        if first > self.through {
            let missing = Missing::NotYet { subject: path.to_owned(), opened: Some(first.get()) };
            return Err(status::refusal(&missing));
        }
        Ok(accounts.into_iter().filter(|account| account.number <= self.through).collect())
    }
}

pub(crate) const fn basis_of(basis: DateBasis) -> Basis {
    match basis {
        DateBasis::Accounting => Basis::Accounting,
        DateBasis::Effective => Basis::Effective,
    }
}

/// The last record that was recorded by `time`, found by halves: recorded time never decreases.
pub(crate) fn last_by(
    handle: &Handle<Ledger>,
    time: Instant,
    last: Position,
) -> Result<Option<Position>, ReadError> {
    let recorded = |position: u64| {
        let record = handle.record(Position::new(position))?.ok_or(ReadError::Damaged)?;
        Ok::<_, ReadError>(RecordView::parse(&record).map_err(|_| ReadError::Damaged)?.header.recorded_time)
    };
    let (mut low, mut high) = (0, last.get() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if recorded(middle)? <= time {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low.checked_sub(1).map(Position::new))
}

/// What the record at `position` says of its time.
fn as_of_record(handle: &Handle<Ledger>, position: Position) -> Result<AsOf, ReadError> {
    let record = handle.record(position)?.ok_or(ReadError::Damaged)?;
    let header = RecordView::parse(&record).map_err(|_| ReadError::Damaged)?.header;
    Ok(wire::common::as_of(Some(position), header.recorded_time, header.business_date))
}

/// Runs what reads the disk where that is allowed.
pub(crate) async fn blocking<T: Send + 'static, E: Into<Status> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Status::from(Pushback::Stopped))?.map_err(Into::into)
}

impl Adapter {
    /// What was known at `known`, now when it is not given.
    pub(crate) async fn known(
        &self,
        handle: &Handle<Ledger>,
        known: Option<KnownBy>,
        at: &ReadAt,
    ) -> Result<Known, Status> {
        let nothing = || status::refusal(&Missing::NotYet { subject: String::new(), opened: None });
        let last = at.position.ok_or_else(nothing)?;
        let through = match known {
            None => last,
            Some(KnownBy::Position(position)) if position > last => {
                return Err(status::refusal(&Missing::Ahead { next: last.next().get() }));
            }
            Some(KnownBy::Position(position)) => position,
            Some(KnownBy::Time(time)) if time >= at.clock_time => {
                return Err(status::refusal(&Missing::NotCome { business_date: at.business_date }));
            }
            Some(KnownBy::Time(time)) => {
                let handle = handle.clone();
                blocking(move || last_by(&handle, time, last)).await?.ok_or_else(nothing)?
            }
        };
        let as_of = if through == last {
            as_of(at)
        } else {
            let handle = handle.clone();
            blocking(move || as_of_record(&handle, through)).await?
        };
        Ok(Known { through, as_of, today: at.business_date })
    }

    /// The accounts at or below `node` that were known, and the node's side.
    pub(crate) async fn below_then(
        &self,
        handle: &Handle<Ledger>,
        node: &ledger::NodePath,
        known: Option<KnownBy>,
        min_position: Option<Position>,
    ) -> Result<(Below, Known), Status> {
        let path = node.as_str().to_owned();
        let read = handle.read(min_position, move |state, at| {
            let side = state.node_at(&path).map_or(Side::Debit, |node| node.side);
            (accounts_below(state, Some(&path)), side, *at)
        });
        let (accounts, side, at) = read.await?;
        if accounts.is_empty() {
            return Err(status::refusal(&Missing::Node(node.as_str().to_owned())));
        }
        let known = self.known(handle, known, &at).await?;
        let accounts = known.then(accounts, node.as_str())?;
        Ok((Below { accounts, side }, known))
    }

    /// The totals of each account that `cut` holds.
    pub(crate) async fn totals_of(
        &self,
        handle: &Handle<Ledger>,
        accounts: &[Named],
        cut: Cut,
    ) -> Result<Vec<Totals>, Status> {
        let (index, handle) = (self.indexes.of(handle), handle.clone());
        let numbers: Vec<AccountNumber> = accounts.iter().map(|account| account.number).collect();
        blocking(move || index.totals(&handle, &numbers, &cut)).await
    }

    pub(crate) async fn past_balance(
        &self,
        handle: &Handle<Ledger>,
        node: &ledger::NodePath,
        asked: AskedAt,
        min_position: Option<Position>,
    ) -> Result<v1::GetBalanceResponse, Status> {
        let (below, known) = self.below_then(handle, node, asked.known, min_position).await?;
        let totals = self.totals_of(handle, &below.accounts, known.cut(asked.date)?).await?;
        let totals = totals.iter().fold(Totals::default(), |sum, totals| plus(&sum, totals));
        let view = NodeView { path: node.as_str(), side: below.side, totals, limit: None };
        Ok(v1::GetBalanceResponse { balance: Some(convert::balance(&view)), as_of: Some(known.as_of) })
    }

    pub(crate) async fn past_trial_balance(
        &self,
        handle: &Handle<Ledger>,
        asked: AskedAt,
        min_position: Option<Position>,
    ) -> Result<v1::GetTrialBalanceResponse, Status> {
        let read = handle.read(min_position, |state, at| (accounts_below(state, None), *at));
        let (accounts, at) = read.await?;
        let known = self.known(handle, asked.known, &at).await?;
        let accounts: Vec<Named> = accounts.into_iter().filter(|a| a.number <= known.through).collect();
        let totals = self.totals_of(handle, &accounts, known.cut(asked.date)?).await?;
        let sums = totals.iter().fold(Totals::default(), |sum, totals| plus(&sum, totals));
        let sums = convert::totals(&sums);
        let accounts = accounts.iter().zip(totals).map(|(account, totals)| {
            let Named { number, path, column, closed } = account;
            convert::account(&AccountView { number: *number, path, column: *column, closed: *closed, totals })
        });
        Ok(v1::GetTrialBalanceResponse {
            accounts: accounts.collect(),
            difference_pence: sums.debits_pence.saturating_sub(sums.credits_pence),
            sums: Some(sums),
            as_of: Some(known.as_of),
        })
    }

    /// Where lines stood, by path: all of them, or the one named.
    pub(crate) async fn past_lines(
        &self,
        handle: &Handle<Ledger>,
        line: Option<String>,
        asked: AskedAt,
        min_position: Option<Position>,
    ) -> Result<(BTreeMap<Arc<str>, LinePosition>, AsOf), Status> {
        let node = line.clone();
        let read = handle.read(min_position, move |state, at| {
            let lines: Vec<Arc<str>> = state.lines_after(None).map(|line| Arc::from(line.path)).collect();
            (accounts_below(state, node.as_deref()), lines, *at)
        });
        let (accounts, lines, at) = read.await?;
        let known = self.known(handle, asked.known, &at).await?;
        let accounts = match &line {
            Some(line) => known.then(accounts, line)?,
            None => accounts.into_iter().filter(|account| account.number <= known.through).collect(),
        };
        let totals = self.totals_of(handle, &accounts, known.cut(asked.date)?).await?;
        let mut positions: BTreeMap<Arc<str>, LinePosition> = BTreeMap::new();
        for (account, totals) in accounts.iter().zip(&totals) {
            let of = lines.iter().find(|line| below(Some(line), &account.path));
            if let Some(of) = of {
                let position = positions.entry(Arc::clone(of)).or_default();
                *position = position.plus(&LinePosition::of_account(account.column, totals));
            }
        }
        Ok((positions, known.as_of))
    }

    pub(crate) async fn past_line(
        &self,
        handle: &Handle<Ledger>,
        line: String,
        asked: AskedAt,
        min_position: Option<Position>,
    ) -> Result<v1::GetLinePositionResponse, Status> {
        let (positions, as_of) = self.past_lines(handle, Some(line.clone()), asked, min_position).await?;
        let position = positions.get(line.as_str());
        let position = position.ok_or_else(|| status::refusal(&Missing::Node(line.clone())))?;
        let position = convert::line(&LineView { path: &line, position: *position });
        Ok(v1::GetLinePositionResponse { position: Some(position), as_of: Some(as_of) })
    }
}
