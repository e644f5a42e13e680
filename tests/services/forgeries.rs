//! Forgers who have the disk, the program and the signing key: what they write is validly hashed and signed, and an auditor's
//! verifier names it all the same, from what approvals pinned, what journals say of each other, and who did what.

use crate::logs::verifier;
use crate::witnesses::{Watching, approved, dead, paid, policy, ready, settlements_key, waive};
use crate::world::SYSTEM;
use audit::{Finding, Given, Outcome, RecordProblem, Verification, examine};
use journal::{Cause, Checkpoint, Header, Position, Service, Tree, WitnessSigner, leaf_hash};
use ledger::{ExpireHolds, Ledger};
use money::Pence;
use referrals::Referrals;
use settlement::{Event, SettleAsks, Settlement};
use std::path::Path;
use tempfile::TempDir;
use testkit::{Body, Forge};

/// A data folder that holds what was recorded until a run was paid that a witness saw.
async fn a_month_paid() -> TempDir {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let witness = Watching::start(home.path(), 1, &[settlements_key(folder.path())]).await;
    let world = ready(folder.path(), policy(1, vec![witness.at.clone()])).await;
    let run = approved(&world, 200).await;
    paid(&world, 202, &run).await.unwrap();
    world.stop().await;
    witness.stop().await;
    folder
}

fn copy(folder: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    let from = folder.join(".");
    let copied = std::process::Command::new("cp").arg("-a").args([&from, &to.path().to_owned()]).status();
    assert!(copied.unwrap().success());
    to
}

fn verify(folder: &Path) -> Verification {
    let given = Given {
        verifier: verifier(folder, SYSTEM, Service::Ledger),
        receipts: Vec::new(),
        checkpoints: Vec::new(),
    };
    examine(folder, &given, |_, _| {}).unwrap()
}

fn findings(verification: &Verification) -> Vec<&Finding> {
    let of_journals = verification.journals.iter().flat_map(|proof| &proof.report.findings);
    of_journals.chain(&verification.findings).collect()
}

/// What is found when the journal of `service` in a copy of `folder` is forged.
fn forged(folder: &Path, service: Service, forge: impl FnOnce(&mut Forge)) -> Vec<Finding> {
    let copy = copy(folder);
    let mut records = Forge::open(copy.path(), SYSTEM, service);
    forge(&mut records);
    records.write();
    let verification = verify(copy.path());
    assert_eq!(verification.outcome(), Outcome::Wrong);
    findings(&verification).into_iter().cloned().collect()
}

fn problem_at(findings: &[Finding], at: Position, of: impl Fn(&RecordProblem) -> bool) -> bool {
    let found = |finding: &Finding| matches!(finding, Finding::Record { position, problem } if *position == at && of(problem));
    findings.iter().any(found)
}

fn is_pinned(finding: &Finding, service: &str) -> bool {
    matches!(finding, Finding::Pinned { origin, .. } if origin.ends_with(service))
}

/// Whether the record is a posting that `service` told the ledger to make.
fn told_by(service: Service) -> impl Fn(&Header, &Body<Ledger>) -> bool {
    move |header, (command, _)| {
        header.cause.is_some_and(|cause| cause.service == service)
            && matches!(command, ledger::Command::Post(posting) if posting.legs.len() > 1)
    }
}

fn paying(_: &Header, (command, outcome): &Body<Settlement>) -> bool {
    let accepted = matches!(outcome, journal::Outcome::Accepted(_));
    accepted && matches!(command, settlement::Command::PayRun(_))
}

fn event_is(of: impl Fn(&Event) -> bool) -> impl Fn(&Header, &Body<Settlement>) -> bool {
    move |_, (_, outcome)| matches!(outcome, journal::Outcome::Accepted(events) if events.iter().any(&of))
}

fn witnessed(event: &Event) -> bool {
    matches!(event, Event::RunWitnessed { .. })
}

