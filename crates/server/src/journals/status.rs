//! What a journal could not do, as the status that a caller gets.

use super::{JournalsError, ReadError, SubmitError};
use tonic::Status;
use wire::{Pushback, status};

impl From<SubmitError> for Status {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Archived => Pushback::Archived.into(),
            SubmitError::Busy => Pushback::Busy.into(),
            SubmitError::Rebuilding => Pushback::Starting.into(),
            SubmitError::Draining => Pushback::Draining.into(),
            SubmitError::DiskFull => Pushback::DiskFull.into(),
            SubmitError::Stopped => Pushback::Stopped.into(),
            SubmitError::Reused { field, position } => status::request_id_reused(field, position),
            SubmitError::TooLarge => status::request_too_large(),
            SubmitError::NotSandbox => status::not_a_sandbox(),
        }
    }
}

impl From<ReadError> for Status {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotYet(_) => Pushback::Behind.into(),
            ReadError::Damaged => status::damaged(),
            ReadError::Archived => Pushback::Archived.into(),
            ReadError::Stopped => Pushback::Stopped.into(),
        }
    }
}

impl From<JournalsError> for Status {
    fn from(error: JournalsError) -> Self {
        match error {
            JournalsError::UnknownSystem(_) => status::system_unknown(),
            JournalsError::Directory { .. } => Pushback::Dependency.into(),
            JournalsError::Draining => Pushback::Draining.into(),
            JournalsError::Open { .. }
            | JournalsError::Blobs { .. }
            | JournalsError::Mirror { .. }
            | JournalsError::Tiles { .. }
            | JournalsError::Recover { .. }
            | JournalsError::System { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "a journal cannot be opened");
                status::damaged()
            }
        }
    }
}
