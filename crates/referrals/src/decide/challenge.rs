//! Challenges: raised, answered, concluded, and what each does to the line's money.

use super::{one, submission::in_force};
use crate::{
    AnswerChallenge, Books, CLAIMED_MAX, Challenge, ChallengeMoved, ChallengeRaised, ChallengeState,
    ConcludeChallenge, Conclusion, Event, Ground, RaiseChallenge, Refusal, SetChallengeRules, Split,
    Standing, State,
};
use journal::{Day, Events, Moment};
use money::Pence;
use nhs::{OdsCode, Period};
use reference::Reference;

pub(super) fn set_rules(state: &State, rules: &SetChallengeRules) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    if rules.provider.is_some_and(|provider| reference.organisation(provider).is_none()) {
        return Err(Refusal::ProviderUnknown);
    }
    Ok(one(Event::ChallengeRulesSet))
}

pub(super) fn raise(state: &State, at: &Moment, raise: &RaiseChallenge) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    let key = state.key_of(raise.provider, &raise.cds_identifier, raise.tag);
    let before = state.standing(&key).ok_or(Refusal::LineUnknown)?;
    if before.position != raise.line {
        return Err(Refusal::LineSuperseded);
    }
    if state.open_challenge(&key).is_some() {
        return Err(Refusal::ChallengeOpen);
    }
    let rules = state.challenge_rules(raise.provider, before.date);
    if is_late(reference, &rules, before.date, at.business_date) {
        return Err(Refusal::ChallengeLate);
    }
    let most = contestable(&before);
    let amount = raise.amount.unwrap_or(most);
    if amount > most || (before.books == Books::Contested && amount != most) {
        return Err(Refusal::ChallengeAmount);
    }
    let after = withheld(&before, amount)?;
    Ok(one(Event::ChallengeRaised(ChallengeRaised {
        before,
        after,
        amount,
        answer_by: reference.working_days_after(at.business_date, rules.answer_days),
        percent: raise.percent.unwrap_or(rules.percent).min(100),
    })))
}

/// Whether the time to challenge a month's lines has passed. Without a calendar nothing is too late.
fn is_late(reference: &Reference, rules: &SetChallengeRules, date: Day, today: Day) -> bool {
    let deadlines = Period::of(date.date()).ok().and_then(|period| reference.deadlines(period));
    deadlines.is_some_and(|row| reference.working_days_after(row.freeze, rules.raise_days) < today)
}

/// The most of a line that can be challenged: what is owed or recognised of it; of one contested on receipt, what is held.
/// A line that stands in no account is challenged at nothing: what is said of it is all there is.
fn contestable(line: &Standing) -> Pence {
    let Split { kept, contested } = line.division();
    match line.books {
        Books::Payable | Books::Recognised => kept,
        Books::Contested => contested,
        Books::Nowhere => Pence::ZERO,
    }
}

/// The line with `amount` withheld: of what is owed. What is recognised on account was paid before, and is withheld nowhere.
fn withheld(before: &Standing, amount: Pence) -> Result<Standing, Refusal> {
    let Split { kept, contested } = before.division();
    if before.books != Books::Payable {
        return Ok(*before);
    }
    let kept = kept.checked_sub(amount).ok_or(Refusal::ChallengeAmount)?;
    let contested = contested.checked_add(amount).map_err(|_| Refusal::ChallengeAmount)?;
    Ok(Standing { split: Some(Split { kept, contested }), ..*before })
}

fn open(state: &State, number: journal::Position) -> Result<&Challenge, Refusal> {
    let challenge = state.challenges.get(&number).ok_or(Refusal::ChallengeUnknown)?;
    if challenge.state.is_open() { Ok(challenge) } else { Err(Refusal::ChallengeEnded) }
}

pub(super) fn answer(state: &State, answer: &AnswerChallenge) -> Result<Events<Event>, Refusal> {
    let challenge = open(state, answer.challenge)?;
    if challenge.state == ChallengeState::Escalated {
        return Err(Refusal::ChallengeEscalated);
    }
    if answer.conceded > challenge.amount || answer.conceded > CLAIMED_MAX {
        return Err(Refusal::ChallengeAmount);
    }
    Ok(one(Event::ChallengeAnswered))
}

