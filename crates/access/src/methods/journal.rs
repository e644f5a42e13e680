//! Who may call `almoner.journal.v1`, which every service answers for its own journals.

use super::grant;
use crate::Method;

pub(super) const METHODS: &[Method] = &[
    grant!["/almoner.journal.v1.JournalService/ListJournals", Operator, Auditor],
    grant!["/almoner.journal.v1.JournalService/GetCheckpoint"; anyone],
    grant!["/almoner.journal.v1.JournalService/GetReceipts"; anyone],
    grant!["/almoner.journal.v1.JournalService/GetConsistencyProof"; anyone],
    grant![
        "/almoner.journal.v1.JournalService/GetRecordHeaders",
        Service,
        FinancePreparer,
        FinanceApprover,
        Auditor,
        Operator,
    ],
    grant!["/almoner.journal.v1.JournalService/AdvanceJournalClock"; services Registry],
];
