//! From a question to a price.

use crate::{
    Activity, BookId, Books, LocalPrice, LocalPriceUse, NoPrice, PriceBook, Priced, Question, Rule, RulePath,
    Subject, adjust, attendance, spell,
};
use money::{NetPence, Pence, Rounding};
use nhs::FinancialYear;

/// A base price found, and what goes with it.
pub(crate) struct Base {
    pub(crate) subject: Subject,
    pub(crate) base: Pence,
    pub(crate) trim_days: Option<u16>,
    pub(crate) long_stay_days: u32,
    pub(crate) long_stay: Pence,
    pub(crate) rules: RulePath,
    pub(crate) book: Option<BookId>,
    pub(crate) includes_mff: bool,
    pub(crate) modification: Option<Pence>,
    pub(crate) top_up: Pence,
    pub(crate) top_up_percent: Option<u16>,
    pub(crate) best_practice: Option<NetPence>,
}

impl Base {
    /// A price of a list, or of a contract, with nothing beside it yet.
    pub(crate) const fn of(subject: Subject, base: Pence, rules: RulePath) -> Self {
        Self {
            subject,
            base,
            trim_days: None,
            long_stay_days: 0,
            long_stay: Pence::ZERO,
            rules,
            book: None,
            includes_mff: false,
            modification: None,
            top_up: Pence::ZERO,
            top_up_percent: None,
            best_practice: None,
        }
    }

    /// It, as it stands in `book`.
    pub(crate) const fn listed(mut self, book: &PriceBook) -> Self {
        self.book = Some(book.id());
        self.rules = self.rules.with_illustrative(book.is_illustrative());
        self
    }
}

/// Prices one line from the books in force.
///
/// What is unpriced by rule, or wrong in itself, is answered before any book is opened; a local variation stands before
/// the national price, a local price where there is none. The reasons are tried in the order of [`NoPrice::ALL`].
///
/// Nothing is allocated: a line costs two short binary searches and one decimal product.
pub fn price(books: &Books, question: &Question) -> Result<Priced, NoPrice> {
    let rules = match &question.activity {
        Activity::Spell(spell) => spell::admit(spell)?,
        Activity::Attendance(attendance) => attendance::admit(attendance)?,
        Activity::Procedure(hrg) => attendance::admit_procedure(*hrg)?,
    };
    let found = match question.local_price {
        Some(local) if local.use_ == LocalPriceUse::Variation => {
            local_base(question, local, rules.with(Rule::LocalVariation))
        }
        local => match (national(books, question, rules), local) {
            (Err(reason), Some(local)) if reason.yields_to_local_price() => {
                local_base(question, local, rules.with(Rule::LocalPrice))
            }
            (national, _) => {
                let mut found = national?;
                question.adjustments.apply(&mut found)?;
                found
            }
        },
    };
    finish(question, &found)
}

fn national(books: &Books, question: &Question, rules: RulePath) -> Result<Base, NoPrice> {
    let year = FinancialYear::of(question.date).map_err(|_| NoPrice::NoPriceBook)?;
    match &question.activity {
        Activity::Spell(spell) => spell::base(books, year, spell, rules),
        Activity::Attendance(attendance) => attendance::base(books, year, attendance, rules),
        Activity::Procedure(hrg) => {
            attendance::procedure(books, year, *hrg, rules)?.ok_or(NoPrice::NoNationalPrice)
        }
    }
}

/// What the contract says, all in: no modification, top-up or best-practice price comes on top.
fn local_base(question: &Question, local: LocalPrice, rules: RulePath) -> Base {
    let subject = match &question.activity {
        Activity::Spell(spell) => Subject::Hrg(spell.hrg),
        Activity::Attendance(attendance) => match attendance.hrg {
            Some(hrg) => Subject::Hrg(hrg),
            None => Subject::Function(attendance.function),
        },
        Activity::Procedure(hrg) => Subject::Hrg(*hrg),
    };
    Base { includes_mff: local.includes_mff, ..Base::of(subject, local.amount, rules) }
}

/// The formula: the factor multiplies the sum, adjustments included, and the product is rounded once. A sum below nothing is
/// no price.
fn finish(question: &Question, found: &Base) -> Result<Priced, NoPrice> {
    let (mff, rule) = match (found.includes_mff, question.mff) {
        (true, _) => (None, Rule::FactorIncluded),
        (false, None) => (None, Rule::BeforeFactor),
        (false, Some(mff)) => (Some(mff), Rule::MarketForcesFactor),
    };
    let rounded = match question.rounding {
        Rounding::NearestPenny => Rule::RoundedToPenny,
        Rounding::NearestPound => Rule::RoundedToPound,
    };
    let mut priced = Priced {
        subject: found.subject,
        base: found.base,
        trim_days: found.trim_days,
        long_stay_days: found.long_stay_days,
        long_stay: found.long_stay,
        top_up: found.top_up,
        mff,
        rounding: question.rounding,
        price: Pence::ZERO,
        rules: found.rules.with(rule).with(rounded),
        book: found.book,
        modification: found.modification,
        top_up_percent: found.top_up_percent,
        best_practice: found.best_practice,
    };
    priced.price = adjust::rounded(&priced)?;
    Ok(priced)
}
