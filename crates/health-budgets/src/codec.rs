//! Record bodies: `[command fields, [0, events] or [1, refusal]]`. Old kinds would decode into today's events here.

use crate::{Command, Event, Refusal};
use journal::{DecodeError, Kind, Outcome, Service, Written, decode_body, encode_body};
use minicbor::{Decoder, Encoder};

macro_rules! kinds {
    ($($number:literal $name:ident $fields:tt;)*) => {
        pub(crate) const fn kind(command: &Command) -> Kind {
            match command { $(Command::$name(_) => Kind($number),)* }
        }

        fn encode_command(
            command: &Command,
            e: &mut Encoder<&mut Vec<u8>>,
        ) -> Written {
            match command { $(Command::$name(fields) => e.encode(fields)?.ok(),)* }
        }

        fn decode_command(kind: Kind, d: &mut Decoder<'_>) -> Result<Command, DecodeError> {
            Ok(match kind.0 {
                $($number => Command::$name(d.decode()?),)*
                other => return Err(DecodeError::Kind(other, Service::HealthBudgets)),
            })
        }

        /// The first field in which two commands of a kind differ, by its name on the wire.
        pub(crate) fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
            match (recorded, offered) {
                $((Command::$name(a), Command::$name(b)) => kinds!(@differ a b $fields),)*
                ($(Command::$name(_))|*, _) => "request_id",
            }
        }
    };
    (@differ $a:ident $b:ident [$($field:ident)*]) => {
        $(if $a.$field != $b.$field { stringify!($field) } else)* { "request_id" }
    };
}

kinds! {
    100 OpenPlan [pseudonym ccg category starts co_ordinator recipient pots reviews];
    101 ApprovePlan [plan digest];
    102 RecordSpend [plan pot item supplier pence date];
    103 BookService [plan item supplier pence date];
    104 RecordDelivery [booking pence delivered];
    105 CancelBooking [booking];
    106 FallDue [plan pot due];
    107 RecordCarePeriod [plan pot from to pence];
    108 SuspendPlan [plan from];
    109 ResumePlan [plan];
    110 RecordDeath [plan died];
    111 DecideReclaim [plan pot pence reason deadline];
    112 RecordReceipt [reclaim pence received];
    113 RecordReturn [plan pence received];
    114 RecordReview [plan held];
    115 ProposeWriteOff [reclaim];
    116 ApproveWriteOff [reclaim digest];
    117 ClosePlan [plan];
    118 SettleAsk [ask answer];
}

/// The bytes of a command's fields, as its record holds them.
pub(crate) fn command_bytes(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = encode_command(command, &mut Encoder::new(&mut bytes));
    bytes
}

pub(crate) fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
    encode_body(outcome, body, |e| encode_command(command, e));
}

pub(crate) fn decode(kind: Kind, body: &[u8]) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
    decode_body(body, |d| decode_command(kind, d))
}
