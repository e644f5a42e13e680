//! The life of a referral: moves, its reading, who may be chosen, who waits.

use crate::{
    Adapter,
    intake::posting,
    read::{as_of, blocking, line_of, unknown},
    references::REFERRALS_AGE,
    referral::{content, event, may_refer, recorded, request, unexpected},
};
use access::{Caller, Role};
use journal::{Day, Domain as _, Outcome, Position, RecordView, leaf_hash};
use nhs::{OdsCode, TreatmentFunction, Ubrn};
use proto::referrals::v1;
use referrals::{Command, Event, MoveReferral, Referrals, Refusal, State, Waiting};
use server::journals::Handle;
use std::collections::BTreeMap;
use tonic::Status;
use wire::{
    Fields, Pushback, common,
    referrals::{inward, outward},
    status,
};

/// The standard for incomplete pathways: 92 in 100 patients wait 18 weeks or less (SI 2012/2996, as amended; a snapshot of the list, never
/// a test of one patient).
const STANDARD_PERCENT: u32 = 92;

impl Adapter {
    pub(crate) async fn move_on(
        &self,
        caller: &Caller,
        message: v1::MoveReferralRequest,
    ) -> Result<v1::MoveReferralResponse, Status> {
        let v1::MoveReferralRequest { system, request_id, referral, on_date, r#move } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let on = fields.date("on_date", on_date);
        let what = fields.required("move", r#move);
        let what = what.and_then(|what| fields.within("move", |fields| inward::referral_move(&what, fields)));
        let (system, request_id, on, what) = fields.known((system, request_id, on, what))?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, REFERRALS_AGE).await?;
        let referral = Position::new(referral);
        if !caller.has(Role::Referrer) {
            let provider =
                handle.read(None, move |state, _| state.referral(referral).map(|row| row.provider)).await?;
            // One that is not there is nobody's: the answer does not tell which.
            may_refer(caller, provider.ok_or_else(status::not_yours)?)?;
        }
        let command = MoveReferral { referral, on: on.into(), what };
        let request = request(request_id, content(&command), caller.urn(), Command::MoveReferral(command));
        let answer = handle.submit(request).await?;
        let Event::ReferralMoved(_) = event(&answer)? else { return Err(unexpected(&answer)) };
        let stage = handle.read(None, move |state, _| state.life(referral).map(|life| life.stage)).await?;
        let posting = posting(&handle, answer.position).await.into();
        Ok(v1::MoveReferralResponse {
            recorded: Some(recorded(&answer)),
            stage: stage.map_or(v1::ReferralStage::Unspecified, outward::stage).into(),
            posting,
        })
    }

    pub(crate) async fn read_life(
        &self,
        _caller: &Caller,
        message: v1::GetReferralLifeRequest,
    ) -> Result<v1::GetReferralLifeResponse, Status> {
        use v1::get_referral_life_request::Key;
        let v1::GetReferralLifeRequest { system, key, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let key = fields.required("key", key).and_then(|key| match key {
            Key::Position(position) => Some(Ok(Position::new(position))),
            Key::Ubrn(ubrn) => fields.parse::<Ubrn>("ubrn", &ubrn).map(Err),
        });
        let (system, key) = fields.known((system, key))?;
        let handle = self.journal(&system).await?;
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let number = key.map_or_else(|ubrn| state.referral_of(ubrn), Some);
            let row = number
                .and_then(|number| Some((number, *state.referral(number)?, state.life(number)?.clone())));
            (row, *at)
        });
        let (row, at) = found.await?;
        let (number, row, life) = row.ok_or_else(|| unknown(Refusal::ReferralUnknown))?;
        let records = life.records.clone();
        let events = blocking(handle, move |handle| {
            let events = records.iter().map(|position| happened(handle, *position));
            Ok(events.collect::<Result<Vec<_>, Status>>()?.into_iter().flatten().collect())
        });
        Ok(v1::GetReferralLifeResponse {
            referral: Some(outward::referral(number, &row, Some(&life))),
            hold: Some(outward::hold(&row)),
            clocks: life.clocks.iter().map(outward::clock).collect(),
            events: events.await?,
            as_of: Some(as_of(&at)),
        })
    }

