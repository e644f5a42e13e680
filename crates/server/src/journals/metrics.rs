//! What a journal measures of itself: group size, sync time, durable lag. Nothing about what is in it.

use journal::{Service, SystemName};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use std::time::Duration;

/// One journal's instruments. They cost a few hundred nanoseconds a group, and nothing a record.
#[derive(Debug, Clone)]
pub(crate) struct JournalMetrics {
    attributes: [KeyValue; 2],
    group_records: Histogram<u64>,
    group_bytes: Histogram<u64>,
    sync_micros: Histogram<u64>,
    durable: Gauge<u64>,
    undelivered: Gauge<u64>,
    mended: Counter<u64>,
    damaged: Counter<u64>,
}

impl JournalMetrics {
    pub(crate) fn new(system: &SystemName, service: Service) -> Self {
        let meter = opentelemetry::global::meter("almoner.journal");
        Self {
            attributes: [
                KeyValue::new("almoner.system", system.to_string()),
                KeyValue::new("almoner.service", service.as_str()),
            ],
            group_records: meter.u64_histogram("almoner.journal.group.records").with_unit("{record}").build(),
            group_bytes: meter.u64_histogram("almoner.journal.group.size").with_unit("By").build(),
            sync_micros: meter.u64_histogram("almoner.journal.sync.duration").with_unit("us").build(),
            durable: meter.u64_gauge("almoner.journal.durable").with_unit("{record}").build(),
            undelivered: meter.u64_gauge("almoner.journal.undelivered").with_unit("{record}").build(),
            mended: meter.u64_counter("almoner.journal.mended").with_unit("{group}").build(),
            damaged: meter.u64_counter("almoner.journal.damaged").with_unit("{group}").build(),
        }
    }

    /// A group became durable: its records and bytes, the time from taking it to durable, the durable count after it.
    pub(crate) fn group(&self, records: usize, bytes: usize, took: Duration, durable: u64) {
        self.group_records.record(records as u64, &self.attributes);
        self.group_bytes.record(bytes as u64, &self.attributes);
        self.sync_micros.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), &self.attributes);
        self.durable.record(durable, &self.attributes);
    }

    /// A damaged group was mended from the mirror.
    pub(crate) fn mended(&self) {
        self.mended.add(1, &self.attributes);
    }

    /// A group is damaged, and no copy of it is sound.
    pub(crate) fn damaged(&self) {
        self.damaged.add(1, &self.attributes);
    }

    /// How many reports wait for another service.
    pub(crate) fn undelivered(&self, reports: usize) {
        self.undelivered.record(reports as u64, &self.attributes);
    }
}
