//! What the ledger is told of an event: postings that balance, in typed parts, and seals of windows.
//!
//! It knows accounts by what they are, never by number: the service's courier turns each into the ledger's own number.

use crate::{
    Answer, Books, Command, Event, LineAnswered, MarginPosted, MoveReferral, PlanKey, PostMargin,
    RecordReferral, ReferralMoved, ReferralRecorded, Release, Route, SealedTotal, Split, Standing, Verdict,
};
use core::fmt;
use journal::{Day, Moment, RequestId, derived_request_id};
use money::{NetPence, Pence, Side};
use nhs::{FinancialYear, OdsCode};
use reference::{Cut, ExpenditureClass};
use smallvec::SmallVec;

/// One thing that the ledger is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Make this posting.
    Post(Posting),
    /// Seal these windows.
    Seal(SealWindows),
}

/// What happened, in the words of the ledger's own kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostingKind {
    /// A referral places a hold.
    Referral,
    /// A hold is given up.
    HoldRelease,
    /// Activity is accepted and owed.
    Activity,
    /// Activity changes: a new version, or none any more.
    ActivityVersion,
    /// A line is contested on receipt.
    Contest,
    /// Activity is recognised against payments on account.
    Recognition,
    /// A contested line is settled, for us or for the provider.
    ContestOutcome,
    /// Activity beyond a plan is owed, or is owed no more.
    Margin,
}

/// One posting: legs that balance within each budget line, and hold actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The id under which it is made: derived, so that a repeated report is a repeated request.
    pub request_id: RequestId,
    /// What happened.
    pub kind: PostingKind,
    /// When it happened.
    pub effective: Day,
    /// The legs.
    pub legs: SmallVec<[Leg; 2]>,
    /// The hold actions.
    pub holds: SmallVec<[HoldAction; 1]>,
}

/// One side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The account.
    pub account: Account,
    /// Its side.
    pub side: Side,
    /// The amount; more than nothing.
    pub pence: Pence,
    /// The cut whose window it adds to, on `owed/payable` only. When that is sealed the ledger puts the run in its place.
    pub window: Option<Cut>,
}

/// An account of the elective programme. Its `Display` is its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// The commissioner.
    pub payer: OdsCode,
    /// The financial year of its budget.
    pub year: FinancialYear,
    /// Which of its accounts.
    pub leaf: Leaf,
}

/// The accounts of a budget line that activity moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leaf {
    /// `fund/expenditure/<class>`.
    Expenditure(ExpenditureClass),
    /// `fund/prepayment/<payee>`.
    Prepayment(OdsCode),
    /// `owed/payable/<payee>`.
    Payable(OdsCode),
    /// `owed/contested/<payee>`.
    Contested(OdsCode),
}

/// What a posting does to a hold, which is named by the request id that placed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldAction {
    /// Places one.
    Place {
        /// Where.
        account: Account,
        /// How much.
        pence: Pence,
        /// The first day on which it no longer stands.
        expires: Day,
    },
    /// Lowers one.
    Capture {
        /// Which.
        hold: RequestId,
        /// By how much.
        pence: Pence,
    },
    /// Gives up what is left of one.
    Release {
        /// Which.
        hold: RequestId,
    },
}

/// The windows of a cut, one for each payer and payee that had a part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealWindows {
    /// The id under which it is asked; a service that parts the list derives further ones from it.
    pub request_id: RequestId,
    /// The cut.
    pub cut: Cut,
    /// Payers and payees, in order.
    pub windows: Vec<(OdsCode, OdsCode)>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/elective/{}/", self.payer, self.year)?;
        match self.leaf {
            Leaf::Expenditure(class) => write!(f, "fund/expenditure/{class}"),
            Leaf::Prepayment(payee) => write!(f, "fund/prepayment/{payee}"),
            Leaf::Payable(payee) => write!(f, "owed/payable/{payee}"),
            Leaf::Contested(payee) => write!(f, "owed/contested/{payee}"),
        }
    }
}

/// The id of the posting that follows from a request; it also names the hold that the posting places.
#[must_use]
pub fn posting_id(request: RequestId) -> RequestId {
    derived_request_id("posting", request, b"")
}

