//! `almoner status`: whether a server serves, and where its journals stand.

use crate::{cli::Calling, output};
use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::Table;
use proto::journal::v1::{Journal, ListJournalsRequest};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// The options of `status`.
#[derive(Debug, Args)]
pub(crate) struct Options {}

pub(crate) async fn run(Options {}: Options, calling: &Calling) -> anyhow::Result<()> {
    let (connection, _) = calling.connect()?;
    let mut health = HealthClient::new(connection.channel());
    let answer = health.check(HealthCheckRequest::default()).await.context("the server does not answer")?;
    let serving = answer.into_inner().status == i32::from(ServingStatus::Serving);
    if !serving {
        bail!("the server is not serving: it is starting, draining, or found its data damaged");
    }
    output::line(format_args!("serving"));

    let listed = connection.ask(ListJournalsRequest {}).await.context("the journals cannot be listed")?;
    let journals = listed.journals;
    if !journals.is_empty() {
        output::show(&table(&journals));
    }
    Ok(())
}

fn table(journals: &[Journal]) -> Table {
    let heads = ["system", "service", "records", "undelivered", "witnessed", "state"];
    let mut table = output::table(heads, [2, 3]);
    for Journal {
        service,
        system,
        durable_count,
        delivered_count,
        sandbox,
        accepting,
        cosigned_count,
        cosigners,
    } in journals
    {
        let seen = match cosigners.len() {
            0 => "no".to_owned(),
            witnesses => format!("{cosigned_count} by {witnesses}"),
        };
        let state = match (accepting, sandbox) {
            (true, false) => "accepting",
            (true, true) => "accepting, sandbox",
            (false, false) => "reads only",
            (false, true) => "reads only, sandbox",
        };
        let undelivered = durable_count.saturating_sub(*delivered_count);
        table.add_row([system, service, &durable_count.to_string(), &undelivered.to_string(), &seen, state]);
    }
    table
}
