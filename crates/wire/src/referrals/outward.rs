//! Answers and readings as messages.

use crate::common;
use journal::{Digest, Position};
use money::{NetPence, Pence, TotalPence};
use proto::referrals::v1;
use reference::{Cut, Stage};
use referrals::{
    ActivityLine, Answer, Care, Clock, Grade, Life, LineAnswered, Matched, Mechanism, Move, MoveReferral,
    NoChoice, Reasons, RecordReferral, Referral, ReferralState, SealedTotal, Source, Stage as Stage_,
    Standing, Stop, SubmitUnreadable, Total, UnreadableAnswered, UnreadableLine, Verdict, WithdrawLine,
};

/// Reasons or notes. Most lines have none, and then nothing is allocated.
#[must_use]
pub fn findings(reasons: Reasons) -> Vec<v1::Finding> {
    if reasons.is_empty() {
        return Vec::new();
    }
    reasons
        .iter()
        .map(|reason| v1::Finding { code: reason.code().to_owned(), field: reason.field().to_owned() })
        .collect()
}

/// What became of a line.
#[must_use]
pub const fn answer(answer: &Answer) -> v1::Answer {
    match answer {
        Answer::Accepted(_) => v1::Answer::Accepted,
        Answer::Contested => v1::Answer::Contested,
        Answer::Unreadable => v1::Answer::Unreadable,
    }
}

/// What is accepted.
fn accepted(answer: &Answer) -> i64 {
    match answer {
        Answer::Accepted(Some(priced)) => priced.price.get(),
        Answer::Accepted(None) | Answer::Contested | Answer::Unreadable => 0,
    }
}

/// The answer to one line; without a place in the journal when it was only validated.
#[must_use]
pub fn line_answer(
    row: u64,
    answered: &LineAnswered,
    recorded: Option<(Position, Digest)>,
    replayed: bool,
) -> v1::LineAnswer {
    v1::LineAnswer {
        row,
        answer: answer(&answered.answer).into(),
        position: recorded.map(|(position, _)| position.get()),
        price_pence: accepted(&answered.answer),
        findings: findings(answered.reasons),
        replayed,
        leaf_hash: recorded.map_or_else(Vec::new, |(_, leaf)| common::digest(leaf)),
    }
}

/// A cut.
#[must_use]
pub fn cut(cut: Cut) -> v1::Cut {
    let stage = match cut.stage {
        Stage::Flex => v1::CutStage::Flex,
        Stage::Freeze => v1::CutStage::Freeze,
    };
    v1::Cut { period: cut.period.to_string(), stage: stage.into() }
}

/// How accepted activity becomes money.
#[must_use]
pub const fn mechanism(mechanism: Option<Mechanism>) -> v1::PaymentMechanism {
    match mechanism {
        None => v1::PaymentMechanism::Unspecified,
        Some(Mechanism::CostPerCase) => v1::PaymentMechanism::CostPerCase,
        Some(Mechanism::OnAccount) => v1::PaymentMechanism::OnAccount,
        Some(Mechanism::Block) => v1::PaymentMechanism::Block,
        Some(Mechanism::Plan) => v1::PaymentMechanism::Plan,
        Some(Mechanism::NonContract) => v1::PaymentMechanism::NonContract,
    }
}

fn base(position: Position, answered: &LineAnswered) -> v1::Line {
    v1::Line {
        position: position.get(),
        answer: answer(&answered.answer).into(),
        findings: findings(answered.reasons),
        accepted_pence: accepted(&answered.answer),
        payer: answered.payer.map(|payer| payer.to_string()).unwrap_or_default(),
        payee: answered.route.map(|route| route.payee.to_string()).unwrap_or_default(),
        mechanism: mechanism(answered.route.map(|route| route.mechanism)).into(),
        cut: answered.cut.map(cut),
        version: answered.version,
        supersedes: answered.supersedes.map(|old| old.position.get()),
        referral: answered.referral.map(|matched| match matched {
            Matched::To(referral) => referral.get(),
            Matched::Implied => position.get(),
        }),
        referral_match: answered.grade.map_or(v1::ReferralMatch::Unspecified, grade).into(),
        ..v1::Line::default()
    }
}

