//! What a bank says.

use crate::{
    Adapter,
    adapter::{content_of, recorded},
    references::CALL_AGE,
};
use access::Caller;
use journal::Digest;
use proto::settlement::v1;
use server::journals::Handle;
use settlement::{
    BankMessage, Command, EntryOutcome, Event, RecordBankMessage, Refusal, Settlement, read_bank_message,
};
use std::{sync::Arc, time::Duration};
use tonic::Status;
use wire::{
    Pushback, common,
    settlement::{Unable, inward, outward},
    status,
};

/// How long the call waits for the ledger.
const PATIENCE: Duration = Duration::from_secs(2);

impl Adapter {
    pub(crate) async fn bank_message(
        &self,
        caller: &Caller,
        message: v1::RecordBankMessageRequest,
    ) -> Result<v1::RecordBankMessageResponse, Status> {
        let (system, asked) = inward::record_bank_message(message)?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, CALL_AGE).await?;
        let digest = Digest::of(&asked.bytes);
        let message = Arc::new(read_message(&handle, asked.bytes).await?);
        let blob = handle.put_blob(message.to_cbor()).await?;
        let command = Command::RecordBankMessage(RecordBankMessage { blob, message: Arc::clone(&message) });
        let said = content_of(digest);
        let (answer, event) = self.submit(&handle, caller, (asked.request_id, said), command).await?;
        let (outcomes, known): (Vec<EntryOutcome>, _) = match event {
            Event::BankMessageRecorded { outcomes } => (outcomes, None),
            Event::BankMessageKnown { first } => (Vec::new(), Some(first.get())),
            Event::ReferenceAdopted
            | Event::FellDue
            | Event::AsksSettled
            | Event::RunPrepared { .. }
            | Event::RunApproved { .. }
            | Event::RunPaying
            | Event::RunWitnessed { .. }
            | Event::WaiverProposed
            | Event::WitnessesWaived { .. }
            | Event::FilesRecorded
            | Event::RunStepped => return Err(Pushback::Stopped.into()),
        };
        self.work_within(&handle, PATIENCE).await;
        Ok(v1::RecordBankMessageResponse {
            recorded: Some(recorded(&answer)),
            digest: common::digest(digest),
            known,
            totals: outward::entry_totals(&message, &outcomes),
            differences: outward::differences(&message, &outcomes),
            asks_open_count: asks_open(&handle).await?,
        })
    }
}

async fn asks_open(handle: &Handle<Settlement>) -> Result<u32, Status> {
    let open = handle.read(None, |state, _| state.asks().count());
    Ok(u32::try_from(open.await?).unwrap_or(u32::MAX))
}

/// What the message says, without what could name a person. Its bytes are not kept.
async fn read_message(handle: &Handle<Settlement>, bytes: Vec<u8>) -> Result<BankMessage, Status> {
    let read = handle.read(None, |state, _| state.adopted().cloned().zip(Some(state.instructed())));
    let (adopted, instructed) = read.await?.ok_or_else(|| status::refusal(&Refusal::ReferenceMissing))?;
    let read =
        tokio::task::spawn_blocking(move || read_bank_message(&bytes, adopted.reference(), &instructed));
    let read = read.await.map_err(|_| Status::from(Pushback::Stopped))?;
    read.map_err(|error| status::refusal(&Unable::BankMessageUnreadable(error.reason())))
}
