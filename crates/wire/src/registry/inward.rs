//! Requests inward: every bad field at once, then a command that is valid in form.

mod pricing;

use crate::{Fields, Violations, common};
use journal::{Day, Fingerprint, Instant, RequestId, SystemName};
use money::{Factor, Rounding};
use nhs::OdsCode;
use proto::{google::r#type::Date, registry::v1};
use reference::{
    BankDetails, Channel, Contract, Deadlines, District, MarketForces, Mechanism, Organisation,
    PaymentChannel, Practice, PriceKind, Role, Scope, Site, System, Validity,
};
use registry::{
    ApproveProposal, Command, Content, HOLIDAYS_MAX, Known, NAME_BYTES_MAX, PriceBook, Propose, ROWS_MAX,
    RegisterDistricts, RegisterMarketForces, RegisterOrganisations, RegisterPractices, RegisterSites,
    RegisterSystem, SOURCE_BYTES_MAX, SetCalendar, SetPaymentChannels, WithdrawProposal,
};
use tariff::{Mff, MffSource, load};

/// The most payers of one contract: more than any contract has.
const PAYERS_MAX: usize = 50;
/// The longest name of a bank account: what payment files carry.
const ACCOUNT_NAME_BYTES_MAX: usize = 35;
/// The most faults of a price list that are named in one answer.
const FAULTS_MAX: usize = 50;

/// A writing request, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Whose journal it is for.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// The fingerprint of the caller's content.
    pub fingerprint: Fingerprint,
    /// Whether only to check and answer.
    pub validate_only: bool,
    /// The command. What the national journal knows is not in it yet.
    pub command: Command,
}

/// The system that a request names: one of its own, or the shared one where `national` is allowed.
fn system(fields: &mut Fields, name: &str, national: bool) -> Option<SystemName> {
    let system = fields.system("system", name)?;
    if system.is_national() && !national {
        fields.refuse("system", "SYSTEM_INVALID", "it must be a system of its own, not the shared one");
        return None;
    }
    Some(system)
}

/// Puts a request together once its content is known.
struct Head<'a> {
    /// None: the request is for the shared journal.
    system: Option<(&'a str, bool)>,
    request_id: &'a str,
    validate_only: bool,
}

fn write(mut fields: Fields, head: &Head<'_>, command: Option<Command>) -> Result<Write, Violations> {
    let system = match head.system {
        Some((name, national)) => system(&mut fields, name, national),
        None => Some(SystemName::national()),
    };
    let request_id = fields.request_id("request_id", head.request_id);
    let (system, request_id, command) = fields.known((system, request_id, command))?;
    let (fingerprint, validate_only) = (command.fingerprint(), head.validate_only);
    Ok(Write { system, request_id, fingerprint, validate_only, command })
}

/// Each row of a batch, if all are well formed.
fn rows<M, R>(
    fields: &mut Fields,
    path: &str,
    messages: Vec<M>,
    row: impl Fn(&mut Fields, M) -> Option<R>,
) -> Option<Vec<R>> {
    fields.batch(path, messages.len(), ROWS_MAX)?;
    let parse = |(at, message)| fields.within_item(path, at, |fields| row(fields, message));
    // Every row is looked at, so that every violation is named.
    let found: Vec<Option<R>> = messages.into_iter().enumerate().map(parse).collect();
    found.into_iter().collect()
}

fn day(fields: &mut Fields, path: &str, date: Option<Date>) -> Option<Day> {
    fields.date(path, date).map(Day::from)
}

fn validity(fields: &mut Fields, path: &str, message: Option<v1::Validity>) -> Option<Validity> {
    let v1::Validity { from_date, until_date } = fields.required(path, message)?;
    fields.within(path, |fields| {
        let from = day(fields, "from_date", from_date);
        let until = fields.date_optional("until_date", until_date);
        let (from, until) = (from?, until?.map(Day::from));
        let validity = Validity { from, until };
        if !validity.is_forward() {
            fields.refuse("until_date", "DATE_INVALID", "it must not be before from_date");
            return None;
        }
        Some(validity)
    })
}

fn source(fields: &mut Fields, text: &str) -> Option<String> {
    fields.text("source", text, SOURCE_BYTES_MAX).map(str::to_owned)
}

