//! Who may call `almoner.referrals.v1`.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.referrals.v1.ReferralsService/RecordReferral", Referrer, Provider],
    grant!["/almoner.referrals.v1.ReferralsService/RecordReferrals", Referrer, Provider],
    grant!["/almoner.referrals.v1.ReferralsService/EndReferral", Referrer, Provider],
    grant![
        "/almoner.referrals.v1.ReferralsService/GetReferral",
        Referrer,
        Provider,
        CommissioningLead,
        FinancePreparer,
        FinanceApprover,
        Auditor
    ],
    grant!["/almoner.referrals.v1.ReferralsService/OpenSubmission", Provider],
    grant!["/almoner.referrals.v1.ReferralsService/SubmitActivity", Provider],
    grant!["/almoner.referrals.v1.ReferralsService/StreamActivity", Provider],
    grant!["/almoner.referrals.v1.ReferralsService/WithdrawLine", Provider],
    grant![
        "/almoner.referrals.v1.ReferralsService/GetLine",
        Provider,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant![
        "/almoner.referrals.v1.ReferralsService/ListLines",
        Provider,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Service
    ],
    grant![
        "/almoner.referrals.v1.ReferralsService/GetTotals",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Service
    ],
    grant![
        "/almoner.referrals.v1.ChallengeService/RaiseChallenge",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead
    ],
    grant![
        "/almoner.referrals.v1.ChallengeService/RunChallenges",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead
    ],
    grant![
        "/almoner.referrals.v1.ChallengeService/ConcludeChallenge",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead
    ],
    grant!["/almoner.referrals.v1.ChallengeService/SetChallengeRules", FinanceApprover, CommissioningLead],
    grant![
        "/almoner.referrals.v1.ChallengeService/GetChallenge",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor
    ],
    grant![
        "/almoner.referrals.v1.ChallengeService/ListChallenges",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor
    ],
    grant!["/almoner.referrals.v1.ChallengeService/AnswerChallenge", Provider],
    grant![
        "/almoner.referrals.v1.RepricingService/ProposeRepricing",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead
    ],
    grant!["/almoner.referrals.v1.RepricingService/ApproveRepricing", FinanceApprover],
    grant![
        "/almoner.referrals.v1.RepricingService/GetRepricing",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead,
        Auditor
    ],
    grant![
        "/almoner.referrals.v1.RepricingService/ListRepricings",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead,
        Auditor
    ],
    grant![
        "/almoner.referrals.v1.MatchingService/StoreExtractRows",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead
    ],
    grant![
        "/almoner.referrals.v1.MatchingService/AdoptExtract",
        FinancePreparer,
        FinanceApprover,
        CommissioningLead
    ],
    grant![
        "/almoner.referrals.v1.MatchingService/ListExtracts",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor
    ],
    grant![
        "/almoner.referrals.v1.MatchingService/CompareActivity",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor
    ],
    grant![
        "/almoner.referrals.v1.MatchingService/ListPairs",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor
    ],
    grant![
        "/almoner.referrals.v1.ReferralsService/GetCut",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Operator,
        Service
    ],
    grant![
        "/almoner.referrals.v1.ReferralsService/ListCuts",
        Provider,
        FinancePreparer,
        FinanceApprover,
        BudgetHolder,
        CommissioningLead,
        Auditor,
        Operator,
        Service
    ],
    grant!["/almoner.referrals.v1.ReferralsService/WatchLines", Provider],
];