/// A readable line as its record holds it, without price steps.
#[must_use]
pub fn line(position: Position, line: &ActivityLine, answered: &LineAnswered) -> v1::Line {
    v1::Line {
        provider: line.provider.to_string(),
        cds_identifier: line.cds_identifier.to_string(),
        submission: line.submission.get(),
        row: line.row,
        pseudonym: line.pseudonym.to_string(),
        site: line.site.to_string(),
        treatment_function: line.function.to_string(),
        point_of_delivery: line.pod.to_string(),
        hrg: line.hrg.map(|hrg| hrg.to_string()).unwrap_or_default(),
        activity_date: Some(common::day(line.date())),
        claimed_pence: line.claimed.get(),
        ..base(position, answered)
    }
}

/// An unreadable line as its record holds it.
#[must_use]
pub fn unreadable(position: Position, line: &SubmitUnreadable, answered: &LineAnswered) -> v1::Line {
    v1::Line {
        provider: line.provider.to_string(),
        cds_identifier: line.cds_identifier.map(|name| name.to_string()).unwrap_or_default(),
        submission: line.submission.get(),
        row: line.row,
        claimed_pence: line.claimed.map_or(0, Pence::get),
        ..base(position, answered)
    }
}

/// An unreadable line as a record without its text holds it: its submission and row say where its sender finds it.
#[must_use]
pub fn textless(position: Position, line: &UnreadableLine, answered: &UnreadableAnswered) -> v1::Line {
    v1::Line {
        provider: line.provider.to_string(),
        submission: line.submission.get(),
        row: line.row,
        claimed_pence: line.claimed.map_or(0, Pence::get),
        supersedes: answered.supersedes.map(Position::get),
        ..base(position, &answered.in_full(None))
    }
}

/// A version that another one replaced.
#[must_use]
pub fn superseded(cds_identifier: String, old: &Standing) -> v1::LineSuperseded {
    v1::LineSuperseded {
        cds_identifier,
        position: old.position.get(),
        accepted_pence: of_verdict(old.verdict),
    }
}

/// A line that was withdrawn.
#[must_use]
pub fn withdrawn(line: &WithdrawLine, old: &Standing) -> v1::LineWithdrawn {
    v1::LineWithdrawn {
        cds_identifier: line.cds_identifier.to_string(),
        position: old.position.get(),
        accepted_pence: of_verdict(old.verdict),
    }
}

const fn of_verdict(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Accepted(amount) => amount.get(),
        Verdict::Contested | Verdict::Unreadable => 0,
    }
}

/// How a line's price was reached, step by step.
#[must_use]
pub fn steps(line: &ActivityLine, answered: &LineAnswered) -> Vec<v1::PriceStep> {
    let Answer::Accepted(Some(priced)) = &answered.answer else { return Vec::new() };
    let mut steps: Vec<_> = tariff::explain(priced, line.date().date()).into_iter().map(price_step).collect();
    if let Care::Admitted { excluded_days: days @ 1.., .. } = line.care {
        let text = format!("{days} days are paid for in another way and not counted towards a long stay.");
        steps.insert(0, v1::PriceStep { code: "EXCLUDED_DAYS".to_owned(), text, ..Default::default() });
    }
    steps
}

/// One step on the way to a price.
#[must_use]
pub fn price_step(step: tariff::Step) -> v1::PriceStep {
    let tariff::Step { rule, text, figures, amount } = step;
    let figure = |figure: tariff::Figure| {
        let tariff::Figure { value, table, row, column, year } = figure;
        let financial_year = year.map(|year| year.to_string()).unwrap_or_default();
        v1::PriceFigure { value, table, row, column: column.to_owned(), financial_year }
    };
    v1::PriceStep {
        code: rule.code().to_owned(),
        text,
        amount: amount.unwrap_or_default(),
        figures: figures.into_iter().map(figure).collect(),
    }
}

/// A total that may leave 64 bits only after 92 million of the largest claims: shown as the nearest end.
#[must_use]
pub fn total(total: TotalPence) -> i64 {
    let nearest = NetPence::new(if total.get() < 0 { i64::MIN } else { i64::MAX });
    total.to_net().unwrap_or(nearest).get()
}

