//! Why an entry is in the books: the chain from it to the referral, the activity line, the price rule, the run and the bank's
//! word, each read from the service that has it.

use super::books::{Books, People, dated, kind, name};
use crate::output::pounds;
use proto::{
    health_budgets::v1::{GetSpendRequest, SpendState},
    ledger::v1::{self, leg::Window},
    referrals::v1::{
        Answer, GetLineRequest, GetReferralLifeRequest, GetReferralLifeResponse, Line, get_line_request,
        get_referral_life_request,
    },
    settlement::v1::{GetRunRequest, Payment, RunRow, SettlementRun},
};
use std::collections::BTreeMap;
use tonic::Code;

/// What is read once for all chains.
pub(crate) struct Evidence<'a> {
    books: &'a Books,
    pub(crate) people: &'a People,
    pub(crate) paths: BTreeMap<u64, String>,
    runs: BTreeMap<String, SettlementRun>,
    /// Payments by end-to-end id.
    payments: BTreeMap<String, Payment>,
    /// What runs pay, by payee's account path and window in words.
    paid: BTreeMap<(String, String), Vec<RunRow>>,
}

/// The last part of an enum's name, in words: `ANSWER_ACCEPTED` is `accepted`.
fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

/// A window in the words of runs: `cut 2017-06 freeze`.
fn window_name(key: &v1::WindowKey) -> String {
    let mut fields = wire::Fields::new();
    wire::ledger::key_from(&mut fields, key).map(|key| key.to_string()).unwrap_or_default()
}

impl<'a> Evidence<'a> {
    /// Reads accounts, runs and payments.
    pub(crate) async fn of(books: &'a Books, people: &'a People) -> anyhow::Result<Self> {
        let (paths, runs, payments) = (books.paths().await?, books.runs().await?, books.payments().await?);
        let mut paid: BTreeMap<(String, String), Vec<RunRow>> = BTreeMap::new();
        for run in runs.keys() {
            let request =
                GetRunRequest { system: books.system.clone(), run: run.clone(), ..Default::default() };
            for row in books.connection.ask(request).await?.rows {
                if row.payment.is_none() {
                    continue;
                }
                for part in &row.windows {
                    let account = format!("{}/owed/payable/{}", row.line, row.payee);
                    paid.entry((account, part.window.clone())).or_default().push(row.clone());
                }
            }
        }
        Ok(Self { books, people, paths, runs, payments, paid })
    }

    /// The chain behind an entry, a line a step, from the entry down to the bank.
    pub(crate) async fn chain(&self, entry: &v1::Entry) -> anyhow::Result<Vec<String>> {
        let mut steps = vec![self.entry(entry)];
        let posting = entry.posting.clone().unwrap_or_default();
        steps.extend(posting.corrects.map(|by| format!("corrects entry {}", by.position)));
        steps.extend(entry.reversed_by.map(|by| format!("reversed by entry {}", by.position)));
        if let Some(cause) = &posting.cause {
            match cause.service.as_str() {
                "referrals" => self.referrals(cause.position, &mut steps).await?,
                "health-budgets" => self.spend(cause.position, &mut steps).await?,
                _ => {}
            }
            steps.extend(self.record(&cause.service, cause.position).await?);
        }
        if let Some(payment) = self.payments.get(&posting.reference) {
            self.payment(payment, &mut steps);
        }
        for (account, window) in self.windows(entry) {
            let rows = self.paid.get(&(account.clone(), window.clone()));
            if rows.is_none() {
                steps.push(format!("window {window} of {account}: in no run so far"));
            }
            for payment in rows.into_iter().flatten().filter_map(|row| row.payment.as_ref()) {
                steps.push(format!("window {window} of {account} is paid by"));
                self.payment(payment, &mut steps);
            }
        }
        Ok(steps)
    }

    /// What became of the money of an entry: each window that it added to, with the account, the payments that pay it, and the run of
    /// each.
    pub(crate) fn money(&self, entry: &v1::Entry) -> Vec<(String, String, Vec<&Payment>)> {
        let of = |(account, window): (String, String)| {
            let rows = self.paid.get(&(account.clone(), window.clone()));
            let payments = rows.into_iter().flatten().filter_map(|row| row.payment.as_ref());
            (account, window, payments.collect())
        };
        self.windows(entry).into_iter().map(of).collect()
    }

    /// The windows that an entry added to, with the account of each.
    fn windows(&self, entry: &v1::Entry) -> Vec<(String, String)> {
        let legs = entry.posting.iter().flat_map(|posting| &posting.legs).enumerate();
        let adding = legs.filter(|(_, leg)| matches!(leg.window, Some(Window::Adds(_))));
        let found = adding.filter_map(|(index, leg)| {
            let step = entry.windows.iter().find(|step| usize::try_from(step.leg) == Ok(index))?;
            Some((self.paths.get(&leg.account)?.clone(), window_name(step.key.as_ref()?)))
        });
        found.collect()
    }

