//! Who may call `almoner.registry.v1`.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.registry.v1.RegistryService/RegisterSystem", Operator],
    grant!["/almoner.registry.v1.RegistryService/GetSystem"; anyone],
    grant!["/almoner.registry.v1.RegistryService/ListSystems"; anyone],
    grant!["/almoner.registry.v1.RegistryService/RegisterOrganisations", Operator, FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/GetOrganisation"; anyone],
    grant!["/almoner.registry.v1.RegistryService/ListOrganisations"; anyone],
    grant!["/almoner.registry.v1.RegistryService/RegisterPractices", Operator, FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/RegisterMarketForcesFactors", Operator, FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/RegisterSites", Operator, FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/RegisterDistricts", Operator, FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/SetCalendar", Operator, FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/SetPaymentChannels", FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/ProposeContracts", FinancePreparer],
    grant![
        "/almoner.registry.v1.RegistryService/ListContracts",
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Operator,
    ],
    grant!["/almoner.registry.v1.RegistryService/ProposePriceBook", FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/ProposeBankDetails", FinancePreparer],
    grant!["/almoner.registry.v1.RegistryService/ApproveProposal", FinanceApprover],
    grant!["/almoner.registry.v1.RegistryService/WithdrawProposal", FinancePreparer, FinanceApprover],
    grant!["/almoner.registry.v1.RegistryService/ListProposals", FinancePreparer, FinanceApprover, Auditor],
    grant!["/almoner.registry.v1.RegistryService/GetReference", Service, Auditor],
    grant!["/almoner.registry.v1.RegistryService/AdvanceClock", Operator],
];
