//! Personal health budgets: opened by one officer and approved by another, paid by instalments, spent from, and what happens
//! to people meanwhile.
//!
//! | when | what |
//! | --- | --- |
//! | 1 June | plans of all three kinds, bank details of those who are paid direct |
//! | 30 June | June's purchases and care; people who went into hospital |
//! | 10 July | they are back |
//! | 31 July | July's purchases and care; a death, a reclaim, what is refused, what is booked ahead |
//! | 21 August | part of what was asked back comes |

use crate::demo::generate::{Budget, FIRST_DUE, Holding, Incident, Item, Need, Purchase};
use crate::demo::installation::SYSTEM;
use crate::demo::stage::Stage;
use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::{Date, date};
use proto::health_budgets::v1::{
    self, CareCategory, DecisionState, Frequency, ItemCategory, PotKind, Recipient, ReclaimReason,
    open_plan_request::Person,
};
use proto::identity::v1::{ApprovePayeeRequest, RegisterPayeeRequest};
use std::collections::BTreeMap;

/// Plans that officers work on at the same time.
const AT_ONCE: usize = 16;

/// Who supplies home care to notional budgets, and who holds third-party budgets. Neither exists.
const SUPPLIER: &str = "ZHC";
/// See [`SUPPLIER`].
const HOLDER: &str = "ZHB";
/// Who supplies nursing and therapy: the system's community trust.
const COMMUNITY: &str = "RWX";

/// The most that is asked back, in pence.
const RECLAIM_PENCE: i64 = 6_000_00;

/// A plan as it was opened.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    budget: &'a Budget,
    id: String,
}

/// What was done with personal health budgets.
#[derive(Debug, Default, Clone)]
pub(crate) struct PlansPlayed {
    /// Plans opened and approved.
    pub(crate) plans: u64,
    /// Purchases recorded.
    pub(crate) spends: u64,
    /// Purchases refused, by reason: tried to show that they are.
    pub(crate) refused: BTreeMap<String, u64>,
    /// The reclaim.
    reclaim: Option<u64>,
}

/// Opens every plan and has it approved.
pub(super) async fn open<'a>(
    stage: &Stage,
    budgets: &'a [Budget],
    played: &mut PlansPlayed,
) -> anyhow::Result<Vec<Plan<'a>>> {
    stage.progress.scene("June: opening and approving personal health budgets", budgets.len());
    let opened: Vec<Plan<'a>> = stream::iter(budgets.iter().zip(0_u32..))
        .map(|(budget, number)| open_one(stage, budget, number))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    played.plans = opened.len() as u64;
    Ok(opened)
}

async fn open_one<'a>(stage: &Stage, budget: &'a Budget, number: u32) -> anyhow::Result<Plan<'a>> {
    let (officer, other) = (stage.of("phb-officer")?, stage.of("phb-officer-2")?);
    let open = v1::OpenPlanRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("open plan {number}")).to_string(),
        person: Some(Person::NhsNumber(budget.holder.reveal())),
        ccg: budget.ccg().to_owned(),
        category: category(budget.need).into(),
        start_date: Some(wire::common::date(budget.starts)),
        co_ordinator: format!("co-ordinator-{}", number % 7 + 1),
        recipient: Recipient::Person.into(),
        pots: vec![terms(budget)],
    };
    let plan = officer.ask(open).await?.plan.context("a plan was answered without itself")?;
    let approve = v1::ApprovePlanRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("approve plan {number}")).to_string(),
        plan: plan.plan.clone(),
        proposal_digest: plan.proposal_digest.clone(),
    };
    let decision = other.ask(approve).await?.decision;
    ensure!(is_granted(decision.as_ref()), "the ledger did not grant {}: {decision:?}", plan.plan);
    if budget.holding == Holding::DirectPayment {
        let register = RegisterPayeeRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("payee {number}")).to_string(),
            payee: plan.plan.clone(),
            pseudonym: plan.pseudonym.clone(),
            account_name: format!("DEMO HOLDER {}", number + 1),
            // Sort codes that no bank has.
            sort_code: format!("0001{:02}", number % 100),
            account_number: format!("{:08}", 20_000_000 + number),
        };
        let proposal = officer.ask(register).await?.proposal;
        let approve = ApprovePayeeRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("approve payee {number}")).to_string(),
            payee: plan.plan.clone(),
            proposal,
        };
        other.ask(approve).await?;
    }
    stage.progress.steps(1);
    Ok(Plan { budget, id: plan.plan })
}

