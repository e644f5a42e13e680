//! What holds after any sequence of commands.

use super::fixture::{Run, day, first_attendance, from, hip, patient, referral, tag};
use crate::{
    Account, ActivityLine, Answer, Command, Leaf, Reason, Referrals, Report, State, SubmitUnreadable, Total,
    UnreadableLine, WithdrawLine,
};
use journal::{Domain as _, Position};
use money::{Pence, Side};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One step of a sender, a patient or the calendar.
#[derive(Debug, Clone)]
enum Step {
    Line(Box<ActivityLine>),
    Unreadable { identity: Option<u8>, claimed: Option<u32> },
    Faulty { identity: Option<u8>, claimed: Option<u32>, faults: u32 },
    Withdraw { identity: u8, provider: &'static str },
    Refer { patient: u8, provider: &'static str, ubrn: u64 },
    Move { referral: u8, what: crate::Move },
    Roll { days: i32 },
}

const PROVIDERS: [&str; 4] = ["NT3", "RHW", "RWX", "RTH"];

fn identity(number: u8) -> String {
    format!("B{number}")
}

fn line() -> impl Strategy<Value = ActivityLine> {
    let what = (0..12_u8, 0..6_u8, 0..40_i32, 0..PROVIDERS.len());
    let how = (any::<bool>(), 0..5_u8, 0..900_000_u32, 0..6_u8);
    (what, how).prop_map(|((id, person, ago, provider), (admitted, practice, claimed, ubrn))| {
        let base = if admitted { hip(&identity(id)) } else { first_attendance(&identity(id)) };
        let mut line = from(PROVIDERS[provider], base);
        line.pseudonym = patient(person);
        line.claimed = Pence::from_u32(claimed);
        line.practice =
            ["K81001", "K81002", "K81001", "J82001", "K99999"][usize::from(practice)].parse().unwrap();
        line.ubrn = (ubrn == 0).then(|| nhs::Ubrn::from_digits(u64::from(person) + 1).unwrap());
        // Half of them as they were recorded before there were tags.
        line.tag = (id % 2 == 0).then(|| tag(PROVIDERS[provider], &identity(id)));
        if !admitted {
            line.started = day("2017-07-05").plus(-ago);
        }
        line
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => line().prop_map(|line| Step::Line(Box::new(line))),
        1 => (proptest::option::of(0..12_u8), proptest::option::of(0..9_999_u32))
            .prop_map(|(identity, claimed)| Step::Unreadable { identity, claimed }),
        1 => (proptest::option::of(0..12_u8), proptest::option::of(0..9_999_u32), any::<u32>())
            .prop_map(|(identity, claimed, faults)| Step::Faulty { identity, claimed, faults }),
        1 => (0..12_u8, 0..PROVIDERS.len())
            .prop_map(|(identity, provider)| Step::Withdraw { identity, provider: PROVIDERS[provider] }),
        2 => (0..6_u8, 0..PROVIDERS.len(), 1..8_u64)
            .prop_map(|(patient, provider, ubrn)| Step::Refer { patient, provider: PROVIDERS[provider], ubrn }),
        2 => (0..6_u8, proptest::sample::select(super::lives::moves().to_vec()))
            .prop_map(|(referral, what)| Step::Move { referral, what }),
        1 => (1..25_i32).prop_map(|days| Step::Roll { days }),
    ]
}

fn take(run: &mut Run, step: Step) {
    match step {
        Step::Line(line) => {
            run.line(*line);
        }
        Step::Unreadable { identity: number, claimed } => {
            run.unreadable(SubmitUnreadable {
                submission: Position::new(1),
                row: 1,
                provider: "NT3".parse().unwrap(),
                reasons: crate::Reasons::of(Reason::HrgInvalid),
                claimed: claimed.map(Pence::from_u32),
                cds_identifier: number.and_then(|number| identity(number).parse().ok()),
            });
        }
        Step::Faulty { identity: number, claimed, faults } => {
            let every = crate::Reasons::from(crate::Faults::every()).iter().enumerate();
            let faults: crate::Reasons =
                every.filter(|(n, _)| faults >> n & 1 == 1).map(|(_, fault)| fault).collect();
            run.faulty(UnreadableLine {
                submission: Position::new(1),
                row: 1,
                provider: "NT3".parse().unwrap(),
                faults: faults.into(),
                claimed: claimed.map(Pence::from_u32),
                tag: number.map(|number| tag("NT3", &identity(number))),
            });
        }
        Step::Withdraw { identity: number, provider } => {
            let tag = (number % 2 == 0).then(|| tag(provider, &identity(number)));
            let cds_identifier = identity(number).parse().unwrap();
            let provider = provider.parse().unwrap();
            // Refused when there is none; either way the books must tie.
            let _ = run.submit(Command::WithdrawLine(WithdrawLine { provider, cds_identifier, tag }));
        }
        Step::Refer { patient: person, provider, ubrn } => {
            let _ = run.submit(Command::RecordReferral(crate::RecordReferral {
                pseudonym: patient(person),
                provider: provider.parse().unwrap(),
                site: None,
                ubrn: nhs::Ubrn::from_digits(ubrn).ok(),
                ..referral()
            }));
        }
        Step::Move { referral, what } => {
            let mut numbers: Vec<Position> = run.state.referrals.keys().copied().collect();
            numbers.sort_unstable();
            if let Some(referral) = numbers.get(usize::from(referral)).copied() {
                let on = run.today;
                // Most are refused: there are more moves that are none than legal ones.
                let _ = run.submit(Command::MoveReferral(crate::MoveReferral { referral, on, what }));
            }
        }
        Step::Roll { days } => {
            let to = run.today.plus(days).to_string();
            run.roll(&to);
        }
    }
}

/// The ledger that the reports make: what stands on each account, and in each window.
#[derive(Default, Debug)]
struct Books {
    accounts: BTreeMap<Account, i128>,
    windows: BTreeMap<(Account, Option<reference::Cut>), i128>,
    sealed: Vec<reference::Cut>,
}

impl Books {
    fn read(reports: &[Report]) -> Self {
        let mut books = Self::default();
        for report in reports {
            match report {
                Report::Seal(seal) => books.sealed.push(seal.cut),
                Report::Post(posting) => {
                    let mut lines: BTreeMap<_, i128> = BTreeMap::new();
                    for leg in &posting.legs {
                        assert!(!leg.pence.is_zero());
                        let signed = match leg.side {
                            Side::Debit => i128::from(leg.pence.get()),
                            Side::Credit => -i128::from(leg.pence.get()),
                        };
                        *lines.entry((leg.account.payer, leg.account.year)).or_default() += signed;
                        *books.accounts.entry(leg.account).or_default() += signed;
                        let payable = matches!(leg.account.leaf, Leaf::Payable(_));
                        assert_eq!(
                            payable,
                            leg.window.is_some(),
                            "a window on owed/payable and nowhere else"
                        );
                        if payable {
                            // As the ledger does: what names a sealed window goes to the run in force.
                            let window = leg.window.filter(|cut| !books.sealed.contains(cut));
                            *books.windows.entry((leg.account, window)).or_default() -= signed;
                        }
                    }
                    assert!(lines.values().all(|net| *net == 0), "each budget line balances: {posting:?}");
                }
            }
        }
        books
    }

    fn credit(&self, of: impl Fn(&Leaf) -> bool) -> i128 {
        -self.accounts.iter().filter(|(account, _)| of(&account.leaf)).map(|(_, net)| net).sum::<i128>()
    }
}

fn total(state: &State) -> Total {
    state.totals().fold(Total::default(), |sum, (_, total)| sum.plus(total))
}

/// Everything of a state that a decision could see, as text.
fn seen(state: &State) -> String {
    let mut lines: Vec<_> = state.lines.values().map(|row| format!("{row:?}")).collect();
    let mut referrals: Vec<_> = state.referrals.iter().map(|row| format!("{row:?}")).collect();
    lines.sort();
    referrals.sort();
    let care = state.care.len();
    let mut lives: Vec<_> = state.lives.iter().map(|row| format!("{row:?}")).collect();
    lives.sort();
    let sums = (&state.totals, &state.reasons, &state.sealed, &state.grades);
    format!("{lines:?} {referrals:?} {lives:?} {care} {sums:?}")
}

/// The lines billed, found line by line.
fn billed(state: &State) -> BTreeMap<(nhs::OdsCode, reference::Cut), Vec<Position>> {
    let mut billed: BTreeMap<_, Vec<Position>> = BTreeMap::new();
    for row in state.lines.values() {
        let provider = state.channels.get(row.channel).unwrap().provider;
        let readable = matches!(row.mark, crate::state::Mark::Accepted | crate::state::Mark::Contested);
        if let Some(cut) = state.channels.cut(row.cut).filter(|_| readable) {
            billed.entry((provider, cut)).or_default().push(row.position);
        }
    }
    billed.values_mut().for_each(|positions| positions.sort_unstable());
    billed
}

/// The state as a snapshot holds it.
fn kept(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    Referrals::encode_state(state, &mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whoever goes on with a snapshot decides the same.
    #[test]
    fn a_snapshot_is_as_good_as_the_state(
        steps in proptest::collection::vec(step(), 1..40), every in 1..5_usize,
    ) {
        let (mut run, mut other) = (Run::new(), Run::new());
        for (n, step) in steps.into_iter().enumerate() {
            take(&mut run, step.clone());
            take(&mut other, step);
            if n % every == 0 {
                other.state = Referrals::decode_state(&kept(&other.state), &other.blobs).unwrap();
            }
        }
        prop_assert_eq!(seen(&run.state), seen(&other.state));
        prop_assert_eq!(kept(&run.state), kept(&other.state));
        prop_assert_eq!(&run.state.billed, &other.state.billed);
        prop_assert_eq!(run.reports, other.reports);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn claimed_ties_and_the_ledger_says_the_same(steps in proptest::collection::vec(step(), 1..60)) {
        let mut run = Run::new();
        for step in steps {
            take(&mut run, step);
            prop_assert!(run.state.totals().all(|(_, total)| total.ties()));
        }
        let sum = total(&run.state);
        // A naive count: the last version in force of each identity.
        let rows = run.state.lines.values().filter(|row| row.mark != crate::state::Mark::Withdrawn);
        let named: i128 = rows.map(|row| i128::from(row.claimed.get())).sum();
        prop_assert!(named <= sum.claimed.get(), "lines without an identity come on top");
        let books = Books::read(&run.reports);
        prop_assert_eq!(books.credit(|leaf| matches!(leaf, Leaf::Payable(_))), sum.payable.get());
        prop_assert_eq!(books.credit(|leaf| matches!(leaf, Leaf::Prepayment(_))), sum.recognised.get());
        prop_assert_eq!(books.credit(|leaf| matches!(leaf, Leaf::Contested(_))), sum.held.get());
        let spent = books.credit(|leaf| matches!(leaf, Leaf::Expenditure(_)));
        prop_assert_eq!(-spent, sum.payable.get() + sum.recognised.get() + sum.held.get());
        // Window by window.
        let mut windows: BTreeMap<_, i128> = BTreeMap::new();
        for ((account, cut), amount) in &books.windows {
            let Leaf::Payable(payee) = account.leaf else { continue };
            *windows.entry((*cut, account.payer, payee)).or_default() += amount;
        }
        windows.retain(|_, amount| *amount != 0);
        let mut ours: BTreeMap<_, i128> = BTreeMap::new();
        for (key, total) in run.state.totals() {
            if let (Some(payer), Some(payee)) = (key.payer, key.payee) {
                *ours.entry((key.cut, payer, payee)).or_default() += total.payable.get();
            }
        }
        ours.retain(|_, amount| *amount != 0);
        prop_assert_eq!(windows, ours);
        // Listed as billed is what is billed.
        let listed = run.state.billed.iter().map(|(of, positions)| (*of, positions.iter().copied().collect()));
        prop_assert_eq!(listed.collect::<BTreeMap<_, Vec<_>>>(), billed(&run.state));
        // Holds: never less than nothing, and what is left is what was not taken.
        for referral in run.state.referrals.values() {
            prop_assert!(referral.left <= referral.held);
        }
        prop_assert_eq!(seen(&run.state), seen(&run.replayed()));
        prop_assert_eq!(kept(&run.state), kept(&run.replayed()), "the same records give the same snapshot");
    }

    #[test]
    fn order_and_batches_do_not_matter_to_totals(
        lines in proptest::collection::vec(line(), 1..30).prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))
    ) {
        // Each line its own patient and identity, so that none is another's duplicate or version.
        let own = |lines: Vec<ActivityLine>| {
            let mut run = Run::new();
            for line in lines {
                let content = format!("{line:?}");
                let hash = journal::Digest::of(content.as_bytes()).0;
                let mut person = [0; 16];
                person.copy_from_slice(&hash[..16]);
                let cds_identifier = format!("C{}", u64::from_be_bytes(hash[..8].try_into().unwrap())).parse().unwrap();
                let pseudonym = nhs::Pseudonym::new(person);
                run.line(ActivityLine { pseudonym, cds_identifier, ubrn: None, tag: None, ..line });
            }
            run.state.totals.into_iter().collect::<Vec<_>>()
        };
        prop_assert_eq!(own(lines.0), own(lines.1));
    }

    #[test]
    fn versions_add_up_to_the_last(versions in proptest::collection::vec(line(), 1..12)) {
        let mut run = Run::new();
        let mut last = None;
        for line in versions {
            let line = ActivityLine { cds_identifier: "V".parse().unwrap(), ubrn: None, tag: None, ..from("NT3", line) };
            let answered = run.line(line);
            if answered.in_force {
                last = Some((line.claimed, answered));
            }
        }
        let sum = total(&run.state);
        let (claimed, answered) = last.unwrap();
        prop_assert_eq!(sum.claimed.get(), i128::from(claimed.get()));
        let accepted = match answered.answer {
            Answer::Accepted(Some(priced)) => priced.price,
            Answer::Accepted(None) | Answer::Contested | Answer::Unreadable => Pence::ZERO,
        };
        prop_assert_eq!(sum.accepted.get(), i128::from(accepted.get()));
    }
}
