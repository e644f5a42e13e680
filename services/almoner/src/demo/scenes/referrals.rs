//! June: referrals, day by day, and those that are cancelled before anything happens.

use crate::demo::generate::Referral;
use crate::demo::installation::SYSTEM;
use crate::demo::stage::Stage;
use anyhow::{Context as _, bail};
use jiff::civil::Date;
use proto::referrals::v1::{
    EndReferralRequest, RecordReferralsRequest, ReferralItem, ReferralSource, ReferralState,
    ReferralSubmission,
};

/// Referrals of one call.
const BATCH: usize = 1_000;

/// Sends every referral on its day. Returns how many were recorded.
pub(super) async fn june(stage: &Stage, referrals: &[Referral]) -> anyhow::Result<u64> {
    stage.progress.scene("June: recording referrals and holding their expected cost", referrals.len());
    let mut recorded = 0;
    for (day, of_day) in by_day(referrals) {
        stage.advance(day, 18).await?;
        for (at, batch) in of_day.chunks(BATCH).enumerate() {
            recorded += record(stage, day, at, batch).await?;
        }
    }
    Ok(recorded)
}

/// The referrals of each day. They come in the order of their dates.
fn by_day(referrals: &[Referral]) -> impl Iterator<Item = (Date, &[Referral])> {
    referrals.chunk_by(|a, b| a.referred == b.referred).filter_map(|day| Some((day.first()?.referred, day)))
}

async fn record(stage: &Stage, day: Date, at: usize, batch: &[Referral]) -> anyhow::Result<u64> {
    let referrer = stage.of("referrer")?;
    let items = batch.iter().enumerate().map(|(n, referral)| ReferralItem {
        request_id: stage.id(&format!("referral {day} {at} {n}")).to_string(),
        referral: Some(submission(referral)),
    });
    let request =
        RecordReferralsRequest { system: SYSTEM.to_owned(), items: items.collect(), validate_only: false };
    let answer = referrer.ask(request).await?;
    let mut recorded = 0;
    for (referral, result) in batch.iter().zip(answer.results) {
        if let Some(problem) = result.problems.first() {
            bail!("a referral of {day} was refused: {} ({})", problem.message, problem.reason);
        }
        recorded += 1;
        if referral.cancelled {
            let number = result.position.context("a referral was recorded without a number")?;
            let request = EndReferralRequest {
                system: SYSTEM.to_owned(),
                request_id: stage.id(&format!("cancel {number}")).to_string(),
                referral: number,
                state: ReferralState::Cancelled.into(),
            };
            referrer.ask(request).await?;
        }
        stage.progress.steps(1);
    }
    Ok(recorded)
}

fn submission(referral: &Referral) -> ReferralSubmission {
    let source = if referral.by_gp { ReferralSource::Gp } else { ReferralSource::Other };
    ReferralSubmission {
        nhs_number: referral.patient.reveal_text(),
        ubrn: referral.ubrn.map(|ubrn| format!("{ubrn:012}")).unwrap_or_default(),
        treatment_function: referral.function.to_owned(),
        source: source.into(),
        referred_on: Some(wire::common::date(referral.referred)),
        practice: referral.practice.to_string(),
        offered: referral.offered.iter().map(|ods| (*ods).to_owned()).collect(),
        provider: referral.place.provider.to_owned(),
        site: referral.place.site.to_owned(),
        ..ReferralSubmission::default()
    }
}
