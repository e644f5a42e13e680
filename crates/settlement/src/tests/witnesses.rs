//! Witnesses before money.

use super::*;
use access::ApprovalRefusal;
use journal::{Checkpoint, CheckpointSigner, Origin, Service, WitnessSigner};

const CAT: journal::Position = journal::Position::new(3);

fn witness(number: u8) -> WitnessSigner {
    WitnessSigner::new(&format!("witness.example/w{number}"), &[number; 32]).unwrap()
}

/// A checkpoint of `size` records that the witnesses of those numbers cosigned.
fn cosigned(size: u64, by: &[u8]) -> String {
    let origin = Origin::new([7; 16], &"berkshire-west".parse().unwrap(), Service::Settlement);
    let note = CheckpointSigner::new(origin, &[7; 32]).sign(&Checkpoint { size, root: Digest::of(b"root") });
    let text = note.split_inclusive("\n\n").next().unwrap().strip_suffix('\n').unwrap();
    let lines = by.iter().map(|number| witness(*number).cosign(text, 1_500_000_000).unwrap());
    format!("{note}{}", lines.collect::<String>())
}

fn pins(required: u8, witnesses: &[u8]) -> Pins {
    let pinned = |of: &str| PinnedCheckpoint {
        origin: format!("almoner.07070707-0707-0707-0707-070707070707/berkshire-west/{of}"),
        size: 40,
        root: Digest::of(of.as_bytes()),
    };
    Pins {
        checkpoints: vec![pinned("ledger"), pinned("referrals")],
        required,
        witnesses: witnesses.iter().map(|number| witness(*number).verifier().to_string()).collect(),
    }
}

/// A run approved with `pins`, and the position of its approval.
fn approved(world: &mut World, pins: Pins) -> (journal::RequestId, u64) {
    world.today = day("2017-08-22");
    let run = world.prepare(&owing(), "2017-06/freeze").unwrap();
    let digest = world.digest(run);
    world.submit(Command::ApproveRun(ApproveRun { run, digest, pins: Some(pins) })).unwrap();
    let at = world.state.run(run).unwrap().approved.unwrap();
    (run, at.get())
}

fn waive(
    world: &mut World,
    who: journal::Position,
    run: journal::RequestId,
    reason: &str,
) -> Result<Event, Refusal> {
    let digest = world.digest(run);
    let command = Command::WaiveWitnesses(WaiveWitnesses { run, digest, reason: reason.into() });
    let id = world.new_request();
    world.submit_as(who, id, command).map(|events| events[0].clone())
}

#[test]
fn a_run_is_paid_once_enough_witnesses_saw_its_approval() {
    let mut world = World::new();
    let (run, at) = approved(&mut world, pins(2, &[1, 2, 3]));
    assert_eq!(world.pay(run), Err(Refusal::NotWitnessed { required: 2 }));
    let show = |world: &mut World, note: String| world.submit(Command::WitnessRun(WitnessRun { run, note }));
    let missing = |found| Err(Refusal::CosignaturesMissing { found, required: 2 });
    // No note, one that ends before the approval, one witness twice, a witness that was not named.
    let twice =
        format!("{}{}", cosigned(at + 1, &[1]), cosigned(at + 1, &[1]).rsplit_once("\n\n").unwrap().1);
    assert_eq!(show(&mut world, "nothing".into()), missing(0));
    assert_eq!(show(&mut world, cosigned(at, &[1, 2])), missing(0));
    assert_eq!(show(&mut world, twice), missing(1));
    assert_eq!(show(&mut world, cosigned(at + 1, &[1, 9])), missing(1));
    assert_eq!(
        show(&mut world, cosigned(at + 1, &[1, 2]).replacen(&format!("\n{}\n", at + 1), "\n99\n", 1)),
        missing(0)
    );
    assert_eq!(world.state.awaiting_witnesses().count(), 1);
    show(&mut world, cosigned(at + 5, &[3, 1])).unwrap();
    assert_eq!(world.run_state(run), RunState::Witnessed);
    let shown = world.state.run(run).unwrap().witnessed.clone().unwrap();
    assert_eq!(
        (shown.size, shown.by),
        (at + 5, vec!["witness.example/w1".into(), "witness.example/w3".into()])
    );
    world.restart();
    assert_eq!((world.run_state(run), world.state.awaiting_witnesses().count()), (RunState::Witnessed, 0));
    assert_eq!(waive(&mut world, BOB, run, "late").unwrap_err().reason(), "RUN_STATE");
    world.pay(run).unwrap();
}

