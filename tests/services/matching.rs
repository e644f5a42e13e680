//! A commissioner's SUS extract against what was billed, over gRPC, through a restart.

use crate::world::{SYSTEM, World, date, elective, id, reason};
use proto::referrals::v1::{self, MatchClass, matching_service_client::MatchingServiceClient};
use tonic::transport::Channel;

const FLEX: &str = "2017-06";

pub(crate) fn flex() -> Option<v1::Cut> {
    Some(v1::Cut { period: FLEX.into(), stage: v1::CutStage::Flex.into() })
}

/// Six attendances, alternately of 10M and 10N by the practice, all billed to 10M.
fn billed(number: u32) -> v1::ActivityLine {
    v1::ActivityLine {
        nhs_number: (number..).find_map(nhs::NhsNumber::of_test_range).unwrap().reveal_text(),
        commissioner: "10M".into(),
        local_identifier: format!("ATT-{number}"),
        claimed_mff: "1.149759".into(),
        ..elective::attendance(number)
    }
}

/// The same as SUS has it.
pub(crate) fn sus(number: u32) -> v1::SusRow {
    let line = billed(number);
    v1::SusRow {
        cds_identifier: line.cds_identifier,
        local_identifier: line.local_identifier,
        activity_date: line.start_date,
        commissioner: line.commissioner,
        point_of_delivery: line.point_of_delivery,
        hrg: line.hrg,
        mff: line.claimed_mff,
        price_pence: line.claimed_pence,
    }
}

pub(crate) async fn submit(world: &mut World) -> u64 {
    let open = v1::OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: id(100),
        provider: "NT3".into(),
        file_digest: vec![1; 32],
        again: false,
    };
    let opened = world.referrals.open_submission(open).await.unwrap().into_inner();
    let request = v1::SubmitActivityRequest {
        system: SYSTEM.into(),
        submission_id: opened.submission_id,
        first_row: 1,
        lines: (0..6).map(|n| billed(n * 20)).collect(),
        validate_only: false,
    };
    let answers = world.referrals.submit_activity(request).await.unwrap().into_inner().answers;
    assert!(answers.iter().all(|answer| answer.answer() == v1::Answer::Accepted), "{answers:?}");
    answers.iter().filter_map(|answer| answer.position).max().unwrap()
}

pub(crate) fn store(rows: Vec<v1::SusRow>) -> v1::StoreExtractRowsRequest {
    v1::StoreExtractRowsRequest {
        system: SYSTEM.into(),
        provider: "NT3".into(),
        period: FLEX.into(),
        first_row: 0,
        rows,
    }
}

pub(crate) fn adopt(number: u32, parts: Vec<Vec<u8>>) -> v1::AdoptExtractRequest {
    v1::AdoptExtractRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        provider: "NT3".into(),
        cut: flex(),
        file_digest: vec![2; 32],
        parts,
    }
}

fn compare() -> v1::CompareActivityRequest {
    v1::CompareActivityRequest {
        system: SYSTEM.into(),
        provider: "NT3".into(),
        cut: flex(),
        min_position: None,
    }
}

