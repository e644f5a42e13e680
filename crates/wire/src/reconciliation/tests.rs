use super::{inward, outward};
use ::reconciliation::{Command, Difference, DifferenceKind, Tie, TieKind};
use money::TotalPence;
use proto::reconciliation::v1;

const ID: &str = "018c7dbd-a000-7000-8000-000000000001";

fn propose() -> v1::ProposeControlTotalsRequest {
    let row = |organisation: &str, total_pence| v1::ControlTotal {
        organisation: organisation.into(),
        total_pence,
        reserve_pence: 3,
    };
    v1::ProposeControlTotalsRequest {
        system: "berkshire-west".into(),
        request_id: ID.into(),
        financial_year: "2017-18".into(),
        control_totals: vec![row("", -5), row("RHW", -5)],
        source: "illustrative".into(),
        illustrative: true,
    }
}

#[test]
fn a_proposal_goes_there_and_back() {
    let write = inward::propose(propose()).unwrap();
    let Command::Propose(content) = &write.command else { panic!("{write:?}") };
    let shown = outward::proposal(journal::Position::new(7), journal::Instant::from_micros(0), content);
    assert_eq!((shown.proposal, shown.control_totals), (7, propose().control_totals));
    assert_eq!(shown.digest, content.digest().0);
    let mut other = propose();
    other.control_totals[1].total_pence = -6;
    assert_ne!(inward::propose(other).unwrap().fingerprint, write.fingerprint);
}

#[test]
fn every_bad_field_is_named_at_once() {
    let mut bad = propose();
    bad.system = "No".into();
    bad.financial_year = "2017".into();
    bad.control_totals[1].organisation = "?".into();
    bad.control_totals[0].reserve_pence = -1;
    bad.source = String::new();
    let violations = inward::propose(bad).unwrap_err();
    let paths: Vec<String> = violations.iter().map(|violation| violation.field.clone()).collect();
    assert_eq!(
        paths,
        [
            "system",
            "financial_year",
            "control_totals[0].reserve_pence",
            "control_totals[1].organisation",
            "source"
        ]
    );
    let statement = |payer: &str, debits_pence| v1::StatementTotal {
        payer: payer.into(),
        debits_pence,
        credits_pence: 0,
    };
    let ask = v1::GetPositionRequest {
        system: "berkshire-west".into(),
        financial_year: "2017-18".into(),
        statements: vec![statement("10M", -1), statement("", 1)],
    };
    let violations = inward::get_position(&ask).unwrap_err();
    let paths: Vec<String> = violations.iter().map(|violation| violation.field.clone()).collect();
    assert_eq!(paths, ["statements[0].debits_pence", "statements[1].payer"]);
}

#[test]
fn ties_are_summed_by_kind() {
    let amount = |pence: i128| TotalPence::new(pence);
    let claims = |left, accepted, contested| Tie {
        kind: TieKind::Claims,
        subject: "NT3 for 10M".into(),
        left: amount(left),
        right: amount(accepted),
        named: vec![Difference { kind: DifferenceKind::ContestedClaims, amount: amount(contested) }],
    };
    let ties = [claims(10, 7, 3), claims(20, 15, 6), claims(5, 4, 0)];
    let found = outward::position("2017-18".parse().unwrap(), &::reconciliation::Position::default(), &ties);
    assert_eq!((found.claimed_pence, found.accepted_pence, found.contested_pence), (35, 26, 9));
    // One too few and one too many do not cancel.
    assert_eq!(found.unexplained_pence, 2);
    assert_eq!(found.breaks.len(), 2);
    assert_eq!(found.breaks[0].break_kind, "CLAIMS_DO_NOT_ADD_UP");
    let [summary] = &found.ties[..] else { panic!("{:?}", found.ties) };
    assert_eq!((summary.ties_count, summary.breaks_count, summary.unexplained_pence), (3, 2, 2));
}
