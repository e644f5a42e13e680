//! The reading calls.

use crate::Adapter;
use access::{Caller, Role};
use core::ops::RangeInclusive;
use journal::{Domain as _, Outcome, Position, RecordView, leaf_hash};
use nhs::{CdsIdentifier, OdsCode, Ubrn};
use proto::{common::v1::AsOf, referrals::v1};
use reference::{Cut, Stage};
use referrals::{Command, Event, LineTag, Referrals, Refusal, RepriceLine, State, Total};
use server::journals::{Handle, ReadAt};
use std::collections::BTreeMap;
use tonic::Status;
use wire::{
    Cursor, Fields, Pushback, common,
    referrals::{inward, outward},
    status,
};

/// Records that one page of a listing looks at before it stops, however few of them it lists.
const RECORDS_PER_PAGE_MAX: usize = 20_000;

/// Roles that read every provider's lines; the others read their own.
const WIDE: [Role; 7] = [
    Role::FinancePreparer,
    Role::FinanceApprover,
    Role::BudgetHolder,
    Role::CommissioningLead,
    Role::Auditor,
    Role::Operator,
    Role::Service,
];

pub(crate) fn reads_all(caller: &Caller) -> bool {
    WIDE.iter().any(|role| caller.has(*role))
}

/// Whether the caller may see what is `provider`'s.
pub(crate) fn may_read(caller: &Caller, provider: OdsCode) -> Result<(), Status> {
    if reads_all(caller) || caller.acts_for(provider) { Ok(()) } else { Err(status::not_yours()) }
}

pub(crate) fn as_of(at: &ReadAt) -> AsOf {
    common::as_of(at.position, at.recorded_time, at.business_date)
}

pub(crate) fn unknown(refusal: Refusal) -> Status {
    status::refusal(&refusal)
}

/// A record of a line, as a message, and the line's tag; `None` for every other record.
pub(crate) fn line_of(
    handle: &Handle<Referrals>,
    position: Position,
    explain: bool,
) -> Result<Option<(v1::Line, Option<LineTag>)>, Status> {
    let Some(bytes) = handle.record(position)? else { return Ok(None) };
    let damaged = |_| status::damaged();
    let record = RecordView::parse(&bytes).map_err(|_| status::damaged())?;
    if record.header.kind.is_house() {
        return Ok(None);
    }
    let (command, outcome) =
        Referrals::decode(record.header.kind, record.body, &*handle.blobs()).map_err(damaged)?;
    let Outcome::Accepted(events) = outcome else { return Ok(None) };
    Ok(match (&command, events.first()) {
        (
            Command::SubmitLine(line) | Command::RepriceLine(RepriceLine { line, .. }),
            Some(Event::LineAnswered(answered)),
        ) => {
            let mut message = outward::line(position, line, answered);
            if explain {
                message.steps = outward::steps(line, answered);
            }
            Some((message, line.tag))
        }
        (Command::SubmitUnreadable(line), Some(Event::LineAnswered(answered))) => {
            Some((outward::unreadable(position, line, answered), None))
        }
        (Command::RecordUnreadable(line), Some(Event::UnreadableAnswered(answered))) => {
            Some((outward::textless(position, line, answered), line.tag))
        }
        (_, _) => None,
    })
}

