//! Record bodies: `[command fields, [0, events] or [1, refusal]]`. Old kinds would decode into today's events here.

use crate::{Command, Content, Event, Propose, Refusal};
use journal::{Blobs, DecodeError, Kind, Outcome, Service, Written, decode_body, encode_body};
use minicbor::Encoder;

const REGISTER_ORGANISATIONS: Kind = Kind(100);
const REGISTER_PRACTICES: Kind = Kind(101);
const REGISTER_MARKET_FORCES: Kind = Kind(102);
const REGISTER_SYSTEM: Kind = Kind(103);
const REGISTER_SITES: Kind = Kind(104);
const REGISTER_DISTRICTS: Kind = Kind(105);
const SET_CALENDAR: Kind = Kind(106);
const SET_PAYMENT_CHANNELS: Kind = Kind(107);
const PROPOSE: Kind = Kind(108);
const APPROVE_PROPOSAL: Kind = Kind(109);
const WITHDRAW_PROPOSAL: Kind = Kind(110);

pub(crate) const fn kind(command: &Command) -> Kind {
    match command {
        Command::RegisterOrganisations(_) => REGISTER_ORGANISATIONS,
        Command::RegisterPractices(_) => REGISTER_PRACTICES,
        Command::RegisterMarketForces(_) => REGISTER_MARKET_FORCES,
        Command::RegisterSystem(_) => REGISTER_SYSTEM,
        Command::RegisterSites(_) => REGISTER_SITES,
        Command::RegisterDistricts(_) => REGISTER_DISTRICTS,
        Command::SetCalendar(_) => SET_CALENDAR,
        Command::SetPaymentChannels(_) => SET_PAYMENT_CHANNELS,
        Command::Propose(_) => PROPOSE,
        Command::ApproveProposal(_) => APPROVE_PROPOSAL,
        Command::WithdrawProposal(_) => WITHDRAW_PROPOSAL,
    }
}

pub(crate) fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
    encode_body(outcome, body, |e| encode_command(command, e));
}

/// The command as it stands in a record's body.
pub(crate) fn command_bytes(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = encode_command(command, &mut Encoder::new(&mut bytes));
    bytes
}

fn encode_command(command: &Command, e: &mut Encoder<&mut Vec<u8>>) -> Written {
    match command {
        Command::RegisterOrganisations(fields) => e.encode(fields)?,
        Command::RegisterPractices(fields) => e.encode(fields)?,
        Command::RegisterMarketForces(fields) => e.encode(fields)?,
        Command::RegisterSystem(fields) => e.encode(fields)?,
        Command::RegisterSites(fields) => e.encode(fields)?,
        Command::RegisterDistricts(fields) => e.encode(fields)?,
        Command::SetCalendar(fields) => e.encode(fields)?,
        Command::SetPaymentChannels(fields) => e.encode(fields)?,
        Command::Propose(fields) => e.encode(fields)?,
        Command::ApproveProposal(fields) => e.encode(fields)?,
        Command::WithdrawProposal(fields) => e.encode(fields)?,
    };
    Ok(())
}

pub(crate) fn decode(
    kind: Kind,
    body: &[u8],
    blobs: &dyn Blobs,
) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
    decode_body(body, |d| {
        Ok(match kind {
            REGISTER_ORGANISATIONS => Command::RegisterOrganisations(d.decode()?),
            REGISTER_PRACTICES => Command::RegisterPractices(d.decode()?),
            REGISTER_MARKET_FORCES => Command::RegisterMarketForces(d.decode()?),
            REGISTER_SYSTEM => Command::RegisterSystem(d.decode()?),
            REGISTER_SITES => Command::RegisterSites(d.decode()?),
            REGISTER_DISTRICTS => Command::RegisterDistricts(d.decode()?),
            SET_CALENDAR => Command::SetCalendar(d.decode()?),
            SET_PAYMENT_CHANNELS => Command::SetPaymentChannels(d.decode()?),
            PROPOSE => Command::Propose(with_blob(d.decode()?, blobs)?),
            APPROVE_PROPOSAL => Command::ApproveProposal(d.decode()?),
            WITHDRAW_PROPOSAL => Command::WithdrawProposal(d.decode()?),
            Kind(other) => return Err(DecodeError::Kind(other, Service::Registry)),
        })
    })
}

/// Gives a proposed price book the bytes that its record names.
fn with_blob(mut propose: Propose, blobs: &dyn Blobs) -> Result<Propose, DecodeError> {
    if let Content::PriceBook(book) = &mut propose.content {
        book.content = blobs.checked(book.digest)?;
    }
    Ok(propose)
}

/// The first field in which two commands under one request id differ, as the request spells it.
pub(crate) fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
    match (recorded, offered) {
        (Command::RegisterOrganisations(_), Command::RegisterOrganisations(_)) => "organisations",
        (Command::RegisterPractices(_), Command::RegisterPractices(_)) => "practices",
        (Command::RegisterMarketForces(_), Command::RegisterMarketForces(_)) => "market_forces_factors",
        (Command::RegisterSystem(a), Command::RegisterSystem(b)) => {
            if a.system.name != b.system.name {
                "system"
            } else if a.system.title != b.system.title {
                "title"
            } else if a.system.sandbox != b.system.sandbox {
                "sandbox"
            } else if a.clock_start != b.clock_start {
                "clock_start_time"
            } else {
                "members"
            }
        }
        (Command::RegisterSites(_), Command::RegisterSites(_)) => "sites",
        (Command::RegisterDistricts(_), Command::RegisterDistricts(_)) => "districts",
        (Command::SetCalendar(a), Command::SetCalendar(b)) => {
            if a.deadlines == b.deadlines {
                "bank_holidays"
            } else {
                "deadlines"
            }
        }
        (Command::SetPaymentChannels(_), Command::SetPaymentChannels(_)) => "payment_channels",
        (Command::Propose(a), Command::Propose(b)) => match (&a.content, &b.content) {
            (Content::PriceBook(_), Content::PriceBook(_)) => "price_book",
            (Content::Contracts(_), Content::Contracts(_)) => "contracts",
            (Content::BankDetails(_), Content::BankDetails(_)) => "bank_details",
            (Content::PriceBook(_) | Content::Contracts(_) | Content::BankDetails(_), _) => "request_id",
        },
        (Command::ApproveProposal(a), Command::ApproveProposal(b)) => {
            if a.proposal == b.proposal {
                "digest"
            } else {
                "proposal"
            }
        }
        (Command::WithdrawProposal(_), Command::WithdrawProposal(_)) => "proposal",
        (
            Command::RegisterOrganisations(_)
            | Command::RegisterPractices(_)
            | Command::RegisterMarketForces(_)
            | Command::RegisterSystem(_)
            | Command::RegisterSites(_)
            | Command::RegisterDistricts(_)
            | Command::SetCalendar(_)
            | Command::SetPaymentChannels(_)
            | Command::Propose(_)
            | Command::ApproveProposal(_)
            | Command::WithdrawProposal(_),
            _,
        ) => "request_id",
    }
}
