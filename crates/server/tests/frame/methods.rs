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