fn terms(budget: &Budget) -> v1::PotTerms {
    let schedule = v1::Schedule {
        frequency: Frequency::FourWeekly.into(),
        first_due_date: Some(wire::common::date(FIRST_DUE)),
        instalment_pence: budget.instalment_pence(),
    };
    let is_cash = budget.holding != Holding::Notional;
    v1::PotTerms {
        kind: kind(budget.holding).into(),
        budget_pence: budget.budget_pence(),
        schedule: is_cash.then_some(schedule),
        holder: if budget.holding == Holding::ThirdParty { HOLDER.to_owned() } else { String::new() },
    }
}

const fn kind(holding: Holding) -> PotKind {
    match holding {
        Holding::Notional => PotKind::Notional,
        Holding::ThirdParty => PotKind::ThirdParty,
        Holding::DirectPayment => PotKind::DirectPayment,
    }
}

const fn category(need: Need) -> CareCategory {
    match need {
        Need::AdultContinuingHealthcare => CareCategory::AdultContinuingHealthcare,
        Need::ChildrensContinuingCare => CareCategory::ChildrensContinuingCare,
        Need::Other => CareCategory::Other,
    }
}

const fn item(item: Item) -> ItemCategory {
    match item {
        Item::PersonalCare => ItemCategory::PersonalCare,
        Item::Nursing => ItemCategory::Nursing,
        Item::Respite => ItemCategory::Respite,
        Item::Therapy => ItemCategory::Therapy,
        Item::Equipment => ItemCategory::Equipment,
        Item::Transport => ItemCategory::Transport,
    }
}

const fn supplier(item: Item) -> &'static str {
    match item {
        Item::Nursing | Item::Therapy => COMMUNITY,
        Item::PersonalCare | Item::Respite | Item::Equipment | Item::Transport => SUPPLIER,
    }
}

fn is_granted(decision: Option<&v1::LedgerDecision>) -> bool {
    decision.is_some_and(|decision| decision.state() == DecisionState::Granted)
}

