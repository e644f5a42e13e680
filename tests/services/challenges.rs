//! Challenges over gRPC: raised by a run or by hand, answered, concluded, and each posting in the payer's books.

use crate::{
    matching::{adopt, flex, store, submit, sus},
    world::{SYSTEM, World, id, reason},
};
use proto::{
    ledger::v1::GetTrialBalanceRequest,
    referrals::v1::{
        self, ChallengeState, challenge_service_client::ChallengeServiceClient,
        matching_service_client::MatchingServiceClient,
    },
};
use tonic::transport::Channel;

const PAYABLE: &str = "10M/elective/2017-18/owed/payable/NT3";
const CONTESTED: &str = "10M/elective/2017-18/owed/contested/NT3";
const PRICE: i64 = 166_72;

async fn client(world: &World) -> ChallengeServiceClient<Channel> {
    ChallengeServiceClient::connect(format!("http://{}", world.address())).await.unwrap()
}

async fn both(world: &mut World) -> (i64, i64) {
    (world.balance(PAYABLE).await, world.balance(CONTESTED).await)
}

fn run(number: u32, stage: v1::CutStage, validate_only: bool) -> v1::RunChallengesRequest {
    let cut = flex().map(|cut| v1::Cut { stage: stage.into(), ..cut });
    v1::RunChallengesRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        provider: "NT3".into(),
        cut,
        validate_only,
    }
}

async fn extract(world: &World, number: u32, stage: v1::CutStage, rows: Vec<v1::SusRow>) {
    let mut matching = MatchingServiceClient::connect(format!("http://{}", world.address())).await.unwrap();
    let part = matching.store_extract_rows(store(rows)).await.unwrap().into_inner().part;
    let cut = flex().map(|cut| v1::Cut { stage: stage.into(), ..cut });
    matching.adopt_extract(v1::AdoptExtractRequest { cut, ..adopt(number, vec![part]) }).await.unwrap();
}

async fn listed(
    challenges: &mut ChallengeServiceClient<Channel>,
    state: ChallengeState,
) -> Vec<v1::Challenge> {
    let request = v1::ListChallengesRequest {
        system: SYSTEM.into(),
        provider: "NT3".into(),
        state: state.into(),
        page: None,
        min_position: None,
    };
    challenges.list_challenges(request).await.unwrap().into_inner().challenges
}

fn conclude(
    number: u32,
    challenge: u64,
    state: ChallengeState,
    upheld: Option<i64>,
) -> v1::ConcludeChallengeRequest {
    v1::ConcludeChallengeRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        challenge,
        state: state.into(),
        upheld_pence: upheld,
        text: "as agreed by telephone".into(),
    }
}

