//! The domain as the engine sees it: kinds, bytes, and the two functions.

use crate::{
    AdoptExtract, AdoptReference, AdoptTerms, Command, Event, ExpireReferral, ExtractSum, ProposeRepricing,
    Refusal, Report, RepricedRows, RepricingTerms, SealCut, State, apply, decide, report, snapshot,
};
use journal::{
    Blobs, Day, DecodeError, Digest, Domain, Events, Kind, Moment, Outcome, Service, Written, decode_body,
    encode_body,
};
use minicbor::Encoder;
use reference::Reference;
use std::sync::Arc;

/// Referrals and the activity that follows them.
#[derive(Debug)]
pub struct Referrals;

const ADOPT_REFERENCE: Kind = Kind(100);
const OPEN_SUBMISSION: Kind = Kind(101);
const RECORD_REFERRAL: Kind = Kind(102);
const END_REFERRAL: Kind = Kind(103);
const SUBMIT_LINE: Kind = Kind(104);
const SUBMIT_UNREADABLE: Kind = Kind(105);
const WITHDRAW_LINE: Kind = Kind(106);
const SEAL_CUT: Kind = Kind(107);
const EXPIRE_REFERRAL: Kind = Kind(108);
const ADOPT_EXTRACT: Kind = Kind(109);
const RAISE_CHALLENGE: Kind = Kind(110);
const ANSWER_CHALLENGE: Kind = Kind(111);
const CONCLUDE_CHALLENGE: Kind = Kind(112);
const SET_CHALLENGE_RULES: Kind = Kind(113);
const RECORD_UNREADABLE: Kind = Kind(114);
const POST_MARGIN: Kind = Kind(120);
const PROPOSE_REPRICING: Kind = Kind(121);
const APPROVE_REPRICING: Kind = Kind(122);
const REPRICE_LINE: Kind = Kind(123);
const MOVE_REFERRAL: Kind = Kind(150);

impl Domain for Referrals {
    const SERVICE: Service = Service::Referrals;

    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = Report;

    fn kind(command: &Command) -> Kind {
        match command {
            Command::AdoptReference(_) => ADOPT_REFERENCE,
            Command::OpenSubmission(_) => OPEN_SUBMISSION,
            Command::RecordReferral(_) => RECORD_REFERRAL,
            Command::EndReferral(_) => END_REFERRAL,
            Command::SubmitLine(_) => SUBMIT_LINE,
            Command::SubmitUnreadable(_) => SUBMIT_UNREADABLE,
            Command::RecordUnreadable(_) => RECORD_UNREADABLE,
            Command::WithdrawLine(_) => WITHDRAW_LINE,
            Command::SealCut(_) => SEAL_CUT,
            Command::ExpireReferral(_) => EXPIRE_REFERRAL,
            Command::AdoptExtract(_) => ADOPT_EXTRACT,
            Command::RaiseChallenge(_) => RAISE_CHALLENGE,
            Command::AnswerChallenge(_) => ANSWER_CHALLENGE,
            Command::ConcludeChallenge(_) => CONCLUDE_CHALLENGE,
            Command::SetChallengeRules(_) => SET_CHALLENGE_RULES,
            Command::PostMargin(_) => POST_MARGIN,
            Command::ProposeRepricing(_) => PROPOSE_REPRICING,
            Command::ApproveRepricing(_) => APPROVE_REPRICING,
            Command::RepriceLine(_) => REPRICE_LINE,
            Command::MoveReferral(_) => MOVE_REFERRAL,
        }
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        decide::decide(state, at, command)
    }

    fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
        apply::apply(state, at, command, event);
    }

    fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
        encode_body(outcome, body, |e| encode(command, e));
    }

    fn decode(
        kind: Kind,
        body: &[u8],
        blobs: &dyn Blobs,
    ) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
        decode_body(body, |d| {
            Ok(match kind {
                ADOPT_REFERENCE => Command::AdoptReference(adoption(d.decode()?, blobs)?),
                OPEN_SUBMISSION => Command::OpenSubmission(d.decode()?),
                RECORD_REFERRAL => Command::RecordReferral(d.decode()?),
                END_REFERRAL => Command::EndReferral(d.decode()?),
                SUBMIT_LINE => Command::SubmitLine(d.decode()?),
                SUBMIT_UNREADABLE => Command::SubmitUnreadable(d.decode()?),
                RECORD_UNREADABLE => Command::RecordUnreadable(d.decode()?),
                WITHDRAW_LINE => Command::WithdrawLine(d.decode()?),
                SEAL_CUT => Command::SealCut(d.decode()?),
                EXPIRE_REFERRAL => Command::ExpireReferral(d.decode()?),
                RAISE_CHALLENGE => Command::RaiseChallenge(d.decode()?),
                ANSWER_CHALLENGE => Command::AnswerChallenge(d.decode()?),
                CONCLUDE_CHALLENGE => Command::ConcludeChallenge(d.decode()?),
                SET_CHALLENGE_RULES => Command::SetChallengeRules(d.decode()?),
                POST_MARGIN => Command::PostMargin(d.decode()?),
                APPROVE_REPRICING => Command::ApproveRepricing(d.decode()?),
                REPRICE_LINE => Command::RepriceLine(d.decode()?),
                PROPOSE_REPRICING => {
                    let terms: RepricingTerms = d.decode()?;
                    let rows = Arc::new(RepricedRows::read(terms.rows, blobs)?);
                    Command::ProposeRepricing(ProposeRepricing { terms, rows })
                }
                MOVE_REFERRAL => Command::MoveReferral(d.decode()?),
                ADOPT_EXTRACT => {
                    let terms = d.decode()?;
                    Command::AdoptExtract(AdoptExtract { sum: ExtractSum::read(&terms, blobs)?, terms })
                }
                Kind(other) => return Err(DecodeError::Kind(other, Self::SERVICE)),
            })
        })
    }

    fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
        differing_field(recorded, offered)
    }

    fn reports(at: &Moment, command: &Command, event: &Event, out: &mut Vec<Report>) {
        report::reports(at, command, event, out);
    }

    const SNAPSHOT_FORMAT: Option<u32> = Some(snapshot::FORMAT);

    fn encode_state(state: &State, out: &mut Vec<u8>) {
        snapshot::encode(state, out);
    }

    fn decode_state(bytes: &[u8], blobs: &dyn Blobs) -> Result<State, DecodeError> {
        snapshot::decode(bytes, blobs)
    }

    fn day_roll(state: &State, day: Day) -> Vec<Command> {
        // What is owed beyond plans stands in the cut before it is sealed.
        let seals = decide::due(state, day).into_iter().flat_map(|cut| {
            let margins = decide::of_cut(state, cut).map(Command::PostMargin);
            margins.chain([Command::SealCut(SealCut { cut })])
        });
        let expired = state.expiries.iter().take_while(|(until, _)| *until < day);
        let expiries =
            expired.map(|(_, referral)| Command::ExpireReferral(ExpireReferral { referral: *referral }));
        seals.chain(expiries).collect()
    }
}

fn adoption(terms: AdoptTerms, blobs: &dyn Blobs) -> Result<AdoptReference, DecodeError> {
    let reference = reference(terms.digest, blobs)?;
    Ok(AdoptReference { terms, reference })
}

/// The reference data of that digest.
pub(crate) fn reference(digest: Digest, blobs: &dyn Blobs) -> Result<Arc<Reference>, DecodeError> {
    let reference =
        Reference::decode(&blobs.checked(digest)?).map_err(|_| DecodeError::BlobDamaged(digest))?;
    Ok(Arc::new(reference))
}

fn encode(command: &Command, e: &mut Encoder<&mut Vec<u8>>) -> Written {
    match command {
        Command::AdoptReference(command) => e.encode(command.terms)?,
        Command::OpenSubmission(command) => e.encode(command)?,
        Command::RecordReferral(command) => e.encode(command)?,
        Command::EndReferral(command) => e.encode(command)?,
        Command::SubmitLine(command) => e.encode(command)?,
        Command::SubmitUnreadable(command) => e.encode(command)?,
        Command::RecordUnreadable(command) => e.encode(command)?,
        Command::WithdrawLine(command) => e.encode(command)?,
        Command::SealCut(command) => e.encode(command)?,
        Command::ExpireReferral(command) => e.encode(command)?,
        Command::AdoptExtract(command) => e.encode(&command.terms)?,
        Command::RaiseChallenge(command) => e.encode(command)?,
        Command::AnswerChallenge(command) => e.encode(command)?,
        Command::ConcludeChallenge(command) => e.encode(command)?,
        Command::SetChallengeRules(command) => e.encode(command)?,
        Command::PostMargin(command) => e.encode(command)?,
        Command::ProposeRepricing(command) => e.encode(&command.terms)?,
        Command::ApproveRepricing(command) => e.encode(command)?,
        Command::RepriceLine(command) => e.encode(command)?,
        Command::MoveReferral(command) => e.encode(command)?,
    };
    Ok(())
}

