//! What stands in a record: its bytes, their size, and what a fingerprint is of.

use super::*;

/// Blobs by digest.
struct Held(Arc<[u8]>);

impl Blobs for Held {
    fn blob(&self, digest: Digest) -> Option<Arc<[u8]>> {
        (Digest::of(&self.0) == digest).then(|| Arc::clone(&self.0))
    }
}

#[test]
fn a_price_books_bytes_are_a_blob() {
    let command = propose(Content::PriceBook(book()));
    let outcome =
        Outcome::Accepted(smallvec![Event::Proposed { digest: Content::PriceBook(book()).digest() }]);
    let mut body = Vec::new();
    Registry::encode(&command, &outcome, &mut body);
    let kind = Registry::kind(&command);
    assert_eq!(Registry::decode(kind, &body, &Held(book().content)).unwrap(), (command, outcome));
    assert!(
        matches!(Registry::decode(kind, &body, &NoBlobs), Err(DecodeError::BlobMissing(digest)) if digest == book().digest)
    );
    assert!(matches!(
        Registry::decode(Kind(99), &body, &NoBlobs),
        Err(DecodeError::Kind(99, Service::Registry))
    ));
}

/// The bytes of record bodies stand in journals: they never change.
#[test]
fn golden_bodies() {
    let register = RegisterOrganisations { rows: organisations()[..1].to_vec() };
    let mut body = Vec::new();
    let outcome = Outcome::Accepted(smallvec![Event::Registered { changed: 1 }]);
    Registry::encode(&Command::RegisterOrganisations(register), &outcome, &mut body);
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    expect_test::expect!["828181866331304d6331304d0182193db41944d563313541647465737482008182018101"]
        .assert_eq(&hex);
    let mut body = Vec::new();
    let rows = vec![contract("A", &["10M"], "NT3", "2017-04-01..")];
    let refusal = Refusal::OrganisationUnknown { ods: ods("NT3") };
    let command =
        Command::Propose(crate::Propose { content: Content::Contracts(rows), known: Known::default() });
    Registry::encode(&command, &Outcome::Refused(refusal), &mut body);
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    expect_test::expect!["8282820281818a6141820181816331304d634e5433820080811943698201800000f6647465737482f6808201820581634e5433"].assert_eq(&hex);
}

#[test]
fn the_largest_batches_fit_a_record() {
    let row = |n: usize| {
        let mut row = organisation("10M", Role::Ccg, "2013-04-01..2018-03-31", Some("15A"));
        row.ods = format!("A{n:05}").parse().unwrap();
        row.name = "n".repeat(crate::NAME_BYTES_MAX);
        row.source = "s".repeat(SOURCE_BYTES_MAX);
        row
    };
    let rows = (0..ROWS_MAX).map(row).collect();
    assert!(Command::RegisterOrganisations(RegisterOrganisations { rows }).fits_record());
    let mut long = contract("A", &[], "NT3", "2017-04-01..");
    long.functions = Scope::these(nhs::TreatmentFunction::all());
    let contracts = |count| propose(Content::Contracts(vec![long.clone(); count]));
    assert!(contracts(50).fits_record() && !contracts(ROWS_MAX).fits_record());
}

#[test]
fn a_fingerprint_is_of_what_was_asked() {
    let asked = propose(Content::Contracts(vec![contract("A", &["10M", "10N"], "NT3", "2017-04-01..")]));
    let mut resolved = asked.clone();
    resolved.set_known(Known::default());
    assert_ne!(asked, resolved);
    assert_eq!(asked.fingerprint(), resolved.fingerprint());
    let other = propose(Content::Contracts(vec![contract("B", &["10M", "10N"], "NT3", "2017-04-01..")]));
    assert_ne!(asked.fingerprint(), other.fingerprint());
    assert_eq!(asked.named_bodies().into_iter().collect::<Vec<_>>(), ["10M", "10N", "NT3"].map(ods));
}

proptest! {
    /// What was recorded replays to the same state, refusals included.
    #[test]
    fn a_replay_of_the_bodies_gives_the_same_state(batches in prop::collection::vec(prop::collection::vec(any_organisation(), 1..6), 1..8)) {
        let (mut run, mut replayed) = (Run::new(), State::default());
        for rows in batches {
            let command = Command::RegisterOrganisations(RegisterOrganisations { rows });
            let moment = at(run.position, 1, "2017-06-01");
            let outcome = match Registry::decide(&run.state, &moment, &command) {
                Ok(events) => Outcome::Accepted(events),
                Err(refusal) => Outcome::Refused(refusal),
            };
            drop(run.submit(1, &command));
            let mut body = Vec::new();
            Registry::encode(&command, &outcome, &mut body);
            let (command, decoded) = Registry::decode(Registry::kind(&command), &body, &NoBlobs).unwrap();
            prop_assert_eq!(&decoded, &outcome);
            if let Outcome::Accepted(events) = decoded {
                events.iter().for_each(|event| Registry::apply(&mut replayed, &moment, &command, event));
            }
        }
        prop_assert_eq!(replayed, run.state);
    }
}
