//! Traces, metrics and logs: to standard error always, to an OpenTelemetry collector when one is configured.
//!
//! Nothing about patients is in any of it: spans and metrics carry methods, codes, systems and services, and log lines
//! carry what the code says of itself, never what a request said.

use crate::config::{LogFormat, Telemetry};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    KeyValue, global,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TracerProvider as _,
};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig as _,
};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashMap,
    io::IsTerminal as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// The libraries that carry telemetry must not make more of it.
const QUIET: [&str; 6] = ["h2", "hyper", "hyper_util", "tonic", "tower", "opentelemetry"];

/// Whether spans go to a collector. Where they do not, calls are spared what only a collector reads.
static SENDING: AtomicBool = AtomicBool::new(false);

/// What sends telemetry; keep it until the process ends, then [`Telemetry::stop`](Sending::stop) it.
#[derive(Debug)]
#[must_use = "telemetry that is dropped is not sent"]
pub struct Sending {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    logs: Option<SdkLoggerProvider>,
}

/// Telemetry cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter cannot be made.
    #[error("telemetry cannot be sent to the endpoint configured")]
    Exporter(#[from] ExporterBuildError),
    /// The log filter is not one.
    #[error("the log filter is not one")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
}

/// Begins to log, and to send when an endpoint is configured. Must run inside the runtime. `instance` tells processes
/// apart. A subscriber that is there already is kept.
pub fn start(telemetry: &Telemetry, instance: &str) -> Result<Sending, TelemetryError> {
    let mut filter: Targets = telemetry.log.parse()?;
    for target in QUIET {
        filter = filter.with_target(target, tracing::Level::WARN);
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match telemetry.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter.clone()));
    let Some(endpoint) = &telemetry.endpoint else {
        let _ = registry.try_init();
        return Ok(Sending { traces: None, metrics: None, logs: None });
    };

    let resource = Resource::builder()
        .with_service_name("almoner")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_owned()),
        ])
        .build();
    let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(spans)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio(
            telemetry.trace_one_in,
        )))))
        .with_resource(resource.clone())
        .build();
    let metrics = MetricExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let reader = PeriodicReader::builder(metrics)
        .with_interval(Duration::from_secs(telemetry.metrics_seconds))
        .build();
    let metrics = SdkMeterProvider::builder().with_reader(reader).with_resource(resource.clone()).build();
    let records = LogExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let logs = SdkLoggerProvider::builder().with_batch_exporter(records).with_resource(resource).build();

    SENDING.store(true, Ordering::Relaxed);
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_tracer_provider(traces.clone());
    global::set_meter_provider(metrics.clone());
    let tracer = traces.tracer("almoner");
    let _ = registry
        .with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter.clone()))
        .with(OpenTelemetryTracingBridge::new(&logs).with_filter(filter))
        .try_init();
    Ok(Sending { traces: Some(traces), metrics: Some(metrics), logs: Some(logs) })
}

impl Sending {
    /// Sends what waits, and no more. Blocks: call it off the runtime's own threads.
    pub fn stop(self) {
        let Self { traces, metrics, logs } = self;
        // A collector that is gone must not turn a clean stop into a failure.
        let _ = traces.map(|provider| provider.shutdown());
        let _ = metrics.map(|provider| provider.shutdown());
        let _ = logs.map(|provider| provider.shutdown());
    }
}

fn ratio(one_in: u32) -> f64 {
    f64::from(one_in).recip()
}

thread_local! {
    /// The spans of calls that no collector sees, by method.
    static SPANS: RefCell<HashMap<&'static str, Span>> = RefCell::default();
}

/// The span of one call, a child of the caller's when it sent its trace context.
pub(crate) fn call_span(method: Cow<'static, str>, headers: &HeaderMap) -> Span {
    if !SENDING.load(Ordering::Relaxed) {
        // For log lines alone: what they show of a call is its method, so that all calls of one may share a span.
        let span = |method: &str| tracing::info_span!(parent: None, "call", rpc.method = method);
        return match method {
            Cow::Borrowed(method) => {
                let shared = |spans: &mut HashMap<_, Span>| {
                    spans.entry(method).or_insert_with_key(|method| span(method)).clone()
                };
                SPANS.with_borrow_mut(shared)
            }
            Cow::Owned(method) => span(&method),
        };
    }
    let span = tracing::info_span!(
        "call",
        otel.name = method.trim_start_matches('/'),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.method = &*method,
    );
    if headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&Incoming(headers));
        // Errors only when no layer records spans: then there is nothing to link.
        let _ = span.set_parent(parent);
    }
    span
}

/// Puts the current span's trace context into `headers`, when there is one.
pub(crate) fn inject(headers: &mut HeaderMap) {
    if !SENDING.load(Ordering::Relaxed) {
        return;
    }
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Outgoing(headers));
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
