//! The floor under gRPC: a server that does nothing, with the same messages, batches and mutual TLS, in a process of its
//! own as the real one is.

use crate::support::Installation;
use proto::common::v1::AsOf;
use proto::ledger::v1::posting_outcome::Outcome;
use proto::ledger::v1::{EntryName, PostEntriesRequest, PostEntriesResponse, PostingOutcome, PostingResult};
use proto::referrals::v1::{LineAnswer, StreamActivityRequest, StreamActivityResponse};
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
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

/// Answers each posting as if it stood in a journal.
#[derive(Clone)]
struct EchoPostings;

impl UnaryService<PostEntriesRequest> for EchoPostings {
    type Response = PostEntriesResponse;
    type Future = Boxed<Result<Response<PostEntriesResponse>, Status>>;

    fn call(&mut self, request: Request<PostEntriesRequest>) -> Self::Future {
        Box::pin(async move {
            let postings = request.into_inner().postings;
            let outcomes = postings.iter().map(|posting| {
                let posted = PostingResult {
                    entry: Some(EntryName { position: 1 << 20, index: 0 }),
                    leaf_hash: vec![7; 32],
                    accounting_date: posting.effective_date,
                    ..PostingResult::default()
                };
                PostingOutcome { outcome: Some(Outcome::Posted(posted)) }
            });
            let as_of = Some(AsOf { position: Some(1 << 20), ..AsOf::default() });
            Ok(Response::new(PostEntriesResponse { outcomes: outcomes.collect(), as_of }))
        })
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
            } else if request.uri().path().ends_with("/Postings") {
                let mut grpc = Grpc::new(ProstCodec::default());
                grpc.unary(EchoPostings, request).await
            } else {
                grpc.unary(Self, request).await
            })
        })
    }
}

/// The word on the command line that makes this program the echo, before the folder of certificates.
pub(crate) const WORD: &str = "--echo-with";

/// The echo's process; ended when dropped.
pub(crate) struct EchoProcess {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl EchoProcess {
    /// Starts the echo with the installation's certificates.
    pub(crate) fn start(installation: &Installation) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(WORD)
            .arg(installation.certificates())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for EchoProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves with the certificates in `folder` until killed; says on standard output where it listens.
pub(crate) fn serve(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(read("service-ledger.pem"), read("service-ledger.key")))
            .client_ca_root(Certificate::from_pem(read("authority.pem")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("https://{}", listener.local_addr().unwrap());
        let accepted = TcpListenerStream::new(listener)
            .map(|stream| stream.inspect(|stream| stream.set_nodelay(true).unwrap()));
        let server = Server::builder().tls_config(tls).unwrap().add_service(Echo);
        server.serve_with_incoming(accepted).await.unwrap();
    });
}
