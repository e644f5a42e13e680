//! Everything that takes two people, done by one, by nobody, and without its proposal: an auditor's verifier names each, though
//! every byte, hash and signature is as it should be.

use crate::proofs::{profile, run};
use crate::support::Installation;
use audit::{Finding, Given, Outcome, RecordProblem, examine};
use health_budgets::HealthBudgets;
use identity::Identity;
use journal::{Domain, Header, Position, RecordView, Service};
use ledger::{Act, Ledger};
use reconciliation::Reconciliation;
use registry::{Content, Registry};
use settlement::Settlement;
use std::collections::BTreeMap;
use std::path::Path;
use testkit::Forge;

const OWN: &str = "berkshire-west";

/// Which act of the domain a command of two people's approval is, and where it was proposed; `None` for every other command.
type Found<D> = fn(&Forge, &Header, &<D as Domain>::Command) -> Option<(&'static str, Position)>;

/// One act in one journal: the approval's record and the proposal's.
struct Act2 {
    what: &'static str,
    system: &'static str,
    service: Service,
    approval: Position,
    proposal: Position,
}

/// The first accepted act of each kind in a journal.
fn acts<D: Domain>(
    data: &Path,
    system: &'static str,
    service: Service,
    found: Found<D>,
    out: &mut Vec<Act2>,
) {
    let forge = Forge::open(data, system, service);
    let mut seen = BTreeMap::new();
    for (header, (command, outcome)) in forge.commands::<D>() {
        if let (Some((what, proposal)), journal::Outcome::Accepted(_)) =
            (found(&forge, &header, &command), outcome)
        {
            seen.entry(what).or_insert((header.position, proposal));
        }
    }
    let one = |(what, (approval, proposal))| Act2 { what, system, service, approval, proposal };
    out.extend(seen.into_iter().map(one));
}

fn of_registry(forge: &Forge, _: &Header, command: &registry::Command) -> Option<(&'static str, Position)> {
    let registry::Command::ApproveProposal(approve) = command else { return None };
    let proposed = forge.commands::<Registry>().find(|(header, _)| header.position == approve.proposal);
    let what = match proposed.map(|(_, (command, _))| command) {
        Some(registry::Command::Propose(propose)) => match propose.content {
            Content::PriceBook(_) => "a price book",
            Content::Contracts(_) => "contracts",
            Content::BankDetails(_) => "bank details",
        },
        // A price book names a blob, and is not read without it.
        _ => "a price book",
    };
    Some((what, approve.proposal))
}

fn of_identity(_: &Forge, _: &Header, command: &identity::Command) -> Option<(&'static str, Position)> {
    let identity::Command::ApprovePayee(approve) = command else { return None };
    Some(("a holder's bank details", approve.proposal))
}

fn of_budgets(
    forge: &Forge,
    _: &Header,
    command: &health_budgets::Command,
) -> Option<(&'static str, Position)> {
    use health_budgets::Command::{ApprovePlan, ApproveWriteOff, ProposeWriteOff};
    if let ApprovePlan(approve) = command {
        return Some(("a plan", approve.plan.0));
    }
    let ApproveWriteOff(approve) = command else { return None };
    let proposes =
        |command: &_| matches!(command, ProposeWriteOff(asked) if asked.reclaim == approve.reclaim);
    Some(("a write-off", forge.find::<HealthBudgets>(|_, (command, _)| proposes(command))))
}

fn of_ledger(_: &Forge, _: &Header, command: &ledger::Command) -> Option<(&'static str, Position)> {
    let ledger::Command::Approve(approve) = command else { return None };
    let what = match approve.propose.act {
        Act::Reopen(_) => "a month opened again",
        Act::Post(_) => "a posting in a soft-closed month",
    };
    Some((what, approve.proposal))
}

fn of_reconciliation(
    _: &Forge,
    _: &Header,
    command: &reconciliation::Command,
) -> Option<(&'static str, Position)> {
    let reconciliation::Command::Approve(approve) = command else { return None };
    Some(("control totals", approve.proposal))
}

fn of_settlement(
    forge: &Forge,
    _: &Header,
    command: &settlement::Command,
) -> Option<(&'static str, Position)> {
    let settlement::Command::ApproveRun(approve) = command else { return None };
    // Its preparation names a blob, so it is found by the request that made it.
    let headers = forge.records.iter().map(|record| RecordView::parse(record).unwrap().header);
    let prepared = headers.into_iter().find(|header| header.request_id == approve.run)?;
    Some(("a settlement run", prepared.position))
}

/// What the demo leaves to do: a month soft-closed and posted in, a month closed and opened again, a write-off.
fn play(installation: &Installation) {
    let process = installation.serve(&[]);
    let call = |who: &str, words: &[&str]| {
        let profile = profile(installation, &process, who, OWN);
        run(&[&["--profile", profile.to_str().unwrap()], words].concat()).unwrap()
    };
    // The words that approve stand on the last line.
    let approve = |who: &str, said: String| {
        let words: Vec<&str> = said.lines().last().unwrap().split_whitespace().skip(1).collect();
        call(who, &words);
    };
    call("finance-preparer", &["ledger", "soft-close-period", "2017-06", "--reason", "month end"]);
    let posting = [
        "ledger post --propose --reason late --kind estimate --date 2017-06-30 --reverses-in 2017-09",
        "--debit 10M/elective/2017-18/fund/expenditure/third-party=12.00",
        "--credit 10M/elective/2017-18/owed/estimate/NT3=12.00",
    ];
    let words: Vec<&str> = posting.iter().flat_map(|part| part.split(' ')).collect();
    approve("finance-approver", call("finance-preparer", &words));
    call("finance-preparer", &["ledger", "close-period", "2017-05", "--reason", "done"]);
    let reopen = ["ledger", "reopen-period", "2017-05", "--reason", "late return"];
    approve("finance-approver", call("finance-preparer", &reopen));
    let reclaims = call("phb-officer", &["phb", "reclaims"]);
    let number = reclaims.split_whitespace().find(|word| word.parse::<u64>().is_ok()).expect("a reclaim");
    approve("finance-approver", call("finance-preparer", &["phb", "write-off", number]));
    assert_eq!(process.stop(), Some(0));
}

/// What a forger does to an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Whoever proposed it approves it.
    One,
    /// Somebody approves it whom nothing names.
    Nobody,
    /// Nobody proposed it: a harmless record stands in the proposal's place.
    Alone,
}

