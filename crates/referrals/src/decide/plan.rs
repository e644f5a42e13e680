//! What is owed beyond a plan.

use super::{one, submission::in_force};
use crate::{Event, MarginPosted, PlanKey, PostMargin, Refusal, State};
use journal::{Day, Events};
use money::{Pence, TotalPence};
use reference::{Contract, Cut, Reference};

/// The margins to work out before `cut` is sealed: of every plan of its year that had activity.
pub(crate) fn of_cut(state: &State, cut: Cut) -> impl Iterator<Item = PostMargin> {
    let of_year = move |key: &&PlanKey| nhs::FinancialYear::of(cut.period.first_day()).ok() == Some(key.year);
    state.plans.keys().filter(of_year).map(move |plan| PostMargin { plan: *plan, cut })
}

pub(super) fn post(state: &State, post: &PostMargin) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    let position = state.plans.get(&post.plan).ok_or(Refusal::PlanUnknown)?;
    let (contract, plan) = contract(reference, &post.plan, post.cut).ok_or(Refusal::PlanUnknown)?;
    let sealed = position.activity(|cut| cut == post.cut || state.sealed.contains_key(&cut));
    let activity = amount(sealed);
    // The fixed sum is paid by instalments; what is below the plan is trued up when the year is over.
    let above = reference::Plan { below: Vec::new(), ..plan.clone() };
    let thresholds = above.thresholds(Pence::ZERO).map_err(|_| Refusal::PlanUnknown)?;
    let margin = thresholds.owed(activity).map_err(|_| Refusal::PlanUnknown)?;
    Ok(one(Event::MarginPosted(MarginPosted {
        contract: contract.id,
        planned: plan.planned,
        activity,
        margin,
        before: position.margin,
    })))
}

/// The contract whose plan it is on the last day of a cut's month: a payer has one with a provider at a time.
fn contract<'a>(
    reference: &'a Reference,
    key: &PlanKey,
    cut: Cut,
) -> Option<(&'a Contract, &'a reference::Plan)> {
    let day = Day::from(cut.period.last_day());
    reference.plan(key.payer, key.payee, day)
}

/// A sum as an amount: corrections never take off more than there was.
fn amount(sum: TotalPence) -> Pence {
    sum.to_net().ok().and_then(|net| Pence::new(net.get())).unwrap_or_default()
}
