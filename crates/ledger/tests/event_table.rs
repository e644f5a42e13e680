//! Every row of the chart's table of events: what it debits and credits, what it does to holds, and where it leaves the line.

mod common;
use common::Book;

/// A line with £1,000.00.
const FUNDED: &str = "
    post budget allocation: D R 100000; C E/fund/allocation 100000
";

fn after_funding(grid: &str) {
    let mut book = Book::default();
    book.run(FUNDED);
    book.run(grid);
}

#[test]
fn allocation() {
    after_funding(
        "line E allocated=100000 committed=0 accrued=0 paid=0 available=100000
         balance R 100000
         # a PHB line is allocated to what no plan has yet
         post phb allocation: D R 50000; C P/fund/unassigned/allocation 50000
         line P allocated=50000 available=50000
         # a move between two lines of one payer goes through the resource limit
         post move allocation: D E/fund/allocation 1000; C R 1000; D R 1000; C P/fund/unassigned/allocation 1000
         line E allocated=99000 available=99000
         line P allocated=51000 available=51000",
    );
}

#[test]
fn referral_activity_and_release() {
    after_funding(
        "post r1 referral: place E/fund/expenditure/third-party 20000 until 2017-12-01
         post r2 referral: place E/fund/expenditure/third-party 5000 until 2017-12-01
         line E allocated=100000 committed=25000 accrued=0 paid=0 available=75000
         post a1 activity: D E/fund/expenditure/third-party 18000; C E/owed/payable/NT3 18000 adds cut 2017-06 freeze; capture r1 18000
         line E allocated=100000 committed=7000 accrued=18000 paid=0 available=75000 expenditure=18000
         hold r1 2000
         # the follow-up costs more than what is left of the hold
         post a2 activity: D E/fund/expenditure/third-party 2500; C E/owed/payable/NT3 2500 adds cut 2017-06 freeze; capture r1 2500
         hold r1 0
         line E committed=5000 accrued=20500 available=74500
         post x2 hold-release: release r2
         line E committed=0 accrued=20500 available=79500
         # in-system care differs in its class only
         post a3 activity: D E/fund/expenditure/in-system 100; C E/owed/payable/RHW 100 adds cut 2017-06 freeze
         balance E/fund/expenditure 20600
         window 10M NT3 cut 2017-06 freeze = seq 2 total 20500 paid 0
         window 10M RHW cut 2017-06 freeze = seq 1 total 100 paid 0",
    );
}

#[test]
fn on_account_recognition_and_true_up() {
    after_funding(
        "post due on-account: D E/fund/prepayment/RHW 30000; C E/owed/payable/RHW 30000 adds instalment 2017-06-15
         line E accrued=30000 available=70000 expenditure=0
         post rec recognition: D E/fund/expenditure/in-system 28000; C E/fund/prepayment/RHW 28000
         line E accrued=30000 available=70000 expenditure=28000
         # 2000 too much was due: trued up by the payee
         post by true-up: D E/fund/recoverable/RHW 2000; C E/fund/prepayment/RHW 2000
         balance E/fund/prepayment/RHW 0
         # and another month, due to the payee
         post to true-up: D E/fund/prepayment/RHW 700; C E/owed/payable/RHW 700 adds run 0
         line E accrued=30700 available=69300
         window 10M RHW run 1 = seq 1 total 700 paid 0",
    );
}

#[test]
fn a_new_version_is_booked_or_reversed_in_the_window_of_what_it_corrects() {
    after_funding(
        "post a1 activity: D E/fund/expenditure/third-party 10000; C E/owed/payable/NT3 10000 adds cut 2017-06 flex
         post v2 activity-version: D E/owed/payable/NT3 1500 adds cut 2017-06 flex; C E/fund/expenditure/third-party 1500
         line E accrued=8500 available=91500 expenditure=8500
         window 10M NT3 cut 2017-06 flex = seq 2 total 8500 paid 0
         seal 10M NT3 cut 2017-06 flex
         # too late for the cut: the run in force takes it
         post v3 activity-version: D E/owed/payable/NT3 500 adds cut 2017-06 flex; C E/fund/expenditure/third-party 500
         window 10M NT3 cut 2017-06 flex = seq 2 total 8500 paid 0 sealed
         window 10M NT3 run 1 = seq 1 total -500 paid 0",
    );
}

