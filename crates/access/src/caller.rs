//! Who is calling, read from a certificate's names.

use crate::{Role, Roles};
use core::{fmt, str::FromStr};
use journal::Service;
use nhs::OdsCode;
use std::sync::Arc;

const PREFIX: &str = "urn:almoner:";

/// The longest [`PersonId`], in bytes.
const PERSON_ID_BYTES_MAX: usize = 64;

/// The most scopes one certificate may name: more than any system has bodies.
const SCOPES_MAX: usize = 64;

/// A person's opaque subject id: 1 to 64 of a-z, 0-9, dot, underscore and hyphen, starting with a letter or digit. It
/// goes into records, so it must not be a name or an address; an `@` is refused for that reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(Box<str>);

impl PersonId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonId {
    type Err = CallerError;

    fn from_str(text: &str) -> Result<Self, CallerError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if starts && text.len() <= PERSON_ID_BYTES_MAX && text.bytes().all(inner) {
            Ok(Self(text.into()))
        } else {
            Err(CallerError::Person)
        }
    }
}

/// What a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An organisation's system.
    Organisation(OdsCode),
    /// A person.
    Person(PersonId),
    /// Another service of the installation.
    Service(Service),
}

/// Who is calling: one identity, its roles, and the bodies a person may act for. Cheap to clone by [`Arc`].
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
    roles: Roles,
    scopes: Box<[OdsCode]>,
    urn: Arc<str>,
}

/// A certificate does not say who is calling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallerError {
    /// No `urn:almoner:` identity among its URI names.
    #[error(
        "the certificate names no caller: it needs urn:almoner:org:, urn:almoner:person: or urn:almoner:service:"
    )]
    NoIdentity,
    /// Two identities.
    #[error("the certificate names more than one caller")]
    TwoIdentities,
    /// A name of ours that is none of those known.
    #[error("the certificate has a name that is not known: {0}")]
    UnknownName(Box<str>),
    /// Not an ODS code.
    #[error("the certificate names something that is not an ODS code: {0}")]
    Organisation(Box<str>),
    /// Not a person's id.
    #[error("a person's id is 1 to 64 of a-z, 0-9, dot, underscore and hyphen")]
    Person,
    /// The role is not for this kind of caller.
    #[error("the role {0} is not for this kind of caller")]
    RoleNotAllowed(Role),
    /// More scopes than a certificate may name.
    #[error("a certificate names at most {SCOPES_MAX} scopes")]
    TooManyScopes,
}

