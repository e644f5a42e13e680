//! How far it is: a bar on a terminal, plain lines elsewhere.

use crate::output;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

/// How often a plain line is written.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows rows answered of rows to send.
pub(super) struct Progress {
    rows: u64,
    answered: u64,
    said: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(rows: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(rows);
            let template = "{bar:40} {pos:>8}/{len} rows answered, {per_sec:.0}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self { rows, answered: 0, said: Instant::now(), bar }
    }

    pub(super) fn answered(&mut self, rows: usize) {
        let rows = rows as u64;
        self.answered = self.answered.saturating_add(rows);
        match &self.bar {
            Some(bar) => bar.inc(rows),
            None if self.said.elapsed() >= LINE_INTERVAL => {
                self.said = Instant::now();
                output::note(format_args!("{} of {} rows answered", self.answered, self.rows));
            }
            None => {}
        }
    }

    pub(super) fn done(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