/// 30 June: June's purchases and care, then the stays in hospital that began.
pub(super) async fn june(stage: &Stage, plans: &[Plan<'_>], played: &mut PlansPlayed) -> anyhow::Result<()> {
    stage.progress.scene("June: spending from personal health budgets", plans.len());
    played.spends += month(stage, plans, date(2017, 6, 1), date(2017, 6, 30)).await?;
    for plan in plans {
        if let Some(Incident::Hospital(from, _)) = plan.budget.incident {
            let request = v1::SuspendPlanRequest {
                system: SYSTEM.to_owned(),
                request_id: stage.id(&format!("suspend {}", plan.id)).to_string(),
                plan: plan.id.clone(),
                from_date: Some(wire::common::date(from)),
            };
            stage.of("phb-officer")?.ask(request).await?;
        }
    }
    Ok(())
}

/// 10 July: people are back from hospital.
pub(super) async fn back(stage: &Stage, plans: &[Plan<'_>]) -> anyhow::Result<()> {
    for plan in plans {
        if matches!(plan.budget.incident, Some(Incident::Hospital(..))) {
            let request = v1::ResumePlanRequest {
                system: SYSTEM.to_owned(),
                request_id: stage.id(&format!("resume {}", plan.id)).to_string(),
                plan: plan.id.clone(),
            };
            stage.of("phb-officer")?.ask(request).await?;
        }
    }
    Ok(())
}

/// 31 July: July's purchases and care, then what happens to people, what is refused and what is booked ahead.
pub(super) async fn july(stage: &Stage, plans: &[Plan<'_>], played: &mut PlansPlayed) -> anyhow::Result<()> {
    stage.progress.scene("July: spending from personal health budgets", plans.len());
    played.spends += month(stage, plans, date(2017, 7, 1), date(2017, 7, 31)).await?;
    let officer = stage.of("phb-officer")?;
    for plan in plans {
        match plan.budget.incident {
            Some(Incident::Death(died)) => {
                let request = v1::RecordDeathRequest {
                    system: SYSTEM.to_owned(),
                    request_id: stage.id(&format!("death {}", plan.id)).to_string(),
                    plan: plan.id.clone(),
                    death_date: Some(wire::common::date(died)),
                };
                officer.ask(request).await?;
            }
            Some(Incident::Reclaim) => played.reclaim = reclaim(stage, plan).await?,
            Some(Incident::Hospital(..) | Incident::ReviewOverdue) | None => {}
        }
    }
    refused(stage, plans, played).await?;
    ahead(stage, plans).await
}

/// Records what every plan bought within the days, and the care of those days. Returns how many purchases there were.
async fn month(stage: &Stage, plans: &[Plan<'_>], from: Date, to: Date) -> anyhow::Result<u64> {
    let counts: Vec<u64> = stream::iter(plans)
        .map(|plan| month_of(stage, plan, from, to))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(counts.iter().sum())
}

async fn month_of(stage: &Stage, plan: &Plan<'_>, from: Date, to: Date) -> anyhow::Result<u64> {
    let bought: Vec<&Purchase> =
        plan.budget.purchases.iter().filter(|purchase| (from..=to).contains(&purchase.on)).collect();
    for (at, purchase) in bought.iter().enumerate() {
        buy(stage, plan, purchase, &format!("{from} {at}")).await?;
    }
    if plan.budget.holding != Holding::Notional {
        let pence = bought.iter().map(|purchase| purchase.pence).sum();
        care(stage, plan, from, to, pence).await?;
    }
    stage.progress.steps(1);
    Ok(bought.len() as u64)
}

async fn buy(stage: &Stage, plan: &Plan<'_>, purchase: &Purchase, name: &str) -> anyhow::Result<()> {
    let officer = stage.of("phb-officer")?;
    let Purchase { item: of, pence, on, booked } = *purchase;
    let day = Some(wire::common::date(on));
    let is_notional = plan.budget.holding == Holding::Notional;
    if !(booked && is_notional) {
        let request = v1::RecordSpendRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("spend {} {name}", plan.id)).to_string(),
            plan: plan.id.clone(),
            pot: kind(plan.budget.holding).into(),
            item: item(of).into(),
            supplier: if is_notional { supplier(of).to_owned() } else { String::new() },
            amount_pence: pence,
            service_date: day,
        };
        let answer = officer.ask(request).await?;
        ensure!(!is_notional || is_granted(answer.decision.as_ref()), "a purchase was denied: {answer:?}");
        return Ok(());
    }
    let book = v1::BookServiceRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("book {} {name}", plan.id)).to_string(),
        plan: plan.id.clone(),
        item: item(of).into(),
        supplier: supplier(of).to_owned(),
        amount_pence: pence,
        service_date: day,
    };
    let booked = officer.ask(book).await?;
    ensure!(is_granted(booked.decision.as_ref()), "a booking was denied: {booked:?}");
    let deliver = v1::RecordDeliveryRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("deliver {} {name}", plan.id)).to_string(),
        booking: booked.booking.map(|booking| booking.record).context("a booking without a number")?,
        amount_pence: pence,
        delivery_date: day,
    };
    let delivered = officer.ask(deliver).await?;
    ensure!(is_granted(delivered.decision.as_ref()), "a delivery was denied: {delivered:?}");
    Ok(())
}

/// Recognises the care of the days that the person was at home: what was bought, as far as it was paid for ahead.
async fn care(stage: &Stage, plan: &Plan<'_>, from: Date, to: Date, pence: i64) -> anyhow::Result<()> {
    let (from, to) = match plan.budget.incident {
        Some(Incident::Hospital(admitted, _)) if admitted <= to && admitted >= from => {
            (from, admitted.yesterday()?)
        }
        Some(Incident::Hospital(_, home)) if home >= from && home <= to => (home.tomorrow()?, to),
        _ => (from, to),
    };
    let get = v1::GetPlanRequest { system: SYSTEM.to_owned(), plan: plan.id.clone(), min_position: None };
    let pots = stage.of("phb-officer")?.ask(get).await?.plan.map(|plan| plan.pots);
    let ahead = pots.and_then(|pots| pots.first().map(|pot| pot.paid_ahead_pence)).unwrap_or(0);
    let amount_pence = pence.min(ahead);
    if amount_pence <= 0 {
        return Ok(());
    }
    let request = v1::RecordCarePeriodRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("care {} {from}", plan.id)).to_string(),
        plan: plan.id.clone(),
        pot: kind(plan.budget.holding).into(),
        from_date: Some(wire::common::date(from)),
        to_date: Some(wire::common::date(to)),
        amount_pence,
    };
    let answer = stage.of("phb-officer")?.ask(request).await?;
    ensure!(is_granted(answer.decision.as_ref()), "a period of care was denied: {answer:?}");
    Ok(())
}

