//! The activity of plans, and what is owed beyond them.

use crate::{Mechanism, PlanKey, PostMargin, Standing, State, Verdict, event::Books, plan::MarginPosted};
use journal::Moment;
use money::TotalPence;
use nhs::FinancialYear;
use reference::Cut;

/// Counts a line, or takes it off again (`by`), in `cut`.
pub(super) fn count(
    state: &mut State,
    line: &Standing,
    cut: Option<Cut>,
    by: fn(TotalPence, TotalPence) -> TotalPence,
) {
    let (Some(route), Verdict::Accepted(amount), Books::Nowhere) = (line.route, line.verdict, line.books)
    else {
        return;
    };
    let Ok(year) = FinancialYear::of(line.date.date()) else { return };
    if route.mechanism == Mechanism::Plan {
        let key = PlanKey { payer: route.payer, payee: route.payee, class: route.class, year };
        let sum = state.plans.entry(key).or_default().activity.entry(cut).or_default();
        *sum = by(*sum, TotalPence::from(amount));
    }
}

/// Of what the fixed sum covered, the margin is owed: so it stands in the cut's totals, which go on adding up.
pub(super) fn posted(state: &mut State, at: &Moment, post: &PostMargin, posted: &MarginPosted) {
    let PlanKey { payer, payee, .. } = post.plan;
    let key =
        crate::TotalKey { cut: Some(post.cut), provider: payee, payer: Some(payer), payee: Some(payee) };
    let change = TotalPence::from(posted.change());
    if !change.is_zero() {
        let total = state.totals.entry(key).or_default();
        total.payable = total.payable.plus_total(change);
        total.block = total.block.minus_total(change);
    }
    if let Some(position) = state.plans.get_mut(&post.plan) {
        position.margin = posted.margin;
        position.posted = Some(at.position);
    }
}
