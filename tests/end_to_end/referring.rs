//! Referrals from the files of those who refer, and the life of one of them, by the command line.

use crate::support::{Installation, Process, binary};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Somebody of the demo, with a profile for the process as it runs now.
struct Somebody {
    folder: tempfile::TempDir,
    profile: PathBuf,
}

impl Somebody {
    fn of(name: &str, installation: &Installation, process: &Process) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile.toml");
        let at = |file: &str| installation.certificates().join(file);
        let text = format!(
            "address = {:?}\nauthority = {:?}\ncertificate = {:?}\nkey = {:?}\nsystem = \"berkshire-west\"\n",
            process.address,
            at("authority.pem"),
            at(&format!("{name}.pem")),
            at(&format!("{name}.key"))
        );
        fs::write(&profile, text).unwrap();
        Self { folder, profile }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(binary()).args(arguments).env("ALMONER_PROFILE", &self.profile).output().unwrap()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn submit(&self, kind: &str, file: &Path, more: &[&str]) -> Output {
        self.run(&[&["submit", "--kind", kind, file.to_str().unwrap()], more].concat())
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn nhs_number(n: u32) -> String {
    (n * 11..).find_map(nhs::NhsNumber::of_test_range).unwrap().reveal_text()
}

#[test]
fn a_file_of_referrals_is_answered_row_by_row_and_the_same_when_it_comes_again() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let referrer = Somebody::of("referrer", &installation, &process);
    let answers = referrer.folder.path().join("answers.csv");
    let to_answers = ["--answers", answers.to_str().unwrap()];
    let row = |n: u32, day: &str, practice: &str| {
        let number = nhs_number(900 + n);
        format!("7700000000{n:02},{number},{day},{practice},502,GP,NV3|RHW,NV3,NV323\n")
    };
    let head = "UBRN,NHS Number,Referral Date,Referring Practice,TFC,Referrer Type,Services Shortlisted,Booked Provider,\
        Booked Site\n";
    let rows = [
        row(1, "28/08/2017", "K81004"),
        row(2, "29/09/2017", "K99999"),
        row(1, "28/08/2017", "K81004").replace("502", "110"),
        "x,1,soon,,,,,,\n".to_owned(),
    ];
    let file = referrer.file("ers.csv", &(head.to_owned() + &rows.concat()));

    let checked = referrer.submit("ers", &file, &[&to_answers[..], &["--validate-only"]].concat());
    assert!(said(&checked).contains("2 referrals could be recorded, 2 refused"), "{}", said(&checked));
    let sent = referrer.submit("ers", &file, &to_answers);
    assert!(!sent.status.success(), "refusals are no success");
    assert!(said(&sent).contains("1 referrals recorded, 3 refused"), "{}", said(&sent));
    assert!(said(&sent).contains("dates are day-month-year (recognised)"), "{}", said(&sent));
    let first = fs::read_to_string(&answers).unwrap();
    let lines: Vec<&str> = first.lines().collect();
    assert!(lines[1].starts_with("1,2,770000000001,recorded,10N,,,"), "{first}");
    assert!(lines[2].contains(",refused,,PRACTICE_UNKNOWN DATE_IN_FUTURE,"), "{first}");
    assert!(lines[3].contains("UBRN_ALREADY_USED") && lines[3].contains("[UBRN]"), "{first}");
    for fault in ["UBRN_INVALID", "NHS_NUMBER_INVALID", "DATE_INVALID", "FIELD_MISSING"] {
        assert!(lines[4].contains(fault), "{fault}: {first}");
    }
    assert!(!first.contains(&nhs_number(901)), "no NHS number comes back");

    let again = referrer.submit("ers", &file, &to_answers);
    assert!(said(&again).contains("1 referrals recorded, 3 refused"), "{}", said(&again));
    let second = fs::read_to_string(&answers).unwrap();
    let without = |text: &str| text.replace(",yes\n", ",\n");
    assert_eq!(without(&first), without(&second), "the same answers, positions included");
    assert_eq!(second.matches(",yes\n").count(), 3, "what was malformed left no record: {second}");
    let anew = referrer.submit("ers", &file, &["--again"]);
    assert!(said(&anew).contains("0 referrals recorded, 4 refused"), "{}", said(&anew));

    let triaged =
        "NHS No,Date Referred,GP Practice,Specialty,Referrer,Options Given,Chosen Provider,Triage Ref\n";
    let one = format!("{},2017-08-30,K81004,110,MSK,RHW NV3,RHW,T-1\n", nhs_number(950));
    let file = referrer.file("triage.csv", &(triaged.to_owned() + &one));
    let sent = referrer.submit("triage", &file, &[]);
    assert!(
        sent.status.success() && said(&sent).contains("1 referrals recorded, 0 refused"),
        "{}",
        said(&sent)
    );
    let again = referrer.submit("triage", &file, &[]);
    assert!(said(&again).contains("all 1 had been answered before"), "{}", said(&again));

    let elsewhere: String = (0..12)
        .map(|n| format!("{},2017-08-30,J82058,110,GP,RHW,RHW,E-{n}\n", nhs_number(960 + n)))
        .collect();
    let file = referrer.file("elsewhere.csv", &(triaged.to_owned() + &elsewhere));
    let refused = referrer.submit("triage", &file, &[]);
    assert!(said(&refused).contains("it may be the file for another system"), "{}", said(&refused));
    let provider = Somebody::of("RHW", &installation, &process);
    let refused = provider.submit(
        "triage",
        &referrer.file("other.csv", &(triaged.to_owned() + &one.replace("RHW,T", "NV3,T"))),
        &[],
    );
    assert!(said(&refused).contains("NOT_YOURS"), "a provider refers to itself only: {}", said(&refused));
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

#[test]
fn the_life_of_one_referral_is_shown_from_choice_to_bank_line() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let auditor = Somebody::of("auditor", &installation, &process);
    let settled = |life: &serde_json::Value| {
        let events = life["events"].as_array().unwrap().iter();
        let windows = events.flat_map(|event| event["ledger"].as_array().unwrap());
        let windows = windows.flat_map(|entry| entry["windows"].as_array().unwrap());
        let payments: Vec<_> = windows.flat_map(|window| window["payments"].as_array().unwrap()).collect();
        payments.iter().any(|payment| payment["bank"] == "settled")
    };
    // The demo records its referrals first; the care of some was paid for.
    let mut found = None;
    for number in (1..=90).map(|number: u64| number.to_string()) {
        let output = auditor.run(&["referral", "show", &number, "--json"]);
        if !output.status.success() {
            assert!(said(&output).contains("REFERRAL_UNKNOWN"), "{}", said(&output));
            continue;
        }
        let life = json(&output);
        if settled(&life) {
            found = Some((number, life));
            break;
        }
    }
    let (number, life) = found.expect("a referral of the demo whose care was paid for");
    let events = life["events"].as_array().unwrap();
    let chosen = &events[0]["chosen"];
    assert!(chosen["offered"].as_array().unwrap().contains(&chosen["provider"]), "{life:#}");
    assert_eq!(events[0]["ledger"][0]["kind"], "referral");
    let line = events.iter().find(|event| event["line"].is_object()).unwrap();
    assert_eq!(
        (&line["line"]["match"], &line["line"]["answer"]),
        (&"patient".into(), &"accepted".into()),
        "{life:#}"
    );
    assert!(!line["line"]["price"].as_array().unwrap().is_empty());
    assert_eq!(line["ledger"][0]["kind"], "activity");
    assert_eq!(life["clocks"].as_array().unwrap().len(), 1);
    let text = said(&auditor.run(&["referral", "show", &number]));
    for part in [
        "offered: ",
        "waiting time from ",
        "price FIRST_ATTENDANCE",
        "captures of the hold £",
        " is paid by run ",
        "bank: settled",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let referrer = Somebody::of("referrer", &installation, &process);
    let text = said(&referrer.run(&["referral", "show", &number]));
    assert!(text.contains("booking reference") && !text.contains('£'), "{text}");

    // A life made by its moves, and seen on the waiting list.
    let head = "ubrn,nhs_number,treatment_function,source,referred_on,practice,offered,provider,site\n";
    let row = format!("770000000099,{},110,gp,2017-08-01,K81004,RHW NV3,NV3,NV323\n", nhs_number(990));
    let file = referrer.file("one.csv", &(head.to_owned() + &row));
    assert!(referrer.run(&["referral", "record", file.to_str().unwrap()]).status.success());
    let number = json(&referrer.run(&["referral", "show", "770000000099", "--json"]))["referral"].to_string();
    let provider = Somebody::of("NV3", &installation, &process);
    let go = |what: &str, on: &str, more: &[&str]| {
        provider.run(&[&["referral", "move", &number, what, "--on", on], more].concat())
    };
    assert!(said(&go("treated", "2017-08-02", &[])).contains("MOVE_ILLEGAL"));
    assert!(said(&go("booked", "2017-08-02", &["--day", "2017-08-20"])).contains("is booked"));
    assert!(said(&go("attended", "2017-08-20", &[])).contains("is attended"));
    let listed = go("listed", "2017-08-20", &["--hrg", "HN12F", "--classification", "1"]);
    assert!(said(&listed).contains("is listed for admission"), "{}", said(&listed));
    let life = json(&auditor.run(&["referral", "show", &number, "--json"]));
    let moved: Vec<_> = life["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["moved"]["what"].as_str())
        .collect();
    assert_eq!(moved, ["booked", "attended", "listed"]);
    assert!(life["hold"]["left_pence"].as_i64().unwrap() > 500_000, "an admission is held for: {life:#}");
    let waiting = ["referral", "waiting", "--on", "2017-08-25", "--baseline", "2017-06-30", "--json"];
    let list = json(&auditor.run(&waiting));
    let row = |row: &serde_json::Value| row["provider"] == "NV3" && row["function"] == "110";
    assert!(list["rows"].as_array().unwrap().iter().any(row), "{list:#}");
    let choices = said(&referrer.run(&["referral", "choices", "--function", "110", "--on", "2017-08-01"]));
    assert!(choices.contains("NV3  ") && choices.contains("RHW  ") && !choices.contains('£'), "{choices}");
}
