//! Requests inward: every bad field at once, then a command that is valid in form.

use super::words;
use crate::{Fields, Page, PageKey, Violations, identity::pseudonym_field};
use ::health_budgets::{
    ApprovePlan, ApproveWriteOff, BookService, CancelBooking, ClosePlan, Command, DecideReclaim, OpenPlan,
    PlanNumber, PlanState, PotKind, PotTerms, ProposeWriteOff, Recipient, RecordCarePeriod, RecordDeath,
    RecordDelivery, RecordReceipt, RecordReturn, RecordReview, RecordSpend, ResumePlan, ReviewRule, Schedule,
    StaffId, SuspendPlan,
};
use journal::{Day, Position, RequestId, SystemName};
use money::Pence;
use nhs::{NhsNumber, OdsCode, Pseudonym};
use proto::{common::v1::PageRequest, google::r#type::Date, health_budgets::v1};

/// A writing request, understood.
#[derive(Debug)]
pub struct Asked {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// What is asked.
    pub command: Command,
}

/// The person for whom a plan is opened.
#[derive(Debug, Clone, Copy)]
pub enum OpenedFor {
    /// By pseudonym.
    Pseudonym(Pseudonym),
    /// By NHS number: to be pseudonymised before anything else is done.
    Number(NhsNumber),
}

/// A plan to be opened, but for whose it is.
#[derive(Debug)]
pub struct Opening {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// The person.
    pub person: OpenedFor,
    /// The rest, with a pseudonym of zeros.
    plan: OpenPlan,
}

impl Opening {
    /// The payer.
    #[must_use]
    pub const fn ccg(&self) -> OdsCode {
        self.plan.ccg
    }

    /// The command, once the person has a pseudonym.
    #[must_use]
    pub fn command(self, pseudonym: Pseudonym, reviews: ReviewRule) -> Command {
        Command::OpenPlan(OpenPlan { pseudonym, reviews, ..self.plan })
    }
}

/// The head of every writing request.
fn asked(
    mut fields: Fields,
    system: &str,
    request_id: &str,
    command: Option<impl Into<Command>>,
) -> Result<Asked, Violations> {
    let system = fields.system("system", system);
    let request_id = fields.request_id("request_id", request_id);
    let (system, request_id, command) = fields.known((system, request_id, command))?;
    Ok(Asked { system, request_id, command: command.into() })
}

fn day(fields: &mut Fields, path: &str, date: Option<Date>) -> Option<Day> {
    fields.date(path, date).map(Day::from)
}

fn plan_id(fields: &mut Fields, text: &str) -> Option<PlanNumber> {
    fields.parse::<PlanNumber>("plan", text)
}

fn amount(fields: &mut Fields, pence: i64) -> Option<Pence> {
    fields.pence("amount_pence", pence)
}

fn pot(fields: &mut Fields, number: i32) -> Option<PotKind> {
    fields.one_of("pot", number, words::pot_kind_from)
}

/// A plan to be opened.
pub fn open_plan(message: v1::OpenPlanRequest) -> Result<Opening, Violations> {
    let v1::OpenPlanRequest {
        system,
        request_id,
        person,
        ccg,
        category,
        start_date,
        co_ordinator,
        recipient,
        pots,
    } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    let person = opened_for(&mut fields, person);
    let ccg = fields.parse::<OdsCode>("ccg", &ccg);
    let category = fields.one_of("category", category, words::category_from);
    let starts = day(&mut fields, "start_date", start_date);
    let co_ordinator = fields.parse::<StaffId>("co_ordinator", &co_ordinator);
    let recipient = if recipient == 0 {
        Some(Recipient::Person)
    } else {
        fields.one_of("recipient", recipient, words::recipient_from)
    };
    let pots = pot_terms(&mut fields, pots);
    let known = (system, request_id, person, ccg, category, starts, co_ordinator, recipient, pots);
    let (system, request_id, person, ccg, category, starts, co_ordinator, recipient, pots) =
        fields.known(known)?;
    let plan = OpenPlan {
        pseudonym: Pseudonym::new([0; 16]),
        ccg,
        category,
        starts,
        co_ordinator,
        recipient,
        pots,
        reviews: ReviewRule::DEFAULT,
    };
    Ok(Opening { system, request_id, person, plan })
}

fn opened_for(fields: &mut Fields, person: Option<v1::open_plan_request::Person>) -> Option<OpenedFor> {
    match fields.required("person", person)? {
        v1::open_plan_request::Person::Pseudonym(bytes) => {
            pseudonym_field(fields, "pseudonym", &bytes).map(OpenedFor::Pseudonym)
        }
        v1::open_plan_request::Person::NhsNumber(number) => match NhsNumber::from_digits(number) {
            Ok(number) => Some(OpenedFor::Number(number)),
            Err(error) => {
                fields.refuse("nhs_number", error.reason(), error.to_string());
                None
            }
        },
    }
}

fn pot_terms(fields: &mut Fields, pots: Vec<v1::PotTerms>) -> Option<Vec<PotTerms>> {
    fields.batch("pots", pots.len(), PotKind::ALL.len())?;
    let mut terms = Vec::new();
    for (index, pot) in pots.into_iter().enumerate() {
        terms.push(fields.within_item("pots", index, |fields| one_pot(fields, pot)));
    }
    terms.into_iter().collect()
}

fn one_pot(fields: &mut Fields, pot: v1::PotTerms) -> Option<PotTerms> {
    let v1::PotTerms { kind, budget_pence, schedule, holder } = pot;
    let kind = fields.one_of("kind", kind, words::pot_kind_from);
    let budget = fields.pence_above_zero("budget_pence", budget_pence);
    let cash = kind.is_some_and(PotKind::is_cash);
    if kind.is_some() && !cash && schedule.is_some() {
        fields.refuse("schedule", "FIELD_INVALID", "only cash pots have instalments");
    }
    if kind.is_some_and(|kind| kind != PotKind::ThirdParty) && !holder.is_empty() {
        fields.refuse("holder", "FIELD_INVALID", "only a third-party pot has a holder");
    }
    let schedule = if cash {
        fields
            .required("schedule", schedule)
            .and_then(|schedule| fields.within("schedule", |fields| self::schedule(fields, schedule)))
    } else {
        None
    };
    match kind? {
        PotKind::Notional => Some(PotTerms::Notional { budget: budget? }),
        PotKind::ThirdParty => {
            let holder = fields.parse::<OdsCode>("holder", &holder);
            Some(PotTerms::ThirdParty { budget: budget?, schedule: schedule?, holder: holder? })
        }
        PotKind::DirectPayment => Some(PotTerms::DirectPayment { budget: budget?, schedule: schedule? }),
    }
}

fn schedule(fields: &mut Fields, schedule: v1::Schedule) -> Option<Schedule> {
    let v1::Schedule { frequency, first_due_date, instalment_pence } = schedule;
    let frequency = fields.one_of("frequency", frequency, words::frequency_from);
    let first_due = day(fields, "first_due_date", first_due_date);
    let instalment = fields.pence_above_zero("instalment_pence", instalment_pence);
    Some(Schedule { frequency: frequency?, first_due: first_due?, instalment: instalment? })
}

/// Another officer's yes.
pub fn approve_plan(message: v1::ApprovePlanRequest) -> Result<Asked, Violations> {
    let v1::ApprovePlanRequest { system, request_id, plan, proposal_digest } = message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let digest = fields.digest("proposal_digest", &proposal_digest);
    let command = plan.zip(digest).map(|(plan, digest)| Command::ApprovePlan(ApprovePlan { plan, digest }));
    asked(fields, &system, &request_id, command)
}

/// A stay in hospital.
pub fn suspend_plan(message: v1::SuspendPlanRequest) -> Result<Asked, Violations> {
    let v1::SuspendPlanRequest { system, request_id, plan, from_date } = message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let from = day(&mut fields, "from_date", from_date);
    let command = plan.zip(from).map(|(plan, from)| Command::SuspendPlan(SuspendPlan { plan, from }));
    asked(fields, &system, &request_id, command)
}

/// The end of one.
pub fn resume_plan(message: v1::ResumePlanRequest) -> Result<Asked, Violations> {
    let v1::ResumePlanRequest { system, request_id, plan } = message;
    let mut fields = Fields::new();
    let command = plan_id(&mut fields, &plan).map(|plan| Command::ResumePlan(ResumePlan { plan }));
    asked(fields, &system, &request_id, command)
}

/// A death.
pub fn record_death(message: v1::RecordDeathRequest) -> Result<Asked, Violations> {
    let v1::RecordDeathRequest { system, request_id, plan, death_date } = message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let died = day(&mut fields, "death_date", death_date);
    let command = plan.zip(died).map(|(plan, died)| Command::RecordDeath(RecordDeath { plan, died }));
    asked(fields, &system, &request_id, command)
}

/// The end of a plan.
pub fn close_plan(message: v1::ClosePlanRequest) -> Result<Asked, Violations> {
    let v1::ClosePlanRequest { system, request_id, plan } = message;
    let mut fields = Fields::new();
    let command = plan_id(&mut fields, &plan).map(|plan| Command::ClosePlan(ClosePlan { plan }));
    asked(fields, &system, &request_id, command)
}

/// A review.
pub fn record_review(message: v1::RecordReviewRequest) -> Result<Asked, Violations> {
    let v1::RecordReviewRequest { system, request_id, plan, held_date } = message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let held = day(&mut fields, "held_date", held_date);
    let command = plan.zip(held).map(|(plan, held)| Command::RecordReview(RecordReview { plan, held }));
    asked(fields, &system, &request_id, command)
}

/// Something bought.
pub fn record_spend(message: v1::RecordSpendRequest) -> Result<Asked, Violations> {
    let v1::RecordSpendRequest {
        system,
        request_id,
        plan,
        pot: kind,
        item,
        supplier,
        amount_pence,
        service_date,
    } = message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let kind = pot(&mut fields, kind);
    let item = fields.one_of("item", item, words::item_from);
    let supplier = fields.parse_optional::<OdsCode>("supplier", &supplier);
    let pence = amount(&mut fields, amount_pence);
    let date = day(&mut fields, "service_date", service_date);
    let command = all(plan, kind, item).zip(all(supplier, pence, date)).map(|((plan, pot, item), rest)| {
        let (supplier, pence, date) = rest;
        Command::RecordSpend(RecordSpend { plan, pot, item, supplier, pence, date })
    });
    asked(fields, &system, &request_id, command)
}

/// A service to come.
pub fn book_service(message: v1::BookServiceRequest) -> Result<Asked, Violations> {
    let v1::BookServiceRequest { system, request_id, plan, item, supplier, amount_pence, service_date } =
        message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let item = fields.one_of("item", item, words::item_from);
    let supplier = fields.parse::<OdsCode>("supplier", &supplier);
    let pence = amount(&mut fields, amount_pence);
    let date = day(&mut fields, "service_date", service_date);
    let command =
        all(plan, item, supplier).zip(pence.zip(date)).map(|((plan, item, supplier), (pence, date))| {
            Command::BookService(BookService { plan, item, supplier, pence, date })
        });
    asked(fields, &system, &request_id, command)
}

/// A service that came.
pub fn record_delivery(message: v1::RecordDeliveryRequest) -> Result<Asked, Violations> {
    let v1::RecordDeliveryRequest { system, request_id, booking, amount_pence, delivery_date } = message;
    let mut fields = Fields::new();
    let pence = amount(&mut fields, amount_pence);
    let delivered = day(&mut fields, "delivery_date", delivery_date);
    let booking = Position::new(booking);
    let command = pence
        .zip(delivered)
        .map(|(pence, delivered)| Command::RecordDelivery(RecordDelivery { booking, pence, delivered }));
    asked(fields, &system, &request_id, command)
}

/// A service that will not come.
pub fn cancel_booking(message: v1::CancelBookingRequest) -> Result<Asked, Violations> {
    let v1::CancelBookingRequest { system, request_id, booking } = message;
    let command = Command::CancelBooking(CancelBooking { booking: Position::new(booking) });
    asked(Fields::new(), &system, &request_id, Some(command))
}

/// A period of care.
pub fn record_care_period(message: v1::RecordCarePeriodRequest) -> Result<Asked, Violations> {
    let v1::RecordCarePeriodRequest { system, request_id, plan, pot: kind, from_date, to_date, amount_pence } =
        message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let kind = pot(&mut fields, kind);
    let from = day(&mut fields, "from_date", from_date);
    let to = day(&mut fields, "to_date", to_date);
    let pence = amount(&mut fields, amount_pence);
    let command = plan.zip(kind).zip(all(from, to, pence)).map(|((plan, pot), (from, to, pence))| {
        Command::RecordCarePeriod(RecordCarePeriod { plan, pot, from, to, pence })
    });
    asked(fields, &system, &request_id, command)
}

/// Money returned unasked.
pub fn record_return(message: v1::RecordReturnRequest) -> Result<Asked, Violations> {
    let v1::RecordReturnRequest { system, request_id, plan, amount_pence, receive_date } = message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let pence = amount(&mut fields, amount_pence);
    let received = day(&mut fields, "receive_date", receive_date);
    let command = all(plan, pence, received)
        .map(|(plan, pence, received)| Command::RecordReturn(RecordReturn { plan, pence, received }));
    asked(fields, &system, &request_id, command)
}

/// Money asked back.
pub fn decide_reclaim(message: v1::DecideReclaimRequest) -> Result<Asked, Violations> {
    let v1::DecideReclaimRequest { system, request_id, plan, pot: kind, amount_pence, reason, deadline_date } =
        message;
    let mut fields = Fields::new();
    let plan = plan_id(&mut fields, &plan);
    let kind = pot(&mut fields, kind);
    let pence = amount(&mut fields, amount_pence);
    let reason = fields.one_of("reason", reason, words::reason_from);
    let deadline = day(&mut fields, "deadline_date", deadline_date);
    let command =
        plan.zip(kind).zip(all(pence, reason, deadline)).map(|((plan, pot), (pence, reason, deadline))| {
            Command::DecideReclaim(DecideReclaim { plan, pot, pence, reason, deadline })
        });
    asked(fields, &system, &request_id, command)
}

/// Money that came back.
pub fn record_reclaim_receipt(message: v1::RecordReclaimReceiptRequest) -> Result<Asked, Violations> {
    let v1::RecordReclaimReceiptRequest { system, request_id, reclaim, amount_pence, receive_date } = message;
    let mut fields = Fields::new();
    let pence = amount(&mut fields, amount_pence);
    let received = day(&mut fields, "receive_date", receive_date);
    let reclaim = Position::new(reclaim);
    let command = pence
        .zip(received)
        .map(|(pence, received)| Command::RecordReceipt(RecordReceipt { reclaim, pence, received }));
    asked(fields, &system, &request_id, command)
}

/// Giving up what is due back.
pub fn propose_write_off(message: v1::ProposeWriteOffRequest) -> Result<Asked, Violations> {
    let v1::ProposeWriteOffRequest { system, request_id, reclaim } = message;
    let command = Command::ProposeWriteOff(ProposeWriteOff { reclaim: Position::new(reclaim) });
    asked(Fields::new(), &system, &request_id, Some(command))
}

/// Another person's yes to it.
pub fn approve_write_off(message: v1::ApproveWriteOffRequest) -> Result<Asked, Violations> {
    let v1::ApproveWriteOffRequest { system, request_id, reclaim, write_off_digest } = message;
    let mut fields = Fields::new();
    let digest = fields.digest("write_off_digest", &write_off_digest);
    let reclaim = Position::new(reclaim);
    let command = digest.map(|digest| Command::ApproveWriteOff(ApproveWriteOff { reclaim, digest }));
    asked(fields, &system, &request_id, command)
}

/// A plan to be read.
pub fn get_plan(
    message: v1::GetPlanRequest,
) -> Result<(SystemName, PlanNumber, Option<Position>), Violations> {
    let v1::GetPlanRequest { system, plan, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let plan = plan_id(&mut fields, &plan);
    let (system, plan) = fields.known((system, plan))?;
    Ok((system, plan, min_position.map(Position::new)))
}

/// A spend to be read.
pub fn get_spend(
    message: v1::GetSpendRequest,
) -> Result<(SystemName, Position, Option<Position>), Violations> {
    let v1::GetSpendRequest { system, record, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let (system,) = fields.known((system,))?;
    Ok((system, Position::new(record), min_position.map(Position::new)))
}

/// A listing.
#[derive(Debug)]
pub struct List<F> {
    /// Whose journal.
    pub system: SystemName,
    /// Which items.
    pub filter: F,
    /// Which page.
    pub page: Page,
    /// The least that the answer must have seen.
    pub min_position: Option<Position>,
}

/// Which plans are listed.
#[derive(Debug, Clone, Copy)]
pub struct PlanFilter {
    /// Of one payer only.
    pub ccg: Option<OdsCode>,
    /// In one state only.
    pub state: Option<PlanState>,
}

/// Plans, by payer and state.
pub fn list_plans(key: &PageKey, message: v1::ListPlansRequest) -> Result<List<PlanFilter>, Violations> {
    let filter = v1::ListPlansRequest { page: None, min_position: None, ..message.clone() };
    let v1::ListPlansRequest { system, ccg, state, page, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let ccg = fields.parse_optional::<OdsCode>("ccg", &ccg);
    let state =
        if state == 0 { Some(None) } else { fields.one_of("state", state, words::plan_state_from).map(Some) };
    let page = key.page(&mut fields, "page", page, &filter);
    let (system, ccg, state, page) = fields.known((system, ccg, state, page))?;
    Ok(List {
        system,
        filter: PlanFilter { ccg, state },
        page,
        min_position: min_position.map(Position::new),
    })
}

/// Spends, by plan.
pub fn list_spends(
    key: &PageKey,
    message: v1::ListSpendsRequest,
) -> Result<List<Option<PlanNumber>>, Violations> {
    let filter = v1::ListSpendsRequest { page: None, min_position: None, ..message.clone() };
    let v1::ListSpendsRequest { system, plan, page, min_position } = message;
    by_plan(key, (&system, &plan), page, min_position, &filter)
}

/// Reclaims, by plan.
pub fn list_reclaims(
    key: &PageKey,
    message: v1::ListReclaimsRequest,
) -> Result<List<Option<PlanNumber>>, Violations> {
    let filter = v1::ListReclaimsRequest { page: None, min_position: None, ..message.clone() };
    let v1::ListReclaimsRequest { system, plan, page, min_position } = message;
    by_plan(key, (&system, &plan), page, min_position, &filter)
}

fn by_plan(
    key: &PageKey,
    (system, plan): (&str, &str),
    page: Option<PageRequest>,
    min_position: Option<u64>,
    filter: &impl prost::Message,
) -> Result<List<Option<PlanNumber>>, Violations> {
    let mut fields = Fields::new();
    let system = fields.system("system", system);
    let plan = fields.parse_optional::<PlanNumber>("plan", plan);
    let page = key.page(&mut fields, "page", page, filter);
    let (system, plan, page) = fields.known((system, plan, page))?;
    Ok(List { system, filter: plan, page, min_position: min_position.map(Position::new) })
}

/// Reviews due.
#[derive(Debug)]
pub struct ReviewsDue {
    /// Whose journal.
    pub system: SystemName,
    /// By when; by default the business date.
    pub by: Option<Day>,
    /// The least that the answer must have seen.
    pub min_position: Option<Position>,
}

/// Reviews due.
pub fn list_reviews_due(message: v1::ListReviewsDueRequest) -> Result<ReviewsDue, Violations> {
    let v1::ListReviewsDueRequest { system, by_date, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let by = fields.date_optional("by_date", by_date);
    let (system, by) = fields.known((system, by))?;
    Ok(ReviewsDue { system, by: by.map(Day::from), min_position: min_position.map(Position::new) })
}

/// Totals.
#[derive(Debug)]
pub struct Totals {
    /// Whose journal.
    pub system: SystemName,
    /// Of one payer only.
    pub ccg: Option<OdsCode>,
    /// The least that the answer must have seen.
    pub min_position: Option<Position>,
}

/// Totals.
pub fn get_totals(message: v1::GetTotalsRequest) -> Result<Totals, Violations> {
    let v1::GetTotalsRequest { system, ccg, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let ccg = fields.parse_optional::<OdsCode>("ccg", &ccg);
    let (system, ccg) = fields.known((system, ccg))?;
    Ok(Totals { system, ccg, min_position: min_position.map(Position::new) })
}

fn all<A, B, C>(a: Option<A>, b: Option<B>, c: Option<C>) -> Option<(A, B, C)> {
    Some((a?, b?, c?))
}
