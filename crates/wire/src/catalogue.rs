//! The catalogue of reasons: every one has a heading in `docs/errors.md`, and every heading is one.

#[cfg(test)]
mod tests {
    use crate::{
        Reason,
        field::{FIELD_REASONS, NHS_REASONS},
        identity::FIELD_REASONS as IDENTITY_FIELDS,
        ledger::FIELD_REASONS as LEDGER_FIELDS,
        status::{FRAME_REASONS, Pushback, domain},
    };
    use std::collections::BTreeSet;

    /// Every reason of every domain. A domain's line is added with its `impl Reason`.
    fn reasons() -> Vec<(String, &'static str)> {
        let mut all: Vec<(String, &'static str)> = Vec::new();
        let frame =
            FRAME_REASONS.iter().chain(FIELD_REASONS).chain(NHS_REASONS).chain(LEDGER_FIELDS).copied();
        let frame = frame.chain(IDENTITY_FIELDS.iter().copied());
        let frame = frame.chain(Pushback::ALL.map(Pushback::reason));
        all.extend(frame.map(|reason| ("almoner".to_owned(), reason)));
        all.extend(of::<registry::Refusal>());
        all.extend(of::<identity::Refusal>());
        all.extend(of::<health_budgets::Refusal>());
        all.extend(of::<referrals::Refusal>());
        all.extend(of::<settlement::Refusal>().chain(of::<settlement::PrepareError>()));
        all.extend(of::<crate::settlement::Unable>());
        all.extend(of::<reconciliation::Refusal>());
        all.extend(of::<ledger::Refusal>().chain(of::<crate::ledger::Missing>()));
        all.extend(of::<crate::ledger::NotApplied>());
        all
    }

    fn of<R: Reason>() -> impl Iterator<Item = (String, &'static str)> {
        R::REASONS.iter().map(|reason| (domain(R::SERVICE), *reason))
    }

    /// The headings of the page: `## <domain>` and under it `### <REASON>`.
    fn headings() -> Vec<(String, String)> {
        let page = include_str!("../../../docs/errors.md");
        let mut domain = String::new();
        let mut found = Vec::new();
        for line in page.lines() {
            if let Some(reason) = line.strip_prefix("### ") {
                found.push((domain.clone(), reason.trim().to_owned()));
            } else if let Some(heading) = line.strip_prefix("## ") {
                heading.trim().clone_into(&mut domain);
            }
        }
        found
    }

    #[test]
    fn every_reason_has_a_heading_and_every_heading_a_reason() {
        let reasons: BTreeSet<(String, String)> =
            reasons().into_iter().map(|(domain, reason)| (domain, reason.to_owned())).collect();
        let listed: Vec<(String, String)> = headings();
        let headings: BTreeSet<(String, String)> = listed.iter().cloned().collect();
        assert_eq!(listed.len(), headings.len(), "a heading of docs/errors.md stands twice");
        let missing: Vec<_> = reasons.difference(&headings).collect();
        let idle: Vec<_> = headings.difference(&reasons).collect();
        assert!(missing.is_empty(), "docs/errors.md has no heading for {missing:?}");
        assert!(idle.is_empty(), "docs/errors.md has headings that are no reason: {idle:?}");
    }

    #[test]
    fn reasons_are_upper_snake_and_short() {
        for (_, reason) in reasons() {
            assert!(reason.len() <= 63 && !reason.is_empty(), "{reason}");
            let shape = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
            assert!(reason.bytes().all(shape) && reason.as_bytes()[0].is_ascii_uppercase(), "{reason}");
        }
    }
}
