//! The reading calls. What is another body's is left out, or looks as if it did not exist.

use crate::Adapter;
use access::Caller;
use health_budgets::{PlanNumber, Refusal, State};
use journal::{Position, SystemName};
use proto::{common::v1::AsOf, health_budgets::v1};
use server::journals::ReadAt;
use std::sync::Arc;
use tonic::Status;
use wire::{
    Cursor, Page, common,
    health_budgets::{self as convert, List, PlanFilter},
    status,
};

/// The most reviews of one answer.
const REVIEWS_MAX: usize = 10_000;

pub(crate) fn as_of(at: &ReadAt) -> AsOf {
    common::as_of(at.position, at.recorded_time, at.business_date)
}

/// Where a listing begins: after the key that the page's token gives.
fn begins(page: &Page) -> Position {
    let last = page.cursor.as_ref().and_then(|cursor| <[u8; 8]>::try_from(cursor.last.as_slice()).ok());
    last.map_or(Position::FIRST, |bytes| Position::new(u64::from_le_bytes(bytes)).next())
}

/// A page of rows with their keys, and where the listing goes on.
fn cut<R>(rows: impl Iterator<Item = (Position, R)>, page: &Page, at: &ReadAt) -> (Vec<R>, Option<Cursor>) {
    let mut rows = rows.peekable();
    let taken: Vec<(Position, R)> = rows.by_ref().take(page.size).collect();
    let began = page.cursor.as_ref().map(|cursor| cursor.position).or(at.position).unwrap_or_default();
    let last = taken.last().map(|(key, _)| key.get().to_le_bytes().to_vec());
    let next = last.filter(|_| rows.peek().is_some()).map(|last| Cursor { position: began, last });
    (taken.into_iter().map(|(_, row)| row).collect(), next)
}

impl Adapter {
    pub(crate) async fn read_plan(
        &self,
        caller: &Arc<Caller>,
        (system, number, min_position): (SystemName, PlanNumber, Option<Position>),
    ) -> Result<v1::GetPlanResponse, Status> {
        let handle = self.journal(&system).await?;
        let caller = Arc::clone(caller);
        let read = handle.read(min_position, move |state: &State, at| {
            let plan = state.plan(number).filter(|plan| caller.acts_for(plan.ccg))?;
            Some((convert::plan(&system, number, plan, at.business_date), as_of(at)))
        });
        let (plan, as_of) = read.await?.ok_or_else(|| status::refusal(&Refusal::PlanUnknown))?;
        Ok(v1::GetPlanResponse { plan: Some(plan), as_of: Some(as_of) })
    }

    pub(crate) async fn read_plans(
        &self,
        caller: &Arc<Caller>,
        list: List<PlanFilter>,
    ) -> Result<v1::ListPlansResponse, Status> {
        let List { system, filter: PlanFilter { ccg, state: wanted }, page, min_position } = list;
        let handle = self.journal(&system).await?;
        let (caller, from, asked) = (Arc::clone(caller), PlanNumber(begins(&page)), page.clone());
        let read = handle.read(min_position, move |state: &State, at| {
            let rows = state
                .plans_from(from)
                .filter(|(_, plan)| caller.acts_for(plan.ccg))
                .filter(|(_, plan)| ccg.is_none_or(|ccg| plan.ccg == ccg))
                .filter(|(_, plan)| wanted.is_none_or(|wanted| plan.state == wanted))
                .map(|(number, plan)| (number.0, convert::plan(&system, number, plan, at.business_date)));
            (cut(rows, &asked, at), as_of(at))
        });
        let ((plans, next), as_of) = read.await?;
        Ok(v1::ListPlansResponse {
            plans,
            page: Some(self.pages().response(&page, next.as_ref())),
            suppression_note: convert::SUPPRESSION_NOTE.to_owned(),
            as_of: Some(as_of),
        })
    }

    pub(crate) async fn read_spend(
        &self,
        caller: &Arc<Caller>,
        (system, record, min_position): (SystemName, Position, Option<Position>),
    ) -> Result<v1::GetSpendResponse, Status> {
        let handle = self.journal(&system).await?;
        let caller = Arc::clone(caller);
        let read = handle.read(min_position, move |state: &State, at| {
            let spend = state.spend(record)?;
            state.plan(spend.plan).filter(|plan| caller.acts_for(plan.ccg))?;
            Some((convert::spend(record, spend), as_of(at)))
        });
        let (spend, as_of) = read.await?.ok_or_else(|| status::refusal(&Refusal::SpendUnknown))?;
        Ok(v1::GetSpendResponse { spend: Some(spend), as_of: Some(as_of) })
    }

