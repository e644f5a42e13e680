//! `almoner demo`: June 2017 in Berkshire West, played over gRPC as its people would.
//!
//! ```text
//! folder ─▶ authority, certificates, profiles ─▶ every service, this process, mutual TLS ─▶ scenes ─▶ report
//! ```
//! The scenes call the public API and nothing else; what they say in the report they have read back from it.

mod generate;
mod installation;
mod people;
mod progress;
mod report;
mod scenes;
mod stage;
mod world;

use crate::{output, serve};
use anyhow::{Context as _, ensure};
use clap::Args;
use generate::Size;
use installation::Installation;
use progress::Progress;
use server::Frame;
use stage::Stage;
use std::{path::PathBuf, time::Instant};
use tokio::sync::oneshot;

/// The options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder to play in; it must not hold a demo already
    #[arg(long, default_value = "almoner-data/demo", value_name = "FOLDER")]
    data_dir: PathBuf,
    /// So many times the real area
    #[arg(long, default_value_t = 1)]
    scale: u32,
    /// So many activity lines instead, and everything else in proportion
    #[arg(long, conflicts_with = "scale", value_name = "COUNT")]
    lines: Option<u32>,
    /// Where chance begins: the same again gives the same month
    #[arg(long, default_value_t = 2017)]
    seed: u64,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
    /// Leave the services up at the end, until Ctrl-C
    #[arg(long)]
    keep_running: bool,
}

/// Plays the demo. An error when a scene fails, and when the books do not tie.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let began = Instant::now();
    let size = Size { scale: options.scale.max(1), lines: options.lines, seed: options.seed };
    let installation = Installation::make(&options.data_dir)?;
    let mut stop = server::told_to_stop().context("signals cannot be listened for")?;
    let settings = installation.config().check().context("the demo's own configuration")?;
    let mut frame = Frame::bind(settings).await?;
    installation.listening_on(frame.address())?;
    serve::start_services(&mut frame).await?;
    frame.open().await;
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(frame.run(async move {
        // Dropped or sent, either means that the play is over.
        let _ = ended.await;
    }));

    let progress = Progress::new();
    let stage = Stage::set(&installation, progress)?;
    let played = tokio::select! {
        played = scenes::play(&stage, &installation, size) => played.map(Some),
        () = &mut stop => Ok(None),
    };
    let ties = match played {
        Ok(Some(played)) => {
            let report = report::Report::of(&stage, &installation, size, played, began.elapsed()).await?;
            report.write(&installation)?;
            stage.progress.done();
            report.print(&installation);
            if options.json {
                output::line(format_args!("{}", report.json_line(&installation)));
            }
            if options.keep_running {
                installation.print_how_to_call();
                stop.await;
            }
            Ok(report.ties())
        }
        Ok(None) => Err(anyhow::anyhow!("the demo was told to stop before its end")),
        Err(error) => Err(error),
    };
    drop(end);
    serving.await.context("the services ended in a panic")??;
    ensure!(ties?, "the books do not tie: see the differences in the report");
    Ok(())
}
