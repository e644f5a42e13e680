//! What is being done: bars on a terminal, plain lines elsewhere.

use crate::output;
use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal as _, sync::Mutex, time::Instant};

/// Shows one scene at a time.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    scene: Mutex<Option<Scene>>,
}

#[derive(Debug)]
struct Scene {
    title: String,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), scene: Mutex::new(None) }
    }

    /// Begins a scene of `steps` steps; the one before is over.
    pub(crate) fn scene(&self, title: impl Into<String>, steps: usize) {
        self.done();
        let title = title.into();
        let bar = self.terminal.then(|| {
            let bar = ProgressBar::new(steps as u64);
            let template = "{msg:<52} {bar:28} {pos:>7}/{len:<7} {elapsed:>4}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.with_message(title.clone())
        });
        if bar.is_none() {
            output::note(format_args!("{title}…"));
        }
        *self.lock() = Some(Scene { title, began: Instant::now(), bar });
    }

    /// So many steps more are done.
    pub(crate) fn steps(&self, steps: usize) {
        if let Some(bar) = self.lock().as_ref().and_then(|scene| scene.bar.as_ref()) {
            bar.inc(steps as u64);
        }
    }

    /// The scene is over.
    pub(crate) fn done(&self) {
        let Some(scene) = self.lock().take() else { return };
        match scene.bar {
            Some(bar) => bar.finish(),
            None => output::note(format_args!("{}: {} ms", scene.title, scene.began.elapsed().as_millis())),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Scene>> {
        self.scene.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