fn name(fields: &mut Fields, path: &str, text: &str) -> Option<String> {
    fields.text(path, text, NAME_BYTES_MAX).map(str::to_owned)
}

fn role(message: v1::Role) -> Option<Role> {
    match message {
        v1::Role::Unspecified => None,
        v1::Role::Ccg => Some(Role::Ccg),
        v1::Role::NhsTrust => Some(Role::NhsTrust),
        v1::Role::Independent => Some(Role::Independent),
        v1::Role::Practice => Some(Role::Practice),
    }
}

/// The kind that a listing is narrowed to, if any.
pub fn role_filter(fields: &mut Fields, path: &str, number: i32) -> Option<Option<Role>> {
    if number == 0 { Some(None) } else { fields.one_of(path, number, role).map(Some) }
}

fn organisation(fields: &mut Fields, message: v1::Organisation) -> Option<Organisation> {
    let v1::Organisation { ods, name: title, role: kind, open, successor, source: from } = message;
    let ods = fields.parse("ods", &ods);
    let name = name(fields, "name", &title);
    let role = fields.one_of("role", kind, role);
    let open = validity(fields, "open", open);
    let successor = fields.parse_optional("successor", &successor);
    let source = source(fields, &from);
    Some(Organisation {
        ods: ods?,
        name: name?,
        role: role?,
        open: open?,
        successor: successor?,
        source: source?,
    })
}

fn site(fields: &mut Fields, message: v1::Site) -> Option<Site> {
    let v1::Site { site, payee, name: title, validity: span, source: from } = message;
    let site = fields.parse("site", &site);
    let payee = fields.parse("payee", &payee);
    let name = name(fields, "name", &title);
    let validity = validity(fields, "validity", span);
    let source = source(fields, &from);
    Some(Site { site: site?, payee: payee?, name: name?, validity: validity?, source: source? })
}

fn practice(fields: &mut Fields, message: v1::Practice) -> Option<Practice> {
    let v1::Practice { practice, ccg, validity: span, source: from } = message;
    let practice = fields.parse("practice", &practice);
    let ccg = fields.parse("ccg", &ccg);
    let validity = validity(fields, "validity", span);
    let source = source(fields, &from);
    Some(Practice { practice: practice?, ccg: ccg?, validity: validity?, source: source? })
}

fn district(fields: &mut Fields, message: v1::District) -> Option<District> {
    let v1::District { district, ccg, validity: span, source: from } = message;
    let district = fields.parse("district", &district);
    let ccg = fields.parse("ccg", &ccg);
    let validity = validity(fields, "validity", span);
    let source = source(fields, &from);
    Some(District { district: district?, ccg: ccg?, validity: validity?, source: source? })
}

fn market_forces(fields: &mut Fields, message: v1::MarketForcesFactor) -> Option<MarketForces> {
    let v1::MarketForcesFactor {
        provider,
        site,
        factor,
        basis,
        basis_organisation,
        validity: span,
        source: from,
    } = message;
    let provider = fields.parse("provider", &provider);
    let site = fields.parse_optional("site", &site);
    let factor = factor.parse::<Factor>().map_err(|_| {
        let form = "it must be digits with an optional point, at most 12 decimals and no trailing zero";
        fields.refuse("factor", "FIELD_INVALID", form);
    });
    let basis = fields.one_of("basis", basis, |basis: v1::FactorBasis| match basis {
        v1::FactorBasis::Unspecified => None,
        v1::FactorBasis::Own => Some(MffSource::Own as fn(OdsCode) -> MffSource),
        v1::FactorBasis::Average => Some(MffSource::Average as fn(OdsCode) -> MffSource),
        v1::FactorBasis::NearestTrust => Some(MffSource::NearestTrust as fn(OdsCode) -> MffSource),
    });
    let organisation = fields.parse("basis_organisation", &basis_organisation);
    let validity = validity(fields, "validity", span);
    let source = source(fields, &from);
    let mff = Mff { factor: factor.ok()?, source: basis?(organisation?) };
    Some(MarketForces { provider: provider?, site: site?, mff, validity: validity?, source: source? })
}

