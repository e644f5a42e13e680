//! The end of a line's year: accounts, the shut fund, what moves to the year after.
//!
//! Each step is a record of its own and may be repeated: what a step that was cut short left over, the next call moves.

use crate::{
    Adapter,
    write::{recorded, request},
};
use journal::{Day, Item, Outcome, RequestId, derived_request_id};
use ledger::{
    AccountPath, Command, Event, Ledger, NodePath, OpenAccount, ROLL_ACCOUNTS_MAX, ROLL_HOLDS_MAX, Refusal,
    RollForward, ShutFund,
};
use proto::ledger::v1;
use server::journals::Handle;
use std::sync::Arc;
use tonic::Status;
use wire::{Fields, ledger as convert, status};

/// Holds looked at in one read: the journal's thread does nothing else meanwhile.
const HOLDS_PER_READ: usize = 10_000;

/// Expenditure that a report about the old year may still bring.
const CLASSES: [&str; 4] = ["in-system", "other-nhs", "third-party", "written-off"];

/// One call's work on one line.
struct Work<'a> {
    handle: &'a Handle<Ledger>,
    request_id: RequestId,
    caller: &'a Arc<str>,
    line: NodePath,
    entries: Vec<v1::EntryName>,
    holds_moved: u64,
}

impl Adapter {
    pub(crate) async fn end_year(
        &self,
        caller: Arc<str>,
        message: v1::EndYearRequest,
    ) -> Result<v1::EndYearResponse, Status> {
        let v1::EndYearRequest { system, request_id, line, reason } = message;
        let mut fields = Fields::new();
        let known = (
            fields.system("system", &system),
            fields.request_id("request_id", &request_id),
            fields.parse::<NodePath>("line", &line),
            convert::reason_text(&mut fields, "reason", &reason),
        );
        let (system, request_id, line, reason) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        let mut work = Work {
            handle: &handle,
            request_id,
            caller: &caller,
            line: line.clone(),
            entries: Vec::new(),
            holds_moved: 0,
        };
        work.open_accounts().await?;
        let shut = Command::ShutFund(ShutFund { line, reason });
        let answer = handle.submit(request(request_id, &caller, None, shut, &mut Vec::new())).await?;
        let recorded = match &answer.outcome {
            Outcome::Accepted(_) => Some(recorded(&answer)),
            Outcome::Refused(Refusal::FundShut { account: None }) => None,
            Outcome::Refused(refusal) => return Err(status::refusal(refusal)),
        };
        work.roll_accounts().await?;
        work.roll_holds().await?;
        let Work { entries, holds_moved, .. } = work;
        Ok(v1::EndYearResponse { recorded, entries, holds_moved })
    }
}

impl Work<'_> {
    /// Opens what the year's end needs and does not stand yet.
    async fn open_accounts(&self) -> Result<(), Status> {
        let line = self.line.clone();
        let read = self.handle.read(None, move |state, _| {
            state.line_at(line.as_str())?;
            let mut paths = state.year_end_paths(line.as_str());
            let next = paths.iter().find_map(|path| {
                let next = path.strip_suffix("/out/transferred")?;
                (next != line.as_str()).then(|| next.to_owned())
            });
            if let Some(next) = next.filter(|next| next.split('/').nth(1) == Some("elective")) {
                paths.extend(CLASSES.map(|class| format!("{next}/fund/expenditure/{class}")));
            }
            paths.retain(|path| state.account_at(path).is_none());
            Some(paths)
        });
        let Some(paths) = read.await? else { return Err(status::refusal(&Refusal::LineUnknown)) };
        for path in paths {
            let id = derived_request_id("end-year-open", self.request_id, path.as_bytes());
            // Every path was made from one of the chart's, with another year.
            let path: AccountPath = path.parse().map_err(|_| status::damaged())?;
            let command = Command::OpenAccount(OpenAccount { path });
            self.handle.submit(request(id, self.caller, None, command, &mut Vec::new())).await?;
        }
        Ok(())
    }

    async fn roll_accounts(&mut self) -> Result<(), Status> {
        let line = self.line.clone();
        let read = self.handle.read(None, move |state, _| state.to_roll_forward(line.as_str()));
        let accounts = read.await?;
        for accounts in accounts.chunks(ROLL_ACCOUNTS_MAX) {
            self.roll(accounts.to_vec(), Vec::new()).await?;
        }
        Ok(())
    }

    async fn roll_holds(&mut self) -> Result<(), Status> {
        let mut after: Option<(Day, RequestId)> = None;
        loop {
            let line = self.line.clone();
            let read = self.handle.read(None, move |state, _| {
                let (mut holds, mut last) = (Vec::new(), None);
                for hold in state.holds_after(after).take(HOLDS_PER_READ) {
                    last = Some((hold.expires, hold.name));
                    if state.holds_on_shut_fund(hold.name, line.as_str()) {
                        holds.push(hold.name);
                    }
                }
                (holds, last)
            });
            let (holds, last) = read.await?;
            for holds in holds.chunks(ROLL_HOLDS_MAX) {
                self.roll(Vec::new(), holds.to_vec()).await?;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }

    async fn roll(
        &mut self,
        accounts: Vec<journal::AccountNumber>,
        holds: Vec<RequestId>,
    ) -> Result<(), Status> {
        let moved = holds.len();
        let command = Command::RollForward(RollForward { line: self.line.clone(), accounts, holds });
        // What a call moves depends on what is left to move, so its steps are named by their content.
        let mut content = Vec::new();
        command.content(None, &mut content);
        let id = derived_request_id("end-year-roll", self.request_id, &content);
        let answer = self.handle.submit(request(id, self.caller, None, command, &mut content)).await?;
        match &answer.outcome {
            Outcome::Accepted(events) => {
                let held =
                    events.first().map_or(0, |event| event.posted().iter().map(|p| p.held.len()).sum());
                debug_assert!(held / 2 <= moved);
                self.holds_moved += u64::try_from(held / 2).unwrap_or(u64::MAX);
                let name = Item { position: answer.position, index: 0 };
                self.entries.push(v1::EntryName { position: name.position.get(), index: 0 });
                debug_assert!(matches!(events.first(), Some(Event::Posted(_))));
                Ok(())
            }
            // Somebody else moved them meanwhile.
            Outcome::Refused(Refusal::Empty) => Ok(()),
            Outcome::Refused(refusal) => Err(status::refusal(refusal)),
        }
    }
}