    pub(crate) async fn read_spends(
        &self,
        caller: &Arc<Caller>,
        list: List<Option<PlanNumber>>,
    ) -> Result<v1::ListSpendsResponse, Status> {
        let List { system, filter, page, min_position } = list;
        let handle = self.journal(&system).await?;
        let (caller, from, asked) = (Arc::clone(caller), begins(&page), page.clone());
        let read = handle.read(min_position, move |state: &State, at| {
            let rows = state
                .spends_from(from)
                .filter(|(_, spend)| filter.is_none_or(|plan| spend.plan == plan))
                .filter(|(_, spend)| state.plan(spend.plan).is_some_and(|plan| caller.acts_for(plan.ccg)))
                .map(|(record, spend)| (record, convert::spend(record, spend)));
            (cut(rows, &asked, at), as_of(at))
        });
        let ((spends, next), as_of) = read.await?;
        let page = Some(self.pages().response(&page, next.as_ref()));
        Ok(v1::ListSpendsResponse { spends, page, as_of: Some(as_of) })
    }

    pub(crate) async fn read_reclaims(
        &self,
        caller: &Arc<Caller>,
        list: List<Option<PlanNumber>>,
    ) -> Result<v1::ListReclaimsResponse, Status> {
        let List { system, filter, page, min_position } = list;
        let handle = self.journal(&system).await?;
        let (caller, from, asked) = (Arc::clone(caller), begins(&page), page.clone());
        let read = handle.read(min_position, move |state: &State, at| {
            let rows = state
                .reclaims_from(from)
                .filter(|(_, reclaim)| filter.is_none_or(|plan| reclaim.plan == plan))
                .filter(|(_, reclaim)| state.plan(reclaim.plan).is_some_and(|plan| caller.acts_for(plan.ccg)))
                .map(|(record, reclaim)| (record, convert::reclaim(record, reclaim)));
            (cut(rows, &asked, at), as_of(at))
        });
        let ((reclaims, next), as_of) = read.await?;
        let page = Some(self.pages().response(&page, next.as_ref()));
        Ok(v1::ListReclaimsResponse { reclaims, page, as_of: Some(as_of) })
    }

    pub(crate) async fn read_reviews(
        &self,
        caller: &Arc<Caller>,
        ask: convert::ReviewsDue,
    ) -> Result<v1::ListReviewsDueResponse, Status> {
        let convert::ReviewsDue { system, by, min_position } = ask;
        let handle = self.journal(&system).await?;
        let caller = Arc::clone(caller);
        let read = handle.read(min_position, move |state: &State, at| {
            let today = at.business_date;
            let due = state.reviews_due(by.unwrap_or(today)).into_iter();
            let reviews = due
                .filter_map(|(number, _)| state.plan(number).map(|plan| (number, plan)))
                .filter(|(_, plan)| caller.acts_for(plan.ccg))
                .take(REVIEWS_MAX)
                .map(|(number, plan)| convert::review_due(number, plan, today))
                .collect();
            v1::ListReviewsDueResponse { reviews, as_of: Some(as_of(at)) }
        });
        Ok(read.await?)
    }

    pub(crate) async fn read_totals(
        &self,
        caller: &Arc<Caller>,
        ask: convert::Totals,
    ) -> Result<v1::GetTotalsResponse, Status> {
        let convert::Totals { system, ccg: wanted, min_position } = ask;
        let handle = self.journal(&system).await?;
        let caller = Arc::clone(caller);
        let read = handle.read(min_position, move |state: &State, at| {
            let seen = |ccg| caller.acts_for(ccg) && wanted.is_none_or(|wanted| wanted == ccg);
            let of_seen = |plan: PlanNumber| state.plan(plan).is_some_and(|plan| seen(plan.ccg));
            let cells = health_budgets::totals(state).into_iter().filter(|((ccg, ..), _)| seen(*ccg));
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let spends = state.spends().filter(|(_, spend)| of_seen(spend.plan)).count();
            v1::GetTotalsResponse {
                cells: cells
                    .map(|((ccg, category, kind), cell)| convert::totals_cell(ccg, category, kind, &cell))
                    .collect(),
                pending_count: count(state.asks().filter(|(_, ask)| of_seen(ask.plan)).count()),
                spends_count: u64::try_from(spends).unwrap_or(u64::MAX),
                as_of: Some(as_of(at)),
            }
        });
        Ok(read.await?)
    }
}