fn payment_channel(fields: &mut Fields, message: v1::PaymentChannel) -> Option<PaymentChannel> {
    let v1::PaymentChannel { payer, channel, validity: span } = message;
    let payer = fields.parse("payer", &payer);
    let channel = fields.one_of("channel", channel, |channel: v1::Channel| match channel {
        v1::Channel::Unspecified => None,
        v1::Channel::Bank => Some(Channel::Bank),
        v1::Channel::LedgerOfRecord => Some(Channel::LedgerOfRecord),
    });
    let validity = validity(fields, "validity", span);
    Some(PaymentChannel { payer: payer?, channel: channel?, validity: validity? })
}

fn bank_details(fields: &mut Fields, message: v1::BankDetails) -> Option<BankDetails> {
    let v1::BankDetails { organisation, account_name, sort_code, account_number, validity: span } = message;
    let organisation = fields.parse("organisation", &organisation);
    let account_name = fields.text("account_name", &account_name, ACCOUNT_NAME_BYTES_MAX).map(str::to_owned);
    let sort_code = fields.parse("sort_code", &sort_code);
    let account_number = fields.parse("account_number", &account_number);
    let validity = validity(fields, "validity", span);
    Some(BankDetails {
        organisation: organisation?,
        account_name: account_name?,
        sort_code: sort_code?,
        account_number: account_number?,
        validity: validity?,
    })
}

/// All where the list is empty, else those named, each once.
fn scope<T: Ord + core::str::FromStr<Err = nhs::ParseError>>(
    fields: &mut Fields,
    path: &str,
    texts: &[String],
) -> Option<Scope<T>> {
    if texts.is_empty() {
        return Some(Scope::All);
    }
    let parse = |(at, text): (usize, &String)| fields.parse(&format!("{path}[{at}]"), text);
    let found: Vec<Option<T>> = texts.iter().enumerate().map(parse).collect();
    let items: Vec<T> = found.into_iter().collect::<Option<_>>()?;
    let scope = Scope::these(items);
    if matches!(&scope, Scope::These(items) if items.len() < texts.len()) {
        fields.refuse(path, "FIELD_INVALID", "it must name each once");
        return None;
    }
    Some(scope)
}

fn mechanism(fields: &mut Fields, message: Option<v1::contract::Mechanism>) -> Option<Mechanism> {
    let instalments = |fields: &mut Fields, path: &str, pence: i64, day_of_month: i32| {
        fields.within(path, |fields| {
            let annual_value = fields.pence("annual_value_pence", pence);
            let day_of_month = u8::try_from(day_of_month).ok().filter(|day| (1..=28).contains(day));
            if day_of_month.is_none() {
                fields.refuse("day_of_month", "FIELD_INVALID", "it must be 1 to 28");
            }
            Some((annual_value?, day_of_month?))
        })
    };
    match fields.required("mechanism", message)? {
        v1::contract::Mechanism::CostPerCase(v1::CostPerCase {}) => Some(Mechanism::CostPerCase),
        v1::contract::Mechanism::NonContract(v1::NonContract {}) => Some(Mechanism::NonContract),
        v1::contract::Mechanism::OnAccount(v1::OnAccount { annual_value_pence, day_of_month }) => {
            instalments(fields, "on_account", annual_value_pence, day_of_month)
                .map(|(annual_value, day_of_month)| Mechanism::OnAccount { annual_value, day_of_month })
        }
        v1::contract::Mechanism::Block(v1::Block { annual_value_pence, day_of_month }) => {
            instalments(fields, "block", annual_value_pence, day_of_month)
                .map(|(annual_value, day_of_month)| Mechanism::Block { annual_value, day_of_month })
        }
    }
}

