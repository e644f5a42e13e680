//! Who may call `almoner.health_budgets.v1`.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/OpenPlan", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/ApprovePlan", PhbOfficer],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/GetPlan",
        PhbOfficer,
        ControlledFinance,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/ListPlans",
        PhbOfficer,
        ControlledFinance,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/SuspendPlan", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/ResumePlan", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/RecordDeath", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/ClosePlan", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/RecordReview", PhbOfficer],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/ListReviewsDue",
        PhbOfficer,
        CommissioningLead,
        Auditor
    ],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/RecordSpend", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/BookService", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/RecordDelivery", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/CancelBooking", PhbOfficer],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/GetSpend",
        PhbOfficer,
        ControlledFinance,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/ListSpends",
        PhbOfficer,
        ControlledFinance,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/RecordCarePeriod", PhbOfficer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/RecordReturn", PhbOfficer, FinancePreparer],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/DecideReclaim", PhbOfficer],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/RecordReclaimReceipt",
        PhbOfficer,
        FinancePreparer
    ],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/ProposeWriteOff",
        FinancePreparer,
        FinanceApprover
    ],
    grant!["/almoner.health_budgets.v1.HealthBudgetsService/ApproveWriteOff", FinanceApprover],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/ListReclaims",
        PhbOfficer,
        ControlledFinance,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant![
        "/almoner.health_budgets.v1.HealthBudgetsService/GetTotals",
        PhbOfficer,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Service
    ],
];
