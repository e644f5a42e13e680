//! Months over gRPC: two people, late items.

use super::*;

fn person(id: &str) -> Caller {
    Caller::from_uris([
        &format!("urn:almoner:person:{id}"),
        "urn:almoner:role:finance-approver",
        "urn:almoner:role:finance-preparer",
    ])
    .unwrap()
}

fn soft_close(name: &str, period: &str) -> v1::SoftClosePeriodRequest {
    v1::SoftClosePeriodRequest {
        system: "s".into(),
        request_id: id(name).to_string(),
        period: period.into(),
        reason: "month end".into(),
    }
}

fn approve(name: &str, proposal: &v1::Proposal) -> v1::ApproveProposalRequest {
    v1::ApproveProposalRequest {
        system: "s".into(),
        request_id: id(name).to_string(),
        proposal: proposal.position,
        digest: proposal.digest.clone(),
    }
}

async fn standings(client: &mut Client) -> Vec<i32> {
    let request =
        v1::ListPeriodsRequest { system: "s".into(), financial_year: "2017-18".into(), min_position: None };
    let answer = client.list_periods(request).await.unwrap().into_inner();
    answer.periods.iter().map(|period| period.standing).collect()
}

async fn waiting(client: &mut Client) -> Vec<v1::Proposal> {
    let request = v1::ListProposalsRequest { system: "s".into(), min_position: None };
    client.list_proposals(request).await.unwrap().into_inner().proposals
}

#[tokio::test]
async fn a_soft_closed_month_takes_two_people() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open_as(folder.path(), person("1")).await;
    let (mut ann, mut bob) = (world.client.clone(), world.also_as(person("2")).await);
    let accounts = open(&mut ann).await;
    post(&mut ann, vec![budget(accounts, 1_000)]).await;
    ann.soft_close_period(soft_close("soft", "2017-06")).await.unwrap();
    let again = ann.soft_close_period(soft_close("soft again", "2017-06")).await.unwrap_err();
    assert_eq!(reason_of(&again).as_deref(), Some("PERIOD_SOFT_CLOSED"));

    // By oneself: it lands in the open month, and says where it belongs.
    let june = proto::google::r#type::Date { year: 2017, month: 6, day: 30 };
    let mut late = activity(accounts, "1", EntryKind::Activity, 70);
    late.accounting_date = Some(june);
    let outcome = post(&mut ann, vec![late.clone()]).await;
    let made = posted(&outcome[0]);
    assert_eq!(made.period_of_origin, "2017-06");
    assert!(made.accounting_date.unwrap().year > 2017);
    let get = v1::GetEntryRequest { system: "s".into(), entry: made.entry };
    assert_eq!(ann.get_entry(get).await.unwrap().into_inner().entry.unwrap().period_of_origin, "2017-06");

    // By two.
    let propose = v1::ProposePostingsRequest {
        system: "s".into(),
        request_id: id("propose").to_string(),
        postings: vec![late],
        reason: "a late invoice".into(),
        expire_date: None,
    };
    let proposed = ann.propose_postings(propose.clone()).await.unwrap().into_inner();
    assert_eq!(line(&mut ann).await.accrued_pence, 70, "nothing is posted yet");
    let proposals = waiting(&mut bob).await;
    assert_eq!(proposals.len(), 1);
    assert_eq!(
        (proposals[0].position, &proposals[0].digest),
        (proposed.recorded.as_ref().unwrap().position, &proposed.digest)
    );
    let own = ann.approve_proposal(approve("own", &proposals[0])).await.unwrap_err();
    assert_eq!(reason_of(&own).as_deref(), Some("SAME_PERSON"));
    let mut blind = approve("blind", &proposals[0]);
    blind.digest = vec![0; 32];
    let blind = bob.approve_proposal(blind).await.unwrap_err();
    assert_eq!(reason_of(&blind).as_deref(), Some("DIGEST_MISMATCH"));
    let done = bob.approve_proposal(approve("two", &proposals[0])).await.unwrap().into_inner();
    assert_eq!(done.results[0].accounting_date, Some(june));
    assert_eq!(done.results[0].period_of_origin, "");
    let again = bob.approve_proposal(approve("two", &proposals[0])).await.unwrap().into_inner();
    assert!(again.recorded.unwrap().replayed && again.results[0].replayed);
    assert!(ann.propose_postings(propose).await.unwrap().into_inner().recorded.unwrap().replayed);
    let other = bob.approve_proposal(approve("other", &proposals[0])).await.unwrap_err();
    assert_eq!((other.code(), reason_of(&other).as_deref()), (Code::NotFound, Some("PROPOSAL_UNKNOWN")));
    assert_eq!(line(&mut ann).await.accrued_pence, 140);
    // What two people posted is listed as any entry, with their reason.
    let get = v1::GetEntryRequest { system: "s".into(), entry: done.results[0].entry };
    assert_eq!(ann.get_entry(get).await.unwrap().into_inner().entry.unwrap().reason, "a late invoice");
    let all = list(&mut ann, Some(v1::list_entries_request::Of::Account(accounts[3])), 7).await;
    assert_eq!(all.len(), 2);
    world.close().await;
}

