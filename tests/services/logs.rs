//! Logs as any C2SP tool reads them: over plain HTTP, with nothing of ours but the verifier key.

use crate::world::{SYSTEM, World, reason, registry_for, settling::Settling};
use access::Role;
use journal::{CheckpointVerifier, Service, Tree, leaf_hash};
use proto::journal::v1::{GetReceiptsRequest, journal_service_client::JournalServiceClient};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// What stands at `path`: the status, the head in lower case, and the body.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String, Vec<u8>) {
    send(address, &format!("GET {path} HTTP/1.1\r\nhost: log\r\nconnection: close\r\n\r\n"))
}

/// Sends a whole request and reads the whole answer.
pub(crate) fn send(address: SocketAddr, request: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, answer[end + 4..].to_vec())
}

/// The verifier key of a journal of the installation in `folder`.
pub(crate) fn verifier(folder: &Path, system: &str, service: Service) -> CheckpointVerifier {
    let installation = storage::Installation::open(&storage::FolderDisk, folder).unwrap();
    installation.signer(&system.parse().unwrap(), service).verifier().clone()
}

/// Waits until a checkpoint of that journal is signed that has records.
async fn signed(world: &World, system: &str, service: Service) {
    let mut journals = JournalServiceClient::connect(format!("http://{}", world.address())).await.unwrap();
    let (system, service) = (system.to_owned(), service.to_string());
    let request = GetReceiptsRequest { system, service, first_position: 0, record_count: 1 };
    let asking = async {
        // A journal that was opened a moment ago has nothing durable so far.
        while let Err(status) = journals.get_receipts(request.clone()).await {
            assert_eq!(reason(&status), "BEHIND");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.unwrap();
}

/// Reads a log whole: its checkpoint, its hashes, its records; each must lead to the next.
fn read_log(world: &World, verifier: &CheckpointVerifier, log: &str) {
    let page = |path: &str| get(world.address(), &format!("/log/{log}/{path}"));
    let (status, head, note) = page("checkpoint");
    assert!(status == 200 && head.contains("text/plain; charset=utf-8"), "{head}");
    let checkpoint = verifier.verify(&String::from_utf8(note).unwrap()).unwrap();
    assert!((1..256).contains(&checkpoint.size), "one tile holds the test's records: {}", checkpoint.size);
    let (status, head, hashes) = page(&format!("tile/0/000.p/{}", checkpoint.size));
    assert!(
        status == 200 && head.contains("application/octet-stream") && head.contains("immutable"),
        "{head}"
    );
    let (status, _, bundle) = page(&format!("tile/entries/000.p/{}", checkpoint.size));
    assert_eq!(status, 200);
    let (mut tree, mut rest) = (Tree::new(), &bundle[..]);
    for hash in hashes.chunks_exact(32) {
        let (length, after) = rest.split_first_chunk::<2>().unwrap();
        let (record, after) = after.split_at(u16::from_be_bytes(*length).into());
        assert_eq!(hash, leaf_hash(record).0);
        tree.append(leaf_hash(record));
        rest = after;
    }
    assert!(rest.is_empty());
    assert_eq!((tree.size(), tree.root()), (checkpoint.size, checkpoint.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_by_its_checkpoint_its_tiles_and_its_entries() {
    let folder = tempfile::tempdir().unwrap();
    let world = Settling::start(folder.path()).await;
    world.register().await;
    world.advance("2017-06-02T09:00:00Z").await;
    for service in [Service::Registry, Service::Ledger, Service::Settlement] {
        signed(&world, SYSTEM, service).await;
        read_log(&world, &verifier(folder.path(), SYSTEM, service), &format!("{SYSTEM}/{service}"));
    }
    let page = |path: &str| get(world.address(), path).0;
    for (path, status) in [
        ("/log/nowhere/ledger/checkpoint", 404),
        ("/log/berkshire-west/bank/checkpoint", 404),
        ("/log/berkshire-west/ledger/tile/0/000", 404),
        ("/log/berkshire-west/ledger/tile/0/000.p/256", 404),
        ("/log/berkshire-west/ledger/tile/9/000.p/1", 404),
        ("/log/berkshire-west/ledger/tile/0/../../registry/checkpoint", 404),
        ("/log/berkshire-west/identity/checkpoint", 200),
        ("/log/berkshire-west/identity/tile/0/000.p/1", 200),
        ("/log/berkshire-west/identity/tile/entries/000.p/1", 403),
    ] {
        assert_eq!(page(path), status, "{path}");
    }
    let post = "POST /log/berkshire-west/ledger/checkpoint HTTP/1.1\r\nhost: log\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (status, head, _) = send(world.address(), post);
    assert!(status == 405 && head.contains("allow: get, head"), "{head}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_are_everybodys_and_records_are_auditors() {
    let folder = tempfile::tempdir().unwrap();
    let world = registry_for(folder.path(), &[Role::Provider]).await;
    signed(&world, "national", Service::Registry).await;
    let page = |path: &str| get(world.address(), &format!("/log/national/registry/{path}")).0;
    assert_eq!((page("checkpoint"), page("tile/0/000.p/1"), page("tile/entries/000.p/1")), (200, 200, 403));
    world.stop().await;
}
