//! One answer from a thread to a future, of any runtime or none.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::Error;

/// A promise of one answer, and the future that gets it.
pub(crate) fn oneshot<T>() -> (Promise<T>, Answer<T>) {
    let shared = Arc::new(Mutex::new(State::Waiting(None)));
    (Promise(Arc::clone(&shared)), Answer(shared))
}

enum State<T> {
    Waiting(Option<Waker>),
    Answered(T),
    /// The promise was dropped, or the answer has been taken.
    Over,
}

/// Held by who answers. Dropped without an answer, it says that there will be none.
pub(crate) struct Promise<T>(Arc<Mutex<State<T>>>);

/// [`Error::Stopped`] if there will be none.
pub(crate) struct Answer<T>(Arc<Mutex<State<T>>>);

impl<T> Promise<T> {
    /// Whether anybody still waits.
    pub(crate) fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(crate) fn answer(self, answer: T) {
        self.settle(State::Answered(answer));
    }

    fn settle(&self, state: State<T>) {
        let before = std::mem::replace(&mut *lock(&self.0), state);
        // Woken with the lock released: whoever wakes may poll at once.
        if let State::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let waiting = matches!(&*lock(&self.0), State::Waiting(_));
        if waiting {
            self.settle(State::Over);
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = lock(&self.0);
        if let State::Waiting(waker) = &mut *state {
            match waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => *waker = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        Poll::Ready(match std::mem::replace(&mut *state, State::Over) {
            State::Answered(answer) => Ok(answer),
            State::Waiting(_) | State::Over => Err(Error::Stopped),
        })
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner) // no code that can panic runs under it
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Wake;

    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn wait<F: Future>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut future = std::pin::pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            std::thread::park();
        }
    }

    #[test]
    fn an_answer_arrives_before_or_after_it_is_awaited() {
        let (promise, answer) = oneshot();
        promise.answer(1);
        assert_eq!(wait(answer).unwrap(), 1);

        let (promise, answer) = oneshot();
        let thread = std::thread::spawn(move || promise.answer(2));
        assert_eq!(wait(answer).unwrap(), 2);
        thread.join().unwrap();
    }

    #[test]
    fn a_broken_promise_is_an_error() {
        let (promise, answer) = oneshot::<()>();
        let thread = std::thread::spawn(move || drop(promise));
        assert!(matches!(wait(answer), Err(Error::Stopped)));
        thread.join().unwrap();
    }

    #[test]
    fn a_promise_knows_whether_anybody_waits() {
        let (promise, answer) = oneshot::<()>();
        assert!(promise.is_wanted());
        drop(answer);
        assert!(!promise.is_wanted());
    }
}
