//! The rules on rows, in the order of precedence of [`Refusal`].

use crate::{Known, KnownBody, NAME_BYTES_MAX, ROWS_MAX, Refusal, SOURCE_BYTES_MAX, State, table::Table};
use journal::Day;
use nhs::OdsCode;
use reference::{Contract, Mechanism, Role, Scope};
use std::collections::BTreeSet;

/// Where a command finds what is known of organisations: in its own state, or in what the adapter read.
pub(crate) trait Bodies {
    /// The organisation of that code.
    fn body(&self, ods: OdsCode) -> Option<KnownBody>;

    /// The organisation must be of one of `roles`.
    fn of_role(&self, ods: OdsCode, roles: &[Role]) -> Result<KnownBody, Refusal> {
        let body = self.body(ods).ok_or(Refusal::OrganisationUnknown { ods })?;
        if roles.contains(&body.role) {
            Ok(body)
        } else {
            Err(Refusal::OrganisationRole { ods, role: body.role })
        }
    }

    /// The organisation must be of one of `roles` and open on `day`.
    fn open(&self, ods: OdsCode, roles: &[Role], day: Day) -> Result<(), Refusal> {
        let body = self.of_role(ods, roles)?;
        if body.open.covers(day) { Ok(()) } else { Err(Refusal::OrganisationClosed { ods, on: day }) }
    }
}

impl Bodies for State {
    fn body(&self, ods: OdsCode) -> Option<KnownBody> {
        self.known(ods)
    }
}

impl Bodies for Known {
    fn body(&self, ods: OdsCode) -> Option<KnownBody> {
        self.bodies.iter().copied().find(|body| body.ods == ods)
    }
}

/// Checks number, keys, spans and texts of a batch.
pub(crate) fn rows<R: Table>(batch: &[R]) -> Result<(), Refusal> {
    if !(1..=ROWS_MAX).contains(&batch.len()) {
        return Err(Refusal::BatchSize);
    }
    let numbered = || (0_u32..).zip(batch);
    let mut keys = BTreeSet::new();
    if let Some((row, _)) = numbered().find(|(_, row)| !keys.insert(row.key())) {
        return Err(Refusal::RowRepeated { row });
    }
    if let Some((row, _)) = numbered().find(|(_, row)| row.validity().is_some_and(|span| !span.is_forward()))
    {
        return Err(Refusal::ValidityBackwards { row });
    }
    let bad = |text: Option<&str>, max| text.is_some_and(|text| text.is_empty() || text.len() > max);
    match numbered().find(|(_, row)| bad(row.name(), NAME_BYTES_MAX) || bad(row.source(), SOURCE_BYTES_MAX)) {
        Some((row, _)) => Err(Refusal::TextLength { row }),
        None => Ok(()),
    }
}

const PAYERS: &[Role] = &[Role::Ccg];
pub(crate) const PROVIDERS: &[Role] = &[Role::NhsTrust, Role::Independent];

/// Checks the organisations that a contract names, on its first day.
pub(crate) fn contract_bodies(contract: &Contract, known: &Known) -> Result<(), Refusal> {
    known.open(contract.provider, PROVIDERS, contract.validity.from)?;
    match &contract.payers {
        Scope::All => Ok(()),
        Scope::These(payers) => {
            payers.iter().try_for_each(|payer| known.open(*payer, PAYERS, contract.validity.from))
        }
    }
}

/// Checks a contract's terms in themselves.
pub(crate) fn contract_terms(contract: &Contract) -> Result<(), Refusal> {
    let id = contract.id;
    if !contract.payers.is_canonical() || !contract.functions.is_canonical() {
        return Err(Refusal::ContractScope { contract: id });
    }
    if let Some(pricing) = &contract.pricing {
        let block = matches!(contract.mechanism, Mechanism::Block { .. });
        if pricing.check().is_err() || (pricing.plan.is_some() && !block) {
            return Err(Refusal::ContractPricing { contract: id });
        }
    }
    let Some((_, day_of_month)) = contract.mechanism.instalments() else { return Ok(()) };
    let one_payer = matches!(&contract.payers, Scope::These(payers) if payers.len() == 1);
    if one_payer && (1..=28).contains(&day_of_month) {
        Ok(())
    } else {
        Err(Refusal::ContractInstalments { contract: id })
    }
}

/// Checks that a contract belongs beside those in force and those before it in its batch: one provider per id, and one
/// contract for an activity. Rows of one id follow each other, so they may overlap; so may a payer's own contract and one
/// open to any payer, because the own one stands first. A payer has one plan with a provider at a time, whatever it is for:
/// what is done under it is added up by payer and payee.
pub(crate) fn contract_place(contract: &Contract, state: &State, batch: &[Contract]) -> Result<(), Refusal> {
    let replaced = |held: &Contract| {
        batch.iter().any(|new| (new.id, new.validity.from) == (held.id, held.validity.from))
    };
    let others = state.contracts.values().filter(|held| !replaced(held)).chain(batch);
    for other in others {
        if other.id == contract.id {
            if other.provider != contract.provider {
                return Err(Refusal::ContractOfAnotherProvider { contract: contract.id });
            }
            continue;
        }
        let same_payers = match (&contract.payers, &other.payers) {
            (Scope::All, Scope::All) => true,
            (Scope::These(_), Scope::These(_)) => contract.payers.meets(&other.payers),
            (Scope::All, Scope::These(_)) | (Scope::These(_), Scope::All) => false,
        };
        let planned = |row: &Contract| row.pricing.as_ref().is_some_and(|pricing| pricing.plan.is_some());
        let same_care = contract.functions.meets(&other.functions) || (planned(contract) && planned(other));
        if same_payers
            && contract.provider == other.provider
            && same_care
            && contract.validity.overlaps(&other.validity)
        {
            return Err(Refusal::ContractsOverlap { contract: contract.id, other: other.id });
        }
    }
    Ok(())
}
