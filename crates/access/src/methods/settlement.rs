//! Who may call `almoner.settlement.v1`.

use crate::Method;

pub(super) const METHODS: &[Method] = &[];