#[test]
fn contested_on_receipt_later_and_settled() {
    after_funding(
        "post r1 referral: place E/fund/expenditure/third-party 9000 until 2017-12-01
         post c1 contest: D E/fund/expenditure/third-party 9000; C E/owed/contested/NT3 9000; capture r1
         line E committed=0 accrued=9000 contested=9000 available=91000
         post up contest-outcome: D E/owed/contested/NT3 4000; C E/fund/expenditure/third-party 4000
         post pr contest-outcome: D E/owed/contested/NT3 5000; C E/owed/payable/NT3 5000 adds cut 2017-06 freeze
         line E accrued=5000 contested=0 available=95000 expenditure=5000
         post later contest: D E/owed/payable/NT3 5000 adds cut 2017-06 freeze; C E/owed/contested/NT3 5000
         line E accrued=5000 contested=5000
         window 10M NT3 cut 2017-06 freeze = seq 2 total 0 paid 0",
    );
}

#[test]
fn month_end_estimates() {
    after_funding(
        "post r1 referral: place E/fund/expenditure/third-party 9000 until 2017-12-01
         post e1 estimate: D E/fund/expenditure/third-party 8000; C E/owed/estimate/NT3 8000; release r1; accounted 2017-05-31
         line E committed=0 accrued=8000 available=92000
         post e2 estimate-reversal: D E/owed/estimate/NT3 8000; C E/fund/expenditure/third-party 8000; place E/fund/expenditure/third-party 9000 until 2017-12-01
         line E committed=9000 accrued=0 available=91000 expenditure=0
         hold e2 9000
         # on account or block
         post p1 on-account: D E/fund/prepayment/RHW 500; C E/owed/payable/RHW 500 adds instalment 2017-06-15
         post e3 estimate: D E/fund/expenditure/in-system 500; C E/fund/prepayment/RHW 500
         post e4 estimate-reversal: D E/fund/prepayment/RHW 500; C E/fund/expenditure/in-system 500
         line E accrued=500 available=90500",
    );
}

/// A sealed window of £100.00 owed to NT3.
const SEALED: &str = "
    post a1 activity: D E/fund/expenditure/third-party 10000; C E/owed/payable/NT3 10000 adds cut 2017-06 freeze
    seal 10M NT3 cut 2017-06 freeze
";

#[test]
fn payment_instructed_confirmed_rejected_and_returned() {
    let mut book = Book::default();
    book.run(FUNDED);
    book.run(SEALED);
    book.run(
        "post i1 payment-instructed: D E/owed/payable/NT3 10000 pays cut 2017-06 freeze; C E/out/in-transit 10000
         line E accrued=0 paid=10000 available=90000
         window 10M NT3 cut 2017-06 freeze = seq 1 total 10000 paid 10000 sealed
         # nothing is paid twice
         post i2 payment-instructed: D E/owed/payable/NT3 1 pays cut 2017-06 freeze; C E/out/in-transit 1 -> WINDOW_OVERPAID
         post ok payment-confirmed: D E/out/in-transit 6000; C E/out/bank 6000
         post no payment-rejected: D E/out/in-transit 4000; C E/owed/payable/NT3 4000 adds run 0
         line E accrued=4000 paid=6000 available=90000
         post back payment-returned: D E/out/bank 6000; C E/owed/payable/NT3 6000 adds run 0
         line E accrued=10000 paid=0 available=90000
         window 10M NT3 run 1 = seq 2 total 10000 paid 0
         seal 10M NT3 run 1
         post again payment-instructed: D E/owed/payable/NT3 10000 pays run 1; C E/out/in-transit 10000
         line E accrued=0 paid=10000 available=90000
         # what falls due now belongs to the next run
         post late activity-version: D E/fund/expenditure/third-party 5; C E/owed/payable/NT3 5 adds run 1
         window 10M NT3 run 2 = seq 1 total 5 paid 0",
    );
}

