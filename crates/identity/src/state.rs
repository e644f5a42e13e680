//! What decisions need.

use crate::{BlindIndex, PayeeId};
use hashbrown::HashMap;
use journal::{Item, Position};
use nhs::Pseudonym;
use std::collections::BTreeMap;

/// The controlled plane's working state: about 75 bytes a person. Sealed rows stay in the journal, found by [`Item`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct State {
    pub(crate) keys: Option<Keys>,
    pub(crate) by_index: HashMap<BlindIndex, Pseudonym>,
    pub(crate) by_pseudonym: HashMap<Pseudonym, Item>,
    pub(crate) payees: BTreeMap<PayeeId, Payee>,
    pub(crate) reads: u64,
}

/// The keys that the journal is sealed with, by values that tell them from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The index key's; it never changes.
    pub index_check: [u8; 16],
    /// The generation in use.
    pub generation: u32,
    /// That generation's key's.
    pub generation_check: [u8; 16],
}

/// A plan's payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payee {
    /// Whose plan.
    pub pseudonym: Pseudonym,
    /// The record with the details in force.
    pub in_force: Option<Position>,
    /// Details that await a second person.
    pub proposed: Option<Proposal>,
}

/// Details that await a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The record with the details.
    pub position: Position,
    /// Who proposed them: the record that named the caller.
    pub proposer: Position,
}

impl State {
    /// The keys that the journal is sealed with; `None` before the first record that says so.
    #[must_use]
    pub const fn keys(&self) -> Option<Keys> {
        self.keys
    }

    /// The pseudonym of the person behind a blind index.
    #[must_use]
    pub fn pseudonym(&self, index: &BlindIndex) -> Option<Pseudonym> {
        self.by_index.get(index).copied()
    }

    /// The row that holds a person's sealed number and wrapped key.
    #[must_use]
    pub fn person(&self, pseudonym: &Pseudonym) -> Option<Item> {
        self.by_pseudonym.get(pseudonym).copied()
    }

    /// A plan's payee.
    #[must_use]
    pub fn payee(&self, payee: &PayeeId) -> Option<Payee> {
        self.payees.get(payee).copied()
    }

    /// How many people have a pseudonym.
    #[must_use]
    pub fn persons_count(&self) -> usize {
        self.by_pseudonym.len()
    }

    /// How many payees have details in force.
    #[must_use]
    pub fn payees_count(&self) -> usize {
        self.payees.values().filter(|payee| payee.in_force.is_some()).count()
    }

    /// How many payees have details that await approval.
    #[must_use]
    pub fn proposals_count(&self) -> usize {
        self.payees.values().filter(|payee| payee.proposed.is_some()).count()
    }

    /// How many reads of personal data were noted.
    #[must_use]
    pub const fn reads_count(&self) -> u64 {
        self.reads
    }
}
