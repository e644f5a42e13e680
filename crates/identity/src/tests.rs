//! The machine's rules, its bytes, and its silence about people.

use crate::{
    seal::{AccountName, GenerationKey, IndexKey, PayeeDetails, PersonKey},
    *,
};
use journal::{Day, Domain as _, Instant, Kind, Moment, NoBlobs, Outcome, Position, RequestId};
use nhs::{NhsNumber, Pseudonym};
use proptest::prelude::*;

fn at(position: u64, caller: u64) -> Moment {
    Moment {
        position: Position::new(position),
        recorded_time: Instant::from_micros(1_496_275_200_000_000),
        business_date: Day::new(17_318),
        request_id: RequestId::from_bytes([1, 2, 3, 4, 5, 6, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 9]).unwrap(),
        caller: Position::new(caller),
    }
}

/// Decides, applies and checks that the record reads back.
fn run(state: &mut State, at: &Moment, command: &Command) -> Result<Event, Refusal> {
    let decided = Identity::decide(state, at, command);
    let outcome = match &decided {
        Ok(events) => Outcome::Accepted(events.clone()),
        Err(refusal) => Outcome::Refused(*refusal),
    };
    let mut body = Vec::new();
    Identity::encode(command, &outcome, &mut body);
    assert!(body.len() < 59_912, "a body fits its record: {}", body.len());
    let decoded = Identity::decode(Identity::kind(command), &body, &NoBlobs).unwrap();
    assert_eq!(decoded, (command.clone(), outcome));
    let events = decided?;
    for event in &events {
        Identity::apply(state, at, command, event);
    }
    Ok(events.into_iter().next().unwrap())
}

fn keys() -> Command {
    Command::AdoptKeys(AdoptKeys { index_check: [1; 16], generation: 1, generation_check: [2; 16] })
}

fn row(person: u8, pseudonym: u8) -> PersonRow {
    PersonRow {
        blind_index: BlindIndex([person; 16]),
        pseudonym: Pseudonym::new([pseudonym; 16]),
        sealed: Sealed(vec![0; 36]),
        wrapped_key: Sealed(vec![0; 60]),
    }
}

fn mint(rows: &[(u8, u8)]) -> Command {
    let rows = rows.iter().map(|(person, pseudonym)| row(*person, *pseudonym)).collect();
    Command::MintPersons(MintPersons { generation: 1, rows })
}

fn opened() -> State {
    let mut state = State::default();
    run(&mut state, &at(1, 0), &keys()).unwrap();
    state
}

fn propose(plan: &str, pseudonym: u8) -> Command {
    Command::ProposePayee(ProposePayee {
        payee: plan.parse().unwrap(),
        pseudonym: Pseudonym::new([pseudonym; 16]),
        sealed: Sealed(vec![0; 80]),
    })
}

fn approve(plan: &str, proposal: u64) -> Command {
    Command::ApprovePayee(ApprovePayee { payee: plan.parse().unwrap(), proposal: Position::new(proposal) })
}

#[test]
fn a_person_keeps_the_first_pseudonym() {
    let mut state = opened();
    assert_eq!(
        run(&mut state, &at(2, 0), &mint(&[(1, 11), (2, 12), (1, 13)])),
        Ok(Event::PersonsMinted { known: vec![2] })
    );
    assert_eq!(
        run(&mut state, &at(3, 0), &mint(&[(2, 14), (3, 15)])),
        Ok(Event::PersonsMinted { known: vec![0] })
    );
    for (person, pseudonym, position, index) in [(1, 11, 2, 0), (2, 12, 2, 1), (3, 15, 3, 1)] {
        let found = state.pseudonym(&BlindIndex([person; 16])).unwrap();
        assert_eq!(found, Pseudonym::new([pseudonym; 16]));
        let item = state.person(&found).unwrap();
        assert_eq!((item.position.get(), item.index), (position, index));
    }
    assert_eq!(state.persons_count(), 3);
}

