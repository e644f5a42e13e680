//! Who may call `almoner.ledger.v1`.

use crate::Method;

pub(super) const METHODS: &[Method] = &[];
