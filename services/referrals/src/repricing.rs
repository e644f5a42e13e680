//! Pricing lines again: worked out, proposed, approved, done.

use crate::{
    Adapter,
    compared::answered,
    intake::posting,
    read::{as_of, blocking},
    referral::{content, event, recorded, request},
};
use access::Caller;
use core::time::Duration;
use journal::{Day, Digest, Domain as _, Outcome, Position, RecordView, RequestId, derived_request_id};
use money::{NetPence, Pence, TotalPence};
use nhs::{OdsCode, PointOfDelivery};
use proto::referrals::v1::{self, repricing_service_server::RepricingService};
use reference::Reference;
use referrals::{
    Answer as LineAnswer, ApproveRepricing, Command, LineAnswered, Matched, ProposeRepricing, REPRICED_MAX,
    REPRICING_REASON_BYTES_MAX, Referrals, Refusal, RepriceLine, RepricedRow, RepricedRows, Repricing,
    RepricingTerms, price_again,
};
use server::journals::{Handle, ReadAt};
use std::{collections::BTreeMap, sync::Arc};
use tonic::Status;
use wire::{
    Fields, common,
    referrals::{challenge::thread_text, inward::LINES_PER_BATCH_MAX},
    status,
};

server::rpcs! {
    RepricingService for Adapter {
        propose_repricing(ProposeRepricingRequest) -> ProposeRepricingResponse by propose_repricing_of;
        get_repricing(GetRepricingRequest) -> GetRepricingResponse by read_repricing;
        list_repricings(ListRepricingsRequest) -> ListRepricingsResponse by list_of_repricings;
        approve_repricing(ApproveRepricingRequest) -> ApproveRepricingResponse by approve_repricing_of;
    }
}

/// Prices before and after by provider, payer and point of delivery.
#[derive(Debug, Default)]
struct Sums(BTreeMap<(OdsCode, OdsCode, PointOfDelivery), (u64, TotalPence, TotalPence)>);

impl Sums {
    fn add(&mut self, key: (OdsCode, OdsCode, PointOfDelivery), row: &RepricedRow) {
        let sum = self.0.entry(key).or_default();
        *sum = (sum.0.saturating_add(1), sum.1.plus(row.before), sum.2.plus(row.after));
    }

    fn report(self) -> v1::RepricingReport {
        let mut report = v1::RepricingReport::default();
        for ((provider, payer, pod), (lines, before, after)) in self.0 {
            // At most 200,000 lines of at most £1,000 million: a sum fits.
            let pence = |sum: TotalPence| sum.to_net().map(NetPence::get).unwrap_or(i64::MAX);
            let (before_pence, after_pence) = (pence(before), pence(after));
            report.lines = report.lines.saturating_add(lines);
            report.before_pence = report.before_pence.saturating_add(before_pence);
            report.after_pence = report.after_pence.saturating_add(after_pence);
            report.groups.push(v1::RepricedGroup {
                provider: provider.to_string(),
                payer: payer.to_string(),
                point_of_delivery: pod.to_string(),
                lines,
                before_pence,
                after_pence,
            });
        }
        report
    }
}

/// The price that a line was accepted at, where it was.
const fn price(answered: &LineAnswered) -> Option<Pence> {
    match &answered.answer {
        LineAnswer::Accepted(Some(priced)) => Some(priced.price),
        LineAnswer::Accepted(None) | LineAnswer::Contested | LineAnswer::Unreadable => None,
    }
}

/// What the lines of these records come to by `reference`.
fn work_out(
    handle: &Handle<Referrals>,
    reference: &Reference,
    positions: &[Position],
) -> Result<(RepricedRows, v1::RepricingReport), Status> {
    let (mut rows, mut sums, mut same, mut unpriced) = (Vec::new(), Sums::default(), 0_u64, 0_u64);
    for position in positions {
        let (line, answered) = answered(handle, *position)?.ok_or_else(status::damaged)?;
        // Without a price or a route there is nothing to price again: accepted at nothing by rule.
        let (Some(before), Some(route)) = (price(&answered), answered.route) else { continue };
        match price_again(reference, &line, &route) {
            None => unpriced = unpriced.saturating_add(1),
            Some((_, priced)) if priced.price == before => same = same.saturating_add(1),
            Some((_, priced)) => {
                let row = RepricedRow { line: *position, before, after: priced.price };
                sums.add((line.provider, route.payer, line.pod), &row);
                rows.push(row);
            }
        }
    }
    let report = v1::RepricingReport { same, unpriced, ..sums.report() };
    Ok((RepricedRows(rows), report))
}

