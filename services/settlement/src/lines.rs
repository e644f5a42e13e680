//! The activity lines behind a cut's windows, as referrals lists them.

use crate::{
    Adapter,
    peers::{PAGE_ITEMS, cut_key, nonsense, unanswered},
};
use journal::{Day, SystemName};
use money::NetPence;
use nhs::{CdsIdentifier, OdsCode};
use payments::remittance::Service;
use proto::{common::v1::PageRequest, referrals::v1};
use reference::Cut;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use tonic::Status;
use wire::common;

/// A line that adds to a window: accepted, and paid line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaidLine {
    pub(crate) payer: OdsCode,
    pub(crate) payee: OdsCode,
    pub(crate) site: OdsCode,
    pub(crate) date: Day,
    pub(crate) cds: CdsIdentifier,
    pub(crate) service: Service,
    pub(crate) pence: NetPence,
}

/// The lines of one cut by payer and payee.
pub(crate) type CutLines = BTreeMap<(OdsCode, OdsCode), Vec<PaidLine>>;

/// The lines of the sealed cuts asked for last. What is sealed does not change, so they are listed once.
#[derive(Debug, Default)]
pub(crate) struct Listed(tokio::sync::Mutex<VecDeque<(SystemName, Cut, Arc<CutLines>)>>);

/// How many cuts are kept: the two of a month that is being paid, and of the one before.
const CUTS_KEPT: usize = 4;

impl Adapter {
    /// The lines of a sealed cut that were in force when it was sealed.
    pub(crate) async fn lines_of(&self, system: &SystemName, cut: Cut) -> Result<Arc<CutLines>, Status> {
        // Who comes meanwhile waits for the answer instead of asking again.
        let mut kept = self.listed().0.lock().await;
        if let Some((_, _, lines)) = kept.iter().find(|(of, at, _)| of == system && *at == cut) {
            return Ok(Arc::clone(lines));
        }
        let mut lines = CutLines::new();
        for provider in self.providers(system, cut).await? {
            for line in self.lines_of_provider(system, cut, &provider).await? {
                lines.entry((line.payer, line.payee)).or_default().push(line);
            }
        }
        let lines = Arc::new(lines);
        kept.truncate(CUTS_KEPT - 1);
        kept.push_front((system.clone(), cut, Arc::clone(&lines)));
        Ok(lines)
    }

    /// Who sent lines of that cut.
    async fn providers(&self, system: &SystemName, cut: Cut) -> Result<BTreeSet<String>, Status> {
        let request =
            v1::GetTotalsRequest { system: system.to_string(), cut: Some(cut_to(cut)), ..Default::default() };
        let answer = self.others().referrals().ask(request).await.map_err(unanswered)?;
        let of_cut = answer.totals.into_iter().filter(|total| {
            total.accepted_lines > 0 && total.cut.as_ref().and_then(cut_key).is_none_or(|found| found == cut)
        });
        Ok(of_cut.map(|total| total.provider).collect())
    }

    async fn lines_of_provider(
        &self,
        system: &SystemName,
        cut: Cut,
        provider: &str,
    ) -> Result<Vec<PaidLine>, Status> {
        // By identity: the last version of a line that entered the cut is the one that its seal counted.
        let mut last: BTreeMap<String, (u32, Option<PaidLine>)> = BTreeMap::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListLinesRequest {
                system: system.to_string(),
                of: Some(v1::list_lines_request::Of::Provider(provider.to_owned())),
                cut: Some(cut_to(cut)),
                answer: v1::Answer::Unspecified.into(),
                page: Some(PageRequest { page_size: PAGE_ITEMS, page_token }),
                min_position: None,
            };
            let answer = self.others().referrals().ask(request).await.map_err(unanswered)?;
            for line in &answer.lines {
                let paid = paid_line(line).map_err(nonsense)?;
                let newer = last.get(&line.cds_identifier).is_none_or(|(version, _)| *version < line.version);
                if newer {
                    last.insert(line.cds_identifier.clone(), (line.version, paid));
                }
            }
            page_token = answer.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(last.into_values().filter_map(|(_, line)| line).collect());
            }
        }
    }
}

fn cut_to(cut: Cut) -> v1::Cut {
    let stage = match cut.stage {
        reference::Stage::Flex => v1::CutStage::Flex,
        reference::Stage::Freeze => v1::CutStage::Freeze,
    };
    v1::Cut { period: cut.period.to_string(), stage: stage.into() }
}

/// The line as one that adds to a window; none when it does not.
fn paid_line(line: &v1::Line) -> Result<Option<PaidLine>, &'static str> {
    let by_line =
        matches!(line.mechanism(), v1::PaymentMechanism::CostPerCase | v1::PaymentMechanism::NonContract);
    if line.answer() != v1::Answer::Accepted || !by_line || line.accepted_pence == 0 {
        return Ok(None);
    }
    let service = if line.hrg.is_empty() {
        Service::Function(line.treatment_function.parse().map_err(|_| "a treatment function")?)
    } else {
        Service::Hrg(line.hrg.parse().map_err(|_| "a healthcare resource group")?)
    };
    let date = line.activity_date.and_then(common::date_from).ok_or("a line's date")?;
    Ok(Some(PaidLine {
        payer: line.payer.parse().map_err(|_| "a line's payer")?,
        payee: line.payee.parse().map_err(|_| "a line's payee")?,
        site: line.site.parse().map_err(|_| "a line's site")?,
        date: date.into(),
        cds: line.cds_identifier.parse().map_err(|_| "a line's identifier")?,
        service,
        pence: NetPence::new(line.accepted_pence),
    }))
}
