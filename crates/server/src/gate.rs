//! What every call passes through, outside in: trace and metrics, panics, limits, who is calling, what they may call,
//! and the time they have. One service instead of a stack of layers, so that the order stands in one place.

use crate::{
    config::Limits,
    journal_service::Journalling,
    link::Peer,
    measure::{Call, Meters, Observed},
    panics, published, telemetry,
};
use access::{
    Caller,
    methods::{self, Method},
    permits,
};
use http::{Request, Response, header::HeaderMap};
use std::{
    borrow::Cow,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::Semaphore;
use tonic::{Status, body::Body, service::Routes};
use tower::Service;
use tracing::Instrument as _;
use wire::{Pushback, status};

/// tonic's own timer answers CANCELLED when a deadline passes; ours must be first by a little, so that callers get
/// DEADLINE_EXCEEDED.
const DEADLINE_MARGIN: Duration = Duration::from_millis(2);

/// The way into every service of the process.
#[derive(Clone)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
}

struct Shared {
    /// Health and reflection: there from the first moment.
    early: Routes,
    /// Everything, once every service has recovered.
    full: OnceLock<(Routes, Arc<Journalling>)>,
    calls: Arc<Semaphore>,
    service_calls: Arc<Semaphore>,
    call_time: Duration,
    meters: Meters,
}

impl Gate {
    pub(crate) fn new(early: Routes, limits: &Limits) -> Self {
        let shared = Shared {
            early: early.prepare(),
            full: OnceLock::new(),
            calls: Arc::new(Semaphore::new(limits.calls)),
            service_calls: Arc::new(Semaphore::new(limits.service_calls)),
            call_time: limits.call_time(),
            meters: Meters::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The routes of health and reflection, to which the services' are added.
    pub(crate) fn early(&self) -> Routes {
        self.shared.early.clone()
    }

    /// Lets calls through to the services, and readers to the pages of `journals`.
    pub(crate) fn open(&self, routes: Routes, journals: Arc<Journalling>) {
        let _ = self.shared.full.set((routes.prepare(), journals));
    }
}

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // what cannot be taken is answered with a pushback, never left waiting
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let asked = Asked::of(request.uri().path());
            let method = match &asked {
                Asked::Method(method) => Cow::Borrowed(method.path),
                Asked::Common => Cow::Owned(request.uri().path().to_owned()),
                Asked::Page => Cow::Borrowed(published::PREFIX),
                Asked::Unknown => Cow::Borrowed("unknown"),
            };
            let span = telemetry::call_span(method.clone(), request.headers());
            let call = shared.meters.begin(method);
            let answer = shared.admit(&asked, request).instrument(span.clone()).await;
            let (response, permit) = match answer {
                Ok((response, permit)) => (response, permit),
                Err(status) if matches!(asked, Asked::Page) => (published::refused(&status), None),
                Err(status) => (status.into_http(), None),
            };
            Ok(observe(response, call, permit, span))
        })
    }
}

type Permit = Option<tokio::sync::OwnedSemaphorePermit>;

impl Shared {
    /// The answer of the method called, or why it was not called.
    async fn admit(
        &self,
        asked: &Asked,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, Permit), Status> {
        let caller = match request.extensions().get::<Peer>().map(|peer| &peer.caller) {
            Some(Ok(caller)) => Arc::clone(caller),
            Some(Err(error)) => return Err(status::unauthenticated(error)),
            None => return Err(status::unauthenticated(&access::CallerError::NoIdentity)),
        };
        // Permission before existence: a method without a row and a method that is not there answer alike.
        let permitted = match asked {
            Asked::Method(method) => permits(&caller, method.path),
            Asked::Common | Asked::Page => true,
            Asked::Unknown => false,
        };
        if !permitted {
            return Err(status::method_not_allowed());
        }
        let common = matches!(asked, Asked::Common);
        let (routes, journals) = match self.full.get() {
            Some((routes, journals)) => (routes, Some(journals)),
            None if common => (&self.early, None),
            None => return Err(Pushback::Starting.into()),
        };
        let permit = if common { None } else { Some(self.place(&caller)?) };
        let time = deadline(request.headers()).map_or(self.call_time, |asked| asked.min(self.call_time));
        let answer = async {
            if let (Asked::Page, Some(journals)) = (asked, journals) {
                let (head, _) = request.into_parts();
                let page = published::answer(journals, &caller, &head.method, head.uri.path());
                // Boxed: few calls are of pages, and every call would carry what they need.
                return Ok(Box::pin(page).await);
            }
            request.extensions_mut().insert(caller);
            // Routes are always ready.
            routes.clone().call(request).await
        };
        let answer = panics::caught(answer);
        match tokio::time::timeout(time.saturating_sub(DEADLINE_MARGIN), answer).await {
            Ok(Ok(Ok(response))) => Ok((response, permit)),
            Ok(Ok(Err(impossible))) => match impossible {},
            Ok(Err(incident)) => Err(status::incident(&incident.to_string())),
            Err(_) => Err(status::deadline_exceeded()),
        }
    }

    fn place(&self, caller: &Caller) -> Result<tokio::sync::OwnedSemaphorePermit, Status> {
        let places = if caller.as_service().is_some() { &self.service_calls } else { &self.calls };
        Arc::clone(places).try_acquire_owned().map_err(|_| Pushback::Busy.into())
    }
}

/// What a path asks for.
enum Asked {
    /// A method of the table.
    Method(&'static Method),
    /// Health or reflection: answered before the services have recovered, and outside the limits.
    Common,
    /// A page of a log, which is plain HTTP and no call.
    Page,
    /// Nothing that is there for anybody.
    Unknown,
}

impl Asked {
    fn of(path: &str) -> Self {
        match methods::row(path) {
            Some(method) => Self::Method(method),
            None if methods::is_common(path) => Self::Common,
            None if path.starts_with(published::PREFIX) => Self::Page,
            None => Self::Unknown,
        }
    }
}

fn observe(response: Response<Body>, mut call: Call, permit: Permit, span: tracing::Span) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    call.status(&mut head.headers);
    Response::from_parts(head, Body::new(Observed::new(body, call, permit, span)))
}

/// The time that the caller gives the call: `grpc-timeout`, digits and a unit.
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(count.saturating_mul(3_600)),
        "M" => Duration::from_secs(count.saturating_mul(60)),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_digits_and_a_unit() {
        let table = [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("99999999m", Some(Duration::from_millis(99_999_999))),
            ("5u", Some(Duration::from_micros(5))),
            ("6n", Some(Duration::from_nanos(6))),
            ("999999999m", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1é", None),
        ];
        for (text, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", http::HeaderValue::from_bytes(text.as_bytes()).unwrap());
            assert_eq!(deadline(&headers), expected, "{text}");
        }
    }
}
