//! Journals as anybody's tools read them: checkpoints and tiles over HTTP, as c2sp.org/tlog-tiles lays them out.
//!
//! ```text
//! GET /log/<system>/<service>/checkpoint            text/plain; changes
//! GET /log/<system>/<service>/tile/<L>/<N>[.p/<W>]  application/octet-stream; never changes
//! GET /log/<system>/<service>/tile/entries/<N>[.p/<W>]   the records themselves, for auditors only; never identity's
//! ```
//! They stand on the listener of the API, behind the same certificates: checkpoints and hashes are open to every caller, since they
//! tell nothing of the content.

use crate::{
    journal_service::Journalling,
    journals::{AnyJournal, ReadError},
};
use access::{Caller, Role};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;
use journal::{Position, Service, TileId};
use tonic::{Code, Status, body::Body};

/// What every path of a log begins with.
pub(crate) const PREFIX: &str = "/log/";

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// A full tile and what stands before it never change; a checkpoint is at most a second behind.
const FOR_EVER: &str = "private, max-age=31536000, immutable";
const BRIEFLY: &str = "no-cache";

/// What is asked of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Checkpoint,
    Tile(TileId),
    /// The records whose hashes that tile of level 0 holds.
    Entries(TileId),
}

/// Answers one request for a page of a log. `caller` is who asks.
pub(crate) async fn answer(
    journals: &Journalling,
    caller: &Caller,
    method: &Method,
    path: &str,
) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, BRIEFLY, "only GET and HEAD\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let Some((journal, service, asked)) = find(journals, path) else { return nothing() };
    match asked {
        Asked::Checkpoint => {
            page(StatusCode::OK, TEXT, BRIEFLY, journals.shown(service, &*journal).to_string())
        }
        Asked::Tile(tile) => tile_of(journal, tile).await,
        Asked::Entries(_) if service == Service::Identity => {
            let why = "the journal of identity is sealed and stays where it is\n";
            page(StatusCode::FORBIDDEN, TEXT, BRIEFLY, why)
        }
        Asked::Entries(_) if !caller.has(Role::Auditor) => {
            page(StatusCode::FORBIDDEN, TEXT, BRIEFLY, "records are for auditors; hashes are for everybody\n")
        }
        Asked::Entries(tile) => entries_of(journal, tile).await,
    }
}

fn find(journals: &Journalling, path: &str) -> Option<(Box<dyn AnyJournal>, Service, Asked)> {
    let mut parts = path.strip_prefix(PREFIX)?.splitn(3, '/');
    let (system, service, rest) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let asked = parse(rest)?;
    Some((journals.opened(&system, service)?, service, asked))
}

fn parse(rest: &str) -> Option<Asked> {
    if rest == "checkpoint" {
        return Some(Asked::Checkpoint);
    }
    match rest.strip_prefix("tile/entries/") {
        // Entry bundles are numbered as the tiles of level 0.
        Some(number) => format!("tile/0/{number}").parse().ok().map(Asked::Entries),
        None => rest.parse().ok().map(Asked::Tile),
    }
}

async fn tile_of(journal: Box<dyn AnyJournal>, tile: TileId) -> Response<Body> {
    let tiles = journal.tiles();
    match tokio::task::spawn_blocking(move || tiles.tile(tile)).await {
        Ok(Ok(Some(bytes))) => page(StatusCode::OK, BYTES, FOR_EVER, bytes),
        Ok(Ok(None)) => nothing(),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a tile cannot be read");
            refused(&wire::status::damaged())
        }
        Err(_) => refused(&wire::Pushback::Stopped.into()),
    }
}

async fn entries_of(journal: Box<dyn AnyJournal>, tile: TileId) -> Response<Body> {
    // A record that is not durable is nobody's to see, although its hash may stand in the tiles already.
    if !tile.is_in(journal.durable_count()) {
        return nothing();
    }
    let read = tokio::task::spawn_blocking(move || bundle(&*journal, tile)).await;
    match read {
        Ok(Ok(bytes)) => page(StatusCode::OK, BYTES, FOR_EVER, bytes),
        Ok(Err(error)) => refused(&error.into()),
        Err(_) => refused(&wire::Pushback::Stopped.into()),
    }
}

/// Each record behind its length in 16 bits, big-endian.
fn bundle(journal: &dyn AnyJournal, tile: TileId) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let mut left = tile.width();
    let mut whole = true;
    journal.records_from(Position::new(tile.first()), &mut |_, record| {
        // A record is at most 60,000 bytes, so its length has room.
        whole &= u16::try_from(record.len()).is_ok_and(|length| {
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(record);
            true
        });
        left -= 1;
        left > 0 && whole
    })?;
    if left == 0 && whole { Ok(bytes) } else { Err(ReadError::Damaged) }
}

fn nothing() -> Response<Body> {
    page(StatusCode::NOT_FOUND, TEXT, BRIEFLY, "no such page\n")
}

/// What a call that got no answer means in HTTP.
pub(crate) fn refused(status: &Status) -> Response<Body> {
    let codes = [
        (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
        (Code::PermissionDenied, StatusCode::FORBIDDEN),
        (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        (Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
    ];
    let known = codes.iter().find(|(code, _)| *code == status.code()).map(|(_, code)| *code);
    let code = known.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut refused = page(code, TEXT, BRIEFLY, format!("{}\n", status.message()));
    if code == StatusCode::SERVICE_UNAVAILABLE {
        refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    refused
}

fn page(code: StatusCode, kind: &'static str, keep: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_paths_of_tlog_tiles() {
        let tile = |path: &str| path.parse::<TileId>().unwrap();
        let table = [
            ("checkpoint", Some(Asked::Checkpoint)),
            ("tile/0/000", Some(Asked::Tile(tile("tile/0/000")))),
            ("tile/1/x001/234.p/5", Some(Asked::Tile(tile("tile/1/x001/234.p/5")))),
            ("tile/entries/x001/234", Some(Asked::Entries(tile("tile/0/x001/234")))),
            ("tile/entries/000.p/255", Some(Asked::Entries(tile("tile/0/000.p/255")))),
            ("tile/data/000", None),
            ("tile/entries/0", None),
            ("checkpoint/", None),
            ("", None),
        ];
        for (path, asked) in table {
            assert_eq!(parse(path), asked, "{path}");
        }
    }
}
