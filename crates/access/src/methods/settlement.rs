//! Who may call `almoner.settlement.v1`.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.settlement.v1.SettlementService/PrepareRun", FinancePreparer],
    grant![
        "/almoner.settlement.v1.SettlementService/GetRun",
        FinancePreparer,
        FinanceApprover,
        ControlledFinance,
        Auditor,
        Service
    ],
    grant![
        "/almoner.settlement.v1.SettlementService/ListRuns",
        FinancePreparer,
        FinanceApprover,
        ControlledFinance,
        BudgetHolder,
        Auditor,
        Operator,
        Service
    ],
    grant!["/almoner.settlement.v1.SettlementService/ApproveRun", FinanceApprover],
    grant!["/almoner.settlement.v1.SettlementService/WaiveWitnesses", FinanceApprover],
    grant!["/almoner.settlement.v1.SettlementService/PayRun", FinancePreparer, FinanceApprover],
    grant!["/almoner.settlement.v1.SettlementService/ResumeRun", FinancePreparer, FinanceApprover],
    grant!["/almoner.settlement.v1.SettlementService/CancelRun", FinancePreparer, FinanceApprover],
    grant!["/almoner.settlement.v1.SettlementService/CloseRun", FinancePreparer, FinanceApprover],
    grant!["/almoner.settlement.v1.SettlementService/RecordBankMessage", FinancePreparer],
    grant![
        "/almoner.settlement.v1.SettlementService/ListPayments",
        Provider,
        FinancePreparer,
        FinanceApprover,
        ControlledFinance,
        Auditor,
        Service
    ],
    grant![
        "/almoner.settlement.v1.SettlementService/GetFile",
        FinancePreparer,
        FinanceApprover,
        ControlledFinance,
        Auditor
    ],
    grant![
        "/almoner.settlement.v1.SettlementService/GetRemittance",
        Provider,
        FinancePreparer,
        FinanceApprover,
        Auditor
    ],
    grant![
        "/almoner.settlement.v1.SettlementService/ListInstalments",
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        Auditor,
        Service
    ],
];
