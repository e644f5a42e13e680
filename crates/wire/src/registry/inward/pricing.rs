//! What a contract says of prices, inward: every bad field at once, then the one order of its lists.

use super::validity;
use crate::Fields;
use money::{NetPence, Pence};
use proto::registry::v1;
use reference::{
    AgreedPrice, AgreedTopUp, BestPractice, Modification, PRICING_ROWS_MAX, Plan, Pricing, PricingError,
};
use tariff::{Band, Subject, ThresholdsError, TopUp};

/// The largest top-up in hundredths: eleven times the price is a slip.
const TOP_UP_PERCENT_MAX: u16 = 1_000;

pub(super) fn pricing(fields: &mut Fields, message: v1::Pricing, block: bool) -> Option<Pricing> {
    let v1::Pricing { prices, modifications, top_ups, best_practice, plan: planned } = message;
    let prices = rows(fields, "prices", prices, price);
    let modifications = rows(fields, "modifications", modifications, modification);
    let top_ups = rows(fields, "top_ups", top_ups, top_up);
    let best_practice = rows(fields, "best_practice", best_practice, decision);
    let planned = match planned {
        None => Some(None),
        Some(message) => fields.within("plan", |fields| plan(fields, message, block)).map(Some),
    };
    let mut found = Pricing {
        prices: prices?,
        modifications: modifications?,
        top_ups: top_ups?,
        best_practice: best_practice?,
        plan: planned?,
    };
    found.sort();
    match found.check() {
        Ok(()) => return Some(found),
        Err(PricingError::Empty) => fields.refuse("", "FIELD_MISSING", PricingError::Empty.to_string()),
        // Each row by itself is good: what is wrong is between two of them.
        Err(error) => fields.refuse("", "FIELD_INVALID", error.to_string()),
    }
    None
}

fn rows<M, R>(
    fields: &mut Fields,
    path: &str,
    messages: Vec<M>,
    read: fn(&mut Fields, M) -> Option<R>,
) -> Option<Vec<R>> {
    if messages.len() > PRICING_ROWS_MAX {
        fields.refuse(path, "BATCH_TOO_LARGE", format!("it must hold at most {PRICING_ROWS_MAX} rows"));
        return None;
    }
    let mut item = |(at, message)| fields.within_item(path, at, |fields| read(fields, message));
    let found: Vec<Option<R>> = messages.into_iter().enumerate().map(&mut item).collect();
    found.into_iter().collect()
}

fn care(fields: &mut Fields, message: Option<v1::PricedCare>) -> Option<Subject> {
    use v1::priced_care::Of;
    let message = fields.required("care", message)?;
    fields.within("care", |fields| match fields.required("of", message.of)? {
        Of::Hrg(hrg) => fields.parse("hrg", &hrg).map(Subject::Hrg),
        Of::TreatmentFunction(function) => {
            fields.parse("treatment_function", &function).map(Subject::Function)
        }
    })
}

fn price(fields: &mut Fields, message: v1::AgreedPrice) -> Option<AgreedPrice> {
    let v1::AgreedPrice {
        care: of,
        point_of_delivery,
        amount_pence,
        r#use: use_,
        includes_market_forces_factor: includes_mff,
    } = message;
    let of = care(fields, of);
    let point_of_delivery = fields.parse_optional("point_of_delivery", &point_of_delivery);
    let amount = fields.pence("amount_pence", amount_pence);
    let variation = fields.one_of("use", use_, |use_: v1::AgreedPriceUse| match use_ {
        v1::AgreedPriceUse::Unspecified => None,
        v1::AgreedPriceUse::WhereNone => Some(false),
        v1::AgreedPriceUse::Variation => Some(true),
    });
    let includes_mff = fields.required("includes_market_forces_factor", includes_mff);
    Some(AgreedPrice {
        of: of?,
        point_of_delivery: point_of_delivery?,
        amount: amount?,
        variation: variation?,
        includes_mff: includes_mff?,
    })
}

fn modification(fields: &mut Fields, message: v1::Modification) -> Option<Modification> {
    let v1::Modification { care: of, amount_pence } = message;
    let of = care(fields, of);
    let amount = fields.pence_above_zero("amount_pence", amount_pence);
    Some(Modification { of: of?, amount: amount? })
}

fn top_up(fields: &mut Fields, message: v1::TopUp) -> Option<AgreedTopUp> {
    let v1::TopUp { care: of, percent, on_long_stay } = message;
    let of = care(fields, of);
    let percent = u16::try_from(percent).ok().filter(|percent| (1..=TOP_UP_PERCENT_MAX).contains(percent));
    if percent.is_none() {
        fields.refuse("percent", "FIELD_INVALID", format!("it must be 1 to {TOP_UP_PERCENT_MAX}"));
    }
    Some(AgreedTopUp { of: of?, top_up: TopUp { percent: percent?, on_long_stay } })
}

fn decision(fields: &mut Fields, message: v1::BestPractice) -> Option<BestPractice> {
    let v1::BestPractice { care: of, validity: span, amount_pence } = message;
    let of = care(fields, of);
    let validity = validity(fields, "validity", span);
    if amount_pence == 0 {
        fields.refuse("amount_pence", "AMOUNT_INVALID", "a decision adds or takes at least one penny");
        return None;
    }
    Some(BestPractice { of: of?, validity: validity?, amount: NetPence::new(amount_pence) })
}

fn plan(fields: &mut Fields, message: v1::Plan, block: bool) -> Option<Plan> {
    let v1::Plan { planned_pence, above, below } = message;
    if !block {
        fields.refuse("", "FIELD_INVALID", "only a block has a plan: its annual value is the fixed sum");
    }
    let planned = fields.pence_above_zero("planned_pence", planned_pence);
    let above = rows(fields, "above", above, band);
    let below = rows(fields, "below", below, band);
    let plan = Plan { planned: planned?, above: above?, below: below? };
    let Err(error) = plan.thresholds(Pence::ZERO) else { return block.then_some(plan) };
    let at = match error {
        ThresholdsError::Above => "above",
        ThresholdsError::Below => "below",
        ThresholdsError::Rate => "",
    };
    fields.refuse(at, "FIELD_INVALID", error.to_string());
    None
}

fn band(fields: &mut Fields, message: v1::MarginalBand) -> Option<Band> {
    let v1::MarginalBand { until_percent, rate_percent } = message;
    if rate_percent > 100 {
        fields.refuse("rate_percent", "FIELD_INVALID", ThresholdsError::Rate.to_string());
        return None;
    }
    Some(Band { until_percent, rate_percent })
}
