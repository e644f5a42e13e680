//! Writes of one command, and the opening of accounts.

use crate::{Adapter, entries, read::as_of};
use journal::{Domain as _, Outcome, RequestId, derived_request_id, fingerprint};
use ledger::{AccountPath, Command, Event, Ledger, OpenAccount, Posting, Reverse, SealWindows};
use proto::{common::v1::Recorded, ledger::v1};
use server::journals::{Answer, Handle, Request};
use std::sync::Arc;
use tonic::Status;
use wire::{Fields, common, ledger as convert, status};

/// A request for the engine: its fingerprint is of what the caller asked.
pub(crate) fn request(
    request_id: RequestId,
    caller: &Arc<str>,
    cause: Option<journal::Cause>,
    command: Command,
    scratch: &mut Vec<u8>,
) -> Request<Ledger> {
    command.content(cause, scratch);
    Request::<Ledger> {
        request_id,
        fingerprint: fingerprint(scratch),
        caller: Arc::clone(caller),
        cause,
        command,
    }
}

pub(crate) fn recorded(answer: &Answer<Ledger>) -> Recorded {
    common::recorded(
        answer.position,
        answer.leaf,
        answer.recorded_time,
        answer.business_date,
        answer.replayed,
    )
}

/// The event of an accepted command, or its refusal as a status.
pub(crate) fn event(
    outcome: &Outcome<Event, <Ledger as journal::Domain>::Refusal>,
) -> Result<&Event, Status> {
    match outcome {
        Outcome::Accepted(events) => events.first().ok_or_else(status::damaged),
        Outcome::Refused(refusal) => Err(status::refusal(refusal)),
    }
}

impl Adapter {
    /// Records one command.
    pub(crate) async fn submit(
        &self,
        handle: &Handle<Ledger>,
        request_id: RequestId,
        caller: &Arc<str>,
        command: Command,
    ) -> Result<Answer<Ledger>, Status> {
        let answer = handle.submit(request(request_id, caller, None, command, &mut Vec::new())).await?;
        event(&answer.outcome)?;
        Ok(answer)
    }

    pub(crate) async fn open_accounts(
        &self,
        caller: Arc<str>,
        message: v1::OpenAccountsRequest,
    ) -> Result<v1::OpenAccountsResponse, Status> {
        let v1::OpenAccountsRequest { system, request_id, paths } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            convert::opened_paths(&mut fields, &paths),
        );
        let (system, request_id, paths) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let asked = paths.clone();
        let missing = handle.read(None, move |state, _| {
            asked.into_iter().filter(|path| state.account_at(path.as_str()).is_none()).collect::<Vec<_>>()
        });
        let mut scratch = Vec::new();
        let open = |path: AccountPath| {
            let id = derived_request_id("open-account", request_id, path.as_str().as_bytes());
            request(id, &caller, None, Command::OpenAccount(OpenAccount { path }), &mut scratch)
        };
        let requests = missing.await?.into_iter().map(open).collect();
        let mut last = None;
        for answer in handle.submit_many(requests).await? {
            let answer = answer?;
            event(&answer.outcome)?;
            last = last.max(Some(answer.position));
        }
        let read = handle.read(last, move |state, at| {
            let accounts = paths.iter().filter_map(|path| state.account_at(path.as_str()));
            let accounts = accounts.map(|account| convert::account(&account)).collect();
            v1::OpenAccountsResponse { accounts, as_of: Some(as_of(at)) }
        });
        Ok(read.await?)
    }

    pub(crate) async fn close_account(
        &self,
        caller: Arc<str>,
        message: v1::CloseAccountRequest,
    ) -> Result<v1::CloseAccountResponse, Status> {
        let v1::CloseAccountRequest { system, request_id, account } = message;
        let mut fields = Fields::new();
        let known = (fields.system("system", &system), fields.request_id("request_id", &request_id));
        let (system, request_id) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let command = Command::CloseAccount { account: journal::Position::new(account) };
        let answer = self.submit(&handle, request_id, &caller, command).await?;
        Ok(v1::CloseAccountResponse { recorded: Some(recorded(&answer)) })
    }

    pub(crate) async fn reverse_entry(
        &self,
        caller: Arc<str>,
        message: v1::ReverseEntryRequest,
    ) -> Result<v1::ReverseEntryResponse, Status> {
        let v1::ReverseEntryRequest { system, request_id, entry, reason } = message;
        let mut fields = Fields::new();
        let name = fields.required("entry", entry);
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            name.and_then(|name| fields.within("entry", |fields| convert::entry_name(fields, &name))),
            convert::reason_text(&mut fields, "reason", &reason),
        );
        let (system, request_id, entry, reason) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let found = entries::find(&handle, entry)?;
        let today = handle.read(None, |_, at| at.business_date).await?;
        let (posting, posted) = found.parts();
        let posting = Posting::reversal_of(entry, posting, posted, today);
        let keys = convert::window_keys(&posting);
        let command = Command::Reverse(Reverse { entry, reason, posting });
        let answer = self.submit(&handle, request_id, &caller, command).await?;
        let posted = event(&answer.outcome)?.posted().first().ok_or_else(status::damaged)?;
        let name = journal::Item { position: answer.position, index: 0 };
        let result = convert::posted(Some((name, answer.leaf)), answer.replayed, &keys, posted);
        Ok(v1::ReverseEntryResponse { recorded: Some(recorded(&answer)), result: Some(result) })
    }

    pub(crate) async fn set_limit(
        &self,
        caller: Arc<str>,
        message: v1::SetLimitRequest,
    ) -> Result<v1::SetLimitResponse, Status> {
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &message.system),
            fields.request_id("request_id", &message.request_id),
            convert::limit(&mut fields, &message),
        );
        let (system, request_id, limit) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let answer = self.submit(&handle, request_id, &caller, Command::SetLimit(limit)).await?;
        let Event::LimitSet { replaces, outside } = event(&answer.outcome)? else {
            return Err(status::damaged());
        };
        Ok(v1::SetLimitResponse {
            recorded: Some(recorded(&answer)),
            replaces: replaces.map(journal::Position::get),
            outside: *outside,
        })
    }

    pub(crate) async fn seal_windows(
        &self,
        caller: Arc<str>,
        message: v1::SealWindowsRequest,
    ) -> Result<v1::SealWindowsResponse, Status> {
        let v1::SealWindowsRequest { system, request_id, windows } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            convert::windows(&mut fields, &windows),
        );
        let (system, request_id, windows) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let names = windows.clone();
        let command = Command::SealWindows(SealWindows { windows });
        let answer = self.submit(&handle, request_id, &caller, command).await?;
        let read = handle.read(Some(answer.position), move |state, _| {
            let find = |name: &ledger::WindowName| state.window_named(&name.payer, &name.payee, name.key);
            names.iter().filter_map(find).map(|window| convert::window(&window)).collect()
        });
        Ok(v1::SealWindowsResponse { recorded: Some(recorded(&answer)), windows: read.await? })
    }
}

/// What the ledger would answer, without recording anything.
pub(crate) fn decided(
    state: &ledger::State,
    at: &server::journals::ReadAt,
    request_id: RequestId,
    command: &Command,
) -> Result<Event, ledger::Refusal> {
    let moment = journal::Moment {
        position: at.position.map_or(journal::Position::FIRST, journal::Position::next),
        recorded_time: at.recorded_time,
        business_date: at.business_date,
        request_id,
        // Only what takes two people looks at it, and that is never only checked.
        caller: journal::Position::FIRST,
    };
    let mut events = Ledger::decide(state, &moment, command)?;
    Ok(events.remove(0))
}
