//! Asking: one request, repeated until it is answered.

use crate::{Connection, MESSAGE_BYTES_MAX};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use proto::Unary;
use tonic::{Request, Status};

impl Connection {
    /// Sends `request` to the rpc that it belongs to, as [`crate::Retry::run`] repeats it: the same bytes each time, request
    /// id included. Messages have [`MESSAGE_BYTES_MAX`] at most, both ways. A call that is not to be repeated, or that carries
    /// metadata of its own, is a generated client's over [`Connection::channel`].
    ///
    /// Errors with the server's last status, details included.
    #[expect(clippy::needless_pass_by_value, reason = "a request is made to be asked")]
    pub fn ask<R: Unary>(
        &self,
        request: R,
    ) -> impl Future<Output = Result<R::Response, Status>> + Send + use<'_, R> {
        let answer = self.answer(R::PATH, request.to_bytes());
        async move { R::response(answer.await?) }
    }

    /// One function for every rpc, and compiled here: what is asked is bytes to it.
    fn answer(&self, path: &'static str, request: Bytes) -> BoxFuture<'_, Result<Bytes, Status>> {
        Box::pin(async move {
            let once = || proto::call(self.channel(), path, Request::new(request.clone()), MESSAGE_BYTES_MAX);
            Ok(self.retry().run(once).await?.into_inner())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use proto::journal::v1::{
        AdvanceJournalClockRequest, AdvanceJournalClockResponse, GetCheckpointRequest, GetCheckpointResponse,
        GetConsistencyProofRequest, GetConsistencyProofResponse, GetReceiptsRequest, GetReceiptsResponse,
        GetRecordHeadersRequest, GetRecordHeadersResponse, ListJournalsRequest, ListJournalsResponse,
        journal_service_client::JournalServiceClient,
        journal_service_server::{JournalService, JournalServiceServer},
    };
    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex},
    };
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Code, Response, metadata::MetadataMap, transport::Server};
    use wire::Pushback;

    /// A server that keeps what it is asked, and answers checkpoints with what it is told to.
    #[derive(Debug, Clone, Default)]
    struct Stub {
        asked: Arc<Mutex<Vec<GetCheckpointRequest>>>,
        answers: Arc<Mutex<VecDeque<Result<String, Status>>>>,
    }

    #[tonic::async_trait]
    impl JournalService for Stub {
        async fn get_checkpoint(
            &self,
            request: Request<GetCheckpointRequest>,
        ) -> Result<Response<GetCheckpointResponse>, Status> {
            self.asked.lock().unwrap().push(request.into_inner());
            let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| Ok(String::new()));
            answer.map(|note| Response::new(GetCheckpointResponse { note, cosigned_note: String::new() }))
        }

        async fn list_journals(
            &self,
            _: Request<ListJournalsRequest>,
        ) -> Result<Response<ListJournalsResponse>, Status> {
            Ok(Response::new(ListJournalsResponse::default()))
        }

        async fn get_receipts(
            &self,
            request: Request<GetReceiptsRequest>,
        ) -> Result<Response<GetReceiptsResponse>, Status> {
            let note = request.into_inner().system;
            Ok(Response::new(GetReceiptsResponse { note, ..GetReceiptsResponse::default() }))
        }

        async fn get_consistency_proof(
            &self,
            _: Request<GetConsistencyProofRequest>,
        ) -> Result<Response<GetConsistencyProofResponse>, Status> {
            Err(wire::status::method_not_allowed())
        }

        async fn get_record_headers(
            &self,
            _: Request<GetRecordHeadersRequest>,
        ) -> Result<Response<GetRecordHeadersResponse>, Status> {
            Err(wire::status::method_not_allowed())
        }

        async fn advance_journal_clock(
            &self,
            _: Request<AdvanceJournalClockRequest>,
        ) -> Result<Response<AdvanceJournalClockResponse>, Status> {
            Err(wire::status::method_not_allowed())
        }
    }

    impl Stub {
        async fn serve(&self) -> Connection {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let service = JournalServiceServer::new(self.clone())
                .max_decoding_message_size(usize::MAX)
                .max_encoding_message_size(usize::MAX);
            let server = Server::builder().add_service(service);
            tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
            let profile = Profile { address, authority: None, certificate: None, key: None, system: None };
            profile.connect().unwrap()
        }

        fn answers(&self, answers: impl IntoIterator<Item = Result<String, Status>>) {
            self.answers.lock().unwrap().extend(answers);
        }
    }

    fn checkpoint() -> GetCheckpointRequest {
        GetCheckpointRequest {
            system: "berkshire-west".to_owned(),
            service: "ledger".to_owned(),
            current: false,
        }
    }

    #[tokio::test]
    async fn what_is_unavailable_is_asked_again_with_the_same_message() {
        let stub = Stub::default();
        let connection = stub.serve().await;
        stub.answers([
            Err(Pushback::Busy.into()),
            Err(Pushback::Busy.into()),
            Ok("a note".to_owned()),
            Ok("another".to_owned()),
        ]);
        assert_eq!(connection.ask(checkpoint()).await.unwrap().note, "a note");
        assert_eq!(*stub.asked.lock().unwrap(), vec![checkpoint(); 3]);
        // Who wants one try takes the generated client.
        stub.asked.lock().unwrap().clear();
        stub.answers.lock().unwrap().push_front(Err(Pushback::Busy.into()));
        let mut once = crate::calling!(JournalServiceClient, connection.channel());
        assert_eq!(once.get_checkpoint(checkpoint()).await.unwrap_err().code(), Code::Unavailable);
        assert_eq!(stub.asked.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_error_keeps_its_details() {
        let stub = Stub::default();
        let connection = stub.serve().await;
        let mut metadata = MetadataMap::new();
        metadata.insert("x-more", "more".parse().unwrap());
        let refused = Status::with_details_and_metadata(
            Code::FailedPrecondition,
            "a window is sealed",
            Bytes::from_static(b"\x08\x09details"),
            metadata,
        );
        stub.answers([Err(refused.clone()), Err(wire::status::method_not_allowed())]);
        let status = connection.ask(checkpoint()).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message(), status.details()),
            (refused.code(), refused.message(), refused.details())
        );
        assert_eq!(status.metadata().get("x-more").unwrap(), "more");
        let status = connection.ask(checkpoint()).await.unwrap_err();
        assert_eq!(wire::status::reason_of(&status).as_deref(), Some("METHOD_NOT_ALLOWED"));
        assert_eq!(stub.asked.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn messages_are_limited_as_the_generated_clients_are() {
        let connection = Stub::default().serve().await;
        let mut generated = crate::calling!(JournalServiceClient, connection.channel());
        // A tag, a length of four bytes, the text: the message that is as large as it may be comes and goes.
        for (length, fits) in [(0, true), (MESSAGE_BYTES_MAX - 5, true), (MESSAGE_BYTES_MAX - 4, false)] {
            let request = GetReceiptsRequest { system: "x".repeat(length), ..GetReceiptsRequest::default() };
            let expected = generated.get_receipts(request.clone()).await;
            match (connection.ask(request).await, expected) {
                (Ok(answer), Ok(expected)) => assert!(fits && answer == expected.into_inner()),
                (Err(status), Err(expected)) => {
                    assert!(!fits, "{length}: {status:?}");
                    assert_eq!((status.code(), status.message()), (expected.code(), expected.message()));
                }
                (answer, _) => panic!("{length}: {:?}", answer.map(|answer| answer.note.len())),
            }
        }
        let stub = Stub::default();
        let connection = stub.serve().await;
        let mut generated = crate::calling!(JournalServiceClient, connection.channel());
        stub.answers([Ok("x".repeat(MESSAGE_BYTES_MAX)), Ok("x".repeat(MESSAGE_BYTES_MAX))]);
        let status = connection.ask(checkpoint()).await.unwrap_err();
        let expected = generated.get_checkpoint(checkpoint()).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (expected.code(), expected.message()));
        assert_eq!(status.code(), Code::OutOfRange);
    }

    #[tokio::test]
    async fn an_answer_that_is_something_else_is_an_error() {
        struct Odd;
        impl Unary for Odd {
            type Response = ListJournalsResponse;
            const PATH: &'static str = GetCheckpointRequest::PATH;
            fn to_bytes(&self) -> Bytes {
                checkpoint().to_bytes()
            }
            fn response(answer: Bytes) -> Result<ListJournalsResponse, Status> {
                ListJournalsRequest::response(answer)
            }
        }
        let stub = Stub::default();
        let connection = stub.serve().await;
        stub.answers([Ok("not a journal".to_owned())]);
        assert_eq!(connection.ask(Odd).await.unwrap_err().code(), Code::Internal);
    }
}
