//! Plans: proposed, approved, read, suspended, reviewed, closed.

use super::{Budgets, hex, sent, unhex, words};
use crate::output::{self, date, pounds, table};
use ::money::Pence;
use anyhow::{Context as _, bail};
use clap::Args;
use jiff::civil::Date;
use nhs::NhsNumber;
use proto::{
    common::v1::PageRequest,
    health_budgets::v1::{self, open_plan_request::Person},
};
use std::{fs, io::Read as _, path::PathBuf, str::FromStr};

/// A plan to propose.
#[derive(Debug, Args)]
pub(super) struct Open {
    /// File with the person's NHS number and nothing else; - for standard input. Never on the command line, where
    /// other users of the machine could read it
    #[arg(long, value_name = "FILE", required_unless_present = "pseudonym", conflicts_with = "pseudonym")]
    nhs_number_file: Option<PathBuf>,
    /// The person's pseudonym: 32 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pseudonym: Option<String>,
    /// ODS code of the clinical commissioning group that pays
    #[arg(long)]
    ccg: String,
    /// Why the person has a budget
    #[arg(long)]
    category: words::Category,
    /// The first day of care under it
    #[arg(long, value_name = "DATE")]
    start: Date,
    /// Subject id of the care co-ordinator; never a name
    #[arg(long, value_name = "ID")]
    co_ordinator: String,
    /// Into whose hands a direct payment is paid
    #[arg(long, default_value = "person")]
    recipient: words::Hands,
    /// A pot: `notional,5000.00`, `direct-payment,11000,four-weekly,2017-06-05,1000` (first due date and instalment) or
    /// `third-party,11000,weekly,2017-06-05,200,NT3` (and who holds it); once for each kind
    #[arg(long, required = true, value_name = "POT")]
    pot: Vec<Terms>,
}

/// What is agreed about a pot, as one argument.
#[derive(Debug, Clone)]
struct Terms(v1::PotTerms);

impl FromStr for Terms {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').collect();
        let value = |name| <words::Pot as clap::ValueEnum>::from_str(name, false);
        let pence = |text: &str| text.parse::<Pence>().map(Pence::get).map_err(|error| error.to_string());
        let (kind, budget, rest) = match parts.as_slice() {
            [kind, budget, rest @ ..] => (value(kind)?, pence(budget)?, rest),
            _ => return Err("it must say at least a kind and a budget: notional,5000.00".to_owned()),
        };
        let schedule = |every: &str, first: &str, instalment: &str| {
            let every = <words::Every as clap::ValueEnum>::from_str(every, false)?;
            let first: Date = first.parse().map_err(|error: jiff::Error| error.to_string())?;
            let instalment_pence = pence(instalment)?;
            let frequency = v1::Frequency::from(every).into();
            Ok::<_, String>(v1::Schedule { frequency, first_due_date: sent(first), instalment_pence })
        };
        let (schedule, holder) = match (kind, rest) {
            (words::Pot::Notional, []) => (None, ""),
            (words::Pot::DirectPayment, [every, first, instalment]) => {
                (Some(schedule(every, first, instalment)?), "")
            }
            (words::Pot::ThirdParty, [every, first, instalment, holder]) => {
                (Some(schedule(every, first, instalment)?), *holder)
            }
            _ => return Err("it has parts too many or too few for its kind".to_owned()),
        };
        let kind = v1::PotKind::from(kind).into();
        Ok(Self(v1::PotTerms { kind, budget_pence: budget, schedule, holder: holder.to_owned() }))
    }
}

pub(super) async fn open(budgets: &Budgets, open: Open) -> anyhow::Result<()> {
    let Open { nhs_number_file, pseudonym, ccg, category, start, co_ordinator, recipient, pot } = open;
    let person = match (nhs_number_file, pseudonym) {
        (Some(file), _) => Person::NhsNumber(number(&file)?),
        (None, Some(pseudonym)) => Person::Pseudonym(unhex(&pseudonym).map_err(anyhow::Error::msg)?),
        (None, None) => bail!("say whose plan it is: --nhs-number-file or --pseudonym"),
    };
    let request = v1::OpenPlanRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        person: Some(person),
        ccg,
        category: v1::CareCategory::from(category).into(),
        start_date: sent(start),
        co_ordinator,
        recipient: v1::Recipient::from(recipient).into(),
        pots: pot.into_iter().map(|terms| terms.0).collect(),
    };
    let answer = budgets.connection.ask(request).await.context("the plan was not opened")?;
    let plan = answer.plan.unwrap_or_default();
    output::line(format_args!("{} is proposed; another officer approves it:", plan.plan));
    output::line(format_args!("  almoner phb approve {} --digest {}", plan.plan, hex(&plan.proposal_digest)));
    Ok(())
}

