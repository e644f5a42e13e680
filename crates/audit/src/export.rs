//! Exports of a ledger: every leg of every entry as a row, for programs that are not ours.
//!
//! An export stands for a signed checkpoint: it holds what that checkpoint's records say, all of it and nothing else, and names
//! it. While it reads, it hashes the records again and refuses to finish if they do not lead to the checkpoint's root;
//! whether the signature holds is `audit verify`'s to say, which has the key.

mod parquet;
mod text;

pub use self::parquet::export_parquet;
pub use text::export_csv;

use crate::{Finding, records, verify};
use journal::{
    Cause, Checkpoint, Day, Domain as _, Instant, Item, Moment, NoBlobs, Outcome, Position, RecordView,
    RequestId, SystemName, house::House,
};
use ledger::{Command, Event, Ledger, Leg, Posted, Posting, Refusal, State, WindowKey, WindowUse};
use money::Side;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// An export could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be read, or is not what its checkpoint says.
    #[error(transparent)]
    Journal(#[from] Finding),
    /// A record does not decode.
    #[error("record {position} does not decode")]
    Record {
        /// Where it stands.
        position: Position,
        /// Why not.
        source: journal::DecodeError,
    },
    /// The folder holds no ledger of that system, or of any.
    #[error("{} holds no ledger's journal", path.display())]
    NoLedger {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds several systems: say which.
    #[error("the folder holds the ledgers of several systems: choose one of {0}")]
    SeveralSystems(String),
    /// The output cannot be written.
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
    /// The output is not one that Parquet can hold.
    #[error("the Parquet file cannot be written")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// What an export of rows holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// How many legs, one a row.
    pub rows: u64,
    /// The checkpoint that it stands for: how many records, and their root.
    pub checkpoint: Checkpoint,
    /// The same as the journal's signed note.
    pub note: String,
}

/// One leg of one entry, with everything that its record says of it.
pub(crate) struct Row<'a> {
    pub(crate) position: Position,
    pub(crate) entry: u16,
    pub(crate) leg: u16,
    pub(crate) recorded_time: Instant,
    pub(crate) accounting_date: Day,
    pub(crate) effective_date: Day,
    pub(crate) kind: &'static str,
    pub(crate) account: &'a str,
    pub(crate) side: Side,
    pub(crate) pence: i64,
    pub(crate) window: Option<String>,
    pub(crate) window_seq: Option<u32>,
    pub(crate) window_total: Option<i64>,
    pub(crate) reference: Option<&'a str>,
    pub(crate) corrects: Option<Item>,
    pub(crate) request_id: RequestId,
    pub(crate) caller: &'a str,
    pub(crate) on_behalf_of: Option<&'a str>,
    pub(crate) cause: Option<Cause>,
}

/// The columns, in the order of [`Row`]'s fields.
pub(crate) const COLUMNS: [&str; 21] = [
    "position",
    "entry",
    "leg",
    "recorded_time",
    "accounting_date",
    "effective_date",
    "kind",
    "account",
    "side",
    "amount_pence",
    "window",
    "window_seq",
    "window_total_pence",
    "reference",
    "corrects_position",
    "corrects_entry",
    "request_id",
    "caller",
    "on_behalf_of",
    "cause_service",
    "cause_position",
];

/// The ledger that an export is of.
pub(crate) struct Source {
    pub(crate) system: String,
    folder: PathBuf,
    pub(crate) note: String,
    pub(crate) checkpoint: Checkpoint,
}

/// A record of the ledger that was decoded.
pub(crate) struct Read<'a> {
    pub(crate) view: &'a RecordView<'a>,
    pub(crate) at: Moment,
    pub(crate) command: Command,
    pub(crate) outcome: Outcome<Event, Refusal>,
}

impl Source {
    /// The ledger of `system`, or of the only one, in the data folder `from`.
    pub(crate) fn find(from: &Path, system: Option<&SystemName>) -> Result<Self, ExportError> {
        let folder_of = |system: &str| from.join(system).join(Ledger::SERVICE.as_str());
        let mut systems: Vec<String> = match system {
            Some(system) => vec![system.to_string()],
            None => verify::names(from)?,
        };
        systems.retain(|system| folder_of(system).join("journal").is_dir());
        let system = match systems.as_slice() {
            [] => return Err(ExportError::NoLedger { path: from.to_owned() }),
            [system] => system.clone(),
            several => return Err(ExportError::SeveralSystems(several.join(", "))),
        };
        let folder = folder_of(&system);
        let path = folder.join("journal/checkpoint");
        let note = std::fs::read_to_string(&path).map_err(|error| verify::unreadable(&path, &error))?;
        let (_, checkpoint) =
            Checkpoint::claimed(&note).map_err(|reason| Finding::Checkpoint { path, reason })?;
        Ok(Self { system, folder, note, checkpoint })
    }

