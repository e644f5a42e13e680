//! The rpcs: convert, load, call, convert.

use crate::{Keys, mint, people};
use identity::{ApprovePayee, Command, Identity, PayeeId, ProposePayee, Refusal, Sealed, State};
use journal::{Fingerprint, Item, Position, SystemName};
use nhs::{NhsNumber, Pseudonym};
use proto::{
    common::v1::Recorded,
    identity::v1::{self, identity_service_server::IdentityService},
};
use server::journals::{Answer, Handle, Journals, ReadAt, Request as Ask};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use tonic::{Request, Response, Status};
use wire::{Pushback, common, identity as convert, status};

/// The identity plane's gRPC service.
#[derive(Debug)]
pub struct Adapter {
    journals: Arc<Journals<Identity>>,
    keys: Arc<Keys>,
    /// Systems whose journal is known to have adopted the keys.
    adopted: Mutex<BTreeSet<SystemName>>,
}

impl Adapter {
    /// Answers for `journals` with `keys`, which are theirs.
    #[must_use]
    pub fn new(journals: Arc<Journals<Identity>>, keys: Keys) -> Self {
        Self { journals, keys: Arc::new(keys), adopted: Mutex::default() }
    }

    /// The journal of a system, sealed with our keys.
    async fn journal(&self, system: &SystemName) -> Result<Handle<Identity>, Status> {
        let handle = self.journals.get(system).await?;
        if self.adopted.lock().unwrap_or_else(PoisonError::into_inner).contains(system) {
            return Ok(handle);
        }
        let keys = handle.read(None, |state: &State, _| state.keys()).await?;
        if keys.is_none() {
            let request_id = mint::new_id()?;
            let answer = handle
                .submit(Ask::<Identity> {
                    request_id,
                    fingerprint: journal::fingerprint(&request_id.to_bytes()),
                    caller: server::journals::service_urn(journal::Service::Identity),
                    cause: None,
                    command: Command::AdoptKeys(self.keys.adopt()),
                })
                .await?;
            answer.result().map_err(status::refusal)?;
        }
        self.adopted.lock().unwrap_or_else(PoisonError::into_inner).insert(system.clone());
        Ok(handle)
    }

    /// Records one command of a caller.
    async fn write(
        handle: &Handle<Identity>,
        caller: Arc<str>,
        request_id: journal::RequestId,
        fingerprint: Fingerprint,
        command: Command,
    ) -> Result<Answer<Identity>, Status> {
        let answer =
            handle.submit(Ask::<Identity> { request_id, fingerprint, caller, cause: None, command }).await?;
        answer.result().map_err(status::refusal)?;
        Ok(answer)
    }

    async fn pseudonymise_batch(
        &self,
        caller: Arc<str>,
        batch: convert::Pseudonymise,
    ) -> Result<v1::PseudonymiseResponse, Status> {
        let handle = self.journal(&batch.system).await?;
        let good: Vec<NhsNumber> = batch.numbers.iter().filter_map(|number| number.ok()).collect();
        let (pseudonyms, minted_count) = mint::pseudonyms(&handle, &self.keys, &caller, &good).await?;
        let mut pseudonyms = pseudonyms.into_iter();
        let mut bytes = Vec::with_capacity(batch.numbers.len().saturating_mul(16));
        let mut invalid = Vec::new();
        for (index, number) in (0_u32..).zip(&batch.numbers) {
            match number {
                Ok(_) => bytes.extend(pseudonyms.next().map(|person| *person.as_bytes()).unwrap_or_default()),
                Err(error) => {
                    bytes.extend([0; 16]);
                    invalid.push(convert::invalid_number(index, error));
                }
            }
        }
        Ok(v1::PseudonymiseResponse { pseudonyms: bytes, invalid, minted_count })
    }

    async fn resolve(
        &self,
        caller: Arc<str>,
        ask: convert::Resolve,
    ) -> Result<v1::ResolvePseudonymResponse, Status> {
        let convert::Resolve { system, request_id, pseudonyms, purpose } = ask;
        let handle = self.journal(&system).await?;
        let content: Vec<u8> = pseudonyms.iter().flat_map(|person| *person.as_bytes()).collect();
        let fingerprint = journal::fingerprint(&[&[purpose as u8][..], &content].concat());
        let note =
            people::note(&handle, &caller, request_id, fingerprint, purpose, pseudonyms.clone()).await?;
        let items = self.items(&handle, pseudonyms).await?;
        let keys = Arc::clone(&self.keys);
        let opened = tokio::task::spawn_blocking(move || {
            items.into_iter().map(|item| people::number(&handle, &keys, item)).collect::<Result<Vec<_>, _>>()
        });
        let numbers = opened.await.map_err(|_| Pushback::Stopped)??;
        Ok(v1::ResolvePseudonymResponse {
            nhs_numbers: numbers.into_iter().map(NhsNumber::reveal).collect(),
            recorded: Some(recorded(&note)),
        })
    }

