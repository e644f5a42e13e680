//! Books that agree give nothing unexplained; one wrong figure anywhere is found and named.

use crate::*;
use money::TotalPence;
use proptest::prelude::*;
use std::collections::BTreeMap;

const CLASSES: [(&str, Class); 3] =
    [("RHW", Class::InSystem), ("RTH", Class::OtherNhs), ("NT3", Class::ThirdParty)];

fn pence(amount: i64) -> TotalPence {
    TotalPence::new(amount.into())
}

/// What happened between one payer and one payee, from which all books follow.
#[derive(Debug, Clone, Copy)]
struct Story {
    payer: usize,
    payee: usize,
    accepted: i64,
    over_claimed: i64,
    contested: i64,
    not_ours: i64,
    unreadable: i64,
    instalment: i64,
    paid: u8,
}

fn story() -> impl Strategy<Value = Story> {
    let amount = || 1..1_000_000_i64;
    (0..2_usize, 0..3_usize, (amount(), -500..500_i64), (amount(), amount(), amount()), amount(), 0..5_u8)
        .prop_map(
            |(
                payer,
                payee,
                (accepted, over_claimed),
                (contested, not_ours, unreadable),
                instalment,
                paid,
            )| Story {
                payer,
                payee,
                accepted,
                over_claimed,
                contested,
                not_ours,
                unreadable,
                instalment,
                paid,
            },
        )
}

/// Books in which every story was kept rightly.
#[derive(Default)]
struct Books {
    figures: Figures,
    accounts: BTreeMap<(Line, Leaf), (i64, i64)>,
}

impl Books {
    fn of(stories: &[Story]) -> Figures {
        let mut books = Self::default();
        for payer in ["10M", "10N"] {
            books.open(payer);
        }
        // One story a pair: figures of a pair are one row in referrals' books.
        let mut seen = Vec::new();
        for story in stories {
            if !seen.contains(&(story.payer, story.payee)) {
                seen.push((story.payer, story.payee));
                books.tell(story);
            }
        }
        books.close()
    }

    fn line(payer: &str, programme: Programme) -> Line {
        Line { payer: payer.parse().unwrap(), programme, year: "2017-18".parse().unwrap() }
    }

    fn post(&mut self, line: Line, leaf: Leaf, credit: i64) {
        self.accounts.entry((line, leaf)).or_default().0 += credit;
    }

    fn hold(&mut self, line: Line, leaf: Leaf, held: i64) {
        self.accounts.entry((line, leaf)).or_default().1 += held;
    }

    /// Budgets, and a personal health budget of each payer: 100 of 900 delivered, 200 of care out of 300 paid, 30 due
    /// back of which 10 came, 50 held.
    fn open(&mut self, payer: &str) {
        let (elective, phb) = (Self::line(payer, Programme::Elective), Self::line(payer, Programme::Phb));
        self.post(elective, Leaf::Allocation, 100_000_000);
        self.hold(elective, Leaf::Expenditure(Class::ThirdParty), 777);
        self.post(phb, Leaf::Allocation, 5_000);
        self.post(phb, Leaf::PlanAllocation, 900);
        self.post(phb, Leaf::Expenditure(Class::Phb), -(100 + 200));
        self.post(phb, Leaf::PaidAhead, -(300 - 200 - 30));
        self.post(phb, Leaf::Recoverable, -(30 - 10));
        self.post(phb, Leaf::Payable("NVC".into()), 100);
        self.post(phb, Leaf::Bank, 300 - 10);
        self.hold(phb, Leaf::PaidAhead, 50);
        let payer = phb.payer;
        let window = |payee: &str, total, paid| WindowFigure {
            payer,
            payee: payee.into(),
            kind: WindowKind::Instalment("2017-06-05".parse().unwrap()),
            total: pence(total),
            paid: pence(paid),
        };
        self.figures.windows.extend([window("NVC", 100, 0), window("phb-7", 300, 300)]);
        self.figures.payments.push(PaymentFigure {
            line: phb,
            payee: "phb-7".into(),
            progress: PaymentProgress::Settled,
            amount: pence(300),
        });
        self.figures.budgets.push(BudgetFigure {
            payer,
            budget: pence(900),
            held: pence(50),
            spent: pence(300),
            paid_ahead: pence(70),
            recoverable: pence(20),
            received: pence(10),
        });
        self.figures.organisation_totals.push((payer, pence(-250)));
        self.figures.statements.push(StatementFigure { payer, debits: pence(300), credits: pence(0) });
    }

