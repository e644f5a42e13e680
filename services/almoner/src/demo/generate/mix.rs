//! What a believable month is made of: shares and counts of June 2017 in Berkshire West.
//!
//! Estimates for a demonstration, not actuals: England's per-head rates of the period, lowered for an area of low need;
//! independents 12 % of admitted and 7 % of outpatient care; first to follow-up attendances 1 : 2.1. All shares are in
//! thousandths.

/// A commissioning group and its part of the month.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CcgMix {
    /// Its ODS code.
    pub(crate) ods: &'static str,
    /// Referrals in the month.
    pub(crate) referrals: u32,
    /// Activity lines in the month, what was not attended not counted.
    pub(crate) lines: u32,
    /// Where its patients go, in the order of [`PROVIDERS`].
    pub(crate) shares: [u32; 7],
    /// People with a personal health budget.
    pub(crate) budgets: u32,
}

/// The four commissioning groups.
pub(crate) const CCGS: [CcgMix; 4] = [
    CcgMix {
        ods: "10M",
        referrals: 3_350,
        lines: 12_000,
        shares: [650, 70, 80, 5, 110, 60, 25],
        budgets: 22,
    },
    CcgMix { ods: "10N", referrals: 3_200, lines: 11_500, shares: [820, 90, 60, 5, 8, 2, 15], budgets: 20 },
    CcgMix { ods: "10W", referrals: 3_050, lines: 10_500, shares: [840, 90, 35, 10, 9, 1, 15], budgets: 24 },
    CcgMix { ods: "11D", referrals: 4_400, lines: 16_000, shares: [780, 70, 20, 90, 18, 2, 20], budgets: 30 },
];

/// Where patients go: the acute trust of the system, the independents together, and the trusts around.
pub(crate) const PROVIDERS: [&str; 7] = ["RHW", INDEPENDENTS, "RTH", "RDU", "RN5", "RN3", "RNZ"];

/// Stands for the independents in [`PROVIDERS`].
pub(crate) const INDEPENDENTS: &str = "";

/// The one whose file says its own numbers of care and the market forces factors that its claims hold.
pub(crate) const STATES_FACTORS: &str = "NV3";

/// Independent sites: payee, site, share of the independents.
pub(crate) const INDEPENDENT_SITES: [(&str, &str, u32); 5] = [
    ("NV3", "NV323", 420),
    ("NVC", "NVC02", 300),
    ("NT3", "NT344", 220),
    ("NT3", "NT343", 40),
    ("NT4", "NT428", 20),
];

/// Kinds of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    First,
    FollowUp,
    Procedure,
    Remote,
    DayCase,
    Elective,
}

/// How often each kind is: in the NHS, at independents. In parts of 46,200 and of 3,800 lines.
pub(crate) const KINDS: [(Kind, u32, u32); 6] = [
    (Kind::First, 9_920, 1_180),
    (Kind::FollowUp, 21_450, 1_450),
    (Kind::Procedure, 5_640, 360),
    (Kind::Remote, 4_240, 160),
    (Kind::DayCase, 4_100, 500),
    (Kind::Elective, 850, 150),
];

/// A specialty: how often it is, and the HRGs that its care is grouped to.
#[derive(Debug)]
pub(crate) struct Specialty {
    /// Treatment function code.
    pub(crate) function: &'static str,
    /// Outpatients: in the NHS, at independents.
    pub(crate) outpatients: [u32; 2],
    /// Day cases.
    pub(crate) day_cases: [u32; 2],
    /// Ordinary elective spells.
    pub(crate) electives: [u32; 2],
    /// Outpatient procedures.
    pub(crate) procedure: &'static [&'static str],
    /// Day cases.
    pub(crate) day_case: &'static [&'static str],
    /// Ordinary elective spells.
    pub(crate) elective: &'static [&'static str],
}

const fn specialty(
    function: &'static str,
    [outpatients, day_cases, electives]: [[u32; 2]; 3],
    [procedure, day_case, elective]: [&'static [&'static str]; 3],
) -> Specialty {
    Specialty { function, outpatients, day_cases, electives, procedure, day_case, elective }
}