#[test]
fn a_negative_net_is_recovered() {
    after_funding(
        "post a1 activity-version: D E/owed/payable/NT3 300 adds cut 2017-06 freeze; C E/fund/expenditure/third-party 300
         seal 10M NT3 cut 2017-06 freeze
         line E accrued=-300 available=100300
         post rec recovery: D E/fund/recoverable/NT3 300; C E/owed/payable/NT3 300 pays cut 2017-06 freeze
         line E accrued=0 available=100000
         post in recovery-received: D E/out/bank 300; C E/fund/recoverable/NT3 300
         line E accrued=0 paid=-300 available=100300
         window 10M NT3 cut 2017-06 freeze = seq 1 total -300 paid -300 sealed",
    );
}

/// A PHB plan with £500.00.
const PLANNED: &str = "
    post phb allocation: D R 80000; C P/fund/unassigned/allocation 80000
    post plan plan-approved: D P/fund/unassigned/allocation 50000; C P/fund/plan/phb-7/allocation 50000
";

fn after_planning(grid: &str) {
    let mut book = Book::default();
    book.run(PLANNED);
    book.run(grid);
}

#[test]
fn a_plan_is_approved() {
    after_planning(
        "line P allocated=80000 available=80000
         balance P/fund/unassigned 30000
         balance P/fund/plan/phb-7 50000",
    );
}

#[test]
fn a_notional_budget() {
    after_planning(
        "post b1 phb-booked: place P/fund/plan/phb-7/expenditure/phb-notional 12000 until 2017-09-01
         line P committed=12000 available=68000
         post d1 phb-delivered: D P/fund/plan/phb-7/expenditure/phb-notional 11000; C P/owed/payable/S42 11000 adds run 0; capture b1
         line P committed=0 accrued=11000 available=69000 expenditure=11000
         balance P/fund/plan/phb-7 39000",
    );
}

#[test]
fn a_third_party_budget() {
    after_planning(
        "limit hard P/fund/plan/phb-7 floor=0
         post ap phb-booked: place P/fund/plan/phb-7/advance 40000 until 2018-04-01
         post due phb-instalment: D P/fund/plan/phb-7/advance 10000; C P/owed/payable/HOLDER 10000 adds instalment 2017-06-01; capture ap 10000
         line P committed=30000 accrued=10000 available=40000 expenditure=0
         post care phb-care: D P/fund/plan/phb-7/expenditure/phb-third-party 7000; C P/fund/plan/phb-7/advance 7000
         line P committed=30000 accrued=10000 available=40000 expenditure=7000
         post back phb-returned: D P/out/bank 3000; C P/fund/plan/phb-7/advance 3000
         line P accrued=10000 paid=-3000 available=43000
         balance P/fund/plan/phb-7/advance 0
         # the pot is hard-limited
         post more phb-booked: place P/fund/plan/phb-7/advance 13001 until 2018-04-01 -> LIMIT_EXCEEDED
         post last phb-booked: place P/fund/plan/phb-7/advance 13000 until 2018-04-01",
    );
}

#[test]
fn a_direct_payment_reclaimed_received_and_written_off() {
    after_planning(
        "post ap phb-booked: place P/fund/plan/phb-7/prepayment 20000 until 2018-04-01
         post due phb-instalment: D P/fund/plan/phb-7/prepayment 5000; C P/owed/payable/phb-7 5000 adds instalment 2017-06-01; capture ap 5000
         post care phb-care: D P/fund/plan/phb-7/expenditure/phb-direct 3000; C P/fund/plan/phb-7/prepayment 3000
         line P committed=15000 accrued=5000 available=60000 expenditure=3000
         post rc reclaim: D P/fund/plan/phb-7/recoverable 2000; C P/fund/plan/phb-7/prepayment 2000
         post rr reclaim-received: D P/out/bank 1500; C P/fund/plan/phb-7/recoverable 1500
         post wo write-off: D P/fund/plan/phb-7/expenditure/written-off 500; C P/fund/plan/phb-7/recoverable 500
         balance P/fund/plan/phb-7/recoverable 0
         line P accrued=5000 paid=-1500 expenditure=3500",
    );
}

