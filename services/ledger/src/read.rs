//! Reads of the state: accounts, balances, lines, holds, limits, windows, months.

use crate::{Adapter, adapter::at_least};
use access::{Caller, Role};
use journal::{Day, Position, RequestId};
use ledger::{Ledger, LinePosition, LineView, State};
use nhs::OdsCode;
use proto::{common::v1::AsOf, ledger::v1};
use server::journals::{Handle, ReadAt};
use tonic::Status;
use wire::{
    Cursor, Fields, Page, common,
    ledger::{self as convert, AskedAt, KnownBy, Missing},
    status,
};

pub(crate) fn as_of(at: &ReadAt) -> AsOf {
    common::as_of(at.position, at.recorded_time, at.business_date)
}

/// Whether `path` is `node` or stands below it; everything does when there is no node.
pub(crate) fn below(node: Option<&str>, path: &str) -> bool {
    node.is_none_or(|node| {
        path.strip_prefix(node).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The position as of which a listing is: that of its first page.
fn began(page: &Page, at: &ReadAt) -> Position {
    page.cursor.as_ref().map(|cursor| cursor.position).or(at.position).unwrap_or(Position::FIRST)
}

/// The first `size` items with the key of the last when more follow.
fn cut<M>(size: usize, items: impl Iterator<Item = (Vec<u8>, M)>) -> (Vec<M>, Option<Vec<u8>>) {
    let (mut messages, mut last) = (Vec::new(), None);
    for (key, message) in items {
        if messages.len() == size {
            return (messages, last);
        }
        messages.push(message);
        last = Some(key);
    }
    (messages, None)
}

fn text_cursor(page: &Page) -> Option<String> {
    page.cursor.as_ref().and_then(|cursor| String::from_utf8(cursor.last.clone()).ok())
}

impl Adapter {
    pub(crate) async fn read_account(
        &self,
        request: v1::GetAccountRequest,
    ) -> Result<v1::GetAccountResponse, Status> {
        let v1::GetAccountRequest { system, account, min_position } = request;
        let mut fields = Fields::new();
        let (system, name) =
            (fields.system("system", &system), convert::account_name(&mut fields, account.as_ref()));
        let (system, name) = fields.known((system, name))?;
        let handle = self.journal(&system).await?;
        let subject = name.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        let read = handle.read(at_least(min_position), move |state, at| {
            let account = match &name {
                Ok(number) => state.account(*number),
                Err(path) => state.account_at(path.as_str()),
            };
            (account.as_ref().map(convert::account), as_of(at))
        });
        let (account, as_of) = read.await?;
        let account = account.ok_or_else(|| status::refusal(&Missing::Account(subject)))?;
        Ok(v1::GetAccountResponse { account: Some(account), as_of: Some(as_of) })
    }

    pub(crate) async fn read_accounts(
        &self,
        mut request: v1::ListAccountsRequest,
    ) -> Result<v1::ListAccountsResponse, Status> {
        let (page, min_position) = (request.page.take(), request.min_position.take());
        let mut fields = Fields::new();
        let page = self.page_key.page(&mut fields, "page", page, &request);
        let v1::ListAccountsRequest { system, node, page: _, min_position: _ } = request;
        let known = (fields.system("system", &system), convert::node(&mut fields, "node", &node), page);
        let (system, node, page) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let asked = page.clone();
        let read = handle.read(at_least(min_position), move |state, at| {
            let (began, after, node) =
                (began(&page, at), text_cursor(&page), node.as_ref().map(ledger::NodePath::as_str));
            let accounts = state
                .accounts_after(after.as_deref())
                .filter(|account| account.number <= began && below(node, account.path))
                .map(|account| (account.path.as_bytes().to_vec(), convert::account(&account)));
            let (accounts, last) = cut(page.size, accounts);
            (accounts, last.map(|last| Cursor { position: began, last }), as_of(at))
        });
        let (accounts, next, as_of) = read.await?;
        let page = self.page_key.response(&asked, next.as_ref());
        Ok(v1::ListAccountsResponse { accounts, page: Some(page), as_of: Some(as_of) })
    }

    pub(crate) async fn read_balance(
        &self,
        request: v1::GetBalanceRequest,
    ) -> Result<v1::GetBalanceResponse, Status> {
        let v1::GetBalanceRequest { system, path, min_position, at } = request;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.parse::<ledger::NodePath>("path", &path),
            convert::asked_at(&mut fields, "at", at),
        );
        let (system, node, asked) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        if let Some(asked) = asked {
            return self.past_balance(&handle, &node, asked, at_least(min_position)).await;
        }
        let read = handle.read(at_least(min_position), move |state, at| {
            (state.node_at(node.as_str()).as_ref().map(convert::balance), as_of(at))
        });
        let (balance, as_of) = read.await?;
        let balance = balance.ok_or_else(|| status::refusal(&Missing::Node(path)))?;
        Ok(v1::GetBalanceResponse { balance: Some(balance), as_of: Some(as_of) })
    }

    pub(crate) async fn read_trial_balance(
        &self,
        request: v1::GetTrialBalanceRequest,
    ) -> Result<v1::GetTrialBalanceResponse, Status> {
        let v1::GetTrialBalanceRequest { system, min_position, at } = request;
        let mut fields = Fields::new();
        let known = (fields.system("system", &system), convert::asked_at(&mut fields, "at", at));
        let (system, asked) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        if let Some(asked) = asked {
            return self.past_trial_balance(&handle, asked, at_least(min_position)).await;
        }
        let read = handle.read(at_least(min_position), |state, at| {
            let accounts = state.accounts_after(None).map(|account| convert::account(&account)).collect();
            (accounts, convert::totals(&state.sums()), as_of(at))
        });
        let (accounts, sums, as_of) = read.await?;
        Ok(v1::GetTrialBalanceResponse {
            accounts,
            difference_pence: sums.debits_pence.saturating_sub(sums.credits_pence),
            sums: Some(sums),
            as_of: Some(as_of),
        })
    }

    pub(crate) async fn read_line(
        &self,
        request: v1::GetLinePositionRequest,
    ) -> Result<v1::GetLinePositionResponse, Status> {
        let v1::GetLinePositionRequest { system, line, min_position, at } = request;
        let mut fields = Fields::new();
        let known = (fields.system("system", &system), convert::asked_at(&mut fields, "at", at));
        let (system, asked) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        if let Some(asked) = asked {
            return self.past_line(&handle, line, asked, at_least(min_position)).await;
        }
        let asked = line.clone();
        let read = handle.read(at_least(min_position), move |state, at| {
            (state.line_at(&asked).as_ref().map(|line| standing(state, line)), as_of(at))
        });
        let (position, as_of) = read.await?;
        let position = position.ok_or_else(|| status::refusal(&Missing::Node(line)))?;
        Ok(v1::GetLinePositionResponse { position: Some(position), as_of: Some(as_of) })
    }

    pub(crate) async fn read_lines(
        &self,
        mut request: v1::ListLinePositionsRequest,
    ) -> Result<v1::ListLinePositionsResponse, Status> {
        let (page, min_position) = (request.page.take(), request.min_position.take());
        let mut fields = Fields::new();
        let page = self.page_key.page(&mut fields, "page", page, &request);
        let v1::ListLinePositionsRequest { system, at, page: _, min_position: _ } = request;
        let known = (fields.system("system", &system), convert::asked_at(&mut fields, "at", at), page);
        let (system, asked, page) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        if let Some(asked) = asked {
            return self.lines_then(&handle, asked, &page, at_least(min_position)).await;
        }
        let asked = page.clone();
        let read = handle.read(at_least(min_position), move |state, at| {
            let after = text_cursor(&page);
            let lines = state.lines_after(after.as_deref());
            let lines = lines.map(|line| (line.path.as_bytes().to_vec(), standing(state, &line)));
            let (lines, last) = cut(page.size, lines);
            let next = last.map(|last| Cursor { position: began(&page, at), last });
            (lines, convert::line_sum("", &sum_of_lines(state)), next, as_of(at))
        });
        let (positions, sum, next, as_of) = read.await?;
        let page = self.page_key.response(&asked, next.as_ref());
        Ok(v1::ListLinePositionsResponse { positions, sum: Some(sum), page: Some(page), as_of: Some(as_of) })
    }

    /// Where lines stood. Every page is of what was known when the first was read.
    async fn lines_then(
        &self,
        handle: &Handle<Ledger>,
        asked: AskedAt,
        page: &Page,
        min_position: Option<Position>,
    ) -> Result<v1::ListLinePositionsResponse, Status> {
        let began = page.cursor.as_ref().map(|cursor| KnownBy::Position(cursor.position));
        let asked = AskedAt { known: began.or(asked.known), ..asked };
        let (lines, as_of) = self.past_lines(handle, None, asked, min_position).await?;
        let sum = lines.values().fold(LinePosition::default(), |sum, position| sum.plus(position));
        let after = text_cursor(page);
        let rest = lines.iter().filter(|(path, _)| after.as_deref().is_none_or(|after| &***path > after));
        let rest = rest.map(|(path, position)| {
            let line = convert::line(&LineView { path, position: *position });
            (path.as_bytes().to_vec(), line)
        });
        let (positions, last) = cut(page.size, rest);
        let position = Position::new(as_of.position.unwrap_or_default());
        let next = last.map(|last| Cursor { position, last });
        Ok(v1::ListLinePositionsResponse {
            positions,
            sum: Some(convert::line_sum("", &sum)),
            page: Some(self.page_key.response(page, next.as_ref())),
            as_of: Some(as_of),
        })
    }

    pub(crate) async fn read_holds(
        &self,
        mut request: v1::ListHoldsRequest,
    ) -> Result<v1::ListHoldsResponse, Status> {
        let (page, min_position) = (request.page.take(), request.min_position.take());
        let mut fields = Fields::new();
        let page = self.page_key.page(&mut fields, "page", page, &request);
        let v1::ListHoldsRequest { system, node, page: _, min_position: _ } = request;
        let known = (fields.system("system", &system), convert::node(&mut fields, "node", &node), page);
        let (system, node, page) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let asked = page.clone();
        let read = handle.read(at_least(min_position), move |state, at| {
            let (began, node) = (began(&page, at), node.as_ref().map(ledger::NodePath::as_str));
            let after = page.cursor.as_ref().and_then(|cursor| hold_key(&cursor.last));
            let holds = state
                .holds_after(after)
                .filter(|hold| hold.placed_by <= began && below(node, hold.path))
                .map(|hold| (encode_hold_key(hold.expires, hold.name), convert::hold(&hold)));
            let (holds, last) = cut(page.size, holds);
            let open = u64::try_from(state.hold_count()).unwrap_or(u64::MAX);
            (holds, open, last.map(|last| Cursor { position: began, last }), as_of(at))
        });
        let (holds, open_count, next, as_of) = read.await?;
        let page = self.page_key.response(&asked, next.as_ref());
        Ok(v1::ListHoldsResponse { holds, page: Some(page), open_count, as_of: Some(as_of) })
    }

    pub(crate) async fn read_limits(
        &self,
        request: v1::ListLimitsRequest,
    ) -> Result<v1::ListLimitsResponse, Status> {
        let v1::ListLimitsRequest { system, min_position } = request;
        let handle = self.journal_named(&system).await?;
        let read = handle.read(at_least(min_position), |state, at| {
            let nodes = state.limits_in_force().map(|limit| convert::balance(&limit.node)).collect();
            v1::ListLimitsResponse { nodes, as_of: Some(as_of(at)) }
        });
        Ok(read.await?)
    }

    /// A provider sees its own windows only.
    pub(crate) async fn read_windows(
        &self,
        caller: &Caller,
        mut request: v1::ListWindowsRequest,
    ) -> Result<v1::ListWindowsResponse, Status> {
        let (page, min_position) = (request.page.take(), request.min_position.take());
        let mut fields = Fields::new();
        let page = self.page_key.page(&mut fields, "page", page, &request);
        let v1::ListWindowsRequest { system, payer, payee, open_only, page: _, min_position: _ } = request;
        let system = fields.system("system", &system);
        let (system, page) = fields.known((system, page))?;
        let all = [Role::Service, Role::FinancePreparer, Role::FinanceApprover, Role::Auditor];
        let own = payee.parse::<OdsCode>().is_ok_and(|payee| caller.acts_for(payee));
        if !own && !all.into_iter().any(|role| caller.has(role)) {
            return Err(status::not_yours());
        }
        let handle = self.journal(&system).await?;
        let asked = page.clone();
        let read = handle.read(at_least(min_position), move |state, at| {
            let began = began(&page, at);
            let from =
                page.cursor.as_ref().and_then(|cursor| index_key(&cursor.last)).map_or(0, |last| last + 1);
            let wanted = |name: &str, filter: &str| filter.is_empty() || name == filter;
            let windows = state
                .windows_from(from)
                .filter(|window| wanted(window.payer, &payer) && wanted(window.payee, &payee))
                .filter(|window| !open_only || !window.sealed || window.paid != window.total)
                .map(|window| (window.index.to_be_bytes().to_vec(), convert::window(&window)));
            let (windows, last) = cut(page.size, windows);
            (windows, last.map(|last| Cursor { position: began, last }), as_of(at))
        });
        let (windows, next, as_of) = read.await?;
        let page = self.page_key.response(&asked, next.as_ref());
        Ok(v1::ListWindowsResponse { windows, page: Some(page), as_of: Some(as_of) })
    }

    pub(crate) async fn read_closed_periods(
        &self,
        request: v1::ListClosedPeriodsRequest,
    ) -> Result<v1::ListClosedPeriodsResponse, Status> {
        let v1::ListClosedPeriodsRequest { system, min_position } = request;
        let handle = self.journal_named(&system).await?;
        let read = handle.read(at_least(min_position), |state, at| v1::ListClosedPeriodsResponse {
            periods: state.closed_periods().map(|period| period.to_string()).collect(),
            as_of: Some(as_of(at)),
        });
        Ok(read.await?)
    }
}

/// A line's position, and whether its year is ended.
fn standing(state: &State, line: &LineView<'_>) -> v1::LinePosition {
    v1::LinePosition { fund_shut: state.is_fund_shut(line.path), ..convert::line(line) }
}

fn sum_of_lines(state: &State) -> LinePosition {
    state.lines_after(None).fold(LinePosition::default(), |sum, line| sum.plus(&line.position))
}

fn encode_hold_key(expires: Day, name: RequestId) -> Vec<u8> {
    [&expires.get().to_be_bytes()[..], &name.to_bytes()].concat()
}

fn hold_key(bytes: &[u8]) -> Option<(Day, RequestId)> {
    let (day, name) = bytes.split_first_chunk::<4>()?;
    let name = RequestId::from_bytes(name.try_into().ok()?).ok()?;
    Some((Day::new(i32::from_be_bytes(*day)), name))
}

fn index_key(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}