fn approval(event: &Event) -> bool {
    matches!(event, Event::RunApproved { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_and_witnessed_cannot_be_rewritten() {
    let folder = a_month_paid().await;
    let verification = verify(folder.path());
    assert_eq!(findings(&verification), Vec::<&Finding>::new());
    assert_eq!(verification.outcome(), Outcome::Proved, "{:?}", verification.unproved);
    assert_eq!(verification.pinned, 3, "the ledger, the referrals, and what the witness saw");

    // Another history that the rules like as well: only the pin knows that it is another.
    for service in [Service::Ledger, Service::Referrals] {
        let found = forged(folder.path(), service, |forge| {
            let third = forge.records.get_mut(3).unwrap();
            third[64] ^= 1;
        });
        assert!(found.iter().any(|finding| is_pinned(finding, service.as_str())), "{found:?}");
        let others = found
            .iter()
            .find(|finding| !matches!(finding, Finding::Pinned { .. } | Finding::OtherRecords { .. }));
        assert_eq!(others, None, "nothing else could tell");
    }
    // The same in settlement's own journal: what the witness saw is on another path.
    let found = forged(folder.path(), Service::Settlement, |forge| forge.records[3][64] ^= 1);
    assert!(found.iter().any(|finding| is_pinned(finding, "settlement")), "{found:?}");

    // An approval that pins nothing of the ledger.
    let found = forged(folder.path(), Service::Settlement, |forge| {
        let at = forge.find::<Settlement>(event_is(approval));
        forge.edit::<Settlement>(at, |_, (command, _)| {
            let settlement::Command::ApproveRun(approve) = command else { panic!("an approval") };
            approve.pins.as_mut().unwrap().checkpoints.remove(0);
        });
    });
    assert!(found.iter().any(|finding| is_pinned(finding, "ledger")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_no_witness_saw_is_named() {
    let folder = a_month_paid().await;
    let unwitnessed = |problem: &RecordProblem| matches!(problem, RecordProblem::Witnesses(_));
    // The witnesses' record is something else.
    let mut at = Position::FIRST;
    let found = forged(folder.path(), Service::Settlement, |forge| {
        at = forge.find::<Settlement>(paying);
        let seen = forge.find::<Settlement>(event_is(witnessed));
        forge.edit::<Settlement>(seen, |_, (command, outcome)| {
            *command = settlement::Command::SettleAsks(SettleAsks { answers: Vec::new() });
            *outcome = journal::Outcome::Accepted([Event::AsksSettled].into_iter().collect());
        });
    });
    assert!(problem_at(&found, at, unwitnessed), "{found:?}");

    // The cosignature is another's.
    let other = WitnessSigner::new("witness.example/w1", &[9; 32]).unwrap();
    let found = forged(folder.path(), Service::Settlement, |forge| {
        at = forge.find::<Settlement>(event_is(witnessed));
        forge.edit::<Settlement>(at, |_, (command, _)| {
            let settlement::Command::WitnessRun(witness) = command else { panic!("cosignatures") };
            let (log, _) = witness.note.rsplit_once("— witness.example").unwrap();
            let (text, _) = witness.note.split_once("\n\n").unwrap();
            witness.note = format!("{log}{}", other.cosign(&format!("{text}\n"), 1_500_000_000).unwrap());
        });
    });
    assert!(problem_at(&found, at, unwitnessed), "{found:?}");

    // The forger names a witness of their own in the approval, and shows it the checkpoint of another log of the installation,
    // or one of this log that was never its.
    for own in [false, true] {
        let found = forged(folder.path(), Service::Settlement, |forge| {
            let approved = forge.find::<Settlement>(event_is(approval));
            forge.edit::<Settlement>(approved, |_, (command, _)| {
                let settlement::Command::ApproveRun(approve) = command else { panic!("an approval") };
                approve.pins.as_mut().unwrap().witnesses = vec![other.verifier().to_string()];
            });
            let mut tree = Tree::new();
            (0..=approved.get() + 1).for_each(|n| tree.append(leaf_hash(&n.to_le_bytes())));
            let service = if own { Service::Settlement } else { Service::Ledger };
            let installation = storage::Installation::read(&storage::FolderDisk, folder.path()).unwrap();
            let signer = installation.signer(&SYSTEM.parse().unwrap(), service);
            let note = signer.sign(&Checkpoint { size: tree.size(), root: tree.root() });
            let (text, _) = note.split_once("\n\n").unwrap();
            let line = other.cosign(&format!("{text}\n"), 1_500_000_000).unwrap();
            at = forge.find::<Settlement>(event_is(witnessed));
            forge.edit::<Settlement>(at, |_, (command, outcome)| {
                let settlement::Command::WitnessRun(witness) = command else { panic!("cosignatures") };
                witness.note = format!("{note}{line}");
                let event = Event::RunWitnessed { by: vec!["witness.example/w1".into()], size: tree.size() };
                *outcome = journal::Outcome::Accepted([event].into_iter().collect());
            });
        });
        let only = |finding: &Finding| {
            is_pinned(finding, "settlement") || matches!(finding, Finding::OtherRecords { .. })
        };
        assert!(found.iter().any(|finding| is_pinned(finding, "settlement")), "own {own}: {found:?}");
        assert!(found.iter().all(only), "the rules alone would take it, own {own}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_is_shown_with_its_two_people_and_takes_two() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = ready(folder.path(), policy(1, vec![dead(home.path()).await])).await;
    let run = approved(&world, 200).await;
    let why = "the witness is down";
    for (who, number) in [("bob", 203), ("cat", 204)] {
        waive(&world, who, number, &run, why).await.unwrap();
    }
    paid(&world, 205, &run).await.unwrap();
    world.stop().await;
    let verification = verify(folder.path());
    assert_eq!(findings(&verification), Vec::<&Finding>::new());
    let waived: Vec<_> = verification.journals.iter().flat_map(|proof| &proof.replayed.waived).collect();
    let [waived] = waived.as_slice() else { panic!("one waiver: {waived:?}") };
    assert_eq!(
        (waived.proposer.as_str(), waived.approver.as_str(), waived.reason.as_str(), &waived.run.to_string()),
        ("urn:almoner:person:bob", "urn:almoner:person:cat", why, &run.run)
    );

    let mut at = Position::FIRST;
    let waiver = |event: &Event| matches!(event, Event::WitnessesWaived { .. });
    let found = forged(folder.path(), Service::Settlement, |forge| {
        at = forge.find::<Settlement>(event_is(waiver));
        let proposed = forge.find::<Settlement>(event_is(|event| matches!(event, Event::WaiverProposed)));
        let bob =
            forge.commands::<Settlement>().find(|(header, _)| header.position == proposed).unwrap().0.caller;
        forge.edit::<Settlement>(at, |header, _| header.caller = bob);
    });
    assert!(
        problem_at(&found, at, |problem| matches!(problem, RecordProblem::OnePerson { .. })),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn journals_that_contradict_each_other_are_named() {
    let folder = a_month_paid().await;
    let crossing = |problem: &RecordProblem| matches!(problem, RecordProblem::Crossing(_));
    for service in [Service::Referrals, Service::Settlement] {
        // A penny more on both sides: the books balance, and the service told another amount.
        let mut at = Position::FIRST;
        let found = forged(folder.path(), Service::Ledger, |forge| {
            at = forge.find::<Ledger>(told_by(service));
            forge.edit::<Ledger>(at, |_, (command, _)| {
                let ledger::Command::Post(posting) = command else { panic!("a posting") };
                for leg in &mut posting.legs {
                    leg.pence = Pence::new(leg.pence.get() + 1).unwrap();
                }
            });
        });
        assert!(problem_at(&found, at, crossing), "{service}, amount: {found:?}");

        // The entry follows from another record than the one that told it.
        let found = forged(folder.path(), Service::Ledger, |forge| {
            at = forge.find::<Ledger>(told_by(service));
            forge.edit::<Ledger>(at, |header, _| {
                header.cause = Some(Cause { service, position: Position::FIRST });
            });
        });
        assert!(problem_at(&found, at, crossing), "{service}, cause: {found:?}");

        // An entry in the service's name that it told nobody.
        let found = forged(folder.path(), Service::Ledger, |forge| {
            at = forge.find::<Ledger>(told_by(service));
            forge.edit::<Ledger>(at, |header, _| {
                let mut id = header.request_id.to_bytes();
                id[15] ^= 1;
                header.request_id = journal::RequestId::from_bytes(id).unwrap();
            });
        });
        assert!(problem_at(&found, at, crossing), "{service}, no source: {found:?}");
        let missing = |finding: &Finding| matches!(finding, Finding::Crossing(_));
        assert!(found.iter().any(missing), "{service}, nor an entry for what it told: {found:?}");

        // The entry is gone: something harmless stands in its place.
        let found = forged(folder.path(), Service::Ledger, |forge| {
            at = forge.find::<Ledger>(told_by(service));
            forge.edit::<Ledger>(at, |_, (command, outcome)| {
                *command = ledger::Command::ExpireHolds(ExpireHolds { holds: Vec::new() });
                *outcome = journal::Outcome::Accepted(
                    [ledger::Event::HoldsExpired(Vec::new())].into_iter().collect(),
                );
            });
        });
        let named =
            |finding: &Finding| matches!(finding, Finding::Crossing(text) if text.contains(service.as_str()));
        let there = problem_at(&found, at, crossing);
        assert!(there || found.iter().any(named), "{service}, no entry: {found:?}");
    }

    // The source says less than the ledger posted.
    let found = forged(folder.path(), Service::Referrals, |forge| {
        let at =
            forge.find::<Referrals>(|_, (command, _)| matches!(command, referrals::Command::SubmitLine(_)));
        forge.records[usize::try_from(at.get()).unwrap()] = forge.records[1].clone();
    });
    assert!(
        found.iter().any(|finding| matches!(finding, Finding::Record { problem, .. } if crossing(problem))),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_who_does_what_takes_two_is_named() {
    let folder = a_month_paid().await;
    let mut at = Position::FIRST;
    let one = |problem: &RecordProblem| matches!(problem, RecordProblem::OnePerson { .. });
    let found = forged(folder.path(), Service::Settlement, |forge| {
        at = forge.find::<Settlement>(event_is(approval));
        let (_, (_, outcome)) =
            forge.commands::<Settlement>().find(|(header, _)| header.position == at).unwrap();
        let journal::Outcome::Accepted(events) = outcome else { panic!("approved") };
        let Some(Event::RunApproved { approval }) = events.first() else { panic!("approved") };
        let preparer = approval.proposal().proposer;
        forge.edit::<Settlement>(at, |header, _| header.caller = preparer);
    });
    assert!(problem_at(&found, at, one), "{found:?}");

    // A service that approves is no person.
    let found = forged(folder.path(), Service::Settlement, |forge| {
        at = forge.find::<Settlement>(event_is(approval));
        let seen = forge.find::<Settlement>(event_is(witnessed));
        let service =
            forge.commands::<Settlement>().find(|(header, _)| header.position == seen).unwrap().0.caller;
        forge.edit::<Settlement>(at, |header, _| header.caller = service);
    });
    assert!(problem_at(&found, at, |problem| matches!(problem, RecordProblem::NoPerson { .. })), "{found:?}");

    // The registry's bank details.
    let found = forged(folder.path(), Service::Registry, |forge| {
        let approved = |_: &Header, (command, _): &Body<registry::Registry>| {
            matches!(command, registry::Command::ApproveProposal(_))
        };
        at = forge.find::<registry::Registry>(approved);
        let (_, (_, outcome)) =
            forge.commands::<registry::Registry>().find(|(header, _)| header.position == at).unwrap();
        let journal::Outcome::Accepted(events) = outcome else { panic!("approved") };
        let proposer = events.iter().find_map(|event| match event {
            registry::Event::Approved { approval, .. } => Some(approval.proposal().proposer),
            registry::Event::Proposed { .. }
            | registry::Event::Registered { .. }
            | registry::Event::Withdrawn => None,
        });
        forge.edit::<registry::Registry>(at, |header, _| header.caller = proposer.unwrap());
    });
    assert!(problem_at(&found, at, one), "{found:?}");
}
