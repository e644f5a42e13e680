//! The books of a system, read from a server: its ledger, and the records and runs behind the entries.

use crate::cli::Calling;
use anyhow::Context as _;
use clap::Args;
use client::Connection;
use jiff::civil::Date;
use journal::Day;
use proto::{
    Unary,
    common::v1::{PageRequest, PageResponse},
    journal::v1::{GetRecordHeadersRequest, RecordHeader},
    ledger::v1::{self, EntryKind},
    settlement::v1::{ListPaymentsRequest, ListRunsRequest, Payment, SettlementRun},
};
use std::collections::{BTreeMap, BTreeSet};

/// Whose books.
#[derive(Debug, Args)]
pub(crate) struct System {
    /// System; default: the profile's
    #[arg(long)]
    system: Option<String>,
}

/// Books to ask.
pub(crate) struct Books {
    pub(crate) connection: Connection,
    pub(crate) system: String,
}

impl Books {
    /// Reads every page of what `request` makes of a page; `items` takes a page's items and how the listing goes on.
    pub(crate) async fn every<R: Unary, T>(
        &self,
        request: impl Fn(Option<PageRequest>) -> R,
        items: impl Fn(R::Response) -> (Vec<T>, Option<PageResponse>),
    ) -> anyhow::Result<Vec<T>> {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let answer =
                self.connection.ask(request(Some(PageRequest { page_size: 1_000, page_token }))).await?;
            let (mut part, page) = items(answer);
            found.append(&mut part);
            page_token = page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(found);
            }
        }
    }

    pub(crate) fn of(system: System, calling: &Calling) -> anyhow::Result<Self> {
        let (connection, of_profile) = calling.connect()?;
        let system = system.system.or(of_profile);
        let system = system.context("say which system: --system <name>, or one in the profile")?;
        Ok(Self { connection, system })
    }

    /// Every account, and the sums of their totals.
    pub(crate) async fn trial_balance(&self) -> anyhow::Result<v1::GetTrialBalanceResponse> {
        let request = v1::GetTrialBalanceRequest { system: self.system.clone(), ..Default::default() };
        self.connection.ask(request).await.context("reading the trial balance")
    }

    /// Paths of the accounts by their numbers.
    pub(crate) async fn paths(&self) -> anyhow::Result<BTreeMap<u64, String>> {
        let accounts = self.trial_balance().await?.accounts;
        Ok(accounts.into_iter().map(|account| (account.number, account.path)).collect())
    }

    /// The entries that `request` asks for, a page at a time.
    pub(crate) const fn entries(&self, request: v1::ListEntriesRequest) -> EntryPages<'_> {
        EntryPages { books: self, request, page_token: Some(String::new()) }
    }

    /// A request for all entries of the system.
    pub(crate) fn all_entries(&self) -> v1::ListEntriesRequest {
        v1::ListEntriesRequest { system: self.system.clone(), ..Default::default() }
    }

    /// Who made records of a service, when, and what they follow from; by position.
    pub(crate) async fn headers(
        &self,
        service: &str,
        positions: impl IntoIterator<Item = u64>,
    ) -> anyhow::Result<BTreeMap<u64, RecordHeader>> {
        let positions: Vec<u64> = positions.into_iter().collect::<BTreeSet<u64>>().into_iter().collect();
        let mut found = BTreeMap::new();
        for part in positions.chunks(1_000) {
            let request = GetRecordHeadersRequest {
                system: self.system.clone(),
                service: service.to_owned(),
                positions: part.to_vec(),
            };
            let answer = self.connection.ask(request).await;
            let answer = answer.with_context(|| format!("reading who made records of {service}"))?;
            found.extend(answer.headers.into_iter().map(|header| (header.position, header)));
        }
        Ok(found)
    }

    /// Every payment that was told to leave, by its end-to-end id.
    pub(crate) async fn payments(&self) -> anyhow::Result<BTreeMap<String, Payment>> {
        let request = |page| ListPaymentsRequest {
            system: self.system.clone(),
            page,
            ..ListPaymentsRequest::default()
        };
        let found = self.every(request, |answer| (answer.payments, answer.page)).await;
        let found = found.context("listing payments")?;
        Ok(found.into_iter().map(|payment| (payment.end_to_end_id.clone(), payment)).collect())
    }

    /// Every settlement run, by its id.
    pub(crate) async fn runs(&self) -> anyhow::Result<BTreeMap<String, SettlementRun>> {
        let request = |page| ListRunsRequest { system: self.system.clone(), page, min_position: None };
        let found = self.every(request, |answer| (answer.runs, answer.page)).await;
        let found = found.context("listing settlement runs")?;
        Ok(found.into_iter().map(|run| (run.run.clone(), run)).collect())
    }
}