    /// Where people's rows stand; they are known, or the note of their read was refused.
    async fn items(
        &self,
        handle: &Handle<Identity>,
        pseudonyms: Vec<Pseudonym>,
    ) -> Result<Vec<Item>, Status> {
        let read = handle.read(None, move |state: &State, _| {
            pseudonyms.iter().map(|person| state.person(person)).collect::<Option<Vec<_>>>()
        });
        read.await?.ok_or_else(|| status::refusal(&Refusal::PersonUnknown))
    }

    async fn register(
        &self,
        caller: Arc<str>,
        ask: convert::Register,
    ) -> Result<v1::RegisterPayeeResponse, Status> {
        let convert::Register { system, request_id, payee, pseudonym, details } = ask;
        let handle = self.journal(&system).await?;
        let mut content = payee.as_str().as_bytes().to_vec();
        content.push(0);
        content.extend_from_slice(pseudonym.as_bytes());
        content.extend_from_slice(&details.to_bytes());
        let fingerprint = Fingerprint(self.keys.index.fingerprint(&content));
        let item = handle.read(None, move |state: &State, _| state.person(&pseudonym)).await?;
        // Nobody's details cannot be sealed: the refusal is recorded without them.
        let mut sealed = Sealed(Vec::new());
        if let Some(item) = item {
            let (keys, owner, plan) = (Arc::clone(&self.keys), handle.clone(), payee.clone());
            let sealing = tokio::task::spawn_blocking(move || {
                let key = people::person_key(&owner, &keys, item)?;
                let nonce = crate::keys::random().map_err(|_| Pushback::Stopped)?;
                Ok::<_, Status>(key.seal_payee(&details, nonce, pseudonym, &plan))
            });
            sealed = sealing.await.map_err(|_| Pushback::Stopped)??;
        }
        let command = Command::ProposePayee(ProposePayee { payee, pseudonym, sealed });
        let answer = Self::write(&handle, caller, request_id, fingerprint, command).await?;
        Ok(v1::RegisterPayeeResponse { proposal: answer.position.get(), recorded: Some(recorded(&answer)) })
    }

    async fn approve(
        &self,
        caller: Arc<str>,
        ask: convert::Approve,
    ) -> Result<v1::ApprovePayeeResponse, Status> {
        let convert::Approve { system, request_id, payee, proposal } = ask;
        let handle = self.journal(&system).await?;
        let mut content = payee.as_str().as_bytes().to_vec();
        content.extend_from_slice(&proposal.get().to_be_bytes());
        let command = Command::ApprovePayee(ApprovePayee { payee, proposal });
        let answer =
            Self::write(&handle, caller, request_id, journal::fingerprint(&content), command).await?;
        Ok(v1::ApprovePayeeResponse { recorded: Some(recorded(&answer)) })
    }

    async fn payee_details(
        &self,
        caller: Arc<str>,
        ask: convert::GetDetails,
    ) -> Result<v1::GetPayeeDetailsResponse, Status> {
        let convert::GetDetails { system, request_id, payees, purpose } = ask;
        let handle = self.journal(&system).await?;
        let mut content = vec![purpose as u8];
        for payee in &payees {
            content.extend_from_slice(payee.as_str().as_bytes());
            content.push(0);
        }
        let read = handle.read(None, move |state: &State, _| {
            payees.into_iter().map(|payee| (found(state, &payee), payee)).collect::<Vec<_>>()
        });
        let looked_up = read.await?;
        let people: BTreeSet<Pseudonym> =
            looked_up.iter().filter_map(|(found, _)| found.as_ref().map(|found| found.person)).collect();
        let mut note = None;
        if !people.is_empty() {
            let fingerprint = journal::fingerprint(&content);
            let people = people.into_iter().collect();
            note = Some(people::note(&handle, &caller, request_id, fingerprint, purpose, people).await?);
        }
        let keys = Arc::clone(&self.keys);
        let opened = tokio::task::spawn_blocking(move || open_details(&handle, &keys, looked_up));
        let (payees, missing) = opened.await.map_err(|_| Pushback::Stopped)??;
        Ok(v1::GetPayeeDetailsResponse { payees, missing, recorded: note.as_ref().map(recorded) })
    }
}

