//! Driving a future on the spot, for hosts that aren't asynchronous.

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};

/// Drives a future to its end on this thread: for synchronous hosts, tests and examples.
///
/// A store that never waits ([`MemoryRepository`](crate::store::MemoryRepository), SQLite) is done at the first
/// poll. For one that waits, this thread sleeps until it is woken. Don't call it on a worker of an async
/// runtime: that worker could do nothing else meanwhile, perhaps not even what the future waits for.
///
/// ```
/// use tenancy::store::{MemoryRepository, Repository};
/// use tenancy::OrganizationId;
///
/// let store = MemoryRepository::new();
/// let nowhere = tenancy::block_on(store.load(OrganizationId::new(), &[]));
/// assert_eq!(nowhere, Ok(None));
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // Who is done at once needs nobody to wake them, and nothing is allocated. Who isn't is asked once more, by
    // somebody who can be woken.
    let mut nobody = Context::from_waker(Waker::noop());
    if let Poll::Ready(output) = future.as_mut().poll(&mut nobody) {
        return output;
    }
    let sleeper = Sleeper::here();
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        sleeper.sleep();
    }
}

/// A thread that sleeps until its future can go on.
struct Sleeper {
    thread: Thread,
    woken: AtomicBool,
}

impl Sleeper {
    fn here() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        })
    }

    /// Until it is woken. The flag, not the waking, is what counts: a thread may wake for no reason, and the future
    /// may itself have slept through ours inside its poll.
    fn sleep(&self) {
        while !self.woken.swap(false, Ordering::AcqRel) {
            thread::park();
        }
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use core::future::{poll_fn, ready};

    use super::*;

    #[test]
    fn a_future_that_is_ready_ends_at_once() {
        assert_eq!(block_on(ready(7)), 7);
    }

    #[test]
    fn a_future_that_wakes_itself_is_polled_again() {
        let mut polls = 0;
        let polls = block_on(poll_fn(|context| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(polls);
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        assert_eq!(polls, 3);
    }

    #[test]
    fn a_future_that_another_thread_wakes_ends() {
        let (mut polls, mut helper) = (0, None);
        let answer = block_on(poll_fn(|context| {
            polls += 1;
            match helper.take() {
                // At the first poll nobody can be woken: another one follows at once.
                None if polls == 1 => Poll::Pending,
                None => {
                    let waker = context.waker().clone();
                    helper = Some(thread::spawn(move || waker.wake()));
                    Poll::Pending
                }
                Some(helper) => Poll::Ready(helper.join().is_ok()),
            }
        }));
        assert!(answer);
        assert_eq!(polls, 3);
    }
}
