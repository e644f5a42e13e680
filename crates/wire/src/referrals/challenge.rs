//! Challenges and their rules as messages.

use crate::{Fields, common};
use journal::{Day, Position};
use nhs::NhsNumber;
use proto::referrals::v1;
use referrals::{Challenge, ChallengeState, Conclusion, Ground, Grounds, SetChallengeRules};

/// The most bytes of what is said in a thread.
const TEXT_BYTES_MAX: usize = 500;

/// The most operational days of a rule: a year of them.
const DAYS_MAX: u32 = 250;

/// Grounds by their codes; by hand when none is named.
#[must_use]
pub fn grounds(path: &str, codes: &[String], fields: &mut Fields) -> Option<Grounds> {
    if codes.is_empty() {
        return Some(Grounds::NONE.with(Ground::Manual));
    }
    each_ground(path, codes, fields)
}

fn each_ground(path: &str, codes: &[String], fields: &mut Fields) -> Option<Grounds> {
    let mut grounds = Grounds::NONE;
    let mut good = true;
    for (at, code) in codes.iter().enumerate() {
        match Ground::ALL.iter().find(|ground| ground.code() == code) {
            Some(ground) => grounds = grounds.with(*ground),
            None => {
                good = false;
                let text = "it is none of the grounds that this server knows";
                fields.refuse(&format!("{path}[{at}]"), "FIELD_INVALID", text);
            }
        }
    }
    good.then_some(grounds)
}

/// Hundredths.
#[must_use]
pub fn percent(path: &str, percent: u32, fields: &mut Fields) -> Option<u8> {
    let found = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
    if found.is_none() {
        fields.refuse(path, "FIELD_INVALID", "it must be 0 to 100");
    }
    found
}

/// What is said in a thread: short, and without what may be an NHS number.
#[must_use]
pub fn thread_text(path: &str, text: &str, fields: &mut Fields) -> Option<String> {
    let text = fields.text_optional(path, text, TEXT_BYTES_MAX)?;
    if holds_nhs_number(text) {
        let why = "it holds what may be an NHS number: name the line by its CDS identifier instead";
        fields.refuse(path, "TEXT_HOLDS_NHS_NUMBER", why);
        return None;
    }
    Some(text.to_owned())
}

/// Whether a word of ten digits, or three words of three, three and four, pass as an NHS number. Words with letters in them
/// are identifiers of other kinds.
fn holds_nhs_number(text: &str) -> bool {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let digits = |word: &str, length: usize| word.len() == length && word.bytes().all(|b| b.is_ascii_digit());
    let passes = |text: &str| text.parse::<NhsNumber>().is_ok();
    let whole = words.iter().any(|word| digits(word, 10) && passes(word));
    let parted = words.windows(3).any(|three| match three {
        [a, b, c] => digits(a, 3) && digits(b, 3) && digits(c, 4) && passes(&[*a, *b, *c].concat()),
        _ => false,
    });
    whole || parted
}

/// Rules.
#[must_use]
pub fn rules(message: &v1::ChallengeRules, fields: &mut Fields) -> Option<SetChallengeRules> {
    let v1::ChallengeRules {
        provider,
        from_date,
        grounds,
        answer_days,
        raise_days,
        sus_prevails,
        percent: chance,
    } = message;
    let provider = fields.parse_optional("provider", provider);
    let from = fields.date("from_date", *from_date);
    let grounds = each_ground("grounds", grounds, fields);
    let answer_days = days("answer_days", *answer_days, 1, fields);
    let raise_days = days("raise_days", *raise_days, 0, fields);
    let percent = percent("percent", *chance, fields);
    Some(SetChallengeRules {
        provider: provider?,
        from: from?.into(),
        grounds: grounds?,
        answer_days: answer_days?,
        raise_days: raise_days?,
        sus_prevails: *sus_prevails,
        percent: percent?,
    })
}

fn days(path: &str, days: u32, least: u32, fields: &mut Fields) -> Option<u16> {
    let found = u16::try_from(days).ok().filter(|_| (least..=DAYS_MAX).contains(&days));
    if found.is_none() {
        fields.refuse(path, "FIELD_INVALID", format!("it must be {least} to {DAYS_MAX} operational days"));
    }
    found
}