/// What a proposal says, from its record and its lines.
fn proposed(
    handle: &Handle<Referrals>,
    number: Position,
) -> Result<Option<(RepricingTerms, Arc<RepricedRows>)>, Status> {
    let Some(bytes) = handle.record(number)? else { return Ok(None) };
    let record = RecordView::parse(&bytes).map_err(|_| status::damaged())?;
    if record.header.kind.is_house() {
        return Ok(None);
    }
    let (command, _) = Referrals::decode(record.header.kind, record.body, &*handle.blobs())
        .map_err(|_| status::damaged())?;
    let Command::ProposeRepricing(propose) = command else { return Ok(None) };
    Ok(Some((propose.terms, propose.rows)))
}

fn message(number: Position, row: &Repricing, reason: String) -> v1::Repricing {
    v1::Repricing {
        repricing: number.get(),
        digest: common::digest(row.proposal.digest),
        reason,
        approved: row.approved.map(Position::get),
        lines: row.lines,
        done: row.done,
        change_pence: row.posted.get(),
    }
}

/// A repricing as it stands, with its reason.
async fn found(
    handle: &Handle<Referrals>,
    number: Position,
    min_position: Option<Position>,
) -> Result<(v1::Repricing, ReadAt), Status> {
    let read = handle.read(min_position, move |state, at| (state.repricing(number).cloned(), *at));
    let (row, at) = read.await?;
    let row = row.ok_or_else(|| status::refusal(&Refusal::RepricingUnknown))?;
    let reason = blocking(handle.clone(), move |handle| proposed(handle, number)).await?;
    Ok((message(number, &row, reason.map(|(terms, _)| terms.reason).unwrap_or_default()), at))
}

/// The commands for lines of a repricing, each with an id of its own under the approval's.
fn commands(
    handle: &Handle<Referrals>,
    repricing: Position,
    approval: RequestId,
    lines: &[Position],
) -> Result<Vec<(RequestId, RepriceLine)>, Status> {
    let command = |position: &Position| {
        let (line, answered) = answered(handle, *position)?.ok_or_else(status::damaged)?;
        let referral = answered.referral.map(|matched| match matched {
            Matched::To(referral) => referral,
            Matched::Implied => *position,
        });
        let id = derived_request_id("reprice", approval, &position.get().to_le_bytes());
        Ok((id, RepriceLine { repricing, line, referral }))
    };
    lines.iter().map(command).collect()
}

impl Adapter {
    async fn propose_repricing_of(
        &self,
        caller: &Caller,
        asked: v1::ProposeRepricingRequest,
    ) -> Result<v1::ProposeRepricingResponse, Status> {
        let v1::ProposeRepricingRequest {
            system,
            request_id,
            provider,
            payer,
            from_date,
            until_date,
            reason,
            validate_only,
        } = asked;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let provider = fields.parse_optional::<OdsCode>("provider", &provider);
        let payer = fields.parse_optional::<OdsCode>("payer", &payer);
        let from = fields.date("from_date", from_date);
        let until = fields.date("until_date", until_date);
        if from.is_some() && until.is_some() && from > until {
            fields.refuse("until_date", "DATE_INVALID", "it must not be before the first day");
        }
        let reason = fields
            .text("reason", &reason, REPRICING_REASON_BYTES_MAX)
            .and_then(|reason| thread_text("reason", reason, &mut fields));
        let known = (system, request_id, provider, payer, from, until, reason);
        let (system, request_id, provider, payer, from, until, reason) = fields.known(known)?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let days = Day::from(from)..=Day::from(until);
        let read = handle.read(None, move |state, _| {
            let in_force = state.in_force()?;
            let lines = state.priced_lines(provider, payer, days);
            Some((Arc::clone(&in_force.reference), in_force.digest, lines))
        });
        let missing = || status::refusal(&Refusal::ReferenceMissing);
        let (reference, digest, (positions, challenged)) = read.await?.ok_or_else(missing)?;
        let worked_out =
            blocking(handle.clone(), move |handle| work_out(handle, &reference, &positions)).await?;
        let (rows, report) = worked_out;
        let report = Some(v1::RepricingReport { challenged, ..report });
        let nothing = v1::ProposeRepricingResponse { recorded: None, digest: Vec::new(), report };
        if validate_only || rows.0.is_empty() {
            return Ok(nothing);
        }
        if rows.0.len() > REPRICED_MAX {
            let mut fields = Fields::new();
            fields.refuse(
                "until_date",
                "BATCH_TOO_LARGE",
                format!("at most {REPRICED_MAX} lines at once: take fewer days"),
            );
            fields.finish()?;
        }
        let rows_digest = handle.put_blob(rows.encode()).await?;
        let terms = RepricingTerms { reference: digest, rows: rows_digest, reason };
        let fingerprint = content(&terms);
        let command = Command::ProposeRepricing(ProposeRepricing { terms, rows: Arc::new(rows) });
        let answer = handle.submit(request(request_id, fingerprint, caller.urn(), command)).await?;
        event(&answer)?;
        let digest = common::digest(rows_digest);
        Ok(v1::ProposeRepricingResponse { recorded: Some(recorded(&answer)), digest, ..nothing })
    }

