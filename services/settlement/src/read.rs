//! The reading calls.

use crate::{
    Adapter,
    adapter::fresh_id,
    pay::{io_failed, run_of},
};
use access::{Caller, Identity, Role};
use journal::{Digest, Position};
use proto::{common::v1::AsOf, settlement::v1};
use server::journals::ReadAt;
use settlement::{FileKind, InstalmentKey, Payee, Refusal};
use tonic::Status;
use wire::{
    Cursor, Fields, Page, Pushback, common,
    settlement::{
        Unable,
        inward::{self, PaymentFilter},
        outward,
    },
    status,
};

pub(crate) fn as_of(at: &ReadAt) -> AsOf {
    common::as_of(at.position, at.recorded_time, at.business_date)
}

/// One page of rows: `size` of them, and whether more follow.
fn cut<R>(rows: impl Iterator<Item = R>, size: usize) -> (Vec<R>, bool) {
    let mut rows = rows.peekable();
    let page: Vec<R> = rows.by_ref().take(size).collect();
    let more = rows.peek().is_some();
    (page, more)
}

/// Where a listing goes on after `last`, the key of the last row of a page.
fn next(page: &Page, at: &ReadAt, more: bool, last: Option<Vec<u8>>) -> Option<Cursor> {
    let began = page.cursor.as_ref().map(|cursor| cursor.position).or(at.position).unwrap_or(Position::FIRST);
    last.filter(|_| more).map(|last| Cursor { position: began, last })
}

/// A count as a page's key.
fn count_key(count: usize) -> Vec<u8> {
    u64::try_from(count).unwrap_or(u64::MAX).to_le_bytes().to_vec()
}

fn count_from(page: &Page) -> usize {
    let bytes = page.cursor.as_ref().and_then(|cursor| <[u8; 8]>::try_from(cursor.last.as_slice()).ok());
    bytes.and_then(|bytes| usize::try_from(u64::from_le_bytes(bytes)).ok()).unwrap_or(0)
}

/// Whether a caller may see what concerns `payee`: organisations only their own, people and services what their roles say.
pub(crate) fn may_see(caller: &Caller, payee: Option<&Payee>) -> Result<(), Status> {
    let own = || payee.and_then(Payee::organisation).is_some_and(|payee| caller.acts_for(payee));
    let restricted = match caller.identity() {
        Identity::Organisation(_) => true,
        Identity::Person(_) => {
            let wide = [Role::FinancePreparer, Role::FinanceApprover, Role::ControlledFinance, Role::Auditor];
            !wide.iter().any(|role| caller.has(*role))
        }
        Identity::Service(_) => false,
    };
    if restricted && !own() { Err(status::not_yours()) } else { Ok(()) }
}