    fn tell(&mut self, story: &Story) {
        let line = Self::line(["10M", "10N"][story.payer], Programme::Elective);
        let (payee, class) = CLASSES[story.payee];
        let on_account = class == Class::InSystem;
        let spent = story.accepted + story.contested;
        self.post(line, Leaf::Expenditure(class), -spent);
        self.post(line, Leaf::Contested(payee.into()), story.contested);
        let (payable, recognised) = if on_account { (0, story.accepted) } else { (story.accepted, 0) };
        let (kind, owed) = if on_account {
            self.post(line, Leaf::Prepayment(payee.into()), story.accepted - story.instalment);
            let amount = pence(story.instalment);
            let earned = false;
            let row = InstalmentFigure { payer: line.payer, payee: payee.into(), earned, amount };
            self.figures.instalments.push(row);
            (WindowKind::Instalment("2017-06-15".parse().unwrap()), story.instalment)
        } else {
            (WindowKind::Cut, story.accepted)
        };
        let contested = story.contested + story.not_ours;
        self.figures.activity.push(ActivityFigure {
            provider: payee.into(),
            payer: Some(line.payer),
            claimed: pence(story.accepted + story.over_claimed + contested + story.unreadable),
            accepted: pence(story.accepted),
            price_difference: pence(story.over_claimed),
            contested: pence(contested),
            unreadable: pence(story.unreadable),
            payable: pence(payable),
            recognised: pence(recognised),
            block: pence(0),
            held: pence(story.contested),
        });
        self.pay(story, line, payee, kind, owed);
    }

    fn pay(&mut self, story: &Story, line: Line, payee: &str, kind: WindowKind, owed: i64) {
        let progress = match story.paid {
            0 => None,
            1 => Some(PaymentProgress::InTransit),
            2 => Some(PaymentProgress::Settled),
            3 => Some(PaymentProgress::Returned),
            _ => Some(PaymentProgress::Rejected),
        };
        let paid = if progress.is_some() { owed } else { 0 };
        let window = |kind, total, paid| WindowFigure {
            payer: line.payer,
            payee: payee.into(),
            kind,
            total: pence(total),
            paid: pence(paid),
        };
        self.figures.windows.push(window(kind, owed, paid));
        let payable = Leaf::Payable(payee.into());
        let statement = |books: &mut Self, debits, credits| {
            let mut rows = books.figures.statements.iter_mut();
            let row = rows.find(|row| row.payer == line.payer).unwrap();
            row.debits = row.debits.plus_total(pence(debits));
            row.credits = row.credits.plus_total(pence(credits));
        };
        match progress {
            None => self.post(line, payable, owed),
            Some(PaymentProgress::InTransit) => self.post(line, Leaf::InTransit, owed),
            Some(PaymentProgress::Settled) => {
                self.post(line, Leaf::Bank, owed);
                statement(self, owed, 0);
            }
            Some(PaymentProgress::Returned | PaymentProgress::Rejected) => {
                self.post(line, payable, owed);
                self.figures.windows.push(window(WindowKind::Run, owed, 0));
                if progress == Some(PaymentProgress::Returned) {
                    statement(self, owed, owed);
                }
            }
        }
        if let Some(progress) = progress {
            let amount = pence(owed);
            self.figures.payments.push(PaymentFigure { line, payee: payee.into(), progress, amount });
        }
    }

