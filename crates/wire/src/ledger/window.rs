//! Window keys.

use crate::{Fields, common};
use journal::Day;
use ledger::{Stage, WindowKey};
use nhs::Period;
use proto::ledger::v1::{CutKey, CutStage, WindowKey as Message, window_key::Key};

/// A window's key on the wire.
#[must_use]
pub fn key(key: WindowKey) -> Message {
    Message {
        key: Some(match key {
            WindowKey::Cut { period, stage } => Key::Cut(CutKey {
                period: period_number(period),
                stage: match stage {
                    Stage::Flex => CutStage::Flex,
                    Stage::Freeze => CutStage::Freeze,
                }
                .into(),
            }),
            WindowKey::Instalment { due } => Key::Instalment(common::day(due)),
            WindowKey::Run { number } => Key::Run(number),
        }),
    }
}

/// The key that a message names.
pub fn key_from(fields: &mut Fields, message: &Message) -> Option<WindowKey> {
    let Message { key } = message;
    match fields.required("key", key.as_ref())? {
        Key::Cut(CutKey { period, stage }) => {
            let found = period_of(*period);
            if found.is_none() {
                fields.refuse(
                    "cut.period",
                    "PERIOD_INVALID",
                    "it must be a month as a number, 201706 for instance",
                );
            }
            let stage = fields.one_of("cut.stage", *stage, |stage: CutStage| match stage {
                CutStage::Unspecified => None,
                CutStage::Flex => Some(Stage::Flex),
                CutStage::Freeze => Some(Stage::Freeze),
            });
            Some(WindowKey::Cut { period: found?, stage: stage? })
        }
        Key::Instalment(date) => {
            fields.date("instalment", Some(*date)).map(|due| WindowKey::Instalment { due: Day::from(due) })
        }
        Key::Run(number) => Some(WindowKey::Run { number: *number }),
    }
}

fn period_number(period: Period) -> u32 {
    let year = u32::try_from(period.year()).unwrap_or(0);
    year.saturating_mul(100).saturating_add(u32::try_from(period.month()).unwrap_or(0))
}

fn period_of(number: u32) -> Option<Period> {
    let (year, month) = (i16::try_from(number / 100).ok()?, i8::try_from(number % 100).ok()?);
    Period::new(year, month).ok()
}
