//! What settlement asks of the other services.

use journal::{RequestId, Service, SystemName};
use money::NetPence;
use payments::PrivateText;
use proto::{
    common::v1::PageRequest,
    identity::v1::{GetPayeeDetailsRequest, ReadPurpose},
    journal::v1::GetCheckpointRequest,
    ledger::v1 as ledger,
    referrals::v1 as referrals,
};
use server::{NoPeer, PeerChannel, Peers};
use settlement::{
    CutPart, LedgerWindow, PayableAccount, Payee, PlanId, SealedCut, WindowKey, files::PersonDetails,
};
use std::collections::BTreeMap;
use tonic::Status;
use wire::{Pushback, common};

/// The most items of one page.
pub(crate) const PAGE_ITEMS: i32 = 1_000;
/// The most plans of one question to identity.
const PLANS_PER_CALL: usize = 1_000;

/// The services that settlement asks.
#[derive(Debug, Clone)]
pub(crate) struct Others {
    ledger: PeerChannel,
    referrals: PeerChannel,
    identity: PeerChannel,
}

/// What a peer's failure means to whoever called us: it did not answer.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(crate) fn unanswered(status: Status) -> Status {
    let reason = wire::status::reason_of(&status).unwrap_or_default();
    tracing::warn!(code = ?status.code(), reason, "a service that settlement asks did not answer");
    Pushback::Dependency.into()
}

/// A peer answered with something that it never should.
pub(crate) fn nonsense(what: &'static str) -> Status {
    tracing::error!(what, "a service that settlement asks answered what cannot be read");
    Pushback::Dependency.into()
}

impl Others {
    pub(crate) fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self {
            ledger: peers.channel(Service::Ledger)?,
            referrals: peers.channel(Service::Referrals)?,
            identity: peers.channel(Service::Identity)?,
        })
    }

    pub(crate) const fn ledger(&self) -> &PeerChannel {
        &self.ledger
    }

    pub(crate) const fn referrals(&self) -> &PeerChannel {
        &self.referrals
    }

    /// A signed checkpoint of all that `service` (the ledger or referrals) has of `system` now: a signed note.
    pub(crate) async fn checkpoint(&self, system: &SystemName, service: Service) -> Result<String, Status> {
        let channel = if service == Service::Ledger { &self.ledger } else { &self.referrals };
        let request =
            GetCheckpointRequest { system: system.to_string(), service: service.to_string(), current: true };
        Ok(channel.ask(request).await.map_err(unanswered)?.note)
    }

    /// Every window of the ledger. Windows whose names are not of payers and payees that settlement knows are left out.
    pub(crate) async fn windows(&self, system: &SystemName) -> Result<Vec<LedgerWindow>, Status> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = PageRequest { page_size: PAGE_ITEMS, page_token };
            let request = ledger::ListWindowsRequest {
                system: system.to_string(),
                page: Some(page),
                ..Default::default()
            };
            let answer = self.ledger().ask(request).await.map_err(unanswered)?;
            for window in &answer.windows {
                all.push(window_from(window).ok_or_else(|| nonsense("a window"))?);
            }
            page_token = answer.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Every `owed/payable` account.
    pub(crate) async fn payables(&self, system: &SystemName) -> Result<Vec<PayableAccount>, Status> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = PageRequest { page_size: PAGE_ITEMS, page_token };
            let request = ledger::ListAccountsRequest {
                system: system.to_string(),
                page: Some(page),
                ..Default::default()
            };
            let answer = self.ledger().ask(request).await.map_err(unanswered)?;
            for account in &answer.accounts {
                if let Some((line, payee)) = account.path.split_once("/owed/payable/") {
                    all.push(payable(account, line, payee).ok_or_else(|| nonsense("an account"))?);
                }
            }
            page_token = answer.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Every cut that referrals sealed.
    pub(crate) async fn sealed_cuts(&self, system: &SystemName) -> Result<Vec<SealedCut>, Status> {
        let request = referrals::ListCutsRequest { system: system.to_string(), min_position: None };
        let answer = self.referrals().ask(request).await.map_err(unanswered)?;
        let sealed = answer.cuts.iter().filter(|cut| cut.sealed);
        sealed.map(|cut| cut_from(cut).ok_or_else(|| nonsense("a cut"))).collect()
    }

    /// Where the direct payments of plans go, for the file that is about to be written. Plans without approved details are
    /// not among the answers.
    pub(crate) async fn people(
        &self,
        system: &SystemName,
        cause: RequestId,
        plans: &[PlanId],
    ) -> Result<BTreeMap<PlanId, PersonDetails>, Status> {
        let mut found = BTreeMap::new();
        for (chunk, number) in plans.chunks(PLANS_PER_CALL).zip(0_u32..) {
            let request_id = journal::derived_request_id("payees", cause, &number.to_be_bytes());
            let request = GetPayeeDetailsRequest {
                system: system.to_string(),
                request_id: request_id.to_string(),
                payees: chunk.iter().map(|plan| plan.as_str().to_owned()).collect(),
                purpose: ReadPurpose::Payment.into(),
            };
            let answer = self.identity.ask(request).await.map_err(unanswered)?;
            for details in answer.payees {
                let person =
                    (details.payee.parse(), details.sort_code.parse(), details.account_number.parse());
                let (Ok(plan), Ok(sort_code), Ok(account_number)) = person else {
                    return Err(nonsense("a plan's bank details"));
                };
                let name = PrivateText::new(details.account_name);
                found.insert(plan, PersonDetails::new(name.expose(), sort_code, account_number));
            }
        }
        Ok(found)
    }
}