async fn client(world: &World) -> MatchingServiceClient<Channel> {
    MatchingServiceClient::connect(format!("http://{}", world.address())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classes_explain_the_difference_and_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path()).await;
    world.register().await;
    submit(&mut world).await;
    let mut matching = client(&world).await;
    let unknown = matching.compare_activity(compare()).await.unwrap_err();
    assert_eq!(reason(&unknown), "EXTRACT_UNKNOWN");

    // The first equal, one dearer, one of another commissioner, one found by its attendance, one missing; one more.
    let rows = [
        sus(0),
        v1::SusRow { price_pence: 160_00, ..sus(20) },
        v1::SusRow { commissioner: "10N".into(), ..sus(40) },
        v1::SusRow { cds_identifier: "OTHER".into(), ..sus(60) },
        sus(80),
        v1::SusRow { activity_date: date((2017, 6, 2)), ..sus(777) },
    ];
    let bad = vec![sus(0), v1::SusRow { hrg: "?".into(), activity_date: date((2017, 7, 1)), ..sus(1) }];
    let refused = matching.store_extract_rows(store(bad)).await.unwrap().into_inner();
    assert!(refused.part.is_empty());
    let problems: Vec<_> =
        refused.problems.iter().map(|problem| problem.problem.clone().unwrap().field).collect();
    assert_eq!((problems, refused.problems[0].row), (vec!["activity_date".to_owned(), "hrg".to_owned()], 2));

    let mut parts = Vec::new();
    for rows in rows.chunks(4) {
        let stored = matching.store_extract_rows(store(rows.to_vec())).await.unwrap().into_inner();
        parts.push(stored.part);
    }
    let missing = matching.adopt_extract(adopt(200, vec![vec![9; 32]])).await.unwrap_err();
    assert_eq!(reason(&missing), "PART_UNKNOWN");
    let first = matching.adopt_extract(adopt(201, parts.clone())).await.unwrap().into_inner();
    let extract = first.extract.clone().unwrap();
    assert_eq!((first.existing, extract.version, extract.rows), (false, 1, 6));
    let replayed = matching.adopt_extract(adopt(201, parts.clone())).await.unwrap().into_inner();
    assert!(replayed.recorded.unwrap().replayed);
    let again = matching.adopt_extract(adopt(202, parts)).await.unwrap().into_inner();
    assert_eq!((again.existing, again.extract), (true, first.extract));

    let answer = matching.compare_activity(compare()).await.unwrap().into_inner();
    assert_eq!(answer.extract.as_ref().map(|extract| extract.rows), Some(6));
    let billed: i64 = answer.rows.iter().map(|row| row.billed_pence).sum();
    let in_sus: i64 = answer.rows.iter().map(|row| row.sus_pence).sum();
    let explained: i64 = answer.rows.iter().map(|row| row.difference_pence).sum();
    assert_eq!((billed, in_sus), (6 * 166_72, 5 * 166_72 + 160_00));
    assert_eq!(explained, billed - in_sus);
    let classes: Vec<_> = answer
        .rows
        .iter()
        .map(|row| (row.commissioner.as_str(), row.class(), row.billed_lines, row.sus_rows))
        .collect();
    assert_eq!(
        classes,
        [
            ("10M", MatchClass::Equal, 3, 3),
            ("10M", MatchClass::CommissionerDiffers, 1, 0),
            ("10M", MatchClass::PriceDiffers, 1, 1),
            ("10M", MatchClass::InSlamNotInSus, 1, 0),
            ("10M", MatchClass::InSusNotInSlam, 0, 1),
            ("10N", MatchClass::CommissionerDiffers, 0, 1),
        ]
    );

    drop(matching);
    world.stop().await;
    let world = World::start(folder.path()).await;
    let mut matching = client(&world).await;
    let after = matching.compare_activity(compare()).await.unwrap().into_inner();
    assert_eq!(after.rows, answer.rows);
    let pairs = listed(&mut matching, MatchClass::Unspecified).await;
    assert_eq!(pairs.len(), 7);
    let only = listed(&mut matching, MatchClass::InSlamNotInSus).await;
    assert_eq!(only.len(), 1);
    let line = only[0].billed.clone().unwrap();
    assert_eq!((line.local_identifier.as_str(), line.accepted_pence), ("ATT-100", Some(166_72)));
    drop(matching);
    world.stop().await;
}

/// Every pair, in pages of two.
async fn listed(matching: &mut MatchingServiceClient<Channel>, class: MatchClass) -> Vec<v1::Pair> {
    let (mut pairs, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = proto::common::v1::PageRequest { page_size: 2, page_token };
        let request = v1::ListPairsRequest {
            system: SYSTEM.into(),
            provider: "NT3".into(),
            cut: flex(),
            class: class.into(),
            page: Some(page),
            min_position: None,
        };
        let answer = matching.list_pairs(request).await.unwrap().into_inner();
        assert!(answer.pairs.len() <= 2);
        pairs.extend(answer.pairs);
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            return pairs;
        }
    }
}
