//! Paying a run: its asks, then its files.

use crate::{
    Adapter,
    adapter::{content_of, fresh_id},
    folder::Found,
    references::CALL_AGE,
};
use access::Caller;
use journal::{Outcome, RequestId, Service};
use proto::settlement::v1;
use server::journals::{Handle, Request, service_urn};
use settlement::{
    Command, PayRun, PlanId, RecordFiles, Run, RunFile, RunState, RunStep, Settlement, StepRun,
    files::{self, FilesError, OutFile, PersonDetails},
};
use std::{collections::BTreeMap, time::Duration};
use tonic::Status;
use wire::{
    Pushback,
    settlement::{Unable, inward},
    status,
};

/// How long a call waits for the ledger and the files before it answers what is done so far.
const PATIENCE: Duration = Duration::from_secs(10);

impl Adapter {
    pub(crate) async fn pay(
        &self,
        caller: &Caller,
        message: v1::PayRunRequest,
    ) -> Result<v1::PayRunResponse, Status> {
        let (system, of, digest) = inward::pay_run(&message)?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, CALL_AGE).await?;
        let mut run = run_of(&handle, of.run).await?;
        if run.as_ref().is_some_and(Run::awaits_witnesses) {
            self.witness(&handle).await?;
            run = run_of(&handle, of.run).await?;
        }
        if let Some(run) = run.filter(|run| matches!(run.state, RunState::Approved | RunState::Witnessed)) {
            // Whoever cannot be paid is named before anything is posted.
            self.people_of(&handle, &run, of.request_id).await?;
        }
        let command = Command::PayRun(PayRun { run: of.run, digest });
        let mut change = self.step_with(caller, &system, of.clone(), command).await?;
        self.work_within(&handle, PATIENCE).await;
        change.run = self.run_message(&handle, of.run).await?;
        Ok(v1::PayRunResponse { change: Some(change) })
    }

    pub(crate) async fn resume(
        &self,
        caller: &Caller,
        message: v1::ResumeRunRequest,
    ) -> Result<v1::ResumeRunResponse, Status> {
        let (system, of) = inward::resume_run(&message)?;
        let handle = self.journal(&system).await?;
        let command = Command::StepRun(StepRun { run: of.run, step: RunStep::Resume, reason: String::new() });
        let mut change = self.step_with(caller, &system, of.clone(), command).await?;
        self.forgets(of.run);
        // Whoever resumes is told what stands in the way.
        self.work(&handle).await?;
        change.run = self.run_message(&handle, of.run).await?;
        Ok(v1::ResumeRunResponse { change: Some(change) })
    }

    /// The bank details of the people that a run pays. Errors name the first plan that has none.
    pub(crate) async fn people_of(
        &self,
        handle: &Handle<Settlement>,
        run: &Run,
        cause: RequestId,
    ) -> Result<BTreeMap<PlanId, PersonDetails>, Status> {
        let plans: Vec<PlanId> = files::plans(run).into_iter().collect();
        if plans.is_empty() {
            return Ok(BTreeMap::new());
        }
        let people = self.others().people(handle.system(), cause, &plans).await?;
        match plans.iter().find(|plan| !people.contains_key(*plan)) {
            Some(plan) => {
                Err(status::refusal(&Unable::PayeeDetailsMissing { plan: plan.as_str().to_owned() }))
            }
            None => Ok(people),
        }
    }

    /// Writes the files of every run that waits for them, and names what is recorded and not yet named. The caller holds
    /// [`Adapter::busy`].
    pub(crate) async fn finish_files(&self, handle: &Handle<Settlement>) -> Result<(), Status> {
        let waiting = handle.read(None, |state, _| {
            let open = |run: &&Run| run.state == RunState::Paying;
            let answered = |run: &&Run| state.instructing() != Some(run.id);
            state.runs_from(0).filter(open).filter(answered).cloned().collect::<Vec<Run>>()
        });
        for run in waiting.await? {
            // Once named, a file is its reader's: it may be moved on, and is not made again.
            if run.files.is_some() && self.has_seen(run.id) {
                continue;
            }
            if !self.are_in_place(handle, &run).await? {
                self.finish_files_of(handle, &run).await?;
            }
            self.sees(run.id);
        }
        Ok(())
    }

    /// Whether every file of a run stands in the folder. Errors when something else stands under a name.
    async fn are_in_place(&self, handle: &Handle<Settlement>, run: &Run) -> Result<bool, Status> {
        let Some(recorded) = run.files.clone() else { return Ok(false) };
        let folder = self.folder(handle.system());
        let found = tokio::task::spawn_blocking(move || {
            let found = recorded.iter().map(|file| {
                let found = folder.find(&file.name, file.digest)?;
                if found == Found::Nothing && folder.is_aside(&file.name, file.digest)? {
                    folder.name(&file.name)?;
                    return Ok(Found::Same);
                }
                Ok(found)
            });
            found.collect::<std::io::Result<Vec<Found>>>()
        });
        let found = found.await.map_err(|_| Status::from(Pushback::Stopped))?;
        let found = found.map_err(|error| io_failed(&error))?;
        if found.contains(&Found::Other) {
            self.sees(run.id);
            tracing::error!(system = %handle.system(), run = %run.id, "a file of a run is not the one that was recorded");
            return Err(status::refusal(&Unable::FileDiffers));
        }
        Ok(found.iter().all(|found| *found == Found::Same))
    }

    async fn finish_files_of(&self, handle: &Handle<Settlement>, run: &Run) -> Result<(), Status> {
        let cause = fresh_id()?;
        let people = self.people_of(handle, run, cause).await?;
        let of = run.clone();
        let made = tokio::task::spawn_blocking(move || files::make(&of, &people)).await;
        let made = made.map_err(|_| Status::from(Pushback::Stopped))?.map_err(|error| unmade(&error))?;
        if let Some(recorded) = &run.files
            && made.iter().map(|file| &file.facts).ne(recorded)
        {
            self.sees(run.id);
            tracing::error!(system = %handle.system(), run = %run.id, "a file of a run would not be the one that was recorded");
            return Err(status::refusal(&Unable::FileDiffers));
        }
        let facts: Vec<RunFile> = made.iter().map(|file| file.facts.clone()).collect();
        self.write_aside(handle, made).await?;
        if run.files.is_none() {
            self.record_files(handle, run.id, facts.clone()).await?;
        }
        let folder = self.folder(handle.system());
        let named = tokio::task::spawn_blocking(move || {
            facts.iter().try_for_each(|file| match folder.find(&file.name, file.digest)? {
                Found::Same => Ok(()),
                Found::Nothing | Found::Other => folder.name(&file.name),
            })
        });
        let named = named.await.map_err(|_| Status::from(Pushback::Stopped))?;
        named.map_err(|error| io_failed(&error))
    }

    async fn write_aside(&self, handle: &Handle<Settlement>, made: Vec<OutFile>) -> Result<(), Status> {
        let folder = self.folder(handle.system());
        let written = tokio::task::spawn_blocking(move || {
            made.iter().try_for_each(|file| {
                folder.write_aside(&file.facts.name, file.bytes.bytes(), file.facts.kind.is_controlled())
            })
        });
        let written = written.await.map_err(|_| Status::from(Pushback::Stopped))?;
        written.map_err(|error| io_failed(&error))
    }

    async fn record_files(
        &self,
        handle: &Handle<Settlement>,
        run: RequestId,
        files: Vec<RunFile>,
    ) -> Result<(), Status> {
        let command = RecordFiles { run, files };
        let request = Request::<Settlement> {
            request_id: fresh_id()?,
            fingerprint: content_of(&command),
            caller: service_urn(Service::Settlement),
            cause: None,
            command: Command::RecordFiles(command),
        };
        match handle.submit(request).await?.outcome {
            Outcome::Accepted(_) => Ok(()),
            Outcome::Refused(refusal) => {
                tracing::error!(system = %handle.system(), %run, reason = refusal.reason(), "a run's files were refused");
                Err(status::refusal(&refusal))
            }
        }
    }
}

/// The run of that id, whole.
pub(crate) async fn run_of(handle: &Handle<Settlement>, run: RequestId) -> Result<Option<Run>, Status> {
    Ok(handle.read(None, move |state, _| state.run(run).cloned()).await?)
}

/// What the operating system's refusal of a file means to a caller: nothing was lost, try again when there is room.
pub(crate) fn io_failed(error: &std::io::Error) -> Status {
    tracing::error!(%error, "a file of a run could not be written or read");
    Pushback::DiskFull.into()
}

/// Why files were not made. The message names fields and plans, never a person.
fn unmade(error: &FilesError) -> Status {
    let detail = match error {
        FilesError::DetailsMissing(plan) => {
            return status::refusal(&Unable::PayeeDetailsMissing { plan: plan.clone() });
        }
        FilesError::Write { payer, source } => format!("payer {payer}: {source}"),
        FilesError::NotPaying | FilesError::AccountMissing(_) => error.to_string(),
    };
    tracing::error!(detail, "the files of a run cannot be made");
    status::refusal(&Unable::FileRefused { detail })
}