impl Form {
    fn forge(self, forge: &mut Forge, act: &Act2) {
        let index = |position: Position| usize::try_from(position.get()).unwrap();
        // Bytes 80 to 88 of a record say who called.
        let caller: [u8; 8] = match self {
            Self::One => forge.records[index(act.proposal)][80..88].try_into().unwrap(),
            Self::Nobody => Position::FIRST.get().to_le_bytes(),
            Self::Alone => {
                let refused = forge.records[1].clone();
                forge.records[index(act.proposal)] = refused;
                return;
            }
        };
        forge.records[index(act.approval)][80..88].copy_from_slice(&caller);
    }

    /// Whether the verifier says of the approval what it is to say.
    fn is(self, problem: &RecordProblem) -> bool {
        match self {
            Self::One => matches!(problem, RecordProblem::OnePerson { .. }),
            Self::Nobody => matches!(problem, RecordProblem::NoPerson { .. }),
            Self::Alone => matches!(problem, RecordProblem::Outcome),
        }
    }
}

fn copy(folder: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-a").args([&folder.join("."), to.path()]).status();
    assert!(copied.unwrap().success());
    to
}

#[test]
fn whatever_takes_two_people_is_named_when_one_did_it() {
    let installation = Installation::played();
    play(&installation);
    let data = installation.data();
    let mut all = Vec::new();
    acts::<Registry>(&data, "national", Service::Registry, of_registry, &mut all);
    acts::<Registry>(&data, OWN, Service::Registry, of_registry, &mut all);
    acts::<Identity>(&data, OWN, Service::Identity, of_identity, &mut all);
    acts::<HealthBudgets>(&data, OWN, Service::HealthBudgets, of_budgets, &mut all);
    acts::<Ledger>(&data, OWN, Service::Ledger, of_ledger, &mut all);
    acts::<Reconciliation>(&data, OWN, Service::Reconciliation, of_reconciliation, &mut all);
    acts::<Settlement>(&data, OWN, Service::Settlement, of_settlement, &mut all);
    let mut names: Vec<&str> = all.iter().map(|act| act.what).collect();
    names.sort_unstable();
    // National price books and the system's own.
    names.dedup();
    // Beside these a waiver of witnesses, which needs witnesses: its forgeries stand with theirs.
    let expected = [
        "a holder's bank details",
        "a month opened again",
        "a plan",
        "a posting in a soft-closed month",
        "a price book",
        "a settlement run",
        "a write-off",
        "bank details",
        "contracts",
        "control totals",
    ];
    assert_eq!(names, expected, "every act that takes two people");

    // A replay ends at the first record that the rules do not give, so each copy has one act of each journal forged.
    let mut journals: BTreeMap<(&str, &str), Vec<&Act2>> = BTreeMap::new();
    for act in &all {
        journals.entry((act.system, act.service.as_str())).or_default().push(act);
    }
    let rounds = journals.values().map(Vec::len).max().unwrap();
    for form in [Form::One, Form::Nobody, Form::Alone] {
        for round in 0..rounds {
            let forged: Vec<&Act2> = journals.values().filter_map(|acts| acts.get(round).copied()).collect();
            check(&data, form, &forged);
        }
    }
}

fn check(data: &Path, form: Form, forged: &[&Act2]) {
    let copy = copy(data);
    for act in forged {
        let mut forge = Forge::open(copy.path(), act.system, act.service);
        form.forge(&mut forge, act);
        forge.write();
    }
    let installation = storage::Installation::read(&storage::FolderDisk, data).unwrap();
    let verifier = installation.signer(&OWN.parse().unwrap(), Service::Ledger).verifier().clone();
    let given = Given { verifier, receipts: Vec::new(), checkpoints: Vec::new() };
    let verification = examine(copy.path(), &given, |_, _| {}).unwrap();
    assert_eq!(verification.outcome(), Outcome::Wrong);
    for act in forged {
        let mut named = verification.journals.iter().flat_map(|proof| {
            let own = proof.report.origin.to_string().ends_with(&format!("{}/{}", act.system, act.service));
            proof.report.findings.iter().filter(move |_| own)
        });
        let right = |finding: &Finding| matches!(finding, Finding::Record { position, problem } if *position == act.approval && form.is(problem));
        assert!(named.any(right), "{form:?}: {} in {}/{}", act.what, act.system, act.service);
    }
}
