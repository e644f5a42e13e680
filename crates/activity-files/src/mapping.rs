//! Mapping profiles: TOML that says what the columns of a file are.

use crate::{Dates, Decimals, Delimiter, Encoding, Field, Unit, header::plain};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which of the shipped mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Headed by the names of `almoner.referrals.v1.ActivityLine`.
    Native,
    /// Patient-level contract monitoring.
    Plcm,
    /// A local contract monitoring ("SLAM") file.
    Slam,
    /// The commissioner's pseudonymised SUS extract.
    Sus,
    /// Referrals headed by the names of `almoner.referrals.v1.ReferralSubmission`.
    Referrals,
    /// Referrals as an extract of the NHS e-Referral Service has them.
    Ers,
    /// Referrals as a triage service lists them.
    Triage,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Native, Self::Plcm, Self::Slam, Self::Sus, Self::Referrals, Self::Ers, Self::Triage];

    /// The TOML of the shipped mapping: where a profile of one's own begins.
    #[must_use]
    pub const fn toml(self) -> &'static str {
        match self {
            Self::Native => include_str!("../mappings/native.toml"),
            Self::Plcm => include_str!("../mappings/plcm.toml"),
            Self::Slam => include_str!("../mappings/slam.toml"),
            Self::Sus => include_str!("../mappings/sus.toml"),
            Self::Referrals => include_str!("../mappings/referrals.toml"),
            Self::Ers => include_str!("../mappings/ers.toml"),
            Self::Triage => include_str!("../mappings/triage.toml"),
        }
    }
}

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// What a provider claims for, one line a row.
    Activity,
    /// What the commissioner's extract says of the same care.
    Sus,
    /// Referrals that were made, and what the patient chose.
    Referrals,
}

impl Contents {
    /// The fields that every row needs a column or a constant for.
    #[must_use]
    pub const fn required(self) -> &'static [Field] {
        match self {
            Self::Activity => &[
                Field::CdsIdentifier,
                Field::NhsNumber,
                Field::Site,
                Field::Practice,
                Field::Commissioner,
                Field::TreatmentFunction,
                Field::PointOfDelivery,
                Field::StartDate,
                Field::Claimed,
            ],
            Self::Sus => &[Field::Commissioner, Field::PointOfDelivery, Field::StartDate, Field::Claimed],
            Self::Referrals => &[
                Field::NhsNumber,
                Field::TreatmentFunction,
                Field::Source,
                Field::ReferredOn,
                Field::Practice,
                Field::Provider,
            ],
        }
    }
}

/// Columns that a mapping does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherColumns {
    /// They are passed over, and said to be.
    #[default]
    Ignore,
    /// The file is refused.
    Refuse,
}

/// Care that a column says something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Care {
    /// Admitted care, by the row's point of delivery.
    Admitted,
    /// Attendances and outpatient procedures.
    Outpatient,
}

/// One column of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its heading. Case, spaces and punctuation do not matter. Two columns of a mapping may have one heading when they are
    /// different fields.
    pub heading: String,
    /// Other headings that it is known by.
    #[serde(default)]
    pub also: Vec<String>,
    /// What it means. Several columns may mean one field: the first with a value counts, in the order of the mapping.
    pub field: Field,
    /// Whether a file may lack it. Default: no. A field that every row needs must have one column all the same.
    #[serde(default)]
    pub optional: bool,
    /// The care to which its values apply; for other rows it counts as empty. Default: all.
    #[serde(default)]
    pub only: Option<Care>,
    /// Required for amounts: what one is.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// For amounts in pounds: what becomes of more than two decimals. Default: the value cannot be read.
    #[serde(default)]
    pub decimals: Decimals,
    /// Put before a value that is there; `{provider}` is the sender's code in five characters, as `NV300`.
    #[serde(default)]
    pub prefix: String,
    /// Local codes and what they are nationally. Others are taken as they stand.
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
    #[serde(skip)]
    plain: Vec<String>,
}

impl Column {
    /// Whether a file's column with that plain heading is this one.
    pub(crate) fn is_headed(&self, heading: &str) -> bool {
        self.plain.iter().any(|own| own == heading)
    }
}

