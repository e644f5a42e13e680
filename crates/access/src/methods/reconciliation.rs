//! Who may call `almoner.reconciliation.v1`.

use crate::Method;

pub(super) const METHODS: &[Method] = &[];
