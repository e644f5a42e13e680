//! What is asked of health budgets.

use crate::{
    CareCategory, Frequency, ItemCategory, LedgerAnswer, PlanNumber, PotKind, PotTerms, Recipient,
    ReclaimReason, ReviewRule, StaffId,
};
use journal::{Day, Digest, Fingerprint, Position};
use minicbor::{Decode, Encode};
use money::Pence;
use nhs::{OdsCode, Pseudonym};

/// A command. Each is one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Propose a plan.
    OpenPlan(OpenPlan),
    /// Approve a plan, as another officer.
    ApprovePlan(ApprovePlan),
    /// Record something bought.
    RecordSpend(RecordSpend),
    /// Book a service from a notional pot.
    BookService(BookService),
    /// Record that a booked service was delivered.
    RecordDelivery(RecordDelivery),
    /// Call a booking off.
    CancelBooking(CancelBooking),
    /// An instalment falls due. Issued by the day roll.
    FallDue(FallDue),
    /// Recognise a period of care under a cash pot.
    RecordCarePeriod(RecordCarePeriod),
    /// The person went into hospital.
    SuspendPlan(SuspendPlan),
    /// The person came back.
    ResumePlan(ResumePlan),
    /// The person died.
    RecordDeath(RecordDeath),
    /// Ask money back.
    DecideReclaim(DecideReclaim),
    /// Money that was asked back came.
    RecordReceipt(RecordReceipt),
    /// A third party gave money back unasked.
    RecordReturn(RecordReturn),
    /// A review was held.
    RecordReview(RecordReview),
    /// Propose to give up what is still due back.
    ProposeWriteOff(ProposeWriteOff),
    /// Agree to it, as another person.
    ApproveWriteOff(ApproveWriteOff),
    /// End a plan.
    ClosePlan(ClosePlan),
    /// Record the ledger's answer. Issued by whoever carries asks.
    SettleAsk(SettleAsk),
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $n:literal $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
        #[cbor(array)]
        pub struct $name {
            $($(#[$field_doc])* #[n($n)] pub $field: $type,)*
        }
    )*};
}

