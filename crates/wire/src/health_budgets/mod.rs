//! The health-budgets service's messages.

mod asks;
mod inward;
mod outward;
mod refusal;
mod words;

pub use asks::{accounts, limit, posting};
pub use inward::{
    Asked, List, OpenedFor, Opening, PlanFilter, ReviewsDue, Totals, approve_plan, approve_write_off,
    book_service, cancel_booking, close_plan, decide_reclaim, get_plan, get_spend, get_totals, list_plans,
    list_reclaims, list_reviews_due, list_spends, open_plan, propose_write_off, record_care_period,
    record_death, record_delivery, record_reclaim_receipt, record_return, record_review, record_spend,
    resume_plan, suspend_plan,
};
pub use outward::{SUPPRESSION_NOTE, decision, pending, plan, reclaim, review_due, spend, totals_cell};

#[cfg(test)]
mod tests;
