//! Status reports back.

use crate::xmllint;
use payments::pain002::{Outcome, read};
use proptest::prelude::*;

const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
  <CstmrPmtStsRpt>
    <GrpHdr><MsgId>REPORT-1</MsgId><CreDtTm>2017-08-01T10:00:00Z</CreDtTm></GrpHdr>
    <OrgnlGrpInfAndSts>
      <OrgnlMsgId>ALM-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId><GrpSts>PART</GrpSts>
    </OrgnlGrpInfAndSts>
    <OrgnlPmtInfAndSts>
      <OrgnlPmtInfId>10M-1</OrgnlPmtInfId>
      <TxInfAndSts>
        <OrgnlInstrId>I-1</OrgnlInstrId><OrgnlEndToEndId>10M-A</OrgnlEndToEndId><TxSts>ACSC</TxSts>
      </TxInfAndSts>
      <TxInfAndSts>
        <OrgnlEndToEndId>10M-B</OrgnlEndToEndId><TxSts>RJCT</TxSts>
        <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Account closed</AddtlInf></StsRsnInf>
        <StsRsnInf><Rsn><Prtry>B12</Prtry></Rsn></StsRsnInf>
      </TxInfAndSts>
    </OrgnlPmtInfAndSts>
    <OrgnlPmtInfAndSts><OrgnlPmtInfId>10N-1</OrgnlPmtInfId><PmtInfSts>XYZ</PmtInfSts></OrgnlPmtInfAndSts>
  </CstmrPmtStsRpt>
</Document>"#;

#[test]
fn every_payment_has_its_status() {
    xmllint::assert_valid("pain.002.001.10", REPORT.as_bytes());
    let report = read(REPORT.as_bytes()).unwrap();
    assert_eq!((report.message_id.as_str(), report.original_message_id.as_str()), ("REPORT-1", "ALM-1"));
    assert_eq!(report.group.unwrap().outcome, Outcome::Partly);
    let payments: Vec<_> = report.batches[0]
        .payments
        .iter()
        .map(|p| {
            let status = p.status.clone().unwrap();
            (p.end_to_end_id.clone().unwrap(), status.outcome, status.reasons)
        })
        .collect();
    let expected = [
        ("10M-A".to_owned(), Outcome::Settled, vec![]),
        ("10M-B".to_owned(), Outcome::Rejected, vec!["AC04".to_owned(), "B12".to_owned()]),
    ];
    assert_eq!(payments, expected);
    let unknown = report.batches[1].status.clone().unwrap();
    assert_eq!((unknown.code.as_str(), unknown.outcome), ("XYZ", Outcome::Unknown));
}

#[test]
fn what_does_not_hold_is_refused_by_name() {
    let table = [
        ("pain.002.001.10", "pain.002.001.99", "UNSUPPORTED_MESSAGE"),
        ("<OrgnlMsgId>ALM-1</OrgnlMsgId>", "", "MISSING"),
        ("<OrgnlPmtInfId>10M-1</OrgnlPmtInfId>", "", "MISSING"),
        ("<TxSts>ACSC</TxSts>", "<TxSts>ACSC</TxSts><TxSts>RJCT</TxSts>", "REPEATED"),
        ("<TxSts>ACSC</TxSts>", "<TxSts></TxSts>", "VALUE_REFUSED"),
        ("<TxSts>ACSC</TxSts>", "<TxSts>A&x;</TxSts>", "ENTITY_REFUSED"),
        ("</Document>", "", "TRUNCATED"),
    ];
    for (from, to, reason) in table {
        assert!(REPORT.contains(from), "{from}");
        assert_eq!(read(REPORT.replacen(from, to, 1).as_bytes()).unwrap_err().reason(), reason, "{to}");
    }
}

proptest! {
    #[test]
    fn a_damaged_report_is_answered(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = REPORT.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let cut = read(&REPORT.as_bytes()[..at]);
        prop_assert!(cut.is_err());
        let answered = read(&bytes);
        prop_assert!(answered.is_err() || answered.unwrap().batches.len() <= 2);
    }
}
