//! What follows for the ledger, carried there in journal order.

use journal::{Position, RequestId, Service, SystemName, derived_request_id};
use money::Side;
use proto::{
    common::v1::Cause,
    ledger::v1::{self as ledger, posting_outcome::Outcome},
};
use reference::{Cut, Stage};
use referrals::{Account, HoldAction, Leg, Posting, PostingKind, Referrals, Report, SealWindows};
use server::{
    NoPeer, PeerChannel, Peers,
    journals::{Courier, CourierError, Delivering, Delivery},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};
use tonic::Status;
use wire::common;

/// The most accounts opened, and windows sealed, in one call: what the ledger takes.
const PATHS_PER_CALL_MAX: usize = 1_000;
const WINDOWS_PER_CALL_MAX: usize = 256;

/// Carries reports to the ledger. It knows accounts by their numbers once the ledger has told it.
#[derive(Debug)]
pub struct LedgerCourier {
    channel: PeerChannel,
    accounts: Mutex<HashMap<SystemName, HashMap<Account, u64>>>,
}

/// What the ledger answered to part of a batch.
#[derive(Debug, Default)]
struct Told {
    first: Option<u64>,
    parked: Vec<Position>,
}

impl Told {
    fn at(&mut self, position: u64) {
        self.first = Some(self.first.map_or(position, |first| first.min(position)));
    }
}

impl LedgerCourier {
    /// Tells the ledger over `peers`. Errors when it runs elsewhere and no address is configured.
    pub fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self { channel: peers.channel(Service::Ledger)?, accounts: Mutex::default() })
    }

    async fn tell(
        &self,
        system: &SystemName,
        reports: &[(Position, Report)],
    ) -> Result<Delivery, CourierError> {
        let mut told = Told::default();
        let mut postings = Vec::with_capacity(reports.len());
        for (position, report) in reports {
            match report {
                Report::Post(posting) => postings.push((*position, posting)),
                Report::Seal(seal) => {
                    // What came before stands in its window before that is sealed.
                    self.post(system, &postings, &mut told).await?;
                    postings.clear();
                    self.seal(system, seal, &mut told).await?;
                }
            }
        }
        self.post(system, &postings, &mut told).await?;
        Ok(Delivery { first_position: Position::new(told.first.unwrap_or(0)), parked: told.parked })
    }

    async fn post(
        &self,
        system: &SystemName,
        postings: &[(Position, &Posting)],
        told: &mut Told,
    ) -> Result<(), CourierError> {
        if postings.is_empty() {
            return Ok(());
        }
        self.open_missing(system, postings).await?;
        let messages = {
            let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            let known = accounts.get(system);
            let number =
                |account: &Account| known.and_then(|known| known.get(account)).copied().unwrap_or(u64::MAX);
            postings.iter().map(|(position, posting)| message(*position, posting, &number)).collect()
        };
        let request = ledger::PostEntriesRequest {
            system: system.to_string(),
            request_id: String::new(),
            mode: ledger::PostingMode::Each.into(),
            postings: messages,
            validate_only: false,
        };
        let answer = self.channel.ask(request).await.map_err(failed)?;
        if answer.outcomes.len() != postings.len() {
            return Err(CourierError("the ledger answered another number of postings".to_owned()));
        }
        for ((position, _), outcome) in postings.iter().zip(answer.outcomes) {
            match outcome.outcome {
                Some(Outcome::Posted(posted)) => {
                    posted.entry.iter().for_each(|entry| told.at(entry.position));
                }
                Some(Outcome::Refused(refusal)) => {
                    let reasons: Vec<_> =
                        refusal.problems.iter().map(|problem| problem.reason.as_str()).collect();
                    if refusal.position.is_none() && reasons.iter().any(|reason| is_pushback(reason)) {
                        return Err(CourierError(format!("the ledger pushed back: {}", reasons.join(", "))));
                    }
                    tracing::error!(%system, record = position.get(), ?reasons, "the ledger refused a posting");
                    refusal.position.iter().for_each(|at| told.at(*at));
                    told.parked.push(*position);
                }
                None => return Err(CourierError("the ledger left a posting unanswered".to_owned())),
            }
        }
        Ok(())
    }

    /// Opens the accounts that postings name and the ledger has not yet told the number of.
    async fn open_missing(
        &self,
        system: &SystemName,
        postings: &[(Position, &Posting)],
    ) -> Result<(), CourierError> {
        let missing: Vec<Account> = {
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            let known = accounts.entry(system.clone()).or_default();
            let named = postings.iter().flat_map(|(_, posting)| accounts_of(posting));
            let missing: BTreeSet<Account> = named.filter(|account| !known.contains_key(account)).collect();
            missing.into_iter().collect()
        };
        for missing in missing.chunks(PATHS_PER_CALL_MAX) {
            let request = ledger::OpenAccountsRequest {
                system: system.to_string(),
                request_id: uuid::Uuid::now_v7().to_string(),
                paths: missing.iter().map(ToString::to_string).collect(),
            };
            let opened = self.channel.ask(request).await.map_err(failed)?.accounts;
            if opened.len() != missing.len() {
                return Err(CourierError("the ledger opened another number of accounts".to_owned()));
            }
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            let known = accounts.entry(system.clone()).or_default();
            known.extend(missing.iter().copied().zip(opened.iter().map(|account| account.number)));
        }
        Ok(())
    }

    async fn seal(
        &self,
        system: &SystemName,
        seal: &SealWindows,
        told: &mut Told,
    ) -> Result<(), CourierError> {
        for (part, windows) in seal.windows.chunks(WINDOWS_PER_CALL_MAX).enumerate() {
            let part = u64::try_from(part).unwrap_or(u64::MAX).to_le_bytes();
            let window = |(payer, payee): &(nhs::OdsCode, nhs::OdsCode)| ledger::WindowName {
                payer: payer.to_string(),
                payee: payee.to_string(),
                key: Some(window_key(seal.cut)),
            };
            let request = ledger::SealWindowsRequest {
                system: system.to_string(),
                request_id: derived_request_id("seal-part", seal.request_id, &part).to_string(),
                windows: windows.iter().map(window).collect(),
            };
            let answer = self.channel.ask(request).await.map_err(failed)?;
            answer.recorded.iter().for_each(|recorded| told.at(recorded.position));
        }
        Ok(())
    }
}

