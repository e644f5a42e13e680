//! What a column may mean.

use core::fmt;
use serde::Deserialize;

macro_rules! fields {
    ($($(#[doc = $text:literal])+ $variant:ident = $name:literal,)+) => {
        /// A field that a column, or a constant, may fill. Fields of activity have the names of
        /// `almoner.referrals.v1.ActivityLine`, those of referrals the names of `ReferralSubmission`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        pub enum Field {
            $($(#[doc = $text])+ #[serde(rename = $name)] $variant,)+
        }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in mapping profiles.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

fields! {
    /// CDS unique identifier, which stays the same for the record's life.
    CdsIdentifier = "cds_identifier",
    /// The sender's own reference, for the response only: it is never sent.
    Reference = "reference",
    /// The patient's NHS number.
    NhsNumber = "nhs_number",
    /// What stands for the patient in a pseudonymised extract.
    Pseudonym = "pseudonym",
    /// The provider whose file it is: checked, never sent.
    Provider = "provider",
    /// Site of treatment.
    Site = "site",
    /// GP practice of registration.
    Practice = "practice",
    /// Commissioner that is charged.
    Commissioner = "commissioner",
    /// Treatment function.
    TreatmentFunction = "treatment_function",
    /// Point of delivery.
    PointOfDelivery = "point_of_delivery",
    /// Day of the attendance or procedure, or of admission.
    StartDate = "start_date",
    /// Day of discharge.
    EndDate = "end_date",
    /// What is claimed.
    Claimed = "claimed",
    /// HRG.
    Hrg = "hrg",
    /// First attendance code.
    FirstAttendance = "first_attendance",
    /// Attended or did not attend code.
    Attended = "attended",
    /// Admission method.
    AdmissionMethod = "admission_method",
    /// Patient classification.
    PatientClassification = "patient_classification",
    /// Unique booking reference number.
    Ubrn = "ubrn",
    /// Patient pathway identifier.
    Pathway = "pathway",
    /// Administrative category.
    AdministrativeCategory = "administrative_category",
    /// Days of the spell that are paid for in another way.
    ExcludedDays = "excluded_days",
    /// The provider's own number of the spell or attendance.
    LocalIdentifier = "local_identifier",
    /// Market forces factor that the price includes.
    MarketForcesFactor = "market_forces_factor",
    /// Financial year that it is reported in, as `201718`.
    FinancialYear = "financial_year",
    /// Month of the financial year that it is reported in, `1` is April.
    FinancialMonth = "financial_month",
    /// Day on which a referral was made.
    ReferredOn = "referred_on",
    /// Who referred: `gp` or `other`.
    Source = "source",
    /// Providers or sites that were offered, in that order, parted by spaces, commas, semicolons or pipes.
    Offered = "offered",
    /// Why the patient was given no choice: `urgent`, `maternity`, `detained`, `armed-forces`, `patient-asked-referrer`, `one-provider`.
    NoChoice = "no_choice_reason",
    /// Day from which waiting time counts.
    ClockStart = "clock_start_date",
    /// Postcode, or its outward part, where the patient usually lives. Only the outward part is sent.
    Residence = "residence",
    /// Overseas visitor status classification.
    OverseasVisitor = "overseas_visitor",
}

impl Field {
    /// Whether it is a date.
    #[must_use]
    pub const fn is_date(self) -> bool {
        matches!(self, Self::StartDate | Self::EndDate | Self::ReferredOn | Self::ClockStart)
    }

    /// Whether it is an amount of money.
    #[must_use]
    pub const fn is_amount(self) -> bool {
        matches!(self, Self::Claimed)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