/// The one NHS number of a file. No error quotes what the file holds.
fn number(file: &PathBuf) -> anyhow::Result<u64> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    let number: NhsNumber =
        text.trim().parse().context("the file must hold one NHS number and nothing else")?;
    Ok(number.reveal())
}

/// A second officer's yes.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Id of the plan
    plan: String,
    /// Digest of the proposal that you looked at, from `almoner phb plan`
    #[arg(long, value_name = "HEX")]
    digest: String,
}

pub(super) async fn approve(budgets: &Budgets, approve: Approve) -> anyhow::Result<()> {
    let request = v1::ApprovePlanRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        plan: approve.plan,
        proposal_digest: unhex(&approve.digest).map_err(anyhow::Error::msg)?,
    };
    let answer = budgets.connection.ask(request).await.context("the plan was not approved")?;
    output::line(format_args!("{}", words::decision(answer.decision.as_ref())));
    Ok(())
}

/// One plan.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Id of the plan
    plan: String,
}

pub(super) async fn show(budgets: &Budgets, of: Plan) -> anyhow::Result<()> {
    let request = v1::GetPlanRequest { system: budgets.system(), plan: of.plan, min_position: None };
    let answer = budgets.connection.ask(request).await.context("the plan was not read")?;
    let plan = answer.plan.unwrap_or_default();
    output::line(format_args!("{}: {}", plan.name, words::plan_state(plan.state())));
    let category = words::category(plan.category());
    output::line(format_args!(
        "  {} {category} {} from {}",
        plan.ccg,
        plan.financial_year,
        date(plan.start_date)
    ));
    let late = if plan.review_overdue { ", overdue" } else { "" };
    output::line(format_args!(
        "  next review {}{late}, co-ordinator {}",
        date(plan.next_review_date),
        plan.co_ordinator
    ));
    output::line(format_args!("  digest {}", hex(&plan.proposal_digest)));
    let mut table = table(
        ["pot", "budget", "left", "booked", "spent", "paid", "recognised", "paid ahead", "held", "next due"],
        1..9,
    );
    for pot in &plan.pots {
        let terms = pot.terms.clone().unwrap_or_default();
        table.add_row([
            words::pot(terms.kind()),
            pounds(terms.budget_pence),
            pounds(pot.room_pence),
            pounds(pot.booked_pence),
            pounds(pot.spent_pence),
            pounds(pot.paid_pence),
            pounds(pot.recognised_pence),
            pounds(pot.paid_ahead_pence),
            pounds(pot.held_pence),
            date(pot.next_due_date),
        ]);
    }
    output::show(&table);
    Ok(())
}

/// Plans to list.
#[derive(Debug, Args)]
pub(super) struct Plans {
    /// Only this payer's
    #[arg(long)]
    ccg: Option<String>,
    /// Only those that stand so
    #[arg(long)]
    state: Option<words::Standing>,
}

pub(super) async fn list(budgets: &Budgets, of: Plans) -> anyhow::Result<()> {
    let Plans { ccg, state } = of;
    let state = state.map_or(v1::PlanState::Unspecified, v1::PlanState::from).into();
    let ccg = ccg.unwrap_or_default();
    let mut table = table(["plan", "state", "payer", "category", "from", "next review", "budget"], [6]);
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 1_000, page_token });
        let request = v1::ListPlansRequest {
            system: budgets.system(),
            ccg: ccg.clone(),
            state,
            page,
            min_position: None,
        };
        let answer = budgets.connection.ask(request).await.context("the plans were not listed")?;
        for plan in answer.plans {
            let terms = plan.pots.iter().filter_map(|pot| pot.terms.as_ref());
            let late = if plan.review_overdue { " late" } else { "" };
            table.add_row([
                plan.plan.clone(),
                words::plan_state(plan.state()),
                plan.ccg.clone(),
                words::category(plan.category()),
                date(plan.start_date),
                format!("{}{late}", date(plan.next_review_date)),
                pounds(terms.map(|terms| terms.budget_pence).fold(0, i64::saturating_add)),
            ]);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            output::show(&table);
            output::note(format_args!("{}", answer.suppression_note));
            return Ok(());
        }
    }
}

/// A stay in hospital.
#[derive(Debug, Args)]
pub(super) struct Suspend {
    /// Id of the plan
    plan: String,
    /// The first day in hospital
    from: Date,
}

pub(super) async fn suspend(budgets: &Budgets, of: Suspend) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::SuspendPlanRequest { system, request_id, plan: of.plan, from_date: sent(of.from) };
    budgets.connection.ask(request).await.context("the plan was not suspended")?;
    output::line(format_args!("suspended"));
    Ok(())
}

pub(super) async fn resume(budgets: &Budgets, of: Plan) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::ResumePlanRequest { system, request_id, plan: of.plan };
    budgets.connection.ask(request).await.context("the plan was not resumed")?;
    output::line(format_args!("active"));
    Ok(())
}