/// Asks unused money back: some 6,000 pounds, or half of one instalment where that is less.
async fn reclaim(stage: &Stage, plan: &Plan<'_>) -> anyhow::Result<Option<u64>> {
    let request = v1::DecideReclaimRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("reclaim {}", plan.id)).to_string(),
        plan: plan.id.clone(),
        pot: kind(plan.budget.holding).into(),
        amount_pence: RECLAIM_PENCE.min(plan.budget.instalment_pence() / 2),
        reason: ReclaimReason::UnusedAccumulation.into(),
        deadline_date: Some(wire::common::date(date(2017, 9, 30))),
    };
    let answer = stage.of("phb-officer")?.ask(request).await?;
    Ok(answer.reclaim.map(|reclaim| reclaim.record))
}

/// 21 August: finance records that a third of what was asked back came.
pub(super) async fn august(stage: &Stage, plans: &[Plan<'_>], played: &PlansPlayed) -> anyhow::Result<()> {
    let reclaimed = plans.iter().find(|plan| plan.budget.incident == Some(Incident::Reclaim));
    let (Some(reclaim), Some(plan)) = (played.reclaim, reclaimed) else { return Ok(()) };
    let asked = RECLAIM_PENCE.min(plan.budget.instalment_pence() / 2);
    let request = v1::RecordReclaimReceiptRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("reclaim receipt").to_string(),
        reclaim,
        amount_pence: asked / 3,
        receive_date: Some(wire::common::date(date(2017, 8, 18))),
    };
    stage.of("finance-preparer")?.ask(request).await?;
    Ok(())
}

/// Tries what no budget may do: spend more cash than it has, and buy what is excluded. Each must be refused by its name.
async fn refused(stage: &Stage, plans: &[Plan<'_>], played: &mut PlansPlayed) -> anyhow::Result<()> {
    let direct = plans
        .iter()
        .find(|plan| plan.budget.holding == Holding::DirectPayment && plan.budget.incident.is_none());
    let Some(plan) = direct else { return Ok(()) };
    let tries = [
        (ItemCategory::PersonalCare, plan.budget.budget_pence(), "OVERSPEND"),
        (ItemCategory::Alcohol, 20_00, "EXCLUDED_ITEM"),
        (ItemCategory::HrgPricedProcedure, 667_00, "EXCLUDED_ITEM"),
    ];
    let officer = stage.connection("phb-officer")?;
    for (item, amount_pence, expected) in tries {
        let request = v1::RecordSpendRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("refused {item:?}")).to_string(),
            plan: plan.id.clone(),
            pot: PotKind::DirectPayment.into(),
            item: item.into(),
            supplier: String::new(),
            amount_pence,
            service_date: Some(wire::common::date(date(2017, 7, 28))),
        };
        match officer.ask(request).await {
            Ok(_) => bail!("a purchase of {item:?} should have been refused"),
            Err(status) => {
                let reason = wire::status::reason_of(&status).unwrap_or_default();
                ensure!(reason == expected, "{item:?} was refused with {reason}: {}", status.message());
                *played.refused.entry(reason).or_default() += 1;
            }
        }
    }
    Ok(())
}

/// Books September's respite for notional budgets: money that stays committed.
async fn ahead(stage: &Stage, plans: &[Plan<'_>]) -> anyhow::Result<()> {
    let living =
        |plan: &&Plan<'_>| plan.budget.holding == Holding::Notional && plan.budget.incident.is_none();
    for plan in plans.iter().filter(living) {
        let request = v1::BookServiceRequest {
            system: SYSTEM.to_owned(),
            request_id: stage.id(&format!("book ahead {}", plan.id)).to_string(),
            plan: plan.id.clone(),
            item: ItemCategory::Respite.into(),
            supplier: SUPPLIER.to_owned(),
            amount_pence: (plan.budget.year_pence / 50).max(1),
            service_date: Some(wire::common::date(date(2017, 9, 11))),
        };
        let booked = stage.of("phb-officer")?.ask(request).await?;
        ensure!(is_granted(booked.decision.as_ref()), "a booking was denied: {booked:?}");
    }
    Ok(())
}
