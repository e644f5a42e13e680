//! An independent eye: xmllint and the published schemas.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Fails unless `bytes` are valid under the schema `data/iso20022/xsd/<schema>.xsd`.
pub(crate) fn assert_valid(schema: &str, bytes: &[u8]) {
    if let Err(complaint) = validate(schema, bytes) {
        panic!("xmllint refuses the file under {schema}:\n{complaint}");
    }
}

fn validate(schema: &str, bytes: &[u8]) -> Result<(), String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/iso20022/xsd/{schema}.xsd"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg(file.path())
        .output()
        .expect("xmllint cannot be run: install the package libxml2-utils (apt-get install libxml2-utils)");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn an_invalid_file_is_noticed() {
    let xml = br#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>"#;
    let complaint = validate("pain.001.001.03", xml).unwrap_err();
    assert!(complaint.contains("CstmrCdtTrfInitn"), "{complaint}");
}
