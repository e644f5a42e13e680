//! Answers and readings as messages.

use crate::common;
use journal::{Digest, Position};
use money::{NetPence, Pence, TotalPence};
use proto::referrals::v1;
use reference::{Cut, Stage};
use referrals::{
    ActivityLine, Answer, Care, LineAnswered, Matched, Mechanism, Reasons, Referral, ReferralState,
    SealedTotal, Source, Standing, SubmitUnreadable, Total, UnreadableAnswered, UnreadableLine, Verdict,
    WithdrawLine,
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

/// A referral.
#[must_use]
pub fn referral(number: Position, row: &Referral) -> v1::Referral {
    let source = match row.source {
        None => v1::ReferralSource::Unspecified,
        Some(Source::Gp) => v1::ReferralSource::Gp,
        Some(Source::Other) => v1::ReferralSource::Other,
    };
    let state = match row.state {
        ReferralState::Open => v1::ReferralState::Open,
        ReferralState::Discharged => v1::ReferralState::Discharged,
        ReferralState::Cancelled => v1::ReferralState::Cancelled,
        ReferralState::Expired => v1::ReferralState::Expired,
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
        state: state.into(),
        implied: row.is_implied(),
        held_pence: row.held.get(),
        hold_left_pence: row.left.get(),
        hold_until: (!row.held.is_zero()).then(|| common::day(row.until)),
        lines: row.lines,
    }
}
