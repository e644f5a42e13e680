//! The floor under gRPC: a server that does nothing, with the same messages, batches and mutual TLS.

use crate::support::Installation;
use proto::referrals::v1::{LineAnswer, StreamActivityRequest, StreamActivityResponse};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_stream::{Stream, StreamExt as _, wrappers::TcpListenerStream};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Answers = Pin<Box<dyn Stream<Item = Result<StreamActivityResponse, Status>> + Send>>;

/// Answers each batch with as many empty answers.
#[derive(Clone)]
pub(crate) struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl UnaryService<StreamActivityRequest> for Echo {
    type Response = StreamActivityResponse;
    type Future = Boxed<Result<Response<StreamActivityResponse>, Status>>;

    fn call(&mut self, request: Request<StreamActivityRequest>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(answer(&request.into_inner()))) })
    }
}

impl StreamingService<StreamActivityRequest> for Echo {
    type Response = StreamActivityResponse;
    type ResponseStream = Answers;
    type Future = Boxed<Result<Response<Answers>, Status>>;

    fn call(&mut self, request: Request<Streaming<StreamActivityRequest>>) -> Self::Future {
        Box::pin(async move {
            let answers = request.into_inner().map(|batch| batch.map(|batch| answer(&batch)));
            Ok(Response::new(Box::pin(answers) as Answers))
        })
    }
}

fn answer(batch: &StreamActivityRequest) -> StreamActivityResponse {
    let rows = (batch.first_row..).take(batch.lines.len());
    let answers = rows.map(|row| LineAnswer { row, ..LineAnswer::default() }).collect();
    StreamActivityResponse { first_row: batch.first_row, answers, ..StreamActivityResponse::default() }
}

impl tower::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Boxed<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc =
                Grpc::new(ProstCodec::default()).apply_max_message_size_config(Some(16 << 20), None);
            Ok(if request.uri().path().ends_with("/Stream") {
                grpc.streaming(Self, request).await
            } else {
                grpc.unary(Self, request).await
            })
        })
    }
}

/// Starts the echo with the installation's certificates; where it listens.
pub(crate) async fn start(installation: &Installation) -> String {
    let read = |name: &str| std::fs::read(installation.certificates().join(name)).unwrap();
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(read("service-ledger.pem"), read("service-ledger.key")))
        .client_ca_root(Certificate::from_pem(read("authority.pem")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let serving = Server::builder()
        .tls_config(tls)
        .unwrap()
        .add_service(Echo)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(async move { serving.await.unwrap() });
    address
}
