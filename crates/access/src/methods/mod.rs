//! The (role × method) table: who may call what. One file per service; a method without a row is refused to everybody.
//!
//! A row says who may *call*. Whose data they may touch by calling is checked by the adapter, with
//! [`Caller::acts_for`].

use crate::{Caller, Role};
use ::journal::Service;

mod health_budgets;
mod identity;
mod journal;
mod ledger;
mod reconciliation;
mod referrals;
mod registry;
mod settlement;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Every caller that has an identity.
    Anyone,
    /// Callers that hold the role.
    Role(Role),
    /// That service of the installation only.
    Service(Service),
}

/// One row: a method and all who may call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its path, as gRPC spells it: `/almoner.ledger.v1.LedgerService/PostEntries`.
    pub path: &'static str,
    /// Who may call it. Empty means nobody.
    pub grants: &'static [Grant],
}

/// The rows of `service`.
#[must_use]
pub const fn of(service: Service) -> &'static [Method] {
    match service {
        Service::Registry => registry::METHODS,
        Service::Identity => identity::METHODS,
        Service::Referrals => referrals::METHODS,
        Service::HealthBudgets => health_budgets::METHODS,
        Service::Ledger => ledger::METHODS,
        Service::Settlement => settlement::METHODS,
        Service::Reconciliation => reconciliation::METHODS,
    }
}

/// What every service answers beside its own methods: health, and reflection where it is switched on. They tell nothing
/// about anybody.
const COMMON: &[&str] = &[
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// The rows that every service answers for its own journals.
#[must_use]
pub const fn of_journals() -> &'static [Method] {
    journal::METHODS
}

/// The service whose methods begin like `path`.
fn service_of(path: &str) -> Option<Service> {
    let package = path.strip_prefix("/almoner.")?.split('.').next()?;
    Service::ALL.into_iter().find(|service| {
        service.as_str() == package || (*service == Service::HealthBudgets && package == "health_budgets")
    })
}

/// The row of the method at `path`.
#[must_use]
pub fn row(path: &str) -> Option<&'static Method> {
    let rows = if path.starts_with("/almoner.journal.") { of_journals() } else { of(service_of(path)?) };
    rows.iter().find(|method| method.path == path)
}

/// Whether `path` is a method of health or reflection, which every caller may call.
#[must_use]
pub fn is_common(path: &str) -> bool {
    COMMON.iter().any(|prefix| path.starts_with(prefix))
}

/// Whether `caller` may call the method at `path`. A path without a row is permitted to nobody.
#[must_use]
pub fn permits(caller: &Caller, path: &str) -> bool {
    if is_common(path) {
        return true;
    }
    let grants = row(path).map_or(&[][..], |method| method.grants);
    grants.iter().any(|grant| match grant {
        Grant::Anyone => true,
        Grant::Role(role) => caller.has(*role),
        Grant::Service(service) => caller.as_service() == Some(*service),
    })
}

/// Shorthand for the tables: `grant!["/path", Provider, Auditor]`, `grant!["/path"; anyone]`,
/// `grant!["/path"; services Ledger]`, and both with `+`.
macro_rules! grant {
    [$path:literal; anyone] => {
        $crate::Method { path: $path, grants: &[$crate::Grant::Anyone] }
    };
    [$path:literal; services $($service:ident),+ $(; $($role:ident),+)?] => {
        $crate::Method {
            path: $path,
            grants: &[
                $($crate::Grant::Service(::journal::Service::$service)),+
                $(, $($crate::Grant::Role($crate::Role::$role)),+)?
            ],
        }
    };
    [$path:literal, $($role:ident),+ $(,)?] => {
        $crate::Method { path: $path, grants: &[$($crate::Grant::Role($crate::Role::$role)),+] }
    };
}
use grant;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_once_under_its_own_service() {
        for service in Service::ALL {
            let rows = of(service);
            for (at, method) in rows.iter().enumerate() {
                assert_eq!(service_of(method.path), Some(service), "{}", method.path);
                assert!(!rows[..at].iter().any(|other| other.path == method.path), "{} twice", method.path);
                assert!(!method.grants.is_empty(), "{} is granted to nobody", method.path);
            }
        }
    }

    #[test]
    fn what_has_no_row_is_refused() {
        let caller = Caller::service(Service::Ledger);
        for path in [
            "",
            "/",
            "/almoner.ledger.v1.LedgerService/Nothing",
            "/other.v1.Service/Get",
            "grpc.health.v1.Health/Check",
        ] {
            assert!(!permits(&caller, path), "{path}");
        }
        assert!(permits(&caller, "/grpc.health.v1.Health/Check"));
    }
}
