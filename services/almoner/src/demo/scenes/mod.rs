//! The month, scene by scene, in the order in which its people would act.
//!
//! | when | who | what |
//! | --- | --- | --- |
//! | 1 June | operator, finance, officers | the system, its bodies, contracts, prices, budgets, control totals, plans |
//! | June | referrers, officers, finance | referrals day by day; budgets spent from; instalments paid |
//! | 10 July | providers | June's activity, before flex on 19 July |
//! | 31 July | officers, finance, the bank | July's spending; instalments paid, one of which comes back |
//! | 31 July | commissioners | the SUS extract of June's first cut: compared, and challenged |
//! | 10 August | providers, commissioners | challenges answered and concluded; what providers had missed, before freeze on 17 August |
//! | 21 August | providers | what comes too late |
//! | 22 to 25 August | finance, the bank | the run of June's activity: prepared, approved, paid, confirmed |
//! | 31 August | finance | reconciliation |

mod activity;
mod bank;
mod budgets;
pub(super) mod challenges;
mod plans;
mod reconciliation;
mod referrals;
mod register;
mod settlement;

pub(crate) use activity::Activity;
pub(crate) use challenges::{Class, Compared};
pub(crate) use plans::PlansPlayed;
pub(crate) use reconciliation::YEAR;
pub(crate) use settlement::Paid;

use super::generate::{self, Group, Practices, Size, Wave};
use super::installation::Installation;
use super::stage::Stage;
use super::world::World;
use anyhow::Context as _;
use bank::Bank;
use jiff::civil::date;
use proto::reconciliation::v1;

/// What was played, as its senders counted it. What stands in the books the report reads back.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Referrals sent and recorded.
    pub(crate) referrals: u64,
    /// Lines sent and answered.
    pub(crate) activity: Activity,
    /// What the comparison with SUS said.
    pub(crate) compared: Compared,
    /// What was done with personal health budgets.
    pub(crate) plans: PlansPlayed,
    /// The position at the end, with every tie.
    pub(crate) position: v1::Position,
    /// What the run instructed, and the bank confirmed.
    pub(crate) paid: Paid,
}

/// Plays everything.
pub(crate) async fn play(stage: &Stage, installation: &Installation, size: Size) -> anyhow::Result<Played> {
    let world = World::shipped()?;
    let month = generate::month(size, &practices(&world)?)?;
    let mut played = Played::default();

    register::everything(stage, &world).await?;
    budgets::allocate(stage, &world, size.scale).await?;
    reconciliation::control_totals(stage, &world).await?;
    let opened = plans::open(stage, &month.budgets, &mut played.plans).await?;
    played.referrals = referrals::june(stage, &month.referrals).await?;
    plans::june(stage, &opened, &mut played.plans).await?;
    let (mut bank, [june, july, august]) = (Bank::default(), settlement::RUNS);
    settlement::run(stage, installation, &june, &mut bank, &mut played.paid).await?;
    stage.advance(date(2017, 7, 10), 9).await?;
    plans::back(stage, &opened).await?;
    activity::send(stage, installation, &month.lines, Wave::Flex, &mut played.activity).await?;
    stage.advance(date(2017, 7, 31), 9).await?;
    plans::july(stage, &opened, &mut played.plans).await?;
    settlement::run(stage, installation, &july, &mut bank, &mut played.paid).await?;
    challenges::raise(stage, installation, &month.lines, size.seed, &mut played.compared).await?;
    stage.advance(date(2017, 8, 10), 9).await?;
    challenges::conclude(stage, installation).await?;
    activity::send(stage, installation, &month.lines, Wave::Freeze, &mut played.activity).await?;
    stage.advance(date(2017, 8, 21), 9).await?;
    activity::send(stage, installation, &month.lines, Wave::Late, &mut played.activity).await?;
    plans::august(stage, &opened, &played.plans).await?;
    stage.advance(date(2017, 8, 22), 9).await?;
    settlement::run(stage, installation, &august, &mut bank, &mut played.paid).await?;
    stage.advance(date(2017, 8, 31), 17).await?;
    let statements = reconciliation::statements(installation, &world)?;
    played.position = reconciliation::position(stage, statements).await?;
    Ok(played)
}

/// The practices of the world, by their group.
fn practices(world: &World) -> anyhow::Result<Practices> {
    let of = |wanted: &str| -> anyhow::Result<Vec<_>> {
        let rows = world.practices.iter().filter(|row| row.ccg == wanted);
        rows.map(|row| row.practice.parse().context("a practice of the world")).collect()
    };
    let mut own = Vec::new();
    for mix in &generate::CCGS {
        own.push(Group { ccg: mix.ods.parse().context("a group of the world")?, practices: of(mix.ods)? });
    }
    let is_own = |commissioner: &str| generate::CCGS.iter().any(|mix| mix.ods == commissioner);
    let foreign = world.practices.iter().filter(|row| !is_own(&row.ccg) && row.ccg != "15A");
    let foreign = foreign.map(|row| row.practice.parse().context("a practice of the world"));
    let foreign = foreign.collect::<anyhow::Result<_>>()?;
    let own = own.try_into().map_err(|_| anyhow::anyhow!("the world has four groups"))?;
    Ok(Practices { own, foreign })
}
