//! Refusals of referrals as the wire tells them.

use crate::{Class, Reason, status};
use core::fmt;
use journal::Service;
use proto::common::v1::Problem;
use referrals::Refusal;

/// One of the reasons for which a referral is refused.
struct Because(referrals::Reason);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.meaning())
    }
}

impl Reason for Because {
    const SERVICE: Service = Service::Referrals;
    const REASONS: &'static [&'static str] = referrals::Reason::CODES;

    fn reason(&self) -> &'static str {
        self.0.code()
    }

    fn class(&self) -> Class {
        Class::Precondition
    }

    fn subject(&self) -> String {
        field(self.0)
    }
}

/// The field of a referral that a reason concerns: the names differ from a line's.
fn field(reason: referrals::Reason) -> String {
    let field = if reason == referrals::Reason::WrongCommissioner {
        "practice"
    } else if reason == referrals::Reason::DateInFuture {
        "referred_on"
    } else {
        reason.field()
    };
    format!("referral.{field}")
}

/// Every reason of a refusal, for one item of a batch.
#[must_use]
pub fn problems(refusal: &Refusal) -> Vec<Problem> {
    let Refusal::Referral(reasons) = refusal else { return vec![status::problem(refusal)] };
    reasons
        .iter()
        .map(|reason| Problem { field: field(reason), ..status::problem(&Because(reason)) })
        .collect()
}

/// The codes of refusals: their own, and those of the reasons that a referral may be refused for.
const CODES: [&str; Refusal::CODES.len() + referrals::Reason::CODES.len()] = {
    let mut codes = [""; Refusal::CODES.len() + referrals::Reason::CODES.len()];
    let mut at = 0;
    while at < codes.len() {
        codes[at] = if at < Refusal::CODES.len() {
            Refusal::CODES[at]
        } else {
            referrals::Reason::CODES[at - Refusal::CODES.len()]
        };
        at += 1;
    }
    codes
};

impl Reason for Refusal {
    const SERVICE: Service = Service::Referrals;
    const REASONS: &'static [&'static str] = &CODES;

    fn reason(&self) -> &'static str {
        self.code()
    }

    fn class(&self) -> Class {
        match self {
            Self::SubmissionUnknown
            | Self::ReferralUnknown
            | Self::LineUnknown
            | Self::CutUnknown
            | Self::ExtractUnknown
            | Self::ChallengeUnknown
            | Self::PlanUnknown
            | Self::RepricingUnknown => Class::Unknown,
            Self::ReferenceMissing
            | Self::ReferenceOlder
            | Self::Referral(_)
            | Self::ReferralEnded
            | Self::LineWithdrawn
            | Self::AfterFreeze
            | Self::CutNotDue
            | Self::ProviderUnknown
            | Self::NotExpired
            | Self::PartMismatch
            | Self::PartUnknown
            | Self::LineSuperseded
            | Self::ChallengeOpen
            | Self::ChallengeLate
            | Self::ChallengeAmount
            | Self::ChallengeEnded
            | Self::ChallengeEscalated
            | Self::ChallengeUnanswered
            | Self::NotConceded
            | Self::SusDoesNotPrevail
            | Self::RepricingStale
            | Self::RepricingApproved
            | Self::RepricingNotApproved
            | Self::SamePerson
            | Self::DigestMismatch
            | Self::MoveIllegal => Class::Precondition,
            Self::SubmissionIdUsed => Class::Exists,
        }
    }

    fn subject(&self) -> String {
        if let Self::Referral(reasons) = self {
            return reasons.iter().next().map(field).unwrap_or_default();
        }
        if *self == Self::ProviderUnknown { "provider".to_owned() } else { String::new() }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        // The status carries one reason in its own place; the others stand beside it.
        let Self::Referral(reasons) = self else { return Vec::new() };
        let codes: Vec<&str> = reasons.iter().map(referrals::Reason::code).collect();
        vec![("reasons", codes.join(","))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use referrals::Reason as Why;
    use tonic_types::StatusExt as _;

    #[test]
    fn a_refused_referral_names_every_reason() {
        let refusal = Refusal::Referral([Why::PracticeUnknown, Why::ProviderUnknown].into_iter().collect());
        let found: Vec<_> = problems(&refusal).into_iter().map(|p| (p.reason, p.field)).collect();
        let pair = |reason: &str, field: &str| (reason.to_owned(), field.to_owned());
        assert_eq!(
            found,
            [pair("PRACTICE_UNKNOWN", "referral.practice"), pair("PROVIDER_UNKNOWN", "referral.provider")]
        );
        let status = status::refusal(&refusal);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "PRACTICE_UNKNOWN");
        assert_eq!(info.metadata["reasons"], "PRACTICE_UNKNOWN,PROVIDER_UNKNOWN");
    }
}