fn contract(fields: &mut Fields, message: v1::Contract) -> Option<Contract> {
    let v1::Contract {
        contract,
        payers,
        provider,
        treatment_functions,
        validity: span,
        mechanism: terms,
        rounding,
        price_tolerance_pence,
        ubrn_required_from_date,
        source: from,
        pricing: prices,
    } = message;
    let id = contract.parse().map_err(|error: reference::ContractIdError| {
        fields.refuse("contract", "FIELD_INVALID", error.to_string());
    });
    if payers.len() > PAYERS_MAX {
        fields.refuse("payers", "BATCH_TOO_LARGE", format!("it must hold at most {PAYERS_MAX} payers"));
        return None;
    }
    let payers = scope(fields, "payers", &payers);
    let provider = fields.parse("provider", &provider);
    let functions = scope(fields, "treatment_functions", &treatment_functions);
    let validity = validity(fields, "validity", span);
    let mechanism = mechanism(fields, terms);
    let rounding = fields.one_of("rounding", rounding, |rounding: v1::Rounding| match rounding {
        v1::Rounding::Unspecified => None,
        v1::Rounding::NearestPenny => Some(Rounding::NearestPenny),
        v1::Rounding::NearestPound => Some(Rounding::NearestPound),
    });
    let price_tolerance = fields.pence("price_tolerance_pence", price_tolerance_pence);
    let ubrn = fields.date_optional("ubrn_required_from_date", ubrn_required_from_date);
    let source = source(fields, &from);
    // The outer `None` says that it was wrong.
    let block = matches!(mechanism, None | Some(Mechanism::Block { .. }));
    let pricing = match prices {
        None => Some(None),
        Some(prices) => fields.within("pricing", |fields| pricing::pricing(fields, prices, block)).map(Some),
    };
    Some(Contract {
        id: id.ok()?,
        payers: payers?,
        provider: provider?,
        functions: functions?,
        validity: validity?,
        mechanism: mechanism?,
        rounding: rounding?,
        price_tolerance: price_tolerance?,
        ubrn_required_from: ubrn?.map(Day::from),
        source: source?,
        pricing: pricing?,
    })
}

fn deadlines(fields: &mut Fields, message: v1::Deadlines) -> Option<Deadlines> {
    let v1::Deadlines { period, flex_date, freeze_date, source: from } = message;
    let period = fields.parse("period", &period);
    let flex = day(fields, "flex_date", flex_date);
    let freeze = day(fields, "freeze_date", freeze_date);
    let source = source(fields, &from);
    Some(Deadlines { period: period?, flex: flex?, freeze: freeze?, source: source? })
}

/// The command of a RegisterSystem request.
pub fn register_system(request: v1::RegisterSystemRequest) -> Result<Write, Violations> {
    let v1::RegisterSystemRequest { request_id, system: message } = request;
    let mut fields = Fields::new();
    let message = fields.required("system", message);
    let found =
        message.and_then(|message| fields.within("system", |fields| register_system_row(fields, message)));
    let head = Head { system: None, request_id: &request_id, validate_only: false };
    write(fields, &head, found.map(Command::RegisterSystem))
}

fn register_system_row(fields: &mut Fields, message: v1::System) -> Option<RegisterSystem> {
    let v1::System { system: own, title, sandbox, members, clock_start_time } = message;
    let own = system(fields, &own, false);
    let title = name(fields, "title", &title);
    let clock_start = match clock_start_time.map(instant) {
        None => Some(None),
        Some(Some(start)) => Some(Some(start)),
        Some(None) => {
            fields.refuse("clock_start_time", "FIELD_INVALID", "it must be a time in whole microseconds");
            None
        }
    };
    fields.batch("members", members.len(), ROWS_MAX)?;
    let members = match scope(fields, "members", &members)? {
        Scope::These(members) => members,
        Scope::All => Vec::new(),
    };
    let system = System { name: own?.to_string(), title: title?, sandbox, members };
    Some(RegisterSystem { system, clock_start: clock_start? })
}

/// The instant of a timestamp that has nothing finer than microseconds.
fn instant(timestamp: prost_types::Timestamp) -> Option<Instant> {
    let whole = timestamp.nanos % 1_000 == 0;
    common::instant_from(timestamp).filter(|_| whole)
}

/// The command of a RegisterOrganisations request.
pub fn register_organisations(request: v1::RegisterOrganisationsRequest) -> Result<Write, Violations> {
    let v1::RegisterOrganisationsRequest { request_id, organisations, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "organisations", organisations, organisation);
    let command = rows.map(|rows| Command::RegisterOrganisations(RegisterOrganisations { rows }));
    write(fields, &Head { system: None, request_id: &request_id, validate_only }, command)
}

