//! The service: each method converts, asks the journal, converts.

use crate::{index::Indexes, post};
use journal::{Position, SystemName};
use ledger::Ledger;
use proto::ledger::v1::{self, ledger_service_server::LedgerService};
use server::journals::{Handle, Journals};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use wire::{Fields, PageKey};

/// The ledger's gRPC service.
#[derive(Clone)]
pub struct Adapter {
    journals: Arc<Journals<Ledger>>,
    pub(crate) indexes: Arc<Indexes>,
    pub(crate) page_key: PageKey,
    pub(crate) draining: watch::Receiver<bool>,
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Adapter")
    }
}

impl Adapter {
    pub(crate) const fn new(
        journals: Arc<Journals<Ledger>>,
        indexes: Arc<Indexes>,
        page_key: PageKey,
        draining: watch::Receiver<bool>,
    ) -> Self {
        Self { journals, indexes, page_key, draining }
    }

    /// The journal of a system.
    pub(crate) async fn journal(&self, system: &SystemName) -> Result<Handle<Ledger>, Status> {
        Ok(self.journals.get(system).await?)
    }

    /// The journal of a request that needs nothing else parsed.
    pub(crate) async fn journal_named(&self, system: &str) -> Result<Handle<Ledger>, Status> {
        let mut fields = Fields::new();
        let name = fields.system("system", system);
        let (name,) = fields.known((name,))?;
        self.journal(&name).await
    }
}

/// The position that a read asks for.
pub(crate) fn at_least(min_position: Option<u64>) -> Option<Position> {
    min_position.map(Position::new)
}

/// Returns when the process has been told to stop.
pub(crate) async fn told_to_drain(draining: &mut watch::Receiver<bool>) {
    // A frame that is gone will not serve any more either.
    drop(draining.wait_for(|draining| *draining).await);
}

/// Methods that take the request's message, or the caller and the message.
macro_rules! methods {
    (reads { $($read:ident: $read_request:ident => $read_response:ident = $read_with:ident;)* }
     writes { $($write:ident: $write_request:ident => $write_response:ident = $write_with:ident;)* }
     streams { $($stream:tt)* }) => {
        #[tonic::async_trait]
        impl LedgerService for Adapter {
            $(
                async fn $read(
                    &self,
                    request: Request<v1::$read_request>,
                ) -> Result<Response<v1::$read_response>, Status> {
                    self.$read_with(request.into_inner()).await.map(Response::new)
                }
            )*
            $(
                async fn $write(
                    &self,
                    request: Request<v1::$write_request>,
                ) -> Result<Response<v1::$write_response>, Status> {
                    let caller = Arc::clone(server::caller(&request)?.urn());
                    self.$write_with(caller, request.into_inner()).await.map(Response::new)
                }
            )*
            $($stream)*
        }
    };
}

methods! {
    reads {
        get_account: GetAccountRequest => GetAccountResponse = read_account;
        list_accounts: ListAccountsRequest => ListAccountsResponse = read_accounts;
        get_balance: GetBalanceRequest => GetBalanceResponse = read_balance;
        get_statement: GetStatementRequest => GetStatementResponse = read_statement;
        get_trial_balance: GetTrialBalanceRequest => GetTrialBalanceResponse = read_trial_balance;
        get_line_position: GetLinePositionRequest => GetLinePositionResponse = read_line;
        list_line_positions: ListLinePositionsRequest => ListLinePositionsResponse = read_lines;
        get_entry: GetEntryRequest => GetEntryResponse = read_entry;
        list_entries: ListEntriesRequest => ListEntriesResponse = read_entries;
        list_holds: ListHoldsRequest => ListHoldsResponse = read_holds;
        list_limits: ListLimitsRequest => ListLimitsResponse = read_limits;
        list_due_reversals: ListDueReversalsRequest => ListDueReversalsResponse = read_due_reversals;
        list_proposals: ListProposalsRequest => ListProposalsResponse = read_proposals;
        list_periods: ListPeriodsRequest => ListPeriodsResponse = read_periods;
        list_closed_periods: ListClosedPeriodsRequest => ListClosedPeriodsResponse = read_closed_periods;
    }
    writes {
        open_accounts: OpenAccountsRequest => OpenAccountsResponse = open_accounts;
        close_account: CloseAccountRequest => CloseAccountResponse = close_account;
        post_entries: PostEntriesRequest => PostEntriesResponse = post_entries;
        reverse_entry: ReverseEntryRequest => ReverseEntryResponse = reverse_entry;
        set_limit: SetLimitRequest => SetLimitResponse = set_limit;
        seal_windows: SealWindowsRequest => SealWindowsResponse = seal_windows;
        close_period: ClosePeriodRequest => ClosePeriodResponse = close_period;
        end_year: EndYearRequest => EndYearResponse = end_year;
        soft_close_period: SoftClosePeriodRequest => SoftClosePeriodResponse = soft_close_period;
        propose_postings: ProposePostingsRequest => ProposePostingsResponse = propose_postings;
        approve_proposal: ApproveProposalRequest => ApproveProposalResponse = approve_proposal;
        withdraw_proposal: WithdrawProposalRequest => WithdrawProposalResponse = withdraw_proposal;
        reopen_period: ReopenPeriodRequest => ReopenPeriodResponse = reopen_period;
    }
    streams {
        type StreamPostingsStream = ReceiverStream<Result<v1::StreamPostingsResponse, Status>>;
        type TailEntriesStream = ReceiverStream<Result<v1::TailEntriesResponse, Status>>;

        async fn list_windows(
            &self,
            request: Request<v1::ListWindowsRequest>,
        ) -> Result<Response<v1::ListWindowsResponse>, Status> {
            let caller = server::caller(&request)?;
            self.read_windows(&caller, request.into_inner()).await.map(Response::new)
        }

        async fn stream_postings(
            &self,
            request: Request<Streaming<v1::StreamPostingsRequest>>,
        ) -> Result<Response<Self::StreamPostingsStream>, Status> {
            let caller = Arc::clone(server::caller(&request)?.urn());
            let answers = post::stream(self.clone(), caller, request.into_inner());
            Ok(Response::new(ReceiverStream::new(answers)))
        }

        async fn tail_entries(
            &self,
            request: Request<v1::TailEntriesRequest>,
        ) -> Result<Response<Self::TailEntriesStream>, Status> {
            let answers = self.tail(request.into_inner()).await?;
            Ok(Response::new(ReceiverStream::new(answers)))
        }
    }
}
