//! What every scene has at hand: a connection for each person, the clock, and request ids.

use super::installation::{Installation, SYSTEM};
use super::people::PEOPLE;
use super::progress::Progress;
use anyhow::Context as _;
use client::Connection;
use jiff::civil::Date;
use journal::{Instant, RequestId, derived_request_id};
use proto::Unary;
use proto::registry::v1::AdvanceClockRequest;
use std::collections::BTreeMap;

/// A person of the play, to call as.
#[derive(Debug)]
pub(crate) struct Person {
    connection: Connection,
}

impl Person {
    /// Sends one request until it is answered. An error says what was asked.
    pub(crate) fn ask<R: Unary>(
        &self,
        request: R,
    ) -> impl Future<Output = anyhow::Result<R::Response>> + Send {
        let answer = self.connection.ask(request);
        async move { answer.await.with_context(|| format!("asking {}", R::PATH)) }
    }
}

/// The stage.
#[derive(Debug)]
pub(crate) struct Stage {
    connections: BTreeMap<&'static str, Connection>,
    base: RequestId,
    pub(crate) progress: Progress,
}

impl Stage {
    pub(crate) fn set(installation: &Installation, progress: Progress) -> anyhow::Result<Self> {
        let mut connections = BTreeMap::new();
        for person in &PEOPLE {
            connections.insert(person.name, installation.connect(person.name)?);
        }
        let base = client::new_request_id().parse().context("a request id of our own")?;
        Ok(Self { connections, base, progress })
    }

    /// The person whose profile is `name`.
    pub(crate) fn of(&self, name: &str) -> anyhow::Result<Person> {
        Ok(Person { connection: self.connection(name)? })
    }

    /// The connection of the person whose profile is `name`.
    pub(crate) fn connection(&self, name: &str) -> anyhow::Result<Connection> {
        self.connections.get(name).cloned().with_context(|| format!("nobody is called {name}"))
    }

    /// The request id for `what`: the same whenever it is asked for again in this play.
    pub(crate) fn id(&self, what: &str) -> RequestId {
        derived_request_id("demo", self.base, what.as_bytes())
    }

    /// Moves the sandbox's clock to `hour` o'clock (UTC) on `day`.
    pub(crate) async fn advance(&self, day: Date, hour: i8) -> anyhow::Result<()> {
        let to: Instant = format!("{day}T{hour:02}:00:00Z").parse().context("the next time of the clock")?;
        let request = AdvanceClockRequest {
            system: SYSTEM.to_owned(),
            request_id: self.id(&format!("clock {to}")).to_string(),
            advance_to: Some(wire::common::timestamp(to)),
        };
        self.of("operator")?.ask(request).await?;
        Ok(())
    }
}
