//! From NHS numbers to pseudonyms.

use crate::{Keys, keys::random};
use identity::{
    BlindIndex, Command, Identity, MintPersons, PERSON_ROWS_MAX, PersonRow, State, seal::PersonKey,
};
use journal::RequestId;
use nhs::{NhsNumber, Pseudonym};
use server::journals::{Handle, Request};
use std::{collections::BTreeMap, sync::Arc};
use tonic::Status;
use wire::Pushback;

/// The pseudonym of each number, in their order, and how many were minted.
pub(crate) async fn pseudonyms(
    handle: &Handle<Identity>,
    keys: &Arc<Keys>,
    caller: &Arc<str>,
    numbers: &[NhsNumber],
) -> Result<(Vec<Pseudonym>, u32), Status> {
    let indices: Arc<[BlindIndex]> = numbers.iter().map(|number| keys.index.blind_index(*number)).collect();
    let found = look_up(handle, &indices).await?;
    // Each person once, however often the batch names them.
    let unknown: BTreeMap<BlindIndex, NhsNumber> = indices
        .iter()
        .zip(numbers)
        .zip(&found)
        .filter(|(_, found)| found.is_none())
        .map(|((index, number), _)| (*index, *number))
        .collect();
    if unknown.is_empty() {
        return Ok((found.into_iter().flatten().collect(), 0));
    }
    let keys = Arc::clone(keys);
    let sealed = tokio::task::spawn_blocking(move || seal(&keys, &unknown)).await;
    let records = sealed.map_err(|_| Pushback::Stopped)??;
    let offered: usize = records.iter().map(|mint| mint.rows.len()).sum();
    let mut requests = Vec::with_capacity(records.len());
    for mint in records {
        requests.push(minting(mint, Arc::clone(caller))?);
    }
    let mut minted = offered; // less those that others were faster with
    for answer in handle.submit_many(requests).await? {
        let answer = answer?;
        let events = answer.result().map_err(wire::status::refusal)?;
        if let Some(identity::Event::PersonsMinted { known }) = events.first() {
            minted = minted.saturating_sub(known.len());
        }
    }
    // Somebody else may have minted one of them meanwhile: what the state says counts.
    let found = look_up(handle, &indices).await?;
    let pseudonyms: Vec<Pseudonym> = found.into_iter().flatten().collect();
    if pseudonyms.len() != numbers.len() {
        tracing::error!("people that were just minted are not in the state");
        return Err(wire::status::damaged());
    }
    Ok((pseudonyms, u32::try_from(minted).unwrap_or(u32::MAX)))
}

async fn look_up(
    handle: &Handle<Identity>,
    indices: &Arc<[BlindIndex]>,
) -> Result<Vec<Option<Pseudonym>>, Status> {
    let indices = Arc::clone(indices);
    let read = handle.read(None, move |state: &State, _| {
        indices.iter().map(|index| state.pseudonym(index)).collect::<Vec<_>>()
    });
    Ok(read.await?)
}

/// Seals each person under a key of their own.
fn seal(keys: &Keys, unknown: &BTreeMap<BlindIndex, NhsNumber>) -> Result<Vec<MintPersons>, Status> {
    let mut rows = Vec::with_capacity(unknown.len());
    for (blind_index, number) in unknown {
        rows.push(row(keys, *blind_index, *number).map_err(|_| Pushback::Stopped)?);
    }
    let generation = keys.generation.number();
    Ok(rows.chunks(PERSON_ROWS_MAX).map(|rows| MintPersons { generation, rows: rows.to_vec() }).collect())
}

fn row(keys: &Keys, blind_index: BlindIndex, number: NhsNumber) -> Result<PersonRow, crate::KeyError> {
    let pseudonym = Pseudonym::new(random()?);
    let person = PersonKey::new(random()?);
    Ok(PersonRow {
        blind_index,
        pseudonym,
        sealed: person.seal_number(number, random()?, pseudonym),
        wrapped_key: keys.generation.wrap(&person, random()?, pseudonym),
    })
}

/// A record of new people. Its id is new at every attempt: the same number gets the same pseudonym whoever asks first, so a
/// repeat needs no memory of its own.
fn minting(mint: MintPersons, caller: Arc<str>) -> Result<Request<Identity>, Status> {
    let request_id = new_id()?;
    let fingerprint = journal::fingerprint(&request_id.to_bytes());
    Ok(Request::<Identity> {
        request_id,
        fingerprint,
        caller,
        cause: None,
        command: Command::MintPersons(mint),
    })
}

/// A new request id of the service's own.
pub(crate) fn new_id() -> Result<RequestId, Status> {
    RequestId::from_bytes(uuid::Uuid::now_v7().into_bytes()).map_err(|_| Pushback::Stopped.into())
}
