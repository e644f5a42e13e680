//! The (role × method) table against the protos.

use prost::Message as _;
use prost_types::FileDescriptorSet;
use std::collections::BTreeSet;

fn methods() -> BTreeSet<String> {
    let descriptors = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut methods = BTreeSet::new();
    for file in descriptors.file.iter().filter(|file| file.package().starts_with("almoner.")) {
        for service in &file.service {
            let name = format!("/{}.{}/", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| name.clone() + method.name()));
        }
    }
    methods
}

#[test]
fn every_method_has_a_row_and_every_row_a_method() {
    let rows =
        journal::Service::ALL.into_iter().flat_map(access::methods::of).chain(access::methods::of_journals());
    let rows: BTreeSet<String> = rows.map(|row| row.path.to_owned()).collect();
    let methods = methods();
    assert!(methods.len() > 50);
    let (missing, idle): (Vec<_>, Vec<_>) =
        (methods.difference(&rows).collect(), rows.difference(&methods).collect());
    assert!(missing.is_empty(), "crates/access/src/methods has no row for {missing:#?}");
    assert!(idle.is_empty(), "crates/access/src/methods has rows for what is no method: {idle:#?}");
}

/// Words of money that a referrer must not meet at a referral, nor the provider that it is to.
const MONEY: [&str; 14] = [
    "pence",
    "price",
    "budget",
    "forecast",
    "held",
    "hold",
    "released",
    "tariff",
    "cost",
    "allocat",
    "available",
    "limit",
    "fund",
    "spent",
];

/// The fields of a message and of all that it holds, by their paths.
fn fields(all: &FileDescriptorSet, message: &str, path: &str, found: &mut Vec<String>) {
    let messages = all.file.iter().flat_map(|file| {
        let package = file.package();
        file.message_type.iter().map(move |message| (format!(".{package}.{}", message.name()), message))
    });
    let Some((_, message)) = messages.into_iter().find(|(name, _)| name == message) else { return };
    for field in &message.field {
        let path = format!("{path}.{}", field.name());
        // Nothing of ours holds itself, but nothing must loop either.
        if path.matches('.').count() < 12 {
            fields(all, field.type_name(), &path, found);
        }
        found.push(path);
    }
}

#[test]
fn whoever_refers_is_shown_no_price_no_budget_and_no_forecast() {
    let all = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let referrer = access::Grant::Role(access::Role::Referrer);
    let rows = journal::Service::ALL.into_iter().flat_map(access::methods::of);
    let open: BTreeSet<&str> =
        rows.filter(|row| row.grants.contains(&referrer)).map(|row| row.path).collect();
    let (mut shown, mut seen) = (Vec::new(), 0);
    for file in &all.file {
        for service in &file.service {
            let path = |method: &str| format!("/{}.{}/{method}", file.package(), service.name());
            let methods = service.method.iter().filter(|method| open.contains(path(method.name()).as_str()));
            for method in methods {
                seen += 1;
                fields(&all, method.output_type(), method.name(), &mut shown);
            }
        }
    }
    assert_eq!(seen, open.len());
    assert!(
        shown.len() > 40 && shown.iter().any(|field| field == "ListChoices.choices.provider"),
        "{shown:#?}"
    );
    let money: Vec<&String> =
        shown.iter().filter(|field| MONEY.iter().any(|word| field.contains(word))).collect();
    assert!(money.is_empty(), "{money:#?}");
    let wide =
        ["RecordReferral", "RecordReferrals", "EndReferral", "MoveReferral", "GetReferral", "ListChoices"];
    for name in wide {
        let path = format!("/almoner.referrals.v1.ReferralsService/{name}");
        assert!(open.contains(path.as_str()), "{path} is looked at");
    }
}
