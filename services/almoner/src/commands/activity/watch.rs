//! `almoner activity watch`: what happens to a provider's lines, as it happens.

use super::{Activity, codes, cut_name};
use crate::{
    commands::submit,
    output::{self, pounds},
};
use anyhow::bail;
use clap::Args;
use proto::referrals::v1::{
    LineEvent, WatchLinesRequest, WatchLinesResponse, line_event::Event,
    referrals_service_client::ReferralsServiceClient,
};
use std::time::{Duration, Instant};
use tonic::{Code, Status};

/// How long it is tried to reach the server again.
const PATIENCE: Duration = Duration::from_secs(300);

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Provider: the caller's own ODS code
    #[arg(long)]
    provider: String,
    /// First record to look at; what an earlier watch said to go on from
    #[arg(long, value_name = "RECORD", default_value_t = 0)]
    from: u64,
    /// End when everything recorded so far was shown
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn watch(activity: &Activity, of: Watch) -> anyhow::Result<()> {
    let Watch { provider, mut from, no_wait } = of;
    let (mut heard, mut pause) = (Instant::now(), Duration::from_millis(100));
    loop {
        let request = WatchLinesRequest {
            system: activity.system.clone(),
            provider: provider.clone(),
            from_position: from,
        };
        let before = from;
        match watch_once(activity, request, &mut from, no_wait).await {
            Ok(()) => {
                output::note(format_args!("go on with --from {from}"));
                return Ok(());
            }
            Err(status) if is_passing(&status) => {
                if from > before {
                    (heard, pause) = (Instant::now(), Duration::from_millis(100));
                }
                if heard.elapsed() > PATIENCE {
                    bail!("the server was not reached for five minutes; go on with --from {from}");
                }
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(PAUSE_MAX);
            }
            Err(status) => {
                let error = anyhow::Error::new(status);
                return Err(error.context(format!("the watch ended; go on with --from {from}")));
            }
        }
    }
}

/// Whether a watch that ended so may be taken up again: the connection was cut, or the server asks to come back.
fn is_passing(status: &Status) -> bool {
    let cut = matches!(status.code(), Code::Unknown | Code::Cancelled);
    (cut && wire::status::reason_of(status).is_none()) || wire::status::retry_after(status).is_some()
}

async fn watch_once(
    activity: &Activity,
    request: WatchLinesRequest,
    from: &mut u64,
    no_wait: bool,
) -> Result<(), Status> {
    let mut client = client::calling!(ReferralsServiceClient, activity.connection.channel());
    let mut events = client.watch_lines(request).await?.into_inner();
    while let Some(WatchLinesResponse { events, next_position, as_of }) = events.message().await? {
        for event in &events {
            show(event);
        }
        *from = next_position;
        let last = as_of.and_then(|as_of| as_of.position);
        if no_wait && last.is_none_or(|last| next_position > last) {
            return Ok(());
        }
    }
    Err(Status::unavailable("the watch ended early"))
}

fn show(event: &LineEvent) {
    let LineEvent { recorded, event } = event;
    let recorded = recorded.clone().unwrap_or_default();
    let position = recorded.position;
    let at = output::date(recorded.business_date);
    match event {
        Some(Event::Answered(line)) => {
            let (word, name) = (submit::word(line.answer()), &line.cds_identifier);
            let (claimed, accepted) = (pounds(line.claimed_pence), pounds(line.accepted_pence));
            let (cut, codes) = (cut_name(line.cut.as_ref()), codes(&line.findings));
            let text = format!(
                "{position} {at} {word} {name} claimed {claimed}, accepted {accepted}, cut {cut} {codes}"
            );
            output::line(format_args!("{}", text.trim_end()));
        }
        Some(Event::Superseded(old)) => output::line(format_args!(
            "{position} {at} superseded {} of record {}, accepted {} taken off",
            old.cds_identifier,
            old.position,
            pounds(old.accepted_pence)
        )),
        Some(Event::Withdrawn(old)) => output::line(format_args!(
            "{position} {at} withdrawn {} of record {}, accepted {} taken off",
            old.cds_identifier,
            old.position,
            pounds(old.accepted_pence)
        )),
        Some(Event::Sealed(cut)) => {
            let name = cut_name(cut.cut.as_ref());
            for total in &cut.totals {
                output::line(format_args!(
                    "{position} {at} sealed {name}: {} pays {} for {} lines, {} contested",
                    total.payer,
                    pounds(total.payable_pence),
                    total.lines,
                    pounds(total.contested_pence)
                ));
            }
            if cut.totals.is_empty() {
                output::line(format_args!(
                    "{position} {at} sealed {name}: nothing of this provider's is in it"
                ));
            }
        }
        // A server that is newer than this program says more than it knows.
        None => {}
    }
}
