//! One connection, whatever carries it, and who is at its other end.
//!
//! A certificate is read once per connection, not once per call: every call on a link comes from the same [`Peer`].

use crate::config::Security;
use crate::tls;
use access::{Caller, CallerError};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::transport::server::Connected;

/// A handshake takes a few round trips; whoever needs longer holds a place for nothing.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) caller: Result<Arc<Caller>, CallerError>,
}

enum Carrier {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
    Memory(DuplexStream),
}

/// One connection.
pub(crate) struct Link {
    carrier: Carrier,
    peer: Peer,
    /// Its place among [`crate::Limits::connections`], given back with it.
    _place: Option<OwnedSemaphorePermit>,
}

impl Link {
    /// The server's end of a connection inside this process.
    pub(crate) fn memory(stream: DuplexStream, caller: Arc<Caller>) -> Self {
        Self { carrier: Carrier::Memory(stream), peer: Peer { caller: Ok(caller) }, _place: None }
    }

    fn carrier(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match &mut self.get_mut().carrier {
            Carrier::Tls(stream) => Pin::new(stream),
            Carrier::Plain(stream) => Pin::new(stream),
            Carrier::Memory(stream) => Pin::new(stream),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl Connected for Link {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Link {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.carrier().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.carrier().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.carrier().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.carrier().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.carrier().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.carrier {
            Carrier::Tls(stream) => stream.is_write_vectored(),
            Carrier::Plain(stream) => stream.is_write_vectored(),
            Carrier::Memory(stream) => stream.is_write_vectored(),
        }
    }
}

/// Accepts connections until told to stop, and hands on those whose handshake succeeded.
pub(crate) async fn accept(
    listener: TcpListener,
    security: Security,
    places: Arc<Semaphore>,
    links: mpsc::Sender<Link>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, mostly. Trying at once would burn a core for nothing.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("a connection was turned away: limits.connections are open");
            continue;
        };
        let (security, links) = (security.clone(), links.clone());
        tokio::spawn(async move {
            // Small answers must not wait for more to come.
            let _ = stream.set_nodelay(true);
            if let Some(link) = shake_hands(stream, &security, place).await {
                let _ = links.send(link).await;
            }
        });
    }
}

async fn shake_hands(stream: TcpStream, security: &Security, place: OwnedSemaphorePermit) -> Option<Link> {
    let (carrier, caller) = match security {
        Security::InsecureLoopback(caller) => (Carrier::Plain(stream), Ok(Arc::clone(caller))),
        Security::MutualTls(material) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&material.server));
            match tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                    let caller = certificate.map_or(Err(CallerError::NoIdentity), tls::caller);
                    (Carrier::Tls(Box::new(stream)), caller.map(Arc::new))
                }
                Ok(Err(error)) => {
                    tracing::info!(%error, "a TLS handshake failed");
                    return None;
                }
                Err(_) => {
                    tracing::info!("a TLS handshake took too long");
                    return None;
                }
            }
        }
    };
    Some(Link { carrier, peer: Peer { caller }, _place: Some(place) })
}