/// The specialties. HRGs are of the 2017/18 national list and have a price in the setting where they stand here.
pub(crate) const SPECIALTIES: [Specialty; 12] = [
    // Trauma and orthopaedics.
    specialty(
        "110",
        [[120, 450], [140, 440], [480, 800]],
        [
            &["HN26A", "HN25A", "HN56Z", "HN46Z", "HN36Z"],
            &["HN25A", "HN45A", "HN24C", "HN34C", "HN35A", "HN55Z"],
            &["HN12F", "HN22E", "HN12F", "HN22E", "HN53C", "HN23C", "HN33C", "HN13F"],
        ],
    ),
    // General surgery.
    specialty(
        "100",
        [[80, 100], [130, 130], [150, 60]],
        [&["FZ57Z", "FZ23A"], &["FZ18K", "YQ16Z", "JC43A"], &["FZ17G", "KA09E", "FZ18K"]],
    ),
    // Gastroenterology: endoscopy.
    specialty(
        "301",
        [[60, 120], [240, 120], [30, 0]],
        [&["FZ57Z"], &["FZ51Z", "FZ52Z", "FZ60Z", "FZ61Z"], &["FZ91K"]],
    ),
    // Ophthalmology.
    specialty(
        "130",
        [[150, 130], [180, 170], [10, 0]],
        [&["BZ65Z", "BZ86B", "BZ46A", "BZ45B"], &["BZ34C", "BZ34C", "BZ34B", "BZ46A"], &["BZ34B"]],
    ),
    // Ear, nose and throat.
    specialty(
        "120",
        [[80, 60], [60, 50], [90, 50]],
        [&["CA71A", "CA69A"], &["CA11A", "CA24A", "CA10A"], &["CA11A", "CA27Z", "CA04A"]],
    ),
    // Urology.
    specialty(
        "101",
        [[70, 60], [80, 40], [100, 40]],
        [&["LB72A", "LB17Z", "LB55A"], &["LB14Z", "LB54A", "LB72A"], &["LB25F", "LB65E", "LB26B"]],
    ),
    // Gynaecology.
    specialty(
        "502",
        [[90, 60], [70, 40], [110, 50]],
        [&["MA36Z", "MA38Z", "MA35Z"], &["MA12Z", "MA31Z", "MA10Z"], &["MA08B"]],
    ),
    // Dermatology.
    specialty(
        "330",
        [[100, 20], [50, 10], [0, 0]],
        [&["JC43A", "JC42A", "JC45A"], &["JC43A", "JC42A"], &["JC41Z"]],
    ),
    // Cardiology.
    specialty("320", [[80, 0], [30, 0], [30, 0]], [&["EY50Z", "EY51Z", "EY11Z"], &["EY43D"], &["EY41D"]]),
    // Respiratory medicine.
    specialty("340", [[50, 0], [10, 0], [0, 0]], [&["DZ32Z", "DZ52Z"], &["DZ69A"], &["DZ67Z"]]),
    // Rheumatology.
    specialty("410", [[60, 0], [10, 0], [0, 0]], [&["HN26A", "HN46Z"], &["HD24H"], &["HD23F"]]),
    // Paediatrics.
    specialty("420", [[60, 0], [0, 0], [0, 0]], [&["AA33D"], &["PF26C"], &["PF25E"]]),
];

/// General practitioners' share of referrals.
pub(crate) const BY_GP: u32 = 620;
/// Of GP referrals, those with a booking reference: in the NHS, at independents.
pub(crate) const BOOKED: [u32; 2] = [550, 900];
/// Of referrals early enough to be seen within the month, those that are: a quarter of all.
pub(crate) const SEEN_IN_MONTH: u32 = 330;
/// Of referrals paid case by case, those that are cancelled before anything happens.
pub(crate) const CANCELLED_REFERRALS: u32 = 20;
/// Of attendances, those by several professionals.
pub(crate) const MULTI: u32 = 60;
/// Of remote attendances, those that were first ones.
pub(crate) const REMOTE_FIRST: u32 = 150;
/// Of follow-ups, those of a patient already seen in the month.
pub(crate) const SEEN_AGAIN: u32 = 350;
/// Beside each attendance kept, those not attended and those cancelled: in the NHS, at independents.
pub(crate) const NOT_ATTENDED: [[u32; 2]; 2] = [[86, 148], [45, 91]];
/// Of ordinary spells, those beyond their trim point: in the NHS, at independents. Four days on average.
pub(crate) const LONG_STAYS: [u32; 2] = [30, 10];

/// Lines that only come after the first cut, and those that only come after the last.
pub(crate) const AFTER_FLEX: u32 = 20;
/// See [`AFTER_FLEX`].
pub(crate) const AFTER_FREEZE: u32 = 5;
/// Lines of the first cut that are sent again, changed, before the last.
pub(crate) const SENT_AGAIN: u32 = 10;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The patient is registered with a practice of a group that is none of ours.
    WrongCommissioner,
    /// It is claimed from a neighbouring group.
    Neighbour,
    /// It is sent twice under two names.
    Duplicate,
    /// Not led by a consultant: there is no national price.
    NoPrice,
    /// The grouper failed.
    Ungrouped,
    /// The claim differs from the price.
    PriceDiffers,
    /// The site is not known.
    SiteUnknown,
    /// A private patient.
    Private,
    /// An emergency.
    Emergency,
    /// The NHS number has a digit too few.
    NhsNumberShort,
    /// Two digits of the NHS number changed places.
    NhsNumberSlip,
    /// The NHS number is one digit throughout.
    NhsNumberRepdigit,
    /// The point of delivery is not one.
    PointOfDelivery,
    /// The claim is negative.
    NegativeClaim,
    /// The appointment has not come yet.
    Future,
    /// Discharged before admitted.
    Backwards,
    /// An HRG is missing where one is needed, and the treatment function as well.
    CodesMissing,
}

/// How often each is, in thousandths. Faults that only an admission can have come instead of a coding fault there.
pub(crate) const FAULTS: [(Fault, u32); 15] = [
    (Fault::WrongCommissioner, 8),
    (Fault::Neighbour, 15),
    (Fault::Duplicate, 3),
    (Fault::NoPrice, 8),
    (Fault::Ungrouped, 2),
    (Fault::PriceDiffers, 12),
    (Fault::SiteUnknown, 1),
    (Fault::Private, 1),
    (Fault::NhsNumberShort, 2),
    (Fault::NhsNumberSlip, 1),
    (Fault::NhsNumberRepdigit, 1),
    (Fault::PointOfDelivery, 1),
    (Fault::NegativeClaim, 1),
    (Fault::Future, 1),
    (Fault::CodesMissing, 1),
];