#[test]
fn an_in_system_set_off_moves_through_transferred() {
    let mut book = Book::default();
    book.run(FUNDED);
    book.run(
        "post m allocation: D resource-limit/15A/2017-18 5000; C M/fund/allocation 5000
         post a1 activity: D E/fund/expenditure/in-system 800; C E/owed/payable/RHW 800 adds cut 2017-06 freeze
         post b1 activity-version: D M/owed/payable/RHW 800 adds cut 2017-06 freeze; C M/fund/expenditure/in-system 800
         seal 10M RHW cut 2017-06 freeze
         seal 15A RHW cut 2017-06 freeze
         post so set-off: D E/owed/payable/RHW 800 pays cut 2017-06 freeze; C E/out/transferred 800; D M/out/transferred 800; C M/owed/payable/RHW 800 pays cut 2017-06 freeze
         line E accrued=0 paid=800 transferred=800
         line M accrued=0 paid=-800 transferred=-800 available=5800",
    );
}

#[test]
fn year_end_moves_credits_debits_and_plans() {
    after_funding(
        "post n allocation: D RN 100000; C N/fund/allocation 100000
         post e1 estimate: D E/fund/expenditure/third-party 900; C E/owed/estimate/NT3 900
         # the old year's fund is shut: the reversal credits the new year
         post y1 year-end: D E/owed/estimate/NT3 900; C E/out/transferred 900; D N/out/transferred 900; C N/fund/expenditure/third-party 900
         line E accrued=0 paid=900 available=99100 expenditure=900
         line N paid=-900 available=100900 expenditure=-900
         # a debit balance moves as the same account
         post p on-account: D E/fund/prepayment/RHW 300; C E/owed/payable/RHW 300 adds instalment 2018-03-15
         post y2 year-end: D E/out/transferred 300; C E/fund/prepayment/RHW 300; D N/fund/prepayment/RHW 300; C N/out/transferred 300
         balance E/fund/prepayment 0
         balance N/fund/prepayment 300
         # and holds are placed again, released and placed in one posting
         post r1 referral: place E/fund/expenditure/third-party 700 until 2018-12-01
         post y3 year-end: release r1; place N/fund/expenditure/third-party 700 until 2018-12-01
         line E committed=0
         line N committed=700
         # a plan's unspent allocation
         post ph allocation: D R 2000; C P/fund/unassigned/allocation 2000
         post pl plan-approved: D P/fund/unassigned/allocation 2000; C P/fund/plan/phb-7/allocation 2000
         post y4 year-end: D P/fund/plan/phb-7/allocation 600; C R 600; D RN 600; C NP/fund/plan/phb-7/allocation 600
         line P allocated=1400 available=1400
         line NP allocated=600 available=600",
    );
}

#[test]
fn a_merger_moves_credit_balances() {
    after_funding(
        "post a1 activity: D E/fund/expenditure/third-party 800; C E/owed/payable/NT3 800 adds cut 2017-06 freeze
         post mv merger: D E/owed/payable/NT3 800 adds cut 2017-06 freeze; C E/out/transferred 800; D M/out/transferred 800; C M/owed/payable/NT3 800 adds run 0
         line E accrued=0 paid=800
         line M accrued=800 paid=-800 available=0
         window 10M NT3 cut 2017-06 freeze = seq 2 total 0 paid 0
         window 15A NT3 run 1 = seq 1 total 800 paid 0",
    );
}
