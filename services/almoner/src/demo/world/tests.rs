//! The shipped world is one that the registry takes, and that answers as Berkshire West would.

use super::*;
use client::{Connection, Profile};
use journal::{Blobs, Day, Digest, Domain as _, Instant, Moment, Position, RequestId, SystemName};
use reference::{ContractMatch, ExpenditureClass, Mechanism, NoCut, Reference, Snapshot};
use registry::{Command, Known, Registry, State};
use server::{
    Frame, Limits, Material, Security, Settings, Telemetry, Tls,
    certificates::{Authority, Holder},
};
use std::{collections::BTreeMap, net::SocketAddr, path::Path};
use wire::registry::inward::{self, Write};

const ID: &str = "0192f0c1-2b3c-7d4e-8f90-123456789abc";

/// Decides and applies commands as the two journals would.
#[derive(Default)]
struct Registries {
    national: State,
    own: State,
    position: u64,
}

impl Registries {
    fn submit(&mut self, caller: u64, write: Result<Write, wire::Violations>) -> Position {
        let Write { system, mut command, .. } = write.unwrap();
        let bodies = command.named_bodies().into_iter().filter_map(|ods| self.national.known(ods)).collect();
        command.set_known(Known { national_position: None, bodies });
        assert!(command.fits_record(), "{system}: too large for a record");
        self.position += 1;
        let at = Moment {
            position: Position::new(self.position),
            recorded_time: Instant::from_micros(0),
            business_date: day("2017-06-01"),
            request_id: ID.parse::<RequestId>().unwrap(),
            caller: Position::new(caller),
        };
        let state = if system == SystemName::national() { &mut self.national } else { &mut self.own };
        let events = Registry::decide(state, &at, &command).unwrap();
        events.iter().for_each(|event| Registry::apply(state, &at, &command, event));
        at.position
    }

