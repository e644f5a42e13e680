//! Plain HTTP/1.1 between logs and witnesses: small texts, bounded in size and time.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header::CONTENT_TYPE, header::HOST};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, io, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// How a witness says which size it saw last (c2sp.org/tlog-witness).
pub(crate) const SIZE_TYPE: &str = "text/x.tlog.size";

/// No answer between a log and a witness is longer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

pub(crate) fn text(code: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(code, "text/plain; charset=utf-8", body.into())
}

/// 409: the last size that was cosigned.
pub(crate) fn size(size: u64) -> Answer {
    typed(StatusCode::CONFLICT, SIZE_TYPE, format!("{size}\n").into())
}

fn typed(code: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = code;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Answers requests by `answer`, as many connections at once as there are `places`, for ever.
pub(crate) async fn serve<A, F>(listener: TcpListener, places: Arc<Semaphore>, time: Duration, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Answer, Infallible>> + Send + 'static,
{
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, mostly. Trying at once would burn a core for nothing.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let answer = answer.clone();
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(time)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A caller that went away misses nothing.
            let _ = connection.await;
            drop(place);
        });
    }
}

/// Posts `body` to `uri` (`http://…`), and returns the answer's code, content type and text.
pub(crate) async fn post(uri: &Uri, body: String) -> io::Result<(StatusCode, String, String)> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let driven = tokio::spawn(connection);
    let request = Request::post(uri.path())
        .header(HOST, uri.authority().map_or(host, |authority| authority.as_str()))
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    let kind =
        head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    driven.abort();
    let text = String::from_utf8(body.to_vec()).map_err(io::Error::other)?;
    Ok((head.status, kind, text))
}
