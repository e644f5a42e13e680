//! Calls that take one message and answer one, without code of their own for each pair of messages.
//!
//! A generated client compiles the whole way of a call (framing, limits, compression, trailers) once for each pair of
//! messages, in the crate that calls. What a request says itself ([`Unary`]) is enough to send its bytes over one way for
//! all: [`call`].

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message;
use std::error::Error;
use tonic::{
    Request, Response, Status,
    body::Body,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};

/// The request of an rpc that takes one message and answers one. Every such rpc has a request of its own. Its bytes are
/// written and its answer is read by code of this crate, not of the crate that calls.
pub trait Unary: 'static {
    /// What answers it.
    type Response: Send + 'static;
    /// What is called: `/almoner.ledger.v1.LedgerService/PostEntries`.
    const PATH: &'static str;
    /// Its bytes.
    fn to_bytes(&self) -> Bytes;
    /// What the bytes of an answer say. Errors with INTERNAL, as a generated client, when they are something else.
    fn response(answer: Bytes) -> Result<Self::Response, Status>;
}

fn read<M: Message + Default>(answer: Bytes) -> Result<M, Status> {
    M::decode(answer).map_err(|error| Status::internal(error.to_string()))
}

include!(concat!(env!("OUT_DIR"), "/calls.rs"));

/// Calls `path` over `channel` once with an encoded request, whose answer is an encoded response: as a generated client
/// whose messages have `bytes_max` bytes at most, both ways.
pub async fn call<C>(
    channel: C,
    path: &'static str,
    request: Request<Bytes>,
    bytes_max: usize,
) -> Result<Response<Bytes>, Status>
where
    C: GrpcService<Body>,
    C::Error: Into<Box<dyn Error + Send + Sync>>,
    C::ResponseBody: http_body::Body + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut grpc =
        Grpc::new(channel).max_decoding_message_size(bytes_max).max_encoding_message_size(bytes_max);
    // As the generated clients say it.
    grpc.ready()
        .await
        .map_err(|error| Status::unknown(format!("Service was not ready: {}", error.into())))?;
    grpc.unary(request, PathAndQuery::from_static(path), Encoded).await
}

/// The codec of messages that are bytes already.
#[derive(Debug, Clone, Copy, Default)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