#[test]
fn two_approvers_do_without_witnesses_and_one_does_not() {
    let mut world = World::new();
    let (run, _) = approved(&mut world, pins(1, &[1]));
    assert_eq!(waive(&mut world, BOB, run, " "), Err(Refusal::ReasonInvalid));
    assert_eq!(waive(&mut world, BOB, run, "two\nlines"), Err(Refusal::ReasonInvalid));
    assert_eq!(waive(&mut world, BOB, run, "the witness is down"), Ok(Event::WaiverProposed));
    assert_eq!(world.pay(run), Err(Refusal::NotWitnessed { required: 1 }), "one is not two");
    let alone = waive(&mut world, BOB, run, "the witness is down");
    assert_eq!(alone, Err(Refusal::Approval(ApprovalRefusal::SamePerson)));
    let other = waive(&mut world, CAT, run, "something else");
    assert_eq!(other, Err(Refusal::Approval(ApprovalRefusal::DigestMismatch)));
    let wrong = Command::WaiveWitnesses(WaiveWitnesses { run, digest: Digest::of(b"x"), reason: "y".into() });
    assert_eq!(world.submit(wrong), Err(Refusal::Approval(ApprovalRefusal::DigestMismatch)));
    world.restart();
    waive(&mut world, CAT, run, "the witness is down").unwrap();
    let waiver = world.state.run(run).unwrap().waiver.clone().unwrap();
    assert_eq!((waiver.reason.as_str(), waiver.proposal.proposer), ("the witness is down", BOB));
    assert_eq!(waiver.approval.map(|approval| approval.approver()), Some(CAT));
    assert_eq!(waive(&mut world, ANN, run, "again"), Err(Refusal::NothingToWaive));
    world.pay(run).unwrap();
}

#[test]
fn without_a_policy_nothing_waits() {
    let mut world = World::new();
    let (run, _) = approved(&mut world, pins(0, &[1]));
    assert_eq!(waive(&mut world, BOB, run, "why not"), Err(Refusal::NothingToWaive));
    world.pay(run).unwrap();
}

/// These bytes stand in journals: they may never change, and new ones are only ever added. An approval without pins is as it was
/// before there were any.
#[test]
fn records_of_witnesses_are_the_same_for_ever() {
    let (run, digest) = (request(7), Digest([7; 32]));
    let approval = access::approve(&access::Proposal { digest, proposer: ANN }, BOB, digest).unwrap();
    let commands = [
        (Command::ApproveRun(ApproveRun { run, digest, pins: None }), Event::RunApproved { approval }),
        (
            Command::ApproveRun(ApproveRun { run, digest, pins: Some(pins(1, &[1])) }),
            Event::RunApproved { approval },
        ),
        (
            Command::WitnessRun(WitnessRun { run, note: "note".into() }),
            Event::RunWitnessed { by: vec!["w".into()], size: 9 },
        ),
        (Command::WaiveWitnesses(WaiveWitnesses { run, digest, reason: "x".into() }), Event::WaiverProposed),
        (
            Command::WaiveWitnesses(WaiveWitnesses { run, digest, reason: "x".into() }),
            Event::WitnessesWaived { approval },
        ),
    ];
    let mut shown = String::new();
    for (command, event) in commands {
        let mut body = Vec::new();
        let outcome = journal::Outcome::Accepted(smallvec::smallvec![event]);
        <Settlement as journal::Domain>::encode(&command, &outcome, &mut body);
        let kind = <Settlement as journal::Domain>::kind(&command);
        let (read, _) = <Settlement as journal::Domain>::decode(kind, &body, &journal::NoBlobs).unwrap();
        assert_eq!(format!("{read:?}"), format!("{command:?}"));
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(shown, "{} {hex}", kind.0).unwrap();
    }
    expect![[r#"
        104 82825000000000000070008000000000000007582007070707070707070707070707070707070707070707070707070707070707078200818205818282582007070707070707070707070707070707070707070707070707070707070707070102
        104 82835000000000000070008000000000000007582007070707070707070707070707070707070707070707070707070707070707078382837842616c6d6f6e65722e30373037303730372d303730372d303730372d303730372d3037303730373037303730372f6265726b73686972652d776573742f6c656467657218285820fe14010b4fe83303852f0467c919ef9a7ca089b91e96e3aad7d426dd87079297837845616c6d6f6e65722e30373037303730372d303730372d303730372d303730372d3037303730373037303730372f6265726b73686972652d776573742f726566657272616c7318285820a6ba8d504c4b9320a03ba8cec1ae743153e8fec9ae7077d3b8c9717c5cbc29f5018178487769746e6573732e6578616d706c652f77312b30616437643335652b4249714934393130436647562f564c624c54793658584c4b5a776d2f485a5153472f4e3069414730443239638200818205818282582007070707070707070707070707070707070707070707070707070707070707070102
        109 82825000000000000070008000000000000007646e6f7465820081820b8281617709
        110 82835000000000000070008000000000000007582007070707070707070707070707070707070707070707070707070707070707076178820081820c80
        110 82835000000000000070008000000000000007582007070707070707070707070707070707070707070707070707070707070707076178820081820d818282582007070707070707070707070707070707070707070707070707070707070707070102
    "#]].assert_eq(&shown);
}
