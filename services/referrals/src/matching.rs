//! SUS extracts in, comparisons out.

use crate::{
    Adapter,
    compared::{self, Subject},
    read::{as_of, may_read, reads_all},
    referral::{content, event, recorded, request, unexpected},
};
use access::Caller;
use core::time::Duration;
use journal::{DecodeError, Digest, Position};
use matching::{Class, Difference, Line, Sum};
use nhs::{OdsCode, Period};
use proto::{
    common::v1::Problem,
    referrals::v1::{self, matching_service_server::MatchingService},
};
use reference::Cut;
use referrals::{
    AdoptExtract, Command, EXTRACT_PARTS_MAX, Event, ExtractInForce, ExtractPart, ExtractSum, ExtractTerms,
    Refusal,
};
use tonic::Status;
use wire::{
    Cursor, Fields, Pushback, common,
    referrals::{
        inward::{self, LINES_PER_BATCH_MAX},
        outward,
    },
    status,
};

/// The most problems that one part is answered with.
const PROBLEMS_MAX: usize = 1_000;

server::rpcs! {
    MatchingService for Adapter {
        store_extract_rows(StoreExtractRowsRequest) -> StoreExtractRowsResponse by store_rows;
        adopt_extract(AdoptExtractRequest) -> AdoptExtractResponse by take_extract;
        list_extracts(ListExtractsRequest) -> ListExtractsResponse by list_of_extracts;
        compare_activity(CompareActivityRequest) -> CompareActivityResponse by compare;
        list_pairs(ListPairsRequest) -> ListPairsResponse by list_of_pairs;
    }
}

impl Adapter {
    async fn store_rows(
        &self,
        _: &Caller,
        message: v1::StoreExtractRowsRequest,
    ) -> Result<v1::StoreExtractRowsResponse, Status> {
        let v1::StoreExtractRowsRequest { system, provider, period, first_row, rows } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let provider = fields.parse::<OdsCode>("provider", &provider);
        let period = fields.parse::<Period>("period", &period);
        let size = fields.batch("rows", rows.len(), LINES_PER_BATCH_MAX);
        let (system, provider, period, ()) = fields.known((system, provider, period, size))?;
        let handle = self.journal(&system).await?;
        let mut part = ExtractPart { provider, period, rows: Vec::with_capacity(rows.len()) };
        let mut problems = Vec::new();
        let mut total_pence = 0_i64;
        for (row, message) in (first_row.max(1)..).zip(&rows) {
            let mut fields = Fields::new();
            let read = inward::sus_row(message, period, &mut fields);
            match (read, fields.finish()) {
                (Some(read), Ok(())) => {
                    // Each is at most `CLAIMED_MAX`: 2,000 of them fit.
                    total_pence = total_pence.saturating_add(read.price.get());
                    part.rows.push(read);
                }
                (_, Err(violations)) => problems.extend(of_row(row, violations.problems())),
                (None, Ok(())) => return Err(Pushback::Stopped.into()),
            }
        }
        if !problems.is_empty() {
            problems.truncate(PROBLEMS_MAX);
            return Ok(v1::StoreExtractRowsResponse { part: Vec::new(), total_pence: 0, problems });
        }
        let digest = handle.put_blob(part.encode()).await?;
        Ok(v1::StoreExtractRowsResponse { part: common::digest(digest), total_pence, problems })
    }