/// A payee with details in force.
#[derive(Debug)]
struct Found {
    person: Pseudonym,
    item: Item,
    proposal: Position,
}

fn found(state: &State, payee: &PayeeId) -> Option<Found> {
    let held = state.payee(payee)?;
    Some(Found { person: held.pseudonym, item: state.person(&held.pseudonym)?, proposal: held.in_force? })
}

type Details = (Vec<v1::PayeeDetails>, Vec<String>);

fn open_details(
    handle: &Handle<Identity>,
    keys: &Keys,
    looked_up: Vec<(Option<Found>, PayeeId)>,
) -> Result<Details, Status> {
    let mut opened = Vec::new();
    let mut missing = Vec::new();
    for (found, payee) in looked_up {
        match found {
            Some(Found { item, proposal, .. }) => {
                let details = people::details(handle, keys, item, &payee, proposal)?;
                opened.push(convert::payee_details(&payee, proposal, &details));
            }
            None => missing.push(payee.to_string()),
        }
    }
    Ok((opened, missing))
}

fn recorded(answer: &Answer<Identity>) -> Recorded {
    common::recorded(
        answer.position,
        answer.leaf,
        answer.recorded_time,
        answer.business_date,
        answer.replayed,
    )
}

/// Who calls, as records name them.
fn urn<T>(request: &Request<T>) -> Result<Arc<str>, Status> {
    Ok(Arc::clone(server::caller(request)?.urn()))
}

#[tonic::async_trait]
impl IdentityService for Adapter {
    async fn pseudonymise(
        &self,
        request: Request<v1::PseudonymiseRequest>,
    ) -> Result<Response<v1::PseudonymiseResponse>, Status> {
        let caller = urn(&request)?;
        let batch = convert::pseudonymise(request.into_inner())?;
        self.pseudonymise_batch(caller, batch).await.map(Response::new)
    }

    async fn tag_content(
        &self,
        request: Request<v1::TagContentRequest>,
    ) -> Result<Response<v1::TagContentResponse>, Status> {
        let convert::Tagging { system, digests } = convert::tag_content(request.into_inner())?;
        // With the keys of this system's journal or not at all: another key's tags would be found nowhere again.
        self.journal(&system).await?;
        let tags = digests.iter().flat_map(|digest| self.keys.index.tag(digest)).collect();
        Ok(Response::new(v1::TagContentResponse { tags }))
    }

    async fn resolve_pseudonym(
        &self,
        request: Request<v1::ResolvePseudonymRequest>,
    ) -> Result<Response<v1::ResolvePseudonymResponse>, Status> {
        let caller = urn(&request)?;
        let ask = convert::resolve_pseudonym(request.into_inner())?;
        self.resolve(caller, ask).await.map(Response::new)
    }

    async fn register_payee(
        &self,
        request: Request<v1::RegisterPayeeRequest>,
    ) -> Result<Response<v1::RegisterPayeeResponse>, Status> {
        let caller = urn(&request)?;
        let ask = convert::register_payee(request.into_inner())?;
        self.register(caller, ask).await.map(Response::new)
    }

    async fn approve_payee(
        &self,
        request: Request<v1::ApprovePayeeRequest>,
    ) -> Result<Response<v1::ApprovePayeeResponse>, Status> {
        let caller = urn(&request)?;
        let ask = convert::approve_payee(request.into_inner())?;
        self.approve(caller, ask).await.map(Response::new)
    }

    async fn get_payee_details(
        &self,
        request: Request<v1::GetPayeeDetailsRequest>,
    ) -> Result<Response<v1::GetPayeeDetailsResponse>, Status> {
        let caller = urn(&request)?;
        let ask = convert::get_payee_details(request.into_inner())?;
        self.payee_details(caller, ask).await.map(Response::new)
    }

    async fn get_counts(
        &self,
        request: Request<v1::GetCountsRequest>,
    ) -> Result<Response<v1::GetCountsResponse>, Status> {
        let convert::Counts { system, min_position } = convert::get_counts(request.into_inner())?;
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position, |state: &State, at: &ReadAt| {
            convert::counts(state, common::as_of(at.position, at.recorded_time, at.business_date))
        });
        Ok(Response::new(read.await?))
    }
}
