//! What a posting says, in bytes that two journals can be compared by: accounts by path, never by number.

use journal::{Day, Fingerprint, RequestId};
use ledger::{EntryKind, WindowUse};
use money::{Pence, Side};

/// A posting's content, part by part.
#[derive(Debug, Default)]
pub(crate) struct Content(Vec<u8>);

impl Content {
    /// Starts with what happened and when.
    pub(crate) fn start(&mut self, kind: EntryKind, effective: Day) {
        self.0.clear();
        self.text(kind.as_str());
        self.0.extend_from_slice(&effective.get().to_le_bytes());
    }

    pub(crate) fn leg(&mut self, path: &str, side: Side, pence: Pence, window: Option<WindowUse>) {
        self.0.push(if side == Side::Debit { b'd' } else { b'c' });
        self.text(path);
        self.0.extend_from_slice(&pence.get().to_le_bytes());
        // Writing to a Vec cannot fail.
        let _ = minicbor::encode(window, &mut self.0);
    }

    pub(crate) fn place(&mut self, path: &str, pence: Pence, expires: Day, name: RequestId) {
        self.0.push(b'p');
        self.text(path);
        self.0.extend_from_slice(&pence.get().to_le_bytes());
        self.0.extend_from_slice(&expires.get().to_le_bytes());
        self.0.extend_from_slice(&name.to_bytes());
    }

    pub(crate) fn capture(&mut self, hold: RequestId, pence: Option<Pence>) {
        self.0.push(b'k');
        self.0.extend_from_slice(&hold.to_bytes());
        self.0.extend_from_slice(&pence.map_or(-1, Pence::get).to_le_bytes());
    }

    pub(crate) fn release(&mut self, hold: RequestId) {
        self.0.push(b'r');
        self.0.extend_from_slice(&hold.to_bytes());
    }

    /// Windows that are to be sealed: their names, each.
    pub(crate) fn seal(&mut self, payer: &str, payee: &str, key: ledger::WindowKey) {
        self.text(payer);
        self.text(payee);
        let _ = minicbor::encode(key, &mut self.0);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Ends with the writer's reference.
    pub(crate) fn finish(&mut self, reference: &str) -> Fingerprint {
        self.text(reference);
        journal::fingerprint(&self.0)
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }
}
