//! An engine's state as bytes, so that a start need not replay every record.
//!
//! ```text
//! content = CBOR [format, frame, state]     format: the domain's; state: its bytes
//! frame   = what the engine itself knows: whose journal, callers' names, times, the outbox cursor
//! ```
//! Request ids are not in it: a start reads every record's header anyway, because it checks every byte of the journal.

use crate::Engine;
use hashbrown::HashMap;
use journal::{Blobs, Day, Domain, Instant, Position, SystemName, house};
use minicbor::{Decode, Decoder, Encode, Encoder};
use std::sync::Arc;

#[derive(Debug, Encode, Decode)]
#[cbor(array)]
struct Frame {
    #[n(0)]
    opened: Option<house::Opened>,
    #[n(1)]
    last_time: Instant,
    #[n(2)]
    last_date: Day,
    /// By position.
    #[n(3)]
    callers: Vec<(Position, String)>,
    #[n(4)]
    rolled: Option<Day>,
    #[n(5)]
    clock_set: Option<Instant>,
    #[n(6)]
    delivered: Option<Position>,
}

impl<D: Domain> Engine<D> {
    /// The state after every record so far, as bytes; `None` for a domain that keeps no snapshots.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        let format = D::SNAPSHOT_FORMAT?;
        let mut callers: Vec<(Position, String)> =
            self.names.iter().map(|(position, urn)| (*position, urn.to_string())).collect();
        callers.sort_unstable();
        let frame = Frame {
            opened: self.opened.clone(),
            last_time: self.last_time,
            last_date: self.last_date,
            callers,
            rolled: self.rolled,
            clock_set: self.clock_set,
            delivered: self.delivered,
        };
        let mut state = Vec::new();
        D::encode_state(&self.state, &mut state);
        let mut content = Vec::with_capacity(state.len().saturating_add(1 << 12));
        // Writing to a Vec cannot fail, and these values hold nothing that CBOR lacks.
        let _ = Encoder::new(&mut content)
            .array(3)
            .and_then(|e| e.encode(format))
            .and_then(|e| e.encode(frame))
            .and_then(|e| e.bytes(&state));
        Some(content)
    }

    /// The engine that [`Engine::snapshot`] described, without its request ids; `None` when the content is of another format.
    pub(crate) fn restore(system: &SystemName, content: &[u8], blobs: &dyn Blobs) -> Option<Self> {
        let mut d = Decoder::new(content);
        let (fields, format) = (d.array().ok()?, d.u32().ok()?);
        if fields != Some(3) || Some(format) != D::SNAPSHOT_FORMAT {
            return None;
        }
        let frame: Frame = d.decode().ok()?;
        if frame.opened.as_ref().is_some_and(|opened| opened.system != system.as_str()) {
            return None;
        }
        let state = D::decode_state(d.bytes().ok()?, blobs).ok()?;
        let mut engine = Self::new(system);
        engine.state = state;
        engine.opened = frame.opened;
        (engine.last_time, engine.last_date) = (frame.last_time, frame.last_date);
        let names = frame.callers.into_iter().map(|(position, urn)| (position, Arc::<str>::from(urn)));
        engine.names = names.collect();
        engine.callers = engine
            .names
            .iter()
            .map(|(position, urn)| (Arc::clone(urn), *position))
            .collect::<HashMap<_, _>>();
        (engine.rolled, engine.clock_set, engine.delivered) =
            (frame.rolled, frame.clock_set, frame.delivered);
        Some(engine)
    }
}
