//! Traces, metrics and logs, received by a real OTLP receiver.

use crate::house::{BALANCE, FINANCE, House, ask};
use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    trace::v1::Span,
};
use proto::common::v1::Problem;
use server::{Limits, telemetry};
use std::sync::{Arc, Mutex};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, async_trait, transport::Server};
use tonic_prost::ProstCodec;
use tracing::Instrument as _;

/// Keeps what it receives.
#[derive(Clone, Default)]
struct Receiver {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
    logs: Arc<Mutex<Vec<ExportLogsServiceRequest>>>,
}

#[async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.logs.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

impl Receiver {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .add_service(MetricsServiceServer::new(self.clone()))
            .add_service(LogsServiceServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        endpoint
    }

    fn spans(&self) -> Vec<Span> {
        let traces = self.traces.lock().unwrap();
        let resources = traces.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What a request says, and telemetry must not: a number of the range that is never issued to anybody.
const NHS_NUMBER: &str = "9990000042";

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_traces_metrics_and_logs_and_nothing_of_what_requests_say() {
    let receiver = Receiver::default();
    let mut house = House::new(Limits::default());
    house.config.telemetry.endpoint = Some(receiver.listen().await);
    let sending = telemetry::start(&house.config.telemetry, "test").unwrap();
    let serving = house.serve().await;

    // A caller's trace goes on here.
    let message =
        Problem { reason: NHS_NUMBER.to_owned(), field: NHS_NUMBER.to_owned(), ..Problem::default() };
    let mut request = Request::new(message);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{PARENT}-01").parse().unwrap());
    let mut grpc = tonic::client::Grpc::new(house.client(serving.port, FINANCE));
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<Problem, Problem>::default();
    let _: Response<Problem> = grpc.unary(request, PathAndQuery::from_static(BALANCE), codec).await.unwrap();
    drop(grpc);

    // A service's own trace goes on in the service that it asks.
    let span = tracing::info_span!("asking");
    let seen = ask(serving.peer.clone(), BALANCE, "trace").instrument(span).await.unwrap();
    ask(house.client(serving.port, FINANCE), BALANCE, "panic").await.unwrap_err();
    serving.stopped().await;
    tokio::task::spawn_blocking(move || sending.stop()).await.unwrap();

    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spans = receiver.spans();
    let continued = spans.iter().find(|span| hex(&span.trace_id) == TRACE).unwrap();
    assert_eq!(hex(&continued.parent_span_id), PARENT);
    assert_eq!(format!("/{}", continued.name), BALANCE);
    let asking = spans.iter().find(|span| span.name == "asking").unwrap();
    assert_eq!(seen.split('-').nth(1), Some(hex(&asking.trace_id).as_str()));
    assert!(spans.iter().any(|span| span.parent_span_id == asking.span_id));

    let metrics = format!("{:?}", receiver.metrics.lock().unwrap());
    for part in ["rpc.server.call.duration", "almoner.rpc.in_progress", BALANCE, "\"OK\"", "\"INTERNAL\""] {
        assert!(metrics.contains(part), "{part} is not in the metrics");
    }
    let logs = format!("{:?}", receiver.logs.lock().unwrap());
    assert!(logs.contains("serving") && logs.contains("a call failed on a bug"), "{logs}");
    let everything = format!("{spans:?}{metrics}{logs}");
    assert!(!everything.contains(NHS_NUMBER) && !everything.contains("on purpose"));
}