#[test]
fn minting_is_refused_whole() {
    let mut fresh = State::default();
    assert_eq!(run(&mut fresh, &at(1, 0), &mint(&[(1, 1)])), Err(Refusal::KeysNotAdopted));
    let mut state = opened();
    run(&mut state, &at(2, 0), &mint(&[(1, 11)])).unwrap();
    let before = state.clone();
    let all: Vec<_> = (0..=PERSON_ROWS_MAX).map(|_| (1, 1)).collect();
    for (command, refusal) in [
        (mint(&[]), Refusal::BatchSize),
        (mint(&all), Refusal::BatchSize),
        (mint(&[(2, 11)]), Refusal::PseudonymTaken),
        (mint(&[(2, 12), (3, 12)]), Refusal::PseudonymTaken),
    ] {
        assert_eq!(Identity::decide(&state, &at(3, 0), &command), Err(refusal));
    }
    assert_eq!(state, before);
}

#[test]
fn the_largest_batch_fits_a_record_even_when_everyone_is_known() {
    let index = |n: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
        bytes
    };
    let rows: Vec<PersonRow> = (0..PERSON_ROWS_MAX)
        .map(|n| PersonRow {
            blind_index: BlindIndex(index(n)),
            pseudonym: Pseudonym::new(index(n)),
            ..row(0, 0)
        })
        .collect();
    let command = Command::MintPersons(MintPersons { generation: 1, rows });
    let mut state = opened();
    run(&mut state, &at(2, 0), &command).unwrap();
    let Event::PersonsMinted { known } = run(&mut state, &at(3, 0), &command).unwrap() else { panic!() };
    assert_eq!(known.len(), PERSON_ROWS_MAX);
    assert_eq!(state.persons_count(), PERSON_ROWS_MAX);
}

#[test]
fn the_wrong_key_file_is_noticed() {
    let table = [
        ([1; 16], 1, [2; 16], true),
        ([1; 16], 2, [9; 16], true),
        ([9; 16], 1, [2; 16], false),
        ([1; 16], 1, [9; 16], false),
        ([1; 16], 0, [2; 16], false),
    ];
    for (index_check, generation, generation_check, good) in table {
        let command = Command::AdoptKeys(AdoptKeys { index_check, generation, generation_check });
        let decided = Identity::decide(&opened(), &at(2, 0), &command);
        assert_eq!(decided.map_err(|refusal| refusal == Refusal::KeysDiffer).is_ok(), good);
    }
}

#[test]
fn bank_details_need_two_people() {
    let mut state = opened();
    run(&mut state, &at(2, 0), &mint(&[(1, 11), (2, 12)])).unwrap();
    let alice = 90;
    let bob = 91;
    let plan: PayeeId = "phb-7".parse().unwrap();
    assert_eq!(run(&mut state, &at(3, alice), &propose("phb-7", 19)), Err(Refusal::PersonUnknown));
    assert_eq!(run(&mut state, &at(3, bob), &approve("phb-7", 4)), Err(Refusal::PayeeUnknown));
    assert_eq!(run(&mut state, &at(4, alice), &propose("phb-7", 11)), Ok(Event::PayeeProposed));
    assert_eq!(run(&mut state, &at(5, alice), &propose("phb-7", 12)), Err(Refusal::PayeeOfAnotherPerson));
    assert_eq!(run(&mut state, &at(5, bob), &approve("phb-7", 3)), Err(Refusal::ProposalUnknown));
    assert_eq!(run(&mut state, &at(5, alice), &approve("phb-7", 4)), Err(Refusal::SamePerson));
    assert_eq!((state.payees_count(), state.proposals_count()), (0, 1));
    assert_eq!(run(&mut state, &at(6, bob), &approve("phb-7", 4)), Ok(Event::PayeeApproved));
    assert_eq!(state.payee(&plan).unwrap().in_force, Some(Position::new(4)));

    // A change by the second needs the first; until then the old details stay in force.
    assert_eq!(run(&mut state, &at(7, bob), &propose("phb-7", 11)), Ok(Event::PayeeProposed));
    assert_eq!(state.payee(&plan).unwrap().in_force, Some(Position::new(4)));
    assert_eq!(run(&mut state, &at(8, bob), &approve("phb-7", 7)), Err(Refusal::SamePerson));
    assert_eq!(run(&mut state, &at(9, alice), &approve("phb-7", 7)), Ok(Event::PayeeApproved));
    assert_eq!(state.payee(&plan).unwrap().in_force, Some(Position::new(7)));
    assert_eq!((state.payees_count(), state.proposals_count()), (1, 0));
}

