//! The journal as bytes: what a record is, who may claim which position, and how anyone proves it later.
//!
//! ```text
//! record = header (88 bytes, fixed widths, little-endian) ++ body (CBOR: [command, outcome])
//! leaf   = SHA-256(0x00 ++ record)          one record, one command's outcome, one leaf; leaf index = position
//! ```
//!
//! Bytes in, bytes out: this crate opens no file, reads no clock and draws no random number. Files are `storage`'s,
//! the loop is `engine`'s, and what a command means is its domain crate's, behind [`Domain`].
#![deny(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod archived;
mod body;
mod checkpoint;
mod cosignature;
mod derive;
mod domain;
mod group;
mod header;
pub mod house;
mod ids;
mod note;
mod proof;
mod receipt;
mod rotation;
mod state_bytes;
mod tiles;
mod time;
mod tree;
mod witness;

pub use archived::{Archived, ArchivedError};
pub use body::{Written, decode_body, encode_body};
pub use checkpoint::{Checkpoint, CheckpointError, CheckpointSigner, CheckpointVerifier, Origin};
pub use cosignature::{LogKey, NoteKeyError, WitnessSigner, WitnessVerifier, checkpoint_of, cosigners};
pub use derive::{derived_request_id, fingerprint};
pub use domain::{Blobs, DecodeError, Domain, Events, Moment, NoBlobs, Outcome};
pub use group::{
    Chain, Damage, DamageKind, GROUP_BYTES_MAX, GROUP_HEADER_BYTES, Group, GroupBuilder, GroupError,
    GroupHeader, GroupView, Records, SECTOR_BYTES, Scan, Step, is_zero,
};
pub use header::{Cause, HEADER_BYTES, Header, HeaderError, Kind, RECORD_BYTES_MAX, RecordView};
pub use ids::{
    AccountNumber, Digest, Fingerprint, IdError, Item, Position, RequestId, Service, SystemName, SystemTag,
};
pub use proof::{
    Nodes, ProofError, ProvenRange, consistency_proof, inclusion_proof, range_proof, verify_consistency,
    verify_inclusion,
};
pub use receipt::{Receipt, ReceiptError};
pub use rotation::{KeyHistory, KeyRotation, KeyRotationError, read_rotations};
pub use state_bytes::{
    StateEncoder, read_rows, read_state, read_wide, sixteen_bytes, sorted, write_rows, write_state,
    write_wide,
};
pub use tiles::{TILE_HEIGHT, TILE_WIDTH, TileHashes, TileId, TileIdError};
pub use time::{Day, Instant};
pub use tree::{Tree, leaf_hash, node_hash};
pub use witness::{AddCheckpoint, WitnessRefusal};
