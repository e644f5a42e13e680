//! When: the day up to which, and the instant as known at which, balances are asked for.

use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use journal::Instant;
use proto::ledger::v1::{self, DateBasis, get_statement_request, point_in_time};

/// The day and the instant.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct When {
    /// Only what is accounted for on this day or earlier; a day that has not come is refused
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    #[command(flatten)]
    known: Known,
}

/// By which date, and as known when.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Known {
    /// Go by when things happened instead of when they are accounted for
    #[arg(long)]
    effective: bool,
    /// As it was known at this instant (2017-08-04T12:00:00Z) or up to this record (a position)
    #[arg(long, value_name = "INSTANT")]
    known: Option<String>,
}

/// An instant or a position.
enum By {
    Time(Instant),
    Position(u64),
}

impl Known {
    fn by(&self) -> anyhow::Result<Option<By>> {
        let Some(text) = &self.known else { return Ok(None) };
        if let Ok(position) = text.parse() {
            return Ok(Some(By::Position(position)));
        }
        let time = text.parse::<Instant>();
        Ok(Some(By::Time(time.context("an instant is 2017-08-04T12:00:00Z, or a record's position")?)))
    }

    pub(crate) const fn basis(&self) -> DateBasis {
        if self.effective { DateBasis::Effective } else { DateBasis::Accounting }
    }

    /// For a statement.
    pub(crate) fn of_statement(&self) -> anyhow::Result<Option<get_statement_request::Known>> {
        Ok(self.by()?.map(|by| match by {
            By::Time(time) => get_statement_request::Known::RecordedTime(wire::common::timestamp(time)),
            By::Position(position) => get_statement_request::Known::Position(position),
        }))
    }
}

impl When {
    /// For a balance; `None` is how things stand.
    pub(crate) fn point(&self) -> anyhow::Result<Option<v1::PointInTime>> {
        let date = self.on.map(|on| {
            let on = wire::common::date(on);
            match self.known.basis() {
                DateBasis::Effective => point_in_time::Date::EffectiveDate(on),
                DateBasis::Accounting | DateBasis::Unspecified => point_in_time::Date::AccountingDate(on),
            }
        });
        let known = self.known.by()?.map(|by| match by {
            By::Time(time) => point_in_time::Known::RecordedTime(wire::common::timestamp(time)),
            By::Position(position) => point_in_time::Known::Position(position),
        });
        Ok((date.is_some() || known.is_some()).then_some(v1::PointInTime { date, known }))
    }

    /// The last day of a statement up to then.
    pub(crate) const fn on(&self) -> Option<Date> {
        self.on
    }

    /// By which date, and as known when.
    pub(crate) const fn known(&self) -> &Known {
        &self.known
    }
}