/// The command of a RegisterPractices request.
pub fn register_practices(request: v1::RegisterPracticesRequest) -> Result<Write, Violations> {
    let v1::RegisterPracticesRequest { request_id, practices, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "practices", practices, practice);
    let command = rows.map(|rows| Command::RegisterPractices(RegisterPractices { rows }));
    write(fields, &Head { system: None, request_id: &request_id, validate_only }, command)
}

/// The command of a RegisterMarketForcesFactors request.
pub fn register_market_forces(request: v1::RegisterMarketForcesFactorsRequest) -> Result<Write, Violations> {
    let v1::RegisterMarketForcesFactorsRequest { request_id, factors, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "factors", factors, market_forces);
    let command = rows.map(|rows| Command::RegisterMarketForces(RegisterMarketForces { rows }));
    write(fields, &Head { system: None, request_id: &request_id, validate_only }, command)
}

/// The command of a RegisterSites request.
pub fn register_sites(request: v1::RegisterSitesRequest) -> Result<Write, Violations> {
    let v1::RegisterSitesRequest { system, request_id, sites, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "sites", sites, site);
    let command = rows.map(|rows| Command::RegisterSites(RegisterSites { rows, known: Known::default() }));
    write(fields, &Head { system: Some((&system, false)), request_id: &request_id, validate_only }, command)
}

/// The command of a RegisterDistricts request.
pub fn register_districts(request: v1::RegisterDistrictsRequest) -> Result<Write, Violations> {
    let v1::RegisterDistrictsRequest { system, request_id, districts, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "districts", districts, district);
    let command =
        rows.map(|rows| Command::RegisterDistricts(RegisterDistricts { rows, known: Known::default() }));
    write(fields, &Head { system: Some((&system, false)), request_id: &request_id, validate_only }, command)
}

/// The command of a SetCalendar request.
pub fn set_calendar(request: v1::SetCalendarRequest) -> Result<Write, Violations> {
    let v1::SetCalendarRequest { system, request_id, deadlines: months, bank_holidays, validate_only } =
        request;
    let mut fields = Fields::new();
    let months =
        if months.is_empty() { Some(Vec::new()) } else { rows(&mut fields, "deadlines", months, deadlines) };
    let mut holidays = None;
    if bank_holidays.len() > HOLIDAYS_MAX {
        fields.refuse(
            "bank_holidays",
            "BATCH_TOO_LARGE",
            format!("it must hold at most {HOLIDAYS_MAX} days"),
        );
    } else {
        let parse = |(at, date)| day(&mut fields, &format!("bank_holidays[{at}]"), Some(date));
        let found: Vec<Option<Day>> = bank_holidays.into_iter().enumerate().map(parse).collect();
        holidays = found.into_iter().collect::<Option<Vec<Day>>>();
    }
    let command = months
        .zip(holidays)
        .map(|(deadlines, bank_holidays)| Command::SetCalendar(SetCalendar { deadlines, bank_holidays }));
    write(fields, &Head { system: Some((&system, false)), request_id: &request_id, validate_only }, command)
}

/// The command of a SetPaymentChannels request.
pub fn set_payment_channels(request: v1::SetPaymentChannelsRequest) -> Result<Write, Violations> {
    let v1::SetPaymentChannelsRequest { system, request_id, payment_channels, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "payment_channels", payment_channels, payment_channel);
    let command =
        rows.map(|rows| Command::SetPaymentChannels(SetPaymentChannels { rows, known: Known::default() }));
    write(fields, &Head { system: Some((&system, false)), request_id: &request_id, validate_only }, command)
}

fn propose(content: Content) -> Command {
    Command::Propose(Propose { content, known: Known::default() })
}

/// The command of a ProposeContracts request.
pub fn propose_contracts(request: v1::ProposeContractsRequest) -> Result<Write, Violations> {
    let v1::ProposeContractsRequest { system, request_id, contracts, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "contracts", contracts, contract);
    let command = rows.map(|rows| propose(Content::Contracts(rows)));
    write(fields, &Head { system: Some((&system, false)), request_id: &request_id, validate_only }, command)
}

