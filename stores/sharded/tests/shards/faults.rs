//! A store or a registry whose caller stops, or whose line is cut, at a step that is chosen beforehand.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tenancy::store::{
    Claim, Commit, Directory, Facts, Held, Item, Key, List, Movable, Outcome, Repository,
};
use tenancy::{OrganizationId, Resource, UserId, Version};
use tenancy_sharded::{Attempt, Exception, Feed, Lists, Name, Places, Registry, Reserved, Row};
use uuid::Uuid;

/// What a handle goes through: a step before each call and one after it, counted together for all that it calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(Arc<Chosen>);

#[derive(Debug, Default)]
struct Chosen {
    taken: AtomicUsize,
    at: Option<usize>,
    fault: Option<Fault>,
    resumed: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing goes on until [`Steps::resume`].
    Stop,
    /// The line is cut, and nobody knows what became of the call.
    Cut,
    /// From here on there is no way to what is called, and who calls knows it.
    Away,
}

impl Steps {
    pub(crate) fn at(step: usize, fault: Fault) -> Self {
        Self(Arc::new(Chosen {
            at: Some(step),
            fault: Some(fault),
            ..Chosen::default()
        }))
    }

    /// Whether the chosen step was reached.
    pub(crate) fn reached(&self) -> bool {
        let taken = self.0.taken.load(Ordering::SeqCst);
        self.0.at.is_some_and(|at| taken > at)
    }

    pub(crate) fn resume(&self) {
        self.0.resumed.store(true, Ordering::SeqCst);
    }

    async fn step(&self) -> Result<(), Fault> {
        let step = self.0.taken.fetch_add(1, Ordering::SeqCst);
        let here = self.0.at == Some(step);
        match self.0.fault {
            Some(Fault::Stop) if here => {
                poll_fn(|_| {
                    if self.0.resumed.load(Ordering::SeqCst) {
                        Poll::Ready(Ok(()))
                    } else {
                        Poll::Pending
                    }
                })
                .await
            }
            Some(Fault::Cut) if here => Err(Fault::Cut),
            Some(Fault::Away) if self.0.at.is_some_and(|at| step >= at) => Err(Fault::Away),
            _ => Ok(()),
        }
    }
}

/// Polls a future until it is done or stands still.
pub(crate) fn drive<T>(future: &mut Pin<Box<impl Future<Output = T>>>) -> Option<T> {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// What is called, behind the steps of who calls it.
#[derive(Clone, Debug)]
pub(crate) struct Behind<T> {
    pub(crate) inner: T,
    pub(crate) steps: Steps,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken<E> {
    #[error("{0:?}")]
    Line(Fault),
    #[error(transparent)]
    Own(E),
}

macro_rules! behind {
    ($of:ident: $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {$(
        async fn $name(&self, $($argument: $type),*) -> Result<$answer, Self::Error> {
            self.steps.step().await.map_err(Broken::Line)?;
            let answer = $of::$name(&self.inner, $($argument),*).await;
            // Only what may have been done can be cut off from its answer.
            match self.steps.step().await {
                Err(Fault::Cut) => Err(Broken::Line(Fault::Cut)),
                _ => answer.map_err(Broken::Own),
            }
        }
    )+};
}

impl<T: Repository> Repository for Behind<T> {
    type Error = Broken<T::Error>;

    behind! { Repository:
        load(id: OrganizationId, keys: &[Key]) -> Option<Facts>;
        commit(commit: &Commit) -> Outcome;
        standing(user: UserId, resource: Resource) -> Option<Held>;
    }

    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        matches!(error, Broken::Line(Fault::Away))
    }
}

impl<T: Directory> Directory for Behind<T> {
    behind! { Directory:
        list(list: &List, limit: NonZeroU32) -> Vec<Item>;
        claimed_by(claim: &Claim) -> Option<OrganizationId>;
    }
}

impl<T: Movable> Movable for Behind<T> {
    type Moved = T::Moved;

    behind! { Movable:
        close(organization: OrganizationId, by: u64) -> bool;
        pack(organization: OrganizationId) -> Option<T::Moved>;
        unpack(organization: OrganizationId, by: u64, moved: &T::Moved) -> bool;
        erase(organization: OrganizationId, by: u64) -> bool;
        open(organization: OrganizationId, by: u64) -> bool;
    }
}

impl<T: Registry> Registry for Behind<T> {
    type Error = Broken<T::Error>;

    behind! { Registry:
        reserve(attempt: Uuid, names: &[Name], commit: &Commit) -> Reserved;
        abort(attempt: Uuid) -> bool;
        help(attempt: Uuid) -> bool;
        finish(attempt: Uuid, held: &[Name]) -> ();
        free(name: &Name, attempt: Uuid) -> ();
        enroll(organization: OrganizationId, attempt: Uuid, names: &[Name]) -> Vec<Row>;
        rows(names: &[Name]) -> Vec<Row>;
        attempts(after: Option<Uuid>, limit: NonZeroU32) -> Vec<Attempt>;
        claims(after: Option<&Claim>, limit: NonZeroU32) -> Vec<Row>;
        places() -> Places;
        place(organization: Option<OrganizationId>) -> (u64, Option<Exception>);
        set_place(exception: &Exception) -> bool;
    }

    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        matches!(error, Broken::Line(Fault::Away))
    }
}

impl<T: Lists> Lists for Behind<T> {
    type Error = Broken<T::Error>;

    behind! { Lists:
        version(organization: OrganizationId) -> Version;
        feed(feed: &Feed) -> bool;
        list(list: &List, limit: NonZeroU32) -> Vec<Item>;
    }
}
