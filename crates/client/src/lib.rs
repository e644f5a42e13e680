//! The Rust client: where to call and as whom ([`Profile`]), and calls that may be repeated ([`Connection::ask`]).
//!
//! ```text
//! let connection = Profile::read(path)?.connect()?;
//! let request_id = client::new_request_id();          // once per attempt at something, kept over every repeat
//! let answer = connection.ask(PostEntriesRequest { system, request_id, … }).await?;
//! ```
//! The request says which rpc it is for. Streams are the generated clients' in `proto`; [`calling!`] makes one over a
//! connection.

mod ask;
mod profile;
mod receipts;
mod retry;

pub use profile::{ConnectError, Connection, Profile, ProfileError};
pub use receipts::{RECORDS_PER_CALL_MAX, ReceiptsError};
pub use retry::Retry;

/// The largest message taken or sent, as the server's: 16 MiB.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// A new request id: a UUID of version 7, whose time lets the server find it again quickly. Keep it before the first try
/// and repeat the call under it until there is an answer.
#[must_use]
pub fn new_request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A generated client over a channel, with the message sizes of the house: `calling!(LedgerServiceClient, channel)`.
#[macro_export]
macro_rules! calling {
    ($client:ident, $channel:expr) => {
        $client::new($channel)
            .max_decoding_message_size($crate::MESSAGE_BYTES_MAX)
            .max_encoding_message_size($crate::MESSAGE_BYTES_MAX)
    };
}