    async fn take_extract(
        &self,
        caller: &Caller,
        message: v1::AdoptExtractRequest,
    ) -> Result<v1::AdoptExtractResponse, Status> {
        let v1::AdoptExtractRequest { system, request_id, provider, cut, file_digest, parts } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let request_id = fields.request_id("request_id", &request_id);
        let provider = fields.parse::<OdsCode>("provider", &provider);
        let cut = fields.required("cut", cut);
        let cut = cut.and_then(|cut| fields.within("cut", |fields| inward::cut(&cut, fields)));
        let file = fields.digest("file_digest", &file_digest);
        let size = fields.batch("parts", parts.len(), EXTRACT_PARTS_MAX);
        let parts = parts.iter().take(EXTRACT_PARTS_MAX).enumerate();
        let parts: Vec<Option<Digest>> =
            parts.map(|(at, part)| fields.digest(&format!("parts[{at}]"), part)).collect();
        let parts = parts.into_iter().collect::<Option<Vec<Digest>>>();
        let known = fields.known((system, request_id, provider, cut, file, size, parts))?;
        let (system, request_id, provider, cut, file, (), parts) = known;
        let handle = self.journal(&system).await?;
        self.references().ensure(&handle, Duration::ZERO).await?;
        let terms = ExtractTerms { provider, cut, file, parts };
        let (blobs, read) = (handle.blobs(), terms.clone());
        let sum = tokio::task::spawn_blocking(move || ExtractSum::read(&read, &*blobs)).await;
        let sum = sum.map_err(|_| Status::from(Pushback::Stopped))?.map_err(|error| match error {
            DecodeError::BlobMissing(_) => status::refusal(&Refusal::PartUnknown),
            // A blob of something else, such as the reference data: no part of an extract.
            DecodeError::BlobDamaged(_) => status::refusal(&Refusal::PartMismatch),
            DecodeError::Kind(..) | DecodeError::Body(_) => status::damaged(),
        })?;
        let fingerprint = content(&terms);
        let command = Command::AdoptExtract(AdoptExtract { terms, sum });
        let answer = handle.submit(request(request_id, fingerprint, caller.urn(), command)).await?;
        let existing = matches!(event(&answer)?, Event::ExtractFound { .. });
        if !existing && !matches!(event(&answer)?, Event::ExtractAdopted { .. }) {
            return Err(unexpected(&answer));
        }
        let extract = handle
            .read(None, move |state, _| state.extract(provider, cut).map(|row| extract(provider, cut, row)));
        Ok(v1::AdoptExtractResponse { recorded: Some(recorded(&answer)), extract: extract.await?, existing })
    }