    fn close(mut self) -> Figures {
        for ((line, leaf), (credit, held)) in self.accounts {
            self.figures.accounts.push(Account { line, leaf, credit: pence(credit), held: pence(held) });
        }
        let lines: std::collections::BTreeSet<Line> =
            self.figures.accounts.iter().map(|row| row.line).collect();
        for line in lines {
            let of = |wanted: &dyn Fn(&Leaf) -> bool| {
                let rows = self.figures.accounts.iter().filter(|row| row.line == line && wanted(&row.leaf));
                rows.map(|row| row.credit.get()).sum::<i128>()
            };
            let total = TotalPence::new;
            let rows = self.figures.accounts.iter().filter(|row| row.line == line);
            let held: i128 = rows.map(|row| row.held.get()).sum();
            let out = |leaf: &Leaf| matches!(leaf, Leaf::InTransit | Leaf::Bank | Leaf::Transferred);
            let owed = |leaf: &Leaf| matches!(leaf, Leaf::Payable(_) | Leaf::Contested(_));
            self.figures.lines.push(LineFigure {
                line,
                allocated: total(of(&|leaf| matches!(leaf, Leaf::Allocation | Leaf::PlanAllocation))),
                committed: total(held),
                accrued: total(of(&owed)),
                contested: total(of(&|leaf| matches!(leaf, Leaf::Contested(_)))),
                instructed: total(of(&|leaf| *leaf == Leaf::InTransit)),
                settled: total(of(&|leaf| *leaf == Leaf::Bank)),
                transferred: total(of(&|leaf| *leaf == Leaf::Transferred)),
                available: total(of(&|leaf| !owed(leaf) && !out(leaf)) - held),
                expenditure: total(-of(&|leaf| matches!(leaf, Leaf::Expenditure(_)))),
            });
        }
        self.figures.classes = CLASSES.map(|(payee, class)| (payee.to_owned(), class)).to_vec();
        self.figures.system_total = Some(pence(-500));
        self.figures.memorandum = pence(-500);
        self.figures
    }
}

/// Every figure, with the kinds of tie that may name it.
fn every_figure(figures: &mut Figures) -> Vec<&mut TotalPence> {
    let mut all = Vec::new();
    for row in &mut figures.activity {
        all.extend([
            &mut row.claimed,
            &mut row.accepted,
            &mut row.price_difference,
            &mut row.contested,
            &mut row.unreadable,
            &mut row.payable,
            &mut row.recognised,
            &mut row.block,
            &mut row.held,
        ]);
    }
    all.extend(figures.instalments.iter_mut().map(|row| &mut row.amount));
    all.extend(figures.payments.iter_mut().map(|row| &mut row.amount));
    for row in &mut figures.budgets {
        let BudgetFigure { budget, held, spent, paid_ahead, recoverable, received, .. } = row;
        all.extend([budget, held, spent, paid_ahead, recoverable, received]);
    }
    all.extend(figures.accounts.iter_mut().flat_map(|row| [&mut row.credit, &mut row.held]));
    all.extend(figures.windows.iter_mut().flat_map(|row| [&mut row.total, &mut row.paid]));
    for row in &mut figures.lines {
        let LineFigure { allocated, committed, accrued, contested, instructed, .. } = row;
        all.extend([allocated, committed, accrued, contested, instructed]);
        let LineFigure { settled, transferred, available, expenditure, .. } = row;
        all.extend([settled, transferred, available, expenditure]);
    }
    all.push(&mut figures.trial_difference);
    all.extend(figures.statements.iter_mut().flat_map(|row| [&mut row.debits, &mut row.credits]));
    all.extend(figures.organisation_totals.iter_mut().map(|(_, total)| total));
    all.extend(figures.system_total.as_mut());
    all.push(&mut figures.memorandum);
    all
}

proptest! {
    #[test]
    fn books_that_agree_leave_nothing_unexplained(stories in prop::collection::vec(story(), 0..8)) {
        let figures = Books::of(&stories);
        let ties = ties(&figures);
        let broken: Vec<&Tie> = ties.iter().filter(|tie| tie.finding() != Finding::Matched).collect();
        prop_assert!(broken.is_empty(), "{broken:?}");
        prop_assert_eq!(unexplained(&ties), TotalPence::ZERO);
    }

    #[test]
    fn one_wrong_figure_is_found_and_named(
        stories in prop::collection::vec(story(), 1..8),
        which in any::<prop::sample::Index>(),
        by in prop_oneof![-1_000_000..0_i64, 1..1_000_000_i64],
    ) {
        let mut figures = Books::of(&stories);
        let mut all = every_figure(&mut figures);
        let index = which.index(all.len());
        *all[index] = all[index].plus_total(pence(by));
        let ties = ties(&figures);
        let broken: Vec<&Tie> = ties.iter().filter(|tie| tie.finding() != Finding::Matched).collect();
        prop_assert!(!broken.is_empty(), "figure {} of {figures:?}", index);
        prop_assert!(unexplained(&ties) != TotalPence::ZERO);
        for tie in broken {
            prop_assert_eq!(tie.unexplained().get().unsigned_abs(), u128::from(by.unsigned_abs()), "{:?}", tie);
        }
    }

    #[test]
    fn every_line_of_the_position_adds_up(stories in prop::collection::vec(story(), 0..8)) {
        let found = position(&Books::of(&stories));
        prop_assert_eq!(found.lines.len(), 4);
        for LineRow { sums, .. } in &found.lines {
            let parts = sums.committed.plus_total(sums.accrued).plus_total(sums.paid()).plus_total(sums.available);
            prop_assert_eq!(sums.allocated, parts);
        }
        let of = |rows: &mut dyn Iterator<Item = TotalPence>| rows.fold(TotalPence::ZERO, TotalPence::plus_total);
        let accrued = of(&mut found.payees.iter().map(|row| row.accrued));
        prop_assert_eq!(accrued, of(&mut found.lines.iter().map(|row| row.sums.accrued)));
        prop_assert!(found.payees.iter().all(|row| !row.payee.starts_with("phb-")));
    }
}