/// Entries a page at a time, as the books stood when the first was read.
pub(crate) struct EntryPages<'a> {
    books: &'a Books,
    request: v1::ListEntriesRequest,
    /// `None` after the last page.
    page_token: Option<String>,
}

impl EntryPages<'_> {
    /// The next page, which may be empty; `None` after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<v1::Entry>>> {
        let Some(page_token) = self.page_token.take() else { return Ok(None) };
        let page = Some(PageRequest { page_size: 1_000, page_token });
        let request = v1::ListEntriesRequest { page, ..self.request.clone() };
        let answer = self.books.connection.ask(request).await.context("listing entries")?;
        let next = answer.page.unwrap_or_default().next_page_token;
        self.page_token = Some(next).filter(|token| !token.is_empty());
        Ok(Some(answer.entries))
    }
}

/// Who stands behind entries.
pub(crate) struct People {
    /// URNs by the position in the ledger that first named them.
    callers: BTreeMap<u64, String>,
    /// Of payments, by end-to-end id: who prepared and who approved their run.
    payments: BTreeMap<String, (String, String)>,
    /// Who called for the causes of the entries met last, by service and position.
    causes: BTreeMap<(String, u64), String>,
}

/// Who prepared an entry, and who approved it where two people had to agree.
pub(crate) struct Acted {
    pub(crate) preparer: String,
    pub(crate) approver: Option<String>,
}

impl People {
    /// Those behind `entries`.
    pub(crate) async fn of(books: &Books, entries: &[v1::Entry]) -> anyhow::Result<Self> {
        let mut people = Self::of_payments(books).await?;
        people.meet(books, entries).await?;
        Ok(people)
    }

    /// Those behind payments; [`People::meet`] adds who is behind entries.
    pub(crate) async fn of_payments(books: &Books) -> anyhow::Result<Self> {
        let runs = books.runs().await?;
        let named = runs.values().flat_map(|run| core::iter::once(run.preparer).chain(run.approver));
        let named = books.headers("settlement", named).await?;
        let name = |at: u64| named.get(&at).map(|header| header.caller.clone()).unwrap_or_default();
        let payments = books.payments().await?.into_iter().filter_map(|(id, payment)| {
            let run = runs.get(&payment.run)?;
            Some((id, (name(run.preparer), run.approver.map(name).unwrap_or_default())))
        });
        Ok(Self { callers: BTreeMap::new(), payments: payments.collect(), causes: BTreeMap::new() })
    }

    /// Learns who is behind the next entries, and forgets what the entries before followed from.
    pub(crate) async fn meet(&mut self, books: &Books, entries: &[v1::Entry]) -> anyhow::Result<()> {
        let named = entries.iter().flat_map(|entry| core::iter::once(entry.caller).chain(entry.proposer));
        let new: BTreeSet<u64> = named.filter(|at| !self.callers.contains_key(at)).collect();
        let headers = books.headers("ledger", new).await?;
        self.callers.extend(headers.into_iter().map(|(at, header)| (at, header.caller)));
        let mut by_service: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for cause in entries.iter().filter_map(|entry| entry.posting.as_ref()?.cause.as_ref()) {
            by_service.entry(cause.service.clone()).or_default().insert(cause.position);
        }
        self.causes.clear();
        for (service, positions) in by_service {
            let headers = books.headers(&service, positions).await?;
            let callers = headers.into_iter().map(|(at, header)| ((service.clone(), at), header.caller));
            self.causes.extend(callers);
        }
        Ok(())
    }

