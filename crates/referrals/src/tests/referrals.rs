//! Recording and ending referrals.

use super::fixture::{Run, day, posted, referral};
use crate::{Command, End, EndReferral, Event, RecordReferral, ReferralState, Refusal};
use expect_test::expect;
use journal::{Domain as _, Position};

#[test]
fn every_reason_against_a_referral_is_given_at_once() {
    let good = referral();
    let with = |change: fn(&mut RecordReferral)| {
        let mut referral = good.clone();
        change(&mut referral);
        referral
    };
    let rows = [
        ("future", with(|r| r.referred = day("2017-07-02"))),
        ("practice unknown", with(|r| r.practice = "K99999".parse().unwrap())),
        ("another system's", with(|r| r.practice = "J82001".parse().unwrap())),
        ("provider unknown", with(|r| (r.provider, r.site) = ("NZZ".parse().unwrap(), None))),
        ("provider closed", with(|r| (r.provider, r.site) = ("RZZ".parse().unwrap(), None))),
        ("site of another", with(|r| r.site = "NV323".parse().ok())),
        ("site unknown", with(|r| r.site = "NT377".parse().ok())),
        ("no contract", with(|r| (r.provider, r.site) = ("NXX".parse().unwrap(), None))),
        (
            "several",
            with(|r| {
                r.referred = day("2017-07-02");
                r.provider = "NZZ".parse().unwrap();
                r.practice = "K99999".parse().unwrap();
            }),
        ),
    ];
    let mut text = String::new();
    for (name, referral) in rows {
        let refusal = Run::new().submit(Command::RecordReferral(referral)).unwrap_err();
        text.push_str(&format!("{name}: {refusal:?}\n"));
    }
    expect![[r#"
        future: Referral({"DATE_IN_FUTURE"})
        practice unknown: Referral({"PRACTICE_UNKNOWN"})
        another system's: Referral({"WRONG_COMMISSIONER"})
        provider unknown: Referral({"PROVIDER_UNKNOWN"})
        provider closed: Referral({"PROVIDER_CLOSED"})
        site of another: Referral({"SITE_NOT_OF_PROVIDER"})
        site unknown: Referral({"SITE_UNKNOWN"})
        no contract: Referral({"NO_CONTRACT"})
        several: Referral({"SITE_NOT_OF_PROVIDER", "PRACTICE_UNKNOWN", "DATE_IN_FUTURE", "PROVIDER_UNKNOWN"})
    "#]]
    .assert_eq(&text);
    let mut run = Run::new();
    run.submit(Command::RecordReferral(good.clone())).unwrap();
    let twice = run.submit(Command::RecordReferral(good)).unwrap_err();
    expect![[r#"Referral({"UBRN_ALREADY_USED"}) UBRN_ALREADY_USED"#]]
        .assert_eq(&format!("{twice:?} {}", twice.code()));
}

#[test]
fn only_what_is_paid_line_by_line_is_held() {
    let mut run = Run::new();
    for (number, (provider, site)) in
        [("NT3", Some("NT344")), ("RHW", None), ("RWX", None), ("RTH", None), ("RNZ", None)]
            .into_iter()
            .enumerate()
    {
        let ubrn = nhs::Ubrn::from_digits(u64::try_from(number).unwrap() + 1).ok();
        let site = site.and_then(|site| site.parse().ok());
        let referral = RecordReferral { provider: provider.parse().unwrap(), site, ubrn, ..referral() };
        run.submit(Command::RecordReferral(referral)).unwrap();
    }
    expect![[r#"
        Referral 2017-06-01: place £236.85 on 10M/elective/2017-18/fund/expenditure/third-party until 2017-12-01
        Referral 2017-06-01: place £226.60 on 10M/elective/2017-18/fund/expenditure/other-nhs until 2017-12-01
        Referral 2017-06-01: place £226.60 on 10M/elective/2017-18/fund/expenditure/other-nhs until 2017-12-01
    "#]].assert_eq(&posted(&run.reports));
}

#[test]
fn what_is_left_of_a_hold_is_given_back_once() {
    let mut run = Run::new();
    let at = run.moment().position;
    run.submit(Command::RecordReferral(referral())).unwrap();
    let end = Command::EndReferral(EndReferral { referral: at, end: End::Discharged });
    let Ok(Event::ReferralEnded { released: Some(released) }) = run.submit(end.clone()) else { panic!() };
    assert_eq!(released.amount, run.state.referral(at).unwrap().held);
    assert_eq!(run.submit(end), Err(Refusal::ReferralEnded));
    let unknown = EndReferral { referral: Position::new(99), end: End::Cancelled };
    assert_eq!(run.submit(Command::EndReferral(unknown)), Err(Refusal::ReferralUnknown));
}

#[test]
fn a_hold_expires_after_its_last_day() {
    let mut run = Run::new();
    let at = run.moment().position;
    run.submit(Command::RecordReferral(referral())).unwrap();
    run.roll("2017-11-30");
    assert_eq!(run.state.referral(at).unwrap().state, ReferralState::Open);
    assert_eq!(
        run.submit(Command::ExpireReferral(crate::ExpireReferral { referral: at })),
        Err(Refusal::NotExpired)
    );
    run.roll("2017-12-01");
    assert_eq!(run.state.referral(at).unwrap().state, ReferralState::Expired);
    assert!(crate::Referrals::day_roll(&run.state, day("2017-12-02")).is_empty());
}