fields! {
    /// A plan as one officer proposes it.
    OpenPlan {
        /// Whose plan.
        0 pseudonym: Pseudonym,
        /// The clinical commissioning group that pays.
        1 ccg: OdsCode,
        /// Why the person has a budget.
        2 category: CareCategory,
        /// The first day of care under it; its financial year is the budget's.
        3 starts: Day,
        /// The care co-ordinator, whom the Direct Payments Regulations 2013 (regulation 8) require.
        4 co_ordinator: StaffId,
        /// Into whose hands a direct payment is paid.
        5 recipient: Recipient,
        /// One to three pots, at most one of a kind.
        6 pots: Vec<PotTerms>,
        /// When it is reviewed.
        7 reviews: ReviewRule,
    }

    /// Another officer's yes.
    ApprovePlan {
        /// The plan.
        0 plan: PlanNumber,
        /// SHA-256 of the proposal's canonical bytes: [`OpenPlan::digest`].
        1 digest: Digest,
    }

    /// Something bought: from a notional pot (we owe its supplier) or, as evidence, by whoever holds the cash.
    RecordSpend {
        /// The plan.
        0 plan: PlanNumber,
        /// The pot.
        1 pot: PotKind,
        /// What.
        2 item: ItemCategory,
        /// From whom. Required from a notional pot; without one otherwise when it was paid to a person.
        3 supplier: Option<OdsCode>,
        /// How much.
        4 pence: Pence,
        /// On which day it was provided.
        5 date: Day,
    }

    /// A service to come.
    BookService {
        /// The plan.
        0 plan: PlanNumber,
        /// What.
        1 item: ItemCategory,
        /// From whom.
        2 supplier: OdsCode,
        /// How much it will cost.
        3 pence: Pence,
        /// On which day; may be in the future.
        4 date: Day,
    }

    /// A service that came.
    RecordDelivery {
        /// The booking's record.
        0 booking: Position,
        /// What it cost: at most what was booked.
        1 pence: Pence,
        /// On which day.
        2 delivered: Day,
    }

    /// A service that will not come.
    CancelBooking {
        /// The booking's record.
        0 booking: Position,
    }

    /// An instalment.
    FallDue {
        /// The plan.
        0 plan: PlanNumber,
        /// The pot.
        1 pot: PotKind,
        /// Its due date.
        2 due: Day,
    }

    /// A period of care.
    RecordCarePeriod {
        /// The plan.
        0 plan: PlanNumber,
        /// The cash pot.
        1 pot: PotKind,
        /// The first day.
        2 from: Day,
        /// The last day.
        3 to: Day,
        /// What it cost.
        4 pence: Pence,
    }

    /// A stay in hospital.
    SuspendPlan {
        /// The plan.
        0 plan: PlanNumber,
        /// The first day.
        1 from: Day,
    }

    /// The end of a stay in hospital.
    ResumePlan {
        /// The plan.
        0 plan: PlanNumber,
    }

    /// A death.
    RecordDeath {
        /// The plan.
        0 plan: PlanNumber,
        /// The day.
        1 died: Day,
    }

    /// Money asked back.
    DecideReclaim {
        /// The plan.
        0 plan: PlanNumber,
        /// The pot.
        1 pot: PotKind,
        /// How much.
        2 pence: Pence,
        /// Why.
        3 reason: ReclaimReason,
        /// By when; the notice states it.
        4 deadline: Day,
    }

    /// Money that came back.
    RecordReceipt {
        /// The reclaim's record.
        0 reclaim: Position,
        /// How much: at most what is due.
        1 pence: Pence,
        /// On which day.
        2 received: Day,
    }

    /// Money returned unasked.
    RecordReturn {
        /// The plan; its third-party pot.
        0 plan: PlanNumber,
        /// How much: at most what is paid ahead.
        1 pence: Pence,
        /// On which day.
        2 received: Day,
    }

    /// A review.
    RecordReview {
        /// The plan.
        0 plan: PlanNumber,
        /// On which day it was held.
        1 held: Day,
    }

    /// Giving up what is due back, as one person proposes it.
    ProposeWriteOff {
        /// The reclaim's record.
        0 reclaim: Position,
    }

    /// Another person's yes to it.
    ApproveWriteOff {
        /// The reclaim's record.
        0 reclaim: Position,
        /// [`crate::Reclaim::write_off`]'s digest, as the approver saw it.
        1 digest: Digest,
    }

    /// The end of a plan.
    ClosePlan {
        /// The plan.
        0 plan: PlanNumber,
    }

    /// The ledger's answer.
    SettleAsk {
        /// The record that asked.
        0 ask: Position,
        /// The answer.
        1 answer: LedgerAnswer,
    }
}

impl Command {
    /// The fingerprint of what its caller asked: not of the review rule, which is the adapter's configuration and may change
    /// between two attempts.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut bytes = crate::codec::kind(self).0.to_le_bytes().to_vec();
        if let Self::OpenPlan(open) = self {
            let asked = OpenPlan { reviews: ReviewRule::DEFAULT, ..open.clone() };
            bytes.extend(crate::codec::command_bytes(&Self::OpenPlan(asked)));
        } else {
            bytes.extend(crate::codec::command_bytes(self));
        }
        journal::fingerprint(&bytes)
    }
}

impl OpenPlan {
    /// The digest that the second officer approves: SHA-256 of the command's bytes as its record holds them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Writing to a Vec cannot fail.
        Digest::of(&minicbor::to_vec(self).unwrap_or_default())
    }
}

impl Frequency {
    /// Every frequency.
    pub const ALL: [Self; 2] = [Self::Weekly, Self::FourWeekly];
}

/// The digest of giving up `pence` of the reclaim recorded at `reclaim`.
pub(crate) fn write_off_digest(reclaim: Position, pence: Pence) -> Digest {
    Digest::of(&minicbor::to_vec((reclaim, pence)).unwrap_or_default())
}
