//! A bug in one call costs that call: it is answered INTERNAL with an incident id, under which the log has where it was.
//!
//! The panic's message is not logged: it is made by the code that failed, from whatever that code had in hand.

use std::{
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};
use uuid::Uuid;

thread_local! {
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Has panics note where they happened instead of printing what they say.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(%place, "panic");
        PLACE.set(Some(place));
    }));
}

/// Runs `work`; a panic inside becomes an incident's id.
pub(crate) async fn caught<F: Future>(work: F) -> Result<F::Output, Uuid> {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(incident())),
    })
    .await
}

/// Runs `poll` once; a panic inside becomes an incident's id.
pub(crate) fn caught_once<T>(poll: impl FnOnce() -> T) -> Result<T, Uuid> {
    catch_unwind(AssertUnwindSafe(poll)).map_err(|_| incident())
}

fn incident() -> Uuid {
    let id = Uuid::now_v7();
    let place = PLACE.take().unwrap_or_default();
    tracing::error!(incident = %id, %place, "a call failed on a bug");
    id
}