impl Adapter {
    pub(crate) async fn read_run(
        &self,
        _: &Caller,
        message: v1::GetRunRequest,
    ) -> Result<v1::GetRunResponse, Status> {
        let (system, run, min_position) = inward::get_run(&message)?;
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position, move |state, at| {
            let of = state.run(run)?;
            Some((outward::run(of, state.asks_of(run)), outward::rows(of), *at))
        });
        let (run, rows, at) = read.await?.ok_or_else(|| status::refusal(&Refusal::RunUnknown))?;
        Ok(v1::GetRunResponse { run: Some(run), rows, as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn list_of_runs(
        &self,
        _: &Caller,
        mut message: v1::ListRunsRequest,
    ) -> Result<v1::ListRunsResponse, Status> {
        let mut fields = Fields::new();
        let (asked, min_position) = (message.page.take(), message.min_position.take());
        let page = self.pages().page(&mut fields, "page", asked, &message);
        let system = fields.system("system", &message.system);
        let (page, system) = fields.known((page, system))?;
        let handle = self.journal(&system).await?;
        let (skipped, size) = (count_from(&page), page.size);
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            let runs = state.runs_from(skipped).map(|run| outward::run(run, state.asks_of(run.id)));
            (cut(runs, size), *at)
        });
        let ((runs, more), at) = read.await?;
        let last = count_key(skipped.saturating_add(runs.len()));
        let next = self.pages().response(&page, next(&page, &at, more, Some(last)).as_ref());
        Ok(v1::ListRunsResponse { runs, page: Some(next), as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn list_of_payments(
        &self,
        caller: &Caller,
        mut message: v1::ListPaymentsRequest,
    ) -> Result<v1::ListPaymentsResponse, Status> {
        let mut fields = Fields::new();
        let (asked, min_position) = (message.page.take(), message.min_position.take());
        let page = self.pages().page(&mut fields, "page", asked, &message);
        let filter = inward::list_payments(&mut fields, &message);
        let (page, (system, filter)) = fields.known((page, filter))?;
        may_see(caller, filter.payee.as_ref())?;
        let handle = self.journal(&system).await?;
        let (skipped, size) = (count_from(&page), page.size);
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            let PaymentFilter { run, payer, payee } = filter;
            let of = state.runs_from(0).filter(|of| run.is_none_or(|run| of.id == run));
            let payments = of.flat_map(|of| of.payments.keys().map(move |row| (of, *row)));
            let wanted = payments.filter(|(of, row)| {
                of.content.row(*row).is_some_and(|row| {
                    payer.is_none_or(|payer| row.line.payer == payer)
                        && payee.as_ref().is_none_or(|payee| row.payee == *payee)
                })
            });
            let payments = wanted.skip(skipped).filter_map(|(of, row)| outward::payment(of, row));
            (cut(payments, size), *at)
        });
        let ((payments, more), at) = read.await?;
        let last = count_key(skipped.saturating_add(payments.len()));
        let next = self.pages().response(&page, next(&page, &at, more, Some(last)).as_ref());
        Ok(v1::ListPaymentsResponse { payments, page: Some(next), as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn list_of_instalments(
        &self,
        _: &Caller,
        mut message: v1::ListInstalmentsRequest,
    ) -> Result<v1::ListInstalmentsResponse, Status> {
        let mut fields = Fields::new();
        let (asked, min_position) = (message.page.take(), message.min_position.take());
        let page = self.pages().page(&mut fields, "page", asked, &message);
        let system = fields.system("system", &message.system);
        let (page, system) = fields.known((page, system))?;
        let handle = self.journal(&system).await?;
        let after =
            page.cursor.as_ref().and_then(|cursor| minicbor::decode::<InstalmentKey>(&cursor.last).ok());
        let size = page.size;
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            let rows = state.instalments().filter(|row| after.is_none_or(|after| row.due.key > after));
            (cut(rows.cloned(), size), *at)
        });
        let ((rows, more), at) = read.await?;
        let last = rows.last().and_then(|row| minicbor::to_vec(row.due.key).ok());
        let next = self.pages().response(&page, next(&page, &at, more, last).as_ref());
        Ok(v1::ListInstalmentsResponse {
            instalments: rows.iter().map(outward::instalment).collect(),
            page: Some(next),
            as_of: Some(as_of(&at)),
        })
    }

    pub(crate) async fn read_file(
        &self,
        caller: &Caller,
        message: v1::GetFileRequest,
    ) -> Result<v1::GetFileResponse, Status> {
        let (system, run, name) = inward::get_file(message)?;
        let handle = self.journal(&system).await?;
        let of = run_of(&handle, run).await?.ok_or_else(|| status::refusal(&Refusal::RunUnknown))?;
        let file = of.files.iter().flatten().find(|file| file.name == name).cloned();
        let file = file.ok_or_else(|| status::refusal(&Unable::FileUnknown))?;
        if file.kind == FileKind::ControlledPayments {
            if !caller.has(Role::ControlledFinance) {
                return Err(status::not_yours());
            }
            // A read of personal data is noted in identity's journal before the answer.
            self.people_of(&handle, &of, fresh_id()?).await?;
        }
        let folder = self.folder(&system);
        let read = tokio::task::spawn_blocking(move || folder.read(&name)).await;
        let content =
            read.map_err(|_| Status::from(Pushback::Stopped))?.map_err(|error| io_failed(&error))?;
        let same = |bytes: &Vec<u8>| Digest::of(bytes) == file.digest;
        let content = content.filter(same).ok_or_else(|| status::refusal(&Unable::FileDiffers))?;
        Ok(v1::GetFileResponse { file: Some(outward::file(&file)), content })
    }
}