/// Six lines billed, three of 10M and three of 10N. SUS lacks one of 10M's and one of 10N's at flex, and one of 10M's at freeze.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_contested_is_withheld_and_every_conclusion_is_posted() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path()).await;
    world.register().await;
    submit(&mut world).await;
    let mut challenges = client(&world).await;
    let owed = both(&mut world).await;
    assert_eq!(owed.1, 0);
    let numbers = [0, 20, 40, 60, 80, 100];
    extract(&world, 300, v1::CutStage::Flex, numbers[..4].iter().map(|n| sus(*n)).collect()).await;

    let would = challenges.run_challenges(run(310, v1::CutStage::Flex, true)).await.unwrap().into_inner();
    assert_eq!((would.raised, would.grounds[0].code.as_str(), would.grounds[0].count), (2, "NOT_IN_SUS", 2));
    assert_eq!(both(&mut world).await, owed, "nothing was raised yet");
    let ran = challenges.run_challenges(run(311, v1::CutStage::Flex, false)).await.unwrap().into_inner();
    assert_eq!((ran.raised, ran.contested_pence), (2, 2 * PRICE));
    assert_eq!(ran.posting(), v1::Posting::Done);
    let again = challenges.run_challenges(run(312, v1::CutStage::Flex, false)).await.unwrap().into_inner();
    assert_eq!((again.raised, again.passed_over), (0, 2), "each line has one thread");
    let raised = listed(&mut challenges, ChallengeState::Raised).await;
    let withheld: i64 = raised.iter().filter(|row| row.payer == "10M").map(|row| row.amount_pence).sum();
    assert_eq!(both(&mut world).await, (owed.0 - withheld, withheld), "the rest is paid");

    // By hand, a part of another line; answered, agreed in part.
    let hand = v1::RaiseChallengeRequest {
        system: SYSTEM.into(),
        request_id: id(320),
        provider: "NT3".into(),
        cds_identifier: sus(0).cds_identifier,
        line: line(&mut world, &sus(0).cds_identifier).await,
        grounds: Vec::new(),
        amount_pence: Some(100_00),
        percent: Some(80),
        text: "was this a second opinion?".into(),
    };
    let number = v1::RaiseChallengeRequest { text: "see 943 476 5919".into(), ..hand.clone() };
    let refused = challenges.raise_challenge(number).await.unwrap_err();
    assert_eq!(reason(&refused), "TEXT_HOLDS_NHS_NUMBER");
    let by_hand = challenges.raise_challenge(hand.clone()).await.unwrap().into_inner().challenge.unwrap();
    let replayed = challenges.raise_challenge(hand).await.unwrap().into_inner();
    assert!(replayed.recorded.unwrap().replayed && by_hand.grounds == ["MANUAL"]);
    let early =
        challenges.conclude_challenge(conclude(321, by_hand.challenge, ChallengeState::Agreed, Some(1)));
    assert_eq!(reason(&early.await.unwrap_err()), "CHALLENGE_UNANSWERED");
    let answer = v1::AnswerChallengeRequest {
        system: SYSTEM.into(),
        request_id: id(322),
        challenge: by_hand.challenge,
        conceded_pence: 40_00,
        text: "a part of it was".into(),
    };
    challenges.answer_challenge(answer).await.unwrap();
    let agreed = conclude(323, by_hand.challenge, ChallengeState::Agreed, Some(40_00));
    challenges.conclude_challenge(agreed).await.unwrap();
    assert_eq!(both(&mut world).await, (owed.0 - withheld - 40_00, withheld));
    let get =
        v1::GetChallengeRequest { system: SYSTEM.into(), challenge: by_hand.challenge, min_position: None };
    let shown = challenges.get_challenge(get).await.unwrap().into_inner();
    let acts: Vec<_> = shown.thread.iter().map(|entry| (entry.act.as_str(), entry.amount_pence)).collect();
    assert_eq!(acts, [("RAISED", 100_00), ("ANSWERED", 40_00), ("AGREED", 40_00)]);

    // At freeze, where SUS prevails: what it has by now is withdrawn, what it lacks is unpayable.
    let rules = v1::ChallengeRules {
        provider: "NT3".into(),
        from_date: crate::world::date((2017, 6, 1)),
        grounds: vec!["NOT_IN_SUS".into()],
        answer_days: 10,
        raise_days: 20,
        sus_prevails: true,
        percent: 50,
    };
    let set = v1::SetChallengeRulesRequest { system: SYSTEM.into(), request_id: id(330), rules: Some(rules) };
    challenges.set_challenge_rules(set).await.unwrap();
    drop(challenges);
    world.stop().await;
    let mut world = World::start(folder.path()).await;
    let mut challenges = client(&world).await;
    world.advance("2017-08-21T09:00:00Z").await;
    extract(&world, 340, v1::CutStage::Freeze, numbers[..5].iter().map(|n| sus(*n)).collect()).await;
    let ran = challenges.run_challenges(run(341, v1::CutStage::Freeze, false)).await.unwrap().into_inner();
    assert_eq!((ran.raised, ran.unpayable, ran.withdrawn), (0, 1, 1));
    let unpayable = listed(&mut challenges, ChallengeState::Unpayable).await;
    assert_eq!((unpayable.len(), unpayable[0].upheld_pence), (1, Some(PRICE)));
    let ours: i64 = unpayable.iter().filter(|row| row.payer == "10M").map(|row| row.amount_pence).sum();
    assert_eq!(both(&mut world).await, (owed.0 - 40_00 - ours, 0));

    // The totals say the same as the books, and still tie.
    let totals = v1::GetTotalsRequest { system: SYSTEM.into(), provider: "NT3".into(), ..Default::default() };
    let totals = world.referrals.get_totals(totals).await.unwrap().into_inner().totals;
    let payable: i64 = totals.iter().filter(|row| row.payer == "10M").map(|row| row.payable_pence).sum();
    assert_eq!(payable, world.balance(PAYABLE).await);
    for row in &totals {
        let answered =
            row.accepted_pence + row.price_difference_pence + row.contested_pence + row.unreadable_pence;
        assert_eq!(row.claimed_pence, answered);
    }
    let trial = GetTrialBalanceRequest { system: SYSTEM.into(), ..Default::default() };
    assert_eq!(world.ledger.get_trial_balance(trial).await.unwrap().into_inner().difference_pence, 0);
    drop(challenges);
    world.stop().await;
}

async fn line(world: &mut World, cds_identifier: &str) -> u64 {
    let identity = v1::LineIdentity { provider: "NT3".into(), cds_identifier: cds_identifier.into() };
    let key = Some(v1::get_line_request::Key::Identity(identity));
    let get = v1::GetLineRequest { system: SYSTEM.into(), key, min_position: None };
    world.referrals.get_line(get).await.unwrap().into_inner().line.unwrap().position
}