#[tokio::test]
async fn a_month_is_reopened_by_two_people_and_the_books_say_so_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open_as(folder.path(), person("1")).await;
    let (mut ann, mut bob) = (world.client.clone(), world.also_as(person("2")).await);
    let close = v1::ClosePeriodRequest {
        system: "s".into(),
        request_id: id("close").to_string(),
        period: "2017-05".into(),
        reason: "month end".into(),
    };
    ann.close_period(close).await.unwrap();
    ann.soft_close_period(soft_close("soft", "2017-06")).await.unwrap();
    assert_eq!(standings(&mut ann).await, [1, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let reopen = |period: &str| v1::ReopenPeriodRequest {
        system: "s".into(),
        request_id: id(period).to_string(),
        period: period.into(),
        reason: "the trust's return came late".into(),
        expire_date: Some(proto::google::r#type::Date { year: 2999, month: 1, day: 31 }),
    };
    let open = bob.reopen_period(reopen("2017-07")).await.unwrap_err();
    assert_eq!(reason_of(&open).as_deref(), Some("PERIOD_NOT_CLOSED"));
    let first = bob.reopen_period(reopen("2017-05")).await.unwrap().into_inner();
    let withdraw = |name: &str| v1::WithdrawProposalRequest {
        system: "s".into(),
        request_id: id(name).to_string(),
        proposal: first.recorded.as_ref().unwrap().position,
        reason: "June was meant".into(),
    };
    let other = ann.withdraw_proposal(withdraw("not hers")).await.unwrap_err();
    assert_eq!(reason_of(&other).as_deref(), Some("NOT_PROPOSER"));
    bob.withdraw_proposal(withdraw("gone")).await.unwrap();
    assert!(waiting(&mut ann).await.is_empty());
    let again = bob.withdraw_proposal(withdraw("gone again")).await.unwrap_err();
    assert_eq!(reason_of(&again).as_deref(), Some("PROPOSAL_UNKNOWN"));
    let past = v1::ReopenPeriodRequest {
        request_id: id("past").to_string(),
        expire_date: Some(proto::google::r#type::Date { year: 2018, month: 1, day: 31 }),
        ..reopen("2017-05")
    };
    let past = bob.reopen_period(past).await.unwrap_err();
    assert_eq!(reason_of(&past).as_deref(), Some("EXPIRY_PASSED"));
    bob.reopen_period(v1::ReopenPeriodRequest { request_id: id("2").to_string(), ..reopen("2017-05") })
        .await
        .unwrap();
    world.close().await;

    let world = World::open_as(folder.path(), person("1")).await;
    let mut ann = world.client.clone();
    let proposals = waiting(&mut ann).await;
    assert_eq!(proposals[0].reason, "the trust's return came late");
    assert_eq!(proposals[0].expire_date.unwrap().year, 2999);
    assert_eq!(proposals[0].act, Some(v1::proposal::Act::ReopenPeriod("2017-05".into())));
    ann.approve_proposal(approve("reopen", &proposals[0])).await.unwrap();
    assert_eq!(standings(&mut ann).await[1], v1::PeriodStanding::Open as i32);
    assert!(waiting(&mut ann).await.is_empty());
    world.close().await;
}