/// The command of a ProposeBankDetails request.
pub fn propose_bank_details(request: v1::ProposeBankDetailsRequest) -> Result<Write, Violations> {
    let v1::ProposeBankDetailsRequest { system, request_id, bank_details: accounts, validate_only } = request;
    let mut fields = Fields::new();
    let rows = rows(&mut fields, "bank_details", accounts, bank_details);
    let command = rows.map(|rows| propose(Content::BankDetails(rows)));
    write(fields, &Head { system: Some((&system, false)), request_id: &request_id, validate_only }, command)
}

/// The command of a ProposePriceBook request. Reading the list takes milliseconds.
pub fn propose_price_book(request: v1::ProposePriceBookRequest) -> Result<Write, Violations> {
    let v1::ProposePriceBookRequest { system, request_id, price_book: message, validate_only } = request;
    let mut fields = Fields::new();
    let message = fields.required("price_book", message);
    let found =
        message.and_then(|message| fields.within("price_book", |fields| price_book(fields, &message)));
    let command = found.map(|book| propose(Content::PriceBook(book)));
    write(fields, &Head { system: Some((&system, true)), request_id: &request_id, validate_only }, command)
}

fn price_book(fields: &mut Fields, message: &v1::PriceBook) -> Option<PriceBook> {
    let v1::PriceBook { price_book, financial_year, kind, illustrative, source: from, csv } = message;
    let id = price_book.parse().map_err(|error: tariff::BookError| {
        fields.refuse("price_book", "FIELD_INVALID", error.to_string());
    });
    let financial_year = fields.parse("financial_year", financial_year);
    let kind = fields.one_of("kind", *kind, |kind: v1::PriceKind| match kind {
        v1::PriceKind::Unspecified => None,
        v1::PriceKind::Admitted => Some(PriceKind::Admitted),
        v1::PriceKind::Attendance => Some(PriceKind::Attendance),
    });
    let source = source(fields, from);
    let title = load::Title {
        id: id.ok()?,
        financial_year: financial_year?,
        illustrative: *illustrative,
        source: source.as_deref()?,
    };
    let book = match kind? {
        PriceKind::Admitted => load::admitted(&title, csv),
        PriceKind::Attendance => load::attendance(&title, csv),
    };
    match book {
        Ok(book) => Some(PriceBook::new(&book)),
        Err(error) => {
            for fault in error.faults.iter().take(FAULTS_MAX) {
                let path = format!("csv[line {}].{}", fault.line, fault.column);
                fields.refuse(&path, "FIELD_INVALID", fault.problem.to_string());
            }
            None
        }
    }
}

/// The command of an ApproveProposal request.
pub fn approve_proposal(request: &v1::ApproveProposalRequest) -> Result<Write, Violations> {
    let v1::ApproveProposalRequest { system, request_id, proposal, digest } = request;
    let mut fields = Fields::new();
    let digest = fields.digest("digest", digest);
    let proposal = journal::Position::new(*proposal);
    let command = digest.map(|digest| Command::ApproveProposal(ApproveProposal { proposal, digest }));
    write(fields, &Head { system: Some((system, true)), request_id, validate_only: false }, command)
}

/// The command of a WithdrawProposal request.
pub fn withdraw_proposal(request: &v1::WithdrawProposalRequest) -> Result<Write, Violations> {
    let v1::WithdrawProposalRequest { system, request_id, proposal } = request;
    let proposal = journal::Position::new(*proposal);
    let command = Command::WithdrawProposal(WithdrawProposal { proposal });
    write(
        Fields::new(),
        &Head { system: Some((system, true)), request_id, validate_only: false },
        Some(command),
    )
}

/// The system and the time of an AdvanceClock request.
pub fn advance_clock(request: &v1::AdvanceClockRequest) -> Result<(SystemName, Instant), Violations> {
    let v1::AdvanceClockRequest { system: name, request_id, advance_to } = request;
    let mut fields = Fields::new();
    let system = system(&mut fields, name, false);
    let request_id = fields.request_id("request_id", request_id);
    let advance_to = fields.required("advance_to", *advance_to);
    let to = advance_to.and_then(|time| {
        let found = instant(time);
        if found.is_none() {
            fields.refuse("advance_to", "FIELD_INVALID", "it must be a time in whole microseconds");
        }
        found
    });
    fields.known((system, request_id, to)).map(|(system, _, to)| (system, to))
}

#[cfg(test)]
mod tests;