#[test]
fn reads_are_noted_about_known_people() {
    let mut state = opened();
    run(&mut state, &at(2, 0), &mint(&[(1, 11)])).unwrap();
    let note = |people: &[u8]| {
        Command::NoteRead(NoteRead {
            purpose: Purpose::Payment,
            pseudonyms: people.iter().map(|byte| Pseudonym::new([*byte; 16])).collect(),
        })
    };
    assert_eq!(run(&mut state, &at(3, 0), &note(&[])), Err(Refusal::BatchSize));
    assert_eq!(run(&mut state, &at(3, 0), &note(&[11, 12])), Err(Refusal::PersonUnknown));
    assert_eq!(run(&mut state, &at(3, 0), &note(&[11])), Ok(Event::ReadNoted));
    assert_eq!(Identity::decide(&state, &at(4, 0), &note(&[11; 1_001])), Err(Refusal::BatchSize));
    assert_eq!(state.reads_count(), 1);
}

/// Golden bodies: they stand in journals, so they never change.
#[test]
fn bodies_are_these_bytes() {
    let hex = |command: &Command, outcome: &Outcome<Event, Refusal>| {
        let mut body = Vec::new();
        Identity::encode(command, outcome, &mut body);
        body.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let accepted = |event| Outcome::Accepted(smallvec::smallvec![event]);
    let small = PersonRow { sealed: Sealed(vec![0xaa]), wrapped_key: Sealed(vec![0xbb]), ..row(1, 2) };
    let table = [
        hex(&keys(), &accepted(Event::KeysAdopted)),
        hex(
            &Command::MintPersons(MintPersons { generation: 1, rows: vec![small] }),
            &accepted(Event::PersonsMinted { known: vec![0] }),
        ),
        hex(&approve("phb-7", 4), &Outcome::Refused(Refusal::SamePerson)),
        hex(
            &Command::NoteRead(NoteRead {
                purpose: Purpose::Audit,
                pseudonyms: vec![Pseudonym::new([3; 16])],
            }),
            &accepted(Event::ReadNoted),
        ),
    ];
    expect_test::expect![[r#"
        82835001010101010101010101010101010101015002020202020202020202020202020202820081820080
        82820181845001010101010101010101010101010101500202020202020202020202020202020241aa41bb8200818201818100
        8282657068622d3704820108
        828205815003030303030303030303030303030303820081820480"#]]
    .assert_eq(&table.join("\n"));
}

#[test]
fn bytes_that_are_no_body_are_refused() {
    assert!(Identity::decode(Kind(99), &[0x82, 0x80, 0x80], &NoBlobs).is_err());
    assert!(Identity::decode(Kind(100), &[], &NoBlobs).is_err());
    let mut body = Vec::new();
    Identity::encode(&keys(), &Outcome::Refused(Refusal::KeysDiffer), &mut body);
    body.push(0);
    assert!(Identity::decode(Kind(100), &body, &NoBlobs).is_err());
}

/// Whatever is printed of this crate's values, no number, name or bank detail is in it.
#[test]
fn nothing_printed_names_anyone() {
    let secrets = ["9434765919", "943 476 5919", "Jane Example", "089999", "08-99-99", "66374958"];
    let number: NhsNumber = secrets[0].parse().unwrap();
    let owner = Pseudonym::new([5; 16]);
    let plan: PayeeId = "phb-7".parse().unwrap();
    let details = PayeeDetails {
        account_name: AccountName::new(secrets[2]).unwrap(),
        sort_code: secrets[3].parse().unwrap(),
        account_number: secrets[5].parse().unwrap(),
    };
    let index = IndexKey::new(&[1; 32]);
    let generation = GenerationKey::new(1, &[2; 32]);
    let person = PersonKey::new([3; 32]);
    let sealed = person.seal_payee(&details, [4; 12], owner, &plan);
    let command = Command::MintPersons(MintPersons {
        generation: 1,
        rows: vec![PersonRow {
            blind_index: index.blind_index(number),
            pseudonym: owner,
            sealed: person.seal_number(number, [4; 12], owner),
            wrapped_key: generation.wrap(&person, [4; 12], owner),
        }],
    });
    let mut state = opened();
    let event = run(&mut state, &at(2, 0), &command);
    let mut printed =
        format!("{number:?} {details:?} {index:?} {generation:?} {person:?} {sealed:?} {command:?}");
    printed += &format!("{event:?} {state:?} {:?}", details.account_name);
    printed += &format!("{:?}", person.open_number(&sealed, owner));
    for text in secrets {
        printed += &format!("{:?}", text.parse::<PayeeId>().map_err(|error| (error, error.to_string())));
        printed += &format!("{:?}", AccountName::new(&format!(" {text}")).map_err(|e| (e, e.to_string())));
        printed += &format!("{:?}", "x".parse::<NhsNumber>().map_err(|error| error.to_string()));
    }
    for refusal in Refusal::ALL {
        printed += &format!("{refusal:?} {} {}", refusal.reason(), refusal.message());
    }
    let bytes = {
        let mut body = Vec::new();
        Identity::encode(&command, &Outcome::Refused(Refusal::BatchSize), &mut body);
        body
    };
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} is printed");
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    let plain = number.reveal().to_be_bytes();
    assert!(!bytes.windows(5).any(|window| window == &plain[3..]), "the number's bytes are sealed");
}

fn any_command() -> impl Strategy<Value = Command> {
    let person = 0..6_u8;
    prop_oneof![
        Just(keys()),
        proptest::collection::vec((person.clone(), person.clone()), 0..6).prop_map(|rows| mint(&rows)),
        (1..3_u8, person.clone()).prop_map(|(plan, who)| propose(&format!("phb-{plan}"), who)),
        (1..3_u8, 0..40_u64).prop_map(|(plan, proposal)| approve(&format!("phb-{plan}"), proposal)),
        proptest::collection::vec(person, 0..4).prop_map(|people| Command::NoteRead(NoteRead {
            purpose: Purpose::InvoiceValidation,
            pseudonyms: people.iter().map(|byte| Pseudonym::new([*byte; 16])).collect(),
        })),
    ]
}

proptest! {
    #[test]
    fn pseudonyms_stay_and_replay_is_equal(commands in proptest::collection::vec((any_command(), 0..2_u64), 0..40)) {
        let mut state = State::default();
        let mut records = Vec::new();
        for (index, (command, caller)) in (0_u64..).zip(&commands) {
            let at = at(index, *caller);
            let before = state.clone();
            let outcome = match run(&mut state, &at, command) {
                Ok(event) => Outcome::Accepted(smallvec::smallvec![event]),
                Err(refusal) => { prop_assert_eq!(&state, &before, "a refusal changes nothing"); Outcome::Refused(refusal) }
            };
            for (blind, pseudonym) in &before.by_index {
                prop_assert_eq!(state.by_index.get(blind), Some(pseudonym));
            }
            prop_assert_eq!(state.by_index.len(), state.by_pseudonym.len());
            let mut body = Vec::new();
            Identity::encode(command, &outcome, &mut body);
            records.push((at, Identity::kind(command), body));
        }
        let mut replayed = State::default();
        for (at, kind, body) in records {
            let (command, outcome) = Identity::decode(kind, &body, &NoBlobs).unwrap();
            if let Outcome::Accepted(events) = outcome {
                for event in &events {
                    Identity::apply(&mut replayed, &at, &command, event);
                }
            }
        }
        prop_assert_eq!(replayed, state);
    }

    #[test]
    fn any_bytes_are_answered(kind in 95..110_u16, body in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Identity::decode(Kind(kind), &body, &NoBlobs);
    }
}
