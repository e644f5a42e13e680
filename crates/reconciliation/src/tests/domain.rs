//! Two people agree to control totals; records read back.

use crate::*;
use journal::{Digest, Domain, Instant, Moment, NoBlobs, Outcome, Position, RequestId, Service};
use money::NetPence;

const ANN: Position = Position::new(1);
const BOB: Position = Position::new(2);

#[derive(Default)]
struct Run {
    state: State,
    next: u64,
    told: Vec<Report>,
}

impl Run {
    /// Decides, checks that the record reads back, applies.
    fn submit(&mut self, caller: Position, command: &Command) -> Result<Position, Refusal> {
        let mut id = [7; 16];
        id[6] = 0x70;
        id[8] = 0x80;
        let at = Moment {
            position: Position::new(10 + self.next),
            recorded_time: Instant::from_micros(1),
            business_date: "2017-06-01".parse().unwrap(),
            request_id: RequestId::from_bytes(id).unwrap(),
            caller,
        };
        self.next += 1;
        let decided = Reconciliation::decide(&self.state, &at, command);
        let outcome = match &decided {
            Ok(events) => Outcome::Accepted(events.clone()),
            Err(refusal) => Outcome::Refused(*refusal),
        };
        let mut body = Vec::new();
        Reconciliation::encode(command, &outcome, &mut body);
        let read = Reconciliation::decode(Reconciliation::kind(command), &body, &NoBlobs).unwrap();
        assert_eq!((&read.0, &read.1), (command, &outcome));
        for event in decided? {
            Reconciliation::apply(&mut self.state, &at, command, &event);
            Reconciliation::reports(&at, command, &event, &mut self.told);
        }
        Ok(at.position)
    }
}

fn row(organisation: Option<&str>, total: i64) -> Row {
    Row {
        organisation: organisation.map(|code| code.parse().unwrap()),
        total: NetPence::new(total),
        reserve: NetPence::ZERO,
    }
}

fn totals(rows: Vec<Row>) -> ProposeControlTotal {
    let (year, source) = ("2017-18".parse().unwrap(), "illustrative".to_owned());
    ProposeControlTotal { year, rows, source, illustrative: true }
}

#[test]
fn another_person_puts_totals_in_force() {
    let mut run = Run::default();
    let proposed = totals(vec![row(None, -5), row(Some("RHW"), -5), row(Some("10M"), 0)]);
    let proposal = run.submit(ANN, &Command::Propose(proposed.clone())).unwrap();
    let approve = |digest| Command::Approve(ApproveControlTotal { proposal, digest });
    let refused = |refusal| Err(Refusal::Approval(refusal));
    let digest = proposed.digest();
    assert_eq!(run.submit(ANN, &approve(digest)), refused(access::ApprovalRefusal::SamePerson));
    let other = Digest::of(b"other");
    assert_eq!(run.submit(BOB, &approve(other)), refused(access::ApprovalRefusal::DigestMismatch));
    assert_eq!(run.state.totals_of(proposed.year).count(), 0);
    let approved = run.submit(BOB, &approve(digest)).unwrap();
    let found: Vec<_> =
        run.state.totals_of(proposed.year).map(|(body, row)| (body, row.total.get())).collect();
    let code = |code: &str| Some(code.parse().unwrap());
    assert_eq!(found, [(None, -5), (code("10M"), 0), (code("RHW"), -5)]);
    assert!(run.state.totals_of(proposed.year).all(|(_, row)| row.approved_at == approved));
    assert_eq!(run.submit(BOB, &approve(digest)), Err(Refusal::ProposalUnknown { proposal }));
    assert_eq!(run.state.pending().count(), 0);
}

#[test]
fn the_ledger_is_told_what_moved() {
    let mut run = Run::default();
    let mut put = |rows: Vec<Row>| {
        let proposed = totals(rows);
        let proposal = run.submit(ANN, &Command::Propose(proposed.clone())).unwrap();
        let approve = Command::Approve(ApproveControlTotal { proposal, digest: proposed.digest() });
        run.told.clear();
        run.submit(BOB, &approve).unwrap();
        let told: Vec<_> = run.told.iter().map(|report| report.changes.clone()).collect();
        assert!(run.told.windows(2).all(|pair| pair[0].request_id != pair[1].request_id));
        told
    };
    let change = |code: &str, pence| (code.parse().unwrap(), NetPence::new(pence));
    assert_eq!(
        put(vec![row(None, -5), row(Some("RHW"), -5), row(Some("10M"), 0)]),
        [vec![change("RHW", -5)]],
        "the system's row and what does not move are not told"
    );
    assert_eq!(put(vec![row(Some("RHW"), 7)]), [vec![change("RHW", 12)]], "new less old");
    assert!(put(vec![row(Some("RHW"), 7)]).is_empty());
    let many = (0..40_u8).map(|n| row(Some(&format!("Q{n:02}")), 1)).collect();
    let parts: Vec<usize> = put(many).iter().map(Vec::len).collect();
    assert_eq!(parts, [CHANGES_PER_REPORT_MAX, 40 - CHANGES_PER_REPORT_MAX]);
}

#[test]
fn proposals_are_refused_in_order() {
    let mut run = Run::default();
    let mut long = totals(vec![row(None, 1)]);
    long.source = "x".repeat(TEXT_BYTES_MAX + 1);
    let mut negative = totals(vec![row(None, 1), row(Some("RHW"), 1)]);
    negative.rows[1].reserve = NetPence::new(-1);
    let table = [
        (totals(Vec::new()), Refusal::BatchSize),
        (totals(vec![row(None, 1); 201]), Refusal::BatchSize),
        (totals(vec![row(None, 1), row(None, 2)]), Refusal::RowRepeated { row: 1 }),
        (long, Refusal::TextLength),
        (negative, Refusal::ReserveNegative { row: 1 }),
        (
            totals(vec![row(None, TOTAL_MAX), row(Some("RHW"), -TOTAL_MAX - 1)]),
            Refusal::TotalTooLarge { row: 1 },
        ),
    ];
    for (propose, refusal) in table {
        assert_eq!(run.submit(ANN, &Command::Propose(propose)), Err(refusal));
        assert!(Refusal::REASONS.contains(&refusal.reason()));
    }
    for _ in 0..100 {
        run.submit(ANN, &Command::Propose(totals(vec![row(None, 1)]))).unwrap();
    }
    let one_more = Command::Propose(totals(vec![row(None, 1)]));
    assert_eq!(run.submit(ANN, &one_more), Err(Refusal::TooManyProposals));
}

#[test]
fn a_position_is_kept() {
    let mut run = Run::default();
    let record = RecordPosition {
        year: "2017-18".parse().unwrap(),
        sources: vec![(Service::Referrals, Position::new(7)), (Service::Ledger, Position::new(9))],
        pack: Digest::of(b"pack"),
        unexplained: NetPence::ZERO,
        ties: 40,
        breaks: 0,
    };
    let position = run.submit(ANN, &Command::RecordPosition(record.clone())).unwrap();
    let kept: Vec<_> = run.state.positions().map(|(at, kept)| (at, kept.recorded.clone())).collect();
    assert_eq!(kept, [(position, record)]);
}
