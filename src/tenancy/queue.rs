//! The queue of an organization's commands, within one process.

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::OrganizationId;

/// So that those of different organizations hardly ever wait for the same lock.
const STRIPES: usize = 64;

/// Who waits, by organization, in the order in which they came. Whoever is first has their turn.
pub(crate) struct Queue {
    stripes: [Mutex<Stripe>; STRIPES],
}

#[derive(Default)]
struct Stripe {
    came: u64,
    waiting: HashMap<OrganizationId, VecDeque<Waiting>>,
}

struct Waiting {
    number: u64,
    waker: Option<Waker>,
}

/// A place in the queue. Dropped, it is given up, whether its turn has come or not, and the next one's comes.
#[must_use = "dropped, the turn is over"]
pub(crate) struct Turn<'a> {
    queue: &'a Queue,
    organization: OrganizationId,
    number: u64,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            stripes: core::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Waits for the turn.
    pub(crate) async fn turn(&self, organization: OrganizationId) -> Turn<'_> {
        let number = self.stripe(organization).enter(organization);
        let turn = Turn {
            queue: self,
            organization,
            number,
        };
        poll_fn(|context| turn.poll(context)).await;
        turn
    }

    fn stripe(&self, organization: OrganizationId) -> MutexGuard<'_, Stripe> {
        let [.., last] = *organization.as_uuid().as_bytes();
        let [first, ..] = &self.stripes;
        let stripe = self.stripes.get(usize::from(last) % STRIPES);
        let stripe = stripe.unwrap_or(first).lock();
        stripe.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stripe {
    fn enter(&mut self, organization: OrganizationId) -> u64 {
        self.came = self.came.wrapping_add(1);
        let number = self.came;
        let waiting = self.waiting.entry(organization).or_default();
        waiting.push_back(Waiting {
            number,
            waker: None,
        });
        number
    }

    /// Gives a place up. Whose turn has come by that is to be woken.
    fn leave(&mut self, organization: OrganizationId, number: u64) -> Option<Waker> {
        let waiting = self.waiting.get_mut(&organization)?;
        let was_first = waiting.front()?.number == number;
        waiting.retain(|waiting| waiting.number != number);
        if waiting.is_empty() {
            self.waiting.remove(&organization);
            return None;
        }
        let next = waiting.front_mut().filter(|_| was_first)?;
        next.waker.take()
    }
}

impl Turn<'_> {
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut stripe = self.queue.stripe(self.organization);
        let waiting = stripe.waiting.entry(self.organization).or_default();
        let place = waiting.iter().position(|one| one.number == self.number);
        match place.and_then(|place| waiting.get_mut(place).filter(|_| place > 0)) {
            Some(waiting) => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = self
            .queue
            .stripe(self.organization)
            .leave(self.organization, self.number);
        if let Some(next) = next {
            next.wake(); // with no lock held
        }
    }
}