    /// Nothing but the reference data of the day decides: neither the journal's state nor any other service is looked at.
    pub(crate) async fn list_of_choices(
        &self,
        _caller: &Caller,
        message: v1::ListChoicesRequest,
    ) -> Result<v1::ListChoicesResponse, Status> {
        let v1::ListChoicesRequest { system, treatment_function, on_date } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let function = fields.parse::<TreatmentFunction>("treatment_function", &treatment_function);
        let on = fields.date("on_date", on_date);
        let (system, function, on) = fields.known((system, function, on))?;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, REFERRALS_AGE).await?;
        let on = Day::from(on);
        let choices = handle.read(None, move |state, _| {
            let in_force = state.in_force()?;
            Some(in_force.reference.choices(function, on).into_iter().map(choice).collect())
        });
        let choices = choices.await?.ok_or_else(|| unknown(Refusal::ReferenceMissing))?;
        Ok(v1::ListChoicesResponse { choices })
    }

    pub(crate) async fn read_waiting_list(
        &self,
        caller: &Caller,
        message: v1::GetWaitingListRequest,
    ) -> Result<v1::GetWaitingListResponse, Status> {
        let v1::GetWaitingListRequest { system, on_date, baseline_date, payer, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let on = fields.date("on_date", on_date);
        let baseline = fields.date_optional("baseline_date", baseline_date);
        let payer = fields.parse_optional::<OdsCode>("payer", &payer);
        let (system, on, baseline, payer) = fields.known((system, on, baseline, payer))?;
        let handle = self.journal(&system).await?;
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let before = baseline.map(|day| state.waiting(day.into(), payer));
            (rows(state, on.into(), payer, before.as_ref()), *at)
        });
        let (mut rows, at) = found.await?;
        if !crate::read::reads_all(caller) {
            let own = |row: &v1::WaitingRow| row.provider.parse().is_ok_and(|code| caller.acts_for(code));
            rows.retain(own);
        }
        Ok(v1::GetWaitingListResponse { rows, standard_percent: STANDARD_PERCENT, as_of: Some(as_of(&at)) })
    }
}

fn choice(choice: reference::Choice<'_>) -> v1::Choice {
    let reference::Choice { provider, sites } = choice;
    let site =
        |site: &reference::Site| v1::ChoiceSite { site: site.site.to_string(), name: site.name.to_string() };
    v1::Choice {
        provider: provider.ods.to_string(),
        name: provider.name.to_string(),
        sites: sites.into_iter().map(site).collect(),
    }
}

type List = BTreeMap<(OdsCode, TreatmentFunction), Waiting>;

fn rows(state: &State, on: Day, payer: Option<OdsCode>, before: Option<&List>) -> Vec<v1::WaitingRow> {
    let mut now = state.waiting(on, payer);
    // Whoever waited then and does not now stands in the list with nobody.
    for key in before.into_iter().flat_map(BTreeMap::keys) {
        now.entry(*key).or_default();
    }
    let row = |(key, row): ((OdsCode, TreatmentFunction), Waiting)| v1::WaitingRow {
        provider: key.0.to_string(),
        treatment_function: key.1.to_string(),
        pathways_count: row.pathways,
        within_count: row.within,
        longest_days: u32::try_from(row.longest_days).unwrap_or(0),
        baseline_count: before.map(|before| before.get(&key).map_or(0, |row| row.pathways)),
    };
    now.into_iter().map(row).collect()
}

/// What one record did to a referral.
fn happened(handle: &Handle<Referrals>, position: Position) -> Result<Option<v1::ReferralEvent>, Status> {
    use v1::referral_event::Event as What;
    let Some(bytes) = handle.record(position)? else { return Ok(None) };
    let record = RecordView::parse(&bytes).map_err(|_| status::damaged())?;
    let (command, outcome) = Referrals::decode(record.header.kind, record.body, &*handle.blobs())
        .map_err(|_| status::damaged())?;
    let Outcome::Accepted(events) = outcome else { return Err(Pushback::Stopped.into()) };
    let what = match (&command, events.first()) {
        (Command::RecordReferral(referral), Some(_)) => Some(What::Chosen(outward::choice(referral))),
        (Command::MoveReferral(ask), Some(_)) => Some(What::Moved(outward::moved(ask))),
        (Command::SubmitLine(_), Some(_)) => {
            line_of(handle, position, true)?.map(|(line, _)| What::Line(line))
        }
        (Command::EndReferral(end), Some(_)) => Some(What::Ended(
            match end.end {
                referrals::End::Discharged => v1::ReferralState::Discharged,
                referrals::End::Cancelled => v1::ReferralState::Cancelled,
            }
            .into(),
        )),
        (Command::ExpireReferral(_), Some(_)) => Some(What::Ended(v1::ReferralState::Expired.into())),
        (_, _) => None,
    };
    let header = record.header;
    let leaf = leaf_hash(&bytes);
    let recorded = common::recorded(position, leaf, header.recorded_time, header.business_date, false);
    Ok(what.map(|what| v1::ReferralEvent { recorded: Some(recorded), event: Some(what) }))
}
