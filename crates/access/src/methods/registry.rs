//! Who may call `almoner.registry.v1`.

use crate::Method;

pub(super) const METHODS: &[Method] = &[];