/// How a challenge is to be concluded.
#[must_use]
pub fn conclusion(path: &str, state: i32, upheld: Option<i64>, fields: &mut Fields) -> Option<Conclusion> {
    let asked = fields.one_of(path, state, |state| match state {
        v1::ChallengeState::Agreed => Some(ChallengeState::Agreed),
        v1::ChallengeState::Withdrawn => Some(ChallengeState::Withdrawn),
        v1::ChallengeState::Escalated => Some(ChallengeState::Escalated),
        v1::ChallengeState::Unspecified
        | v1::ChallengeState::Raised
        | v1::ChallengeState::Answered
        | v1::ChallengeState::Unpayable
        | v1::ChallengeState::Superseded => None,
    })?;
    if asked == ChallengeState::Agreed {
        let upheld = fields.required("upheld_pence", upheld)?;
        return fields.pence("upheld_pence", upheld).map(Conclusion::Agreed);
    }
    if upheld.is_some() {
        fields.refuse("upheld_pence", "FIELD_INVALID", "it goes with AGREED only");
        return None;
    }
    Some(if asked == ChallengeState::Escalated { Conclusion::Escalated } else { Conclusion::Withdrawn })
}

/// Where a challenge stands.
#[must_use]
pub const fn state(state: ChallengeState) -> v1::ChallengeState {
    match state {
        ChallengeState::Raised => v1::ChallengeState::Raised,
        ChallengeState::Answered => v1::ChallengeState::Answered,
        ChallengeState::Escalated => v1::ChallengeState::Escalated,
        ChallengeState::Agreed => v1::ChallengeState::Agreed,
        ChallengeState::Withdrawn => v1::ChallengeState::Withdrawn,
        ChallengeState::Unpayable => v1::ChallengeState::Unpayable,
        ChallengeState::Superseded => v1::ChallengeState::Superseded,
    }
}

/// The same the other way.
#[must_use]
pub const fn state_from(state: v1::ChallengeState) -> Option<ChallengeState> {
    Some(match state {
        v1::ChallengeState::Unspecified => return None,
        v1::ChallengeState::Raised => ChallengeState::Raised,
        v1::ChallengeState::Answered => ChallengeState::Answered,
        v1::ChallengeState::Escalated => ChallengeState::Escalated,
        v1::ChallengeState::Agreed => ChallengeState::Agreed,
        v1::ChallengeState::Withdrawn => ChallengeState::Withdrawn,
        v1::ChallengeState::Unpayable => ChallengeState::Unpayable,
        v1::ChallengeState::Superseded => ChallengeState::Superseded,
    })
}

/// A challenge as it stands on `today`.
#[must_use]
pub fn challenge(number: Position, row: &Challenge, today: Day) -> v1::Challenge {
    v1::Challenge {
        challenge: number.get(),
        provider: row.provider.to_string(),
        cds_identifier: row.cds_identifier.to_string(),
        line: row.line.get(),
        payer: row.payer.map(|payer| payer.to_string()).unwrap_or_default(),
        grounds: row.grounds.iter().map(|ground| ground.code().to_owned()).collect(),
        amount_pence: row.amount.get(),
        state: state(row.state).into(),
        answer_by_date: Some(common::day(row.answer_by)),
        percent: u32::from(row.percent),
        conceded_pence: row.conceded.map(money::Pence::get),
        upheld_pence: row.upheld.map(money::Pence::get),
        overdue: row.state == ChallengeState::Raised && row.answer_by < today,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_holds_no_nhs_number() {
        for (text, holds) in [
            ("seen twice, see BNV300000000001", false),
            ("943 476 5919", true),
            ("patient 943-476-5919, again", true),
            ("9434765919", true),
            ("9434765918 fails its check digit", false),
            ("£1,234 on 2017-06-12", false),
            ("A9434765919", false),
        ] {
            assert_eq!(holds_nhs_number(text), holds, "{text}");
        }
    }

    #[test]
    fn states_go_there_and_back() {
        for number in 1..8 {
            let known = v1::ChallengeState::try_from(number).unwrap();
            assert_eq!(state_from(known).map(state), Some(known));
        }
    }
}
