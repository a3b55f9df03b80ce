//! Waiting, meeting and giving up, on whatever runtime the store's author has: only wakers and, for
//! the clock, a thread.

use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::harness::Harness;
use crate::report::Failure;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A task that was started, and its answer.
pub(crate) struct Started<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    answer: Option<T>,
    gone: bool,
    waker: Option<Waker>,
}

/// Starts a task beside the check.
pub(crate) fn start<H: Harness, T: Send + 'static>(
    harness: &H,
    task: impl Future<Output = T> + Send + 'static,
) -> Started<T> {
    let slot = Arc::new(Mutex::new(Slot {
        answer: None,
        gone: false,
        waker: None,
    }));
    let end = End(Arc::clone(&slot));
    harness.spawn(Box::pin(async move {
        let answer = task.await;
        lock(&end.0).answer = Some(answer);
        drop(end);
    }));
    Started(slot)
}

/// Says that the task is over, however it ended.
struct End<T>(Arc<Mutex<Slot<T>>>);

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        let mut slot = lock(&self.0);
        slot.gone = true;
        if let Some(waker) = slot.waker.take() {
            waker.wake();
        }
    }
}

impl<T> Future for Started<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = lock(&self.0);
        match slot.answer.take() {
            Some(answer) => Poll::Ready(Ok(answer)),
            None if slot.gone => Poll::Ready(Err(Failure::new("a concurrent call panicked"))),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Waits for all of them.
pub(crate) async fn all<T>(started: Vec<Started<T>>) -> Result<Vec<T>, Failure> {
    let mut answers = Vec::with_capacity(started.len());
    for task in started {
        answers.push(task.await?);
    }
    Ok(answers)
}

/// A place where so many tasks wait for each other, once.
pub(crate) struct Meeting {
    state: Mutex<(usize, Vec<Waker>)>,
}

impl Meeting {
    pub(crate) fn of(tasks: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new((tasks, Vec::new())),
        })
    }

    /// Waits until all are here. It must be awaited once by each.
    pub(crate) async fn everybody(&self) {
        let mut here = false;
        poll_fn(|context| {
            let mut state = lock(&self.state);
            if !here {
                here = true;
                state.0 = state.0.saturating_sub(1);
                if state.0 == 0 {
                    state.1.drain(..).for_each(Waker::wake);
                }
            }
            if state.0 == 0 {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// One who writes while others read: nobody is so fast that the others miss it.
///
/// Without it a writer in memory is through before the first reader has begun, and a check of what readers
/// see in the meantime holds of every store.
#[derive(Default)]
pub(crate) struct Pace {
    reads: AtomicU64,
    readers: AtomicUsize,
    over: AtomicBool,
}

impl Pace {
    /// Before the reader's task is started. It reads until the guard is gone.
    pub(crate) fn reader(self: &Arc<Self>) -> Reading {
        self.readers.fetch_add(1, Ordering::SeqCst);
        Reading(Arc::clone(self))
    }

    /// The readers go on until the guard is gone.
    pub(crate) fn writer(self: &Arc<Self>) -> Writing {
        Writing(Arc::clone(self))
    }
}

/// A reader, until it is dropped.
pub(crate) struct Reading(Arc<Pace>);

impl Reading {
    /// Whether the writer was through: the read that begins now is the last.
    pub(crate) fn is_last(&self) -> bool {
        self.0.over.load(Ordering::SeqCst)
    }

    /// One more read is done.
    pub(crate) async fn done(&self) {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        step_aside().await;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The writer, until it is dropped, whether it succeeded or not.
pub(crate) struct Writing(Arc<Pace>);

impl Writing {
    /// Waits until somebody has read since the last time, or nobody reads any more: so the next commit meets
    /// a read that has begun.
    pub(crate) async fn until_read(&self, before: u64) -> u64 {
        loop {
            let reads = self.0.reads.load(Ordering::SeqCst);
            if reads > before || self.0.readers.load(Ordering::SeqCst) == 0 {
                return reads;
            }
            pause(Duration::from_micros(100)).await;
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

/// Polls a future so many times at the most, then drops it. Its answer, if it came to one.
pub(crate) async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left = left.saturating_sub(1);
        match future.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Lets others go first, once: a loop of calls that are always ready would keep them out.
pub(crate) async fn step_aside() {
    let mut aside = false;
    poll_fn(|context| {
        if aside {
            return Poll::Ready(());
        }
        aside = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The future's answer, unless it takes too long.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = Timer::new(limit);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Pin::new(&mut timer).poll(context).map(|()| None),
    })
    .await
}

/// Waits.
pub(crate) fn pause(duration: Duration) -> Timer {
    Timer::new(duration)
}

/// A clock that belongs to no runtime. The thread is started at the first poll, and ends with the timer.
pub(crate) struct Timer {
    duration: Duration,
    bell: Option<Arc<Bell>>,
}

#[derive(Default)]
struct Bell {
    state: Mutex<Rung>,
    stopped: Condvar,
}

#[derive(Default)]
struct Rung {
    over: bool,
    unwanted: bool,
    waker: Option<Waker>,
}

impl Timer {
    fn new(duration: Duration) -> Self {
        Self {
            duration,
            bell: None,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.duration.is_zero() {
            return Poll::Ready(());
        }
        let duration = self.duration;
        let bell = self.bell.get_or_insert_with(|| {
            let bell = Arc::new(Bell::default());
            let ours = Arc::clone(&bell);
            drop(thread::spawn(move || ours.ring_after(duration)));
            bell
        });
        let mut state = lock(&bell.state);
        if state.over {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(bell) = &self.bell {
            lock(&bell.state).unwanted = true;
            bell.stopped.notify_all();
        }
    }
}

impl Bell {
    fn ring_after(&self, duration: Duration) {
        let state = lock(&self.state);
        let (mut state, _) = self
            .stopped
            .wait_timeout_while(state, duration, |state| !state.unwanted)
            .unwrap_or_else(PoisonError::into_inner);
        state.over = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use core::future::{pending, ready};

    use super::*;

    #[test]
    fn what_is_late_is_given_up() {
        let late = within(Duration::from_millis(5), pending::<()>());
        assert_eq!(tenancy::block_on(late), None);
        let prompt = within(Duration::from_secs(60), ready(7));
        assert_eq!(tenancy::block_on(prompt), Some(7));
    }

    #[test]
    fn a_cut_future_is_polled_so_often_and_no_more() {
        for cuts in 0..5 {
            let mut polls = 0;
            let counting = poll_fn(|context| {
                polls += 1;
                context.waker().wake_by_ref();
                if polls == 3 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            let answer = tenancy::block_on(cut(cuts, counting));
            assert_eq!(answer.is_some(), cuts >= 3);
            assert_eq!(polls, cuts.min(3));
        }
    }

    #[test]
    fn those_who_meet_go_on_together() {
        let meeting = Meeting::of(3);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let meeting = Arc::clone(&meeting);
                thread::spawn(move || tenancy::block_on(meeting.everybody()))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