    /// Gives every record under the checkpoint to `each`, the engine's own as `Err`, with the state after those before it; ends
    /// with the state after all of them.
    pub(crate) fn read(
        &self,
        mut each: impl FnMut(Result<&Read<'_>, (Position, &House)>, &State) -> Result<(), ExportError>,
    ) -> Result<State, ExportError> {
        let mut state = State::default();
        records::read_signed(&self.folder, &self.checkpoint, |view| {
            let header = &view.header;
            let undecodable = |source| ExportError::Record { position: header.position, source };
            if header.kind.is_house() {
                let house = House::decode(view.body).map_err(undecodable)?;
                return each(Err((header.position, &house)), &state);
            }
            let (command, outcome) = Ledger::decode(header.kind, view.body, &NoBlobs).map_err(undecodable)?;
            let at = Moment {
                position: header.position,
                recorded_time: header.recorded_time,
                business_date: header.business_date,
                request_id: header.request_id,
                caller: header.caller,
            };
            let read = Read { view, at, command, outcome };
            each(Ok(&read), &state)?;
            if let Outcome::Accepted(events) = &read.outcome {
                for event in events {
                    Ledger::apply(&mut state, &at, &read.command, event);
                }
            }
            Ok(())
        })?;
        Ok(state)
    }

    /// Gives every leg to `each`, in the order of the journal.
    pub(crate) fn rows(
        &self,
        mut each: impl FnMut(&Row<'_>) -> Result<(), ExportError>,
    ) -> Result<Rows, ExportError> {
        let mut names: BTreeMap<Position, String> = BTreeMap::new();
        let mut rows = 0_u64;
        self.read(|read, state| {
            let read = match read {
                Ok(read) => read,
                Err((position, house)) => {
                    if let House::CallerNamed(named) = house {
                        names.insert(position, named.urn.clone());
                    }
                    return Ok(());
                }
            };
            let caller = names.get(&read.at.caller).map_or("", String::as_str);
            for (entry, posting, posted) in ledger::entries(&read.command, &read.outcome) {
                let mut steps = posted.windows.iter();
                for (number, leg) in (0_u16..).zip(&posting.legs) {
                    let account = state.account(leg.account).map_or("", |account| account.path);
                    let step = match leg.window {
                        Some(WindowUse::Adds(_)) => steps.next(),
                        Some(WindowUse::Pays(_)) | None => None,
                    };
                    let of = (entry, number, leg);
                    each(&row(read, of, (&posting, posted), (account, caller), step))?;
                    rows += 1;
                }
            }
            Ok(())
        })?;
        Ok(Rows { rows, checkpoint: self.checkpoint, note: self.note.clone() })
    }
}

fn row<'a>(
    read: &'a Read<'_>,
    (entry, number, leg): (u16, u16, &Leg),
    (posting, posted): (&'a Posting, &Posted),
    (account, caller): (&'a str, &'a str),
    step: Option<&ledger::WindowStep>,
) -> Row<'a> {
    let key = leg.window.map(|window| match window {
        WindowUse::Adds(key) | WindowUse::Pays(key) => key,
    });
    let run = step.and_then(|step| step.instead).map(|number| WindowKey::Run { number });
    Row {
        position: read.at.position,
        entry,
        leg: number,
        recorded_time: read.at.recorded_time,
        accounting_date: posted.accounting_date,
        effective_date: posting.effective_date,
        kind: posting.kind.as_str(),
        account,
        side: leg.side,
        pence: leg.pence.get(),
        window: run.or(key).map(|key| key.to_string()),
        window_seq: step.map(|step| step.seq),
        window_total: step.map(|step| step.total.get()),
        reference: posting.reference.as_deref(),
        corrects: posting.corrects,
        request_id: read.at.request_id,
        caller,
        on_behalf_of: posting.on_behalf_of.as_deref(),
        cause: read.view.header.cause,
    }
}