    async fn list_of_extracts(
        &self,
        caller: &Caller,
        message: v1::ListExtractsRequest,
    ) -> Result<v1::ListExtractsResponse, Status> {
        let v1::ListExtractsRequest { system, provider, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let provider = fields.parse_optional::<OdsCode>("provider", &provider);
        let (system, provider) = fields.known((system, provider))?;
        // A provider that names none means itself.
        let provider = provider.or_else(|| caller.as_organisation().filter(|_| !reads_all(caller)));
        if !reads_all(caller) {
            may_read(caller, provider.ok_or_else(status::not_yours)?)?;
        }
        let handle = self.journal(&system).await?;
        let found = handle.read(min_position.map(Position::new), move |state, at| {
            let wanted = state.extracts().filter(|(code, ..)| provider.is_none_or(|wanted| wanted == *code));
            (wanted.map(|(provider, cut, row)| extract(provider, cut, row)).collect(), *at)
        });
        let (extracts, at) = found.await?;
        Ok(v1::ListExtractsResponse { extracts, as_of: Some(as_of(&at)) })
    }

    async fn compare(
        &self,
        caller: &Caller,
        message: v1::CompareActivityRequest,
    ) -> Result<v1::CompareActivityResponse, Status> {
        let v1::CompareActivityRequest { system, provider, cut, min_position } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let provider = fields.parse::<OdsCode>("provider", &provider);
        let cut = fields.required("cut", cut);
        let cut = cut.and_then(|cut| fields.within("cut", |fields| inward::cut(&cut, fields)));
        let (system, provider, cut) = fields.known((system, provider, cut))?;
        may_read(caller, provider)?;
        let handle = self.journal(&system).await?;
        let subject = Subject::find(&handle, provider, cut, min_position).await?;
        let compared = self.compared().get(&handle, &subject).await?;
        let rows = compared.summary();
        let rows = rows.rows().map(|(cell, class, sum)| row(cell.commissioner, cell.pod, class, &sum));
        Ok(v1::CompareActivityResponse {
            extract: Some(extract(provider, cut, &subject.extract)),
            rows: rows.collect(),
            as_of: Some(as_of(&subject.at)),
        })
    }

    async fn list_of_pairs(
        &self,
        caller: &Caller,
        mut message: v1::ListPairsRequest,
    ) -> Result<v1::ListPairsResponse, Status> {
        let mut fields = Fields::new();
        let page = message.page.take();
        let page = self.pages().page(&mut fields, "page", page, &message);
        let v1::ListPairsRequest { system, provider, cut, class, page: _, min_position } = message;
        let system = fields.system("system", &system);
        let provider = fields.parse::<OdsCode>("provider", &provider);
        let cut = fields.required("cut", cut);
        let cut = cut.and_then(|cut| fields.within("cut", |fields| inward::cut(&cut, fields)));
        let class = match class {
            0 => Some(None),
            class => fields.one_of("class", class, class_from).map(Some),
        };
        let (system, page, provider, cut, class) = fields.known((system, page, provider, cut, class))?;
        may_read(caller, provider)?;
        let handle = self.journal(&system).await?;
        let subject = Subject::find(&handle, provider, cut, min_position).await?;
        let first = match &page.cursor {
            None => 0,
            Some(cursor) => compared::listed(&cursor.last, &subject).ok_or_else(stale)?,
        };
        let compared = self.compared().get(&handle, &subject).await?;
        let wanted = compared.pairs().filter(|pair| class.is_none_or(|class| pair.class == class));
        let mut wanted = wanted.skip(first).peekable();
        let pairs: Vec<v1::Pair> = wanted.by_ref().take(page.size).map(|each| pair(&each)).collect();
        let next = wanted.peek().map(|_| Cursor {
            position: subject.at.position.unwrap_or(Position::FIRST),
            last: subject.listed(first.saturating_add(pairs.len())),
        });
        let page = Some(self.pages().response(&page, next.as_ref()));
        Ok(v1::ListPairsResponse { pairs, page, as_of: Some(as_of(&subject.at)) })
    }
}

/// The comparison is another than when the listing began.
fn stale() -> Status {
    let mut fields = Fields::new();
    let text = "the comparison has changed since the first page: begin again without a token";
    fields.refuse("page.page_token", "PAGE_TOKEN_INVALID", text);
    fields.finish().err().map_or_else(|| Pushback::Stopped.into(), Status::from)
}

fn of_row(row: u64, problems: Vec<Problem>) -> impl Iterator<Item = v1::RowProblem> {
    problems.into_iter().map(move |problem| v1::RowProblem { row, problem: Some(problem) })
}

fn extract(provider: OdsCode, cut: Cut, row: &ExtractInForce) -> v1::Extract {
    v1::Extract {
        position: row.position.get(),
        provider: provider.to_string(),
        cut: Some(outward::cut(cut)),
        version: row.version,
        file_digest: common::digest(row.file),
        rows: row.rows,
        total_pence: row.total.get(),
    }
}

/// A total of amounts that one provider's files hold: beyond 64 bits none is believed.
fn pence(total: money::TotalPence) -> i64 {
    total.to_net().map_or(i64::MAX, money::NetPence::get)
}

fn row(commissioner: OdsCode, pod: nhs::PointOfDelivery, class: Class, sum: &Sum) -> v1::ComparisonRow {
    v1::ComparisonRow {
        commissioner: commissioner.to_string(),
        point_of_delivery: pod.to_string(),
        class: class_message(class).into(),
        billed_lines: sum.slam_lines,
        sus_rows: sum.sus_rows,
        billed_pence: pence(sum.slam),
        sus_pence: pence(sum.sus),
        accepted_pence: pence(sum.ours),
        difference_pence: pence(sum.difference()),
    }
}

fn pair(pair: &matching::Pair<'_>) -> v1::Pair {
    v1::Pair {
        class: class_message(pair.class).into(),
        differences: pair
            .differences
            .iter()
            .map(Difference::class)
            .map(|class| class_message(class).into())
            .collect(),
        billed: pair.slam.map(line),
        sus: pair.sus.map(line),
    }
}

fn line(line: &Line) -> v1::MatchedLine {
    v1::MatchedLine {
        number: line.number,
        cds_identifier: line.cds_identifier.map(|name| name.to_string()).unwrap_or_default(),
        local_identifier: line.local.map(|local| local.to_string()).unwrap_or_default(),
        activity_date: Some(common::date(line.date)),
        commissioner: line.commissioner.to_string(),
        point_of_delivery: line.pod.to_string(),
        hrg: line.hrg.map(|hrg| hrg.to_string()).unwrap_or_default(),
        mff: line.mff.map(|mff| mff.to_string()).unwrap_or_default(),
        amount_pence: line.amount.get(),
        accepted_pence: line.ours.map(money::Pence::get),
    }
}

const fn class_message(class: Class) -> v1::MatchClass {
    match class {
        Class::Equal => v1::MatchClass::Equal,
        Class::CommissionerDiffers => v1::MatchClass::CommissionerDiffers,
        Class::PointOfDeliveryDiffers => v1::MatchClass::PointOfDeliveryDiffers,
        Class::HrgDiffers => v1::MatchClass::HrgDiffers,
        Class::MffDiffers => v1::MatchClass::MffDiffers,
        Class::PriceDiffers => v1::MatchClass::PriceDiffers,
        Class::OnlySlam => v1::MatchClass::InSlamNotInSus,
        Class::OnlySus => v1::MatchClass::InSusNotInSlam,
        Class::DuplicateSlam => v1::MatchClass::DuplicateInSlam,
        Class::DuplicateSus => v1::MatchClass::DuplicateInSus,
    }
}

fn class_from(class: v1::MatchClass) -> Option<Class> {
    Class::ALL.into_iter().find(|known| class_message(*known) == class)
}
