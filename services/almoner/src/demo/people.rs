//! Who takes part, by the name of their profile.

/// Somebody with a certificate of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// The name of the profile and of the certificate's files.
    pub(crate) name: &'static str,
    /// Who the certificate says they are.
    pub(crate) identity: &'static str,
    /// What they may be.
    pub(crate) roles: &'static [&'static str],
    /// Whether they act for the bodies of the system.
    pub(crate) for_system: bool,
    /// For the list of profiles.
    pub(crate) about: &'static str,
}

/// The bodies for which the system's own people act.
pub(crate) const BODIES: [&str; 7] = ["10M", "10N", "10W", "11D", "15A", "RHW", "RWX"];

const fn person(
    name: &'static str,
    identity: &'static str,
    roles: &'static [&'static str],
    about: &'static str,
) -> Person {
    Person { name, identity, roles, for_system: true, about }
}

const fn provider(name: &'static str, identity: &'static str, about: &'static str) -> Person {
    Person { name, identity, roles: &["provider"], for_system: false, about }
}

/// Everybody.
pub(crate) const PEOPLE: [Person; 20] = [
    person(
        "operator",
        "urn:almoner:person:operator-1",
        &["operator"],
        "registers the system and moves its clock",
    ),
    person(
        "finance-preparer",
        "urn:almoner:person:finance-1",
        &["finance-preparer", "budget-holder"],
        "proposes what moves money",
    ),
    person(
        "finance-approver",
        "urn:almoner:person:finance-2",
        &["finance-approver"],
        "approves what another proposed",
    ),
    person(
        "controlled-finance",
        "urn:almoner:person:controlled-1",
        &["controlled-finance"],
        "may see who a PHB payee is",
    ),
    person(
        "phb-officer",
        "urn:almoner:person:phb-1",
        &["phb-officer"],
        "opens personal health budgets and spends",
    ),
    person(
        "phb-officer-2",
        "urn:almoner:person:phb-2",
        &["phb-officer"],
        "approves what the other officer proposed",
    ),
    person("referrer", "urn:almoner:person:referrer-1", &["referrer"], "sends referrals"),
    person(
        "commissioning-lead",
        "urn:almoner:person:lead-1",
        &["commissioning-lead"],
        "reads pots, forecasts and choice",
    ),
    person("auditor", "urn:almoner:person:auditor-1", &["auditor"], "reads everything, and the proofs"),
    provider("RHW", "urn:almoner:org:RHW", "Royal Berkshire NHS Foundation Trust"),
    provider("RWX", "urn:almoner:org:RWX", "Berkshire Healthcare NHS Foundation Trust"),
    provider("NT3", "urn:almoner:org:NT3", "Spire"),
    provider("NT4", "urn:almoner:org:NT4", "BMI"),
    provider("NV3", "urn:almoner:org:NV3", "Circle"),
    provider("NVC", "urn:almoner:org:NVC", "Ramsay"),
    provider("RTH", "urn:almoner:org:RTH", "Oxford University Hospitals NHS Foundation Trust"),
    provider("RDU", "urn:almoner:org:RDU", "Frimley Health NHS Foundation Trust"),
    provider("RN5", "urn:almoner:org:RN5", "Hampshire Hospitals NHS Foundation Trust"),
    provider("RN3", "urn:almoner:org:RN3", "Great Western Hospitals NHS Foundation Trust"),
    provider("RNZ", "urn:almoner:org:RNZ", "Salisbury NHS Foundation Trust"),
];