impl Adapter {
    pub(crate) async fn read_referral(
        &self,
        caller: &Caller,
        message: v1::GetReferralRequest,
    ) -> Result<v1::GetReferralResponse, Status> {
        let v1::GetReferralRequest { system, key, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let key = fields.required("key", key).and_then(|key| match key {
            v1::get_referral_request::Key::Position(position) => Some(Ok(Position::new(position))),
            v1::get_referral_request::Key::Ubrn(ubrn) => fields.parse::<Ubrn>("ubrn", &ubrn).map(Err),
        });
        let (system, key) = fields.known((system, key))?;
        let handle = self.journal(&system).await?;
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let number = key.map_or_else(|ubrn| state.referral_of(ubrn), Some);
            let row = number
                .and_then(|number| Some((number, *state.referral(number)?, state.life(number).cloned())));
            (row, *at)
        });
        let (row, at) = found.await?;
        let wide = reads_all(caller) || caller.has(Role::Referrer);
        let Some((number, row, life)) = row else {
            return Err(if wide { unknown(Refusal::ReferralUnknown) } else { status::not_yours() });
        };
        if !wide {
            may_read(caller, row.provider)?;
        }
        Ok(v1::GetReferralResponse {
            referral: Some(outward::referral(number, &row, life.as_ref())),
            as_of: Some(as_of(&at)),
        })
    }

    pub(crate) async fn read_line(
        &self,
        caller: &Caller,
        message: v1::GetLineRequest,
    ) -> Result<v1::GetLineResponse, Status> {
        let v1::GetLineRequest { system, key, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let key = fields.required("key", key).and_then(|key| match key {
            v1::get_line_request::Key::Position(position) => Some(Ok(Position::new(position))),
            v1::get_line_request::Key::Identity(identity) => {
                let v1::LineIdentity { provider, cds_identifier } = identity;
                let provider = fields.parse::<OdsCode>("identity.provider", &provider);
                let name = fields.parse::<CdsIdentifier>("identity.cds_identifier", &cds_identifier);
                provider.zip(name).map(Err)
            }
        });
        let (system, key) = fields.known((system, key))?;
        if let Err((provider, _)) = &key {
            may_read(caller, *provider)?;
        }
        let handle = self.journal(&system).await?;
        let min_position = min_position.map(Position::new);
        let named = match &key {
            Ok(_) => None,
            Err((provider, name)) => Some(self.identity().tag_of(&system, *provider, name).await?),
        };
        let found = handle.read(min_position, move |state, at| match key {
            Ok(position) => (Some(position), *at),
            Err((provider, name)) => (state.line(provider, &name, named).map(|line| line.position), *at),
        });
        let (position, at) = found.await?;
        let position = position.ok_or_else(|| unknown(Refusal::LineUnknown))?;
        let line = blocking(handle.clone(), move |handle| line_of(handle, position, true)).await?;
        let Some((mut line, tag)) = line else {
            return Err(if reads_all(caller) { unknown(Refusal::LineUnknown) } else { status::not_yours() });
        };
        let provider: OdsCode = line.provider.parse().map_err(|_| status::damaged())?;
        may_read(caller, provider)?;
        let name: Option<CdsIdentifier> = line.cds_identifier.parse().ok();
        if let (None, Err((_, asked))) = (name, &key) {
            // It was found by its name, which its record does not hold.
            line.cds_identifier = asked.to_string();
        }
        let in_force = handle.read(None, move |state, _| {
            let standing = match (name, tag) {
                (Some(name), tag) => state.line(provider, &name, tag),
                (None, Some(tag)) => state.line_tagged(tag),
                // A line without a name has one version only.
                (None, None) => return true,
            };
            standing.is_some_and(|standing| standing.position == position)
        });
        Ok(v1::GetLineResponse { in_force: in_force.await?, line: Some(line), as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn list_of_lines(
        &self,
        caller: &Caller,
        mut message: v1::ListLinesRequest,
    ) -> Result<v1::ListLinesResponse, Status> {
        let mut fields = Fields::new();
        let page = message.page.take();
        let page = self.pages().page(&mut fields, "page", page, &message);
        let v1::ListLinesRequest { system, of, cut, answer, page: _, min_position } = message;
        let system = fields.system("system", &system);
        let of = fields.required("of", of).and_then(|of| match of {
            v1::list_lines_request::Of::SubmissionId(id) => fields.request_id("submission_id", &id).map(Ok),
            v1::list_lines_request::Of::Provider(code) => fields.parse::<OdsCode>("provider", &code).map(Err),
        });
        let cut = match cut {
            None => Some(None),
            Some(cut) => fields.within("cut", |fields| inward::cut(&cut, fields)).map(Some),
        };
        let (system, page, of, cut) = fields.known((system, page, of, cut))?;
        if let Err(provider) = of {
            may_read(caller, provider)?;
        }
        let handle = self.journal(&system).await?;
        let min_position = min_position.map(Position::new);
        let found = handle.read(min_position, move |state, at| (records(state, of), *at)).await?;
        let (Some((provider, runs)), at) = found else { return Err(unknown(Refusal::SubmissionUnknown)) };
        may_read(caller, provider)?;
        let (cursor, last) = match &page.cursor {
            Some(cursor) => {
                let last = <[u8; 8]>::try_from(cursor.last.as_slice()).map(u64::from_le_bytes);
                (cursor.position, last.ok())
            }
            None => (at.position.unwrap_or(Position::FIRST), None),
        };
        let positions = move || {
            let after = last.map_or(0, |last| last.saturating_add(1));
            runs.into_iter().flatten().filter(move |position| (after..=cursor.get()).contains(position))
        };
        let size = page.size;
        let wanted = move |line: &v1::Line| {
            let in_cut = cut.is_none_or(|cut| line.cut == Some(outward::cut(cut)));
            in_cut && (answer == 0 || line.answer == answer)
        };
        let (lines, next) = blocking(handle, move |handle| {
            let mut lines = Vec::new();
            let mut seen = None;
            for (looked_at, position) in positions().enumerate() {
                if lines.len() == size || looked_at == RECORDS_PER_PAGE_MAX {
                    return Ok((lines, seen));
                }
                seen = Some(position);
                let line = line_of(handle, Position::new(position), false)?.map(|(line, _)| line);
                lines.extend(line.filter(&wanted));
            }
            Ok((lines, None))
        })
        .await?;
        let next = next.map(|last: u64| Cursor { position: cursor, last: last.to_le_bytes().to_vec() });
        let page = Some(self.pages().response(&page, next.as_ref()));
        Ok(v1::ListLinesResponse { lines, page, as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn read_totals(
        &self,
        caller: &Caller,
        message: v1::GetTotalsRequest,
    ) -> Result<v1::GetTotalsResponse, Status> {
        let v1::GetTotalsRequest { system, provider, payer, cut, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let provider = fields.parse_optional::<OdsCode>("provider", &provider);
        let payer = fields.parse_optional::<OdsCode>("payer", &payer);
        let cut = match cut {
            None => Some(None),
            Some(cut) => fields.within("cut", |fields| inward::cut(&cut, fields)).map(Some),
        };
        let (system, provider, payer, cut) = fields.known((system, provider, payer, cut))?;
        // A provider that names none means itself; anybody else sees others' totals only by a role that reads all.
        let provider = provider.or_else(|| caller.as_organisation().filter(|_| !reads_all(caller)));
        if !reads_all(caller) {
            may_read(caller, provider.ok_or_else(status::not_yours)?)?;
        }
        let handle = self.journal(&system).await?;
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let wanted = |key: &(Option<Cut>, OdsCode, Option<OdsCode>)| {
                cut.is_none_or(|cut| key.0 == Some(cut))
                    && provider.is_none_or(|provider| key.1 == provider)
                    && payer.is_none_or(|payer| key.2 == Some(payer))
            };
            (totals(state, wanted), state.referrals_reported(), state.referrals_implied(), *at)
        });
        let (totals, referrals, referrals_implied, at) = found.await?;
        Ok(v1::GetTotalsResponse { totals, referrals, referrals_implied, as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn read_cut(
        &self,
        caller: &Caller,
        message: v1::GetCutRequest,
    ) -> Result<v1::GetCutResponse, Status> {
        let v1::GetCutRequest { system, cut, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let cut = fields.required("cut", cut);
        let cut = cut.and_then(|cut| fields.within("cut", |fields| inward::cut(&cut, fields)));
        let (system, cut) = fields.known((system, cut))?;
        let (mut cuts, at) = self.cuts(caller, &system, Some(cut), min_position).await?;
        let cut = cuts.pop().ok_or_else(|| unknown(Refusal::CutUnknown))?;
        Ok(v1::GetCutResponse { cut: Some(cut), as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn list_of_cuts(
        &self,
        caller: &Caller,
        message: v1::ListCutsRequest,
    ) -> Result<v1::ListCutsResponse, Status> {
        let v1::ListCutsRequest { system, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let (system,) = fields.known((system,))?;
        let (cuts, at) = self.cuts(caller, &system, None, min_position).await?;
        Ok(v1::ListCutsResponse { cuts, as_of: Some(as_of(&at)) })
    }

    /// The cuts of the calendar, or one of them, by deadline. Providers see their own part of the totals.
    async fn cuts(
        &self,
        caller: &Caller,
        system: &journal::SystemName,
        only: Option<Cut>,
        min_position: Option<u64>,
    ) -> Result<(Vec<v1::CutSummary>, ReadAt), Status> {
        let handle = self.journal(system).await?;
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let Some(in_force) = state.in_force() else { return (Vec::new(), *at) };
            let rows = &in_force.reference.rows().deadlines;
            let cuts = rows.iter().flat_map(|row| {
                [Stage::Flex, Stage::Freeze].map(|stage| (row.of(stage), Cut { period: row.period, stage }))
            });
            let begun = |cut: &Cut| journal::Day::from(cut.period.first_day()) <= at.business_date;
            let mut cuts: Vec<_> = cuts
                .filter(|(_, cut)| only.map_or_else(|| begun(cut), |only| only == *cut))
                .map(|(deadline, cut)| (deadline, cut, state.sealed(cut), state.cut_totals(cut)))
                .collect();
            cuts.sort_by_key(|(deadline, cut, ..)| (*deadline, *cut));
            (cuts, *at)
        });
        let (cuts, at) = found.await?;
        let wide = reads_all(caller);
        let summaries = cuts.into_iter().map(|(deadline, cut, sealed, totals)| {
            let seal = sealed.map(|position| recorded(&handle, position)).transpose()?.flatten();
            let own = totals.iter().filter(|total| wide || caller.acts_for(total.payee));
            Ok(v1::CutSummary {
                cut: Some(outward::cut(cut)),
                deadline: Some(common::day(deadline)),
                sealed: sealed.is_some(),
                seal,
                totals: own.map(outward::cut_total).collect(),
            })
        });
        Ok((summaries.collect::<Result<_, Status>>()?, at))
    }
}

/// Where a record stands.
fn recorded(
    handle: &Handle<Referrals>,
    position: Position,
) -> Result<Option<proto::common::v1::Recorded>, Status> {
    let Some(bytes) = handle.record(position)? else { return Ok(None) };
    let header = RecordView::parse(&bytes).map_err(|_| status::damaged())?.header;
    let leaf = leaf_hash(&bytes);
    Ok(Some(common::recorded(position, leaf, header.recorded_time, header.business_date, false)))
}

/// The provider whose lines are meant, and the positions of their records in order.
fn records(
    state: &State,
    of: Result<journal::RequestId, OdsCode>,
) -> Option<(OdsCode, Vec<RangeInclusive<u64>>)> {
    match of {
        Ok(id) => {
            let (_, row) = state.submission(id)?;
            Some((row.provider, row.records().collect()))
        }
        Err(provider) => {
            let mut runs: Vec<_> =
                state.submissions_of(provider).flat_map(|(_, row)| row.records()).collect();
            runs.sort_by_key(|run| *run.start());
            Some((provider, runs))
        }
    }
}

type RowKey = (Option<Cut>, OdsCode, Option<OdsCode>);

fn totals(state: &State, wanted: impl Fn(&RowKey) -> bool) -> Vec<v1::ActivityTotal> {
    type Row = (Total, Vec<v1::ReasonCount>, Vec<v1::MatchCount>);
    let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
    for (key, total) in state.totals() {
        let key = (key.cut, key.provider, key.payer);
        if wanted(&key) {
            let (sum, ..) = rows.entry(key).or_default();
            *sum = sum.plus(total);
        }
    }
    for (cut, provider, payer, reason, count) in state.reasons() {
        let key = (cut, provider, payer);
        if wanted(&key) {
            let (_, reasons, _) = rows.entry(key).or_default();
            reasons.push(v1::ReasonCount { code: reason.code().to_owned(), count });
        }
    }
    for (cut, provider, payer, grade, count) in state.grades() {
        let key = (cut, provider, payer);
        if wanted(&key) {
            let (_, _, matches) = rows.entry(key).or_default();
            matches.push(v1::MatchCount { r#match: outward::grade(grade).into(), count });
        }
    }
    rows.into_iter()
        .map(|((cut, provider, payer), (total, reasons, matches))| {
            let payer = payer.map(|payer| payer.to_string()).unwrap_or_default();
            outward::activity_total(provider.to_string(), payer, cut, &total, reasons, matches)
        })
        .collect()
}

/// Runs `work`, which reads the disk, where blocking is allowed.
pub(crate) async fn blocking<R: Send + 'static>(
    handle: Handle<Referrals>,
    work: impl FnOnce(&Handle<Referrals>) -> Result<R, Status> + Send + 'static,
) -> Result<R, Status> {
    let done = tokio::task::spawn_blocking(move || work(&handle)).await;
    done.map_err(|_| Status::from(Pushback::Stopped))?
}
