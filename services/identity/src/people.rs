//! From pseudonyms and plans back to people, each read noted first.

use crate::Keys;
use identity::{
    Command, Identity, MintPersons, NoteRead, PayeeId, PersonRow, Purpose, Refusal, seal::PersonKey,
};
use journal::{Domain as _, Fingerprint, Item, NoBlobs, Position, RecordView, RequestId};
use nhs::{NhsNumber, Pseudonym};
use server::journals::{Answer, Handle, Request};
use std::{collections::BTreeSet, sync::Arc};
use tonic::Status;
use wire::status;

/// The command that stands at `position`.
pub(crate) fn command_at(handle: &Handle<Identity>, position: Position) -> Result<Command, Status> {
    let record = handle.record(position)?.ok_or_else(status::damaged)?;
    let view = RecordView::parse(&record).map_err(|_| status::damaged())?;
    let (command, _) =
        Identity::decode(view.header.kind, view.body, &NoBlobs).map_err(|_| status::damaged())?;
    Ok(command)
}

fn row_at(handle: &Handle<Identity>, item: Item) -> Result<PersonRow, Status> {
    let Command::MintPersons(MintPersons { mut rows, .. }) = command_at(handle, item.position)? else {
        return Err(status::damaged());
    };
    let index = usize::from(item.index);
    if index < rows.len() { Ok(rows.swap_remove(index)) } else { Err(status::damaged()) }
}

/// The key of the person whose row stands at `item`.
pub(crate) fn person_key(handle: &Handle<Identity>, keys: &Keys, item: Item) -> Result<PersonKey, Status> {
    let row = row_at(handle, item)?;
    keys.generation.unwrap(&row.wrapped_key, row.pseudonym).map_err(|_| status::damaged())
}

/// The NHS number of the person whose row stands at `item`.
pub(crate) fn number(handle: &Handle<Identity>, keys: &Keys, item: Item) -> Result<NhsNumber, Status> {
    let row = row_at(handle, item)?;
    let key = keys.generation.unwrap(&row.wrapped_key, row.pseudonym).map_err(|_| status::damaged())?;
    key.open_number(&row.sealed, row.pseudonym).map_err(|_| status::damaged())
}

/// The details that `position` proposed for a plan.
pub(crate) fn details(
    handle: &Handle<Identity>,
    keys: &Keys,
    item: Item,
    payee: &PayeeId,
    position: Position,
) -> Result<identity::seal::PayeeDetails, Status> {
    let Command::ProposePayee(proposed) = command_at(handle, position)? else {
        return Err(status::damaged());
    };
    let key = person_key(handle, keys, item)?;
    key.open_payee(&proposed.sealed, proposed.pseudonym, payee).map_err(|_| status::damaged())
}

/// Notes that `people` are about to be read. Under an id that was used before, what is read now is noted again unless the
/// first note says as much.
pub(crate) async fn note(
    handle: &Handle<Identity>,
    caller: &Arc<str>,
    request_id: RequestId,
    fingerprint: Fingerprint,
    purpose: Purpose,
    people: Vec<Pseudonym>,
) -> Result<Answer<Identity>, Status> {
    let ask = |request_id, fingerprint, pseudonyms| Request::<Identity> {
        request_id,
        fingerprint,
        caller: Arc::clone(caller),
        cause: None,
        command: Command::NoteRead(NoteRead { purpose, pseudonyms }),
    };
    let answer = handle.submit(ask(request_id, fingerprint, people.clone())).await?;
    answer.result().map_err(status::refusal)?;
    if !answer.replayed {
        return Ok(answer);
    }
    let Command::NoteRead(NoteRead { pseudonyms: noted, .. }) = command_at(handle, answer.position)? else {
        return Err(status::damaged());
    };
    let noted: BTreeSet<Pseudonym> = noted.into_iter().collect();
    let more: Vec<Pseudonym> = people.into_iter().filter(|person| !noted.contains(person)).collect();
    if more.is_empty() {
        return Ok(answer);
    }
    let content: Vec<u8> = more.iter().flat_map(|person| *person.as_bytes()).collect();
    let derived = journal::derived_request_id("note", request_id, &content);
    let further = handle.submit(ask(derived, journal::fingerprint(&content), more)).await?;
    further.result().map_err(|refusal: &Refusal| status::refusal(refusal))?;
    Ok(answer)
}
