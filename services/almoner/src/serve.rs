//! `almoner serve`: telemetry, configuration, recovery, serving, draining, exit code.

pub(crate) use crate::config::Options;
use crate::output;
use anyhow::Context as _;
use journal::Service;
use server::{Frame, FrameError, telemetry};

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let config = options.config()?;
    if options.print_config {
        output::line(format_args!("{}", config.print().trim_end()));
        return Ok(());
    }
    let settings = config.check()?;
    // Before anything else, so that a signal during a long recovery ends the process cleanly.
    let mut stop = server::told_to_stop().context("signals cannot be listened for")?;
    server::panics::install_hook();
    let sending = telemetry::start(&settings.telemetry, &settings.address.to_string())?;
    let served = async {
        let mut frame = Frame::bind(settings).await?;
        tokio::select! {
            started = start_services(&mut frame) => started?,
            () = &mut stop => return Ok(()),
        }
        frame.open().await;
        frame.run(stop).await
    }
    .await;
    tokio::task::spawn_blocking(move || sending.stop()).await?;
    Ok(served?)
}

/// Starts the services that the configuration names, in their order.
pub(crate) async fn start_services(frame: &mut Frame) -> Result<(), FrameError> {
    frame.start(Service::Registry, registry_service::start).await?;
    frame.start(Service::Identity, identity_service::start).await?;
    frame.start(Service::Ledger, ledger_service::start).await?;
    frame.start(Service::Referrals, referrals_service::start).await?;
    frame.start(Service::HealthBudgets, health_budgets_service::start).await?;
    frame.start(Service::Settlement, settlement_service::start).await?;
    frame.start(Service::Reconciliation, reconciliation_service::start).await?;
    Ok(())
}