/// Totals of one provider, payer and cut.
#[must_use]
pub fn activity_total(
    provider: String,
    payer: String,
    cut_: Option<Cut>,
    sum: &Total,
    reasons: Vec<v1::ReasonCount>,
    matches: Vec<v1::MatchCount>,
) -> v1::ActivityTotal {
    v1::ActivityTotal {
        provider,
        payer,
        cut: cut_.map(cut),
        accepted_lines: sum.accepted_lines,
        contested_lines: sum.contested_lines,
        unreadable_lines: sum.unreadable_lines,
        claimed_pence: total(sum.claimed),
        accepted_pence: total(sum.accepted),
        price_difference_pence: total(sum.difference),
        contested_pence: total(sum.contested),
        unreadable_pence: total(sum.unreadable),
        reasons,
        payable_pence: total(sum.payable),
        recognised_pence: total(sum.recognised),
        block_pence: total(sum.block),
        held_pence: total(sum.held),
        matches,
    }
}

/// One payer's and payee's part of a cut.
#[must_use]
pub fn cut_total(row: &SealedTotal) -> v1::CutTotal {
    let SealedTotal { payer, payee, lines, payable, recognised, block, contested } = row;
    v1::CutTotal {
        payer: payer.to_string(),
        payee: payee.to_string(),
        lines: *lines,
        payable_pence: payable.get(),
        recognised_pence: recognised.get(),
        block_pence: block.get(),
        contested_pence: contested.get(),
    }
}

/// How surely a line was matched to a referral.
#[must_use]
pub const fn grade(grade: Grade) -> v1::ReferralMatch {
    match grade {
        Grade::Ubrn => v1::ReferralMatch::Ubrn,
        Grade::Pathway => v1::ReferralMatch::Pathway,
        Grade::Patient => v1::ReferralMatch::Patient,
        Grade::None => v1::ReferralMatch::None,
    }
}

/// Where a referral stands in its life.
#[must_use]
pub const fn stage(stage: Stage_) -> v1::ReferralStage {
    match stage {
        Stage_::Recorded => v1::ReferralStage::Recorded,
        Stage_::Accepted => v1::ReferralStage::Accepted,
        Stage_::Booked => v1::ReferralStage::Booked,
        Stage_::NotAttended => v1::ReferralStage::NotAttended,
        Stage_::Attended => v1::ReferralStage::Attended,
        Stage_::Listed => v1::ReferralStage::Listed,
        Stage_::Treated => v1::ReferralStage::Treated,
        Stage_::Monitored => v1::ReferralStage::Monitored,
        Stage_::NotTreated => v1::ReferralStage::NotTreated,
        Stage_::Returned => v1::ReferralStage::Returned,
        Stage_::Discharged => v1::ReferralStage::Discharged,
        Stage_::Cancelled => v1::ReferralStage::Cancelled,
    }
}

/// A clock of waiting time.
#[must_use]
pub fn clock(clock: &Clock) -> v1::WaitingClock {
    use v1::waiting_clock::Stop as Why;
    let stop = match clock.stopped.map(|(_, why)| why) {
        None => Why::Unspecified,
        Some(Stop::Treated) => Why::Treated,
        Some(Stop::MonitoredByPatient) => Why::MonitoredByPatient,
        Some(Stop::MonitoredByProfessional) => Why::MonitoredByProfessional,
        Some(Stop::NotAttended) => Why::NotAttended,
        Some(Stop::NotTreated) => Why::NotTreated,
        Some(Stop::Declined) => Why::Declined,
        Some(Stop::Event) => Why::Event,
    };
    v1::WaitingClock {
        start_date: Some(common::day(clock.started)),
        stop_date: clock.stopped.map(|(day, _)| common::day(day)),
        stop: stop.into(),
    }
}

