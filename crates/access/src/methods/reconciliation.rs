//! Who may call `almoner.reconciliation.v1`.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.reconciliation.v1.ReconciliationService/ProposeControlTotals", FinancePreparer],
    grant!["/almoner.reconciliation.v1.ReconciliationService/ApproveControlTotals", FinanceApprover],
    grant![
        "/almoner.reconciliation.v1.ReconciliationService/ListControlTotals",
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Operator
    ],
    grant![
        "/almoner.reconciliation.v1.ReconciliationService/GetPosition",
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Operator
    ],
    grant![
        "/almoner.reconciliation.v1.ReconciliationService/ListDifferences",
        FinancePreparer,
        FinanceApprover,
        Auditor
    ],
    grant![
        "/almoner.reconciliation.v1.ReconciliationService/RecordPosition",
        FinancePreparer,
        FinanceApprover
    ],
    grant![
        "/almoner.reconciliation.v1.ReconciliationService/ListPositions",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead,
        Auditor
    ],
];