    fn named(&self, at: u64) -> &str {
        self.callers.get(&at).map_or("", String::as_str)
    }

    /// Who acted in an entry. Behind a service stands whoever called it.
    pub(crate) fn behind(&self, entry: &v1::Entry) -> Acted {
        let posting = entry.posting.as_ref();
        let reference = posting.map(|posting| posting.reference.as_str()).unwrap_or_default();
        if let Some((preparer, approver)) = self.payments.get(reference) {
            let approver = Some(approver.clone()).filter(|approver| !approver.is_empty());
            return Acted { preparer: preparer.clone(), approver };
        }
        if let Some(proposer) = entry.proposer {
            let approver = Some(self.named(entry.caller).to_owned());
            return Acted { preparer: self.named(proposer).to_owned(), approver };
        }
        let asked = posting.map(|posting| posting.on_behalf_of.clone()).filter(|urn| !urn.is_empty());
        let cause = posting.and_then(|posting| posting.cause.as_ref());
        let caused = cause.and_then(|cause| self.causes.get(&(cause.service.clone(), cause.position)));
        let caused = caused.cloned().filter(|urn| !urn.is_empty());
        let called = self.named(entry.caller).to_owned();
        Acted { preparer: asked.or(caused).unwrap_or(called), approver: None }
    }

    /// Who prepared and who approved the run of a payment; empty where nobody is known.
    pub(crate) fn agreed(&self, end_to_end_id: &str) -> (&str, &str) {
        let agreed = self.payments.get(end_to_end_id);
        agreed.map_or(("", ""), |(preparer, approver)| (preparer.as_str(), approver.as_str()))
    }

    /// Who called the ledger.
    pub(crate) fn caller(&self, entry: &v1::Entry) -> &str {
        self.named(entry.caller)
    }
}

/// The words of a URN for people: `person:finance-1`.
pub(crate) fn person(urn: &str) -> String {
    urn.trim_start_matches("urn:almoner:").to_owned()
}

/// The sum of an entry's debits, or, when it only moves holds, what it held.
pub(crate) fn amount(entry: &v1::Entry) -> i64 {
    let legs = entry.posting.iter().flat_map(|posting| &posting.legs);
    let debits = legs.filter(|leg| leg.side() == v1::Side::Debit).map(|leg| leg.amount_pence);
    match debits.fold(0_i64, i64::saturating_add) {
        0 => entry.held_pence.iter().copied().fold(0, i64::saturating_add),
        debits => debits,
    }
}

/// The word of an entry's kind: `payment-instructed`.
pub(crate) fn kind(entry: &v1::Entry) -> String {
    let kind = entry.posting.as_ref().map_or(EntryKind::Unspecified, v1::Posting::kind);
    kind_word(kind)
}

/// The word of a kind.
pub(crate) fn kind_word(kind: EntryKind) -> String {
    kind.as_str_name().trim_start_matches("ENTRY_KIND_").to_lowercase().replace('_', "-")
}

/// The name of an entry: `812`, or `812/3` in a group.
pub(crate) fn name(entry: &v1::Entry) -> String {
    let v1::EntryName { position, index } = entry.name.unwrap_or_default();
    if index == 0 { position.to_string() } else { format!("{position}/{index}") }
}

/// A date of a message. The server gives full dates; anything else is the first of all days.
pub(crate) fn day(date: Option<proto::google::r#type::Date>) -> Day {
    Day::from(date.and_then(wire::common::date_from).unwrap_or(Date::MIN))
}

/// A date for people.
pub(crate) fn dated(date: Option<proto::google::r#type::Date>) -> String {
    date.and_then(wire::common::date_from).map(|date| date.to_string()).unwrap_or_default()
}

/// When an entry was recorded, in UTC.
pub(crate) fn recorded(entry: &v1::Entry) -> String {
    let instant = entry.recorded_time.and_then(wire::common::instant_from);
    instant.map(|instant| instant.to_string()).unwrap_or_default()
}