/// The first field that differs, by its name on the wire.
fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
    match (recorded, offered) {
        (Command::RecordReferral(a), Command::RecordReferral(b)) => {
            let pairs = [
                (a.pseudonym != b.pseudonym, "referral.nhs_number"),
                (a.ubrn != b.ubrn, "referral.ubrn"),
                (a.function != b.function, "referral.treatment_function"),
                (a.source != b.source, "referral.source"),
                (a.referred != b.referred, "referral.referred_on"),
                (a.practice != b.practice, "referral.practice"),
                (a.offered != b.offered, "referral.offered"),
                (a.provider != b.provider, "referral.provider"),
                (a.pathway != b.pathway, "referral.pathway_identifier"),
                (a.no_choice != b.no_choice, "referral.no_choice_reason"),
                (a.clock_start != b.clock_start, "referral.clock_start_date"),
                (a.residence != b.residence, "referral.residence"),
            ];
            first(&pairs, "referral.site")
        }
        (Command::OpenSubmission(a), Command::OpenSubmission(b)) => {
            let pairs =
                [(a.provider != b.provider, "provider"), (a.file_digest != b.file_digest, "file_digest")];
            first(&pairs, "again")
        }
        (Command::EndReferral(a), Command::EndReferral(b)) => {
            first(&[(a.referral != b.referral, "referral")], "state")
        }
        (Command::MoveReferral(a), Command::MoveReferral(b)) => {
            first(&[(a.referral != b.referral, "referral"), (a.on != b.on, "on_date")], "move")
        }
        (Command::WithdrawLine(a), Command::WithdrawLine(b)) => {
            first(&[(a.provider != b.provider, "provider")], "cds_identifier")
        }
        (Command::AdoptExtract(a), Command::AdoptExtract(b)) => {
            let (a, b) = (&a.terms, &b.terms);
            let pairs = [
                (a.provider != b.provider, "provider"),
                (a.cut != b.cut, "cut"),
                (a.file != b.file, "file_digest"),
            ];
            first(&pairs, "parts")
        }
        (Command::RaiseChallenge(a), Command::RaiseChallenge(b)) => {
            let pairs = [
                (a.provider != b.provider, "provider"),
                (a.cds_identifier != b.cds_identifier, "cds_identifier"),
                (a.line != b.line, "line"),
                (a.grounds != b.grounds, "grounds"),
                (a.amount != b.amount, "amount_pence"),
                (a.percent != b.percent, "percent"),
            ];
            first(&pairs, "text")
        }
        (Command::AnswerChallenge(a), Command::AnswerChallenge(b)) => {
            let pairs =
                [(a.challenge != b.challenge, "challenge"), (a.conceded != b.conceded, "conceded_pence")];
            first(&pairs, "text")
        }
        (Command::ConcludeChallenge(a), Command::ConcludeChallenge(b)) => {
            let pairs = [(a.challenge != b.challenge, "challenge"), (a.conclusion != b.conclusion, "state")];
            first(&pairs, "text")
        }
        (Command::SetChallengeRules(a), Command::SetChallengeRules(b)) => first(
            &[(a.provider != b.provider, "rules.provider"), (a.from != b.from, "rules.from_date")],
            "rules",
        ),
        (Command::ApproveRepricing(a), Command::ApproveRepricing(b)) => {
            first(&[(a.repricing != b.repricing, "repricing")], "digest")
        }
        (Command::ProposeRepricing(a), Command::ProposeRepricing(b)) => {
            first(&[(a.terms.reason != b.terms.reason, "reason")], "scope")
        }
        // A line's id follows from its content, and the rest have one field: another content is another call.
        (_, _) => "request_id",
    }
}

fn first(pairs: &[(bool, &'static str)], last: &'static str) -> &'static str {
    pairs.iter().find(|(differs, _)| *differs).map_or(last, |(_, field)| field)
}