/// The evidence of choice.
#[must_use]
pub fn choice(referral: &RecordReferral) -> v1::ReferralChoice {
    let no_choice = match referral.no_choice {
        None => v1::NoChoiceReason::Unspecified,
        Some(NoChoice::Urgent) => v1::NoChoiceReason::Urgent,
        Some(NoChoice::Maternity) => v1::NoChoiceReason::Maternity,
        Some(NoChoice::Detained) => v1::NoChoiceReason::Detained,
        Some(NoChoice::ArmedForces) => v1::NoChoiceReason::ArmedForces,
        Some(NoChoice::PatientAskedReferrer) => v1::NoChoiceReason::PatientAskedReferrer,
        Some(NoChoice::OneProvider) => v1::NoChoiceReason::OneProvider,
    };
    v1::ReferralChoice {
        offered: referral.offered.iter().map(ToString::to_string).collect(),
        provider: referral.provider.to_string(),
        site: referral.site.map(|site| site.to_string()).unwrap_or_default(),
        no_choice_reason: no_choice.into(),
        practice: referral.practice.to_string(),
        referred_on: Some(common::day(referral.referred)),
    }
}

/// A move.
#[must_use]
pub fn moved(ask: &MoveReferral) -> v1::ReferralMoved {
    use v1::referral_move::Kind;
    let mut message = v1::ReferralMove::default();
    let kind = match ask.what {
        Move::Accepted => Kind::Accepted,
        Move::Returned => Kind::Returned,
        Move::Booked { day } => {
            message.booked_date = Some(common::day(day));
            Kind::Booked
        }
        Move::Attended => Kind::Attended,
        Move::NotAttended => Kind::NotAttended,
        Move::Listed { hrg, classification } => {
            message.hrg = hrg.to_string();
            message.patient_classification = classification.to_string();
            Kind::Listed
        }
        Move::Treated => Kind::Treated,
        Move::Monitored { by_patient: true } => Kind::MonitoredByPatient,
        Move::Monitored { by_patient: false } => Kind::MonitoredByProfessional,
        Move::Resumed => Kind::Resumed,
        Move::NotTreated => Kind::NotTreated,
        Move::Declined => Kind::Declined,
        Move::Transferred { provider, site } => {
            message.provider = provider.to_string();
            message.site = site.map(|site| site.to_string()).unwrap_or_default();
            Kind::Transferred
        }
        Move::Discharged => Kind::Discharged,
        Move::Cancelled => Kind::Cancelled,
    };
    message.kind = kind.into();
    v1::ReferralMoved { r#move: Some(message), on_date: Some(common::day(ask.on)) }
}

/// What is held for a referral.
#[must_use]
pub fn hold(row: &Referral) -> v1::ReferralHold {
    v1::ReferralHold {
        held_pence: row.held.get(),
        left_pence: row.left.get(),
        until_date: (!row.held.is_zero()).then(|| common::day(row.until)),
    }
}

/// How a referral ended.
#[must_use]
pub const fn state(state: ReferralState) -> v1::ReferralState {
    match state {
        ReferralState::Open => v1::ReferralState::Open,
        ReferralState::Discharged => v1::ReferralState::Discharged,
        ReferralState::Cancelled => v1::ReferralState::Cancelled,
        ReferralState::Expired => v1::ReferralState::Expired,
    }
}

/// A referral.
#[must_use]
pub fn referral(number: Position, row: &Referral, life: Option<&Life>) -> v1::Referral {
    let source = match row.source {
        None => v1::ReferralSource::Unspecified,
        Some(Source::Gp) => v1::ReferralSource::Gp,
        Some(Source::Other) => v1::ReferralSource::Other,
    };
    v1::Referral {
        position: number.get(),
        pseudonym: row.pseudonym.to_string(),
        ubrn: row.ubrn().map(|ubrn| ubrn.to_string()).unwrap_or_default(),
        treatment_function: row.function.to_string(),
        source: source.into(),
        referred_on: Some(common::day(row.referred)),
        provider: row.provider.to_string(),
        payer: row.route.map(|route| route.payer.to_string()).unwrap_or_default(),
        state: state(row.state).into(),
        implied: row.is_implied(),
        lines: row.lines,
        stage: life.map_or(v1::ReferralStage::Unspecified, |life| stage(life.stage)).into(),
    }
}