    fn entry(&self, entry: &v1::Entry) -> String {
        let posting = entry.posting.as_ref();
        let acted = self.people.behind(entry);
        let approver = acted.approver.map(|approver| format!(", approved by {approver}")).unwrap_or_default();
        let reference = posting.map(|posting| posting.reference.as_str()).filter(|text| !text.is_empty());
        let reference = reference.map(|text| format!(", reference {text}")).unwrap_or_default();
        format!(
            "ledger entry {}: {}{reference}, happened {}, accounted for {}, by {}{approver}",
            name(entry),
            kind(entry),
            dated(posting.and_then(|posting| posting.effective_date)),
            dated(entry.accounting_date),
            acted.preparer,
        )
    }

    /// Who made a record of another service.
    async fn record(&self, service: &str, position: u64) -> anyhow::Result<Option<String>> {
        let headers = self.books.headers(service, [position]).await?;
        Ok(headers.get(&position).map(|header| {
            let time = header.recorded_time.and_then(wire::common::instant_from);
            let time = time.map(|time| time.to_string()).unwrap_or_default();
            let caller = &header.caller;
            let followed = header.cause.as_ref();
            let followed = followed.map(|cause| format!(", from {} {}", cause.service, cause.position));
            format!("{service} record {position}: {time}, by {caller}{}", followed.unwrap_or_default())
        }))
    }

    async fn referrals(&self, position: u64, steps: &mut Vec<String>) -> anyhow::Result<()> {
        let key = Some(get_line_request::Key::Position(position));
        let request = GetLineRequest { system: self.books.system.clone(), key, ..Default::default() };
        let referral = match self.books.connection.ask(request).await {
            Ok(answer) => {
                let line = answer.line.unwrap_or_default();
                describe_line(&line, steps);
                line.referral
            }
            // The record is the referral's own, or one that ends it.
            Err(status) if status.code() == Code::NotFound => Some(position),
            Err(status) => return Err(status.into()),
        };
        let Some(number) = referral else { return Ok(()) };
        let key = Some(get_referral_life_request::Key::Position(number));
        let request = GetReferralLifeRequest { system: self.books.system.clone(), key, ..Default::default() };
        match self.books.connection.ask(request).await {
            Ok(answer) => steps.push(describe_referral(answer)),
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(status.into()),
        }
        Ok(())
    }

    async fn spend(&self, record: u64, steps: &mut Vec<String>) -> anyhow::Result<()> {
        let request = GetSpendRequest { system: self.books.system.clone(), record, ..Default::default() };
        match self.books.connection.ask(request).await {
            Ok(answer) => {
                let spend = answer.spend.unwrap_or_default();
                let state = word(SpendState::as_str_name(&spend.state()), "SPEND_STATE_");
                steps.push(format!(
                    "personal health budget {}: {} from {} on {}, {state}",
                    spend.plan,
                    pounds(spend.amount_pence),
                    spend.supplier,
                    dated(spend.service_date),
                ));
            }
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(status.into()),
        }
        Ok(())
    }

    fn payment(&self, payment: &Payment, steps: &mut Vec<String>) {
        let state = word(payment.state().as_str_name(), "STATE_");
        if let Some(run) = self.runs.get(&payment.run) {
            let cut = run.cut.clone().unwrap_or_default();
            let (preparer, approver) = self.people.agreed(&payment.end_to_end_id);
            steps.push(format!(
                "settlement run {} of cut {}, prepared by {preparer}, approved by {approver}",
                run.run, cut.period
            ));
        }
        steps.push(format!(
            "payment {} of {} to {}",
            payment.end_to_end_id,
            pounds(payment.pence),
            payment.payee
        ));
        let reason = if payment.reason.is_empty() { String::new() } else { format!(" ({})", payment.reason) };
        steps.push(format!(
            "bank: {state}{reason} {}, reference {}",
            dated(payment.state_date),
            payment.remittance_reference
        ));
    }
}

fn describe_line(line: &Line, steps: &mut Vec<String>) {
    let answer = word(Answer::as_str_name(&line.answer()), "ANSWER_");
    let findings: Vec<&str> = line.findings.iter().map(|finding| finding.code.as_str()).collect();
    let findings = if findings.is_empty() { String::new() } else { format!(" ({})", findings.join(", ")) };
    steps.push(format!(
        "activity line {} of {} version {}: {} {} {} on {} at {}, claimed {}, {answer} {}{findings}",
        line.cds_identifier,
        line.provider,
        line.version,
        line.point_of_delivery,
        line.treatment_function,
        line.hrg,
        dated(line.activity_date),
        line.site,
        pounds(line.claimed_pence),
        pounds(line.accepted_pence),
    ));
    steps.extend(line.steps.iter().map(|step| {
        let so_far = if step.amount.is_empty() { String::new() } else { format!(" {} pence.", step.amount) };
        format!("price {}: {}{so_far}", step.code, step.text)
    }));
}

fn describe_referral(life: GetReferralLifeResponse) -> String {
    let (referral, hold) = (life.referral.unwrap_or_default(), life.hold.unwrap_or_default());
    let state = word(referral.state().as_str_name(), "REFERRAL_STATE_");
    let implied = if referral.implied { ", implied by its activity" } else { "" };
    format!(
        "referral {} to {} on {} for {}{implied}: {state}, {} held of {}",
        referral.position,
        referral.provider,
        dated(referral.referred_on),
        referral.treatment_function,
        pounds(hold.left_pence),
        pounds(hold.held_pence),
    )
}
