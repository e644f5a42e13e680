//! Telling another service what happened: reports in journal order, batched, never lost, never refused by choice of rules.

use super::engine_thread::Job;
use journal::{Domain, Position, Service, SystemName, house};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::Status;

/// Reports in one batch to another service: large enough that its sync is shared, small enough for one message.
const BATCH_REPORTS_MAX: usize = 4_096;

/// The first wait after a failed delivery, doubled up to [`RETRY_LONGEST`].
const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// What the target said to a batch.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The position of its first answer in the target's journal.
    pub first_position: Position,
    /// Records whose reports it refused all the same. They are parked with an alarm and block nothing behind them.
    pub parked: Vec<Position>,
}

/// The target could not be reached or did not answer: the same batch is tried again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CourierError(pub String);

impl CourierError {
    /// What `target` answered, without its text: the next try tells more to the target's own log.
    #[must_use]
    pub fn answered(target: Service, status: &Status) -> Self {
        let reason = wire::status::reason_of(status).unwrap_or_default();
        Self(format!("{target} answered {:?} {reason}", status.code()))
    }
}

/// A delivery in progress.
pub type Delivering<'a> = Pin<Box<dyn Future<Output = Result<Delivery, CourierError>> + Send + 'a>>;

/// Carries one domain's reports to the service that they are for. Each report has a derived request id, so delivering one
/// again changes nothing.
pub trait Courier<D: Domain>: Send + Sync {
    /// Who is told.
    fn target(&self) -> Service;

    /// Tells it, in order.
    fn deliver<'a>(&'a self, system: &'a SystemName, reports: &'a [(Position, D::Report)]) -> Delivering<'a>;
}

/// Reports in journal order, each with the record that it follows from.
pub(crate) type Reports<D> = Vec<(Position, <D as Domain>::Report)>;

pub(crate) struct Outbox<D: Domain> {
    pub(crate) system: SystemName,
    pub(crate) courier: Arc<dyn Courier<D>>,
    pub(crate) queue: VecDeque<(Position, D::Report)>,
    pub(crate) arrivals: mpsc::UnboundedReceiver<Reports<D>>,
    pub(crate) durable: watch::Receiver<u64>,
    pub(crate) delivered: watch::Sender<u64>,
    pub(crate) inbox: Sender<Job<D>>,
    pub(crate) metrics: super::metrics::JournalMetrics,
}

impl<D: Domain> Outbox<D> {
    /// Delivers until the journal stops.
    pub(crate) async fn run(mut self) {
        loop {
            while let Ok(reports) = self.arrivals.try_recv() {
                self.queue.extend(reports);
            }
            if self.queue.is_empty() {
                // Nothing is owed for any record that is durable now.
                let durable = *self.durable.borrow_and_update();
                if self.arrivals.is_empty() {
                    self.delivered.send_if_modified(|count| core::mem::replace(count, durable) != durable);
                }
                tokio::select! {
                    arrived = self.arrivals.recv() => match arrived {
                        Some(reports) => self.queue.extend(reports),
                        None => return,
                    },
                    changed = self.durable.changed() => if changed.is_err() { return },
                }
                continue;
            }
            if !self.deliver_batch().await {
                return;
            }
        }
    }

    /// Delivers the next batch, however often it must be tried. False when the journal has stopped meanwhile.
    async fn deliver_batch(&mut self) -> bool {
        let size = batch_size(&self.queue);
        let batch: Reports<D> = self.queue.drain(..size).collect();
        let Some((through, _)) = batch.last() else { return true };
        let through = *through;
        self.metrics.undelivered(batch.len().saturating_add(self.queue.len()));
        let mut wait = RETRY_FIRST;
        let delivery = loop {
            match self.courier.deliver(&self.system, &batch).await {
                Ok(delivery) => break delivery,
                Err(error) => {
                    tracing::warn!(system = %self.system, target = %self.courier.target(), %error, "reports not delivered, trying again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_LONGEST);
                    if self.durable.has_changed().is_err() {
                        return false;
                    }
                }
            }
        };
        if !delivery.parked.is_empty() {
            tracing::error!(system = %self.system, target = %self.courier.target(), records = ?delivery.parked, "reports were refused and are parked");
        }
        let next = through.next().get();
        self.delivered.send_if_modified(|count| core::mem::replace(count, next) != next);
        let delivered = house::Delivered {
            target: self.courier.target(),
            through,
            first_position: delivery.first_position,
            parked: delivery.parked,
        };
        self.inbox.send(Job::Delivered(delivered)).is_ok()
    }
}

/// How many reports the next batch takes: never only some of one record's.
fn batch_size<R>(queue: &VecDeque<(Position, R)>) -> usize {
    let limit = queue.len().min(BATCH_REPORTS_MAX);
    let Some((last, _)) = queue.get(limit.wrapping_sub(1)) else { return 0 };
    let last = *last;
    let rest = queue.iter().skip(limit).take_while(|(position, _)| *position == last).count();
    limit.saturating_add(rest)
}

impl<D: Domain> fmt::Debug for Outbox<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({}/{})", self.system, D::SERVICE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_never_splits_a_record() {
        let queue = |positions: &[u64]| -> VecDeque<(Position, ())> {
            positions.iter().map(|p| (Position::new(*p), ())).collect()
        };
        assert_eq!(batch_size(&queue(&[])), 0);
        assert_eq!(batch_size(&queue(&[1, 1, 2])), 3);
        let long: Vec<u64> = (0..4_095).chain([5_000, 5_000, 5_000, 6_000]).collect();
        assert_eq!(batch_size(&queue(&long)), 4_098);
    }
}
