//! One posting in each call, beside an echo of the same messages: what group commit is for.
//!
//! The two are measured in turn, several times over, because other work on the machine slows both.

use crate::echo::EchoProcess;
use crate::measure::{Calls, processor_micros, unary};
use crate::over_grpc::{SYSTEM, id};
use crate::support::{Installation, Process};
use proto::google::r#type::Date;
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::ledger::v1::{
    EntryKind, Leg, OpenAccountsRequest, PostEntriesRequest, PostEntriesResponse, Posting, PostingMode, Side,
    posting_outcome::Outcome,
};
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

const ROUNDS: usize = 5;
const CALLERS: usize = 64;
const EACH: usize = 100;

pub(crate) async fn all(installation: &Installation, process: &Process, echo: &EchoProcess) -> Value {
    let accounts = accounts(installation.connect(process, "finance-preparer").await).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..CALLERS {
        ours.push(installation.connect(process, "finance-preparer").await);
        theirs.push(installation.connect_to(&echo.address, "finance-preparer").await);
    }
    let mut first = 1 << 40;
    let mut measured = |callers: usize, each: usize| {
        first += callers * each;
        (Calls { callers, each }, first - callers * each)
    };
    let mut alone = Rounds::default();
    let mut together = Rounds::default();
    let mut one_connection = Rounds::default();
    let (our_server, their_server) = (process.id().to_string(), echo.id().to_string());
    for _ in 0..ROUNDS {
        for (rounds, callers, each, connections) in [
            (&mut alone, 1, 500, 1),
            (&mut together, CALLERS, EACH, CALLERS),
            (&mut one_connection, CALLERS, EACH, 1),
        ] {
            let (calls, ids) = measured(callers, each);
            let channels = theirs.clone();
            let cost = Cost::so_far(&their_server);
            rounds.echo.push(
                unary(calls, move |caller, n| {
                    echoed(channels[caller % connections].clone(), accounts, ids + caller * each + n)
                })
                .await,
            );
            cost.add_to(&mut rounds.echo_cost, &their_server);
            let channels = ours.clone();
            let cost = Cost::so_far(&our_server);
            rounds.ledger.push(
                unary(calls, move |caller, n| {
                    posted(channels[caller % connections].clone(), accounts, ids + caller * each + n)
                })
                .await,
            );
            cost.add_to(&mut rounds.ledger_cost, &our_server);
            rounds.calls += (callers * each) as u64;
        }
    }
    json!({
        "1_caller": alone.summary(),
        "64_callers_each_with_a_connection": together.summary(),
        "64_callers_on_one_connection": one_connection.summary(),
    })
}

#[derive(Default)]
struct Rounds {
    echo: Vec<Value>,
    ledger: Vec<Value>,
    echo_cost: Cost,
    ledger_cost: Cost,
    calls: u64,
}

/// Processor time in microseconds, of the callers' process and of the server's.
#[derive(Default)]
struct Cost {
    callers: u64,
    server: u64,
}

impl Cost {
    fn so_far(server: &str) -> Self {
        Self { callers: processor_micros("self"), server: processor_micros(server) }
    }

    /// Adds what was used since.
    fn add_to(&self, sum: &mut Self, server: &str) {
        let now = Self::so_far(server);
        sum.callers += now.callers - self.callers;
        sum.server += now.server - self.server;
    }

    fn of_a_call(&self, calls: u64) -> Value {
        json!({ "callers": self.callers / calls.max(1), "server": self.server / calls.max(1) })
    }
}

impl Rounds {
    /// The round of median rate of each, and how the two compare.
    fn summary(mut self) -> Value {
        let rate = |round: &Value| round["per_second"].as_u64().unwrap_or_default();
        self.echo.sort_by_key(rate);
        self.ledger.sort_by_key(rate);
        let (echo, ledger) = (&self.echo[ROUNDS / 2], &self.ledger[ROUNDS / 2]);
        let percent = rate(ledger) * 100 / rate(echo).max(1);
        let cost = json!({
            "bare_echo": self.echo_cost.of_a_call(self.calls),
            "ledger": self.ledger_cost.of_a_call(self.calls),
        });
        json!({
            "bare_echo": echo,
            "ledger": ledger,
            "percent_of_the_echo": percent,
            "processor_microseconds_a_call": cost,
        })
    }
}

async fn accounts(channel: Channel) -> [u64; 2] {
    let line = "10N/elective/2017-18";
    let open = OpenAccountsRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        paths: vec![format!("{line}/fund/expenditure/third-party"), format!("{line}/owed/contested/NV3")],
    };
    let opened = LedgerServiceClient::new(channel).open_accounts(open).await.unwrap();
    let accounts = opened.into_inner().accounts;
    [accounts[0].number, accounts[1].number]
}

fn request([expenditure, contested]: [u64; 2], n: usize) -> PostEntriesRequest {
    let leg = |account, side: Side| Leg { account, side: side.into(), amount_pence: 106_00, window: None };
    let posting = Posting {
        request_id: id(n),
        kind: EntryKind::Contest.into(),
        effective_date: Some(Date { year: 2017, month: 8, day: 1 }),
        legs: vec![leg(expenditure, Side::Debit), leg(contested, Side::Credit)],
        ..Posting::default()
    };
    PostEntriesRequest {
        system: SYSTEM.into(),
        mode: PostingMode::Each.into(),
        postings: vec![posting],
        ..PostEntriesRequest::default()
    }
}

fn check(answer: &PostEntriesResponse) {
    assert!(matches!(answer.outcomes[0].outcome, Some(Outcome::Posted(_))), "{answer:?}");
}

async fn posted(channel: Channel, accounts: [u64; 2], n: usize) {
    let answer = LedgerServiceClient::new(channel).post_entries(request(accounts, n)).await.unwrap();
    check(answer.get_ref());
}

async fn echoed(channel: Channel, accounts: [u64; 2], n: usize) {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/bench.Echo/Postings");
    let request = tonic::Request::new(request(accounts, n));
    let answer: tonic::Response<PostEntriesResponse> =
        grpc.unary(request, path, ProstCodec::default()).await.unwrap();
    check(answer.get_ref());
}
