//! Which account each open hold stands on: captures and releases name the hold only.
//!
//! ```text
//! 18 ++ last byte of the name   → the open holds of that byte: name (16 bytes) ++ account (8) ++ what remains (8)
//! ```

use super::IndexError;
use hashbrown::HashMap;
use journal::{AccountNumber, Position, RequestId};
use money::Pence;
use std::collections::BTreeSet;
use storage::ReadStore;

const HOLDS: u8 = 18;
const HOLD_BYTES: usize = 32;

/// The open holds as of the last record indexed.
#[derive(Debug, Default)]
pub(super) struct Holds {
    open: HashMap<RequestId, (AccountNumber, Pence)>,
    /// Last bytes of names whose holds changed since the last flush.
    changed: BTreeSet<u8>,
}

fn bucket(name: RequestId) -> u8 {
    name.to_bytes().last().copied().unwrap_or_default()
}

impl Holds {
    /// Those that the store keeps. `through` is what it covers.
    pub(super) fn load(store: &ReadStore, through: Option<Position>) -> Result<Self, IndexError> {
        let mut open = HashMap::new();
        for bucket in 0..=u8::MAX {
            let Some(found) = store.get(&[HOLDS, bucket])? else { continue };
            if through.is_none_or(|through| found.position > through) {
                return Err(IndexError::Unclean);
            }
            for hold in found.value.chunks(HOLD_BYTES) {
                let (name, account, remaining) = decode(hold).ok_or(IndexError::Unclean)?;
                open.insert(name, (account, remaining));
            }
        }
        Ok(Self { open, changed: BTreeSet::new() })
    }

    pub(super) fn place(&mut self, name: RequestId, account: AccountNumber, pence: Pence) {
        self.open.insert(name, (account, pence));
        self.changed.insert(bucket(name));
    }

    /// Lowers a hold by what was captured, released or expired of it; the account that it stands on.
    pub(super) fn lower(&mut self, name: RequestId, by: Pence) -> Option<AccountNumber> {
        let (account, remaining) = self.open.get_mut(&name)?;
        let account = *account;
        match remaining.checked_sub(by) {
            Some(left) if !left.is_zero() => *remaining = left,
            Some(_) | None => drop(self.open.remove(&name)),
        }
        self.changed.insert(bucket(name));
        Some(account)
    }

    /// Moves what changed into the store, as of the record at `through`.
    pub(super) fn flush_into(&mut self, store: &ReadStore, through: Position) -> Result<(), IndexError> {
        let mut by_bucket = vec![Vec::new(); 256];
        for (name, (account, remaining)) in &self.open {
            if let Some(bytes) = by_bucket.get_mut(usize::from(bucket(*name))) {
                bytes.extend_from_slice(&name.to_bytes());
                bytes.extend_from_slice(&account.get().to_le_bytes());
                bytes.extend_from_slice(&remaining.get().to_le_bytes());
            }
        }
        for bucket in core::mem::take(&mut self.changed) {
            let bytes: &[u8] = by_bucket.get(usize::from(bucket)).map_or(&[], Vec::as_slice);
            store.insert(&[HOLDS, bucket], through, bytes)?;
        }
        Ok(())
    }
}

fn decode(bytes: &[u8]) -> Option<(RequestId, AccountNumber, Pence)> {
    let (name, rest) = bytes.split_first_chunk::<16>()?;
    let (account, remaining) = rest.split_first_chunk::<8>()?;
    let remaining = i64::from_le_bytes(remaining.try_into().ok()?);
    let account = AccountNumber::new(u64::from_le_bytes(*account));
    Some((RequestId::from_bytes(*name).ok()?, account, Pence::new(remaining)?))
}