pub(crate) fn reports(at: &Moment, command: &Command, event: &Event, out: &mut Vec<Report>) {
    let report = match (command, event) {
        (Command::RecordReferral(referral), Event::ReferralRecorded(recorded)) => {
            hold(at, referral, recorded)
        }
        (_, Event::ReferralEnded { released: Some(released) }) => Some(release(at, released)),
        (Command::MoveReferral(ask), Event::ReferralMoved(moved)) => held_instead(at, ask, moved),
        (Command::SubmitLine(line), Event::LineAnswered(answered)) if answered.in_force => {
            line_posting(at, line.date(), line.claimed, answered)
        }
        (Command::RepriceLine(reprice), Event::LineAnswered(answered)) => {
            // The difference goes where the price went, also when that window is sealed: then the ledger puts it into a run.
            let cut = answered.supersedes.and_then(|old| old.cut);
            let answered = LineAnswered { cut, ..*answered };
            line_posting(at, reprice.line.date(), reprice.line.claimed, &answered)
        }
        (_, Event::LineAnswered(answered)) if answered.in_force => {
            line_posting(at, at.business_date, Pence::ZERO, answered)
        }
        (_, Event::LineWithdrawn { withdrawn }) => {
            let mut legs = Net::default();
            legs.take(withdrawn);
            posting(at, PostingKind::ActivityVersion, withdrawn.date, legs, SmallVec::new())
        }
        (_, Event::ChallengeRaised(raised)) => {
            divided(at, PostingKind::Contest, &raised.before, &raised.after)
        }
        (_, Event::ChallengeConcluded(moved)) => {
            divided(at, PostingKind::ContestOutcome, &moved.before, &moved.after)
        }
        (Command::PostMargin(post), Event::MarginPosted(posted)) => margin(at, post, posted),
        (Command::SealCut(seal), Event::CutSealed { totals }) => seal_windows(at, seal.cut, totals),
        (_, _) => None,
    };
    out.extend(report);
}

fn account(route: &Route, day: Day, leaf: Leaf) -> Option<Account> {
    let year = FinancialYear::of(day.date()).ok()?;
    Some(Account { payer: route.payer, year, leaf })
}

fn hold(at: &Moment, referral: &RecordReferral, recorded: &ReferralRecorded) -> Option<Report> {
    let hold = recorded.hold?;
    let route = &recorded.route;
    let account = account(route, referral.referred, Leaf::Expenditure(route.class))?;
    let place = HoldAction::Place { account, pence: hold.amount, expires: hold.until.plus(1) };
    let holds = SmallVec::from_elem(place, 1);
    posting(at, PostingKind::Referral, referral.referred, Net::default(), holds)
}

fn release(at: &Moment, released: &Release) -> Report {
    Report::Post(Posting {
        request_id: posting_id(at.request_id),
        kind: PostingKind::HoldRelease,
        effective: at.business_date,
        legs: SmallVec::new(),
        holds: SmallVec::from_elem(HoldAction::Release { hold: released.hold }, 1),
    })
}

/// What a move changes of what is held: all that was left is given back, and what is expected now is held.
fn held_instead(at: &Moment, ask: &MoveReferral, moved: &ReferralMoved) -> Option<Report> {
    let mut holds = SmallVec::new();
    if let Some(released) = moved.released {
        holds.push(HoldAction::Release { hold: released.hold });
    }
    if let Some((hold, route)) = moved.hold.zip(moved.route) {
        let account = account(&route, ask.on, Leaf::Expenditure(route.class))?;
        holds.push(HoldAction::Place { account, pence: hold.amount, expires: hold.until.plus(1) });
    }
    let (kind, effective) = match moved.hold {
        Some(_) => (PostingKind::Referral, ask.on),
        None => (PostingKind::HoldRelease, at.business_date),
    };
    posting(at, kind, effective, Net::default(), holds)
}

fn line_posting(at: &Moment, date: Day, claimed: Pence, answered: &LineAnswered) -> Option<Report> {
    let verdict = match &answered.answer {
        Answer::Accepted(priced) => {
            Verdict::Accepted(priced.as_ref().map_or(Pence::ZERO, |priced| priced.price))
        }
        Answer::Contested => Verdict::Contested,
        Answer::Unreadable => Verdict::Unreadable,
    };
    let now = Standing {
        position: at.position,
        version: answered.version,
        route: answered.route,
        payer: answered.payer,
        date,
        cut: answered.cut,
        claimed,
        verdict,
        books: answered.books,
        split: None,
    };
    let mut legs = Net::default();
    legs.add(&now);
    if let Some(old) = &answered.supersedes {
        legs.take(old);
    }
    let kind = match (&answered.supersedes, answered.books) {
        (Some(_), _) => PostingKind::ActivityVersion,
        (None, Books::Contested) => PostingKind::Contest,
        (None, Books::Recognised) => PostingKind::Recognition,
        (None, Books::Payable | Books::Nowhere) => PostingKind::Activity,
    };
    let capture = |capture: crate::Capture| HoldAction::Capture { hold: capture.hold, pence: capture.amount };
    posting(at, kind, date, legs, answered.capture.map(capture).into_iter().collect())
}

