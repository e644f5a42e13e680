//! The reading calls.

use crate::Adapter;
use journal::{Day, Digest, Instant, Position, SystemName};
use proto::{common::v1::AsOf, registry::v1};
use reference::{ContractId, Snapshot};
use registry::{Content, Refusal, State};
use server::journals::{Clock as _, ReadAt, service_urn};
use std::sync::{Arc, PoisonError};
use tonic::Status;
use wire::{
    Cursor, Fields, Page, common,
    registry::{inward, outward},
    status,
};

/// A snapshot's blob.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    positions: Positions,
    content: Arc<[u8]>,
    sha256: Digest,
}

/// The last records of the two journals that changed a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Positions {
    national: Option<Position>,
    own: Option<Position>,
}

fn as_of(at: &ReadAt) -> AsOf {
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

impl Adapter {
    pub(crate) async fn read_system(
        &self,
        request: v1::GetSystemRequest,
    ) -> Result<v1::GetSystemResponse, Status> {
        let v1::GetSystemRequest { system } = request;
        let mut fields = Fields::new();
        let name = fields.system("system", &system);
        let (name,) = fields.known((name,))?;
        let handle = self.journal(&name).await?;
        let asked = name.clone();
        let found = self.national().read(None, move |state, at| {
            let system = state.system(asked.as_str()).cloned();
            system.map(|system| (outward::system(system, state.clock_start(asked.as_str())), as_of(at)))
        });
        let (system, as_of) = found.await?.ok_or_else(status::system_unknown)?;
        let clock_time = if handle.is_sandbox() {
            // A time that has passed changes nothing and answers what the clock shows.
            handle
                .advance_clock(Instant::from_micros(i64::MIN), service_urn(journal::Service::Registry))
                .await?
        } else {
            self.clock().now()
        };
        let clock_time = Some(common::timestamp(clock_time));
        Ok(v1::GetSystemResponse { system: Some(system), clock_time, as_of: Some(as_of) })
    }

    pub(crate) async fn read_systems(&self) -> Result<v1::ListSystemsResponse, Status> {
        let read = self.national().read(None, |state, at| {
            let systems = state.systems().cloned().map(|system| {
                let clock_start = state.clock_start(&system.name);
                outward::system(system, clock_start)
            });
            v1::ListSystemsResponse { systems: systems.collect(), as_of: Some(as_of(at)) }
        });
        Ok(read.await?)
    }

    pub(crate) async fn read_organisation(
        &self,
        request: v1::GetOrganisationRequest,
    ) -> Result<v1::GetOrganisationResponse, Status> {
        let v1::GetOrganisationRequest { ods, min_position } = request;
        let mut fields = Fields::new();
        let ods = fields.parse("ods", &ods);
        let (ods,) = fields.known((ods,))?;
        let read = self.national().read(min_position.map(Position::new), move |state, at| {
            state.organisation(ods).cloned().map(|row| (row, as_of(at)))
        });
        let found = read.await?.ok_or_else(|| status::refusal(&Refusal::OrganisationUnknown { ods }))?;
        let (organisation, as_of) = (outward::organisation(found.0), found.1);
        Ok(v1::GetOrganisationResponse { organisation: Some(organisation), as_of: Some(as_of) })
    }

    pub(crate) async fn read_organisations(
        &self,
        mut request: v1::ListOrganisationsRequest,
    ) -> Result<v1::ListOrganisationsResponse, Status> {
        let mut fields = Fields::new();
        let (asked, min_position) = (request.page.take(), request.min_position.take());
        let page = self.pages().page(&mut fields, "page", asked, &request);
        let role = inward::role_filter(&mut fields, "role", request.role);
        let (page, role) = fields.known((page, role))?;
        let after =
            page.cursor.as_ref().and_then(|cursor| core::str::from_utf8(&cursor.last).ok()?.parse().ok());
        let size = page.size;
        let read = self.national().read(min_position.map(Position::new), move |state, at| {
            let rows = state.organisations(after).filter(|row| role.is_none_or(|role| row.role == role));
            (cut(rows.cloned(), size), *at)
        });
        let ((rows, more), at) = read.await?;
        let last = rows.last().map(|row| row.ods.as_str().as_bytes().to_vec());
        let next = self.pages().response(&page, next(&page, &at, more, last).as_ref());
        Ok(v1::ListOrganisationsResponse {
            organisations: rows.into_iter().map(outward::organisation).collect(),
            page: Some(next),
            as_of: Some(as_of(&at)),
        })
    }

    pub(crate) async fn read_contracts(
        &self,
        mut request: v1::ListContractsRequest,
    ) -> Result<v1::ListContractsResponse, Status> {
        let mut fields = Fields::new();
        let (asked, min_position) = (request.page.take(), request.min_position.take());
        let page = self.pages().page(&mut fields, "page", asked, &request);
        let system = fields.system("system", &request.system);
        let (page, system) = fields.known((page, system))?;
        let (after, size) = (page.cursor.as_ref().and_then(|cursor| contract_key(&cursor.last)), page.size);
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            (cut(state.contracts(after).cloned(), size), *at)
        });
        let ((rows, more), at) = read.await?;
        let last = rows.last().map(|row| {
            let mut key = row.validity.from.get().to_le_bytes().to_vec();
            key.extend_from_slice(row.id.as_str().as_bytes());
            key
        });
        let next = self.pages().response(&page, next(&page, &at, more, last).as_ref());
        Ok(v1::ListContractsResponse {
            contracts: rows.into_iter().map(outward::contract).collect(),
            page: Some(next),
            as_of: Some(as_of(&at)),
        })
    }

    pub(crate) async fn read_proposals(
        &self,
        mut request: v1::ListProposalsRequest,
    ) -> Result<v1::ListProposalsResponse, Status> {
        let mut fields = Fields::new();
        let (asked, min_position) = (request.page.take(), request.min_position.take());
        let page = self.pages().page(&mut fields, "page", asked, &request);
        let system = fields.system("system", &request.system);
        let (page, system) = fields.known((page, system))?;
        let after = page.cursor.as_ref().and_then(|cursor| <[u8; 8]>::try_from(cursor.last.as_slice()).ok());
        let (after, size) = (after.map(|bytes| Position::new(u64::from_le_bytes(bytes))), page.size);
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            let rows = state.pending().filter(|(position, _)| after.is_none_or(|after| *position > after));
            (cut(rows.map(|(position, pending)| (position, pending.clone())), size), *at)
        });
        let ((rows, more), at) = read.await?;
        let last = rows.last().map(|(position, _)| position.get().to_le_bytes().to_vec());
        let next = self.pages().response(&page, next(&page, &at, more, last).as_ref());
        let mut proposals = Vec::with_capacity(rows.len());
        for (position, pending) in rows {
            let book = match &pending.content {
                Content::PriceBook(book) => Some(book.clone()),
                Content::Contracts(_) | Content::BankDetails(_) => None,
            };
            let mut row = outward::proposal(position, pending.proposed_time, pending.content);
            if let (Some(book), Some(v1::proposal::Content::PriceBook(shown))) = (book, &mut row.content) {
                shown.difference = Some(self.difference(&handle, &system, &book).await?);
            }
            proposals.push(row);
        }
        Ok(v1::ListProposalsResponse { proposals, page: Some(next), as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn read_reference(
        &self,
        request: v1::GetReferenceRequest,
    ) -> Result<v1::GetReferenceResponse, Status> {
        let v1::GetReferenceRequest { system, known_sha256, min_position } = request;
        let mut fields = Fields::new();
        let name = fields.system("system", &system);
        let known = if known_sha256.is_empty() {
            Some(None)
        } else {
            fields.digest("known_sha256", &known_sha256).map(Some)
        };
        let (name, known) = fields.known((name, known))?;
        let built = self.built(&name, min_position.map(Position::new)).await?;
        let content = if known == Some(built.sha256) { Vec::new() } else { built.content.to_vec() };
        Ok(v1::GetReferenceResponse {
            content,
            sha256: common::digest(built.sha256),
            registry_position: built.positions.own.map(Position::get),
            national_position: built.positions.national.map(Position::get),
        })
    }

    /// The system's blob: the one made before, unless a row changed since.
    async fn built(&self, name: &SystemName, min_position: Option<Position>) -> Result<Built, Status> {
        let handle = self.journal(name).await?;
        let changed_at = |state: &State, _: &ReadAt| state.changed_at();
        let own = handle.read(min_position, changed_at).await?;
        let national = self.national().read(None, changed_at).await?;
        let held = self.references.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(held) = held.filter(|held| held.positions == Positions { national, own }) {
            return Ok(held);
        }
        let asked = name.clone();
        let national = self.national().read(None, move |state, _| {
            let system = state.system(asked.as_str())?.clone();
            let mut snapshot = Snapshot::empty(system);
            snapshot.national_position = state.changed_at();
            state.add_to(&mut snapshot);
            Some(snapshot)
        });
        let mut snapshot = national.await?.ok_or_else(status::system_unknown)?;
        let read = handle.read(None, move |state, _| {
            snapshot.registry_position = state.changed_at();
            state.add_to(&mut snapshot);
            snapshot
        });
        let snapshot = read.await?;
        let positions = Positions { national: snapshot.national_position, own: snapshot.registry_position };
        let content: Arc<[u8]> = snapshot.encode().into();
        let built = Built { positions, sha256: Digest::of(&content), content };
        self.references.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), built.clone());
        Ok(built)
    }
}

fn contract_key(bytes: &[u8]) -> Option<(ContractId, Day)> {
    let (from, id) = bytes.split_first_chunk::<4>()?;
    let id = core::str::from_utf8(id).ok()?.parse().ok()?;
    Some((id, Day::new(i32::from_le_bytes(*from))))
}
