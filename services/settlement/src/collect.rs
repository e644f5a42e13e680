//! Preparing a run: what the other services' books show, checked and fixed as one blob.

use crate::{
    Adapter,
    adapter::{content_of, fresh_id, recorded},
    peers::{unanswered, window_key},
    references::CALL_AGE,
};
use access::Caller;
use journal::{Day, RequestId, SystemName};
use nhs::OdsCode;
use proto::{ledger::v1 as ledger, settlement::v1};
use reference::Cut;
use server::journals::Handle;
use settlement::{
    Adopted, Command, Event, LedgerWindow, Payee, PrepareError, PrepareRun, PrepareTerms, RunContent,
    SealedCut, Settlement, SiteLines, Sources, WindowKey, prepare,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tonic::Status;
use wire::{
    Fields, Pushback,
    settlement::{inward, inward::Prepare, outward, unprepared},
};

/// How long a preparation waits for the ledger to catch up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon it looks again.
const PAUSE: Duration = Duration::from_millis(100);
/// Windows of one call that seals them.
const WINDOWS_PER_CALL: usize = 256;

/// The lines of a run's cuts by payer, payee and site.
type Sites = BTreeMap<(OdsCode, Payee), Vec<SiteLines>>;

impl Adapter {
    pub(crate) async fn prepare(
        &self,
        caller: &Caller,
        message: v1::PrepareRunRequest,
    ) -> Result<v1::PrepareRunResponse, Status> {
        let (system, asked) = inward::prepare_run(&message)?;
        let handle = self.journal(&system).await?;
        let content = match standing(&handle, asked.request_id).await? {
            // An earlier attempt fixed the content; another one would not be this run.
            Some(content) => content,
            None => Arc::new(self.collect(&handle, asked).await?),
        };
        let digest = handle.put_blob(content.to_cbor()).await?;
        let said = content_of((asked.cut, asked.pay_on));
        let command = Command::PrepareRun(PrepareRun { terms: PrepareTerms { digest }, content });
        let (answer, event) = self.submit(&handle, caller, (asked.request_id, said), command).await?;
        let supersedes = match event {
            Event::RunPrepared { supersedes } => supersedes.iter().map(RequestId::to_string).collect(),
            Event::ReferenceAdopted
            | Event::FellDue
            | Event::AsksSettled
            | Event::RunApproved { .. }
            | Event::RunPaying
            | Event::RunWitnessed { .. }
            | Event::WaiverProposed
            | Event::WitnessesWaived { .. }
            | Event::FilesRecorded
            | Event::RunStepped
            | Event::BankMessageRecorded { .. }
            | Event::BankMessageKnown { .. } => Vec::new(),
        };
        let run = self.run_message(&handle, asked.request_id).await?;
        let change = v1::RunChange { recorded: Some(recorded(&answer)), run };
        Ok(v1::PrepareRunResponse { change: Some(change), supersedes })
    }

    /// The run as it stands, on the wire.
    pub(crate) async fn run_message(
        &self,
        handle: &Handle<Settlement>,
        run: RequestId,
    ) -> Result<Option<v1::SettlementRun>, Status> {
        let read =
            handle.read(None, move |state, _| state.run(run).map(|of| outward::run(of, state.asks_of(run))));
        Ok(read.await?)
    }

    async fn collect(&self, handle: &Handle<Settlement>, asked: Prepare) -> Result<RunContent, Status> {
        self.references().ensure(handle, CALL_AGE).await?;
        let pay_on = pay_day(handle, asked.pay_on).await?;
        let system = handle.system();
        let until = Instant::now() + PATIENCE;
        loop {
            let last = Instant::now() >= until;
            let collected = self.collect_once(handle, asked, pay_on).await;
            match collected? {
                Ok(content) => return Ok(content),
                Err(error @ (PrepareError::LedgerBehind { .. } | PrepareError::BooksMoved { .. }))
                    if last =>
                {
                    tracing::warn!(%system, %error, "a run waits for the books");
                    return Err(unprepared(&error));
                }
                Err(PrepareError::LedgerBehind { .. } | PrepareError::BooksMoved { .. }) => {}
                Err(error) => return Err(unprepared(&error)),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn collect_once(
        &self,
        handle: &Handle<Settlement>,
        asked: Prepare,
        pay_on: Day,
    ) -> Result<Result<RunContent, PrepareError>, Status> {
        // What fell due must stand in the ledger first, and a run that is being paid must be answered for.
        self.work(handle).await?;
        let system = handle.system().clone();
        let mut cuts = self.others().sealed_cuts(&system).await?;
        cuts.retain(|sealed| sealed.cut <= asked.cut);
        let mut windows = self.others().windows(&system).await?;
        if self.seal(&system, &windows, pay_on).await? {
            windows = self.others().windows(&system).await?;
        }
        let accounts = self.others().payables(&system).await?;
        let sites = self.sites(&system, &cuts, &windows).await?;
        let sources = Sources {
            run: asked.request_id,
            system: system.to_string(),
            cut: asked.cut,
            pay_on,
            cuts,
            windows,
            accounts,
            sites,
        };
        Ok(handle.read(None, move |state, _| prepare(state, &sources)).await?)
    }

    /// Seals what falls due by the day of payment and the runs in force, so that their totals stand; whether there was any.
    async fn seal(&self, system: &SystemName, windows: &[LedgerWindow], pay_on: Day) -> Result<bool, Status> {
        let due = |window: &&LedgerWindow| {
            !window.sealed
                && window.seq > 0
                && match window.key {
                    WindowKey::Cut(_) => false,
                    WindowKey::Instalment(due) => due <= pay_on,
                    WindowKey::Run(_) => true,
                }
        };
        let names: Vec<ledger::WindowName> = windows
            .iter()
            .filter(due)
            .map(|window| ledger::WindowName {
                payer: window.payer.to_string(),
                payee: window.payee.to_string(),
                key: Some(window_key(window.key)),
            })
            .collect();
        for chunk in names.chunks(WINDOWS_PER_CALL) {
            let request = ledger::SealWindowsRequest {
                system: system.to_string(),
                request_id: fresh_id()?.to_string(),
                windows: chunk.to_vec(),
            };
            self.others().ledger().ask(request).await.map_err(unanswered)?;
        }
        Ok(!names.is_empty())
    }

    /// The lines behind the cuts that are not wholly paid, by site.
    async fn sites(
        &self,
        system: &SystemName,
        cuts: &[SealedCut],
        windows: &[LedgerWindow],
    ) -> Result<Sites, Status> {
        let open = |cut: Cut| {
            windows.iter().any(|window| window.key == WindowKey::Cut(cut) && window.total != window.paid)
        };
        let mut by_site: BTreeMap<(OdsCode, Payee, OdsCode), (u32, i64)> = BTreeMap::new();
        for sealed in cuts.iter().filter(|sealed| open(sealed.cut)) {
            for line in self.lines_of(system, sealed.cut).await?.values().flatten() {
                let key = (line.payer, Payee::Organisation(line.payee), line.site);
                let (lines, pence) = by_site.entry(key).or_default();
                *lines = lines.saturating_add(1);
                *pence = pence.saturating_add(line.pence.get());
            }
        }
        let mut sites = Sites::new();
        for ((payer, payee, site), (lines, pence)) in by_site {
            let pence = money::NetPence::new(pence);
            sites.entry((payer, payee)).or_default().push(SiteLines { site, lines, pence });
        }
        Ok(sites)
    }
}

/// The content of a run that stands already.
async fn standing(handle: &Handle<Settlement>, run: RequestId) -> Result<Option<Arc<RunContent>>, Status> {
    Ok(handle.read(None, move |state, _| state.run(run).map(|run| Arc::clone(&run.content))).await?)
}

/// The day on which a run pays: the one asked for, when it is a working day that has not passed, else the next.
async fn pay_day(handle: &Handle<Settlement>, asked: Option<Day>) -> Result<Day, Status> {
    let read = handle.read(None, |state, at| (state.adopted().cloned(), at.business_date));
    let (adopted, today): (Option<Adopted>, Day) = read.await?;
    let adopted = adopted.ok_or_else(|| Status::from(Pushback::Dependency))?;
    let Some(day) = asked else { return Ok(adopted.reference().working_day_from(today)) };
    let mut fields = Fields::new();
    if day < today || !adopted.reference().is_working_day(day) {
        fields.refuse("pay_date", "DATE_INVALID", "it must be a working day, today or later");
    }
    fields.finish()?;
    Ok(day)
}
