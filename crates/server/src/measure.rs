//! Calls counted and timed by method and code, streams to their last message.

use crate::panics;
use http::header::HeaderMap;
use http_body::{Frame, SizeHint};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, UpDownCounter},
};
use std::{
    borrow::Cow,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Code, Status, body::Body};
use wire::status;

/// The frame's instruments. Without a collector they cost next to nothing.
#[derive(Clone)]
pub(crate) struct Meters {
    duration: Histogram<f64>,
    in_progress: UpDownCounter<i64>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("almoner.rpc");
        Self {
            duration: meter
                .f64_histogram("rpc.server.call.duration")
                .with_unit("s")
                .with_description(
                    "How long calls took, by method and code; a stream's until its last message.",
                )
                .build(),
            in_progress: meter
                .i64_up_down_counter("almoner.rpc.in_progress")
                .with_unit("{call}")
                .with_description("Calls in progress, by method.")
                .build(),
        }
    }

    /// Begins to measure a call of `method`.
    pub(crate) fn begin(&self, method: Cow<'static, str>) -> Call {
        let method = KeyValue::new("rpc.method", method);
        self.in_progress.add(1, std::slice::from_ref(&method));
        Call { meters: self.clone(), method, began: Instant::now(), code: None }
    }
}

/// One call being measured. Dropped before its code is known, it was cancelled.
pub(crate) struct Call {
    meters: Meters,
    method: KeyValue,
    began: Instant,
    code: Option<Code>,
}

impl Call {
    /// Takes the code from headers or trailers that have one, and puts the details that every error has into those of
    /// the gRPC library.
    pub(crate) fn status(&mut self, headers: &mut HeaderMap) {
        let Some(mut found) = Status::from_header_map(headers) else { return };
        if let Some(complete) = status::complete(&found)
            && complete.add_header(headers).is_ok()
        {
            found = complete;
        }
        self.code = Some(found.code());
    }

    fn failed(&mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.map_or("CANCELLED", status::code_label);
        let attributes = [
            self.method.clone(),
            KeyValue::new("rpc.response.status_code", code),
            KeyValue::new("rpc.system", "grpc"),
        ];
        self.meters.duration.record(self.began.elapsed().as_secs_f64(), &attributes);
        self.meters.in_progress.add(-1, std::slice::from_ref(&self.method));
    }
}

/// An answer's body that is measured to its end, holds the call's place until then, and survives a panic in a stream.
pub(crate) struct Observed {
    body: Body,
    call: Option<Call>,
    permit: Option<OwnedSemaphorePermit>,
    span: tracing::Span,
}

impl Observed {
    pub(crate) fn new(
        body: Body,
        call: Call,
        permit: Option<OwnedSemaphorePermit>,
        span: tracing::Span,
    ) -> Self {
        Self { body, call: Some(call), permit, span }
    }

    fn end(&mut self) {
        self.call = None;
        self.permit = None;
    }
}

impl http_body::Body for Observed {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let this = &mut *self;
        let polled = this.span.in_scope(|| panics::caught_once(|| Pin::new(&mut this.body).poll_frame(cx)));
        match polled {
            Err(incident) => {
                if let Some(call) = &mut this.call {
                    call.failed(Code::Internal);
                }
                this.end();
                Poll::Ready(Some(Err(status::incident(&incident.to_string()))))
            }
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(None)) => {
                this.end();
                Poll::Ready(None)
            }
            Ok(Poll::Ready(Some(Err(error)))) => {
                if let Some(call) = &mut this.call {
                    call.failed(error.code());
                }
                this.end();
                Poll::Ready(Some(Err(error)))
            }
            Ok(Poll::Ready(Some(Ok(mut frame)))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    if let Some(call) = &mut this.call {
                        call.status(trailers);
                    }
                    this.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