/// What the columns of a kind of file are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Its name, for messages.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What the rows are.
    pub contents: Contents,
    /// Which row the header is, counted from 1, rows without any value left out. Default 1. What stands before it is passed over.
    #[serde(default = "first")]
    pub header_row: u32,
    /// What stands between values. Default: recognised by the header.
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    /// How characters are written. Default: UTF-8 or what the mark at the beginning says.
    #[serde(default)]
    pub encoding: Option<Encoding>,
    /// How dates are written. Default: recognised.
    #[serde(default)]
    pub dates: Option<Dates>,
    /// What becomes of columns that are not named here.
    #[serde(default)]
    pub other_columns: OtherColumns,
    /// Fields that are the same in every row.
    #[serde(default)]
    pub constants: BTreeMap<Field, String>,
    /// The columns.
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
}

const fn first() -> u32 {
    1
}

/// The last line in which a header may stand.
const HEADER_ROW_MAX: u32 = 100;

/// A mapping profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or not the keys of a mapping profile.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// What it says does not go together: each with the reason.
    #[error("{}", .0.join("\n"))]
    Content(Vec<String>),
}

impl Mapping {
    /// A shipped mapping.
    ///
    /// # Errors
    /// Never: tests read them all.
    pub fn shipped(kind: Kind) -> Result<Self, MappingError> {
        Self::parse(kind.toml())
    }

    /// Reads a mapping profile. Errors with everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mut mapping: Self = toml::from_str(text)?;
        for column in &mut mapping.columns {
            column.plain =
                core::iter::once(&column.heading).chain(&column.also).map(|name| plain(name)).collect();
        }
        let faults = mapping.faults();
        if faults.is_empty() { Ok(mapping) } else { Err(MappingError::Content(faults)) }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=HEADER_ROW_MAX).contains(&self.header_row) {
            faults.push(format!("header_row is 1 to {HEADER_ROW_MAX}"));
        }
        let mut seen: BTreeMap<(&str, Field), &str> = BTreeMap::new();
        for column in &self.columns {
            let heading = column.heading.as_str();
            column.faults(&mut faults);
            for plain in &column.plain {
                if let Some(other) =
                    seen.insert((plain, column.field), heading).filter(|other| *other != heading)
                {
                    faults.push(format!(
                        "{heading} and {other} have a heading in common, and both are {}",
                        column.field
                    ));
                }
            }
            if self.constants.contains_key(&column.field) {
                faults.push(format!("{heading}: {} has a constant already", column.field));
            }
        }
        for field in self.constants.keys() {
            if field.is_date() || field.is_amount() || *field == Field::CdsIdentifier {
                faults.push(format!("{field} cannot be the same in every row"));
            }
        }
        for field in self.contents.required() {
            let column = self.columns.iter().any(|column| column.field == *field);
            if !column && !self.constants.contains_key(field) {
                faults.push(format!("no column and no constant is {field}, which every row needs"));
            }
        }
        faults
    }

    /// Whether a heading is another word than the field's name.
    #[must_use]
    pub fn renames(&self, heading: &str, field: Field) -> bool {
        plain(heading) != plain(field.name())
    }

    /// Whether any column is that field.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.constants.contains_key(&field) || self.columns.iter().any(|column| column.field == field)
    }
}

impl Column {
    fn faults(&self, faults: &mut Vec<String>) {
        let heading = self.heading.as_str();
        if self.plain.iter().any(String::is_empty) {
            faults.push(format!("{heading:?}: a heading needs a letter or a digit"));
        }
        match (self.field.is_amount(), self.unit) {
            (true, None) => faults.push(format!("{heading}: say unit = \"pounds\" or unit = \"pence\"")),
            (false, Some(_)) => {
                faults.push(format!("{heading}: {} is no amount and has no unit", self.field));
            }
            _ => {}
        }
        if self.decimals == Decimals::NearestPenny && self.unit != Some(Unit::Pounds) {
            faults.push(format!("{heading}: only pounds have decimals"));
        }
        let typed = self.field.is_amount() || self.field.is_date();
        if typed && !(self.prefix.is_empty() && self.codes.is_empty()) {
            faults.push(format!("{heading}: {} takes neither prefix nor codes", self.field));
        }
        if self.field == Field::PointOfDelivery && self.only.is_some() {
            faults.push(format!("{heading}: the point of delivery itself decides what care it is"));
        }
        if self.prefix.replace("{provider}", "").contains(['{', '}']) {
            faults.push(format!("{heading}: a prefix knows {{provider}} only"));
        }
    }
}
