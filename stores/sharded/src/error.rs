//! What can go wrong in a store made of stores.

/// What went wrong in a shard or in the registry: never a rule's "no", never a lost race.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<S, R> {
    /// A shard failed, or the way to it.
    #[error("shard `{shard}` failed")]
    Shard {
        /// The shard's name.
        shard: String,
        /// What it said.
        source: S,
    },
    /// The registry failed, or the way to it.
    #[error("the registry failed")]
    Registry(#[source] R),
    /// Something failed before a commit was begun: nothing of it was written.
    #[error(
        "nothing was written, because the names that the commit wants could not be looked into"
    )]
    NotBegun(#[source] Box<Self>),
    /// Something failed after names were reserved: the commit may still be made, by somebody who meets them.
    #[error("the commit is under way and may still be made, but something failed")]
    UnderWay(#[source] Box<Self>),
    /// A commit that has reserved names can be neither made nor given up: its shard says that somebody on it holds one
    /// of them, and the registry doesn't know of it. Enroll what the shard held before it was one.
    #[error(
        "commit `{commit}` can be neither made nor given up, because shard `{shard}` holds one of its names for an \
         organization that the registry doesn't know of: enroll the shard's organizations"
    )]
    NotEnrolled {
        /// The commit.
        commit: tenancy::CommitId,
        /// The shard.
        shard: String,
    },
    /// A commit that has reserved names met others again and again. It may still be made. Try again.
    #[error("commit `{commit}` met others again and again, and may still be made: try again")]
    Contended {
        /// The commit.
        commit: tenancy::CommitId,
    },
    /// An organization lives on a shard that this process was not given: start it with all shards.
    #[error(
        "an organization lives on shard `{shard}`, which this process doesn't know: start it with all shards"
    )]
    UnknownShard {
        /// The shard's name.
        shard: String,
    },
    /// An organization was not moved, or only half-way: others move it at the same time, or the shard that it is to go
    /// to has one of its id, which something else has put there. Look there, and try again.
    #[error(
        "organization `{organization}` was not moved: others move it, or something else has put one of its id there; \
         try again"
    )]
    NotMoved {
        /// The organization.
        organization: tenancy::OrganizationId,
    },
    /// Two shards have one name, or there is none.
    #[error("the names of shards must be different, and there must be one that isn't a guest")]
    Names,
    /// The operating system gave no randomness. Nothing happened.
    #[error("the operating system gave no randomness, and nothing was written")]
    Entropy,
}