pub(super) fn conclude(
    state: &State,
    at: &Moment,
    conclude: &ConcludeChallenge,
) -> Result<Events<Event>, Refusal> {
    let challenge = open(state, conclude.challenge)?;
    let key = state.key_of(challenge.provider, &challenge.cds_identifier, challenge.tag);
    let before = state.standing(&key).ok_or(Refusal::LineUnknown)?;
    let upheld = match conclude.conclusion {
        Conclusion::Withdrawn => Pence::ZERO,
        Conclusion::Escalated => {
            let overdue = challenge.answer_by < at.business_date;
            return match challenge.state {
                ChallengeState::Answered => Ok(one(Event::ChallengeEscalated)),
                ChallengeState::Raised if overdue => Ok(one(Event::ChallengeEscalated)),
                ChallengeState::Escalated => Err(Refusal::ChallengeEscalated),
                ChallengeState::Raised
                | ChallengeState::Agreed
                | ChallengeState::Withdrawn
                | ChallengeState::Unpayable
                | ChallengeState::Superseded => Err(Refusal::ChallengeUnanswered),
            };
        }
        Conclusion::Agreed(upheld) => {
            // What the provider has not conceded is agreed by the dispute process only.
            let most = match (challenge.state, challenge.conceded) {
                (ChallengeState::Escalated, _) => challenge.amount,
                (_, Some(conceded)) => conceded,
                (_, None) => return Err(Refusal::ChallengeUnanswered),
            };
            if upheld > most {
                return Err(Refusal::NotConceded);
            }
            upheld
        }
        Conclusion::Unpayable => {
            unpayable(state, challenge, at.business_date, before.date)?;
            challenge.amount
        }
    };
    let after = concluded(&before, challenge.amount, upheld)?;
    Ok(one(Event::ChallengeConcluded(ChallengeMoved { before, after, upheld })))
}

/// Whether a line that SUS does not have is owed nothing: its month is frozen and SUS prevails.
fn unpayable(state: &State, challenge: &Challenge, today: Day, date: Day) -> Result<(), Refusal> {
    let reference = &in_force(state)?.reference;
    let rules = state.challenge_rules(challenge.provider, date);
    let deadlines = Period::of(date.date()).ok().and_then(|period| reference.deadlines(period));
    let frozen = deadlines.is_some_and(|row| row.freeze < today);
    let prevails = rules.sus_prevails && challenge.grounds.contains(Ground::NotInSus);
    if frozen && prevails { Ok(()) } else { Err(Refusal::SusDoesNotPrevail) }
}

/// The line with a challenge of `amount` taken off it: `upheld` is owed no more, the rest is.
fn concluded(before: &Standing, amount: Pence, upheld: Pence) -> Result<Standing, Refusal> {
    let Split { kept, contested } = before.division();
    let rest = amount.checked_sub(upheld).ok_or(Refusal::ChallengeAmount)?;
    let split = match before.books {
        Books::Nowhere => return Ok(*before),
        Books::Payable | Books::Contested => Split {
            kept: kept.checked_add(rest).map_err(|_| Refusal::ChallengeAmount)?,
            contested: contested.checked_sub(amount).ok_or(Refusal::ChallengeAmount)?,
        },
        Books::Recognised => {
            Split { kept: kept.checked_sub(upheld).ok_or(Refusal::ChallengeAmount)?, contested }
        }
    };
    Ok(Standing { split: Some(split), ..*before })
}

impl State {
    /// The rules that govern a provider's activity of `date`: its own that began last by then, else everybody's, else the
    /// default.
    pub(crate) fn challenge_rules(&self, provider: OdsCode, date: Day) -> SetChallengeRules {
        let latest = |of: Option<OdsCode>| {
            let began = self.challenge_rules.range((of, Day::new(i32::MIN))..=(of, date));
            began.map(|(_, rules)| *rules).next_back()
        };
        latest(Some(provider))
            .or_else(|| latest(None))
            .unwrap_or_else(|| SetChallengeRules::default_from(date))
    }
}
