//! What must be one for all shards: the contract of a registry.

use core::future::Future;
use core::num::NonZeroU32;

use tenancy::store::{Claim, Commit};
use tenancy::{CommitId, OrganizationId};
use uuid::Uuid;

/// What is unique over all shards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A claim, such as a domain's name (D2).
    Claim(Claim),
    /// The id of a commit that a host brought (A6).
    Commit(CommitId),
}

/// A row of the registry: a name, and the organization that holds it or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub name: Name,
    /// Whose it is, or is about to be.
    pub organization: OrganizationId,
    /// The attempt that wrote the row. A row that goes and comes again is another attempt's.
    pub attempt: Uuid,
    /// The commit, if the attempt isn't finished.
    pub pending: Option<Commit>,
}

/// A commit that has reserved names and isn't finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id, a UUID of version 7: it tells when it was begun.
    pub id: Uuid,
    /// The commit.
    pub commit: Commit,
}

/// What became of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "names that are in others' hands are not reserved"]
pub enum Reserved {
    /// All names are reserved.
    All,
    /// None is: these rows were in the way. They may be gone by now; if there are none, they are.
    None(Vec<Row>),
}

/// Where an organization lives that isn't where its hash says, or that once wasn't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The organization.
    pub organization: OrganizationId,
    /// The name of the shard that is asked for it.
    pub shard: String,
    /// Rises whenever this row is written.
    pub generation: u64,
    /// While it is moved: the shard that it comes from, and the one that it goes to.
    pub moving: Option<(String, String)>,
}

/// All exceptions, of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Rises whenever an exception is written.
    pub epoch: u64,
    /// The exceptions.
    pub exceptions: Vec<Exception>,
}

/// What must be one for all shards: names, and where organizations live. One registry serves a deployment.
///
/// Each method is one transaction: it sees what every method that has returned has written, and is done or not done
/// whatever happens, also when its future is dropped. What it writes is durable when it returns. The crate's
/// documentation proves promise 3 from what is said here.
pub trait Registry: Send + Sync {
    /// What can go wrong in the registry.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Writes an attempt with its commit, and a row for each of the names, which are not empty; or nothing, if there is
    /// a row for one of them already, whosever it is.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry, when it isn't known whether names were reserved.
    fn reserve(
        &self,
        attempt: Uuid,
        names: &[Name],
        commit: &Commit,
    ) -> impl Future<Output = Result<Reserved, Self::Error>> + Send;

    /// Deletes an attempt and its rows, unless somebody helps with it. `false`: it is finished already, or is helped
    /// with.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn abort(&self, attempt: Uuid) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Marks an attempt, so that it can't be aborted any more. `false`: there is none.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn help(&self, attempt: Uuid) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Deletes an attempt, and those of its rows whose name is none of these.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn finish(
        &self,
        attempt: Uuid,
        held: &[Name],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Deletes the row of a name, if it is this attempt's and the attempt is finished.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn free(
        &self,
        name: &Name,
        attempt: Uuid,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Writes the rows of names that an organization holds already, as those of a finished attempt, and answers the
    /// rows that are another's and stay.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry. Some of the rows may have been written.
    fn enroll(
        &self,
        organization: OrganizationId,
        attempt: Uuid,
        names: &[Name],
    ) -> impl Future<Output = Result<Vec<Row>, Self::Error>> + Send;

    /// The rows of these names.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn rows(&self, names: &[Name]) -> impl Future<Output = Result<Vec<Row>, Self::Error>> + Send;

    /// Attempts that aren't finished, by id, those behind one of them.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn attempts(
        &self,
        after: Option<Uuid>,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Vec<Attempt>, Self::Error>> + Send;

    /// The rows of claims whose attempt is finished, in an order that doesn't change, those behind one of them.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn claims(
        &self,
        after: Option<&Claim>,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Vec<Row>, Self::Error>> + Send;

    /// All exceptions.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn places(&self) -> impl Future<Output = Result<Places, Self::Error>> + Send;

    /// The epoch of all exceptions, and that of one organization if it has one, of one moment.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry.
    fn place(
        &self,
        organization: Option<OrganizationId>,
    ) -> impl Future<Output = Result<(u64, Option<Exception>), Self::Error>> + Send;

    /// Writes an exception in the place of the one of the generation before it (0: there is none yet), and raises the
    /// epoch. `false`: somebody else was first, and nothing was written.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the registry, when it isn't known whether it was written.
    fn set_place(
        &self,
        exception: &Exception,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Whether an error says for certain that nothing was written and nothing will be. By default nobody knows.
    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

impl Name {
    /// The number of its scope and its key in it: what a registry keeps. A claim's are its own; a commit's id is in
    /// scope 0.
    #[must_use]
    pub fn filed(&self) -> (u8, String) {
        match self {
            Self::Claim(claim) => {
                let (scope, key) = claim.filed();
                (scope, key.to_owned())
            }
            Self::Commit(id) => (0, id.to_string()),
        }
    }

    /// The name that is [filed](Self::filed) like this; `None` of a scope that this version doesn't know.
    ///
    /// ```
    /// use tenancy::store::Claim;
    /// use tenancy_sharded::Name;
    ///
    /// let claim = Claim::from_filed(1, "acme").map(Name::Claim);
    /// assert_eq!(claim, Name::from_filed(1, "acme"));
    /// assert_eq!(Name::from_filed(0, "no id"), None);
    /// ```
    #[must_use]
    pub fn from_filed(scope: u8, key: &str) -> Option<Self> {
        match scope {
            0 => Some(Self::Commit(key.parse().ok()?)),
            _ => Some(Self::Claim(Claim::from_filed(scope, key)?)),
        }
    }
}
