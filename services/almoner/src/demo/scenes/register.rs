//! 1 June: the operator and finance tell the registry what there is.

use crate::demo::stage::Stage;
use crate::demo::world::{People, World};

pub(super) async fn everything(stage: &Stage, world: &World) -> anyhow::Result<()> {
    stage.progress.scene("Registering bodies, contracts, prices and calendars", 1);
    let people = People {
        operator: stage.connection("operator")?,
        preparer: stage.connection("finance-preparer")?,
        approver: stage.connection("finance-approver")?,
    };
    world.register(&people, stage.id("world")).await?;
    stage.progress.steps(1);
    Ok(())
}
