//! What a budget may and may not buy.

use minicbor::{Decode, Encode};

macro_rules! items {
    ($($(#[$doc:meta])* $number:literal $name:ident $word:literal $excluded:literal;)*) => {
        /// What is bought, in a closed list. The last nine may never be bought from a personal health budget.
        ///
        /// Source of the exclusions: NHS Coventry and Rugby CCG, "What can a PHB not be spent on" (and similar pages of
        /// NHS East Riding of Yorkshire and NHS Redditch and Bromsgrove CCGs). Elective surgery is paid through the
        /// patient's choice of provider at the national price, so such a line here would be paid twice.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
        #[cbor(index_only)]
        pub enum ItemCategory {
            $($(#[$doc])* #[n($number)] $name,)*
        }

        impl ItemCategory {
            /// Every category.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in files and options.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// Whether it may never be bought from a personal health budget.
            #[must_use]
            pub const fn is_excluded(self) -> bool {
                match self { $(Self::$name => $excluded),* }
            }
        }
    };
}

items! {
    /// Personal assistants' wages and personal care.
    1 PersonalCare "personal-care" false;
    /// Nursing care at home.
    2 Nursing "nursing" false;
    /// Respite for the person or their carer.
    3 Respite "respite" false;
    /// Physiotherapy, speech therapy and other therapies named in the plan.
    4 Therapy "therapy" false;
    /// Equipment and its maintenance.
    5 Equipment "equipment" false;
    /// Transport to care and activities in the plan.
    6 Transport "transport" false;
    /// Training of personal assistants and carers.
    7 Training "training" false;
    /// Activities that meet an outcome of the plan.
    8 Activity "activity" false;
    /// Payroll, employer's insurance and other costs of employing.
    9 EmploymentCosts "employment-costs" false;
    /// Alcohol.
    101 Alcohol "alcohol" true;
    /// Tobacco.
    102 Tobacco "tobacco" true;
    /// Gambling.
    103 Gambling "gambling" true;
    /// Repaying a debt.
    104 DebtRepayment "debt-repayment" true;
    /// Anything illegal.
    105 Illegal "illegal" true;
    /// Emergency care.
    106 EmergencyCare "emergency-care" true;
    /// General practice, dentistry and other primary care, prescriptions included.
    107 PrimaryCare "primary-care" true;
    /// A service that the NHS commissions already.
    108 NhsCommissionedService "nhs-commissioned-service" true;
    /// An elective procedure that has an HRG price.
    109 HrgPricedProcedure "hrg-priced-procedure" true;
}

#[cfg(test)]
mod tests {
    use super::ItemCategory;

    #[test]
    fn the_exclusions() {
        let excluded: Vec<_> =
            ItemCategory::ALL.iter().filter(|item| item.is_excluded()).map(|item| item.as_str()).collect();
        expect_test::expect![[
            "alcohol tobacco gambling debt-repayment illegal emergency-care primary-care nhs-commissioned-service \
             hrg-priced-procedure"
        ]]
        .assert_eq(&excluded.join(" "));
    }
}