/// A window's key on the ledger's wire.
pub(crate) fn window_key(key: WindowKey) -> ledger::WindowKey {
    use ledger::window_key::Key;
    let key = match key {
        WindowKey::Cut(cut) => {
            let stage = match cut.stage {
                reference::Stage::Flex => ledger::CutStage::Flex,
                reference::Stage::Freeze => ledger::CutStage::Freeze,
            };
            let year = u32::try_from(cut.period.year()).unwrap_or_default();
            let month = u32::try_from(cut.period.month()).unwrap_or_default();
            Key::Cut(ledger::CutKey {
                period: year.saturating_mul(100).saturating_add(month),
                stage: stage.into(),
            })
        }
        WindowKey::Instalment(day) => Key::Instalment(common::day(day)),
        WindowKey::Run(number) => Key::Run(number),
    };
    ledger::WindowKey { key: Some(key) }
}

fn key_from(key: &ledger::WindowKey) -> Option<WindowKey> {
    use ledger::window_key::Key;
    Some(match key.key.as_ref()? {
        Key::Cut(cut) => {
            let stage = match cut.stage() {
                ledger::CutStage::Flex => reference::Stage::Flex,
                ledger::CutStage::Freeze => reference::Stage::Freeze,
                ledger::CutStage::Unspecified => return None,
            };
            let (year, month) = (i16::try_from(cut.period / 100).ok()?, i8::try_from(cut.period % 100).ok()?);
            WindowKey::Cut(reference::Cut { period: nhs::Period::new(year, month).ok()?, stage })
        }
        Key::Instalment(date) => WindowKey::Instalment(common::date_from(*date)?.into()),
        Key::Run(number) => WindowKey::Run(*number),
    })
}

fn window_from(window: &ledger::Window) -> Option<LedgerWindow> {
    let name = window.name.as_ref()?;
    Some(LedgerWindow {
        payer: name.payer.parse().ok()?,
        payee: name.payee.parse::<Payee>().ok()?,
        key: key_from(name.key.as_ref()?)?,
        seq: window.seq,
        total: NetPence::new(window.total_pence),
        sealed: window.sealed,
        paid: NetPence::new(window.paid_pence),
    })
}

fn payable(account: &ledger::Account, line: &str, payee: &str) -> Option<PayableAccount> {
    let totals = account.totals.as_ref()?;
    Some(PayableAccount {
        line: line.parse().ok()?,
        payee: payee.parse().ok()?,
        balance: NetPence::new(totals.credits_pence.checked_sub(totals.debits_pence)?),
    })
}

/// A cut's key from referrals' wire.
pub(crate) fn cut_key(cut: &referrals::Cut) -> Option<reference::Cut> {
    let stage = match cut.stage() {
        referrals::CutStage::Flex => reference::Stage::Flex,
        referrals::CutStage::Freeze => reference::Stage::Freeze,
        referrals::CutStage::Unspecified => return None,
    };
    Some(reference::Cut { period: cut.period.parse().ok()?, stage })
}

fn cut_from(cut: &referrals::CutSummary) -> Option<SealedCut> {
    let part = |total: &referrals::CutTotal| {
        Some(CutPart {
            payer: total.payer.parse().ok()?,
            payee: total.payee.parse().ok()?,
            lines: total.lines,
            payable: NetPence::new(total.payable_pence),
        })
    };
    Some(SealedCut {
        cut: cut_key(cut.cut.as_ref()?)?,
        seal: journal::Position::new(cut.seal.as_ref()?.position),
        parts: cut.totals.iter().map(part).collect::<Option<_>>()?,
    })
}