    async fn read_repricing(
        &self,
        _: &Caller,
        asked: v1::GetRepricingRequest,
    ) -> Result<v1::GetRepricingResponse, Status> {
        let v1::GetRepricingRequest { system, repricing, min_position } = asked;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let (system,) = fields.known((system,))?;
        let handle = self.journal(&system).await?;
        let number = Position::new(repricing);
        let (row, at) = found(&handle, number, min_position.map(Position::new)).await?;
        let report = blocking(handle, move |handle| {
            let (_, rows) = proposed(handle, number)?.ok_or_else(status::damaged)?;
            let mut sums = Sums::default();
            for row in &rows.0 {
                let (line, answered) = answered(handle, row.line)?.ok_or_else(status::damaged)?;
                let payer = answered.route.map(|route| route.payer).ok_or_else(status::damaged)?;
                sums.add((line.provider, payer, line.pod), row);
            }
            Ok(sums.report())
        });
        let report = Some(report.await?);
        Ok(v1::GetRepricingResponse { repricing: Some(row), report, as_of: Some(as_of(&at)) })
    }

    async fn list_of_repricings(
        &self,
        _: &Caller,
        asked: v1::ListRepricingsRequest,
    ) -> Result<v1::ListRepricingsResponse, Status> {
        let v1::ListRepricingsRequest { system, min_position } = asked;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let (system,) = fields.known((system,))?;
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position.map(Position::new), |state, at| {
            (state.repricings().map(|(number, _)| number).collect::<Vec<_>>(), *at)
        });
        let (numbers, at) = read.await?;
        let mut repricings = Vec::with_capacity(numbers.len());
        for number in numbers {
            repricings.push(found(&handle, number, None).await?.0);
        }
        Ok(v1::ListRepricingsResponse { repricings, as_of: Some(as_of(&at)) })
    }

    async fn approve_repricing_of(
        &self,
        caller: &Caller,
        asked: v1::ApproveRepricingRequest,
    ) -> Result<v1::ApproveRepricingResponse, Status> {
        let v1::ApproveRepricingRequest { system, request_id, repricing, digest } = asked;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.bulk_request_id("request_id", &request_id);
        let rows: Option<Digest> = fields.digest("digest", &digest);
        let (system, request_id, rows) = fields.known((system, request_id, rows))?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let number = Position::new(repricing);
        let command = ApproveRepricing { repricing: number, rows };
        let fingerprint = content(&command);
        let submit = request(request_id, fingerprint, caller.urn(), Command::ApproveRepricing(command));
        let answer = handle.submit(submit).await?;
        event(&answer)?;
        let left = handle.read(Some(answer.position), move |state, _| {
            state.repricing(number).map(|row| row.left().collect::<Vec<_>>()).unwrap_or_default()
        });
        let left = left.await?;
        let mut last = answer.position;
        let mut left_alone: BTreeMap<&'static str, u64> = BTreeMap::new();
        for lines in left.chunks(LINES_PER_BATCH_MAX) {
            let lines = lines.to_vec();
            let read = blocking(handle.clone(), move |handle| commands(handle, number, request_id, &lines));
            let submits: Vec<_> = read
                .await?
                .into_iter()
                .map(|(id, command)| {
                    request(id, content(&command), caller.urn(), Command::RepriceLine(command))
                })
                .collect();
            let permit = self.room(submits.len()).await?;
            let answers = handle.submit_many(submits).await?;
            drop(permit);
            for answer in answers {
                let answer = answer?;
                last = last.max(answer.position);
                if let Outcome::Refused(refusal) = answer.outcome {
                    let count = left_alone.entry(refusal.code()).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        let (row, _) = found(&handle, number, Some(last)).await?;
        let count = |(code, count): (&str, u64)| v1::ReasonCount { code: code.to_owned(), count };
        Ok(v1::ApproveRepricingResponse {
            recorded: Some(recorded(&answer)),
            repricing: Some(row),
            left_alone: left_alone.into_iter().map(count).collect(),
            posting: posting(&handle, last).await.into(),
        })
    }
}