impl Caller {
    /// The caller that a certificate's URI names describe. Names that do not begin with `urn:almoner:` are others'
    /// business and passed over; of ours, none may be unknown.
    pub fn from_uris<'a>(uris: impl IntoIterator<Item = &'a str>) -> Result<Self, CallerError> {
        let mut identity = None;
        let mut roles = Roles::NONE;
        let mut scopes = Vec::new();
        for uri in uris {
            let Some(rest) = uri.strip_prefix(PREFIX) else { continue };
            let unknown = || CallerError::UnknownName(uri.into());
            let (kind, value) = rest.split_once(':').ok_or_else(unknown)?;
            let organisation = |code: &str| code.parse().map_err(|_| CallerError::Organisation(uri.into()));
            let found = match kind {
                "role" => {
                    roles = roles.with(value.parse().map_err(|_| unknown())?);
                    continue;
                }
                "scope" => {
                    scopes.push(organisation(value)?);
                    continue;
                }
                "org" => Identity::Organisation(organisation(value)?),
                "person" => Identity::Person(value.parse()?),
                "service" => Identity::Service(value.parse().map_err(|_| unknown())?),
                _ => return Err(unknown()),
            };
            if identity.replace(found).is_some() {
                return Err(CallerError::TwoIdentities);
            }
        }
        Self::new(identity.ok_or(CallerError::NoIdentity)?, roles, scopes)
    }

    /// A caller with these roles and scopes. A service holds the role `service` without being given it.
    pub fn new(identity: Identity, roles: Roles, mut scopes: Vec<OdsCode>) -> Result<Self, CallerError> {
        let refused = roles.iter().find(|role| match identity {
            Identity::Organisation(_) => !role.is_for_organisations(),
            Identity::Person(_) => !role.is_for_people(),
            Identity::Service(_) => *role != Role::Service,
        });
        if let Some(role) = refused {
            return Err(CallerError::RoleNotAllowed(role));
        }
        scopes.sort();
        scopes.dedup();
        if scopes.len() > SCOPES_MAX {
            return Err(CallerError::TooManyScopes);
        }
        let (urn, roles) = match &identity {
            Identity::Organisation(code) => (format!("{PREFIX}org:{code}"), roles),
            Identity::Person(id) => (format!("{PREFIX}person:{}", id.as_str()), roles),
            Identity::Service(service) => (format!("{PREFIX}service:{service}"), roles.with(Role::Service)),
        };
        Ok(Self { identity, roles, scopes: scopes.into(), urn: urn.into() })
    }

    /// Another service of the installation.
    #[must_use]
    pub fn service(service: Service) -> Self {
        Self {
            identity: Identity::Service(service),
            roles: Roles::NONE.with(Role::Service),
            scopes: Box::default(),
            urn: format!("{PREFIX}service:{service}").into(),
        }
    }

    /// What it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its roles.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// Whether it holds `role`.
    #[must_use]
    pub const fn has(&self, role: Role) -> bool {
        self.roles.contains(role)
    }

    /// The bodies it may act for beside itself, in order.
    #[must_use]
    pub const fn scopes(&self) -> &[OdsCode] {
        &self.scopes
    }

    /// Its identity as a URN: what stands in records.
    #[must_use]
    pub const fn urn(&self) -> &Arc<str> {
        &self.urn
    }

    /// The service that it is, if it is one.
    #[must_use]
    pub const fn as_service(&self) -> Option<Service> {
        match &self.identity {
            Identity::Service(service) => Some(*service),
            Identity::Organisation(_) | Identity::Person(_) => None,
        }
    }

    /// The organisation, when it is one.
    #[must_use]
    pub const fn as_organisation(&self) -> Option<OdsCode> {
        match &self.identity {
            Identity::Organisation(own) => Some(*own),
            Identity::Person(_) | Identity::Service(_) => None,
        }
    }

    /// Whether it may speak for `organisation`: it is that organisation or the one whose site that is, or its
    /// certificate names either as a scope. A service speaks for whoever caused its call.
    #[must_use]
    pub fn acts_for(&self, organisation: OdsCode) -> bool {
        let is = |held: OdsCode| held == organisation || held == organisation.organisation();
        match &self.identity {
            Identity::Organisation(own) => is(*own) || self.scopes.iter().copied().any(is),
            Identity::Person(_) => self.scopes.iter().copied().any(is),
            Identity::Service(_) => true,
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.urn, self.roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn caller(uris: &[&str]) -> Result<Caller, CallerError> {
        Caller::from_uris(uris.iter().copied())
    }

    #[test]
    fn certificates_name_callers() {
        let provider = caller(&["urn:almoner:org:NT3", "urn:almoner:role:provider", "spiffe://x/y"]).unwrap();
        assert_eq!(&**provider.urn(), "urn:almoner:org:NT3");
        assert!(provider.has(Role::Provider) && !provider.has(Role::Referrer));
        let person =
            caller(&["urn:almoner:role:auditor", "urn:almoner:person:a.1", "urn:almoner:scope:10M"]).unwrap();
        assert_eq!(&**person.urn(), "urn:almoner:person:a.1");
        let service = caller(&["urn:almoner:service:ledger"]).unwrap();
        assert_eq!(service, Caller::service(Service::Ledger));
        assert!(service.has(Role::Service));
    }

    #[test]
    fn other_certificates_are_refused() {
        let unknown = |uri: &str| CallerError::UnknownName(uri.into());
        let table: [(&[&str], CallerError); 12] = [
            (&[], CallerError::NoIdentity),
            (&["https://example.org"], CallerError::NoIdentity),
            (&["urn:almoner:role:provider"], CallerError::NoIdentity),
            (&["urn:almoner:org:NT3", "urn:almoner:person:a"], CallerError::TwoIdentities),
            (&["urn:almoner:org:nt3"], CallerError::Organisation("urn:almoner:org:nt3".into())),
            (&["urn:almoner:person:a@b.example"], CallerError::Person),
            (&["urn:almoner:person:"], CallerError::Person),
            (&["urn:almoner:role:king", "urn:almoner:org:NT3"], unknown("urn:almoner:role:king")),
            (&["urn:almoner:org"], unknown("urn:almoner:org")),
            (&["urn:almoner:service:bank"], unknown("urn:almoner:service:bank")),
            (
                &["urn:almoner:org:NT3", "urn:almoner:role:finance-approver"],
                CallerError::RoleNotAllowed(Role::FinanceApprover),
            ),
            (
                &["urn:almoner:person:a", "urn:almoner:role:service"],
                CallerError::RoleNotAllowed(Role::Service),
            ),
        ];
        for (uris, error) in table {
            assert_eq!(caller(uris), Err(error), "{uris:?}");
        }
    }

    #[test]
    fn whom_a_caller_acts_for() {
        let code = |text: &str| text.parse::<OdsCode>().unwrap();
        let provider = caller(&["urn:almoner:org:NT3", "urn:almoner:role:provider"]).unwrap();
        assert!(provider.acts_for(code("NT3")) && provider.acts_for(code("NT344")));
        assert!(!provider.acts_for(code("NVC")) && !provider.acts_for(code("10M")));
        let site = caller(&["urn:almoner:org:NT344"]).unwrap();
        assert!(site.acts_for(code("NT344")) && !site.acts_for(code("NT3")) && !site.acts_for(code("NT301")));
        let person = caller(&["urn:almoner:person:a", "urn:almoner:scope:10M"]).unwrap();
        assert!(person.acts_for(code("10M")) && !person.acts_for(code("11D")));
        assert!(Caller::service(Service::Ledger).acts_for(code("NT3")));
    }

    proptest! {
        #[test]
        fn a_persons_caller_is_read_back_from_its_urn(id in "[a-z0-9][a-z0-9._-]{0,63}") {
            let uri = format!("urn:almoner:person:{id}");
            let caller = Caller::from_uris([uri.as_str()]).unwrap();
            prop_assert_eq!(&**caller.urn(), uri.as_str());
        }

        #[test]
        fn any_names_are_answered(uris in prop::collection::vec("(urn:almoner:(org|person|role|scope|service)?:?)?.{0,8}", 0..4)) {
            let _ = Caller::from_uris(uris.iter().map(String::as_str));
        }
    }
}
