//! Who may call `almoner.health_budgets.v1`.

use crate::Method;

pub(super) const METHODS: &[Method] = &[];