impl Courier<Referrals> for LedgerCourier {
    fn target(&self) -> Service {
        Service::Ledger
    }

    fn deliver<'a>(&'a self, system: &'a SystemName, reports: &'a [(Position, Report)]) -> Delivering<'a> {
        Box::pin(self.tell(system, reports))
    }
}

fn failed(status: Status) -> CourierError {
    CourierError::answered(Service::Ledger, &status)
}

/// Whether a reason says that the same posting may be sent again.
fn is_pushback(reason: &str) -> bool {
    wire::Pushback::ALL.iter().any(|pushback| pushback.reason() == reason)
}

fn accounts_of(posting: &Posting) -> impl Iterator<Item = Account> {
    let held = posting.holds.iter().filter_map(|hold| match hold {
        HoldAction::Place { account, .. } => Some(*account),
        HoldAction::Capture { .. } | HoldAction::Release { .. } => None,
    });
    posting.legs.iter().map(|leg| leg.account).chain(held)
}

fn bytes(id: RequestId) -> Vec<u8> {
    id.to_bytes().to_vec()
}

fn message(position: Position, posting: &Posting, number: &impl Fn(&Account) -> u64) -> ledger::Posting {
    let Posting { request_id, kind, effective, legs, holds } = posting;
    ledger::Posting {
        request_id: bytes(*request_id),
        kind: entry_kind(*kind).into(),
        effective_date: Some(common::day(*effective)),
        legs: legs.iter().map(|leg| leg_message(leg, number)).collect(),
        holds: holds.iter().map(|hold| hold_message(hold, number)).collect(),
        cause: Some(Cause { service: Service::Referrals.to_string(), position: position.get() }),
        corrects: None,
        reference: String::new(),
        accounting_date: None,
        on_behalf_of: String::new(),
        reverses_in: String::new(),
        balances: false,
    }
}

const fn entry_kind(kind: PostingKind) -> ledger::EntryKind {
    match kind {
        PostingKind::Referral => ledger::EntryKind::Referral,
        PostingKind::HoldRelease => ledger::EntryKind::HoldRelease,
        PostingKind::Activity => ledger::EntryKind::Activity,
        PostingKind::ActivityVersion => ledger::EntryKind::ActivityVersion,
        PostingKind::Contest => ledger::EntryKind::Contest,
        PostingKind::Recognition => ledger::EntryKind::Recognition,
        PostingKind::ContestOutcome => ledger::EntryKind::ContestOutcome,
        PostingKind::Margin => ledger::EntryKind::ActivityVersion,
    }
}

fn leg_message(leg: &Leg, number: &impl Fn(&Account) -> u64) -> ledger::Leg {
    let Leg { account, side, pence, window } = leg;
    let side = match side {
        Side::Debit => ledger::Side::Debit,
        Side::Credit => ledger::Side::Credit,
    };
    ledger::Leg {
        account: number(account),
        side: side.into(),
        amount_pence: pence.get(),
        window: window.map(|cut| ledger::leg::Window::Adds(window_key(cut))),
    }
}

fn hold_message(hold: &HoldAction, number: &impl Fn(&Account) -> u64) -> ledger::HoldAction {
    use ledger::hold_action::Action;
    let action = match hold {
        HoldAction::Place { account, pence, expires } => Action::Place(ledger::PlaceHold {
            account: number(account),
            amount_pence: pence.get(),
            expire_date: Some(common::day(*expires)),
            name: Vec::new(),
        }),
        HoldAction::Capture { hold, pence } => {
            Action::Capture(ledger::CaptureHold { hold: bytes(*hold), amount_pence: Some(pence.get()) })
        }
        HoldAction::Release { hold } => Action::Release(ledger::ReleaseHold { hold: bytes(*hold) }),
    };
    ledger::HoldAction { action: Some(action) }
}

fn window_key(cut: Cut) -> ledger::WindowKey {
    let stage = match cut.stage {
        Stage::Flex => ledger::CutStage::Flex,
        Stage::Freeze => ledger::CutStage::Freeze,
    };
    let year = u32::try_from(cut.period.year()).unwrap_or(0).saturating_mul(100);
    let period = year.saturating_add(u32::try_from(cut.period.month()).unwrap_or(0));
    ledger::WindowKey {
        key: Some(ledger::window_key::Key::Cut(ledger::CutKey { period, stage: stage.into() })),
    }
}