/// What a challenge moves: between what is owed, what is contested, and what was spent.
fn divided(at: &Moment, kind: PostingKind, before: &Standing, after: &Standing) -> Option<Report> {
    let mut legs = Net::default();
    legs.add(after);
    legs.take(before);
    posting(at, kind, before.date, legs, SmallVec::new())
}

/// What is owed beyond a plan, more or less than before, in the window of the cut that is sealed next.
fn margin(at: &Moment, post: &PostMargin, posted: &MarginPosted) -> Option<Report> {
    let PlanKey { payer, payee, class, year } = post.plan;
    let account = |leaf| Some(Account { payer, year, leaf });
    let mut legs = Net::default();
    legs.move_by(account(Leaf::Expenditure(class)), None, posted.change().get());
    legs.move_by(account(Leaf::Payable(payee)), Some(post.cut), posted.change().get().saturating_neg());
    posting(at, PostingKind::Margin, Day::from(post.cut.period.last_day()), legs, SmallVec::new())
}

fn posting(
    at: &Moment,
    kind: PostingKind,
    effective: Day,
    legs: Net,
    holds: SmallVec<[HoldAction; 1]>,
) -> Option<Report> {
    let legs = legs.legs();
    if legs.is_empty() && holds.is_empty() {
        return None;
    }
    Some(Report::Post(Posting { request_id: posting_id(at.request_id), kind, effective, legs, holds }))
}

fn seal_windows(at: &Moment, cut: Cut, totals: &[SealedTotal]) -> Option<Report> {
    if totals.is_empty() {
        return None;
    }
    let windows = totals.iter().map(|total| (total.payer, total.payee)).collect();
    let request_id = derived_request_id("seal", at.request_id, b"");
    Some(Report::Seal(SealWindows { request_id, cut, windows }))
}

/// The net of what an event adds and takes off, by account and window: a new version posts its difference, which is
/// rounded amounts subtracted, never a rounded difference.
#[derive(Default)]
struct Net(SmallVec<[(Account, Option<Cut>, NetPence); 4]>);

impl Net {
    fn add(&mut self, line: &Standing) {
        self.post(line, 1);
    }

    fn take(&mut self, line: &Standing) {
        self.post(line, -1);
    }

    fn post(&mut self, line: &Standing, sign: i64) {
        let amount = |pence: Pence| pence.get().saturating_mul(sign);
        let Some(route) = &line.route else { return };
        let Split { kept, contested } = line.division();
        let (credit, window) = match line.books {
            Books::Nowhere => return,
            Books::Recognised => (Leaf::Prepayment(route.payee), None),
            // Of a line contested on receipt something is owed only once a challenge has settled it.
            Books::Payable | Books::Contested => (Leaf::Payable(route.payee), line.cut),
        };
        let spent = amount(line.posted());
        self.move_by(account(route, line.date, Leaf::Expenditure(route.class)), None, spent);
        self.move_by(account(route, line.date, credit), window, amount(kept).saturating_neg());
        let withheld = account(route, line.date, Leaf::Contested(route.payee));
        self.move_by(withheld, None, amount(contested).saturating_neg());
    }

    /// Debits when positive, credits when negative.
    fn move_by(&mut self, account: Option<Account>, window: Option<Cut>, amount: i64) {
        let Some(account) = account.filter(|_| amount != 0) else { return };
        match self.0.iter_mut().find(|row| row.0 == account && row.1 == window) {
            Some(row) => row.2 = NetPence::new(row.2.get().saturating_add(amount)),
            None => self.0.push((account, window, NetPence::new(amount))),
        }
    }

    fn legs(self) -> SmallVec<[Leg; 2]> {
        let leg = |(account, window, net): (Account, Option<Cut>, NetPence)| {
            net.side(Side::Debit).map(|side| Leg { account, side, pence: net.magnitude(), window })
        };
        self.0.into_iter().filter_map(leg).collect()
    }
}