#[test]
fn a_broken_tie_says_whose_it_is() {
    let mut figures = Books::of(&[]);
    figures.trial_difference = pence(1);
    let broken: Vec<String> = ties(&figures)
        .into_iter()
        .filter(|tie| tie.finding() != Finding::Matched)
        .map(|tie| {
            let Finding::Break(kind) = tie.finding() else { unreachable!() };
            format!("{} {} {} for {}", tie.kind, kind.code(), tie.unexplained().get(), kind.owner())
        })
        .collect();
    expect_test::expect![[r#"
        [
            "TRIAL_BALANCE LEDGER_DOES_NOT_ADD_UP 1 for the operator",
        ]
    "#]]
    .assert_debug_eq(&broken);
}

#[test]
fn a_position_is_packed_for_the_file() {
    let figures = Books::of(&[Story {
        payer: 0,
        payee: 2,
        accepted: 1_000,
        over_claimed: 5,
        contested: 300,
        not_ours: 40,
        unreadable: 7,
        instalment: 0,
        paid: 2,
    }]);
    let (position, ties) = (position(&figures), ties(&figures));
    let sources =
        [(journal::Service::Ledger, Some(journal::Position::new(9))), (journal::Service::Identity, None)];
    let text = String::from_utf8(pack("2017-18".parse().unwrap(), &sources, &position, &ties)).unwrap();
    let shown: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("tie,LINE_") && !line.contains("10N")).collect();
    expect_test::expect![[r#"
        almoner position 1
        financial_year,2017-18
        source,ledger,9
        source,identity,
        line,10M/elective/2017-18,100000000,777,300,300,0,1000,0,99997923,1300
        line,10M/phb/2017-18,5900,50,100,0,0,290,0,5460,300
        payee,10M/elective/2017-18,NT3,third-party,1000,300,300,0,1000,0
        payee,10M/phb/2017-18,NVC,phb,0,100,0,0,0,0
        payee,10M/phb/2017-18,direct payments,phb,0,0,0,0,300,0
        class,10M/elective/2017-18,third-party,1300,777
        class,10M/phb/2017-18,phb,300,0
        tie,CLAIMS,NT3 for 10M,1352,1000,0,PRICE_DIFFERENCE,5,CONTESTED_CLAIMS,340,UNREADABLE_CLAIMS,7
        tie,ACCEPTED,NT3 for 10M,1000,1000,0
        tie,PAYABLE,10M to NT3,1000,1000,0
        tie,CONTESTED,10M to NT3,300,300,0
        tie,WINDOWS,10M to NVC,100,100,0
        tie,EXPENDITURE,10M,1300,1300,0
        tie,IN_TRANSIT,10M elective,0,0,0
        tie,IN_TRANSIT,10M phb,0,0,0
        tie,SETTLED,10M elective,1000,1000,0
        tie,SETTLED,10M phb,300,290,0,RECEIVED_FROM_HOLDERS,10
        tie,BANK,10M,1300,1290,0,RECEIVED_FROM_HOLDERS,10
        tie,BUDGET_ALLOCATION,10M,900,900,0
        tie,BUDGET_HOLDS,10M,50,50,0
        tie,BUDGET_EXPENDITURE,10M,300,300,0
        tie,BUDGET_PAID_AHEAD,10M,70,70,0
        tie,BUDGET_RECOVERABLE,10M,20,20,0
        tie,TRANSFERRED,all lines,0,0,0
        tie,TRIAL_BALANCE,the ledger,0,0,0
        tie,CONTROL_TOTAL,the system,-500,-500,0
        tie,MEMORANDUM,all organisations,-500,-500,0"#]]
    .assert_eq(&shown.join("\n"));
}
