//! Who may call `almoner.identity.v1`, the controlled plane.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.identity.v1.IdentityService/Pseudonymise"; services Referrals, HealthBudgets; PhbOfficer],
    grant!["/almoner.identity.v1.IdentityService/TagContent"; services Referrals],
    grant!["/almoner.identity.v1.IdentityService/ResolvePseudonym", ControlledFinance],
    grant!["/almoner.identity.v1.IdentityService/RegisterPayee", PhbOfficer, ControlledFinance],
    grant!["/almoner.identity.v1.IdentityService/ApprovePayee", PhbOfficer, ControlledFinance],
    grant!["/almoner.identity.v1.IdentityService/GetPayeeDetails"; services Settlement; ControlledFinance],
    grant!["/almoner.identity.v1.IdentityService/GetCounts", Operator, Auditor, ControlledFinance],
];
