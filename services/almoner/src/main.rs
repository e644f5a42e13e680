//! `almoner`: the services, the demo, and the people's commands, in one binary.

mod cli;
mod commands;
mod config;
mod demo;
mod output;
mod report;
mod serve;
mod status;

use clap::Parser as _;
use std::process::ExitCode;

/// The status of a command line that cannot be understood (`EX_USAGE` of sysexits.h), apart from every answer.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => {
            // A reader that went away is no failure of ours.
            let _ = said.print();
            return if said.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(cli.run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<output::Exit>() {
            Some(output::Exit(status)) => ExitCode::from(*status),
            None => {
                output::error(&error);
                ExitCode::FAILURE
            }
        },
    }
}
