//! Futures that hold a connection, and may be dropped anywhere.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that is dropped within the runtime that polled it, wherever that happens: a connection that goes back to its
/// pool needs the runtime, and sqlx panics without.
#[derive(Debug)]
pub struct InItsRuntime<F> {
    future: Option<Pin<Box<F>>>,
    runtime: Option<Handle>,
}

/// This future, dropped within the runtime that polled it.
pub fn in_its_runtime<F: Future>(future: F) -> InItsRuntime<F> {
    InItsRuntime {
        future: Some(Box::pin(future)),
        runtime: None,
    }
}

impl<F: Future> Future for InItsRuntime<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if self.runtime.is_none() {
            self.runtime = Handle::try_current().ok();
        }
        match &mut self.future {
            Some(future) => future.as_mut().poll(context),
            None => Poll::Pending, // it is dropped already
        }
    }
}

impl<F> Drop for InItsRuntime<F> {
    fn drop(&mut self) {
        let _entered = self.runtime.as_ref().map(Handle::enter);
        self.future = None;
    }
}
