//! The lines that a comparison is of, read from where they stand.

use crate::read::blocking;
use journal::{Digest, Domain as _, Outcome, Position, RecordView, SystemName};
use matching::{Compared, Comparison, Line};
use nhs::OdsCode;
use reference::Cut;
use referrals::{
    ActivityLine, Answer, Command, Event, ExtractInForce, ExtractPart, LineAnswered, Referrals, Refusal,
    RepriceLine, SusRow,
};
use server::journals::{Handle, ReadAt};
use std::sync::{Arc, Mutex, PoisonError};
use tonic::Status;
use wire::status;

/// What is compared, as of one position.
pub(crate) struct Subject {
    pub(crate) provider: OdsCode,
    pub(crate) cut: Cut,
    pub(crate) extract: ExtractInForce,
    pub(crate) billed: Vec<Position>,
    pub(crate) at: ReadAt,
    /// The same for the same extract and the same records of lines.
    key: [u8; 8],
}

impl Subject {
    /// Finds the extract and the lines in force. Errors with `EXTRACT_UNKNOWN` when there is no extract.
    pub(crate) async fn find(
        handle: &Handle<Referrals>,
        provider: OdsCode,
        cut: Cut,
        min_position: Option<u64>,
    ) -> Result<Self, Status> {
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let extract = state.extract(provider, cut)?;
            Some((extract.clone(), state.billed(provider, cut), *at))
        });
        let (extract, billed, at) = found.await?.ok_or_else(|| status::refusal(&Refusal::ExtractUnknown))?;
        let numbers = core::iter::once(extract.position).chain(billed.iter().copied());
        let bytes: Vec<u8> = numbers.flat_map(|position| position.get().to_le_bytes()).collect();
        let [a, b, c, d, e, f, g, h, ..] = Digest::of(&bytes).0;
        Ok(Self { provider, cut, extract, billed, at, key: [a, b, c, d, e, f, g, h] })
    }

    /// What a page token keeps of a listing: how many pairs were listed, and of what.
    pub(crate) fn listed(&self, pairs: usize) -> Vec<u8> {
        let pairs = u64::try_from(pairs).unwrap_or(u64::MAX);
        [pairs.to_le_bytes(), self.key].concat()
    }
}

/// How many pairs were listed before; nothing when the listing was of something else.
pub(crate) fn listed(last: &[u8], subject: &Subject) -> Option<usize> {
    let (pairs, key) = last.split_first_chunk::<8>()?;
    (key == subject.key).then(|| usize::try_from(u64::from_le_bytes(*pairs)).ok())?
}

type Kept = (SystemName, OdsCode, Cut, [u8; 8], Arc<Compared>);

/// The comparison made last, so that a listing's pages do not each make it again. One, of some 300 bytes a line.
#[derive(Debug, Default)]
pub(crate) struct Latest(Mutex<Option<Kept>>);

impl Latest {
    /// The comparison of `subject`. Reads every line's record and every part of the extract unless it is the one made last.
    pub(crate) async fn get(
        &self,
        handle: &Handle<Referrals>,
        subject: &Subject,
    ) -> Result<Arc<Compared>, Status> {
        let Subject { provider, cut, extract, billed, key, .. } = subject;
        let (provider, cut, key) = (*provider, *cut, *key);
        let system = handle.system().clone();
        {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((of_system, of_provider, of_cut, of_key, compared)) = &*kept
                && (of_system, *of_provider, *of_cut, *of_key) == (&system, provider, cut, key)
            {
                return Ok(Arc::clone(compared));
            }
        }
        let (billed, parts) = (billed.clone(), extract.parts.clone());
        let compared = blocking(handle.clone(), move |handle| {
            let mut comparison = Comparison::default();
            let blobs = handle.blobs();
            let mut number = 0_u64;
            for part in parts {
                let part = ExtractPart::read(part, &*blobs).map_err(|_| status::damaged())?;
                comparison.add_sus(part.rows.iter().map(|row| {
                    number = number.saturating_add(1);
                    of_sus(provider, row, number)
                }));
            }
            for position in billed {
                comparison.add_slam(of_record(handle, position)?);
            }
            Ok(comparison.compare())
        });
        let compared = Arc::new(compared.await?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((system, provider, cut, key, Arc::clone(&compared)));
        Ok(compared)
    }
}

fn of_sus(provider: OdsCode, row: &SusRow, number: u64) -> Line {
    Line {
        provider,
        cds_identifier: row.cds_identifier,
        local: row.local,
        date: row.date.date(),
        commissioner: row.commissioner,
        pod: row.pod,
        hrg: row.hrg,
        mff: row.mff,
        amount: row.price,
        ours: None,
        number,
    }
}

/// A line's command and answer, from its record; nothing when the record is another's.
pub(crate) fn answered(
    handle: &Handle<Referrals>,
    position: Position,
) -> Result<Option<(ActivityLine, LineAnswered)>, Status> {
    let Some(bytes) = handle.record(position)? else { return Ok(None) };
    let record = RecordView::parse(&bytes).map_err(|_| status::damaged())?;
    if record.header.kind.is_house() {
        return Ok(None);
    }
    let (command, outcome) = Referrals::decode(record.header.kind, record.body, &*handle.blobs())
        .map_err(|_| status::damaged())?;
    let (
        Command::SubmitLine(line) | Command::RepriceLine(RepriceLine { line, .. }),
        Outcome::Accepted(events),
    ) = (command, outcome)
    else {
        return Ok(None);
    };
    Ok(match events.into_iter().next() {
        Some(Event::LineAnswered(answered)) => Some((line, answered)),
        _ => None,
    })
}

fn of_record(handle: &Handle<Referrals>, position: Position) -> Result<Option<Line>, Status> {
    let line = answered(handle, position)?;
    Ok(line.map(|(line, answered)| Line {
        provider: line.provider,
        cds_identifier: Some(line.cds_identifier),
        local: line.local,
        date: line.date().date(),
        commissioner: line.commissioner,
        pod: line.pod,
        hrg: line.hrg,
        mff: line.claimed_mff,
        amount: line.claimed,
        ours: match &answered.answer {
            Answer::Accepted(priced) => {
                Some(priced.as_ref().map_or(money::Pence::ZERO, |priced| priced.price))
            }
            Answer::Contested | Answer::Unreadable => None,
        },
        number: position.get(),
    }))
}