    fn agree(&mut self, system: &str, write: Result<Write, wire::Violations>) {
        let Command::Propose(propose) = write.as_ref().unwrap().command.clone() else {
            panic!("no proposal")
        };
        let proposal = self.submit(1, write).get();
        let digest = propose.content.digest().0.to_vec();
        let approve =
            v1::ApproveProposalRequest { system: system.into(), request_id: ID.into(), proposal, digest };
        self.submit(2, inward::approve_proposal(&approve));
    }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn ods(text: &str) -> OdsCode {
    text.parse().unwrap()
}

/// The reference data that the registry makes of the shipped world.
fn reference(world: &World) -> Reference {
    let mut to = Registries::default();
    let id = || ID.to_owned();
    for rows in world.organisations.chunks(200) {
        let organisations = rows.to_vec();
        let request =
            v1::RegisterOrganisationsRequest { request_id: id(), organisations, validate_only: false };
        to.submit(1, inward::register_organisations(request));
    }
    let practices = world.practices.clone();
    let request = v1::RegisterPracticesRequest { request_id: id(), practices, validate_only: false };
    to.submit(1, inward::register_practices(request));
    for rows in world.factors.chunks(200) {
        let factors = rows.to_vec();
        let request =
            v1::RegisterMarketForcesFactorsRequest { request_id: id(), factors, validate_only: false };
        to.submit(1, inward::register_market_forces(request));
    }
    let system = Some(world.system.clone());
    to.submit(1, inward::register_system(v1::RegisterSystemRequest { request_id: id(), system }));
    let own = || world.system.system.clone();
    let (sites, validate_only) = (world.sites.clone(), false);
    let request = v1::RegisterSitesRequest { system: own(), request_id: id(), sites, validate_only };
    to.submit(1, inward::register_sites(request));
    let districts = world.districts.clone();
    let request = v1::RegisterDistrictsRequest { system: own(), request_id: id(), districts, validate_only };
    to.submit(1, inward::register_districts(request));
    let (deadlines, bank_holidays) = (world.deadlines.clone(), world.bank_holidays.clone());
    let request =
        v1::SetCalendarRequest { system: own(), request_id: id(), deadlines, bank_holidays, validate_only };
    to.submit(1, inward::set_calendar(request));
    let payment_channels = world.payment_channels.clone();
    let request =
        v1::SetPaymentChannelsRequest { system: own(), request_id: id(), payment_channels, validate_only };
    to.submit(1, inward::set_payment_channels(request));
    for price_book in &world.price_books {
        let system = if price_book.illustrative { own() } else { "national".into() };
        let price_book = Some(price_book.clone());
        let request = v1::ProposePriceBookRequest {
            system: system.clone(),
            request_id: id(),
            price_book,
            validate_only,
        };
        to.agree(&system, inward::propose_price_book(request));
    }
    let contracts = world.contracts.clone();
    let request = v1::ProposeContractsRequest { system: own(), request_id: id(), contracts, validate_only };
    to.agree(&own(), inward::propose_contracts(request));
    let bank_details = world.bank_details.clone();
    let request =
        v1::ProposeBankDetailsRequest { system: own(), request_id: id(), bank_details, validate_only };
    to.agree(&own(), inward::propose_bank_details(request));

    let mut snapshot = Snapshot::empty(to.national.system(&own()).unwrap().clone());
    to.national.add_to(&mut snapshot);
    to.own.add_to(&mut snapshot);
    Reference::decode(&snapshot.encode()).unwrap()
}

#[test]
fn berkshire_west_is_as_it_was() {
    let world = World::shipped().unwrap();
    let reference = reference(&world);
    let (june, merged) = (day("2017-06-15"), day("2018-04-01"));
    let payers = |on| reference.payers(on).map(|ods| ods.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (payers(june), payers(merged)),
        (["10M", "10N", "10W", "11D"].map(Into::into).to_vec(), vec!["15A".into()])
    );
    for (site, payee, mff) in [
        ("NT344", "NT3", "1.149759"),
        ("NT343", "NT3", "1.165153"),
        ("NV323", "NV3", "1.149759"),
        ("NVC02", "NVC", "1.149759"),
        ("NT428", "NT4", "1.165153"),
        ("RHW", "RHW", "1.149759"),
        ("RHW01", "RHW", "1.149759"),
    ] {
        assert_eq!(reference.payee_of(ods(site), june), Some(ods(payee)), "{site}");
        let found = reference.mff(ods(payee), ods(site), june).map(|mff| mff.factor.to_string());
        assert_eq!(found.as_deref(), Some(mff), "{site}");
    }
    for (payee, class) in [
        ("RHW", ExpenditureClass::InSystem),
        ("RWX", ExpenditureClass::InSystem),
        ("RTH", ExpenditureClass::OtherNhs),
        ("NV3", ExpenditureClass::ThirdParty),
    ] {
        assert_eq!(reference.expenditure_class(ods(payee)), class, "{payee}");
    }
    let june_2017 = "2017-06".parse().unwrap();
    let cut = |on| reference.cut(june_2017, day(on)).map(|cut| cut.to_string());
    assert_eq!(
        (cut("2017-07-19"), cut("2017-08-17")),
        (Ok("2017-06/flex".into()), Ok("2017-06/freeze".into()))
    );
    assert_eq!(cut("2017-08-18"), Err(NoCut::AfterFreeze { freeze: day("2017-08-17") }));
}

#[test]
fn every_payer_has_terms_with_every_provider() {
    let reference = reference(&World::shipped().unwrap());
    let function = "110".parse().unwrap();
    for (on, payers) in [("2017-06-15", &["10M", "10N", "10W", "11D"][..]), ("2018-04-01", &["15A"])] {
        for payer in payers {
            let terms = |provider| reference.contract(ods(payer), ods(provider), function, day(on));
            assert!(matches!(terms("RHW").mechanism(), Some(Mechanism::OnAccount { .. })), "{payer} {on}");
            assert!(matches!(terms("RWX").mechanism(), Some(Mechanism::Block { .. })), "{payer} {on}");
            for provider in ["NT3", "NT4", "NV3", "NVC", "RTH", "RDU", "RN5", "RN3"] {
                assert!(matches!(terms(provider), ContractMatch::Own(_)), "{payer} {provider} {on}");
            }
            assert!(matches!(terms("RNZ"), ContractMatch::AnyOther(_)), "{payer} {on}");
            assert!(matches!(terms("RM1"), ContractMatch::None), "{payer} {on}");
            assert!(reference.channel(ods(payer), day(on)).is_some(), "{payer} {on}");
        }
    }
    for payee in [
        "RHW", "RWX", "RTH", "RDU", "RN5", "RN3", "RNZ", "NT3", "NT4", "NV3", "NVC", "10M", "10N", "10W",
        "11D",
    ] {
        assert!(reference.bank_details(ods(payee), day("2017-06-15")).is_some(), "{payee}");
    }
}

#[test]
fn prices_of_both_years_are_in_force() {
    let reference = reference(&World::shipped().unwrap());
    for (year, cataract) in [("2017-18", 667_00), ("2018-19", 672_00)] {
        let year = year.parse().unwrap();
        let (book, prices) = reference.books().admitted(year).unwrap();
        assert_eq!((prices.rows().len(), book.is_illustrative()), (2_303, false));
        assert_eq!(prices.get("BZ34C".parse().unwrap()).unwrap().combined_pence, Some(cataract), "{year}");
        assert!(reference.books().attendance(year).unwrap().0.is_illustrative());
    }
}

#[test]
fn practices_pay_through_their_group_and_its_successor() {
    let world = World::shipped().unwrap();
    let reference = reference(&world);
    let own = ["10M", "10N", "10W", "11D"].map(ods);
    for row in &world.practices {
        let practice = row.practice.parse().unwrap();
        let before = reference.responsible_ccg(practice, day("2017-06-15")).unwrap();
        let after = reference.responsible_ccg(practice, day("2018-04-01")).unwrap();
        assert_eq!(before.as_str(), row.ccg);
        assert_eq!(after, if own.contains(&before) { ods("15A") } else { before }, "{practice}");
    }
    for ccg in own {
        assert!(world.practices.iter().filter(|row| row.ccg == ccg.as_str()).count() >= 9, "{ccg}");
    }
    let district = reference.responsible_ccg_of_district("RG14".parse().unwrap(), day("2017-06-15"));
    assert_eq!(district, Some(ods("10M")));
}

#[test]
fn allocations_and_targets_add_up() {
    let world = World::shipped().unwrap();
    let sum = |programme: &str| {
        let of = world.allocations.iter().filter(|row| row.programme == programme);
        Pence::sum(of.map(|row| row.amount)).unwrap().to_pounds()
    };
    assert_eq!((sum("elective"), sum("phb")), ("162000000.00".into(), "2900000.00".into()));
    let reserve = Pence::sum(world.control_totals.iter().map(|row| row.reserve)).unwrap();
    assert_eq!(reserve.to_pounds(), "3000000.00");
    let labelled = |source: &String| source.starts_with("Illustrative");
    assert!(world.allocations.iter().all(|row| labelled(&row.source)));
    assert!(world.control_totals.iter().all(|row| labelled(&row.source)));
}

/// No blob is needed to make the world: a price book's bytes are in its proposal.
#[test]
fn price_books_are_named_by_their_bytes() {
    let world = World::shipped().unwrap();
    let price_book = Some(world.price_books[0].clone());
    let request = v1::ProposePriceBookRequest {
        system: "national".into(),
        request_id: ID.into(),
        price_book,
        validate_only: false,
    };
    let command = inward::propose_price_book(request).unwrap().command;
    let Command::Propose(propose) = &command else { panic!("no proposal") };
    let registry::Content::PriceBook(book) = &propose.content else { panic!("no price book") };
    assert_eq!(book.digest, Digest::of(&book.content));
    let mut body = Vec::new();
    let events =
        journal::Events::from_vec(vec![registry::Event::Proposed { digest: propose.content.digest() }]);
    Registry::encode(&command, &journal::Outcome::Accepted(events), &mut body);
    assert!(body.len() < 500, "the rows stay out of the record");
    assert!(Registry::decode(Registry::kind(&command), &body, &journal::NoBlobs as &dyn Blobs).is_err());
}

/// A connection as the person `id`, who holds `roles`.
fn connection(
    authority: &Authority,
    folder: &Path,
    address: SocketAddr,
    id: &str,
    roles: &[&str],
) -> Connection {
    let mut uris = vec![format!("urn:almoner:person:{id}")];
    uris.extend(roles.iter().map(|role| format!("urn:almoner:role:{role}")));
    let files = authority.issue(folder, id, &Holder { uris, ..Holder::default() }).unwrap();
    let profile = Profile {
        address: format!("https://{address}"),
        authority: Some(files.authority),
        certificate: Some(files.certificate),
        key: Some(files.key),
        system: None,
    };
    profile.connect().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_is_told_over_grpc_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::in_folder(folder.path()).unwrap();
    let holder = Holder {
        uris: vec!["urn:almoner:service:registry".into()],
        addresses: vec!["127.0.0.1".parse().unwrap()],
        ..Holder::default()
    };
    let files = authority.issue(folder.path(), "server", &holder).unwrap();
    let tls = Tls { certificate: files.certificate, key: files.key, authority: files.authority };
    let settings = Settings {
        journal_mirror: None,
        data_dir: folder.path().join("data"),
        services: vec![journal::Service::Registry],
        address: "127.0.0.1:0".parse().unwrap(),
        security: Security::MutualTls(Material::read(&tls).unwrap()),
        reflection: false,
        peers: BTreeMap::new(),
        limits: Limits { drain_notice_ms: 0, ..Limits::default() },
        telemetry: Telemetry::default(),
        witnessing: server::WitnessPolicy::default(),
    };
    let mut frame = Frame::bind(settings).await.unwrap();
    frame.start(journal::Service::Registry, registry_service::start).await.unwrap();
    frame.open().await;
    let address = frame.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(frame.run(async { drop(stopped.await) }));

    let person = |id, roles: &[&str]| connection(&authority, folder.path(), address, id, roles);
    let people = People {
        operator: person("olu", &["operator"]),
        preparer: person("pat", &["finance-preparer"]),
        approver: person("ali", &["finance-approver"]),
    };
    let world = World::shipped().unwrap();
    let base = ID.parse().unwrap();
    world.register(&people, base).await.unwrap();
    world.register(&people, base).await.unwrap();

    let registry = &people.preparer;
    let list =
        v1::ListContractsRequest { system: world.system.system.clone(), page: None, min_position: None };
    let contracts = registry.ask(list).await.unwrap().contracts;
    assert_eq!(contracts.len(), world.contracts.len());
    assert!(
        contracts.iter().all(|row| world.contracts.contains(row)),
        "contracts come back as they were told"
    );
    let list =
        v1::ListProposalsRequest { system: world.system.system.clone(), page: None, min_position: None };
    assert!(registry.ask(list).await.unwrap().proposals.is_empty());
    // Whoever is not a service gets no reference data, and whoever only prepares approves nothing.
    let get = v1::GetReferenceRequest { system: world.system.system.clone(), ..Default::default() };
    let refused = registry.ask(get).await.unwrap_err();
    assert_eq!(wire::status::reason_of(&refused).as_deref(), Some("METHOD_NOT_ALLOWED"));
    drop(people);
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