/// A death.
#[derive(Debug, Args)]
pub(super) struct Death {
    /// Id of the plan
    plan: String,
    /// The day
    on: Date,
}

pub(super) async fn death(budgets: &Budgets, of: Death) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::RecordDeathRequest { system, request_id, plan: of.plan, death_date: sent(of.on) };
    budgets.connection.ask(request).await.context("the death was not recorded")?;
    output::line(format_args!("recorded: nothing after {} is spent", of.on));
    Ok(())
}

pub(super) async fn close(budgets: &Budgets, of: Plan) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::ClosePlanRequest { system, request_id, plan: of.plan };
    budgets.connection.ask(request).await.context("the plan was not closed")?;
    output::line(format_args!("closed"));
    Ok(())
}

/// A review.
#[derive(Debug, Args)]
pub(super) struct Review {
    /// Id of the plan
    plan: String,
    /// The day on which it was held
    held: Date,
}

pub(super) async fn review(budgets: &Budgets, of: Review) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::RecordReviewRequest { system, request_id, plan: of.plan, held_date: sent(of.held) };
    let answer = budgets.connection.ask(request).await.context("the review was not recorded")?;
    output::line(format_args!("next review by {}", date(answer.next_review_date)));
    Ok(())
}

/// Reviews to list.
#[derive(Debug, Args)]
pub(super) struct Reviews {
    /// Due by this day; default: the business date
    #[arg(long, value_name = "DATE")]
    by: Option<Date>,
}

pub(super) async fn reviews(budgets: &Budgets, of: Reviews) -> anyhow::Result<()> {
    let by_date = of.by.map(wire::common::date);
    let request = v1::ListReviewsDueRequest { system: budgets.system(), by_date, min_position: None };
    let answer = budgets.connection.ask(request).await.context("reviews were not listed")?;
    let mut table = table(["plan", "payer", "co-ordinator", "due", "days late"], [4]);
    for review in answer.reviews {
        let due = date(review.due_date);
        table.add_row([review.plan, review.ccg, review.co_ordinator, due, review.overdue_days.to_string()]);
    }
    output::show(&table);
    Ok(())
}

/// Totals.
#[derive(Debug, Args)]
pub(super) struct Totals {
    /// Only this payer's
    #[arg(long)]
    ccg: Option<String>,
}

pub(super) async fn totals(budgets: &Budgets, of: Totals) -> anyhow::Result<()> {
    let ccg = of.ccg.unwrap_or_default();
    let request = v1::GetTotalsRequest { system: budgets.system(), ccg, min_position: None };
    let answer = budgets.connection.ask(request).await.context("the totals were not read")?;
    let mut table =
        table(["payer", "category", "pot", "plans", "budget", "booked", "spent", "paid", "recognised"], 3..9);
    for cell in answer.cells {
        table.add_row([
            cell.ccg.clone(),
            words::category(cell.category()),
            words::pot(cell.pot()),
            cell.plans_count.map_or_else(|| "1 to 4".to_owned(), |count| count.to_string()),
            pounds(cell.budget_pence),
            pounds(cell.booked_pence),
            pounds(cell.spent_pence),
            pounds(cell.paid_pence),
            pounds(cell.recognised_pence),
        ]);
    }
    output::show(&table);
    if answer.pending_count > 0 {
        output::note(format_args!("{} requests wait for the ledger", answer.pending_count));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pots_are_read_from_one_argument() {
        let notional = "notional,5000.50".parse::<Terms>().unwrap().0;
        assert_eq!((notional.kind(), notional.budget_pence), (v1::PotKind::Notional, 500_050));
        let held = "third-party,11000,weekly,2017-06-05,200,NT3".parse::<Terms>().unwrap().0;
        let schedule = held.schedule.unwrap();
        assert_eq!((held.kind(), held.holder.as_str()), (v1::PotKind::ThirdParty, "NT3"));
        assert_eq!((schedule.frequency(), schedule.instalment_pence), (v1::Frequency::Weekly, 20_000));
        assert_eq!(date(schedule.first_due_date), "2017-06-05");
        for bad in [
            "",
            "notional",
            "notional,-5",
            "notional,5,weekly",
            "direct-payment,5",
            "direct-payment,5,monthly,2017-06-05,1",
            "direct-payment,5,weekly,June,1",
            "third-party,5,weekly,2017-06-05,1",
            "savings,5",
        ] {
            assert!(bad.parse::<Terms>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_read_from_a_file_and_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("person");
        fs::write(&file, "943 476 5919\n").unwrap();
        assert_eq!(number(&file).unwrap(), 9_434_765_919);
        fs::write(&file, "9434765918\n").unwrap();
        let error = format!("{:?}", number(&file).unwrap_err());
        assert!(!error.contains("94347"), "{error}");
    }
}
