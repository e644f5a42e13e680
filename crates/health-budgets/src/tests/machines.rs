//! Every state against every step.

use crate::*;
use expect_test::{Expect, expect};

fn check(rows: Vec<(String, Vec<String>)>, steps: &[String], expected: Expect) {
    let mut text =
        format!("{:<11}{}\n", "", steps.iter().map(|s| format!("{s:<16}")).collect::<String>().trim_end());
    for (state, cells) in rows {
        let cells: String = cells.iter().map(|cell| format!("{cell:<16}")).collect();
        text += format!("{state:<11}{cells}").trim_end();
        text += "\n";
    }
    expected.assert_eq(&text);
}

macro_rules! matrix {
    ($state:ty, $step:ty, $expected:expr) => {
        let steps: Vec<String> = <$step>::ALL.iter().map(|step| format!("{step:?}")).collect();
        let cell = |state: $state, step: $step| match state.after(step) {
            Ok(next) => format!("{next:?}"),
            Err(same) => {
                assert_eq!(same, state);
                "-".to_owned()
            }
        };
        let rows = <$state>::ALL
            .iter()
            .map(|state| {
                (format!("{state:?}"), <$step>::ALL.iter().map(|step| cell(*state, *step)).collect())
            })
            .collect();
        check(rows, &steps, $expected);
    };
}

#[test]
fn plans() {
    matrix!(
        PlanState,
        PlanStep,
        expect![[r#"
                   Approve         Grant           Deny            Suspend         Resume          Die             Close
        Proposed   Approving       -               -               -               -               -               Closed
        Approving  -               Active          Proposed        -               -               -               -
        Active     -               -               -               Suspended       -               Deceased        Closed
        Suspended  -               -               -               -               Active          Deceased        Closed
        Deceased   -               -               -               -               -               -               Closed
        Closed     -               -               -               -               -               -               -
    "#]]
    );
}

#[test]
fn spends() {
    matrix!(
        SpendState,
        SpendStep,
        expect![[r#"
                   Grant           Deny            Deliver         Cancel
        Booking    Booked          Denied          -               -
        Booked     -               -               Delivering      Cancelling
        Delivering Delivered       Booked          -               -
        Spending   Delivered       Denied          -               -
        Cancelling Cancelled       Booked          -               -
        Delivered  -               -               -               -
        Evidenced  -               -               -               -
        Cancelled  -               -               -               -
        Denied     -               -               -               -
    "#]]
    );
}

#[test]
fn reclaims() {
    matrix!(
        ReclaimState,
        ReclaimStep,
        expect![[r#"
                   Grant           GrantLast       Deny            Receive         ProposeWriteOff ApproveWriteOff
        Deciding   Decided         -               Denied          -               -               -
        Decided    -               -               -               Receiving       GivingUp        -
        Receiving  Decided         Received        Decided         -               -               -
        GivingUp   -               -               -               Receiving       GivingUp        WritingOff
        WritingOff -               WrittenOff      Decided         -               -               -
        Received   -               -               -               -               -               -
        WrittenOff -               -               -               -               -               -
        Denied     -               -               -               -               -               -
    "#]]
    );
}

/// What keeps a plan open can still move, and nothing else can.
#[test]
fn open_means_that_a_step_remains() {
    for state in SpendState::ALL {
        assert_eq!(
            state.is_open(),
            SpendStep::ALL.iter().any(|step| state.after(*step).is_ok()),
            "{state:?}"
        );
    }
    for state in ReclaimState::ALL {
        assert_eq!(
            state.is_open(),
            ReclaimStep::ALL.iter().any(|step| state.after(*step).is_ok()),
            "{state:?}"
        );
    }
}
